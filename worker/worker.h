/*
 * worker.h - one process of the tree: the socket to initd, the VM, its tasks. Life: hello, start,
 * loop, exit. The loop runs tasks until none can run, sends everything they said in one go, sleeps in
 * one poll, reads and delivers all that came.
 *
 * Delivery: answers go to the task that made the call, raw calls to the task that bound the name,
 * everything else, and what finds its task gone, to the mailbox of the process.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "libipc/base/macros.h"
#include "libipc/confinement.h"
#include "worker/binding.h"
#include "worker/cpu.h"
#include "worker/event.h"
#include "worker/listener.h"
#include "worker/mailbox.h"
#include "worker/sched.h"
#include "worker/syscall.h"
#include "worker/vm.h"

#define WORKER_SPARE_COROUTINES 16u
#define WORKER_RESULTS_MAX 1024u             /* of tasks that nobody has joined yet */
#define WORKER_WRITES_MAX LIMIT_OUTPUT_CALLS /* prints that nobody has confirmed */

/* A compiled chunk that came with Start. */
struct worker_image {
        int fd;
        size_t size;
        char name[LIMIT_NAME_BYTES + 32];
};

/* How the zygote was started, and what it made of us. */
struct worker_options {
        bool has_no_hooks;   /* cooperative whatever the quantum */
        const void *prelude; /* bytecode */
        size_t prelude_len;
        struct confinement confinement; /* what holds us; said in Hello */
        bool is_confinement_required;   /* runs nothing unless it is full */
};

struct worker {
        struct worker_options options;
        struct vm vm;
        struct sched sched;
        struct cpu cpu;
        struct syscalls syscalls;
        struct event_reader events;
        struct mailbox mailbox;
        struct bindings bindings;
        struct listeners listeners;

        uint32_t pid, ppid, uid;
        struct worker_image images[LIMIT_FRAME_FDS];
        size_t n_images;

        struct list writers;       /* tasks whose prints wait for others to be confirmed */
        struct binding *evaluator; /* what administrators ask (process.eval); not in bindings */
        struct task *main_task;    /* NULL before it starts and after it ended */
        struct lua_State *spares[WORKER_SPARE_COROUTINES]; /* of ended handler tasks */
        int spare_refs[WORKER_SPARE_COROUTINES];
        size_t n_spares;
        uint64_t n_pulls;
        uint64_t kept_results[WORKER_RESULTS_MAX]; /* tids of ended tasks, in a ring */
        size_t n_results;
        unsigned n_yields;    /* since the socket was looked at */
        uint64_t random;      /* state of the choice between ready channels; 0: not seeded */
        uint32_t exit_status; /* what the main task left */
        uint64_t memory_max;  /* what its heap may be granted beyond its limit */
        uint64_t granted;     /* by the latest Grant */
        bool is_faulting;     /* Fault sent, Grant not here */
        bool is_started, is_ending, is_terminated;
        bool is_asked_to_end;     /* a terminate event was delivered: handlers keep it no longer */
        bool has_taken_terminate; /* some pull would have taken a terminate event */
};

static inline struct worker *worker_of(struct lua_State *L) {
        return container_of(vm_of(L), struct worker, vm);
}

/* Serves as one process from Hello to Exit, on a socket that it owns from here on; does not return. */
void worker_run(int fd, const struct worker_options *options) __attribute__((noreturn));

/* Sends Exit, after what the program wrote has been confirmed, and leaves. */
void worker_exit(struct worker *w, uint32_t status, uint32_t reason, const char *message)
        __attribute__((noreturn));
/* The same for what went wrong in the coroutine `on`, with what its functions knew. */
void worker_fail_in(struct worker *w, struct lua_State *on, uint32_t reason, const char *message)
        __attribute__((noreturn));
/* A queue that nobody empties, no memory for the protocol itself: leaves with a message. */
void worker_fail(struct worker *w, int error) __attribute__((noreturn));

/* Something was queued by a task that goes on: it must leave even if the task computes for long. */
void worker_sent(struct worker *w, int result);
/* Blocks the whole process until fewer than `max` writes are unconfirmed. */
void worker_drain_writes(struct worker *w, size_t max);

/* The program takes this event out of a mailbox or gets it handed. */
void worker_take(struct worker *w, struct task *t, struct event *e);
/* The program has seen it, and it goes: but a call may still be passed on, until it is answered, or
 * one-way, until the task pulls again. */
void worker_let_go(struct worker *w, struct task *t, struct event *e);
/* Refuses what waits, and forgets the binding once nothing of it runs. */
void worker_drop_binding(struct worker *w, struct binding *b, uint32_t status);
/* Nobody will look at this event of a queue. */
void worker_forget_event(struct worker *w, struct event *e);
/* The context is gone, with what was bound and listened to through it. */
void worker_forget_context(struct worker *w, uint32_t handle);
/* Forgets the listener and what waits for it. */
void worker_drop_listener(struct worker *w, struct listener *l);
/* Ends the task's wait: its call is cancelled, and it runs next. */
void worker_interrupt(struct worker *w, struct task *t);
/* The task's coroutine is gone or given up: everything else of it goes. */
void worker_end_task(struct worker *w, struct task *t);
