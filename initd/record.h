/*
 * record.h - writes an answer's tables field by field. Errors (no memory) stick: the writer looks at
 * them once, at the end.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "libipc/base/buf.h"

struct call;

/* On the stack; ended by record_answer. */
struct record {
        struct buf values;
        int error;
};

void record_init(struct record *r);
/* `n` items or pairs follow. */
void record_array(struct record *r, size_t n);
/* Pairs follow up to record_end. */
void record_map(struct record *r);
void record_end(struct record *r);
/* One item of an array. */
void record_item(struct record *r, const void *bytes, size_t len);
/* Exactly `n` pairs follow. */
void record_pairs(struct record *r, size_t n);
/* What is believed to be a sequence of values, as an array that nobody has looked into. */
void record_sequence(struct record *r, const void *values, size_t len);

void record_key(struct record *r, const char *key);
void record_text(struct record *r, const char *key, const char *text);
void record_bytes(struct record *r, const char *key, const void *bytes, size_t len);
void record_integer(struct record *r, const char *key, uint64_t v);
void record_boolean(struct record *r, const char *key, bool v);
void record_float(struct record *r, const char *key, double v);

/* A value of its own, not a member. */
void record_count(struct record *r, uint64_t n);

/* Adds what was written to another one. */
void record_append(struct record *r, const struct record *other);

/* Answers `call` (may be NULL) with what was written, or that there is no memory; releases. */
void record_answer(struct record *r, struct call *call);
