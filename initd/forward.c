/*
 * forward.c - see forward.h. Like a request (call.c), but the call exists: a refusal ends it.
 */
#include "initd/forward.h"

#include <assert.h>

#include "initd/binding.h"
#include "initd/call.h"
#include "initd/fallback.h"
#include "initd/native.h"
#include "initd/router.h"
#include "initd/target.h"
#include "initd/trace.h"
#include "libipc/base/clock.h"

#define FORWARD_TOO_FAR "the call has been forwarded 16 times (limit LIMIT_CALL_HOPS)"
static_assert(LIMIT_CALL_HOPS == 16, "FORWARD_TOO_FAR names it");

/* False: refused, the call is over. */
static bool forward_find(struct call *call,
                         struct peer *sender,
                         const struct wire_frame *frame,
                         struct target *ret) {
        struct target_refusal refusal;
        if (!target_find(sender, &frame->call, ret, &refusal) ||
            !target_has_room(ret, call->caller, 0, &refusal)) {
                call_refuse(call, refusal.status, "forwarded by process %u (%s): %s", sender->pid,
                            sender->name, refusal.message);
                return false;
        }
        const struct native_endpoint *native = ret->server ? NULL : ret->route.binding->native;
        if (!native || native->is_daemon || native->is_forwardable)
                return true;
        call_refuse(call, STATUS_DENIED,
                    "forwarded by process %u (%s): '%s' acts for its caller and takes no "
                    "forwarded calls; the forwarder may call it itself",
                    sender->pid, sender->name, native->name);
        return false;
}

static void forward_pass(struct call *call, struct peer *sender, struct wire_frame *frame) {
        frame->call.name = (const uint8_t *)call->name;
        frame->call.name_len = call->name_len;
        list_remove(&call->forward_link);
        call->forwarder = NULL;
        if (frame->extra.more) {
                call->forwarder = sender;
                list_add_tail(&sender->calls_forwarding, &call->forward_link);
        }
        /* They are the forwarder's numbers; initd would look for them at the caller. */
        if (call->native)
                frame->extra.n_caps = 0;
        call_take_frame(call, sender, frame);
}

static void forward_begin(struct call *call, struct peer *sender, struct wire_frame *frame) {
        struct target target;
        call_detach(call);
        if (call->n_hops >= LIMIT_CALL_HOPS) {
                call_refuse(call, STATUS_DENIED, FORWARD_TOO_FAR);
                return;
        }
        if (!forward_find(call, sender, frame, &target))
                return;
        if (call->n_hops++ == 0)
                call->uid = call->caller->uid;
        if (sender->uid != 0)
                call->uid = sender->uid;
        fallback_drop(call);
        call_set_name(call, target.route.name, target.route.name_len);
        call_attach(call, &target);
        if (trace_is_wanted(call->router, &target))
                trace_request(sender, frame, &target, NULL);
        trace_follow(call, &target);
        forward_pass(call, sender, frame);
}

static void forward_continue(struct call *call, struct peer *sender, struct wire_frame *frame) {
        if (call->forwarder != sender)
                peer_violation(sender, "a continued call that it is not forwarding");
        else
                forward_pass(call, sender, frame);
}

void forward_on_frame(struct peer *sender, struct wire_frame *frame) {
        struct router *r = sender->router;
        struct call *call = call_find(r, frame->call.cid);
        if (!call) {
                uint32_t generation = wire_cid_generation(frame->call.cid);
                if (generation == 0 || generation >= r->next_generation)
                        peer_violation(sender, "a forward of a call that never was");
                return; /* over already: answered, cancelled, timed out */
        }
        if ((frame->call.flags & WIRE_FLAG_CONTINUED) != 0)
                forward_continue(call, sender, frame);
        else if (call->server != sender || call->is_oneway || !call->caller)
                peer_violation(sender, "a forward of a call that it was not given");
        else if (call->is_sending || call->is_answering)
                peer_violation(sender, "a forward of a call that is not complete");
        else
                forward_begin(call, sender, frame);
}

void forward_stamp(const struct call *call, struct wire_call *delivery) {
        delivery->pid = call->caller->pid;
        delivery->uid = call->uid;
        delivery->flags &= WIRE_FLAG_CONTINUED;
        delivery->flags |= wire_priority_flags(call->priority);
        delivery->timeout_us = 0;
        if (!call->has_timer)
                return;
        uint64_t now = clock_now_us();
        delivery->timeout_us = call->timer.due_us > now ? call->timer.due_us - now : 1;
}

void forward_drop(struct peer *sender) {
        while (!list_is_empty(&sender->calls_forwarding))
                call_abort(container_of(sender->calls_forwarding.next, struct call, forward_link),
                           STATUS_DEAD, "the process that was forwarding it ended");
}
