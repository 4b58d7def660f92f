/*
 * offline.c - see offline.h. The only file of thoxctl that executes something.
 */
#include "thoxctl/offline.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "libipc/paths.h"
#include "thoxctl/tree.h"

#define PROGRAM "thox-storaged"

static int find_store(const struct invocation *inv, struct paths *paths, const char **ret) {
        int r;

        if (inv->store) {
                *ret = inv->store;
                return 0;
        }
        r = paths_init(paths, tree_directory(inv), inv->wants_system);
        if (r < 0)
                return fail_errno(&inv->output, r, "cannot find the tree's store");
        *ret = paths->store;
        return 0;
}

/* A build tree has each program in a folder of its own. */
static int find_program(const struct invocation *inv, char path[PATH_MAX]) {
        const char *libexec = inv->libexec ? inv->libexec : THOX_LIBEXECDIR;

        snprintf(path, PATH_MAX, "%s/" PROGRAM, libexec);
        if (access(path, X_OK) == 0)
                return 0;
        snprintf(path, PATH_MAX, "%s/storaged/" PROGRAM, libexec);
        if (access(path, X_OK) == 0)
                return 0;
        return fail(&inv->output,
                    (struct failure){ .exit_code = EXIT_CODE_FAILED,
                                      .code = "system",
                                      .why = "without a tree it does the work",
                                      .fix = "--libexec DIR says where it is" },
                    "no " PROGRAM " in '%s'", libexec);
}

int offline_run(const struct invocation *inv, const char *option, const char *value) {
        char program[PATH_MAX];
        const char *store = NULL;
        struct paths paths;
        int exit_code = find_store(inv, &paths, &store);
        if (exit_code == 0)
                exit_code = find_program(inv, program);
        if (exit_code != 0)
                return exit_code;

        output_trace(&inv->output, "%s --store %s %s %s", program, store, option,
                     value ? value : "");
        execl(program, PROGRAM, "--store", store, option, value, (char *)NULL);
        return fail_errno(&inv->output, -errno, "cannot run '%s'", program);
}
