#include "policy/residency/residency.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "gate/cluster/balance/residency.h"
#include "gate/snapshot.h"
#include "gate/worker.h"
#include "policy/refuse.h"
#include "policy/residency/residency_private.h"

struct residency {
    const struct rw_residency_config *config;
    struct rw_geo *geo;
};

/* ---- Compiling ---- */

static enum rw_err compile(struct rw_compile *compile, const void *value, void **instance)
{
    const struct rw_residency_config *config = value;
    struct residency *residency = rw_arena_zero(compile->arena, sizeof(*residency));
    if (!residency)
        return RW_ENOMEM;
    residency->config = config;
    enum rw_err err = rw_geo_create(&residency->geo);
    if (err)
        return err;
    err = rw_residency_locate(compile, config, residency->geo);
    if (err)
        rw_geo_destroy(residency->geo);
    *instance = residency;
    return err;
}

static void destroy(void *instance)
{
    rw_geo_destroy(((struct residency *)instance)->geo);
}

static enum rw_err check_route(const void *instance, const struct rw_route *route,
                               const struct rw_snapshot *snapshot, struct rw_conf_report *report)
{
    const struct residency *residency = instance;
    enum rw_err err = rw_residency_check_route(residency->config, route, snapshot, report);
    return err ? err : rw_residency_check_together(instance, route, snapshot, report);
}

const struct rw_residency_config *rw_residency_config_of(const void *instance)
{
    return ((const struct residency *)instance)->config;
}

/* ---- Deciding ---- */

static bool is_client(struct rw_span client, const struct rw_geo_place *place)
{
    if (rw_span_is(client, "any"))
        return true;
    if (rw_span_is(client, "unknown"))
        return !place->country[0];
    if (rw_span_is(client, "EU"))
        return place->eu;
    return place->country[0] && memcmp(client.at, place->country, 2) == 0;
}

const struct rw_residency_rule_config *
rw_residency_rule_for(const struct rw_residency_config *config, const struct rw_geo_place *place)
{
    const struct rw_residency_rule_config *rules = config->rules.items;
    for (size_t i = 0; i < config->rules.count; i++) {
        const struct rw_span *clients = rules[i].clients.items;
        for (size_t k = 0; k < rules[i].clients.count; k++)
            if (is_client(clients[k], place))
                return &rules[i];
    }
    return NULL;
}

/* "EU/DE", "US", "unknown". */
static struct rw_span name_place(struct rw_arena *arena, const struct rw_geo_place *place)
{
    if (!place->country[0])
        return RW_LITERAL("unknown");
    return rw_arena_format(arena, "%s%.2s", place->eu ? "EU/" : "", place->country);
}

/* The log has the names of all rules that hold, that of the listener first. */
static struct rw_span name_rules(struct rw_arena *arena, const struct rw_residency *outer,
                                 struct rw_span rule)
{
    if (!outer || !outer->rule.len)
        return rule;
    if (!rule.len)
        return outer->rule;
    return rw_arena_format(arena, "%.*s, %.*s", RW_SPAN_ARGS(outer->rule), RW_SPAN_ARGS(rule));
}

static bool note(struct rw_exchange *x, const struct rw_geo_place *place,
                 const struct rw_residency_rule_config *rule)
{
    struct rw_residency *made = rw_arena_zero(&x->arena, sizeof(*made));
    if (!made)
        return false;
    made->outer = x->residency;
    made->client = name_place(&x->arena, place);
    made->rule = name_rules(&x->arena, x->residency, rule ? rule->name : RW_LITERAL(""));
    if (rule && !rule->refuse)
        made->regions = (struct rw_regions){rule->regions.items, rule->regions.count};
    x->residency = made;
    return made->client.at && made->rule.at;
}

static enum rw_verdict on_request(struct rw_exchange *x, const void *instance)
{
    const struct residency *residency = instance;
    struct rw_geo_place place;
    rw_geo_find(residency->geo, x->client, &place);
    const struct rw_residency_rule_config *rule = rw_residency_rule_for(residency->config, &place);
    if (!note(x, &place, rule))
        return RW_VERDICT_FAIL;
    if (!place.country[0])
        rw_worker_count(x->worker, RW_COUNTER_RESIDENCY_UNKNOWN, 1);
    if (!rule)
        return RW_VERDICT_NEXT;
    rw_worker_count(x->worker,
                    rule->refuse ? RW_COUNTER_RESIDENCY_REFUSED : RW_COUNTER_RESIDENCY_KEPT, 1);
    if (!rule->refuse)
        return RW_VERDICT_NEXT;
    x->reason = RW_REASON_RESIDENCY_REFUSED;
    return rw_policy_refuse(x, rule->status, rw_reason_text(RW_REASON_RESIDENCY_REFUSED));
}

/* ---- Explaining ---- */

static void explain_list(const struct rw_conf_list *list, struct rw_text *text)
{
    const struct rw_span *items = list->items;
    for (size_t i = 0; i < list->count; i++)
        rw_text_addf(text, "%s%.*s", i ? ", " : "", RW_SPAN_ARGS(items[i]));
}

static void explain(const void *instance, struct rw_text *text)
{
    const struct residency *residency = instance;
    const struct rw_residency_rule_config *rules = residency->config->rules.items;
    for (size_t i = 0; i < residency->config->rules.count; i++) {
        rw_text_addf(text, "%s%.*s: ", i ? "; " : "", RW_SPAN_ARGS(rules[i].name));
        explain_list(&rules[i].clients, text);
        if (rules[i].refuse) {
            rw_text_addf(text, " get %u", rules[i].status);
            continue;
        }
        rw_text_adds(text, " only to ");
        explain_list(&rules[i].regions, text);
    }
    uint64_t built_s = rw_geo_built_s(residency->geo);
    char day[32];
    if (!built_s)
        return;
    rw_clock_format_rfc3339(day, built_s * RW_NS_PER_S);
    rw_text_addf(text, " (database of %.10s)", day);
}

static void explain_client(struct rw_exchange *x, const void *instance, struct rw_text *text)
{
    const struct residency *residency = instance;
    struct rw_geo_place place;
    rw_geo_find(residency->geo, x->client, &place);
    const struct rw_residency_rule_config *rule = rw_residency_rule_for(residency->config, &place);
    if (!note(x, &place, rule))
        return;
    rw_text_addf(text, "; this client is %s%.*s: ", place.country[0] ? "in " : "",
                 RW_SPAN_ARGS(x->residency->client));
    if (!rule)
        rw_text_adds(text, "no rule is for it");
    else if (rule->refuse)
        rw_text_addf(text, "it gets %u by %.*s", rule->status, RW_SPAN_ARGS(rule->name));
    else
        rw_text_addf(text, "it is kept by %.*s", RW_SPAN_ARGS(rule->name));
}

const struct rw_policy rw_policy_residency = {
    .kind = {.name = "residency",
             .record = &rw_residency_record,
             .doc = "Keeps requests of clients from some countries to some regions.",
             .user = &rw_policy_residency},
    .compile = compile,
    .destroy = destroy,
    .check_route = check_route,
    .on_request = on_request,
    .explain = explain,
    .explain_client = explain_client,
};
