/*
 * release.h - a new version of a program together with its data, in one transaction: what the version before
 * leaves behind is kept, a rollback may bring data back, an import brings its own.
 */
#pragma once

#include <stddef.h>

#include "libipc/limits.h"
#include "storaged/store.h"

#define RELEASE_PREFIX "program:" /* of the names of programs' objects */

/* The name of a program's data object; its length, or 0 when it would be too long: there is none then. */
size_t release_object_name(char ret[LIMIT_NAME_BYTES], const void *program, size_t len);

/* Whether the data at the end of that version is kept. STORE_OK or < 0. In a transaction. */
int release_has_data(struct store *s, const struct store_entry *entry, bool *ret);

/* As store_apply, which is all that it is for libraries and runtimes. */
int release_apply(struct store *s, struct store_change *change);
