#include "gate/front/flooders.h"

#include "base/alloc.h"
#include "base/random.h"
#include "base/siphash.h"
#include "gate/front/forwarded.h"

enum {
    SETS = 256, /* a power of two */
    WAYS = 4,
    PERIOD_MS = 10000, /* which empties a full level */
};

/* A level is in ten-thousandths of a flood, and sinks by the limit each millisecond. */
struct flooder {
    uint64_t key; /* of the address; 0: nobody */
    uint64_t at_ms;
    uint64_t level;
};

struct rw_flooders {
    uint64_t secret[2]; /* nobody chooses whom he shares a set with */
    struct flooder sets[SETS][WAYS];
};

static uint64_t key_of(const struct rw_flooders *flooders, const struct sockaddr *peer)
{
    const struct sockaddr_in *v4 = (const struct sockaddr_in *)peer;
    const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)peer;
    struct rw_siphash hash;
    rw_siphash_begin(&hash, flooders->secret);
    if (peer->sa_family == AF_INET)
        rw_siphash_add(&hash, &v4->sin_addr, sizeof(v4->sin_addr));
    else if (IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr))
        rw_siphash_add(&hash, &v6->sin6_addr.s6_addr[12], sizeof(v4->sin_addr));
    else /* a site has that many, to choose from as it likes */
        rw_siphash_add(&hash, &v6->sin6_addr, 8);
    return rw_siphash_end(&hash) | 1;
}

static bool has_address(const struct sockaddr *peer)
{
    return peer->sa_family == AF_INET || peer->sa_family == AF_INET6;
}

static void sink(struct flooder *flooder, uint64_t now_ms, uint32_t limit)
{
    uint64_t less = (now_ms - flooder->at_ms) * limit;
    flooder->level = less < flooder->level ? flooder->level - less : 0;
    flooder->at_ms = now_ms;
}

static struct flooder *find(struct rw_flooders *flooders, uint64_t key)
{
    struct flooder *set = flooders->sets[(key >> 1) % SETS];
    for (unsigned i = 0; i < WAYS; i++)
        if (set[i].key == key)
            return &set[i];
    return NULL;
}

/* The place of whoever has flooded least. */
static struct flooder *replace(struct rw_flooders *flooders, uint64_t key, uint64_t now_ms,
                               uint32_t limit)
{
    struct flooder *set = flooders->sets[(key >> 1) % SETS], *least = set;
    for (unsigned i = 0; i < WAYS; i++) {
        sink(&set[i], now_ms, limit);
        if (set[i].level < least->level)
            least = &set[i];
    }
    *least = (struct flooder){.key = key, .at_ms = now_ms};
    return least;
}

static struct rw_flooders *make(void)
{
    struct rw_flooders *flooders = rw_alloc_zero(sizeof(*flooders));
    struct rw_random random;
    if (!flooders)
        return NULL;
    rw_random_seed_system(&random);
    flooders->secret[0] = rw_random_u64(&random);
    flooders->secret[1] = rw_random_u64(&random);
    return flooders;
}

void rw_flooders_note(struct rw_client *client)
{
    struct rw_worker *worker = rw_client_worker(client);
    const struct rw_listener_settings *settings = rw_client_settings(client);
    uint32_t limit = settings->config->http2->flooders;
    uint64_t now_ms = rw_loop_now_ms(worker->loop);
    if (!limit || !has_address(&client->peer.any) ||
        rw_forwarded_trusts(settings, &client->peer.any))
        return;
    if (!worker->flooders && !(worker->flooders = make()))
        return;
    uint64_t key = key_of(worker->flooders, &client->peer.any);
    struct flooder *flooder = find(worker->flooders, key);
    if (!flooder)
        flooder = replace(worker->flooders, key, now_ms, limit);
    sink(flooder, now_ms, limit);
    bool was_full = flooder->level >= (uint64_t)limit * PERIOD_MS;
    if (was_full)
        return;
    flooder->level += PERIOD_MS;
    if (flooder->level >= (uint64_t)limit * PERIOD_MS)
        rw_client_tell(client, "http2.flooders is reached: more connections of this address are "
                               "refused until it stops");
}

bool rw_flooders_refuse(struct rw_worker *worker, const struct rw_listener_settings *settings,
                        const struct sockaddr *peer)
{
    uint32_t limit = settings->config->http2->flooders;
    if (__builtin_expect(!worker->flooders, 1) || !limit || !has_address(peer))
        return false;
    struct flooder *flooder = find(worker->flooders, key_of(worker->flooders, peer));
    if (!flooder)
        return false;
    sink(flooder, rw_loop_now_ms(worker->loop), limit);
    if (flooder->level < (uint64_t)limit * PERIOD_MS || rw_forwarded_trusts(settings, peer))
        return false;
    rw_worker_count(worker, RW_COUNTER_HTTP2_FLOODERS_REFUSED, 1);
    return true;
}

void rw_flooders_free(struct rw_worker *worker)
{
    rw_free(worker->flooders);
    worker->flooders = NULL;
}
