/*
 * console.c - serves a program's console without blocking; see console.h.
 *
 * Whether a write would block is asked with poll before each piece of at most PIPE_BUF bytes: the
 * descriptor is shared with the shell and other programs, so it is not ours to make non-blocking.
 */
#include "thoxctl/console.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "libipc/base/error.h"
#include "libipc/base/fd.h"
#include "libipc/status.h"

#define LINE_MAX_BYTES (1u << 20) /* a longer line is delivered in pieces */
#define READ_BYTES 4096u

/* A call not yet answered. Owned by the console's list. */
struct console_request {
        struct list link;
        uint64_t cid;
        bool is_oneway, is_cancelled;
        size_t len, n_written;
        uint8_t bytes[]; /* of a write */
};

static void request_free(struct console_request *request) {
        list_remove(&request->link);
        free(request);
}

static struct console_request *first_of(struct list *l) {
        return list_is_empty(l) ? NULL : container_of(l->next, struct console_request, link);
}

static bool is_ready(int fd, short events) {
        struct pollfd p = { .fd = fd, .events = events };

        return poll(&p, 1, 0) > 0;
}

/* Adds to or removes from what ready_fd watches. Plain files refuse: they are always ready, and
 * never waited for. */
static void watch(struct console *c, int fd, uint32_t events, bool *is_watched, bool wanted) {
        struct epoll_event event = { .events = events, .data.fd = fd };

        if (*is_watched == wanted)
                return;
        if (epoll_ctl(c->ready_fd, wanted ? EPOLL_CTL_ADD : EPOLL_CTL_DEL, fd, &event) == 0)
                *is_watched = wanted;
}

/* Signals that were ignored when we started (nohup, background jobs) stay ignored. */
static int open_signals(struct console *c) {
        static const int SIGNALS[] = { SIGINT, SIGTERM, SIGHUP };
        struct epoll_event event = { .events = EPOLLIN };
        struct sigaction action;
        sigset_t wanted;

        sigemptyset(&wanted);
        for (size_t i = 0; i < ARRAY_SIZE(SIGNALS); i++)
                if (sigaction(SIGNALS[i], NULL, &action) == 0 && action.sa_handler != SIG_IGN)
                        sigaddset(&wanted, SIGNALS[i]);
        sigprocmask(SIG_BLOCK, &wanted, &c->old_mask);
        c->signal_fd = signalfd(-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK);
        if (c->signal_fd < 0)
                return error_origin(errno);
        event.data.fd = c->signal_fd;
        if (epoll_ctl(c->ready_fd, EPOLL_CTL_ADD, c->signal_fd, &event) < 0)
                return error_origin(errno);
        return 0;
}

int console_init(struct console *c, struct client *client, int in_fd, int out_fd) {
        uint32_t status = STATUS_OK;
        int r;

        *c = (struct console){
                .client = client, .in_fd = in_fd, .out_fd = out_fd, .ready_fd = -1, .signal_fd = -1
        };
        list_init(&c->writes);
        list_init(&c->reads);
        buf_init(&c->input, LINE_MAX_BYTES + READ_BYTES);
        sigprocmask(SIG_SETMASK, NULL, &c->old_mask);
        /* A reader that went away shows as EPIPE. */
        signal(SIGPIPE, SIG_IGN);

        c->ready_fd = epoll_create1(EPOLL_CLOEXEC);
        if (c->ready_fd < 0)
                return error_origin(errno);
        r = open_signals(c);
        if (r < 0)
                return error_trace(r);
        r = client_context_new(client, NULL, &status, &c->handle);
        return r < 0 ? error_trace(r) : (int)status;
}

void console_deinit(struct console *c) {
        while (first_of(&c->writes))
                request_free(first_of(&c->writes));
        while (first_of(&c->reads))
                request_free(first_of(&c->reads));
        buf_deinit(&c->input);
        c->signal_fd = fd_close(c->signal_fd);
        c->ready_fd = fd_close(c->ready_fd);
        sigprocmask(SIG_SETMASK, &c->old_mask, NULL);
}

static int answer_text(struct console *c,
                       uint64_t cid,
                       enum thox_status status,
                       const char *message) {
        struct buf values;
        int r;

        buf_init(&values, 256);
        r = value_put_text(&values, message);
        if (r == 0)
                r = client_answer(c->client, cid, status, &values);
        buf_deinit(&values);
        return error_trace(r);
}

/* The one end of every request, which the caller has found waiting. `values` may be NULL. */
static int finish(struct console *c, struct console_request *request, const struct buf *values) {
        assert(request);
        uint64_t cid = request->cid;
        bool is_awaited = !request->is_oneway && !request->is_cancelled;

        request_free(request);
        return is_awaited ? error_trace(client_answer(c->client, cid, STATUS_OK, values)) : 0;
}

static struct console_request *request_new(struct list *queue,
                                           const struct client_event *event,
                                           const void *bytes,
                                           size_t len) {
        struct console_request *request = malloc(sizeof(*request) + len);

        if (!request)
                return NULL;
        *request = (struct console_request){ .cid = event->cid,
                                             .is_oneway = event->is_oneway,
                                             .len = len };
        if (len > 0)
                memcpy(request->bytes, bytes, len);
        list_add_tail(queue, &request->link);
        return request;
}

/*
 * Writing.
 */

static void write_piece(struct console *c, struct console_request *request) {
        size_t left = request->len - request->n_written;
        ssize_t n = write(c->out_fd, request->bytes + request->n_written,
                          left < PIPE_BUF ? left : PIPE_BUF);

        if (n >= 0)
                request->n_written += (size_t)n;
        else if (errno != EINTR && errno != EAGAIN)
                c->write_error = errno;
}

static int flush_writes(struct console *c) {
        struct console_request *request;
        int r = 0;

        while (r == 0 && (request = first_of(&c->writes))) {
                if (request->n_written == request->len || c->write_error != 0)
                        r = finish(c, request, NULL);
                else if (is_ready(c->out_fd, POLLOUT))
                        write_piece(c, request);
                else
                        break;
        }
        watch(c, c->out_fd, EPOLLOUT, &c->watches_out, !list_is_empty(&c->writes));
        return error_trace(r);
}

static int on_write(struct console *c, const struct client_event *event) {
        struct value_reader reader;
        const uint8_t *bytes;
        size_t len;

        value_reader_init(&reader, event->values, event->values_len);
        if (!value_get_bytes(&reader, &bytes, &len))
                return answer_text(c, event->cid, STATUS_BADARGS, "write takes a string");
        if (!request_new(&c->writes, event, bytes, len))
                return answer_text(c, event->cid, STATUS_LIMIT, "no memory for these bytes");
        return error_trace(flush_writes(c));
}

/*
 * Reading.
 */

/* Answers with `n` bytes of the input and drops `n_dropped`. */
static int finish_line(struct console *c, size_t n, size_t n_dropped) {
        struct buf values;
        int r;

        buf_init(&values, 2 * LINE_MAX_BYTES);
        r = value_put_bytes(&values, c->input.data, n);
        if (r == 0)
                r = finish(c, first_of(&c->reads), &values);
        buf_deinit(&values);
        c->input.len -= n_dropped;
        memmove(c->input.data, c->input.data + n_dropped, c->input.len);
        return error_trace(r);
}

static int finish_nil(struct console *c) {
        struct buf values;
        int r;

        buf_init(&values, 16);
        r = value_put_nil(&values);
        if (r == 0)
                r = finish(c, first_of(&c->reads), &values);
        buf_deinit(&values);
        return error_trace(r);
}

/* Gives the oldest reader a line if there is one. */
static int offer_line(struct console *c, bool *ret_done) {
        size_t len = c->input.len;
        uint8_t *newline = len > 0 ? memchr(c->input.data, '\n', len) : NULL;

        *ret_done = newline || len >= LINE_MAX_BYTES;
        if (newline)
                return finish_line(c, (size_t)(newline - c->input.data),
                                   (size_t)(newline - c->input.data) + 1);
        return *ret_done ? finish_line(c, LINE_MAX_BYTES, LINE_MAX_BYTES) : 0;
}

/* One read; at the end of input what is left is the last line, then nil. */
static int read_input(struct console *c) {
        ssize_t n;
        int r = buf_reserve(&c->input, READ_BYTES);

        if (r < 0)
                return error_trace(r);
        n = read(c->in_fd, c->input.data + c->input.len, READ_BYTES);
        if (n < 0 && (errno == EINTR || errno == EAGAIN))
                return 0;
        if (n > 0) {
                c->input.len += (size_t)n;
                return 0;
        }
        return c->input.len > 0 ? finish_line(c, c->input.len, c->input.len) : finish_nil(c);
}

static int serve_reads(struct console *c) {
        bool is_done;
        int r = 0;

        if (c->holds_input)
                return 0;
        while (r == 0 && first_of(&c->reads)) {
                r = offer_line(c, &is_done);
                if (r == 0 && !is_done) {
                        if (!is_ready(c->in_fd, POLLIN))
                                break;
                        r = read_input(c);
                }
        }
        watch(c, c->in_fd, EPOLLIN, &c->watches_in, !list_is_empty(&c->reads));
        return error_trace(r);
}

static int on_read_line(struct console *c, const struct client_event *event) {
        if (!request_new(&c->reads, event, NULL, 0))
                return answer_text(c, event->cid, STATUS_LIMIT, "no memory for the request");
        return error_trace(serve_reads(c));
}

static int64_t size_from_environment(const char *variable, int64_t otherwise) {
        const char *text = getenv(variable);
        int n = text ? atoi(text) : 0;

        return n > 0 ? n : otherwise;
}

static int on_size(struct console *c, const struct client_event *event) {
        struct winsize size = { 0 };
        struct buf values;
        int r;

        buf_init(&values, 64);
        (void)ioctl(c->out_fd, TIOCGWINSZ, &size);
        r = value_put_integer(&values,
                              size.ws_col > 0 ? size.ws_col : size_from_environment("COLUMNS", 80));
        if (r == 0)
                r = value_put_integer(&values, size.ws_row > 0 ?
                                                       size.ws_row :
                                                       size_from_environment("LINES", 24));
        if (r == 0)
                r = client_answer(c->client, event->cid, STATUS_OK, &values);
        buf_deinit(&values);
        return error_trace(r);
}

static const struct {
        const char *name;
        int (*handler)(struct console *c, const struct client_event *event);
} ENDPOINTS[] = {
        { "write", on_write },
        { "read_line", on_read_line },
        { "size", on_size },
};

static int on_call(struct console *c, const struct client_event *event) {
        for (size_t i = 0; i < ARRAY_SIZE(ENDPOINTS); i++)
                if (strlen(ENDPOINTS[i].name) == event->name_len &&
                    memcmp(ENDPOINTS[i].name, event->name, event->name_len) == 0)
                        return ENDPOINTS[i].handler(c, event);
        return answer_text(c, event->cid, STATUS_NOTBOUND,
                           "a console has write, read_line and size");
}

/* What a program wrote before it ended still belongs to its output: only its answer is dropped. */
static void on_cancel(struct console *c, uint64_t cid) {
        list_for_each_safe(node, &c->reads) {
                struct console_request *request = container_of(node, struct console_request, link);

                if (request->cid == cid)
                        request_free(request);
        }
        list_for_each(node, &c->writes) {
                struct console_request *request = container_of(node, struct console_request, link);

                if (request->cid == cid)
                        request->is_cancelled = true;
        }
        watch(c, c->in_fd, EPOLLIN, &c->watches_in, c->holds_input || !list_is_empty(&c->reads));
}

int console_on_event(struct console *c, const struct client_event *event) {
        if (event->type == CLIENT_EVENT_CALL)
                return error_trace(on_call(c, event));
        if (event->type == CLIENT_EVENT_CANCEL)
                on_cancel(c, event->cid);
        return 0;
}

int console_on_ready(struct console *c) {
        struct signalfd_siginfo info;
        int r;

        if (read(c->signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info))
                c->signal = (int)info.ssi_signo;
        r = flush_writes(c);
        return r < 0 ? error_trace(r) : error_trace(serve_reads(c));
}

void console_hold_input(struct console *c, bool holds) {
        c->holds_input = holds;
        watch(c, c->in_fd, EPOLLIN, &c->watches_in, holds);
        if (!holds)
                (void)serve_reads(c);
}

bool console_has_input(const struct console *c) {
        return is_ready(c->in_fd, POLLIN);
}

void console_take_input(struct console *c) {
        ssize_t n;

        if (c->input.len >= LINE_MAX_BYTES || buf_reserve(&c->input, READ_BYTES) < 0)
                return;
        n = read(c->in_fd, c->input.data + c->input.len, READ_BYTES);
        if (n > 0)
                c->input.len += (size_t)n;
        else if (n == 0 || (errno != EINTR && errno != EAGAIN))
                c->is_at_end = true;
}

bool console_take_line(struct console *c, struct buf *line) {
        size_t len = c->input.len, n_dropped;
        const uint8_t *newline = len > 0 ? memchr(c->input.data, '\n', len) : NULL;
        bool is_rest = len >= LINE_MAX_BYTES || (c->is_at_end && len > 0);

        if (!newline && !is_rest)
                return false;
        if (newline)
                len = (size_t)(newline - c->input.data);
        n_dropped = newline ? len + 1 : len;
        if (buf_add(line, c->input.data, len) < 0)
                return false;
        c->input.len -= n_dropped;
        memmove(c->input.data, c->input.data + n_dropped, c->input.len);
        return true;
}

void console_drain(struct console *c) {
        struct pollfd fds[] = { { .fd = c->out_fd, .events = POLLOUT },
                                { .fd = c->signal_fd, .events = POLLIN } };
        struct console_request *request;

        while ((request = first_of(&c->writes)) && c->write_error == 0) {
                if (request->n_written == request->len) {
                        request_free(request);
                        continue;
                }
                if (poll(fds, ARRAY_SIZE(fds), -1) < 0 && errno != EINTR)
                        return;
                if (fds[1].revents != 0)
                        return;
                if (fds[0].revents != 0)
                        write_piece(c, request);
        }
}
