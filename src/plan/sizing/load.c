/* From users, requests in flight or transactions to the rate at the busiest second, and what that
 * asks of the application. */
#include "plan/sizing/formulas.h"
#include "plan/sizing/shared.h"

static bool known(const struct rw_plan *plan, enum rw_input input)
{
    return !isnan(rw_plan_input(plan, input));
}

/* How long a request takes at the busiest time: the promise, or without one the work itself. */
static uint32_t time_in_system(const struct rw_plan *plan)
{
    return plan->inputs[known(plan, RW_INPUT_LATENCY) ? RW_INPUT_LATENCY : RW_INPUT_SERVICE_TIME];
}

static uint32_t rate_of_users(struct rw_plan *plan, uint32_t users)
{
    return rw_sheet_compute(&plan->sheet, "sizing.rate_users",
                            RW_TEXTS("Peak rate of the active users", "在线用户产生的峰值速率"),
                            RW_UNIT_PER_SECOND, &rw_sizing_interactive, 3, users,
                            time_in_system(plan), plan->inputs[RW_INPUT_THINK_TIME]);
}

/* "100,000 at once" beside volumes a hundred times smaller, and no think time: those are people, or
 * the threads of a load test, not requests. */
static bool means_users(const struct rw_plan *plan)
{
    const struct rw_cell *think = rw_sheet_cell(&plan->sheet, plan->inputs[RW_INPUT_THINK_TIME]);
    double volumes = rw_plan_input(plan, RW_INPUT_TRANSACTIONS_PER_DAY) / 86400 *
                     rw_plan_input(plan, RW_INPUT_REQUESTS_PER_TRANSACTION) *
                     rw_plan_input(plan, RW_INPUT_PEAK_FACTOR);
    double time = rw_sheet_value(&plan->sheet, time_in_system(plan));
    double requests = rw_plan_input(plan, RW_INPUT_CONCURRENT_REQUESTS);
    return think->origin == RW_ORIGIN_ASSUMED && !think->set && requests / time > 100 * volumes;
}

/* Told, for it makes the plan a smaller one. */
static void tell_reading(struct rw_plan *plan, uint32_t rate)
{
    const struct rw_cell *stated =
        rw_sheet_cell(&plan->sheet, plan->inputs[RW_INPUT_CONCURRENT_REQUESTS]);
    struct rw_finding finding = {
        .rule = "concurrency_read_as_users",
        .severity = RW_SEVERITY_WARNING,
        .text = RW_LABEL(
            "{0} at once are planned as users who think between two actions, {1}: as "
            "requests in flight they would be more than a hundred times what the "
            "volumes say",
            "并发 {0} 按有思考时间的用户规划，即 {1}：若按在途请求计，将超过所述业务量的百倍"),
        .action = RW_LABEL("State the peak rate or the think time", "请说明峰值速率或思考时间"),
        .numbers = {{.value = stated->value, .unit = stated->unit},
                    {.value = rw_sheet_value(&plan->sheet, rate), .unit = RW_UNIT_PER_SECOND}},
        .cells = {plan->inputs[RW_INPUT_CONCURRENT_REQUESTS], rate},
        .source = "models.yaml: interactive",
        .file = stated->file,
        .place = stated->place,
    };
    if (!plan->sheet.err)
        rw_findings_add(&plan->findings, &finding);
}

static uint32_t rate_in_flight(struct rw_plan *plan)
{
    if (means_users(plan)) {
        uint32_t rate = rate_of_users(plan, plan->inputs[RW_INPUT_CONCURRENT_REQUESTS]);
        tell_reading(plan, rate);
        return rate;
    }
    return rw_sheet_compute(
        &plan->sheet, "sizing.rate_in_flight",
        RW_TEXTS("Peak rate of the requests in flight", "在途请求对应的峰值速率"),
        RW_UNIT_PER_SECOND, &rw_sizing_little, 2, plan->inputs[RW_INPUT_CONCURRENT_REQUESTS],
        time_in_system(plan));
}

static uint32_t rate_of_transactions(struct rw_plan *plan)
{
    return rw_sheet_compute(
        &plan->sheet, "sizing.rate_transactions",
        RW_TEXTS("Peak rate of the transactions", "交易量对应的峰值速率"), RW_UNIT_PER_SECOND,
        &rw_sizing_daily_peak, 3, plan->inputs[RW_INPUT_TRANSACTIONS_PER_DAY],
        plan->inputs[RW_INPUT_REQUESTS_PER_TRANSACTION], plan->inputs[RW_INPUT_PEAK_FACTOR]);
}

/* So many of the registered users at once. */
static uint32_t rate_of_accounts(struct rw_plan *plan)
{
    uint32_t users = rw_sheet_compute(
        &plan->sheet, "sizing.active_users", RW_TEXTS("Users active at the peak", "峰值在线用户数"),
        RW_UNIT_COUNT, &rw_formula_product, 2, plan->inputs[RW_INPUT_USERS],
        plan->inputs[RW_INPUT_ACTIVE_SHARE]);
    return rate_of_users(plan, users);
}

/* A rate that was stated counts alone. Else the largest that follows from anything known; accounts
 * only where nobody counted who is there at once. */
static unsigned ways_to_rate(struct rw_plan *plan, uint32_t *ways)
{
    unsigned count = 0;
    bool counted =
        known(plan, RW_INPUT_CONCURRENT_USERS) || known(plan, RW_INPUT_CONCURRENT_REQUESTS);
    if (known(plan, RW_INPUT_PEAK_RATE)) {
        ways[count++] = plan->inputs[RW_INPUT_PEAK_RATE];
        return count;
    }
    if (known(plan, RW_INPUT_CONCURRENT_USERS))
        ways[count++] = rate_of_users(plan, plan->inputs[RW_INPUT_CONCURRENT_USERS]);
    if (known(plan, RW_INPUT_CONCURRENT_REQUESTS) && !(count && means_users(plan)))
        ways[count++] = rate_in_flight(plan);
    if (known(plan, RW_INPUT_TRANSACTIONS_PER_DAY))
        ways[count++] = rate_of_transactions(plan);
    if (!count || (!counted && known(plan, RW_INPUT_USERS)))
        ways[count++] = rate_of_accounts(plan);
    return count;
}

static uint32_t rate_today(struct rw_plan *plan)
{
    uint32_t ways[4];
    unsigned count = ways_to_rate(plan, ways);
    return rw_sheet_add(&plan->sheet, &(struct rw_cell){
                                          .id = "sizing.rate_today",
                                          .label = RW_LABEL("Peak rate today", "当前峰值速率"),
                                          .unit = RW_UNIT_PER_SECOND,
                                          .origin = RW_ORIGIN_COMPUTED,
                                          .formula = &rw_formula_greatest,
                                          .inputs = ways,
                                          .input_count = count,
                                      });
}

/* One for each request in flight; and whoever is there at once holds one while he thinks. */
static uint32_t add_connections(struct rw_plan *plan, uint32_t in_flight)
{
    uint32_t most[3] = {in_flight};
    unsigned count = 1;
    if (known(plan, RW_INPUT_CONCURRENT_USERS))
        most[count++] = plan->inputs[RW_INPUT_CONCURRENT_USERS];
    if (known(plan, RW_INPUT_CONCURRENT_REQUESTS))
        most[count++] = plan->inputs[RW_INPUT_CONCURRENT_REQUESTS];
    return rw_sheet_add(&plan->sheet,
                        &(struct rw_cell){
                            .id = "sizing.connections",
                            .label = RW_LABEL("Open connections at the peak", "峰值连接数"),
                            .unit = RW_UNIT_COUNT,
                            .origin = RW_ORIGIN_COMPUTED,
                            .formula = &rw_formula_greatest,
                            .inputs = most,
                            .input_count = count,
                        });
}

static void add_rates(struct rw_plan *plan, struct rw_sizing *sizing)
{
    struct rw_sheet *sheet = &plan->sheet;
    const uint32_t *in = plan->inputs;
    sizing->rate_peak = rw_sheet_compute(
        sheet, "sizing.rate_peak", RW_TEXTS("Peak rate at the end of the term", "期末峰值速率"),
        RW_UNIT_PER_SECOND, &rw_sizing_grown, 3, rate_today(plan), in[RW_INPUT_GROWTH],
        in[RW_INPUT_TERM]);
    sizing->rate_mean = rw_sheet_compute(
        sheet, "sizing.rate_mean", RW_TEXTS("Mean rate", "平均速率"), RW_UNIT_PER_SECOND,
        &rw_sizing_mean, 2, sizing->rate_peak, in[RW_INPUT_PEAK_FACTOR]);
    sizing->requests_month =
        rw_sheet_compute(sheet, "sizing.requests_month", RW_TEXTS("Requests a month", "月请求量"),
                         RW_UNIT_PER_MONTH, &rw_sizing_month, 1, sizing->rate_mean);
    uint32_t in_flight = rw_sheet_compute(
        sheet, "sizing.in_flight", RW_TEXTS("Requests in flight at the peak", "峰值在途请求"),
        RW_UNIT_COUNT, &rw_formula_product, 2, sizing->rate_peak, time_in_system(plan));
    sizing->connections = add_connections(plan, in_flight);
    sizing->origin_rate = rw_sheet_compute(
        sheet, "sizing.origin_rate", RW_TEXTS("Rate behind the cache", "缓存后的速率"),
        RW_UNIT_PER_SECOND, &rw_sizing_passed, 2, sizing->rate_peak, in[RW_INPUT_CACHE_HIT_SHARE]);
}

static void add_utilization(struct rw_plan *plan, struct rw_sizing *sizing)
{
    struct rw_sheet *sheet = &plan->sheet;
    const uint32_t *in = plan->inputs;
    sizing->cores_needed = rw_sheet_compute(
        sheet, "sizing.cores_needed", RW_TEXTS("Work offered to the application", "应用负载"),
        RW_UNIT_ERLANGS, &rw_formula_product, 2, sizing->origin_rate, in[RW_INPUT_SERVICE_TIME]);
    sizing->service_tail =
        rw_sheet_compute(sheet, "sizing.service_tail",
                         RW_TEXTS("CPU time at the target's percentile", "目标分位的 CPU 时间"),
                         RW_UNIT_SECONDS, &rw_sizing_service_tail, 3, in[RW_INPUT_SERVICE_TIME],
                         in[RW_INPUT_SERVICE_VARIATION], in[RW_INPUT_LATENCY_PERCENTILE]);
    uint32_t headroom = rw_sheet_compute(
        sheet, "sizing.utilization_headroom",
        RW_TEXTS("Utilisation that leaves time to scale out", "留出扩容时间的利用率"),
        RW_UNIT_SHARE, &rw_sizing_headroom, 2, in[RW_INPUT_LOAD_RISE], in[RW_INPUT_SCALE_OUT_TIME]);
    uint32_t latency = headroom;
    if (known(plan, RW_INPUT_LATENCY))
        latency = rw_sheet_compute(
            sheet, "sizing.utilization_latency",
            RW_TEXTS("Utilisation that keeps the latency target", "满足时延目标的利用率"),
            RW_UNIT_SHARE, &rw_sizing_latency_limit, 2, in[RW_INPUT_LATENCY], sizing->service_tail);
    sizing->utilization_max = rw_sheet_compute(
        sheet, "sizing.utilization_max", RW_TEXTS("Highest utilisation", "最高利用率"),
        RW_UNIT_SHARE, &rw_formula_least, 2, headroom, latency);
}

static void add_database(struct rw_plan *plan, struct rw_sizing *sizing)
{
    struct rw_sheet *sheet = &plan->sheet;
    const uint32_t *in = plan->inputs;
    sizing->query_rate = rw_sheet_compute(
        sheet, "sizing.query_rate", RW_TEXTS("Queries", "查询速率"), RW_UNIT_PER_SECOND,
        &rw_formula_product, 2, sizing->origin_rate, in[RW_INPUT_QUERIES_PER_REQUEST]);
    sizing->query_load = rw_sheet_compute(
        sheet, "sizing.query_load", RW_TEXTS("Work offered to the database", "数据库负载"),
        RW_UNIT_ERLANGS, &rw_formula_product, 2, sizing->query_rate, in[RW_INPUT_QUERY_TIME]);
    sizing->database_connections = rw_sheet_compute(
        sheet, "sizing.database_connections", RW_TEXTS("Database connections", "数据库连接数"),
        RW_UNIT_COUNT, &rw_sizing_connections, 2, sizing->query_rate, in[RW_INPUT_QUERY_TIME]);
}

/* The promise in both units, whichever was stated. */
static void add_promise(struct rw_plan *plan, struct rw_sizing *sizing)
{
    struct rw_sheet *sheet = &plan->sheet;
    const uint32_t *in = plan->inputs;
    bool stated = known(plan, RW_INPUT_DOWNTIME_ALLOWED);
    rw_sheet_compute(sheet, "sizing.downtime_allowed",
                     RW_TEXTS("Downtime that the promises leave", "承诺所余的停机时间"),
                     RW_UNIT_MINUTES_PER_QUARTER, stated ? &rw_formula_same : &rw_sizing_downtime,
                     1, in[stated ? RW_INPUT_DOWNTIME_ALLOWED : RW_INPUT_AVAILABILITY]);
    sizing->incidents = rw_sheet_compute(
        sheet, "sizing.availability_incidents",
        RW_TEXTS("Availability that incidents leave", "故障后所余可用性"), RW_UNIT_SHARE,
        &rw_sizing_incidents, 2, in[RW_INPUT_INCIDENTS_PER_YEAR], in[RW_INPUT_INCIDENT_TIME]);
    rw_sheet_compute(sheet, "sizing.downtime_incidents",
                     RW_TEXTS("Downtime of the incidents alone", "仅故障造成的停机时间"),
                     RW_UNIT_MINUTES_PER_QUARTER, &rw_sizing_downtime, 1, sizing->incidents);
}

void rw_sizing_load(struct rw_plan *plan, struct rw_sizing *sizing)
{
    add_rates(plan, sizing);
    add_utilization(plan, sizing);
    add_database(plan, sizing);
    add_promise(plan, sizing);
}
