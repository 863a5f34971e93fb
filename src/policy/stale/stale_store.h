/* Answers that are kept for the time when the upstream fails: a store of each worker, with a shelf
 * for each route, bounded in bytes; what was used least recently goes first.
 *
 * The policy makes an entry when a response begins (rw_stale_entry_create), adds what comes of its
 * body (rw_stale_entry_add), and puts it on the shelf when all of it was there; or drops it. What
 * is under way has the same bound as what is on the shelf, however many answers are. Whoever
 * answers from an entry holds a reference until the answer has gone. Shelves outlive reloads; what
 * has become too old goes when the worker rests. All on the worker's thread.
 */
#ifndef RW_POLICY_STALE_STALE_STORE_H
#define RW_POLICY_STALE_STALE_STORE_H

#include "base/arena.h"
#include "base/list.h"
#include "base/text.h"
#include "gate/worker.h"
#include "http/message.h"

struct rw_stale_shelf;

struct rw_stale_entry {
    struct rw_list link;          /* on the shelf, in the order of use */
    struct rw_stale_entry *next;  /* in its bucket */
    struct rw_stale_shelf *shelf; /* NULL: on none */
    struct rw_stale_shelf *maker; /* NULL: it is not under way */
    size_t made_bytes;            /* ... and so much is counted there */
    struct rw_arena arena;        /* of the texts */
    struct rw_text body;
    struct rw_span key;
    struct rw_field
        *fields; /* of the response, without what frames it or belongs to a connection */
    unsigned field_count;
    struct rw_field *varies; /* name and value of the request's fields that Vary names */
    unsigned vary_count;
    uint64_t stored_ms;                /* monotonic */
    uint32_t age_s, fresh_s, window_s; /* when it was stored; for how long it is of use */
    unsigned references;
};

/* The route's shelf on this worker, made for so many bytes; NULL: no memory. */
struct rw_stale_shelf *rw_stale_shelf(struct rw_worker *worker, struct rw_span route,
                                      size_t bytes_max);

/* A copy of the response's head for this shelf, with one reference; NULL: no memory, or it varies
 * by too much. Until it is on the shelf, or dropped, it is under way, and the shelf stays. */
struct rw_stale_entry *rw_stale_entry_create(struct rw_stale_shelf *shelf, struct rw_span key,
                                             const struct rw_message *request,
                                             const struct rw_message *response);
void rw_stale_entry_drop(struct rw_stale_entry *entry);
/* More of its body. False: no memory, or what is under way for the shelf has more than `bytes_max`
 * now: it cannot be kept. */
RW_MUST_CHECK bool rw_stale_entry_add(struct rw_stale_entry *entry, struct rw_span bytes,
                                      size_t bytes_max);

/* On the shelf, in place of the one that there was for such requests, with a reference of the
 * shelf's; others go until all of it has at most `bytes_max`. */
void rw_stale_shelf_put(struct rw_stale_shelf *shelf, struct rw_stale_entry *entry,
                        size_t bytes_max, uint64_t now_ms);
/* What may be given to this request; NULL: nothing. No reference. */
struct rw_stale_entry *rw_stale_shelf_find(struct rw_stale_shelf *shelf, struct rw_span key,
                                           const struct rw_message *request, uint64_t now_ms);

#endif
