/*
 * fetch.c - rounds of asking storaged, compiling and opening.
 *
 *   fetch_stored --> asking --(same version)-----------------------> round over: every wish of it is
 *                      |                                        ^    answered; wishes that came late
 *                      +--(another)--> compile --> opening -----+    start the next round
 *
 * A round ends in round_finish, whatever happens.
 */
#include "runtimed/fetch.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libipc/base/error.h"
#include "libipc/base/log.h"
#include "libipc/service.h"
#include "runtimed/compile.h"

#define FETCH_MESSAGE_BYTES COMPILE_MESSAGE_BYTES

/* Binaries of the longest source, with room to spare. */
#define BINARY_MAX_BYTES (64u << 20)

static const char *const get_endpoints[] = {
        [IMAGE_KIND_PROGRAM] = "program.get",
        [IMAGE_KIND_LIBRARY] = "library.get",
        [IMAGE_KIND_RUNTIME] = "runtime.get",
};

/* Owned by the fetcher's table, while a round is on. */
struct fetch {
        struct fetcher *fetcher;
        struct image_key key;
        struct list asked;   /* struct fetch_want of this round */
        struct list late;    /* those of the next */
        struct image *known; /* reference; the image that storaged was told about */
};

static void ask(struct fetch *fetch);

void fetcher_init(struct fetcher *f, struct service *service, struct image_cache *images) {
        *f = (struct fetcher){ .service = service, .images = images };
        table_init(&f->fetches);
}

void fetcher_deinit(struct fetcher *f) {
        table_deinit(&f->fetches);
}

static struct fetch *fetch_free(struct fetch *fetch) {
        if (!fetch)
                return NULL;
        table_remove_name(&fetch->fetcher->fetches, fetch->key.bytes, fetch->key.len);
        free(fetch);
        return NULL;
}

static int fetch_new(struct fetch **ret, struct fetcher *f, const struct image_key *key) {
        struct fetch *fetch = calloc(1, sizeof(*fetch));
        if (!fetch)
                return error_origin(ENOMEM);
        fetch->fetcher = f;
        fetch->key = *key;
        list_init(&fetch->asked);
        list_init(&fetch->late);

        int r = table_add_name(&f->fetches, fetch->key.bytes, fetch->key.len, fetch);
        if (r < 0) {
                free(fetch);
                return error_trace(r);
        }
        *ret = fetch;
        return 0;
}

static struct fetch_want *first_want(struct list *wants) {
        return container_of(wants->next, struct fetch_want, link);
}

/* The round's own reference to the image, if there is one, stays the caller's. */
static void round_finish(struct fetch *fetch,
                         struct image *image,
                         enum thox_status status,
                         const char *message) {
        while (!list_is_empty(&fetch->asked)) {
                struct fetch_want *want = first_want(&fetch->asked);
                list_remove(&want->link);
                want->done(want, image, status, message);
        }

        fetch->known = image_unref(fetch->known);
        if (list_is_empty(&fetch->late)) {
                fetch_free(fetch);
                return;
        }
        list_move_all(&fetch->asked, &fetch->late);
        ask(fetch);
}

static const char no_room[] = "runtimed is out of memory or descriptors";

/* At the end of the tree there is nobody left to ask, which is nothing to tell. */
static void log_failure(const struct fetcher *f, int r) {
        if (!f->service->is_closing)
                log_warn("cannot make an image, refusing it errno=%d trace=%s", -r,
                         error_describe());
}

static void round_fail(struct fetch *fetch, int r) {
        log_failure(fetch->fetcher, r);
        round_finish(fetch, NULL, STATUS_LIMIT, no_room);
}

static void on_open(void *userdata, struct image *image) {
        struct fetch *fetch = userdata;
        if (!image) {
                round_finish(fetch, NULL, STATUS_LIMIT, "initd has no room for another image");
                return;
        }
        round_finish(fetch, image, STATUS_OK, NULL);
        image_unref(image);
}

static void open_image(struct fetch *fetch,
                       const char *chunk,
                       int64_t version,
                       const struct buf *binary) {
        char message[FETCH_MESSAGE_BYTES];
        int r = image_open(fetch->fetcher->images, &fetch->key, chunk, version, binary, on_open,
                           fetch);
        if (r < 0)
                round_fail(fetch, r);
        if (r == IMAGE_E_LIMIT) {
                snprintf(message, sizeof(message),
                         "%zu different pieces of code are in use already",
                         fetch->fetcher->images->max_images);
                round_finish(fetch, NULL, STATUS_LIMIT, message);
        }
}

static void compile_and_open(
        struct fetch *fetch, const char *chunk, int64_t version, const void *source, size_t len) {
        char message[FETCH_MESSAGE_BYTES];
        struct buf binary;

        buf_init(&binary, BINARY_MAX_BYTES);
        int r = compile_source(chunk, source, len, &binary, message);
        if (r == 0)
                open_image(fetch, chunk, version, &binary);
        else if (r == COMPILE_E_REFUSED)
                round_finish(fetch, NULL, STATUS_BADCODE, message);
        else
                round_fail(fetch, r);
        buf_deinit(&binary);
}

/*
 * Asking storaged.
 */

static enum image_kind fetch_kind(const struct fetch *fetch) {
        return fetch->key.bytes[0];
}

static int fetch_name_len(const struct fetch *fetch) {
        return (int)fetch->key.len - 1;
}

/* The store's own words, which name the kind and the name. */
static void on_refusal(struct fetch *fetch, enum thox_status status, struct value_reader *values) {
        char message[FETCH_MESSAGE_BYTES];
        const uint8_t *why = (const uint8_t *)status_text(status);
        size_t why_len = strlen(status_text(status));

        value_get_bytes(values, &why, &why_len);
        snprintf(message, sizeof(message), "%.*s", (int)why_len, why);
        if (status == STATUS_NOTFOUND && fetch->known)
                image_retire(fetch->known);
        round_finish(fetch, NULL, status, message);
}

static void on_answer(UNUSED struct service *s,
                      void *userdata,
                      enum thox_status status,
                      struct value_reader *values) {
        struct fetch *fetch = userdata;
        const uint8_t *source = NULL;
        size_t len = 0;
        int64_t version;
        char chunk[LIMIT_NAME_BYTES + 2];

        if (status != STATUS_OK) {
                on_refusal(fetch, status, values);
                return;
        }
        bool is_known = value_get_bytes_opt(values, &source, &len) &&
                        value_get_integer(values, &version) && fetch->known &&
                        fetch->known->version == version;
        if (is_known) {
                round_finish(fetch, fetch->known, STATUS_OK, NULL);
                return;
        }
        if (!source || !value_is_done(values)) {
                round_finish(fetch, NULL, STATUS_PROTO, "the store's answer is malformed");
                return;
        }

        snprintf(chunk, sizeof(chunk), "@%.*s", fetch_name_len(fetch), fetch->key.bytes + 1);
        compile_and_open(fetch, chunk, version, source, len);
}

/* name, or name, nil, known version */
static int put_question(struct buf *b, const struct fetch *fetch) {
        int r = value_put_bytes(b, fetch->key.bytes + 1, fetch->key.len - 1);
        if (r == 0 && fetch->known) {
                r = value_put_nil(b);
                if (r == 0)
                        r = value_put_integer(b, fetch->known->version);
        }
        return error_trace(r);
}

static void ask(struct fetch *fetch) {
        struct image *known = image_find(fetch->fetcher->images, &fetch->key);
        struct buf question;

        if (known)
                fetch->known = image_ref(known);
        buf_init(&question, LIMIT_FRAME_VALUES_BYTES);
        int r = put_question(&question, fetch);
        if (r == 0)
                r = service_call(fetch->fetcher->service, get_endpoints[fetch_kind(fetch)],
                                 &question, on_answer, fetch);
        buf_deinit(&question);
        if (r < 0)
                round_fail(fetch, r);
}

/* A round of its own for the key; NULL: the wish has been refused. */
static struct fetch *begin(struct fetcher *f,
                           const struct image_key *key,
                           struct fetch_want *want) {
        struct fetch *fetch;
        int r = fetch_new(&fetch, f, key);
        if (r < 0) {
                log_failure(f, r);
                want->done(want, NULL, STATUS_LIMIT, no_room);
                return NULL;
        }
        list_add_tail(&fetch->asked, &want->link);
        return fetch;
}

void fetch_stored(struct fetcher *f,
                  enum image_kind kind,
                  const void *name,
                  size_t len,
                  struct fetch_want *want) {
        struct image_key key = image_key_of_name(kind, name, len);
        struct fetch *fetch = table_find_name(&f->fetches, key.bytes, key.len);
        if (fetch) {
                list_add_tail(&fetch->late, &want->link);
                return;
        }

        fetch = begin(f, &key, want);
        if (fetch)
                ask(fetch);
}

void fetch_code(struct fetcher *f,
                const char *chunk,
                const void *source,
                size_t len,
                struct fetch_want *want) {
        struct image_key key = image_key_of_code(chunk, source, len);
        struct image *image = image_find(f->images, &key);
        if (image) {
                want->done(want, image, STATUS_OK, NULL);
                return;
        }

        /* The same content: the round that is on answers this wish as well. */
        struct fetch *fetch = table_find_name(&f->fetches, key.bytes, key.len);
        if (fetch) {
                list_add_tail(&fetch->asked, &want->link);
                return;
        }
        fetch = begin(f, &key, want);
        if (fetch)
                compile_and_open(fetch, chunk, 0, source, len);
}
