#include "plan/tier.h"

#include <math.h>

static const struct rw_tier_profile profiles[] = {
    {
        .name = "essential",
        .label = RW_LABEL("Essential", "基础"),
        .buys = RW_LABEL("Two zones of one region, the load and the loss of one zone covered; "
                         "restored from backup when the region is lost",
                         "单地域双可用区，满足负载并可承受单可用区失效；地域失效时从备份恢复"),
        .zones = 2,
        .regions = 1,
        .headroom = 0.7,
        .years_committed = 1,
        .support_minutes = 60,
    },
    {
        .name = "resilient",
        .label = RW_LABEL("Resilient", "增强"),
        .buys = RW_LABEL("Three zones, data also in a second region, where a quarter of the "
                         "capacity stands by",
                         "三可用区，数据同步至第二地域并保有四分之一待命容量"),
        .zones = 3,
        .regions = 2,
        .standby_share = 0.25,
        .failover_minutes = 60,
        .headroom = 0.65,
        .years_committed = 3,
        .support_minutes = 30,
        .replica_remote = true,
    },
    {
        .name = "continuous",
        .label = RW_LABEL("Continuous", "连续"),
        .buys = RW_LABEL("Two regions of three zones, each able to carry all of the load; failover "
                         "rehearsed every quarter",
                         "双地域各三可用区，任一地域可承载全部负载；每季度演练切换"),
        .zones = 3,
        .regions = 2,
        .standby_share = 1,
        .failover_minutes = 5,
        .headroom = 0.6,
        .years_committed = 3,
        .support_minutes = 15,
        .replica_remote = true,
        .rehearsed = true,
    },
};

enum { profile_count = sizeof(profiles) / sizeof(profiles[0]) };

static const char *const ids[RW_TIERS_MAX] = {"t1", "t2", "t3", "t4", "t5", "t6", "t7", "t8"};

/* Evenly from the first profile to the last; a single tier is the one in the middle. */
static const struct rw_tier_profile *profile_for(unsigned index, unsigned count)
{
    if (count == 1)
        return &profiles[1];
    return &profiles[(index * (profile_count - 1) * 2 + (count - 1)) / (2 * (count - 1))];
}

unsigned rw_tiers_make(const struct rw_terms *terms, struct rw_tier tiers[RW_TIERS_MAX])
{
    unsigned count = terms->tier_count ? terms->tier_count : profile_count;
    for (unsigned i = 0; i < count; i++) {
        const struct rw_tier_profile *profile = profile_for(i, count);
        const struct rw_term_tier *term = i < terms->tier_count ? &terms->tiers[i] : NULL;
        bool named = term && term->name;
        tiers[i] = (struct rw_tier){
            .id = ids[i],
            .name = named ? term->name : profile->name,
            .label = named ? (struct rw_label){term->name, term->name} : profile->label,
            .profile = profile,
            .budget = term ? term->budget : NAN,
        };
    }
    return count;
}
