/*
 * reader.c - reading values. What a reader goes over is CBOR again (libipc/value.h), only that each
 * string has one byte more, a NUL, and each handle is the number of a context: reader_import has
 * seen every byte of it, and a reader starts where a value starts.
 */
#include "libthox/reader.h"

#include <string.h>

#include "libipc/base/error.h"
#include "libipc/value.h"

static int import_string(struct buf *out, const struct value *v) {
        int r = value_put_bytes_head(out, v->len + 1);
        if (r == 0 && v->len != 0)
                r = buf_add(out, v->bytes, v->len);
        if (r == 0)
                r = buf_add(out, "", 1);
        return error_trace(r);
}

static int import_value(struct buf *out, const struct value *v, const struct client_event *event) {
        switch (v->type) {
        case VALUE_NIL:
                return error_trace(value_put_nil(out));
        case VALUE_BOOLEAN:
                return error_trace(value_put_boolean(out, v->boolean));
        case VALUE_INTEGER:
                return error_trace(value_put_integer(out, v->integer));
        case VALUE_FLOAT:
                return error_trace(value_put_float(out, v->number));
        case VALUE_BYTES:
                return error_trace(import_string(out, v));
        case VALUE_ARRAY:
                return error_trace(value_put_array(out, v->size));
        case VALUE_MAP:
                return error_trace(value_put_map(out, v->size));
        case VALUE_CAP:
                if (v->cap >= event->n_caps)
                        return READER_E_BAD;
                return error_trace(value_put_cap(out, event->caps[v->cap].handle - 1));
        case VALUE_END:
                return error_trace(value_put_end(out));
        }
        return READER_E_BAD;
}

int reader_import(struct buf *out, const struct client_event *event) {
        struct value_reader reader;
        struct value v;
        int r;

        buf_clear(out);
        value_reader_init(&reader, event->values, event->values_len);
        while ((r = value_next(&reader, &v)) == VALUE_OK) {
                r = import_value(out, &v, event);
                if (r != READER_OK)
                        return error_trace(r);
        }
        return r == VALUE_E_DONE ? READER_OK : READER_E_BAD;
}

struct thox_reader reader_of(const struct buf *values) {
        return (struct thox_reader){ .at = values->data,
                                     .end = values->len != 0 ? values->data + values->len :
                                                               values->data };
}

static enum thox_type type_of(enum value_type type) {
        static const enum thox_type TYPES[] = {
                [VALUE_NIL] = THOX_NIL,         [VALUE_BOOLEAN] = THOX_BOOLEAN,
                [VALUE_INTEGER] = THOX_INTEGER, [VALUE_FLOAT] = THOX_FLOAT,
                [VALUE_BYTES] = THOX_STRING,    [VALUE_ARRAY] = THOX_ARRAY,
                [VALUE_MAP] = THOX_MAP,         [VALUE_CAP] = THOX_CONTEXT,
        };
        return TYPES[type];
}

/* The reader stands behind the head of a table, and afterwards behind the table. */
static struct thox_reader pass_items(struct value_reader *r, const struct value *table) {
        struct thox_reader items = { .at = r->at };

        value_skip(r, table);
        items.end = table->size == VALUE_INDEFINITE ? r->at - 1 : r->at;
        return items;
}

static struct thox_value fill(struct value_reader *r, const struct value *v) {
        struct thox_value value = { .type = type_of(v->type) };

        switch (v->type) {
        case VALUE_BOOLEAN:
                value.boolean = v->boolean;
                break;
        case VALUE_INTEGER:
                value.integer = v->integer;
                value.number = (double)v->integer;
                break;
        case VALUE_FLOAT:
                value.number = v->number;
                break;
        case VALUE_BYTES:
                value.string = (const char *)v->bytes;
                value.len = v->len - 1;
                break;
        case VALUE_ARRAY:
        case VALUE_MAP:
                value.items = pass_items(r, v);
                break;
        case VALUE_CAP:
                value.context = v->cap;
                break;
        case VALUE_NIL:
        case VALUE_END:
                break;
        }
        return value;
}

bool thox_read(struct thox_reader *from, unsigned int wanted, struct thox_value *ret) {
        struct value_reader r;
        struct value v;

        value_reader_init(&r, from->at, (size_t)(from->end - from->at));
        if (value_next(&r, &v) != VALUE_OK || (type_of(v.type) & wanted) == 0)
                return false;

        struct thox_value value = fill(&r, &v);
        from->at = r.at;
        if (ret)
                *ret = value;
        return true;
}

bool thox_find(const struct thox_reader *map,
               const char *key,
               unsigned int wanted,
               struct thox_value *ret) {
        struct thox_reader items = *map;
        struct thox_value k, v;
        size_t len = strlen(key);

        while (thox_read(&items, THOX_ANY, &k) && thox_read(&items, THOX_ANY, &v)) {
                if (k.type != THOX_STRING || k.len != len || memcmp(k.string, key, len) != 0)
                        continue;
                if ((v.type & wanted) == 0)
                        return false;
                if (ret)
                        *ret = v;
                return true;
        }
        return false;
}
