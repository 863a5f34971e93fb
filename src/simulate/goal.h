/* The kinds of goals: one table entry for each, with its keys in the file, its unit, and what it
 * compares. A new kind is one new entry.
 */
#ifndef RW_SIMULATE_GOAL_H
#define RW_SIMULATE_GOAL_H

#include "report/label.h"
#include "report/unit.h"
#include "simulate/run.h"

struct rw_simulate_goal_latency {
    double percentile;
    uint32_t most_ms;
};
struct rw_simulate_goal_availability {
    double least_percent;
};
struct rw_simulate_goal_nodes {
    uint32_t most;
};
struct rw_simulate_goal_cost {
    double most;
    int per; /* enum rw_simulate_per */
};
struct rw_simulate_goal_busy {
    double most_percent;
};
struct rw_simulate_goal_memory {
    double most_percent;
};

enum rw_simulate_per { RW_SIMULATE_PER_RUN, RW_SIMULATE_PER_HOUR, RW_SIMULATE_PER_MONTH };

enum rw_simulate_goal_what {
    RW_SIMULATE_GOAL_LATENCY,
    RW_SIMULATE_GOAL_AVAILABILITY,
    RW_SIMULATE_GOAL_NODES,
    RW_SIMULATE_GOAL_COST,
    RW_SIMULATE_GOAL_BUSY,
    RW_SIMULATE_GOAL_MEMORY,
    RW_SIMULATE_GOAL_KINDS
};

struct rw_simulate_goal_kind {
    struct rw_conf_variant_kind key; /* its `user` points back here */
    struct rw_label label;
    enum rw_unit unit;
    bool at_least; /* the limit is a floor, not a ceiling */
    double (*limit)(const void *value);
    /* What it came to; NaN: nothing, INFINITY: without bound. */
    double (*value)(const struct rw_simulate_model *model, const struct rw_simulate_ledger *ledger,
                    const void *value);
    /* Behind the label: " p99". NULL: nothing. */
    void (*detail)(const void *value, struct rw_text *text);
};

/* NULL-terminated: the tables' variants. */
extern const struct rw_conf_variant_kind *const rw_simulate_goal_kinds[];

static inline const struct rw_simulate_goal_kind *
rw_simulate_goal_kind(const struct rw_simulate_goal *goal)
{
    return goal->what.kind->user;
}

static inline bool rw_simulate_goal_is(const struct rw_simulate_goal *goal,
                                       enum rw_simulate_goal_what what)
{
    return goal->what.kind == rw_simulate_goal_kinds[what];
}

/* The file's own name for it, or "Latency p99". */
void rw_simulate_goal_name(const struct rw_simulate_goal *goal, enum rw_language language,
                           struct rw_text *text);
struct rw_quantity rw_simulate_goal_quantity(const struct rw_simulate_model *model,
                                             const struct rw_simulate_goal *goal, double value);
bool rw_simulate_goal_holds(const struct rw_simulate_goal *goal, double value);

/* Of the errors that the availability goals allow, the share that was made: the most of all of
 * them; NaN: there is no such goal. */
double rw_simulate_budget_used(const struct rw_simulate_model *model,
                               const struct rw_simulate_ledger *ledger);

#endif
