/*
 * waiting.h - calls to initd that are answered when something has come about: a process's end, its
 * start. A caller that gives up is forgotten.
 */
#pragma once

#include "initd/native.h"
#include "libipc/base/list.h"

/* Each call in `waiting` is of this list alone. Out of memory refuses it and returns false. */
bool waiting_add(struct list *waiting, struct call *call);
/* All of them, with no values. */
void waiting_answer(struct list *waiting);
void waiting_refuse(struct list *waiting, enum thox_status status, const char *message);
