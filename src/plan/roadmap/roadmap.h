/* The roadmap chapter: phases with what they depend on, how long they take, what they cost of the
 * budget, how each is accepted and taken back; laid against the customer's date.
 *
 * rw_roadmap_chapter runs after the bill. Which phases there are follows from the plan (a second
 * site needs links, frameworks an assessment). Cells:
 *
 *   roadmap.PHASE.days            DAYS   assumed, with a range that draws vary
 *   roadmap.PHASE.start, .end     DAYS   from the beginning: after the last it depends on
 *   roadmap.PHASE.share           SHARE  of the budget
 *   roadmap.transfer.days         DAYS   that the stored data need through the link
 *   roadmap.days                  DAYS   all of it
 *   roadmap.finish                DATE   when the plan has a date
 *   roadmap.earliest              DATE   with every phase at its shortest
 *   roadmap.TIER.PHASE.budget     MONEY  parts of the tier's budget, which add up to the cent
 */
#ifndef RW_PLAN_ROADMAP_ROADMAP_H
#define RW_PLAN_ROADMAP_ROADMAP_H

#include "plan/plan.h"

enum { RW_ROADMAP_PHASES_MAX = 12, RW_ROADMAP_NEEDS_MAX = 4 };

struct rw_roadmap_entry {
    const char *id;
    struct rw_label name, does, acceptance, rollback;
    double low, mode, high;                  /* days */
    double weight;                           /* of the budget */
    const char *needs[RW_ROADMAP_NEEDS_MAX]; /* phases that are not there are passed over to what
                                                they need */
};

struct rw_roadmap_phase {
    const struct rw_roadmap_entry *entry;
    unsigned needs[RW_ROADMAP_PHASES_MAX]; /* places in rw_roadmap.phases */
    unsigned need_count;
    uint32_t days, start, end, share; /* cells */
    double first_day, last_day;       /* at the plan's values, from 0 */
    bool critical;                    /* a day more here is a day more in the end */
};

struct rw_roadmap {
    struct rw_roadmap_phase phases[RW_ROADMAP_PHASES_MAX]; /* each after what it needs */
    unsigned phase_count;
    double days, days_least, days_most; /* all of it, at the modes, lows and highs */
    double finish, earliest;            /* dates; NaN: the plan has none */
    bool impossible;                    /* the deadline is before `earliest` */
};

RW_MUST_CHECK enum rw_err rw_roadmap_chapter(struct rw_plan *plan);

#endif
