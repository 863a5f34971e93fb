/* The listeners of one worker: started and stopped so that they match the worker's snapshot. A
 * connection keeps a reference, and finds its settings through it in whatever snapshot is current.
 */
#ifndef RW_GATE_LISTENER_H
#define RW_GATE_LISTENER_H

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
    unsigned references; /* itself, and each connection */
};

/* Starts what is new in worker->snapshot, stops what is gone. Listeners are told apart by name and
 * descriptor. */
void rw_listeners_match(struct rw_worker *worker);
/* Stops all; `finish`: what waits to be accepted is taken first. */
void rw_listeners_stop(struct rw_worker *worker, bool finish);

void rw_worker_listener_drop(struct rw_worker_listener *listener);

#endif
