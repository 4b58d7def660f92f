/*
 * main.c - storaged's arguments and exit status.
 */
#include <argp.h>
#include <malloc.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libipc/base/error.h"
#include "libipc/base/log.h"
#include "storaged/offline.h"
#include "storaged/storaged.h"

#define MMAP_BYTES (128 << 10)

enum exit_code {
        EXIT_CODE_OK = 0,
        EXIT_CODE_FAILED = 1,
        EXIT_CODE_USAGE = 2,
        EXIT_CODE_REFUSED = 3, /* starting again would end the same way */
        EXIT_CODE_DAMAGED = SERVICE_EXIT_DAMAGED,
};

enum option_key {
        OPTION_CHECK = 256,
        OPTION_RESTORE,
};

struct arguments {
        const char *store_dir, *boot_dir, *backup;
        bool is_check;
        enum log_level log_level;
};

/* libc looks for this one by name. */
__attribute__((visibility("default"))) const char *argp_program_version =
        "thox-storaged " THOX_VERSION;

static error_t parse_option(int key, char *value, struct argp_state *state) {
        struct arguments *a = state->input;

        switch (key) {
        case 's':
                a->store_dir = value;
                return 0;
        case 'b':
                a->boot_dir = value;
                return 0;
        case OPTION_CHECK:
                a->is_check = true;
                return 0;
        case OPTION_RESTORE:
                a->backup = value;
                return 0;
        case 'v':
                a->log_level = LOG_LEVEL_DEBUG;
                return 0;
        case ARGP_KEY_ARG:
                argp_error(state, "unexpected argument '%s'", value);
                return EINVAL;
        case ARGP_KEY_END:
                if (!a->store_dir)
                        argp_error(state, "--store DIR is missing");
                if (a->is_check && a->backup)
                        argp_error(state, "--check and --restore are two things");
                return 0;
        default:
                return ARGP_ERR_UNKNOWN;
        }
}

static const struct argp_option options[] = {
        { "store", 's', "DIR", 0, "where the stores are kept; made if missing", 0 },
        { "boot", 'b', "DIR", 0, "the packaged read-only store", 0 },
        { "check", OPTION_CHECK, NULL, 0, "say whether the store is sound, without a tree", 0 },
        { "restore", OPTION_RESTORE, "FILE", 0, "put a backup in place of it, without a tree", 0 },
        { "verbose", 'v', NULL, 0, "log every step", 0 },
        { 0 },
};

static const struct argp parser = {
        .options = options,
        .parser = parse_option,
        .doc = "Keeps the programs, libraries and runtimes of a thox tree. Started by initd, which "
               "is connected to descriptor 3.",
};

/* Speaks to people, on their terminal. */
static int run_offline(const struct arguments *a) {
        char *text = NULL;
        int r = a->is_check ? offline_check(a->store_dir, &text) :
                              offline_restore(a->store_dir, a->backup, &text);

        if (r == OFFLINE_OK)
                puts(text);
        else
                fprintf(stderr, "thox-storaged: %s\n", text ? text : strerror(-r));
        free(text);
        return r == OFFLINE_OK ? EXIT_CODE_OK : EXIT_CODE_FAILED;
}

static int serve(const struct arguments *a) {
        struct storaged *s = NULL;
        char *reason = NULL;
        int r = storaged_new_take(&s, SERVICE_FD, a->store_dir, a->boot_dir, &reason);

        if (r > 0) {
                log_error("%s", reason);
                free(reason);
                return r == STORAGED_E_DAMAGED ? EXIT_CODE_DAMAGED : EXIT_CODE_REFUSED;
        }
        if (r == 0)
                r = storaged_run(s);
        if (r < 0)
                log_error("storaged failed error=%s at=%s", strerror(-r), error_describe());
        storaged_free(s);
        return r < 0 ? EXIT_CODE_FAILED : EXIT_CODE_OK;
}

int main(int argc, char **argv) {
        struct arguments a = { .log_level = LOG_LEVEL_INFO };

        argp_err_exit_status = EXIT_CODE_USAGE;
        argp_parse(&parser, argc, argv, 0, NULL, &a);
        log_open("storaged", a.log_level);
        /* A terminal's interrupt is for initd, which ends us when it is done. */
        signal(SIGINT, SIG_IGN);
        signal(SIGPIPE, SIG_IGN);
        /* Sources of megabytes are rare: their memory goes back when they are stored. */
        mallopt(M_MMAP_THRESHOLD, MMAP_BYTES);

        return a.is_check || a.backup ? run_offline(&a) : serve(&a);
}
