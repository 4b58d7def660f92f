/*
 * record.h - what was done to files, for those who want to know what a crash of the machine would have
 * left of it (tests/crash/powerloss.py reads it).
 *
 * A record is a line, for a write followed by its bytes:
 *
 *      write INODE OFFSET LENGTH IS-SYNCED   sync INODE   length INODE BYTES
 *      create INODE PATH   mkdir INODE PATH   rename PATH TO   unlink PATH   rmdir PATH
 */
#pragma once

#include "tests/crash/fault.h"

/* `offset`: where a write began; `r`: what the call returned. */
void record_op(const struct op *op, off_t offset, ssize_t r);
