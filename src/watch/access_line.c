#include "watch/access_line.h"

#include "base/clock.h"
#include "base/utf8.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

/* Copying a literal is a store or two; the result is behind it. */
#define PUT_LITERAL(to, text) (memcpy(to, text, sizeof(text) - 1), (to) + sizeof(text) - 1)

/* ---- Numbers ---- */

static const char digit_pairs[201] = "00010203040506070809101112131415161718192021222324"
                                     "25262728293031323334353637383940414243444546474849"
                                     "50515253545556575859606162636465666768697071727374"
                                     "75767778798081828384858687888990919293949596979899";

static inline char *put_pair(char *to, unsigned value)
{
    memcpy(to, digit_pairs + 2 * (size_t)value, 2);
    return to + 2;
}

static unsigned count_digits(uint64_t value)
{
    unsigned count = 1;
    while (value >= 10000) {
        value /= 10000;
        count += 4;
    }
    return count + (value >= 10) + (value >= 100) + (value >= 1000);
}

static inline char *put_u64(char *to, uint64_t value)
{
    char *end = to + count_digits(value);
    char *at = end;
    while (value >= 100) {
        at -= 2;
        put_pair(at, (unsigned)(value % 100));
        value /= 100;
    }
    if (value >= 10)
        put_pair(to, (unsigned)value);
    else
        *to = (char)('0' + value);
    return end;
}

/* ---- Text ---- */

/* What stands for a byte in a JSON string (RFC 8259 section 7): 0: itself, 'u': \u00XX, 'x': a
 * byte of UTF-8 to look at, else the letter after the backslash. */
static char escape_of(unsigned char c)
{
    static const char control[32] = {
        ['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r'};
    if (c < 0x20)
        return control[c] ? control[c] : 'u';
    if (c >= 0x7f)
        return c == 0x7f ? 'u' : 'x';
    return c == '"' || c == '\\' ? (char)c : 0;
}

static char *put_escape(char *to, unsigned char c, char escape)
{
    *to++ = '\\';
    *to++ = escape;
    if (escape != 'u')
        return to;
    to = PUT_LITERAL(to, "00");
    *to++ = "0123456789abcdef"[c >> 4];
    *to++ = "0123456789abcdef"[c & 15];
    return to;
}

static __attribute__((noinline)) char *put_escaped(char *to, struct rw_span text)
{
    while (text.len) {
        unsigned char c = (unsigned char)text.at[0];
        char escape = escape_of(c);
        size_t len = 1;
        if (!escape) {
            *to++ = (char)c;
        } else if (escape != 'x') {
            to = put_escape(to, c, escape);
        } else if ((len = rw_utf8_length(text)) > 0) {
            memcpy(to, text.at, len);
            to += len;
        } else {
            to = PUT_LITERAL(to, "\\ufffd");
            len = 1;
        }
        text = rw_span_skip(text, len);
    }
    return to;
}

#ifdef __SSE2__

/* All 16 bytes are printable ASCII without quote and backslash. (Bytes from 0x80 are negative.) */
static inline bool is_clean(__m128i bytes)
{
    __m128i printable = _mm_cmpgt_epi8(bytes, _mm_set1_epi8(0x1f));
    __m128i special = _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(bytes, _mm_set1_epi8('"')),
                                                _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\'))),
                                   _mm_cmpeq_epi8(bytes, _mm_set1_epi8(0x7f)));
    return _mm_movemask_epi8(_mm_andnot_si128(special, printable)) == 0xffff;
}

/* Copies a text of less than 16 bytes that is clean; reads nothing outside it. Two loads that
 * overlap cover it, whatever its length. */
static inline bool copy_clean_short(char *to, struct rw_span text)
{
    if (text.len >= 8) {
        uint64_t first, last;
        memcpy(&first, text.at, 8);
        memcpy(&last, text.at + text.len - 8, 8);
        memcpy(to, &first, 8);
        memcpy(to + text.len - 8, &last, 8);
        return is_clean(_mm_set_epi64x((long long)last, (long long)first));
    }
    if (text.len >= 4) {
        uint32_t first, last;
        memcpy(&first, text.at, 4);
        memcpy(&last, text.at + text.len - 4, 4);
        memcpy(to, &first, 4);
        memcpy(to + text.len - 4, &last, 4);
        return is_clean(_mm_set_epi32((int)last, (int)first, (int)last, (int)first));
    }
    bool clean = true;
    for (size_t i = 0; i < text.len; i++) {
        to[i] = text.at[i];
        clean = clean && !escape_of((unsigned char)text.at[i]);
    }
    return clean;
}

static inline bool copy_clean(char *to, struct rw_span text)
{
    if (text.len < 16)
        return copy_clean_short(to, text);
    for (size_t i = 0; i + 16 < text.len; i += 16) {
        __m128i block = _mm_loadu_si128((const __m128i *)(text.at + i));
        if (!is_clean(block))
            return false;
        _mm_storeu_si128((__m128i *)(to + i), block);
    }
    __m128i last = _mm_loadu_si128((const __m128i *)(text.at + text.len - 16));
    _mm_storeu_si128((__m128i *)(to + text.len - 16), last);
    return is_clean(last);
}

#else

static inline bool copy_clean(char *to, struct rw_span text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (escape_of((unsigned char)text.at[i]))
            return false;
        to[i] = text.at[i];
    }
    return true;
}

#endif

/* Cut so that no character is halved. */
static struct rw_span cut(struct rw_span text, size_t len_max)
{
    size_t len = len_max;
    while (len > len_max - 3 && ((unsigned char)text.at[len] & 0xc0) == 0x80)
        len--;
    return rw_span(text.at, len);
}

static inline char *put_text(char *to, struct rw_span text, size_t len_max)
{
    if (__builtin_expect(text.len > len_max, 0))
        text = cut(text, len_max);
    if (__builtin_expect(copy_clean(to, text), 1))
        to += text.len;
    else
        to = put_escaped(to, text);
    *to = '"';
    return to + 1;
}

/* ---- Values ---- */

static void format_second(struct rw_access_clock *clock, uint64_t second)
{
    rw_clock_format_rfc3339(clock->text, second * RW_NS_PER_S);
    clock->second = second + 1;
}

/* Seconds go back and forth a little (long exchanges end among short ones); the date seldom does.
 */
static void patch_second(struct rw_access_clock *clock, uint64_t second)
{
    enum { DAY_S = 86400, TIME_AT = 11 };
    if (clock->second == 0 || second / DAY_S != (clock->second - 1) / DAY_S) {
        format_second(clock, second);
        return;
    }
    unsigned time = (unsigned)(second % DAY_S);
    put_pair(clock->text + TIME_AT, time / 3600);
    put_pair(clock->text + TIME_AT + 3, time / 60 % 60);
    put_pair(clock->text + TIME_AT + 6, time % 60);
    clock->second = second + 1;
}

static inline char *put_time(char *to, struct rw_access_clock *clock, uint64_t wall_ns)
{
    uint64_t second = wall_ns / RW_NS_PER_S;
    unsigned ms = (unsigned)(wall_ns % RW_NS_PER_S / RW_NS_PER_MS);
    if (second + 1 != clock->second)
        patch_second(clock, second);
    memcpy(to, clock->text, 20);
    to[20] = (char)('0' + ms / 100);
    put_pair(to + 21, ms % 100);
    return PUT_LITERAL(to + 23, "Z\"");
}

static char *put_ipv4(char *to, const unsigned char *bytes)
{
    for (int i = 0; i < 4; i++) {
        unsigned value = bytes[i];
        if (value >= 100) {
            *to++ = (char)('0' + value / 100);
            to = put_pair(to, value % 100);
        } else if (value >= 10) {
            to = put_pair(to, value);
        } else {
            *to++ = (char)('0' + value);
        }
        *to++ = '.';
    }
    return to - 1;
}

static char *put_group(char *to, unsigned group)
{
    int shift = group >= 0x1000 ? 12 : group >= 0x100 ? 8 : group >= 0x10 ? 4 : 0;
    for (; shift >= 0; shift -= 4)
        *to++ = "0123456789abcdef"[group >> shift & 15];
    return to;
}

/* RFC 5952: lower case, no leading zeros, the longest run of zero groups (two at least, the first
 * of equals) as "::". */
static char *put_ipv6(char *to, const unsigned char *bytes)
{
    unsigned groups[8];
    int run_at = 8, run_len = 1;
    for (int i = 0, run = 0; i < 8; i++) {
        groups[i] = (unsigned)bytes[2 * i] << 8 | bytes[2 * i + 1];
        run = groups[i] == 0 ? run + 1 : 0;
        if (run > run_len) {
            run_len = run;
            run_at = i - run + 1;
        }
    }
    for (int i = 0; i < 8; i++) {
        if (i == run_at) {
            *to++ = ':';
            i += run_len - 1;
            if (i == 7)
                *to++ = ':';
            continue;
        }
        if (i)
            *to++ = ':';
        to = put_group(to, groups[i]);
    }
    return to;
}

static inline char *put_client(char *to, const struct sockaddr *client)
{
    in_port_t port = 0;
    to = PUT_LITERAL(to, ",\"client\":\"");
    if (client->sa_family == AF_INET) {
        const struct sockaddr_in *v4 = (const struct sockaddr_in *)client;
        to = put_ipv4(to, (const unsigned char *)&v4->sin_addr);
        port = v4->sin_port;
    } else if (client->sa_family == AF_INET6) {
        const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)client;
        if (IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr))
            to = put_ipv4(PUT_LITERAL(to, "::ffff:"), v6->sin6_addr.s6_addr + 12);
        else
            to = put_ipv6(to, v6->sin6_addr.s6_addr);
        port = v6->sin6_port;
    } else {
        to = PUT_LITERAL(to, "unix");
    }
    *to++ = '"';
    if (port)
        to = put_u64(PUT_LITERAL(to, ",\"client_port\":"), ntohs(port));
    return to;
}

#define PUT_TEXT(to, key, text, len_max)                                                           \
    do {                                                                                           \
        if ((text).at)                                                                             \
            (to) = put_text(PUT_LITERAL(to, ",\"" key "\":\""), text, len_max);                    \
    } while (0)

#define PUT_NUMBER(to, key, value) (to) = put_u64(PUT_LITERAL(to, ",\"" key "\":"), value)

/* ---- Lines ---- */

size_t rw_access_line_room(const struct rw_access_record *record)
{
    size_t texts = record->method.len + record->scheme.len + record->host.len + record->path.len +
                   record->query_redacted.len + record->protocol.len + record->route.len +
                   record->upstream.len + record->endpoint.len + record->reason.len +
                   record->limit.len + record->fault.len + record->consumer.len +
                   record->client_place.len + record->residency.len + record->endpoint_region.len +
                   record->trace_id.len + record->request_id.len + record->user_agent.len;
    size_t room = RW_ACCESS_LINE_FIXED_BYTES + 6 * texts;
    return room < RW_ACCESS_LINE_BYTES_MAX ? room : RW_ACCESS_LINE_BYTES_MAX;
}

static inline char *put_request(char *to, const struct rw_access_record *record)
{
    PUT_TEXT(to, "method", record->method, RW_ACCESS_TEXT_BYTES_MAX);
    PUT_TEXT(to, "scheme", record->scheme, RW_ACCESS_TEXT_BYTES_MAX);
    PUT_TEXT(to, "host", record->host, RW_ACCESS_TEXT_BYTES_MAX);
    PUT_TEXT(to, "path", record->path, RW_ACCESS_PATH_BYTES_MAX);
    PUT_TEXT(to, "query", record->query_redacted, RW_ACCESS_TEXT_BYTES_MAX);
    PUT_TEXT(to, "protocol", record->protocol, RW_ACCESS_TEXT_BYTES_MAX);
    return to;
}

static inline char *put_response(char *to, const struct rw_access_record *record)
{
    if (record->status != RW_ACCESS_NO_STATUS)
        PUT_NUMBER(to, "status", record->status);
    if (record->grpc_told)
        PUT_NUMBER(to, "grpc_status", record->grpc_told - 1);
    PUT_TEXT(to, "reason", record->reason, RW_ACCESS_TEXT_BYTES_MAX);
    if (__builtin_expect(record->policy != NULL, 0))
        PUT_TEXT(to, "policy", rw_span_text(record->policy), RW_ACCESS_LABEL_BYTES_MAX);
    PUT_TEXT(to, "limit", record->limit, RW_ACCESS_TEXT_BYTES_MAX);
    PUT_TEXT(to, "fault", record->fault, RW_ACCESS_FAULT_BYTES_MAX);
    PUT_TEXT(to, "consumer", record->consumer, RW_ACCESS_TEXT_BYTES_MAX);
    PUT_TEXT(to, "client_place", record->client_place, RW_ACCESS_PLACE_BYTES_MAX);
    PUT_TEXT(to, "residency", record->residency, RW_ACCESS_LABEL_BYTES_MAX);
    PUT_TEXT(to, "route", record->route, RW_ACCESS_TEXT_BYTES_MAX);
    PUT_TEXT(to, "upstream", record->upstream, RW_ACCESS_TEXT_BYTES_MAX);
    PUT_TEXT(to, "endpoint", record->endpoint, RW_ACCESS_TEXT_BYTES_MAX);
    PUT_TEXT(to, "endpoint_region", record->endpoint_region, RW_ACCESS_LABEL_BYTES_MAX);
    PUT_NUMBER(to, "bytes_in", record->bytes_in);
    PUT_NUMBER(to, "bytes_out", record->bytes_out);
    PUT_NUMBER(to, "duration_us", record->duration_us);
    if (record->upstream_us != UINT64_MAX)
        PUT_NUMBER(to, "upstream_us", record->upstream_us);
    if (record->retry_cause) {
        PUT_NUMBER(to, "retries", record->retries);
        PUT_TEXT(to, "retry_cause", rw_span_text(record->retry_cause), RW_ACCESS_TEXT_BYTES_MAX);
    }
    if (__builtin_expect(record->hedge != NULL, 0))
        PUT_TEXT(to, "hedge", rw_span_text(record->hedge), RW_ACCESS_TEXT_BYTES_MAX);
    if (record->aborted)
        to = PUT_LITERAL(to, ",\"aborted\":true");
    return to;
}

size_t rw_access_line(char *to, struct rw_access_clock *clock,
                      const struct rw_access_record *record)
{
    char *begin = to;
    to = put_time(PUT_LITERAL(to, "{\"time\":\""), clock, record->wall_ns);
    if (record->client)
        to = put_client(to, record->client);
    to = put_request(to, record);
    to = put_response(to, record);
    PUT_TEXT(to, "trace_id", record->trace_id, RW_ACCESS_LABEL_BYTES_MAX);
    PUT_TEXT(to, "request_id", record->request_id, RW_ACCESS_LABEL_BYTES_MAX);
    PUT_TEXT(to, "user_agent", record->user_agent, RW_ACCESS_TEXT_BYTES_MAX);
    to = PUT_LITERAL(to, "}\n");
    return (size_t)(to - begin);
}
