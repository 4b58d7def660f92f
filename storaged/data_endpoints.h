/*
 * data_endpoints.h - what data grants serve: docs/PROTOCOL.md, "In a data grant". By file: reading and
 * watching (data_read.c, data_watch.c), changing (data_write.c), locking (data_lock.c), and in the native
 * context how one gets there (data_open.c).
 */
#pragma once

#include "libipc/service.h"
#include "storaged/data.h"

/* In grants. */
extern const struct endpoint_table data_endpoints;

void data_on_get(struct request *request);
void data_on_scan(struct request *request);
void data_on_read(struct request *request);
void data_on_info(struct request *request);
void data_on_watch(struct request *request);

void data_on_set(struct request *request);
void data_on_del(struct request *request);
void data_on_incr(struct request *request);
void data_on_cas(struct request *request);
void data_on_expire(struct request *request);
void data_on_txn(struct request *request);
void data_on_write(struct request *request);
void data_on_truncate(struct request *request);

void data_on_lock(struct request *request);
void data_on_locks(struct request *request);
void data_on_narrow(struct request *request);

/* In the native context. */
void data_on_own(struct request *request);
void data_on_open(struct request *request);
void data_on_list(struct request *request);
void data_on_delete(struct request *request);
void data_on_limit(struct request *request);

/* A table that says what is known of an object. 0 or -errno. */
int data_put_info(struct buf *values, const struct record *record, enum data_kind kind);
/* Refuses what a transaction was refused for, or any other result but DATA_OK. */
void data_fail_txn(struct request *request, const struct data_txn *txn);
void data_fail(struct request *request, const struct object *o, int r);
