/*
 * watch.c - who waits for changes of an object (data.h). A watch is told that there is something, once;
 * what it was is read from the history, so that a slow watcher costs nothing but what everyone's history
 * costs.
 */
#include <string.h>

#include "storaged/data.h"

/* What is left of one reading. */
struct reading {
        struct disk_bytes prefix;
        size_t n, max;
        uint64_t revision; /* of the newest event that was looked at */
        history_fn *fn;
        void *userdata;
};

#define READING_ENOUGH (_DATA_E_N + 1)

static bool has_prefix(struct disk_bytes key, struct disk_bytes prefix) {
        return key.len >= prefix.len &&
               (prefix.len == 0 || memcmp(key.data, prefix.data, prefix.len) == 0);
}

static int reading_on_event(void *userdata, const struct history_event *event) {
        struct reading *reading = userdata;

        if (event->revision != reading->revision && reading->n >= reading->max)
                return READING_ENOUGH;
        reading->revision = event->revision;
        if (!has_prefix(event->key, reading->prefix))
                return DISK_OK;
        reading->n++;
        return reading->fn(reading->userdata, event);
}

int data_history(struct object *o,
                 uint64_t *from,
                 struct disk_bytes prefix,
                 size_t max,
                 history_fn *fn,
                 void *userdata) {
        struct reading reading = { .prefix = prefix, .max = max, .fn = fn, .userdata = userdata };
        const struct record *record = &o->reading;
        int r;

        if (*from == 0 && record->history.first == record->born + 1)
                *from = record->born; /* nothing of it has been forgotten */
        if (!history_reaches(&record->history, *from)) {
                *from = record->history.first - 1;
                return DATA_E_COMPACTED;
        }
        if (*from >= record->revision)
                return DATA_OK;

        reading.revision = *from;
        r = history_read(o->data->disks[o->kind], record->id, *from, reading_on_event, &reading);
        if (r == READING_ENOUGH) {
                *from = reading.revision;
                return DATA_OK;
        }
        /* All of it: also the changes that leave no event, those of the stream. */
        if (r == DISK_OK)
                *from = record->revision;
        return data_fold(r);
}

void data_watch(struct data_watch *w) {
        list_init(&w->link);
        list_add_tail(&w->object->watches, &w->link);
}

void data_unwatch(struct data_watch *w) {
        list_remove(&w->link);
}

void data_wake(struct object *o) {
        struct list woken;

        /* Who waits again has to be woken by another change. */
        list_init(&woken);
        list_move_all(&woken, &o->watches);
        while (!list_is_empty(&woken)) {
                struct data_watch *w = container_of(woken.next, struct data_watch, link);

                list_remove(&w->link);
                w->done(w);
        }
}
