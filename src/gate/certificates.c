#include "gate/certificates.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "gate/snapshot.h"
#include "io/tls.h"

#include <stdlib.h>
#include <string.h>

/* One file at one place of the configuration. */
struct certificate {
    const char *side; /* whose it is: the name of a label */
    struct rw_span name, file;
    int64_t not_after;
};

struct gathered {
    struct certificate *items;
    size_t count;
};

static size_t count_all(const struct rw_snapshot *snapshot)
{
    size_t count = snapshot->config->upstreams.count;
    for (unsigned i = 0; i < snapshot->listener_count; i++)
        if (snapshot->listeners[i].tls)
            count += rw_tls_server_certificates(snapshot->listeners[i].tls);
    return count;
}

static void add_listener(struct gathered *to, const struct rw_listener_settings *listener)
{
    size_t count = listener->tls ? rw_tls_server_certificates(listener->tls) : 0;
    for (size_t i = 0; i < count; i++) {
        const struct rw_config_certificate *files = listener->config->tls->certificates.items;
        to->items[to->count++] = (struct certificate){"listener", listener->name, files[i].cert,
                                                      rw_tls_server_not_after(listener->tls, i)};
    }
}

static void add_upstream(struct gathered *to, const struct rw_snapshot *snapshot,
                         const struct rw_config_upstream *upstream)
{
    const struct rw_cluster *cluster = rw_snapshot_cluster(snapshot, upstream->name);
    if (cluster && cluster->tls && upstream->tls->cert.len)
        to->items[to->count++] = (struct certificate){
            "upstream", upstream->name, upstream->tls->cert, rw_tls_client_not_after(cluster->tls)};
}

static int compare(struct rw_span a, struct rw_span b)
{
    int order = memcmp(a.at, b.at, a.len < b.len ? a.len : b.len);
    return order ? order : (a.len > b.len) - (a.len < b.len);
}

static int by_end(const void *left, const void *right)
{
    const struct certificate *a = left, *b = right;
    int order = (a->not_after > b->not_after) - (a->not_after < b->not_after);
    order = order ? order : strcmp(a->side, b->side);
    order = order ? order : compare(a->name, b->name);
    return order ? order : compare(a->file, b->file);
}

/* One that is listed twice is one. */
static void sort(struct gathered *gathered)
{
    size_t kept = 0;
    if (gathered->count)
        qsort(gathered->items, gathered->count, sizeof(*gathered->items), by_end);
    for (size_t i = 0; i < gathered->count; i++)
        if (i == 0 || by_end(&gathered->items[i], &gathered->items[kept - 1]) != 0)
            gathered->items[kept++] = gathered->items[i];
    gathered->count = kept;
}

/* Sorted by their end. RW_ENOMEM. */
static enum rw_err gather(const struct rw_snapshot *snapshot, struct gathered *gathered)
{
    *gathered = (struct gathered){
        .items = rw_alloc((count_all(snapshot) + 1) * sizeof(struct certificate))};
    if (!gathered->items)
        return RW_ENOMEM;
    for (unsigned i = 0; i < snapshot->listener_count; i++)
        add_listener(gathered, &snapshot->listeners[i]);
    const struct rw_config_upstream *upstreams = snapshot->config->upstreams.items;
    for (size_t i = 0; i < snapshot->config->upstreams.count; i++)
        add_upstream(gathered, snapshot, &upstreams[i]);
    sort(gathered);
    return RW_OK;
}

static void expose_one(const struct certificate *certificate, struct rw_text *text)
{
    rw_text_addf(text, "ringway_certificate_not_after_timestamp_seconds{%s=\"", certificate->side);
    rw_metrics_expose_label(text, certificate->name);
    rw_text_adds(text, "\",file=\"");
    rw_metrics_expose_label(text, certificate->file);
    rw_text_addf(text, "\"} %lld\n", (long long)certificate->not_after);
}

void rw_certificates_expose(const struct rw_snapshot *snapshot, struct rw_text *text)
{
    struct gathered all;
    if (gather(snapshot, &all)) {
        text->err = RW_ENOMEM;
        return;
    }
    rw_metrics_expose_gauge(text, "ringway_certificates",
                            "Certificates that the configuration in force shows",
                            (double)all.count);
    if (all.count)
        rw_metrics_expose_head(text, "ringway_certificate_not_after_timestamp_seconds", "gauge",
                               "When a certificate ends: of the 100 that end first");
    for (size_t i = 0; i < all.count && i < RW_CERTIFICATES_SERIES_MAX; i++)
        expose_one(&all.items[i], text);
    rw_free(all.items);
}

void rw_certificates_describe(const struct rw_snapshot *snapshot, struct rw_text *json)
{
    struct gathered all;
    if (gather(snapshot, &all)) {
        json->err = RW_ENOMEM;
        return;
    }
    rw_text_addf(json, "{\"count\":%zu", all.count);
    if (all.count) {
        const struct certificate *first = &all.items[0];
        char when[32] = "";
        rw_clock_format_rfc3339(when, (uint64_t)(first->not_after > 0 ? first->not_after : 0) *
                                          RW_NS_PER_S);
        rw_text_addf(json, ",\"first\":{\"%s\":", first->side);
        rw_text_add_json(json, first->name);
        rw_text_adds(json, ",\"file\":");
        rw_text_add_json(json, first->file);
        rw_text_addf(json, ",\"not_after\":\"%.19sZ\"}", when);
    }
    rw_text_adds(json, "}");
    rw_free(all.items);
}
