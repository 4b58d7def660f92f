/*
 * storaged.c - puts the parts together. Order matters: the disk is opened (and its check forked)
 * before there is a connection, and initd hears of our endpoints only when they can be served.
 */
#include "storaged/storaged.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>

#include "libipc/base/error.h"
#include "libipc/base/fd.h"
#include "storaged/endpoints.h"
#include "storaged/grant.h"

DEFINE_CLEANUP(struct storaged *, storaged_free)

static int storaged_on_terminate(struct loop_signal *signal, int number UNUSED) {
        loop_stop(signal->loop);
        return 0;
}

/* initd has verified the boot store already, and may have been told not to. */
static int storaged_open(struct storaged *s,
                         const char *store_dir,
                         const char *boot_dir,
                         char **ret_reason) {
        int r;

        if (boot_dir) {
                r = bootstore_new(&s->boot, boot_dir, false, ret_reason);
                if (r != BOOTSTORE_OK)
                        return r == BOOTSTORE_E_REFUSED ? STORAGED_E_REFUSED : error_fold(r);
        }
        r = disk_open(&s->disk, store_dir, ret_reason);
        if (r == DISK_E_DAMAGED)
                return STORAGED_E_DAMAGED;
        if (r != DISK_OK)
                return r == DISK_E_REFUSED ? STORAGED_E_REFUSED : error_fold(r);
        s->store = (struct store){ .disk = s->disk, .boot = s->boot };
        return STORAGED_OK;
}

static int storaged_connect_take(struct storaged *s, int *fd) {
        int r = loop_init(&s->loop);
        if (r < 0)
                return error_trace(r);
        s->has_loop = true;
        r = loop_signal_init(&s->terminate, &s->loop, SIGTERM, storaged_on_terminate);
        if (r < 0)
                return error_trace(r);
        s->has_signal = true;
        r = data_init(&s->data, &s->loop, &s->writer, s->disk);
        if (r < 0)
                return error_trace(r);
        r = service_init_take(&s->service, *fd, &s->loop, "storaged", endpoints, n_endpoints, s);
        *fd = -1;
        if (r < 0)
                return error_trace(r);
        s->has_service = true;
        operation_init(&s->operation, &s->loop, s->disk, &s->writer);
        s->service.on_opened = grant_on_opened;
        s->service.on_closed = grant_on_closed;
        return 0;
}

int storaged_new_take(struct storaged **ret,
                      int fd,
                      const char *store_dir,
                      const char *boot_dir,
                      char **ret_reason) {
        struct storaged *s CLEANUP(storaged_freep) = calloc(1, sizeof(*s));
        int initd CLEANUP(fd_closep) = fd;
        int r;

        if (!s)
                return error_origin(ENOMEM);
        list_init(&s->grants);
        writer_init(&s->writer, &s->loop);
        intake_init(&s->intake, &s->store, &s->service, &s->writer, &s->data);
        r = storaged_open(s, store_dir, boot_dir, ret_reason);
        if (r != STORAGED_OK)
                return r;
        r = storaged_connect_take(s, &initd);
        if (r < 0)
                return error_trace(r);
        *ret = take(s);
        return STORAGED_OK;
}

struct storaged *storaged_free(struct storaged *s) {
        if (!s)
                return NULL;
        operation_deinit(&s->operation);
        if (s->has_service)
                service_deinit(&s->service);
        intake_deinit(&s->intake);
        grant_free_all(&s->grants);
        data_deinit(&s->data);
        writer_deinit(&s->writer);
        if (s->has_signal)
                loop_signal_deinit(&s->terminate);
        if (s->has_loop)
                loop_deinit(&s->loop);
        s->disk = disk_close(s->disk);
        s->boot = bootstore_free(s->boot);
        free(s);
        return NULL;
}

int storaged_run(struct storaged *s) {
        return error_trace(loop_run(&s->loop));
}
