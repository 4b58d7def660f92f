/*
 * journald.c - see journald.h. Every field is written with its length, which any bytes may have.
 */
#include "initd/journald.h"

#include <endian.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "libipc/base/fd.h"
#include "libipc/limits.h"

#define ENTRY_BYTES (LIMIT_LOG_LINE_BYTES + 2 * LIMIT_NAME_BYTES + 256u)

struct entry {
        size_t len;
        char bytes[ENTRY_BYTES];
};

void journald_init(struct journald *j, const char *socket_path) {
        *j = (struct journald){ .fd = -1, .address.sun_family = AF_UNIX };
        if (strlen(socket_path) >= sizeof(j->address.sun_path) || access(socket_path, W_OK) < 0)
                return;
        strcpy(j->address.sun_path, socket_path);
        j->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
}

void journald_deinit(struct journald *j) {
        j->fd = fd_close(j->fd);
}

/* KEY \n length, 64 bits, little endian, bytes \n. The caller's sizes leave room for all. */
static void put_field(struct entry *e, const char *key, const void *bytes, size_t len) {
        uint64_t length = htole64(len);
        e->len += (size_t)snprintf(e->bytes + e->len, sizeof(e->bytes) - e->len, "%s\n", key);
        memcpy(e->bytes + e->len, &length, sizeof(length));
        e->len += sizeof(length);
        memcpy(e->bytes + e->len, bytes, len);
        e->len += len;
        e->bytes[e->len++] = '\n';
}

static void put_number(struct entry *e, const char *key, uint32_t number) {
        char text[16];
        int n = snprintf(text, sizeof(text), "%" PRIu32, number);
        put_field(e, key, text, (size_t)n);
}

static bool journald_put(struct journald *j,
                         enum log_level level,
                         uint32_t pid,
                         const char *name,
                         const void *text,
                         size_t len) {
        struct entry e = { .len = 0 };
        put_field(&e, "MESSAGE", text, len);
        put_number(&e, "PRIORITY", (uint32_t)level);
        put_field(&e, "SYSLOG_IDENTIFIER", name, strlen(name));
        put_number(&e, "THOX_PID", pid);
        put_field(&e, "THOX_NAME", name, strlen(name));
        /* By the address each time: a journal that was restarted listens on another socket. */
        return sendto(j->fd, e.bytes, e.len, MSG_NOSIGNAL, (struct sockaddr *)&j->address,
                      sizeof(j->address)) >= 0;
}

static void journald_tell_lost(struct journald *j) {
        char text[64];
        int n = snprintf(text, sizeof(text), "%" PRIu64 " log lines were lost", j->n_lost);
        if (journald_put(j, LOG_LEVEL_WARNING, 1, "initd", text, (size_t)n))
                j->n_lost = 0;
}

void journald_send(struct journald *j,
                   enum log_level level,
                   uint32_t pid,
                   const char *name,
                   const void *text,
                   size_t len) {
        if (j->n_lost > 0)
                journald_tell_lost(j);
        if (!journald_put(j, level, pid, name, text,
                          len < LIMIT_LOG_LINE_BYTES ? len : LIMIT_LOG_LINE_BYTES))
                j->n_lost++;
}
