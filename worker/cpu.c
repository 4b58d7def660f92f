/*
 * cpu.c - see cpu.h. A Lua file: errors jump out of lua_* calls.
 */
#include "worker/cpu.h"

#include <lauxlib.h>
#include <stdio.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "libipc/base/clock.h"
#include "libipc/base/macros.h"
#include "libipc/limits.h"
#include "libipc/status.h"
#include "worker/vm.h"
#include "worker/worker.h"

#define CPU_SIGNAL SIGPROF

enum cpu_stage {
        CPU_STAGE_NONE,
        CPU_STAGE_ERROR,
        CPU_STAGE_END,
        CPU_STAGE_FORCE,
};

static struct cpu *cpu_current; /* signals carry no pointer */

static void cpu_arm(uint64_t us) {
        struct itimerval when = { .it_value = { .tv_sec = (time_t)(us / CLOCK_S_US),
                                                .tv_usec = (suseconds_t)(us % CLOCK_S_US) } };
        (void)setitimer(ITIMER_PROF, &when, NULL);
}

static void cpu_on_signal(int number UNUSED) {
        struct cpu *c = cpu_current;
        if (!c->vm->task)
                return;
        c->stage = c->stage + 1;
        if (c->stage >= CPU_STAGE_FORCE)
                _exit(WORKER_EXIT_CPU);
        c->vm->is_cpu_over = 1;
        if (c->vm->current)
                vm_arm_hook(c->vm->current);
        cpu_arm(LIMIT_CPU_GRACE_US);
}

void cpu_set_limit(struct cpu *c, struct vm *vm, uint64_t limit_us) {
        struct sigaction action = { .sa_handler = cpu_on_signal, .sa_flags = SA_RESTART };
        *c = (struct cpu){ .vm = vm, .limit_us = limit_us };
        if (limit_us == 0)
                return;
        cpu_current = c;
        (void)sigaction(CPU_SIGNAL, &action, NULL);
}

static uint64_t cpu_now_us(void) {
        struct timespec t;
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
        return (uint64_t)t.tv_sec * CLOCK_S_US + (uint64_t)t.tv_nsec / 1000;
}

void cpu_begin(struct cpu *c, struct task *t) {
        if (c->limit_us == 0)
                return;
        uint64_t due_us = c->limit_us + t->cpu_stage * LIMIT_CPU_GRACE_US;
        c->stage = (sig_atomic_t)t->cpu_stage;
        c->started_us = cpu_now_us();
        cpu_arm(due_us > t->cpu_us ? due_us - t->cpu_us : 1);
}

void cpu_end(struct cpu *c, struct task *t, bool goes_on) {
        if (c->limit_us == 0)
                return;
        cpu_arm(0);
        c->vm->is_cpu_over = 0;
        t->cpu_us = goes_on ? t->cpu_us + (cpu_now_us() - c->started_us) : 0;
        t->cpu_stage = goes_on ? (uint32_t)c->stage : 0;
}

void cpu_on_stage(struct cpu *c, lua_State *L) {
        char message[160];
        snprintf(message, sizeof(message),
                 VM_CPU_MESSAGE ": more than %g s in one turn (property cpu_turn)",
                 (double)c->limit_us / 1e6);
        luaL_where(L, 0);
        lua_pushstring(L, message);
        lua_concat(L, 2);
        if (c->stage == CPU_STAGE_ERROR)
                lua_error(L);
        c->vm->current = NULL;
        worker_fail_in(container_of(c, struct worker, cpu), L, EXIT_REASON_CPU,
                       lua_tostring(L, -1));
}
