#include "plan/bill/bill.h"

#include "plan/bill/article.h"
#include "plan/bill/formulas.h"
#include "plan/bill/line.h"

#include <stdio.h>

/* ---- Sums ---- */

/* The sum of one kind of cell of the tier's items from `first` on. */
static uint32_t add_sum(struct rw_plan *plan, unsigned tier, unsigned first, unsigned year,
                        bool whole_year)
{
    struct rw_sheet *sheet = &plan->sheet;
    uint32_t inputs[RW_SHEET_INPUTS_MAX];
    unsigned count = 0;
    for (unsigned i = first; i < plan->bill->item_count; i++) {
        const struct rw_bill_item *item = &plan->bill->items[i];
        if (count == RW_SHEET_INPUTS_MAX) {
            sheet->err = sheet->err ? sheet->err : RW_ELIMIT;
            return RW_CELL_NONE;
        }
        inputs[count++] = whole_year ? item->year[year - 1] : item->month[year - 1];
    }
    if (count == 0)
        return RW_CELL_NONE;
    const char *what = whole_year ? "year" : "month";
    struct rw_label label = {
        rw_sheet_text(sheet,
                      whole_year ? "Running cost of year %u" : "Running cost, a month of year %u",
                      year),
        rw_sheet_text(sheet, whole_year ? "第 %u 年运行费用" : "第 %u 年每月运行费用", year)};
    return rw_sheet_add(
        sheet, &(struct rw_cell){
                   .id = rw_sheet_text(sheet, "bill.%s.%s.%u", plan->tiers[tier].id, what, year),
                   .label = label,
                   .unit = RW_UNIT_MONEY,
                   .currency = sheet->currency,
                   .origin = RW_ORIGIN_COMPUTED,
                   .formula = &rw_formula_sum,
                   .inputs = inputs,
                   .input_count = count,
               });
}

static void add_sums(struct rw_plan *plan, unsigned tier, unsigned first)
{
    struct rw_sheet *sheet = &plan->sheet;
    uint32_t years[RW_PLAN_YEARS_MAX] = {RW_CELL_NONE};
    for (unsigned i = 0; i < plan->bill->years; i++) {
        (void)add_sum(plan, tier, first, i + 1, false);
        years[i] = add_sum(plan, tier, first, i + 1, true);
    }
    if (years[0] == RW_CELL_NONE)
        return;
    (void)rw_sheet_add(sheet, &(struct rw_cell){
                                  .id = rw_sheet_text(sheet, "bill.%s.term", plan->tiers[tier].id),
                                  .label = RW_LABEL("Running cost of the term", "订阅期运行费用"),
                                  .unit = RW_UNIT_MONEY,
                                  .currency = sheet->currency,
                                  .origin = RW_ORIGIN_COMPUTED,
                                  .formula = &rw_formula_sum,
                                  .inputs = years,
                                  .input_count = plan->bill->years,
                              });
}

static void add_setup(struct rw_plan *plan, unsigned tier)
{
    (void)rw_sheet_add(
        &plan->sheet,
        &(struct rw_cell){
            .id = rw_sheet_text(&plan->sheet, "bill.%s.setup", plan->tiers[tier].id),
            .label = RW_LABEL("Bought once", "一次性采购"),
            .unit = RW_UNIT_MONEY,
            .currency = plan->sheet.currency,
            .origin = RW_ORIGIN_ASSUMED,
            .value = 0,
            .reason = RW_LABEL("everything is rented; project work is paid from its own share of "
                               "the budget, as no rate for it was given",
                               "全部按租用计；项目实施费用未提供费率，由预算中的相应份额支付"),
        });
}

/* ---- Tiers and their sites ---- */

static uint32_t weight_cell(struct rw_plan *plan, unsigned site, const char *name,
                            struct rw_label label, double value)
{
    return rw_bill_constant(plan, rw_sheet_text(&plan->sheet, "bill.site%u.%s", site + 1, name),
                            label, RW_UNIT_SHARE, value,
                            plan->bill->site_assumed ? "assumed: one site" : "sites of the intake");
}

static uint32_t places_cell(struct rw_plan *plan, unsigned tier, unsigned site)
{
    bool second = plan->tiers[tier].profile->regions > 1 && plan->bill->standby[site] == site;
    const struct rw_label tier_label = plan->tiers[tier].label;
    const struct rw_label label = {
        rw_sheet_text(&plan->sheet, "Regions of the site: %s", tier_label.en),
        rw_sheet_text(&plan->sheet, "站点地域数：%s", tier_label.zh)};
    return rw_bill_constant(
        plan, rw_sheet_text(&plan->sheet, "bill.%s.site%u.regions", plan->tiers[tier].id, site + 1),
        label, RW_UNIT_COUNT, second ? 2 : 1,
        second ? "its standby is a second region" : "one region");
}

static void add_site(struct rw_plan *plan, unsigned tier, unsigned site)
{
    static const struct rw_label weight = RW_LABEL("Share of this site", "本站点占比");
    static const struct rw_label standby = RW_LABEL("Stands by for", "为其他站点待命占比");
    const struct rw_bill *bill = plan->bill;
    double all = 0, others = 0;
    for (unsigned i = 0; i < bill->site_count; i++) {
        all += bill->sites[i].weight;
        others += bill->standby[i] == site ? bill->sites[i].weight : 0;
    }
    struct rw_bill_at at = {
        .plan = plan,
        .tier = tier,
        .site = site,
        .place = &bill->sites[site],
        .weight = weight_cell(plan, site, "weight", weight, bill->sites[site].weight / all),
        .standby = weight_cell(plan, site, "standby", standby, others / all),
        .places = places_cell(plan, tier, site),
    };
    snprintf(at.prefix, sizeof(at.prefix), "bill.%s.s%u", plan->tiers[tier].id, site + 1);
    rw_bill_machines_at(&at);
    rw_bill_storage_at(&at);
    rw_bill_network_at(&at);
    rw_bill_firewall_at(&at);
}

/* What is paid for with every system and stands in no list. */
static void omit_the_usual(struct rw_plan *plan)
{
    static const struct rw_bill_omission usual[] = {
        {NULL, RW_LABEL("Requests to object storage", "对象存储请求费"),
         RW_LABEL("how often objects are written and read is not in the intake",
                  "需求未说明对象的写入与读取次数")},
        {NULL, RW_LABEL("Licences of software", "软件许可"),
         RW_LABEL("databases and caches are planned as open-source software on machines",
                  "数据库与缓存按自建开源软件规划")},
        {NULL, RW_LABEL("Taxes", "税费"),
         RW_LABEL("all prices are without tax", "所有价格均不含税")},
    };
    static const struct rw_label models = RW_LABEL("Models: graphics processors, or a provider's "
                                                   "tokens",
                                                   "模型：GPU 或模型供应商的词元费用");
    static const struct rw_label unknown =
        RW_LABEL("they follow from models, tokens of a request and requests a second, which are "
                 "not in the intake",
                 "取决于模型、单次请求词元数与每秒请求数，需求未说明");
    if (plan->terms.models)
        rw_bill_omit(plan, NULL, models, unknown);
    for (size_t i = 0; i < sizeof(usual) / sizeof(usual[0]); i++)
        rw_bill_omit(plan, usual[i].provider, usual[i].label, usual[i].reason);
}

enum rw_err rw_bill_chapter(struct rw_plan *plan)
{
    rw_assert(plan->prices);
    struct rw_bill *bill = plan->bill = rw_arena_zero(&plan->sheet.arena, sizeof(*plan->bill));
    if (!bill)
        return RW_ENOMEM;
    bill->years = rw_plan_term(plan);
    rw_bill_choose_sites(plan);
    for (unsigned i = 0; i < bill->years; i++)
        bill->months[i] = rw_plan_months(plan, i + 1);
    for (unsigned tier = 0; tier < plan->tier_count; tier++) {
        unsigned first = bill->item_count;
        for (unsigned site = 0; site < bill->site_count; site++)
            add_site(plan, tier, site);
        rw_bill_support(plan, tier, first);
        add_sums(plan, tier, first);
        add_setup(plan, tier);
    }
    omit_the_usual(plan);
    rw_bill_today(plan);
    rw_bill_tell(plan);
    return plan->sheet.err ? plan->sheet.err : plan->findings.err;
}
