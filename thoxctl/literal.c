/*
 * literal.c - words to values; see literal.h.
 */
#include "thoxctl/literal.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "libipc/value.h"

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

static bool is_quoted(const char *word, size_t len) {
        return len >= 2 && (word[0] == '\'' || word[0] == '"') && word[len - 1] == word[0];
}

int literal_put(struct buf *values, const char *word) {
        size_t len = strlen(word);
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
        if (is_quoted(word, len))
                return value_put_bytes(values, word + 1, len - 2);
        return value_put_bytes(values, word, len);
}
