/*
 * arguments.h - the arguments of a call, one after the other, and named ones in a table of which each field is
 * known and has a type. What returns false has refused the request.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "libipc/request.h"
#include "storaged/disk.h"

enum option_type {
        OPTION_BOOLEAN, /* bool */
        OPTION_BYTES,   /* struct disk_bytes */
        OPTION_COUNT,   /* uint64_t: an integer that is not below 0 */
        OPTION_INTEGER, /* int64_t */
        OPTION_SECONDS, /* uint64_t of microseconds, at least 1 */
        OPTION_ITEM,    /* struct disk_bytes: the item as it is encoded */
        _OPTION_N,
};

struct option {
        const char *name;
        enum option_type type;
        void *ret;    /* untouched when the option is not there */
        bool *ret_is; /* whether it is there; may be NULL */
};

/* Or the endpoint's usage. */
bool argument_take_bytes(struct request *request, struct disk_bytes *ret);
bool argument_take_item(struct request *request, struct disk_bytes *ret);
bool argument_take_end(struct request *request);
/* Reads one table, or nil and the end of the arguments, which are tables without fields. `where` names it
 * in messages: "set: ttl wants seconds, a number above 0". */
bool options_take(struct request *request,
                  struct value_reader *reader,
                  const char *where,
                  const struct option *options,
                  size_t n);

/* A time from a number of seconds. False: not above 0, or longer than anybody lives. */
bool seconds_parse(double seconds, uint64_t *ret_us);
