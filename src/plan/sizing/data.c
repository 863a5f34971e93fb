/* What is stored, kept and sent. */
#include "plan/sizing/formulas.h"
#include "plan/sizing/shared.h"

#define CELL(name, en, zh, unit, formula, ...)                                                     \
    rw_sizing_add(sizing, NULL, name, RW_TEXTS(en, zh), unit, formula, __VA_ARGS__)

/* Without a statement about data, everything that comes in is taken to be kept. */
static uint32_t data_day(struct rw_sizing *sizing)
{
    struct rw_sheet *sheet = &sizing->plan->sheet;
    const uint32_t *in = sizing->plan->inputs;
    if (rw_sizing_known(sizing, RW_INPUT_DATA_PER_DAY))
        return rw_sizing_add(
            sizing, NULL, "data_day",
            sizing->year ? RW_TEXTS("New data a day", "日新增数据")
                         : RW_TEXTS("New data a day at the end of the term", "期末日新增数据"),
            RW_UNIT_BYTES_PER_DAY, &rw_sizing_grown, 3, in[RW_INPUT_DATA_PER_DAY],
            in[RW_INPUT_GROWTH], sizing->elapsed);
    uint32_t day = rw_sheet_find(sheet, "sizing.day");
    if (day == RW_CELL_NONE)
        day = rw_sheet_choose(sheet, "sizing.day", RW_TEXTS("A day", "一天"), RW_UNIT_SECONDS,
                              86400, RW_TEXTS("by definition", "定义"));
    return CELL("data_day", "New data a day: all that comes in", "日新增数据（按全部请求正文）",
                RW_UNIT_BYTES_PER_DAY, &rw_formula_product, 3, sizing->rate_mean,
                in[RW_INPUT_REQUEST_BYTES], day);
}

/* Nothing is older than the system itself. */
static void add_raw(struct rw_sizing *sizing)
{
    const uint32_t *in = sizing->plan->inputs;
    bool stored = rw_sizing_known(sizing, RW_INPUT_DATA_STORED);
    uint32_t days_hot =
        CELL("days_hot", "Days on fast storage", "热数据天数", RW_UNIT_DAYS, &rw_sizing_days_kept,
             3, in[RW_INPUT_RETENTION], in[RW_INPUT_RETENTION_HOT], sizing->elapsed);
    uint32_t days_cold = CELL("days_cold", "Days on object storage", "冷数据天数", RW_UNIT_DAYS,
                              &rw_sizing_days_cold, 3, in[RW_INPUT_RETENTION],
                              in[RW_INPUT_RETENTION_HOT], sizing->elapsed);
    uint32_t recent = CELL("data_recent", "Recent data", "近期数据", RW_UNIT_BYTES, &rw_sizing_kept,
                           2, sizing->data_day, days_hot);
    /* What a customer has today is the database that works: it stays on fast storage. */
    sizing->raw_hot = CELL("data_hot", "Hot data, raw", "热数据原始量", RW_UNIT_BYTES,
                           &rw_formula_sum, stored ? 2 : 1, recent, in[RW_INPUT_DATA_STORED]);
    sizing->raw_cold = CELL("data_cold", "Cold data, raw", "冷数据原始量", RW_UNIT_BYTES,
                            &rw_sizing_kept, 2, sizing->data_day, days_cold);
    CELL("data_raw", "All data, raw", "全部数据原始量", RW_UNIT_BYTES, &rw_formula_sum, 2,
         sizing->raw_hot, sizing->raw_cold);
}

static void add_stored(struct rw_sizing *sizing)
{
    const uint32_t *in = sizing->plan->inputs;
    sizing->hot = CELL("storage_hot", "Fast storage of one region", "单地域热存储", RW_UNIT_BYTES,
                       &rw_sizing_stored, 4, sizing->raw_hot, in[RW_INPUT_REPLICAS],
                       in[RW_INPUT_STORAGE_OVERHEAD], in[RW_INPUT_COMPRESSION_DATA]);
    sizing->cold =
        CELL("storage_cold", "Object storage of one region", "单地域对象存储", RW_UNIT_BYTES,
             &rw_formula_ratio, 2, sizing->raw_cold, in[RW_INPUT_COMPRESSION_DATA]);
    sizing->backup = CELL("storage_backup", "Backups", "备份", RW_UNIT_BYTES, &rw_sizing_backup, 5,
                          sizing->raw_hot, in[RW_INPUT_COMPRESSION_DATA], in[RW_INPUT_BACKUP_FULLS],
                          in[RW_INPUT_BACKUP_CHANGE], in[RW_INPUT_BACKUP_DAYS]);
    sizing->logs =
        CELL("storage_logs", "Access log kept", "保存的访问日志", RW_UNIT_BYTES, &rw_sizing_logs, 3,
             sizing->requests_month, sizing->log_line, sizing->log_days);
}

static void add_traffic(struct rw_sizing *sizing)
{
    const uint32_t *in = sizing->plan->inputs;
    sizing->egress_month =
        CELL("egress_month", "Traffic to the internet a month", "月公网流出", RW_UNIT_BYTES,
             &rw_sizing_egress, 4, sizing->requests_month, in[RW_INPUT_RESPONSE_BYTES],
             in[RW_INPUT_COMPRESSION_TRAFFIC], in[RW_INPUT_EGRESS_SHARE]);
    sizing->entry_month =
        CELL("entry_month", "Traffic through the entry a month", "月入口流量", RW_UNIT_BYTES,
             &rw_sizing_entry, 4, sizing->requests_month, in[RW_INPUT_REQUEST_BYTES],
             in[RW_INPUT_RESPONSE_BYTES], in[RW_INPUT_COMPRESSION_TRAFFIC]);
    sizing->link = CELL("link", "Bandwidth of the entry", "入口带宽", RW_UNIT_BITS_PER_SECOND,
                        &rw_sizing_link, 4, sizing->rate_peak, in[RW_INPUT_RESPONSE_BYTES],
                        in[RW_INPUT_COMPRESSION_TRAFFIC], in[RW_INPUT_LINK_UTILIZATION]);
}

void rw_sizing_data(struct rw_sizing *sizing)
{
    sizing->data_day = data_day(sizing);
    add_raw(sizing);
    add_stored(sizing);
    add_traffic(sizing);
}
