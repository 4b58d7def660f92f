/*
 * wire_scan.h - private to wire.c: what must hold before protobuf-c sees a byte. No allocation; depth is
 * bounded by the schema, which has no recursive message (tests/lint/proto.py).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct scan {
        size_t n_fields, n_unknown, n_bodies;
        const uint8_t *extra;      /* the first field that is no part of the body, or the end */
        const uint8_t *values_tag; /* where values begin, or the end */
        const uint8_t *values;     /* their content, NULL without */
        size_t values_len;
        const char *reason; /* of a refusal */
};

/* True when the frame has legal fields of the right wire types, within the limits, none twice that may
 * occur once, exactly one body, and values of just this length at its end. */
bool scan_frame(struct scan *s, const uint8_t *body, size_t len, size_t values_len);

/* The position after the varint at `at`, NULL when it does not end in time. */
const uint8_t *scan_varint(const uint8_t *at, const uint8_t *end, uint64_t *ret);
