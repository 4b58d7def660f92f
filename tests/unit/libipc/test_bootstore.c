/*
 * test_bootstore.c - the packaged store: reading, order, and every way its manifest can be broken.
 * Each test has a directory of its own.
 */
#include "libipc/bootstore.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <ftw.h>
#include <sha2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char dir[] = "/tmp/thox-bootstore-XXXXXX";

static void write_file(const char *path, const char *flags, const char *text) {
        char full[200];
        snprintf(full, sizeof(full), "%s/%s", dir, path);
        FILE *f = fopen(full, flags);
        cr_assert_not_null(f);
        cr_assert_geq(fputs(text, f), 0);
        cr_assert_eq(fclose(f), 0);
}

static void list_file(const char *path, const char *text) {
        char hash[SHA256_DIGEST_STRING_LENGTH], line[300];
        SHA256Data((const uint8_t *)text, strlen(text), hash);
        snprintf(line, sizeof(line), "%s  %s\n", hash, path);
        write_file("MANIFEST", "a", line);
}

static void add_file(const char *path, const char *text) {
        write_file(path, "w", text);
        list_file(path, text);
}

static void make_dir(const char *path) {
        char full[200];
        snprintf(full, sizeof(full), "%s/%s", dir, path);
        cr_assert_eq(mkdir(full, 0700), 0);
}

static void start(void) {
        cr_assert_not_null(mkdtemp(dir));
        make_dir("program");
        make_dir("library");
        add_file("program/shell.lua", "return 'shell'\n");
        add_file("program/init.lua", "return 'init'\n");
        add_file("library/expect.lua", "return {}\n");
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *at) {
        (void)st;
        (void)type;
        (void)at;
        return remove(path);
}

static void stop(void) {
        nftw(dir, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

TestSuite(bootstore, .init = start, .fini = stop, .timeout = 10);

static void expect_refused(const char *what) {
        struct bootstore *b = NULL;
        char *reason = NULL, expected[600];

        cr_assert_eq(bootstore_new(&b, dir, true, &reason), BOOTSTORE_E_REFUSED);
        cr_assert_null(b);
        snprintf(expected, sizeof(expected), "boot store %s: %s", dir, what);
        cr_assert_str_eq(reason, expected);
        free(reason);
}

static struct bootstore *expect_read(bool verify) {
        struct bootstore *b = NULL;
        char *reason = NULL;
        int r = bootstore_new(&b, dir, verify, &reason);
        cr_assert_eq(r, 0, "%s", reason);
        return b;
}

Test(bootstore, kinds_have_names_and_back) {
        for (int kind = 0; kind < _STORE_KIND_N; kind++) {
                const char *name = store_kind_name((enum store_kind)kind);
                cr_assert_eq(store_kind_parse(name, strlen(name)), kind);
        }
        cr_assert_eq(store_kind_parse("programs", 8), -1);
        cr_assert_eq(store_kind_parse("prog", 4), -1);
        cr_assert_eq(store_kind_parse("", 0), -1);
}

Test(bootstore, entries_are_sorted_by_kind_then_name_and_found) {
        static const char *const names[] = { "init", "shell", "expect" };
        struct bootstore *b = expect_read(true);

        cr_assert_eq(bootstore_count(b), 3);
        for (size_t i = 0; i < 3; i++)
                cr_assert_str_eq(bootstore_at(b, i)->name, names[i]);

        const struct bootstore_entry *e = bootstore_find(b, STORE_KIND_PROGRAM, "shellx", 5);
        cr_assert_not_null(e);
        cr_assert_eq(e->len, strlen("return 'shell'\n"));
        cr_assert_eq(memcmp(e->bytes, "return 'shell'\n", e->len), 0);
        cr_assert_null(bootstore_find(b, STORE_KIND_PROGRAM, "shell", 4));
        cr_assert_null(bootstore_find(b, STORE_KIND_PROGRAM, "shellx", 6));
        cr_assert_null(bootstore_find(b, STORE_KIND_LIBRARY, "shell", 5));
        cr_assert_null(bootstore_find(b, STORE_KIND_RUNTIME, "expect", 6));
        cr_assert_null(bootstore_free(b));
}

Test(bootstore, a_changed_file_is_refused) {
        write_file("program/init.lua", "w", "return 'inIt'\n");
        expect_refused("program/init.lua was changed (its SHA-256 is not the one in MANIFEST); "
                       "reinstall thox");
}

Test(bootstore, a_missing_file_is_refused) {
        list_file("runtime/native.lua", "");
        expect_refused("runtime/native.lua is missing; reinstall thox");
}

Test(bootstore, an_unlisted_file_is_refused) {
        write_file("library/extra.lua", "w", "return 1\n");
        expect_refused("library/extra.lua is not in MANIFEST");
}

Test(bootstore, a_file_that_can_be_no_name_is_refused) {
        write_file("program/notes.txt", "w", "");
        expect_refused("program/notes.txt is not in MANIFEST");
}

Test(bootstore, a_file_listed_twice_is_refused) {
        list_file("program/init.lua", "return 'init'\n");
        expect_refused("MANIFEST:4: program/init.lua is listed twice");
}

Test(bootstore, a_path_out_of_the_store_is_never_found) {
        list_file("program/../program/init.lua", "return 'init'\n");
        expect_refused("program/../program/init.lua is missing; reinstall thox");
}

Test(bootstore, a_malformed_line_is_refused) {
        write_file("MANIFEST", "a", "program/init.lua\n");
        expect_refused("MANIFEST:4: not \"sha256  kind/NAME.lua\"");
}

Test(bootstore, a_missing_manifest_is_refused) {
        char path[200];
        snprintf(path, sizeof(path), "%s/MANIFEST", dir);
        unlink(path);
        expect_refused("MANIFEST cannot be read: No such file or directory");
}

Test(bootstore, a_missing_directory_is_refused) {
        char *reason = NULL;
        struct bootstore *b = NULL;

        cr_assert_eq(bootstore_new(&b, "/nonexistent/thox", true, &reason), BOOTSTORE_E_REFUSED);
        cr_assert_str_eq(reason, "boot store /nonexistent/thox: No such file or directory");
        free(reason);
}

Test(bootstore, a_source_tree_needs_no_manifest_and_may_hold_other_files) {
        char path[200];
        snprintf(path, sizeof(path), "%s/MANIFEST", dir);
        unlink(path);
        write_file("program/init.lua~", "w", "");
        write_file("program/init.lua", "w", "changed");

        struct bootstore *b = expect_read(false);
        cr_assert_eq(bootstore_count(b), 3);
        cr_assert_eq(bootstore_find(b, STORE_KIND_PROGRAM, "init", 4)->len, 7);
        bootstore_free(b);
}
