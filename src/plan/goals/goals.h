/* The customer's goals, each with what the plan has to say of it: a figure of each tier that keeps
 * or breaks it, or why it cannot be judged. No goal is passed over.
 *
 * rw_goals_chapter runs after the money and adds what goals need besides:
 *
 *   goals.TIER.saving     SHARE    what the tier costs less than today's system; not without its
 * cost goals.TIER.support    SECONDS  to the first answer of the tier's support
 *
 * rw_goals_gather reads the finished plan and the intake: the stated figures first, then the
 * targets of the list, then what stands in words, clause by clause. What a goal measures is told by
 * its words; which figure answers it stands in the table of measures.c.
 */
#ifndef RW_PLAN_GOALS_GOALS_H
#define RW_PLAN_GOALS_GOALS_H

#include "plan/intake/intake.h"
#include "plan/plan.h"

enum { RW_GOALS_MAX = 256 };

enum rw_goal_kind { RW_GOAL_STATED, RW_GOAL_LISTED, RW_GOAL_WORDS, RW_GOAL_KINDS };

struct rw_goal_measure {
    const char *words;    /* of the goal, parted by '|'; "" for any */
    unsigned dimension;   /* 0: without a number */
    const char *prefix;   /* of the cells PREFIX.TIER.NAME; NULL: `name` is a cell's whole id */
    const char *name;     /* NULL: no figure of the plan answers it */
    bool at_least;        /* the goal is kept from the figure on; else up to it */
    bool whole;           /* answers only for the whole, not for a part */
    struct rw_label told; /* how it is judged, or why it cannot be */
};

/* Ended by one without words. */
extern const struct rw_goal_measure rw_goal_measures[];
/* The one of them that is for certificates and laws. */
extern const struct rw_goal_measure *const rw_goal_certificates;

struct rw_goal {
    enum rw_goal_kind kind;
    struct rw_label name;
    struct rw_span scope, text; /* as it was written; scope: of which part */
    uint32_t wanted_cell;       /* RW_CELL_NONE: `text` alone says it */
    double wanted;              /* in the unit of `cells` */
    bool judged;                /* else `told` says why not */
    bool at_least;
    uint32_t cells[RW_TIERS_MAX]; /* of each tier; RW_CELL_NONE: not judged */
    struct rw_label told;
    struct rw_conf_place place;
};

struct rw_goals {
    struct rw_goal at[RW_GOALS_MAX];
    unsigned count;
    unsigned left_out; /* more than RW_GOALS_MAX */
};

RW_MUST_CHECK enum rw_err rw_goals_chapter(struct rw_plan *plan);

/* `intake` may be NULL. Texts live as long as plan and intake. */
void rw_goals_gather(const struct rw_plan *plan, const struct rw_intake *intake,
                     struct rw_goals *goals);

/* Whether a tier keeps a goal that is judged. */
bool rw_goal_kept(const struct rw_plan *plan, const struct rw_goal *goal, unsigned tier);

#endif
