/*
 * group.c - see group.h.
 */
#include "worker/group.h"

#include "libipc/base/macros.h"
#include "worker/task.h"
#include "worker/worker.h"

void group_init(struct group *g, enum group_policy policy, struct group *parent) {
        *g = (struct group){ .policy = policy, .parent = parent };
        g->depth = parent ? parent->depth + 1 : 0;
        list_init(&g->members);
        list_init(&g->children);
        list_init(&g->link);
        list_init(&g->joiners);
}

bool group_is_over(const struct group *g) {
        for (; g; g = g->parent)
                if (g->is_over)
                        return true;
        return false;
}

struct group *group_find_failed(struct group *g) {
        for (; g; g = g->parent)
                if (g->has_failed && g->policy == GROUP_POLICY_PROPAGATE)
                        return g;
        return NULL;
}

void group_add(struct group *g, struct task *t) {
        t->group = g;
        list_add_tail(&g->members, &t->group_link);
        for (; g; g = g->parent)
                if (g->n_tasks++ == 0 && g->parent)
                        list_add_tail(&g->parent->children, &g->link);
}

struct group *group_remove(struct task *t) {
        struct group *from = t->group;
        list_remove(&t->group_link);
        t->group = NULL;
        for (struct group *g = from; g; g = g->parent)
                if (--g->n_tasks == 0)
                        list_remove(&g->link);
        return from;
}

void group_kill(struct group *g, struct worker *w) {
        g->is_over = true;
        list_for_each(node, &g->members) {
                struct task *t = container_of(node, struct task, group_link);
                t->is_killed = true;
                worker_interrupt(w, t);
        }
        list_for_each(child, &g->children)
                group_kill(container_of(child, struct group, link), w);
}
