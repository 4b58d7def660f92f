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

/* More events than this put aside: the program does not call client_wait. */
#define CLIENT_EVENTS 4096u

struct client {
        struct conn conn;
        struct conn_scratch scratch;
        uint64_t timeout_us; /* for replies */
        uint32_t pid, uid, generation, next_seq;
        char software[64];
        int error;           /* the connection is over */
        struct list partial; /* messages with frames to come */
        struct list events;  /* complete, put aside */
        size_t n_events;
        struct table started;    /* seq of client_call_start → the same as a pointer */
        struct message *current; /* what client_wait returned last */
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

static void drop_partial_call(struct client *c, uint64_t cid) {
        list_for_each_safe(node, &c->partial) {
                struct message *m = container_of(node, struct message, link);
                if (m->kind == THOX__FRAME__BODY_CALL && m->event.cid == cid)
                        message_free(m);
        }
}

/* *ret stays NULL while frames of the message are to come, and for the rest of a cancelled call. */
static int take_frame(struct client *c, const struct wire_frame *frame, struct message **ret) {
        struct message *m = find_partial(c, frame);
        if (!m && message_is_continued(frame))
                return 0;
        int r = m ? message_add(m, frame) : message_new(&m, frame);
        if (r < 0)
                return fail(c, -r);

        list_remove(&m->link);
        if (!m->is_complete) {
                list_add_tail(&c->partial, &m->link);
                return 0;
        }
        if (m->event.type == CLIENT_EVENT_CANCEL)
                drop_partial_call(c, m->event.cid);
        *ret = m;
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
        *ret = m;
        return 0;
}

static bool is_event(const struct client *c, const struct message *m) {
        if (m->event.type == CLIENT_EVENT_ANSWER)
                return table_find_u64(&c->started, m->seq);
        return m->kind != THOX__FRAME__BODY_REPLY;
}

static int put_aside(struct client *c, struct message *m) {
        if (!is_event(c, m)) {
                message_free(m);
                return 0;
        }
        if (c->n_events == CLIENT_EVENTS) {
                message_free(m);
                return fail(c, ENOBUFS);
        }
        list_add_tail(&c->events, &m->link);
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
                r = put_aside(c, m);
                if (r < 0)
                        return error_trace(r);
        }
}

static struct message *take_event(struct client *c) {
        if (list_is_empty(&c->events))
                return NULL;
        struct message *m = container_of(c->events.next, struct message, link);
        list_remove(&m->link);
        c->n_events--;
        return m;
}

int client_wait(struct client *c, uint64_t timeout_us, int also_fd, struct client_event *ret) {
        uint64_t deadline = deadline_after(timeout_us);
        struct message *m = take_event(c);

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

static int send_call(struct client *c,
                     uint32_t seq,
                     uint32_t handle,
                     const char *name,
                     const struct buf *values,
                     const struct wire_cap *caps,
                     size_t n_caps) {
        struct wire_call call = {
                .handle = handle,
                .name = (const uint8_t *)name,
                .name_len = strlen(name),
        };
        struct wire_extra extra = { .caps = caps, .n_caps = n_caps };

        if (values) {
                extra.values = values->data;
                extra.values_len = values->len;
        }
        if (c->error < 0)
                return error_trace(c->error);
        return error_trace(sent(c, conn_send_call_long(&c->conn, seq, &call, &extra)));
}

int client_cancel(struct client *c, uint64_t cid) {
        Thox__Cancel cancel = THOX__CANCEL__INIT;

        if (c->error < 0)
                return error_trace(c->error);
        cancel.cid = cid;
        WIRE_MESSAGE(message, next_seq(c), CANCEL, cancel, &cancel);
        return error_trace(sent(c, conn_send(&c->conn, &message, NULL)));
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
        struct message *m CLEANUP(message_freep) = NULL;
        uint64_t deadline = deadline_after(timeout_us);
        uint32_t seq = next_seq(c);
        int r = send_call(c, seq, handle, name, values, caps, n_caps);
        if (r < 0)
                return error_trace(r);

        r = receive_for(c, THOX__FRAME__BODY_ANSWER, seq, deadline, &m);
        if (r == -ETIMEDOUT)
                (void)client_cancel(c, wire_cid(c->generation, seq));
        if (r < 0)
                return error_trace(r);

        buf_clear(answer);
        r = m->values.len != 0 ? buf_add(answer, m->values.data, m->values.len) : 0;
        if (r < 0)
                return error_trace(r);
        *ret_status = m->event.status;
        return 0;
}

int client_call_start(struct client *c,
                      uint32_t handle,
                      const char *name,
                      const struct buf *values,
                      const struct wire_cap *caps,
                      size_t n_caps,
                      uint64_t *ret_cid) {
        uint32_t seq = next_seq(c);
        int r = table_add_u64(&c->started, seq, (void *)(uintptr_t)seq);
        if (r < 0)
                return error_trace(r);

        r = send_call(c, seq, handle, name, values, caps, n_caps);
        if (r < 0) {
                table_remove_u64(&c->started, seq);
                return error_trace(r);
        }
        *ret_cid = wire_cid(c->generation, seq);
        return 0;
}

int client_answer(struct client *c, uint64_t cid, uint32_t status, const struct buf *values) {
        struct wire_answer answer = { .cid = cid, .status = status };
        struct wire_extra extra = { 0 };

        if (values) {
                extra.values = values->data;
                extra.values_len = values->len;
        }
        if (c->error < 0)
                return error_trace(c->error);
        return error_trace(sent(c, conn_send_answer_long(&c->conn, 0, &answer, &extra)));
}

/* Sends `message` and waits for its Reply. */
static int ask(struct client *c,
               const Thox__Frame *message,
               uint32_t *ret_status,
               uint32_t *ret_handle) {
        struct message *m CLEANUP(message_freep) = NULL;
        int r = c->error < 0 ? c->error : sent(c, conn_send(&c->conn, message, NULL));
        if (r < 0)
                return error_trace(r);

        r = receive_for(c, THOX__FRAME__BODY_REPLY, message->seq, deadline_after(c->timeout_us),
                        &m);
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
