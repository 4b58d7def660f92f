/*
 * start.c - what it costs to start a command by fork and exec: until it has ended, until its first
 * output, and how many a second with several under way.
 *
 *     bench-start [--count N] [--flight N] COMMAND [ARGUMENT...]
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/sample.h"

struct options {
        long count;
        long flight;
        int null_fd; /* where output goes that is not waited for */
        char **command;
};

static void options_parse(struct options *o, int argc, char **argv) {
        int i = 1;

        *o = (struct options){ .count = 200, .flight = 8 };
        o->null_fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
        for (; i + 1 < argc && strncmp(argv[i], "--", 2) == 0; i += 2) {
                long n = strtol(argv[i + 1], NULL, 10);

                if (n < 1 || n > SAMPLE_LATENCIES_MAX)
                        die("%s: from 1 to %d", argv[i], SAMPLE_LATENCIES_MAX);
                if (strcmp(argv[i], "--count") == 0)
                        o->count = n;
                else if (strcmp(argv[i], "--flight") == 0)
                        o->flight = n;
                else
                        die("unknown option '%s'", argv[i]);
        }
        o->command = argv + i;
        if (i == argc)
                die("which command?");
}

static pid_t command_start(char **command, int output_fd) {
        pid_t pid = child_fork();

        if (pid != 0)
                return pid;
        (void)dup2(output_fd, STDOUT_FILENO);
        (void)execvp(command[0], command);
        die("%s: %m", command[0]);
}

/* Microseconds from fork until the command has ended, the median of `count`. */
static double measure_end(const struct options *o, uint32_t *ns) {
        for (long i = 0; i < o->count; i++) {
                uint64_t before = now_ns();

                child_join(command_start(o->command, o->null_fd), o->command[0]);
                ns[i] = (uint32_t)(now_ns() - before);
        }
        return quantile(ns, (size_t)o->count, 0.5) / 1e3;
}

/* Microseconds from fork until the first byte of output; 0 for a command that prints nothing. */
static double measure_output(const struct options *o, uint32_t *ns) {
        for (long i = 0; i < o->count; i++) {
                uint64_t before = now_ns();
                ssize_t n;
                pid_t pid;
                char byte;
                int fds[2];

                if (pipe(fds) < 0)
                        die("pipe: %m");
                pid = command_start(o->command, fds[1]);
                (void)close(fds[1]);
                n = read(fds[0], &byte, 1);
                ns[i] = (uint32_t)(now_ns() - before);
                (void)close(fds[0]);
                child_join(pid, o->command[0]);
                if (n != 1)
                        return 0;
        }
        return quantile(ns, (size_t)o->count, 0.5) / 1e3;
}

static double measure_rate(const struct options *o) {
        uint64_t before = now_ns();
        long n_started = 0;

        for (; n_started < o->flight && n_started < o->count; n_started++)
                (void)command_start(o->command, o->null_fd);
        for (long n_ended = 0; n_ended < o->count; n_ended++) {
                child_join(-1, o->command[0]);
                if (n_started++ < o->count)
                        (void)command_start(o->command, o->null_fd);
        }
        return (double)o->count * 1e9 / (double)(now_ns() - before);
}

int main(int argc, char **argv) {
        static uint32_t ns[SAMPLE_LATENCIES_MAX];
        double end_us, output_us;
        struct options o;

        options_parse(&o, argc, argv);
        end_us = measure_end(&o, ns);
        output_us = measure_output(&o, ns);
        printf("{\"end_us\": %.1f, \"output_us\": %.1f, \"starts_s\": %.1f}\n", end_us, output_us,
               measure_rate(&o));
        return 0;
}
