/*
 * literal.c - words to values; see literal.h. Recursive, down to LIMIT_VALUE_DEPTH.
 */
#include "thoxctl/literal.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "libipc/value.h"

#define WORD_MAX_BYTES 64u /* a number, true, false, nil */

/* ---- scalars ------------------------------------------------------------------------------- */

/* What strtod takes but Lua does not call a number ("nan", "inf", " 1") is a string. */
static bool looks_numeric(const char *word) {
        if (*word == '-')
                word++;
        return isdigit((unsigned char)*word) || (*word == '.' && isdigit((unsigned char)word[1]));
}

static bool parse_integer(const char *word, int64_t *ret) {
        bool is_hex = strncasecmp(word + (*word == '-'), "0x", 2) == 0;
        long long n;
        char *end;

        errno = 0;
        n = strtoll(word, &end, is_hex ? 16 : 10);
        if (*end || errno != 0)
                return false;
        *ret = n;
        return true;
}

static bool parse_float(const char *word, double *ret) {
        char *end;
        double v = strtod(word, &end);

        if (*end)
                return false;
        *ret = v;
        return true;
}

/* nil, a boolean, a number: 0 or -errno; LITERAL_E_SYNTAX when it is none of them. */
static int put_scalar(struct buf *values, const char *word) {
        int64_t integer;
        double number;

        if (strcmp(word, "nil") == 0)
                return value_put_nil(values);
        if (strcmp(word, "true") == 0 || strcmp(word, "false") == 0)
                return value_put_boolean(values, *word == 't');
        if (looks_numeric(word) && parse_integer(word, &integer))
                return value_put_integer(values, integer);
        if (looks_numeric(word) && parse_float(word, &number))
                return value_put_float(values, number);
        return LITERAL_E_SYNTAX;
}

/* ---- text of a table ----------------------------------------------------------------------- */

struct parser {
        const char *at;
        size_t depth;
};

static int put_item(struct parser *p, struct buf *values);

static void skip_spaces(struct parser *p) {
        while (isspace((unsigned char)*p->at))
                p->at++;
}

static bool accept(struct parser *p, char c) {
        skip_spaces(p);
        if (*p->at != c)
                return false;
        p->at++;
        return true;
}

static int parse_code(const char **at, int base, int n_digits) {
        char digits[4] = "";
        char *end;
        long code;

        for (int i = 0; i < n_digits && isxdigit((unsigned char)(*at)[i]); i++)
                digits[i] = (*at)[i];
        code = strtol(digits, &end, base);
        if (end == digits || code > 255)
                return -1;
        *at += end - digits;
        return (int)code;
}

/* Behind a backslash: the byte meant, or -1. */
static int parse_escape(const char **at) {
        static const char NAMES[] = "abfnrtv\\'\"", BYTES[] = "\a\b\f\n\r\t\v\\'\"";
        const char *name;

        if (isdigit((unsigned char)**at))
                return parse_code(at, 10, 3);
        if (**at == 'x') {
                (*at)++;
                return parse_code(at, 16, 2);
        }
        name = **at ? strchr(NAMES, **at) : NULL;
        if (!name)
                return -1;
        (*at)++;
        return (unsigned char)BYTES[name - NAMES];
}

static int put_quoted(struct parser *p, struct buf *values) {
        struct buf text CLEANUP(buf_deinit);
        char quote = *p->at++;
        int r = 0;

        buf_init(&text, LIMIT_MESSAGE_BYTES);
        while (r == 0 && *p->at != quote) {
                int c = (unsigned char)*p->at;
                char byte;

                if (c == '\0')
                        return LITERAL_E_SYNTAX;
                p->at++;
                if (c == '\\')
                        c = parse_escape(&p->at);
                if (c < 0)
                        return LITERAL_E_SYNTAX;
                byte = (char)c;
                r = buf_add(&text, &byte, 1);
        }
        if (r < 0)
                return r;
        p->at++;
        return value_put_bytes(values, text.data, text.len);
}

static size_t name_length(const char *at) {
        size_t len = 0;

        if (isdigit((unsigned char)*at))
                return 0;
        while (isalnum((unsigned char)at[len]) || at[len] == '_')
                len++;
        return len;
}

/* `name =` or `[value] =`, if that comes next. */
static int put_key(struct parser *p, struct buf *values, bool *ret_is_keyed) {
        struct parser ahead = *p;
        size_t len = name_length(p->at);
        int r;

        *ret_is_keyed = true;
        if (accept(p, '[')) {
                r = put_item(p, values);
                if (r == 0 && !(accept(p, ']') && accept(p, '=')))
                        r = LITERAL_E_SYNTAX;
                return r;
        }
        ahead.at += len;
        *ret_is_keyed = len > 0 && accept(&ahead, '=');
        if (!*ret_is_keyed)
                return 0;
        r = value_put_bytes(values, p->at, len);
        *p = ahead;
        return r;
}

/* One field, written twice: as it would stand in an array, and behind its key. */
static int put_field(struct parser *p,
                     struct buf *items,
                     struct buf *pairs,
                     size_t n_before,
                     bool *ret_is_keyed) {
        size_t start;
        int r;

        skip_spaces(p);
        r = put_key(p, pairs, ret_is_keyed);
        if (r == 0 && !*ret_is_keyed)
                r = value_put_integer(pairs, (int64_t)n_before + 1);
        start = pairs->len;
        if (r == 0)
                r = put_item(p, pairs);
        return r == 0 ? buf_add(items, pairs->data + start, pairs->len - start) : r;
}

static int put_fields(struct parser *p, struct buf *values) {
        struct buf items CLEANUP(buf_deinit), pairs CLEANUP(buf_deinit);
        bool is_map = false;
        size_t n = 0, n_positional = 0;
        int r = 0;

        buf_init(&items, LIMIT_MESSAGE_BYTES);
        buf_init(&pairs, LIMIT_MESSAGE_BYTES);
        while (!accept(p, '}')) {
                bool is_keyed = false;

                if (n > 0 && !accept(p, ',') && !accept(p, ';'))
                        return LITERAL_E_SYNTAX;
                if (n > 0 && accept(p, '}'))
                        break;
                r = put_field(p, &items, &pairs, n_positional, &is_keyed);
                if (r != 0)
                        return r;
                n_positional += !is_keyed;
                is_map |= is_keyed;
                n++;
        }
        r = is_map ? value_put_map(values, n) : value_put_array(values, n);
        if (r == 0)
                r = is_map ? buf_add(values, pairs.data, pairs.len) :
                             buf_add(values, items.data, items.len);
        return r;
}

static int put_word(struct parser *p, struct buf *values) {
        char word[WORD_MAX_BYTES];
        size_t len = strcspn(p->at, " \t\r\n,;=[]{}");

        if (len == 0 || len >= sizeof(word))
                return LITERAL_E_SYNTAX;
        memcpy(word, p->at, len);
        word[len] = '\0';
        p->at += len;
        return put_scalar(values, word);
}

static int put_item(struct parser *p, struct buf *values) {
        int r;

        skip_spaces(p);
        if (*p->at == '\'' || *p->at == '"')
                return put_quoted(p, values);
        if (*p->at != '{')
                return put_word(p, values);
        if (++p->depth > LIMIT_VALUE_DEPTH)
                return LITERAL_E_SYNTAX;
        p->at++;
        r = put_fields(p, values);
        p->depth--;
        return r;
}

/* ---- words --------------------------------------------------------------------------------- */

static int put_whole(struct buf *values, const char *word) {
        struct parser p = { .at = word };
        size_t start = values->len;
        int r = put_item(&p, values);

        skip_spaces(&p);
        if (r == 0 && *p.at)
                r = LITERAL_E_SYNTAX;
        if (r != 0)
                values->len = start;
        return r;
}

int literal_put(struct buf *values, const char *word) {
        int r;

        if (*word == '{')
                return put_whole(values, word);
        r = *word == '\'' || *word == '"' ? put_whole(values, word) : put_scalar(values, word);
        return r == LITERAL_E_SYNTAX ? value_put_bytes(values, word, strlen(word)) : r;
}

int literal_misused(const struct invocation *inv, const char *word) {
        return command_misused(inv, "'%s' is no Lua table of literals", word);
}
