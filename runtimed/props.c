/*
 * props.c - see props.h. The tables of settings are the one place that knows them; the manual is checked
 * against them.
 */
#include "runtimed/props.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libipc/base/error.h"
#include "libipc/denied.h"
#include "libipc/name.h"
#include "libipc/value.h"

#define PROPS_INIT "init"
#define PROPS_UID 1000 /* of services without `admin` */

struct props_init {
        struct conf_texts services;
};

struct props {
        char program[CONF_TEXT_BYTES], runtime[CONF_TEXT_BYTES], restart[CONF_TEXT_BYTES];
        char group[CONF_TEXT_BYTES], group_restart[CONF_TEXT_BYTES];
        struct conf_texts args, after, allow, bind, run;
        uint64_t ready_us, memory_bytes, memory_max_bytes, quantum_us, cpu_turn_us, watchdog_us;
        int64_t priority, processes;
        bool is_required, is_admin;
};

static const char *const restarts[] = { "never", "on-failure", "always", NULL };
static const char *const group_restarts[] = { "all", "rest", NULL };

/* Whatever `context.allow` says: nothing is had by them but that the service can be one. */
static const char *const always_allowed[] = { "alarm", "log", "process.ready" };

#define FIELD(name) offsetof(struct props, name)
#define UNSET INT64_C(-1)
#define UNSET_US UINT64_MAX

static const struct conf_key init_keys[] = {
        { "services", CONF_TEXTS, offsetof(struct props_init, services), NULL },
};
static const struct conf_table init_table = { init_keys, ARRAY_SIZE(init_keys) };

static const struct conf_key keys[] = {
        { "run.program", CONF_TEXT, FIELD(program), NULL },
        { "run.runtime", CONF_TEXT, FIELD(runtime), NULL },
        { "run.args", CONF_TEXTS, FIELD(args), NULL },
        { "run.restart", CONF_WORD, FIELD(restart), restarts },
        { "run.after", CONF_TEXTS, FIELD(after), NULL },
        { "run.required", CONF_BOOL, FIELD(is_required), NULL },
        { "run.ready", CONF_DURATION, FIELD(ready_us), NULL },
        { "run.group.name", CONF_TEXT, FIELD(group), NULL },
        { "run.group.restart", CONF_WORD, FIELD(group_restart), group_restarts },
        { "limits.memory", CONF_SIZE, FIELD(memory_bytes), NULL },
        { "limits.memory_max", CONF_SIZE, FIELD(memory_max_bytes), NULL },
        { "limits.quantum", CONF_DURATION, FIELD(quantum_us), NULL },
        { "limits.processes", CONF_INTEGER, FIELD(processes), NULL },
        { "limits.cpu_turn", CONF_DURATION, FIELD(cpu_turn_us), NULL },
        { "limits.watchdog", CONF_DURATION, FIELD(watchdog_us), NULL },
        { "limits.priority", CONF_INTEGER, FIELD(priority), NULL },
        { "context.admin", CONF_BOOL, FIELD(is_admin), NULL },
        { "context.allow", CONF_TEXTS, FIELD(allow), NULL },
        { "context.bind", CONF_TEXTS, FIELD(bind), NULL },
        { "context.run", CONF_TEXTS, FIELD(run), NULL },
};
static const struct conf_table table = { keys, ARRAY_SIZE(keys) };

/* ---- what the parser does not know --------------------------------------------------------- */

#define FOR_EACH_TEXT(text, texts)                                                                 \
        for (const char *text = (texts)->bytes; text < (texts)->bytes + (texts)->len;              \
             text += strlen(text) + 1)

typedef bool props_is_valid_fn(const void *text, size_t len);

static int props_check_each(const char *name,
                            const char *key,
                            const struct conf_texts *texts,
                            props_is_valid_fn *is_valid,
                            char *why) {
        FOR_EACH_TEXT(text, texts)
        if (!is_valid(text, strlen(text))) {
                snprintf(why, CONF_WHY_BYTES, "%s: '%s': \"%.*s\" is not a valid name", name, key,
                         64, text);
                return CONF_E_INVALID;
        }
        return 0;
}

static int props_check(const char *name, const struct props *p, char *why) {
        int r = props_check_each(name, "run.after", &p->after, name_is_valid, why);
        if (r == 0)
                r = props_check_each(name, "context.allow", &p->allow, pattern_is_valid, why);
        if (r == 0)
                r = props_check_each(name, "context.bind", &p->bind, pattern_is_valid, why);
        if (r == 0)
                r = props_check_each(name, "context.run", &p->run, pattern_is_valid, why);
        if (r == 0 && !*p->group && *p->group_restart) {
                snprintf(why, CONF_WHY_BYTES, "%s: 'run.group' needs a name", name);
                r = CONF_E_INVALID;
        }
        if (r == 0 && p->is_admin && p->allow.is_set) {
                snprintf(why, CONF_WHY_BYTES,
                         "%s: 'context.admin' allows everything; leave out 'context.allow'", name);
                r = CONF_E_INVALID;
        }
        return r;
}

/* ---- values -------------------------------------------------------------------------------- */

static int put_texts(struct buf *b, const struct conf_texts *texts) {
        int r = 0;
        FOR_EACH_TEXT(text, texts)
        if (r == 0)
                r = value_put_text(b, text);
        return error_trace(r);
}

static int put_list(struct buf *b, const char *key, const struct conf_texts *texts) {
        int r = value_put_text(b, key);
        if (r == 0)
                r = value_put_array(b, texts->n);
        return r == 0 ? put_texts(b, texts) : error_trace(r);
}

static int put_list_if_set(struct buf *b, const char *key, const struct conf_texts *texts) {
        return texts->is_set ? put_list(b, key, texts) : 0;
}

static int put_text_if_any(struct buf *b, const char *key, const char *text) {
        int r = *text ? value_put_text(b, key) : 0;
        return r == 0 && *text ? value_put_text(b, text) : error_trace(r);
}

static int put_boolean(struct buf *b, const char *key, bool value) {
        int r = value_put_text(b, key);
        return r == 0 ? value_put_boolean(b, value) : error_trace(r);
}

static int put_integer(struct buf *b, const char *key, int64_t value) {
        int r = value_put_text(b, key);
        return r == 0 ? value_put_integer(b, value) : error_trace(r);
}

static int put_group(struct buf *b, const struct props *p) {
        int r = value_put_text(b, "group");
        if (r == 0)
                r = value_put_map(b, VALUE_INDEFINITE);
        if (r == 0)
                r = put_text_if_any(b, "name", p->group);
        if (r == 0)
                r = put_text_if_any(b, "restart", p->group_restart);
        return r == 0 ? value_put_end(b) : error_trace(r);
}

static int put_seconds_if_set(struct buf *b, const char *key, uint64_t us) {
        int r = us != UNSET_US ? value_put_text(b, key) : 0;
        return r == 0 && us != UNSET_US ? value_put_float(b, (double)us / 1e6) : error_trace(r);
}

static int put_properties(struct buf *b, const struct props *p) {
        int r = value_put_text(b, "properties");
        if (r == 0)
                r = value_put_map(b, VALUE_INDEFINITE);
        if (r == 0 && p->memory_bytes > 0)
                r = put_integer(b, "memory", (int64_t)p->memory_bytes);
        if (r == 0 && p->memory_max_bytes > 0)
                r = put_integer(b, "memory_max", (int64_t)p->memory_max_bytes);
        if (r == 0 && p->quantum_us != UNSET_US)
                r = put_integer(b, "quantum", (int64_t)p->quantum_us);
        if (r == 0 && p->processes != UNSET)
                r = put_integer(b, "processes", p->processes);
        if (r == 0)
                r = put_seconds_if_set(b, "cpu_turn", p->cpu_turn_us);
        if (r == 0)
                r = put_seconds_if_set(b, "watchdog", p->watchdog_us);
        if (r == 0 && p->priority != UNSET)
                r = put_integer(b, "priority", p->priority);
        if (r == 0)
                r = put_list_if_set(b, "bind", &p->bind);
        if (r == 0)
                r = put_list_if_set(b, "run", &p->run);
        return r == 0 ? value_put_end(b) : error_trace(r);
}

static int put_options(struct buf *b, const char *name, const struct props *p) {
        int r = value_put_text(b, "options");
        if (r == 0)
                r = value_put_map(b, VALUE_INDEFINITE);
        if (r == 0)
                r = put_text_if_any(b, "name", name);
        if (r == 0)
                r = put_text_if_any(b, "program", p->program);
        if (r == 0)
                r = put_text_if_any(b, "runtime", p->runtime);
        if (r == 0)
                r = put_text_if_any(b, "restart", p->restart);
        if (r == 0)
                r = put_list(b, "args", &p->args);
        if (r == 0)
                r = put_seconds_if_set(b, "ready", p->ready_us);
        if (r == 0 && *p->group)
                r = put_group(b, p);
        if (r == 0 && !p->is_admin)
                r = put_integer(b, "uid", PROPS_UID);
        if (r == 0)
                r = put_properties(b, p);
        return r == 0 ? value_put_end(b) : error_trace(r);
}

static int put_any(struct buf *b, const char *key) {
        static const struct conf_texts any = { .n = 1, .len = sizeof("*"), .bytes = "*" };
        return put_list(b, key, &any);
}

static int put_denied(struct buf *b) {
        int r = value_put_text(b, "deny");
        if (r == 0)
                r = value_put_array(b, denied_n_names);
        for (size_t i = 0; i < denied_n_names && r == 0; i++)
                r = value_put_text(b, denied_names[i]);
        return error_trace(r);
}

static int put_allowed(struct buf *b, const struct conf_texts *allow) {
        int r = 0;
        if (!allow->is_set)
                return 0;
        r = value_put_text(b, "allow");
        if (r == 0)
                r = value_put_array(b, allow->n + ARRAY_SIZE(always_allowed));
        for (size_t i = 0; i < ARRAY_SIZE(always_allowed) && r == 0; i++)
                r = value_put_text(b, always_allowed[i]);
        return r == 0 ? put_texts(b, allow) : error_trace(r);
}

static int put_context(struct buf *b, const struct props *p) {
        int r = value_put_text(b, "context");
        if (r == 0)
                r = value_put_map(b, VALUE_INDEFINITE);
        if (r == 0)
                r = put_denied(b);
        if (r == 0)
                r = put_allowed(b, &p->allow);
        if (r == 0)
                r = put_any(b, "bind");
        if (r == 0)
                r = put_any(b, "push");
        if (r == 0)
                r = put_any(b, "listen");
        if (r == 0)
                r = put_text_if_any(b, "default", p->allow.is_set ? "deny" : "forward");
        if (r == 0)
                r = put_integer(b, "to", 0);
        return r == 0 ? value_put_end(b) : error_trace(r);
}

static int put_props(struct buf *b, const char *name, const struct props *p) {
        int r = value_put_map(b, VALUE_INDEFINITE);
        if (r == 0)
                r = put_options(b, name, p);
        if (r == 0 && !p->is_admin)
                r = put_context(b, p);
        if (r == 0)
                r = put_list(b, "after", &p->after);
        if (r == 0)
                r = put_boolean(b, "required", p->is_required);
        return r == 0 ? value_put_end(b) : error_trace(r);
}

static void props_freep(void *pointer) {
        free(*(void **)pointer);
}

/* ---- reading ------------------------------------------------------------------------------- */

static int props_read_init(const char *text, struct buf *values, char *why) {
        struct props_init *p CLEANUP(props_freep) = calloc(1, sizeof(*p));
        if (!p)
                return error_origin(ENOMEM);
        int r = conf_parse(&init_table, text, PROPS_INIT, p, why);
        if (r == 0)
                r = props_check_each(PROPS_INIT, "services", &p->services, name_is_valid, why);
        if (r != 0 || !values)
                return error_trace(r);
        r = value_put_map(values, 1);
        return r == 0 ? put_list(values, "services", &p->services) : error_trace(r);
}

static int props_read_service(const char *name, const char *text, struct buf *values, char *why) {
        struct props *p CLEANUP(props_freep) = calloc(1, sizeof(*p));
        if (!p)
                return error_origin(ENOMEM);
        snprintf(p->program, sizeof(p->program), "%s", name);
        snprintf(p->restart, sizeof(p->restart), "on-failure");
        p->priority = p->processes = UNSET;
        p->ready_us = p->quantum_us = p->cpu_turn_us = p->watchdog_us = UNSET_US;
        int r = conf_parse(&table, text, name, p, why);
        if (r == 0)
                r = props_check(name, p, why);
        return r == 0 && values ? put_props(values, name, p) : error_trace(r);
}

int props_read(const char *name, const void *text, size_t len, struct buf *values, char *why) {
        char *terminated CLEANUP(props_freep) = NULL;

        if (len > CONF_FILE_BYTES_MAX || memchr(text, '\0', len)) {
                snprintf(why, CONF_WHY_BYTES, "%s: %s", name,
                         len > CONF_FILE_BYTES_MAX ? "longer than 64 KiB" :
                                                     "has a NUL byte: it is no text");
                return CONF_E_INVALID;
        }
        terminated = strndup(text, len);
        if (!terminated)
                return error_origin(ENOMEM);
        return strcmp(name, PROPS_INIT) == 0 ? props_read_init(terminated, values, why) :
                                               props_read_service(name, terminated, values, why);
}
