/*
 * paths.h - where a tree keeps its files; the same rule in initd and thoxctl.
 *
 *   --dir DIR            everything under DIR: DIR/control, DIR/lock, DIR/store
 *   root                 /run/thox/control, /run/thox/lock, /var/lib/thox
 *   anybody else         $XDG_RUNTIME_DIR/thox/{control,lock}, $XDG_DATA_HOME/thox
 *                        (/tmp/thox-UID and ~/.local/share/thox when unset)
 */
#pragma once

#include <limits.h>
#include <stdbool.h>

struct paths {
        char run[PATH_MAX];     /* directory of socket and lock */
        char socket[PATH_MAX];
        char lock[PATH_MAX];
        char store[PATH_MAX];   /* directory of storaged's files */
};

enum paths_error {
        PATHS_OK = 0,
        PATHS_E_TOO_LONG = 1, /* the socket path exceeds sun_path (107 bytes) */
};

/* `dir`: from --dir or THOX_DIR, NULL for the defaults. `want_system`: --system; -1 by euid. */
int paths_init(struct paths *p, const char *dir, int want_system);
