/* Tiers: what a customer may choose between. They differ in what they buy (zones, regions, room,
 * commitments, support) and so in what they can guarantee; sizing and bill follow from these
 * properties, never from the tier's name or price.
 *
 * A plan has one to RW_TIERS_MAX of them, each with a profile of its own. The first is the least
 * that meets the load, the last survives the loss of a region, and those between buy more step by
 * step.
 */
#ifndef RW_PLAN_TIER_H
#define RW_PLAN_TIER_H

#include "plan/terms.h"

struct rw_tier_profile {
    const char *name;      /* "essential", "resilient", "continuous" */
    struct rw_label label; /* for people */
    struct rw_label buys;  /* one sentence */
    unsigned zones, regions;
    double standby_share; /* of the capacity, running in the second region */
    double headroom;      /* highest utilisation planned for */
    double years_committed;
    double failover_minutes; /* to the other region; 0: there is none */
    double support_minutes;  /* first answer, at any hour */
    bool replica_remote;     /* the data is also in another region */
    bool rehearsed;          /* failover is exercised every quarter */
};

struct rw_tier {
    const char *id;   /* "t1": part of the cells' ids */
    const char *name; /* the customer's, or the profile's */
    struct rw_label label;
    const struct rw_tier_profile *profile;
    double budget; /* cents; NaN: none */
};

/* Fills `tiers` from the terms; returns how many. */
unsigned rw_tiers_make(const struct rw_terms *terms, struct rw_tier tiers[RW_TIERS_MAX]);

#endif
