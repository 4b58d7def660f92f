/*
 * data_grant.h - the contexts through which objects are reached: an object, a prefix of its keys and locks,
 * and rights. No name is an authority; a grant makes others with less.
 */
#pragma once

#include <stdbool.h>

#include "libipc/request.h"
#include "storaged/arguments.h"
#include "storaged/data.h"
#include "storaged/grant.h"

enum data_right {
        DATA_RIGHT_READ = 1,
        DATA_RIGHT_WRITE = 2,
        DATA_RIGHT_LOCK = 4,
        DATA_RIGHT_ALL = 7,
};

struct data_grant {
        struct grant grant;
        struct list *grants;   /* of storaged's; borrowed */
        struct object *object; /* a reference */
        unsigned int rights;
        size_t prefix_len;
        uint8_t prefix[LIMIT_KEY_BYTES];
};

/* What a grant allows. */
struct data_reach {
        struct disk_bytes prefix;
        unsigned int rights;
};

/* Answers the request, later, with a handle. The reference is taken. */
void data_grant_open_take(struct list *grants,
                          struct request *request,
                          struct object *object,
                          const struct data_reach *reach);

/* That of a request to one of its endpoints. */
struct data_grant *data_grant_of(const struct request *request);
bool data_grant_reaches(const struct data_grant *g, struct disk_bytes key);

/* These refuse the request and return false. */
/* The last argument, {prefix=, rights=} and at most two options more; what is not there stays as it is. */
bool data_reach_take(struct request *request,
                     const char *where,
                     struct data_reach *reach,
                     const struct option *more,
                     size_t n_more);
bool data_grant_check(struct request *request, enum data_right right);
/* Not for a grant with a prefix. */
bool data_grant_check_whole(struct request *request, const char *what);
/* 1 to LIMIT_KEY_BYTES bytes within the prefix; so are the names of locks. */
bool data_grant_check_key(struct request *request, struct disk_bytes key);
