#include "gate/cluster/cluster_explain.h"

#include "base/random.h"
#include "gate/cluster/cluster_registry.h"

static bool explain_names(const struct rw_cluster_control *control, struct rw_text *text)
{
    unsigned count = 0;
    for (unsigned i = 0; i < control->source_count; i++)
        if (control->sources[i].named)
            rw_text_addf(text, "%s%.*s", count++ ? ", " : "\n  names     ",
                         RW_SPAN_ARGS(control->sources[i].text));
    if (count)
        rw_text_adds(text, ": looked up in DNS while the gateway runs");
    return count > 0;
}

static void explain_discovery(const struct rw_cluster_control *control, struct rw_text *text)
{
    const struct rw_cluster *cluster = &control->cluster;
    unsigned count = atomic_load(&cluster->set)->count;
    struct rw_span flaw = rw_cluster_source_flaw(cluster);
    rw_text_addf(text, "\n  discovery %.*s", RW_SPAN_ARGS(cluster->discovery));
    if (control->discovery_from.len)
        rw_text_addf(text, ", from %.*s", RW_SPAN_ARGS(control->discovery_from));
    if (rw_discovery_answered(&control->discovery)) {
        rw_text_addf(text, "; has these %u endpoint%s now", count, count == 1 ? "" : "s");
        return;
    }
    rw_text_addf(text, "; %s until it %s", count ? "the endpoints above" : "no endpoint",
                 control->discovery_from.len ? "has answered" : "can be read");
    if (flaw.len)
        rw_text_addf(text, ": %.*s", RW_SPAN_ARGS(flaw));
}

void rw_cluster_explain_sources(const struct rw_cluster *cluster, struct rw_text *text)
{
    const struct rw_cluster_control *control = cluster->control;
    bool elsewhere = explain_names(control, text);
    if (cluster->discovery.len) {
        explain_discovery(control, text);
        elsewhere |= !control->discovery.discovery;
    }
    if (elsewhere)
        rw_text_adds(text,
                     "\n            a running gateway knows more: GET /upstreams of its admin "
                     "API");
}

/* As long as all endpoints are up. */
void rw_cluster_explain_hash(const struct rw_cluster *cluster, uint64_t hash,
                             const struct rw_residency *residency, struct rw_text *text)
{
    struct rw_random random;
    uint32_t cursor = 0;
    rw_random_seed(&random, 0);
    const struct rw_choice choice = {
        .hash = hash,
        .cursor = &cursor,
        .random = &random,
        .residency = residency,
    };
    const struct rw_endpoint *endpoint = rw_cluster_choose(cluster, &choice);
    if (endpoint)
        rw_text_addf(text, "\n  goes to   %.*s, while it is up", RW_SPAN_ARGS(endpoint->name));
}

struct rw_span rw_cluster_source_flaw(const struct rw_cluster *cluster)
{
    const struct rw_cluster_control *control = cluster->control;
    return rw_discovery_flaw(&control->discovery);
}
