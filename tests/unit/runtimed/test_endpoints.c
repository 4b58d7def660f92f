/*
 * test_endpoints.c - the daemon over its socket. The test plays initd and, behind it, storaged: it
 * sees every question that thox-runtimed asks and decides each answer.
 */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "libipc/base/fd.h"
#include "libipc/conn.h"
#include "libipc/service.h"

#define WAIT_MS 10000
#define INITD 1u
#define WORKER 17u
#define NATIVE SERVICE_NATIVE_HANDLE

static struct conn conn;
static struct conn_scratch scratch;
static pid_t daemon_pid;
static uint64_t last_cid;
static struct wire_frame *frame; /* the current one */
static struct buf args;          /* of the next call or answer */

/*
 * The other end.
 */

static void exec_daemon(int fd) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (fd == SERVICE_FD)
                fcntl(fd, F_SETFD, 0);
        else
                dup2(fd, SERVICE_FD);
        execl(RUNTIMED_PATH, "thox-runtimed", (char *)NULL);
        _exit(127);
}

static void wait_for(short events) {
        struct pollfd p = { .fd = conn.fd, .events = events };
        cr_assert_eq(poll(&p, 1, WAIT_MS), 1, "thox-runtimed says nothing");
}

static void next_frame(wire_kind kind) {
        int r;
        while ((r = conn_flush(&conn)) == CONN_E_AGAIN)
                wait_for(POLLOUT);
        cr_assert_eq(r, CONN_OK);
        while ((r = conn_next(&conn, &frame)) == CONN_E_AGAIN) {
                wait_for(POLLIN);
                cr_assert_eq(conn_read(&conn), CONN_OK, "thox-runtimed is gone");
        }
        cr_assert_eq(r, CONN_OK);
        cr_assert_eq(frame->kind, kind, "frame of kind %d instead of %d", frame->kind, kind);
}

static void reply_ok(uint32_t seq, uint32_t handle) {
        Thox__Reply body = THOX__REPLY__INIT;
        body.status = STATUS_OK;
        body.handle = handle;
        body.sid = seq;
        WIRE_MESSAGE(message, seq, REPLY, reply, &body);
        cr_assert_eq(conn_send(&conn, &message, NULL), 0);
}

static void welcome(void) {
        Thox__Welcome body = THOX__WELCOME__INIT;
        next_frame(THOX__FRAME__BODY_HELLO);
        cr_expect_eq(memcmp(frame->message->hello->name.data, "runtimed", 8), 0);

        body.version = WIRE_VERSION;
        body.pid = 3;
        body.generation = 3;
        WIRE_MESSAGE(message, frame->seq, WELCOME, welcome, &body);
        cr_assert_eq(conn_send(&conn, &message, NULL), 0);
}

static void accept_binds(void) {
        static const char *const names[] = { "code.check", "code.image", "code.props",
                                             "library.image", "image.list" };
        for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
                next_frame(THOX__FRAME__BODY_BIND);
                const Thox__Bind *bind = frame->message->bind;
                cr_expect_eq(bind->handle, NATIVE);
                cr_expect_eq(bind->name.len, strlen(names[i]));
                cr_expect_eq(memcmp(bind->name.data, names[i], bind->name.len), 0);
                reply_ok(frame->seq, 0);
        }
}

static void setup(void) {
        int fds[2];
        cr_assert_eq(fd_socketpair(fds), 0);
        daemon_pid = fork();
        if (daemon_pid == 0)
                exec_daemon(fds[1]);
        close(fds[1]);

        cr_assert_eq(conn_scratch_init(&scratch), 0);
        cr_assert_eq(conn_init_take(&conn, fds[0], &scratch), 0);
        conn.max_frame = LIMIT_FRAME_BYTES;
        buf_init(&args, 8u << 20);
        welcome();
        accept_binds();
}

static void teardown(void) {
        int status = -1;
        conn_deinit(&conn);
        conn_scratch_deinit(&scratch);
        buf_deinit(&args);
        /* It ends with its tree, and leaks nothing. */
        cr_expect_eq(waitpid(daemon_pid, &status, 0), daemon_pid);
        cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 0, "thox-runtimed ended with %#x",
                  (unsigned int)status);
}

TestSuite(endpoints, .init = setup, .fini = teardown, .timeout = 30);

/*
 * Calls to the daemon.
 */

static void call_through(uint32_t handle, uint32_t pid, uint32_t flags, const char *name) {
        struct wire_call call = { .cid = ++last_cid,
                                  .handle = handle,
                                  .pid = pid,
                                  .flags = flags,
                                  .name = (const uint8_t *)name,
                                  .name_len = strlen(name) };
        struct wire_extra extra = { .values = args.data, .values_len = args.len };
        cr_assert_eq(conn_send_call_long(&conn, 1, &call, &extra), 0);
        buf_clear(&args);
}

static void call(uint32_t pid, const char *name) {
        call_through(NATIVE, pid, 0, name);
}

static void put_pair(const char *key, const char *value) {
        if (!value)
                return;
        value_put_text(&args, key);
        value_put_text(&args, value);
}

static void call_code_image(const char *program, const char *runtime) {
        value_put_map(&args, VALUE_INDEFINITE);
        put_pair("program", program);
        put_pair("runtime", runtime);
        value_put_end(&args);
        call(INITD, "code.image");
}

static void call_code_image_of(const char *code, const char *chunk) {
        value_put_map(&args, 2);
        put_pair("code", code);
        put_pair("chunk", chunk);
        call(INITD, "code.image");
}

static void call_code_check(const char *kind, const char *name, const char *source) {
        value_put_text(&args, kind);
        value_put_text(&args, name);
        value_put_text(&args, source);
        call(WORKER, "code.check");
}

static struct value_reader expect_answer(uint64_t cid, enum thox_status status) {
        struct value_reader r;
        next_frame(THOX__FRAME__BODY_ANSWER);
        value_reader_init(&r, frame->extra.values, frame->extra.values_len);

        struct value why = { 0 };
        struct value_reader copy = r;
        if (frame->answer.status != STATUS_OK)
                value_next(&copy, &why);
        cr_assert_eq(frame->answer.status, status, "status %s: %.*s",
                     status_name(frame->answer.status), (int)why.len, why.bytes);
        cr_expect_eq(frame->answer.cid, cid);
        return r;
}

static void expect_refusal(enum thox_status status, const char *text) {
        struct value_reader r = expect_answer(last_cid, status);
        struct value v;
        cr_assert_eq(value_next(&r, &v), VALUE_OK);
        cr_assert_eq(v.type, VALUE_BYTES);
        cr_expect_not_null(memmem(v.bytes, v.len, text, strlen(text)), "'%.*s' lacks '%s'",
                           (int)v.len, v.bytes, text);
}

/* The image i of the answer at hand: its handle, and that it is sealed. */
static void expect_image(size_t i, uint32_t handle) {
        cr_assert_gt(frame->extra.n_caps, i);
        cr_assert_eq(frame->extra.n_fds, frame->extra.n_caps);
        cr_expect_eq(frame->extra.caps[i].handle, handle);
        off_t size = lseek(frame->extra.fds[i], 0, SEEK_END);
        cr_expect_eq(fd_check_sealed(frame->extra.fds[i], (size_t)size), 0);
}

static void expect_field(struct value_reader *r, const char *key, struct value *ret) {
        const uint8_t *bytes;
        size_t len;
        cr_assert(value_get_bytes(r, &bytes, &len));
        cr_assert(len == strlen(key) && memcmp(bytes, key, len) == 0, "no field %s", key);
        cr_assert_eq(value_next(r, ret), VALUE_OK);
}

static void expect_described(struct value_reader *r, const char *name, int64_t version) {
        struct value v;
        cr_assert_eq(value_next(r, &v), VALUE_OK);
        cr_assert_eq(v.type, VALUE_MAP);
        expect_field(r, "name", &v);
        cr_expect(v.len == strlen(name) && memcmp(v.bytes, name, v.len) == 0);
        expect_field(r, "size", &v);
        cr_expect_gt(v.integer, 0);
        expect_field(r, "version", &v);
        cr_expect_eq(v.integer, version);
}

/* The only image that the daemon has, with so many users. */
static void expect_listed(const char *kind, const char *name, int64_t version, int64_t users) {
        call(WORKER, "image.list");
        struct value_reader r = expect_answer(last_cid, STATUS_OK);
        struct value v;

        cr_assert_eq(value_next(&r, &v), VALUE_OK);
        cr_assert(v.type == VALUE_ARRAY && v.size == 1);
        cr_assert_eq(value_next(&r, &v), VALUE_OK);
        expect_field(&r, "kind", &v);
        cr_expect(v.len == strlen(kind) && memcmp(v.bytes, kind, v.len) == 0);
        expect_field(&r, "name", &v);
        cr_expect(v.len == strlen(name) && memcmp(v.bytes, name, v.len) == 0);
        expect_field(&r, "version", &v);
        cr_expect_eq(v.integer, version);
        expect_field(&r, "size", &v);
        expect_field(&r, "users", &v);
        cr_expect_eq(v.integer, users);
}

/*
 * Questions of the daemon.
 */

/* A question to the store; `known` below zero: it has no version at hand. Returns its seq. */
static uint32_t expect_get(const char *endpoint, const char *name, int64_t known) {
        struct value_reader r;
        const uint8_t *bytes = NULL;
        size_t len = 0;
        int64_t version = -1;

        next_frame(THOX__FRAME__BODY_CALL);
        cr_expect_eq(frame->call.handle, NATIVE);
        cr_expect_eq(frame->call.name_len, strlen(endpoint));
        cr_expect_eq(memcmp(frame->call.name, endpoint, strlen(endpoint)), 0);
        value_reader_init(&r, frame->extra.values, frame->extra.values_len);
        cr_assert(value_get_bytes(&r, &bytes, &len));
        cr_expect(len == strlen(name) && memcmp(bytes, name, len) == 0);
        int64_t asked = -1;
        cr_assert(value_get_integer_opt(&r, &asked) && value_get_integer_opt(&r, &version));
        cr_expect_eq(asked, -1);
        cr_expect_eq(version, known);
        return frame->seq;
}

static void answer_question(uint32_t seq, enum thox_status status) {
        struct wire_answer answer = { .cid = wire_cid(3, seq), .status = status, .pid = 2 };
        struct wire_extra extra = { .values = args.data, .values_len = args.len };
        cr_assert_eq(conn_send_answer_long(&conn, seq, &answer, &extra), 0);
        buf_clear(&args);
}

/* `source` NULL: unchanged. */
static void answer_get(uint32_t seq, const char *source, int64_t version) {
        if (source)
                value_put_text(&args, source);
        else
                value_put_nil(&args);
        value_put_integer(&args, version);
        answer_question(seq, STATUS_OK);
}

static void refuse_get(uint32_t seq, enum thox_status status, const char *why) {
        value_put_text(&args, why);
        answer_question(seq, status);
}

static void open_context(uint32_t handle) {
        next_frame(THOX__FRAME__BODY_CONTEXT_NEW);
        cr_expect_null(frame->message->context_new->routing);
        reply_ok(frame->seq, handle);
}

static void send_opened(uint32_t handle, uint32_t pid) {
        Thox__Opened body = THOX__OPENED__INIT;
        body.handle = handle;
        body.pid = pid;
        WIRE_MESSAGE(message, 0, OPENED, opened, &body);
        cr_assert_eq(conn_send(&conn, &message, NULL), 0);
}

static void send_closed(uint32_t handle, uint32_t pid) {
        Thox__Closed body = THOX__CLOSED__INIT;
        body.handle = handle;
        body.pid = pid;
        WIRE_MESSAGE(message, 0, CLOSED, closed, &body);
        cr_assert_eq(conn_send(&conn, &message, NULL), 0);
}

static void expect_close(uint32_t handle) {
        next_frame(THOX__FRAME__BODY_CLOSE);
        cr_expect_eq(frame->message->close->handle, handle);
}

/* hello in `version`, from nothing, under a handle. */
static void load_hello(int64_t version, uint32_t handle) {
        call_code_image("hello", NULL);
        answer_get(expect_get("program.get", "hello", -1), "return 1", version);
        open_context(handle);
        expect_answer(last_cid, STATUS_OK);
}

/*
 * code.check
 */

Test(endpoints, good_source_passes_the_check) {
        call_code_check("program", "hello", "return 1");
        expect_answer(last_cid, STATUS_OK);
}

Test(endpoints, a_syntax_error_is_told_with_name_and_line) {
        /* row 66 */
        call_code_check("library", "hello", "local x\nx = = 2");
        expect_refusal(STATUS_BADCODE, "hello:2: unexpected symbol near '='");
}

Test(endpoints, the_check_refuses_wrong_arguments) {
        call_code_check("song", "hello", "return 1");
        expect_refusal(STATUS_BADARGS, "kind must be program, library, runtime or props");
        call_code_check("program", "a#b", "return 1");
        expect_refusal(STATUS_BADARGS, "not a valid name");
        value_put_text(&args, "program");
        call(WORKER, "code.check");
        expect_refusal(STATUS_BADARGS, "usage: code.check");
}

/*
 * code.image
 */

Test(endpoints, a_first_start_fetches_compiles_and_delivers) {
        call_code_image("hello", NULL);
        answer_get(expect_get("program.get", "hello", -1), "return 1", 3);
        open_context(40);

        struct value_reader r = expect_answer(last_cid, STATUS_OK);
        struct value v;
        expect_image(0, 40);
        cr_assert_eq(value_next(&r, &v), VALUE_OK);
        cr_assert(v.type == VALUE_ARRAY && v.size == 1);
        expect_described(&r, "@hello", 3);
        cr_expect(value_is_done(&r));
}

Test(endpoints, a_second_start_moves_no_source) {
        load_hello(3, 40);
        call_code_image("hello", NULL);
        answer_get(expect_get("program.get", "hello", 3), NULL, 3);
        expect_answer(last_cid, STATUS_OK);
        expect_image(0, 40);
}

Test(endpoints, bytes_of_the_version_at_hand_change_nothing) {
        /* The boot store behind initd knows no third argument. */
        load_hello(0, 40);
        call_code_image("hello", NULL);
        answer_get(expect_get("program.get", "hello", 0), "return 1", 0);
        expect_answer(last_cid, STATUS_OK);
        expect_image(0, 40);
}

Test(endpoints, a_new_version_is_used_and_the_old_one_goes_with_its_last_user) {
        /* rows 118, 119 */
        load_hello(3, 40);
        send_opened(40, WORKER);
        call_code_image("hello", NULL);
        answer_get(expect_get("program.get", "hello", 3), "return 2", 4);
        open_context(41);
        expect_answer(last_cid, STATUS_OK);
        expect_image(0, 41);

        send_closed(40, WORKER);
        expect_close(40);
        expect_listed("program", "hello", 4, 0);
}

Test(endpoints, wishes_that_come_late_get_the_next_answer) {
        call_code_image("hello", NULL);
        uint32_t first = expect_get("program.get", "hello", -1);
        call_code_image("hello", NULL);
        call_code_image("hello", NULL);
        answer_get(first, "return 1", 3);
        open_context(40);
        expect_answer(last_cid - 2, STATUS_OK);

        /* In between the program was set: the first answer would be stale for these. */
        answer_get(expect_get("program.get", "hello", 3), "return 2", 4);
        open_context(41);
        expect_answer(last_cid - 1, STATUS_OK);
        expect_image(0, 41);
        expect_answer(last_cid, STATUS_OK);
        expect_image(0, 41);
}

Test(endpoints, runtimes_come_before_the_program) {
        /* rows 68, 74 */
        call_code_image("a+b#hello", NULL);
        uint32_t a = expect_get("runtime.get", "a", -1);
        uint32_t b = expect_get("runtime.get", "b", -1);
        uint32_t program = expect_get("program.get", "hello", -1);
        answer_get(program, "return 1", 1);
        open_context(42);
        answer_get(b, "return {}", 1);
        open_context(41);
        answer_get(a, "return {}", 1);
        open_context(40);

        expect_answer(last_cid, STATUS_OK);
        expect_image(0, 40);
        expect_image(1, 41);
        expect_image(2, 42);
}

Test(endpoints, an_unknown_runtime_stops_the_start) {
        /* row 68 */
        call_code_image("hello", "nope");
        uint32_t runtime = expect_get("runtime.get", "nope", -1);
        uint32_t program = expect_get("program.get", "hello", -1);
        refuse_get(runtime, STATUS_NOTFOUND, "no runtime 'nope' in the store");
        answer_get(program, "return 1", 1);
        open_context(40);
        expect_refusal(STATUS_NOTFOUND, "no runtime 'nope'");
}

Test(endpoints, a_deleted_program_is_not_started_from_the_cache) {
        load_hello(3, 40);
        send_opened(40, WORKER);
        send_closed(40, WORKER);
        call_code_image("hello", NULL);
        refuse_get(expect_get("program.get", "hello", 3), STATUS_NOTFOUND, "no program 'hello'");
        next_frame(THOX__FRAME__BODY_ANSWER);
        cr_expect_eq(frame->answer.status, STATUS_NOTFOUND);
        expect_close(40);
}

Test(endpoints, an_absent_store_is_told) {
        call_code_image("hello", NULL);
        refuse_get(expect_get("program.get", "hello", -1), STATUS_UNAVAIL, "storaged is down");
        expect_refusal(STATUS_UNAVAIL, "storaged is down");
}

Test(endpoints, a_malformed_answer_of_the_store_harms_one_call) {
        call_code_image("hello", NULL);
        value_put_integer(&args, 5);
        answer_question(expect_get("program.get", "hello", -1), STATUS_OK);
        expect_refusal(STATUS_PROTO, "malformed");
        load_hello(1, 40);
}

Test(endpoints, a_stored_program_that_does_not_compile_is_badcode) {
        call_code_image("hello", NULL);
        answer_get(expect_get("program.get", "hello", -1), "\n\nend", 1);
        expect_refusal(STATUS_BADCODE, "hello:3: ");
}

Test(endpoints, only_initd_gets_code) {
        value_put_map(&args, 1);
        put_pair("program", "hello");
        call(WORKER, "code.image");
        expect_refusal(STATUS_DENIED, "only initd");
}

Test(endpoints, two_different_runtimes_are_refused) {
        /* row 69 */
        call_code_image("a#hello", "b");
        expect_refusal(STATUS_BADARGS, "differ");
}

Test(endpoints, code_is_compiled_once_and_asks_nobody) {
        call_code_image_of("return 1", "@file.lua");
        open_context(40);
        struct value_reader r = expect_answer(last_cid, STATUS_OK);
        struct value v;
        expect_image(0, 40);
        cr_assert_eq(value_next(&r, &v), VALUE_OK);
        expect_described(&r, "@file.lua", 0);

        call_code_image_of("return 1", "@file.lua");
        expect_answer(last_cid, STATUS_OK);
        expect_image(0, 40);
}

Test(endpoints, bad_code_names_its_file) {
        call_code_image_of("local x\nx(", "@dir/file.lua");
        expect_refusal(STATUS_BADCODE, "dir/file.lua:2: unexpected symbol near <eof>");
}

Test(endpoints, a_long_program_travels_in_pieces) {
        char *source = malloc((1u << 20) + 1);
        memset(source, '\n', 1u << 20);
        memcpy(source + (1u << 20) - 9, "error'x'\n", 9);
        source[1u << 20] = 0;

        call_code_image("big", NULL);
        answer_get(expect_get("program.get", "big", -1), source, 1);
        open_context(40);
        expect_answer(last_cid, STATUS_OK);
        expect_image(0, 40);
        free(source);
}

Test(endpoints, no_room_for_a_context_is_told) {
        call_code_image_of("return 1", "@file.lua");
        next_frame(THOX__FRAME__BODY_CONTEXT_NEW);
        reply_ok(frame->seq, 0);
        expect_refusal(STATUS_LIMIT, "no room for another image");
}

/*
 * library.image, users
 */

static void load_library(uint32_t handle) {
        value_put_text(&args, "lib");
        call(WORKER, "library.image");
        answer_get(expect_get("library.get", "lib", -1), "return {}", 2);
        open_context(handle);
}

Test(endpoints, a_library_is_given_to_whoever_asks_and_counted) {
        /* rows 67, 117 */
        load_library(40);
        struct value_reader r = expect_answer(last_cid, STATUS_OK);
        expect_image(0, 40);
        expect_described(&r, "@lib", 2);
        uint32_t cap;
        cr_expect(value_get_cap(&r, &cap) && cap == 0);
        expect_listed("library", "lib", 2, 1);

        send_closed(40, WORKER);
        expect_listed("library", "lib", 2, 0);
}

Test(endpoints, a_missing_library_is_named) {
        /* row 67 */
        value_put_text(&args, "lib");
        call(WORKER, "library.image");
        refuse_get(expect_get("library.get", "lib", -1), STATUS_NOTFOUND, "no library 'lib'");
        expect_refusal(STATUS_NOTFOUND, "no library 'lib'");
}

Test(endpoints, a_library_with_a_bad_name_is_refused) {
        value_put_text(&args, "../lib");
        call(WORKER, "library.image");
        expect_refusal(STATUS_BADARGS, "not a library's name");
        call(WORKER, "library.image");
        expect_refusal(STATUS_BADARGS, "usage: library.image");
}

Test(endpoints, a_call_without_an_answer_counts_no_user) {
        value_put_text(&args, "lib");
        call_through(NATIVE, WORKER, WIRE_FLAG_ONEWAY, "library.image");
        answer_get(expect_get("library.get", "lib", -1), "return {}", 2);
        open_context(40);
        expect_listed("library", "lib", 2, 0);
}

Test(endpoints, a_program_is_counted_when_initd_has_handed_it_on) {
        /* row 117 */
        load_hello(1, 40);
        expect_listed("program", "hello", 1, 0);
        send_opened(40, WORKER);
        send_opened(40, WORKER + 1);
        expect_listed("program", "hello", 1, 2);
}

Test(endpoints, an_images_handle_is_no_road_around_a_context) {
        load_hello(1, 40);
        value_put_text(&args, "lib");
        call_through(40, WORKER, 0, "library.image");
        expect_refusal(STATUS_DENIED, "an image serves no calls");
        call_code_check("program", "a", "return 1");
        expect_answer(last_cid, STATUS_OK);
}

Test(endpoints, the_tree_may_end_while_questions_are_open) {
        /* teardown sees that nothing leaks and the status is 0 */
        load_hello(1, 40);
        call_code_image("a+b#hello", NULL);
        call_code_image("a#hello", NULL);
        expect_get("runtime.get", "a", -1);
        expect_get("runtime.get", "b", -1);
        expect_get("program.get", "hello", 1);
        call_code_image_of("return 1", "@file.lua");
        next_frame(THOX__FRAME__BODY_CONTEXT_NEW);
}
