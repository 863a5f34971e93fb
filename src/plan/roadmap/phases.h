/* Within plan/roadmap: the works that a plan may have, in an order in which each stands after what
 * it needs.
 */
#ifndef RW_PLAN_ROADMAP_PHASES_H
#define RW_PLAN_ROADMAP_PHASES_H

#include "plan/roadmap/roadmap.h"

/* Ended by one without an id. */
extern const struct rw_roadmap_entry rw_roadmap_entries[RW_ROADMAP_WORKS_MAX + 1];

#endif
