/*
 * api_channel.c - channels between the tasks of a process, and the choice between several of them. A
 * Lua file.
 *
 * A channel is a userdata; its user value is the table of the messages it keeps: for each its length
 * and then its values, from `head` to before `tail`. A task that waits has a struct wait per arm, in
 * a userdata on its stack; what it sends lies on the same stack, and what it receives is put there by
 * the sender. Any wake takes the task out of all queues, so one that is killed leaves nothing behind.
 * Nothing here can be pre-empted half way: it is C.
 */
#include <limits.h>
#include <string.h>

#include "libipc/base/clock.h"
#include "worker/api.h"
#include "worker/hijack.h"

#define CHANNEL_META "thox.channel" /* registry: metatable of channels */
#define CHANNEL_KEPT 1              /* user value */
#define CHANNEL_SMALL 256           /* a table that held more is given up when it is empty */

struct channel {
        struct list senders, receivers; /* struct wait, longest first */
        lua_Integer capacity, n_kept, head, tail;
        bool is_closed;
};

static struct channel *channel_at(lua_State *L, int at) {
        return lua_touserdata(L, at);
}

static bool channel_can_send(const struct channel *c) {
        return c->is_closed || c->n_kept < c->capacity || !list_is_empty(&c->receivers);
}

static bool channel_can_receive(const struct channel *c) {
        return c->is_closed || c->n_kept > 0 || !list_is_empty(&c->senders);
}

/* ---- values -------------------------------------------------------------------------------- */

static void copy_values(lua_State *from, int first, int n, lua_State *to) {
        for (int i = 0; i < n; i++) {
                lua_pushvalue(from, first + i);
                if (from != to)
                        lua_xmove(from, to, 1);
        }
}

/* The channel at `at` of L keeps a message that lies on `from`. */
static void channel_keep(lua_State *L, int at, lua_State *from, int first, int n) {
        struct channel *c = channel_at(L, at);
        if (lua_getiuservalue(L, at, CHANNEL_KEPT) == LUA_TNIL) {
                lua_pop(L, 1);
                lua_newtable(L);
                lua_pushvalue(L, -1);
                lua_setiuservalue(L, at, CHANNEL_KEPT);
        }
        for (int i = 0; i < n; i++) {
                copy_values(from, first + i, 1, L);
                lua_rawseti(L, -2, c->tail + 1 + i);
        }
        lua_pushinteger(L, n);
        lua_rawseti(L, -2, c->tail);
        lua_pop(L, 1);
        c->tail += n + 1;
        c->n_kept++;
}

/* Pushes the oldest message kept; the number of its values. */
static int channel_take(lua_State *L, int at) {
        struct channel *c = channel_at(L, at);
        lua_getiuservalue(L, at, CHANNEL_KEPT);
        int kept = lua_gettop(L);
        lua_rawgeti(L, kept, c->head);
        int n = (int)lua_tointeger(L, -1);
        lua_pop(L, 1);
        luaL_checkstack(L, n + LUA_MINSTACK, "too many values to receive");
        for (int i = 1; i <= n; i++)
                lua_rawgeti(L, kept, c->head + i);
        for (int i = 0; i <= n; i++) {
                lua_pushnil(L);
                lua_rawseti(L, kept, c->head + i);
        }
        lua_remove(L, kept);
        c->head += n + 1;
        if (--c->n_kept != 0)
                return n;
        if (c->tail > CHANNEL_SMALL) {
                lua_pushnil(L);
                lua_setiuservalue(L, at, CHANNEL_KEPT);
        }
        c->head = c->tail = 1;
        return n;
}

/* ---- both sides ---------------------------------------------------------------------------- */

static void wait_finish(struct worker *w, struct wait *wait, bool is_closed) {
        wait->is_closed = is_closed;
        wait->task->served_wait = wait;
        sched_wake(&w->sched, wait->task, NULL);
}

static struct wait *wait_first(struct list *queue) {
        return list_is_empty(queue) ? NULL : container_of(queue->next, struct wait, queue_link);
}

static int push_closed(lua_State *L) {
        return api_refuse(L, STATUS_DEAD, "the channel is closed");
}

/* Sends what lies on L to a channel that can take it; the number of results. */
static int channel_send(lua_State *L, int at, int first, int n) {
        struct channel *c = channel_at(L, at);
        struct wait *receiver = wait_first(&c->receivers);
        if (c->is_closed)
                return push_closed(L);
        if (receiver) {
                luaL_checkstack(L, 1, NULL);
                if (!lua_checkstack(receiver->task->stack, n + LUA_MINSTACK))
                        return luaL_error(L, "too many values to send");
                copy_values(L, first, n, receiver->task->stack);
                wait_finish(worker_of(L), receiver, false);
        } else {
                channel_keep(L, at, L, first, n);
        }
        lua_pushboolean(L, true);
        return 1;
}

/* Receives from a channel that has something; the number of results. */
static int channel_receive(lua_State *L, int at) {
        struct channel *c = channel_at(L, at);
        struct wait *sender = wait_first(&c->senders);
        int n;
        if (c->n_kept == 0 && !sender)
                return push_closed(L);
        if (c->n_kept > 0) {
                n = channel_take(L, at);
                if (sender)
                        channel_keep(L, at, sender->task->stack, sender->first, sender->n_values);
        } else {
                n = sender->n_values;
                luaL_checkstack(L, n + LUA_MINSTACK, "too many values to receive");
                copy_values(sender->task->stack, sender->first, n, L);
        }
        if (sender)
                wait_finish(worker_of(L), sender, false);
        return n;
}

/* ---- waiting ------------------------------------------------------------------------------- */

static void wait_add(lua_State *L, struct wait *wait) {
        struct channel *c = channel_at(L, wait->channel_at);
        struct task *t = vm_of(L)->task;
        wait->task = t;
        list_add_tail(&t->waits, &wait->task_link);
        list_add_tail(wait->is_send ? &c->senders : &c->receivers, &wait->queue_link);
}

/* What the operation that woke the task returns; received values lie above `top`. */
static int wait_results(lua_State *L, const struct wait *wait, int top) {
        if (!wait)
                return api_refuse(L, STATUS_TIMEOUT, "nobody came in time");
        if (wait->is_closed)
                return push_closed(L);
        if (!wait->is_send)
                return lua_gettop(L) - top;
        lua_pushboolean(L, true);
        return 1;
}

static int wait_continue(lua_State *L, int status UNUSED, lua_KContext top) {
        return wait_results(L, vm_of(L)->task->served_wait, (int)top);
}

/* Parks the task, whose waits have been added. */
static int wait_park(lua_State *L, uint64_t deadline_us, lua_KFunction k) {
        vm_of(L)->task->served_wait = NULL;
        return api_park(L, TASK_STATE_BLOCKED, deadline_us, lua_gettop(L), k);
}

static int wait_alone(lua_State *L, struct wait wait, uint64_t deadline_us) {
        hijack_check(L);
        luaL_checkstack(L, LUA_MINSTACK, NULL);
        struct wait *kept = lua_newuserdatauv(L, sizeof(wait), 0);
        *kept = wait;
        wait_add(L, kept);
        return wait_park(L, deadline_us, wait_continue);
}

/* ---- methods ------------------------------------------------------------------------------- */

static struct channel *check_channel(lua_State *L) {
        return luaL_checkudata(L, 1, CHANNEL_META);
}

/* channel:send(...) */
static int l_channel_send(lua_State *L) {
        const struct channel *c = check_channel(L);
        int n = lua_gettop(L) - 1;
        if (channel_can_send(c))
                return channel_send(L, 1, 2, n);
        struct wait wait = { .channel_at = 1, .is_send = true, .first = 2, .n_values = n };
        return wait_alone(L, wait, SCHED_NEVER);
}

/* channel:recv([timeout]), and each round of a loop over the channel, which passes nil for it. */
static int l_channel_recv(lua_State *L) {
        const struct channel *c = check_channel(L);
        uint64_t deadline_us = api_check_deadline(L, 2);
        if (channel_can_receive(c))
                return channel_receive(L, 1);
        if (deadline_us <= clock_now_us())
                return wait_results(L, NULL, 0);
        struct wait wait = { .channel_at = 1 };
        return wait_alone(L, wait, deadline_us);
}

static void close_queue(struct worker *w, struct list *queue) {
        for (struct wait *wait; (wait = wait_first(queue));)
                wait_finish(w, wait, true);
}

/* channel:close(): what it keeps can still be received. */
static int l_channel_close(lua_State *L) {
        struct channel *c = check_channel(L);
        c->is_closed = true;
        close_queue(worker_of(L), &c->senders);
        close_queue(worker_of(L), &c->receivers);
        lua_pushboolean(L, true);
        return 1;
}

static int l_channel_tostring(lua_State *L) {
        const struct channel *c = check_channel(L);
        lua_pushfstring(L, c->is_closed ? "channel: closed, %I of %I" : "channel: %I of %I",
                        c->n_kept, c->capacity);
        return 1;
}

/* chan([capacity]) */
static int l_chan(lua_State *L) {
        lua_Integer capacity = luaL_optinteger(L, 1, 0);
        luaL_argcheck(L, capacity >= 0 && capacity <= INT_MAX, 1,
                      "a capacity is 0 (senders wait for receivers) or more");
        struct channel *c = lua_newuserdatauv(L, sizeof(*c), CHANNEL_KEPT);
        *c = (struct channel){ .capacity = capacity, .head = 1, .tail = 1 };
        list_init(&c->senders);
        list_init(&c->receivers);
        luaL_setmetatable(L, CHANNEL_META);
        return 1;
}

/* ---- alt ----------------------------------------------------------------------------------- */

#define ALT_ERROR "bad argument #1 to 'os.alt' "

static void check_alt_key(lua_State *L, lua_Integer n_arms) {
        if (lua_isinteger(L, -2)) {
                lua_Integer i = lua_tointeger(L, -2);
                if (i >= 1 && i <= n_arms)
                        return;
        } else if (lua_type(L, -2) == LUA_TSTRING) {
                const char *key = lua_tostring(L, -2);
                if (strcmp(key, "timeout") == 0 || strcmp(key, "default") == 0)
                        return;
        }
        luaL_error(L, ALT_ERROR "(unknown key '%s': arms, timeout or default)",
                   luaL_tolstring(L, -2, NULL));
}

/* {channel, "send", ...} or {channel, "recv"} at the top: its channel and values take its place. */
static struct wait check_arm(lua_State *L, int number) {
        struct wait wait = { .arm = number };
        int arm = lua_gettop(L);
        if (!lua_istable(L, arm))
                luaL_error(L, ALT_ERROR "(arm %d: table expected, got %s)", number,
                           luaL_typename(L, arm));
        lua_rawgeti(L, arm, 1);
        if (!luaL_testudata(L, -1, CHANNEL_META))
                luaL_error(L, ALT_ERROR "(arm %d: channel expected, got %s)", number,
                           luaL_typename(L, -1));
        lua_rawgeti(L, arm, 2);
        const char *what = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : "";
        wait.is_send = strcmp(what, "send") == 0;
        if (!wait.is_send && strcmp(what, "recv") != 0)
                luaL_error(L, ALT_ERROR "(arm %d: neither \"send\" nor \"recv\")", number);
        lua_pop(L, 1);
        wait.n_values = wait.is_send ? (int)lua_rawlen(L, arm) - 2 : 0;
        luaL_checkstack(L, wait.n_values + LUA_MINSTACK, "too many values to send");
        for (int i = 0; i < wait.n_values; i++)
                lua_rawgeti(L, arm, i + 3);
        lua_remove(L, arm);
        wait.channel_at = arm;
        wait.first = arm + 1;
        return wait;
}

static uint64_t alt_random(struct worker *w) {
        if (w->random == 0)
                w->random = clock_now_us() << 20 | w->pid | 1;
        w->random ^= w->random << 13;
        w->random ^= w->random >> 7;
        w->random ^= w->random << 17;
        return w->random >> 11;
}

/* One of the arms that need not wait, each as likely as the other; NULL: none. */
static const struct wait *alt_choose(lua_State *L, const struct wait *arms, int n_arms) {
        const struct wait *chosen = NULL;
        uint64_t n_ready = 0;
        for (int i = 0; i < n_arms; i++) {
                const struct channel *c = channel_at(L, arms[i].channel_at);
                bool is_ready = arms[i].is_send ? channel_can_send(c) : channel_can_receive(c);
                if (is_ready && alt_random(worker_of(L)) % ++n_ready == 0)
                        chosen = &arms[i];
        }
        return chosen;
}

/* The arm's number before its results. */
static int alt_answer(lua_State *L, const struct wait *arm, int n) {
        lua_pushinteger(L, arm->arm);
        lua_insert(L, -n - 1);
        return n + 1;
}

static int alt_continue(lua_State *L, int status UNUSED, lua_KContext top) {
        const struct wait *served = vm_of(L)->task->served_wait;
        int n = wait_results(L, served, (int)top);
        return served ? alt_answer(L, served, n) : n;
}

static int alt_wait(lua_State *L, struct wait *arms, int n_arms, uint64_t deadline_us) {
        hijack_check(L);
        for (int i = 0; i < n_arms; i++)
                wait_add(L, &arms[i]);
        return wait_park(L, deadline_us, alt_continue);
}

/* alt{arms..., timeout=, default=}: the number of the arm that went, and what it returned. */
static int l_alt(lua_State *L) {
        luaL_checktype(L, 1, LUA_TTABLE);
        lua_settop(L, 1);
        int n_arms = (int)lua_rawlen(L, 1);
        for (lua_pushnil(L); lua_next(L, 1) != 0; lua_pop(L, 1))
                check_alt_key(L, n_arms);
        lua_getfield(L, 1, "timeout");
        uint64_t deadline_us = api_check_deadline(L, 2);
        lua_getfield(L, 1, "default");
        bool has_default = lua_toboolean(L, -1);
        luaL_argcheck(L, n_arms > 0 || has_default || deadline_us != SCHED_NEVER, 1,
                      "no arm, timeout or default: this would wait for ever");
        lua_settop(L, 1);
        struct wait *arms = lua_newuserdatauv(L, sizeof(*arms) * (size_t)n_arms, 0);
        for (int i = 0; i < n_arms; i++) {
                lua_rawgeti(L, 1, i + 1);
                arms[i] = check_arm(L, i + 1);
        }
        const struct wait *ready = alt_choose(L, arms, n_arms);
        if (ready)
                return alt_answer(L, ready,
                                  ready->is_send ? channel_send(L, ready->channel_at, ready->first,
                                                                ready->n_values) :
                                                   channel_receive(L, ready->channel_at));
        if (has_default)
                return api_refuse(L, STATUS_AGAIN, "no arm is ready");
        if (deadline_us <= clock_now_us())
                return wait_results(L, NULL, 0);
        return alt_wait(L, arms, n_arms, deadline_us);
}

void api_open_channel(lua_State *L) {
        static const luaL_Reg methods[] = {
                { "send", l_channel_send },
                { "recv", l_channel_recv },
                { "close", l_channel_close },
                { NULL, NULL },
        };
        static const luaL_Reg functions[] = { { "chan", l_chan },
                                              { "alt", l_alt },
                                              { NULL, NULL } };
        luaL_setfuncs(L, functions, 0);
        api_new_class(L, CHANNEL_META, "channel", methods, l_channel_tostring);
        luaL_getmetatable(L, CHANNEL_META);
        lua_getfield(L, -1, "__index");
        lua_getfield(L, -1, "recv");
        lua_setfield(L, -3, "__call");
        lua_pop(L, 2);
}
