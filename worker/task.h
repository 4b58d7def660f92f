/*
 * task.h - one line of execution inside the VM: a coroutine that the scheduler resumes, what it waits
 * for, and the events that are its own. Tasks share the process and nothing else is shared by fewer.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "libipc/base/index.h"
#include "libipc/base/list.h"
#include "libipc/base/pool.h"
#include "worker/mailbox.h"

struct lua_State;
struct binding;
struct group;

enum task_state {
        TASK_STATE_RUNNABLE, /* in the run queue */
        TASK_STATE_RUNNING,
        TASK_STATE_PULLING, /* for an event that `filter` takes */
        TASK_STATE_WAITING, /* for the answer or reply to `seq` */
        TASK_STATE_BLOCKED, /* in queues of those who will wake it */
        TASK_STATE_ENDED,
        _TASK_STATE_N,
};

/* A place in a queue of a channel; a task that chooses between channels has several. Lives on the
 * stack of the task, which is where it sends from and receives to. */
struct wait {
        struct list queue_link, task_link; /* channel's, task.waits */
        struct task *task;
        int channel_at, first, n_values; /* on the task's stack: the channel, and what is sent */
        int arm;
        bool is_send;
        bool is_closed; /* how it ended */
};

/* Owned by the scheduler. */
struct task {
        struct list all_link;   /* sched.tasks */
        struct list state_link; /* sched.runnable, .pullers, or the queue it is blocked in */
        size_t deadline_place;  /* in sched.deadlines; 0: not there */
        struct index_link tid_link;
        uint64_t tid;
        enum task_state state;

        struct lua_State *coroutine; /* NULL until its first slice */
        int coroutine_ref;           /* in the registry */
        int n_args;                  /* on its stack, for the first slice */
        uint64_t park_serial;        /* marks the coroutines that wait with it (hijack.c) */
        bool is_exposed;             /* the program has seen the coroutine: never used again */
        bool is_joinable;
        struct group *group;    /* NULL: none */
        struct list group_link; /* group.members */
        struct list joiners;    /* tasks that wait for its end */
        bool is_killed;         /* its next slice is its end */
        bool has_routes;        /* what is bound without a handler, and queues, may name it */

        uint64_t cpu_us; /* used in this turn, with a limit (cpu.h) */
        uint32_t cpu_stage;

        struct filter filter;
        uint32_t seq;
        uint64_t deadline_us;
        struct list waits;        /* struct wait; any wake ends all of them */
        struct wait *served_wait; /* the one that went; NULL: none */
        struct lua_State *stack;  /* where it is blocked; others leave there what it gets */
        struct event *event;      /* what woke it; NULL: the deadline, or an interruption */

        struct list pending; /* struct pending: calls it made that are not answered */
        struct list served;  /* struct served: calls it took that are not answered */

        struct binding *binding; /* serves one call of this binding */
        struct event *call;
        struct event *oneway; /* the call without an answer that it pulled last */
        uint64_t trace;       /* of the last call it took: the calls it makes carry it on */

        struct mailbox mailbox; /* last: task_new does not clear it first */
};

/* From a pool of struct task. NULL: no memory. */
struct task *task_new(struct pool *tasks, uint64_t tid);
/* The coroutine's reference must be gone; events go back to `r`. */
struct task *task_free(struct pool *tasks, struct task *t, struct event_reader *r);
