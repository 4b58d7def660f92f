/*
 * conn_send.c - the output queue of a connection.
 *
 * The queue is an array of segments, each a range of a chunk. Frames are appended to the tail chunk,
 * so that many small ones make one segment; long values that lie in a chunk already (a frame being
 * forwarded) become a segment of their own without being copied. A segment with descriptors starts a
 * system call of its own, because descriptors belong to the first byte of what is sent.
 *
 * Queuing is a transaction: everything that can fail comes before the first change.
 */
#include "libipc/conn_send.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "libipc/base/error.h"
#include "libipc/base/fd.h"

/* Below this a copy is cheaper than a segment. */
#define CONN_SHARE_BYTES (8u << 10)
/* From here on a caller's buffer is taken: less is copied faster than the caller makes a new one. */
#define CONN_TAKE_BYTES (16u << 10)
/* A message this much longer than a fragment goes in one frame: a round number and what describes it. */
#define CONN_FRAGMENT_SLACK_BYTES 512u
#define CONN_PIECES_MAX 64u
/* An idle connection keeps room for so many segments and no more. */
#define CONN_IDLE_SEGMENTS 4u

struct conn_fds {
        size_t n;
        int fds[LIMIT_FRAME_FDS];
};

struct conn_segment {
        struct chunk *chunk; /* a reference */
        size_t at, end;
        struct conn_fds *fds; /* ride on the first byte; owned; NULL once sent */
};

/* What a frame is made from: exactly one of the three. */
struct conn_frame {
        uint32_t seq;
        const struct wire_call *call;
        const struct wire_answer *answer;
        const Thox__Frame *message;
};

static struct conn_fds *conn_fds_free(struct conn_fds *fds) {
        if (!fds)
                return NULL;
        for (size_t i = 0; i < fds->n; i++)
                fd_close(fds->fds[i]);
        free(fds);
        return NULL;
}
DEFINE_CLEANUP(struct conn_fds *, conn_fds_free)

static int conn_fds_new(struct conn_fds **ret, const struct wire_extra *extra) {
        struct conn_fds *fds CLEANUP(conn_fds_freep) = NULL;

        if (extra->n_fds == 0)
                return 0;
        fds = calloc(1, sizeof(*fds));
        if (!fds)
                return error_origin(ENOMEM);

        for (; fds->n < extra->n_fds; fds->n++) {
                fds->fds[fds->n] = fcntl(extra->fds[fds->n], F_DUPFD_CLOEXEC, 0);
                if (fds->fds[fds->n] < 0)
                        return error_origin(errno);
        }
        *ret = take(fds);
        return 0;
}

static struct conn_segment *conn_last_segment(const struct conn *c) {
        if (c->n_segments == 0)
                return NULL;
        return &c->segments[c->first_segment + c->n_segments - 1];
}

static void conn_release_segment(struct conn *c, struct conn_segment *segment) {
        segment->chunk = chunk_unref(segment->chunk, &c->scratch->pool);
        segment->fds = conn_fds_free(segment->fds);
}

static void conn_pop_segment(struct conn *c) {
        /* First, so that the pool gives out the memory that was just read or written, not this. */
        if (c->n_segments == 1)
                c->tail = chunk_unref(c->tail, &c->scratch->pool);
        conn_release_segment(c, &c->segments[c->first_segment]);
        c->first_segment++;
        c->n_segments--;
}

/* Nothing is queued any more: give back what it took. */
static void conn_become_idle(struct conn *c) {
        assert(c->n_segments == 0 && c->out_bytes == 0);
        c->first_segment = 0;
        c->tail = chunk_unref(c->tail, &c->scratch->pool);
        if (c->cap_segments > CONN_IDLE_SEGMENTS) {
                free(c->segments);
                c->segments = NULL;
                c->cap_segments = 0;
        }
}

void conn_drop_output(struct conn *c) {
        while (c->n_segments > 0)
                conn_pop_segment(c);
        c->out_bytes = 0;
        conn_become_idle(c);
        free(c->segments);
        c->segments = NULL;
        c->cap_segments = 0;
}

static int conn_reserve_segments(struct conn *c, size_t n) {
        struct conn_segment *segments;
        size_t cap;

        if (c->first_segment + c->n_segments + n <= c->cap_segments)
                return 0;

        /* Moving down is amortised: only when at least half of the array is gone. */
        if (c->first_segment >= c->cap_segments / 2 && c->n_segments + n <= c->cap_segments) {
                memmove(c->segments, c->segments + c->first_segment,
                        c->n_segments * sizeof(*c->segments));
                c->first_segment = 0;
                return 0;
        }

        cap = c->cap_segments > 0 ? c->cap_segments * 2 : CONN_IDLE_SEGMENTS;
        segments = reallocarray(c->segments, cap, sizeof(*segments));
        if (!segments)
                return error_origin(ENOMEM);
        c->segments = segments;
        c->cap_segments = cap;
        return 0;
}

/* A tail chunk with room for `size` more bytes. */
static int conn_reserve_tail(struct conn *c, size_t size) {
        struct chunk *chunk;

        if (c->tail && c->tail->size - c->tail->len >= size)
                return 0;

        chunk = chunk_new(&c->scratch->pool, size > CHUNK_BYTES ? size : CHUNK_BYTES);
        if (!chunk)
                return error_origin(ENOMEM);
        chunk_unref(c->tail, &c->scratch->pool);
        c->tail = chunk;
        return 0;
}

/* Room for two more segments was reserved. */
static void conn_add_segment(
        struct conn *c, struct chunk *chunk, size_t at, size_t end, struct conn_fds *fds) {
        struct conn_segment *last = conn_last_segment(c);

        c->out_bytes += end - at;
        if (!fds && last && last->chunk == chunk && last->end == at) {
                last->end = end;
                return;
        }
        assert(c->first_segment + c->n_segments < c->cap_segments);
        c->segments[c->first_segment + c->n_segments++] = (struct conn_segment){
                .chunk = chunk_ref(chunk),
                .at = at,
                .end = end,
                .fds = fds,
        };
}

static size_t frame_size_max(const struct conn_frame *frame, const struct wire_extra *extra) {
        if (frame->call)
                return wire_call_size_max(frame->call, extra);
        if (frame->answer)
                return wire_answer_size_max(extra);
        return wire_size_max(frame->message, extra);
}

/* Writes the frame up to its values into the tail, which has the room. */
static void conn_put_tail(struct conn *c,
                          const struct conn_frame *frame,
                          const struct wire_extra *extra) {
        struct buf out = {
                .data = c->tail->bytes,
                .len = c->tail->len,
                .cap = c->tail->size,
                .max = c->tail->size,
        };
        int r;

        if (frame->call)
                r = wire_put_call(&out, frame->seq, frame->call, extra);
        else if (frame->answer)
                r = wire_put_answer(&out, frame->seq, frame->answer, extra);
        else
                r = wire_put(&out, frame->message, extra);
        assert(r == 0 && out.data == c->tail->bytes);
        c->tail->len = out.len;
}

/* The chunk that the current frame of `from` lies in, when its values are worth sharing. */
static struct chunk *conn_find_shared(const struct conn *from, const struct wire_extra *extra) {
        if (!from || from->scratch->frame_owner != from)
                return NULL;
        return extra && extra->values_len >= CONN_SHARE_BYTES ? from->scratch->frame_chunk : NULL;
}

/* What a frame or message has as values: bytes to copy, then bytes of a chunk to refer to. */
struct conn_values {
        const uint8_t *copied;
        size_t n_copied;
        struct chunk *shared;
        size_t at, n_shared;
};

static size_t values_len(const struct conn_values *v) {
        return v->n_copied + v->n_shared;
}

/* Those of `extra`, which lie in `shared` or not; it may be NULL. */
static struct conn_values values_of(const struct wire_extra *extra, struct chunk *shared) {
        bool is_shared = shared && extra->values >= shared->bytes &&
                         extra->values + extra->values_len <= shared->bytes + shared->size;

        if (!is_shared)
                return (struct conn_values){ .copied = extra->values,
                                             .n_copied = extra->values_len };
        return (struct conn_values){ .shared = shared,
                                     .at = (size_t)(extra->values - shared->bytes),
                                     .n_shared = extra->values_len };
}

/* Takes the first n bytes out of `v`. */
static struct conn_values values_split(struct conn_values *v, size_t n) {
        struct conn_values first = *v;

        first.n_copied = n < v->n_copied ? n : v->n_copied;
        first.n_shared = n - first.n_copied;
        if (first.n_copied > 0)
                v->copied += first.n_copied;
        v->n_copied -= first.n_copied;
        v->at += first.n_shared;
        v->n_shared -= first.n_shared;
        return first;
}

/* The values of `extra` are ignored. */
static int conn_queue(struct conn *c,
                      const struct conn_frame *frame,
                      const struct wire_extra *extra,
                      const struct conn_values *values) {
        struct conn_fds *fds CLEANUP(conn_fds_freep) = NULL;
        struct wire_extra whole = *extra;
        size_t size, start;
        int r;

        whole.values_len = values_len(values);
        size = frame_size_max(frame, &whole);
        if (c->out_bytes + size + whole.values_len > LIMIT_OUT_BYTES)
                return CONN_E_FULL;

        r = conn_fds_new(&fds, &whole);
        if (r == 0)
                r = conn_reserve_segments(c, 2);
        if (r == 0)
                r = conn_reserve_tail(c, size + values->n_copied);
        if (r < 0)
                return error_trace(r);

        start = c->tail->len;
        conn_put_tail(c, frame, &whole);
        if (values->n_copied > 0) {
                memcpy(c->tail->bytes + c->tail->len, values->copied, values->n_copied);
                c->tail->len += values->n_copied;
        }
        conn_add_segment(c, c->tail, start, c->tail->len, take(fds));
        if (values->n_shared > 0)
                conn_add_segment(c, values->shared, values->at, values->at + values->n_shared,
                                 NULL);
        return 0;
}

static int conn_queue_frame(struct conn *c,
                            const struct conn_frame *frame,
                            const struct wire_extra *extra,
                            struct conn *from) {
        static const struct wire_extra none;
        struct conn_values values;

        if (!extra)
                extra = &none;
        values = values_of(extra, conn_find_shared(from, extra));
        return error_trace(conn_queue(c, frame, extra, &values));
}

int conn_send_call(struct conn *c,
                   uint32_t seq,
                   const struct wire_call *call,
                   const struct wire_extra *extra,
                   struct conn *from) {
        const struct conn_frame frame = { .seq = seq, .call = call };

        return error_trace(conn_queue_frame(c, &frame, extra, from));
}

int conn_send_answer(struct conn *c,
                     uint32_t seq,
                     const struct wire_answer *answer,
                     const struct wire_extra *extra,
                     struct conn *from) {
        const struct conn_frame frame = { .seq = seq, .answer = answer };

        return error_trace(conn_queue_frame(c, &frame, extra, from));
}

int conn_send_shared(struct conn *c,
                     const Thox__Frame *message,
                     const struct wire_extra *extra,
                     struct conn *from) {
        const struct conn_frame frame = { .message = message };

        return error_trace(conn_queue_frame(c, &frame, extra, from));
}

int conn_send(struct conn *c, const Thox__Frame *message, const struct wire_extra *extra) {
        return error_trace(conn_send_shared(c, message, extra, NULL));
}

/* Long messages. */

struct conn_mark {
        size_t n_segments, last_end, out_bytes;
};

static struct conn_mark conn_mark(const struct conn *c) {
        const struct conn_segment *last = conn_last_segment(c);

        return (struct conn_mark){
                .n_segments = c->n_segments,
                .last_end = last ? last->end : 0,
                .out_bytes = c->out_bytes,
        };
}

/* Takes back what was queued since. Bytes already in the tail stay there, unused. */
static void conn_revert(struct conn *c, const struct conn_mark *mark) {
        while (c->n_segments > mark->n_segments) {
                conn_release_segment(c, conn_last_segment(c));
                c->n_segments--;
        }
        if (c->n_segments > 0)
                conn_last_segment(c)->end = mark->last_end;
        c->out_bytes = mark->out_bytes;
        if (c->n_segments == 0)
                conn_become_idle(c);
}

/* One frame after the other; `flags` are those of the call or answer that `frame` points to. */
static int conn_queue_pieces(struct conn *c,
                             const struct conn_frame *frame,
                             uint32_t *flags,
                             const struct wire_extra *extra,
                             struct conn_values values) {
        static const struct wire_extra more = { .more = true };
        int r;

        while (values_len(&values) > LIMIT_FRAGMENT_BYTES + CONN_FRAGMENT_SLACK_BYTES) {
                const struct conn_values piece = values_split(&values, LIMIT_FRAGMENT_BYTES);

                r = conn_queue(c, frame, &more, &piece);
                if (r != 0)
                        return error_trace(r);
                *flags |= WIRE_FLAG_CONTINUED;
        }
        return error_trace(conn_queue(c, frame, extra, &values));
}

static int conn_queue_long(struct conn *c,
                           const struct conn_frame *frame,
                           uint32_t *flags,
                           const struct wire_extra *extra,
                           const struct conn_values *values) {
        static const struct wire_extra none;
        const struct conn_mark mark = conn_mark(c);
        int r;

        if (values_len(values) > LIMIT_MESSAGE_BYTES)
                return error_origin(EMSGSIZE);

        r = conn_queue_pieces(c, frame, flags, extra ? extra : &none, *values);
        if (r != 0)
                conn_revert(c, &mark);
        return error_trace(r);
}

static int conn_queue_copy(struct conn *c,
                           const struct conn_frame *frame,
                           uint32_t *flags,
                           const struct wire_extra *extra) {
        struct conn_values values = { 0 };

        if (extra)
                values = values_of(extra, NULL);
        return error_trace(conn_queue_long(c, frame, flags, extra, &values));
}

/* With the content of `buf`, which is empty afterwards, and of `tail`, whose reference moves. */
static int conn_queue_take(struct conn *c,
                           const struct conn_frame *frame,
                           uint32_t *flags,
                           const struct wire_extra *extra,
                           struct buf *buf,
                           struct chunk *tail) {
        struct conn_values values = { .copied = buf->data, .n_copied = buf->len };
        int r;

        /* Without memory for the chunk the values are copied, which needs more: it will tell. */
        if (!tail && buf->len >= CONN_TAKE_BYTES) {
                tail = chunk_new_take(&c->scratch->pool, buf);
                values.n_copied = tail ? 0 : values.n_copied;
        }
        if (tail) {
                values.shared = tail;
                values.n_shared = tail->len;
        }

        r = conn_queue_long(c, frame, flags, extra, &values);
        chunk_unref(tail, &c->scratch->pool);
        buf_clear(buf);
        return error_trace(r);
}

int conn_send_call_long(struct conn *c,
                        uint32_t seq,
                        const struct wire_call *call,
                        const struct wire_extra *extra) {
        struct wire_call piece = *call;
        const struct conn_frame frame = { .seq = seq, .call = &piece };

        return error_trace(conn_queue_copy(c, &frame, &piece.flags, extra));
}

int conn_send_answer_long(struct conn *c,
                          uint32_t seq,
                          const struct wire_answer *answer,
                          const struct wire_extra *extra) {
        struct wire_answer piece = *answer;
        const struct conn_frame frame = { .seq = seq, .answer = &piece };

        return error_trace(conn_queue_copy(c, &frame, &piece.flags, extra));
}

int conn_send_call_take(struct conn *c,
                        uint32_t seq,
                        const struct wire_call *call,
                        const struct wire_extra *extra,
                        struct buf *values,
                        struct chunk *tail) {
        struct wire_call piece = *call;
        const struct conn_frame frame = { .seq = seq, .call = &piece };

        return error_trace(conn_queue_take(c, &frame, &piece.flags, extra, values, tail));
}

int conn_send_answer_take(struct conn *c,
                          uint32_t seq,
                          const struct wire_answer *answer,
                          const struct wire_extra *extra,
                          struct buf *values,
                          struct chunk *tail) {
        struct wire_answer piece = *answer;
        const struct conn_frame frame = { .seq = seq, .answer = &piece };

        return error_trace(conn_queue_take(c, &frame, &piece.flags, extra, values, tail));
}

/* Writing. */

/* As many segments as one call may carry: descriptors only with the first. */
static size_t conn_gather(const struct conn *c, struct iovec *pieces, size_t *ret_len) {
        size_t n = 0, len = 0;

        while (n < c->n_segments && n < CONN_PIECES_MAX) {
                const struct conn_segment *segment = &c->segments[c->first_segment + n];

                if (n > 0 && segment->fds)
                        break;
                pieces[n] = (struct iovec){
                        .iov_base = segment->chunk->bytes + segment->at,
                        .iov_len = segment->end - segment->at,
                };
                len += pieces[n].iov_len;
                n++;
        }
        *ret_len = len;
        return n;
}

static ssize_t conn_write(const struct conn *c, struct iovec *pieces, size_t n_pieces) {
        const struct conn_fds *fds = c->segments[c->first_segment].fds;
        struct msghdr message = { .msg_iov = pieces, .msg_iovlen = n_pieces };
        union {
                char bytes[CMSG_SPACE(LIMIT_FRAME_FDS * sizeof(int))];
                struct cmsghdr header;
        } control = { 0 };
        ssize_t n;

        if (fds) {
                control.header.cmsg_level = SOL_SOCKET;
                control.header.cmsg_type = SCM_RIGHTS;
                control.header.cmsg_len = CMSG_LEN(fds->n * sizeof(int));
                memcpy(CMSG_DATA(&control.header), fds->fds, fds->n * sizeof(int));
                message.msg_control = &control;
                message.msg_controllen = CMSG_SPACE(fds->n * sizeof(int));
        }
        do
                n = sendmsg(c->fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
        while (n < 0 && errno == EINTR);
        return n;
}

static void conn_discharge(struct conn *c, size_t n) {
        struct conn_segment *first = &c->segments[c->first_segment];

        c->n_bytes_written += n;
        c->out_bytes -= n;
        first->fds = conn_fds_free(first->fds);
        while (n > 0) {
                const size_t len = first->end - first->at;

                if (n < len) {
                        first->at += n;
                        return;
                }
                n -= len;
                conn_pop_segment(c);
                first++;
        }
}

int conn_flush(struct conn *c) {
        struct iovec pieces[CONN_PIECES_MAX];

        while (c->n_segments > 0) {
                size_t n_pieces, len;
                ssize_t n;

                n_pieces = conn_gather(c, pieces, &len);
                n = conn_write(c, pieces, n_pieces);
                if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
                        return CONN_E_AGAIN;
                if (n < 0 && (errno == EPIPE || errno == ECONNRESET))
                        return CONN_E_EOF;
                if (n < 0)
                        return error_origin(errno);

                conn_discharge(c, (size_t)n);
                if ((size_t)n < len)
                        return CONN_E_AGAIN;
        }
        conn_become_idle(c);
        return CONN_OK;
}
