/*
 * client_inbox.c - what arrives for a blocking client: frames become whole messages; whoever waits for
 * something particular (an answer, a reply) puts aside what comes meanwhile, up to a limit, and
 * client_wait takes from there first. An answer that is neither awaited nor in `started` came too late
 * and is dropped.
 */
#include <assert.h>
#include <errno.h>
#include <poll.h>

#include "libipc/base/clock.h"
#include "libipc/base/error.h"
#include "libipc/client_private.h"

static int read_socket(struct client *c) {
        int r = conn_read(&c->conn);
        if (r == CONN_E_EOF)
                return client_fail(c, ECONNRESET);
        if (r == CONN_E_VIOLATION)
                return client_fail(c, EPROTO);
        return r < 0 ? client_fail(c, -r) : 0;
}

int client_poll(struct client *c, uint64_t deadline, int also_fd) {
        struct pollfd fds[] = {
                { .fd = c->conn.fd, .events = POLLIN },
                { .fd = also_fd, .events = POLLIN },
        };
        /* A peer that is gone shows when reading, after all that it said before. */
        int r = conn_flush(&c->conn);
        if (r < 0)
                return client_fail(c, -r);
        if (r == CONN_E_AGAIN)
                fds[0].events |= POLLOUT;

        uint64_t now = clock_now_us(), left = deadline > now ? deadline - now : 0;
        struct timespec timeout = { .tv_sec = (time_t)(left / CLOCK_S_US),
                                    .tv_nsec = (long)(left % CLOCK_S_US * 1000) };
        int n = ppoll(fds, ARRAY_SIZE(fds), deadline == CLIENT_FOREVER ? NULL : &timeout, NULL);
        if (n < 0)
                return errno == EINTR ? 0 : error_origin(errno);
        if (n == 0)
                return error_origin(ETIMEDOUT);
        if ((fds[0].revents & ~POLLOUT) != 0)
                return error_trace(read_socket(c));
        return fds[1].revents != 0 ? error_origin(EAGAIN) : 0;
}

static struct message *find_partial(struct client *c, const struct wire_frame *frame) {
        list_for_each(node, &c->partial) {
                struct message *m = container_of(node, struct message, link);
                if (message_wants(m, frame))
                        return m;
        }
        return NULL;
}

static void hold(struct client *c, struct list *list, struct message *m) {
        list_add_tail(list, &m->link);
        c->n_held_bytes += m->values.len;
}

static void let_go(struct client *c, struct message *m) {
        list_remove(&m->link);
        c->n_held_bytes -= m->values.len;
}

static bool fits(const struct client *c, const struct message *m) {
        return c->n_held_bytes + m->values.len <= LIMIT_CLIENT_HELD_BYTES;
}

static bool is_call(const struct message *m) {
        return m->kind == THOX__FRAME__BODY_CALL;
}

#define CLIENT_BUSY "the server is busy and keeps 4096 calls or 128 MiB until it looks at them"
static_assert(LIMIT_CLIENT_EVENTS == 4096 && LIMIT_CLIENT_HELD_BYTES == 128 << 20,
              "CLIENT_BUSY names them");

static int refuse_take(struct client *c, struct message *m) {
        struct buf why CLEANUP(buf_deinit);
        bool is_answerable = !m->event.is_oneway;
        uint64_t cid = m->event.cid;
        int r = 0;

        message_free(m);
        buf_init(&why, sizeof(CLIENT_BUSY) + 8);
        if (is_answerable)
                r = value_put_text(&why, CLIENT_BUSY);
        if (is_answerable && r == 0)
                r = client_answer(c, cid, STATUS_BUSY, &why);
        return error_trace(r);
}

/* The call in `list` that a Cancel is about goes. */
static bool drop_call(struct client *c, struct list *list, uint64_t cid) {
        list_for_each(node, list) {
                struct message *m = container_of(node, struct message, link);
                if (is_call(m) && m->event.cid == cid) {
                        let_go(c, m);
                        message_free(m);
                        return true;
                }
        }
        return false;
}

/* *ret stays NULL while frames of the message are to come, and for the rest of a cancelled call. */
static int take_frame(struct client *c, const struct wire_frame *frame, struct message **ret) {
        struct message *m = find_partial(c, frame);
        int r;

        if (!m && message_is_continued(frame))
                return 0;
        if (m) {
                let_go(c, m);
                r = message_add(m, frame);
        } else {
                r = message_new(&m, frame);
        }
        if (r < 0) {
                message_free(m);
                return client_fail(c, -r);
        }

        if (m->is_complete) {
                if (m->event.type == CLIENT_EVENT_CANCEL)
                        drop_call(c, &c->partial, m->event.cid);
                *ret = m;
                return 0;
        }
        if (is_call(m) && !fits(c, m))
                return error_trace(refuse_take(c, m));
        hold(c, &c->partial, m);
        return 0;
}

/* The next whole message. */
static int receive(struct client *c, uint64_t deadline, int also_fd, struct message **ret) {
        struct message *m = NULL;

        while (!m) {
                struct wire_frame *frame;
                int r = c->error < 0 ? c->error : conn_next(&c->conn, &frame);
                if (r == CONN_OK)
                        r = take_frame(c, frame, &m);
                else if (r == CONN_E_AGAIN)
                        r = client_poll(c, deadline, also_fd);
                else if (r > 0)
                        r = client_fail(c, EPROTO);
                if (r < 0)
                        return error_trace(r);
        }
        if (m->event.type == CLIENT_EVENT_PUSHED) {
                m->event.dropped += c->n_lost;
                c->n_lost = 0;
        }
        *ret = m;
        return 0;
}

static bool is_event(const struct client *c, const struct message *m) {
        if (m->event.type == CLIENT_EVENT_ANSWER)
                return table_find_u64(&c->started, m->seq);
        return m->kind != THOX__FRAME__BODY_REPLY;
}

static int put_aside_take(struct client *c, struct message *m) {
        bool is_withdrawn =
                m->event.type == CLIENT_EVENT_CANCEL && drop_call(c, &c->events, m->event.cid);

        c->n_events -= is_withdrawn;
        if (is_withdrawn || !is_event(c, m)) {
                message_free(m);
                return 0;
        }
        if (is_call(m) && (c->n_events >= LIMIT_CLIENT_EVENTS || !fits(c, m)))
                return error_trace(refuse_take(c, m));
        if (m->event.type == CLIENT_EVENT_PUSHED &&
            (c->n_events >= LIMIT_CLIENT_EVENTS || !fits(c, m))) {
                c->n_lost += m->event.dropped + 1;
                message_free(m);
                return 0;
        }
        /* Nobody has cause for so many of the others. */
        if (c->n_events == 2 * LIMIT_CLIENT_EVENTS) {
                message_free(m);
                return client_fail(c, ENOBUFS);
        }
        hold(c, &c->events, m);
        c->n_events++;
        return 0;
}

int client_receive_for(
        struct client *c, wire_kind kind, uint32_t seq, uint64_t deadline, struct message **ret) {
        for (;;) {
                struct message *m;
                int r = receive(c, deadline, -1, &m);
                if (r < 0)
                        return error_trace(r);
                if (m->kind == kind && m->seq == seq) {
                        *ret = m;
                        return 0;
                }
                r = put_aside_take(c, m);
                if (r < 0)
                        return error_trace(r);
        }
}

static struct message *take_event(struct client *c, struct message *m) {
        let_go(c, m);
        c->n_events--;
        return m;
}

static struct message *take_first_event(struct client *c) {
        if (list_is_empty(&c->events))
                return NULL;
        return take_event(c, container_of(c->events.next, struct message, link));
}

struct message *client_take_answer(struct client *c, uint32_t seq) {
        list_for_each(node, &c->events) {
                struct message *m = container_of(node, struct message, link);
                if (m->event.type == CLIENT_EVENT_ANSWER && m->seq == seq)
                        return take_event(c, m);
        }
        return NULL;
}

int client_wait(struct client *c, uint64_t timeout_us, int also_fd, struct client_event *ret) {
        uint64_t deadline = client_deadline(timeout_us);
        struct message *m = take_first_event(c);

        c->current = message_free(c->current);
        while (!m) {
                int r = receive(c, deadline, also_fd, &m);
                if (r < 0)
                        return error_trace(r);
                if (!is_event(c, m))
                        m = message_free(m);
        }
        if (m->event.type == CLIENT_EVENT_ANSWER)
                table_remove_u64(&c->started, m->seq);
        c->current = m;
        *ret = m->event;
        return 0;
}
