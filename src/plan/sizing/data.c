/* What is stored, kept and sent. */
#include "plan/sizing/formulas.h"
#include "plan/sizing/shared.h"

/* Without a statement about data, everything that comes in is taken to be kept. */
static uint32_t data_day(struct rw_plan *plan, const struct rw_sizing *sizing)
{
    struct rw_sheet *sheet = &plan->sheet;
    if (!isnan(rw_plan_input(plan, RW_INPUT_DATA_PER_DAY)))
        return rw_sheet_compute(sheet, "sizing.data_day",
                                RW_TEXTS("New data a day at the end of the term", "期末日新增数据"),
                                RW_UNIT_BYTES_PER_DAY, &rw_sizing_grown, 3,
                                plan->inputs[RW_INPUT_DATA_PER_DAY], plan->inputs[RW_INPUT_GROWTH],
                                plan->inputs[RW_INPUT_TERM]);
    uint32_t day = rw_sheet_choose(sheet, "sizing.day", RW_TEXTS("A day", "一天"), RW_UNIT_SECONDS,
                                   86400, RW_TEXTS("by definition", "定义"));
    return rw_sheet_compute(
        sheet, "sizing.data_day",
        RW_TEXTS("New data a day: all that comes in", "日新增数据（按全部请求正文）"),
        RW_UNIT_BYTES_PER_DAY, &rw_formula_product, 3, sizing->rate_mean,
        plan->inputs[RW_INPUT_REQUEST_BYTES], day);
}

static void add_raw(struct rw_plan *plan, struct rw_sizing *sizing)
{
    struct rw_sheet *sheet = &plan->sheet;
    const uint32_t *in = plan->inputs;
    bool stored = !isnan(rw_plan_input(plan, RW_INPUT_DATA_STORED));
    uint32_t days_hot = rw_sheet_compute(
        sheet, "sizing.days_hot", RW_TEXTS("Days on fast storage", "热数据天数"), RW_UNIT_DAYS,
        &rw_formula_least, 2, in[RW_INPUT_RETENTION], in[RW_INPUT_RETENTION_HOT]);
    uint32_t days_cold = rw_sheet_compute(
        sheet, "sizing.days_cold", RW_TEXTS("Days on object storage", "冷数据天数"), RW_UNIT_DAYS,
        &rw_sizing_days_cold, 2, in[RW_INPUT_RETENTION], in[RW_INPUT_RETENTION_HOT]);
    uint32_t recent =
        rw_sheet_compute(sheet, "sizing.data_recent", RW_TEXTS("Recent data", "近期数据"),
                         RW_UNIT_BYTES, &rw_sizing_kept, 2, sizing->data_day, days_hot);
    /* What a customer has today is the database that works: it stays on fast storage. */
    sizing->raw_hot = rw_sheet_compute(
        sheet, "sizing.data_hot", RW_TEXTS("Hot data, raw", "热数据原始量"), RW_UNIT_BYTES,
        &rw_formula_sum, stored ? 2 : 1, recent, in[RW_INPUT_DATA_STORED]);
    sizing->raw_cold =
        rw_sheet_compute(sheet, "sizing.data_cold", RW_TEXTS("Cold data, raw", "冷数据原始量"),
                         RW_UNIT_BYTES, &rw_sizing_kept, 2, sizing->data_day, days_cold);
    rw_sheet_compute(sheet, "sizing.data_raw", RW_TEXTS("All data, raw", "全部数据原始量"),
                     RW_UNIT_BYTES, &rw_formula_sum, 2, sizing->raw_hot, sizing->raw_cold);
}

static void add_stored(struct rw_plan *plan, struct rw_sizing *sizing)
{
    struct rw_sheet *sheet = &plan->sheet;
    const uint32_t *in = plan->inputs;
    sizing->hot = rw_sheet_compute(
        sheet, "sizing.storage_hot", RW_TEXTS("Fast storage of one region", "单地域热存储"),
        RW_UNIT_BYTES, &rw_sizing_stored, 4, sizing->raw_hot, in[RW_INPUT_REPLICAS],
        in[RW_INPUT_STORAGE_OVERHEAD], in[RW_INPUT_COMPRESSION_DATA]);
    sizing->cold = rw_sheet_compute(
        sheet, "sizing.storage_cold", RW_TEXTS("Object storage of one region", "单地域对象存储"),
        RW_UNIT_BYTES, &rw_formula_ratio, 2, sizing->raw_cold, in[RW_INPUT_COMPRESSION_DATA]);
    sizing->backup = rw_sheet_compute(sheet, "sizing.storage_backup", RW_TEXTS("Backups", "备份"),
                                      RW_UNIT_BYTES, &rw_sizing_backup, 5, sizing->raw_hot,
                                      in[RW_INPUT_COMPRESSION_DATA], in[RW_INPUT_BACKUP_FULLS],
                                      in[RW_INPUT_BACKUP_CHANGE], in[RW_INPUT_BACKUP_DAYS]);
}

static void add_traffic(struct rw_plan *plan, struct rw_sizing *sizing)
{
    struct rw_sheet *sheet = &plan->sheet;
    const uint32_t *in = plan->inputs;
    sizing->egress_month = rw_sheet_compute(
        sheet, "sizing.egress_month", RW_TEXTS("Traffic to the internet a month", "月公网流出"),
        RW_UNIT_BYTES, &rw_sizing_egress, 4, sizing->requests_month, in[RW_INPUT_RESPONSE_BYTES],
        in[RW_INPUT_COMPRESSION_TRAFFIC], in[RW_INPUT_EGRESS_SHARE]);
    sizing->link = rw_sheet_compute(
        sheet, "sizing.link", RW_TEXTS("Bandwidth of the entry", "入口带宽"),
        RW_UNIT_BITS_PER_SECOND, &rw_sizing_link, 4, sizing->rate_peak, in[RW_INPUT_RESPONSE_BYTES],
        in[RW_INPUT_COMPRESSION_TRAFFIC], in[RW_INPUT_LINK_UTILIZATION]);
}

void rw_sizing_data(struct rw_plan *plan, struct rw_sizing *sizing)
{
    sizing->data_day = data_day(plan, sizing);
    add_raw(plan, sizing);
    add_stored(plan, sizing);
    add_traffic(plan, sizing);
}
