/* Availability: what one incident breaks, chains that promise more than their links. */
#include "plan/lint/rules.h"
#include "plan/model/availability.h"

#include <math.h>

void rw_lint_absolute_availability(struct rw_lint *lint)
{
    const struct rw_intake_value *availability = rw_intake_get(lint->intake, "goal.availability");
    const struct rw_intake_value *downtime = rw_intake_get(lint->intake, "goal.downtime");
    if (availability->there && availability->amount.high >= 1)
        rw_lint_tell(lint,
                     &(struct rw_lint_hit){.value = availability,
                                           .claimed = rw_lint_quantity(1, RW_UNIT_SHARE),
                                           .possible = rw_lint_quantity(0.99999, RW_UNIT_SHARE)});
    else if (downtime->there && downtime->amount.high <= 0)
        rw_lint_tell(lint, &(struct rw_lint_hit){
                               .value = downtime,
                               .claimed = rw_lint_quantity(0, RW_UNIT_MINUTES_PER_QUARTER),
                               .possible = rw_lint_quantity(
                                   rw_model_error_budget(0.99999, RW_LINT_QUARTER_SECONDS) / 60,
                                   RW_UNIT_MINUTES_PER_QUARTER)});
}

/* A coverage can be complete, for it is counted; a quality cannot be shown to be. */
void rw_lint_absolute_target(struct rw_lint *lint)
{
    size_t count;
    const struct rw_intake_row *targets = rw_intake_rows(lint->intake, "targets", &count);
    for (size_t i = 0; i < count; i++) {
        const struct rw_intake_value *value = rw_intake_in(&targets[i], "value");
        bool whole = value->there && value->amount.dimension == RW_DIMENSION_FRACTION &&
                     value->amount.percent && value->amount.low == 1;
        bool none = value->there && value->amount.percent && value->amount.high == 0 &&
                    rw_lint_has(rw_intake_in(&targets[i], "name")->text,
                                "错误|失败|丢失|丢包|故障|error|fail|loss|lost|fault");
        enum rw_lint_measure measure = rw_lint_measure_of(&targets[i]);
        bool countable = measure == RW_LINT_COVERAGE || measure == RW_LINT_OTHER;
        bool security = rw_lint_has(rw_intake_in(&targets[i], "name")->text,
                                    "安全|可靠|准确|security|safety|reliab");
        if (none || (whole && (security || !countable)))
            rw_lint_tell(lint, &(struct rw_lint_hit){
                                   .value = value,
                                   .claimed = rw_lint_quantity(none ? 0 : 1, RW_UNIT_SHARE),
                                   .possible = rw_lint_quantity(none ? 0 : 1, RW_UNIT_SHARE),
                                   .subject = rw_intake_in(&targets[i], "name")->text.at});
    }
}

void rw_lint_absolute_words(struct rw_lint *lint)
{
    for (size_t i = 0; i < lint->text_count; i++) {
        const struct rw_lint_text *text = &lint->texts[i];
        size_t at, len;
        if (strcmp(text->section->name, "pains") != 0 &&
            rw_lint_find(text->text, lint->facts.absolute, &at, &len))
            rw_lint_tell(lint,
                         &(struct rw_lint_hit){.value = text->value,
                                               .claimed = rw_lint_quantity(1, RW_UNIT_SHARE),
                                               .possible = rw_lint_quantity(1, RW_UNIT_SHARE),
                                               .subject = rw_lint_format(lint, "%.*s", (int)len,
                                                                         text->text.at + at)});
    }
}

/* Seconds a quarter that the promised availability leaves; NaN: none was promised. */
static double budget_of_sla(const struct rw_lint *lint)
{
    const struct rw_intake_value *availability = rw_intake_get(lint->intake, "goal.availability");
    if (!availability->there)
        return NAN;
    return rw_model_error_budget(fmin(1, rw_intake_number(availability)), RW_LINT_QUARTER_SECONDS);
}

static double budget_stated(const struct rw_lint *lint)
{
    const struct rw_intake_value *downtime = rw_intake_get(lint->intake, "goal.downtime");
    return rw_intake_rate(downtime, RW_PER_QUARTER);
}

void rw_lint_sla_against_continuity(struct rw_lint *lint)
{
    double stated = budget_stated(lint), promised = budget_of_sla(lint);
    if (stated > 0 && promised > stated * 1.001)
        rw_lint_tell(
            lint,
            &(struct rw_lint_hit){
                .value = rw_intake_get(lint->intake, "goal.availability"),
                .claimed = rw_intake_get(lint->intake, "goal.availability")->there
                               ? rw_lint_quantity(rw_intake_number(rw_intake_get(
                                                      lint->intake, "goal.availability")),
                                                  RW_UNIT_SHARE)
                               : rw_lint_quantity(NAN, RW_UNIT_SHARE),
                .possible = rw_lint_quantity(
                    rw_model_slo_of_downtime(stated, RW_LINT_QUARTER_SECONDS), RW_UNIT_SHARE)});
}

void rw_lint_recovery_against_budget(struct rw_lint *lint)
{
    const struct rw_intake_value *recovery = rw_intake_get(lint->intake, "goal.recovery_time");
    double stated = budget_stated(lint), promised = budget_of_sla(lint);
    double budget = isnan(stated) ? promised : isnan(promised) ? stated : fmin(stated, promised);
    double incident = rw_intake_number(recovery);
    if (incident > budget)
        rw_lint_tell(lint,
                     &(struct rw_lint_hit){
                         .value = recovery,
                         .claimed = rw_lint_quantity(incident, RW_UNIT_SECONDS),
                         .possible = rw_lint_quantity(budget / 60, RW_UNIT_MINUTES_PER_QUARTER)});
}

static bool same_scope(const struct rw_intake_row *a, const struct rw_intake_row *b)
{
    return rw_span_eq(rw_intake_in(a, "scope")->text, rw_intake_in(b, "scope")->text);
}

/* The recovery of a part against the availability of the same part. */
void rw_lint_recovery_of_targets(struct rw_lint *lint)
{
    size_t count;
    const struct rw_intake_row *targets = rw_intake_rows(lint->intake, "targets", &count);
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < count; j++) {
            if (rw_lint_measure_of(&targets[i]) != RW_LINT_RECOVERY ||
                rw_lint_measure_of(&targets[j]) != RW_LINT_AVAILABILITY ||
                !same_scope(&targets[i], &targets[j]))
                continue;
            const struct rw_intake_value *recovery = rw_intake_in(&targets[i], "value");
            double slo = fmin(1, rw_intake_number(rw_intake_in(&targets[j], "value")));
            double budget = rw_model_error_budget(slo, RW_LINT_QUARTER_SECONDS);
            if (rw_intake_number(recovery) > budget)
                rw_lint_tell(
                    lint,
                    &(struct rw_lint_hit){
                        .value = recovery,
                        .claimed = rw_lint_quantity(rw_intake_number(recovery), RW_UNIT_SECONDS),
                        .possible = rw_lint_quantity(budget / 60, RW_UNIT_MINUTES_PER_QUARTER),
                        .subject = rw_intake_in(&targets[i], "name")->text.at});
        }
}

/* Availability of the whole: the goal, or a target without a scope. */
static const struct rw_intake_value *outer_availability(const struct rw_lint *lint)
{
    const struct rw_intake_value *goal = rw_intake_get(lint->intake, "goal.availability");
    size_t count;
    const struct rw_intake_row *targets = rw_intake_rows(lint->intake, "targets", &count);
    for (size_t i = 0; i < count && !goal->there; i++)
        if (!rw_intake_in(&targets[i], "scope")->there &&
            rw_lint_measure_of(&targets[i]) == RW_LINT_AVAILABILITY)
            goal = rw_intake_in(&targets[i], "value");
    return goal;
}

static const char *chain_name(struct rw_lint *lint, const struct rw_intake_row *target,
                              double parts)
{
    struct rw_span scope = rw_intake_in(target, "scope")->text;
    return parts == 1 ? scope.at : rw_lint_format(lint, "%g × %.*s", parts, RW_SPAN_ARGS(scope));
}

/* Each part to the power of how many of them one operation needs. */
void rw_lint_series(struct rw_lint *lint)
{
    const struct rw_intake_value *outer = outer_availability(lint);
    size_t count;
    const struct rw_intake_row *targets = rw_intake_rows(lint->intake, "targets", &count);
    for (size_t i = 0; i < count && outer->there; i++) {
        if (!rw_intake_in(&targets[i], "scope")->there ||
            rw_lint_measure_of(&targets[i]) != RW_LINT_AVAILABILITY)
            continue;
        const struct rw_intake_value *value = rw_intake_in(&targets[i], "value");
        const struct rw_intake_value *many = rw_intake_in(&targets[i], "count");
        double parts = many->there ? fmin(1e6, rw_intake_number(many)) : 1;
        double chain = pow(fmin(1, rw_intake_number(value)), parts);
        if (chain < rw_intake_number(outer))
            rw_lint_tell(lint,
                         &(struct rw_lint_hit){
                             .value = value,
                             .claimed = rw_lint_quantity(rw_intake_number(outer), RW_UNIT_SHARE),
                             .possible = rw_lint_quantity(chain, RW_UNIT_SHARE),
                             .subject = chain_name(lint, &targets[i], parts)});
    }
}
