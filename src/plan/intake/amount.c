#include "plan/intake/amount.h"

#include "plan/intake/amount_scan.h"

#include <math.h>

/* One end of a range, or all of an amount that is none. */
struct term {
    struct rw_decimal decimal;
    const struct rw_amount_unit *unit;
    const char *currency; /* its sign stood in front */
    enum rw_dimension special;
    double value; /* of a special form */
    bool plus;
    size_t unit_at;
};

struct reading {
    struct rw_amount_scan scan;
    unsigned dimensions;
    struct rw_amount *amount;
    struct rw_amount_mistake *mistake;
    bool sentence; /* more may stand behind the amount */
    bool zero;
    size_t noun_at, noun_len;
};

static bool fail_at(struct reading *reading, enum rw_amount_mistake_kind kind, size_t at,
                    size_t len)
{
    struct rw_span text = reading->scan.text;
    size_t end = at + len;
    while (end < text.len && ((unsigned char)text.at[end] & 0xc0) == 0x80)
        end++;
    *reading->mistake = (struct rw_amount_mistake){
        .kind = kind,
        .at = at,
        .read = rw_span(text.at + at, (end < text.len ? end : text.len) - at),
    };
    return false;
}

static bool fail(struct reading *reading, enum rw_amount_mistake_kind kind)
{
    return fail_at(reading, kind, reading->scan.at, reading->scan.text.len - reading->scan.at);
}

/* ---- In front of the number ---- */

static bool is_word_character(unsigned char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

/* "P99", "p99.9", "P999": from three digits on it is nines with a further digit, so that P100 is
 * none. */
static bool percentile(struct rw_amount_scan *scan, double *value)
{
    struct rw_amount_scan ahead = *scan;
    unsigned whole, part = 0;
    if (!rw_amount_char(&ahead, 'P') && !rw_amount_char(&ahead, 'p'))
        return false;
    size_t digits = rw_amount_digits(&ahead, 4, &whole), more = 0;
    struct rw_amount_scan point = ahead;
    if (digits == 2 && rw_amount_char(&point, '.') &&
        (more = rw_amount_digits(&point, 3, &part)) > 0)
        ahead = point;
    if (digits < 2 || is_word_character(rw_amount_peek(&ahead)) || whole == 0 ||
        (digits > 2 && whole < 9 * (digits > 3 ? 1000u : 100u)))
        return false;
    struct rw_decimal decimal = {.mantissa = whole, .exponent = -(int)(digits + more)};
    for (size_t i = 0; i < more; i++)
        decimal.mantissa *= 10;
    decimal.mantissa += part;
    *value = rw_decimal_value(&decimal, 0);
    *scan = ahead;
    return true;
}

/* Passes over "P100", "(P0)": written like a percentile, and none. */
static bool no_percentile(struct rw_amount_scan *scan)
{
    struct rw_amount_scan ahead = *scan;
    size_t len, digits = 0;
    bool open = rw_amount_char(&ahead, '(');
    if (!rw_amount_char(&ahead, 'P') && !rw_amount_char(&ahead, 'p'))
        return false;
    for (unsigned char c; (c = rw_amount_fold(ahead.text, ahead.at, &len)) >= '0' && c <= '9';) {
        ahead.at += len;
        digits++;
    }
    if (!digits || is_word_character(rw_amount_peek(&ahead)) ||
        (open && !rw_amount_char(&ahead, ')')))
        return false;
    *scan = ahead;
    return true;
}

static bool set_bound(struct reading *reading, enum rw_bound bound, size_t at)
{
    struct rw_amount *amount = reading->amount;
    if (amount->bound && bound != amount->bound && amount->bound != RW_BOUND_ABOUT)
        return fail_at(reading, RW_AMOUNT_TWICE, at, reading->scan.at - at);
    amount->bound = bound;
    return true;
}

static bool set_per(struct reading *reading, enum rw_per per, size_t at)
{
    if (reading->amount->per && reading->amount->per != per)
        return fail_at(reading, RW_AMOUNT_TWICE, at, reading->scan.at - at);
    reading->amount->per = per;
    return true;
}

static bool before(struct reading *reading)
{
    struct rw_amount_scan *scan = &reading->scan;
    for (;;) {
        rw_amount_blanks(scan);
        size_t at = scan->at;
        enum rw_bound bound;
        enum rw_per per;
        if ((reading->dimensions & RW_DIMENSION_TIME) && rw_amount_zero_time(scan)) {
            reading->zero = true;
            return true;
        }
        if ((bound = rw_amount_bound_before(scan))) {
            if (!set_bound(reading, bound, at))
                return false;
        } else if ((per = rw_amount_per_before(scan))) {
            if (!set_per(reading, per, at))
                return false;
        } else if (percentile(scan, &reading->amount->percentile)) {
            continue;
        } else if (no_percentile(scan)) {
            return fail_at(reading, RW_AMOUNT_PERCENTILE, at, scan->at - at);
        } else {
            return true;
        }
    }
}

/* ---- The number with its unit ---- */

/* "7x24", "24/7", "5×8": hours of a week. */
static bool hours_of_week(struct rw_amount_scan *scan, const struct rw_decimal *first,
                          double *value)
{
    struct rw_amount_scan ahead = *scan;
    struct rw_decimal second;
    bool slash = rw_amount_char(&ahead, '/');
    if (!slash && !rw_amount_char(&ahead, 'x') && !rw_amount_char(&ahead, 'X') &&
        !rw_amount_char(&ahead, '*') && !rw_amount_word(&ahead, "×"))
        return false;
    if (rw_amount_decimal(&ahead, false, &second))
        return false;
    double a = rw_decimal_value(first, 0), b = rw_decimal_value(&second, 0);
    double days = a < b ? a : b, hours = a < b ? b : a;
    if (slash ? a != 24 || b != 7 : days < 1 || days > 7 || hours > 24)
        return false;
    *value = days * hours * 3600;
    *scan = ahead;
    return true;
}

/* "4.8/5": a mark out of the best one. */
static bool score(struct rw_amount_scan *scan, const struct rw_decimal *first, double *value)
{
    struct rw_amount_scan ahead = *scan;
    struct rw_decimal second;
    unsigned char next;
    size_t len;
    if (!rw_amount_char(&ahead, '/'))
        return false;
    next = rw_amount_fold(ahead.text, ahead.at, &len);
    if (next < '0' || next > '9' || rw_amount_decimal(&ahead, false, &second))
        return false;
    double best = rw_decimal_value(&second, 0);
    if (best <= 0 || is_word_character(rw_amount_peek(&ahead)))
        return false;
    *value = rw_decimal_value(first, 0) / best;
    *scan = ahead;
    return true;
}

static bool special_form(struct reading *reading, struct rw_amount_scan *scan, struct term *term)
{
    if ((reading->dimensions & RW_DIMENSION_TIME) &&
        hours_of_week(scan, &term->decimal, &term->value)) {
        term->special = RW_DIMENSION_TIME;
        reading->amount->per = RW_PER_WEEK;
    } else if ((reading->dimensions & RW_DIMENSION_FRACTION) &&
               (rw_amount_word(scan, "个9") || rw_amount_word(scan, "nines"))) {
        term->special = RW_DIMENSION_FRACTION;
        term->value = 1 - pow(10, -rw_decimal_value(&term->decimal, 0));
        reading->amount->percent = true;
    } else if ((reading->dimensions & RW_DIMENSION_FRACTION) &&
               score(scan, &term->decimal, &term->value)) {
        term->special = RW_DIMENSION_FRACTION;
    }
    return term->special != 0;
}

static enum rw_amount_mistake_kind read_term(struct reading *reading, struct rw_amount_scan *scan,
                                             struct term *term)
{
    *term = (struct term){0};
    rw_amount_blanks(scan);
    term->currency = rw_amount_currency(scan);
    rw_amount_blanks(scan);
    enum rw_amount_mistake_kind kind =
        rw_amount_decimal(scan, term->currency != NULL, &term->decimal);
    if (kind || (!term->currency && special_form(reading, scan, term)))
        return kind;
    term->plus = rw_amount_char(scan, '+');
    struct rw_amount_scan ahead = *scan;
    rw_amount_blanks(&ahead);
    term->unit_at = ahead.at;
    term->unit = rw_amount_unit(&ahead);
    if (term->unit)
        *scan = ahead;
    return RW_AMOUNT_FINE;
}

static enum rw_dimension term_dimension(const struct term *term)
{
    if (term->special)
        return term->special;
    if (term->currency)
        return RW_DIMENSION_MONEY;
    return term->unit ? term->unit->dimension : RW_DIMENSION_COUNT;
}

static double term_value(const struct term *term)
{
    if (term->special)
        return term->value;
    if (!term->unit)
        return rw_decimal_value(&term->decimal, 0);
    return rw_decimal_value(&term->decimal, term->unit->exponent) * term->unit->factor;
}

static bool range_word(struct rw_amount_scan *scan)
{
    rw_amount_blanks(scan);
    bool found = rw_amount_char(scan, '-') || rw_amount_char(scan, '~') ||
                 rw_amount_word(scan, "至") || rw_amount_word(scan, "到") ||
                 rw_amount_word(scan, "to");
    rw_amount_blanks(scan);
    return found;
}

/* In "500-1000万美金" the first number is also of 万 and 美金, in "$5-6" the second of $. */
static void inherit(struct term *low, struct term *high)
{
    if (!high->currency && !high->unit && !high->special)
        high->currency = low->currency;
    if (low->special || low->unit)
        return;
    if (!low->decimal.power)
        low->decimal.exponent += high->decimal.power;
    low->unit = high->unit;
    if (!low->currency)
        low->currency = high->currency;
}

static const char *term_currency(const struct term *term)
{
    if (term->unit && term->unit->currency)
        return term->unit->currency;
    return term->currency;
}

/* What the two terms (the same one twice, without a range) make together. */
static bool put_terms(struct reading *reading, const struct term *low, const struct term *high,
                      size_t at)
{
    struct rw_amount *amount = reading->amount;
    const char *currency = term_currency(high);
    size_t len = reading->scan.at - at;
    if (term_dimension(low) != term_dimension(high))
        return fail_at(reading, RW_AMOUNT_MIXED, at, len);
    const struct term *both[] = {low, high};
    for (size_t i = 0; i < 2; i++) {
        const struct term *term = both[i];
        if (term->currency && term->unit && term->unit->dimension != RW_DIMENSION_MONEY)
            return fail_at(reading, RW_AMOUNT_DIMENSION, at, len);
        /* "¥5000人民币" says it twice; "$5000元" says two things. */
        if (currency && (strcmp(term_currency(term), currency) != 0 ||
                         (term->currency && strcmp(term->currency, currency) != 0)))
            return fail_at(reading, RW_AMOUNT_CURRENCY, at, len);
    }
    amount->dimension = term_dimension(high);
    amount->low = term_value(low);
    amount->high = term_value(high);
    if (currency)
        memcpy(amount->currency, currency, 4);
    if (high->unit) {
        amount->binary = high->unit->binary;
        amount->percent = amount->dimension == RW_DIMENSION_FRACTION;
        if (high->unit->per && !set_per(reading, high->unit->per, high->unit_at))
            return false;
    }
    if (amount->low > 1e18 || amount->high > 1e18)
        return fail_at(reading, RW_AMOUNT_RANGE, at, len);
    if (amount->low > amount->high)
        return fail_at(reading, RW_AMOUNT_UPSIDE_DOWN, at, len);
    return !high->plus || set_bound(reading, RW_BOUND_AT_LEAST, at);
}

/* "1h30m", "1小时30分钟": each further unit is smaller. */
static void compound_time(struct reading *reading, const struct term *first)
{
    double unit = first->unit ? first->unit->factor * pow(10, first->unit->exponent) : 0;
    for (;;) {
        struct rw_amount_scan ahead = reading->scan;
        struct term term;
        rw_amount_blanks(&ahead);
        if (read_term(reading, &ahead, &term) || term.special || term.currency || !term.unit ||
            term.unit->dimension != RW_DIMENSION_TIME ||
            term.unit->factor * pow(10, term.unit->exponent) >= unit)
            return;
        unit = term.unit->factor * pow(10, term.unit->exponent);
        reading->amount->low += term_value(&term);
        reading->amount->high = reading->amount->low;
        reading->scan = ahead;
    }
}

static bool number(struct reading *reading)
{
    size_t at = reading->scan.at, len;
    struct term low, high;
    if (rw_amount_fold(reading->scan.text, at, &len) == '-')
        return fail(reading, RW_AMOUNT_NEGATIVE);
    enum rw_amount_mistake_kind kind = read_term(reading, &reading->scan, &low);
    if (kind)
        return fail_at(reading, kind, kind == RW_AMOUNT_NO_NUMBER ? reading->scan.at : at,
                       reading->scan.text.len - at);
    struct rw_amount_scan ahead = reading->scan;
    bool range = range_word(&ahead) && !read_term(reading, &ahead, &high);
    if (range) {
        reading->scan = ahead;
        inherit(&low, &high);
    } else {
        high = low;
    }
    reading->noun_at = high.unit_at;
    if (!put_terms(reading, &low, &high, at))
        return false;
    if (!range && reading->amount->dimension == RW_DIMENSION_TIME && !reading->amount->per)
        compound_time(reading, &low);
    return true;
}

/* ---- Behind the number ---- */

static bool skip_remark(struct rw_amount_scan *scan)
{
    struct rw_amount_scan ahead = *scan;
    if (!rw_amount_char(&ahead, '('))
        return false;
    size_t len;
    unsigned char c;
    while ((c = rw_amount_fold(ahead.text, ahead.at, &len)) != 0) {
        ahead.at += len;
        if (c == ')') {
            *scan = ahead;
            return true;
        }
    }
    return false;
}

static bool percentile_remark(struct rw_amount_scan *scan, double *value)
{
    struct rw_amount_scan ahead = *scan;
    bool open = rw_amount_char(&ahead, '(');
    if (!percentile(&ahead, value) || (open && !rw_amount_char(&ahead, ')')))
        return false;
    *scan = ahead;
    return true;
}

/* "注册用户" after "500万+"; "registered users" only behind a blank, so that "5kk" is a mistake. */
static bool skip_noun(struct reading *reading, bool blank)
{
    struct rw_amount_scan *scan = &reading->scan;
    size_t at = scan->at, len;
    unsigned char c;
    bool plain = reading->amount->dimension == RW_DIMENSION_COUNT && blank;
    while ((c = rw_amount_fold(scan->text, scan->at, &len)) != 0 &&
           (c == 0x80 || (plain && (is_word_character(c) || c == ' '))))
        scan->at += len;
    if (scan->at > at && !reading->noun_len) {
        reading->noun_at = at;
        reading->noun_len = scan->at - at;
    }
    return scan->at > at;
}

static bool after(struct reading *reading)
{
    struct rw_amount_scan *scan = &reading->scan;
    for (;;) {
        struct rw_amount_scan end = *scan;
        rw_amount_blanks(scan);
        size_t at = scan->at;
        bool blank = at > end.at;
        enum rw_bound bound;
        enum rw_per per;
        /* "99.95% + support" is a sum, "500万+" a bound. */
        if (blank && rw_amount_peek(scan) == '+') {
            *scan = end;
            return true;
        }
        if ((bound = rw_amount_bound_after(scan))) {
            if (!set_bound(reading, bound, at))
                return false;
        } else if ((per = rw_amount_per_after(scan))) {
            if (!set_per(reading, per, at))
                return false;
        } else if (percentile_remark(scan, &reading->amount->percentile)) {
            continue;
        } else if (no_percentile(scan)) {
            return fail_at(reading, RW_AMOUNT_PERCENTILE, at, scan->at - at);
        } else if (reading->sentence || (!skip_remark(scan) && !skip_noun(reading, blank))) {
            *scan = end;
            return true;
        }
    }
}

/* ---- The whole ---- */

static bool try_date(struct reading *reading, bool *found)
{
    struct rw_amount *amount = reading->amount;
    size_t at = reading->scan.at;
    *found = false;
    if (!(reading->dimensions & RW_DIMENSION_DATE))
        return true;
    bool bare_year = reading->dimensions == RW_DIMENSION_DATE && !reading->sentence;
    enum rw_amount_mistake_kind kind =
        rw_amount_date(&reading->scan, bare_year, found, &amount->low, &amount->high);
    if (*found)
        amount->dimension = RW_DIMENSION_DATE;
    return kind ? fail_at(reading, kind, at, reading->scan.at - at) : true;
}

static void skip_letters(struct rw_amount_scan *scan)
{
    size_t len;
    while (is_word_character(rw_amount_fold(scan->text, scan->at, &len)))
        scan->at += len;
}

/* A plain number where a share is asked for: 0.3 is one, 30 may be anything. */
static bool fits(struct reading *reading)
{
    struct rw_amount *amount = reading->amount;
    if (amount->dimension & reading->dimensions)
        return true;
    bool plain = amount->dimension == RW_DIMENSION_COUNT && !reading->noun_len;
    if (plain && (reading->dimensions & RW_DIMENSION_FRACTION) && amount->high <= 1) {
        amount->dimension = RW_DIMENSION_FRACTION;
        return true;
    }
    if (plain && amount->high == 0 && (reading->dimensions & RW_DIMENSION_TIME)) {
        amount->dimension = RW_DIMENSION_TIME;
        return true;
    }
    enum rw_amount_mistake_kind kind = RW_AMOUNT_DIMENSION;
    if (plain && is_word_character(rw_amount_peek(&reading->scan))) {
        reading->noun_at = reading->scan.at;
        skip_letters(&reading->scan);
        reading->noun_len = reading->scan.at - reading->noun_at;
    }
    if (plain && reading->dimensions == RW_DIMENSION_FRACTION && !reading->noun_len)
        kind = RW_AMOUNT_NO_PERCENT;
    else if (amount->dimension == RW_DIMENSION_COUNT && reading->noun_len)
        kind = RW_AMOUNT_UNIT;
    else if (reading->dimensions == RW_DIMENSION_MONEY && amount->dimension == RW_DIMENSION_COUNT)
        kind = RW_AMOUNT_NO_CURRENCY;
    size_t at = kind == RW_AMOUNT_UNIT ? reading->noun_at : 0;
    fail_at(reading, kind, at, kind == RW_AMOUNT_UNIT ? reading->noun_len : reading->scan.at);
    if (kind == RW_AMOUNT_UNIT)
        reading->mistake->nearest =
            rw_amount_nearest_unit(reading->mistake->read, reading->dimensions);
    reading->mistake->found = amount->dimension;
    return false;
}

static bool parse(struct reading *reading)
{
    *reading->amount = (struct rw_amount){0};
    *reading->mistake = (struct rw_amount_mistake){0};
    bool found;
    if (!before(reading))
        return false;
    if (reading->zero) {
        reading->amount->dimension = RW_DIMENSION_TIME;
        return after(reading);
    }
    if (!try_date(reading, &found) || (!found && !number(reading)))
        return false;
    return after(reading) && (reading->sentence || fits(reading));
}

/* Where several dimensions may stand, the field says what is counted; where only a number may, what
 * stands behind it must be something that is counted. */
static bool counts_known(struct reading *reading)
{
    struct rw_span noun = rw_span(reading->scan.text.at + reading->noun_at, reading->noun_len);
    if (reading->dimensions != RW_DIMENSION_COUNT || !reading->noun_len || rw_amount_noun(noun))
        return true;
    return fail_at(reading, RW_AMOUNT_NOUN, reading->noun_at, reading->noun_len);
}

bool rw_amount_read(struct rw_span text, unsigned dimensions, struct rw_amount *amount,
                    struct rw_amount_mistake *mistake)
{
    struct reading reading = {
        .scan = {.text = text}, .dimensions = dimensions, .amount = amount, .mistake = mistake};
    rw_amount_blanks(&reading.scan);
    if (reading.scan.at == text.len) {
        *amount = (struct rw_amount){0};
        return fail(&reading, RW_AMOUNT_EMPTY);
    }
    reading.scan.at = 0;
    if (!parse(&reading))
        return false;
    if (reading.scan.at == text.len)
        return counts_known(&reading);
    /* Letters at the number are meant as its unit. */
    size_t at = reading.scan.at;
    bool unit = at == reading.noun_at || is_word_character(rw_amount_peek(&reading.scan));
    fail(&reading, unit ? RW_AMOUNT_UNIT : RW_AMOUNT_REST);
    if (unit)
        mistake->nearest = rw_amount_nearest_unit(mistake->read, dimensions);
    return false;
}

double rw_amount_percentile(struct rw_span text)
{
    double value = 0;
    unsigned char previous = 0;
    for (size_t at = 0, len; at < text.len && !value; at += len) {
        struct rw_amount_scan here = {text, at};
        unsigned char c = rw_amount_fold(text, at, &len);
        if (!is_word_character(previous) && previous != '.')
            percentile(&here, &value);
        previous = c;
    }
    return value;
}

bool rw_amount_find(struct rw_span text, unsigned dimensions, struct rw_amount *amount,
                    struct rw_span *where)
{
    struct rw_amount_mistake mistake;
    struct reading reading = {.scan = {.text = text},
                              .dimensions = dimensions,
                              .amount = amount,
                              .mistake = &mistake,
                              .sentence = true};
    unsigned char previous = 0;
    for (size_t at = 0, len; at < text.len; at += len) {
        unsigned char c = rw_amount_fold(text, at, &len);
        bool number = c >= '0' && c <= '9';
        bool begins = !is_word_character(previous) && !(number && previous == '.');
        previous = c;
        reading.scan.at = at;
        reading.zero = false;
        if (!begins || c == ' ' || !parse(&reading) || !(amount->dimension & dimensions))
            continue;
        if (is_word_character(rw_amount_peek(&reading.scan)) &&
            amount->dimension == RW_DIMENSION_COUNT)
            continue;
        if (amount->dimension == RW_DIMENSION_TIME && !amount->percentile)
            amount->percentile = rw_amount_percentile(rw_span(text.at, at));
        *where = rw_span(text.at + at, reading.scan.at - at);
        return true;
    }
    return false;
}
