#include "base/clock.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

static uint64_t read_clock(clockid_t id)
{
    struct timespec now;
    clock_gettime(id, &now);
    return (uint64_t)now.tv_sec * RW_NS_PER_S + (uint64_t)now.tv_nsec;
}

uint64_t rw_clock_monotonic_ns(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

uint64_t rw_clock_wall_ns(void)
{
    return read_clock(CLOCK_REALTIME);
}

static struct tm to_utc(uint64_t wall_ns)
{
    time_t seconds = (time_t)(wall_ns / RW_NS_PER_S);
    struct tm utc;
    gmtime_r(&seconds, &utc);
    return utc;
}

void rw_clock_format_rfc3339(char *to, uint64_t wall_ns)
{
    struct tm utc = to_utc(wall_ns);
    char text[64];
    snprintf(text, sizeof(text), "%04d-%02d-%02dT%02d:%02d:%02d.%03uZ", utc.tm_year + 1900,
             utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec,
             (unsigned)(wall_ns / RW_NS_PER_MS % 1000));
    memcpy(to, text, 24);
}

void rw_clock_format_http(char *to, uint64_t wall_ns)
{
    static const char days[][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static const char months[][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    struct tm utc = to_utc(wall_ns);
    char text[64];
    snprintf(text, sizeof(text), "%s, %02d %s %04d %02d:%02d:%02d GMT", days[utc.tm_wday],
             utc.tm_mday, months[utc.tm_mon], utc.tm_year + 1900, utc.tm_hour, utc.tm_min,
             utc.tm_sec);
    memcpy(to, text, 29);
}
