/*
 * tree.h - the tree this invocation talks to: connecting, asking, and what is said when it refuses.
 * Functions here return 0 or an exit code after the failure was reported.
 */
#pragma once

#include <jansson.h>
#include <stdint.h>

#include "libipc/base/buf.h"
#include "libipc/client.h"
#include "libipc/value.h"
#include "thoxctl/command.h"

#define TREE_TIMEOUT_US (UINT64_C(30) * 1000000)

/* --timeout, or TREE_TIMEOUT_US. */
uint64_t tree_timeout(const struct invocation *inv);

/* --dir, or THOX_DIR where no flag names a tree; NULL: the default of --user or --system. */
const char *tree_directory(const struct invocation *inv);
/* Connects; inv->client is set. */
int tree_open(struct invocation *inv);
/* Whether anybody listens on its socket; reports nothing. */
bool tree_is_running(struct invocation *inv);

/* Asks an endpoint of the native context; `args` may be NULL. Whatever the tree answers, *ret_status
 * and `answer` hold it; only a tree that does not answer is a failure. */
int tree_ask(struct invocation *inv,
             const char *endpoint,
             const struct buf *args,
             uint32_t *ret_status,
             struct buf *answer);
/* The same of whatever handle the request names. */
int tree_ask_through(struct invocation *inv,
                     const struct client_request *request,
                     uint64_t timeout_us,
                     uint32_t *ret_status,
                     struct buf *answer);
/* As tree_ask, but anything except OK is a failure: "cannot `purpose`". *ret_values is an array,
 * owned by the caller. */
int tree_call(struct invocation *inv,
              const char *endpoint,
              const struct buf *args,
              const char *purpose,
              json_t **ret_values);
/* As tree_call, giving a descriptor along (-1: none), for what takes as long as it takes unless there is
 * a --timeout. */
int tree_call_long(struct invocation *inv,
                   const char *endpoint,
                   int fd,
                   const char *purpose,
                   json_t **ret_values);
/* As tree_call, for endpoints that give one list, and perhaps how many rows it leaves out: a note says
 * so then. */
int tree_list(struct invocation *inv,
              const char *endpoint,
              const struct buf *args,
              const char *purpose,
              json_t **ret_rows);

/* Reports a refusal: its status, and the message that is value 1 of `answer`. */
int tree_refused(const struct invocation *inv,
                 uint32_t status,
                 const struct buf *answer,
                 const char *purpose);
/* Reports that the tree went away or did not answer in time (-errno of client.h). */
int tree_lost(const struct invocation *inv, int r, const char *purpose);

/* Arguments for tree_ask: initialises `b` big enough for any message. */
void tree_args_init(struct buf *b);

/* A status's name as thoxctl writes it: "denied". In a rotating static buffer. */
const char *tree_status_code(uint32_t status);
