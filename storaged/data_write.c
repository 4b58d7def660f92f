/*
 * data_write.c - the endpoints that change an object: each is one transaction (data.h).
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libipc/base/error.h"
#include "libipc/limits.h"
#include "storaged/data_endpoints.h"
#include "storaged/data_grant.h"
#include "storaged/options.h"
#include "storaged/scalar.h"

/* One on its way. Owned by its request, until that is cancelled. */
struct change {
        struct data_txn txn;
        struct request *request;
        bool is_txn;       /* answers as `txn` does; else with the result of the one operation, */
        bool has_revision; /* and this behind it, */
        bool is_revision;  /* or only this */
        struct data_op op;
        struct data_compare compare;
        /* Of `txn`; owned. */
        struct data_op *ops, *otherwise;
        struct data_compare *compares;
};

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

static int change_put_results(const struct change *c, struct buf *values) {
        const struct data_list *list = c->txn.is_otherwise ? &c->txn.otherwise : &c->txn.then;
        const struct buf *results = &c->txn.results;
        int r = 0;

        if (c->is_txn)
                r = value_put_boolean(values, !c->txn.is_otherwise);
        if (r == 0 && c->is_txn)
                r = value_put_array(values, list->n);
        if (r == 0 && !c->is_revision)
                r = buf_add(values, results->data, results->len);
        if (r == 0 && (c->is_txn || c->has_revision || c->is_revision))
                r = value_put_integer(values, (int64_t)c->txn.revision);
        return error_trace(r);
}

static void change_answer(struct change *c) {
        struct buf values;
        int r;

        buf_init(&values, LIMIT_MESSAGE_BYTES);
        r = change_put_results(c, &values);
        if (r == 0)
                request_answer(c->request, STATUS_OK, &values);
        else
                data_fail(c->request, c->txn.object, r);
        buf_deinit(&values);
}

static void change_on_done(struct data_txn *txn) {
        struct change *c = container_of(txn, struct change, txn);

        if (txn->result == DATA_OK)
                change_answer(c);
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

/* With more conditions: at first there may be one. */
static void change_expect_revision(struct change *c, uint64_t revision) {
        c->compare = (struct data_compare){ .type = DATA_COMPARE_REVISION,
                                            .key = c->op.key,
                                            .revision = revision };
        c->txn.compares = &c->compare;
        c->txn.n_compares = 1;
}

/*
 * Arguments. False: the request has been refused.
 */

static bool take_bytes(struct request *request, struct disk_bytes *ret) {
        const uint8_t *bytes;

        if (!value_get_bytes(&request->args, &bytes, &ret->len)) {
                request_fail_usage(request);
                return false;
        }
        ret->data = bytes;
        return true;
}

static bool take_key(struct request *request, struct disk_bytes *ret) {
        return take_bytes(request, ret) && data_grant_check_key(request, *ret);
}

static bool take_end(struct request *request) {
        if (value_is_done(&request->args))
                return true;
        request_fail_usage(request);
        return false;
}

static bool value_check(struct request *request, struct disk_bytes item) {
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

static bool is_nil(struct disk_bytes item) {
        return item.len == 1 && *(const uint8_t *)item.data == 0xf6;
}

static bool take_value(struct request *request, struct disk_bytes *ret) {
        if (!item_take(&request->args, ret)) {
                request_fail_usage(request);
                return false;
        }
        if (is_nil(*ret)) {
                request_fail(request, STATUS_BADARGS, "nil is no value: del removes a key");
                return false;
        }
        return value_check(request, *ret);
}

/* nil, or what can be compared. */
static bool take_scalar(struct request *request, struct disk_bytes *ret) {
        if (!item_take(&request->args, ret)) {
                request_fail_usage(request);
                return false;
        }
        if (!scalar_is_one(*ret)) {
                request_fail(request, STATUS_BADARGS,
                             "cas compares strings, numbers, booleans and nil; compare a table by "
                             "its revision (set)");
                return false;
        }
        return true;
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
static bool take_options(struct change *c,
                         const char *where,
                         const struct option *more,
                         size_t n_more) {
        struct disk_bytes guard = { NULL, 0 };
        struct option options[4] = { { "guard", OPTION_ITEM, &guard, NULL } };

        if (n_more > 0)
                memcpy(&options[1], more, n_more * sizeof(*more));
        return options_take(c->request, &c->request->args, where, options, 1 + n_more) &&
               (!guard.data || guard_parse(c->request, guard, &c->txn.guard)) &&
               take_end(c->request);
}

/*
 * Keys.
 */

static bool set_parse(struct change *c) {
        uint64_t revision = 0;
        bool has_revision = false;
        const struct option options[] = {
                { "ttl", OPTION_SECONDS, &c->op.ttl_us, NULL },
                { "revision", OPTION_COUNT, &revision, &has_revision },
        };

        if (!take_key(c->request, &c->op.key) || !take_value(c->request, &c->op.value) ||
            !take_options(c, "set", options, ARRAY_SIZE(options)))
                return false;
        if (has_revision)
                change_expect_revision(c, revision);
        return true;
}

static bool del_parse(struct change *c) {
        uint64_t revision = 0;
        bool has_revision = false;
        const struct option options[] = {
                { "revision", OPTION_COUNT, &revision, &has_revision },
        };

        if (!take_key(c->request, &c->op.key) ||
            !take_options(c, "del", options, ARRAY_SIZE(options)))
                return false;
        if (has_revision)
                change_expect_revision(c, revision);
        return true;
}

static bool incr_parse(struct change *c) {
        c->op.by = 1;
        c->has_revision = true;
        if (!take_key(c->request, &c->op.key))
                return false;
        if (!value_get_integer_opt(&c->request->args, &c->op.by)) {
                request_fail_usage(c->request);
                return false;
        }
        return take_options(c, "incr", NULL, 0);
}

static bool cas_parse(struct change *c) {
        struct disk_bytes old;

        c->is_revision = true;
        if (!take_key(c->request, &c->op.key) || !take_scalar(c->request, &old))
                return false;
        if (!item_take(&c->request->args, &c->op.value)) {
                request_fail_usage(c->request);
                return false;
        }
        c->compare = (struct data_compare){ .type = is_nil(old) ? DATA_COMPARE_EXISTS :
                                                                  DATA_COMPARE_VALUE,
                                            .key = c->op.key,
                                            .value = old };
        c->txn.compares = &c->compare;
        c->txn.n_compares = 1;
        if (is_nil(c->op.value))
                c->op.type = DATA_OP_DEL;
        return value_check(c->request, c->op.value) && take_options(c, "cas", NULL, 0);
}

static bool expire_parse(struct change *c) {
        struct value_reader *args = &c->request->args;
        double seconds;

        if (!take_key(c->request, &c->op.key))
                return false;
        if (value_get_number(args, &seconds)) {
                if (seconds_parse(seconds, &c->op.ttl_us))
                        return take_end(c->request);
                request_fail(c->request, STATUS_BADARGS,
                             "expire wants seconds, a number above 0, or nil: never");
                return false;
        }
        if (value_get_integer_opt(args, &(int64_t){ 0 }))
                return take_end(c->request);
        request_fail_usage(c->request);
        return false;
}

/*
 * The stream.
 */

static bool write_parse(struct change *c) {
        bool is_at = false;
        uint64_t at = 0;
        const struct option options[] = { { "from", OPTION_COUNT, &at, &is_at } };

        c->has_revision = true;
        if (!take_bytes(c->request, &c->op.value) ||
            !take_options(c, "write", options, ARRAY_SIZE(options)))
                return false;
        c->op.at = is_at ? at : DATA_WHOLE;
        return data_grant_check_whole(c->request, "stream");
}

static bool truncate_parse(struct change *c) {
        int64_t size;

        c->has_revision = true;
        if (!value_get_integer(&c->request->args, &size) || size < 0) {
                request_fail_usage(c->request);
                return false;
        }
        c->op.at = (uint64_t)size;
        return take_options(c, "truncate", NULL, 0) && data_grant_check_whole(c->request, "stream");
}

/*
 * Transactions.
 */

static const struct {
        const char *name;
        enum data_op_type type;
} ops[] = {
        { "get", DATA_OP_GET },   { "set", DATA_OP_SET },       { "del", DATA_OP_DEL },
        { "incr", DATA_OP_INCR }, { "expire", DATA_OP_EXPIRE },
};

static bool op_parse_type(struct request *request,
                          const char *where,
                          struct disk_bytes name,
                          enum data_op_type *ret) {
        for (size_t i = 0; i < ARRAY_SIZE(ops); i++) {
                if (strlen(ops[i].name) == name.len &&
                    memcmp(ops[i].name, name.data, name.len) == 0) {
                        *ret = ops[i].type;
                        return true;
                }
        }
        request_fail(request, STATUS_BADARGS,
                     "%s: op is \"get\", \"set\", \"del\", \"incr\" or \"expire\"", where);
        return false;
}

static bool op_parse(struct request *request,
                     struct value_reader *reader,
                     const char *where,
                     struct data_op *ret) {
        struct disk_bytes name = { "", 0 };
        const struct option options[] = {
                { "op", OPTION_BYTES, &name, NULL },
                { "key", OPTION_BYTES, &ret->key, NULL },
                { "value", OPTION_ITEM, &ret->value, NULL },
                { "by", OPTION_INTEGER, &ret->by, NULL },
                { "ttl", OPTION_SECONDS, &ret->ttl_us, NULL },
        };

        *ret = (struct data_op){ .key = { "", 0 }, .by = 1 };
        if (!options_take(request, reader, where, options, ARRAY_SIZE(options)) ||
            !op_parse_type(request, where, name, &ret->type) ||
            !data_grant_check_key(request, ret->key))
                return false;
        if (ret->type != DATA_OP_SET)
                return true;
        if (!ret->value.data || is_nil(ret->value)) {
                request_fail(request, STATUS_BADARGS, "%s: set wants a value", where);
                return false;
        }
        return value_check(request, ret->value);
}

static bool compare_parse(struct request *request,
                          struct value_reader *reader,
                          const char *where,
                          struct data_compare *ret) {
        bool has_revision = false, has_exists = false;
        const struct option options[] = {
                { "key", OPTION_BYTES, &ret->key, NULL },
                { "value", OPTION_ITEM, &ret->value, NULL },
                { "revision", OPTION_COUNT, &ret->revision, &has_revision },
                { "exists", OPTION_BOOLEAN, &ret->exists, &has_exists },
        };

        *ret = (struct data_compare){ .key = { "", 0 } };
        if (!options_take(request, reader, where, options, ARRAY_SIZE(options)) ||
            !data_grant_check_key(request, ret->key))
                return false;
        if ((ret->value.data != NULL) + has_revision + has_exists != 1) {
                request_fail(request, STATUS_BADARGS,
                             "%s wants one of value=, revision= and exists=", where);
                return false;
        }
        ret->type = has_revision ? DATA_COMPARE_REVISION :
                    has_exists   ? DATA_COMPARE_EXISTS :
                                   DATA_COMPARE_VALUE;
        if (ret->type != DATA_COMPARE_VALUE || scalar_is_one(ret->value))
                return true;
        request_fail(request, STATUS_BADARGS,
                     "%s: value is a string, a number or a boolean; compare a table by its "
                     "revision",
                     where);
        return false;
}

/* A list of tables; `n` counts all lists of the transaction. NULL item: an empty one. */
static bool list_begin(struct request *request,
                       const char *where,
                       struct disk_bytes item,
                       struct value_reader *reader,
                       size_t *ret_n,
                       size_t *n_all) {
        struct value v;

        *ret_n = 0;
        if (!item.data)
                return true;
        value_reader_init(reader, item.data, item.len);
        if (value_next(reader, &v) != VALUE_OK ||
            (v.type != VALUE_ARRAY && !(v.type == VALUE_MAP && v.size == 0)) ||
            v.size == VALUE_INDEFINITE) {
                request_fail(request, STATUS_BADARGS, "txn: %s is a list of tables", where);
                return false;
        }
        *ret_n = v.size;
        *n_all += v.size <= LIMIT_TXN_OPS ? v.size : LIMIT_TXN_OPS + 1;
        if (*n_all <= LIMIT_TXN_OPS)
                return true;
        request_fail(request, STATUS_LIMIT,
                     "txn: more than the limit of %u compares and operations", LIMIT_TXN_OPS);
        return false;
}

static bool ops_parse(struct change *c,
                      const char *name,
                      struct disk_bytes item,
                      struct data_op **ops_ret,
                      struct data_list *ret,
                      size_t *n_all) {
        struct value_reader reader;
        size_t n;

        if (!list_begin(c->request, name, item, &reader, &n, n_all))
                return false;
        *ops_ret = calloc(n + 1, sizeof(**ops_ret));
        if (!*ops_ret) {
                request_fail(c->request, STATUS_ERROR, "storaged is out of memory; try again");
                return false;
        }
        *ret = (struct data_list){ *ops_ret, n };
        for (size_t i = 0; i < n; i++) {
                char where[48];
                snprintf(where, sizeof(where), "txn: %s[%zu]", name, i + 1);
                if (!op_parse(c->request, &reader, where, &(*ops_ret)[i]))
                        return false;
        }
        return true;
}

static bool compares_parse(struct change *c, struct disk_bytes item, size_t *n_all) {
        struct value_reader reader;
        size_t n;

        if (!list_begin(c->request, "compare", item, &reader, &n, n_all))
                return false;
        c->compares = calloc(n + 1, sizeof(*c->compares));
        if (!c->compares) {
                request_fail(c->request, STATUS_ERROR, "storaged is out of memory; try again");
                return false;
        }
        c->txn.compares = c->compares;
        c->txn.n_compares = n;
        for (size_t i = 0; i < n; i++) {
                char where[48];
                snprintf(where, sizeof(where), "txn: compare[%zu]", i + 1);
                if (!compare_parse(c->request, &reader, where, &c->compares[i]))
                        return false;
        }
        return true;
}

static bool txn_parse(struct change *c) {
        struct disk_bytes compares = { NULL, 0 }, then = { NULL, 0 }, otherwise = { NULL, 0 };
        const struct option options[] = {
                { "compare", OPTION_ITEM, &compares, NULL },
                { "ops", OPTION_ITEM, &then, NULL },
                { "otherwise", OPTION_ITEM, &otherwise, &c->txn.has_otherwise },
        };
        size_t n_all = 0;

        c->is_txn = true;
        c->txn.has_otherwise = false;
        return take_options(c, "txn", options, ARRAY_SIZE(options)) &&
               compares_parse(c, compares, &n_all) &&
               ops_parse(c, "ops", then, &c->ops, &c->txn.then, &n_all) &&
               ops_parse(c, "otherwise", otherwise, &c->otherwise, &c->txn.otherwise, &n_all);
}

/*
 * Endpoints.
 */

static void run(struct request *request, enum data_op_type type, bool (*parse)(struct change *c)) {
        struct change *c = change_new(request, type);

        if (!c)
                return;
        if (parse(c))
                change_submit(c);
        else
                change_free(c);
}

void data_on_set(struct request *request) {
        run(request, DATA_OP_SET, set_parse);
}

void data_on_del(struct request *request) {
        run(request, DATA_OP_DEL, del_parse);
}

void data_on_incr(struct request *request) {
        run(request, DATA_OP_INCR, incr_parse);
}

void data_on_cas(struct request *request) {
        run(request, DATA_OP_SET, cas_parse);
}

void data_on_expire(struct request *request) {
        run(request, DATA_OP_EXPIRE, expire_parse);
}

void data_on_write(struct request *request) {
        run(request, DATA_OP_WRITE, write_parse);
}

void data_on_truncate(struct request *request) {
        run(request, DATA_OP_TRUNCATE, truncate_parse);
}

void data_on_txn(struct request *request) {
        run(request, _DATA_OP_N, txn_parse);
}
