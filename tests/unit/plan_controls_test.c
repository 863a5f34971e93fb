/* Controls: every entry of the evidence names a control and configuration that exist; statuses
 * follow; names of frameworks are found; allocation failures. */
#include "base/alloc.h"
#include "conf/file.h"
#include "plan/controls/evidence.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static struct rw_standards standards;

static int setup(void **state)
{
    (void)state;
    struct rw_conf_report report = {0};
    return rw_standards_load(&standards, &report) != RW_OK;
}

static int teardown(void **state)
{
    (void)state;
    rw_standards_free(&standards);
    return 0;
}

/* "listener.tls.min_version": the heading "## listener.tls", and below it "| `min_version` |". */
static void expect_key(const char *reference, const char *key)
{
    char heading[128], row[128];
    const char *point = strrchr(key, '.');
    snprintf(heading, sizeof(heading), "\n## %.*s\n", (int)(point - key), key);
    snprintf(row, sizeof(row), "\n| `%s` |", point + 1);
    const char *section = strstr(reference, heading);
    if (!section) {
        fail_msg("the reference has no record of %s", key);
        return;
    }
    const char *end = strstr(section + 4, "\n## ");
    const char *found = strstr(section, row);
    if (!found || (end && found > end))
        fail_msg("the reference has no key %s", key);
}

static void test_evidence(void **state)
{
    (void)state;
    struct rw_text reference = {0};
    assert_int_equal(rw_conf_slurp("docs/reference/configuration.md", 1 << 20, true, &reference),
                     RW_OK);
    for (const struct rw_evidence *e = rw_evidences; e->control; e++) {
        const struct rw_control *control = rw_standards_control(&standards, e->control);
        if (!control) {
            fail_msg("no control %s", e->control);
            return;
        }
        assert_ptr_equal(rw_evidence_of(e->control), e); /* stands there once */
        assert_true(control->scope != RW_CONTROL_NONE);
        assert_non_null(e->features[0]);
        for (int i = 0; i < RW_CONTROL_FEATURES_MAX && e->features[i]; i++)
            for (int j = 0; j < 4 && e->features[i]->keys[j]; j++)
                expect_key(reference.at, e->features[i]->keys[j]);
    }
    assert_null(rw_evidence_of("nothing"));
    rw_text_free(&reference);
}

static void begin(struct rw_plan *plan)
{
    rw_plan_init(plan);
    plan->standards = &standards;
    plan->terms.frameworks[0] = "mlps2_l3";
    plan->terms.frameworks[1] = "gdpr";
    plan->terms.frameworks[2] = "gdpr";
    plan->terms.frameworks[3] = "unknown";
    plan->terms.framework_count = 4;
}

static void test_chapter(void **state)
{
    (void)state;
    struct rw_plan plan;
    begin(&plan);
    assert_int_equal(rw_controls_chapter(&plan), RW_OK);
    assert_int_equal(plan.controls->row_count, 22 + 16);
    unsigned counts[RW_CONTROL_STATUS_COUNT] = {0};
    for (unsigned i = 0; i < plan.controls->row_count; i++) {
        const struct rw_control_row *row = &plan.controls->rows[i];
        bool has = row->feature_count > 0;
        assert_true(has ==
                    (row->status == RW_CONTROL_EVIDENCED || row->status == RW_CONTROL_PARTLY));
        assert_true((row->remains.en[0] == 0) == (row->status == RW_CONTROL_EVIDENCED));
        counts[row->status]++;
    }
    assert_true(counts[RW_CONTROL_OPEN] > 0 && counts[RW_CONTROL_CUSTOMER] > 0);
    double sum = 0;
    static const char *const frameworks[] = {"mlps2_l3", "gdpr"};
    for (int f = 0; f < 2; f++)
        for (int s = 0; s < RW_CONTROL_STATUS_COUNT; s++)
            sum += rw_sheet_value_of(&plan.sheet,
                                     rw_sheet_text(&plan.sheet, "controls.%s.%s", frameworks[f],
                                                   rw_control_status_word(s)));
    assert_true(sum == 38);
    assert_int_equal(plan.findings.count, 2);
    rw_plan_free(&plan);
}

static void expect_named(const char *text, const char *expected)
{
    const char *ids[RW_FRAMEWORK_WORDS_MAX];
    unsigned count = rw_controls_named(rw_span_text(text), ids);
    char joined[256] = "";
    size_t len = 0;
    for (unsigned i = 0; i < count; i++)
        len += (size_t)snprintf(joined + len, sizeof(joined) - len, "%s%s", i ? " " : "", ids[i]);
    assert_string_equal(joined, expected);
}

static void test_names(void **state)
{
    (void)state;
    expect_named("等保2.0三级/GDPR第32条", "mlps2_l3 gdpr");
    expect_named("满足ISO27001+PCIDSS双认证", "pci_dss_4_0_1 iso27001_2022");
    expect_named("符合中国保险业监管与欧盟GDPR", "cn_law gdpr");
    expect_named("soc 2 type ii, ccpa, PIPL", "pipl ccpa soc2_tsc");
    expect_named("等保、等级保护、MLPS", "mlps2_l3");
    expect_named("nothing of the kind", "");
    expect_named("", "");
    expect_named("等保 网络安全法 PIPL GDPR CCPA PCI SOC2 27001",
                 "mlps2_l3 cn_law pipl gdpr ccpa pci_dss_4_0_1 soc2_tsc iso27001_2022");
}

static void test_allocation_failures(void **state)
{
    (void)state;
    for (uint64_t n = 0;; n++) {
        struct rw_plan plan;
        begin(&plan);
        rw_alloc_fail_after(n);
        enum rw_err err = rw_controls_chapter(&plan);
        rw_alloc_fail_never();
        rw_plan_free(&plan);
        if (err == RW_OK)
            return;
        assert_int_equal(err, RW_ENOMEM);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_evidence),
        cmocka_unit_test(test_chapter),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_allocation_failures),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
