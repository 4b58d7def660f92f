/*
 * connection.c - the public face of libipc/client.h: numbers as Lua has them, values checked and
 * copied before the program sees them, statuses and errnos in one int.
 *
 * It keeps the cids of calls that await an answer, because an answer to any other breaks the protocol.
 * The descriptor for loops (thox_fd) is an epoll that holds the socket, watched for writing while
 * output is queued, and an eventfd that is raised while thox_next may have something that has been
 * read already.
 */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "libipc/base/clock.h"
#include "libipc/base/error.h"
#include "libipc/base/fd.h"
#include "libipc/base/table.h"
#include "libipc/client.h"
#include "libipc/name.h"
#include "libipc/paths.h"
#include "libthox/reader.h"
#include "libthox/writer.h"

#define NO_ANSWER "no answer came in time"
#define MALFORMED "the values are malformed"

/* A message given out, with what it points into. */
struct delivery {
        struct thox_event event;
        struct buf values;
};

/* A call that waits for our answer. */
struct served {
        uint64_t cid;
};

struct thox_client {
        struct client *client;
        struct delivery event;  /* thox_next's */
        struct delivery answer; /* thox_call's */
        struct table served;    /* cid → struct served, owned */

        int epoll_fd, event_fd; /* -1 until thox_fd */
        bool is_raised, is_watched_for_writing;
};
DEFINE_CLEANUP(struct thox_client *, thox_disconnect)

static uint32_t handle_of(uint32_t context) {
        return context + 1;
}

/*
 * The descriptor.
 */

static int watch(struct thox_client *c, int operation) {
        struct epoll_event want = { .events = EPOLLIN };

        if (client_is_writing(c->client))
                want.events |= EPOLLOUT;
        if (epoll_ctl(c->epoll_fd, operation, client_fd(c->client), &want) < 0)
                return error_origin(errno);
        c->is_watched_for_writing = client_is_writing(c->client);
        return 0;
}

static void raise_event(struct thox_client *c, bool is_raised) {
        uint64_t n = 1;

        if (c->epoll_fd < 0 || c->is_raised == is_raised)
                return;
        /* Neither blocks: the counter goes from 0 to 1 and back. */
        ssize_t size =
                is_raised ? write(c->event_fd, &n, sizeof(n)) : read(c->event_fd, &n, sizeof(n));
        c->is_raised = size == (ssize_t)sizeof(n) ? is_raised : c->is_raised;
}

/* After whatever sends or reads. `is_drained`: thox_next has found nothing left. */
static void settle(struct thox_client *c, bool is_drained) {
        if (c->epoll_fd < 0)
                return;
        raise_event(c, !is_drained);
        if (c->is_watched_for_writing != client_is_writing(c->client))
                (void)watch(c, EPOLL_CTL_MOD);
}

static int open_descriptors(struct thox_client *c) {
        struct epoll_event want = { .events = EPOLLIN };
        int r;

        c->event_fd = eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK);
        if (c->event_fd < 0)
                return error_origin(errno);
        c->is_raised = true;
        c->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
        if (c->epoll_fd < 0)
                return error_origin(errno);
        if (epoll_ctl(c->epoll_fd, EPOLL_CTL_ADD, c->event_fd, &want) < 0)
                return error_origin(errno);
        r = watch(c, EPOLL_CTL_ADD);
        return error_trace(r);
}

static void close_descriptors(struct thox_client *c) {
        c->epoll_fd = fd_close(c->epoll_fd);
        c->event_fd = fd_close(c->event_fd);
}

int thox_fd(struct thox_client *c) {
        if (c->epoll_fd < 0) {
                int r = open_descriptors(c);
                if (r < 0) {
                        close_descriptors(c);
                        return error_trace(r);
                }
        }
        return c->epoll_fd;
}

/*
 * What arrives.
 */

static void delivery_fail(struct delivery *d, uint32_t status, const char *message) {
        d->event.status = status;
        d->event.message = message;
        d->event.values = (struct thox_reader){ 0 };
}

static void fill_message(struct thox_event *e) {
        struct thox_reader values = e->values;
        struct thox_value message;

        if (e->status == STATUS_OK)
                return;
        e->message =
                thox_read(&values, THOX_STRING, &message) ? message.string : status_text(e->status);
}

static enum thox_event_type type_of(enum client_event_type type) {
        switch (type) {
        case CLIENT_EVENT_CALL:
                return THOX_EVENT_CALL;
        case CLIENT_EVENT_ANSWER:
                return THOX_EVENT_ANSWER;
        case CLIENT_EVENT_CANCEL:
                return THOX_EVENT_CANCEL;
        case CLIENT_EVENT_OPENED:
                return THOX_EVENT_OPENED;
        case CLIENT_EVENT_CLOSED:
                return THOX_EVENT_CLOSED;
        case CLIENT_EVENT_HANGUP:
                return THOX_EVENT_HANGUP;
        case CLIENT_EVENT_EXITED:
                return THOX_EVENT_EXITED;
        default:
                return 0;
        }
}

/* 0, READER_E_BAD, -errno. Names and messages are NUL-terminated by libipc/message.c. */
static int deliver(struct delivery *d, const struct client_event *e) {
        d->event = (struct thox_event){
                .type = type_of(e->type),
                .status = e->status,
                .cid = e->cid,
                .context = e->handle - 1,
                .pid = e->pid,
                .uid = e->uid,
                .is_oneway = e->is_oneway,
                .name = e->name_len != 0 ? (const char *)e->name : "",
                .message = e->message_len != 0 ? (const char *)e->message : "",
        };
        if (e->handle == 0)
                d->event.context = 0;
        int r = reader_import(&d->values, e);
        if (r != READER_OK)
                return error_trace(r);
        d->event.values = reader_of(&d->values);
        if (d->event.type == THOX_EVENT_ANSWER)
                fill_message(&d->event);
        return 0;
}

static void served_forget(struct thox_client *c, uint64_t cid) {
        free(table_remove_u64(&c->served, cid));
}

static int served_add(struct thox_client *c, uint64_t cid) {
        struct served *s = malloc(sizeof(*s));
        if (!s)
                return error_origin(ENOMEM);
        *s = (struct served){ .cid = cid };
        int r = table_find_u64(&c->served, cid) ? error_origin(EPROTO) :
                                                  table_add_u64(&c->served, cid, s);
        if (r < 0)
                free(s);
        return error_trace(r);
}

static int refuse_malformed(struct thox_client *c, const struct thox_event *e) {
        if (e->is_oneway)
                return 0;
        return error_trace(thox_refuse(c, e->cid, STATUS_BADARGS, MALFORMED));
}

static int take_call(struct thox_client *c, bool is_malformed, bool *ret_is_event) {
        const struct thox_event *event = &c->event.event;
        int r = event->is_oneway ? 0 : served_add(c, event->cid);

        *ret_is_event = !is_malformed;
        if (r == 0 && is_malformed)
                r = refuse_malformed(c, event);
        return error_trace(r);
}

/* One event of libipc's into c->event; *ret_is_event: whether it is one for the program. */
static int take_event(struct thox_client *c, const struct client_event *e, bool *ret_is_event) {
        int r = deliver(&c->event, e);
        if (r < 0)
                return error_trace(r);
        if (e->type == CLIENT_EVENT_CALL)
                return error_trace(take_call(c, r == READER_E_BAD, ret_is_event));

        if (r == READER_E_BAD)
                delivery_fail(&c->event, STATUS_PROTO, MALFORMED);
        if (e->type == CLIENT_EVENT_CANCEL)
                served_forget(c, e->cid);
        *ret_is_event = c->event.event.type != 0;
        return 0;
}

/* A call that there is no memory for is lost, but not for its caller. */
static void answer_lost(struct thox_client *c, const struct client_event *e) {
        if (e->type == CLIENT_EVENT_CALL && !e->is_oneway)
                (void)client_answer(c->client, e->cid, STATUS_ERROR, NULL);
}

static uint64_t time_left(uint64_t deadline) {
        uint64_t now = clock_now_us();
        if (deadline == THOX_FOREVER)
                return THOX_FOREVER;
        return deadline > now ? deadline - now : 0;
}

static uint64_t deadline_after(uint64_t timeout_us) {
        uint64_t now = clock_now_us();
        return timeout_us > UINT64_MAX - now ? THOX_FOREVER : now + timeout_us;
}

static int next(struct thox_client *c, uint64_t timeout_us) {
        uint64_t deadline = deadline_after(timeout_us);
        bool is_event = false;

        while (!is_event) {
                struct client_event e;
                int r = client_wait(c->client, time_left(deadline), -1, &e);
                if (r == -ETIMEDOUT)
                        return -EAGAIN;
                if (r < 0)
                        return error_trace(r);
                r = take_event(c, &e, &is_event);
                if (r == -ENOMEM)
                        answer_lost(c, &e);
                if (r < 0)
                        return error_trace(r);
        }
        return 0;
}

int thox_next(struct thox_client *c, uint64_t timeout_us, struct thox_event **ret) {
        int r = next(c, timeout_us);

        settle(c, r == -EAGAIN);
        if (r < 0)
                return error_trace(r);
        *ret = &c->event.event;
        return 0;
}

/*
 * Calling.
 */

/* A status as a result: none is negative. */
static int result_of(uint32_t status) {
        return status > INT_MAX ? INT_MAX : (int)status;
}

static bool is_name_sendable(const char *name) {
        return strnlen(name, LIMIT_NAME_BYTES + 1) <= LIMIT_NAME_BYTES;
}

static int start_take(struct thox_client *c,
                      struct client_request *request,
                      struct thox_writer *args,
                      uint64_t *ret_cid) {
        struct thox_writer *owned CLEANUP(thox_writer_freep) = args;
        int r = writer_check(args);
        if (r < 0)
                return error_trace(r);

        /* initd would say so as well, but a name beyond all bounds would end the connection. */
        if (!is_name_sendable(request->name))
                return STATUS_BADARGS;
        if (owned) {
                request->values = &owned->values;
                request->caps = owned->caps;
                request->n_caps = owned->n_caps;
        }
        return error_trace(client_call_start(c->client, request, ret_cid));
}

/* Of a call: on the wire 0 is for ever. */
static uint64_t wire_timeout(uint64_t timeout_us) {
        if (timeout_us == THOX_FOREVER)
                return 0;
        return timeout_us == 0 ? 1 : timeout_us;
}

int thox_start(struct thox_client *c,
               uint32_t context,
               const char *name,
               struct thox_writer *args,
               uint64_t timeout_us,
               uint64_t *ret_cid) {
        struct client_request request = { .handle = handle_of(context),
                                          .name = name,
                                          .timeout_us = wire_timeout(timeout_us) };
        int r = start_take(c, &request, args, ret_cid);
        settle(c, false);
        return error_trace(r);
}

int thox_send(struct thox_client *c, uint32_t context, const char *name, struct thox_writer *args) {
        struct client_request request = { .handle = handle_of(context),
                                          .name = name,
                                          .is_oneway = true };
        uint64_t cid;
        int r = start_take(c, &request, args, &cid);
        settle(c, false);
        return error_trace(r);
}

/* 0 and c->answer, or -errno. */
static int await(struct thox_client *c, uint64_t cid, uint64_t timeout_us) {
        struct client_event e;
        int r = client_await(c->client, cid, timeout_us, &e);

        if (r == -ETIMEDOUT) {
                c->answer.event = (struct thox_event){ .type = THOX_EVENT_ANSWER, .name = "" };
                c->answer.event.cid = cid;
                delivery_fail(&c->answer, STATUS_TIMEOUT, NO_ANSWER);
                return 0;
        }
        if (r == 0)
                r = deliver(&c->answer, &e);
        if (r == READER_E_BAD) {
                delivery_fail(&c->answer, STATUS_PROTO, MALFORMED);
                return 0;
        }
        return error_trace(r);
}

int thox_call(struct thox_client *c,
              uint32_t context,
              const char *name,
              struct thox_writer *args,
              uint64_t timeout_us,
              struct thox_event **ret) {
        /* The deadline is kept here: not every endpoint takes one, alarm does not. */
        struct client_request request = { .handle = handle_of(context), .name = name };
        uint64_t deadline = deadline_after(timeout_us), cid;
        int r = start_take(c, &request, args, &cid);
        if (r == STATUS_BADARGS) {
                c->answer.event = (struct thox_event){ .type = THOX_EVENT_ANSWER, .name = "" };
                delivery_fail(&c->answer, STATUS_BADARGS, "a name has at most 128 bytes");
        } else if (r == 0) {
                r = await(c, cid, time_left(deadline));
        }
        settle(c, false);
        if (r < 0)
                return error_trace(r);
        if (ret)
                *ret = &c->answer.event;
        return result_of(c->answer.event.status);
}

int thox_cancel(struct thox_client *c, uint64_t cid) {
        int r = client_cancel(c->client, cid);
        settle(c, false);
        return error_trace(r);
}

/*
 * Serving.
 */

/* What a question to the tree itself came to. */
static int replied(struct thox_client *c, int r, uint32_t status) {
        settle(c, false);
        return r < 0 ? error_trace(r) : result_of(status);
}

int thox_bind(struct thox_client *c, uint32_t context, const char *name) {
        uint32_t status = STATUS_BADARGS;
        int r = 0;

        if (is_name_sendable(name))
                r = client_bind(c->client, handle_of(context), name, &status);
        return replied(c, r, status);
}

int thox_unbind(struct thox_client *c, uint32_t context, const char *name) {
        uint32_t status = STATUS_NOTBOUND;
        int r = 0;

        if (is_name_sendable(name))
                r = client_unbind(c->client, handle_of(context), name, &status);
        return replied(c, r, status);
}

int thox_context_new(struct thox_client *c, uint32_t *ret_context) {
        uint32_t status, handle;
        int r = client_context_new(c->client, NULL, &status, &handle);

        if (r == 0 && status == STATUS_OK)
                *ret_context = handle - 1;
        return replied(c, r, status);
}

int thox_close(struct thox_client *c, uint32_t context) {
        uint32_t status;
        int r = client_context_close(c->client, handle_of(context), &status);
        return replied(c, r, status);
}

int thox_answer(struct thox_client *c, uint64_t cid, uint32_t status, struct thox_writer *values) {
        struct thox_writer *w CLEANUP(thox_writer_freep) = values;
        int r = writer_check(w);

        if (r < 0)
                return error_trace(r);
        if (!table_find_u64(&c->served, cid))
                return STATUS_BADCID;
        if (w)
                r = client_answer_caps(c->client, cid, status, &w->values, w->caps, w->n_caps);
        else
                r = client_answer(c->client, cid, status, NULL);
        /* One that was not queued may be tried again. */
        if (r == 0)
                served_forget(c, cid);
        settle(c, false);
        return error_trace(r);
}

int thox_refuse(struct thox_client *c, uint64_t cid, uint32_t status, const char *why) {
        struct thox_writer *w = thox_writer_new();

        thox_write_string(w, why);
        return error_trace(thox_answer(c, cid, status, w));
}

/*
 * Life.
 */

static int find_socket(struct paths *paths, const char *dir) {
        int r = paths_init_client(paths, dir, -1);
        return r == PATHS_E_TOO_LONG ? error_origin(ENAMETOOLONG) : error_trace(r);
}

int thox_connect(struct thox_client **ret, const char *dir, const char *name, uint64_t timeout_us) {
        struct thox_client *c CLEANUP(thox_disconnectp) = NULL;
        struct paths paths;
        int r;

        if (!name_is_valid(name, strlen(name)))
                return error_origin(EINVAL);
        r = find_socket(&paths, dir);
        if (r < 0)
                return error_trace(r);
        c = calloc(1, sizeof(*c));
        if (!c)
                return error_origin(ENOMEM);

        c->epoll_fd = c->event_fd = -1;
        table_init(&c->served);
        buf_init(&c->event.values, READER_BYTES_MAX);
        buf_init(&c->answer.values, READER_BYTES_MAX);
        r = client_new(&c->client, paths.socket, name, timeout_us);
        if (r < 0)
                return error_trace(r);
        *ret = take(c);
        return 0;
}

void thox_disconnect(struct thox_client *c) {
        struct served *s;
        size_t at = 0;

        if (!c)
                return;
        close_descriptors(c);
        client_free(c->client);
        while ((s = table_next(&c->served, &at)))
                served_forget(c, s->cid);
        table_deinit(&c->served);
        buf_deinit(&c->event.values);
        buf_deinit(&c->answer.values);
        free(c);
}

uint32_t thox_pid(const struct thox_client *c) {
        return client_pid(c->client);
}

const char *thox_version(void) {
        return THOX_VERSION;
}

/*
 * Statuses. The numbers are public, so they are written out in thox.h.
 */

static_assert(THOX_OK == (int)STATUS_OK && THOX_ERROR == (int)STATUS_ERROR &&
                      THOX_PROTO == (int)STATUS_PROTO && _STATUS_N == 21,
              "thox.h has every status");

const char *thox_status_name(uint32_t status) {
        return status_name(status);
}

const char *thox_error(int r) {
        return r < 0 ? client_error_text(r) : status_text((uint32_t)r);
}
