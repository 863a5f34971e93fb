#include "gate/redis/store.h"

#include "base/alloc.h"
#include "gate/redis/store_private.h"
#include "io/tls.h"

enum { ARENA_BLOCK_BYTES = 1024, ARENA_BYTES_MAX = 1 << 20 };

/* ---- Nodes ---- */

struct rw_redis_node *rw_redis_store_next(const struct rw_redis_store *store,
                                          const struct rw_redis_node *node)
{
    struct rw_list *link = node ? node->link.next : store->nodes.next;
    return link == &store->nodes ? NULL : rw_container_of(link, struct rw_redis_node, link);
}

struct rw_redis_node *rw_redis_store_node(const struct rw_redis_store *store, uint16_t slot)
{
    return store->by_slot ? store->by_slot[slot] : store->only;
}

enum rw_err rw_redis_store_add(struct rw_redis_store *store, const struct rw_place *place,
                               struct rw_redis_node **node)
{
    struct rw_redis_node_options options = store->node_options;
    if (store->node_count == RW_REDIS_NODES_MAX)
        return RW_ELIMIT;
    enum rw_err err = rw_redis_node_create(store->loop, &options, place, node);
    if (err)
        return err;
    rw_list_push_back(&store->nodes, &(*node)->link);
    store->node_count++;
    store->alive++;
    return RW_OK;
}

struct rw_redis_node *rw_redis_store_reach(struct rw_redis_store *store, struct rw_span host,
                                           uint16_t port)
{
    struct rw_place place;
    struct rw_redis_node *node = NULL;
    if (rw_place_set_host(&place, host, port))
        return NULL;
    while ((node = rw_redis_store_next(store, node)))
        if (strcmp(node->place.text, place.text) == 0)
            return node;
    return rw_redis_store_add(store, &place, &node) ? NULL : node;
}

void rw_redis_store_remove(struct rw_redis_store *store, struct rw_redis_node *node)
{
    rw_list_remove(&node->link);
    store->node_count--;
    if (store->guide && !store->closing)
        rw_redis_guide_leave(store->guide, &node->place);
    rw_redis_node_close(node);
}

/* ---- Commands ---- */

void rw_redis_store_put(struct rw_redis_store *store, struct rw_redis_command *command)
{
    rw_redis_node_put(rw_redis_store_node(store, command->slot), command);
}

void rw_redis_store_flush(struct rw_redis_store *store)
{
    struct rw_redis_node *node = NULL;
    while ((node = rw_redis_store_next(store, node)))
        rw_redis_node_flush(node);
}

/* ---- What nodes tell ---- */

static bool on_probe(void *user, const struct rw_redis_node *node, struct rw_text *text)
{
    struct rw_redis_store *store = user;
    return store->events->probe(store->user, node, text);
}

static void on_write(void *user, const struct rw_redis_command *command, struct rw_text *text)
{
    struct rw_redis_store *store = user;
    store->events->write(store->user, command, text);
}

static void on_lost(void *user, struct rw_redis_command *command)
{
    struct rw_redis_store *store = user;
    store->events->lost(store->user, command);
}

/* One server that is a part of a cluster could only do some of what it is told. */
static const char *judge_member(enum rw_redis_turn turn, struct rw_span error)
{
    bool member = turn != RW_REDIS_TURN_NONE || rw_span_starts(error, RW_LITERAL("CROSSSLOT"));
    return member ? "it is a member of a cluster, which needs `cluster` in the configuration"
                  : NULL;
}

static const char *on_take(void *user, struct rw_redis_node *node, struct rw_redis_command *command,
                           struct rw_span reply)
{
    struct rw_redis_store *store = user;
    struct rw_redis_redirect redirect;
    struct rw_span rest = reply;
    struct rw_resp_value value;
    const char *why = NULL;
    if (rw_resp_next(&rest, &value) && value.kind == RW_RESP_ERROR) {
        enum rw_redis_turn turn = rw_redis_turn(value.text, &redirect);
        if (store->kind != RW_REDIS_CLUSTER)
            why = judge_member(turn, value.text);
        else if (command && turn != RW_REDIS_TURN_NONE)
            return rw_redis_store_turn(store, node, command, turn, &redirect);
    }
    if (!why)
        return store->events->take(store->user, command, reply);
    if (command)
        store->events->lost(store->user, command);
    return why;
}

static void on_changed(void *user, struct rw_redis_node *node, const char *why)
{
    struct rw_redis_store *store = user;
    if (why && store->guide)
        rw_redis_guide_ask(store->guide, 0);
    store->events->changed(store->user, node, why);
}

static void free_parts(struct rw_redis_store *store)
{
    if (store->resolver)
        rw_resolver_destroy(store->resolver);
    rw_tls_client_drop(store->servers.tls);
    rw_tls_client_drop(store->sentinels.tls);
    rw_free(store->seeds);
    rw_free(store->by_slot);
    rw_arena_free(&store->arena);
    rw_free(store);
}

static void free_store(struct rw_redis_store *store)
{
    const struct rw_redis_store_events *events = store->events;
    void *user = store->user;
    free_parts(store);
    events->closed(user);
}

void rw_redis_store_let_go(struct rw_redis_store *store)
{
    store->alive--;
    if (store->closing && store->alive == 0)
        free_store(store);
}

static void on_closed(void *user)
{
    rw_redis_store_let_go(user);
}

static const struct rw_redis_node_events node_events = {
    .probe = on_probe,
    .write = on_write,
    .take = on_take,
    .lost = on_lost,
    .changed = on_changed,
    .closed = on_closed,
};

/* ---- Start ---- */

static enum rw_err make_resolver(struct rw_redis_store *store,
                                 const struct rw_redis_store_options *options)
{
    if (!options->dns)
        return RW_OK;
    enum rw_err err =
        rw_resolver_create(store->loop, options->known, options->dns, &store->resolver);
    return err == RW_EUNSUPPORTED ? RW_OK : err;
}

/* What servers are created with lives as long as the store. */
static enum rw_err keep_options(struct rw_redis_store *store, const struct rw_config_redis *config)
{
    store->node_options = (struct rw_redis_node_options){
        .username = rw_arena_copy(&store->arena, config->username),
        .password = rw_arena_copy(&store->arena, config->password),
        .database = config->database,
        .timeout_ms = config->timeout_ms,
        .primary = config->sentinel != NULL,
        .secure = &store->servers,
        .resolver = store->resolver,
        .events = &node_events,
        .user = store,
    };
    if (config->sentinel)
        store->primary = rw_arena_copy(&store->arena, config->sentinel->primary);
    bool whole = store->node_options.username.at && store->node_options.password.at &&
                 (!config->sentinel || store->primary.at);
    return whole ? RW_OK : RW_ENOMEM;
}

static enum rw_err start_single(struct rw_redis_store *store, struct rw_span address)
{
    struct rw_place place;
    enum rw_err err = rw_place_set(&place, address);
    return err ? err : rw_redis_store_add(store, &place, &store->only);
}

static enum rw_err start_cluster(struct rw_redis_store *store, const struct rw_config_redis *config)
{
    store->by_slot = rw_alloc_zero(RW_REDIS_SLOTS * sizeof(*store->by_slot));
    if (!store->by_slot)
        return RW_ENOMEM;
    return rw_redis_store_start_guide(store, &config->cluster, config->username, config->password);
}

static enum rw_err start(struct rw_redis_store *store, const struct rw_config_redis *config)
{
    const struct rw_config_sentinel *sentinel = config->sentinel;
    if (sentinel)
        return rw_redis_store_start_guide(store, &sentinel->addresses, sentinel->username,
                                          sentinel->password);
    return store->kind == RW_REDIS_CLUSTER ? start_cluster(store, config)
                                           : start_single(store, config->address);
}

enum rw_err rw_redis_store_create(struct rw_loop *loop,
                                  const struct rw_redis_store_options *options,
                                  struct rw_redis_store **made)
{
    const struct rw_config_redis *config = options->config;
    struct rw_redis_store *store = rw_alloc_zero(sizeof(*store));
    if (!store)
        return RW_ENOMEM;
    store->loop = loop;
    store->kind = config->sentinel        ? RW_REDIS_SENTINEL
                  : config->cluster.count ? RW_REDIS_CLUSTER
                                          : RW_REDIS_SINGLE;
    store->timeout_ms = config->timeout_ms;
    store->events = options->events;
    store->user = options->user;
    rw_list_init(&store->nodes);
    rw_arena_init(&store->arena, NULL, 0, ARENA_BLOCK_BYTES, ARENA_BYTES_MAX);
    enum rw_err err = make_resolver(store, options);
    if (!err)
        err = keep_options(store, config);
    if (!err)
        err = start(store, config);
    if (err) {
        rw_redis_store_stop_seeds(store);
        free_parts(store);
        return err;
    }
    *made = store;
    return RW_OK;
}

void rw_redis_store_close(struct rw_redis_store *store)
{
    store->closing = true;
    store->only = NULL;
    while (!rw_list_empty(&store->nodes))
        rw_redis_store_remove(store, rw_redis_store_next(store, NULL));
    rw_redis_store_stop_seeds(store);
    if (store->guide)
        rw_redis_guide_close(store->guide);
}

/* ---- To look at ---- */

static void secure(struct rw_redis_secure *to, const struct rw_redis_secure *from)
{
    rw_tls_client_drop(to->tls);
    *to = *from;
    if (to->tls)
        rw_tls_client_hold(to->tls);
}

void rw_redis_store_secure(struct rw_redis_store *store, const struct rw_redis_secure *servers,
                           const struct rw_redis_secure *sentinels)
{
    secure(&store->servers, servers);
    secure(&store->sentinels, sentinels);
}

enum rw_redis_kind rw_redis_store_kind(const struct rw_redis_store *store)
{
    return store->kind;
}

const struct rw_redis_store_counts *rw_redis_store_counts(const struct rw_redis_store *store)
{
    return &store->counts;
}
