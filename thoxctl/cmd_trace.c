/*
 * cmd_trace.c - the tree's trace: see trace_feed.h.
 */
#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "thoxctl/json.h"
#include "thoxctl/process.h"
#include "thoxctl/trace_feed.h"
#include "thoxctl/trace_line.h"
#include "thoxctl/tree.h"
#include "thoxctl/verbs.h"

static void show_json(const struct trace_feed *t, const struct client_event *e) {
        struct output lines = t->feed.inv->output;
        json_t *values = json_from_values(e->values, e->values_len);

        lines.out = t->out;
        if (values)
                output_line_take(&lines, "thox.trace/1", json_incref(json_array_get(values, 0)));
        json_decref(values);
}

static void show_text(const struct trace_feed *t, const struct trace_line *line) {
        struct buf text CLEANUP(buf_deinit);

        tree_args_init(&text);
        if (trace_line_print(&text, line) != 0)
                buf_printf(&text, "(unreadable)");
        output_put_line(&t->feed.inv->output, t->out, (const char *)text.data, text.len);
}

bool trace_feed_show(const struct trace_feed *t, const struct client_event *e) {
        const struct output *o = &t->feed.inv->output;
        struct trace_line line;

        if (e->dropped > 0)
                output_note(o, "%llu records lost", (unsigned long long)e->dropped);
        if (!trace_line_parse(&line, e->values, e->values_len)) {
                output_note(o, "a record is unreadable: its process sent no values");
                return false;
        }
        if (t->pid != 0 && !trace_line_concerns(&line, t->pid))
                return false;
        if (o->is_json)
                show_json(t, e);
        else
                show_text(t, &line);
        return true;
}

static bool show_event(struct feed *feed, const struct client_event *e) {
        return trace_feed_show(container_of(feed, struct trace_feed, feed), e);
}

int trace_feed_open(struct trace_feed *t, struct invocation *inv, const char *name, FILE *out) {
        *t = (struct trace_feed){
                .feed = { .inv = inv, .queue = "trace", .verb = "trace", .show = show_event },
                .out = out,
        };
        if (name)
                t->feed.match[t->feed.n_match++] = name;
        return feed_open(&t->feed);
}

/* A number is a pid: of the process whose name the trace is asked for. */
static int find_name(struct invocation *inv,
                     const char *wanted,
                     uint32_t *ret_pid,
                     json_t **ret_rows) {
        json_t *rows;
        int exit_code = tree_list(inv, "process.list", NULL, "list the processes", &rows);

        if (exit_code != 0)
                return exit_code;
        *ret_rows = process_select(rows, wanted);
        json_decref(rows);
        *ret_pid =
                (uint32_t)json_integer_value(json_object_get(json_array_get(*ret_rows, 0), "pid"));
        if (json_array_size(*ret_rows) > 0)
                return 0;
        json_decref(*ret_rows);
        return fail(
                &inv->output,
                (struct failure){ .exit_code = EXIT_CODE_NOT_FOUND,
                                  .code = "noproc",
                                  .why = "no process has that pid; a name may be of one that is "
                                         "yet to run",
                                  .fix = "thoxctl ps" },
                "cannot trace '%s': no such process", wanted);
}

static bool is_pid(const char *word) {
        return word[strspn(word, "0123456789")] == '\0';
}

static int run_trace(struct invocation *inv) {
        const char *name = inv->n_args > 0 ? inv->args[0] : NULL;
        json_t *rows = NULL;
        struct trace_feed t;
        uint32_t pid = 0;
        int exit_code = tree_open(inv);

        if (exit_code == 0 && name && is_pid(name)) {
                exit_code = find_name(inv, name, &pid, &rows);
                if (exit_code == 0)
                        name = json_string_value(json_object_get(json_array_get(rows, 0), "name"));
        }
        if (exit_code == 0)
                exit_code = trace_feed_open(&t, inv, name, inv->output.out);
        if (exit_code == 0) {
                t.pid = pid;
                exit_code = feed_run(&t.feed);
        }
        json_decref(rows);
        return exit_code;
}

const struct command VERB_TRACE = {
        .name = "trace",
        .group = COMMAND_GROUP_BUS,
        .usage = "[NAME|PID]",
        .summary = "show calls and answers of processes as they happen",
        .details =
                "NAME may be of programs that are yet to start, or a prefix with a '*'; without "
                "it all\nare shown. Lines have the caller, '->' and the call with '@' and the pid "
                "of who serves\nit, or '<-', the status, what came back, and how long it took. "
                "The processes do not\nnotice. With --json each line is a document.",
        .examples = { "thoxctl trace greeter", "thoxctl trace 7 -n 10 --json" },
        .flags = { "count" },
        .max_args = 1,
        .run = run_trace,
};
