/*
 * program.h - a program that this thoxctl starts with its terminal as the console: what it is, what it
 * may call, and how its death is told.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "libipc/base/buf.h"
#include "libipc/client.h"
#include "thoxctl/command.h"
#include "thoxctl/console.h"
#include "thoxctl/data_object.h"

struct program {
        struct invocation *inv;
        const char *what; /* as typed: a stored program, or the file that `source` is from */
        char name[128];   /* of the process */
        char **args;
        size_t n_args;
        bool is_code;
        struct buf source; /* when is_code */
        struct console console;
        uint32_t ctx; /* handle of its context 0 */
        struct data_object data;
        uint32_t pid;
};

/* Its console, to be released also after a failure, its context, by inv->is_admin, and its data. 0 or an exit code
 * after the failure was reported. */
int program_prepare(struct program *p);
/* The same result. From here on p->pid is its pid. */
int program_start(struct program *p);
/* Asks the tree to end it; an Exited event tells that it has. 0 or -errno. */
int program_kill(const struct program *p);
/* Reports an end that was not its own; returns the exit code. */
int program_report_death(const struct program *p, const struct client_event *exited);
