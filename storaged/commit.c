/*
 * commit.c - see commit.h.
 */
#include "storaged/commit.h"

static struct write *first_of(struct list *writes) {
        return container_of(writes->next, struct write, link);
}

/* Again when the disk has made room. */
static int apply_all(struct disk *d, struct list *writes) {
        int r;

        do {
                r = disk_begin(d, true);
                for (struct list *node = writes->next; r == DISK_OK && node != writes;
                     node = node->next) {
                        struct write *w = container_of(node, struct write, link);
                        r = w->apply(w);
                }
                if (r == DISK_OK)
                        r = disk_commit(d);
                disk_end(d);
        } while (r == DISK_E_AGAIN);
        return r;
}

static void move_first(struct list *to, struct list *from) {
        struct list *node = from->next;

        list_remove(node);
        list_add_tail(to, node);
}

static void finish_all(struct list *writes, int r) {
        while (!list_is_empty(writes)) {
                struct write *w = first_of(writes);

                list_remove(&w->link);
                w->done(w, r);
        }
}

/* What one of several needs too much of, the others may still have: each alone then. */
static void commit_disk(struct disk *d, struct list *writes) {
        int r = apply_all(d, writes);
        if (r == DISK_OK || writes->next->next == writes) {
                finish_all(writes, r);
                return;
        }
        while (!list_is_empty(writes)) {
                struct list one;

                list_init(&one);
                move_first(&one, writes);
                finish_all(&one, apply_all(d, &one));
        }
}

void commit_all(struct list *writes) {
        while (!list_is_empty(writes)) {
                struct disk *d = first_of(writes)->disk;
                struct list same;

                list_init(&same);
                list_for_each_safe(node, writes) {
                        if (container_of(node, struct write, link)->disk != d)
                                continue;
                        list_remove(node);
                        list_add_tail(&same, node);
                }
                commit_disk(d, &same);
        }
}
