/*
 * endpoint.h - the two ends of the bare relay: an echo server and a client on stream sockets.
 *
 * A message is `size` bytes without any header, so neither end parses; the server answers a message
 * once it has all of it, as any request and reply must.
 */
#pragma once

#include "bench/sample.h"

/* Answers on n sockets until killed. */
_Noreturn void endpoint_serve(const int *fds, int n, const struct load *l);

/* Calls for the load's time and fills the sample. `go_fd` reaches end of file when all may start. */
void endpoint_call(int fd, int go_fd, const struct load *l, struct sample *s);
