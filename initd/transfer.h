/*
 * transfer.h - handles that travel in values: the sender's numbers become the receiver's.
 */
#pragma once

#include "libipc/status.h"

struct peer;
struct wire_frame;

enum transfer_error {
        TRANSFER_OK = 0,
        TRANSFER_E_BADCTX = 1,
        TRANSFER_E_DENIED = 2,
        TRANSFER_E_LIMIT = 3,
        TRANSFER_E_UNWANTED = 4,
};

/* Whether all caps of `frame` are the sender's to share: BADCTX or DENIED otherwise. No effect. */
int transfer_check(const struct peer *from, const struct wire_frame *frame);

/* Rewrites the caps of `frame` in place; each becomes a new handle of `to`, and the context's owner is
 * told. On failure nobody has been given anything and the frame must not be delivered. */
int transfer_caps(struct peer *from, struct peer *to, struct wire_frame *frame);

/* An answer's caps, when it is not delivered. */
void transfer_drop(const struct peer *from, const struct wire_frame *frame);

/* What the caller hears of a failure (also a negative one). */
struct transfer_refusal {
        enum thox_status status;
        const char *message;
};
const struct transfer_refusal *transfer_refusal(int r);
