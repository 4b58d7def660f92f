/*
 * listing_call.c - call.list: the calls in flight. Of all processes each call is shown where it was
 * made; of one process also what it has to serve.
 */
#include "initd/call.h"
#include "initd/initd.h"
#include "initd/listing_table.h"
#include "libipc/base/clock.h"

static const char *call_state(const struct call *call) {
        if (call->is_sending)
                return "sending";
        return call->is_answering ? "answering" : "waiting";
}

static double seconds_between(uint64_t from_us, uint64_t to_us) {
        return to_us > from_us ? (double)(to_us - from_us) / (double)CLOCK_S_US : 0;
}

static void record_party(struct record *out,
                         const char *pid_key,
                         const char *name_key,
                         const struct peer *p) {
        record_integer(out, pid_key, p ? p->pid : PROCESS_PID_INITD);
        record_text(out, name_key, listing_peer_name(p));
}

static void write_call(struct listing *l, const struct call *call) {
        struct record *out = listing_add(l);
        uint64_t now = clock_now_us();
        if (!out)
                return;
        record_map(out);
        record_integer(out, "cid", call->cid);
        record_bytes(out, "name", call->name, call->name_len);
        record_party(out, "caller", "caller_name", call->caller);
        record_party(out, "server", "server_name", call->server);
        record_text(out, "state", call_state(call));
        record_integer(out, "priority", call->priority);
        record_integer(out, "hops", call->n_hops);
        record_float(out, "age", seconds_between(call->started_us, now));
        if (call->has_timer)
                record_float(out, "deadline", seconds_between(now, call->timer.due_us));
        record_end(out);
}

/* Each call once: where it was made, and initd's own where they are served. */
static bool is_wanted(const struct listing *l, const struct call *call, bool is_made) {
        if (l->of == 0)
                return is_made || !call->caller;
        if (l->of == PROCESS_PID_INITD)
                return is_made ? !call->server : !call->caller;
        return is_made || call->caller != call->server;
}

static void write_calls(struct listing *l, uint32_t pid) {
        const struct peer *p = router_find_peer(&l->initd->router, pid);
        if (!p)
                return;
        list_for_each(link, &p->calls_made) {
                const struct call *call = container_of(link, struct call, made_link);
                if (is_wanted(l, call, true))
                        write_call(l, call);
        }
        list_for_each(link, &p->calls_served) {
                const struct call *call = container_of(link, struct call, served_link);
                if (is_wanted(l, call, false))
                        write_call(l, call);
        }
}

const struct listing_kind LISTING_CALLS = { .slice = 256,
                                            .is_of_peers = true,
                                            .write = write_calls };
