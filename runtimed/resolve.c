/*
 * resolve.c - the grammar of program names: [runtime {"+" runtime} "#"] program.
 */
#include "runtimed/resolve.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "libipc/base/log.h"
#include "libipc/base/macros.h"
#include "libipc/name.h"

#define NATIVE "native"

/* A string of the arguments; bytes is NULL when it was not given. */
struct text {
        const uint8_t *bytes;
        size_t len;
};

struct fields {
        struct text program, code, chunk, runtime;
};

PRINTF_LIKE(2, 3) static int refuse(char *message, const char *fmt, ...) {
        va_list args;
        va_start(args, fmt);
        vsnprintf(message, RESOLVE_MESSAGE_BYTES, fmt, args);
        va_end(args);
        return RESOLVE_E_BADARGS;
}

static bool text_is(const struct text *t, const char *expected) {
        return t->len == strlen(expected) && memcmp(t->bytes, expected, t->len) == 0;
}

static struct text *fields_find(struct fields *f, const struct value *key) {
        struct text name = { key->bytes, key->len };
        if (text_is(&name, "program"))
                return &f->program;
        if (text_is(&name, "code"))
                return &f->code;
        if (text_is(&name, "chunk"))
                return &f->chunk;
        if (text_is(&name, "runtime"))
                return &f->runtime;
        return NULL;
}

static int read_pair(struct value_reader *r,
                     const struct value *key,
                     struct fields *ret,
                     char *message) {
        struct value v;

        if (key->type != VALUE_BYTES)
                return refuse(message, "a key of the spec is not a string");
        struct text *field = fields_find(ret, key);
        if (!field)
                return refuse(message, "unknown key %s", log_quote(key->bytes, key->len));
        if (value_next(r, &v) != VALUE_OK || (v.type != VALUE_BYTES && v.type != VALUE_NIL))
                return refuse(message, "%.*s must be a string", (int)key->len, key->bytes);

        if (v.type == VALUE_BYTES)
                *field = (struct text){ v.bytes, v.len };
        return 0;
}

static int read_fields(struct value_reader *r, struct fields *ret, char *message) {
        size_t n_pairs;
        if (!value_get_map(r, &n_pairs))
                return refuse(message, "the spec must be a table with program or code");

        for (size_t i = 0; i < n_pairs; i++) {
                struct value key;
                if (value_next(r, &key) != VALUE_OK)
                        return refuse(message, "the spec is malformed");
                if (key.type == VALUE_END)
                        break;
                int r_pair = read_pair(r, &key, ret, message);
                if (r_pair != 0)
                        return r_pair;
        }
        return 0;
}

static int add_runtime(struct resolve_spec *spec, const uint8_t *name, size_t len, char *message) {
        if (len == strlen(NATIVE) && memcmp(name, NATIVE, len) == 0)
                return 0;
        if (!name_is_valid(name, len))
                return refuse(message, "%s is not a runtime's name", log_quote(name, len));
        if (spec->n_parts == LIMIT_IMAGE_PARTS - 1)
                return refuse(message, "more than %u runtimes", LIMIT_IMAGE_PARTS - 1);
        spec->parts[spec->n_parts++] = (struct resolve_part){ IMAGE_KIND_RUNTIME, name, len };
        return 0;
}

/* "a+b" */
static int add_runtimes(struct resolve_spec *spec, struct text chain, char *message) {
        for (;;) {
                const uint8_t *plus = memchr(chain.bytes, '+', chain.len);
                size_t len = plus ? (size_t)(plus - chain.bytes) : chain.len;
                int r = add_runtime(spec, chain.bytes, len, message);
                if (r != 0 || !plus)
                        return r;
                chain.bytes += len + 1;
                chain.len -= len + 1;
        }
}

/* Takes the prefix off the program's name. */
static struct text split_prefix(struct text *program) {
        const uint8_t *hash = program->bytes ? memchr(program->bytes, '#', program->len) : NULL;
        if (!hash)
                return (struct text){ 0 };

        struct text prefix = { program->bytes, (size_t)(hash - program->bytes) };
        program->bytes = hash + 1;
        program->len -= prefix.len + 1;
        return prefix;
}

static int add_program(struct resolve_spec *spec, struct text name, char *message) {
        if (!name_is_valid(name.bytes, name.len))
                return refuse(message, "%s is not a program's name",
                              log_quote(name.bytes, name.len));
        spec->parts[spec->n_parts++] =
                (struct resolve_part){ IMAGE_KIND_PROGRAM, name.bytes, name.len };
        return 0;
}

/* A chunk name that is too long keeps its mark and its end, which is what messages show. */
static void set_chunk(struct resolve_spec *spec, struct text name) {
        size_t skip = name.len > LIMIT_CHUNK_BYTES ? name.len - LIMIT_CHUNK_BYTES : 0;

        memcpy(spec->chunk, name.bytes + skip, name.len - skip);
        spec->chunk[name.len - skip] = 0;
        if (skip > 0)
                spec->chunk[0] = (char)name.bytes[0];
}

static int add_code(struct resolve_spec *spec, const struct fields *f, char *message) {
        struct text chunk = f->chunk;
        if (!chunk.bytes)
                chunk = (struct text){ (const uint8_t *)"=code", strlen("=code") };
        if (memchr(chunk.bytes, 0, chunk.len))
                return refuse(message, "chunk must not contain a zero byte");

        set_chunk(spec, chunk);
        spec->code = f->code.bytes;
        spec->code_len = f->code.len;
        spec->parts[spec->n_parts++] = (struct resolve_part){ .kind = IMAGE_KIND_CODE };
        return 0;
}

int resolve_parse(struct value_reader *args, struct resolve_spec *ret, char *message) {
        struct resolve_spec spec = { 0 };
        struct fields f = { 0 };
        int r;

        r = read_fields(args, &f, message);
        if (r != 0)
                return r;
        if (!f.program.bytes == !f.code.bytes)
                return refuse(message, "the spec needs either program or code");

        struct text prefix = split_prefix(&f.program);
        if (prefix.bytes && f.runtime.bytes &&
            (prefix.len != f.runtime.len || memcmp(prefix.bytes, f.runtime.bytes, prefix.len) != 0))
                return refuse(message,
                              "runtime and the prefix of program differ; give one of them");
        struct text chain = prefix.bytes ? prefix : f.runtime;
        r = chain.bytes ? add_runtimes(&spec, chain, message) : 0;
        if (r == 0)
                r = f.code.bytes ? add_code(&spec, &f, message) :
                                   add_program(&spec, f.program, message);
        if (r != 0)
                return r;

        *ret = spec;
        return 0;
}
