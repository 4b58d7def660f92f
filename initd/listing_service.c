/*
 * listing_service.c - service.list: the names bound in the native context, by whom, and how much they
 * are asked.
 */
#include "initd/binding.h"
#include "initd/context.h"
#include "initd/initd.h"
#include "initd/listing_table.h"
#include "initd/native.h"

void listing_write_service(struct record *out, const struct binding *b) {
        record_map(out);
        record_bytes(out, "name", b->name, b->name_len);
        record_integer(out, "pid", b->server ? b->server->pid : PROCESS_PID_INITD);
        record_text(out, "program", listing_peer_name(b->server));
        record_integer(out, "calls", b->n_calls);
        if (b->server) {
                record_integer(out, "unanswered", b->n_unanswered);
                record_integer(out, "limit", b->limit);
        }
        if (b->usage)
                record_text(out, "usage", b->usage);
        record_end(out);
}

static void write_service(struct listing *l, const struct binding *b) {
        struct record *out = listing_add(l);
        if (out)
                listing_write_service(out, b);
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
