/* The bill: items that add up, terms and steps, sites and currencies, what is missing; allocation
 * failures. */
#include "base/alloc.h"
#include "base/random.h"
#include "plan/bill/bill.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

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
    {"app_nodes", RW_UNIT_COUNT, 40},          {"app_nodes_standby", RW_UNIT_COUNT, 10},
    {"gateway_nodes", RW_UNIT_COUNT, 3},       {"gateway_nodes_standby", RW_UNIT_COUNT, 2},
    {"database_nodes", RW_UNIT_COUNT, 3},      {"database_nodes_standby", RW_UNIT_COUNT, 1},
    {"cache_nodes", RW_UNIT_COUNT, 2},         {"storage_hot", RW_UNIT_BYTES, 80e12},
    {"storage_cold", RW_UNIT_BYTES, 3.65e15},  {"storage_backup", RW_UNIT_BYTES, 160e12},
    {"egress_month", RW_UNIT_BYTES, 70e12},    {"transfer_zones", RW_UNIT_BYTES, 20e12},
    {"transfer_regions", RW_UNIT_BYTES, 3e12}, {"storage_logs", RW_UNIT_BYTES, 9e12},
    {"entry_month", RW_UNIT_BYTES, 90e12},     {"zones", RW_UNIT_COUNT, 3},
    {"link", RW_UNIT_BITS_PER_SECOND, 2.5e9},  {"database_cores", RW_UNIT_COUNT, 16},
    {"cache_cores", RW_UNIT_COUNT, 8},         {"monitor_nodes", RW_UNIT_COUNT, 2},
};

static double size_factor = 1;

/* The same machine in every tier and year; three years, each larger than the one before. */
static double grown(size_t size, unsigned tier, unsigned year)
{
    bool fixed = strstr(sizes[size].name, "_cores") || strcmp(sizes[size].name, "zones") == 0;
    return sizes[size].value * (fixed ? 1 : size_factor * (tier + 1) * (2 + year) / 3.0);
}

static void add_size(struct rw_plan *plan, const char *id, enum rw_unit unit, double value)
{
    (void)rw_sheet_add(&plan->sheet, &(struct rw_cell){
                                         .id = id,
                                         .label = RW_LABEL("size", "规模"),
                                         .unit = unit,
                                         .origin = RW_ORIGIN_ASSUMED,
                                         .value = value,
                                         .reason = RW_LABEL("test", "测试"),
                                     });
}

/* What sizing would have added: year 1 is what `sizes` says. */
static void add_sizes(struct rw_plan *plan)
{
    struct rw_sheet *sheet = &plan->sheet;
    unsigned years = rw_plan_term(plan);
    for (unsigned y = 1; y <= years; y++) {
        const char *suffix = y < years ? rw_sheet_text(sheet, ".%u", y) : "";
        add_size(plan, rw_sheet_text(sheet, "sizing.connections%s", suffix), RW_UNIT_COUNT,
                 1e6 * y);
        add_size(plan, rw_sheet_text(sheet, "sizing.requests_month%s", suffix), RW_UNIT_COUNT,
                 50e9 * y);
        for (unsigned t = 0; t < plan->tier_count; t++)
            for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++)
                add_size(plan,
                         rw_sheet_text(sheet, "sizing.%s.%s%s", plan->tiers[t].id, sizes[i].name,
                                       suffix),
                         sizes[i].unit, grown(i, t, y));
    }
}

static unsigned tiers_wanted; /* 0: the usual ones */

static void begin_with(struct rw_plan *plan, const struct rw_term_site *sites, unsigned count,
                       const struct rw_input_value *values)
{
    rw_plan_init(plan);
    plan->prices = &prices;
    plan->terms.date = 20777; /* 2026-11-20 */
    for (unsigned i = 0; i < count; i++)
        plan->terms.sites[i] = sites[i];
    plan->terms.site_count = count;
    plan->terms.tier_count = tiers_wanted;
    plan->tier_count = rw_tiers_make(&plan->terms, plan->tiers);
    rw_inputs_add(&plan->sheet, values, plan->inputs);
    add_sizes(plan);
}

static void begin(struct rw_plan *plan, const struct rw_term_site *sites, unsigned count)
{
    static const struct rw_input_value nothing[RW_INPUT_END];
    begin_with(plan, sites, count, nothing);
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

/* "13,000.5 USD/month" */
static double shown_number(const char *text)
{
    char digits[64];
    size_t count = 0;
    for (; *text && *text != ' ' && count < sizeof(digits) - 1; text++)
        if (*text != ',')
            digits[count++] = *text;
    digits[count] = 0;
    return strtod(digits, NULL);
}

/* What is shown of a line: quantity, price and times, and their product to the cent. */
static void expect_line(const struct rw_plan *plan, const struct rw_bill_item *item, unsigned y)
{
    double quantity = rw_sheet_value(&plan->sheet, item->quantity[y]);
    double price = rw_sheet_value(&plan->sheet, item->paid);
    double times = rw_sheet_value(&plan->sheet, item->times);
    double month = rw_sheet_value(&plan->sheet, item->month[y]);
    double year = rw_sheet_value(&plan->sheet, item->year[y]);
    if (isnan(month)) {
        assert_true(isnan(quantity) || isnan(price));
        return;
    }
    struct rw_text shown = {0};
    rw_quantity_write(&shown, rw_sheet_quantity(&plan->sheet, item->paid), RW_LANGUAGE_EN);
    assert_true(quantity == rint(quantity) && times == rint(times));
    assert_true(shown_number(shown.at) == price);
    assert_true(fabs(month - 100 * quantity * price * times) <= 0.5 + 1e-6 * fabs(month) / 1e6);
    assert_true(year == rw_sheet_value(&plan->sheet, plan->bill->months[y]) * month);
    rw_text_free(&shown);
}

static void expect_sums_of(const struct rw_plan *plan, unsigned t, unsigned y)
{
    double month = 0, year = 0;
    char id[64];
    for (unsigned i = 0; i < plan->bill->item_count; i++) {
        const struct rw_bill_item *item = &plan->bill->items[i];
        if (item->tier != t)
            continue;
        expect_line(plan, item, y);
        month += rw_sheet_value(&plan->sheet, item->month[y]);
        year += rw_sheet_value(&plan->sheet, item->year[y]);
    }
    snprintf(id, sizeof(id), "bill.t%u.month.%u", t + 1, y + 1);
    assert_true(value(plan, id) == month || (isnan(value(plan, id)) && isnan(month)));
    snprintf(id, sizeof(id), "bill.t%u.year.%u", t + 1, y + 1);
    assert_true(value(plan, id) == year || (isnan(value(plan, id)) && isnan(year)));
}

static void expect_sums(const struct rw_plan *plan)
{
    for (unsigned t = 0; t < plan->tier_count; t++) {
        double term = 0;
        char id[64];
        for (unsigned y = 0; y < plan->bill->years; y++) {
            expect_sums_of(plan, t, y);
            snprintf(id, sizeof(id), "bill.t%u.year.%u", t + 1, y + 1);
            term += value(plan, id);
        }
        snprintf(id, sizeof(id), "bill.t%u.term", t + 1);
        assert_true(value(plan, id) == term || (isnan(value(plan, id)) && isnan(term)));
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
    assert_true(value(&plan, "bill.t1.s1.app.nodes.1") == 50);
    assert_true(value(&plan, "bill.t1.s1.app.quantity.1") >= 50);
    /* 3 + 2 gateways. */
    assert_true(value(&plan, "bill.t1.s1.gateway.nodes.1") == 5);
    /* 3 + 1 database nodes of 16 cores and 2 cache nodes of 8, on machines of 8. */
    assert_true(value(&plan, "bill.machine.aws.r6i.2xlarge.vcpu") == 8);
    assert_true(value(&plan, "bill.t1.s1.database.quantity.1") == 8);
    assert_true(value(&plan, "bill.t1.s1.cache.quantity.1") == 2);
    /* 3.65 PB at 0.0125 USD for each of 2^30 bytes. */
    double cold = ceil(3.65e15 / 1073741824.0) * 0.0125;
    assert_true(fabs(value(&plan, "bill.t1.s1.storage_cold.month.1") / 100 - cold) < 0.01);
    /* 70 TB in steps: 10 TB, 40 TB, the rest; a line each, as prices are. */
    double gib = ceil(70e12 / 1073741824.0);
    assert_true(value(&plan, "bill.t1.s1.egress_1.month.1") == 10240 * 9);
    assert_true(value(&plan, "bill.t1.s1.egress_2.month.1") == rint(40960 * 8.5));
    assert_true(value(&plan, "bill.t1.s1.egress_3.quantity.1") == gib - 51200);
    assert_true(value(&plan, "bill.t1.s1.egress_4.quantity.1") == 0);
    /* Both directions between zones; 1e6 connections are ten units, 90 TB a month 115. */
    assert_true(value(&plan, "bill.t1.s1.zones.quantity.1") == ceil(2 * 20e12 / 1073741824.0));
    assert_true(value(&plan, "bill.t1.s1.entry_units.quantity.1") ==
                ceil(90e12 / 730 / 1073741824.0));
    /* A gateway for outgoing calls in each zone; where a second region stands by, there, too. */
    assert_true(value(&plan, "bill.t1.s1.nat.quantity") == 3);
    assert_true(value(&plan, "bill.t3.s1.nat.quantity") == 6);
    /* Each year its own quantities. */
    assert_true(value(&plan, "bill.t1.s1.gateway.nodes.2") ==
                ceil(3 * 4 / 3.0) + ceil(2 * 4 / 3.0));
    assert_true(value(&plan, "bill.t1.year.1") < value(&plan, "bill.t1.year.2"));
    assert_true(value(&plan, "bill.t1.year.2") < value(&plan, "bill.t1.year.3"));
    /* What is left out is told, and stops nothing. */
    assert_true(plan.bill->omission_count >= 4);
    assert_int_equal(findings_of(&plan, "cost_left_out"), 1);
    assert_true(value(&plan, "bill.t1.setup") == 0);
    assert_true(value(&plan, "bill.t1.year.1") > 0);
    assert_true(value(&plan, "bill.t3.year.1") > value(&plan, "bill.t1.year.1"));
    assert_int_equal(findings_of(&plan, "price_missing"), 0);
    assert_int_equal(findings_of(&plan, "site_assumed"), 0);
    rw_plan_free(&plan);
}

/* A share of all that is paid for at the provider, in steps, at least the plan's fee. */
static double support_of(const struct rw_plan *plan, unsigned tier)
{
    double fee = 0;
    for (unsigned i = 0; i < plan->bill->item_count; i++) {
        const struct rw_bill_item *item = &plan->bill->items[i];
        if (item->tier == tier && strcmp(item->service, "support") == 0)
            fee += rw_sheet_value(&plan->sheet, item->month[0]);
    }
    return fee / 100;
}

static double spent_on(const struct rw_plan *plan, unsigned tier)
{
    double spent = 0;
    for (unsigned i = 0; i < plan->bill->item_count; i++) {
        const struct rw_bill_item *item = &plan->bill->items[i];
        if (item->tier == tier && strcmp(item->service, "support") != 0)
            spent += rw_sheet_value(&plan->sheet, item->month[0]);
    }
    return ceil(spent / 100 - 1e-9);
}

/* 10, 7, 5 and 3 % of what lies in four steps; at least the first step's fee of `least`. */
static double fee_of(double spent, const double ends[3], double least)
{
    static const double shares[] = {0.1, 0.07, 0.05, 0.03};
    double fee = 0, from = 0, counted = fmax(spent, least);
    for (unsigned i = 0; i < 4; i++) {
        double to = i < 3 ? fmin(ends[i], counted) : counted;
        fee += shares[i] * fmax(0, to - from);
        from = to;
    }
    return fee;
}

static void test_support(void **state)
{
    (void)state;
    const struct rw_term_site site = {"aws", "us-east-1", 1, {0, 0}};
    struct rw_plan plan;
    begin(&plan, &site, 1);
    assert_int_equal(rw_bill_chapter(&plan), RW_OK);
    static const double plain[] = {10000, 80000, 250000}, fast[] = {150000, 500000, 1000000};
    assert_true(fabs(support_of(&plan, 0) - fee_of(spent_on(&plan, 0), plain, 1000)) < 0.03);
    /* A first answer in 15 minutes is of the plan that begins at 15,000 USD. */
    assert_true(spent_on(&plan, 2) > 150000);
    assert_true(fabs(support_of(&plan, 2) - fee_of(spent_on(&plan, 2), fast, 150000)) < 0.03);
    rw_plan_free(&plan);

    size_factor = 0.01;
    begin(&plan, &site, 1);
    assert_int_equal(rw_bill_chapter(&plan), RW_OK);
    assert_true(spent_on(&plan, 2) < 150000 && support_of(&plan, 2) == 15000);
    size_factor = 1;
    rw_plan_free(&plan);
}

static void test_firewall(void **state)
{
    (void)state;
    const struct rw_term_site site = {"aws", "us-east-1", 1, {0, 0}};
    struct rw_plan plan;
    begin(&plan, &site, 1);
    assert_int_equal(rw_bill_chapter(&plan), RW_OK);
    /* A fifth of 50e9 requests, at 0.60 USD a million; ten rules in each region. */
    assert_true(value(&plan, "bill.t1.s1.firewall_requests.quantity.1") == 10000);
    assert_true(value(&plan, "bill.t1.s1.firewall_requests.month.1") == 600000);
    assert_true(value(&plan, "bill.t1.s1.firewall_rules.quantity") == 10);
    assert_true(value(&plan, "bill.t3.s1.firewall_rules.quantity") == 20);
    rw_plan_free(&plan);

    /* One that stays is its maker's to quote: nothing is bought, and that is told. */
    begin(&plan, &site, 1);
    plan.terms.own_firewall = true;
    assert_int_equal(rw_bill_chapter(&plan), RW_OK);
    assert_int_equal(rw_sheet_find(&plan.sheet, "bill.t1.s1.firewall_requests.quantity.1"),
                     RW_CELL_NONE);
    bool told = false;
    for (unsigned i = 0; i < plan.bill->omission_count; i++)
        told = told || strstr(plan.bill->omissions[i].label.en, "firewall");
    assert_true(told);
    rw_plan_free(&plan);

    /* By connections (1e6 / 2,500) or by requests (a fifth of 50e9 / 730 h / 10 a second). */
    const struct rw_term_site azure = {"azure", "eastus", 1, {0, 0}};
    begin(&plan, &azure, 1);
    assert_int_equal(rw_bill_chapter(&plan), RW_OK);
    assert_true(value(&plan, "bill.t1.s1.firewall_units.quantity.1") == 400);
    assert_true(value(&plan, "bill.t1.s1.support.month.1") == 100000);
    rw_plan_free(&plan);
}

/* The totals of a provider that no list has stop, and say what they need; its prices make them
 * stand. Names in other scripts are no ids, and stay apart. */
static void test_unlisted_provider(void **state)
{
    (void)state;
    const struct rw_term_site sites[] = {{"天翼云", "贵州", 1, {0, 0}},
                                         {"华为云", "上海", 1, {0, 0}}};
    struct rw_plan plan;
    begin(&plan, sites, 2);
    assert_int_equal(rw_bill_chapter(&plan), RW_OK);
    assert_int_equal(findings_of(&plan, "provider_unpriced"), 2);
    assert_int_equal(findings_of(&plan, "site_assumed"), 0);
    assert_true(findings_of(&plan, "price_missing") >= 12);
    assert_true(isnan(value(&plan, "bill.t1.year.1")) && isnan(value(&plan, "bill.t3.term")));
    rw_plan_free(&plan);
}

/* A hundred machines at 0.384 USD an hour; of a kind that no list has, nothing is said. */
static void test_machines_of_today(void **state)
{
    (void)state;
    const struct rw_term_site site = {"azure", "eastus", 1, {0, 0}};
    struct rw_plan plan;
    begin(&plan, &site, 1);
    plan.terms.fleets[0] = (struct rw_term_fleet){"azure", "eastus", "D8s_v3", 100, {7, 5}};
    plan.terms.fleets[1] = (struct rw_term_fleet){"azure", "eastus", "D999_v9", 4, {8, 5}};
    plan.terms.fleet_count = 2;
    assert_int_equal(rw_bill_chapter(&plan), RW_OK);
    assert_true(value(&plan, "bill.now.year") == 100 * 8760 * 38.4);
    assert_int_equal(findings_of(&plan, "cost_now_open"), 1);
    assert_int_equal(rw_sheet_find(&plan.sheet, "bill.now.2.year"), RW_CELL_NONE);
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
    double all = value(&plan, "bill.t1.s1.app.quantity.1");
    assert_true(rw_sheet_value(&plan.sheet, base->quantity[0]) == ceil(all / 5));
    assert_true(rw_sheet_value(&plan.sheet, base->quantity[0]) +
                    rw_sheet_value(&plan.sheet, burst->quantity[0]) ==
                all);
    double breakeven = value(&plan, "bill.t1.s1.app.breakeven");
    assert_true(breakeven > 0.3 && breakeven < 1);
    /* By hand: what runs for a third of the hours costs less by the hour, and would not from the
     * break-even on. */
    double committed = rw_sheet_value(&plan.sheet, base->paid);
    double free = rw_sheet_value(&plan.sheet, burst->paid);
    assert_true(fabs(committed / free - breakeven) < 1e-3);
    assert_true(rw_sheet_value(&plan.sheet, burst->times) == 243 && 243 * free < 730 * committed);
    rw_plan_free(&plan);

    /* Load that is high for nine hours of ten: all of it is committed. */
    begin(&plan, &site, 1);
    assert_int_equal(rw_sheet_set(&plan.sheet, RW_LITERAL("bill.burst_hours"), 0.9), RW_OK);
    assert_int_equal(rw_bill_chapter(&plan), RW_OK);
    expect_sums(&plan);
    assert_true(value(&plan, "bill.t1.s1.app.month.1") > 0);
    assert_int_equal(rw_sheet_find(&plan.sheet, "bill.t1.s1.app_burst.month.1"), RW_CELL_NONE);
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
    assert_true(isnan(value(&plan, "bill.t1.year.1")));
    assert_true(value(&plan, "bill.t1.s1.app_base.month.1") > 0);
    assert_int_equal(findings_of(&plan, "price_missing"), plan.bill->prices_missing);
    assert_int_equal(plan.bill->prices_missing, 5);
    assert_int_equal(findings_of(&plan, "price_requote"), 1);
    uint32_t causes[16];
    unsigned count =
        rw_sheet_missing(&plan.sheet, rw_sheet_find(&plan.sheet, "bill.t1.year.1"), causes, 16);
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
    assert_true(isnan(value(&plan, "bill.t1.s1.app_base.month.1")));
    assert_true(value(&plan, "bill.t1.s2.gateway.month.1") > 0);
    rw_plan_free(&plan);

    begin(&plan, sites, 2);
    plan.terms.rates[0] = (struct rw_term_rate){"CNY", 0.14, {7, 3}};
    plan.terms.rate_count = 1;
    assert_int_equal(rw_bill_chapter(&plan), RW_OK);
    expect_sums(&plan);
    assert_int_equal(findings_of(&plan, "currency_rate"), 0);
    /* Two thirds of 40, and of the 10 that stand by two thirds, too: under the same law. */
    assert_int_equal(findings_of(&plan, "standby_at_home"), 2);
    assert_true(value(&plan, "bill.t1.s1.app.nodes.1") == 27 + 7);
    assert_true(value(&plan, "bill.t1.s2.app.nodes.1") == 14 + 4);
    double count = value(&plan, "bill.t1.s1.gateway.quantity.1");
    double price = NAN;
    for (unsigned i = 0; i < plan.bill->item_count && isnan(price); i++)
        if (strcmp(plan.bill->items[i].name, "gateway") == 0)
            price = rw_sheet_value(&plan.sheet, plan.bill->items[i].price);
    /* In the plan's currency to a millionth, as it is shown. */
    price = rint(price * 0.14 * 1e6) / 1e6;
    assert_true(value(&plan, "bill.t1.s1.gateway.month.1") == rint(100 * count * price * 730));
    rw_plan_free(&plan);
}

/* What stands by for a site stands at the next one under the same law. */
static void test_standby(void **state)
{
    (void)state;
    const struct rw_term_site sites[] = {{"aws", "eu-central-1", 3, {0, 0}},
                                         {"aws_cn", "cn-north-1", 1, {0, 0}},
                                         {"azure", "westeurope", 1, {0, 0}}};
    struct rw_plan plan;
    begin(&plan, sites, 3);
    assert_int_equal(rw_bill_chapter(&plan), RW_OK);
    assert_int_equal(plan.bill->standby[0], 2);
    assert_int_equal(plan.bill->standby[1], 1);
    assert_int_equal(plan.bill->standby[2], 0);
    assert_int_equal(findings_of(&plan, "standby_at_home"), 1);
    /* 40 and 10: of the 10, a fifth stands in Frankfurt, three fifths in the Netherlands. */
    assert_true(value(&plan, "bill.t1.s1.app.nodes.1") == 24 + 2);
    assert_true(value(&plan, "bill.t1.s2.app.nodes.1") == 8 + 2);
    assert_true(value(&plan, "bill.t1.s3.app.nodes.1") == 8 + 6);
    const struct rw_term_site nowhere = {"aws", "mars-west-1", 1, {0, 0}};
    assert_null(rw_bill_jurisdiction(&nowhere));
    const struct rw_term_site own = {"onprem", "Frankfurt", 1, {0, 0}};
    assert_string_equal(rw_bill_jurisdiction(&own), "EU");
    rw_plan_free(&plan);
}

/* A term of two and a half years: the last one has six months. */
static void test_a_part_of_a_year(void **state)
{
    (void)state;
    const struct rw_term_site site = {"aws", "us-east-1", 1, {0, 0}};
    struct rw_plan plan;
    struct rw_input_value values[RW_INPUT_END] = {0};
    values[RW_INPUT_TERM] = (struct rw_input_value){.present = true, .value = 2.5};
    begin_with(&plan, &site, 1, values);
    assert_int_equal(rw_bill_chapter(&plan), RW_OK);
    expect_sums(&plan);
    assert_int_equal(plan.bill->years, 3);
    assert_true(value(&plan, "plan.months.3") == 6);
    assert_true(value(&plan, "bill.t1.year.3") == 6 * value(&plan, "bill.t1.month.3"));
    rw_plan_free(&plan);
}

/* All that may be asked for at once fits. */
static void test_the_largest_bill(void **state)
{
    (void)state;
    const struct rw_term_site sites[] = {{"aws", "us-east-1", 3, {0, 0}},
                                         {"aws", "eu-central-1", 1, {0, 0}},
                                         {"gcp", "europe-west3", 1, {0, 0}},
                                         {"azure", "westeurope", 1, {0, 0}}};
    struct rw_plan plan;
    struct rw_input_value values[RW_INPUT_END] = {0};
    values[RW_INPUT_TERM] = (struct rw_input_value){.present = true, .value = RW_PLAN_YEARS_MAX};
    tiers_wanted = RW_TIERS_MAX;
    begin_with(&plan, sites, 4, values);
    tiers_wanted = 0;
    assert_int_equal(rw_bill_chapter(&plan), RW_OK);
    assert_int_equal(plan.tier_count, RW_TIERS_MAX);
    expect_sums(&plan);
    rw_plan_free(&plan);
}

static const struct rw_term_site some_sites[] = {
    {"aws", "us-east-1", 1, {0, 0}},     {"aws", "eu-central-1", 1, {0, 0}},
    {"aws_cn", "cn-north-1", 1, {0, 0}}, {"azure", "westeurope", 1, {0, 0}},
    {"azure", "eastus", 1, {0, 0}},      {"gcp", "europe-west3", 1, {0, 0}},
    {"gcp", "us-central1", 1, {0, 0}},   {"alibaba", "cn-beijing", 1, {0, 0}},
    {"onprem", "any", 1, {0, 0}},        {"aws", "ap-southeast-1", 1, {0, 0}},
};

/* Any sites, weights, terms, tiers, sizes and rates: every line and every sum of every year. */
static void test_random_bills_add_up(void **state)
{
    (void)state;
    struct rw_random random;
    unsigned known = 0;
    rw_random_seed(&random, 6);
    for (int round = 0; round < 60; round++) {
        struct rw_plan plan;
        struct rw_term_site sites[RW_SITES_MAX];
        struct rw_input_value values[RW_INPUT_END] = {0};
        unsigned count = rw_random_below(&random, RW_SITES_MAX + 1);
        for (unsigned i = 0; i < count; i++) {
            sites[i] = some_sites[rw_random_below(&random, sizeof(some_sites) / sizeof(*sites))];
            sites[i].weight = 1 + rw_random_below(&random, 1000);
        }
        values[RW_INPUT_TERM] = (struct rw_input_value){
            .present = true, .value = 0.25 * (1 + rw_random_below(&random, 24))};
        tiers_wanted = rw_random_below(&random, RW_TIERS_MAX + 1);
        size_factor = exp2((double)rw_random_below(&random, 2400) / 100 - 12);
        begin_with(&plan, sites, count, values);
        plan.terms.rates[0] =
            (struct rw_term_rate){"CNY", 0.1 + 1e-4 * rw_random_below(&random, 1000), {7, 3}};
        plan.terms.rate_count = rw_random_below(&random, 2);
        assert_int_equal(rw_bill_chapter(&plan), RW_OK);
        expect_sums(&plan);
        known += !isnan(value(&plan, "bill.t1.term"));
        rw_plan_free(&plan);
    }
    tiers_wanted = 0;
    size_factor = 1;
    assert_true(known > 5);
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
    assert_true(value(&plan, "bill.t1.s1.app.quantity.1") > 0);
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
    assert_true(value(&plan, "bill.t1.s1.app.month.1") == 4 * 41000);
    assert_true(isnan(value(&plan, "bill.t1.s1.storage_hot.month.1")));
    rw_plan_free(&plan);
    rw_prices_free(&own);
}

static const char discounts[] =
    "schema: ringway.prices/1\n"
    "prices:\n"
    "  - {provider: aws, service: nat_gateway, sku: gateway, region: us-east-1, term: on_demand,\n"
    "     unit: hour, price: 0.03, currency: USD, source: contract 14, date: '2026-09-01'}\n"
    "discounts:\n"
    "  - {provider: aws, service: ec2, percent: 20, source: contract 14, date: '2026-09-01'}\n"
    "  - {provider: aws, percent: 10, source: contract 14, date: '2026-09-01'}\n";

/* The customer's own: 20 % off machines, 10 % off the rest of the list, an own price as it is. */
static void test_discounts(void **state)
{
    (void)state;
    const struct rw_term_site site = {"aws", "us-east-1", 1, {0, 0}};
    struct rw_plan plan, dear;
    struct rw_prices own;
    struct rw_conf_report report = {0};
    assert_int_equal(rw_prices_load(&own, &report), RW_OK);
    assert_int_equal(rw_prices_overlay_text(&own, rw_span_text(discounts), "own.yaml", &report),
                     RW_OK);
    begin(&dear, &site, 1);
    assert_int_equal(rw_bill_chapter(&dear), RW_OK);
    begin(&plan, &site, 1);
    plan.prices = &own;
    assert_int_equal(rw_bill_chapter(&plan), RW_OK);
    expect_sums(&plan);
    assert_int_equal(plan.bill->item_count, dear.bill->item_count);
    for (unsigned i = 0; i < plan.bill->item_count; i++) {
        const struct rw_bill_item *item = &plan.bill->items[i], *list = &dear.bill->items[i];
        assert_string_equal(item->name, list->name);
        double part = strcmp(item->service, "ec2") == 0           ? 0.8
                      : strcmp(item->service, "nat_gateway") == 0 ? 0.03 / 0.045
                                                                  : 0.9;
        assert_true(fabs(rw_sheet_value(&plan.sheet, item->paid) -
                         part * rw_sheet_value(&dear.sheet, list->paid)) < 1e-6);
    }
    rw_plan_free(&plan);
    rw_plan_free(&dear);
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
        {"本地数据中心", "上海", "onprem", NULL}, /* the city is its name */
        {"on premises", "Lyon", "onprem", NULL},
        {"阿里云", "华东2（上海）", "alibaba", "cn-shanghai"},
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
        cmocka_unit_test(test_support),
        cmocka_unit_test(test_firewall),
        cmocka_unit_test(test_machines_of_today),
        cmocka_unit_test(test_unlisted_provider),
        cmocka_unit_test(test_commitment),
        cmocka_unit_test(test_missing),
        cmocka_unit_test(test_currencies),
        cmocka_unit_test(test_standby),
        cmocka_unit_test(test_a_part_of_a_year),
        cmocka_unit_test(test_the_largest_bill),
        cmocka_unit_test(test_random_bills_add_up),
        cmocka_unit_test(test_assumed_site),
        cmocka_unit_test(test_discounts),
        cmocka_unit_test(test_places),
        cmocka_unit_test(test_unknown_region),
        cmocka_unit_test(test_on_premises),
        cmocka_unit_test(test_allocation_failures),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
