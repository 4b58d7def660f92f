/*
 * main.c - tries from inside a confined process what no worker may do: a TAP line for each attempt, as
 * the user who runs it and, when that is root, as another one. Beside the whole confinement it is tried
 * without the filter: then fewer things are refused, but these by a second layer.
 *
 * row 2: a process of its own, of which no other can be harmed, even by one that has escaped from Lua.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "libipc/base/fd.h"
#include "libipc/base/macros.h"
#include "libipc/limits.h"
#include "tests/confinement/forbidden.h"
#include "worker/confine.h"
#include "worker/heap.h"

#define SOCKET_FD 3
#define NOBODY 65534u
#define EXIT_REFUSED 10
#define EXIT_DONE 11
#define EXIT_NOT_PREPARED 12

struct trial {
        const char *user;
        bool is_other_user, has_filter;
};

static const struct trial trials[] = {
        { "as we are", false, true },
        { "as we are, no filter", false, false },
        { "as nobody", true, true },
        { "as nobody, no filter", true, false },
};

static struct confine confine;
static unsigned n_tests, n_failed;

static void report(bool is_ok, const struct trial *t, const char *what, const char *detail) {
        n_tests++;
        n_failed += !is_ok;
        printf("%sok %u - %s: %s%s\n", is_ok ? "" : "not ", n_tests, t->user, what, detail);
}

static void skip(const struct trial *t, const char *what, const char *why) {
        n_tests++;
        printf("ok %u - %s: %s # SKIP %s\n", n_tests, t->user, what, why);
}

/* ---- the child ----------------------------------------------------------------------------- */

static bool prepare(const struct trial *t, struct confinement *ret) {
        struct confine c = confine;
        if (dup2(STDERR_FILENO, SOCKET_FD) < 0)
                return false;
        if (t->is_other_user &&
            (setresgid(NOBODY, NOBODY, NOBODY) < 0 || setresuid(NOBODY, NOBODY, NOBODY) < 0))
                return false;
        confine_enter(&c);
        if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
                return false;
        if (!t->has_filter)
                c.filter_error = EOPNOTSUPP;
        confine_apply(&c, SOCKET_FD, 7, 0, ret);
        return true;
}

static void __attribute__((noreturn))
run_attempt(const struct trial *t, const struct forbidden *f, int *ret_errno) {
        struct confinement layers;
        if (!prepare(t, &layers))
                _exit(EXIT_NOT_PREPARED);
        errno = 0;
        long result = f->attempt();
        *ret_errno = errno;
        _exit(result < 0 ? EXIT_REFUSED : EXIT_DONE);
}

/* ---- the parent ---------------------------------------------------------------------------- */

static int wait_for(pid_t pid) {
        int status = 0;
        while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
                ;
        return status;
}

/* What a child, which may end any way it likes, has to say. */
static int *shared_errno(void) {
        static int *shared;
        if (!shared)
                shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
                              MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        return shared;
}

/* EFAULT and EINVAL are what somebody is told who may, with wrong arguments. */
static bool is_refusal(int error) {
        return error != EFAULT && error != EINVAL;
}

static void try_forbidden(const struct trial *t, const struct forbidden *f) {
        char detail[128];
        *shared_errno() = 0;
        pid_t pid = fork();
        if (pid == 0)
                run_attempt(t, f, shared_errno());
        int status = wait_for(pid);
        if (WIFSIGNALED(status)) {
                snprintf(detail, sizeof(detail), ": SIG%s", sigabbrev_np(WTERMSIG(status)));
                report(t->has_filter && WTERMSIG(status) == SIGSYS, t, f->what, detail);
                return;
        }
        bool was_refused = WEXITSTATUS(status) == EXIT_REFUSED && is_refusal(*shared_errno());
        snprintf(detail, sizeof(detail), ": %s (status %d)", strerrorname_np(*shared_errno()),
                 WEXITSTATUS(status));
        report(was_refused, t, f->what, detail);
}

/* *ret: what the confined process has. */
static void try_layers(const struct trial *t, struct confinement *ret) {
        struct confinement *layers = mmap(NULL, sizeof(*layers), PROT_READ | PROT_WRITE,
                                          MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        pid_t pid = fork();
        if (pid == 0) {
                struct confinement mine;
                bool is_ok = prepare(t, &mine);
                *layers = mine;
                _exit(is_ok ? 0 : EXIT_NOT_PREPARED);
        }
        int status = wait_for(pid);
        report(WIFEXITED(status) && WEXITSTATUS(status) == 0, t, "a confined process ends", "");
        for (int i = 0; i < _CONFINEMENT_LAYER_N; i++) {
                enum confinement_layer layer = (enum confinement_layer)i;
                if (layer == CONFINEMENT_SECCOMP && !t->has_filter)
                        continue;
                if (confinement_is_on(layers, layer))
                        report(true, t, confinement_name(layer), "");
                else
                        skip(t, confinement_name(layer), confinement_why(layers, layer));
        }
        *ret = *layers;
        munmap(layers, sizeof(*layers));
}

static void run_trial(const struct trial *t) {
        if (t->is_other_user && geteuid() != 0) {
                skip(t, "everything", "only root can become somebody else");
                return;
        }
        if (HEAP_IS_CHECKED) {
                skip(t, "everything", "sanitized builds lack the layers that matter most");
                return;
        }
        struct confinement layers;
        try_layers(t, &layers);
        bool has_namespaces = confinement_is_on(&layers, CONFINEMENT_NAMESPACES);
        for (size_t i = 0; i < n_forbidden; i++) {
                const struct forbidden *f = &forbidden[i];
                if (t->has_filter || f->also == BY_OTHERS ||
                    (f->also == BY_NAMESPACES && has_namespaces))
                        try_forbidden(t, f);
        }
}

int main(void) {
        setvbuf(stdout, NULL, _IOLBF, 0);
        confine_init(&confine);
        for (size_t i = 0; i < ARRAY_SIZE(trials); i++)
                run_trial(&trials[i]);
        confine_deinit(&confine);
        printf("1..%u\n", n_tests);
        return n_failed != 0;
}
