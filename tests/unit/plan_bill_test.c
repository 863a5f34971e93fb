/* The bill: items that add up, terms and steps, sites and currencies, what is missing; allocation
 * failures. */
#include "base/alloc.h"
#include "plan/bill/bill.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static struct rw_prices prices;

static int setup(void **state)
{
    (void)state;
    struct rw_conf_report report = {0};
    return rw_prices_load(&prices, &report) != RW_OK;
}

static int teardown(void **state)
{
    (void)state;
    rw_prices_free(&prices);
    return 0;
}

static const struct {
    const char *name;
    enum rw_unit unit;
    double value;
} sizes[] = {
    {"app_nodes", RW_UNIT_COUNT, 40},         {"app_nodes_standby", RW_UNIT_COUNT, 10},
    {"gateway_nodes", RW_UNIT_COUNT, 3},      {"gateway_nodes_standby", RW_UNIT_COUNT, 2},
    {"database_nodes", RW_UNIT_COUNT, 3},     {"database_nodes_standby", RW_UNIT_COUNT, 1},
    {"cache_nodes", RW_UNIT_COUNT, 2},        {"storage_hot", RW_UNIT_BYTES, 80e12},
    {"storage_cold", RW_UNIT_BYTES, 3.65e15}, {"storage_backup", RW_UNIT_BYTES, 160e12},
    {"egress_month", RW_UNIT_BYTES, 70e12},   {"transfer_month", RW_UNIT_BYTES, 20e12},
    {"link", RW_UNIT_BITS_PER_SECOND, 2.5e9}, {"database_cores", RW_UNIT_COUNT, 16},
    {"cache_cores", RW_UNIT_COUNT, 8},
};

/* The same machine in every tier. */
static double grown(size_t size, unsigned tier)
{
    bool fixed = strstr(sizes[size].name, "_cores") != NULL;
    return sizes[size].value * (fixed ? 1 : tier + 1);
}

/* What sizing would have added. */
static void add_sizes(struct rw_plan *plan)
{
    for (unsigned t = 0; t < plan->tier_count; t++)
        for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++)
            (void)rw_sheet_add(&plan->sheet,
                               &(struct rw_cell){
                                   .id = rw_sheet_text(&plan->sheet, "sizing.%s.%s",
                                                       plan->tiers[t].id, sizes[i].name),
                                   .label = RW_LABEL(sizes[i].name, sizes[i].name),
                                   .unit = sizes[i].unit,
                                   .origin = RW_ORIGIN_ASSUMED,
                                   .value = grown(i, t),
                                   .reason = RW_LABEL("test", "测试"),
                               });
}

static void begin(struct rw_plan *plan, const struct rw_term_site *sites, unsigned count)
{
    static const struct rw_input_value nothing[RW_INPUT_END];
    rw_plan_init(plan);
    plan->prices = &prices;
    plan->terms.date = 20777; /* 2026-11-20 */
    for (unsigned i = 0; i < count; i++)
        plan->terms.sites[i] = sites[i];
    plan->terms.site_count = count;
    plan->tier_count = rw_tiers_make(&plan->terms, plan->tiers);
    rw_inputs_add(&plan->sheet, nothing, plan->inputs);
    add_sizes(plan);
}

static double value(const struct rw_plan *plan, const char *id)
{
    uint32_t cell = rw_sheet_find(&plan->sheet, id);
    if (cell == RW_CELL_NONE)
        fail_msg("no cell %s", id);
    return rw_sheet_value(&plan->sheet, cell);
}

static unsigned findings_of(const struct rw_plan *plan, const char *rule)
{
    unsigned count = 0;
    for (unsigned i = 0; i < plan->findings.count; i++)
        count += strcmp(plan->findings.at[i].rule, rule) == 0;
    return count;
}

static void expect_sums(const struct rw_plan *plan)
{
    for (unsigned t = 0; t < plan->tier_count; t++) {
        double month = 0, year = 0;
        for (unsigned i = 0; i < plan->bill->item_count; i++) {
            const struct rw_bill_item *item = &plan->bill->items[i];
            if (item->tier != t)
                continue;
            double one = rw_sheet_value(&plan->sheet, item->month);
            assert_true(isnan(one) || one == rint(one));
            month += one;
            year += rw_sheet_value(&plan->sheet, item->year);
        }
        char id[32];
        snprintf(id, sizeof(id), "bill.t%u.month", t + 1);
        double total = value(plan, id);
        assert_true(total == month || (isnan(total) && isnan(month)));
        snprintf(id, sizeof(id), "bill.t%u.year", t + 1);
        assert_true(isnan(total) || (value(plan, id) == year && year == 12 * total));
    }
}

static void test_amazon(void **state)
{
    (void)state;
    const struct rw_term_site site = {"aws", "us-east-1", 1, {0, 0}};
    struct rw_plan plan;
    begin(&plan, &site, 1);
    assert_int_equal(rw_bill_chapter(&plan), RW_OK);
    expect_sums(&plan);
    /* 40, and 10 that stand by. */
    assert_true(value(&plan, "bill.t1.s1.app.nodes") == 50);
    assert_true(value(&plan, "bill.t1.s1.app.quantity") >= 50);
    /* 3 + 2 gateways. */
    assert_true(value(&plan, "bill.t1.s1.gateway.nodes") == 5);
    /* 3 + 1 database nodes of 16 cores and 2 cache nodes of 8, on machines of 8. */
    assert_true(value(&plan, "bill.t1.s1.database.vcpu") == 8);
    assert_true(value(&plan, "bill.t1.s1.database.quantity") == 8);
    assert_true(value(&plan, "bill.t1.s1.cache.quantity") == 2);
    /* 3.65 PB at 0.0125 USD for each of 2^30 bytes. */
    double cold = 3.65e15 / 1073741824.0 * 0.0125;
    assert_true(fabs(value(&plan, "bill.t1.s1.storage_cold.month") / 100 - cold) < 0.01);
    /* 70 TB in steps: 10 TB, 40 TB, the rest. */
    double gib = 70e12 / 1073741824.0;
    double egress = 10240 * 0.09 + 40960 * 0.085 + (gib - 51200) * 0.07;
    assert_true(fabs(value(&plan, "bill.t1.s1.egress.month") / 100 - egress) < 0.01);
    assert_true(value(&plan, "bill.t1.setup") == 0);
    assert_true(value(&plan, "bill.t1.year") > 0);
    assert_true(value(&plan, "bill.t3.year") > value(&plan, "bill.t1.year"));
    assert_int_equal(findings_of(&plan, "price_missing"), 0);
    assert_int_equal(findings_of(&plan, "site_assumed"), 0);
    rw_plan_free(&plan);
}

static void test_commitment(void **state)
{
    (void)state;
    const struct rw_term_site site = {"gcp", "europe-west3", 1, {0, 0}};
    struct rw_plan plan;
    begin(&plan, &site, 1);
    assert_int_equal(rw_bill_chapter(&plan), RW_OK);
    expect_sums(&plan);
    const struct rw_bill_item *base = NULL, *burst = NULL;
    for (unsigned i = 0; i < plan.bill->item_count; i++) {
        const struct rw_bill_item *item = &plan.bill->items[i];
        if (item->tier == 0 && strcmp(item->name, "app_base") == 0)
            base = item;
        if (item->tier == 0 && strcmp(item->name, "app_burst") == 0)
            burst = item;
    }
    if (!base || !burst) {
        fail_msg("no base or no burst");
        return;
    }
    assert_string_equal(base->term, "committed_1y");
    assert_string_equal(burst->term, "on_demand");
    double all = value(&plan, "bill.t1.s1.app.quantity");
    assert_true(rw_sheet_value(&plan.sheet, base->quantity) == ceil(all / 5));
    assert_true(rw_sheet_value(&plan.sheet, base->quantity) +
                    rw_sheet_value(&plan.sheet, burst->quantity) ==
                all);
    double breakeven = value(&plan, "bill.t1.s1.app.breakeven");
    assert_true(breakeven > 0.3 && breakeven < 1);
    rw_plan_free(&plan);
}

/* Every provider, and what is known to be missing there is told and poisons the sum. */
static void test_missing(void **state)
{
    (void)state;
    const struct rw_term_site site = {"alibaba", "cn-beijing", 1, {0, 0}};
    struct rw_plan plan;
    begin(&plan, &site, 1);
    plan.sheet.currency = "CNY";
    assert_int_equal(rw_bill_chapter(&plan), RW_OK);
    expect_sums(&plan);
    assert_true(isnan(value(&plan, "bill.t1.year")));
    assert_true(value(&plan, "bill.t1.s1.app.month") > 0);
    assert_int_equal(findings_of(&plan, "price_missing"), plan.bill->prices_missing);
    assert_int_equal(plan.bill->prices_missing, 5);
    assert_int_equal(findings_of(&plan, "price_requote"), 1);
    uint32_t causes[16];
    unsigned count =
        rw_sheet_missing(&plan.sheet, rw_sheet_find(&plan.sheet, "bill.t1.year"), causes, 16);
    assert_int_equal(count, 5);
    rw_plan_free(&plan);
}

static void test_currencies(void **state)
{
    (void)state;
    const struct rw_term_site sites[] = {{"aws_cn", "cn-north-1", 2, {0, 0}},
                                         {"azure", "polandcentral", 1, {0, 0}}};
    struct rw_plan plan;
    begin(&plan, sites, 2);
    assert_int_equal(rw_bill_chapter(&plan), RW_OK);
    assert_int_equal(findings_of(&plan, "currency_rate"), 1);
    assert_true(isnan(value(&plan, "bill.t1.s1.app.month")));
    assert_true(value(&plan, "bill.t1.s2.gateway.month") > 0);
    rw_plan_free(&plan);

    begin(&plan, sites, 2);
    plan.terms.rates[0] = (struct rw_term_rate){"CNY", 0.14, {7, 3}};
    plan.terms.rate_count = 1;
    assert_int_equal(rw_bill_chapter(&plan), RW_OK);
    expect_sums(&plan);
    assert_int_equal(findings_of(&plan, "currency_rate"), 0);
    /* Two thirds of 40, and a third of the 10 that stand by for the other. */
    assert_true(value(&plan, "bill.t1.s1.app.nodes") == 27 + 4);
    assert_true(value(&plan, "bill.t1.s2.app.nodes") == 14 + 7);
    double count = value(&plan, "bill.t1.s1.gateway.quantity");
    double price = NAN;
    for (unsigned i = 0; i < plan.bill->item_count && isnan(price); i++)
        if (strcmp(plan.bill->items[i].name, "gateway") == 0)
            price = rw_sheet_value(&plan.sheet, plan.bill->items[i].price);
    assert_true(value(&plan, "bill.t1.s1.gateway.month") == rint(100 * count * price * 730 * 0.14));
    rw_plan_free(&plan);
}

static void test_assumed_site(void **state)
{
    (void)state;
    struct rw_plan plan;
    begin(&plan, NULL, 0);
    assert_int_equal(rw_bill_chapter(&plan), RW_OK);
    assert_true(plan.bill->site_assumed && findings_of(&plan, "site_assumed") == 1);
    rw_plan_free(&plan);
}

/* Prices of another region stand in, and it is said that they do. */
static void test_unknown_region(void **state)
{
    (void)state;
    const struct rw_term_site sites[] = {{"azure", "eastus9", 1, {5, 3}},
                                         {"aws", "mars-west-1", 1, {6, 3}},
                                         {"azure", "eastus", 1, {7, 3}}};
    struct rw_plan plan;
    begin(&plan, sites, 3);
    plan.terms.file = "t.yaml";
    assert_int_equal(rw_bill_chapter(&plan), RW_OK);
    expect_sums(&plan);
    assert_int_equal(findings_of(&plan, "region_unknown"), 2);
    const struct rw_finding *finding = plan.findings.at;
    while (strcmp(finding->rule, "region_unknown") != 0)
        finding++;
    assert_string_equal(finding->subject, "azure eastus9");
    assert_int_equal(finding->place.line, 5);
    assert_true(value(&plan, "bill.t1.s1.app.quantity") > 0);
    rw_plan_free(&plan);
}

static const char own_prices[] =
    "schema: ringway.prices/1\n"
    "prices:\n"
    "  - {provider: onprem, service: server, sku: standard, region: any, term: on_demand,\n"
    "     unit: month, price: 410, currency: USD, source: contract 14, date: '2026-09-01'}\n"
    "shapes:\n"
    "  - {sku: standard, vcpu: 32, mem_gib: 256, source: data sheet}\n";

/* On premises nothing is bought unless there are prices for it. */
static void test_on_premises(void **state)
{
    (void)state;
    const struct rw_term_site sites[] = {{"onprem", "Shanghai", 1, {5, 3}},
                                         {"azure", "eastus", 1, {6, 3}}};
    struct rw_plan plan;
    begin(&plan, sites, 2);
    assert_int_equal(rw_bill_chapter(&plan), RW_OK);
    assert_int_equal(plan.bill->site_count, 1);
    assert_int_equal(findings_of(&plan, "site_unpriced"), 1);
    rw_plan_free(&plan);

    struct rw_prices own;
    struct rw_conf_report report = {0};
    assert_int_equal(rw_prices_load(&own, &report), RW_OK);
    assert_int_equal(rw_prices_overlay_text(&own, rw_span_text(own_prices), "own.yaml", &report),
                     RW_OK);
    begin(&plan, sites, 2);
    plan.prices = &own;
    assert_int_equal(rw_bill_chapter(&plan), RW_OK);
    expect_sums(&plan);
    assert_int_equal(plan.bill->site_count, 2);
    /* 20 + 5 nodes of 4 cores on machines of 32: four of them at 410 a month. */
    assert_true(value(&plan, "bill.t1.s1.app.month") == 4 * 41000);
    assert_true(isnan(value(&plan, "bill.t1.s1.storage_hot.month")));
    rw_plan_free(&plan);
    rw_prices_free(&own);
}

static void test_places(void **state)
{
    (void)state;
    static const struct {
        const char *provider, *region, *id, *place;
    } cases[] = {
        {"AWS", "北京区域", "aws_cn", "cn-north-1"},
        {"AWS北京", "", "aws_cn", "cn-north-1"},
        {"aws", "eu-west-1", "aws", "eu-west-1"},
        {"AWS", "", "aws", "us-east-1"},
        {"Azure", "East US 2", "azure", "eastus2"},
        {"Azure East US", "", "azure", "eastus"},
        {"azure", "polandcentral", "azure", "polandcentral"},
        {"Google Cloud", "Frankfurt", "gcp", "europe-west3"},
        {"阿里云", "杭州", "alibaba", "cn-hangzhou"},
        {"本地数据中心", "上海", "onprem", "any"},
        {"HPE Synergy", "", "onprem", "any"},
        {"aws_cn", "cn-north-1", "aws_cn", "cn-north-1"},
        {"azure", "主站 eastus（美国）", "azure", "eastus"},
        {"azure", "eastus9", "azure", NULL},
        {"aws", "mars-west-1", "aws", NULL},
        {"aws", "us-east-1a", "aws", "us-east-1"},
        {"aws", "us-east-11", "aws", NULL},
        {"阿里云", "cn-hangzhou-h", "alibaba", "cn-hangzhou"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        const char *id = NULL, *place = NULL;
        print_message("%s %s\n", cases[i].provider, cases[i].region);
        assert_true(rw_bill_place(rw_span_text(cases[i].provider), rw_span_text(cases[i].region),
                                  &id, &place));
        assert_string_equal(id, cases[i].id);
        assert_true((place == NULL) == (cases[i].place == NULL));
        if (cases[i].place)
            assert_string_equal(place, cases[i].place);
    }
    const char *id, *place;
    assert_false(rw_bill_place(RW_LITERAL("somebody"), RW_LITERAL("eastus"), &id, &place));
}

static void test_allocation_failures(void **state)
{
    (void)state;
    const struct rw_term_site sites[] = {{"aws_cn", "cn-north-1", 2, {0, 0}},
                                         {"azure", "polandcentral", 1, {0, 0}}};
    for (uint64_t n = 0;; n++) {
        struct rw_plan plan;
        begin(&plan, sites, 2);
        rw_alloc_fail_after(n);
        enum rw_err err = rw_bill_chapter(&plan);
        rw_alloc_fail_never();
        rw_plan_free(&plan);
        if (err == RW_OK)
            break;
        assert_int_equal(err, RW_ENOMEM);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_amazon),
        cmocka_unit_test(test_commitment),
        cmocka_unit_test(test_missing),
        cmocka_unit_test(test_currencies),
        cmocka_unit_test(test_assumed_site),
        cmocka_unit_test(test_places),
        cmocka_unit_test(test_unknown_region),
        cmocka_unit_test(test_on_premises),
        cmocka_unit_test(test_allocation_failures),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
