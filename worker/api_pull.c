/*
 * api_pull.c - os.pull and the tables that events become. A Lua file.
 *
 * A pull looks at control events, then answers, then calls, each first in the task's mailbox, then in
 * that of the process. With a predicate the prelude asks for one untried event after the other
 * (peek) and takes the one it likes.
 */
#include <string.h>

#include "libipc/value.h"
#include "worker/api.h"
#include "worker/hijack.h"
#include "worker/lvalue.h"

#define PULL_WITH "thox.pull_with" /* registry: the prelude's loop for predicates */

static struct event *pull_find(struct worker *w, const struct filter *f) {
        for (enum mailbox_lane lane = 0; lane < _MAILBOX_LANE_N; lane++) {
                struct event *e = mailbox_find_in(&w->vm.task->mailbox, lane, f);
                if (!e)
                        e = mailbox_find_in(&w->mailbox, lane, f);
                if (e)
                        return e;
        }
        return NULL;
}

/* ---- tables -------------------------------------------------------------------------------- */

static void set_integer(lua_State *L, const char *key, lua_Integer value) {
        lua_pushinteger(L, value);
        lua_setfield(L, -2, key);
}

static void set_string(lua_State *L, const char *key, const char *value) {
        lua_pushstring(L, value);
        lua_setfield(L, -2, key);
}

/* The table at the top, of `n` values, becomes `args`. */
static void set_args(lua_State *L, int n) {
        api_set_integer(L, API_WORD_N, n);
        api_push_word(L, API_WORD_ARGS);
        lua_insert(L, -2);
        lua_rawset(L, -3);
        api_set_integer(L, API_WORD_N, n);
}

/* False: the sender's values are malformed. */
static bool push_call_event(lua_State *L, const struct event *e) {
        api_push_call(L, e);
        int n = lvalue_decode(L, e, LVALUE_TARGET_TABLE);
        if (n >= 0)
                set_args(L, n);
        return n >= 0;
}

static void push_answer_event(lua_State *L, const struct event *e) {
        lua_createtable(L, 0, 6);
        api_push_word(L, API_WORD_TYPE);
        api_push_word(L, API_WORD_ANSWER);
        lua_rawset(L, -3);
        api_set_integer(L, API_WORD_CID, (lua_Integer)e->cid);
        api_set_integer(L, API_WORD_PID, e->pid);
        uint32_t status = e->status;
        int n = lvalue_decode(L, e, LVALUE_TARGET_TABLE);
        if (n < 0) {
                lua_createtable(L, 1, 1);
                lua_pushliteral(L, "the answer's values are malformed");
                lua_rawseti(L, -2, 1);
                n = 1;
                status = STATUS_PROTO;
        }
        set_args(L, n);
        api_set_integer(L, API_WORD_STATUS_CODE, status);
}

static void push_exit_fields(lua_State *L, const struct event *e) {
        set_integer(L, "pid", e->pid);
        set_integer(L, "status", e->status);
        if (e->signal != 0)
                set_integer(L, "signal", e->signal);
        set_string(L, "reason", exit_reason_name(e->reason));
        lua_pushlstring(L, (const char *)e->name, e->name_len);
        lua_setfield(L, -2, "message");
}

static void push_context_fields(lua_State *L, const struct event *e) {
        api_push_handle(L, e->handle);
        lua_setfield(L, -2, "ctx");
        if (e->type == EVENT_TYPE_HANGUP)
                return;
        set_integer(L, "pid", e->pid);
        if (e->type == EVENT_TYPE_CLOSE)
                set_string(L, "reason", close_reason_name(e->reason));
        if (!e->is_shared)
                return;
        lua_pushboolean(L, true);
        lua_setfield(L, -2, "shared");
        set_integer(L, "rights", e->flags);
}

static void push_control_event(lua_State *L, const struct event *e) {
        lua_createtable(L, 0, 6);
        set_string(L, "type", event_type_name(e->type));
        if (e->type == EVENT_TYPE_CANCEL)
                set_integer(L, "cid", (lua_Integer)e->cid);
        else if (e->type == EVENT_TYPE_EXIT)
                push_exit_fields(L, e);
        else if (e->type != EVENT_TYPE_TERMINATE)
                push_context_fields(L, e);
        else {
                lua_pushnumber(L, (lua_Number)e->time_us / 1e6);
                lua_setfield(L, -2, "grace");
        }
}

/* False: malformed values, which no program gets to see. */
static bool push_event(lua_State *L, const struct event *e) {
        if (e->type == EVENT_TYPE_CALL)
                return push_call_event(L, e);
        if (e->type == EVENT_TYPE_QUEUE)
                return api_push_queue_event(L, e);
        if (e->type == EVENT_TYPE_ANSWER)
                push_answer_event(L, e);
        else
                push_control_event(L, e);
        return true;
}

static void refuse_malformed(struct worker *w, const struct event *e) {
        struct listener *l = listener_find_sid(&w->listeners, e->sid);
        if (e->type == EVENT_TYPE_QUEUE && l)
                listener_lose(l, e);
        struct served *served = syscall_find_served(&w->syscalls, e->cid);
        if (served)
                worker_sent(w, syscall_refuse(&w->syscalls, served, STATUS_BADARGS,
                                              "the arguments are malformed"));
}

/* ---- filters ------------------------------------------------------------------------------- */

static uint32_t check_type(lua_State *L, int index) {
        int type = event_type_parse(luaL_checkstring(L, index));
        if (type < 0)
                luaL_error(L, "bad argument #1 to 'pull' (unknown event type '%s')",
                           lua_tostring(L, index));
        return 1u << type;
}

/* {type=, cid=, ctx=, name=, queue=}; the name stays alive on the stack. */
static void filter_from_table(lua_State *L, struct filter *f) {
        for (lua_pushnil(L); lua_next(L, 1) != 0; lua_pop(L, 1)) {
                const char *key = lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : "?";
                if (strcmp(key, "type") == 0)
                        f->types = check_type(L, -1);
                else if (strcmp(key, "cid") == 0)
                        f->cid = (uint64_t)luaL_checkinteger(L, -1);
                else if (strcmp(key, "ctx") == 0)
                        f->handle = api_check_handle(L, -1);
                else if (strcmp(key, "name") == 0 || strcmp(key, "queue") == 0)
                        luaL_checkstring(L, -1);
                else
                        luaL_error(L, "bad argument #1 to 'pull' (unknown key '%s')",
                                   luaL_tolstring(L, -2, NULL));
        }
        if (lua_getfield(L, 1, "queue") != LUA_TNIL)
                f->types = 1u << EVENT_TYPE_QUEUE;
        else
                lua_getfield(L, 1, "name");
        if (!lua_isnil(L, -1))
                f->name = lua_tolstring(L, -1, &f->name_len);
}

static struct filter check_filter(lua_State *L) {
        struct filter f = { 0 };
        switch (lua_type(L, 1)) {
        case LUA_TNONE:
        case LUA_TNIL:
                break;
        case LUA_TSTRING:
                f.types = check_type(L, 1);
                break;
        case LUA_TNUMBER:
                f.cid = (uint64_t)luaL_checkinteger(L, 1);
                f.types = 1u << EVENT_TYPE_ANSWER | 1u << EVENT_TYPE_CANCEL;
                break;
        case LUA_TTABLE:
                filter_from_table(L, &f);
                break;
        default:
                luaL_typeerror(L, 1, "event type, cid, table or function");
        }
        return f;
}

/* ---- pull ---------------------------------------------------------------------------------- */

static int pull_continue(lua_State *L, int status, lua_KContext ctx);

static int pull_wait(lua_State *L, struct filter f, uint64_t deadline_us) {
        hijack_check(L);
        vm_of(L)->task->filter = f;
        return api_park(L, TASK_STATE_PULLING, deadline_us, 0, pull_continue);
}

/* t->event, or a longer wait when that was a call nobody can read. */
static int pull_finish(lua_State *L, struct worker *w) {
        struct task *t = w->vm.task;
        int top = lua_gettop(L);
        while (t->event) {
                if (push_event(L, t->event)) {
                        worker_let_go(w, t, take(t->event));
                        return 1;
                }
                lua_settop(L, top);
                refuse_malformed(w, t->event);
                api_release_event(L);
                struct event *e = pull_find(w, &t->filter);
                if (!e)
                        return pull_wait(L, t->filter, t->deadline_us);
                worker_take(w, t, e);
                t->event = e;
        }
        lua_pushnil(L);
        return 1;
}

static int pull_continue(lua_State *L, int status UNUSED, lua_KContext ctx UNUSED) {
        return pull_finish(L, worker_of(L));
}

static int return_all(lua_State *L, int status UNUSED, lua_KContext ctx UNUSED) {
        return lua_gettop(L);
}

static int pull_with_predicate(lua_State *L) {
        lua_settop(L, 2);
        (void)api_check_deadline(L, 2);
        api_begin(L);
        lua_getfield(L, LUA_REGISTRYINDEX, PULL_WITH);
        lua_insert(L, 1);
        lua_callk(L, 2, LUA_MULTRET, 0, return_all);
        return return_all(L, LUA_OK, 0);
}

static int l_pull(lua_State *L) {
        struct worker *w = worker_of(L);
        struct task *t = w->vm.task;
        t->oneway = event_free(&w->events, t->oneway);
        if (lua_type(L, 1) == LUA_TFUNCTION)
                return pull_with_predicate(L);
        lua_settop(L, 2);
        struct filter f = check_filter(L);
        uint64_t deadline_us = api_check_deadline(L, 2);
        api_begin(L);
        w->has_taken_terminate = w->has_taken_terminate || filter_takes_terminate(&f);
        api_release_event(L);
        struct event *e = pull_find(w, &f);
        if (!e)
                return pull_wait(L, f, deadline_us);
        worker_take(w, t, e);
        t->event = e;
        t->filter = f;
        t->deadline_us = deadline_us;
        return pull_finish(L, w);
}

/* ---- for the prelude ----------------------------------------------------------------------- */

/* A pull with a predicate. It remembers the last event it tried in each list, or a thousand events that
 * it does not want would be passed over again for each further one. */
struct pull_places {
        struct list *lanes[_MAILBOX_LANE_N], *calls[WIRE_PRIORITY_MAX + 1];
};

struct pull {
        uint64_t id;
        uint64_t tid, n_mail_freed; /* when those places were found */
        struct pull_places own, shared;
};

/* new_pull() */
static int l_new_pull(lua_State *L) {
        struct worker *w = worker_of(L);
        w->has_taken_terminate = true;
        struct pull *pull = lua_newuserdatauv(L, sizeof(*pull), 0);
        *pull = (struct pull){ .id = ++w->n_pulls };
        return 1;
}

/* The next event of a list that was not tried; `*place` is NULL at first, then the last one tried. One
 * that was taken out since is linked to itself. */
static struct event *pull_next_in(const struct pull *pull, struct list *list, struct list **place) {
        struct list *node = *place && !list_is_empty(*place) ? *place : list;
        while ((node = node->next) != list) {
                struct event *e = container_of(node, struct event, link);
                if (e->tried_by != pull->id)
                        return e;
                *place = node;
        }
        return NULL;
}

static struct event *pull_next_call(const struct pull *pull,
                                    struct call_queue *q,
                                    struct list **places) {
        struct event *best = NULL;
        for (unsigned left = q->used; left != 0; left &= left - 1) {
                int i = __builtin_ctz(left);
                struct event *e = pull_next_in(pull, &q->lists[i], &places[i]);
                if (e && (!best || call_queue_goes_before(e, best)))
                        best = e;
        }
        return best;
}

static struct event *pull_next_of(const struct pull *pull,
                                  struct mailbox *m,
                                  enum mailbox_lane lane,
                                  struct pull_places *places) {
        if (lane == MAILBOX_LANE_CALL)
                return pull_next_call(pull, &m->calls, places->calls);
        return pull_next_in(pull, &m->lanes[lane], &places->lanes[lane]);
}

static struct event *pull_next(struct worker *w, struct pull *pull) {
        struct task *t = w->vm.task;
        if (pull->tid != t->tid || pull->n_mail_freed != w->events.n_mail_freed) {
                pull->own = pull->shared = (struct pull_places){ 0 };
                pull->tid = t->tid;
                pull->n_mail_freed = w->events.n_mail_freed;
        }
        for (enum mailbox_lane lane = 0; lane < _MAILBOX_LANE_N; lane++) {
                struct event *e = pull_next_of(pull, &t->mailbox, lane, &pull->own);
                if (!e)
                        e = pull_next_of(pull, &w->mailbox, lane, &pull->shared);
                if (e)
                        return e;
        }
        return NULL;
}

/* peek(pull): the next event this pull has not tried and its serial; nothing when there is none. */
static int l_peek(lua_State *L) {
        struct worker *w = worker_of(L);
        struct pull *pull = lua_touserdata(L, 1);
        struct event *e;
        while ((e = pull_next(w, pull))) {
                if (push_event(L, e)) {
                        e->tried_by = pull->id;
                        lua_pushinteger(L, (lua_Integer)e->serial);
                        return 2;
                }
                lua_settop(L, 1);
                if (e->type == EVENT_TYPE_QUEUE)
                        worker_take(w, w->vm.task, e);
                refuse_malformed(w, e);
                event_free(&w->events, e);
        }
        return 0;
}

static struct event *find_serial(struct mailbox *m, uint64_t serial) {
        const struct filter f = { .serial = serial };
        for (enum mailbox_lane lane = 0; lane < _MAILBOX_LANE_N; lane++) {
                struct event *e = mailbox_find_in(m, lane, &f);
                if (e)
                        return e;
        }
        return NULL;
}

/* take(serial): whether the event was still there. */
static int l_take(lua_State *L) {
        struct worker *w = worker_of(L);
        struct task *t = w->vm.task;
        uint64_t serial = (uint64_t)luaL_checkinteger(L, 1);
        struct event *e = find_serial(&t->mailbox, serial);
        if (!e)
                e = find_serial(&w->mailbox, serial);
        if (e) {
                worker_take(w, t, e);
                worker_let_go(w, t, e);
        }
        lua_pushboolean(L, e != NULL);
        return 1;
}

static int untried_continue(lua_State *L UNUSED, int status UNUSED, lua_KContext ctx UNUSED) {
        return 0;
}

/* wait_untried(pull, deadline): until an event arrives that this pull has not tried. */
static int l_wait_untried(lua_State *L) {
        const struct pull *pull = lua_touserdata(L, 1);
        uint64_t deadline_us = lua_isnil(L, 2) ? SCHED_NEVER : (uint64_t)luaL_checkinteger(L, 2);
        hijack_check(L);
        vm_of(L)->task->filter = (struct filter){ .pull = pull->id };
        return api_park(L, TASK_STATE_PULLING, deadline_us, 0, untried_continue);
}

/* deadline(seconds): a time of the monotonic clock in microseconds; is_past(deadline). */
static int l_deadline(lua_State *L) {
        uint64_t deadline_us = api_check_deadline(L, 1);
        if (deadline_us == SCHED_NEVER)
                return 0;
        lua_pushinteger(L, (lua_Integer)deadline_us);
        return 1;
}

static int l_set_pull_with(lua_State *L) {
        lua_settop(L, 1);
        lua_setfield(L, LUA_REGISTRYINDEX, PULL_WITH);
        return 0;
}

void api_open_pull(lua_State *L) {
        static const luaL_Reg functions[] = {
                { "new_pull", l_new_pull },           { "take", l_take },
                { "wait_untried", l_wait_untried },   { "deadline", l_deadline },
                { "set_pull_with", l_set_pull_with }, { NULL, NULL },
        };
        static const luaL_Reg worded[] = { { "pull", l_pull }, { "peek", l_peek }, { NULL, NULL } };
        luaL_setfuncs(L, functions, 0);
        api_set_worded_functions(L, worded);
}
