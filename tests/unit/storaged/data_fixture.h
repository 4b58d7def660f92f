/*
 * data_fixture.h - data objects over whatever disk the test links, on a loop in which time stands still.
 */
#pragma once

#include "storaged/data.h"
#include "tests/fake/fake_loop.h"
#include "tests/unit/storaged/store_fixture.h"

#define OUTCOME_NONE 1000 /* not done yet */

/* One transaction and what became of it. Its owner closes it. */
struct outcome {
        struct data_txn txn;
        struct data_op op;
        int result;
};

struct data_fixture {
        struct loop loop;
        struct writer writer;
        struct data data;
};
extern struct data_fixture df;

void data_fixture_set_up(void);
void data_fixture_tear_down(void);
/* storaged ends and comes back. Nothing is open then. */
void data_fixture_restart(void);

struct object *object_open(const char *name, enum data_kind kind);
struct disk_bytes bytes_of(const char *text);

struct data_op op_set(const char *key, const char *value); /* a string as the value */
struct data_op op_number(enum data_op_type type, const char *key, int64_t n);
struct data_op op_key(enum data_op_type type, const char *key); /* GET, DEL */

/* Submits, without waiting. `ops` must live until outcome_close. */
void outcome_submit(struct outcome *out, struct object *o, const struct data_op *ops, size_t n);
void outcome_close(struct outcome *out);
/* From submitting to closing: the result. */
int change(struct object *o, const struct data_op *ops, size_t n);
int change_one(struct object *o, struct data_op op);

/* What the key holds, as text (value_print); NULL: nothing. Static. */
const char *value_at(struct object *o, const char *key);
struct record record_of(struct object *o);
