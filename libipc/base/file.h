/*
 * file.h - whole files.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Reads up to `max` bytes; *ret_data is malloc'd and NUL-terminated beyond *ret_len. 0, -EFBIG past
 * the maximum, -EISDIR, or -errno. `-1` as dirfd means the working directory. */
int file_read(int dirfd, const char *path, size_t max, uint8_t **ret_data, size_t *ret_len);

/* Atomic replacement: temporary file, fsync, rename, fsync of the directory. */
int file_replace(int dirfd, const char *path, const void *data, size_t len, mode_t mode);

/* mkdir -p; existing directories are fine. */
int file_make_dirs(const char *path, mode_t mode);
