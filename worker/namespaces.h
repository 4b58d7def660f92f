/*
 * namespaces.h - an own, empty view of the system: no network, no other's IPC, no file system but an empty
 * one that cannot be written to.
 */
#pragma once

/* For the calling process and its children, for good; it has one thread. As an ordinary user within a user
 * namespace that maps nobody. Forgets the death signal. 0 or an errno; what came before the failure stays. */
int namespaces_enter(void);
