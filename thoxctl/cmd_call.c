/*
 * cmd_call.c - call an endpoint.
 */
#include <errno.h>

#include "libipc/base/clock.h"
#include "libipc/client.h"
#include "libipc/status.h"
#include "thoxctl/json.h"
#include "thoxctl/literal.h"
#include "thoxctl/tree.h"
#include "thoxctl/verbs.h"

#define WRITING_STEP_US (10 * CLOCK_MS_US)

static int show_values(const struct invocation *inv, const struct buf *answer) {
        struct buf text CLEANUP(buf_deinit);
        json_t *values;

        tree_args_init(&text);
        if (inv->output.is_json) {
                values = json_from_values(answer->data, answer->len);
                if (!values)
                        return fail_errno(&inv->output, -EBADMSG, "cannot show the answer as JSON");
                output_document_take(
                        &inv->output, "thox.call/1",
                        json_pack("{s:s, s:o}", "name", inv->args[0], "values", values));
                return EXIT_CODE_OK;
        }
        if (value_print(&text, answer->data, answer->len) != 0)
                return fail_errno(&inv->output, -EBADMSG, "cannot show the answer");
        if (text.len > 0)
                fprintf(inv->output.out, "%.*s\n", (int)text.len, (const char *)text.data);
        return EXIT_CODE_OK;
}

/* Without an answer nobody says whether it came anywhere. */
static int send_oneway(struct invocation *inv, const struct buf *args) {
        struct client_request request = { .handle = CLIENT_NATIVE_HANDLE,
                                          .name = inv->args[0],
                                          .values = args,
                                          .is_oneway = true };
        struct client_event event;
        uint64_t cid, deadline = clock_now_us() + tree_timeout(inv);
        int r = client_call_start(inv->client, &request, &cid);

        while (r == 0 && client_is_writing(inv->client)) {
                r = client_wait(inv->client, WRITING_STEP_US, -1, &event);
                if (r == -ETIMEDOUT && clock_now_us() < deadline)
                        r = 0;
        }
        return r < 0 ? tree_lost(inv, r, inv->args[0]) : EXIT_CODE_OK;
}

static int put_arguments(struct invocation *inv, struct buf *args) {
        int r = 0;

        for (size_t i = 1; i < inv->n_args && r == 0; i++) {
                r = literal_put(args, inv->args[i]);
                if (r == LITERAL_E_SYNTAX)
                        return literal_misused(inv, inv->args[i]);
        }
        return r < 0 ? fail_errno(&inv->output, r, "cannot call '%s'", inv->args[0]) : 0;
}

static int run_call(struct invocation *inv) {
        struct buf args CLEANUP(buf_deinit), answer CLEANUP(buf_deinit);
        char purpose[160];
        uint32_t status;
        int exit_code;

        tree_args_init(&args);
        tree_args_init(&answer);
        exit_code = put_arguments(inv, &args);
        if (exit_code == 0)
                exit_code = tree_open(inv);
        if (exit_code == 0 && inv->is_oneway)
                return send_oneway(inv, &args);
        if (exit_code != 0)
                return exit_code;
        exit_code = tree_ask(inv, inv->args[0], &args, &status, &answer);
        if (exit_code != 0)
                return exit_code;
        if (status == STATUS_OK)
                return show_values(inv, &answer);
        snprintf(purpose, sizeof(purpose), "call '%s'", inv->args[0]);
        return tree_refused(inv, status, &answer, purpose);
}

const struct command VERB_CALL = {
        .name = "call",
        .group = COMMAND_GROUP_BUS,
        .usage = "NAME [ARGUMENTS...]",
        .summary = "call an endpoint and print what it answers",
        .details = "Arguments are Lua literals: 1, 0x10, 2.5, true, nil, 'text', {1, x = 2}; any "
                   "other\n"
                   "word is a string. With --oneway nobody answers.\n"
                   "Flags stand before NAME; what follows it belongs to the call.",
        .examples = { "thoxctl call alarm 0.5",
                      "thoxctl call bot.say '{to = \"ada\", urgent = true}'" },
        .min_args = 1,
        .max_args = SIZE_MAX,
        .passes_flags = true,
        .flags = { "oneway" },
        .run = run_call,
};
