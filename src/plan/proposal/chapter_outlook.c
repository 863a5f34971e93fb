/* How sure the figures are: what moves them, and how they spread when all moves at once. */
#include "plan/proposal/chapters.h"

#define NONE ((struct rw_span){"", 0})

static bool is_money(const struct rw_proposal *proposal, uint32_t cell)
{
    return rw_sheet_cell(&proposal->plan->sheet, cell)->unit == RW_UNIT_MONEY;
}

static struct rw_span unit_of(const struct rw_proposal *proposal, uint32_t cell)
{
    return is_money(proposal, cell) ? rw_proposal_currency(proposal) : NONE;
}

/* "Net present value: Continuous". */
static struct rw_span caption(struct rw_proposal *proposal, const struct rw_tier *tier,
                              uint32_t cell, struct rw_label what)
{
    struct rw_label label = rw_sheet_cell(&proposal->plan->sheet, cell)->label;
    return rw_doc_format(
        proposal->doc, "%.120s: %.120s (%.120s)", rw_label_in(label, proposal->language),
        rw_label_in(tier->label, proposal->language), rw_label_in(what, proposal->language));
}

static void put_tornado(struct rw_proposal *proposal, const struct rw_tier *tier,
                        const struct rw_outlook_tier *outlook)
{
    if (outlook->swing_cell == RW_CELL_NONE || !outlook->swing_count)
        return;
    struct rw_doc_chart *chart = rw_doc_chart(
        proposal->doc, RW_DOC_TORNADO,
        caption(proposal, tier, outlook->swing_cell,
                RW_TEXTS("one input at a time, from the low to the high end of its range",
                         "逐项变动输入，自区间下限至上限")),
        unit_of(proposal, outlook->swing_cell));
    chart->money = is_money(proposal, outlook->swing_cell);
    chart->base = rw_sheet_value(&proposal->plan->sheet, outlook->swing_cell);
    rw_doc_series(proposal->doc, chart,
                  rw_proposal_say(proposal, RW_TEXTS("input at its low end", "输入取下限")));
    rw_doc_series(proposal->doc, chart,
                  rw_proposal_say(proposal, RW_TEXTS("input at its high end", "输入取上限")));
    for (unsigned i = 0; i < outlook->swing_count; i++) {
        const struct rw_swing *swing = &outlook->swings[i];
        struct rw_label label = rw_sheet_cell(&proposal->plan->sheet, swing->input)->label;
        struct rw_doc_point *point =
            rw_doc_point(proposal->doc, chart, rw_proposal_say(proposal, label));
        point->low = swing->at_low;
        point->high = swing->at_high;
    }
}

static struct rw_span quantile(struct rw_proposal *proposal, uint32_t cell, const char *name,
                               double value)
{
    struct rw_quantity quantity = rw_sheet_quantity(&proposal->plan->sheet, cell);
    quantity.value = value;
    struct rw_span words = rw_proposal_quantity(proposal, quantity);
    return rw_doc_format(proposal->doc, "%s: %.*s", name, RW_SPAN_ARGS(words));
}

static void put_range(struct rw_proposal *proposal, const struct rw_tier *tier,
                      const struct rw_draws_range *range)
{
    if (range->cell == RW_CELL_NONE || !isfinite(range->median) || !(range->class_width > 0))
        return;
    struct rw_doc_chart *chart =
        rw_doc_chart(proposal->doc, RW_DOC_RANGE,
                     caption(proposal, tier, range->cell,
                             RW_TEXTS("all inputs drawn at once", "全部输入同时随机抽样")),
                     unit_of(proposal, range->cell));
    chart->money = is_money(proposal, range->cell);
    rw_doc_series(proposal->doc, chart, rw_doc_word(proposal->doc, RW_SAY_HOW_OFTEN));
    for (unsigned i = 0; i < RW_DRAWS_CLASSES; i++) {
        struct rw_doc_point *point =
            rw_doc_point(proposal->doc, chart, rw_doc_format(proposal->doc, "%u", i + 1));
        point->low = range->class_from + range->class_width * i;
        point->high = point->low + range->class_width;
        point->values[0] = range->classes[i];
    }
    rw_doc_mark(proposal->doc, chart, quantile(proposal, range->cell, "P10", range->low),
                range->low, RW_DOC_WARNING);
    rw_doc_mark(proposal->doc, chart, quantile(proposal, range->cell, "P50", range->median),
                range->median, RW_DOC_NEUTRAL);
    rw_doc_mark(proposal->doc, chart, quantile(proposal, range->cell, "P90", range->high),
                range->high, RW_DOC_GOOD);
}

/* Quantiles of a cell as a row. */
static void put_row(struct rw_proposal *proposal, struct rw_doc_table *table,
                    const struct rw_tier *tier, const struct rw_draws_range *range)
{
    if (range->cell == RW_CELL_NONE)
        return;
    struct rw_doc *doc = proposal->doc;
    struct rw_doc_cell *cells = rw_doc_row(doc, table);
    const double quantiles[] = {range->low, range->median, range->high};
    struct rw_quantity quantity = rw_sheet_quantity(&proposal->plan->sheet, range->cell);
    struct rw_label label = rw_sheet_cell(&proposal->plan->sheet, range->cell)->label;
    rw_doc_words(doc, &cells[0], rw_proposal_say(proposal, tier->label));
    rw_doc_words(doc, &cells[1], rw_proposal_say(proposal, label));
    rw_proposal_put(proposal, &cells[2], range->cell);
    for (size_t i = 0; i < 3; i++) {
        quantity.value = quantiles[i];
        rw_doc_words(doc, &cells[i + 3], rw_proposal_quantity(proposal, quantity));
    }
    struct rw_quantity within = {.value = range->within_plan, .unit = RW_UNIT_SHARE};
    rw_doc_words(doc, &cells[6], rw_proposal_quantity(proposal, within));
}

static void put_table(struct rw_proposal *proposal)
{
    const struct rw_label titles[] = {
        RW_LABEL("Tier", "档次"),
        RW_LABEL("Figure", "指标"),
        RW_LABEL("Plan", "方案值"),
        RW_LABEL("10 %", "10%"),
        RW_LABEL("50 %", "50%"),
        RW_LABEL("90 %", "90%"),
        RW_LABEL("At most the plan's", "不超过方案值的占比"),
    };
    const struct rw_plan *plan = proposal->plan;
    struct rw_doc_table *table =
        rw_doc_table(proposal->doc,
                     rw_proposal_say(proposal, RW_TEXTS("So many per cent of the draws stay below",
                                                        "抽样分位数")),
                     NONE);
    for (size_t i = 0; i < sizeof(titles) / sizeof(titles[0]); i++)
        rw_doc_column(proposal->doc, table, i < 2 ? RW_DOC_WORDS : RW_DOC_NUMBER,
                      rw_proposal_say(proposal, titles[i]), NONE);
    for (unsigned t = 0; t < plan->tier_count; t++) {
        put_row(proposal, table, &plan->tiers[t], &plan->outlook.tiers[t].cost);
        put_row(proposal, table, &plan->tiers[t], &plan->outlook.tiers[t].npv);
        put_row(proposal, table, &plan->tiers[t], &plan->outlook.tiers[t].roi);
    }
}

void rw_proposal_outlook(struct rw_proposal *proposal)
{
    const struct rw_plan *plan = proposal->plan;
    if (!plan->outlook.draws || !plan->tier_count)
        return;
    size_t shown = (size_t)(rw_proposal_shown(proposal) - plan->tiers);
    struct rw_doc_argument arguments[] = {
        rw_proposal_count(proposal, plan->outlook.draws),
        RW_DOC_TEXT(rw_proposal_say(proposal, plan->tiers[shown].label)),
    };
    const struct rw_outlook_tier *outlook = &plan->outlook.tiers[shown];
    rw_doc_section(proposal->doc, 1, RW_TEXTS("How sure the figures are", "敏感性与不确定性"));
    rw_doc_paragraph(proposal->doc,
                     RW_TEXTS("Inputs that nobody measured have a range. {0} draws within all "
                              "ranges give the spread of the results; the charts are of the tier "
                              "**{1}**.",
                              "未经实测的输入带有区间。在全部区间内抽样 {0} 次得到结果的分布；"
                              "图中为 **{1}** 档。"),
                     arguments, 2);
    put_table(proposal);
    put_tornado(proposal, &plan->tiers[shown], outlook);
    put_range(proposal, &plan->tiers[shown], &outlook->cost);
    put_range(proposal, &plan->tiers[shown], &outlook->npv);
}
