/* The walk from a request to the best entry, and the life of a router. */
#include "gate/route/router.h"

#include "base/alloc.h"
#include "gate/route/router_table.h"

/* `start` of a piece that is not there. */
#define NOWHERE UINT32_MAX

enum { HOST_ROOM = 256, ARENA_BLOCK_BYTES = 64 * 1024 };

_Static_assert(sizeof(struct rw_router_node) == 64 && sizeof(struct rw_router_set) == 64,
               "one cache line each");
_Static_assert((int)HOST_ROOM > (int)RW_ROUTER_HOST_BYTES_MAX + 1, "a host and the dot at its end");

struct piece {
    uint32_t start, end; /* in the normal form of the path */
};

struct walk {
    const struct rw_router *router;
    const struct rw_router_table *table;
    const struct rw_message *message;
    rw_router_visit_fn *visit; /* NULL: find the best one */
    void *visit_user;
    struct rw_span path; /* normal form */
    uint32_t best;       /* lowest rank found */
    uint32_t exhausted;  /* lowest rank of an entry whose regex ran into its limits */
    uint32_t rest;       /* of the best one: where the value of "*" starts */
    uint16_t open_count, found_count;
    bool wrong_method;
    struct piece open[RW_ROUTE_PARAMS_MAX];  /* parameters on the way to here */
    struct piece found[RW_ROUTE_PARAMS_MAX]; /* of the best one */
};

/* ---- Hash tables ---- */

uint32_t rw_router_child(const struct rw_router_table *table, uint32_t parent,
                         struct rw_span segment)
{
    uint32_t hash = rw_router_hash(segment, parent);
    for (uint32_t i = hash;; i++) {
        const struct rw_router_slot *slot = &table->edges.slots[i & table->edges.mask];
        if (slot->target == RW_ROUTER_NO_NODE)
            return RW_ROUTER_NO_NODE;
        const struct rw_router_node *node = &table->nodes[slot->target];
        if (slot->hash == hash && node->parent == parent &&
            rw_router_label_is(&node->label, segment))
            return slot->target;
    }
}

uint32_t rw_router_set_of(const struct rw_router_table *table, struct rw_span host)
{
    uint32_t hash = rw_router_hash(host, 0);
    for (uint32_t i = hash;; i++) {
        const struct rw_router_slot *slot = &table->hosts.slots[i & table->hosts.mask];
        if (slot->target == RW_ROUTER_NO_NODE)
            return 0;
        if (slot->hash == hash && rw_router_label_is(&table->sets[slot->target].label, host))
            return slot->target;
    }
}

/* ---- One list of entries ---- */

static void win(struct walk *walk, uint32_t rank, uint32_t rest)
{
    walk->best = rank;
    walk->rest = rest;
    walk->found_count = walk->open_count;
    for (unsigned i = 0; i < walk->open_count; i++)
        walk->found[i] = walk->open[i];
}

static bool holds(struct walk *walk, const struct rw_router_route *route, uint32_t rank)
{
    /* A wrong method is looked into only until one route is known that asks for another. */
    if (walk->wrong_method && !rw_router_method_holds(route, walk->message))
        return false;
    struct rw_router_verdict verdict = rw_router_conditions(route, walk->message);
    if (verdict.kind == RW_ROUTER_EXHAUSTED && rank < walk->exhausted)
        walk->exhausted = rank;
    walk->wrong_method |= verdict.kind == RW_ROUTER_FAILS_METHOD;
    return verdict.kind == RW_ROUTER_HOLDS;
}

static bool consider(struct walk *walk, uint32_t rank, uint32_t rest)
{
    const struct rw_router_entry *entry = &walk->table->entries[rank];
    const struct rw_router_route *route = &walk->router->routes[entry->route];
    if (walk->visit) {
        walk->visit(walk->visit_user, rank, rw_router_conditions(route, walk->message));
        return false;
    }
    if (entry->conditional && !holds(walk, route, rank))
        return false;
    win(walk, rank, rest);
    return true;
}

static void consider_list(struct walk *walk, uint32_t first, uint32_t rest)
{
    for (uint32_t rank = first; rank < walk->best; rank = walk->table->entries[rank].next)
        if (consider(walk, rank, rest))
            return;
}

/* ---- Regular expressions ---- */

static void open_groups(struct walk *walk, const struct rw_router_group *groups, unsigned count)
{
    walk->open_count = (uint16_t)count;
    for (unsigned i = 0; i < count; i++)
        walk->open[i] = groups[i].start == SIZE_MAX
                            ? (struct piece){NOWHERE, NOWHERE}
                            : (struct piece){(uint32_t)groups[i].start, (uint32_t)groups[i].end};
}

static bool consider_regex(struct walk *walk, uint32_t rank)
{
    const struct rw_router_entry *entry = &walk->table->entries[rank];
    const struct rw_router_route *route = &walk->router->routes[entry->route];
    struct rw_router_group groups[RW_ROUTE_PARAMS_MAX];
    const struct rw_router_path *path = &route->paths[entry->path];
    enum rw_router_regex_result result = rw_router_regex_match(path->regex, walk->path, groups);
    if (result == RW_REGEX_YES) {
        open_groups(walk, groups, path->name_count);
        bool won = consider(walk, rank, NOWHERE);
        walk->open_count = 0;
        return won;
    }
    bool exhausted = result == RW_REGEX_EXHAUSTED;
    if (exhausted && rank < walk->exhausted)
        walk->exhausted = rank;
    if (walk->visit)
        walk->visit(walk->visit_user, rank,
                    (struct rw_router_verdict){
                        exhausted ? RW_ROUTER_EXHAUSTED : RW_ROUTER_FAILS_PATH, false, NULL});
    return false;
}

static __attribute__((noinline)) void consider_regexes(struct walk *walk, uint32_t first)
{
    for (uint32_t rank = first; rank < walk->best; rank = walk->table->entries[rank].next)
        if (consider_regex(walk, rank))
            return;
}

/* ---- Trees ---- */

/* `at`: where the next segment starts, one past the slash before it; past the end of the path:
 * there is none. As deep as the longest configured path. */
static void walk_node(struct walk *walk, uint32_t index, uint32_t at)
{
    const struct rw_router_table *table = walk->table;
    const struct rw_router_node *node = &table->nodes[index];
    struct rw_span path = walk->path;
    if (at > path.len) {
        consider_list(walk, node->exact, NOWHERE);
        consider_list(walk, node->rest, (uint32_t)path.len);
        return;
    }
    const char *slash = memchr(path.at + at, '/', path.len - at);
    uint32_t end = slash ? (uint32_t)(slash - path.at) : (uint32_t)path.len;
    if (node->branches) {
        uint32_t child = rw_router_child(table, index, rw_span(path.at + at, end - at));
        if (child != RW_ROUTER_NO_NODE && table->nodes[child].best < walk->best)
            walk_node(walk, child, end + 1);
    }
    uint32_t parameter = node->parameter;
    if (parameter != RW_ROUTER_NO_NODE && end > at && table->nodes[parameter].best < walk->best) {
        walk->open[walk->open_count++] = (struct piece){at, end};
        walk_node(walk, parameter, end + 1);
        walk->open_count--;
    }
    consider_list(walk, node->rest, at);
}

static void walk_set(struct walk *walk, uint32_t index)
{
    const struct rw_router_set *set = &walk->table->sets[index];
    if (set->best >= walk->best)
        return;
    if (walk->path.len && walk->path.at[0] == '/')
        walk_node(walk, set->root, 1);
    if (set->regex < walk->best)
        consider_regexes(walk, set->regex);
    consider_list(walk, set->any, NOWHERE);
}

/* ---- Hosts ---- */

/* ASCII upper case to lower case, eight bytes at a time. */
static uint64_t lower_word(uint64_t word)
{
    const uint64_t ones = 0x0101010101010101ull, highs = 0x8080808080808080ull;
    uint64_t sevens = word & ~highs;
    uint64_t from_a = sevens + ones * (0x80 - 'A'), past_z = sevens + ones * (0x7f - 'Z');
    return word | (((from_a ^ past_z) & ~word & highs) >> 2);
}

/* The host of `host[:port]`, lower case, at `to`; empty when there is none, its first label is
 * empty, or it is longer than any route's. */
static struct rw_span read_host(struct rw_span authority, char to[HOST_ROOM])
{
    char end = authority.len && authority.at[0] == '[' ? ']' : ':';
    const char *stop = authority.len ? memchr(authority.at, end, authority.len) : NULL;
    size_t len = stop ? (size_t)(stop - authority.at) + (end == ']') : authority.len;
    if (len > 1 && authority.at[len - 1] == '.')
        len--;
    if (len == 0 || len > RW_ROUTER_HOST_BYTES_MAX || authority.at[0] == '.')
        return rw_span(to, 0);
    memset(to + (len & ~(size_t)7), 0, 8);
    memcpy(to, authority.at, len);
    for (size_t i = 0; i < len; i += 8) {
        uint64_t word;
        memcpy(&word, to + i, 8);
        word = lower_word(word);
        memcpy(to + i, &word, 8);
    }
    return rw_span(to, len);
}

static void walk_wildcards(struct walk *walk, struct rw_span host)
{
    const struct rw_router_table *table = walk->table;
    const char *dot = memchr(host.at, '.', host.len);
    while (dot && table->wildcard_best < walk->best) {
        size_t len = host.len - (size_t)(dot - host.at);
        bool possible = table->suffix_lengths[len / 64] >> len % 64 & 1;
        uint32_t set = possible ? rw_router_set_of(table, rw_span(dot, len)) : 0;
        if (set)
            walk_set(walk, set);
        dot = memchr(dot + 1, '.', len - 1);
    }
}

static void walk_table(struct walk *walk)
{
    const struct rw_router_table *table = walk->table;
    if (table->hosts.count) {
        char lower[HOST_ROOM];
        struct rw_span host = read_host(walk->message->authority, lower);
        uint32_t set = host.len ? rw_router_set_of(table, host) : 0;
        if (set)
            walk_set(walk, set);
        if (host.len)
            walk_wildcards(walk, host);
    }
    walk_set(walk, 0);
}

/* ---- The answer ---- */

static void write_params(const struct walk *walk, struct rw_route_params *params)
{
    const struct rw_router_entry *entry = &walk->table->entries[walk->best];
    unsigned count = 0;
    if (walk->found_count) {
        const struct rw_router_path *path = &walk->router->routes[entry->route].paths[entry->path];
        for (unsigned i = 0; i < walk->found_count; i++) {
            struct piece piece = walk->found[i];
            if (piece.start == NOWHERE)
                continue;
            params->items[count].name = path->names[i];
            params->items[count++].value =
                rw_span(walk->path.at + piece.start, piece.end - piece.start);
        }
    }
    if (walk->rest != NOWHERE) {
        params->items[count].name = RW_LITERAL("*");
        params->items[count++].value = rw_span_skip(walk->path, walk->rest);
        params->matched_bytes = walk->rest;
    }
    params->count = count;
}

static int answer(const struct walk *walk, struct rw_route_params *params)
{
    params->count = 0;
    params->matched_bytes = 0;
    if (walk->exhausted < walk->best)
        return RW_ROUTE_NONE;
    if (walk->best == RW_ROUTER_NO_ENTRY)
        return walk->wrong_method ? RW_ROUTE_WRONG_METHOD : RW_ROUTE_NONE;
    write_params(walk, params);
    return (int)walk->table->entries[walk->best].route;
}

/* Values that point into the normal form: back to where they stand in the request. */
static void restore_params(struct rw_span path, const char *normal, struct rw_route_params *params)
{
    for (unsigned i = 0; i < params->count; i++) {
        struct rw_span *value = &params->items[i].value;
        size_t offset = (size_t)(value->at - normal);
        size_t start = rw_path_origin(path, offset);
        size_t end = value->len ? rw_path_origin(path, offset + value->len) : start;
        *value = rw_span(path.at + start, end - start);
    }
    if (params->matched_bytes)
        params->matched_bytes = (unsigned)(params->items[params->count - 1].value.at - path.at);
}

static __attribute__((noinline)) int find_normalised(struct walk *walk,
                                                     struct rw_route_params *params)
{
    struct rw_span path = walk->path;
    char normal[RW_PATH_BYTES_MAX];
    walk->path = rw_span(normal, rw_path_normalise(path, normal));
    walk_table(walk);
    int route = answer(walk, params);
    restore_params(path, normal, params);
    walk->path = path;
    return route;
}

static int find(struct walk *walk, struct rw_route_params *params)
{
    if (__builtin_expect(!rw_path_is_normal(walk->path), 0))
        return find_normalised(walk, params);
    walk_table(walk);
    return answer(walk, params);
}

static void begin(struct walk *walk, const struct rw_router *router, unsigned listener,
                  const struct rw_message *message)
{
    rw_assert(listener < router->listener_count);
    walk->router = router;
    walk->table = &router->tables[router->listener_tables[listener]];
    walk->message = message;
    walk->visit = NULL;
    walk->path = message->path.len ? message->path : rw_span("", 0);
    walk->best = RW_ROUTER_NO_ENTRY;
    walk->exhausted = RW_ROUTER_NO_ENTRY;
    walk->open_count = 0;
    walk->wrong_method = false;
}

int rw_router_find(const struct rw_router *router, unsigned listener,
                   const struct rw_message *message, struct rw_route_params *params)
{
    struct walk walk;
    params->count = 0;
    params->matched_bytes = 0;
    if (message->path.len > RW_PATH_BYTES_MAX)
        return RW_ROUTE_NONE;
    begin(&walk, router, listener, message);
    return find(&walk, params);
}

void rw_router_visit(const struct rw_router *router, unsigned listener,
                     const struct rw_message *message, rw_router_visit_fn *visit, void *user)
{
    struct walk walk;
    struct rw_route_params params;
    if (message->path.len > RW_PATH_BYTES_MAX)
        return;
    begin(&walk, router, listener, message);
    walk.visit = visit;
    walk.visit_user = user;
    (void)find(&walk, &params);
}

/* ---- Life ---- */

static bool route_wants(const struct rw_config_route *route,
                        const struct rw_config_listener *listener)
{
    static const struct rw_conf_list everyone;
    const struct rw_conf_list *list = route->match ? &route->match->listeners : &everyone;
    const struct rw_span *names = list->items;
    for (size_t i = 0; i < list->count; i++)
        if (rw_span_eq(names[i], listener->name))
            return true;
    return list->count == 0;
}

static enum rw_err check_listeners(const struct rw_config *config, struct rw_conf_report *report)
{
    const struct rw_config_route *routes = config->routes.items;
    const struct rw_config_listener *listeners = config->listeners.items;
    enum rw_err err = RW_OK;
    for (size_t r = 0; r < config->routes.count; r++) {
        size_t count = routes[r].match ? routes[r].match->listeners.count : 0;
        for (size_t n = 0; n < count; n++) {
            struct rw_span name = ((const struct rw_span *)routes[r].match->listeners.items)[n];
            size_t i = 0;
            while (i < config->listeners.count && !rw_span_eq(listeners[i].name, name))
                i++;
            if (i < config->listeners.count)
                continue;
            rw_conf_mistake_at(report, routes[r].match->place, "unknown listener \"%.*s\"",
                               RW_SPAN_ARGS(name));
            err = RW_EINVAL;
        }
    }
    return err;
}

/* One row of `wanted` per table: which routes it holds. A listener with the routes of an earlier
 * one shares its table. */
static enum rw_err build_table(struct rw_router *router, bool *wanted, uint32_t listener)
{
    bool *row = wanted + (size_t)router->table_count * router->route_count;
    for (uint32_t t = 0; t < router->table_count; t++)
        if (memcmp(row, wanted + (size_t)t * router->route_count, router->route_count) == 0) {
            router->listener_tables[listener] = t;
            return RW_OK;
        }
    router->listener_tables[listener] = router->table_count;
    return rw_router_table_build(router, row, &router->tables[router->table_count++]);
}

static enum rw_err build_tables(struct rw_router *router, const struct rw_config *config)
{
    const struct rw_config_route *routes = config->routes.items;
    const struct rw_config_listener *listeners = config->listeners.items;
    size_t count = config->listeners.count;
    enum rw_err err = RW_OK;
    router->tables = rw_alloc_zero((count + 1) * sizeof(*router->tables));
    router->listener_tables = rw_alloc_zero((count + 1) * sizeof(*router->listener_tables));
    bool *wanted = rw_alloc(count * router->route_count + 1);
    if (!router->tables || !router->listener_tables || !wanted)
        err = RW_ENOMEM;
    for (uint32_t l = 0; l < count && !err; l++) {
        bool *row = wanted + (size_t)router->table_count * router->route_count;
        for (uint32_t r = 0; r < router->route_count; r++)
            row[r] = route_wants(&routes[r], &listeners[l]);
        router->listener_count = l + 1;
        err = build_table(router, wanted, l);
    }
    rw_free(wanted);
    return err;
}

enum rw_err rw_router_create(const struct rw_config *config, struct rw_conf_report *report,
                             struct rw_router **out)
{
    *out = NULL;
    struct rw_router *router = rw_alloc_zero(sizeof(*router));
    if (!router)
        return RW_ENOMEM;
    rw_arena_init(&router->arena, NULL, 0, ARENA_BLOCK_BYTES, SIZE_MAX);
    enum rw_err unknown = check_listeners(config, report);
    enum rw_err err = rw_router_read_routes(router, config, report);
    if (!err)
        err = unknown;
    if (!err)
        err = build_tables(router, config);
    if (err)
        rw_router_destroy(router);
    else
        *out = router;
    return err;
}

void rw_router_destroy(struct rw_router *router)
{
    if (!router)
        return;
    rw_router_free_routes(router);
    for (uint32_t t = 0; t < router->table_count; t++)
        rw_router_table_free(&router->tables[t]);
    rw_free(router->tables);
    rw_free(router->listener_tables);
    rw_arena_free(&router->arena);
    rw_free(router);
}
