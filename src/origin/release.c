#include "origin/release.h"

#include "base/clock.h"
#include "conf/credential.h"
#include "gate/release/release.h"
#include "origin/upstream.h"
#include "origin/upstream_call.h"

#include <stdio.h>

/* ---- Choosing ---- */

/* False: the request does not have what the rule looks at. */
static bool look_at(struct rw_exchange *x, const struct rw_config_release_rule *rule,
                    struct rw_span *value)
{
    if (rule->header.len) {
        const struct rw_field *field = rw_message_find_name(&x->request, rule->header);
        *value = field ? field->value : (struct rw_span){0};
        return field != NULL;
    }
    *value = rule->cookie.len ? rw_upstream_pair(x, RW_PAIRS_COOKIE, rule->cookie)
                              : rw_upstream_pair(x, RW_PAIRS_QUERY, rule->query);
    return value->at != NULL;
}

static bool takes(struct rw_exchange *x, const struct rw_config_release_rule *rule)
{
    struct rw_span value;
    return look_at(x, rule, &value) &&
           (rw_span_is(rule->value, "*") || rw_span_eq(rule->value, value));
}

/* False: no rule takes it. */
static bool by_rule(struct rw_exchange *x, const struct rw_release *release, unsigned *index)
{
    const struct rw_config_release_rule *rules = release->config->rules.items;
    for (size_t i = 0; i < release->config->rules.count; i++) {
        if (!takes(x, &rules[i]))
            continue;
        *index = release->rule_versions[i];
        return true;
    }
    return false;
}

static unsigned by_share(struct rw_exchange *x, const struct rw_release *release)
{
    const struct rw_config_sticky *sticky = release->config->sticky;
    if (sticky)
        return rw_release_for_user(release, rw_upstream_hash_key(x, &sticky->by));
    return rw_release_for_any(release, rw_random_u64(rw_loop_random(x->worker->loop)));
}

static enum rw_flow start(struct rw_exchange *x, void *instance, const struct rw_piece *first)
{
    const struct rw_release *release = instance;
    unsigned index;
    bool ruled = by_rule(x, release, &index);
    if (!ruled)
        index = by_share(x, release);
    const struct rw_release_version *version = &release->versions[index];
    x->version_series = ruled ? version->ruled_series : version->series;
    return rw_origin_upstream.start(x, version->cluster, first);
}

static enum rw_flow request_data(struct rw_exchange *x, const struct rw_piece *piece)
{
    return rw_origin_upstream.request_data(x, piece);
}

static void response_resume(struct rw_exchange *x)
{
    rw_origin_upstream.response_resume(x);
}

static void cancel(struct rw_exchange *x)
{
    rw_origin_upstream.cancel(x);
}

static void detach(struct rw_exchange *x, struct rw_tunnel *tunnel)
{
    rw_origin_upstream.detach(x, tunnel);
}

/* ---- Compiling ---- */

static unsigned index_of(const struct rw_release *release, struct rw_span name)
{
    unsigned index = 0;
    while (index < release->count && !rw_span_eq(release->versions[index].config->name, name))
        index++;
    rw_assert(index < release->count); /* config_release.c has looked */
    return index;
}

static unsigned series_of(struct rw_compile *compile, const struct rw_config_version *version,
                          const char *suffix)
{
    char label[RW_SERIES_LABEL_MAX + 1];
    snprintf(label, sizeof(label), "%.*s%s", RW_SPAN_ARGS(version->name), suffix);
    return compile->metrics ? rw_metrics_series(compile->metrics, RW_SERIES_VERSION,
                                                compile->route->name, rw_span_text(label))
                            : 0;
}

static enum rw_err compile_version(struct rw_compile *compile,
                                   const struct rw_config_version *config,
                                   struct rw_release_version *to)
{
    *to = (struct rw_release_version){
        .config = config,
        .cluster = rw_snapshot_cluster(compile->snapshot, config->upstream),
        .series = series_of(compile, config, ""),
        .ruled_series = series_of(compile, config, " (rule)"),
    };
    return to->cluster ? RW_OK : RW_EINVAL; /* told by the config checks already */
}

/* Without the counters of both versions there is nothing to compare. */
static enum rw_err expect_counters(struct rw_compile *compile, const struct rw_release *release)
{
    const struct rw_rollout *rollout = release->rollout;
    if (!compile->metrics || (release->versions[rollout->candidate].series != RW_SERIES_VERSION &&
                              release->versions[rollout->baseline].series != RW_SERIES_VERSION))
        return RW_OK;
    rw_conf_mistake_at(compile->report, rollout->config->place,
                       "its versions cannot be counted: \"metrics.series_max\" is used up");
    return RW_EINVAL;
}

static enum rw_err find_state(struct rw_compile *compile, const struct rw_release *release)
{
    if (!compile->release_states)
        return RW_OK;
    enum rw_err err =
        rw_release_states_find(compile->release_states, rw_release_id(release),
                               rw_clock_wall_ns() / RW_NS_PER_S, &release->rollout->state);
    if (err != RW_ELIMIT)
        return err;
    rw_conf_mistake_at(compile->report, release->rollout->config->place, "more than %d rollouts",
                       RW_RELEASE_STATES_MAX);
    return RW_EINVAL;
}

static enum rw_err compile_rollout(struct rw_compile *compile, struct rw_release *release)
{
    const struct rw_config_rollout *config = release->config->rollout;
    struct rw_rollout *rollout = rw_arena_zero(compile->arena, sizeof(*rollout));
    if (!rollout)
        return RW_ENOMEM;
    release->rollout = rollout;
    rollout->config = config;
    rollout->candidate = index_of(release, config->version);
    rollout->baseline = config->against.len  ? index_of(release, config->against)
                        : rollout->candidate ? 0
                                             : 1;
    enum rw_err err = expect_counters(compile, release);
    return err ? err : find_state(compile, release);
}

static enum rw_err compile(struct rw_compile *compile, const void *value, void **instance)
{
    const struct rw_config_release *config = value;
    const struct rw_config_version *versions = config->versions.items;
    const struct rw_config_release_rule *rules = config->rules.items;
    size_t rule_count = config->rules.count;
    struct rw_release *release = rw_arena_zero(compile->arena, sizeof(*release));
    if (!release)
        return RW_ENOMEM;
    release->route = compile->route->name;
    release->config = config;
    release->versions =
        rw_arena_zero(compile->arena, config->versions.count * sizeof(*release->versions));
    release->rule_versions =
        rw_arena_zero(compile->arena, (rule_count + 1) * sizeof(*release->rule_versions));
    if (!release->versions || !release->rule_versions)
        return RW_ENOMEM;
    for (size_t i = 0; i < config->versions.count; i++) {
        enum rw_err err =
            compile_version(compile, &versions[i], &release->versions[release->count++]);
        if (err)
            return err;
    }
    for (size_t i = 0; i < rule_count; i++)
        release->rule_versions[i] = index_of(release, rules[i].version);
    rw_release_prepare(release);
    *instance = release;
    enum rw_err err = config->rollout ? compile_rollout(compile, release) : RW_OK;
    release->next = compile->snapshot->releases;
    compile->snapshot->releases = release;
    return err;
}

/* Users stay by who they are, and its versions may have a use for that, too. */
static enum rw_err check_route(const void *instance, const struct rw_route *route,
                               const struct rw_snapshot *snapshot, struct rw_conf_report *report)
{
    const struct rw_release *release = instance;
    const struct rw_config_sticky *sticky = release->config->sticky;
    enum rw_err result = RW_OK;
    if (sticky)
        result = rw_upstream_expect_key(&sticky->by, "`sticky`", route, snapshot, report);
    for (unsigned i = 0; i < release->count && result != RW_ENOMEM; i++) {
        const struct rw_cluster *cluster = release->versions[i].cluster;
        enum rw_err err = rw_upstream_expect_keys(cluster, route, snapshot, report);
        result = err ? err : result;
    }
    return result;
}

/* ---- Explaining ---- */

static void explain_sticky(const struct rw_release *release, struct rw_text *text)
{
    const struct rw_config_sticky *sticky = release->config->sticky;
    if (!sticky) {
        rw_text_adds(text, "each request drawn by itself");
        return;
    }
    rw_text_addf(text, "users stay, known by %s%s%.*s", rw_config_hash_on_names[sticky->by.on],
                 sticky->by.name.len ? " " : "", RW_SPAN_ARGS(sticky->by.name));
}

static void explain_rules(const struct rw_release *release, struct rw_text *text)
{
    const struct rw_config_release_rule *rules = release->config->rules.items;
    for (size_t i = 0; i < release->config->rules.count; i++) {
        const struct rw_config_release_rule *rule = &rules[i];
        const char *kind = rule->header.len ? "header" : rule->cookie.len ? "cookie" : "query";
        struct rw_span name = rule->header.len   ? rule->header
                              : rule->cookie.len ? rule->cookie
                                                 : rule->query;
        struct rw_span value =
            rw_conf_names_credential(name) ? RW_LITERAL("(secret)") : rule->value;
        rw_text_addf(text, "\n  rule      %s %.*s = %.*s: version %.*s", kind, RW_SPAN_ARGS(name),
                     RW_SPAN_ARGS(value), RW_SPAN_ARGS(rule->version));
    }
}

static void explain_stage(const struct rw_config_rollout *config, unsigned number,
                          struct rw_text *text)
{
    const struct rw_config_rollout_stage *stage = rw_rollout_stage(config, number);
    rw_text_addf(text, "%s%u%%", number > 1 ? ", " : "", stage->percent);
    if (config->automatic && stage->percent < 100 &&
        (stage->time_ms != config->stage_ms || stage->requests != config->stage_requests))
        rw_text_addf(text, " (at least %u s and %u requests)", stage->time_ms / 1000,
                     stage->requests);
}

static void explain_rollout(const struct rw_release *release, struct rw_text *text)
{
    const struct rw_rollout *rollout = release->rollout;
    const struct rw_config_rollout *config = rollout->config;
    rw_text_addf(text, "\n  rollout   of %.*s, %s: ",
                 RW_SPAN_ARGS(release->versions[rollout->candidate].config->name),
                 config->automatic ? "automatic" : "by hand");
    for (unsigned i = 0; i < config->stages.count; i++)
        explain_stage(config, i + 1, text);
    if (config->automatic)
        rw_text_addf(text,
                     "; each at least %u s and %u requests; errors at most %g points over those of "
                     "%.*s, p%u at most %g%% over",
                     config->stage_ms / 1000, config->stage_requests, 100 * config->error_tolerance,
                     RW_SPAN_ARGS(release->versions[rollout->baseline].config->name),
                     config->latency_quantile, 100 * config->latency_tolerance);
}

static void explain(const void *instance, struct rw_text *text)
{
    const struct rw_release *release = instance;
    double shares[RW_RELEASE_VERSIONS_MAX];
    rw_release_shares(release, shares);
    rw_text_addf(text, "release of %u versions, ", release->count);
    explain_sticky(release, text);
    explain_rules(release, text);
    if (release->rollout)
        explain_rollout(release, text);
    for (unsigned i = 0; i < release->count; i++) {
        rw_text_addf(text, "\n  version   %.*s, %.4g%%: ",
                     RW_SPAN_ARGS(release->versions[i].config->name), 100 * shares[i]);
        rw_origin_upstream.explain(release->versions[i].cluster, text);
    }
}

static void explain_client(struct rw_exchange *x, const void *instance, struct rw_text *text)
{
    const struct rw_release *release = instance;
    const struct rw_config_sticky *sticky = release->config->sticky;
    enum rw_identity_part part;
    unsigned index = 0;
    bool ruled = by_rule(x, release, &index);
    bool drawn = !ruled && sticky && !rw_upstream_asks_identity(&sticky->by, &part);
    if (drawn)
        index = by_share(x, release);
    if (ruled || drawn)
        rw_text_addf(text, "\n  gets      version %.*s, %s",
                     RW_SPAN_ARGS(release->versions[index].config->name),
                     ruled ? "by a rule" : "with the shares above");
    for (unsigned i = 0; i < release->count; i++) {
        struct rw_text told = {0};
        rw_upstream_explain_client(x, release->versions[i].cluster, &told);
        if (told.len && (i == index || !(ruled || drawn)))
            rw_text_addf(text, "\n  version   %.*s:%.*s",
                         RW_SPAN_ARGS(release->versions[i].config->name),
                         RW_SPAN_ARGS(rw_text_span(&told)));
        rw_text_free(&told);
    }
}

const struct rw_origin rw_origin_release = {
    .kind = {.name = "release",
             .record = &rw_config_release_record,
             .doc = "Several versions, each an upstream, that share the requests.",
             .user = &rw_origin_release},
    .compile = compile,
    .check_route = check_route,
    .start = start,
    .request_data = request_data,
    .response_resume = response_resume,
    .cancel = cancel,
    .detach = detach,
    .explain = explain,
    .explain_client = explain_client,
};
