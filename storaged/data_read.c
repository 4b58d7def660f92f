/*
 * data_read.c - the endpoints that read an object.
 */
#include <errno.h>
#include <string.h>

#include "libipc/limits.h"
#include "storaged/answer.h"
#include "storaged/arguments.h"
#include "storaged/data_endpoints.h"
#include "storaged/data_grant.h"

/* Answers with what was read, or why not. Ends the reading. */
static void answer(struct request *request, struct object *o, int r, struct buf *values) {
        data_end(o);
        if (r == 0)
                request_answer(request, STATUS_OK, values);
        else
                data_fail(request, o, r);
        buf_deinit(values);
}

/*
 * get.
 */

static int put_row(struct buf *values, const struct key_row *row) {
        int r = buf_add(values, row->value.data, row->value.len);
        return r < 0 ? r : value_put_integer(values, (int64_t)row->revision);
}

void data_on_get(struct request *request) {
        struct object *o = data_grant_of(request)->object;
        struct disk_bytes key;
        struct key_row row;
        struct buf values;
        int r;

        if (!argument_take_bytes(request, &key) || !argument_take_end(request) ||
            !data_grant_check(request, DATA_RIGHT_READ) || !data_grant_check_key(request, key))
                return;

        buf_init(&values, LIMIT_MESSAGE_BYTES);
        r = data_begin(o);
        if (r == DATA_OK)
                r = data_get(o, key, &row);
        if (r == DATA_OK)
                r = put_row(&values, &row);
        else if (r == DATA_E_NOTFOUND)
                r = value_put_nil(&values);
        answer(request, o, r, &values);
}

/*
 * scan.
 */

struct scan {
        struct disk_bytes prefix, after;
        uint64_t limit;
        bool has_values;
};

static bool scan_parse(struct request *request, struct scan *scan) {
        const struct option options[] = {
                { "after", OPTION_BYTES, &scan->after, NULL },
                { "limit", OPTION_COUNT, &scan->limit, NULL },
                { "values", OPTION_BOOLEAN, &scan->has_values, NULL },
        };
        const uint8_t *prefix = (const uint8_t *)"";

        if (!value_get_bytes_opt(&request->args, &prefix, &scan->prefix.len)) {
                request_fail_usage(request);
                return false;
        }
        scan->prefix.data = prefix;
        if (!options_take(request, &request->args, "scan", options, ARRAY_SIZE(options)) ||
            !argument_take_end(request))
                return false;
        if (scan->limit > 0 && scan->limit <= LIMIT_SCAN_ROWS)
                return true;
        request_fail(request, STATUS_LIMIT,
                     "scan: limit is 1 to %u rows a page; `after` goes on behind a page",
                     LIMIT_SCAN_ROWS);
        return false;
}

/* Where the rows begin: behind `after`, or with the prefix, which may be a key itself. */
static bool bytes_begin(struct disk_bytes key, struct disk_bytes prefix) {
        return key.len >= prefix.len &&
               (prefix.len == 0 || memcmp(key.data, prefix.data, prefix.len) == 0);
}

static int bytes_compare(struct disk_bytes a, struct disk_bytes b) {
        size_t n = a.len < b.len ? a.len : b.len;
        int r = n == 0 ? 0 : memcmp(a.data, b.data, n);
        return r != 0 ? r : (a.len > b.len) - (a.len < b.len);
}

static int scan_put_row(struct buf *values,
                        struct disk_bytes key,
                        const struct key_row *row,
                        bool has_value) {
        int r = value_put_map(values, has_value ? 3 : 2);
        if (r == 0)
                r = answer_bytes(values, "key", key.data, key.len);
        if (r == 0 && has_value)
                r = value_put_text(values, "value");
        if (r == 0 && has_value)
                r = buf_add(values, row->value.data, row->value.len);
        return r < 0 ? r : answer_integer(values, "revision", row->revision);
}

/* The first row at or behind where the scan begins. */
static int scan_first(struct object *o,
                      const struct scan *scan,
                      struct disk_bytes *ret_key,
                      struct key_row *ret) {
        if (bytes_compare(scan->after, scan->prefix) >= 0 && scan->after.len > 0)
                return data_after(o, scan->after, ret_key, ret);
        if (scan->prefix.len > 0) {
                int r = data_get(o, scan->prefix, ret);
                *ret_key = scan->prefix;
                if (r != DATA_E_NOTFOUND)
                        return r;
        }
        return data_after(o, scan->prefix, ret_key, ret);
}

/* *ret_more: there are rows behind *ret_last. */
static int scan_rows(struct object *o,
                     const struct scan *scan,
                     struct buf *values,
                     struct disk_bytes *ret_last,
                     bool *ret_more) {
        struct disk_bytes key;
        struct key_row row;
        uint64_t n = 0;
        int r = scan_first(o, scan, &key, &row);

        *ret_more = false;
        while (r == DATA_OK && bytes_begin(key, scan->prefix)) {
                *ret_more = n == scan->limit || values->len > LIMIT_SCAN_BYTES;
                if (*ret_more)
                        return DATA_OK;
                r = scan_put_row(values, key, &row, scan->has_values);
                if (r < 0)
                        return r;
                *ret_last = key;
                n++;
                r = data_after(o, key, &key, &row);
        }
        return r == DATA_E_NOTFOUND ? DATA_OK : r;
}

static int scan_run(struct object *o, const struct scan *scan, struct buf *values) {
        struct disk_bytes last = { "", 0 };
        bool more;
        int r = value_put_array(values, VALUE_INDEFINITE);
        if (r == 0)
                r = scan_rows(o, scan, values, &last, &more);
        if (r == 0)
                r = value_put_end(values);
        if (r != 0)
                return r;
        return more ? value_put_bytes(values, last.data, last.len) : value_put_nil(values);
}

void data_on_scan(struct request *request) {
        struct scan scan = { .after = { "", 0 },
                             .limit = LIMIT_SCAN_DEFAULT_ROWS,
                             .has_values = true };
        struct data_grant *g = data_grant_of(request);
        struct buf values;
        int r;

        if (!scan_parse(request, &scan) || !data_grant_check(request, DATA_RIGHT_READ))
                return;
        if (scan.prefix.len == 0)
                scan.prefix = (struct disk_bytes){ g->prefix, g->prefix_len };
        if ((scan.prefix.len > 0 && !data_grant_check_key(request, scan.prefix)) ||
            (scan.after.len > 0 && !data_grant_check_key(request, scan.after)))
                return;

        buf_init(&values, LIMIT_MESSAGE_BYTES);
        r = data_begin(g->object);
        if (r == DATA_OK)
                r = scan_run(g->object, &scan, &values);
        answer(request, g->object, r, &values);
}

/*
 * read, info.
 */

static int read_run(struct object *o, uint64_t from, uint64_t n, struct buf *values) {
        uint64_t size = o->reading.stream_bytes;
        int r;

        if (from > size)
                from = size;
        if (n > size - from)
                n = size - from;
        r = value_put_bytes_head(values, n);
        return r < 0 ? r : data_read(o, from, n, values);
}

void data_on_read(struct request *request) {
        struct object *o = data_grant_of(request)->object;
        int64_t from = 0, n = INT64_MAX;
        struct buf values;
        int r;

        if (!value_get_integer_opt(&request->args, &from) || from < 0 ||
            !value_get_integer_opt(&request->args, &n) || n < 0 || !value_is_done(&request->args)) {
                request_fail_usage(request);
                return;
        }
        if (!data_grant_check(request, DATA_RIGHT_READ) ||
            !data_grant_check_whole(request, "stream"))
                return;

        buf_init(&values, LIMIT_MESSAGE_BYTES);
        r = data_begin(o);
        if (r == DATA_OK)
                r = read_run(o, (uint64_t)from, (uint64_t)n, &values);
        answer(request, o, r, &values);
}

int data_put_info(struct buf *values, const struct record *record, enum data_kind kind) {
        int r = value_put_map(values, 9);
        if (r == 0)
                r = answer_bytes(values, "name", record->name, record->name_len);
        if (r == 0)
                r = answer_boolean(values, "volatile", kind == DATA_KIND_VOLATILE);
        if (r == 0)
                r = answer_integer(values, "keys", record->n_keys);
        if (r == 0)
                r = answer_integer(values, "bytes", record->key_bytes + record->stream_bytes);
        if (r == 0)
                r = answer_integer(values, "stream", record->stream_bytes);
        if (r == 0)
                r = answer_integer(values, "max_keys", record->max_keys);
        if (r == 0)
                r = answer_integer(values, "max_bytes", record->max_bytes);
        if (r == 0)
                r = answer_integer(values, "revision", record->revision);
        return r < 0 ? r : answer_time(values, "time", record->time_us);
}

void data_on_info(struct request *request) {
        struct object *o = data_grant_of(request)->object;
        struct buf values;
        int r;

        if (!argument_take_end(request))
                return;
        buf_init(&values, LIMIT_FRAME_VALUES_BYTES);
        r = data_begin(o);
        if (r == DATA_OK)
                r = data_put_info(&values, &o->reading, o->kind);
        answer(request, o, r, &values);
}
