/*
 * test_parse.c - text to numbers.
 */
#include <criterion/criterion.h>
#include <errno.h>

#include "libipc/base/macros.h"
#include "libipc/base/parse.h"

struct parse_case {
        const char *text;
        int result;
        uint64_t value;
};

static void expect(int (*parse)(const char *text, uint64_t *ret),
                   const struct parse_case *cases,
                   size_t n) {
        for (size_t i = 0; i < n; i++) {
                uint64_t value = 42;
                const int r = parse(cases[i].text, &value);

                cr_expect_eq(r, cases[i].result, "\"%s\" gave %d", cases[i].text, r);
                cr_expect_eq(value, r < 0 ? 42 : cases[i].value, "\"%s\" gave %llu", cases[i].text,
                             (unsigned long long)value);
        }
}

static int parse_u64_to_100(const char *text, uint64_t *ret) {
        return parse_u64(text, 100, ret);
}

static int parse_u64_to_5(const char *text, uint64_t *ret) {
        return parse_u64(text, 5, ret);
}

static int parse_u64_any(const char *text, uint64_t *ret) {
        return parse_u64(text, UINT64_MAX, ret);
}

Test(parse, whole_numbers_are_digits_within_the_maximum) {
        static const struct parse_case cases[] = {
                { "0", 0, 0 },          { "100", 0, 100 },     { "007", 0, 7 },
                { "101", -ERANGE, 0 },  { "", -EINVAL, 0 },    { "-1", -EINVAL, 0 },
                { "+1", -EINVAL, 0 },   { " 1", -EINVAL, 0 },  { "1 ", -EINVAL, 0 },
                { "0x10", -EINVAL, 0 }, { "1e3", -EINVAL, 0 },
        };
        static const struct parse_case small[] = { { "5", 0, 5 }, { "6", -ERANGE, 0 } };
        static const struct parse_case large[] = {
                { "18446744073709551615", 0, UINT64_MAX },
                { "18446744073709551616", -ERANGE, 0 },
                { "99999999999999999999", -ERANGE, 0 },
        };

        expect(parse_u64_to_100, cases, ARRAY_SIZE(cases));
        expect(parse_u64_to_5, small, ARRAY_SIZE(small));
        expect(parse_u64_any, large, ARRAY_SIZE(large));
}

Test(parse, sizes_take_suffixes_and_fractions) {
        static const struct parse_case cases[] = {
                { "4096", 0, 4096 },
                { "64M", 0, UINT64_C(64) << 20 },
                { "1.5G", 0, UINT64_C(3) << 29 },
                { "0.5K", 0, 512 },
                { "12B", 0, 12 },
                { "1T", 0, UINT64_C(1) << 40 },
                { "64m", -EINVAL, 0 },
                { "64 M", -EINVAL, 0 },
                { "1.M", -EINVAL, 0 },
                { ".5M", -EINVAL, 0 },
                { "M", -EINVAL, 0 },
                { "99999999999T", -ERANGE, 0 },
                { "1.0000000000K", -ERANGE, 0 },
        };

        expect(parse_size, cases, ARRAY_SIZE(cases));
}

Test(parse, durations_are_seconds_unless_they_say_otherwise) {
        static const struct parse_case cases[] = {
                { "250ms", 0, 250000 },  { "1.5s", 0, 1500000 }, { "2m", 0, 120000000 },
                { "1h", 0, 3600000000 }, { "3", 0, 3000000 },    { "0.25", 0, 250000 },
                { "7us", 0, 7 },         { "1d", -EINVAL, 0 },   { "-1s", -EINVAL, 0 },
                { "s", -EINVAL, 0 },     { "1s2", -EINVAL, 0 },
        };

        expect(parse_duration, cases, ARRAY_SIZE(cases));
}
