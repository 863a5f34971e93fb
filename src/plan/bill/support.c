/* The support plan of each provider: a share of what is spent there, in steps, or so much a month.
 */
#include "plan/bill/article.h"
#include "plan/bill/formulas.h"
#include "plan/bill/line.h"

#include <stdio.h>

enum { FAST_MINUTES = 15 }; /* what a provider's faster plan is for: a tier that promises no more */

/* What is paid a month at the provider, of the tier's lines from `first` to `end`. */
static uint32_t add_spent(struct rw_bill_at *at, const struct rw_bill_line *line, unsigned first,
                          unsigned end, unsigned year, uint32_t rate, uint32_t least)
{
    static const struct rw_label sum = RW_LABEL("what it is counted on", "计费基数");
    static const struct rw_label spent = RW_LABEL("spent a month, USD", "每月消费（美元）");
    struct rw_plan *plan = at->plan;
    uint32_t inputs[RW_SHEET_INPUTS_MAX];
    unsigned count = 0;
    for (unsigned i = first; i < end && count < RW_SHEET_INPUTS_MAX; i++)
        if (strcmp(plan->bill->items[i].provider, at->place->provider) == 0)
            inputs[count++] = plan->bill->items[i].month[year - 1];
    uint32_t base =
        rw_sheet_add(&plan->sheet, &(struct rw_cell){
                                       .id = rw_bill_id(at, line->name, "base", year),
                                       .label = rw_bill_label(at, line->label, sum, year),
                                       .unit = RW_UNIT_MONEY,
                                       .currency = plan->sheet.currency,
                                       .origin = RW_ORIGIN_COMPUTED,
                                       .formula = &rw_formula_sum,
                                       .inputs = inputs,
                                       .input_count = count,
                                   });
    return rw_sheet_compute(&plan->sheet, rw_bill_id(at, line->name, "spent", year),
                            rw_bill_label(at, line->label, spent, year), RW_UNIT_COUNT,
                            &rw_bill_spent, 3, base, rate, least);
}

/* The least fee is the first step's share of so much: 100 USD or 10 % of 1,000. */
static uint32_t least_of(struct rw_plan *plan, const char *provider, bool fast)
{
    static const struct rw_label label = RW_LABEL("Spending that a support plan counts at least, "
                                                  "USD",
                                                  "支持计划最低计费消费额（美元）");
    return rw_bill_constant(
        plan,
        rw_sheet_text(&plan->sheet, "bill.support_least.%s.%s", provider, fast ? "fast" : "plain"),
        label, RW_UNIT_COUNT, fast ? 150000 : 1000,
        fast ? "at least 15,000 USD a month" : "at least 100 USD a month");
}

/* Nobody pays for a promptness that the customer does not ask for. */
static bool needs_fast(const struct rw_plan *plan, unsigned tier)
{
    return plan->tiers[tier].profile->support_minutes <= FAST_MINUTES &&
           !(plan->terms.support_response > 60.0 * FAST_MINUTES);
}

static void add_support(struct rw_bill_at *at, unsigned first, unsigned end)
{
    static const struct rw_label dollars = RW_LABEL("USD", "美元");
    static const struct rw_label one = RW_LABEL("One", "一个");
    struct rw_plan *plan = at->plan;
    const char *provider = at->place->provider;
    bool fast = needs_fast(plan, at->tier) && rw_bill_article(provider, RW_BILL_SUPPORT_FAST);
    struct rw_bill_line line;
    const struct rw_bill_article *article;
    if (!rw_bill_begin(at, fast ? RW_BILL_SUPPORT_FAST : RW_BILL_SUPPORT, &line, &article))
        return;
    line.key.region = "any";
    if (!article->skus[1]) {
        for (unsigned i = 0; i < plan->bill->years; i++)
            line.quantity[i] =
                rw_bill_constant(plan, "bill.one", one, RW_UNIT_COUNT, 1, RW_BY_DEFINITION);
        rw_bill_add(at, &line);
        return;
    }
    uint32_t rate = rw_bill_rate(plan, "USD");
    uint32_t least = least_of(plan, provider, fast);
    uint32_t spent[RW_PLAN_YEARS_MAX];
    for (unsigned year = 1; year <= plan->bill->years; year++)
        spent[year - 1] = add_spent(at, &line, first, end, year, rate, least);
    rw_bill_steps(at, article, &line, spent, dollars);
}

static bool bought_before(const struct rw_bill *bill, unsigned site)
{
    for (unsigned i = 0; i < site; i++)
        if (strcmp(bill->sites[i].provider, bill->sites[site].provider) == 0)
            return true;
    return false;
}

void rw_bill_support(struct rw_plan *plan, unsigned tier, unsigned first)
{
    const unsigned end = plan->bill->item_count;
    for (unsigned site = 0; site < plan->bill->site_count; site++) {
        struct rw_bill_at at = {
            .plan = plan, .tier = tier, .site = site, .place = &plan->bill->sites[site]};
        if (bought_before(plan->bill, site))
            continue;
        snprintf(at.prefix, sizeof(at.prefix), "bill.%s.s%u", plan->tiers[tier].id, site + 1);
        add_support(&at, first, end);
    }
}
