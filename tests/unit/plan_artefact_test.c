/* Artefacts of a whole plan: the gateway's configuration is one, the YAML is YAML, the forecast
 * adds up to the bill, quoting holds against hostile names; allocation failures. */
#include "base/alloc.h"
#include "conf/tree.h"
#include "gate/config/config.h"
#include "origin/registry.h"
#include "plan/artefact/artefact.h"
#include "plan/bill/bill.h"
#include "plan/sizing/sizing.h"
#include "policy/registry.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static struct rw_prices prices;
static struct rw_plan plan;

static const char hostile[] = "Evil\"\n${file(\"/etc/passwd\")} 名称: [x]\n- y # \\";

static void give(struct rw_input_value *values, enum rw_input input, double value)
{
    values[input] = (struct rw_input_value){.present = true, .value = value};
}

static void make_plan(const char *provider, const char *region)
{
    struct rw_input_value values[RW_INPUT_END] = {0};
    give(values, RW_INPUT_CONCURRENT_USERS, 1e6);
    give(values, RW_INPUT_THINK_TIME, 30);
    give(values, RW_INPUT_LATENCY, 0.5);
    give(values, RW_INPUT_LATENCY_PERCENTILE, 0.99);
    give(values, RW_INPUT_AVAILABILITY, 0.9995);
    give(values, RW_INPUT_RECOVERY_TIME, 3600);
    give(values, RW_INPUT_DATA_PER_DAY, 1e12);
    give(values, RW_INPUT_DATA_STORED, 80e12);
    rw_plan_init(&plan);
    plan.prices = &prices;
    plan.terms.date = 20777; /* 2026-11-20 */
    plan.terms.customer = hostile;
    plan.terms.project = hostile;
    plan.terms.frameworks[0] = "pci_dss_4_0_1";
    plan.terms.frameworks[1] = "mlps2_l3";
    plan.terms.framework_count = 2;
    plan.terms.sites[0] = (struct rw_term_site){provider, region, 1, {0, 0}};
    plan.terms.sites[1] = (struct rw_term_site){"azure", "westeurope", 1, {0, 0}};
    plan.terms.site_count = 2;
    plan.tier_count = rw_tiers_make(&plan.terms, plan.tiers);
    rw_inputs_add(&plan.sheet, values, plan.inputs);
    assert_int_equal(rw_sizing_chapter(&plan), RW_OK);
    assert_int_equal(rw_bill_chapter(&plan), RW_OK);
}

static int setup(void **state)
{
    (void)state;
    struct rw_conf_report report = {0};
    rw_config_register(rw_origin_kinds, rw_policy_kinds);
    if (rw_prices_load(&prices, &report))
        return 1;
    make_plan("aws", "us-east-1");
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    rw_plan_free(&plan);
    rw_prices_free(&prices);
    return 0;
}

/* The same reader and tables as `ringway check`. */
static void test_gateway(void **state)
{
    (void)state;
    for (unsigned tier = 0; tier < plan.tier_count; tier++) {
        struct rw_text text = {0}, mistakes = {0};
        rw_artefact_gateway(&plan, tier, &text);
        struct rw_arena arena;
        rw_arena_init(&arena, NULL, 0, 64 << 10, 16 << 20);
        struct rw_conf_report report = {0};
        struct rw_config *config = NULL;
        enum rw_err err =
            rw_config_load_text(rw_text_span(&text), "gateway.yaml", &arena, &config, &report);
        rw_conf_report_print(&report, &mistakes);
        if (err)
            fail_msg("%s\n%s", mistakes.at, text.at);
        rw_text_free(&mistakes);
        rw_arena_free(&arena);
        rw_text_free(&text);
    }
}

static void expect_yaml(struct rw_span yaml, const char *root_key)
{
    struct rw_arena arena;
    rw_arena_init(&arena, NULL, 0, 4096, 16 << 20);
    struct rw_conf_report report = {0};
    struct rw_conf_tree tree;
    enum rw_err err = rw_conf_tree_read(yaml, "t.yaml", &arena, &tree, &report);
    if (err || !rw_conf_tree_at(tree.root, root_key))
        fail_msg("not what was expected: %.*s", RW_SPAN_ARGS(yaml));
    rw_conf_tree_free(&tree);
    rw_arena_free(&arena);
}

static void test_acceptance(void **state)
{
    (void)state;
    struct rw_text text = {0};
    rw_artefact_acceptance(&plan, 0, &text);
    expect_yaml(rw_text_span(&text), "targets");
    assert_non_null(strstr(text.at, "      percentile: 99\n      at_most: 500ms\n"));
    assert_non_null(strstr(text.at, "      at_least_percent: 99.95\n"));
    assert_non_null(strstr(text.at, "      at_most_percent: 0.05\n"));
    assert_non_null(strstr(text.at, "    recovery_time:\n      at_most: 3600000ms\n"));
    assert_non_null(strstr(text.at, "      connections_at_least: 1728000\n"));
    rw_text_free(&text);

    /* Whole ones: a part of a connection is one, what rounding left above a whole number is not. */
    struct rw_cell *cell = &plan.sheet.cells[rw_sheet_find(&plan.sheet, "sizing.connections")];
    double kept = cell->value;
    cell->value = 29.03;
    rw_artefact_acceptance(&plan, 0, &text);
    assert_non_null(strstr(text.at, "      connections_at_least: 30\n"));
    rw_text_free(&text);
    cell->value = 100000.00000001;
    rw_artefact_acceptance(&plan, 0, &text);
    assert_non_null(strstr(text.at, "      connections_at_least: 100000\n"));
    rw_text_free(&text);
    cell->value = kept;
}

static void test_openslo(void **state)
{
    (void)state;
    struct rw_text text = {0};
    rw_artefact_openslo(&plan, 0, &text);
    struct rw_span rest = rw_text_span(&text);
    unsigned documents = 0;
    for (bool more = true; more; documents++) {
        char *next = memmem(rest.at, rest.len, "\n---\n", 5);
        more = next != NULL;
        size_t len = more ? (size_t)(next - rest.at) + 1 : rest.len;
        expect_yaml(rw_span(rest.at, len), "apiVersion");
        rest = rw_span_skip(rest, more ? len + 4 : len);
    }
    assert_int_equal(documents, 3);
    assert_non_null(strstr(text.at, "      target: 0.9995\n"));
    assert_non_null(strstr(text.at, "duration_seconds_bucket{le=\\\"0.5\\\"}"));
    rw_text_free(&text);
}

/* The first column of each row, in cents; one line per row, as nothing of ours has a line break in
 * it and the customer's name is quoted. */
static void test_forecast(void **state)
{
    (void)state;
    for (unsigned tier = 0; tier < plan.tier_count; tier++) {
        struct rw_text text = {0};
        rw_artefact_forecast(&plan, tier, &text);
        double sum = 0;
        unsigned rows = 0;
        for (const char *at = strstr(text.at, "\r\n"); at && at[2]; at = strstr(at + 2, "\r\n")) {
            sum += rint(100 * strtod(at + 2, NULL));
            rows++;
        }
        unsigned items = 0;
        double known = 0;
        for (unsigned i = 0; i < plan.bill->item_count; i++)
            if (plan.bill->items[i].tier == tier &&
                rw_bill_item_bought(&plan, &plan.bill->items[i])) {
                for (unsigned y = 0; y < plan.bill->years; y++) {
                    double year = rw_sheet_value(&plan.sheet, plan.bill->items[i].year[y]);
                    known += isnan(year) ? 0 : year;
                }
                items++;
            }
        assert_int_equal(rows, 36 * items);
        assert_true(items > 10 && sum == known);
        assert_non_null(strstr(text.at, "2026-12-01T00:00:00Z"));
        assert_non_null(strstr(text.at, "2027-12-01T00:00:00Z"));
        rw_text_free(&text);
    }
}

static void test_terraform(void **state)
{
    (void)state;
    struct rw_text text = {0};
    rw_artefact_terraform(&plan, 0, &text);
    assert_non_null(strstr(text.at, "resource \"aws_instance\" \"s1_gateway\" {"));
    assert_non_null(strstr(text.at, "resource \"azurerm_linux_virtual_machine\" \"s2_gateway\" {"));
    int depth = 0;
    for (const char *at = text.at; *at; at++)
        depth += (*at == '{') - (*at == '}');
    assert_int_equal(depth, 0);
    /* In the comment at the top the name is one line, and nowhere else. */
    assert_null(strstr(text.at, "\n${file"));
    rw_text_free(&text);
}

static void test_hostile_region(void **state)
{
    (void)state;
    struct rw_plan kept = plan;
    make_plan("aws", hostile);
    struct rw_text text = {0};
    rw_artefact_terraform(&plan, 0, &text);
    assert_non_null(strstr(text.at, "s1_region = \"Evil\\\" $${file(\\\"/etc/passwd\\\")} 名称: "
                                    "[x] - y # \\\\\"\n"));
    rw_text_free(&text);
    rw_plan_free(&plan);
    plan = kept;
}

/* Chapters that did not run: less is said, nothing breaks. */
static void test_empty_plan(void **state)
{
    (void)state;
    struct rw_plan kept = plan;
    static const struct rw_input_value nothing[RW_INPUT_END];
    rw_plan_init(&plan);
    plan.tier_count = rw_tiers_make(&plan.terms, plan.tiers);
    rw_inputs_add(&plan.sheet, nothing, plan.inputs);
    for (const struct rw_artefact *artefact = rw_artefacts; artefact->file; artefact++) {
        struct rw_text text = {0};
        artefact->write(&plan, 0, &text);
        assert_int_equal(text.err, RW_OK);
        assert_true(text.len > 0);
        rw_text_free(&text);
    }
    test_gateway(state);
    rw_plan_free(&plan);
    plan = kept;
}

static void test_allocation_failures(void **state)
{
    (void)state;
    for (const struct rw_artefact *artefact = rw_artefacts; artefact->file; artefact++)
        for (uint64_t n = 0;; n += n / 8 + 1) {
            struct rw_text text = {0};
            rw_alloc_fail_after(n);
            artefact->write(&plan, 0, &text);
            rw_alloc_fail_never();
            enum rw_err err = text.err;
            rw_text_free(&text);
            if (err == RW_OK)
                break;
            assert_int_equal(err, RW_ENOMEM);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gateway),    cmocka_unit_test(test_acceptance),
        cmocka_unit_test(test_openslo),    cmocka_unit_test(test_forecast),
        cmocka_unit_test(test_terraform),  cmocka_unit_test(test_hostile_region),
        cmocka_unit_test(test_empty_plan), cmocka_unit_test(test_allocation_failures),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
