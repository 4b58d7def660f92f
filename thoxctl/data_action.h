/*
 * data_action.h - what `thoxctl data` does, a function each. inv->args[0] is the action's word, args[1] the
 * object. They connect, and return an exit code after a failure was reported.
 */
#pragma once

#include "thoxctl/command.h"

/* cmd_data_key.c */
int data_action_get(struct invocation *inv);
int data_action_set(struct invocation *inv);
int data_action_del(struct invocation *inv);
int data_action_keys(struct invocation *inv);
int data_action_watch(struct invocation *inv);
/* cmd_data_stream.c */
int data_action_read(struct invocation *inv);
int data_action_write(struct invocation *inv);
