#include "policy/compress/coder.h"

#include "base/alloc.h"
#include "gate/worker.h"
#include "policy/compress/coder_kinds.h"

enum {
    IDLE_MAX = 64,             /* encoders of one kind that wait for work ... */
    IDLE_BYTES_MAX = 32 << 20, /* ... while all together have no more */
    SPARE_BYTES_MAX = 4 << 20,
    STREAM_WINDOW_BITS = 16, /* as the documentation of window_max says */
};

/* In front of each block of a library's; keeps its alignment. */
struct block {
    size_t bytes;
    struct block *next;
};
_Static_assert(sizeof(struct block) % 16 == 0, "as malloc aligns");

struct rw_coders {
    struct rw_worker_store store;
    struct rw_list idle[RW_CODING_COUNT];
    unsigned idle_count[RW_CODING_COUNT];
    size_t used_bytes;
    struct block *spare;
    size_t spare_bytes;
};

static const struct rw_coder_kind *const kinds[RW_CODING_COUNT] = {
    [RW_CODING_GZIP] = &rw_coder_gzip,
    [RW_CODING_BR] = &rw_coder_br,
    [RW_CODING_ZSTD] = &rw_coder_zstd,
};

/* ---- Memory ---- */

static struct block *take_spare(struct rw_coders *coders, size_t size)
{
    for (struct block **at = &coders->spare; *at; at = &(*at)->next) {
        struct block *block = *at;
        if (block->bytes != size)
            continue;
        *at = block->next;
        coders->spare_bytes -= size;
        return block;
    }
    return NULL;
}

void *rw_coders_alloc(void *of, size_t size)
{
    struct rw_coders *coders = of;
    struct block *block = take_spare(coders, size);
    if (!block)
        block = rw_alloc(sizeof(*block) + size);
    if (!block)
        return NULL;
    block->bytes = size;
    coders->used_bytes += size;
    return block + 1;
}

void rw_coders_free(void *of, void *memory)
{
    struct rw_coders *coders = of;
    if (!memory)
        return;
    struct block *block = (struct block *)memory - 1;
    coders->used_bytes -= block->bytes;
    if (coders->spare_bytes + block->bytes > SPARE_BYTES_MAX) {
        rw_free(block);
        return;
    }
    coders->spare_bytes += block->bytes;
    block->next = coders->spare;
    coders->spare = block;
}

/* ---- A worker's encoders ---- */

static void free_coder(struct rw_coder *coder)
{
    if (coder->state)
        coder->kind->free(coder);
    rw_free(coder);
}

static void trim(struct rw_worker_store *store)
{
    struct rw_coders *coders = rw_container_of(store, struct rw_coders, store);
    for (unsigned i = 0; i < RW_CODING_COUNT; i++) {
        struct rw_list *link;
        while ((link = rw_list_pop_front(&coders->idle[i])))
            free_coder(rw_container_of(link, struct rw_coder, link));
        coders->idle_count[i] = 0;
    }
    while (coders->spare) {
        struct block *block = coders->spare;
        coders->spare = block->next;
        rw_free(block);
    }
    coders->spare_bytes = 0;
}

static void destroy(struct rw_worker_store *store)
{
    struct rw_coders *coders = rw_container_of(store, struct rw_coders, store);
    trim(store);
    rw_assert(coders->used_bytes == 0);
    rw_free(coders);
}

static const struct rw_worker_store_kind store_kind = {.trim = trim, .destroy = destroy};

static struct rw_coders *coders_of(struct rw_worker *worker)
{
    struct rw_worker_store *store = rw_worker_store(worker, &store_kind);
    if (store)
        return rw_container_of(store, struct rw_coders, store);
    struct rw_coders *coders = rw_alloc_zero(sizeof(*coders));
    if (!coders)
        return NULL;
    for (unsigned i = 0; i < RW_CODING_COUNT; i++)
        rw_list_init(&coders->idle[i]);
    coders->store.kind = &store_kind;
    rw_worker_add_store(worker, &coders->store);
    return coders;
}

static unsigned coding_of(const struct rw_coder *coder)
{
    unsigned i = 0;
    while (i + 1 < RW_CODING_COUNT && kinds[i] != coder->kind)
        i++;
    return i;
}

static struct rw_coder *find_or_make(struct rw_coders *coders, enum rw_coding coding)
{
    struct rw_list *link = rw_list_pop_front(&coders->idle[coding]);
    if (link) {
        coders->idle_count[coding]--;
        return rw_container_of(link, struct rw_coder, link);
    }
    struct rw_coder *coder = rw_alloc_zero(sizeof(*coder));
    if (coder) {
        coder->kind = kinds[coding];
        coder->coders = coders;
    }
    return coder;
}

/* Encoders that wait, of whatever kind, do not keep one from working. */
static bool make_room(struct rw_coders *coders, size_t memory_max)
{
    for (unsigned i = 0; i < RW_CODING_COUNT; i++) {
        struct rw_list *link;
        while (coders->used_bytes >= memory_max && (link = rw_list_pop_front(&coders->idle[i]))) {
            coders->idle_count[i]--;
            free_coder(rw_container_of(link, struct rw_coder, link));
        }
    }
    return coders->used_bytes < memory_max;
}

struct rw_coder *rw_coder_take(struct rw_worker *worker, const struct rw_coder_options *options)
{
    struct rw_coders *coders = coders_of(worker);
    if (!coders ||
        (!coders->idle_count[options->coding] && !make_room(coders, options->memory_max)))
        return NULL;
    struct rw_coder *coder = find_or_make(coders, options->coding);
    struct rw_coder_options its = *options;
    if (its.stream && its.window_bits > STREAM_WINDOW_BITS)
        its.window_bits = STREAM_WINDOW_BITS;
    if (coder && coder->kind->begin(coder, &its) != RW_OK) {
        free_coder(coder);
        return NULL;
    }
    return coder;
}

void rw_coder_give_back(struct rw_coder *coder)
{
    struct rw_coders *coders = coder->coders;
    unsigned coding = coding_of(coder);
    if (coder->kind->once) {
        coder->kind->free(coder);
        coder->state = NULL;
    }
    if (coders->idle_count[coding] == IDLE_MAX || coders->used_bytes > IDLE_BYTES_MAX) {
        free_coder(coder);
        return;
    }
    coders->idle_count[coding]++;
    rw_list_push_front(&coders->idle[coding], &coder->link);
}

enum rw_coder_outcome rw_coder_run(struct rw_coder *coder, enum rw_coder_flush flush,
                                   struct rw_span *in, struct rw_buf *out)
{
    rw_assert(rw_buf_space(out) > 0);
    return coder->kind->run(coder, flush, in, out);
}
