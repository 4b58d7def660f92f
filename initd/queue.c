/*
 * queue.c - see queue.h. A push is decided before anything of it is delivered: what it carries, whether
 * some listener refuses it. What fails for one listener later on is a loss of that listener's.
 */
#include "initd/queue.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "initd/context.h"
#include "initd/handle.h"
#include "initd/journal.h"
#include "initd/peer.h"
#include "initd/report.h"
#include "initd/route.h"
#include "initd/router.h"
#include "initd/trace.h"
#include "initd/transfer.h"
#include "libipc/base/error.h"
#include "libipc/name.h"

/* ---- the objects --------------------------------------------------------------------------- */

struct queue *queue_find(const struct context *c, const void *name, size_t len) {
        return table_find_name(&c->queues, name, len);
}

bool queue_is_heard_by_owner(const struct context *c, const void *name, size_t len) {
        const struct queue *q = queue_find(c, name, len);
        return q && q->n_owners > 0;
}

static int queue_new(struct queue **ret, struct context *c, const void *name, size_t len) {
        struct queue *q = calloc(1, sizeof(*q) + len + 1);
        if (!q)
                return error_origin(ENOMEM);
        q->context = c;
        q->name_len = len;
        memcpy(q->name, name, len);
        list_init(&q->listeners);
        int r = table_add_name(&c->queues, q->name, len, q);
        if (r < 0) {
                free(q);
                return error_trace(r);
        }
        *ret = q;
        return 0;
}

static void queue_free(struct queue *q) {
        struct queue *removed = table_remove_name(&q->context->queues, q->name, q->name_len);
        assert(removed == q && list_is_empty(&q->listeners));
        free(q);
}

static void listener_free(struct listener *l) {
        pattern_list_deinit(&l->match);
        free(l);
}

static int listener_new(struct listener **ret,
                        const struct handle *through,
                        const Thox__Listen *listen) {
        struct listener *l = calloc(1, sizeof(*l));
        if (!l)
                return error_origin(ENOMEM);
        l->peer = through->peer;
        l->handle = through->number;
        l->mode = (enum queue_mode)listen->mode;
        l->limit = listen->limit == 0 ? LIMIT_QUEUE_EVENTS : listen->limit;
        list_init(&l->queue_link);
        list_init(&l->peer_link);
        int r = pattern_list_init(&l->match, listen->match, listen->n_match);
        if (r != 0) {
                listener_free(l);
                return r < 0 ? error_trace(r) : QUEUE_E_BADARGS;
        }
        *ret = l;
        return 0;
}

static void listener_link(struct listener *l, struct queue *q) {
        struct peer *p = l->peer;
        l->queue = q;
        l->sid = ++p->next_sid;
        list_add_tail(&q->listeners, &l->queue_link);
        q->n_listeners++;
        q->n_owners += q->context->owner == p;
        list_add_tail(&p->listeners, &l->peer_link);
        p->n_listeners++;
        if (trace_is_queue(q->context, q->name, q->name_len))
                trace_update(p->router);
}

/* What initd alone pushes to, and administrators listen to. */
static bool queue_is_of_tree(const struct context *c, const void *name, size_t len) {
        static const char *const names[] = { TRACE_QUEUE, JOURNAL_QUEUE, REPORTS_QUEUE };
        for (size_t i = 0; i < ARRAY_SIZE(names) && c == c->router->native; i++)
                if (len == strlen(names[i]) && memcmp(name, names[i], len) == 0)
                        return true;
        return false;
}

static void listener_drop(struct listener *l) {
        struct queue *q = l->queue;
        struct router *r = l->peer->router;
        bool is_trace = trace_is_queue(q->context, q->name, q->name_len);
        list_remove(&l->queue_link);
        q->n_listeners--;
        q->n_owners -= q->context->owner == l->peer;
        list_remove(&l->peer_link);
        l->peer->n_listeners--;
        listener_free(l);
        if (q->n_listeners == 0)
                queue_free(q);
        if (is_trace)
                trace_update(r);
}

static struct listener *listener_find(const struct peer *p, uint32_t sid) {
        list_for_each(node, &p->listeners) {
                struct listener *l = container_of(node, struct listener, peer_link);
                if (l->sid == sid)
                        return l;
        }
        return NULL;
}

/* ---- listening ----------------------------------------------------------------------------- */

static int queue_listen_in(struct context *c,
                           struct handle *through,
                           const Thox__Listen *listen,
                           uint32_t *ret_sid) {
        struct queue *q = queue_find(c, listen->name.data, listen->name.len);
        struct listener *l;
        if (queue_is_of_tree(c, listen->name.data, listen->name.len) && through->peer->uid != 0)
                return QUEUE_E_DENIED;
        if (q && q->n_listeners >= LIMIT_QUEUE_LISTENERS)
                return QUEUE_E_CROWDED;
        int r = listener_new(&l, through, listen);
        if (r != 0)
                return r < 0 ? error_trace(r) : r;
        if (!q)
                r = queue_new(&q, c, listen->name.data, listen->name.len);
        if (r < 0) {
                listener_free(l);
                return error_trace(r);
        }
        listener_link(l, q);
        *ret_sid = l->sid;
        return 0;
}

int queue_listen(struct handle *through, const Thox__Listen *listen, uint32_t *ret_sid) {
        if (!name_is_valid(listen->name.data, listen->name.len))
                return QUEUE_E_BADNAME;
        if (listen->mode >= _QUEUE_MODE_N || listen->limit > LIMIT_QUEUE_EVENTS_MAX)
                return QUEUE_E_BADARGS;
        if ((through->rights & HANDLE_RIGHT_LISTEN) == 0)
                return QUEUE_E_DENIED;
        if (through->peer->n_listeners >= LIMIT_LISTENERS)
                return QUEUE_E_LISTENERS;
        struct route route;
        if (route_listen(through->context, through->peer, listen->name.data, listen->name.len,
                         &route) != ROUTE_OWNER)
                return QUEUE_E_DENIED;
        return error_trace(queue_listen_in(route.context, through, listen, ret_sid));
}

int queue_unlisten(struct peer *peer, uint32_t sid) {
        struct listener *l = listener_find(peer, sid);
        if (!l)
                return QUEUE_E_NOTFOUND;
        listener_drop(l);
        return 0;
}

int queue_taken(struct peer *peer, const Thox__Taken *taken) {
        struct listener *l = listener_find(peer, taken->sid);
        if (!l)
                return 0; /* it lost the context while this was on its way */
        if (taken->n > l->n_waiting || taken->bytes > l->n_waiting_bytes)
                return QUEUE_E_BADARGS;
        l->n_waiting -= taken->n;
        l->n_waiting_bytes -= taken->bytes;
        return 0;
}

/* ---- pushing ------------------------------------------------------------------------------- */

/* One message on its way to many. */
struct push {
        struct queue *queue;
        struct peer *from; /* NULL: initd; then without handles */
        const ProtobufCBinaryData *keys;
        size_t n_keys;
        struct wire_extra extra;
        struct wire_frame *frame;               /* that `extra` is of */
        struct wire_cap caps[LIMIT_FRAME_CAPS]; /* as the pusher sent them */
};

static bool listener_wants(const struct listener *l, const ProtobufCBinaryData *key) {
        return l->match.n_items == 0 || pattern_list_matches(&l->match, key->data, key->len);
}

static const ProtobufCBinaryData *listener_choose(const struct listener *l,
                                                  const struct push *push) {
        for (size_t i = 0; i < push->n_keys; i++)
                if (listener_wants(l, &push->keys[i]))
                        return &push->keys[i];
        return NULL;
}

bool queue_wants(const struct queue *q, const ProtobufCBinaryData *key) {
        list_for_each(node, &q->listeners)
                if (listener_wants(container_of(node, struct listener, queue_link), key))
                        return true;
        return false;
}

bool queue_has_listener(const struct queue *q, const struct peer *peer) {
        list_for_each(node, &peer->listeners)
                if (container_of(node, struct listener, peer_link)->queue == q)
                        return true;
        return false;
}

/* For one more event with so many bytes. */
static bool listener_is_full(const struct listener *l, size_t n_bytes) {
        return l->mode != QUEUE_MODE_DROP_OLDEST &&
               (l->n_waiting >= l->limit || l->n_waiting_bytes + n_bytes > LIMIT_QUEUE_BYTES);
}

static bool queue_is_blocked(const struct queue *q,
                             const ProtobufCBinaryData *key,
                             size_t n_bytes) {
        list_for_each(node, &q->listeners) {
                const struct listener *l = container_of(node, struct listener, queue_link);
                if (l->mode == QUEUE_MODE_BLOCK && listener_is_full(l, n_bytes) &&
                    listener_wants(l, key))
                        return true;
        }
        return false;
}

static void listener_send(struct listener *l,
                          const struct push *push,
                          const ProtobufCBinaryData *key) {
        const struct queue *q = push->queue;
        Thox__Pushed pushed = THOX__PUSHED__INIT;
        pushed.sid = l->sid;
        pushed.handle = l->handle;
        pushed.pid = push->from ? push->from->pid : ROUTER_PID_INITD;
        pushed.uid = push->from ? push->from->uid : 0;
        pushed.seq = q->seq;
        pushed.dropped = l->n_dropped;
        pushed.name = wire_bytes(q->name, q->name_len);
        pushed.key = *key;
        WIRE_MESSAGE(m, 0, PUSHED, pushed, &pushed);
        peer_sent(l->peer, conn_send_shared(&l->peer->conn, &m, &push->extra,
                                            push->from ? &push->from->conn : NULL));
}

/* Whether the listener got it. */
static bool listener_deliver(struct listener *l,
                             const struct push *push,
                             const ProtobufCBinaryData *key) {
        const struct wire_extra *extra = &push->extra;
        if (l->peer->state >= PEER_STATE_DOOMED)
                return false;
        bool has_room = !listener_is_full(l, extra->values_len) &&
                        conn_pending(&l->peer->conn) + extra->values_len <= LIMIT_PUSH_OUT_BYTES;
        if (has_room && extra->n_caps > 0) {
                memcpy(push->frame->caps, push->caps, extra->n_caps * sizeof(push->caps[0]));
                has_room = transfer_caps(push->from, l->peer, push->frame) == 0;
        }
        if (!has_room) {
                l->n_dropped++;
                return false;
        }
        listener_send(l, push, key);
        l->n_dropped = 0;
        if (l->mode != QUEUE_MODE_DROP_OLDEST) {
                l->n_waiting++;
                l->n_waiting_bytes += extra->values_len;
        }
        return true;
}

static uint32_t queue_deliver(const struct push *push) {
        uint32_t n = 0;
        push->queue->seq++;
        list_for_each(node, &push->queue->listeners) {
                struct listener *l = container_of(node, struct listener, queue_link);
                const ProtobufCBinaryData *key = listener_choose(l, push);
                if (key)
                        n += listener_deliver(l, push, key);
        }
        return n;
}

void queue_publish(struct queue *q,
                   const ProtobufCBinaryData *keys,
                   size_t n_keys,
                   const struct buf *value) {
        struct push push = { .queue = q, .keys = keys, .n_keys = n_keys };
        push.extra.values = value->data;
        push.extra.values_len = value->len;
        queue_deliver(&push);
}

static uint32_t queue_deliver_frame(struct queue *q,
                                    struct peer *from,
                                    struct wire_frame *frame,
                                    const ProtobufCBinaryData *key) {
        struct push push = { .queue = q, .from = from, .keys = key, .n_keys = 1, .frame = frame };
        push.extra = frame->extra;
        push.extra.n_fds = 0;
        if (frame->extra.n_caps > 0)
                memcpy(push.caps, frame->caps, frame->extra.n_caps * sizeof(push.caps[0]));
        from->n_deliveries += (uint32_t)q->n_listeners;
        return queue_deliver(&push);
}

/* Everything about a push that does not depend on who listens. */
static int queue_check_push(const struct handle *through, const struct wire_frame *frame) {
        const Thox__Push *push = frame->message->push;
        if (!name_is_valid(push->name.data, push->name.len))
                return QUEUE_E_BADNAME;
        if (push->key.len > 0 && !name_is_valid(push->key.data, push->key.len))
                return QUEUE_E_BADKEY;
        if (frame->extra.values_len > LIMIT_PUSH_BYTES)
                return QUEUE_E_TOO_LONG;
        if ((through->rights & HANDLE_RIGHT_PUSH) == 0)
                return QUEUE_E_DENIED;
        int r = transfer_check(through->peer, frame);
        if (r != 0)
                return r == TRANSFER_E_BADCTX ? QUEUE_E_BADCTX : QUEUE_E_UNSHARED;
        return 0;
}

int queue_push(struct handle *through, struct wire_frame *frame, uint32_t *ret_count) {
        const Thox__Push *push = frame->message->push;
        struct route route;
        int r = queue_check_push(through, frame);
        if (r != 0)
                return r;
        if (route_push(through->context, through->peer, push->name.data, push->name.len, &route) !=
            ROUTE_OWNER)
                return QUEUE_E_DENIED;
        if (queue_is_of_tree(route.context, push->name.data, push->name.len))
                return QUEUE_E_DENIED;
        struct queue *q = queue_find(route.context, push->name.data, push->name.len);
        if (q && queue_is_blocked(q, &push->key, frame->extra.values_len))
                return QUEUE_E_FULL;
        *ret_count = q ? queue_deliver_frame(q, through->peer, frame, &push->key) : 0;
        return 0;
}

/* ---- the end of others --------------------------------------------------------------------- */

void queue_drop_listeners(struct peer *peer) {
        while (!list_is_empty(&peer->listeners))
                listener_drop(container_of(peer->listeners.next, struct listener, peer_link));
}

void queue_drop_through(const struct handle *h) {
        list_for_each_safe(node, &h->peer->listeners) {
                struct listener *l = container_of(node, struct listener, peer_link);
                if (l->handle == h->number)
                        listener_drop(l);
        }
}

void queue_drop_in(struct context *c) {
        size_t at = 0;
        for (struct queue *q; (q = table_next(&c->queues, &at));)
                for (size_t n = q->n_listeners; n > 0; n--) /* the last one frees it */
                        listener_drop(container_of(q->listeners.next, struct listener, queue_link));
}
