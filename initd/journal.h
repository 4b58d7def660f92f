/*
 * journal.h - the newest log lines of the tree's programs, kept in memory up to
 * LIMIT_LOG_RING_BYTES for `thoxctl logs`. Each line also goes to stderr or to systemd's journal, and
 * to whoever listens to the queue `journal` of the native context.
 *
 * Lines are rationed (as systemd-journald does): of those who share a ration LIMIT_LOG_LINES are taken
 * within LIMIT_LOG_INTERVAL_US. What follows is dropped and counted: a line says so when it begins, and
 * how many they were when it is over.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "initd/journald.h"
#include "libipc/base/list.h"
#include "libipc/base/log.h"

struct journal_line {
        struct list link;
        uint64_t wall_us;
        uint64_t seq; /* from 1 */
        uint32_t pid;
        enum log_level level;
        const char *name;
        const char *text;
        size_t name_len, text_len;
        char bytes[]; /* name, then text */
};

/* Zeroed at first. */
struct journal_ration {
        uint64_t since_us; /* the interval */
        uint32_t n_lines;
        uint64_t n_dropped;
};

struct context;
struct record;
struct router;

/* Listened to by uid 0 alone, and pushed to by nobody; the key is the program's name. */
#define JOURNAL_QUEUE "journal"

struct journal {
        struct router *router;    /* NULL: nobody listens */
        struct journald journald; /* systemd's, if stderr goes there */
        struct list lines;        /* oldest first */
        size_t n_bytes;
        uint64_t last_seq;
};

void journal_init(struct journal *j, struct router *router);
void journal_deinit(struct journal *j);

/* A line as a value: {seq=, time=, pid=, name=, level=, text=}. */
void journal_record(const struct journal_line *line, struct record *out);

/* The member "log": the texts of the newest lines of `pid`, oldest first; at most LIMIT_REPORT_LINES. */
void journal_record_tail(const struct journal *j, uint32_t pid, struct record *out);

/* Whether one more line is taken; says it otherwise when it is the first that is not. */
bool journal_admits(struct journal *j,
                    struct journal_ration *ration,
                    uint32_t pid,
                    const char *name);
/* Says how many lines were dropped, if any were. */
void journal_settle(struct journal *j,
                    struct journal_ration *ration,
                    uint32_t pid,
                    const char *name);

/* Text is cut to LIMIT_LOG_LINE_BYTES. Without memory the line is on stderr only. `ration` NULL: not
 * rationed. */
void journal_add(struct journal *j,
                 struct journal_ration *ration,
                 uint32_t pid,
                 const char *name,
                 enum log_level level,
                 const void *text,
                 size_t len);
