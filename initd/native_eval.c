/*
 * native_eval.c - the endpoint process.eval: an administrator's source is run inside a process. The
 * call changes hands: from here on the worker serves it, under a name that nobody can bind and through
 * a handle that nobody has. Every source leaves a line in the log.
 */
#include <assert.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "initd/initd.h"
#include "initd/native_table.h"
#include "initd/spawn.h"
#include "initd/target.h"
#include "libipc/base/macros.h"

#define EVAL_NAME "@eval"
#define EVAL_HANDLE 0u        /* no process has such a handle */
#define EVAL_SIGNAL SIGURG    /* ignored by a worker that is not pre-empted */
#define EVAL_LOGGED_BYTES 200 /* of the source */
#define EVAL_TOO_LONG "a source of more than 64 KiB (limit LIMIT_EVAL_BYTES)"
static_assert(LIMIT_EVAL_BYTES == 64u << 10, "EVAL_TOO_LONG names it");

struct eval {
        struct process *process;
        const uint8_t *source;
        size_t len;
        const uint8_t *value; /* the source as it came, encoded */
        size_t value_len;
};

static bool eval_parse(struct native_request *request, int64_t *ret_pid, struct eval *ret) {
        struct value_reader *args = &request->args;
        if (!value_get_integer(args, ret_pid))
                return false;
        ret->value = args->at;
        if (!value_get_bytes(args, &ret->source, &ret->len) || !value_is_done(args))
                return false;
        ret->value_len = (size_t)(args->at - ret->value);
        return true;
}

/* False: refused. */
static bool eval_check(struct native_request *request, struct eval *ret) {
        struct call *call = request->call;
        int64_t pid;
        if (request->caller->uid != 0) {
                native_refuse(call, STATUS_DENIED, "only uid 0 may run code in a process");
                return false;
        }
        if (!eval_parse(request, &pid, ret)) {
                native_refuse(call, STATUS_BADARGS, "process.eval wants a pid and source text");
                return false;
        }
        /* What came in several frames is longer still. */
        if (ret->len > LIMIT_EVAL_BYTES || call->args.len > 0) {
                native_refuse(call, STATUS_LIMIT, EVAL_TOO_LONG);
                return false;
        }
        ret->process = pid > 0 && pid < UINT32_MAX ?
                               process_find(request->router->userdata, (uint32_t)pid) :
                               NULL;
        if (!ret->process) {
                native_refuse(call, STATUS_NOPROC, "no program has the pid %" PRIi64, pid);
                return false;
        }
        if (!ret->process->peer || !ret->process->has_started || ret->process->linux_pid == 0) {
                native_refuse(call, STATUS_AGAIN, "process %" PRIi64 " is not running now", pid);
                return false;
        }
        if (ret->process->peer->n_calls_served >= LIMIT_CALLS_PER_SERVER) {
                native_refuse(call, STATUS_BUSY,
                              "process %" PRIi64 " has too many unanswered calls "
                              "(limit LIMIT_CALLS_PER_SERVER %u)",
                              pid, LIMIT_CALLS_PER_SERVER);
                return false;
        }
        return true;
}

static void eval_log(struct initd *initd, const struct peer *caller, const struct eval *eval) {
        char line[EVAL_LOGGED_BYTES + LIMIT_NAME_BYTES + 64];
        int shown = eval->len > EVAL_LOGGED_BYTES ? EVAL_LOGGED_BYTES : (int)eval->len;
        int n = snprintf(line, sizeof(line), "process.eval in %u (%s): %.*s%s", eval->process->pid,
                         eval->process->name, shown, (const char *)eval->source,
                         eval->len > EVAL_LOGGED_BYTES ? "..." : "");
        journal_add(&initd->journal, NULL, caller->pid, caller->name, LOG_LEVEL_WARNING, line,
                    n < (int)sizeof(line) ? (size_t)n : sizeof(line) - 1);
}

static void eval_hand_over(struct native_request *request, const struct eval *eval) {
        struct call *call = request->call;
        struct target target = { .context = call->context,
                                 .server = eval->process->peer,
                                 .handle = EVAL_HANDLE };
        struct wire_frame frame = { .kind = THOX__FRAME__BODY_CALL,
                                    .call = { .cid = call->cid,
                                              .name = (const uint8_t *)EVAL_NAME,
                                              .name_len = strlen(EVAL_NAME) },
                                    .extra = { .values = eval->value,
                                               .values_len = eval->value_len } };
        call_detach(call);
        call_set_name(call, EVAL_NAME, strlen(EVAL_NAME));
        call_attach(call, &target);
        call_take_frame(call, request->caller, &frame);
        /* One that computes looks at its socket only when it is told to. */
        spawn_kill(eval->process->linux_pid, EVAL_SIGNAL);
}

static void eval_on_request(struct native_request *request) {
        struct eval eval;
        if (!request->call || !eval_check(request, &eval))
                return;
        eval_log(request->router->userdata, request->caller, &eval);
        eval_hand_over(request, &eval);
}

const struct native_endpoint native_eval_endpoints[] = {
        { .name = "process.eval",
          .handler = eval_on_request,
          .usage = "process.eval(pid, source) -> text" },
};
const size_t native_eval_n_endpoints = ARRAY_SIZE(native_eval_endpoints);
