/*
 * Where a call or a bind ends: chains of contexts without a router around them.
 */
#include "initd/route.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "initd/binding.h"
#include "initd/context.h"
#include "initd/peer.h"
#include "initd/router.h"

/* The contexts: `outer` and `inner` are one in the other, in front of `native`. */
static struct context native, outer, inner, open_to_all, namespace, manual, dead, over_dead;
static struct router router;
static struct peer owner, holder;
static struct pattern patterns[32];
static size_t n_patterns;
static struct binding *bindings[8];
static size_t n_bindings;

static struct pattern_list list_of(const char *const *texts, size_t n_texts) {
        struct pattern_list l = { .items = &patterns[n_patterns], .n_items = n_texts };
        for (size_t i = 0; i < n_texts; i++)
                patterns[n_patterns++] =
                        (struct pattern){ (uint8_t *)(uintptr_t)texts[i], strlen(texts[i]) };
        return l;
}

#define LIST(...)                                                                                  \
        list_of((const char *const[]){ __VA_ARGS__ },                                              \
                sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(const char *))

static void context_set(struct context *c, struct peer *of, struct context *to) {
        *c = (struct context){ .router = &router, .owner = of, .routing.to = to };
        table_init(&c->bindings);
        table_init(&c->queues);
}

static void serve(struct context *c, const char *name) {
        size_t len = strlen(name);
        struct binding *b = calloc(1, sizeof(*b) + len + 1);
        cr_assert(b);
        memcpy(b->name, name, len);
        b->name_len = len;
        b->context = c;
        list_init(&b->group_link);
        cr_assert_eq(table_add_name(&c->bindings, b->name, len, b), 0);
        bindings[n_bindings++] = b;
}

static void set_up(void) {
        context_set(&native, NULL, NULL);
        context_set(&outer, &owner, &native);
        context_set(&inner, &holder, &outer);
        context_set(&open_to_all, &owner, &native);
        context_set(&namespace, &owner, NULL);
        context_set(&manual, &owner, NULL);
        context_set(&dead, NULL, NULL);
        context_set(&over_dead, &owner, &dead);
        manual.routing.is_manual = true;
        dead.is_dead = true;
        over_dead.routing.default_forward = true;
        open_to_all.routing.default_forward = true;

        outer.routing.allow = LIST("log.*", "read");
        outer.routing.deny = LIST("log.secret");
        outer.routing.bind = LIST("svc.*");
        inner.routing.allow = LIST("log.*", "alarm");
        inner.routing.bind = LIST("svc.a", "other");
        open_to_all.routing.deny = LIST("alarm");
        open_to_all.routing.bind = LIST("alarm");

        serve(&native, "alarm");
        serve(&native, "log.read");
        serve(&native, "log.secret");
        serve(&native, "read");
        serve(&outer, "own");
        serve(&open_to_all, "alarm");
        serve(&namespace, "own");
}

static void tear_down(void) {
        struct context *const all[] = { &native, &outer, &open_to_all, &namespace };
        while (n_bindings > 0) {
                struct binding *b = bindings[--n_bindings];
                table_remove_name(&b->context->bindings, b->name, b->name_len);
                free(b);
        }
        for (size_t i = 0; i < ARRAY_SIZE(all); i++)
                table_deinit(&all[i]->bindings);
}

TestSuite(route, .init = set_up, .fini = tear_down);

struct row {
        struct context *from;
        const char *name;
        enum route_result result;
        struct context *at; /* where it ends */
};

static void expect_rows(const struct row *rows, size_t n_rows, const struct peer *binder) {
        for (size_t i = 0; i < n_rows; i++) {
                const struct row *row = &rows[i];
                size_t len = strlen(row->name);
                struct route route;
                enum route_result result =
                        binder ? route_bind(row->from, binder, row->name, len, &route) :
                                 route_call(row->from, row->name, len, &route);
                cr_expect_eq(result, row->result, "row %zu (%s): result %d, not %d", i, row->name,
                             (int)result, (int)row->result);
                cr_expect_eq(route.context, row->at, "row %zu (%s): another context", i, row->name);
                bool is_served = row->result == ROUTE_BINDING;
                cr_expect_eq(route.binding != NULL, is_served, "row %zu (%s)", i, row->name);
                if (is_served && route.binding)
                        cr_expect_str_eq(route.binding->name, row->name);
        }
}

/* row 58 */
Test(route, a_call_goes_through_what_is_allowed_and_deny_wins) {
        const struct row rows[] = {
                { &native, "alarm", ROUTE_BINDING, &native },
                { &native, "nobody", ROUTE_NOTBOUND, &native },
                { &outer, "log.read", ROUTE_BINDING, &native },
                { &outer, "log.nobody", ROUTE_NOTBOUND, &native },
                { &outer, "log.secret", ROUTE_DENIED, &outer },
                { &outer, "read", ROUTE_BINDING, &native },
                { &outer, "read.more", ROUTE_DENIED, &outer },
                { &outer, "alarm", ROUTE_DENIED, &outer },
                { &open_to_all, "log.secret", ROUTE_BINDING, &native },
                { &open_to_all, "nobody", ROUTE_NOTBOUND, &native },
        };
        expect_rows(rows, ARRAY_SIZE(rows), NULL);
}

/* row 62 */
Test(route, a_call_through_two_contexts_needs_the_leave_of_both) {
        const struct row rows[] = {
                { &inner, "log.read", ROUTE_BINDING, &native },
                { &inner, "log.secret", ROUTE_DENIED, &outer },
                { &inner, "alarm", ROUTE_DENIED, &outer },
                { &inner, "read", ROUTE_DENIED, &inner },
                { &inner, "nobody", ROUTE_DENIED, &inner },
        };
        expect_rows(rows, ARRAY_SIZE(rows), NULL);
}

Test(route, a_name_bound_in_a_context_ends_the_walk_unless_denied) {
        const struct row rows[] = {
                { &outer, "own", ROUTE_BINDING, &outer },
                { &inner, "own", ROUTE_DENIED, &inner },
                { &open_to_all, "alarm", ROUTE_DENIED, &open_to_all },
                { &namespace, "own", ROUTE_BINDING, &namespace },
                { &namespace, "alarm", ROUTE_NOTBOUND, &namespace },
        };
        expect_rows(rows, ARRAY_SIZE(rows), NULL);
}

Test(route, a_manual_context_takes_every_name_and_a_dead_one_none) {
        const struct row rows[] = {
                { &manual, "alarm", ROUTE_OWNER, &manual },
                { &manual, "", ROUTE_OWNER, &manual },
                { &dead, "alarm", ROUTE_DEAD, &dead },
                { &over_dead, "alarm", ROUTE_DEAD, &dead },
        };
        expect_rows(rows, ARRAY_SIZE(rows), NULL);
        manual.is_dead = true;
        expect_rows(&(struct row){ &manual, "alarm", ROUTE_DEAD, &manual }, 1, NULL);
}

static void rename_to(struct renaming *ret, const char *from, const char *to, bool is_prefix) {
        *ret = (struct renaming){ .from = (uint8_t *)(uintptr_t)from,
                                  .to = (uint8_t *)(uintptr_t)to,
                                  .from_len = strlen(from),
                                  .to_len = strlen(to),
                                  .is_prefix = is_prefix };
}

/* row 61 */
Test(route, a_renamed_call_goes_on_under_its_new_name) {
        struct renaming renamings[3], more;
        struct route route;
        rename_to(&renamings[0], "old", "alarm", false);
        rename_to(&renamings[1], "log.hidden", "log.secret", false);
        rename_to(&renamings[2], "journal.", "log.", true);
        outer.routing.renamings = renamings;
        outer.routing.n_renamings = ARRAY_SIZE(renamings);
        cr_expect_eq(route_call(&outer, "old", 3, &route), ROUTE_DENIED,
                     "allow means the new name");
        cr_expect_eq(route_call(&outer, "log.hidden", 10, &route), ROUTE_DENIED);
        cr_expect_eq(route_call(&outer, "journal.secret", 14, &route), ROUTE_DENIED);
        cr_assert_eq(route_call(&outer, "journal.read", 12, &route), ROUTE_BINDING);
        cr_expect_str_eq(route.binding->name, "log.read");
        cr_expect(route.name_len == 8 && memcmp(route.name, "log.read", 8) == 0);

        rename_to(&more, "l", "journal.l", true);
        inner.routing.renamings = &more;
        inner.routing.n_renamings = 1;
        inner.routing.default_forward = true;
        renamings[2].to_len = 0;
        cr_assert_eq(route_call(&inner, "log.read", 8, &route), ROUTE_BINDING,
                     "journal.log.read, and back");
        cr_expect_str_eq(route.binding->name, "log.read");
}

/* row 61 */
Test(route, a_name_that_gets_too_long_is_not_bound) {
        struct renaming renaming;
        char name[LIMIT_NAME_BYTES + 1];
        struct route route;
        memset(name, 'a', LIMIT_NAME_BYTES);
        name[LIMIT_NAME_BYTES] = '\0';
        rename_to(&renaming, "a", "bb", true);
        open_to_all.routing.renamings = &renaming;
        open_to_all.routing.n_renamings = 1;
        cr_expect_eq(route_call(&open_to_all, name, LIMIT_NAME_BYTES, &route), ROUTE_NOTBOUND);
        cr_expect_eq(route.context, &open_to_all);
        cr_expect_eq(route_call(&open_to_all, name, LIMIT_NAME_BYTES - 1, &route), ROUTE_NOTBOUND);
        cr_expect_eq(route.context, &native);
        cr_expect_eq(route.name_len, LIMIT_NAME_BYTES);
}

Test(route, a_chain_that_became_too_long_is_refused) {
        struct context chain[LIMIT_CALL_HOPS];
        struct route route;
        for (size_t i = 0; i < ARRAY_SIZE(chain); i++) {
                context_set(&chain[i], &owner, i == 0 ? &native : &chain[i - 1]);
                chain[i].routing.default_forward = true;
                chain[i].routing.bind = LIST("a*");
        }
        cr_expect_eq(route_call(&chain[LIMIT_CALL_HOPS - 2], "alarm", 5, &route), ROUTE_BINDING);
        cr_expect_eq(route_call(&chain[LIMIT_CALL_HOPS - 1], "alarm", 5, &route), ROUTE_HOPS);
        cr_expect_eq(route_bind(&chain[LIMIT_CALL_HOPS - 1], &holder, "alarm", 5, &route),
                     ROUTE_HOPS);
}

/* row 62 */
Test(route, a_bind_lands_where_every_context_on_the_way_lets_it) {
        struct peer stranger = { 0 };
        const struct row rows[] = {
                { &native, "svc.a", ROUTE_OWNER, &native },
                { &inner, "svc.a", ROUTE_OWNER, &native },
                { &inner, "svc.b", ROUTE_DENIED, &inner },
                { &inner, "other", ROUTE_DENIED, &outer },
                { &outer, "svc.b", ROUTE_OWNER, &native },
                { &outer, "log.read", ROUTE_DENIED, &outer },
                { &open_to_all, "svc.a", ROUTE_DENIED, &open_to_all },
                { &manual, "svc.a", ROUTE_DENIED, &manual },
                { &dead, "svc.a", ROUTE_DEAD, &dead },
        };
        expect_rows(rows, ARRAY_SIZE(rows), &stranger);
}

Test(route, an_owner_binds_what_it_likes_in_its_own_context) {
        const struct row of_owner[] = {
                { &outer, "log.secret", ROUTE_OWNER, &outer },
                { &inner, "svc.a", ROUTE_OWNER, &outer },
                { &manual, "any", ROUTE_OWNER, &manual },
        };
        const struct row of_holder[] = {
                { &inner, "any", ROUTE_OWNER, &inner },
                { &outer, "any", ROUTE_DENIED, &outer },
        };
        expect_rows(of_owner, ARRAY_SIZE(of_owner), &owner);
        expect_rows(of_holder, ARRAY_SIZE(of_holder), &holder);
}
