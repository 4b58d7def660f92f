/*
 * error.c - records where an error was born and which way it took. One chain at a time in each
 * thread: an error reaches its boundary before the next is born.
 */
#include "libipc/base/error.h"

#include <assert.h>
#include <stddef.h>
#include <stdio.h>

#define ERROR_STEPS_MAX 16u
#define ERROR_TEXT_BYTES 1024u

struct error_step {
        const char *file;
        int line;
};

static _Thread_local struct error_step error_steps[ERROR_STEPS_MAX];
static _Thread_local size_t error_n_steps;

void error_record_step(const char *file, int line) {
        /* A chain that is too long keeps its start: the origin says most. */
        if (error_n_steps < ERROR_STEPS_MAX)
                error_steps[error_n_steps++] = (struct error_step){ .file = file, .line = line };
}

void error_record_origin(int errnum, const char *file, int line) {
        assert(errnum > 0);
        error_n_steps = 0;
        error_record_step(file, line);
}

const char *error_describe(void) {
        static _Thread_local char text[ERROR_TEXT_BYTES];
        size_t len = 0;

        text[0] = '\0';
        for (size_t i = 0; i < error_n_steps && len < sizeof(text); i++) {
                const struct error_step *step = &error_steps[i];
                int n;

                n = snprintf(text + len, sizeof(text) - len, "%s%s:%d", i > 0 ? " < " : "",
                             step->file, step->line);
                len += n > 0 ? (size_t)n : 0;
        }
        return text;
}
