/*
 * client_ask.c - what a client asks of the tree itself: its contexts, bindings and queues. Each is one
 * frame and waits for the Reply.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "libipc/base/error.h"
#include "libipc/client_private.h"

/* Sends `message` and waits for its Reply. */
static int ask_with(struct client *c,
                    const Thox__Frame *message,
                    const struct wire_extra *extra,
                    struct message **ret) {
        int r = c->error < 0 ? c->error : client_sent(c, conn_send(&c->conn, message, extra));
        if (r < 0)
                return error_trace(r);

        return error_trace(client_receive_for(c, THOX__FRAME__BODY_REPLY, message->seq,
                                              client_deadline(c->timeout_us), ret));
}

static int ask(struct client *c,
               const Thox__Frame *message,
               uint32_t *ret_status,
               uint32_t *ret_handle) {
        struct message *m CLEANUP(message_freep) = NULL;
        int r = ask_with(c, message, NULL, &m);
        if (r < 0)
                return error_trace(r);
        *ret_status = m->event.status;
        if (ret_handle)
                *ret_handle = m->event.handle;
        return 0;
}

int client_context_new(struct client *c,
                       const Thox__Routing *routing,
                       uint32_t *ret_status,
                       uint32_t *ret_handle) {
        Thox__ContextNew body = THOX__CONTEXT_NEW__INIT;

        body.routing = (Thox__Routing *)(uintptr_t)routing;
        WIRE_MESSAGE(message, client_next_seq(c), CONTEXT_NEW, context_new, &body);
        return error_trace(ask(c, &message, ret_status, ret_handle));
}

int client_bind(struct client *c, uint32_t handle, const char *name, uint32_t *ret_status) {
        Thox__Bind body = THOX__BIND__INIT;

        body.handle = handle;
        body.name = wire_bytes(name, strlen(name));
        WIRE_MESSAGE(message, client_next_seq(c), BIND, bind, &body);
        return error_trace(ask(c, &message, ret_status, NULL));
}

int client_unbind(struct client *c, uint32_t handle, const char *name, uint32_t *ret_status) {
        Thox__Unbind body = THOX__UNBIND__INIT;

        body.handle = handle;
        body.name = wire_bytes(name, strlen(name));
        WIRE_MESSAGE(message, client_next_seq(c), UNBIND, unbind, &body);
        return error_trace(ask(c, &message, ret_status, NULL));
}

static int ask_in_full(struct client *c,
                       const Thox__Frame *message,
                       const struct wire_extra *extra,
                       struct client_reply *ret) {
        struct message *m CLEANUP(message_freep) = NULL;
        int r = ask_with(c, message, extra, &m);
        if (r < 0)
                return error_trace(r);
        *ret = (struct client_reply){ .status = m->event.status, .count = m->count };
        snprintf(ret->message, sizeof(ret->message), "%.*s", (int)m->event.message_len,
                 (const char *)m->event.message);
        return 0;
}

int client_listen(struct client *c,
                  uint32_t handle,
                  const char *queue,
                  const char *const *match,
                  size_t n_match,
                  struct client_reply *ret) {
        Thox__Listen body = THOX__LISTEN__INIT;
        ProtobufCBinaryData patterns[LIMIT_PATTERNS];

        if (n_match > LIMIT_PATTERNS)
                return error_origin(E2BIG);
        for (size_t i = 0; i < n_match; i++)
                patterns[i] = wire_bytes(match[i], strlen(match[i]));
        body.handle = handle;
        body.name = wire_bytes(queue, strlen(queue));
        body.match = patterns;
        body.n_match = n_match;
        WIRE_MESSAGE(message, client_next_seq(c), LISTEN, listen, &body);
        return error_trace(ask_in_full(c, &message, NULL, ret));
}

int client_push(struct client *c,
                uint32_t handle,
                const char *queue,
                const char *key,
                const struct buf *value,
                struct client_reply *ret) {
        Thox__Push body = THOX__PUSH__INIT;
        const struct wire_extra extra = { .values = value->data, .values_len = value->len };

        if (value->len > LIMIT_FRAME_VALUES_BYTES)
                return error_origin(EMSGSIZE);
        body.handle = handle;
        body.name = wire_bytes(queue, strlen(queue));
        body.key = wire_bytes(key, key ? strlen(key) : 0);
        WIRE_MESSAGE(message, client_next_seq(c), PUSH, push, &body);
        return error_trace(ask_in_full(c, &message, &extra, ret));
}

int client_context_close(struct client *c, uint32_t handle, uint32_t *ret_status) {
        Thox__Close body = THOX__CLOSE__INIT;

        body.handle = handle;
        WIRE_MESSAGE(message, client_next_seq(c), CLOSE, close, &body);
        return error_trace(ask(c, &message, ret_status, NULL));
}
