#include "watch/metrics.h"

#include "base/map.h"
#include "base/utf8.h"
#include "watch/metrics_registry.h"

#include <errno.h>
#include <sys/mman.h>

enum { PAGE_BYTES = 4096, LONG_LABEL_HASH_DIGITS = 8 };

#define BOUND(bucket, us) (((uint64_t)(bucket) + 1) << 32) - 1 - (us)
#define NO_BOUND(bucket) (uint64_t)(bucket) << 32

const uint64_t rw_latency_steps[27] = {
    [0] = NO_BOUND(0),          [1] = NO_BOUND(0),          [2] = NO_BOUND(0),
    [3] = NO_BOUND(0),          [4] = NO_BOUND(0),          [5] = NO_BOUND(0),
    [6] = NO_BOUND(0),          [7] = BOUND(0, 100),        [8] = BOUND(1, 250),
    [9] = BOUND(2, 500),        [10] = BOUND(3, 1000),      [11] = NO_BOUND(4),
    [12] = BOUND(4, 2500),      [13] = BOUND(5, 5000),      [14] = BOUND(6, 10000),
    [15] = BOUND(7, 25000),     [16] = BOUND(8, 50000),     [17] = BOUND(9, 100000),
    [18] = BOUND(10, 250000),   [19] = BOUND(11, 500000),   [20] = BOUND(12, 1000000),
    [21] = NO_BOUND(13),        [22] = BOUND(13, 2500000),  [23] = BOUND(14, 5000000),
    [24] = BOUND(15, 10000000), [25] = BOUND(16, 30000000), [26] = NO_BOUND(17),
};

static size_t round_up(size_t bytes, size_t unit)
{
    return (bytes + unit - 1) / unit * unit;
}

/* ---- Registry ---- */

/* A key is the label as it will be shown, so that no two series show the same labels. */
struct label {
    size_t len;
    char at[RW_SERIES_LABEL_MAX];
};

static struct label label_of(struct rw_span name)
{
    struct label label = {0};
    size_t keep_max = RW_SERIES_LABEL_MAX;
    if (name.len > keep_max)
        keep_max -= 1 + LONG_LABEL_HASH_DIGITS;
    struct rw_span rest = name;
    while (rest.len) {
        size_t len = rw_utf8_length(rest);
        size_t room = len ? len : 1;
        if (label.len + room > keep_max)
            break;
        if (len)
            memcpy(label.at + label.len, rest.at, len);
        else
            label.at[label.len] = '?';
        label.len += room;
        rest = rw_span_skip(rest, room);
    }
    if (name.len > RW_SERIES_LABEL_MAX) {
        char digits[16];
        rw_format_hex64(digits, rw_hash(name.at, name.len, 0));
        label.at[label.len++] = '~';
        memcpy(label.at + label.len, digits, LONG_LABEL_HASH_DIGITS);
        label.len += LONG_LABEL_HASH_DIGITS;
    }
    return label;
}

static struct rw_metrics_entry entry_of(enum rw_series_kind kind, struct rw_span name,
                                        struct rw_span detail)
{
    struct label first = label_of(name), second = label_of(detail);
    struct rw_metrics_entry entry = {
        .kind = (uint8_t)kind, .name_len = (uint8_t)first.len, .detail_len = (uint8_t)second.len};
    memcpy(entry.name, first.at, first.len);
    memcpy(entry.detail, second.at, second.len);
    return entry;
}

/* Where in the index the entry is, or would be. Entries have no padding and zeroed tails. */
static uint32_t *find_slot(const struct rw_metrics *metrics, const struct rw_metrics_entry *entry)
{
    uint32_t at = (uint32_t)rw_hash(entry, sizeof(*entry), 0) & metrics->index_mask;
    while (metrics->index[at] &&
           memcmp(&metrics->entries[metrics->index[at] - 1], entry, sizeof(*entry)) != 0)
        at = (at + 1) & metrics->index_mask;
    return &metrics->index[at];
}

/* The last owner of the mutex died holding it: what series_count covers is whole, the rest is
 * made anew from it. */
static void rebuild(struct rw_metrics *metrics)
{
    uint32_t count = atomic_load(&metrics->series_count);
    memset(metrics->index, 0, ((size_t)metrics->index_mask + 1) * sizeof(*metrics->index));
    memset(metrics->kind_count, 0, sizeof(metrics->kind_count));
    for (uint32_t i = 0; i < count; i++) {
        *find_slot(metrics, &metrics->entries[i]) = i + 1;
        metrics->kind_count[metrics->entries[i].kind]++;
    }
}

static void lock(struct rw_metrics *metrics)
{
    int error = pthread_mutex_lock(&metrics->mutex);
    if (error == EOWNERDEAD) {
        rebuild(metrics);
        error = pthread_mutex_consistent(&metrics->mutex);
    }
    rw_assert(error == 0);
}

/* With the mutex held. The first of each kind is its "_other", whose number is the kind's. */
static unsigned find_or_add(struct rw_metrics *metrics, const struct rw_metrics_entry *entry)
{
    uint32_t *slot = find_slot(metrics, entry);
    if (*slot)
        return *slot - 1;
    uint32_t *kind_count = &metrics->kind_count[entry->kind];
    if (*kind_count > metrics->series_max)
        return entry->kind;
    uint32_t number = atomic_load(&metrics->series_count);
    rw_assert(number < metrics->series_room);
    metrics->entries[number] = *entry;
    *slot = number + 1;
    (*kind_count)++;
    atomic_store_explicit(&metrics->series_count, number + 1, memory_order_release);
    return number;
}

unsigned rw_metrics_series(struct rw_metrics *metrics, enum rw_series_kind kind,
                           struct rw_span name, struct rw_span detail)
{
    rw_assert((unsigned)kind < RW_SERIES_KINDS);
    struct rw_metrics_entry entry = entry_of(kind, name, detail);
    lock(metrics);
    unsigned number = find_or_add(metrics, &entry);
    pthread_mutex_unlock(&metrics->mutex);
    return number;
}

/* ---- Mapping ---- */

static enum rw_err init_mutex(pthread_mutex_t *mutex)
{
    pthread_mutexattr_t attributes;
    if (pthread_mutexattr_init(&attributes) != 0)
        return RW_ENOMEM;
    pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
    pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
    int error = pthread_mutex_init(mutex, &attributes);
    pthread_mutexattr_destroy(&attributes);
    return error ? rw_err_from_errno(error) : RW_OK;
}

static uint32_t index_room(unsigned series_room)
{
    uint32_t room = 16;
    while (room < series_room * 2)
        room *= 2;
    return room;
}

static void add_others(struct rw_metrics *metrics)
{
    static const struct rw_span other = RW_LITERAL("_other"), none;
    for (unsigned kind = 0; kind < RW_SERIES_KINDS; kind++) {
        bool two = kind == RW_SERIES_ENDPOINT || kind == RW_SERIES_VERSION;
        unsigned number = rw_metrics_series(metrics, kind, other, two ? other : none);
        rw_assert(number == kind);
    }
}

enum rw_err rw_metrics_create(unsigned shards, unsigned series_max, struct rw_metrics **metrics)
{
    if (shards == 0 || shards > RW_METRICS_SHARDS_MAX || series_max > RW_METRICS_SERIES_MAX)
        return RW_EINVAL;
    unsigned series_room = (series_max + 1) * RW_SERIES_KINDS;
    uint32_t slots = index_room(series_room);
    size_t index_at = round_up(sizeof(struct rw_metrics), 64);
    size_t entries_at = index_at + slots * sizeof(uint32_t);
    size_t shards_at =
        round_up(entries_at + series_room * sizeof(struct rw_metrics_entry), PAGE_BYTES);
    size_t shard_bytes = round_up(
        sizeof(struct rw_metrics_shard) + series_room * sizeof(struct rw_series_cell), PAGE_BYTES);
    size_t bytes = shards_at + shards * shard_bytes;
    char *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE,
                    -1, 0);
    if (at == MAP_FAILED)
        return RW_ENOMEM;
    struct rw_metrics *made = (struct rw_metrics *)at;
    made->mapping_bytes = bytes;
    made->shards = shards;
    made->series_max = series_max;
    made->series_room = series_room;
    made->index_mask = slots - 1;
    made->shard_bytes = shard_bytes;
    made->index = (uint32_t *)(at + index_at);
    made->entries = (struct rw_metrics_entry *)(at + entries_at);
    made->shard_at = at + shards_at;
    enum rw_err err = init_mutex(&made->mutex);
    if (err) {
        munmap(at, bytes);
        return err;
    }
    add_others(made);
    *metrics = made;
    return RW_OK;
}

void rw_metrics_destroy(struct rw_metrics *metrics)
{
    if (metrics)
        munmap(metrics, metrics->mapping_bytes);
}

/* ---- Shards ---- */

struct rw_metrics_shard *rw_metrics_shard(struct rw_metrics *metrics, unsigned index)
{
    rw_assert(index < metrics->shards);
    struct rw_metrics_shard *shard = rw_metrics_shard_at(metrics, index);
#define COUNTER false
#define GAUGE true
#define RESET_GAUGE(id, name, kind, help)                                                          \
    if (kind)                                                                                      \
        __atomic_store_n(&shard->counters[RW_COUNTER_##id], 0, __ATOMIC_RELAXED);
    RW_COUNTERS(RESET_GAUGE)
#undef RESET_GAUGE
#undef GAUGE
#undef COUNTER
    shard->series_room = metrics->series_room;
    __atomic_store_n(&shard->claimed, 1, __ATOMIC_RELEASE);
    return shard;
}

/* Shards that nobody took stay untouched: reading a page of a shared mapping would allocate it. */
static bool is_claimed(const struct rw_metrics_shard *shard)
{
    return __atomic_load_n(&shard->claimed, __ATOMIC_ACQUIRE);
}

void rw_metrics_upstream(struct rw_metrics_shard *shard, unsigned series,
                         enum rw_upstream_event event)
{
    static const enum rw_counter counters[] = {
#define COUNTER_OF(id, name, counter) RW_COUNTER_##counter,
        RW_UPSTREAM_EVENTS(COUNTER_OF)
#undef COUNTER_OF
    };
    rw_metrics_count(shard, counters[event], 1);
    rw_metrics_add(&rw_metrics_cell(shard, series)->buckets[event], 1);
}

int64_t rw_metrics_total(const struct rw_metrics *metrics, enum rw_counter counter)
{
    int64_t sum = 0;
    for (unsigned i = 0; i < metrics->shards; i++) {
        const struct rw_metrics_shard *shard = rw_metrics_shard_at(metrics, i);
        if (is_claimed(shard))
            sum += __atomic_load_n(&shard->counters[counter], __ATOMIC_RELAXED);
    }
    return sum;
}

void rw_metrics_series_total(const struct rw_metrics *metrics, unsigned series,
                             struct rw_series_cell *sum)
{
    rw_assert(series < metrics->series_room);
    uint64_t *to = (uint64_t *)sum;
    for (unsigned i = 0; i < metrics->shards; i++) {
        const struct rw_metrics_shard *shard = rw_metrics_shard_at(metrics, i);
        if (!is_claimed(shard))
            continue;
        const uint64_t *from = (const uint64_t *)&shard->cells[series];
        for (size_t word = 0; word < sizeof(*sum) / sizeof(*to); word++)
            to[word] += __atomic_load_n(&from[word], __ATOMIC_RELAXED);
    }
}
