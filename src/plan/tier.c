#include "plan/tier.h"

#include <math.h>

/* From the least to the most; each buys something that the one before it does not. */
enum profile {
    ESSENTIAL,
    COPIED,
    GUARDED,
    RESILIENT,
    PREPARED,
    MIRRORED,
    CONTINUOUS,
    ACTIVE,
    PROFILES,
};

static const struct rw_tier_profile profiles[PROFILES] = {
    [ESSENTIAL] =
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
    [COPIED] =
        {
            .name = "copied",
            .label = RW_LABEL("Copied", "异地备份"),
            .buys =
                RW_LABEL("Two zones, data also in a second region, where machines are started "
                         "within three hours and a half when the first is lost",
                         "双可用区，数据同步至第二地域；地域失效时三个半小时内在第二地域启动机器"),
            .zones = 2,
            .regions = 2,
            .failover_minutes = 210,
            .headroom = 0.7,
            .years_committed = 1,
            .support_minutes = 60,
            .replica_remote = true,
        },
    [GUARDED] =
        {
            .name = "guarded",
            .label = RW_LABEL("Guarded", "防护"),
            .buys =
                RW_LABEL("Three zones, data also in a second region, where machines are started "
                         "within two hours when the first is lost",
                         "三可用区，数据同步至第二地域；地域失效时两小时内在第二地域启动机器"),
            .zones = 3,
            .regions = 2,
            .failover_minutes = 120,
            .headroom = 0.68,
            .years_committed = 1,
            .support_minutes = 45,
            .replica_remote = true,
        },
    [RESILIENT] =
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
    [PREPARED] =
        {
            .name = "prepared",
            .label = RW_LABEL("Prepared", "半待命"),
            .buys = RW_LABEL("Three zones, and half of the capacity stands by in a second region, "
                             "which takes over within half an hour",
                             "三可用区，第二地域保有一半待命容量，半小时内接管"),
            .zones = 3,
            .regions = 2,
            .standby_share = 0.5,
            .failover_minutes = 30,
            .headroom = 0.63,
            .years_committed = 3,
            .support_minutes = 30,
            .replica_remote = true,
        },
    [MIRRORED] =
        {
            .name = "mirrored",
            .label = RW_LABEL("Mirrored", "镜像"),
            .buys = RW_LABEL("Two regions of three zones, each able to carry all of the load; the "
                             "second takes over within a quarter of an hour",
                             "双地域各三可用区，任一地域可承载全部负载；一刻钟内接管"),
            .zones = 3,
            .regions = 2,
            .standby_share = 1,
            .failover_minutes = 15,
            .headroom = 0.62,
            .years_committed = 3,
            .support_minutes = 20,
            .replica_remote = true,
        },
    [CONTINUOUS] =
        {
            .name = "continuous",
            .label = RW_LABEL("Continuous", "连续"),
            .buys =
                RW_LABEL("Two regions of three zones, each able to carry all of the load; failover "
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
    [ACTIVE] =
        {
            .name = "active",
            .label = RW_LABEL("Active", "双活"),
            .buys =
                RW_LABEL("Two regions of three zones, both of which serve all the time at half "
                         "of what they can; traffic leaves a lost one within a minute",
                         "双地域各三可用区同时服务，各用一半能力；一地域失效时一分钟内切走流量"),
            .zones = 3,
            .regions = 2,
            .standby_share = 1,
            .failover_minutes = 1,
            .headroom = 0.5,
            .years_committed = 3,
            .support_minutes = 5,
            .replica_remote = true,
            .rehearsed = true,
        },
};

static const char *const ids[RW_TIERS_MAX] = {"t1", "t2", "t3", "t4", "t5", "t6", "t7", "t8"};

/* Which profiles so many tiers are: never one twice. A single tier is the one in the middle. */
static const enum profile choices[RW_TIERS_MAX][RW_TIERS_MAX] = {
    {RESILIENT},
    {ESSENTIAL, CONTINUOUS},
    {ESSENTIAL, RESILIENT, CONTINUOUS},
    {ESSENTIAL, GUARDED, RESILIENT, CONTINUOUS},
    {ESSENTIAL, GUARDED, RESILIENT, PREPARED, CONTINUOUS},
    {ESSENTIAL, COPIED, GUARDED, RESILIENT, PREPARED, CONTINUOUS},
    {ESSENTIAL, COPIED, GUARDED, RESILIENT, PREPARED, MIRRORED, CONTINUOUS},
    {ESSENTIAL, COPIED, GUARDED, RESILIENT, PREPARED, MIRRORED, CONTINUOUS, ACTIVE},
};

enum { tiers_usual = 3 };

unsigned rw_tiers_make(const struct rw_terms *terms, struct rw_tier tiers[RW_TIERS_MAX])
{
    unsigned count = terms->tier_count ? terms->tier_count : tiers_usual;
    for (unsigned i = 0; i < count; i++) {
        const struct rw_tier_profile *profile = &profiles[choices[count - 1][i]];
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
