/*
 * test_config.c - the command line of thox-initd.
 */
#include "initd/config.h"

#include <criterion/criterion.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "libipc/base/macros.h"

static struct config config;

#define PARSE(...)                                                                                 \
        ({                                                                                         \
                char *argv_[] = { ARG("thox-initd"), __VA_ARGS__, NULL };                          \
                config_parse(&config, (int)ARRAY_SIZE(argv_) - 1, argv_);                          \
        })
/* What main.c does: the whole of it. */
#define COMPLETE(...)                                                                              \
        ({                                                                                         \
                char *argv_[] = { ARG("thox-initd"), __VA_ARGS__, NULL };                          \
                const int argc_ = (int)ARRAY_SIZE(argv_) - 1;                                      \
                cr_assert_eq(config_parse(&config, argc_, argv_), CONFIG_OK);                      \
                config_complete(&config, argc_, argv_);                                            \
        })
#define ARG(text) ((char *)(uintptr_t)(text))

static void setup(void) {
        unsetenv("THOX_DIR");
}

TestSuite(config, .init = setup);

Test(config, defaults_hold_without_options) {
        char *argv[] = { ARG("thox-initd"), NULL };
        cr_assert_eq(config_parse(&config, 1, argv), CONFIG_OK);
        cr_assert_null(config.dir);
        cr_assert_eq(config.want_system, -1);
        cr_assert_eq(config.ready_fd, -1);
        cr_assert_eq(config.log_level, LOG_LEVEL_INFO);
        cr_assert_not(config.is_kept);
}

Test(config, options_are_taken) {
        cr_assert_eq(PARSE(ARG("--dir"), ARG("/x"), ARG("--user"), ARG("--keep"),
                           ARG("--no-verify"), ARG("--no-hooks"), ARG("--ready-fd=7"),
                           ARG("--log-level=debug"), ARG("--boot=/b"), ARG("--libexec=/l")),
                     CONFIG_OK);
        cr_assert_str_eq(config.dir, "/x");
        cr_assert_str_eq(config.boot_dir, "/b");
        cr_assert_str_eq(config.libexec, "/l");
        cr_assert_eq(config.want_system, 0);
        cr_assert(config.is_kept && config.is_unverified && config.has_no_hooks);
        cr_assert_eq(config.ready_fd, 7);
        cr_assert_eq(config.log_level, LOG_LEVEL_DEBUG);
}

/* row 150 */
Test(config, no_init_implies_keep) {
        cr_assert_eq(PARSE(ARG("--no-init")), CONFIG_OK);
        cr_assert(!config.has_init && config.is_kept);
}

Test(config, the_environment_names_the_directory) {
        setenv("THOX_DIR", "/from/env", 1);
        cr_assert_eq(PARSE(ARG("--keep")), CONFIG_OK);
        cr_assert_str_eq(config.dir, "/from/env");
}

Test(config, bad_values_are_refused) {
        cr_expect_eq(PARSE(ARG("--ready-fd=2")), CONFIG_E_REFUSED);
        cr_expect_eq(PARSE(ARG("--ready-fd=x")), CONFIG_E_REFUSED);
        cr_expect_eq(PARSE(ARG("--log-level=loud")), CONFIG_E_REFUSED);
        cr_expect_eq(PARSE(ARG("--nonsense")), CONFIG_E_REFUSED);
        cr_expect_eq(PARSE(ARG("word")), CONFIG_E_REFUSED);
}

Test(config, help_and_version_end_it) {
        cr_expect_eq(PARSE(ARG("--help")), CONFIG_E_DONE);
        cr_expect_eq(PARSE(ARG("-h")), CONFIG_E_DONE);
        cr_expect_eq(PARSE(ARG("--version")), CONFIG_E_DONE);
}

Test(config, a_missing_program_is_refused) {
        cr_assert_eq(COMPLETE(ARG("--dir=/tmp/x"), ARG("--libexec=/nowhere")), CONFIG_E_REFUSED);
}

Test(config, a_socket_path_that_is_too_long_is_refused) {
        char dir[200];
        memset(dir, 'x', sizeof(dir) - 1);
        dir[0] = '/';
        dir[sizeof(dir) - 1] = '\0';
        cr_assert_eq(COMPLETE(ARG("--dir"), dir), CONFIG_E_REFUSED);
}
