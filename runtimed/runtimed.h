/*
 * runtimed.h - the daemon that turns source into images that workers can load.
 *
 * It trusts nobody's source: it parses and compiles text, within bounds, and never runs any.
 */
#pragma once

#include "libipc/loop.h"
#include "libipc/service.h"
#include "runtimed/fetch.h"
#include "runtimed/image.h"

struct runtimed {
        struct loop loop;
        struct service service;
        struct image_cache images;
        struct fetcher fetcher;
};

/* Serves until initd is gone. 0, or -errno. */
int runtimed_run(void);

/* endpoints.c */
extern const struct endpoint runtimed_endpoints[];
extern const size_t runtimed_n_endpoints;
