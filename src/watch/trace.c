#include "watch/trace.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

/* VERSION-TRACE_ID-PARENT_ID-FLAGS */
enum { TRACE_ID_AT = 3, PARENT_ID_AT = 36, FLAGS_AT = 53 };

static bool is_hex(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

#ifdef __SSE2__

/* 16 digits; sets *zero to whether all are '0'. */
static bool is_hex16(const char *at, bool *zero)
{
    __m128i text = _mm_loadu_si128((const __m128i *)at);
    __m128i digit = _mm_and_si128(_mm_cmpgt_epi8(text, _mm_set1_epi8('0' - 1)),
                                  _mm_cmplt_epi8(text, _mm_set1_epi8('9' + 1)));
    __m128i letter = _mm_and_si128(_mm_cmpgt_epi8(text, _mm_set1_epi8('a' - 1)),
                                   _mm_cmplt_epi8(text, _mm_set1_epi8('f' + 1)));
    *zero = _mm_movemask_epi8(_mm_cmpeq_epi8(text, _mm_set1_epi8('0'))) == 0xffff;
    return _mm_movemask_epi8(_mm_or_si128(digit, letter)) == 0xffff;
}

/* The nibbles side by side, then each to its digit. */
static void put_hex16(char *to, uint64_t value)
{
    __m128i bytes = _mm_cvtsi64_si128((long long)__builtin_bswap64(value));
    __m128i low = _mm_set1_epi8(0x0f);
    __m128i nibbles =
        _mm_unpacklo_epi8(_mm_and_si128(_mm_srli_epi64(bytes, 4), low), _mm_and_si128(bytes, low));
    __m128i letters =
        _mm_and_si128(_mm_cmpgt_epi8(nibbles, _mm_set1_epi8(9)), _mm_set1_epi8('a' - '0' - 10));
    __m128i text = _mm_add_epi8(_mm_add_epi8(nibbles, _mm_set1_epi8('0')), letters);
    _mm_storeu_si128((__m128i *)to, text);
}

#else

static bool is_hex16(const char *at, bool *zero)
{
    bool good = true;
    *zero = true;
    for (int i = 0; i < 16; i++) {
        good = good && is_hex(at[i]);
        *zero = *zero && at[i] == '0';
    }
    return good;
}

static void put_hex16(char *to, uint64_t value)
{
    rw_format_hex64(to, value);
}

#endif

bool rw_traceparent_valid(struct rw_span value)
{
    if (value.len < RW_TRACEPARENT_BYTES)
        return false;
    const char *at = value.at;
    bool zero[3];
    bool good = is_hex16(at + TRACE_ID_AT, &zero[0]) && is_hex16(at + TRACE_ID_AT + 16, &zero[1]) &&
                is_hex16(at + PARENT_ID_AT, &zero[2]) && is_hex(at[0]) && is_hex(at[1]) &&
                is_hex(at[FLAGS_AT]) && is_hex(at[FLAGS_AT + 1]) && at[TRACE_ID_AT - 1] == '-' &&
                at[PARENT_ID_AT - 1] == '-' && at[FLAGS_AT - 1] == '-';
    if (!good || (zero[0] && zero[1]) || zero[2] || (at[0] == 'f' && at[1] == 'f'))
        return false;
    if (value.len == RW_TRACEPARENT_BYTES)
        return true;
    bool version_00 = at[0] == '0' && at[1] == '0';
    return !version_00 && at[RW_TRACEPARENT_BYTES] == '-';
}

static uint64_t random_not_zero(struct rw_random *random)
{
    uint64_t value = rw_random_u64(random);
    return value ? value : 1;
}

void rw_traceparent_begin(char *to, struct rw_random *random)
{
    static const char head[] = {'0', '0', '-'}, tail[] = {'-', '0', '1'};
    memcpy(to, head, sizeof(head));
    put_hex16(to + TRACE_ID_AT, random_not_zero(random));
    put_hex16(to + TRACE_ID_AT + 16, rw_random_u64(random));
    to[PARENT_ID_AT - 1] = '-';
    put_hex16(to + PARENT_ID_AT, random_not_zero(random));
    memcpy(to + FLAGS_AT - 1, tail, sizeof(tail));
}

struct rw_span rw_traceparent_trace_id(struct rw_span traceparent)
{
    return rw_span(traceparent.at + TRACE_ID_AT, RW_TRACE_ID_BYTES);
}
