/*
 * launch.c - see launch.h. The struct launch stands between the answer to code.image and a process
 * that may have ended meanwhile: it belongs to the call, the process only points at it.
 */
#include "initd/launch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "initd/call.h"
#include "initd/context.h"
#include "initd/initd.h"
#include "initd/run_spec.h"
#include "initd/spawn.h"
#include "libipc/base/error.h"
#include "libipc/base/fd.h"

struct launch {
        struct process *process; /* NULL: nobody waits any more */
};

void launch_abandon(struct process *p) {
        if (!p->launch)
                return;
        p->launch->process = NULL;
        p->launch = NULL;
}

/* ---- the Start frame ----------------------------------------------------------------------- */

/* What Start points at while it is being sent. */
struct start {
        Thox__Image images[LIMIT_FRAME_FDS], *image_refs[LIMIT_FRAME_FDS];
        Thox__NamedHandle *contexts, **context_refs;
        size_t n_images, n_contexts;
};

static bool start_read_image(struct value_reader *r, Thox__Image *image) {
        size_t n;
        if (!value_get_map(r, &n))
                return false;
        for (; n > 0; n--) {
                struct value v;
                const uint8_t *key;
                size_t len;
                int64_t size;
                if (!value_get_bytes(r, &key, &len))
                        return n == VALUE_INDEFINITE && value_next(r, &v) == VALUE_OK &&
                               v.type == VALUE_END;
                if (len == 4 && memcmp(key, "name", 4) == 0) {
                        if (!value_get_bytes(r, &key, &len))
                                return false;
                        image->name = wire_bytes(key, len);
                } else if (len == 4 && memcmp(key, "size", 4) == 0) {
                        if (!value_get_integer(r, &size) || size < 0)
                                return false;
                        image->size = (uint64_t)size;
                } else if (value_next(r, &v) != VALUE_OK || value_skip(r, &v) != VALUE_OK) {
                        return false;
                }
        }
        return true;
}

/* runtimed's answer: one array with a map per descriptor. */
static bool start_read_images(struct start *s, const struct wire_frame *frame) {
        struct value_reader r;
        struct value list;
        value_reader_init(&r, frame->extra.values, frame->extra.values_len);
        if (value_next(&r, &list) != VALUE_OK || list.type != VALUE_ARRAY ||
            list.size != frame->extra.n_fds || frame->extra.n_caps != frame->extra.n_fds ||
            list.size == 0)
                return false;

        for (s->n_images = 0; s->n_images < list.size; s->n_images++) {
                Thox__Image *image = &s->images[s->n_images];
                *image = (Thox__Image)THOX__IMAGE__INIT;
                if (!start_read_image(&r, image))
                        return false;
                s->image_refs[s->n_images] = image;
        }
        return true;
}

static int start_give(struct process *p, const struct run_context *c, uint32_t *ret_number) {
        struct handle *h;
        int r = handle_give(p->peer, c->context, c->rights, &h);
        if (r != 0)
                return r;
        context_announce(h, router_find_peer(&p->initd->router, p->parent.pid));
        *ret_number = h->number;
        return 0;
}

static int start_give_default(struct process *p) {
        const struct run_context *ctx = &p->spec->ctx;
        int r = handle_give_default(p->peer, ctx->context, ctx->rights);
        if (r != 0)
                return r;
        struct handle *h = handle_find(p->peer, 1);
        if (h)
                context_announce(h, router_find_peer(&p->initd->router, p->parent.pid));
        return 0;
}

/* A context whose owner has gone since the first start is left out. */
static int start_give_contexts(struct start *s, struct process *p) {
        const struct run_spec *spec = p->spec;
        s->contexts = calloc(spec->n_contexts + 1, sizeof(*s->contexts));
        s->context_refs = calloc(spec->n_contexts + 1, sizeof(*s->context_refs));
        if (!s->contexts || !s->context_refs)
                return error_origin(ENOMEM);

        for (size_t i = 0; i < spec->n_contexts; i++) {
                const struct run_context *c = &spec->contexts[i];
                if (c->context->is_dead)
                        continue;
                Thox__NamedHandle *named = &s->contexts[s->n_contexts];
                *named = (Thox__NamedHandle)THOX__NAMED_HANDLE__INIT;
                named->name = wire_bytes(c->name, strlen(c->name));
                int r = start_give(p, c, &named->handle);
                if (r != 0)
                        return r;
                s->context_refs[s->n_contexts++] = named;
        }
        return 0;
}

/* runtimed's handles: as long as the worker holds them, runtimed counts it as a user. */
static int start_give_images(struct process *p,
                             struct peer *server,
                             const struct wire_frame *frame) {
        for (size_t i = 0; i < frame->extra.n_caps; i++) {
                struct handle *theirs = handle_find(server, frame->extra.caps[i].handle);
                struct handle *given;
                if (!theirs)
                        return error_origin(EPROTO);
                int r = handle_give(p->peer, theirs->context, HANDLE_RIGHT_CALL, &given);
                if (r != 0)
                        return r;
                context_announce(given, NULL);
        }
        return 0;
}

static void start_send(struct start *s, struct process *p, const struct wire_frame *frame) {
        Thox__Start body = THOX__START__INIT;
        body.pid = p->pid;
        body.ppid = p->parent.pid;
        body.uid = p->uid;
        body.generation = p->generation;
        body.name = wire_bytes(p->name, strlen(p->name));
        body.program = wire_bytes(p->spec->program, strlen(p->spec->program));
        body.images = s->image_refs;
        body.n_images = s->n_images;
        body.contexts = s->context_refs;
        body.n_contexts = s->n_contexts;
        body.memory_bytes = p->spec->properties.memory_bytes;
        body.memory_max_bytes = run_properties_memory_max(&p->spec->properties);
        body.quantum_us = p->spec->properties.quantum_us;
        body.cpu_turn_us = p->spec->properties.cpu_turn_us;
        body.priority = p->spec->properties.priority;

        WIRE_MESSAGE(message, 0, START, start, &body);
        struct wire_extra extra = { .fds = frame->extra.fds,
                                    .n_fds = frame->extra.n_fds,
                                    .values = p->spec->args.data,
                                    .values_len = p->spec->args.len };
        peer_send(p->peer, &message, &extra);
}

static void start_deinit(struct start *s) {
        free(s->contexts);
        free(s->context_refs);
}

/* 0; HANDLE_E_LIMIT; < 0. */
static int start_build_and_send(struct process *p,
                                struct peer *server,
                                const struct wire_frame *frame) {
        struct start s CLEANUP(start_deinit) = { 0 };
        if (!start_read_images(&s, frame))
                return error_origin(EPROTO);
        int r = start_give_default(p);
        if (r == 0)
                r = start_give_contexts(&s, p);
        if (r == 0)
                r = start_give_images(p, server, frame);
        if (r == 0)
                start_send(&s, p, frame);
        return r;
}

/* ---- the images' arrival ------------------------------------------------------------------- */

static void launch_fail(struct process *p, enum thox_status status, struct wire_frame *frame) {
        struct value_reader r;
        const uint8_t *text;
        size_t len;
        if (frame) {
                value_reader_init(&r, frame->extra.values, frame->extra.values_len);
                if (value_get_bytes(&r, &text, &len)) {
                        process_fail_start(p, status, "%.*s", (int)len, (const char *)text);
                        return;
                }
        }
        if (status == STATUS_DEAD || status == STATUS_UNAVAIL)
                process_fail_start(p, STATUS_UNAVAIL, "runtimed is away; it is being restarted");
        else
                process_fail_start(p, status, "%s", status_text(status));
}

static void launch_on_images(struct router *router UNUSED,
                             void *userdata,
                             enum thox_status status,
                             struct peer *server,
                             struct wire_frame *frame) {
        struct launch *launch = userdata;
        struct process *p = launch->process;
        free(launch);
        if (!p)
                return;

        p->launch = NULL;
        if (status != STATUS_OK || !frame) {
                launch_fail(p, status == STATUS_OK ? STATUS_ERROR : status, frame);
                return;
        }
        if (!p->peer) {
                process_fail_start(p, STATUS_AGAIN, "the worker ended before it was started");
                return;
        }
        if (p->is_kill_wanted)
                return;
        if (p->spec->ctx.context->is_dead) {
                process_fail_start(p, STATUS_BADCTX, "the owner of its context 0 is gone");
                return;
        }

        int r = start_build_and_send(p, server, frame);
        if (r == HANDLE_E_LIMIT) {
                process_fail_start(p, STATUS_LIMIT, "more than %u contexts", LIMIT_HANDLES);
                return;
        }
        if (r < 0) {
                process_fail_start(p, STATUS_ERROR, "cannot send the program: %s", strerror(-r));
                return;
        }
        p->has_started = true;
        process_check_up(p);
}

/* ---- begin --------------------------------------------------------------------------------- */

/* Numbers are given from below: one that is nearly the highest says that few are left. */
static bool launch_leaves_spare(int fd) {
        struct rlimit limit;
        return getrlimit(RLIMIT_NOFILE, &limit) < 0 ||
               (rlim_t)fd + LIMIT_SPARE_FDS < limit.rlim_cur;
}

static int launch_make_peer(struct process *p, int *ret_fd) {
        int fds[2];
        int r = fd_socketpair(fds);
        if (r < 0)
                return error_trace(r);
        if (!launch_leaves_spare(fds[1])) {
                fd_close(fds[0]);
                fd_close(fds[1]);
                return error_origin(EMFILE);
        }

        r = peer_new(&p->peer, &p->initd->router, fds[0], PEER_ROLE_WORKER, p->pid, p->uid,
                     p->name);
        if (r < 0) {
                fd_close(fds[1]);
                return error_trace(r);
        }
        p->peer->userdata = p;
        p->peer->properties = &p->spec->properties;
        p->peer->priority = p->spec->properties.priority;
        p->generation = p->peer->generation;
        p->confinement = (struct confinement){ 0 };
        *ret_fd = fds[1];
        return 0;
}

static int launch_ask_images(struct process *p) {
        struct launch *launch = malloc(sizeof(*launch));
        if (!launch)
                return error_origin(ENOMEM);
        launch->process = p;
        p->launch = launch;
        call_start(&p->initd->router, "code.image", &p->spec->image, 0, launch_on_images, launch);
        return 0;
}

int launch_begin(struct process *p) {
        struct peer *zygote = p->initd->daemons[DAEMON_ZYGOTE].peer;
        if (!zygote || zygote->state != PEER_STATE_OPEN) {
                process_fail_start(p, STATUS_UNAVAIL, "no zygote; it is being restarted");
                return -EAGAIN;
        }

        int fd = -1;
        int r = launch_make_peer(p, &fd);
        if (r == 0)
                r = launch_ask_images(p);
        if (r < 0) {
                fd_close(fd);
                process_fail_start(p, STATUS_LIMIT, "cannot start a worker: %s", strerror(-r));
                return error_trace(r);
        }
        /* The answer may have come already: nobody serves code.image. */
        if (p->obituary.is_removed) {
                fd_close(fd);
                return -EAGAIN;
        }

        p->is_forking = true;
        p->initd->processes.n_forking++;
        spawn_fork(zygote, p->pid, p->name, run_properties_memory_max(&p->spec->properties), fd);
        return 0;
}
