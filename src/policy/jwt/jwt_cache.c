#include "policy/jwt/jwt_cache.h"

#include "base/alloc.h"

enum { WAYS = 4 };

struct entry {
    uint8_t digest[RW_DIGEST_BYTES];
    struct rw_jwt_known *known; /* one block with its texts; NULL: free */
    uint64_t used;              /* number of the look-up */
};

struct rw_jwt_cache {
    uint64_t lookups;
    size_t sets; /* a power of two */
    struct entry entries[];
};

/* ---- Copies ---- */

/* How many bytes an identity needs behind itself. */
static size_t texts_bytes(const struct rw_identity *identity)
{
    size_t bytes = identity->claim_count * sizeof(*identity->claims) + identity->consumer.len +
                   identity->tenant.len;
    for (unsigned i = 0; i < identity->claim_count; i++)
        bytes += identity->claims[i].name.len + identity->claims[i].value.len;
    return bytes;
}

static struct rw_span copy_text(char **to, struct rw_span text)
{
    struct rw_span copy = rw_span(*to, text.len);
    if (text.len)
        memcpy(*to, text.at, text.len);
    *to += text.len;
    return copy;
}

/* `room` has texts_bytes, aligned for claims. */
static struct rw_identity copy_to(void *room, const struct rw_identity *identity)
{
    struct rw_claim *claims = room;
    char *to = (char *)(claims + identity->claim_count);
    struct rw_identity copy = {.claims = claims, .claim_count = identity->claim_count};
    copy.consumer = copy_text(&to, identity->consumer);
    copy.tenant = copy_text(&to, identity->tenant);
    for (unsigned i = 0; i < identity->claim_count; i++) {
        claims[i].name = copy_text(&to, identity->claims[i].name);
        claims[i].value = copy_text(&to, identity->claims[i].value);
    }
    return copy;
}

const struct rw_identity *rw_jwt_copy_identity(struct rw_arena *arena,
                                               const struct rw_identity *identity)
{
    struct rw_identity *copy = rw_arena_alloc(arena, sizeof(*copy) + texts_bytes(identity));
    if (copy)
        *copy = copy_to(copy + 1, identity);
    return copy;
}

/* ---- The cache ---- */

enum rw_err rw_jwt_cache_create(uint32_t tokens, struct rw_jwt_cache **made)
{
    size_t sets = 1;
    while (sets * WAYS < tokens)
        sets *= 2;
    struct rw_jwt_cache *cache =
        rw_alloc_zero(sizeof(*cache) + sets * WAYS * sizeof(*cache->entries));
    if (!cache)
        return RW_ENOMEM;
    cache->sets = sets;
    *made = cache;
    return RW_OK;
}

void rw_jwt_cache_destroy(struct rw_jwt_cache *cache)
{
    if (!cache)
        return;
    for (size_t i = 0; i < cache->sets * WAYS; i++)
        rw_free(cache->entries[i].known);
    rw_free(cache);
}

static struct entry *set_of(struct rw_jwt_cache *cache, const uint8_t *digest)
{
    size_t index;
    memcpy(&index, digest, sizeof(index));
    return &cache->entries[(index & (cache->sets - 1)) * WAYS];
}

const struct rw_jwt_known *rw_jwt_cache_find(struct rw_jwt_cache *cache,
                                             const uint8_t digest[RW_DIGEST_BYTES], uint64_t now_s)
{
    struct entry *set = set_of(cache, digest);
    cache->lookups++;
    for (unsigned i = 0; i < WAYS; i++) {
        struct entry *entry = &set[i];
        if (!entry->known || memcmp(entry->digest, digest, RW_DIGEST_BYTES) != 0)
            continue;
        entry->used = cache->lookups;
        return now_s >= entry->known->begin_s && now_s < entry->known->end_s ? entry->known : NULL;
    }
    return NULL;
}

/* The one with this digest, a free one, or the one whose last use is the longest ago. */
static struct entry *choose(struct entry *set, const uint8_t *digest)
{
    struct entry *chosen = &set[0];
    for (unsigned i = 0; i < WAYS; i++) {
        if (set[i].known && memcmp(set[i].digest, digest, RW_DIGEST_BYTES) == 0)
            return &set[i];
        if (chosen->known && (!set[i].known || set[i].used < chosen->used))
            chosen = &set[i];
    }
    return chosen;
}

void rw_jwt_cache_put(struct rw_jwt_cache *cache, const uint8_t digest[RW_DIGEST_BYTES],
                      const struct rw_jwt_known *known)
{
    struct rw_jwt_known *copy = rw_alloc(sizeof(*copy) + texts_bytes(&known->identity));
    if (!copy)
        return;
    *copy = *known;
    copy->identity = copy_to(copy + 1, &known->identity);
    struct entry *entry = choose(set_of(cache, digest), digest);
    rw_free(entry->known);
    memcpy(entry->digest, digest, RW_DIGEST_BYTES);
    entry->known = copy;
    entry->used = cache->lookups;
}
