/*
 * console.h - the terminal of a program that thoxctl runs: a context with write(bytes),
 * read_line() -> bytes or nil and size() -> columns, rows (docs/PROTOCOL.md, "Console").
 *
 * Nothing here blocks. Writes are answered when stdout has taken them, so a slow reader slows the
 * program down and nobody else; standard input is read only while the program asks for a line.
 * Signals arrive here too, so that one descriptor tells of everything that is not the tree.
 */
#pragma once

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "libipc/base/buf.h"
#include "libipc/base/list.h"
#include "libipc/client.h"

struct console {
        struct client *client; /* borrowed */
        uint32_t handle;       /* of the context, to be given to the program */
        int in_fd, out_fd;     /* standard input and output; borrowed */
        int ready_fd;          /* readable when console_on_ready has something to do */
        int signal_fd;
        sigset_t old_mask;
        bool watches_in, watches_out;
        bool holds_input;          /* lines are for somebody else than the program */
        bool is_at_end;            /* of standard input, as console_take_input found */
        struct list writes, reads; /* struct console_request, oldest first */
        struct buf input;          /* read and not yet asked for */
        int write_error; /* errno of the first failed write; nothing is written after it */
        int signal;      /* SIGINT, SIGTERM or SIGHUP arrived; cleared by whoever acts */
};

/* Makes the context. 0, -errno, or a positive status of the tree. Release with console_deinit, also
 * after a failure. */
int console_init(struct console *c, struct client *client, int in_fd, int out_fd);
void console_deinit(struct console *c);

/* A Call or Cancel event. 0, or what client_answer says. */
int console_on_event(struct console *c, const struct client_event *event);
/* After ready_fd became readable; harmless at any other time. Same result. */
int console_on_ready(struct console *c);
/* For whoever takes lines beside the program: while held, the program gets none. Each of them has read
 * all that came before what the other one gets. */
void console_hold_input(struct console *c, bool holds);
/* Whether console_take_input would find something, or the end. */
bool console_has_input(const struct console *c);
void console_take_input(struct console *c);
/* Adds the next line, without its newline, to `line`; false: it has not come yet. */
bool console_take_line(struct console *c, struct buf *line);
/* The program is gone: hands what it wrote to stdout, however long that takes, unless a signal
 * comes. */
void console_drain(struct console *c);
