/*
 * output.h - what thoxctl shows: tables and text for people, one JSON document for programs.
 *
 * Data goes to `out`, notes go to `err`. Text that came from elsewhere never reaches a terminal as
 * control bytes: cells and lines are escaped here. Numbers arrive as JSON values and get their
 * human form by the column's kind, so that both forms show the same data.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "libipc/base/buf.h"
#include "libipc/base/macros.h"

enum color_when {
        COLOR_AUTO,
        COLOR_ALWAYS,
        COLOR_NEVER,
};

struct output {
        FILE *out, *err;
        bool is_json, is_quiet, is_verbose, has_color;
        bool hides_legend;    /* --no-legend: no heading line */
        unsigned int columns; /* width lines are cut to; 0: not a terminal, cut nothing */
};

/* How a cell is written for people. */
enum column_kind {
        COLUMN_TEXT,
        COLUMN_NUMBER,
        COLUMN_STATE,    /* a word with a colour */
        COLUMN_DURATION, /* seconds: "3m 12s" */
        COLUMN_CPU,      /* seconds with two decimals */
        COLUMN_RATE,     /* a second, or percent: one decimal below 10 */
        COLUMN_SIZE,     /* bytes: "1.2M" */
        COLUMN_TIME,     /* seconds since the epoch: "2026-01-31 12:00:00" */
        _COLUMN_KIND_N,
};

struct column {
        const char *title;
        const char *key; /* member of each row */
        enum column_kind kind;
};

/* Standard streams, terminal width, and colour by `when`, NO_COLOR, TERM and the terminal. Called
 * again when an option has changed `when`. */
void output_init(struct output *o, enum color_when when);

/* `rows` is an array of objects, shown in its order; borrowed. */
void output_table(const struct output *o,
                  const struct column *columns,
                  size_t n_columns,
                  const json_t *rows);
/* One "key: value" line, the value written as `kind` says; nothing when it is absent or null. */
void output_field(const struct output *o, const struct column *field, const json_t *object);
/* The one document of --json. Takes `document`, an object, and puts "schema" first. */
void output_document_take(const struct output *o, const char *schema, json_t *document);
/* The same as one line, for streams of documents. */
void output_line_take(const struct output *o, const char *schema, json_t *document);
/* One line of text to `to`, as much of it as the terminal is wide. */
void output_put_line(const struct output *o, FILE *to, const char *text, size_t len);
/* A remark on stderr, unless --quiet. */
void output_note(const struct output *o, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* A remark on stderr, only with --verbose. */
void output_trace(const struct output *o, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* Appends `value` as people read it; nil is "-". */
int output_format(struct buf *b, enum column_kind kind, const json_t *value);
/* Appends bytes with control characters as \xNN. */
int output_escape(struct buf *b, const char *bytes, size_t len);
/* The word in the colour of that state; a constant string before and after it, "" without colour. */
const char *output_state_color(const struct output *o, const char *state);
const char *output_color_end(const struct output *o);
