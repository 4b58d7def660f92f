/*
 * native_table.h - the tables of endpoints that initd serves, one file each.
 */
#pragma once

#include <stddef.h>

#include "initd/daemon.h"
#include "initd/native.h"

extern const struct native_endpoint native_alarm_endpoints[];
extern const size_t native_alarm_n_endpoints;
extern const struct native_endpoint native_bus_endpoints[];
extern const size_t native_bus_n_endpoints;
extern const struct native_endpoint native_eval_endpoints[];
extern const size_t native_eval_n_endpoints;
extern const struct native_endpoint native_interrupt_endpoints[];
extern const size_t native_interrupt_n_endpoints;
extern const struct native_endpoint native_log_endpoints[];
extern const size_t native_log_n_endpoints;
extern const struct native_endpoint native_process_endpoints[];
extern const size_t native_process_n_endpoints;
extern const struct native_endpoint native_store_endpoints[];
extern const size_t native_store_n_endpoints;
extern const struct native_endpoint native_tree_endpoints[];
extern const size_t native_tree_n_endpoints;

/* How many of native_store_endpoints that daemon binds when it is up. */
size_t native_daemon_n_names(enum daemon_id id);
