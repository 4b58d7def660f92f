/*
 * confinement.h - the layers that keep a worker from everything but its socket, and what became of
 * each: the words that the worker, initd and thoxctl share. On the wire it is one byte for each layer.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The order is that of the wire: add at the end. */
enum confinement_layer {
        CONFINEMENT_DESCRIPTORS,  /* none but the socket and stderr */
        CONFINEMENT_DEATH_SIGNAL, /* killed when initd ends */
        CONFINEMENT_NO_NEW_PRIVS,
        CONFINEMENT_CAPABILITIES,
        CONFINEMENT_LIMITS,     /* rlimits */
        CONFINEMENT_UNDUMPABLE, /* neither traced nor its memory read by the same user */
        CONFINEMENT_NO_WX,      /* no memory becomes executable */
        CONFINEMENT_LANDLOCK,
        CONFINEMENT_SECCOMP,
        CONFINEMENT_NAMESPACES, /* no network, and an empty file system */
        CONFINEMENT_USER,       /* not root; a user of its own where the tree runs as root */
        _CONFINEMENT_LAYER_N,
};

/* States beside errno, which says why a layer is off. */
#define CONFINEMENT_UNKNOWN 0u     /* nobody has said */
#define CONFINEMENT_SANITIZED 254u /* a sanitizer's run time needs what the layer forbids */
#define CONFINEMENT_ON 255u

#define CONFINEMENT_TEXT_BYTES 256u

/* Zeroed: every layer is unknown. */
struct confinement {
        uint8_t states[_CONFINEMENT_LAYER_N];
};

/* From a peer: a newer one may say more, an older one less. */
void confinement_read(struct confinement *c, const void *bytes, size_t len);

static inline bool confinement_is_on(const struct confinement *c, enum confinement_layer layer) {
        return c->states[layer] == CONFINEMENT_ON;
}
bool confinement_is_full(const struct confinement *c);
/* "full", "unknown", or "without" and the layers that are off. */
void confinement_summarize(const struct confinement *c, char text[CONFINEMENT_TEXT_BYTES]);

const char *confinement_name(enum confinement_layer layer);
/* Why the layer is off, and what would turn it on: a sentence. "" when it is on. */
const char *confinement_why(const struct confinement *c, enum confinement_layer layer);
