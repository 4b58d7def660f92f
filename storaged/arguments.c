/*
 * arguments.c - see arguments.h.
 */
#include "storaged/arguments.h"

#include <assert.h>
#include <string.h>

#include "libipc/base/clock.h"
#include "libipc/base/log.h"
#include "libipc/service.h"
#include "storaged/item.h"

#define SECONDS_MAX 3.2e9 /* a century */

static const char *const wants[] = {
        [OPTION_BOOLEAN] = "true or false",
        [OPTION_BYTES] = "a string",
        [OPTION_COUNT] = "an integer that is not negative",
        [OPTION_INTEGER] = "an integer",
        [OPTION_SECONDS] = "seconds, a number above 0",
        [OPTION_ITEM] = "a value",
};
static_assert(ARRAY_SIZE(wants) == _OPTION_N, "every type says what it wants");

bool seconds_parse(double seconds, uint64_t *ret_us) {
        if (!(seconds > 0 && seconds <= SECONDS_MAX))
                return false;
        *ret_us = (uint64_t)(seconds * (double)CLOCK_S_US);
        if (*ret_us == 0)
                *ret_us = 1;
        return true;
}

bool argument_take_bytes(struct request *request, struct disk_bytes *ret) {
        if (item_take_bytes(&request->args, ret))
                return true;
        request_fail_usage(request);
        return false;
}

bool argument_take_item(struct request *request, struct disk_bytes *ret) {
        if (item_take(&request->args, ret))
                return true;
        request_fail_usage(request);
        return false;
}

bool argument_take_end(struct request *request) {
        if (value_is_done(&request->args))
                return true;
        request_fail_usage(request);
        return false;
}

static bool option_parse(const struct option *o, struct value_reader *reader) {
        double seconds;

        switch (o->type) {
        case OPTION_BOOLEAN:
                return value_get_boolean(reader, o->ret);
        case OPTION_BYTES:
                return item_take_bytes(reader, o->ret);
        case OPTION_COUNT:
                return item_take_count(reader, o->ret);
        case OPTION_INTEGER:
                return value_get_integer(reader, o->ret);
        case OPTION_SECONDS:
                return value_get_number(reader, &seconds) && seconds_parse(seconds, o->ret);
        case OPTION_ITEM:
                return item_take(reader, o->ret);
        case _OPTION_N:
                break;
        }
        return false;
}

static const struct option *option_find(const struct option *options,
                                        size_t n,
                                        const uint8_t *name,
                                        size_t len) {
        for (size_t i = 0; i < n; i++)
                if (strlen(options[i].name) == len && memcmp(options[i].name, name, len) == 0)
                        return &options[i];
        return NULL;
}

static bool option_take(struct request *request,
                        struct value_reader *reader,
                        const char *where,
                        const struct option *options,
                        size_t n,
                        bool *ret_is_end) {
        const struct option *o;
        struct value name;

        if (value_next(reader, &name) != VALUE_OK ||
            (name.type != VALUE_BYTES && name.type != VALUE_END)) {
                request_fail(request, STATUS_BADARGS, "%s: options have names", where);
                return false;
        }
        *ret_is_end = name.type == VALUE_END;
        if (*ret_is_end)
                return true;
        o = option_find(options, n, name.bytes, name.len);
        if (!o) {
                request_fail(request, STATUS_BADARGS, "%s: there is no option %s", where,
                             log_quote(name.bytes, name.len));
                return false;
        }
        if (!option_parse(o, reader)) {
                request_fail(request, STATUS_BADARGS, "%s: %s wants %s", where, o->name,
                             wants[o->type]);
                return false;
        }
        if (o->ret_is)
                *o->ret_is = true;
        return true;
}

bool options_take(struct request *request,
                  struct value_reader *reader,
                  const char *where,
                  const struct option *options,
                  size_t n) {
        bool is_end = false;
        struct value v;

        if (reader->at == reader->end)
                return true;
        if (value_next(reader, &v) == VALUE_OK) {
                if (v.type == VALUE_NIL || (v.type == VALUE_ARRAY && v.size == 0))
                        return true;
                if (v.type == VALUE_MAP) {
                        for (size_t i = 0; i < v.size && !is_end; i++)
                                if (!option_take(request, reader, where, options, n, &is_end))
                                        return false;
                        return true;
                }
        }
        request_fail(request, STATUS_BADARGS, "%s: options are a table", where);
        return false;
}
