/*
 * native_process.c - the endpoints process.run, process.restart, process.kill, process.list,
 * process.program, process.ready, process.reports.
 */
#include <inttypes.h>
#include <string.h>

#include "initd/initd.h"
#include "initd/listing_table.h"
#include "initd/native_table.h"
#include "initd/record.h"
#include "initd/run_spec.h"

/* ---- run ----------------------------------------------------------------------------------- */

static bool run_is_possible(struct initd *initd, uint32_t founder, struct call *call) {
        const struct family *closed = family_find_closed(process_family_of(initd, founder));
        if (initd->state == INITD_STATE_STOPPING)
                native_refuse(call, STATUS_UNAVAIL, "the tree is stopping");
        else if (initd->processes.n_processes >= LIMIT_PROCESSES)
                native_refuse(call, STATUS_LIMIT, "%u processes exist (LIMIT_PROCESSES)",
                              LIMIT_PROCESSES);
        else if (closed && closed->is_ending)
                native_refuse(call, STATUS_DEAD, "the family of process %u (%s) is ending",
                              closed->pid, closed->name);
        else if (closed)
                native_refuse(call, STATUS_LIMIT,
                              "process %u (%s) and what it has run are %zu processes (property "
                              "processes)",
                              closed->pid, closed->name, closed->n_processes);
        else
                return true;
        return false;
}

static bool run_choose_uid(const struct native_request *request,
                           const struct run_spec *spec,
                           uint32_t *ret_uid) {
        uint32_t uid = request->caller->uid;
        *ret_uid = spec->has_uid ? spec->uid : uid;
        return uid == 0 || *ret_uid == uid;
}

static void run_on_request(struct native_request *request) {
        struct initd *initd = request->router->userdata;
        struct process_ref parent = { request->caller->pid, request->caller->generation };
        struct run_spec *spec CLEANUP(run_spec_freep) = NULL;
        struct run_spec_refusal refusal;
        uint32_t uid;
        if (!run_is_possible(initd, parent.pid, request->call))
                return;

        int r = run_spec_new(&spec, request, &refusal);
        if (r == RUN_SPEC_E_REFUSED) {
                native_refuse(request->call, refusal.status, "%s", refusal.message);
                return;
        }
        if (r == 0 && !run_choose_uid(request, spec, &uid)) {
                native_refuse(request->call, STATUS_DENIED, "uid: only uid 0 may choose another");
                return;
        }
        if (r == 0)
                r = process_run(initd, take(spec), 0, uid, parent, request->call);
        if (r < 0)
                native_refuse(request->call, STATUS_ERROR, "initd is out of memory");
}

/* ---- kill and restart ---------------------------------------------------------------------- */

/* The process that the caller may end; NULL when it was refused. */
static struct process *process_of_caller(struct native_request *request, int64_t pid) {
        const struct peer *caller = request->caller;
        if (pid >= PROCESS_PID_INITD && pid <= PROCESS_PID_RUNTIMED) {
                native_refuse(request->call, STATUS_DENIED,
                              "process %" PRIi64 " is part of the tree itself; tree.shutdown "
                              "ends it",
                              pid);
                return NULL;
        }

        struct process *p = pid > 0 && pid < UINT32_MAX ?
                                    process_find(request->router->userdata, (uint32_t)pid) :
                                    NULL;
        if (!p) {
                native_refuse(request->call, STATUS_NOPROC, "no process %" PRIi64, pid);
                return NULL;
        }
        bool is_child = p->parent.pid == caller->pid && p->parent.generation == caller->generation;
        if (caller->uid != 0 && !is_child) {
                native_refuse(request->call, STATUS_DENIED,
                              "process %" PRIi64 " is not a child of the caller", pid);
                return NULL;
        }
        return p;
}

static bool kill_parse(struct native_request *request,
                       int64_t *ret_pid,
                       bool *ret_at_once,
                       bool *ret_is_family) {
        static const char force[] = "kill", polite[] = "terminate";
        const uint8_t *signal = (const uint8_t *)polite;
        size_t len = strlen(polite);
        if (!value_get_integer(&request->args, ret_pid) ||
            !value_get_bytes_opt(&request->args, &signal, &len) ||
            !value_get_boolean_opt(&request->args, ret_is_family) || !value_is_done(&request->args))
                return false;

        *ret_at_once = len == strlen(force) && memcmp(signal, force, len) == 0;
        return *ret_at_once || (len == strlen(polite) && memcmp(signal, polite, len) == 0);
}

static void kill_on_request(struct native_request *request) {
        int64_t pid;
        bool is_at_once, is_family = false;
        if (!kill_parse(request, &pid, &is_at_once, &is_family)) {
                native_refuse(request->call, STATUS_BADARGS,
                              "process.kill wants a pid, perhaps \"terminate\" or \"kill\", and "
                              "perhaps whether all of its family are meant");
                return;
        }
        struct process *p = process_of_caller(request, pid);
        if (p && is_family)
                process_kill_family(p, is_at_once, request->call);
        else if (p)
                process_kill(p, is_at_once, request->call);
}

static void restart_on_request(struct native_request *request) {
        const struct initd *initd = request->router->userdata;
        int64_t pid;
        if (!value_get_integer(&request->args, &pid) || !value_is_done(&request->args)) {
                native_refuse(request->call, STATUS_BADARGS, "process.restart wants a pid");
                return;
        }
        if (initd->state == INITD_STATE_STOPPING) {
                native_refuse(request->call, STATUS_UNAVAIL, "the tree is stopping");
                return;
        }
        struct process *p = process_of_caller(request, pid);
        if (p)
                process_restart(p, request->call);
}

/* ---- list ---------------------------------------------------------------------------------- */

static void list_on_request(struct native_request *request) {
        listing_start(request, &LISTING_PROCESSES, 0);
}

static void reports_on_request(struct native_request *request) {
        const struct initd *initd = request->router->userdata;
        const uint8_t *name = NULL;
        size_t len = 0;
        int64_t pid = 0;
        struct record out;
        bool is_pid = value_get_integer(&request->args, &pid);
        if ((is_pid ? pid <= 0 || pid > UINT32_MAX :
                      !value_get_bytes(&request->args, &name, &len)) ||
            !value_is_done(&request->args)) {
                native_refuse(request->call, STATUS_BADARGS,
                              "process.reports wants a name or a pid");
                return;
        }
        record_init(&out);
        reports_write(&initd->reports, (uint32_t)pid, name, len, &out);
        record_answer(&out, request->call);
}

/* ---- program ------------------------------------------------------------------------------- */

/* Whose data a process may have is for its program to say, which only we know. */
static void program_on_request(struct native_request *request) {
        int64_t pid;
        if (request->caller->pid != PROCESS_PID_STORAGED) {
                native_refuse(request->call, STATUS_DENIED, "only storaged asks for programs");
                return;
        }
        if (!value_get_integer(&request->args, &pid) || !value_is_done(&request->args)) {
                native_refuse(request->call, STATUS_BADARGS, "process.program wants a pid");
                return;
        }
        const struct process *p = pid > 0 && pid < UINT32_MAX ?
                                          process_find(request->router->userdata, (uint32_t)pid) :
                                          NULL;
        struct record out;
        record_init(&out);
        if (p && p->spec->is_stored) {
                const char *mark = strchr(p->spec->program, '#');
                const char *name = mark ? mark + 1 : p->spec->program;
                record_item(&out, name, strlen(name));
        }
        record_answer(&out, request->call);
}

/* ---- ready --------------------------------------------------------------------------------- */

static void ready_on_request(struct native_request *request) {
        struct initd *initd = request->router->userdata;
        if (request->caller->role != PEER_ROLE_WORKER) {
                native_refuse(request->call, STATUS_DENIED, "only a program says that it is ready");
                return;
        }
        process_on_ready(request->caller->userdata);
        if (request->caller->pid == PROCESS_PID_INIT)
                boot_on_ready(&initd->boot);
        native_answer(request->call, NULL);
}

const struct native_endpoint native_process_endpoints[] = {
        { .name = "process.kill",
          .handler = kill_on_request,
          .usage = "process.kill(pid [, \"terminate\"|\"kill\" [, family]])" },
        { .name = "process.list",
          .handler = list_on_request,
          .usage = "process.list()",
          .is_forwardable = true },
        { .name = "process.program",
          .handler = program_on_request,
          .usage = "process.program(pid) -> name or nil" },
        { .name = "process.ready", .handler = ready_on_request, .usage = "process.ready()" },
        { .name = "process.reports",
          .handler = reports_on_request,
          .usage = "process.reports(name or pid)",
          .is_forwardable = true },
        { .name = "process.restart",
          .handler = restart_on_request,
          .usage = "process.restart(pid)" },
        { .name = "process.run",
          .handler = run_on_request,
          .usage = "process.run{program=|code=, ...} -> pid" },
};
const size_t native_process_n_endpoints = ARRAY_SIZE(native_process_endpoints);
