/*
 * test_image.c - the cache of images: versions, users, what is kept and what goes. The service is a
 * fake that opens contexts when told to and remembers which were closed.
 */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "libipc/base/buf.h"
#include "libipc/base/fd.h"
#include "libipc/service.h"
#include "runtimed/image.h"

#define WORKER 17u
#define IMAGES_MAX 256u

static struct service service;
static struct image_cache cache;
static struct image *opened; /* by the last image_open */
static size_t n_refused;

/* The fake. */
static struct {
        void *context;
        service_context_fn *done;
} waiting;
static uint32_t last_handle;
static bool is_closed[4096];

int service_context_new(struct service *s,
                        const struct endpoint_table *table UNUSED,
                        void *context,
                        service_context_fn *done) {
        cr_assert_eq(s, &service);
        waiting.context = context;
        waiting.done = done;
        return 0;
}

void service_context_close(struct service *s, uint32_t handle) {
        cr_assert_eq(s, &service);
        is_closed[handle] = true;
}

static void setup(void) {
        image_cache_init(&cache, &service, IMAGES_MAX);
}

static void teardown(void) {
        image_cache_deinit(&cache);
}

TestSuite(image, .init = setup, .fini = teardown);

static void on_open(void *userdata, struct image *image) {
        cr_assert_eq(userdata, &cache);
        opened = image;
        if (!image)
                n_refused++;
}

static int begin(const struct image_key *key, const char *chunk, int64_t version) {
        uint8_t bytes[] = "binary";
        struct buf binary = { .data = bytes, .len = sizeof(bytes) };
        return image_open(&cache, key, chunk, version, &binary, on_open, &cache);
}

/* An open image with one reference. */
static struct image *open_version(const char *name, int64_t version) {
        struct image_key key = image_key_of_name(IMAGE_KIND_PROGRAM, name, strlen(name));
        char chunk[64];

        snprintf(chunk, sizeof(chunk), "@%s", name);
        cr_assert_eq(begin(&key, chunk, version), IMAGE_OK);
        waiting.done(&service, waiting.context, ++last_handle);
        return opened;
}

static struct image *find(const char *name) {
        struct image_key key = image_key_of_name(IMAGE_KIND_PROGRAM, name, strlen(name));
        return image_find(&cache, &key);
}

Test(image, an_open_image_is_found_sealed_and_named) {
        struct image *image = open_version("hello", 3);

        cr_expect_eq(find("hello"), image);
        cr_expect_eq(image->version, 3);
        cr_expect_str_eq(image->chunk, "@hello");
        cr_expect_str_eq(image_display(image), "hello");
        cr_expect_eq(fd_check_sealed(image->fd, image->size), 0);
        cr_expect_eq(write(image->fd, "x", 1), -1);
        image_unref(image);
}

Test(image, kinds_do_not_mix) {
        struct image *image = open_version("hello", 1);
        struct image_key key = image_key_of_name(IMAGE_KIND_LIBRARY, "hello", 5);
        cr_expect_null(image_find(&cache, &key));
        image_unref(image);
}

Test(image, it_is_not_found_before_its_context_is_open) {
        struct image_key key = image_key_of_name(IMAGE_KIND_PROGRAM, "a", 1);
        cr_assert_eq(begin(&key, "@a", 1), IMAGE_OK);
        cr_expect_null(find("a"));
        waiting.done(&service, waiting.context, 9);
        cr_expect_not_null(find("a"));
        image_unref(opened);
}

Test(image, a_refused_context_leaves_nothing) {
        struct image_key key = image_key_of_name(IMAGE_KIND_PROGRAM, "a", 1);
        cr_assert_eq(begin(&key, "@a", 1), IMAGE_OK);
        waiting.done(&service, waiting.context, 0);
        cr_expect_eq(n_refused, 1);
        cr_expect_eq(cache.n_images, 0);
}

Test(image, the_newest_without_users_is_kept) {
        open_version("a", 1);
        image_unref(find("a"));
        cr_expect_not_null(find("a"));
        cr_expect_eq(cache.n_unused, 1);
        cr_expect_not(is_closed[1]);
}

Test(image, a_newer_version_replaces_an_unused_one) {
        image_unref(open_version("a", 1));
        image_unref(open_version("a", 2));
        cr_expect(is_closed[1]);
        cr_expect_eq(find("a")->version, 2);
        cr_expect_eq(cache.n_images, 1);
}

Test(image, an_old_version_lives_until_its_last_user_is_gone) {
        /* row 118 */
        struct image *old = open_version("a", 1);
        cr_assert_eq(image_give(old, WORKER), 0);
        cr_assert_eq(image_give(old, WORKER + 1), 0);
        image_unref(old);
        image_unref(open_version("a", 2));

        cr_expect_not(is_closed[1]);
        cr_expect_eq(image_n_users(old), 2);
        image_on_closed(&service, old, WORKER);
        cr_expect_not(is_closed[1]);
        image_on_closed(&service, old, WORKER + 1);
        cr_expect(is_closed[1]);
        cr_expect_eq(cache.n_images, 1);
}

Test(image, a_process_counts_once_however_often_it_asks) {
        struct image *image = open_version("a", 1);
        image_give(image, WORKER);
        image_give(image, WORKER);
        cr_expect_eq(image_n_users(image), 1);
        image_on_closed(&service, image, WORKER);
        cr_expect_eq(image_n_users(image), 0);
        image_unref(image);
}

Test(image, what_initd_was_given_is_counted_when_the_process_opens_it) {
        struct image *image = open_version("a", 1);
        image_give(image, INITD_PID);
        image_unref(image);
        cr_expect_eq(image_n_users(image), 0);

        image_on_opened(&service, image, WORKER);
        cr_expect_eq(image_n_users(image), 1);
        cr_expect_eq(cache.n_unused, 0);
        image_on_closed(&service, image, WORKER);
        cr_expect_eq(cache.n_unused, 1);
}

Test(image, an_old_version_on_its_way_to_a_process_is_not_dropped) {
        struct image *old = open_version("a", 1);
        image_give(old, INITD_PID);
        image_unref(old);
        image_unref(open_version("a", 2));
        cr_expect_not(is_closed[1]);

        image_on_opened(&service, old, WORKER);
        image_on_closed(&service, old, WORKER);
        cr_expect(is_closed[1]);
}

Test(image, a_stranger_that_closes_changes_nothing) {
        struct image *image = open_version("a", 1);
        image_give(image, WORKER);
        image_on_closed(&service, image, WORKER + 5);
        cr_expect_eq(image_n_users(image), 1);
        image_unref(image);
}

Test(image, a_retired_image_is_not_found_and_goes_with_its_reference) {
        struct image *image = open_version("a", 1);
        image_retire(image);
        cr_expect_null(find("a"));
        cr_expect_not(is_closed[1]);
        image_unref(image);
        cr_expect(is_closed[1]);
}

Test(image, the_longest_unused_goes_first) {
        char name[16];
        for (unsigned int i = 0; i < LIMIT_IMAGES_UNUSED; i++) {
                snprintf(name, sizeof(name), "p%u", i);
                image_unref(open_version(name, 1));
        }
        image_unref(image_ref(find("p0"))); /* p0 was used last, p1 is the oldest now */
        cr_expect_eq(cache.n_unused, LIMIT_IMAGES_UNUSED);

        image_unref(open_version("another", 1));
        cr_expect_eq(cache.n_unused, LIMIT_IMAGES_UNUSED);
        cr_expect_not_null(find("p0"));
        cr_expect_null(find("p1"));
        cr_expect(is_closed[2]);
}

Test(image, images_in_use_are_limited_and_unused_ones_make_room) {
        char name[16];
        for (unsigned int i = 0; i < IMAGES_MAX; i++) {
                snprintf(name, sizeof(name), "p%u", i);
                open_version(name, 1);
        }
        struct image_key key = image_key_of_name(IMAGE_KIND_PROGRAM, "more", 4);
        cr_expect_eq(begin(&key, "@more", 1), IMAGE_E_LIMIT);

        image_unref(find("p7"));
        cr_expect_eq(begin(&key, "@more", 1), IMAGE_OK);
        cr_expect_null(find("p7"));
        waiting.done(&service, waiting.context, 0);
}

Test(image, code_is_found_by_content_and_chunk_name) {
        struct image_key a = image_key_of_code("@a.lua", "return 1", 8);
        struct image_key b = image_key_of_code("@a.lua", "return 2", 8);
        struct image_key c = image_key_of_code("@b.lua", "return 1", 8);

        cr_assert_eq(begin(&a, "@a.lua", 0), IMAGE_OK);
        waiting.done(&service, waiting.context, 5);
        cr_expect_eq(image_find(&cache, &a), opened);
        cr_expect_null(image_find(&cache, &b));
        cr_expect_null(image_find(&cache, &c));
        image_unref(opened);
}
