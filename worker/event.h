/*
 * event.h - what arrives for a program: frames of initd as self-contained objects, long messages put
 * together. No Lua here: api_pull.c makes the table that a program sees.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "libipc/base/buf.h"
#include "libipc/base/list.h"
#include "libipc/base/pool.h"
#include "libipc/conn.h"

struct served;

enum event_type {
        EVENT_TYPE_TERMINATE,
        EVENT_TYPE_EXIT,
        EVENT_TYPE_CANCEL,
        EVENT_TYPE_OPEN,
        EVENT_TYPE_CLOSE,
        EVENT_TYPE_HANGUP,
        EVENT_TYPE_ANSWER,
        EVENT_TYPE_CALL,
        EVENT_TYPE_QUEUE,
        EVENT_TYPE_REPLY, /* to a request; never in a mailbox */
        _EVENT_TYPE_N,
};
const char *event_type_name(enum event_type type);
int event_type_parse(const char *name); /* -1: none that a program can pull */

/* Owned by the mailbox, binding or task that holds it; whoever takes it out frees it. */
struct event {
        struct list link;
        enum event_type type;
        uint64_t cid;
        uint64_t time_us;  /* CALL: its deadline, TERMINATE: the grace; 0 none */
        uint64_t trace;    /* CALL: what it is part of */
        uint64_t serial;   /* in order of arrival */
        uint64_t order;    /* CALL: among those that wait (call_queue.h) */
        size_t n_counted;  /* bytes of reader.n_oneway_bytes */
        uint64_t tried_by; /* the last pull whose predicate looked at it */
        uint64_t number;   /* QUEUE: of the push */
        uint64_t dropped;  /* QUEUE: lost before it */
        uint32_t count;    /* REPLY: to a push */
        uint32_t seq, handle, pid, uid, status, flags, signal, reason, sid;
        bool is_mail;          /* has been in a mailbox */
        bool is_shared;        /* OPEN: somebody gave us this handle */
        struct served *served; /* CALL: not answered yet (syscall.h); NULL: one-way, or it is */
        const uint8_t *name;   /* CALL: endpoint; QUEUE: queue; EXIT and REPLY: message */
        size_t name_len;
        const uint8_t *key; /* QUEUE */
        size_t key_len;
        struct list listener_link; /* QUEUE: in its listener's events, while it waits */
        const uint8_t *values;
        size_t values_len;
        const struct wire_cap *caps;
        size_t n_caps;
        int fd;               /* the first descriptor of an answer, -1: none */
        struct chunk *kept;   /* values of a long frame stay where they were received */
        struct buf assembled; /* values of several frames */
        bool is_small;        /* from the reader's pool */
};

/* Puts long messages together. */
struct event_reader {
        struct list partial; /* struct assembly */
        uint64_t n_events;
        uint64_t now_us;         /* when what is being read arrived */
        struct pool small;       /* events with little in them */
        size_t n_oneway_bytes;   /* of calls without an answer that are still here */
        uint64_t n_mail_freed;   /* whoever remembers a place in a mailbox compares this first */
        struct chunk_pool *pool; /* of the connection, where `kept` goes back to */
        struct buf spare; /* kept so that long messages do not fault in fresh pages each time */
};

enum event_error {
        EVENT_OK = 0,
        EVENT_E_PARTIAL = 1,    /* a part of a longer message was kept */
        EVENT_E_UNEXPECTED = 2, /* initd does not send this to a worker */
};

void event_reader_init(struct event_reader *r);
void event_reader_deinit(struct event_reader *r);

/* Copies or keeps `frame`, the current one of `conn`. 0, a positive code, or -errno. */
int event_read(struct event_reader *r,
               struct conn *conn,
               const struct wire_frame *frame,
               struct event **ret);
/* False: too much waits already (LIMIT_ONEWAY_OUT_BYTES); else this counts until it is freed. */
bool event_count_oneway(struct event_reader *r, struct event *e);
void event_release_values(struct event_reader *r, struct event *e);
struct event *event_free(struct event_reader *r, struct event *e);
