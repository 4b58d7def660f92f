/*
 * landlock.h - no file, no TCP, no signal and no abstract socket outside of the process: as much of it
 * as the kernel's Landlock knows.
 */
#pragma once

/* For the calling thread and what it starts, for good; needs no_new_privs. 0 or an errno: ENOSYS,
 * EOPNOTSUPP when it is not enabled. */
int landlock_apply(void);
