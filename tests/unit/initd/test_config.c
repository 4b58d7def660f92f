/*
 * test_config.c - the command line and the configuration files of thox-initd.
 */
#include "initd/config.h"

#include <criterion/criterion.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "libipc/base/file.h"
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
                           ARG("--require-sandbox=full"), ARG("--log-level=debug"),
                           ARG("--boot=/b"), ARG("--libexec=/l")),
                     CONFIG_OK);
        cr_assert_str_eq(config.dir, "/x");
        cr_assert_str_eq(config.boot_dir, "/b");
        cr_assert_str_eq(config.libexec, "/l");
        cr_assert_eq(config.want_system, 0);
        cr_assert(config.is_kept && config.is_unverified && config.has_no_hooks);
        cr_assert(config.is_sandbox_required);
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
        cr_assert_eq(PARSE(ARG("--require-sandbox=some")), CONFIG_E_REFUSED);
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

/* ---- files --------------------------------------------------------------------------------- */

static char tree[] = "/tmp/thox-test-config-XXXXXX";
static char dir_option[64], libexec_option[64];

static void put(const char *name, const char *text) {
        char path[128];
        snprintf(path, sizeof(path), "%s/%s", tree, name);
        FILE *f = fopen(path, "w");
        cr_assert(f && fputs(text, f) >= 0 && fchmod(fileno(f), 0700) == 0 && fclose(f) == 0);
}

/* A directory that has everything config_complete looks for. */
static void make_tree(void) {
        char path[128];
        setup();
        cr_assert(mkdtemp(tree));
        snprintf(dir_option, sizeof(dir_option), "--dir=%s", tree);
        snprintf(libexec_option, sizeof(libexec_option), "--libexec=%s", tree);
        snprintf(path, sizeof(path), "%s/thox.conf.d", tree);
        cr_assert_eq(mkdir(path, 0700), 0);
        put("thox-storaged", "");
        put("thox-runtimed", "");
        put("thox-worker", "");
        put("thox-logger", "");
}

static void remove_tree(void) {
        char command[128];
        snprintf(command, sizeof(command), "rm -rf %s", tree);
        cr_assert_eq(system(command), 0);
}

TestSuite(config_file, .init = make_tree, .fini = remove_tree);

Test(config_file, without_a_file_the_defaults_hold) {
        char store[128];
        snprintf(store, sizeof(store), "%s/store", tree);
        cr_assert_eq(COMPLETE(dir_option, libexec_option), CONFIG_OK);
        cr_expect(config.has_init && !config.is_kept);
        cr_expect_eq(config.log_level, LOG_LEVEL_INFO);
        cr_expect_eq(config.log_size, 8u << 20);
        cr_expect_eq(config.log_files, 5);
        cr_expect_str_eq(config.log_dir, "", "files only where stderr leads nowhere");
        cr_expect_str_eq(config.paths.store, store);
}

/* row 150 */
Test(config_file, every_setting_reaches_its_field) {
        char text[256];
        snprintf(text, sizeof(text),
                 "startup = false; boot = \"/b\"; libexec = \"%s\"; "
                 "store = \"/s\"; "
                 "log: { level = \"error\"; dir = \"/l\"; size = \"64K\"; files = 1; };",
                 tree);
        put("thox.conf", text);
        cr_assert_eq(COMPLETE(dir_option), CONFIG_OK);
        cr_expect(!config.has_init && config.is_kept);
        cr_expect_eq(config.log_level, LOG_LEVEL_ERROR);
        cr_expect_str_eq(config.log_dir, "/l");
        cr_expect_eq(config.log_size, 64u << 10);
        cr_expect_eq(config.log_files, 1);
        cr_expect_str_eq(config.boot_dir, "/b");
        cr_expect_str_eq(config.libexec, tree);
        cr_expect_str_eq(config.paths.store, "/s");
}

Test(config_file, the_command_line_goes_before_files_and_later_files_before_earlier) {
        put("thox.conf", "keep = true; startup = true; log: { level = \"error\"; }; "
                         "boot = \"/main\"; store = \"/main\";");
        put("thox.conf.d/10.conf", "boot = \"/ten\"; store = \"/ten\";");
        put("thox.conf.d/20.conf", "store = \"/twenty\";");
        cr_assert_eq(
                COMPLETE(dir_option, libexec_option, ARG("--log-level=debug"), ARG("--no-init")),
                CONFIG_OK);
        cr_expect(config.is_kept && !config.has_init);
        cr_expect_eq(config.log_level, LOG_LEVEL_DEBUG);
        cr_expect_str_eq(config.boot_dir, "/ten");
        cr_expect_str_eq(config.paths.store, "/twenty");
}

Test(config_file, a_named_file_replaces_the_usual_one_and_must_exist) {
        char option[64];
        put("thox.conf", "nonsense");
        put("other", "keep = true;");
        snprintf(option, sizeof(option), "--config=%s/other", tree);
        cr_assert_eq(COMPLETE(dir_option, libexec_option, option), CONFIG_OK);
        cr_expect(config.is_kept);
        snprintf(option, sizeof(option), "--config=%s/absent", tree);
        cr_expect_eq(COMPLETE(dir_option, libexec_option, option), CONFIG_E_REFUSED);
}

Test(config_file, files_that_do_not_fit_are_refused) {
        put("thox.conf", "statup = false;");
        cr_expect_eq(COMPLETE(dir_option, libexec_option), CONFIG_E_REFUSED);
        put("thox.conf", "");
        put("thox.conf.d/10.conf", "log: { level = \"loud\"; };");
        cr_expect_eq(COMPLETE(dir_option, libexec_option), CONFIG_E_REFUSED);
        put("thox.conf.d/10.conf", "log: { size = \"63K\"; };");
        cr_expect_eq(COMPLETE(dir_option, libexec_option), CONFIG_E_REFUSED);
        put("thox.conf.d/10.conf", "log: { files = 0; };");
        cr_expect_eq(COMPLETE(dir_option, libexec_option), CONFIG_E_REFUSED);
        put("thox.conf.d/10.conf", "log: { level = \"loud\"; };");
        /* Also what the command line goes before. */
        cr_expect_eq(COMPLETE(dir_option, libexec_option, ARG("--log-level=info")),
                     CONFIG_E_REFUSED);
}

Test(config_file, a_users_file_is_in_the_xdg_directory) {
        setenv("XDG_RUNTIME_DIR", tree, 1);
        setenv("XDG_CONFIG_HOME", tree, 1);
        char path[128];
        snprintf(path, sizeof(path), "%s/thox", tree);
        cr_assert_eq(mkdir(path, 0700), 0);
        put("thox/thox.conf", "keep = true;");
        cr_assert_eq(COMPLETE(ARG("--user"), libexec_option), CONFIG_OK);
        cr_expect(config.is_kept);
}

/* That each setting is there is looked after by tests/lint/docs.py. */
Test(config_file, the_sample_shows_the_defaults) {
        char *text, boot[PATH_MAX + 32], libexec[PATH_MAX + 32];
        uint8_t *bytes;
        size_t len;
        cr_assert_eq(file_read(-1, SAMPLE_CONF, 1u << 16, &bytes, &len), 0);
        text = (char *)bytes;
        cr_assert_eq(PARSE(dir_option), CONFIG_OK);
        snprintf(boot, sizeof(boot), "\n#boot = \"%s\";\n", config.boot_dir);
        snprintf(libexec, sizeof(libexec), "\n#libexec = \"%s\";\n", config.libexec);
        cr_expect(strstr(text, boot), "%s", text);
        cr_expect(strstr(text, libexec), "%s", text);

        for (char *at = text; (at = strstr(at, "\n#")); at++)
                if (at[2] != ' ' && at[2] != '\n')
                        at[1] = ' ';
        put("thox.conf", text);
        free(bytes);
        cr_assert_eq(COMPLETE(dir_option, libexec_option), CONFIG_OK);
        cr_expect(config.has_init && !config.is_kept);
        cr_expect_eq(config.log_level, LOG_LEVEL_INFO);
        cr_expect_eq(config.log_size, 8u << 20);
        cr_expect_eq(config.log_files, 5);
        cr_expect_str_eq(config.log_dir, "/var/log/thox");
        cr_expect_str_eq(config.paths.store, "/var/lib/thox");
}
