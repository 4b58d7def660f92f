/*
 * api_image.c - compiled chunks: those that came with Start, and libraries. A Lua file.
 *
 * An image is a binary chunk in a sealed memfd; the seals are what makes it safe to read from a
 * mapping. Nothing else may give Lua a binary chunk.
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "libipc/base/fd.h"
#include "libipc/value.h"
#include "worker/api.h"
#include "worker/hijack.h"
#include "worker/lvalue.h"

/* Pushes the chunk, or a message: LUA_OK or another status of lua_load. Closes `fd`. */
static int image_load(lua_State *L, int fd, size_t size, const char *name) {
        if (fd < 0 || size == 0 || fd_check_sealed(fd, size) < 0) {
                fd_close(fd);
                lua_pushfstring(L, "the image of '%s' is not sealed or has another size", name);
                return LUA_ERRRUN;
        }
        void *bytes = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);
        fd_close(fd);
        if (bytes == MAP_FAILED) {
                lua_pushfstring(L, "the image of '%s' cannot be mapped: %s", name, strerror(errno));
                return LUA_ERRRUN;
        }
        int status = luaL_loadbufferx(L, bytes, size, name, "b");
        munmap(bytes, size);
        return status;
}

/* The chunk at the top gets the table at `env` as its _ENV. */
static void image_set_env(lua_State *L, int env) {
        lua_pushvalue(L, env);
        if (!lua_setupvalue(L, -2, 1))
                lua_pop(L, 1);
}

/* load_image(i, env): the i-th chunk of the program, or nil and a message. */
static int l_load_image(lua_State *L) {
        struct worker *w = worker_of(L);
        lua_Integer i = luaL_checkinteger(L, 1);
        luaL_checktype(L, 2, LUA_TTABLE);
        luaL_argcheck(L, i >= 1 && (size_t)i <= w->n_images, 1, "no such image");
        struct worker_image *image = &w->images[i - 1];
        int fd = image->fd;
        image->fd = -1;
        if (image_load(L, fd, image->size, image->name) != LUA_OK) {
                lua_pushnil(L);
                lua_insert(L, -2);
                return 2;
        }
        image_set_env(L, 2);
        return 1;
}

/* library(name, env): nil, status and message, or the chunk and what keeps its image in memory. */
static int library_continue(lua_State *L, int status UNUSED, lua_KContext ctx UNUSED) {
        struct event *e = api_event(L);
        const char *name = lua_tostring(L, 1);
        if (e->status != STATUS_OK)
                return api_finish_request(L, LUA_OK, 0);
        int n = lvalue_decode(L, e, LVALUE_TARGET_STACK);
        int fd = e->fd;
        e->fd = -1;
        api_release_event(L);
        if (n < 1 || !lua_istable(L, 3)) {
                fd_close(fd);
                return api_refuse(L, STATUS_PROTO, "library.image answered without an image");
        }
        lua_settop(L, 4);
        lua_pushliteral(L, "size");
        lua_rawget(L, 3);
        size_t size = (size_t)lua_tointeger(L, -1);
        if (image_load(L, fd, size, name) != LUA_OK)
                return api_refuse(L, STATUS_BADCODE, lua_tostring(L, -1));
        image_set_env(L, 2);
        lua_pushvalue(L, 4);
        return 2;
}

static int l_library(lua_State *L) {
        struct wire_call call = { .handle = 1,
                                  .flags = worker_of(L)->syscalls.priority,
                                  .name = (const uint8_t *)"library.image",
                                  .name_len = strlen("library.image") };
        luaL_checkstring(L, 1);
        luaL_checktype(L, 2, LUA_TTABLE);
        lua_settop(L, 2);
        hijack_check(L);
        uint64_t cid = api_call(L, &call, 1, 1, PENDING_KIND_WAIT);
        return api_wait(L, wire_cid_seq(cid), 0, library_continue);
}

void api_open_image(lua_State *L) {
        static const luaL_Reg functions[] = {
                { "load_image", l_load_image },
                { "library", l_library },
                { NULL, NULL },
        };
        luaL_setfuncs(L, functions, 0);
}
