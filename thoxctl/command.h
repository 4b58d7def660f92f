/*
 * command.h - the table of verbs, and what one invocation of thoxctl was told: its flags and
 * arguments.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "thoxctl/fail.h"
#include "thoxctl/output.h"

#define INVOCATION_UNSET UINT64_MAX

struct client;
struct command;

struct invocation {
        struct output output;
        struct client *client; /* NULL until tree_open; owned, released by main */
        const struct command *command;
        char **args; /* after the verb, without flags; borrowed from argv */
        size_t n_args;

        const char *socket, *dir;
        int wants_system;    /* -1: by the user's id */
        uint64_t timeout_us; /* 0: the verb's default */
        bool is_sure;        /* --yes */
        bool wants_help, wants_version;

        bool is_admin, is_traced; /* run */
        bool is_oneway;           /* call */
        const char *name, *runtime, *restart;
        uint64_t memory_bytes;
        uint64_t quantum_us, priority; /* INVOCATION_UNSET: not given */
        uint64_t version, expect;      /* stores; INVOCATION_UNSET: not given */
        const char *note;
        uint64_t ttl_us, from, max_bytes, max_keys; /* data; INVOCATION_UNSET: not given */
        const char *data;                           /* run */
        bool with_data;                             /* rollback */
        const char *key;                            /* push */
        const char *match;                          /* listen */
        uint64_t n_count;                           /* listen; INVOCATION_UNSET: no end */
        uint64_t n_lines;                           /* logs */
        uint64_t delay_us;                          /* top */
        bool is_now;                                /* kill, shutdown */
        bool is_family;                             /* kill */
        bool is_followed;                           /* logs */
        const char *level;                          /* logs */
        bool is_forced;                             /* backup */
        const char *libexec, *store;                /* without a tree */
};

enum command_group {
        COMMAND_GROUP_EVERYDAY,
        COMMAND_GROUP_STORES,
        COMMAND_GROUP_BUS,
        COMMAND_GROUP_ADMIN,
        _COMMAND_GROUP_N,
};

struct command {
        const char *name;
        const char *aliases[2];
        enum command_group group;
        const char *usage; /* arguments alone: "KIND NAME" */
        const char *summary;
        const char *details; /* sentences for --help, or NULL */
        const char *examples[2];
        const char *flags[12]; /* besides those of every verb (flag.h) */
        size_t min_args, max_args;
        bool passes_flags;    /* everything after the first argument is not ours */
        int unreachable_code; /* exit code without a tree; 0: EXIT_CODE_UNREACHABLE */
        /* Returns an exit code; whatever is not 0 has been reported. */
        int (*run)(struct invocation *inv);
};

extern const struct command *const COMMANDS[]; /* verbs.c; ends with NULL */

/* Flags unset, output ready for a first error. */
void invocation_init(struct invocation *inv);
/* Flags, verb, flags, arguments. 0, or an exit code after the mistake was reported. Without a verb
 * inv->command is NULL. */
int command_parse(struct invocation *inv, int argc, char **argv);
/* By name or alias. */
const struct command *command_find(const char *name);
/* Asks the user a question on the terminal. True also where nobody could answer, or with --yes. */
bool command_confirmed(const struct invocation *inv, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* Reports a mistake in how the verb was used. */
int command_misused(const struct invocation *inv, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* A word that is none of `words` (ends with NULL): reports it, with the nearest as advice. */
int command_unknown_word(const struct invocation *inv,
                         const char *kind,
                         const char *typed,
                         const char *const *words);
