/*
 * image.h - compiled chunks in sealed memfds, and who uses them.
 *
 * One image is one version of a program, library or runtime, or one piece of code. The cache finds
 * the newest version of each; older ones live until their last user is gone. Every image has a context
 * of runtimed's: whoever holds a handle to it is a user, and initd tells when that ends, however it
 * ends.
 *
 *   image_open --> opening --> newest: in use <--> unused (kept, the longest unused goes first)
 *                     |           | image_retire, or a newer one opens
 *                     v           v
 *                  (refused)    old: in use ---> (freed)
 *
 * Images stay where they are while their maker or an answer in the making holds a reference.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "libipc/base/list.h"
#include "libipc/base/table.h"
#include "libipc/limits.h"

struct buf;
struct service;

/* The pid that calls of initd's own carry. */
#define INITD_PID 1u

/* The first three are those of enum store_kind. */
enum image_kind {
        IMAGE_KIND_PROGRAM,
        IMAGE_KIND_LIBRARY,
        IMAGE_KIND_RUNTIME,
        IMAGE_KIND_CODE, /* bytes that are in no store */
        _IMAGE_KIND_N,
};
const char *image_kind_name(enum image_kind kind);

/* What finds an image: its kind, and its name or (code) the hash of its content. */
struct image_key {
        size_t len;
        uint8_t bytes[1 + LIMIT_NAME_BYTES];
};
/* `name` is a valid name. */
struct image_key image_key_of_name(enum image_kind kind, const void *name, size_t len);
/* The same source under another chunk name is another image: the name is in the binary. */
struct image_key image_key_of_code(const char *chunk, const void *source, size_t len);

struct image_cache {
        struct service *service;
        struct table newest; /* key -> image */
        struct list all;     /* every open image, oldest first */
        struct list unused;  /* those without users, the longest unused first */
        size_t n_images, n_unused, unused_bytes;
        size_t max_images;
};

/* Owned by the cache; linked in `all`, and in `unused` while nobody uses it. */
struct image {
        struct image_cache *cache;
        struct list all_link, unused_link;
        enum image_kind kind;
        int64_t version; /* of the store's entry; 0 for code */
        bool is_newest, is_unused;
        uint32_t handle; /* of its context */
        int fd;
        size_t size;
        size_t n_refs;      /* taken inside runtimed */
        size_t n_promised;  /* given to initd for a process that has not been seen yet */
        struct table users; /* pid -> the image itself */
        struct image_key key;
        char chunk[LIMIT_CHUNK_BYTES + 1]; /* Lua's chunk name, "@hello" */
        void (*on_open)(void *userdata, struct image *image);
        void *open_userdata;
};

/* At most `max_images` are open at a time, each with a descriptor and a context. */
void image_cache_init(struct image_cache *cache, struct service *service, size_t max_images);
void image_cache_deinit(struct image_cache *cache);

/* The newest image of a key; NULL when there is none. */
struct image *image_find(const struct image_cache *cache, const struct image_key *key);

enum image_error {
        IMAGE_OK = 0,
        IMAGE_E_LIMIT = 1, /* cache->max_images are in use */
};

/* Seals the binary into a new image that takes the place of the key's newest one. `on_open` runs once,
 * later, with the image and a reference to it, or NULL when initd refused the context. It does not run
 * when this fails. */
int image_open(struct image_cache *cache,
               const struct image_key *key,
               const char *chunk,
               int64_t version,
               const struct buf *binary,
               void (*on_open)(void *userdata, struct image *image),
               void *userdata);

/* The store no longer has it in this version. */
void image_retire(struct image *image);

struct image *image_ref(struct image *image);
struct image *image_unref(struct image *image); /* returns NULL */

/* A process will use it: `pid` itself was given a handle, or initd for a process it starts. */
int image_give(struct image *image, uint32_t pid);
/* For service->on_opened and ->on_closed; `context` is the image. */
void image_on_opened(struct service *service, void *context, uint32_t pid);
void image_on_closed(struct service *service, void *context, uint32_t pid);

static inline size_t image_n_users(const struct image *image) {
        return image->users.n_used;
}
/* Its name for people: without the mark at the front of the chunk name. */
static inline const char *image_display(const struct image *image) {
        return image->chunk[0] == '@' || image->chunk[0] == '=' ? image->chunk + 1 : image->chunk;
}
