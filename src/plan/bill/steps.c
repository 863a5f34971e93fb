/* Prices in steps: traffic by the GiB, support by what is spent. */
#include "plan/bill/article.h"
#include "plan/bill/formulas.h"
#include "plan/bill/line.h"

static bool has_price(struct rw_bill_at *at, const struct rw_price_key *key)
{
    struct rw_price_offer offer;
    return rw_prices_find(at->plan->prices, key, at->plan->terms.date, &offer);
}

static double most_of(struct rw_bill_at *at, const uint32_t *cells)
{
    double most = 0;
    for (unsigned i = 0; i < at->plan->bill->years; i++)
        most = fmax(most, rw_sheet_value(&at->plan->sheet, cells[i]));
    return most;
}

/* What of `all` lies between two ends; without a last one, whatever is more. */
static void count_step(struct rw_bill_at *at, struct rw_bill_line *step, const uint32_t *all,
                       double from, double to, struct rw_label what)
{
    struct rw_sheet *sheet = &at->plan->sheet;
    const struct rw_label from_label = {
        rw_sheet_text(sheet, "%s from which the step begins", what.en),
        rw_sheet_text(sheet, "阶梯起点 %s", what.zh)};
    const struct rw_label to_label = {rw_sheet_text(sheet, "%s at which the step ends", what.en),
                                      rw_sheet_text(sheet, "阶梯终点 %s", what.zh)};
    struct rw_plan *plan = at->plan;
    const char *id = rw_sheet_text(sheet, "bill.step.%s.%s", step->key.provider, step->name);
    uint32_t first = rw_bill_constant(plan, rw_sheet_text(sheet, "%s.from", id), from_label,
                                      RW_UNIT_COUNT, from, step->key.sku);
    uint32_t end = rw_bill_constant(plan, rw_sheet_text(sheet, isinf(to) ? "%s.open" : "%s.to", id),
                                    to_label, RW_UNIT_COUNT, to, step->key.sku);
    for (unsigned i = 0; i < plan->bill->years; i++)
        step->quantity[i] =
            rw_sheet_compute(&plan->sheet, rw_bill_id(at, step->name, "quantity", i + 1),
                             rw_bill_label(at, step->label, what, i + 1), RW_UNIT_COUNT,
                             &rw_bill_step, 3, all[i], first, end);
}

void rw_bill_steps(struct rw_bill_at *at, const struct rw_bill_article *article,
                   const struct rw_bill_line *line, const uint32_t *all, struct rw_label what)
{
    struct rw_sheet *sheet = &at->plan->sheet;
    double most = most_of(at, all);
    for (unsigned i = 0; i < RW_BILL_STEPS_MAX && article->skus[i]; i++) {
        double from = i ? article->upto[i - 1] : 0, to = article->upto[i];
        bool last = to == 0;
        if (!last) {
            struct rw_price_key next = rw_bill_key(at, article, article->skus[i + 1], "on_demand");
            last = most <= to && !has_price(at, &next);
        }
        struct rw_bill_line step = *line;
        step.name = rw_sheet_text(sheet, "%s_%u", line->name, i + 1);
        step.label =
            (struct rw_label){rw_sheet_text(sheet, "%s, step %u", line->label.en, i + 1),
                              rw_sheet_text(sheet, "%s（第 %u 阶梯）", line->label.zh, i + 1)};
        step.key = rw_bill_key(at, article, article->skus[i], "on_demand");
        count_step(at, &step, all, from, last ? INFINITY : to, what);
        rw_bill_add(at, &step);
        if (last)
            return;
    }
}
