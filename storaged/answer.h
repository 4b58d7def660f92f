/*
 * answer.h - results into values: the members of a table, and the answer that has them.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "libipc/request.h"

/* One key and its value. 0 or -errno of the buffer. */
int answer_integer(struct buf *values, const char *key, uint64_t n);
int answer_bytes(struct buf *values, const char *key, const void *bytes, size_t len);
int answer_text(struct buf *values, const char *key, const char *text);
int answer_boolean(struct buf *values, const char *key, bool v);
int answer_time(struct buf *values, const char *key, uint64_t time_us); /* seconds */

/* Answers with the values, which are released; `r`: whether they could be put together. */
void answer_send(struct request *request, int r, struct buf *values);
