/*
 * api_group.c - os.group and what groups offer. A Lua file.
 *
 * A group is a userdata: its first user value is the group around it, the second the error it failed
 * with. While it has tasks a registry table holds it, by its address.
 */
#include <string.h>

#include "libipc/limits.h"
#include "worker/api.h"
#include "worker/hijack.h"

#define GROUP_META "thox.group"   /* registry: metatable of groups */
#define GROUP_ALIVE "thox.groups" /* registry: address → group with tasks */

enum group_value {
        GROUP_VALUE_PARENT = 1,
        GROUP_VALUE_ERROR,
        _GROUP_VALUE_N = GROUP_VALUE_ERROR,
};

static struct group *check_group(lua_State *L) {
        return luaL_checkudata(L, 1, GROUP_META);
}

/* The group with tasks whose address is `g`. */
static void push_group(lua_State *L, const struct group *g) {
        lua_getfield(L, LUA_REGISTRYINDEX, GROUP_ALIVE);
        lua_rawgetp(L, -1, g);
        lua_remove(L, -2);
}

/* Holds the group at index 1 and those around it, before it gets its first task. */
static void hold_groups(lua_State *L) {
        lua_getfield(L, LUA_REGISTRYINDEX, GROUP_ALIVE);
        lua_pushvalue(L, 1);
        for (struct group *g; (g = lua_touserdata(L, -1)) && g->n_tasks == 0;) {
                lua_pushvalue(L, -1);
                lua_rawsetp(L, -3, g);
                lua_getiuservalue(L, -1, GROUP_VALUE_PARENT);
                lua_remove(L, -2);
        }
        lua_pop(L, 2);
}

/* Those who waited for the last task of `g` or of one around it. Assigning nil to what is there needs
 * no memory. */
static void release_groups(lua_State *L, struct worker *w, struct group *g) {
        lua_getfield(L, LUA_REGISTRYINDEX, GROUP_ALIVE);
        for (struct group *parent; g && g->n_tasks == 0; g = parent) {
                parent = g->parent;
                sched_wake_all(&w->sched, &g->joiners);
                lua_pushnil(L);
                lua_rawsetp(L, -2, g);
        }
        lua_pop(L, 1);
}

/* ---- ends of members ----------------------------------------------------------------------- */

bool api_group_push_error(lua_State *L, const struct task *t) {
        const struct group *failed = group_find_failed(t->group);
        if (!failed)
                return false;
        push_group(L, failed);
        lua_getiuservalue(L, -1, GROUP_VALUE_ERROR);
        lua_remove(L, -2);
        return true;
}

bool api_group_has_joiner(const struct task *t) {
        const struct group *g = t->group;
        return g && g->policy != GROUP_POLICY_ISOLATE && !list_is_empty(&g->joiners);
}

static void fail_group(lua_State *L, struct worker *w, struct group *g) {
        push_group(L, g);
        lua_insert(L, -2);
        lua_setiuservalue(L, -2, GROUP_VALUE_ERROR);
        lua_pop(L, 1);
        g->has_failed = true;
        group_kill(g, w);
}

void api_group_end_task(lua_State *L, struct worker *w, struct task *t, bool has_failed) {
        struct group *g = t->group;
        if (!g)
                return;
        /* Its own end is under way: it is not killed with the others. */
        list_remove(&t->group_link);
        if (has_failed && g->policy != GROUP_POLICY_ISOLATE && !group_is_over(g))
                fail_group(L, w, g);
        group_remove(t);
        release_groups(L, w, g);
}

/* ---- methods ------------------------------------------------------------------------------- */

/* group:spawn(fn, ...) */
static int l_group_spawn(lua_State *L) {
        struct group *g = check_group(L);
        luaL_checktype(L, 2, LUA_TFUNCTION);
        api_begin(L);
        hold_groups(L);
        lua_remove(L, 1);
        int n = api_spawn(L, g);
        if (g->n_tasks == 0)
                release_groups(L, worker_of(L), g);
        return n;
}

static int join_continue(lua_State *L, int status UNUSED, lua_KContext ctx UNUSED) {
        const struct group *g = lua_touserdata(L, 1);
        if (g->n_tasks != 0)
                return api_refuse(L, STATUS_TIMEOUT, "tasks of the group still run");
        lua_pushboolean(L, !g->is_over);
        if (!g->is_over)
                return 1;
        if (g->has_failed)
                lua_getiuservalue(L, 1, GROUP_VALUE_ERROR);
        else
                lua_pushliteral(L, "killed");
        return 2;
}

static bool is_within(const struct group *inner, const struct group *g) {
        while (inner && inner != g)
                inner = inner->parent;
        return inner;
}

/* group:join([timeout]): true when all its tasks have ended; false and an error when it failed. */
static int l_group_join(lua_State *L) {
        struct group *g = check_group(L);
        uint64_t deadline_us = api_check_deadline(L, 2);
        luaL_argcheck(L, !is_within(vm_of(L)->task->group, g), 1,
                      "a task cannot join its own group");
        if (g->n_tasks == 0)
                return join_continue(L, LUA_OK, 0);
        hijack_check(L);
        return api_block(L, &g->joiners, deadline_us, 0, join_continue);
}

static int kill_continue(lua_State *L, int status UNUSED, lua_KContext ctx UNUSED) {
        return luaL_error(L, "killed");
}

/* group:kill(): all its tasks; one of them that calls it ends here. */
static int l_group_kill(lua_State *L) {
        struct group *g = check_group(L);
        api_begin(L);
        struct worker *w = worker_of(L);
        struct task *self = w->vm.task;
        bool is_own = is_within(self->group, g);
        if (is_own)
                hijack_check(L);
        group_kill(g, w);
        if (is_own)
                return hijack_park(L, 0, kill_continue);
        lua_pushboolean(L, true);
        return 1;
}

static int l_group_tostring(lua_State *L) {
        lua_pushfstring(L, "group: %I tasks", (lua_Integer)check_group(L)->n_tasks);
        return 1;
}

/* ---- os.group ------------------------------------------------------------------------------ */

static enum group_policy check_policy(lua_State *L) {
        static const char *const policies[] = {
                [GROUP_POLICY_ISOLATE] = "isolate",
                [GROUP_POLICY_PROPAGATE] = "propagate",
                [GROUP_POLICY_NOTIFYLEADER] = "notifyleader",
                [_GROUP_POLICY_N] = NULL,
        };
        if (lua_isnoneornil(L, 1))
                return GROUP_POLICY_ISOLATE;
        luaL_checktype(L, 1, LUA_TTABLE);
        for (lua_pushnil(L); lua_next(L, 1) != 0; lua_pop(L, 1))
                if (lua_type(L, -2) != LUA_TSTRING || strcmp(lua_tostring(L, -2), "policy") != 0)
                        luaL_error(L, "bad argument #1 to 'group' (unknown key '%s')",
                                   luaL_tolstring(L, -2, NULL));
        lua_getfield(L, 1, "policy");
        const char *name = luaL_optstring(L, -1, "isolate");
        for (int i = 0; policies[i]; i++)
                if (strcmp(policies[i], name) == 0)
                        return (enum group_policy)i;
        return (enum group_policy)luaL_error(
                L,
                "bad argument #1 to 'group' (unknown policy '%s': isolate, propagate "
                "or notifyleader)",
                name);
}

/* group({policy=}) */
static int l_group(lua_State *L) {
        enum group_policy policy = check_policy(L);
        struct group *parent = vm_of(L)->task->group;
        if (parent && parent->depth + 1 >= LIMIT_GROUP_DEPTH)
                return api_refuse(L, STATUS_LIMIT,
                                  "too many groups within each other (limit LIMIT_GROUP_DEPTH 16)");
        struct group *g = lua_newuserdatauv(L, sizeof(*g), _GROUP_VALUE_N);
        group_init(g, policy, parent);
        if (parent) {
                push_group(L, parent);
                lua_setiuservalue(L, -2, GROUP_VALUE_PARENT);
        }
        luaL_setmetatable(L, GROUP_META);
        return 1;
}

void api_open_group(lua_State *L) {
        static const luaL_Reg methods[] = {
                { "spawn", l_group_spawn },
                { "join", l_group_join },
                { "kill", l_group_kill },
                { NULL, NULL },
        };
        static const luaL_Reg functions[] = {
                { "group", l_group },
                { "kill_group", l_group_kill },
                { NULL, NULL },
        };
        luaL_setfuncs(L, functions, 0);
        api_new_class(L, GROUP_META, "group", methods, l_group_tostring);
        lua_newtable(L);
        lua_setfield(L, LUA_REGISTRYINDEX, GROUP_ALIVE);
}
