#include "gate/redis/aim.h"

const char *rw_redis_aim(struct rw_place *place, const struct rw_redis_secure *secure,
                         struct rw_redis_target *target)
{
    const char *why = rw_place_next(place, &target->address);
    if (!why && secure && secure->tls) {
        target->tls = secure->tls;
        target->tls_name = secure->named ? NULL : place->host;
    }
    return why;
}
