#include "gate/limit/share.h"

#include "base/alloc.h"
#include "base/log.h"
#include "io/address.h"
#include "io/redis.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

enum {
    SHELVES = 64,
    SHELF_ROOM_MIN = 16,
    SHELF_KEYS_MAX = RW_SHARES_KEYS_MAX / SHELVES,
    KEYS_PER_COMMAND = 64,
    PROBE_KEYS = 2,
    TICKS_PER_US = 1000 * RW_METER_TICKS_PER_NS,
    ID_DIGITS = 32,
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

/* What was used of one key. */
struct usage {
    uint64_t hash;
    uint64_t id[2];
    struct rw_meter_rate rate;
    uint32_t count; /* 0: a free place */
};

/* A part of the keys under one lock: a hash table with open addressing. */
struct shelf {
    _Alignas(64) pthread_mutex_t lock;
    struct usage *items;
    uint32_t room; /* a power of two, or 0 */
    uint32_t used;
};

struct rw_shares {
    struct rw_shares_options options;
    struct rw_redis *redis; /* NULL: none configured */
    unsigned alive;         /* connections that are not yet closed */
    char address[RW_ADDRESS_TEXT_MAX + 1];
    struct rw_text prefix, secret; /* in force; of secret: user, password, database */
    uint32_t interval_ms, timeout_ms;
    int when_down;
    bool up;
    _Atomic int mode;
    struct rw_timer timer;
    struct usage *batch; /* of RW_SHARES_BATCH_MAX: told, and not all answered */
    unsigned batch_count, batch_answered;
    struct shelf shelves[SHELVES];
};

/* ---- Shelves ---- */

static struct shelf *shelf_of(struct rw_shares *shares, uint64_t hash)
{
    return &shares->shelves[hash >> 58];
}

/* Where it is, or would be; NULL: the shelf has no items. */
static struct usage *find(const struct shelf *shelf, uint64_t hash)
{
    if (shelf->room == 0)
        return NULL;
    uint32_t at = (uint32_t)(hash >> 16) & (shelf->room - 1);
    while (shelf->items[at].count && shelf->items[at].hash != hash)
        at = (at + 1) & (shelf->room - 1);
    return &shelf->items[at];
}

/* A full shelf, or no memory: what does not fit is not shared. */
static bool make_room(struct shelf *shelf)
{
    if (shelf->used * 2 < shelf->room)
        return true;
    if (shelf->used >= SHELF_KEYS_MAX)
        return false;
    struct shelf bigger = {.room = shelf->room ? shelf->room * 2 : SHELF_ROOM_MIN};
    bigger.items = rw_alloc_zero(bigger.room * sizeof(*bigger.items));
    if (!bigger.items)
        return false;
    for (uint32_t i = 0; i < shelf->room; i++)
        if (shelf->items[i].count)
            *find(&bigger, shelf->items[i].hash) = shelf->items[i];
    rw_free(shelf->items);
    shelf->items = bigger.items;
    shelf->room = bigger.room;
    return true;
}

bool rw_shares_use(struct rw_shares *shares, uint64_t hash)
{
    struct shelf *shelf = shelf_of(shares, hash);
    pthread_mutex_lock(&shelf->lock);
    struct usage *usage = find(shelf, hash);
    bool known = usage && usage->count;
    if (known)
        usage->count++;
    pthread_mutex_unlock(&shelf->lock);
    return known;
}

void rw_shares_add(struct rw_shares *shares, uint64_t hash, const uint64_t id[2],
                   const struct rw_meter_rate *rate)
{
    struct shelf *shelf = shelf_of(shares, hash);
    pthread_mutex_lock(&shelf->lock);
    struct usage *usage = make_room(shelf) ? find(shelf, hash) : NULL;
    if (usage && usage->count) {
        usage->count++; /* another thread was quicker */
    } else if (usage) {
        *usage = (struct usage){.hash = hash, .id = {id[0], id[1]}, .rate = *rate, .count = 1};
        shelf->used++;
    }
    pthread_mutex_unlock(&shelf->lock);
}

/* All that was noted goes into the batch, while there is room for the whole shelf. Without a batch
 * it is forgotten. */
static void empty_shelf(struct rw_shares *shares, struct shelf *shelf, bool keep)
{
    pthread_mutex_lock(&shelf->lock);
    bool fits = shares->batch_count + shelf->used <= RW_SHARES_BATCH_MAX;
    if (shelf->used && (fits || !keep)) {
        for (uint32_t i = 0; i < shelf->room && keep; i++)
            if (shelf->items[i].count)
                shares->batch[shares->batch_count++] = shelf->items[i];
        memset(shelf->items, 0, shelf->room * sizeof(*shelf->items));
        shelf->used = 0;
    }
    pthread_mutex_unlock(&shelf->lock);
}

static void empty_shelves(struct rw_shares *shares, bool keep)
{
    for (unsigned i = 0; i < SHELVES; i++)
        empty_shelf(shares, &shares->shelves[i], keep);
}

/* Used here since the batch was made. */
static uint64_t used_since(struct rw_shares *shares, uint64_t hash)
{
    struct shelf *shelf = shelf_of(shares, hash);
    pthread_mutex_lock(&shelf->lock);
    const struct usage *usage = find(shelf, hash);
    uint64_t count = usage ? usage->count : 0;
    pthread_mutex_unlock(&shelf->lock);
    return count;
}

/* ---- A round ---- */

static void add_key(struct rw_shares *shares, struct rw_text *text, const struct usage *usage)
{
    char name[RW_REDIS_PREFIX_BYTES_MAX + ID_DIGITS];
    size_t len = shares->prefix.len;
    rw_assert(len <= RW_REDIS_PREFIX_BYTES_MAX);
    memcpy(name, shares->prefix.at, len);
    rw_format_hex64(name + len, usage->id[0]);
    rw_format_hex64(name + len + 16, usage->id[1]);
    rw_resp_word(text, rw_span(name, len + ID_DIGITS));
}

static void add_ticks(struct rw_text *text, uint64_t ticks)
{
    char word[40];
    int len = snprintf(word, sizeof(word), "%.3f", (double)ticks / TICKS_PER_US);
    rw_resp_word(text, rw_span(word, (size_t)len));
}

/* A debt of the whole burst at most: who comes later than the others is not shut out for long. */
static void add_command(struct rw_shares *shares, struct rw_text *text, const struct usage *items,
                        unsigned count)
{
    char number[16];
    rw_resp_begin(text, 3 + 3 * count);
    rw_resp_word(text, RW_LITERAL("EVAL"));
    rw_resp_word(text, RW_LITERAL(script));
    rw_resp_word(text, rw_span(number, rw_format_u64(number, count)));
    for (unsigned i = 0; i < count; i++)
        add_key(shares, text, &items[i]);
    for (unsigned i = 0; i < count; i++) {
        add_ticks(text, items[i].count * items[i].rate.interval);
        add_ticks(text, 2 * items[i].rate.capacity);
    }
}

static void tell(struct rw_shares *shares)
{
    struct rw_text commands = {0};
    unsigned replies = 0;
    shares->batch_count = shares->batch_answered = 0;
    empty_shelves(shares, true);
    for (unsigned at = 0; at < shares->batch_count; at += KEYS_PER_COMMAND, replies++) {
        unsigned left = shares->batch_count - at;
        add_command(shares, &commands, &shares->batch[at],
                    left < KEYS_PER_COMMAND ? left : KEYS_PER_COMMAND);
    }
    if (replies && !commands.err) {
        rw_metrics_count(shares->options.metrics, RW_COUNTER_LIMIT_SHARE_ROUNDS, 1);
        rw_metrics_count(shares->options.metrics, RW_COUNTER_LIMIT_SHARE_KEYS, shares->batch_count);
        rw_redis_send(shares->redis, &commands, replies);
    }
    rw_text_free(&commands);
}

/* Nothing is used of keys that nobody has, and they last a second. Two, as a part of a cluster
 * takes several keys no more than a replica writes one. */
static void probe(struct rw_shares *shares)
{
    static const struct usage keys[PROBE_KEYS] = {{.id = {0, 1}}, {.id = {0, 2}}};
    struct rw_text commands = {0};
    shares->batch_count = shares->batch_answered = 0;
    add_command(shares, &commands, keys, PROBE_KEYS);
    if (!commands.err)
        rw_redis_send(shares->redis, &commands, 1);
    rw_text_free(&commands);
}

static void on_timer(struct rw_timer *timer)
{
    struct rw_shares *shares = rw_container_of(timer, struct rw_shares, timer);
    struct rw_loop *loop = shares->options.loop;
    rw_timer_start(loop, timer, rw_loop_now_ms(loop) + shares->interval_ms);
    if (!shares->up)
        empty_shelves(shares, false);
    if (!rw_redis_ready(shares->redis))
        return;
    if (shares->up)
        tell(shares);
    else
        probe(shares);
}

static void learn(struct rw_shares *shares, const struct usage *usage, int64_t ahead_us)
{
    uint64_t ahead = ahead_us > 0 ? (uint64_t)ahead_us * TICKS_PER_US : 0;
    if (ahead > 2 * usage->rate.capacity)
        ahead = 2 * usage->rate.capacity; /* not what the script says */
    ahead += used_since(shares, usage->hash) * usage->rate.interval;
    rw_meters_raise(shares->options.meters, usage->hash, &usage->rate, ahead,
                    rw_loop_now_ns(shares->options.loop));
}

/* ---- Up and down ---- */

static void set_up(struct rw_shares *shares, bool up)
{
    static const int modes[] = {[RW_REDIS_DOWN_LOCAL] = RW_SHARES_ENFORCE,
                                [RW_REDIS_DOWN_ADMIT] = RW_SHARES_ADMIT,
                                [RW_REDIS_DOWN_REFUSE] = RW_SHARES_REFUSE};
    if (shares->up != up)
        rw_metrics_count(shares->options.metrics, RW_COUNTER_LIMIT_SHARE_UP, up ? 1 : -1);
    shares->up = up;
    bool enforce = up || !shares->redis;
    atomic_store_explicit(&shares->mode, enforce ? RW_SHARES_ENFORCE : modes[shares->when_down],
                          memory_order_relaxed);
}

/* It has still to show that it does what is wanted of it: on_timer, at once. */
static void on_up(void *user)
{
    struct rw_shares *shares = user;
    struct rw_loop *loop = shares->options.loop;
    rw_timer_start(loop, &shares->timer, rw_loop_now_ms(loop));
}

static void come_up(struct rw_shares *shares)
{
    empty_shelves(shares, false);
    set_up(shares, true);
    rw_log_info("limits", "redis %s: connected, shared limits are shared", shares->address);
}

/* A read-only server, no permission, no memory: what was told is not known there. */
static void fail(struct rw_shares *shares, const struct rw_resp_value *value)
{
    char why[240];
    struct rw_span text = value->kind == RW_RESP_ERROR ? value->text : RW_LITERAL("no array");
    snprintf(why, sizeof(why), "the script failed: %.*s", (int)(text.len < 200 ? text.len : 200),
             text.at);
    rw_redis_fail(shares->redis, why);
}

static void on_reply(void *user, struct rw_span reply)
{
    struct rw_shares *shares = user;
    struct rw_resp_value value = {0};
    if (!rw_resp_next(&reply, &value) || value.kind != RW_RESP_ARRAY || value.null) {
        fail(shares, &value);
        return;
    }
    if (!shares->up)
        come_up(shares);
    unsigned end = shares->batch_answered + KEYS_PER_COMMAND;
    end = end < shares->batch_count ? end : shares->batch_count;
    for (unsigned i = shares->batch_answered; i < end; i++)
        if (rw_resp_next(&reply, &value) && value.kind == RW_RESP_INTEGER)
            learn(shares, &shares->batch[i], value.number);
    shares->batch_answered = end;
}

static void on_down(void *user, const char *why)
{
    static const char *const consequences[] = {
        [RW_REDIS_DOWN_LOCAL] = "are counted by this gateway alone",
        [RW_REDIS_DOWN_ADMIT] = "admit everything",
        [RW_REDIS_DOWN_REFUSE] = "refuse everything",
    };
    struct rw_shares *shares = user;
    rw_metrics_count(shares->options.metrics, RW_COUNTER_LIMIT_SHARE_FAILURES, 1);
    rw_log_limited(RW_LOG_WARN, "limits", "redis %s: %s; shared limits %s meanwhile",
                   shares->address, why, consequences[shares->when_down]);
    set_up(shares, false);
}

static void on_closed(void *user)
{
    ((struct rw_shares *)user)->alive--;
}

static const struct rw_redis_events events = {
    .on_up = on_up,
    .on_reply = on_reply,
    .on_down = on_down,
    .on_closed = on_closed,
};

/* ---- Configuration ---- */

static void disconnect(struct rw_shares *shares)
{
    if (!shares->redis)
        return;
    rw_redis_close(shares->redis);
    shares->redis = NULL;
    rw_timer_stop(shares->options.loop, &shares->timer);
    set_up(shares, false);
}

static void write_secret(const struct rw_config_redis *config, struct rw_text *text)
{
    rw_text_addf(text, "%u ", config->database);
    rw_text_add_json(text, config->username);
    rw_text_add_json(text, config->password);
}

static bool same_server(const struct rw_shares *shares, const struct rw_config_redis *config,
                        const struct rw_text *secret)
{
    return shares->redis && rw_span_is(config->address, shares->address) &&
           rw_span_eq(rw_text_span(secret), rw_text_span(&shares->secret)) &&
           shares->timeout_ms == config->timeout_ms;
}

static enum rw_err connect_to(struct rw_shares *shares, const struct rw_config_redis *config)
{
    struct rw_redis_options options = {
        .username = config->username,
        .password = config->password,
        .database = config->database,
        .timeout_ms = config->timeout_ms,
        .events = &events,
        .user = shares,
    };
    snprintf(shares->address, sizeof(shares->address), "%.*s", RW_SPAN_ARGS(config->address));
    shares->timeout_ms = config->timeout_ms;
    enum rw_err err = rw_address_parse(config->address, &options.address);
    if (!err)
        err = rw_redis_create(shares->options.loop, &options, &shares->redis);
    shares->alive += !err;
    return err;
}

void rw_shares_configure(struct rw_shares *shares, const struct rw_config_redis *config)
{
    struct rw_text secret = {0};
    if (!config) {
        disconnect(shares);
        return;
    }
    if (!shares->batch)
        shares->batch = rw_alloc(RW_SHARES_BATCH_MAX * sizeof(*shares->batch));
    write_secret(config, &secret);
    rw_text_free(&shares->prefix);
    shares->prefix = (struct rw_text){0};
    rw_text_add(&shares->prefix, config->prefix);
    shares->interval_ms = config->interval_ms;
    shares->when_down = config->when_down;
    enum rw_err err = secret.err || shares->prefix.err || !shares->batch ? RW_ENOMEM : RW_OK;
    if (err || !same_server(shares, config, &secret)) {
        disconnect(shares);
        err = err ? err : connect_to(shares, config);
    }
    if (err)
        rw_log_error("limits", "redis %.*s: %s; shared limits are counted by this gateway alone",
                     RW_SPAN_ARGS(config->address), rw_err_text(err));
    else
        rw_timer_start(shares->options.loop, &shares->timer,
                       rw_loop_now_ms(shares->options.loop) + shares->interval_ms);
    rw_text_free(&shares->secret);
    shares->secret = secret;
    set_up(shares, shares->up);
}

enum rw_shares_mode rw_shares_mode(const struct rw_shares *shares)
{
    return (enum rw_shares_mode)atomic_load_explicit(&shares->mode, memory_order_relaxed);
}

/* ---- Start and end ---- */

enum rw_err rw_shares_create(const struct rw_shares_options *options, struct rw_shares **made)
{
    struct rw_shares *shares = rw_alloc_aligned(64, sizeof(*shares));
    if (!shares)
        return RW_ENOMEM;
    memset(shares, 0, sizeof(*shares));
    shares->options = *options;
    shares->timer.fire = on_timer;
    for (unsigned i = 0; i < SHELVES; i++)
        pthread_mutex_init(&shares->shelves[i].lock, NULL);
    *made = shares;
    return RW_OK;
}

void rw_shares_destroy(struct rw_shares *shares)
{
    if (!shares)
        return;
    disconnect(shares);
    while (shares->alive)
        rw_loop_turn(shares->options.loop, 10);
    for (unsigned i = 0; i < SHELVES; i++) {
        pthread_mutex_destroy(&shares->shelves[i].lock);
        rw_free(shares->shelves[i].items);
    }
    rw_text_free(&shares->prefix);
    rw_text_free(&shares->secret);
    rw_free(shares->batch);
    rw_free(shares);
}
