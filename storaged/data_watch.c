/*
 * data_watch.c - the endpoint that waits for changes: a call that is answered when there are some. The next
 * call goes on where this one's answer says, so nothing is missed, and a slow watcher waits for itself alone.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "libipc/base/error.h"
#include "libipc/limits.h"
#include "storaged/answer.h"
#include "storaged/arguments.h"
#include "storaged/data_endpoints.h"
#include "storaged/data_grant.h"

struct watcher {
        struct data_watch watch;
        struct request *request; /* which owns us */
        uint64_t limit;
        size_t prefix_len;
        uint8_t prefix[LIMIT_KEY_BYTES];
};

/* What one reading finds. */
struct events {
        struct buf *values;
        size_t n;
};

static struct watcher *watcher_free(struct watcher *w) {
        data_unwatch(&w->watch);
        object_unref(w->watch.object);
        free(w);
        return NULL;
}

static void watcher_on_cancel(struct request *request) {
        watcher_free(request->userdata);
}

static int events_add(void *userdata, const struct history_event *event) {
        bool has_value = event->type == HISTORY_TYPE_SET;
        struct events *events = userdata;
        struct buf *values = events->values;
        int r = value_put_map(values, has_value ? 4 : 3);

        events->n++;
        if (r == 0)
                r = answer_text(values, "type", history_type_name(event->type));
        if (r == 0)
                r = answer_bytes(values, "key", event->key.data, event->key.len);
        if (r == 0 && has_value)
                r = value_put_text(values, "value");
        if (r == 0 && has_value)
                r = buf_add(values, event->value.data, event->value.len);
        if (r == 0)
                r = answer_integer(values, "revision", event->revision);
        return error_trace(r);
}

/* DATA_OK: there are events in `values` if *ret_n says so. */
static int watcher_read(struct watcher *w, struct buf *values, size_t *ret_n) {
        const struct disk_bytes prefix = { w->prefix, w->prefix_len };
        struct events events = { .values = values };
        int r = value_put_array(values, VALUE_INDEFINITE);
        if (r == 0)
                r = data_begin(w->watch.object);
        if (r == DATA_OK)
                r = data_history(w->watch.object, &w->watch.from, prefix, w->limit, events_add,
                                 &events);
        data_end(w->watch.object);
        if (r == DATA_OK)
                r = value_put_end(values);
        if (r == DATA_OK)
                r = value_put_integer(values, (int64_t)w->watch.from);
        *ret_n = events.n;
        return r;
}

static void watcher_fail(struct watcher *w, int r) {
        if (r == DATA_E_COMPACTED)
                request_fail(w->request, STATUS_CONFLICT,
                             "compacted: changes before revision %" PRIu64
                             " are not kept any more (the newest %u are): scan, then watch from "
                             "the revision that info says",
                             w->watch.from + 1, LIMIT_HISTORY_EVENTS);
        else
                data_fail(w->request, w->watch.object, r);
        watcher_free(w);
}

/* Answers, or waits on. */
static void watcher_run(struct watcher *w) {
        struct buf values;
        size_t n = 0;
        int r;

        buf_init(&values, LIMIT_MESSAGE_BYTES);
        r = watcher_read(w, &values, &n);
        if (r != DATA_OK) {
                watcher_fail(w, r);
        } else if (n == 0) {
                data_watch(&w->watch);
        } else {
                request_answer(w->request, STATUS_OK, &values);
                watcher_free(w);
        }
        buf_deinit(&values);
}

static void watcher_on_change(struct data_watch *watch) {
        watcher_run(container_of(watch, struct watcher, watch));
}

static struct watcher *watcher_new(struct request *request, struct disk_bytes prefix) {
        struct data_grant *g = data_grant_of(request);
        struct watcher *w = calloc(1, sizeof(*w));

        if (!w) {
                request_fail(request, STATUS_ERROR, "storaged is out of memory; try again");
                return NULL;
        }
        w->request = request;
        w->watch.object = object_ref(g->object);
        w->watch.done = watcher_on_change;
        list_init(&w->watch.link);
        w->prefix_len = prefix.len;
        if (prefix.len > 0)
                memcpy(w->prefix, prefix.data, prefix.len);
        request->userdata = w;
        request->on_cancel = watcher_on_cancel;
        return w;
}

/* From now on. */
static int watcher_begin_now(struct watcher *w) {
        struct object *o = w->watch.object;
        int r = data_begin(o);

        if (r == DATA_OK)
                w->watch.from = o->reading.revision;
        data_end(o);
        return r;
}

struct watch_options {
        struct disk_bytes prefix;
        uint64_t from, limit;
        bool has_from;
};

static bool watch_parse(struct request *request, struct watch_options *ret) {
        const struct option options[] = {
                { "from", OPTION_COUNT, &ret->from, &ret->has_from },
                { "limit", OPTION_COUNT, &ret->limit, NULL },
        };
        const uint8_t *prefix = ret->prefix.data;

        if (!value_get_bytes_opt(&request->args, &prefix, &ret->prefix.len)) {
                request_fail_usage(request);
                return false;
        }
        ret->prefix.data = prefix;
        if (!options_take(request, &request->args, "watch", options, ARRAY_SIZE(options)) ||
            !argument_take_end(request))
                return false;
        if (ret->limit > 0 && ret->limit <= LIMIT_HISTORY_EVENTS)
                return data_grant_check(request, DATA_RIGHT_READ) &&
                       (ret->prefix.len == 0 || data_grant_check_key(request, ret->prefix));
        request_fail(request, STATUS_LIMIT,
                     "watch: limit is 1 to %u events; the next call goes on behind them",
                     LIMIT_HISTORY_EVENTS);
        return false;
}

void data_on_watch(struct request *request) {
        struct data_grant *g = data_grant_of(request);
        struct watch_options options = { .prefix = { g->prefix, g->prefix_len },
                                         .limit = LIMIT_SCAN_DEFAULT_ROWS };
        struct watcher *w;
        int r = DATA_OK;

        if (!watch_parse(request, &options))
                return;
        w = watcher_new(request, options.prefix);
        if (!w)
                return;
        w->watch.from = options.from;
        w->limit = options.limit;
        if (!options.has_from)
                r = watcher_begin_now(w);
        if (r == DATA_OK)
                watcher_run(w);
        else
                watcher_fail(w, r);
}
