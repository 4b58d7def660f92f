/*
 * forward.h - a server passes a call on. It changes hands: its new server answers the first caller,
 * whose deadline and cancel go with it, and whoever forwarded it may end. A refusal on the way is the
 * call's answer.
 *
 * Authority does not grow: the name is looked up through a context of the forwarder's, the uid is 0
 * only if all who had the call are, and endpoints of initd's that act for their caller take none.
 */
#pragma once

struct call;
struct peer;
struct wire_call;
struct wire_frame;

/* A Call with WIRE_FLAG_FORWARD. */
void forward_on_frame(struct peer *sender, struct wire_frame *frame);
/* The fields of a forwarded call that are not its sender's to say. */
void forward_stamp(const struct call *call, struct wire_call *delivery);
/* For peer_close: what it had begun to pass on ends. */
void forward_drop(struct peer *sender);
