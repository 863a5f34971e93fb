/* An army of clients that behave badly, each on a connection of its own to the gateway.
 *
 *   senders  a request whose head comes byte by byte and never ends (slowloris)
 *   readers  ask for more than their small socket buffers hold, and never read
 *   askers   ask properly, on a new connection each time: those that get no answer are counted
 *
 * Who is cut off comes again with the next tick. Bounded: connections, of which at most
 * RW_ARMY_OPENS_MAX begin in a tick; no memory but what is there from the begin. One thread, that
 * of the loop.
 */
#ifndef RW_VERIFY_FAULT_ARMY_H
#define RW_VERIFY_FAULT_ARMY_H

#include "base/span.h"
#include "io/address.h"
#include "io/loop.h"

struct rw_army;
struct rw_tls_client;

enum {
    RW_ARMY_MAX = 10000,
    RW_ARMY_OPENS_MAX = 500,
    RW_ARMY_PATIENCE_MS = 300,
    RW_ARMY_SLOW_BYTES = 4,      /* in so much time a sender is surely seen to be slow */
    RW_ARMY_BYTES_PER_SECOND = 5 /* of a sender, as a rule */
};

enum rw_army_kind { RW_ARMY_SENDERS, RW_ARMY_READERS, RW_ARMY_ASKERS };

struct rw_army_options {
    struct rw_loop *loop; /* not in simulation */
    enum rw_army_kind kind;
    const struct rw_address *address;
    struct rw_tls_client *tls; /* NULL: plain; held */
    struct rw_span host, path; /* of the request; copied */
    uint32_t connections;      /* 1 to RW_ARMY_MAX */
    uint32_t tick_ms;          /* a byte, a look, a new connection: every so often */
};

/* RW_ENOMEM; RW_ELIMIT: too many. */
RW_MUST_CHECK enum rw_err rw_army_open(const struct rw_army_options *options,
                                       struct rw_army **army);
void rw_army_close(struct rw_army *army, void (*closed)(void *user), void *user);

struct rw_army_counts {
    uint64_t opened; /* connections so far */
    uint64_t hit;    /* that sent slowly; that left an answer unread; that had none in
                        RW_ARMY_PATIENCE_MS, or never */
    uint64_t ended;  /* by the gateway */
};

void rw_army_count(const struct rw_army *army, struct rw_army_counts *counts);

#endif
