/* Lint: each rule finds what it is for, and is silent where all is well; the three customers. */
#include "base/alloc.h"
#include "conf/file.h"
#include "plan/intake/bind.h"
#include "plan/lint/facts.h"
#include "plan/lint/lint.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static const double today = 20777; /* 2026-11-20 */

struct linted {
    struct rw_intake intake;
    struct rw_arena arena;
    struct rw_findings findings;
    enum rw_err err;
};

static void finish(struct linted *linted, double date)
{
    rw_arena_init(&linted->arena, NULL, 0, 16 << 10, 16 << 20);
    rw_findings_init(&linted->findings, &linted->arena);
    linted->err = rw_lint_intake(&linted->intake, date, &linted->findings);
}

static void lint_text(const char *sections, struct linted *linted)
{
    struct rw_text text = {0}, told = {0};
    struct rw_conf_report report = {0};
    rw_text_addf(&text, "intake: ringway/1\n%s", sections);
    enum rw_err err = rw_intake_read_text(rw_text_span(&text), "x", &linted->intake, &report);
    rw_conf_report_print(&report, &told);
    if (told.len)
        print_message("%s", told.at);
    rw_text_free(&told);
    rw_text_free(&text);
    assert_int_equal(err, RW_OK);
    finish(linted, today);
    assert_int_equal(linted->err, RW_OK);
}

static void linted_free(struct linted *linted)
{
    rw_findings_free(&linted->findings);
    rw_arena_free(&linted->arena);
    rw_intake_free(&linted->intake);
}

static const struct rw_finding *find(const struct linted *linted, const char *rule)
{
    for (unsigned i = 0; i < linted->findings.count; i++)
        if (strcmp(linted->findings.at[i].rule, rule) == 0)
            return &linted->findings.at[i];
    return NULL;
}

/* The same sections, once wrong and once right. `claimed` and `possible` are those of the first
 * finding; NaN: not looked at. */
static const struct example {
    const char *rule, *wrong, *right;
    double claimed, possible;
} examples[] = {
    {"deadline_passed", "goal: {deadline: 2025年Q2前}\n", "goal: {deadline: 2027年Q2前}\n", 20269,
     20777},
    {"phases_too_long",
     "goal: {deadline: 6个月内}\nphases: [{name: a, duration: 4-5个月}, {name: b, duration: 3个月}]\n",
     "goal: {deadline: 6个月内}\nphases: [{name: a, duration: 2个月}, {name: b, duration: 3个月, after: a}, {name: c, duration: 4个月, after: zero}]\n",
     NAN, 7},
    {"phases_total", "phases: [{name: a, duration: 8-12个月, total: 9-12个月}]\n",
     "phases: [{name: a, duration: 9-12个月, total: 9-12个月}]\n", 9, 8},
    {"phases_shares", "phases: [{name: a, share: 50%}, {name: b, share: 40%}]\n",
     "phases: [{name: a, share: 50%}, {name: b, share: 50%}]\n", 0.9, 1},
    {"window_after_phase",
     "shares: [{name: mesh, window: 18-30 months}]\n"
     "phases: [{name: a, window: 18-24 months, includes: [mesh, other]}]\n",
     "shares: [{name: mesh, window: 18-24 months}]\n"
     "phases: [{name: a, window: 18-24 months, includes: [mesh]}, {name: b, includes: [mesh]}]\n",
     30, 24},
    {"window_against_duration", "phases: [{name: a, window: 6-9 months, duration: 4-5 months}]\n",
     "phases: [{name: a, window: 6-9 months, duration: 3-5 months}]\n", 4, 3},
    {"absolute_availability", "goal: {downtime: zero downtime}\n",
     "goal: {downtime: 5min/quarter}\n", 0, NAN},
    {"absolute_target", "targets: [{name: 数据安全性, value: 100%}]\n",
     "targets: [{name: 监控覆盖, value: 100%}, {name: 数据安全性, value: 99%}]\n", 1, NAN},
    {"absolute_words", "goal: {acceptance_technical: never fails}\n",
     "goal: {acceptance_technical: fails once a year}\npains: {problem: 零容忍}\n", NAN, NAN},
    {"sla_against_continuity", "goal: {availability: 99.95%, downtime: <15分钟/季度}\n",
     "goal: {availability: 99.99%, downtime: <15分钟/季度}\n", 0.9995, 1 - 15.0 / 131400},
    {"recovery_against_budget", "goal: {recovery_time: 1h, downtime: <15分钟/季度}\n",
     "goal: {recovery_time: 10min, downtime: <15分钟/季度}\n", 3600, 15},
    {"recovery_of_target",
     "targets: [{name: 可用性, scope: db, value: 99.999%}, {name: 恢复时间, scope: db, value: 15分钟}]\n",
     "targets: [{name: 可用性, scope: db, value: 99.9%}, {name: 恢复时间, scope: db, value: 15分钟}]\n",
     900, 1.314},
    {"series_against_whole",
     "goal: {availability: 99.99%}\ntargets: [{name: 可用性, scope: service, count: 2, value: 99.9%}]\n",
     "goal: {availability: 99.9%}\ntargets: [{name: 可用性, scope: service, count: 2, value: 99.99%}]\n",
     0.9999, 0.998001},
    {"latency_floor", "links: [{from: eastus, to: Singapore, latency: 100ms}]\n",
     "links: [{from: eastus, to: Singapore, latency: 200ms}]\n", 0.1, 0.15376},
    {"latency_floor_sites",
     "sites: [{name: a, region: 北京}, {name: b, region: 华沙}]\ngoal: {latency: 50ms, target: 跨云同步}\n",
     "sites: [{name: a, region: 北京}, {name: b, region: 上海}]\ngoal: {latency: 50ms, target: 跨云同步}\n",
     0.05, 0.06799},
    {"latency_floor_global",
     "sites: [{name: a, region: 北京}]\ngoal: {latency: 150ms, scope: global}\n",
     "sites: [{name: a, region: 北京}]\ngoal: {latency: 150ms, scope: China}\n", 0.15, NAN},
    {"latency_first_request",
     "sites: [{name: a, region: 北京}, {name: b, region: 华沙}]\ngoal: {latency: 150ms, scope: global}\n",
     "sites: [{name: a, region: 北京}, {name: b, region: 华沙}]\ngoal: {latency: 400ms, scope: global}\n",
     0.15, NAN},
    {"inner_latency",
     "goal: {latency: 50ms}\ntargets: [{name: 延迟, scope: calls, value: 100ms}]\n",
     "goal: {latency: 150ms}\ntargets: [{name: 延迟, scope: calls, value: 100ms}]\n", 0.05, 0.1},
    {"utilization_tail", "goal: {latency: P99<50ms, utilization: 85%+}\n",
     "goal: {latency: P99<50ms, utilization: 70%+}\n", 0.85, 0.05 * 0.15 / 4.605170186},
    {"concurrency_against_rate",
     "load: {concurrent_users: 1000万, think_time: 30s, peak_rate: 1000}\ngoal: {latency: 50ms}\n",
     "load: {concurrent_users: 30000, think_time: 30s, peak_rate: 1000}\ngoal: {latency: 50ms}\n",
     1e7 / 30.05, 1000},
    {"concurrency_against_users", "load: {users: 500万+, concurrent_requests: 100万}\n",
     "load: {users: 500万+, concurrent_requests: 10万}\n", 1e6, 5e6},
    {"think_time_missing", "load: {concurrent_requests: 100万}\ngoal: {latency: 2s}\n",
     "load: {concurrent_requests: 100万, think_time: 20s}\ngoal: {latency: 2s}\n", 500000, 31250},
    {"rate_against_capacity", "load: {peak_rate: 5000}\ninfrastructure: {capacity: 800 TPS}\n",
     "load: {peak_rate: 500}\ninfrastructure: {capacity: 800 TPS}\n", 5000, 800},
    {"idle_fleet",
     "load: {transactions_per_day: 10万}\ninfrastructure: {public_cloud: AWS 100节点}\n",
     "load: {transactions_per_day: 1亿}\ninfrastructure: {public_cloud: AWS 100节点}\n", 100, NAN},
    {"bytes_of_transaction", "load: {transactions_per_day: 1.2万}\ndata: {per_day: 10TB}\n",
     "load: {transactions_per_day: 1200万}\ndata: {per_day: 10TB}\n", 1e13, 1e13 / 12000},
    {"inflow_without_retention", "data: {per_day: 10TB}\n",
     "data: {per_day: 10TB, retention: 5年}\n", 1e13, 3.65e15},
    {"target_twice", "targets: [{name: 构建时间, value: 10分钟}, {name: 构建时间, value: 5分钟}]\n",
     "targets: [{name: 构建时间, value: 5分钟}, {name: 构建时间, value: 300s}]\n", 600, 300},
    {"shares_sum", "shares: [{name: a, share: 80%}, {name: b, share: 30%}]\n",
     "shares: [{name: a, share: 80%}, {name: b, share: 20%}]\n", 1.1, 1},
    {"amounts_sum",
     "money: {budget: $100}\nshares: [{name: a, amount: $60}, {name: b, amount: $50}]\n",
     "money: {budget: $100}\nshares: [{name: a, amount: $60}, {name: b, amount: $40}, {name: c, amount: $10, of: b}, {name: d, amount: $30, of: b}]\n",
     10000, 11000},
    {"list_sum",
     "money: {budget: $100}\nshares: [{name: a, amount: $60, of: x}, {name: b, amount: $50, of: y}]\n",
     "money: {budget: $110}\nshares: [{name: a, amount: $60, of: x}, {name: b, amount: $50, of: y}]\n",
     10000, 11000},
    {"share_against_amount",
     "money: {budget: ¥6500万}\nshares: [{name: a, amount: ¥800万, share: 13%}]\n",
     "money: {budget: ¥6500万}\nshares: [{name: a, amount: ¥800万, share: 12%}]\n", 0.13, 8.0 / 65},
    {"item_twice", "shares: [{name: a, amount: $5, list: x}, {name: a, amount: $4, list: y}]\n",
     "shares: [{name: a, amount: $5, list: x}, {name: a, amount: $5, list: y}]\n", 500, 400},
    {"roi_unsupported",
     "money: {budget: $1000, goal_roi: 1.5}\nsavings: [{cause: a, amount: $2000, years: 3年}]\n",
     "money: {budget: $1000, goal_roi: 1.5}\nsavings: [{cause: a, amount: $2500, years: 3年}]\n",
     1.5, 1},
    {"roi_unsupported", "money: {budget: $1000, goal_roi: 1.5, term: 2年, cost_now: $1000/年}\n",
     "money: {budget: $1000, goal_roi: 1.5, term: 3年, cost_now: $1000/年}\n", 1.5, 1},
    {"absolute_target", "targets: [{name: error rate, value: 0%}]\n",
     "targets: [{name: error rate, value: 0.1%}]\n", 0, 0},
    {"end_of_support", "components: [{name: Kubernetes, version: '1.22'}]\n",
     "components: [{name: Kubernetes, version: '1.36'}]\n", 20018, 20777},
    {"law_certified", "goal: {security: 'BSI C5 certificate, HIPAA certified'}\n",
     "goal: {security: 'HIPAA, 45 CFR 164.312'}\n", NAN, NAN},
    {"saving_base",
     "money: {tiers: [$4000]}\nsavings: [{cause: a, amount: $1000, years: 3年, share: 30%}]\n",
     "money: {tiers: [$1000]}\nsavings: [{cause: a, amount: $1000, years: 3年, share: 30%}]\n",
     100000 / 0.9, 400000.0 / 3},
    {"uncounted_saving", "savings: [{cause: a, share: 20%}]\n",
     "savings: [{cause: a, amount: $5/年}]\n", 0.2, NAN},
    {"budget_twice", "money: {budget: $900, budget_year: $250, term: 4 years}\n",
     "money: {budget: $1000, budget_year: $250, term: 4 years}\n", 90000, 100000},
    {"sites_sum",
     "sites: [{name: a, region: 北京, share: 60%}, {name: b, region: 上海, share: 50%}]\n",
     "sites: [{name: a, region: 北京, share: 60%}, {name: b, region: 上海, share: 40%}]\n", 1.1, 1},
    {"lossless_distance",
     "sites: [{name: a, region: 北京}, {name: b, region: 上海}]\ngoal: {recovery_point: 0s}\n",
     "sites: [{name: a, region: 北京}, {name: b, region: 上海}]\ngoal: {recovery_point: 1s}\n", 0,
     NAN},
    {"initial_above_budget", "money: {budget: $100, budget_initial: $200}\n",
     "money: {budget: $100/年, budget_initial: $200}\n", 20000, 10000},
    {"end_of_support", "infrastructure: {database: MySQL 8.0 MGR集群}\n",
     "infrastructure: {database: MySQL 8.4 MGR集群}\n", 20573, 20777},
    {"support_ends_in_term", "components: [{name: Redis, version: '6.2'}]\n",
     "components: [{name: Redis, version: '7.2'}]\nmoney: {term: 1年}\n", 20909, NAN},
    {"region_unknown", "infrastructure: {public_cloud: 'AWS北京、Azure东欧（30节点）'}\n",
     "infrastructure: {public_cloud: 'AWS北京、Azure西欧（30节点）'}\n", NAN, NAN},
    {"product_limit", "components: [{name: RDS MySQL, stored: 80TB}]\n",
     "components: [{name: RDS MySQL, stored: 50TB}]\n", 8e13, 70368744177664.0},
    {"cross_border", "sites: [{name: a, region: 上海}, {name: b, region: 法兰克福}]\n",
     "sites: [{name: a, region: 上海}, {name: b, region: 北京}]\n", NAN, NAN},
    {"standard_type_unknown", "goal: {security: 通过SOC2 Type III认证}\n",
     "goal: {security: 通过SOC2 Type II认证}\n", NAN, NAN},
    {"standard_unknown", "constraints: {compliance: [ISO 27005X, GDPR]}\n",
     "constraints: {compliance: ['ISO/IEC 27005', ISO27001:2022, 等保2.0三级, SOC 2 Type II, 'FIPS 140-3', 'GDPR Article 28']}\n",
     NAN, NAN},
    {"rule_unknown", "constraints: {compliance: [HIPPA]}\n",
     "constraints: {compliance: [HIPAA, 符合欧盟GDPR, 数据安全法]}\ngoal: {security: 漏洞修复SLA<24小时}\n",
     NAN, NAN},
    {"rate_old", "rates: [{currency: EUR, rate: 1.1, date: 2024-01-01}]\n",
     "rates: [{currency: EUR, rate: 1.1, date: 2026-11-01}]\n", 19723, 20777},
    {"standard_retired", "goal: {security: 通过PCI DSS v4.0}\n",
     "goal: {security: 通过PCI DSS v4.0.1}\n", 20088, 20777},
    {"law_certified", "goal: {security: 通过GDPR认证}\n", "goal: {security: 符合GDPR第32条}\n", NAN,
     NAN},
    {"rule_unnamed", "constraints: {compliance: 符合FAA数据规范}\n",
     "constraints: {compliance: 符合FAA 14 CFR 91.417规定}\n", NAN, NAN},
};

enum { EXAMPLES = sizeof(examples) / sizeof(*examples) };

static void assert_near(double a, double b)
{
    if (!isnan(b) && fabs(a - b) > 1e-4 * fabs(b))
        fail_msg("%.10g, not %.10g", a, b);
}

static void test_rules(void **state)
{
    (void)state;
    for (size_t i = 0; i < EXAMPLES; i++) {
        struct linted linted;
        print_message("%s\n", examples[i].rule);
        lint_text(examples[i].wrong, &linted);
        const struct rw_finding *finding = find(&linted, examples[i].rule);
        assert_non_null(finding);
        assert_near(finding->numbers[0].value, examples[i].claimed);
        assert_near(finding->numbers[1].value, examples[i].possible);
        assert_true(finding->place.line > 1);
        assert_non_null(finding->source);
        for (int language = 0; language <= RW_LANGUAGE_ZH; language++) {
            struct rw_text text = {0};
            rw_finding_write(finding, finding->text, (enum rw_language)language, &text);
            rw_finding_write(finding, finding->action, (enum rw_language)language, &text);
            assert_non_null(text.at);
            assert_null(strchr(text.at, '{'));
            rw_text_free(&text);
        }
        linted_free(&linted);
        lint_text(examples[i].right, &linted);
        assert_null(find(&linted, examples[i].rule));
        linted_free(&linted);
    }
}

/* Names that do not exist, and what is said instead of them. */
static void test_names(void **state)
{
    (void)state;
    static const struct {
        const char *sections, *subject, *action;
    } cases[] = {
        {"constraints: {compliance: 等保2.0六级}\n", "等保 六级", NULL},
        {"constraints: {compliance: 等保3.0三级}\n", "等保 3.0", "Nearest: 等保 2.0"},
        {"goal: {security: 通过 SOC 4 认证}\n", "SOC 4", NULL},
        {"goal: {security: ISO27001:2023认证}\n", "ISO/IEC 27001 2023",
         "Nearest: ISO/IEC 27001 2022"},
        {"goal: {security: PCI DSS v5.0}\n", "PCI DSS 5.0", NULL},
        {"constraints: {compliance: GDPR Article 128}\n", "GDPR 128", "Nearest: GDPR 99"},
        {"constraints: {compliance: 'FIPS 140-9'}\n", "FIPS 140-9", "Nearest: FIPS 140-3"},
        {"constraints: {compliance: 'ISO/IEC 27001-2022'}\n", NULL, NULL},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct linted linted;
        lint_text(cases[i].sections, &linted);
        const struct rw_finding *finding = find(&linted, "standard_unknown");
        assert_true((finding != NULL) == (cases[i].subject != NULL));
        if (finding)
            assert_string_equal(finding->subject, cases[i].subject);
        if (finding && cases[i].action)
            assert_string_equal(finding->action.en, cases[i].action);
        linted_free(&linted);
    }
    struct linted linted;
    lint_text("constraints: {compliance: HIPPA}\n", &linted);
    assert_non_null(strstr(find(&linted, "rule_unknown")->action.en, "HIPAA"));
    linted_free(&linted);
}

static void test_every_rule_has_an_example(void **state)
{
    (void)state;
    for (unsigned rule = 0; rule < rw_lint_rule_count(); rule++) {
        size_t i = 0;
        while (i < EXAMPLES && strcmp(examples[i].rule, rw_lint_rule_name(rule)) != 0)
            i++;
        if (i == EXAMPLES)
            fail_msg("%s", rw_lint_rule_name(rule));
        struct rw_label text = rw_lint_rule_text(rule);
        assert_true(text.en && text.zh);
    }
}

static void test_manual_names_every_rule(void **state)
{
    (void)state;
    struct rw_text manual = {0};
    assert_int_equal(rw_conf_slurp("docs/manual/plan-intake.md", 1 << 20, false, &manual), RW_OK);
    for (unsigned rule = 0; rule < rw_lint_rule_count(); rule++) {
        char quoted[80];
        snprintf(quoted, sizeof(quoted), "`%s`", rw_lint_rule_name(rule));
        if (!strstr(manual.at, quoted))
            fail_msg("%s", quoted);
    }
    rw_text_free(&manual);
}

static void test_nothing_given(void **state)
{
    (void)state;
    struct linted linted;
    lint_text("", &linted);
    assert_int_equal(linted.findings.count, 0);
    linted_free(&linted);
}

/* Without a date, nothing is said about dates. */
static void test_without_date(void **state)
{
    (void)state;
    struct linted linted;
    struct rw_conf_report report = {0};
    assert_int_equal(
        rw_intake_read_text(RW_LITERAL("intake: ringway/1\ngoal: {deadline: 2025年, security: PCI "
                                       "DSS 4.0}\ncomponents: [{name: Redis, version: '6.2'}]\n"),
                            "x", &linted.intake, &report),
        RW_OK);
    finish(&linted, NAN);
    assert_int_equal(linted.err, RW_OK);
    assert_int_equal(linted.findings.count, 0);
    linted_free(&linted);
}

/* The floors of models.yaml, by our places. */
static void test_distances(void **state)
{
    (void)state;
    struct rw_lint_facts facts;
    struct rw_conf_report report = {0};
    assert_int_equal(rw_lint_facts_load(&facts, &report), RW_OK);
    static const struct {
        const char *from, *to;
        double km, rtt_s;
    } pairs[] = {
        {"virginia", "singapore", 15693, 0.1537},
        {"beijing", "warsaw", 6942, 0.0680},
        {"beijing", "frankfurt", 7781, 0.0762},
        {"beijing", "dublin", 8283, 0.0811},
    };
    for (size_t i = 0; i < sizeof(pairs) / sizeof(*pairs); i++) {
        double km = rw_lint_distance(rw_lint_facts_place(&facts, pairs[i].from),
                                     rw_lint_facts_place(&facts, pairs[i].to));
        assert_true(fabs(km - pairs[i].km) < 0.001 * pairs[i].km);
        assert_true(fabs(rw_lint_round_trip(km) - pairs[i].rtt_s) < 0.0002);
    }
    for (unsigned i = 0; i < facts.region_count; i++)
        assert_non_null(rw_lint_facts_place(&facts, facts.regions[i].place));
    for (unsigned i = 0; i < facts.area_count; i++)
        assert_non_null(rw_lint_facts_place(&facts, facts.areas[i].place));
    rw_lint_facts_free(&facts);
}

/* ---- The three customers ---- */

static void add_findings(const char *path, struct rw_text *text)
{
    struct linted linted;
    struct rw_conf_report report = {0};
    assert_int_equal(rw_intake_read_file(path, &linted.intake, &report), RW_OK);
    finish(&linted, today);
    assert_int_equal(linted.err, RW_OK);
    rw_findings_sort(&linted.findings);
    const char *slash = strrchr(path, '/');
    for (unsigned i = 0; i < linted.findings.count; i++) {
        const struct rw_finding *finding = &linted.findings.at[i];
        rw_text_addf(text, "%s:%u %s %s: ", slash + 1, finding->place.line,
                     rw_severity_text(finding->severity, RW_LANGUAGE_EN), finding->rule);
        rw_finding_write(finding, finding->text, RW_LANGUAGE_ZH, text);
        rw_text_adds(text, "\n");
    }
    linted_free(&linted);
}

static void compare_findings(const char *const *files, size_t count, const char *expected)
{
    struct rw_text text = {0}, known = {0};
    for (size_t i = 0; i < count; i++)
        add_findings(files[i], &text);
    assert_int_equal(rw_conf_slurp(expected, 1 << 20, false, &known), RW_OK);
    if (!rw_span_eq(rw_text_span(&text), rw_text_span(&known))) {
        fprintf(stderr, "%s should be:\n%s", expected, text.at);
        fail();
    }
    rw_text_free(&text);
    rw_text_free(&known);
}

static void test_customers(void **state)
{
    (void)state;
    static const char *const insurance[] = {"scenarios/insurance/request.zh.txt",
                                            "scenarios/insurance/intake.yaml"};
    static const char *const leasing[] = {"scenarios/leasing/request.zh.txt",
                                          "scenarios/leasing/intake.yaml"};
    static const char *const platform[] = {"scenarios/platform/intake.yaml"};
    compare_findings(insurance, 2, "scenarios/insurance/findings.txt");
    compare_findings(leasing, 2, "scenarios/leasing/findings.txt");
    compare_findings(platform, 1, "scenarios/platform/findings.txt");
}

/* What the template gives as an example may be the answer: then it is told. */
static void test_a_blank_with_the_words_of_the_template(void **state)
{
    (void)state;
    static const char text[] = "[客户行业]：__(保险/政府/航空/零售等)__\n"
                               "[预算限制]：\n- 总预算：__($300万)__\n"
                               "- 云资源采购 __(40%)__\n- 定制开发 __(35%)__\n";
    struct rw_intake intake;
    struct rw_conf_report report = {0};
    struct rw_findings findings;
    assert_int_equal(rw_intake_read_text(rw_span_text(text), "x.txt", &intake, &report), RW_OK);
    assert_int_equal(intake.doubtful_count, 1); /* the first block has no answer at all */
    rw_findings_init(&findings, &intake.arena);
    assert_int_equal(rw_lint_intake(&intake, today, &findings), RW_OK);
    assert_int_equal(findings.count, 1);
    assert_string_equal(findings.at[0].rule, "blank_untouched");
    assert_string_equal(findings.at[0].subject, "4");
    assert_int_equal(findings.at[0].place.line, 4);
    rw_findings_free(&findings);
    rw_intake_free(&intake);
}

/* The customers' intakes can be planned from: units, currencies and terms fit. */
static void test_customers_bind(void **state)
{
    (void)state;
    static const char *const files[] = {
        "scenarios/insurance/request.zh.txt", "scenarios/insurance/intake.yaml",
        "scenarios/leasing/request.zh.txt", "scenarios/leasing/intake.yaml",
        "scenarios/platform/intake.yaml"};
    for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
        struct rw_intake intake;
        struct rw_conf_report report = {0};
        struct rw_input_value values[RW_INPUT_END];
        struct rw_terms terms;
        assert_int_equal(rw_intake_read_file(files[i], &intake, &report), RW_OK);
        assert_int_equal(rw_intake_bind(&intake, today, values, &terms, &report), RW_OK);
        assert_false(isnan(terms.date));
        assert_string_equal(terms.currency, i == 4 ? "CNY" : "USD");
        rw_intake_free(&intake);
    }
}

static void test_allocation_failures(void **state)
{
    (void)state;
    struct linted linted;
    struct rw_conf_report report = {0};
    assert_int_equal(
        rw_intake_read_file("scenarios/insurance/request.zh.txt", &linted.intake, &report), RW_OK);
    rw_arena_init(&linted.arena, NULL, 0, 256, 16 << 20);
    bool done = false;
    for (uint64_t nth = 0; !done && nth < 100000; nth += 1 + nth / 20) {
        rw_findings_init(&linted.findings, &linted.arena);
        uint64_t before = rw_alloc_count();
        rw_alloc_fail_once(nth);
        enum rw_err err = rw_lint_intake(&linted.intake, today, &linted.findings);
        rw_alloc_fail_never();
        done = rw_alloc_count() - before <= nth;
        assert_true(err == RW_OK || err == RW_ENOMEM);
        assert_true(!done || err == RW_OK);
        rw_findings_free(&linted.findings);
    }
    assert_true(done);
    linted_free(&linted);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rules),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_every_rule_has_an_example),
        cmocka_unit_test(test_nothing_given),
        cmocka_unit_test(test_manual_names_every_rule),
        cmocka_unit_test(test_without_date),
        cmocka_unit_test(test_distances),
        cmocka_unit_test(test_customers),
        cmocka_unit_test(test_a_blank_with_the_words_of_the_template),
        cmocka_unit_test(test_customers_bind),
        cmocka_unit_test(test_allocation_failures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
