/*
 * usage.c - see usage.h. procfs never blocks on a disk, so initd may read it in the loop.
 */
#include "initd/usage.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "libipc/base/fd.h"

static bool proc_read(pid_t pid, const char *file, char *text, size_t size) {
        char path[64];
        snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, file);

        int fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
                return false;
        ssize_t n = read(fd, text, size - 1);
        fd_close(fd);
        if (n <= 0)
                return false;
        text[n] = '\0';
        return true;
}

static void usage_read_stat(pid_t pid, struct usage *u) {
        char text[1024];
        if (!proc_read(pid, "stat", text, sizeof(text)))
                return;

        /* The command's name may contain anything, spaces and parentheses too. */
        const char *after = strrchr(text, ')');
        char state;
        unsigned long user, system;
        if (!after || sscanf(after + 1, " %c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu",
                             &state, &user, &system) != 3)
                return;
        u->is_running = state == 'R';
        u->cpu_s = (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
}

static bool usage_read_proportional(pid_t pid, struct usage *u) {
        char text[2048];
        if (!proc_read(pid, "smaps_rollup", text, sizeof(text)))
                return false;

        const char *line = strstr(text, "\nPss:");
        unsigned long kib;
        if (!line || sscanf(line, "\nPss: %lu kB", &kib) != 1)
                return false;
        u->memory_bytes = (uint64_t)kib * 1024;
        return true;
}

static void usage_read_resident(pid_t pid, struct usage *u) {
        char text[128];
        unsigned long pages;
        if (proc_read(pid, "statm", text, sizeof(text)) && sscanf(text, "%*u %lu", &pages) == 1)
                u->memory_bytes = (uint64_t)pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

void usage_read(pid_t pid, struct usage *ret) {
        *ret = (struct usage){ 0 };
        usage_read_stat(pid, ret);
        if (!usage_read_proportional(pid, ret))
                usage_read_resident(pid, ret);
}
