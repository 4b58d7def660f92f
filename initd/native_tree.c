/*
 * native_tree.c - the endpoints tree.status, tree.shutdown.
 */
#include <stdlib.h>
#include <unistd.h>

#include "initd/initd.h"
#include "initd/native_table.h"
#include "initd/record.h"
#include "libipc/base/clock.h"

/* A daemon that is up but keeps falling is said to be degraded. */
static const char *daemon_state(const struct daemon *d) {
        if (supervise_is_degraded(&d->supervisor, clock_now_us()))
                return "degraded";
        return supervise_state_name(d->supervisor.state);
}

static void record_daemons(struct record *out, const struct initd *initd) {
        record_key(out, "daemons");
        record_array(out, _DAEMON_N);
        for (size_t i = 0; i < _DAEMON_N; i++) {
                const struct daemon *d = &initd->daemons[i];
                record_map(out);
                record_text(out, "name", daemon_name(d->id));
                record_integer(out, "pid", (uint64_t)d->linux_pid);
                record_text(out, "state", daemon_state(d));
                record_integer(out, "restarts", d->supervisor.n_restarts);
                record_end(out);
        }
}

/* A layer that is on has no "why". */
static void record_confinement(struct record *out, const struct confinement *c) {
        record_key(out, "confinement");
        record_array(out, _CONFINEMENT_LAYER_N);
        for (size_t i = 0; i < _CONFINEMENT_LAYER_N; i++) {
                enum confinement_layer layer = (enum confinement_layer)i;
                record_map(out);
                record_text(out, "layer", confinement_name(layer));
                record_text(out, "state", confinement_is_on(c, layer) ? "on" : "off");
                record_text(out, "why", confinement_why(c, layer));
                record_end(out);
        }
}

static void status_on_request(struct native_request *request) {
        const struct initd *initd = request->router->userdata;
        const struct config *c = initd->config;
        struct record out;
        record_init(&out);
        record_map(&out);
        record_text(&out, "version", THOX_VERSION);
        record_integer(&out, "pid", (uint64_t)getpid());
        record_float(&out, "uptime", (double)(clock_now_us() - initd->started_us) / 1e6);
        record_text(&out, "state", initd_state_name(initd));
        record_boolean(&out, "safe", c->is_safe);
        record_daemons(&out, initd);
        record_confinement(&out, &initd->confinement);
        record_integer(&out, "processes", initd->processes.n_processes);
        record_integer(&out, "calls", initd->router.calls.n_used);
        record_integer(&out, "calls_routed", initd->router.n_calls_routed);
        record_integer(&out, "violations", initd->router.n_violations);
        record_integer(&out, "clients", initd->control.n_clients);
        record_text(&out, "dir", c->dir ? c->dir : c->paths.run);
        record_text(&out, "socket", c->paths.socket);
        record_text(&out, "store", c->paths.store);
        if (initd->logger.fd >= 0)
                record_text(&out, "log", initd->logger.dir);
        record_end(&out);
        record_answer(&out, request->call);
}

static void shutdown_on_request(struct native_request *request) {
        struct initd *initd = request->router->userdata;
        bool is_now = false;
        int64_t status = EXIT_SUCCESS;
        if (request->caller->uid != 0) {
                native_refuse(request->call, STATUS_DENIED, "only uid 0 may stop the tree");
                return;
        }
        if (!value_get_boolean_opt(&request->args, &is_now) ||
            !value_get_integer_opt(&request->args, &status) || !value_is_done(&request->args) ||
            status < 0 || status > LIMIT_EXIT_STATUS) {
                native_refuse(
                        request->call, STATUS_BADARGS,
                        "tree.shutdown wants a boolean or nil, and perhaps an exit status, 0 to "
                        "%u",
                        LIMIT_EXIT_STATUS);
                return;
        }
        native_answer(request->call, NULL);
        stop_begin(&initd->stop, (int)status, is_now);
}

const struct native_endpoint native_tree_endpoints[] = {
        { .name = "tree.shutdown",
          .handler = shutdown_on_request,
          .usage = "tree.shutdown([now [, status]])" },
        { .name = "tree.status",
          .handler = status_on_request,
          .usage = "tree.status()",
          .is_forwardable = true },
};
const size_t native_tree_n_endpoints = ARRAY_SIZE(native_tree_endpoints);
