/*
 * answer.c - see answer.h.
 */
#include "storaged/answer.h"

#include <string.h>

#include "libipc/base/clock.h"
#include "libipc/limits.h"
#include "libipc/value.h"

int answer_integer(struct buf *values, const char *key, uint64_t n) {
        int r = value_put_text(values, key);
        return r < 0 ? r : value_put_integer(values, (int64_t)n);
}

int answer_bytes(struct buf *values, const char *key, const void *bytes, size_t len) {
        int r = value_put_text(values, key);
        return r < 0 ? r : value_put_bytes(values, bytes, len);
}

int answer_text(struct buf *values, const char *key, const char *text) {
        return answer_bytes(values, key, text, strlen(text));
}

int answer_boolean(struct buf *values, const char *key, bool v) {
        int r = value_put_text(values, key);
        return r < 0 ? r : value_put_boolean(values, v);
}

int answer_time(struct buf *values, const char *key, uint64_t time_us) {
        int r = value_put_text(values, key);
        return r < 0 ? r : value_put_float(values, (double)time_us / (double)CLOCK_S_US);
}

void answer_send(struct request *request, int r, struct buf *values) {
        if (r == 0)
                request_answer(request, STATUS_OK, values);
        else
                request_fail(request, STATUS_LIMIT, "the answer is longer than %u MiB or memory",
                             LIMIT_MESSAGE_BYTES >> 20);
        buf_deinit(values);
}
