/* Where something is: the gateway itself, or an endpoint. Three labels, each of which may be empty
 * (not known): the zone (a data centre), the region that it lies in, and whose it is (a cloud).
 * Pure functions; any thread.
 */
#ifndef RW_GATE_CLUSTER_BALANCE_LOCALITY_H
#define RW_GATE_CLUSTER_BALANCE_LOCALITY_H

#include "base/span.h"

struct rw_locality {
    struct rw_span zone, region, cloud;
};

/* How far an endpoint is from the gateway, the nearest first. */
enum rw_distance {
    RW_DISTANCE_ZONE,   /* in its zone */
    RW_DISTANCE_REGION, /* in its region */
    RW_DISTANCE_CLOUD,  /* in its cloud */
    RW_DISTANCE_FAR,    /* elsewhere, or not known */
    RW_DISTANCE_COUNT
};

/* What the gateway prefers: all that is no farther is alike. */
enum rw_prefer { RW_PREFER_ZONE, RW_PREFER_REGION, RW_PREFER_CLOUD, RW_PREFER_NONE };

/* A label says something only where both have it. Zones of different regions may have one name, and
 * regions of different clouds: they are the same only where what is around them is, as far as both
 * say. */
enum rw_distance rw_locality_distance(const struct rw_locality *a, const struct rw_locality *b);

/* Distances that `prefer` does not tell apart become one. */
enum rw_distance rw_locality_prefer(enum rw_distance distance, enum rw_prefer prefer);

bool rw_locality_eq(const struct rw_locality *a, const struct rw_locality *b);

/* "same zone", "same region", "same cloud", "elsewhere". */
const char *rw_distance_name(enum rw_distance distance);

#endif
