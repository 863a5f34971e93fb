#include "origin/release.h"

#include "gate/release/release.h"
#include "origin/upstream.h"
#include "origin/upstream_call.h"

#include <stdio.h>

/* ---- Choosing ---- */

/* False: the request does not have what the rule looks at. */
static bool look_at(const struct rw_exchange *x, const struct rw_config_release_rule *rule,
                    struct rw_span *value)
{
    if (rule->header.len) {
        const struct rw_field *field = rw_message_find_name(&x->request, rule->header);
        *value = field ? field->value : (struct rw_span){0};
        return field != NULL;
    }
    *value =
        rule->cookie.len ? rw_upstream_cookie(x, rule->cookie) : rw_upstream_query(x, rule->query);
    return value->at != NULL;
}

static bool takes(const struct rw_exchange *x, const struct rw_config_release_rule *rule)
{
    struct rw_span value;
    return look_at(x, rule, &value) &&
           (rw_span_is(rule->value, "*") || rw_span_eq(rule->value, value));
}

/* False: no rule takes it. */
static bool by_rule(const struct rw_exchange *x, const struct rw_release *release, unsigned *index)
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

static unsigned by_share(const struct rw_exchange *x, const struct rw_release *release)
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
    return RW_OK;
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
        rw_text_addf(text, "\n  rule      %s %.*s = %.*s: version %.*s", kind, RW_SPAN_ARGS(name),
                     RW_SPAN_ARGS(rule->value), RW_SPAN_ARGS(rule->version));
    }
}

static void explain(const void *instance, struct rw_text *text)
{
    const struct rw_release *release = instance;
    double weights[RW_RELEASE_VERSIONS_MAX], sum = 0;
    rw_release_weights(release, weights);
    for (unsigned i = 0; i < release->count; i++)
        sum += weights[i];
    rw_text_addf(text, "release of %u versions, ", release->count);
    explain_sticky(release, text);
    explain_rules(release, text);
    for (unsigned i = 0; i < release->count; i++) {
        rw_text_addf(text, "\n  version   %.*s, %.4g%%: ",
                     RW_SPAN_ARGS(release->versions[i].config->name), 100 * weights[i] / sum);
        rw_origin_upstream.explain(release->versions[i].cluster, text);
    }
}

const struct rw_origin rw_origin_release = {
    .kind = {.name = "release",
             .record = &rw_config_release_record,
             .doc = "Several versions, each an upstream, that share the requests.",
             .user = &rw_origin_release},
    .compile = compile,
    .start = start,
    .request_data = request_data,
    .response_resume = response_resume,
    .cancel = cancel,
    .detach = detach,
    .explain = explain,
};
