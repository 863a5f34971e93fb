#include "base/span.h"

bool rw_span_eq_nocase(struct rw_span a, struct rw_span b)
{
    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++)
        if (rw_lower(a.at[i]) != rw_lower(b.at[i]))
            return false;
    return true;
}

bool rw_span_is_nocase(struct rw_span a, const char *text)
{
    return rw_span_eq_nocase(a, rw_span_text(text));
}

ptrdiff_t rw_span_find(struct rw_span a, char c)
{
    const char *hit = a.len ? memchr(a.at, c, a.len) : NULL;
    return hit ? hit - a.at : -1;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

struct rw_span rw_span_trim(struct rw_span a)
{
    while (a.len && is_blank(a.at[0]))
        a = rw_span_skip(a, 1);
    while (a.len && is_blank(a.at[a.len - 1]))
        a.len--;
    return a;
}

bool rw_span_next(struct rw_span *rest, char separator, struct rw_span *element)
{
    if (!rest->at)
        return false;
    ptrdiff_t hit = rw_span_find(*rest, separator);
    if (hit < 0) {
        *element = rw_span_trim(*rest);
        *rest = (struct rw_span){NULL, 0};
        return true;
    }
    *element = rw_span_trim(rw_span(rest->at, (size_t)hit));
    *rest = rw_span_skip(*rest, (size_t)hit + 1);
    return true;
}

bool rw_span_to_u64(struct rw_span a, uint64_t *value)
{
    uint64_t sum = 0;
    if (a.len == 0)
        return false;
    for (size_t i = 0; i < a.len; i++) {
        unsigned digit = (unsigned)(unsigned char)a.at[i] - '0';
        if (digit > 9 || __builtin_mul_overflow(sum, 10, &sum) ||
            __builtin_add_overflow(sum, digit, &sum))
            return false;
    }
    *value = sum;
    return true;
}

size_t rw_format_u64(char *to, uint64_t value)
{
    char digits[20];
    size_t count = 0;
    do {
        digits[count++] = (char)('0' + value % 10);
        value /= 10;
    } while (value);
    for (size_t i = 0; i < count; i++)
        to[i] = digits[count - 1 - i];
    return count;
}

void rw_format_hex64(char *to, uint64_t value)
{
    for (int i = 15; i >= 0; i--, value >>= 4)
        to[i] = "0123456789abcdef"[value & 15];
}
