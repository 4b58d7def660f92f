/*
 * test_control.c - who may use the control socket.
 */
#include "initd/control.h"

#include <criterion/criterion.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "tests/unit/initd/tree_fixture.h"

Test(control, root_and_the_trees_own_user_have_uid_0_and_nobody_else) {
        static const struct {
                uid_t uid, owner;
                int64_t expected;
        } rows[] = {
                { 0, 0, 0 },     { 0, 1000, 0 },     { 1000, 1000, 0 },
                { 1000, 0, -1 }, { 1001, 1000, -1 }, { 65534, 1000, -1 },
        };
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
                cr_expect_eq(control_map_uid(rows[i].uid, rows[i].owner), rows[i].expected,
                             "uid %u in a tree of %u", rows[i].uid, rows[i].owner);
}

static struct tree_fixture t;

static void turn(void *userdata UNUSED) {
        fake_loop_settle(&t.initd->loop);
}

/* row 145: who a client is comes from the kernel */
Test(control, a_client_gets_an_identity_at_welcome) {
        struct raw_peer client;
        tree_init(&t, false);
        tree_connect(&t, &client);
        cr_assert_geq(client.pid, PROCESS_PID_INIT + 1);
        cr_assert_eq(client.uid, 0);
        raw_deinit(&client);
        tree_deinit(&t);
}

Test(control, a_client_over_the_limit_hears_why) {
        struct raw_peer clients[LIMIT_CONTROL_CLIENTS + 1];
        tree_init(&t, false);
        for (size_t i = 0; i < LIMIT_CONTROL_CLIENTS; i++)
                tree_connect(&t, &clients[i]);

        struct raw_peer *last = &clients[LIMIT_CONTROL_CLIENTS];
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        cr_assert_lt(strlen(t.config.paths.socket), sizeof(address.sun_path));
        strcpy(address.sun_path, t.config.paths.socket);
        cr_assert(connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0);
        raw_init_take(last, fd);
        last->turn = turn;
        raw_hello(last, "one too many");
        cr_assert_eq(raw_expect(last, THOX__FRAME__BODY_REPLY)->message->reply->status,
                     STATUS_BUSY);
        raw_expect_closed(last);
        for (size_t i = 0; i <= LIMIT_CONTROL_CLIENTS; i++)
                raw_deinit(&clients[i]);
        tree_deinit(&t);
}
