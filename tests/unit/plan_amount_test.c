/* Amounts as people write them: what is read, what is refused, and where. */
#include "base/alloc.h"
#include "base/random.h"
#include "plan/intake/amount.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#define COUNT RW_DIMENSION_COUNT
#define FRACTION RW_DIMENSION_FRACTION
#define TIME RW_DIMENSION_TIME
#define BYTES RW_DIMENSION_BYTES
#define BITS RW_DIMENSION_BITS
#define MONEY RW_DIMENSION_MONEY
#define DATE RW_DIMENSION_DATE
#define ANY 127

#define MONTH (365.25 * 86400 / 12)

struct good {
    const char *text;
    unsigned dimensions;
    struct rw_amount amount;
};

static const struct good good[] = {
    {"500万+", COUNT, {COUNT, RW_BOUND_AT_LEAST, 0, 5e6, 5e6, 0, "", false, false}},
    {"500万+注册用户", COUNT, {COUNT, RW_BOUND_AT_LEAST, 0, 5e6, 5e6, 0, "", false, false}},
    {"2000+企业客户", COUNT, {COUNT, RW_BOUND_AT_LEAST, 0, 2000, 2000, 0, "", false, false}},
    {"1.2万笔", COUNT, {COUNT, 0, 0, 12000, 12000, 0, "", false, false}},
    {"10,000+", COUNT, {COUNT, RW_BOUND_AT_LEAST, 0, 1e4, 1e4, 0, "", false, false}},
    {"１，０００", COUNT, {COUNT, 0, 0, 1000, 1000, 0, "", false, false}},
    {"1.5 million registered users", COUNT, {COUNT, 0, 0, 1.5e6, 1.5e6, 0, "", false, false}},
    {"5k", COUNT, {COUNT, 0, 0, 5000, 5000, 0, "", false, false}},
    {"5M", COUNT, {COUNT, 0, 0, 5e6, 5e6, 0, "", false, false}},
    {"1亿", COUNT, {COUNT, 0, 0, 1e8, 1e8, 0, "", false, false}},
    {"3千万", COUNT, {COUNT, 0, 0, 3e7, 3e7, 0, "", false, false}},
    {"十二个", COUNT, {COUNT, 0, 0, 12, 12, 0, "", false, false}},
    {">10亿次/月", COUNT, {COUNT, RW_BOUND_ABOVE, RW_PER_MONTH, 1e9, 1e9, 0, "", false, false}},
    {"每日50+次", COUNT, {COUNT, RW_BOUND_AT_LEAST, RW_PER_DAY, 50, 50, 0, "", false, false}},
    {"5000+ QPS", COUNT, {COUNT, RW_BOUND_AT_LEAST, RW_PER_SECOND, 5e3, 5e3, 0, "", false, false}},
    {"500TPS", COUNT, {COUNT, 0, RW_PER_SECOND, 500, 500, 0, "", false, false}},
    {"80TB", BYTES, {BYTES, 0, 0, 8e13, 8e13, 0, "", false, false}},
    {"64 TiB", BYTES, {BYTES, 0, 0, 70368744177664.0, 70368744177664.0, 0, "", true, false}},
    {"日均10TB", BYTES, {BYTES, 0, RW_PER_DAY, 1e13, 1e13, 0, "", false, false}},
    {"10TB/day", BYTES, {BYTES, 0, RW_PER_DAY, 1e13, 1e13, 0, "", false, false}},
    {"10TB交易数据", BYTES, {BYTES, 0, 0, 1e13, 1e13, 0, "", false, false}},
    {"2MB/s", BYTES, {BYTES, 0, RW_PER_SECOND, 2e6, 2e6, 0, "", false, false}},
    {"10Gbps", BITS, {BITS, 0, RW_PER_SECOND, 1e10, 1e10, 0, "", false, false}},
    {"$120万/年", MONEY, {MONEY, 0, RW_PER_YEAR, 1.2e6, 1.2e6, 0, "USD", false, false}},
    {"$180万（含3年服务费）", MONEY, {MONEY, 0, 0, 1.8e6, 1.8e6, 0, "USD", false, false}},
    {"1000万美金", MONEY, {MONEY, 0, 0, 1e7, 1e7, 0, "USD", false, false}},
    {"¥1500万", MONEY, {MONEY, 0, 0, 1.5e7, 1.5e7, 0, "CNY", false, false}},
    {"￥6500万元", MONEY, {MONEY, 0, 0, 6.5e7, 6.5e7, 0, "CNY", false, false}},
    {"300万元人民币", MONEY, {MONEY, 0, 0, 3e6, 3e6, 0, "CNY", false, false}},
    {"$1.2B", MONEY, {MONEY, 0, 0, 1.2e9, 1.2e9, 0, "USD", false, false}},
    {"$5m per year", MONEY, {MONEY, 0, RW_PER_YEAR, 5e6, 5e6, 0, "USD", false, false}},
    {"每月$50万", MONEY, {MONEY, 0, RW_PER_MONTH, 5e5, 5e5, 0, "USD", false, false}},
    {"500万-1000万美元", MONEY, {MONEY, 0, 0, 5e6, 1e7, 0, "USD", false, false}},
    {"500-1000万美金", MONEY, {MONEY, 0, 0, 5e6, 1e7, 0, "USD", false, false}},
    {"$1M to $2M", MONEY, {MONEY, 0, 0, 1e6, 2e6, 0, "USD", false, false}},
    {"99.95%", FRACTION, {FRACTION, 0, 0, 0.9995, 0.9995, 0, "", false, true}},
    {"９９．９５％", FRACTION, {FRACTION, 0, 0, 0.9995, 0.9995, 0, "", false, true}},
    {">99.999%", FRACTION, {FRACTION, RW_BOUND_ABOVE, 0, 0.99999, 0.99999, 0, "", false, true}},
    {"30-40%", FRACTION, {FRACTION, 0, 0, 0.3, 0.4, 0, "", false, true}},
    {"30%~50%", FRACTION, {FRACTION, 0, 0, 0.3, 0.5, 0, "", false, true}},
    {"约30%", FRACTION, {FRACTION, RW_BOUND_ABOUT, 0, 0.3, 0.3, 0, "", false, true}},
    {"4个9", FRACTION, {FRACTION, 0, 0, 0.9999, 0.9999, 0, "", false, true}},
    {">4.8/5", FRACTION, {FRACTION, RW_BOUND_ABOVE, 0, 0.96, 0.96, 0, "", false, false}},
    {"0.3", FRACTION, {FRACTION, 0, 0, 0.3, 0.3, 0, "", false, false}},
    {"<15分钟/季度", TIME, {TIME, RW_BOUND_BELOW, RW_PER_QUARTER, 900, 900, 0, "", false, false}},
    {"P99<500ms", TIME, {TIME, RW_BOUND_BELOW, 0, 0.5, 0.5, 0.99, "", false, false}},
    {"<50ms (P99)", TIME, {TIME, RW_BOUND_BELOW, 0, 0.05, 0.05, 0.99, "", false, false}},
    {"P99.9 <= 2s", TIME, {TIME, RW_BOUND_AT_MOST, 0, 2, 2, 0.999, "", false, false}},
    {"≤150毫秒", TIME, {TIME, RW_BOUND_AT_MOST, 0, 0.15, 0.15, 0, "", false, false}},
    {"15秒内", TIME, {TIME, RW_BOUND_AT_MOST, 0, 15, 15, 0, "", false, false}},
    {"6个月内", TIME, {TIME, RW_BOUND_AT_MOST, 0, 6 * MONTH, 6 * MONTH, 0, "", false, false}},
    {"18-36个月", TIME, {TIME, 0, 0, 18 * MONTH, 36 * MONTH, 0, "", false, false}},
    {"1-2 months", TIME, {TIME, 0, 0, MONTH, 2 * MONTH, 0, "", false, false}},
    {"1h30m", TIME, {TIME, 0, 0, 5400, 5400, 0, "", false, false}},
    {"1小时30分钟", TIME, {TIME, 0, 0, 5400, 5400, 0, "", false, false}},
    {"半年", TIME, {TIME, 0, 0, 6 * MONTH, 6 * MONTH, 0, "", false, false}},
    {"7x24", TIME, {TIME, 0, RW_PER_WEEK, 604800, 604800, 0, "", false, false}},
    {"24×7", TIME, {TIME, 0, RW_PER_WEEK, 604800, 604800, 0, "", false, false}},
    {"24/7", TIME, {TIME, 0, RW_PER_WEEK, 604800, 604800, 0, "", false, false}},
    {"5x8中文支持", TIME, {TIME, 0, RW_PER_WEEK, 144000, 144000, 0, "", false, false}},
    {"零容忍停机", TIME, {TIME, 0, 0, 0, 0, 0, "", false, false}},
    {"1970-01-01", DATE, {DATE, 0, 0, 0, 0, 0, "", false, false}},
    {"2025年Q2", DATE, {DATE, 0, 0, 20179, 20269, 0, "", false, false}},
    {"2025年Q2前", DATE, {DATE, RW_BOUND_BELOW, 0, 20179, 20269, 0, "", false, false}},
    {"2024 Q3前完成", DATE, {DATE, RW_BOUND_BELOW, 0, 19905, 19996, 0, "", false, false}},
    {"Q2 2025", DATE, {DATE, 0, 0, 20179, 20269, 0, "", false, false}},
    {"2025年第二季度", DATE, {DATE, 0, 0, 20179, 20269, 0, "", false, false}},
    {"2025年上半年", DATE, {DATE, 0, 0, 20089, 20269, 0, "", false, false}},
    {"2025-06-30", DATE, {DATE, 0, 0, 20269, 20269, 0, "", false, false}},
    {"2025年6月30日", DATE, {DATE, 0, 0, 20269, 20269, 0, "", false, false}},
    {"2025/6", DATE, {DATE, 0, 0, 20240, 20269, 0, "", false, false}},
    {"2025年", DATE, {DATE, 0, 0, 20089, 20453, 0, "", false, false}},
    {"2024-02-29", DATE, {DATE, 0, 0, 19782, 19782, 0, "", false, false}},
};

static void same(const struct rw_amount *a, const struct rw_amount *b)
{
    assert_int_equal(a->dimension, b->dimension);
    assert_int_equal(a->bound, b->bound);
    assert_int_equal(a->per, b->per);
    assert_true(fabs(a->low - b->low) <= 1e-15 * fabs(b->low));
    assert_true(fabs(a->high - b->high) <= 1e-15 * fabs(b->high));
    assert_true(fabs(a->percentile - b->percentile) < 1e-12);
    assert_string_equal(a->currency, b->currency);
    assert_int_equal(a->binary, b->binary);
}

static void test_good(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
        struct rw_amount amount;
        struct rw_amount_mistake mistake;
        print_message("%s\n", good[i].text);
        assert_true(
            rw_amount_read(rw_span_text(good[i].text), good[i].dimensions, &amount, &mistake));
        same(&amount, &good[i].amount);
        assert_int_equal(amount.percent, good[i].amount.percent);
    }
}

struct bad {
    const char *text;
    unsigned dimensions;
    enum rw_amount_mistake_kind kind;
    size_t at;
    const char *nearest;
};

static void check_bad(const struct bad *bad)
{
    struct rw_amount amount;
    struct rw_amount_mistake mistake;
    print_message("%s\n", bad->text);
    bool read = rw_amount_read(rw_span_text(bad->text), bad->dimensions, &amount, &mistake);
    assert_int_equal(read, bad->kind == RW_AMOUNT_FINE);
    assert_int_equal(mistake.kind, bad->kind);
    assert_int_equal(mistake.at, bad->at);
    if (bad->nearest)
        assert_string_equal(mistake.nearest, bad->nearest);
}

static void test_bad(void **state)
{
    (void)state;
    static const struct bad bad[] = {
        {"", COUNT, RW_AMOUNT_EMPTY, 0, NULL},
        {"  ", COUNT, RW_AMOUNT_EMPTY, 2, NULL},
        {"many", COUNT, RW_AMOUNT_NO_NUMBER, 0, NULL},
        {"<", TIME, RW_AMOUNT_NO_NUMBER, 1, NULL},
        {"1,5", COUNT, RW_AMOUNT_COMMA, 0, NULL},
        {"1234,567", COUNT, RW_AMOUNT_COMMA, 0, NULL},
        {"1234567890123456789", COUNT, RW_AMOUNT_DIGITS, 0, NULL},
        {"2000万亿亿", COUNT, RW_AMOUNT_RANGE, 0, NULL},
        {"-5", COUNT, RW_AMOUNT_NEGATIVE, 0, NULL},
        {"5kk", COUNT, RW_AMOUNT_UNIT, 1, NULL},
        {"80TBB", BYTES, RW_AMOUNT_UNIT, 2, "TB"},
        {"80Tb", BYTES, RW_AMOUNT_UNIT, 2, "TB"},
        {"15分种", TIME, RW_AMOUNT_FINE, 0, NULL},
        {"15点钟", TIME, RW_AMOUNT_UNIT, 2, NULL},
        {"80TB", TIME, RW_AMOUNT_DIMENSION, 0, NULL},
        {"15", TIME, RW_AMOUNT_DIMENSION, 0, NULL},
        {"99.95", FRACTION, RW_AMOUNT_NO_PERCENT, 0, NULL},
        {"120万", MONEY, RW_AMOUNT_NO_CURRENCY, 0, NULL},
        {"$120万元", MONEY, RW_AMOUNT_CURRENCY, 0, NULL},
        {"$5-6欧元", MONEY, RW_AMOUNT_CURRENCY, 0, NULL},
        {"$5TB", MONEY, RW_AMOUNT_DIMENSION, 0, NULL},
        {"40-30%", FRACTION, RW_AMOUNT_UPSIDE_DOWN, 0, NULL},
        {"5ms-3TB", TIME, RW_AMOUNT_MIXED, 0, NULL},
        {"每日5次/月", COUNT, RW_AMOUNT_TWICE, 10, NULL},
        {"<5秒以上", TIME, RW_AMOUNT_TWICE, 5, NULL},
        {"2025-13-01", DATE, RW_AMOUNT_DATE, 0, NULL},
        {"2025-02-29", DATE, RW_AMOUNT_DATE, 0, NULL},
        {"2025年Q5", DATE, RW_AMOUNT_DATE, 0, NULL},
        {"99.95% !", FRACTION, RW_AMOUNT_REST, 6, NULL},
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        check_bad(&bad[i]);
}

/* What is counted, and percentiles that are none. */
static void test_bad_words(void **state)
{
    (void)state;
    static const struct bad bad[] = {
        {"500 widgets", COUNT, RW_AMOUNT_NOUN, 4, NULL},
        {"500桶", COUNT, RW_AMOUNT_NOUN, 3, NULL},
        {"3 user widgets", COUNT, RW_AMOUNT_FINE, 0, NULL},
        {"5000 registered customers", COUNT, RW_AMOUNT_FINE, 0, NULL},
        {"10万+传感器数据点", COUNT, RW_AMOUNT_FINE, 0, NULL},
        {"500 widgets", COUNT | TIME, RW_AMOUNT_FINE, 0, NULL},
        {"P100<500ms", TIME, RW_AMOUNT_PERCENTILE, 0, NULL},
        {"P0<500ms", TIME, RW_AMOUNT_PERCENTILE, 0, NULL},
        {"P850<500ms", TIME, RW_AMOUNT_PERCENTILE, 0, NULL},
        {"<500ms (P100)", TIME, RW_AMOUNT_PERCENTILE, 7, NULL},
        {"P999<500ms", TIME, RW_AMOUNT_FINE, 0, NULL},
        {"P50<500ms", TIME, RW_AMOUNT_FINE, 0, NULL},
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        check_bad(&bad[i]);
}

static void test_find(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        unsigned dimensions;
        const char *where;
        double high, percentile;
    } cases[] = {
        {"用户量200万+", COUNT, "200万+", 2e6, 0},
        {"系统延迟高达300ms", TIME, "300ms", 0.3, 0},
        {"API P99延迟<500ms", TIME, "<500ms", 0.5, 0.99},
        {"平均每笔理赔处理时间超30分钟", TIME, "超30分钟", 1800, 0},
        {"VM D8s_v3 100节点", COUNT, "100节点", 100, 0},
        {"EC2 c5.4xlarge 50节点", COUNT, "50节点", 50, 0},
        {"SLA 99.95% + 驻场", FRACTION, "99.95%", 0.9995, 0},
        {"6个月内实现", TIME, "6个月内", 6 * MONTH, 0},
        {"in about 2 hours", TIME, "about 2 hours", 7200, 0},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct rw_amount amount;
        struct rw_span where;
        print_message("%s\n", cases[i].text);
        assert_true(
            rw_amount_find(rw_span_text(cases[i].text), cases[i].dimensions, &amount, &where));
        print_message("  %.*s\n", RW_SPAN_ARGS(where));
        assert_true(rw_span_is(where, cases[i].where));
        assert_true(amount.high == cases[i].high);
        assert_true(amount.percentile == cases[i].percentile);
    }
    struct rw_amount amount;
    struct rw_span where;
    assert_false(rw_amount_find(RW_LITERAL("MySQL 8.0集群"), TIME, &amount, &where));
    assert_false(rw_amount_find(RW_LITERAL(""), ANY, &amount, &where));
}

static void test_messages(void **state)
{
    (void)state;
    struct rw_amount amount;
    struct rw_amount_mistake mistake;
    struct rw_text text = {0};
    assert_false(rw_amount_read(RW_LITERAL("80TBB"), BYTES, &amount, &mistake));
    rw_amount_mistake_write(&mistake, BYTES, RW_LANGUAGE_EN, &text);
    assert_string_equal(text.at, "\"TBB\": this unit is unknown; did you mean \"TB\"?; expected a "
                                 "size, such as 80TB or 10TB/day");
    rw_text_free(&text);
    text = (struct rw_text){0};
    assert_false(rw_amount_read(RW_LITERAL("120万"), MONEY, &amount, &mistake));
    rw_amount_mistake_write(&mistake, MONEY, RW_LANGUAGE_ZH, &text);
    assert_string_equal(text.at,
                        "\"120万\"：缺少货币：请写 ¥、$、EUR、元、美元等；应填金额，如 $120万/年");
    rw_text_free(&text);
}

/* What was read, written and read again is the same. */
static void test_round_trip(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
        struct rw_amount amount, again;
        struct rw_amount_mistake mistake;
        struct rw_text text = {0};
        assert_true(
            rw_amount_read(rw_span_text(good[i].text), good[i].dimensions, &amount, &mistake));
        rw_amount_write(&amount, &text);
        print_message("%s -> %s\n", good[i].text, text.at);
        assert_true(rw_amount_read(rw_text_span(&text), good[i].dimensions, &again, &mistake));
        again.low = amount.dimension == DATE ? amount.low : again.low;
        amount.binary = false;
        same(&again, &amount);
        rw_text_free(&text);
    }
}

/* Every decimal comes out as the compiler reads it. */
static void test_exact(void **state)
{
    (void)state;
    struct rw_random random;
    rw_random_seed(&random, 11);
    for (int i = 0; i < 20000; i++) {
        unsigned whole = (unsigned)(rw_random_u64(&random) % 100000),
                 part = (unsigned)(rw_random_u64(&random) % 10000);
        char percent[40], plain[40];
        snprintf(percent, sizeof(percent), "%u.%04u%%", whole, part);
        snprintf(plain, sizeof(plain), "%u.%04ue-2", whole, part);
        struct rw_amount amount;
        struct rw_amount_mistake mistake;
        double expected = 0;
        assert_int_equal(sscanf(plain, "%lf", &expected), 1);
        assert_true(rw_amount_read(rw_span_text(percent), FRACTION, &amount, &mistake));
        assert_true(amount.high == expected);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),      cmocka_unit_test(test_bad),
        cmocka_unit_test(test_bad_words), cmocka_unit_test(test_find),
        cmocka_unit_test(test_messages),  cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_exact),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
