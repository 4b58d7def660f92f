/*
 * test_props.c - from the text of a service's properties to what init passes on.
 */
#include "runtimed/props.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libipc/limits.h"
#include "libipc/value.h"

static struct buf values, text;
static char why[CONF_WHY_BYTES];

static void setup(void) {
        buf_init(&values, LIMIT_MESSAGE_BYTES);
        buf_init(&text, LIMIT_MESSAGE_BYTES);
}

static void teardown(void) {
        buf_deinit(&values);
        buf_deinit(&text);
}

TestSuite(props, .init = setup, .fini = teardown);

/* What is made of it, as Lua would write it. */
static const char *read_props(const char *name, const char *source) {
        cr_assert_eq(props_read(name, source, strlen(source), &values, why), CONF_OK, "%s", why);
        cr_assert_eq(value_print(&text, values.data, values.len), 0);
        cr_assert_eq(buf_add(&text, "", 1), 0);
        return (const char *)text.data;
}

static void expect_part(const char *part) {
        cr_expect(strstr((const char *)text.data, part), "%s\n  is not in\n%s", part,
                  (const char *)text.data);
}

static void expect_refused(const char *name, const char *source, const char *sentence) {
        cr_assert_eq(props_read(name, source, strlen(source), NULL, why), CONF_E_INVALID, "%s",
                     source);
        cr_expect_str_eq(why, sentence);
}

/* row 151 */
Test(props, a_service_of_which_nothing_is_said_runs_the_program_of_its_name) {
        read_props("bot", "");
        expect_part("options = {name = 'bot', program = 'bot', restart = 'on-failure', args = {}, "
                    "uid = 1000, properties = {}}");
        expect_part("context = {deny = {");
        expect_part("'tree.*'");
        expect_part("default = 'forward', to = 0}");
        expect_part("after = {}, required = false}");
}

Test(props, everything_that_is_said_is_passed_on) {
        read_props(
                "bot",
                "run: { program = \"robot\"; runtime = \"extended\"; args = [ \"a\", \"b c\" ];\n"
                "       restart = \"always\"; after = [ \"mqtt\" ]; required = true; ready = 1.5;\n"
                "       group: { name = \"g\"; restart = \"rest\"; }; };\n"
                "limits: { memory = \"16M\"; memory_max = \"32M\"; quantum = \"5ms\"; priority = "
                "0; cpu_turn = 2;\n"
                "          watchdog = 0; };\n"
                "context: { allow = [ \"mqtt.*\" ]; bind = [ \"bot.*\" ]; run = [ \"*\" ]; };\n");
        expect_part("options = {name = 'bot', program = 'robot', runtime = 'extended', restart = "
                    "'always', args = {'a', 'b c'}, ready = 1.5, group = {name = 'g', restart = "
                    "'rest'}, uid = 1000, properties = {memory = 16777216, memory_max = 33554432, "
                    "quantum = 5000, "
                    "cpu_turn = 2.0, watchdog = 0.0, priority "
                    "= 0, bind = {'bot.*'}, run = {'*'}}}");
        expect_part("allow = {'alarm', 'log', 'process.ready', 'mqtt.*'}, bind = {'*'}, push = "
                    "{'*'}, listen = {'*'}, default = "
                    "'deny', to = 0}");
        expect_part("after = {'mqtt'}, required = true}");
}

Test(props, an_empty_list_allows_nothing) {
        read_props("bot", "context: { allow = []; bind = []; run = []; };");
        expect_part("properties = {bind = {}, run = {}}");
        expect_part("allow = {'alarm', 'log', 'process.ready'}");
        expect_part("default = 'deny'");
}

Test(props, an_administrators_service_has_the_native_context) {
        const char *said = read_props("bot", "context: { admin = true; };");
        cr_expect_null(strstr(said, "context = "));
        cr_expect_null(strstr(said, "uid = "));
}

Test(props, init_has_the_list_of_services) {
        cr_expect_str_eq(read_props("init", "services = [ \"b\", \"a\" ];"),
                         "{services = {'b', 'a'}}");
        expect_refused("init", "run: { };", "init:1: unknown setting 'run'; there are services");
        expect_refused("init", "services = [ \"\" ];",
                       "init: 'services': \"\" is not a valid name");
}

Test(props, mistakes_are_refused) {
        char big[CONF_FILE_BYTES_MAX + 2];

        expect_refused("bot", "services = [];",
                       "bot:1: unknown setting 'services'; there are run.program, run.runtime, "
                       "run.args, run.restart, run.after, run.required, run.ready, run.group.name, "
                       "run.group.restart, limits.memory, limits.memory_max, limits.quantum, "
                       "limits.processes, "
                       "limits.cpu_turn, "
                       "limits.watchdog, limits.priority, "
                       "context.admin, context.allow, context.bind, context.run");
        expect_refused("bot", "run: { after = [ \"a/b\" ]; };",
                       "bot: 'run.after': \"a/b\" is not a valid name");
        expect_refused("bot", "context: { allow = [ \"a/b\" ]; };",
                       "bot: 'context.allow': \"a/b\" is not a valid name");
        expect_refused("bot", "run: { group: { restart = \"all\"; }; };",
                       "bot: 'run.group' needs a name");
        expect_refused("bot", "context: { admin = true; allow = [ \"a\" ]; };",
                       "bot: 'context.admin' allows everything; leave out 'context.allow'");

        cr_assert_eq(props_read("bot", "a\0b", 3, NULL, why), CONF_E_INVALID);
        cr_expect_str_eq(why, "bot: has a NUL byte: it is no text");
        memset(big, ' ', sizeof(big));
        cr_assert_eq(props_read("bot", big, sizeof(big) - 1, NULL, why), CONF_E_INVALID);
        cr_expect_str_eq(why, "bot: longer than 64 KiB");
}
