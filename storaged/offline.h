/*
 * offline.h - what is done to a store that no tree uses: thox-storaged's --check and --restore.
 */
#pragma once

#include "storaged/refusal.h"

enum offline_error {
        OFFLINE_OK = 0,
        OFFLINE_E_REFUSED = REFUSAL,
};

/* *ret_text is a malloc'd sentence: what was done, or why it was refused. */
int offline_check(const char *store_dir, char **ret_text);
/* Puts a copy of `file` in place of the store, or where there is none. */
int offline_restore(const char *store_dir, const char *file, char **ret_text);
