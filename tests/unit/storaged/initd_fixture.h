/*
 * initd_fixture.h - plays initd, and runtimed behind it, for a storaged in the same process: both ends
 * of a socket pair are turned in one loop, so nothing ever waits.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "libipc/base/buf.h"
#include "libipc/conn.h"
#include "libipc/status.h"
#include "storaged/storaged.h"
#include "tests/unit/storaged/store_fixture.h"

#define NATIVE 1u
#define ANY STORE_VERSION_ANY
#define NONE INT64_MIN /* leave the argument out */

struct answer {
        bool has_arrived;
        uint32_t status;
        struct buf values;
        uint32_t handle; /* of the cap that came with it, 0: none */
};

struct initd {
        struct storaged *storaged;
        struct conn conn;
        struct conn_scratch scratch;
        struct answer answers[128]; /* by seq of the call */
        uint32_t n_calls, n_bound, n_checks, n_contexts, n_closed;
        enum thox_status check; /* runtimed's verdict on all but "syntax error" */
        bool holds_checks;      /* runtimed keeps the calls instead of answering */
        bool refuses_contexts;
        uint32_t held[8], n_held; /* seqs of code.check */
};

extern struct initd initd;

/* Over the directories of store_fixture, whose own disk is closed. */
void initd_set_up(void);
void initd_tear_down(void);
/* storaged dies and comes back. */
void initd_restart(void);

/* One call; its number. initd_turn delivers it. */
uint32_t send_call(uint32_t handle, const char *name, const struct buf *values);
void send_cancel(uint32_t call);
void send_closed(uint32_t handle, uint32_t pid);
void send_opened(uint32_t handle, uint32_t pid);
void release_checks(void);
/* Until nothing moves any more. */
void initd_turn(void);

/* Calls of a program kind: name, and content (NULL: nil), expect, note where not NONE or NULL. */
uint32_t send_set(uint32_t handle,
                  const char *endpoint,
                  const char *name,
                  const char *content,
                  int64_t expect,
                  const char *note);
uint32_t send_name(uint32_t handle, const char *endpoint, const char *name, int64_t version);

/* The answer has this status and its values print as `text` (value_print); `text` NULL: any. */
void expect_answer(uint32_t call, enum thox_status status, const char *text);
/* A refusal whose message contains `part`. */
void expect_failure(uint32_t call, enum thox_status status, const char *part);
