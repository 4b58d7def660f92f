/*
 * list.h - intrusive doubly linked list. A head and an unlinked node both point to themselves, so
 * list_remove is harmless on a node that is in no list.
 */
#pragma once

#include <stdbool.h>

#include "libipc/base/macros.h"

struct list {
        struct list *prev, *next;
};

static inline void list_init(struct list *l) {
        l->prev = l->next = l;
}

static inline bool list_is_empty(const struct list *l) {
        return l->next == l;
}

static inline void list_add_tail(struct list *head, struct list *node) {
        node->prev = head->prev;
        node->next = head;
        head->prev->next = node;
        head->prev = node;
}

static inline void list_add_head(struct list *head, struct list *node) {
        list_add_tail(head->next, node);
}

static inline void list_remove(struct list *node) {
        node->prev->next = node->next;
        node->next->prev = node->prev;
        list_init(node);
}

/* Moves all nodes of FROM to the empty, initialised TO. */
static inline void list_move_all(struct list *to, struct list *from) {
        if (list_is_empty(from))
                return;
        *to = *from;
        to->next->prev = to->prev->next = to;
        list_init(from);
}

#define list_for_each(node, head)                                                                  \
        for (struct list *node = (head)->next; node != (head); node = node->next)
/* The body may remove NODE (and nothing else) from the list. */
#define list_for_each_safe(node, head)                                                             \
        for (struct list *node = (head)->next, *node##_next = node->next; node != (head);          \
             node = node##_next, node##_next = node->next)
