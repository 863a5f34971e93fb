#include "gate/release/rollout.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "gate/release/rollout_private.h"

#include <stdio.h>

enum { LOOK_MS = 1000, FIRST_LOOK_REQUESTS = 20 };

/* ---- State ---- */

static void set_share(struct rw_rollout *rollout, enum rw_release_phase phase, unsigned stage,
                      uint32_t percent, const struct rw_rollouts_time *now)
{
    struct rw_release_state *state = rollout->state;
    atomic_store(&state->stage, stage);
    atomic_store(&state->percent, percent);
    atomic_store(&state->phase, phase);
    atomic_store(&state->changed_s, now->wall_s);
    rollout->window = (struct rw_rollout_window){0};
}

static void set_phase(struct rw_rollout *rollout, enum rw_release_phase phase, unsigned stage,
                      const struct rw_rollouts_time *now)
{
    bool in = stage > 0 && phase != RW_ROLLOUT_ROLLED_BACK;
    uint32_t percent = in ? rw_rollout_stage(rollout->config, stage)->percent : 0;
    set_share(rollout, phase, stage, percent, now);
}

/* From stage to stage: the last one is the end. */
static void set_stage(struct rw_rollout *rollout, unsigned stage,
                      const struct rw_rollouts_time *now)
{
    enum rw_release_phase phase = stage == rollout->config->stages.count ? RW_ROLLOUT_COMPLETE
                                  : rollout->config->automatic           ? RW_ROLLOUT_RUNNING
                                                                         : RW_ROLLOUT_PAUSED;
    set_phase(rollout, phase, stage, now);
}

static void begin(struct rw_rollout *rollout, const struct rw_rollouts_time *now)
{
    if (rollout->config->automatic)
        set_stage(rollout, 1, now);
    else
        set_phase(rollout, RW_ROLLOUT_PAUSED, 0, now);
}

/* The configuration may have other stages than the one before: the share becomes that of the last
 * stage which is not beyond it. Where all are, the first is what runs; by hand the share stays as
 * it is, before the first. What ran, and is by hand now, waits. */
static void fit_stage(struct rw_rollout *rollout, const struct rw_rollouts_time *now)
{
    const struct rw_config_rollout *config = rollout->config;
    unsigned stage = atomic_load(&rollout->state->stage), fits = 0;
    uint32_t percent = atomic_load(&rollout->state->percent);
    enum rw_release_phase was = rw_rollout_phase(rollout);
    bool waits = was == RW_ROLLOUT_RUNNING && !config->automatic;
    if (stage == 0 || was == RW_ROLLOUT_ROLLED_BACK)
        return;
    if (!waits && stage <= config->stages.count &&
        rw_rollout_stage(config, stage)->percent == percent)
        return;
    while (fits < config->stages.count && rw_rollout_stage(config, fits + 1)->percent <= percent)
        fits++;
    if (fits == 0 && config->automatic)
        fits = 1;
    if (fits > 0)
        percent = rw_rollout_stage(config, fits)->percent;
    set_share(rollout, waits ? RW_ROLLOUT_PAUSED : was, fits, percent, now);
}

/* ---- The log ---- */

static void figures(const struct rw_release *release, char *to, size_t room)
{
    const struct rw_rollout *rollout = release->rollout;
    const struct rw_rollout_window *window = &rollout->window;
    const struct rw_judgement *found = &window->found;
    snprintf(to, room,
             "errors %.3g%% of %llu against %.3g%% of %llu of %.*s (p %.2g), p%u %.4g ms against "
             "%.4g ms (p %.2g); a p below %.2g is no chance",
             100 * found->error_rates[0], (unsigned long long)window->counts[0].requests,
             100 * found->error_rates[1], (unsigned long long)window->counts[1].requests,
             RW_SPAN_ARGS(release->versions[rollout->baseline].config->name), found->errors_p,
             rollout->config->latency_quantile, found->quantiles_us[0] / 1000,
             found->quantiles_us[1] / 1000, found->latency_p, found->limit);
}

static void tell(const struct rw_release *release, enum rw_log_level level, const char *what,
                 uint32_t from, const char *text)
{
    const struct rw_rollout *rollout = release->rollout;
    rw_log_at(level, "release", "route %.*s: %.*s %s, from %u%% to %u%%: %s",
              RW_SPAN_ARGS(release->route),
              RW_SPAN_ARGS(release->versions[rollout->candidate].config->name), what, from,
              atomic_load(&rollout->state->percent), text);
}

/* ---- Looking ---- */

static void count(struct rw_rollouts *rollouts, const struct rw_release *release,
                  const struct rw_rollouts_time *now)
{
    struct rw_rollout *rollout = release->rollout;
    struct rw_rollout_window *window = &rollout->window;
    static const struct rw_release_counts nothing;
    const unsigned indices[2] = {rollout->candidate, rollout->baseline};
    for (unsigned i = 0; i < 2; i++) {
        struct rw_series_cell cell = {0};
        rw_metrics_series_total(rollouts->options.metrics, release->versions[indices[i]].series,
                                &cell);
        if (!window->begun)
            window->then[i] = rw_release_counts_since(&cell, &nothing);
        window->counts[i] = rw_release_counts_since(&cell, &window->then[i]);
    }
    if (!window->begun) {
        window->since_ms = now->now_ms;
        window->next_look = FIRST_LOOK_REQUESTS;
    }
    window->begun = true;
}

static bool stage_over(const struct rw_rollout *rollout, const struct rw_rollouts_time *now)
{
    const struct rw_rollout_window *window = &rollout->window;
    const struct rw_config_rollout_stage *stage = rw_rollout_now(rollout);
    return rw_elapsed_ms(now->now_ms, window->since_ms) >= stage->time_ms &&
           window->counts[0].requests >= stage->requests &&
           window->counts[1].requests >= stage->requests;
}

/* It is time for a look: the requests have grown by half since the last, or the stage is over. */
static bool look_due(struct rw_rollout_window *window, bool over)
{
    uint64_t requests = window->counts[0].requests;
    bool grown = requests >= window->next_look && window->counts[1].requests >= FIRST_LOOK_REQUESTS;
    bool last = over && !window->over;
    if (!grown && !last)
        return false;
    window->over = over;
    window->looks++;
    window->next_look = requests + requests / 2;
    return true;
}

static void decide(struct rw_release *release, const struct rw_rollouts_time *now)
{
    struct rw_rollout *rollout = release->rollout;
    struct rw_rollout_window *window = &rollout->window;
    struct rw_judge_settings settings = {
        /* Each stage before the last has its share of the false alarms. */
        .alpha = rollout->config->false_alarms / (double)(rollout->config->stages.count - 1),
        .error_tolerance = rollout->config->error_tolerance,
        .quantile = rollout->config->latency_quantile / 100.0,
        .latency_tolerance = rollout->config->latency_tolerance,
    };
    bool over = stage_over(rollout, now);
    bool due = rollout->config->automatic && look_due(window, over);
    window->found = rw_judge(&settings, window->looks ? window->looks : 1, &window->counts[0],
                             &window->counts[1]);
    if (!due || rw_rollout_phase(rollout) != RW_ROLLOUT_RUNNING)
        return;
    char text[256];
    uint32_t from = atomic_load(&rollout->state->percent);
    figures(release, text, sizeof(text));
    if (window->found.more_errors || window->found.slower) {
        const char *what = window->found.more_errors ? "is turned back for its errors"
                                                     : "is turned back for its latency";
        set_phase(rollout, RW_ROLLOUT_ROLLED_BACK, atomic_load(&rollout->state->stage), now);
        tell(release, RW_LOG_WARN, what, from, text);
    } else if (over && window->found.within) {
        set_stage(rollout, atomic_load(&rollout->state->stage) + 1, now);
        tell(release, RW_LOG_INFO, "goes on", from, text);
    }
}

static bool both_served(const struct rw_rollout *rollout)
{
    uint32_t percent = atomic_load(&rollout->state->percent);
    return percent > 0 && percent < 100;
}

static void look(struct rw_rollouts *rollouts, struct rw_release *release,
                 const struct rw_rollouts_time *now)
{
    struct rw_rollout *rollout = release->rollout;
    atomic_store(&rollout->state->seen_s, now->wall_s);
    if (rw_rollout_phase(rollout) == RW_ROLLOUT_NEW) {
        begin(rollout, now);
        tell(release, RW_LOG_INFO, "begins", 0,
             rollout->config->automatic ? "by itself" : "by hand");
    }
    if (!both_served(rollout))
        return;
    count(rollouts, release, now);
    decide(release, now);
    if (!rollout->window.begun && both_served(rollout))
        count(rollouts, release, now); /* the next stage's begin */
}

void rw_rollouts_look(struct rw_rollouts *rollouts, const struct rw_rollouts_time *now)
{
    for (struct rw_release *release = rollouts->releases; release; release = release->next)
        if (release->rollout && release->rollout->state)
            look(rollouts, release, now);
}

struct rw_rollouts_time rw_rollouts_now(struct rw_loop *loop)
{
    return (struct rw_rollouts_time){.now_ms = rw_loop_now_ms(loop),
                                     .wall_s = rw_loop_wall_ns(loop) / RW_NS_PER_S};
}

static void on_timer(struct rw_timer *timer)
{
    struct rw_rollouts *rollouts = rw_container_of(timer, struct rw_rollouts, timer);
    struct rw_loop *loop = rollouts->options.loop;
    struct rw_rollouts_time now = rw_rollouts_now(loop);
    rw_rollouts_look(rollouts, &now);
    rw_timer_start(loop, timer, now.now_ms + LOOK_MS);
}

/* ---- By hand ---- */

static enum rw_err promote(struct rw_rollout *rollout, const struct rw_rollouts_time *now,
                           const char **why)
{
    enum rw_release_phase phase = rw_rollout_phase(rollout);
    *why = "it has ended: \"restart\" begins anew";
    if (phase == RW_ROLLOUT_COMPLETE || phase == RW_ROLLOUT_ROLLED_BACK)
        return RW_EINVAL;
    set_stage(rollout, atomic_load(&rollout->state->stage) + 1, now);
    return RW_OK;
}

static enum rw_err roll_back(struct rw_rollout *rollout, const struct rw_rollouts_time *now,
                             const char **why)
{
    *why = "it is turned back already";
    if (rw_rollout_phase(rollout) == RW_ROLLOUT_ROLLED_BACK)
        return RW_EINVAL;
    set_phase(rollout, RW_ROLLOUT_ROLLED_BACK, atomic_load(&rollout->state->stage), now);
    return RW_OK;
}

static enum rw_err pause_it(struct rw_rollout *rollout, const struct rw_rollouts_time *now,
                            const char **why)
{
    *why = "it does not run";
    if (rw_rollout_phase(rollout) != RW_ROLLOUT_RUNNING)
        return RW_EINVAL;
    set_phase(rollout, RW_ROLLOUT_PAUSED, atomic_load(&rollout->state->stage), now);
    return RW_OK;
}

static enum rw_err resume(struct rw_rollout *rollout, const struct rw_rollouts_time *now,
                          const char **why)
{
    unsigned stage = atomic_load(&rollout->state->stage);
    *why = rollout->config->automatic ? "it is not paused" : "it is not automatic: \"promote\" it";
    if (rw_rollout_phase(rollout) != RW_ROLLOUT_PAUSED || !rollout->config->automatic)
        return RW_EINVAL;
    set_phase(rollout, RW_ROLLOUT_RUNNING, stage ? stage : 1, now);
    return RW_OK;
}

static enum rw_err restart(struct rw_rollout *rollout, const struct rw_rollouts_time *now,
                           const char **why)
{
    (void)why;
    begin(rollout, now);
    return RW_OK;
}

static const struct action {
    const char *name, *told;
    enum rw_err (*act)(struct rw_rollout *rollout, const struct rw_rollouts_time *now,
                       const char **why);
} actions[] = {
    {"promote", "is promoted by hand", promote}, {"rollback", "is turned back by hand", roll_back},
    {"pause", "is paused by hand", pause_it},    {"resume", "is resumed by hand", resume},
    {"restart", "begins anew by hand", restart},
};

static struct rw_release *release_named(const struct rw_rollouts *rollouts, struct rw_span route)
{
    struct rw_release *release = rollouts->releases;
    while (release && !rw_span_eq(release->route, route))
        release = release->next;
    return release && release->rollout && release->rollout->state ? release : NULL;
}

static enum rw_err act(struct rw_rollouts *rollouts, struct rw_release *release,
                       const struct action *action, const struct rw_rollouts_time *now,
                       struct rw_text *why)
{
    const char *refusal = "";
    char text[256] = "nothing was counted";
    struct rw_rollout *rollout = release->rollout;
    uint32_t from = atomic_load(&rollout->state->percent);
    rw_rollouts_look(rollouts, now); /* it may just have begun, and the figures are to be new */
    if (rollout->window.begun)
        figures(release, text, sizeof(text));
    enum rw_err err = action->act(rollout, now, &refusal);
    if (err) {
        rw_text_addf(why, "%s\n", refusal);
        return err;
    }
    tell(release, RW_LOG_INFO, action->told, from, text);
    rw_rollouts_look(rollouts, now);
    rw_text_addf(why, "%s, %u%%\n", rw_release_phase_name(rw_rollout_phase(rollout)),
                 atomic_load(&rollout->state->percent));
    return RW_OK;
}

enum rw_err rw_rollouts_act(struct rw_rollouts *rollouts, struct rw_span route, struct rw_span name,
                            const struct rw_rollouts_time *now, struct rw_text *why)
{
    struct rw_release *release = release_named(rollouts, route);
    if (!release) {
        rw_text_adds(why, "no route of this name has a rollout\n");
        return RW_ENOENT;
    }
    for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++)
        if (rw_span_is(name, actions[i].name))
            return act(rollouts, release, &actions[i], now, why);
    rw_text_adds(why, "promote, rollback, pause, resume or restart\n");
    return RW_ENOENT;
}

/* ---- Life ---- */

enum rw_err rw_rollouts_create(const struct rw_rollouts_options *options, struct rw_rollouts **out)
{
    struct rw_rollouts *rollouts = rw_alloc_zero(sizeof(*rollouts));
    if (!rollouts)
        return RW_ENOMEM;
    rollouts->options = *options;
    rollouts->timer.fire = on_timer;
    *out = rollouts;
    return RW_OK;
}

void rw_rollouts_destroy(struct rw_rollouts *rollouts)
{
    if (!rollouts)
        return;
    if (rollouts->options.loop)
        rw_timer_stop(rollouts->options.loop, &rollouts->timer);
    rw_free(rollouts);
}

/* What the stage has counted so far, unless it counts something else now. */
static void inherit(struct rw_rollouts *rollouts, struct rw_release *release)
{
    struct rw_rollout *rollout = release->rollout;
    for (struct rw_release *old = rollouts->releases; old; old = old->next) {
        if (!old->rollout || old->rollout->state != rollout->state)
            continue;
        bool same = old->versions[old->rollout->candidate].series ==
                        release->versions[rollout->candidate].series &&
                    old->versions[old->rollout->baseline].series ==
                        release->versions[rollout->baseline].series;
        if (same)
            rollout->window = old->rollout->window;
    }
}

void rw_rollouts_adopt(struct rw_rollouts *rollouts, struct rw_release *releases)
{
    struct rw_loop *loop = rollouts->options.loop;
    struct rw_rollouts_time now = {0};
    bool any = false;
    if (loop)
        now = rw_rollouts_now(loop);
    for (struct rw_release *release = releases; release; release = release->next) {
        if (!release->rollout || !release->rollout->state)
            continue;
        inherit(rollouts, release);
        fit_stage(release->rollout, &now);
        any = true;
    }
    rollouts->releases = releases;
    if (!loop)
        return;
    rw_timer_stop(loop, &rollouts->timer);
    if (any)
        on_timer(&rollouts->timer);
}
