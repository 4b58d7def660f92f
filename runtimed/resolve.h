/*
 * resolve.h - what a program's start asks for: "a+b#name", or a piece of code, as the list of chunks to
 * load in order. Pure: asks nobody, keeps nothing.
 *
 * The runtime "native" is nothing: naming it adds no chunk.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "libipc/limits.h"
#include "libipc/value.h"
#include "runtimed/image.h"

#define RESOLVE_MESSAGE_BYTES 256

/* Runtimes in order of set-up, then the program. */
struct resolve_part {
        enum image_kind kind;
        const uint8_t *name; /* not of code */
        size_t name_len;
};

/* Points into the arguments it was parsed from. */
struct resolve_spec {
        struct resolve_part parts[LIMIT_IMAGE_PARTS];
        size_t n_parts;
        const uint8_t *code;
        size_t code_len;
        char chunk[LIMIT_CHUNK_BYTES + 1]; /* of the code */
};

enum resolve_error {
        RESOLVE_OK = 0,
        RESOLVE_E_BADARGS = 1, /* `message` says which key is wrong and why */
};

/* Reads {program= or code=, [chunk=], [runtime=]}. `message` has room for RESOLVE_MESSAGE_BYTES. */
int resolve_parse(struct value_reader *args, struct resolve_spec *ret, char *message);
