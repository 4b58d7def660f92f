/*
 * listing_handle.c - handle.list: which contexts each process can reach, and with which rights.
 */
#include <assert.h>
#include <stdio.h>

#include "initd/binding.h"
#include "initd/context.h"
#include "initd/initd.h"
#include "initd/listing_table.h"

static const char *context_kind(const struct context *c) {
        if (c == c->router->native)
                return "native";
        if (c->is_dead)
                return "dead";
        if (c->connected)
                return "connection";
        return c->routing.is_manual ? "manual" : "table";
}

static void record_rights(struct record *out, uint32_t rights) {
        static const char *const NAMES[] = { "call", "bind", "push", "listen", "share", "signal" };
        static_assert(1u << ARRAY_SIZE(NAMES) == HANDLE_RIGHTS_ALL + 1, "one name per right");
        char text[64];
        size_t n = 0;
        text[0] = '\0';
        for (size_t i = 0; i < ARRAY_SIZE(NAMES); i++)
                if ((rights & 1u << i) != 0)
                        n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s", n > 0 ? " " : "",
                                              NAMES[i]);
        record_text(out, "rights", text);
}

static void write_handle(struct listing *l, const struct handle *h) {
        struct record *out = listing_add(l);
        const struct context *c = h->context;
        if (!out)
                return;
        record_map(out);
        record_integer(out, "pid", h->peer->pid);
        record_text(out, "name", h->peer->name);
        record_integer(out, "handle", h->number - 1); /* as programs count */
        record_text(out, "kind", context_kind(c));
        if (!c->is_dead) {
                const struct peer *owner = c->connected ? c->connected->server : c->owner;
                record_integer(out, "owner", owner ? owner->pid : PROCESS_PID_INITD);
                record_text(out, "owner_name", listing_peer_name(owner));
        }
        record_rights(out, h->rights);
        record_integer(out, "holders", c->n_holders);
        record_end(out);
}

static void write_handles(struct listing *l, uint32_t pid) {
        const struct peer *p = router_find_peer(&l->initd->router, pid);
        size_t i = l->inner;
        if (l->of == PROCESS_PID_INITD)
                return;
        for (; p && i < p->handles.n_slots && !listing_is_full(l); i++)
                if (p->handles.slots[i])
                        write_handle(l, p->handles.slots[i]);
        l->inner = p && i < p->handles.n_slots ? i : 0;
}

const struct listing_kind LISTING_HANDLES = { .slice = 256,
                                              .is_of_peers = true,
                                              .write = write_handles };
