#include "gate/limit/usage.h"

#include "base/alloc.h"

#include <string.h>

enum { ROOM_MIN = 16, SHELF_KEYS_MAX = RW_USAGES_MAX / RW_USAGE_SHELVES };

static struct rw_usage_shelf *shelf_of(struct rw_usages *usages, uint64_t hash)
{
    return &usages->shelves[hash >> 58];
}

static uint32_t home_of(const struct rw_usage_shelf *shelf, uint64_t hash)
{
    return (uint32_t)(hash >> 16) & (shelf->room - 1);
}

/* Where it is, or would be; NULL: the shelf has no items. */
static struct rw_usage *find(const struct rw_usage_shelf *shelf, uint64_t hash)
{
    if (shelf->room == 0)
        return NULL;
    uint32_t at = home_of(shelf, hash);
    while (shelf->items[at].count && shelf->items[at].hash != hash)
        at = (at + 1) & (shelf->room - 1);
    return &shelf->items[at];
}

static bool make_room(struct rw_usage_shelf *shelf)
{
    if (shelf->used * 2 < shelf->room)
        return true;
    if (shelf->used >= SHELF_KEYS_MAX)
        return false;
    struct rw_usage_shelf bigger = {.room = shelf->room ? shelf->room * 2 : ROOM_MIN};
    bigger.items = rw_alloc_zero(bigger.room * sizeof(*bigger.items));
    if (!bigger.items)
        return false;
    for (uint32_t i = 0; i < shelf->room; i++)
        if (shelf->items[i].count)
            *find(&bigger, shelf->items[i].hash) = shelf->items[i];
    rw_free(shelf->items);
    shelf->items = bigger.items;
    shelf->room = bigger.room;
    return true;
}

bool rw_usages_count(struct rw_usages *usages, uint64_t hash)
{
    struct rw_usage_shelf *shelf = shelf_of(usages, hash);
    pthread_mutex_lock(&shelf->lock);
    struct rw_usage *usage = find(shelf, hash);
    bool known = usage && usage->count;
    if (known)
        usage->count++;
    pthread_mutex_unlock(&shelf->lock);
    return known;
}

void rw_usages_add(struct rw_usages *usages, const struct rw_usage *usage)
{
    struct rw_usage_shelf *shelf = shelf_of(usages, usage->hash);
    pthread_mutex_lock(&shelf->lock);
    struct rw_usage *known = make_room(shelf) ? find(shelf, usage->hash) : NULL;
    if (known && known->count) {
        known->count += usage->count;
        known->apart = known->apart || usage->apart;
    } else if (known) {
        *known = *usage;
        shelf->used++;
    }
    pthread_mutex_unlock(&shelf->lock);
}

uint32_t rw_usages_of(struct rw_usages *usages, uint64_t hash)
{
    struct rw_usage_shelf *shelf = shelf_of(usages, hash);
    pthread_mutex_lock(&shelf->lock);
    const struct rw_usage *usage = find(shelf, hash);
    uint32_t count = usage ? usage->count : 0;
    pthread_mutex_unlock(&shelf->lock);
    return count;
}

/* What comes behind the hole and would be found no more moves into it. */
static void remove_at(struct rw_usage_shelf *shelf, uint32_t hole)
{
    uint32_t mask = shelf->room - 1;
    for (uint32_t at = (hole + 1) & mask; shelf->items[at].count; at = (at + 1) & mask) {
        uint32_t from_home = (at - home_of(shelf, shelf->items[at].hash)) & mask;
        if (from_home < ((at - hole) & mask))
            continue;
        shelf->items[hole] = shelf->items[at];
        hole = at;
    }
    shelf->items[hole] = (struct rw_usage){0};
    shelf->used--;
}

void rw_usages_take(struct rw_usages *usages,
                    bool (*take)(void *user, const struct rw_usage *usage), void *user)
{
    /* Another one first each time: where not all can be taken each has its turn. */
    unsigned first = usages->first++;
    for (unsigned i = 0; i < RW_USAGE_SHELVES; i++) {
        struct rw_usage_shelf *shelf = &usages->shelves[(first + i) % RW_USAGE_SHELVES];
        pthread_mutex_lock(&shelf->lock);
        for (uint32_t at = 0; at < shelf->room;)
            if (shelf->items[at].count && take(user, &shelf->items[at]))
                remove_at(shelf, at); /* and look at what is there now */
            else
                at++;
        pthread_mutex_unlock(&shelf->lock);
    }
}

void rw_usages_init(struct rw_usages *usages)
{
    *usages = (struct rw_usages){0};
    for (unsigned i = 0; i < RW_USAGE_SHELVES; i++)
        pthread_mutex_init(&usages->shelves[i].lock, NULL);
}

void rw_usages_free(struct rw_usages *usages)
{
    for (unsigned i = 0; i < RW_USAGE_SHELVES; i++) {
        pthread_mutex_destroy(&usages->shelves[i].lock);
        rw_free(usages->shelves[i].items);
    }
}
