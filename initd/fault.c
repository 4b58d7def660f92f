/*
 * fault.c - see fault.h.
 */
#include "initd/fault.h"

#include <stdlib.h>
#include <string.h>

#include "initd/call.h"
#include "initd/initd.h"
#include "initd/record.h"
#include "initd/run_spec.h"

/* One at a time per instance; it may be gone when the answer comes. */
struct fault {
        struct initd *initd;
        struct process_ref of;
};

bool fault_is_service(const void *name, size_t len) {
        return len == strlen(FAULT_SERVICE) && memcmp(name, FAULT_SERVICE, len) == 0;
}

static void fault_grant(struct process *p, uint64_t bytes) {
        Thox__Grant body = THOX__GRANT__INIT;
        body.memory_bytes = bytes;
        WIRE_MESSAGE(message, 0, GRANT, grant, &body);
        p->is_faulting = false;
        peer_send(p->peer, &message, NULL);
}

/* Bytes, within what its properties allow; 0: none. */
static uint64_t fault_read_answer(const struct process *p, const struct wire_frame *frame) {
        struct value_reader r;
        int64_t bytes;
        value_reader_init(&r, frame->extra.values, frame->extra.values_len);
        if (!value_get_integer(&r, &bytes) || bytes < 0)
                return 0;
        uint64_t most = run_properties_memory_max(&p->spec->properties);
        return (uint64_t)bytes < most ? (uint64_t)bytes : most;
}

static void fault_on_answer(struct router *r UNUSED,
                            void *userdata,
                            enum thox_status status,
                            struct peer *server UNUSED,
                            struct wire_frame *frame) {
        struct fault *fault = userdata;
        struct process *p = process_find(fault->initd, fault->of.pid);
        bool is_there = p && p->peer && p->peer->generation == fault->of.generation;
        if (is_there)
                fault_grant(p, status == STATUS_OK && frame ? fault_read_answer(p, frame) : 0);
        free(fault);
}

static void fault_write(struct record *out, const struct process *p, const Thox__Fault *body) {
        record_map(out);
        record_integer(out, "pid", p->pid);
        record_text(out, "name", p->name);
        record_integer(out, "tid", body->tid);
        record_integer(out, "used", body->used_bytes);
        record_integer(out, "limit", body->limit_bytes);
        record_integer(out, "max", run_properties_memory_max(&p->spec->properties));
        record_end(out);
}

void fault_on_frame(struct process *p, const Thox__Fault *body) {
        struct record out;
        if (p->is_faulting) {
                peer_violation(p->peer, "a fault before the one before was answered");
                return;
        }
        p->is_faulting = true;
        struct fault *fault = malloc(sizeof(*fault));
        record_init(&out);
        fault_write(&out, p, body);
        if (fault && out.error == 0) {
                *fault = (struct fault){ p->initd, { p->pid, p->peer->generation } };
                call_start(&p->initd->router, FAULT_SERVICE, &out.values, LIMIT_FAULT_US,
                           fault_on_answer, fault);
        } else {
                free(fault);
                fault_grant(p, 0);
        }
        buf_deinit(&out.values);
}
