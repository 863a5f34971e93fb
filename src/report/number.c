#include "report/number.h"

#include <inttypes.h>
#include <stdio.h>

#define MINUS "\xe2\x88\x92"

/* Digits of an unsigned number with a comma before each three. */
static void add_grouped(struct rw_text *text, const char *digits, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (i && (count - i) % 3 == 0)
            rw_text_adds(text, ",");
        rw_text_add(text, rw_span(digits + i, 1));
    }
}

void rw_report_number(struct rw_text *text, double value, unsigned decimals)
{
    rw_assert(isfinite(value) && decimals <= 6);
    char digits[400]; /* the longest double has 309 digits before the point */
    int length = snprintf(digits, sizeof(digits), "%.*f", (int)decimals, fabs(value));
    rw_assert(length > 0 && (size_t)length < sizeof(digits));
    if (value < 0 && strspn(digits, "0.") < (size_t)length)
        rw_text_adds(text, MINUS);
    size_t whole = strcspn(digits, ".");
    add_grouped(text, digits, whole);
    rw_text_adds(text, digits + whole);
}

void rw_report_money(struct rw_text *text, double cents)
{
    rw_assert(isfinite(cents));
    double size = fabs(round(cents));
    char digits[400];
    int length = snprintf(digits, sizeof(digits), "%03.0f", size);
    rw_assert(length >= 3 && (size_t)length < sizeof(digits));
    if (cents < 0 && size > 0)
        rw_text_adds(text, MINUS);
    add_grouped(text, digits, (size_t)length - 2);
    rw_text_adds(text, ".");
    rw_text_add(text, rw_span(digits + length - 2, 2));
}

struct magnitude {
    double from;
    const char *word;
};

static const struct magnitude magnitudes[2][4] = {
    [RW_LANGUAGE_ZH] = {{1e12, "万亿"}, {1e8, "亿"}, {1e4, "万"}, {1, ""}},
    [RW_LANGUAGE_EN] = {{1e9, "B"}, {1e6, "M"}, {1e3, "K"}, {1, ""}},
};

/* At most two decimals, without zeros at the end. */
static void add_few_digits(struct rw_text *text, double value)
{
    double size = fabs(value);
    int decimals = size >= 100 ? 0 : size >= 10 ? 1 : size >= 0.01 || size == 0 ? 2 : 4;
    char digits[400];
    int length = snprintf(digits, sizeof(digits), "%.*f", decimals, size);
    rw_assert(length > 0 && (size_t)length < sizeof(digits));
    while (decimals && digits[length - 1] == '0')
        length--;
    if (digits[length - 1] == '.')
        length--;
    if (value < 0 && strspn(digits, "0.") < (size_t)length)
        rw_text_adds(text, MINUS);
    rw_text_add(text, rw_span(digits, (size_t)length));
}

void rw_report_short(struct rw_text *text, double value, enum rw_language language)
{
    rw_assert(isfinite(value));
    const struct magnitude *magnitude = magnitudes[language];
    while (magnitude->from > 1 && fabs(value) < magnitude->from)
        magnitude++;
    add_few_digits(text, value / magnitude->from);
    rw_text_adds(text, magnitude->word);
}

/* The civil date of a day number, by eras of 400 years that begin in March. */
void rw_report_date(struct rw_text *text, int64_t days)
{
    int64_t shifted = days + 719468; /* since 0000-03-01 */
    int64_t era = (shifted >= 0 ? shifted : shifted - 146096) / 146097;
    int64_t day_of_era = shifted - era * 146097;
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t month_from_march = (5 * day_of_year + 2) / 153;
    int64_t day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    int64_t month = month_from_march < 10 ? month_from_march + 3 : month_from_march - 9;
    int64_t year = year_of_era + era * 400 + (month <= 2 ? 1 : 0);
    rw_text_addf(text, "%04" PRId64 "-%02" PRId64 "-%02" PRId64, year, month, day);
}

void rw_report_moment(struct rw_text *text, struct rw_span rfc3339)
{
    enum { DATE = 10, TIME = 5 };
    if (rfc3339.len > DATE + 1 + TIME)
        rw_text_addf(text, "%.*s %.*s UTC", DATE, rfc3339.at, TIME, rfc3339.at + DATE + 1);
}

void rw_report_cell(struct rw_text *text, const struct rw_doc_column *column,
                    const struct rw_doc_cell *cell, enum rw_language language)
{
    bool words = column->kind == RW_DOC_WORDS || column->kind == RW_DOC_STATUS;
    if (cell->blank || words || cell->text.len) {
        rw_text_add(text, cell->text);
    } else if (!isfinite(cell->number)) {
        rw_text_add(text, rw_report_word(RW_SAY_MISSING, language));
    } else if (column->kind == RW_DOC_MONEY) {
        rw_report_money(text, cell->number);
    } else if (column->kind == RW_DOC_SHARE) {
        rw_report_number(text, cell->number * 100, column->decimals);
        rw_text_adds(text, "%");
    } else {
        rw_report_number(text, cell->number, column->decimals);
    }
}
