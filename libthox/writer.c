/*
 * writer.c - writing values. Tables are of indefinite length, so that nobody has to count; whether
 * they are closed and paired is found out at the end by reading everything once.
 */
#include "libthox/writer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "libipc/base/error.h"
#include "libipc/value.h"

/* What thox_writer_new gives when there is no memory. Nobody writes to it. */
static struct thox_writer writer_failed = { .error = -ENOMEM };

struct thox_writer *thox_writer_new(void) {
        struct thox_writer *w = calloc(1, sizeof(*w));
        if (!w)
                return &writer_failed;
        buf_init(&w->values, LIMIT_MESSAGE_BYTES);
        return w;
}

void thox_writer_free(struct thox_writer *w) {
        if (!w || w == &writer_failed)
                return;
        buf_deinit(&w->values);
        free(w->caps);
        free(w);
}

static void put(struct thox_writer *w, int r) {
        if (r < 0)
                w->error = r == -E2BIG ? -EMSGSIZE : r;
}

void thox_write_nil(struct thox_writer *w) {
        if (w->error == 0)
                put(w, value_put_nil(&w->values));
}

void thox_write_boolean(struct thox_writer *w, bool v) {
        if (w->error == 0)
                put(w, value_put_boolean(&w->values, v));
}

void thox_write_integer(struct thox_writer *w, int64_t v) {
        if (w->error == 0)
                put(w, value_put_integer(&w->values, v));
}

void thox_write_float(struct thox_writer *w, double v) {
        if (w->error == 0)
                put(w, value_put_float(&w->values, v));
}

void thox_write_string(struct thox_writer *w, const char *text) {
        thox_write_bytes(w, text, strlen(text));
}

void thox_write_bytes(struct thox_writer *w, const void *bytes, size_t len) {
        if (w->error == 0)
                put(w,
                    len > LIMIT_MESSAGE_BYTES ? -E2BIG : value_put_bytes(&w->values, bytes, len));
}

static int add_cap(struct thox_writer *w, uint32_t context) {
        if (w->n_caps == LIMIT_FRAME_CAPS)
                return error_origin(E2BIG);
        struct wire_cap *caps = reallocarray(w->caps, w->n_caps + 1, sizeof(*caps));
        if (!caps)
                return error_origin(ENOMEM);
        w->caps = caps;
        w->caps[w->n_caps] = (struct wire_cap){ .handle = context + 1 };
        w->n_caps++;
        return error_trace(value_put_cap(&w->values, (uint32_t)(w->n_caps - 1)));
}

void thox_write_context(struct thox_writer *w, uint32_t context) {
        if (w->error == 0)
                put(w, add_cap(w, context));
}

void thox_write_array(struct thox_writer *w) {
        if (w->error == 0)
                put(w, value_put_array(&w->values, VALUE_INDEFINITE));
}

void thox_write_map(struct thox_writer *w) {
        if (w->error == 0)
                put(w, value_put_map(&w->values, VALUE_INDEFINITE));
}

void thox_write_end(struct thox_writer *w) {
        if (w->error == 0)
                put(w, value_put_end(&w->values));
}

int writer_check(const struct thox_writer *w) {
        struct value_reader reader;
        struct value v;
        int e;

        if (!w)
                return 0;
        if (w->error < 0)
                return error_trace(w->error);
        value_reader_init(&reader, w->values.data, w->values.len);
        while ((e = value_next(&reader, &v)) == VALUE_OK)
                ;
        return e == VALUE_E_DONE ? 0 : error_origin(EINVAL);
}
