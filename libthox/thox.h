/*
 * thox.h - a C program as one more program of a thox tree: it calls what others serve, and serves
 * names that others call. thox-client(3) has the manual, examples/c two programs.
 *
 *      struct thox_client *client;
 *      struct thox_event *answer;
 *      struct thox_value sum;
 *
 *      int r = thox_connect(&client, NULL, "adder", 5 * THOX_SECOND);
 *      struct thox_writer *args = thox_writer_new();
 *      thox_write_integer(args, 20);
 *      thox_write_integer(args, 22);
 *      r = thox_call(client, THOX_DEFAULT, "add", args, THOX_SECOND, &answer);
 *      if (r == 0 && thox_read(&answer->values, THOX_INTEGER, &sum)) ...
 *
 * What an int says. 0: done. Above 0: a status, what the tree or the program at the other end
 * answered; the connection is fine. Below 0: a negative errno, one of
 *      -EINVAL      the caller's mistake: values whose tables are not closed, or nested too deep
 *      -EMSGSIZE    more than 64 MiB of values, or more than 256 contexts in them
 *      -ENOBUFS     the tree does not read what it is sent; try again later
 *      -ETIMEDOUT   the tree itself has not replied: whether it has done what was asked is not known
 *      -ENOMEM
 *      -ECONNRESET, -EPIPE, -EPROTO and others: the tree has gone. So it stays: disconnect.
 * thox_error() has a sentence for each.
 *
 * Memory. A string that is passed in is read before the function returns. What a function hands out
 * belongs to the library and is valid as long as its comment says. A writer is owned by its maker
 * until it is sent. Pointers must not be NULL unless it says so.
 *
 * Threads. A connection and what it hands out belong to one thread at a time; two connections share
 * nothing. No function but thox_connect, thox_call and thox_next waits for anything but the tree
 * itself, for which thox_connect's time is the limit. No signal is raised.
 */
#ifndef THOX_H
#define THOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define THOX_API __attribute__((visibility("default")))

/* Times are microseconds. */
#define THOX_SECOND UINT64_C(1000000)
#define THOX_FOREVER UINT64_MAX

/* The context that a connection begins with: what Lua calls context 0. */
#define THOX_DEFAULT 0u

/* Statuses, as in os.status of Lua. 64 and above belong to whoever serves a name. */
enum {
        THOX_OK = 0,
        THOX_ERROR = 1,
        THOX_NOTBOUND = 2,
        THOX_BADCTX = 3,
        THOX_DENIED = 4,
        THOX_BADARGS = 5,
        THOX_BUSY = 6,
        THOX_CANCELLED = 7,
        THOX_DEAD = 8,
        THOX_TIMEOUT = 9,
        THOX_INCOMPAT = 10,
        THOX_NOTFOUND = 11,
        THOX_EXISTS = 12,
        THOX_LIMIT = 13,
        THOX_CONFLICT = 14,
        THOX_BADCID = 15,
        THOX_NOPROC = 16,
        THOX_BADCODE = 17,
        THOX_AGAIN = 18,
        THOX_UNAVAIL = 19,
        THOX_PROTO = 20,
};

/* "NOTBOUND"; "STATUS-77" for others. Valid until this thread asks for a few more. */
THOX_API const char *thox_status_name(uint32_t status);
/* What a result of a function here means, for people: "nobody serves this name". Valid as above. */
THOX_API const char *thox_error(int r);
/* The library's version, "0.2.0". */
THOX_API const char *thox_version(void);

/*
 * Values that arrive.
 */

/* A sequence of values and how far it has been read. A copy reads on for itself. Valid as long as
 * the event it came with. The members are private. */
struct thox_reader {
        const uint8_t *at, *end;
};

enum thox_type {
        THOX_NIL = 1,
        THOX_BOOLEAN = 2,
        THOX_INTEGER = 4,
        THOX_FLOAT = 8,
        THOX_STRING = 16,
        THOX_ARRAY = 32,
        THOX_MAP = 64,
        THOX_CONTEXT = 128,
        /* Some at once, for `wanted`. Lua's empty table arrives as either kind of table. */
        THOX_NUMBER = THOX_INTEGER | THOX_FLOAT,
        THOX_TABLE = THOX_ARRAY | THOX_MAP,
        THOX_ANY = 255,
};

/* Members that do not belong to the type are zero. */
struct thox_value {
        enum thox_type type;
        bool boolean;
        uint32_t context; /* this program's number for it; close it when done */
        int64_t integer;
        double number;            /* INTEGER as well, rounded when it is beyond 2^53 */
        const char *string;       /* any bytes, then a NUL that `len` does not count */
        size_t len;               /* of the string */
        struct thox_reader items; /* ARRAY: its items; MAP: key, value, key, value, ... */
};

/* The next value, if it is of a `wanted` type (one or several, combined with |). False when it is of
 * another type, and nothing has moved, or when there is none left. `ret` may be NULL. */
THOX_API bool thox_read(struct thox_reader *from, unsigned int wanted, struct thox_value *ret);
/* The value of a string key in the items of a MAP; false when there is none of a `wanted` type.
 * Nothing moves. */
THOX_API bool thox_find(const struct thox_reader *map,
                        const char *key,
                        unsigned int wanted,
                        struct thox_value *ret);

/*
 * Values that leave.
 */

/* Errors are kept and come out when the values are sent, so that nothing here need be checked. */
struct thox_writer;

THOX_API struct thox_writer *thox_writer_new(void);
/* For one that is not sent after all. NULL is fine. */
THOX_API void thox_writer_free(struct thox_writer *w);

THOX_API void thox_write_nil(struct thox_writer *w);
THOX_API void thox_write_boolean(struct thox_writer *w, bool v);
THOX_API void thox_write_integer(struct thox_writer *w, int64_t v);
THOX_API void thox_write_float(struct thox_writer *w, double v);
THOX_API void thox_write_string(struct thox_writer *w, const char *text);
THOX_API void thox_write_bytes(struct thox_writer *w, const void *bytes, size_t len);
/* Gives the receiver access to a context of this program, or that it may pass on. */
THOX_API void thox_write_context(struct thox_writer *w, uint32_t context);
/* The items follow (for a map key, value, key, value, ...), then thox_write_end. 64 levels at most. */
THOX_API void thox_write_array(struct thox_writer *w);
THOX_API void thox_write_map(struct thox_writer *w);
THOX_API void thox_write_end(struct thox_writer *w);

/*
 * The connection.
 */

struct thox_client;

/* `dir` is the tree's directory (thoxctl --dir); NULL: THOX_SOCKET or THOX_DIR, else root's tree for
 * root and the user's own for anybody else. `name` (a valid one, else -EINVAL) is what thoxctl
 * services and messages call this program. `timeout_us` limits the
 * connecting, and later each wait for the tree's own replies. -ENOENT and -ECONNREFUSED: no tree runs
 * there; -ETIMEDOUT; -EACCES: not for this user; -EBUSY: it has 64 clients; -EPROTO; -ENAMETOOLONG. */
THOX_API int thox_connect(struct thox_client **ret,
                          const char *dir,
                          const char *name,
                          uint64_t timeout_us);
/* Ends everything this connection made: bindings, contexts, calls. NULL is fine. */
THOX_API void thox_disconnect(struct thox_client *c);
/* This program's pid in the tree. */
THOX_API uint32_t thox_pid(const struct thox_client *c);

/* A descriptor for a loop of your own: whenever it is readable, call thox_next with timeout 0 until
 * that returns -EAGAIN. Nothing else needs to be watched, also not for writing. It belongs to the
 * connection. -errno when it cannot be made. */
THOX_API int thox_fd(struct thox_client *c);

enum thox_event_type {
        THOX_EVENT_CALL = 1, /* answer it, now or later, with thox_answer or thox_refuse */
        THOX_EVENT_ANSWER,   /* to a thox_start */
        THOX_EVENT_CANCEL,   /* a call we were given was withdrawn: nobody waits for the answer */
        THOX_EVENT_OPENED,   /* a process was given access to a context that we made */
        THOX_EVENT_CLOSED,   /* a process lost it: it closed it, or ended */
        THOX_EVENT_HANGUP,   /* the maker of a context that we hold has taken it back, or ended */
        THOX_EVENT_EXITED,   /* a process that we ran with "process.run" has ended */
};

/* Members without a meaning for the type are zero, strings empty. Later versions may add some. */
struct thox_event {
        enum thox_event_type type;
        uint32_t status;  /* ANSWER; EXITED: exit status */
        uint64_t cid;     /* CALL, ANSWER, CANCEL */
        uint32_t context; /* CALL: that it came through; OPENED, CLOSED, HANGUP */
        uint32_t pid;     /* CALL: the caller, which nobody can forge; ANSWER: who answered; ... */
        uint32_t uid;     /* CALL: the caller's */
        bool is_oneway;   /* CALL: nobody waits for an answer */
        const char *name; /* CALL */
        const char *message;       /* ANSWER that is not OK: why, in words; EXITED: the error */
        struct thox_reader values; /* CALL: arguments; ANSWER: results */
};

/* The next event, waiting for it at most so long (0: not at all). -EAGAIN: none came. *ret is valid
 * until the next thox_next; reading its values moves them, so it is not const for that.
 * Events that came during a thox_call are kept; beyond 4096 calls or 128 MiB callers get BUSY. */
THOX_API int thox_next(struct thox_client *c, uint64_t timeout_us, struct thox_event **ret);

/*
 * Calling. `args` is taken, whatever becomes of the call; NULL: none.
 */

/* Calls and waits. Returns the answer's status (TIMEOUT when the time passed, and the call has been
 * withdrawn; INT_MAX for one that fits no int) or -errno; *ret, unless `ret` is NULL or the result
 * negative, is valid until the next thox_call. Two programs that serve each other must not both
 * wait like this: use thox_start. */
THOX_API int thox_call(struct thox_client *c,
                       uint32_t context,
                       const char *name,
                       struct thox_writer *args,
                       uint64_t timeout_us,
                       struct thox_event **ret);
/* Calls; exactly one ANSWER event with this cid follows. Its server is told how much time it has; the
 * endpoint "alarm" takes no deadline but THOX_FOREVER. */
THOX_API int thox_start(struct thox_client *c,
                        uint32_t context,
                        const char *name,
                        struct thox_writer *args,
                        uint64_t timeout_us,
                        uint64_t *ret_cid);
/* Calls; nothing follows. Dropped when the receiver is far behind. */
THOX_API int thox_send(struct thox_client *c,
                       uint32_t context,
                       const char *name,
                       struct thox_writer *args);
/* Withdraws a call of thox_start (else -EINVAL): its ANSWER says CANCELLED, or what was faster. One
 * that has been answered is left alone. */
THOX_API int thox_cancel(struct thox_client *c, uint64_t cid);

/*
 * Serving.
 */

/* From now on calls to `name` in the context arrive as events. EXISTS, DENIED, BADARGS (no good
 * name), LIMIT (256 names). */
THOX_API int thox_bind(struct thox_client *c, uint32_t context, const char *name);
/* No more calls arrive; those that have want their answers still. NOTBOUND. */
THOX_API int thox_unbind(struct thox_client *c, uint32_t context, const char *name);
/* Answers with values (taken; NULL: none), OK or a status of this program's own. BADCID, and nothing
 * is sent, when nobody waits: the call was answered, withdrawn, one-way, or never was. */
THOX_API int thox_answer(struct thox_client *c,
                         uint64_t cid,
                         uint32_t status,
                         struct thox_writer *values);
/* The same with a sentence for the caller that says why. */
THOX_API int thox_refuse(struct thox_client *c, uint64_t cid, uint32_t status, const char *why);

/* A context of this program's, to hand out with thox_write_context: every call made through it comes
 * here as an event with its number, under any name. LIMIT. */
THOX_API int thox_context_new(struct thox_client *c, uint32_t *ret_context);
/* Gives back a context; one that we made is taken from all who hold it. BADCTX. */
THOX_API int thox_close(struct thox_client *c, uint32_t context);

#ifdef __cplusplus
}
#endif

#endif
