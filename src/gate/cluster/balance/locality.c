#include "gate/cluster/balance/locality.h"

static bool says_same(struct rw_span a, struct rw_span b)
{
    return a.len && rw_span_eq(a, b);
}

static bool contradicts(struct rw_span a, struct rw_span b)
{
    return a.len && b.len && !rw_span_eq(a, b);
}

enum rw_distance rw_locality_distance(const struct rw_locality *a, const struct rw_locality *b)
{
    if (contradicts(a->cloud, b->cloud))
        return RW_DISTANCE_FAR;
    if (!contradicts(a->region, b->region)) {
        if (says_same(a->zone, b->zone))
            return RW_DISTANCE_ZONE;
        if (says_same(a->region, b->region))
            return RW_DISTANCE_REGION;
    }
    return says_same(a->cloud, b->cloud) ? RW_DISTANCE_CLOUD : RW_DISTANCE_FAR;
}

enum rw_distance rw_locality_prefer(enum rw_distance distance, enum rw_prefer prefer)
{
    return (unsigned)distance < (unsigned)prefer ? (enum rw_distance)prefer : distance;
}

bool rw_locality_eq(const struct rw_locality *a, const struct rw_locality *b)
{
    return rw_span_eq(a->zone, b->zone) && rw_span_eq(a->region, b->region) &&
           rw_span_eq(a->cloud, b->cloud);
}

const char *rw_distance_name(enum rw_distance distance)
{
    static const char *const names[RW_DISTANCE_COUNT] = {
        [RW_DISTANCE_ZONE] = "same zone",
        [RW_DISTANCE_REGION] = "same region",
        [RW_DISTANCE_CLOUD] = "same cloud",
        [RW_DISTANCE_FAR] = "elsewhere",
    };
    return names[distance];
}
