/*
 * request.c - calls being served. Puts the frames of a call together, finds its endpoint, hands it
 * over, and sends the one answer.
 *
 * A request is in exactly one list of its service: assembling (frames to come) → backlog (while
 * initd reads too slowly, so that our output stays bounded) → running. Requests are run in the order
 * they were completed. Most are answered before the next frame is looked at; only the others are in
 * the table by which a Cancel finds them.
 */
#include "libipc/request.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libipc/base/error.h"
#include "libipc/base/fd.h"
#include "libipc/limits.h"
#include "libipc/service.h"

#define CONTEXT_CLOSED "this context has been closed"
#define NAME_UNKNOWN "nobody serves this name here"
#define ANSWER_TOO_LONG "the answer is longer than 64 MiB"
#define ARGUMENTS_TOO_LONG "the arguments are longer than 64 MiB or than our memory"
static_assert(LIMIT_MESSAGE_BYTES == 64u << 20, "both name it");

static struct request *request_free(struct request *request) {
        if (!request)
                return NULL;
        struct service *s = request->service;
        list_remove(&request->link);
        if (s->arriving == request)
                s->arriving = NULL;
        else if (!request->is_oneway)
                table_remove_u64(&s->requests, request->cid);
        buf_deinit(&request->values);
        fd_close(request->fd);
        free((void *)(uintptr_t)request->caps);
        free(request);
        return NULL;
}

/*
 * Answering.
 */

static int put_message(struct buf *values, const char *text) {
        buf_init(values, LIMIT_FRAME_VALUES_BYTES);
        return value_put_text(values, text);
}

/* The same call, with an answer that surely fits. */
static int send_failure(struct service *s,
                        uint64_t cid,
                        enum thox_status status,
                        const char *text) {
        struct wire_answer answer = { .cid = cid, .status = status };
        struct wire_extra extra = { 0 };
        struct buf values;
        int r = put_message(&values, text);

        extra.values = values.data;
        extra.values_len = values.len;
        if (r == 0)
                r = conn_send_answer(&s->conn, 0, &answer, &extra, NULL);
        buf_deinit(&values);
        service_queue_flush(s);
        return error_fold(r);
}

static int send_answer(struct request *request,
                       enum thox_status status,
                       const struct wire_extra *extra) {
        struct wire_answer answer = { .cid = request->cid, .status = status };
        struct service *s = request->service;
        int r = conn_send_answer_long(&s->conn, 0, &answer, extra);
        if (r == -EMSGSIZE || r == -ENOMEM)
                return send_failure(s, request->cid, STATUS_LIMIT,
                                    r == -ENOMEM ? "out of memory for the answer" :
                                                   ANSWER_TOO_LONG);
        service_queue_flush(s);
        return error_fold(r);
}

static void finish(struct request *request,
                   enum thox_status status,
                   const struct wire_extra *extra) {
        struct service *s = request->service;

        /* From inside its cancel callback: request_on_cancel frees it. */
        if (request->is_cancelled && request->on_cancel)
                return;
        if (!request->is_oneway && !request->is_cancelled && !s->is_closing)
                service_set_error(s, send_answer(request, status, extra));
        request_free(request);
}

void request_answer(struct request *request, enum thox_status status, const struct buf *values) {
        struct wire_extra extra = { 0 };

        if (values) {
                extra.values = values->data;
                extra.values_len = values->len;
        }
        finish(request, status, &extra);
}

void request_answer_with(struct request *request,
                         const struct buf *values,
                         const int *fds,
                         size_t n_fds,
                         const struct wire_cap *caps,
                         size_t n_caps) {
        struct wire_extra extra = { .fds = fds, .n_fds = n_fds, .caps = caps, .n_caps = n_caps };

        if (values) {
                extra.values = values->data;
                extra.values_len = values->len;
        }
        finish(request, STATUS_OK, &extra);
}

void request_fail(struct request *request, enum thox_status status, const char *fmt, ...) {
        char text[LIMIT_EXIT_MESSAGE_BYTES];
        struct buf values;
        va_list args;

        va_start(args, fmt);
        vsnprintf(text, sizeof(text), fmt, args);
        va_end(args);
        /* Without memory for the text the status alone still tells. */
        (void)put_message(&values, text);
        request_answer(request, status, &values);
        buf_deinit(&values);
}

void request_fail_usage(struct request *request) {
        const struct endpoint *e = request->endpoint;
        request_fail(request, STATUS_BADARGS, "usage: %s %s", e->name, e->usage);
}

/*
 * Arriving.
 */

static void run(struct request *request) {
        struct service *s = request->service;

        list_remove(&request->link);
        list_add_tail(&s->running, &request->link);
        request->is_running = true;
        if (request->handle != SERVICE_NATIVE_HANDLE) {
                request->context = service_context_find(s, request->handle);
                if (!request->context) {
                        request_fail(request, STATUS_BADCTX, CONTEXT_CLOSED);
                        return;
                }
        }
        value_reader_init(&request->args, request->values.data, request->values.len);
        request->endpoint->handler(request);
}

void request_run_backlog(struct service *s) {
        while (!list_is_empty(&s->backlog) && conn_pending(&s->conn) <= LIMIT_OUT_PAUSE_BYTES)
                run(container_of(s->backlog.next, struct request, link));
}

static void complete(struct request *request) {
        struct service *s = request->service;

        list_remove(&request->link);
        if (request->is_overlong) {
                list_add_tail(&s->running, &request->link);
                request->is_running = true;
                request_fail(request, STATUS_LIMIT, ARGUMENTS_TOO_LONG);
                return;
        }
        list_add_tail(&s->backlog, &request->link);
        request_run_backlog(s);
}

static struct request *find_in(const struct list *list, uint64_t cid) {
        list_for_each(node, list) {
                struct request *request = container_of(node, struct request, link);
                if (request->cid == cid)
                        return request;
        }
        return NULL;
}

/* *ret stays NULL when the call has been refused with an answer. */
static int begin(struct service *s, const struct wire_call *call, struct request **ret) {
        bool is_oneway = (call->flags & WIRE_FLAG_ONEWAY) != 0;
        const struct endpoint *endpoint;
        enum thox_status status =
                service_endpoint_find(s, call->handle, call->name, call->name_len, &endpoint);
        struct request *request = NULL;
        if (status == STATUS_OK && table_reserve(&s->requests) == 0)
                request = malloc(sizeof(*request)); /* calloc is much slower */
        if (!request && is_oneway)
                return 0;
        if (status != STATUS_OK)
                return send_failure(s, call->cid, status,
                                    status == STATUS_BADCTX ? CONTEXT_CLOSED : NAME_UNKNOWN);
        if (!request)
                return send_failure(s, call->cid, STATUS_BUSY, "out of memory");

        *request = (struct request){
                .fd = -1,
                .service = s,
                .endpoint = endpoint,
                .cid = call->cid,
                .pid = call->pid,
                .uid = call->uid,
                .handle = call->handle,
                .is_oneway = is_oneway,
        };
        buf_init(&request->values, LIMIT_MESSAGE_BYTES);
        list_add_tail(&s->assembling, &request->link);
        s->arriving = *ret = request;
        return 0;
}

/* What goes on after its first frame can be cancelled. */
static void keep(struct service *s) {
        struct request *request = take(s->arriving);

        if (request && !request->is_oneway &&
            table_add_u64(&s->requests, request->cid, request) < 0)
                assert(false); /* its room is reserved */
}

static void append(struct request *request, const struct wire_extra *extra) {
        if (request->is_overlong || extra->values_len == 0 ||
            buf_add(&request->values, extra->values, extra->values_len) == 0)
                return;
        request->is_overlong = true;
        buf_deinit(&request->values);
        buf_init(&request->values, LIMIT_MESSAGE_BYTES);
}

static void keep_caps(struct request *request, const struct wire_extra *extra) {
        if (extra->n_caps == 0)
                return;
        struct wire_cap *caps = reallocarray(NULL, extra->n_caps, sizeof(*caps));
        if (!caps) {
                request->is_overlong = true;
                return;
        }
        memcpy(caps, extra->caps, extra->n_caps * sizeof(*caps));
        request->caps = caps;
        request->n_caps = extra->n_caps;
}

static void keep_fd(struct request *request, const struct wire_extra *extra) {
        if (request->endpoint->takes_fd && extra->n_fds > 0)
                request->fd = conn_take_fd(&request->service->conn, 0);
}

int request_take_fd(struct request *request) {
        int fd = request->fd;

        request->fd = -1;
        return fd;
}

int request_on_call(struct service *s, const struct wire_frame *frame) {
        struct request *request = NULL;
        int r = 0;

        /* Frames that go on with a call refused or cancelled before find nothing. */
        if ((frame->call.flags & WIRE_FLAG_CONTINUED) != 0)
                request = find_in(&s->assembling, frame->call.cid);
        else
                r = begin(s, &frame->call, &request);
        if (r < 0 || !request)
                return error_trace(r);

        append(request, &frame->extra);
        if (!frame->extra.more) {
                keep_caps(request, &frame->extra);
                keep_fd(request, &frame->extra);
                complete(request);
        }
        keep(s);
        return 0;
}

/*
 * Cancelling.
 */

static void cancel_running(struct request *request) {
        if (request->is_cancelled)
                return;
        request->is_cancelled = true;
        if (!request->on_cancel)
                return;
        request->on_cancel(request);
        request_free(request);
}

int request_on_cancel(struct service *s, uint64_t cid) {
        struct request *request = table_find_u64(&s->requests, cid);

        if (request && request->is_running)
                cancel_running(request);
        else
                request_free(request);
        return 0;
}

void request_cancel_all(struct service *s) {
        list_for_each_safe(node, &s->assembling)
                request_free(container_of(node, struct request, link));
        list_for_each_safe(node, &s->backlog)
                request_free(container_of(node, struct request, link));
        while (!list_is_empty(&s->running)) {
                struct request *request = container_of(s->running.next, struct request, link);
                bool is_kept = !request->on_cancel;
                cancel_running(request);
                if (is_kept)
                        request_free(request);
        }
}
