/*
 * family.c - see family.h.
 */
#include "initd/family.h"

#include <stdio.h>
#include <stdlib.h>

#include "initd/waiting.h"
#include "libipc/base/error.h"

int family_new(
        struct family **ret, struct family *outer, size_t limit, uint32_t pid, const char *name) {
        struct family *f = calloc(1, sizeof(*f));
        if (!f)
                return error_origin(ENOMEM);
        f->n_refs = 1;
        f->limit = limit;
        f->pid = pid;
        list_init(&f->kill_calls);
        f->outer = outer ? family_ref(outer) : NULL;
        snprintf(f->name, sizeof(f->name), "%s", name);
        *ret = f;
        return 0;
}

struct family *family_ref(struct family *f) {
        f->n_refs++;
        return f;
}

struct family *family_unref(struct family *f) {
        while (f && --f->n_refs == 0) {
                struct family *outer = f->outer;
                free(f);
                f = outer;
        }
        return NULL;
}

void family_join(struct family *f) {
        for (; f; f = f->outer)
                f->n_processes++;
}

void family_leave(struct family *f) {
        for (; f; f = f->outer)
                if (--f->n_processes == 0)
                        waiting_answer(&f->kill_calls);
}

const struct family *family_find_closed(const struct family *f) {
        for (; f; f = f->outer)
                if (f->is_ending || f->n_processes >= f->limit)
                        return f;
        return NULL;
}

bool family_is_within(const struct family *f, const struct family *outer) {
        for (; f; f = f->outer)
                if (f == outer)
                        return true;
        return false;
}

struct family *family_outermost(struct family *f) {
        while (f->outer)
                f = f->outer;
        return f;
}

struct journal_ration *family_ration(struct family *f) {
        return &family_outermost(f)->ration;
}
