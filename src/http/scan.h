/* Character classes of HTTP and scanning by sixteen bytes at once.
 *
 * Called by the h1 codec and the message model. Each function looks at [at, end) and never at a
 * byte outside, since a peer's bytes have nothing behind them: what is left under sixteen bytes is
 * looked at one by one. Pure functions of their input; any thread.
 */
#ifndef RW_HTTP_SCAN_H
#define RW_HTTP_SCAN_H

#include "base/span.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

enum rw_char_class {
    RW_CHAR_TOKEN = 1,   /* tchar, RFC 9110 section 5.6.2 */
    RW_CHAR_VALUE = 2,   /* in a field value: HTAB, SP, VCHAR, obs-text; section 5.5 */
    RW_CHAR_TARGET = 4,  /* in a request target, without '%', '?' (looked at closely) and '#' */
    RW_CHAR_HOST = 8,    /* unreserved, RFC 3986 section 2.3 */
    RW_CHAR_HEX = 16,    /* HEXDIG */
    RW_CHAR_BLANK = 32,  /* SP, HTAB */
    RW_CHAR_QUOTED = 64, /* qdtext, RFC 9110 section 5.6.4 */
};

extern const uint8_t rw_char_classes[256];

static inline bool rw_char_is(char c, enum rw_char_class class)
{
    return rw_char_classes[(uint8_t)c] & class;
}

static inline const char *rw_scan_while(const char *at, const char *end, enum rw_char_class class)
{
    while (at < end && rw_char_is(*at, class))
        at++;
    return at;
}

/* 0 to 15, or 16 when `c` is not a hexadecimal digit. */
static inline unsigned rw_hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return (unsigned)(c - '0');
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? (unsigned)(c - 'a' + 10) : 16;
}

/* The first byte that may not stand in a field value or reason phrase: CR, LF, and every other
 * control but HTAB. */
static inline const char *rw_scan_value(const char *at, const char *end)
{
#if defined(__SSE2__)
    const __m128i last_control = _mm_set1_epi8(0x1f);
    const __m128i tab = _mm_set1_epi8('\t');
    const __m128i del = _mm_set1_epi8(0x7f);
    for (; end - at >= 16; at += 16) {
        __m128i bytes = _mm_loadu_si128((const __m128i *)at);
        __m128i control = _mm_cmpeq_epi8(_mm_min_epu8(bytes, last_control), bytes);
        __m128i stop = _mm_or_si128(_mm_andnot_si128(_mm_cmpeq_epi8(bytes, tab), control),
                                    _mm_cmpeq_epi8(bytes, del));
        unsigned hits = (unsigned)_mm_movemask_epi8(stop);
        if (hits)
            return at + __builtin_ctz(hits);
    }
#endif
    return rw_scan_while(at, end, RW_CHAR_VALUE);
}

/* The first byte that is not plain in a request target: SP, a control, non-ASCII, '#', '%' or '?'.
 */
static inline const char *rw_scan_target(const char *at, const char *end)
{
#if defined(__SSE2__)
    const __m128i space = _mm_set1_epi8(' ');
    const __m128i del = _mm_set1_epi8(0x7f);
    const __m128i hash = _mm_set1_epi8('#');
    const __m128i percent = _mm_set1_epi8('%');
    const __m128i question = _mm_set1_epi8('?');
    for (; end - at >= 16; at += 16) {
        __m128i bytes = _mm_loadu_si128((const __m128i *)at);
        /* Signed: bytes from 0x80 are negative and so below the exclamation mark too. */
        __m128i plain = _mm_cmpgt_epi8(bytes, space);
        __m128i stop = _mm_or_si128(
            _mm_or_si128(_mm_cmpeq_epi8(bytes, del), _mm_cmpeq_epi8(bytes, hash)),
            _mm_or_si128(_mm_cmpeq_epi8(bytes, percent), _mm_cmpeq_epi8(bytes, question)));
        unsigned hits = (unsigned)_mm_movemask_epi8(_mm_andnot_si128(stop, plain)) ^ 0xffffu;
        if (hits)
            return at + __builtin_ctz(hits);
    }
#endif
    return rw_scan_while(at, end, RW_CHAR_TARGET);
}

#endif
