/* The same bill at other providers: it is the one that a plan there would have, to the cent; what
 * has no price is named and stops its sum; nothing of it is in the plan's own totals, findings or
 * lines; allocation failures. */
#include "base/alloc.h"
#include "plan/bill/bill.h"
#include "plan/choice.h"
#include "plan/elsewhere/elsewhere.h"
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

static void plan_of(const char *sections)
{
    char path[] = "/tmp/rw_plan_elsewhere_XXXXXX";
    int file = mkstemp(path);
    assert_true(file >= 0);
    FILE *to = fdopen(file, "w");
    fprintf(to,
            "intake: ringway/1\nload: {users: 200k, peak_rate: 300/s}\n"
            "goal: {latency: P99<500ms}\ndata: {per_day: 2GB/day}\n%s",
            sections);
    fclose(to);
    struct rw_conf_report report = {0};
    struct rw_plan_options options = {.intake = path, .date = NAN};
    assert_int_equal(rw_plan_make(&made, &options, &report), RW_OK);
    unlink(path);
}

static const struct rw_elsewhere_place *place_of(const char *provider)
{
    const struct rw_elsewhere *elsewhere = made.plan.elsewhere;
    assert_non_null(elsewhere);
    for (unsigned i = 0; i < elsewhere->place_count; i++) {
        const char *name = elsewhere->places[i].provider;
        if (provider == name || (provider && name && strcmp(provider, name) == 0))
            return &elsewhere->places[i];
    }
    return NULL;
}

static double value(uint32_t cell)
{
    return rw_sheet_value(&made.plan.sheet, cell);
}

static double own_year(void)
{
    const struct rw_tier *tier = &made.plan.tiers[rw_plan_shown(&made.plan)];
    return value(rw_plan_find(&made.plan, "bill", tier, "year.1"));
}

static bool names_gap(const char *provider, const char *article)
{
    const struct rw_elsewhere *elsewhere = made.plan.elsewhere;
    for (unsigned i = 0; i < elsewhere->gap_count; i++) {
        const struct rw_elsewhere_gap *gap = &elsewhere->gaps[i];
        if (&elsewhere->places[gap->place] == place_of(provider) && gap->stops &&
            strstr(gap->article, article))
            return true;
    }
    return false;
}

#define DOLLARS "plan: {date: 2026-11-20, currency: USD}\n"

static void test_a_plan_there_would_cost_the_same(void **state)
{
    (void)state;
    static const struct {
        const char *sites, *provider, *region;
    } cases[] = {
        {DOLLARS "sites: [{provider: aws, region: us-east-1}]\n", "aws", "us-east-1"},
        {DOLLARS "sites: [{provider: azure, region: eastus}]\n", "azure", "eastus"},
    };
    double year[2];
    for (unsigned i = 0; i < 2; i++) {
        plan_of(cases[i].sites);
        year[i] = own_year();
        assert_true(year[i] > 0);
        assert_true(value(place_of(NULL)->year) == year[i]);
        assert_null(place_of(cases[i].provider)); /* it is the plan */
        rw_plan_made_free(&made);
    }
    for (unsigned i = 0; i < 2; i++) {
        plan_of(cases[1 - i].sites);
        const struct rw_elsewhere_place *place = place_of(cases[i].provider);
        assert_string_equal(place->region, cases[i].region); /* under the same law */
        assert_false(place->other_law);
        assert_true(value(place->year) == year[i]);
        rw_plan_made_free(&made);
    }
}

static void test_categories_add_up(void **state)
{
    (void)state;
    plan_of(DOLLARS "sites: [{provider: azure, region: eastus, share: 60%}, "
                    "{provider: aws, region: eu-central-1, share: 40%}]\n");
    const struct rw_elsewhere *elsewhere = made.plan.elsewhere;
    assert_non_null(place_of("aws")); /* a mix is at home nowhere */
    assert_non_null(place_of("azure"));
    for (unsigned i = 0; i < elsewhere->place_count; i++) {
        double sum = 0;
        for (unsigned k = 0; k < elsewhere->category_count; k++)
            if (elsewhere->places[i].categories[k] != RW_CELL_NONE)
                sum += value(elsewhere->places[i].categories[k]);
        double year = value(elsewhere->places[i].year);
        assert_true(sum == year || (isnan(sum) && isnan(year)));
        assert_int_equal(isnan(year), elsewhere->places[i].prices_missing > 0);
    }
    assert_true(isnan(value(place_of(NULL)->year)) && isnan(own_year())); /* no price of a link */
    rw_plan_made_free(&made);
}

static void test_what_has_no_price_is_named_and_stops_the_sum(void **state)
{
    (void)state;
    plan_of(DOLLARS "sites: [{provider: aws, region: us-east-1}]\n");
    assert_true(isnan(value(place_of("alibaba")->year)));
    assert_true(names_gap("alibaba", "disk essd_pl1"));
    assert_true(place_of("alibaba")->other_law);
    assert_true(isnan(value(place_of("onprem")->year)));
    assert_true(names_gap("onprem", "server standard"));
    assert_false(place_of("onprem")->other_law);
    /* The plan's own totals, findings and lines know nothing of it. */
    assert_int_equal(made.plan.bill->prices_missing, 0);
    for (unsigned i = 0; i < made.plan.findings.count; i++)
        assert_string_not_equal(made.plan.findings.at[i].rule, "price_missing");
    for (unsigned i = 0; i < made.plan.bill->item_count; i++)
        assert_string_equal(made.plan.bill->items[i].provider, "aws");
    rw_plan_made_free(&made);
}

static void test_a_list_in_another_currency(void **state)
{
    (void)state;
    static const char site[] = "sites: [{provider: aws, region: us-east-1}]\n";
    char sections[512];
    snprintf(sections, sizeof(sections), DOLLARS "%s", site);
    plan_of(sections);
    assert_string_equal(place_of("alibaba")->currency, "CNY");
    double yuan = value(place_of("alibaba")->categories[0]);
    assert_true(yuan > 0);
    rw_plan_made_free(&made);
    snprintf(sections, sizeof(sections),
             DOLLARS "%srates: [{currency: CNY, rate: 0.14, date: 2026-11-20}]\n", site);
    plan_of(sections);
    assert_string_equal(place_of("alibaba")->currency, "USD");
    double dollars = value(place_of("alibaba")->categories[0]);
    assert_true(fabs(dollars / yuan / 0.14 - 1) < 1e-3);
    rw_plan_made_free(&made);
}

static void test_china_has_an_amazon_of_its_own(void **state)
{
    (void)state;
    plan_of("plan: {date: 2026-11-20, currency: CNY}\n"
            "sites: [{provider: alibaba, region: cn-hangzhou}]\n");
    assert_null(place_of("aws"));
    assert_string_equal(place_of("aws_cn")->currency, "CNY");
    assert_true(place_of("azure")->other_law);
    rw_plan_made_free(&made);
}

static void test_on_premises_alone_is_the_plan(void **state)
{
    (void)state;
    plan_of(DOLLARS "sites: [{provider: on premises, region: Frankfurt}]\n");
    assert_false(made.plan.bill->site_assumed);
    assert_string_equal(made.plan.bill->sites[0].provider, "onprem");
    assert_true(isnan(own_year()));
    assert_null(place_of("onprem"));
    assert_true(value(place_of("aws")->year) > 0);
    rw_plan_made_free(&made);
}

/* A plan with the sizes of another one, as far as its bill. */
static void begin_like(struct rw_plan *plan, const struct rw_plan *model)
{
    rw_plan_init(plan);
    plan->prices = model->prices;
    plan->terms = model->terms;
    plan->tiers[0] = model->tiers[0];
    plan->tier_count = 1;
    for (uint32_t i = 0; i < model->sheet.count; i++) {
        struct rw_cell cell = model->sheet.cells[i];
        if (strncmp(cell.id, "intake.", 7) != 0 && strncmp(cell.id, "sizing.", 7) != 0)
            continue;
        cell.origin = RW_ORIGIN_DATA;
        cell.formula = NULL;
        cell.input_count = 0;
        (void)rw_sheet_add(&plan->sheet, &cell);
    }
    for (unsigned i = 0; i < RW_INPUT_END; i++)
        plan->inputs[i] =
            rw_sheet_find(&plan->sheet, rw_sheet_cell(&model->sheet, model->inputs[i])->id);
    assert_int_equal(rw_bill_chapter(plan), RW_OK);
}

static void test_allocation_failures(void **state)
{
    (void)state;
    plan_of(DOLLARS "sites: [{provider: aws, region: us-east-1}]\n");
    enum rw_err err = RW_ENOMEM;
    for (uint64_t n = 0; err; n++) {
        struct rw_plan plan;
        assert_in_range(n, 0, 2000);
        begin_like(&plan, &made.plan);
        rw_alloc_fail_once(n);
        err = rw_elsewhere_chapter(&plan);
        rw_alloc_fail_never();
        assert_true(err == RW_OK || err == RW_ENOMEM);
        rw_plan_free(&plan);
    }
    rw_plan_made_free(&made);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_plan_there_would_cost_the_same),
        cmocka_unit_test(test_categories_add_up),
        cmocka_unit_test(test_what_has_no_price_is_named_and_stops_the_sum),
        cmocka_unit_test(test_a_list_in_another_currency),
        cmocka_unit_test(test_china_has_an_amazon_of_its_own),
        cmocka_unit_test(test_on_premises_alone_is_the_plan),
        cmocka_unit_test(test_allocation_failures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
