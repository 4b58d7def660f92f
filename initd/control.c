/*
 * control.c - see control.h. A refused client is a peer for as long as it takes to tell it why: its
 * Hello is answered by a Reply with the reason, then it is closed.
 */
#include "initd/control.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "initd/initd.h"
#include "libipc/base/error.h"
#include "libipc/base/fd.h"
#include "libipc/base/log.h"

#define CONTROL_BACKLOG 64
#define CONTROL_RETRY_US 1000000u
#define CONTROL_REFUSED_MAX 16u /* refused clients that have not said Hello yet */
#define CONTROL_UID_REFUSED UINT32_MAX

int64_t control_map_uid(uid_t uid, uid_t owner) {
        return uid == 0 || uid == owner ? 0 : -1;
}

static void control_add_client(struct control *c, int fd, uint32_t uid) {
        struct initd *initd = c->initd;
        struct peer *peer;
        int r = peer_new(&peer, &initd->router, fd, PEER_ROLE_CONTROL, process_new_pid(initd), uid,
                         "control");
        if (r < 0) {
                log_warn("control client refused: %s", strerror(-r));
                return;
        }
        if (uid == CONTROL_UID_REFUSED)
                c->n_strangers++;
        else
                c->n_clients++;
}

/* Those who may not come in take nobody's place, and few of them are heard out. */
static bool control_has_room(const struct control *c, int64_t uid) {
        return uid < 0 ? c->n_strangers < CONTROL_REFUSED_MAX :
                         c->n_clients < LIMIT_CONTROL_CLIENTS + CONTROL_REFUSED_MAX;
}

static void control_accept(struct control *c, int fd) {
        struct ucred creds;
        socklen_t len = sizeof(creds);
        if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &creds, &len) < 0) {
                fd_close(fd);
                return;
        }

        int64_t uid = control_map_uid(creds.uid, geteuid());
        if (!control_has_room(c, uid)) {
                fd_close(fd);
                return;
        }
        if (uid < 0)
                log_warn("control client denied uid=%u linux_pid=%d", creds.uid, (int)creds.pid);
        control_add_client(c, fd, uid < 0 ? CONTROL_UID_REFUSED : (uint32_t)uid);
}

/* Out of descriptors the listening socket stays readable: looking away is all that helps. What was
 * missing may be others' to give back, so it looks again by itself. */
static int control_pause(struct control *c) {
        log_warn("no descriptor or memory left for a control client; it waits");
        c->is_paused = true;
        int r = loop_io_want(&c->io, false, false);
        return r == 0 ? loop_timer_set(&c->retry, CONTROL_RETRY_US) : error_trace(r);
}

static int control_on_retry(struct loop_timer *timer) {
        control_resume(container_of(timer, struct control, retry));
        return 0;
}

static int control_on_io(struct loop_io *io, bool is_readable UNUSED, bool is_writable UNUSED) {
        struct control *c = container_of(io, struct control, io);
        int fd = accept4(c->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd >= 0)
                control_accept(c, fd);
        else if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS)
                return error_trace(control_pause(c));
        return 0;
}

#define CONTROL_TOO_MANY "64 clients are connected already"
static_assert(LIMIT_CONTROL_CLIENTS == 64, "CONTROL_TOO_MANY names it");

static void control_refuse(struct peer *peer, enum thox_status status, const char *message) {
        peer_reply(peer, 0, status, message);
        peer_close(peer, EXIT_REASON_KILLED, "refused: %s", message);
}

void control_on_hello(struct control *c, struct peer *peer) {
        struct initd *initd = c->initd;
        if (peer->uid == CONTROL_UID_REFUSED) {
                control_refuse(peer, STATUS_DENIED,
                               "only root and the user who runs this tree may control it");
                return;
        }
        if (c->n_clients > LIMIT_CONTROL_CLIENTS) {
                control_refuse(peer, STATUS_BUSY, CONTROL_TOO_MANY);
                return;
        }
        if (handle_give_default(peer, initd->router.native, HANDLE_RIGHTS_ALL) != 0) {
                control_refuse(peer, STATUS_ERROR, "initd is out of memory");
                return;
        }
        initd_welcome(peer);
}

void control_on_closed(struct control *c, const struct peer *peer) {
        if (peer->uid == CONTROL_UID_REFUSED)
                c->n_strangers--;
        else
                c->n_clients--;
}

void control_resume(struct control *c) {
        if (!c->is_paused || c->fd < 0)
                return;
        c->is_paused = loop_io_want(&c->io, true, false) < 0;
        if (!c->is_paused)
                loop_timer_clear(&c->retry);
        else if (loop_timer_set(&c->retry, CONTROL_RETRY_US) < 0)
                log_warn("control clients wait until another one leaves");
}

static int control_bind(int fd, const char *path) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        size_t len = strlen(path);
        if (len >= sizeof(address.sun_path))
                return error_origin(ENAMETOOLONG);
        memcpy(address.sun_path, path, len + 1);

        if (unlink(path) < 0 && errno != ENOENT)
                return error_origin(errno);
        if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
                return error_origin(errno);
        /* Everybody may knock; the answer depends on who it is. */
        if (chmod(path, 0666) < 0 || listen(fd, CONTROL_BACKLOG) < 0)
                return error_origin(errno);
        return 0;
}

int control_init(struct control *c, struct initd *initd, const char *path) {
        *c = (struct control){ .initd = initd, .fd = -1 };
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd < 0)
                return error_origin(errno);

        int r = control_bind(fd, path);
        if (r < 0) {
                log_error("cannot listen on %s: %s", path, strerror(-r));
                fd_close(fd);
                return CONTROL_E_REFUSED;
        }
        r = loop_io_init(&c->io, &initd->loop, fd, control_on_io);
        if (r < 0) {
                fd_close(fd);
                return error_trace(r);
        }
        r = loop_timer_init(&c->retry, &initd->loop, control_on_retry);
        if (r < 0) {
                loop_io_deinit(&c->io);
                fd_close(fd);
                return error_trace(r);
        }
        c->fd = fd;
        return error_trace(loop_io_want(&c->io, false, false));
}

int control_open(struct control *c) {
        return error_trace(loop_io_want(&c->io, true, false));
}

void control_close(struct control *c) {
        if (c->fd < 0)
                return;
        loop_io_deinit(&c->io);
        loop_timer_deinit(&c->retry);
        c->fd = fd_close(c->fd);
}
