/*
 * launch.h - one instance's start: a socket pair, a peer, a worker forked by the zygote and, at the
 * same time, the program's images from runtimed; then the Start frame.
 *
 *      process ──┬── Fork ──────────> zygote ──── Forked ───> process_on_forked ─┬─> READY
 *                └── code.image ────> runtimed ── images ───> Start to the worker ┘
 */
#pragma once

struct process;

/* Begins. 0, or < 0 after process_fail_start. */
int launch_begin(struct process *p);
/* The process no longer waits for the images. */
void launch_abandon(struct process *p);
