/*
 * flag.c - the table of flags; see flag.h.
 */
#include "thoxctl/flag.h"

#include <string.h>

#include "libipc/base/parse.h"

#define AT(member) offsetof(struct invocation, member)

const struct flag FLAGS[] = {
        { "help", 'h', true, NULL, "show the verb's page", FLAG_KIND_SWITCH, AT(wants_help) },
        { "version", 0, true, NULL, "show the version", FLAG_KIND_SWITCH, AT(wants_version) },
        { "quiet", 'q', true, NULL, "no remarks, only data and errors", FLAG_KIND_SWITCH,
          AT(output.is_quiet) },
        { "verbose", 'v', true, NULL, "say on stderr what is asked of the tree", FLAG_KIND_SWITCH,
          AT(output.is_verbose) },
        { "json", 0, true, NULL, "one JSON document; errors as JSON too", FLAG_KIND_SWITCH,
          AT(output.is_json) },
        { "color", 0, true, "WHEN", "auto, always or never", FLAG_KIND_COLOR, 0 },
        { "no-legend", 0, true, NULL, "no heading line", FLAG_KIND_SWITCH,
          AT(output.hides_legend) },
        { "timeout", 0, true, "TIME", "give up after this long (default 30s; run: never)",
          FLAG_KIND_DURATION, AT(timeout_us) },
        { "yes", 'y', true, NULL, "ask nothing", FLAG_KIND_SWITCH, AT(is_sure) },
        { "socket", 'S', true, "PATH", "control socket of the tree (THOX_SOCKET)", FLAG_KIND_TEXT,
          AT(socket) },
        { "dir", 0, true, "DIR", "the tree that lives in this directory (THOX_DIR)", FLAG_KIND_TEXT,
          AT(dir) },
        { "user", 0, true, NULL, "this user's tree", FLAG_KIND_USER, 0 },
        { "system", 0, true, NULL, "the system's tree", FLAG_KIND_SYSTEM, 0 },

        { "admin", 0, false, NULL, "let the program administer the tree", FLAG_KIND_SWITCH,
          AT(is_admin) },
        { "name", 0, false, "NAME", "what it is to be called", FLAG_KIND_TEXT, AT(name) },
        { "runtime", 0, false, "NAME", "runtime that prepares the program's globals",
          FLAG_KIND_TEXT, AT(runtime) },
        { "memory", 0, false, "SIZE", "limit of the Lua heap (default 64M)", FLAG_KIND_SIZE,
          AT(memory_bytes) },
        { "quantum", 0, false, "TIME", "time slice of a task (default 5ms; 0: cooperative)",
          FLAG_KIND_DURATION, AT(quantum_us) },
        { "priority", 0, false, "N", "of its calls and its CPU time, 0 to 7 (default 4)",
          FLAG_KIND_NUMBER, AT(priority) },
        { "restart", 0, false, "WHEN", "never (default), on-failure or always", FLAG_KIND_RESTART,
          AT(restart) },
        { "expect", 0, false, "N", "only when N is the current version, or revision (0: none yet)",
          FLAG_KIND_NUMBER, AT(expect) },
        { "note", 0, false, "TEXT", "remark kept with the version", FLAG_KIND_TEXT, AT(note) },
        { "with-data", 0, false, NULL, "bring the program's data back as well", FLAG_KIND_SWITCH,
          AT(with_data) },
        { "version", 0, false, "N", "that version instead of the current one", FLAG_KIND_NUMBER,
          AT(version) },
        { "ttl", 0, false, "TIME", "set: the key is deleted after this long", FLAG_KIND_DURATION,
          AT(ttl_us) },
        { "from", 0, false, "REVISION", "watch: begin with the changes after it (0: all kept ones)",
          FLAG_KIND_NUMBER, AT(from) },
        { "bytes", 0, false, "SIZE", "limit: of keys, values and stream together", FLAG_KIND_SIZE,
          AT(max_bytes) },
        { "keys", 0, false, "N", "limit: how many keys", FLAG_KIND_NUMBER, AT(max_keys) },
        { "data", 0, false, "OBJECT", "what os.data() is: a program's name, or an object's",
          FLAG_KIND_TEXT, AT(data) },
        { "follow", 'f', false, NULL, "go on with what comes", FLAG_KIND_SWITCH, AT(is_followed) },
        { "level", 0, false, "LEVEL", "this urgent or more: error, warning, info, debug",
          FLAG_KIND_TEXT, AT(level) },
        { "lines", 'n', false, "N", "the newest N lines (default 100)", FLAG_KIND_NUMBER,
          AT(n_lines) },
        { "delay", 'd', false, "TIME", "time between two looks (default 1s)", FLAG_KIND_DURATION,
          AT(delay_us) },
        { "key", 0, false, "KEY", "what listeners choose by", FLAG_KIND_TEXT, AT(key) },
        { "match", 0, false, "PATTERN", "keys of this name, or beginning like this with a '*'",
          FLAG_KIND_TEXT, AT(match) },
        { "count", 'n', false, "N", "stop after N of them", FLAG_KIND_NUMBER, AT(n_count) },
        { "trace", 0, false, NULL, "show its calls and answers on stderr", FLAG_KIND_SWITCH,
          AT(is_traced) },
        { "strace", 0, false, NULL, "the same", FLAG_KIND_SWITCH, AT(is_traced) },
        { "oneway", 0, false, NULL, "expect no answer", FLAG_KIND_SWITCH, AT(is_oneway) },
        { "force", 0, false, NULL, "replace what is there", FLAG_KIND_SWITCH, AT(is_forced) },
        { "libexec", 0, false, "DIR", "where thox-storaged is", FLAG_KIND_TEXT, AT(libexec) },
        { "store", 0, false, "DIR", "the store directory, if it is not the tree's usual one",
          FLAG_KIND_TEXT, AT(store) },
        { "family", 0, false, NULL, "all that belongs to it", FLAG_KIND_SWITCH, AT(is_family) },
        { "now", 0, false, NULL, "at once, without a chance to finish", FLAG_KIND_SWITCH,
          AT(is_now) },
};
const size_t N_FLAGS = ARRAY_SIZE(FLAGS);

static const struct flag *flag_find_own(const char *name) {
        for (size_t i = 0; i < N_FLAGS; i++)
                if (!FLAGS[i].is_global && strcmp(FLAGS[i].name, name) == 0)
                        return &FLAGS[i];
        return NULL;
}

static bool command_has_own(const struct command *c, const char *name) {
        for (size_t i = 0; c && i < ARRAY_SIZE(c->flags) && c->flags[i]; i++)
                if (strcmp(c->flags[i], name) == 0)
                        return true;
        return false;
}

size_t flag_list(const struct command *command, const struct flag **ret, size_t max) {
        size_t n = 0;

        for (size_t i = 0; command && i < ARRAY_SIZE(command->flags) && command->flags[i]; i++)
                if (n < max)
                        ret[n++] = flag_find_own(command->flags[i]);
        for (size_t i = 0; i < N_FLAGS; i++)
                if (n < max && FLAGS[i].is_global && !command_has_own(command, FLAGS[i].name))
                        ret[n++] = &FLAGS[i];
        return n;
}

static int bad_value(struct invocation *inv,
                     const struct flag *flag,
                     const char *value,
                     const char *expected) {
        return command_misused(inv, "'%s' is no value for --%s: it takes %s", value, flag->name,
                               expected);
}

static int apply_color(struct invocation *inv, const struct flag *flag, const char *value) {
        static const char *const WORDS[] = { "auto", "always", "never" };

        for (size_t i = 0; i < ARRAY_SIZE(WORDS); i++)
                if (strcmp(WORDS[i], value) == 0) {
                        output_init(&inv->output, (enum color_when)i);
                        return 0;
                }
        return bad_value(inv, flag, value, "auto, always or never");
}

static int apply_restart(struct invocation *inv, const struct flag *flag, const char *value) {
        static const char *const WORDS[] = { "never", "on-failure", "always" };

        for (size_t i = 0; i < ARRAY_SIZE(WORDS); i++)
                if (strcmp(WORDS[i], value) == 0) {
                        inv->restart = value;
                        return 0;
                }
        return bad_value(inv, flag, value, "never, on-failure or always");
}

static int apply_number(struct invocation *inv,
                        const struct flag *flag,
                        const char *value,
                        uint64_t *ret) {
        if (flag->kind == FLAG_KIND_DURATION && parse_duration(value, ret) < 0)
                return bad_value(inv, flag, value, "a time such as 250ms, 1.5s or 2m");
        if (flag->kind == FLAG_KIND_SIZE && parse_size(value, ret) < 0)
                return bad_value(inv, flag, value, "a size such as 512K or 16M");
        if (flag->kind == FLAG_KIND_NUMBER && parse_u64(value, INT64_MAX, ret) < 0)
                return bad_value(inv, flag, value, "a whole number");
        return 0;
}

int flag_apply(struct invocation *inv, const struct flag *flag, const char *value) {
        void *member = (char *)inv + flag->offset;

        switch (flag->kind) {
        case FLAG_KIND_SWITCH:
                *(bool *)member = true;
                return 0;
        case FLAG_KIND_USER:
        case FLAG_KIND_SYSTEM:
                inv->wants_system = flag->kind == FLAG_KIND_SYSTEM;
                return 0;
        case FLAG_KIND_COLOR:
                return apply_color(inv, flag, value);
        case FLAG_KIND_TEXT:
                *(const char **)member = value;
                return 0;
        case FLAG_KIND_RESTART:
                return apply_restart(inv, flag, value);
        case FLAG_KIND_NUMBER:
        case FLAG_KIND_DURATION:
        case FLAG_KIND_SIZE:
                return apply_number(inv, flag, value, member);
        case _FLAG_KIND_N:
                break;
        }
        return 0;
}
