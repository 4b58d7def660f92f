/*
 * verbs.c - the table of verbs.
 */
#include "thoxctl/verbs.h"

const struct command *const COMMANDS[] = {
        &VERB_RUN,      &VERB_REPL,     &VERB_PS,       &VERB_STATUS,   &VERB_TOP,
        &VERB_KILL,     &VERB_START,    &VERB_STOP,     &VERB_RESTART,  &VERB_ENABLE,
        &VERB_DISABLE,  &VERB_LOGS,     &VERB_GET,      &VERB_SET,      &VERB_RM,
        &VERB_VERSIONS, &VERB_ROLLBACK, &VERB_DATA,     &VERB_LOCKS,    &VERB_EXPORT,
        &VERB_IMPORT,   &VERB_CALL,     &VERB_SERVICES, &VERB_DESCRIBE, &VERB_HANDLES,
        &VERB_CALLS,    &VERB_PUSH,     &VERB_LISTEN,   &VERB_TRACE,    &VERB_INTERRUPT,
        &VERB_BACKUP,   &VERB_RESTORE,  &VERB_COMPACT,  &VERB_CHECK,    &VERB_STATS,
        &VERB_SHUTDOWN, &VERB_VERSION,  &VERB_HELP,     NULL,
};
