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

void rw_mirrors_describe(const struct rw_snapshot *snapshot, const struct rw_metrics *metrics,
                         struct rw_samples *samples, struct rw_text *json)
{
    bool first = true;
    rw_text_adds(json, "[");
    for (unsigned i = 0; i < snapshot->route_count; i++) {
        const struct rw_route *route = &snapshot->routes[i];
        for (unsigned p = 0; p < route->policy_count; p++) {
            if (route->policies[p].policy != &rw_policy_mirror)
                continue;
            rw_text_adds(json, first ? "" : ",\n");
            describe(route->policies[p].instance, metrics, samples, json);
            first = false;
        }
    }
    rw_text_adds(json, "]\n");
}
