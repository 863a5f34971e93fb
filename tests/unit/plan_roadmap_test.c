/* The roadmap: order, critical path, parts of the budget, the customer's date; allocation failures.
 */
#include "base/alloc.h"
#include "plan/roadmap/roadmap.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void begin(struct rw_plan *plan, unsigned sites, unsigned frameworks, double stored)
{
    static struct rw_input_value values[RW_INPUT_END];
    values[RW_INPUT_DATA_STORED] = (struct rw_input_value){.present = stored > 0, .value = stored};
    rw_plan_init(plan);
    plan->terms.date = 20777; /* 2026-11-20 */
    plan->terms.site_count = sites;
    plan->terms.framework_count = frameworks;
    plan->tier_count = rw_tiers_make(&plan->terms, plan->tiers);
    rw_inputs_add(&plan->sheet, values, plan->inputs);
}

static const struct rw_roadmap_phase *phase_of(const struct rw_plan *plan, const char *id)
{
    for (unsigned i = 0; i < plan->roadmap->phase_count; i++)
        if (strcmp(plan->roadmap->phases[i].entry->id, id) == 0)
            return &plan->roadmap->phases[i];
    return NULL;
}

static void expect_sound(const struct rw_plan *plan)
{
    const struct rw_roadmap *roadmap = plan->roadmap;
    double critical = 0, share = 0;
    for (unsigned i = 0; i < roadmap->phase_count; i++) {
        const struct rw_roadmap_phase *phase = &roadmap->phases[i];
        for (unsigned j = 0; j < phase->need_count; j++) {
            assert_true(phase->needs[j] < i);
            assert_true(roadmap->phases[phase->needs[j]].last_day <= phase->first_day);
        }
        if (phase->critical)
            critical += phase->last_day - phase->first_day;
        share += rw_sheet_value(&plan->sheet, phase->share);
    }
    /* What is critical fills the whole time. */
    assert_true(fabs(critical - roadmap->days) < 1e-6);
    assert_true(fabs(share - 1) < 1e-12);
    assert_true(roadmap->days_least < roadmap->days && roadmap->days < roadmap->days_most);
    assert_true(rw_sheet_value_of(&plan->sheet, "roadmap.days") == roadmap->days);
}

static void test_phases(void **state)
{
    (void)state;
    struct rw_plan plan;
    begin(&plan, 1, 0, 0);
    assert_int_equal(rw_roadmap_chapter(&plan), RW_OK);
    expect_sound(&plan);
    assert_int_equal(plan.roadmap->phase_count, 9);
    assert_null(phase_of(&plan, "links"));
    /* assess, design, foundation, gateway, applications, verify, cutover, handover. */
    assert_true(plan.roadmap->days == 25 + 30 + 25 + 20 + 75 + 20 + 30 + 10);
    assert_false(phase_of(&plan, "migrate_data")->critical);
    rw_plan_free(&plan);

    begin(&plan, 2, 1, 0);
    assert_int_equal(rw_roadmap_chapter(&plan), RW_OK);
    expect_sound(&plan);
    assert_int_equal(plan.roadmap->phase_count, 11);
    /* The carrier takes longer than foundation and gateway. */
    assert_true(phase_of(&plan, "links")->critical);
    assert_false(phase_of(&plan, "gateway")->critical);
    assert_int_equal(phase_of(&plan, "cutover")->need_count, 2);
    rw_plan_free(&plan);
}

/* 80 TB through half of 1 Gbit/s is 14.8 days; 800 TB makes the data critical. */
static void test_transfer(void **state)
{
    (void)state;
    struct rw_plan plan;
    begin(&plan, 1, 0, 80e12);
    assert_int_equal(rw_roadmap_chapter(&plan), RW_OK);
    expect_sound(&plan);
    double days = rw_sheet_value_of(&plan.sheet, "roadmap.transfer.days");
    assert_true(fabs(days - 80e12 * 8 / 0.5e9 / 86400) < 1e-9);
    assert_false(phase_of(&plan, "migrate_data")->critical);
    rw_plan_free(&plan);
    begin(&plan, 1, 0, 800e12);
    assert_int_equal(rw_roadmap_chapter(&plan), RW_OK);
    expect_sound(&plan);
    assert_true(phase_of(&plan, "migrate_data")->critical);
    rw_plan_free(&plan);
}

static const char *deadline_rule(double days)
{
    struct rw_plan plan;
    begin(&plan, 1, 0, 0);
    plan.terms.deadline = plan.terms.date + days;
    assert_int_equal(rw_roadmap_chapter(&plan), RW_OK);
    const char *rule = plan.findings.count ? plan.findings.at[0].rule : "";
    if (plan.findings.count) {
        const struct rw_finding *finding = &plan.findings.at[0];
        assert_true(finding->numbers[0].value == plan.terms.deadline);
        assert_true(finding->numbers[1].value == rw_sheet_value(&plan.sheet, finding->cells[1]) ||
                    finding->numbers[1].value == plan.roadmap->finish);
        assert_true(plan.roadmap->impossible == (finding->severity == RW_SEVERITY_BLOCKER));
    }
    rw_plan_free(&plan);
    return rule;
}

static void test_deadline(void **state)
{
    (void)state;
    assert_string_equal(deadline_rule(-30), "roadmap_impossible");
    assert_string_equal(deadline_rule(100), "roadmap_impossible");
    assert_string_equal(deadline_rule(200), "roadmap_tight");
    assert_string_equal(deadline_rule(235), "");
    assert_string_equal(deadline_rule(NAN), "");
}

static const struct rw_finding *finding_of(const struct rw_plan *plan, const char *rule)
{
    for (unsigned i = 0; i < plan->findings.count; i++)
        if (strcmp(plan->findings.at[i].rule, rule) == 0)
            return &plan->findings.at[i];
    return NULL;
}

static void add_own(struct rw_plan *plan, const char *name, double low, double high, double share)
{
    struct rw_terms *terms = &plan->terms;
    unsigned at = terms->phase_count++;
    terms->phases[at] = (struct rw_term_phase){
        .name = name, .low = low, .high = high, .share = share, .after = at ? at - 1 : at};
}

static const char *phase_of_work(const struct rw_plan *plan, const char *id)
{
    for (unsigned i = 0; i < plan->roadmap->work_count; i++)
        if (strcmp(plan->roadmap->works[i].entry->id, id) == 0)
            return plan->roadmap->phases[plan->roadmap->works[i].phase].own->name;
    return NULL;
}

/* The customer's durations and shares count; works lie where names and time say. */
static void test_own_phases(void **state)
{
    (void)state;
    struct rw_plan plan;
    begin(&plan, 1, 1, 0);
    add_own(&plan, "Assessment", 30, 60, 0.1);
    add_own(&plan, "Design", 60, 120, NAN);
    add_own(&plan, "Migration", 90, 150, 0.5);
    add_own(&plan, "Tests", 20, 40, NAN);
    add_own(&plan, "Go-live", 10, 14, 0.2);
    assert_int_equal(rw_roadmap_chapter(&plan), RW_OK);
    assert_true(plan.roadmap->own);
    assert_true(plan.roadmap->days == 45 + 90 + 120 + 30 + 12);
    assert_true(plan.roadmap->days_least == 30 + 60 + 90 + 20 + 10);
    assert_true(rw_sheet_value_of(&plan.sheet, "roadmap.p1.share") == 0.1);
    assert_true(fabs(rw_sheet_value_of(&plan.sheet, "roadmap.p4.share") - 0.1) < 1e-12);
    assert_string_equal(phase_of_work(&plan, "assess"), "Assessment");
    assert_string_equal(phase_of_work(&plan, "migrate_data"), "Migration");
    assert_string_equal(phase_of_work(&plan, "cutover"), "Go-live");
    assert_string_equal(phase_of_work(&plan, "handover"), "Go-live");
    /* Switch and handover take 20 days at least. */
    const struct rw_finding *finding = finding_of(&plan, "phase_too_short");
    assert_non_null(finding);
    assert_true(finding->numbers[0].value == 14 && finding->numbers[1].value == 20);
    assert_string_equal(finding->subject, "Go-live");
    finding = finding_of(&plan, "phase_unnamed");
    assert_non_null(finding);
    assert_non_null(strstr(finding->named.en, "Compliance"));
    assert_null(strstr(finding->named.en, "Design"));
    assert_null(finding_of(&plan, "phase_order"));
    rw_plan_free(&plan);
}

/* What is needed first stands last. */
static void test_own_order(void **state)
{
    (void)state;
    struct rw_plan plan;
    begin(&plan, 1, 0, 0);
    add_own(&plan, "上线", 100, 200, NAN);
    add_own(&plan, "测试", 100, 200, NAN);
    add_own(&plan, "其他", NAN, NAN, NAN);
    assert_int_equal(rw_roadmap_chapter(&plan), RW_OK);
    const struct rw_finding *finding = finding_of(&plan, "phase_order");
    assert_non_null(finding);
    assert_non_null(strstr(finding->named.zh, "切换与并行（“上线”）依赖验证（“测试”）"));
    assert_true(plan.roadmap->days == 150 + 150 + 30);
    assert_true(fabs(rw_sheet_value_of(&plan.sheet, "roadmap.p3.share") - 1.0 / 3) < 1e-12);
    rw_plan_free(&plan);
}

static void test_no_date(void **state)
{
    (void)state;
    struct rw_plan plan;
    begin(&plan, 1, 0, 0);
    plan.terms.date = NAN;
    plan.terms.deadline = 20800;
    assert_int_equal(rw_roadmap_chapter(&plan), RW_OK);
    assert_true(isnan(plan.roadmap->finish) && plan.findings.count == 0);
    assert_int_equal(rw_sheet_find(&plan.sheet, "roadmap.finish"), RW_CELL_NONE);
    rw_plan_free(&plan);
}

static void test_budget(void **state)
{
    (void)state;
    struct rw_plan plan;
    begin(&plan, 2, 2, 0);
    plan.tiers[0].budget = 100000001; /* 1,000,000.01 */
    assert_int_equal(rw_roadmap_chapter(&plan), RW_OK);
    double sum = 0;
    for (unsigned i = 0; i < plan.roadmap->phase_count; i++) {
        const char *id =
            rw_sheet_text(&plan.sheet, "roadmap.t1.%s.budget", plan.roadmap->phases[i].entry->id);
        double part = rw_sheet_value_of(&plan.sheet, id);
        assert_true(part > 0 && part == rint(part));
        sum += part;
    }
    assert_true(sum == 100000001);
    assert_int_equal(rw_sheet_find(&plan.sheet, "roadmap.t2.budget"), RW_CELL_NONE);
    rw_plan_free(&plan);
}

static void test_allocation_failures(void **state)
{
    (void)state;
    for (uint64_t n = 0;; n++) {
        struct rw_plan plan;
        begin(&plan, 2, 1, 80e12);
        plan.tiers[0].budget = 100000000;
        plan.terms.deadline = plan.terms.date;
        rw_alloc_fail_after(n);
        enum rw_err err = rw_roadmap_chapter(&plan);
        rw_alloc_fail_never();
        rw_plan_free(&plan);
        if (err == RW_OK)
            return;
        assert_int_equal(err, RW_ENOMEM);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_phases),    cmocka_unit_test(test_transfer),
        cmocka_unit_test(test_deadline),  cmocka_unit_test(test_own_phases),
        cmocka_unit_test(test_own_order), cmocka_unit_test(test_no_date),
        cmocka_unit_test(test_budget),    cmocka_unit_test(test_allocation_failures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
