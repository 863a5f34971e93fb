#include "plan/model/scale.h"

#include "plan/model/domain.h"

static bool usl_valid(double sigma, double kappa)
{
    return rw_model_share(sigma) && rw_model_nonnegative(kappa);
}

double rw_model_usl_rate(double nodes, double lambda1, double sigma, double kappa)
{
    if (!rw_model_positive(nodes) || !rw_model_nonnegative(lambda1) || !usl_valid(sigma, kappa))
        return RW_MODEL_INVALID;
    /* Below one node the law says nothing; the line through the origin does. */
    if (nodes < 1)
        return lambda1 * nodes;
    return lambda1 * nodes / (1 + sigma * (nodes - 1) + kappa * nodes * (nodes - 1));
}

double rw_model_usl_nodes_best(double sigma, double kappa)
{
    if (!usl_valid(sigma, kappa))
        return RW_MODEL_INVALID;
    return kappa == 0 ? INFINITY : fmax(1, sqrt((1 - sigma) / kappa));
}

double rw_model_usl_rate_roof(double lambda1, double sigma, double kappa)
{
    if (!rw_model_nonnegative(lambda1) || !usl_valid(sigma, kappa))
        return RW_MODEL_INVALID;
    if (kappa > 0)
        return rw_model_usl_rate(rw_model_usl_nodes_best(sigma, kappa), lambda1, sigma, kappa);
    if (lambda1 == 0)
        return 0;
    return sigma == 0 ? INFINITY : lambda1 / sigma;
}

/* ---- The fit: N / X = b0 + b1 (N - 1) + b2 N (N - 1), with lambda1 = 1 / b0 ---- */

/* Normal equations of the terms that are kept; the others are zero. */
struct equations {
    double matrix[3][4];
};

static void add_point(struct equations *equations, double nodes, double rate)
{
    /* The weight makes it the relative error of X that is squared, not that of N / X. */
    double weight = rate / nodes;
    double row[4] = {weight, weight * (nodes - 1), weight * nodes * (nodes - 1), 1};
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 4; j++)
            equations->matrix[i][j] += row[i] * row[j];
}

static void swap_rows(double a[4], double b[4])
{
    for (int i = 0; i < 4; i++) {
        double keep = a[i];
        a[i] = b[i];
        b[i] = keep;
    }
}

static bool eliminate(double matrix[3][4], int column)
{
    int pivot = column;
    for (int i = column + 1; i < 3; i++)
        if (fabs(matrix[i][column]) > fabs(matrix[pivot][column]))
            pivot = i;
    if (!(fabs(matrix[pivot][column]) > 1e-12))
        return false;
    swap_rows(matrix[pivot], matrix[column]);
    for (int i = 0; i < 3; i++) {
        double factor = i == column ? 0 : matrix[i][column] / matrix[column][column];
        for (int j = column; j < 4 && factor != 0; j++)
            matrix[i][j] -= factor * matrix[column][j];
    }
    return true;
}

static bool solve(struct equations equations, const bool kept[3], double out[3])
{
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 4 && !kept[i]; j++) {
            equations.matrix[i][j] = i == j;
            if (j < 3)
                equations.matrix[j][i] = i == j;
        }
    /* Scaled to ones on the diagonal, so that the pivots can be judged. */
    double scale[3];
    for (int i = 0; i < 3; i++)
        scale[i] = sqrt(equations.matrix[i][i]);
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 4; j++)
            equations.matrix[i][j] /= scale[i] * (j < 3 ? scale[j] : 1);
    for (int i = 0; i < 3; i++)
        if (!eliminate(equations.matrix, i))
            return false;
    for (int i = 0; i < 3; i++)
        out[i] = equations.matrix[i][3] / equations.matrix[i][i] / scale[i];
    return true;
}

static double fit_error(const struct rw_model_usl *fit, const double *nodes, const double *rates,
                        size_t count)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++) {
        double error =
            rw_model_usl_rate(nodes[i], fit->lambda1, fit->sigma, fit->kappa) / rates[i] - 1;
        sum += error * error;
    }
    return sqrt(sum / (double)count);
}

static bool points_valid(const double *nodes, const double *rates, size_t count)
{
    if (count < RW_MODEL_USL_POINTS_MIN || count > RW_MODEL_USL_POINTS_MAX)
        return false;
    size_t different = 0;
    for (size_t i = 0; i < count; i++) {
        if (!(nodes[i] >= 1 && isfinite(nodes[i])) || !rw_model_positive(rates[i]))
            return false;
        size_t earlier = 0;
        while (earlier < i && nodes[earlier] != nodes[i])
            earlier++;
        different += earlier == i;
    }
    return different >= RW_MODEL_USL_POINTS_MIN;
}

bool rw_model_usl_fit(const double *nodes, const double *rates, size_t count,
                      struct rw_model_usl *fit)
{
    if (!points_valid(nodes, rates, count))
        return false;
    struct equations equations = {0};
    for (size_t i = 0; i < count; i++)
        add_point(&equations, nodes[i], rates[i]);
    /* The best of the fits with all terms, without one of them, without both, that is in range. */
    static const bool kept[4][3] = {
        {true, true, true}, {true, true, false}, {true, false, true}, {true, false, false}};
    bool found = false;
    for (int i = 0; i < 4; i++) {
        double out[3];
        if (!solve(equations, kept[i], out) || !rw_model_positive(out[0]))
            continue;
        struct rw_model_usl next = {1 / out[0], out[1] / out[0], out[2] / out[0], 0};
        if (!usl_valid(next.sigma, next.kappa))
            continue;
        next.error = fit_error(&next, nodes, rates, count);
        if (!found || next.error < fit->error)
            *fit = next;
        found = true;
    }
    return found;
}

/* ---- The others ---- */

double rw_model_fanout_slow(double p, double calls)
{
    if (!rw_model_share(p) || !(calls >= 1 && isfinite(calls)))
        return RW_MODEL_INVALID;
    return p == 1 ? 1 : -expm1(calls * log1p(-p));
}

double rw_model_fanout_leaf(double target, double calls)
{
    if (!rw_model_share(target) || !(calls >= 1 && isfinite(calls)))
        return RW_MODEL_INVALID;
    return target == 1 ? 1 : -expm1(log1p(-target) / calls);
}

double rw_model_round_up(double value)
{
    double whole = floor(value);
    return value - whole <= 1e-9 * fmax(1, fabs(whole)) ? whole : ceil(value);
}

double rw_model_hpa_replicas(double current, double metric, double target, double tolerance)
{
    bool valid = rw_model_count(current, 1, 1e9) && rw_model_nonnegative(metric) &&
                 rw_model_positive(target) && rw_model_nonnegative(tolerance);
    if (!valid)
        return RW_MODEL_INVALID;
    double ratio = metric / target;
    return fabs(ratio - 1) <= tolerance ? current : rw_model_round_up(current * ratio);
}

double rw_model_headroom_utilization(double growth_per_s, double scale_out_s)
{
    bool valid = rw_model_nonnegative(growth_per_s) && rw_model_nonnegative(scale_out_s);
    return valid ? 1 / (1 + growth_per_s * scale_out_s) : RW_MODEL_INVALID;
}

double rw_model_headroom_nodes(double peak_rate, double node_rate, double utilization)
{
    bool valid = rw_model_nonnegative(peak_rate) && rw_model_positive(node_rate) &&
                 utilization > 0 && utilization <= 1;
    return valid ? rw_model_round_up(peak_rate / (node_rate * utilization)) : RW_MODEL_INVALID;
}

double rw_model_zone_loss_nodes(double nodes, double zones)
{
    if (!rw_model_nonnegative(nodes) || !rw_model_count(zones, 2, 1000))
        return RW_MODEL_INVALID;
    return rw_model_round_up(nodes * zones / (zones - 1));
}
