/*
 * tree.c - one connection to one tree; see tree.h.
 */
#include "thoxctl/tree.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "libipc/base/clock.h"
#include "libipc/client.h"
#include "libipc/paths.h"
#include "libipc/status.h"
#include "thoxctl/json.h"

uint64_t tree_timeout(const struct invocation *inv) {
        return inv->timeout_us != 0 ? inv->timeout_us : TREE_TIMEOUT_US;
}

/* A flag wins over the environment. */
const char *tree_directory(const struct invocation *inv) {
        const char *dir = getenv("THOX_DIR");

        if (inv->dir || inv->wants_system >= 0)
                return inv->dir;
        return dir && dir[0] ? dir : NULL;
}

/* A flag wins over the environment, a socket over a directory. */
static int find_socket(struct invocation *inv, struct paths *paths, const char **ret) {
        int r;

        if (inv->socket) {
                *ret = inv->socket;
                return 0;
        }
        r = paths_init_client(paths, inv->dir, inv->wants_system);
        if (r < 0)
                return fail_errno(&inv->output, r, "cannot find the tree's socket");
        if (r == PATHS_E_TOO_LONG)
                return fail(&inv->output,
                            (struct failure){ .exit_code = EXIT_CODE_USAGE,
                                              .code = "usage",
                                              .why = "a socket's path has at most 107 bytes",
                                              .fix = "give the tree a shorter --dir" },
                            "cannot reach the tree at '%s': the path is too long", paths->socket);
        *ret = paths->socket;
        return 0;
}

/* The command that starts the tree which was looked for. */
static void advise_start(const struct invocation *inv, char *ret, size_t size) {
        const char *dir = tree_directory(inv);

        if (inv->socket || (!inv->dir && inv->wants_system < 0 && getenv("THOX_SOCKET")))
                snprintf(ret, size, "start one with: thox-initd --dir DIR; then thoxctl --dir DIR");
        else if (dir)
                snprintf(ret, size, "start one with: thox-initd --dir %s", dir);
        else if (inv->wants_system >= 0)
                snprintf(ret, size, "start one with: thox-initd %s",
                         inv->wants_system ? "--system" : "--user");
        else
                snprintf(ret, size, "start one with: thox-initd");
}

static int unreachable(const struct invocation *inv, int r, const char *socket) {
        char start[PATH_MAX + 32];
        struct failure f = {
                .exit_code = EXIT_CODE_UNREACHABLE,
                .code = "unreachable",
                .why = client_error_text(r),
                .fix = start,
        };

        advise_start(inv, start, sizeof(start));
        if (r == -EBUSY)
                f.fix = "try again when one of them has ended";
        if (inv->command->unreachable_code != 0)
                f.exit_code = inv->command->unreachable_code;
        if (r == -EACCES || r == -EPERM) {
                f.exit_code = EXIT_CODE_DENIED;
                f.code = "denied";
                f.fix = "run thoxctl as the tree's user or as root";
        }
        return fail(&inv->output, f, "cannot reach the tree at %s", socket);
}

int tree_open(struct invocation *inv) {
        struct paths paths;
        const char *socket = NULL;
        int r;

        r = find_socket(inv, &paths, &socket);
        if (r != 0)
                return r;
        r = client_new(&inv->client, socket, "thoxctl", tree_timeout(inv));
        if (r < 0)
                return unreachable(inv, r, socket);
        output_trace(&inv->output, "connected to %s (%s) as pid %u, uid %u", socket,
                     client_software(inv->client), client_pid(inv->client),
                     client_uid(inv->client));
        return 0;
}

bool tree_is_running(struct invocation *inv) {
        struct paths paths;
        struct client *client = NULL;
        const char *socket = NULL;
        int r;

        if (find_socket(inv, &paths, &socket) != 0)
                return false;
        r = client_new(&client, socket, "thoxctl", tree_timeout(inv));
        client_free(client);
        return r != -ENOENT && r != -ECONNREFUSED;
}

void tree_args_init(struct buf *b) {
        buf_init(b, LIMIT_MESSAGE_BYTES);
}

const char *tree_status_code(uint32_t status) {
        static char texts[4][24];
        static unsigned int next;
        char *text = texts[next++ % ARRAY_SIZE(texts)];

        snprintf(text, sizeof(texts[0]), "%s", status_name(status));
        for (char *c = text; *c; c++)
                *c = (char)tolower((unsigned char)*c);
        return text;
}

static int await_answer(struct invocation *inv,
                        const struct client_request *request,
                        uint64_t timeout_us,
                        uint32_t *ret_status,
                        struct buf *answer) {
        struct client_event event;
        uint64_t cid;
        int r = client_call_start(inv->client, request, &cid);
        if (r == 0)
                r = client_await(inv->client, cid, timeout_us, &event);
        if (r < 0)
                return r;

        buf_clear(answer);
        *ret_status = event.status;
        return event.values_len == 0 ? 0 : buf_add(answer, event.values, event.values_len);
}

int tree_ask_through(struct invocation *inv,
                     const struct client_request *request,
                     uint64_t timeout_us,
                     uint32_t *ret_status,
                     struct buf *answer) {
        uint64_t start = clock_now_us();
        int r = await_answer(inv, request, timeout_us, ret_status, answer);
        if (r < 0)
                return tree_lost(inv, r, request->name);
        output_trace(&inv->output, "%s: %s, %zu bytes, %.1f ms", request->name,
                     status_name(*ret_status), answer->len,
                     (double)(clock_now_us() - start) / (double)CLOCK_MS_US);
        return 0;
}

static struct client_request request_of(const char *endpoint, const struct buf *args) {
        return (struct client_request){
                .handle = CLIENT_NATIVE_HANDLE,
                .name = endpoint,
                .values = args,
        };
}

int tree_ask(struct invocation *inv,
             const char *endpoint,
             const struct buf *args,
             uint32_t *ret_status,
             struct buf *answer) {
        struct client_request request = request_of(endpoint, args);
        return tree_ask_through(inv, &request, tree_timeout(inv), ret_status, answer);
}

/* Only OK is good enough. */
static int call(struct invocation *inv,
                const struct client_request *request,
                uint64_t timeout_us,
                const char *purpose,
                json_t **ret_values) {
        struct buf answer CLEANUP(buf_deinit);
        json_t *values;
        uint32_t status;
        int exit_code;

        buf_init(&answer, LIMIT_MESSAGE_BYTES);
        exit_code = tree_ask_through(inv, request, timeout_us, &status, &answer);
        if (exit_code != 0)
                return exit_code;
        if (status != STATUS_OK)
                return tree_refused(inv, status, &answer, purpose);
        values = json_from_values(answer.data, answer.len);
        if (!values)
                return fail_errno(&inv->output, -EBADMSG, "cannot %s: its answer is unreadable",
                                  purpose);
        *ret_values = values;
        return 0;
}

int tree_call(struct invocation *inv,
              const char *endpoint,
              const struct buf *args,
              const char *purpose,
              json_t **ret_values) {
        struct client_request request = request_of(endpoint, args);
        return call(inv, &request, tree_timeout(inv), purpose, ret_values);
}

int tree_call_long(struct invocation *inv,
                   const char *endpoint,
                   int fd,
                   const char *purpose,
                   json_t **ret_values) {
        struct client_request request = request_of(endpoint, NULL);
        uint64_t timeout_us = inv->timeout_us != 0 ? inv->timeout_us : CLIENT_FOREVER;

        request.fds = &fd;
        request.n_fds = fd >= 0;
        return call(inv, &request, timeout_us, purpose, ret_values);
}

int tree_list(struct invocation *inv,
              const char *endpoint,
              const struct buf *args,
              const char *purpose,
              json_t **ret_rows) {
        json_t *values;
        int exit_code = tree_call(inv, endpoint, args, purpose, &values);

        if (exit_code != 0)
                return exit_code;
        *ret_rows = json_incref(json_array_get(values, 0));
        if (json_is_integer(json_array_get(values, 1)))
                output_note(&inv->output, "%" JSON_INTEGER_FORMAT " more are not shown",
                            json_integer_value(json_array_get(values, 1)));
        /* Lua's empty table may arrive as a map. */
        if (!json_is_array(*ret_rows)) {
                json_decref(*ret_rows);
                *ret_rows = json_array();
        }
        json_decref(values);
        return 0;
}

int tree_refused(const struct invocation *inv,
                 uint32_t status,
                 const struct buf *answer,
                 const char *purpose) {
        struct failure f = { .exit_code = status_exit_code(status),
                             .code = tree_status_code(status) };
        struct value_reader r;
        const uint8_t *message = NULL;
        size_t len = 0;

        if (status == STATUS_NOTBOUND)
                f.fix = "thoxctl services lists the names that can be called";
        if (status == STATUS_DEAD)
                f.fix = "it may have been done or not: look before you try again";
        value_reader_init(&r, answer->data, answer->len);
        if (value_get_bytes(&r, &message, &len) && len > 0) {
                f.why = (const char *)message;
                f.why_len = len;
        }
        return fail(&inv->output, f, "cannot %s: %s", purpose, status_text(status));
}

int tree_lost(const struct invocation *inv, int r, const char *purpose) {
        if (r == -ETIMEDOUT)
                return fail(&inv->output,
                            (struct failure){ .exit_code = EXIT_CODE_TIMEOUT,
                                              .code = "timeout",
                                              .fix = "give it longer with --timeout" },
                            "%s: no answer within %.3g s", purpose,
                            (double)tree_timeout(inv) / (double)CLOCK_S_US);
        if (r == -ECONNRESET || r == -EPIPE)
                return fail(&inv->output,
                            (struct failure){ .exit_code = EXIT_CODE_UNREACHABLE,
                                              .code = "unreachable",
                                              .why = client_error_text(r) },
                            "%s: lost the tree", purpose);
        return fail_errno(&inv->output, r, "%s", purpose);
}
