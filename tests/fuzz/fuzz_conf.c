/*
 * fuzz_conf.c - bytes as a configuration file: either every setting holds a value of its kind, or
 * there is a sentence that names the file.
 */
#include <assert.h>
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "libipc/base/conf.h"
#include "libipc/base/log.h"
#include "libipc/base/macros.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* libconfig 1.5 loses the pieces of a text in quotes that a syntax error follows. */
__attribute__((visibility("default"))) const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void) {
        return "leak:libconfig.so\n";
}

struct fields {
        uint8_t before;
        bool startup;
        enum log_level level;
        char store[PATH_MAX];
        char text[CONF_TEXT_BYTES], word[CONF_TEXT_BYTES];
        struct conf_texts texts;
        int64_t integer;
        uint64_t size, duration;
        uint8_t after;
};

static const char *const words[] = { "red", "green", NULL };

static const struct conf_key keys[] = {
        { "startup", CONF_BOOL, offsetof(struct fields, startup), NULL },
        { "store", CONF_DIRECTORY, offsetof(struct fields, store), NULL },
        { "log.level", CONF_LEVEL, offsetof(struct fields, level), NULL },
        { "t", CONF_TEXT, offsetof(struct fields, text), NULL },
        { "word", CONF_WORD, offsetof(struct fields, word), words },
        { "a.b.list", CONF_TEXTS, offsetof(struct fields, texts), NULL },
        { "a.n", CONF_INTEGER, offsetof(struct fields, integer), NULL },
        { "a.size", CONF_SIZE, offsetof(struct fields, size), NULL },
        { "a.b.time", CONF_DURATION, offsetof(struct fields, duration), NULL },
};
static const struct conf_table table = { keys, ARRAY_SIZE(keys) };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        struct fields f = {
                .before = 42, .startup = true, .level = LOG_LEVEL_INFO, .store = "/", .after = 42
        };
        char why[CONF_WHY_BYTES];
        if (size > CONF_FILE_BYTES_MAX)
                return 0;
        char *text = malloc(size + 1);
        if (!text)
                abort();
        memcpy(text, data, size);
        text[size] = '\0';

        int r = conf_parse(&table, text, "fuzz.conf", &f, why);
        free(text);
        assert(r == CONF_OK || r == CONF_E_INVALID);
        assert(r == CONF_OK || (memchr(why, '\0', sizeof(why)) && !strncmp(why, "fuzz.conf:", 10)));
        assert(f.before == 42 && f.after == 42);
        assert(f.store[0] == '/' && memchr(f.store, '\0', sizeof(f.store)));
        assert(memchr(f.text, '\0', sizeof(f.text)) && memchr(f.word, '\0', sizeof(f.word)));
        assert(f.texts.len <= CONF_TEXTS_BYTES && f.texts.n <= f.texts.len);
        assert(f.texts.len == 0 || f.texts.bytes[f.texts.len - 1] == '\0');
        assert(log_level_name(f.level) &&
               (f.level == LOG_LEVEL_INFO || strcmp(log_level_name(f.level), "info") != 0));
        return 0;
}
