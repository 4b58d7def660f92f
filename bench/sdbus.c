/*
 * sdbus.c - the same calls as relay.c through dbus-daemon or dbus-broker, with sd-bus at both ends:
 * one method that takes and returns a byte array.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

#include "bench/bus.h"
#include "bench/sample.h"

#define NAME "org.thox.Bench"
#define PATH "/org/thox/Bench"

/* Nothing times out: a slow answer is a measurement, too. */
#define TIMEOUT_US (UINT64_C(600) * 1000000)

struct caller {
        sd_bus *bus;
        struct sample *sample;
        const struct load *load;
        void *bytes;
        uint64_t until;
        int n_open;
};

static void must(int r, const char *what) {
        if (r < 0)
                die("%s: %s", what, strerror(-r));
}

static sd_bus *connect_to(const char *address) {
        sd_bus *bus = NULL;

        must(sd_bus_new(&bus), "sd_bus_new");
        must(sd_bus_set_address(bus, address), "sd_bus_set_address");
        must(sd_bus_set_bus_client(bus, 1), "sd_bus_set_bus_client");
        must(sd_bus_start(bus), "sd_bus_start");
        return bus;
}

static int on_echo(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        sd_bus_message *reply = NULL;
        const void *bytes;
        size_t len;
        int r;

        (void)userdata;
        (void)error;
        r = sd_bus_message_read_array(m, 'y', &bytes, &len);
        if (r >= 0)
                r = sd_bus_message_new_method_return(m, &reply);
        if (r >= 0)
                r = sd_bus_message_append_array(reply, 'y', bytes, len);
        if (r >= 0)
                r = sd_bus_send(NULL, reply, NULL);
        sd_bus_message_unref(reply);
        return r;
}

static const sd_bus_vtable echo_vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_METHOD("Echo", "ay", "ay", on_echo, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_VTABLE_END,
};

static _Noreturn void serve(const char *address, int ready_fd) {
        sd_bus *bus = connect_to(address);

        must(sd_bus_add_object_vtable(bus, NULL, PATH, NAME, echo_vtable, NULL), "vtable");
        must(sd_bus_request_name(bus, NAME, 0), "sd_bus_request_name");
        (void)close(ready_fd);
        for (;;) {
                int r = sd_bus_process(bus, NULL);

                must(r, "sd_bus_process");
                if (r == 0)
                        must(sd_bus_wait(bus, UINT64_MAX), "sd_bus_wait");
        }
}

static sd_bus_message *call_new(struct caller *c) {
        sd_bus_message *m = NULL;

        must(sd_bus_message_new_method_call(c->bus, &m, NAME, PATH, NAME, "Echo"), "call");
        must(sd_bus_message_append_array(m, 'y', c->bytes, c->load->size), "append");
        return m;
}

static void call_one(struct caller *c) {
        for (uint64_t before = now_ns(), after; before < c->until; before = after) {
                sd_bus_message *m = call_new(c), *reply = NULL;
                const void *bytes;
                size_t len = 0;

                must(sd_bus_call(c->bus, m, TIMEOUT_US, NULL, &reply), "sd_bus_call");
                must(sd_bus_message_read_array(reply, 'y', &bytes, &len), "reply");
                sd_bus_message_unref(m);
                sd_bus_message_unref(reply);
                after = now_ns();
                sample_add_latency(c->sample, after - before);
                c->sample->n_calls++;
        }
}

static void call_send(struct caller *c);

static int on_reply(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        struct caller *c = userdata;

        (void)error;
        if (sd_bus_message_is_method_error(m, NULL))
                die("a call was refused: %s", sd_bus_message_get_error(m)->message);
        c->sample->n_calls++;
        c->n_open--;
        if (now_ns() < c->until)
                call_send(c);
        return 0;
}

static void call_send(struct caller *c) {
        sd_bus_message *m = call_new(c);

        must(sd_bus_call_async(c->bus, NULL, m, on_reply, c, TIMEOUT_US), "sd_bus_call_async");
        sd_bus_message_unref(m);
        c->n_open++;
}

static void call_many(struct caller *c) {
        while (c->n_open < c->load->flight)
                call_send(c);
        while (c->n_open > 0) {
                int r = sd_bus_process(c->bus, NULL);

                must(r, "sd_bus_process");
                if (r == 0)
                        must(sd_bus_wait(c->bus, UINT64_MAX), "sd_bus_wait");
        }
}

static void call_until(struct caller *c, uint64_t until) {
        c->until = until;
        if (c->load->flight == 1)
                call_one(c);
        else
                call_many(c);
}

static void client_run(const char *address, int go_fd, const struct load *l, struct sample *s) {
        struct caller c = { .bus = connect_to(address), .sample = s, .load = l };
        char byte;

        c.bytes = calloc(1, l->size);
        if (!c.bytes)
                die("out of memory");
        must(sd_bus_get_unique_name(c.bus, &(const char *){ NULL }), "connecting");
        while (read(go_fd, &byte, 1) > 0)
                ;
        call_until(&c, now_ns() + (uint64_t)l->ms * 100000);
        s->n_warm = s->n_calls;
        s->n_calls = s->n_latencies = 0;
        s->start_ns = now_ns();
        call_until(&c, s->start_ns + (uint64_t)l->ms * 1000000);
        s->end_ns = now_ns();
        free(c.bytes);
        sd_bus_unref(c.bus);
}

static pid_t server_start(const struct bus *bus) {
        int ready[2];
        pid_t pid;
        char byte;

        if (pipe(ready) < 0)
                die("pipe: %m");
        pid = child_fork();
        if (pid == 0) {
                (void)close(ready[0]);
                serve(bus->address, ready[1]);
        }
        (void)close(ready[1]);
        while (read(ready[0], &byte, 1) > 0)
                ;
        (void)close(ready[0]);
        return pid;
}

static double clients_run(const struct bus *bus, const struct load *l, struct sample *samples) {
        pid_t pids[SAMPLE_CLIENTS_MAX];
        double before;
        int go[2];

        if (pipe(go) < 0)
                die("pipe: %m");
        for (int i = 0; i < l->n_clients; i++) {
                pids[i] = child_fork();
                if (pids[i] == 0) {
                        (void)close(go[1]);
                        client_run(bus->address, go[0], l, &samples[i]);
                        _exit(0);
                }
        }
        before = process_cpu_us(bus->pid);
        (void)close(go[1]);
        for (int i = 0; i < l->n_clients; i++)
                child_join(pids[i], "a client");
        return process_cpu_us(bus->pid) - before;
}

int main(int argc, char **argv) {
        struct sample *samples;
        enum bus_kind kind;
        pid_t server_pid;
        struct load l;
        struct bus bus;
        double cpu_us;

        load_parse(&l, &argc, argv);
        kind = argc == 2 ? bus_kind_find(argv[1]) : _BUS_KIND_N;
        if (kind == _BUS_KIND_N)
                die("usage: %s dbus-daemon|dbus-broker [--size N] [--clients N] [--flight N] [--ms "
                    "N]",
                    program_invocation_short_name);
        samples = samples_map(l.n_clients);
        bus_open(&bus, kind);
        server_pid = server_start(&bus);

        cpu_us = clients_run(&bus, &l, samples);
        child_end(server_pid);
        bus_close(&bus);
        samples_print(samples, &l, cpu_us);
        return 0;
}
