/*
 * store_fixture.c - see store_fixture.h.
 */
#include "tests/unit/storaged/store_fixture.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libipc/base/fd.h"
#include "libipc/base/file.h"
#include "storaged/commit.h"

struct store_fixture fixture;

const struct store_failure store_failures[] = {
        { DISK_E_FULL, STORE_E_FULL },
        { DISK_E_IO, STORE_E_IO },
        { -ENOMEM, -ENOMEM },
};
const size_t n_store_failures = ARRAY_SIZE(store_failures);

static void boot_put(const char *name, const char *content) {
        char path[96];

        snprintf(path, sizeof(path), "%s/program/%s.lua", fixture.boot_dir, name);
        int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        cr_assert_eq(fd_write_all(fd, content, strlen(content)), 0);
        fd_close(fd);
}

static void disk_set_up(void) {
        char *reason = NULL;

        cr_assert_eq(disk_open(&fixture.disk, fixture.store_dir, &reason), DISK_OK, "%s",
                     reason ? reason : "");
        fixture.store = (struct store){ .disk = fixture.disk, .boot = fixture.boot };
}

void store_fixture_set_up(void) {
        char path[96], *reason = NULL;

        strcpy(fixture.dir, "/tmp/thox-test-store-XXXXXX");
        cr_assert_not_null(mkdtemp(fixture.dir));
        snprintf(fixture.store_dir, sizeof(fixture.store_dir), "%s/store", fixture.dir);
        snprintf(fixture.boot_dir, sizeof(fixture.boot_dir), "%s/boot", fixture.dir);
        snprintf(path, sizeof(path), "%s/program", fixture.boot_dir);
        cr_assert_eq(file_make_dirs(path, 0700), 0);
        boot_put("init", "boot init");
        boot_put("only-boot", "boot only");
        cr_assert_eq(bootstore_new(&fixture.boot, fixture.boot_dir, false, &reason), 0);
        disk_set_up();
        fixture.apply = store_apply;
}

void store_fixture_set_up_writing(void) {
        store_fixture_set_up();
        cr_assert_eq(disk_begin(fixture.disk, true), DISK_OK);
}

static int remove_entry(const char *path,
                        const struct stat *st UNUSED,
                        int type UNUSED,
                        struct FTW *at UNUSED) {
        return remove(path);
}

void store_fixture_tear_down(void) {
        fixture.disk = disk_close(fixture.disk);
        fixture.boot = bootstore_free(fixture.boot);
        nftw(fixture.dir, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

void store_fixture_reopen(void) {
        fixture.disk = disk_close(fixture.disk);
        disk_set_up();
}

static struct store_name name_of(const char *name) {
        return (struct store_name){ STORE_KIND_PROGRAM, name, strlen(name) };
}

struct store_change change_of(enum store_action action,
                              const char *name,
                              const char *content,
                              int64_t expect) {
        return (struct store_change){
                .action = action,
                .name = name_of(name),
                .content = { content, content ? strlen(content) : 0 },
                .source = STORE_VERSION_ANY,
                .expect = expect,
                .note = { "note", 4 },
                .time_us = 12345678,
        };
}

struct change_write {
        struct write write;
        struct store_change *change;
};

static struct change_write *change_write_of(struct write *w) {
        return container_of(w, struct change_write, write);
}

static int change_write_apply(struct write *w) {
        return fixture.apply(&fixture.store, change_write_of(w)->change);
}

static void change_write_done(struct write *w, int r) {
        if (r != DISK_OK)
                change_write_of(w)->change->result = store_fold(r);
}

void commit_changes(struct store_change *changes, size_t n) {
        struct change_write writes[64];
        struct list list;

        cr_assert_leq(n, ARRAY_SIZE(writes));
        list_init(&list);
        for (size_t i = 0; i < n; i++) {
                writes[i] = (struct change_write){
                        .write = { .disk = fixture.disk,
                                   .apply = change_write_apply,
                                   .done = change_write_done },
                        .change = &changes[i],
                };
                list_add_tail(&list, &writes[i].write.link);
        }
        commit_all(&list);
}

static int commit(struct store_change *change, uint64_t *ret_version) {
        commit_changes(change, 1);
        if (ret_version)
                *ret_version = change->version;
        return change->result;
}

int set(const char *name, const char *content, int64_t expect, uint64_t *ret_version) {
        enum store_action action = content ? STORE_ACTION_SET : STORE_ACTION_DELETE;
        struct store_change change = change_of(action, name, content, expect);
        return commit(&change, ret_version);
}

int rollback(const char *name, int64_t source, uint64_t *ret_version) {
        struct store_change change =
                change_of(STORE_ACTION_ROLLBACK, name, NULL, STORE_VERSION_ANY);
        change.source = source;
        return commit(&change, ret_version);
}

bool content_is(const char *name, int64_t version, const char *content) {
        struct store_name n = name_of(name);
        struct store_entry entry;
        bool is_it = false;

        if (store_begin(&fixture.store) == STORE_OK &&
            store_find(&fixture.store, &n, version, &entry) == STORE_OK) {
                is_it = entry.is_deleted == !content;
                if (content)
                        is_it = is_it && entry.content.len == strlen(content) &&
                                memcmp(entry.content.data, content, entry.content.len) == 0;
        }
        store_end(&fixture.store);
        return is_it;
}

uint64_t current_of(const char *name) {
        struct store_name n = name_of(name);
        struct store_entry entry = { .version = UINT64_MAX };

        cr_assert_eq(store_begin(&fixture.store), STORE_OK);
        store_find(&fixture.store, &n, STORE_VERSION_ANY, &entry);
        store_end(&fixture.store);
        return entry.version;
}
