/*
 * journal.c - see journal.h.
 */
#include "initd/journal.h"

#include <stdlib.h>
#include <string.h>

#include "libipc/base/clock.h"
#include "libipc/limits.h"

void journal_init(struct journal *j) {
        list_init(&j->lines);
        j->n_bytes = 0;
}

static size_t line_size(const struct journal_line *line) {
        return sizeof(*line) + line->name_len + line->text_len;
}

static void journal_drop_oldest(struct journal *j) {
        struct journal_line *oldest = container_of(j->lines.next, struct journal_line, link);
        list_remove(&oldest->link);
        j->n_bytes -= line_size(oldest);
        free(oldest);
}

void journal_deinit(struct journal *j) {
        while (!list_is_empty(&j->lines))
                journal_drop_oldest(j);
}

static void journal_keep(struct journal *j,
                         uint32_t pid,
                         const char *name,
                         enum log_level level,
                         const void *text,
                         size_t len) {
        size_t name_len = strlen(name);
        struct journal_line *line = malloc(sizeof(*line) + name_len + len);
        if (!line)
                return;

        *line = (struct journal_line){
                .wall_us = clock_wall_us(),
                .pid = pid,
                .level = level,
                .name = line->bytes,
                .name_len = name_len,
                .text = line->bytes + name_len,
                .text_len = len,
        };
        memcpy(line->bytes, name, name_len);
        memcpy(line->bytes + name_len, text, len);
        list_add_tail(&j->lines, &line->link);
        j->n_bytes += line_size(line);
        while (j->n_bytes > LIMIT_LOG_RING_BYTES)
                journal_drop_oldest(j);
}

void journal_add(struct journal *j,
                 uint32_t pid,
                 const char *name,
                 enum log_level level,
                 const void *text,
                 size_t len) {
        if (len > LIMIT_LOG_LINE_BYTES)
                len = LIMIT_LOG_LINE_BYTES;
        if (log_wants(level))
                log_write(level, "%s pid=%u name=%s", log_quote(text, len), pid,
                          log_quote(name, strlen(name)));
        journal_keep(j, pid, name, level, text, len);
}
