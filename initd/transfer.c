/*
 * transfer.c - see transfer.h. All handles of a message are given, or none.
 */
#include "initd/transfer.h"

#include <assert.h>

#include "initd/context.h"
#include "initd/handle.h"
#include "initd/peer.h"
#include "libipc/base/error.h"

const struct transfer_refusal *transfer_refusal(int r) {
        static const struct transfer_refusal refusals[] = {
                { STATUS_ERROR, "the router is out of memory" },
                [TRANSFER_E_BADCTX] = { STATUS_BADCTX,
                                        "a context in the values is not held (any more)" },
                [TRANSFER_E_DENIED] = { STATUS_DENIED,
                                        "a context in the values may not be shared" },
                [TRANSFER_E_LIMIT] = { STATUS_LIMIT, "the receiver holds too many contexts "
                                                     "(limit LIMIT_HANDLES 1024, "
                                                     "LIMIT_HANDLES_PUSHED 512 in calls)" },
                [TRANSFER_E_UNWANTED] = { STATUS_BADARGS,
                                          "the tree's own processes take no contexts" },
        };
        static_assert(LIMIT_HANDLES == 1024 && LIMIT_HANDLES_PUSHED == 512,
                      "the message above names them");
        return &refusals[r < 0 ? 0 : r];
}

static int transfer_find(const struct peer *from, const struct wire_cap *cap, struct handle **ret) {
        *ret = handle_find(from, cap->handle);
        if (!*ret || (*ret)->context->is_dead)
                return TRANSFER_E_BADCTX;
        return ((*ret)->rights & HANDLE_RIGHT_SHARE) == 0 ? TRANSFER_E_DENIED : 0;
}

int transfer_check(const struct peer *from, const struct wire_frame *frame) {
        struct handle *h;
        int r = 0;
        for (size_t i = 0; i < frame->extra.n_caps && r == 0; i++)
                r = transfer_find(from, &frame->caps[i], &h);
        return r;
}

static int transfer_cap(struct peer *from, struct peer *to, bool is_asked, struct wire_cap *cap) {
        struct handle *h;
        int found = transfer_find(from, cap, &h);
        if (found != 0)
                return found;
        uint32_t rights = cap->rights == 0 ? h->rights : cap->rights & h->rights;
        struct handle *given;
        int r = is_asked ? handle_give(to, h->context, rights, &given) :
                           handle_push(to, h->context, rights, &given);
        if (r == HANDLE_E_LIMIT)
                return TRANSFER_E_LIMIT;
        if (r < 0)
                return error_trace(r);
        *cap = (struct wire_cap){ .handle = given->number, .rights = given->rights };
        return 0;
}

/* The receiver never hears of these numbers: they would stay with it for good. */
static void transfer_take_back(struct peer *to, const struct wire_cap *caps, size_t n) {
        for (size_t i = 0; i < n; i++) {
                struct handle *h = handle_find(to, caps[i].handle);
                if (h && h->context->owner != to)
                        handle_remove(h);
        }
}

int transfer_caps(struct peer *from, struct peer *to, struct wire_frame *frame) {
        struct wire_cap *caps = frame->caps;
        size_t n = frame->extra.n_caps;
        if (n > 0 && to->role == PEER_ROLE_DAEMON)
                return TRANSFER_E_UNWANTED;
        for (size_t i = 0; i < n; i++) {
                int r = transfer_cap(from, to, frame->kind == THOX__FRAME__BODY_ANSWER, &caps[i]);
                if (r != 0) {
                        transfer_take_back(to, caps, i);
                        return r;
                }
        }
        for (size_t i = 0; i < n; i++)
                context_announce(handle_find(to, caps[i].handle), from);
        return 0;
}

void transfer_drop(const struct peer *from, const struct wire_frame *frame) {
        for (size_t i = 0; i < frame->extra.n_caps; i++) {
                const struct handle *h = handle_find(from, frame->caps[i].handle);
                if (h && !h->context->is_dead)
                        context_tell_undelivered(h);
        }
}
