/*
 * process.c - see process.h. How the events of one instance (fork, images, Exit, socket, reaped
 * child) become one end, told once.
 */
#include "initd/process.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "initd/initd.h"
#include "initd/launch.h"
#include "initd/native.h"
#include "initd/run_spec.h"
#include "initd/siblings.h"
#include "initd/spawn.h"
#include "initd/waiting.h"
#include "libipc/base/clock.h"
#include "libipc/base/error.h"

/* ---- registry ------------------------------------------------------------------------------ */

void process_registry_init(struct process_registry *r) {
        *r = (struct process_registry){ .next_pid = PROCESS_PID_INIT + 1 };
        table_init(&r->by_pid);
        table_init(&r->by_linux_pid);
        table_init(&r->early);
        list_init(&r->all);
        list_init(&r->finished);
}

uint32_t process_new_pid(struct initd *initd) {
        struct process_registry *r = &initd->processes;
        for (;;) {
                uint32_t pid = r->next_pid++;
                if (r->next_pid >= PROCESS_PID_ZYGOTE)
                        r->next_pid = PROCESS_PID_INIT + 1;
                if (!table_find_u64(&r->by_pid, pid) && !router_find_peer(&initd->router, pid))
                        return pid;
        }
}

struct process *process_find(struct initd *initd, uint32_t pid) {
        struct process *p = table_find_u64(&initd->processes.by_pid, pid);
        return p && !p->is_hidden ? p : NULL;
}

static struct process *process_free(struct process *p) {
        if (!p)
                return NULL;
        supervise_deinit(&p->supervisor);
        run_spec_free(p->spec);
        family_unref(p->family);
        free(p);
        return NULL;
}
DEFINE_CLEANUP(struct process *, process_free)

static int process_on_free(struct loop_later *later) {
        struct process *p = container_of(later, struct process, free_later);
        list_remove(&p->link);
        process_free(p);
        return 0;
}

static void process_remove(struct process *p) {
        table_remove_u64(&p->initd->processes.by_pid, p->pid);
        list_remove(&p->link);
        list_add_tail(&p->initd->processes.finished, &p->link);
        p->initd->processes.n_processes--;
        family_leave(p->family);
        if (p->family->n_processes == 0)
                journal_settle(&p->initd->journal, family_ration(p->family), p->pid, p->name);
        loop_later_add(&p->initd->loop, &p->free_later);
}

static void process_forget_early_deaths(struct process_registry *r) {
        size_t at = 0;
        for (struct spawn_death *death; (death = table_next(&r->early, &at));) {
                table_remove_u64(&r->early, (uint64_t)death->linux_pid);
                free(death);
        }
}

/* Only a tree that failed has any left; their Linux processes go with it. */
void process_registry_deinit(struct process_registry *r) {
        while (!list_is_empty(&r->all)) {
                struct process *p = container_of(r->all.next, struct process, link);
                launch_abandon(p);
                if (p->linux_pid != 0)
                        table_remove_u64(&r->by_linux_pid, (uint64_t)p->linux_pid);
                process_remove(p);
        }
        while (!list_is_empty(&r->finished)) {
                struct process *p = container_of(r->finished.next, struct process, link);
                loop_later_cancel(&p->free_later);
                list_remove(&p->link);
                process_free(p);
        }
        process_forget_early_deaths(r);
        table_deinit(&r->early);
        table_deinit(&r->by_pid);
        table_deinit(&r->by_linux_pid);
}

/* ---- the end ------------------------------------------------------------------------------- */

static void process_tell_parent(struct process *p) {
        const struct obituary *o = &p->obituary;
        struct peer *parent = router_find_peer(&p->initd->router, p->parent.pid);
        if (!parent || parent->generation != p->parent.generation)
                return;

        Thox__Exited body = THOX__EXITED__INIT;
        body.pid = p->pid;
        body.status = o->status;
        body.signal = o->signal;
        body.reason = o->reason;
        body.message = wire_bytes(o->message, strlen(o->message));
        WIRE_MESSAGE(message, 0, EXITED, exited, &body);
        peer_send(parent, &message, NULL);
}

/* One line with everything known; what it said itself also goes where `thoxctl logs` finds it. */
static void process_log_end(const struct process *p) {
        struct journal_ration *ration = family_ration(p->family);
        const struct obituary *o = &p->obituary;
        size_t len = strlen(o->message);
        bool is_ordinary = obituary_is_ordinary(o);
        double uptime_s = (double)(clock_now_us() - p->supervisor.started_us) / 1e6;

        if (!journal_admits(&p->initd->journal, ration, p->pid, p->name))
                return;
        log_write(is_ordinary ? LOG_LEVEL_INFO : LOG_LEVEL_WARNING,
                  "program ended pid=%u name=%s status=%u signal=%u reason=%s uptime=%.3f "
                  "restarts=%u calls=%" PRIu64,
                  p->pid, log_quote(p->name, strlen(p->name)), o->status, o->signal,
                  exit_reason_name(o->reason), uptime_s, p->supervisor.n_restarts,
                  p->n_calls_before);
        if (len > 0 && !is_ordinary)
                journal_add(&p->initd->journal, ration, p->pid, p->name, LOG_LEVEL_ERROR,
                            o->message, len);
}

static void process_give_up(struct process *p) {
        struct obituary *o = &p->obituary;

        obituary_on_given_up(o);
        log_warn("program given up pid=%u name=%s", p->pid, log_quote(p->name, strlen(p->name)));
        journal_add(&p->initd->journal, NULL, p->pid, p->name, LOG_LEVEL_ERROR, o->message,
                    strlen(o->message));
        siblings_on_given_up(p);
}

/* Those who wait for its start learn why there is none. */
static void process_refuse_starts(struct process *p) {
        char why[LIMIT_NAME_BYTES + LIMIT_EXIT_MESSAGE_BYTES + 64];
        const char *message =
                *p->obituary.message ? p->obituary.message : exit_reason_name(p->obituary.reason);

        snprintf(why, sizeof(why), "'%s' ended before it was %s: %s", p->name,
                 p->has_started ? "ready" : "started", message);
        waiting_refuse(&p->restart_calls, STATUS_DEAD, why);
        if (p->run_call) {
                struct call *call = p->run_call;
                p->run_call = NULL;
                native_refuse(call, STATUS_DEAD, "%s", why);
        }
}

/* Down for good: everybody who waits hears of it. */
static void process_finish(struct supervisor *s) {
        struct process *p = container_of(s, struct process, supervisor);
        if (s->is_degraded)
                process_give_up(p);
        if (!p->is_hidden && !p->run_call)
                process_tell_parent(p);
        process_refuse_starts(p);
        waiting_answer(&p->kill_calls);
        siblings_on_settled(p);
        process_remove(p);
        initd_on_process_gone(p->initd);
}

static void process_note_end(const struct process *p) {
        if (!obituary_is_ordinary(&p->obituary))
                reports_add(&p->initd->reports, p);
        process_log_end(p);
}

/* The child is reaped or could not be made. */
static void process_end_instance(struct process *p) {
        if (p->peer) {
                peer_drain(p->peer);
                if (p->peer)
                        peer_close(p->peer, p->obituary.reason, "process ended");
        }
        launch_abandon(p);
        if (!p->is_hidden)
                process_note_end(p);
        supervise_on_event(&p->supervisor, SUPERVISE_EVENT_EXIT);
}

/* ---- what supervision asks for ------------------------------------------------------------- */

static void process_kill_child(struct process *p) {
        p->is_kill_wanted = true;
        if (p->linux_pid != 0)
                spawn_kill(p->linux_pid, SIGKILL);
}

static int process_start(struct supervisor *s) {
        struct process *p = container_of(s, struct process, supervisor);
        obituary_init(&p->obituary);
        p->past = (struct past){ 0 };
        p->is_kill_wanted = p->has_started = p->is_ready = p->is_faulting = false;
        int r = launch_begin(p);
        if (r < 0 && p->peer)
                peer_close(p->peer, EXIT_REASON_ERROR, "not started");
        if (r < 0 && !p->is_hidden)
                process_note_end(p);
        return r;
}

static void process_force(struct supervisor *s) {
        struct process *p = container_of(s, struct process, supervisor);
        if (s->state == SUPERVISE_STATE_ENDING) {
                obituary_on_removed(&p->obituary, EXIT_REASON_HUNG,
                                    "closed its connection and did not end");
        } else {
                p->obituary.is_asked = p->obituary.is_killed = true;
        }
        process_kill_child(p);
}

static void process_terminate(struct supervisor *s) {
        struct process *p = container_of(s, struct process, supervisor);
        p->obituary.is_asked = true;
        if (!p->has_started || !p->peer) {
                process_force(s);
                return;
        }

        Thox__Terminate body = THOX__TERMINATE__INIT;
        body.grace_us = s->grace_us;
        WIRE_MESSAGE(message, 0, TERMINATE, terminate, &body);
        peer_send(p->peer, &message, NULL);
}

static void process_late(struct supervisor *s) {
        struct process *p = container_of(s, struct process, supervisor);
        char why[96];

        snprintf(why, sizeof(why), "did not call os.ready() within %g s (its option ready)",
                 (double)s->start_limit_us / 1e6);
        obituary_on_removed(&p->obituary, EXIT_REASON_HUNG, why);
        process_kill_child(p);
}

/* What it has given them died with it, and it starts them again. */
static void process_end_services(const struct process *init) {
        list_for_each_safe(link, &init->initd->processes.all) {
                struct process *p = container_of(link, struct process, link);
                if (p == init || p->founder.pid != init->pid)
                        continue;
                obituary_on_removed(&p->obituary, EXIT_REASON_KILLED, "the init program fell");
                process_kill(p, true, NULL);
        }
}

static void process_fallen(struct supervisor *s) {
        const struct process *p = container_of(s, struct process, supervisor);
        siblings_on_fallen(p);
        if (p->pid == PROCESS_PID_INIT)
                process_end_services(p);
}

static bool process_is_held(struct supervisor *s) {
        return siblings_hold(container_of(s, struct process, supervisor));
}

static bool process_wants_restart(struct supervisor *s) {
        struct process *p = container_of(s, struct process, supervisor);
        bool is_wanted =
                p->spec->restart == RUN_RESTART_ALWAYS ||
                (p->spec->restart == RUN_RESTART_ON_FAILURE && !obituary_is_success(&p->obituary));
        return is_wanted && !p->is_hidden && !p->is_unstartable &&
               p->initd->state != INITD_STATE_STOPPING && p->obituary.reason != EXIT_REASON_KILLED;
}

static const struct supervise_ops process_ops = {
        .start = process_start,
        .terminate = process_terminate,
        .kill = process_force,
        .wants_restart = process_wants_restart,
        .on_fallen = process_fallen,
        .is_held = process_is_held,
        .late = process_late,
        .on_gone = process_finish,
};

/* ---- start --------------------------------------------------------------------------------- */

static int process_new(struct process **ret, struct initd *initd, struct run_spec *spec) {
        struct process *p CLEANUP(process_freep) = calloc(1, sizeof(*p));
        if (!p) {
                run_spec_free(spec);
                return error_origin(ENOMEM);
        }
        p->initd = initd;
        p->spec = spec;
        p->created_us = clock_now_us();
        list_init(&p->link);
        list_init(&p->kill_calls);
        list_init(&p->restart_calls);
        loop_later_init(&p->free_later, process_on_free);
        snprintf(p->name, sizeof(p->name), "%s", spec->name);
        int r = supervise_init(&p->supervisor, &initd->loop, &process_ops, LIMIT_GRACE_US, false);
        if (r < 0)
                return error_trace(r);
        p->supervisor.start_limit_us = spec->ready_us;

        *ret = take(p);
        return 0;
}

static void process_on_run_dropped(struct call *call) {
        struct process *p = call->userdata;
        p->run_call = NULL;
        p->is_hidden = true;
        supervise_on_event(&p->supervisor, SUPERVISE_EVENT_KILL);
}

/* init's own family is not that of what it runs. */
struct family *process_family_of(struct initd *initd, uint32_t founder) {
        struct process *p = founder != PROCESS_PID_INIT ? process_find(initd, founder) : NULL;
        return p ? p->family : NULL;
}

static int process_join_family(struct process *p) {
        struct family *outer = process_family_of(p->initd, p->founder.pid);
        size_t limit = p->spec->properties.processes;
        if (outer && limit == 0)
                p->family = family_ref(outer);
        else if (family_new(&p->family, outer, limit != 0 ? limit : LIMIT_FAMILY, p->pid, p->name) <
                 0)
                return error_origin(ENOMEM);
        return 0;
}

bool process_descends_from(const struct process *p, uint32_t pid) {
        for (; p; p = process_find(p->initd, p->founder.pid))
                if (p->pid == pid || p->founder.pid == pid)
                        return true;
        return false;
}

int process_run(struct initd *initd,
                struct run_spec *spec,
                uint32_t pid,
                uint32_t uid,
                struct process_ref parent,
                struct call *run_call) {
        struct process *p CLEANUP(process_freep) = NULL;
        int r = process_new(&p, initd, spec);
        if (r < 0)
                return error_trace(r);
        p->pid = pid != 0 ? pid : process_new_pid(initd);
        p->uid = uid;
        p->parent = p->founder = parent;
        r = process_join_family(p);
        if (r < 0)
                return error_trace(r);
        if (pid == PROCESS_PID_INIT)
                p->supervisor.grace_us = LIMIT_INIT_GRACE_US;
        r = table_add_u64(&initd->processes.by_pid, p->pid, p);
        if (r < 0)
                return error_trace(r);

        list_add_tail(&initd->processes.all, &p->link);
        initd->processes.n_processes++;
        family_join(p->family);
        p->run_call = run_call;
        if (run_call) {
                run_call->userdata = p;
                run_call->on_drop = process_on_run_dropped;
        }
        supervise_on_event(&take(p)->supervisor, SUPERVISE_EVENT_START);
        return 0;
}

/* Trying the same again would end the same. */
static bool status_is_permanent(enum thox_status status) {
        return status == STATUS_NOTFOUND || status == STATUS_BADCODE || status == STATUS_BADARGS ||
               status == STATUS_BADCTX;
}

void process_fail_start(struct process *p, enum thox_status status, const char *fmt, ...) {
        char message[LIMIT_EXIT_MESSAGE_BYTES];
        va_list args;
        va_start(args, fmt);
        vsnprintf(message, sizeof(message), fmt, args);
        va_end(args);

        obituary_on_removed(&p->obituary, EXIT_REASON_ERROR, message);
        p->is_unstartable = status_is_permanent(status);
        launch_abandon(p);
        if (p->run_call) {
                struct call *call = p->run_call;
                p->run_call = NULL;
                p->is_hidden = true;
                native_refuse(call, status, "%s", message);
        }
        process_kill_child(p);
}

void process_check_up(struct process *p) {
        bool is_ready = p->is_ready || p->spec->ready_us == 0;
        if (!p->has_started || p->linux_pid == 0 || !is_ready ||
            p->supervisor.state != SUPERVISE_STATE_STARTING)
                return;
        supervise_on_event(&p->supervisor, SUPERVISE_EVENT_READY);
        siblings_on_settled(p);
        waiting_answer(&p->restart_calls);
        if (!p->run_call)
                return;

        uint8_t bytes[16];
        struct buf values = { .data = bytes, .cap = sizeof(bytes), .max = sizeof(bytes) };
        int r = value_put_integer(&values, p->pid);
        assert(r == 0);
        struct call *call = p->run_call;
        p->run_call = NULL;
        native_answer(call, &values);
}

/* ---- kill ---------------------------------------------------------------------------------- */

void process_kill(struct process *p, bool at_once, struct call *call) {
        if (call && !waiting_add(&p->kill_calls, call))
                return;
        supervise_on_event(&p->supervisor, at_once ? SUPERVISE_EVENT_KILL : SUPERVISE_EVENT_STOP);
}

void process_kill_family(struct process *p, bool at_once, struct call *call) {
        struct list *all = &p->initd->processes.all;
        if (call && !waiting_add(&p->family->kill_calls, call))
                return;
        struct family *family = family_ref(p->family);
        family->is_ending = true;
        list_for_each_safe(link, all) {
                struct process *other = container_of(link, struct process, link);
                if (family_is_within(other->family, family))
                        process_kill(other, at_once, NULL);
        }
        family_unref(family);
}

void process_restart(struct process *p, struct call *call) {
        if (p->supervisor.state == SUPERVISE_STATE_STOPPING) {
                native_refuse(call, STATUS_DEAD, "process %u (%s) is ending", p->pid, p->name);
                return;
        }
        if (call && !waiting_add(&p->restart_calls, call))
                return;
        supervise_on_event(&p->supervisor, SUPERVISE_EVENT_RESTART);
}

/* ---- fork ---------------------------------------------------------------------------------- */

static bool process_take_early_death(struct process_registry *r,
                                     pid_t linux_pid,
                                     struct spawn_death *ret) {
        struct spawn_death *death = table_remove_u64(&r->early, (uint64_t)linux_pid);
        if (!death)
                return false;
        *ret = *death;
        free(death);
        return true;
}

static void process_stop_forking(struct process *p) {
        p->is_forking = false;
        p->initd->processes.n_forking--;
        if (p->initd->processes.n_forking == 0)
                process_forget_early_deaths(&p->initd->processes);
}

static void process_on_not_forked(struct process *p, enum thox_status status, const char *why) {
        process_stop_forking(p);
        process_fail_start(p, status, "cannot fork a worker: %s", why);
        process_end_instance(p);
}

void process_on_hello(struct process *p, const Thox__Hello *body) {
        confinement_read(&p->confinement, body->confinement.data, body->confinement.len);
}

void process_on_forked(struct initd *initd, const Thox__Forked *body) {
        struct process_registry *r = &initd->processes;
        struct process *p = table_find_u64(&r->by_pid, body->pid);
        if (!p || !p->is_forking)
                return;
        if (body->linux_pid == 0) {
                process_on_not_forked(p, STATUS_AGAIN, strerror((int)body->error));
                return;
        }

        struct spawn_death death;
        pid_t linux_pid = (pid_t)body->linux_pid;
        bool is_dead = process_take_early_death(r, linux_pid, &death);
        process_stop_forking(p);
        p->linux_pid = linux_pid;
        if (table_add_u64(&r->by_linux_pid, (uint64_t)linux_pid, p) < 0) {
                /* Without the table nobody would see it end: it must not begin. */
                spawn_kill(linux_pid, SIGKILL);
                p->linux_pid = 0;
                process_fail_start(p, STATUS_ERROR, "initd is out of memory");
                process_end_instance(p);
                return;
        }
        if (!is_dead)
                spawn_renice(linux_pid, run_properties_nice(&p->spec->properties));
        /* A short program may be over by now: it was started all the same. */
        process_check_up(p);
        if (is_dead)
                process_on_reaped(initd, &death);
        else if (p->is_kill_wanted)
                spawn_kill(linux_pid, SIGKILL);
}

static struct process *process_find_forking(const struct process_registry *r) {
        for (struct list *link = r->all.prev; r->n_forking > 0 && link != &r->all;
             link = link->prev) {
                struct process *p = container_of(link, struct process, link);
                if (p->is_forking)
                        return p;
        }
        return NULL;
}

/* From the start each time: the end of one may take others out of the list. */
void process_on_zygote_lost(struct initd *initd) {
        for (struct process *p; (p = process_find_forking(&initd->processes));)
                process_on_not_forked(p, STATUS_AGAIN, "the zygote ended");
}

/* ---- the instance's end -------------------------------------------------------------------- */

void process_on_ready(struct process *p) {
        p->is_ready = true;
        process_check_up(p);
}

void process_on_exit(struct process *p, const Thox__Exit *body) {
        obituary_on_exit(&p->obituary, body);
}

void process_on_peer_closed(struct process *p, struct peer *peer) {
        p->peer = NULL;
        p->n_calls_before += peer->n_calls_total;
        p->past = peer->past;
        if (peer->close_reason == EXIT_REASON_PROTOCOL || peer->close_reason == EXIT_REASON_HUNG) {
                obituary_on_removed(&p->obituary, peer->close_reason, peer->close_text);
                process_kill_child(p);
        } else if (p->linux_pid != 0) {
                supervise_on_event(&p->supervisor, SUPERVISE_EVENT_HANGUP);
        } else if (!p->has_started) {
                p->is_kill_wanted = true; /* should it still be forked */
        }
}

static void process_note_early_death(struct process_registry *r, const struct spawn_death *death) {
        struct spawn_death stale;
        if (r->n_forking == 0)
                return;
        (void)process_take_early_death(r, death->linux_pid,
                                       &stale); /* Linux gave the number again */
        struct spawn_death *kept = malloc(sizeof(*kept));
        if (kept) {
                *kept = *death;
                if (table_add_u64(&r->early, (uint64_t)death->linux_pid, kept) == 0)
                        return;
        }
        free(kept);
        log_error("initd is out of memory: the end of a child is forgotten linux_pid=%d",
                  (int)death->linux_pid);
}

void process_on_reaped(struct initd *initd, const struct spawn_death *death) {
        struct process_registry *r = &initd->processes;
        struct process *p = table_remove_u64(&r->by_linux_pid, (uint64_t)death->linux_pid);
        if (!p) {
                process_note_early_death(r, death);
                return;
        }

        p->linux_pid = 0;
        if (p->peer)
                peer_drain(p->peer); /* its Exit may still lie in the socket */
        obituary_on_reaped(&p->obituary, death);
        process_end_instance(p);
}

static struct process_ref process_foster_parent(struct initd *initd, struct process_ref gone) {
        struct process *init = process_find(initd, PROCESS_PID_INIT);
        if (!init || !init->peer || init->peer->generation == gone.generation)
                return (struct process_ref){ PROCESS_PID_INITD, ROUTER_GENERATION_INITD };
        return (struct process_ref){ init->pid, init->peer->generation };
}

void process_on_parent_gone(struct initd *initd, struct process_ref parent, bool was_control) {
        list_for_each_safe(link, &initd->processes.all) {
                struct process *p = container_of(link, struct process, link);
                if (p->parent.pid != parent.pid || p->parent.generation != parent.generation)
                        continue;
                p->parent = process_foster_parent(initd, parent);
                if (was_control && !p->spec->is_detached)
                        process_kill(p, false, NULL);
        }
}
