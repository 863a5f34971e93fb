/* Money: sums, and benefits that do not carry what is promised of them. */
#include "plan/intake/bind.h"
#include "plan/lint/rules.h"
#include "plan/model/finance.h"

#include <math.h>

struct shares {
    const struct rw_intake_row *rows;
    size_t count;
};

static struct shares all_shares(const struct rw_lint *lint)
{
    struct shares shares;
    shares.rows = rw_intake_rows(lint->intake, "shares", &shares.count);
    return shares;
}

static bool same_group(const struct rw_intake_row *a, const struct rw_intake_row *b)
{
    return rw_span_eq(rw_intake_in(a, "list")->text, rw_intake_in(b, "list")->text) &&
           rw_span_eq(rw_intake_in(a, "of")->text, rw_intake_in(b, "of")->text);
}

static bool same_list(const struct rw_intake_row *a, const struct rw_intake_row *b)
{
    return rw_span_eq(rw_intake_in(a, "list")->text, rw_intake_in(b, "list")->text);
}

/* The rows of a group are summed at its first row. */
static bool is_first(const struct shares *shares, size_t index)
{
    for (size_t i = 0; i < index; i++)
        if (same_group(&shares->rows[i], &shares->rows[index]))
            return false;
    return true;
}

/* The sum of a field over the group of a row; `all`: every row of it has the field. */
static double group_sum(const struct shares *shares, size_t first, const char *field, bool *all)
{
    double sum = 0;
    *all = true;
    for (size_t i = first; i < shares->count; i++) {
        if (!same_group(&shares->rows[i], &shares->rows[first]))
            continue;
        const struct rw_intake_value *value = rw_intake_in(&shares->rows[i], field);
        *all &= value->there;
        sum += value->there ? rw_intake_number(value) : 0;
    }
    return sum;
}

static const char *group_name(struct rw_lint *lint, const struct rw_intake_row *row)
{
    struct rw_span of = rw_intake_in(row, "of")->text, list = rw_intake_in(row, "list")->text;
    if (list.len == 0 && of.len == 0)
        return row->section->name;
    return rw_lint_format(lint, "%.*s%s%.*s", RW_SPAN_ARGS(list), list.len && of.len ? ": " : "",
                          RW_SPAN_ARGS(of));
}

/* Of the one list that has no name. */
static struct rw_label plain_name(const struct rw_intake_row *row)
{
    bool named = rw_intake_in(row, "list")->there || rw_intake_in(row, "of")->there;
    return named ? (struct rw_label){NULL, NULL} : row->section->label;
}

/* Shares of parts of a part are of the whole, so only the first level adds up to all. */
void rw_lint_shares_sum(struct rw_lint *lint)
{
    struct shares shares = all_shares(lint);
    for (size_t i = 0; i < shares.count; i++) {
        bool all;
        double sum = group_sum(&shares, i, "share", &all);
        if (is_first(&shares, i) && all && !rw_intake_in(&shares.rows[i], "of")->there &&
            fabs(sum - 1) > 0.005)
            rw_lint_tell(lint,
                         &(struct rw_lint_hit){.value = rw_intake_in(&shares.rows[i], "share"),
                                               .claimed = rw_lint_quantity(sum, RW_UNIT_SHARE),
                                               .possible = rw_lint_quantity(1, RW_UNIT_SHARE),
                                               .subject = group_name(lint, &shares.rows[i]),
                                               .named = plain_name(&shares.rows[i])});
    }
}

/* What the amounts of a group should add up to: the row they are parts of, or the budget. */
static const struct rw_intake_value *whole_of(const struct rw_lint *lint,
                                              const struct shares *shares, size_t index)
{
    const struct rw_intake_row *row = &shares->rows[index];
    struct rw_span of = rw_intake_in(row, "of")->text;
    if (of.len == 0)
        return rw_intake_get(lint->intake, "money.budget");
    const struct rw_intake_value *elsewhere = NULL;
    for (size_t i = 0; i < shares->count; i++) {
        if (!rw_span_eq(rw_intake_in(&shares->rows[i], "name")->text, of))
            continue;
        elsewhere = rw_intake_in(&shares->rows[i], "amount");
        if (same_list(&shares->rows[i], row))
            return elsewhere;
    }
    return elsewhere;
}

void rw_lint_amounts_sum(struct rw_lint *lint)
{
    struct shares shares = all_shares(lint);
    for (size_t i = 0; i < shares.count; i++) {
        bool all;
        double sum = group_sum(&shares, i, "amount", &all);
        const struct rw_intake_value *whole = whole_of(lint, &shares, i);
        const struct rw_intake_value *first = rw_intake_in(&shares.rows[i], "amount");
        if (!is_first(&shares, i) || !all || !whole || !whole->there ||
            strcmp(whole->amount.currency, first->amount.currency) != 0)
            continue;
        double total = rw_intake_number(whole);
        if (fabs(sum - total) > total * 1e-9)
            rw_lint_tell(
                lint, &(struct rw_lint_hit){.value = first,
                                            .claimed = rw_lint_money(whole->amount.currency, total),
                                            .possible = rw_lint_money(first->amount.currency, sum),
                                            .subject = group_name(lint, &shares.rows[i])});
    }
}

/* A list of parts alone, whose wholes stand in another: all of it against the budget. */
void rw_lint_list_sum(struct rw_lint *lint)
{
    struct shares shares = all_shares(lint);
    const struct rw_intake_value *budget = rw_intake_get(lint->intake, "money.budget");
    for (size_t i = 0; i < shares.count && budget->there; i++) {
        double sum = 0;
        bool parts = true, first = true;
        for (size_t j = 0; j < shares.count; j++) {
            const struct rw_intake_value *amount = rw_intake_in(&shares.rows[j], "amount");
            if (!same_list(&shares.rows[i], &shares.rows[j]))
                continue;
            first &= j >= i;
            parts &= amount->there && rw_intake_in(&shares.rows[j], "of")->there &&
                     strcmp(amount->amount.currency, budget->amount.currency) == 0;
            sum += amount->there ? rw_intake_number(amount) : 0;
        }
        double total = rw_intake_number(budget);
        if (first && parts && fabs(sum - total) > total * 1e-9)
            rw_lint_tell(lint, &(struct rw_lint_hit){
                                   .value = rw_intake_in(&shares.rows[i], "amount"),
                                   .claimed = rw_lint_money(budget->amount.currency, total),
                                   .possible = rw_lint_money(budget->amount.currency, sum),
                                   .subject = rw_intake_in(&shares.rows[i], "list")->text.at});
    }
}

/* Stated to whole percents, so half of one is rounding. */
void rw_lint_share_against_amount(struct rw_lint *lint)
{
    struct shares shares = all_shares(lint);
    const struct rw_intake_value *budget = rw_intake_get(lint->intake, "money.budget");
    double total = rw_intake_number(budget);
    for (size_t i = 0; i < shares.count && total > 0; i++) {
        const struct rw_intake_value *share = rw_intake_in(&shares.rows[i], "share"),
                                     *amount = rw_intake_in(&shares.rows[i], "amount");
        if (!share->there || !amount->there ||
            strcmp(budget->amount.currency, amount->amount.currency) != 0)
            continue;
        double actual = rw_intake_number(amount) / total;
        if (fabs(actual - rw_intake_number(share)) > 0.005 + 1e-9)
            rw_lint_tell(lint,
                         &(struct rw_lint_hit){
                             .value = share,
                             .claimed = rw_lint_quantity(rw_intake_number(share), RW_UNIT_SHARE),
                             .possible = rw_lint_quantity(actual, RW_UNIT_SHARE),
                             .subject = rw_intake_in(&shares.rows[i], "name")->text.at});
    }
}

/* The same item with another amount in another list; in one list it may have parts. */
void rw_lint_item_twice(struct rw_lint *lint)
{
    struct shares shares = all_shares(lint);
    for (size_t i = 0; i < shares.count; i++)
        for (size_t j = i + 1; j < shares.count; j++) {
            const struct rw_intake_row *a = &shares.rows[i], *b = &shares.rows[j];
            const struct rw_intake_value *x = rw_intake_in(a, "amount"),
                                         *y = rw_intake_in(b, "amount");
            if (!rw_span_eq(rw_intake_in(a, "name")->text, rw_intake_in(b, "name")->text) ||
                rw_span_eq(rw_intake_in(a, "list")->text, rw_intake_in(b, "list")->text) ||
                !x->there || !y->there || rw_intake_number(x) == rw_intake_number(y))
                continue;
            rw_lint_tell(lint,
                         &(struct rw_lint_hit){
                             .value = y,
                             .claimed = rw_lint_money(x->amount.currency, rw_intake_number(x)),
                             .possible = rw_lint_money(y->amount.currency, rw_intake_number(y)),
                             .subject = rw_intake_in(a, "name")->text.at});
        }
}

/* ---- Benefits ---- */

static double term_years(const struct rw_lint *lint)
{
    double term = rw_intake_number(rw_intake_get(lint->intake, "money.term"));
    return isnan(term) ? rw_input_entry(RW_INPUT_TERM)->assumed : term / RW_LINT_YEAR_SECONDS;
}

/* Of all savings with an amount, over the term: the upper ends of their ranges. */
/* The whole cost of what is replaced, for all of the term: no saving is above it. */
static double replaced(const struct rw_lint *lint, const char *currency)
{
    const struct rw_intake_value *now = rw_intake_get(lint->intake, "money.cost_now");
    if (!now->there || strcmp(now->amount.currency, currency) != 0)
        return 0;
    double seconds = now->amount.per ? rw_per_seconds(now->amount.per) : RW_LINT_YEAR_SECONDS;
    return now->amount.high * term_years(lint) * RW_LINT_YEAR_SECONDS / seconds;
}

/* At the most. */
static double benefits(const struct rw_lint *lint, const char *currency)
{
    size_t count;
    const struct rw_intake_row *savings = rw_intake_rows(lint->intake, "savings", &count);
    double sum = replaced(lint, currency);
    for (size_t i = 0; i < count; i++) {
        const struct rw_intake_value *amount = rw_intake_in(&savings[i], "amount");
        if (!amount->there || strcmp(amount->amount.currency, currency) != 0)
            continue;
        double years = amount->amount.per ? term_years(lint) * RW_LINT_YEAR_SECONDS /
                                                rw_per_seconds(amount->amount.per)
                                          : 1;
        sum += amount->amount.high * years;
    }
    return sum;
}

/* The smallest and so most favourable of what is to be paid over the term. */
static const struct rw_intake_value *least_cost(const struct rw_lint *lint, double *cost)
{
    const struct rw_intake_value *tiers = rw_intake_get(lint->intake, "money.tiers");
    const struct rw_intake_value *budget = rw_intake_get(lint->intake, "money.budget");
    *cost = NAN;
    if (tiers->there) {
        for (size_t i = 0; i < tiers->count; i++)
            if (!(tiers->amounts[i].low >= *cost))
                *cost = tiers->amounts[i].low;
        return tiers;
    }
    *cost = rw_intake_number(budget);
    if (budget->amount.per)
        *cost = rw_intake_rate(budget, RW_PER_YEAR) * term_years(lint);
    return budget;
}

/* "7,500,000.00 USD / 10,000,000.00 USD" */
static const char *ratio(struct rw_lint *lint, const char *currency, double a, double b)
{
    struct rw_text text = {0};
    rw_quantity_write(&text, rw_lint_money(currency, a), RW_LANGUAGE_EN);
    rw_text_adds(&text, " / ");
    rw_quantity_write(&text, rw_lint_money(currency, b), RW_LANGUAGE_EN);
    const char *kept = rw_lint_format(lint, "%.*s", RW_SPAN_ARGS(rw_text_span(&text)));
    if (text.err)
        lint->err = text.err;
    rw_text_free(&text);
    return kept;
}

void rw_lint_roi(struct rw_lint *lint)
{
    const struct rw_intake_value *promised = rw_intake_get(lint->intake, "money.goal_roi");
    double cost;
    const struct rw_intake_value *value = least_cost(lint, &cost);
    if (!promised->there || !value->there || !(cost > 0))
        return;
    double sum = benefits(lint, value->amount.currency), roi = rw_model_roi(sum, cost);
    if (promised->amount.low > roi)
        rw_lint_tell(lint, &(struct rw_lint_hit){
                               .value = promised,
                               .claimed = rw_lint_quantity(promised->amount.low, RW_UNIT_SHARE),
                               .possible = rw_lint_quantity(roi, RW_UNIT_SHARE),
                               .subject = ratio(lint, value->amount.currency, sum, cost)});
}

/* What today costs a year, if so much is so large a share of it; NaN: the saving does not say. */
static double implied_base(const struct rw_intake_row *saving)
{
    const struct rw_intake_value *amount = rw_intake_in(saving, "amount"),
                                 *share = rw_intake_in(saving, "share"),
                                 *years = rw_intake_in(saving, "years");
    if (!amount->there || !share->there || share->amount.low <= 0)
        return NAN;
    if (amount->amount.per)
        return amount->amount.high * RW_LINT_YEAR_SECONDS / rw_per_seconds(amount->amount.per) /
               share->amount.low;
    return years->there ? amount->amount.high / (rw_intake_number(years) / RW_LINT_YEAR_SECONDS) /
                              share->amount.low
                        : NAN;
}

/* A plan that costs more a year than what is left of today's cost cannot save. */
static void check_saving(struct rw_lint *lint, const struct rw_intake_row *saving,
                         const struct rw_amount *price, double years)
{
    const struct rw_intake_value *amount = rw_intake_in(saving, "amount");
    double base = implied_base(saving), cost = price->low / years;
    if (strcmp(amount->amount.currency, price->currency) == 0 &&
        cost > base * (1 - rw_intake_in(saving, "share")->amount.low))
        rw_lint_tell(lint,
                     &(struct rw_lint_hit){.value = amount,
                                           .claimed = rw_lint_money(price->currency, base),
                                           .possible = rw_lint_money(price->currency, cost),
                                           .subject = rw_intake_in(saving, "cause")->text.at});
}

void rw_lint_saving_base(struct rw_lint *lint)
{
    size_t count;
    const struct rw_intake_row *savings = rw_intake_rows(lint->intake, "savings", &count);
    const struct rw_intake_value *tiers = rw_intake_get(lint->intake, "money.tiers"),
                                 *budget = rw_intake_get(lint->intake, "money.budget");
    const struct rw_intake_value *prices = tiers->there ? tiers : budget;
    for (size_t i = 0; i < count && prices->there; i++)
        for (size_t tier = 0; tier < prices->count; tier++) {
            double years = prices->amounts[tier].per
                               ? rw_per_seconds(prices->amounts[tier].per) / RW_LINT_YEAR_SECONDS
                               : term_years(lint);
            check_saving(lint, &savings[i], &prices->amounts[tier], years);
        }
}

void rw_lint_uncounted_saving(struct rw_lint *lint)
{
    size_t count;
    const struct rw_intake_row *savings = rw_intake_rows(lint->intake, "savings", &count);
    bool base = rw_intake_get(lint->intake, "money.cost_now")->there;
    for (size_t i = 0; i < count; i++) {
        const struct rw_intake_value *amount = rw_intake_in(&savings[i], "amount"),
                                     *share = rw_intake_in(&savings[i], "share"),
                                     *cause = rw_intake_in(&savings[i], "cause");
        bool dated =
            amount->there && (amount->amount.per || rw_intake_in(&savings[i], "years")->there);
        if (!dated && !(share->there && base))
            rw_lint_tell(lint, &(struct rw_lint_hit){.value = cause,
                                                     .claimed = rw_lint_quantity(
                                                         rw_intake_number(share), RW_UNIT_SHARE),
                                                     .possible = rw_lint_quantity(NAN, RW_UNIT_ONE),
                                                     .subject = cause->text.at});
    }
}

void rw_lint_initial_budget(struct rw_lint *lint)
{
    const struct rw_intake_value *budget = rw_intake_get(lint->intake, "money.budget"),
                                 *initial = rw_intake_get(lint->intake, "money.budget_initial");
    double whole = rw_intake_number(budget);
    if (budget->amount.per)
        whole = rw_intake_rate(budget, RW_PER_YEAR) * term_years(lint);
    if (budget->there && initial->there &&
        strcmp(budget->amount.currency, initial->amount.currency) == 0 &&
        rw_intake_number(initial) > whole)
        rw_lint_tell(
            lint, &(struct rw_lint_hit){
                      .value = initial,
                      .claimed = rw_lint_money(initial->amount.currency, rw_intake_number(initial)),
                      .possible = rw_lint_money(budget->amount.currency, whole)});
}

/* As a price: older than a year is no base for a signature. */
void rw_lint_rate_old(struct rw_lint *lint)
{
    size_t count;
    const struct rw_intake_row *rates = rw_intake_rows(lint->intake, "rates", &count);
    for (size_t i = 0; i < count; i++) {
        const struct rw_intake_value *currency = rw_intake_in(&rates[i], "currency"),
                                     *date = rw_intake_in(&rates[i], "date");
        if (!date->there || !(lint->date - date->amount.high > RW_LINT_PRICE_DAYS_MAX))
            continue;
        rw_lint_tell(lint, &(struct rw_lint_hit){
                               .value = date,
                               .claimed = rw_lint_quantity(date->amount.high, RW_UNIT_DATE),
                               .possible = rw_lint_quantity(lint->date, RW_UNIT_DATE),
                               .subject = currency->there ? currency->text.at : "",
                           });
    }
}

/* Budgets for a year, over the term, against the one in all. */
void rw_lint_budget_twice(struct rw_lint *lint)
{
    const struct rw_intake_value *whole = rw_intake_get(lint->intake, "money.budget"),
                                 *yearly = rw_intake_get(lint->intake, "money.budget_year");
    if (!whole->there || whole->amount.per || !yearly->there ||
        strcmp(whole->amount.currency, yearly->amount.currency) != 0)
        return;
    double seconds = yearly->amount.per ? rw_per_seconds(yearly->amount.per) : RW_LINT_YEAR_SECONDS;
    double over = yearly->amount.high * RW_LINT_YEAR_SECONDS / seconds * term_years(lint);
    if (fabs(over / whole->amount.high - 1) > 0.01)
        rw_lint_tell(lint, &(struct rw_lint_hit){
                               .value = yearly,
                               .claimed = rw_lint_money(whole->amount.currency, whole->amount.high),
                               .possible = rw_lint_money(whole->amount.currency, over)});
}
