/*
 * field.c - see field.h.
 */
#include "tests/helper/field.h"

#include <criterion/criterion.h>
#include <string.h>

#include "libipc/value.h"

static bool value_is_text(const struct value *v, const char *text) {
        return v->type == VALUE_BYTES && v->len == strlen(text) &&
               memcmp(v->bytes, text, v->len) == 0;
}

/* Reads one map; copies out the value of `field` and says whether its name is `name`. */
static bool read_map(struct value_reader *r,
                     const char *name,
                     const char *field,
                     struct value *ret,
                     bool *ret_has_field) {
        struct value map, key, v;
        bool is_it = !name;
        *ret_has_field = false;
        cr_assert(value_next(r, &map) == VALUE_OK && map.type == VALUE_MAP);
        for (size_t n = map.size; n > 0; n--) {
                cr_assert(value_next(r, &key) == VALUE_OK);
                if (key.type == VALUE_END)
                        break;
                bool is_field = value_is_text(&key, field);
                cr_assert(value_next(r, &v) == VALUE_OK);
                if (name && value_is_text(&key, "name") && value_is_text(&v, name))
                        is_it = true;
                if (is_field) {
                        *ret = v;
                        *ret_has_field = true;
                }
                cr_assert(value_skip(r, &v) == VALUE_OK);
        }
        return is_it;
}

/* The reader stands before a list of maps. */
static bool find_in_list(struct value_reader *r,
                         const char *name,
                         const char *field,
                         struct value *ret) {
        struct value list;
        bool has_field;
        cr_assert(value_next(r, &list) == VALUE_OK && list.type == VALUE_ARRAY);
        for (size_t i = 0; i < list.size; i++) {
                if (read_map(r, name, field, ret, &has_field))
                        return has_field;
        }
        return false;
}

static bool find_row(const struct wire_frame *frame,
                     const char *name,
                     const char *field,
                     struct value *ret) {
        struct value_reader r;
        value_reader_init(&r, frame->extra.values, frame->extra.values_len);
        return find_in_list(&r, name, field, ret);
}

bool field_row_integer(const struct wire_frame *frame,
                       const char *list,
                       const char *name,
                       const char *field,
                       int64_t *ret) {
        struct value_reader r;
        struct value v;
        value_reader_init(&r, frame->extra.values, frame->extra.values_len);
        cr_assert(value_next(&r, &v) == VALUE_OK && v.type == VALUE_MAP);
        while (value_next(&r, &v) == VALUE_OK && v.type != VALUE_END) {
                if (value_is_text(&v, list)) {
                        bool is_there = find_in_list(&r, name, field, &v);
                        *ret = is_there ? v.integer : 0;
                        return is_there;
                }
                cr_assert(value_next(&r, &v) == VALUE_OK && value_skip(&r, &v) == VALUE_OK);
        }
        return false;
}

size_t row_count(const struct wire_frame *frame) {
        struct value_reader r;
        struct value list;
        value_reader_init(&r, frame->extra.values, frame->extra.values_len);
        cr_assert(value_next(&r, &list) == VALUE_OK && list.type == VALUE_ARRAY);
        return list.size;
}

static void copy_text(const struct value *v, char ret[128]) {
        cr_assert(v->type == VALUE_BYTES && v->len < 128);
        memcpy(ret, v->bytes, v->len);
        ret[v->len] = '\0';
}

bool row_integer(const struct wire_frame *frame,
                 const char *name,
                 const char *field,
                 int64_t *ret) {
        struct value v;
        if (!find_row(frame, name, field, &v))
                return false;
        cr_assert_eq(v.type, VALUE_INTEGER);
        *ret = v.integer;
        return true;
}

bool row_text(const struct wire_frame *frame, const char *name, const char *field, char ret[128]) {
        struct value v;
        if (!find_row(frame, name, field, &v))
                return false;
        copy_text(&v, ret);
        return true;
}

static struct value find_field(const struct wire_frame *frame, const char *field) {
        struct value_reader r;
        struct value v;
        bool has_field;
        value_reader_init(&r, frame->extra.values, frame->extra.values_len);
        read_map(&r, NULL, field, &v, &has_field);
        cr_assert(has_field, "no field '%s'", field);
        return v;
}

int64_t field_integer(const struct wire_frame *frame, const char *field) {
        struct value v = find_field(frame, field);
        cr_assert_eq(v.type, VALUE_INTEGER);
        return v.integer;
}

void field_text(const struct wire_frame *frame, const char *field, char ret[128]) {
        struct value v = find_field(frame, field);
        copy_text(&v, ret);
}
