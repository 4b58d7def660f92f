/*
 * message.h - one message for a blocking client, copied out of its frames and put together. Private
 * to client*.c; programs see its `event`.
 */
#pragma once

#include "libipc/base/buf.h"
#include "libipc/base/list.h"
#include "libipc/base/macros.h"
#include "libipc/client.h"
#include "libipc/wire.h"

struct message {
        struct list link;
        wire_kind kind;
        uint32_t seq;
        bool is_complete;
        struct client_event event; /* status, handle and message of a Reply as well */
        uint32_t count;            /* of a Reply */

        struct buf values;
        uint8_t *text; /* owned: the event's name or message */
        struct wire_cap *caps;
};

/* From a first or only frame. 0 or -errno. */
int message_new(struct message **ret, const struct wire_frame *frame);
struct message *message_free(struct message *m);
DEFINE_CLEANUP(struct message *, message_free)

/* Not the first frame of a long message. */
bool message_is_continued(const struct wire_frame *frame);
/* Whether `frame` goes on with this message. */
bool message_wants(const struct message *m, const struct wire_frame *frame);
int message_add(struct message *m, const struct wire_frame *frame);
