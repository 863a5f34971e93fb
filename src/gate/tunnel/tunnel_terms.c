#include "gate/tunnel/tunnel_terms.h"

#include "base/alloc.h"
#include "base/map.h"
#include "gate/worker.h"

enum { CHAINS = 256 };

struct shared {
    struct rw_tunnel_terms terms;
    struct shared *next; /* in its chain */
    struct shared **chain;
    uint64_t hash;
    size_t users;
    char texts[];
};

/* As many as have a tunnel, so limited like these. Only the configuration says what is in them: no
 * peer can make a chain long. */
struct table {
    struct rw_worker_store store;
    struct shared *chains[CHAINS];
};

_Static_assert(sizeof(struct rw_tunnel_limits) == 7 * sizeof(uint32_t), "compared as bytes");

/* ---- The worker's table ---- */

/* What is there is in use. */
static void trim(struct rw_worker_store *store)
{
    (void)store;
}

static void destroy(struct rw_worker_store *store)
{
    struct table *table = rw_container_of(store, struct table, store);
    for (unsigned i = 0; i < CHAINS; i++)
        rw_assert(!table->chains[i]);
    rw_free(table);
}

static const struct rw_worker_store_kind kind = {.trim = trim, .destroy = destroy};

static struct table *table_of(struct rw_worker *worker)
{
    struct rw_worker_store *store = rw_worker_store(worker, &kind);
    if (store)
        return rw_container_of(store, struct table, store);
    struct table *table = rw_alloc_zero(sizeof(*table));
    if (!table)
        return NULL;
    table->store.kind = &kind;
    rw_worker_add_store(worker, &table->store);
    return table;
}

/* ---- Finding ---- */

static uint64_t hash_of(const struct rw_tunnel_terms *terms)
{
    uint64_t hash = rw_hash(&terms->limits, sizeof(terms->limits), terms->route_series);
    hash = rw_hash(terms->route.at, terms->route.len, hash);
    return rw_hash(terms->upstream.at, terms->upstream.len, hash);
}

static bool equal(const struct rw_tunnel_terms *a, const struct rw_tunnel_terms *b)
{
    return a->observer == b->observer && a->route_series == b->route_series &&
           memcmp(&a->limits, &b->limits, sizeof(a->limits)) == 0 &&
           rw_span_eq(a->route, b->route) && rw_span_eq(a->upstream, b->upstream);
}

static struct shared *find(struct shared *chain, const struct rw_tunnel_terms *like, uint64_t hash)
{
    while (chain && !(chain->hash == hash && equal(&chain->terms, like)))
        chain = chain->next;
    return chain;
}

/* ---- Life ---- */

static struct rw_span keep(char *to, struct rw_span text)
{
    if (text.len)
        memcpy(to, text.at, text.len);
    return rw_span(to, text.len);
}

static struct shared *create(struct shared **chain, const struct rw_tunnel_terms *like,
                             uint64_t hash)
{
    struct shared *shared = rw_alloc(sizeof(*shared) + like->route.len + like->upstream.len);
    if (!shared)
        return NULL;
    *shared = (struct shared){.terms = *like, .next = *chain, .chain = chain, .hash = hash};
    shared->terms.route = keep(shared->texts, like->route);
    shared->terms.upstream = keep(shared->texts + like->route.len, like->upstream);
    *chain = shared;
    return shared;
}

const struct rw_tunnel_terms *rw_tunnel_terms_hold(const struct rw_tunnel_terms *like)
{
    struct table *table = table_of(like->worker);
    if (!table)
        return NULL;
    uint64_t hash = hash_of(like);
    struct shared **chain = &table->chains[hash % CHAINS];
    struct shared *shared = find(*chain, like, hash);
    if (!shared)
        shared = create(chain, like, hash);
    if (!shared)
        return NULL;
    shared->users++;
    return &shared->terms;
}

void rw_tunnel_terms_drop(const struct rw_tunnel_terms *terms)
{
    struct shared *shared = rw_container_of(terms, struct shared, terms);
    if (--shared->users)
        return;
    struct shared **at = shared->chain;
    while (*at != shared)
        at = &(*at)->next;
    *at = shared->next;
    rw_free(shared);
}
