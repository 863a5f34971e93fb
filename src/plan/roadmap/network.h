/* Within plan/roadmap: our works, what each waits for, and how they lie in the customer's phases.
 */
#ifndef RW_PLAN_ROADMAP_NETWORK_H
#define RW_PLAN_ROADMAP_NETWORK_H

#include "plan/roadmap/roadmap.h"

enum rw_roadmap_pace { RW_ROADMAP_SHORTEST, RW_ROADMAP_LIKELIEST, RW_ROADMAP_LONGEST };

/* Chooses the works of the plan and adds the cells of their days. */
void rw_roadmap_choose_works(struct rw_plan *plan, struct rw_roadmap *roadmap);

/* The customer's phases, with his durations and shares, become roadmap->phases. */
void rw_roadmap_take_phases(struct rw_plan *plan, struct rw_roadmap *roadmap);

/* Lays each work in a phase, once these have their days. */
void rw_roadmap_lay_works(struct rw_roadmap *roadmap);

/* Days that the works of one phase take one after the other, where they wait for each other. */
double rw_roadmap_work_days(const struct rw_roadmap *roadmap, unsigned phase,
                            enum rw_roadmap_pace pace);

/* What does not fit, to plan->findings. */
void rw_roadmap_tell_misfits(struct rw_plan *plan, const struct rw_roadmap *roadmap);

static inline double rw_roadmap_entry_days(const struct rw_roadmap_entry *entry,
                                           enum rw_roadmap_pace pace)
{
    return pace == RW_ROADMAP_SHORTEST  ? entry->low
           : pace == RW_ROADMAP_LONGEST ? entry->high
                                        : entry->mode;
}

#endif
