/*
 * listing_service.c - service.list: the names bound in the native context, by whom, and how much they
 * are asked.
 */
#include <assert.h>

#include "initd/context.h"
#include "initd/group.h"
#include "initd/initd.h"
#include "initd/listing_table.h"
#include "initd/native.h"

static const char *conflict_name(enum binding_conflict conflict) {
        static const char *const names[] = {
                [BINDING_CONFLICT_FAIL] = "fail",
                [BINDING_CONFLICT_ALTERNATIVE] = "alternative",
                [BINDING_CONFLICT_FALLBACK] = "fallback",
                [BINDING_CONFLICT_BALANCE] = "balance",
        };
        static_assert(ARRAY_SIZE(names) == _BINDING_CONFLICT_N, "one name per policy");
        return names[conflict];
}

static void record_server(struct record *out, const struct binding *b) {
        record_integer(out, "pid", b->server ? b->server->pid : PROCESS_PID_INITD);
        record_text(out, "program", listing_peer_name(b->server));
        record_integer(out, "calls", b->n_calls);
        if (!b->server)
                return;
        record_integer(out, "unanswered", b->n_unanswered);
        record_integer(out, "limit", b->limit);
}

static void record_service(struct record *out, const struct binding *b) {
        record_bytes(out, "name", b->name, b->name_len);
        record_text(out, "conflict", conflict_name(b->conflict));
        if (b->usage)
                record_text(out, "usage", b->usage);
        record_server(out, b);
}

void listing_describe_service(struct record *out, const struct binding *first) {
        const struct binding *b = first;
        size_t n = 0;
        do
                n++;
        while ((b = group_next(b)) != first);

        record_map(out);
        record_service(out, first);
        record_key(out, "servers");
        record_array(out, n);
        do {
                record_map(out);
                record_server(out, b);
                record_end(out);
        } while ((b = group_next(b)) != first);
        record_end(out);
}

static void write_service(struct listing *l, const struct binding *b) {
        struct record *out = listing_add(l);
        if (!out)
                return;
        record_map(out);
        record_service(out, b);
        record_end(out);
}

/* What initd answers itself: endpoints of its own, and those of a daemon that is away. */
static void write_own(struct listing *l) {
        const struct binding *b;
        size_t at = 0;
        while ((b = table_next(&l->initd->router.native->bindings, &at)))
                if (!b->server)
                        write_service(l, b);
}

static void write_services(struct listing *l, uint32_t pid) {
        const struct peer *p = router_find_peer(&l->initd->router, pid);
        if (pid == PROCESS_PID_INITD)
                write_own(l);
        if (!p)
                return;
        list_for_each(link, &p->bindings) {
                const struct binding *b = container_of(link, struct binding, server_link);
                if (b->context == l->initd->router.native)
                        write_service(l, b);
        }
}

const struct listing_kind LISTING_SERVICES = { .slice = 256,
                                               .is_of_peers = true,
                                               .write = write_services };
