/*
 * parse.c - text to numbers.
 */
#include "libipc/base/parse.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "libipc/base/error.h"
#include "libipc/base/macros.h"

struct parse_unit {
        const char *suffix;
        uint64_t scale;
};

static const struct parse_unit parse_size_units[] = {
        { "", 1 },
        { "B", 1 },
        { "K", UINT64_C(1) << 10 },
        { "M", UINT64_C(1) << 20 },
        { "G", UINT64_C(1) << 30 },
        { "T", UINT64_C(1) << 40 },
        { NULL, 0 },
};

static const struct parse_unit parse_duration_units[] = {
        { "", UINT64_C(1000000) },
        { "us", 1 },
        { "ms", UINT64_C(1000) },
        { "s", UINT64_C(1000000) },
        { "m", UINT64_C(60000000) },
        { "h", UINT64_C(3600000000) },
        { NULL, 0 },
};

static bool parse_is_digit(char c) {
        return c >= '0' && c <= '9';
}

/* Decimal digits at *text, which is moved past them. */
static int parse_digits(const char **text, uint64_t max, uint64_t *ret) {
        const char *at = *text;
        uint64_t value = 0;

        if (!parse_is_digit(*at))
                return error_origin(EINVAL);

        for (; parse_is_digit(*at); at++) {
                const uint64_t digit = (uint64_t)(*at - '0');

                if (value > (max - digit) / 10 || digit > max)
                        return error_origin(ERANGE);
                value = value * 10 + digit;
        }

        *text = at;
        *ret = value;
        return 0;
}

int parse_u64(const char *text, uint64_t max, uint64_t *ret) {
        uint64_t value;
        int r;

        r = parse_digits(&text, max, &value);
        if (r < 0)
                return error_trace(r);
        if (*text != '\0')
                return error_origin(EINVAL);

        *ret = value;
        return 0;
}

/* Digits after a point: *ret_value / *ret_scale, at most nine of them. */
static int parse_fraction(const char **text, uint64_t *ret_value, uint64_t *ret_scale) {
        uint64_t value = 0, scale = 1;
        const char *at = *text;

        if (!parse_is_digit(*at))
                return error_origin(EINVAL);

        for (; parse_is_digit(*at); at++) {
                if (scale >= 1000000000)
                        return error_origin(ERANGE);
                value = value * 10 + (uint64_t)(*at - '0');
                scale *= 10;
        }

        *text = at;
        *ret_value = value;
        *ret_scale = scale;
        return 0;
}

static const struct parse_unit *parse_find_unit(const struct parse_unit *units,
                                                const char *suffix) {
        for (; units->suffix; units++)
                if (strcmp(units->suffix, suffix) == 0)
                        return units;
        return NULL;
}

static int parse_scaled(const char *text, const struct parse_unit *units, uint64_t *ret) {
        uint64_t whole, part = 0, part_scale = 1, scaled, rest;
        const struct parse_unit *unit;
        int r;

        r = parse_digits(&text, UINT64_MAX, &whole);
        if (r < 0)
                return error_trace(r);
        if (*text == '.') {
                text++;
                r = parse_fraction(&text, &part, &part_scale);
                if (r < 0)
                        return error_trace(r);
        }

        unit = parse_find_unit(units, text);
        if (!unit)
                return error_origin(EINVAL);

        /* part < 10^9 and scale <= 2^40, so the fraction is computed in 128 bits. */
        rest = (uint64_t)((unsigned __int128)part * unit->scale / part_scale);
        if (__builtin_mul_overflow(whole, unit->scale, &scaled) ||
            __builtin_add_overflow(scaled, rest, &scaled))
                return error_origin(ERANGE);

        *ret = scaled;
        return 0;
}

int parse_size(const char *text, uint64_t *ret_bytes) {
        return error_trace(parse_scaled(text, parse_size_units, ret_bytes));
}

int parse_duration(const char *text, uint64_t *ret_us) {
        return error_trace(parse_scaled(text, parse_duration_units, ret_us));
}
