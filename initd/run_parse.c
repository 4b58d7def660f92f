/*
 * run_parse.c - see run_parse.h.
 */
#include "initd/run_parse.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "libipc/name.h"

int run_parse_refuse(struct run_parse *p, enum thox_status status, const char *fmt, ...) {
        va_list args;
        va_start(args, fmt);
        p->refusal->status = status;
        vsnprintf(p->refusal->message, sizeof(p->refusal->message), fmt, args);
        va_end(args);
        return RUN_SPEC_E_REFUSED;
}

int run_parse_want(struct run_parse *p, const char *what) {
        return run_parse_refuse(p, STATUS_BADARGS, "%s: wants %s", p->key, what);
}

int run_parse_bytes(struct run_parse *p, const uint8_t **ret, size_t *ret_len) {
        if (!value_get_bytes(p->reader, ret, ret_len))
                return run_parse_want(p, "a string");
        return 0;
}

int run_parse_integer(struct run_parse *p, int64_t *ret) {
        if (!value_get_integer(p->reader, ret))
                return run_parse_want(p, "an integer");
        return 0;
}

int run_parse_boolean(struct run_parse *p, bool *ret) {
        if (!value_get_boolean(p->reader, ret))
                return run_parse_want(p, "true or false");
        return 0;
}

int run_parse_next_key(struct run_parse *p,
                       const char *outer,
                       size_t *n_left,
                       char ret[LIMIT_NAME_BYTES + 1],
                       bool *ret_is_end) {
        struct value v;
        *ret_is_end = *n_left == 0;
        if (*n_left == 0)
                return 0;
        if (value_next(p->reader, &v) != VALUE_OK)
                return run_parse_refuse(p, STATUS_BADARGS, "%s: is not complete", outer);
        if (v.type == VALUE_END) {
                *ret_is_end = true;
                return 0;
        }
        if (v.type != VALUE_BYTES || !name_is_valid(v.bytes, v.len))
                return run_parse_refuse(p, STATUS_BADARGS, "%s: keys must be names", outer);

        memcpy(ret, v.bytes, v.len);
        ret[v.len] = '\0';
        if (*n_left != VALUE_INDEFINITE)
                (*n_left)--;
        return 0;
}

static int run_parse_key(struct run_parse *p,
                         const char *outer,
                         const char *name,
                         const struct run_key *keys,
                         size_t n_keys,
                         uint32_t *seen) {
        for (size_t i = 0; i < n_keys; i++) {
                if (strcmp(keys[i].name, name) != 0)
                        continue;
                if (*seen & (1u << i))
                        return run_parse_refuse(p, STATUS_BADARGS, "%s: '%s' twice", outer, name);
                *seen |= 1u << i;
                p->key = keys[i].name;
                return keys[i].parse(p);
        }
        return run_parse_refuse(p, STATUS_BADARGS, "%s: unknown key '%s'", outer, name);
}

int run_parse_map(struct run_parse *p,
                  const char *outer,
                  const struct run_key *keys,
                  size_t n_keys) {
        struct value v;
        if (value_next(p->reader, &v) != VALUE_OK ||
            (v.type != VALUE_MAP && !(v.type == VALUE_ARRAY && v.size == 0)))
                return run_parse_refuse(p, STATUS_BADARGS, "%s: wants a table", outer);

        size_t n = v.size;
        uint32_t seen = 0;
        for (;;) {
                char name[LIMIT_NAME_BYTES + 1];
                bool is_end;
                int r = run_parse_next_key(p, outer, &n, name, &is_end);
                if (r != 0 || is_end)
                        return r;
                r = run_parse_key(p, outer, name, keys, n_keys, &seen);
                if (r != 0)
                        return r;
        }
}
