/*
 * main.c - thoxctl: reads the command line, runs one verb, reports what stdout could not take.
 */
#include <errno.h>
#include <locale.h>

#include "libipc/base/fd.h"
#include "libipc/base/log.h"
#include "libipc/client.h"
#include "thoxctl/help.h"
#include "thoxctl/verbs.h"

static int run(struct invocation *inv) {
        if (inv->wants_version)
                return VERB_VERSION.run(inv);
        if (inv->command && inv->wants_help) {
                help_show_verb(&inv->output, inv->command);
                return EXIT_CODE_OK;
        }
        if (inv->command)
                return inv->command->run(inv);
        if (!inv->wants_help)
                inv->output.out = inv->output.err;
        help_show_overview(&inv->output);
        return inv->wants_help ? EXIT_CODE_OK : EXIT_CODE_USAGE;
}

int main(int argc, char **argv) {
        struct invocation inv;
        int exit_code;

        fd_hold_standard();
        setlocale(LC_CTYPE, "");
        log_open("thoxctl", LOG_LEVEL_WARNING);
        invocation_init(&inv);
        exit_code = command_parse(&inv, argc, argv);
        if (exit_code == EXIT_CODE_OK)
                exit_code = run(&inv);
        client_free(inv.client);

        errno = 0;
        if (fflush(stdout) != 0 || ferror(stdout) != 0) {
                int r = fail_errno(&inv.output, errno != 0 ? -errno : -EIO,
                                   "cannot write to standard output");

                if (exit_code == EXIT_CODE_OK)
                        exit_code = r;
        }
        return exit_code;
}
