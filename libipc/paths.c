/*
 * paths.c - where a tree keeps its files. Nothing is created here.
 */
#include "libipc/paths.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include "libipc/base/error.h"
#include "libipc/base/macros.h"

static int path_format(char *path, const char *fmt, ...) PRINTF_LIKE(2, 3);
static int path_format(char *path, const char *fmt, ...) {
        va_list args;
        int n;

        va_start(args, fmt);
        n = vsnprintf(path, PATH_MAX, fmt, args);
        va_end(args);
        return n < 0 || n >= PATH_MAX ? error_origin(ENAMETOOLONG) : 0;
}

/* XDG wants relative values ignored. */
static const char *path_of_environment(const char *variable) {
        const char *path = getenv(variable);

        return path && path[0] == '/' ? path : NULL;
}

static int paths_init_dir(struct paths *p, const char *dir) {
        int r;

        r = path_format(p->run, "%s", dir);
        if (r == 0)
                r = path_format(p->store, "%s/store", dir);
        if (r == 0)
                r = path_format(p->log, "%s/log", dir);
        if (r == 0)
                r = path_format(p->config, "%s/thox.conf", dir);
        return r;
}

static int paths_init_system(struct paths *p) {
        int r;

        r = path_format(p->run, "/run/thox");
        if (r == 0)
                r = path_format(p->store, "/var/lib/thox");
        if (r == 0)
                r = path_format(p->log, "/var/log/thox");
        if (r == 0)
                r = path_format(p->config, THOX_SYSCONFDIR "/thox/thox.conf");
        return r;
}

static int paths_init_user_config(struct paths *p) {
        const char *config_dir = path_of_environment("XDG_CONFIG_HOME");
        const char *home = path_of_environment("HOME");

        if (config_dir)
                return path_format(p->config, "%s/thox/thox.conf", config_dir);
        if (home)
                return path_format(p->config, "%s/.config/thox/thox.conf", home);
        p->config[0] = '\0';
        return 0;
}

/* Where `variable` says, else below the home, else below what there is only while the tree runs. */
static int paths_init_in_home(char *path,
                              const struct paths *p,
                              const char *variable,
                              const char *in_home,
                              const char *name,
                              const char *in_run) {
        const char *dir = path_of_environment(variable);
        const char *home = path_of_environment("HOME");

        if (dir)
                return path_format(path, "%s/%s", dir, name);
        if (home)
                return path_format(path, "%s/%s/%s", home, in_home, name);
        return path_format(path, "%s/%s", p->run, in_run);
}

static int paths_init_user(struct paths *p) {
        const char *runtime_dir = path_of_environment("XDG_RUNTIME_DIR");
        int r;

        if (runtime_dir)
                r = path_format(p->run, "%s/thox", runtime_dir);
        else
                r = path_format(p->run, "/tmp/thox-%u", (unsigned)geteuid());
        if (r == 0)
                r = paths_init_user_config(p);
        if (r == 0)
                r = paths_init_in_home(p->store, p, "XDG_DATA_HOME", ".local/share", "thox",
                                       "store");
        if (r == 0)
                r = paths_init_in_home(p->log, p, "XDG_STATE_HOME", ".local/state", "thox/log",
                                       "log");
        return r;
}

static int paths_check_socket(const struct paths *p) {
        size_t max = sizeof(((struct sockaddr_un *)NULL)->sun_path) - 1;

        return strlen(p->socket) > max ? PATHS_E_TOO_LONG : PATHS_OK;
}

int paths_init(struct paths *p, const char *dir, int want_system) {
        int r;

        if (dir)
                r = paths_init_dir(p, dir);
        else if (want_system > 0 || (want_system < 0 && geteuid() == 0))
                r = paths_init_system(p);
        else
                r = paths_init_user(p);
        if (r == 0)
                r = path_format(p->lock, "%s/lock", p->run);
        if (r == 0)
                r = path_format(p->socket, "%s/control", p->run);
        return r < 0 ? error_trace(r) : paths_check_socket(p);
}

/* Set, and not to nothing. */
static const char *environment(const char *variable) {
        const char *text = getenv(variable);

        return text && text[0] ? text : NULL;
}

int paths_init_client(struct paths *p, const char *dir, int want_system) {
        const char *socket = NULL;
        int r;

        if (!dir && want_system < 0) {
                socket = environment("THOX_SOCKET");
                dir = environment("THOX_DIR");
        }
        if (!socket)
                return error_trace(paths_init(p, dir, want_system));
        r = path_format(p->socket, "%s", socket);
        return r < 0 ? error_trace(r) : paths_check_socket(p);
}
