#include "plan/setting.h"

#include "base/alloc.h"
#include "plan/inputs.h"
#include "plan/intake/amount.h"

#include <stdlib.h>

static const double seconds_day = 86400, seconds_year = 365.25 * 86400;

enum {
    any_dimension = RW_DIMENSION_COUNT | RW_DIMENSION_FRACTION | RW_DIMENSION_TIME |
                    RW_DIMENSION_BYTES | RW_DIMENSION_BITS | RW_DIMENSION_MONEY |
                    RW_DIMENSION_LENGTH
};

/* Of an input; RW_UNIT_END for other cells, which are not there yet. */
static enum rw_unit unit_of(struct rw_span id)
{
    for (unsigned i = 0; i < RW_INPUT_END; i++)
        if (rw_span_is(id, rw_input_entry((enum rw_input)i)->id))
            return rw_input_entry((enum rw_input)i)->unit;
    return RW_UNIT_END;
}

/* What a text with a unit may measure. */
static unsigned dimensions_of(enum rw_unit unit)
{
    switch (unit) {
    case RW_UNIT_END:
        return any_dimension;
    case RW_UNIT_SHARE:
        return RW_DIMENSION_FRACTION;
    case RW_UNIT_SECONDS:
    case RW_UNIT_DAYS:
    case RW_UNIT_MONTHS:
    case RW_UNIT_YEARS:
    case RW_UNIT_MINUTES_PER_QUARTER:
        return RW_DIMENSION_TIME;
    case RW_UNIT_BYTES:
    case RW_UNIT_BYTES_PER_SECOND:
    case RW_UNIT_BYTES_PER_DAY:
        return RW_DIMENSION_BYTES;
    case RW_UNIT_BITS_PER_SECOND:
        return RW_DIMENSION_BITS;
    case RW_UNIT_MONEY:
        return RW_DIMENSION_MONEY;
    case RW_UNIT_KILOMETRES:
        return RW_DIMENSION_LENGTH;
    default:
        return RW_DIMENSION_COUNT | RW_DIMENSION_FRACTION;
    }
}

/* Digits, a point, a sign: in the cell's own unit. */
static bool plain_number(struct rw_span text, double *value)
{
    char copy[40], *end = NULL;
    if (!text.len || text.len >= sizeof(copy))
        return false;
    memcpy(copy, text.at, text.len);
    copy[text.len] = '\0';
    *value = strtod(copy, &end);
    return *end == '\0' && isfinite(*value);
}

/* The time that a unit counts for, where it is a rate. */
static enum rw_per per_of(enum rw_unit unit)
{
    switch (unit) {
    case RW_UNIT_PER_DAY:
    case RW_UNIT_BYTES_PER_DAY:
        return RW_PER_DAY;
    case RW_UNIT_PER_MONTH:
        return RW_PER_MONTH;
    case RW_UNIT_PER_SECOND:
    case RW_UNIT_BYTES_PER_SECOND:
        return RW_PER_SECOND;
    case RW_UNIT_MINUTES_PER_QUARTER:
        return RW_PER_QUARTER;
    default:
        return RW_PER_NONE;
    }
}

static double in_unit(const struct rw_amount *amount, enum rw_unit unit)
{
    double value = (amount->low + amount->high) / 2;
    enum rw_per per = per_of(unit);
    if (amount->per && per)
        value *= rw_per_seconds(per) / rw_per_seconds(amount->per);
    if (amount->dimension == RW_DIMENSION_MONEY)
        return value * 100;
    if (amount->dimension != RW_DIMENSION_TIME)
        return value;
    switch (unit) {
    case RW_UNIT_DAYS:
        return value / seconds_day;
    case RW_UNIT_MONTHS:
        return value / (seconds_year / 12);
    case RW_UNIT_YEARS:
        return value / seconds_year;
    case RW_UNIT_MINUTES_PER_QUARTER:
        return value / 60;
    default:
        return value;
    }
}

static void tell(struct rw_conf_report *report, struct rw_span setting,
                 const struct rw_amount_mistake *mistake, unsigned dimensions)
{
    struct rw_text text = {0};
    rw_amount_mistake_write(mistake, dimensions, RW_LANGUAGE_EN, &text);
    rw_conf_mistake_at(report, (struct rw_conf_place){0, 0}, "--set %.*s: %s",
                       RW_SPAN_ARGS(setting), text.at ? text.at : "not understood");
    rw_text_free(&text);
}

/* What no cell of an input can be. */
static const char *impossible(struct rw_span id, enum rw_unit unit, double value)
{
    bool grows = rw_span_is(id, rw_input_entry(RW_INPUT_GROWTH)->id) ||
                 rw_span_is(id, rw_input_entry(RW_INPUT_STORAGE_OVERHEAD)->id);
    if (unit != RW_UNIT_END && value < 0)
        return "a value below zero has no meaning here";
    if (unit == RW_UNIT_SHARE && value > 1 && !grows)
        return "a share is at most 1, which is 100%";
    return NULL;
}

static enum rw_err take(struct rw_sheet *sheet, struct rw_span whole, struct rw_span id,
                        double value, struct rw_conf_report *report)
{
    const char *wrong = impossible(id, unit_of(id), value);
    if (!wrong)
        return rw_sheet_set(sheet, id, value);
    rw_conf_mistake_at(report, (struct rw_conf_place){0, 0}, "--set %.*s: %s", RW_SPAN_ARGS(whole),
                       wrong);
    return RW_EINVAL;
}

enum rw_err rw_setting_apply(struct rw_sheet *sheet, const char *setting,
                             struct rw_conf_report *report)
{
    struct rw_span whole = rw_span_text(setting);
    ptrdiff_t equals = rw_span_find(whole, '=');
    if (equals <= 0) {
        rw_conf_mistake_at(report, (struct rw_conf_place){0, 0},
                           "--set %s: write cell=value, such as intake.load.think_time=20s",
                           setting);
        return RW_EINVAL;
    }
    struct rw_span id = rw_span_trim(rw_span(setting, (size_t)equals));
    struct rw_span value = rw_span_trim(rw_span_skip(whole, (size_t)equals + 1));
    struct rw_amount amount;
    struct rw_amount_mistake mistake;
    enum rw_unit unit = unit_of(id);
    double number;
    if (plain_number(value, &number))
        return take(sheet, whole, id, unit == RW_UNIT_MONEY ? number * 100 : number, report);
    if (!rw_amount_read(value, dimensions_of(unit), &amount, &mistake)) {
        tell(report, whole, &mistake, dimensions_of(unit));
        return RW_EINVAL;
    }
    return take(sheet, whole, id, in_unit(&amount, unit), report);
}

static enum rw_err tell_unknown(const struct rw_sheet *sheet, const char *id,
                                struct rw_conf_report *report)
{
    const char **names = rw_alloc((sheet->count + 1) * sizeof(*names));
    if (!names)
        return RW_ENOMEM;
    for (uint32_t i = 0; i < sheet->count; i++)
        names[i] = sheet->cells[i].id;
    rw_conf_mistake_at(report, (struct rw_conf_place){0, 0}, "--set: there is no cell %s%s", id,
                       rw_conf_hint(report, rw_span_text(id), names, sheet->count));
    rw_free(names);
    return RW_EINVAL;
}

enum rw_err rw_settings_check(const struct rw_sheet *sheet, struct rw_conf_report *report)
{
    enum rw_err err = RW_OK;
    for (unsigned i = 0; i < sheet->setting_count && err != RW_ENOMEM; i++)
        if (!sheet->settings[i].used)
            err = tell_unknown(sheet, sheet->settings[i].id, report);
    return err;
}
