/*
 * sample.h - what every C program of bench/ shares: options, clock, latency samples, children and the
 * one line of JSON at the end.
 *
 * A run is n clients that start together and call for a fixed time. Their results lie in memory shared
 * between the processes; nothing is sent while the clock runs.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "libipc/base/macros.h"

#define SAMPLE_CLIENTS_MAX 64
#define SAMPLE_LATENCIES_MAX 200000

/* What to run; every program takes --size --clients --flight --ms, and the relay --read. */
struct load {
        size_t size; /* payload bytes each way */
        int n_clients;
        int flight;        /* calls in flight per client */
        int ms;            /* how long to call, after a tenth of it as warm-up */
        size_t read_bytes; /* the most one read of the relay and its ends takes */
};

/* One client's result. The client writes, the parent reads after it has exited. */
struct sample {
        uint64_t start_ns;
        uint64_t end_ns;
        uint64_t n_calls; /* finished between start and end */
        uint64_t n_warm;  /* finished before start */
        size_t n_latencies;
        uint32_t latency_ns[SAMPLE_LATENCIES_MAX];
};

uint64_t now_ns(void);
_Noreturn void die(const char *fmt, ...) PRINTF_LIKE(1, 2);

/* Takes the load's options out of argv and leaves the others; dies on a bad number. */
void load_parse(struct load *l, int *argc, char **argv);

/* n samples in memory that children share. */
struct sample *samples_map(int n);
void sample_add_latency(struct sample *s, uint64_t ns);
/* Does `once`, which is n calls, again and again for the load's time. */
void sample_repeat(struct sample *s,
                   const struct load *l,
                   unsigned int n,
                   void (*once)(void *userdata),
                   void *userdata);
/* The q-th quantile of n values, which it sorts. */
double quantile(uint32_t *values, size_t n, double q);

/* Forks; the child is killed when this process dies. */
pid_t child_fork(void);
/* Waits for a child (-1: any); dies unless it exited with 0. */
void child_join(pid_t pid, const char *what);
/* Kills and reaps a child. */
void child_end(pid_t pid);
/* CPU microseconds a foreign process has used so far; 0 for pid 0. */
double process_cpu_us(pid_t pid);

/* Prints the run as one JSON object. `router_us`: CPU of the process in the middle; that of all is
 * what the children that have been waited for used. */
void samples_print(struct sample *samples, const struct load *l, double router_us);
