/*
 * conn_send.h - private to conn.c: what conn_deinit needs of the output.
 */
#pragma once

#include "libipc/conn.h"

/* Forgets everything queued and closes its descriptors. */
void conn_drop_output(struct conn *c);
