/*
 * cmd_logs.c - logs: what the tree keeps of them, and what comes.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "libipc/base/log.h"
#include "thoxctl/feed.h"
#include "thoxctl/json.h"
#include "thoxctl/tree.h"
#include "thoxctl/verbs.h"

#define FOLLOWED_LINES 10u /* that are shown first */

struct logs {
        struct feed feed;
        enum log_level level; /* the least urgent that is shown */
        json_int_t last_seq;  /* of a line shown */
};

static int put_member(struct buf *args, const char *key, const char *text) {
        int r = text ? value_put_text(args, key) : 0;

        return r == 0 && text ? value_put_text(args, text) : r;
}

static uint64_t n_lines_wanted(const struct invocation *inv) {
        if (inv->n_lines != INVOCATION_UNSET)
                return inv->n_lines;
        return inv->is_followed ? FOLLOWED_LINES : INVOCATION_UNSET;
}

static int put_arguments(struct buf *args, const struct invocation *inv) {
        uint64_t n = n_lines_wanted(inv);
        int r = value_put_map(args, VALUE_INDEFINITE);

        if (r == 0)
                r = put_member(args, "name", inv->n_args > 0 ? inv->args[0] : NULL);
        if (r == 0)
                r = put_member(args, "level", inv->level);
        if (r == 0 && n != INVOCATION_UNSET) {
                r = value_put_text(args, "n");
                if (r == 0)
                        r = value_put_integer(args, (int64_t)n);
        }
        return r == 0 ? value_put_end(args) : r;
}

static void put_time(const struct output *o, double seconds) {
        time_t whole = (time_t)seconds;
        char text[32] = "-";
        struct tm tm;

        if (localtime_r(&whole, &tm))
                strftime(text, sizeof(text), "%F %T", &tm);
        fprintf(o->out, "%s.%03d ", text, (int)((seconds - (double)whole) * 1000));
}

static void show_line(const struct output *o, const json_t *line) {
        const char *level = json_string_value(json_object_get(line, "level"));
        const char *color = output_state_color(o, level);
        struct buf text;

        buf_init(&text, LIMIT_MESSAGE_BYTES);
        put_time(o, json_number_value(json_object_get(line, "time")));
        output_format(&text, COLUMN_TEXT, json_object_get(line, "name"));
        buf_printf(&text, "[%" JSON_INTEGER_FORMAT "] ",
                   json_integer_value(json_object_get(line, "pid")));
        fprintf(o->out, "%.*s%s%s%s: ", (int)text.len, (const char *)text.data, color,
                level ? level : "-", *color ? output_color_end(o) : "");
        buf_clear(&text);
        output_format(&text, COLUMN_TEXT, json_object_get(line, "text"));
        fprintf(o->out, "%.*s\n", (int)text.len, (const char *)text.data);
        buf_deinit(&text);
}

/* ---- what comes ---------------------------------------------------------------------------- */

static void follow_line(struct logs *l, json_t *line) {
        const struct output *o = &l->feed.inv->output;

        l->last_seq = json_integer_value(json_object_get(line, "seq"));
        if (o->is_json)
                output_line_take(o, "thox.log/1", json_incref(line));
        else
                show_line(o, line);
}

static bool follow_wants(const struct logs *l, const json_t *line) {
        const char *level = json_string_value(json_object_get(line, "level"));
        int number = level ? log_level_parse(level, strlen(level)) : -1;

        return json_integer_value(json_object_get(line, "seq")) > l->last_seq && number >= 0 &&
               number <= (int)l->level;
}

static bool show_event(struct feed *feed, const struct client_event *e) {
        struct logs *l = container_of(feed, struct logs, feed);
        json_t *values = json_from_values(e->values, e->values_len);
        json_t *line = json_array_get(values, 0);
        bool is_wanted = line && follow_wants(l, line);

        if (e->dropped > 0)
                output_note(&feed->inv->output, "%llu lines lost", (unsigned long long)e->dropped);
        if (is_wanted)
                follow_line(l, line);
        json_decref(values);
        return is_wanted;
}

/* Listens before it reads, so that nothing is missed in between. */
static int follow(struct logs *l, const struct buf *args) {
        struct invocation *inv = l->feed.inv;
        json_t *lines;
        int exit_code = feed_open(&l->feed);

        if (exit_code == 0)
                exit_code = tree_list(inv, "log.read", args, "read the log", &lines);
        if (exit_code != 0)
                return exit_code;
        for (size_t i = 0; i < json_array_size(lines); i++)
                follow_line(l, json_array_get(lines, i));
        json_decref(lines);
        fflush(inv->output.out);
        return feed_run(&l->feed);
}

/* ---- what there is ------------------------------------------------------------------------- */

static void show_lines(const struct invocation *inv, const json_t *lines) {
        if (json_array_size(lines) == 0 && inv->n_args > 0)
                output_note(&inv->output, "'%s' has no line in the log", inv->args[0]);
        else if (json_array_size(lines) == 0)
                output_note(&inv->output, "the log has no lines");
        for (size_t i = 0; i < json_array_size(lines); i++)
                show_line(&inv->output, json_array_get(lines, i));
}

static int look(struct invocation *inv, const struct buf *args) {
        json_t *lines;
        int exit_code = tree_list(inv, "log.read", args, "read the log", &lines);

        if (exit_code != 0)
                return exit_code;
        if (inv->output.is_json)
                output_document_take(&inv->output, "thox.logs/1",
                                     json_pack("{s:O}", "lines", lines));
        else
                show_lines(inv, lines);
        json_decref(lines);
        return EXIT_CODE_OK;
}

static int run_logs(struct invocation *inv) {
        static const char *const LEVELS[] = { "error", "warning", "info", "debug", NULL };
        struct logs l = {
                .feed = { .inv = inv, .queue = "journal", .verb = "follow", .show = show_event },
                .level = LOG_LEVEL_DEBUG
        };
        struct buf args CLEANUP(buf_deinit);
        int exit_code;

        tree_args_init(&args);
        if (inv->level) {
                int level = log_level_parse(inv->level, strlen(inv->level));

                if (level < 0)
                        return command_unknown_word(inv, "level", inv->level, LEVELS);
                l.level = (enum log_level)level;
        }
        if (inv->n_args > 0)
                l.feed.match[l.feed.n_match++] = inv->args[0];
        exit_code = tree_open(inv);
        if (exit_code != 0)
                return exit_code;
        if (put_arguments(&args, inv) < 0)
                return fail_errno(&inv->output, -ENOMEM, "cannot read the log");
        return inv->is_followed ? follow(&l, &args) : look(inv, &args);
}

const struct command VERB_LOGS = {
        .name = "logs",
        .group = COMMAND_GROUP_EVERYDAY,
        .usage = "[NAME]",
        .summary = "show the newest log lines, of one program or of all",
        .details = "With --follow the newest ten, then those that come, until it is interrupted.",
        .examples = { "thoxctl logs -n 20 --level warning", "thoxctl logs --follow bot" },
        .flags = { "lines", "follow", "level" },
        .max_args = 1,
        .run = run_logs,
};
