/*
 * change.h - a call that changes an object, on its way to the writer and back. What it is to do is parsed by
 * data_write.c and data_txn.c.
 */
#pragma once

#include <stdbool.h>

#include "libipc/request.h"
#include "storaged/arguments.h"
#include "storaged/data.h"

/* What is answered. */
enum change_answer {
        CHANGE_ANSWER_RESULT, /* of the one operation, */
        CHANGE_ANSWER_RESULT_AND_REVISION,
        CHANGE_ANSWER_REVISION,
        CHANGE_ANSWER_TXN, /* which list was done, all its results, the revision */
};

/* Owned by its request. */
struct change {
        struct data_txn txn;
        struct request *request;
        enum change_answer answer;
        struct data_op op; /* what it does, unless the lists say more */
        struct data_compare compare;
        /* Of `txn`; owned. */
        struct data_op *ops, *otherwise;
        struct data_compare *compares;
};

/* Runs one that `parse` has filled in. `parse` returns false when it has refused the request. */
void change_run(struct request *request, enum data_op_type type, bool (*parse)(struct change *c));

/* For parsers. The last argument: a table with `guard` and at most three options more. */
bool change_take_options(struct change *c,
                         const char *where,
                         const struct option *more,
                         size_t n_more);
/* The key that it is about must hold this. */
void change_compare(struct change *c, const struct data_compare *compare);
/* What is to be stored: no contexts in it, and not too long. False: the request has been refused. */
bool change_check_value(struct request *request, struct disk_bytes item);
