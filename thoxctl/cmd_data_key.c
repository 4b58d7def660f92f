/*
 * cmd_data_key.c - the actions of data that are about keys.
 */
#include <errno.h>

#include "libipc/client.h"
#include "thoxctl/data_action.h"
#include "thoxctl/data_object.h"
#include "thoxctl/json.h"
#include "thoxctl/literal.h"
#include "thoxctl/tree.h"

static int no_memory(const struct data_object *o) {
        return fail_errno(&o->inv->output, -ENOMEM, "cannot ask '%s'", o->name);
}

static int find(struct data_object *o, struct invocation *inv) {
        int exit_code = tree_open(inv);

        return exit_code == 0 ? data_object_find(o, inv, inv->args[1]) : exit_code;
}

static json_t *first_take(json_t *values) {
        json_t *first = json_incref(json_array_get(values, 0));

        json_decref(values);
        return first;
}

/*
 * get, set, del.
 */

static int no_key(const struct data_object *o, const char *key) {
        return fail(&o->inv->output,
                    (struct failure){ .exit_code = EXIT_CODE_NOT_FOUND,
                                      .code = "notfound",
                                      .fix = "thoxctl data keys lists the keys of an object" },
                    "there is no key '%s' in '%s'", key, o->name);
}

/* The value as Lua writes it. */
static int print_value(const struct data_object *o, const struct buf *answer) {
        struct buf text CLEANUP(buf_deinit);
        struct value_reader r;
        struct value v;

        tree_args_init(&text);
        value_reader_init(&r, answer->data, answer->len);
        if (value_next(&r, &v) != VALUE_OK || value_skip(&r, &v) != VALUE_OK ||
            value_print(&text, answer->data, (size_t)(r.at - answer->data)) != 0)
                return fail_errno(&o->inv->output, -EBADMSG, "cannot show the value");
        fprintf(o->inv->output.out, "%.*s\n", (int)text.len, (const char *)text.data);
        return EXIT_CODE_OK;
}

static int show_value(const struct data_object *o, const char *key, const struct buf *answer) {
        json_t *values = json_from_values(answer->data, answer->len);
        json_t *revision = json_array_get(values, 1);
        int exit_code = EXIT_CODE_OK;

        if (!revision)
                exit_code = no_key(o, key);
        else if (o->inv->output.is_json)
                output_document_take(&o->inv->output, "thox.data.value/1",
                                     json_pack("{s:s, s:s, s:O, s:O}", "object", o->name, "key",
                                               key, "value", json_array_get(values, 0), "revision",
                                               revision));
        else
                exit_code = print_value(o, answer);
        json_decref(values);
        return exit_code;
}

int data_action_get(struct invocation *inv) {
        struct buf args CLEANUP(buf_deinit), answer CLEANUP(buf_deinit);
        struct data_object o;
        int exit_code = find(&o, inv);

        tree_args_init(&args);
        tree_args_init(&answer);
        if (exit_code != 0)
                return exit_code;
        if (value_put_text(&args, inv->args[2]) < 0)
                return no_memory(&o);
        exit_code = data_object_ask(&o, "get", &args, "get a key of", &answer);
        return exit_code != 0 ? exit_code : show_value(&o, inv->args[2], &answer);
}

static int put_set_options(struct buf *args, const struct invocation *inv) {
        int r = value_put_map(args, VALUE_INDEFINITE);

        if (r == 0 && inv->expect != INVOCATION_UNSET)
                r = value_put_text(args, "revision");
        if (r == 0 && inv->expect != INVOCATION_UNSET)
                r = value_put_integer(args, (int64_t)inv->expect);
        if (r == 0 && inv->ttl_us != INVOCATION_UNSET)
                r = value_put_text(args, "ttl");
        if (r == 0 && inv->ttl_us != INVOCATION_UNSET)
                r = value_put_float(args, (double)inv->ttl_us / 1e6);
        return r == 0 ? value_put_end(args) : r;
}

int data_action_set(struct invocation *inv) {
        struct buf args CLEANUP(buf_deinit);
        struct data_object o;
        json_t *revision;
        int exit_code, r;

        tree_args_init(&args);
        r = value_put_text(&args, inv->args[2]);
        if (r == 0)
                r = literal_put(&args, inv->args[3]);
        if (r == LITERAL_E_SYNTAX)
                return literal_misused(inv, inv->args[3]);
        if (r < 0 || put_set_options(&args, inv) < 0)
                return fail_errno(&inv->output, -ENOMEM, "cannot set '%s'", inv->args[2]);
        exit_code = tree_open(inv);
        if (exit_code == 0)
                exit_code = data_object_open(&o, inv, inv->args[1]);
        if (exit_code == 0)
                exit_code = data_object_call(&o, "set", &args, "set a key of", &revision);
        if (exit_code != 0)
                return exit_code;
        revision = first_take(revision);
        if (inv->output.is_json)
                output_document_take(&inv->output, "thox.data.change/1",
                                     json_pack("{s:s, s:s, s:O}", "object", o.name, "key",
                                               inv->args[2], "revision", revision));
        json_decref(revision);
        return EXIT_CODE_OK;
}

int data_action_del(struct invocation *inv) {
        struct buf args CLEANUP(buf_deinit);
        struct data_object o;
        bool was_there;
        json_t *values;
        int exit_code = find(&o, inv);

        tree_args_init(&args);
        if (exit_code != 0)
                return exit_code;
        if (value_put_text(&args, inv->args[2]) < 0)
                return no_memory(&o);
        exit_code = data_object_call(&o, "del", &args, "delete a key of", &values);
        if (exit_code != 0)
                return exit_code;
        was_there = json_is_true(json_array_get(values, 0));
        json_decref(values);
        return was_there ? EXIT_CODE_OK : no_key(&o, inv->args[2]);
}

/*
 * keys.
 */

/* scan's arguments behind the key `after`, which may be any bytes. */
static int put_scan(struct buf *args, const char *prefix, const struct value *after) {
        int r = value_put_text(args, prefix);

        if (r == 0 && after->type == VALUE_BYTES)
                r = value_put_map(args, 1);
        if (r == 0 && after->type == VALUE_BYTES)
                r = value_put_text(args, "after");
        if (r == 0 && after->type == VALUE_BYTES)
                r = value_put_bytes(args, after->bytes, after->len);
        return r;
}

/* Appends a page's rows; *ret_after is nil behind the last, and points into `answer`. */
static int take_page(const struct buf *answer, json_t *rows, struct value *ret_after) {
        struct value_reader r;
        struct value v;
        json_t *values = json_from_values(answer->data, answer->len);
        int taken = json_array_extend(rows, json_array_get(values, 0));

        json_decref(values);
        value_reader_init(&r, answer->data, answer->len);
        if (taken < 0 || value_next(&r, &v) != VALUE_OK || value_skip(&r, &v) != VALUE_OK ||
            value_next(&r, ret_after) != VALUE_OK)
                return -EBADMSG;
        return 0;
}

static int collect_keys(const struct data_object *o, const char *prefix, json_t *rows) {
        struct buf args CLEANUP(buf_deinit), answer CLEANUP(buf_deinit);
        struct value after = { .type = VALUE_NIL };
        int exit_code;

        tree_args_init(&args);
        tree_args_init(&answer);
        do {
                buf_clear(&args);
                if (put_scan(&args, prefix, &after) < 0)
                        return no_memory(o);
                exit_code = data_object_ask(o, "scan", &args, "list the keys of", &answer);
                if (exit_code != 0)
                        return exit_code;
                if (take_page(&answer, rows, &after) < 0)
                        return fail_errno(&o->inv->output, -EBADMSG, "cannot read the answer");
        } while (after.type == VALUE_BYTES);
        return 0;
}

int data_action_keys(struct invocation *inv) {
        static const struct column COLUMNS[] = {
                { "KEY", "key", COLUMN_TEXT },
                { "REVISION", "revision", COLUMN_NUMBER },
                { "VALUE", "value", COLUMN_TEXT },
        };
        struct data_object o;
        json_t *rows;
        int exit_code = find(&o, inv);

        if (exit_code != 0)
                return exit_code;
        rows = json_array();
        exit_code = collect_keys(&o, inv->n_args > 2 ? inv->args[2] : "", rows);
        if (exit_code == 0 && inv->output.is_json)
                output_document_take(&inv->output, "thox.data.keys/1",
                                     json_pack("{s:s, s:O}", "object", o.name, "keys", rows));
        else if (exit_code == 0)
                output_table(&inv->output, COLUMNS, ARRAY_SIZE(COLUMNS), rows);
        json_decref(rows);
        return exit_code;
}

/*
 * watch.
 */

static void show_change(const struct output *o, const json_t *change) {
        struct buf text CLEANUP(buf_deinit);

        if (o->is_json) {
                output_line_take(o, "thox.data.event/1", json_deep_copy(change));
                return;
        }
        tree_args_init(&text);
        output_format(&text, COLUMN_NUMBER, json_object_get(change, "revision"));
        buf_printf(&text, "  %-6s  ", json_string_value(json_object_get(change, "type")));
        output_format(&text, COLUMN_TEXT, json_object_get(change, "key"));
        buf_printf(&text, "  ");
        output_format(&text, COLUMN_TEXT, json_object_get(change, "value"));
        output_put_line(o, o->out, (const char *)text.data, text.len);
}

static int put_watch(struct buf *args, const char *prefix, json_int_t from) {
        int r = value_put_text(args, prefix);

        if (r == 0)
                r = value_put_map(args, 1);
        if (r == 0)
                r = value_put_text(args, "from");
        return r == 0 ? value_put_integer(args, from) : r;
}

/* Waits for changes behind *from, and moves it. */
static int watch_once(const struct data_object *o, json_int_t *from, uint64_t *n_shown) {
        const struct invocation *inv = o->inv;
        struct buf args CLEANUP(buf_deinit);
        json_t *values, *changes;
        int exit_code;

        tree_args_init(&args);
        if (put_watch(&args, inv->n_args > 2 ? inv->args[2] : "", *from) < 0)
                return no_memory(o);
        exit_code = data_object_call(o, "watch", &args, "watch", &values);
        if (exit_code != 0)
                return exit_code;
        changes = json_array_get(values, 0);
        for (size_t i = 0; i < json_array_size(changes) && *n_shown < inv->n_count; i++) {
                show_change(&inv->output, json_array_get(changes, i));
                ++*n_shown;
        }
        *from = json_integer_value(json_array_get(values, 1));
        json_decref(values);
        fflush(inv->output.out);
        return 0;
}

int data_action_watch(struct invocation *inv) {
        struct data_object o;
        json_int_t from = (json_int_t)inv->from;
        json_t *info;
        uint64_t n_shown = 0;
        int exit_code = tree_open(inv);

        if (exit_code == 0)
                exit_code = data_object_open(&o, inv, inv->args[1]);
        if (exit_code == 0)
                exit_code = data_object_call(&o, "info", NULL, "watch", &info);
        if (exit_code != 0)
                return exit_code;
        if (inv->from == INVOCATION_UNSET)
                from = json_integer_value(json_object_get(json_array_get(info, 0), "revision"));
        json_decref(info);
        if (inv->timeout_us == 0)
                o.timeout_us = CLIENT_FOREVER;
        while (exit_code == 0 && n_shown < inv->n_count && !ferror(inv->output.out))
                exit_code = watch_once(&o, &from, &n_shown);
        return exit_code;
}
