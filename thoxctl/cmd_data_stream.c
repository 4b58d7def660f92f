/*
 * cmd_data_stream.c - the actions read and write of data: an object's stream.
 */
#include <errno.h>

#include "libipc/value.h"
#include "thoxctl/data_action.h"
#include "thoxctl/data_object.h"
#include "thoxctl/json.h"
#include "thoxctl/source.h"
#include "thoxctl/tree.h"

int data_action_read(struct invocation *inv) {
        struct buf answer CLEANUP(buf_deinit);
        struct value_reader r;
        struct data_object o;
        const uint8_t *bytes = NULL;
        size_t len = 0;
        int exit_code = tree_open(inv);

        tree_args_init(&answer);
        if (exit_code == 0)
                exit_code = data_object_find(&o, inv, inv->args[1]);
        if (exit_code == 0)
                exit_code = data_object_ask(&o, "read", NULL, "read the stream of", &answer);
        if (exit_code != 0)
                return exit_code;
        value_reader_init(&r, answer.data, answer.len);
        if (!value_get_bytes(&r, &bytes, &len))
                return fail_errno(&inv->output, -EBADMSG, "cannot read the answer");
        if (inv->output.is_json)
                output_document_take(&inv->output, "thox.data.stream/1",
                                     json_pack("{s:s, s:o}", "object", o.name, "content",
                                               json_from_bytes(bytes, len)));
        else
                fwrite(bytes, 1, len, inv->output.out);
        return EXIT_CODE_OK;
}

int data_action_write(struct invocation *inv) {
        struct buf args CLEANUP(buf_deinit), bytes CLEANUP(buf_deinit);
        struct data_object o;
        json_t *values;
        int exit_code;

        tree_args_init(&args);
        tree_args_init(&bytes);
        exit_code = source_read(inv, inv->args[2], LIMIT_OBJECT_BYTES, &bytes);
        if (exit_code == 0)
                exit_code = tree_open(inv);
        if (exit_code == 0)
                exit_code = data_object_open(&o, inv, inv->args[1]);
        if (exit_code != 0)
                return exit_code;
        if (value_put_bytes(&args, bytes.data, bytes.len) < 0)
                return fail_errno(&inv->output, -ENOMEM, "cannot write '%s'", o.name);
        exit_code = data_object_call(&o, "write", &args, "write the stream of", &values);
        if (exit_code == 0)
                json_decref(values);
        return exit_code;
}
