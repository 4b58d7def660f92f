/*
 * peer.c - a connected process instance: reading, queuing, pausing, and its one way out.
 *
 * A peer that does not read what it asked for is not read from either (is_paused): its requests wait in
 * its own socket. One that keeps sending and reads nothing for LIMIT_OUT_STALL_US is removed.
 */
#include "initd/peer.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "initd/binding.h"
#include "initd/call.h"
#include "initd/context.h"
#include "initd/dispatch.h"
#include "initd/forward.h"
#include "initd/queue.h"
#include "initd/router.h"
#include "initd/trace.h"
#include "libipc/base/error.h"
#include "libipc/base/fd.h"
#include "libipc/base/log.h"

static const char *peer_role_name(enum peer_role role) {
        static const char *const names[] = {
                [PEER_ROLE_WORKER] = "worker",
                [PEER_ROLE_CONTROL] = "control",
                [PEER_ROLE_DAEMON] = "daemon",
                [PEER_ROLE_ZYGOTE] = "zygote",
        };
        static_assert(ARRAY_SIZE(names) == _PEER_ROLE_N, "one name per role");
        return names[role];
}

static int peer_want(struct peer *p) {
        return loop_io_want(&p->io, !p->is_paused, conn_pending(&p->conn) > 0);
}

static bool peer_is_put_off(const struct peer *p) {
        return !list_is_empty(&p->put_off_link);
}

/* All that are complete, or as many as it may in one turn; how many. */
static unsigned peer_handle_frames(struct peer *p) {
        struct wire_frame *frame;
        unsigned n = 0;
        int r;
        p->n_deliveries = 0;
        while ((r = conn_next(&p->conn, &frame)) == CONN_OK) {
                n++;
                dispatch_frame(p, frame);
                if (p->state >= PEER_STATE_DOOMED)
                        return n;
                if (p->n_deliveries >= LIMIT_DELIVERIES_PER_TURN) {
                        if (router_put_off(p->router, p) < 0)
                                peer_close(p, EXIT_REASON_PROTOCOL, "no memory to go on");
                        return n;
                }
        }
        if (r == CONN_E_VIOLATION)
                peer_violation(p, p->conn.reason);
        else if (r < 0)
                peer_close(p, EXIT_REASON_PROTOCOL, "reading failed: %s", strerror(-r));
        return n;
}

/* The other end is closed. A worker that leaves by itself says so first. */
static void peer_close_at_end(struct peer *p) {
        bool has_left = p->role != PEER_ROLE_WORKER || p->has_said_exit;
        peer_close(p, has_left ? EXIT_REASON_EXIT : EXIT_REASON_KILLED, "connection closed");
}

/* One read and the frames in it. True: more may be read in this turn. */
static bool peer_read(struct peer *p) {
        unsigned n_frames = 0;
        int r = conn_read(&p->conn);
        if (r == CONN_E_AGAIN)
                return false;
        if (r == CONN_E_VIOLATION)
                peer_violation(p, p->conn.reason);
        else if (r == CONN_E_EOF)
                peer_close_at_end(p);
        else if (r < 0)
                peer_close(p, EXIT_REASON_PROTOCOL, "reading failed: %s", strerror(-r));
        else
                n_frames = peer_handle_frames(p);
        return p->state != PEER_STATE_CLOSING && p->conn.may_have_more && !peer_is_put_off(p) &&
               n_frames < LIMIT_FRAMES_PER_TURN;
}

static int peer_on_stall(struct loop_timer *timer) {
        struct peer *p = container_of(timer, struct peer, stall);
        int n_waiting = 0;
        bool sends_on = ioctl(p->conn.fd, FIONREAD, &n_waiting) == 0 && n_waiting > 0;
        if (sends_on && p->conn.n_bytes_written == p->stall_mark) {
                log_warn("peer removed: it sends but reads nothing pid=%u role=%s name=%s "
                         "unread=%zu",
                         p->pid, peer_role_name(p->role), log_quote(p->name, strlen(p->name)),
                         conn_pending(&p->conn));
                peer_close(p, EXIT_REASON_HUNG, "it sends but reads nothing");
                return 0;
        }
        p->stall_mark = p->conn.n_bytes_written;
        return error_trace(loop_timer_set(&p->stall, LIMIT_OUT_STALL_US));
}

static int peer_update_pause(struct peer *p) {
        size_t pending = conn_pending(&p->conn);
        if (!p->is_paused && pending > LIMIT_OUT_PAUSE_BYTES) {
                p->is_paused = true;
                p->stall_mark = p->conn.n_bytes_written;
                return error_trace(loop_timer_set(&p->stall, LIMIT_OUT_STALL_US));
        }
        if (p->is_paused && pending <= LIMIT_OUT_PAUSE_BYTES / 2) {
                p->is_paused = false;
                loop_timer_clear(&p->stall);
        }
        return 0;
}

void peer_flush(struct peer *p) {
        if (p->state >= PEER_STATE_DOOMED)
                return;
        int r = conn_flush(&p->conn);
        if (r == CONN_E_EOF) {
                /* The process is gone, but its last frames may still wait to be read. */
                peer_drain(p);
                peer_close_at_end(p);
                return;
        }
        if (!p->router->is_written) {
                p->router->is_written = true;
                p->router->ops->on_written(p->router);
        }
        if (r == CONN_OK || r == CONN_E_AGAIN)
                r = peer_update_pause(p);
        if (r == 0)
                r = peer_want(p);
        if (r < 0)
                peer_close(p, EXIT_REASON_PROTOCOL, "writing failed: %s", strerror(-r));
}

static int peer_on_io(struct loop_io *io, bool is_readable, bool is_writable) {
        struct peer *p = container_of(io, struct peer, io);
        if (is_writable)
                peer_flush(p);
        if (!is_readable || peer_is_put_off(p))
                return 0;
        for (unsigned i = 0; i < LIMIT_READS_PER_TURN; i++)
                if (p->state >= PEER_STATE_DOOMED || p->is_paused || !peer_read(p))
                        break;
        return 0;
}

void peer_resume(struct peer *p) {
        list_remove(&p->put_off_link);
        peer_handle_frames(p);
}

void peer_drain(struct peer *p) {
        while (p->state < PEER_STATE_DOOMED) {
                int r = conn_read(&p->conn);
                if (r != CONN_OK)
                        return;
                peer_handle_frames(p);
        }
}

struct peer *peer_free(struct peer *p) {
        if (!p)
                return NULL;
        assert(p->n_calls_made == 0 && p->n_made_bytes == 0 && p->n_native_bytes == 0);
        assert(p->n_calls_served == 0 && p->n_served_bytes == 0);
        /* A client that is refused should still hear why. */
        if (conn_pending(&p->conn) > 0)
                (void)conn_flush(&p->conn);
        conn_deinit(&p->conn);
        handle_table_deinit(&p->handles);
        table_deinit(&p->sids);
        free(p);
        return NULL;
}
DEFINE_CLEANUP(struct peer *, peer_free)

static void peer_init_lists(struct peer *p) {
        handle_table_init(&p->handles,
                          p->role == PEER_ROLE_DAEMON ? LIMIT_HANDLES_DAEMON : LIMIT_HANDLES);
        list_init(&p->turn_link);
        list_init(&p->put_off_link);
        list_init(&p->contexts);
        list_init(&p->bindings);
        table_init(&p->sids);
        list_init(&p->listeners);
        list_init(&p->calls_made);
        list_init(&p->calls_served);
        list_init(&p->calls_forwarding);
}

int peer_new(struct peer **ret,
             struct router *r,
             int fd,
             enum peer_role role,
             uint32_t pid,
             uint32_t uid,
             const char *name) {
        struct peer *p CLEANUP(peer_freep) = calloc(1, sizeof(*p));
        if (!p) {
                fd_close(fd);
                return error_origin(ENOMEM);
        }
        *p = (struct peer){
                .router = r, .role = role, .pid = pid, .uid = uid, .priority = WIRE_PRIORITY_DEFAULT
        };
        peer_init_lists(p);
        snprintf(p->name, sizeof(p->name), "%s", name);
        int error = conn_init_take(&p->conn, fd, &r->scratch);
        if (error < 0)
                return error_trace(error);
        error = table_add_u64(&r->peers, pid, p);
        if (error < 0)
                return error_trace(error);
        error = loop_io_init(&p->io, r->loop, p->conn.fd, peer_on_io);
        if (error == 0)
                error = loop_timer_init(&p->stall, r->loop, peer_on_stall);
        if (error < 0) {
                loop_io_deinit(&p->io);
                table_remove_u64(&r->peers, pid);
                return error_trace(error);
        }
        p->generation = router_new_generation(r);
        *ret = take(p);
        return 0;
}

static void peer_queue_for_turn_end(struct peer *p, struct list *queue) {
        list_remove(&p->turn_link);
        list_add_tail(queue, &p->turn_link);
        loop_later_add(p->router->loop, &p->router->turn_end);
}

static void peer_drop_objects(struct peer *p) {
        queue_drop_listeners(p);
        while (!list_is_empty(&p->bindings))
                binding_drop(container_of(p->bindings.next, struct binding, server_link));
        while (!list_is_empty(&p->contexts))
                context_kill(container_of(p->contexts.next, struct context, owner_link));
        call_drop_served(p);
        forward_drop(p);
        call_drop_made(p);
        enum close_reason reason =
                p->close_reason == EXIT_REASON_EXIT ? CLOSE_REASON_EXIT : CLOSE_REASON_KILLED;
        for (size_t i = 0; i < p->handles.n_slots; i++)
                if (p->handles.slots[i])
                        context_close_handle(p->handles.slots[i], reason);
}

void peer_close_doomed(struct peer *p) {
        char text[sizeof(p->close_text)];
        memcpy(text, p->close_text, sizeof(text));
        peer_close(p, EXIT_REASON_HUNG, "%s", text);
}

void peer_close(struct peer *p, enum exit_reason reason, const char *fmt, ...) {
        if (p->state == PEER_STATE_CLOSING)
                return;
        p->state = PEER_STATE_CLOSING;
        p->close_reason = reason;
        va_list args;
        va_start(args, fmt);
        vsnprintf(p->close_text, sizeof(p->close_text), fmt, args);
        va_end(args);
        loop_io_deinit(&p->io);
        loop_timer_deinit(&p->stall);
        list_remove(&p->put_off_link);
        table_remove_u64(&p->router->peers, p->pid);
        peer_drop_objects(p);
        if (p->is_traced)
                trace_end(p);
        p->router->ops->on_closed(p);
        peer_queue_for_turn_end(p, &p->router->closing);
}

static void peer_doom(struct peer *p, const char *why) {
        log_warn("peer removed: %s pid=%u role=%s name=%s unread=%zu limit=%u", why, p->pid,
                 peer_role_name(p->role), log_quote(p->name, strlen(p->name)),
                 conn_pending(&p->conn), LIMIT_OUT_BYTES);
        p->state = PEER_STATE_DOOMED;
        snprintf(p->close_text, sizeof(p->close_text), "%s", why);
        peer_queue_for_turn_end(p, &p->router->doomed);
}

void peer_sent(struct peer *p, int r) {
        if (p->state >= PEER_STATE_DOOMED)
                return;
        if (r == CONN_E_FULL)
                peer_doom(p, "it stopped reading");
        else if (r != CONN_OK)
                peer_doom(p, "no memory for its output");
        else if (list_is_empty(&p->turn_link))
                peer_queue_for_turn_end(p, &p->router->dirty);
}

void peer_send(struct peer *p, const Thox__Frame *message, const struct wire_extra *extra) {
        if (p->state >= PEER_STATE_DOOMED)
                return;
        if (message->body_case == THOX__FRAME__BODY_REPLY)
                p->reply_status = message->reply->status;
        peer_sent(p, conn_send(&p->conn, message, extra));
}

void peer_reply(struct peer *p, uint32_t seq, enum thox_status status, const char *message) {
        Thox__Reply reply = THOX__REPLY__INIT;
        reply.status = status;
        if (message)
                reply.message = wire_bytes(message, strlen(message));
        WIRE_MESSAGE(m, seq, REPLY, reply, &reply);
        peer_send(p, &m, NULL);
}

void peer_violation(struct peer *p, const char *reason) {
        if (p->state >= PEER_STATE_DOOMED)
                return;
        p->router->n_violations++;
        log_warn("peer removed: protocol violation pid=%u role=%s name=%s reason=\"%s\"", p->pid,
                 peer_role_name(p->role), log_quote(p->name, strlen(p->name)), reason);
        peer_close(p, EXIT_REASON_PROTOCOL, "protocol violation: %s", reason);
}
