/* Monte Carlo and sensitivity over a finished sheet.
 *
 * rw_draws_run draws every uncertain input anew, many times, and computes what the watched cells
 * depend on, a block of rows at a time; what is certain, or of no use to a watched cell, is not
 * computed again. Each uncertain input has its own random stream, seeded by `seed` and its id: the
 * same seed gives the same draws, and another input more does not move them.
 * rw_swings moves one input at a time to both ends of its range. Neither changes the sheet.
 */
#ifndef RW_PLAN_DRAWS_DRAWS_H
#define RW_PLAN_DRAWS_DRAWS_H

#include "plan/sheet.h"

enum {
    RW_DRAWS_MAX = 1000000,
    RW_DRAWS_WATCHED_MAX = 64,
    RW_DRAWS_CLASSES = 30, /* of the histogram */
};

/* What the draws of one cell came to. All NaN when the cell is missing. */
struct rw_draws_range {
    uint32_t cell;
    double low, median, high; /* 10 %, 50 % and 90 % quantiles */
    double mean;              /* of the finite ones */
    double least, most;       /* of the finite ones */
    double below_zero;        /* share of draws */
    double within_plan;       /* share of draws that are at most what the plan says */
    double unbounded;         /* share of draws that came to no number or to infinity */
    /* Draws in classes of equal width from the 1 % to the 99 % quantile; the outermost classes hold
     * what lies beyond. */
    double class_from, class_width;
    unsigned classes[RW_DRAWS_CLASSES];
};

/* RW_ELIMIT: more than RW_DRAWS_MAX draws or RW_DRAWS_WATCHED_MAX cells; RW_ENOMEM. No draws: the
 * plan's values stand for all. `ranges` has one for each of `cells`. */
RW_MUST_CHECK enum rw_err rw_draws_run(const struct rw_sheet *sheet, uint64_t seed, unsigned draws,
                                       const uint32_t *cells, unsigned count,
                                       struct rw_draws_range *ranges);

/* One input's influence on a cell. */
struct rw_swing {
    uint32_t input;
    double low, high;       /* of the input */
    double at_low, at_high; /* the cell's value there */
};

/* The inputs that move `cell` the most, widest first; returns how many (at most `room`). */
unsigned rw_swings(struct rw_sheet *sheet, uint32_t cell, struct rw_swing *swings, unsigned room);

/* Within draws, and for its test: `rows` draws of a spread into `column`. */
struct rw_random;
void rw_draws_sample(const struct rw_spread *spread, struct rw_random *random, double *column,
                     size_t rows);

#endif
