#include "load/script/log_line.h"

#include "http/message.h"

#include <jansson.h>
#include <stdio.h>

enum { DAY_S = 86400, ZONE_MINUTES_MAX = 24 * 60 };

/* ---- Times ---- */

/* Of the Gregorian calendar, without the C library's time zones. */
static int64_t days_since_1970(int year, int month, int day)
{
    int64_t y = month <= 2 ? year - 1 : year;
    int64_t era = y / 400, of_era = y - era * 400;
    int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

struct clock_time {
    int year, month, day, hour, minute, second, zone_minutes;
};

static bool to_ns(const struct clock_time *time, int64_t *ns)
{
    if (time->year < 1970 || time->year > 2200 || time->month < 1 || time->month > 12 ||
        time->day < 1 || time->day > 31 || time->hour > 23 || time->minute > 59 ||
        time->second > 60 || time->zone_minutes > ZONE_MINUTES_MAX ||
        time->zone_minutes < -ZONE_MINUTES_MAX)
        return false;
    int64_t seconds = days_since_1970(time->year, time->month, time->day) * DAY_S +
                      time->hour * 3600 + time->minute * 60 + time->second -
                      time->zone_minutes * 60;
    *ns = seconds * 1000000000;
    return true;
}

/* Exactly so many digits. */
static bool take_number(struct rw_span *text, size_t digits, int *number)
{
    uint64_t value;
    if (text->len < digits || !rw_span_to_u64(rw_span(text->at, digits), &value))
        return false;
    *number = (int)value;
    *text = rw_span_skip(*text, digits);
    return true;
}

static bool take_char(struct rw_span *text, char c)
{
    if (!text->len || text->at[0] != c)
        return false;
    *text = rw_span_skip(*text, 1);
    return true;
}

/* "+0200", "-07:00". */
static bool take_zone(struct rw_span *text, int *minutes)
{
    int hours, rest, sign = take_char(text, '-') ? -1 : take_char(text, '+') ? 1 : 0;
    if (!sign || !take_number(text, 2, &hours))
        return false;
    (void)take_char(text, ':');
    if (!take_number(text, 2, &rest))
        return false;
    *minutes = sign * (hours * 60 + rest);
    return true;
}

/* The digits behind the point, as nanoseconds. */
static int64_t take_fraction(struct rw_span *text)
{
    int64_t ns = 0, unit = 100000000;
    if (!take_char(text, '.'))
        return 0;
    for (int digit; take_number(text, 1, &digit); unit /= 10)
        ns += digit * unit;
    return ns;
}

bool rw_load_read_time(struct rw_span text, int64_t *ns)
{
    struct clock_time time = {0};
    bool good = take_number(&text, 4, &time.year) && take_char(&text, '-') &&
                take_number(&text, 2, &time.month) && take_char(&text, '-') &&
                take_number(&text, 2, &time.day) &&
                (take_char(&text, 'T') || take_char(&text, 't') || take_char(&text, ' ')) &&
                take_number(&text, 2, &time.hour) && take_char(&text, ':') &&
                take_number(&text, 2, &time.minute) && take_char(&text, ':') &&
                take_number(&text, 2, &time.second);
    if (!good)
        return false;
    int64_t fraction = take_fraction(&text);
    good = take_char(&text, 'Z') || take_char(&text, 'z') || take_zone(&text, &time.zone_minutes);
    if (!good || text.len || !to_ns(&time, ns))
        return false;
    *ns += fraction;
    return true;
}

static bool take_month(struct rw_span *text, int *month)
{
    static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    if (text->len < 3)
        return false;
    for (int i = 0; i < 12; i++)
        if (memcmp(text->at, names + (size_t)i * 3, 3) == 0) {
            *month = i + 1;
            *text = rw_span_skip(*text, 3);
            return true;
        }
    return false;
}

/* "10/Oct/2000:13:55:36 -0700". */
static bool read_common_time(struct rw_span text, int64_t *ns)
{
    struct clock_time time = {0};
    return take_number(&text, 2, &time.day) && take_char(&text, '/') &&
           take_month(&text, &time.month) && take_char(&text, '/') &&
           take_number(&text, 4, &time.year) && take_char(&text, ':') &&
           take_number(&text, 2, &time.hour) && take_char(&text, ':') &&
           take_number(&text, 2, &time.minute) && take_char(&text, ':') &&
           take_number(&text, 2, &time.second) && take_char(&text, ' ') &&
           take_zone(&text, &time.zone_minutes) && !text.len && to_ns(&time, ns);
}

/* ---- Requests ---- */

static bool stands_in_target(struct rw_span text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.at[i] <= ' ' || text.at[i] > '~' || text.at[i] == '#')
            return false;
    return text.len && text.at[0] == '/';
}

static bool set_request(struct rw_load_log_line *to, struct rw_span method, struct rw_span path,
                        struct rw_span query)
{
    if (method.len >= sizeof(to->method) || !rw_is_token(method) || rw_span_is(method, "CONNECT") ||
        path.len + query.len + 2 > sizeof(to->text))
        return false;
    memcpy(to->method, method.at, method.len);
    to->method[method.len] = '\0';
    int len = snprintf(to->text, sizeof(to->text), "%.*s%s%.*s", RW_SPAN_ARGS(path),
                       query.len ? "?" : "", RW_SPAN_ARGS(query));
    to->path = rw_span(to->text, (size_t)len);
    return stands_in_target(to->path);
}

static struct rw_span text_at(const json_t *json, const char *key)
{
    const json_t *value = json_object_get(json, key);
    return json_is_string(value) ? rw_span(json_string_value(value), json_string_length(value))
                                 : RW_LITERAL("");
}

static bool read_json(struct rw_span line, struct rw_load_log_line *to)
{
    json_t *json = json_loadb(line.at, line.len, 0, NULL);
    bool good =
        json && rw_load_read_time(text_at(json, "time"), &to->time_ns) &&
        set_request(to, text_at(json, "method"), text_at(json, "path"), text_at(json, "query"));
    json_decref(json);
    return good;
}

/* What stands between the first `open` and the next `close`; `line` goes on behind that. */
static bool take_between(struct rw_span *line, char open, char close, struct rw_span *inside)
{
    ptrdiff_t begin = rw_span_find(*line, open);
    if (begin < 0)
        return false;
    struct rw_span rest = rw_span_skip(*line, (size_t)begin + 1);
    ptrdiff_t end = rw_span_find(rest, close);
    if (end < 0)
        return false;
    *inside = rw_span(rest.at, (size_t)end);
    *line = rw_span_skip(rest, (size_t)end + 1);
    return true;
}

/* client user name [time] "METHOD target HTTP/1.1" and what else there may be. */
static bool read_common(struct rw_span line, struct rw_load_log_line *to)
{
    struct rw_span time, request, method, target;
    if (!take_between(&line, '[', ']', &time) || !read_common_time(time, &to->time_ns) ||
        !take_between(&line, '"', '"', &request))
        return false;
    ptrdiff_t blank = rw_span_find(request, ' ');
    if (blank < 0)
        return false;
    method = rw_span(request.at, (size_t)blank);
    target = rw_span_skip(request, (size_t)blank + 1);
    blank = rw_span_find(target, ' ');
    if (blank >= 0)
        target.len = (size_t)blank;
    return set_request(to, method, target, RW_LITERAL(""));
}

bool rw_load_log_line(struct rw_span line, struct rw_load_log_line *to)
{
    line = rw_span_trim(line);
    bool is_json = line.len && line.at[0] == '{';
    to->whole_second = !is_json;
    return is_json ? read_json(line, to) : read_common(line, to);
}
