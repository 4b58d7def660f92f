/*
 * data_object.c - see data_object.h.
 */
#include "thoxctl/data_object.h"

#include <errno.h>
#include <string.h>

#include "libipc/client.h"
#include "thoxctl/json.h"
#include "thoxctl/tree.h"

#define PROGRAM_PREFIX "program:"

struct purpose {
        char text[LIMIT_NAME_BYTES + 64];
};

static struct purpose purpose_of(const struct data_object *o, const char *verb) {
        struct purpose p;

        snprintf(p.text, sizeof(p.text), "%s '%s'", verb, o->name);
        return p;
}

int data_object_name(struct data_object *o, struct invocation *inv, const char *typed) {
        const char *prefix = strchr(typed, ':') ? "" : PROGRAM_PREFIX;
        int n;

        *o = (struct data_object){ .inv = inv, .timeout_us = tree_timeout(inv) };
        n = snprintf(o->name, sizeof(o->name), "%s%s", prefix, typed);
        if (n < 0 || n > (int)LIMIT_NAME_BYTES)
                return command_misused(inv, "'%s' names no object: a name has at most %u bytes",
                                       typed, LIMIT_NAME_BYTES);
        return 0;
}

/* data.open; its answer is a handle. */
static int request_grant(struct data_object *o, const struct buf *args) {
        struct client_request request = { .handle = CLIENT_NATIVE_HANDLE,
                                          .name = "data.open",
                                          .values = args };
        struct buf answer CLEANUP(buf_deinit);
        struct client_event event;
        uint64_t cid;
        int r = client_call_start(o->inv->client, &request, &cid);

        tree_args_init(&answer);
        if (r == 0)
                r = client_await(o->inv->client, cid, o->timeout_us, &event);
        if (r == 0 && event.values_len > 0)
                r = buf_add(&answer, event.values, event.values_len);
        if (r < 0)
                return tree_lost(o->inv, r, "data.open");
        if (event.status != STATUS_OK)
                return tree_refused(o->inv, event.status, &answer, purpose_of(o, "open").text);
        if (event.n_caps != 1)
                return fail_errno(&o->inv->output, -EBADMSG, "cannot open '%s'", o->name);
        o->handle = event.caps[0].handle;
        return 0;
}

int data_object_open(struct data_object *o, struct invocation *inv, const char *typed) {
        struct buf args CLEANUP(buf_deinit);
        int exit_code = data_object_name(o, inv, typed);

        tree_args_init(&args);
        if (exit_code != 0)
                return exit_code;
        if (value_put_text(&args, o->name) < 0)
                return fail_errno(&inv->output, -ENOMEM, "cannot open '%s'", o->name);
        return request_grant(o, &args);
}

int data_object_find(struct data_object *o, struct invocation *inv, const char *typed) {
        json_t *values;
        bool is_there;
        int exit_code = data_object_open(o, inv, typed);

        if (exit_code == 0)
                exit_code = data_object_call(o, "info", NULL, "find", &values);
        if (exit_code != 0)
                return exit_code;
        /* When it came to be. */
        is_there = json_number_value(json_object_get(json_array_get(values, 0), "time")) != 0;
        json_decref(values);
        if (is_there)
                return 0;
        return fail(&inv->output,
                    (struct failure){ .exit_code = EXIT_CODE_NOT_FOUND,
                                      .code = "notfound",
                                      .why = "nothing was ever kept in it",
                                      .fix = "thoxctl data list shows the objects there are" },
                    "there is no object '%s'", o->name);
}

void data_object_close(struct data_object *o) {
        uint32_t status;

        /* A tree that is gone took the handle with it. */
        if (o->handle != 0)
                (void)client_context_close(o->inv->client, o->handle, &status);
        o->handle = 0;
}

int data_object_ask(const struct data_object *o,
                    const char *endpoint,
                    const struct buf *args,
                    const char *verb,
                    struct buf *answer) {
        struct client_request request = { .handle = o->handle, .name = endpoint, .values = args };
        uint32_t status;
        int exit_code = tree_ask_through(o->inv, &request, o->timeout_us, &status, answer);

        if (exit_code != 0 || status == STATUS_OK)
                return exit_code;
        return tree_refused(o->inv, status, answer, purpose_of(o, verb).text);
}

int data_object_call(const struct data_object *o,
                     const char *endpoint,
                     const struct buf *args,
                     const char *verb,
                     json_t **ret_values) {
        struct buf answer CLEANUP(buf_deinit);
        int exit_code;

        tree_args_init(&answer);
        exit_code = data_object_ask(o, endpoint, args, verb, &answer);
        if (exit_code != 0)
                return exit_code;
        *ret_values = json_from_values(answer.data, answer.len);
        if (!*ret_values)
                return fail_errno(&o->inv->output, -EBADMSG, "cannot %s: the answer is unreadable",
                                  purpose_of(o, verb).text);
        return 0;
}
