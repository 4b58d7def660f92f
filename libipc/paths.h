/*
 * paths.h - where a tree keeps its files; the same rule in initd and its clients.
 *
 *   --dir DIR            everything under DIR: DIR/control, DIR/lock, DIR/store, DIR/log,
 *                        DIR/thox.conf
 *   root                 /run/thox/control, /run/thox/lock, /var/lib/thox, /var/log/thox,
 *                        /etc/thox/thox.conf
 *   anybody else         $XDG_RUNTIME_DIR/thox/{control,lock}, $XDG_DATA_HOME/thox,
 *                        $XDG_STATE_HOME/thox/log, $XDG_CONFIG_HOME/thox/thox.conf
 *                        (/tmp/thox-UID, ~/.local/share/thox, ~/.local/state/thox/log and
 *                        ~/.config/thox when unset)
 */
#pragma once

#include <limits.h>
#include <stdbool.h>

struct paths {
        char run[PATH_MAX]; /* directory of socket and lock */
        char socket[PATH_MAX];
        char lock[PATH_MAX];
        char store[PATH_MAX];  /* directory of storaged's files */
        char log[PATH_MAX];    /* directory of log files, if there are any */
        char config[PATH_MAX]; /* thox.conf(5); empty when there is no place for it */
};

enum paths_error {
        PATHS_OK = 0,
        PATHS_E_TOO_LONG = 1, /* the socket path exceeds sun_path (107 bytes) */
};

/* `dir`: from --dir or THOX_DIR, NULL for the defaults. `want_system`: --system; -1 by euid. */
int paths_init(struct paths *p, const char *dir, int want_system);
/* Where a client looks: only p->socket is set. Without `dir`, and want_system -1, THOX_SOCKET names the
 * socket or THOX_DIR the directory. */
int paths_init_client(struct paths *p, const char *dir, int want_system);
