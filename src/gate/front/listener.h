/* The listeners of one worker: started and stopped so that they match the worker's snapshot. A
 * connection keeps a reference, and finds its settings through it: in whatever snapshot is current,
 * or in the last one that had the listener.
 *
 * A listener that is gone goes on accepting what was on its way to its socket, until the process
 * says rw_listeners_finish_at; at once only if another one of the snapshot has the same socket. */
#ifndef RW_GATE_FRONT_LISTENER_H
#define RW_GATE_FRONT_LISTENER_H

#include "gate/snapshot.h"
#include "io/stream.h"

struct rw_worker;

enum { RW_LISTENER_GONE = -1 };

struct rw_worker_listener {
    struct rw_listener io;
    struct rw_list link;
    struct rw_worker *worker;
    struct rw_span name; /* a copy */
    int index;           /* into snapshot->listeners; RW_LISTENER_GONE: removed by a reload */
    /* Once it is gone: the last snapshot that had it, pinned. Its connections stay with that one:
     * the rules of another listener must not apply to them. */
    struct rw_snapshot *last;
    int last_index;
    unsigned references; /* itself, and each connection */
};

/* Starts what is new in worker->snapshot, stops what is gone since `old` (NULL: the first).
 * Listeners are told apart by name and descriptor. */
void rw_listeners_match(struct rw_worker *worker, struct rw_snapshot *old);
/* Where the settings for its connections are, and which they are. */
struct rw_snapshot *rw_worker_listener_snapshot(const struct rw_worker_listener *listener,
                                                unsigned *index);
/* The one that has this descriptor, if it is gone: takes what waits, and stops. */
void rw_listeners_finish_at(struct rw_worker *worker, int fd);
/* Stops all; `finish`: what waits to be accepted is taken first. */
void rw_listeners_stop(struct rw_worker *worker, bool finish);

void rw_worker_listener_drop(struct rw_worker_listener *listener);

#endif
