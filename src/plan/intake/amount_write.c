/* Amounts and their mistakes as text. */
#include "plan/intake/amount.h"

#include <math.h>
#include <stdio.h>

static const struct expected {
    enum rw_dimension dimension;
    struct rw_label label;
} expectations[] = {
    {RW_DIMENSION_COUNT, RW_LABEL("a number, such as 5000 or 500万+", "数量，如 500万+")},
    {RW_DIMENSION_FRACTION, RW_LABEL("a share, such as 99.95%", "比例，如 99.95%")},
    {RW_DIMENSION_TIME,
     RW_LABEL("a time, such as 150ms, 15分钟 or 6个月", "时长，如 150ms、15分钟、6个月")},
    {RW_DIMENSION_BYTES, RW_LABEL("a size, such as 80TB or 10TB/day", "数据量，如 80TB、10TB/天")},
    {RW_DIMENSION_BITS, RW_LABEL("a line rate, such as 10Gbps", "带宽，如 10Gbps")},
    {RW_DIMENSION_MONEY, RW_LABEL("an amount of money, such as $120万/年", "金额，如 $120万/年")},
    {RW_DIMENSION_LENGTH, RW_LABEL("a distance, such as 7000km", "距离，如 7000公里")},
    {RW_DIMENSION_DATE,
     RW_LABEL("a date, such as 2025年Q2 or 2026-06-30", "日期，如 2025年Q2、2026-06-30")},
};

enum { EXPECTATIONS = sizeof(expectations) / sizeof(*expectations) };

void rw_dimensions_write(unsigned dimensions, enum rw_language language, struct rw_text *text)
{
    bool first = true;
    for (size_t i = 0; i < EXPECTATIONS; i++) {
        if (!(dimensions & expectations[i].dimension))
            continue;
        if (!first)
            rw_text_adds(text, language == RW_LANGUAGE_ZH ? "，或" : ", or ");
        rw_text_adds(text, rw_label_in(expectations[i].label, language));
        first = false;
    }
}

static struct rw_label mistake_label(enum rw_amount_mistake_kind kind)
{
    static const struct rw_label labels[] = {[RW_AMOUNT_FINE] = RW_LABEL("fine", "无误"),
#define RW_AMOUNT_MISTAKE_LABEL(name, en, zh) [RW_AMOUNT_##name] = RW_LABEL(en, zh),
                                             RW_AMOUNT_MISTAKES(RW_AMOUNT_MISTAKE_LABEL)
#undef RW_AMOUNT_MISTAKE_LABEL
    };
    return labels[kind];
}

void rw_amount_mistake_write(const struct rw_amount_mistake *mistake, unsigned dimensions,
                             enum rw_language language, struct rw_text *text)
{
    enum { SHOWN_MAX = 60 };
    struct rw_span read = mistake->read;
    bool cut = read.len > SHOWN_MAX;
    if (cut)
        for (read.len = SHOWN_MAX; read.len && ((unsigned char)read.at[read.len] & 0xc0) == 0x80;)
            read.len--;
    bool chinese = language == RW_LANGUAGE_ZH;
    if (read.len) {
        rw_text_add_json(text, read);
        rw_text_adds(text, cut ? "..." : "");
        rw_text_adds(text, chinese ? "：" : ": ");
    }
    rw_text_adds(text, rw_label_in(mistake_label(mistake->kind), language));
    if (mistake->nearest)
        rw_text_addf(text, chinese ? "；是否应为 \"%s\"？" : "; did you mean \"%s\"?",
                     mistake->nearest);
    rw_text_adds(text, chinese ? "；应填" : "; expected ");
    rw_dimensions_write(dimensions, language, text);
}

/* Shortest digits that read back as the same double. */
static void add_number(struct rw_text *text, double value)
{
    char digits[40];
    for (int precision = 1; precision <= 17; precision++) {
        snprintf(digits, sizeof(digits), "%.*g", precision, value);
        double back = 0;
        if (sscanf(digits, "%lf", &back) == 1 && back == value)
            break;
    }
    if (!strchr(digits, 'e')) {
        rw_text_adds(text, digits);
        return;
    }
    /* Without an exponent, which people do not write. */
    int decimals = value >= 1 || value == 0 ? 0 : 17 - (int)floor(log10(value));
    rw_text_addf(text, "%.*f", decimals > 18 ? 18 : decimals, value);
}

static void add_date(struct rw_text *text, double days)
{
    /* Civil date from days, by eras of 400 years that begin in March. */
    long z = (long)days + 719468, era = z / 146097, day_of_era = z - era * 146097;
    long year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    long day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    long shifted = (5 * day_of_year + 2) / 153, day = day_of_year - (153 * shifted + 2) / 5 + 1;
    long month = shifted < 10 ? shifted + 3 : shifted - 9;
    rw_text_addf(text, "%04ld-%02ld-%02ld", year_of_era + era * 400 + (month <= 2), month, day);
}

/* "P99", "P99.9", "P05": two digits before the point, as they are read. */
static void add_percentile(struct rw_text *text, double percentile)
{
    char digits[40];
    int len = snprintf(digits, sizeof(digits), "%06.3f", percentile * 100);
    while (len > 2 && (digits[len - 1] == '0' || digits[len - 1] == '.')) {
        bool point = digits[len - 1] == '.';
        digits[--len] = 0;
        if (point)
            break;
    }
    rw_text_addf(text, "P%s", digits);
}

void rw_amount_write(const struct rw_amount *amount, struct rw_text *text)
{
    static const char *const bounds[] = {"", "<", "<=", ">", ">=", "~"};
    static const char *const pers[RW_PER_COUNT] = {"",      "/s",     "/min",     "/h",   "/day",
                                                   "/week", "/month", "/quarter", "/year"};
    if (amount->percentile > 0) {
        add_percentile(text, amount->percentile);
        rw_text_adds(text, amount->bound ? "" : " ");
    }
    rw_text_adds(text, bounds[amount->bound]);
    if (amount->dimension == RW_DIMENSION_DATE) {
        add_date(text, amount->high);
        return;
    }
    if (amount->dimension == RW_DIMENSION_MONEY)
        rw_text_addf(text, "%s ", amount->currency);
    const char *unit = amount->dimension == RW_DIMENSION_TIME       ? "s"
                       : amount->dimension == RW_DIMENSION_BYTES    ? "B"
                       : amount->dimension == RW_DIMENSION_BITS     ? "bit"
                       : amount->dimension == RW_DIMENSION_LENGTH   ? "km"
                       : amount->dimension == RW_DIMENSION_FRACTION ? "/1"
                                                                    : "";
    add_number(text, amount->low);
    rw_text_adds(text, unit);
    if (amount->high != amount->low) {
        rw_text_adds(text, "-");
        add_number(text, amount->high);
        rw_text_adds(text, unit);
    }
    rw_text_adds(text, pers[amount->per]);
}
