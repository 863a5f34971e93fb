#include "gate/cluster/balance/tiers.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/map.h"
#include "base/random.h"

enum {
    COUNT_EVERY_MS = 20,
    TRIAL_SHARE = RW_TIER_SHARE_ONE / 50, /* at least, for who is on trial there */
};

/* ---- Making them ---- */

/* A bit for each rank that a member has. */
static uint64_t find_ranks(const struct rw_balance_member *members, unsigned count)
{
    uint64_t ranks = 0;
    for (unsigned i = 0; i < count; i++) {
        rw_assert(members[i].rank < RW_TIERS_MAX);
        ranks |= 1ull << members[i].rank;
    }
    return ranks;
}

/* `members` stay in their order, by name; `scratch` has room for all of them. */
static enum rw_err add_tier(struct rw_endpoint_tiers *tiers,
                            const struct rw_balance_member *members, unsigned count,
                            struct rw_balance_member *scratch, uint32_t rank, int balance)
{
    struct rw_endpoint_tier *tier = &tiers->tiers[tiers->count];
    unsigned kept = 0;
    for (unsigned i = 0; i < count; i++)
        if (members[i].rank == rank)
            scratch[kept++] = members[i];
    enum rw_err err = rw_endpoint_set_create(scratch, kept, balance, &tier->set);
    if (err)
        return err;
    tier->rank = rank;
    atomic_init(&tier->share, tiers->count == 0 ? RW_TIER_SHARE_ONE : 0);
    tiers->count++;
    return RW_OK;
}

enum rw_err rw_endpoint_set_add_tiers(struct rw_endpoint_set *set,
                                      const struct rw_balance_member *members, int balance,
                                      uint32_t full_percent)
{
    uint64_t ranks = find_ranks(members, set->count);
    unsigned rank_count = (unsigned)__builtin_popcountll(ranks);
    if (rank_count < 2)
        return RW_OK;
    enum rw_err err = RW_OK;
    struct rw_endpoint_tiers *made =
        rw_alloc_zero(sizeof(*made) + rank_count * sizeof(made->tiers[0]));
    struct rw_balance_member *scratch = rw_alloc(set->count * sizeof(*scratch));
    if (!made || !scratch) {
        err = RW_ENOMEM;
        goto out;
    }
    made->full_percent = full_percent;
    for (; ranks && !err; ranks &= ranks - 1)
        err =
            add_tier(made, members, set->count, scratch, (uint32_t)__builtin_ctzll(ranks), balance);
    if (err)
        goto out;
    set->tiers = made;
    made = NULL;
out:
    rw_tiers_destroy(made);
    rw_free(scratch);
    return err;
}

void rw_tiers_destroy(struct rw_endpoint_tiers *tiers)
{
    for (unsigned i = 0; tiers && i < tiers->count; i++)
        rw_endpoint_set_destroy(tiers->tiers[i].set);
    rw_free(tiers);
}

/* ---- Counting ---- */

/* How much of its weight an endpoint can take, of RW_TIER_SHARE_ONE; `trial`: it is on trial. */
static uint32_t capacity_of(const struct rw_endpoint *endpoint, bool panic,
                            const struct rw_config_passive_health *passive, uint64_t now_ms,
                            bool *trial)
{
    uint64_t until_ms = atomic_load_explicit(&endpoint->ejected_until_ms, memory_order_relaxed);
    uint64_t returned_ms = atomic_load_explicit(&endpoint->returned_ms, memory_order_relaxed);
    if (!panic && atomic_load_explicit(&endpoint->probe_failed, memory_order_relaxed))
        return 0;
    if (until_ms == 0)
        return RW_TIER_SHARE_ONE;
    if (until_ms > now_ms)
        return 0;
    if (!passive || (!passive->trials && !returned_ms))
        return RW_TIER_SHARE_ONE;
    if (!returned_ms) {
        *trial = true;
        return 0;
    }
    uint64_t elapsed_ms = rw_elapsed_ms(now_ms, returned_ms);
    if (elapsed_ms >= passive->slow_start_ms)
        return RW_TIER_SHARE_ONE;
    return (uint32_t)(elapsed_ms * RW_TIER_SHARE_ONE / passive->slow_start_ms);
}

/* What a tier would take of everything, of RW_TIER_SHARE_ONE. */
static uint32_t ability_of(const struct rw_endpoint_set *set, bool panic, uint32_t full_percent,
                           const struct rw_config_passive_health *passive, uint64_t now_ms)
{
    double all = 0, up = 0;
    bool trial = false;
    for (unsigned i = 0; i < set->count; i++) {
        all += set->weights[i];
        if (set->weights[i])
            up += (double)set->weights[i] *
                  capacity_of(set->endpoints[i], panic, passive, now_ms, &trial);
    }
    double ability = all > 0 ? up / all * 100 / full_percent : 0;
    uint32_t least = trial ? TRIAL_SHARE : 0;
    uint32_t able = ability < RW_TIER_SHARE_ONE ? (uint32_t)ability : RW_TIER_SHARE_ONE;
    return able > least ? able : least;
}

void rw_tiers_count(const struct rw_endpoint_set *set,
                    const struct rw_config_passive_health *passive, uint64_t now_ms)
{
    struct rw_endpoint_tiers *tiers = set->tiers;
    bool panic = atomic_load_explicit(&set->panic, memory_order_relaxed);
    uint64_t sum = 0;
    uint32_t able[RW_TIERS_MAX] = {0};
    for (unsigned i = 0; i < tiers->count; i++) {
        able[i] = ability_of(tiers->tiers[i].set, panic, tiers->full_percent, passive, now_ms);
        sum += able[i];
    }
    uint32_t left = RW_TIER_SHARE_ONE;
    for (unsigned i = 0; i < tiers->count; i++) {
        uint64_t share = able[i];
        if (sum && sum < RW_TIER_SHARE_ONE)
            share = share * RW_TIER_SHARE_ONE / sum;
        else if (sum == 0)
            share = i == 0 ? RW_TIER_SHARE_ONE : 0;
        if (share > left)
            share = left;
        left -= (uint32_t)share;
        atomic_store_explicit(&tiers->tiers[i].share, (uint32_t)share, memory_order_relaxed);
    }
}

/* ---- Choosing ---- */

static void count_when_due(const struct rw_endpoint_set *set, const struct rw_choice *choice)
{
    uint64_t due_ms = atomic_load_explicit(&set->tiers->due_ms, memory_order_relaxed);
    if (choice->now_ms >= due_ms &&
        atomic_compare_exchange_strong_explicit(&set->tiers->due_ms, &due_ms,
                                                choice->now_ms + COUNT_EVERY_MS,
                                                memory_order_relaxed, memory_order_relaxed))
        rw_tiers_count(set, choice->passive, choice->now_ms);
}

/* A number below RW_TIER_SHARE_ONE: the same for the same hash, and another one than its place in
 * the table. */
static uint32_t draw_number(int balance, const struct rw_choice *choice)
{
    if (balance == RW_BALANCE_HASH)
        return (uint32_t)(rw_hash(&choice->hash, sizeof(choice->hash), 3) % RW_TIER_SHARE_ONE);
    return rw_random_below(choice->random, RW_TIER_SHARE_ONE);
}

/* By the shares; `most`: has it the largest one? */
static const struct rw_endpoint_tier *draw_tier(const struct rw_endpoint_tiers *tiers, int balance,
                                                const struct rw_choice *choice, bool *most)
{
    const struct rw_endpoint_tier *drawn = NULL, *largest = &tiers->tiers[0];
    uint32_t largest_share = atomic_load_explicit(&largest->share, memory_order_relaxed);
    if (largest_share == RW_TIER_SHARE_ONE) {
        *most = true;
        return largest;
    }
    uint32_t number = draw_number(balance, choice);
    for (unsigned i = 0; i < tiers->count; i++) {
        const struct rw_endpoint_tier *tier = &tiers->tiers[i];
        uint32_t share = atomic_load_explicit(&tier->share, memory_order_relaxed);
        if (!drawn && number < share)
            drawn = tier;
        number -= drawn ? 0 : share;
        if (share > largest_share) {
            largest = tier;
            largest_share = share;
        }
    }
    /* Shares are rounded down, and may change while they are read. */
    *most = !drawn || drawn == largest;
    return drawn ? drawn : largest;
}

/* Nobody was found quickly: who is good in the drawn tier, else the best there is, of equals the
 * nearest. */
static struct rw_endpoint *choose_anywhere(const struct rw_endpoint_tiers *tiers,
                                           const struct rw_endpoint_tier *drawn, int balance,
                                           const struct rw_choice *choice)
{
    enum rw_rank best_rank = RW_RANK_DOWN;
    struct rw_endpoint *best = rw_balance_choose_best(drawn->set, balance, choice, &best_rank);
    if (best && best_rank == RW_RANK_GOOD)
        return best;
    best = NULL;
    best_rank = RW_RANK_DOWN;
    for (unsigned i = 0; i < tiers->count && best_rank != RW_RANK_GOOD; i++) {
        enum rw_rank rank = RW_RANK_DOWN;
        struct rw_endpoint *endpoint =
            rw_balance_choose_best(tiers->tiers[i].set, balance, choice, &rank);
        if (endpoint && rank > best_rank) {
            best = endpoint;
            best_rank = rank;
        }
    }
    return best;
}

/* The worker's cursor is that of the tier with the largest share: in others the walk begins
 * anywhere, so that no tier's turn is disturbed by what spills over to another. */
struct rw_endpoint *rw_tiers_choose(const struct rw_endpoint_set *set, int balance,
                                    const struct rw_choice *choice)
{
    bool most;
    count_when_due(set, choice);
    const struct rw_endpoint_tier *tier = draw_tier(set->tiers, balance, choice, &most);
    struct rw_choice inside = *choice;
    uint32_t aside = 0;
    if (!most && tier->set->schedule_count) {
        aside = rw_random_below(choice->random, tier->set->schedule_count);
        inside.cursor = &aside;
    }
    struct rw_endpoint *found = rw_balance_choose_good(tier->set, balance, &inside);
    return found ? found : choose_anywhere(set->tiers, tier, balance, choice);
}
