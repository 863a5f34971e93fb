#include "base/alloc.h"
#include "base/log.h"
#include "gate/limit/share_private.h"

/* ---- Worker threads ---- */

bool rw_shares_use(struct rw_shares *shares, uint64_t hash)
{
    return rw_usages_count(&shares->usages, hash);
}

void rw_shares_add(struct rw_shares *shares, uint64_t hash, const uint64_t id[2],
                   const struct rw_meter_rate *rate)
{
    const struct rw_usage usage = {.hash = hash, .id = {id[0], id[1]}, .rate = *rate, .count = 1};
    rw_usages_add(&shares->usages, &usage);
}

enum rw_shares_mode rw_shares_mode(const struct rw_shares *shares)
{
    return (enum rw_shares_mode)atomic_load_explicit(&shares->mode, memory_order_relaxed);
}

enum rw_shares_mode rw_shares_mode_of(const struct rw_shares *shares, uint64_t id)
{
    unsigned tag = rw_share_tag(id);
    uint64_t word = atomic_load_explicit(&shares->tags_up[tag / 64], memory_order_relaxed);
    if (word >> tag % 64 & 1)
        return RW_SHARES_ENFORCE;
    return (enum rw_shares_mode)atomic_load_explicit(&shares->mode_down, memory_order_relaxed);
}

/* ---- A round ---- */

/* What a server that is gone should know is forgotten, but for quotas. */
static bool forget(struct rw_shares *shares, const struct rw_usage *usage,
                   const struct rw_redis_node *node)
{
    if (usage->rate.counted && shares->kept < RW_SHARES_KEPT_MAX) {
        shares->kept++;
        return false;
    }
    return !node || rw_loop_now_ms(shares->options.loop) >= node->guest_ms;
}

/* What a server has no time for waits. */
static bool take_usage(void *user, const struct rw_usage *usage)
{
    struct rw_shares *shares = user;
    uint16_t slot = shares->slots[rw_share_tag(usage->id[0])];
    const struct rw_redis_node *node = rw_redis_store_node(shares->store, slot);
    if (!node || node->state == RW_REDIS_DOWN)
        return forget(shares, usage, node);
    if (!rw_redis_node_ready(node) || shares->batch_count == RW_SHARES_BATCH_MAX)
        return false;
    shares->batch[shares->batch_count++] = *usage;
    return true;
}

static void on_timer(struct rw_timer *timer)
{
    struct rw_shares *shares = rw_container_of(timer, struct rw_shares, timer);
    struct rw_loop *loop = shares->options.loop;
    rw_timer_start(loop, timer, rw_loop_now_ms(loop) + shares->interval_ms);
    shares->kept = 0;
    rw_usages_take(&shares->usages, take_usage, shares);
    if (shares->batch_count) {
        rw_metrics_count(shares->options.metrics, RW_COUNTER_LIMIT_SHARE_ROUNDS, 1);
        rw_metrics_count(shares->options.metrics, RW_COUNTER_LIMIT_SHARE_KEYS, shares->batch_count);
        rw_share_put_batch(shares);
    }
    rw_redis_store_flush(shares->store); /* what is left of other rounds, too */
}

/* ---- Up and down ---- */

/* How many tags have a server that is up; each is noted. */
static unsigned count_tags(struct rw_shares *shares)
{
    uint64_t words[RW_SHARE_TAGS / 64] = {0};
    unsigned count = 0;
    for (unsigned tag = 0; shares->store && tag < RW_SHARE_TAGS; tag++) {
        const struct rw_redis_node *node = rw_redis_store_node(shares->store, shares->slots[tag]);
        if (!node || node->state != RW_REDIS_UP)
            continue;
        words[tag / 64] |= (uint64_t)1 << tag % 64;
        count++;
    }
    for (unsigned i = 0; i < RW_SHARE_TAGS / 64; i++)
        atomic_store_explicit(&shares->tags_up[i], words[i], memory_order_relaxed);
    return count;
}

void rw_share_judge(struct rw_shares *shares)
{
    static const int modes[] = {[RW_REDIS_DOWN_LOCAL] = RW_SHARES_ENFORCE,
                                [RW_REDIS_DOWN_ADMIT] = RW_SHARES_ADMIT,
                                [RW_REDIS_DOWN_REFUSE] = RW_SHARES_REFUSE};
    unsigned tags = count_tags(shares);
    bool up = tags == RW_SHARE_TAGS;
    int down = modes[shares->when_down];
    int mode = up || !shares->store        ? RW_SHARES_ENFORCE
               : tags == 0                 ? down
               : down == RW_SHARES_ENFORCE ? RW_SHARES_ENFORCE
                                           : RW_SHARES_PARTLY;
    if (shares->up != up)
        rw_metrics_count(shares->options.metrics, RW_COUNTER_LIMIT_SHARE_UP, up ? 1 : -1);
    shares->up = up;
    atomic_store_explicit(&shares->mode_down, down, memory_order_relaxed);
    atomic_store_explicit(&shares->mode, mode, memory_order_relaxed);
}

/* ---- Configuration ---- */

static void disconnect(struct rw_shares *shares)
{
    struct rw_redis_store *store = shares->store;
    if (!store)
        return;
    shares->store = NULL;
    rw_timer_stop(shares->options.loop, &shares->timer);
    rw_redis_store_close(store);
    rw_share_judge(shares);
}

static void add_list(struct rw_text *text, const struct rw_conf_list *list)
{
    const struct rw_span *items = list->items;
    for (size_t i = 0; i < list->count; i++)
        rw_text_add_json(text, items[i]);
    rw_text_adds(text, ";");
}

static void add_tls(struct rw_text *text, const struct rw_config_tls_client *tls)
{
    if (!tls) {
        rw_text_adds(text, "plain;");
        return;
    }
    const struct rw_span texts[] = {tls->ca, tls->name, tls->cert, tls->key};
    rw_text_addf(text, "%d %d ", tls->verify, tls->min_version);
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
        rw_text_add_json(text, texts[i]);
}

/* All that a connection depends on. */
static void write_identity(const struct rw_config_redis *config, const struct rw_config_dns *dns,
                           struct rw_text *text)
{
    const struct rw_config_sentinel *sentinel = config->sentinel;
    rw_text_addf(text, "%u %u ", config->database, config->timeout_ms);
    rw_text_add_json(text, config->address);
    rw_text_add_json(text, config->username);
    rw_text_add_json(text, config->password);
    add_list(text, &config->cluster);
    add_tls(text, config->tls);
    if (sentinel) {
        add_list(text, &sentinel->addresses);
        rw_text_add_json(text, sentinel->primary);
        rw_text_add_json(text, sentinel->username);
        rw_text_add_json(text, sentinel->password);
        add_tls(text, sentinel->tls);
    }
    if (dns) {
        add_list(text, &dns->servers);
        rw_text_addf(text, "%u %u %u", dns->timeout_ms, dns->ttl_ms_min, dns->ttl_ms_max);
    }
}

static void put_slots(struct rw_shares *shares)
{
    for (unsigned tag = 0; tag < RW_SHARE_TAGS; tag++)
        shares->slots[tag] = rw_share_slot(shares, tag);
}

static enum rw_err connect_to(struct rw_shares *shares, const struct rw_shares_setup *setup)
{
    const struct rw_redis_store_options options = {
        .config = setup->redis,
        .dns = setup->dns,
        .known = shares->options.known,
        .events = &rw_share_events,
        .user = shares,
    };
    enum rw_err err = rw_redis_store_create(shares->options.loop, &options, &shares->store);
    shares->alive += !err;
    return err;
}

static enum rw_err reconfigure(struct rw_shares *shares, const struct rw_shares_setup *setup,
                               const struct rw_text *identity)
{
    const struct rw_config_redis *redis = setup->redis;
    rw_text_free(&shares->prefix);
    shares->prefix = (struct rw_text){0};
    rw_text_add(&shares->prefix, redis->prefix);
    shares->interval_ms = redis->interval_ms;
    shares->when_down = redis->when_down;
    if (!shares->batch)
        shares->batch = rw_alloc(RW_SHARES_BATCH_MAX * sizeof(*shares->batch));
    enum rw_err err = identity->err || shares->prefix.err || !shares->batch ? RW_ENOMEM : RW_OK;
    bool same =
        shares->store && rw_span_eq(rw_text_span(identity), rw_text_span(&shares->identity));
    if (err || !same) {
        disconnect(shares);
        err = err ? err : connect_to(shares, setup);
    }
    return err;
}

void rw_shares_configure(struct rw_shares *shares, const struct rw_shares_setup *setup)
{
    struct rw_text identity = {0};
    if (!setup) {
        disconnect(shares);
        return;
    }
    write_identity(setup->redis, setup->dns, &identity);
    enum rw_err err = reconfigure(shares, setup, &identity);
    if (err) {
        rw_log_error("limits", "redis: %s; shared limits are counted by this gateway alone",
                     rw_err_text(err));
    } else {
        rw_redis_store_secure(shares->store, &setup->servers, &setup->sentinels);
        put_slots(shares);
        rw_timer_start(shares->options.loop, &shares->timer,
                       rw_loop_now_ms(shares->options.loop) + shares->interval_ms);
    }
    rw_text_free(&shares->identity);
    shares->identity = identity;
    rw_share_judge(shares);
}

/* ---- Start and end ---- */

enum rw_err rw_shares_create(const struct rw_shares_options *options, struct rw_shares **made)
{
    struct rw_shares *shares = rw_alloc_aligned(64, sizeof(*shares));
    if (!shares)
        return RW_ENOMEM;
    memset(shares, 0, sizeof(*shares));
    rw_usages_init(&shares->usages);
    shares->options = *options;
    shares->timer.fire = on_timer;
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
    rw_usages_free(&shares->usages);
    rw_text_free(&shares->prefix);
    rw_text_free(&shares->identity);
    rw_free(shares->batch);
    rw_free(shares);
}
