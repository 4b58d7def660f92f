/*
 * config.h - what the command line says, checked and made complete: every path is absolute or as
 * given, every file that initd will execute exists. Nothing is read from the disk but that.
 */
#pragma once

#include <limits.h>
#include <stdbool.h>

#include "libipc/base/log.h"
#include "libipc/paths.h"

struct config {
        const char *dir; /* --dir or THOX_DIR; NULL: by user */
        int want_system; /* --system 1, --user 0, neither -1 */
        const char *boot_dir;
        const char *libexec;
        bool is_kept;       /* --keep: go on without programs */
        bool has_no_init;   /* --no-init: daemons only */
        bool is_unverified; /* --no-verify: the boot store's hashes are not looked at */
        bool has_no_hooks;  /* --no-hooks: for the zygote */
        int ready_fd;       /* -1: none */
        enum log_level log_level;

        struct paths paths;
        char storaged[PATH_MAX];
        char runtimed[PATH_MAX];
        char worker[PATH_MAX];
};

enum config_error {
        CONFIG_OK = 0,
        CONFIG_E_REFUSED = 1, /* something does not fit; has been said on stderr */
        CONFIG_E_DONE = 2,    /* --help or --version: has been printed */
};

/* Strings of the result point into `argv`. */
int config_parse(struct config *ret, int argc, char **argv);
/* The derived part: paths and the programs' files. */
int config_complete(struct config *c);
