#include "report/unit.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

struct scale {
    double least; /* from this value on */
    double factor;
    const char *en, *zh;
};

static const struct rw_label symbols[] = {
#define SYMBOL(name, english, chinese) [name] = {.en = (english), .zh = (chinese)},
    RW_UNITS(SYMBOL)
#undef SYMBOL
};

static const char *const names[] = {
    [RW_UNIT_ONE] = "one",
    [RW_UNIT_SHARE] = "share",
    [RW_UNIT_COUNT] = "count",
    [RW_UNIT_SECONDS] = "seconds",
    [RW_UNIT_DAYS] = "days",
    [RW_UNIT_MONTHS] = "months",
    [RW_UNIT_YEARS] = "years",
    [RW_UNIT_BYTES] = "bytes",
    [RW_UNIT_BYTES_PER_SECOND] = "bytes_per_second",
    [RW_UNIT_BYTES_PER_DAY] = "bytes_per_day",
    [RW_UNIT_BITS_PER_SECOND] = "bits_per_second",
    [RW_UNIT_PER_SECOND] = "per_second",
    [RW_UNIT_PER_DAY] = "per_day",
    [RW_UNIT_PER_MONTH] = "per_month",
    [RW_UNIT_ERLANGS] = "erlangs",
    [RW_UNIT_KILOMETRES] = "kilometres",
    [RW_UNIT_KILOWATT_HOURS] = "kilowatt_hours",
    [RW_UNIT_HOURS_PER_YEAR] = "hours_per_year",
    [RW_UNIT_MINUTES_PER_QUARTER] = "minutes_per_quarter",
    [RW_UNIT_MONEY] = "money",
    [RW_UNIT_PRICE] = "price",
    [RW_UNIT_RATE] = "rate",
    [RW_UNIT_DATE] = "date",
};

const char *rw_unit_name(enum rw_unit unit)
{
    return names[unit];
}

static const struct scale byte_scales[] = {
    {1e15, 1e15, " PB", " PB"}, {1e12, 1e12, " TB", " TB"}, {1e9, 1e9, " GB", " GB"},
    {1e6, 1e6, " MB", " MB"},   {1e3, 1e3, " kB", " kB"},   {0, 1, " B", " B"},
};

static const struct scale bit_scales[] = {
    {1e12, 1e12, " Tbit/s", " Tbit/s"}, {1e9, 1e9, " Gbit/s", " Gbit/s"},
    {1e6, 1e6, " Mbit/s", " Mbit/s"},   {1e3, 1e3, " kbit/s", " kbit/s"},
    {0, 1, " bit/s", " bit/s"},
};

static const struct scale second_scales[] = {
    {172800, 86400, " d", " 天"}, {7200, 3600, " h", " 小时"},  {120, 60, " min", " 分钟"},
    {1, 1, " s", " 秒"},          {1e-3, 1e-3, " ms", " 毫秒"}, {0, 1e-6, " µs", " 微秒"},
};

static const struct scale count_scales_zh[] = {
    {1e8, 1e8, NULL, " 亿"},
    {1e5, 1e4, NULL, " 万"},
    {0, 1, NULL, ""},
};

/* The digits of `value` with `decimals` of them behind the point, thousands parted by commas;
 * without the zeros at the end when `trim`. */
static void write_digits(struct rw_text *text, double value, int decimals, bool trim)
{
    char digits[400];
    int length = snprintf(digits, sizeof(digits), "%.*f", decimals, fabs(value));
    if (length < 0 || (size_t)length >= sizeof(digits))
        return;
    size_t whole = strcspn(digits, ".");
    size_t end = (size_t)length;
    while (trim && end > whole && (digits[end - 1] == '0' || digits[end - 1] == '.'))
        end--;
    bool zero = strspn(digits, "0.") >= end;
    if (value < 0 && !zero)
        rw_text_adds(text, "-");
    for (size_t i = 0; i < whole; i++) {
        rw_text_add(text, rw_span(digits + i, 1));
        if (i + 1 < whole && (whole - i - 1) % 3 == 0)
            rw_text_adds(text, ",");
    }
    rw_text_add(text, rw_span(digits + whole, end - whole));
}

/* About four digits that count. */
static void write_plain(struct rw_text *text, double value)
{
    double size = fabs(value);
    int decimals = 0;
    if (size > 0 && size < 1000)
        decimals = 3 - (int)floor(log10(size));
    write_digits(text, value, decimals > 12 ? 12 : decimals, true);
}

static void write_scaled(struct rw_text *text, double value, const struct scale *scales,
                         enum rw_language language)
{
    const struct scale *scale = scales;
    while (scale->least > 0 && fabs(value) < scale->least * (1 - 1e-12))
        scale++;
    while (value == 0 && scale > scales && scale->factor < 1) /* of nothing, the unit itself */
        scale--;
    write_plain(text, value / scale->factor);
    rw_text_adds(text, language == RW_LANGUAGE_ZH ? scale->zh : scale->en);
}

static void write_share(struct rw_text *text, double value)
{
    double rest = fabs(1 - value);
    int decimals = 2;
    if (value < 1 && rest < 0.01)
        decimals = rest < 0.0001 ? 5 : 4;
    else if (value != 0 && fabs(value) < 0.001)
        decimals = 5;
    write_digits(text, value * 100, decimals, true);
    rw_text_adds(text, " %");
}

static void write_count(struct rw_text *text, double value, enum rw_language language)
{
    if (language == RW_LANGUAGE_ZH && fabs(value) >= 1e5)
        write_scaled(text, value, count_scales_zh, language);
    else
        write_plain(text, value);
}

/* Days since 1970 to year, month and day (proleptic Gregorian). */
static void write_date(struct rw_text *text, double days)
{
    long z = (long)days + 719468;
    long era = (z >= 0 ? z : z - 146096) / 146097;
    long of_era = z - era * 146097;
    long year_of_era = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    long of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    long shifted = (5 * of_year + 2) / 153;
    long day = of_year - (153 * shifted + 2) / 5 + 1;
    long month = shifted < 10 ? shifted + 3 : shifted - 9;
    long year = year_of_era + era * 400 + (month <= 2);
    rw_text_addf(text, "%04ld-%02ld-%02ld", year, month, day);
}

static bool date_part(struct rw_span text, size_t at, size_t length, long *part)
{
    uint64_t value;
    if (!rw_span_to_u64(rw_span(text.at + at, length), &value))
        return false;
    *part = (long)value;
    return true;
}

bool rw_date_read(struct rw_span text, double *days)
{
    static const int month_days[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    long year, month, day;
    if (text.len != 10 || text.at[4] != '-' || text.at[7] != '-' || !date_part(text, 0, 4, &year) ||
        !date_part(text, 5, 2, &month) || !date_part(text, 8, 2, &day))
        return false;
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    if (year < 1970 || month < 1 || month > 12 || day < 1 || day > month_days[month - 1] ||
        (month == 2 && day == 29 && !leap))
        return false;
    long shifted_year = year - (month <= 2);
    long era = shifted_year / 400;
    long of_era_year = shifted_year - era * 400;
    long of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    long of_era = of_era_year * 365 + of_era_year / 4 - of_era_year / 100 + of_year;
    *days = (double)(era * 146097 + of_era - 719468);
    return true;
}

/* What a price is for, as data files name it, for people. */
static const char *per_in(const char *per, enum rw_language language)
{
    static const struct {
        const char *per;
        struct rw_label label;
    } pers[] = {
        {"hour", RW_LABEL("hour", "小时")},
        {"month", RW_LABEL("month", "月")},
        {"gb", RW_LABEL("GB", "GB")},
        {"tib", RW_LABEL("TiB", "TiB")},
        {"gb_month", RW_LABEL("GB-month", "GB·月")},
        {"iops_month", RW_LABEL("IOPS-month", "IOPS·月")},
        {"mbps_month", RW_LABEL("Mbit/s-month", "Mbit/s·月")},
        {"vcpu_hour", RW_LABEL("vCPU-hour", "vCPU·小时")},
        {"cu_hour", RW_LABEL("CU-hour", "CU·小时")},
        {"lcu_hour", RW_LABEL("LCU-hour", "LCU·小时")},
        {"1k_requests", RW_LABEL("1,000 requests", "千次请求")},
        {"10k_requests", RW_LABEL("10,000 requests", "万次请求")},
        {"1m_requests", RW_LABEL("million requests", "百万次请求")},
        {"usd_spent", RW_LABEL("USD spent", "美元消费")},
        {"10k_operations", RW_LABEL("10,000 operations", "万次操作")},
    };
    for (size_t i = 0; i < sizeof(pers) / sizeof(pers[0]); i++)
        if (strcmp(pers[i].per, per) == 0)
            return rw_label_in(pers[i].label, language);
    return per;
}

static void write_money(struct rw_text *text, const struct rw_quantity *quantity,
                        enum rw_language language)
{
    if (quantity->unit == RW_UNIT_MONEY)
        write_digits(text, quantity->value / 100, 2, false);
    else
        write_digits(text, quantity->value, 6, true);
    rw_text_addf(text, " %s", quantity->currency ? quantity->currency : "");
    if (quantity->unit == RW_UNIT_PRICE && quantity->per)
        rw_text_addf(text, "/%s", per_in(quantity->per, language));
}

static void write_value(struct rw_text *text, const struct rw_quantity *quantity,
                        enum rw_language language)
{
    switch (quantity->unit) {
    case RW_UNIT_SHARE:
        write_share(text, quantity->value);
        break;
    case RW_UNIT_COUNT:
        write_count(text, quantity->value, language);
        break;
    case RW_UNIT_SECONDS:
        write_scaled(text, quantity->value, second_scales, language);
        break;
    case RW_UNIT_BYTES:
    case RW_UNIT_BYTES_PER_SECOND:
    case RW_UNIT_BYTES_PER_DAY:
        write_scaled(text, quantity->value, byte_scales, language);
        break;
    case RW_UNIT_BITS_PER_SECOND:
        write_scaled(text, quantity->value, bit_scales, language);
        return;
    case RW_UNIT_MONEY:
    case RW_UNIT_PRICE:
    case RW_UNIT_RATE:
        write_money(text, quantity, language);
        return;
    case RW_UNIT_DAYS:
        write_plain(text, fabs(quantity->value) >= 10 ? rint(quantity->value) : quantity->value);
        break;
    case RW_UNIT_DATE:
        write_date(text, quantity->value);
        return;
    default:
        write_count(text, quantity->value, language);
    }
}

void rw_quantity_write(struct rw_text *text, struct rw_quantity quantity, enum rw_language language)
{
    if (isnan(quantity.value)) {
        rw_text_adds(text, language == RW_LANGUAGE_ZH ? "缺失" : "missing");
        return;
    }
    if (isinf(quantity.value)) {
        rw_text_adds(text, quantity.value < 0 ? "-∞" : "∞");
        return;
    }
    write_value(text, &quantity, language);
    const char *symbol = rw_label_in(symbols[quantity.unit], language);
    if (symbol[0] != '\0' && quantity.unit != RW_UNIT_BITS_PER_SECOND)
        rw_text_addf(text, "%s%s", symbol[0] == '/' ? "" : " ", symbol);
}

void rw_number_write(struct rw_text *text, double value)
{
    char digits[40];
    if (!isfinite(value)) {
        rw_text_adds(text, "null");
        return;
    }
    if (value == rint(value) && fabs(value) < 1e15) {
        rw_text_addf(text, "%.0f", value == 0 ? 0.0 : value);
        return;
    }
    for (int precision = 15; precision <= 17; precision++) {
        snprintf(digits, sizeof(digits), "%.*g", precision, value);
        if (strtod(digits, NULL) == value)
            break;
    }
    rw_text_adds(text, digits);
}
