/*
 * endpoints.h - what storaged serves: docs/PROTOCOL.md, "Served by storaged".
 */
#pragma once

#include "libipc/service.h"

/* For service_init; service->userdata is the struct storaged. */
extern const struct endpoint endpoints[];
extern const size_t n_endpoints;
