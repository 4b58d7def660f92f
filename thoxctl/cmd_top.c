/*
 * cmd_top.c - who uses how much, refreshed in place. Without a terminal: one table of what happened
 * within one delay.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "libipc/base/clock.h"
#include "thoxctl/json.h"
#include "thoxctl/sample.h"
#include "thoxctl/screen.h"
#include "thoxctl/tree.h"
#include "thoxctl/verbs.h"

#define DELAY_US CLOCK_S_US
#define DELAY_MIN_US (100 * CLOCK_MS_US) /* listing a thousand processes costs as much */

static const struct column COLUMNS[] = {
        { "PID", "pid", COLUMN_NUMBER },           { "NAME", "name", COLUMN_TEXT },
        { "STATE", "state", COLUMN_STATE },        { "CPU%", "cpu_percent", COLUMN_RATE },
        { "MEMORY", "memory", COLUMN_SIZE },       { "CALLS/S", "calls_per_second", COLUMN_RATE },
        { "ASKS", "calls_made", COLUMN_NUMBER },   { "SERVES", "calls_served", COLUMN_NUMBER },
        { "RESTARTS", "restarts", COLUMN_NUMBER }, { "UPTIME", "uptime", COLUMN_DURATION },
};

static const struct order {
        char key;
        const char *member;
        bool is_descending;
} ORDERS[] = {
        { 'c', "cpu_percent", true },
        { 'm', "memory", true },
        { 'r', "calls_per_second", true },
        { 'p', "pid", false },
};

struct top {
        struct invocation *inv;
        struct sample sample;
        const struct order *order;
        size_t first; /* row at the top of the screen */
        uint64_t delay_us;
};

static int top_sample(struct top *top) {
        struct sample next;
        int exit_code = sample_take(top->inv, &top->sample, &next);

        if (exit_code != 0)
                return exit_code;
        sample_deinit(&top->sample);
        top->sample = next;
        json_sort(next.processes, top->order->member, top->order->is_descending);
        return 0;
}

static void put_pair(FILE *out, const char *title, enum column_kind kind, const json_t *value) {
        struct buf text;

        buf_init(&text, 4096);
        if (output_format(&text, kind, value) == 0)
                fprintf(out, "%s%s%.*s", title, *title ? " " : "", (int)text.len,
                        (const char *)text.data);
        buf_deinit(&text);
}

static void put_summary(FILE *out, const json_t *tree) {
        static const struct column FIRST[] = {
                { "thox", "version", COLUMN_TEXT },
                { "", "state", COLUMN_TEXT },
                { "up", "uptime", COLUMN_DURATION },
                { "", "dir", COLUMN_TEXT },
        };
        static const struct column SECOND[] = {
                { "processes", "processes", COLUMN_NUMBER },
                { "cpu%", "cpu_percent", COLUMN_RATE },
                { "calls/s", "calls_per_second", COLUMN_RATE },
                { "unanswered", "calls", COLUMN_NUMBER },
                { "clients", "clients", COLUMN_NUMBER },
        };
        static const struct {
                const struct column *fields;
                size_t n_fields;
        } LINES[] = { { FIRST, ARRAY_SIZE(FIRST) }, { SECOND, ARRAY_SIZE(SECOND) } };

        for (size_t i = 0; i < ARRAY_SIZE(LINES); i++) {
                for (size_t k = 0; k < LINES[i].n_fields; k++) {
                        const struct column *f = &LINES[i].fields[k];

                        fputs(k > 0 ? "   " : "", out);
                        put_pair(out, f->title, f->kind, json_object_get(tree, f->key));
                }
                fputc('\n', out);
        }
}

/* ---- once ---------------------------------------------------------------------------------- */

static void top_print(const struct top *top) {
        const struct output *o = &top->inv->output;

        if (o->is_json) {
                output_document_take(o, "thox.top/1",
                                     json_pack("{s:O, s:O}", "tree", top->sample.tree, "processes",
                                               top->sample.processes));
                return;
        }
        if (!o->hides_legend) {
                put_summary(o->out, top->sample.tree);
                fputc('\n', o->out);
        }
        output_table(o, COLUMNS, ARRAY_SIZE(COLUMNS), top->sample.processes);
}

static int top_once(struct top *top) {
        struct timespec delay = { .tv_sec = (time_t)(top->delay_us / CLOCK_S_US),
                                  .tv_nsec = (long)(top->delay_us % CLOCK_S_US * 1000) };
        int exit_code = top_sample(top);

        if (exit_code != 0)
                return exit_code;
        while (nanosleep(&delay, &delay) < 0 && errno == EINTR)
                ;
        exit_code = top_sample(top);
        if (exit_code == 0)
                top_print(top);
        return exit_code;
}

/* ---- the screen ---------------------------------------------------------------------------- */

/* Everything as text, one line each; the table's heading is the fourth. */
static char *top_render(const struct top *top, size_t *ret_len) {
        struct output o = top->inv->output;
        char *text = NULL;

        o.out = open_memstream(&text, ret_len);
        if (!o.out)
                return NULL;
        o.has_color = false;
        o.hides_legend = false;
        o.columns = (unsigned int)screen_columns();
        put_summary(o.out, top->sample.tree);
        fputs("sort by: c cpu   m memory   r calls/s   p pid        q quit\n", o.out);
        output_table(&o, COLUMNS, ARRAY_SIZE(COLUMNS), top->sample.processes);
        fclose(o.out);
        return text;
}

#define HEADING_LINE 3u

static size_t page_of(void) {
        size_t lines = screen_lines();

        return lines > HEADING_LINE + 1 ? lines - HEADING_LINE - 1 : 1;
}

static void top_clamp(struct top *top) {
        size_t n = json_array_size(top->sample.processes), page = page_of();

        if (top->first + page > n)
                top->first = n > page ? n - page : 0;
}

static void top_draw(struct top *top) {
        size_t len = 0, line = 0, skip = top->first;
        char *text = top_render(top, &len);
        const char *end = text + len;

        for (const char *at = text; text && at < end && line < screen_lines();) {
                const char *newline = memchr(at, '\n', (size_t)(end - at));
                size_t n = newline ? (size_t)(newline - at) : (size_t)(end - at);

                if (line <= HEADING_LINE || skip == 0) {
                        screen_put_line(line, at, n, line == HEADING_LINE);
                        line++;
                } else {
                        skip--;
                }
                at += n + 1;
        }
        screen_show(line);
        free(text);
}

static void top_scroll(struct top *top, int key) {
        size_t page = page_of(), n = json_array_size(top->sample.processes);

        if (key == SCREEN_KEY_DOWN)
                top->first++;
        else if (key == SCREEN_KEY_PAGE_DOWN)
                top->first += page;
        else if (key == SCREEN_KEY_END)
                top->first = n;
        else if (key == SCREEN_KEY_UP)
                top->first -= top->first > 0;
        else if (key == SCREEN_KEY_PAGE_UP)
                top->first -= top->first > page ? page : top->first;
        else if (key == SCREEN_KEY_HOME)
                top->first = 0;
}

/* False: leave. */
static bool top_on_key(struct top *top, int key) {
        if (key == 'q')
                return false;
        for (size_t i = 0; i < ARRAY_SIZE(ORDERS); i++)
                if (ORDERS[i].key == key) {
                        top->order = &ORDERS[i];
                        top->first = 0;
                        json_sort(top->sample.processes, top->order->member,
                                  top->order->is_descending);
                }
        top_scroll(top, key);
        return true;
}

static int top_watch(struct top *top) {
        int exit_code = top_sample(top);
        uint64_t due = clock_now_us() + top->delay_us;

        while (exit_code == 0) {
                uint64_t now = clock_now_us();
                int key;

                top_clamp(top);
                top_draw(top);
                key = screen_key(due > now ? due - now : 0);
                if (key != SCREEN_KEY_NONE && !top_on_key(top, key))
                        break;
                if (clock_now_us() < due)
                        continue;
                exit_code = top_sample(top);
                due = clock_now_us() + top->delay_us;
        }
        return exit_code;
}

/* What is said while the screen is taken is shown when it has been given back. */
static int top_on_screen(struct top *top) {
        FILE *err = top->inv->output.err;
        char *said = NULL;
        size_t len = 0;
        int exit_code;

        top->inv->output.err = open_memstream(&said, &len);
        if (!top->inv->output.err)
                top->inv->output.err = err;
        exit_code = top_watch(top);
        screen_close();
        if (top->inv->output.err != err)
                fclose(top->inv->output.err);
        top->inv->output.err = err;
        if (said)
                fputs(said, err);
        free(said);
        return exit_code;
}

static bool is_screen_wanted(const struct invocation *inv) {
        const char *term = getenv("TERM");

        return !inv->output.is_json && isatty(STDIN_FILENO) && isatty(STDOUT_FILENO) && term &&
               strcmp(term, "dumb") != 0;
}

static int top_run(struct top *top) {
        int r;

        if (!is_screen_wanted(top->inv))
                return top_once(top);
        r = screen_open();
        if (r == SCREEN_OK)
                return top_on_screen(top);
        output_note(&top->inv->output,
                    r == SCREEN_E_BUILD ? "built without ncurses: one look instead of a screen" :
                                          "unknown terminal: one look instead of a screen");
        return top_once(top);
}

static int run_top(struct invocation *inv) {
        struct top top = { .inv = inv, .order = &ORDERS[0], .delay_us = DELAY_US };
        int exit_code;

        if (inv->delay_us != INVOCATION_UNSET)
                top.delay_us = inv->delay_us;
        if (top.delay_us < DELAY_MIN_US)
                return command_misused(inv, "--delay is at least 100ms");
        exit_code = tree_open(inv);
        if (exit_code == 0)
                exit_code = top_run(&top);
        sample_deinit(&top.sample);
        return exit_code;
}

const struct command VERB_TOP = {
        .name = "top",
        .group = COMMAND_GROUP_EVERYDAY,
        .usage = "",
        .summary = "watch who uses cpu, memory and calls",
        .details = "Keys: c, m, r, p sort by cpu, memory, calls a second, pid; arrows and pages "
                   "scroll;\n"
                   "q leaves. ASKS and SERVES count unanswered calls. Without a terminal one table "
                   "is\n"
                   "written, of what happened within one --delay.",
        .examples = { "thoxctl top", "thoxctl top --json | jq '.tree.calls_per_second'" },
        .flags = { "delay" },
        .run = run_top,
};
