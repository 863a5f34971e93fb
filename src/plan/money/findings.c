/* What the money says against what was asked for. */
#include "plan/money/shared.h"

static struct rw_finding compare(const struct rw_plan *plan, uint32_t goal, uint32_t possible)
{
    const struct rw_cell *stated = rw_sheet_cell(&plan->sheet, goal);
    return (struct rw_finding){
        .numbers = {rw_sheet_quantity(&plan->sheet, goal),
                    rw_sheet_quantity(&plan->sheet, possible)},
        .cells = {goal, possible},
        .file = stated->file,
        .place = stated->place,
    };
}

static void check_budget(struct rw_plan *plan, const struct rw_tier *tier,
                         const struct rw_money_tier *cells)
{
    if (!(rw_sheet_value(&plan->sheet, cells->reserve) < 0))
        return;
    uint32_t budget = rw_sheet_cell(&plan->sheet, cells->reserve)->inputs[0];
    struct rw_finding finding = compare(plan, budget, cells->cost_term);
    finding.rule = "tier_budget";
    finding.severity = RW_SEVERITY_BLOCKER;
    finding.subject = tier->name;
    finding.named = tier->label;
    finding.text =
        RW_TEXTS("{2}: the budget of {0} does not pay what the tier costs over the term, "
                 "{1}",
                 "{2}：预算 {0} 不足以支付订阅期成本 {1}");
    finding.action = RW_TEXTS("Choose a smaller tier, reduce the load or its peaks, or raise the "
                              "budget: the sensitivity table tells which input matters most",
                              "选择较低档次、减少负载或峰值，或提高预算：敏感性表说明哪项最重要");
    finding.source = "models.yaml: tco";
    rw_findings_add(&plan->findings, &finding);
}

static void check_roi(struct rw_plan *plan, const struct rw_tier *tier,
                      const struct rw_money_tier *cells)
{
    uint32_t goal = plan->inputs[RW_INPUT_GOAL_ROI];
    double wanted = rw_sheet_value(&plan->sheet, goal);
    double supported = rw_sheet_value(&plan->sheet, cells->roi);
    double cost = rw_sheet_value(&plan->sheet, cells->cost_term);
    if (isnan(wanted) || isnan(cost) || supported >= wanted)
        return; /* of a cost that is missing nothing can be told */
    struct rw_finding finding = compare(plan, goal, cells->roi);
    finding.rule = "tier_roi";
    finding.severity = RW_SEVERITY_BLOCKER;
    finding.subject = tier->name;
    finding.named = tier->label;
    finding.text =
        isnan(supported)
            ? RW_TEXTS("{2}: an ROI of {0} is promised; no benefit with a cause was named",
                       "{2}：承诺 ROI 为 {0}；没有给出有因由的收益")
            : RW_TEXTS("{2}: an ROI of {0} is promised; the named benefits give {1}",
                       "{2}：承诺 ROI 为 {0}；有因由的收益仅支持 {1}");
    finding.action = RW_TEXTS("Name the benefits with cause, amount and year, or withdraw the "
                              "promise",
                              "注明收益的因由、金额与年份，或撤回承诺");
    finding.source = "models.yaml: roi";
    rw_findings_add(&plan->findings, &finding);
}

static void check_saving(struct rw_plan *plan, const struct rw_tier *tier,
                         const struct rw_money_tier *cells)
{
    uint32_t goal = plan->inputs[RW_INPUT_GOAL_SAVING], now = plan->inputs[RW_INPUT_COST_NOW];
    double wanted = rw_sheet_value(&plan->sheet, goal), cost = rw_sheet_value(&plan->sheet, now);
    double year = rw_sheet_value(&plan->sheet, cells->cost_year);
    if (!(year > cost * (1 - wanted)))
        return;
    struct rw_finding finding = compare(plan, goal, cells->cost_year);
    finding.rule = "tier_saving";
    finding.severity = RW_SEVERITY_WARNING;
    finding.subject = tier->name;
    finding.named = tier->label;
    finding.text = RW_TEXTS("{2}: {0} less than today is wanted; a year of operation costs {1}",
                            "{2}：目标为较现状节省 {0}；年运行成本为 {1}");
    finding.action = RW_TEXTS("Name what shall cost less and why, or take the goal back",
                              "说明哪些项目因何降低成本，或撤回目标");
    rw_findings_add(&plan->findings, &finding);
}

void rw_money_tell_savings(struct rw_plan *plan)
{
    const struct rw_terms *terms = &plan->terms;
    for (unsigned i = 0; i < terms->saving_count; i++) {
        if (rw_money_counts(plan, i))
            continue;
        rw_findings_add(
            &plan->findings,
            &(struct rw_finding){
                .rule = "saving_within_cost",
                .severity = RW_SEVERITY_NOTE,
                .text = RW_LABEL("\"{2}\" is a share of today's cost, all of which is counted as "
                                 "saved already: it is not added again",
                                 "“{2}”是现有成本的一部分，而现有成本已全部计为节省：不再重复计入"),
                .action = RW_LABEL("State it as an amount, if it is saved elsewhere",
                                   "如为其他方面的节省，请以金额说明"),
                .numbers = {{.value = NAN}, {.value = NAN}},
                .cells = {RW_CELL_NONE, RW_CELL_NONE},
                .subject = terms->savings[i].cause,
                .source = "arithmetic on the intake's own numbers",
                .file = terms->file,
                .place = terms->savings[i].place,
            });
    }
}

/* Three zones carry the load with half more machines, two with twice as many: the larger tier may
 * be the cheaper one. */
static void check_dominated(struct rw_plan *plan, const struct rw_tier *tier,
                            const struct rw_money_tier *cells)
{
    if (tier == plan->tiers)
        return;
    const struct rw_tier *smaller = tier - 1;
    uint32_t cost = rw_plan_find(plan, "money", smaller, "cost_term");
    uint32_t given = rw_plan_find(plan, "sizing", smaller, "availability");
    uint32_t more = rw_plan_find(plan, "sizing", tier, "availability");
    if (!(rw_sheet_value(&plan->sheet, cells->cost_term) <= rw_sheet_value(&plan->sheet, cost)) ||
        !(rw_sheet_value(&plan->sheet, more) >= rw_sheet_value(&plan->sheet, given)))
        return;
    struct rw_finding finding = compare(plan, cost, cells->cost_term);
    finding.rule = "tier_dominated";
    finding.severity = RW_SEVERITY_NOTE;
    finding.subject = smaller->name;
    finding.named = smaller->label;
    finding.text = RW_TEXTS("{2} costs {0} over the term; the next tier keeps more and costs {1}",
                            "{2}：订阅期成本为 {0}；保障更高的下一档仅为 {1}");
    finding.action =
        RW_TEXTS("Leave it out: nobody is served by it", "建议删去该档：选择它没有好处");
    finding.source = "models.yaml: tco";
    rw_findings_add(&plan->findings, &finding);
}

void rw_money_findings(struct rw_plan *plan, const struct rw_money *money,
                       const struct rw_tier *tier, const struct rw_money_tier *cells)
{
    (void)money;
    check_budget(plan, tier, cells);
    check_roi(plan, tier, cells);
    check_saving(plan, tier, cells);
    check_dominated(plan, tier, cells);
}
