/*
 * runtimed.c - puts the parts together and runs the loop.
 */
#include "runtimed/runtimed.h"

#include "libipc/base/error.h"
#include "libipc/base/log.h"
#include "libipc/limits.h"

static int on_ready(UNUSED struct service *service) {
        log_debug("ready");
        return 0;
}

static int serve(struct runtimed *r) {
        int e = service_init(&r->service, &r->loop, "runtimed", runtimed_endpoints,
                             runtimed_n_endpoints, r);
        if (e < 0)
                return error_trace(e);

        r->service.on_ready = on_ready;
        r->service.on_opened = image_on_opened;
        r->service.on_closed = image_on_closed;
        image_cache_init(&r->images, &r->service, LIMIT_CONTEXTS_OWNED_DAEMON);
        fetcher_init(&r->fetcher, &r->service, &r->images);
        e = loop_run(&r->loop);

        /* The service finishes its calls first, which ends every fetch. */
        service_deinit(&r->service);
        fetcher_deinit(&r->fetcher);
        image_cache_deinit(&r->images);
        return error_trace(e);
}

int runtimed_run(void) {
        struct runtimed r;
        int e = loop_init(&r.loop);
        if (e < 0)
                return error_trace(e);
        e = serve(&r);
        loop_deinit(&r.loop);
        return error_trace(e);
}
