/* Any bytes as an intake, YAML or questionnaire: no crash, no leak, and a report that says what the
 * result says. What was read is written as YAML, and that reads without a mistake; it is bound to
 * the inputs of a plan, and linted. */
#include "plan/intake/bind.h"
#include "plan/lint/lint.h"

#include <math.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_yaml(const struct rw_intake *intake)
{
    struct rw_text yaml = {0};
    struct rw_intake again;
    struct rw_conf_report report = {0};
    rw_intake_write_yaml(intake, RW_LANGUAGE_ZH, &yaml);
    rw_assert(!yaml.err);
    rw_assert(!rw_intake_read_text(rw_text_span(&yaml), "again", &again, &report));
    rw_intake_free(&again);
    rw_text_free(&yaml);
}

static void check_use(struct rw_intake *intake, struct rw_conf_report *report)
{
    static struct rw_input_value values[RW_INPUT_END];
    struct rw_terms terms;
    struct rw_arena arena;
    struct rw_findings findings;
    enum rw_err err = rw_intake_bind(intake, 20777, values, &terms, report);
    rw_assert((err == RW_OK) == (report->count == 0));
    rw_arena_init(&arena, NULL, 0, 4096, 16 << 20);
    rw_findings_init(&findings, &arena);
    err = rw_lint_intake(intake, 20777, &findings);
    rw_assert(err == RW_OK || err == RW_ELIMIT);
    for (unsigned i = 0; i < findings.count; i++) {
        struct rw_text text = {0};
        rw_finding_write(&findings.at[i], findings.at[i].text, RW_LANGUAGE_ZH, &text);
        rw_assert(text.len > 0);
        rw_text_free(&text);
    }
    rw_findings_free(&findings);
    rw_arena_free(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rw_intake intake;
    struct rw_conf_report report = {0};
    enum rw_err err =
        rw_intake_read_text(rw_span((const char *)data, size), "fuzz", &intake, &report);
    rw_assert((err == RW_OK) == (report.count == 0) || err == RW_ENOMEM);
    struct rw_text text = {0};
    rw_conf_report_print(&report, &text);
    rw_intake_write_gaps(&intake, RW_LANGUAGE_EN, &text);
    rw_text_free(&text);
    if (!err) {
        check_yaml(&intake);
        check_use(&intake, &report);
    }
    rw_intake_free(&intake);
    return 0;
}
