/* What one tier needs: machines, storage, traffic, and what it can promise. */
#include "plan/sizing/formulas.h"
#include "plan/sizing/shared.h"

/* The tier's properties as cells, and what was computed for it so far. */
struct tier_cells {
    uint32_t zones, regions, standby, headroom, failover, node_memory, database_cores;
    uint32_t utilization, app, gateway, database, cache;
    uint32_t app_standby, gateway_standby, database_standby;
    uint32_t used;
};

static uint32_t choose(struct rw_plan *plan, const struct rw_tier *tier, const char *name,
                       struct rw_label label, enum rw_unit unit, double value,
                       struct rw_label reason)
{
    const char *id = rw_sheet_text(&plan->sheet, "sizing.%s.%s", tier->id, name);
    return rw_sheet_choose(&plan->sheet, id, label, unit, value, reason);
}

static void add_properties(struct rw_plan *plan, const struct rw_tier *tier,
                           struct tier_cells *cells)
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
    cells->node_memory =
        choose(plan, tier, "node_memory", RW_TEXTS("Memory of a node", "节点内存"), RW_UNIT_BYTES,
               16 * 1073741824.0, RW_TEXTS("4 GiB for a core", "每核 4 GiB"));
    cells->database_cores =
        choose(plan, tier, "database_cores", RW_TEXTS("Cores of a database node", "数据库节点核数"),
               RW_UNIT_COUNT, 16, RW_TEXTS("16 cores and 128 GiB", "16 核 128 GiB"));
}

#define CELL(name, en, zh, unit, formula, ...)                                                     \
    rw_plan_compute(plan, "sizing", tier, name, RW_TEXTS(en, zh), unit, formula, __VA_ARGS__)

static void add_app(struct rw_plan *plan, const struct rw_sizing *sizing,
                    const struct rw_tier *tier, struct tier_cells *cells)
{
    const uint32_t *in = plan->inputs;
    cells->utilization = CELL("utilization_max", "Highest utilisation", "最高利用率", RW_UNIT_SHARE,
                              &rw_formula_least, 2, sizing->utilization_max, cells->headroom);
    uint32_t rate = CELL("node_rate", "Rate of an application node", "单应用节点速率",
                         RW_UNIT_PER_SECOND, &rw_sizing_node_rate, 3, in[RW_INPUT_SERVICE_TIME],
                         in[RW_INPUT_NODE_CORES], cells->utilization);
    uint32_t peak = CELL("app_nodes_peak", "Application nodes for the peak", "峰值所需应用节点",
                         RW_UNIT_COUNT, &rw_sizing_usl_nodes, 4, sizing->origin_rate, rate,
                         in[RW_INPUT_CONTENTION], in[RW_INPUT_COHERENCY]);
    cells->app = CELL("app_nodes", "Application nodes", "应用节点", RW_UNIT_COUNT,
                      &rw_sizing_zone_loss, 2, peak, cells->zones);
    cells->app_standby = CELL("app_nodes_standby", "Application nodes standing by", "待命应用节点",
                              RW_UNIT_COUNT, &rw_sizing_standby, 2, cells->app, cells->standby);
}

static void add_gateway(struct rw_plan *plan, const struct rw_sizing *sizing,
                        const struct rw_tier *tier, struct tier_cells *cells)
{
    const uint32_t *in = plan->inputs;
    uint32_t rate = CELL("gateway_node_rate", "Rate of a gateway node", "单网关节点速率",
                         RW_UNIT_PER_SECOND, &rw_formula_product, 3, in[RW_INPUT_GATEWAY_RATE],
                         in[RW_INPUT_NODE_CORES], cells->headroom);
    uint32_t by_rate = CELL("gateway_nodes_rate", "Gateway nodes for the rate", "按速率的网关节点",
                            RW_UNIT_COUNT, &rw_formula_ceiling, 2, sizing->rate_peak, rate);
    uint32_t memory = CELL("gateway_connections_memory", "Memory of the connections",
                           "连接所占内存", RW_UNIT_BYTES, &rw_formula_product, 2,
                           sizing->connections, in[RW_INPUT_GATEWAY_CONNECTION]);
    uint32_t room =
        CELL("gateway_memory_usable", "Memory of a node for them", "节点可用内存", RW_UNIT_BYTES,
             &rw_formula_product, 2, cells->node_memory, cells->headroom);
    uint32_t by_memory =
        CELL("gateway_nodes_memory", "Gateway nodes for the connections", "按连接的网关节点",
             RW_UNIT_COUNT, &rw_formula_ceiling, 2, memory, room);
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

static void add_stores(struct rw_plan *plan, const struct rw_sizing *sizing,
                       const struct rw_tier *tier, struct tier_cells *cells)
{
    uint32_t usable =
        CELL("database_node_load", "Work of a database node", "单数据库节点负载", RW_UNIT_ERLANGS,
             &rw_formula_product, 2, cells->database_cores, cells->headroom);
    uint32_t peak = CELL("database_nodes_peak", "Database nodes for the peak", "峰值所需数据库节点",
                         RW_UNIT_COUNT, &rw_formula_ceiling, 2, sizing->query_load, usable);
    cells->database = CELL("database_nodes", "Database nodes", "数据库节点", RW_UNIT_COUNT,
                           &rw_sizing_zone_loss, 2, peak, cells->zones);
    cells->database_standby =
        CELL("database_nodes_standby", "Database nodes standing by", "待命数据库节点",
             RW_UNIT_COUNT, &rw_sizing_standby, 2, cells->database, cells->standby);
    choose(plan, tier, "cache_cores", RW_TEXTS("Cores of a cache node", "缓存节点核数"),
           RW_UNIT_COUNT, 8,
           RW_TEXTS("8 cores and 64 GiB: the memory counts, commands run on one core",
                    "8 核 64 GiB：以内存为准，命令在单核上执行"));
    uint32_t node =
        choose(plan, tier, "cache_node_rate", RW_TEXTS("Rate of a cache node", "单缓存节点速率"),
               RW_UNIT_PER_SECOND, 80000,
               RW_TEXTS("simple commands of one Redis node; measure it",
                        "单个 Redis 节点的简单命令；请实测"));
    uint32_t needed = CELL("cache_nodes_peak", "Cache nodes for the peak", "峰值所需缓存节点",
                           RW_UNIT_COUNT, &rw_formula_ceiling, 2, sizing->rate_peak, node);
    cells->cache = CELL("cache_nodes", "Cache nodes", "缓存节点", RW_UNIT_COUNT,
                        &rw_sizing_zone_loss, 2, needed, cells->zones);
}

static void add_totals(struct rw_plan *plan, const struct rw_tier *tier, struct tier_cells *cells)
{
    CELL("nodes", "All nodes", "节点总数", RW_UNIT_COUNT, &rw_formula_sum, 7, cells->app,
         cells->app_standby, cells->gateway, cells->gateway_standby, cells->database,
         cells->database_standby, cells->cache);
    uint32_t servers = CELL("servers", "Application and gateway nodes", "应用与网关节点",
                            RW_UNIT_COUNT, &rw_formula_sum, 4, cells->app, cells->app_standby,
                            cells->gateway, cells->gateway_standby);
    CELL("cores", "Their cores", "应用与网关核数", RW_UNIT_COUNT, &rw_formula_product, 2, servers,
         plan->inputs[RW_INPUT_NODE_CORES]);
    CELL("memory", "Their memory", "应用与网关内存", RW_UNIT_BYTES, &rw_formula_product, 2, servers,
         cells->node_memory);
}

static void add_storage(struct rw_plan *plan, const struct rw_sizing *sizing,
                        const struct rw_tier *tier, const struct tier_cells *cells)
{
    const uint32_t *in = plan->inputs;
    uint32_t hot =
        CELL("storage_hot", "Fast storage", "热存储", RW_UNIT_BYTES, &rw_sizing_hot_regions, 4,
             sizing->hot, cells->regions, cells->standby, in[RW_INPUT_REPLICAS]);
    uint32_t cold = CELL("storage_cold", "Object storage", "对象存储", RW_UNIT_BYTES,
                         &rw_formula_product, 2, sizing->cold, cells->regions);
    uint32_t backup = CELL("storage_backup", "Backup storage", "备份存储", RW_UNIT_BYTES,
                           &rw_formula_product, 2, sizing->backup, cells->regions);
    CELL("storage_billed", "Storage that is paid for", "计费存储总量", RW_UNIT_BYTES,
         &rw_formula_sum, 3, hot, cold, backup);
    CELL("egress_month", "Traffic to the internet a month", "月公网流出", RW_UNIT_BYTES,
         &rw_formula_same, 1, sizing->egress_month);
    uint32_t zones = CELL("transfer_zones", "Traffic between zones a month", "月跨可用区流量",
                          RW_UNIT_BYTES, &rw_sizing_between_zones, 4, sizing->requests_month,
                          in[RW_INPUT_REQUEST_BYTES], in[RW_INPUT_RESPONSE_BYTES], cells->zones);
    uint32_t regions = CELL("transfer_regions", "Traffic between regions a month", "月跨地域流量",
                            RW_UNIT_BYTES, &rw_sizing_between_regions, 3, sizing->data_day,
                            in[RW_INPUT_COMPRESSION_DATA], cells->regions);
    CELL("transfer_month", "Traffic between zones and regions", "月内网流量", RW_UNIT_BYTES,
         &rw_formula_sum, 2, zones, regions);
    bool stored = !isnan(rw_plan_input(plan, RW_INPUT_DATA_STORED));
    uint32_t daily =
        CELL("link_replication", "Link for replication", "复制带宽", RW_UNIT_BITS_PER_SECOND,
             &rw_sizing_replication_link, 4, sizing->data_day, in[RW_INPUT_PEAK_FACTOR],
             in[RW_INPUT_COMPRESSION_DATA], in[RW_INPUT_LINK_UTILIZATION]);
    uint32_t move = daily;
    if (stored)
        move = CELL("link_move", "Link that copies what exists in time", "存量迁移带宽",
                    RW_UNIT_BITS_PER_SECOND, &rw_sizing_move_link, 3, in[RW_INPUT_DATA_STORED],
                    in[RW_INPUT_MOVE_TIME], in[RW_INPUT_LINK_UTILIZATION]);
    CELL("link", "Link between regions or to the customer's site", "跨地域或专线带宽",
         RW_UNIT_BITS_PER_SECOND, &rw_formula_greatest, 2, daily, move);
}

static void add_promises(struct rw_plan *plan, const struct rw_sizing *sizing,
                         const struct rw_tier *tier, struct tier_cells *cells)
{
    const uint32_t *in = plan->inputs;
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
    bool fails_over = rw_sheet_value(&plan->sheet, cells->failover) > 0;
    CELL("recovery", "Recovery when a region is lost", "地域失效后的恢复时间", RW_UNIT_SECONDS,
         &rw_formula_same, 1, fails_over ? cells->failover : in[RW_INPUT_REGION_OUTAGE]);
    uint32_t used = CELL("utilization", "Utilisation with a zone lost", "失去一个可用区时的利用率",
                         RW_UNIT_SHARE, &rw_sizing_utilization, 4, sizing->cores_needed, cells->app,
                         cells->zones, in[RW_INPUT_NODE_CORES]);
    CELL("response", "Mean response at the peak", "峰值平均响应", RW_UNIT_SECONDS,
         &rw_sizing_response, 2, in[RW_INPUT_SERVICE_TIME], used);
    CELL("response_tail", "Response at the target's percentile", "目标分位响应", RW_UNIT_SECONDS,
         &rw_sizing_response, 2, sizing->service_tail, used);
}

void rw_sizing_tier(struct rw_plan *plan, const struct rw_sizing *sizing,
                    const struct rw_tier *tier)
{
    struct tier_cells cells;
    add_properties(plan, tier, &cells);
    add_app(plan, sizing, tier, &cells);
    add_gateway(plan, sizing, tier, &cells);
    add_stores(plan, sizing, tier, &cells);
    add_totals(plan, tier, &cells);
    add_storage(plan, sizing, tier, &cells);
    add_promises(plan, sizing, tier, &cells);
}
