/*
 * data_write.c - the endpoints that change one key or the stream: each is one transaction (data.h).
 */
#include "libipc/value.h"
#include "storaged/change.h"
#include "storaged/data_endpoints.h"
#include "storaged/data_grant.h"
#include "storaged/scalar.h"

/*
 * Arguments. False: the request has been refused.
 */

static bool take_key(struct request *request, struct disk_bytes *ret) {
        return argument_take_bytes(request, ret) && data_grant_check_key(request, *ret);
}

static bool take_value(struct request *request, struct disk_bytes *ret) {
        if (!argument_take_item(request, ret))
                return false;
        if (scalar_is_nil(*ret)) {
                request_fail(request, STATUS_BADARGS, "nil is no value: del removes a key");
                return false;
        }
        return change_check_value(request, *ret);
}

/* nil, or what can be compared. */
static bool take_scalar(struct request *request, struct disk_bytes *ret) {
        if (!argument_take_item(request, ret))
                return false;
        if (!scalar_is_one(*ret)) {
                request_fail(request, STATUS_BADARGS,
                             "cas compares strings, numbers, booleans and nil; compare a table by "
                             "its revision (set)");
                return false;
        }
        return true;
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
            !change_take_options(c, "set", options, ARRAY_SIZE(options)))
                return false;
        if (has_revision)
                change_compare(c, &(struct data_compare){ .type = DATA_COMPARE_REVISION,
                                                          .revision = revision });
        return true;
}

static bool del_parse(struct change *c) {
        uint64_t revision = 0;
        bool has_revision = false;
        const struct option options[] = {
                { "revision", OPTION_COUNT, &revision, &has_revision },
        };

        if (!take_key(c->request, &c->op.key) ||
            !change_take_options(c, "del", options, ARRAY_SIZE(options)))
                return false;
        if (has_revision)
                change_compare(c, &(struct data_compare){ .type = DATA_COMPARE_REVISION,
                                                          .revision = revision });
        return true;
}

static bool incr_parse(struct change *c) {
        c->op.by = 1;
        c->answer = CHANGE_ANSWER_RESULT_AND_REVISION;
        if (!take_key(c->request, &c->op.key))
                return false;
        if (!value_get_integer_opt(&c->request->args, &c->op.by)) {
                request_fail_usage(c->request);
                return false;
        }
        return change_take_options(c, "incr", NULL, 0);
}

static bool cas_parse(struct change *c) {
        struct disk_bytes old;

        c->answer = CHANGE_ANSWER_REVISION;
        if (!take_key(c->request, &c->op.key) || !take_scalar(c->request, &old) ||
            !argument_take_item(c->request, &c->op.value))
                return false;
        change_compare(c, &(struct data_compare){ .type = scalar_is_nil(old) ? DATA_COMPARE_EXISTS :
                                                                               DATA_COMPARE_VALUE,
                                                  .value = old });
        if (scalar_is_nil(c->op.value))
                c->op.type = DATA_OP_DEL;
        return change_check_value(c->request, c->op.value) &&
               change_take_options(c, "cas", NULL, 0);
}

static bool expire_parse(struct change *c) {
        struct disk_bytes seconds;
        struct value_reader reader;
        double n;

        if (!take_key(c->request, &c->op.key) || !argument_take_item(c->request, &seconds))
                return false;
        value_reader_init(&reader, seconds.data, seconds.len);
        if (scalar_is_nil(seconds) ||
            (value_get_number(&reader, &n) && seconds_parse(n, &c->op.ttl_us)))
                return argument_take_end(c->request);
        request_fail(c->request, STATUS_BADARGS,
                     "expire wants seconds, a number above 0, or nil: never");
        return false;
}

/*
 * The stream.
 */

static bool write_parse(struct change *c) {
        bool is_at = false;
        uint64_t at = 0;
        const struct option options[] = { { "from", OPTION_COUNT, &at, &is_at } };

        c->answer = CHANGE_ANSWER_RESULT_AND_REVISION;
        if (!argument_take_bytes(c->request, &c->op.value) ||
            !change_take_options(c, "write", options, ARRAY_SIZE(options)))
                return false;
        c->op.at = is_at ? at : DATA_WHOLE;
        return data_grant_check_whole(c->request, "stream");
}

static bool truncate_parse(struct change *c) {
        int64_t size;

        c->answer = CHANGE_ANSWER_RESULT_AND_REVISION;
        if (!value_get_integer(&c->request->args, &size) || size < 0) {
                request_fail_usage(c->request);
                return false;
        }
        c->op.at = (uint64_t)size;
        return change_take_options(c, "truncate", NULL, 0) &&
               data_grant_check_whole(c->request, "stream");
}

/*
 * Endpoints.
 */

void data_on_set(struct request *request) {
        change_run(request, DATA_OP_SET, set_parse);
}

void data_on_del(struct request *request) {
        change_run(request, DATA_OP_DEL, del_parse);
}

void data_on_incr(struct request *request) {
        change_run(request, DATA_OP_INCR, incr_parse);
}

void data_on_cas(struct request *request) {
        change_run(request, DATA_OP_SET, cas_parse);
}

void data_on_expire(struct request *request) {
        change_run(request, DATA_OP_EXPIRE, expire_parse);
}

void data_on_write(struct request *request) {
        change_run(request, DATA_OP_WRITE, write_parse);
}

void data_on_truncate(struct request *request) {
        change_run(request, DATA_OP_TRUNCATE, truncate_parse);
}
