#include "plan/formula.h"

#include "base/err.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>

static void same(double *out, const struct rw_formula_inputs *in)
{
    for (size_t i = 0; i < in->rows; i++)
        out[i] = in->column[0][i];
}

static void sum(double *out, const struct rw_formula_inputs *in)
{
    same(out, in);
    for (unsigned k = 1; k < in->count; k++)
        for (size_t i = 0; i < in->rows; i++)
            out[i] += in->column[k][i];
}

static void difference(double *out, const struct rw_formula_inputs *in)
{
    for (size_t i = 0; i < in->rows; i++)
        out[i] = in->column[0][i] - in->column[1][i];
}

static void product(double *out, const struct rw_formula_inputs *in)
{
    same(out, in);
    for (unsigned k = 1; k < in->count; k++)
        for (size_t i = 0; i < in->rows; i++)
            out[i] *= in->column[k][i];
}

static void ratio(double *out, const struct rw_formula_inputs *in)
{
    for (size_t i = 0; i < in->rows; i++) {
        double below = in->column[1][i];
        out[i] = below == 0 ? NAN : in->column[0][i] / below;
    }
}

/* 12.000000000000002 boxes are 12: what only rounding put above a whole number buys nothing. */
static double whole_up(double value)
{
    double near = rint(value);
    return fabs(value - near) <= 1e-9 * fmax(1, fabs(value)) ? near : ceil(value);
}

static void ceiling(double *out, const struct rw_formula_inputs *in)
{
    if (in->count > 1)
        ratio(out, in);
    else
        same(out, in);
    for (size_t i = 0; i < in->rows; i++)
        out[i] = whole_up(out[i]);
}

static void least(double *out, const struct rw_formula_inputs *in)
{
    same(out, in);
    for (unsigned k = 1; k < in->count; k++)
        for (size_t i = 0; i < in->rows; i++)
            out[i] = in->column[k][i] < out[i] ? in->column[k][i] : out[i];
}

static void greatest(double *out, const struct rw_formula_inputs *in)
{
    same(out, in);
    for (unsigned k = 1; k < in->count; k++)
        for (size_t i = 0; i < in->rows; i++)
            out[i] = in->column[k][i] > out[i] ? in->column[k][i] : out[i];
}

static void complement(double *out, const struct rw_formula_inputs *in)
{
    for (size_t i = 0; i < in->rows; i++)
        out[i] = 1 - in->column[0][i];
}

static void line_item(double *out, const struct rw_formula_inputs *in)
{
    product(out, in);
    for (size_t i = 0; i < in->rows; i++)
        out[i] *= 100;
}

/* The part with the largest remainder that has not had its cent yet. */
static unsigned next_part(const double *remainders, const bool *served, unsigned count)
{
    unsigned best = count;
    for (unsigned i = 0; i < count; i++)
        if (!served[i] && (best == count || remainders[i] > remainders[best]))
            best = i;
    return best;
}

void rw_split_cents(double total, const double *weights, unsigned count, double *parts)
{
    double remainders[RW_SPLIT_PARTS_MAX], all = 0, rest = fabs(total);
    bool served[RW_SPLIT_PARTS_MAX] = {false};
    rw_assert(count > 0 && count <= RW_SPLIT_PARTS_MAX);
    for (unsigned i = 0; i < count; i++)
        all += weights[i];
    for (unsigned i = 0; i < count; i++) {
        double exact = all > 0 ? fabs(total) * (weights[i] / all) : NAN;
        parts[i] = floor(exact);
        remainders[i] = exact - parts[i];
        rest -= parts[i];
    }
    /* Less than a cent is left for each part; NaN and infinities leave nothing to give. */
    unsigned cents = rest >= 1 && rest <= count ? (unsigned)rest : 0;
    for (unsigned i = 0; i < cents; i++) {
        unsigned part = next_part(remainders, served, count);
        served[part] = true;
        parts[part]++;
    }
    /* Of sums near 2^53 the products themselves are off by cents. */
    parts[0] += rest - cents;
    for (unsigned i = 0; i < count && total < 0; i++)
        parts[i] = -parts[i];
}

static void split(double *out, const struct rw_formula_inputs *in)
{
    double weights[RW_SPLIT_PARTS_MAX], parts[RW_SPLIT_PARTS_MAX];
    unsigned count = in->count - 1;
    for (size_t i = 0; i < in->rows; i++) {
        for (unsigned k = 0; k < count; k++)
            weights[k] = in->column[k + 1][i];
        rw_split_cents(rint(in->column[0][i]), weights, count, parts);
        out[i] = parts[in->part];
    }
}

const struct rw_formula rw_formula_same = {same, "{0}", NULL};
const struct rw_formula rw_formula_sum = {sum, "{*}", NULL};
const struct rw_formula rw_formula_difference = {difference, "{0} - {1}", NULL};
const struct rw_formula rw_formula_product = {product, "{x}", NULL};
const struct rw_formula rw_formula_ratio = {ratio, "{0} / {1}", NULL};
const struct rw_formula rw_formula_ceiling = {ceiling, "ceil({/})", NULL};
const struct rw_formula rw_formula_least = {least, "min({,})", NULL};
const struct rw_formula rw_formula_greatest = {greatest, "max({,})", NULL};
const struct rw_formula rw_formula_complement = {complement, "1 - {0}", NULL};
const struct rw_formula rw_formula_line_item = {line_item, "{x}", NULL};
const struct rw_formula rw_formula_share_of = {product, "{0} × {1}", NULL};
const struct rw_formula rw_formula_split = {split, "split({,})", NULL};
