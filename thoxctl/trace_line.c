/*
 * trace_line.c - see trace_line.h. A record is believed when all of it is one sound value; then its
 * last field is where the copied values lie, between the head of an array and an end marker.
 */
#include "thoxctl/trace_line.h"

#include <inttypes.h>
#include <string.h>

#include "libipc/status.h"
#include "libipc/value.h"
#include "thoxctl/feed.h"
#include "thoxctl/output.h"

#define TRACE_PROCESS_WIDTH 18
#define TRACE_VALUES_WIDTH 200u /* JSON lines have all of them */

static bool is_one_value(const void *values, size_t len) {
        struct value_reader r;
        struct value v;

        value_reader_init(&r, values, len);
        return value_next(&r, &v) == VALUE_OK && v.type == VALUE_MAP &&
               value_skip(&r, &v) == VALUE_OK && value_is_done(&r);
}

static bool is_key(const struct value *key, const char *name) {
        return key->type == VALUE_BYTES && key->len == strlen(name) &&
               memcmp(key->bytes, name, key->len) == 0;
}

static void take_text(const struct value *v, const uint8_t **ret, size_t *ret_len) {
        if (v->type == VALUE_BYTES) {
                *ret = v->bytes;
                *ret_len = v->len;
        }
}

static void take_field(struct trace_line *line, const struct value *key, const struct value *v) {
        const struct {
                const char *name;
                int64_t *integer;
        } integers[] = {
                { "pid", &line->pid },       { "caller", &line->caller },
                { "server", &line->server }, { "status", &line->status },
                { "size", &line->size },
        };

        for (size_t i = 0; i < ARRAY_SIZE(integers); i++)
                if (is_key(key, integers[i].name) && v->type == VALUE_INTEGER)
                        *integers[i].integer = v->integer;
        if (is_key(key, "time") && v->type == VALUE_FLOAT)
                line->time = v->number;
        if (is_key(key, "duration") && v->type == VALUE_FLOAT)
                line->duration = v->number;
        if (is_key(key, "kind"))
                take_text(v, &line->kind, &line->kind_len);
        if (is_key(key, "program"))
                take_text(v, &line->program, &line->program_len);
        if (is_key(key, "name"))
                take_text(v, &line->name, &line->name_len);
        if (is_key(key, "reason"))
                take_text(v, &line->reason, &line->reason_len);
}

bool trace_line_parse(struct trace_line *ret, const void *values, size_t len) {
        struct value_reader r;
        struct value map, key, v;

        *ret = (struct trace_line){ .size = -1 };
        if (!is_one_value(values, len))
                return false;
        value_reader_init(&r, values, len);
        value_next(&r, &map);
        for (size_t n = map.size; n > 0; n--) {
                if (value_next(&r, &key) != VALUE_OK || value_next(&r, &v) != VALUE_OK)
                        return false;
                if (is_key(&key, "args") && v.type == VALUE_ARRAY) {
                        ret->has_args = true;
                        ret->args = r.at;
                        ret->args_len = (size_t)(r.end - r.at) - (v.size == VALUE_INDEFINITE);
                        break;
                }
                take_field(ret, &key, &v);
                if (value_skip(&r, &v) != VALUE_OK)
                        return false;
        }
        return ret->kind != NULL;
}

static bool is_kind(const struct trace_line *line, const char *kind) {
        return line->kind_len == strlen(kind) && memcmp(line->kind, kind, line->kind_len) == 0;
}

bool trace_line_concerns(const struct trace_line *line, uint32_t pid) {
        return line->pid == pid || line->caller == pid || line->server == pid;
}

/* ---- printing ------------------------------------------------------------------------------ */

static int print_process(struct buf *out, const struct trace_line *line) {
        size_t start = out->len;
        int r = output_escape(out, (const char *)line->program, line->program_len);

        if (r == 0)
                r = buf_printf(out, "[%" PRId64 "]",
                               is_kind(line, "answer") ? line->caller : line->pid);
        for (; r == 0 && out->len - start < TRACE_PROCESS_WIDTH;)
                r = buf_add(out, " ", 1);
        return r;
}

static int print_values(struct buf *out, const struct trace_line *line) {
        size_t start = out->len;
        int r = 0;

        if (line->size >= 0)
                return buf_printf(out, "... %" PRId64 " bytes", line->size);
        if (line->has_args)
                r = value_print(out, line->args, line->args_len);
        if (r != 0 || out->len - start <= TRACE_VALUES_WIDTH)
                return r;
        out->len = start + TRACE_VALUES_WIDTH;
        while ((out->data[out->len] & 0xc0) == 0x80)
                out->len--;
        return buf_printf(out, "...");
}

static int print_duration(struct buf *out, double seconds) {
        if (seconds < 0.01)
                return buf_printf(out, "  %.2f ms", seconds * 1e3);
        if (seconds < 10)
                return buf_printf(out, "  %.0f ms", seconds * 1e3);
        return buf_printf(out, "  %.1f s", seconds);
}

static int print_call(struct buf *out, const struct trace_line *line) {
        int r = buf_printf(out, " -> ");

        if (r == 0)
                r = output_escape(out, (const char *)line->name, line->name_len);
        if (r == 0)
                r = buf_add(out, "(", 1);
        if (r == 0)
                r = print_values(out, line);
        if (r == 0)
                r = buf_add(out, ")", 1);
        if (r == 0 && line->server > 1)
                r = buf_printf(out, "  @%" PRId64, line->server);
        return r;
}

static int print_answer(struct buf *out, const struct trace_line *line) {
        int r = buf_printf(out, " <- ");

        if (r == 0)
                r = output_escape(out, (const char *)line->name, line->name_len);
        if (r == 0)
                r = buf_printf(out, " = %s", status_name((uint32_t)line->status));
        if (r == 0 && (line->args_len > 0 || line->size >= 0))
                r = buf_add(out, " ", 1);
        if (r == 0)
                r = print_values(out, line);
        return r == 0 ? print_duration(out, line->duration) : r;
}

/* What is answered at once, by initd. */
static int print_request(struct buf *out, const struct trace_line *line) {
        int r = print_call(out, line);

        return r == 0 ? buf_printf(out, " = %s", status_name((uint32_t)line->status)) : r;
}

static int print_rest(struct buf *out, const struct trace_line *line) {
        int r = is_kind(line, "exit") ?
                        buf_printf(out, " -- ended: ") :
                        buf_printf(out, " -- %.*s ", (int)line->kind_len, (const char *)line->kind);

        return r == 0 ? output_escape(out, (const char *)line->reason, line->reason_len) : r;
}

int trace_line_print(struct buf *out, const struct trace_line *line) {
        int r = feed_put_time(out, (uint64_t)(line->time * 1e6));

        if (r == 0)
                r = buf_add(out, "  ", 2);
        if (r == 0)
                r = print_process(out, line);
        if (r != 0)
                return r;
        if (is_kind(line, "call"))
                return print_call(out, line);
        if (is_kind(line, "request"))
                return print_request(out, line);
        return is_kind(line, "answer") ? print_answer(out, line) : print_rest(out, line);
}
