/*
 * config.h - what the command line and the configuration files (thox.conf(5)) say, checked and made
 * complete: every path is absolute or as given, every file that initd will execute exists. The
 * command line goes before the files, the files before the defaults.
 */
#pragma once

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "libipc/base/log.h"
#include "libipc/paths.h"

struct config {
        const char *dir;  /* --dir or THOX_DIR; NULL: by user */
        int want_system;  /* --system 1, --user 0, neither -1 */
        const char *file; /* --config; NULL: the one of `paths`, if it exists */
        char boot_dir[PATH_MAX];
        char libexec[PATH_MAX];
        bool is_kept;             /* --keep: go on without programs */
        bool is_safe;             /* --safe: init starts no services */
        bool has_init;            /* without --no-init: not only the daemons */
        bool is_unverified;       /* --no-verify: the boot store's hashes are not looked at */
        bool has_no_hooks;        /* --no-hooks: for the zygote */
        bool is_sandbox_required; /* --require-sandbox=full */
        int ready_fd;             /* -1: none */
        enum log_level log_level;
        char log_dir[PATH_MAX]; /* empty: that of `paths`, where stderr leads nowhere */
        uint64_t log_size;      /* bytes of one file */
        int64_t log_files;

        struct paths paths;
        char storaged[PATH_MAX];
        char runtimed[PATH_MAX];
        char worker[PATH_MAX];
        char logger[PATH_MAX];
};

enum config_error {
        CONFIG_OK = 0,
        CONFIG_E_REFUSED = 1, /* something does not fit; has been said on stderr */
        CONFIG_E_DONE = 2,    /* --help or --version: has been printed */
};

/* The command line alone, which says where the files are. Strings of the result point into `argv`. */
int config_parse(struct config *ret, int argc, char **argv);
/* The rest: paths, the configuration files, with the same command line over them, and the programs. */
int config_complete(struct config *c, int argc, char **argv);
