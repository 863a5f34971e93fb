/* From routes to a table: entries sorted by rank, then a tree per host. */
#include "base/alloc.h"
#include "base/map.h"
#include "gate/route/router_table.h"

#include <stdlib.h>

/* ---- Ranks ---- */

static int order(int64_t a, int64_t b)
{
    return (a > b) - (a < b);
}

static int compare_hosts(const struct rw_router_host *a, const struct rw_router_host *b)
{
    int class_a = a->text.len == 0 ? 2 : a->labels > 0;
    int class_b = b->text.len == 0 ? 2 : b->labels > 0;
    return class_a != class_b ? order(class_a, class_b) : order(b->labels, a->labels);
}

static int compare_paths(const struct rw_router_path *a, const struct rw_router_path *b)
{
    if (a->kind != b->kind)
        return order(a->kind, b->kind);
    if (a->literal_bytes != b->literal_bytes)
        return order(b->literal_bytes, a->literal_bytes);
    if (a->shape != b->shape)
        return a->shape < b->shape ? -1 : 1;
    return order(a->rest, b->rest);
}

int rw_router_compare(const struct rw_router *router, const struct rw_router_entry *a,
                      const struct rw_router_entry *b, int *rule)
{
    const struct rw_router_route *route_a = &router->routes[a->route];
    const struct rw_router_route *route_b = &router->routes[b->route];
    int decided = 1;
    int result = order(route_b->priority, route_a->priority);
    if (!result) {
        decided = 2;
        result = compare_hosts(&route_a->hosts[a->host], &route_b->hosts[b->host]);
    }
    if (!result) {
        decided = 3;
        result = compare_paths(&route_a->paths[a->path], &route_b->paths[b->path]);
    }
    if (!result) {
        decided = 4;
        result = order(route_b->condition_count, route_a->condition_count);
    }
    if (!result) {
        decided = 5;
        result = order(a->route, b->route);
    }
    if (rule)
        *rule = decided;
    if (!result)
        result = order(a->host, b->host);
    return result ? result : order(a->path, b->path);
}

static int compare_entries(const void *a, const void *b, void *router)
{
    return rw_router_compare(router, a, b, NULL);
}

static enum rw_err make_entries(struct rw_router *router, const bool *wanted,
                                struct rw_router_table *table)
{
    uint64_t count = 0;
    for (uint32_t r = 0; r < router->route_count; r++)
        if (wanted[r])
            count += (uint64_t)router->routes[r].host_count * router->routes[r].path_count;
    if (count > RW_ROUTER_ENTRIES_MAX)
        return RW_ELIMIT;
    table->entries = rw_alloc((count ? count : 1) * sizeof(*table->entries));
    if (!table->entries)
        return RW_ENOMEM;
    for (uint32_t r = 0; r < router->route_count; r++) {
        const struct rw_router_route *route = &router->routes[r];
        for (uint32_t h = 0; wanted[r] && h < route->host_count; h++)
            for (uint32_t p = 0; p < route->path_count; p++)
                table->entries[table->entry_count++] = (struct rw_router_entry){
                    .route = r,
                    .conditional = route->condition_count > 0,
                    .next = RW_ROUTER_NO_ENTRY,
                    .path = p,
                    .host = h,
                };
    }
    qsort_r(table->entries, table->entry_count, sizeof(*table->entries), compare_entries, router);
    return RW_OK;
}

/* ---- Hash tables ---- */

uint32_t rw_router_hash(struct rw_span text, uint32_t parent)
{
    return (uint32_t)rw_hash(text.at, text.len, parent);
}

static void index_put(struct rw_router_index *index, uint32_t hash, uint32_t target)
{
    uint32_t i = hash & index->mask;
    while (index->slots[i].target != RW_ROUTER_NO_NODE)
        i = (i + 1) & index->mask;
    index->slots[i] = (struct rw_router_slot){hash, target};
}

static enum rw_err index_resize(struct rw_router_index *index, uint32_t slots)
{
    struct rw_router_index bigger = {.mask = slots - 1, .count = index->count};
    bigger.slots = rw_alloc((size_t)slots * sizeof(*bigger.slots));
    if (!bigger.slots)
        return RW_ENOMEM;
    for (uint32_t i = 0; i < slots; i++)
        bigger.slots[i].target = RW_ROUTER_NO_NODE;
    for (uint32_t i = 0; index->slots && i <= index->mask; i++)
        if (index->slots[i].target != RW_ROUTER_NO_NODE)
            index_put(&bigger, index->slots[i].hash, index->slots[i].target);
    rw_free(index->slots);
    *index = bigger;
    return RW_OK;
}

static enum rw_err index_add(struct rw_router_index *index, uint32_t hash, uint32_t target)
{
    if (((uint64_t)index->count + 1) * 2 > (uint64_t)index->mask + 1) {
        enum rw_err err = index_resize(index, (index->mask + 1) * 2);
        if (err)
            return err;
    }
    index_put(index, hash, target);
    index->count++;
    return RW_OK;
}

static enum rw_err set_label(struct rw_router *router, struct rw_router_label *label,
                             struct rw_span text)
{
    rw_assert(text.len <= UINT16_MAX);
    label->len = (uint16_t)text.len;
    if (text.len <= RW_ROUTER_LABEL_INLINE) {
        if (text.len)
            memcpy(label->text, text.at, text.len);
        return RW_OK;
    }
    struct rw_span copy = rw_arena_copy(&router->arena, text);
    if (!copy.at)
        return RW_ENOMEM;
    memcpy(label->text, &copy.at, sizeof(copy.at));
    return RW_OK;
}

/* Room for one more item of an array that is aligned as its items are. */
static enum rw_err make_room(void **items, size_t size, uint32_t count, uint32_t *room)
{
    if (count < *room)
        return RW_OK;
    uint32_t wider = *room ? *room * 2 : 4;
    void *bigger = rw_alloc_aligned(64, wider * size);
    if (!bigger)
        return RW_ENOMEM;
    if (count)
        memcpy(bigger, *items, count * size);
    rw_free(*items);
    *items = bigger;
    *room = wider;
    return RW_OK;
}

/* ---- Trees ---- */

/* Entries come in the order of their ranks, so whoever makes a node or a set has its best rank. */
static enum rw_err add_node(struct rw_router_table *table, uint32_t parent, uint32_t rank,
                            uint32_t *node)
{
    void *nodes = table->nodes;
    enum rw_err err =
        make_room(&nodes, sizeof(*table->nodes), table->node_count, &table->node_room);
    table->nodes = nodes;
    if (err)
        return err;
    *node = table->node_count++;
    table->nodes[*node] = (struct rw_router_node){
        .parent = parent,
        .best = rank,
        .parameter = RW_ROUTER_NO_NODE,
        .exact = RW_ROUTER_NO_ENTRY,
        .rest = RW_ROUTER_NO_ENTRY,
    };
    return RW_OK;
}

static enum rw_err add_set(struct rw_router *router, struct rw_router_table *table,
                           struct rw_span host, uint32_t rank, uint32_t *set)
{
    void *sets = table->sets;
    struct rw_router_set fresh = {
        .best = rank,
        .regex = RW_ROUTER_NO_ENTRY,
        .any = RW_ROUTER_NO_ENTRY,
    };
    enum rw_err err = make_room(&sets, sizeof(fresh), table->set_count, &table->set_room);
    table->sets = sets;
    if (!err)
        err = set_label(router, &fresh.label, host);
    if (!err)
        err = add_node(table, RW_ROUTER_NO_NODE, rank, &fresh.root);
    if (err)
        return err;
    *set = table->set_count;
    table->sets[table->set_count++] = fresh;
    return host.len ? index_add(&table->hosts, rw_router_hash(host, 0), *set) : RW_OK;
}

static enum rw_err set_for(struct rw_router *router, struct rw_router_table *table,
                           const struct rw_router_host *host, uint32_t rank, uint32_t *set)
{
    struct rw_span key = host->labels ? rw_span_skip(host->text, 1) : host->text;
    if (host->labels > 0) {
        table->suffix_lengths[key.len / 64] |= 1ull << key.len % 64;
        if (table->wildcard_best > rank)
            table->wildcard_best = rank;
    }
    *set = key.len ? rw_router_set_of(table, key) : 0;
    if (*set || !key.len) {
        if (table->sets[*set].best > rank)
            table->sets[*set].best = rank;
        return RW_OK;
    }
    return add_set(router, table, key, rank, set);
}

static enum rw_err child_for(struct rw_router *router, struct rw_router_table *table,
                             uint32_t parent, struct rw_span segment, uint32_t rank,
                             uint32_t *child)
{
    *child = segment.at ? rw_router_child(table, parent, segment) : table->nodes[parent].parameter;
    if (*child != RW_ROUTER_NO_NODE)
        return RW_OK;
    enum rw_err err = add_node(table, parent, rank, child);
    if (err)
        return err;
    if (!segment.at) {
        table->nodes[parent].parameter = *child;
        return RW_OK;
    }
    table->nodes[parent].branches = true;
    err = set_label(router, &table->nodes[*child].label, segment);
    return err ? err : index_add(&table->edges, rw_router_hash(segment, parent), *child);
}

/* Where the list begins to which entry `rank` of this set belongs. The walk down leaves the rank in
 * each node. */
static enum rw_err list_for(struct rw_router *router, struct rw_router_table *table, uint32_t set,
                            uint32_t rank, uint32_t **head)
{
    const struct rw_router_entry *entry = &table->entries[rank];
    const struct rw_router_path *path = &router->routes[entry->route].paths[entry->path];
    if (path->kind == RW_ROUTER_REGEX || path->kind == RW_ROUTER_ANY) {
        *head = path->kind == RW_ROUTER_ANY ? &table->sets[set].any : &table->sets[set].regex;
        return RW_OK;
    }
    uint32_t node = table->sets[set].root;
    for (unsigned i = 0; i < path->segment_count; i++) {
        enum rw_err err = child_for(router, table, node, path->segments[i], rank, &node);
        if (err)
            return err;
    }
    *head = path->rest ? &table->nodes[node].rest : &table->nodes[node].exact;
    return RW_OK;
}

/* `tails[rank]` of a list's first entry is its last one, so that a long list is built in linear
 * time. */
static enum rw_err add_entry(struct rw_router *router, struct rw_router_table *table, uint32_t rank,
                             uint32_t *tails)
{
    const struct rw_router_entry *entry = &table->entries[rank];
    const struct rw_router_host *host = &router->routes[entry->route].hosts[entry->host];
    uint32_t set, *head;
    enum rw_err err = set_for(router, table, host, rank, &set);
    if (!err)
        err = list_for(router, table, set, rank, &head);
    if (err)
        return err;
    if (*head == RW_ROUTER_NO_ENTRY)
        *head = rank;
    else
        table->entries[tails[*head]].next = rank;
    tails[*head] = rank;
    return RW_OK;
}

enum rw_err rw_router_table_build(struct rw_router *router, const bool *wanted,
                                  struct rw_router_table *table)
{
    *table = (struct rw_router_table){.wildcard_best = RW_ROUTER_NO_ENTRY};
    uint32_t any, *tails = NULL;
    enum rw_err err = index_resize(&table->edges, 16);
    if (!err)
        err = index_resize(&table->hosts, 16);
    if (!err)
        err = make_entries(router, wanted, table);
    if (!err)
        err = add_set(router, table, rw_span("", 0), RW_ROUTER_NO_ENTRY, &any);
    if (err)
        return err;
    tails = rw_alloc(((size_t)table->entry_count + 1) * sizeof(*tails));
    if (!tails)
        return RW_ENOMEM;
    for (uint32_t rank = 0; rank < table->entry_count && !err; rank++)
        err = add_entry(router, table, rank, tails);
    rw_free(tails);
    return err;
}

void rw_router_table_free(struct rw_router_table *table)
{
    rw_free(table->entries);
    rw_free(table->nodes);
    rw_free(table->sets);
    rw_free(table->edges.slots);
    rw_free(table->hosts.slots);
}
