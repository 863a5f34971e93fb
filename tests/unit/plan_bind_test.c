/* From intakes to inputs and terms; and the interview. */
#include "base/alloc.h"
#include "plan/intake/bind.h"
#include "plan/intake/interview.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

struct bound {
    struct rw_intake intake;
    struct rw_conf_report report;
    struct rw_input_value values[RW_INPUT_END];
    struct rw_terms terms;
    enum rw_err err;
};

static void bind(const char *text, struct bound *bound)
{
    bound->report = (struct rw_conf_report){0};
    assert_int_equal(
        rw_intake_read_text(rw_span_text(text), "intake.yaml", &bound->intake, &bound->report),
        RW_OK);
    bound->err = rw_intake_bind(&bound->intake, NAN, bound->values, &bound->terms, &bound->report);
}

static const char whole[] = "intake: ringway/1\n"
                            "plan: {date: 2026-11-20, currency: USD, name: Claims}\n"
                            "load: {users: 500万+, transactions_per_day: 36万笔/月}\n"
                            "data: {per_day: 10TB, retention: 5年}\n"
                            "goal: {deadline: 6个月内, latency: P95<500ms,\n"
                            "       downtime: <60分钟/年}\n"
                            "money:\n"
                            "  budget: $120万/年\n"
                            "  initial_share: 60%\n"
                            "  loss_per_minute: $6000/h\n"
                            "  goal_saving: 30-40%\n"
                            "  tiers: [¥7000万, $20M]\n"
                            "  preference: 3年订阅制，按季度支付\n"
                            "rates: [{currency: CNY, rate: 0.14}]\n"
                            "shares: [{name: cloud, share: 80%}, {name: rest, share: 20%},\n"
                            "         {name: part, share: 5%, of: cloud}]\n"
                            "savings: [{cause: fewer machines, amount: $300万, years: 3年},\n"
                            "          {cause: hope, share: 30%}]\n";

static void test_inputs(void **state)
{
    (void)state;
    static const struct {
        enum rw_input input;
        double value;
    } expected[] = {
        {RW_INPUT_USERS, 5e6},
        {RW_INPUT_TRANSACTIONS_PER_DAY, 360000 / (365.25 / 12)},
        {RW_INPUT_DATA_PER_DAY, 1e13},
        {RW_INPUT_RETENTION, 5 * 365.25},
        {RW_INPUT_LATENCY, 0.5},
        {RW_INPUT_LATENCY_PERCENTILE, 0.95},
        {RW_INPUT_DOWNTIME_ALLOWED, 15},
        {RW_INPUT_BUDGET_PER_YEAR, 1.2e8},
        {RW_INPUT_BUDGET_INITIAL, 7.2e7},
        {RW_INPUT_LOSS_PER_MINUTE, 10000},
        {RW_INPUT_GOAL_SAVING, 0.35},
    };
    struct bound bound;
    bind(whole, &bound);
    assert_int_equal(bound.err, RW_OK);
    for (size_t i = 0; i < sizeof(expected) / sizeof(*expected); i++) {
        const struct rw_input_value *value = &bound.values[expected[i].input];
        print_message("%s %.17g\n", rw_input_entry(expected[i].input)->id, value->value);
        assert_true(value->present);
        assert_true(fabs(value->value - expected[i].value) <= 1e-12 * expected[i].value);
        assert_true(value->place.line > 1);
        assert_string_equal(value->file, "intake.yaml");
    }
    assert_false(bound.values[RW_INPUT_BUDGET_TOTAL].present);
    assert_int_equal(bound.values[RW_INPUT_GOAL_SAVING].spread.shape, RW_SPREAD_TRIANGULAR);
    assert_true(bound.values[RW_INPUT_GOAL_SAVING].spread.high == 0.4);
    const struct rw_terms *terms = &bound.terms;
    assert_string_equal(terms->currency, "USD");
    assert_string_equal(terms->project, "Claims");
    assert_null(terms->customer);
    assert_true(terms->deadline - terms->date == 182);
    assert_int_equal(terms->tier_count, 2);
    assert_true(terms->tiers[0].budget == 980000000 && terms->tiers[1].budget == 2e9);
    assert_int_equal(terms->share_count, 2);
    assert_int_equal(terms->saving_count, 1);
    assert_true(terms->savings[0].per_year == 1e8);
    assert_int_equal(terms->payment, RW_PAYMENT_QUARTERLY);
    assert_true(terms->subscription && !terms->one_off);
    rw_intake_free(&bound.intake);
}

static void test_currency_without_rate(void **state)
{
    (void)state;
    struct bound bound;
    bind("intake: ringway/1\nmoney: {budget: $100, cost_now: ¥5万/年}\n", &bound);
    assert_int_equal(bound.err, RW_EINVAL);
    struct rw_text told = {0};
    rw_conf_report_print(&bound.report, &told);
    assert_string_equal(told.at,
                        "intake.yaml:2:33: cost_now: an amount in CNY in a plan in USD, without a "
                        "rate: add \"rates: [{currency: CNY, rate: ...}]\"\n");
    rw_text_free(&told);
    rw_intake_free(&bound.intake);
    bind("intake: ringway/1\nmoney: {budget: ¥100万}\n", &bound);
    assert_int_equal(bound.err, RW_OK);
    assert_string_equal(bound.terms.currency, "CNY");
    assert_true(isnan(bound.terms.deadline) && isnan(bound.terms.date));
    rw_intake_free(&bound.intake);
}

/* The customer's roadmap: as it stands, by what each waits for; a phase that is not there is told.
 */
static void test_phases(void **state)
{
    (void)state;
    struct bound bound;
    bind("intake: ringway/1\nphases:\n"
         "  - {name: a, duration: 1-2个月, share: 10%}\n  - {name: b}\n",
         &bound);
    assert_int_equal(bound.err, RW_OK);
    assert_int_equal(bound.terms.phase_count, 2);
    assert_int_equal(bound.terms.phases[0].after, 0);
    assert_int_equal(bound.terms.phases[1].after, 0);
    assert_true(bound.terms.phases[0].low < 31 && bound.terms.phases[0].high > 60);
    assert_true(bound.terms.phases[0].share == 0.1 && isnan(bound.terms.phases[1].share));
    assert_true(isnan(bound.terms.phases[1].low));
    rw_intake_free(&bound.intake);
    bind("intake: ringway/1\nphases:\n  - {name: a}\n  - {name: b, after: a}\n  - {name: c}\n",
         &bound);
    assert_int_equal(bound.terms.phases[1].after, 0);
    assert_int_equal(bound.terms.phases[2].after, 2);
    rw_intake_free(&bound.intake);
    bind("intake: ringway/1\nphases:\n  - {name: tests}\n  - {name: live, after: test}\n"
         "  - {duration: 3天}\n  - {name: Tests}\n",
         &bound);
    assert_int_equal(bound.err, RW_EINVAL);
    assert_int_equal(bound.report.count, 3);
    assert_int_equal(bound.report.mistakes[0].place.line, 4);
    assert_int_equal(bound.report.mistakes[0].place.column, 25);
    assert_non_null(strstr(bound.report.mistakes[0].message.at, "did you mean \"tests\""));
    rw_intake_free(&bound.intake);
}

static void test_initial_share_of_the_questionnaire(void **state)
{
    (void)state;
    struct bound bound;
    bind("[预算限制]：\n- 总预算：__($150万/年)__，分配比例：\n"
         "  - 初期建设__(70%)__ vs 持续运维__(30%)__\n- 付费偏好：\n",
         &bound);
    assert_int_equal(bound.err, RW_OK);
    assert_int_equal(bound.terms.share_count, 2);
    assert_string_equal(bound.terms.shares[1].name, "持续运维");
    assert_true(bound.terms.shares[1].weight == 0.3);
    assert_true(bound.values[RW_INPUT_BUDGET_PER_YEAR].value == 1.5e8);
    assert_true(bound.values[RW_INPUT_BUDGET_INITIAL].value == 1.05e8);
    rw_intake_free(&bound.intake);
}

static void test_interview(void **state)
{
    (void)state;
    static char answers[] = "理赔平台\n\n2026-11-20\n.\n" /* plan */
                            "保险\n.\n"                   /* profile */
                            "500TB\n?\n500万+\n未知\n.\n" /* load */
                            "10TB/天\n.\n"                /* data */
                            ".\n.\n"                      /* pains, infrastructure */
                            "总部\n\n上海\n\n\n\n"        /* a site */
                            "备用\n.\n"                   /* another, cut short */
                            "..\n";
    char *shown = NULL;
    size_t shown_len = 0;
    FILE *in = fmemopen(answers, sizeof(answers) - 1, "r"),
         *out = open_memstream(&shown, &shown_len);
    struct rw_intake intake, again;
    assert_int_equal(rw_intake_interview(in, out, RW_LANGUAGE_ZH, false, &intake), RW_OK);
    fclose(in);
    fclose(out);
    print_message("%s\n", shown);
    assert_non_null(strstr(shown, "有误：\"500TB\"：计量对象不符；应填数量"));
    assert_non_null(strstr(shown, "例如：500万+"));
    free(shown); /* libc: of open_memstream */
    assert_true(rw_intake_number(rw_intake_get(&intake, "load.users")) == 5e6);
    assert_true(rw_intake_number(rw_intake_get(&intake, "data.per_day")) == 1e13);
    assert_true(rw_span_is(rw_intake_text(&intake, "plan.name"), "理赔平台"));
    size_t count;
    const struct rw_intake_row *sites = rw_intake_rows(&intake, "sites", &count);
    assert_int_equal(count, 2);
    assert_true(rw_span_is(rw_intake_in(&sites[0], "region")->text, "上海"));
    assert_true(rw_span_is(rw_intake_in(&sites[1], "name")->text, "备用"));
    struct rw_text yaml = {0};
    struct rw_conf_report report = {0};
    rw_intake_write_yaml(&intake, RW_LANGUAGE_ZH, &yaml);
    assert_int_equal(rw_intake_read_text(rw_text_span(&yaml), "again", &again, &report), RW_OK);
    rw_text_free(&yaml);
    rw_intake_free(&again);
    rw_intake_free(&intake);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_inputs),
        cmocka_unit_test(test_currency_without_rate),
        cmocka_unit_test(test_initial_share_of_the_questionnaire),
        cmocka_unit_test(test_phases),
        cmocka_unit_test(test_interview),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
