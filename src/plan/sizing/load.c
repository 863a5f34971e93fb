/* From users, requests in flight or transactions to the rate at the busiest second, and what that
 * asks of the application. */
#include "plan/sizing/formulas.h"
#include "plan/sizing/shared.h"

static uint32_t rate_of_users(struct rw_sizing *sizing, uint32_t users)
{
    return rw_sizing_add(sizing, NULL, "rate_users",
                         RW_TEXTS("Peak rate of the active users", "在线用户产生的峰值速率"),
                         RW_UNIT_PER_SECOND, &rw_sizing_interactive, 3, users,
                         rw_sizing_time(sizing), sizing->plan->inputs[RW_INPUT_THINK_TIME]);
}

/* "100,000 at once" beside volumes a hundred times smaller, and no think time: those are people, or
 * the threads of a load test, not requests. */
static bool means_users(const struct rw_sizing *sizing)
{
    const struct rw_plan *plan = sizing->plan;
    const struct rw_cell *think = rw_sheet_cell(&plan->sheet, plan->inputs[RW_INPUT_THINK_TIME]);
    double volumes = rw_plan_input(plan, RW_INPUT_TRANSACTIONS_PER_DAY) / 86400 *
                     rw_plan_input(plan, RW_INPUT_REQUESTS_PER_TRANSACTION) *
                     rw_plan_input(plan, RW_INPUT_PEAK_FACTOR);
    double time = rw_sheet_value(&plan->sheet, rw_sizing_time(sizing));
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

static uint32_t rate_in_flight(struct rw_sizing *sizing)
{
    uint32_t requests = sizing->plan->inputs[RW_INPUT_CONCURRENT_REQUESTS];
    if (means_users(sizing)) {
        uint32_t rate = rate_of_users(sizing, requests);
        tell_reading(sizing->plan, rate);
        return rate;
    }
    return rw_sizing_add(sizing, NULL, "rate_in_flight",
                         RW_TEXTS("Peak rate of the requests in flight", "在途请求对应的峰值速率"),
                         RW_UNIT_PER_SECOND, &rw_sizing_little, 2, requests,
                         rw_sizing_time(sizing));
}

static uint32_t rate_of_transactions(struct rw_sizing *sizing)
{
    const uint32_t *in = sizing->plan->inputs;
    return rw_sizing_add(sizing, NULL, "rate_transactions",
                         RW_TEXTS("Peak rate of the transactions", "交易量对应的峰值速率"),
                         RW_UNIT_PER_SECOND, &rw_sizing_daily_peak, 3,
                         in[RW_INPUT_TRANSACTIONS_PER_DAY], in[RW_INPUT_REQUESTS_PER_TRANSACTION],
                         in[RW_INPUT_PEAK_FACTOR]);
}

/* So many of the registered users at once. */
static uint32_t rate_of_accounts(struct rw_sizing *sizing)
{
    const uint32_t *in = sizing->plan->inputs;
    uint32_t users = rw_sizing_add(
        sizing, NULL, "active_users", RW_TEXTS("Users active at the peak", "峰值在线用户数"),
        RW_UNIT_COUNT, &rw_formula_product, 2, in[RW_INPUT_USERS], in[RW_INPUT_ACTIVE_SHARE]);
    return rate_of_users(sizing, users);
}

/* A rate that was stated counts alone. Else the largest that follows from anything known; accounts
 * only where nobody counted who is there at once. */
static unsigned ways_to_rate(struct rw_sizing *sizing, uint32_t *ways)
{
    const uint32_t *in = sizing->plan->inputs;
    unsigned count = 0;
    bool counted = rw_sizing_known(sizing, RW_INPUT_CONCURRENT_USERS) ||
                   rw_sizing_known(sizing, RW_INPUT_CONCURRENT_REQUESTS);
    if (rw_sizing_known(sizing, RW_INPUT_PEAK_RATE)) {
        ways[count++] = in[RW_INPUT_PEAK_RATE];
        return count;
    }
    if (rw_sizing_known(sizing, RW_INPUT_CONCURRENT_USERS))
        ways[count++] = rate_of_users(sizing, in[RW_INPUT_CONCURRENT_USERS]);
    if (rw_sizing_known(sizing, RW_INPUT_CONCURRENT_REQUESTS) && !(count && means_users(sizing)))
        ways[count++] = rate_in_flight(sizing);
    if (rw_sizing_known(sizing, RW_INPUT_TRANSACTIONS_PER_DAY))
        ways[count++] = rate_of_transactions(sizing);
    if (!count || (!counted && rw_sizing_known(sizing, RW_INPUT_USERS)))
        ways[count++] = rate_of_accounts(sizing);
    return count;
}

void rw_sizing_today(struct rw_sizing *sizing)
{
    uint32_t ways[4];
    unsigned count = ways_to_rate(sizing, ways);
    sizing->rate_today =
        rw_sizing_greatest(sizing, "rate_today", RW_TEXTS("Peak rate today", "当前峰值速率"),
                           RW_UNIT_PER_SECOND, ways, count);
}

/* One for each request in flight; and whoever is there at once holds one while he thinks. */
static void add_connections(struct rw_sizing *sizing)
{
    static const enum rw_input at_once[] = {RW_INPUT_CONCURRENT_USERS,
                                            RW_INPUT_CONCURRENT_REQUESTS};
    static const char *const names[] = {"connected_users", "connected_requests"};
    static const struct rw_label labels[] = {
        RW_LABEL("Users connected at the peak", "峰值在线连接用户"),
        RW_LABEL("Requests at once", "峰值并发请求")};
    const uint32_t *in = sizing->plan->inputs;
    uint32_t most[3] = {rw_sizing_add(
        sizing, NULL, "in_flight", RW_TEXTS("Requests in flight at the peak", "峰值在途请求"),
        RW_UNIT_COUNT, &rw_formula_product, 2, sizing->rate_peak, rw_sizing_time(sizing))};
    unsigned count = 1;
    for (size_t i = 0; i < sizeof(at_once) / sizeof(at_once[0]); i++)
        if (rw_sizing_known(sizing, at_once[i]))
            most[count++] =
                rw_sizing_add(sizing, NULL, names[i], labels[i], RW_UNIT_COUNT, &rw_sizing_grown, 3,
                              in[at_once[i]], in[RW_INPUT_GROWTH], sizing->elapsed);
    sizing->connections = rw_sizing_greatest(sizing, "connections",
                                             RW_TEXTS("Open connections at the peak", "峰值连接数"),
                                             RW_UNIT_COUNT, most, count);
}

static void add_rates(struct rw_sizing *sizing)
{
    const uint32_t *in = sizing->plan->inputs;
    sizing->rate_peak =
        rw_sizing_add(sizing, NULL, "rate_peak",
                      sizing->year ? RW_TEXTS("Peak rate", "峰值速率")
                                   : RW_TEXTS("Peak rate at the end of the term", "期末峰值速率"),
                      RW_UNIT_PER_SECOND, &rw_sizing_grown, 3, sizing->rate_today,
                      in[RW_INPUT_GROWTH], sizing->elapsed);
    sizing->rate_mean = rw_sizing_add(sizing, NULL, "rate_mean", RW_TEXTS("Mean rate", "平均速率"),
                                      RW_UNIT_PER_SECOND, &rw_sizing_mean, 2, sizing->rate_peak,
                                      in[RW_INPUT_PEAK_FACTOR]);
    sizing->requests_month =
        rw_sizing_add(sizing, NULL, "requests_month", RW_TEXTS("Requests a month", "月请求量"),
                      RW_UNIT_PER_MONTH, &rw_sizing_month, 1, sizing->rate_mean);
    add_connections(sizing);
    sizing->origin_rate = rw_sizing_add(
        sizing, NULL, "origin_rate", RW_TEXTS("Rate behind the cache", "缓存后的速率"),
        RW_UNIT_PER_SECOND, &rw_sizing_passed, 2, sizing->rate_peak, in[RW_INPUT_CACHE_HIT_SHARE]);
}

void rw_sizing_load(struct rw_sizing *sizing)
{
    const uint32_t *in = sizing->plan->inputs;
    add_rates(sizing);
    sizing->cores_needed = rw_sizing_add(
        sizing, NULL, "cores_needed", RW_TEXTS("Work offered to the application", "应用负载"),
        RW_UNIT_ERLANGS, &rw_formula_product, 2, sizing->origin_rate, in[RW_INPUT_SERVICE_TIME]);
    sizing->query_rate = rw_sizing_add(sizing, NULL, "query_rate", RW_TEXTS("Queries", "查询速率"),
                                       RW_UNIT_PER_SECOND, &rw_formula_product, 2,
                                       sizing->origin_rate, in[RW_INPUT_QUERIES_PER_REQUEST]);
    sizing->query_load = rw_sizing_add(
        sizing, NULL, "query_load", RW_TEXTS("Work offered to the database", "数据库负载"),
        RW_UNIT_ERLANGS, &rw_formula_product, 2, sizing->query_rate, in[RW_INPUT_QUERY_TIME]);
    if (!sizing->year)
        rw_sizing_add(sizing, NULL, "database_connections",
                      RW_TEXTS("Database connections", "数据库连接数"), RW_UNIT_COUNT,
                      &rw_sizing_connections, 2, sizing->query_rate, in[RW_INPUT_QUERY_TIME]);
}
