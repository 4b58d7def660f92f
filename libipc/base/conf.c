/*
 * conf.c - see conf.h. The only file that knows libconfig, of which it takes the parser alone: what a
 * file may say is decided here.
 */
#include "libipc/base/conf.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <libconfig.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libipc/base/error.h"
#include "libipc/base/file.h"
#include "libipc/base/log.h"
#include "libipc/base/macros.h"
#include "libipc/base/parse.h"

#define CONF_NAME_BYTES 64u /* with group and NUL; longer names are no setting's */

/* One text on its way into a struct. */
struct conf {
        const struct conf_table *table;
        const char *file;
        uint8_t *fields;
        char *why;
};

static int conf_refuse(const struct conf *c, unsigned line, const char *fmt, ...) PRINTF_LIKE(3, 4);
static int conf_refuse(const struct conf *c, unsigned line, const char *fmt, ...) {
        va_list args;
        int n;

        if (line > 0)
                n = snprintf(c->why, CONF_WHY_BYTES, "%s:%u: ", c->file, line);
        else
                n = snprintf(c->why, CONF_WHY_BYTES, "%s: ", c->file);
        if (n >= 0 && n < (int)CONF_WHY_BYTES) {
                va_start(args, fmt);
                vsnprintf(c->why + n, CONF_WHY_BYTES - (size_t)n, fmt, args);
                va_end(args);
        }
        return CONF_E_INVALID;
}

/* ---- suggestions --------------------------------------------------------------------------- */

static unsigned conf_min(unsigned a, unsigned b) {
        return a < b ? a : b;
}

/* How many letters must be added, removed, replaced or swapped with their neighbour. */
static unsigned conf_distance(const char *a, const char *b) {
        const size_t n_a = strlen(a), n_b = strlen(b);
        unsigned d[CONF_NAME_BYTES][CONF_NAME_BYTES];

        assert(n_a < CONF_NAME_BYTES && n_b < CONF_NAME_BYTES);
        for (unsigned i = 0; i <= n_a; i++)
                d[i][0] = i;
        for (unsigned j = 0; j <= n_b; j++)
                d[0][j] = j;
        for (size_t i = 1; i <= n_a; i++) {
                for (size_t j = 1; j <= n_b; j++) {
                        unsigned best = d[i - 1][j - 1] + (a[i - 1] != b[j - 1]);
                        best = conf_min(best, conf_min(d[i - 1][j], d[i][j - 1]) + 1);
                        if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                                best = conf_min(best, d[i - 2][j - 2] + 1);
                        d[i][j] = best;
                }
        }
        return d[n_a][n_b];
}

/* "log" of "log.level"; false for a setting of the top. */
static bool conf_group_of(const struct conf_key *key, char ret_group[CONF_NAME_BYTES]) {
        const char *dot = strrchr(key->name, '.');

        if (!dot)
                return false;
        snprintf(ret_group, CONF_NAME_BYTES, "%.*s", (int)(dot - key->name), key->name);
        return true;
}

/* Also finds what was written in the wrong group: 'level' for 'log.level'. */
static bool conf_is_like(const char *name, const char *known) {
        const char *last = strrchr(known, '.');
        const size_t letters = strlen(name);

        return conf_distance(name, known) <= (letters < 6 ? 1 : letters / 3) ||
               (last && strcmp(name, last + 1) == 0);
}

static int conf_refuse_unknown(const struct conf *c, unsigned line, const char *name) {
        const struct conf_table *t = c->table;
        char list[CONF_WHY_BYTES - 2 * CONF_NAME_BYTES] = "", group[CONF_NAME_BYTES];

        for (size_t i = 0; i < t->n_keys; i++) {
                const char *known = t->keys[i].name;
                const size_t n = strlen(list);

                if (conf_is_like(name, known))
                        return conf_refuse(c, line, "unknown setting '%s'; did you mean '%s'?",
                                           name, known);
                if (conf_group_of(&t->keys[i], group) && conf_is_like(name, group))
                        return conf_refuse(c, line, "unknown group '%s'; did you mean '%s'?", name,
                                           group);
                snprintf(list + n, sizeof(list) - n, "%s%s", n > 0 ? ", " : "", known);
        }
        return conf_refuse(c, line, "unknown setting '%s'; there are %s", name, list);
}

/* ---- values -------------------------------------------------------------------------------- */

static int conf_take_bool(const struct conf *c,
                          const struct conf_key *key,
                          const config_setting_t *s) {
        bool value;

        if (config_setting_type(s) != CONFIG_TYPE_BOOL)
                return conf_refuse(c, s->line, "'%s' must be true or false", key->name);

        value = config_setting_get_bool(s) != 0;
        memcpy(c->fields + key->offset, &value, sizeof(value));
        return 0;
}

static int conf_take_level(const struct conf *c,
                           const struct conf_key *key,
                           const config_setting_t *s) {
        const char *text = config_setting_get_string(s);
        const int value = text ? log_level_parse(text, strlen(text)) : -1;
        const enum log_level level = (enum log_level)value;

        if (value < 0)
                return conf_refuse(c, s->line,
                                   "'%s' must be \"error\", \"warning\", \"info\" or \"debug\"",
                                   key->name);

        memcpy(c->fields + key->offset, &level, sizeof(level));
        return 0;
}

static int conf_take_directory(const struct conf *c,
                               const struct conf_key *key,
                               const config_setting_t *s) {
        const char *text = config_setting_get_string(s);

        if (!text)
                return conf_refuse(c, s->line, "'%s' must be a path in quotes", key->name);
        if (text[0] != '/')
                return conf_refuse(c, s->line, "'%s' must be an absolute path, not %s", key->name,
                                   log_quote(text, strlen(text)));
        if (strlen(text) >= PATH_MAX)
                return conf_refuse(c, s->line, "'%s' must be shorter than %d bytes", key->name,
                                   PATH_MAX);

        memcpy(c->fields + key->offset, text, strlen(text) + 1);
        return 0;
}

static int conf_take_text(const struct conf *c,
                          const struct conf_key *key,
                          const config_setting_t *s) {
        const char *text = config_setting_get_string(s);

        if (!text || *text == '\0')
                return conf_refuse(c, s->line, "'%s' must be a text in quotes", key->name);
        if (strlen(text) >= CONF_TEXT_BYTES)
                return conf_refuse(c, s->line, "'%s' must be shorter than %u bytes", key->name,
                                   CONF_TEXT_BYTES);

        memcpy(c->fields + key->offset, text, strlen(text) + 1);
        return 0;
}

static int conf_take_word(const struct conf *c,
                          const struct conf_key *key,
                          const config_setting_t *s) {
        const char *text = config_setting_get_string(s);
        char list[CONF_WHY_BYTES / 2] = "";

        for (const char *const *word = key->words; *word; word++) {
                const size_t n = strlen(list);

                if (text && strcmp(text, *word) == 0)
                        return conf_take_text(c, key, s);
                snprintf(list + n, sizeof(list) - n, "%s\"%s\"", n > 0 ? ", " : "", *word);
        }
        return conf_refuse(c, s->line, "'%s' must be one of %s", key->name, list);
}

static int conf_take_texts(const struct conf *c,
                           const struct conf_key *key,
                           const config_setting_t *s) {
        struct conf_texts *texts = (struct conf_texts *)(void *)(c->fields + key->offset);
        const bool is_list = config_setting_is_array(s) || config_setting_is_list(s);

        *texts = (struct conf_texts){ .is_set = true };
        for (int i = 0; i < config_setting_length(s); i++) {
                const char *text = is_list ? config_setting_get_string_elem(s, i) : NULL;
                const size_t size = text ? strlen(text) + 1 : 0;

                if (!text)
                        break;
                if (texts->len + size > CONF_TEXTS_BYTES)
                        return conf_refuse(c, s->line, "'%s' must be shorter than %u bytes in all",
                                           key->name, CONF_TEXTS_BYTES);
                memcpy(texts->bytes + texts->len, text, size);
                texts->len += size;
                texts->n++;
        }
        if (!is_list || texts->n < (size_t)config_setting_length(s))
                return conf_refuse(c, s->line, "'%s' must be a list of texts: [ \"a\", \"b\" ]",
                                   key->name);
        return 0;
}

static bool conf_is_integer(const config_setting_t *s) {
        const int type = config_setting_type(s);

        return type == CONFIG_TYPE_INT || type == CONFIG_TYPE_INT64;
}

static int conf_take_integer(const struct conf *c,
                             const struct conf_key *key,
                             const config_setting_t *s) {
        const int64_t value = config_setting_get_int64(s);

        if (!conf_is_integer(s))
                return conf_refuse(c, s->line, "'%s' must be an integer", key->name);

        memcpy(c->fields + key->offset, &value, sizeof(value));
        return 0;
}

typedef int conf_parse_fn(const char *text, uint64_t *ret);

/* A text with a unit, or a plain number, which the same function reads. */
static int conf_take_quantity(const struct conf *c,
                              const struct conf_key *key,
                              const config_setting_t *s,
                              conf_parse_fn *parse,
                              const char *example) {
        char number[32] = "";
        const char *text = config_setting_get_string(s);
        uint64_t value;

        if (conf_is_integer(s))
                snprintf(number, sizeof(number), "%lld", config_setting_get_int64(s));
        else if (config_setting_type(s) == CONFIG_TYPE_FLOAT)
                snprintf(number, sizeof(number), "%f", config_setting_get_float(s));
        if (parse(text ? text : number, &value) < 0)
                return conf_refuse(c, s->line, "'%s' must be like %s", key->name, example);

        memcpy(c->fields + key->offset, &value, sizeof(value));
        return 0;
}

static int conf_take_size(const struct conf *c,
                          const struct conf_key *key,
                          const config_setting_t *s) {
        return conf_take_quantity(c, key, s, parse_size, "\"64M\" or 1048576");
}

static int conf_take_duration(const struct conf *c,
                              const struct conf_key *key,
                              const config_setting_t *s) {
        return conf_take_quantity(c, key, s, parse_duration, "\"250ms\" or 1.5 (seconds)");
}

typedef int conf_take_fn(const struct conf *c,
                         const struct conf_key *key,
                         const config_setting_t *s);
static conf_take_fn *const takers[] = {
        [CONF_BOOL] = conf_take_bool,           [CONF_LEVEL] = conf_take_level,
        [CONF_DIRECTORY] = conf_take_directory, [CONF_TEXT] = conf_take_text,
        [CONF_WORD] = conf_take_word,           [CONF_TEXTS] = conf_take_texts,
        [CONF_INTEGER] = conf_take_integer,     [CONF_SIZE] = conf_take_size,
        [CONF_DURATION] = conf_take_duration,
};
static_assert(ARRAY_SIZE(takers) == _CONF_TYPE_N, "one per type");

/* ---- the text ------------------------------------------------------------------------------ */

static const struct conf_key *conf_find_key(const struct conf_table *t, const char *name) {
        for (size_t i = 0; i < t->n_keys; i++)
                if (strcmp(t->keys[i].name, name) == 0)
                        return &t->keys[i];
        return NULL;
}

static bool conf_has_group(const struct conf_table *t, const char *name) {
        char group[CONF_NAME_BYTES];

        for (size_t i = 0; i < t->n_keys; i++)
                if (conf_group_of(&t->keys[i], group) && strcmp(group, name) == 0)
                        return true;
        return false;
}

static int conf_take_group(const struct conf *c, const config_setting_t *group, const char *prefix);

/* Goes only into groups that the table has, so no text makes it go deep. */
static int conf_take(const struct conf *c, const config_setting_t *s, const char *prefix) {
        char name[CONF_NAME_BYTES];
        const int n = snprintf(name, sizeof(name), "%s%s%s", prefix, prefix[0] != '\0' ? "." : "",
                               config_setting_name(s));
        const struct conf_key *key;

        if (n >= (int)sizeof(name))
                return conf_refuse(c, s->line, "unknown setting '%s...'", name);
        key = conf_find_key(c->table, name);
        if (key)
                return takers[key->type](c, key, s);
        if (!conf_has_group(c->table, name))
                return conf_refuse_unknown(c, s->line, name);
        if (!config_setting_is_group(s))
                return conf_refuse(c, s->line, "'%s' must be a group: %s: { ... };", name, name);
        return conf_take_group(c, s, name);
}

static int conf_take_group(const struct conf *c,
                           const config_setting_t *group,
                           const char *prefix) {
        const int n = config_setting_length(group);
        int r = 0;

        for (int i = 0; i < n && r == 0; i++)
                r = conf_take(c, config_setting_get_elem(group, (unsigned)i), prefix);
        return r;
}

int conf_parse(const struct conf_table *table,
               const char *text,
               const char *file,
               void *fields,
               char *why) {
        const struct conf c = { table, file, fields, why };
        config_t CLEANUP(config_destroy) tree;

        config_init(&tree);
        /* Where no file can be: libconfig ends the process over an include that is a directory. */
        config_set_include_dir(&tree, "/dev/null");
        if (config_read_string(&tree, text) != CONFIG_TRUE)
                return conf_refuse(&c, (unsigned)config_error_line(&tree), "%s%s",
                                   config_error_text(&tree),
                                   strstr(config_error_text(&tree), "include") ?
                                           "; @include is not supported" :
                                           "");

        return conf_take_group(&c, config_root_setting(&tree), "");
}

/* ---- files --------------------------------------------------------------------------------- */

static void conf_bytes_freep(uint8_t **bytes) {
        free(*bytes);
}

int conf_read(const struct conf_table *table, const char *path, void *fields, char *why) {
        const struct conf c = { table, path, fields, why };
        uint8_t *text CLEANUP(conf_bytes_freep) = NULL;
        size_t len;
        int r;

        r = file_read(-1, path, CONF_FILE_BYTES_MAX, &text, &len);
        if (r == -ENOENT || r == -ENOTDIR)
                return CONF_E_MISSING;
        if (r == -ENOMEM)
                return error_trace(r);
        if (r < 0)
                return conf_refuse(&c, 0, "cannot read it: %s", strerror(-r));
        if (strlen((char *)text) != len)
                return conf_refuse(&c, 0, "has a NUL byte: it is no text");
        return error_trace(conf_parse(table, (char *)text, path, fields, why));
}

static int conf_is_file_name(const struct dirent *entry) {
        const size_t n = strlen(entry->d_name);

        return entry->d_name[0] != '.' && n > 5 && strcmp(entry->d_name + n - 5, ".conf") == 0;
}

static int conf_compare_names(const struct dirent **a, const struct dirent **b) {
        return strcmp((*a)->d_name, (*b)->d_name);
}

int conf_read_dir(const struct conf_table *table, const char *dir, void *fields, char *why) {
        const struct conf c = { table, dir, fields, why };
        char path[PATH_MAX + NAME_MAX + 2];
        struct dirent **entries;
        int n, r = 0;

        n = scandir(dir, &entries, conf_is_file_name, conf_compare_names);
        if (n < 0 && errno == ENOMEM)
                return error_origin(ENOMEM);
        if (n < 0 && errno != ENOENT && errno != ENOTDIR)
                return conf_refuse(&c, 0, "cannot read it: %s", strerror(errno));

        for (int i = 0; i < n; i++) {
                snprintf(path, sizeof(path), "%s/%s", dir, entries[i]->d_name);
                if (r == 0)
                        r = conf_read(table, path, fields, why);
                /* Removed since, or a link to nowhere: as if it had not been there. */
                if (r == CONF_E_MISSING)
                        r = 0;
                free(entries[i]);
        }
        if (n >= 0)
                free(entries);
        return error_trace(r);
}
