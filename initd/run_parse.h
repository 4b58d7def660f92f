/*
 * run_parse.h - reading the one map of a process.run: what its keys' parsers share. An unknown key, a key
 * twice or a value of another type is refused with the key's name.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "initd/run_spec.h"
#include "libipc/base/macros.h"
#include "libipc/value.h"

struct native_request;

/* What one parse works with. Byte pointers point into the request. */
struct run_parse {
        struct native_request *request;
        struct value_reader *reader;
        struct run_spec *spec;
        struct run_spec_refusal *refusal;
        const char *key; /* being parsed */
        const uint8_t *program, *code, *chunk, *runtime, *name;
        size_t program_len, code_len, chunk_len, runtime_len, name_len;
};

/* A key of a map. All parsers return 0, RUN_SPEC_E_REFUSED or < 0. */
struct run_key {
        const char *name;
        int (*parse)(struct run_parse *p);
};

/* Says why, and returns RUN_SPEC_E_REFUSED. */
int run_parse_refuse(struct run_parse *p, enum thox_status status, const char *fmt, ...)
        PRINTF_LIKE(3, 4);
/* The key that is being parsed wants something else than what is there. */
int run_parse_want(struct run_parse *p, const char *what);

int run_parse_bytes(struct run_parse *p, const uint8_t **ret, size_t *ret_len);
int run_parse_integer(struct run_parse *p, int64_t *ret);
int run_parse_boolean(struct run_parse *p, bool *ret);
/* A map's next key as a C string, or its end. */
int run_parse_next_key(struct run_parse *p,
                       const char *outer,
                       size_t *n_left,
                       char ret[LIMIT_NAME_BYTES + 1],
                       bool *ret_is_end);
/* A whole map, each value by the parser of its key; at most 32 keys. */
int run_parse_map(struct run_parse *p,
                  const char *outer,
                  const struct run_key *keys,
                  size_t n_keys);
