/*
 * error.h - the error rule (docs/STYLE.md): a function returns 0, a positive code of its own module
 * that its direct caller handles, or a negative errno that nobody examines and everybody passes up.
 *
 * Three words say at every return which kind it is. Each records file and line, so that the one
 * boundary that swallows the error can print the chain (error_describe).
 */
#pragma once

#include "libipc/base/macros.h"

/* An unexpected failure is born here: returns -errnum. `errnum` is positive. */
#define error_origin(errnum) error_record_origin((errnum), __FILE__, __LINE__)

/* Pass a code on unchanged. Zero and positive codes go through without a record. */
#define error_trace(r) error_record_trace((r), __FILE__, __LINE__)

/* As error_trace, but a positive code nobody here expects becomes -ENOTRECOVERABLE. */
#define error_fold(r) error_record_fold((r), __FILE__, __LINE__)

int error_record_origin(int errnum, const char *file, int line);
int error_record_trace(int r, const char *file, int line);
int error_record_fold(int r, const char *file, int line);

/* The chain since the last error_origin, "file:line < file:line ...", for one debug line. The text
 * is valid until the next origin. */
const char *error_describe(void);
