/* What it costs, how it is paid, what it brings. Every total is the sum of the rows above it. */
#include "plan/proposal/chapters.h"

#include "plan/money/money.h"

#include <stdio.h>

#define NONE ((struct rw_span){"", 0})

#define ROWS(rows) (rows), sizeof(rows) / sizeof((rows)[0])

/* The cell money.TIER.NAME.K; RW_CELL_NONE when there is none. */
static uint32_t find_kth(const struct rw_proposal *proposal, const struct rw_tier *tier,
                         const char *name, unsigned k)
{
    char numbered[64];
    snprintf(numbered, sizeof(numbered), "%s.%u", name, k);
    return rw_plan_find(proposal->plan, "money", tier, numbered);
}

/* A row for each K from `first` to `last`, a column of money for each tier, and their sums. */
static void put_series(struct rw_proposal *proposal, struct rw_label caption, const char *name,
                       unsigned first, unsigned last)
{
    struct rw_doc *doc = proposal->doc;
    const struct rw_plan *plan = proposal->plan;
    struct rw_doc_table *table =
        rw_doc_table(doc, rw_proposal_say(proposal, caption), rw_proposal_currency(proposal));
    rw_doc_column(doc, table, RW_DOC_WORDS, rw_doc_word(doc, RW_SAY_LABEL), NONE);
    for (unsigned i = 0; i < plan->tier_count; i++)
        rw_doc_column(doc, table, RW_DOC_MONEY, rw_proposal_say(proposal, plan->tiers[i].label),
                      NONE);
    for (unsigned k = first; k <= last; k++) {
        struct rw_doc_cell *cells = rw_doc_row(doc, table);
        for (unsigned i = 0; i < plan->tier_count; i++) {
            uint32_t cell = find_kth(proposal, &plan->tiers[i], name, k);
            if (cell == RW_CELL_NONE)
                continue;
            struct rw_label label = rw_sheet_cell(&plan->sheet, cell)->label;
            rw_doc_words(doc, &cells[0], rw_proposal_say(proposal, label));
            rw_proposal_put_money(proposal, &cells[i + 1], cell);
        }
    }
    rw_doc_total(doc, table);
}

static void put_series_chart(struct rw_proposal *proposal, struct rw_label caption,
                             const char *name, unsigned first, unsigned last)
{
    const struct rw_plan *plan = proposal->plan;
    struct rw_doc_chart *chart =
        rw_doc_chart(proposal->doc, RW_DOC_BARS, rw_proposal_say(proposal, caption),
                     rw_proposal_currency(proposal));
    chart->money = true;
    for (unsigned i = 0; i < plan->tier_count; i++)
        rw_doc_series(proposal->doc, chart, rw_proposal_say(proposal, plan->tiers[i].label));
    for (unsigned k = first; k <= last; k++) {
        struct rw_doc_point *point = rw_doc_point(proposal->doc, chart,
                                                  proposal->language == RW_LANGUAGE_ZH
                                                      ? rw_doc_format(proposal->doc, "第 %u 年", k)
                                                      : rw_doc_format(proposal->doc, "Year %u", k));
        for (unsigned i = 0; i < plan->tier_count; i++)
            point->values[i] =
                rw_sheet_value(&plan->sheet, find_kth(proposal, &plan->tiers[i], name, k));
    }
}

/* Cost and budget of each tier, beside each other. */
static void put_costs_chart(struct rw_proposal *proposal)
{
    static const struct {
        const char *name;
        struct rw_label label;
    } series[] = {
        {"cost_term", RW_LABEL("Cost of the term", "订阅期成本")},
        {"contract", RW_LABEL("Contract", "合同额")},
    };
    const struct rw_plan *plan = proposal->plan;
    struct rw_doc_chart *chart = rw_doc_chart(
        proposal->doc, RW_DOC_BARS,
        rw_proposal_say(proposal, RW_TEXTS("Cost and contract of the tiers", "各档成本与合同额")),
        rw_proposal_currency(proposal));
    chart->money = true;
    for (size_t k = 0; k < 2; k++)
        rw_doc_series(proposal->doc, chart, rw_proposal_say(proposal, series[k].label));
    for (unsigned i = 0; i < plan->tier_count; i++) {
        const struct rw_tier *tier = &plan->tiers[i];
        struct rw_doc_point *point =
            rw_doc_point(proposal->doc, chart, rw_proposal_say(proposal, tier->label));
        for (size_t k = 0; k < 2; k++)
            point->values[k] =
                rw_sheet_value(&plan->sheet, rw_plan_find(plan, "money", tier, series[k].name));
    }
}

static void put_costs(struct rw_proposal *proposal)
{
    static const struct rw_proposal_row rows[] = {
        {"money", "cost_setup"}, {"money", "cost_year"}, {"money", "cost_term"},
        {"money", "budget"},     {"money", "contract"},  {"money", "reserve"},
    };
    rw_doc_section(proposal->doc, 2, RW_TEXTS("The tiers", "分档方案"));
    for (unsigned i = 0; i < proposal->plan->tier_count; i++) {
        const struct rw_tier *tier = &proposal->plan->tiers[i];
        struct rw_doc_argument arguments[] = {
            RW_DOC_TEXT(rw_proposal_say(proposal, tier->label)),
            RW_DOC_TEXT(rw_proposal_say(proposal, tier->profile->buys)),
            RW_DOC_TEXT(rw_doc_format(proposal->doc, "%.0f", tier->profile->support_minutes)),
        };
        rw_doc_item(proposal->doc,
                    RW_TEXTS("**{0}**: {1}; a first answer within {2} minutes at any hour.",
                             "**{0}**：{1}；7x24 支持，{2} 分钟内首次响应。"),
                    arguments, 3);
    }
    rw_proposal_tier_table(proposal, RW_TEXTS("Cost and contract", "成本与合同"), ROWS(rows));
    put_costs_chart(proposal);
    if (proposal->plan->terms.share_count)
        put_series(proposal,
                   RW_TEXTS("The contract by the shares that were asked for", "按要求比例拆分"),
                   "part", 1, proposal->plan->terms.share_count);
}

static void put_payments(struct rw_proposal *proposal)
{
    static const struct rw_proposal_row rows[] = {
        {"money", "tco_subscription"}, {"money", "tco_one_off"},     {"money", "one_off_price"},
        {"money", "upkeep"},           {"money", "pv_subscription"}, {"money", "pv_one_off"},
        {"money", "credit_most"},      {"money", "credit_expected"},
    };
    unsigned term = rw_plan_term(proposal->plan);
    rw_doc_section(proposal->doc, 2, RW_TEXTS("How it is paid", "付款方式"));
    put_series(proposal,
               RW_TEXTS("Fees of the term, reviewed each year", "订阅期各年费用（年度评审）"),
               "fee", 1, term);
    rw_proposal_tier_table(
        proposal, RW_TEXTS("Subscription against one-off purchase", "订阅制与一次性采购对比"),
        ROWS(rows));
    if (proposal->plan->terms.payment == RW_PAYMENT_QUARTERLY) {
        put_series(proposal, RW_TEXTS("Quarterly payments", "季度付款"), "payment", 1, 4 * term);
        put_series(proposal, RW_TEXTS("Of it at stake for the goals", "其中与指标挂钩部分"),
                   "at_stake", 1, 4 * term);
    }
}

static void put_returns(struct rw_proposal *proposal)
{
    static const struct rw_proposal_row rows[] = {
        {"money", "benefits"}, {"money", "costs"},   {"money", "npv"},
        {"money", "irr"},      {"money", "payback"}, {"money", "payback_discounted"},
        {"money", "roi"},
    };
    unsigned term = rw_plan_term(proposal->plan);
    rw_doc_section(proposal->doc, 2, RW_TEXTS("What it brings", "收益与回报"));
    rw_doc_paragraph(
        proposal->doc,
        RW_TEXTS("Only savings with a named cause are counted. Without one there is no "
                 "return to show, and none is made up.",
                 "仅计入有明确因由的节省；没有因由则不给出回报数字，也不编造。"),
        NULL, 0);
    rw_proposal_tier_table(proposal, RW_TEXTS("Returns of the term", "订阅期回报"), ROWS(rows));
    put_series(proposal, RW_TEXTS("Cash flow by year", "逐年现金流"), "flow", 0, term);
    put_series_chart(proposal, RW_TEXTS("Cash flow by year", "逐年现金流"), "flow", 0, term);
}

void rw_proposal_money(struct rw_proposal *proposal)
{
    uint32_t at = 0;
    if (!proposal->plan->tier_count || rw_proposal_next(proposal, "money.", &at) == RW_CELL_NONE)
        return;
    rw_doc_section(proposal->doc, 1, RW_TEXTS("Budget and returns", "预算与回报"));
    put_costs(proposal);
    put_payments(proposal);
    put_returns(proposal);
}
