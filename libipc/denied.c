/*
 * denied.c - see denied.h. Every endpoint is listed here or in tests/lint/docs.py, which is for those
 * that all may call.
 */
#include "libipc/denied.h"

#include "libipc/base/macros.h"

const char *const denied_names[] = {
        "program.set",      "program.rollback", "program.export",   "program.import", "library.set",
        "library.rollback", "runtime.set",      "runtime.rollback", "props.*",        "store.*",
        "process.list",     "process.program",  "process.reports",  "process.eval",   "tree.*",
        "log.read",         "code.*",           "image.*",          "init.*",         "data.open",
        "data.list",        "data.delete",      "data.limit",       "interrupt.*",
};
const size_t denied_n_names = ARRAY_SIZE(denied_names);
