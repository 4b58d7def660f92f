/*
 * client.h - a blocking client of a tree: what thoxctl, tests and C programs use. One connection to
 * the control socket, one thread. Every wait has a deadline.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "libipc/base/buf.h"
#include "libipc/conn.h"
#include "libipc/status.h"
#include "libipc/value.h"

#define CLIENT_NATIVE_HANDLE 1u
#define CLIENT_FOREVER UINT64_MAX

/* What arrived. Valid until the next client_wait. */
enum client_event_type {
        CLIENT_EVENT_CALL,   /* through a context we own; answer with client_answer */
        CLIENT_EVENT_ANSWER, /* to a call made with client_call_start */
        CLIENT_EVENT_CANCEL,
        CLIENT_EVENT_EXITED, /* a process we ran ended */
        CLIENT_EVENT_OPENED,
        CLIENT_EVENT_CLOSED,
        CLIENT_EVENT_HANGUP,
        CLIENT_EVENT_PUSHED, /* to a queue that we listen to */
        CLIENT_EVENT_OTHER,
};

struct client_event {
        enum client_event_type type;
        uint64_t cid;
        uint32_t status; /* ANSWER: thox status; EXITED: exit status */
        uint32_t handle, pid, uid;
        bool is_oneway;
        const uint8_t *name; /* CALL; PUSHED: the queue */
        size_t name_len;
        const uint8_t *key; /* PUSHED */
        size_t key_len;
        uint64_t number, dropped; /* PUSHED: counts the pushes; lost before this one */
        const uint8_t *values;    /* CALL, ANSWER, PUSHED: the assembled CBOR sequence */
        size_t values_len;
        const struct wire_cap *caps;
        size_t n_caps;
        uint32_t signal, reason; /* EXITED; CLOSED: reason */
        const uint8_t *message;  /* EXITED */
        size_t message_len;
};

struct client;

/* What is asked for. Zero-initialise. */
struct client_request {
        uint32_t handle;
        const char *name;
        const struct buf *values; /* NULL: none */
        const struct wire_cap *caps;
        size_t n_caps;
        const int *fds; /* descriptors to give along, borrowed */
        size_t n_fds;
        uint64_t timeout_us; /* initd answers TIMEOUT after it; 0: never */
        bool is_oneway;      /* no answer follows */
};

/* -errno of connect(2), -EPROTO when the other side is no thox, -ETIMEDOUT, -EACCES when this user may
 * not control the tree, -EBUSY when it has too many clients. */
int client_new(struct client **ret,
               const char *socket_path,
               const char *program,
               uint64_t timeout_us);
struct client *client_free(struct client *c);
uint32_t client_pid(const struct client *c);
uint32_t client_uid(const struct client *c);
const char *client_software(const struct client *c); /* "thox 0.2.0" */

/* One call, waiting for its answer; events that arrive meanwhile are kept for client_wait, calls
 * beyond a limit are answered BUSY. 0 (then *ret_status is set and `answer` holds the values),
 * -ETIMEDOUT (the call has been withdrawn), -ECONNRESET, -errno. */
int client_call(struct client *c,
                uint32_t handle,
                const char *name,
                const struct buf *values,
                const struct wire_cap *caps,
                size_t n_caps,
                uint64_t timeout_us,
                uint32_t *ret_status,
                struct buf *answer);
/* Without waiting: *ret_cid names the ANSWER event, unless the call is one-way. */
int client_call_start(struct client *c, const struct client_request *request, uint64_t *ret_cid);
/* Waits for the answer to a call just started instead of leaving it to client_wait. *ret is valid until
 * the next client_await or client_call. Fails as client_call does. */
int client_await(struct client *c, uint64_t cid, uint64_t timeout_us, struct client_event *ret);
/* Withdraws a call of ours (else -EINVAL); its ANSWER event says CANCELLED, or what was faster. */
int client_cancel(struct client *c, uint64_t cid);
/* What the socket does not take at once is written during the next client_wait or client_call. */
int client_answer(struct client *c, uint64_t cid, uint32_t status, const struct buf *values);
/* The same with handles in the values. */
int client_answer_caps(struct client *c,
                       uint64_t cid,
                       uint32_t status,
                       const struct buf *values,
                       const struct wire_cap *caps,
                       size_t n_caps);

/* The next event; 0, -ETIMEDOUT, -ECONNRESET. With `also_fd` >= 0 it also returns -EAGAIN when that
 * descriptor is readable. */
int client_wait(struct client *c, uint64_t timeout_us, int also_fd, struct client_event *ret);

/* A context of ours: manual when `routing` is NULL. Waits for the reply. */
int client_context_new(struct client *c,
                       const Thox__Routing *routing,
                       uint32_t *ret_status,
                       uint32_t *ret_handle);
int client_bind(struct client *c, uint32_t handle, const char *name, uint32_t *ret_status);
int client_unbind(struct client *c, uint32_t handle, const char *name, uint32_t *ret_status);
int client_context_close(struct client *c, uint32_t handle, uint32_t *ret_status);

/* For a loop of the caller's own: the socket, and whether output waits for it to be writable. */
int client_fd(const struct client *c);
bool client_is_writing(const struct client *c);

/* What a -errno of this module means, for people: "no tree is running there". */
const char *client_error_text(int r);

/* What was said to a request; `message` is cut to what fits. */
struct client_reply {
        uint32_t status, count;
        char message[256];
};

/* Listens, in the mode drop-oldest, to messages whose key one of the patterns takes; none: to all. */
int client_listen(struct client *c,
                  uint32_t handle,
                  const char *queue,
                  const char *const *match,
                  size_t n_match,
                  struct client_reply *ret);
/* One value. ret->count: listeners that got it. */
int client_push(struct client *c,
                uint32_t handle,
                const char *queue,
                const char *key,
                const struct buf *value,
                struct client_reply *ret);
