/*
 * data_grant.c - see data_grant.h.
 */
#include "storaged/data_grant.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "libipc/base/log.h"
#include "storaged/data_endpoints.h"

static const struct {
        const char *name;
        enum data_right right;
} rights[] = {
        { "read", DATA_RIGHT_READ },
        { "write", DATA_RIGHT_WRITE },
        { "lock", DATA_RIGHT_LOCK },
};

static struct grant *data_grant_free(struct grant *grant) {
        struct data_grant *g = container_of(grant, struct data_grant, grant);

        object_unref(g->object);
        free(g);
        return NULL;
}

static const struct grant_type data_grant_type = {
        .endpoints = &data_endpoints,
        .free = data_grant_free,
};

void data_grant_open_take(struct list *grants,
                          struct request *request,
                          struct object *object,
                          const struct data_reach *reach) {
        struct data_grant *g = calloc(1, sizeof(*g));

        if (!g) {
                object_unref(object);
                request_fail(request, STATUS_ERROR, "storaged is out of memory; try again");
                return;
        }
        assert(reach->prefix.len <= sizeof(g->prefix));
        g->grant.type = &data_grant_type;
        g->grants = grants;
        g->object = object;
        g->rights = reach->rights;
        g->prefix_len = reach->prefix.len;
        if (g->prefix_len > 0)
                memcpy(g->prefix, reach->prefix.data, g->prefix_len);
        grant_open_take(grants, request, &g->grant);
}

struct data_grant *data_grant_of(const struct request *request) {
        return container_of((struct grant *)request->context, struct data_grant, grant);
}

bool data_grant_reaches(const struct data_grant *g, struct disk_bytes key) {
        return g->prefix_len == 0 ||
               (key.len >= g->prefix_len && memcmp(key.data, g->prefix, g->prefix_len) == 0);
}

static unsigned int right_parse(const uint8_t *name, size_t len) {
        for (size_t i = 0; i < ARRAY_SIZE(rights); i++)
                if (strlen(rights[i].name) == len && memcmp(rights[i].name, name, len) == 0)
                        return rights[i].right;
        return 0;
}

/* A list of their names. False: there is something else, or nothing. */
static bool rights_parse(struct disk_bytes list, unsigned int *ret) {
        unsigned int all = 0;
        struct value_reader r;
        struct value v;

        value_reader_init(&r, list.data, list.len);
        if (value_next(&r, &v) != VALUE_OK || v.type != VALUE_ARRAY)
                return false;
        for (const uint8_t *name; value_get_bytes(&r, &name, &v.len);) {
                unsigned int right = right_parse(name, v.len);
                if (right == 0)
                        return false;
                all |= right;
        }
        if (all == 0 || !value_is_done(&r))
                return false;
        *ret = all;
        return true;
}

bool data_reach_take(struct request *request,
                     const char *where,
                     struct data_reach *reach,
                     const struct option *more,
                     size_t n_more) {
        struct disk_bytes list = { NULL, 0 };
        struct option options[4] = {
                { "prefix", OPTION_BYTES, &reach->prefix, NULL },
                { "rights", OPTION_ITEM, &list, NULL },
        };

        if (n_more > 0)
                memcpy(&options[2], more, n_more * sizeof(*more));
        if (!options_take(request, &request->args, where, options, 2 + n_more) ||
            !argument_take_end(request))
                return false;
        if (list.data && !rights_parse(list, &reach->rights))
                request_fail(request, STATUS_BADARGS,
                             "%s: rights wants a list of \"read\", \"write\" and \"lock\"", where);
        else if (reach->prefix.len > LIMIT_KEY_BYTES)
                request_fail(request, STATUS_LIMIT,
                             "%s: a prefix of %zu bytes is longer than the limit of %u for keys",
                             where, reach->prefix.len, LIMIT_KEY_BYTES);
        else
                return true;
        return false;
}

/*
 * Checks.
 */

bool data_grant_check(struct request *request, enum data_right right) {
        if ((data_grant_of(request)->rights & right) != 0)
                return true;
        for (size_t i = 0; i < ARRAY_SIZE(rights); i++)
                if (rights[i].right == right)
                        request_fail(request, STATUS_DENIED, "this handle has no right to %s",
                                     rights[i].name);
        return false;
}

bool data_grant_check_whole(struct request *request, const char *what) {
        const struct data_grant *g = data_grant_of(request);

        if (g->prefix_len == 0)
                return true;
        request_fail(request, STATUS_DENIED,
                     "this handle reaches only what begins with %s, and no %s",
                     log_quote(g->prefix, g->prefix_len), what);
        return false;
}

bool data_grant_check_key(struct request *request, struct disk_bytes key) {
        const struct data_grant *g = data_grant_of(request);

        if (key.len == 0)
                request_fail(request, STATUS_BADARGS, "a key has 1 to %u bytes, not 0",
                             LIMIT_KEY_BYTES);
        else if (key.len > LIMIT_KEY_BYTES)
                request_fail(request, STATUS_LIMIT,
                             "a key of %zu bytes is longer than the limit of %u", key.len,
                             LIMIT_KEY_BYTES);
        else if (!data_grant_reaches(g, key))
                request_fail(request, STATUS_DENIED,
                             "this handle reaches only what begins with %s, not %s",
                             log_quote(g->prefix, g->prefix_len), log_quote(key.data, key.len));
        else
                return true;
        return false;
}
