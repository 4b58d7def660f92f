/*
 * bootstore.h - the packaged, read-only store that an empty directory boots from:
 * DIR/{program,library,runtime}/NAME.lua, DIR/props/NAME.conf and DIR/MANIFEST ("sha256  kind/NAME.lua" a line). All of
 * it is read and verified once, at start; afterwards it lives in memory.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum store_kind {
        STORE_KIND_PROGRAM,
        STORE_KIND_LIBRARY,
        STORE_KIND_RUNTIME,
        STORE_KIND_PROPS,
        _STORE_KIND_N,
};
const char *store_kind_name(enum store_kind kind);  /* "program" */
int store_kind_parse(const char *name, size_t len); /* -1 when none */

struct bootstore;

enum bootstore_error {
        BOOTSTORE_OK = 0,
        BOOTSTORE_E_REFUSED = 1, /* a file is missing, changed, unreadable or not listed */
};

/* On BOOTSTORE_E_REFUSED *ret_reason is a malloc'd sentence naming the file. Without `verify` (a
 * source tree) no manifest is needed and files that are no NAME.lua are passed over. */
int bootstore_new(struct bootstore **ret, const char *dir, bool verify, char **ret_reason);
struct bootstore *bootstore_free(struct bootstore *b);

struct bootstore_entry {
        enum store_kind kind;
        const char *name;
        const uint8_t *bytes;
        size_t len;
};
const struct bootstore_entry *bootstore_find(const struct bootstore *b,
                                             enum store_kind kind,
                                             const void *name,
                                             size_t len);
/* Sorted by kind, then name. */
size_t bootstore_count(const struct bootstore *b);
const struct bootstore_entry *bootstore_at(const struct bootstore *b, size_t i);
