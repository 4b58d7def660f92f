/*
 * fallback.c - see fallback.h.
 */
#include "initd/fallback.h"

#include <stdlib.h>
#include <string.h>

#include "initd/call.h"
#include "initd/context.h"
#include "initd/group.h"
#include "initd/target.h"
#include "libipc/base/clock.h"

/* Owned by its call. */
struct fallback {
        struct context *context; /* reference: where the name is bound */
        uint64_t serial;         /* of the binding that has the call */
        uint64_t trace;
        uint32_t flags;
        size_t n_caps, values_len;
        struct wire_cap caps[]; /* then the values */
};

static uint8_t *fallback_values(struct fallback *f) {
        return (uint8_t *)(f->caps + f->n_caps);
}

void fallback_keep(struct call *call, const struct binding *b, const struct wire_frame *frame) {
        const struct wire_extra *extra = &frame->extra;
        if (b->conflict != BINDING_CONFLICT_FALLBACK || list_is_empty(&b->group_link))
                return;
        if (call->is_oneway || extra->more || extra->n_fds > 0)
                return;
        if (call->caller->n_native_bytes + extra->values_len > LIMIT_NATIVE_ARGS_BYTES)
                return;
        size_t caps_bytes = extra->n_caps * sizeof(frame->caps[0]);
        struct fallback *f = malloc(sizeof(*f) + caps_bytes + extra->values_len);
        if (!f)
                return;
        *f = (struct fallback){ .context = context_ref(b->context),
                                .serial = b->serial,
                                .trace = frame->call.trace,
                                .flags = frame->call.flags,
                                .n_caps = extra->n_caps,
                                .values_len = extra->values_len };
        memcpy(f->caps, frame->caps, caps_bytes);
        if (f->values_len > 0)
                memcpy(fallback_values(f), extra->values, f->values_len);
        call->caller->n_native_bytes += f->values_len;
        call->fallback = f;
}

void fallback_drop(struct call *call) {
        struct fallback *f = call->fallback;
        if (!f)
                return;
        call->caller->n_native_bytes -= f->values_len;
        context_unref(f->context);
        free(f);
        call->fallback = NULL;
}

static struct binding *fallback_find_next(const struct call *call) {
        const struct fallback *f = call->fallback;
        if (f->context->is_dead)
                return NULL;
        struct binding *first = binding_find(f->context, call->name, call->name_len);
        return first && !first->native ? group_find_after(first, f->serial) : NULL;
}

static uint64_t fallback_time_left(const struct call *call) {
        uint64_t now_us = clock_now_us();
        if (!call->has_timer)
                return 0;
        return call->timer.due_us > now_us ? call->timer.due_us - now_us : 1;
}

/* The same frame once more; its caps are still the caller's numbers. */
static void fallback_send(struct call *call) {
        struct fallback *f = call->fallback;
        struct wire_frame frame = { .kind = THOX__FRAME__BODY_CALL,
                                    .seq = wire_cid_seq(call->cid),
                                    .call = { .cid = call->cid,
                                              .timeout_us = fallback_time_left(call),
                                              .trace = f->trace,
                                              .flags = f->flags,
                                              .name = (const uint8_t *)call->name,
                                              .name_len = call->name_len } };
        memcpy(frame.caps, f->caps, f->n_caps * sizeof(f->caps[0]));
        frame.extra.caps = frame.caps;
        frame.extra.n_caps = f->n_caps;
        frame.extra.values = fallback_values(f);
        frame.extra.values_len = f->values_len;
        call_take_frame(call, call->caller, &frame);
}

bool fallback_take_over(struct call *call, const struct wire_frame *answer) {
        enum thox_status status = (enum thox_status)answer->answer.status;
        if (call->is_answering || answer->extra.more ||
            (status != STATUS_NOTBOUND && status != STATUS_UNAVAIL))
                return false;
        struct binding *next = fallback_find_next(call);
        if (!next)
                return false;
        struct target target;
        target.route.is_logged = false;
        target_set(&target, call->context, next);
        call->fallback->serial = next->serial;
        call_detach(call);
        call_attach(call, &target);
        fallback_send(call);
        return true;
}
