/* Where a server is: an address, or a name with a port that DNS says the address of.
 *
 * rw_place_set, then rw_place_start; each time that a connection is made
 * rw_place_next gives one of its addresses in turn, and has the name looked up anew, so that
 * what was lost is found elsewhere by one of the next tries; while DNS does not answer the last
 * known addresses stay. `changed` is called when DNS says something else than before.
 * rw_place_stop. The thread of the loop.
 */
#ifndef RW_GATE_CLUSTER_RESOLVE_PLACE_H
#define RW_GATE_CLUSTER_RESOLVE_PLACE_H

#include "gate/cluster/resolve/resolve.h"

enum { RW_PLACE_HOST_BYTES_MAX = 253, RW_PLACE_BYTES_MAX = RW_PLACE_HOST_BYTES_MAX + 8 };

struct rw_place {
    char text[RW_PLACE_BYTES_MAX + 1];      /* "redis.internal:6379", as people write it */
    char host[RW_PLACE_HOST_BYTES_MAX + 1]; /* for TLS; empty: a Unix socket */
    uint16_t port;
    bool named;
    struct rw_address address; /* unless named */
    struct rw_resolve_use use;
    unsigned next; /* address of a name's */
};

/* "10.0.0.1:6379", "[::1]:6379", "unix:/path", "name:6379". RW_EINVAL: none of these. */
RW_MUST_CHECK enum rw_err rw_place_set(struct rw_place *place, struct rw_span text);
/* As servers tell it: the host without brackets. */
RW_MUST_CHECK enum rw_err rw_place_set_host(struct rw_place *place, struct rw_span host,
                                            uint16_t port);

/* `resolver` NULL: names stay unknown (simulation). RW_ENOMEM. */
RW_MUST_CHECK enum rw_err rw_place_start(struct rw_place *place, struct rw_resolver *resolver,
                                         void (*changed)(struct rw_resolve_use *use));
void rw_place_stop(struct rw_place *place);

/* Where to connect now. NULL: there; else why that is not known (static). */
const char *rw_place_next(struct rw_place *place, struct rw_address *address);
/* Is this one of its addresses at present? Also when none is known. */
bool rw_place_has(const struct rw_place *place, const struct rw_address *address);

#endif
