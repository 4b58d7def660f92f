/*
 * test_paths.c - where a tree keeps its files, by option, user and environment.
 */
#include "libipc/paths.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "libipc/base/macros.h"

#define SOCKET_PATH_MAX 107 /* sun_path without its NUL */

static struct paths paths;

static void set_up(void) {
        static const char *const variables[] = { "XDG_RUNTIME_DIR", "XDG_DATA_HOME",
                                                 "XDG_CONFIG_HOME", "HOME" };

        for (size_t i = 0; i < ARRAY_SIZE(variables); i++)
                unsetenv(variables[i]);
}

TestSuite(paths, .init = set_up);

static void expect(const char *run, const char *store, const char *config) {
        char path[PATH_MAX + 16];

        cr_expect_str_eq(paths.run, run);
        cr_expect_str_eq(paths.store, store);
        cr_expect_str_eq(paths.config, config);
        snprintf(path, sizeof(path), "%s/control", run);
        cr_expect_str_eq(paths.socket, path);
        snprintf(path, sizeof(path), "%s/lock", run);
        cr_expect_str_eq(paths.lock, path);
}

Test(paths, a_directory_holds_everything_whoever_asks) {
        setenv("XDG_RUNTIME_DIR", "/run/user/7", 1);
        for (int want_system = -1; want_system <= 1; want_system++) {
                cr_assert_eq(paths_init(&paths, "/d", want_system), PATHS_OK);
                expect("/d", "/d/store", "/d/thox.conf");
        }
}

Test(paths, a_relative_directory_is_taken_as_it_is) {
        cr_assert_eq(paths_init(&paths, "here", -1), PATHS_OK);
        expect("here", "here/store", "here/thox.conf");
}

Test(paths, the_system_has_its_own_places) {
        setenv("XDG_RUNTIME_DIR", "/run/user/7", 1);
        cr_assert_eq(paths_init(&paths, NULL, 1), PATHS_OK);
        cr_expect_str_eq(paths.socket, "/run/thox/control");
        cr_expect_str_eq(paths.lock, "/run/thox/lock");
        cr_expect_str_eq(paths.store, "/var/lib/thox");
        const char *end = "/thox/thox.conf";
        cr_assert(strlen(paths.config) > strlen(end));
        cr_expect_str_eq(paths.config + strlen(paths.config) - strlen(end), end);
}

Test(paths, a_user_has_the_xdg_directories) {
        setenv("XDG_RUNTIME_DIR", "/r", 1);
        setenv("XDG_DATA_HOME", "/data", 1);
        setenv("XDG_CONFIG_HOME", "/etc-of-me", 1);
        setenv("HOME", "/home/me", 1);
        cr_assert_eq(paths_init(&paths, NULL, 0), PATHS_OK);
        expect("/r/thox", "/data/thox", "/etc-of-me/thox/thox.conf");
}

Test(paths, without_xdg_variables_the_home_serves) {
        char run[64];

        setenv("HOME", "/home/me", 1);
        cr_assert_eq(paths_init(&paths, NULL, 0), PATHS_OK);
        snprintf(run, sizeof(run), "/tmp/thox-%u", (unsigned)geteuid());
        expect(run, "/home/me/.local/share/thox", "/home/me/.config/thox/thox.conf");
}

Test(paths, without_a_home_there_is_a_store_and_no_configuration) {
        setenv("XDG_RUNTIME_DIR", "/r", 1);
        cr_assert_eq(paths_init(&paths, NULL, 0), PATHS_OK);
        expect("/r/thox", "/r/thox/store", "");
}

Test(paths, relative_and_empty_variables_are_ignored) {
        setenv("XDG_RUNTIME_DIR", "/r", 1);
        setenv("XDG_DATA_HOME", "data", 1);
        setenv("XDG_CONFIG_HOME", "", 1);
        setenv("HOME", "/home/me", 1);
        cr_assert_eq(paths_init(&paths, NULL, 0), PATHS_OK);
        expect("/r/thox", "/home/me/.local/share/thox", "/home/me/.config/thox/thox.conf");
}

Test(paths, by_default_root_has_the_system_and_others_their_own) {
        setenv("XDG_RUNTIME_DIR", "/r", 1);
        cr_assert_eq(paths_init(&paths, NULL, -1), PATHS_OK);
        cr_expect_str_eq(paths.run, geteuid() == 0 ? "/run/thox" : "/r/thox");
}

/* "/xxx", so that its socket has a path of `socket_len` bytes. */
static void make_dir(char *dir, size_t socket_len) {
        size_t len = socket_len - strlen("/control");

        memset(dir, 'x', len);
        dir[0] = '/';
        dir[len] = '\0';
}

Test(paths, a_socket_path_longer_than_the_kernel_takes_is_refused) {
        char dir[PATH_MAX];

        make_dir(dir, SOCKET_PATH_MAX);
        cr_expect_eq(paths_init(&paths, dir, -1), PATHS_OK);
        cr_expect_eq(strlen(paths.socket), SOCKET_PATH_MAX);
        make_dir(dir, SOCKET_PATH_MAX + 1);
        cr_expect_eq(paths_init(&paths, dir, -1), PATHS_E_TOO_LONG);
}

Test(paths, a_path_that_no_file_can_have_is_an_error) {
        static char dir[PATH_MAX + 16];

        make_dir(dir, PATH_MAX - 1 + strlen("/control"));
        cr_expect_eq(paths_init(&paths, dir, -1), -ENAMETOOLONG);
        make_dir(dir, PATH_MAX + strlen("/control"));
        cr_expect_eq(paths_init(&paths, dir, -1), -ENAMETOOLONG);
}
