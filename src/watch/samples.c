#include "watch/samples.h"

#include <stdatomic.h>
#include <sys/mman.h>

enum { WORDS = sizeof(struct rw_sample) / sizeof(uint64_t) };
_Static_assert(WORDS * sizeof(uint64_t) == sizeof(struct rw_sample), "whole words");

/* A sequence lock each: odd while it is written. The sample goes in and out word by word, as both
 * sides may be at it at once. */
struct slot {
    _Atomic uint64_t sequence;
    _Atomic uint64_t words[WORDS];
};

struct rw_samples {
    _Atomic uint64_t count;
    struct slot slots[RW_SAMPLES];
};

enum rw_err rw_samples_create(struct rw_samples **out)
{
    void *at = mmap(NULL, sizeof(struct rw_samples), PROT_READ | PROT_WRITE,
                    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (at == MAP_FAILED)
        return RW_ENOMEM;
    *out = at;
    return RW_OK;
}

void rw_samples_destroy(struct rw_samples *samples)
{
    if (samples)
        munmap(samples, sizeof(*samples));
}

static uint32_t put(char *to, size_t room, struct rw_span text)
{
    size_t len = text.len < room ? text.len : room;
    while (len < text.len && len > 0 && ((unsigned char)text.at[len] & 0xc0) == 0x80)
        len--;
    if (len)
        memcpy(to, text.at, len);
    return (uint32_t)len;
}

void rw_samples_add(struct rw_samples *samples, uint64_t wall_ns, struct rw_span name,
                    struct rw_span text)
{
    struct rw_sample sample = {.wall_ns = wall_ns};
    uint64_t words[WORDS];
    uint64_t number = atomic_fetch_add(&samples->count, 1);
    struct slot *slot = &samples->slots[number % RW_SAMPLES];
    uint64_t sequence = atomic_load(&slot->sequence);
    sample.name_len = put(sample.name, sizeof(sample.name), name);
    sample.text_len = put(sample.text, sizeof(sample.text), text);
    memcpy(words, &sample, sizeof(words));
    /* Somebody else is at it, a whole round behind, or has died there: then this one is lost. */
    if (sequence % 2 || !atomic_compare_exchange_strong(&slot->sequence, &sequence, sequence + 1))
        return;
    for (unsigned i = 0; i < WORDS; i++)
        atomic_store_explicit(&slot->words[i], words[i], memory_order_release);
    atomic_store_explicit(&slot->sequence, sequence + 2, memory_order_release);
}

static bool read_sample(struct slot *slot, struct rw_sample *out)
{
    uint64_t words[WORDS];
    uint64_t before = atomic_load(&slot->sequence);
    if (before == 0 || before % 2)
        return false;
    for (unsigned i = 0; i < WORDS; i++)
        words[i] = atomic_load_explicit(&slot->words[i], memory_order_acquire);
    memcpy(out, words, sizeof(words));
    return atomic_load(&slot->sequence) == before;
}

unsigned rw_samples_read(struct rw_samples *samples, struct rw_span name, struct rw_sample *out,
                         unsigned room)
{
    uint64_t newest = atomic_load(&samples->count);
    unsigned count = 0;
    if (name.len > RW_SAMPLE_NAME_BYTES)
        name.len = RW_SAMPLE_NAME_BYTES;
    for (uint64_t back = 1; back <= RW_SAMPLES && back <= newest && count < room; back++)
        if (read_sample(&samples->slots[(newest - back) % RW_SAMPLES], &out[count]) &&
            rw_span_eq(rw_span(out[count].name, out[count].name_len), name))
            count++;
    return count;
}
