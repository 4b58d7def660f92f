/*
 * value_print.c - values as text for people. Follows the reader through the sequence; what it must
 * remember of each open table is whether it is a map and how many items it has printed.
 */
#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "libipc/base/error.h"
#include "libipc/value.h"

struct level {
        size_t n_items;
        bool is_map;
        bool is_bare; /* the key being printed needs no brackets */
};

struct printer {
        struct buf *out;
        struct value_reader reader;
        struct level levels[LIMIT_VALUE_DEPTH + 1];
        size_t depth;
};

static int put(struct buf *out, const char *text) {
        return buf_add(out, text, strlen(text));
}

/* Length of the printable UTF-8 sequence at `p`, 0 when it is none. Control characters of the
 * second kind (U+0080 to U+009F) would steer a terminal. */
static size_t utf8_length(const uint8_t *p, size_t left) {
        size_t n = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
        if (p[0] < 0xc2 || p[0] > 0xf4 || n > left)
                return 0;
        for (size_t i = 1; i < n; i++) {
                if ((p[i] & 0xc0) != 0x80)
                        return 0;
        }
        bool is_control = p[0] == 0xc2 && p[1] < 0xa0;
        bool is_overlong = (p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xf0 && p[1] < 0x90);
        bool is_outside = (p[0] == 0xed && p[1] >= 0xa0) || (p[0] == 0xf4 && p[1] >= 0x90);
        return is_control || is_overlong || is_outside ? 0 : n;
}

static int print_byte(struct buf *out, uint8_t c) {
        switch (c) {
        case '\n':
                return put(out, "\\n");
        case '\r':
                return put(out, "\\r");
        case '\t':
                return put(out, "\\t");
        case '\'':
                return put(out, "\\'");
        case '\\':
                return put(out, "\\\\");
        default:
                if (c < 0x20 || c >= 0x7f)
                        return buf_printf(out, "\\x%02x", c);
                return buf_add(out, &c, 1);
        }
}

static int print_string(struct buf *out, const uint8_t *bytes, size_t len) {
        int r = put(out, "'");
        for (size_t i = 0; i < len && r == 0;) {
                size_t n = utf8_length(bytes + i, len - i);
                r = n != 0 ? buf_add(out, bytes + i, n) : print_byte(out, bytes[i]);
                i += n != 0 ? n : 1;
        }
        return r < 0 ? r : put(out, "'");
}

static int print_float(struct buf *out, double v) {
        char text[40];

        if (isnan(v))
                return put(out, "nan");
        snprintf(text, sizeof(text), "%.14g", v);
        bool looks_integer = text[strspn(text, "-0123456789")] == '\0';
        return buf_printf(out, "%s%s", text, looks_integer ? ".0" : "");
}

static bool is_identifier(const struct value *v) {
        static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_";

        if (v->type != VALUE_BYTES || v->len == 0)
                return false;
        for (size_t i = 0; i < v->len; i++) {
                bool is_digit = v->bytes[i] >= '0' && v->bytes[i] <= '9';
                if (!(is_digit && i > 0) && !memchr(letters, v->bytes[i], sizeof(letters) - 1))
                        return false;
        }
        return true;
}

static bool is_key(const struct level *l) {
        return l->is_map && l->n_items % 2 == 0;
}

static int print_before(struct printer *p, const struct value *v) {
        struct level *l = &p->levels[p->depth];
        bool needs_comma = l->n_items > 0 && (!l->is_map || is_key(l));
        int r = needs_comma ? put(p->out, ", ") : 0;

        l->is_bare = is_key(l) && is_identifier(v);
        if (r == 0 && is_key(l) && !l->is_bare)
                r = put(p->out, "[");
        return r;
}

static int print_after(struct printer *p) {
        struct level *l = &p->levels[p->depth];
        int r = 0;

        if (is_key(l))
                r = put(p->out, l->is_bare ? " = " : "] = ");
        l->n_items++;
        return r;
}

static int print_scalar(struct printer *p, const struct value *v) {
        switch (v->type) {
        case VALUE_NIL:
                return put(p->out, "nil");
        case VALUE_BOOLEAN:
                return put(p->out, v->boolean ? "true" : "false");
        case VALUE_INTEGER:
                return buf_printf(p->out, "%lld", (long long)v->integer);
        case VALUE_FLOAT:
                return print_float(p->out, v->number);
        case VALUE_BYTES:
                if (p->levels[p->depth].is_bare)
                        return buf_add(p->out, v->bytes, v->len);
                return print_string(p->out, v->bytes, v->len);
        case VALUE_CAP:
                return buf_printf(p->out, "<handle %u>", v->cap);
        case VALUE_ARRAY:
        case VALUE_MAP:
        case VALUE_END:
                break;
        }
        return 0;
}

/* Prints what an item shows at its start, and all that it completes. */
static int print_item(struct printer *p, const struct value *v) {
        bool is_table = v->type == VALUE_ARRAY || v->type == VALUE_MAP;
        int r;

        if (v->type != VALUE_END) {
                r = print_before(p, v);
                if (r == 0)
                        r = is_table ? put(p->out, "{") : print_scalar(p, v);
                if (r < 0)
                        return r;
                if (is_table)
                        p->levels[++p->depth] = (struct level){ .is_map = v->type == VALUE_MAP };
                else if ((r = print_after(p)) < 0)
                        return r;
        }
        while (p->depth > p->reader.depth) {
                p->depth--;
                r = put(p->out, "}");
                if (r == 0)
                        r = print_after(p);
                if (r < 0)
                        return r;
        }
        return 0;
}

int value_print(struct buf *out, const void *bytes, size_t len) {
        struct printer p = { .out = out };
        struct value v;
        int r;

        value_reader_init(&p.reader, bytes, len);
        while ((r = value_next(&p.reader, &v)) == VALUE_OK) {
                r = print_item(&p, &v);
                if (r < 0)
                        return error_trace(r);
        }
        return r == VALUE_E_DONE ? 0 : VALUE_E_BAD;
}
