/*
 * data_open.c - how one gets to an object: the endpoints in the native context. A program gets to its own by
 * being who it is, which initd says; to others only whoever administers, who may hand on a grant.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "libipc/base/error.h"
#include "libipc/base/log.h"
#include "libipc/limits.h"
#include "libipc/name.h"
#include "storaged/answer.h"
#include "storaged/arguments.h"
#include "storaged/data_endpoints.h"
#include "storaged/data_grant.h"
#include "storaged/delegation.h"
#include "storaged/release.h"
#include "storaged/storaged.h"

static struct storaged *storaged_of(const struct request *request) {
        return request->service->userdata;
}

static const struct data_reach everything = { .prefix = { "", 0 }, .rights = DATA_RIGHT_ALL };

static void fail_open(struct request *request, int r) {
        request_fail(request, STATUS_ERROR, "storaged cannot open the object: %s", strerror(-r));
}

/*
 * own.
 */

/* initd is asked whose call it is. */
struct owning {
        struct request *request; /* NULL: cancelled */
};

static void owning_on_cancel(struct request *request) {
        ((struct owning *)request->userdata)->request = NULL;
}

static void open_own(struct request *request, const uint8_t *program, size_t len) {
        char name[LIMIT_NAME_BYTES];
        struct storaged *s = storaged_of(request);
        size_t name_len = program ? release_object_name(name, program, len) : 0;
        struct object *o;
        int r;

        if (program && name_len == 0) {
                request_fail(request, STATUS_LIMIT,
                             "program %s has too long a name for an object of its own: the limit "
                             "is %zu bytes",
                             log_quote(program, len), sizeof(name) - strlen(RELEASE_PREFIX));
                return;
        }
        r = program ? data_open(&s->data, name, name_len, DATA_KIND_ANY, &o) :
                      data_open_anonymous(&s->data, request->pid, &o);
        if (r == DATA_OK)
                data_grant_open_take(&s->grants, request, o, &everything);
        else
                fail_open(request, r);
}

static void owning_on_told(struct service *service UNUSED,
                           void *userdata,
                           enum thox_status status,
                           struct value_reader *values) {
        struct owning *owning = userdata;
        struct request *request = owning->request;
        const uint8_t *program = NULL;
        size_t len = 0;

        free(owning);
        if (!request)
                return;
        request->on_cancel = NULL;
        if (status == STATUS_OK && value_get_bytes_opt(values, &program, &len))
                open_own(request, program, len);
        else
                request_fail(request, STATUS_UNAVAIL, "initd does not say which program asks (%s)",
                             status_name(status));
}

static int owning_ask(struct request *request, struct owning *owning) {
        struct buf values;
        int r;

        buf_init(&values, LIMIT_FRAME_VALUES_BYTES);
        r = value_put_integer(&values, request->pid);
        if (r == 0)
                r = service_call(request->service, "process.program", &values, owning_on_told,
                                 owning);
        buf_deinit(&values);
        return error_trace(r);
}

void data_on_own(struct request *request) {
        struct owning *owning;

        if (!argument_take_end(request))
                return;
        owning = calloc(1, sizeof(*owning));
        if (!owning || owning_ask(request, owning) < 0) {
                free(owning);
                request_fail(request, STATUS_ERROR, "storaged is out of memory; try again");
                return;
        }
        owning->request = request;
        request->userdata = owning;
        request->on_cancel = owning_on_cancel;
}

/*
 * What administrators do, and holders of a delegation below its prefix.
 */

static bool take_name(struct request *request, struct disk_bytes *ret) {
        if (!argument_take_bytes(request, ret))
                return false;
        if (!name_is_valid(ret->data, ret->len)) {
                request_fail(request, STATUS_BADARGS,
                             "bad name %s of an object: 1 to %u bytes of UTF-8 without '/', '#' "
                             "and control characters, not beginning with '@'",
                             log_quote(ret->data, ret->len), LIMIT_NAME_BYTES);
                return false;
        }
        if (delegation_allows(request->context, ret->data, ret->len))
                return true;
        request_fail(request, STATUS_DENIED,
                     "this context reaches only objects whose names begin with %s, not %s",
                     delegation_quote(request->context), log_quote(ret->data, ret->len));
        return false;
}

static const char *kind_name(enum data_kind kind) {
        return kind == DATA_KIND_VOLATILE ? "volatile" : "persistent";
}

void data_on_open(struct request *request) {
        struct data_reach reach = everything;
        struct storaged *s = storaged_of(request);
        bool is_volatile = false, has_volatile = false;
        const struct option more[] = { { "volatile", OPTION_BOOLEAN, &is_volatile,
                                         &has_volatile } };
        enum data_kind kind = DATA_KIND_ANY;
        struct disk_bytes name;
        struct object *o;
        int r;

        if (!take_name(request, &name) ||
            !data_reach_take(request, "data.open", &reach, more, ARRAY_SIZE(more)))
                return;
        if (has_volatile)
                kind = is_volatile ? DATA_KIND_VOLATILE : DATA_KIND_PERSISTENT;
        r = data_open(&s->data, name.data, name.len, kind, &o);
        if (r == DATA_OK)
                data_grant_open_take(&s->grants, request, o, &reach);
        else if (r == DATA_E_KIND)
                request_fail(request, STATUS_CONFLICT,
                             "object %s is not %s: open it as it is, or delete it first",
                             log_quote(name.data, name.len), kind_name(kind));
        else
                fail_open(request, r);
}

static int list_kind(struct request *request, enum data_kind kind, struct buf *values) {
        struct data *data = &storaged_of(request)->data;
        struct record record = { .name_len = 0 };
        int r = data_begin_all(data, kind);

        while (r == DATA_OK && (r = data_next(data, kind, &record)) == DATA_OK)
                if (delegation_allows(request->context, record.name, record.name_len))
                        r = data_put_info(values, &record, kind);
        data_end_all(data, kind);
        return r == DATA_E_NOTFOUND ? DATA_OK : r;
}

void data_on_list(struct request *request) {
        struct buf values;
        int r;

        if (!argument_take_end(request))
                return;
        buf_init(&values, LIMIT_MESSAGE_BYTES);
        r = value_put_array(&values, VALUE_INDEFINITE);
        for (int kind = 0; r == 0 && kind < _DATA_KIND_N; kind++)
                r = list_kind(request, (enum data_kind)kind, &values);
        if (r == 0)
                r = value_put_end(&values);
        answer_send(request, r, &values);
}

/*
 * Changing a whole object.
 */

struct administration {
        struct data_txn txn;
        struct data_op op;
        struct request *request; /* which owns us */
};

static void administration_free(struct administration *a) {
        data_withdraw(&a->txn);
        object_unref(a->txn.object);
        free(a);
}

static void administration_on_cancel(struct request *request) {
        administration_free(request->userdata);
}

static void administration_on_done(struct data_txn *txn) {
        struct administration *a = container_of(txn, struct administration, txn);
        struct request *request = a->request;

        if (txn->result == DATA_OK)
                request_answer(request, STATUS_OK, &txn->results);
        else
                data_fail_txn(request, txn);
        administration_free(a);
}

static void administer(struct request *request, struct disk_bytes name, const struct data_op *op) {
        struct administration *a = calloc(1, sizeof(*a));
        struct object *o;
        int r = a ? data_open(&storaged_of(request)->data, name.data, name.len, DATA_KIND_ANY, &o) :
                    -ENOMEM;
        if (r != DATA_OK) {
                free(a);
                fail_open(request, r);
                return;
        }
        a->request = request;
        a->op = *op;
        a->txn = (struct data_txn){ .object = o,
                                    .then = { &a->op, 1 },
                                    .done = administration_on_done };
        request->userdata = a;
        request->on_cancel = administration_on_cancel;
        data_submit(&a->txn);
}

void data_on_delete(struct request *request) {
        struct disk_bytes name;

        if (take_name(request, &name) && argument_take_end(request))
                administer(request, name, &(struct data_op){ .type = DATA_OP_REMOVE });
}

void data_on_limit(struct request *request) {
        struct data_op op = { .type = DATA_OP_LIMIT };
        const struct option options[] = {
                { "bytes", OPTION_COUNT, &op.max_bytes, NULL },
                { "keys", OPTION_COUNT, &op.max_keys, NULL },
        };
        struct disk_bytes name;

        if (!take_name(request, &name) ||
            !options_take(request, &request->args, "data.limit", options, ARRAY_SIZE(options)))
                return;
        if (!value_is_done(&request->args) || (op.max_bytes == 0 && op.max_keys == 0)) {
                request_fail_usage(request);
                return;
        }
        administer(request, name, &op);
}
