/*
 * start.c - see start.h. A Lua file; the functions below the line run protected on the main thread.
 *
 * The state begins with the standard libraries that stay within the VM (no io, no package, no stock
 * coroutine) in a table `native` beside our own functions. Only the prelude ever sees that table; what
 * a program sees is what the prelude copies out of it.
 */
#include "worker/start.h"

#include <errno.h>
#include <lauxlib.h>
#include <lualib.h>
#include <stdlib.h>
#include <string.h>

#include "libipc/base/error.h"
#include "libipc/base/log.h"
#include "worker/api.h"
#include "worker/hijack.h"
#include "worker/lvalue.h"
#include "worker/prelude.h"

#define START_MAIN "thox.main" /* registry: the prelude's main function */
#define START_CHUNK_NAME "=thox"
#define START_FREE_KIB 64

static void open_library(lua_State *L, const char *name, lua_CFunction open) {
        lua_pushcfunction(L, open);
        lua_call(L, 0, 1);
        lua_setfield(L, -2, name);
}

static void load_part(lua_State *L, const struct prelude_part *part) {
        if (luaL_loadbufferx(L, part->source, part->len, START_CHUNK_NAME, "t") != LUA_OK)
                lua_error(L);
}

/* load_part(name): the part's chunk. */
static int l_load_part(lua_State *L) {
        const char *name = luaL_checkstring(L, 1);
        for (size_t i = 0; i < n_prelude_parts; i++)
                if (strcmp(prelude_parts[i].name, name) == 0) {
                        load_part(L, &prelude_parts[i]);
                        return 1;
                }
        return luaL_error(L, "the prelude has no part '%s'", name);
}

static int l_open(lua_State *L) {
        const struct worker *w = lua_touserdata(L, 1);
        const struct worker_options *o = &w->options;
        static void (*const openers[])(lua_State * L) = {
                api_open_handle,  api_open_call,    api_open_pull,    api_open_rpc,
                api_open_bind,    api_open_queue,   api_open_context, api_open_task,
                api_open_group,   api_open_channel, api_open_console, api_open_image,
                api_open_sandbox, api_open_time,    capture_open,
        };
        lua_gc(L, LUA_GCSTOP); /* nothing of this becomes garbage */
        lua_createtable(L, 0, 64);
        open_library(L, "base", luaopen_base);
        open_library(L, "string", luaopen_string);
        open_library(L, "table", luaopen_table);
        open_library(L, "math", luaopen_math);
        open_library(L, "utf8", luaopen_utf8);
        open_library(L, "os", luaopen_os);
        open_library(L, "debug", luaopen_debug);
        hijack_open(L);
        lua_setfield(L, -2, "coroutine");
        for (size_t i = 0; i < ARRAY_SIZE(openers); i++)
                openers[i](L);
        lua_pushcfunction(L, l_load_part);
        lua_setfield(L, -2, "load_part");
        if (luaL_loadbufferx(L, o->prelude, o->prelude_len, START_CHUNK_NAME, "b") != LUA_OK)
                return lua_error(L);
        lua_insert(L, -2);
        lua_call(L, 1, 1);
        lua_setfield(L, LUA_REGISTRYINDEX, START_MAIN);
        lua_gc(L, LUA_GCRESTART);
        /* A negative step puts the first collection off: small programs end without one. */
        lua_gc(L, LUA_GCSTEP, -START_FREE_KIB);
        return 0;
}

static void set_integer(lua_State *L, const char *key, lua_Integer value) {
        lua_pushinteger(L, value);
        lua_setfield(L, -2, key);
}

static void set_bytes(lua_State *L, const char *key, ProtobufCBinaryData bytes) {
        lua_pushlstring(L, (const char *)bytes.data, bytes.len);
        lua_setfield(L, -2, key);
}

struct start {
        const Thox__Start *message;
        const struct wire_extra *extra;
        struct task *task;
};

/* Everything of Start that a program can ask for, as one table. */
static void push_info(lua_State *L, const struct start *s) {
        const Thox__Start *m = s->message;
        struct event values = { .values = s->extra->values,
                                .values_len = s->extra->values_len,
                                .caps = s->extra->caps,
                                .n_caps = s->extra->n_caps };
        lua_createtable(L, 0, 10);
        set_integer(L, "pid", m->pid);
        set_integer(L, "ppid", m->ppid);
        set_integer(L, "uid", m->uid);
        set_integer(L, "n_images", (lua_Integer)m->n_images);
        set_bytes(L, "name", m->name);
        set_bytes(L, "program", m->program);
        int n = lvalue_decode(L, &values, LVALUE_TARGET_TABLE);
        if (n < 0)
                luaL_error(L, "the program's arguments are malformed");
        set_integer(L, "n", n);
        lua_setfield(L, -2, "args");
        lua_createtable(L, 0, (int)m->n_contexts);
        for (size_t i = 0; i < m->n_contexts; i++) {
                const Thox__NamedHandle *h = m->contexts[i];
                lua_pushlstring(L, (const char *)h->name.data, h->name.len);
                api_push_handle(L, h->handle);
                lua_rawset(L, -3);
        }
        lua_setfield(L, -2, "contexts");
}

static int l_start(lua_State *L) {
        struct start *s = lua_touserdata(L, 1);
        lua_State *co = lua_newthread(L);
        s->task->coroutine_ref = luaL_ref(L, LUA_REGISTRYINDEX);
        s->task->coroutine = co;
        lua_getfield(L, LUA_REGISTRYINDEX, START_MAIN);
        push_info(L, s);
        lua_xmove(L, co, 2);
        s->task->n_args = 1;
        lua_pushnil(L);
        lua_setfield(L, LUA_REGISTRYINDEX, START_MAIN);
        return 0;
}

/* ---- the unprotected side ------------------------------------------------------------------ */

int start_open(struct worker *w) {
        char *message = NULL;
        if (vm_protect(&w->vm, l_open, w, &message) == VM_OK)
                return 0;
        log_error("the prelude failed: %s", message);
        free(message);
        return error_origin(ENOTRECOVERABLE);
}

static void start_take_images(struct worker *w, const struct wire_frame *f) {
        const Thox__Start *m = f->message->start;
        for (size_t i = 0; i < m->n_images && i < f->extra.n_fds; i++) {
                struct worker_image *image = &w->images[w->n_images++];
                size_t len = m->images[i]->name.len;
                if (len >= sizeof(image->name))
                        len = sizeof(image->name) - 1;
                if (len != 0)
                        memcpy(image->name, m->images[i]->name.data, len);
                image->size = (size_t)m->images[i]->size;
                image->fd = conn_take_fd(&w->syscalls.conn, i);
        }
}

void start_program(struct worker *w, struct wire_frame *f) {
        const Thox__Start *m = f->message->start;
        w->pid = m->pid;
        w->ppid = m->ppid;
        w->uid = m->uid;
        w->syscalls.generation = m->generation;
        w->syscalls.priority = wire_priority_flags(m->priority);
        start_take_images(w, f);
        if (w->n_images != m->n_images || m->n_images == 0)
                worker_exit(w, 1, EXIT_REASON_PROTOCOL,
                            "Start came with fewer descriptors than images");
        sched_set_quantum(&w->sched, w->options.has_no_hooks ? 0 : m->quantum_us);
        cpu_set_limit(&w->cpu, &w->vm, m->cpu_turn_us);
        if (m->memory_bytes != 0)
                vm_set_limit(&w->vm, m->memory_bytes);
        w->memory_max = m->memory_max_bytes;
        struct start s = { .message = m, .extra = &f->extra };
        s.task = w->main_task = sched_add_task(&w->sched, 0);
        if (!s.task)
                worker_fail(w, error_origin(ENOMEM));
        char *message = NULL;
        if (vm_protect(&w->vm, l_start, &s, &message) != VM_OK)
                worker_exit(w, 1, EXIT_REASON_ERROR, message);
        sched_wake(&w->sched, s.task, NULL);
}

static int append_bytes(lua_State *L UNUSED, const void *bytes, size_t len, void *userdata) {
        return buf_add(userdata, bytes, len) < 0;
}

static int l_compile(lua_State *L) {
        load_part(L, &prelude_parts[0]);
        /* Stripped: half the strings, and no traceback shows it. */
        if (lua_dump(L, append_bytes, lua_touserdata(L, 1), 1) != 0)
                return luaL_error(L, "not enough memory");
        return 0;
}

int start_compile_prelude(void **ret, size_t *ret_len) {
        struct vm vm;
        struct buf out;
        char *message = NULL;
        buf_init(&out, LIMIT_SOURCE_BYTES);
        int r = vm_init(&vm);
        if (r < 0)
                return error_trace(r);
        r = vm_protect(&vm, l_compile, &out, &message);
        vm_deinit(&vm);
        if (r != VM_OK) {
                log_error("the prelude does not compile: %s", message);
                free(message);
                buf_deinit(&out);
                return error_origin(ENOTRECOVERABLE);
        }
        *ret = out.data;
        *ret_len = out.len;
        return 0;
}
