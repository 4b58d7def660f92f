/*
 * vm.h - one Lua state with a memory limit, and the only protected calls of the worker.
 *
 * Memory. Over `limit` a hook is armed on the running coroutine; it runs a full collection and raises
 * "memory limit exceeded" when more than 90 % is still in use. Meanwhile the program may go on up to
 * `reserve` (limit + 25 %); each raise leaves a sixteenth for catching it. Past that strings and userdata fail as in stock Lua, everything else ends
 * the process through on_exhausted: a table whose growth fails is memory corruption in Lua 5.4.4.
 *
 * Invariants: 1. Nothing that may raise runs on `main` outside vm_protect. 2. `current` is the
 * coroutine whose code runs, NULL when none does; a signal handler reads it. 3. The extra space of a
 * coroutine that may run holds the address of its struct vm (hijack.c says what the others hold).
 */
#pragma once

#include <lua.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "worker/heap.h"

struct task;

/* Set immediately before each yield: nothing may run between. */
enum vm_yield {
        VM_YIELD_BASIC,   /* the program's own */
        VM_YIELD_PARK,    /* a syscall that waits, or a slice that is over: for the scheduler */
        VM_YIELD_REQUEST, /* a request for the innermost capture: a kind and arguments */
        VM_YIELD_PREEMPT, /* a slice that is over: for the innermost capture */
};

/* How the messages of errors begin, behind their place, that limits raised. */
#define VM_MEMORY_MESSAGE "memory limit exceeded"
#define VM_CPU_MESSAGE "CPU limit exceeded"

struct vm {
        lua_State *main;
        lua_State *volatile current;
        struct task *task; /* whose coroutine `current` is */

        /* Coroutines (hijack.c). */
        enum vm_yield yield;   /* what the yield under way means */
        unsigned n_boundaries; /* resumes in progress that no park can cross */
        unsigned n_closing;    /* coroutine.close in progress */
        uint64_t park_serial;  /* of the latest park or request */

        /* Captures (capture.c). */
        lua_State *captured; /* the coroutine of the innermost os.capture in progress, NULL: none */
        lua_State *kept;     /* arguments of functions that check them, above `kept_base` */
        int kept_base;

        /* Pre-emption: set by a signal handler, served by the hook. */
        volatile sig_atomic_t is_slice_over;
        void (*on_slice_over)(struct vm *vm, lua_State *L); /* may yield */

        /* A stage of the limit on CPU time (cpu.h), likewise. */
        volatile sig_atomic_t is_cpu_over;
        void (*on_cpu_over)(struct vm *vm, lua_State *L); /* may raise */

        size_t used, limit, reserve; /* bytes of the Lua heap */
        size_t trigger; /* where the hook is armed; above the limit once it has raised */
        bool is_over_limit;
        void (*on_exhausted)(struct vm *vm, const char *message); /* must not return */
        /* After a collection that did not help; may set another limit. NULL: nobody is asked. */
        void (*on_full)(struct vm *vm);
        struct heap heap;
        void *main_block; /* the mapping that hides where the state begins */
};

enum vm_error {
        VM_OK = 0,
        VM_E_ERROR = 1, /* the function raised; a message is in *ret_message */
};

/* A state without any library. 0 or -errno. */
int vm_init(struct vm *vm);
void vm_deinit(struct vm *vm);

/* From now on the heap is limited. */
void vm_set_limit(struct vm *vm, size_t bytes);

/* Runs `fn` on the main thread with `userdata` as its only argument (light). VM_E_ERROR: *ret_message
 * (may be NULL) is malloc'd text. */
int vm_protect(struct vm *vm, lua_CFunction fn, void *userdata, char **ret_message);

/* The hook for the running coroutine: memory, CPU time and slices. Callable from a signal handler. */
void vm_arm_hook(lua_State *L);

/* Of a coroutine that runs. The lowest bits of its extra space are flags. */
static inline struct vm *vm_of(lua_State *L) {
        return (struct vm *)(*(uintptr_t *)lua_getextraspace(L) & ~(uintptr_t)3);
}

/* Who runs from here on; a slice that ended while nobody was looking is made up for. */
static inline void vm_set_current(struct vm *vm, lua_State *L) {
        vm->current = L;
        if (L && (vm->is_slice_over || vm->is_cpu_over))
                vm_arm_hook(L);
}

/* Gives up a reference in the registry; LUA_NOREF is fine. */
void vm_unref(struct vm *vm, int ref);

#define VM_STRIPPED_SOURCE "=?" /* the prelude's: no business of the program */

/* Appends the innermost `max` levels of `on`, from `level` up, to the string at the top of L. */
void vm_traceback(lua_State *L, lua_State *on, int level, int max);
