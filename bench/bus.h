/*
 * bus.h - a private D-Bus bus of either implementation, for as long as a measurement lasts.
 */
#pragma once

#include <sys/types.h>

#include "bench/sample.h"

enum bus_kind {
        BUS_DAEMON, /* dbus-daemon */
        BUS_BROKER, /* dbus-broker, driven through its controller socket: no systemd needed */
        _BUS_KIND_N,
};

struct bus {
        pid_t pid;
        struct sd_bus *controller; /* of the broker, which ends when it closes */
        char dir[64];
        char address[128];
};

/* The kind's program, "dbus-daemon" or "dbus-broker"; _BUS_KIND_N for any other name. */
enum bus_kind bus_kind_find(const char *name);

/* Starts a bus that everybody may use and waits until it can be connected to. */
void bus_open(struct bus *bus, enum bus_kind kind);
void bus_close(struct bus *bus);
