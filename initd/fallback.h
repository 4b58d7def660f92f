/*
 * fallback.h - a call to a name that several serve, one in place of the other: what it takes to give
 * it to the next when the one that has it answers NOTBOUND or UNAVAIL. Only calls of one frame, which
 * nobody has forwarded.
 */
#pragma once

#include <stdbool.h>

struct binding;
struct call;
struct wire_frame;

/* Before the frame goes to `b`: keeps a copy of it, if there may be somebody to fall back on. Without
 * the room for it (LIMIT_NATIVE_ARGS_BYTES of the caller) the first answer counts. */
void fallback_keep(struct call *call, const struct binding *b, const struct wire_frame *frame);
/* True: the answer was taken for a refusal, and the call is another server's now, or over. */
bool fallback_take_over(struct call *call, const struct wire_frame *answer);
/* The answer of who has it counts. */
void fallback_drop(struct call *call);
