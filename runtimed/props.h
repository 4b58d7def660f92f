/*
 * props.h - the properties of init's services: libconfig text in the store "props", each under the
 * name of its service, and the list of services under the name "init". Checked when stored, and read
 * for init, which has no parser of its own:
 *
 *     run:     { program = "bot"; args = [ "--room", "main" ]; after = [ "mqtt" ]; };
 *     limits:  { memory = "64M"; };
 *     context: { allow = [ "mqtt.*" ]; };
 */
#pragma once

#include "libipc/base/buf.h"
#include "libipc/base/conf.h"

/* CONF_OK, CONF_E_INVALID with `why` (of CONF_WHY_BYTES), or an errno below 0. Writes one map to `values`,
 * or nothing when that is NULL:
 *
 *   of init:     { services = {name, ...} }
 *   of others:   { options = for process.run, context = for os.context or nil: the native one,
 *                  after = {name, ...}, required = boolean }
 */
int props_read(const char *name, const void *text, size_t len, struct buf *values, char *why);
