/*
 * line.h - lines that a person types, with editing and history. line.c is the only file that includes
 * libedit; without it, or without a terminal, there is none of this and lines come from the console.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct line_editor;

/* Waits until standard input is readable, and does what else is due meanwhile. 0, or < 0: the line is
 * given up. */
typedef int line_wait_fn(void *userdata);

/* NULL when lines cannot be edited here. */
struct line_editor *line_editor_new(line_wait_fn *wait, void *userdata);
struct line_editor *line_editor_free(struct line_editor *e);
/* The next line without its newline, valid until the next call; NULL at the end of input, or when `wait`
 * gave up. */
const char *line_editor_read(struct line_editor *e, const char *prompt, size_t *ret_len);
/* For `wait`, around output of somebody else's. */
void line_editor_hide(struct line_editor *e);
void line_editor_show(struct line_editor *e);
