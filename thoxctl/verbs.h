/*
 * verbs.h - the verbs, each defined beside the function that does it. Their order in verbs.c is the
 * order of `thoxctl help`.
 */
#pragma once

#include "thoxctl/command.h"

extern const struct command VERB_RUN;
extern const struct command VERB_REPL;
extern const struct command VERB_PS;
extern const struct command VERB_STATUS;
extern const struct command VERB_TOP;
extern const struct command VERB_KILL;
extern const struct command VERB_START;
extern const struct command VERB_STOP;
extern const struct command VERB_RESTART;
extern const struct command VERB_INTERRUPT;
extern const struct command VERB_ENABLE;
extern const struct command VERB_DISABLE;
extern const struct command VERB_LOGS;
extern const struct command VERB_GET;
extern const struct command VERB_SET;
extern const struct command VERB_RM;
extern const struct command VERB_VERSIONS;
extern const struct command VERB_ROLLBACK;
extern const struct command VERB_DATA;
extern const struct command VERB_LOCKS;
extern const struct command VERB_EXPORT;
extern const struct command VERB_IMPORT;
extern const struct command VERB_BACKUP;
extern const struct command VERB_RESTORE;
extern const struct command VERB_COMPACT;
extern const struct command VERB_CHECK;
extern const struct command VERB_STATS;
extern const struct command VERB_CALL;
extern const struct command VERB_SERVICES;
extern const struct command VERB_DESCRIBE;
extern const struct command VERB_HANDLES;
extern const struct command VERB_CALLS;
extern const struct command VERB_PUSH;
extern const struct command VERB_LISTEN;
extern const struct command VERB_TRACE;
extern const struct command VERB_SHUTDOWN;
extern const struct command VERB_HELP;
extern const struct command VERB_VERSION;
