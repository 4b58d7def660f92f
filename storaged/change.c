/*
 * change.c - see change.h.
 */
#include "storaged/change.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "libipc/base/error.h"
#include "libipc/limits.h"
#include "storaged/data_endpoints.h"
#include "storaged/data_grant.h"
#include "storaged/item.h"

static struct change *change_free(struct change *c) {
        if (!c)
                return NULL;
        data_withdraw(&c->txn);
        object_unref(c->txn.object);
        free(c->ops);
        free(c->otherwise);
        free(c->compares);
        free(c);
        return NULL;
}

static void change_on_cancel(struct request *request) {
        change_free(request->userdata);
}

/* NULL: the request has been refused. What it is to do is in c->op, alone, so far. */
static struct change *change_new(struct request *request, enum data_op_type type) {
        struct object *o = data_grant_of(request)->object;
        struct change *c;

        if (!data_grant_check(request, DATA_RIGHT_WRITE))
                return NULL;
        c = calloc(1, sizeof(*c));
        if (!c) {
                request_fail(request, STATUS_ERROR, "storaged is out of memory; try again");
                return NULL;
        }
        c->request = request;
        c->op.type = type;
        c->txn.object = object_ref(o);
        c->txn.then = (struct data_list){ &c->op, 1 };
        list_init(&c->txn.write.link);
        buf_init(&c->txn.results, 0);
        return c;
}

static int put_all_results(const struct change *c, struct buf *values) {
        const struct data_list *list = c->txn.is_otherwise ? &c->txn.otherwise : &c->txn.then;
        int r = value_put_boolean(values, !c->txn.is_otherwise);
        return r < 0 ? r : value_put_array(values, list->n);
}

static int change_put_answer(const struct change *c, struct buf *values) {
        int r = c->answer == CHANGE_ANSWER_TXN ? put_all_results(c, values) : 0;

        if (r == 0 && c->answer != CHANGE_ANSWER_REVISION)
                r = buf_add(values, c->txn.results.data, c->txn.results.len);
        if (r == 0 && c->answer != CHANGE_ANSWER_RESULT)
                r = value_put_integer(values, (int64_t)c->txn.revision);
        return error_trace(r);
}

static void change_send_answer(struct change *c) {
        struct buf values;
        int r;

        buf_init(&values, LIMIT_MESSAGE_BYTES);
        r = change_put_answer(c, &values);
        if (r == 0)
                request_answer(c->request, STATUS_OK, &values);
        else
                data_fail(c->request, c->txn.object, r);
        buf_deinit(&values);
}

static void change_on_done(struct data_txn *txn) {
        struct change *c = container_of(txn, struct change, txn);

        if (txn->result == DATA_OK)
                change_send_answer(c);
        else
                data_fail_txn(c->request, txn);
        change_free(c);
}

static void change_submit(struct change *c) {
        c->request->userdata = c;
        c->request->on_cancel = change_on_cancel;
        c->txn.done = change_on_done;
        data_submit(&c->txn);
}

void change_run(struct request *request, enum data_op_type type, bool (*parse)(struct change *c)) {
        struct change *c = change_new(request, type);

        if (!c)
                return;
        if (parse(c))
                change_submit(c);
        else
                change_free(c);
}

/*
 * For parsers.
 */

void change_compare(struct change *c, const struct data_compare *compare) {
        c->compare = *compare;
        c->compare.key = c->op.key;
        c->txn.compares = &c->compare;
        c->txn.n_compares = 1;
}

bool change_check_value(struct request *request, struct disk_bytes item) {
        if (item_has_cap(item))
                request_fail(request, STATUS_BADARGS, "a context cannot be stored");
        else if (item.len > LIMIT_VALUE_BYTES)
                request_fail(request, STATUS_LIMIT,
                             "a value of %zu bytes is longer than the limit of %u; streams may "
                             "be longer",
                             item.len, LIMIT_VALUE_BYTES);
        else
                return true;
        return false;
}

static bool guard_parse(struct request *request, struct disk_bytes item, struct data_guard *ret) {
        struct disk_bytes lock = { NULL, 0 };
        const struct option options[] = {
                { "lock", OPTION_BYTES, &lock, NULL },
                { "fence", OPTION_COUNT, &ret->fence, NULL },
        };
        struct value_reader reader;

        value_reader_init(&reader, item.data, item.len);
        if (!options_take(request, &reader, "guard", options, ARRAY_SIZE(options)))
                return false;
        if (!lock.data || ret->fence == 0) {
                request_fail(request, STATUS_BADARGS, "guard wants {lock=, fence=}");
                return false;
        }
        ret->lock = lock.data;
        ret->len = lock.len;
        return data_grant_check_key(request, lock);
}

/* Options that other than `guard` are in `more`; at most three. */
bool change_take_options(struct change *c,
                         const char *where,
                         const struct option *more,
                         size_t n_more) {
        struct disk_bytes guard = { NULL, 0 };
        struct option options[4] = { { "guard", OPTION_ITEM, &guard, NULL } };

        if (n_more > 0)
                memcpy(&options[1], more, n_more * sizeof(*more));
        return options_take(c->request, &c->request->args, where, options, 1 + n_more) &&
               (!guard.data || guard_parse(c->request, guard, &c->txn.guard)) &&
               argument_take_end(c->request);
}
