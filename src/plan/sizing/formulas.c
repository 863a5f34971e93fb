#include "plan/sizing/formulas.h"

#include "plan/model/availability.h"
#include "plan/model/normal.h"
#include "plan/model/queueing.h"
#include "plan/model/scale.h"
#include "plan/model/volume.h"

#include <math.h>

/* A formula whose result of a row is one expression over the inputs of that row. */
#define FORMULA(name, model_id, reader_text, expression)                                           \
    static void evaluate_##name(double *out, const struct rw_formula_inputs *in)                   \
    {                                                                                              \
        for (size_t row = 0; row < in->rows; row++)                                                \
            out[row] = (expression);                                                               \
    }                                                                                              \
    const struct rw_formula rw_sizing_##name = {                                                   \
        .evaluate = evaluate_##name, .text = (reader_text), .model = (model_id)};
#define IN(k) (in->column[k][row])

static const double seconds_month = 730 * 3600.0, days_month = 730 / 24.0;
static const double minutes_quarter = 91.25 * 1440, seconds_year = 365 * 86400.0;
static const double tera = 1e12;

/* ---- Load ---- */

FORMULA(grown, "storage", "{0} × (1 + {1})^{2}", IN(0) * pow(1 + IN(1), IN(2)))
FORMULA(interactive, "interactive", "{0} / ({1} + {2})",
        rw_model_interactive_rate(IN(0), IN(1), IN(2)))
FORMULA(little, "little", "{0} / {1}", rw_model_little_rate(IN(0), IN(1)))
FORMULA(daily_peak, NULL, "{0} / 86400 s × {1} × {2}", IN(0) / 86400 * IN(1) * IN(2))
FORMULA(mean, NULL, "{0} / {1}", IN(1) > 0 ? IN(0) / IN(1) : NAN)
FORMULA(month, NULL, "{0} × 730 h", IN(0) * seconds_month)
FORMULA(passed, NULL, "{0} × (1 - {1})", IN(0) * (1 - IN(1)))
FORMULA(headroom, "headroom", "1 / (1 + {0} × {1})", rw_model_headroom_utilization(IN(0), IN(1)))

/* A log-normal service time with that squared coefficient of variation. */
static double service_tail(double mean, double variation, double p)
{
    static const double z99 = 2.3263478740408408;
    double spread = log1p(variation);
    /* Of other percentiles the exponent is scaled as that of an exponential tail. */
    double z = p == 0.99 ? z99 : z99 * sqrt(log(1 - p) / log(0.01));
    return mean * exp(z * sqrt(spread) - spread / 2);
}

FORMULA(service_tail, NULL, "{0} × exp(z({2}) × √ln(1 + {1}) - ln(1 + {1}) / 2)",
        service_tail(IN(0), IN(1), IN(2)))

/* Processor sharing stretches a job by 1 / (1 - rho). A target that only machines four fifths idle
 * would keep is one that machines do not reach: a finding tells it, and nothing is sized for it. */
static double latency_limit(double left, double tail)
{
    double limit = left > 0 ? 1 - tail / left : 0;
    return limit >= RW_SIZING_UTILIZATION_LEAST ? limit : 1;
}

FORMULA(latency_limit, "mg1_ps", "u = 1 - {1} / {0}; u < 20 % → 100 %", latency_limit(IN(0), IN(1)))
/* A small system has small databases: one node in each zone is there to survive, not to work. */
FORMULA(database_cores, NULL, "{0} × (1 + {1})^{2} × (1 - {3}) × {4} × {5} ≤ 8 × {6} → 8; else 16",
        IN(0) * pow(1 + IN(1), IN(2)) * (1 - IN(3)) * IN(4) * IN(5) <= 8 * IN(6) ? 8 : 16)
FORMULA(less, NULL, "{0} - {1} - {2}", IN(0) - IN(1) - IN(2))
FORMULA(hops, NULL, "{0} × (1 + {1})", IN(0) * (1 + IN(1)))
FORMULA(distance, "distance_floor", "{1} × RTT({0})",
        IN(1) * rw_model_distance_rtt_ms(IN(0)) / 1000)
FORMULA(node_rate, "utilization", "{1} × {2} / {0}", IN(0) > 0 ? IN(1) * IN(2) / IN(0) : NAN)

/* The least N with X(N) >= rate: kappa N^2 X + (X (sigma - kappa) - lambda) N + X (1 - sigma) = 0.
 */
static double usl_nodes(double rate, double node_rate, double sigma, double kappa)
{
    if (!(node_rate > 0))
        return NAN;
    if (rate <= node_rate)
        return rate > 0 ? 1 : 0;
    double linear = node_rate - rate * (sigma - kappa), last = rate * (1 - sigma);
    if (linear <= 0)
        return INFINITY;
    if (kappa * rate == 0)
        return rw_model_round_up(last / linear);
    double root = linear * linear - 4 * kappa * rate * last;
    return root < 0 ? INFINITY : rw_model_round_up(2 * last / (linear + sqrt(root)));
}

FORMULA(usl_nodes, "usl", "min N: {1} × N / (1 + {2} × (N - 1) + {3} × N × (N - 1)) ≥ {0}",
        usl_nodes(IN(0), IN(1), IN(2), IN(3)))

static double zone_loss(double nodes, double zones)
{
    double least = isfinite(nodes) && zones >= 2 ? rw_model_zone_loss_nodes(nodes, zones) : nodes;
    return least > zones ? least : zones;
}

FORMULA(zone_loss, "zone_loss", "max({1}, ceil({0} × {1} / ({1} - 1)))", zone_loss(IN(0), IN(1)))
FORMULA(standby, NULL, "ceil({0} × {1})", IN(1) == 0 ? 0 : rw_model_round_up(IN(0) * IN(1)))

static double utilization(double erlangs, double nodes, double zones, double cores)
{
    double left = zones >= 2 ? nodes * (zones - 1) / zones : nodes;
    return left > 0 && cores > 0 ? erlangs / (left * cores) : NAN;
}

FORMULA(utilization, "utilization", "{0} / ({1} × ({2} - 1) / {2} × {3})",
        utilization(IN(0), IN(1), IN(2), IN(3)))
FORMULA(response, "mg1_ps", "{0} / (1 - {1})", IN(1) < 1 ? IN(0) / (1 - IN(1)) : INFINITY)

/* Of one node, when a zone is gone. */
static double query_response(double rate, double time, double nodes, double zones, double cores)
{
    double left = zones >= 2 ? nodes * (zones - 1) / zones : nodes;
    return left > 0 && time > 0 ? rw_model_mmc_response(rate / left, 1 / time, rint(cores)) : NAN;
}

FORMULA(query_response, "mmc", "M/M/{4}: {0} / ({2} × ({3} - 1) / {3}), {1}",
        query_response(IN(0), IN(1), IN(2), IN(3), IN(4)))

/* So many exponential times one after the other are a gamma distribution, whose percentile Wilson
 * and Hilferty's cube of a normal one gives to some per cent. */
static double queries_tail(double queries, double mean, double p, double calls)
{
    double leaf = 1 - rw_model_fanout_leaf(1 - p, calls);
    double z = rw_model_normal_quantile(leaf);
    double root = 1 - 1 / (9 * queries) + z / (3 * sqrt(queries));
    return queries > 0 ? fmax(0, root * root * root) * queries * mean : 0;
}

FORMULA(queries_tail, "fanout", "gamma({0}, {1}) at {2}^(1 / {3})",
        queries_tail(IN(0), IN(1), IN(2), IN(3)))
FORMULA(connections, "mmc", "min c: P(wait > {1}) ≤ 1 %",
        rw_model_mmc_servers_for_wait(IN(0), 1 / IN(1), 0.99, IN(1)))

/* ---- Volumes ---- */

FORMULA(kept, "storage", "{0} × {1}", IN(0) * IN(1))
static double days_kept(double retention, double years)
{
    return fmin(retention, 365 * years);
}

FORMULA(days_kept, "storage", "min({0}, {1}, 365 d × {2})", fmin(IN(1), days_kept(IN(0), IN(2))))
FORMULA(days_cold, "storage", "max(0, min({0}, 365 d × {2}) - {1})",
        fmax(0, days_kept(IN(0), IN(2)) - IN(1)))
FORMULA(logs, "storage", "{0} / 730 h × 24 h × {1} × {2}", IN(0) / days_month * IN(1) * IN(2))
FORMULA(entry, NULL, "{0} × ({1} + {2} / {3})", IN(0) * (IN(1) + IN(2) / IN(3)))
FORMULA(stored, "storage", "{0} × {1} × (1 + {2}) / {3}",
        rw_model_storage_tb(IN(0) / tera, 1, IN(1), IN(2), IN(3)) * tera)
FORMULA(backup, "storage", "{0} / {1} × ({2} + {3} × {4})", IN(0) / IN(1) * (IN(2) + IN(3) * IN(4)))

static double hot_regions(double hot, double regions, double standby, double copies)
{
    double share = standby > 1 / copies ? standby : 1 / copies;
    return hot * (1 + (regions - 1) * share);
}

FORMULA(hot_regions, NULL, "{0} × (1 + ({1} - 1) × max({2}, 1 / {3}))",
        hot_regions(IN(0), IN(1), IN(2), IN(3)))
FORMULA(egress, NULL, "{0} × {1} / {2} × {3}", IN(0) * IN(1) / IN(2) * IN(3))
FORMULA(between_zones, NULL, "{0} × ({1} + {2}) × ({3} - 1) / {3}",
        IN(0) * (IN(1) + IN(2)) * (IN(3) - 1) / IN(3))
FORMULA(between_regions, NULL, "{0} / {1} × ({2} - 1) × 730 h / 24 h",
        IN(0) / IN(1) * (IN(2) - 1) * days_month)
FORMULA(link, "bandwidth", "{0} × {1} × 8 / {2} / {3}", IN(0) * IN(1) * 8 / IN(2) / IN(3))
FORMULA(replication_link, "bandwidth", "{0} × 8 / 86400 s × {1} / {2} / {3}",
        rw_model_bandwidth_gbps(IN(0)) * 1e9 * IN(1) / IN(2) / IN(3))
FORMULA(move_link, "bandwidth", "{0} × 8 / {1} / 86400 s / {2}",
        IN(1) > 0 ? rw_model_bandwidth_gbps(IN(0) / IN(1)) * 1e9 / IN(2) : NAN)
FORMULA(gateway_memory, NULL, "{0} × {3} + {1} × {2}", IN(0) * IN(3) + IN(1) * IN(2))

FORMULA(monitors, NULL, "2 × {1} × ⌈{0} / ({1} × {2})⌉",
        2 * IN(1) * rw_model_round_up(IN(0) / (IN(1) * IN(2))))

/* ---- Availability ---- */

/* As many as are left without one zone are enough. Of more than 64 machines that many run but for
 * less than one in 10^8, even when each is down for a tenth of the time. */
static double machines(double machine, double nodes, double zones)
{
    if (zones < 2)
        return pow(machine, nodes);
    if (nodes > 64)
        return 1;
    return rw_model_k_of_n(machine, floor(nodes * (zones - 1) / zones), nodes);
}

FORMULA(machines, "k_of_n", "P(k ≥ {1} × ({2} - 1) / {2} | n = {1}, p = {0})",
        machines(IN(0), IN(1), IN(2)))
FORMULA(zones, "k_of_n", "P(k ≥ {1} - 1 | n = {1}, p = {0})",
        rw_model_k_of_n(IN(0), IN(1) > 1 ? IN(1) - 1 : 1, IN(1)))

static double regions(double region, double outage, double failover)
{
    double down = failover > 0 && failover < outage ? failover / outage : 1;
    return 1 - (1 - region) * down;
}

FORMULA(regions, NULL, "1 - (1 - {0}) × {2} / {1}", regions(IN(0), IN(1), IN(2)))
FORMULA(incidents, "steady_state", "1 - {0} × {1} / 365 d",
        IN(0) * IN(1) < seconds_year ? 1 - IN(0) * IN(1) / seconds_year : 0)
FORMULA(downtime, "error_budget", "(1 - {0}) × 91.25 d", (1 - IN(0)) * minutes_quarter)
FORMULA(availability_of, "error_budget", "1 - {0} / 91.25 d", 1 - IN(0) / minutes_quarter)
