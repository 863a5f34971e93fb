#include "report/bind.h"

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(struct rw_span text, size_t at)
{
    return at < text.len && ((text.at[at] >= 'A' && text.at[at] <= 'Z') ||
                             (text.at[at] >= 'a' && text.at[at] <= 'z'));
}

/* "USD": three capitals. */
static bool is_currency(struct rw_span text)
{
    size_t length = 0;
    while (length < text.len && text.at[length] >= 'A' && text.at[length] <= 'Z')
        length++;
    return length == 3 && !is_letter(text, length);
}

/* Bytes of a unit in letters, which is no word that only begins like one. */
static size_t letters(struct rw_span text)
{
    static const char *const units[] = {
        "ns",  "µs",   "us",   "ms",   "s",    "min", "h",   "d",   "months", "years",
        "B",   "kB",   "MB",   "GB",   "TB",   "PB",  "KiB", "MiB", "GiB",    "TiB",
        "bit", "kbit", "Mbit", "Gbit", "Tbit", "km",  "kWh", "Erl",
    };
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        struct rw_span unit = rw_span_text(units[i]);
        if (rw_span_starts(text, unit) && !is_letter(text, unit.len))
            return unit.len;
    }
    return 0;
}

/* In Chinese a measure word follows a number, whatever it is; of those of one character no list is
 * needed. */
static size_t characters(struct rw_span text)
{
    static const char *const units[] = {"分钟", "小时", "毫秒", "微秒", "个月", "公里", "千瓦时"};
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
        if (rw_span_starts(text, rw_span_text(units[i])))
            return strlen(units[i]);
    return 3;
}

size_t rw_report_unit(struct rw_span text, size_t at)
{
    if (at == 0 || at + 1 >= text.len || text.at[at] != ' ' || !is_digit(text.at[at - 1]))
        return 0;
    struct rw_span after = rw_span_skip(text, at + 1);
    unsigned char first = (unsigned char)after.at[0];
    if (first == '%')
        return 1;
    if (first >= 0xe4 && first <= 0xe9 && after.len >= 3) /* U+4000 to U+9FFF */
        return characters(after);
    return is_currency(after) ? 3 : letters(after);
}

size_t rw_report_measure(struct rw_span text, size_t *length)
{
    for (size_t at = 0; at < text.len; at++) {
        size_t from = at, unit = rw_report_unit(text, at);
        if (!unit)
            continue;
        while (from > 0 && (is_digit(text.at[from - 1]) || memchr(".,-<>", text.at[from - 1], 5)))
            from--;
        *length = at + 1 + unit - from;
        return from;
    }
    *length = 0;
    return text.len;
}
