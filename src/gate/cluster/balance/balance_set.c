/* Making a set of endpoints: the schedule by weights, and the table of a consistent hash. */
#include "gate/cluster/balance/balance.h"

#include "base/alloc.h"
#include "base/map.h"
#include "gate/cluster/balance/tiers.h"

#include <stdlib.h>

/* One turn of an endpoint in the schedule. */
struct turn {
    uint64_t position; /* of an ideal schedule from 0 to 2^40 */
    uint32_t endpoint;
};

static uint32_t greatest_divisor(uint32_t a, uint32_t b)
{
    while (b) {
        uint32_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

/* Small numbers in the proportion of the weights whose sum is at most RW_SCHEDULE_MAX, which is
 * returned. */
static unsigned scale_weights(const struct rw_balance_member *members, unsigned count,
                              uint32_t *turns)
{
    uint64_t sum = 0;
    uint32_t divisor = 0;
    for (unsigned i = 0; i < count; i++) {
        sum += members[i].weight;
        divisor = greatest_divisor(members[i].weight, divisor);
    }
    if (sum == 0)
        divisor = 1;
    bool exact = sum / divisor <= RW_SCHEDULE_MAX;
    unsigned total = 0;
    for (unsigned i = 0; i < count; i++) {
        uint32_t weight = members[i].weight;
        if (exact)
            turns[i] = weight / divisor;
        else if (weight)
            /* One turn for everybody, the rest by weight. */
            turns[i] = 1 + (uint32_t)((RW_SCHEDULE_MAX - (uint64_t)count) * weight / sum);
        else
            turns[i] = 0;
        total += turns[i];
    }
    return total;
}

static int compare_turns(const void *a, const void *b)
{
    const struct turn *left = a, *right = b;
    if (left->position != right->position)
        return left->position < right->position ? -1 : 1;
    return left->endpoint < right->endpoint ? -1 : left->endpoint > right->endpoint;
}

/* Each endpoint's turns at even distances, all merged by position. */
static void lay_out_schedule(struct rw_endpoint_set *set, const uint32_t *turns,
                             struct turn *scratch)
{
    unsigned filled = 0;
    for (unsigned i = 0; i < set->count; i++) {
        for (uint64_t k = 0; k < turns[i]; k++)
            scratch[filled++] = (struct turn){((2 * k + 1) << 39) / turns[i], i};
    }
    qsort(scratch, filled, sizeof(*scratch), compare_turns);
    for (unsigned i = 0; i < filled; i++)
        set->schedule[i] = scratch[i].endpoint;
}

/* Fills the table as endpoints in turn (by the schedule, which is how weights come in) claim the
 * next free entry of their own permutation, offset + k * skip. The permutation depends on nothing
 * but the name, so all processes agree, and another endpoint's going moves few entries. */
static void fill_table(struct rw_endpoint_set *set, uint32_t *next, uint32_t *skip)
{
    const uint32_t size = set->table_count;
    for (unsigned i = 0; i < set->count; i++) {
        struct rw_span name = set->endpoints[i]->name;
        next[i] = (uint32_t)(rw_hash(name.at, name.len, 1) % size);
        skip[i] = (uint32_t)(rw_hash(name.at, name.len, 2) % (size - 1)) + 1;
    }
    for (uint32_t i = 0; i < size; i++)
        set->table[i] = UINT32_MAX;
    unsigned turn = 0;
    for (uint32_t filled = 0; filled < size; filled++) {
        uint32_t i = set->schedule[turn];
        turn = turn + 1 == set->schedule_count ? 0 : turn + 1;
        while (set->table[next[i]] != UINT32_MAX)
            next[i] = (next[i] + skip[i]) % size;
        set->table[next[i]] = i;
    }
}

static unsigned table_size(int balance, unsigned count, unsigned schedule_count)
{
    if (balance != RW_BALANCE_HASH || schedule_count == 0)
        return 0;
    return count <= RW_MAGLEV_FEW ? RW_MAGLEV_SMALL : RW_MAGLEV_LARGE;
}

/* One block: the struct and its arrays. */
static struct rw_endpoint_set *alloc_set(unsigned count, unsigned schedule_count,
                                         unsigned table_count)
{
    struct rw_endpoint_set *set =
        rw_alloc_zero(sizeof(*set) + count * sizeof(set->endpoints[0]) +
                      (2 * (size_t)count + schedule_count + table_count) * sizeof(uint32_t));
    if (!set)
        return NULL;
    set->count = count;
    set->schedule_count = schedule_count;
    set->table_count = table_count;
    set->endpoints = (struct rw_endpoint **)(set + 1);
    set->weights = (uint32_t *)(set->endpoints + count);
    set->ranks = set->weights + count;
    set->schedule = set->ranks + count;
    set->table = table_count ? set->schedule + schedule_count : NULL;
    return set;
}

/* Room for the turns by endpoint, then for the schedule's layout or the two arrays of the table. */
static void *alloc_scratch(unsigned count, uint32_t **turns)
{
    size_t layout = RW_SCHEDULE_MAX * sizeof(struct turn);
    char *scratch = rw_alloc(layout + ((size_t)count + 1) * sizeof(uint32_t));
    if (scratch)
        *turns = (uint32_t *)(scratch + layout);
    return scratch;
}

_Static_assert(RW_SCHEDULE_MAX * sizeof(struct turn) >=
                   2 * RW_CLUSTER_ENDPOINTS_MAX * sizeof(uint32_t),
               "the scratch of the schedule serves the table too");

enum rw_err rw_endpoint_set_create(const struct rw_balance_member *members, unsigned count,
                                   int balance, struct rw_endpoint_set **set)
{
    if (count > RW_CLUSTER_ENDPOINTS_MAX)
        return RW_ELIMIT;
    enum rw_err err = RW_OK;
    uint32_t *turns;
    void *scratch = alloc_scratch(count, &turns);
    if (!scratch)
        return RW_ENOMEM;
    unsigned schedule_count = scale_weights(members, count, turns);
    unsigned table_count = table_size(balance, count, schedule_count);
    struct rw_endpoint_set *made = alloc_set(count, schedule_count, table_count);
    if (!made) {
        err = RW_ENOMEM;
        goto out;
    }
    for (unsigned i = 0; i < count; i++) {
        made->endpoints[i] = rw_endpoint_hold(members[i].endpoint);
        made->weights[i] = members[i].weight;
        made->ranks[i] = members[i].rank;
    }
    lay_out_schedule(made, turns, scratch);
    if (table_count)
        fill_table(made, scratch, (uint32_t *)scratch + count);
    *set = made;
out:
    rw_free(scratch);
    return err;
}

void rw_endpoint_set_destroy(struct rw_endpoint_set *set)
{
    for (unsigned i = 0; i < set->count; i++)
        rw_endpoint_drop(set->endpoints[i]);
    rw_tiers_destroy(set->tiers);
    rw_free(set);
}
