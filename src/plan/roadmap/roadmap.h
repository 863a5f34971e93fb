/* The roadmap chapter: phases with what they depend on, how long they take, what they cost of the
 * budget, how each is accepted and taken back; laid against the customer's date.
 *
 * rw_roadmap_chapter runs after the bill. Our works (assess, design, ... handover) follow from the
 * plan: a second site needs links, frameworks an assessment. They are the phases, unless the
 * customer has phases of his own: then those are the phases, with his durations and shares, and
 * each work is laid in one of them (network.h): by the words of its name, else where it falls in
 * time. What does not fit is told: phase_too_short, phase_tight, phase_order, phase_unnamed. Cells:
 *
 *   roadmap.WORK.days             DAYS   assumed, with a range that draws vary
 *   roadmap.PHASE.days            DAYS   of the customer's phases (p1, p2...): given, or assumed
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

enum {
    RW_ROADMAP_PHASES_MAX = RW_TERM_PHASES_MAX,
    RW_ROADMAP_WORKS_MAX = 11,
    RW_ROADMAP_NEEDS_MAX = 4,
};

struct rw_roadmap_entry {
    const char *id;
    const char *words; /* of a work: names of phases that it may be part of, parted by '|' */
    struct rw_label name, does, acceptance, rollback;
    double low, mode, high;                  /* days */
    double weight;                           /* of the budget */
    const char *needs[RW_ROADMAP_NEEDS_MAX]; /* works that are not there are passed over to what
                                                they need */
};

/* One of our works, with those that it waits for. */
struct rw_roadmap_work {
    const struct rw_roadmap_entry *entry;
    unsigned needs[RW_ROADMAP_WORKS_MAX]; /* places in rw_roadmap.works */
    unsigned need_count;
    uint32_t days;              /* cell */
    double transfer;            /* days that the data need besides */
    double first_day, last_day; /* when nothing but the works decides */
    unsigned phase;             /* that it is laid in */
    bool named;                 /* by the words of the phase's name */
};

struct rw_roadmap_phase {
    const struct rw_roadmap_entry *entry;  /* of the customer's phases made for them */
    const struct rw_term_phase *own;       /* the customer's; NULL: one of our works */
    unsigned needs[RW_ROADMAP_PHASES_MAX]; /* places in rw_roadmap.phases */
    unsigned need_count;
    uint32_t days, start, end, share; /* cells */
    double transfer;                  /* days in it that are the data's */
    double first_day, last_day;       /* at the plan's values, from 0 */
    bool critical;                    /* a day more here is a day more in the end */
};

struct rw_roadmap {
    struct rw_roadmap_phase phases[RW_ROADMAP_PHASES_MAX]; /* each after what it needs */
    unsigned phase_count;
    struct rw_roadmap_work works[RW_ROADMAP_WORKS_MAX]; /* each after what it needs */
    unsigned work_count;
    bool own;                           /* the phases are the customer's */
    double days, days_least, days_most; /* all of it, at the modes, lows and highs */
    double finish, earliest;            /* dates; NaN: the plan has none */
    bool impossible;                    /* the deadline is before `earliest` */
};

RW_MUST_CHECK enum rw_err rw_roadmap_chapter(struct rw_plan *plan);

#endif
