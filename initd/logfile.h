/*
 * logfile.h - a log in files: DIR/thox.log, and when that is full, DIR/thox.log.1 and so on, the
 * oldest of which goes. What cannot be written is dropped, counted, and said as soon as there is room.
 */
#pragma once

#include <limits.h>
#include <stddef.h>
#include <stdint.h>

struct logfile {
        char path[PATH_MAX]; /* of the newest */
        int fd;              /* -1: not open */
        uint64_t size, size_max;
        unsigned n_files; /* at most that many, the newest included */
        uint64_t n_lost;  /* lines that could not be written */
        int error;        /* why; errno */
};

/* 0, or -ENAMETOOLONG. Opens nothing yet. */
int logfile_init(struct logfile *f, const char *dir, uint64_t size_max, unsigned n_files);
void logfile_deinit(struct logfile *f);

/* Adds whole lines, all of them or none. */
void logfile_add(struct logfile *f, const char *lines, size_t len);
