/* Any bytes as an intake, YAML or questionnaire: no crash, no leak, and a report that says what the
 * result says. What was read is written as YAML, and that reads without a mistake. */
#include "plan/intake/intake.h"

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
    if (!err)
        check_yaml(&intake);
    rw_intake_free(&intake);
    return 0;
}
