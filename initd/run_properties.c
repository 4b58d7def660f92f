/*
 * run_properties.c - see run_properties.h.
 */
#include "initd/run_properties.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "initd/native.h"
#include "initd/peer.h"
#include "initd/process.h"
#include "initd/run_parse.h"
#include "libipc/base/error.h"
#include "libipc/name.h"

#define NICE_PER_PRIORITY 4

/* What no child may have more of; NULL: there is nothing above. */
static const struct run_properties *properties_above(const struct peer *parent) {
        return parent && parent->pid != PROCESS_PID_INIT ? parent->properties : NULL;
}

/* What has been lowered stays lowered; else uid 0 gives any priority. */
static uint32_t highest_priority(const struct peer *parent) {
        bool is_free = parent->uid == 0 && parent->priority >= WIRE_PRIORITY_DEFAULT;
        return is_free ? WIRE_PRIORITY_MAX : parent->priority;
}

/* Of durations 0 is the longest. */
static bool is_longer(uint64_t us, uint64_t than_us) {
        return than_us != 0 && (us == 0 || us > than_us);
}

void run_properties_init(struct run_properties *p, const struct peer *parent) {
        const struct run_properties *above = properties_above(parent);
        *p = (struct run_properties){
                .memory_bytes = LIMIT_MEMORY_BYTES,
                .watchdog_us = LIMIT_WATCHDOG_US,
                .quantum_us = LIMIT_QUANTUM_US,
                .priority = WIRE_PRIORITY_DEFAULT,
        };
        if (parent && p->priority > highest_priority(parent))
                p->priority = highest_priority(parent);
        if (!above)
                return;
        if (p->memory_bytes > above->memory_bytes)
                p->memory_bytes = above->memory_bytes;
        if (is_longer(p->watchdog_us, above->watchdog_us))
                p->watchdog_us = above->watchdog_us;
        p->cpu_turn_us = above->cpu_turn_us;
}

void run_properties_deinit(struct run_properties *p) {
        pattern_list_deinit(&p->bind.names);
        pattern_list_deinit(&p->run.names);
}

/* ---- keys ---------------------------------------------------------------------------------- */

static int parse_quantum(struct run_parse *p) {
        int64_t us;
        int r = run_parse_integer(p, &us);
        if (r != 0)
                return r;
        if (us != 0 && (us < LIMIT_QUANTUM_MIN_US || us > LIMIT_QUANTUM_MAX_US))
                return run_parse_refuse(p, STATUS_BADARGS, "%s: wants 0 or %u to %u (microseconds)",
                                        p->key, LIMIT_QUANTUM_MIN_US, LIMIT_QUANTUM_MAX_US);
        p->spec->properties.quantum_us = (uint32_t)us;
        return 0;
}

static int parse_bytes(struct run_parse *p, uint64_t *ret) {
        int64_t bytes;
        int r = run_parse_integer(p, &bytes);
        if (r != 0)
                return r;
        if (bytes < 0 || (uint64_t)bytes < LIMIT_MEMORY_MIN_BYTES)
                return run_parse_refuse(p, STATUS_BADARGS, "%s: wants %" PRIu64 " bytes or more",
                                        p->key, LIMIT_MEMORY_MIN_BYTES);
        *ret = (uint64_t)bytes;
        return 0;
}

static int parse_memory(struct run_parse *p) {
        return parse_bytes(p, &p->spec->properties.memory_bytes);
}

static int parse_memory_max(struct run_parse *p) {
        return parse_bytes(p, &p->spec->properties.memory_max_bytes);
}

static int parse_processes(struct run_parse *p) {
        int64_t n;
        int r = run_parse_integer(p, &n);
        if (r != 0)
                return r;
        if (n < 1 || n > LIMIT_PROCESSES)
                return run_parse_refuse(p, STATUS_BADARGS, "%s: wants an integer from 1 to %u",
                                        p->key, LIMIT_PROCESSES);
        p->spec->properties.processes = (uint32_t)n;
        return 0;
}

static int parse_cpu_turn(struct run_parse *p) {
        double seconds;
        if (!value_get_number(p->reader, &seconds) ||
            !(seconds == 0 || (seconds >= LIMIT_CPU_TURN_MIN_S && seconds <= LIMIT_CPU_TURN_MAX_S)))
                return run_parse_refuse(p, STATUS_BADARGS, "%s: wants 0 or %g to %u (seconds)",
                                        p->key, LIMIT_CPU_TURN_MIN_S, LIMIT_CPU_TURN_MAX_S);
        p->spec->properties.cpu_turn_us = (uint64_t)(seconds * 1e6);
        return 0;
}

static int parse_watchdog(struct run_parse *p) {
        double seconds;
        if (!value_get_number(p->reader, &seconds) ||
            !(seconds == 0 || (seconds >= 1 && seconds <= LIMIT_WATCHDOG_MAX_S)))
                return run_parse_refuse(p, STATUS_BADARGS, "%s: wants 0 or 1 to %u (seconds)",
                                        p->key, LIMIT_WATCHDOG_MAX_S);
        p->spec->properties.watchdog_us = (uint64_t)(seconds * 1e6);
        return 0;
}

static int parse_priority(struct run_parse *p) {
        int64_t priority;
        int r = run_parse_integer(p, &priority);
        if (r != 0)
                return r;
        if (priority < 0 || priority > WIRE_PRIORITY_MAX)
                return run_parse_refuse(p, STATUS_BADARGS, "%s: wants an integer from 0 to %u",
                                        p->key, WIRE_PRIORITY_MAX);
        p->spec->properties.priority = (uint32_t)priority;
        return 0;
}

/* A pattern over names of programs may have one '#', behind the runtimes. */
static bool program_pattern_is_valid(const uint8_t *bytes, size_t len) {
        uint8_t plain[LIMIT_NAME_BYTES];
        if (len == 0 || len > sizeof(plain))
                return false;
        memcpy(plain, bytes, len);
        uint8_t *mark = memchr(plain, '#', len);
        if (mark)
                *mark = '+';
        return pattern_is_valid(plain, len);
}

static int parse_pattern(struct run_parse *p,
                         struct run_names *ret,
                         const uint8_t *bytes,
                         size_t len) {
        bool is_valid = ret == &p->spec->properties.run ? program_pattern_is_valid(bytes, len) :
                                                          pattern_is_valid(bytes, len);
        if (!is_valid)
                return run_parse_want(p, "names, or prefixes that end in '*'");
        if (ret->names.n_items >= LIMIT_PATTERNS)
                return run_parse_refuse(p, STATUS_LIMIT, "%s: more than %u names (LIMIT_PATTERNS)",
                                        p->key, LIMIT_PATTERNS);
        return error_trace(pattern_list_add(&ret->names, bytes, len));
}

static int parse_names(struct run_parse *p, struct run_names *ret) {
        struct value v;
        if (value_next(p->reader, &v) != VALUE_OK)
                return run_parse_want(p, "a list of names");
        ret->is_set = true;
        if (v.type == VALUE_MAP && v.size == 0)
                return 0;
        if (v.type != VALUE_ARRAY)
                return run_parse_want(p, "a list of names");
        for (size_t left = v.size; left > 0; left -= left != VALUE_INDEFINITE) {
                if (value_next(p->reader, &v) != VALUE_OK)
                        return run_parse_want(p, "a list of names");
                if (v.type == VALUE_END)
                        return 0;
                if (v.type != VALUE_BYTES)
                        return run_parse_want(p, "a list of names");
                int r = parse_pattern(p, ret, v.bytes, v.len);
                if (r != 0)
                        return r;
        }
        return 0;
}

static int parse_bind(struct run_parse *p) {
        return parse_names(p, &p->spec->properties.bind);
}

static int parse_run(struct run_parse *p) {
        return parse_names(p, &p->spec->properties.run);
}

int run_properties_parse(struct run_parse *p) {
        static const struct run_key keys[] = {
                { "bind", parse_bind },         { "cpu_turn", parse_cpu_turn },
                { "memory", parse_memory },     { "memory_max", parse_memory_max },
                { "priority", parse_priority }, { "processes", parse_processes },
                { "quantum", parse_quantum },   { "run", parse_run },
                { "watchdog", parse_watchdog },
        };
        return run_parse_map(p, "properties", keys, ARRAY_SIZE(keys));
}

/* ---- inheritance --------------------------------------------------------------------------- */

static int inherit_names(struct run_parse *p,
                         struct run_names *names,
                         const struct run_names *parent,
                         const char *key) {
        if (!parent->is_set)
                return 0;
        if (!names->is_set) {
                names->is_set = true;
                return error_trace(pattern_list_add_all(&names->names, &parent->names));
        }
        struct pattern_list both = { 0 };
        int r = pattern_list_intersect(&both, &names->names, &parent->names);
        pattern_list_deinit(&names->names);
        names->names = both;
        if (r > 0)
                return run_parse_refuse(p, STATUS_LIMIT,
                                        "%s: with the parent's, more than %u names "
                                        "(LIMIT_PATTERNS)",
                                        key, LIMIT_PATTERNS);
        return error_trace(r);
}

/* "1 s", or "none" */
static void write_duration(char text[32], uint64_t us) {
        if (us == 0)
                strcpy(text, "none");
        else
                snprintf(text, 32, "%g s", (double)us / 1e6);
}

static int inherit_duration(struct run_parse *p, uint64_t us, uint64_t above_us, const char *key) {
        const struct peer *parent = p->request->caller;
        char text[32], above_text[32];
        if (!is_longer(us, above_us))
                return 0;
        write_duration(text, us);
        write_duration(above_text, above_us);
        return run_parse_refuse(p, STATUS_DENIED,
                                "%s: %s is more than the %s that process %u (%s) may give", key,
                                text, above_text, parent->pid, parent->name);
}

static int inherit_number(struct run_parse *p, uint64_t n, uint64_t most, const char *key) {
        const struct peer *parent = p->request->caller;
        if (n <= most)
                return 0;
        return run_parse_refuse(p, STATUS_DENIED,
                                "%s: %" PRIu64 " is more than the %" PRIu64
                                " that process %u (%s) may give",
                                key, n, most, parent->pid, parent->name);
}

/* Defaults are within what the parent has: what is beyond it was asked for. */
int run_properties_inherit(struct run_parse *p) {
        const struct peer *parent = p->request->caller;
        const struct run_properties *above = properties_above(parent);
        struct run_properties *own = &p->spec->properties;
        int r = inherit_number(p, own->priority, highest_priority(parent), "priority");
        if (r != 0 || !above)
                return r;
        r = inherit_number(p, own->memory_bytes, above->memory_bytes, "memory");
        if (r == 0)
                r = inherit_number(p, run_properties_memory_max(own),
                                   run_properties_memory_max(above), "memory_max");
        if (r == 0)
                r = inherit_duration(p, own->cpu_turn_us, above->cpu_turn_us, "cpu_turn");
        if (r == 0)
                r = inherit_duration(p, own->watchdog_us, above->watchdog_us, "watchdog");
        if (r == 0)
                r = inherit_names(p, &own->bind, &above->bind, "bind");
        return r == 0 ? inherit_names(p, &own->run, &above->run, "run") : r;
}

/* ---- questions ----------------------------------------------------------------------------- */

static bool run_names_allow(const struct run_names *names, const void *name, size_t len) {
        return !names->is_set || pattern_list_matches(&names->names, name, len);
}

bool run_properties_may_bind(const struct peer *peer, const void *name, size_t len) {
        return !peer->properties || run_names_allow(&peer->properties->bind, name, len);
}

bool run_properties_may_run(const struct peer *peer, const char *program) {
        return !peer->properties ||
               run_names_allow(&peer->properties->run, program, strlen(program));
}

uint64_t run_properties_memory_max(const struct run_properties *p) {
        return p->memory_max_bytes > p->memory_bytes ? p->memory_max_bytes : p->memory_bytes;
}

int run_properties_nice(const struct run_properties *p) {
        return ((int)WIRE_PRIORITY_DEFAULT - (int)p->priority) * NICE_PER_PRIORITY;
}
