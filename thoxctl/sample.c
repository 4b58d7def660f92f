/*
 * sample.c - see sample.h. A process is known again by its pid; one that was restarted meanwhile has
 * used less than before, and then all it used is new.
 */
#include "thoxctl/sample.h"

#include <errno.h>

#include "libipc/base/clock.h"
#include "thoxctl/tree.h"

void sample_deinit(struct sample *s) {
        json_decref(s->tree);
        json_decref(s->processes);
        *s = (struct sample){ 0 };
}

static double number_of(const json_t *row, const char *key) {
        return json_number_value(json_object_get(row, key));
}

static double growth(const json_t *row, const json_t *before, const char *key) {
        double now = number_of(row, key), then = number_of(before, key);

        return now >= then ? now - then : now;
}

static void pid_text(const json_t *row, char *text, size_t size) {
        snprintf(text, size, "%.0f", number_of(row, "pid"));
}

/* The rows by pid; NULL without memory. */
static json_t *index_rows(const json_t *rows) {
        json_t *index = json_object();
        char pid[24];

        for (size_t i = 0; i < json_array_size(rows); i++) {
                json_t *row = json_array_get(rows, i);

                pid_text(row, pid, sizeof(pid));
                json_object_set(index, pid, row);
        }
        return index;
}

/* What one row has used since `before` (NULL: unknown), per second. */
static void set_rates(json_t *row, const json_t *before, double seconds) {
        double cpu = 0, calls = 0;

        if (before && seconds > 0) {
                cpu = growth(row, before, "cpu") / seconds * 100;
                calls = growth(row, before, "calls") / seconds;
        }
        json_object_set_new(row, "cpu_percent", json_real(cpu));
        json_object_set_new(row, "calls_per_second", json_real(calls));
}

static void compare(struct sample *s, const struct sample *before) {
        double seconds = (double)(s->taken_us - before->taken_us) / (double)CLOCK_S_US;
        json_t *index = index_rows(before->processes);
        double cpu = 0, calls = 0;
        char pid[24];

        for (size_t i = 0; i < json_array_size(s->processes); i++) {
                json_t *row = json_array_get(s->processes, i);

                pid_text(row, pid, sizeof(pid));
                set_rates(row, json_object_get(index, pid), seconds);
                cpu += number_of(row, "cpu_percent");
        }
        if (before->tree && seconds > 0)
                calls = growth(s->tree, before->tree, "calls_routed") / seconds;
        json_object_set_new(s->tree, "cpu_percent", json_real(cpu));
        json_object_set_new(s->tree, "calls_per_second", json_real(calls));
        json_decref(index);
}

int sample_take(struct invocation *inv, const struct sample *before, struct sample *ret) {
        struct sample s = { 0 };
        json_t *values;
        int exit_code = tree_call(inv, "tree.status", NULL, "ask for the tree's state", &values);

        if (exit_code != 0)
                return exit_code;
        s.tree = json_incref(json_array_get(values, 0));
        json_decref(values);
        exit_code = tree_list(inv, "process.list", NULL, "list processes", &s.processes);
        if (exit_code != 0) {
                json_decref(s.tree);
                return exit_code;
        }
        s.taken_us = clock_now_us();
        compare(&s, before);
        *ret = s;
        return 0;
}
