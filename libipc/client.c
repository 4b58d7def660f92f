/*
 * client.c - a blocking client: one connection, one thread, poll(2) with deadlines. This file: its life,
 * and calls. What arrives is in client_inbox.c, requests to the tree itself are in client_ask.c.
 */
#include "libipc/client.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include "libipc/base/clock.h"
#include "libipc/base/error.h"
#include "libipc/base/fd.h"
#include "libipc/client_private.h"

DEFINE_CLEANUP(struct client *, client_free)

uint64_t client_deadline(uint64_t timeout_us) {
        uint64_t now = clock_now_us();
        return timeout_us > UINT64_MAX - now ? CLIENT_FOREVER : now + timeout_us;
}

int client_fail(struct client *c, int errnum) {
        c->error = -errnum;
        return error_origin(errnum);
}

uint32_t client_next_seq(struct client *c) {
        do
                c->next_seq++;
        while (c->next_seq == 0 || table_find_u64(&c->started, c->next_seq));
        return c->next_seq;
}

/*
 * Output.
 */

int client_sent(struct client *c, int r) {
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
        struct wire_extra extra = {
                .caps = request->caps,
                .n_caps = request->n_caps,
                .fds = request->fds,
                .n_fds = request->n_fds,
        };

        if (request->values) {
                extra.values = request->values->data;
                extra.values_len = request->values->len;
        }
        if (c->error < 0)
                return error_trace(c->error);
        return error_trace(client_sent(c, conn_send_call_long(&c->conn, seq, &call, &extra)));
}

int client_cancel(struct client *c, uint64_t cid) {
        Thox__Cancel cancel = THOX__CANCEL__INIT;

        if (c->error < 0)
                return error_trace(c->error);
        /* To cancel a call of somebody else breaks the protocol. */
        if (wire_cid_generation(cid) != c->generation)
                return error_origin(EINVAL);
        cancel.cid = cid;
        WIRE_MESSAGE(message, client_next_seq(c), CANCEL, cancel, &cancel);
        return error_trace(client_sent(c, conn_send(&c->conn, &message, NULL)));
}

int client_call_start(struct client *c, const struct client_request *request, uint64_t *ret_cid) {
        uint32_t seq = client_next_seq(c);
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
int client_await(struct client *c, uint64_t cid, uint64_t timeout_us, struct client_event *ret) {
        uint32_t seq = wire_cid_seq(cid);
        struct message *m = client_take_answer(c, seq);
        int r = 0;

        if (!m)
                r = client_receive_for(c, THOX__FRAME__BODY_ANSWER, seq,
                                       client_deadline(timeout_us), &m);
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
        return error_trace(client_sent(c, conn_send_answer_long(&c->conn, 0, &answer, &extra)));
}

int client_answer(struct client *c, uint64_t cid, uint32_t status, const struct buf *values) {
        return error_trace(client_answer_caps(c, cid, status, values, NULL, 0));
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
        WIRE_MESSAGE(message, client_next_seq(c), HELLO, hello, &hello);
        return error_trace(client_sent(c, conn_send(&c->conn, &message, NULL)));
}

static int take_welcome(struct client *c, const Thox__Welcome *welcome) {
        if (welcome->version != WIRE_VERSION)
                return client_fail(c, EPROTO);
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
                return client_fail(c, EPROTO);
        uint32_t status = frame->message->reply->status;
        return client_fail(c, status == STATUS_DENIED ? EACCES :
                              status == STATUS_BUSY   ? EBUSY :
                                                        EPROTO);
}

/* The first frame must be Welcome. */
static int await_welcome(struct client *c, uint64_t deadline) {
        struct wire_frame *frame;
        int r;

        while ((r = conn_next(&c->conn, &frame)) == CONN_E_AGAIN) {
                r = client_poll(c, deadline, -1);
                if (r < 0)
                        return error_trace(r);
        }
        if (r < 0)
                return client_fail(c, -r);
        if (r != CONN_OK)
                return client_fail(c, EPROTO);
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
        uint64_t deadline = client_deadline(timeout_us);
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
                return "the tree closed the connection: it ended, has far too many clients, "
                       "or this one broke a rule of the protocol";
        default:
                return strerror(-r);
        }
}
