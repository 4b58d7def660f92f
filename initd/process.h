/*
 * process.h - a program that initd keeps running: its registry, its identity, its supervision. An
 * instance of it is one peer and one Linux process; launch.h makes instances, obituary.h says how
 * they ended, supervise.h decides whether another one follows.
 *
 * Invariants: 1. A process is in by_pid from process_new until process_finish. 2. linux_pid is not 0
 * exactly while a child of ours bears that number, and then the process is in by_linux_pid. 3. An
 * instance is over when its child has been reaped (or could not be forked) and its peer is closed.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "initd/obituary.h"
#include "initd/past.h"
#include "initd/supervise.h"
#include "libipc/base/list.h"
#include "libipc/base/table.h"
#include "libipc/confinement.h"
#include "libipc/limits.h"

struct call;
struct initd;
struct launch;
struct peer;
struct run_spec;
struct spawn_death;

#define PROCESS_PID_INITD 1u
#define PROCESS_PID_STORAGED 2u
#define PROCESS_PID_RUNTIMED 3u
#define PROCESS_PID_INIT 4u /* the init program */
#define PROCESS_PID_ZYGOTE UINT32_MAX

/* A process instance as named from elsewhere: stale when the generation differs. */
struct process_ref {
        uint32_t pid, generation;
};

/* Owned by the registry; its memory goes at the end of the turn in which it finished. */
struct process {
        struct initd *initd;
        struct supervisor supervisor;
        struct list link; /* in registry.all, then in finished */
        struct loop_later free_later;

        uint32_t pid, uid;
        struct process_ref parent;
        struct process_ref founder; /* who ran it: its first parent */
        struct family *family;      /* reference */
        char name[LIMIT_NAME_BYTES + 1];
        struct run_spec *spec; /* owned */

        struct peer *peer; /* of the instance; NULL when closed */
        uint32_t generation;
        pid_t linux_pid;
        struct confinement confinement; /* of the instance */
        bool is_forking;                /* Fork sent, Forked not seen */
        bool is_kill_wanted;            /* SIGKILL as soon as there is a linux_pid */
        bool has_started;               /* Start sent */
        bool is_ready;                  /* it called os.ready */
        bool is_faulting;               /* Fault seen, Grant not sent */
        bool is_unstartable;   /* the start failed in a way that another try would not mend */
        bool is_hidden;        /* failed before it started: never listed, never told of */
        struct launch *launch; /* image asked for */
        struct past past;      /* of the instance, when its peer is closed */
        struct obituary obituary;

        struct call *run_call;     /* process.run, not answered yet; NULL */
        struct list kill_calls;    /* they wait for its end */
        struct list restart_calls; /* they wait until it is up */
        uint64_t n_calls_before;   /* made by earlier instances */
        uint64_t created_us;
};

/* Embedded in struct initd. */
struct process_registry {
        struct table by_pid;       /* struct process */
        struct table by_linux_pid; /* struct process with a child */
        struct list all;           /* in order of creation */
        struct list finished;      /* to be freed at the end of the turn */
        size_t n_processes;        /* in `all`, hidden ones included */
        size_t n_forking;
        uint32_t next_pid;
        struct table early; /* struct spawn_death: reaped before their Forked arrived; owned */
};

void process_registry_init(struct process_registry *r);
/* After the router is gone. */
void process_registry_deinit(struct process_registry *r);

/* A number no live process or client has; never 0, never a reserved one. */
uint32_t process_new_pid(struct initd *initd);
/* NULL when there is none, or only a hidden one. */
struct process *process_find(struct initd *initd, uint32_t pid);

/* Adds a process and starts its first instance; takes `spec`, also on failure. `run_call` (may be
 * NULL) is answered with the pid once the worker has started, or with the refusal. `pid` 0 chooses
 * one. Returns only < 0 when there is no process. */
int process_run(struct initd *initd,
                struct run_spec *spec,
                uint32_t pid,
                uint32_t uid,
                struct process_ref parent,
                struct call *run_call);

/* The family that a process run by `founder` would join; NULL: it begins one. */
struct family *process_family_of(struct initd *initd, uint32_t founder);

/* Stops it: politely first, or at once. The answer to `call` (may be NULL) comes when it is gone. */
void process_kill(struct process *p, bool at_once, struct call *call);
/* The same for all of its family, which nobody joins any more. */
void process_kill_family(struct process *p, bool at_once, struct call *call);
/* Ends it politely and starts it again at once, whatever its policy; the answer to `call` comes when
 * it is up. Refused when it is ending for good. */
void process_restart(struct process *p, struct call *call);

/* Whether `pid` has run it, or run who has, and so on; true of `pid` itself. */
bool process_descends_from(const struct process *p, uint32_t pid);

/* The start failed: the caller of process.run hears the status, a restart counts as an end. */
void process_fail_start(struct process *p, enum thox_status status, const char *fmt, ...)
        PRINTF_LIKE(3, 4);
/* Feeds READY and answers process.run when fork, image and, if it was run so, its word are there. */
void process_check_up(struct process *p);

/* Events. */
void process_on_hello(struct process *p, const Thox__Hello *body);
void process_on_forked(struct initd *initd, const Thox__Forked *body);
void process_on_zygote_lost(struct initd *initd);
void process_on_ready(struct process *p);
void process_on_exit(struct process *p, const Thox__Exit *body);
void process_on_peer_closed(struct process *p, struct peer *peer);
/* A child of ours that is no daemon ended. */
void process_on_reaped(struct initd *initd, const struct spawn_death *death);
/* The instance `parent` is gone: children of a control client end, those of a program go to init. */
void process_on_parent_gone(struct initd *initd, struct process_ref parent, bool was_control);
