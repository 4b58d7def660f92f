/*
 * test_zygote.c - thox-worker itself: forks, names, lifetimes.
 */
#include "worker/zygote.h"

#include <criterion/criterion.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "libipc/base/clock.h"
#include "libipc/base/fd.h"
#include "tests/helper/lua_process.h"

struct fixture {
        struct conn conn;
        struct conn_scratch scratch;
        pid_t pid;
};

static struct wire_frame *next_frame(struct fixture *z) {
        struct wire_frame *f;
        int r;
        while ((r = conn_next(&z->conn, &f)) == CONN_E_AGAIN) {
                struct pollfd p = { .fd = z->conn.fd, .events = POLLIN };
                cr_assert_eq(poll(&p, 1, 5000), 1, "the zygote says nothing");
                cr_assert_eq(conn_read(&z->conn), CONN_OK);
        }
        cr_assert_eq(r, CONN_OK);
        return f;
}

static void start(struct fixture *z) {
        int fds[2];
        cr_assert_eq(fd_socketpair(fds), 0);
        z->pid = fork();
        cr_assert_geq(z->pid, 0);
        if (z->pid == 0) {
                prctl(PR_SET_PDEATHSIG, SIGKILL);
                dup2(fds[1], ZYGOTE_FD);
                execl(WORKER_PATH, WORKER_PATH, "--zygote", NULL);
                _exit(127);
        }
        fd_close(fds[1]);
        cr_assert_eq(conn_scratch_init(&z->scratch), 0);
        cr_assert_eq(conn_init_take(&z->conn, fds[0], &z->scratch), 0);
        z->conn.max_frame = LIMIT_FRAME_BYTES;
        struct wire_frame *f = next_frame(z);
        cr_assert_eq(f->kind, THOX__FRAME__BODY_HELLO);
        cr_assert_eq(f->message->hello->name.len, 6);
}

static void stop(struct fixture *z) {
        int status;
        conn_deinit(&z->conn);
        conn_scratch_deinit(&z->scratch);
        cr_assert_eq(waitpid(z->pid, &status, 0), z->pid);
        cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0, "%#x", status);
}

static pid_t fork_worker(struct fixture *z, const char *name, int *ret_fd) {
        int fds[2];
        cr_assert_eq(fd_socketpair(fds), 0);
        Thox__Fork body = THOX__FORK__INIT;
        body.pid = LUA_PROCESS_PID;
        body.name = wire_bytes(name, strlen(name));
        WIRE_MESSAGE(m, 0, FORK, fork, &body);
        struct wire_extra extra = { .fds = &fds[1], .n_fds = 1 };
        cr_assert_eq(conn_send(&z->conn, &m, &extra), 0);
        cr_assert_eq(conn_flush(&z->conn), CONN_OK);
        fd_close(fds[1]);
        struct wire_frame *f = next_frame(z);
        cr_assert_eq(f->kind, THOX__FRAME__BODY_FORKED);
        cr_assert_eq(f->message->forked->pid, LUA_PROCESS_PID);
        cr_assert_eq(f->message->forked->error, 0);
        *ret_fd = fds[0];
        return (pid_t)f->message->forked->linux_pid;
}

static void read_proc(pid_t pid, const char *file, char *text, size_t size) {
        char path[64];
        snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, file);
        FILE *in = fopen(path, "r");
        cr_assert(in, "%s", path);
        size_t n = fread(text, 1, size - 1, in);
        text[n] = '\0';
        fclose(in);
}

static bool has_output(struct lua_process *p) {
        return p->output_len > 0;
}

/* row 2 */
Test(zygote, workers_are_children_of_whoever_started_the_zygote) {
        static const struct lua_process_options o = { .memory_bytes = 8u << 20,
                                                      .quantum_us = 5000 };
        struct fixture z;
        struct lua_process *p = malloc(sizeof(*p));
        int fd, status;
        char text[256];
        cr_assert(p);
        start(&z);
        pid_t pid = fork_worker(&z, "some-program", &fd);
        lua_process_attach(p, fd, "print('hello') os.rpc.never()", &o);
        lua_process_run_until(p, has_output, 5 * CLOCK_S_US);
        read_proc(pid, "cmdline", text, sizeof(text));
        cr_assert_str_eq(text, "thox: some-program");
        read_proc(pid, "comm", text, sizeof(text));
        cr_assert_str_eq(text, "thox: some-prog\n");
        stop(&z);
        cr_assert_eq(kill(pid, 0), 0, "a worker outlives its zygote");
        lua_process_stop(p);
        cr_assert_eq(waitpid(pid, &status, 0), pid, "it is our child");
        free(p);
}

Test(zygote, siblings_differ_in_what_must_be_random) {
        static const struct lua_process_options o = { .memory_bytes = 8u << 20,
                                                      .quantum_us = 5000 };
        struct fixture z;
        struct lua_process *p[2];
        start(&z);
        for (int i = 0; i < 2; i++) {
                int fd, status;
                p[i] = malloc(sizeof(*p[i]));
                cr_assert(p[i]);
                pid_t pid = fork_worker(&z, "r", &fd);
                lua_process_attach(p[i], fd, "print(math.random(1 << 60))", &o);
                lua_process_run(p[i], 5 * CLOCK_S_US);
                cr_assert_eq(waitpid(pid, &status, 0), pid);
        }
        cr_assert_str_neq(p[0]->output, p[1]->output);
        for (int i = 0; i < 2; i++) {
                lua_process_stop(p[i]);
                free(p[i]);
        }
        stop(&z);
}
