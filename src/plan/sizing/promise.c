/* What one tier can promise: availability of the composed system, and how long a request takes. */
#include "plan/sizing/formulas.h"
#include "plan/sizing/shared.h"

#define CELL(name, en, zh, unit, formula, ...)                                                     \
    rw_sizing_add(sizing, tier, name, RW_TEXTS(en, zh), unit, formula, __VA_ARGS__)

static void add_availability(struct rw_sizing *sizing, const struct rw_tier *tier,
                             const struct rw_sizing_tier *cells)
{
    const uint32_t *in = sizing->plan->inputs;
    uint32_t machines =
        CELL("availability_machines", "Enough machines run", "机器可用性", RW_UNIT_SHARE,
             &rw_sizing_machines, 3, in[RW_INPUT_NODE_AVAILABILITY], cells->app, cells->zones);
    uint32_t zones =
        CELL("availability_zones", "At most one zone is lost", "可用区可用性", RW_UNIT_SHARE,
             &rw_sizing_zones, 2, in[RW_INPUT_ZONE_AVAILABILITY], cells->zones);
    uint32_t region = CELL("availability_region", "A region serves", "单地域可用性", RW_UNIT_SHARE,
                           &rw_formula_product, 4, machines, zones,
                           in[RW_INPUT_DATABASE_AVAILABILITY], in[RW_INPUT_REGION_AVAILABILITY]);
    uint32_t regions = CELL("availability_regions", "A region serves, or the other one",
                            "任一地域可用性", RW_UNIT_SHARE, &rw_sizing_regions, 3, region,
                            in[RW_INPUT_REGION_OUTAGE], cells->failover);
    uint32_t availability =
        CELL("availability", "Availability expected", "预期可用性", RW_UNIT_SHARE,
             &rw_formula_product, 3, regions, in[RW_INPUT_NETWORK_AVAILABILITY], sizing->incidents);
    CELL("downtime", "Downtime expected", "预期停机时间", RW_UNIT_MINUTES_PER_QUARTER,
         &rw_sizing_downtime, 1, availability);
    /* Without a region to fail over to, its return is waited for. */
    bool fails_over = rw_sheet_value(&sizing->plan->sheet, cells->failover) > 0;
    CELL("recovery", "Recovery when a region is lost", "地域失效后的恢复时间", RW_UNIT_SECONDS,
         &rw_formula_same, 1, fails_over ? cells->failover : in[RW_INPUT_REGION_OUTAGE]);
}

struct response {
    uint32_t mean, tail;
};

static struct response of_application(struct rw_sizing *sizing, const struct rw_tier *tier,
                                      const struct rw_sizing_tier *cells)
{
    const uint32_t *in = sizing->plan->inputs;
    uint32_t used = CELL("utilization", "Utilisation with a zone lost", "失去一个可用区时的利用率",
                         RW_UNIT_SHARE, &rw_sizing_utilization, 4, sizing->cores_needed, cells->app,
                         cells->zones, in[RW_INPUT_NODE_CORES]);
    return (struct response){
        CELL("response_app", "Application, mean", "应用平均响应", RW_UNIT_SECONDS,
             &rw_sizing_response, 2, in[RW_INPUT_SERVICE_TIME], used),
        CELL("response_app_tail", "Application at the percentile", "应用目标分位响应",
             RW_UNIT_SECONDS, &rw_sizing_response, 2, sizing->service_tail, used),
    };
}

/* The queries of a request wait for each other; a request that calls several services side by side
 * waits for the slowest of them, whose percentile is therefore a higher one. */
static struct response of_database(struct rw_sizing *sizing, const struct rw_tier *tier,
                                   const struct rw_sizing_tier *cells)
{
    const uint32_t *in = sizing->plan->inputs;
    uint32_t query = CELL("response_query", "A query, mean", "单次查询平均响应", RW_UNIT_SECONDS,
                          &rw_sizing_query_response, 5, sizing->query_rate, in[RW_INPUT_QUERY_TIME],
                          cells->database, cells->zones, cells->database_cores);
    return (struct response){
        CELL("response_database", "Database, mean", "数据库平均响应", RW_UNIT_SECONDS,
             &rw_formula_product, 2, in[RW_INPUT_QUERIES_PER_REQUEST], query),
        CELL("response_database_tail", "Database of the slowest call at the percentile",
             "最慢调用的数据库目标分位响应", RW_UNIT_SECONDS, &rw_sizing_queries_tail, 4,
             in[RW_INPUT_QUERIES_PER_REQUEST], query, in[RW_INPUT_LATENCY_PERCENTILE],
             in[RW_INPUT_FAN_OUT]),
    };
}

static void add_response(struct rw_sizing *sizing, const struct rw_tier *tier,
                         const struct rw_sizing_tier *cells)
{
    struct response app = of_application(sizing, tier, cells);
    struct response database = of_database(sizing, tier, cells);
    CELL("response", "Mean response at the peak", "峰值平均响应", RW_UNIT_SECONDS, &rw_formula_sum,
         3, app.mean, database.mean, sizing->network_time);
    /* The percentile of a sum is at most the sum of the percentiles. */
    CELL("response_tail", "Response at the target's percentile, at most", "目标分位响应（上界）",
         RW_UNIT_SECONDS, &rw_formula_sum, 3, app.tail, database.tail, sizing->network_time);
}

void rw_sizing_promise(struct rw_sizing *sizing, unsigned number)
{
    const struct rw_tier *tier = &sizing->plan->tiers[number];
    const struct rw_sizing_tier *cells = &sizing->tiers[number];
    add_availability(sizing, tier, cells);
    add_response(sizing, tier, cells);
}
