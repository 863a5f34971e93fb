#include "gate/limit/meter.h"

#include "base/alloc.h"
#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    REGION_SLOTS = 1024, /* under one lock */
    SLOTS_PER_KEY = 2,
    WINDOW = 64,
    SPINS_MAX = 200,
    LOCK_MS_MAX = 200, /* held for so long: by nobody who is alive */
    PAGE_BYTES = 4096,
    SCORE_BITS = 16,
    SCALE_MASK = 0xff, /* of a tag: the bit length of the capacity */
    COUNTED_SCALE = 0xff,
    SET_BACK_S_MAX = 3600,
};

/* What others used of a counted key is kept as another key, whose hash differs here only: it has
 * the same lock and the same home. */
static const uint64_t others_bit = (uint64_t)1 << 24;

static const uint64_t layout_mark = 0x31726574656d7772; /* "rwmeter1" */

/* tag 0: free, and whatever would come behind it in a window is not there. Of a key that is counted
 * the TAT is the end of its period in seconds, and in the lower half how much was used of it. */
struct slot {
    uint64_t tag; /* the hash, its lowest bits replaced by the scale */
    uint64_t tat;
};

struct header {
    uint64_t mark;
    uint64_t keys_max;
    uint64_t key[2];
};

struct table {
    struct header *header;   /* NULL: there is no table */
    _Atomic uint32_t *locks; /* 0: free; else the low bits of when it was taken, in ms, and 1 */
    struct slot *slots;
    size_t bytes;
    uint32_t regions;
};

struct rw_meters {
    struct table paced, counted;
    _Atomic int full; /* of this process */
};

/* ---- Making a table ---- */

enum rw_err rw_meter_rate(uint64_t requests, uint64_t period_ns, uint64_t burst,
                          struct rw_meter_rate *rate)
{
    const uint64_t ticks_max = (uint64_t)1 << 60;
    uint64_t period = period_ns * RW_METER_TICKS_PER_NS;
    if (period / requests == 0 || period_ns > ticks_max / RW_METER_TICKS_PER_NS)
        return RW_ELIMIT;
    uint64_t interval = period / requests;
    if (burst > ticks_max / interval)
        return RW_ELIMIT;
    *rate = (struct rw_meter_rate){.interval = interval, .capacity = interval * burst};
    rate->scale = (uint8_t)(64 - __builtin_clzll(rate->capacity));
    return RW_OK;
}

struct rw_meter_rate rw_meter_quota(uint32_t requests)
{
    return (struct rw_meter_rate){
        .interval = 1, .capacity = requests, .scale = COUNTED_SCALE, .counted = true};
}

static uint32_t regions_for(unsigned keys_max)
{
    uint64_t slots = (uint64_t)keys_max * SLOTS_PER_KEY;
    return (uint32_t)((slots + REGION_SLOTS - 1) / REGION_SLOTS);
}

static size_t to_page(size_t bytes)
{
    return (bytes + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES;
}

static size_t slots_at(uint32_t regions)
{
    return to_page(sizeof(struct header) + regions * sizeof(uint32_t));
}

size_t rw_meters_bytes(unsigned keys_max)
{
    uint32_t regions = regions_for(keys_max);
    return slots_at(regions) + (size_t)regions * REGION_SLOTS * sizeof(struct slot);
}

static enum rw_err begin(struct header *header, unsigned keys_max)
{
    if (header->mark == layout_mark && header->keys_max == keys_max)
        return RW_OK;
    if (getrandom(header->key, sizeof(header->key), 0) != (ssize_t)sizeof(header->key))
        return RW_EIO;
    header->keys_max = keys_max;
    header->mark = layout_mark;
    return RW_OK;
}

/* A file of another size is another table: it becomes empty, and then as long as this one. */
static enum rw_err fit(int fd, size_t bytes)
{
    struct stat info;
    if (fd < 0)
        return RW_OK;
    if (fstat(fd, &info) < 0)
        return rw_err_from_errno(errno);
    if ((size_t)info.st_size == bytes)
        return RW_OK;
    if (ftruncate(fd, 0) < 0 || ftruncate(fd, (off_t)bytes) < 0)
        return rw_err_from_errno(errno);
    return RW_OK;
}

static enum rw_err map_table(struct table *table, unsigned keys_max, int fd)
{
    size_t bytes = rw_meters_bytes(keys_max);
    enum rw_err err = fit(fd, bytes);
    if (err)
        return err;
    int flags = MAP_SHARED | MAP_NORESERVE | (fd < 0 ? MAP_ANONYMOUS : 0);
    char *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, flags, fd, 0);
    if (at == MAP_FAILED)
        return rw_err_from_errno(errno);
    table->header = (struct header *)at;
    table->locks = (_Atomic uint32_t *)(at + sizeof(struct header));
    table->regions = regions_for(keys_max);
    table->slots = (struct slot *)(at + slots_at(table->regions));
    table->bytes = bytes;
    return begin(table->header, keys_max);
}

static void unmap_table(struct table *table)
{
    if (table->header)
        munmap(table->header, table->bytes);
    table->header = NULL;
}

enum rw_err rw_meters_create(unsigned keys_max, int fd, struct rw_meters **made)
{
    if (keys_max < RW_METERS_KEYS_MIN || keys_max > RW_METERS_KEYS_MAX)
        return RW_EINVAL;
    struct rw_meters *meters = rw_alloc_zero(sizeof(*meters));
    if (!meters)
        return RW_ENOMEM;
    enum rw_err err = map_table(&meters->paced, keys_max, fd);
    if (err) {
        rw_meters_destroy(meters);
        return err;
    }
    *made = meters;
    return RW_OK;
}

/* How many keys the table in the file is for; 0: it is empty. */
static enum rw_err look_into(int fd, unsigned *keys_max)
{
    struct header header;
    struct stat info;
    *keys_max = 0;
    if (fstat(fd, &info) < 0)
        return rw_err_from_errno(errno);
    if (info.st_size == 0)
        return RW_OK;
    if (pread(fd, &header, sizeof(header), 0) != (ssize_t)sizeof(header) ||
        header.mark != layout_mark || header.keys_max < RW_METERS_KEYS_MIN ||
        header.keys_max > RW_METERS_KEYS_MAX ||
        (size_t)info.st_size != rw_meters_bytes((unsigned)header.keys_max))
        return RW_EPROTO;
    *keys_max = (unsigned)header.keys_max;
    return RW_OK;
}

/* All of the file gets its place on the disk: a page that finds none later kills who touches it.
 * One that was empty is so again when there is not enough. */
static enum rw_err reserve(int fd, size_t bytes, bool was_empty)
{
    int error;
    do
        error = posix_fallocate(fd, 0, (off_t)bytes);
    while (error == EINTR);
    if (error && was_empty && ftruncate(fd, 0) < 0)
        error = errno;
    return rw_err_from_errno(error);
}

enum rw_err rw_meters_open_quotas(struct rw_meters *meters, unsigned keys_max, int fd)
{
    unsigned there;
    enum rw_err err = look_into(fd, &there);
    unsigned keys = !err && there ? there : keys_max;
    if (!err)
        err = reserve(fd, rw_meters_bytes(keys), there == 0);
    if (!err)
        err = map_table(&meters->counted, keys, fd);
    if (err)
        unmap_table(&meters->counted);
    return err;
}

void rw_meters_destroy(struct rw_meters *meters)
{
    if (!meters)
        return;
    unmap_table(&meters->paced);
    unmap_table(&meters->counted);
    rw_free(meters);
}

static inline const struct table *table_of(const struct rw_meters *meters,
                                           const struct rw_meter_rate *rate)
{
    return rate->counted ? &meters->counted : &meters->paced;
}

const uint64_t *rw_meters_key(const struct rw_meters *meters, const struct rw_meter_rate *rate)
{
    const struct table *table = table_of(meters, rate);
    return table->header ? table->header->key : NULL;
}

void rw_meters_set_full(struct rw_meters *meters, enum rw_meters_full full)
{
    atomic_store_explicit(&meters->full, (int)full, memory_order_relaxed);
}

/* ---- Locks ---- */

static uint32_t stamp(void)
{
    return (uint32_t)(rw_clock_monotonic_ns() / RW_NS_PER_MS) << 1 | 1;
}

/* Somebody else has it. `seen` is what stands there; a dead process's stands there for good. */
static void lock_slowly(_Atomic uint32_t *lock)
{
    uint32_t seen = 0, free = 0;
    uint64_t since_ns = 0;
    for (unsigned spins = 0;; spins++) {
        uint32_t now = atomic_load_explicit(lock, memory_order_relaxed);
        free = 0;
        if (now == 0 && atomic_compare_exchange_weak_explicit(
                            lock, &free, stamp(), memory_order_acquire, memory_order_relaxed))
            return;
        if (spins < SPINS_MAX)
            continue;
        sched_yield();
        uint64_t clock_ns = rw_clock_monotonic_ns();
        if (now != seen || now == 0) {
            seen = now;
            since_ns = clock_ns;
        } else if (clock_ns - since_ns > LOCK_MS_MAX * RW_NS_PER_MS &&
                   atomic_compare_exchange_strong_explicit(
                       lock, &now, stamp(), memory_order_acquire, memory_order_relaxed)) {
            return;
        }
    }
}

static inline void lock_it(_Atomic uint32_t *lock, uint32_t mark)
{
    uint32_t free = 0;
    if (!atomic_compare_exchange_strong_explicit(lock, &free, mark, memory_order_acquire,
                                                 memory_order_relaxed))
        lock_slowly(lock);
}

static inline void unlock_it(_Atomic uint32_t *lock)
{
    atomic_store_explicit(lock, 0, memory_order_release);
}

static inline uint32_t mark_of(uint64_t now_ns)
{
    return (uint32_t)(now_ns / RW_NS_PER_MS) << 1 | 1;
}

/* ---- Slots, under the lock of their region ---- */

/* What is up to here is over: a slot of the past says nothing. */
struct moment {
    uint64_t ticks;   /* of what is paced */
    uint64_t counted; /* of what is counted */
};

static struct moment moment_of(const struct rw_meters_time *time)
{
    return (struct moment){.ticks = time->now_ns * RW_METER_TICKS_PER_NS,
                           .counted = time->wall_s << 32 | UINT32_MAX};
}

static inline uint32_t region_of(const struct table *table, uint64_t hash)
{
    return (uint32_t)((hash >> 32) * table->regions >> 32);
}

static inline struct slot *region_at(const struct table *table, uint64_t hash)
{
    return table->slots + (size_t)region_of(table, hash) * REGION_SLOTS;
}

static inline uint32_t home_of(uint64_t hash)
{
    return (uint32_t)(hash >> 8) % REGION_SLOTS;
}

static inline uint64_t tag_of(uint64_t hash, const struct rw_meter_rate *rate)
{
    return (hash & ~(uint64_t)SCALE_MASK) | rate->scale;
}

/* The same key has another scale after a reload that changed its limit. */
static inline bool is_key(const struct slot *slot, uint64_t hash)
{
    return ((slot->tag ^ hash) & ~(uint64_t)SCALE_MASK) == 0;
}

static struct slot *find(const struct table *table, uint64_t hash)
{
    struct slot *region = region_at(table, hash);
    uint32_t home = home_of(hash);
    for (uint32_t i = 0; i < WINDOW; i++) {
        struct slot *slot = &region[(home + i) % REGION_SLOTS];
        if (slot->tag == 0)
            return NULL;
        if (is_key(slot, hash))
            return slot;
    }
    return NULL;
}

/* How much of its allowance a key has used: as a fraction of a power of two, or counted. */
static inline uint64_t score(const struct slot *slot, uint64_t past)
{
    unsigned scale = slot->tag & SCALE_MASK;
    if (scale == COUNTED_SCALE)
        return (uint32_t)slot->tat;
    uint64_t ahead = slot->tat - past;
    return scale > SCORE_BITS ? ahead >> (scale - SCORE_BITS) : ahead << (SCORE_BITS - scale);
}

/* A slot for a key that has none: a free one, or one that no longer says anything; otherwise, if
 * that is wanted, that of the key that has used least. */
static struct slot *claim(const struct rw_meters *meters, const struct table *table, uint64_t hash,
                          uint64_t past, struct rw_meters_answer *answer)
{
    struct slot *region = region_at(table, hash);
    uint32_t home = home_of(hash);
    struct slot *least = NULL;
    for (uint32_t i = 0; i < WINDOW; i++) {
        struct slot *slot = &region[(home + i) % REGION_SLOTS];
        if (slot->tag == 0 || slot->tat <= past)
            return slot;
        if (!least || score(slot, past) < score(least, past))
            least = slot;
    }
    if (atomic_load_explicit(&meters->full, memory_order_relaxed) != RW_METERS_EVICT) {
        answer->lacking++;
        return NULL;
    }
    answer->evicted++;
    return least;
}

/* What the slot of a key shall say. */
static void put(const struct rw_meters *meters, uint64_t hash, const struct rw_meter_rate *rate,
                uint64_t tat, const struct moment *now, struct rw_meters_answer *answer)
{
    const struct table *table = table_of(meters, rate);
    struct slot *slot = find(table, hash);
    if (!slot)
        slot = claim(meters, table, hash, rate->counted ? now->counted : now->ticks, answer);
    if (!slot)
        return;
    slot->tag = tag_of(hash, rate);
    slot->tat = tat;
}

/* ---- Taking ---- */

/* What was used under another limit of this name: at the worst it is all used up now. */
static void carry_over(struct slot *slot, uint64_t hash, const struct rw_meter_rate *rate,
                       uint64_t now)
{
    if (slot->tat > now + rate->capacity)
        slot->tat = now + rate->capacity;
    slot->tag = tag_of(hash, rate);
}

static uint64_t paced_ahead(struct slot *slot, const struct rw_meter *item, uint64_t now)
{
    if (slot && (slot->tag & SCALE_MASK) != item->rate->scale)
        carry_over(slot, item->hash, item->rate, now);
    return slot && slot->tat > now ? slot->tat - now : 0;
}

static inline uint32_t end_of(const struct slot *slot)
{
    return slot ? (uint32_t)(slot->tat >> 32) : 0;
}

static inline uint32_t used_of(const struct slot *slot, uint32_t end_s)
{
    return slot && end_of(slot) == end_s ? (uint32_t)slot->tat : 0;
}

static void ask_counted(const struct table *table, struct rw_meter *item, const struct slot *slot,
                        uint32_t wall_s)
{
    item->rest_s = item->end_s > wall_s ? item->end_s - wall_s : 0;
    if (end_of(slot) > item->end_s && item->rest_s <= SET_BACK_S_MAX) {
        item->end_s = end_of(slot);
        item->rest_s = item->end_s - wall_s;
    }
    if (item->shared)
        item->others = used_of(find(table, item->hash ^ others_bit), item->end_s);
    item->ahead = (uint64_t)used_of(slot, item->end_s) + item->others;
}

static void ask(const struct rw_meters *meters, struct rw_meter *item, const struct moment *now)
{
    const struct table *table = table_of(meters, item->rate);
    struct slot *slot = find(table, item->hash);
    if (item->rate->counted)
        ask_counted(table, item, slot, (uint32_t)(now->counted >> 32));
    else
        item->ahead = paced_ahead(slot, item, now->ticks);
    item->admits = item->lenient || item->ahead + item->rate->interval <= item->rate->capacity;
}

/* Is there room for every key that is new? */
static bool all_fit(const struct rw_meters *meters, const struct rw_meter *items, unsigned count,
                    const struct moment *now, struct rw_meters_answer *answer)
{
    if (atomic_load_explicit(&meters->full, memory_order_relaxed) != RW_METERS_REFUSE)
        return true;
    for (unsigned i = 0; i < count; i++) {
        const struct table *table = table_of(meters, items[i].rate);
        uint64_t past = items[i].rate->counted ? now->counted : now->ticks;
        if (!find(table, items[i].hash))
            (void)claim(meters, table, items[i].hash, past, answer);
    }
    return answer->lacking == 0;
}

static uint64_t tat_counted(uint32_t end_s, uint64_t used)
{
    return (uint64_t)end_s << 32 | (used < UINT32_MAX ? used : UINT32_MAX);
}

static void charge(const struct rw_meters *meters, struct rw_meter *item, const struct moment *now,
                   struct rw_meters_answer *answer)
{
    item->ahead += item->rate->interval;
    uint64_t tat = item->rate->counted ? tat_counted(item->end_s, item->ahead - item->others)
                                       : now->ticks + item->ahead;
    put(meters, item->hash, item->rate, tat, now, answer);
}

static void take(const struct rw_meters *meters, struct rw_meter *items, unsigned count,
                 const struct moment *now, struct rw_meters_answer *answer)
{
    answer->admitted = true;
    for (unsigned i = 0; i < count; i++) {
        ask(meters, &items[i], now);
        answer->admitted &= items[i].admits;
    }
    if (!answer->admitted)
        return;
    answer->admitted = all_fit(meters, items, count, now, answer);
    for (unsigned i = 0; i < count && answer->admitted; i++)
        charge(meters, &items[i], now, answer);
}

/* The locks of the items' regions, each once: paced before counted, and ascending. */
static unsigned list_locks(const struct rw_meters *meters, const struct rw_meter *items,
                           unsigned count, _Atomic uint32_t *locks[RW_METERS_AT_ONCE_MAX])
{
    uint64_t order[RW_METERS_AT_ONCE_MAX];
    unsigned listed = 0;
    for (unsigned i = 0; i < count; i++) {
        const struct table *table = table_of(meters, items[i].rate);
        uint32_t region = region_of(table, items[i].hash);
        uint64_t rank = (uint64_t)items[i].rate->counted << 32 | region;
        __builtin_prefetch(&region_at(table, items[i].hash)[home_of(items[i].hash)], 1);
        unsigned at = listed;
        while (at > 0 && order[at - 1] > rank)
            at--;
        if (at > 0 && order[at - 1] == rank)
            continue;
        memmove(&order[at + 1], &order[at], (listed - at) * sizeof(*order));
        memmove(&locks[at + 1], &locks[at], (listed - at) * sizeof(*locks));
        order[at] = rank;
        locks[at] = &table->locks[region];
        listed++;
    }
    return listed;
}

struct rw_meters_answer rw_meters_take(struct rw_meters *meters, struct rw_meter *items,
                                       unsigned count, const struct rw_meters_time *time)
{
    rw_assert(count > 0 && count <= RW_METERS_AT_ONCE_MAX);
    struct rw_meters_answer answer = {0};
    struct moment now = moment_of(time);
    _Atomic uint32_t *locks[RW_METERS_AT_ONCE_MAX];
    unsigned listed = list_locks(meters, items, count, locks);
    for (unsigned i = 0; i < listed; i++)
        lock_it(locks[i], mark_of(time->now_ns));
    take(meters, items, count, &now, &answer);
    for (unsigned i = 0; i < listed; i++)
        unlock_it(locks[i]);
    return answer;
}

bool rw_meters_ask(struct rw_meters *meters, struct rw_meter *item,
                   const struct rw_meters_time *time)
{
    const struct table *table = table_of(meters, item->rate);
    const struct moment now = moment_of(time);
    _Atomic uint32_t *lock = &table->locks[region_of(table, item->hash)];
    lock_it(lock, mark_of(time->now_ns));
    ask(meters, item, &now);
    unlock_it(lock);
    return item->admits;
}

void rw_meters_raise(struct rw_meters *meters, uint64_t hash, const struct rw_meter_rate *rate,
                     uint64_t ahead, uint64_t now_ns)
{
    rw_assert(!rate->counted);
    const struct moment now = {.ticks = now_ns * RW_METER_TICKS_PER_NS};
    const struct table *table = table_of(meters, rate);
    _Atomic uint32_t *lock = &table->locks[region_of(table, hash)];
    struct rw_meters_answer answer = {0};
    lock_it(lock, mark_of(now_ns));
    const struct slot *slot = find(table, hash);
    if (ahead && (!slot || slot->tat < now.ticks + ahead))
        put(meters, hash, rate, now.ticks + ahead, &now, &answer);
    unlock_it(lock);
}

/* ---- What gateways tell each other of quotas ---- */

static const struct rw_meter_rate any_quota = {.interval = 1,
                                               .scale = COUNTED_SCALE,
                                               .counted = true};

struct rw_meters_used rw_meters_used(const struct rw_meters *meters, uint64_t hash)
{
    const struct table *table = &meters->counted;
    struct rw_meters_used used = {0};
    if (!table->header)
        return used;
    _Atomic uint32_t *lock = &table->locks[region_of(table, hash)];
    lock_it(lock, stamp());
    const struct slot *slot = find(table, hash);
    used.end_s = end_of(slot);
    used.own = used_of(slot, used.end_s);
    unlock_it(lock);
    return used;
}

static void learn(const struct rw_meters *meters, uint64_t hash, const struct rw_meters_news *news,
                  const struct moment *now)
{
    const struct table *table = &meters->counted;
    struct rw_meters_answer answer = {0};
    const struct slot *own = find(table, hash);
    if (end_of(own) != news->end_s)
        return;
    if (used_of(own, news->end_s) < news->had)
        put(meters, hash, &any_quota, tat_counted(news->end_s, (uint64_t)news->had + news->since),
            now, &answer);
    if (used_of(find(table, hash ^ others_bit), news->end_s) < news->others)
        put(meters, hash ^ others_bit, &any_quota, tat_counted(news->end_s, news->others), now,
            &answer);
}

void rw_meters_learn(struct rw_meters *meters, uint64_t hash, const struct rw_meters_news *news,
                     const struct rw_meters_time *time)
{
    const struct table *table = &meters->counted;
    const struct moment now = moment_of(time);
    if (!table->header)
        return;
    _Atomic uint32_t *lock = &table->locks[region_of(table, hash)];
    lock_it(lock, mark_of(time->now_ns));
    learn(meters, hash, news, &now);
    unlock_it(lock);
}

/* ---- What an answer says ---- */

uint64_t rw_meter_left(const struct rw_meter *meter)
{
    const struct rw_meter_rate *rate = meter->rate;
    return meter->ahead < rate->capacity ? (rate->capacity - meter->ahead) / rate->interval : 0;
}

uint64_t rw_meter_next_ns(const struct rw_meter *meter)
{
    const struct rw_meter_rate *rate = meter->rate;
    if (rate->counted)
        return meter->rest_s * RW_NS_PER_S;
    uint64_t needed = (rw_meter_left(meter) + 1) * rate->interval; /* free ticks, for one more */
    uint64_t ticks = meter->ahead + needed > rate->capacity ? meter->ahead + needed - rate->capacity
                                                            : rate->interval;
    return (ticks + RW_METER_TICKS_PER_NS - 1) / RW_METER_TICKS_PER_NS;
}
