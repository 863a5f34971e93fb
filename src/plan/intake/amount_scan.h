/* Within intake: reading one text from left to right, blind to the width of its characters.
 *
 * Words are matched without regard to ASCII case, and full-width forms match their narrow ones.
 */
#ifndef RW_PLAN_INTAKE_AMOUNT_SCAN_H
#define RW_PLAN_INTAKE_AMOUNT_SCAN_H

#include "plan/intake/amount.h"

struct rw_amount_scan {
    struct rw_span text;
    size_t at;
};

/* The character at `offset` as ASCII, with its length in bytes: full-width forms folded, 0x80 for
 * all others, 0 at the end. */
unsigned char rw_amount_fold(struct rw_span text, size_t offset, size_t *len);

static inline unsigned char rw_amount_peek(const struct rw_amount_scan *scan)
{
    size_t len;
    return rw_amount_fold(scan->text, scan->at, &len);
}

/* Passes over `word`, or stays and returns false. A word that ends in an ASCII letter must not be
 * followed by another one. */
bool rw_amount_word(struct rw_amount_scan *scan, const char *word);
/* How many bytes `word` takes here; 0: it is not here. */
size_t rw_amount_word_len(const struct rw_amount_scan *scan, const char *word);
/* One ASCII character. */
bool rw_amount_char(struct rw_amount_scan *scan, char c);
void rw_amount_blanks(struct rw_amount_scan *scan);

/* A decimal number without sign: m x 10^e; thousands separators, "万", "亿", "k", "million"... and
 * the Chinese numerals up to 99. */
struct rw_decimal {
    uint64_t mantissa;
    int exponent;
    int power; /* what "万", "million" added to the exponent */
};
enum rw_amount_mistake_kind rw_amount_decimal(struct rw_amount_scan *scan, bool money,
                                              struct rw_decimal *decimal);
/* The nearest double to m x 10^(e + more). */
double rw_decimal_value(const struct rw_decimal *decimal, int more);

/* Digits alone, at most `digits_max` of them; returns how many. */
size_t rw_amount_digits(struct rw_amount_scan *scan, size_t digits_max, unsigned *value);

/* A date ("2025年Q2", "2025-06-30", "2025/6", "Q2 2025", "2025年6月30日", "2025年"): its first and
 * last day. FINE with *found false when no date begins here. */
enum rw_amount_mistake_kind rw_amount_date(struct rw_amount_scan *scan, bool bare_year, bool *found,
                                           double *first, double *last);

/* ---- Words (amount_words.c) ---- */

struct rw_amount_unit {
    const char *word;
    enum rw_dimension dimension;
    int exponent;  /* of ten */
    double factor; /* besides */
    enum rw_per per;
    bool binary;
    const char *currency;
};

/* The longest unit that begins here, passed over; NULL: none. */
const struct rw_amount_unit *rw_amount_unit(struct rw_amount_scan *scan);
/* A currency's sign or code before a number. */
const char *rw_amount_currency(struct rw_amount_scan *scan);
enum rw_bound rw_amount_bound_before(struct rw_amount_scan *scan);
enum rw_bound rw_amount_bound_after(struct rw_amount_scan *scan);
/* "每日", "daily" before a number; "/年", "每季度", "per day" behind it. */
enum rw_per rw_amount_per_before(struct rw_amount_scan *scan);
enum rw_per rw_amount_per_after(struct rw_amount_scan *scan);
/* "零停机", "zero downtime". */
bool rw_amount_zero_time(struct rw_amount_scan *scan);
/* Whether words behind a number name something that is counted: "registered users", "传感器数据点".
 */
bool rw_amount_noun(struct rw_span words);
/* The nearest known unit to a mistyped one, or NULL. */
const char *rw_amount_nearest_unit(struct rw_span word, unsigned dimensions);

#endif
