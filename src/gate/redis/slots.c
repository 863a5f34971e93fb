#include "gate/redis/slots.h"

#include "io/resp.h"

/* ---- Keys ---- */

/* CRC-16/XMODEM: polynomial 0x1021, nothing reflected, from 0. By nibbles. */
static uint16_t crc16(struct rw_span bytes)
{
    static const uint16_t table[16] = {0x0000, 0x1021, 0x2042, 0x3063, 0x4084, 0x50a5,
                                       0x60c6, 0x70e7, 0x8108, 0x9129, 0xa14a, 0xb16b,
                                       0xc18c, 0xd1ad, 0xe1ce, 0xf1ef};
    unsigned crc = 0;
    for (size_t i = 0; i < bytes.len; i++) {
        unsigned byte = (unsigned char)bytes.at[i];
        crc = (crc << 4 & 0xffff) ^ table[(crc >> 12 ^ byte >> 4) & 15];
        crc = (crc << 4 & 0xffff) ^ table[(crc >> 12 ^ byte) & 15];
    }
    return (uint16_t)crc;
}

uint16_t rw_redis_slot(struct rw_span key)
{
    ptrdiff_t open = rw_span_find(key, '{');
    if (open >= 0) {
        struct rw_span tag = rw_span_skip(key, (size_t)open + 1);
        ptrdiff_t close = rw_span_find(tag, '}');
        if (close > 0)
            key = rw_span(tag.at, (size_t)close);
    }
    return crc16(key) % RW_REDIS_SLOTS;
}

/* ---- CLUSTER SLOTS: an array of [first, last, [host, port, ...], replicas...] ---- */

static bool take(struct rw_span *rest, enum rw_resp_kind kind, struct rw_resp_value *value)
{
    return rw_resp_next(rest, value) && value->kind == kind;
}

/* Of a whole reply: that there are so many values is certain. */
static bool skip(struct rw_span *rest, int64_t count)
{
    struct rw_resp_value value;
    for (; count > 0; count--) {
        if (!rw_resp_next(rest, &value))
            return false;
        if (value.kind == RW_RESP_ARRAY && !value.null)
            count += value.number;
    }
    return true;
}

const char *rw_redis_ranges_begin(struct rw_redis_ranges *ranges, struct rw_span reply)
{
    struct rw_resp_value value;
    *ranges = (struct rw_redis_ranges){.rest = reply};
    if (!rw_resp_next(&ranges->rest, &value))
        return "it does not say who has the slots";
    if (value.kind == RW_RESP_ERROR && rw_span_starts(value.text, RW_LITERAL("ERR This instance")))
        return "it is no member of a cluster (cluster support is off)";
    if (value.kind == RW_RESP_ERROR && rw_span_starts(value.text, RW_LITERAL("NOPERM")))
        return "its user may not run CLUSTER SLOTS";
    if (value.kind != RW_RESP_ARRAY || value.null)
        return "it does not say who has the slots";
    if (value.number == 0)
        return "no slot of the cluster has a server yet";
    ranges->left = value.number;
    return NULL;
}

/* Of a preferred endpoint that is not known the host is null, empty or "?". */
static bool take_host(struct rw_span *rest, struct rw_span *host)
{
    struct rw_resp_value value;
    if (!take(rest, RW_RESP_BULK, &value))
        return false;
    *host = value.null || rw_span_is(value.text, "?") ? (struct rw_span){0} : value.text;
    return true;
}

static bool take_number(struct rw_span *rest, int64_t min, int64_t max, uint16_t *number)
{
    struct rw_resp_value value;
    if (!take(rest, RW_RESP_INTEGER, &value) || value.number < min || value.number > max)
        return false;
    *number = (uint16_t)value.number;
    return true;
}

enum rw_err rw_redis_ranges_next(struct rw_redis_ranges *ranges, struct rw_redis_range *range)
{
    struct rw_resp_value outer, server;
    struct rw_span *rest = &ranges->rest;
    if (ranges->left == 0)
        return RW_ENOENT;
    ranges->left--;
    bool good = take(rest, RW_RESP_ARRAY, &outer) && outer.number >= 3 &&
                take_number(rest, 0, RW_REDIS_SLOTS - 1, &range->first) &&
                take_number(rest, range->first, RW_REDIS_SLOTS - 1, &range->last) &&
                take(rest, RW_RESP_ARRAY, &server) && server.number >= 2 &&
                take_host(rest, &range->host) && take_number(rest, 1, UINT16_MAX, &range->port) &&
                skip(rest, server.number - 2) && skip(rest, outer.number - 3);
    return good ? RW_OK : RW_EPROTO;
}

/* ---- Errors ---- */

/* "3999 10.0.0.1:6381", "3999 ::1:6381", "3999 :6381". */
static bool read_redirect(struct rw_span text, struct rw_redis_redirect *redirect)
{
    uint64_t slot, port;
    ptrdiff_t space = rw_span_find(text, ' ');
    if (space < 0 || !rw_span_to_u64(rw_span(text.at, (size_t)space), &slot) ||
        slot >= RW_REDIS_SLOTS)
        return false;
    struct rw_span place = rw_span_skip(text, (size_t)space + 1);
    const char *colon = place.len ? memrchr(place.at, ':', place.len) : NULL;
    size_t len = colon ? (size_t)(colon - place.at) : 0;
    if (!colon || !rw_span_to_u64(rw_span_skip(place, len + 1), &port) || port == 0 ||
        port > UINT16_MAX)
        return false;
    struct rw_span host = rw_span(place.at, len);
    *redirect = (struct rw_redis_redirect){
        .slot = (uint16_t)slot,
        .host = rw_span_is(host, "?") ? (struct rw_span){0} : host,
        .port = (uint16_t)port,
    };
    return true;
}

enum rw_redis_turn rw_redis_turn(struct rw_span error, struct rw_redis_redirect *redirect)
{
    static const struct {
        struct rw_span word;
        enum rw_redis_turn turn;
    } words[] = {
        {{"MOVED ", 6}, RW_REDIS_TURN_MOVED},
        {{"ASK ", 4}, RW_REDIS_TURN_ASK},
        {{"TRYAGAIN", 8}, RW_REDIS_TURN_SPLIT},
    };
    for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
        if (!rw_span_starts(error, words[i].word))
            continue;
        bool redirects = words[i].turn == RW_REDIS_TURN_MOVED || words[i].turn == RW_REDIS_TURN_ASK;
        if (redirects && !read_redirect(rw_span_skip(error, words[i].word.len), redirect))
            return RW_REDIS_TURN_NONE;
        return words[i].turn;
    }
    return RW_REDIS_TURN_NONE;
}

/* ---- Sentinels ---- */

const char *rw_redis_primary(struct rw_span reply, struct rw_span *host, uint16_t *port)
{
    struct rw_resp_value value;
    uint64_t number;
    if (!rw_resp_next(&reply, &value))
        return "it does not say which server is the primary";
    if (value.kind == RW_RESP_ARRAY && value.null)
        return "it knows no primary of this name";
    if (value.kind == RW_RESP_ERROR &&
        rw_span_starts(value.text, RW_LITERAL("ERR unknown command")))
        return "it is no Sentinel";
    if (value.kind == RW_RESP_ERROR && rw_span_starts(value.text, RW_LITERAL("NOPERM")))
        return "its user may not run SENTINEL GET-MASTER-ADDR-BY-NAME";
    if (value.kind != RW_RESP_ARRAY || value.number != 2 || !take(&reply, RW_RESP_BULK, &value) ||
        value.null || value.text.len == 0)
        return "it does not say which server is the primary";
    *host = value.text;
    if (!take(&reply, RW_RESP_BULK, &value) || value.null || !rw_span_to_u64(value.text, &number) ||
        number == 0 || number > UINT16_MAX)
        return "it does not say which server is the primary";
    *port = (uint16_t)number;
    return NULL;
}
