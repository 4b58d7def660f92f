/*
 * main.c - command line of thox-runtimed, which initd starts with the connection on descriptor 3.
 */
#include <argp.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "libipc/base/error.h"
#include "libipc/base/log.h"
#include "runtimed/runtimed.h"

#define EXIT_USAGE 2

/* libc looks for this one by name. */
__attribute__((visibility("default"))) const char *argp_program_version =
        "thox-runtimed " THOX_VERSION;

static const struct argp_option options[] = {
        { "verbose", 'v', NULL, 0, "Log debugging lines as well", 0 },
        { 0 },
};

static error_t parse_option(int key, char *arg, struct argp_state *state) {
        enum log_level *level = state->input;
        switch (key) {
        case 'v':
                *level = LOG_LEVEL_DEBUG;
                return 0;
        case ARGP_KEY_ARG:
                argp_error(state, "takes no argument, but got '%s'", arg);
                return 0;
        default:
                return ARGP_ERR_UNKNOWN;
        }
}

static bool has_connection(void) {
        struct stat st;
        return fstat(SERVICE_FD, &st) == 0 && S_ISSOCK(st.st_mode);
}

/* Every image in use keeps a descriptor open. */
static void raise_descriptor_limit(void) {
        struct rlimit limit;
        if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
                return;
        limit.rlim_cur = limit.rlim_max;
        if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
                log_warn("cannot open more descriptors, going on with few: %s", strerror(errno));
}

int main(int argc, char **argv) {
        static const struct argp argp = {
                .options = options,
                .parser = parse_option,
                .doc = "Compiles programs, libraries and runtimes of a thox tree.\v"
                       "thox-initd starts this program; it does nothing by hand.",
        };
        enum log_level level = LOG_LEVEL_INFO;

        argp_err_exit_status = EXIT_USAGE;
        argp_parse(&argp, argc, argv, 0, NULL, &level);
        log_open("runtimed", level);
        if (!has_connection()) {
                log_error("descriptor 3 is no socket: thox-initd starts this program, not people");
                return EXIT_USAGE;
        }

        raise_descriptor_limit();
        int r = runtimed_run();
        if (r < 0) {
                log_error("ended: %s trace=%s", strerror(-r), error_describe());
                return EXIT_FAILURE;
        }
        return EXIT_SUCCESS;
}
