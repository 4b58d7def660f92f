/*
 * data.h - data objects: a name, under which there are keys with values, a stream of bytes and advisory
 * locks. The one interface to them: who calls it sees neither disk nor LMDB, and a change's end comes by a
 * callback, so that one day it may come from another machine.
 *
 *   open an object --> read it between data_begin and data_end
 *                  --> data_submit a transaction, the only way to change it
 *                  --> data_watch for changes behind a revision
 *                  --> data_lock
 *
 * A revision counts an object's transactions; each key has that of its last change. Ideas: etcd's
 * transactions and watches, Chubby's sequencers (here: guards).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "libipc/base/buf.h"
#include "libipc/base/list.h"
#include "libipc/base/table.h"
#include "libipc/loop.h"
#include "storaged/commit.h"
#include "storaged/fence.h"
#include "storaged/history.h"
#include "storaged/key.h"
#include "storaged/lease_clock.h"
#include "storaged/lock.h"
#include "storaged/record.h"
#include "storaged/writer.h"

enum data_error {
        DATA_OK = 0,
        DATA_E_NOTFOUND = 1,   /* no such key */
        DATA_E_COMPARE = 2,    /* it is not what the transaction says */
        DATA_E_GUARD = 3,      /* the lock is not held with that fence */
        DATA_E_TYPE = 4,       /* INCR of what is no integer */
        DATA_E_OVERFLOW = 5,   /* INCR beyond what an integer can be */
        DATA_E_BYTES = 6,      /* of the object: its quota */
        DATA_E_KEYS = 7,       /* likewise */
        DATA_E_OBJECTS = 8,    /* LIMIT_OBJECTS */
        DATA_E_KIND = 9,       /* that name is the other kind's */
        DATA_E_COMPACTED = 10, /* changes behind that revision are not kept any more */
        DATA_E_FULL = 11,      /* no space left */
        DATA_E_IO = 12,        /* the device failed */
        _DATA_E_N,
};

enum data_kind {
        DATA_KIND_PERSISTENT,
        DATA_KIND_VOLATILE,
        DATA_KIND_ANY, /* as it is; persistent, if it is not */
};
#define _DATA_KIND_N 2 /* that an object can be */

struct data {
        struct loop *loop; /* borrowed, as all of these */
        struct writer *writer;
        struct disk *disks[_DATA_KIND_N];   /* the volatile one is ours */
        struct table objects[_DATA_KIND_N]; /* name → struct object that somebody has open */
        struct list leaving;                /* anonymous objects that are being removed; owned */
        uint64_t n_anonymous;               /* ever made */
        struct lease_clock clock;
        struct fence fence;
        struct data_reservation *reservation; /* fences on their way; owned */
        struct sweep *sweeps[_DATA_KIND_N];   /* owned */
};

/* Shared by reference. It need not be on a disk: it comes to be with its first change. */
struct object {
        struct data *data;
        enum data_kind kind;
        bool is_anonymous; /* of one process; ends with its last reference */
        size_t n_refs;
        struct record reading;       /* between data_begin and data_end */
        uint64_t reading_generation; /* of the disk when that was read */
        struct list watches;         /* struct data_watch */
        struct locks locks;
        size_t name_len;
        char name[LIMIT_NAME_BYTES];
};

/* The volatile disk is made here. DATA_OK or < 0. */
int data_init(struct data *data, struct loop *loop, struct writer *writer, struct disk *disk);
/* Also after init failed, or on a zeroed one. Nobody has an object any more. */
void data_deinit(struct data *data);

/*
 * Objects.
 */

/* A reference. DATA_OK, DATA_E_KIND or < 0. */
int data_open(
        struct data *data, const void *name, size_t len, enum data_kind kind, struct object **ret);
/* The volatile one of that process. */
int data_open_anonymous(struct data *data, uint32_t pid, struct object **ret);
struct object *object_ref(struct object *o);
struct object *object_unref(struct object *o);

/*
 * Reading: between data_begin and data_end, which is due also when the former failed. What is returned
 * is valid until then. Results: DATA_OK, DATA_E_NOTFOUND, < 0.
 */

/* o->reading: what is known of it; when it has never been changed, what it begins with. */
int data_begin(struct object *o);
void data_end(struct object *o);
int data_get(struct object *o, struct disk_bytes key, struct key_row *ret);
/* The first key behind `after`; empty: the first. */
int data_after(struct object *o,
               struct disk_bytes after,
               struct disk_bytes *ret_key,
               struct key_row *ret);
/* At most `len` bytes of the stream, from `from` on, behind what `out` has. */
int data_read(struct object *o, uint64_t from, uint64_t len, struct buf *out);

/* All objects of one kind, in the order of their names: the first behind `record`, which becomes that;
 * a zeroed one is where it begins. */
int data_begin_all(struct data *data, enum data_kind kind);
int data_next(struct data *data, enum data_kind kind, struct record *record);
void data_end_all(struct data *data, enum data_kind kind);

/*
 * Changing.
 */

enum data_op_type {
        DATA_OP_GET,
        DATA_OP_SET,
        DATA_OP_DEL,
        DATA_OP_INCR,
        DATA_OP_EXPIRE,
        /* Each of these is alone in its transaction. */
        DATA_OP_WRITE,
        DATA_OP_TRUNCATE,
        DATA_OP_LIMIT,  /* quotas */
        DATA_OP_REMOVE, /* the object with all it has */
        _DATA_OP_N,
};

#define DATA_WHOLE UINT64_MAX /* WRITE: in place of all there is */

struct data_op {
        enum data_op_type type;
        struct disk_bytes key;
        struct disk_bytes value;      /* SET: one item (value.h); WRITE: bytes */
        int64_t by;                   /* INCR */
        uint64_t ttl_us;              /* SET, EXPIRE; 0: for ever */
        uint64_t at;                  /* WRITE: from here; TRUNCATE: the new size */
        uint64_t max_bytes, max_keys; /* LIMIT; 0: as it is */
};

enum data_compare_type {
        DATA_COMPARE_VALUE,    /* of scalars */
        DATA_COMPARE_REVISION, /* 0: there is no such key */
        DATA_COMPARE_EXISTS,
        _DATA_COMPARE_N,
};

struct data_compare {
        enum data_compare_type type;
        struct disk_bytes key;
        struct disk_bytes value;
        uint64_t revision;
        bool exists;
};

/* The change happens only while somebody holds this lock with this fence. */
struct data_guard {
        const void *lock; /* name; NULL: no guard */
        size_t len;
        uint64_t fence;
};

struct data_list {
        const struct data_op *ops;
        size_t n; /* at most LIMIT_TXN_OPS */
};

/* The first group is its owner's to fill in; what that points to is borrowed. */
struct data_txn {
        struct object *object;
        const struct data_compare *compares;
        size_t n_compares;
        struct data_guard guard;
        struct data_list then;      /* when all compares hold */
        struct data_list otherwise; /* else */
        bool has_otherwise;         /* without: DATA_E_COMPARE */
        void (*done)(struct data_txn *txn);

        struct write write;
        int result;        /* DATA_OK: durable, or nothing was to be changed; else nothing was */
        bool is_otherwise; /* which of the two was done */
        uint64_t revision; /* of the object, afterwards; with DATA_E_COMPARE of the culprit */
        /* One item for each operation: GET {value=, revision=} or false; SET the key's revision; DEL
         * and EXPIRE whether there was such a key; INCR the number; WRITE, TRUNCATE the stream's size;
         * REMOVE whether there was such an object. */
        struct buf results;
        struct disk_bytes culprit;    /* the key that a failure is about, or empty */
        uint64_t wanted, limit;       /* DATA_E_BYTES, DATA_E_KEYS, DATA_E_OBJECTS */
        bool has_changed, has_expiry; /* private */
};

/* `done` runs once, later, unless data_withdraw comes first. The object must stay. */
void data_submit(struct data_txn *txn);
/* Due after `done` (also inside it), or before it: then it never happens. Not from other callbacks of
 * a write. */
void data_withdraw(struct data_txn *txn);

/*
 * Watching.
 */

/* Waits for changes behind a revision. The first group is its owner's to fill in. */
struct data_watch {
        struct object *object;
        uint64_t from;
        /* There are some now, though perhaps of other keys than one looks for: data_history. The watch is
         * over. */
        void (*done)(struct data_watch *w);

        struct list link;
};

/* Between data_begin and data_end: the changes behind *from of keys that begin with `prefix`, at least
 * `max` if there are so many, and of whole transactions; *from becomes where to go on.
 * 0: all of this object's. DATA_E_COMPACTED: some are not kept any more; *from is the oldest revision to go on
 * from. */
int data_history(struct object *o,
                 uint64_t *from,
                 struct disk_bytes prefix,
                 size_t max,
                 history_fn *fn,
                 void *userdata);
/* `done` runs once, later, unless data_unwatch comes first. There must be nothing to read now. */
void data_watch(struct data_watch *w);
void data_unwatch(struct data_watch *w); /* harmless when it is over */

/*
 * For the files beside data.c.
 */

/* Results of a disk as those of this header. */
int data_fold(int r);
/* What is known of an object, in any transaction. */
int data_record(struct object *o, struct record *ret);
/* The object that somebody has open, or NULL. */
struct object *data_find(struct data *data, enum data_kind kind, const void *name, size_t len);
/* Something was changed: whoever watches it is told. */
void data_wake(struct object *o);
