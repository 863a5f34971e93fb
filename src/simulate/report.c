/* For a terminal. */
#include "simulate/report.h"

#include "report/number.h"

#include <inttypes.h>
#include <math.h>

enum { LABEL_COLUMNS = 13, GOAL_COLUMNS = 5 };

struct page {
    const struct rw_simulate_sheet *sheet;
    const struct rw_simulate_ledger *ledger; /* of the first run */
    enum rw_language language;
    struct rw_text *text;
};

static void say(const struct page *page, struct rw_label label)
{
    rw_text_adds(page->text, rw_label_in(label, page->language));
}

static void put(const struct page *page, double value, enum rw_unit unit)
{
    rw_simulate_add_quantity((struct rw_quantity){value, unit, NULL, NULL}, page->language,
                             page->text);
}

static void put_count(const struct page *page, double value)
{
    rw_report_number(page->text, value, 0);
}

static void put_money(const struct page *page, double amount)
{
    rw_quantity_write(page->text,
                      (struct rw_quantity){round(amount * 100), RW_UNIT_MONEY,
                                           page->sheet->model->currency.at, NULL},
                      page->language);
}

/* Columns on a terminal: Chinese characters take two. */
static size_t width_of(struct rw_span text)
{
    size_t width = 0;
    for (size_t i = 0; i < text.len; i++) {
        unsigned char byte = (unsigned char)text.at[i];
        width += (byte < 0x80 || byte >= 0xc0) + (byte >= 0xe3);
    }
    return width;
}

static void pad(struct rw_text *text, size_t width, size_t columns)
{
    for (; width < columns; width++)
        rw_text_adds(text, " ");
}

static void label(const struct page *page, struct rw_label name)
{
    struct rw_span text = rw_span_text(rw_label_in(name, page->language));
    rw_text_adds(page->text, "  ");
    rw_text_add(page->text, text);
    pad(page->text, width_of(text), LABEL_COLUMNS);
}

/* ---- Figures ---- */

static void put_head(const struct page *page)
{
    const struct rw_simulate_sheet *sheet = page->sheet;
    const struct rw_simulate_model *model = sheet->model;
    rw_text_add(page->text, model->name.len ? model->name : rw_span_text(model->path));
    say(page, RW_TEXTS(": ", "："));
    put(page, model->seconds, RW_UNIT_SECONDS);
    if (model->method == RW_SIMULATE_EXACT)
        say(page, RW_TEXTS(", every request followed", "，逐个请求模拟"));
    else
        say(page, RW_TEXTS(", requests sampled", "，请求抽样模拟"));
    say(page, RW_TEXTS(", seed ", "，种子 "));
    rw_text_addf(page->text, "%" PRIu64, sheet->run->results[0].seed);
    if (sheet->run->runs > 1) {
        say(page, RW_TEXTS(" of ", "，共 "));
        rw_text_addf(page->text, "%u", sheet->run->runs);
        say(page, RW_TEXTS(" runs", " 次"));
    }
    rw_text_adds(page->text, "\n\n");
}

static void put_requests(const struct page *page)
{
    const struct rw_simulate_ledger *ledger = page->ledger;
    label(page, RW_TEXTS("requests", "请求"));
    put_count(page, (double)ledger->arrived);
    say(page, RW_TEXTS(" came, ", " 到达，"));
    put_count(page, (double)rw_simulate_ledger_failed(ledger));
    say(page, RW_TEXTS(" failed (", " 失败（"));
    put(page, 1 - rw_simulate_ledger_availability(ledger), RW_UNIT_SHARE);
    say(page, RW_TEXTS(")", "）"));
    double used = rw_simulate_budget_used(page->sheet->model, ledger);
    if (!isnan(used)) {
        say(page, RW_TEXTS(", error budget used: ", "，错误预算已用："));
        put(page, used, RW_UNIT_SHARE);
    }
    rw_text_adds(page->text, "\n");
    for (unsigned i = 0; i < RW_SIMULATE_CAUSE_COUNT; i++) {
        if (!ledger->failed[i])
            continue;
        rw_text_addf(page->text, "  %*s", LABEL_COLUMNS, "");
        put_count(page, (double)ledger->failed[i]);
        rw_text_adds(page->text, " ");
        say(page, rw_simulate_cause_label(i));
        rw_text_adds(page->text, "\n");
    }
}

static void put_latency(const struct page *page)
{
    label(page, RW_TEXTS("latency", "延迟"));
    for (unsigned i = 0; i < RW_SIMULATE_SHARES; i++) {
        rw_text_addf(page->text, "%s%s ", i ? "  " : "", rw_simulate_share_names[i]);
        put(page, (double)rw_histogram_quantile(page->ledger->latency, rw_simulate_shares[i]) / 1e9,
            RW_UNIT_SECONDS);
    }
    rw_text_adds(page->text, "\n");
}

static void put_fleet(const struct page *page)
{
    const struct rw_simulate_ledger *ledger = page->ledger;
    label(page, RW_TEXTS("nodes", "节点"));
    put_count(page, ledger->nodes_least);
    say(page, RW_TEXTS(" to ", " 至 "));
    put_count(page, ledger->nodes_most);
    say(page, RW_TEXTS(" serving, ", " 个在役，"));
    rw_report_number(page->text, ledger->node_seconds / 3600, 1);
    say(page, RW_TEXTS(" node hours", " 节点小时"));
    if (ledger->fleet_failures) {
        rw_text_addf(page->text, ", %u", ledger->fleet_failures);
        say(page, RW_TEXTS(" died", " 个失效"));
    }
    rw_text_adds(page->text, "\n");
    label(page, RW_TEXTS("processors", "处理器"));
    put(page, ledger->busy_sum / fmax(1, ledger->seconds), RW_UNIT_SHARE);
    say(page, RW_TEXTS(" busy on average, ", " 平均忙碌，"));
    put(page, ledger->most.busy, RW_UNIT_SHARE);
    say(page, RW_TEXTS(" in the busiest second\n", " 最忙一秒\n"));
    if (ledger->most.connections > 0) {
        label(page, RW_TEXTS("connections", "连接"));
        put_count(page, ledger->most.connections);
        say(page, RW_TEXTS(" at most, ", " 最多，单节点 "));
        put_count(page, ledger->most.node_connections);
        say(page, RW_TEXTS(" on a node; ", "；握手 "));
        put_count(page, (double)ledger->handshakes);
        say(page, RW_TEXTS(" handshakes\n", " 次\n"));
    }
    label(page, RW_TEXTS("memory", "内存"));
    put(page, ledger->most.node_memory_bytes, RW_UNIT_BYTES);
    say(page, RW_TEXTS(" on the fullest node: ", " 最满节点，占 "));
    put(page, ledger->most.node_memory_share, RW_UNIT_SHARE);
    rw_text_adds(page->text, "\n");
    label(page, RW_TEXTS("cost", "成本"));
    put_money(page, ledger->cost);
    rw_text_adds(page->text, "\n");
}

static void put_limits(const struct page *page)
{
    bool any = false;
    label(page, RW_TEXTS("limited by", "受限于"));
    for (unsigned i = 0; i < RW_SIMULATE_LIMIT_COUNT; i++) {
        if (!page->ledger->limited_s[i])
            continue;
        rw_text_adds(page->text, any ? ", " : "");
        say(page, rw_simulate_limit_label(i));
        rw_text_adds(page->text, " ");
        put(page, page->ledger->limited_s[i], RW_UNIT_SECONDS);
        any = true;
    }
    if (!any)
        say(page, RW_TEXTS("nothing", "无"));
    rw_text_adds(page->text, "\n");
}

/* ---- Goals ---- */

struct row {
    struct rw_text cells[GOAL_COLUMNS];
};

static void put_goal(const struct page *page, size_t index, struct row *row)
{
    const struct rw_simulate_model *model = page->sheet->model;
    const struct rw_simulate_goal *goal = &rw_simulate_goals(model)[index];
    const struct rw_simulate_verdict *verdict = &page->sheet->verdicts[index];
    bool floor = rw_simulate_goal_kind(goal)->at_least;
    struct page cell = *page;
    cell.text = &row->cells[0];
    say(&cell, rw_simulate_outcome_label(verdict->outcome));
    rw_simulate_goal_name(goal, page->language, &row->cells[1]);
    rw_simulate_add_quantity(rw_simulate_goal_quantity(model, goal, verdict->median),
                             page->language, &row->cells[2]);
    cell.text = &row->cells[3];
    say(&cell, floor ? RW_TEXTS("at least ", "至少 ") : RW_TEXTS("at most ", "至多 "));
    rw_simulate_add_quantity(rw_simulate_goal_quantity(model, goal, verdict->limit), page->language,
                             &row->cells[3]);
    if (page->sheet->run->runs == 1)
        return;
    cell.text = &row->cells[4];
    rw_simulate_add_quantity(rw_simulate_goal_quantity(model, goal, verdict->low), page->language,
                             &row->cells[4]);
    say(&cell, RW_TEXTS(" to ", " 至 "));
    rw_simulate_add_quantity(rw_simulate_goal_quantity(model, goal, verdict->high), page->language,
                             &row->cells[4]);
}

static void put_titles(const struct page *page, struct row *row)
{
    static const struct rw_label titles[GOAL_COLUMNS] = {
        RW_LABEL("verdict", "结论"), RW_LABEL("goal", "目标"), RW_LABEL("simulated", "模拟值"),
        RW_LABEL("limit", "限值"), RW_LABEL("all runs", "各次范围")};
    for (unsigned i = 0; i < GOAL_COLUMNS - (page->sheet->run->runs == 1); i++)
        rw_text_adds(&row->cells[i], rw_label_in(titles[i], page->language));
}

static void put_table(const struct page *page, struct row *rows, size_t count)
{
    size_t widths[GOAL_COLUMNS] = {0};
    for (size_t i = 0; i < count; i++)
        for (unsigned k = 0; k < GOAL_COLUMNS; k++) {
            size_t width = width_of(rw_text_span(&rows[i].cells[k]));
            widths[k] = width > widths[k] ? width : widths[k];
            page->text->err = page->text->err ? page->text->err : rows[i].cells[k].err;
        }
    for (size_t i = 0; i < count; i++) {
        for (unsigned k = 0; k < GOAL_COLUMNS && rows[i].cells[k].len; k++) {
            struct rw_span cell = rw_text_span(&rows[i].cells[k]);
            bool last = k + 1 == GOAL_COLUMNS || !rows[i].cells[k + 1].len;
            rw_text_adds(page->text, "  ");
            rw_text_add(page->text, cell);
            pad(page->text, width_of(cell), last ? 0 : widths[k]);
        }
        rw_text_adds(page->text, "\n");
    }
}

static void put_goals(const struct page *page)
{
    struct row rows[RW_SIMULATE_GOALS_MAX + 1] = {0};
    size_t count = page->sheet->model->goals.count;
    if (!count)
        return;
    rw_text_adds(page->text, "\n");
    put_titles(page, &rows[0]);
    for (size_t i = 0; i < count; i++)
        put_goal(page, i, &rows[i + 1]);
    put_table(page, rows, count + 1);
    for (size_t i = 0; i <= count; i++)
        for (unsigned k = 0; k < GOAL_COLUMNS; k++)
            rw_text_free(&rows[i].cells[k]);
    rw_text_adds(page->text, "\n");
    say(page, rw_simulate_holds(page->sheet)
                  ? RW_TEXTS("EVERY GOAL HOLDS\n", "全部目标达标\n")
                  : RW_TEXTS("NOT EVERY GOAL HOLDS\n", "目标未全部达标\n"));
}

void rw_simulate_report_text(const struct rw_simulate_sheet *sheet, enum rw_language language,
                             struct rw_text *text)
{
    const struct page page = {sheet, &sheet->run->results[0].ledger, language, text};
    put_head(&page);
    put_requests(&page);
    put_latency(&page);
    put_fleet(&page);
    put_limits(&page);
    put_goals(&page);
}
