/*
 * machine: a service in C. Lua programs of a tree see nothing of the machine they run on; this one
 * tells them, by names that they call like any other:
 *
 *      machine.load()          the load averages of 1, 5 and 15 minutes
 *      machine.memory()        { total = bytes, available = bytes }
 *      machine.quiet(load)     answered as soon as the machine's load is below that
 *
 *      make -C examples/c && examples/c/machine &
 *      thoxctl call machine.load
 *
 * It shows a loop of one's own (poll with a timer beside the tree), answers that come later, calls
 * that are withdrawn meanwhile, and what to do when the tree goes away.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <thox.h>
#include <unistd.h>

#define MAX_WAITING 64

/* Calls of machine.quiet that are not answered yet. */
static struct {
        uint64_t cid;
        double below;
} waiting[MAX_WAITING];
static size_t n_waiting;

static void forget(size_t i) {
        waiting[i] = waiting[--n_waiting];
}

static double load_now(void) {
        double load = 0;
        getloadavg(&load, 1);
        return load;
}

static int answer_load(struct thox_client *client, const struct thox_event *call) {
        double loads[3];
        if (getloadavg(loads, 3) != 3)
                return thox_refuse(client, call->cid, THOX_ERROR, "this machine does not tell");

        struct thox_writer *w = thox_writer_new();
        for (int i = 0; i < 3; i++)
                thox_write_float(w, loads[i]);
        return thox_answer(client, call->cid, THOX_OK, w);
}

static int answer_memory(struct thox_client *client, const struct thox_event *call) {
        int64_t page = sysconf(_SC_PAGESIZE);
        struct thox_writer *w = thox_writer_new();

        thox_write_map(w);
        thox_write_string(w, "total");
        thox_write_integer(w, sysconf(_SC_PHYS_PAGES) * page);
        thox_write_string(w, "available");
        thox_write_integer(w, sysconf(_SC_AVPHYS_PAGES) * page);
        thox_write_end(w);
        return thox_answer(client, call->cid, THOX_OK, w);
}

static int wait_quiet(struct thox_client *client, struct thox_event *call) {
        struct thox_value below;

        if (!thox_read(&call->values, THOX_NUMBER, &below))
                return thox_refuse(client, call->cid, THOX_BADARGS,
                                   "machine.quiet: the argument must be a number");
        if (n_waiting == MAX_WAITING)
                return thox_refuse(client, call->cid, THOX_BUSY,
                                   "machine.quiet: 64 calls are waiting already");
        waiting[n_waiting].cid = call->cid;
        waiting[n_waiting].below = below.number;
        n_waiting++;
        return 0;
}

/* Answers those for whom it has become quiet enough. */
static int look_at_load(struct thox_client *client) {
        double load = load_now();

        for (size_t i = n_waiting; i-- > 0;) {
                if (load >= waiting[i].below)
                        continue;
                struct thox_writer *w = thox_writer_new();
                thox_write_float(w, load);
                int r = thox_answer(client, waiting[i].cid, THOX_OK, w);
                if (r < 0)
                        return r;
                forget(i);
        }
        return 0;
}

static int on_call(struct thox_client *client, struct thox_event *call) {
        printf("%s, for process %u\n", call->name, call->pid);
        if (strcmp(call->name, "machine.load") == 0)
                return answer_load(client, call);
        if (strcmp(call->name, "machine.memory") == 0)
                return answer_memory(client, call);
        int r = wait_quiet(client, call);
        return r < 0 ? r : look_at_load(client);
}

static void on_cancel(uint64_t cid) {
        for (size_t i = 0; i < n_waiting; i++) {
                if (waiting[i].cid == cid) {
                        forget(i);
                        printf("a call was withdrawn\n");
                        return;
                }
        }
}

/* Everything that has come. 0, or what went wrong. */
static int on_readable(struct thox_client *client) {
        struct thox_event *event;
        int r;

        while ((r = thox_next(client, 0, &event)) == 0) {
                if (event->type == THOX_EVENT_CALL)
                        r = on_call(client, event);
                else if (event->type == THOX_EVENT_CANCEL)
                        on_cancel(event->cid);
                /* Above 0: nobody waits for that answer any more. */
                if (r < 0)
                        return r;
        }
        return r == -EAGAIN ? 0 : r;
}

static int serve(struct thox_client *client, int timer) {
        struct pollfd fds[] = {
                { .fd = thox_fd(client), .events = POLLIN },
                { .fd = timer, .events = POLLIN },
        };

        for (;;) {
                uint64_t n_ticks;
                int r = 0;

                if (poll(fds, 2, -1) < 0)
                        return -errno;
                if (fds[0].revents != 0)
                        r = on_readable(client);
                if (r == 0 && fds[1].revents != 0 && read(timer, &n_ticks, sizeof(n_ticks)) > 0)
                        r = look_at_load(client);
                if (r < 0)
                        return r;
        }
}

static int bind_all(struct thox_client *client) {
        static const char *const NAMES[] = { "machine.load", "machine.memory", "machine.quiet" };

        for (size_t i = 0; i < sizeof(NAMES) / sizeof(NAMES[0]); i++) {
                int r = thox_bind(client, THOX_DEFAULT, NAMES[i]);
                if (r != 0) {
                        fprintf(stderr, "machine: cannot serve %s: %s\n", NAMES[i], thox_error(r));
                        return r;
                }
        }
        return 0;
}

int main(void) {
        struct itimerspec second = { .it_interval.tv_sec = 1, .it_value.tv_sec = 1 };
        struct thox_client *client;
        int r = thox_connect(&client, NULL, "machine", 5 * THOX_SECOND);
        if (r < 0) {
                fprintf(stderr, "machine: cannot reach the tree: %s\n", thox_error(r));
                return 1;
        }

        int timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
        setvbuf(stdout, NULL, _IOLBF, 0);
        if (timer >= 0 && timerfd_settime(timer, 0, &second, NULL) == 0 && bind_all(client) == 0) {
                printf("serving machine.load, machine.memory, machine.quiet as process %u\n",
                       thox_pid(client));
                r = serve(client, timer);
                fprintf(stderr, "machine: %s\n", thox_error(r));
        }
        thox_disconnect(client);
        return 1;
}
