/*
 * native_log.c - the endpoints `log` and `log.read`.
 */
#include <string.h>

#include "initd/initd.h"
#include "initd/native_table.h"
#include "initd/record.h"

#define LOG_READ_DEFAULT 100

/* Clients and daemons have none. */
static struct journal_ration *ration_of(const struct peer *caller) {
        const struct process *p = caller->role == PEER_ROLE_WORKER ? caller->userdata : NULL;
        return p ? family_ration(p->family) : NULL;
}

static void log_on_request(struct native_request *request) {
        struct initd *initd = request->router->userdata;
        const struct peer *caller = request->caller;
        const uint8_t *level_text, *text;
        size_t level_len, len;
        if (!value_get_bytes(&request->args, &level_text, &level_len) ||
            !value_get_bytes(&request->args, &text, &len) || !value_is_done(&request->args)) {
                native_refuse(request->call, STATUS_BADARGS, "log wants a level and a text");
                return;
        }

        int level = log_level_parse(level_text, level_len);
        if (level < 0) {
                native_refuse(request->call, STATUS_BADARGS,
                              "log: level is one of error, warning, info, debug");
                return;
        }
        journal_add(&initd->journal, ration_of(caller), caller->pid, caller->name,
                    (enum log_level)level, text, len);
        native_answer(request->call, NULL);
}

/* ---- log.read ------------------------------------------------------------------------------ */

struct log_filter {
        const uint8_t *name; /* NULL: any */
        size_t name_len;
        enum log_level level; /* the least urgent that is wanted */
        int64_t n;
};

static bool filter_parse_level(struct log_filter *f, struct value_reader *r) {
        const uint8_t *text;
        size_t len;
        int level = value_get_bytes(r, &text, &len) ? log_level_parse(text, len) : -1;
        if (level >= 0)
                f->level = (enum log_level)level;
        return level >= 0;
}

static bool filter_parse(struct log_filter *f, struct value_reader *r) {
        *f = (struct log_filter){ .n = LOG_READ_DEFAULT, .level = LOG_LEVEL_DEBUG };
        size_t n_pairs = 0;
        if (value_is_done(r))
                return true;
        if (!value_get_map(r, &n_pairs))
                return false;

        const bool is_open = n_pairs == VALUE_INDEFINITE;
        for (; n_pairs > 0; n_pairs--) {
                struct value v;
                const uint8_t *key;
                size_t len;
                if (!value_get_bytes(r, &key, &len))
                        return is_open && value_next(r, &v) == VALUE_OK && v.type == VALUE_END &&
                               value_is_done(r);
                if (len == 1 && key[0] == 'n') {
                        if (!value_get_integer(r, &f->n) || f->n < 0)
                                return false;
                } else if (len == 4 && memcmp(key, "name", 4) == 0) {
                        if (!value_get_bytes(r, &f->name, &f->name_len))
                                return false;
                } else if (len == 5 && memcmp(key, "level", 5) == 0) {
                        if (!filter_parse_level(f, r))
                                return false;
                } else {
                        return false;
                }
        }
        return value_is_done(r);
}

static bool filter_matches(const struct log_filter *f, const struct journal_line *line) {
        if (line->level > f->level)
                return false;
        return !f->name ||
               (f->name_len == line->name_len && memcmp(f->name, line->name, line->name_len) == 0);
}

static void log_read_on_request(struct native_request *request) {
        struct initd *initd = request->router->userdata;
        struct list *lines = &initd->journal.lines;
        struct log_filter filter;
        if (!filter_parse(&filter, &request->args)) {
                native_refuse(request->call, STATUS_BADARGS,
                              "log.read wants {name = string, n = number of lines, level = least "
                              "urgent}");
                return;
        }

        /* Back to the first line wanted, then forward. */
        struct list *at = lines;
        size_t n = 0;
        while (at->prev != lines && (int64_t)n < filter.n) {
                at = at->prev;
                n += filter_matches(&filter, container_of(at, struct journal_line, link));
        }

        struct record out;
        record_init(&out);
        record_array(&out, n);
        for (; at != lines; at = at->next) {
                const struct journal_line *line = container_of(at, struct journal_line, link);
                if (filter_matches(&filter, line))
                        journal_record(line, &out);
        }
        record_answer(&out, request->call);
}

const struct native_endpoint native_log_endpoints[] = {
        { .name = "log",
          .handler = log_on_request,
          .usage = "log(level, text)",
          .is_forwardable = true },
        { .name = "log.read",
          .handler = log_read_on_request,
          .usage = "log.read([{name=, n=, level=}])",
          .is_forwardable = true },
};
const size_t native_log_n_endpoints = ARRAY_SIZE(native_log_endpoints);
