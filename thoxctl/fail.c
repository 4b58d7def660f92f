/*
 * fail.c - reports a failure as text or JSON; see fail.h.
 */
#include "thoxctl/fail.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "thoxctl/json.h"

/* One line, its tabs as spaces: a traceback's are layout. */
static void put_line(FILE *err, const char *label, const char *text, size_t len) {
        struct buf line;

        buf_init(&line, 4 * len + 64);
        while (len > 0) {
                const char *tab = memchr(text, '\t', len);
                size_t n = tab ? (size_t)(tab - text) : len;

                output_escape(&line, text, n);
                if (tab)
                        buf_add(&line, "    ", 4);
                text += tab ? n + 1 : n;
                len -= tab ? n + 1 : n;
        }
        fprintf(err, "%s%.*s\n", label, (int)line.len, (const char *)line.data);
        buf_deinit(&line);
}

static void put_lines(FILE *err, const char *label, const char *text, size_t len) {
        const char *end = text + len;

        while (text < end) {
                const char *newline = memchr(text, '\n', (size_t)(end - text));
                const char *line_end = newline ? newline : end;

                put_line(err, label, text, (size_t)(line_end - text));
                label = "        ";
                text = line_end + 1;
        }
}

static void report_text(const struct output *o, const struct failure *f, const char *what) {
        put_line(o->err, "thoxctl: ", what, strlen(what));
        if (f->why)
                put_lines(o->err, "  why:  ", f->why, f->why_len);
        if (f->fix)
                put_lines(o->err, "  fix:  ", f->fix, strlen(f->fix));
        fprintf(o->err, "  code: %s   (thoxctl help %s)\n", f->code, f->code);
}

static void report_json(const struct output *o, const struct failure *f, const char *what) {
        struct output err = *o;
        json_t *error =
                json_pack("{s:o, s:s, s:i}", "what", json_text_from_bytes(what, strlen(what)),
                          "code", f->code, "exit", f->exit_code);

        if (f->why)
                json_object_set_new(error, "why", json_text_from_bytes(f->why, f->why_len));
        if (f->fix)
                json_object_set_new(error, "fix", json_text_from_bytes(f->fix, strlen(f->fix)));
        err.out = o->err;
        output_document_take(&err, "thox.error/1", json_pack("{s:o}", "error", error));
}

static int report(const struct output *o, struct failure f, const char *fmt, va_list args) {
        char *what = NULL;

        if (vasprintf(&what, fmt, args) < 0)
                what = NULL;
        if (f.why && f.why_len == 0)
                f.why_len = strlen(f.why);
        fflush(o->out);
        if (o->is_json)
                report_json(o, &f, what ? what : "not enough memory");
        else
                report_text(o, &f, what ? what : "not enough memory");
        free(what);
        return f.exit_code;
}

int fail(const struct output *o, struct failure failure, const char *fmt, ...) {
        va_list args;
        int r;

        va_start(args, fmt);
        r = report(o, failure, fmt, args);
        va_end(args);
        return r;
}

int fail_errno(const struct output *o, int r, const char *fmt, ...) {
        struct failure failure = { .exit_code = EXIT_CODE_FAILED, .code = "system" };
        va_list args;

        failure.why = strerror(-r);
        va_start(args, fmt);
        r = report(o, failure, fmt, args);
        va_end(args);
        return r;
}
