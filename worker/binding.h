/*
 * binding.h - the names this process serves. One with a handler turns each call into a task of its
 * own, at most `max` at a time; one without is a route for raw call events to the task that bound it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "libipc/base/list.h"
#include "libipc/base/table.h"
#include "worker/call_queue.h"

struct event;
struct event_reader;
struct task;

#define BINDING_NO_HANDLER (-2) /* LUA_NOREF */

/* Owned by the table once the bind is confirmed, before by the request; kept while a task of its
 * own runs. */
struct binding {
        struct list link;        /* bindings.all */
        struct call_queue calls; /* waiting for a task */
        struct task *task;       /* raw: who bound it; NULL when that task is gone */
        uint32_t sid, handle;
        int handler;      /* reference in the registry */
        bool is_queue;    /* one at a time, all under one tid */
        bool is_aborting; /* a cancelled call's task is killed */
        bool is_removed;  /* freed with its last task */
        uint64_t tid;     /* queue: of its tasks; 0: none yet */
        size_t max, n_running;
        size_t key_len;
        uint8_t key[]; /* handle, name */
};

struct bindings {
        struct table by_key;
        struct list all;
        struct binding *latest; /* found: the next call is likely to be for the same */
        size_t n_handlers;      /* with a handler: they keep the process alive */
};

void bindings_init(struct bindings *b);

/* Not in the table yet; NULL: no memory. */
struct binding *binding_new(uint32_t handle, const void *name, size_t len);
struct binding *binding_free(struct binding *b);
/* 0 or -errno. */
int binding_add(struct bindings *all, struct binding *b);
/* Out of the table: no new calls. The caller frees it when nothing runs. */
void binding_remove(struct bindings *all, struct binding *b);
struct binding *binding_find(struct bindings *all, uint32_t handle, const void *name, size_t len);
struct binding *binding_find_sid(const struct bindings *all, uint32_t sid);
static inline bool binding_has_handler(const struct binding *b) {
        return b->handler != BINDING_NO_HANDLER;
}
