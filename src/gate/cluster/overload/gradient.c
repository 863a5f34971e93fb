#include "gate/cluster/overload/gradient.h"

#include "base/clock.h"

#include <math.h>

static const double tolerance = 1.6;
static const double falls_by = 0.2;  /* how fast the baseline follows, and up: less, for a limit */
static const double rises_by = 0.05; /* that is far from what is asked may be far too high */
static const double probe_share = 0.25;
static const double queue_slack = 1.2;  /* a queue is as much shorter as the limit, but for that */
static const double much_lower = 0.7;   /* a step down, which must show in the latency, */
static const double hardly_less = 0.85; /* when this is no more than that */
static const double well_below = 0.75;  /* a latency: the baseline is wrong */
static const double grown = 1.5;        /* a limit that was not known for long */
static const double error_max = 0.2;    /* standard error of a mean, as a part of it */
enum { IN_VAIN_MAX = 2 };

static double clamp(double value, double least, double most)
{
    return value < least ? least : value > most ? most : value;
}

static double mean_us(const struct rw_gradient_window *window)
{
    return fmax((double)window->sum_us / window->answers, 1);
}

void rw_gradient_init(struct rw_gradient *gradient, const struct rw_gradient_settings *settings)
{
    *gradient = (struct rw_gradient){
        .limit = clamp(settings->first, settings->least, settings->most),
    };
}

/* By the variance of what it is the mean of: the squares' mean less the mean's square. All times
 * the square of the number of answers. */
bool rw_gradient_precise(const struct rw_gradient_window *window)
{
    double answers = window->answers, sum = (double)window->sum_us;
    double spread = answers * (double)window->squares * RW_GRADIENT_SQUARE_US2 - sum * sum;
    return spread <= error_max * error_max * sum * sum * (answers - 1);
}

/* Where `limit` goes by the latency it has. */
static double next_limit(const struct rw_gradient *gradient, double limit, double latency_us)
{
    double next = limit * fmin(gradient->baseline_us * tolerance / latency_us, 2);
    return next + fmin(sqrt(next), next / 4);
}

/* ---- Probes ---- */

/* A step down; false: there is none. */
static bool probe_lower(struct rw_gradient *gradient, const struct rw_gradient_settings *settings,
                        double latency_us, uint64_t now_ms)
{
    double lower = clamp(floor(gradient->limit * probe_share), settings->least, settings->most);
    if (lower >= floor(gradient->limit))
        return false;
    gradient->step_limit = floor(gradient->limit);
    gradient->step_us = latency_us;
    gradient->limit = lower;
    gradient->probe_ms_max =
        now_ms - gradient->probe_ms + RW_GRADIENT_PROBE_MS_MAX + (uint64_t)(latency_us / 125);
    return true;
}

static void begin_probe(struct rw_gradient *gradient, const struct rw_gradient_settings *settings,
                        uint64_t now_ms)
{
    double whole = gradient->limit;
    gradient->probe_ms = now_ms;
    gradient->whole_limit = whole;
    if (!probe_lower(gradient, settings, gradient->latency_us, now_ms)) {
        gradient->baseline_us = gradient->latency_us; /* of the lowest limit there may be */
        gradient->probe_ms = 0;
        gradient->next_probe_ms = now_ms + RW_GRADIENT_PROBE_EVERY_MS;
    }
}

static void end_probe(struct rw_gradient *gradient, const struct rw_gradient_settings *settings,
                      uint64_t now_ms)
{
    uint64_t rest_ms = rw_elapsed_ms(now_ms, gradient->probe_ms) * RW_GRADIENT_PROBE_SHARE;
    if (rest_ms < RW_GRADIENT_PROBE_EVERY_MS)
        rest_ms = RW_GRADIENT_PROBE_EVERY_MS;
    /* What is found to be queue goes at once. */
    double next = next_limit(gradient, gradient->whole_limit, gradient->latency_us);
    gradient->limit = clamp(fmin(next, gradient->whole_limit), settings->least, settings->most);
    gradient->probe_ms = 0;
    gradient->high_limit = 0;
    gradient->next_probe_ms = now_ms + rest_ms;
}

static void step_probe(struct rw_gradient *gradient, const struct rw_gradient_settings *settings,
                       const struct rw_gradient_window *window)
{
    bool enough = window->answers >= RW_GRADIENT_ANSWERS_MIN;
    bool late = rw_elapsed_ms(window->now_ms, gradient->probe_ms) >= gradient->probe_ms_max;
    if (!enough && !late)
        return;
    if (window->answers) {
        double latency_us = mean_us(window);
        double queue_us = gradient->step_us * gradient->limit / gradient->step_limit;
        gradient->baseline_us = latency_us;
        if (!late && latency_us <= queue_us * queue_slack &&
            probe_lower(gradient, settings, latency_us, window->now_ms))
            return;
    }
    end_probe(gradient, settings, window->now_ms);
}

/* ---- The limit ---- */

static void probe_soon(struct rw_gradient *gradient, uint64_t now_ms)
{
    uint64_t soon_ms = now_ms + RW_GRADIENT_PROBE_SOON_MS;
    if (gradient->next_probe_ms > soon_ms)
        gradient->next_probe_ms = soon_ms;
}

/* What the limit has lost on its way down must show in the latency, or it is given back.
 * `at_once`: the most that were under way, which may be less than the limit. Where the latency has
 * gone up meanwhile, what it was before is no measure: a queue was still growing. */
static void watch_descent(struct rw_gradient *gradient, double at_once, double latency_us,
                          uint64_t now_ms)
{
    bool slow = latency_us > gradient->baseline_us * tolerance;
    bool lower = at_once <= gradient->high_limit * much_lower;
    bool less = latency_us < gradient->high_us * hardly_less;
    bool more = latency_us * hardly_less > gradient->high_us;
    bool vain = slow && lower && !less && !more;
    if (!slow) {
        gradient->high_limit = 0;
    } else if (gradient->high_limit == 0 || (lower && !vain) || more) {
        gradient->high_limit = at_once;
        gradient->high_us = latency_us;
    }
    gradient->in_vain = vain ? gradient->in_vain + 1 : 0;
    if (gradient->in_vain < IN_VAIN_MAX)
        return;
    gradient->baseline_us = latency_us;
    gradient->limit = fmax(gradient->limit, gradient->high_limit);
    gradient->high_limit = 0;
    gradient->in_vain = 0;
    probe_soon(gradient, now_ms);
}

static void move_limit(struct rw_gradient *gradient, const struct rw_gradient_settings *settings,
                       double latency_us, bool reached)
{
    double next = next_limit(gradient, gradient->limit, latency_us);
    next = fmax(next, gradient->high_limit * much_lower);
    if (next > gradient->limit && !reached)
        return; /* that nobody has tried */
    gradient->limit = clamp(next, settings->least, settings->most);
}

/* As long as it grows nobody needs to know the baseline better. */
static void watch_growth(struct rw_gradient *gradient, bool reached, uint64_t now_ms)
{
    if (!reached) {
        gradient->stuck_ms = 0;
    } else if (!gradient->stuck_ms || gradient->limit > gradient->stuck_limit * grown) {
        gradient->stuck_ms = now_ms;
        gradient->stuck_limit = gradient->limit;
    }
}

static bool probe_due(const struct rw_gradient *gradient, uint64_t now_ms)
{
    return gradient->stuck_ms && !gradient->in_vain && now_ms >= gradient->next_probe_ms &&
           rw_elapsed_ms(now_ms, gradient->stuck_ms) >= RW_GRADIENT_PROBE_SOON_MS;
}

static void follow(struct rw_gradient *gradient, double latency_us, bool far, uint64_t now_ms)
{
    if (!far && latency_us < gradient->baseline_us * well_below)
        probe_soon(gradient, now_ms);
    bool falls = latency_us < gradient->baseline_us;
    if (far || falls)
        gradient->baseline_us +=
            (latency_us - gradient->baseline_us) * (falls ? falls_by : rises_by);
}

void rw_gradient_step(struct rw_gradient *gradient, const struct rw_gradient_settings *settings,
                      const struct rw_gradient_window *window)
{
    if (gradient->probe_ms) {
        step_probe(gradient, settings, window);
        return;
    }
    gradient->limit = clamp(gradient->limit, settings->least, settings->most);
    if (window->answers == 0)
        return;
    double latency_us = mean_us(window);
    gradient->latency_us = latency_us;
    if (gradient->baseline_us == 0) {
        gradient->baseline_us = latency_us;
        return; /* before it was reached for long */
    }
    bool reached = window->peak >= (uint32_t)gradient->limit;
    bool far = (double)window->peak * 2 <= gradient->limit;
    follow(gradient, latency_us, far, window->now_ms);
    watch_growth(gradient, reached, window->now_ms);
    if (far) {
        gradient->high_limit = 0;
        return;
    }
    if (probe_due(gradient, window->now_ms)) {
        begin_probe(gradient, settings, window->now_ms);
        return;
    }
    watch_descent(gradient, fmin(window->peak, floor(gradient->limit)), latency_us, window->now_ms);
    move_limit(gradient, settings, latency_us, reached);
}
