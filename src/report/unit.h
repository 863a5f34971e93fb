/* The units of cells, and how a value with its unit is written for people.
 *
 * A cell holds its value in exactly the unit that stands here (seconds, bytes, cents...), so a
 * formula needs no conversions; the writer picks a readable multiple (ms, TB, millions).
 * The same in every locale and on every machine.
 */
#ifndef RW_REPORT_UNIT_H
#define RW_REPORT_UNIT_H

#include "base/text.h"
#include "report/label.h"

/* X(name, symbol en, symbol zh): the symbol as it stands behind a value; empty where the writer
 * makes its own. */
#define RW_UNITS(X)                                                                                \
    X(RW_UNIT_ONE, "", "")              /* a plain number, a factor */                             \
    X(RW_UNIT_SHARE, "", "")            /* 0..1, written as a percentage */                        \
    X(RW_UNIT_COUNT, "", "")            /* things: users, nodes, connections */                    \
    X(RW_UNIT_SECONDS, "", "")          /* short times: latency, recovery */                       \
    X(RW_UNIT_DAYS, "d", "天")          /* retention, durations of work */                         \
    X(RW_UNIT_MONTHS, "months", "个月") /* of 1/12 year */                                         \
    X(RW_UNIT_YEARS, "years", "年")                                                                \
    X(RW_UNIT_BYTES, "", "")                     /* decimal multiples are written */               \
    X(RW_UNIT_BYTES_PER_SECOND, "/s", "/秒")     /* as bytes */                                    \
    X(RW_UNIT_BYTES_PER_DAY, "/day", "/天")      /* as bytes */                                    \
    X(RW_UNIT_BITS_PER_SECOND, "bit/s", "bit/s") /* with k, M, G, T */                             \
    X(RW_UNIT_PER_SECOND, "/s", "/秒")           /* requests, messages */                          \
    X(RW_UNIT_PER_DAY, "/day", "/天")                                                              \
    X(RW_UNIT_PER_MONTH, "/month", "/月")                                                          \
    X(RW_UNIT_ERLANGS, "Erl", "Erl") /* offered load */                                            \
    X(RW_UNIT_KILOMETRES, "km", "公里")                                                            \
    X(RW_UNIT_KILOWATT_HOURS, "kWh", "千瓦时")                                                     \
    X(RW_UNIT_HOURS_PER_YEAR, "h/year", "小时/年") /* of service */                                \
    X(RW_UNIT_MINUTES_PER_QUARTER, "min/quarter", "分钟/季度")                                     \
    X(RW_UNIT_MONEY, "", "") /* whole cents of the cell's currency */                              \
    X(RW_UNIT_PRICE, "", "") /* currency units, not cents, for one `per`: 0.085 USD per hour */    \
    X(RW_UNIT_RATE, "", "")  /* of exchange: plan currency for one unit of another */              \
    X(RW_UNIT_DATE, "", "")  /* days since 1970-01-01, written as a date */

enum rw_unit {
#define RW_UNIT_ENUM(name, en, zh) name,
    RW_UNITS(RW_UNIT_ENUM)
#undef RW_UNIT_ENUM
        RW_UNIT_END
};

struct rw_quantity {
    double value; /* NaN: missing; infinite: without bound */
    enum rw_unit unit;
    const char *currency; /* MONEY and PRICE: "USD"; RATE: the other currency */
    const char *per;      /* PRICE: "hour" */
};

/* "seconds", "bits_per_second": for files. */
const char *rw_unit_name(enum rw_unit unit);

/* Adds the value with its unit: "1,234.50 USD", "99.95 %", "153.7 ms", "80 TB", "2.4 h",
 * "missing" / "缺失". */
void rw_quantity_write(struct rw_text *text, struct rw_quantity quantity,
                       enum rw_language language);

/* Adds a number that reads back as the same double, for JSON and CSV: shortest of 15 to 17 digits;
 * whole numbers without a point; null when missing or infinite. */
void rw_number_write(struct rw_text *text, double value);

/* "2026-11-20"; days since 1970-01-01. False when it is no date of the years 1970 to 9999. */
bool rw_date_read(struct rw_span text, double *days);

#endif
