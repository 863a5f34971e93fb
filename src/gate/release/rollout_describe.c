/* What the admin API and a scrape are told of releases. */
#include "base/clock.h"
#include "gate/release/rollout_private.h"

static void describe_counts(const struct rw_rollout *rollout, unsigned which, struct rw_text *json)
{
    static const char *const names[] = {"candidate", "baseline"};
    const struct rw_release_counts *counts = &rollout->window.counts[which];
    const struct rw_judgement *found = &rollout->window.found;
    rw_text_addf(json,
                 ",\"%s\":{\"requests\":%llu,\"errors\":%llu,\"error_rate\":%.6g,"
                 "\"latency_ms\":%.6g}",
                 names[which], (unsigned long long)counts->requests,
                 (unsigned long long)counts->errors, found->error_rates[which],
                 found->quantiles_us[which] / 1000);
}

/* What the stage waits for, while it runs. */
static const char *waits_for(const struct rw_rollout *rollout, uint64_t stage_ms)
{
    const struct rw_rollout_window *window = &rollout->window;
    const struct rw_config_rollout_stage *stage = rw_rollout_now(rollout);
    if (rw_rollout_phase(rollout) != RW_ROLLOUT_RUNNING)
        return "nothing";
    if (window->counts[0].requests < stage->requests ||
        window->counts[1].requests < stage->requests)
        return "requests";
    return stage_ms < stage->time_ms ? "time" : "figures within the tolerances";
}

static void describe_window(const struct rw_rollout *rollout, const struct rw_rollouts_time *now,
                            struct rw_text *json)
{
    const struct rw_rollout_window *window = &rollout->window;
    const struct rw_config_rollout_stage *stage = rw_rollout_now(rollout);
    uint64_t stage_ms = rw_elapsed_ms(now->now_ms, window->since_ms);
    if (!window->begun)
        return;
    rw_text_addf(json,
                 ",\"stage_seconds\":%llu,\"stage_seconds_min\":%u,\"stage_requests_min\":%u,"
                 "\"waits_for\":\"%s\",\"looks\":%u,\"latency_quantile\":%u",
                 (unsigned long long)stage_ms / 1000, stage->time_ms / 1000, stage->requests,
                 waits_for(rollout, stage_ms), window->looks, rollout->config->latency_quantile);
    describe_counts(rollout, 0, json);
    describe_counts(rollout, 1, json);
    rw_text_addf(json, ",\"errors_p\":%.4g,\"latency_p\":%.4g,\"limit_p\":%.4g",
                 window->found.errors_p, window->found.latency_p, window->found.limit);
}

static void describe_rollout(const struct rw_release *release, const struct rw_rollouts_time *now,
                             struct rw_text *json)
{
    const struct rw_rollout *rollout = release->rollout;
    const struct rw_release_state *state = rollout->state;
    char when[24];
    rw_clock_format_rfc3339(when, atomic_load(&state->changed_s) * RW_NS_PER_S);
    rw_text_adds(json, ",\"rollout\":{\"version\":");
    rw_text_add_json(json, release->versions[rollout->candidate].config->name);
    rw_text_adds(json, ",\"against\":");
    rw_text_add_json(json, release->versions[rollout->baseline].config->name);
    rw_text_addf(json,
                 ",\"automatic\":%s,\"phase\":\"%s\",\"percent\":%u,\"stage\":%u,\"changed_at\":"
                 "\"%.24s\",\"stages\":[",
                 rollout->config->automatic ? "true" : "false",
                 rw_release_phase_name(rw_rollout_phase(rollout)), atomic_load(&state->percent),
                 atomic_load(&state->stage), when);
    for (size_t i = 0; i < rollout->config->stages.count; i++)
        rw_text_addf(json, "%s%u", i ? "," : "",
                     rw_rollout_stage(rollout->config, (unsigned)i + 1)->percent);
    rw_text_adds(json, "]");
    describe_window(rollout, now, json);
    rw_text_adds(json, "}");
}

static void describe_release(const struct rw_release *release, const struct rw_rollouts_time *now,
                             struct rw_text *json)
{
    double shares[RW_RELEASE_VERSIONS_MAX];
    rw_release_shares(release, shares);
    rw_text_adds(json, "{\"route\":");
    rw_text_add_json(json, release->route);
    rw_text_adds(json, ",\"versions\":[");
    for (unsigned i = 0; i < release->count; i++) {
        rw_text_adds(json, i ? ",{\"name\":" : "{\"name\":");
        rw_text_add_json(json, release->versions[i].config->name);
        rw_text_adds(json, ",\"upstream\":");
        rw_text_add_json(json, release->versions[i].config->upstream);
        rw_text_addf(json, ",\"percent\":%.6g}", 100 * shares[i]);
    }
    rw_text_adds(json, "]");
    if (release->rollout && release->rollout->state)
        describe_rollout(release, now, json);
    rw_text_adds(json, "}");
}

void rw_rollouts_describe(const struct rw_rollouts *rollouts, const struct rw_rollouts_time *now,
                          struct rw_text *json)
{
    rw_text_adds(json, "[");
    for (const struct rw_release *release = rollouts->releases; release; release = release->next) {
        rw_text_adds(json, release == rollouts->releases ? "" : ",\n");
        describe_release(release, now, json);
    }
    rw_text_adds(json, "]\n");
}

/* ---- The scrape ---- */

static void expose_labels(struct rw_text *text, const char *name, const struct rw_release *release,
                          unsigned version)
{
    rw_text_addf(text, "%s{route=\"", name);
    rw_metrics_expose_label(text, release->route);
    rw_text_adds(text, "\",version=\"");
    rw_metrics_expose_label(text, release->versions[version].config->name);
    rw_text_adds(text, "\"");
}

static void expose_shares(const struct rw_rollouts *rollouts, struct rw_text *text)
{
    static const char name[] = "ringway_release_share";
    rw_metrics_expose_head(text, name, "gauge", "Share of the requests that no rule takes");
    for (const struct rw_release *release = rollouts->releases; release; release = release->next) {
        double shares[RW_RELEASE_VERSIONS_MAX];
        rw_release_shares(release, shares);
        for (unsigned i = 0; i < release->count; i++) {
            expose_labels(text, name, release, i);
            rw_text_addf(text, "} %.6g\n", shares[i]);
        }
    }
}

static void expose_phases(const struct rw_rollouts *rollouts, struct rw_text *text)
{
    static const char name[] = "ringway_rollout_phase";
    rw_metrics_expose_head(text, name, "gauge", "1 for the phase that a rollout is in");
    for (const struct rw_release *release = rollouts->releases; release; release = release->next) {
        const struct rw_rollout *rollout = release->rollout;
        for (unsigned phase = 1; rollout && rollout->state && phase < RW_ROLLOUT_PHASES; phase++) {
            expose_labels(text, name, release, rollout->candidate);
            rw_text_addf(text, ",phase=\"%s\"} %d\n", rw_release_phase_name(phase),
                         rw_rollout_phase(rollout) == phase);
        }
    }
}

void rw_rollouts_expose(const struct rw_rollouts *rollouts, struct rw_text *text)
{
    if (!rollouts->releases)
        return;
    expose_shares(rollouts, text);
    expose_phases(rollouts, text);
}
