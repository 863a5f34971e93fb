/* The bill of materials: for each tier what is bought, where, at which price. */
#include "plan/proposal/chapters.h"

#include "plan/bill/bill.h"
#include "report/markup.h"

#include <stdio.h>

#define NONE ((struct rw_span){"", 0})

static struct rw_doc_table *begin_table(struct rw_proposal *proposal, const struct rw_tier *tier)
{
    const struct rw_label titles[] = {
        RW_LABEL("Item", "项目"),
        RW_LABEL("Article", "规格"),
        RW_LABEL("Quantity", "数量"),
        RW_LABEL("Price", "单价"),
        RW_LABEL("Times a month", "每月次数"),
        RW_LABEL("A month", "每月"),
        RW_LABEL("Year 1", "第 1 年"),
        RW_LABEL("Price is", "价格状态"),
    };
    const enum rw_doc_column_kind kinds[] = {RW_DOC_WORDS,  RW_DOC_WORDS,  RW_DOC_NUMBER,
                                             RW_DOC_NUMBER, RW_DOC_NUMBER, RW_DOC_MONEY,
                                             RW_DOC_MONEY,  RW_DOC_STATUS};
    struct rw_doc *doc = proposal->doc;
    struct rw_span name = rw_proposal_say(proposal, tier->label);
    struct rw_doc_table *table = rw_doc_table(
        doc,
        rw_doc_format(doc, proposal->language == RW_LANGUAGE_ZH ? "%.*s：第 1 年" : "%.*s: year 1",
                      RW_SPAN_ARGS(name)),
        rw_proposal_currency(proposal));
    for (size_t i = 0; i < sizeof(titles) / sizeof(titles[0]); i++)
        rw_doc_column(doc, table, kinds[i], rw_proposal_say(proposal, titles[i]), NONE);
    return table;
}

static const char *known(const char *text)
{
    return text ? text : "";
}

static void put_article(struct rw_proposal *proposal, struct rw_doc_cell *at,
                        const struct rw_bill_item *item)
{
    struct rw_text text = {0};
    const char *const parts[] = {item->service, item->sku, item->term};
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        if (parts[i] && *parts[i])
            rw_text_addf(&text, "%s%s", text.len ? ", " : "", parts[i]);
    }
    rw_doc_words(proposal->doc, at, rw_proposal_phrase(proposal, rw_text_span(&text)));
    if (text.err && !proposal->doc->err)
        proposal->doc->err = text.err;
    rw_text_free(&text);
}

static void put_state(struct rw_proposal *proposal, struct rw_doc_cell *at,
                      const struct rw_bill_item *item)
{
    struct rw_label text = RW_LABEL("dated", "有出处");
    at->tone = RW_DOC_GOOD;
    if (!item->currency) {
        at->tone = RW_DOC_BAD;
        text = RW_TEXTS("missing", "缺价");
    } else if (item->doubts) {
        at->tone = RW_DOC_WARNING;
        text = RW_TEXTS("to re-quote", "需询价");
    }
    rw_doc_words(proposal->doc, at, rw_proposal_say(proposal, text));
}

static void put_item(struct rw_proposal *proposal, struct rw_doc_table *table,
                     const struct rw_bill_item *item)
{
    struct rw_doc_cell *cells = rw_doc_row(proposal->doc, table);
    rw_doc_words(proposal->doc, &cells[0], rw_proposal_say(proposal, item->label));
    put_article(proposal, &cells[1], item);
    rw_doc_number(&cells[2], rw_sheet_value(&proposal->plan->sheet, item->quantity[0]),
                  rw_proposal_figure(proposal, item->quantity[0]));
    rw_proposal_put(proposal, &cells[3], item->paid);
    rw_doc_number(&cells[4], rw_sheet_value(&proposal->plan->sheet, item->times),
                  rw_proposal_figure(proposal, item->times));
    rw_proposal_put_money(proposal, &cells[5], item->month[0]);
    rw_proposal_put_money(proposal, &cells[6], item->year[0]);
    put_state(proposal, &cells[7], item);
}

/* A row that names the place, where another one begins. */
static void put_place(struct rw_proposal *proposal, struct rw_doc_table *table, unsigned site)
{
    const struct rw_term_site *at = &proposal->plan->bill->sites[site];
    struct rw_span region = rw_span_text(known(at->region));
    region.len = rw_text_fit(region, 5000); /* it may be the customer's own words */
    rw_doc_group(
        proposal->doc, table,
        rw_doc_format(proposal->doc, "%.100s %.*s", known(at->provider), RW_SPAN_ARGS(region)));
}

static unsigned total_of(const struct rw_proposal *proposal, const struct rw_tier *tier,
                         const char *name)
{
    return rw_proposal_figure(proposal, rw_plan_find(proposal->plan, "bill", tier, name));
}

static void put_tier(struct rw_proposal *proposal, unsigned number)
{
    const struct rw_bill *bill = proposal->plan->bill;
    const struct rw_tier *tier = &proposal->plan->tiers[number];
    struct rw_doc_table *table = begin_table(proposal, tier);
    unsigned site = UINT32_MAX;
    for (unsigned i = 0; i < bill->item_count; i++) {
        const struct rw_bill_item *item = &bill->items[i];
        if (item->tier != number || !rw_bill_item_bought(proposal->plan, item))
            continue;
        if (item->site != site)
            put_place(proposal, table, item->site);
        site = item->site;
        put_item(proposal, table, item);
    }
    struct rw_doc_cell *total = rw_doc_total(proposal->doc, table);
    total[5].figure = total_of(proposal, tier, "month.1");
    total[6].figure = total_of(proposal, tier, "year.1");
}

/* ---- Year by year ---- */

/* The amounts of each year; in the first column of a row the item, with its place where there are
 * several. */
static void put_years(struct rw_proposal *proposal, unsigned number)
{
    const struct rw_bill *bill = proposal->plan->bill;
    const struct rw_tier *tier = &proposal->plan->tiers[number];
    struct rw_doc *doc = proposal->doc;
    bool zh = proposal->language == RW_LANGUAGE_ZH;
    struct rw_span name = rw_proposal_say(proposal, tier->label);
    struct rw_doc_table *table = rw_doc_table(
        doc, rw_doc_format(doc, zh ? "%.*s：逐年" : "%.*s: year by year", RW_SPAN_ARGS(name)),
        rw_proposal_currency(proposal));
    rw_doc_column(doc, table, RW_DOC_WORDS, rw_doc_word(doc, RW_SAY_LABEL), NONE);
    for (unsigned y = 0; y < bill->years; y++)
        rw_doc_column(doc, table, RW_DOC_MONEY,
                      rw_doc_format(doc, zh ? "第 %u 年" : "Year %u", y + 1), NONE);
    unsigned site = UINT32_MAX;
    for (unsigned i = 0; i < bill->item_count; i++) {
        const struct rw_bill_item *item = &bill->items[i];
        if (item->tier != number || !rw_bill_item_bought(proposal->plan, item))
            continue;
        if (item->site != site)
            put_place(proposal, table, item->site);
        site = item->site;
        struct rw_doc_cell *cells = rw_doc_row(doc, table);
        rw_doc_words(doc, &cells[0], rw_proposal_say(proposal, item->label));
        for (unsigned y = 0; y < bill->years; y++)
            rw_proposal_put_money(proposal, &cells[y + 1], item->year[y]);
    }
    struct rw_doc_cell *total = rw_doc_total(doc, table);
    for (unsigned y = 0; y < bill->years; y++) {
        char of_year[16];
        snprintf(of_year, sizeof(of_year), "year.%u", y + 1);
        total[y + 1].figure = total_of(proposal, tier, of_year);
    }
}

/* ---- What is left out ---- */

static void put_omissions(struct rw_proposal *proposal)
{
    const struct rw_bill *bill = proposal->plan->bill;
    struct rw_doc *doc = proposal->doc;
    if (!bill->omission_count)
        return;
    struct rw_doc_table *table = rw_doc_table(
        doc, rw_proposal_say(proposal, RW_TEXTS("Not in the totals", "未计入合计的费用")), NONE);
    const struct rw_label titles[] = {RW_LABEL("Cost", "费用"), RW_LABEL("Where", "位置"),
                                      RW_LABEL("Why", "原因")};
    for (size_t i = 0; i < sizeof(titles) / sizeof(titles[0]); i++)
        rw_doc_column(doc, table, RW_DOC_WORDS, rw_proposal_say(proposal, titles[i]), NONE);
    for (unsigned i = 0; i < bill->omission_count; i++) {
        const struct rw_bill_omission *omission = &bill->omissions[i];
        struct rw_doc_cell *cells = rw_doc_row(doc, table);
        rw_doc_words(doc, &cells[0], rw_proposal_say(proposal, omission->label));
        rw_doc_words(doc, &cells[1],
                     omission->provider ? rw_span_text(omission->provider)
                                        : rw_proposal_say(proposal, RW_TEXTS("all", "全部")));
        rw_doc_words(doc, &cells[2], rw_proposal_say(proposal, omission->reason));
    }
}

/* ---- Where the money goes ---- */

/* Of FOCUS, in the order in which they appear; returns how many. */
static size_t find_categories(const struct rw_bill *bill, const char *categories[])
{
    size_t count = 0;
    for (unsigned i = 0; i < bill->item_count; i++) {
        size_t at = 0;
        while (at < count && strcmp(categories[at], bill->items[i].category) != 0)
            at++;
        if (at == count && count < RW_DOC_SERIES_MAX)
            categories[count++] = bill->items[i].category;
    }
    return count;
}

struct rw_span rw_proposal_category(const struct rw_proposal *proposal, const char *category)
{
    static const struct {
        const char *category;
        struct rw_label label;
    } names[] = {
        {"Compute", RW_LABEL("Computing", "计算")},
        {"Storage", RW_LABEL("Storage", "存储")},
        {"Networking", RW_LABEL("Network", "网络")},
        {"Databases", RW_LABEL("Databases", "数据库")},
        {"Security", RW_LABEL("Security", "安全")},
        {"Management and Governance", RW_LABEL("Monitoring", "监控")},
        {"Other", RW_LABEL("Support", "支持服务")},
    };
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(names[i].category, category) == 0)
            return rw_proposal_say(proposal, names[i].label);
    }
    return rw_span_text(category);
}

/* What a tier pays in its first year in each category; of one in which a price is missing, nobody
 * knows. */
static void add_up(const struct rw_plan *plan, unsigned tier, const char *const categories[],
                   size_t count, double *years)
{
    for (unsigned i = 0; i < plan->bill->item_count; i++) {
        const struct rw_bill_item *item = &plan->bill->items[i];
        double year = rw_sheet_value(&plan->sheet, item->year[0]);
        for (size_t k = 0; k < count && item->tier == tier; k++) {
            if (strcmp(categories[k], item->category) == 0)
                years[k] += isfinite(year) ? year : NAN;
        }
    }
}

static void put_chart(struct rw_proposal *proposal)
{
    const struct rw_plan *plan = proposal->plan;
    const char *categories[RW_DOC_SERIES_MAX];
    size_t count = find_categories(plan->bill, categories);
    struct rw_doc_chart *chart = rw_doc_chart(
        proposal->doc, RW_DOC_STACKED,
        rw_proposal_say(proposal, RW_TEXTS("The first year by what is bought", "首年运行费用构成")),
        rw_proposal_currency(proposal));
    chart->money = true;
    for (size_t i = 0; i < count; i++)
        rw_doc_series(proposal->doc, chart, rw_proposal_category(proposal, categories[i]));
    for (unsigned t = 0; t < plan->tier_count; t++) {
        struct rw_doc_point *point =
            rw_doc_point(proposal->doc, chart, rw_proposal_say(proposal, plan->tiers[t].label));
        add_up(plan, t, categories, count, point->values);
    }
}

void rw_proposal_bill(struct rw_proposal *proposal)
{
    const struct rw_bill *bill = proposal->plan->bill;
    if (!bill || !bill->item_count)
        return;
    struct rw_doc_argument counts[] = {
        rw_proposal_count(proposal, bill->prices_used),
        rw_proposal_count(proposal, bill->prices_doubtful),
        rw_proposal_count(proposal, bill->prices_missing),
    };
    rw_doc_section(proposal->doc, 1, RW_TEXTS("Bill of materials", "物料清单"));
    rw_doc_paragraph(
        proposal->doc,
        RW_TEXTS("Public list prices with source and date, {0} of them; {1} are to be "
                 "quoted anew before signing, {2} are missing. A missing price stops "
                 "the totals that need it. Every amount is quantity x price x times a month, "
                 "and a year has twelve such months. Each year is sized for the load at its end.",
                 "采用有出处与日期的公开目录价，共 {0} 个；其中 {1} 个签约前需重新询价，"
                 "{2} 个缺失。缺价会使依赖它的合计同样缺失。"
                 "每行金额 = 数量 × 单价 × 每月次数，每年十二个月；每年按年末负载规划。"),
        counts, 3);
    if (bill->site_assumed)
        rw_doc_note(proposal->doc, RW_DOC_WARNING, NONE,
                    RW_TEXTS("No site was given: the first site is an assumption.",
                             "客户未给出部署地点：此处地点为假设。"),
                    NULL, 0);
    for (unsigned i = 0; i < proposal->plan->tier_count; i++) {
        put_tier(proposal, i);
        if (bill->years > 1)
            put_years(proposal, i);
    }
    put_omissions(proposal);
    put_chart(proposal);
    rw_proposal_elsewhere(proposal);
}
