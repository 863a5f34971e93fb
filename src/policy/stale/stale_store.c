#include "policy/stale/stale_store.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/map.h"

enum {
    BUCKETS_MIN = 64,
    BUCKETS_MAX = 1 << 20,
    BYTES_PER_BUCKET = 4096, /* some three small entries */
    VARY_MAX = 16,
    ENTRY_BLOCK_BYTES = 1024,
    ENTRY_BYTES_MAX = 128 << 10, /* of key and head */
};

struct rw_stale_shelf {
    struct rw_list link;
    struct rw_worker *worker;
    struct rw_text route;
    struct rw_list entries; /* least recently used first */
    size_t bytes, under_way_bytes;
    unsigned under_way; /* entries that know it */
    uint64_t seed;      /* nobody can choose keys of one bucket */
    size_t bucket_count;
    struct rw_stale_entry *buckets[];
};

struct store {
    struct rw_worker_store store;
    struct rw_list shelves;
};

/* ---- Entries ---- */

static size_t bytes_of(const struct rw_stale_entry *entry)
{
    return sizeof(*entry) + entry->arena.used_bytes + entry->body.room;
}

static bool stays(const struct rw_field *field)
{
    return !field->hop && field->id != RW_FIELD_CONTENT_LENGTH && field->id != RW_FIELD_AGE &&
           field->id != RW_FIELD_TRANSFER_ENCODING && field->id != RW_FIELD_TRAILER;
}

static bool copy_field(struct rw_stale_entry *entry, struct rw_span name, struct rw_span value,
                       struct rw_field *to)
{
    *to = (struct rw_field){.name = rw_arena_copy(&entry->arena, name),
                            .value = rw_arena_copy(&entry->arena, value)};
    return to->name.at && to->value.at;
}

static bool copy_fields(struct rw_stale_entry *entry, const struct rw_message *response)
{
    entry->fields =
        rw_arena_alloc(&entry->arena, (response->field_count + 1) * sizeof(*entry->fields));
    for (unsigned i = 0; i < response->field_count && entry->fields; i++) {
        const struct rw_field *field = &response->fields[i];
        if (stays(field) &&
            !copy_field(entry, field->name, field->value, &entry->fields[entry->field_count++]))
            return false;
    }
    return entry->fields != NULL;
}

/* Several fields of one name are their values in a row, as one (RFC 9110 section 5.3). */
static struct rw_span value_of(const struct rw_message *request, struct rw_span name)
{
    const struct rw_field *field = rw_message_find_name(request, name);
    return field ? field->value : (struct rw_span){0};
}

static bool repeated(const struct rw_message *request, struct rw_span name)
{
    unsigned count = 0;
    for (unsigned i = 0; i < request->field_count; i++)
        count += rw_span_eq_nocase(request->fields[i].name, name);
    return count > 1;
}

/* False: no memory, or it is not clear by what it varies. */
static bool copy_varies(struct rw_stale_entry *entry, const struct rw_message *request,
                        const struct rw_message *response)
{
    entry->varies = rw_arena_alloc(&entry->arena, VARY_MAX * sizeof(*entry->varies));
    for (unsigned i = 0; i < response->field_count && entry->varies; i++) {
        struct rw_span rest = response->fields[i].value, name;
        if (response->fields[i].id != RW_FIELD_VARY)
            continue;
        while (rest.at && rw_span_next(&rest, ',', &name)) {
            if (!name.len)
                continue;
            if (entry->vary_count == VARY_MAX || repeated(request, name) ||
                !copy_field(entry, name, value_of(request, name),
                            &entry->varies[entry->vary_count++]))
                return false;
        }
    }
    return entry->varies != NULL;
}

static bool suits(const struct rw_stale_entry *entry, const struct rw_message *request)
{
    for (unsigned i = 0; i < entry->vary_count; i++) {
        const struct rw_field *vary = &entry->varies[i];
        if (repeated(request, vary->name) ||
            !rw_span_eq(value_of(request, vary->name), vary->value))
            return false;
    }
    return true;
}

/* What is under way is counted on the shelf that it is for. */
static void count_on(struct rw_stale_entry *entry)
{
    size_t now = bytes_of(entry);
    entry->maker->under_way_bytes += now - entry->made_bytes;
    entry->made_bytes = now;
}

/* It is no longer under way. */
static void settle(struct rw_stale_entry *entry)
{
    if (!entry->maker)
        return;
    entry->maker->under_way_bytes -= entry->made_bytes;
    entry->maker->under_way--;
    entry->maker = NULL;
}

bool rw_stale_entry_add(struct rw_stale_entry *entry, struct rw_span bytes, size_t bytes_max)
{
    rw_text_add(&entry->body, bytes);
    count_on(entry);
    return !entry->body.err && entry->maker->under_way_bytes <= bytes_max;
}

struct rw_stale_entry *rw_stale_entry_create(struct rw_stale_shelf *shelf, struct rw_span key,
                                             const struct rw_message *request,
                                             const struct rw_message *response)
{
    struct rw_stale_entry *entry = rw_alloc_zero(sizeof(*entry));
    if (!entry)
        return NULL;
    rw_arena_init(&entry->arena, NULL, 0, ENTRY_BLOCK_BYTES, ENTRY_BYTES_MAX);
    entry->references = 1;
    entry->maker = shelf;
    shelf->under_way++;
    entry->key = rw_arena_copy(&entry->arena, key);
    if (entry->key.at && copy_fields(entry, response) && copy_varies(entry, request, response))
        return entry;
    rw_stale_entry_drop(entry);
    return NULL;
}

void rw_stale_entry_drop(struct rw_stale_entry *entry)
{
    if (--entry->references > 0)
        return;
    settle(entry);
    rw_text_free(&entry->body);
    rw_arena_free(&entry->arena);
    rw_free(entry);
}

/* ---- Shelves ---- */

static struct rw_stale_entry **bucket_of(struct rw_stale_shelf *shelf, struct rw_span key)
{
    return &shelf->buckets[rw_hash(key.at, key.len, shelf->seed) % shelf->bucket_count];
}

static void take_off(struct rw_stale_entry *entry)
{
    struct rw_stale_shelf *shelf = entry->shelf;
    struct rw_stale_entry **at = bucket_of(shelf, entry->key);
    while (*at != entry)
        at = &(*at)->next;
    *at = entry->next;
    rw_list_remove(&entry->link);
    shelf->bytes -= bytes_of(entry);
    rw_worker_count(shelf->worker, RW_COUNTER_STALE_BYTES, -(int64_t)bytes_of(entry));
    entry->shelf = NULL;
    rw_stale_entry_drop(entry);
}

static bool is_over(const struct rw_stale_entry *entry, uint64_t now_ms)
{
    return rw_elapsed_ms(now_ms, entry->stored_ms) / 1000 >= entry->window_s;
}

struct rw_stale_entry *rw_stale_shelf_find(struct rw_stale_shelf *shelf, struct rw_span key,
                                           const struct rw_message *request, uint64_t now_ms)
{
    struct rw_stale_entry *entry = *bucket_of(shelf, key);
    while (entry && !(rw_span_eq(entry->key, key) && suits(entry, request)))
        entry = entry->next;
    if (!entry)
        return NULL;
    if (is_over(entry, now_ms)) {
        take_off(entry);
        return NULL;
    }
    rw_list_remove(&entry->link);
    rw_list_push_back(&shelf->entries, &entry->link);
    return entry;
}

/* Do both answer the same requests? */
static bool same_requests(const struct rw_stale_entry *a, const struct rw_stale_entry *b)
{
    bool same = rw_span_eq(a->key, b->key) && a->vary_count == b->vary_count;
    for (unsigned i = 0; i < a->vary_count && same; i++)
        same = rw_span_eq_nocase(a->varies[i].name, b->varies[i].name) &&
               rw_span_eq(a->varies[i].value, b->varies[i].value);
    return same;
}

void rw_stale_shelf_put(struct rw_stale_shelf *shelf, struct rw_stale_entry *entry,
                        size_t bytes_max, uint64_t now_ms)
{
    struct rw_stale_entry **bucket = bucket_of(shelf, entry->key), *old = *bucket;
    settle(entry);
    while (old && !same_requests(old, entry))
        old = old->next;
    if (old)
        take_off(old);
    if (bytes_of(entry) > bytes_max)
        return;
    while (shelf->bytes + bytes_of(entry) > bytes_max)
        take_off(rw_container_of(shelf->entries.next, struct rw_stale_entry, link));
    entry->references++;
    entry->shelf = shelf;
    entry->stored_ms = now_ms;
    entry->next = *bucket;
    *bucket = entry;
    rw_list_push_back(&shelf->entries, &entry->link);
    shelf->bytes += bytes_of(entry);
    rw_worker_count(shelf->worker, RW_COUNTER_STALE_BYTES, (int64_t)bytes_of(entry));
}

/* ---- The store ---- */

static void clear(struct rw_stale_shelf *shelf, bool all, uint64_t now_ms)
{
    struct rw_list *next;
    for (struct rw_list *at = shelf->entries.next; at != &shelf->entries; at = next) {
        struct rw_stale_entry *entry = rw_container_of(at, struct rw_stale_entry, link);
        next = at->next;
        if (all || is_over(entry, now_ms))
            take_off(entry);
    }
    rw_assert(!all || !shelf->under_way);
    if (!rw_list_empty(&shelf->entries) || shelf->under_way)
        return;
    rw_list_remove(&shelf->link);
    rw_text_free(&shelf->route);
    rw_free(shelf);
}

static void clear_all(struct store *store, bool all, uint64_t now_ms)
{
    struct rw_list *next;
    for (struct rw_list *at = store->shelves.next; at != &store->shelves; at = next) {
        next = at->next;
        clear(rw_container_of(at, struct rw_stale_shelf, link), all, now_ms);
    }
}

static void trim(struct rw_worker_store *base)
{
    struct store *store = rw_container_of(base, struct store, store);
    if (rw_list_empty(&store->shelves))
        return;
    struct rw_stale_shelf *first =
        rw_container_of(store->shelves.next, struct rw_stale_shelf, link);
    clear_all(store, false, rw_loop_now_ms(first->worker->loop));
}

static void destroy(struct rw_worker_store *base)
{
    struct store *store = rw_container_of(base, struct store, store);
    clear_all(store, true, 0);
    rw_free(store);
}

static const struct rw_worker_store_kind store_kind = {.trim = trim, .destroy = destroy};

static struct store *store_of(struct rw_worker *worker)
{
    struct rw_worker_store *known = rw_worker_store(worker, &store_kind);
    if (known)
        return rw_container_of(known, struct store, store);
    struct store *store = rw_alloc_zero(sizeof(*store));
    if (!store)
        return NULL;
    store->store.kind = &store_kind;
    rw_list_init(&store->shelves);
    rw_worker_add_store(worker, &store->store);
    return store;
}

static struct rw_stale_shelf *make_shelf(struct rw_worker *worker, struct rw_span route,
                                         size_t bytes_max)
{
    size_t buckets = bytes_max / BYTES_PER_BUCKET;
    buckets = buckets < BUCKETS_MIN ? BUCKETS_MIN : buckets > BUCKETS_MAX ? BUCKETS_MAX : buckets;
    struct rw_stale_shelf *shelf =
        rw_alloc_zero(sizeof(*shelf) + buckets * sizeof(*shelf->buckets));
    if (!shelf)
        return NULL;
    rw_text_add(&shelf->route, route);
    if (shelf->route.err) {
        rw_free(shelf);
        return NULL;
    }
    shelf->worker = worker;
    shelf->bucket_count = buckets;
    shelf->seed = rw_random_u64(rw_loop_random(worker->loop));
    rw_list_init(&shelf->entries);
    return shelf;
}

struct rw_stale_shelf *rw_stale_shelf(struct rw_worker *worker, struct rw_span route,
                                      size_t bytes_max)
{
    struct store *store = store_of(worker);
    if (!store)
        return NULL;
    for (struct rw_list *at = store->shelves.next; at != &store->shelves; at = at->next) {
        struct rw_stale_shelf *shelf = rw_container_of(at, struct rw_stale_shelf, link);
        if (rw_span_eq(rw_text_span(&shelf->route), route))
            return shelf;
    }
    struct rw_stale_shelf *shelf = make_shelf(worker, route, bytes_max);
    if (shelf)
        rw_list_push_back(&store->shelves, &shelf->link);
    return shelf;
}
