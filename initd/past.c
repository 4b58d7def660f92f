/*
 * past.c - see past.h. past_add runs once per call of the tree: it copies a fixed number of bytes.
 */
#include "initd/past.h"

#include <assert.h>
#include <string.h>

#include "initd/record.h"
#include "libipc/base/macros.h"
#include "libipc/limits.h"
#include "libipc/status.h"

static_assert(PAST_NAME_BYTES <= LIMIT_NAME_BYTES, "every call has room for it");

void past_add(struct past *p, const void *name, size_t len, uint32_t status) {
        struct past_call *call = &p->calls[p->n++ % PAST_CALLS];
        call->status = status;
        call->name_len = (uint8_t)(len < PAST_NAME_BYTES ? len : PAST_NAME_BYTES);
        memcpy(call->name, name, PAST_NAME_BYTES);
}

void past_record(const struct past *p, struct record *out) {
        uint32_t n = p->n < PAST_CALLS ? p->n : PAST_CALLS;
        record_key(out, "calls");
        record_array(out, n);
        for (uint32_t i = p->n - n; i != p->n; i++) {
                const struct past_call *call = &p->calls[i % PAST_CALLS];
                record_map(out);
                record_bytes(out, "name", call->name, call->name_len);
                if (call->status != PAST_UNANSWERED)
                        record_text(out, "status", status_name(call->status));
                record_end(out);
        }
}
