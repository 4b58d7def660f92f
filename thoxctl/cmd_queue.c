/*
 * cmd_queue.c - push to a queue; listen to one.
 */
#include <errno.h>
#include <string.h>

#include "libipc/base/clock.h"
#include "libipc/client.h"
#include "thoxctl/feed.h"
#include "thoxctl/json.h"
#include "thoxctl/literal.h"
#include "thoxctl/tree.h"
#include "thoxctl/verbs.h"

/* ---- push ---------------------------------------------------------------------------------- */

static int show_count(const struct invocation *inv, uint32_t count) {
        if (inv->output.is_json)
                output_document_take(
                        &inv->output, "thox.push/1",
                        json_pack("{s:s, s:i}", "queue", inv->args[0], "listeners", (int)count));
        else
                fprintf(inv->output.out, "%u listener%s\n", count, count == 1 ? "" : "s");
        return EXIT_CODE_OK;
}

static int run_push(struct invocation *inv) {
        struct buf value CLEANUP(buf_deinit);
        struct client_reply reply;
        int exit_code, r;

        tree_args_init(&value);
        r = literal_put(&value, inv->args[1]);
        if (r == LITERAL_E_SYNTAX)
                return literal_misused(inv, inv->args[1]);
        exit_code = tree_open(inv);
        if (exit_code != 0)
                return exit_code;
        if (r == 0)
                r = client_push(inv->client, CLIENT_NATIVE_HANDLE, inv->args[0], inv->key, &value,
                                &reply);
        if (r == -EMSGSIZE || r == -ENOMEM)
                return fail_errno(&inv->output, r, "cannot push to '%s'", inv->args[0]);
        if (r < 0)
                return tree_lost(inv, r, "push");
        if (reply.status != STATUS_OK)
                return feed_refused(inv, &reply, "push to", inv->args[0]);
        return show_count(inv, reply.count);
}

/* ---- listen -------------------------------------------------------------------------------- */

static void show_text(const struct output *o, const struct client_event *e) {
        struct buf text CLEANUP(buf_deinit);

        tree_args_init(&text);
        feed_put_time(&text, clock_wall_us());
        buf_printf(&text, "  %-5u  %-12.*s  ", e->pid, (int)(e->key_len != 0 ? e->key_len : 1),
                   e->key_len != 0 ? (const char *)e->key : "-");
        if (value_print(&text, e->values, e->values_len) != 0)
                buf_printf(&text, " (unreadable)");
        fprintf(o->out, "%.*s\n", (int)text.len, (const char *)text.data);
        if (e->dropped > 0)
                output_note(o, "%llu lost before this one", (unsigned long long)e->dropped);
}

static void show_json(const struct output *o, const struct client_event *e) {
        json_t *values = json_from_values(e->values, e->values_len);

        output_line_take(o, "thox.event/1",
                         json_pack("{s:f, s:o, s:o, s:i, s:i, s:I, s:I, s:O?}", "time",
                                   (double)clock_wall_us() / 1e6, "queue",
                                   json_text_from_bytes(e->name, e->name_len), "key",
                                   json_text_from_bytes(e->key, e->key_len), "pid", (int)e->pid,
                                   "uid", (int)e->uid, "seq", (json_int_t)e->number, "dropped",
                                   (json_int_t)e->dropped, "info", json_array_get(values, 0)));
        json_decref(values);
}

static bool show_event(struct feed *feed, const struct client_event *e) {
        const struct output *o = &feed->inv->output;

        if (o->is_json)
                show_json(o, e);
        else
                show_text(o, e);
        return true;
}

static int run_listen(struct invocation *inv) {
        struct feed feed = {
                .inv = inv, .queue = inv->args[0], .verb = "listen to", .show = show_event
        };
        int exit_code = tree_open(inv);

        if (inv->match)
                feed.match[feed.n_match++] = inv->match;
        if (exit_code == 0)
                exit_code = feed_open(&feed);
        return exit_code != 0 ? exit_code : feed_run(&feed);
}

const struct command VERB_PUSH = {
        .name = "push",
        .group = COMMAND_GROUP_BUS,
        .usage = "QUEUE VALUE",
        .summary = "push a value to a queue; say how many listen",
        .details = "VALUE is a Lua literal: 1, 2.5, true, 'text', {1, x = 2}; any other\n"
                   "word is a string.",
        .examples = { "thoxctl push news 'rain at noon'", "thoxctl push --key disk log full" },
        .flags = { "key" },
        .min_args = 2,
        .max_args = 2,
        .run = run_push,
};

const struct command VERB_LISTEN = {
        .name = "listen",
        .group = COMMAND_GROUP_BUS,
        .usage = "QUEUE",
        .summary = "show what is pushed to a queue, a line each",
        .details =
                "Runs until it is interrupted, or has shown --count messages. A line has the time, "
                "the pid\nof who pushed, the key and the value. With --json each line is a "
                "document.",
        .examples = { "thoxctl listen news", "thoxctl listen log --match 'disk.*' -n 1" },
        .flags = { "match", "count" },
        .min_args = 1,
        .max_args = 1,
        .run = run_listen,
};
