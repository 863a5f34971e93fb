#include "base/alloc.h"
#include "plan/finding.h"
#include "report/unit.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void written_as(struct rw_quantity quantity, const char *en, const char *zh)
{
    struct rw_text text = {0};
    rw_quantity_write(&text, quantity, RW_LANGUAGE_EN);
    assert_string_equal(text.at, en);
    rw_text_free(&text);
    rw_quantity_write(&text, quantity, RW_LANGUAGE_ZH);
    assert_string_equal(text.at, zh);
    rw_text_free(&text);
}

static void written(double value, enum rw_unit unit, const char *en, const char *zh)
{
    written_as((struct rw_quantity){.value = value, .unit = unit}, en, zh);
}

static void test_values_are_written_for_people(void **state)
{
    (void)state;
    written(0.9995, RW_UNIT_SHARE, "99.95 %", "99.95 %");
    written(0.99988426, RW_UNIT_SHARE, "99.9884 %", "99.9884 %");
    written(0.999995, RW_UNIT_SHARE, "99.9995 %", "99.9995 %");
    written(0.3, RW_UNIT_SHARE, "30 %", "30 %");
    written(1, RW_UNIT_SHARE, "100 %", "100 %");
    written(5000000, RW_UNIT_COUNT, "5,000,000", "500 万");
    written(1234567890, RW_UNIT_COUNT, "1,234,567,890", "12.35 亿");
    written(12, RW_UNIT_COUNT, "12", "12");
    written(0.1536885, RW_UNIT_SECONDS, "153.7 ms", "153.7 毫秒");
    written(2, RW_UNIT_SECONDS, "2 s", "2 秒");
    written(900, RW_UNIT_SECONDS, "15 min", "15 分钟");
    written(1e13, RW_UNIT_BYTES_PER_DAY, "10 TB/day", "10 TB/天");
    written(3.65e15, RW_UNIT_BYTES, "3.65 PB", "3.65 PB");
    written(0.925926e9, RW_UNIT_BITS_PER_SECOND, "925.9 Mbit/s", "925.9 Mbit/s");
    written(31250, RW_UNIT_PER_SECOND, "31,250/s", "31,250/秒");
    written(15, RW_UNIT_MINUTES_PER_QUARTER, "15 min/quarter", "15 分钟/季度");
    written(20777, RW_UNIT_DATE, "2026-11-20", "2026-11-20");
    written(-0.0001, RW_UNIT_MONEY, "0.00 ", "0.00 ");
    written(NAN, RW_UNIT_MONEY, "missing", "缺失");
    written(INFINITY, RW_UNIT_SECONDS, "∞", "∞");
}

static void test_money_and_prices(void **state)
{
    (void)state;
    written_as((struct rw_quantity){.value = 123456789, .unit = RW_UNIT_MONEY, .currency = "USD"},
               "1,234,567.89 USD", "1,234,567.89 USD");
    written_as((struct rw_quantity){.value = -5, .unit = RW_UNIT_MONEY, .currency = "CNY"},
               "-0.05 CNY", "-0.05 CNY");
    written_as((struct rw_quantity){0.085, RW_UNIT_PRICE, "USD", "hour"}, "0.085 USD/hour",
               "0.085 USD/小时");
}

static void test_numbers_read_back(void **state)
{
    (void)state;
    static const struct {
        double value;
        const char *text;
    } cases[] = {
        {1, "1"},        {-0.0, "0"},   {0.1, "0.1"},       {1.0 / 3, "0.3333333333333333"},
        {1e15, "1e+15"}, {NAN, "null"}, {INFINITY, "null"}, {123456.789, "123456.789"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct rw_text text = {0};
        rw_number_write(&text, cases[i].value);
        assert_string_equal(text.at, cases[i].text);
        rw_text_free(&text);
    }
}

static void test_dates(void **state)
{
    (void)state;
    static const char *const wrong[] = {"2026-02-29", "2026-13-01", "2026-1-1", "2026-00-10",
                                        "1969-12-31", "2026/01/01", "20260101", "",
                                        "2100-02-29", "2026-04-31"};
    double days;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_false(rw_date_read(rw_span_text(wrong[i]), &days));
    assert_true(rw_date_read(RW_LITERAL("1970-01-01"), &days) && days == 0);
    for (int day = 0; day < 100000; day += 7) {
        struct rw_text text = {0};
        rw_quantity_write(&text, (struct rw_quantity){.value = day, .unit = RW_UNIT_DATE},
                          RW_LANGUAGE_EN);
        assert_true(rw_date_read(rw_text_span(&text), &days));
        assert_true(days == day);
        rw_text_free(&text);
    }
}

static const struct rw_finding sample = {
    .rule = "latency_floor",
    .severity = RW_SEVERITY_BLOCKER,
    .text = RW_LABEL("{2}: {0} is below {1} {", "{2}：{0} 低于 {1}"),
    .action = RW_LABEL("Move it.", "迁移。"),
    .numbers = {{.value = 0.1, .unit = RW_UNIT_SECONDS},
                {.value = 0.1536885, .unit = RW_UNIT_SECONDS}},
    .cells = {UINT32_MAX, UINT32_MAX},
    .subject = "Virginia",
};

static void test_findings_fill_in_their_numbers(void **state)
{
    (void)state;
    struct rw_text text = {0};
    rw_finding_write(&sample, sample.text, RW_LANGUAGE_EN, &text);
    assert_string_equal(text.at, "Virginia: 100 ms is below 153.7 ms {");
    rw_text_free(&text);
}

static void test_findings_come_worst_first_and_in_order(void **state)
{
    (void)state;
    struct rw_findings findings;
    struct rw_arena arena;
    rw_arena_init(&arena, NULL, 0, 4096, 1 << 20);
    rw_findings_init(&findings, &arena);
    static const char *const rules[] = {"a", "b", "c", "d", "e"};
    static const enum rw_severity severities[] = {RW_SEVERITY_NOTE, RW_SEVERITY_BLOCKER,
                                                  RW_SEVERITY_WARNING, RW_SEVERITY_BLOCKER,
                                                  RW_SEVERITY_NOTE};
    static const char *const sorted[] = {"b", "d", "c", "a", "e"};
    for (int i = 0; i < 5; i++) {
        struct rw_finding finding = sample;
        finding.rule = rules[i];
        finding.severity = severities[i];
        rw_findings_add(&findings, &finding);
    }
    rw_findings_sort(&findings);
    for (int i = 0; i < 5; i++)
        assert_string_equal(findings.at[i].rule, sorted[i]);
    assert_int_equal(rw_findings_count(&findings, RW_SEVERITY_BLOCKER), 2);
    for (int i = 0; i < RW_FINDINGS_MAX; i++)
        rw_findings_add(&findings, &sample);
    assert_int_equal(findings.err, RW_ELIMIT);
    assert_int_equal(findings.count, RW_FINDINGS_MAX);
    rw_findings_free(&findings);
    rw_findings_init(&findings, &arena);
    rw_alloc_fail_once(0);
    rw_findings_add(&findings, &sample);
    rw_alloc_fail_never();
    assert_int_equal(findings.err, RW_ENOMEM);
    rw_findings_free(&findings);
    rw_arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values_are_written_for_people),
        cmocka_unit_test(test_money_and_prices),
        cmocka_unit_test(test_numbers_read_back),
        cmocka_unit_test(test_dates),
        cmocka_unit_test(test_findings_fill_in_their_numbers),
        cmocka_unit_test(test_findings_come_worst_first_and_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
