/*
 * writer.c - see writer.h.
 */
#include "storaged/writer.h"

static int writer_commit(struct loop_later *later) {
        struct writer *w = container_of(later, struct writer, commit);
        struct list batch;

        if (w->is_paused)
                return 0;
        /* What the writes' ends lead to is for the next time. */
        list_init(&batch);
        list_move_all(&batch, &w->ready);
        commit_all(&batch);
        return 0;
}

void writer_init(struct writer *w, struct loop *loop) {
        *w = (struct writer){ .loop = loop };
        list_init(&w->ready);
        loop_later_init(&w->commit, writer_commit);
}

void writer_deinit(struct writer *w) {
        loop_later_cancel(&w->commit);
        while (!list_is_empty(&w->ready))
                list_remove(w->ready.next);
}

void writer_pause(struct writer *w) {
        w->is_paused = true;
}

void writer_resume(struct writer *w) {
        w->is_paused = false;
        loop_later_add(w->loop, &w->commit);
}

void writer_add(struct writer *w, struct write *write) {
        list_remove(&write->link);
        list_add_tail(&w->ready, &write->link);
        loop_later_add(w->loop, &w->commit);
}

void writer_drop(struct write *write) {
        list_remove(&write->link);
}
