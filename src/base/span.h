/* A span: bytes somewhere, not owned, not terminated. The currency for all text from peers. */
#ifndef RW_BASE_SPAN_H
#define RW_BASE_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct rw_span {
    const char *at;
    size_t len;
};

/* Format helper: printf("%.*s", RW_SPAN_ARGS(span)). */
#define RW_SPAN_ARGS(span) (int)(span).len, (span).at

/* From a string literal, at compile time. */
#define RW_LITERAL(text) ((struct rw_span){(text), sizeof(text) - 1})

static inline struct rw_span rw_span(const char *at, size_t len)
{
    return (struct rw_span){at, len};
}

static inline struct rw_span rw_span_text(const char *text)
{
    return (struct rw_span){text, text ? strlen(text) : 0};
}

static inline bool rw_span_eq(struct rw_span a, struct rw_span b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.at, b.at, a.len) == 0);
}

static inline bool rw_span_is(struct rw_span a, const char *text)
{
    return rw_span_eq(a, rw_span_text(text));
}

static inline bool rw_span_starts(struct rw_span a, struct rw_span prefix)
{
    return a.len >= prefix.len && (prefix.len == 0 || memcmp(a.at, prefix.at, prefix.len) == 0);
}

static inline bool rw_span_ends(struct rw_span a, struct rw_span suffix)
{
    return a.len >= suffix.len &&
           (suffix.len == 0 || memcmp(a.at + a.len - suffix.len, suffix.at, suffix.len) == 0);
}

/* The rest after `count` bytes; `count` is at most the length. An empty span may have no address,
 * with which C has no arithmetic. */
static inline struct rw_span rw_span_skip(struct rw_span a, size_t count)
{
    return (struct rw_span){count ? a.at + count : a.at, a.len - count};
}

/* The first `count` bytes of the rest, which it has no longer; false: there are fewer. */
static inline bool rw_span_take(struct rw_span *rest, uint64_t count, struct rw_span *part)
{
    if (count > rest->len)
        return false;
    *part = (struct rw_span){rest->at, (size_t)count};
    *rest = rw_span_skip(*rest, (size_t)count);
    return true;
}

static inline char rw_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

/* ASCII case-insensitive (field names, hosts, tokens). */
bool rw_span_eq_nocase(struct rw_span a, struct rw_span b);
bool rw_span_is_nocase(struct rw_span a, const char *text);

/* Index of the first `c`, or -1. */
ptrdiff_t rw_span_find(struct rw_span a, char c);

/* Without spaces and tabs at both ends (OWS of RFC 9110 section 5.6.3). */
struct rw_span rw_span_trim(struct rw_span a);

/* The next element of a list parted by `separator`, trimmed; false at the end. `rest` advances. */
bool rw_span_next(struct rw_span *rest, char separator, struct rw_span *element);

/* Decimal digits only, the whole span, no sign; false when empty, not a number, or past UINT64_MAX.
 */
bool rw_span_to_u64(struct rw_span a, uint64_t *value);

/* Writes decimal digits of `value` at `to` (20 bytes of room at most); returns how many. */
size_t rw_format_u64(char *to, uint64_t value);

/* Writes 16 lower-case hexadecimal digits. */
void rw_format_hex64(char *to, uint64_t value);

#endif
