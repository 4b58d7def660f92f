/*
 * help.c - overview, verb pages and codes, as text and as JSON; see help.h.
 *
 * `thoxctl help --json` is also what tests/lint/docs.py compares the man page and the completion
 * with.
 */
#include "thoxctl/help.h"

#include <assert.h>
#include <string.h>

#include "libipc/status.h"
#include "thoxctl/flag.h"
#include "thoxctl/tree.h"
#include "thoxctl/verbs.h"

#define FLAGS_MAX 32

static const char *const GROUP_NAMES[] = {
        [COMMAND_GROUP_EVERYDAY] = "everyday",
        [COMMAND_GROUP_STORES] = "stores",
        [COMMAND_GROUP_BUS] = "bus",
        [COMMAND_GROUP_ADMIN] = "admin",
};
static_assert(ARRAY_SIZE(GROUP_NAMES) == _COMMAND_GROUP_N, "one name a group");

/* Codes of errors that are no statuses: thoxctl's own, and how a program ended. */
static const struct topic {
        const char *code, *text;
} TOPICS[] = {
        { "usage", "the command line is wrong; nothing was asked of the tree" },
        { "unreachable", "no tree answers on the control socket" },
        { "system", "the operating system refused something to thoxctl itself" },
        { "damaged", "the store is damaged, and a backup is to be restored" },
        { "interrupted", "a signal ended thoxctl, which ended the program it ran" },
        { "exit", "the program ended by itself" },
        { "error", "a Lua error that nobody caught ended the program, or answered the call" },
        { "killed", "somebody ended the program: thoxctl kill, os.kill, or the tree's shutdown" },
        { "memory", "the program's Lua heap reached its limit (run --memory)" },
        { "signal", "a signal that the tree did not send ended the program's process" },
        { "protocol", "the process sent something malformed and was removed" },
        { "runtime", "the runtime's set-up failed; the program itself never started" },
        { "cpu", "a task used more CPU time in one turn than the property cpu_turn allows" },
        { "hung", "the process stopped reading its messages and was removed" },
};

/* What to do about a status, where that is known without knowing more. */
static const char *const ADVICE[_STATUS_N] = {
        [STATUS_ERROR] = "the message has the program's file and line; 'thoxctl logs' has more",
        [STATUS_NOTBOUND] = "'thoxctl services' lists the names that can be called",
        [STATUS_DENIED] =
                "the owner of the context may allow it: 'thoxctl handles' names the owner;\n"
                "a program of 'thoxctl run' may more with --admin",
        [STATUS_BADARGS] = "'thoxctl describe NAME' shows how the endpoint is called",
        [STATUS_BUSY] = "'thoxctl calls' lists what waits, 'thoxctl describe NAME' the limit",
        [STATUS_DEAD] = "what was asked may have been done or not: look before you try again;\n"
                        "'thoxctl logs' says how it ended",
        [STATUS_TIMEOUT] = "give it longer with --timeout; 'thoxctl calls' lists what waits",
        [STATUS_NOTFOUND] =
                "'thoxctl get program' lists the programs, and so on; 'thoxctl versions' the\n"
                "versions of one",
        [STATUS_CONFLICT] = "get the object again, see what changed, then decide",
        [STATUS_NOPROC] = "'thoxctl ps' lists the processes",
        [STATUS_UNAVAIL] = "'thoxctl status' shows the daemons, 'thoxctl logs' what became of them",
};

static const char *group_title(enum command_group group) {
        return GROUP_NAMES[group];
}

static void show_flag(const struct output *o, const struct flag *f) {
        char left[40];

        snprintf(left, sizeof(left), "%s%c%s--%s%s%s", f->letter ? "-" : "   ",
                 f->letter ? f->letter : ' ', f->letter ? ", " : "", f->name, f->value ? " " : "",
                 f->value ? f->value : "");
        fprintf(o->out, "  %-22s %s\n", left, f->summary);
}

static void show_flags(const struct output *o, const struct command *command, bool is_global) {
        const struct flag *flags[FLAGS_MAX];
        size_t n = flag_list(command, flags, FLAGS_MAX);

        for (size_t i = 0; i < n; i++)
                if (flags[i]->is_global == is_global)
                        show_flag(o, flags[i]);
}

static json_t *flags_json(const struct command *command, bool is_global) {
        const struct flag *flags[FLAGS_MAX];
        size_t n = flag_list(command, flags, FLAGS_MAX);
        json_t *array = json_array();

        for (size_t i = 0; i < n; i++) {
                json_t *flag;

                if (flags[i]->is_global != is_global)
                        continue;
                flag = json_pack("{s:s, s:s*, s:s}", "name", flags[i]->name, "value",
                                 flags[i]->value, "summary", flags[i]->summary);
                if (flags[i]->letter)
                        json_object_set_new(flag, "letter", json_stringn(&flags[i]->letter, 1));
                json_array_append_new(array, flag);
        }
        return array;
}

static json_t *words_json(const char *const *words, size_t max) {
        json_t *array = json_array();

        for (size_t i = 0; i < max && words[i]; i++)
                json_array_append_new(array, json_string(words[i]));
        return array;
}

static json_t *verb_json(const struct command *c) {
        return json_pack("{s:s, s:o, s:s, s:s, s:s, s:o, s:o}", "name", c->name, "aliases",
                         words_json(c->aliases, ARRAY_SIZE(c->aliases)), "group",
                         group_title(c->group), "usage", c->usage, "summary", c->summary, "flags",
                         flags_json(c, false), "examples",
                         words_json(c->examples, ARRAY_SIZE(c->examples)));
}

static json_t *codes_json(void) {
        json_t *codes = json_array();

        for (uint32_t status = 1; status < _STATUS_N; status++)
                json_array_append_new(codes, json_string(tree_status_code(status)));
        for (size_t i = 0; i < ARRAY_SIZE(TOPICS); i++)
                if (strcmp(TOPICS[i].code, "error") != 0) /* a status as well */
                        json_array_append_new(codes, json_string(TOPICS[i].code));
        return codes;
}

static void show_overview_json(const struct output *o) {
        json_t *verbs = json_array();

        for (size_t i = 0; COMMANDS[i]; i++)
                json_array_append_new(verbs, verb_json(COMMANDS[i]));
        output_document_take(o, "thox.help/1",
                             json_pack("{s:o, s:o, s:o}", "verbs", verbs, "flags",
                                       flags_json(NULL, true), "codes", codes_json()));
}

void help_show_overview(const struct output *o) {
        if (o->is_json) {
                show_overview_json(o);
                return;
        }
        fputs("thoxctl: runs and looks after the programs of a thox tree\n\n"
              "usage: thoxctl VERB [ARGUMENTS] [FLAGS]\n",
              o->out);
        for (enum command_group group = 0; group < _COMMAND_GROUP_N; group++) {
                fprintf(o->out, "\n%s\n", group_title(group));
                for (size_t i = 0; COMMANDS[i]; i++)
                        if (COMMANDS[i]->group == group)
                                fprintf(o->out, "  %-10s %s\n", COMMANDS[i]->name,
                                        COMMANDS[i]->summary);
        }
        fputs("\nflags of every verb\n", o->out);
        show_flags(o, NULL, true);
        fputs("\nexamples\n"
              "  thoxctl run hello.lua        run a file, its output here\n"
              "  thoxctl help denied          what an error's code means\n"
              "\nThe whole story: man thoxctl\n",
              o->out);
}

void help_show_verb(const struct output *o, const struct command *c) {
        if (o->is_json) {
                output_document_take(o, "thox.help/1", json_pack("{s:o}", "verb", verb_json(c)));
                return;
        }
        fprintf(o->out, "thoxctl %s: %s\n\nusage: thoxctl %s ", c->name, c->summary, c->name);
        if (c->passes_flags)
                fprintf(o->out, "[FLAGS] %s\n", c->usage);
        else
                fprintf(o->out, "%s%s[FLAGS]\n", c->usage, *c->usage ? " " : "");
        if (c->aliases[0])
                fprintf(o->out, "also:  %s%s%s\n", c->aliases[0], c->aliases[1] ? ", " : "",
                        c->aliases[1] ? c->aliases[1] : "");
        if (c->details)
                fprintf(o->out, "\n%s\n", c->details);
        if (c->flags[0]) {
                fputs("\nflags\n", o->out);
                show_flags(o, c, false);
        }
        fputs("\nflags of every verb\n", o->out);
        show_flags(o, c, true);
        fprintf(o->out, "\nexamples\n  %s\n  %s\n", c->examples[0], c->examples[1]);
}

static void show_code(const struct output *o,
                      const char *code,
                      const char *text,
                      const char *advice,
                      int exit_code) {
        if (o->is_json) {
                output_document_take(o, "thox.help/1",
                                     json_pack("{s:{s:s, s:s, s:s*, s:i}}", "code", "name", code,
                                               "text", text, "advice", advice, "exit", exit_code));
                return;
        }
        fprintf(o->out, "%s: %s\n", code, text);
        if (advice)
                fprintf(o->out, "%s\n", advice);
        fprintf(o->out, "exit code of thoxctl: %d\n", exit_code);
}

static int topic_exit_code(const char *code) {
        if (strcmp(code, "usage") == 0)
                return EXIT_CODE_USAGE;
        if (strcmp(code, "unreachable") == 0)
                return EXIT_CODE_UNREACHABLE;
        if (strcmp(code, "interrupted") == 0)
                return EXIT_CODE_SIGNAL + 2;
        return strcmp(code, "exit") == 0 ? EXIT_CODE_OK : EXIT_CODE_FAILED;
}

static int show_topic(const struct invocation *inv, const char *typed) {
        const struct command *command = command_find(typed);
        const char *words[64];
        size_t n = 0;

        if (command) {
                help_show_verb(&inv->output, command);
                return EXIT_CODE_OK;
        }
        for (size_t i = 0; i < ARRAY_SIZE(TOPICS); i++)
                if (strcmp(TOPICS[i].code, typed) == 0) {
                        show_code(&inv->output, typed, TOPICS[i].text, NULL,
                                  topic_exit_code(typed));
                        return EXIT_CODE_OK;
                }
        for (uint32_t status = 0; status < _STATUS_N; status++)
                if (strcasecmp(status_name(status), typed) == 0) {
                        show_code(&inv->output, typed, status_text(status), ADVICE[status],
                                  status_exit_code(status));
                        return EXIT_CODE_OK;
                }
        for (size_t i = 0; COMMANDS[i]; i++)
                words[n++] = COMMANDS[i]->name;
        words[n] = NULL;
        return command_unknown_word(inv, "verb or code", typed, words);
}

static int run_help(struct invocation *inv) {
        if (inv->n_args > 0)
                return show_topic(inv, inv->args[0]);
        help_show_overview(&inv->output);
        return EXIT_CODE_OK;
}

const struct command VERB_HELP = {
        .name = "help",
        .group = COMMAND_GROUP_ADMIN,
        .usage = "[VERB|CODE]",
        .summary = "explain a verb, or the code of an error",
        .examples = { "thoxctl help run", "thoxctl help denied" },
        .max_args = 1,
        .run = run_help,
};
