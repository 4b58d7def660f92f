/*
 * commit.h - many writes in one durable transaction, each with a result of its own.
 */
#pragma once

#include "libipc/base/list.h"
#include "storaged/disk.h"

/* Embedded in whatever is to be written. */
struct write {
        struct list link; /* of who has it now; init it before anything else */
        struct disk *disk;
        /* In a write transaction, perhaps several times. DISK_OK: the transaction goes on, whatever
         * became of this write, which keeps its own result; else what the disk said. */
        int (*apply)(struct write *w);
        /* Once, at the end. DISK_OK: the transaction in which it was applied last is durable; else
         * (DISK_E_FULL, DISK_E_IO, < 0) nothing was changed. May free the write. */
        void (*done)(struct write *w, int r);
};

/* All of the list, in order, which is empty afterwards. One transaction for each disk; when that cannot
 * be, each write alone, so that one does not keep the others from it. */
void commit_all(struct list *writes);
