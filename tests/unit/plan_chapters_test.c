/* Sizing, money and draws over plans that are built here, by hand and at random. */
#include "base/alloc.h"
#include "base/clock.h"
#include "base/random.h"
#include "plan/draws/draws.h"
#include "plan/money/money.h"
#include "plan/sizing/sizing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static struct rw_input_value stated(double value)
{
    return (struct rw_input_value){.present = true, .value = value, .origin = RW_ORIGIN_GIVEN};
}

/* A bill in proportion to what sizing says. */
static void add_bill(struct rw_plan *plan)
{
    struct rw_sheet *sheet = &plan->sheet;
    for (unsigned i = 0; i < plan->tier_count; i++) {
        const struct rw_tier *tier = &plan->tiers[i];
        uint32_t price = rw_sheet_add(
            sheet, &(struct rw_cell){.id = rw_sheet_text(sheet, "bill.%s.price", tier->id),
                                     .label = RW_LABEL("A node for a year", "节点年价"),
                                     .unit = RW_UNIT_PRICE,
                                     .currency = "USD",
                                     .per = "year",
                                     .origin = RW_ORIGIN_DATA,
                                     .source = "this test",
                                     .value = 1489.123});
        uint32_t year = RW_CELL_NONE;
        for (unsigned y = rw_plan_term(plan); y > 0; y--)
            year = rw_plan_compute(plan, "bill", tier, rw_sheet_text(sheet, "year.%u", y),
                                   RW_TEXTS("Year", "年"), RW_UNIT_MONEY, &rw_formula_line_item, 2,
                                   price, rw_sizing_of_year(plan, tier, "nodes", y));
        rw_plan_compute(plan, "bill", tier, "setup", RW_TEXTS("Setup", "建设"), RW_UNIT_MONEY,
                        &rw_formula_same, 1, year);
    }
}

static enum rw_err build(struct rw_plan *plan, const struct rw_input_value *values, bool bill)
{
    rw_inputs_add(&plan->sheet, values, plan->inputs);
    plan->tier_count = rw_tiers_make(&plan->terms, plan->tiers);
    enum rw_err err = rw_sizing_chapter(plan);
    if (!err && bill)
        add_bill(plan);
    return err ? err : rw_money_chapter(plan);
}

static double value_of(const struct rw_plan *plan, const char *id)
{
    uint32_t cell = rw_sheet_find(&plan->sheet, id);
    if (cell == RW_CELL_NONE)
        print_error("no cell %s\n", id);
    assert_int_not_equal(cell, RW_CELL_NONE);
    return rw_sheet_value(&plan->sheet, cell);
}

static const struct rw_finding *finding(const struct rw_plan *plan, const char *rule)
{
    for (unsigned i = 0; i < plan->findings.count; i++)
        if (strcmp(plan->findings.at[i].rule, rule) == 0)
            return &plan->findings.at[i];
    return NULL;
}

static void test_a_million_users_are_not_a_million_requests(void **state)
{
    (void)state;
    struct rw_plan plan;
    struct rw_input_value values[RW_INPUT_END] = {
        [RW_INPUT_CONCURRENT_USERS] = stated(1000000),
        [RW_INPUT_LATENCY] = stated(2),
        [RW_INPUT_THINK_TIME] = stated(30),
        [RW_INPUT_GROWTH] = stated(0),
        [RW_INPUT_AVAILABILITY] = stated(0.9999),
    };
    rw_plan_init(&plan);
    assert_int_equal(build(&plan, values, true), RW_OK);
    assert_true(fabs(value_of(&plan, "sizing.rate_peak") - 31250) < 1e-6);
    assert_true(value_of(&plan, "sizing.connections") == 1000000);
    /* The loss of a zone costs half again with three, and all of it with two. */
    double peak = value_of(&plan, "sizing.t2.app_nodes_peak");
    assert_true(value_of(&plan, "sizing.t2.app_nodes") == ceil(peak * 1.5));
    peak = value_of(&plan, "sizing.t1.app_nodes_peak");
    assert_true(value_of(&plan, "sizing.t1.app_nodes") == 2 * peak);
    /* More is bought, more is had. */
    assert_true(value_of(&plan, "sizing.t1.availability") <
                value_of(&plan, "sizing.t2.availability"));
    assert_true(value_of(&plan, "sizing.t2.availability") <
                value_of(&plan, "sizing.t3.availability"));
    assert_true(value_of(&plan, "money.t1.contract") < value_of(&plan, "money.t3.contract"));
    assert_non_null(finding(&plan, "tier_availability"));
    rw_plan_free(&plan);

    values[RW_INPUT_CONCURRENT_USERS] = (struct rw_input_value){0};
    values[RW_INPUT_CONCURRENT_REQUESTS] = stated(1000000);
    rw_plan_init(&plan);
    assert_int_equal(build(&plan, values, true), RW_OK);
    assert_true(fabs(value_of(&plan, "sizing.rate_peak") - 500000) < 1e-6);
    rw_plan_free(&plan);

    /* Beside ten thousand transactions a day, and without a think time, they can only be users. */
    values[RW_INPUT_TRANSACTIONS_PER_DAY] = stated(10000);
    values[RW_INPUT_THINK_TIME] = (struct rw_input_value){0};
    rw_plan_init(&plan);
    assert_int_equal(build(&plan, values, true), RW_OK);
    assert_true(fabs(value_of(&plan, "sizing.rate_peak") - 31250) < 1e-6);
    assert_non_null(finding(&plan, "concurrency_read_as_users"));
    /* Each of them holds a connection while he thinks. */
    assert_true(value_of(&plan, "sizing.connections") == 1000000);
    rw_plan_free(&plan);
}

static void test_what_no_machine_can_do_is_a_blocker(void **state)
{
    (void)state;
    struct rw_plan plan;
    struct rw_input_value values[RW_INPUT_END] = {
        [RW_INPUT_PEAK_RATE] = stated(10000),  [RW_INPUT_LATENCY] = stated(0.03),
        [RW_INPUT_CONTENTION] = stated(0.05),  [RW_INPUT_RECOVERY_TIME] = stated(60),
        [RW_INPUT_BUDGET_TOTAL] = stated(100), [RW_INPUT_GOAL_ROI] = stated(1.5),
    };
    rw_plan_init(&plan);
    assert_int_equal(build(&plan, values, true), RW_OK);
    assert_int_equal(finding(&plan, "latency_below_work")->severity, RW_SEVERITY_BLOCKER);
    assert_int_equal(finding(&plan, "scalability_roof")->severity, RW_SEVERITY_BLOCKER);
    assert_true(isinf(value_of(&plan, "sizing.t1.app_nodes")));
    assert_non_null(finding(&plan, "tier_recovery"));
    assert_non_null(finding(&plan, "tier_budget"));
    /* Nobody named a benefit: the promised ROI is not supported, and the sheet says what lacks. */
    assert_non_null(finding(&plan, "tier_roi"));
    assert_true(isnan(value_of(&plan, "money.t1.roi")));
    uint32_t cause;
    assert_int_equal(
        rw_sheet_missing(&plan.sheet, rw_sheet_find(&plan.sheet, "money.t1.roi"), &cause, 1), 1);
    assert_string_equal(plan.sheet.cells[cause].id, "money.t1.benefit_cause");
    rw_plan_free(&plan);
}

/* Findings of the rule, and whether all of them are blockers that hold `words`. */
static unsigned count_findings(const struct rw_plan *plan, const char *rule, const char *words,
                               bool with)
{
    unsigned count = 0;
    for (unsigned i = 0; i < plan->findings.count; i++) {
        const struct rw_finding *found = &plan->findings.at[i];
        if (strcmp(found->rule, rule) != 0)
            continue;
        assert_int_equal(found->severity, RW_SEVERITY_BLOCKER);
        assert_true((strstr(found->text.en, words) != NULL) == with);
        count++;
    }
    return count;
}

static void test_a_downtime_that_a_tier_breaks_is_a_blocker(void **state)
{
    (void)state;
    struct rw_plan plan;
    struct rw_input_value values[RW_INPUT_END] = {
        [RW_INPUT_PEAK_RATE] = stated(10000),
        [RW_INPUT_DOWNTIME_ALLOWED] = stated(15),
    };
    /* Four incidents a year of 15 minutes are 15 minutes a quarter, whatever is bought. */
    rw_plan_init(&plan);
    assert_int_equal(build(&plan, values, true), RW_OK);
    assert_true(fabs(value_of(&plan, "sizing.downtime_incidents") - 15) < 1e-6);
    assert_int_equal(count_findings(&plan, "tier_downtime", "in any tier", true), 3);
    assert_true(finding(&plan, "tier_downtime")->numbers[0].value == 15);
    assert_true(finding(&plan, "tier_downtime")->numbers[1].value ==
                value_of(&plan, "sizing.t1.downtime"));
    rw_plan_free(&plan);

    /* Only the tier that fails over within minutes stays below 40. */
    values[RW_INPUT_DOWNTIME_ALLOWED] = stated(40);
    rw_plan_init(&plan);
    assert_int_equal(build(&plan, values, true), RW_OK);
    assert_true(value_of(&plan, "sizing.t3.downtime") < 40);
    assert_int_equal(count_findings(&plan, "tier_downtime", "in any tier", false), 2);
    rw_plan_free(&plan);

    values[RW_INPUT_DOWNTIME_ALLOWED] = (struct rw_input_value){0};
    rw_plan_init(&plan);
    assert_int_equal(build(&plan, values, true), RW_OK);
    assert_null(finding(&plan, "tier_downtime"));
    rw_plan_free(&plan);
}

static void test_without_a_bill_nothing_is_zero(void **state)
{
    (void)state;
    struct rw_plan plan;
    uint32_t causes[4];
    struct rw_input_value values[RW_INPUT_END] = {[RW_INPUT_PEAK_RATE] = stated(1000)};
    rw_plan_init(&plan);
    assert_int_equal(build(&plan, values, false), RW_OK);
    uint32_t npv = rw_sheet_find(&plan.sheet, "money.t1.npv");
    assert_true(isnan(rw_sheet_value(&plan.sheet, npv)));
    assert_int_equal(rw_sheet_missing(&plan.sheet, npv, causes, 4), 5);
    assert_string_equal(plan.sheet.cells[causes[0]].id, "money.t1.benefit_cause");
    assert_string_equal(plan.sheet.cells[causes[1]].id, "bill.t1.year.3");
    assert_true(isnan(value_of(&plan, "money.t1.contract")));
    rw_plan_free(&plan);

    /* With a budget it can still be told how that is paid. */
    values[RW_INPUT_BUDGET_TOTAL] = stated(180000001);
    rw_plan_init(&plan);
    assert_int_equal(build(&plan, values, false), RW_OK);
    assert_true(value_of(&plan, "money.t1.contract") == 180000001);
    /* Three years, 3 % more each year, in quarters. */
    double fee = value_of(&plan, "money.t1.fee.1"), last = value_of(&plan, "money.t1.fee.3");
    assert_true(fabs(fee - 180000001 / 3.0909) < 1 && fabs(last - fee * 1.0609) < 2);
    assert_true(value_of(&plan, "money.t1.payment.1") == ceil(fee / 4));
    assert_true(value_of(&plan, "money.t1.payment.12") == floor(last / 4));
    assert_true(isnan(value_of(&plan, "money.t1.cost_term")));
    rw_plan_free(&plan);
}

static void test_the_benefits_of_an_avoided_minute(void **state)
{
    (void)state;
    struct rw_plan plan;
    struct rw_input_value values[RW_INPUT_END] = {
        [RW_INPUT_PEAK_RATE] = stated(1000),    [RW_INPUT_COST_NOW] = stated(100000000),
        [RW_INPUT_DOWNTIME_NOW] = stated(200),  [RW_INPUT_LOSS_PER_MINUTE] = stated(500000),
        [RW_INPUT_DISCOUNT_RATE] = stated(0.1),
    };
    rw_plan_init(&plan);
    assert_int_equal(build(&plan, values, true), RW_OK);
    double down = value_of(&plan, "sizing.t1.downtime");
    assert_true(value_of(&plan, "money.t1.benefit_downtime") ==
                rw_sheet_cents((200 - down) * 4 * 500000));
    double npv = 0;
    for (int year = 3; year >= 0; year--) {
        char id[32];
        snprintf(id, sizeof(id), "money.t1.flow.%d", year);
        npv = npv / 1.1 + value_of(&plan, id);
    }
    assert_true(fabs(value_of(&plan, "money.t1.npv") - npv) < 1);
    assert_true(value_of(&plan, "money.t1.roi") > 0);
    /* The customer's own cost, whatever budget there is: the setup and both systems at once, then
     * each year's bill with its people. */
    assert_true(value_of(&plan, "money.t1.flow.0") ==
                -value_of(&plan, "money.t1.cost_setup") -
                    value_of(&plan, "money.t1.cost_parallel"));
    assert_true(value_of(&plan, "money.t1.flow.2") ==
                value_of(&plan, "money.t1.benefit.2") - value_of(&plan, "money.t1.cost_year.2"));
    double roi = value_of(&plan, "money.t1.roi");
    rw_plan_free(&plan);

    /* A budget that does not pay for it changes what is paid, not what it returns. A share of
     * today's cost is within that cost; a further saving has its range. */
    rw_plan_init(&plan);
    plan.terms.tier_count = 1;
    plan.terms.tiers[0].budget = 1000;
    plan.terms.savings[0] = (struct rw_term_saving){
        .cause = "a share of today's cost", .per_year = 30000000, .share_of_cost = true};
    plan.terms.saving_count = 1;
    assert_int_equal(build(&plan, values, true), RW_OK);
    assert_true(value_of(&plan, "money.t1.contract") == 1000);
    assert_string_equal(finding(&plan, "saving_within_cost")->subject, "a share of today's cost");
    assert_true(plan.tiers[0].profile->zones == 3 || value_of(&plan, "money.t1.roi") == roi);
    assert_true(value_of(&plan, "money.t1.benefit.1") ==
                100000000 + value_of(&plan, "money.t1.benefit_downtime"));
    rw_plan_free(&plan);
}

static void test_the_range_of_a_saving_is_drawn_from(void **state)
{
    (void)state;
    struct rw_plan plan;
    struct rw_draws_range range;
    struct rw_swing swings[4];
    struct rw_input_value values[RW_INPUT_END] = {0};
    /* Nothing else is uncertain. */
    for (unsigned i = 0; i < RW_INPUT_END; i++)
        if (!isnan(rw_input_entry((enum rw_input)i)->assumed))
            values[i] = stated(rw_input_entry((enum rw_input)i)->assumed);
    values[RW_INPUT_PEAK_RATE] = stated(1000);
    rw_plan_init(&plan);
    plan.terms.savings[0] = (struct rw_term_saving){
        .cause = "fewer tickets", .per_year = 200000000, .low = 100000000, .high = 300000000};
    plan.terms.saving_count = 1;
    assert_int_equal(build(&plan, values, true), RW_OK);
    uint32_t cell = rw_sheet_find(&plan.sheet, "money.t1.benefits");
    assert_int_equal(rw_draws_run(&plan.sheet, 1, 5000, &cell, 1, &range), RW_OK);
    assert_true(range.low > 3 * 100000000.0 && range.high < 3 * 300000000.0);
    assert_true(range.high - range.low > 150000000.0);
    uint32_t npv = rw_sheet_find(&plan.sheet, "money.t1.npv");
    assert_int_equal(rw_swings(&plan.sheet, npv, swings, 4), 1);
    assert_string_equal(plan.sheet.cells[swings[0].input].id, "money.saving.1");
    rw_plan_free(&plan);
}

/* Each year is sized for the load at its end, the last one for the end of the term. */
static void test_every_year_has_its_own_sizes(void **state)
{
    (void)state;
    struct rw_plan plan;
    struct rw_input_value values[RW_INPUT_END] = {
        [RW_INPUT_PEAK_RATE] = stated(10000),   [RW_INPUT_GROWTH] = stated(0.5),
        [RW_INPUT_DATA_PER_DAY] = stated(1e12), [RW_INPUT_RETENTION] = stated(730),
        [RW_INPUT_RETENTION_HOT] = stated(30),
    };
    rw_plan_init(&plan);
    assert_int_equal(build(&plan, values, true), RW_OK);
    assert_true(value_of(&plan, "sizing.rate_peak.1") == 15000);
    assert_true(value_of(&plan, "sizing.rate_peak.2") == 22500);
    assert_true(value_of(&plan, "sizing.rate_peak") == 33750);
    assert_true(value_of(&plan, "sizing.t1.app_nodes.1") <
                value_of(&plan, "sizing.t1.app_nodes.2"));
    assert_true(value_of(&plan, "sizing.t1.app_nodes.2") < value_of(&plan, "sizing.t1.app_nodes"));
    /* Nothing is older than the system: a year's data after a year, two after two. */
    assert_true(value_of(&plan, "sizing.days_cold.1") == 335);
    assert_true(value_of(&plan, "sizing.days_cold.2") == 700);
    assert_true(value_of(&plan, "sizing.days_cold") == 700);
    assert_true(rw_sizing_of_year(&plan, &plan.tiers[0], "nodes", 3) ==
                rw_sheet_find(&plan.sheet, "sizing.t1.nodes"));
    double years = value_of(&plan, "money.t1.cost_year.1") +
                   value_of(&plan, "money.t1.cost_year.2") +
                   value_of(&plan, "money.t1.cost_year.3");
    assert_true(value_of(&plan, "money.t1.cost_term") ==
                value_of(&plan, "money.t1.cost_setup") + years);
    assert_true(fabs(value_of(&plan, "money.t1.cost_year") - years / 3) <= 0.5);
    rw_plan_free(&plan);
}

/* However many tiers: no two buy the same, and a later one gives and costs more. */
static void test_tiers_truly_differ(void **state)
{
    (void)state;
    for (unsigned count = 2; count <= RW_TIERS_MAX; count++) {
        struct rw_plan plan;
        struct rw_input_value values[RW_INPUT_END] = {[RW_INPUT_PEAK_RATE] = stated(200000)};
        rw_plan_init(&plan);
        plan.terms.tier_count = count;
        for (unsigned i = 0; i < count; i++)
            plan.terms.tiers[i].budget = NAN;
        assert_int_equal(build(&plan, values, true), RW_OK);
        for (unsigned i = 1; i < count; i++) {
            const struct rw_tier *tier = &plan.tiers[i], *before = &plan.tiers[i - 1];
            assert_string_not_equal(tier->name, before->name);
            double more = rw_sheet_value(&plan.sheet, rw_plan_find(&plan, "sizing", tier, "nodes"));
            double fewer =
                rw_sheet_value(&plan.sheet, rw_plan_find(&plan, "sizing", before, "nodes"));
            /* Three zones need fewer machines for the loss of one than two do. */
            assert_true(more >= fewer || tier->profile->zones > before->profile->zones);
            assert_true(
                rw_sheet_value(&plan.sheet, rw_plan_find(&plan, "sizing", tier, "availability")) >
                rw_sheet_value(&plan.sheet, rw_plan_find(&plan, "sizing", before, "availability")));
        }
        assert_string_equal(plan.tiers[0].profile->name, "essential");
        rw_plan_free(&plan);
    }
}

/* Application, database and network, each at its percentile. */
static void test_the_latency_holds_database_and_network(void **state)
{
    (void)state;
    struct rw_plan plan;
    struct rw_input_value values[RW_INPUT_END] = {
        [RW_INPUT_PEAK_RATE] = stated(10000), [RW_INPUT_LATENCY] = stated(0.2),
        [RW_INPUT_DISTANCE] = stated(1000),   [RW_INPUT_ROUND_TRIPS] = stated(2),
        [RW_INPUT_FAN_OUT] = stated(1),
    };
    rw_plan_init(&plan);
    assert_int_equal(build(&plan, values, true), RW_OK);
    /* 2 x 1000 km there and back at 1.468 of light's time, and four hops of a millisecond. */
    double network = 2 * 2 * 1e6 * 1.468 / 299792458 + 4 * 0.001;
    assert_true(fabs(value_of(&plan, "sizing.network_time") - network) < 1e-9);
    assert_true(fabs(value_of(&plan, "sizing.latency_left") - (0.2 - network - 0.006)) < 1e-9);
    double tail = value_of(&plan, "sizing.t1.response_app_tail") +
                  value_of(&plan, "sizing.t1.response_database_tail") + network;
    assert_true(fabs(value_of(&plan, "sizing.t1.response_tail") - tail) < 1e-12);
    /* Three queries of 2 ms: 99 of 100 take less than 8.406 ms x 2 (gamma), a queue aside. */
    double database = value_of(&plan, "sizing.t1.response_database_tail");
    assert_true(database > 0.0166 && database < 0.0175);
    double alone = value_of(&plan, "sizing.t1.response_tail");
    rw_plan_free(&plan);

    values[RW_INPUT_FAN_OUT] = stated(20);
    rw_plan_init(&plan);
    assert_int_equal(build(&plan, values, true), RW_OK);
    assert_true(value_of(&plan, "sizing.t1.response_tail") > alone);
    rw_plan_free(&plan);

    /* Within reach, but not with the queries of twenty calls; out of reach, and not sized for. */
    values[RW_INPUT_LATENCY] = stated(0.065 + network);
    rw_plan_init(&plan);
    assert_int_equal(build(&plan, values, true), RW_OK);
    assert_non_null(finding(&plan, "tier_latency"));
    assert_null(finding(&plan, "latency_below_work"));
    double nodes = value_of(&plan, "sizing.t1.app_nodes");
    rw_plan_free(&plan);
    values[RW_INPUT_LATENCY] = stated(0.05 + network);
    rw_plan_init(&plan);
    assert_int_equal(build(&plan, values, true), RW_OK);
    assert_non_null(finding(&plan, "latency_below_work"));
    assert_null(finding(&plan, "tier_latency"));
    assert_true(value_of(&plan, "sizing.t1.app_nodes") < nodes);
    rw_plan_free(&plan);
}

/* Any input, present or not, anywhere in its range and beyond it. */
static void random_values(struct rw_random *random, struct rw_input_value *values)
{
    for (unsigned i = 0; i < RW_INPUT_END; i++) {
        const struct rw_input_entry *entry = rw_input_entry((enum rw_input)i);
        double factor = exp2((double)rw_random_below(random, 800) / 100 - 4);
        double base = isnan(entry->assumed) ? 1e6 : entry->assumed;
        double value = base * factor;
        if (entry->unit == RW_UNIT_SHARE)
            value = (double)rw_random_below(random, 1001) / 1000;
        if (entry->unit == RW_UNIT_MONEY || entry->unit == RW_UNIT_COUNT)
            value = rint(value);
        if (rw_random_below(random, 2))
            values[i] = stated(value);
    }
}

static void random_terms(struct rw_random *random, struct rw_terms *terms)
{
    terms->tier_count = rw_random_below(random, RW_TIERS_MAX + 1);
    for (unsigned i = 0; i < terms->tier_count; i++)
        terms->tiers[i].budget =
            rw_random_below(random, 2) ? NAN : (double)rw_random_below(random, 2000000000);
    terms->share_count = rw_random_below(random, 6);
    for (unsigned i = 0; i < terms->share_count; i++)
        terms->shares[i] = (struct rw_term_share){"share", 1 + rw_random_below(random, 99), {0, 0}};
    terms->saving_count = rw_random_below(random, 3);
    for (unsigned i = 0; i < terms->saving_count; i++)
        terms->savings[i] =
            (struct rw_term_saving){.cause = "cause",
                                    .per_year = (double)rw_random_below(random, 100000),
                                    .from_year = 1 + rw_random_below(random, 3)};
}

/* The sum of money.TIER.NAME.1, .2 ...; how many there are in *count. */
static double sum_of(const struct rw_plan *plan, const struct rw_tier *tier, const char *name,
                     unsigned most, unsigned *count)
{
    double sum = 0;
    for (*count = 0; *count < most; ++*count) {
        char id[64];
        snprintf(id, sizeof(id), "money.%s.%s.%u", tier->id, name, *count + 1);
        uint32_t cell = rw_sheet_find(&plan->sheet, id);
        if (cell == RW_CELL_NONE)
            break;
        sum += rw_sheet_value(&plan->sheet, cell);
    }
    return sum;
}

static void expect_sum(const struct rw_plan *plan, const struct rw_tier *tier, const char *name,
                       unsigned most, const char *total)
{
    unsigned count;
    double sum = sum_of(plan, tier, name, most, &count);
    double whole = rw_sheet_value(&plan->sheet, rw_plan_find(plan, "money", tier, total));
    if (count == 0)
        return;
    if (isnan(whole) || !isfinite(whole) || fabs(whole) > 0x1p51)
        assert_true(isnan(sum) || !isfinite(whole) || fabs(whole) > 0x1p51);
    else
        assert_true(sum == whole && whole == rint(whole));
}

static void test_every_table_adds_up_to_the_cent(void **state)
{
    (void)state;
    struct rw_random random;
    rw_random_seed(&random, 20261120);
    for (int round = 0; round < 400; round++) {
        struct rw_plan plan;
        struct rw_input_value values[RW_INPUT_END] = {0};
        rw_plan_init(&plan);
        random_values(&random, values);
        random_terms(&random, &plan.terms);
        assert_int_equal(build(&plan, values, round % 4), RW_OK);
        unsigned term = rw_plan_term(&plan);
        for (unsigned i = 0; i < plan.tier_count; i++) {
            expect_sum(&plan, &plan.tiers[i], "part", RW_SHARES_MAX, "contract");
            expect_sum(&plan, &plan.tiers[i], "fee", term, "contract");
            expect_sum(&plan, &plan.tiers[i], "cost_year", RW_PLAN_YEARS_MAX, "cost_operation");
            expect_sum(&plan, &plan.tiers[i], "payment", 4 * RW_PLAN_YEARS_MAX, "contract");
            expect_sum(&plan, &plan.tiers[i], "payment", 4, "fee.1");
            expect_sum(&plan, &plan.tiers[i], "at_stake", 4 * RW_PLAN_YEARS_MAX, "credit_most");
            expect_sum(&plan, &plan.tiers[i], "fee", rw_plan_horizon(&plan), "tco_subscription");
        }
        for (uint32_t i = 0; i < plan.sheet.count; i++) {
            const struct rw_cell *cell = &plan.sheet.cells[i];
            if (cell->unit == RW_UNIT_MONEY && isfinite(cell->value))
                assert_true(cell->value == rint(cell->value));
        }
        rw_plan_free(&plan);
    }
}

static void sample_values(struct rw_input_value *values)
{
    values[RW_INPUT_CONCURRENT_USERS] = stated(200000);
    values[RW_INPUT_LATENCY] = stated(0.5);
    values[RW_INPUT_DATA_PER_DAY] = stated(1e12);
    values[RW_INPUT_COST_NOW] = stated(150000000);
    values[RW_INPUT_DOWNTIME_NOW] = stated(300);
    values[RW_INPUT_LOSS_PER_MINUTE] = stated(300000);
}

/* Member by member: what lies between them is nobody's. */
static bool same_range(const struct rw_draws_range *a, const struct rw_draws_range *b)
{
    return a->cell == b->cell && a->low == b->low && a->median == b->median && a->high == b->high &&
           a->mean == b->mean && a->least == b->least && a->most == b->most &&
           a->within_plan == b->within_plan && a->class_from == b->class_from &&
           memcmp(a->classes, b->classes, sizeof(a->classes)) == 0;
}

static void test_draws_are_repeatable_and_leave_the_plan_alone(void **state)
{
    (void)state;
    struct rw_plan plan;
    struct rw_input_value values[RW_INPUT_END] = {0};
    struct rw_draws_range ranges[3], again[3];
    rw_plan_init(&plan);
    sample_values(values);
    assert_int_equal(build(&plan, values, true), RW_OK);
    uint32_t cells[] = {rw_sheet_find(&plan.sheet, "money.t1.npv"),
                        rw_sheet_find(&plan.sheet, "money.t3.cost_term"),
                        plan.inputs[RW_INPUT_LATENCY]};
    double npv = rw_sheet_value(&plan.sheet, cells[0]);
    assert_int_equal(rw_draws_run(&plan.sheet, 1, 5000, cells, 3, ranges), RW_OK);
    assert_int_equal(rw_draws_run(&plan.sheet, 1, 5000, cells, 3, again), RW_OK);
    for (int i = 0; i < 3; i++)
        assert_true(same_range(&ranges[i], &again[i]));
    assert_true(rw_sheet_value(&plan.sheet, cells[0]) == npv);
    assert_true(ranges[0].low < ranges[0].median && ranges[0].median < ranges[0].high);
    assert_true(ranges[2].low == 0.5 && ranges[2].high == 0.5);
    unsigned all = 0;
    for (unsigned i = 0; i < RW_DRAWS_CLASSES; i++)
        all += ranges[0].classes[i];
    assert_int_equal(all, 5000);
    assert_int_equal(rw_draws_run(&plan.sheet, 2, 5000, cells, 3, again), RW_OK);
    assert_false(same_range(&ranges[0], &again[0]));
    /* No draws: the plan itself. */
    assert_int_equal(rw_draws_run(&plan.sheet, 1, 0, cells, 3, again), RW_OK);
    assert_true(again[0].low == npv && again[0].high == npv);
    assert_true(ranges[0].within_plan > 0 && ranges[0].within_plan < 1);
    assert_int_equal(rw_draws_run(&plan.sheet, 1, RW_DRAWS_MAX + 1, cells, 3, again), RW_ELIMIT);
    rw_plan_free(&plan);
}

static void test_swings_come_widest_first_and_are_taken_back(void **state)
{
    (void)state;
    struct rw_plan plan;
    struct rw_input_value values[RW_INPUT_END] = {0};
    struct rw_swing swings[8];
    rw_plan_init(&plan);
    sample_values(values);
    assert_int_equal(build(&plan, values, true), RW_OK);
    uint32_t cell = rw_sheet_find(&plan.sheet, "money.t2.npv");
    double npv = rw_sheet_value(&plan.sheet, cell);
    unsigned count = rw_swings(&plan.sheet, cell, swings, 8);
    assert_int_equal(count, 8);
    for (unsigned i = 1; i < count; i++)
        assert_true(fabs(swings[i - 1].at_high - swings[i - 1].at_low) >=
                    fabs(swings[i].at_high - swings[i].at_low));
    assert_true(rw_sheet_value(&plan.sheet, cell) == npv);
    rw_plan_free(&plan);
}

/* Not asserted: the machine that runs the tests may be busy. */
static void test_how_long_100000_draws_take_is_told(void **state)
{
    (void)state;
    struct rw_plan plan;
    struct rw_input_value values[RW_INPUT_END] = {0};
    struct rw_draws_range ranges[6];
    uint32_t cells[6];
    static const char *const ids[] = {"money.t1.npv",       "money.t2.npv",
                                      "money.t3.npv",       "money.t1.cost_term",
                                      "money.t2.cost_term", "money.t3.cost_term"};
    uint64_t began = rw_clock_monotonic_ns();
    rw_plan_init(&plan);
    sample_values(values);
    assert_int_equal(build(&plan, values, true), RW_OK);
    uint64_t built = rw_clock_monotonic_ns();
    for (int i = 0; i < 6; i++)
        cells[i] = rw_sheet_find(&plan.sheet, ids[i]);
    assert_int_equal(rw_draws_run(&plan.sheet, 1, 100000, cells, 6, ranges), RW_OK);
    print_message("a plan of %u cells: %.1f ms; 100,000 draws of it: %.0f ms\n", plan.sheet.count,
                  (double)(built - began) / 1e6, (double)(rw_clock_monotonic_ns() - built) / 1e6);
    rw_plan_free(&plan);
}

static void expect_spread(enum rw_spread_shape shape, double mean, double tolerance, double p5,
                          double p95)
{
    static double column[200000];
    struct rw_spread spread = {shape, 1, 2, 4};
    struct rw_random random;
    double sum = 0;
    size_t below = 0, above = 0, count = sizeof(column) / sizeof(column[0]);
    rw_random_seed(&random, 3);
    rw_draws_sample(&spread, &random, column, count);
    for (size_t i = 0; i < count; i++) {
        sum += column[i];
        below += column[i] < p5;
        above += column[i] > p95;
    }
    assert_true(fabs(sum / (double)count - mean) < tolerance);
    assert_in_range(below, count / 20 - 600, count / 20 + 600);
    assert_in_range(above, count / 20 - 600, count / 20 + 600);
}

static void test_spreads_have_their_quantiles(void **state)
{
    (void)state;
    expect_spread(RW_SPREAD_UNIFORM, 2.5, 0.01, 1.15, 3.85);
    expect_spread(RW_SPREAD_TRIANGULAR, 7.0 / 3, 0.01, 1 + sqrt(0.05 * 3), 4 - sqrt(0.05 * 6));
    expect_spread(RW_SPREAD_LOGNORMAL, 2 * exp(0.5 * pow(log(2) / 1.6448536269514722, 2)), 0.02, 1,
                  4);
    expect_spread(RW_SPREAD_NORMAL, 2, 0.01, 0.5, 3.5);
}

static enum rw_err build_and_draw(void)
{
    struct rw_plan plan;
    struct rw_input_value values[RW_INPUT_END] = {0};
    struct rw_draws_range range;
    rw_plan_init(&plan);
    sample_values(values);
    plan.terms.tier_count = 1;
    plan.terms.tiers[0].budget = 12345;
    enum rw_err err = build(&plan, values, true);
    if (!err) {
        uint32_t cell = rw_sheet_find(&plan.sheet, "money.t1.npv");
        err = rw_draws_run(&plan.sheet, 1, 100, &cell, 1, &range);
    }
    rw_plan_free(&plan);
    return err;
}

static void test_every_failed_allocation_is_survived(void **state)
{
    (void)state;
    enum rw_err err = RW_ENOMEM;
    for (uint64_t n = 0; err; n++) {
        assert_in_range(n, 0, 4000);
        rw_alloc_fail_once(n);
        err = build_and_draw();
        rw_alloc_fail_never();
        assert_true(err == RW_OK || err == RW_ENOMEM);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_million_users_are_not_a_million_requests),
        cmocka_unit_test(test_what_no_machine_can_do_is_a_blocker),
        cmocka_unit_test(test_a_downtime_that_a_tier_breaks_is_a_blocker),
        cmocka_unit_test(test_without_a_bill_nothing_is_zero),
        cmocka_unit_test(test_the_benefits_of_an_avoided_minute),
        cmocka_unit_test(test_the_range_of_a_saving_is_drawn_from),
        cmocka_unit_test(test_every_year_has_its_own_sizes),
        cmocka_unit_test(test_the_latency_holds_database_and_network),
        cmocka_unit_test(test_tiers_truly_differ),
        cmocka_unit_test(test_every_table_adds_up_to_the_cent),
        cmocka_unit_test(test_draws_are_repeatable_and_leave_the_plan_alone),
        cmocka_unit_test(test_swings_come_widest_first_and_are_taken_back),
        cmocka_unit_test(test_how_long_100000_draws_take_is_told),
        cmocka_unit_test(test_spreads_have_their_quantiles),
        cmocka_unit_test(test_every_failed_allocation_is_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
