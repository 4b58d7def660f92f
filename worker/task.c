/*
 * task.c - see task.h.
 */
#include "worker/task.h"

#include <assert.h>
#include <string.h>

struct task *task_new(struct pool *tasks, uint64_t tid) {
        struct task *t = pool_new(tasks);
        if (!t)
                return NULL;
        memset(t, 0, offsetof(struct task, mailbox));
        t->tid = tid;
        t->state = TASK_STATE_RUNNING;
        list_init(&t->all_link);
        list_init(&t->state_link);
        list_init(&t->joiners);
        list_init(&t->group_link);
        list_init(&t->waits);
        list_init(&t->pending);
        list_init(&t->served);
        mailbox_init(&t->mailbox);
        return t;
}

struct task *task_free(struct pool *tasks, struct task *t, struct event_reader *r) {
        if (!t)
                return NULL;
        assert(!t->coroutine && !t->group);
        assert(list_is_empty(&t->pending) && list_is_empty(&t->served));
        assert(list_is_empty(&t->joiners) && list_is_empty(&t->waits));
        list_remove(&t->all_link);
        list_remove(&t->state_link);
        mailbox_clear(&t->mailbox, r);
        event_free(r, t->event);
        event_free(r, t->call);
        event_free(r, t->oneway);
        return pool_free(tasks, t);
}
