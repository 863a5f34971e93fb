#include "gate/route/path.h"

#include <stdint.h>

/* Eight bytes at a time: most paths hold nothing of interest, and this says so in a few cycles. */
#define ONES 0x0101010101010101ull
#define HIGHS 0x8080808080808080ull

static inline uint64_t load_word(const char *at)
{
    uint64_t word;
    memcpy(&word, at, sizeof(word));
    return word;
}

/* High bits set where a byte is `c`; a wrong one may follow a right one, never stand alone. */
static inline uint64_t bytes_equal(uint64_t word, unsigned char c)
{
    uint64_t difference = word ^ (ONES * c);
    return (difference - ONES) & ~difference & HIGHS;
}

/* Is one of the eight bytes at `at` a "%", a `single`, or a "/" that `second` follows? Reads nine.
 */
static inline bool window_has(const char *at, char single, char second)
{
    uint64_t here = load_word(at), next = load_word(at + 1);
    return (bytes_equal(here, '%') | bytes_equal(here, (unsigned char)single) |
            (bytes_equal(here, '/') & bytes_equal(next, (unsigned char)second))) != 0;
}

/* No "%", no `single`, no "/" with `second` after it: certainly. */
static inline bool is_plain(struct rw_span path, char single, char second)
{
    size_t i = 0;
    for (; i + 9 <= path.len; i += 8)
        if (window_has(path.at + i, single, second))
            return false;
    for (; i < path.len; i++) {
        char c = path.at[i];
        if (c == '%' || c == single || (c == '/' && i + 1 < path.len && path.at[i + 1] == second))
            return false;
    }
    return true;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = rw_lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int rw_path_decode(const char *at, const char *end)
{
    if (end - at < 3 || *at != '%')
        return -1;
    int high = hex_digit(at[1]), low = hex_digit(at[2]);
    return high < 0 || low < 0 ? -1 : high << 4 | low;
}

/* One byte of the path, decoded, and past it. A malformed "%" stands for itself. */
static inline char next_byte(const char **at, const char *end)
{
    int decoded = **at == '%' ? rw_path_decode(*at, end) : -1;
    char c = decoded < 0 ? **at : (char)decoded;
    *at += decoded < 0 ? 1 : 3;
    return c;
}

/* Does the segment that begins here read "." or "..", whatever parameters follow? */
static bool is_dot_segment(const char *at, const char *end)
{
    unsigned dots = 0;
    while (at < end) {
        char c = next_byte(&at, end);
        if (c == '/' || c == ';')
            break;
        if (c != '.' || ++dots > 2)
            return false;
    }
    return dots > 0;
}

static const char *escape_flaw(const char *at, const char *end)
{
    switch (rw_path_decode(at, end)) {
    case -1:
        return "\"%\" without two hexadecimal digits in the path";
    case 0:
        return "encoded NUL in the path";
    case '/':
        return "encoded slash in the path";
    case '\\':
        return "encoded backslash in the path";
    default:
        return NULL;
    }
}

static const char *path_flaw(struct rw_span path)
{
    const char *end = path.at + path.len;
    for (const char *at = path.at; at < end; at++) {
        const char *flaw = NULL;
        if (*at == '\\')
            flaw = "backslash in the path";
        else if (*at == '%')
            flaw = escape_flaw(at, end);
        else if (*at == '/' && is_dot_segment(at + 1, end))
            flaw = "dot segment in the path";
        if (flaw)
            return flaw;
    }
    return NULL;
}

bool rw_path_check(struct rw_span path, const char **reason)
{
    const char *flaw = NULL;
    if (path.len == 0 || rw_span_is(path, "*"))
        return true;
    if (path.at[0] != '/')
        flaw = "path does not begin with a slash";
    else if (path.len > RW_PATH_BYTES_MAX)
        flaw = "path is too long";
    else if (!is_plain(path, '\\', '.'))
        flaw = path_flaw(path);
    if (flaw && reason)
        *reason = flaw;
    return !flaw;
}

bool rw_path_is_normal(struct rw_span path)
{
    return is_plain(path, '%', '/');
}

size_t rw_path_normalise(struct rw_span path, char *to)
{
    const char *at = path.at, *end = path.at + path.len;
    size_t len = 0;
    while (at < end) {
        char c = next_byte(&at, end);
        if (c != '/' || len == 0 || to[len - 1] != '/')
            to[len++] = c;
    }
    return len;
}

size_t rw_path_origin(struct rw_span path, size_t offset)
{
    const char *at = path.at, *end = path.at + path.len;
    char previous = '\0';
    size_t len = 0;
    while (at < end) {
        const char *start = at;
        char c = next_byte(&at, end);
        if (c == '/' && previous == '/')
            continue;
        if (len++ == offset)
            return (size_t)(start - path.at);
        previous = c;
    }
    return path.len;
}
