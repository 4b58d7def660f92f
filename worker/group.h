/*
 * group.h - tasks that fail together. Here is who belongs to whom and how many there are; api_group.c
 * has the program's side, and keeps a group's memory while it has tasks.
 *
 * A task that a member spawns is a member too, and a group that a member makes lies within the
 * member's. What ends a group ends all within it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "libipc/base/list.h"

struct task;
struct worker;

enum group_policy {
        GROUP_POLICY_ISOLATE,      /* an error ends its task */
        GROUP_POLICY_PROPAGATE,    /* and all others, with that error */
        GROUP_POLICY_NOTIFYLEADER, /* kills all others, and is the leader's */
        _GROUP_POLICY_N,
};

/* Lives in a userdata, which holds that of its parent. */
struct group {
        struct group *parent; /* of the task that made it; NULL: none */
        enum group_policy policy;
        unsigned depth;       /* parents around it */
        struct list members;  /* struct task */
        struct list children; /* those that have tasks */
        struct list link;     /* in parent->children */
        size_t n_tasks;       /* of members and of groups within */
        struct list joiners;  /* tasks that wait until there are none */
        bool is_over;         /* failed or killed: it takes no more tasks */
        bool has_failed;
};

void group_init(struct group *g, enum group_policy policy, struct group *parent);

/* Whether it or a group around it is over. */
bool group_is_over(const struct group *g);
/* The innermost group, from `g` outward, whose failure is that of all its members; NULL. */
struct group *group_find_failed(struct group *g);

void group_add(struct group *g, struct task *t);
/* `t` is in no group afterwards; returns the one that it was in, NULL for none. */
struct group *group_remove(struct task *t);
/* No task of it runs again. */
void group_kill(struct group *g, struct worker *w);
