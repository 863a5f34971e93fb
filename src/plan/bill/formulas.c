#include "plan/bill/formulas.h"

#include "plan/model/finance.h"
#include "plan/model/scale.h"

#include <math.h>
#include <string.h>

static const double gibibyte = 1073741824.0;

static void nodes_here(double *out, const struct rw_formula_inputs *in)
{
    const double *const *c = in->column;
    for (size_t i = 0; i < in->rows; i++)
        out[i] = rw_model_round_up(c[0][i] * c[1][i]) + rw_model_round_up(c[2][i] * c[3][i]);
}

static void machines(double *out, const struct rw_formula_inputs *in)
{
    const double *const *c = in->column;
    for (size_t i = 0; i < in->rows; i++)
        out[i] = rw_model_round_up(c[0][i] * c[1][i] / c[2][i]);
}

static void base(double *out, const struct rw_formula_inputs *in)
{
    const double *const *c = in->column;
    for (size_t i = 0; i < in->rows; i++)
        out[i] = fmin(c[0][i], rw_model_round_up(c[0][i] / fmax(1, c[1][i])));
}

static void gib(double *out, const struct rw_formula_inputs *in)
{
    const double *const *c = in->column;
    for (size_t i = 0; i < in->rows; i++)
        out[i] = c[0][i] * c[1][i] / gibibyte;
}

static void pieces(double *out, const struct rw_formula_inputs *in)
{
    gib(out, in);
    for (size_t i = 0; i < in->rows; i++)
        out[i] = rw_model_round_up(out[i] / in->column[2][i]);
}

static void breakeven(double *out, const struct rw_formula_inputs *in)
{
    for (size_t i = 0; i < in->rows; i++)
        out[i] = rw_model_commit_breakeven(in->column[0][i], in->column[1][i]);
}

static void year(double *out, const struct rw_formula_inputs *in)
{
    for (size_t i = 0; i < in->rows; i++)
        out[i] = 12 * in->column[0][i];
}

const struct rw_formula rw_bill_nodes_here = {nodes_here, "⌈{0} × {1}⌉ + ⌈{2} × {3}⌉", NULL};
const struct rw_formula rw_bill_machines = {machines, "⌈{0} × {1} / {2}⌉", NULL};
const struct rw_formula rw_bill_base = {base, "⌈{0} / {1}⌉", "commit_breakeven"};
const struct rw_formula rw_bill_gib = {gib, "{0} × {1} / 2^30", NULL};
const struct rw_formula rw_bill_pieces = {pieces, "⌈{0} × {1} / 2^30 / {2}⌉", NULL};
const struct rw_formula rw_bill_breakeven = {breakeven, "{0} / {1}", "commit_breakeven"};
const struct rw_formula rw_bill_year = {year, "12 × {0}", NULL};

/* ---- Steps ---- */

static void cost_in_steps(double *out, const struct rw_formula_inputs *in,
                          const struct rw_bill_article *article)
{
    struct rw_model_price_step steps[RW_BILL_STEPS_MAX];
    for (size_t i = 0; i < in->rows; i++) {
        unsigned count = in->count - 2;
        double from = 0;
        for (unsigned j = 0; j < count; j++) {
            double to = article->upto[j] > 0 ? article->upto[j] : INFINITY;
            steps[j] = (struct rw_model_price_step){from, to, in->column[2 + j][i]};
            from = to;
        }
        out[i] = 100 * in->column[1][i] * rw_model_price_steps(in->column[0][i], steps, count);
    }
}

#define STEPS(provider)                                                                            \
    static void steps_##provider(double *out, const struct rw_formula_inputs *in)                  \
    {                                                                                              \
        cost_in_steps(out, in, rw_bill_article(#provider, RW_BILL_EGRESS));                        \
    }

STEPS(aws)
STEPS(azure)
STEPS(gcp)

const struct rw_formula *rw_bill_steps(const char *provider)
{
    static const char text[] = "steps({,})";
    static const struct {
        const char *provider;
        struct rw_formula formula;
    } formulas[] = {
        {"aws", {steps_aws, text, "tiered_price"}},
        {"azure", {steps_azure, text, "tiered_price"}},
        {"gcp", {steps_gcp, text, "tiered_price"}},
    };
    for (size_t i = 0; i < sizeof(formulas) / sizeof(*formulas); i++)
        if (strcmp(formulas[i].provider, provider) == 0)
            return &formulas[i].formula;
    return NULL;
}
