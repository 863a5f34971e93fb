#include "plan/intake/bind.h"

#include "plan/intake/bind_phases.h"
#include "plan/intake/bind_place.h"
#include "plan/intake/measured.h"
#include "plan/intake/reader.h"

#include <math.h>

#define DAY 86400.0
#define YEAR (365.25 * DAY)

struct binding {
    struct rw_intake *intake;
    struct rw_input_value *values;
    struct rw_terms *terms;
    struct rw_conf_report *report;
};

/* ---- Money ---- */

const char *rw_intake_currency(const struct rw_intake *intake)
{
    static const char *const paths[] = {"money.budget", "money.tiers", "money.budget_year",
                                        "money.budget_initial"};
    const struct rw_intake_value *stated = rw_intake_get(intake, "plan.currency");
    if (stated->there && stated->text.len == 3)
        return stated->text.at;
    for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++) {
        const struct rw_intake_value *value = rw_intake_get(intake, paths[i]);
        if (value->there)
            return value->amount.currency;
    }
    return "USD";
}

/* So much of the plan's currency is one of `currency`; NaN: nobody said. */
static double rate_of(const struct binding *binding, const char *currency)
{
    const struct rw_terms *terms = binding->terms;
    if (strcmp(currency, terms->currency) == 0)
        return 1;
    for (unsigned i = 0; i < terms->rate_count; i++)
        if (strcmp(terms->rates[i].currency, currency) == 0)
            return terms->rates[i].rate;
    return NAN;
}

static double cents(const struct binding *binding, const struct rw_intake_value *value,
                    const struct rw_amount *amount, double units)
{
    double rate = rate_of(binding, amount->currency);
    if (isnan(rate))
        rw_intake_tell(
            binding->report, value->place,
            "%s: an amount in %s in a plan in %s, without a rate: add \"rates: "
            "[{currency: %s, rate: ...}]\"",
            "%s：金额为 %s，方案币种为 %s，没有汇率：请补充“汇率: [{币种: %s, 汇率: ...}]”",
            rw_intake_called(binding->report, value->field), amount->currency,
            binding->terms->currency, amount->currency);
    return round(units * rate * 100);
}

/* ---- Inputs ---- */

/* What an amount is counted for, where it is money for a time. */
static enum rw_per money_per(enum rw_input input)
{
    if (input == RW_INPUT_COST_NOW || input == RW_INPUT_BUDGET_PER_YEAR)
        return RW_PER_YEAR;
    return input == RW_INPUT_LOSS_PER_MINUTE ? RW_PER_MINUTE : RW_PER_NONE;
}

/* `number` of the amount's own unit in the unit of the input. */
static double in_unit(const struct binding *binding, const struct rw_intake_value *value,
                      enum rw_input input, double number)
{
    const struct rw_amount *amount = &value->amount;
    enum rw_per per = rw_intake_field_per(value->field);
    double rate = per && amount->per ? rw_per_seconds(per) / rw_per_seconds(amount->per) : 1;
    switch (rw_input_entry(input)->unit) {
    case RW_UNIT_DAYS:
        return number / DAY;
    case RW_UNIT_MONTHS:
        return number / (YEAR / 12);
    case RW_UNIT_YEARS:
        return number / YEAR;
    case RW_UNIT_MINUTES_PER_QUARTER:
        return number * rate / 60;
    case RW_UNIT_MONEY:
        per = money_per(input);
        rate = per && amount->per ? rw_per_seconds(per) / rw_per_seconds(amount->per) : 1;
        return cents(binding, value, amount, number * rate);
    default:
        return number * rate;
    }
}

static void bind_value(struct binding *binding, const struct rw_intake_value *value,
                       enum rw_input input)
{
    const struct rw_amount *amount = &value->amount;
    struct rw_input_value *out = &binding->values[input];
    *out = (struct rw_input_value){
        .present = true,
        .value = in_unit(binding, value, input, rw_intake_number(value)),
        .origin = value->origin,
        .reason = value->reason,
        .source = value->source,
        .file = binding->intake->file,
        .place = value->place,
    };
    if (amount->low < amount->high)
        out->spread = (struct rw_spread){
            .shape = RW_SPREAD_TRIANGULAR,
            .low = in_unit(binding, value, input, amount->low),
            .mode = out->value,
            .high = in_unit(binding, value, input, amount->high),
        };
}

/* A budget for a year is another input than one for the whole. */
static enum rw_input input_of(const struct rw_intake_value *value)
{
    enum rw_input input = value->field->input;
    return input == RW_INPUT_BUDGET_TOTAL && value->amount.per ? RW_INPUT_BUDGET_PER_YEAR : input;
}

static void bind_inputs(struct binding *binding)
{
    for (size_t i = 0; i < RW_INTAKE_SECTIONS; i++) {
        if (rw_intake_sections[i].many)
            continue;
        const struct rw_intake_row *row = &binding->intake->rows[i].at[0];
        for (unsigned f = 0; f < rw_intake_field_count(row->section); f++)
            if (row->values[f].field->is_input && row->values[f].there)
                bind_value(binding, &row->values[f], input_of(&row->values[f]));
    }
}

/* The share of the budget at the beginning: as such, or as an item of the split. */
static const struct rw_intake_value *initial_share(const struct rw_intake *intake)
{
    const struct rw_intake_value *stated = rw_intake_get(intake, "money.initial_share");
    size_t count;
    const struct rw_intake_row *rows = rw_intake_rows(intake, "shares", &count);
    for (size_t i = 0; i < count && !stated->there; i++) {
        struct rw_span name = rw_intake_in(&rows[i], "name")->text;
        const struct rw_intake_value *share = rw_intake_in(&rows[i], "share");
        if (share->there &&
            (rw_span_starts(name, RW_LITERAL("初期建设")) || rw_span_is_nocase(name, "initial")))
            return share;
    }
    return stated;
}

/* What one answer says about two inputs. */
static void bind_consequences(struct binding *binding)
{
    struct rw_input_value *values = binding->values;
    const struct rw_intake_value *latency = rw_intake_get(binding->intake, "goal.latency");
    if (latency->there && latency->amount.percentile > 0 &&
        !values[RW_INPUT_LATENCY_PERCENTILE].present) {
        values[RW_INPUT_LATENCY_PERCENTILE] = values[RW_INPUT_LATENCY];
        values[RW_INPUT_LATENCY_PERCENTILE].value = latency->amount.percentile;
        values[RW_INPUT_LATENCY_PERCENTILE].spread = (struct rw_spread){0};
    }
    const struct rw_intake_value *share = initial_share(binding->intake);
    enum rw_input whole =
        values[RW_INPUT_BUDGET_TOTAL].present ? RW_INPUT_BUDGET_TOTAL : RW_INPUT_BUDGET_PER_YEAR;
    if (share->there && values[whole].present && !values[RW_INPUT_BUDGET_INITIAL].present) {
        struct rw_input_value initial = values[whole];
        initial.value = round(initial.value * rw_intake_number(share));
        initial.place = share->place;
        initial.spread = (struct rw_spread){0};
        values[RW_INPUT_BUDGET_INITIAL] = initial;
    }
}

/* ---- Terms ---- */

double rw_intake_date(const struct rw_intake *intake)
{
    const struct rw_intake_value *date = rw_intake_get(intake, "plan.date");
    return date->there ? date->amount.high : NAN;
}

double rw_intake_deadline(const struct rw_intake *intake, double date)
{
    const struct rw_intake_value *deadline = rw_intake_get(intake, "goal.deadline");
    if (!deadline->there)
        return NAN;
    if (deadline->amount.dimension == RW_DIMENSION_DATE)
        return deadline->amount.high;
    return date + floor(deadline->amount.high / DAY);
}

static const char *text_or_null(const struct rw_intake_value *value)
{
    return value->there && value->text.len ? value->text.at : NULL;
}

static bool mentions(const struct rw_intake *intake, const char *path, const char *words)
{
    struct rw_span text = rw_intake_text(intake, path), rest = rw_span_text(words), word;
    while (text.len && rw_intake_next_word(&rest, &word))
        if (memmem(text.at, text.len, word.at, word.len))
            return true;
    return false;
}

static bool says(const struct rw_intake *intake, const char *words)
{
    return mentions(intake, "money.payment", words) ||
           mentions(intake, "money.preference", words) ||
           mentions(intake, "money.subscription", words);
}

static void bind_payment(struct binding *binding)
{
    const struct rw_intake *intake = binding->intake;
    struct rw_terms *terms = binding->terms;
    static const struct {
        enum rw_payment payment;
        const char *words;
    } ways[] = {
        {RW_PAYMENT_QUARTERLY, "按季|季付|每季度支付|quarter"},
        {RW_PAYMENT_MONTHLY, "按月|月付|monthly"},
        {RW_PAYMENT_YEARLY, "按年|年付|yearly|annual"},
    };
    for (size_t i = 0; i < sizeof(ways) / sizeof(*ways) && !terms->payment_given; i++)
        if (says(intake, ways[i].words)) {
            terms->payment = ways[i].payment;
            terms->payment_given = true;
        }
    terms->subscription = rw_intake_get(intake, "money.subscription")->there ||
                          mentions(intake, "money.preference", "订阅|subscription");
    terms->one_off = rw_intake_get(intake, "money.one_off")->there ||
                     mentions(intake, "money.preference", "一次性|one-off|purchase");
}

static bool room_for(const struct binding *binding, unsigned count, unsigned room,
                     struct rw_conf_place place)
{
    if (count == room)
        rw_intake_tell(binding->report, place, "more than %u of these", "此类条目超过 %u 项", room);
    return count < room;
}

static void bind_rates(struct binding *binding)
{
    size_t count;
    const struct rw_intake_row *rows = rw_intake_rows(binding->intake, "rates", &count);
    struct rw_terms *terms = binding->terms;
    for (size_t i = 0; i < count; i++) {
        const struct rw_intake_value *currency = rw_intake_in(&rows[i], "currency"),
                                     *rate = rw_intake_in(&rows[i], "rate");
        if (!currency->there || !rate->there || rw_intake_number(rate) <= 0)
            rw_intake_tell(binding->report, rows[i].place,
                           "a rate has a currency and a number above 0",
                           "汇率须有币种和大于 0 的数值");
        else if (room_for(binding, terms->rate_count, RW_RATES_MAX, rows[i].place))
            terms->rates[terms->rate_count++] =
                (struct rw_term_rate){currency->text.at, rw_intake_number(rate), rows[i].place};
    }
}

static void bind_tiers(struct binding *binding)
{
    const struct rw_intake_value *tiers = rw_intake_get(binding->intake, "money.tiers");
    struct rw_terms *terms = binding->terms;
    for (size_t i = 0; tiers->there && i < tiers->count; i++) {
        const struct rw_amount *amount = &tiers->amounts[i];
        if (!room_for(binding, terms->tier_count, RW_TIERS_MAX, tiers->place))
            return;
        terms->tiers[terms->tier_count++] = (struct rw_term_tier){
            .budget = cents(binding, tiers, amount, (amount->low + amount->high) / 2),
            .place = tiers->place,
        };
    }
}

/* Of several lists that split up the same money, the first one counts; parts of parts do not. */
static void bind_shares(struct binding *binding)
{
    size_t count;
    const struct rw_intake_row *rows = rw_intake_rows(binding->intake, "shares", &count);
    struct rw_terms *terms = binding->terms;
    struct rw_span list = count ? rw_intake_in(&rows[0], "list")->text : RW_LITERAL("");
    for (size_t i = 0; i < count; i++) {
        const struct rw_intake_value *share = rw_intake_in(&rows[i], "share"),
                                     *amount = rw_intake_in(&rows[i], "amount");
        double weight = rw_intake_number(share->there ? share : amount);
        if (rw_intake_in(&rows[i], "of")->there ||
            !rw_span_eq(rw_intake_in(&rows[i], "list")->text, list) || !(weight > 0))
            continue;
        if (!room_for(binding, terms->share_count, RW_SHARES_MAX, rows[i].place))
            return;
        terms->shares[terms->share_count++] = (struct rw_term_share){
            text_or_null(rw_intake_in(&rows[i], "name")), weight, rows[i].place};
    }
}

/* Which end of a range: its middle, or one of its ends. */
enum end { MIDDLE, LOW, HIGH };

static double end_of(const struct rw_intake_value *value, enum end end)
{
    return end == LOW    ? value->amount.low
           : end == HIGH ? value->amount.high
                         : rw_intake_number(value);
}

static double saving_per_year(const struct binding *binding, const struct rw_intake_row *row,
                              enum end end)
{
    const struct rw_intake_value *amount = rw_intake_in(row, "amount"),
                                 *share = rw_intake_in(row, "share"),
                                 *years = rw_intake_in(row, "years");
    if (amount->there && amount->amount.per)
        return cents(binding, amount, &amount->amount,
                     end_of(amount, end) * rw_per_seconds(RW_PER_YEAR) /
                         rw_per_seconds(amount->amount.per));
    if (amount->there && years->there)
        return cents(binding, amount, &amount->amount,
                     end_of(amount, end) / (rw_intake_number(years) / YEAR));
    const struct rw_input_value *now = &binding->values[RW_INPUT_COST_NOW];
    return share->there && now->present ? round(now->value * end_of(share, end)) : NAN;
}

/* A benefit that is not in money, or for an unknown time, is not counted; lint tells it. */
static void bind_savings(struct binding *binding)
{
    size_t count;
    const struct rw_intake_row *rows = rw_intake_rows(binding->intake, "savings", &count);
    struct rw_terms *terms = binding->terms;
    for (size_t i = 0; i < count; i++) {
        const char *cause = text_or_null(rw_intake_in(&rows[i], "cause"));
        const struct rw_intake_value *amount = rw_intake_in(&rows[i], "amount");
        bool yearly = amount->amount.per || rw_intake_in(&rows[i], "years")->there;
        double per_year = saving_per_year(binding, &rows[i], MIDDLE);
        if (!cause || isnan(per_year))
            continue;
        if (!room_for(binding, terms->saving_count, RW_SAVINGS_MAX, rows[i].place))
            return;
        terms->savings[terms->saving_count++] = (struct rw_term_saving){
            .cause = cause,
            .per_year = per_year,
            .low = saving_per_year(binding, &rows[i], LOW),
            .high = saving_per_year(binding, &rows[i], HIGH),
            .share_of_cost = !(amount->there && yearly),
            .from_year = 1,
            .place = rows[i].place,
        };
    }
}

static bool has_any(struct rw_span text, const char *words)
{
    struct rw_span rest = rw_span_text(words), word;
    while (rw_intake_next_word(&rest, &word))
        for (size_t i = 0; i + word.len <= text.len; i++)
            if (rw_span_eq_nocase(rw_span(text.at + i, word.len), word))
                return true;
    return false;
}

static bool has_firewall(const struct rw_intake *intake)
{
    static const char words[] = "WAF|应用防火墙|web application firewall";
    size_t count;
    const struct rw_intake_row *rows = rw_intake_rows(intake, "components", &count);
    bool found = has_any(rw_intake_text(intake, "infrastructure.security"), words);
    for (size_t i = 0; i < count; i++)
        found = found || has_any(rw_intake_in(&rows[i], "name")->text, words);
    return found;
}

static bool row_mentions(const struct rw_intake_row *row, const char *words)
{
    for (unsigned f = 0; f < rw_intake_field_count(row->section); f++) {
        const struct rw_intake_value *value = &row->values[f];
        for (size_t i = 0; value->there && value->texts && i < value->count; i++)
            if (has_any(value->texts[i], words))
                return true;
    }
    return false;
}

static bool has_models(const struct rw_intake *intake)
{
    static const char words[] = "GPU|大模型|模型推理|模型服务|AI服务|AI推理|AI平台|LLM|OpenAI|"
                                "Anthropic|inference|machine learning";
    bool found = false;
    for (size_t s = 0; s < RW_INTAKE_SECTIONS; s++)
        for (size_t r = 0; r < intake->rows[s].count; r++)
            found = found || row_mentions(&intake->rows[s].at[r], words);
    return found;
}

enum rw_err rw_intake_bind(struct rw_intake *intake, double date,
                           struct rw_input_value values[RW_INPUT_END], struct rw_terms *terms,
                           struct rw_conf_report *report)
{
    struct binding binding = {intake, values, terms, report};
    const char *project = text_or_null(rw_intake_get(intake, "plan.name"));
    memset(values, 0, RW_INPUT_END * sizeof(*values));
    *terms = (struct rw_terms){
        .customer = text_or_null(rw_intake_get(intake, "plan.customer")),
        .project = project ? project : text_or_null(rw_intake_get(intake, "profile.segment")),
        .file = intake->file,
        .currency = rw_intake_currency(intake),
        .date = isnan(date) ? rw_intake_date(intake) : date,
    };
    terms->own_firewall = has_firewall(intake);
    terms->models = has_models(intake);
    terms->deadline = rw_intake_deadline(intake, terms->date);
    terms->support_response = rw_intake_number(rw_intake_get(intake, "service.response"));
    terms->support_place = rw_intake_get(intake, "service.response")->place;
    bind_rates(&binding);
    bind_inputs(&binding);
    rw_intake_bind_measured(intake, values, report);
    bind_consequences(&binding);
    bind_tiers(&binding);
    bind_shares(&binding);
    bind_savings(&binding);
    bind_payment(&binding);
    rw_intake_bind_phases(intake, terms, report);
    rw_intake_bind_sites(intake, terms, report);
    rw_intake_bind_frameworks(intake, terms);
    rw_conf_report_sort(report);
    if (report->err)
        return report->err;
    return report->count ? RW_EINVAL : RW_OK;
}
