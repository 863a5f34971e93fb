/* Formulas: what computes a cell from its inputs, a column at a time.
 *
 * A formula is a constant with a C function and the text that a reader sees. The function gets one
 * column per input and fills one column: a single row for the plan, a block of rows for the draws
 * of a Monte Carlo run. It keeps no state and allocates nothing, so it can run on any thread.
 * It never sees a missing input: when one is missing, the sheet marks the result missing itself.
 *
 * In the text, {0}, {1}... stand for the inputs; {*} for all of them joined by " + ", {x} by " × ",
 * {/} by " / " and {,} by ", ". Their labels are put in, so one text serves every language:
 *
 *     static void interactive(double *out, const struct rw_formula_inputs *in)
 *     {
 *         for (size_t i = 0; i < in->rows; i++)
 *             out[i] = rw_model_interactive_rate(in->column[0][i], in->column[1][i], ...);
 *     }
 *     static const struct rw_formula formula = {interactive, "{0} / ({1} + {2})", "interactive"};
 */
#ifndef RW_PLAN_FORMULA_H
#define RW_PLAN_FORMULA_H

#include <stddef.h>

struct rw_formula_inputs {
    const double *const *column; /* one for each input, each of `rows` values */
    unsigned count;              /* of inputs */
    unsigned part;               /* the cell's `part`: which of several results is wanted */
    size_t rows;
};

struct rw_formula {
    void (*evaluate)(double *out, const struct rw_formula_inputs *in);
    const char *text;
    const char *model; /* id in data/plan/models.yaml, or NULL */
};

/* The usual ones. MONEY results are rounded to whole cents by the sheet, so a line item is a
 * product, and a total is a sum of line items. */
extern const struct rw_formula rw_formula_same;       /* {0} */
extern const struct rw_formula rw_formula_sum;        /* {*} */
extern const struct rw_formula rw_formula_difference; /* {0} - {1} */
extern const struct rw_formula rw_formula_product;    /* of all inputs */
extern const struct rw_formula rw_formula_ratio;      /* {0} / {1}; missing where {1} is 0 */
extern const struct rw_formula rw_formula_ceiling;    /* of a ratio: whole things to buy */
extern const struct rw_formula rw_formula_least;      /* min of all */
extern const struct rw_formula rw_formula_greatest;   /* max of all */
extern const struct rw_formula rw_formula_complement; /* 1 - {0} */
extern const struct rw_formula rw_formula_line_item; /* cents: 100 x product (PRICE x count x...) */
extern const struct rw_formula rw_formula_share_of;  /* {0} x {1}, the latter a SHARE */
/* Part `part` of {0} cents by the weights {1}, {2}...: the parts add up to {0} to the cent
 * (largest remainder; of equal remainders the earlier part gets the cent). */
extern const struct rw_formula rw_formula_split;

enum { RW_SPLIT_PARTS_MAX = 64 };

/* The same for any number of whole cents; weights are at least 0 and not all 0. */
void rw_split_cents(double total, const double *weights, unsigned count, double *parts);

#endif
