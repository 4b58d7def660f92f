/*
 * sample.c - see sample.h. A benchmark has nobody to recover for: whatever fails ends the program.
 */
#include "bench/sample.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

uint64_t now_ns(void) {
        struct timespec t;

        (void)clock_gettime(CLOCK_MONOTONIC, &t);
        return (uint64_t)t.tv_sec * UINT64_C(1000000000) + (uint64_t)t.tv_nsec;
}

void die(const char *fmt, ...) {
        va_list args;

        va_start(args, fmt);
        (void)fprintf(stderr, "%s: ", program_invocation_short_name);
        (void)vfprintf(stderr, fmt, args);
        (void)fputc('\n', stderr);
        va_end(args);
        exit(1);
}

static long number(const char *option, const char *text, long max) {
        char *end;
        long n = strtol(text, &end, 10);

        if (*text == '\0' || *end != '\0' || n < 1 || n > max)
                die("%s: '%s' is not a number from 1 to %ld", option, text, max);
        return n;
}

void load_parse(struct load *l, int *argc, char **argv) {
        int n_left = 1;

        *l = (struct load){
                .size = 64, .n_clients = 1, .flight = 1, .ms = 300, .read_bytes = 64 << 10
        };
        for (int i = 1; i < *argc; i++) {
                const char *value = i + 1 < *argc ? argv[i + 1] : "";

                if (strcmp(argv[i], "--size") == 0)
                        l->size = (size_t)number(argv[i], value, 64 << 20);
                else if (strcmp(argv[i], "--clients") == 0)
                        l->n_clients = (int)number(argv[i], value, SAMPLE_CLIENTS_MAX);
                else if (strcmp(argv[i], "--flight") == 0)
                        l->flight = (int)number(argv[i], value, 4096);
                else if (strcmp(argv[i], "--ms") == 0)
                        l->ms = (int)number(argv[i], value, 600000);
                else if (strcmp(argv[i], "--read") == 0)
                        l->read_bytes = (size_t)number(argv[i], value, 16 << 20);
                else {
                        argv[n_left++] = argv[i];
                        continue;
                }
                i++;
        }
        *argc = n_left;
}

struct sample *samples_map(int n) {
        void *p = mmap(NULL, sizeof(struct sample) * (size_t)n, PROT_READ | PROT_WRITE,
                       MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

        if (p == MAP_FAILED)
                die("mmap: %m");
        return p;
}

void sample_add_latency(struct sample *s, uint64_t ns) {
        if (s->n_latencies < SAMPLE_LATENCIES_MAX)
                s->latency_ns[s->n_latencies++] = ns > UINT32_MAX ? UINT32_MAX : (uint32_t)ns;
}

static void repeat_until(struct sample *s,
                         uint64_t until,
                         unsigned int n,
                         void (*once)(void *userdata),
                         void *userdata) {
        for (uint64_t before = now_ns(), after; before < until; before = after) {
                once(userdata);
                after = now_ns();
                sample_add_latency(s, after - before);
                s->n_calls += n;
        }
}

void sample_repeat(struct sample *s,
                   const struct load *l,
                   unsigned int n,
                   void (*once)(void *userdata),
                   void *userdata) {
        repeat_until(s, now_ns() + (uint64_t)l->ms * 100000, n, once, userdata);
        s->n_warm = s->n_calls;
        s->n_calls = s->n_latencies = 0;
        s->start_ns = now_ns();
        repeat_until(s, s->start_ns + (uint64_t)l->ms * 1000000, n, once, userdata);
        s->end_ns = now_ns();
}

static int latency_compare(const void *a, const void *b) {
        uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

        return (x > y) - (x < y);
}

double quantile(uint32_t *values, size_t n, double q) {
        if (n == 0)
                return 0;
        qsort(values, n, sizeof(*values), latency_compare);
        return values[(size_t)(q * (double)(n - 1) + 0.5)];
}

pid_t child_fork(void) {
        pid_t parent = getpid();
        pid_t pid = fork();

        if (pid < 0)
                die("fork: %m");
        if (pid == 0) {
                (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
                if (getppid() != parent)
                        _exit(1);
        }
        return pid;
}

void child_join(pid_t pid, const char *what) {
        int status;

        if (waitpid(pid, &status, 0) < 0)
                die("waitpid: %m");
        if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
                die("%s failed (wait status 0x%x)", what, (unsigned)status);
}

void child_end(pid_t pid) {
        (void)kill(pid, SIGKILL);
        if (waitpid(pid, NULL, 0) != pid)
                die("waitpid: %m");
}

double process_cpu_us(pid_t pid) {
        char path[64];
        double ns;
        FILE *f;
        int n;

        if (pid == 0)
                return 0;
        (void)snprintf(path, sizeof(path), "/proc/%d/schedstat", (int)pid);
        f = fopen(path, "re");
        if (!f)
                die("%s: %m", path);
        n = fscanf(f, "%lf", &ns);
        (void)fclose(f);
        return n == 1 ? ns / 1e3 : 0;
}

static double usage_us(const struct rusage *u) {
        return (double)(u->ru_utime.tv_sec + u->ru_stime.tv_sec) * 1e6 +
               (double)(u->ru_utime.tv_usec + u->ru_stime.tv_usec);
}

void samples_print(struct sample *samples, const struct load *l, double router_us) {
        uint64_t start = UINT64_MAX, end = 0, n_calls = 0, n_all = 0;
        struct sample *first = &samples[0];
        struct rusage usage;

        for (int i = 0; i < l->n_clients; i++) {
                start = samples[i].start_ns < start ? samples[i].start_ns : start;
                end = samples[i].end_ns > end ? samples[i].end_ns : end;
                n_calls += samples[i].n_calls;
                n_all += samples[i].n_calls + samples[i].n_warm;
        }
        if (n_calls == 0 || end <= start)
                die("no call came back");
        if (getrusage(RUSAGE_CHILDREN, &usage) < 0)
                die("getrusage: %m");
        printf("{\"calls\": %llu, \"calls_s\": %.1f, \"router_us\": %.3f, \"all_us\": %.3f",
               (unsigned long long)n_calls, (double)n_calls * 1e9 / (double)(end - start),
               router_us / (double)n_all, usage_us(&usage) / (double)n_all);
        if (first->n_latencies > 0)
                printf(", \"p50_us\": %.2f, \"p99_us\": %.2f",
                       quantile(first->latency_ns, first->n_latencies, 0.5) / 1e3,
                       quantile(first->latency_ns, first->n_latencies, 0.99) / 1e3);
        printf("}\n");
}
