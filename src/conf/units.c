/* Durations and sizes. */
#include "conf/scalar.h"

#include <stdio.h>

struct unit {
    const char *name;
    uint64_t factor;
};

static const struct unit durations[] = {
    {"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {"d", 86400000}, {NULL, 0},
};

static const struct unit sizes[] = {
    {"", 1},
    {"B", 1},
    {"KB", 1000},
    {"KiB", 1ull << 10},
    {"MB", 1000000},
    {"MiB", 1ull << 20},
    {"GB", 1000000000},
    {"GiB", 1ull << 30},
    {"TB", 1000000000000},
    {"TiB", 1ull << 40},
    {NULL, 0},
};

static size_t digits(struct rw_span text)
{
    size_t count = 0;
    while (count < text.len && text.at[count] >= '0' && text.at[count] <= '9')
        count++;
    return count;
}

/* `fraction` are the digits after the point: they must come out as a whole number of the base unit.
 */
static enum rw_err multiply(struct rw_span whole, struct rw_span fraction, uint64_t factor,
                            uint64_t *value)
{
    unsigned __int128 sum = 0, scale = 1;
    if (whole.len > 19 || fraction.len > 15)
        return RW_ELIMIT;
    for (size_t i = 0; i < whole.len; i++)
        sum = sum * 10 + (unsigned)(whole.at[i] - '0');
    for (size_t i = 0; i < fraction.len; i++) {
        sum = sum * 10 + (unsigned)(fraction.at[i] - '0');
        scale *= 10;
    }
    sum *= factor;
    if (sum % scale)
        return RW_EINVAL;
    sum /= scale;
    if (sum > INT64_MAX)
        return RW_ELIMIT;
    *value = (uint64_t)sum;
    return RW_OK;
}

static enum rw_err read_quantity(struct rw_span text, const struct unit *units, uint64_t *value)
{
    struct rw_span whole = rw_span(text.at, digits(text));
    struct rw_span rest = rw_span_skip(text, whole.len), fraction = {0};
    if (rest.len && rest.at[0] == '.') {
        rest = rw_span_skip(rest, 1);
        fraction = rw_span(rest.at, digits(rest));
        rest = rw_span_skip(rest, fraction.len);
        if (fraction.len == 0)
            return RW_EINVAL;
    }
    if (whole.len == 0)
        return RW_EINVAL;
    for (; units->name; units++)
        if (rw_span_is(rest, units->name))
            return multiply(whole, fraction, units->factor, value);
    return RW_EINVAL;
}

enum rw_err rw_conf_duration(struct rw_span text, uint32_t *ms)
{
    uint64_t value = 0;
    enum rw_err err = read_quantity(text, durations, &value);
    if (!err && value > UINT32_MAX)
        err = RW_ELIMIT;
    if (!err)
        *ms = (uint32_t)value;
    return err;
}

enum rw_err rw_conf_size(struct rw_span text, uint64_t *bytes)
{
    return read_quantity(text, sizes, bytes);
}

enum rw_err rw_conf_percent(struct rw_span text, double *share)
{
    double number = 0, unit = 100;
    bool point = false;
    if (text.len < 2 || text.len > 17 || text.at[text.len - 1] != '%' || text.at[0] == '.')
        return RW_EINVAL;
    for (size_t i = 0; i + 1 < text.len; i++) {
        char c = text.at[i];
        bool digit = c >= '0' && c <= '9';
        if (!digit && (c != '.' || point))
            return RW_EINVAL;
        point = point || !digit;
        if (digit) {
            number = number * 10 + (c - '0');
            unit = point ? unit * 10 : unit;
        }
    }
    *share = number / unit;
    return RW_OK;
}

/* In the largest of the units that leaves a whole number. */
static char *format(char *to, uint64_t value, const struct unit *units)
{
    const struct unit *best = units;
    for (const struct unit *unit = units; unit->name; unit++)
        if (value % unit->factor == 0 && value >= unit->factor)
            best = unit;
    snprintf(to, 32, "%llu%s", (unsigned long long)(value / best->factor), best->name);
    return to;
}

char *rw_conf_format_duration(char *to, uint64_t ms)
{
    if (ms == 0)
        return memcpy(to, "0s", 3);
    return format(to, ms, durations);
}

char *rw_conf_format_size(char *to, uint64_t bytes)
{
    static const struct unit binary[] = {
        {"B", 1},
        {"KiB", 1ull << 10},
        {"MiB", 1ull << 20},
        {"GiB", 1ull << 30},
        {"TiB", 1ull << 40},
        {NULL, 0},
    };
    return format(to, bytes, binary);
}
