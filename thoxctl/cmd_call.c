/*
 * cmd_call.c - call an endpoint.
 */
#include <errno.h>

#include "libipc/status.h"
#include "thoxctl/json.h"
#include "thoxctl/literal.h"
#include "thoxctl/tree.h"
#include "thoxctl/verbs.h"

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

static int run_call(struct invocation *inv) {
        struct buf args CLEANUP(buf_deinit), answer CLEANUP(buf_deinit);
        char purpose[160];
        uint32_t status;
        int exit_code, r = 0;

        tree_args_init(&args);
        tree_args_init(&answer);
        exit_code = tree_open(inv);
        if (exit_code != 0)
                return exit_code;
        for (size_t i = 1; i < inv->n_args && r == 0; i++)
                r = literal_put(&args, inv->args[i]);
        if (r < 0)
                return fail_errno(&inv->output, r, "cannot call '%s'", inv->args[0]);
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
        .details = "Arguments are Lua literals: 1, 0x10, 2.5, true, nil, 'text'; any other word is "
                   "a string.\n"
                   "Flags stand before NAME; what follows it belongs to the call.",
        .examples = { "thoxctl call alarm 0.5", "thoxctl --json call program.list" },
        .min_args = 1,
        .max_args = SIZE_MAX,
        .passes_flags = true,
        .run = run_call,
};
