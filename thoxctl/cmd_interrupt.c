/*
 * cmd_interrupt.c - interrupt.
 */
#include <errno.h>

#include "libipc/base/parse.h"
#include "thoxctl/tree.h"
#include "thoxctl/verbs.h"

static int show_count(struct invocation *inv, uint64_t line, json_t *values) {
        json_int_t n = json_integer_value(json_array_get(values, 0));

        json_decref(values);
        if (inv->output.is_json)
                output_document_take(
                        &inv->output, "thox.interrupt/1",
                        json_pack("{s:I, s:I}", "line", (json_int_t)line, "waiting", n));
        else if (n == 0)
                output_note(&inv->output, "nobody waits for line %u: dropped", (unsigned)line);
        return EXIT_CODE_OK;
}

static int run_interrupt(struct invocation *inv) {
        struct buf args CLEANUP(buf_deinit);
        uint64_t line;
        json_t *values;
        int exit_code;

        tree_args_init(&args);
        if (parse_u64(inv->args[0], INT64_MAX, &line) != 0)
                return fail(&inv->output,
                            (struct failure){ .exit_code = EXIT_CODE_USAGE,
                                              .code = "usage",
                                              .fix = "thoxctl interrupt 5" },
                            "'%s' is no line: 0 to 63", inv->args[0]);
        if (value_put_integer(&args, (int64_t)line) < 0)
                return fail_errno(&inv->output, -ENOMEM, "cannot raise an interrupt");
        exit_code = tree_open(inv);
        if (exit_code == 0)
                exit_code = tree_call(inv, "interrupt.raise", &args, "raise an interrupt", &values);
        return exit_code == 0 ? show_count(inv, line, values) : exit_code;
}

const struct command VERB_INTERRUPT = {
        .name = "interrupt",
        .group = COMMAND_GROUP_BUS,
        .usage = "LINE",
        .summary = "raise an interrupt for whoever waits for that line",
        .details =
                "Lines are 0 to 63; initd raises 1, 10 and 12 itself when it gets SIGHUP, SIGUSR1 "
                "or SIGUSR2.\n"
                "Programs of uid 0 wait with os.rpc.interrupt.wait().",
        .examples = { "thoxctl interrupt 5", "thoxctl interrupt 5 --json" },
        .min_args = 1,
        .max_args = 1,
        .run = run_interrupt,
};
