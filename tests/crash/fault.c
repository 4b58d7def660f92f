/*
 * fault.c - see fault.h. Signals and errors come at the call, never later, so that a run with the same
 * number ends at the same place.
 */
#include "tests/crash/fault.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "libipc/base/macros.h"
#include "tests/crash/record.h"

#define PIECES_MAX 1024

enum action {
        ACTION_NONE,
        ACTION_KILL,  /* the process ends before the call */
        ACTION_DONE,  /* after it */
        ACTION_TORN,  /* after half of what was to be written */
        ACTION_SHORT, /* half is written, and the call says so */
        ACTION_EIO,
        ACTION_ENOSPC,
        ACTION_BROKEN, /* EIO from that call on */
        _ACTION_N,
};

#define KIND(k) (1u << (k))
#define ON_FILES (KIND(OP_WRITE) | KIND(OP_SYNC) | KIND(OP_LENGTH) | KIND(OP_NAME))

static const struct {
        const char *name;
        unsigned int kinds; /* that are counted for it */
} actions[_ACTION_N] = {
        [ACTION_NONE] = { "none", 0 },
        [ACTION_KILL] = { "kill", ON_FILES | KIND(OP_SEND) },
        [ACTION_DONE] = { "done", ON_FILES | KIND(OP_SEND) },
        [ACTION_TORN] = { "torn", KIND(OP_WRITE) },
        [ACTION_SHORT] = { "short", KIND(OP_WRITE) },
        [ACTION_EIO] = { "eio", ON_FILES },
        [ACTION_ENOSPC] = { "enospc", KIND(OP_WRITE) | KIND(OP_LENGTH) | KIND(OP_NAME) },
        [ACTION_BROKEN] = { "broken", ON_FILES },
};

static struct {
        enum action action;
        int at;
        int *n_calls; /* shared with children */
        char path[PATH_MAX];
} fault;

static void fault_parse(FILE *file) {
        char name[16];

        if (fscanf(file, "%15s %d", name, &fault.at) != 2)
                abort();
        while (fault.action < _ACTION_N && strcmp(actions[fault.action].name, name) != 0)
                fault.action++;
        if (fault.action == _ACTION_N)
                abort();
}

__attribute__((constructor)) static void fault_init(void) {
        const char *path = getenv("THOX_FAULT");
        FILE *file = path ? fopen(path, "re") : NULL;

        if (!file)
                return;
        snprintf(fault.path, sizeof(fault.path), "%s", path);
        fault.n_calls = mmap(NULL, sizeof(*fault.n_calls), PROT_READ | PROT_WRITE,
                             MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        if (fault.n_calls == MAP_FAILED)
                abort();
        fault_parse(file);
        fclose(file);
}

/* What lies in memory only is gone with the process, and no disk fails under it. */
static bool is_memory(int fd) {
        static const char prefix[] = "/memfd:";
        char link[32], target[sizeof(prefix)];

        snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
        return readlink(link, target, sizeof(target)) == (ssize_t)sizeof(target) &&
               memcmp(target, prefix, sizeof(prefix) - 1) == 0;
}

/* Pipes, terminals and logs are written to like files. */
static bool op_is_on_file(const struct op *op) {
        struct stat st;

        if (op->kind == OP_NAME)
                return strncmp(op->path, "/proc/", 6) != 0;
        return op->fd > STDERR_FILENO && fstat(op->fd, &st) == 0 &&
               (S_ISREG(st.st_mode) || S_ISDIR(st.st_mode)) && !is_memory(op->fd);
}

static enum action fault_due(const struct op *op) {
        int n;

        if ((actions[fault.action].kinds & KIND(op->kind)) == 0)
                return ACTION_NONE;
        n = __atomic_add_fetch(fault.n_calls, 1, __ATOMIC_SEQ_CST);
        if (n == fault.at)
                syscall(SYS_unlink, fault.path);
        if (n == fault.at || (fault.action == ACTION_BROKEN && n > fault.at))
                return fault.action;
        return ACTION_NONE;
}

static void die(void) {
        raise(SIGKILL);
}

static ssize_t fail(int error) {
        errno = error;
        return -1;
}

/* The first half of what is to be written. */
static ssize_t run_half(const struct op *op) {
        struct iovec pieces[PIECES_MAX];
        struct op half = *op;
        size_t left = 0;

        for (int i = 0; i < op->n_pieces; i++)
                left += op->pieces[i].iov_len;
        left /= 2;
        half.pieces = pieces;
        for (half.n_pieces = 0; left > 0; half.n_pieces++) {
                pieces[half.n_pieces] = op->pieces[half.n_pieces];
                if (pieces[half.n_pieces].iov_len > left)
                        pieces[half.n_pieces].iov_len = left;
                left -= pieces[half.n_pieces].iov_len;
        }
        return half.run(&half);
}

static ssize_t run_fate(const struct op *op, enum action action) {
        ssize_t r;

        switch (action) {
        case ACTION_KILL:
                die();
                return fail(EINTR);
        case ACTION_EIO:
        case ACTION_BROKEN:
                return fail(EIO);
        case ACTION_ENOSPC:
                return fail(ENOSPC);
        case ACTION_SHORT:
                return run_half(op);
        case ACTION_TORN:
                r = run_half(op);
                die();
                return r;
        default:
                r = op->run(op);
                die();
                return r;
        }
}

ssize_t fault_run(const struct op *op) {
        off_t at = op->offset;
        enum action action;
        ssize_t r;

        if (op->kind != OP_SEND && !op_is_on_file(op))
                return op->run(op);
        action = fault_due(op);
        if (action != ACTION_NONE)
                return run_fate(op, action);
        if (op->kind == OP_WRITE && at < 0)
                at = lseek(op->fd, 0, SEEK_CUR);
        r = op->run(op);
        if (r >= 0)
                record_op(op, at, r);
        return r;
}
