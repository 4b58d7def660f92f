/*
 * run_properties.h - what a process is limited to by who ran it. A child has at most what its parent
 * has: lists become narrower, numbers lower, never the other way. The init program and clients are free.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "initd/pattern.h"

struct peer;
struct run_parse;

/* Names that a process may use; every name while it is not set. */
struct run_names {
        bool is_set;
        struct pattern_list names;
};

struct run_properties {
        uint64_t memory_bytes;
        uint64_t
                memory_max_bytes; /* that a memory fault may lead to; below memory_bytes: none may */
        uint64_t cpu_turn_us;     /* CPU time of one turn of a task; 0: no limit */
        uint64_t watchdog_us;     /* with messages unread; 0: for ever */
        uint32_t quantum_us;
        uint32_t
                processes; /* of a family that begins here; 0: it joins its parent's, if there is one */
        uint32_t priority; /* 0 to WIRE_PRIORITY_MAX: of its calls and of the Linux process */
        struct run_names bind, run;
};

/* The defaults, within what `parent` (may be NULL) has. */
void run_properties_init(struct run_properties *p, const struct peer *parent);
void run_properties_deinit(struct run_properties *p);
/* The key `properties` of a process.run, into its spec. */
int run_properties_parse(struct run_parse *p);
/* After all keys: what the spec says, within what its parent has. 0, RUN_SPEC_E_REFUSED or < 0. */
int run_properties_inherit(struct run_parse *p);

/* What the process `peer` may bind. Clients and daemons have no properties: everything. */
bool run_properties_may_bind(const struct peer *peer, const void *name, size_t len);
/* What it may run, as asked for ("extended#hello"); "" stands for code that is no program. */
bool run_properties_may_run(const struct peer *peer, const char *program);
/* The most that its heap may ever have. */
uint64_t run_properties_memory_max(const struct run_properties *p);
/* The Linux nice value for it. */
int run_properties_nice(const struct run_properties *p);
