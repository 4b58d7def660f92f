/*
 * listing_process.c - process.list: what the registry knows of each process and what /proc says of it.
 * Reading /proc for a thousand processes takes a tenth of a second: hence the small slice.
 */
#include <unistd.h>

#include "initd/initd.h"
#include "initd/listing_table.h"
#include "initd/run_spec.h"
#include "initd/usage.h"
#include "libipc/base/clock.h"

/* One row, whatever kind of process it is about. */
struct row {
        uint32_t pid, ppid, uid, family;
        pid_t linux_pid;
        const char *name, *program, *state;
        uint32_t restarts;
        uint64_t started_us, n_calls;
        const struct confinement *confinement; /* NULL: none of the programs */
        const struct peer *peer;               /* NULL: not connected, or initd */
};

static void write_confinement(struct record *out, const struct confinement *c) {
        char text[CONFINEMENT_TEXT_BYTES];
        confinement_summarize(c, text);
        record_text(out, "confinement", text);
}

static void write_row(struct listing *l, const struct row *row) {
        struct record *out = listing_add(l);
        struct usage usage = { 0 };
        const char *state = row->state;
        if (!out)
                return;
        if (row->linux_pid != 0)
                usage_read(row->linux_pid, &usage);
        if (!state)
                state = usage.is_running ? "running" : "waiting";

        record_map(out);
        record_integer(out, "pid", row->pid);
        record_integer(out, "ppid", row->ppid);
        record_integer(out, "uid", row->uid);
        if (row->family != 0)
                record_integer(out, "family", row->family);
        record_integer(out, "linux_pid", (uint64_t)row->linux_pid);
        record_text(out, "name", row->name);
        record_text(out, "program", row->program);
        record_text(out, "state", state);
        record_integer(out, "restarts", row->restarts);
        record_float(out, "uptime", (double)(clock_now_us() - row->started_us) / 1e6);
        record_float(out, "cpu", usage.cpu_s);
        record_integer(out, "memory", usage.memory_bytes);
        record_integer(out, "calls", row->n_calls);
        record_integer(out, "calls_made", row->peer ? row->peer->n_calls_made : 0);
        record_integer(out, "calls_served", row->peer ? row->peer->n_calls_served : 0);
        if (row->confinement)
                write_confinement(out, row->confinement);
        record_end(out);
}

/* NULL for one that is up: whether it runs or waits is read from the kernel. */
static const char *row_state(const struct supervisor *s) {
        return s->state == SUPERVISE_STATE_UP ? NULL : supervise_state_name(s->state);
}

static void write_initd(struct listing *l) {
        write_row(l, &(struct row){ .pid = PROCESS_PID_INITD,
                                    .linux_pid = getpid(),
                                    .name = "initd",
                                    .program = "initd",
                                    .state = "running",
                                    .started_us = l->initd->started_us,
                                    .n_calls = l->initd->router.n_calls_routed });
}

static void write_daemon(struct listing *l, const struct daemon *d) {
        write_row(l, &(struct row){ .pid = d->pid,
                                    .ppid = PROCESS_PID_INITD,
                                    .linux_pid = d->linux_pid,
                                    .name = daemon_name(d->id),
                                    .program = daemon_name(d->id),
                                    .state = row_state(&d->supervisor),
                                    .restarts = d->supervisor.n_restarts,
                                    .started_us = d->supervisor.started_us,
                                    .n_calls = d->peer ? d->peer->n_calls_total : 0,
                                    .peer = d->peer });
}

static void write_program(struct listing *l, const struct process *p) {
        write_row(l, &(struct row){ .pid = p->pid,
                                    .ppid = p->parent.pid,
                                    .uid = p->uid,
                                    .family = p->family->pid,
                                    .linux_pid = p->linux_pid,
                                    .name = p->name,
                                    .program = p->spec->program,
                                    .state = row_state(&p->supervisor),
                                    .confinement = &p->confinement,
                                    .restarts = p->supervisor.n_restarts,
                                    .started_us = p->supervisor.started_us,
                                    .n_calls = p->n_calls_before +
                                               (p->peer ? p->peer->n_calls_total : 0),
                                    .peer = p->peer });
}

static void write_process(struct listing *l, uint32_t pid) {
        const struct process *p;
        if (pid == PROCESS_PID_INITD)
                write_initd(l);
        else if (pid == PROCESS_PID_STORAGED)
                write_daemon(l, &l->initd->daemons[DAEMON_STORAGED]);
        else if (pid == PROCESS_PID_RUNTIMED)
                write_daemon(l, &l->initd->daemons[DAEMON_RUNTIMED]);
        else if ((p = process_find(l->initd, pid)))
                write_program(l, p);
}

const struct listing_kind LISTING_PROCESSES = { .slice = 16, .write = write_process };
