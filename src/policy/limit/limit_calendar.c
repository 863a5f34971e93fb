/* Days and months of local time, at a fixed distance from UTC. */
#include "policy/limit/limit_private.h"

enum {
    DAY_S = 86400,
    OFFSET_MINUTES_MAX = 14 * 60,
    DAYS_OF_400_YEARS = 146097,
    DAYS_TO_1970 = 719468, /* since 1 March of the year 0 */
};

enum rw_err rw_limit_offset(struct rw_span text, int32_t *offset_s)
{
    uint64_t hours, minutes;
    if (text.len != 6 || (text.at[0] != '+' && text.at[0] != '-') || text.at[3] != ':' ||
        !rw_span_to_u64(rw_span(text.at + 1, 2), &hours) ||
        !rw_span_to_u64(rw_span(text.at + 4, 2), &minutes) || minutes > 59 ||
        hours * 60 + minutes > OFFSET_MINUTES_MAX)
        return RW_EINVAL;
    int32_t seconds = (int32_t)(hours * 3600 + minutes * 60);
    *offset_s = text.at[0] == '-' ? -seconds : seconds;
    return RW_OK;
}

/* The proleptic Gregorian calendar, in years that begin on 1 March, so that the leap day is the
 * last day of one. `day` since 1970. Returns the first day of the next month. */
static int64_t next_month(int64_t day)
{
    int64_t since = day + DAYS_TO_1970, era = since / DAYS_OF_400_YEARS;
    int64_t of_era = since % DAYS_OF_400_YEARS;
    int64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * year + year / 4 - year / 100);
    int64_t month = (5 * of_year + 2) / 153; /* 0: March */
    int64_t first_of_year = era * DAYS_OF_400_YEARS + 365 * year + year / 4 - year / 100;
    if (month == 11) { /* February: the next year's March comes after its leap day */
        year++;
        return era * DAYS_OF_400_YEARS + 365 * year + year / 4 - year / 100 + year / 400 -
               DAYS_TO_1970;
    }
    return first_of_year + (153 * (month + 1) + 2) / 5 - DAYS_TO_1970;
}

uint32_t rw_limit_period_end(int per, int32_t offset_s, uint64_t wall_s)
{
    int64_t local_s = (int64_t)wall_s + offset_s;
    int64_t day = local_s / DAY_S - (local_s % DAY_S < 0);
    int64_t end = per == RW_LIMIT_CALENDAR_MONTH ? next_month(day) : day + 1;
    return (uint32_t)(end * DAY_S - offset_s);
}
