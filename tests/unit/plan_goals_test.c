/* Goals: each is judged by a figure of the plan, or says why it cannot be. */
#include "plan/goals/goals.h"
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
static struct rw_goals goals;

static void plan_of(const char *sections)
{
    char path[] = "/tmp/rw_plan_goals_XXXXXX";
    int file = mkstemp(path);
    assert_true(file >= 0);
    FILE *to = fdopen(file, "w");
    fprintf(to, "intake: ringway/1\nplan: {date: 2026-11-20, currency: USD}\n%s", sections);
    fclose(to);
    struct rw_conf_report report = {0};
    struct rw_plan_options options = {.intake = path, .date = NAN, .draws = 0};
    enum rw_err err = rw_plan_make(&made, &options, &report);
    for (unsigned i = 0; i < report.count; i++)
        print_message("%.*s\n", RW_SPAN_ARGS(report.mistakes[i].message));
    assert_int_equal(err, RW_OK);
    unlink(path);
    rw_goals_gather(&made.plan, &made.intake, &goals);
}

/* The only goal of `kind`. */
static const struct rw_goal *only(enum rw_goal_kind kind)
{
    const struct rw_goal *found = NULL;
    for (unsigned i = 0; i < goals.count; i++) {
        if (goals.at[i].kind != kind)
            continue;
        assert_null(found);
        found = &goals.at[i];
    }
    assert_non_null(found);
    return found;
}

static const char load[] = "load: {peak_rate: 1000}\n";

static void test_listed(void **state)
{
    (void)state;
    static const struct {
        const char *target;
        bool judged, kept; /* by the last tier */
        const char *told;
    } cases[] = {
        {"{name: 缓存命中率, value: '>95%'}", true, false, "cache"},
        {"{name: cache hit rate, value: '>20%'}", true, true, "cache"},
        {"{name: 资源利用率, value: '>99%'}", true, false, "loss of a zone"},
        {"{name: 扩缩容响应时间, value: <30秒}", true, false, "scale out"},
        {"{name: 可用性, value: '>99%'}", true, true, "answered requests"},
        {"{name: 可用性, scope: 单个服务, value: '>99%'}", false, false, "this part"},
        {"{name: API调用量, value: '>1亿次/月'}", true, true, "requests a month"},
        {"{name: API calls, value: 10 billion/month}", true, false, "requests a month"},
        {"{name: 运营成本降低, value: 30-40%}", false, false, "today's system"},
        {"{name: 年增长率, value: 15%}", true, true, "growth"},
        {"{name: 部署频率, value: 每日10+次}", false, false, "pipeline"},
        {"{name: GPU利用率, value: '>85%'}", false, false, "graphics processor"},
        {"{name: 怪指标, value: 5%}", false, false, "no figure of the plan"},
        {"{name: 用户高兴}", false, false, "words without a number"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        char sections[512];
        print_message("%s\n", cases[i].target);
        snprintf(sections, sizeof(sections), "%stargets: [%s]\n", load, cases[i].target);
        plan_of(sections);
        const struct rw_goal *goal = only(RW_GOAL_LISTED);
        assert_int_equal(goal->judged, cases[i].judged);
        assert_non_null(strstr(goal->told.en, cases[i].told));
        assert_int_equal(strncmp(goal->told.en, "cannot be judged: ", 18) == 0, !goal->judged);
        unsigned last = made.plan.tier_count - 1;
        if (goal->judged)
            assert_int_equal(rw_goal_kept(&made.plan, goal, last), cases[i].kept);
        rw_plan_made_free(&made);
    }
}

/* With the cost of today a saving is a figure that opens. */
static void test_saving(void **state)
{
    (void)state;
    plan_of("load: {peak_rate: 100}\nmoney: {cost_now: $1M/year, goal_saving: 30-40%}\n");
    const struct rw_goal *goal = NULL;
    for (unsigned i = 0; i < goals.count; i++)
        if (strcmp(goals.at[i].name.zh, "成本节省目标") == 0)
            goal = &goals.at[i];
    if (!goal) {
        fail_msg("no goal of savings");
        return;
    }
    assert_true(goal->judged && fabs(goal->wanted - 0.35) < 1e-12);
    double year = rw_sheet_value_of(&made.plan.sheet, "money.t1.cost_year");
    assert_true(fabs(rw_sheet_value(&made.plan.sheet, goal->cells[0]) - (1 - year / 1e8)) < 1e-12);
    rw_plan_made_free(&made);
}

/* Clause by clause; a version is no number. */
static void test_words(void **state)
{
    (void)state;
    plan_of(
        "load: {peak_rate: 1000}\n"
        "goal: {acceptance_technical: 'API P99延迟<500ms/多云控制台统一度100%', security: 通过ISO27001:2022认证,"
        " target: 支持1万并发请求}\n");
    unsigned judged = 0, count = 0;
    for (unsigned i = 0; i < goals.count; i++) {
        assert_int_equal(goals.at[i].kind, RW_GOAL_WORDS);
        judged += goals.at[i].judged;
        count++;
        if (strcmp(goals.at[i].name.zh, "安全") == 0)
            assert_non_null(strstr(goals.at[i].told.en, "assessor"));
    }
    assert_int_equal(count, 4);
    assert_int_equal(judged, 2);
    rw_plan_made_free(&made);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_listed),
        cmocka_unit_test(test_saving),
        cmocka_unit_test(test_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
