/*
 * conf.h - settings from text files into a struct, by a table of those there are. What is in no
 * table is refused, with a suggestion; so is a value of another kind. The text is libconfig's:
 *
 *     keep = true;                 # comment
 *     log: { level = "debug"; };   // the setting "log.level"
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define CONF_FILE_BYTES_MAX (64u << 10)
#define CONF_WHY_BYTES 512u
#define CONF_TEXT_BYTES 256u   /* with NUL */
#define CONF_TEXTS_BYTES 4096u /* all texts of one list, each with NUL */

/* A list of texts, one behind the other, each with its NUL. */
struct conf_texts {
        bool is_set; /* also of a list of none */
        size_t n, len;
        char bytes[CONF_TEXTS_BYTES];
};

enum conf_type {
        CONF_BOOL,      /* true, false: a bool */
        CONF_LEVEL,     /* "error", "warning", "info", "debug": an enum log_level */
        CONF_DIRECTORY, /* an absolute path: a char[PATH_MAX] */
        CONF_TEXT,      /* a char[CONF_TEXT_BYTES], not empty */
        CONF_WORD,      /* one of `words`: a char[CONF_TEXT_BYTES] */
        CONF_TEXTS,     /* [ "a", "b" ]: a struct conf_texts */
        CONF_INTEGER,   /* an int64_t */
        CONF_SIZE,      /* "64M", or bytes: a uint64_t */
        CONF_DURATION,  /* "250ms", or seconds: a uint64_t of microseconds */
        _CONF_TYPE_N,
};

struct conf_key {
        const char *name; /* "keep", "log.level" */
        enum conf_type type;
        size_t offset;            /* of the field in the struct to fill */
        const char *const *words; /* CONF_WORD's, with NULL at the end */
};

struct conf_table {
        const struct conf_key *keys;
        size_t n_keys;
};

enum conf_error {
        CONF_OK = 0,
        CONF_E_INVALID = 1, /* `why` says what, where ("FILE:LINE: ...") and how to repair it */
        CONF_E_MISSING = 2, /* there is no such file */
};

/* Fills the fields that the text names. After CONF_E_INVALID some are set: fill a copy. `file` is the
 * name for messages. `why` has CONF_WHY_BYTES. */
int conf_parse(const struct conf_table *table,
               const char *text,
               const char *file,
               void *fields,
               char *why);

int conf_read(const struct conf_table *table, const char *path, void *fields, char *why);
/* The files DIR/NAME.conf in the order of their names; none, or no directory, is CONF_OK. */
int conf_read_dir(const struct conf_table *table, const char *dir, void *fields, char *why);
