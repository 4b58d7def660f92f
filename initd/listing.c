/*
 * listing.c - see listing.h. The processes are chosen at the beginning; one that ends before its row
 * is written is left out.
 */
#include "initd/listing.h"

#include <stdlib.h>
#include <unistd.h>

#include "initd/initd.h"
#include "initd/native_table.h"
#include "initd/record.h"
#include "initd/run_spec.h"
#include "initd/usage.h"
#include "libipc/base/clock.h"

#define LISTING_SLICE 16

/* Owned by its call. */
struct listing {
        struct initd *initd;
        struct call *call;
        struct loop_timer next_turn;
        struct record rows;
        size_t n_rows;
        size_t n_pids, at;
        uint32_t pids[];
};

/* ---- rows ---------------------------------------------------------------------------------- */

/* One row, whatever kind of process it is about. */
struct row {
        uint32_t pid, ppid, uid;
        pid_t linux_pid;
        const char *name, *program, *state;
        uint32_t restarts;
        uint64_t started_us, n_calls;
};

static void record_row(struct record *out, const struct row *row) {
        struct usage usage = { 0 };
        const char *state = row->state;
        if (row->linux_pid != 0)
                usage_read(row->linux_pid, &usage);
        if (!state)
                state = usage.is_running ? "running" : "waiting";

        record_map(out);
        record_integer(out, "pid", row->pid);
        record_integer(out, "ppid", row->ppid);
        record_integer(out, "uid", row->uid);
        record_integer(out, "linux_pid", (uint64_t)row->linux_pid);
        record_text(out, "name", row->name);
        record_text(out, "program", row->program);
        record_text(out, "state", state);
        record_integer(out, "restarts", row->restarts);
        record_float(out, "uptime", (double)(clock_now_us() - row->started_us) / 1e6);
        record_float(out, "cpu", usage.cpu_s);
        record_integer(out, "memory", usage.memory_bytes);
        record_integer(out, "calls", row->n_calls);
        record_end(out);
}

/* NULL for one that is up: whether it runs or waits is read from the kernel. */
static const char *row_state(const struct supervisor *s) {
        return s->state == SUPERVISE_STATE_UP ? NULL : supervise_state_name(s->state);
}

static void record_initd(struct record *out, const struct initd *initd) {
        struct row row = { .pid = PROCESS_PID_INITD,
                           .linux_pid = getpid(),
                           .name = "initd",
                           .program = "initd",
                           .state = "running",
                           .started_us = initd->started_us,
                           .n_calls = initd->router.n_calls_routed };
        record_row(out, &row);
}

static void record_daemon(struct record *out, const struct daemon *d) {
        struct row row = { .pid = d->pid,
                           .ppid = PROCESS_PID_INITD,
                           .linux_pid = d->linux_pid,
                           .name = daemon_name(d->id),
                           .program = daemon_name(d->id),
                           .state = row_state(&d->supervisor),
                           .restarts = d->supervisor.n_restarts,
                           .started_us = d->supervisor.started_us,
                           .n_calls = d->peer ? d->peer->n_calls_total : 0 };
        record_row(out, &row);
}

static void record_process(struct record *out, const struct process *p) {
        struct row row = { .pid = p->pid,
                           .ppid = p->parent.pid,
                           .uid = p->uid,
                           .linux_pid = p->linux_pid,
                           .name = p->name,
                           .program = p->spec->program,
                           .state = row_state(&p->supervisor),
                           .restarts = p->supervisor.n_restarts,
                           .started_us = p->supervisor.started_us,
                           .n_calls = p->n_calls_before + (p->peer ? p->peer->n_calls_total : 0) };
        record_row(out, &row);
}

/* ---- slices -------------------------------------------------------------------------------- */

static void listing_free(struct listing *l) {
        loop_timer_deinit(&l->next_turn);
        buf_deinit(&l->rows.values);
        free(l);
}

static void listing_on_drop(struct call *call) {
        listing_free(call->userdata);
}

static void listing_finish(struct listing *l) {
        struct record out;
        record_init(&out);
        record_array(&out, l->n_rows);
        record_append(&out, &l->rows);
        record_answer(&out, l->call);
        listing_free(l);
}

static void listing_write_slice(struct listing *l) {
        for (size_t i = 0; i < LISTING_SLICE && l->at < l->n_pids; i++) {
                const struct process *p = process_find(l->initd, l->pids[l->at++]);
                if (!p)
                        continue;
                record_process(&l->rows, p);
                l->n_rows++;
        }
        if (l->at == l->n_pids || loop_timer_set(&l->next_turn, 0) < 0)
                listing_finish(l);
}

static int listing_on_next_turn(struct loop_timer *timer) {
        listing_write_slice(container_of(timer, struct listing, next_turn));
        return 0;
}

static struct listing *listing_new(struct initd *initd, struct call *call) {
        size_t max = initd->processes.n_processes;
        struct listing *l = calloc(1, sizeof(*l) + max * sizeof(l->pids[0]));
        if (!l)
                return NULL;
        l->initd = initd;
        l->call = call;
        if (loop_timer_init(&l->next_turn, &initd->loop, listing_on_next_turn) < 0) {
                free(l);
                return NULL;
        }
        record_init(&l->rows);
        list_for_each(link, &initd->processes.all)
                l->pids[l->n_pids++] = container_of(link, struct process, link)->pid;
        return l;
}

void listing_on_request(struct native_request *request) {
        struct initd *initd = request->router->userdata;
        if (!request->call)
                return;
        struct listing *l = listing_new(initd, request->call);
        if (!l) {
                native_refuse(request->call, STATUS_ERROR, "initd is out of memory");
                return;
        }
        request->call->userdata = l;
        request->call->on_drop = listing_on_drop;

        record_initd(&l->rows, initd);
        record_daemon(&l->rows, &initd->daemons[DAEMON_STORAGED]);
        record_daemon(&l->rows, &initd->daemons[DAEMON_RUNTIMED]);
        l->n_rows = 3;
        listing_write_slice(l);
}
