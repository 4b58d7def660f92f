/*
 * storaged.h - the daemon that keeps programs, libraries and runtimes.
 */
#pragma once

#include "libipc/base/list.h"
#include "libipc/bootstore.h"
#include "libipc/loop.h"
#include "libipc/service.h"
#include "storaged/data.h"
#include "storaged/intake.h"
#include "storaged/operation.h"
#include "storaged/store.h"
#include "storaged/writer.h"

struct storaged {
        struct loop loop;
        struct loop_signal terminate;
        struct service service;
        struct bootstore *boot;
        struct disk *disk;
        struct store store;
        struct writer writer;
        struct intake intake;
        struct data data;
        struct operation operation;
        struct list grants; /* struct grant, owned */
        bool has_loop, has_signal, has_service;
};

enum storaged_error {
        STORAGED_OK = 0,
        STORAGED_E_REFUSED = REFUSAL, /* a store cannot be used; a person must act */
        STORAGED_E_DAMAGED = 2,       /* likewise, and that is why */
};

/* Opens the stores, then speaks to initd on `fd`, which is taken, also on failure. `boot_dir` may be
 * NULL. On both *ret_reason is a malloc'd sentence. */
int storaged_new_take(struct storaged **ret,
                      int fd,
                      const char *store_dir,
                      const char *boot_dir,
                      char **ret_reason);
struct storaged *storaged_free(struct storaged *s);

/* Until initd goes (0), SIGTERM (0) or an error. */
int storaged_run(struct storaged *s);
