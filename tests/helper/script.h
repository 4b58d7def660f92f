/*
 * script.h - a tree that a test plays: a listening socket, and a child process that accepts one
 * client and goes through a script of what it expects and says. A script that meets something else
 * exits with the number of its line, which script_end shows.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include "libipc/conn.h"
#include "libipc/status.h"

#define SCRIPT_GENERATION 9u
#define SCRIPT_PID 17u

/* In the child: 1 … 255, so that 0 stays success. */
#define CHECK(condition)                                                                           \
        do {                                                                                       \
                if (!(condition))                                                                  \
                        _exit(__LINE__ % 255 + 1);                                                 \
        } while (0)

/* Of the test: a socket at script_path, which nobody accepts from. For .init and .fini. */
extern char script_dir[], script_path[];
extern int script_listener;
void script_open(void);
void script_close(void);

/* Forks the peer; the test connects afterwards. */
void script_start(void (*script)(void));
/* After the client has gone: how did the peer end? Assertions in .fini do not count. */
void script_end(void);

/* In the child, for scripts. */
extern struct conn peer_conn;
extern struct wire_frame *peer_frame; /* what peer_expect met */

void peer_wait(void);
void peer_flush(void);
void peer_expect(wire_kind kind);
void peer_send(const Thox__Frame *message);
void peer_answer(uint32_t seq, enum thox_status status, const void *bytes, size_t len, bool more);
/* To "write" in context 4, by process 11, uid 1000. */
void peer_call(uint64_t cid, uint32_t flags, bool more, const void *values, size_t len);
void peer_cancel(uint64_t cid);
void peer_hangup(uint32_t handle);
void peer_reply(uint32_t seq, enum thox_status status, uint32_t handle);
/* Expects the Hello of "tester". */
void peer_welcome(void);
/* Until the client has gone. */
void peer_finish(void);
