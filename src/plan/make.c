#include "plan/make.h"

#include "plan/bill/bill.h"
#include "plan/controls/controls.h"
#include "plan/elsewhere/elsewhere.h"
#include "plan/goals/goals.h"
#include "plan/intake/bind.h"
#include "plan/lint/lint.h"
#include "plan/money/money.h"
#include "plan/roadmap/roadmap.h"
#include "plan/setting.h"
#include "plan/sizing/sizing.h"

enum { report_bytes_max = 4 << 20 };

void rw_plan_made_free(struct rw_plan_made *made)
{
    rw_plan_free(&made->plan);
    if (made->has_facts) {
        rw_prices_free(&made->prices);
        rw_standards_free(&made->standards);
    }
    if (made->has_intake)
        rw_intake_free(&made->intake);
    rw_arena_free(&made->arena);
}

/* What is wrong with the arguments stands in no file. */
static void blame_arguments(struct rw_conf_report *report)
{
    report->file = RW_LITERAL("ringway plan");
}

static enum rw_err apply_settings(struct rw_plan_made *made, const struct rw_plan_options *options,
                                  struct rw_conf_report *report)
{
    enum rw_err err = RW_OK;
    struct rw_span file = report->file;
    blame_arguments(report);
    for (unsigned i = 0; i < options->setting_count && err != RW_ENOMEM; i++) {
        enum rw_err one = rw_setting_apply(&made->plan.sheet, options->settings[i], report);
        err = one ? one : err;
    }
    if (!err)
        report->file = file;
    return err;
}

static enum rw_err read_intake(struct rw_plan_made *made, const struct rw_plan_options *options,
                               struct rw_conf_report *report)
{
    struct rw_input_value values[RW_INPUT_END] = {{0}};
    struct rw_plan *plan = &made->plan;
    made->has_intake = true;
    enum rw_err err = rw_intake_read_file(options->intake, &made->intake, report);
    if (!err)
        err = apply_settings(made, options, report);
    if (!err)
        err = rw_intake_bind(&made->intake, options->date, values, &plan->terms, report);
    if (err)
        return err;
    plan->sheet.currency = plan->terms.currency;
    rw_inputs_add(&plan->sheet, values, plan->inputs);
    return plan->sheet.err;
}

static enum rw_err read_facts(struct rw_plan_made *made, const struct rw_plan_options *options,
                              struct rw_conf_report *report)
{
    enum rw_err err = rw_prices_load(&made->prices, report);
    enum rw_err second = rw_standards_load(&made->standards, report);
    made->has_facts = true;
    err = err ? err : second;
    for (unsigned i = 0; i < options->price_count && !err; i++) {
        report->file = rw_span_text(options->prices[i]);
        err = rw_prices_overlay(&made->prices, options->prices[i], report);
    }
    made->plan.prices = &made->prices;
    made->plan.standards = &made->standards;
    return err;
}

/* All tiers, or the one that was asked for by its id or name. */
static enum rw_err choose_tiers(struct rw_plan *plan, const char *wanted,
                                struct rw_conf_report *report)
{
    unsigned count = rw_tiers_make(&plan->terms, plan->tiers);
    plan->tier_count = count;
    if (!wanted)
        return RW_OK;
    for (unsigned i = 0; i < count; i++)
        if (strcmp(plan->tiers[i].id, wanted) == 0 || strcmp(plan->tiers[i].name, wanted) == 0) {
            plan->tiers[0] = plan->tiers[i];
            plan->tier_count = 1;
            return RW_OK;
        }
    blame_arguments(report);
    rw_conf_mistake_at(report, (struct rw_conf_place){0, 0},
                       "--tier %s: there is no such tier; there are %s (%s) to %s (%s)", wanted,
                       plan->tiers[0].id, plan->tiers[0].name, plan->tiers[count - 1].id,
                       plan->tiers[count - 1].name);
    return RW_EINVAL;
}

/* Each reads the cells of those before it. */
static enum rw_err run_chapters(struct rw_plan *plan)
{
    static enum rw_err (*const chapters[])(struct rw_plan *) = {
        rw_sizing_chapter,  rw_bill_chapter,     rw_money_chapter, rw_elsewhere_chapter,
        rw_roadmap_chapter, rw_controls_chapter, rw_goals_chapter,
    };
    enum rw_err err = RW_OK;
    for (size_t i = 0; i < sizeof(chapters) / sizeof(chapters[0]) && !err; i++)
        err = chapters[i](plan);
    return err;
}

/* What a tier breaks and another one keeps is a reason to choose that one, and excludes nothing. */
static void soften_tiers(struct rw_plan *plan)
{
    struct rw_findings *findings = &plan->findings;
    bool soft[RW_FINDINGS_MAX] = {false};
    for (unsigned i = 0; i < findings->count; i++) {
        const struct rw_finding *finding = &findings->at[i];
        unsigned breaking = 0;
        for (unsigned k = 0; k < findings->count; k++)
            breaking += strcmp(findings->at[k].rule, finding->rule) == 0 &&
                        findings->at[k].severity == RW_SEVERITY_BLOCKER;
        soft[i] = finding->severity == RW_SEVERITY_BLOCKER && breaking < plan->tier_count &&
                  strncmp(finding->rule, "tier_", 5) == 0;
    }
    for (unsigned i = 0; i < findings->count; i++)
        if (soft[i])
            findings->at[i].severity = RW_SEVERITY_WARNING;
}

static enum rw_err run(struct rw_plan_made *made, const struct rw_plan_options *options,
                       struct rw_conf_report *report)
{
    struct rw_plan *plan = &made->plan;
    enum rw_err err = read_intake(made, options, report);
    if (!err)
        err = read_facts(made, options, report);
    if (!err)
        err = choose_tiers(plan, options->tier, report);
    if (!err)
        err = run_chapters(plan);
    if (!err)
        err = rw_lint_intake(&made->intake, plan->terms.date, &plan->findings);
    if (!err) {
        blame_arguments(report);
        err = rw_settings_check(&plan->sheet, report);
    }
    if (!err)
        err = rw_readings_make(plan);
    if (!err)
        err = rw_outlook_make(plan, options->draws, options->seed);
    soften_tiers(plan);
    rw_findings_sort(&plan->findings);
    return err;
}

enum rw_err rw_plan_make(struct rw_plan_made *made, const struct rw_plan_options *options,
                         struct rw_conf_report *report)
{
    *made = (struct rw_plan_made){.has_intake = false};
    rw_plan_init(&made->plan);
    rw_arena_init(&made->arena, NULL, 0, 4096, report_bytes_max);
    if (!report->arena)
        report->arena = &made->arena;
    report->file = rw_span_text(options->intake);
    report->voice = options->voice;
    enum rw_err err = run(made, options, report);
    if (!err && report->count)
        err = RW_EINVAL;
    return err ? err : report->err;
}
