/*
 * listing.c - see listing.h. The processes are chosen at the beginning; one that ends before its rows
 * are written is left out, and what it would have had is left out too.
 */
#include "initd/listing.h"

#include <inttypes.h>
#include <stdlib.h>

#include "initd/initd.h"
#include "initd/native.h"

const char *listing_peer_name(const struct peer *p) {
        return p ? p->name : "initd";
}

static void listing_free(struct listing *l) {
        loop_timer_deinit(&l->next_turn);
        buf_deinit(&l->rows.values);
        free(l);
}

static void listing_on_drop(struct call *call) {
        listing_free(call->userdata);
}

struct record *listing_add(struct listing *l) {
        if (l->n_rows < LIMIT_LISTING_ROWS) {
                l->n_rows++;
                return &l->rows;
        }
        l->n_more++;
        return NULL;
}

bool listing_is_full(const struct listing *l) {
        return l->n_rows + l->n_more >= l->slice_end;
}

static void listing_finish(struct listing *l) {
        struct record out;
        record_init(&out);
        record_array(&out, l->n_rows);
        record_append(&out, &l->rows);
        if (l->n_more > 0)
                record_count(&out, l->n_more);
        record_answer(&out, l->call);
        listing_free(l);
}

static void listing_write_slice(struct listing *l) {
        l->slice_end = l->n_rows + l->n_more + l->kind->slice;
        while (l->at < l->n_pids && !listing_is_full(l)) {
                l->kind->write(l, l->pids[l->at]);
                l->at += l->inner == 0;
        }
        if (l->at == l->n_pids || loop_timer_set(&l->next_turn, 0) < 0)
                listing_finish(l);
}

static int listing_on_next_turn(struct loop_timer *timer) {
        listing_write_slice(container_of(timer, struct listing, next_turn));
        return 0;
}

static void listing_add_pid(struct listing *l, uint32_t pid) {
        l->pids[l->n_pids++] = pid;
}

static void listing_choose_all(struct listing *l) {
        struct initd *initd = l->initd;
        const struct peer *p;
        size_t at = 0;
        listing_add_pid(l, PROCESS_PID_INITD);
        if (l->kind->is_of_peers) {
                while ((p = table_next(&initd->router.peers, &at)))
                        listing_add_pid(l, p->pid);
                return;
        }
        listing_add_pid(l, PROCESS_PID_STORAGED);
        listing_add_pid(l, PROCESS_PID_RUNTIMED);
        list_for_each(link, &initd->processes.all)
                listing_add_pid(l, container_of(link, struct process, link)->pid);
}

static struct listing *listing_new(struct initd *initd,
                                   struct call *call,
                                   const struct listing_kind *kind) {
        size_t n_own = PROCESS_PID_RUNTIMED;
        size_t max = n_own + (kind->is_of_peers ? initd->router.peers.n_used :
                                                  initd->processes.n_processes);
        struct listing *l = calloc(1, sizeof(*l) + max * sizeof(l->pids[0]));
        if (!l)
                return NULL;
        l->initd = initd;
        l->call = call;
        l->kind = kind;
        if (loop_timer_init(&l->next_turn, &initd->loop, listing_on_next_turn) < 0) {
                free(l);
                return NULL;
        }
        record_init(&l->rows);
        return l;
}

void listing_start(struct native_request *request, const struct listing_kind *kind, uint32_t pid) {
        if (!request->call)
                return;
        struct listing *l = listing_new(request->router->userdata, request->call, kind);
        if (!l) {
                native_refuse(request->call, STATUS_ERROR, "initd is out of memory");
                return;
        }
        request->call->userdata = l;
        request->call->on_drop = listing_on_drop;
        l->of = pid;
        if (pid != 0 && pid != PROCESS_PID_INITD)
                listing_add_pid(l, pid);
        else
                listing_choose_all(l);
        listing_write_slice(l);
}

bool listing_choose_pid(struct native_request *request, uint32_t *ret_pid) {
        const struct peer *caller = request->caller;
        int64_t pid = caller->uid == 0 ? 0 : caller->pid;
        if (!value_get_integer_opt(&request->args, &pid) || !value_is_done(&request->args)) {
                native_refuse(request->call, STATUS_BADARGS, "this list wants a pid or nothing");
                return false;
        }
        if (caller->uid != 0 && pid != caller->pid) {
                native_refuse(request->call, STATUS_DENIED,
                              "only uid 0 may look at process %" PRIi64, pid);
                return false;
        }
        bool is_there =
                pid == 0 || pid == PROCESS_PID_INITD ||
                (pid > 0 && pid < UINT32_MAX && router_find_peer(request->router, (uint32_t)pid));
        if (!is_there)
                native_refuse(request->call, STATUS_NOPROC, "no process %" PRIi64, pid);
        else
                *ret_pid = (uint32_t)pid;
        return is_there;
}
