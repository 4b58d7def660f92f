/*
 * transfer.c - see transfer.h. Handles already given when a later one fails stay with the receiver: they
 * were the sender's to give, and the receiver's limit counts them.
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
                                                     "(limit LIMIT_HANDLES 1024)" },
        };
        static_assert(LIMIT_HANDLES == 1024, "the message above names it");
        return &refusals[r < 0 ? 0 : r];
}

static int transfer_cap(struct peer *from, struct peer *to, struct wire_cap *cap) {
        struct handle *h = handle_find(from, cap->handle);
        if (!h || h->context->is_dead)
                return TRANSFER_E_BADCTX;
        if ((h->rights & HANDLE_RIGHT_SHARE) == 0)
                return TRANSFER_E_DENIED;
        uint32_t rights = cap->rights == 0 ? h->rights : cap->rights & h->rights;
        struct handle *given;
        int r = handle_give(to, h->context, rights, &given);
        if (r == HANDLE_E_LIMIT)
                return TRANSFER_E_LIMIT;
        if (r < 0)
                return error_trace(r);
        *cap = (struct wire_cap){ .handle = given->number, .rights = given->rights };
        context_announce(given, from);
        return 0;
}

int transfer_caps(struct peer *from, struct peer *to, struct wire_frame *frame) {
        for (size_t i = 0; i < frame->extra.n_caps; i++) {
                int r = transfer_cap(from, to, &frame->caps[i]);
                if (r != 0)
                        return r;
        }
        return 0;
}
