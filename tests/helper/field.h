/*
 * field.h - fields of the tables in an answer, by name.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "libipc/wire.h"

/* Answers that are one table. */
int64_t field_integer(const struct wire_frame *frame, const char *field);
void field_text(const struct wire_frame *frame, const char *field, char ret[128]);
/* Of the row named so in the list that is a field of the table. */
bool field_row_integer(const struct wire_frame *frame,
                       const char *list,
                       const char *name,
                       const char *field,
                       int64_t *ret);

/* Answers that are a list of tables: of the first one whose `name` is so; false: there is none. */
bool row_integer(const struct wire_frame *frame, const char *name, const char *field, int64_t *ret);
bool row_text(const struct wire_frame *frame, const char *name, const char *field, char ret[128]);
size_t row_count(const struct wire_frame *frame);
