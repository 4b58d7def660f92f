/*
 * endpoints.c - what runtimed serves, as a table.
 *
 * Handles to images are receipts, not roads: a call that comes through one is refused, or a process
 * could reach endpoints that its own context denies.
 */
#include <stdio.h>
#include <stdlib.h>

#include "libipc/base/error.h"
#include "libipc/bootstore.h"
#include "libipc/name.h"
#include "runtimed/compile.h"
#include "runtimed/props.h"
#include "runtimed/resolve.h"
#include "runtimed/runtimed.h"

#define RIGHT_CALL 1u /* the least a handle can have */
#define ANSWER_MAX_BYTES (1u << 20)

static struct runtimed *runtimed_of(const struct request *request) {
        return request->service->userdata;
}

/* True when the request was refused. */
static bool refuse_image_context(struct request *request) {
        if (!request->context)
                return false;
        request_fail(request, STATUS_DENIED, "an image serves no calls");
        return true;
}

static int put_text_pair(struct buf *b, const char *key, const char *value) {
        int r = value_put_text(b, key);
        return r < 0 ? r : value_put_text(b, value);
}

static int put_integer_pair(struct buf *b, const char *key, int64_t value) {
        int r = value_put_text(b, key);
        return r < 0 ? r : value_put_integer(b, value);
}

/* {name=, size=, version=} */
static int put_image(struct buf *b, const struct image *image) {
        int r = value_put_map(b, 3);
        if (r == 0)
                r = put_text_pair(b, "name", image->chunk);
        if (r == 0)
                r = put_integer_pair(b, "size", (int64_t)image->size);
        if (r == 0)
                r = put_integer_pair(b, "version", image->version);
        return error_trace(r);
}

/*
 * code.check
 */

static bool get_name(char ret[LIMIT_NAME_BYTES + 1], const uint8_t *name, size_t len) {
        if (!name_is_valid(name, len))
                return false;
        snprintf(ret, LIMIT_NAME_BYTES + 1, "%.*s", (int)len, (const char *)name);
        return true;
}

static void check_props(struct request *request, const char *name, const void *text, size_t len) {
        char why[CONF_WHY_BYTES];
        int r = props_read(name, text, len, NULL, why);

        if (r == CONF_E_INVALID)
                request_fail(request, STATUS_BADCODE, "%s", why);
        else if (r < 0)
                request_fail(request, STATUS_LIMIT, "runtimed is out of memory");
        else
                request_answer(request, STATUS_OK, NULL);
}

static void check_source(struct request *request,
                         const char *name,
                         const uint8_t *source,
                         size_t len) {
        char chunk[LIMIT_NAME_BYTES + 2], message[COMPILE_MESSAGE_BYTES];

        snprintf(chunk, sizeof(chunk), "@%s", name);
        int r = compile_source(chunk, source, len, NULL, message);
        if (r == COMPILE_E_REFUSED)
                request_fail(request, STATUS_BADCODE, "%s", message);
        else if (r < 0)
                request_fail(request, STATUS_LIMIT, "runtimed is out of memory");
        else
                request_answer(request, STATUS_OK, NULL);
}

static void code_check(struct request *request) {
        const uint8_t *kind_name, *name, *source;
        char terminated[LIMIT_NAME_BYTES + 1];
        size_t kind_len, name_len, len;
        int kind;

        if (refuse_image_context(request))
                return;
        if (!value_get_bytes(&request->args, &kind_name, &kind_len) ||
            !value_get_bytes(&request->args, &name, &name_len) ||
            !value_get_bytes(&request->args, &source, &len) || !value_is_done(&request->args)) {
                request_fail_usage(request);
                return;
        }
        kind = store_kind_parse((const char *)kind_name, kind_len);
        if (kind < 0)
                request_fail(request, STATUS_BADARGS,
                             "kind must be program, library, runtime or props");
        else if (!get_name(terminated, name, name_len))
                request_fail(request, STATUS_BADARGS, "this is not a valid name");
        else if (kind == STORE_KIND_PROPS)
                check_props(request, terminated, source, len);
        else
                check_source(request, terminated, source, len);
}

/*
 * code.props
 */

static void code_props(struct request *request) {
        const uint8_t *name, *text;
        char terminated[LIMIT_NAME_BYTES + 1], why[CONF_WHY_BYTES];
        struct buf values;
        size_t name_len, len;
        int r;

        if (refuse_image_context(request))
                return;
        if (!value_get_bytes(&request->args, &name, &name_len) ||
            !value_get_bytes(&request->args, &text, &len) || !value_is_done(&request->args) ||
            !get_name(terminated, name, name_len)) {
                request_fail_usage(request);
                return;
        }
        buf_init(&values, ANSWER_MAX_BYTES);
        r = props_read(terminated, text, len, &values, why);
        if (r == CONF_E_INVALID)
                request_fail(request, STATUS_BADCODE, "%s", why);
        else if (r < 0)
                request_fail(request, STATUS_LIMIT, "runtimed is out of memory");
        else
                request_answer(request, STATUS_OK, &values);
        buf_deinit(&values);
}

/*
 * code.image and library.image: a delivery waits for all its images, then answers.
 */

struct delivery_part {
        struct fetch_want want;
        struct delivery *delivery;
        struct image *image; /* reference */
};

/* Owned by itself: freed when the last part has come and the request is answered. */
struct delivery {
        struct request *request;
        bool is_list;
        size_t n_parts, n_missing; /* missing: one more while parts are still being added */
        enum thox_status status;   /* of the first part that failed */
        char message[COMPILE_MESSAGE_BYTES];
        struct delivery_part parts[LIMIT_IMAGE_PARTS];
};

/* initd takes the handles off the frame; a program gets its one as a value. */
static int delivery_put(const struct delivery *d, struct buf *b) {
        int r = d->is_list ? value_put_array(b, d->n_parts) : 0;
        for (size_t i = 0; i < d->n_parts && r == 0; i++)
                r = put_image(b, d->parts[i].image);
        if (r == 0 && !d->is_list)
                r = value_put_cap(b, 0);
        return error_trace(r);
}

/* Nobody is there to use them when no answer will be sent. */
static int delivery_count_user(const struct delivery *d) {
        int r = 0;
        if (d->request->is_oneway || d->request->is_cancelled)
                return 0;
        for (size_t i = 0; i < d->n_parts && r == 0; i++)
                r = image_give(d->parts[i].image, d->request->pid);
        return error_trace(r);
}

static void delivery_send(struct delivery *d) {
        struct wire_cap caps[LIMIT_IMAGE_PARTS];
        int fds[LIMIT_IMAGE_PARTS];
        struct buf values;
        int r;

        buf_init(&values, LIMIT_FRAME_VALUES_BYTES);
        r = delivery_put(d, &values);
        if (r == 0)
                r = delivery_count_user(d);
        for (size_t i = 0; i < d->n_parts; i++) {
                caps[i] = (struct wire_cap){ d->parts[i].image->handle, RIGHT_CALL };
                fds[i] = d->parts[i].image->fd;
        }
        if (r == 0)
                request_answer_with(d->request, &values, fds, d->n_parts, caps, d->n_parts);
        else
                request_fail(d->request, STATUS_LIMIT, "runtimed is out of memory");
        buf_deinit(&values);
}

static void delivery_one_less(struct delivery *d) {
        if (--d->n_missing > 0)
                return;
        if (d->status == STATUS_OK)
                delivery_send(d);
        else
                request_fail(d->request, d->status, "%s", d->message);
        for (size_t i = 0; i < d->n_parts; i++)
                image_unref(d->parts[i].image);
        free(d);
}

static void on_part(struct fetch_want *want,
                    struct image *image,
                    enum thox_status status,
                    const char *message) {
        struct delivery_part *part = container_of(want, struct delivery_part, want);
        struct delivery *d = part->delivery;

        if (status == STATUS_OK) {
                part->image = image_ref(image);
        } else if (d->status == STATUS_OK) {
                d->status = status;
                snprintf(d->message, sizeof(d->message), "%s", message);
        }
        delivery_one_less(d);
}

/* NULL when the request was refused. */
static struct delivery *delivery_new(struct request *request, bool is_list) {
        struct delivery *d = calloc(1, sizeof(*d));
        if (!d) {
                request_fail(request, STATUS_LIMIT, "runtimed is out of memory");
                return NULL;
        }
        d->request = request;
        d->is_list = is_list;
        d->n_missing = 1;
        return d;
}

static struct fetch_want *delivery_add(struct delivery *d) {
        struct delivery_part *part = &d->parts[d->n_parts++];
        part->delivery = d;
        part->want.done = on_part;
        d->n_missing++;
        return &part->want;
}

static void deliver(struct delivery *d, const struct resolve_spec *spec) {
        struct fetcher *f = &runtimed_of(d->request)->fetcher;
        for (size_t i = 0; i < spec->n_parts; i++) {
                const struct resolve_part *part = &spec->parts[i];
                struct fetch_want *want = delivery_add(d);
                if (part->kind == IMAGE_KIND_CODE)
                        fetch_code(f, spec->chunk, spec->code, spec->code_len, want);
                else
                        fetch_stored(f, part->kind, part->name, part->name_len, want);
        }
        delivery_one_less(d);
}

static void code_image(struct request *request) {
        char message[RESOLVE_MESSAGE_BYTES];
        struct resolve_spec spec;

        if (refuse_image_context(request))
                return;
        if (request->pid != INITD_PID) {
                request_fail(request, STATUS_DENIED, "only initd starts programs; use process.run");
                return;
        }
        if (resolve_parse(&request->args, &spec, message) != 0) {
                request_fail(request, STATUS_BADARGS, "%s", message);
                return;
        }
        struct delivery *d = delivery_new(request, true);
        if (d)
                deliver(d, &spec);
}

static void library_image(struct request *request) {
        struct resolve_spec spec = { .n_parts = 1, .parts = { { .kind = IMAGE_KIND_LIBRARY } } };
        struct resolve_part *part = &spec.parts[0];

        if (refuse_image_context(request))
                return;
        if (!value_get_bytes(&request->args, &part->name, &part->name_len) ||
            !value_is_done(&request->args)) {
                request_fail_usage(request);
                return;
        }
        if (!name_is_valid(part->name, part->name_len)) {
                request_fail(request, STATUS_BADARGS, "this is not a library's name");
                return;
        }
        struct delivery *d = delivery_new(request, false);
        if (d)
                deliver(d, &spec);
}

/*
 * image.list
 */

static int put_listed(struct buf *b, const struct image *image) {
        int r = value_put_map(b, 5);
        if (r == 0)
                r = put_text_pair(b, "kind", image_kind_name(image->kind));
        if (r == 0)
                r = put_text_pair(b, "name", image_display(image));
        if (r == 0)
                r = put_integer_pair(b, "version", image->version);
        if (r == 0)
                r = put_integer_pair(b, "size", (int64_t)image->size);
        if (r == 0)
                r = put_integer_pair(b, "users", (int64_t)image_n_users(image));
        return error_trace(r);
}

static void image_list(struct request *request) {
        const struct image_cache *images = &runtimed_of(request)->images;
        struct buf values;
        int r;

        if (refuse_image_context(request))
                return;
        buf_init(&values, ANSWER_MAX_BYTES);
        r = value_put_array(&values, images->n_images);
        list_for_each(node, &images->all)
                if (r == 0)
                        r = put_listed(&values, container_of(node, struct image, all_link));
        if (r == 0)
                request_answer(request, STATUS_OK, &values);
        else
                request_fail(request, STATUS_LIMIT, "runtimed is out of memory");
        buf_deinit(&values);
}

const struct endpoint runtimed_endpoints[] = {
        { "code.check", code_check, "kind, name, source", false },
        { "code.image", code_image,
          "{program= or code=, [chunk=], [runtime=]} -> {{name=, size=, version=}, ...}", false },
        { "code.props", code_props,
          "name, text -> {services=} or {options=, [context=], after=, required=}", false },
        { "library.image", library_image, "name -> {name=, size=, version=}, handle", false },
        { "image.list", image_list, "-> {{kind=, name=, version=, size=, users=}, ...}", false },
};
const size_t runtimed_n_endpoints = ARRAY_SIZE(runtimed_endpoints);
