/*
 * data.c - which objects are open, what is read of them, and what all of them share: the disk of the
 * volatile ones, the clock of expiries, the numbers of locks. Changes are txn.c's, what happens after
 * them watch.c's and sweep.c's.
 */
#include "storaged/data.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libipc/base/clock.h"
#include "libipc/base/error.h"
#include "libipc/base/log.h"
#include "storaged/counter.h"
#include "storaged/stream.h"
#include "storaged/sweep.h"

/* An anonymous object on its way out. In data->leaving. */
struct leaving {
        struct list link;
        struct data_txn txn;
        struct data_op remove;
};

/* Numbers of locks on their way to the disk. */
struct data_reservation {
        struct data *data;
        struct write write;
        uint64_t end;
};

int data_fold(int r) {
        switch (r) {
        case DISK_OK:
                return DATA_OK;
        case DISK_E_NOTFOUND:
                return DATA_E_NOTFOUND;
        case DISK_E_FULL:
                return DATA_E_FULL;
        case DISK_E_IO:
                return DATA_E_IO;
        default:
                return error_fold(r);
        }
}

static struct disk *disk_of(const struct object *o) {
        return o->data->disks[o->kind];
}

/*
 * Objects.
 */

struct object *data_find(struct data *data, enum data_kind kind, const void *name, size_t len) {
        return table_find_name(&data->objects[kind], name, len);
}

static int object_new(
        struct data *data, const void *name, size_t len, enum data_kind kind, struct object **ret) {
        struct object *o = calloc(1, sizeof(*o));

        if (!o)
                return error_origin(ENOMEM);
        assert(len <= sizeof(o->name));
        o->data = data;
        o->kind = kind;
        o->n_refs = 1;
        o->name_len = len;
        memcpy(o->name, name, len);
        list_init(&o->watches);
        if (table_add_name(&data->objects[kind], o->name, len, o) < 0) {
                free(o);
                return error_origin(ENOMEM);
        }
        locks_init(&o->locks, data->loop, &data->fence);
        *ret = o;
        return DATA_OK;
}

static void object_free(struct object *o) {
        assert(list_is_empty(&o->watches));
        table_remove_name(&o->data->objects[o->kind], o->name, o->name_len);
        locks_deinit(&o->locks);
        free(o);
}

/* If it was opened again meanwhile, its rows are new ones, and somebody else's reference keeps them. */
static void leaving_free(struct leaving *leaving) {
        struct object *o = leaving->txn.object;

        list_remove(&leaving->link);
        data_withdraw(&leaving->txn);
        free(leaving);
        if (--o->n_refs == 0)
                object_free(o);
}

static void leaving_on_removed(struct data_txn *txn) {
        leaving_free(container_of(txn, struct leaving, txn));
}

/* Nobody can reach it any more, but its rows are still there. */
static void object_leave(struct object *o) {
        struct leaving *leaving = calloc(1, sizeof(*leaving));

        if (!leaving) {
                log_warn("an anonymous object stays until storaged ends: out of memory");
                object_free(o);
                return;
        }
        leaving->remove.type = DATA_OP_REMOVE;
        leaving->txn = (struct data_txn){ .object = object_ref(o),
                                          .then = { &leaving->remove, 1 },
                                          .done = leaving_on_removed };
        list_add_tail(&o->data->leaving, &leaving->link);
        data_submit(&leaving->txn);
}

struct object *object_ref(struct object *o) {
        o->n_refs++;
        return o;
}

struct object *object_unref(struct object *o) {
        if (!o || --o->n_refs > 0)
                return NULL;
        if (o->is_anonymous)
                object_leave(o);
        else
                object_free(o);
        return NULL;
}

/* Whether there is one of that kind: open, or on the disk. DATA_OK, DATA_E_NOTFOUND, < 0. */
static int data_look(struct data *data, enum data_kind kind, const void *name, size_t len) {
        struct disk *d = data->disks[kind];
        struct record record;
        int r;

        if (data_find(data, kind, name, len))
                return DATA_OK;
        r = disk_begin(d, false);
        if (r == DISK_OK)
                r = record_find(d, name, len, &record);
        disk_end(d);
        return data_fold(r);
}

static int data_choose(struct data *data,
                       const void *name,
                       size_t len,
                       enum data_kind wanted,
                       enum data_kind *ret) {
        int found[_DATA_KIND_N];

        for (int kind = 0; kind < _DATA_KIND_N; kind++) {
                found[kind] = data_look(data, (enum data_kind)kind, name, len);
                if (found[kind] < 0)
                        return error_trace(found[kind]);
        }
        if (wanted == DATA_KIND_ANY) {
                *ret = found[DATA_KIND_VOLATILE] == DATA_OK ? DATA_KIND_VOLATILE :
                                                              DATA_KIND_PERSISTENT;
                return DATA_OK;
        }
        *ret = wanted;
        return found[_DATA_KIND_N - 1 - wanted] == DATA_OK ? DATA_E_KIND : DATA_OK;
}

int data_open(
        struct data *data, const void *name, size_t len, enum data_kind kind, struct object **ret) {
        struct object *o;
        int r = data_choose(data, name, len, kind, &kind);
        if (r != DATA_OK)
                return r;

        o = data_find(data, kind, name, len);
        if (!o)
                return error_trace(object_new(data, name, len, kind, ret));
        *ret = object_ref(o);
        return DATA_OK;
}

/* No name that anybody may ask for begins with '@'. */
int data_open_anonymous(struct data *data, uint32_t pid, struct object **ret) {
        char name[LIMIT_NAME_BYTES];
        int len = snprintf(name, sizeof(name), "@%" PRIu32, pid);
        int r = data_open(data, name, (size_t)len, DATA_KIND_VOLATILE, ret);
        if (r == DATA_OK)
                (*ret)->is_anonymous = true;
        return error_fold(r);
}

/*
 * Reading.
 */

int data_record(struct object *o, struct record *ret) {
        int r = record_find(disk_of(o), o->name, o->name_len, ret);
        if (r != DISK_E_NOTFOUND)
                return data_fold(r);

        *ret = (struct record){
                .name_len = o->name_len,
                .max_keys = LIMIT_OBJECT_KEYS,
                .max_bytes = o->is_anonymous ? LIMIT_ANONYMOUS_BYTES : LIMIT_OBJECT_BYTES,
        };
        memcpy(ret->name, o->name, o->name_len);
        r = record_next_revision(disk_of(o), &ret->born);
        ret->revision = ret->born;
        ret->history.first = ret->born + 1;
        return data_fold(r);
}

int data_begin(struct object *o) {
        struct disk *d = disk_of(o);
        int r = data_fold(disk_begin(d, false));

        if (r != DATA_OK || o->reading_generation == disk_generation(d))
                return r;
        r = data_record(o, &o->reading);
        o->reading_generation = r == DATA_OK ? disk_generation(d) : 0;
        return r;
}

void data_end(struct object *o) {
        disk_end(disk_of(o));
}

int data_get(struct object *o, struct disk_bytes key, struct key_row *ret) {
        int r = data_fold(key_find(disk_of(o), o->reading.id, key, ret));
        if (r == DATA_OK && ret->expires_us != 0 &&
            !key_is_alive(ret, lease_clock_now_us(&o->data->clock)))
                return DATA_E_NOTFOUND;
        return r;
}

int data_after(struct object *o,
               struct disk_bytes after,
               struct disk_bytes *ret_key,
               struct key_row *ret) {
        uint64_t now_us = lease_clock_now_us(&o->data->clock);
        int r;

        while ((r = data_fold(key_after(disk_of(o), o->reading.id, after, ret_key, ret))) ==
               DATA_OK) {
                if (key_is_alive(ret, now_us))
                        return DATA_OK;
                after = *ret_key;
        }
        return r;
}

int data_read(struct object *o, uint64_t from, uint64_t len, struct buf *out) {
        uint64_t size = o->reading.stream_bytes;

        if (from >= size)
                return DATA_OK;
        if (len > size - from)
                len = size - from;
        return data_fold(stream_read(disk_of(o), o->reading.id, from, len, out));
}

int data_begin_all(struct data *data, enum data_kind kind) {
        return data_fold(disk_begin(data->disks[kind], false));
}

int data_next(struct data *data, enum data_kind kind, struct record *record) {
        return data_fold(record_after(data->disks[kind], record->name, record->name_len, record));
}

void data_end_all(struct data *data, enum data_kind kind) {
        disk_end(data->disks[kind]);
}

/*
 * The numbers of locks.
 */

static int reservation_apply(struct write *w) {
        struct data_reservation *reservation = container_of(w, struct data_reservation, write);
        return counter_add(w->disk, "fence", FENCE_BLOCK, &reservation->end);
}

static void reservation_on_written(struct write *w, int r) {
        struct data_reservation *reservation = container_of(w, struct data_reservation, write);
        struct data *data = reservation->data;
        uint64_t end = reservation->end + 1; /* there is no fence 0 */

        data->reservation = NULL;
        free(reservation);
        if (r > 0)
                r = r == DISK_E_FULL ? -ENOSPC : -EIO;
        fence_on_reserved(&data->fence, r, end - FENCE_BLOCK, end);
}

static void data_reserve(struct fence *fence) {
        struct data *data = container_of(fence, struct data, fence);
        struct data_reservation *reservation = calloc(1, sizeof(*reservation));

        if (!reservation) {
                fence_on_reserved(fence, error_origin(ENOMEM), 0, 0);
                return;
        }
        reservation->data = data;
        reservation->write = (struct write){ .disk = data->disks[DATA_KIND_PERSISTENT],
                                             .apply = reservation_apply,
                                             .done = reservation_on_written };
        list_init(&reservation->write.link);
        data->reservation = reservation;
        writer_add(data->writer, &reservation->write);
}

/*
 * Life.
 */

static int data_open_clock(struct data *data) {
        struct disk *d = data->disks[DATA_KIND_PERSISTENT];
        struct lease_clock_sample sample;
        int r = lease_clock_sample(&sample);
        if (r < 0)
                return error_trace(r);
        r = disk_begin(d, false);
        if (r == DISK_OK)
                r = lease_clock_open(&data->clock, d, &sample);
        disk_end(d);
        return error_fold(r);
}

/* Revisions of before mean nothing to who still knows them: they are all lower. */
static int data_open_volatile(struct data *data) {
        struct disk *d;
        int r = disk_open_volatile(&d, LIMIT_VOLATILE_BYTES);
        if (r < 0)
                return error_trace(r);
        data->disks[DATA_KIND_VOLATILE] = d;

        r = disk_begin(d, true);
        if (r == DISK_OK)
                r = record_start_revision(d, clock_wall_us());
        if (r == DISK_OK)
                r = disk_commit(d);
        disk_end(d);
        return error_fold(r);
}

int data_init(struct data *data, struct loop *loop, struct writer *writer, struct disk *disk) {
        int r = 0;

        *data = (struct data){ .loop = loop,
                               .writer = writer,
                               .disks[DATA_KIND_PERSISTENT] = disk };
        list_init(&data->leaving);
        for (int kind = 0; kind < _DATA_KIND_N; kind++)
                table_init(&data->objects[kind]);
        fence_init(&data->fence, loop, data_reserve);

        r = data_open_clock(data);
        if (r == 0)
                r = data_open_volatile(data);
        for (int kind = 0; r == 0 && kind < _DATA_KIND_N; kind++)
                r = sweep_new(&data->sweeps[kind], data, (enum data_kind)kind);
        return error_trace(r);
}

void data_deinit(struct data *data) {
        if (!data->loop)
                return;
        while (!list_is_empty(&data->leaving))
                leaving_free(container_of(data->leaving.next, struct leaving, link));
        for (int kind = 0; kind < _DATA_KIND_N; kind++) {
                data->sweeps[kind] = sweep_free(data->sweeps[kind]);
                table_deinit(&data->objects[kind]);
        }
        if (data->reservation)
                writer_drop(&data->reservation->write);
        free(take(data->reservation));
        fence_deinit(&data->fence);
        data->disks[DATA_KIND_VOLATILE] = disk_close(data->disks[DATA_KIND_VOLATILE]);
}
