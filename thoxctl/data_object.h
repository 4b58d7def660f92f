/*
 * data_object.h - a data object as thoxctl reaches it: by its program's name or its own, through a handle
 * that storaged gives to who administers the tree.
 */
#pragma once

#include <jansson.h>
#include <stdint.h>

#include "libipc/base/buf.h"
#include "libipc/limits.h"
#include "thoxctl/command.h"

struct data_object {
        struct invocation *inv;
        uint32_t handle;
        uint64_t timeout_us; /* of each call; CLIENT_FOREVER: none */
        char name[LIMIT_NAME_BYTES + 1];
};

/* What was typed is a program's name, or, with a ':', an object's. The tree is connected. 0, or an exit
 * code after the failure was reported; so are the others. */
int data_object_open(struct data_object *o, struct invocation *inv, const char *typed);
/* The same, and a failure when nothing was ever kept in it. */
int data_object_find(struct data_object *o, struct invocation *inv, const char *typed);
/* For who opens many: a connection has only so many handles. */
void data_object_close(struct data_object *o);
/* The name alone. */
int data_object_name(struct data_object *o, struct invocation *inv, const char *typed);

/* Calls one of its endpoints. Anything but OK is a failure: "cannot `verb` 'NAME'". */
int data_object_ask(const struct data_object *o,
                    const char *endpoint,
                    const struct buf *args,
                    const char *verb,
                    struct buf *answer);
/* The same with the answer's values as an array, owned by the caller. */
int data_object_call(const struct data_object *o,
                     const char *endpoint,
                     const struct buf *args,
                     const char *verb,
                     json_t **ret_values);
