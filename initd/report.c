/*
 * report.c - see report.h. A report is kept as the value that it will be shown as.
 */
#include "initd/report.h"

#include <stdlib.h>
#include <string.h>

#include "initd/context.h"
#include "initd/initd.h"
#include "initd/queue.h"
#include "initd/record.h"
#include "initd/run_spec.h"
#include "libipc/base/clock.h"
#include "libipc/base/log.h"
#include "libipc/name.h"

struct report {
        struct list link;
        uint32_t pid;
        char name[LIMIT_NAME_BYTES + 1];
        char family[LIMIT_NAME_BYTES + 1];
        struct record value; /* owned */
};

void reports_init(struct reports *r) {
        *r = (struct reports){ 0 };
        list_init(&r->all);
}

static void report_free(struct report *report) {
        buf_deinit(&report->value.values);
        free(report);
}

static void reports_remove(struct reports *r, struct report *report) {
        list_remove(&report->link);
        r->n--;
        report_free(report);
}

void reports_deinit(struct reports *r) {
        while (!list_is_empty(&r->all))
                reports_remove(r, container_of(r->all.next, struct report, link));
}

/* ---- writing ------------------------------------------------------------------------------- */

static void record_limits(struct record *out, const struct run_properties *limits) {
        record_key(out, "limits");
        record_map(out);
        record_integer(out, "memory", limits->memory_bytes);
        record_integer(out, "memory_max", run_properties_memory_max(limits));
        if (limits->cpu_turn_us != 0)
                record_float(out, "cpu_turn", (double)limits->cpu_turn_us / CLOCK_S_US);
        if (limits->processes != 0)
                record_integer(out, "processes", limits->processes);
        record_end(out);
}

static void report_write(struct record *out, const struct process *p) {
        const struct obituary *o = &p->obituary;
        record_map(out);
        record_integer(out, "pid", p->pid);
        record_text(out, "name", p->name);
        record_text(out, "program", p->spec->program);
        record_float(out, "time", (double)clock_wall_us() / CLOCK_S_US);
        record_float(out, "uptime",
                     (double)(clock_now_us() - p->supervisor.started_us) / CLOCK_S_US);
        record_integer(out, "restarts", p->supervisor.n_restarts);
        record_text(out, "reason", exit_reason_name(o->reason));
        record_integer(out, "status", o->status);
        record_integer(out, "signal", o->signal);
        record_text(out, "message", o->message);
        record_text(out, "locals", o->locals);
        record_float(out, "cpu", o->cpu_s);
        record_integer(out, "memory", o->peak_bytes);
        record_limits(out, &p->spec->properties);
        past_record(&p->past, out);
        journal_record_tail(&p->initd->journal, p->pid, out);
        record_end(out);
}

/* ---- keeping ------------------------------------------------------------------------------- */

static void reports_make_room(struct reports *r, const struct report *newest) {
        struct report *oldest_of_family = NULL;
        size_t n_of_family = 0;
        list_for_each(link, &r->all) {
                struct report *other = container_of(link, struct report, link);
                if (strcmp(other->family, newest->family) != 0)
                        continue;
                oldest_of_family = other;
                n_of_family++;
        }
        if (n_of_family > LIMIT_REPORTS_PER_FAMILY)
                reports_remove(r, oldest_of_family);
        else if (r->n > LIMIT_REPORTS)
                reports_remove(r, container_of(r->all.prev, struct report, link));
}

static void report_publish(const struct report *report, struct router *r) {
        struct queue *q = queue_find(r->native, REPORTS_QUEUE, strlen(REPORTS_QUEUE));
        size_t len = name_is_valid(report->name, strlen(report->name)) ? strlen(report->name) : 0;
        const ProtobufCBinaryData key = wire_bytes(report->name, len);
        if (q)
                queue_publish(q, &key, 1, &report->value.values);
}

void reports_add(struct reports *r, const struct process *p) {
        struct report *report = calloc(1, sizeof(*report));
        if (report) {
                report->pid = p->pid;
                strcpy(report->name, p->name);
                strcpy(report->family, family_outermost(p->family)->name);
                record_init(&report->value);
                report_write(&report->value, p);
        }
        if (!report || report->value.error != 0) {
                log_warn("initd is out of memory: no report of the end of pid=%u", p->pid);
                if (report)
                        report_free(report);
                return;
        }
        list_add_head(&r->all, &report->link);
        r->n++;
        report_publish(report, &p->initd->router);
        reports_make_room(r, report);
}

static bool report_is_of(const struct report *report, uint32_t pid, const void *name, size_t len) {
        if (pid != 0)
                return report->pid == pid;
        return strlen(report->name) == len && memcmp(report->name, name, len) == 0;
}

void reports_write(
        const struct reports *r, uint32_t pid, const void *name, size_t len, struct record *out) {
        size_t n = 0;
        list_for_each(link, &r->all)
                n += report_is_of(container_of(link, struct report, link), pid, name, len);
        record_array(out, n);
        list_for_each(link, &r->all) {
                const struct report *report = container_of(link, struct report, link);
                if (report_is_of(report, pid, name, len))
                        record_append(out, &report->value);
        }
}
