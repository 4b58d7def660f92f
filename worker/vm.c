/*
 * vm.c - see vm.h. A Lua file: errors jump out of lua_* calls.
 */
#include "worker/vm.h"

#include <assert.h>
#include <errno.h>
#include <lauxlib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>

#include "libipc/base/error.h"
#include "libipc/base/macros.h"

#define VM_MAIN_AREA_BYTES (1u << 20)
#define VM_MAIN_ALIGN 16u

static_assert(LUA_EXTRASPACE >= sizeof(struct vm *), "the extra space holds one pointer");

/* Forked siblings share every address, and Lua's hash seed is made of addresses: the state goes to a
 * random place of its own. */
static void *vm_new_main_block(struct vm *vm, size_t size) {
        uint32_t random = 0;
        if (getrandom(&random, sizeof(random), 0) != (ssize_t)sizeof(random))
                return NULL;
        vm->main_block = mmap(NULL, VM_MAIN_AREA_BYTES, PROT_READ | PROT_WRITE,
                              MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (vm->main_block == MAP_FAILED) {
                vm->main_block = NULL;
                return NULL;
        }
        size_t n_places = (VM_MAIN_AREA_BYTES - size) / VM_MAIN_ALIGN;
        return (char *)vm->main_block + random % n_places * VM_MAIN_ALIGN;
}

static bool vm_is_in_main_block(const struct vm *vm, const void *ptr) {
        const char *start = vm->main_block;
        return start && (const char *)ptr >= start &&
               (const char *)ptr < start + VM_MAIN_AREA_BYTES;
}

/* Source and line of the innermost Lua function that runs; needs no memory. */
static void vm_where(const struct vm *vm, char *text, size_t size) {
        lua_Debug ar;
        text[0] = '\0';
        if (!vm->current)
                return;
        for (int level = 0; lua_getstack(vm->current, level, &ar) == 1; level++) {
                if (lua_getinfo(vm->current, "Sl", &ar) != 0 && ar.currentline > 0) {
                        snprintf(text, size, " at %s:%d", ar.short_src, ar.currentline);
                        return;
                }
        }
}

static void vm_exhausted(struct vm *vm) {
        char where[LUA_IDSIZE + 32], message[sizeof(where) + 160];
        vm_where(vm, where, sizeof(where));
        snprintf(message, sizeof(message),
                 VM_MEMORY_MESSAGE "%s: limit %zu MiB and its reserve of 25 %% are used up "
                                   "(property memory)",
                 where, vm->limit >> 20);
        vm->on_exhausted(vm, message);
        abort();
}

/* Whether the heap may grow by `n`. */
static bool vm_admit(struct vm *vm, bool may_fail, size_t n) {
        if (n > vm->reserve || vm->used > vm->reserve - n) {
                if (!may_fail)
                        vm_exhausted(vm);
                return false;
        }
        vm->is_over_limit = true;
        if (vm->current && !lua_gethook(vm->current))
                vm_arm_hook(vm->current);
        return true;
}

static void *vm_resize(struct vm *vm, void *ptr, size_t old, size_t size) {
        if (ptr)
                return heap_resize(&vm->heap, ptr, old, size);
        if (vm->main)
                return heap_new(&vm->heap, size);
        vm->main = vm_new_main_block(vm, size);
        return vm->main;
}

/* The state itself, which is large, is freed only with its area. */
static void vm_free(struct vm *vm, void *ptr, size_t size) {
        vm->used -= size;
        if (size <= HEAP_SMALL_BYTES || !vm_is_in_main_block(vm, ptr))
                heap_free(&vm->heap, ptr, size);
}

/* A block that is moved, or new where the limit or the heap has a word to say. */
static void *vm_grow(struct vm *vm, void *ptr, size_t old_size, size_t size) {
        size_t old = ptr ? old_size : 0;
        bool may_fail = !ptr && (old_size == LUA_TSTRING || old_size == LUA_TUSERDATA);
        bool is_over = size > old && vm->used + (size - old) > vm->trigger;
        if (is_over && !vm_admit(vm, may_fail, size - old))
                return NULL;
        void *result = vm_resize(vm, ptr, old, size);
        if (!result && !may_fail && vm->on_exhausted)
                vm_exhausted(vm);
        if (result)
                vm->used += size - old;
        return result;
}

/* lua_Alloc. The state itself is never resized. */
static void *vm_alloc(void *userdata, void *ptr, size_t old_size, size_t size) {
        struct vm *vm = userdata;
        if (size == 0) {
                if (ptr)
                        vm_free(vm, ptr, old_size);
                return NULL;
        }
        bool is_plain = !ptr && vm->main && vm->used + size <= vm->trigger;
        void *result = is_plain ? heap_new_spare(&vm->heap, size) : NULL;
        if (!result)
                return vm_grow(vm, ptr, old_size, size);
        vm->used += size;
        return result;
}

static int vm_on_panic(lua_State *L) {
        const char *text = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : "no message";
        fprintf(stderr, "worker: unprotected Lua error: %s\n", text);
        return 0;
}

int vm_init(struct vm *vm) {
        *vm = (struct vm){ .limit = SIZE_MAX, .reserve = SIZE_MAX, .trigger = SIZE_MAX };
        heap_init(&vm->heap);
        lua_State *L = lua_newstate(vm_alloc, vm);
        vm->main = L;
        if (!L)
                return error_origin(ENOMEM);
        *(struct vm **)lua_getextraspace(L) = vm;
        lua_atpanic(L, vm_on_panic);
        return 0;
}

void vm_deinit(struct vm *vm) {
        if (vm->main)
                lua_close(vm->main);
        if (vm->main_block)
                munmap(vm->main_block, VM_MAIN_AREA_BYTES);
        heap_deinit(&vm->heap);
        *vm = (struct vm){ 0 };
}

void vm_set_limit(struct vm *vm, size_t bytes) {
        vm->limit = vm->trigger = bytes;
        vm->reserve = bytes + bytes / 4;
}

static bool vm_has_room(const struct vm *vm) {
        return vm->used <= vm->limit / 10 * 9;
}

static void vm_check_memory(struct vm *vm, lua_State *L) {
        lua_gc(L, LUA_GCCOLLECT);
        vm->is_over_limit = false;
        vm->trigger = vm->limit;
        if (!vm_has_room(vm) && vm->on_full)
                vm->on_full(vm);
        if (vm_has_room(vm))
                return;
        vm->trigger = vm->used + vm->limit / 16;
        if (vm->is_slice_over || vm->is_cpu_over)
                vm_arm_hook(L);
        luaL_error(L, VM_MEMORY_MESSAGE " (%d MiB; %d KiB still in use after a collection)",
                   (int)(vm->limit >> 20), (int)(vm->used >> 10));
}

static void vm_hook(lua_State *L, lua_Debug *ar UNUSED) {
        struct vm *vm = vm_of(L);
        lua_sethook(L, NULL, 0, 0);
        if (vm->is_over_limit)
                vm_check_memory(vm, L);
        if (vm->is_cpu_over) {
                vm->is_cpu_over = 0;
                if (vm->is_slice_over)
                        vm_arm_hook(L);
                vm->on_cpu_over(vm, L);
        }
        if (vm->is_slice_over)
                vm->on_slice_over(vm, L);
}

void vm_arm_hook(lua_State *L) {
        lua_sethook(L, vm_hook, LUA_MASKCOUNT, 1);
}

static int vm_on_error(lua_State *L) {
        luaL_tolstring(L, 1, NULL);
        return 1;
}

int vm_protect(struct vm *vm, lua_CFunction fn, void *userdata, char **ret_message) {
        lua_State *L = vm->main;
        int top = lua_gettop(L);
        lua_pushcfunction(L, vm_on_error);
        lua_pushcfunction(L, fn);
        lua_pushlightuserdata(L, userdata);
        int r = lua_pcall(L, 1, 0, top + 1);
        if (r != LUA_OK && ret_message) {
                const char *text = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : NULL;
                *ret_message = strdup(text ? text : "not enough memory");
        }
        lua_settop(L, top);
        return r == LUA_OK ? VM_OK : VM_E_ERROR;
}

/* Writes over an existing key, which needs no memory and so cannot raise. */
void vm_unref(struct vm *vm, int ref) {
        luaL_unref(vm->main, LUA_REGISTRYINDEX, ref);
}

static void vm_add_level(lua_State *L, lua_State *on, lua_Debug *ar) {
        lua_getinfo(on, "Slnt", ar);
        if (ar->currentline > 0)
                lua_pushfstring(L, "\n\t%s:%d: in ", ar->short_src, ar->currentline);
        else
                lua_pushfstring(L, "\n\t%s: in ", ar->short_src);
        if (ar->name && ar->namewhat[0] != '\0')
                lua_pushfstring(L, "%s '%s'", ar->namewhat, ar->name);
        else if (ar->what[0] == 'm')
                lua_pushliteral(L, "main chunk");
        else if (ar->what[0] == 'C')
                lua_pushliteral(L, "?");
        else
                lua_pushfstring(L, "function <%s:%d>", ar->short_src, ar->linedefined);
        if (ar->istailcall)
                lua_pushliteral(L, "\n\t(...tail calls...)");
        lua_concat(L, ar->istailcall ? 3 : 2);
}

void vm_traceback(lua_State *L, lua_State *on, int level, int max) {
        lua_Debug ar;
        luaL_checkstack(L, 8, "no room for a traceback");
        lua_pushliteral(L, "\nstack traceback:");
        lua_concat(L, 2);
        for (int n = 0; lua_getstack(on, level, &ar) == 1; level++) {
                lua_getinfo(on, "S", &ar);
                if (strcmp(ar.source, VM_STRIPPED_SOURCE) == 0)
                        continue;
                if (n++ == max) {
                        lua_pushliteral(L, "\n\t...");
                        lua_concat(L, 2);
                        return;
                }
                vm_add_level(L, on, &ar);
                lua_concat(L, 2);
        }
}
