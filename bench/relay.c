/*
 * relay.c - the limit of a design in which calls pass through a process in the middle: client -> relay
 * -> server and back, over AF_UNIX stream sockets. The relay parses nothing and copies bytes from one
 * socket of a pair to the other, at most --read at a time (64 KiB).
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench/endpoint.h"
#include "bench/sample.h"

/* The four ends of every client's path. */
struct wires {
        int client[SAMPLE_CLIENTS_MAX];
        int relay_client[SAMPLE_CLIENTS_MAX];
        int relay_server[SAMPLE_CLIENTS_MAX];
        int server[SAMPLE_CLIENTS_MAX];
};

/* One direction of a pair. While it holds bytes its source is not read. */
struct lane {
        struct side *from;
        struct side *to;
        size_t start;
        size_t end;
        size_t capacity;
        char *bytes;
};

/* One socket of the relay: it feeds one lane and drains another. */
struct side {
        int fd;
        uint32_t armed;
        struct lane *in;
        struct lane *out;
};

static void side_arm(int poll_fd, struct side *side) {
        uint32_t events = (side->in->end == 0 ? EPOLLIN : 0) | (side->out->end > 0 ? EPOLLOUT : 0);
        struct epoll_event event = { .events = events, .data.ptr = side };

        if (events == side->armed)
                return;
        if (epoll_ctl(poll_fd, EPOLL_CTL_MOD, side->fd, &event) < 0)
                die("epoll_ctl: %m");
        side->armed = events;
}

static void lane_write(struct lane *lane) {
        ssize_t n = send(lane->to->fd, lane->bytes + lane->start, lane->end - lane->start,
                         MSG_DONTWAIT | MSG_NOSIGNAL);

        if (n < 0 && errno != EAGAIN)
                die("relay: send: %m");
        lane->start += n > 0 ? (size_t)n : 0;
        if (lane->start == lane->end)
                lane->start = lane->end = 0;
}

/* False at end of file. */
static bool lane_read(struct lane *lane) {
        ssize_t n = recv(lane->from->fd, lane->bytes, lane->capacity, MSG_DONTWAIT);

        if (n == 0 || (n < 0 && errno != EAGAIN))
                return false;
        lane->end = n > 0 ? (size_t)n : 0;
        if (lane->end > 0)
                lane_write(lane);
        return true;
}

static void side_turn(int poll_fd, struct side *side, uint32_t events) {
        if (events & EPOLLOUT) {
                lane_write(side->out);
                side_arm(poll_fd, side->out->from);
        }
        if (events & EPOLLIN && !lane_read(side->in)) {
                (void)epoll_ctl(poll_fd, EPOLL_CTL_DEL, side->fd, NULL);
                return;
        }
        side_arm(poll_fd, side->in->to);
        side_arm(poll_fd, side);
}

static void pair_init(
        struct side *pair, struct lane *lanes, const int *fds, int poll_fd, size_t capacity) {
        for (int i = 0; i < 2; i++) {
                lanes[i].capacity = capacity;
                lanes[i].bytes = malloc(capacity);
                if (!lanes[i].bytes)
                        die("relay: out of memory");
                lanes[i].from = &pair[i];
                lanes[i].to = &pair[1 - i];
                pair[i] = (struct side){ .fd = fds[i], .in = &lanes[i], .out = &lanes[1 - i] };
                if (epoll_ctl(poll_fd, EPOLL_CTL_ADD, fds[i], &(struct epoll_event){ 0 }) < 0)
                        die("epoll_ctl: %m");
        }
        side_arm(poll_fd, &pair[0]);
        side_arm(poll_fd, &pair[1]);
}

/* Copies between every client and its server until killed. */
static _Noreturn void relay(const struct wires *w, const struct load *l) {
        size_t n = (size_t)l->n_clients;
        struct lane *lanes = calloc(n * 2, sizeof(*lanes));
        struct side *sides = calloc(n * 2, sizeof(*sides));
        struct epoll_event events[2 * SAMPLE_CLIENTS_MAX];
        int poll_fd = epoll_create1(EPOLL_CLOEXEC);

        if (!lanes || !sides || poll_fd < 0)
                die("relay: %m");
        for (size_t i = 0; i < n; i++)
                pair_init(&sides[2 * i], &lanes[2 * i],
                          (int[]){ w->relay_client[i], w->relay_server[i] }, poll_fd,
                          l->read_bytes);
        for (;;) {
                int n_events = epoll_wait(poll_fd, events, 2 * SAMPLE_CLIENTS_MAX, -1);

                for (int i = 0; i < n_events; i++)
                        side_turn(poll_fd, events[i].data.ptr, events[i].events);
        }
}

static void pair_open(int *ret_a, int *ret_b) {
        int fds[2];

        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0)
                die("socketpair: %m");
        *ret_a = fds[0];
        *ret_b = fds[1];
}

static pid_t client_fork(
        const struct wires *w, int i, const int *go, const struct load *l, struct sample *s) {
        pid_t pid = child_fork();

        if (pid != 0)
                return pid;
        (void)close(go[1]);
        endpoint_call(w->client[i], go[0], l, s);
        _exit(0);
}

static double clients_run(const struct wires *w,
                          const struct load *l,
                          struct sample *samples,
                          pid_t relay_pid) {
        pid_t pids[SAMPLE_CLIENTS_MAX];
        double before;
        int go[2];

        if (pipe(go) < 0)
                die("pipe: %m");
        for (int i = 0; i < l->n_clients; i++)
                pids[i] = client_fork(w, i, go, l, &samples[i]);
        before = process_cpu_us(relay_pid);
        (void)close(go[1]);
        for (int i = 0; i < l->n_clients; i++)
                child_join(pids[i], "a client");
        return process_cpu_us(relay_pid) - before;
}

int main(int argc, char **argv) {
        struct sample *samples;
        pid_t relay_pid, server_pid;
        struct wires w;
        struct load l;
        double cpu_us;

        load_parse(&l, &argc, argv);
        if (argc > 1)
                die("unknown argument '%s'; usage: %s [--size N] [--clients N] [--flight N] [--ms "
                    "N]",
                    argv[1], program_invocation_short_name);
        samples = samples_map(l.n_clients);
        for (int i = 0; i < l.n_clients; i++) {
                pair_open(&w.client[i], &w.relay_client[i]);
                pair_open(&w.relay_server[i], &w.server[i]);
        }
        relay_pid = child_fork();
        if (relay_pid == 0)
                relay(&w, &l);
        server_pid = child_fork();
        if (server_pid == 0)
                endpoint_serve(w.server, l.n_clients, &l);

        cpu_us = clients_run(&w, &l, samples, relay_pid);
        child_end(server_pid);
        child_end(relay_pid);
        samples_print(samples, &l, cpu_us);
        return 0;
}
