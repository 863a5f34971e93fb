#include "base/alloc.h"
#include "base/log.h"
#include "gate/limit/share_private.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    PROBE_KEYS = 2,
    TICKS_PER_US = 1000 * RW_METER_TICKS_PER_NS,
    ID_DIGITS = 32,
    TAG_DIGITS = 2,
};

/* For each key: microseconds of theoretical arrival time used, and how far ahead it may get.
 * Answers with how far ahead each is now. By the server's clock, so that those of the gateways do
 * not matter. */
static const char script[] =
    "local t=redis.call('TIME') local now=t[1]*1000000+t[2] local out={} "
    "for i,key in ipairs(KEYS) do "
    "local tat=tonumber(redis.call('GET',key) or 0) if tat<now then tat=now end "
    "tat=math.min(tat+ARGV[2*i-1],now+ARGV[2*i]) "
    "redis.call('SET',key,string.format('%.3f',tat),'PX',math.ceil((tat-now)/1000)+1000) "
    "out[i]=math.floor(tat-now) end return out";

/* ---- Names ---- */

/* prefix0123456789...; in a cluster prefix{01}23456789... */
static struct rw_span format_name(const struct rw_shares *shares, const uint64_t id[2],
                                  char name[RW_REDIS_PREFIX_BYTES_MAX + ID_DIGITS + 2])
{
    size_t len = shares->prefix.len;
    rw_assert(len <= RW_REDIS_PREFIX_BYTES_MAX);
    memcpy(name, shares->prefix.at, len);
    char *digits = name + len;
    rw_format_hex64(digits, id[0]);
    rw_format_hex64(digits + 16, id[1]);
    if (rw_redis_store_kind(shares->store) != RW_REDIS_CLUSTER)
        return rw_span(name, len + ID_DIGITS);
    memmove(digits + TAG_DIGITS + 2, digits + TAG_DIGITS, ID_DIGITS - TAG_DIGITS);
    memmove(digits + 1, digits, TAG_DIGITS);
    digits[0] = '{';
    digits[TAG_DIGITS + 1] = '}';
    return rw_span(name, len + ID_DIGITS + 2);
}

uint16_t rw_share_slot(const struct rw_shares *shares, unsigned tag)
{
    char name[RW_REDIS_PREFIX_BYTES_MAX + ID_DIGITS + 2];
    const uint64_t id[2] = {(uint64_t)tag << 56, 0};
    return rw_redis_slot(format_name(shares, id, name));
}

/* ---- Commands ---- */

static void add_ticks(struct rw_text *text, uint64_t ticks)
{
    char word[40];
    int len = snprintf(word, sizeof(word), "%.3f", (double)ticks / TICKS_PER_US);
    rw_resp_word(text, rw_span(word, (size_t)len));
}

/* A debt of the whole burst at most: who comes later than the others is not shut out for long. */
void rw_share_write(const struct rw_shares *shares, struct rw_text *text,
                    const struct rw_usage *items, unsigned count)
{
    char number[20], name[RW_REDIS_PREFIX_BYTES_MAX + ID_DIGITS + 2];
    rw_resp_begin(text, 3 + 3 * count);
    rw_resp_word(text, RW_LITERAL("EVAL"));
    rw_resp_word(text, RW_LITERAL(script));
    rw_resp_word(text, rw_span(number, rw_format_u64(number, count)));
    for (unsigned i = 0; i < count; i++)
        rw_resp_word(text, format_name(shares, items[i].id, name));
    for (unsigned i = 0; i < count; i++) {
        add_ticks(text, items[i].count * items[i].rate.interval);
        add_ticks(text, 2 * items[i].rate.capacity);
    }
}

static struct rw_share_told *told_of(struct rw_redis_command *command)
{
    return rw_container_of(command, struct rw_share_told, command);
}

static int compare_tags(const void *a, const void *b)
{
    unsigned left = rw_share_tag(((const struct rw_usage *)a)->id[0]);
    unsigned right = rw_share_tag(((const struct rw_usage *)b)->id[0]);
    return (left > right) - (left < right);
}

/* How many from `items` on are told with one command. */
static unsigned run_length(const struct rw_shares *shares, const struct rw_usage *items,
                           unsigned count)
{
    unsigned run = 1, most = count < RW_SHARE_COMMAND_KEYS ? count : RW_SHARE_COMMAND_KEYS;
    uint16_t slot = shares->slots[rw_share_tag(items[0].id[0])];
    while (!items[0].apart && run < most && !items[run].apart &&
           shares->slots[rw_share_tag(items[run].id[0])] == slot)
        run++;
    return run;
}

/* What there is no memory for is not shared. */
static void put_command(struct rw_shares *shares, const struct rw_usage *items, unsigned count)
{
    struct rw_share_told *told = rw_alloc(sizeof(*told) + count * sizeof(*items));
    if (!told)
        return;
    told->count = count;
    told->command = (struct rw_redis_command){.slot = shares->slots[rw_share_tag(items[0].id[0])]};
    memcpy(told->items, items, count * sizeof(*items));
    rw_redis_store_put(shares->store, &told->command);
}

void rw_share_put_batch(struct rw_shares *shares)
{
    if (rw_redis_store_kind(shares->store) == RW_REDIS_CLUSTER && shares->batch_count)
        qsort(shares->batch, shares->batch_count, sizeof(*shares->batch), compare_tags);
    for (unsigned at = 0, run; at < shares->batch_count; at += run) {
        run = run_length(shares, &shares->batch[at], shares->batch_count - at);
        put_command(shares, &shares->batch[at], run);
    }
    shares->batch_count = 0;
}

static void on_write(void *user, const struct rw_redis_command *command, struct rw_text *text)
{
    const struct rw_share_told *told =
        (const struct rw_share_told *)(const void *)command; /* its first member */
    rw_share_write(user, text, told->items, told->count);
}

/* Nothing is used of keys that nobody has, and they last a second. Two, as a part of a cluster
 * takes several keys no more than a replica writes one. */
static bool on_probe(void *user, const struct rw_redis_node *node, struct rw_text *text)
{
    const struct rw_shares *shares = user;
    for (unsigned tag = 0; tag < RW_SHARE_TAGS; tag++) {
        if (rw_redis_store_node(shares->store, shares->slots[tag]) != node)
            continue;
        const struct rw_usage keys[PROBE_KEYS] = {{.id = {(uint64_t)tag << 56, 1}},
                                                  {.id = {(uint64_t)tag << 56, 2}}};
        rw_share_write(shares, text, keys, PROBE_KEYS);
        return true;
    }
    return false;
}

/* ---- Replies ---- */

static void learn(struct rw_shares *shares, const struct rw_usage *usage, int64_t ahead_us)
{
    uint64_t ahead = ahead_us > 0 ? (uint64_t)ahead_us * TICKS_PER_US : 0;
    if (ahead > 2 * usage->rate.capacity)
        ahead = 2 * usage->rate.capacity; /* not what the script says */
    ahead += rw_usages_of(&shares->usages, usage->hash) * usage->rate.interval;
    rw_meters_raise(shares->options.meters, usage->hash, &usage->rate, ahead,
                    rw_loop_now_ns(shares->options.loop));
}

/* A read-only server, no permission, no memory: what was told is not known there, and shares->why
 * says so. */
static bool judge(struct rw_shares *shares, const struct rw_resp_value *value)
{
    if (value->kind == RW_RESP_ARRAY && !value->null)
        return true;
    struct rw_span text = value->kind == RW_RESP_ERROR ? value->text : RW_LITERAL("no array");
    snprintf(shares->why, sizeof(shares->why), "the script failed: %.*s",
             (int)(text.len < 200 ? text.len : 200), text.at);
    return false;
}

/* `rest`: how far ahead each is. */
static void learn_all(struct rw_shares *shares, const struct rw_share_told *told,
                      struct rw_span rest)
{
    struct rw_resp_value value;
    for (unsigned i = 0; i < told->count; i++)
        if (rw_resp_next(&rest, &value) && value.kind == RW_RESP_INTEGER)
            learn(shares, &told->items[i], value.number);
}

static const char *on_take(void *user, struct rw_redis_command *command, struct rw_span reply)
{
    struct rw_shares *shares = user;
    struct rw_resp_value value;
    rw_assert(rw_resp_next(&reply, &value));
    bool good = judge(shares, &value);
    if (command && good)
        learn_all(shares, told_of(command), reply);
    if (command)
        rw_free(told_of(command));
    return good ? NULL : shares->why;
}

static void on_lost(void *user, struct rw_redis_command *command)
{
    (void)user;
    rw_free(told_of(command));
}

/* It is told with the next round. */
static void on_again(void *user, struct rw_redis_command *command, bool apart)
{
    struct rw_shares *shares = user;
    struct rw_share_told *told = told_of(command);
    for (unsigned i = 0; i < told->count; i++) {
        told->items[i].apart = told->items[i].apart || apart;
        rw_usages_add(&shares->usages, &told->items[i]);
    }
    rw_free(told);
}

/* ---- Up and down ---- */

static const char *consequence(const struct rw_shares *shares)
{
    static const char *const consequences[] = {
        [RW_REDIS_DOWN_LOCAL] = "are counted by this gateway alone",
        [RW_REDIS_DOWN_ADMIT] = "admit everything",
        [RW_REDIS_DOWN_REFUSE] = "refuse everything",
    };
    return consequences[shares->when_down];
}

static void on_changed(void *user, const struct rw_redis_node *node, const char *why)
{
    struct rw_shares *shares = user;
    bool cluster = rw_redis_store_kind(shares->store) == RW_REDIS_CLUSTER;
    const char *those = cluster ? " whose keys it has" : "";
    if (!why) {
        rw_log_info("limits", "redis %s: connected, shared limits%s are shared", node->place.text,
                    those);
    } else {
        rw_metrics_count(shares->options.metrics, RW_COUNTER_LIMIT_SHARE_FAILURES, 1);
        rw_log_limited(RW_LOG_WARN, "limits", "redis %s: %s; shared limits%s %s meanwhile",
                       node->place.text, why, those, consequence(shares));
    }
    rw_share_judge(shares);
}

static void on_moved(void *user)
{
    rw_share_judge(user);
}

static void on_astray(void *user, const struct rw_redis_place *from, const char *why)
{
    struct rw_shares *shares = user;
    bool cluster = rw_redis_store_kind(shares->store) == RW_REDIS_CLUSTER;
    if (shares->up)
        rw_log_limited(RW_LOG_WARN, "limits", "redis %s %s: %s; another one is asked",
                       cluster ? "cluster member" : "sentinel", from ? from->text : "", why);
    else
        rw_log_limited(RW_LOG_WARN, "limits",
                       "redis %s %s: %s; another one is asked, shared limits %s meanwhile",
                       cluster ? "cluster member" : "sentinel", from ? from->text : "", why,
                       consequence(shares));
}

static void on_closed(void *user)
{
    ((struct rw_shares *)user)->alive--;
}

const struct rw_redis_store_events rw_share_events = {
    .probe = on_probe,
    .write = on_write,
    .take = on_take,
    .lost = on_lost,
    .again = on_again,
    .changed = on_changed,
    .moved = on_moved,
    .astray = on_astray,
    .closed = on_closed,
};
