/*
 * program.h - Lua programs run by a raw client through process.run.
 */
#pragma once

#include "tests/helper/peer.h"

/* What a test asks for beside the source; all may be 0. */
struct program_options {
        const char *name; /* default "test" */
        const char *restart;
        uint64_t memory_bytes;
};

/* Its pid; asserts that it started. */
uint32_t program_run(struct raw_peer *client,
                     const char *source,
                     const struct program_options *options);
/* A program of the store, expected to be refused or not. */
struct wire_frame *program_run_stored(struct raw_peer *client,
                                      const char *name,
                                      enum thox_status status);

/* How it ended; copied out of the frame. */
struct program_end {
        uint32_t pid, status, signal;
        enum exit_reason reason;
        char message[256];
};
/* The next end of any child of the client's. */
struct program_end program_expect_end(struct raw_peer *client);
/* process.kill, waiting for its end, then for the answer. */
struct program_end program_kill(struct raw_peer *client, uint32_t pid, const char *signal);
