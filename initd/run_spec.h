/*
 * run_spec.h - what a caller of process.run asked for, checked and kept, so that the program can be
 * started again from it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "initd/run_properties.h"
#include "libipc/base/buf.h"
#include "libipc/base/macros.h"
#include "libipc/limits.h"
#include "libipc/status.h"

struct context;
struct native_request;

/* A context to be given to the program; holds a reference. */
struct run_context {
        char name[LIMIT_NAME_BYTES + 1];
        struct context *context;
        uint32_t rights;
};

/* When a program whose end nobody asked for is started again. */
enum run_restart {
        RUN_RESTART_NEVER,
        RUN_RESTART_ON_FAILURE,
        RUN_RESTART_ALWAYS,
        _RUN_RESTART_N,
};

/* Whom of its group a fallen program takes along; see siblings.h. */
enum run_group {
        RUN_GROUP_ALL,
        RUN_GROUP_REST,
        _RUN_GROUP_N,
};

struct run_spec {
        char name[LIMIT_NAME_BYTES + 1];
        char *program;          /* as asked for, "extended#hello" */
        bool is_stored;         /* a program of the store, not code that somebody sent */
        struct buf image;       /* the argument of code.image */
        struct buf args;        /* the program's arguments, a CBOR sequence */
        struct run_context ctx; /* the program's context 0 */
        struct run_context *contexts;
        size_t n_contexts;
        bool has_uid;
        uint32_t uid;
        bool is_invisible;
        bool is_detached;
        enum run_restart restart;
        uint64_t ready_us;                /* it must call os.ready within; 0: it is up at once */
        char group[LIMIT_NAME_BYTES + 1]; /* "": none */
        enum run_group group_restart;
        struct run_properties properties;
};

enum run_spec_error {
        RUN_SPEC_OK = 0,
        RUN_SPEC_E_REFUSED = 1, /* ret_refusal says why */
};

struct run_spec_refusal {
        enum thox_status status;
        char message[256];
};

/* From the arguments of a process.run. */
int run_spec_new(struct run_spec **ret,
                 struct native_request *request,
                 struct run_spec_refusal *ret_refusal);
/* A program of the store with nothing but a context, restarted on failure: init. */
int run_spec_new_program(struct run_spec **ret, const char *program, struct context *ctx);
struct run_spec *run_spec_free(struct run_spec *s);
DEFINE_CLEANUP(struct run_spec *, run_spec_free)
