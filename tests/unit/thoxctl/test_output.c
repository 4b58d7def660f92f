/*
 * test_output.c - tables, fields, colours and errors as people and programs see them.
 */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "thoxctl/fail.h"
#include "thoxctl/output.h"

static struct output o;
static char *text;
static size_t text_len;

static void begin(void) {
        o = (struct output){ .out = open_memstream(&text, &text_len) };
        o.err = o.out;
}

static const char *shown(void) {
        fflush(o.out);
        return text;
}

static void end(void) {
        fclose(o.out);
        free(text);
}

TestSuite(output, .init = begin, .fini = end);

static const struct column COLUMNS[] = {
        { "PID", "pid", COLUMN_NUMBER },
        { "STATE", "state", COLUMN_STATE },
        { "NAME", "name", COLUMN_TEXT },
};

static void show_table(void) {
        json_t *rows = json_pack("[{s:i, s:s, s:s}, {s:i, s:s, s:s}]", "pid", 4, "state", "running",
                                 "name", "b\xc3\xb6t", "pid", 123, "state", "waiting", "name",
                                 "x\033[2Jy");

        output_table(&o, COLUMNS, ARRAY_SIZE(COLUMNS), rows);
        json_decref(rows);
}

Test(output, columns_are_aligned_and_control_bytes_escaped) {
        show_table();
        cr_expect_str_eq(shown(), "PID  STATE    NAME\n"
                                  "  4  running  b\xc3\xb6t\n"
                                  "123  waiting  x\\x1b[2Jy\n");
}

Test(output, the_heading_can_be_left_out) {
        o.hides_legend = true;
        show_table();
        cr_expect_str_eq(shown(), "  4  running  b\xc3\xb6t\n123  waiting  x\\x1b[2Jy\n");
}

Test(output, lines_are_cut_to_a_terminal_between_characters) {
        o.columns = 16;
        show_table();
        cr_expect_str_eq(shown(), "PID  STATE    NA\n"
                                  "  4  running  b\xc3\xb6\n"
                                  "123  waiting  x\\\n");
}

Test(output, states_have_colours_and_alignment_stays) {
        o.has_color = true;
        show_table();
        cr_expect(strstr(shown(), "  4  \033[32mrunning\033[0m  b"), "%s", shown());
}

Test(output, quantities_have_units) {
        static const struct {
                enum column_kind kind;
                double value;
                const char *expected;
        } CASES[] = {
                { COLUMN_DURATION, 12.7, "12s" },   { COLUMN_DURATION, 61, "1m 1s" },
                { COLUMN_DURATION, 7260, "2h 1m" }, { COLUMN_DURATION, 90000, "1d 1h" },
                { COLUMN_SIZE, 1023, "1023" },      { COLUMN_SIZE, 1536, "1.5K" },
                { COLUMN_SIZE, 64 << 20, "64.0M" }, { COLUMN_CPU, 0.125, "0.12s" },
                { COLUMN_DURATION, -1, "0s" },      { COLUMN_RATE, 9.94, "9.9" },
                { COLUMN_RATE, 9.96, "10" },        { COLUMN_RATE, 0, "0.0" },
        };

        for (size_t i = 0; i < ARRAY_SIZE(CASES); i++) {
                json_t *value = json_real(CASES[i].value);
                struct buf b;

                buf_init(&b, 64);
                cr_assert_eq(output_format(&b, CASES[i].kind, value), 0);
                cr_expect(b.len == strlen(CASES[i].expected) &&
                                  memcmp(b.data, CASES[i].expected, b.len) == 0,
                          "%.*s instead of %s", (int)b.len, (char *)b.data, CASES[i].expected);
                buf_deinit(&b);
                json_decref(value);
        }
}

Test(output, absent_values_are_a_dash) {
        json_t *rows = json_pack("[{s:n}]", "pid");

        o.hides_legend = true;
        output_table(&o, COLUMNS, ARRAY_SIZE(COLUMNS), rows);
        json_decref(rows);
        cr_expect_str_eq(shown(), "-  -  -\n");
}

Test(output, a_document_begins_with_its_schema) {
        output_document_take(&o, "thox.ps/1", json_pack("{s:[]}", "processes"));
        cr_expect_str_eq(shown(), "{\n  \"schema\": \"thox.ps/1\",\n  \"processes\": []\n}\n");
}

Test(output, c1_controls_are_escaped_too) {
        struct buf b;

        buf_init(&b, 64);
        cr_assert_eq(output_escape(&b,
                                   "a\xc2\x9b"
                                   "2J\x7f",
                                   6),
                     0);
        cr_expect(b.len == 11 && memcmp(b.data, "a\\x9b2J\\x7f", 11) == 0, "%.*s", (int)b.len,
                  (char *)b.data);
        buf_deinit(&b);
}

Test(output, an_error_says_what_why_fix_and_code) {
        int exit_code = fail(&o,
                             (struct failure){ .exit_code = 4,
                                               .code = "denied",
                                               .why = "bot.lua:3: no\n\tin main",
                                               .fix = "ask" },
                             "cannot run '%s'", "bot");

        cr_expect_eq(exit_code, 4);
        cr_expect_str_eq(shown(), "thoxctl: cannot run 'bot'\n"
                                  "  why:  bot.lua:3: no\n"
                                  "            in main\n"
                                  "  fix:  ask\n"
                                  "  code: denied   (thoxctl help denied)\n");
}

Test(output, an_error_can_be_json) {
        json_t *document;

        o.is_json = true;
        fail(&o, (struct failure){ .exit_code = 5, .code = "notfound", .why = "caf\xe9" }, "no");
        document = json_loads(shown(), 0, NULL);
        cr_assert(document, "%s", shown());
        const json_t *error = json_object_get(document, "error");
        cr_expect_str_eq(json_string_value(json_object_get(document, "schema")), "thox.error/1");
        cr_expect_str_eq(json_string_value(json_object_get(error, "what")), "no");
        cr_expect_str_eq(json_string_value(json_object_get(error, "why")), "caf\xc3\xa9");
        cr_expect_eq(json_integer_value(json_object_get(error, "exit")), 5);
        json_decref(document);
}

Test(output, quiet_hides_remarks_and_nothing_else) {
        o.is_quiet = true;
        output_note(&o, "done");
        output_trace(&o, "asked");
        cr_expect_str_eq(shown(), "");
        o.is_quiet = false;
        o.is_verbose = true;
        output_note(&o, "done");
        output_trace(&o, "asked");
        cr_expect_str_eq(shown(), "thoxctl: done\nthoxctl: asked\n");
}
