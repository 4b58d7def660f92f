/*
 * tree_fixture.h - a whole initd on a fake loop with fake children: the test plays storaged,
 * runtimed, the zygote and every worker, and decides when time passes and who dies.
 */
#pragma once

#include "initd/initd.h"
#include "tests/fake/fake_loop.h"
#include "tests/fake/fake_spawn.h"
#include "tests/helper/peer.h"

struct tree_fixture {
        char dir[64];
        char boot_dir[80];
        struct config config;
        struct initd *initd;
        struct raw_peer storaged, runtimed, zygote;
};

/* Daemons and zygote up; no init program unless `has_init`, which then waits to be started. */
void tree_init(struct tree_fixture *t, bool has_init);
void tree_deinit(struct tree_fixture *t);

/* The named daemon's newest child says Hello and binds its names. */
void tree_play_daemon(struct tree_fixture *t, enum daemon_id id, struct raw_peer *ret);
/* A control client, past its Welcome. */
void tree_connect(struct tree_fixture *t, struct raw_peer *ret);

/* Answers the code.image that waits at runtimed, with one image, or with a refusal. */
void tree_give_image(struct tree_fixture *t);
void tree_refuse_image(struct tree_fixture *t, enum thox_status status, const char *message);
/* The zygote's word that this child is there. */
void tree_say_forked(struct tree_fixture *t, const struct fake_child *child);
/* The zygote answers the newest Fork; `ret` plays the worker, Hello said and Start received. */
struct fake_child *tree_fork(struct tree_fixture *t, struct raw_peer *ret);
/* Both of the above. */
struct fake_child *tree_start_worker(struct tree_fixture *t, struct raw_peer *ret);

/* A process.run{program = "p" [, restart = restart]} by `client`; its seq. */
uint32_t tree_run(struct raw_peer *client, const char *restart);
/* Until whatever has fallen `n_falls` times is started again. */
void tree_wait_restart(struct tree_fixture *t, unsigned n_falls);
/* The integer that an answer begins with. */
int64_t tree_integer(const struct wire_frame *frame);
/* The child ends, and initd hears of it. */
void tree_die(struct tree_fixture *t, struct fake_child *child, int wait_status);
void tree_say_exit(struct raw_peer *worker,
                   uint32_t status,
                   enum exit_reason reason,
                   const char *message);
