/*
 * router.c - see router.h. The end of a turn: write what was queued, then free what was closed.
 */
#include "initd/router.h"

#include <assert.h>

#include "initd/binding.h"
#include "initd/call.h"
#include "initd/context.h"
#include "initd/peer.h"
#include "libipc/base/clock.h"
#include "libipc/base/error.h"

static struct peer *router_first(struct list *peers) {
        return container_of(peers->next, struct peer, turn_link);
}

/* Closing a peer makes others dirty, and writing dooms some: until nothing is left. */
static int router_on_turn_end(struct loop_later *later) {
        struct router *r = container_of(later, struct router, turn_end);
        r->now_us = 0;
        while (!list_is_empty(&r->doomed) || !list_is_empty(&r->dirty)) {
                while (!list_is_empty(&r->doomed))
                        peer_close_doomed(router_first(&r->doomed));
                if (list_is_empty(&r->dirty))
                        continue;
                struct peer *p = router_first(&r->dirty);
                list_remove(&p->turn_link);
                peer_flush(p);
        }
        while (!list_is_empty(&r->closing)) {
                struct peer *p = router_first(&r->closing);
                list_remove(&p->turn_link);
                peer_free(p);
        }
        return 0;
}

static int router_on_resume(struct loop_timer *timer) {
        struct router *r = container_of(timer, struct router, resume);
        struct list peers;
        list_init(&peers);
        list_move_all(&peers, &r->put_off);
        while (!list_is_empty(&peers))
                peer_resume(container_of(peers.next, struct peer, put_off_link));
        return 0;
}

int router_put_off(struct router *r, struct peer *p) {
        list_remove(&p->put_off_link);
        list_add_tail(&r->put_off, &p->put_off_link);
        return error_trace(loop_timer_set(&r->resume, 0));
}

int router_init(struct router *r, struct loop *loop, const struct router_ops *ops, void *userdata) {
        *r = (struct router){ .loop = loop, .ops = ops, .userdata = userdata };
        r->next_generation = ROUTER_GENERATION_INITD + 1;
        table_init(&r->peers);
        index_init(&r->calls);
        list_init(&r->dirty);
        list_init(&r->doomed);
        list_init(&r->closing);
        list_init(&r->put_off);
        call_pool_init(&r->call_pool);
        loop_later_init(&r->turn_end, router_on_turn_end);
        buf_init(&r->trace_values, LIMIT_MESSAGE_BYTES);
        int error = loop_timer_init(&r->resume, loop, router_on_resume);
        if (error < 0)
                return error_trace(error);
        error = conn_scratch_init(&r->scratch);
        if (error < 0) {
                loop_timer_deinit(&r->resume);
                return error_trace(error);
        }
        r->native = context_new_unowned(r);
        if (!r->native) {
                conn_scratch_deinit(&r->scratch);
                loop_timer_deinit(&r->resume);
                return error_origin(ENOMEM);
        }
        return 0;
}

void router_deinit(struct router *r) {
        size_t at = 0;
        for (struct peer *p; (p = table_next(&r->peers, &at)); at = 0)
                peer_close(p, EXIT_REASON_KILLED, "the tree ends");
        call_drop_all(r);
        router_on_turn_end(&r->turn_end);
        loop_later_cancel(&r->turn_end);
        context_kill(r->native);
        context_unref(r->native);
        pool_deinit(&r->call_pool);
        index_deinit(&r->calls);
        table_deinit(&r->peers);
        conn_scratch_deinit(&r->scratch);
        loop_timer_deinit(&r->resume);
        buf_deinit(&r->trace_values);
}

uint32_t router_new_generation(struct router *r) {
        return r->next_generation++;
}

uint64_t router_now_us(struct router *r) {
        if (r->now_us == 0) {
                r->now_us = clock_now_us();
                loop_later_add(r->loop, &r->turn_end);
        }
        return r->now_us;
}

struct peer *router_find_peer(struct router *r, uint32_t pid) {
        return table_find_u64(&r->peers, pid);
}
