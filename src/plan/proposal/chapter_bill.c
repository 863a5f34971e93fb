/* The bill of materials: for each tier what is bought, where, at which price. */
#include "plan/proposal/chapters.h"

#include "plan/bill/bill.h"
#include "report/markup.h"

#define NONE ((struct rw_span){"", 0})

static struct rw_doc_table *begin_table(struct rw_proposal *proposal, const struct rw_tier *tier)
{
    const struct rw_label titles[] = {
        RW_LABEL("Item", "项目"),         RW_LABEL("Article", "规格"), RW_LABEL("Quantity", "数量"),
        RW_LABEL("Price", "单价"),        RW_LABEL("A month", "每月"), RW_LABEL("A year", "每年"),
        RW_LABEL("Price is", "价格状态"),
    };
    const enum rw_doc_column_kind kinds[] = {RW_DOC_WORDS,  RW_DOC_WORDS, RW_DOC_NUMBER,
                                             RW_DOC_NUMBER, RW_DOC_MONEY, RW_DOC_MONEY,
                                             RW_DOC_STATUS};
    struct rw_doc *doc = proposal->doc;
    struct rw_doc_table *table =
        rw_doc_table(doc, rw_proposal_say(proposal, tier->label), rw_proposal_currency(proposal));
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
    rw_doc_words(proposal->doc, at, rw_text_span(&text));
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
    rw_proposal_put(proposal, &cells[2], item->quantity);
    rw_proposal_put(proposal, &cells[3], item->price);
    rw_proposal_put_money(proposal, &cells[4], item->month);
    rw_proposal_put_money(proposal, &cells[5], item->year);
    put_state(proposal, &cells[6], item);
}

static void put_tier(struct rw_proposal *proposal, unsigned number)
{
    const struct rw_bill *bill = proposal->plan->bill;
    const struct rw_tier *tier = &proposal->plan->tiers[number];
    struct rw_doc_table *table = begin_table(proposal, tier);
    unsigned site = UINT32_MAX;
    for (unsigned i = 0; i < bill->item_count; i++) {
        const struct rw_bill_item *item = &bill->items[i];
        if (item->tier != number)
            continue;
        if (item->site != site) {
            const struct rw_term_site *at = &bill->sites[item->site];
            struct rw_span region = rw_span_text(known(at->region));
            region.len = rw_text_fit(region, 5000); /* it may be the customer's own words */
            rw_doc_group(proposal->doc, table,
                         rw_doc_format(proposal->doc, "%.100s %.*s", known(at->provider),
                                       RW_SPAN_ARGS(region)));
        }
        site = item->site;
        put_item(proposal, table, item);
    }
    struct rw_doc_cell *total = rw_doc_total(proposal->doc, table);
    total[4].figure =
        rw_proposal_figure(proposal, rw_plan_find(proposal->plan, "bill", tier, "month"));
    total[5].figure =
        rw_proposal_figure(proposal, rw_plan_find(proposal->plan, "bill", tier, "year"));
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

static struct rw_span category_name(const struct rw_proposal *proposal, const char *category)
{
    static const struct {
        const char *category;
        struct rw_label label;
    } names[] = {
        {"Compute", RW_LABEL("Computing", "计算")},
        {"Storage", RW_LABEL("Storage", "存储")},
        {"Networking", RW_LABEL("Network", "网络")},
        {"Databases", RW_LABEL("Databases", "数据库")},
    };
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(names[i].category, category) == 0)
            return rw_proposal_say(proposal, names[i].label);
    }
    return rw_span_text(category);
}

/* What a tier pays a year in each category; of one in which a price is missing, nobody knows. */
static void add_up(const struct rw_plan *plan, unsigned tier, const char *const categories[],
                   size_t count, double *years)
{
    for (unsigned i = 0; i < plan->bill->item_count; i++) {
        const struct rw_bill_item *item = &plan->bill->items[i];
        double year = rw_sheet_value(&plan->sheet, item->year);
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
    struct rw_doc_chart *chart =
        rw_doc_chart(proposal->doc, RW_DOC_STACKED,
                     rw_proposal_say(proposal, RW_TEXTS("A year of operation by what is bought",
                                                        "年运行费用构成")),
                     rw_proposal_currency(proposal));
    chart->money = true;
    for (size_t i = 0; i < count; i++)
        rw_doc_series(proposal->doc, chart, category_name(proposal, categories[i]));
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
                 "the totals that need it.",
                 "采用有出处与日期的公开目录价，共 {0} 个；其中 {1} 个签约前需重新询价，"
                 "{2} 个缺失。缺价会使依赖它的合计同样缺失。"),
        counts, 3);
    if (bill->site_assumed)
        rw_doc_note(proposal->doc, RW_DOC_WARNING, NONE,
                    RW_TEXTS("No site was given: the first site is an assumption.",
                             "客户未给出部署地点：此处地点为假设。"),
                    NULL, 0);
    for (unsigned i = 0; i < proposal->plan->tier_count; i++)
        put_tier(proposal, i);
    put_chart(proposal);
}
