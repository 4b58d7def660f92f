/*
 * fuzz_dispatch.c - bytes as two peers into a real router. Each record of the input is one byte (bit 7:
 * which peer, bits 0-6: how many bytes follow) and those bytes, written to that peer's socket; then the
 * router turns. After each record the tables must add up.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "initd/call.h"
#include "initd/context.h"
#include "initd/native_table.h"
#include "initd/router.h"
#include "libipc/base/fd.h"
#include "libipc/base/log.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void on_hello(struct peer *p, const Thox__Hello *hello) {
        (void)hello;
        if (handle_give_default(p, p->router->native, HANDLE_RIGHTS_ALL) < 0)
                abort();
}

static void on_exit_frame(struct peer *p, const Thox__Exit *frame) {
        (void)p;
        (void)frame;
}

static void on_fault(struct peer *p, const Thox__Fault *frame) {
        (void)p;
        (void)frame;
}

static void on_forked(struct peer *p, const Thox__Forked *frame) {
        (void)p;
        (void)frame;
}

static void on_bound(struct peer *p) {
        (void)p;
}

static void on_closed(struct peer *p) {
        (void)p;
}

static size_t list_count(const struct list *l) {
        size_t n = 0;
        list_for_each(node, l)
                n++;
        return n;
}

static size_t list_sum_bytes(const struct list *served) {
        size_t n = 0;
        list_for_each(node, served)
                n += container_of(node, struct call, served_link)->n_request_bytes;
        return n;
}

static void check_invariants(struct router *r) {
        size_t n_made = 0, n_served = 0, at = 0;
        for (struct peer *p; (p = table_next(&r->peers, &at));) {
                assert(list_count(&p->calls_made) == p->n_calls_made);
                assert(list_count(&p->calls_served) == p->n_calls_served);
                assert(list_count(&p->contexts) == p->n_contexts);
                assert(list_count(&p->bindings) == p->n_bindings);
                assert(list_count(&p->listeners) == p->n_listeners);
                assert(list_sum_bytes(&p->calls_served) == p->n_served_bytes);
                assert(p->n_calls_made > 0 || p->n_made_bytes == 0);
                n_made += p->n_calls_made;
                n_served += p->n_calls_served;
        }
        assert(n_made == r->calls.n_used && n_served <= n_made);
}

static void on_written(struct router *r) {
        (void)r;
}

static void drain(int fd) {
        uint8_t bytes[4096];
        while (recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT) > 0)
                ;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        static const struct router_ops ops = { .on_hello = on_hello,
                                               .on_exit = on_exit_frame,
                                               .on_fault = on_fault,
                                               .on_forked = on_forked,
                                               .on_bound = on_bound,
                                               .on_closed = on_closed,
                                               .on_written = on_written };
        struct loop loop;
        struct router router;
        int fds[2][2];
        log_open("fuzz", (enum log_level)0);
        if (loop_init(&loop) < 0 || router_init(&router, &loop, &ops, NULL) < 0)
                abort();
        if (native_register(&router, native_alarm_endpoints, native_alarm_n_endpoints) < 0)
                abort();
        for (uint32_t i = 0; i < 2; i++) {
                struct peer *p;
                if (fd_socketpair(fds[i]) < 0 ||
                    peer_new(&p, &router, fds[i][0], PEER_ROLE_WORKER, 10 + i, 0, "fuzz") < 0)
                        abort();
        }
        for (size_t i = 0; i < size;) {
                uint8_t head = data[i++];
                size_t n = head & 0x7f;
                n = n < size - i ? n : size - i;
                ssize_t sent = send(fds[head >> 7][1], data + i, n, MSG_NOSIGNAL | MSG_DONTWAIT);
                (void)sent;
                i += n;
                if (loop_turn(&loop, false) < 0)
                        abort();
                check_invariants(&router);
                drain(fds[0][1]);
                drain(fds[1][1]);
        }
        router_deinit(&router);
        loop_deinit(&loop);
        fd_close(fds[0][1]);
        fd_close(fds[1][1]);
        return 0;
}
