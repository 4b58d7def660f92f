/*
 * data_txn.c - the endpoint `txn`: compares and lists of operations out of tables.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libipc/limits.h"
#include "storaged/change.h"
#include "storaged/data_endpoints.h"
#include "storaged/data_grant.h"
#include "storaged/scalar.h"

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
        if (ret->type == DATA_OP_GET)
                return data_grant_check(request, DATA_RIGHT_READ);
        if (ret->type != DATA_OP_SET)
                return true;
        if (!ret->value.data || scalar_is_nil(ret->value)) {
                request_fail(request, STATUS_BADARGS, "%s: set wants a value", where);
                return false;
        }
        return change_check_value(request, ret->value);
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

        c->answer = CHANGE_ANSWER_TXN;
        return change_take_options(c, "txn", options, ARRAY_SIZE(options)) &&
               compares_parse(c, compares, &n_all) &&
               ops_parse(c, "ops", then, &c->ops, &c->txn.then, &n_all) &&
               ops_parse(c, "otherwise", otherwise, &c->otherwise, &c->txn.otherwise, &n_all);
}

void data_on_txn(struct request *request) {
        change_run(request, _DATA_OP_N, txn_parse);
}
