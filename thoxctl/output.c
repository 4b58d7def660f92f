/*
 * output.c - tables, fields, documents; see output.h.
 *
 * A table is two passes over its cells: the first formats them and finds the widths, the second
 * writes. The last column is the one that a narrow terminal cuts.
 */
#include "thoxctl/output.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#define OUTPUT_MAX_BYTES (256u << 20)

struct cell {
        size_t at, len; /* in the table's text */
        size_t width;   /* in characters */
};

struct table_text {
        const struct column *columns;
        size_t n_columns, n_rows;
        struct buf text;
        struct cell *cells; /* row by row */
        size_t *widths;
};

static const struct {
        const char *state, *color;
} STATE_COLORS[] = {
        { "running", "\033[32m" },    { "waiting", "\033[32m" },  { "starting", "\033[33m" },
        { "restarting", "\033[33m" }, { "stopping", "\033[33m" }, { "degraded", "\033[33m" },
        { "failed", "\033[31m" },     { "error", "\033[31m" },    { "warning", "\033[33m" },
};

static bool color_is_wanted(enum color_when when) {
        const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");

        if (when != COLOR_AUTO)
                return when == COLOR_ALWAYS;
        if (no_color && no_color[0])
                return false;
        return isatty(STDOUT_FILENO) && term && strcmp(term, "dumb") != 0;
}

void output_init(struct output *o, enum color_when when) {
        struct winsize size;

        o->out = stdout;
        o->err = stderr;
        o->has_color = color_is_wanted(when);
        o->columns = 0;
        if (isatty(STDOUT_FILENO) && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0)
                o->columns = size.ws_col;
}

const char *output_state_color(const struct output *o, const char *state) {
        if (!o->has_color || !state)
                return "";
        for (size_t i = 0; i < ARRAY_SIZE(STATE_COLORS); i++)
                if (strcmp(STATE_COLORS[i].state, state) == 0)
                        return STATE_COLORS[i].color;
        return "";
}

const char *output_color_end(const struct output *o) {
        return o->has_color ? "\033[0m" : "";
}

int output_escape(struct buf *b, const char *bytes, size_t len) {
        int r = 0;

        for (size_t i = 0; i < len && r == 0; i++) {
                unsigned char c = (unsigned char)bytes[i];
                /* C1 controls are two bytes in UTF-8: a terminal obeys them like ESC [. */
                bool is_c1 = c == 0xc2 && i + 1 < len && (unsigned char)bytes[i + 1] < 0xa0;

                if (is_c1)
                        r = buf_printf(b, "\\x%02x", (unsigned char)bytes[++i]);
                else if (c < 0x20 || c == 0x7f)
                        r = buf_printf(b, "\\x%02x", c);
                else
                        r = buf_add(b, &c, 1);
        }
        return r;
}

static int format_duration(struct buf *b, double seconds) {
        uint64_t s = seconds > 0 ? (uint64_t)seconds : 0;

        if (s < 60)
                return buf_printf(b, "%" PRIu64 "s", s);
        if (s < 3600)
                return buf_printf(b, "%" PRIu64 "m %" PRIu64 "s", s / 60, s % 60);
        if (s < 86400)
                return buf_printf(b, "%" PRIu64 "h %" PRIu64 "m", s / 3600, s / 60 % 60);
        return buf_printf(b, "%" PRIu64 "d %" PRIu64 "h", s / 86400, s / 3600 % 24);
}

static int format_size(struct buf *b, double bytes) {
        static const char SUFFIXES[] = "BKMGT";
        size_t i = 0;

        while (bytes >= 1024 && i + 2 < sizeof(SUFFIXES)) {
                bytes /= 1024;
                i++;
        }
        if (i == 0)
                return buf_printf(b, "%.0f", bytes);
        return buf_printf(b, "%.1f%c", bytes, SUFFIXES[i]);
}

static int format_time(struct buf *b, double seconds) {
        time_t t = (time_t)seconds;
        struct tm tm;
        char text[32];

        /* What came with thox was stored at no time. */
        if (t == 0 || !localtime_r(&t, &tm) || strftime(text, sizeof(text), "%F %T", &tm) == 0)
                return buf_printf(b, "-");
        return buf_printf(b, "%s", text);
}

/* Bytes that are no UTF-8 arrive as {"latin1": text} (json.h). */
static const json_t *text_of(const json_t *value) {
        const json_t *latin1 = json_object_get(value, "latin1");

        return latin1 ? latin1 : value;
}

static int format_plain(struct buf *b, const json_t *value) {
        const json_t *text = text_of(value);
        char *dump;
        int r;

        if (json_is_boolean(value))
                return buf_printf(b, json_is_true(value) ? "yes" : "no");
        if (json_is_string(text))
                return output_escape(b, json_string_value(text), json_string_length(text));
        dump = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
        if (!dump)
                return buf_printf(b, "?");
        r = buf_printf(b, "%s", dump);
        free(dump);
        return r;
}

int output_format(struct buf *b, enum column_kind kind, const json_t *value) {
        double number = json_number_value(value);

        if (!value || json_is_null(value))
                return buf_printf(b, "-");
        if (!json_is_number(value))
                return format_plain(b, value);
        if (kind == COLUMN_DURATION)
                return format_duration(b, number);
        if (kind == COLUMN_SIZE)
                return format_size(b, number);
        if (kind == COLUMN_TIME)
                return format_time(b, number);
        if (kind == COLUMN_CPU)
                return buf_printf(b, "%.2fs", number);
        if (kind == COLUMN_RATE)
                return buf_printf(b, number < 9.95 ? "%.1f" : "%.0f", number);
        return format_plain(b, value);
}

static bool kind_is_right_aligned(enum column_kind kind) {
        return kind == COLUMN_NUMBER || kind == COLUMN_CPU || kind == COLUMN_RATE ||
               kind == COLUMN_SIZE;
}

/* Characters, not bytes: continuation bytes take no room. */
static size_t width_of(const uint8_t *bytes, size_t len) {
        size_t width = 0;

        for (size_t i = 0; i < len; i++)
                width += (bytes[i] & 0xc0) != 0x80;
        return width;
}

/* Bytes of the first `width` characters. */
static size_t cut_to(const uint8_t *bytes, size_t len, size_t width) {
        size_t i = 0;

        for (; i < len; i++)
                if ((bytes[i] & 0xc0) != 0x80 && width-- == 0)
                        break;
        return i;
}

static int table_add_cell(struct table_text *t, size_t row, size_t column, const json_t *value) {
        struct cell *cell = &t->cells[row * t->n_columns + column];
        int r;

        cell->at = t->text.len;
        r = output_format(&t->text, t->columns[column].kind, value);
        if (r < 0)
                return r;
        if (t->text.len == cell->at)
                r = buf_printf(&t->text, "-");
        if (r < 0)
                return r;
        cell->len = t->text.len - cell->at;
        cell->width = width_of(t->text.data + cell->at, cell->len);
        if (cell->width > t->widths[column])
                t->widths[column] = cell->width;
        return 0;
}

static int table_fill(struct table_text *t, const json_t *rows, bool has_heading) {
        int r;

        for (size_t column = 0; has_heading && column < t->n_columns; column++)
                t->widths[column] = strlen(t->columns[column].title);
        for (size_t row = 0; row < t->n_rows; row++)
                for (size_t column = 0; column < t->n_columns; column++) {
                        r = table_add_cell(
                                t, row, column,
                                json_object_get(json_array_get(rows, row), t->columns[column].key));
                        if (r < 0)
                                return r;
                }
        return 0;
}

static void put_spaces(const struct output *o, size_t n) {
        fprintf(o->out, "%*s", (int)n, "");
}

/* Writes one cell and what separates it from the next; returns the columns used so far. */
static size_t put_cell(const struct output *o,
                       const struct table_text *t,
                       size_t column,
                       size_t used,
                       const char *color,
                       const uint8_t *bytes,
                       size_t len) {
        size_t width = width_of(bytes, len), padding = t->widths[column] - width;
        bool is_last = column + 1 == t->n_columns;

        if (kind_is_right_aligned(t->columns[column].kind)) {
                put_spaces(o, padding);
                used += padding;
                padding = 0;
        }
        if (o->columns > 0 && used + width > o->columns)
                len = cut_to(bytes, len, o->columns > used ? o->columns - used : 0);
        fprintf(o->out, "%s%.*s%s", color, (int)len, (const char *)bytes,
                *color ? output_color_end(o) : "");
        if (!is_last && (o->columns == 0 || used + width + padding + 2 <= o->columns))
                put_spaces(o, padding + 2);
        return used + width + padding + 2;
}

static void put_heading(const struct output *o, const struct table_text *t) {
        size_t used = 0;

        for (size_t i = 0; i < t->n_columns; i++) {
                const char *title = t->columns[i].title;

                used = put_cell(o, t, i, used, "", (const uint8_t *)title, strlen(title));
        }
        fputc('\n', o->out);
}

static void put_row(const struct output *o, const struct table_text *t, size_t row) {
        size_t used = 0;

        for (size_t i = 0; i < t->n_columns; i++) {
                const struct cell *cell = &t->cells[row * t->n_columns + i];
                const uint8_t *bytes = t->text.data + cell->at;
                char state[16] = "";

                if (t->columns[i].kind == COLUMN_STATE && cell->len < sizeof(state))
                        memcpy(state, bytes, cell->len);
                used = put_cell(o, t, i, used, output_state_color(o, state), bytes, cell->len);
        }
        fputc('\n', o->out);
}

void output_table(const struct output *o,
                  const struct column *columns,
                  size_t n_columns,
                  const json_t *rows) {
        struct table_text t = { .columns = columns,
                                .n_columns = n_columns,
                                .n_rows = json_array_size(rows) };

        buf_init(&t.text, OUTPUT_MAX_BYTES);
        t.cells = calloc(t.n_rows * n_columns + 1, sizeof(*t.cells));
        t.widths = calloc(n_columns, sizeof(*t.widths));
        if (t.cells && t.widths && table_fill(&t, rows, !o->hides_legend) == 0) {
                if (!o->hides_legend)
                        put_heading(o, &t);
                for (size_t row = 0; row < t.n_rows; row++)
                        put_row(o, &t, row);
        } else {
                fprintf(o->err, "thoxctl: not enough memory to show %zu lines\n", t.n_rows);
        }
        free(t.widths);
        free(t.cells);
        buf_deinit(&t.text);
}

void output_field(const struct output *o, const struct column *field, const json_t *object) {
        const json_t *value = json_object_get(object, field->key);
        struct buf text;

        if (!value || json_is_null(value))
                return;
        buf_init(&text, OUTPUT_MAX_BYTES);
        if (output_format(&text, field->kind, value) == 0) {
                const char *color = field->kind == COLUMN_STATE ?
                                            output_state_color(o, json_string_value(value)) :
                                            "";

                fprintf(o->out, "%-10s %s%.*s%s\n", field->title, color, (int)text.len,
                        (const char *)text.data, *color ? output_color_end(o) : "");
        }
        buf_deinit(&text);
}

void output_put_line(const struct output *o, FILE *to, const char *text, size_t len) {
        if (o->columns > 0)
                len = cut_to((const uint8_t *)text, len, o->columns);
        fprintf(to, "%.*s\n", (int)len, text);
}

static void put_document_take(const struct output *o,
                              const char *schema,
                              json_t *document,
                              size_t flags) {
        json_t *whole = json_pack("{s:s}", "schema", schema);

        if (whole && document && json_object_update(whole, document) == 0) {
                json_dumpf(whole, o->out, flags);
                fputc('\n', o->out);
        } else {
                fprintf(o->err, "thoxctl: not enough memory for the JSON document\n");
        }
        json_decref(whole);
        json_decref(document);
}

void output_document_take(const struct output *o, const char *schema, json_t *document) {
        put_document_take(o, schema, document, JSON_INDENT(2));
}

void output_line_take(const struct output *o, const char *schema, json_t *document) {
        put_document_take(o, schema, document, JSON_COMPACT);
}

static void put_remark(const struct output *o, const char *fmt, va_list args) {
        fputs("thoxctl: ", o->err);
        vfprintf(o->err, fmt, args);
        fputc('\n', o->err);
}

void output_note(const struct output *o, const char *fmt, ...) {
        va_list args;

        if (o->is_quiet)
                return;
        va_start(args, fmt);
        put_remark(o, fmt, args);
        va_end(args);
}

void output_trace(const struct output *o, const char *fmt, ...) {
        va_list args;

        if (!o->is_verbose)
                return;
        va_start(args, fmt);
        put_remark(o, fmt, args);
        va_end(args);
}
