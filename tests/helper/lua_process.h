/*
 * lua_process.h - a worker under test and a small router in initd's place: it serves `alarm`, `log`,
 * the console and `echo`, delivers the worker's calls to the worker's own bindings, and remembers how
 * the program ended. What it does not do (rights, limits) is initd's and tested there.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "libipc/conn.h"
#include "worker/worker.h"

#define LUA_PROCESS_PID 7u
#define LUA_PROCESS_GENERATION 70u
#define LUA_PROCESS_CONSOLE 9u /* the handle of os.contexts.console */
#define LUA_PROCESS_NAMES 64u
#define LUA_PROCESS_CALLS 4096u

struct lua_process_call {
        uint64_t cid, due_us; /* due: an alarm */
        bool is_open, is_alarm;
};

struct lua_process {
        struct conn conn;
        struct conn_scratch scratch;
        pid_t linux_pid; /* 0: made by somebody else */

        char output[1 << 16]; /* what print wrote, and "level: text" lines of the log */
        size_t output_len;
        bool has_exited;
        uint32_t status, reason;
        char message[LIMIT_EXIT_MESSAGE_BYTES + 1];

        struct lua_process_call calls[LUA_PROCESS_CALLS];
        size_t n_calls;
        struct {
                char name[LIMIT_NAME_BYTES + 1];
                uint32_t handle, sid;
        } names[LUA_PROCESS_NAMES];
        size_t n_names;
        uint32_t next_handle, next_sid;
        size_t n_calls_total, n_cancels;
        /* Called for each call before the router looks at it; true: it was handled. */
        bool (*on_call)(struct lua_process *p, struct wire_frame *f);
};

struct lua_process_options {
        uint64_t memory_bytes;
        uint32_t quantum_us;
        bool has_console, has_no_hooks;
        const char *runtime; /* source of a runtime to start with */
        const char *args;    /* Lua expression list, e.g. "1, 'a'" */
        bool (*on_call)(struct lua_process *p, struct wire_frame *f);
};

/* A worker that runs `source`, forked from this process. */
void lua_process_start(struct lua_process *p,
                       const char *source,
                       const struct lua_process_options *o);
/* The same on a socket whose other end a worker has. */
void lua_process_attach(struct lua_process *p,
                        int fd,
                        const char *source,
                        const struct lua_process_options *o);
/* Serves until it has sent Exit and is gone, or `timeout_us` is over (the test fails). */
void lua_process_run(struct lua_process *p, uint64_t timeout_us);
/* Serves until `is_true`. */
void lua_process_run_until(struct lua_process *p,
                           bool (*is_true)(struct lua_process *p),
                           uint64_t timeout_us);
void lua_process_stop(struct lua_process *p);
void lua_process_send(struct lua_process *p, const Thox__Frame *message);
void lua_process_answer(struct lua_process *p,
                        uint64_t cid,
                        uint32_t status,
                        const struct buf *values);

/* All of it: the program must end with status 0 and no message. */
void lua_check(const char *source);
void lua_check_with(const char *source, const struct lua_process_options *o);

/* Source to an image: a sealed memfd of `*ret_size` bytes. */
int lua_image(const char *name, const char *source, size_t *ret_size);
