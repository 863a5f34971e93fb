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
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
    assert_non_null(
        strstr(text.at, "    recovery_time:\n      from: begin\n      at_most: 3600000ms\n"));
    assert_non_null(strstr(text.at, "      at_least_connections: 1728000\n"));
    rw_text_free(&text);

    /* Whole ones: a part of a connection is one, what rounding left above a whole number is not. */
    struct rw_cell *cell = &plan.sheet.cells[rw_sheet_find(&plan.sheet, "sizing.connections")];
    double kept = cell->value;
    cell->value = 29.03;
    rw_artefact_acceptance(&plan, 0, &text);
    assert_non_null(strstr(text.at, "      at_least_connections: 30\n"));
    rw_text_free(&text);
    cell->value = 100000.00000001;
    rw_artefact_acceptance(&plan, 0, &text);
    assert_non_null(strstr(text.at, "      at_least_connections: 100000\n"));
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

/* A target between two of the histogram's bounds, one below them all and one above. */
static void test_openslo_buckets(void **state)
{
    (void)state;
    static const struct {
        double target;
        const char *query;
    } cases[] = {
        {2, "sum(ringway_request_duration_seconds_bucket{le=\\\"1\\\"}) + "
            "(sum(ringway_request_duration_seconds_bucket{le=\\\"2.5\\\"}) - "
            "sum(ringway_request_duration_seconds_bucket{le=\\\"1\\\"})) * 0.666667\""},
        {2.5, "query: \"sum(ringway_request_duration_seconds_bucket{le=\\\"2.5\\\"})\""},
        {0.00005, "query: \"sum(ringway_request_duration_seconds_bucket{le=\\\"0.0001\\\"})\""},
        {90, "query: \"sum(ringway_request_duration_seconds_bucket{le=\\\"30\\\"})\""},
    };
    struct rw_cell *latency = &plan.sheet.cells[plan.inputs[RW_INPUT_LATENCY]];
    struct rw_cell *availability = &plan.sheet.cells[plan.inputs[RW_INPUT_AVAILABILITY]];
    double kept = latency->value, stated = availability->value;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct rw_text text = {0};
        latency->value = cases[i].target;
        rw_artefact_openslo(&plan, 0, &text);
        assert_non_null(strstr(text.at, cases[i].query));
        rw_text_free(&text);
    }
    /* Nobody stated an availability: what is expected of the tier, and marked so. */
    struct rw_text text = {0};
    availability->value = NAN;
    rw_artefact_openslo(&plan, 0, &text);
    assert_non_null(strstr(text.at, "    - displayName: expected\n      target: 0.99"));
    rw_text_free(&text);
    latency->value = kept;
    availability->value = stated;
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

/* ---- Terraform, as far as its structure goes ---- */

/* "resource.TYPE.NAME", "var.NAME", "local.NAME", "provider.TYPE.ALIAS": each is there once. */
struct names {
    char at[512][96];
    unsigned count;
};

static bool has_name(const struct names *names, const char *name)
{
    for (unsigned i = 0; i < names->count; i++)
        if (strcmp(names->at[i], name) == 0)
            return true;
    return false;
}

static void declare(struct names *names, const char *format, const char *a, const char *b)
{
    assert_in_range(names->count, 0, 511);
    char *to = names->at[names->count];
    snprintf(to, sizeof(names->at[0]), format, a, b);
    if (has_name(names, to))
        fail_msg("%s is there twice", to);
    names->count++;
}

/* Lines that begin a block at the left, aliases within a provider, and the locals. */
static void find_names(const char *hcl, struct names *names)
{
    char type[64] = "", name[64], provider[64] = "";
    bool locals = false;
    for (const char *line = hcl; line; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (sscanf(line, "resource \"%63[^\"]\" \"%63[^\"]\" {", type, name) == 2)
            declare(names, "%s.%s", type, name);
        else if (sscanf(line, "variable \"%63[^\"]\" {", name) == 1)
            declare(names, "var.%s", name, "");
        else if (sscanf(line, "provider \"%63[^\"]\" {", provider) == 1)
            continue;
        else if (sscanf(line, "  alias = \"%63[^\"]\"", name) == 1)
            declare(names, "%s.%s", provider, name);
        else if (strncmp(line, "locals {", 8) == 0)
            locals = true;
        else if (locals && sscanf(line, "  %63[a-z0-9_] = ", name) == 1)
            declare(names, "local.%s", name, "");
    }
}

static bool is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
}

/* Outside of texts, A.B is a reference; B may go on (".id", "[...]"). */
static unsigned check_references(const char *hcl, const struct names *names)
{
    unsigned references = 0;
    bool quoted = false, comment = false;
    for (const char *at = hcl; *at; at++) {
        comment = *at == '#' ? !quoted || comment : *at != '\n' && comment;
        quoted ^= !comment && *at == '"' && at[-1] != '\\';
        if (quoted || comment || !is_word(*at) || is_word(at[-1]) || at[-1] == '.')
            continue;
        char first[64], second[64], whole[160];
        if (sscanf(at, "%63[a-z0-9_].%63[a-z0-9_]", first, second) != 2 ||
            strcmp(first, "count") == 0 || (first[0] >= '0' && first[0] <= '9'))
            continue;
        snprintf(whole, sizeof(whole), "%s.%s", first, second);
        if (!has_name(names, whole))
            fail_msg("%s is nowhere", whole);
        references++;
    }
    return references;
}

static void check_brackets(const char *hcl)
{
    char open[64] = {0};
    unsigned depth = 0;
    bool quoted = false;
    for (const char *at = hcl; *at; at++) {
        if (*at == '"' && at[-1] != '\\')
            quoted = !quoted;
        if (*at == '\n')
            assert_false(quoted);
        if (quoted)
            continue;
        if (strchr("{[(", *at)) {
            assert_in_range(depth, 0, sizeof(open) - 1);
            open[depth++] = *at;
        } else if (strchr("}])", *at)) {
            assert_true(depth > 0);
            char opened = open[--depth];
            assert_int_equal(*at, opened == '{' ? '}' : opened == '[' ? ']' : ')');
        }
    }
    assert_int_equal(depth, 0);
}

static void check_terraform(const char *hcl)
{
    static struct names names;
    names.count = 0;
    check_brackets(strchr(hcl, '\n'));
    assert_null(strchr(hcl, '@'));
    find_names(hcl, &names);
    assert_true(names.count > 10);
    assert_true(check_references(strchr(hcl, '\n'), &names) > 20);
}

static void test_terraform(void **state)
{
    (void)state;
    static const struct {
        const char *provider, *region, *holds[4];
    } clouds[] = {
        {"aws",
         "us-east-1",
         {"resource \"aws_autoscaling_group\" \"s1_app\"", "resource \"aws_lb\" \"s1_entry\"",
          "health_check {", "length(var.s1_subnets) == 3"}},
        {"aws_cn",
         "cn-north-1",
         {"resource \"aws_autoscaling_policy\" \"s1_gateway\"",
          "path                = \"/healthz\"", "alias = \"s1b\"", "local.s1b_region"}},
        {"gcp",
         "europe-west3",
         {"resource \"google_compute_region_autoscaler\" \"s1_app\"",
          "resource \"google_compute_region_health_check\" \"s1_gateway\"",
          "distribution_policy_zones = var.s1_zones", "google_compute_forwarding_rule"}},
        {"alibaba",
         "cn-beijing",
         {"resource \"alicloud_ess_scaling_group\" \"s1_gateway\"",
          "multi_az_policy    = \"BALANCE\"", "health_check_uri          = \"/healthz\"",
          "alicloud_slb_load_balancer"}},
    };
    struct rw_plan kept = plan;
    for (size_t i = 0; i < sizeof(clouds) / sizeof(clouds[0]); i++) {
        make_plan(clouds[i].provider, clouds[i].region);
        for (unsigned tier = 0; tier < plan.tier_count; tier++) {
            struct rw_text text = {0};
            rw_artefact_terraform(&plan, tier, &text);
            check_terraform(text.at);
            for (size_t k = 0; k < 4 && tier == 2; k++)
                if (!strstr(text.at, clouds[i].holds[k]))
                    fail_msg("%s: no %s", clouds[i].provider, clouds[i].holds[k]);
            /* The second site, over its zones and with probes of its own. */
            assert_non_null(
                strstr(text.at, "\"azurerm_linux_virtual_machine_scale_set\" \"s2_gateway\""));
            assert_non_null(strstr(text.at, "resource \"azurerm_lb_probe\" \"s2_gateway\""));
            /* In the comment at the top the name is one line, and nowhere else. */
            assert_null(strstr(text.at, "\n${file"));
            rw_text_free(&text);
        }
        rw_plan_free(&plan);
    }
    plan = kept;
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
        cmocka_unit_test(test_gateway),
        cmocka_unit_test(test_acceptance),
        cmocka_unit_test(test_openslo),
        cmocka_unit_test(test_openslo_buckets),
        cmocka_unit_test(test_forecast),
        cmocka_unit_test(test_terraform),
        cmocka_unit_test(test_hostile_region),
        cmocka_unit_test(test_empty_plan),
        cmocka_unit_test(test_allocation_failures),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
