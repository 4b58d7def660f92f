/*
 * past.h - the latest calls that a peer has made, for the report of its end.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct record;

#define PAST_CALLS 8u
#define PAST_NAME_BYTES 43u
#define PAST_UNANSWERED UINT32_MAX

struct past_call {
        uint32_t status; /* enum thox_status, or PAST_UNANSWERED: the peer ended first */
        uint8_t name_len;
        uint8_t name[PAST_NAME_BYTES]; /* longer ones are cut */
};

/* Zeroed at first. */
struct past {
        struct past_call calls[PAST_CALLS];
        uint32_t n; /* ever; the newest is at (n - 1) % PAST_CALLS */
};

/* `name` is in a place of at least PAST_NAME_BYTES, whatever its length. */
void past_add(struct past *p, const void *name, size_t len, uint32_t status);
/* The member "calls": {{name=, status=}, ...}, oldest first; status nil: unanswered. */
void past_record(const struct past *p, struct record *out);
