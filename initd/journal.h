/*
 * journal.h - the newest log lines of the tree's programs, kept in memory up to
 * LIMIT_LOG_RING_BYTES for `thoxctl logs`. Each line also goes to stderr.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "libipc/base/list.h"
#include "libipc/base/log.h"

struct journal_line {
        struct list link;
        uint64_t wall_us;
        uint32_t pid;
        enum log_level level;
        const char *name;
        const char *text;
        size_t name_len, text_len;
        char bytes[]; /* name, then text */
};

struct journal {
        struct list lines; /* oldest first */
        size_t n_bytes;
};

void journal_init(struct journal *j);
void journal_deinit(struct journal *j);

/* Text is cut to LIMIT_LOG_LINE_BYTES. Without memory the line is on stderr only. */
void journal_add(struct journal *j,
                 uint32_t pid,
                 const char *name,
                 enum log_level level,
                 const void *text,
                 size_t len);
