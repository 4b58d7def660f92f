/*
 * data_lock.c - locks as contexts: whoever holds the handle holds the lock, and however the holder ends, the
 * handle closes and the next in line has it.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "libipc/base/error.h"
#include "libipc/base/log.h"
#include "libipc/limits.h"
#include "storaged/answer.h"
#include "storaged/arguments.h"
#include "storaged/data_endpoints.h"
#include "storaged/data_grant.h"

struct data_lock {
        struct grant grant;
        struct list *grants;     /* of storaged's; borrowed */
        struct object *object;   /* a reference */
        struct request *request; /* waits for the lock */
        struct lock_claim claim;
};

struct lock_options {
        struct disk_bytes name, mode;
        uint64_t timeout_us;
        int64_t owner;
};

static struct data_lock *data_lock_free(struct data_lock *l) {
        lock_release(&l->claim);
        object_unref(l->object);
        free(l);
        return NULL;
}

static struct grant *data_lock_free_grant(struct grant *g) {
        data_lock_free(container_of(g, struct data_lock, grant));
        return NULL;
}

static int data_lock_put(const struct grant *g, struct buf *values) {
        const struct data_lock *l = container_of(g, const struct data_lock, grant);
        return value_put_integer(values, (int64_t)l->claim.fence);
}

static const struct endpoint_table no_endpoints = { NULL, 0 };

static const struct grant_type data_lock_type = {
        .endpoints = &no_endpoints,
        .put = data_lock_put,
        .free = data_lock_free_grant,
};

static void data_lock_on_cancel(struct request *request) {
        data_lock_free(request->userdata);
}

static void data_lock_on_done(struct lock_claim *c, int result) {
        struct data_lock *l = container_of(c, struct data_lock, claim);
        struct request *request = l->request;

        if (result == LOCK_OK) {
                grant_open_take(l->grants, request, &l->grant);
                return;
        }
        if (result == LOCK_E_TIMEOUT)
                request_fail(request, STATUS_TIMEOUT, "the lock is still held by another");
        else
                request_fail(request, STATUS_ERROR,
                             "no fence could be stored for the lock: see the log (thoxctl logs "
                             "storaged)");
        data_lock_free(l);
}

static bool lock_parse(struct request *request, struct lock_options *ret) {
        const struct option options[] = {
                { "mode", OPTION_BYTES, &ret->mode, NULL },
                { "timeout", OPTION_SECONDS, &ret->timeout_us, NULL },
                { "owner", OPTION_INTEGER, &ret->owner, NULL },
        };

        if (!argument_take_bytes(request, &ret->name) ||
            !options_take(request, &request->args, "lock", options, ARRAY_SIZE(options)) ||
            !argument_take_end(request))
                return false;
        if (lock_mode_parse(ret->mode.data, ret->mode.len) < 0) {
                request_fail(request, STATUS_BADARGS, "lock: mode is \"exclusive\" or \"shared\"");
                return false;
        }
        return data_grant_check(request, DATA_RIGHT_LOCK) &&
               data_grant_check_key(request, ret->name);
}

static void lock_refuse(struct request *request, const struct lock_options *options, int r) {
        const char *name = log_quote(options->name.data, options->name.len);

        if (r == LOCK_E_EXISTS)
                request_fail(request, STATUS_EXISTS,
                             "this task holds lock %s already, or waits for it", name);
        else if (r == LOCK_E_TIMEOUT)
                request_fail(request, STATUS_TIMEOUT, "lock %s is held by another", name);
        else if (r == LOCK_E_FULL)
                request_fail(request, STATUS_LIMIT,
                             "lock %s would be one more than the limit of %u locks of an object",
                             name, LIMIT_LOCKS);
        else
                request_fail(request, STATUS_ERROR, "storaged is out of memory; try again");
}

void data_on_lock(struct request *request) {
        struct lock_options options = { .mode = { "exclusive", 9 },
                                        .timeout_us = LOCK_WAITS_FOR_EVER };
        struct data_grant *g = data_grant_of(request);
        struct data_lock *l;
        int r;

        if (!lock_parse(request, &options))
                return;
        l = calloc(1, sizeof(*l));
        if (!l) {
                request_fail(request, STATUS_ERROR, "storaged is out of memory; try again");
                return;
        }
        l->grant.type = &data_lock_type;
        l->grants = g->grants;
        l->object = object_ref(g->object);
        l->request = request;
        l->claim.mode = (enum lock_mode)lock_mode_parse(options.mode.data, options.mode.len);
        l->claim.pid = request->pid;
        l->claim.task = options.owner;
        l->claim.done = data_lock_on_done;
        r = lock_claim(&l->object->locks, options.name.data, options.name.len, &l->claim,
                       options.timeout_us);
        if (r != LOCK_OK) {
                lock_refuse(request, &options, r);
                data_lock_free(l);
                return;
        }
        request->userdata = l;
        request->on_cancel = data_lock_on_cancel;
}

/*
 * locks.
 */

static int put_claim(struct buf *values, const struct lock *lock, const struct lock_claim *c) {
        bool is_held = c->fence > 0;
        int r = value_put_map(values, is_held ? 6 : 5);
        if (r == 0)
                r = answer_bytes(values, "name", lock->name, lock->len);
        if (r == 0)
                r = answer_text(values, "mode", lock_mode_name(c->mode));
        if (r == 0 && is_held)
                r = answer_integer(values, "fence", c->fence);
        if (r == 0)
                r = answer_integer(values, "pid", c->pid);
        if (r == 0)
                r = answer_integer(values, "owner", (uint64_t)c->task);
        return r < 0 ? r : answer_time(values, "time", c->time_us);
}

static int put_claims(struct buf *values, const struct lock *lock, const struct list *claims) {
        list_for_each(node, claims) {
                int r = put_claim(values, lock, container_of(node, struct lock_claim, link));
                if (r < 0)
                        return r;
        }
        return 0;
}

void data_on_locks(struct request *request) {
        struct data_grant *g = data_grant_of(request);
        struct buf values;
        int r;

        if (!argument_take_end(request) || !data_grant_check(request, DATA_RIGHT_READ))
                return;
        buf_init(&values, LIMIT_MESSAGE_BYTES);
        r = value_put_array(&values, VALUE_INDEFINITE);
        list_for_each(node, &g->object->locks.all) {
                struct lock *lock = container_of(node, struct lock, link);

                if (!data_grant_reaches(g, (struct disk_bytes){ lock->name, lock->len }))
                        continue;
                if (r == 0)
                        r = put_claims(&values, lock, &lock->holders);
                if (r == 0)
                        r = put_claims(&values, lock, &lock->waiters);
        }
        if (r == 0)
                r = value_put_end(&values);
        answer_send(request, r, &values);
}
