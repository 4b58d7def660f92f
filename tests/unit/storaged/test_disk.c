/*
 * test_disk.c - what disk.c promises about files: atomic creation, refusal of what is damaged, full or
 * not ours, and that what was acknowledged outlives kill -9.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "libipc/base/clock.h"
#include "libipc/base/fd.h"
#include "storaged/check.h"
#include "tests/unit/storaged/store_fixture.h"

TestSuite(disk, .init = store_fixture_set_up, .fini = store_fixture_tear_down);

#define ANY STORE_VERSION_ANY

static char path[96];

static const char *in_store(const char *name) {
        snprintf(path, sizeof(path), "%s/%s", fixture.store_dir, name);
        return path;
}

static void expect_error(int error, const char *dir, const char *part) {
        struct disk *d = NULL;
        char *reason = NULL;

        cr_assert_eq(disk_open(&d, dir, &reason), error);
        cr_assert_null(d);
        cr_expect(strstr(reason, part), "\"%s\" does not say \"%s\"", reason, part);
        free(reason);
}

static void expect_refusal(const char *dir, const char *part) {
        expect_error(DISK_E_REFUSED, dir, part);
}

Test(disk, an_interrupted_creation_is_cleared_away) {
        fixture.disk = disk_close(fixture.disk);
        unlink(in_store("stores/data.mdb"));
        unlink(in_store("stores/lock.mdb"));
        cr_assert_eq(rmdir(in_store("stores")), 0);
        cr_assert_eq(mkdir(in_store("stores.new"), 0700), 0);
        cr_assert_eq(fd_close(open(in_store("stores.new/data.mdb"), O_CREAT | O_WRONLY, 0600)), -1);

        store_fixture_reopen();
        cr_assert_eq(set("p", "one", 0, NULL), STORE_OK);
        cr_assert_eq(access(in_store("stores.new"), F_OK), -1);
}

Test(disk, a_directory_in_use_is_refused) {
        expect_refusal(fixture.store_dir, "in use");
}

Test(disk, a_file_in_place_of_the_directory_is_refused) {
        fixture.disk = disk_close(fixture.disk);
        fd_close(open(in_store("file"), O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
        expect_refusal(path, "Not a directory");
}

Test(disk, a_directory_that_cannot_be_written_is_refused) {
        if (geteuid() == 0) {
                expect_refusal("/proc/thox", "cannot use the store directory /proc/thox");
                return;
        }
        fixture.disk = disk_close(fixture.disk);
        cr_assert_eq(mkdir(in_store("ro"), 0500), 0);
        expect_refusal(path, "Permission denied");
}

/* Every page in turn, with noise and with zeroes: opening refuses the file or reads all of it. Nothing
 * of that may kill this process. */
static void damage(const char *file, off_t offset, const uint8_t *noise, size_t len) {
        int fd = open(file, O_WRONLY | O_CLOEXEC);
        cr_assert_geq(fd, 0);
        cr_assert_eq(pwrite(fd, noise, len, offset), (ssize_t)len);
        fd_close(fd);
}

static void copy(const char *from, const char *to) {
        char command[256];
        snprintf(command, sizeof(command), "cp %s %s", from, to);
        cr_assert_eq(system(command), 0);
}

Test(disk, a_damaged_file_is_refused_and_never_kills_us, .timeout = 30) { /* row 66 */
        char data[96], sound[96], *reason = NULL;
        uint8_t noise[4096], zeroes[4096] = { 0 };
        struct stat st;
        size_t n_refused = 0, n_pages = 0;

        for (int i = 0; i < 40; i++)
                cr_assert_eq(set(i % 2 ? "p" : "q", "some content", ANY, NULL), STORE_OK);
        fixture.disk = disk_close(fixture.disk);
        for (size_t i = 0; i < sizeof(noise); i++)
                noise[i] = (uint8_t)(i * 31 + 7);
        strcpy(data, in_store("stores/data.mdb"));
        strcpy(sound, in_store("sound"));
        copy(data, sound);
        cr_assert_eq(stat(data, &st), 0);

        for (off_t at = 0; at < st.st_size; at += 4096) {
                struct disk *d = NULL;

                copy(sound, data);
                damage(data, at, n_pages++ % 2 ? noise : zeroes, 4096);
                if (disk_open(&d, fixture.store_dir, &reason) == DISK_E_DAMAGED) {
                        cr_expect(strstr(reason, "data.mdb is damaged"), "%s", reason);
                        cr_expect(strstr(reason, "restore a backup"), "%s", reason);
                        free(reason);
                        n_refused++;
                }
                disk_close(d);
        }
        cr_expect_geq(n_refused, 4, "%zu of %zu pages", n_refused, n_pages);
        copy(sound, data);
        store_fixture_reopen();
        cr_assert(content_is("p", ANY, "some content"));
}

/* Where a value begins that has pages of its own, by LMDB's flag in the page's head; 0: nowhere. */
static off_t find_long_value(const char *file) {
        uint8_t head[16];
        int fd = open(file, O_RDONLY | O_CLOEXEC);
        off_t found = 0;

        for (off_t at = 2 * 4096; found == 0 && pread(fd, head, sizeof(head), at) == sizeof(head);
             at += 4096)
                if (head[10] == 4 && head[11] == 0 && head[12] > 40)
                        found = at;
        fd_close(fd);
        return found;
}

Test(disk, a_damaged_head_of_a_long_value_is_refused) { /* row 66 */
        char *content = calloc(1, 200001), data[96];
        uint8_t noise[16];

        memset(content, ' ', 200000);
        memset(noise, 0x5a, sizeof(noise));
        cr_assert_eq(set("p", content, ANY, NULL), STORE_OK);
        free(content);
        fixture.disk = disk_close(fixture.disk);
        strcpy(data, in_store("stores/data.mdb"));

        off_t at = find_long_value(data);
        cr_assert_neq(at, 0);
        damage(data, at, noise, sizeof(noise));
        expect_error(DISK_E_DAMAGED, fixture.store_dir, "its content makes no sense");
}

/* Names enough that the tables have several pages each, and free pages between them. */
static void fill_and_close(char data[96], char sound[96], off_t *ret_size) {
        struct stat st;
        char name[16];

        for (int i = 0; i < 300; i++) {
                snprintf(name, sizeof(name), "p%d", i % 100);
                cr_assert_eq(set(name, "some content that is not so short", ANY, NULL), STORE_OK);
        }
        fixture.disk = disk_close(fixture.disk);
        strcpy(data, in_store("stores/data.mdb"));
        strcpy(sound, in_store("sound"));
        copy(data, sound);
        cr_assert_eq(stat(data, &st), 0);
        *ret_size = st.st_size;
}

Test(disk, a_file_truncated_at_any_page_is_refused, .timeout = 60) { /* row 66 */
        char data[96], sound[96], how[CHECK_TEXT_BYTES];
        struct check check = { .path = in_store("stores") };
        off_t size;

        fill_and_close(data, sound, &size);
        strcpy(path, data);
        *strrchr(path, '/') = '\0';
        cr_assert_geq(size, 20 * 4096);
        for (off_t at = 0; at < size; at += 4096) {
                copy(sound, data);
                cr_assert_eq(truncate(data, at), 0);
                cr_expect_eq(check_run(&check, how), REFUSAL, "cut to %lld of %lld", (long long)at,
                             (long long)size);
        }
        expect_error(DISK_E_DAMAGED, fixture.store_dir, "restore a backup");
}

/* LMDB has no checksums: a flipped bit in a value is a value. What holds the file together is found
 * out, and whatever is not must not kill who uses it: each file is opened, and one set. */
Test(disk, flipped_bytes_are_refused_or_harmless, .timeout = 120) { /* row 66 */
        char data[96], sound[96], *reason = NULL;
        size_t n_refused = 0;
        off_t size;

        fill_and_close(data, sound, &size);
        srand(1);
        for (int i = 0; i < 200; i++) {
                uint8_t noise[8];
                struct disk *d = NULL;

                for (size_t k = 0; k < sizeof(noise); k++)
                        noise[k] = (uint8_t)rand();
                copy(sound, data);
                for (int k = 0; k < 4; k++)
                        damage(data, rand() % size, noise + 2 * k, 2);
                if (disk_open(&d, fixture.store_dir, &reason) == DISK_E_DAMAGED) {
                        cr_expect(strstr(reason, "restore a backup"), "%s", reason);
                        free(reason);
                        n_refused++;
                }
                disk_close(d);
        }
        cr_expect_geq(n_refused, 20);
}

/* A limit on file size stands for a full disk: the write that would pass it comes to nothing. */
/* row 66: it lacks the tables that came later */
Test(disk, a_store_of_the_first_release_is_taken_over) {
        fixture.disk = disk_close(fixture.disk);
        copy(OLD_STORE, in_store("stores/data.mdb"));
        store_fixture_reopen();
        cr_assert(content_is("keep", 1, "print(\"one\")\n"));
        cr_assert(content_is("keep", ANY, "print(\"two\")\n"));

        cr_assert_eq(set("keep", "three", 2, NULL), STORE_OK);
        cr_assert_eq(disk_begin(fixture.disk, true), DISK_OK);
        struct disk_bytes key = { "a key of 8 bytes", 8 }, value = { "kept", 4 };
        for (enum disk_table table = 0; table < _DISK_TABLE_N; table++)
                cr_expect_eq(disk_put(fixture.disk, table, key, value), DISK_OK);
        disk_end(fixture.disk);
        store_fixture_reopen();
        cr_assert(content_is("keep", ANY, "three"));
}

/* row 77 */
Test(disk, a_volatile_one_does_the_same_in_memory_up_to_its_limit, .timeout = 60) {
        static const uint8_t block[60000];
        struct disk_bytes value = { block, sizeof(block) }, found;
        struct disk *d;
        size_t n = 0;
        int r = DISK_OK;

        cr_assert_eq(disk_open_volatile(&d, 128u << 20), DISK_OK);
        while (r == DISK_OK || r == DISK_E_AGAIN) {
                n += r == DISK_OK;
                r = disk_begin(d, true);
                cr_assert_eq(r, DISK_OK);
                r = disk_put(d, DISK_TABLE_STREAMS, (struct disk_bytes){ &n, sizeof(n) }, value);
                if (r == DISK_OK)
                        r = disk_commit(d);
        }
        cr_assert_eq(r, DISK_E_FULL);
        cr_assert_gt(n * sizeof(block), 100u << 20);
        cr_assert_lt(n * sizeof(block), 128u << 20);

        cr_assert_eq(disk_begin(d, false), DISK_OK);
        for (size_t i = 1; i < n; i++)
                cr_assert_eq(disk_get(d, DISK_TABLE_STREAMS, (struct disk_bytes){ &i, sizeof(i) },
                                      &found),
                             DISK_OK);
        disk_end(d);

        /* What was removed makes room at once, not only for the change after the next. */
        cr_assert_eq(disk_begin(d, true), DISK_OK);
        for (n = 4; n > 0; n--)
                cr_assert_eq(
                        disk_remove(d, DISK_TABLE_STREAMS, (struct disk_bytes){ &n, sizeof(n) }),
                        DISK_OK);
        cr_assert_eq(disk_commit(d), DISK_OK);
        for (r = DISK_E_AGAIN; r == DISK_E_AGAIN;) {
                cr_assert_eq(disk_begin(d, true), DISK_OK);
                r = disk_put(d, DISK_TABLE_STREAMS, (struct disk_bytes){ &n, sizeof(n) }, value);
                if (r == DISK_OK)
                        r = disk_commit(d);
        }
        cr_assert_eq(r, DISK_OK);
        disk_close(d);
}

Test(disk, a_full_disk_fails_the_change_and_nothing_else) {
        struct rlimit old, small;
        char content[64 * 1024];
        uint64_t version = 0;
        struct stat st;
        int r;

        memset(content, 'x', sizeof(content) - 1);
        content[sizeof(content) - 1] = '\0';
        cr_assert_eq(set("p", "one", ANY, NULL), STORE_OK);
        cr_assert_eq(stat(in_store("stores/data.mdb"), &st), 0);
        cr_assert_eq(getrlimit(RLIMIT_FSIZE, &old), 0);
        small = (struct rlimit){ (rlim_t)st.st_size + 8192, old.rlim_max };
        cr_assert_eq(setrlimit(RLIMIT_FSIZE, &small), 0);

        r = set("p", content, ANY, NULL);
        cr_expect(r == STORE_E_FULL || r == STORE_E_IO, "%d", r);
        cr_expect(content_is("p", ANY, "one"));
        cr_expect_eq(current_of("p"), 1);
        cr_assert_eq(setrlimit(RLIMIT_FSIZE, &old), 0);
        cr_assert_eq(set("p", content, ANY, &version), STORE_OK);
        cr_assert_eq(version, 2);
        store_fixture_reopen();
        cr_assert(content_is("p", ANY, content));
}

/* Sets "p" to "1", "2", ... and writes each number to `out` once it is acknowledged. */
static _Noreturn void child_main(int out, uint64_t from) {
        char text[24];

        prctl(PR_SET_PDEATHSIG, SIGKILL);
        store_fixture_reopen();
        for (uint64_t i = from;; i++) {
                snprintf(text, sizeof(text), "%llu", (unsigned long long)i);
                if (set("p", text, ANY, NULL) != STORE_OK)
                        _exit(1);
                if (write(out, &i, sizeof(i)) != sizeof(i))
                        _exit(1);
        }
}

/* Kills the child after `n` acknowledged sets, at whatever it does next; returns the last one. */
static uint64_t run_and_kill(uint64_t from, unsigned int n) {
        int fds[2], status;
        uint64_t last = from - 1, read_back;

        cr_assert_eq(pipe2(fds, O_CLOEXEC), 0);
        pid_t child = fork();
        cr_assert_geq(child, 0);
        if (child == 0) {
                close(fds[0]);
                child_main(fds[1], from);
        }
        close(fds[1]);
        while (n-- > 0 && read(fds[0], &read_back, sizeof(read_back)) == sizeof(read_back))
                last = read_back;
        for (volatile unsigned int spin = (unsigned int)rand() % 200000; spin > 0; spin--)
                ;
        kill(child, SIGKILL);
        cr_assert_eq(waitpid(child, &status, 0), child);
        cr_assert(WIFSIGNALED(status), "the child ended by itself with %d", status);
        while (read(fds[0], &read_back, sizeof(read_back)) == sizeof(read_back))
                last = read_back;
        close(fds[0]);
        return last;
}

Test(disk, nothing_acknowledged_is_lost_by_kill_9, .timeout = 30) { /* row 66 */
        uint64_t end = clock_now_us() + 2 * CLOCK_S_US, last = 0, found = 0;
        unsigned int n_kills = 0;
        char text[24];

        fixture.disk = disk_close(fixture.disk);
        while (clock_now_us() < end) {
                last = run_and_kill(last + 1, (unsigned int)rand() % 20);
                store_fixture_reopen();
                /* The one in flight may have made it; nothing after it. */
                found = current_of("p");
                if (found == UINT64_MAX)
                        found = 0;
                cr_assert(found == last || found == last + 1, "%llu acknowledged, %llu found",
                          (unsigned long long)last, (unsigned long long)found);
                if (found > 0) {
                        snprintf(text, sizeof(text), "%llu", (unsigned long long)found);
                        cr_assert(content_is("p", ANY, text));
                }
                last = found;
                fixture.disk = disk_close(fixture.disk);
                n_kills++;
        }
        cr_assert_geq(n_kills, 10);
        cr_assert_gt(last, 10);
}
