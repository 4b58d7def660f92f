/*
 * image.c - the cache of images and the counting of their users.
 *
 * Invariants: 1. At most one image per key is the newest, and only that one is in the table. 2. An
 * image is in the list `unused` exactly when it has neither references nor users (and is open). 3. An
 * old image without references, users and promises does not exist: settle() frees it.
 */
#include "runtimed/image.h"

#include <assert.h>
#include <errno.h>
#include <sha2.h>
#include <stdlib.h>
#include <string.h>

#include "libipc/base/buf.h"
#include "libipc/base/error.h"
#include "libipc/base/fd.h"
#include "libipc/bootstore.h"
#include "libipc/service.h"

static const char *const kind_names[] = {
        [IMAGE_KIND_PROGRAM] = "program",
        [IMAGE_KIND_LIBRARY] = "library",
        [IMAGE_KIND_RUNTIME] = "runtime",
        [IMAGE_KIND_CODE] = "code",
};
static_assert(ARRAY_SIZE(kind_names) == _IMAGE_KIND_N, "a name for each kind");
static_assert((int)IMAGE_KIND_PROGRAM == (int)STORE_KIND_PROGRAM &&
                      (int)IMAGE_KIND_LIBRARY == (int)STORE_KIND_LIBRARY &&
                      (int)IMAGE_KIND_RUNTIME == (int)STORE_KIND_RUNTIME,
              "store kinds are image kinds");

const char *image_kind_name(enum image_kind kind) {
        return kind_names[kind];
}

struct image_key image_key_of_name(enum image_kind kind, const void *name, size_t len) {
        struct image_key key = { .len = 1 + len, .bytes = { (uint8_t)kind } };
        assert(len <= LIMIT_NAME_BYTES);
        memcpy(key.bytes + 1, name, len);
        return key;
}

struct image_key image_key_of_code(const char *chunk, const void *source, size_t len) {
        struct image_key key = { .len = 1 + SHA256_DIGEST_LENGTH,
                                 .bytes = { (uint8_t)IMAGE_KIND_CODE } };
        SHA2_CTX hash;

        SHA256Init(&hash);
        SHA256Update(&hash, (const uint8_t *)chunk, strlen(chunk) + 1);
        SHA256Update(&hash, source, len);
        SHA256Final(key.bytes + 1, &hash);
        return key;
}

void image_cache_init(struct image_cache *cache, struct service *service, size_t max_images) {
        *cache = (struct image_cache){ .service = service, .max_images = max_images };
        table_init(&cache->newest);
        list_init(&cache->all);
        list_init(&cache->unused);
}

struct image *image_find(const struct image_cache *cache, const struct image_key *key) {
        return table_find_name(&cache->newest, key->bytes, key->len);
}

static void leave_unused(struct image *image) {
        if (!image->is_unused)
                return;
        list_remove(&image->unused_link);
        image->is_unused = false;
        image->cache->n_unused--;
        image->cache->unused_bytes -= image->size;
}

static void enter_unused(struct image *image) {
        leave_unused(image);
        list_add_tail(&image->cache->unused, &image->unused_link);
        image->is_unused = true;
        image->cache->n_unused++;
        image->cache->unused_bytes += image->size;
}

static void forget_newest(struct image *image) {
        if (image->is_newest)
                table_remove_name(&image->cache->newest, image->key.bytes, image->key.len);
        image->is_newest = false;
}

static struct image *image_free(struct image *image) {
        if (!image)
                return NULL;
        forget_newest(image);
        leave_unused(image);
        list_remove(&image->all_link);
        image->cache->n_images--;
        if (image->handle != 0 && image->cache->service)
                service_context_close(image->cache->service, image->handle);

        size_t at = 0;
        for (void *pid; (pid = table_next(&image->users, &at));)
                table_remove_u64(&image->users, (uintptr_t)pid);
        table_deinit(&image->users);
        image->fd = fd_close(image->fd);
        free(image);
        return NULL;
}
DEFINE_CLEANUP(struct image *, image_free)

static struct image *longest_unused(struct image_cache *cache) {
        return container_of(cache->unused.next, struct image, unused_link);
}

/* After anything that may have ended its use; may free it, and others. */
static void settle(struct image *image) {
        struct image_cache *cache = image->cache;

        if (image->n_refs > 0 || image_n_users(image) > 0) {
                leave_unused(image);
                return;
        }
        if (!image->is_newest && image->n_promised == 0) {
                image_free(image);
                return;
        }

        enter_unused(image);
        while (cache->n_unused > LIMIT_IMAGES_UNUSED ||
               cache->unused_bytes > LIMIT_IMAGES_UNUSED_BYTES)
                image_free(longest_unused(cache));
}

void image_cache_deinit(struct image_cache *cache) {
        cache->service = NULL;
        list_for_each_safe(node, &cache->all)
                image_free(container_of(node, struct image, all_link));
        table_deinit(&cache->newest);
}

static int image_new(struct image **ret,
                     struct image_cache *cache,
                     const struct image_key *key,
                     const char *chunk,
                     int64_t version) {
        assert(strlen(chunk) <= LIMIT_CHUNK_BYTES);
        struct image *image = calloc(1, sizeof(*image));
        if (!image)
                return error_origin(ENOMEM);

        image->cache = cache;
        image->kind = key->bytes[0];
        image->version = version;
        image->fd = -1;
        image->key = *key;
        strcpy(image->chunk, chunk);
        table_init(&image->users);
        list_init(&image->unused_link);
        list_add_tail(&cache->all, &image->all_link);
        cache->n_images++;
        *ret = image;
        return 0;
}

static void on_context(UNUSED struct service *service, void *context, uint32_t handle) {
        struct image *image = context;
        if (handle == 0) {
                image->on_open(image->open_userdata, NULL);
                image_free(image);
                return;
        }

        image->handle = handle;
        struct image *old = image_find(image->cache, &image->key);
        if (old)
                image_retire(old);
        /* Without memory for the entry it serves once and is forgotten. */
        image->is_newest =
                table_add_name(&image->cache->newest, image->key.bytes, image->key.len, image) == 0;
        image->on_open(image->open_userdata, image);
}

int image_open(struct image_cache *cache,
               const struct image_key *key,
               const char *chunk,
               int64_t version,
               const struct buf *binary,
               void (*on_open)(void *userdata, struct image *image),
               void *userdata) {
        struct image *image CLEANUP(image_freep) = NULL;
        int r;

        if (cache->n_images >= cache->max_images && cache->n_unused > 0)
                image_free(longest_unused(cache));
        if (cache->n_images >= cache->max_images)
                return IMAGE_E_LIMIT;
        r = image_new(&image, cache, key, chunk, version);
        if (r < 0)
                return error_trace(r);

        image->fd = fd_new_sealed(image_display(image), binary->data, binary->len);
        if (image->fd < 0)
                return error_trace(image->fd);
        image->size = binary->len;
        image->n_refs = 1;
        image->on_open = on_open;
        image->open_userdata = userdata;
        r = service_context_new(cache->service, NULL, image, on_context);
        if (r < 0)
                return error_trace(r);
        take(image);
        return 0;
}

void image_retire(struct image *image) {
        forget_newest(image);
        settle(image);
}

struct image *image_ref(struct image *image) {
        image->n_refs++;
        leave_unused(image);
        return image;
}

struct image *image_unref(struct image *image) {
        if (image) {
                assert(image->n_refs > 0);
                image->n_refs--;
                settle(image);
        }
        return NULL;
}

static int add_user(struct image *image, uint32_t pid) {
        if (table_find_u64(&image->users, pid))
                return 0;
        return error_trace(table_add_u64(&image->users, pid, (void *)(uintptr_t)pid));
}

int image_give(struct image *image, uint32_t pid) {
        if (pid != INITD_PID)
                return add_user(image, pid);
        image->n_promised++;
        return 0;
}

void image_on_opened(UNUSED struct service *service, void *context, uint32_t pid) {
        struct image *image = context;

        /* On failure it stays promised, which keeps it as well. */
        if (add_user(image, pid) == 0 && image->n_promised > 0)
                image->n_promised--;
        settle(image);
}

void image_on_closed(UNUSED struct service *service, void *context, uint32_t pid) {
        struct image *image = context;
        if (table_remove_u64(&image->users, pid))
                settle(image);
}
