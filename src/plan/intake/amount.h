/* Amounts as people write them, in Chinese and English: "500万+", "80TB", "$120万/年",
 * "<15分钟/季度", "99.95%", "P99<500ms", "1000万美金", "10TB/day", "7x24", "2025年Q2", "30-40%".
 *
 * rw_amount_read takes a whole text, rw_amount_find the first amount of a dimension in a sentence.
 * Full-width digits and punctuation count as their narrow forms. What is stated stays as stated:
 * currencies are never converted, "KiB" and "kB" are told apart, "more than" and "about" are kept,
 * and so is the time that a rate refers to. Decimal numbers become the nearest double: their digits
 * and the powers of ten of "万", "%" and "ms" are put together before anything is rounded.
 * No memory, no locale, any thread.
 */
#ifndef RW_PLAN_INTAKE_AMOUNT_H
#define RW_PLAN_INTAKE_AMOUNT_H

#include "base/err.h"
#include "base/text.h"
#include "report/label.h"

/* What is measured. A set of them says what is allowed. */
enum rw_dimension {
    RW_DIMENSION_COUNT = 1,    /* things, or a factor */
    RW_DIMENSION_FRACTION = 2, /* 0.9995 for "99.95%"; "4.8/5" is 0.96 */
    RW_DIMENSION_TIME = 4,     /* seconds */
    RW_DIMENSION_BYTES = 8,
    RW_DIMENSION_BITS = 16,
    RW_DIMENSION_MONEY = 32,   /* units of the currency, not cents */
    RW_DIMENSION_DATE = 64,    /* days since 1970-01-01: first and last day of what is named */
    RW_DIMENSION_LENGTH = 128, /* kilometres */
};

enum rw_bound {
    RW_BOUND_NONE,     /* "80TB" */
    RW_BOUND_BELOW,    /* "<500ms"; of a date: before its end */
    RW_BOUND_AT_MOST,  /* "6个月内" */
    RW_BOUND_ABOVE,    /* ">99.9%" */
    RW_BOUND_AT_LEAST, /* "500万+" */
    RW_BOUND_ABOUT,    /* "约30%" */
};

enum rw_per {
    RW_PER_NONE,
    RW_PER_SECOND,
    RW_PER_MINUTE,
    RW_PER_HOUR,
    RW_PER_DAY,
    RW_PER_WEEK,
    RW_PER_MONTH,
    RW_PER_QUARTER,
    RW_PER_YEAR,
    RW_PER_COUNT
};

struct rw_amount {
    enum rw_dimension dimension; /* exactly one */
    enum rw_bound bound;
    enum rw_per per;
    double low, high;  /* equal unless it is a range or a date */
    double percentile; /* 0.99 for P99; 0: none was named */
    char currency[4];  /* MONEY: "USD" */
    bool binary;       /* BYTES, BITS: stated in KiB, MiB... */
    bool percent;      /* FRACTION: stated as one, not as a score */
};

#define RW_AMOUNT_MISTAKES(X)                                                                      \
    X(EMPTY, "nothing is there", "没有内容")                                                       \
    X(NO_NUMBER, "a number was expected here", "此处应为数字")                                     \
    X(COMMA, "a comma parts groups of three digits: write 1,000 or 1.5",                           \
      "逗号只用于千分位：请写 1,000 或 1.5")                                                       \
    X(DIGITS, "more digits than can be kept (18)", "数字位数过多（最多 18 位）")                   \
    X(RANGE, "more than 10^18 is no amount of anything here", "数值超过 10^18")                    \
    X(NEGATIVE, "a value below zero has no meaning here", "此处不能为负数")                        \
    X(UNIT, "this unit is unknown", "未知单位")                                                    \
    X(NOUN,                                                                                        \
      "nothing here is counted in these: write the number alone, or users, requests, nodes...",    \
      "计数对象未知：只写数字，或写用户、请求、笔、台等")                                          \
    X(NO_PERCENT, "a plain number above 1 is no share: write it with %",                           \
      "大于 1 的数不是比例：请加 %")                                                               \
    X(PERCENTILE, "there is no such percentile: P1 to P99, P99.9, P999...",                        \
      "没有这样的分位数：可写 P1 至 P99、P99.9、P999")                                             \
    X(DIMENSION, "this measures something else", "计量对象不符")                                   \
    X(UPSIDE_DOWN, "the range ends below its beginning", "区间上限小于下限")                       \
    X(MIXED, "the two ends of the range measure different things", "区间两端单位不一致")           \
    X(CURRENCY, "two different currencies in one amount", "同一金额出现两种货币")                  \
    X(NO_CURRENCY, "which currency? write $, ¥, EUR, 美元, 元...",                                 \
      "缺少货币：请写 ¥、$、EUR、元、美元等")                                                      \
    X(DATE, "there is no such date", "日期不存在")                                                 \
    X(REST, "this was not understood", "此部分无法识别")                                           \
    X(TWICE, "said twice, differently", "重复且不一致")

enum rw_amount_mistake_kind {
    RW_AMOUNT_FINE,
#define RW_AMOUNT_MISTAKE_ENUM(name, en, zh) RW_AMOUNT_##name,
    RW_AMOUNT_MISTAKES(RW_AMOUNT_MISTAKE_ENUM)
#undef RW_AMOUNT_MISTAKE_ENUM
};

struct rw_amount_mistake {
    enum rw_amount_mistake_kind kind;
    size_t at;           /* byte within the text */
    struct rw_span read; /* what stands there; within the text */
    const char *nearest; /* UNIT: what may have been meant, or NULL */
    enum rw_dimension found;
};

/* The whole text as an amount of one of `dimensions` (a set). */
RW_MUST_CHECK bool rw_amount_read(struct rw_span text, unsigned dimensions,
                                  struct rw_amount *amount, struct rw_amount_mistake *mistake);

/* The first amount of one of `dimensions` in a sentence; `where` is what it was read from. */
RW_MUST_CHECK bool rw_amount_find(struct rw_span text, unsigned dimensions,
                                  struct rw_amount *amount, struct rw_span *where);

/* The first percentile that a sentence names: 0.99 for "API P99延迟"; 0: none. */
double rw_amount_percentile(struct rw_span text);

/* What was read, and what would be right: "\"80TBB\": this unit is unknown; did you mean \"TB\"?".
 */
void rw_amount_mistake_write(const struct rw_amount_mistake *mistake, unsigned dimensions,
                             enum rw_language language, struct rw_text *text);

/* "a size, such as 80TB": what a set of dimensions expects. */
void rw_dimensions_write(unsigned dimensions, enum rw_language language, struct rw_text *text);

/* The amount in a form that rw_amount_read reads back as the same amount: ">=5000000",
 * "<900s/quarter", "USD 1200000/year". */
void rw_amount_write(const struct rw_amount *amount, struct rw_text *text);

/* Seconds of the time that a rate refers to (a month is a twelfth of 365.25 days); 0 for NONE. */
double rw_per_seconds(enum rw_per per);

#endif
