/*
 * bus.c - see bus.h. Both buses get a policy that allows everything, no services to start and no limit
 * that the measurement could meet.
 */
#include "bench/bus.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

static const char *const bus_kind_names[] = { "dbus-daemon", "dbus-broker" };
_Static_assert(ARRAY_SIZE(bus_kind_names) == _BUS_KIND_N, "one name per kind");

static const char daemon_config[] =
        "<!DOCTYPE busconfig PUBLIC \"-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN\"\n"
        " \"http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd\">\n"
        "<busconfig>\n"
        "<type>session</type><auth>EXTERNAL</auth><listen>unix:path=%s/bus</listen>\n"
        "<policy context=\"default\">\n"
        "<allow send_destination=\"*\" eavesdrop=\"true\"/><allow eavesdrop=\"true\"/>"
        "<allow own=\"*\"/>\n"
        "</policy>\n"
        "<limit name=\"max_incoming_bytes\">1000000000</limit>\n"
        "<limit name=\"max_outgoing_bytes\">1000000000</limit>\n"
        "<limit name=\"max_message_size\">1000000000</limit>\n"
        "<limit name=\"max_replies_per_connection\">50000</limit>\n"
        "</busconfig>\n";

enum bus_kind bus_kind_find(const char *name) {
        enum bus_kind kind = 0;

        while (kind < _BUS_KIND_N && strcmp(name, bus_kind_names[kind]) != 0)
                kind++;
        return kind;
}

static void daemon_write_config(const struct bus *bus, char *path, size_t path_size) {
        FILE *f;

        (void)snprintf(path, path_size, "%s/conf", bus->dir);
        f = fopen(path, "we");
        if (!f || fprintf(f, daemon_config, bus->dir) < 0 || fclose(f) != 0)
                die("%s: %m", path);
}

/* Whichever program it is, the descriptor it was given is its number 3. What it says on stderr is about
 * limits it may not raise without root. */
static _Noreturn void bus_exec(int fd, const char *const *argv) {
        int null_fd = open("/dev/null", O_WRONLY | O_CLOEXEC);

        if (dup2(fd, 3) < 0 || dup2(null_fd, STDERR_FILENO) < 0)
                die("dup2: %m");
        (void)execvp(argv[0], (char *const *)(uintptr_t)argv);
        die("%s: %m", argv[0]);
}

static void daemon_open(struct bus *bus) {
        char path[128], address[256];
        int fds[2];

        daemon_write_config(bus, path, sizeof(path));
        if (pipe(fds) < 0)
                die("pipe: %m");
        bus->pid = child_fork();
        if (bus->pid == 0)
                bus_exec(fds[1], (const char *[]){ "dbus-daemon", "--config-file", path, "--nofork",
                                                   "--nopidfile", "--nosyslog", "--print-address=3",
                                                   NULL });
        (void)close(fds[1]);
        if (read(fds[0], address, sizeof(address)) <= 0)
                die("dbus-daemon did not start");
        (void)close(fds[0]);
}

static int listener_open(const struct bus *bus) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

        (void)snprintf(address.sun_path, sizeof(address.sun_path), "%s/bus", bus->dir);
        if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
            listen(fd, SOMAXCONN) < 0)
                die("%s: %m", address.sun_path);
        return fd;
}

#define RULE_T "btssssuutt"
#define BATCH_T "bta(btbs)a(" RULE_T ")a(" RULE_T ")"
#define POLICY_T "(a(u(" BATCH_T "))a(buu(" BATCH_T "))a(ss)bs)"
#define ALLOW_ANY true, UINT64_C(1), "", "", "", "", 0u, 0u, UINT64_C(0), UINT64_MAX

/* One batch of rules for every user (uid -1): connect, own, send and receive anything. */
static int policy_append(sd_bus_message *m) {
        return sd_bus_message_append(m, "v", POLICY_T,               /* policy: */
                                     1, UINT32_MAX,                  /* one batch by uid */
                                     true, UINT64_C(1),              /* connect */
                                     1, true, UINT64_C(1), true, "", /* own, any prefix */
                                     1, ALLOW_ANY,                   /* send */
                                     1, ALLOW_ANY,                   /* receive */
                                     0, 0, false, "session");
}

static void broker_add_listener(sd_bus *controller, int listen_fd) {
        sd_bus_error error = SD_BUS_ERROR_NULL;
        sd_bus_message *m = NULL;
        int r;

        r = sd_bus_message_new_method_call(controller, &m, NULL, "/org/bus1/DBus/Broker",
                                           "org.bus1.DBus.Broker", "AddListener");
        if (r >= 0)
                r = sd_bus_message_append(m, "oh", "/org/bus1/DBus/Listener/0", listen_fd);
        if (r >= 0)
                r = policy_append(m);
        if (r >= 0)
                r = sd_bus_call(controller, m, 0, &error, NULL);
        if (r < 0)
                die("dbus-broker refused its listener: %s",
                    error.message ? error.message : strerror(-r));
        sd_bus_message_unref(m);
}

static void broker_open(struct bus *bus) {
        static const char *const argv[] = { "dbus-broker",
                                            "--controller",
                                            "3",
                                            "--machine-id",
                                            "00000000000000000000000000000001",
                                            "--max-bytes",
                                            "4000000000",
                                            "--max-objects",
                                            "1000000",
                                            NULL };
        int listen_fd = listener_open(bus);
        int fds[2];

        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) < 0)
                die("socketpair: %m");
        bus->pid = child_fork();
        if (bus->pid == 0)
                bus_exec(fds[1], argv);
        (void)close(fds[1]);
        if (sd_bus_new(&bus->controller) < 0 ||
            sd_bus_set_fd(bus->controller, fds[0], fds[0]) < 0 || sd_bus_start(bus->controller) < 0)
                die("cannot speak to dbus-broker");
        broker_add_listener(bus->controller, listen_fd);
        (void)close(listen_fd);
}

void bus_open(struct bus *bus, enum bus_kind kind) {
        const char *tmp = getenv("TMPDIR");

        bus->controller = NULL;
        (void)snprintf(bus->dir, sizeof(bus->dir), "%s/bus-XXXXXX", tmp ? tmp : "/tmp");
        if (!mkdtemp(bus->dir))
                die("%s: %m", bus->dir);
        (void)snprintf(bus->address, sizeof(bus->address), "unix:path=%s/bus", bus->dir);
        if (kind == BUS_BROKER)
                broker_open(bus);
        else
                daemon_open(bus);
}

void bus_close(struct bus *bus) {
        static const char *const names[] = { "bus", "conf" };
        char path[128];

        sd_bus_unref(bus->controller);
        child_end(bus->pid);
        for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
                (void)snprintf(path, sizeof(path), "%s/%s", bus->dir, names[i]);
                (void)unlink(path);
        }
        (void)rmdir(bus->dir);
}
