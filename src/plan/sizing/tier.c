/* What one tier needs of machines. */
#include "plan/sizing/formulas.h"
#include "plan/sizing/shared.h"

static uint32_t choose(struct rw_plan *plan, const struct rw_tier *tier, const char *name,
                       struct rw_label label, enum rw_unit unit, double value,
                       struct rw_label reason)
{
    const char *id = rw_sheet_text(&plan->sheet, "sizing.%s.%s", tier->id, name);
    return rw_sheet_choose(&plan->sheet, id, label, unit, value, reason);
}

static void choose_profile(struct rw_plan *plan, const struct rw_tier *tier,
                           struct rw_sizing_tier *cells)
{
    const struct rw_tier_profile *profile = tier->profile;
    cells->zones = choose(plan, tier, "zones", RW_TEXTS("Zones of a region", "每地域可用区数"),
                          RW_UNIT_COUNT, profile->zones, profile->buys);
    cells->regions = choose(plan, tier, "regions", RW_TEXTS("Regions", "地域数"), RW_UNIT_COUNT,
                            profile->regions, profile->buys);
    cells->standby =
        choose(plan, tier, "standby_share", RW_TEXTS("Capacity standing by", "待命容量比例"),
               RW_UNIT_SHARE, profile->standby_share, profile->buys);
    cells->headroom = choose(
        plan, tier, "headroom", RW_TEXTS("Utilisation planned for", "规划利用率"), RW_UNIT_SHARE,
        profile->headroom,
        RW_TEXTS("latency-critical tiers stay at 0.6 to 0.7", "时延敏感的服务保持在 0.6 至 0.7"));
    cells->failover =
        choose(plan, tier, "failover", RW_TEXTS("Failover to the other region", "跨地域切换时间"),
               RW_UNIT_SECONDS, profile->failover_minutes * 60, profile->buys);
}

static void choose_nodes(struct rw_plan *plan, const struct rw_tier *tier,
                         struct rw_sizing_tier *cells)
{
    cells->node_memory =
        choose(plan, tier, "node_memory", RW_TEXTS("Memory of a node", "节点内存"), RW_UNIT_BYTES,
               16 * 1073741824.0, RW_TEXTS("4 GiB for a core", "每核 4 GiB"));
    choose(plan, tier, "cache_cores", RW_TEXTS("Cores of a cache node", "缓存节点核数"),
           RW_UNIT_COUNT, 8,
           RW_TEXTS("8 cores and 64 GiB: the memory counts, commands run on one core",
                    "8 核 64 GiB：以内存为准，命令在单核上执行"));
    cells->cache_rate =
        choose(plan, tier, "cache_node_rate", RW_TEXTS("Rate of a cache node", "单缓存节点速率"),
               RW_UNIT_PER_SECOND, 80000,
               RW_TEXTS("simple commands of one Redis node; measure it",
                        "单个 Redis 节点的简单命令；请实测"));
    cells->monitor_reach =
        choose(plan, tier, "monitor_reach",
               RW_TEXTS("Nodes that a monitoring machine watches", "单监控节点覆盖的节点数"),
               RW_UNIT_COUNT, 1000,
               RW_TEXTS("a thousand series of each, read every 15 s: a million lie within 16 GiB",
                        "每个节点一千条时间序列、每 15 秒采集一次：百万条可容于 16 GiB"));
}

#define CELL(name, en, zh, unit, formula, ...)                                                     \
    rw_sizing_add(sizing, tier, name, RW_TEXTS(en, zh), unit, formula, __VA_ARGS__)

void rw_sizing_properties(struct rw_sizing *sizing, unsigned number)
{
    struct rw_plan *plan = sizing->plan;
    const struct rw_tier *tier = &plan->tiers[number];
    struct rw_sizing_tier *cells = &sizing->tiers[number];
    const uint32_t *in = plan->inputs;
    choose_profile(plan, tier, cells);
    choose_nodes(plan, tier, cells);
    cells->utilization = CELL("utilization_max", "Highest utilisation", "最高利用率", RW_UNIT_SHARE,
                              &rw_formula_least, 2, sizing->utilization_max, cells->headroom);
    cells->app_rate = CELL("node_rate", "Rate of an application node", "单应用节点速率",
                           RW_UNIT_PER_SECOND, &rw_sizing_node_rate, 3, in[RW_INPUT_SERVICE_TIME],
                           in[RW_INPUT_NODE_CORES], cells->utilization);
    cells->gateway_rate = CELL("gateway_node_rate", "Rate of a gateway node", "单网关节点速率",
                               RW_UNIT_PER_SECOND, &rw_formula_product, 3,
                               in[RW_INPUT_GATEWAY_RATE], in[RW_INPUT_NODE_CORES], cells->headroom);
    cells->gateway_memory =
        CELL("gateway_memory_usable", "Memory of a node for connections", "节点可用于连接的内存",
             RW_UNIT_BYTES, &rw_formula_product, 2, cells->node_memory, cells->headroom);
    cells->database_cores =
        CELL("database_cores", "Cores of a database node", "数据库节点核数", RW_UNIT_COUNT,
             &rw_sizing_database_cores, 7, sizing->rate_today, in[RW_INPUT_GROWTH],
             in[RW_INPUT_TERM], in[RW_INPUT_CACHE_HIT_SHARE], in[RW_INPUT_QUERIES_PER_REQUEST],
             in[RW_INPUT_QUERY_TIME], cells->headroom);
    cells->database_load =
        CELL("database_node_load", "Work of a database node", "单数据库节点负载", RW_UNIT_ERLANGS,
             &rw_formula_product, 2, cells->database_cores, cells->headroom);
}

static void add_app(struct rw_sizing *sizing, const struct rw_tier *tier,
                    struct rw_sizing_tier *cells)
{
    const uint32_t *in = sizing->plan->inputs;
    uint32_t peak = CELL("app_nodes_peak", "Application nodes for the peak", "峰值所需应用节点",
                         RW_UNIT_COUNT, &rw_sizing_usl_nodes, 4, sizing->origin_rate,
                         cells->app_rate, in[RW_INPUT_CONTENTION], in[RW_INPUT_COHERENCY]);
    cells->app = CELL("app_nodes", "Application nodes", "应用节点", RW_UNIT_COUNT,
                      &rw_sizing_zone_loss, 2, peak, cells->zones);
    cells->app_standby = CELL("app_nodes_standby", "Application nodes standing by", "待命应用节点",
                              RW_UNIT_COUNT, &rw_sizing_standby, 2, cells->app, cells->standby);
}

static void add_gateway(struct rw_sizing *sizing, const struct rw_tier *tier,
                        struct rw_sizing_tier *cells)
{
    const uint32_t *in = sizing->plan->inputs;
    uint32_t by_rate =
        CELL("gateway_nodes_rate", "Gateway nodes for the rate", "按速率的网关节点", RW_UNIT_COUNT,
             &rw_formula_ceiling, 2, sizing->rate_peak, cells->gateway_rate);
    uint32_t memory = CELL("gateway_connections_memory", "Memory of the connections",
                           "连接所占内存", RW_UNIT_BYTES, &rw_formula_product, 2,
                           sizing->connections, in[RW_INPUT_GATEWAY_CONNECTION]);
    uint32_t by_memory =
        CELL("gateway_nodes_memory", "Gateway nodes for the connections", "按连接的网关节点",
             RW_UNIT_COUNT, &rw_formula_ceiling, 2, memory, cells->gateway_memory);
    uint32_t peak = CELL("gateway_nodes_peak", "Gateway nodes for the peak", "峰值所需网关节点",
                         RW_UNIT_COUNT, &rw_formula_greatest, 2, by_rate, by_memory);
    cells->gateway = CELL("gateway_nodes", "Gateway nodes", "网关节点", RW_UNIT_COUNT,
                          &rw_sizing_zone_loss, 2, peak, cells->zones);
    cells->gateway_standby =
        CELL("gateway_nodes_standby", "Gateway nodes standing by", "待命网关节点", RW_UNIT_COUNT,
             &rw_sizing_standby, 2, cells->gateway, cells->standby);
    CELL("gateway_memory", "Memory of all gateways", "网关总内存", RW_UNIT_BYTES,
         &rw_sizing_gateway_memory, 4, in[RW_INPUT_GATEWAY_BASE], in[RW_INPUT_GATEWAY_CONNECTION],
         sizing->connections, cells->gateway);
}

static void add_stores(struct rw_sizing *sizing, const struct rw_tier *tier,
                       struct rw_sizing_tier *cells)
{
    uint32_t peak =
        CELL("database_nodes_peak", "Database nodes for the peak", "峰值所需数据库节点",
             RW_UNIT_COUNT, &rw_formula_ceiling, 2, sizing->query_load, cells->database_load);
    cells->database = CELL("database_nodes", "Database nodes", "数据库节点", RW_UNIT_COUNT,
                           &rw_sizing_zone_loss, 2, peak, cells->zones);
    cells->database_standby =
        CELL("database_nodes_standby", "Database nodes standing by", "待命数据库节点",
             RW_UNIT_COUNT, &rw_sizing_standby, 2, cells->database, cells->standby);
    uint32_t needed =
        CELL("cache_nodes_peak", "Cache nodes for the peak", "峰值所需缓存节点", RW_UNIT_COUNT,
             &rw_formula_ceiling, 2, sizing->rate_peak, cells->cache_rate);
    cells->cache = CELL("cache_nodes", "Cache nodes", "缓存节点", RW_UNIT_COUNT,
                        &rw_sizing_zone_loss, 2, needed, cells->zones);
}

/* Metrics and alerts, twice in each region, so that the one tells of the other. */
static void add_totals(struct rw_sizing *sizing, const struct rw_tier *tier,
                       const struct rw_sizing_tier *cells)
{
    uint32_t nodes = CELL("nodes", "All nodes", "节点总数", RW_UNIT_COUNT, &rw_formula_sum, 7,
                          cells->app, cells->app_standby, cells->gateway, cells->gateway_standby,
                          cells->database, cells->database_standby, cells->cache);
    CELL("monitor_nodes", "Monitoring nodes", "监控节点", RW_UNIT_COUNT, &rw_sizing_monitors, 3,
         nodes, cells->regions, cells->monitor_reach);
    uint32_t servers = CELL("servers", "Application and gateway nodes", "应用与网关节点",
                            RW_UNIT_COUNT, &rw_formula_sum, 4, cells->app, cells->app_standby,
                            cells->gateway, cells->gateway_standby);
    CELL("cores", "Their cores", "应用与网关核数", RW_UNIT_COUNT, &rw_formula_product, 2, servers,
         sizing->plan->inputs[RW_INPUT_NODE_CORES]);
    CELL("memory", "Their memory", "应用与网关内存", RW_UNIT_BYTES, &rw_formula_product, 2, servers,
         cells->node_memory);
}

void rw_sizing_nodes(struct rw_sizing *sizing, unsigned number)
{
    const struct rw_tier *tier = &sizing->plan->tiers[number];
    struct rw_sizing_tier *cells = &sizing->tiers[number];
    add_app(sizing, tier, cells);
    add_gateway(sizing, tier, cells);
    add_stores(sizing, tier, cells);
    add_totals(sizing, tier, cells);
}
