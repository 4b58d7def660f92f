/*
 * api.h - what the files of the Lua API share. All of them are Lua files (docs/STYLE.md, "C beside
 * Lua"): errors jump out of lua_* calls. Conventions of the API: local misuse raises; what the system
 * refuses is `nil, status, message`; os.rpc raises that as an error object.
 */
#pragma once

#include <lauxlib.h>
#include <lua.h>
#include <stdbool.h>
#include <stdint.h>

#include "worker/capture.h"
#include "worker/group.h"
#include "worker/worker.h"

#define API_TRACEBACK_LEVELS 20

/* ---- handles (api.c): light userdata whose address is the number on the wire ---------------- */

static inline void api_push_handle(lua_State *L, uint32_t handle) {
        lua_pushlightuserdata(L, (void *)(uintptr_t)handle);
}
static inline uint32_t api_to_handle(lua_State *L, int index) {
        return (uint32_t)(uintptr_t)lua_touserdata(L, index);
}
/* A handle or the number of a context. Raises on anything else. */
uint32_t api_check_handle(lua_State *L, int index);
/* Whether the value is either. */
bool api_is_handle(lua_State *L, int index);

/* ---- words (api.c): strings that the tables of events are made of, there once and for all ----- */

enum api_word {
        API_WORD_TYPE,
        API_WORD_CALL,
        API_WORD_ANSWER,
        API_WORD_CID,
        API_WORD_CTX,
        API_WORD_NAME,
        API_WORD_PID,
        API_WORD_UID,
        API_WORD_PRIO,
        API_WORD_ARGS,
        API_WORD_N,
        API_WORD_STATUS_CODE,
        _API_WORD_N,
};

/* Adds `functions`, which may use api_push_word, to the table at the top. */
void api_set_worded_functions(lua_State *L, const luaL_Reg *functions);
static inline void api_push_word(lua_State *L, enum api_word word) {
        lua_pushvalue(L, lua_upvalueindex(1 + (int)word));
}
/* A field of the table at the top. */
static inline void api_set_integer(lua_State *L, enum api_word key, lua_Integer value) {
        api_push_word(L, key);
        lua_pushinteger(L, value);
        lua_rawset(L, -3);
}

/* ---- time ------------------------------------------------------------------------------------ */

/* Which argument of which function a message is about. */
struct api_argument {
        const char *function;
        int index;
};
/* Raises "bad argument #2 to 'listen' (...)". */
void api_fail_argument(lua_State *L, const struct api_argument *argument, const char *fmt, ...);
/* The string at the top, an entry of the argument's list or table `key`: a name or a pattern. It stays
 * alive there. */
ProtobufCBinaryData api_check_text(lua_State *L,
                                   const struct api_argument *argument,
                                   const char *key);
/* The list of those at the top, at most LIMIT_PATTERNS. Returns how many. */
size_t api_check_patterns(lua_State *L,
                          const struct api_argument *argument,
                          const char *key,
                          ProtobufCBinaryData *ret);

/* Seconds at `index`, as a time of the monotonic clock; SCHED_NEVER for nil. */
uint64_t api_check_deadline(lua_State *L, int index);
uint64_t api_check_duration(lua_State *L, int index); /* microseconds */

/* ---- asking, waiting and refusing ------------------------------------------------------------ */

/* To be called by every function that asks something of the system, between the last check of its
 * arguments and its first effect: inside a capture it does not return (capture.h). hijack_check does it
 * for functions that wait. */
static inline void api_begin(lua_State *L) {
        if (vm_of(L)->captured)
                capture_request(L);
}

/* Pushes nil, status, message. */
int api_refuse(lua_State *L, uint32_t status, const char *message);
/* The message of an answer or reply that is not OK. */
void api_push_message(lua_State *L, const struct event *e);

/* Leaves the running task in `state`; `k` continues. */
int api_park(lua_State *L,
             enum task_state state,
             uint64_t deadline_us,
             lua_KContext ctx,
             lua_KFunction k);
/* The same in a queue. */
int api_block(
        lua_State *L, struct list *queue, uint64_t deadline_us, lua_KContext ctx, lua_KFunction k);
/* A metatable in the registry for userdata that has methods; its name is in error messages, and before
 * those of the methods the kind of requests that they are. */
void api_new_class(lua_State *L,
                   const char *key,
                   const char *name,
                   const luaL_Reg *methods,
                   lua_CFunction to_string);
/* Waits for the reply to a request just made; `k` finds it with api_event. */
int api_wait(lua_State *L, uint32_t seq, lua_KContext ctx, lua_KFunction k);
static inline struct event *api_event(lua_State *L) {
        return vm_of(L)->task->event;
}
/* The event has been used. */
void api_release_event(lua_State *L);
/* true, or a refusal: what most requests return. */
int api_finish_request(lua_State *L, int status, lua_KContext ctx);

/* ---- calls (api_call.c) -------------------------------------------------------------------- */

/* Sends `n` values from index `first` as a call; the cid (0 for a one-way call). */
uint64_t api_call(lua_State *L, struct wire_call *call, int first, int n, enum pending_kind kind);
/* The endpoint name at `index` into `call`. */
void api_check_name(lua_State *L, int index, struct wire_call *call);
/* The table of a call, without its arguments; for worded functions. */
void api_push_call(lua_State *L, const struct event *e);

/* ---- queues (api_queue.c) ------------------------------------------------------------------ */

/* Pushes the table of an event of a queue; false and nothing pushed: its values are malformed. */
bool api_push_queue_event(lua_State *L, const struct event *e);

/* ---- tasks (api_task.c, api_bind.c) -------------------------------------------------------- */

/* Body of a task that serves one call of a binding. */
int api_serve(lua_State *L);
/* Runs the function at index 1 with the arguments above it as a task of `group` (NULL: none); pushes
 * its tid, or a refusal. */
int api_spawn(lua_State *L, struct group *group);
/* A task's coroutine ended with `status`; its values or error lie on it. */
void api_finish_task(struct worker *w, struct task *t, int status);

/* ---- groups (api_group.c) ------------------------------------------------------------------ */

/* The error that a killed member shares with its group; false: none. */
bool api_group_push_error(lua_State *L, const struct task *t);
/* Whether somebody waits who will be told of the task's error. */
bool api_group_has_joiner(const struct task *t);
/* A spawned task has ended: it leaves its group. Its error, when it has failed, is at the top of L and
 * may be the end of the others. */
void api_group_end_task(lua_State *L, struct worker *w, struct task *t, bool has_failed);

/* ---- one opener per file: adds its functions to the table at the top ------------------------- */

void api_open_handle(lua_State *L);
void api_open_call(lua_State *L);
void api_open_pull(lua_State *L);
void api_open_rpc(lua_State *L);
void api_open_bind(lua_State *L);
void api_open_queue(lua_State *L);
void api_open_context(lua_State *L);
void api_open_task(lua_State *L);
void api_open_group(lua_State *L);
void api_open_channel(lua_State *L);
void api_open_time(lua_State *L);
void api_open_console(lua_State *L);
void api_open_image(lua_State *L);
void api_open_sandbox(lua_State *L);
