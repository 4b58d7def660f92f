/*
 * endpoint.c - see endpoint.h. These ends do the least work that a correct peer can do: one buffer,
 * one read and one write per batch, no system call whose result is known beforehand.
 */
#include "bench/endpoint.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

struct echo {
        int fd;
        size_t len;
        size_t capacity;
        char *bytes;
};

static void *allocate(size_t len) {
        void *p = malloc(len);

        if (!p)
                die("out of memory for %zu bytes", len);
        memset(p, 'x', len);
        return p;
}

static size_t load_capacity(const struct load *l) {
        return l->size > l->read_bytes ? l->size : l->read_bytes;
}

static void send_all(int fd, const char *bytes, size_t len) {
        while (len > 0) {
                ssize_t n = send(fd, bytes, len, MSG_NOSIGNAL);

                if (n < 0)
                        die("send: %m");
                bytes += n;
                len -= (size_t)n;
        }
}

static void recv_all(int fd, char *bytes, size_t len) {
        while (len > 0) {
                ssize_t n = recv(fd, bytes, len, 0);

                if (n <= 0)
                        die("the other end is gone");
                bytes += n;
                len -= (size_t)n;
        }
}

/* Reads once and answers every message that is complete. False at end of file. */
static bool echo_turn(struct echo *e, size_t size) {
        ssize_t n = recv(e->fd, e->bytes + e->len, e->capacity - e->len, 0);
        size_t whole;

        if (n <= 0)
                return false;
        e->len += (size_t)n;
        whole = e->len / size * size;
        if (whole == 0)
                return true;
        send_all(e->fd, e->bytes, whole);
        e->len -= whole;
        memmove(e->bytes, e->bytes + whole, e->len);
        return true;
}

static _Noreturn void serve_many(struct echo *echoes, int n, size_t size) {
        struct epoll_event events[SAMPLE_CLIENTS_MAX];
        int poll_fd = epoll_create1(EPOLL_CLOEXEC);

        for (int i = 0; i < n; i++) {
                struct epoll_event event = { .events = EPOLLIN, .data.ptr = &echoes[i] };

                if (epoll_ctl(poll_fd, EPOLL_CTL_ADD, echoes[i].fd, &event) < 0)
                        die("epoll_ctl: %m");
        }
        for (;;) {
                int n_events = epoll_wait(poll_fd, events, SAMPLE_CLIENTS_MAX, -1);

                for (int i = 0; i < n_events; i++) {
                        struct echo *e = events[i].data.ptr;

                        if (!echo_turn(e, size))
                                (void)epoll_ctl(poll_fd, EPOLL_CTL_DEL, e->fd, NULL);
                }
        }
}

void endpoint_serve(const int *fds, int n, const struct load *l) {
        struct echo echoes[SAMPLE_CLIENTS_MAX];
        size_t capacity = load_capacity(l);

        for (int i = 0; i < n; i++) {
                echoes[i] = (struct echo){ .fd = fds[i], .capacity = capacity };
                echoes[i].bytes = allocate(capacity);
        }
        if (n > 1)
                serve_many(echoes, n, l->size);
        while (echo_turn(&echoes[0], l->size))
                ;
        for (;;)
                (void)pause();
}

static void call_one(int fd, char *bytes, size_t size, uint64_t until, struct sample *s) {
        for (uint64_t before = now_ns(), after; before < until; before = after) {
                send_all(fd, bytes, size);
                recv_all(fd, bytes, size);
                after = now_ns();
                sample_add_latency(s, after - before);
                s->n_calls++;
        }
}

/* Keeps `flight` calls under way: what is answered is asked again at once, many in one write. */
static void call_many(int fd, char *bytes, const struct load *l, uint64_t until, struct sample *s) {
        size_t capacity = load_capacity(l);
        size_t to_send = l->size * (size_t)l->flight, received = 0;

        for (size_t open = to_send; open > 0;) {
                bool is_over = now_ns() >= until;
                ssize_t n = 0;

                while (to_send > 0 && n >= 0) {
                        n = send(fd, bytes, to_send < capacity ? to_send : capacity,
                                 MSG_DONTWAIT | MSG_NOSIGNAL);
                        to_send -= n > 0 ? (size_t)n : 0;
                }
                if (n < 0 && errno != EAGAIN)
                        die("send: %m");
                if (to_send > 0 &&
                    poll(&(struct pollfd){ .fd = fd, .events = POLLIN | POLLOUT }, 1, -1) < 0)
                        die("poll: %m");
                n = recv(fd, bytes, capacity, to_send > 0 ? MSG_DONTWAIT : 0);
                if (n == 0 || (n < 0 && errno != EAGAIN))
                        die("the other end is gone");
                received += n > 0 ? (size_t)n : 0;
                s->n_calls += received / l->size;
                if (is_over)
                        open -= received / l->size * l->size;
                else
                        to_send += received / l->size * l->size;
                received %= l->size;
        }
}

static void call_until(
        int fd, char *bytes, const struct load *l, uint64_t until, struct sample *s) {
        if (l->flight == 1)
                call_one(fd, bytes, l->size, until, s);
        else
                call_many(fd, bytes, l, until, s);
}

void endpoint_call(int fd, int go_fd, const struct load *l, struct sample *s) {
        char *bytes = allocate(load_capacity(l));
        char byte;

        while (read(go_fd, &byte, 1) > 0)
                ;
        call_until(fd, bytes, l, now_ns() + (uint64_t)l->ms * 100000, s);
        s->n_warm = s->n_calls;
        s->n_calls = s->n_latencies = 0;
        s->start_ns = now_ns();
        call_until(fd, bytes, l, s->start_ns + (uint64_t)l->ms * 1000000, s);
        s->end_ns = now_ns();
        free(bytes);
}
