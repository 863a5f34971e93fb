/* Where a Redis server is: an address, or a name with a port that DNS says the address of.
 *
 * rw_redis_place_set, then rw_redis_place_start; each time that a connection is made
 * rw_redis_place_next gives one of its addresses in turn, and has the name looked up anew, so that
 * what was lost is found elsewhere by one of the next tries; while DNS does not answer the last
 * known addresses stay. `changed` is called when DNS says something else than before.
 * rw_redis_place_stop. The thread of the loop.
 */
#ifndef RW_GATE_REDIS_PLACE_H
#define RW_GATE_REDIS_PLACE_H

#include "gate/cluster/resolve/resolve.h"
#include "io/redis.h"

enum { RW_REDIS_HOST_BYTES_MAX = 253, RW_REDIS_PLACE_BYTES_MAX = RW_REDIS_HOST_BYTES_MAX + 8 };

struct rw_redis_place {
    char text[RW_REDIS_PLACE_BYTES_MAX + 1]; /* "redis.internal:6379", as people write it */
    char host[RW_REDIS_HOST_BYTES_MAX + 1];  /* for TLS; empty: a Unix socket */
    uint16_t port;
    bool named;
    struct rw_address address; /* unless named */
    struct rw_resolve_use use;
    unsigned next; /* address of a name's */
};

/* TLS for connections that are made from now on. */
struct rw_redis_secure {
    struct rw_tls_client *tls; /* NULL: none */
    bool named;                /* it has a name to verify; else that is the place's host */
};

/* "10.0.0.1:6379", "[::1]:6379", "unix:/path", "name:6379". RW_EINVAL: none of these. */
RW_MUST_CHECK enum rw_err rw_redis_place_set(struct rw_redis_place *place, struct rw_span text);
/* As servers tell it: the host without brackets. */
RW_MUST_CHECK enum rw_err rw_redis_place_set_host(struct rw_redis_place *place, struct rw_span host,
                                                  uint16_t port);

/* `resolver` NULL: names stay unknown (simulation). RW_ENOMEM. */
RW_MUST_CHECK enum rw_err rw_redis_place_start(struct rw_redis_place *place,
                                               struct rw_resolver *resolver,
                                               void (*changed)(struct rw_resolve_use *use));
void rw_redis_place_stop(struct rw_redis_place *place);

/* Where to connect now: as `locate` of io/redis.h. `secure` may be NULL. */
const char *rw_redis_place_next(struct rw_redis_place *place, const struct rw_redis_secure *secure,
                                struct rw_redis_target *target);
/* Is this one of its addresses at present? Also when none is known. */
bool rw_redis_place_has(const struct rw_redis_place *place, const struct rw_address *address);

#endif
