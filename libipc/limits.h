/*
 * limits.h - every limit in one place, each with its reason. A limit that a program can meet is
 * named in the message it gets.
 */
#pragma once

#include <stdint.h>

/* Frames. */
#define LIMIT_FRAME_PREFIX_BYTES 8u
#define LIMIT_FRAME_HELLO_BYTES 4096u         /* before Hello nobody may make us allocate more */
#define LIMIT_FRAME_VALUES_BYTES (256u << 10) /* values in one frame; longer ones continue */
#define LIMIT_FRAME_HEADER_BYTES (64u << 10)  /* everything but values: start has the most */
#define LIMIT_FRAME_BYTES (LIMIT_FRAME_VALUES_BYTES + LIMIT_FRAME_HEADER_BYTES)
#define LIMIT_FRAGMENT_BYTES (128u << 10) /* what senders put in one frame; 64 and 240 are slower */
#define LIMIT_FRAME_FIELDS 4096u
#define LIMIT_FRAME_UNKNOWN_FIELDS 16u /* newer peers may send a little more, not floods */
#define LIMIT_FRAME_FDS 8u
#define LIMIT_FRAME_CAPS 256u
#define LIMIT_READ_BYTES (16u << 10) /* one recvmsg, unless a long frame is on its way */
#define LIMIT_READS_PER_TURN 4u      /* then the next peer; */
#define LIMIT_FRAMES_PER_TURN 64u /* small ones: those of one read at most, so that a flood waits */

/* Values. */
#define LIMIT_MESSAGE_BYTES (64u << 20) /* one call's or answer's values, all frames */
#define LIMIT_VALUE_DEPTH 64u

/* Connections. */
#define LIMIT_OUT_PAUSE_BYTES (1u << 20) /* a peer with more unread output is not read from */
#define LIMIT_OUT_BYTES (LIMIT_MESSAGE_BYTES + (8u << 20))   /* one with more is hung and removed */
#define LIMIT_OUT_CALLS_BYTES (LIMIT_OUT_BYTES - (4u << 20)) /* more calls are BUSY, not its end */
#define LIMIT_OUT_STALL_US (5u * 1000000u) /* sends on, paused this long, read nothing: removed */
#define LIMIT_ONEWAY_OUT_BYTES (1u << 20)  /* one-way calls that wait: further ones are dropped */

/* Clients: what one keeps while it waits for something else. Calls beyond are BUSY. */
#define LIMIT_CLIENT_EVENTS 4096u
#define LIMIT_CLIENT_HELD_BYTES (2 * LIMIT_MESSAGE_BYTES) /* half-sent calls as well */

/* Names. */
#define LIMIT_NAME_BYTES 128u
#define LIMIT_PATTERNS 256u /* in one routing */

/* Calls: over a limit the call is answered BUSY at once and nothing is queued. */
#define LIMIT_CALLS_PER_CALLER 256u
#define LIMIT_OUTPUT_CALLS 32u        /* beside those: what a program prints must not be lost */
#define LIMIT_CALLS_PER_SERVER 1024u  /* delivered to one process and unanswered */
#define LIMIT_CALLS_PER_DAEMON 16384u /* where locks and watches wait: that of 64 callers */
#define LIMIT_CALLS_PER_SERVICE                                                                    \
        256u /* to one name, or in one manual context; os.bind may say another */
#define LIMIT_CALLS_PER_PAIR 64u /* by one process to one of these: no client fills a service */
/* Arguments of all those, until they are answered: the longest message, small ones beside it. */
#define LIMIT_CALL_BYTES_PER_CALLER (LIMIT_MESSAGE_BYTES + (8u << 20))
#define LIMIT_CALL_BYTES_PER_SERVER (4 * LIMIT_CALL_BYTES_PER_CALLER) /* no client fills it */
#define LIMIT_ALARMS_PER_PROCESS 64u
#define LIMIT_NATIVE_ARGS_BYTES (16u << 20) /* of one process, while initd puts them together */
#define LIMIT_EVAL_BYTES (64u << 10)        /* source that process.eval runs in a process */
#define LIMIT_LISTING_ROWS 16384u           /* in one list of processes, handles, calls, services */
#define LIMIT_CALL_HOPS 16u                 /* contexts walked for one call */

/* Queues. */
#define LIMIT_QUEUE_EVENTS 64u /* waiting for one listener, unless it asks for another number */
#define LIMIT_QUEUE_EVENTS_MAX 4096u
#define LIMIT_QUEUE_BYTES (4u << 20)  /* of values that wait for one listener */
#define LIMIT_QUEUE_LISTENERS 1024u   /* of one queue: what one push can cost */
#define LIMIT_LISTENERS 64u           /* of one process */
#define LIMIT_PUSH_BYTES (128u << 10) /* one message is one frame */
/* A listener behind by this loses events; less than what pauses it. */
#define LIMIT_PUSH_OUT_BYTES (512u << 10)

#define LIMIT_TRACE_BYTES (64u << 10) /* of values that are copied for a log; else their size is */

#define LIMIT_DELIVERIES_PER_TURN                                                                  \
        128u /* that one peer's pushes cost; the rest of its frames waits */

/* Per process. */
#define LIMIT_HANDLES 1024u
#define LIMIT_HANDLES_PUSHED 512u /* by others unasked; the rest is for what it asks for */
#define LIMIT_CONTEXTS_OWNED 256u
#define LIMIT_HANDLES_DAEMON 65536u /* runtimed owns a context per image in use */
#define LIMIT_CONTEXTS_OWNED_DAEMON 32768u
#define LIMIT_CONNECTIONS 4096u /* to the names of one process, whose end tells each */
#define LIMIT_BINDINGS 256u
#define LIMIT_BINDING_GROUP 64u   /* that serve one name together: a call may look at each */
#define LIMIT_USAGE_BYTES 256u    /* the line about a service */
#define LIMIT_PROCESSES 16384u    /* in one tree */
#define LIMIT_FAMILY 512u         /* default: a program and what it runs, directly or not */
#define LIMIT_SPARE_FDS 24u       /* no program starts on the last descriptors of initd */
#define LIMIT_CONTROL_CLIENTS 64u /* thoxctl and others on the control socket */
#define LIMIT_MEMORY_BYTES (UINT64_C(64) << 20) /* default Lua heap of a program */
#define LIMIT_MEMORY_MIN_BYTES (UINT64_C(1) << 20)
#define LIMIT_QUANTUM_US 5000u     /* default; 0 is cooperative */
#define LIMIT_QUANTUM_MIN_US 1000u /* shorter slices cost 2-5 % */
#define LIMIT_QUANTUM_MAX_US 1000000u
#define LIMIT_TASKS 16384u
#define LIMIT_GROUP_DEPTH 16u   /* groups within groups: each task is counted in all around it */
#define LIMIT_GRACE_US 1000000u /* between a terminate event and SIGKILL */
#define LIMIT_INIT_GRACE_US 60000000u /* of init, which ends its services in that time */
#define LIMIT_EXIT_STATUS 63u         /* what a program may end with */
#define LIMIT_EXIT_MESSAGE_BYTES 4096u
#define LIMIT_EXIT_LOCALS_BYTES 2048u
#define LIMIT_CPU_TURN_MIN_S 0.01
#define LIMIT_CPU_TURN_MAX_S 86400u
#define LIMIT_CPU_GRACE_US 100000u /* of CPU, to handle the error; as much again before force */
#define LIMIT_WATCHDOG_US                                                                          \
        (30u * 1000000u) /* default: a program that reads nothing for so long is killed */
#define LIMIT_WATCHDOG_MAX_S 86400u
#define LIMIT_WATCHDOG_DAEMON_US (60u * 1000000u) /* more, because disks may be slow */
#define LIMIT_RUN_CONTEXTS 64u                    /* that one process.run gives beside context 0 */

/* Of a worker's process: what stands behind the limits above when they fail. */
/* Ids of workers of a root's tree: beyond those of people, services and containers (systemd's
 * UIDS-GIDS.md). Those whose pids are so far apart share one. */
#define LIMIT_WORKER_UID_FIRST 2000000000u
#define LIMIT_WORKER_UIDS 100000000u
#define LIMIT_WORKER_FDS 32u                /* socket, stderr, the images of a start */
#define LIMIT_WORKER_STACK_BYTES (2u << 20) /* Lua's own limit on C calls takes a quarter */
#define LIMIT_WORKER_MESSAGES_BYTES                                                                \
        (4 * LIMIT_OUT_BYTES) /* address space for messages on their way */

/* Supervision. */
#define LIMIT_FAULT_US 1000000u /* in which a memory fault is answered */
#define LIMIT_RESTARTS 5u       /* within the window: then degraded / failed */
#define LIMIT_RESTART_WINDOW_US (10u * 1000000u)
#define LIMIT_RESTART_DELAY_US 50000u /* first; doubles to the maximum */
#define LIMIT_RESTART_DELAY_MAX_US (5u * 1000000u)
#define LIMIT_READY_S 3600u                   /* longest start that a program may ask for */
#define LIMIT_BOOT_US (10u * 1000000u)        /* daemons that are not up then end the tree */
#define LIMIT_DAEMON_GRACE_US (2u * 1000000u) /* between closing its socket and SIGKILL */

/* Stores. */
#define LIMIT_SOURCE_BYTES (4u << 20)
#define LIMIT_VERSIONS 64u     /* kept per name; the oldest goes first */
#define LIMIT_NOTE_BYTES 1024u /* what is written beside a version */
#define LIMIT_SNAPSHOTS 4u     /* of a program's data, at the ends of its newest versions: copies */
#define LIMIT_KEY_BYTES 400u   /* of a data object; LMDB takes 511, and ids go before it */
/* Changes of an object that are kept for who watches it: a watcher that stops for longer starts anew. */
#define LIMIT_HISTORY_EVENTS 1024u
#define LIMIT_HISTORY_BYTES (1u << 20)
#define LIMIT_LOCKS 1024u              /* of one data object, held or waited for */
#define LIMIT_VALUE_BYTES (1u << 20)   /* of one key, as it is sent */
#define LIMIT_TXN_OPS 100u             /* compares and operations in one transaction */
#define LIMIT_OBJECTS 4096u            /* of each kind, persistent and volatile */
#define LIMIT_OBJECT_BYTES (64u << 20) /* keys, values and stream of one; data.limit says another */
#define LIMIT_OBJECT_KEYS 65536u
#define LIMIT_ANONYMOUS_BYTES (16u << 20) /* of one that has no name */
#define LIMIT_VOLATILE_BYTES (256u << 20) /* memory of all volatile ones */
#define LIMIT_SCAN_ROWS 1024u             /* in one page, */
#define LIMIT_SCAN_DEFAULT_ROWS 256u
#define LIMIT_SCAN_BYTES (1u << 20) /* or the first row beyond this */
#define LIMIT_LOG_LINE_BYTES 4096u
#define LIMIT_LOG_LINES 1000u /* of one family, in an interval; the rest is dropped and counted */
#define LIMIT_LOG_INTERVAL_US (10u * 1000000u)
#define LIMIT_LOG_RING_BYTES (1u << 20) /* what `thoxctl logs` can look back on */

/* Reports of ends that nobody wanted. */
#define LIMIT_REPORTS 128u
#define LIMIT_REPORTS_PER_FAMILY 8u
#define LIMIT_REPORT_LINES 10u       /* of its log */
#define LIMIT_REPORT_LINE_BYTES 512u /* of each */

/* Code. */
#define LIMIT_COMPILE_BYTES (64u << 20) /* memory of the compiler for one source */
#define LIMIT_IMAGE_PARTS 8u            /* runtimes + program: one descriptor each in one frame */
#define LIMIT_IMAGES_UNUSED 64u         /* kept so that the next start is fast */
#define LIMIT_IMAGES_UNUSED_BYTES (32u << 20)
#define LIMIT_CHUNK_BYTES 256u /* name of a piece of code in messages; cut at the front */
