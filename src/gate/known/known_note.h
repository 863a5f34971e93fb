/* What known.c and known_store.c share; nobody else includes this. */
#ifndef RW_GATE_KNOWN_KNOWN_NOTE_H
#define RW_GATE_KNOWN_KNOWN_NOTE_H

#include "gate/known/known.h"

enum { RW_KNOWN_BUCKETS = 1024 };

struct rw_known_note {
    struct rw_list link; /* in a bucket */
    struct rw_known *known;
    struct rw_list uses; /* newest first */
    struct rw_text text;
    uint64_t until_ms; /* unless its writer follows */
    bool stale;        /* the writer would say something else */
    struct rw_span key;
    char key_text[];
};

struct rw_known {
    struct rw_known_options options;
    struct rw_list buckets[RW_KNOWN_BUCKETS];
    struct rw_timer timer;
    uint64_t stored_ms, store_ms; /* when that ended last, and how long it took */
};

/* The one that writes it; NULL: nobody holds it. */
struct rw_known_use *rw_known_writer(const struct rw_known_note *note);
/* An empty one, that was not there. */
RW_MUST_CHECK enum rw_err rw_known_add(struct rw_known *known, struct rw_span key,
                                       struct rw_known_note **note);
struct rw_known_note *rw_known_find(struct rw_known *known, struct rw_span key);
void rw_known_remove(struct rw_known_note *note);
/* Has the writer write it, if need be. False: no memory, the text is as before. */
bool rw_known_refresh(struct rw_known_note *note);
void rw_known_store_soon(struct rw_known *known);

#endif
