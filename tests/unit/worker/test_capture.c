/*
 * test_capture.c - what leaves a worker while it captures: nothing but what os.syscall performs.
 */
#include "worker/capture.h"

#include <criterion/criterion.h>
#include <string.h>

#include "tests/helper/lua_process.h"

#define SECOND_US 1000000u

static size_t longest; /* bytes of values of a call */

static bool measure_call(struct lua_process *p UNUSED, struct wire_frame *f) {
        if (f->extra.values_len > longest)
                longest = f->extra.values_len;
        return false;
}

static void run(struct lua_process *p, const char *source) {
        struct lua_process_options o = { .on_call = measure_call };
        lua_process_start(p, source, &o);
        lua_process_run(p, 20 * SECOND_US);
        cr_assert(p->status == 0, "%s", p->message);
        lua_process_stop(p);
}

/* row 26 */
Test(capture, the_router_sees_no_call_of_a_captured_program) {
        struct lua_process p;
        run(&p, "local co = coroutine.create(function()\n"
                "  os.send(0, 'a') os.call(0, 'b') print('c') warn('d')\n"
                "  pcall(os.rpc.e) os.run('f') os.spawn(print, 'g') os.bind('h') os.exit(5) end)\n"
                "local kinds, kind = {}, os.capture(co)\n"
                "while kind ~= 'return' and kind ~= 'error' do\n"
                "  kinds[#kinds + 1] = kind kind = os.capture(co) end\n"
                "local all = table.concat(kinds, ' ')\n"
                "assert(all == 'send call call call call call spawn bind exit', all)\n");
        cr_assert(p.n_calls_total == 0, "%zu calls", p.n_calls_total);
        cr_assert(p.n_names == 0);
        cr_assert(p.output_len == 0);
}

/* row 27 */
Test(capture, the_router_sees_what_is_performed) {
        struct lua_process p;
        run(&p, "local co = coroutine.create(function()\n"
                "  print('said') return os.rpc.echo('back') end)\n"
                "local asked = table.pack(os.capture(co))\n"
                "while asked[1] ~= 'return' and asked[1] ~= 'error' do\n"
                "  local done = table.pack(os.syscall(table.unpack(asked, 1, asked.n)))\n"
                "  asked = table.pack(os.capture(co, table.unpack(done, 1, done.n))) end\n"
                "assert(asked[1] == 'return' and asked[2] == 'back', asked[2])\n");
        cr_assert(p.n_calls_total == 2, "%zu calls", p.n_calls_total);
        cr_assert(strstr(p.output, "said"), "%s", p.output);
}

/* What was checked and captured leaves nothing in the next message. */
Test(capture, values_of_a_request_do_not_get_into_others) {
        struct lua_process p;
        run(&p, "local co = coroutine.create(function()\n"
                "  return os.call(0, 'x', ('stray'):rep(20000)) end)\n"
                "assert(os.capture(co) == 'call')\n"
                "print('clean')\n"
                "assert(os.answer(1, 0, ('stray'):rep(20000)) == nil)\n"
                "print('clean')\n");
        cr_assert(longest < 100, "%zu bytes", longest);
        cr_assert(strstr(p.output, "clean"));
}
