/* What a load may mean, and the highest that a budget pays: against whole plans computed anew. */
#include "plan/make.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static struct rw_plan_made made;

static void plan_with(const char *sections, const char *setting)
{
    char path[] = "/tmp/rw_plan_readings_XXXXXX";
    int file = mkstemp(path);
    assert_true(file >= 0);
    FILE *to = fdopen(file, "w");
    fprintf(to, "intake: ringway/1\nplan: {date: 2026-11-20, currency: USD}\n%s", sections);
    fclose(to);
    struct rw_conf_report report = {0};
    struct rw_plan_options options = {
        .intake = path, .date = NAN, .settings = &setting, .setting_count = setting ? 1 : 0};
    assert_int_equal(rw_plan_make(&made, &options, &report), RW_OK);
    unlink(path);
}

static double cost_of(unsigned tier, const char *name)
{
    return rw_sheet_value(&made.plan.sheet,
                          rw_plan_find(&made.plan, "money", &made.plan.tiers[tier], name));
}

static unsigned findings_of(const char *rule)
{
    unsigned count = 0;
    for (unsigned i = 0; i < made.plan.findings.count; i++)
        count += strcmp(made.plan.findings.at[i].rule, rule) == 0;
    return count;
}

/* Half a million a second, or 31,250: the one is beyond every budget, the other within all. */
static const char million[] = "load: {users: 5 million, concurrent_requests: 1 million}\n"
                              "goal: {latency: P99<2s}\n"
                              "money: {tiers: [$10M, $20M, $40M], term: 3 years}\n";

static void test_two_readings(void **state)
{
    (void)state;
    plan_with(million, NULL);
    const struct rw_readings *readings = &made.plan.readings;
    assert_int_equal(readings->count, 2);
    assert_true(readings->at[0].rate == 500000 && readings->at[0].planned);
    assert_true(readings->at[1].rate == 31250 && !readings->at[1].planned);
    double planned[3], otherwise[3];
    for (unsigned i = 0; i < 3; i++) {
        planned[i] = readings->at[0].cost[i];
        otherwise[i] = readings->at[1].cost[i];
        assert_true(planned[i] == cost_of(i, "cost_term"));
        assert_true(readings->at[0].reserve[i] < 0 && readings->at[1].reserve[i] > 0);
        assert_true(otherwise[i] < planned[i]);
    }
    assert_int_equal(findings_of("reading_decides"), 3);
    rw_plan_made_free(&made);

    /* The same as a plan of that rate, to the cent. */
    plan_with(million, "sizing.rate_today=31250");
    for (unsigned i = 0; i < 3; i++)
        assert_true(otherwise[i] == cost_of(i, "cost_term"));
    rw_plan_made_free(&made);
}

static void test_most(void **state)
{
    (void)state;
    plan_with(million, NULL);
    double most = made.plan.readings.most[1];
    assert_true(most > 31250 && most < 500000);
    rw_plan_made_free(&made);

    char setting[64];
    snprintf(setting, sizeof(setting), "sizing.rate_today=%.3f", most);
    plan_with(million, setting);
    assert_true(cost_of(1, "reserve") >= 0);
    rw_plan_made_free(&made);
    snprintf(setting, sizeof(setting), "sizing.rate_today=%.3f", 1.03 * most);
    plan_with(million, setting);
    assert_true(cost_of(1, "reserve") < 0);
    rw_plan_made_free(&made);

    /* A budget for more than is asked for; one that not even the data leaves room in. */
    plan_with("load: {peak_rate: 100}\nmoney: {budget: $50M, term: 3 years}\n", NULL);
    assert_true(made.plan.readings.most[0] > 10000);
    rw_plan_made_free(&made);
    plan_with("load: {peak_rate: 100}\ndata: {per_day: 10TB}\n"
              "money: {budget: $1000, term: 3 years}\n",
              NULL);
    assert_true(made.plan.readings.most[0] == 0);
    rw_plan_made_free(&made);
}

/* One reading and no budget: nothing to settle, nothing is told. */
static void test_nothing_to_settle(void **state)
{
    (void)state;
    plan_with("load: {peak_rate: 5000}\n", NULL);
    assert_int_equal(made.plan.readings.count, 1);
    assert_true(made.plan.readings.at[0].planned);
    assert_true(isnan(made.plan.readings.most[0]));
    assert_int_equal(findings_of("reading_decides"), 0);
    rw_plan_made_free(&made);

    /* A price is missing: no cost, no verdict. */
    plan_with("load: {concurrent_requests: 1 million}\ngoal: {latency: 2s}\n"
              "money: {budget: $1M, term: 3 years}\n"
              "sites: [{name: a, provider: azure, region: eastus}]\n",
              NULL);
    assert_true(isnan(made.plan.readings.at[0].cost[0]));
    assert_int_equal(findings_of("reading_decides"), 0);
    rw_plan_made_free(&made);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_two_readings),
        cmocka_unit_test(test_most),
        cmocka_unit_test(test_nothing_to_settle),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
