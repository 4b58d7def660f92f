/*
 * run_spec.c - see run_spec.h. One table of keys; each key's parser takes one value.
 */
#include "initd/run_spec.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "initd/context.h"
#include "initd/handle.h"
#include "initd/native.h"
#include "initd/peer.h"
#include "initd/run_parse.h"
#include "libipc/base/error.h"
#include "libipc/name.h"

static int spec_get_context(struct run_parse *p, struct run_context *ret) {
        uint32_t index;
        if (!value_get_cap(p->reader, &index))
                return run_parse_want(p, "a context");

        struct handle *h = native_cap(p->request, index);
        if (!h || h->context->is_dead)
                return run_parse_refuse(p, STATUS_BADCTX, "%s: no such context in this process",
                                        p->key);
        if ((h->rights & HANDLE_RIGHT_SHARE) == 0)
                return run_parse_refuse(p, STATUS_DENIED, "%s: this context may not be shared",
                                        p->key);
        ret->context = context_ref(h->context);
        ret->rights = h->rights;
        return 0;
}

/* ---- keys ---------------------------------------------------------------------------------- */

static int parse_program(struct run_parse *p) {
        return run_parse_bytes(p, &p->program, &p->program_len);
}

static int parse_code(struct run_parse *p) {
        int r = run_parse_bytes(p, &p->code, &p->code_len);
        if (r == 0 && p->code_len > LIMIT_SOURCE_BYTES)
                return run_parse_refuse(p, STATUS_LIMIT, "code: longer than %u bytes",
                                        LIMIT_SOURCE_BYTES);
        return r;
}

static int parse_chunk(struct run_parse *p) {
        return run_parse_bytes(p, &p->chunk, &p->chunk_len);
}

static int parse_runtime(struct run_parse *p) {
        return run_parse_bytes(p, &p->runtime, &p->runtime_len);
}

static int parse_name(struct run_parse *p) {
        int r = run_parse_bytes(p, &p->name, &p->name_len);
        if (r == 0 && !name_is_valid(p->name, p->name_len))
                return run_parse_refuse(p, STATUS_BADARGS, "name: is not a valid name");
        return r;
}

/* Skips one item that must not contain handles: they would mean nothing at the receiver. */
static int spec_skip_plain(struct run_parse *p) {
        size_t depth = p->reader->depth;
        struct value v;
        do {
                if (value_next(p->reader, &v) != VALUE_OK)
                        return run_parse_refuse(p, STATUS_BADARGS, "args: %s",
                                                p->reader->error ? p->reader->error :
                                                                   "not complete");
                if (v.type == VALUE_CAP)
                        return run_parse_refuse(p, STATUS_BADARGS,
                                                "args: contexts belong in contexts = {...}");
        } while (p->reader->depth > depth);
        return 0;
}

static int parse_args(struct run_parse *p) {
        struct value list;
        struct value_reader before = *p->reader;
        if (value_next(p->reader, &list) != VALUE_OK)
                return run_parse_want(p, "a list");
        if (list.type == VALUE_MAP && list.size == 0)
                return 0;
        if (list.type != VALUE_ARRAY)
                return run_parse_want(p, "a list without holes");

        const uint8_t *start = p->reader->at;
        *p->reader = before;
        int r = spec_skip_plain(p);
        if (r != 0)
                return r;

        /* The items alone, without the break byte that ends an indefinite list. */
        size_t len = (size_t)(p->reader->at - start);
        if (list.size == VALUE_INDEFINITE)
                len--;
        if (len > LIMIT_FRAME_VALUES_BYTES)
                return run_parse_refuse(p, STATUS_LIMIT, "args: %zu bytes are more than %u", len,
                                        LIMIT_FRAME_VALUES_BYTES);
        return error_trace(buf_add(&p->spec->args, start, len));
}

static int parse_ctx(struct run_parse *p) {
        return spec_get_context(p, &p->spec->ctx);
}

static int spec_add_context(struct run_parse *p, const char *name) {
        struct run_spec *spec = p->spec;
        if (spec->n_contexts >= LIMIT_RUN_CONTEXTS)
                return run_parse_refuse(p, STATUS_LIMIT, "contexts: more than %u",
                                        LIMIT_RUN_CONTEXTS);

        struct run_context *grown =
                realloc(spec->contexts, (spec->n_contexts + 1) * sizeof(*grown));
        if (!grown)
                return error_origin(ENOMEM);
        spec->contexts = grown;
        struct run_context *c = &grown[spec->n_contexts];
        *c = (struct run_context){ 0 };
        snprintf(c->name, sizeof(c->name), "%s", name);

        p->key = name;
        int r = spec_get_context(p, c);
        if (r == 0)
                spec->n_contexts++;
        return r;
}

static int parse_contexts(struct run_parse *p) {
        struct value_reader before = *p->reader;
        struct value v;
        if (value_next(p->reader, &v) != VALUE_OK)
                return run_parse_want(p, "a table of contexts");
        if (v.type == VALUE_ARRAY && v.size == 0)
                return 0;
        *p->reader = before;

        size_t n;
        if (!value_get_map(p->reader, &n))
                return run_parse_want(p, "a table of contexts by name");
        for (;;) {
                char name[LIMIT_NAME_BYTES + 1];
                bool is_end;
                int r = run_parse_next_key(p, "contexts", &n, name, &is_end);
                if (r != 0 || is_end)
                        return r;
                r = spec_add_context(p, name);
                if (r != 0)
                        return r;
        }
}

static int parse_uid(struct run_parse *p) {
        int64_t uid;
        int r = run_parse_integer(p, &uid);
        if (r != 0)
                return r;
        if (uid < 0 || uid > INT32_MAX)
                return run_parse_refuse(p, STATUS_BADARGS, "%s: wants an integer from 0 to %d",
                                        p->key, INT32_MAX);
        p->spec->has_uid = true;
        p->spec->uid = (uint32_t)uid;
        return 0;
}

static int parse_visible(struct run_parse *p) {
        bool is_visible;
        int r = run_parse_boolean(p, &is_visible);
        if (r == 0)
                p->spec->is_invisible = !is_visible;
        return r;
}

static int parse_detach(struct run_parse *p) {
        return run_parse_boolean(p, &p->spec->is_detached);
}

static int parse_ready(struct run_parse *p) {
        double seconds;
        if (!value_get_number(p->reader, &seconds) || !(seconds > 0))
                return run_parse_want(p, "a positive number of seconds");
        if (seconds > LIMIT_READY_S)
                return run_parse_refuse(p, STATUS_LIMIT,
                                        "ready: more than %u seconds "
                                        "(LIMIT_READY_S)",
                                        LIMIT_READY_S);
        uint64_t us = (uint64_t)(seconds * 1e6 + 0.5);
        p->spec->ready_us = us > 0 ? us : 1;
        return 0;
}

static bool bytes_equal(const uint8_t *bytes, size_t len, const char *text) {
        return len == strlen(text) && memcmp(bytes, text, len) == 0;
}

/* One of `n` words, by its number. */
static int parse_choice(
        struct run_parse *p, const char *const words[], size_t n, const char *wanted, size_t *ret) {
        const uint8_t *bytes;
        size_t len;
        int r = run_parse_bytes(p, &bytes, &len);
        if (r != 0)
                return r;
        for (*ret = 0; *ret < n; (*ret)++)
                if (bytes_equal(bytes, len, words[*ret]))
                        return 0;
        return run_parse_want(p, wanted);
}

static const char *const restart_names[] = {
        [RUN_RESTART_NEVER] = "never",
        [RUN_RESTART_ON_FAILURE] = "on-failure",
        [RUN_RESTART_ALWAYS] = "always",
};
static_assert(ARRAY_SIZE(restart_names) == _RUN_RESTART_N, "each has a name");

static int parse_restart(struct run_parse *p) {
        size_t choice;
        int r = parse_choice(p, restart_names, ARRAY_SIZE(restart_names),
                             "\"never\", \"on-failure\" or \"always\"", &choice);
        if (r == 0)
                p->spec->restart = (enum run_restart)choice;
        return r;
}

static int parse_group_name(struct run_parse *p) {
        const uint8_t *bytes;
        size_t len;
        int r = run_parse_bytes(p, &bytes, &len);
        if (r == 0 && !name_is_valid(bytes, len))
                return run_parse_refuse(p, STATUS_BADARGS, "group: its name is not a valid name");
        if (r == 0)
                snprintf(p->spec->group, sizeof(p->spec->group), "%.*s", (int)len,
                         (const char *)bytes);
        return r;
}

static const char *const group_names[] = {
        [RUN_GROUP_ALL] = "all",
        [RUN_GROUP_REST] = "rest",
};
static_assert(ARRAY_SIZE(group_names) == _RUN_GROUP_N, "each has a name");

static int parse_group_restart(struct run_parse *p) {
        size_t choice;
        int r = parse_choice(p, group_names, ARRAY_SIZE(group_names), "\"all\" or \"rest\"",
                             &choice);
        if (r == 0)
                p->spec->group_restart = (enum run_group)choice;
        return r;
}

static int parse_group(struct run_parse *p) {
        static const struct run_key keys[] = {
                { "name", parse_group_name },
                { "restart", parse_group_restart },
        };
        int r = run_parse_map(p, "group", keys, ARRAY_SIZE(keys));
        if (r == 0 && !*p->spec->group)
                return run_parse_refuse(p, STATUS_BADARGS, "group: wants a name");
        return r;
}

static const struct run_key spec_keys[] = {
        { "args", parse_args },       { "chunk", parse_chunk },
        { "code", parse_code },       { "contexts", parse_contexts },
        { "ctx", parse_ctx },         { "detach", parse_detach },
        { "group", parse_group },     { "name", parse_name },
        { "program", parse_program }, { "properties", run_properties_parse },
        { "ready", parse_ready },     { "restart", parse_restart },
        { "runtime", parse_runtime }, { "uid", parse_uid },
        { "visible", parse_visible },
};

/* ---- the whole ----------------------------------------------------------------------------- */

/* "a+b#name": the part before '#', and the name. */
static size_t spec_prefix_len(const uint8_t *program, size_t len) {
        const uint8_t *mark = memchr(program, '#', len);
        return mark ? (size_t)(mark - program) : len;
}

static int spec_check_program(struct run_parse *p) {
        if (!p->program == !p->code)
                return run_parse_refuse(p, STATUS_BADARGS,
                                        "process.run: wants either program or code");
        if (p->code)
                return 0;

        size_t prefix = spec_prefix_len(p->program, p->program_len);
        bool has_prefix = prefix < p->program_len;
        const uint8_t *name = has_prefix ? p->program + prefix + 1 : p->program;
        size_t name_len = p->program_len - (size_t)(name - p->program);
        if (!name_is_valid(name, name_len))
                return run_parse_refuse(p, STATUS_BADARGS, "program: is not a valid program name");
        if (has_prefix && p->runtime &&
            (prefix != p->runtime_len || memcmp(p->program, p->runtime, prefix) != 0))
                return run_parse_refuse(p, STATUS_BADARGS,
                                        "runtime: differs from the one before '#' in program");
        if (has_prefix)
                p->runtime = NULL; /* said already */
        if (!p->name) {
                p->name = name;
                p->name_len = name_len;
        }
        return 0;
}

static int put_pair(struct buf *b, const char *key, const uint8_t *bytes, size_t len) {
        if (!bytes)
                return 0;
        int r = value_put_text(b, key);
        return r < 0 ? error_trace(r) : error_trace(value_put_bytes(b, bytes, len));
}

static int spec_put_image(struct run_parse *p) {
        struct buf *b = &p->spec->image;
        int r = value_put_map(b, VALUE_INDEFINITE);
        if (r == 0)
                r = put_pair(b, "program", p->program, p->program_len);
        if (r == 0)
                r = put_pair(b, "code", p->code, p->code_len);
        if (r == 0 && p->code)
                r = put_pair(b, "chunk", p->chunk, p->chunk_len);
        if (r == 0)
                r = put_pair(b, "runtime", p->runtime, p->runtime_len);
        return r < 0 ? error_trace(r) : error_trace(value_put_end(b));
}

static int spec_set_names(struct run_parse *p) {
        struct run_spec *spec = p->spec;
        const char *what = p->code ? "code" : (const char *)p->program;
        int what_len = p->code ? (int)strlen("code") : (int)p->program_len;
        const char *runtime = p->runtime ? (const char *)p->runtime : "";

        if (asprintf(&spec->program, "%.*s%s%.*s", p->runtime ? (int)p->runtime_len : 0, runtime,
                     p->runtime ? "#" : "", what_len, what) < 0) {
                spec->program = NULL;
                return error_origin(ENOMEM);
        }
        spec->is_stored = !p->code;
        snprintf(spec->name, sizeof(spec->name), "%.*s", p->name ? (int)p->name_len : 4,
                 p->name ? (const char *)p->name : "code");
        return 0;
}

static int spec_check_allowed(struct run_parse *p) {
        const struct peer *caller = p->request->caller;
        if (run_properties_may_run(caller, p->code ? "" : p->spec->program))
                return 0;
        return run_parse_refuse(p, STATUS_DENIED,
                                "'%s' is not among what process %u (%s) may run (its property run)",
                                p->spec->program, caller->pid, caller->name);
}

/* The context the call came through, with the rights its holder has in it. */
static void spec_default_ctx(struct run_parse *p) {
        const struct handle_table *held = &p->request->caller->handles;
        struct run_context *ctx = &p->spec->ctx;
        if (ctx->context)
                return;

        ctx->context = context_ref(p->request->context);
        for (size_t i = 0; i < held->n_slots; i++) {
                if (held->slots[i] && held->slots[i]->context == ctx->context)
                        ctx->rights |= held->slots[i]->rights;
        }
}

static struct run_spec *spec_alloc(const struct peer *parent) {
        struct run_spec *spec = calloc(1, sizeof(*spec));
        if (!spec)
                return NULL;
        buf_init(&spec->image, LIMIT_SOURCE_BYTES + 4096);
        buf_init(&spec->args, LIMIT_FRAME_VALUES_BYTES);
        run_properties_init(&spec->properties, parent);
        return spec;
}

int run_spec_new(struct run_spec **ret,
                 struct native_request *request,
                 struct run_spec_refusal *ret_refusal) {
        struct run_spec *spec CLEANUP(run_spec_freep) = spec_alloc(request->caller);
        if (!spec)
                return error_origin(ENOMEM);

        struct run_parse p = {
                .request = request, .reader = &request->args, .spec = spec, .refusal = ret_refusal
        };
        int r = run_parse_map(&p, "process.run", spec_keys, ARRAY_SIZE(spec_keys));
        if (r == 0 && !value_is_done(p.reader))
                r = run_parse_refuse(&p, STATUS_BADARGS, "process.run: wants one table");
        if (r == 0)
                r = spec_check_program(&p);
        if (r == 0)
                r = spec_put_image(&p);
        if (r == 0)
                r = spec_set_names(&p);
        if (r == 0)
                r = spec_check_allowed(&p);
        if (r == 0)
                r = run_properties_inherit(&p);
        if (r != 0)
                return r;

        spec_default_ctx(&p);
        *ret = take(spec);
        return 0;
}

int run_spec_new_program(struct run_spec **ret, const char *program, struct context *ctx) {
        struct run_spec *spec CLEANUP(run_spec_freep) = spec_alloc(NULL);
        if (!spec)
                return error_origin(ENOMEM);

        struct run_parse p = { .spec = spec,
                               .program = (const uint8_t *)program,
                               .program_len = strlen(program),
                               .name = (const uint8_t *)program,
                               .name_len = strlen(program) };
        int r = spec_put_image(&p);
        if (r == 0)
                r = spec_set_names(&p);
        if (r != 0)
                return error_trace(r);

        spec->ctx.context = context_ref(ctx);
        spec->ctx.rights = HANDLE_RIGHTS_ALL;
        spec->restart = RUN_RESTART_ON_FAILURE;
        *ret = take(spec);
        return 0;
}

struct run_spec *run_spec_free(struct run_spec *s) {
        if (!s)
                return NULL;
        for (size_t i = 0; i < s->n_contexts; i++)
                context_unref(s->contexts[i].context);
        free(s->contexts);
        if (s->ctx.context)
                context_unref(s->ctx.context);
        run_properties_deinit(&s->properties);
        buf_deinit(&s->image);
        buf_deinit(&s->args);
        free(s->program);
        free(s);
        return NULL;
}
