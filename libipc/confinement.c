/*
 * confinement.c - see confinement.h.
 */
#include "libipc/confinement.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "libipc/base/macros.h"

static const char *const names[] = {
        [CONFINEMENT_DESCRIPTORS] = "descriptors",
        [CONFINEMENT_DEATH_SIGNAL] = "death-signal",
        [CONFINEMENT_NO_NEW_PRIVS] = "no-new-privs",
        [CONFINEMENT_CAPABILITIES] = "capabilities",
        [CONFINEMENT_LIMITS] = "limits",
        [CONFINEMENT_UNDUMPABLE] = "undumpable",
        [CONFINEMENT_NO_WX] = "no-wx",
        [CONFINEMENT_LANDLOCK] = "landlock",
        [CONFINEMENT_SECCOMP] = "seccomp",
        [CONFINEMENT_NAMESPACES] = "namespaces",
        [CONFINEMENT_USER] = "user",
};
static_assert(ARRAY_SIZE(names) == _CONFINEMENT_LAYER_N, "one name per layer");

/* What is known of a layer that failed with an error; the general text of the error else. */
static const struct {
        enum confinement_layer layer;
        int error;
        const char *why;
} reasons[] = {
        { CONFINEMENT_NO_WX, EINVAL, "the kernel cannot do it; Linux 6.3 can" },
        { CONFINEMENT_LANDLOCK, ENOSYS,
          "the kernel was built without Landlock; Linux 5.13 and CONFIG_SECURITY_LANDLOCK have "
          "it" },
        { CONFINEMENT_LANDLOCK, EOPNOTSUPP,
          "Landlock is not enabled; add it to lsm= on the kernel's command line" },
        { CONFINEMENT_NAMESPACES, EPERM,
          "it is not allowed here; in a container, or by sysctl user.max_user_namespaces or "
          "kernel.unprivileged_userns_clone" },
        { CONFINEMENT_NAMESPACES, ENOSPC, "sysctl user.max_user_namespaces allows no more" },
        { CONFINEMENT_NAMESPACES, EINVAL,
          "the kernel lacks some of them, or the root is one that cannot be replaced" },
        { CONFINEMENT_USER, EPERM, "root may not become others here; it lacks CAP_SETUID" },
        { CONFINEMENT_USER, EINVAL, "the user namespace has no ids for workers" },
        { CONFINEMENT_SECCOMP, EINVAL, "the kernel was built without CONFIG_SECCOMP_FILTER" },
};

void confinement_read(struct confinement *c, const void *bytes, size_t len) {
        *c = (struct confinement){ 0 };
        if (len > 0)
                memcpy(c->states, bytes, len < sizeof(c->states) ? len : sizeof(c->states));
}

bool confinement_is_full(const struct confinement *c) {
        for (size_t i = 0; i < _CONFINEMENT_LAYER_N; i++) {
                if (!confinement_is_on(c, (enum confinement_layer)i))
                        return false;
        }
        return true;
}

static bool confinement_is_unknown(const struct confinement *c) {
        static const struct confinement unknown;
        return memcmp(c, &unknown, sizeof(*c)) == 0;
}

void confinement_summarize(const struct confinement *c, char text[CONFINEMENT_TEXT_BYTES]) {
        size_t len = 0;
        if (confinement_is_full(c) || confinement_is_unknown(c)) {
                strcpy(text, confinement_is_full(c) ? "full" : "unknown");
                return;
        }
        for (size_t i = 0; i < _CONFINEMENT_LAYER_N && len < CONFINEMENT_TEXT_BYTES; i++) {
                if (!confinement_is_on(c, (enum confinement_layer)i))
                        len += (size_t)snprintf(text + len, CONFINEMENT_TEXT_BYTES - len, "%s%s",
                                                len == 0 ? "without " : ", ", names[i]);
        }
}

const char *confinement_name(enum confinement_layer layer) {
        return names[layer];
}

const char *confinement_why(const struct confinement *c, enum confinement_layer layer) {
        int error = c->states[layer];
        if (error == CONFINEMENT_ON)
                return "";
        if (error == CONFINEMENT_UNKNOWN)
                return "the worker has not said";
        if (error == CONFINEMENT_SANITIZED)
                return "thox was built with a sanitizer, which needs what this forbids";
        for (size_t i = 0; i < ARRAY_SIZE(reasons); i++) {
                if (reasons[i].layer == layer && reasons[i].error == error)
                        return reasons[i].why;
        }
        return strerrordesc_np(error) ? strerrordesc_np(error) : "an unknown error";
}
