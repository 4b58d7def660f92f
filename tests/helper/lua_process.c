/*
 * lua_process.c - see lua_process.h.
 */
#include "tests/helper/lua_process.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <lauxlib.h>
#include <lua.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "libipc/base/clock.h"
#include "libipc/base/fd.h"
#include "libipc/value.h"
#include "worker/start.h"

/* ---- images -------------------------------------------------------------------------------- */

static int append(lua_State *L UNUSED, const void *bytes, size_t len, void *userdata) {
        return buf_add(userdata, bytes, len) < 0;
}

int lua_image(const char *name, const char *source, size_t *ret_size) {
        lua_State *L = luaL_newstate();
        struct buf out;
        buf_init(&out, LIMIT_SOURCE_BYTES);
        cr_assert_eq(luaL_loadbuffer(L, source, strlen(source), name), LUA_OK, "%s",
                     lua_tostring(L, -1));
        cr_assert_eq(lua_dump(L, append, &out, 0), 0);
        int fd = fd_new_sealed("image", out.data, out.len);
        cr_assert_geq(fd, 0);
        *ret_size = out.len;
        buf_deinit(&out);
        lua_close(L);
        return fd;
}

/* ---- sending ------------------------------------------------------------------------------- */

static void flush(struct lua_process *p) {
        int r;
        while ((r = conn_flush(&p->conn)) == CONN_E_AGAIN) {
                struct pollfd pfd = { .fd = p->conn.fd, .events = POLLOUT };
                cr_assert_geq(poll(&pfd, 1, 5000), 1, "the worker does not read");
        }
}

void lua_process_send(struct lua_process *p, const Thox__Frame *message) {
        cr_assert_eq(conn_send(&p->conn, message, NULL), 0);
        flush(p);
}

static void reply(
        struct lua_process *p, uint32_t seq, uint32_t status, uint32_t handle, uint32_t sid) {
        Thox__Reply body = THOX__REPLY__INIT;
        body.status = status;
        body.handle = handle;
        body.sid = sid;
        WIRE_MESSAGE(m, seq, REPLY, reply, &body);
        lua_process_send(p, &m);
}

static struct lua_process_call *find_call(struct lua_process *p, uint64_t cid) {
        for (size_t i = 0; i < p->n_calls; i++)
                if (p->calls[i].is_open && p->calls[i].cid == cid)
                        return &p->calls[i];
        return NULL;
}

static void send_answer(struct lua_process *p,
                        uint64_t cid,
                        uint32_t status,
                        uint32_t flags,
                        const struct wire_extra *extra) {
        struct lua_process_call *call = find_call(p, cid);
        if (!call)
                return;
        struct wire_answer answer = { .cid = cid, .status = status, .pid = 1, .flags = flags };
        cr_assert_eq(conn_send_answer_long(&p->conn, wire_cid_seq(cid), &answer, extra), 0);
        if (!extra->more)
                call->is_open = false;
}

void lua_process_answer(struct lua_process *p,
                        uint64_t cid,
                        uint32_t status,
                        const struct buf *values) {
        struct wire_extra extra = { 0 };
        if (values) {
                extra.values = values->data;
                extra.values_len = values->len;
        }
        send_answer(p, cid, status, 0, &extra);
        flush(p);
}

static void refuse(struct lua_process *p, uint64_t cid, uint32_t status) {
        struct buf values;
        buf_init(&values, 1024);
        value_put_text(&values, status_text(status));
        lua_process_answer(p, cid, status, &values);
        buf_deinit(&values);
}

/* ---- what it serves ------------------------------------------------------------------------ */

static void add_output(struct lua_process *p, const void *bytes, size_t len) {
        size_t room = sizeof(p->output) - 1 - p->output_len;
        len = len < room ? len : room;
        memcpy(p->output + p->output_len, bytes, len);
        p->output_len += len;
}

static void serve_log(struct lua_process *p, struct wire_frame *f) {
        struct value_reader r;
        const uint8_t *bytes;
        size_t len;
        value_reader_init(&r, f->extra.values, f->extra.values_len);
        cr_assert(value_get_bytes(&r, &bytes, &len));
        add_output(p, bytes, len);
        add_output(p, ": ", 2);
        cr_assert(value_get_bytes(&r, &bytes, &len));
        add_output(p, bytes, len);
        add_output(p, "\n", 1);
        lua_process_answer(p, f->call.cid, STATUS_OK, NULL);
}

static void serve_console(struct lua_process *p, struct wire_frame *f) {
        struct value_reader r;
        const uint8_t *bytes;
        size_t len;
        value_reader_init(&r, f->extra.values, f->extra.values_len);
        cr_assert(value_get_bytes(&r, &bytes, &len));
        add_output(p, bytes, len);
        lua_process_answer(p, f->call.cid, STATUS_OK, NULL);
}

static void serve_alarm(struct lua_process *p, struct wire_frame *f) {
        struct value_reader r;
        double seconds;
        value_reader_init(&r, f->extra.values, f->extra.values_len);
        if (!value_get_number(&r, &seconds) || !(seconds >= 0)) {
                refuse(p, f->call.cid, STATUS_BADARGS);
                return;
        }
        struct lua_process_call *call = find_call(p, f->call.cid);
        if (!call)
                return;
        call->is_alarm = true;
        call->due_us = clock_now_us() + (uint64_t)(seconds * 1e6);
}

static bool name_is(const struct wire_frame *f, const char *name) {
        return f->call.name_len == strlen(name) &&
               memcmp(f->call.name, name, f->call.name_len) == 0;
}

static int find_name(struct lua_process *p, uint32_t handle, const void *name, size_t len) {
        for (size_t i = 0; i < p->n_names; i++)
                if (p->names[i].handle == handle && strlen(p->names[i].name) == len &&
                    memcmp(p->names[i].name, name, len) == 0)
                        return (int)i;
        return -1;
}

static void deliver(struct lua_process *p, struct wire_frame *f) {
        struct wire_call call = f->call;
        call.pid = LUA_PROCESS_PID;
        call.uid = 1000;
        cr_assert_eq(conn_send_call_long(&p->conn, 0, &call, &f->extra), 0);
        flush(p);
}

static void open_call(struct lua_process *p, uint64_t cid, bool is_oneway) {
        size_t i = 0;
        while (i < p->n_calls && p->calls[i].is_open)
                i++;
        cr_assert_lt(i, LUA_PROCESS_CALLS);
        p->n_calls = i < p->n_calls ? p->n_calls : i + 1;
        p->calls[i] = (struct lua_process_call){ .cid = cid, .is_open = !is_oneway };
        p->n_calls_total++;
}

static void on_call(struct lua_process *p, struct wire_frame *f) {
        bool is_oneway = (f->call.flags & WIRE_FLAG_ONEWAY) != 0;
        f->call.cid = wire_cid(LUA_PROCESS_GENERATION, f->seq);
        if (!find_call(p, f->call.cid) && (f->call.flags & WIRE_FLAG_CONTINUED) == 0)
                open_call(p, f->call.cid, is_oneway);
        if (p->on_call && p->on_call(p, f))
                return;
        if (f->call.handle == LUA_PROCESS_CONSOLE)
                serve_console(p, f);
        else if (find_name(p, f->call.handle, f->call.name, f->call.name_len) >= 0)
                deliver(p, f);
        else if (name_is(f, "log"))
                serve_log(p, f);
        else if (name_is(f, "alarm"))
                serve_alarm(p, f);
        else if (name_is(f, "echo"))
                send_answer(p, f->call.cid, STATUS_OK, f->call.flags & WIRE_FLAG_CONTINUED,
                            &f->extra);
        else if (name_is(f, "/") || name_is(f, ""))
                refuse(p, f->call.cid, STATUS_BADARGS);
        else if (!name_is(f, "never"))
                refuse(p, f->call.cid, STATUS_NOTBOUND);
}

static void on_answer(struct lua_process *p, struct wire_frame *f) {
        cr_assert(find_call(p, f->answer.cid) || p->n_cancels > 0, "an answer to no call");
        send_answer(p, f->answer.cid, f->answer.status, f->answer.flags, &f->extra);
}

static void on_cancel(struct lua_process *p, uint64_t cid) {
        struct lua_process_call *call = find_call(p, cid);
        p->n_cancels++;
        if (!call)
                return;
        bool is_alarm = call->is_alarm;
        refuse(p, cid, STATUS_CANCELLED);
        if (is_alarm)
                return;
        Thox__Cancel body = THOX__CANCEL__INIT;
        body.cid = cid;
        WIRE_MESSAGE(m, 0, CANCEL, cancel, &body);
        lua_process_send(p, &m);
}

static void on_bind(struct lua_process *p, uint32_t seq, const Thox__Bind *bind) {
        if (find_name(p, bind->handle, bind->name.data, bind->name.len) >= 0) {
                reply(p, seq, STATUS_EXISTS, 0, 0);
                return;
        }
        cr_assert_lt(p->n_names, LUA_PROCESS_NAMES);
        memcpy(p->names[p->n_names].name, bind->name.data, bind->name.len);
        p->names[p->n_names].name[bind->name.len] = '\0';
        p->names[p->n_names].handle = bind->handle;
        p->names[p->n_names++].sid = ++p->next_sid;
        reply(p, seq, STATUS_OK, 0, p->next_sid);
}

static void on_unbind(struct lua_process *p, uint32_t seq, const Thox__Unbind *unbind) {
        for (size_t i = 0; i < p->n_names; i++) {
                if (p->names[i].sid != unbind->sid)
                        continue;
                p->names[i] = p->names[--p->n_names];
                reply(p, seq, STATUS_OK, 0, 0);
                return;
        }
        reply(p, seq, STATUS_NOTBOUND, 0, 0);
}

static void on_exit_frame(struct lua_process *p, const Thox__Exit *e) {
        p->has_exited = true;
        p->status = e->status;
        p->reason = e->reason;
        cr_assert_lt(e->message.len, sizeof(p->message));
        if (e->message.len != 0)
                memcpy(p->message, e->message.data, e->message.len);
}

static void on_frame(struct lua_process *p, struct wire_frame *f) {
        cr_assert(!p->has_exited, "a frame after Exit");
        if (f->kind == THOX__FRAME__BODY_CALL)
                on_call(p, f);
        else if (f->kind == THOX__FRAME__BODY_ANSWER)
                on_answer(p, f);
        else if (f->kind == THOX__FRAME__BODY_CANCEL)
                on_cancel(p, f->message->cancel->cid);
        else if (f->kind == THOX__FRAME__BODY_BIND)
                on_bind(p, f->seq, f->message->bind);
        else if (f->kind == THOX__FRAME__BODY_UNBIND)
                on_unbind(p, f->seq, f->message->unbind);
        else if (f->kind == THOX__FRAME__BODY_CONTEXT_NEW)
                reply(p, f->seq, STATUS_OK, ++p->next_handle, 0);
        else if (f->kind == THOX__FRAME__BODY_CLOSE || f->kind == THOX__FRAME__BODY_SHARE)
                reply(p, f->seq, STATUS_OK, 0, 0);
        else if (f->kind == THOX__FRAME__BODY_EXIT)
                on_exit_frame(p, f->message->exit);
        else
                cr_assert_eq(f->kind, THOX__FRAME__BODY_HELLO, "unexpected frame %d", (int)f->kind);
}

/* ---- the loop ------------------------------------------------------------------------------ */

static struct lua_process_call *next_alarm(struct lua_process *p) {
        struct lua_process_call *first = NULL;
        for (size_t i = 0; i < p->n_calls; i++) {
                struct lua_process_call *c = &p->calls[i];
                if (c->is_open && c->is_alarm && (!first || c->due_us < first->due_us))
                        first = c;
        }
        return first;
}

static void ring(struct lua_process *p) {
        struct lua_process_call *c;
        while ((c = next_alarm(p)) && c->due_us <= clock_now_us())
                lua_process_answer(p, c->cid, STATUS_OK, NULL);
}

/* False: the worker closed its end. */
static bool serve(struct lua_process *p, uint64_t deadline_us) {
        struct lua_process_call *c = next_alarm(p);
        uint64_t until = c && c->due_us < deadline_us ? c->due_us : deadline_us;
        uint64_t now = clock_now_us();
        struct timespec wait = { .tv_sec = until > now ? (time_t)((until - now) / 1000000) : 0,
                                 .tv_nsec =
                                         until > now ? (long)((until - now) % 1000000 * 1000) : 0 };
        struct pollfd pfd = { .fd = p->conn.fd, .events = POLLIN };
        int n = ppoll(&pfd, 1, &wait, NULL);
        ring(p);
        if (n <= 0)
                return true;
        struct wire_frame *f;
        int r = conn_read(&p->conn);
        if (r == CONN_E_EOF)
                return false;
        while (r == CONN_OK) {
                r = conn_next(&p->conn, &f);
                if (r == CONN_OK)
                        on_frame(p, f);
        }
        cr_assert_eq(r, CONN_E_AGAIN, "the worker sent something malformed: %s", p->conn.reason);
        flush(p);
        return true;
}

static void reap(struct lua_process *p) {
        int status;
        if (p->linux_pid == 0)
                return;
        cr_assert_eq(waitpid(p->linux_pid, &status, 0), p->linux_pid);
        p->linux_pid = 0;
        cr_assert(p->has_exited, "the worker died: wait status %#x, output:\n%s", status,
                  p->output);
        cr_assert(WIFEXITED(status) && (uint32_t)WEXITSTATUS(status) == p->status);
}

void lua_process_run(struct lua_process *p, uint64_t timeout_us) {
        uint64_t deadline_us = clock_now_us() + timeout_us;
        while (serve(p, deadline_us))
                cr_assert_lt(clock_now_us(), deadline_us, "the program goes on, output:\n%s",
                             p->output);
        reap(p);
}

void lua_process_run_until(struct lua_process *p,
                           bool (*is_true)(struct lua_process *p),
                           uint64_t timeout_us) {
        uint64_t deadline_us = clock_now_us() + timeout_us;
        while (!is_true(p)) {
                cr_assert(serve(p, deadline_us), "the worker ended: %s", p->message);
                cr_assert_lt(clock_now_us(), deadline_us, "nothing happened, output:\n%s",
                             p->output);
        }
}

/* ---- start and stop ------------------------------------------------------------------------ */

static void put_args(struct buf *out, const char *args) {
        lua_State *L = luaL_newstate();
        char source[256];
        snprintf(source, sizeof(source), "return %s", args);
        cr_assert_eq(luaL_dostring(L, source), LUA_OK, "%s", lua_tostring(L, -1));
        for (int i = 1; i <= lua_gettop(L); i++) {
                if (lua_isinteger(L, i))
                        value_put_integer(out, lua_tointeger(L, i));
                else
                        value_put_text(out, lua_tostring(L, i));
        }
        lua_close(L);
}

static void send_start(struct lua_process *p,
                       const char *source,
                       const struct lua_process_options *o) {
        Thox__Start body = THOX__START__INIT;
        Thox__Image images[2] = { THOX__IMAGE__INIT, THOX__IMAGE__INIT };
        Thox__Image *pointers[2] = { &images[0], &images[1] };
        Thox__NamedHandle console = THOX__NAMED_HANDLE__INIT, *contexts = &console;
        struct buf values;
        int fds[2];
        size_t n = 0, size;
        if (o->runtime) {
                images[n].name = wire_bytes("=runtime", 8);
                fds[n] = lua_image("=runtime", o->runtime, &size);
                images[n++].size = size;
        }
        images[n].name = wire_bytes("=test", 5);
        fds[n] = lua_image("=test", source, &size);
        images[n++].size = size;
        body.n_images = n;
        body.images = pointers;
        body.pid = LUA_PROCESS_PID;
        body.ppid = 6;
        body.uid = 1000;
        body.generation = LUA_PROCESS_GENERATION;
        body.name = wire_bytes("test", 4);
        body.program = wire_bytes("native#test", 11);
        body.memory_bytes = o->memory_bytes;
        body.quantum_us = o->quantum_us;
        console.name = wire_bytes("console", 7);
        console.handle = LUA_PROCESS_CONSOLE;
        body.n_contexts = o->has_console ? 1 : 0;
        body.contexts = &contexts;
        buf_init(&values, 4096);
        if (o->args)
                put_args(&values, o->args);
        struct wire_extra extra = {
                .fds = fds, .n_fds = n, .values = values.data, .values_len = values.len
        };
        WIRE_MESSAGE(m, 0, START, start, &body);
        cr_assert_eq(conn_send(&p->conn, &m, &extra), 0);
        flush(p);
        buf_deinit(&values);
        for (size_t i = 0; i < n; i++)
                fd_close(fds[i]);
}

void lua_process_attach(struct lua_process *p,
                        int fd,
                        const char *source,
                        const struct lua_process_options *o) {
        memset(p, 0, sizeof(*p));
        p->next_handle = LUA_PROCESS_CONSOLE;
        p->on_call = o->on_call;
        cr_assert_eq(conn_scratch_init(&p->scratch), 0);
        cr_assert_eq(conn_init_take(&p->conn, fd, &p->scratch), 0);
        p->conn.max_frame = LIMIT_FRAME_BYTES;
        send_start(p, source, o);
}

void lua_process_start(struct lua_process *p,
                       const char *source,
                       const struct lua_process_options *o) {
        struct worker_options options = { .has_no_hooks = o->has_no_hooks };
        void *prelude;
        int fds[2];
        cr_assert_eq(start_compile_prelude(&prelude, &options.prelude_len), 0);
        options.prelude = prelude;
        cr_assert_eq(fd_socketpair(fds), 0);
        pid_t pid = fork();
        cr_assert_geq(pid, 0);
        if (pid == 0) {
                prctl(PR_SET_PDEATHSIG, SIGKILL);
                fd_close(fds[0]);
                worker_run(fds[1], &options);
        }
        fd_close(fds[1]);
        free(prelude);
        lua_process_attach(p, fds[0], source, o);
        p->linux_pid = pid;
}

void lua_process_stop(struct lua_process *p) {
        if (p->linux_pid != 0) {
                kill(p->linux_pid, SIGKILL);
                waitpid(p->linux_pid, NULL, 0);
        }
        conn_deinit(&p->conn);
        conn_scratch_deinit(&p->scratch);
}

void lua_check_with(const char *source, const struct lua_process_options *o) {
        struct lua_process *p = malloc(sizeof(*p));
        cr_assert(p);
        lua_process_start(p, source, o);
        lua_process_run(p, 20 * CLOCK_S_US);
        cr_assert(p->status == 0 && p->reason == EXIT_REASON_EXIT, "status %u, reason %u: %s\n%s",
                  p->status, p->reason, p->message, p->output);
        lua_process_stop(p);
        free(p);
}

void lua_check(const char *source) {
        struct lua_process_options o = { .memory_bytes = LIMIT_MEMORY_BYTES,
                                         .quantum_us = LIMIT_QUANTUM_US };
        lua_check_with(source, &o);
}
