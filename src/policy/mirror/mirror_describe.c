/* The migration check, for the admin API. */
#include "base/clock.h"
#include "policy/mirror/mirror_private.h"

static void describe_samples(const struct rw_mirror *mirror, struct rw_samples *samples,
                             struct rw_text *json)
{
    struct rw_sample shown[RW_MIRROR_SAMPLES_SHOWN];
    unsigned count = rw_samples_read(samples, mirror->route, shown, RW_MIRROR_SAMPLES_SHOWN);
    rw_text_adds(json, ",\"samples\":[");
    for (unsigned i = 0; i < count; i++) {
        char when[24];
        rw_clock_format_rfc3339(when, shown[i].wall_ns);
        rw_text_addf(json, "%s\n{\"time\":\"%.24s\",\"what\":", i ? "," : "", when);
        rw_text_add_json(json, rw_span(shown[i].text, shown[i].text_len));
        rw_text_adds(json, "}");
    }
    rw_text_adds(json, "]");
}

static void describe_cells(const struct rw_series_cell *sum, unsigned from, unsigned to,
                           struct rw_text *json)
{
    for (unsigned i = from; i < to; i++)
        rw_text_addf(json, "%s\"%s\":%llu", i > from ? "," : "", rw_mirror_result_name(i),
                     (unsigned long long)sum->buckets[i]);
}

static void describe(const struct rw_mirror *mirror, const struct rw_metrics *metrics,
                     struct rw_samples *samples, struct rw_text *json)
{
    struct rw_series_cell sum = {0};
    rw_metrics_series_total(metrics, mirror->result_series, &sum);
    rw_text_adds(json, "{\"route\":");
    rw_text_add_json(json, mirror->route);
    rw_text_adds(json, ",\"upstream\":");
    rw_text_add_json(json, mirror->config->upstream);
    uint64_t compared = sum.buckets[RW_MIRROR_SAME] + sum.buckets[RW_MIRROR_DIFFERENT];
    rw_text_addf(json, ",\"share\":%.6g,\"compared\":%llu,", mirror->config->share,
                 (unsigned long long)compared);
    describe_cells(&sum, 0, RW_MIRROR_RESULTS, json);
    rw_text_adds(json, ",\"differences\":{");
    describe_cells(&sum, RW_MIRROR_RESULTS, RW_MIRROR_CELLS, json);
    rw_text_adds(json, "}");
    describe_samples(mirror, samples, json);
    rw_text_adds(json, "}");
}

/* The route in the upper half of `at`, its policy in the lower one. */
const struct rw_mirror *rw_mirror_next(const struct rw_snapshot *snapshot, uint64_t *at)
{
    for (uint32_t r = (uint32_t)(*at >> 32); r < snapshot->route_count; r++) {
        const struct rw_route *route = &snapshot->routes[r];
        for (uint32_t p = (uint32_t)*at; p < route->policy_count; p++) {
            *at = (uint64_t)r << 32 | (p + 1);
            if (route->policies[p].policy == &rw_policy_mirror)
                return route->policies[p].instance;
        }
        *at = (uint64_t)(r + 1) << 32;
    }
    return NULL;
}

void rw_mirrors_describe(const struct rw_snapshot *snapshot, const struct rw_metrics *metrics,
                         struct rw_samples *samples, struct rw_text *json)
{
    const struct rw_mirror *mirror;
    const char *comma = "";
    uint64_t at = 0;
    rw_text_adds(json, "[");
    while ((mirror = rw_mirror_next(snapshot, &at))) {
        rw_text_adds(json, comma);
        describe(mirror, metrics, samples, json);
        comma = ",\n";
    }
    rw_text_adds(json, "]\n");
}
