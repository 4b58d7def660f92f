/*
 * data_endpoints.c - the table of them, and every refusal's words.
 */
#include "storaged/data_endpoints.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "libipc/base/error.h"
#include "libipc/base/log.h"
#include "storaged/data_grant.h"

/* clang-format off */
static const struct endpoint endpoints[] = {
        { "get", data_on_get, "key -> value or nil, revision", false },
        { "set", data_on_set, "key, value [, {ttl=, revision=, guard=}] -> revision", false },
        { "del", data_on_del, "key [, {revision=, guard=}] -> boolean", false },
        { "incr", data_on_incr, "key [, by [, {guard=}]] -> integer, revision", false },
        { "cas", data_on_cas, "key, old or nil, new or nil [, {guard=}] -> revision", false },
        { "expire", data_on_expire, "key, seconds or nil -> boolean", false },
        { "scan", data_on_scan, "[prefix [, {after=, limit=, values=}]] -> "
          "{{key=, value=, revision=}, ...}, after or nil", false },
        { "txn", data_on_txn, "{compare=, guard=, ops=, otherwise=} -> boolean, results, revision",
          false },
        { "watch", data_on_watch, "[prefix [, {from=, limit=}]] -> "
          "{{type=, key=, value=, revision=}, ...}, next", false },
        { "read", data_on_read, "[from [, n]] -> bytes", false },
        { "write", data_on_write, "bytes [, {from=, guard=}] -> size, revision", false },
        { "truncate", data_on_truncate, "size [, {guard=}] -> size, revision", false },
        { "lock", data_on_lock, "name [, {mode=, timeout=, owner=}] -> handle, fence", false },
        { "locks", data_on_locks, "-> {{name=, mode=, fence=, pid=, owner=, time=}, ...}", false },
        { "info", data_on_info, "-> {name=, keys=, bytes=, ...}", false },
        { "narrow", data_on_narrow, "{prefix=, rights=} -> handle", false },
};
/* clang-format on */
const struct endpoint_table data_endpoints = { endpoints, ARRAY_SIZE(endpoints) };

static const char *quote(const struct object *o) {
        return log_quote(o->name, o->name_len);
}

static void fail_full(struct request *request, const struct object *o) {
        if (o->kind == DATA_KIND_VOLATILE)
                request_fail(request, STATUS_LIMIT,
                             "the %u MiB for all volatile objects are used up: nothing was "
                             "changed; delete something",
                             LIMIT_VOLATILE_BYTES >> 20);
        else
                request_fail(request, STATUS_LIMIT,
                             "the disk is full: no space left for %s; nothing was changed; free "
                             "some space there and try again",
                             disk_path(o->data->disks[o->kind]));
}

static void fail_broken(struct request *request, const struct object *o, int r) {
        const char *path = disk_path(o->data->disks[o->kind]);

        if (r == -ENOMEM || r == -E2BIG) {
                request_fail(request, STATUS_LIMIT,
                             "storaged is out of memory, or the answer is longer than %u MiB",
                             LIMIT_MESSAGE_BYTES >> 20);
                return;
        }
        log_error("the store failed path=%s error=%s at=%s", path, strerror(-r), error_describe());
        request_fail(request, STATUS_ERROR,
                     "the store %s failed: %s; see the log (thoxctl logs storaged)", path,
                     strerror(-r));
}

void data_fail(struct request *request, const struct object *o, int r) {
        switch (r) {
        case DATA_E_FULL:
                fail_full(request, o);
                break;
        case DATA_E_IO:
                request_fail(request, STATUS_ERROR,
                             "store cannot be written: %s gives I/O errors; nothing was changed; "
                             "check the disk (dmesg) and the limits of file size",
                             disk_path(o->data->disks[o->kind]));
                break;
        default:
                fail_broken(request, o, r);
        }
}

static void fail_quota(struct request *request, const struct data_txn *txn, const char *what) {
        request_fail(request, STATUS_LIMIT,
                     "object %s would have %" PRIu64 " %s, more than its limit of %" PRIu64
                     ": nothing was changed; delete something, or have it raised (data.limit)",
                     quote(txn->object), txn->wanted, what, txn->limit);
}

void data_fail_txn(struct request *request, const struct data_txn *txn) {
        const char *key = log_quote(txn->culprit.data, txn->culprit.len);

        switch (txn->result) {
        case DATA_E_COMPARE:
                if (txn->revision == 0)
                        request_fail(request, STATUS_CONFLICT,
                                     "there is no key %s: nothing was changed", key);
                else
                        request_fail(request, STATUS_CONFLICT,
                                     "key %s is another than the call expects, at revision %" PRIu64
                                     ": nothing was changed; get it again, then decide",
                                     key, txn->revision);
                break;
        case DATA_E_GUARD:
                request_fail(request, STATUS_CONFLICT,
                             "lock %s is not held with fence %" PRIu64
                             ": nothing was changed; take it again, then decide",
                             log_quote(txn->guard.lock, txn->guard.len), txn->guard.fence);
                break;
        case DATA_E_TYPE:
                request_fail(request, STATUS_BADARGS,
                             "key %s has no integer that incr could add to: nothing was changed",
                             key);
                break;
        case DATA_E_OVERFLOW:
                request_fail(request, STATUS_LIMIT,
                             "key %s would leave the range of integers: nothing was changed", key);
                break;
        case DATA_E_BYTES:
                fail_quota(request, txn, "bytes");
                break;
        case DATA_E_KEYS:
                fail_quota(request, txn, "keys");
                break;
        case DATA_E_OBJECTS:
                request_fail(request, STATUS_LIMIT,
                             "object %s would be one more than the limit of %" PRIu64
                             " objects: nothing was changed; have some deleted (data.delete)",
                             quote(txn->object), txn->limit);
                break;
        default:
                data_fail(request, txn->object, txn->result);
        }
}

void data_on_narrow(struct request *request) {
        const struct data_grant *g = data_grant_of(request);
        struct data_reach reach = { .prefix = { g->prefix, g->prefix_len }, .rights = g->rights };

        if (!data_reach_take(request, "narrow", &reach, NULL, 0))
                return;
        if ((reach.rights & ~g->rights) != 0 || !data_grant_reaches(g, reach.prefix)) {
                request_fail(request, STATUS_DENIED,
                             "narrow gives less than this handle has, never more");
                return;
        }
        data_grant_open_take(g->grants, request, object_ref(g->object), &reach);
}
