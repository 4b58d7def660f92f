/*
 * native_interrupt.c - the endpoints interrupt.wait, interrupt.raise.
 */
#include "initd/initd.h"
#include "initd/native_table.h"
#include "initd/record.h"

static bool interrupt_is_allowed(const struct native_request *request) {
        if (request->caller->uid != 0)
                native_refuse(request->call, STATUS_DENIED, "only uid 0 has to do with interrupts");
        return request->caller->uid == 0;
}

static bool lines_parse(struct value_reader *r, uint64_t *ret) {
        int64_t mask = -1; /* all */
        bool is_right = value_get_integer_opt(r, &mask) && value_is_done(r) && mask != 0;
        *ret = (uint64_t)mask;
        return is_right;
}

static void wait_on_request(struct native_request *request) {
        struct initd *initd = request->router->userdata;
        uint64_t lines;
        if (!request->call || !interrupt_is_allowed(request))
                return;
        if (!lines_parse(&request->args, &lines))
                native_refuse(request->call, STATUS_BADARGS,
                              "interrupt.wait wants nothing, or a mask of lines");
        else
                interrupt_wait(&initd->interrupts, request->call, lines);
}

static void raise_on_request(struct native_request *request) {
        struct initd *initd = request->router->userdata;
        struct record out;
        int64_t line;
        if (!interrupt_is_allowed(request))
                return;
        if (!value_get_integer(&request->args, &line) || !value_is_done(&request->args) ||
            line < 0 || line >= INTERRUPT_LINES) {
                native_refuse(request->call, STATUS_BADARGS,
                              "interrupt.raise wants a line, 0 to %u", INTERRUPT_LINES - 1);
                return;
        }
        record_init(&out);
        record_count(&out, interrupt_raise(&initd->interrupts, (unsigned)line));
        record_answer(&out, request->call);
}

const struct native_endpoint native_interrupt_endpoints[] = {
        { .name = "interrupt.raise",
          .handler = raise_on_request,
          .usage = "interrupt.raise(line) -> how many wait for it" },
        { .name = "interrupt.wait",
          .handler = wait_on_request,
          .usage = "interrupt.wait([lines]) -> mask" },
};
const size_t native_interrupt_n_endpoints = ARRAY_SIZE(native_interrupt_endpoints);
