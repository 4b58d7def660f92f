/*
 * test_conf.c - settings from text, and what is said about those that do not fit.
 */
#include "libipc/base/conf.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libipc/base/fd.h"
#include "libipc/base/log.h"
#include "libipc/base/macros.h"
#include "tests/helper/failing_malloc.h"

struct fields {
        bool startup, keep;
        enum log_level level;
        char store[PATH_MAX];
        char after; /* what a path that is too long would hit */
};

static const struct conf_key keys[] = {
        { "startup", CONF_BOOL, offsetof(struct fields, startup), NULL },
        { "keep", CONF_BOOL, offsetof(struct fields, keep), NULL },
        { "store", CONF_DIRECTORY, offsetof(struct fields, store), NULL },
        { "log.level", CONF_LEVEL, offsetof(struct fields, level), NULL },
};
static const struct conf_table table = { keys, ARRAY_SIZE(keys) };

static struct fields fields;
static char why[CONF_WHY_BYTES];

static void set_up(void) {
        fields = (struct fields){ .startup = true, .level = LOG_LEVEL_INFO, .store = "/default" };
}

TestSuite(conf, .init = set_up, .timeout = 20);

static void expect_set(const char *text) {
        const int r = conf_parse(&table, text, "x.conf", &fields, why);
        cr_assert_eq(r, CONF_OK, "%s: %s", text, r == CONF_E_INVALID ? why : strerror(-r));
}

static void expect_refused(const char *text, const char *sentence) {
        memset(why, 'w', sizeof(why));
        cr_assert_eq(conf_parse(&table, text, "x.conf", &fields, why), CONF_E_INVALID, "%s", text);
        cr_assert(memchr(why, '\0', sizeof(why)));
        cr_expect_str_eq(why, sentence);
}

Test(conf, what_is_not_named_keeps_its_value) {
        expect_set("");
        expect_set("# only a comment\n");
        expect_set("log: { };");
        cr_expect(fields.startup);
        cr_expect_not(fields.keep);
        cr_expect_eq(fields.level, LOG_LEVEL_INFO);
        cr_expect_str_eq(fields.store, "/default");
}

Test(conf, settings_of_every_kind_are_taken) {
        expect_set("startup = false; // comment\n"
                   "keep: TRUE\n"
                   "/* more */ store = \"/srv/\" \"thox\";\n"
                   "log = { level = \"debug\" }\n");
        cr_expect_not(fields.startup);
        cr_expect(fields.keep);
        cr_expect_eq(fields.level, LOG_LEVEL_DEBUG);
        cr_expect_str_eq(fields.store, "/srv/thox");
}

Test(conf, an_unknown_setting_is_refused_with_its_line_and_the_likely_one) {
        static const struct {
                const char *name, *like;
        } cases[] = {
                { "statup", "startup" },   { "startupp", "startup" }, { "stratup", "startup" },
                { "start_up", "startup" }, { "kepe", "keep" },        { "Keep", "keep" },
                { "stroe", "store" },      { "level", "log.level" },
        };
        char text[64], sentence[128];

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                snprintf(text, sizeof(text), "\n\n%s = true;", cases[i].name);
                snprintf(sentence, sizeof(sentence),
                         "x.conf:3: unknown setting '%s'; did you mean '%s'?", cases[i].name,
                         cases[i].like);
                expect_refused(text, sentence);
        }
        expect_refused("log: {\n levle = \"debug\"; };",
                       "x.conf:2: unknown setting 'log.levle'; did you mean 'log.level'?");
        expect_refused("lgo: { level = \"debug\"; };",
                       "x.conf:1: unknown group 'lgo'; did you mean 'log'?");
}

Test(conf, a_setting_like_no_other_is_refused_with_all_there_are) {
        expect_refused("colour = 1;",
                       "x.conf:1: unknown setting 'colour'; there are startup, keep, "
                       "store, log.level");
        expect_refused("a: { b: { c = 1; }; };",
                       "x.conf:1: unknown setting 'a'; there are startup, keep, store, log.level");
}

Test(conf, values_of_another_kind_are_refused) {
        expect_refused("startup = 1;", "x.conf:1: 'startup' must be true or false");
        expect_refused("startup = \"no\";", "x.conf:1: 'startup' must be true or false");
        expect_refused("keep: { };", "x.conf:1: 'keep' must be true or false");
        expect_refused("store = true;", "x.conf:1: 'store' must be a path in quotes");
        expect_refused("store = ( \"/a\" );", "x.conf:1: 'store' must be a path in quotes");
        expect_refused("store = \"here\\n\";",
                       "x.conf:1: 'store' must be an absolute path, not \"here\\x0a\"");
        expect_refused("store = \"\";", "x.conf:1: 'store' must be an absolute path, not \"\"");
        expect_refused("log = \"debug\";", "x.conf:1: 'log' must be a group: log: { ... };");
        expect_refused(
                "log: { level = \"loud\"; };",
                "x.conf:1: 'log.level' must be \"error\", \"warning\", \"info\" or \"debug\"");
        expect_refused(
                "log: { level = 7; };",
                "x.conf:1: 'log.level' must be \"error\", \"warning\", \"info\" or \"debug\"");
}

/* ---- kinds that only some tables have ---- */

struct more {
        char text[CONF_TEXT_BYTES], word[CONF_TEXT_BYTES];
        struct conf_texts texts;
        int64_t integer;
        uint64_t size, duration;
};

static const char *const words[] = { "red", "green", NULL };

static const struct conf_key more_keys[] = {
        { "text", CONF_TEXT, offsetof(struct more, text), NULL },
        { "word", CONF_WORD, offsetof(struct more, word), words },
        { "texts", CONF_TEXTS, offsetof(struct more, texts), NULL },
        { "n", CONF_INTEGER, offsetof(struct more, integer), NULL },
        { "size", CONF_SIZE, offsetof(struct more, size), NULL },
        { "time", CONF_DURATION, offsetof(struct more, duration), NULL },
};
static const struct conf_table more_table = { more_keys, ARRAY_SIZE(more_keys) };
static struct more more;

static void expect_more_refused(const char *text, const char *sentence) {
        cr_assert_eq(conf_parse(&more_table, text, "x", &more, why), CONF_E_INVALID, "%s", text);
        cr_expect_str_eq(why, sentence);
}

Test(conf, texts_numbers_and_lists_are_taken) {
        int r = conf_parse(
                &more_table,
                "text = \"a\"; word = \"green\"; texts = [ \"b\", \"\", \"cd\" ]; n = -3; "
                "size = \"2K\"; time = 1.5;",
                "x", &more, why);
        cr_assert_eq(r, CONF_OK, "%s", why);
        cr_expect_str_eq(more.text, "a");
        cr_expect_str_eq(more.word, "green");
        cr_expect_eq(more.texts.n, 3);
        cr_expect_arr_eq(more.texts.bytes, "b\0\0cd", 6);
        cr_expect_eq(more.texts.len, 6);
        cr_expect_eq(more.integer, -3);
        cr_expect_eq(more.size, 2048);
        cr_expect_eq(more.duration, 1500000);

        cr_assert_eq(conf_parse(&more_table, "size = 4096; time = \"250ms\"; texts = ();", "x",
                                &more, why),
                     CONF_OK);
        cr_expect_eq(more.size, 4096);
        cr_expect_eq(more.duration, 250000);
        cr_expect_eq(more.texts.n, 0, "a list is replaced, not added to");
}

Test(conf, texts_numbers_and_lists_of_another_kind_are_refused) {
        static const char list[] = "x:1: 'texts' must be a list of texts: [ \"a\", \"b\" ]";
        char long_text[CONF_TEXTS_BYTES + 64];

        expect_more_refused("text = 1;", "x:1: 'text' must be a text in quotes");
        expect_more_refused("text = \"\";", "x:1: 'text' must be a text in quotes");
        expect_more_refused("word = \"blue\";", "x:1: 'word' must be one of \"red\", \"green\"");
        expect_more_refused("word = 1;", "x:1: 'word' must be one of \"red\", \"green\"");
        expect_more_refused("texts = \"a\";", list);
        expect_more_refused("texts = [ 1, 2 ];", list);
        expect_more_refused("texts = ( \"a\", 2 );", list);
        expect_more_refused("texts: { a = \"b\"; };", list);
        expect_more_refused("n = 1.5;", "x:1: 'n' must be an integer");
        expect_more_refused("n = \"1\";", "x:1: 'n' must be an integer");
        expect_more_refused("size = \"much\";", "x:1: 'size' must be like \"64M\" or 1048576");
        expect_more_refused("size = -1;", "x:1: 'size' must be like \"64M\" or 1048576");
        expect_more_refused("size = [];", "x:1: 'size' must be like \"64M\" or 1048576");
        expect_more_refused("time = true;", "x:1: 'time' must be like \"250ms\" or 1.5 (seconds)");

        snprintf(long_text, sizeof(long_text), "text = \"%0*d\";", (int)CONF_TEXT_BYTES, 1);
        expect_more_refused(long_text, "x:1: 'text' must be shorter than 256 bytes");
        snprintf(long_text, sizeof(long_text), "texts = [ \"%0*d\" ];", (int)CONF_TEXTS_BYTES, 1);
        expect_more_refused(long_text, "x:1: 'texts' must be shorter than 4096 bytes in all");
}

Test(conf, text_that_is_none_is_refused_with_its_line) {
        expect_refused("keep = true;\nstore =", "x.conf:2: syntax error");
        expect_refused("keep = true;\nkeep = false;", "x.conf:2: duplicate setting name");
        expect_refused("log: {\n level = \"info;\n};", "x.conf:3: syntax error");
        expect_refused("@include \"/etc/passwd\"",
                       "x.conf:1: cannot open include file; @include is not supported");
        expect_refused("@include \"/\"",
                       "x.conf:1: cannot open include file; @include is not supported");
}

/* Lengths around the limits of names and paths. */
Test(conf, long_names_and_values_are_refused) {
        static char text[PATH_MAX + 64];

        for (size_t n = 50; n < 80; n++) {
                memset(text, 'n', n);
                strcpy(text + n, " = 1;");
                cr_expect_eq(conf_parse(&table, text, "x.conf", &fields, why), CONF_E_INVALID);
                cr_expect(strstr(why, "unknown setting 'nnn"), "%s", why);
        }

        const size_t head = (size_t)snprintf(text, sizeof(text), "store = \"");
        fields.after = 42;
        memset(text + head, '/', PATH_MAX);
        strcpy(text + head + PATH_MAX, "\";");
        expect_refused(text, "x.conf:1: 'store' must be shorter than 4096 bytes");
        strcpy(text + head + PATH_MAX - 1, "\";");
        expect_set(text);
        cr_expect_eq(strlen(fields.store), PATH_MAX - 1);
        cr_expect_eq(fields.after, 42);
}

Test(conf, deep_groups_do_no_harm) {
        static char text[6 * 3000 + 1];

        for (size_t i = 0; i < 3000; i++)
                memcpy(text + i * 6, "log:{ ", 6);
        cr_expect_eq(conf_parse(&table, text, "x.conf", &fields, why), CONF_E_INVALID);
}

/* ---- files --------------------------------------------------------------------------------- */

static char dir[64], path[128];

static void make_dir(void) {
        snprintf(dir, sizeof(dir), "/tmp/thox-test-conf-XXXXXX");
        cr_assert(mkdtemp(dir));
        set_up();
}

static void remove_dir(void) {
        char command[128];
        snprintf(command, sizeof(command), "rm -rf %s", dir);
        cr_assert_eq(system(command), 0);
}

static const char *put(const char *name, const void *text, size_t len) {
        snprintf(path, sizeof(path), "%s/%s", dir, name);
        int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        cr_assert_eq(fd_write_all(fd, text, len), 0);
        fd_close(fd);
        return path;
}

TestSuite(conf_file, .init = make_dir, .fini = remove_dir, .timeout = 20);

Test(conf_file, a_file_is_read_and_named_in_refusals) {
        char sentence[256];
        cr_assert_eq(conf_read(&table, put("a", "keep = true;", 12), &fields, why), CONF_OK);
        cr_expect(fields.keep);

        snprintf(sentence, sizeof(sentence), "%s/b:1: syntax error", dir);
        cr_assert_eq(conf_read(&table, put("b", "keep", 4), &fields, why), CONF_E_INVALID);
        cr_expect_str_eq(why, sentence);
}

Test(conf_file, a_file_that_is_not_there_is_told_from_one_that_cannot_be_read) {
        static char large[CONF_FILE_BYTES_MAX + 1];
        cr_expect_eq(conf_read(&table, "/nowhere/x.conf", &fields, why), CONF_E_MISSING);
        cr_expect_eq(conf_read(&table, "/dev/null/x.conf", &fields, why), CONF_E_MISSING);

        cr_expect_eq(conf_read(&table, dir, &fields, why), CONF_E_INVALID);
        cr_expect(strstr(why, ": cannot read it: Is a directory"), "%s", why);
        cr_expect_eq(conf_read(&table, put("nul", "keep = true;\0x", 14), &fields, why),
                     CONF_E_INVALID);
        cr_expect(strstr(why, ": has a NUL byte"), "%s", why);
        cr_expect_not(fields.keep);

        memset(large, '\n', sizeof(large));
        cr_expect_eq(conf_read(&table, put("large", large, sizeof(large)), &fields, why),
                     CONF_E_INVALID);
        cr_expect(strstr(why, ": cannot read it: File too large"), "%s", why);
}

Test(conf_file, files_of_a_directory_are_read_by_name) {
        char sentence[256];
        cr_assert_eq(conf_read_dir(&table, dir, &fields, why), CONF_OK);
        put("20.conf", "store = \"/second\";", 18);
        put("10.conf", "store = \"/first\"; keep = true;", 30);
        put("30.conf~", "store = \"/third\";", 17);
        put(".40.conf", "store = \"/fourth\";", 18);
        put(".conf", "store = \"/fifth\";", 17);
        snprintf(path, sizeof(path), "%s/50.conf", dir);
        cr_assert_eq(symlink("/nowhere/50.conf", path), 0);
        snprintf(path, sizeof(path), "%s/60.conf", dir);
        cr_assert_eq(symlink("/dev/null", path), 0);
        unlink(path);
        cr_assert_eq(conf_read_dir(&table, dir, &fields, why), CONF_OK, "%s", why);
        cr_expect_str_eq(fields.store, "/second");
        cr_expect(fields.keep);

        put("15.conf", "\nkep = true;", 12);
        snprintf(sentence, sizeof(sentence),
                 "%s/15.conf:2: unknown setting 'kep'; did you mean 'keep'?", dir);
        cr_assert_eq(conf_read_dir(&table, dir, &fields, why), CONF_E_INVALID);
        cr_expect_str_eq(why, sentence);
}

Test(conf_file, no_directory_is_no_settings) {
        cr_expect_eq(conf_read_dir(&table, "/nowhere/x.conf.d", &fields, why), CONF_OK);
        cr_expect_eq(conf_read_dir(&table, put("a.conf.d", "", 0), &fields, why), CONF_OK);
}

Test(conf_file, a_failed_allocation_is_passed_up) {
        unsigned n = 1;
        int r;

        put("a.conf", "keep = true;", 12);
        for (;; n++) {
                failing_malloc_start(n);
                r = conf_read(&table, path, &fields, why);
                failing_malloc_stop();
                if (!failing_malloc_has_failed())
                        break;
                cr_expect_eq(r, -ENOMEM);
                cr_expect_not(fields.keep);
        }
        cr_assert_gt(n, 1);
        cr_assert_eq(r, CONF_OK);
        cr_expect(fields.keep);
}
