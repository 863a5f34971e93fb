/* Choosing an endpoint of a set. How sets are made: balance_set.c. */
#include "gate/cluster/balance/balance.h"

#include "base/clock.h"
#include "base/random.h"
#include "gate/cluster/balance/residency.h"
#include "gate/cluster/balance/tiers.h"

enum {
    WALK_MAX = 64, /* entries passed over before every endpoint is looked at in turn */
    DRAWS_MAX = 4,
    DRAWS_BOUND_MAX = 32, /* of a request that may not go everywhere */
    COMPARED_MAX = 16,    /* endpoints whose costs are compared */
    DECAY_MS = 1000,      /* how fast the mean of latencies goes down */
    STALE_MS = 10000,     /* what was seen so long ago is believed by half */
    FAILURE_US = 1000000,
    ALIKE_US = 1000,       /* paths whose scores differ by less are alike */
    WEIGHT_SCALE = 1024,   /* so that weights divide without much loss */
    TRIAL_MS = 30000,      /* a request on trial that nobody judges holds up others for so long, */
    TRIAL_ALONE_MS = 1000, /* or only so long when it is not even under way any more */
};

/* ---- Choosing ---- */

/* The one before has ended without having been judged: its client has gone, for instance. Within
 * the first moment another thread may only be about to send it. */
static bool trial_is_over(const struct rw_endpoint *endpoint, uint64_t next_ms, uint64_t now_ms)
{
    return next_ms <= now_ms ||
           (next_ms <= now_ms + TRIAL_MS - TRIAL_ALONE_MS &&
            atomic_load_explicit(&endpoint->active, memory_order_relaxed) == 0);
}

/* The ejection is over: one request at a time, of whoever comes first; the next when that was
 * judged, or after a while without judgement. */
static bool take_trial(struct rw_endpoint *endpoint, uint64_t now_ms)
{
    uint64_t next_ms = atomic_load_explicit(&endpoint->trial_ms, memory_order_relaxed);
    return trial_is_over(endpoint, next_ms, now_ms) &&
           atomic_compare_exchange_strong_explicit(&endpoint->trial_ms, &next_ms, now_ms + TRIAL_MS,
                                                   memory_order_relaxed, memory_order_relaxed);
}

/* Slow start: the share of draws that an endpoint takes rises with time, from a tenth. */
static bool takes_share(struct rw_endpoint *endpoint, uint64_t returned_ms,
                        const struct rw_choice *choice)
{
    const uint32_t whole_ms = choice->passive->slow_start_ms;
    uint64_t elapsed_ms = rw_elapsed_ms(choice->now_ms, returned_ms);
    if (elapsed_ms >= whole_ms) {
        uint64_t until_ms = returned_ms;
        (void)atomic_compare_exchange_strong_explicit(&endpoint->ejected_until_ms, &until_ms, 0,
                                                      memory_order_relaxed, memory_order_relaxed);
        return true;
    }
    uint64_t share_ms = elapsed_ms > whole_ms / 10 ? elapsed_ms : whole_ms / 10;
    return rw_random_below(choice->random, whole_ms) < share_ms;
}

static enum rw_rank rank_of_ejected(struct rw_endpoint *endpoint, const struct rw_choice *choice)
{
    bool avoided = endpoint == choice->avoid;
    uint64_t returned_ms = atomic_load_explicit(&endpoint->returned_ms, memory_order_relaxed);
    if (atomic_load_explicit(&endpoint->ejected_until_ms, memory_order_relaxed) > choice->now_ms)
        return avoided ? RW_RANK_PANIC_AVOIDED : RW_RANK_PANIC;
    if (!choice->passive || (!choice->passive->trials && !returned_ms))
        return avoided ? RW_RANK_AVOIDED : RW_RANK_GOOD;
    if (returned_ms)
        return takes_share(endpoint, returned_ms, choice) && !avoided ? RW_RANK_GOOD
                                                                      : RW_RANK_AVOIDED;
    if (avoided)
        return RW_RANK_PANIC_AVOIDED;
    return take_trial(endpoint, choice->now_ms) ? RW_RANK_GOOD : RW_RANK_PANIC;
}

static inline enum rw_rank rank_of(const struct rw_endpoint_set *set, struct rw_endpoint *endpoint,
                                   const struct rw_choice *choice)
{
    if (__builtin_expect(choice->residency != NULL, 0) &&
        !rw_residency_admits(choice->residency, &endpoint->locality))
        return RW_RANK_DOWN;
    if (atomic_load_explicit(&endpoint->probe_failed, memory_order_relaxed) &&
        !atomic_load_explicit(&set->panic, memory_order_relaxed))
        return RW_RANK_DOWN;
    if (__builtin_expect(
            atomic_load_explicit(&endpoint->ejected_until_ms, memory_order_relaxed) != 0, 0))
        return rank_of_ejected(endpoint, choice);
    return endpoint == choice->avoid ? RW_RANK_AVOIDED : RW_RANK_GOOD;
}

static inline bool is_good(const struct rw_endpoint_set *set, struct rw_endpoint *endpoint,
                           const struct rw_choice *choice)
{
    return rank_of(set, endpoint, choice) == RW_RANK_GOOD;
}

static struct rw_endpoint *choose_round_robin(const struct rw_endpoint_set *set,
                                              const struct rw_choice *choice)
{
    struct rw_endpoint *found = NULL;
    uint32_t at = *choice->cursor;
    if (at >= set->schedule_count)
        at %= set->schedule_count;
    for (int steps = 0; steps < WALK_MAX && !found; steps++) {
        struct rw_endpoint *endpoint = set->endpoints[set->schedule[at]];
        at = at + 1 == set->schedule_count ? 0 : at + 1;
        if (is_good(set, endpoint, choice))
            found = endpoint;
    }
    *choice->cursor = at;
    return found;
}

/* A good endpoint by weight: its place in the schedule, or UINT32_MAX. */
static uint32_t draw(const struct rw_endpoint_set *set, const struct rw_choice *choice)
{
    const int draws_max = choice->residency ? DRAWS_BOUND_MAX : DRAWS_MAX;
    for (int draws = 0; draws < draws_max; draws++) {
        uint32_t at = rw_random_below(choice->random, set->schedule_count);
        if (is_good(set, set->endpoints[set->schedule[at]], choice))
            return at;
    }
    return UINT32_MAX;
}

static struct rw_endpoint *choose_random(const struct rw_endpoint_set *set,
                                         const struct rw_choice *choice)
{
    uint32_t at = draw(set, choice);
    return at == UINT32_MAX ? NULL : set->endpoints[set->schedule[at]];
}

/* Of one that is good: this is the one request that it gets, and nobody else may be asked. */
static inline bool is_on_trial(const struct rw_endpoint *endpoint, const struct rw_choice *choice)
{
    return __builtin_expect(
               atomic_load_explicit(&endpoint->ejected_until_ms, memory_order_relaxed) != 0, 0) &&
           choice->passive && choice->passive->trials &&
           !atomic_load_explicit(&endpoint->returned_ms, memory_order_relaxed);
}

/* Of two drawn by weight the one with fewer requests in flight for its weight (Mitzenmacher, "The
 * Power of Two Choices in Randomized Load Balancing", 2001). */
static struct rw_endpoint *choose_least_requests(const struct rw_endpoint_set *set,
                                                 const struct rw_choice *choice)
{
    uint32_t at = draw(set, choice);
    if (at == UINT32_MAX)
        return NULL;
    uint32_t first = set->schedule[at];
    if (set->schedule_count == 1 || is_on_trial(set->endpoints[first], choice))
        return set->endpoints[first];
    uint32_t other = rw_random_below(choice->random, set->schedule_count - 1);
    uint32_t second = set->schedule[other + (other >= at)];
    if (second == first || !is_good(set, set->endpoints[second], choice))
        return set->endpoints[first];
    if (is_on_trial(set->endpoints[second], choice))
        return set->endpoints[second];
    uint64_t first_active =
        atomic_load_explicit(&set->endpoints[first]->active, memory_order_relaxed);
    uint64_t second_active =
        atomic_load_explicit(&set->endpoints[second]->active, memory_order_relaxed);
    bool fewer = second_active * set->weights[first] < first_active * set->weights[second];
    return set->endpoints[fewer ? second : first];
}

/* Neighbours in the table are strangers, so walking on spreads the keys of one that is down. */
static struct rw_endpoint *choose_by_hash(const struct rw_endpoint_set *set,
                                          const struct rw_choice *choice)
{
    uint32_t at = (uint32_t)(choice->hash % set->table_count);
    for (int steps = 0; steps < WALK_MAX; steps++) {
        struct rw_endpoint *endpoint = set->endpoints[set->table[at]];
        if (is_good(set, endpoint, choice))
            return endpoint;
        at = at + 1 == set->table_count ? 0 : at + 1;
    }
    return NULL;
}

/* ---- By latency ---- */

/* The mean in microseconds below, above it when it was last seen: 32 bits of milliseconds. */
static uint64_t pack(uint64_t us, uint64_t now_ms)
{
    return (now_ms & UINT32_MAX) << 32 | (us < UINT32_MAX ? us : UINT32_MAX);
}

/* Another thread's time may be ahead of this one's: then half of the 32 bits' range says so. */
static uint32_t age_of(uint64_t latency, uint64_t now_ms)
{
    int32_t age_ms = (int32_t)((uint32_t)now_ms - (uint32_t)(latency >> 32));
    return (uint32_t)rw_elapsed_ms(now_ms, now_ms - (uint64_t)age_ms);
}

/* Threads that come together lose one of two samples. */
void rw_endpoint_observe(struct rw_endpoint *endpoint, uint64_t us, bool failed, uint64_t now_ms)
{
    uint64_t latency = atomic_load_explicit(&endpoint->latency, memory_order_relaxed);
    uint64_t mean_us = (uint32_t)latency, age_ms = age_of(latency, now_ms);
    us = failed && us < FAILURE_US ? FAILURE_US : us ? us : 1;
    if (us < mean_us)
        us = (mean_us * DECAY_MS + us * age_ms) / (DECAY_MS + age_ms);
    atomic_store_explicit(&endpoint->latency, pack(us, now_ms), memory_order_relaxed);
}

/* Who was never asked is asked once, and then not until it has answered. */
static uint64_t cost_of(const struct rw_endpoint_set *set, unsigned at,
                        const struct rw_choice *choice)
{
    const struct rw_endpoint *endpoint = set->endpoints[at];
    uint64_t latency = atomic_load_explicit(&endpoint->latency, memory_order_relaxed);
    uint64_t active = atomic_load_explicit(&endpoint->active, memory_order_relaxed);
    if (latency == 0)
        return active ? (uint64_t)UINT32_MAX * (active + 1) : 0;
    uint32_t halvings = age_of(latency, choice->now_ms) / STALE_MS;
    uint64_t us = halvings < 32 ? (uint32_t)latency >> halvings : 0;
    return (us ? us : 1) * (active + 1) * WEIGHT_SCALE / set->weights[at];
}

static struct rw_endpoint *choose_by_latency(const struct rw_endpoint_set *set,
                                             const struct rw_choice *choice)
{
    struct rw_endpoint *best = NULL;
    uint64_t least = UINT64_MAX;
    uint32_t equals = 0;
    bool all = set->count <= COMPARED_MAX;
    unsigned start = rw_random_below(choice->random, set->count);
    for (unsigned i = 0; i < (all ? set->count : COMPARED_MAX); i++) {
        unsigned at = all ? (start + i) % set->count
                          : set->schedule[rw_random_below(choice->random, set->schedule_count)];
        struct rw_endpoint *endpoint = set->endpoints[at];
        if (!set->weights[at] || !is_good(set, endpoint, choice))
            continue;
        if (is_on_trial(endpoint, choice))
            return endpoint;
        uint64_t cost = cost_of(set, at, choice);
        equals = cost < least ? 1 : equals + (cost == least);
        if (cost > least || (cost == least && rw_random_below(choice->random, equals)))
            continue;
        least = cost;
        best = endpoint;
    }
    return best;
}

/* ---- By path ---- */

/* Who is that much worse than the best at the most is as good. */
static uint64_t as_good_as(uint64_t score_us)
{
    uint64_t tenth_us = score_us / 10;
    return score_us + (tenth_us > ALIKE_US ? tenth_us : ALIKE_US);
}

/* The best score of those that are good; UINT64_MAX: none is. Who is on trial is told. */
static uint64_t find_best_path(const struct rw_endpoint_set *set, const struct rw_choice *choice,
                               struct rw_endpoint **trial)
{
    uint64_t least = UINT64_MAX;
    for (unsigned at = 0; at < set->count; at++) {
        struct rw_endpoint *endpoint = set->endpoints[at];
        if (!set->weights[at] || !is_good(set, endpoint, choice))
            continue;
        if (is_on_trial(endpoint, choice)) {
            *trial = endpoint;
            return 0;
        }
        uint64_t score = rw_path_score(endpoint, choice->now_ms);
        least = score < least ? score : least;
    }
    return least;
}

/* Of the endpoints by the best paths the one with the fewest requests for its weight. */
static struct rw_endpoint *choose_by_path(const struct rw_endpoint_set *set,
                                          const struct rw_choice *choice)
{
    struct rw_endpoint *best = NULL;
    uint64_t most = find_best_path(set, choice, &best), fewest = UINT64_MAX;
    uint32_t equals = 0;
    if (best || most == UINT64_MAX)
        return best;
    most = as_good_as(most);
    for (unsigned at = 0; at < set->count; at++) {
        struct rw_endpoint *endpoint = set->endpoints[at];
        if (!set->weights[at] || rw_path_score(endpoint, choice->now_ms) > most ||
            !is_good(set, endpoint, choice))
            continue;
        uint64_t active = atomic_load_explicit(&endpoint->active, memory_order_relaxed);
        uint64_t load = active * WEIGHT_SCALE * WEIGHT_SCALE / set->weights[at];
        equals = load < fewest ? 1 : equals + (load == fewest);
        if (load > fewest || (load == fewest && rw_random_below(choice->random, equals)))
            continue;
        fewest = load;
        best = endpoint;
    }
    return best;
}

static inline struct rw_endpoint *choose_good(const struct rw_endpoint_set *set, int balance,
                                              const struct rw_choice *choice)
{
    if (set->schedule_count == 0)
        return NULL;
    switch ((enum rw_config_balance)balance) {
    case RW_BALANCE_ROUND_ROBIN:
        return choose_round_robin(set, choice);
    case RW_BALANCE_LEAST_REQUESTS:
        return choose_least_requests(set, choice);
    case RW_BALANCE_HASH:
        return choose_by_hash(set, choice);
    case RW_BALANCE_RANDOM:
        return choose_random(set, choice);
    case RW_BALANCE_LATENCY:
        return choose_by_latency(set, choice);
    case RW_BALANCE_PATH:
        return choose_by_path(set, choice);
    }
    return NULL;
}

struct rw_endpoint *rw_balance_choose_good(const struct rw_endpoint_set *set, int balance,
                                           const struct rw_choice *choice)
{
    return choose_good(set, balance, choice);
}

/* Few are good, or none: look at them all. The best of them is the answer. */
struct rw_endpoint *rw_balance_choose_best(const struct rw_endpoint_set *set, int balance,
                                           const struct rw_choice *choice, enum rw_rank *rank)
{
    struct rw_endpoint *best = NULL;
    enum rw_rank best_rank = RW_RANK_DOWN;
    if (set->schedule_count == 0)
        return NULL;
    unsigned start = balance == RW_BALANCE_HASH ? (unsigned)(choice->hash % set->count)
                                                : rw_random_below(choice->random, set->count);
    for (unsigned i = 0; i < set->count && best_rank != RW_RANK_GOOD; i++) {
        unsigned at = start + i < set->count ? start + i : start + i - set->count;
        enum rw_rank of =
            set->weights[at] ? rank_of(set, set->endpoints[at], choice) : RW_RANK_DOWN;
        if (of > best_rank) {
            best = set->endpoints[at];
            best_rank = of;
        }
    }
    bool refuses = choice->passive && choice->passive->all_out == RW_ALL_OUT_REFUSE;
    *rank = best_rank;
    return refuses && best_rank <= RW_RANK_PANIC ? NULL : best;
}

struct rw_endpoint *rw_balance_choose(const struct rw_endpoint_set *set, int balance,
                                      const struct rw_choice *choice)
{
    enum rw_rank rank;
    struct rw_endpoint *found = choose_good(set, balance, choice);
    if (__builtin_expect(found != NULL, 1))
        return found;
    return rw_balance_choose_best(set, balance, choice, &rank);
}
