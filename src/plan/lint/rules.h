/* Within lint: what a rule gets, and how it tells.
 *
 * A rule is a row of the table in rules.c: its name, severity and texts, with {0} for what was
 * claimed, {1} for what is possible, {2} for what it is about; and a function that looks.
 */
#ifndef RW_PLAN_LINT_RULES_H
#define RW_PLAN_LINT_RULES_H

#include "plan/facts/reference.h"
#include "plan/lint/facts.h"
#include "plan/lint/lint.h"

enum { RW_LINT_TEXTS_MAX = 1000, RW_LINT_SITES_MAX = 64 };

/* One text of the intake. */
struct rw_lint_text {
    const struct rw_intake_value *value;
    struct rw_span text;
    const struct rw_intake_section *section;
};

/* A place where machines are, as named in the intake. */
struct rw_lint_site {
    const struct rw_lint_place *place;
    const struct rw_intake_value *value;
    struct rw_span name;
};

struct rw_lint_rule;

struct rw_lint {
    const struct rw_intake *intake;
    double date;
    struct rw_findings *findings;
    const struct rw_lint_rule *rule; /* that runs */
    struct rw_lint_facts facts;
    struct rw_reference reference;
    struct rw_lint_text texts[RW_LINT_TEXTS_MAX];
    size_t text_count;
    struct rw_lint_site sites[RW_LINT_SITES_MAX];
    size_t site_count;
    enum rw_err err;
};

struct rw_lint_rule {
    const char *name;
    enum rw_severity severity;
    struct rw_label text, action;
    const char *source;
    void (*check)(struct rw_lint *lint);
};

/* Ended by one without a name. */
extern const struct rw_lint_rule rw_lint_rules[];

struct rw_lint_hit {
    const struct rw_intake_value *value; /* where it stands; NULL: nowhere */
    struct rw_quantity claimed, possible;
    const char *subject, *source; /* NULL: none; that of the rule */
    struct rw_label action;       /* empty: that of the rule */
    struct rw_label named;        /* stands for the subject where it differs by language */
};

/* Adds a finding of the running rule. */
void rw_lint_tell(struct rw_lint *lint, const struct rw_lint_hit *hit);
/* printf into the findings' arena; "" when out of memory (kept in lint->err). */
const char *rw_lint_format(struct rw_lint *lint, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* The first of `words` (parted by '|', the longest at one place) in a text, ASCII case ignored,
 * as whole words where they are of ASCII letters. */
bool rw_lint_find(struct rw_span text, const char *words, size_t *at, size_t *len);
static inline bool rw_lint_has(struct rw_span text, const char *words)
{
    size_t at, len;
    return rw_lint_find(text, words, &at, &len);
}

/* The part of a text around `at`, between marks of punctuation. */
struct rw_span rw_lint_clause(struct rw_span text, size_t at);

/* Fills lint->sites. */
void rw_lint_find_sites(struct rw_lint *lint);

static inline struct rw_quantity rw_lint_quantity(double value, enum rw_unit unit)
{
    return (struct rw_quantity){.value = value, .unit = unit};
}

struct rw_quantity rw_lint_money(const char *currency, double units);

/* What a target of the list `targets` measures. */
enum rw_lint_measure {
    RW_LINT_OTHER,
    RW_LINT_AVAILABILITY,
    RW_LINT_LATENCY,
    RW_LINT_RECOVERY,
    RW_LINT_UTILIZATION,
    RW_LINT_SAVING,
    RW_LINT_COVERAGE,
    RW_LINT_RATE,
};
enum rw_lint_measure rw_lint_measure_of(const struct rw_intake_row *target);

#define RW_LINT_QUARTER_SECONDS (91.25 * 86400)
#define RW_LINT_YEAR_SECONDS (365.25 * 86400)
#define RW_LINT_PRICE_DAYS_MAX 366

/* rules_dates.c */
void rw_lint_deadline_passed(struct rw_lint *lint);
void rw_lint_phases_too_long(struct rw_lint *lint);
void rw_lint_window_after_phase(struct rw_lint *lint);
void rw_lint_window_against_duration(struct rw_lint *lint);
void rw_lint_phases_total(struct rw_lint *lint);
void rw_lint_phases_shares(struct rw_lint *lint);
/* rules_availability.c */
void rw_lint_absolute_availability(struct rw_lint *lint);
void rw_lint_absolute_target(struct rw_lint *lint);
void rw_lint_absolute_words(struct rw_lint *lint);
void rw_lint_sla_against_continuity(struct rw_lint *lint);
void rw_lint_recovery_against_budget(struct rw_lint *lint);
void rw_lint_recovery_of_targets(struct rw_lint *lint);
void rw_lint_series(struct rw_lint *lint);
/* rules_latency.c */
void rw_lint_link_floor(struct rw_lint *lint);
void rw_lint_site_floor(struct rw_lint *lint);
void rw_lint_global_floor(struct rw_lint *lint);
void rw_lint_global_first_request(struct rw_lint *lint);
void rw_lint_inner_latency(struct rw_lint *lint);
void rw_lint_utilization_tail(struct rw_lint *lint);
void rw_lint_lossless_distance(struct rw_lint *lint);
/* rules_load.c */
void rw_lint_concurrency_against_rate(struct rw_lint *lint);
void rw_lint_concurrency_against_users(struct rw_lint *lint);
void rw_lint_think_time(struct rw_lint *lint);
void rw_lint_rate_against_capacity(struct rw_lint *lint);
void rw_lint_idle_fleet(struct rw_lint *lint);
void rw_lint_bytes_of_transaction(struct rw_lint *lint);
void rw_lint_inflow(struct rw_lint *lint);
void rw_lint_target_twice(struct rw_lint *lint);
/* rules_money.c */
void rw_lint_shares_sum(struct rw_lint *lint);
void rw_lint_amounts_sum(struct rw_lint *lint);
void rw_lint_list_sum(struct rw_lint *lint);
void rw_lint_share_against_amount(struct rw_lint *lint);
void rw_lint_item_twice(struct rw_lint *lint);
void rw_lint_roi(struct rw_lint *lint);
void rw_lint_saving_base(struct rw_lint *lint);
void rw_lint_uncounted_saving(struct rw_lint *lint);
void rw_lint_initial_budget(struct rw_lint *lint);
void rw_lint_rate_old(struct rw_lint *lint);
void rw_lint_budget_twice(struct rw_lint *lint);
/* rules_estate.c */
void rw_lint_end_of_support(struct rw_lint *lint);
void rw_lint_support_ends_soon(struct rw_lint *lint);
void rw_lint_sites_sum(struct rw_lint *lint);
void rw_lint_region(struct rw_lint *lint);
void rw_lint_product_limit(struct rw_lint *lint);
void rw_lint_cross_border(struct rw_lint *lint);
/* rules_standards.c */
void rw_lint_standard_type(struct rw_lint *lint);
void rw_lint_standard_version(struct rw_lint *lint);
void rw_lint_standard_unknown(struct rw_lint *lint);
void rw_lint_rule_unknown(struct rw_lint *lint);
void rw_lint_law_certified(struct rw_lint *lint);
void rw_lint_rule_unnamed(struct rw_lint *lint);

#endif
