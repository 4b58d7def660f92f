/*
 * config.c - see config.h. Refusals are printed here, as this is all a user sees before there is a
 * log. The table of settings is the one place that knows them; the manual and the sample file are
 * checked against it.
 */
#include "initd/config.h"

#include <argp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "libipc/base/conf.h"
#include "libipc/base/parse.h"

#define PROGRAM "thox-initd"
#define MAX_FD (1u << 20)
#define LOG_SIZE_DEFAULT (8u << 20)
#define LOG_SIZE_MIN (64u << 10)
#define LOG_FILES_DEFAULT 5
#define LOG_FILES_MAX 1000

enum option_key {
        OPTION_DIR = 256,
        OPTION_SYSTEM,
        OPTION_USER,
        OPTION_CONFIG,
        OPTION_BOOT,
        OPTION_LIBEXEC,
        OPTION_KEEP,
        OPTION_NO_INIT,
        OPTION_SAFE,
        OPTION_NO_VERIFY,
        OPTION_NO_HOOKS,
        OPTION_REQUIRE_SANDBOX,
        OPTION_READY_FD,
        OPTION_LOG_LEVEL,
        OPTION_VERSION,
};

static const struct argp_option options[] = {
        { "dir", OPTION_DIR, "DIR", 0, "Keep everything of this tree under DIR", 0 },
        { "system", OPTION_SYSTEM, NULL, 0, "Use /run/thox and /var/lib/thox", 0 },
        { "user", OPTION_USER, NULL, 0, "Use the user's XDG directories", 0 },
        { "config", OPTION_CONFIG, "FILE", 0, "Settings (default thox.conf, see thox.conf(5))", 0 },
        { "boot", OPTION_BOOT, "DIR", 0, "Boot store (default " THOX_DATADIR "/boot)", 0 },
        { "libexec", OPTION_LIBEXEC, "DIR", 0,
          "Where thox-storaged, thox-runtimed and thox-worker are (default " THOX_LIBEXECDIR ")",
          0 },
        { "keep", OPTION_KEEP, NULL, 0, "Go on when the last program has ended", 0 },
        { "no-init", OPTION_NO_INIT, NULL, 0, "Start the daemons only; implies --keep", 0 },
        { "safe", OPTION_SAFE, NULL, 0, "Start no services; for repair", 0 },
        { "no-verify", OPTION_NO_VERIFY, NULL, 0, "Do not check the boot store's manifest", 0 },
        { "no-hooks", OPTION_NO_HOOKS, NULL, 0, "Cooperative tasks: never pre-empt Lua", 0 },
        { "require-sandbox", OPTION_REQUIRE_SANDBOX, "full", 0,
          "Start only if workers are confined by every layer", 0 },
        { "ready-fd", OPTION_READY_FD, "N", 0, "Write a byte to N and close it when ready", 0 },
        { "log-level", OPTION_LOG_LEVEL, "LEVEL", 0, "error, warning, info (default) or debug", 0 },
        { "help", 'h', NULL, 0, "Print this list", -1 },
        { "version", OPTION_VERSION, NULL, 0, "Print the version", -1 },
        { 0 },
};

#define FIELD(name) offsetof(struct config, name)

static const struct conf_key settings[] = {
        { "startup", CONF_BOOL, FIELD(has_init), NULL },
        { "keep", CONF_BOOL, FIELD(is_kept), NULL },
        { "boot", CONF_DIRECTORY, FIELD(boot_dir), NULL },
        { "libexec", CONF_DIRECTORY, FIELD(libexec), NULL },
        { "store", CONF_DIRECTORY, FIELD(paths.store), NULL },
        { "log.level", CONF_LEVEL, FIELD(log_level), NULL },
        { "log.dir", CONF_DIRECTORY, FIELD(log_dir), NULL },
        { "log.size", CONF_SIZE, FIELD(log_size), NULL },
        { "log.files", CONF_INTEGER, FIELD(log_files), NULL },
};
static const struct conf_table settings_table = { settings, ARRAY_SIZE(settings) };

static int config_take_dir(char ret[PATH_MAX], const char *option, const char *text) {
        if (strlen(text) >= PATH_MAX) {
                fprintf(stderr, PROGRAM ": --%s: the path must be shorter than %d bytes\n", option,
                        PATH_MAX);
                return CONFIG_E_REFUSED;
        }
        memcpy(ret, text, strlen(text) + 1);
        return 0;
}

static int config_parse_level(struct config *c, const char *text) {
        int level = log_level_parse(text, strlen(text));
        if (level < 0) {
                fprintf(stderr,
                        PROGRAM ": --log-level: '%s' is none of error, warning, info, debug\n",
                        text);
                return CONFIG_E_REFUSED;
        }
        c->log_level = (enum log_level)level;
        return 0;
}

static int config_parse_sandbox(struct config *c, const char *text) {
        if (strcmp(text, "full") != 0) {
                fprintf(stderr, PROGRAM ": --require-sandbox: '%s' is not 'full'\n", text);
                return CONFIG_E_REFUSED;
        }
        c->is_sandbox_required = true;
        return 0;
}

static int config_parse_fd(struct config *c, const char *text) {
        uint64_t fd;
        if (parse_u64(text, MAX_FD, &fd) < 0 || fd <= STDERR_FILENO) {
                fprintf(stderr, PROGRAM ": --ready-fd: '%s' is no descriptor from 3 up\n", text);
                return CONFIG_E_REFUSED;
        }
        c->ready_fd = (int)fd;
        return 0;
}

static int config_on_option(int key, char *arg, struct argp_state *state) {
        struct config *c = state->input;

        switch (key) {
        case OPTION_DIR:
                c->dir = arg;
                return 0;
        case OPTION_SYSTEM:
                c->want_system = 1;
                return 0;
        case OPTION_USER:
                c->want_system = 0;
                return 0;
        case OPTION_CONFIG:
                c->file = arg;
                return 0;
        case OPTION_BOOT:
                return config_take_dir(c->boot_dir, "boot", arg);
        case OPTION_LIBEXEC:
                return config_take_dir(c->libexec, "libexec", arg);
        case OPTION_KEEP:
                c->is_kept = true;
                return 0;
        case OPTION_NO_INIT:
                c->has_init = false;
                c->is_kept = true;
                return 0;
        case OPTION_SAFE:
                c->is_safe = true;
                return 0;
        case OPTION_NO_VERIFY:
                c->is_unverified = true;
                return 0;
        case OPTION_NO_HOOKS:
                c->has_no_hooks = true;
                return 0;
        case OPTION_REQUIRE_SANDBOX:
                return config_parse_sandbox(c, arg);
        case OPTION_READY_FD:
                return config_parse_fd(c, arg);
        case OPTION_LOG_LEVEL:
                return config_parse_level(c, arg);
        case OPTION_VERSION:
                printf("thox %s\n", THOX_VERSION);
                return CONFIG_E_DONE;
        case 'h':
                argp_state_help(state, stdout, ARGP_HELP_STD_HELP & ~(unsigned)ARGP_HELP_EXIT_OK);
                return CONFIG_E_DONE;
        case ARGP_KEY_ARG:
                fprintf(stderr, PROGRAM ": '%s' is not expected; thox-initd takes options only\n",
                        arg);
                return CONFIG_E_REFUSED;
        default:
                return ARGP_ERR_UNKNOWN;
        }
}

static int config_parse_options(struct config *c, int argc, char **argv) {
        struct argp argp = {
                .options = options,
                .parser = config_on_option,
                .doc = "The first process of a thox tree: starts the daemons and the init program, "
                       "routes every call, keeps every process."
                       "\vExamples:\n"
                       "  thox-initd --dir /tmp/tree --keep\n"
                       "  thox-initd --user --log-level debug",
        };

        int r = argp_parse(&argp, argc, argv, ARGP_NO_HELP | ARGP_NO_EXIT, NULL, c);
        return r == 0 || r == CONFIG_E_DONE ? r : CONFIG_E_REFUSED;
}

int config_parse(struct config *ret, int argc, char **argv) {
        struct config c = {
                .dir = getenv("THOX_DIR"),
                .want_system = -1,
                .boot_dir = THOX_DATADIR "/boot",
                .libexec = THOX_LIBEXECDIR,
                .has_init = true,
                .ready_fd = -1,
                .log_level = LOG_LEVEL_INFO,
                .log_size = LOG_SIZE_DEFAULT,
                .log_files = LOG_FILES_DEFAULT,
        };
        if (c.dir && c.dir[0] == '\0')
                c.dir = NULL;

        int r = config_parse_options(&c, argc, argv);
        if (r == CONFIG_OK)
                *ret = c;
        return r;
}

/* FILE, then FILE.d/NAME.conf: what comes later replaces what came earlier. */
static int config_read_files(struct config *c) {
        const char *file = c->file ? c->file : c->paths.config;
        char dir[PATH_MAX + sizeof(".d")], why[CONF_WHY_BYTES];
        if (file[0] == '\0')
                return CONFIG_OK;

        int r = conf_read(&settings_table, file, c, why);
        if (r == CONF_E_MISSING && c->file) {
                fprintf(stderr, PROGRAM ": --config %s: there is no such file\n", file);
                return CONFIG_E_REFUSED;
        }
        if (r == CONF_OK || r == CONF_E_MISSING) {
                snprintf(dir, sizeof(dir), "%s.d", file);
                r = conf_read_dir(&settings_table, dir, c, why);
        }
        if (r == CONF_E_INVALID)
                fprintf(stderr, PROGRAM ": %s\n", why);
        if (r < 0)
                fprintf(stderr, PROGRAM ": cannot read %s: %s\n", file, strerror(-r));
        if (!c->has_init)
                c->is_kept = true;
        return r == CONF_OK ? CONFIG_OK : CONFIG_E_REFUSED;
}

static int config_check_log(const struct config *c) {
        if (c->log_size >= LOG_SIZE_MIN && c->log_files >= 1 && c->log_files <= LOG_FILES_MAX)
                return CONFIG_OK;
        fprintf(stderr, PROGRAM ": log.size is %u bytes or more, log.files 1 to %d\n", LOG_SIZE_MIN,
                LOG_FILES_MAX);
        return CONFIG_E_REFUSED;
}

/* A build tree has each program in the folder of its source. */
static int config_find_program(const struct config *c,
                               const char *name,
                               const char *folder,
                               char ret[PATH_MAX]) {
        int n = snprintf(ret, PATH_MAX, "%s/thox-%s", c->libexec, name);
        if (n < PATH_MAX && access(ret, X_OK) == 0)
                return 0;
        n = snprintf(ret, PATH_MAX, "%s/%s/thox-%s", c->libexec, folder, name);
        if (n < PATH_MAX && access(ret, X_OK) == 0)
                return 0;

        fprintf(stderr, PROGRAM ": no thox-%s in %s; --libexec DIR says where it is\n", name,
                c->libexec);
        return CONFIG_E_REFUSED;
}

static int config_find_paths(struct config *c) {
        int r = paths_init(&c->paths, c->dir, c->want_system);
        if (r == PATHS_E_TOO_LONG) {
                fprintf(stderr,
                        PROGRAM ": the path of the control socket would be longer than 107 bytes: "
                                "%s; choose a shorter --dir\n",
                        c->paths.socket);
                return CONFIG_E_REFUSED;
        }
        if (r < 0) {
                fprintf(stderr, PROGRAM ": cannot work out the directories: %s\n", strerror(-r));
                return CONFIG_E_REFUSED;
        }
        return CONFIG_OK;
}

int config_complete(struct config *c, int argc, char **argv) {
        int r = config_find_paths(c);
        if (r == CONFIG_OK)
                r = config_read_files(c);
        if (r == CONFIG_OK)
                r = config_parse_options(c, argc, argv);
        if (r == CONFIG_OK)
                r = config_check_log(c);
        if (r != CONFIG_OK)
                return r;

        if (config_find_program(c, "storaged", "storaged", c->storaged) != 0 ||
            config_find_program(c, "runtimed", "runtimed", c->runtimed) != 0 ||
            config_find_program(c, "worker", "worker", c->worker) != 0 ||
            config_find_program(c, "logger", "initd", c->logger) != 0)
                return CONFIG_E_REFUSED;
        return CONFIG_OK;
}
