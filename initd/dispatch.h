/*
 * dispatch.h - one table: body kind to {roles that may send it, handler}. Also the only place where the
 * objects' positive codes become statuses.
 */
#pragma once

struct peer;
struct wire_frame;

/* Handles one frame; may close the peer. */
void dispatch_frame(struct peer *p, struct wire_frame *frame);
