/* Load: users, rates, machines and volumes that do not fit together. */
#include "plan/lint/rules.h"
#include "plan/model/queueing.h"

#include <math.h>

static double given(const struct rw_lint *lint, const char *path)
{
    return rw_intake_number(rw_intake_get(lint->intake, path));
}

static double think_time(const struct rw_lint *lint)
{
    double stated = given(lint, "load.think_time");
    return isnan(stated) ? rw_input_entry(RW_INPUT_THINK_TIME)->assumed : stated;
}

static double response_time(const struct rw_lint *lint)
{
    double latency = given(lint, "goal.latency");
    return latency > 0 ? latency : 1;
}

/* Requests a second that the stated concurrency means; NaN: none was stated. */
static double implied_rate(const struct rw_lint *lint, const struct rw_intake_value **value)
{
    const struct rw_intake_value *requests =
        rw_intake_get(lint->intake, "load.concurrent_requests");
    const struct rw_intake_value *users = rw_intake_get(lint->intake, "load.concurrent_users");
    *value = requests->there ? requests : users;
    if (requests->there)
        return rw_model_little_rate(rw_intake_number(requests), response_time(lint));
    return rw_model_interactive_rate(rw_intake_number(users), response_time(lint),
                                     think_time(lint));
}

/* The peak that was stated, or follows from a mean that was. */
static double stated_rate(const struct rw_lint *lint)
{
    double peak = rw_intake_rate(rw_intake_get(lint->intake, "load.peak_rate"), RW_PER_SECOND);
    double daily =
        rw_intake_rate(rw_intake_get(lint->intake, "load.transactions_per_day"), RW_PER_SECOND);
    double requests = given(lint, "load.requests_per_transaction");
    double factor = given(lint, "load.peak_factor");
    if (!isnan(peak))
        return peak;
    if (isnan(requests))
        requests = rw_input_entry(RW_INPUT_REQUESTS_PER_TRANSACTION)->assumed;
    if (isnan(factor))
        factor = rw_input_entry(RW_INPUT_PEAK_FACTOR)->assumed;
    if (!isnan(daily))
        return daily * requests * factor;
    size_t count;
    const struct rw_intake_row *targets = rw_intake_rows(lint->intake, "targets", &count);
    for (size_t i = 0; i < count; i++)
        if (rw_lint_measure_of(&targets[i]) == RW_LINT_RATE &&
            rw_intake_in(&targets[i], "value")->amount.per)
            return rw_intake_rate(rw_intake_in(&targets[i], "value"), RW_PER_SECOND) * factor;
    return NAN;
}

void rw_lint_concurrency_against_rate(struct rw_lint *lint)
{
    const struct rw_intake_value *value;
    double implied = implied_rate(lint, &value), stated = stated_rate(lint);
    if (stated > 0 && (implied > 10 * stated || implied < stated / 10))
        rw_lint_tell(
            lint, &(struct rw_lint_hit){.value = value,
                                        .claimed = rw_lint_quantity(implied, RW_UNIT_PER_SECOND),
                                        .possible = rw_lint_quantity(stated, RW_UNIT_PER_SECOND)});
}

void rw_lint_concurrency_against_users(struct rw_lint *lint)
{
    const struct rw_intake_value *requests =
        rw_intake_get(lint->intake, "load.concurrent_requests");
    const struct rw_intake_value *online = rw_intake_get(lint->intake, "load.concurrent_users");
    const struct rw_intake_value *value = requests->there ? requests : online;
    double users = given(lint, "load.users"), busy = rw_intake_number(value);
    if (users > 0 && busy > 0.1 * users)
        rw_lint_tell(lint, &(struct rw_lint_hit){
                               .value = value,
                               .claimed = rw_lint_quantity(busy, RW_UNIT_COUNT),
                               .possible = rw_lint_quantity(users, RW_UNIT_COUNT),
                               .subject = rw_lint_format(lint, "%.0f%%", 100 * busy / users)});
}

/* What 1 million at once mean depends on whether they are people or requests. */
void rw_lint_think_time(struct rw_lint *lint)
{
    const struct rw_intake_value *requests =
        rw_intake_get(lint->intake, "load.concurrent_requests");
    const struct rw_intake_value *users = rw_intake_get(lint->intake, "load.concurrent_users");
    const struct rw_intake_value *value = requests->there ? requests : users;
    double busy = rw_intake_number(value), response = response_time(lint);
    if (!value->there || rw_intake_get(lint->intake, "load.think_time")->there ||
        rw_intake_get(lint->intake, "load.peak_rate")->there)
        return;
    rw_lint_tell(
        lint,
        &(struct rw_lint_hit){
            .value = value,
            .claimed = rw_lint_quantity(rw_model_little_rate(busy, response), RW_UNIT_PER_SECOND),
            .possible = rw_lint_quantity(
                rw_model_interactive_rate(busy, response, think_time(lint)), RW_UNIT_PER_SECOND)});
}

void rw_lint_rate_against_capacity(struct rw_lint *lint)
{
    const struct rw_intake_value *value;
    const struct rw_intake_value *capacity = rw_intake_get(lint->intake, "infrastructure.capacity");
    double now = rw_intake_rate(capacity, RW_PER_SECOND), needed = implied_rate(lint, &value);
    double stated = stated_rate(lint);
    if (isnan(needed))
        needed = stated;
    if (now > 0 && needed > now)
        rw_lint_tell(lint,
                     &(struct rw_lint_hit){.value = capacity,
                                           .claimed = rw_lint_quantity(needed, RW_UNIT_PER_SECOND),
                                           .possible = rw_lint_quantity(now, RW_UNIT_PER_SECOND)});
}

/* "100节点", "20台" in a sentence. */
static double machines_in(struct rw_span text)
{
    struct rw_amount amount;
    struct rw_span where;
    double sum = 0;
    while (rw_amount_find(text, RW_DIMENSION_COUNT, &amount, &where)) {
        if (rw_lint_has(where, "节点|台|nodes|实例|instances"))
            sum += amount.low;
        text = rw_span_skip(text, (size_t)(where.at - text.at) + where.len);
    }
    return sum;
}

static double machines(const struct rw_lint *lint)
{
    size_t count;
    const struct rw_intake_row *sites = rw_intake_rows(lint->intake, "sites", &count);
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        if (rw_intake_in(&sites[i], "count")->there)
            sum += rw_intake_number(rw_intake_in(&sites[i], "count"));
    for (size_t i = 0; i < lint->text_count && sum == 0; i++)
        if (strcmp(lint->texts[i].section->name, "infrastructure") == 0)
            sum += machines_in(lint->texts[i].text);
    return sum;
}

/* Below one request in ten seconds for a machine, even at the peak, something else keeps them busy,
 * or nothing. */
void rw_lint_idle_fleet(struct rw_lint *lint)
{
    const struct rw_intake_value *daily = rw_intake_get(lint->intake, "load.transactions_per_day");
    double fleet = machines(lint), rate = rw_intake_rate(daily, RW_PER_SECOND);
    double peak = rate * rw_input_entry(RW_INPUT_PEAK_FACTOR)->assumed;
    if (fleet > 0 && peak / fleet < 0.1)
        rw_lint_tell(lint,
                     &(struct rw_lint_hit){.value = daily,
                                           .claimed = rw_lint_quantity(fleet, RW_UNIT_COUNT),
                                           .possible = rw_lint_quantity(peak, RW_UNIT_PER_SECOND)});
}

void rw_lint_bytes_of_transaction(struct rw_lint *lint)
{
    const struct rw_intake_value *data = rw_intake_get(lint->intake, "data.per_day");
    double bytes = rw_intake_rate(data, RW_PER_DAY);
    double transactions =
        rw_intake_rate(rw_intake_get(lint->intake, "load.transactions_per_day"), RW_PER_DAY);
    if (transactions > 0 && bytes / transactions > 100e6)
        rw_lint_tell(lint, &(struct rw_lint_hit){
                               .value = data,
                               .claimed = rw_lint_quantity(bytes, RW_UNIT_BYTES_PER_DAY),
                               .possible = rw_lint_quantity(bytes / transactions, RW_UNIT_BYTES)});
}

/* What comes in a year, without copies. */
void rw_lint_inflow(struct rw_lint *lint)
{
    const struct rw_intake_value *data = rw_intake_get(lint->intake, "data.per_day");
    double bytes = rw_intake_rate(data, RW_PER_DAY);
    if (bytes * 365 >= 1e15 && !rw_intake_get(lint->intake, "data.retention")->there)
        rw_lint_tell(
            lint, &(struct rw_lint_hit){.value = data,
                                        .claimed = rw_lint_quantity(bytes, RW_UNIT_BYTES_PER_DAY),
                                        .possible = rw_lint_quantity(bytes * 365, RW_UNIT_BYTES)});
}

static struct rw_quantity as_quantity(const struct rw_amount *amount)
{
    double value = (amount->low + amount->high) / 2;
    switch (amount->dimension) {
    case RW_DIMENSION_FRACTION:
        return rw_lint_quantity(value, RW_UNIT_SHARE);
    case RW_DIMENSION_TIME:
        return rw_lint_quantity(value, RW_UNIT_SECONDS);
    case RW_DIMENSION_BYTES:
        return rw_lint_quantity(value, RW_UNIT_BYTES);
    case RW_DIMENSION_MONEY:
        return rw_lint_money(amount->currency, value);
    default:
        return rw_lint_quantity(value, amount->per == RW_PER_DAY     ? RW_UNIT_PER_DAY
                                       : amount->per == RW_PER_MONTH ? RW_UNIT_PER_MONTH
                                                                     : RW_UNIT_ONE);
    }
}

static bool same_target(const struct rw_intake_row *a, const struct rw_intake_row *b)
{
    return rw_intake_in(a, "name")->there &&
           rw_span_eq(rw_intake_in(a, "name")->text, rw_intake_in(b, "name")->text) &&
           rw_span_eq(rw_intake_in(a, "scope")->text, rw_intake_in(b, "scope")->text);
}

void rw_lint_target_twice(struct rw_lint *lint)
{
    size_t count;
    const struct rw_intake_row *targets = rw_intake_rows(lint->intake, "targets", &count);
    for (size_t i = 0; i < count; i++)
        for (size_t j = i + 1; j < count; j++) {
            const struct rw_intake_value *a = rw_intake_in(&targets[i], "value"),
                                         *b = rw_intake_in(&targets[j], "value");
            if (!same_target(&targets[i], &targets[j]) || !a->there || !b->there ||
                (a->amount.dimension == b->amount.dimension && a->amount.high == b->amount.high &&
                 a->amount.per == b->amount.per))
                continue;
            rw_lint_tell(
                lint, &(struct rw_lint_hit){.value = b,
                                            .claimed = as_quantity(&a->amount),
                                            .possible = as_quantity(&b->amount),
                                            .subject = rw_intake_in(&targets[i], "name")->text.at});
            break;
        }
}
