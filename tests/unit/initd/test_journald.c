/*
 * test_journald.c - entries for systemd's journal, and a journal that does not read.
 */
#include "initd/journald.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "libipc/limits.h"

static char dir[] = "/tmp/thox-test-journald-XXXXXX";
static struct sockaddr_un address = { .sun_family = AF_UNIX };
static struct journald journald;
static int server = -1;

static void listen_on_socket(void) {
        server = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
        cr_assert_eq(bind(server, (struct sockaddr *)&address, sizeof(address)), 0);
}

static void set_up(void) {
        cr_assert_not_null(mkdtemp(dir));
        snprintf(address.sun_path, sizeof(address.sun_path), "%s/socket", dir);
        listen_on_socket();
        journald_init(&journald, address.sun_path);
        cr_assert_geq(journald.fd, 0);
}

static void tear_down(void) {
        journald_deinit(&journald);
        close(server);
        unlink(address.sun_path);
        rmdir(dir);
}

TestSuite(journald, .init = set_up, .fini = tear_down);

/* The bytes of a field in the next entry, NUL-terminated; "" when there is no entry. */
static const char *next(const char *key) {
        static char entry[16384];
        ssize_t n = recv(server, entry, sizeof(entry) - 1, 0);
        for (char *at = entry; n > 0 && at < entry + n;) {
                char *end = memchr(at, '\n', (size_t)(entry + n - at));
                uint64_t len;
                cr_assert_not_null(end);
                memcpy(&len, end + 1, sizeof(len));
                char *value = end + 1 + sizeof(len);
                cr_assert_eq(value[len], '\n', "each field ends");
                if ((size_t)(end - at) == strlen(key) && memcmp(at, key, strlen(key)) == 0) {
                        value[len] = '\0';
                        return value;
                }
                at = value + len + 1;
        }
        return "";
}

static void send_line(const char *text) {
        journald_send(&journald, LOG_LEVEL_WARNING, 7, "bot", text, strlen(text));
}

Test(journald, an_entry_has_the_fields_by_which_it_is_found) {
        static const struct {
                const char *key, *value;
        } fields[] = {
                { "MESSAGE", "it\nrains\x01=" },
                { "PRIORITY", "4" },
                { "THOX_PID", "7" },
                { "THOX_NAME", "bot" },
                { "SYSLOG_IDENTIFIER", "bot" },
        };
        for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++) {
                send_line("it\nrains\x01=");
                cr_expect_str_eq(next(fields[i].key), fields[i].value);
        }
}

Test(journald, the_longest_line_has_room) {
        static char text[2 * LIMIT_LOG_LINE_BYTES], name[LIMIT_NAME_BYTES + 1];
        memset(text, 'x', sizeof(text));
        memset(name, 'n', LIMIT_NAME_BYTES);
        journald_send(&journald, LOG_LEVEL_INFO, UINT32_MAX, name, text, sizeof(text));
        cr_expect_eq(strlen(next("MESSAGE")), LIMIT_LOG_LINE_BYTES);
}

Test(journald, a_journal_that_does_not_read_stops_nobody) {
        unsigned n_sent = 0;
        for (; journald.n_lost < 3; n_sent++)
                send_line("line");
        for (unsigned i = 0; i < n_sent - 3; i++)
                cr_expect_str_eq(next("MESSAGE"), "line");
        send_line("again");
        cr_expect_str_eq(next("MESSAGE"), "3 log lines were lost");
        cr_expect_str_eq(next("MESSAGE"), "again");
}

Test(journald, one_that_was_restarted_is_found_again) {
        close(server);
        send_line("into the void");
        unlink(address.sun_path);
        listen_on_socket();
        send_line("again");
        cr_expect_str_eq(next("MESSAGE"), "1 log lines were lost");
        cr_expect_str_eq(next("MESSAGE"), "again");
}

Test(journald, without_a_socket_there_is_none) {
        struct journald none;
        journald_init(&none, "/nowhere/socket");
        cr_expect_eq(none.fd, -1);
        journald_deinit(&none);
}
