/*
 * native.c - calls with initd at one end: those it serves (tables of endpoints) and those it makes.
 */
#include "initd/native.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "initd/binding.h"
#include "initd/context.h"
#include "initd/handle.h"
#include "initd/router.h"
#include "initd/target.h"
#include "libipc/base/error.h"
#include "libipc/base/log.h"

/* ---- serving ------------------------------------------------------------------------------- */

int native_register(struct router *r, const struct native_endpoint *endpoints, size_t n) {
        for (size_t i = 0; i < n; i++) {
                int error = binding_add_native(r->native, &endpoints[i]);
                if (error < 0)
                        return error_trace(error);
        }
        return 0;
}

static void native_run(const struct native_endpoint *endpoint,
                       struct peer *caller,
                       struct context *context,
                       struct call *call,
                       const struct wire_frame *frame,
                       const uint8_t *values,
                       size_t len) {
        struct native_request request = {
                .router = caller->router,
                .caller = caller,
                .context = context,
                .call = call,
                .caps = frame->extra.caps,
                .n_caps = frame->extra.n_caps,
        };
        value_reader_init(&request.args, values, len);
        endpoint->handler(&request);
}

/* Long arguments are kept here until all have come. False: the call has been refused. */
static bool native_gather(struct call *call, const struct wire_frame *frame) {
        size_t len = frame->extra.values_len;
        if (call->caller->n_native_bytes + len > LIMIT_NATIVE_ARGS_BYTES) {
                call_refuse(call, STATUS_LIMIT,
                            "arguments of more than %u bytes (limit LIMIT_NATIVE_ARGS_BYTES)",
                            LIMIT_NATIVE_ARGS_BYTES);
                return false;
        }
        if (buf_add(&call->args, frame->extra.values, len) < 0) {
                call_refuse(call, STATUS_ERROR, "the router is out of memory");
                return false;
        }
        call->caller->n_native_bytes += len;
        return true;
}

void native_on_request(struct call *call, struct wire_frame *frame) {
        bool is_long = frame->extra.more || call->args.len > 0;
        if (is_long && !native_gather(call, frame))
                return;
        if (frame->extra.more)
                return;
        if (is_long)
                native_run(call->native, call->caller, call->context, call, frame, call->args.data,
                           call->args.len);
        else
                native_run(call->native, call->caller, call->context, call, frame,
                           frame->extra.values, frame->extra.values_len);
}

void native_on_oneway(struct peer *caller,
                      struct context *context,
                      const struct native_endpoint *endpoint,
                      struct wire_frame *frame) {
        native_run(endpoint, caller, context, NULL, frame, frame->extra.values,
                   frame->extra.values_len);
}

void native_answer(struct call *call, const struct buf *values) {
        if (!call)
                return;
        struct wire_extra extra = { 0 };
        if (values) {
                extra.values = values->data;
                extra.values_len = values->len;
        }
        call_finish(call, STATUS_OK, &extra);
}

void native_refuse(struct call *call, enum thox_status status, const char *fmt, ...) {
        if (!call)
                return;
        char message[512];
        va_list args;
        va_start(args, fmt);
        vsnprintf(message, sizeof(message), fmt, args);
        va_end(args);
        call_refuse(call, status, "%s", message);
}

struct handle *native_cap(const struct native_request *request, uint32_t index) {
        if (index >= request->n_caps)
                return NULL;
        return handle_find(request->caller, request->caps[index].handle);
}

/* ---- calling ------------------------------------------------------------------------------- */

static uint32_t native_next_seq(struct router *r) {
        do
                r->next_seq++;
        while (r->next_seq == 0 ||
               index_find(&r->calls, wire_cid(ROUTER_GENERATION_INITD, r->next_seq)));
        return r->next_seq;
}

static void native_send(struct call *call, const char *name, const struct buf *values) {
        struct wire_call request = {
                .cid = call->cid,
                .handle = call->server_handle,
                .pid = ROUTER_PID_INITD,
                .flags = wire_priority_flags(WIRE_PRIORITY_DEFAULT),
                .name = (const uint8_t *)name,
                .name_len = strlen(name),
        };
        struct wire_extra extra = { 0 };
        if (values) {
                extra.values = values->data;
                extra.values_len = values->len;
        }
        peer_sent(call->server, conn_send_call_long(&call->server->conn, 0, &request, &extra));
}

void call_start(struct router *r,
                const char *name,
                const struct buf *values,
                uint64_t timeout_us,
                call_done_fn *done,
                void *userdata) {
        struct binding *b = binding_find(r->native, name, strlen(name));
        struct call *call;
        if (!b || !b->server) {
                done(r, userdata, STATUS_UNAVAIL, NULL, NULL);
                return;
        }
        uint64_t cid = wire_cid(ROUTER_GENERATION_INITD, native_next_seq(r));
        struct target target = { .context = r->native,
                                 .server = b->server,
                                 .handle = b->server_handle,
                                 .route = { .binding = b } };
        if (call_new(&call, r, cid, NULL, &target) < 0) {
                done(r, userdata, STATUS_ERROR, NULL, NULL);
                return;
        }
        call_set_name(call, name, strlen(name));
        call->done = done;
        call->done_userdata = userdata;
        if (timeout_us > 0 && call_arm_deadline(call, timeout_us) < 0)
                call_refuse(call, STATUS_ERROR, "the router is out of memory");
        else
                native_send(call, name, values);
}

void native_on_answer(struct call *call, struct peer *server, struct wire_frame *frame) {
        bool is_long = frame->extra.more || call->answer.len > 0;
        if (is_long && buf_add(&call->answer, frame->extra.values, frame->extra.values_len) < 0) {
                call_refuse(call, STATUS_ERROR, "the router is out of memory");
                return;
        }
        call->is_answering = true;
        if (frame->extra.more)
                return;
        if (is_long) {
                frame->extra.values = call->answer.data;
                frame->extra.values_len = call->answer.len;
        }
        call_answered(call, server, frame);
}
