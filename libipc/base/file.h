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

/* mkdir -p; existing directories are fine. */
int file_make_dirs(const char *path, mode_t mode);
