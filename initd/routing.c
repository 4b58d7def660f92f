/*
 * routing.c - see routing.h.
 */
#include "initd/routing.h"

#include <stdlib.h>
#include <string.h>

#include "initd/context.h"
#include "initd/handle.h"
#include "initd/peer.h"
#include "libipc/base/error.h"
#include "libipc/name.h"
#include "libipc/wire.h"

void routing_deinit(struct routing *routing) {
        pattern_list_deinit(&routing->allow);
        pattern_list_deinit(&routing->deny);
        pattern_list_deinit(&routing->bind);
        pattern_list_deinit(&routing->push);
        pattern_list_deinit(&routing->listen);
        for (size_t i = 0; i < routing->n_renamings; i++)
                free(routing->renamings[i].from);
        free(routing->renamings);
        context_unref(routing->to);
        *routing = (struct routing){ 0 };
}

/* ---- patterns ------------------------------------------------------------------------------ */

static int routing_set_patterns(struct routing *routing, const Thox__Routing *message) {
        const struct {
                struct pattern_list *list;
                const ProtobufCBinaryData *patterns;
                size_t n;
        } rows[] = {
                { &routing->allow, message->allow, message->n_allow },
                { &routing->deny, message->deny, message->n_deny },
                { &routing->bind, message->bind, message->n_bind },
                { &routing->push, message->push, message->n_push },
                { &routing->listen, message->listen, message->n_listen },
        };
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                int r = pattern_list_init(rows[i].list, rows[i].patterns, rows[i].n);
                if (r != 0)
                        return r < 0 ? error_trace(r) : ROUTING_E_BADARGS;
        }
        return 0;
}

/* ---- renamings ----------------------------------------------------------------------------- */

static bool is_prefix(const ProtobufCBinaryData *pattern) {
        return pattern->len > 0 && pattern->data[pattern->len - 1] == '*';
}

static int renaming_init(struct renaming *ret, const Thox__Renaming *message) {
        const ProtobufCBinaryData *from = &message->from, *to = &message->to;
        if (!pattern_is_valid(from->data, from->len) || !pattern_is_valid(to->data, to->len) ||
            is_prefix(from) != is_prefix(to))
                return ROUTING_E_MAP;
        uint8_t *bytes = malloc(from->len + to->len);
        if (!bytes)
                return error_origin(ENOMEM);
        memcpy(bytes, from->data, from->len);
        memcpy(bytes + from->len, to->data, to->len);
        *ret = (struct renaming){ .from = bytes,
                                  .to = bytes + from->len,
                                  .from_len = from->len - is_prefix(from),
                                  .to_len = to->len - is_prefix(from),
                                  .is_prefix = is_prefix(from) };
        return 0;
}

static int renaming_compare(const void *a, const void *b) {
        const struct renaming *x = a, *y = b;
        if (x->is_prefix != y->is_prefix)
                return x->is_prefix ? 1 : -1;
        return (x->from_len < y->from_len) - (x->from_len > y->from_len);
}

static int routing_set_renamings(struct routing *routing, const Thox__Routing *message) {
        if (message->n_map == 0)
                return 0;
        if (message->n_map > LIMIT_PATTERNS)
                return ROUTING_E_MAP;
        routing->renamings = calloc(message->n_map, sizeof(*routing->renamings));
        if (!routing->renamings)
                return error_origin(ENOMEM);
        for (size_t i = 0; i < message->n_map; i++) {
                int r = renaming_init(&routing->renamings[i], message->map[i]);
                if (r != 0)
                        return error_trace(r);
                routing->n_renamings++;
        }
        qsort(routing->renamings, routing->n_renamings, sizeof(*routing->renamings),
              renaming_compare);
        return 0;
}

/* ---- the log ------------------------------------------------------------------------------- */

static int routing_set_log(struct routing *routing, const ProtobufCBinaryData *log) {
        if (log->len == 0)
                return 0;
        if (!name_is_valid(log->data, log->len))
                return ROUTING_E_LOG;
        memcpy(routing->log, log->data, log->len);
        routing->log_len = log->len;
        return 0;
}

/* ---- where it goes on ---------------------------------------------------------------------- */

/* A chain that would close a circle is found here, before it exists: so chains always end. */
static int routing_check_chain(const struct context *context, const struct context *to) {
        size_t n_hops = 1;
        for (; to; to = to->routing.to) {
                if (to == context)
                        return ROUTING_E_LOOP;
                if (++n_hops > LIMIT_CALL_HOPS)
                        return ROUTING_E_HOPS;
        }
        return 0;
}

/* The deriving process can pass on no more than its handle on `to` allows. */
static int routing_set_to(struct routing *routing,
                          struct peer *owner,
                          const struct context *context,
                          const Thox__Routing *message) {
        if (message->to == 0)
                return 0;
        struct handle *to = handle_find(owner, message->to);
        uint32_t needed = HANDLE_RIGHT_CALL | (message->n_bind > 0 ? HANDLE_RIGHT_BIND : 0) |
                          (message->n_push > 0 ? HANDLE_RIGHT_PUSH : 0) |
                          (message->n_listen > 0 ? HANDLE_RIGHT_LISTEN : 0);
        if (!to || (to->rights & needed) != needed)
                return ROUTING_E_BADCTX;
        int r = routing_check_chain(context, to->context);
        if (r != 0)
                return r;
        routing->to = context_ref(to->context);
        return 0;
}

static int routing_parse(struct routing *routing,
                         struct peer *owner,
                         const struct context *context,
                         const Thox__Routing *message) {
        routing->is_manual = !message || message->mode == WIRE_ROUTING_MANUAL;
        if (!message)
                return 0;
        if (!routing->is_manual && message->mode != WIRE_ROUTING_TABLE)
                return ROUTING_E_BADARGS;
        routing->default_forward = message->default_forward;
        int r = routing_set_patterns(routing, message);
        if (r == 0)
                r = routing_set_renamings(routing, message);
        if (r == 0)
                r = routing_set_log(routing, &message->log);
        if (r == 0 && !routing->is_manual)
                r = routing_set_to(routing, owner, context, message);
        return error_trace(r);
}

int routing_init(struct routing *ret,
                 struct peer *owner,
                 const struct context *context,
                 const Thox__Routing *message) {
        struct routing routing = { 0 };
        int r = routing_parse(&routing, owner, context, message);
        if (r != 0) {
                routing_deinit(&routing);
                return error_trace(r);
        }
        *ret = routing;
        return 0;
}
