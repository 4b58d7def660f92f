/*
 * request.h - one call that a daemon serves, from its first frame to its answer. Part of the
 * service skeleton; daemons include libipc/service.h.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "libipc/base/buf.h"
#include "libipc/base/list.h"
#include "libipc/base/macros.h"
#include "libipc/status.h"
#include "libipc/value.h"
#include "libipc/wire.h"

struct endpoint;
struct service;

/* Owned by the service; alive until answered (request_answer*, request_fail) or until its cancel
 * callback returns. */
struct request {
        struct service *service;
        const struct endpoint *endpoint;
        uint64_t cid;
        uint32_t pid, uid; /* the caller, stamped by initd */
        uint32_t handle;   /* our number of the context it came through */
        bool is_oneway, is_cancelled;
        struct value_reader args;    /* positioned at the first value */
        const struct wire_cap *caps; /* handles that came with the arguments, our numbers */
        size_t n_caps;
        int fd;         /* that came with them, for an endpoint that takes one; -1: none */
        void *context;  /* see service_context_new; NULL: the native context */
        void *userdata; /* the handler's own, for answers given later */
        /* The caller is gone or withdrew: release userdata and forget the request, which cannot be
         * answered any more. Without this callback it stays until it is answered (in vain). */
        void (*on_cancel)(struct request *request);

        struct buf values; /* private: the assembled arguments */
        bool is_running;   /* private: its handler has it */
        bool is_overlong;  /* private: they exceed LIMIT_MESSAGE_BYTES */
        struct list link;  /* private */
};

/* Answers; the request is gone afterwards. `values` is a CBOR sequence, or NULL for none. */
void request_answer(struct request *request, enum thox_status status, const struct buf *values);
/* Anything but OK, with a message for people. */
void request_fail(struct request *request, enum thox_status status, const char *fmt, ...)
        PRINTF_LIKE(3, 4);
/* BADARGS with the endpoint's usage: "usage: program.get name [version] -> bytes, version". */
void request_fail_usage(struct request *request);
/* OK with values, descriptors (borrowed) and handles of ours to give away. */
void request_answer_with(struct request *request,
                         const struct buf *values,
                         const int *fds,
                         size_t n_fds,
                         const struct wire_cap *caps,
                         size_t n_caps);

/* The descriptor becomes the caller's. */
int request_take_fd(struct request *request);

/* For service.c: a Call or Cancel arrived; the requests that wait for room in the output; the end.
 * 0 or -errno. */
int request_on_call(struct service *s, const struct wire_frame *frame);
int request_on_cancel(struct service *s, uint64_t cid);
void request_run_backlog(struct service *s);
void request_cancel_all(struct service *s);
