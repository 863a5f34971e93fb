#include "base/alloc.h"
#include "base/log.h"
#include "gate/redis/store_private.h"

/* ---- The primary that Sentinels know ---- */

static const char *follow(struct rw_redis_store *store, const struct rw_place *from,
                          struct rw_span reply)
{
    struct rw_place place;
    struct rw_redis_node *old = store->only, *node;
    struct rw_span host;
    uint16_t port;
    const char *why = rw_redis_primary(reply, &host, &port);
    if (why)
        return why;
    if (rw_place_set_host(&place, host, port))
        return "what it says of the primary is no address";
    if (old && strcmp(old->place.text, place.text) == 0)
        return NULL;
    if (rw_redis_store_add(store, &place, &node))
        return rw_err_text(RW_ENOMEM);
    rw_log_info("limits", "redis: the primary is %s, says sentinel %s%s%s", place.text, from->text,
                old ? "; it was " : "", old ? old->place.text : "");
    store->only = node;
    store->counts.changes++;
    if (old)
        rw_redis_store_remove(store, old);
    store->events->moved(store->user);
    return NULL;
}

/* ---- Who has the slots of a cluster ---- */

/* False: one of them is there already. */
static bool mark_slots(uint64_t seen[RW_REDIS_SLOTS / 64], const struct rw_redis_range *range)
{
    for (unsigned slot = range->first; slot <= range->last; slot++) {
        if (seen[slot / 64] >> slot % 64 & 1)
            return false;
        seen[slot / 64] |= (uint64_t)1 << slot % 64;
    }
    return true;
}

/* Every range is well-formed, and no slot has two servers: what follows finds nothing wrong. */
static const char *judge_map(struct rw_span reply)
{
    uint64_t seen[RW_REDIS_SLOTS / 64] = {0};
    struct rw_redis_ranges ranges;
    struct rw_redis_range range;
    enum rw_err err;
    const char *why = rw_redis_ranges_begin(&ranges, reply);
    while (!why && (err = rw_redis_ranges_next(&ranges, &range)) != RW_ENOENT)
        if (err || !mark_slots(seen, &range))
            why = "what it says of the slots is malformed";
    return why;
}

/* Slots of a server that there is no room or memory for have none: it is asked again. */
static void put_range(struct rw_redis_store *store, struct rw_redis_node **by_slot,
                      const struct rw_place *from, const struct rw_redis_range *range)
{
    struct rw_span host = range->host.len ? range->host : rw_span_text(from->host);
    struct rw_redis_node *node = rw_redis_store_reach(store, host, range->port);
    unsigned count = range->last - range->first + 1u;
    for (unsigned i = 0; i < count; i++)
        by_slot[range->first + i] = node;
    if (!node)
        return;
    node->slots += count;
    store->covered += count;
}

/* Who has no slots, and was not pointed to lately. */
static void remove_idle(struct rw_redis_store *store)
{
    uint64_t now_ms = rw_loop_now_ms(store->loop);
    struct rw_redis_node *node = rw_redis_store_next(store, NULL), *next;
    for (; node; node = next) {
        next = rw_redis_store_next(store, node);
        if (node->slots == 0 && now_ms >= node->guest_ms)
            rw_redis_store_remove(store, node);
    }
}

static const char *take_map(struct rw_redis_store *store, const struct rw_place *from,
                            struct rw_span reply)
{
    const size_t bytes = RW_REDIS_SLOTS * sizeof(*store->by_slot);
    struct rw_redis_ranges ranges;
    struct rw_redis_range range;
    struct rw_redis_node *node = NULL, **by_slot, **old = store->by_slot;
    const char *why = judge_map(reply);
    if (why)
        return why;
    by_slot = rw_alloc_zero(bytes);
    if (!by_slot)
        return rw_err_text(RW_ENOMEM);
    while ((node = rw_redis_store_next(store, node)))
        node->slots = 0;
    store->covered = 0;
    rw_assert(!rw_redis_ranges_begin(&ranges, reply)); /* judge_map has seen it */
    while (rw_redis_ranges_next(&ranges, &range) == RW_OK)
        put_range(store, by_slot, from, &range);
    store->by_slot = by_slot;
    bool changed = memcmp(by_slot, old, bytes) != 0;
    rw_free(old);
    remove_idle(store);
    if (!changed)
        return NULL;
    store->counts.changes++;
    rw_log_info("limits", "redis: %u servers have %u of %u slots, says cluster member %s",
                store->node_count, store->covered, (unsigned)RW_REDIS_SLOTS, from->text);
    store->events->moved(store->user);
    return NULL;
}

/* Something may be other than what was learnt last. */
static bool is_troubled(const struct rw_redis_store *store)
{
    struct rw_redis_node *node = NULL;
    if (store->by_slot ? store->covered < RW_REDIS_SLOTS : !store->only)
        return true;
    while ((node = rw_redis_store_next(store, node)))
        if (node->state == RW_REDIS_DOWN)
            return true;
    return false;
}

/* ---- Whom to ask, and what ---- */

/* The configured ones; when none of these answers, what was learnt. */
static struct rw_place *guide_place(void *user, unsigned number)
{
    struct rw_redis_store *store = user;
    struct rw_redis_node *node = NULL;
    unsigned learnt = store->kind == RW_REDIS_CLUSTER ? store->node_count : 0;
    number %= store->seed_count + learnt;
    if (number < store->seed_count)
        return &store->seeds[number].place;
    for (unsigned i = store->seed_count; i <= number; i++)
        node = rw_redis_store_next(store, node);
    return &node->place;
}

static void guide_question(void *user, struct rw_text *text)
{
    struct rw_redis_store *store = user;
    bool cluster = store->kind == RW_REDIS_CLUSTER;
    rw_resp_begin(text, cluster ? 2 : 3);
    rw_resp_word(text, cluster ? RW_LITERAL("CLUSTER") : RW_LITERAL("SENTINEL"));
    rw_resp_word(text, cluster ? RW_LITERAL("SLOTS") : RW_LITERAL("get-master-addr-by-name"));
    if (!cluster)
        rw_resp_word(text, store->primary);
}

/* Who is cut off from the others names those that are lost for ever. */
static const char *judge_answer(struct rw_redis_store *store)
{
    store->troubles = is_troubled(store) ? store->troubles + 1 : 0;
    if (store->troubles)
        rw_redis_guide_ask(store->guide, RW_REDIS_TROUBLE_MS);
    if (store->troubles < RW_REDIS_TROUBLES_MAX)
        return NULL;
    store->troubles = 0;
    return "by what it says a server stays lost";
}

static const char *guide_take(void *user, const struct rw_place *from, struct rw_span reply)
{
    struct rw_redis_store *store = user;
    const char *why =
        store->kind == RW_REDIS_CLUSTER ? take_map(store, from, reply) : follow(store, from, reply);
    return why ? why : judge_answer(store);
}

static void guide_closed(void *user)
{
    rw_redis_store_let_go(user);
}

static void guide_failed(void *user, const struct rw_place *from, const char *why)
{
    struct rw_redis_store *store = user;
    store->counts.astray++;
    store->events->astray(store->user, from, why);
}

static const struct rw_redis_guide_events guide_events = {
    .place = guide_place,
    .question = guide_question,
    .take = guide_take,
    .failed = guide_failed,
    .on_closed = guide_closed,
};

static void seed_moved(struct rw_resolve_use *use)
{
    const struct rw_redis_seed *seed = rw_container_of(use, struct rw_redis_seed, place.use);
    if (seed->store->guide)
        rw_redis_guide_moved(seed->store->guide, &seed->place);
}

/* ---- Start and end ---- */

static enum rw_err add_seed(struct rw_redis_store *store, struct rw_span address)
{
    struct rw_redis_seed *seed = &store->seeds[store->seed_count];
    seed->store = store;
    enum rw_err err = rw_place_set(&seed->place, address);
    if (!err)
        err = rw_place_start(&seed->place, store->resolver, seed_moved);
    store->seed_count += !err;
    return err;
}

enum rw_err rw_redis_store_start_guide(struct rw_redis_store *store,
                                       const struct rw_conf_list *addresses,
                                       struct rw_span username, struct rw_span password)
{
    const struct rw_span *items = addresses->items;
    bool cluster = store->kind == RW_REDIS_CLUSTER;
    const struct rw_redis_guide_options options = {
        .username = username,
        .password = password,
        .interval_ms = cluster ? RW_REDIS_CLUSTER_MS : RW_REDIS_SENTINEL_MS,
        .timeout_ms = store->timeout_ms,
        .secure = cluster ? &store->servers : &store->sentinels,
        .events = &guide_events,
        .user = store,
    };
    store->seeds = rw_alloc_zero(addresses->count * sizeof(*store->seeds));
    enum rw_err err = store->seeds ? RW_OK : RW_ENOMEM;
    for (size_t i = 0; i < addresses->count && !err; i++)
        err = add_seed(store, items[i]);
    if (!err)
        err = rw_redis_guide_create(store->loop, &options, &store->guide);
    store->alive += !err;
    return err;
}

void rw_redis_store_stop_seeds(struct rw_redis_store *store)
{
    for (unsigned i = 0; i < store->seed_count; i++)
        rw_place_stop(&store->seeds[i].place);
}

const struct rw_place *rw_redis_store_guide(const struct rw_redis_store *store)
{
    return store->guide ? rw_redis_guide_at(store->guide) : NULL;
}
