/*
 * sweep.h - deletes the keys of one kind of objects whose time has come. They are no keys any more from that
 * moment on, whenever they are deleted; watchers learn of it then.
 */
#pragma once

#include "storaged/data.h"

struct sweep;

/* And sets out for those that are on the disk already. 0 or -errno. */
int sweep_new(struct sweep **ret, struct data *data, enum data_kind kind);
struct sweep *sweep_free(struct sweep *s);

/* A key that expires has been written. */
void sweep_arm(struct sweep *s);
