#include "gate/cluster/balance/residency.h"

static bool fits(struct rw_span pattern, struct rw_span region)
{
    bool begins = pattern.len && pattern.at[pattern.len - 1] == '*';
    if (begins)
        return rw_span_starts(region, rw_span(pattern.at, pattern.len - 1));
    return rw_span_eq(region, pattern);
}

bool rw_regions_have(const struct rw_regions *regions, struct rw_span region)
{
    for (size_t i = 0; region.len && i < regions->count; i++)
        if (fits(regions->patterns[i], region))
            return true;
    return false;
}

bool rw_residency_admits(const struct rw_residency *residency, const struct rw_locality *locality)
{
    for (; residency; residency = residency->outer)
        if (residency->regions.count && !rw_regions_have(&residency->regions, locality->region))
            return false;
    return true;
}

bool rw_residency_binds(const struct rw_residency *residency)
{
    while (residency && residency->regions.count == 0)
        residency = residency->outer;
    return residency != NULL;
}
