/*
 * sweep.c - see sweep.h. At most SWEEP_KEYS in one transaction, so that others' writes are never far behind.
 */
#include "storaged/sweep.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "libipc/base/clock.h"
#include "libipc/base/error.h"
#include "libipc/base/log.h"
#include "storaged/expiry.h"

#define SWEEP_KEYS 128u
#define SWEEP_RETRY_US CLOCK_S_US /* after a disk that could not be written */

struct swept {
        size_t len;
        char name[LIMIT_NAME_BYTES];
};

struct sweep {
        struct data *data; /* borrowed */
        enum data_kind kind;
        struct loop_timer timer;
        struct write write;
        bool is_writing;
        size_t n_swept;
        struct swept swept[SWEEP_KEYS]; /* objects that lost keys in this transaction */
};

/* When the next one is due, on the lease clock; UINT64_MAX: there is none. */
static int sweep_look(const struct sweep *s, uint64_t *ret) {
        struct disk *d = s->write.disk;
        struct expiry first;
        int r = disk_begin(d, false);

        if (r == DISK_OK)
                r = expiry_first(d, &first);
        *ret = r == DISK_OK ? first.time_us : UINT64_MAX;
        disk_end(d);
        return r == DISK_E_NOTFOUND ? 0 : error_fold(r);
}

void sweep_arm(struct sweep *s) {
        uint64_t due_us, now_us = lease_clock_now_us(&s->data->clock);
        int r;

        if (s->is_writing)
                return; /* sweep_on_written does it */
        r = sweep_look(s, &due_us);
        if (r == 0 && due_us == UINT64_MAX)
                loop_timer_clear(&s->timer);
        else if (r == 0)
                r = loop_timer_set(&s->timer, due_us > now_us ? due_us - now_us : 0);
        if (r == 0)
                return;
        log_warn("expired keys are not deleted now, trying again error=%s at=%s", strerror(-r),
                 error_describe());
        (void)loop_timer_set(&s->timer, SWEEP_RETRY_US);
}

static void sweep_note(struct sweep *s, const struct record *record) {
        struct swept *last = s->n_swept > 0 ? &s->swept[s->n_swept - 1] : NULL;

        if (last && last->len == record->name_len &&
            memcmp(last->name, record->name, last->len) == 0)
                return;
        last = &s->swept[s->n_swept++];
        last->len = record->name_len;
        memcpy(last->name, record->name, record->name_len);
}

static int sweep_event(struct disk *d, struct record *record, struct disk_bytes key) {
        struct history_event event = { .revision = ++record->revision,
                                       .type = HISTORY_TYPE_EXPIRE,
                                       .key = key,
                                       .value = { "", 0 } };
        int r = history_add(d, record->id, &record->history, &event, 0);
        return r != DISK_OK ? r : history_trim(d, record->id, &record->history);
}

/* `first`'s key is a copy. */
static int sweep_key(struct sweep *s, const struct expiry *first) {
        struct disk *d = s->write.disk;
        struct record record;
        struct key_row row;
        int r = record_get(d, first->id, &record);
        if (r == DISK_OK)
                r = key_find(d, first->id, first->key, &row);
        if (r == DISK_E_NOTFOUND || (r == DISK_OK && row.expires_us != first->time_us))
                return error_origin(EBADMSG);
        if (r != DISK_OK)
                return r;

        record.n_keys--;
        record.key_bytes -= first->key.len + row.value.len;
        r = key_remove(d, first->id, first->key, &row);
        if (r == DISK_OK)
                r = sweep_event(d, &record, first->key);
        if (r == DISK_OK)
                r = record_put(d, &record);
        if (r == DISK_OK)
                sweep_note(s, &record);
        return r;
}

static int sweep_next(struct sweep *s, uint64_t now_us, bool *ret_more) {
        uint8_t key[LIMIT_KEY_BYTES];
        struct expiry first;
        int r = expiry_first(s->write.disk, &first);

        *ret_more = r == DISK_OK && first.time_us <= now_us;
        if (r == DISK_E_NOTFOUND)
                return DISK_OK;
        if (r != DISK_OK || !*ret_more)
                return r;
        if (first.key.len > sizeof(key))
                return error_origin(EBADMSG);
        memcpy(key, first.key.data, first.key.len);
        first.key.data = key;
        return sweep_key(s, &first);
}

static int sweep_apply(struct write *w) {
        struct sweep *s = container_of(w, struct sweep, write);
        uint64_t now_us = lease_clock_now_us(&s->data->clock);
        bool more = true;
        int r = DISK_OK;

        s->n_swept = 0;
        for (size_t i = 0; r == DISK_OK && more && i < SWEEP_KEYS; i++)
                r = sweep_next(s, now_us, &more);
        return r != DISK_OK ? r : lease_clock_store(&s->data->clock, w->disk, now_us);
}

static void sweep_on_written(struct write *w, int r) {
        struct sweep *s = container_of(w, struct sweep, write);

        s->is_writing = false;
        if (r != DISK_OK) {
                log_warn("expired keys could not be deleted, trying again path=%s",
                         disk_path(w->disk));
                (void)loop_timer_set(&s->timer, SWEEP_RETRY_US);
                return;
        }
        sweep_arm(s);
        for (size_t i = 0; i < s->n_swept; i++) {
                struct object *o = data_find(s->data, s->kind, s->swept[i].name, s->swept[i].len);
                if (o)
                        data_wake(o);
        }
}

static int sweep_on_timer(struct loop_timer *timer) {
        struct sweep *s = container_of(timer, struct sweep, timer);

        if (!s->is_writing) {
                s->is_writing = true;
                writer_add(s->data->writer, &s->write);
        }
        return 0;
}

int sweep_new(struct sweep **ret, struct data *data, enum data_kind kind) {
        struct sweep *s = calloc(1, sizeof(*s));
        int r;

        if (!s)
                return error_origin(ENOMEM);
        s->data = data;
        s->kind = kind;
        s->write = (struct write){ .disk = data->disks[kind],
                                   .apply = sweep_apply,
                                   .done = sweep_on_written };
        list_init(&s->write.link);
        r = loop_timer_init(&s->timer, data->loop, sweep_on_timer);
        if (r < 0) {
                free(s);
                return error_trace(r);
        }
        sweep_arm(s);
        *ret = s;
        return 0;
}

struct sweep *sweep_free(struct sweep *s) {
        if (!s)
                return NULL;
        writer_drop(&s->write);
        loop_timer_deinit(&s->timer);
        free(s);
        return NULL;
}
