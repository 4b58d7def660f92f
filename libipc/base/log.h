/*
 * log.h - one line per event, on stderr: a sentence, then key=value fields.
 *
 * The only global of the project. Only programs and boundaries log; libipc itself never does above
 * debug. With stderr a journal stream (JOURNAL_STREAM) each line starts with "<n>", which journald
 * reads as the level; elsewhere levels are words, coloured on a terminal unless NO_COLOR is set.
 * Logging never blocks: lines that stderr does not take are dropped, counted, and reported later.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "libipc/base/macros.h"

enum log_level {
        LOG_LEVEL_ERROR = 3,   /* a person must act */
        LOG_LEVEL_WARNING = 4, /* tolerated; the text says what was done instead */
        LOG_LEVEL_INFO = 6,    /* life events */
        LOG_LEVEL_DEBUG = 7,
};

/* "error", "warning", "info", "debug". */
const char *log_level_name(enum log_level level);
/* -1 when the text is none of them. */
int log_level_parse(const void *text, size_t len);

/* `program` is prefixed to each line ("initd: "); must outlive all logging. */
void log_open(const char *program, enum log_level max);
bool log_wants(enum log_level level);
/* Whether stderr was a journal stream when the log was opened. */
bool log_is_journal(void);

/* The text is printf-style and already contains its fields: log_info("worker started pid=%u", pid).
 * Text from a peer goes through log_quote first. */
void log_write(enum log_level level, const char *fmt, ...) PRINTF_LIKE(2, 3);
#define log_error(...) log_write(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warn(...) log_write(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_info(...) log_write(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...)                                                                             \
        do {                                                                                       \
                if (log_wants(LOG_LEVEL_DEBUG))                                                    \
                        log_write(LOG_LEVEL_DEBUG, __VA_ARGS__);                                   \
        } while (0)

/* Peer-supplied bytes made safe for one log line: quoted, control bytes as \xNN, cut to 200 bytes.
 * Returns a pointer into one of four rotating buffers. */
const char *log_quote(const void *bytes, size_t len);
