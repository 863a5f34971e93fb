/* The script that servers run, and what it is told. */
#include "base/clock.h"
#include "base/siphash.h"
#include "gate/limit/share_private.h"

#include <stdio.h>

enum {
    PROBE_KEYS = 2,
    WORDS_PER_KEY = 4,    /* its name and three arguments */
    KEPT_LONGER_S = 3600, /* a quota, as clocks differ */
    TICKS_PER_US = 1000 * RW_METER_TICKS_PER_NS,
    ID_DIGITS = 32,
    TAG_DIGITS = 2,
    NAME_BYTES_MAX = RW_REDIS_PREFIX_BYTES_MAX + ID_DIGITS + 2 + 11,
};

/* Each key has three arguments.
 *
 * Of a pace: microseconds of theoretical arrival time used, how far ahead it may get, and 0.
 * Answers with how far ahead it is now. By the server's clock, so that those of the gateways do not
 * matter.
 *
 * Of a quota: what this gateway, whose name is the first argument, has used of it in all; 0; and
 * how many seconds it is to be kept. Answers with what the gateway was known to have used before,
 * and with what the others have.
 *
 * What is not a number, in a key that somebody else has written, is none. */
static const char script[] =
    "local t=redis.call('TIME') local now=t[1]*1000000+t[2] local out={} "
    "for i,key in ipairs(KEYS) do local used,most,life=ARGV[3*i-1]+0,ARGV[3*i]+0,ARGV[3*i+1]+0 "
    "if life==0 then "
    "local tat=tonumber(redis.call('GET',key) or 0) or 0 if tat<now then tat=now end "
    "tat=math.min(tat+used,now+most) "
    "redis.call('SET',key,string.format('%.3f',tat),'PX',math.ceil((tat-now)/1000)+1000) "
    "out[#out+1]=math.floor(tat-now) "
    "else local had=tonumber(redis.call('HGET',key,ARGV[1]) or 0) or 0 local all=0 "
    "if used>had then redis.call('HSET',key,ARGV[1],ARGV[3*i-1]) end "
    "redis.call('EXPIRE',key,life) "
    "for _,v in ipairs(redis.call('HVALS',key)) do all=all+(tonumber(v) or 0) end "
    "out[#out+1]=had out[#out+1]=all-math.max(used,had) end "
    "end return out";

/* ---- Names ---- */

/* prefix0123456789...; in a cluster prefix{01}23456789...; of a quota with :END behind it. */
static struct rw_span format_name(const struct rw_shares *shares, const uint64_t id[2],
                                  uint32_t end_s, char name[NAME_BYTES_MAX])
{
    size_t len = shares->prefix.len;
    rw_assert(len <= RW_REDIS_PREFIX_BYTES_MAX);
    memcpy(name, shares->prefix.at, len);
    char *digits = name + len;
    rw_format_hex64(digits, id[0]);
    rw_format_hex64(digits + 16, id[1]);
    len += ID_DIGITS;
    if (rw_redis_store_kind(shares->store) == RW_REDIS_CLUSTER) {
        memmove(digits + TAG_DIGITS + 2, digits + TAG_DIGITS, ID_DIGITS - TAG_DIGITS);
        memmove(digits + 1, digits, TAG_DIGITS);
        digits[0] = '{';
        digits[TAG_DIGITS + 1] = '}';
        len += 2;
    }
    if (end_s) {
        name[len++] = ':';
        len += rw_format_u64(name + len, end_s);
    }
    return rw_span(name, len);
}

uint16_t rw_share_slot(const struct rw_shares *shares, unsigned tag)
{
    char name[NAME_BYTES_MAX];
    const uint64_t id[2] = {(uint64_t)tag << 56, 0};
    return rw_redis_slot(format_name(shares, id, 0, name));
}

/* ---- Commands ---- */

static void add_ticks(struct rw_text *text, uint64_t ticks)
{
    char word[40];
    int len = snprintf(word, sizeof(word), "%.3f", (double)ticks / TICKS_PER_US);
    rw_resp_word(text, rw_span(word, (size_t)len));
}

static void add_number(struct rw_text *text, uint64_t number)
{
    char word[20];
    rw_resp_word(text, rw_span(word, rw_format_u64(word, number)));
}

/* Who tells: the one that has this file of quotas. */
static void add_teller(const struct rw_shares *shares, struct rw_text *text)
{
    static const struct rw_meter_rate quota = {.counted = true};
    const uint64_t *key = rw_meters_key(shares->options.meters, &quota);
    char word[16];
    struct rw_siphash hash;
    rw_siphash_begin(&hash, key ? key : (const uint64_t[2]){0});
    rw_siphash_add(&hash, "gateway", sizeof("gateway") - 1);
    rw_format_hex64(word, rw_siphash_end(&hash));
    rw_resp_word(text, rw_span(word, sizeof(word)));
}

static void add_quota(const struct rw_shares *shares, struct rw_text *text,
                      const struct rw_meters_used *used)
{
    uint64_t now_s = rw_loop_wall_ns(shares->options.loop) / RW_NS_PER_S;
    uint64_t rest_s = used->end_s > now_s ? used->end_s - now_s : 0;
    add_number(text, used->own);
    add_number(text, 0);
    add_number(text, used->end_s ? rest_s + KEPT_LONGER_S : 1);
}

/* A debt of the whole burst at most: who comes later than the others is not shut out for long. */
static void add_pace(struct rw_text *text, const struct rw_usage *usage)
{
    add_ticks(text, usage->count * usage->rate.interval);
    add_ticks(text, 2 * usage->rate.capacity);
    add_number(text, 0);
}

void rw_share_write(const struct rw_shares *shares, struct rw_text *text,
                    const struct rw_share_item *items, unsigned count)
{
    char name[NAME_BYTES_MAX];
    rw_resp_begin(text, 4 + WORDS_PER_KEY * count);
    rw_resp_word(text, RW_LITERAL("EVAL"));
    rw_resp_word(text, RW_LITERAL(script));
    add_number(text, count);
    for (unsigned i = 0; i < count; i++)
        rw_resp_word(text, format_name(shares, items[i].usage.id, items[i].used.end_s, name));
    add_teller(shares, text);
    for (unsigned i = 0; i < count; i++)
        if (items[i].usage.rate.counted)
            add_quota(shares, text, &items[i].used);
        else
            add_pace(text, &items[i].usage);
}

/* Of keys that nobody has, and that last a second. Two, as a part of a cluster takes several keys
 * no more than a replica writes one; one of each kind, as the server may permit one and not the
 * other.
 */
bool rw_share_probe(void *user, const struct rw_redis_node *node, struct rw_text *text)
{
    const struct rw_shares *shares = user;
    for (unsigned tag = 0; tag < RW_SHARE_TAGS; tag++) {
        if (rw_redis_store_node(shares->store, shares->slots[tag]) != node)
            continue;
        const uint64_t id = (uint64_t)tag << 56;
        const struct rw_share_item keys[PROBE_KEYS] = {
            {.usage = {.id = {id, 1}}},
            {.usage = {.id = {id, 2}, .rate = {.counted = true}}, .used = {.own = 1}}};
        rw_share_write(shares, text, keys, PROBE_KEYS);
        return true;
    }
    return false;
}
