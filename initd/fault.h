/*
 * fault.h - memory faults, as a microkernel hands page faults to a pager. A worker whose heap is full
 * asks before it raises an error, if its property memory_max leaves room: whoever of uid 0 serves the
 * name fault.memory says how much it may have. The worker waits meanwhile, LIMIT_FAULT_US at most;
 * without a handler, or without its answer, nothing is granted.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "proto/frame.pb-c.h"

struct process;

#define FAULT_SERVICE "fault.memory"

/* Names that only uid 0 may serve in the native context. */
bool fault_is_service(const void *name, size_t len);

void fault_on_frame(struct process *p, const Thox__Fault *body);
