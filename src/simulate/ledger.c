#include "simulate/ledger.h"

#include "base/alloc.h"

#include <math.h>

static const struct {
    const char *key;
    struct rw_label label;
} causes[] =
    {
#define CAUSE(name, key, en, zh) {key, RW_LABEL(en, zh)},
        RW_SIMULATE_CAUSES(CAUSE)
#undef CAUSE
},
  limits[] = {
#define LIMIT(name, key, en, zh) {key, RW_LABEL(en, zh)},
      RW_SIMULATE_LIMITS(LIMIT)
#undef LIMIT
};

const char *rw_simulate_cause_key(enum rw_simulate_cause cause)
{
    return causes[cause].key;
}

struct rw_label rw_simulate_cause_label(enum rw_simulate_cause cause)
{
    return causes[cause].label;
}

const char *rw_simulate_limit_key(enum rw_simulate_limit limit)
{
    return limits[limit].key;
}

struct rw_label rw_simulate_limit_label(enum rw_simulate_limit limit)
{
    return limits[limit].label;
}

enum rw_err rw_simulate_ledger_open(struct rw_simulate_ledger *ledger, unsigned seconds)
{
    *ledger = (struct rw_simulate_ledger){.nodes_least = INFINITY};
    ledger->row_s_max = (seconds + RW_SIMULATE_ROWS_MAX - 1) / RW_SIMULATE_ROWS_MAX;
    ledger->latency = rw_histogram_create();
    ledger->row_latency = rw_histogram_create();
    return ledger->latency && ledger->row_latency ? RW_OK : RW_ENOMEM;
}

void rw_simulate_ledger_close(struct rw_simulate_ledger *ledger)
{
    rw_free(ledger->latency);
    rw_free(ledger->row_latency);
    ledger->latency = ledger->row_latency = NULL;
}

/* ---- Requests ---- */

void rw_simulate_ledger_arrive(struct rw_simulate_ledger *ledger, uint64_t count)
{
    ledger->arrived += count;
    ledger->in_flight += count;
    ledger->rows[ledger->row_count].arrived += count;
}

static void finish(struct rw_simulate_ledger *ledger, uint64_t count)
{
    rw_assert(count <= ledger->in_flight);
    ledger->in_flight -= count;
}

void rw_simulate_ledger_serve(struct rw_simulate_ledger *ledger, double latency_s, uint64_t count)
{
    uint64_t ns = (uint64_t)(latency_s * 1e9);
    finish(ledger, count);
    ledger->served += count;
    ledger->rows[ledger->row_count].served += count;
    rw_histogram_record_many(ledger->latency, ns, count);
    rw_histogram_record_many(ledger->row_latency, ns, count);
}

void rw_simulate_ledger_fail(struct rw_simulate_ledger *ledger, enum rw_simulate_cause cause,
                             uint64_t count)
{
    finish(ledger, count);
    ledger->failed[cause] += count;
    ledger->rows[ledger->row_count].failed += count;
}

uint64_t rw_simulate_ledger_failed(const struct rw_simulate_ledger *ledger)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < RW_SIMULATE_CAUSE_COUNT; i++)
        sum += ledger->failed[i];
    return sum;
}

bool rw_simulate_ledger_balances(const struct rw_simulate_ledger *ledger)
{
    return ledger->arrived ==
               ledger->served + rw_simulate_ledger_failed(ledger) + ledger->in_flight &&
           ledger->latency->count == ledger->served;
}

/* ---- Seconds ---- */

static void take_most(double *most, double value)
{
    *most = value > *most ? value : *most;
}

static void take_mosts(struct rw_simulate_second *most, const struct rw_simulate_second *second)
{
    take_most(&most->nodes, second->nodes);
    take_most(&most->waiting, second->waiting);
    take_most(&most->busy, second->busy);
    take_most(&most->connections, second->connections);
    take_most(&most->billed, second->billed);
    take_most(&most->node_connections, second->node_connections);
    take_most(&most->node_memory_bytes, second->node_memory_bytes);
    take_most(&most->node_memory_share, second->node_memory_share);
    take_most(&most->node_busy, second->node_busy);
    most->limits |= second->limits;
}

static void add_to_row(struct rw_simulate_row *row, const struct rw_simulate_second *second)
{
    struct rw_simulate_second *mean = &row->mean;
    double before = row->seconds++;
    mean->nodes = (mean->nodes * before + second->nodes) / row->seconds;
    mean->waiting = (mean->waiting * before + second->waiting) / row->seconds;
    mean->busy = (mean->busy * before + second->busy) / row->seconds;
    mean->connections = (mean->connections * before + second->connections) / row->seconds;
    mean->billed = (mean->billed * before + second->billed) / row->seconds;
    mean->cost += second->cost;
    take_most(&mean->node_connections, second->node_connections);
    take_most(&mean->node_memory_bytes, second->node_memory_bytes);
    take_most(&mean->node_memory_share, second->node_memory_share);
    take_most(&mean->node_busy, second->node_busy);
    take_most(&row->nodes_most, second->nodes);
    mean->limits |= second->limits;
}

static void end_row(struct rw_simulate_ledger *ledger)
{
    struct rw_simulate_row *row = &ledger->rows[ledger->row_count];
    row->p50_ns = rw_histogram_quantile(ledger->row_latency, 0.5);
    row->p99_ns = rw_histogram_quantile(ledger->row_latency, 0.99);
    take_most(&ledger->row_busy_most, row->mean.busy);
    rw_histogram_clear(ledger->row_latency);
    ledger->row_count++;
}

void rw_simulate_ledger_second(struct rw_simulate_ledger *ledger,
                               const struct rw_simulate_second *second)
{
    struct rw_simulate_row *row = &ledger->rows[ledger->row_count];
    if (row->seconds == 0)
        row->begin_s = ledger->seconds;
    ledger->seconds++;
    ledger->node_seconds += second->billed;
    ledger->cost += second->cost;
    ledger->busy_sum += second->busy;
    ledger->nodes_least = fmin(ledger->nodes_least, second->nodes);
    take_most(&ledger->nodes_most, second->nodes);
    take_mosts(&ledger->most, second);
    for (unsigned i = 0; i < RW_SIMULATE_LIMIT_COUNT; i++)
        if (second->limits & 1u << i) {
            ledger->limited_s[i]++;
            break;
        }
    add_to_row(row, second);
    if (row->seconds == ledger->row_s_max && ledger->row_count + 1 < RW_SIMULATE_ROWS_MAX)
        end_row(ledger);
}

void rw_simulate_ledger_end(struct rw_simulate_ledger *ledger)
{
    if (ledger->rows[ledger->row_count].seconds > 0)
        end_row(ledger);
}

/* ---- Figures ---- */

double rw_simulate_ledger_quantile(const struct rw_simulate_ledger *ledger, double share)
{
    uint64_t over = ledger->served + rw_simulate_ledger_failed(ledger);
    if (!over)
        return NAN;
    double within = share * (double)over / fmax(1, (double)ledger->served);
    return within > 1 || !ledger->served
               ? INFINITY
               : (double)rw_histogram_quantile(ledger->latency, within) / 1e9;
}

double rw_simulate_ledger_availability(const struct rw_simulate_ledger *ledger)
{
    uint64_t over = ledger->served + rw_simulate_ledger_failed(ledger);
    return over ? (double)ledger->served / (double)over : NAN;
}
