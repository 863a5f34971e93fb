#include "plan/intake/amount_scan.h"

#include <math.h>

/* ---- Characters ---- */

unsigned char rw_amount_fold(struct rw_span text, size_t offset, size_t *len)
{
    *len = 0;
    if (offset >= text.len)
        return 0;
    const unsigned char *at = (const unsigned char *)text.at + offset;
    size_t left = text.len - offset;
    *len = 1;
    if (at[0] < 0x80)
        return at[0] ? at[0] : 0x80;
    if (left >= 3 && at[0] == 0xef && (at[1] == 0xbc || at[1] == 0xbd)) {
        /* U+FF01 to U+FF5E are the ASCII characters in full width. */
        unsigned code = 0xf000 | (unsigned)(at[1] & 0x3f) << 6 | (at[2] & 0x3f);
        *len = 3;
        return code >= 0xff01 && code <= 0xff5e ? (unsigned char)(code - 0xfee0) : 0x80;
    }
    if (left >= 3 && at[0] == 0xe3 && at[1] == 0x80 && (at[2] == 0x80 || at[2] == 0x9c)) {
        *len = 3;
        return at[2] == 0x80 ? ' ' : '~'; /* ideographic space, wave dash */
    }
    if (left >= 3 && at[0] == 0xe2 && at[1] == 0x80 && at[2] >= 0x90 && at[2] <= 0x95) {
        *len = 3;
        return '-'; /* hyphens and dashes */
    }
    if (left >= 2 && at[0] == 0xc2 && at[1] == 0xa0) {
        *len = 2;
        return ' ';
    }
    while (*len < left && (at[*len] & 0xc0) == 0x80)
        ++*len;
    return 0x80;
}

static bool is_letter(unsigned char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

size_t rw_amount_word_len(const struct rw_amount_scan *scan, const char *word)
{
    size_t at = scan->at, len = 0;
    unsigned char last = 0;
    for (; *word; word++) {
        unsigned char c = (unsigned char)*word;
        if (c >= 0x80) {
            if (at >= scan->text.len || (unsigned char)scan->text.at[at] != c)
                return 0;
            len = 1;
        } else {
            unsigned char here = rw_amount_fold(scan->text, at, &len);
            if (here >= 0x80 || here == 0 || rw_lower((char)here) != rw_lower((char)c))
                return 0;
        }
        at += len;
        last = c;
    }
    if (is_letter(last) && is_letter(rw_amount_fold(scan->text, at, &len)))
        return 0;
    return at - scan->at;
}

bool rw_amount_word(struct rw_amount_scan *scan, const char *word)
{
    size_t len = rw_amount_word_len(scan, word);
    scan->at += len;
    return len > 0;
}

bool rw_amount_char(struct rw_amount_scan *scan, char c)
{
    size_t len;
    if (rw_amount_fold(scan->text, scan->at, &len) != (unsigned char)c)
        return false;
    scan->at += len;
    return true;
}

void rw_amount_blanks(struct rw_amount_scan *scan)
{
    while (rw_amount_char(scan, ' ') || rw_amount_char(scan, '\t'))
        ;
}

/* ---- Numbers ---- */

enum { DIGITS_MAX = 18, EXPONENT_MAX = 18, DECIMALS_MAX = 22 };

static int digit_here(const struct rw_amount_scan *scan, size_t *len)
{
    unsigned char c = rw_amount_fold(scan->text, scan->at, len);
    return c >= '0' && c <= '9' ? c - '0' : -1;
}

size_t rw_amount_digits(struct rw_amount_scan *scan, size_t digits_max, unsigned *value)
{
    size_t count = 0, len;
    *value = 0;
    for (int digit; count < digits_max && (digit = digit_here(scan, &len)) >= 0; count++) {
        *value = *value * 10 + (unsigned)digit;
        scan->at += len;
    }
    return count;
}

struct digit_run {
    uint64_t value;
    unsigned count, significant;
};

static bool add_digits(struct rw_amount_scan *scan, struct digit_run *run)
{
    size_t len;
    bool fits = true;
    for (int digit; (digit = digit_here(scan, &len)) >= 0; scan->at += len) {
        run->count++;
        if (run->significant || digit)
            run->significant++;
        fits = fits && run->significant <= DIGITS_MAX;
        if (fits)
            run->value = run->value * 10 + (unsigned)digit;
    }
    return fits;
}

/* "12,345,678": after a comma come exactly three digits. A comma that no digit follows belongs to
 * the sentence. */
static enum rw_amount_mistake_kind whole_part(struct rw_amount_scan *scan, struct digit_run *run)
{
    bool fits = add_digits(scan, run);
    unsigned first = run->count;
    size_t len;
    for (;;) {
        struct rw_amount_scan ahead = *scan;
        if (!rw_amount_char(&ahead, ',') || digit_here(&ahead, &len) < 0)
            return fits ? RW_AMOUNT_FINE : RW_AMOUNT_DIGITS;
        unsigned before = run->count;
        fits = add_digits(&ahead, run) && fits;
        if (run->count - before != 3 || first > 3)
            return RW_AMOUNT_COMMA;
        *scan = ahead;
    }
}

static enum rw_amount_mistake_kind plain_number(struct rw_amount_scan *scan,
                                                struct rw_decimal *decimal)
{
    struct digit_run run = {0};
    enum rw_amount_mistake_kind kind = whole_part(scan, &run);
    struct rw_amount_scan ahead = *scan;
    size_t len;
    if (!kind && rw_amount_char(&ahead, '.') && digit_here(&ahead, &len) >= 0) {
        unsigned before = run.count;
        if (!add_digits(&ahead, &run))
            kind = RW_AMOUNT_DIGITS;
        decimal->exponent = -(int)(run.count - before);
        *scan = ahead;
    }
    decimal->mantissa = run.value;
    if (decimal->exponent < -DECIMALS_MAX)
        kind = RW_AMOUNT_DIGITS;
    return kind;
}

static const char *const numerals[] = {"零", "一", "二", "三", "四", "五", "六", "七", "八", "九"};

static int numeral(struct rw_amount_scan *scan)
{
    for (int i = 0; i < 10; i++)
        if (rw_amount_word(scan, numerals[i]))
            return i;
    return rw_amount_word(scan, "两") ? 2 : -1;
}

/* "三", "十", "十二", "二十", "九十九", "半". */
static bool chinese_number(struct rw_amount_scan *scan, struct rw_decimal *decimal)
{
    if (rw_amount_word(scan, "半")) {
        *decimal = (struct rw_decimal){.mantissa = 5, .exponent = -1};
        return true;
    }
    int tens = numeral(scan);
    if (!rw_amount_word(scan, "十")) {
        decimal->mantissa = tens < 0 ? 0 : (uint64_t)tens;
        return tens >= 0;
    }
    int ones = numeral(scan);
    unsigned value = (tens < 0 ? 1 : (unsigned)tens) * 10 + (ones < 0 ? 0 : (unsigned)ones);
    decimal->mantissa = value;
    return tens != 0;
}

static const struct multiplier {
    const char *word;
    int exponent;
    bool money; /* only of money: elsewhere the letter is a unit */
} multipliers[] = {
    {"十", 1, false},        {"百", 2, false},  {"千", 3, false},      {"万", 4, false},
    {"萬", 4, false},        {"亿", 8, false},  {"億", 8, false},      {"thousand", 3, false},
    {"million", 6, false},   {"mio", 6, false}, {"billion", 9, false}, {"bn", 9, false},
    {"trillion", 12, false}, {"k", 3, false},   {"m", 6, true},        {"b", 9, true},
};

static bool multiply(struct rw_amount_scan *scan, bool money, struct rw_decimal *decimal)
{
    /* A capital M is a million, a small one a minute, unless it is money. */
    struct rw_amount_scan ahead = *scan;
    if (rw_amount_char(&ahead, 'M') && rw_amount_word(scan, "m")) {
        decimal->exponent += 6;
        return true;
    }
    for (size_t i = 0; i < sizeof(multipliers) / sizeof(*multipliers); i++)
        if ((money || !multipliers[i].money) && rw_amount_word(scan, multipliers[i].word)) {
            decimal->exponent += multipliers[i].exponent;
            return true;
        }
    return false;
}

enum rw_amount_mistake_kind rw_amount_decimal(struct rw_amount_scan *scan, bool money,
                                              struct rw_decimal *decimal)
{
    *decimal = (struct rw_decimal){0};
    size_t len;
    enum rw_amount_mistake_kind kind = RW_AMOUNT_FINE;
    if (digit_here(scan, &len) >= 0)
        kind = plain_number(scan, decimal);
    else if (!chinese_number(scan, decimal))
        kind = RW_AMOUNT_NO_NUMBER;
    if (kind)
        return kind;
    struct rw_amount_scan ahead = *scan;
    rw_amount_blanks(&ahead);
    int before = decimal->exponent;
    while (decimal->exponent <= EXPONENT_MAX && multiply(&ahead, money, decimal))
        *scan = ahead;
    decimal->power = decimal->exponent - before;
    return rw_decimal_value(decimal, 0) > 1e18 ? RW_AMOUNT_RANGE : RW_AMOUNT_FINE;
}

static double power_of_ten(int exponent)
{
    double power = 1;
    while (exponent-- > 0)
        power *= 10; /* exact up to 10^22 */
    return power;
}

double rw_decimal_value(const struct rw_decimal *decimal, int more)
{
    uint64_t mantissa = decimal->mantissa;
    int exponent = decimal->exponent + more;
    for (; exponent < 0 && mantissa && mantissa % 10 == 0; exponent++)
        mantissa /= 10;
    double value = (double)mantissa;
    return exponent < 0 ? value / power_of_ten(-exponent) : value * power_of_ten(exponent);
}

/* ---- Dates ---- */

static bool is_leap(unsigned year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static unsigned month_days(unsigned year, unsigned month)
{
    static const unsigned char days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return days[month - 1] + (month == 2 && is_leap(year));
}

static double day_number(unsigned year, unsigned month, unsigned day)
{
    double days = day - 1;
    for (unsigned y = 1970; y < year; y++)
        days += is_leap(y) ? 366 : 365;
    for (unsigned m = 1; m < month; m++)
        days += month_days(year, m);
    return days;
}

static void months(unsigned year, unsigned from, unsigned to, double *first, double *last)
{
    *first = day_number(year, from, 1);
    *last = day_number(year, to, month_days(year, to));
}

static unsigned quarter_here(struct rw_amount_scan *scan)
{
    struct rw_amount_scan ahead = *scan;
    unsigned quarter = 0;
    if (rw_amount_char(&ahead, 'Q') || rw_amount_char(&ahead, 'q')) {
        if (rw_amount_digits(&ahead, 2, &quarter) != 1)
            quarter = 9;
    } else if (rw_amount_word(&ahead, "第") || true) {
        int number = numeral(&ahead);
        if (number < 0 && rw_amount_digits(&ahead, 1, &quarter) == 1)
            number = (int)quarter;
        quarter = number > 0 && rw_amount_word(&ahead, "季度") ? (unsigned)number : 0;
    }
    if (quarter)
        *scan = ahead;
    return quarter;
}

static unsigned half_here(struct rw_amount_scan *scan)
{
    if (rw_amount_word(scan, "上半年") || rw_amount_word(scan, "H1"))
        return 1;
    return rw_amount_word(scan, "下半年") || rw_amount_word(scan, "H2") ? 2 : 0;
}

/* Behind "2025", with its separator passed over: a month, and perhaps a day. */
static enum rw_amount_mistake_kind month_and_day(struct rw_amount_scan *scan, unsigned year,
                                                 char separator, bool *found, double *first,
                                                 double *last)
{
    struct rw_amount_scan ahead = *scan;
    unsigned month, day;
    size_t len;
    if (rw_amount_digits(&ahead, 2, &month) == 0 || digit_here(&ahead, &len) >= 0)
        return RW_AMOUNT_FINE;
    if (separator ? false : !rw_amount_word(&ahead, "月"))
        return RW_AMOUNT_FINE;
    *found = true;
    *scan = ahead;
    if (month < 1 || month > 12)
        return RW_AMOUNT_DATE;
    months(year, month, month, first, last);
    if (separator && !rw_amount_char(&ahead, separator))
        return RW_AMOUNT_FINE;
    if (rw_amount_digits(&ahead, 2, &day) == 0)
        return RW_AMOUNT_FINE;
    if (!rw_amount_word(&ahead, "日") && !rw_amount_word(&ahead, "号") && !separator)
        return RW_AMOUNT_FINE;
    *scan = ahead;
    if (day < 1 || day > month_days(year, month))
        return RW_AMOUNT_DATE;
    *first = *last = day_number(year, month, day);
    return RW_AMOUNT_FINE;
}

static enum rw_amount_mistake_kind after_year(struct rw_amount_scan *scan, unsigned year,
                                              bool bare_year, bool *found, double *first,
                                              double *last)
{
    struct rw_amount_scan ahead = *scan;
    rw_amount_blanks(&ahead);
    bool named = rw_amount_word(&ahead, "年");
    char separator = 0;
    if (!named && (rw_amount_char(&ahead, '-') || rw_amount_char(&ahead, '/')))
        separator = scan->text.at[ahead.at - 1] == '/' ? '/' : '-';
    rw_amount_blanks(&ahead);
    unsigned quarter = quarter_here(&ahead), half = quarter ? 0 : half_here(&ahead);
    *found = quarter || half;
    if (quarter > 4) {
        *scan = ahead;
        return RW_AMOUNT_DATE;
    }
    if (quarter)
        months(year, quarter * 3 - 2, quarter * 3, first, last);
    if (half)
        months(year, half * 6 - 5, half * 6, first, last);
    enum rw_amount_mistake_kind kind = RW_AMOUNT_FINE;
    if (!*found && (named || separator))
        kind = month_and_day(&ahead, year, separator, found, first, last);
    if (*found) {
        *scan = ahead;
        return kind;
    }
    if (!named && !bare_year)
        return RW_AMOUNT_FINE;
    *found = true;
    rw_amount_blanks(scan);
    rw_amount_word(scan, "年");
    months(year, 1, 12, first, last);
    return RW_AMOUNT_FINE;
}

enum rw_amount_mistake_kind rw_amount_date(struct rw_amount_scan *scan, bool bare_year, bool *found,
                                           double *first, double *last)
{
    struct rw_amount_scan ahead = *scan;
    unsigned year, quarter = 0;
    size_t len;
    *found = false;
    if (rw_amount_peek(&ahead) == 'Q' || rw_amount_peek(&ahead) == 'q') {
        quarter = quarter_here(&ahead);
        rw_amount_blanks(&ahead);
    }
    if (rw_amount_digits(&ahead, 4, &year) != 4 || digit_here(&ahead, &len) >= 0 || year < 1970 ||
        year > 2200)
        return RW_AMOUNT_FINE;
    if (!quarter) {
        enum rw_amount_mistake_kind kind = after_year(&ahead, year, bare_year, found, first, last);
        if (*found)
            *scan = ahead;
        return kind;
    }
    *found = true;
    *scan = ahead;
    if (quarter > 4)
        return RW_AMOUNT_DATE;
    months(year, quarter * 3 - 2, quarter * 3, first, last);
    return RW_AMOUNT_FINE;
}
