/*
 * filter.h - the system calls of a worker: those it needs go on, those that libc tries before something
 * else are refused, and any other ends the process (SIGSYS).
 */
#pragma once

struct sock_fprog;

/* Compiles the filter; libseccomp is used in the zygote only. 0 or an errno. */
int filter_compile(struct sock_fprog *ret);
void filter_free(struct sock_fprog *filter);

/* For good; needs no_new_privs. 0 or an errno. */
int filter_apply(const struct sock_fprog *filter);
