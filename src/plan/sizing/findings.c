/* What sizing found that no number shows by itself. */
#include "plan/sizing/formulas.h"
#include "plan/sizing/shared.h"

/* A goal and what can be had, from two cells; placed where the goal was stated. */
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

/* Whether machines can keep the target at all, with what network and queries leave of it. */
static bool is_within_reach(const struct rw_plan *plan, const struct rw_sizing *sizing)
{
    double left = rw_sheet_value_of(&plan->sheet, "sizing.latency_left");
    double tail = rw_sheet_value(&plan->sheet, sizing->service_tail);
    return isnan(left) || (left > 0 && 1 - tail / left >= RW_SIZING_UTILIZATION_LEAST);
}

static void tell_latency(struct rw_plan *plan, const struct rw_sizing *sizing)
{
    struct rw_finding finding = compare(plan, plan->inputs[RW_INPUT_LATENCY], sizing->service_tail);
    finding.rule = "latency_below_work";
    finding.severity = RW_SEVERITY_BLOCKER;
    finding.text =
        RW_TEXTS("Of the latency target of {0}, network and database leave too little for "
                 "the CPU time of a request at that percentile, {1}: machines do not "
                 "reach it even when they are four fifths idle, and the plan is sized "
                 "without it",
                 "时延目标 {0} 扣除网络与数据库后，不足以容纳该分位的请求 CPU 时间 {1}："
                 "即使机器八成空闲也无法达到，本方案未按该目标配置机器");
    finding.action = RW_TEXTS("Measure the CPU time of a request; make it shorter or less varied, "
                              "save queries, or move long work out of the request",
                              "实测请求的 CPU 时间；缩短或平稳它，减少查询，或将长任务移出请求");
    finding.source = "models.yaml: mg1_ps";
    rw_findings_add(&plan->findings, &finding);
}

/* Of tiers that could keep it: where none can, that was told already. */
static void check_response(struct rw_plan *plan, const struct rw_tier *tier)
{
    uint32_t goal = plan->inputs[RW_INPUT_LATENCY];
    uint32_t expected = rw_plan_find(plan, "sizing", tier, "response_tail");
    if (!(rw_sheet_value(&plan->sheet, expected) > rw_sheet_value(&plan->sheet, goal)))
        return;
    struct rw_finding finding = compare(plan, goal, expected);
    finding.rule = "tier_latency";
    finding.severity = RW_SEVERITY_WARNING;
    finding.subject = tier->name;
    finding.named = tier->label;
    finding.text = RW_TEXTS("{2}: {0} is wanted; application, database and network may take {1} "
                            "together at that percentile",
                            "{2}：目标 {0}；应用、数据库与网络在该分位合计可达 {1}");
    finding.action =
        RW_TEXTS("Measure the CPU time, the queries and their times: what is assumed of "
                 "them decides this",
                 "请实测 CPU 时间、查询次数与时间：结论取决于这些假设");
    finding.source = "models.yaml: mg1_ps, mmc, fanout";
    rw_findings_add(&plan->findings, &finding);
}

static void check_scaling(struct rw_plan *plan, const struct rw_tier *tier)
{
    uint32_t nodes = rw_plan_find(plan, "sizing", tier, "app_nodes");
    if (!isinf(rw_sheet_value(&plan->sheet, nodes)))
        return;
    uint32_t rate = rw_sheet_find(&plan->sheet, "sizing.origin_rate");
    struct rw_finding finding = compare(plan, rate, nodes);
    finding.rule = "scalability_roof";
    finding.severity = RW_SEVERITY_BLOCKER;
    finding.subject = tier->name;
    finding.named = tier->label;
    finding.text = RW_TEXTS("{2}: {0} lies above the roof of the measured scalability curve; "
                            "nodes needed: {1}",
                            "{2}：{0} 超出实测扩展曲线的上限；所需节点：{1}");
    finding.action = RW_TEXTS("Split the system into independent parts, or remove the contention "
                              "that the measurements show",
                              "将系统拆分为相互独立的部分，或消除实测所示的争用");
    finding.source = "models.yaml: usl";
    rw_findings_add(&plan->findings, &finding);
}

static void check_availability(struct rw_plan *plan, const struct rw_tier *tier)
{
    uint32_t goal = plan->inputs[RW_INPUT_AVAILABILITY];
    uint32_t expected = rw_plan_find(plan, "sizing", tier, "availability");
    if (!(rw_sheet_value(&plan->sheet, expected) < rw_sheet_value(&plan->sheet, goal)))
        return;
    struct rw_finding finding = compare(plan, goal, expected);
    finding.rule = "tier_availability";
    finding.severity = RW_SEVERITY_WARNING;
    finding.subject = tier->name;
    finding.named = tier->label;
    finding.text = RW_TEXTS("{2}: {0} is wanted, {1} is what its parts and incidents give",
                            "{2}：目标 {0}，其组件与故障决定的预期为 {1}");
    finding.action = RW_TEXTS("Choose a tier that covers more, shorten repair, or promise less",
                              "选择覆盖更多的档次、缩短修复时间，或降低承诺");
    finding.source = "models.yaml: series";
    rw_findings_add(&plan->findings, &finding);
}

/* Whether what goes wrong in any tier leaves nothing of the downtime that is allowed. */
static bool incidents_use_up(const struct rw_plan *plan, double allowed)
{
    double incidents = rw_sheet_value_of(&plan->sheet, "sizing.downtime_incidents");
    return incidents >= allowed * (1 - 1e-9);
}

static void check_downtime(struct rw_plan *plan, const struct rw_tier *tier)
{
    uint32_t goal = plan->inputs[RW_INPUT_DOWNTIME_ALLOWED];
    uint32_t expected = rw_plan_find(plan, "sizing", tier, "downtime");
    double allowed = rw_sheet_value(&plan->sheet, goal);
    if (!(rw_sheet_value(&plan->sheet, expected) > allowed))
        return;
    struct rw_finding finding = compare(plan, goal, expected);
    finding.rule = "tier_downtime";
    finding.severity = RW_SEVERITY_BLOCKER;
    finding.subject = tier->name;
    finding.named = tier->label;
    finding.text =
        RW_TEXTS("{2}: downtime of {0} is allowed, {1} is expected", "{2}：允许停机 {0}，预期 {1}");
    finding.action = RW_TEXTS("Choose a tier that covers more, shorten repair, or allow more",
                              "选择覆盖更多的档次、缩短修复时间，或放宽允许停机时间");
    if (incidents_use_up(plan, allowed)) {
        finding.text = RW_TEXTS("{2}: downtime of {0} is allowed, {1} is expected; the incidents "
                                "that are assumed use up the allowance alone, in any tier",
                                "{2}：允许停机 {0}，预期 {1}；仅所假设的故障即已用尽允许时间，"
                                "任何档次均如此");
        finding.action = RW_TEXTS(
            "Show by records that incidents are fewer or shorter (intake.goal.incidents, "
            "intake.goal.incident_time), or allow more",
            "以记录证明故障更少或更短（intake.goal.incidents、intake.goal.incident_time），"
            "或放宽允许停机时间");
    }
    finding.source = "models.yaml: error_budget";
    rw_findings_add(&plan->findings, &finding);
}

static void check_recovery(struct rw_plan *plan, const struct rw_tier *tier)
{
    uint32_t goal = plan->inputs[RW_INPUT_RECOVERY_TIME];
    uint32_t possible = rw_plan_find(plan, "sizing", tier, "recovery");
    if (!(rw_sheet_value(&plan->sheet, possible) > rw_sheet_value(&plan->sheet, goal)))
        return;
    struct rw_finding finding = compare(plan, goal, possible);
    finding.rule = "tier_recovery";
    finding.severity = RW_SEVERITY_WARNING;
    finding.subject = tier->name;
    finding.named = tier->label;
    finding.text =
        RW_TEXTS("{2}: recovery within {0} is wanted; when a region is lost it takes {1}",
                 "{2}：要求 {0} 内恢复；地域失效时需要 {1}");
    finding.action = RW_TEXTS("Exclude the loss of a region from the promise, or buy the standby",
                              "在承诺中排除地域失效，或购买待命容量");
    rw_findings_add(&plan->findings, &finding);
}

void rw_sizing_findings(const struct rw_sizing *sizing)
{
    struct rw_plan *plan = sizing->plan;
    bool within_reach = is_within_reach(plan, sizing);
    if (!within_reach)
        tell_latency(plan, sizing);
    for (unsigned i = 0; i < plan->tier_count; i++) {
        check_scaling(plan, &plan->tiers[i]);
        if (within_reach)
            check_response(plan, &plan->tiers[i]);
        check_availability(plan, &plan->tiers[i]);
        check_downtime(plan, &plan->tiers[i]);
        check_recovery(plan, &plan->tiers[i]);
    }
}
