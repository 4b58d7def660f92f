/*
 * watchdog.c - see watchdog.h. What the kernel counts as unread are its buffers, which are larger than
 * what they hold: in the socket of somebody who reads nothing the count grows by at least as much as was
 * written. Where it has grown by less, something was read.
 */
#include "initd/watchdog.h"

#include <linux/sockios.h>
#include <string.h>
#include <sys/ioctl.h>

#include "initd/initd.h"
#include "initd/run_spec.h"
#include "libipc/base/clock.h"
#include "libipc/base/error.h"

#define LOOK_EVERY_US CLOCK_S_US

static bool watchdog_sees_life(const struct peer *p, int n_unread) {
        const struct peer_watch *last = &p->watch;
        uint64_t n_written = p->conn.n_bytes_written - last->n_bytes_written;
        return last->since_us == 0 || p->conn.n_bytes_read != last->n_bytes_read ||
               (uint64_t)n_unread < (uint64_t)last->n_unread + n_written;
}

/* Whether something lies unread still. */
static bool watchdog_look_at(struct peer *p, uint64_t limit_us, uint64_t now_us) {
        int n_unread;
        if (ioctl(p->conn.fd, SIOCOUTQ, &n_unread) < 0 || n_unread == 0) {
                p->watch.since_us = 0;
                return false;
        }
        p->watch = (struct peer_watch){
                .since_us = watchdog_sees_life(p, n_unread) ? now_us : p->watch.since_us,
                .n_unread = n_unread,
                .n_bytes_read = p->conn.n_bytes_read,
                .n_bytes_written = p->conn.n_bytes_written,
        };
        if (now_us - p->watch.since_us < limit_us)
                return true;
        log_warn("peer removed: it reads nothing pid=%u name=%s", p->pid,
                 log_quote(p->name, strlen(p->name)));
        peer_close(p, EXIT_REASON_HUNG, "it has read nothing for %g s%s", (double)limit_us / 1e6,
                   p->role == PEER_ROLE_WORKER ? " (property watchdog)" : "");
        return false;
}

static bool watchdog_look_at_programs(struct initd *initd, uint64_t now_us) {
        bool is_any_unread = false;
        list_for_each_safe(link, &initd->processes.all) {
                struct process *p = container_of(link, struct process, link);
                uint64_t limit_us = p->spec->properties.watchdog_us;
                if (p->peer && limit_us > 0)
                        is_any_unread |= watchdog_look_at(p->peer, limit_us, now_us);
        }
        return is_any_unread;
}

static bool watchdog_look_at_daemons(struct initd *initd, uint64_t now_us) {
        bool is_any_unread = false;
        for (size_t i = 0; i < _DAEMON_N; i++) {
                struct peer *peer = initd->daemons[i].peer;
                if (peer)
                        is_any_unread |= watchdog_look_at(peer, LIMIT_WATCHDOG_DAEMON_US, now_us);
        }
        return is_any_unread;
}

static int watchdog_on_timer(struct loop_timer *timer) {
        struct watchdog *w = container_of(timer, struct watchdog, timer);
        uint64_t now_us = clock_now_us();
        bool is_any_unread = watchdog_look_at_programs(w->initd, now_us);
        is_any_unread |= watchdog_look_at_daemons(w->initd, now_us);
        w->initd->router.is_written = is_any_unread;
        return is_any_unread ? error_trace(loop_timer_set(&w->timer, LOOK_EVERY_US)) : 0;
}

int watchdog_init(struct watchdog *w, struct initd *initd) {
        w->initd = initd;
        return error_trace(loop_timer_init(&w->timer, &initd->loop, watchdog_on_timer));
}

void watchdog_deinit(struct watchdog *w) {
        loop_timer_deinit(&w->timer);
}

void watchdog_on_written(struct watchdog *w) {
        if (loop_timer_set(&w->timer, LOOK_EVERY_US) < 0)
                log_warn("the watchdog has no timer");
}
