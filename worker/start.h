/*
 * start.h - from an empty VM to a running program: libraries, prelude, Start.
 */
#pragma once

#include <stddef.h>

struct worker;
struct wire_frame;

/* Standard libraries, the API, the prelude. 0 or -errno. */
int start_open(struct worker *w);
/* Start has come: takes its images and makes the main task. The frame is not needed afterwards. */
void start_program(struct worker *w, struct wire_frame *f);

/* The prelude as bytecode, malloc'd: done once by the zygote. 0 or -errno. */
int start_compile_prelude(void **ret, size_t *ret_len);
