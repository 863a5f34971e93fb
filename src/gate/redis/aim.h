/* Where and how the next connection to a Redis server is made. */
#ifndef RW_GATE_REDIS_AIM_H
#define RW_GATE_REDIS_AIM_H

#include "gate/cluster/resolve/place.h"
#include "io/redis.h"

/* TLS for connections that are made from now on. */
struct rw_redis_secure {
    struct rw_tls_client *tls; /* NULL: none */
    bool named;                /* it has a name to verify; else that is the place's host */
};

/* As `locate` of io/redis.h. `secure` may be NULL. */
const char *rw_redis_aim(struct rw_place *place, const struct rw_redis_secure *secure,
                         struct rw_redis_target *target);

#endif
