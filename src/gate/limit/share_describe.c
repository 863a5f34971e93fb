#include "base/clock.h"
#include "gate/limit/share_private.h"

#define METRIC "ringway_rate_limit_redis_"

static const char *state_name(enum rw_redis_state state)
{
    static const char *const names[] = {
        [RW_REDIS_DOWN] = "down", [RW_REDIS_PROBING] = "probing", [RW_REDIS_UP] = "up"};
    return names[state];
}

static double mean_ns(const struct rw_redis_node *node)
{
    return node->batches ? (double)node->trip_sum_ns / (double)node->batches : 0;
}

/* ---- The admin API ---- */

static void describe_node(const struct rw_shares *shares, const struct rw_redis_node *node,
                          struct rw_text *json)
{
    rw_text_adds(json, "{\"address\":");
    rw_text_add_json(json, rw_span_text(node->place.text));
    rw_text_addf(json, ",\"state\":\"%s\"", state_name(node->state));
    if (rw_redis_store_kind(shares->store) == RW_REDIS_CLUSTER)
        rw_text_addf(json, ",\"slots\":%u", node->slots);
    rw_text_addf(json,
                 ",\"connected\":%llu,\"failed\":%llu,\"commands\":%llu,\"batches\":%llu,"
                 "\"round_trip_ms\":%.3f,\"round_trip_mean_ms\":%.3f,\"why\":",
                 (unsigned long long)node->up_count, (unsigned long long)node->down_count,
                 (unsigned long long)node->commands, (unsigned long long)node->batches,
                 (double)node->trip_ns / RW_NS_PER_MS, mean_ns(node) / RW_NS_PER_MS);
    if (node->state != RW_REDIS_UP && node->why[0])
        rw_text_add_json(json, rw_span_text(node->why));
    else
        rw_text_adds(json, "null");
    rw_text_adds(json, "}");
}

static void describe_store(const struct rw_shares *shares, struct rw_text *json)
{
    static const char *const kinds[] = {[RW_REDIS_SINGLE] = "single",
                                        [RW_REDIS_SENTINEL] = "sentinel",
                                        [RW_REDIS_CLUSTER] = "cluster"};
    const struct rw_redis_store *store = shares->store;
    const struct rw_redis_store_counts *counts = rw_redis_store_counts(store);
    const struct rw_place *guide = rw_redis_store_guide(store);
    const struct rw_redis_node *node = NULL;
    rw_text_addf(json, "{\"kind\":\"%s\",\"up\":%s,\"asks\":", kinds[rw_redis_store_kind(store)],
                 shares->up ? "true" : "false");
    if (guide)
        rw_text_add_json(json, rw_span_text(guide->text));
    else
        rw_text_adds(json, "null");
    rw_text_addf(json, ",\"unanswered\":%llu,\"changes\":%llu", (unsigned long long)counts->astray,
                 (unsigned long long)counts->changes);
    if (rw_redis_store_kind(store) == RW_REDIS_CLUSTER)
        rw_text_addf(json, ",\"moved\":%llu,\"asked\":%llu,\"split\":%llu",
                     (unsigned long long)counts->moved, (unsigned long long)counts->asked,
                     (unsigned long long)counts->split);
    rw_text_adds(json, ",\"servers\":[");
    while ((node = rw_redis_store_next(store, node))) {
        rw_text_adds(json, node == rw_redis_store_next(store, NULL) ? "\n" : ",\n");
        describe_node(shares, node, json);
    }
    rw_text_adds(json, "]}");
}

void rw_shares_describe(const struct rw_shares *shares, struct rw_text *json)
{
    rw_text_adds(json, "{\"redis\":");
    if (shares->store)
        describe_store(shares, json);
    else
        rw_text_adds(json, "null");
    rw_text_adds(json, "}\n");
}

/* ---- Metrics ---- */

static double is_up(const struct rw_redis_node *node)
{
    return node->state == RW_REDIS_UP;
}

static double connects(const struct rw_redis_node *node)
{
    return (double)node->up_count;
}

static double failures(const struct rw_redis_node *node)
{
    return (double)node->down_count;
}

static double slots(const struct rw_redis_node *node)
{
    return node->slots;
}

static double trips(const struct rw_redis_node *node)
{
    return (double)node->batches;
}

static double trip_seconds(const struct rw_redis_node *node)
{
    return (double)node->trip_sum_ns / RW_NS_PER_S;
}

/* One value of each server; without `type` it belongs to the family before it. */
static const struct {
    const char *name, *type, *help;
    double (*value)(const struct rw_redis_node *node);
} node_metrics[] = {
    {METRIC "server_up", "gauge", "1 if this server takes what was used of shared limits", is_up},
    {METRIC "server_connects_total", "counter", "Times that this server came up", connects},
    {METRIC "server_failures_total", "counter",
     "Times that this server could not be reached, or failed", failures},
    {METRIC "server_slots", "gauge", "Slots of a cluster that this server has", slots},
    {METRIC "server_round_trip_seconds", "summary",
     "From telling this server what was used to its last answer", NULL},
    {METRIC "server_round_trip_seconds_sum", NULL, NULL, trip_seconds},
    {METRIC "server_round_trip_seconds_count", NULL, NULL, trips},
};

static void expose_nodes(const struct rw_shares *shares, struct rw_text *text)
{
    for (size_t i = 0; i < sizeof(node_metrics) / sizeof(*node_metrics); i++) {
        const struct rw_redis_node *node = NULL;
        if (node_metrics[i].type)
            rw_metrics_expose_head(text, node_metrics[i].name, node_metrics[i].type,
                                   node_metrics[i].help);
        while (node_metrics[i].value && (node = rw_redis_store_next(shares->store, node))) {
            rw_text_addf(text, "%s{server=\"", node_metrics[i].name);
            rw_metrics_expose_label(text, rw_span_text(node->place.text));
            rw_text_addf(text, "\"} %.9g\n", node_metrics[i].value(node));
        }
    }
}

void rw_shares_expose(const struct rw_shares *shares, struct rw_text *text)
{
    if (!shares->store)
        return;
    const struct rw_redis_store_counts *counts = rw_redis_store_counts(shares->store);
    const struct {
        const char *name, *help;
        uint64_t value;
    } totals[] = {
        {METRIC "changes_total", "Times that other servers had the keys than before",
         counts->changes},
        {METRIC "unanswered_total",
         "Sentinels, or members of a cluster, that could not say who has the keys", counts->astray},
        {METRIC "moved_total", "Commands that a cluster has sent on for good", counts->moved},
        {METRIC "asked_total", "Commands that a cluster has sent on while a slot moved",
         counts->asked},
        {METRIC "split_total", "Commands told key by key, as their slot moved", counts->split},
    };
    for (size_t i = 0; i < sizeof(totals) / sizeof(*totals); i++)
        rw_metrics_expose_counter(text, totals[i].name, totals[i].help, (double)totals[i].value);
    expose_nodes(shares, text);
}
