#include "base/alloc.h"
#include "base/map.h"
#include "gate/cluster/cluster_registry.h"
#include "watch/metrics.h"

#include <stdio.h>

#define VIA " via "

enum { NAME_BYTES_MAX = RW_ADDRESS_TEXT_MAX + 48 };

struct rw_endpoint *rw_endpoint_hold(struct rw_endpoint *endpoint)
{
    atomic_fetch_add_explicit(&endpoint->references, 1, memory_order_relaxed);
    return endpoint;
}

void rw_endpoint_drop(struct rw_endpoint *endpoint)
{
    if (atomic_fetch_sub_explicit(&endpoint->references, 1, memory_order_acq_rel) != 1)
        return;
    struct rw_endpoint_record *record = rw_endpoint_record(endpoint);
    rw_assert(record->holders == 0);
    rw_slots_give(record->slots, endpoint->slot);
    rw_slots_drop(record->slots);
    rw_free(atomic_load(&endpoint->turns));
    rw_free(record);
}

static struct rw_span copy_text(char **to, struct rw_span text)
{
    char *at = *to;
    if (text.len)
        memcpy(at, text.at, text.len);
    at[text.len] = '\0';
    *to += text.len + 1;
    return rw_span(at, text.len);
}

static size_t locality_bytes(const struct rw_locality *locality)
{
    return locality->zone.len + locality->region.len + locality->cloud.len + 3;
}

/* "10.0.0.1:80", or "10.0.0.1:80 via LINE". */
static struct rw_span format_name(char to[NAME_BYTES_MAX],
                                  const struct rw_endpoint_identity *identity)
{
    size_t len = rw_address_format(to, &identity->address->storage);
    if (identity->path && identity->path->line.len)
        len += (size_t)snprintf(to + len, NAME_BYTES_MAX - len, VIA "%.*s",
                                RW_SPAN_ARGS(identity->path->line));
    return rw_span(to, len < NAME_BYTES_MAX ? len : NAME_BYTES_MAX - 1);
}

struct rw_span rw_endpoint_address_text(const struct rw_endpoint *endpoint)
{
    size_t line = endpoint->path ? endpoint->path->line.len : 0;
    return rw_span(endpoint->name.at, endpoint->name.len - (line ? line + sizeof(VIA) - 1 : 0));
}

struct rw_connect_options rw_endpoint_connect_options(const struct rw_endpoint *endpoint)
{
    struct rw_connect_options options = {
        .address = (const struct sockaddr *)&endpoint->address,
        .address_bytes = endpoint->address_bytes,
    };
    if (!endpoint->path)
        return options;
    options.socket = &endpoint->path->socket;
    options.source_bytes = endpoint->path->source.bytes;
    if (options.source_bytes)
        options.source = (const struct sockaddr *)&endpoint->path->source.storage;
    return options;
}

static void copy_path(struct rw_endpoint_record *record, const struct rw_path *path, char **to)
{
    if (!path)
        return;
    record->path = *path;
    record->path.line = copy_text(to, path->line);
    record->endpoint.path = &record->path;
}

static struct rw_endpoint_record *alloc_record(const struct rw_endpoint_identity *identity,
                                               struct rw_span name)
{
    const size_t line = __alignof__(struct rw_endpoint_record);
    const struct rw_locality *locality = &identity->locality;
    size_t bytes = sizeof(struct rw_endpoint_record) + identity->upstream.len + name.len +
                   identity->host.len + 3 + locality_bytes(locality) +
                   (identity->path ? identity->path->line.len + 1 : 0);
    bytes = (bytes + line - 1) / line * line;
    struct rw_endpoint_record *record = rw_alloc_aligned(line, bytes);
    if (!record)
        return NULL;
    memset(record, 0, bytes);
    char *to = record->text;
    record->upstream = copy_text(&to, identity->upstream);
    record->endpoint.name = copy_text(&to, name);
    record->endpoint.host = copy_text(&to, identity->host);
    record->endpoint.locality.zone = copy_text(&to, locality->zone);
    record->endpoint.locality.region = copy_text(&to, locality->region);
    record->endpoint.locality.cloud = copy_text(&to, locality->cloud);
    copy_path(record, identity->path, &to);
    return record;
}

static enum rw_err make_endpoint(struct rw_clusters *clusters,
                                 const struct rw_endpoint_identity *identity, uint64_t hash,
                                 struct rw_endpoint **endpoint)
{
    char text[NAME_BYTES_MAX];
    const struct rw_address *address = identity->address;
    struct rw_span name = format_name(text, identity);
    struct rw_endpoint_record *record = alloc_record(identity, name);
    if (!record)
        return RW_ENOMEM;
    struct rw_endpoint *made = &record->endpoint;
    enum rw_err err = rw_slots_take(clusters->endpoint_slots, &made->slot);
    if (err) {
        rw_free(record);
        return err;
    }
    record->slots = rw_slots_hold(clusters->endpoint_slots);
    record->hash = hash;
    made->address = address->storage;
    made->address_bytes = address->bytes;
    if (clusters->options.metrics)
        made->series = rw_metrics_series(clusters->options.metrics, RW_SERIES_ENDPOINT,
                                         record->upstream, made->name);
    atomic_init(&made->references, 1);
    *endpoint = made;
    return RW_OK;
}

/* ---- The listed ones ---- */

static struct rw_list *make_buckets(size_t count)
{
    struct rw_list *buckets = rw_alloc(count * sizeof(*buckets));
    for (size_t i = 0; buckets && i < count; i++)
        rw_list_init(&buckets[i]);
    return buckets;
}

enum rw_err rw_clusters_create_endpoints(struct rw_clusters *clusters)
{
    clusters->endpoint_buckets = RW_CLUSTER_BUCKETS;
    clusters->endpoints = make_buckets(RW_CLUSTER_BUCKETS);
    return clusters->endpoints ? RW_OK : RW_ENOMEM;
}

static struct rw_list *bucket_of(const struct rw_clusters *clusters, uint64_t hash)
{
    return &clusters->endpoints[hash & (clusters->endpoint_buckets - 1)];
}

/* Without memory it stays as it is, and is slower. */
static void grow(struct rw_clusters *clusters)
{
    size_t count = clusters->endpoint_buckets;
    struct rw_list *old = clusters->endpoints, *buckets = make_buckets(count * 2);
    if (!buckets)
        return;
    clusters->endpoints = buckets;
    clusters->endpoint_buckets = count * 2;
    for (size_t i = 0; i < count; i++)
        while (!rw_list_empty(&old[i])) {
            struct rw_list *item = old[i].next;
            uint64_t hash = rw_container_of(item, struct rw_endpoint_record, link)->hash;
            rw_list_remove(item);
            rw_list_push_back(bucket_of(clusters, hash), item);
        }
    rw_free(old);
}

static void list(struct rw_clusters *clusters, struct rw_endpoint_record *record)
{
    if (++clusters->endpoint_count > clusters->endpoint_buckets)
        grow(clusters);
    rw_list_push_back(bucket_of(clusters, record->hash), &record->link);
}

static uint64_t hash_of(const struct rw_endpoint_identity *identity)
{
    return rw_hash(identity->upstream.at, identity->upstream.len,
                   rw_address_hash(&identity->address->storage));
}

static bool is_same(const struct rw_endpoint_record *record,
                    const struct rw_endpoint_identity *identity)
{
    return rw_address_eq(&record->endpoint.address, &identity->address->storage) &&
           rw_span_eq(record->upstream, identity->upstream) &&
           rw_span_eq(record->endpoint.host, identity->host) &&
           rw_locality_eq(&record->endpoint.locality, &identity->locality) &&
           rw_path_eq(record->endpoint.path, identity->path);
}

enum rw_err rw_clusters_endpoint(struct rw_clusters *clusters,
                                 const struct rw_endpoint_identity *identity,
                                 struct rw_endpoint **endpoint)
{
    uint64_t hash = hash_of(identity);
    struct rw_list *bucket = bucket_of(clusters, hash);
    for (struct rw_list *item = bucket->next; item != bucket; item = item->next) {
        struct rw_endpoint_record *record = rw_container_of(item, struct rw_endpoint_record, link);
        if (record->hash == hash && is_same(record, identity)) {
            *endpoint = rw_endpoint_hold(&record->endpoint);
            return RW_OK;
        }
    }
    return make_endpoint(clusters, identity, hash, endpoint);
}

void rw_clusters_count_in(struct rw_clusters *clusters, struct rw_endpoint_set *set)
{
    for (unsigned i = 0; i < set->count; i++) {
        struct rw_endpoint_record *record = rw_endpoint_record(set->endpoints[i]);
        if (record->holders++ == 0)
            list(clusters, record);
    }
}

void rw_clusters_count_out(struct rw_clusters *clusters, struct rw_endpoint_set *set)
{
    for (unsigned i = 0; i < set->count; i++) {
        struct rw_endpoint_record *record = rw_endpoint_record(set->endpoints[i]);
        if (--record->holders > 0)
            continue;
        clusters->endpoint_count--;
        rw_list_remove(&record->link);
        atomic_store_explicit(&record->endpoint.removed, true, memory_order_release);
    }
}
