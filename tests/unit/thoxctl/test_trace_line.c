/*
 * Records of the trace as lines, honest ones and others.
 */
#include "thoxctl/trace_line.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "libipc/value.h"

static struct buf record, text;

static void set_up(void) {
        setenv("TZ", "UTC", 1);
        buf_init(&record, 1 << 20);
        buf_init(&text, 1 << 20);
}

static void tear_down(void) {
        buf_deinit(&record);
        buf_deinit(&text);
}

TestSuite(trace_line, .init = set_up, .fini = tear_down);

static void put_text(const char *key, const char *value) {
        cr_assert(value_put_text(&record, key) == 0 && value_put_text(&record, value) == 0);
}

static void put_integer(const char *key, int64_t value) {
        cr_assert(value_put_text(&record, key) == 0 && value_put_integer(&record, value) == 0);
}

static void put_float(const char *key, double value) {
        cr_assert(value_put_text(&record, key) == 0 && value_put_float(&record, value) == 0);
}

static void put_args(const void *bytes, size_t len) {
        cr_assert(value_put_text(&record, "args") == 0);
        cr_assert(value_put_array(&record, VALUE_INDEFINITE) == 0);
        cr_assert(buf_add(&record, bytes, len) == 0 && value_put_end(&record) == 0);
}

static void begin_call(void) {
        cr_assert(value_put_map(&record, 7) == 0);
        put_text("kind", "call");
        put_float("time", 3661.25);
        put_integer("pid", 7);
        put_text("program", "greeter");
        put_integer("server", 5);
        put_text("name", "fs.open");
}

static const char *line(void) {
        struct trace_line l;
        if (!trace_line_parse(&l, record.data, record.len))
                return NULL;
        cr_assert_eq(trace_line_print(&text, &l), 0);
        cr_assert_eq(buf_add(&text, "", 1), 0);
        return (const char *)text.data;
}

/* row 28 */
Test(trace_line, shows_a_call) {
        begin_call();
        put_args("\x41"
                 "a\x18\x2a",
                 4);
        cr_assert_str_eq(line(), "01:01:01.250  greeter[7]         -> fs.open('a', 42)  @5");
}

/* row 28 */
Test(trace_line, shows_an_answer) {
        cr_assert(value_put_map(&record, 9) == 0);
        put_text("kind", "answer");
        put_float("time", 0);
        put_integer("pid", 5);
        put_integer("caller", 7);
        put_text("program", "greeter");
        put_text("name", "fs.open");
        put_integer("status", 11);
        put_float("duration", 0.0004);
        put_args("", 0);
        cr_assert_str_eq(line(), "00:00:00.000  greeter[7]         <- fs.open = NOTFOUND  0.40 ms");
}

Test(trace_line, shows_the_size_of_what_is_long) {
        begin_call();
        put_integer("size", 100000);
        cr_assert(strstr(line(), "fs.open(... 100000 bytes)"));
}

Test(trace_line, cuts_long_values) {
        struct buf values;
        char *long_text = calloc(1, 1001);
        memset(long_text, 'x', 1000);
        buf_init(&values, 2000);
        cr_assert_eq(value_put_text(&values, long_text), 0);
        begin_call();
        put_args(values.data, values.len);
        const char *shown = line();
        cr_assert(strlen(shown) < 300 && strstr(shown, "xxx...)"));
        buf_deinit(&values);
        free(long_text);
}

/* row 60 */
Test(trace_line, believes_no_bytes_that_lie) {
        begin_call();
        put_args("\xff\x44name\x41x", 8);
        cr_assert_null(line());
        cr_assert_null(line());
        record.len = 0;
        begin_call();
        put_args("\x5a\x00\x00\x00\x09", 5);
        cr_assert_null(line());
        record.len = 0;
        cr_assert(value_put_integer(&record, 1) == 0);
        cr_assert_null(line());
        record.len = 0;
        cr_assert_null(line());
}

Test(trace_line, shows_no_control_bytes) {
        begin_call();
        put_args("\x44\x1b[1m", 5);
        cr_assert(!strchr(line(), '\x1b'));
}

Test(trace_line, concerns_who_asks_and_who_serves) {
        struct trace_line l;
        begin_call();
        put_args("", 0);
        cr_assert(trace_line_parse(&l, record.data, record.len));
        cr_assert(trace_line_concerns(&l, 7) && trace_line_concerns(&l, 5));
        cr_assert(!trace_line_concerns(&l, 6));
}
