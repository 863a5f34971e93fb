#include "plan/bill/formulas.h"

#include "plan/model/finance.h"
#include "plan/model/scale.h"

#include <math.h>

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
        out[i] = fmax(rw_model_round_up(c[0][i] * c[1][i] / c[2][i]), fmin(c[0][i], c[3][i]));
}

static void base(double *out, const struct rw_formula_inputs *in)
{
    const double *const *c = in->column;
    for (size_t i = 0; i < in->rows; i++)
        out[i] = fmin(c[0][i], rw_model_round_up(c[0][i] / fmax(1, c[1][i])));
}

static void pieces(double *out, const struct rw_formula_inputs *in)
{
    const double *const *c = in->column;
    for (size_t i = 0; i < in->rows; i++)
        out[i] = rw_model_round_up(c[0][i] * c[1][i] * c[3][i] / gibibyte / c[2][i]);
}

static void step(double *out, const struct rw_formula_inputs *in)
{
    const double *const *c = in->column;
    for (size_t i = 0; i < in->rows; i++)
        out[i] = fmax(0, fmin(c[0][i], c[2][i]) - c[1][i]);
}

/* The bytes at their mean, as units are counted by the hour; connections at the peak. */
static void units(double *out, const struct rw_formula_inputs *in)
{
    const double *const *c = in->column;
    for (size_t i = 0; i < in->rows; i++)
        out[i] = rw_model_round_up(c[0][i] * fmax(c[1][i] / 730 / gibibyte, c[2][i] / c[3][i]));
}

static void millions(double *out, const struct rw_formula_inputs *in)
{
    const double *const *c = in->column;
    for (size_t i = 0; i < in->rows; i++)
        out[i] = rw_model_round_up(c[0][i] * c[1][i] * c[2][i] / 1e6);
}

/* Connections at the peak, requests at their mean: units are counted by the hour. */
static void firewall_units(double *out, const struct rw_formula_inputs *in)
{
    const double *const *c = in->column;
    for (size_t i = 0; i < in->rows; i++)
        out[i] = rw_model_round_up(c[0][i] *
                                   fmax(c[1][i] / 2500, c[2][i] * c[3][i] / (730 * 3600.0) / 10));
}

static void spent(double *out, const struct rw_formula_inputs *in)
{
    const double *const *c = in->column;
    for (size_t i = 0; i < in->rows; i++) {
        double dollars = rw_model_round_up(c[0][i] / 100 / c[1][i]);
        out[i] = dollars < c[2][i] ? c[2][i] : dollars;
    }
}

static void hours(double *out, const struct rw_formula_inputs *in)
{
    for (size_t i = 0; i < in->rows; i++)
        out[i] = rint(730 * in->column[0][i]);
}

static void paid(double *out, const struct rw_formula_inputs *in)
{
    const double *const *c = in->column;
    for (size_t i = 0; i < in->rows; i++)
        out[i] = rint(c[0][i] * c[1][i] * 1e6) / 1e6;
}

static void breakeven(double *out, const struct rw_formula_inputs *in)
{
    for (size_t i = 0; i < in->rows; i++)
        out[i] = rw_model_commit_breakeven(in->column[0][i], in->column[1][i]);
}

const struct rw_formula rw_bill_nodes_here = {nodes_here, "⌈{0} × {1}⌉ + ⌈{2} × {3}⌉", NULL};
const struct rw_formula rw_bill_machines = {machines, "max(⌈{0} × {1} / {2}⌉, min({0}, {3}))",
                                            NULL};
const struct rw_formula rw_bill_base = {base, "⌈{0} / {1}⌉", "commit_breakeven"};
const struct rw_formula rw_bill_pieces = {pieces, "⌈{0} × {1} × {3} / 2^30 / {2}⌉", NULL};
const struct rw_formula rw_bill_step = {step, "max(0, min({0}, {2}) - {1})", "tiered_price"};
const struct rw_formula rw_bill_units = {units, "⌈{0} × max({1} / 730 h / 2^30, {2} / {3})⌉", NULL};
const struct rw_formula rw_bill_millions = {millions, "⌈{0} × {1} × {2} / 10^6⌉", NULL};
const struct rw_formula rw_bill_firewall_units = {
    firewall_units, "⌈{0} × max({1} / 2500, {2} × {3} / 730 h / 10/s)⌉", NULL};
const struct rw_formula rw_bill_spent = {spent, "max({2}, ⌈{0} / {1}⌉)", NULL};
const struct rw_formula rw_bill_breakeven = {breakeven, "{0} / {1}", "commit_breakeven"};
const struct rw_formula rw_bill_hours = {hours, "730 h × {0}", NULL};
const struct rw_formula rw_bill_paid = {paid, "{0} × {1}", NULL};
