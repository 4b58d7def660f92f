/*
 * message.c - frames to a client's message. Everything is copied: the frame's memory is gone with
 * the next one, a message may wait in a queue.
 */
#include "libipc/message.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "libipc/base/error.h"
#include "libipc/limits.h"

static bool is_call(wire_kind kind) {
        return kind == THOX__FRAME__BODY_CALL;
}

static bool is_answer(wire_kind kind) {
        return kind == THOX__FRAME__BODY_ANSWER;
}

static int copy_text(
        struct message *m, const uint8_t *text, size_t len, const uint8_t **ret, size_t *ret_len) {
        m->text = malloc(len + 1);
        if (!m->text)
                return error_origin(ENOMEM);
        if (len != 0)
                memcpy(m->text, text, len);
        m->text[len] = '\0';
        *ret = m->text;
        *ret_len = len;
        return 0;
}

static int fill_call(struct message *m, const struct wire_call *call) {
        struct client_event *e = &m->event;

        e->type = CLIENT_EVENT_CALL;
        e->cid = call->cid;
        e->handle = call->handle;
        e->pid = call->pid;
        e->uid = call->uid;
        e->is_oneway = (call->flags & WIRE_FLAG_ONEWAY) != 0;
        return error_trace(copy_text(m, call->name, call->name_len, &e->name, &e->name_len));
}

static int fill_exited(struct message *m, const Thox__Exited *exited) {
        struct client_event *e = &m->event;

        e->type = CLIENT_EVENT_EXITED;
        e->pid = exited->pid;
        e->status = exited->status;
        e->signal = exited->signal;
        e->reason = exited->reason;
        return error_trace(copy_text(m, exited->message.data, exited->message.len, &e->message,
                                     &e->message_len));
}

static int fill_reply(struct message *m, const Thox__Reply *reply) {
        m->event.status = reply->status;
        m->event.handle = reply->handle;
        m->count = reply->count;
        return error_trace(copy_text(m, reply->message.data, reply->message.len, &m->event.message,
                                     &m->event.message_len));
}

/* The key lies behind the name. */
static int fill_pushed(struct message *m, const Thox__Pushed *pushed) {
        struct client_event *e = &m->event;

        m->text = malloc(pushed->name.len + pushed->key.len + 1);
        if (!m->text)
                return error_origin(ENOMEM);
        memcpy(m->text, pushed->name.data, pushed->name.len);
        if (pushed->key.len != 0)
                memcpy(m->text + pushed->name.len, pushed->key.data, pushed->key.len);
        e->type = CLIENT_EVENT_PUSHED;
        e->name = m->text;
        e->name_len = pushed->name.len;
        e->key = m->text + pushed->name.len;
        e->key_len = pushed->key.len;
        e->handle = pushed->handle;
        e->pid = pushed->pid;
        e->uid = pushed->uid;
        e->number = pushed->seq;
        e->dropped = pushed->dropped;
        return 0;
}

static void fill_about_handle(struct message *m,
                              enum client_event_type type,
                              uint32_t handle,
                              uint32_t pid,
                              uint32_t reason) {
        m->event.type = type;
        m->event.handle = handle;
        m->event.pid = pid;
        m->event.reason = reason;
}

/* Events that are none of the kinds in client.h stay CLIENT_EVENT_OTHER. */
static int fill_other(struct message *m, const Thox__Frame *frame) {
        if (m->kind == THOX__FRAME__BODY_EXITED)
                return error_trace(fill_exited(m, frame->exited));
        if (m->kind == THOX__FRAME__BODY_CANCEL) {
                m->event.type = CLIENT_EVENT_CANCEL;
                m->event.cid = frame->cancel->cid;
        } else if (m->kind == THOX__FRAME__BODY_OPENED) {
                fill_about_handle(m, CLIENT_EVENT_OPENED, frame->opened->handle, frame->opened->pid,
                                  0);
        } else if (m->kind == THOX__FRAME__BODY_CLOSED) {
                fill_about_handle(m, CLIENT_EVENT_CLOSED, frame->closed->handle, frame->closed->pid,
                                  frame->closed->reason);
        } else if (m->kind == THOX__FRAME__BODY_HANGUP) {
                fill_about_handle(m, CLIENT_EVENT_HANGUP, frame->hangup->handle, 0, 0);
        } else if (m->kind == THOX__FRAME__BODY_REPLY) {
                return error_trace(fill_reply(m, frame->reply));
        } else if (m->kind == THOX__FRAME__BODY_PUSHED) {
                return error_trace(fill_pushed(m, frame->pushed));
        }
        return 0;
}

static int fill(struct message *m, const struct wire_frame *frame) {
        m->event.type = CLIENT_EVENT_OTHER;
        if (is_call(m->kind))
                return error_trace(fill_call(m, &frame->call));
        if (!is_answer(m->kind))
                return error_trace(fill_other(m, frame->message));
        m->event.type = CLIENT_EVENT_ANSWER;
        m->event.cid = frame->answer.cid;
        m->event.pid = frame->answer.pid;
        return 0;
}

static int copy_caps(struct message *m, const struct wire_extra *extra) {
        if (extra->n_caps == 0)
                return 0;
        m->caps = reallocarray(NULL, extra->n_caps, sizeof(*m->caps));
        if (!m->caps)
                return error_origin(ENOMEM);
        memcpy(m->caps, extra->caps, extra->n_caps * sizeof(*m->caps));
        m->event.caps = m->caps;
        m->event.n_caps = extra->n_caps;
        return 0;
}

int message_add(struct message *m, const struct wire_frame *frame) {
        int r = 0;

        /* The server ended in the middle of its answer, and initd says so. */
        if (is_answer(m->kind) && m->event.status != frame->answer.status) {
                buf_clear(&m->values);
                m->event.status = frame->answer.status;
        }
        if (frame->extra.values_len != 0)
                r = buf_add(&m->values, frame->extra.values, frame->extra.values_len);
        if (r < 0 || frame->extra.more)
                return error_trace(r);

        m->event.values = m->values.data;
        m->event.values_len = m->values.len;
        m->is_complete = true;
        return error_trace(copy_caps(m, &frame->extra));
}

int message_new(struct message **ret, const struct wire_frame *frame) {
        struct message *m CLEANUP(message_freep) = calloc(1, sizeof(*m));
        if (!m)
                return error_origin(ENOMEM);

        list_init(&m->link);
        buf_init(&m->values, LIMIT_MESSAGE_BYTES);
        m->kind = frame->kind;
        m->seq = frame->seq;
        int r = fill(m, frame);
        if (r == 0)
                r = message_add(m, frame);
        if (r < 0)
                return error_trace(r);
        *ret = take(m);
        return 0;
}

struct message *message_free(struct message *m) {
        if (!m)
                return NULL;
        list_remove(&m->link);
        buf_deinit(&m->values);
        free(m->text);
        free(m->caps);
        free(m);
        return NULL;
}

bool message_is_continued(const struct wire_frame *frame) {
        uint32_t flags = is_call(frame->kind)   ? frame->call.flags :
                         is_answer(frame->kind) ? frame->answer.flags :
                                                  0;
        return (flags & WIRE_FLAG_CONTINUED) != 0;
}

bool message_wants(const struct message *m, const struct wire_frame *frame) {
        if (m->kind != frame->kind || m->is_complete)
                return false;
        return is_call(m->kind) ? m->event.cid == frame->call.cid : m->seq == frame->seq;
}
