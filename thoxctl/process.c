/*
 * process.c - finds the process that a word means; see process.h.
 */
#include "thoxctl/process.h"

#include <string.h>

#include "libipc/base/parse.h"
#include "thoxctl/tree.h"

static bool is_pid(const char *text, uint64_t *ret) {
        return parse_u64(text, UINT32_MAX, ret) == 0;
}

json_t *process_select(const json_t *rows, const char *wanted) {
        json_t *selected = json_array();
        uint64_t pid = 0;
        bool by_pid = is_pid(wanted, &pid);

        for (size_t i = 0; i < json_array_size(rows); i++) {
                json_t *row = json_array_get(rows, i);
                json_int_t row_pid = json_integer_value(json_object_get(row, "pid"));
                const char *name = json_string_value(json_object_get(row, "name"));

                if (by_pid ? row_pid == (json_int_t)pid : name && strcmp(name, wanted) == 0)
                        json_array_append(selected, row);
        }
        return selected;
}

static int no_such_process(const struct invocation *inv, const char *wanted, const char *verb) {
        return fail(&inv->output,
                    (struct failure){ .exit_code = EXIT_CODE_NOT_FOUND,
                                      .code = "noproc",
                                      .why = "no process has this name or pid",
                                      .fix = "thoxctl ps" },
                    "cannot %s '%s'", verb, wanted);
}

static int ambiguous(const struct invocation *inv,
                     const char *name,
                     const char *verb,
                     const json_t *processes) {
        char fix[256];
        int n = snprintf(fix, sizeof(fix), "name the pid:");

        for (size_t i = 0; i < json_array_size(processes); i++) {
                json_int_t pid =
                        json_integer_value(json_object_get(json_array_get(processes, i), "pid"));

                if ((size_t)n + 12 < sizeof(fix))
                        n += snprintf(fix + n, sizeof(fix) - (size_t)n, " %lld", (long long)pid);
        }
        return fail(&inv->output,
                    (struct failure){ .exit_code = EXIT_CODE_FAILED, .code = "usage", .fix = fix },
                    "cannot %s '%s': %zu processes have this name", verb, name,
                    json_array_size(processes));
}

int process_find(struct invocation *inv, const char *wanted, const char *verb, uint64_t *ret_pid) {
        json_t *rows, *selected;
        int exit_code;

        if (is_pid(wanted, ret_pid))
                return 0;
        exit_code = tree_list(inv, "process.list", NULL, "list processes", &rows);
        if (exit_code != 0)
                return exit_code;
        selected = process_select(rows, wanted);
        if (json_array_size(selected) == 0)
                exit_code = no_such_process(inv, wanted, verb);
        else if (json_array_size(selected) > 1)
                exit_code = ambiguous(inv, wanted, verb, selected);
        else
                *ret_pid = (uint64_t)json_integer_value(
                        json_object_get(json_array_get(selected, 0), "pid"));
        json_decref(selected);
        json_decref(rows);
        return exit_code;
}
