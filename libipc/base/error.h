/*
 * error.h - the error rule (docs/STYLE.md): a function returns 0, a positive code of its own module
 * that its direct caller handles, or a negative errno that nobody examines and everybody passes up.
 *
 * Three words say at every return which kind it is. Each records file and line, so that the one
 * boundary that swallows the error can print the chain (error_describe).
 */
#pragma once

#include <errno.h>

/* An unexpected failure is born here: returns -errnum. `errnum` is positive. */
#define error_origin(errnum) error_origin_at((errnum), __FILE__, __LINE__)

/* Pass a code on unchanged. Zero and positive codes go through without a record. */
#define error_trace(r) error_trace_at((r), __FILE__, __LINE__)

/* As error_trace, but a positive code nobody here expects becomes -ENOTRECOVERABLE. */
#define error_fold(r) error_fold_at((r), __FILE__, __LINE__)

void error_record_origin(int errnum, const char *file, int line);
void error_record_step(const char *file, int line);

/* Inline, so that the compiler sees which sign a result has. */
static inline int error_origin_at(int errnum, const char *file, int line) {
        error_record_origin(errnum, file, line);
        return errnum > 0 ? -errnum : -1;
}
static inline int error_trace_at(int r, const char *file, int line) {
        if (r < 0)
                error_record_step(file, line);
        return r;
}
static inline int error_fold_at(int r, const char *file, int line) {
        if (r > 0)
                return error_origin_at(ENOTRECOVERABLE, file, line);
        return error_trace_at(r, file, line);
}

/* The chain since the last error_origin, "file:line < file:line ...", for one debug line. The text
 * is valid until the next origin. */
const char *error_describe(void);
