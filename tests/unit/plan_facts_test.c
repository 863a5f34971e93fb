/* The planner's data: read without a mistake, found, laid over by a user's file; every mistake of
 * such a file with its place; every allocation failure survived. */
#include "base/alloc.h"
#include "plan/facts/embed.h"
#include "plan/facts/prices.h"
#include "plan/facts/reference.h"
#include "plan/facts/standards.h"
#include "report/unit.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct rw_prices prices;
static struct rw_arena messages;

static double day(const char *text)
{
    double days = NAN;
    assert_true(rw_date_read(rw_span_text(text), &days));
    return days;
}

static void expect_no_mistake(const struct rw_conf_report *report)
{
    struct rw_text text = {0};
    rw_conf_report_print(report, &text);
    if (report->count)
        fail_msg("%s", text.at);
    rw_text_free(&text);
}

static int setup(void **state)
{
    (void)state;
    struct rw_conf_report report = {0};
    rw_arena_init(&messages, NULL, 0, 4096, 1 << 20);
    enum rw_err err = rw_prices_load(&prices, &report);
    expect_no_mistake(&report);
    return err != RW_OK;
}

static int teardown(void **state)
{
    (void)state;
    rw_prices_free(&prices);
    rw_arena_free(&messages);
    return 0;
}

static void test_embedded(void **state)
{
    (void)state;
    for (int i = 0; i < RW_FACTS_FILES; i++) {
        struct rw_span text = rw_facts_embedded(i);
        assert_true(text.len > 3000 && text.at[0] == '#' && text.at[text.len - 1] == '\n');
    }
}

static void test_list(void **state)
{
    (void)state;
    assert_int_equal(prices.lists[0].row_count, 516);
    for (unsigned i = 0; i < 516; i++) {
        const struct rw_price *row = &prices.lists[0].rows[i];
        assert_true(row->price >= 0 && isfinite(row->price));
        assert_non_null(row->source_text);
        const struct rw_price_key key = {row->provider, row->service, row->sku, row->region,
                                         row->term};
        struct rw_price_offer offer;
        assert_true(rw_prices_find(&prices, &key, NAN, &offer));
        /* An article stands there once. */
        if (offer.row != row)
            fail_msg("%s is there twice", row->id);
    }
}

static void test_find(void **state)
{
    (void)state;
    struct rw_price_key key = {"aws", "ec2", "c5.4xlarge", "us-east-1", "on_demand"};
    struct rw_price_offer offer;
    assert_true(rw_prices_find(&prices, &key, day("2026-11-20"), &offer));
    assert_true(offer.price == 0.68 && offer.doubts == 0 && !offer.discount);
    /* A year later the same row is too old. */
    assert_true(rw_prices_find(&prices, &key, day("2027-11-20"), &offer));
    assert_int_equal(offer.doubts, RW_PRICE_DOUBT_AGE);
    /* Another region's stands in, and says so. */
    key.region = "mars-north-1";
    assert_true(rw_prices_find(&prices, &key, day("2026-11-20"), &offer));
    assert_int_equal(offer.doubts, RW_PRICE_DOUBT_REGION);
    /* Never another provider's, article's or term's. */
    key.provider = "alibaba";
    assert_false(rw_prices_find(&prices, &key, NAN, &offer));
    key = (struct rw_price_key){"aws", "ec2", "c5.4xlarge", "us-east-1", "committed_9y"};
    assert_false(rw_prices_find(&prices, &key, NAN, &offer));
    key =
        (struct rw_price_key){"gcp", "interconnect", "dedicated_10g", "europe-west3", "on_demand"};
    assert_true(rw_prices_find(&prices, &key, day("2026-11-20"), &offer));
    assert_int_equal(offer.doubts, RW_PRICE_DOUBT_DATE | RW_PRICE_DOUBT_APPROXIMATE);
}

static void test_shapes(void **state)
{
    (void)state;
    static const struct {
        const char *sku;
        double vcpu, memory;
    } cases[] = {
        {"c5.4xlarge", 16, 32},  {"m7i.large", 2, 8},        {"r6i.2xlarge", 8, 64},
        {"ecs.c6.xlarge", 4, 8}, {"ecs.g8i.2xlarge", 8, 32}, {"D16s_v3", 16, 64},
        {"E8s_v5", 8, 64},       {"F16s_v2", 16, 32},        {"n2-standard-16", 16, 64},
        {"c5.metal", 96, 192},   {"ecs.r7.2xlarge", 8, 64},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        double vcpu = 0, memory = 0;
        const char *source = NULL;
        assert_true(rw_prices_shape(&prices, cases[i].sku, &vcpu, &memory, &source));
        assert_true(vcpu == cases[i].vcpu && memory == cases[i].memory && source);
    }
    static const char *const unknown[] = {"", "x", "c5.", "c5.huge", "z9.large", "D_v3", "n2-x-4"};
    for (size_t i = 0; i < sizeof(unknown) / sizeof(*unknown); i++) {
        double vcpu, memory;
        const char *source;
        assert_false(rw_prices_shape(&prices, unknown[i], &vcpu, &memory, &source));
    }
}

static const char overlay[] =
    "schema: ringway.prices/1\n"
    "prices:\n"
    "  - {provider: onprem, service: server, sku: standard, region: any, term: on_demand,\n"
    "     unit: month, price: 410, currency: USD, source: contract 14, date: '2026-09-01'}\n"
    "  - {provider: aws, service: ec2, sku: c5.xlarge, region: us-east-1, term: on_demand,\n"
    "     unit: hour, price: 0.1, currency: USD, source: contract 14, date: '2026-09-01'}\n"
    "discounts:\n"
    "  - {provider: aws, service: ec2, percent: 50, source: contract 14, date: '2026-09-01'}\n"
    "shapes:\n"
    "  - {sku: standard, vcpu: 32, mem_gib: 256, source: data sheet}\n";

static void test_overlay(void **state)
{
    (void)state;
    struct rw_prices own;
    struct rw_conf_report report = {0};
    assert_int_equal(rw_prices_load(&own, &report), RW_OK);
    assert_int_equal(rw_prices_overlay_text(&own, rw_span_text(overlay), "own.yaml", &report),
                     RW_OK);
    struct rw_price_offer offer;
    struct rw_price_key key = {"onprem", "server", "standard", "shanghai", "on_demand"};
    assert_true(rw_prices_find(&own, &key, day("2026-11-20"), &offer));
    assert_true(offer.price == 410 && offer.doubts == 0 && offer.row->quality == RW_PRICE_QUOTED);
    /* An own row is not discounted, rows of the list are. */
    key = (struct rw_price_key){"aws", "ec2", "c5.xlarge", "us-east-1", "on_demand"};
    assert_true(rw_prices_find(&own, &key, NAN, &offer) && offer.price == 0.1 && !offer.discount);
    key.sku = "c5.4xlarge";
    assert_true(rw_prices_find(&own, &key, NAN, &offer) && offer.price == 0.34 && offer.discount);
    struct rw_text text = {0};
    rw_price_offer_write(&offer, RW_LANGUAGE_EN, &text);
    assert_string_equal(text.at,
                        "aws c5.4xlarge us-east-1, on_demand, 2026-07-20: AWS price list API, "
                        "generated into a Go file, aws/karpenter-provider-aws; 50 % off (contract "
                        "14)");
    rw_text_free(&text);
    double vcpu, memory;
    const char *source;
    assert_true(rw_prices_shape(&own, "standard", &vcpu, &memory, &source) && vcpu == 32);
    rw_prices_free(&own);
}

static void expect_mistake(const char *yaml, const char *printed)
{
    struct rw_conf_report report = {0};
    assert_int_equal(rw_prices_overlay_text(&prices, rw_span_text(yaml), "p.yaml", &report),
                     RW_EINVAL);
    struct rw_text text = {0};
    rw_conf_report_print(&report, &text);
    assert_string_equal(text.at ? text.at : "", printed);
    rw_text_free(&text);
    prices.list_count--; /* what was broken is not asked */
    rw_conf_tree_free(&prices.lists[prices.list_count].tree);
    prices.lists[prices.list_count] = (struct rw_price_list){0};
}

#define HEAD "schema: ringway.prices/1\n"
#define ROW                                                                                        \
    "prices: [{provider: a, service: b, sku: c, region: d, term: e, unit: hour, source: f,\n"      \
    "  date: '2026-01-01', "

static void test_mistakes(void **state)
{
    (void)state;
    expect_mistake("", "p.yaml:1:1: expected a price file, which begins with schema: "
                       "ringway.prices/1\n");
    expect_mistake("schema: ringway.intake/1\n",
                   "p.yaml:1:9: schema: expected ringway.prices/1, not \"ringway.intake/1\": is "
                   "this a price file?\n");
    expect_mistake(HEAD "pries: []\n",
                   "p.yaml:2:1: a price file has no key \"pries\"; did you mean \"prices\"?\n");
    expect_mistake(HEAD ROW "price: 0,17, currency: USD}]\n",
                   "p.yaml:3:32: a price has no key \"17\"\n");
    expect_mistake(HEAD ROW "price: -1, currency: USD}]\n",
                   "p.yaml:3:30: price: expected a number that is not negative, such as 0.17, not "
                   "\"-1\"\n");
    expect_mistake(HEAD ROW "price: 1e9, currency: USD}]\n",
                   "p.yaml:3:30: price: expected a number that is not negative, such as 0.17, not "
                   "\"1e9\"\n");
    expect_mistake(HEAD ROW "price: 1}]\n", "p.yaml:2:10: a price needs the key \"currency\"\n");
    expect_mistake(HEAD ROW "price: 1, currency: dollars}]\n",
                   "p.yaml:2:10: currency: expected a code of three capital letters such as USD, "
                   "not \"dollars\"\n");
    expect_mistake(HEAD ROW "price: 1, currency: USD, quality: exakt}]\n",
                   "p.yaml:2:10: quality: expected exact, derived, approximate or quoted, not "
                   "\"exakt\"; did you mean \"exact\"?\n");
    expect_mistake(HEAD "discounts: [{provider: aws, percent: 100, source: x, date: x}]\n",
                   "p.yaml:2:13: percent: expected more than 0 and less than 100, not 100\n");
    expect_mistake(HEAD "prices: 7\n", "p.yaml:2:9: expected a list, each entry a price\n");
    expect_mistake(HEAD "prices: [7]\n",
                   "p.yaml:2:10: expected a price: a mapping of keys and values\n");
    expect_mistake(HEAD "prices: [{\n", "p.yaml:3:1: prices[0]: not YAML: "
                                        "did not find expected node content\n");
}

static void test_overlay_file(void **state)
{
    (void)state;
    struct rw_conf_report report = {0};
    assert_int_equal(rw_prices_overlay(&prices, "/nowhere/prices.yaml", &report), RW_ENOENT);
    struct rw_text text = {0};
    rw_conf_report_print(&report, &text);
    assert_string_equal(text.at, "/nowhere/prices.yaml: cannot be read: not found\n");
    rw_text_free(&text);
}

static void test_standards(void **state)
{
    (void)state;
    struct rw_standards standards;
    struct rw_conf_report report = {0};
    enum rw_err err = rw_standards_load(&standards, &report);
    expect_no_mistake(&report);
    assert_int_equal(err, RW_OK);
    assert_int_equal(standards.framework_count, 8);
    assert_int_equal(standards.control_count, 154);
    assert_int_equal(standards.claim_count, 7);
    const struct rw_framework *mlps = rw_standards_framework(&standards, "mlps2_l3");
    assert_int_equal(mlps->count, 22);
    const struct rw_control *control = rw_standards_control(&standards, "mlps2_l3.8.1.4.3");
    assert_string_equal(control->numbers, "log_retention_months_min 6");
    assert_string_equal(control->evidence.zh,
                        "审计覆盖每个用户；记录含日期时间、用户、事件类型、是否成功；"
                        "防篡改存储（追加或哈希链）；定期异机备份");
    assert_int_equal(control->scope, RW_CONTROL_FULL);
    assert_null(rw_standards_control(&standards, "nothing"));
    assert_null(rw_standards_framework(&standards, "nothing"));
    unsigned sum = 0;
    for (unsigned i = 0; i < standards.framework_count; i++)
        sum += standards.frameworks[i].count;
    assert_int_equal(sum, standards.control_count);
    rw_standards_free(&standards);
}

static void test_reference(void **state)
{
    (void)state;
    struct rw_reference reference;
    struct rw_conf_report report = {0};
    enum rw_err err = rw_reference_load(&reference, &report);
    expect_no_mistake(&report);
    assert_int_equal(err, RW_OK);
    assert_int_equal(reference.model_count, 33);
    assert_string_equal(rw_reference_model(&reference, "usl")->name.en,
                        "Universal Scalability Law");
    const struct rw_lifecycle *mysql = rw_reference_lifecycle(&reference, "mysql", "8.0");
    assert_true(mysql->end.day == day("2026-04-30") && isnan(mysql->extended.day));
    assert_true(isnan(rw_reference_lifecycle(&reference, "cassandra", "4.0")->end.day));
    assert_null(rw_reference_lifecycle(&reference, "mysql", "9.9"));
    assert_string_equal(reference.lifecycle_source, "endoflife-date/endoflife.date, 2026-08-22");
    assert_true(reference.limit_count == 3 && reference.distance_count == 4);
    const char *nearest = NULL;
    assert_int_equal(rw_reference_region(&reference, "azure", RW_LITERAL("EastUS"), NULL),
                     RW_REGION_EXISTS);
    assert_int_equal(rw_reference_region(&reference, "azure", RW_LITERAL("westeurop"), &nearest),
                     RW_REGION_UNKNOWN);
    assert_string_equal(nearest, "westeurope");
    assert_int_equal(rw_reference_region(&reference, "aws", RW_LITERAL("eu-west-9"), &nearest),
                     RW_REGION_UNDECIDABLE);
    assert_int_equal(rw_reference_region(&reference, "gcp", RW_LITERAL("x"), &nearest),
                     RW_REGION_UNDECIDABLE);
    rw_reference_free(&reference);
}

/* Thousands of allocations: each of the last part, and a stride through the rest. */
static void fail_each(enum rw_err (*operation)(void), unsigned stride)
{
    for (uint64_t n = 0;; n += stride) {
        rw_alloc_fail_after(n);
        enum rw_err err = operation();
        rw_alloc_fail_never();
        if (err == RW_OK)
            return;
        assert_int_equal(err, RW_ENOMEM);
    }
}

static enum rw_err load_overlay(void)
{
    struct rw_prices own = {0};
    struct rw_conf_report report = {0};
    enum rw_err err = rw_prices_load(&own, &report);
    if (!err)
        err = rw_prices_overlay_text(&own, rw_span_text(overlay), "own.yaml", &report);
    rw_prices_free(&own);
    return err;
}

static enum rw_err load_standards(void)
{
    struct rw_standards standards;
    struct rw_conf_report report = {0};
    enum rw_err err = rw_standards_load(&standards, &report);
    rw_standards_free(&standards);
    return err;
}

static enum rw_err load_reference(void)
{
    struct rw_reference reference;
    struct rw_conf_report report = {0};
    enum rw_err err = rw_reference_load(&reference, &report);
    rw_reference_free(&reference);
    return err;
}

static void test_allocation_failures(void **state)
{
    (void)state;
    fail_each(load_overlay, 307);
    fail_each(load_standards, 101);
    fail_each(load_reference, 101);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_embedded),     cmocka_unit_test(test_list),
        cmocka_unit_test(test_find),         cmocka_unit_test(test_shapes),
        cmocka_unit_test(test_overlay),      cmocka_unit_test(test_mistakes),
        cmocka_unit_test(test_overlay_file), cmocka_unit_test(test_standards),
        cmocka_unit_test(test_reference),    cmocka_unit_test(test_allocation_failures),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
