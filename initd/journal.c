/*
 * journal.c - see journal.h.
 */
#include "initd/journal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "initd/context.h"
#include "initd/queue.h"
#include "initd/record.h"
#include "initd/router.h"
#include "libipc/base/clock.h"
#include "libipc/limits.h"
#include "libipc/name.h"

void journal_init(struct journal *j, struct router *router) {
        *j = (struct journal){ .router = router, .journald.fd = -1 };
        if (log_is_journal())
                journald_init(&j->journald, JOURNALD_SOCKET);
        list_init(&j->lines);
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
        journald_deinit(&j->journald);
}

void journal_record(const struct journal_line *line, struct record *out) {
        record_map(out);
        record_integer(out, "seq", line->seq);
        record_float(out, "time", (double)line->wall_us / 1e6);
        record_integer(out, "pid", line->pid);
        record_bytes(out, "name", line->name, line->name_len);
        record_text(out, "level", log_level_name(line->level));
        record_bytes(out, "text", line->text, line->text_len);
        record_end(out);
}

/* Looks back on no more than this, lines of others included. */
#define JOURNAL_TAIL_REACH 1024u

void journal_record_tail(const struct journal *j, uint32_t pid, struct record *out) {
        const struct journal_line *found[LIMIT_REPORT_LINES];
        const struct list *at = j->lines.prev;
        size_t n = 0;
        for (unsigned i = 0; i < JOURNAL_TAIL_REACH && at != &j->lines; i++, at = at->prev) {
                const struct journal_line *line = container_of(at, struct journal_line, link);
                if (line->pid == pid && n < LIMIT_REPORT_LINES)
                        found[n++] = line;
        }
        record_key(out, "log");
        record_array(out, n);
        while (n-- > 0) {
                size_t len = found[n]->text_len;
                record_item(out, found[n]->text,
                            len < LIMIT_REPORT_LINE_BYTES ? len : LIMIT_REPORT_LINE_BYTES);
        }
}

/* Without memory nobody hears of it. */
static void journal_publish(const struct journal *j, const struct journal_line *line) {
        struct queue *q =
                j->router ? queue_find(j->router->native, JOURNAL_QUEUE, strlen(JOURNAL_QUEUE)) :
                            NULL;
        struct record out;
        if (!q)
                return;
        record_init(&out);
        journal_record(line, &out);
        ProtobufCBinaryData key = name_is_valid(line->name, line->name_len) ?
                                          wire_bytes(line->name, line->name_len) :
                                          wire_bytes(NULL, 0);
        if (out.error == 0)
                queue_publish(q, &key, 1, &out.values);
        record_answer(&out, NULL);
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
                .seq = ++j->last_seq,
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
        journal_publish(j, line);
        while (j->n_bytes > LIMIT_LOG_RING_BYTES)
                journal_drop_oldest(j);
}

static void journal_write(struct journal *j,
                          uint32_t pid,
                          const char *name,
                          enum log_level level,
                          const void *text,
                          size_t len) {
        if (len > LIMIT_LOG_LINE_BYTES)
                len = LIMIT_LOG_LINE_BYTES;
        if (j->journald.fd >= 0 && log_wants(level))
                journald_send(&j->journald, level, pid, name, text, len);
        else if (log_wants(level))
                log_write(level, "%s pid=%u name=%s", log_quote(text, len), pid,
                          log_quote(name, strlen(name)));
        journal_keep(j, pid, name, level, text, len);
}

static void journal_say(struct journal *j, uint32_t pid, const char *name, const char *text) {
        journal_write(j, pid, name, LOG_LEVEL_WARNING, text, strlen(text));
}

void journal_settle(struct journal *j,
                    struct journal_ration *ration,
                    uint32_t pid,
                    const char *name) {
        char text[80];
        if (ration->n_dropped == 0)
                return;
        snprintf(text, sizeof(text), "%" PRIu64 " lines of its family were dropped",
                 ration->n_dropped);
        ration->n_dropped = 0;
        journal_say(j, pid, name, text);
}

bool journal_admits(struct journal *j,
                    struct journal_ration *ration,
                    uint32_t pid,
                    const char *name) {
        uint64_t now_us = clock_now_us();
        char text[160];
        if (ration->n_lines == 0 || now_us - ration->since_us >= LIMIT_LOG_INTERVAL_US) {
                journal_settle(j, ration, pid, name);
                *ration = (struct journal_ration){ .since_us = now_us };
        }
        if (ration->n_lines < LIMIT_LOG_LINES) {
                ration->n_lines++;
                return true;
        }
        if (ration->n_dropped++ == 0) {
                snprintf(text, sizeof(text),
                         "its family writes more than %u lines in %u s (LIMIT_LOG_LINES): what "
                         "follows is dropped",
                         LIMIT_LOG_LINES, LIMIT_LOG_INTERVAL_US / (unsigned)CLOCK_S_US);
                journal_say(j, pid, name, text);
        }
        return false;
}

void journal_add(struct journal *j,
                 struct journal_ration *ration,
                 uint32_t pid,
                 const char *name,
                 enum log_level level,
                 const void *text,
                 size_t len) {
        if (!ration || journal_admits(j, ration, pid, name))
                journal_write(j, pid, name, level, text, len);
}
