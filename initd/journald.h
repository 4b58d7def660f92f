/*
 * journald.h - log lines of programs as entries of systemd's journal, each with the fields THOX_PID and
 * THOX_NAME beside those that all have: `journalctl THOX_NAME=bot`. Its native protocol is spoken
 * here (https://systemd.io/JOURNAL_NATIVE_PROTOCOL/), because sd_journal_send waits when the journal
 * does not read.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/un.h>

#include "libipc/base/log.h"

#define JOURNALD_SOCKET "/run/systemd/journal/socket"

struct journald {
        int fd; /* -1: there is none */
        struct sockaddr_un address;
        uint64_t n_lost;
};

/* Without the socket, or without a descriptor for it, lines go to stderr as ever. */
void journald_init(struct journald *j, const char *socket);
void journald_deinit(struct journald *j);

/* Never waits; what is not taken is counted, and said with the next line that is. */
void journald_send(struct journald *j,
                   enum log_level level,
                   uint32_t pid,
                   const char *name,
                   const void *text,
                   size_t len);
