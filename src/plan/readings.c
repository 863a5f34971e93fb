#include "plan/readings.h"

#include "plan/model/queueing.h"
#include "plan/plan.h"

enum { WIDER_MAX = 10, CLOSER = 8 }; /* steps of the search */

static const char rate_id[] = "sizing.rate_today";

/* ---- Trying ---- */

static double money_of(const struct rw_plan *plan, unsigned tier, const char *name)
{
    return rw_sheet_value(&plan->sheet, rw_plan_find(plan, "money", &plan->tiers[tier], name));
}

static void try_rate(struct rw_plan *plan, struct rw_reading *reading)
{
    rw_sheet_try(&plan->sheet, rw_sheet_find(&plan->sheet, rate_id), reading->rate);
    for (unsigned i = 0; i < plan->tier_count; i++) {
        reading->cost[i] = money_of(plan, i, "cost_term");
        reading->reserve[i] = money_of(plan, i, "reserve");
    }
    rw_sheet_restore(&plan->sheet);
}

static double reserve_at(struct rw_plan *plan, unsigned tier, double rate)
{
    rw_sheet_try(&plan->sheet, rw_sheet_find(&plan->sheet, rate_id), rate);
    double reserve = money_of(plan, tier, "reserve");
    rw_sheet_restore(&plan->sheet);
    return reserve;
}

/* ---- Readings ---- */

static void add(struct rw_plan *plan, struct rw_label label, double rate)
{
    struct rw_readings *readings = &plan->readings;
    double planned = rw_sheet_value(&plan->sheet, rw_sheet_find(&plan->sheet, rate_id));
    if (!(rate > 0) || isinf(rate))
        return;
    struct rw_reading *reading = &readings->at[readings->count++];
    *reading = (struct rw_reading){
        .label = label, .rate = rate, .planned = fabs(rate / planned - 1) < 1e-9};
    try_rate(plan, reading);
}

static bool is_planned(const struct rw_readings *readings)
{
    for (unsigned i = 0; i < readings->count; i++)
        if (readings->at[i].planned)
            return true;
    return false;
}

static void add_all(struct rw_plan *plan, double planned)
{
    double requests = rw_plan_input(plan, RW_INPUT_CONCURRENT_REQUESTS);
    double time = rw_plan_input(plan, RW_INPUT_LATENCY); /* without one, nothing is in flight */
    double think = rw_plan_input(plan, RW_INPUT_THINK_TIME);
    add(plan, RW_TEXTS("as requests that are in flight at once", "按同时在途的请求理解"),
        rw_model_little_rate(requests, time));
    add(plan, RW_TEXTS("as users who think between two actions", "按有思考时间的在线用户理解"),
        rw_model_interactive_rate(
            requests, isnan(time) ? rw_plan_input(plan, RW_INPUT_SERVICE_TIME) : time, think));
    add(plan, RW_TEXTS("by the volumes that were stated", "按所述业务量推算"),
        rw_plan_input(plan, RW_INPUT_TRANSACTIONS_PER_DAY) / 86400 *
            rw_plan_input(plan, RW_INPUT_REQUESTS_PER_TRANSACTION) *
            rw_plan_input(plan, RW_INPUT_PEAK_FACTOR));
    if (!is_planned(&plan->readings))
        add(plan, RW_TEXTS("by the users or the rate stated", "按所述用户数或速率推算"), planned);
}

/* ---- What the budgets pay for ---- */

/* Costs grow with the load, a machine at a time, and so almost in a straight line: that line and
 * halving in turn come close in a few steps. What is told was paid at the last step. */
static double most_for(struct rw_plan *plan, unsigned tier, double planned)
{
    double low = 0, high = planned;
    double at_low = reserve_at(plan, tier, low), at_high = reserve_at(plan, tier, high);
    if (!(at_low >= 0))
        return 0;
    for (unsigned i = 0; i < WIDER_MAX && at_high >= 0; i++) {
        low = high;
        at_low = at_high;
        high *= 4;
        at_high = reserve_at(plan, tier, high);
    }
    for (unsigned i = 0; i < CLOSER && at_high < 0; i++) {
        double share = i % 2 ? 0.5 : 0.995 * at_low / (at_low - at_high);
        double middle = low + share * (high - low), there = reserve_at(plan, tier, middle);
        *(there >= 0 ? &low : &high) = middle;
        *(there >= 0 ? &at_low : &at_high) = there;
    }
    return low;
}

/* ---- Findings ---- */

/* Another reading than the planned one turns the verdict on a budget. */
static const struct rw_reading *turning(const struct rw_readings *readings, unsigned tier,
                                        const struct rw_reading **planned)
{
    *planned = NULL;
    for (unsigned i = 0; i < readings->count; i++)
        if (readings->at[i].planned)
            *planned = &readings->at[i];
    for (unsigned i = 0; i < readings->count && *planned; i++) {
        const struct rw_reading *other = &readings->at[i];
        double as_planned = (*planned)->reserve[tier], otherwise = other->reserve[tier];
        if (!isnan(as_planned) && !isnan(otherwise) && (as_planned < 0) != (otherwise < 0))
            return other;
    }
    return NULL;
}

static void tell(struct rw_plan *plan)
{
    for (unsigned i = 0; i < plan->tier_count; i++) {
        const struct rw_reading *planned, *other = turning(&plan->readings, i, &planned);
        if (!other)
            continue;
        const struct rw_cell *stated =
            rw_sheet_cell(&plan->sheet, plan->inputs[RW_INPUT_CONCURRENT_REQUESTS]);
        struct rw_quantity cost = rw_sheet_quantity(
            &plan->sheet, rw_plan_find(plan, "money", &plan->tiers[i], "cost_term"));
        struct rw_finding finding = {
            .rule = "reading_decides",
            .severity = RW_SEVERITY_WARNING,
            .text = RW_LABEL(
                "{2}: what the concurrency means decides over the budget: as planned "
                "the term costs {0}, read the other way {1}",
                "{2}：并发的口径决定预算是否够用：按现口径订阅期成本为 {0}，按另一口径为 {1}"),
            .action = RW_LABEL("Settle first which is meant; measure the peak rate in the present "
                               "system",
                               "请先确定口径，并在现系统实测峰值速率"),
            .numbers = {cost, cost},
            .cells = {plan->inputs[RW_INPUT_CONCURRENT_REQUESTS], RW_CELL_NONE},
            .subject = plan->tiers[i].name,
            .named = plan->tiers[i].label,
            .source = "models.yaml: interactive",
            .file = stated->file,
            .place = stated->place,
        };
        finding.numbers[0].value = planned->cost[i];
        finding.numbers[1].value = other->cost[i];
        rw_findings_add(&plan->findings, &finding);
    }
}

enum rw_err rw_readings_make(struct rw_plan *plan)
{
    plan->readings = (struct rw_readings){0};
    double planned = rw_sheet_value(&plan->sheet, rw_sheet_find(&plan->sheet, rate_id));
    for (unsigned i = 0; i < plan->tier_count; i++)
        plan->readings.most[i] = NAN;
    if (!(planned > 0) || isinf(planned))
        return RW_OK;
    add_all(plan, planned);
    for (unsigned i = 0; i < plan->tier_count; i++)
        if (!isnan(money_of(plan, i, "reserve")))
            plan->readings.most[i] = most_for(plan, i, planned);
    tell(plan);
    return plan->sheet.err ? plan->sheet.err : plan->findings.err;
}
