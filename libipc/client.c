/*
 * client.c - a blocking client: one connection, one thread, poll(2) with deadlines.
 *
 * Whoever waits for something particular (an answer, a reply) puts aside what arrives meanwhile;
 * client_wait takes from there first. Answers are told apart by seq: `started` has those that
 * client_wait will deliver; an answer that is neither awaited nor started came too late and is
 * dropped.
 */
#include "libipc/client.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include "libipc/base/clock.h"
#include "libipc/base/error.h"
#include "libipc/base/fd.h"
#include "libipc/base/list.h"
#include "libipc/base/table.h"
#include "libipc/message.h"

struct client {
        struct conn conn;
        struct conn_scratch scratch;
        uint64_t timeout_us; /* for replies */
        uint32_t pid, uid, generation, next_seq;
        char software[64];
        int error;           /* the connection is over */
        struct list partial; /* messages with frames to come */
        struct list events;  /* complete, put aside */
        size_t n_events, n_held_bytes;
        uint64_t n_lost;          /* pushed, and found no room in `events` */
        struct table started;     /* seq of client_call_start → the same as a pointer */
        struct message *current;  /* what client_wait returned last */
        struct message *answered; /* what client_await returned last */
};

DEFINE_CLEANUP(struct client *, client_free)

static uint64_t deadline_after(uint64_t timeout_us) {
        uint64_t now = clock_now_us();
        return timeout_us > UINT64_MAX - now ? CLIENT_FOREVER : now + timeout_us;
}

static int fail(struct client *c, int errnum) {
        c->error = -errnum;
        return error_origin(errnum);
}

static uint32_t next_seq(struct client *c) {
        do
                c->next_seq++;
        while (c->next_seq == 0 || table_find_u64(&c->started, c->next_seq));
        return c->next_seq;
}

/*
 * Input.
 */

static int read_socket(struct client *c) {
        int r = conn_read(&c->conn);
        if (r == CONN_E_EOF)
                return fail(c, ECONNRESET);
        if (r == CONN_E_VIOLATION)
                return fail(c, EPROTO);
        return r < 0 ? fail(c, -r) : 0;
}

/* Writes what is queued, waits for input, reads it. -EAGAIN: also_fd is readable. */
static int wait_socket(struct client *c, uint64_t deadline, int also_fd) {
        struct pollfd fds[] = {
                { .fd = c->conn.fd, .events = POLLIN },
                { .fd = also_fd, .events = POLLIN },
        };
        /* A peer that is gone shows when reading, after all that it said before. */
        int r = conn_flush(&c->conn);
        if (r < 0)
                return fail(c, -r);
        if (r == CONN_E_AGAIN)
                fds[0].events |= POLLOUT;

        uint64_t now = clock_now_us(), left = deadline > now ? deadline - now : 0;
        struct timespec timeout = { .tv_sec = (time_t)(left / CLOCK_S_US),
                                    .tv_nsec = (long)(left % CLOCK_S_US * 1000) };
        int n = ppoll(fds, ARRAY_SIZE(fds), deadline == CLIENT_FOREVER ? NULL : &timeout, NULL);
        if (n < 0)
                return errno == EINTR ? 0 : error_origin(errno);
        if (n == 0)
                return error_origin(ETIMEDOUT);
        if ((fds[0].revents & ~POLLOUT) != 0)
                return error_trace(read_socket(c));
        return fds[1].revents != 0 ? error_origin(EAGAIN) : 0;
}

static struct message *find_partial(struct client *c, const struct wire_frame *frame) {
        list_for_each(node, &c->partial) {
                struct message *m = container_of(node, struct message, link);
                if (message_wants(m, frame))
                        return m;
        }
        return NULL;
}

static void hold(struct client *c, struct list *list, struct message *m) {
        list_add_tail(list, &m->link);
        c->n_held_bytes += m->values.len;
}

static void let_go(struct client *c, struct message *m) {
        list_remove(&m->link);
        c->n_held_bytes -= m->values.len;
}

static bool fits(const struct client *c, const struct message *m) {
        return c->n_held_bytes + m->values.len <= LIMIT_CLIENT_HELD_BYTES;
}

static bool is_call(const struct message *m) {
        return m->kind == THOX__FRAME__BODY_CALL;
}

#define CLIENT_BUSY "the server is busy and keeps 4096 calls or 128 MiB until it looks at them"
static_assert(LIMIT_CLIENT_EVENTS == 4096 && LIMIT_CLIENT_HELD_BYTES == 128 << 20,
              "CLIENT_BUSY names them");

static int refuse_take(struct client *c, struct message *m) {
        struct buf why CLEANUP(buf_deinit);
        bool is_answerable = !m->event.is_oneway;
        uint64_t cid = m->event.cid;
        int r = 0;

        message_free(m);
        buf_init(&why, sizeof(CLIENT_BUSY) + 8);
        if (is_answerable)
                r = value_put_text(&why, CLIENT_BUSY);
        if (is_answerable && r == 0)
                r = client_answer(c, cid, STATUS_BUSY, &why);
        return error_trace(r);
}

/* The call in `list` that a Cancel is about goes. */
static bool drop_call(struct client *c, struct list *list, uint64_t cid) {
        list_for_each(node, list) {
                struct message *m = container_of(node, struct message, link);
                if (is_call(m) && m->event.cid == cid) {
                        let_go(c, m);
                        message_free(m);
                        return true;
                }
        }
        return false;
}

/* *ret stays NULL while frames of the message are to come, and for the rest of a cancelled call. */
static int take_frame(struct client *c, const struct wire_frame *frame, struct message **ret) {
        struct message *m = find_partial(c, frame);
        int r;

        if (!m && message_is_continued(frame))
                return 0;
        if (m) {
                let_go(c, m);
                r = message_add(m, frame);
        } else {
                r = message_new(&m, frame);
        }
        if (r < 0) {
                message_free(m);
                return fail(c, -r);
        }

        if (m->is_complete) {
                if (m->event.type == CLIENT_EVENT_CANCEL)
                        drop_call(c, &c->partial, m->event.cid);
                *ret = m;
                return 0;
        }
        if (is_call(m) && !fits(c, m))
                return error_trace(refuse_take(c, m));
        hold(c, &c->partial, m);
        return 0;
}

/* The next whole message. */
static int receive(struct client *c, uint64_t deadline, int also_fd, struct message **ret) {
        struct message *m = NULL;

        while (!m) {
                struct wire_frame *frame;
                int r = c->error < 0 ? c->error : conn_next(&c->conn, &frame);
                if (r == CONN_OK)
                        r = take_frame(c, frame, &m);
                else if (r == CONN_E_AGAIN)
                        r = wait_socket(c, deadline, also_fd);
                else if (r > 0)
                        r = fail(c, EPROTO);
                if (r < 0)
                        return error_trace(r);
        }
        if (m->event.type == CLIENT_EVENT_PUSHED) {
                m->event.dropped += c->n_lost;
                c->n_lost = 0;
        }
        *ret = m;
        return 0;
}

static bool is_event(const struct client *c, const struct message *m) {
        if (m->event.type == CLIENT_EVENT_ANSWER)
                return table_find_u64(&c->started, m->seq);
        return m->kind != THOX__FRAME__BODY_REPLY;
}

static int put_aside_take(struct client *c, struct message *m) {
        bool is_withdrawn =
                m->event.type == CLIENT_EVENT_CANCEL && drop_call(c, &c->events, m->event.cid);

        c->n_events -= is_withdrawn;
        if (is_withdrawn || !is_event(c, m)) {
                message_free(m);
                return 0;
        }
        if (is_call(m) && (c->n_events >= LIMIT_CLIENT_EVENTS || !fits(c, m)))
                return error_trace(refuse_take(c, m));
        if (m->event.type == CLIENT_EVENT_PUSHED &&
            (c->n_events >= LIMIT_CLIENT_EVENTS || !fits(c, m))) {
                c->n_lost += m->event.dropped + 1;
                message_free(m);
                return 0;
        }
        /* Nobody has cause for so many of the others. */
        if (c->n_events == 2 * LIMIT_CLIENT_EVENTS) {
                message_free(m);
                return fail(c, ENOBUFS);
        }
        hold(c, &c->events, m);
        c->n_events++;
        return 0;
}

/* The Answer or Reply to `seq`; everything else is put aside. */
static int receive_for(
        struct client *c, wire_kind kind, uint32_t seq, uint64_t deadline, struct message **ret) {
        for (;;) {
                struct message *m;
                int r = receive(c, deadline, -1, &m);
                if (r < 0)
                        return error_trace(r);
                if (m->kind == kind && m->seq == seq) {
                        *ret = m;
                        return 0;
                }
                r = put_aside_take(c, m);
                if (r < 0)
                        return error_trace(r);
        }
}

static struct message *take_event(struct client *c, struct message *m) {
        let_go(c, m);
        c->n_events--;
        return m;
}

static struct message *take_first_event(struct client *c) {
        if (list_is_empty(&c->events))
                return NULL;
        return take_event(c, container_of(c->events.next, struct message, link));
}

int client_wait(struct client *c, uint64_t timeout_us, int also_fd, struct client_event *ret) {
        uint64_t deadline = deadline_after(timeout_us);
        struct message *m = take_first_event(c);

        c->current = message_free(c->current);
        while (!m) {
                int r = receive(c, deadline, also_fd, &m);
                if (r < 0)
                        return error_trace(r);
                if (!is_event(c, m))
                        m = message_free(m);
        }
        if (m->event.type == CLIENT_EVENT_ANSWER)
                table_remove_u64(&c->started, m->seq);
        c->current = m;
        *ret = m->event;
        return 0;
}

/*
 * Output.
 */

/* After queuing: what the socket takes at once leaves now, the rest during the next wait. */
static int sent(struct client *c, int r) {
        if (r == CONN_E_FULL)
                return error_origin(ENOBUFS);
        if (r == 0)
                r = conn_flush(&c->conn);
        return r < 0 ? error_trace(r) : 0;
}

static int send_call(struct client *c, uint32_t seq, const struct client_request *request) {
        struct wire_call call = {
                .handle = request->handle,
                .flags = (request->is_oneway ? WIRE_FLAG_ONEWAY : 0) |
                         wire_priority_flags(WIRE_PRIORITY_DEFAULT),
                .timeout_us = request->timeout_us,
                .name = (const uint8_t *)request->name,
                .name_len = strlen(request->name),
        };
        struct wire_extra extra = { .caps = request->caps, .n_caps = request->n_caps };

        if (request->values) {
                extra.values = request->values->data;
                extra.values_len = request->values->len;
        }
        if (c->error < 0)
                return error_trace(c->error);
        return error_trace(sent(c, conn_send_call_long(&c->conn, seq, &call, &extra)));
}

int client_cancel(struct client *c, uint64_t cid) {
        Thox__Cancel cancel = THOX__CANCEL__INIT;

        if (c->error < 0)
                return error_trace(c->error);
        /* To cancel a call of somebody else breaks the protocol. */
        if (wire_cid_generation(cid) != c->generation)
                return error_origin(EINVAL);
        cancel.cid = cid;
        WIRE_MESSAGE(message, next_seq(c), CANCEL, cancel, &cancel);
        return error_trace(sent(c, conn_send(&c->conn, &message, NULL)));
}

int client_call_start(struct client *c, const struct client_request *request, uint64_t *ret_cid) {
        uint32_t seq = next_seq(c);
        int r = 0;

        if (!request->is_oneway)
                r = table_add_u64(&c->started, seq, (void *)(uintptr_t)seq);
        if (r < 0)
                return error_trace(r);

        r = send_call(c, seq, request);
        if (r < 0) {
                table_remove_u64(&c->started, seq);
                return error_trace(r);
        }
        *ret_cid = wire_cid(c->generation, seq);
        return 0;
}

static struct message *take_answer(struct client *c, uint32_t seq) {
        list_for_each(node, &c->events) {
                struct message *m = container_of(node, struct message, link);
                if (m->event.type == CLIENT_EVENT_ANSWER && m->seq == seq)
                        return take_event(c, m);
        }
        return NULL;
}

int client_await(struct client *c, uint64_t cid, uint64_t timeout_us, struct client_event *ret) {
        uint32_t seq = wire_cid_seq(cid);
        struct message *m = take_answer(c, seq);
        int r = 0;

        if (!m)
                r = receive_for(c, THOX__FRAME__BODY_ANSWER, seq, deadline_after(timeout_us), &m);
        /* One that comes after this is nobody's. */
        table_remove_u64(&c->started, seq);
        if (r == -ETIMEDOUT)
                (void)client_cancel(c, cid);
        if (r < 0)
                return error_trace(r);

        message_free(c->answered);
        c->answered = m;
        *ret = m->event;
        return 0;
}

int client_call(struct client *c,
                uint32_t handle,
                const char *name,
                const struct buf *values,
                const struct wire_cap *caps,
                size_t n_caps,
                uint64_t timeout_us,
                uint32_t *ret_status,
                struct buf *answer) {
        struct client_request request = {
                .handle = handle, .name = name, .values = values, .caps = caps, .n_caps = n_caps
        };
        struct client_event event;
        uint64_t cid;
        int r = client_call_start(c, &request, &cid);
        if (r == 0)
                r = client_await(c, cid, timeout_us, &event);
        if (r < 0)
                return error_trace(r);

        buf_clear(answer);
        r = event.values_len != 0 ? buf_add(answer, event.values, event.values_len) : 0;
        if (r < 0)
                return error_trace(r);
        *ret_status = event.status;
        return 0;
}

int client_answer_caps(struct client *c,
                       uint64_t cid,
                       uint32_t status,
                       const struct buf *values,
                       const struct wire_cap *caps,
                       size_t n_caps) {
        struct wire_answer answer = { .cid = cid, .status = status };
        struct wire_extra extra = { .caps = caps, .n_caps = n_caps };

        if (values) {
                extra.values = values->data;
                extra.values_len = values->len;
        }
        if (c->error < 0)
                return error_trace(c->error);
        return error_trace(sent(c, conn_send_answer_long(&c->conn, 0, &answer, &extra)));
}

int client_answer(struct client *c, uint64_t cid, uint32_t status, const struct buf *values) {
        return error_trace(client_answer_caps(c, cid, status, values, NULL, 0));
}

/* Sends `message` and waits for its Reply. */
static int ask_with(struct client *c,
                    const Thox__Frame *message,
                    const struct wire_extra *extra,
                    struct message **ret) {
        int r = c->error < 0 ? c->error : sent(c, conn_send(&c->conn, message, extra));
        if (r < 0)
                return error_trace(r);

        return error_trace(receive_for(c, THOX__FRAME__BODY_REPLY, message->seq,
                                       deadline_after(c->timeout_us), ret));
}

static int ask(struct client *c,
               const Thox__Frame *message,
               uint32_t *ret_status,
               uint32_t *ret_handle) {
        struct message *m CLEANUP(message_freep) = NULL;
        int r = ask_with(c, message, NULL, &m);
        if (r < 0)
                return error_trace(r);
        *ret_status = m->event.status;
        if (ret_handle)
                *ret_handle = m->event.handle;
        return 0;
}

int client_context_new(struct client *c,
                       const Thox__Routing *routing,
                       uint32_t *ret_status,
                       uint32_t *ret_handle) {
        Thox__ContextNew body = THOX__CONTEXT_NEW__INIT;

        body.routing = (Thox__Routing *)(uintptr_t)routing;
        WIRE_MESSAGE(message, next_seq(c), CONTEXT_NEW, context_new, &body);
        return error_trace(ask(c, &message, ret_status, ret_handle));
}

int client_bind(struct client *c, uint32_t handle, const char *name, uint32_t *ret_status) {
        Thox__Bind body = THOX__BIND__INIT;

        body.handle = handle;
        body.name = wire_bytes(name, strlen(name));
        WIRE_MESSAGE(message, next_seq(c), BIND, bind, &body);
        return error_trace(ask(c, &message, ret_status, NULL));
}

int client_unbind(struct client *c, uint32_t handle, const char *name, uint32_t *ret_status) {
        Thox__Unbind body = THOX__UNBIND__INIT;

        body.handle = handle;
        body.name = wire_bytes(name, strlen(name));
        WIRE_MESSAGE(message, next_seq(c), UNBIND, unbind, &body);
        return error_trace(ask(c, &message, ret_status, NULL));
}

static int ask_in_full(struct client *c,
                       const Thox__Frame *message,
                       const struct wire_extra *extra,
                       struct client_reply *ret) {
        struct message *m CLEANUP(message_freep) = NULL;
        int r = ask_with(c, message, extra, &m);
        if (r < 0)
                return error_trace(r);
        *ret = (struct client_reply){ .status = m->event.status, .count = m->count };
        snprintf(ret->message, sizeof(ret->message), "%.*s", (int)m->event.message_len,
                 (const char *)m->event.message);
        return 0;
}

int client_listen(struct client *c,
                  uint32_t handle,
                  const char *queue,
                  const char *const *match,
                  size_t n_match,
                  struct client_reply *ret) {
        Thox__Listen body = THOX__LISTEN__INIT;
        ProtobufCBinaryData patterns[LIMIT_PATTERNS];

        if (n_match > LIMIT_PATTERNS)
                return error_origin(E2BIG);
        for (size_t i = 0; i < n_match; i++)
                patterns[i] = wire_bytes(match[i], strlen(match[i]));
        body.handle = handle;
        body.name = wire_bytes(queue, strlen(queue));
        body.match = patterns;
        body.n_match = n_match;
        WIRE_MESSAGE(message, next_seq(c), LISTEN, listen, &body);
        return error_trace(ask_in_full(c, &message, NULL, ret));
}

int client_push(struct client *c,
                uint32_t handle,
                const char *queue,
                const char *key,
                const struct buf *value,
                struct client_reply *ret) {
        Thox__Push body = THOX__PUSH__INIT;
        const struct wire_extra extra = { .values = value->data, .values_len = value->len };

        if (value->len > LIMIT_FRAME_VALUES_BYTES)
                return error_origin(EMSGSIZE);
        body.handle = handle;
        body.name = wire_bytes(queue, strlen(queue));
        body.key = wire_bytes(key, key ? strlen(key) : 0);
        WIRE_MESSAGE(message, next_seq(c), PUSH, push, &body);
        return error_trace(ask_in_full(c, &message, &extra, ret));
}

int client_context_close(struct client *c, uint32_t handle, uint32_t *ret_status) {
        Thox__Close body = THOX__CLOSE__INIT;

        body.handle = handle;
        WIRE_MESSAGE(message, next_seq(c), CLOSE, close, &body);
        return error_trace(ask(c, &message, ret_status, NULL));
}

/*
 * Life.
 */

/* connect(2) to a listener whose backlog is full blocks; its limit is the send timeout. */
static int connect_socket(int fd, const struct sockaddr_un *address, uint64_t timeout_us) {
        struct timeval timeout = { .tv_sec = (time_t)(timeout_us / CLOCK_S_US),
                                   .tv_usec = (suseconds_t)(timeout_us % CLOCK_S_US) };

        /* A zero timeout would mean for ever. */
        if (timeout_us == 0)
                timeout.tv_usec = 1;
        if (timeout_us != CLIENT_FOREVER &&
            setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout)) < 0)
                return error_origin(errno);
        if (connect(fd, (const struct sockaddr *)address, sizeof(*address)) < 0)
                return error_origin(errno == EAGAIN ? ETIMEDOUT : errno);
        return error_trace(fd_set_nonblock(fd, true));
}

static int open_socket(const char *path, uint64_t timeout_us, int *ret) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        int fd CLEANUP(fd_closep) = -1;
        size_t len = strlen(path);

        if (len >= sizeof(address.sun_path))
                return error_origin(ENAMETOOLONG);
        memcpy(address.sun_path, path, len);
        fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd < 0)
                return error_origin(errno);
        int r = connect_socket(fd, &address, timeout_us);
        if (r < 0)
                return error_trace(r);
        *ret = fd;
        fd = -1;
        return 0;
}

static int say_hello(struct client *c, const char *program) {
        Thox__Hello hello = THOX__HELLO__INIT;

        hello.version_min = WIRE_VERSION;
        hello.version_max = WIRE_VERSION;
        hello.name = wire_bytes(program, strlen(program));
        WIRE_MESSAGE(message, next_seq(c), HELLO, hello, &hello);
        return error_trace(sent(c, conn_send(&c->conn, &message, NULL)));
}

static int take_welcome(struct client *c, const Thox__Welcome *welcome) {
        if (welcome->version != WIRE_VERSION)
                return fail(c, EPROTO);
        c->pid = welcome->pid;
        c->uid = welcome->uid;
        c->generation = welcome->generation;
        snprintf(c->software, sizeof(c->software), "%.*s", (int)welcome->software.len,
                 (const char *)welcome->software.data);
        return 0;
}

/* Instead of Welcome initd may say why not: whom it does not know, or that it is full. */
static int take_refusal(struct client *c, const struct wire_frame *frame) {
        if (frame->kind != THOX__FRAME__BODY_REPLY)
                return fail(c, EPROTO);
        uint32_t status = frame->message->reply->status;
        return fail(c, status == STATUS_DENIED ? EACCES : status == STATUS_BUSY ? EBUSY : EPROTO);
}

/* The first frame must be Welcome. */
static int await_welcome(struct client *c, uint64_t deadline) {
        struct wire_frame *frame;
        int r;

        while ((r = conn_next(&c->conn, &frame)) == CONN_E_AGAIN) {
                r = wait_socket(c, deadline, -1);
                if (r < 0)
                        return error_trace(r);
        }
        if (r < 0)
                return fail(c, -r);
        if (r != CONN_OK)
                return fail(c, EPROTO);
        if (frame->kind != THOX__FRAME__BODY_WELCOME)
                return error_trace(take_refusal(c, frame));
        return error_trace(take_welcome(c, frame->message->welcome));
}

/* Takes the descriptor, also on failure. */
static int client_new_take(struct client **ret, int fd, uint64_t timeout_us) {
        struct client *c = calloc(1, sizeof(*c));
        int r = c ? conn_scratch_init(&c->scratch) : error_origin(ENOMEM);
        if (r < 0) {
                fd_close(fd);
                free(c);
                return error_trace(r);
        }

        r = conn_init_take(&c->conn, fd, &c->scratch);
        if (r < 0) {
                conn_scratch_deinit(&c->scratch);
                free(c);
                return error_trace(r);
        }
        /* We chose whom to connect to. */
        c->conn.max_frame = LIMIT_FRAME_BYTES;
        c->timeout_us = timeout_us;
        list_init(&c->partial);
        list_init(&c->events);
        table_init(&c->started);
        *ret = c;
        return 0;
}

int client_new(struct client **ret,
               const char *socket_path,
               const char *program,
               uint64_t timeout_us) {
        struct client *c CLEANUP(client_freep) = NULL;
        uint64_t deadline = deadline_after(timeout_us);
        int fd, r;

        r = open_socket(socket_path, timeout_us, &fd);
        if (r < 0)
                return error_trace(r);
        r = client_new_take(&c, fd, timeout_us);
        if (r < 0)
                return error_trace(r);
        r = say_hello(c, program);
        if (r == 0)
                r = await_welcome(c, deadline);
        if (r < 0)
                return error_trace(r);
        *ret = take(c);
        return 0;
}

static void forget_started(struct client *c) {
        const void *seq;
        size_t at = 0;

        while ((seq = table_next(&c->started, &at)))
                table_remove_u64(&c->started, (uintptr_t)seq);
        table_deinit(&c->started);
}

struct client *client_free(struct client *c) {
        if (!c)
                return NULL;
        message_free(c->current);
        message_free(c->answered);
        list_for_each_safe(node, &c->partial)
                message_free(container_of(node, struct message, link));
        list_for_each_safe(node, &c->events)
                message_free(container_of(node, struct message, link));
        forget_started(c);
        conn_deinit(&c->conn);
        conn_scratch_deinit(&c->scratch);
        free(c);
        return NULL;
}

uint32_t client_pid(const struct client *c) {
        return c->pid;
}

uint32_t client_uid(const struct client *c) {
        return c->uid;
}

const char *client_software(const struct client *c) {
        return c->software;
}

int client_fd(const struct client *c) {
        return c->conn.fd;
}

bool client_is_writing(const struct client *c) {
        return conn_pending(&c->conn) != 0;
}

const char *client_error_text(int r) {
        switch (-r) {
        case ENOENT:
        case ECONNREFUSED:
                return "no tree is running there";
        case EPROTO:
                return "whoever listens there does not speak thox's protocol";
        case EBUSY:
                return "the tree has as many clients as it takes";
        case ETIMEDOUT:
                return "the tree does not answer in time";
        case EACCES:
        case EPERM:
                return "only root and the user who runs the tree may talk to it";
        case ENAMETOOLONG:
                return "a socket's path has at most 107 bytes";
        case ECONNRESET:
        case EPIPE:
                return "the tree closed the connection: it ended, or this client broke a rule of "
                       "the protocol";
        default:
                return strerror(-r);
        }
}
