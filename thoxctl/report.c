/*
 * report.c - see report.h.
 */
#include "thoxctl/report.h"

#include <errno.h>
#include <string.h>

#include "libipc/base/parse.h"
#include "thoxctl/tree.h"

int report_list(struct invocation *inv, const char *wanted, json_t **ret_reports) {
        struct buf args CLEANUP(buf_deinit);
        uint64_t pid;
        int r;

        tree_args_init(&args);
        r = parse_u64(wanted, UINT32_MAX, &pid) == 0 && pid > 0 ?
                    value_put_integer(&args, (int64_t)pid) :
                    value_put_text(&args, wanted);
        if (r < 0)
                return fail_errno(&inv->output, -ENOMEM, "cannot ask for reports");
        return tree_list(inv, "process.reports", &args, "ask for reports", ret_reports);
}

/* ---- showing ------------------------------------------------------------------------------- */

/* A title beside the first line; what follows stands below it. */
static void put_block(const struct output *o, const char *title, const char *text) {
        struct buf line;

        buf_init(&line, LIMIT_MESSAGE_BYTES);
        while (text && *text) {
                size_t len = strcspn(text, "\n");
                const char *tab = *text == '\t' ? "  " : "";

                buf_clear(&line);
                if (output_escape(&line, text + (*text == '\t'), len - (*text == '\t')) == 0)
                        fprintf(o->out, "%-10s %s%.*s\n", title, tab, (int)line.len,
                                (const char *)line.data);
                title = "";
                text += len + (text[len] == '\n');
        }
        buf_deinit(&line);
}

static void put_line(const struct output *o, const char *title, const struct buf *line) {
        fprintf(o->out, "%-10s %.*s\n", title, (int)line->len, (const char *)line->data);
}

static void show_when(const struct output *o, const json_t *report) {
        struct buf line CLEANUP(buf_deinit);

        buf_init(&line, LIMIT_MESSAGE_BYTES);
        output_format(&line, COLUMN_TIME, json_object_get(report, "time"));
        buf_printf(&line, ", after ");
        output_format(&line, COLUMN_DURATION, json_object_get(report, "uptime"));
        buf_printf(&line, " (pid ");
        output_format(&line, COLUMN_NUMBER, json_object_get(report, "pid"));
        buf_printf(&line, ", restarts ");
        output_format(&line, COLUMN_NUMBER, json_object_get(report, "restarts"));
        buf_printf(&line, ")");
        put_line(o, "fell", &line);
}

static void show_use(const struct output *o, const json_t *report) {
        const json_t *limits = json_object_get(report, "limits");
        const json_t *cpu_turn = json_object_get(limits, "cpu_turn");
        struct buf line CLEANUP(buf_deinit);

        buf_init(&line, LIMIT_MESSAGE_BYTES);
        output_format(&line, COLUMN_CPU, json_object_get(report, "cpu"));
        buf_printf(&line, " of CPU time");
        if (cpu_turn) {
                buf_printf(&line, " (cpu_turn ");
                output_format(&line, COLUMN_DURATION, cpu_turn);
                buf_printf(&line, ")");
        }
        buf_printf(&line, ", ");
        output_format(&line, COLUMN_SIZE, json_object_get(report, "memory"));
        buf_printf(&line, " of memory (limit ");
        output_format(&line, COLUMN_SIZE, json_object_get(limits, "memory"));
        buf_printf(&line, " of Lua values)");
        put_line(o, "used", &line);
}

static void show_calls(const struct output *o, const json_t *calls) {
        struct buf line CLEANUP(buf_deinit);

        buf_init(&line, LIMIT_MESSAGE_BYTES);
        for (size_t i = 0; i < json_array_size(calls); i++) {
                const json_t *call = json_array_get(calls, i);
                const char *status = json_string_value(json_object_get(call, "status"));

                buf_printf(&line, "%s", i > 0 ? ", " : "");
                output_format(&line, COLUMN_TEXT, json_object_get(call, "name"));
                buf_printf(&line, " %s", status ? status : "unanswered");
        }
        if (line.len > 0)
                put_line(o, "last calls", &line);
}

static void show_log(const struct output *o, const json_t *lines) {
        for (size_t i = 0; i < json_array_size(lines); i++)
                put_block(o, i == 0 ? "log" : "", json_string_value(json_array_get(lines, i)));
}

void report_show(const struct output *o, const json_t *reports) {
        static const struct column REASON = { "reason", "reason", COLUMN_TEXT };
        const json_t *report = json_array_get(reports, 0);
        size_t n = json_array_size(reports);

        if (n == 0)
                return;
        fputc('\n', o->out);
        show_when(o, report);
        output_field(o, &REASON, report);
        put_block(o, "message", json_string_value(json_object_get(report, "message")));
        put_block(o, "locals", json_string_value(json_object_get(report, "locals")));
        show_use(o, report);
        show_calls(o, json_object_get(report, "calls"));
        show_log(o, json_object_get(report, "log"));
        if (n > 1)
                fprintf(o->out, "%-10s %zu more (--json shows them)\n", "earlier", n - 1);
}
