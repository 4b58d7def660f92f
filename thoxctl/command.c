/*
 * command.c - reads the command line with argp in two passes: flags before the verb, then the rest
 * with the verb's own flags. See command.h.
 *
 * argp finds flags and values; what it would print and exit with is said here, in the style of
 * fail.h.
 */
#include "thoxctl/command.h"

#include <argp.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "thoxctl/flag.h"

#define FLAGS_MAX 32
#define WORDS_MAX 64
#define KEY_LONG_ONLY 256 /* plus the flag's place in the list */

struct parse {
        struct invocation *inv;
        const struct flag *flags[FLAGS_MAX];
        struct argp_option options[FLAGS_MAX + 1];
        size_t n_flags;
        int verb_at;    /* index in argv, once found; 0 in the first pass until then */
        int stopped_at; /* what argp could not read */
        int exit_code;  /* of a mistake already reported */
};

void invocation_init(struct invocation *inv) {
        *inv = (struct invocation){
                .wants_system = -1,
                .quantum_us = INVOCATION_UNSET,
                .priority = INVOCATION_UNSET,
                .version = INVOCATION_UNSET,
                .expect = INVOCATION_UNSET,
                .ttl_us = INVOCATION_UNSET,
                .from = INVOCATION_UNSET,
                .max_bytes = INVOCATION_UNSET,
                .max_keys = INVOCATION_UNSET,
                .n_lines = INVOCATION_UNSET,
                .n_count = INVOCATION_UNSET,
                .delay_us = INVOCATION_UNSET,
        };
        output_init(&inv->output, COLOR_AUTO);
}

static bool command_is_called(const struct command *c, const char *name) {
        for (size_t i = 0; i < ARRAY_SIZE(c->aliases) && c->aliases[i]; i++)
                if (strcmp(c->aliases[i], name) == 0)
                        return true;
        return strcmp(c->name, name) == 0;
}

const struct command *command_find(const char *name) {
        for (size_t i = 0; COMMANDS[i]; i++)
                if (command_is_called(COMMANDS[i], name))
                        return COMMANDS[i];
        return NULL;
}

static size_t smallest(size_t a, size_t b, size_t c) {
        if (b < a)
                a = b;
        return c < a ? c : a;
}

/* Insertions, deletions and replacements that lead from a to b, row by row. */
static size_t distance(const char *a, const char *b) {
        size_t row[WORDS_MAX], len = strlen(b);

        if (len >= ARRAY_SIZE(row))
                return len;
        for (size_t j = 0; j <= len; j++)
                row[j] = j;
        for (; *a; a++) {
                size_t diagonal = row[0]++;

                for (size_t j = 1; j <= len; j++) {
                        size_t above = row[j];

                        row[j] = smallest(above + 1, row[j - 1] + 1, diagonal + (*a != b[j - 1]));
                        diagonal = above;
                }
        }
        return row[len];
}

/* A word that goes on where `typed` stops, else the one with the fewest wrong letters: at most a
 * third of them, or one. */
static const char *nearest_word(const char *typed, const char *const *words) {
        size_t best = strlen(typed) / 3 + 1;
        const char *nearest = NULL;

        if (best < 2)
                best = 2;
        for (; *words; words++) {
                bool is_begun = typed[0] && typed[1] && strncmp(typed, *words, strlen(typed)) == 0;
                size_t d = is_begun ? 0 : distance(typed, *words);

                if (d < best) {
                        best = d;
                        nearest = *words;
                }
        }
        return nearest;
}

static int misused(const struct invocation *inv, const char *why, const char *what) {
        char fix[64];

        snprintf(fix, sizeof(fix), "thoxctl %s", inv->command ? inv->command->name : "help");
        if (inv->command)
                strcat(fix, " --help");
        return fail(&inv->output,
                    (struct failure){
                            .exit_code = EXIT_CODE_USAGE, .code = "usage", .why = why, .fix = fix },
                    "%s", what);
}

int command_misused(const struct invocation *inv, const char *fmt, ...) {
        char what[512];
        va_list args;

        va_start(args, fmt);
        vsnprintf(what, sizeof(what), fmt, args);
        va_end(args);
        return misused(inv, NULL, what);
}

int command_unknown_word(const struct invocation *inv,
                         const char *kind,
                         const char *typed,
                         const char *const *words) {
        const char *nearest = nearest_word(typed, words);
        char what[256], why[128];

        snprintf(what, sizeof(what), "there is no %s '%s' in this version", kind, typed);
        if (nearest)
                snprintf(why, sizeof(why), "did you mean '%s'?", nearest);
        return misused(inv, nearest ? why : NULL, what);
}

bool command_confirmed(const struct invocation *inv, const char *fmt, ...) {
        char answer[16];
        va_list args;

        if (inv->is_sure || !isatty(STDIN_FILENO) || !isatty(STDERR_FILENO))
                return true;
        va_start(args, fmt);
        vfprintf(stderr, fmt, args);
        va_end(args);
        fputs(" [y/N] ", stderr);
        return fgets(answer, sizeof(answer), stdin) && (answer[0] == 'y' || answer[0] == 'Y');
}

static int unknown_verb(const struct invocation *inv, const char *typed) {
        const char *words[WORDS_MAX];
        size_t n = 0;

        for (size_t i = 0; COMMANDS[i]; i++) {
                const struct command *c = COMMANDS[i];

                words[n++] = c->name;
                for (size_t k = 0; k < ARRAY_SIZE(c->aliases) && c->aliases[k]; k++)
                        words[n++] = c->aliases[k];
        }
        words[n] = NULL;
        return command_unknown_word(inv, "verb", typed, words);
}

static bool flag_is_typed(const struct flag *flag, const char *typed, size_t len) {
        if (strncmp(typed, "--", 2) == 0)
                return strlen(flag->name) == len - 2 &&
                       strncmp(flag->name, typed + 2, len - 2) == 0;
        return flag->letter && typed[1] == flag->letter;
}

/* argp only says that something was wrong; the argument it stopped at says what. */
static int wrong_flag(const struct parse *p, const char *typed) {
        char names[FLAGS_MAX][32], flag[64];
        const char *words[FLAGS_MAX + 1];
        size_t len = strcspn(typed, "=");

        snprintf(flag, sizeof(flag), "%.*s", (int)len, typed);
        for (size_t i = 0; i < p->n_flags; i++) {
                const struct flag *f = p->flags[i];
                bool is_it = flag_is_typed(f, typed, len);

                if (is_it && f->value)
                        return command_misused(p->inv, "flag '%s' needs a value: %s", flag,
                                               f->value);
                if (is_it && typed[len] == '=')
                        return command_misused(p->inv, "flag '%s' takes no value", flag);
                snprintf(names[i], sizeof(names[i]), "--%s", f->name);
                words[i] = names[i];
        }
        words[p->n_flags] = NULL;
        return command_unknown_word(p->inv, "flag", flag, words);
}

static void on_argument(struct parse *p, struct argp_state *state) {
        struct invocation *inv = p->inv;

        if (!inv->command && p->verb_at == 0) {
                p->verb_at = state->next - 1;
                state->next = state->argc;
                return;
        }
        /* Compacts argv in place: an argument only ever moves down. */
        inv->args[inv->n_args++] = state->argv[state->next - 1];
        while (inv->command->passes_flags && state->next < state->argc)
                inv->args[inv->n_args++] = state->argv[state->next++];
}

static error_t on_key(int key, char *value, struct argp_state *state) {
        struct parse *p = state->input;

        if (key == ARGP_KEY_ARG) {
                on_argument(p, state);
                return 0;
        }
        if (key == ARGP_KEY_ERROR)
                p->stopped_at = state->next - 1;
        for (size_t i = 0; i < p->n_flags; i++)
                if (p->options[i].key == key) {
                        p->exit_code = flag_apply(p->inv, p->flags[i], value);
                        return p->exit_code == 0 ? 0 : EINVAL;
                }
        return ARGP_ERR_UNKNOWN;
}

/* One pass over argv; argv[0] is skipped. 0 or an exit code. */
static int parse_pass(struct parse *p, int argc, char **argv) {
        struct argp argp = { .options = p->options, .parser = on_key };

        p->n_flags = flag_list(p->inv->command, p->flags, FLAGS_MAX);
        for (size_t i = 0; i < p->n_flags; i++)
                p->options[i] = (struct argp_option){
                        .name = p->flags[i]->name,
                        .key = p->flags[i]->letter ? p->flags[i]->letter : KEY_LONG_ONLY + (int)i,
                        .arg = p->flags[i]->value,
                };
        p->options[p->n_flags] = (struct argp_option){ 0 };

        if (argp_parse(&argp, argc, argv, ARGP_SILENT | ARGP_IN_ORDER, NULL, p) == 0)
                return 0;
        if (p->exit_code != 0)
                return p->exit_code;
        return wrong_flag(p, argv[p->stopped_at]);
}

static int check_count(const struct invocation *inv) {
        const struct command *c = inv->command;

        if (inv->wants_help || inv->wants_version)
                return 0;
        if (inv->n_args < c->min_args)
                return command_misused(inv, "'%s' needs more: thoxctl %s %s", c->name, c->name,
                                       c->usage);
        if (inv->n_args > c->max_args)
                return command_misused(inv, "'%s' is too much for '%s'", inv->args[c->max_args],
                                       c->name);
        return 0;
}

int command_parse(struct invocation *inv, int argc, char **argv) {
        struct parse before = { .inv = inv }, after = { .inv = inv };
        int exit_code = parse_pass(&before, argc, argv);

        if (exit_code != 0 || before.verb_at == 0)
                return exit_code;
        inv->command = command_find(argv[before.verb_at]);
        if (!inv->command)
                return unknown_verb(inv, argv[before.verb_at]);
        inv->args = argv + before.verb_at;
        exit_code = parse_pass(&after, argc - before.verb_at, argv + before.verb_at);
        return exit_code != 0 ? exit_code : check_count(inv);
}
