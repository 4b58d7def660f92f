/*
 * client_private.h - private to client*.c: the connection of a blocking client, and what of its inbox
 * (client_inbox.c) those need who send (client.c, client_ask.c).
 */
#pragma once

#include "libipc/base/list.h"
#include "libipc/base/table.h"
#include "libipc/client.h"
#include "libipc/message.h"

/* Owned by whoever called client_new. */
struct client {
        struct conn conn;
        struct conn_scratch scratch;
        uint64_t timeout_us; /* for replies */
        uint32_t pid, uid, generation, next_seq;
        char software[64];
        int error;           /* the connection is over */
        struct list partial; /* messages with frames to come */
        struct list events;  /* complete, put aside */
        size_t n_events, n_held_bytes;
        uint64_t n_lost;          /* pushed, and found no room in `events` */
        struct table started;     /* seq of client_call_start → the same as a pointer */
        struct message *current;  /* what client_wait returned last */
        struct message *answered; /* what client_await returned last */
};

/* The end of such a wait; CLIENT_FOREVER stays what it is. */
uint64_t client_deadline(uint64_t timeout_us);
/* The connection is over: everything from here on returns -errnum, as this does. */
int client_fail(struct client *c, int errnum);
/* Of a request; never 0, never that of an answer still to come. */
uint32_t client_next_seq(struct client *c);
/* After queuing, with its result: what the socket takes at once leaves now, the rest during the next
 * wait. 0 or -errno. */
int client_sent(struct client *c, int r);

/* Writes what is queued, waits for input, reads it. 0 also when nothing came; -ETIMEDOUT, -EAGAIN when
 * `also_fd` is readable, -errno. */
int client_poll(struct client *c, uint64_t deadline, int also_fd);
/* The Answer or Reply to `seq`, owned by the caller; everything else is put aside. -ETIMEDOUT, -errno. */
int client_receive_for(
        struct client *c, wire_kind kind, uint32_t seq, uint64_t deadline, struct message **ret);
/* An answer that was put aside, owned by the caller; NULL when there is none. */
struct message *client_take_answer(struct client *c, uint32_t seq);
