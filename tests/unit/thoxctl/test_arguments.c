/*
 * test_arguments.c - the command line: verbs, flags, values, and what is said about mistakes.
 */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "thoxctl/command.h"
#include "thoxctl/flag.h"
#include "thoxctl/verbs.h"

static struct invocation inv;
static char *said;
static size_t said_len;

/* Parses a command line given as words separated by single spaces. */
static int parse(const char *line) {
        static char words[256], *argv[16];
        int argc = 0;

        free(said);
        said = NULL;
        snprintf(words, sizeof(words), "%s", line);
        for (char *word = strtok(words, " "); word; word = strtok(NULL, " "))
                argv[argc++] = word;
        argv[argc] = NULL;
        invocation_init(&inv);
        inv.output.err = open_memstream(&said, &said_len);
        int exit_code = command_parse(&inv, argc, argv);
        fclose(inv.output.err);
        return exit_code;
}

static void release(void) {
        free(said);
}

TestSuite(arguments, .fini = release);

Test(arguments, a_verb_takes_its_arguments) {
        cr_assert_eq(parse("thoxctl kill bot 12"), 0);
        cr_expect_eq(inv.command, &VERB_KILL);
        cr_assert_eq(inv.n_args, 2);
        cr_expect_str_eq(inv.args[0], "bot");
        cr_expect_str_eq(inv.args[1], "12");
}

Test(arguments, aliases_name_the_same_verb) {
        cr_assert_eq(parse("thoxctl ls"), 0);
        cr_expect_eq(inv.command, &VERB_PS);
        cr_assert_eq(parse("thoxctl list"), 0);
        cr_expect_eq(inv.command, &VERB_PS);
}

Test(arguments, flags_may_stand_before_and_behind_the_verb_and_between_arguments) {
        cr_assert_eq(parse("thoxctl --dir d set program --expect 3 bot bot.lua --json -q"), 0);
        cr_expect_str_eq(inv.dir, "d");
        cr_expect_eq(inv.expect, 3);
        cr_expect(inv.output.is_json);
        cr_expect(inv.output.is_quiet);
        cr_assert_eq(inv.n_args, 3);
        cr_expect_str_eq(inv.args[2], "bot.lua");
}

Test(arguments, what_follows_the_program_of_run_belongs_to_it) {
        cr_assert_eq(parse("thoxctl run --memory 16M bot --json -- -x"), 0);
        cr_expect_eq(inv.memory_bytes, 16 << 20);
        cr_expect_not(inv.output.is_json);
        cr_assert_eq(inv.n_args, 4);
        cr_expect_str_eq(inv.args[1], "--json");
        cr_expect_str_eq(inv.args[2], "--");
        cr_expect_str_eq(inv.args[3], "-x");
}

Test(arguments, a_negative_number_may_be_an_argument_of_call) {
        cr_assert_eq(parse("thoxctl --json call f -5"), 0);
        cr_expect(inv.output.is_json);
        cr_assert_eq(inv.n_args, 2);
        cr_expect_str_eq(inv.args[1], "-5");
}

Test(arguments, two_dashes_end_the_flags) {
        cr_assert_eq(parse("thoxctl kill -- --now"), 0);
        cr_assert_eq(inv.n_args, 1);
        cr_expect_str_eq(inv.args[0], "--now");
        cr_expect_not(inv.is_now);
}

Test(arguments, a_flag_of_the_verb_hides_a_general_one) {
        cr_assert_eq(parse("thoxctl get program bot --version 3"), 0);
        cr_expect_eq(inv.version, 3);
        cr_expect_not(inv.wants_version);
        cr_assert_eq(parse("thoxctl ps --version"), 0);
        cr_expect(inv.wants_version);
}

Test(arguments, units_are_understood) {
        cr_assert_eq(parse("thoxctl --timeout 250ms run --quantum 0 x"), 0);
        cr_expect_eq(inv.timeout_us, 250000);
        cr_expect_eq(inv.quantum_us, 0);
}

Test(arguments, what_was_not_given_is_unset) {
        cr_assert_eq(parse("thoxctl ps"), 0);
        cr_expect_eq(inv.quantum_us, INVOCATION_UNSET);
        cr_expect_eq(inv.expect, INVOCATION_UNSET);
        cr_expect_eq(inv.version, INVOCATION_UNSET);
        cr_expect_eq(inv.wants_system, -1);
}

Test(arguments, mistakes_are_explained) {
        static const struct {
                const char *line, *said;
        } MISTAKES[] = {
                { "thoxctl pss", "did you mean 'ps'?" },
                { "thoxctl shutdwon", "did you mean 'shutdown'?" },
                { "thoxctl stat", "did you mean 'status'?" },
                { "thoxctl frobnicate", "there is no verb 'frobnicate'" },
                { "thoxctl ps --jsno", "did you mean '--json'?" },
                { "thoxctl ps --expect 3", "there is no flag '--expect'" },
                { "thoxctl ps --dir", "'--dir' needs a value: DIR" },
                { "thoxctl ps --json=1", "'--json' takes no value" },
                { "thoxctl ps -z", "there is no flag '-z'" },
                { "thoxctl run --memory much x", "'much' is no value for --memory" },
                { "thoxctl run --restart often x", "never, on-failure or always" },
                { "thoxctl logs -n some", "'some' is no value for --lines" },
                { "thoxctl --color red ps", "auto, always or never" },
                { "thoxctl kill", "'kill' needs more: thoxctl kill NAME|PID..." },
                { "thoxctl ps x", "'x' is too much for 'ps'" },
        };

        for (size_t i = 0; i < ARRAY_SIZE(MISTAKES); i++) {
                cr_expect_eq(parse(MISTAKES[i].line), EXIT_CODE_USAGE, "%s", MISTAKES[i].line);
                cr_expect(said && strstr(said, MISTAKES[i].said), "%s says: %s", MISTAKES[i].line,
                          said);
                cr_expect(said && strstr(said, "code: usage"), "%s says: %s", MISTAKES[i].line,
                          said);
        }
}

Test(arguments, every_verb_is_complete) {
        const struct flag *flags[32];

        for (size_t i = 0; COMMANDS[i]; i++) {
                const struct command *c = COMMANDS[i];

                cr_expect(c->run && c->usage && c->summary, "%s", c->name);
                cr_expect(c->examples[0] && c->examples[1], "%s has two examples", c->name);
                cr_expect(c->min_args <= c->max_args, "%s", c->name);
                size_t n = flag_list(c, flags, ARRAY_SIZE(flags));
                for (size_t k = 0; k < n; k++)
                        cr_assert(flags[k], "%s names an unknown flag", c->name);
        }
}
