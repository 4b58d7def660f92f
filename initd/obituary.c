/*
 * obituary.c - see obituary.h. Precedence: what initd did for a fault, what the worker said, what
 * the kernel reports. A kill that a worker's Exit overtook is an ordinary end.
 */
#include "initd/obituary.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "initd/spawn.h"

#define STATUS_FAILED 1u

void obituary_init(struct obituary *o) {
        *o = (struct obituary){ 0 };
}

static void obituary_set_text(char *to, size_t size, const ProtobufCBinaryData *text) {
        size_t len = text->len < size - 1 ? text->len : size - 1;
        if (len > 0)
                memcpy(to, text->data, len);
        to[len] = '\0';
}

void obituary_on_exit(struct obituary *o, const Thox__Exit *body) {
        if (o->is_said || o->is_removed)
                return;

        o->is_said = true;
        o->status = body->status > LIMIT_EXIT_STATUS ? LIMIT_EXIT_STATUS : body->status;
        o->reason =
                body->reason < _EXIT_REASON_N ? (enum exit_reason)body->reason : EXIT_REASON_ERROR;
        obituary_set_text(o->message, sizeof(o->message), &body->message);
        obituary_set_text(o->locals, sizeof(o->locals), &body->locals);
}

void obituary_on_removed(struct obituary *o, enum exit_reason reason, const char *text) {
        if (o->is_said || o->is_removed)
                return;

        o->is_removed = true;
        o->status = STATUS_FAILED;
        o->reason = reason;
        snprintf(o->message, sizeof(o->message), "%s", text);
}

static void obituary_on_signal(struct obituary *o, int number) {
        const char *name = sigabbrev_np(number);
        o->status = STATUS_FAILED;
        o->signal = (uint32_t)number;
        if (o->is_killed) {
                o->reason = EXIT_REASON_KILLED;
                snprintf(o->message, sizeof(o->message), "killed");
                return;
        }
        o->reason = EXIT_REASON_SIGNAL;
        snprintf(o->message, sizeof(o->message), "killed by signal %d (SIG%s)", number,
                 name ? name : "?");
}

void obituary_on_reaped(struct obituary *o, const struct spawn_death *death) {
        o->cpu_s = death->cpu_s;
        o->peak_bytes = death->peak_bytes;
        if (o->is_said || o->is_removed)
                return;
        if (WIFSIGNALED(death->wait_status)) {
                obituary_on_signal(o, WTERMSIG(death->wait_status));
                return;
        }

        int code = WEXITSTATUS(death->wait_status);
        o->status = STATUS_FAILED;
        if (code == WORKER_EXIT_CPU) {
                o->reason = EXIT_REASON_CPU;
                snprintf(o->message, sizeof(o->message),
                         "CPU limit exceeded in a function that cannot be interrupted (property "
                         "cpu_turn)");
                return;
        }
        o->reason = o->is_asked ? EXIT_REASON_KILLED : EXIT_REASON_ERROR;
        snprintf(o->message, sizeof(o->message), "the worker ended without a word (exit code %d)",
                 code);
}

void obituary_on_given_up(struct obituary *o) {
        char last[sizeof(o->message)];

        if (*o->message)
                memcpy(last, o->message, sizeof(last));
        else
                snprintf(last, sizeof(last), "status %u", o->status);
        if (obituary_is_success(o)) {
                o->reason = EXIT_REASON_ERROR;
                o->status = STATUS_FAILED;
        }
        (void)!snprintf(
                o->message, sizeof(o->message),
                "given up: it ended more than %u times within %u s (LIMIT_RESTARTS); the last "
                "time: %.3900s",
                LIMIT_RESTARTS, LIMIT_RESTART_WINDOW_US / 1000000u, last);
}

bool obituary_is_success(const struct obituary *o) {
        return o->reason == EXIT_REASON_EXIT && o->status == 0;
}

bool obituary_is_ordinary(const struct obituary *o) {
        return obituary_is_success(o) || o->is_asked;
}
