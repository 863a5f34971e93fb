/* What the supervisor and a worker process say to each other, over a socket pair of theirs
 * (SOCK_SEQPACKET: one message, one packet; descriptors travel along).
 *
 * worker -> supervisor
 *   LISTEN      open (or find) `count` listening sockets on an address, for my threads
 *   RETIRE      the configuration has no listener on this address any more: no new connections
 *               come there from now on; I accept for a while what is on its way
 *   RELEASE     ... and have closed my descriptors now
 *   READY       I accept connections
 *   RELOAD      tell the other processes to load the configuration anew
 *   SHUTDOWN    drain everything, as after SIGTERM
 *   DRAIN_TIME  the configuration in force lets a drain take `count` milliseconds
 *   KEEP        the files of the configuration in force (conf/kept.h), for one of us that starts
 *               again: `count` descriptors, in as many messages as it takes; `serial`: how many
 *               came before
 *   KNOWN       what was learned at run time (gate/known/known_store.h), for the same
 * supervisor -> worker
 *   SOCKETS     the answer to LISTEN: the descriptors, or `error` and why in `text`; may come after
 *               the worker has given up waiting for it
 */
#ifndef RW_SERVE_CHANNEL_H
#define RW_SERVE_CHANNEL_H

#include "base/err.h"

#include <stdint.h>

enum rw_channel_kind {
    RW_CHANNEL_LISTEN,
    RW_CHANNEL_RETIRE,
    RW_CHANNEL_RELEASE,
    RW_CHANNEL_READY,
    RW_CHANNEL_RELOAD,
    RW_CHANNEL_SHUTDOWN,
    RW_CHANNEL_DRAIN_TIME,
    RW_CHANNEL_KEEP,
    RW_CHANNEL_KNOWN,
    RW_CHANNEL_SOCKETS
};

enum { RW_CHANNEL_TEXT_MAX = 256, RW_CHANNEL_FDS_MAX = 253 }; /* SCM_MAX_FD of Linux */

struct rw_channel_message {
    uint32_t kind;   /* enum rw_channel_kind */
    uint32_t error;  /* SOCKETS: enum rw_err */
    uint32_t count;  /* of sockets, of descriptors, or milliseconds */
    uint32_t serial; /* of a LISTEN, and of its answer; of a KEEP */
    int32_t backlog;
    char text[RW_CHANNEL_TEXT_MAX]; /* address, or why not; NUL-terminated */
};

/* Both ends close-on-exec. */
RW_MUST_CHECK enum rw_err rw_channel_create(int ends[2]);
/* `fds` stay the caller's. */
RW_MUST_CHECK enum rw_err rw_channel_send(int fd, const struct rw_channel_message *message,
                                          const int *fds, unsigned fd_count);
/* Waits at most `wait_ms` (-1: for ever). RW_ECLOSED: the other side has gone. Received descriptors
 * are the caller's. */
RW_MUST_CHECK enum rw_err rw_channel_receive(int fd, int wait_ms,
                                             struct rw_channel_message *message, int *fds,
                                             unsigned *fd_count);

#endif
