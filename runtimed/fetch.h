/*
 * fetch.h - from a key to an open image. For what lies in a store, storaged is asked each time which
 * version is current, and sends the source only when that is not the version of the image at hand.
 * So a start never runs code older than a set that was acknowledged before it, and a warm start
 * moves no source.
 *
 * Wishes for one key are answered together: one question is on its way at a time, and those that
 * come meanwhile wait for the next one, whose answer is fresh for them too.
 */
#pragma once

#include "libipc/base/list.h"
#include "libipc/base/table.h"
#include "libipc/status.h"
#include "runtimed/image.h"

struct service;

/* Owned by runtimed; one per daemon. */
struct fetcher {
        struct service *service;
        struct image_cache *images;
        struct table fetches; /* key -> struct fetch */
};

/* One wish; embedded in whatever waits. `done` runs exactly once, perhaps before fetch_stored or
 * fetch_code returns. With STATUS_OK the image is the callee's to image_ref; otherwise it is NULL and
 * the message, borrowed, says why. */
struct fetch_want {
        struct list link;
        void (*done)(struct fetch_want *want,
                     struct image *image,
                     enum thox_status status,
                     const char *message);
};

void fetcher_init(struct fetcher *f, struct service *service, struct image_cache *images);
/* Every wish must have been answered, or its owner be gone with it. */
void fetcher_deinit(struct fetcher *f);

/* `kind` is not code, `name` is valid. */
void fetch_stored(struct fetcher *f,
                  enum image_kind kind,
                  const void *name,
                  size_t len,
                  struct fetch_want *want);
/* The source is not needed after this returns. */
void fetch_code(struct fetcher *f,
                const char *chunk,
                const void *source,
                size_t len,
                struct fetch_want *want);
