/*
 * fault.h - what happens to one system call of a process under test, and what is written down of it.
 *
 * The environment's THOX_FAULT names a file with "ACTION N", which is removed when the N-th call that
 * the action is about has met its fate: whoever starts next finds nothing, and so does the driver, who
 * knows then that there were N. THOX_RECORD names a file to which all that was done to files is appended.
 * Children of the process count with it.
 */
#pragma once

#include <sys/types.h>
#include <sys/uio.h>

enum op_kind {
        OP_WRITE,
        OP_SYNC,
        OP_LENGTH, /* ftruncate */
        OP_NAME,   /* creates, renames or removes one */
        OP_SEND,   /* to a socket */
};

/* One system call. */
struct op {
        enum op_kind kind;
        ssize_t (*run)(const struct op *op);
        const char *verb; /* for the record of OP_NAME */
        int fd, to_fd;    /* of a file; for OP_NAME directories of `path` and `to` */
        const char *path, *to;
        const struct iovec *pieces; /* OP_WRITE */
        int n_pieces;
        off_t offset; /* OP_WRITE: -1: where the file stands; OP_LENGTH */
        int flags;
        mode_t mode;
        const void *message; /* OP_SEND */
        size_t len;
};

/* Runs it, or not; what the system call returns, with errno. */
ssize_t fault_run(const struct op *op);
