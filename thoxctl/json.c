/*
 * json.c - values to JSON; see json.h. Recursive, and safe to be: the reader refuses anything deeper
 * than LIMIT_VALUE_DEPTH.
 */
#include "thoxctl/json.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libipc/value.h"

static json_t *read_item(struct value_reader *r, const struct value *v);

static json_t *json_from_latin1(const uint8_t *bytes, size_t len) {
        char *text = malloc(2 * len + 1);
        size_t n = 0;
        json_t *string;

        if (!text)
                return NULL;
        for (size_t i = 0; i < len; i++) {
                if (bytes[i] < 0x80) {
                        text[n++] = (char)bytes[i];
                } else {
                        text[n++] = (char)(0xc0 | bytes[i] >> 6);
                        text[n++] = (char)(0x80 | (bytes[i] & 0x3f));
                }
        }
        string = json_stringn(text, n);
        free(text);
        return string;
}

json_t *json_text_from_bytes(const void *bytes, size_t len) {
        json_t *text = len == 0 ? json_string("") : json_stringn(bytes, len);

        return text ? text : json_from_latin1(bytes, len);
}

json_t *json_from_bytes(const void *bytes, size_t len) {
        json_t *text = len == 0 ? json_string("") : json_stringn(bytes, len);

        return text ? text : json_pack("{s:o}", "latin1", json_from_latin1(bytes, len));
}

static json_t *json_from_float(double v) {
        if (isnan(v))
                return json_string("nan");
        if (isinf(v))
                return json_string(v > 0 ? "inf" : "-inf");
        return json_real(v);
}

static json_t *read_array(struct value_reader *r, size_t n) {
        json_t *array = json_array();
        struct value v;

        for (size_t i = 0; array && i < n; i++) {
                if (value_next(r, &v) != VALUE_OK || v.type == VALUE_END)
                        break;
                if (json_array_append_new(array, read_item(r, &v)) != 0) {
                        json_decref(array);
                        return NULL;
                }
        }
        return array;
}

/* JSON knows only text as a key: other scalars are written as Lua prints them. */
static json_t *key_text(const struct value *v) {
        char text[64];

        if (v->type == VALUE_BYTES)
                return json_text_from_bytes(v->bytes, v->len);
        if (v->type == VALUE_INTEGER)
                snprintf(text, sizeof(text), "%" PRId64, v->integer);
        else if (v->type == VALUE_FLOAT)
                snprintf(text, sizeof(text), "%.17g", v->number);
        else if (v->type == VALUE_BOOLEAN)
                snprintf(text, sizeof(text), "%s", v->boolean ? "true" : "false");
        else
                return NULL;
        return json_string(text);
}

static int read_pair(struct value_reader *r, const struct value *key, json_t *map) {
        json_t *text = key_text(key);
        struct value v;
        int error = -1;

        if (text && value_next(r, &v) == VALUE_OK && v.type != VALUE_END)
                error = json_object_setn_new(map, json_string_value(text), json_string_length(text),
                                             read_item(r, &v));
        json_decref(text);
        return error;
}

static json_t *read_map(struct value_reader *r, size_t n) {
        json_t *map = json_object();
        struct value key;

        for (size_t i = 0; map && i < n; i++) {
                if (value_next(r, &key) != VALUE_OK || key.type == VALUE_END)
                        break;
                if (read_pair(r, &key, map) != 0) {
                        json_decref(map);
                        return NULL;
                }
        }
        return map;
}

static json_t *read_item(struct value_reader *r, const struct value *v) {
        switch (v->type) {
        case VALUE_NIL:
                return json_null();
        case VALUE_BOOLEAN:
                return json_boolean(v->boolean);
        case VALUE_INTEGER:
                return json_integer(v->integer);
        case VALUE_FLOAT:
                return json_from_float(v->number);
        case VALUE_BYTES:
                return json_from_bytes(v->bytes, v->len);
        case VALUE_ARRAY:
                return read_array(r, v->size);
        case VALUE_MAP:
                return read_map(r, v->size);
        case VALUE_CAP:
                return json_pack("{s:I}", "handle", (json_int_t)v->cap);
        case VALUE_END:
                break;
        }
        return NULL;
}

json_t *json_from_values(const void *bytes, size_t len) {
        json_t *values = json_array();
        struct value_reader r;
        struct value v;
        int error;

        value_reader_init(&r, bytes, len);
        while (values && (error = value_next(&r, &v)) != VALUE_E_DONE) {
                if (error != VALUE_OK || json_array_append_new(values, read_item(&r, &v)) != 0 ||
                    r.error) {
                        json_decref(values);
                        return NULL;
                }
        }
        return values;
}

static int compare_members(const json_t *a, const json_t *b) {
        double x = json_number_value(a), y = json_number_value(b);

        if (!a || !b)
                return (a != NULL) - (b != NULL);
        if (json_is_string(a) && json_is_string(b))
                return strcmp(json_string_value(a), json_string_value(b));
        return (x > y) - (x < y);
}

struct sorted {
        json_t *row;
        const json_t *member;
        size_t at; /* rows that are equal stay in their order */
        bool is_descending;
};

static int compare_rows(const void *left, const void *right) {
        const struct sorted *a = left, *b = right;
        int order = compare_members(a->member, b->member);

        if (order != 0)
                return a->is_descending ? -order : order;
        return (a->at > b->at) - (a->at < b->at);
}

void json_sort(json_t *rows, const char *key, bool is_descending) {
        size_t n = json_array_size(rows);
        struct sorted *sorted = calloc(n + 1, sizeof(*sorted));

        if (!sorted)
                return;
        for (size_t i = 0; i < n; i++) {
                json_t *row = json_incref(json_array_get(rows, i));

                sorted[i] = (struct sorted){ row, json_object_get(row, key), i, is_descending };
        }
        qsort(sorted, n, sizeof(*sorted), compare_rows);
        for (size_t i = 0; i < n; i++)
                json_array_set_new(rows, i, sorted[i].row);
        free(sorted);
}
