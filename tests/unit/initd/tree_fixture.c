/*
 * tree_fixture.c - see tree_fixture.h.
 */
#include "tests/unit/initd/tree_fixture.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "initd/native_table.h"
#include "libipc/base/fd.h"
#include "libipc/base/log.h"
#include "libipc/value.h"

static void turn(void *userdata) {
        struct initd *initd = userdata;
        fake_loop_settle(&initd->loop);
}

static void play(struct tree_fixture *t, struct raw_peer *p, struct fake_child *child) {
        int fd = fake_spawn_take_fd(child);
        cr_assert_geq(fd, 0);
        raw_init_take(p, fd);
        p->turn = turn;
        p->userdata = t->initd;
}

static void bind_names(struct raw_peer *p, enum daemon_id id) {
        size_t n_storaged = native_daemon_n_names(DAEMON_STORAGED);
        size_t from = id == DAEMON_STORAGED ? 0 : n_storaged;
        size_t to = id == DAEMON_STORAGED ? n_storaged : native_store_n_endpoints;
        for (size_t i = from; i < to; i++)
                raw_bind(p, native_store_endpoints[i].name);
}

void tree_play_daemon(struct tree_fixture *t, enum daemon_id id, struct raw_peer *ret) {
        static const char *const paths[] = { "storaged", "runtimed", "worker" };
        struct fake_child *child = fake_spawn_find(paths[id]);
        cr_assert(child);
        play(t, ret, child);
        raw_hello(ret, daemon_name(id));
        if (id == DAEMON_ZYGOTE)
                return;
        raw_expect_welcome(ret);
        bind_names(ret, id);
}

static void tree_make_dirs(struct tree_fixture *t) {
        snprintf(t->dir, sizeof(t->dir), "/tmp/thox-unit-XXXXXX");
        cr_assert(mkdtemp(t->dir));
        snprintf(t->boot_dir, sizeof(t->boot_dir), "%s/boot", t->dir);
        cr_assert(mkdir(t->boot_dir, 0700) == 0);
}

void tree_init(struct tree_fixture *t, bool has_init) {
        log_open("initd", LOG_LEVEL_ERROR);
        *t = (struct tree_fixture){ 0 };
        tree_make_dirs(t);
        t->config = (struct config){ .dir = t->dir,
                                     .want_system = -1,
                                     .is_kept = !has_init,
                                     .has_init = has_init,
                                     .is_unverified = true,
                                     .ready_fd = -1,
                                     .storaged = "storaged",
                                     .runtimed = "runtimed",
                                     .worker = "worker" };
        snprintf(t->config.boot_dir, sizeof(t->config.boot_dir), "%s", t->boot_dir);
        cr_assert(paths_init(&t->config.paths, t->dir, -1) == 0);
        cr_assert(initd_new(&t->initd, &t->config) == 0);
        cr_assert(boot_begin(&t->initd->boot) == 0);
        tree_play_daemon(t, DAEMON_STORAGED, &t->storaged);
        tree_play_daemon(t, DAEMON_RUNTIMED, &t->runtimed);
        tree_play_daemon(t, DAEMON_ZYGOTE, &t->zygote);
}

void tree_deinit(struct tree_fixture *t) {
        char command[96];
        fake_spawn_reset();
        initd_free(t->initd);
        raw_deinit(&t->storaged);
        raw_deinit(&t->runtimed);
        raw_deinit(&t->zygote);
        snprintf(command, sizeof(command), "rm -rf %s", t->dir);
        cr_assert(system(command) == 0);
}

void tree_connect(struct tree_fixture *t, struct raw_peer *ret) {
        int fds[2];
        struct peer *peer;
        cr_assert(fd_socketpair(fds) == 0);
        cr_assert(peer_new(&peer, &t->initd->router, fds[0], PEER_ROLE_CONTROL,
                           process_new_pid(t->initd), 0, "client") == 0);
        t->initd->control.n_clients++;
        raw_init_take(ret, fds[1]);
        ret->turn = turn;
        ret->userdata = t->initd;
        raw_hello(ret, "client");
        raw_expect_welcome(ret);
}

/* ---- programs ------------------------------------------------------------------------------ */

uint32_t tree_run(struct raw_peer *client, const char *restart) {
        uint8_t bytes[128];
        struct buf values = { .data = bytes, .cap = sizeof(bytes), .max = sizeof(bytes) };
        cr_assert(value_put_map(&values, restart ? 2 : 1) == 0);
        cr_assert(value_put_text(&values, "program") == 0 && value_put_text(&values, "p") == 0);
        if (restart)
                cr_assert(value_put_text(&values, "restart") == 0 &&
                          value_put_text(&values, restart) == 0);
        return raw_call(client, "process.run", &values);
}

void tree_wait_restart(struct tree_fixture *t, unsigned n_falls) {
        uint64_t delay_us = (uint64_t)LIMIT_RESTART_DELAY_US << (n_falls - 1);
        fake_loop_advance(&t->initd->loop, delay_us + delay_us / 4);
}

int64_t tree_integer(const struct wire_frame *frame) {
        struct value_reader r;
        int64_t v = -1;
        value_reader_init(&r, frame->extra.values, frame->extra.values_len);
        cr_assert(value_get_integer(&r, &v));
        return v;
}

void tree_give_image(struct tree_fixture *t) {
        struct wire_frame *call = raw_expect(&t->runtimed, THOX__FRAME__BODY_CALL);
        uint64_t cid = call->call.cid;
        struct wire_cap cap = { .handle = raw_context(&t->runtimed) };
        int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
        uint8_t bytes[64];
        struct buf values = { .data = bytes, .cap = sizeof(bytes), .max = sizeof(bytes) };
        cr_assert(value_put_array(&values, 1) == 0 && value_put_map(&values, 2) == 0);
        cr_assert(value_put_text(&values, "name") == 0 && value_put_text(&values, "p") == 0);
        cr_assert(value_put_text(&values, "size") == 0 && value_put_integer(&values, 7) == 0);

        struct wire_extra extra = { .caps = &cap,
                                    .n_caps = 1,
                                    .fds = &fd,
                                    .n_fds = 1,
                                    .values = values.data,
                                    .values_len = values.len };
        raw_answer(&t->runtimed, cid, STATUS_OK, &extra);
        fd_close(fd);
}

void tree_refuse_image(struct tree_fixture *t, enum thox_status status, const char *message) {
        struct wire_frame *call = raw_expect(&t->runtimed, THOX__FRAME__BODY_CALL);
        uint8_t bytes[128];
        struct buf values = { .data = bytes, .cap = sizeof(bytes), .max = sizeof(bytes) };
        cr_assert(value_put_text(&values, message) == 0);
        struct wire_extra extra = { .values = values.data, .values_len = values.len };
        raw_answer(&t->runtimed, call->call.cid, status, &extra);
}

void tree_say_forked(struct tree_fixture *t, const struct fake_child *child) {
        Thox__Forked body = THOX__FORKED__INIT;
        body.pid = child->pid;
        body.linux_pid = (uint32_t)child->linux_pid;
        WIRE_MESSAGE(message, 0, FORKED, forked, &body);
        raw_send(&t->zygote, &message, NULL);
}

struct fake_child *tree_fork(struct tree_fixture *t, struct raw_peer *ret) {
        struct fake_child *child = fake_spawn_find(NULL);
        cr_assert(child);
        if (ret) {
                play(t, ret, child);
                raw_hello(ret, "p");
        }
        tree_say_forked(t, child);
        return child;
}

struct fake_child *tree_start_worker(struct tree_fixture *t, struct raw_peer *ret) {
        tree_give_image(t);
        struct fake_child *child = tree_fork(t, ret);
        raw_expect(ret, THOX__FRAME__BODY_START);
        return child;
}

void tree_die(struct tree_fixture *t, struct fake_child *child, int wait_status) {
        fake_spawn_die(child, wait_status);
        fake_loop_signal(&t->initd->loop, SIGCHLD);
}

void tree_say_exit(struct raw_peer *worker,
                   uint32_t status,
                   enum exit_reason reason,
                   const char *text) {
        Thox__Exit body = THOX__EXIT__INIT;
        body.status = status;
        body.reason = reason;
        body.message = wire_bytes(text, strlen(text));
        WIRE_MESSAGE(message, 0, EXIT, exit, &body);
        raw_send(worker, &message, NULL);
}
