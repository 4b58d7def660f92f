/*
 * conn.c - life and input of a framed stream socket; conn_send.c has the output.
 *
 * Where unparsed input lies, in order of arrival (at most one of the first two is in use):
 *
 *   head      fewer than 8 bytes of a frame: its length is not known yet
 *   partial   a frame whose length is known and checked, in memory of exactly its size
 *   input     bytes behind those, from the same read: in the scratch, or in input_chunk when
 *             another connection needed the scratch meanwhile
 *
 * conn_read fills, conn_next_body empties. A peer that sends one long frame is likely to send
 * another of the same size (a fragmented message): its next read goes to memory of that size at
 * once, and is put back in line when the guess was wrong.
 *
 * Descriptors. The kernel ends a read behind the piece of data that descriptors came with, so one
 * read brings at most one set. While a set waits for the rest of its frame only that frame is read;
 * so two honest sets never meet in the queue.
 */
#include "libipc/conn.h"

#include <assert.h>
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "libipc/base/error.h"
#include "libipc/base/fd.h"
#include "libipc/conn_send.h"

/* What the kernel passes at once: a surplus must be seen to be closed and punished. */
#define CONN_FDS_MAX 253u
/* One read, and the most that a wrong guess puts before it. */
#define CONN_LONG_BYTES (16u << 10)
#define CONN_SCRATCH_BYTES (LIMIT_READ_BYTES + LIMIT_FRAME_PREFIX_BYTES + CHUNK_BYTES)

int conn_scratch_init(struct conn_scratch *s) {
        *s = (struct conn_scratch){ 0 };
        s->bytes = malloc(CONN_SCRATCH_BYTES);
        return s->bytes ? 0 : error_origin(ENOMEM);
}

static void scratch_release_frame(struct conn_scratch *s) {
        if (!s->frame_owner)
                return;

        for (size_t i = 0; i < s->frame.extra.n_fds; i++)
                s->frame_fds[i] = fd_close(s->frame_fds[i]);
        wire_frame_deinit(&s->frame);
        s->frame_chunk = chunk_unref(s->frame_chunk, &s->pool);
        s->frame_owner = NULL;
}

void conn_scratch_deinit(struct conn_scratch *s) {
        assert(!s->input_owner && !s->frame_owner);
        chunk_pool_deinit(&s->pool);
        free(s->bytes);
        s->bytes = NULL;
}

int conn_init_take(struct conn *c, int fd, struct conn_scratch *scratch) {
        int r;

        *c = (struct conn){
                .fd = fd,
                .scratch = scratch,
                .max_frame = LIMIT_FRAME_HELLO_BYTES,
        };
        r = fd_set_nonblock(fd, true);
        if (r < 0) {
                c->fd = fd_close(fd);
                return error_trace(r);
        }
        return 0;
}

static void conn_drop_input(struct conn *c) {
        struct conn_scratch *const s = c->scratch;

        if (s->input_owner == c)
                s->input_owner = NULL;
        c->input_chunk = chunk_unref(c->input_chunk, &s->pool);
        c->input = NULL;
        c->n_input = 0;
}

void conn_deinit(struct conn *c) {
        struct conn_scratch *const s = c->scratch;

        if (!s)
                return;
        if (s->frame_owner == c)
                scratch_release_frame(s);
        conn_drop_input(c);
        c->partial = chunk_unref(c->partial, &s->pool);
        while (c->n_fds > 0)
                fd_close(c->fds[--c->n_fds]);
        conn_drop_output(c);
        c->fd = fd_close(c->fd);
        c->is_ended = true;
}

static int conn_violate(struct conn *c, const char *reason) {
        c->is_ended = true;
        c->reason = reason;
        return CONN_E_VIOLATION;
}

static int conn_fail(struct conn *c, int error) {
        c->is_ended = true;
        c->error = error;
        return error_trace(error);
}

/* What an ended connection has to say: to everything the same. */
static int conn_ended(const struct conn *c) {
        if (c->error < 0)
                return error_trace(c->error);
        return c->reason ? CONN_E_VIOLATION : CONN_E_EOF;
}

/* The scratch is wanted by another connection: what is unparsed moves to memory of its own. */
static void conn_leave_scratch(struct conn *c) {
        struct conn_scratch *const s = c->scratch;
        struct chunk *chunk;

        chunk = chunk_new(&s->pool, c->n_input);
        if (!chunk) {
                conn_drop_input(c);
                conn_fail(c, error_origin(ENOMEM));
                return;
        }
        memcpy(chunk->bytes, c->input, c->n_input);
        c->input_chunk = chunk;
        c->input = chunk->bytes;
        s->input_owner = NULL;
}

/* Reading. */

struct conn_input {
        struct iovec pieces[3];
        int n_pieces;
        struct chunk *guess; /* memory for a frame like the last long one */
};

static void input_add(struct conn_input *in, void *bytes, size_t len) {
        in->pieces[in->n_pieces++] = (struct iovec){ .iov_base = bytes, .iov_len = len };
}

static size_t input_len(const struct conn_input *in) {
        size_t len = 0;

        for (int i = 0; i < in->n_pieces; i++)
                len += in->pieces[i].iov_len;
        return len;
}

static bool conn_is_at_boundary(const struct conn *c) {
        return !c->partial && c->n_head == 0 && c->n_fds == 0;
}

/* Length of the body, which follows the prefix. */
static uint32_t prefix_body_len(const uint8_t *prefix) {
        uint32_t len;

        memcpy(&len, prefix, sizeof(len));
        return le32toh(len);
}

static uint32_t prefix_values_len(const uint8_t *prefix) {
        return prefix_body_len(prefix + 4);
}

/* Behind a long frame only the next prefix is read: what follows goes to memory of its own, too. */
static bool conn_fills_long(const struct conn *c, const struct conn_input *in) {
        return in->guess || (c->partial && c->partial_size - c->partial->len >= CONN_LONG_BYTES);
}

static void conn_prepare_read(struct conn *c, struct conn_input *in) {
        struct conn_scratch *const s = c->scratch;
        const uint32_t guess_len = prefix_body_len(c->long_prefix);

        if (conn_is_at_boundary(c) && guess_len > 0)
                in->guess = chunk_new(&s->pool, guess_len);
        if (in->guess) {
                input_add(in, c->head, sizeof(c->head));
                input_add(in, in->guess->bytes, guess_len);
        } else if (c->partial) {
                input_add(in, c->partial->bytes + c->partial->len,
                          c->partial_size - c->partial->len);
        } else {
                memcpy(s->bytes, c->head, c->n_head);
        }

        if (c->n_fds == 0)
                input_add(in, s->bytes + c->n_head,
                          conn_fills_long(c, in) ? LIMIT_FRAME_PREFIX_BYTES : LIMIT_READ_BYTES);
        else if (!c->partial)
                input_add(in, s->bytes + c->n_head, sizeof(c->head) - c->n_head);
}

static void conn_set_input(struct conn *c, size_t len) {
        c->input = c->scratch->bytes;
        c->n_input = len;
        c->scratch->input_owner = len > 0 ? c : NULL;
}

/* `n` bytes arrived in head, guess and scratch, in this order. */
static void conn_accept_guess(struct conn *c, struct chunk *guess, size_t n) {
        struct conn_scratch *const s = c->scratch;
        const size_t guess_len = prefix_body_len(c->long_prefix);
        const size_t n_head = n < sizeof(c->head) ? n : sizeof(c->head);
        const size_t n_guess = n - n_head < guess_len ? n - n_head : guess_len;
        const size_t n_rest = n - n_head - n_guess;

        if (n_head == sizeof(c->head) && memcmp(c->head, c->long_prefix, n_head) == 0) {
                guess->len = n_guess;
                c->partial = guess;
                c->partial_size = guess_len;
                c->partial_values_len = prefix_values_len(c->head);
                conn_set_input(c, n_rest);
                return;
        }

        memset(c->long_prefix, 0, sizeof(c->long_prefix));
        memmove(s->bytes + n_head + n_guess, s->bytes, n_rest);
        memcpy(s->bytes + n_head, guess->bytes, n_guess);
        memcpy(s->bytes, c->head, n_head);
        chunk_unref(guess, &s->pool);
        conn_set_input(c, n);
}

static void conn_accept(struct conn *c, struct conn_input *in, size_t n) {
        c->n_bytes_read += n;
        if (in->guess) {
                conn_accept_guess(c, in->guess, n);
        } else if (c->partial) {
                const size_t wanted = c->partial_size - c->partial->len;
                const size_t got = n < wanted ? n : wanted;

                c->partial->len += got;
                conn_set_input(c, n - got);
        } else {
                conn_set_input(c, c->n_head + n);
                c->n_head = 0;
        }
}

static bool conn_take_descriptors(struct conn *c, struct msghdr *message) {
        bool is_surplus = (message->msg_flags & MSG_CTRUNC) != 0;

        for (struct cmsghdr *h = CMSG_FIRSTHDR(message); h; h = CMSG_NXTHDR(message, h)) {
                if (h->cmsg_level != SOL_SOCKET || h->cmsg_type != SCM_RIGHTS)
                        continue;
                for (size_t at = CMSG_LEN(0); at + sizeof(int) <= h->cmsg_len; at += sizeof(int)) {
                        int fd;

                        memcpy(&fd, (const uint8_t *)h + at, sizeof(fd));
                        if (c->n_fds < LIMIT_FRAME_FDS) {
                                c->fds[c->n_fds++] = fd;
                        } else {
                                is_surplus = true;
                                fd_close(fd);
                        }
                }
        }
        return !is_surplus;
}

static int conn_receive(struct conn *c, struct conn_input *in) {
        union {
                char bytes[CMSG_SPACE(CONN_FDS_MAX * sizeof(int))];
                struct cmsghdr header;
        } control;
        struct msghdr message = {
                .msg_iov = in->pieces,
                .msg_iovlen = (size_t)in->n_pieces,
                .msg_control = &control,
                .msg_controllen = sizeof(control),
        };
        ssize_t n;

        do
                n = recvmsg(c->fd, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
        while (n < 0 && errno == EINTR);
        if (n > 0) {
                const bool is_clean = conn_take_descriptors(c, &message);

                c->may_have_more = (size_t)n == input_len(in);
                conn_accept(c, in, (size_t)n);
                return is_clean ? CONN_OK : conn_violate(c, "too many descriptors at once");
        }

        c->may_have_more = false;
        chunk_unref(in->guess, &c->scratch->pool);
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
                return CONN_E_AGAIN;
        if (n < 0 && errno != ECONNRESET)
                return conn_fail(c, error_origin(errno));
        c->is_ended = true;
        return CONN_E_EOF;
}

int conn_read(struct conn *c) {
        struct conn_scratch *const s = c->scratch;
        struct conn_input in = { .n_pieces = 0 };

        scratch_release_frame(s);
        if (c->is_ended)
                return conn_ended(c);
        if (c->n_input > 0)
                return CONN_OK;
        if (c->partial && c->partial->len == c->partial_size)
                return CONN_OK;
        if (s->input_owner)
                conn_leave_scratch(s->input_owner);

        conn_prepare_read(c, &in);
        return conn_receive(c, &in);
}

/* Splitting. */

static const char *conn_check_prefix(const struct conn *c, const uint8_t *prefix) {
        const uint32_t body_len = prefix_body_len(prefix);
        const uint32_t values_len = prefix_values_len(prefix);

        if (body_len > c->max_frame)
                return "the frame is longer than allowed";
        if (values_len > body_len || values_len > LIMIT_FRAME_VALUES_BYTES)
                return "the frame's values are longer than allowed";
        if (body_len - values_len > LIMIT_FRAME_HEADER_BYTES)
                return "the frame's header is longer than allowed";
        return NULL;
}

/* One body to parse: in `chunk` (whose reference moves) or in the scratch. */
struct conn_body {
        const uint8_t *bytes;
        size_t len, values_len;
        struct chunk *chunk;
};

/* Nothing but descriptors may be left when all bytes are parsed, and those are a violation. */
static int conn_end_input(struct conn *c) {
        conn_drop_input(c);
        if (c->n_fds > 0 && !c->partial && c->n_head == 0)
                return conn_violate(c, "descriptors that no frame claims");
        return CONN_E_AGAIN;
}

static int conn_save_head(struct conn *c) {
        /* A head that is waiting already stays: then there is no input. */
        if (c->n_input > 0) {
                memcpy(c->head, c->input, c->n_input);
                c->n_head = c->n_input;
        }
        return conn_end_input(c);
}

static int conn_save_partial(struct conn *c, size_t body_len, uint32_t values_len) {
        struct chunk *chunk;

        chunk = chunk_new(&c->scratch->pool, body_len);
        if (!chunk)
                return conn_fail(c, error_origin(ENOMEM));

        /* Only of a frame that did come to the scratch and had to be copied. */
        if (body_len <= CHUNK_BYTES && body_len > LIMIT_READ_BYTES / 2 &&
            c->n_input > LIMIT_FRAME_PREFIX_BYTES)
                memcpy(c->long_prefix, c->input, sizeof(c->long_prefix));
        memcpy(chunk->bytes, c->input + LIMIT_FRAME_PREFIX_BYTES,
               c->n_input - LIMIT_FRAME_PREFIX_BYTES);
        chunk->len = c->n_input - LIMIT_FRAME_PREFIX_BYTES;
        c->partial = chunk;
        c->partial_size = body_len;
        c->partial_values_len = values_len;
        return conn_end_input(c);
}

static int conn_next_partial(struct conn *c, struct conn_body *ret) {
        if (c->partial->len < c->partial_size)
                return conn_end_input(c);

        *ret = (struct conn_body){
                .bytes = c->partial->bytes,
                .len = c->partial_size,
                .values_len = c->partial_values_len,
                .chunk = take(c->partial),
        };
        return CONN_OK;
}

static int conn_next_body(struct conn *c, struct conn_body *ret) {
        const char *reason;
        size_t body_len;

        if (c->partial)
                return conn_next_partial(c, ret);
        if (c->n_input < LIMIT_FRAME_PREFIX_BYTES)
                return conn_save_head(c);

        reason = conn_check_prefix(c, c->input);
        if (reason)
                return conn_violate(c, reason);
        body_len = prefix_body_len(c->input);
        if (c->n_input - LIMIT_FRAME_PREFIX_BYTES < body_len)
                return conn_save_partial(c, body_len, prefix_values_len(c->input));

        *ret = (struct conn_body){
                .bytes = c->input + LIMIT_FRAME_PREFIX_BYTES,
                .len = body_len,
                .values_len = prefix_values_len(c->input),
                .chunk = c->input_chunk ? chunk_ref(c->input_chunk) : NULL,
        };
        c->input += LIMIT_FRAME_PREFIX_BYTES + body_len;
        c->n_input -= LIMIT_FRAME_PREFIX_BYTES + body_len;
        return CONN_OK;
}

/* Moves the descriptors that the frame claims from the queue to it. */
static void conn_claim_descriptors(struct conn *c, size_t n) {
        struct conn_scratch *const s = c->scratch;

        memcpy(s->frame_fds, c->fds, n * sizeof(*c->fds));
        c->n_fds -= n;
        memmove(c->fds, c->fds + n, c->n_fds * sizeof(*c->fds));
        s->frame.extra.fds = s->frame_fds;
}

static int conn_parse(struct conn *c, const struct conn_body *body) {
        struct conn_scratch *const s = c->scratch;
        int r;

        r = wire_parse(body->bytes, body->len, body->values_len, &s->frame, &c->reason);
        if (r == WIRE_E_MALFORMED)
                return conn_violate(c, c->reason);
        if (r < 0)
                return conn_fail(c, error_trace(r));
        if (s->frame.extra.n_fds > c->n_fds) {
                wire_frame_deinit(&s->frame);
                return conn_violate(c, "the frame claims descriptors that did not come");
        }
        conn_claim_descriptors(c, s->frame.extra.n_fds);
        return CONN_OK;
}

int conn_next(struct conn *c, struct wire_frame **ret) {
        struct conn_scratch *const s = c->scratch;
        struct conn_body body = { 0 };
        int r;

        scratch_release_frame(s);
        if (c->is_ended) {
                r = conn_ended(c);
                return r == CONN_E_EOF ? CONN_E_AGAIN : r;
        }

        r = conn_next_body(c, &body);
        if (r != CONN_OK)
                return r;
        r = conn_parse(c, &body);
        if (r != CONN_OK) {
                chunk_unref(body.chunk, &s->pool);
                return r;
        }

        s->frame_owner = c;
        s->frame_chunk = body.chunk;
        *ret = &s->frame;
        return CONN_OK;
}

struct chunk *conn_keep_frame(struct conn *c) {
        struct conn_scratch *const s = c->scratch;

        if (s->frame_owner != c || !s->frame_chunk)
                return NULL;
        return chunk_ref(s->frame_chunk);
}

int conn_take_fd(struct conn *c, size_t i) {
        struct conn_scratch *const s = c->scratch;
        int fd;

        assert(s->frame_owner == c && i < s->frame.extra.n_fds);
        fd = s->frame_fds[i];
        s->frame_fds[i] = -1;
        return fd;
}
