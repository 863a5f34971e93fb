/* What one tier stores and moves. */
#include "plan/sizing/formulas.h"
#include "plan/sizing/shared.h"

#define CELL(name, en, zh, unit, formula, ...)                                                     \
    rw_sizing_add(sizing, tier, name, RW_TEXTS(en, zh), unit, formula, __VA_ARGS__)

static void add_storage(struct rw_sizing *sizing, const struct rw_tier *tier,
                        const struct rw_sizing_tier *cells)
{
    const uint32_t *in = sizing->plan->inputs;
    uint32_t hot =
        CELL("storage_hot", "Fast storage", "热存储", RW_UNIT_BYTES, &rw_sizing_hot_regions, 4,
             sizing->hot, cells->regions, cells->standby, in[RW_INPUT_REPLICAS]);
    uint32_t cold = CELL("storage_cold", "Object storage", "对象存储", RW_UNIT_BYTES,
                         &rw_formula_product, 2, sizing->cold, cells->regions);
    uint32_t backup = CELL("storage_backup", "Backup storage", "备份存储", RW_UNIT_BYTES,
                           &rw_formula_product, 2, sizing->backup, cells->regions);
    uint32_t logs = CELL("storage_logs", "Access log kept", "保存的访问日志", RW_UNIT_BYTES,
                         &rw_formula_same, 1, sizing->logs);
    CELL("storage_billed", "Storage that is paid for", "计费存储总量", RW_UNIT_BYTES,
         &rw_formula_sum, 4, hot, cold, backup, logs);
}

static void add_traffic(struct rw_sizing *sizing, const struct rw_tier *tier,
                        const struct rw_sizing_tier *cells)
{
    const uint32_t *in = sizing->plan->inputs;
    CELL("egress_month", "Traffic to the internet a month", "月公网流出", RW_UNIT_BYTES,
         &rw_formula_same, 1, sizing->egress_month);
    CELL("entry_month", "Traffic through the entry a month", "月入口流量", RW_UNIT_BYTES,
         &rw_formula_same, 1, sizing->entry_month);
    uint32_t zones = CELL("transfer_zones", "Traffic between zones a month", "月跨可用区流量",
                          RW_UNIT_BYTES, &rw_sizing_between_zones, 4, sizing->requests_month,
                          in[RW_INPUT_REQUEST_BYTES], in[RW_INPUT_RESPONSE_BYTES], cells->zones);
    uint32_t regions = CELL("transfer_regions", "Traffic between regions a month", "月跨地域流量",
                            RW_UNIT_BYTES, &rw_sizing_between_regions, 3, sizing->data_day,
                            in[RW_INPUT_COMPRESSION_DATA], cells->regions);
    CELL("transfer_month", "Traffic between zones and regions", "月内网流量", RW_UNIT_BYTES,
         &rw_formula_sum, 2, zones, regions);
}

/* What exists is copied once, whatever the year. */
static uint32_t link_move(struct rw_sizing *sizing, const struct rw_tier *tier)
{
    const uint32_t *in = sizing->plan->inputs;
    if (sizing->year)
        return rw_plan_find(sizing->plan, "sizing", tier, "link_move");
    return CELL("link_move", "Link that copies what exists in time", "存量迁移带宽",
                RW_UNIT_BITS_PER_SECOND, &rw_sizing_move_link, 3, in[RW_INPUT_DATA_STORED],
                in[RW_INPUT_MOVE_TIME], in[RW_INPUT_LINK_UTILIZATION]);
}

static void add_link(struct rw_sizing *sizing, const struct rw_tier *tier)
{
    const uint32_t *in = sizing->plan->inputs;
    bool stored = rw_sizing_known(sizing, RW_INPUT_DATA_STORED);
    uint32_t daily =
        CELL("link_replication", "Link for replication", "复制带宽", RW_UNIT_BITS_PER_SECOND,
             &rw_sizing_replication_link, 4, sizing->data_day, in[RW_INPUT_PEAK_FACTOR],
             in[RW_INPUT_COMPRESSION_DATA], in[RW_INPUT_LINK_UTILIZATION]);
    uint32_t move = stored ? link_move(sizing, tier) : daily;
    CELL("link", "Link between regions or to the customer's site", "跨地域或专线带宽",
         RW_UNIT_BITS_PER_SECOND, &rw_formula_greatest, 2, daily, move);
}

void rw_sizing_volumes(struct rw_sizing *sizing, unsigned number)
{
    const struct rw_tier *tier = &sizing->plan->tiers[number];
    const struct rw_sizing_tier *cells = &sizing->tiers[number];
    add_storage(sizing, tier, cells);
    add_traffic(sizing, tier, cells);
    add_link(sizing, tier);
}
