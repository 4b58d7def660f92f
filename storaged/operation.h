/*
 * operation.h - what is done to the whole store while it is in use: back it up, read it for damage, make
 * it smaller, say what it takes. All but the last are the work of a child process, one at a time.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "libipc/service.h"
#include "storaged/check.h"
#include "storaged/copy.h"
#include "storaged/disk.h"
#include "storaged/job.h"
#include "storaged/writer.h"

struct operation {
        struct disk *disk;     /* borrowed */
        struct writer *writer; /* borrowed */
        struct job job;
        struct request *request; /* that asked for it; NULL: cancelled, or none is running */
        struct copy copy;
        struct check check;
        uint64_t size_before;

        /* What the last check found, of those since the start, which begins with one. */
        uint64_t checked_us;           /* wall clock */
        char damage[CHECK_TEXT_BYTES]; /* "": none */
};

void operation_init(struct operation *o,
                    struct loop *loop,
                    struct disk *disk,
                    struct writer *writer);
/* Before the service ends. */
void operation_deinit(struct operation *o);

/* Endpoints. */
void operation_backup(struct request *request);
void operation_check(struct request *request);
void operation_compact(struct request *request);
void operation_stats(struct request *request);
