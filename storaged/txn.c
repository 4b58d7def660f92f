/*
 * txn.c - the one way in which objects change (data.h): what a transaction compares, then what it does,
 * all or nothing.
 *
 *   txn_apply: plan (reads only; may fail) --> store (writes only; fails with the disk)
 *
 * The plan holds what becomes of each key, so that operations see those before them, and a refusal is
 * known before anything is written: other transactions of the same commit stay whole.
 */
#include <assert.h>
#include <string.h>

#include "libipc/base/clock.h"
#include "libipc/base/error.h"
#include "libipc/value.h"
#include "storaged/content.h"
#include "storaged/data.h"
#include "storaged/scalar.h"
#include "storaged/snapshot.h"
#include "storaged/stream.h"
#include "storaged/sweep.h"

#define NUMBER_BYTES 9u /* an integer as a value, at most */

/* What becomes of one key. */
struct fate {
        struct disk_bytes key;
        bool is_stored; /* there is a row, perhaps of a key that has expired */
        struct key_row before, now;
        bool is_alive; /* now; else `now` means nothing */
        bool is_changed;
        bool keeps_value; /* now.value is the disk's */
        uint8_t number[NUMBER_BYTES];
};

struct plan {
        struct data_txn *txn;
        struct disk *disk;
        struct record record; /* as it becomes */
        uint64_t now_us;
        bool is_new;
        size_t n_fates;
        struct fate fates[LIMIT_TXN_OPS];
};

static struct disk_bytes no_bytes(void) {
        return (struct disk_bytes){ "", 0 };
}

/*
 * Planning: DATA_OK, DATA_E_*, < 0.
 */

static int plan_find(struct plan *p, struct disk_bytes key, struct fate **ret) {
        struct fate *fate;
        int r = DISK_E_NOTFOUND;

        for (size_t i = 0; i < p->n_fates; i++) {
                fate = &p->fates[i];
                if (fate->key.len == key.len && memcmp(fate->key.data, key.data, key.len) == 0) {
                        *ret = fate;
                        return DATA_OK;
                }
        }
        assert(p->n_fates < ARRAY_SIZE(p->fates));
        fate = &p->fates[p->n_fates];
        *fate = (struct fate){ .key = key };
        if (!p->is_new)
                r = key_find(p->disk, p->record.id, key, &fate->before);
        if (r != DISK_OK && r != DISK_E_NOTFOUND)
                return data_fold(r);
        fate->is_stored = r == DISK_OK;
        fate->now = fate->before;
        fate->is_alive = fate->is_stored && key_is_alive(&fate->before, p->now_us);
        fate->keeps_value = true;
        p->n_fates++;
        *ret = fate;
        return DATA_OK;
}

static int plan_compare(struct plan *p, const struct data_compare *compare, bool *ret) {
        struct fate *fate;
        uint64_t revision;
        int r = plan_find(p, compare->key, &fate);
        if (r != DATA_OK)
                return r;

        revision = fate->is_alive ? fate->now.revision : 0;
        switch (compare->type) {
        case DATA_COMPARE_VALUE:
                *ret = fate->is_alive && scalar_is_equal(fate->now.value, compare->value);
                break;
        case DATA_COMPARE_REVISION:
                *ret = revision == compare->revision;
                break;
        case DATA_COMPARE_EXISTS:
                *ret = fate->is_alive == compare->exists;
                break;
        case _DATA_COMPARE_N:
                assert(false);
        }
        if (!*ret) {
                p->txn->culprit = compare->key;
                p->txn->revision = revision;
        }
        return DATA_OK;
}

/* Which operations are to be done. */
static int plan_choose(struct plan *p, const struct data_list **ret) {
        struct data_txn *txn = p->txn;
        bool holds = true;

        for (size_t i = 0; holds && i < txn->n_compares; i++) {
                int r = plan_compare(p, &txn->compares[i], &holds);
                if (r != DATA_OK)
                        return r;
        }
        if (!holds && !txn->has_otherwise)
                return DATA_E_COMPARE;
        txn->is_otherwise = !holds;
        txn->culprit = no_bytes();
        *ret = holds ? &txn->then : &txn->otherwise;
        return DATA_OK;
}

static void fate_set(struct fate *fate, struct disk_bytes value, uint64_t expires_us) {
        fate->now.value = value;
        fate->now.expires_us = expires_us;
        fate->is_alive = fate->is_changed = true;
        fate->keeps_value = false;
}

static uint64_t plan_expiry(const struct plan *p, uint64_t ttl_us) {
        return ttl_us == 0 ? 0 : p->now_us + ttl_us;
}

static int plan_get(struct plan *p, const struct fate *fate) {
        struct buf *out = &p->txn->results;
        int r;

        if (!fate->is_alive)
                return value_put_boolean(out, false);
        r = value_put_map(out, 2);
        if (r == 0)
                r = value_put_text(out, "value");
        if (r == 0)
                r = buf_add(out, fate->now.value.data, fate->now.value.len);
        if (r == 0)
                r = value_put_text(out, "revision");
        return r < 0 ? r :
                       value_put_integer(out, (int64_t)(fate->is_changed ? p->record.revision + 1 :
                                                                           fate->now.revision));
}

static int plan_set(struct plan *p, const struct data_op *op, struct fate *fate) {
        fate_set(fate, op->value, plan_expiry(p, op->ttl_us));
        return value_put_integer(&p->txn->results, (int64_t)p->record.revision + 1);
}

static int plan_del(struct plan *p, struct fate *fate) {
        bool was_alive = fate->is_alive;

        if (was_alive) {
                fate->is_alive = false;
                fate->is_changed = true;
        }
        return value_put_boolean(&p->txn->results, was_alive);
}

static int plan_incr(struct plan *p, const struct data_op *op, struct fate *fate) {
        struct buf number = { .data = fate->number, .cap = NUMBER_BYTES, .max = NUMBER_BYTES };
        int64_t n = 0;

        if (fate->is_alive && !scalar_get_integer(fate->now.value, &n))
                return DATA_E_TYPE;
        if (__builtin_add_overflow(n, op->by, &n))
                return DATA_E_OVERFLOW;
        if (value_put_integer(&number, n) < 0)
                assert(false);
        fate_set(fate, (struct disk_bytes){ fate->number, number.len },
                 fate->is_alive ? fate->now.expires_us : 0);
        return value_put_integer(&p->txn->results, n);
}

static int plan_expire(struct plan *p, const struct data_op *op, struct fate *fate) {
        uint64_t expires_us = plan_expiry(p, op->ttl_us);

        if (fate->is_alive && fate->now.expires_us != expires_us) {
                fate->now.expires_us = expires_us;
                fate->is_changed = true;
        }
        return value_put_boolean(&p->txn->results, fate->is_alive);
}

static int plan_op(struct plan *p, const struct data_op *op) {
        struct fate *fate;
        int r = plan_find(p, op->key, &fate);
        if (r != DATA_OK)
                return r;

        switch (op->type) {
        case DATA_OP_GET:
                r = plan_get(p, fate);
                break;
        case DATA_OP_SET:
                r = plan_set(p, op, fate);
                break;
        case DATA_OP_DEL:
                r = plan_del(p, fate);
                break;
        case DATA_OP_INCR:
                r = plan_incr(p, op, fate);
                break;
        case DATA_OP_EXPIRE:
                r = plan_expire(p, op, fate);
                break;
        default:
                assert(false);
        }
        if (r > 0)
                p->txn->culprit = op->key;
        return r > 0 ? r : error_trace(r);
}

/* The record with this change, from the record without: quotas refuse only what grows. */
static int plan_check_quota(struct plan *p, const struct record *before) {
        const struct record *now = &p->record;
        struct data_txn *txn = p->txn;
        uint64_t bytes = now->key_bytes + now->stream_bytes;

        if (now->n_keys > now->max_keys && now->n_keys > before->n_keys) {
                txn->wanted = now->n_keys;
                txn->limit = now->max_keys;
                return DATA_E_KEYS;
        }
        if (bytes > now->max_bytes && bytes > before->key_bytes + before->stream_bytes) {
                txn->wanted = bytes;
                txn->limit = now->max_bytes;
                return DATA_E_BYTES;
        }
        return DATA_OK;
}

static void plan_count(struct plan *p, const struct fate *fate) {
        if (!fate->is_changed)
                return;
        p->txn->has_changed = true;
        if (fate->is_stored) {
                p->record.n_keys--;
                p->record.key_bytes -= fate->key.len + fate->before.value.len;
        }
        if (fate->is_alive) {
                p->record.n_keys++;
                p->record.key_bytes += fate->key.len + fate->now.value.len;
                p->txn->has_expiry = p->txn->has_expiry || fate->now.expires_us != 0;
        }
}

static int plan_keys(struct plan *p, const struct data_list *list) {
        const struct record before = p->record;

        for (size_t i = 0; i < list->n; i++) {
                int r = plan_op(p, &list->ops[i]);
                if (r != DATA_OK)
                        return r;
        }
        for (size_t i = 0; i < p->n_fates; i++)
                plan_count(p, &p->fates[i]);
        return plan_check_quota(p, &before);
}

/* Operations on more than keys. */
static int plan_alone(struct plan *p, const struct data_op *op) {
        const struct record before = p->record;
        struct record *record = &p->record;

        p->txn->has_changed = true;
        switch (op->type) {
        case DATA_OP_WRITE:
                if (op->at == DATA_WHOLE)
                        record->stream_bytes = op->value.len;
                else if (op->at + op->value.len > record->stream_bytes)
                        record->stream_bytes = op->at + op->value.len;
                break;
        case DATA_OP_TRUNCATE:
                p->txn->has_changed = record->stream_bytes != op->at;
                record->stream_bytes = op->at;
                break;
        case DATA_OP_LIMIT:
                record->max_bytes = op->max_bytes > 0 ? op->max_bytes : record->max_bytes;
                record->max_keys = op->max_keys > 0 ? op->max_keys : record->max_keys;
                return DATA_OK;
        case DATA_OP_REMOVE:
                p->txn->has_changed = !p->is_new;
                return error_trace(value_put_boolean(&p->txn->results, !p->is_new));
        default:
                assert(false);
        }
        int r = value_put_integer(&p->txn->results, (int64_t)record->stream_bytes);
        return r < 0 ? error_trace(r) : plan_check_quota(p, &before);
}

static bool list_is_alone(const struct data_list *list) {
        return list->n == 1 && list->ops[0].type >= DATA_OP_WRITE;
}

static int plan_begin(struct plan *p) {
        int r = data_record(p->txn->object, &p->record);

        p->is_new = r == DATA_OK && p->record.id == 0;
        if (p->is_new)
                p->record.time_us = clock_wall_us();
        return r;
}

static int plan_check_objects(struct plan *p) {
        uint64_t n;
        int r = data_fold(record_count(p->disk, &n));

        if (r != DATA_OK || n < LIMIT_OBJECTS)
                return r;
        p->txn->wanted = n + 1;
        p->txn->limit = LIMIT_OBJECTS;
        return DATA_E_OBJECTS;
}

static int plan_make(struct plan *p, const struct data_list **ret_list) {
        struct data_txn *txn = p->txn;
        const struct data_guard *guard = &txn->guard;
        int r = plan_begin(p);

        if (r != DATA_OK)
                return r;
        if (guard->lock && !lock_holds(&txn->object->locks, guard->lock, guard->len, guard->fence))
                return DATA_E_GUARD;
        r = plan_choose(p, ret_list);
        if (r != DATA_OK)
                return r;
        r = list_is_alone(*ret_list) ? plan_alone(p, &(*ret_list)->ops[0]) :
                                       plan_keys(p, *ret_list);
        if (r == DATA_OK && p->is_new && txn->has_changed)
                r = plan_check_objects(p);
        if (r == DATA_OK)
                txn->revision = p->record.revision + txn->has_changed;
        return r;
}

/*
 * Storing: results of the disk.
 */

static int store_fate(struct plan *p, struct fate *fate, struct disk_bytes value, uint32_t number) {
        const struct key_row *old = fate->is_stored ? &fate->before : NULL;
        struct record *record = &p->record;
        struct history_event event = {
                .revision = record->revision,
                .type = fate->is_alive ? HISTORY_TYPE_SET : HISTORY_TYPE_DEL,
                .key = fate->key,
                .value = fate->is_alive ? value : no_bytes(),
        };
        int r = DISK_OK;

        fate->now.revision = record->revision;
        fate->now.value = value;
        if (fate->is_alive)
                r = key_put(p->disk, record->id, fate->key, old, &fate->now);
        else if (old)
                r = key_remove(p->disk, record->id, fate->key, old);
        else
                return DISK_OK; /* it came and went within the transaction */
        return r != DISK_OK ? r :
                              history_add(p->disk, record->id, &record->history, &event, number);
}

/* The disk's own bytes move with its first write. */
static int store_fate_with_copy(struct plan *p, struct fate *fate, uint32_t number) {
        struct buf copy CLEANUP(buf_deinit);
        struct key_row row;
        int r = key_find(p->disk, p->record.id, fate->key, &row);

        buf_init(&copy, SIZE_MAX);
        if (r == DISK_OK)
                r = buf_add(&copy, row.value.data, row.value.len);
        if (r != DISK_OK)
                return error_fold(r);
        return store_fate(p, fate, (struct disk_bytes){ copy.data, copy.len }, number);
}

static int store_keys(struct plan *p) {
        uint32_t number = 0;
        int r = DISK_OK;

        for (size_t i = 0; r == DISK_OK && i < p->n_fates; i++) {
                struct fate *fate = &p->fates[i];

                if (!fate->is_changed)
                        continue;
                r = fate->is_alive && fate->keeps_value ?
                            store_fate_with_copy(p, fate, number++) :
                            store_fate(p, fate, fate->now.value, number++);
        }
        return r != DISK_OK ? r : history_trim(p->disk, p->record.id, &p->record.history);
}

static int store_stream(struct plan *p, const struct data_op *op) {
        uint64_t id = p->record.id;
        int r = DISK_OK;

        if (op->type == DATA_OP_TRUNCATE || op->at == DATA_WHOLE)
                r = stream_truncate(p->disk, id, p->record.stream_bytes);
        if (r == DISK_OK && op->type == DATA_OP_WRITE)
                r = stream_write(p->disk, id, op->at == DATA_WHOLE ? 0 : op->at, op->value);
        return r;
}

static int store_removal(struct plan *p) {
        int r = content_remove(p->disk, p->record.id);
        if (r == DISK_OK)
                r = record_remove(p->disk, &p->record);
        return r != DISK_OK ? r : snapshot_forget(p->disk, p->record.name, p->record.name_len);
}

/* record_add knows where a new object's revisions begin. */
static int store_new(struct plan *p) {
        struct record counts = p->record;
        int r = record_add(p->disk, &p->record);

        p->record.n_keys = counts.n_keys;
        p->record.key_bytes = counts.key_bytes;
        p->record.stream_bytes = counts.stream_bytes;
        return r;
}

static int store_all(struct plan *p, const struct data_list *list) {
        const struct data_op *alone = list_is_alone(list) ? &list->ops[0] : NULL;
        int r = p->is_new ? store_new(p) : DISK_OK;
        if (r != DISK_OK)
                return r;
        if (alone && alone->type == DATA_OP_REMOVE)
                return store_removal(p);

        p->record.revision++;
        if (!alone)
                r = store_keys(p);
        else if (alone->type != DATA_OP_LIMIT)
                r = store_stream(p, alone);
        if (r == DISK_OK)
                r = record_put(p->disk, &p->record);
        if (r == DISK_OK && p->txn->has_expiry)
                r = lease_clock_store(&p->txn->object->data->clock, p->disk, p->now_us);
        return r;
}

/*
 * For the writer.
 */

static int txn_apply(struct write *w) {
        struct data_txn *txn = container_of(w, struct data_txn, write);
        const struct data_list *list;
        struct plan plan;

        txn->is_otherwise = txn->has_changed = txn->has_expiry = false;
        txn->culprit = no_bytes();
        buf_clear(&txn->results);
        plan.txn = txn;
        plan.disk = w->disk;
        plan.now_us = lease_clock_now_us(&txn->object->data->clock);
        plan.n_fates = 0;
        txn->result = plan_make(&plan, &list);
        if (txn->result < 0)
                return txn
                        ->result; /* whatever it was, it may be the disk's transaction that failed */
        if (txn->result != DATA_OK || !txn->has_changed)
                return DISK_OK;
        return store_all(&plan, list);
}

static void txn_on_written(struct write *w, int r) {
        struct data_txn *txn = container_of(w, struct data_txn, write);
        struct object *o = txn->object;

        if (r != DISK_OK)
                txn->result = data_fold(r);
        if (txn->result == DATA_OK && txn->has_expiry)
                sweep_arm(o->data->sweeps[o->kind]);
        if (txn->result == DATA_OK && txn->has_changed)
                data_wake(o);
        txn->done(txn);
}

void data_submit(struct data_txn *txn) {
        struct object *o = txn->object;

        txn->write = (struct write){ .disk = o->data->disks[o->kind],
                                     .apply = txn_apply,
                                     .done = txn_on_written };
        list_init(&txn->write.link);
        buf_init(&txn->results, LIMIT_MESSAGE_BYTES);
        writer_add(o->data->writer, &txn->write);
}

void data_withdraw(struct data_txn *txn) {
        writer_drop(&txn->write);
        buf_deinit(&txn->results);
}
