/*
 * script.c - see script.h.
 */
#include "tests/helper/script.h"

#include <criterion/criterion.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "libipc/base/fd.h"

char script_dir[] = "/tmp/thox-script-XXXXXX";
char script_path[sizeof(script_dir) + 20];
int script_listener = -1;
static pid_t child;

/*
 * The peer, in the child.
 */

struct conn peer_conn;
struct wire_frame *peer_frame;
static struct conn_scratch scratch;

void peer_wait(void) {
        int r = conn_flush(&peer_conn);
        struct pollfd fd = { .fd = peer_conn.fd, .events = POLLIN };
        if (r == CONN_E_AGAIN)
                fd.events |= POLLOUT;
        CHECK(r >= 0);
        CHECK(poll(&fd, 1, 10000) == 1);
        if ((fd.revents & ~POLLOUT) != 0)
                CHECK(conn_read(&peer_conn) >= 0);
}

void peer_flush(void) {
        struct pollfd fd = { .fd = peer_conn.fd, .events = POLLOUT };
        while (conn_flush(&peer_conn) == CONN_E_AGAIN)
                CHECK(poll(&fd, 1, 10000) == 1);
}

void peer_expect(wire_kind kind) {
        int r;
        while ((r = conn_next(&peer_conn, &peer_frame)) == CONN_E_AGAIN)
                peer_wait();
        CHECK(r == CONN_OK);
        CHECK(peer_frame->kind == kind);
}

void peer_send(const Thox__Frame *message) {
        CHECK(conn_send(&peer_conn, message, NULL) == 0);
}

void peer_answer(uint32_t seq, enum thox_status status, const void *bytes, size_t len, bool more) {
        struct wire_answer answer = { .cid = wire_cid(SCRIPT_GENERATION, seq), .status = status };
        struct wire_extra extra = { .values = bytes, .values_len = len, .more = more };
        CHECK(conn_send_answer(&peer_conn, seq, &answer, &extra, NULL) == 0);
}

void peer_call(uint64_t cid, uint32_t flags, bool more, const void *values, size_t len) {
        struct wire_call call = { .cid = cid,
                                  .handle = 4,
                                  .pid = 11,
                                  .uid = 1000,
                                  .flags = flags,
                                  .name = (const uint8_t *)"write",
                                  .name_len = 5 };
        struct wire_extra extra = { .values = values, .values_len = len, .more = more };
        CHECK(conn_send_call(&peer_conn, 1, &call, &extra, NULL) == 0);
}

void peer_cancel(uint64_t cid) {
        Thox__Cancel cancel = THOX__CANCEL__INIT;
        cancel.cid = cid;
        WIRE_MESSAGE(m, 0, CANCEL, cancel, &cancel);
        peer_send(&m);
}

void peer_hangup(uint32_t handle) {
        Thox__Hangup hangup = THOX__HANGUP__INIT;
        hangup.handle = handle;
        WIRE_MESSAGE(m, 0, HANGUP, hangup, &hangup);
        peer_send(&m);
}

void peer_reply(uint32_t seq, enum thox_status status, uint32_t handle) {
        Thox__Reply reply = THOX__REPLY__INIT;
        reply.status = status;
        reply.handle = handle;
        WIRE_MESSAGE(m, seq, REPLY, reply, &reply);
        peer_send(&m);
}

void peer_welcome(void) {
        Thox__Welcome welcome = THOX__WELCOME__INIT;

        peer_expect(THOX__FRAME__BODY_HELLO);
        CHECK(peer_frame->message->hello->name.len == 6);
        CHECK(memcmp(peer_frame->message->hello->name.data, "tester", 6) == 0);
        welcome.version = WIRE_VERSION;
        welcome.pid = SCRIPT_PID;
        welcome.uid = 1000;
        welcome.generation = SCRIPT_GENERATION;
        welcome.software = wire_bytes("thox 0.1.0", 10);
        WIRE_MESSAGE(m, peer_frame->seq, WELCOME, welcome, &welcome);
        peer_send(&m);
}

void peer_finish(void) {
        char byte;
        peer_flush();
        struct pollfd fd = { .fd = peer_conn.fd, .events = POLLIN };
        CHECK(poll(&fd, 1, 10000) == 1);
        CHECK(recv(peer_conn.fd, &byte, 1, MSG_DONTWAIT) <= 0);
}

static void peer_run(void (*script)(void)) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        int fd = accept(script_listener, NULL, NULL);
        CHECK(fd >= 0);
        CHECK(conn_scratch_init(&scratch) == 0);
        CHECK(conn_init_take(&peer_conn, fd, &scratch) == 0);
        peer_conn.max_frame = LIMIT_FRAME_BYTES;
        script();
        _exit(0);
}

/*
 * The test.
 */

void script_open(void) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };

        cr_assert_not_null(mkdtemp(script_dir));
        snprintf(script_path, sizeof(script_path), "%s/control", script_dir);
        memcpy(address.sun_path, script_path, strlen(script_path));
        script_listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        cr_assert_eq(bind(script_listener, (struct sockaddr *)&address, sizeof(address)), 0);
        cr_assert_eq(listen(script_listener, 1), 0);
}

void script_close(void) {
        fd_close(script_listener);
        unlink(script_path);
        rmdir(script_dir);
        if (child > 0) {
                kill(child, SIGKILL);
                waitpid(child, NULL, 0);
        }
}

void script_start(void (*script)(void)) {
        child = fork();
        cr_assert_geq(child, 0);
        if (child == 0)
                peer_run(script);
}

void script_end(void) {
        int status = -1;
        cr_assert_eq(waitpid(child, &status, 0), child);
        child = 0;
        cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0,
                  "the peer failed at line %d (mod 255)", WEXITSTATUS(status) - 1);
}
