/*
 * cpu.h - the limit on CPU time that a task uses in one turn: from what woke it until it waits. Slices
 * that end in between do not count as waiting.
 *
 *   stage 0 ----limit----> 1: an error in the task, which may catch it
 *           ---- grace---> 2: the process ends, in the hook, with the place in its message
 *           ---- grace---> 3: it ends in the signal's handler: a function in C that no hook reaches
 *
 * The timer is one of CPU time, so a machine that is busy with others does not shorten a turn.
 */
#pragma once

#include <lua.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

struct vm;
struct task;

struct cpu {
        struct vm *vm;
        uint64_t limit_us; /* 0: none */
        uint64_t started_us;
        volatile sig_atomic_t stage; /* of the task that runs */
};

void cpu_set_limit(struct cpu *c, struct vm *vm, uint64_t limit_us);

/* The task runs, and has stopped; `goes_on`: its turn is not over. */
void cpu_begin(struct cpu *c, struct task *t);
void cpu_end(struct cpu *c, struct task *t, bool goes_on);

/* In the hook, after a stage has been reached: raises, or ends the process. */
void cpu_on_stage(struct cpu *c, lua_State *L);
