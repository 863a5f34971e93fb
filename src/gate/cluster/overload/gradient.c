#include "gate/cluster/overload/gradient.h"

#include "base/clock.h"

#include <math.h>

static const double tolerance = 0.25;
static const double baseline_gain = 0.2; /* how fast the baseline follows */

static double clamp(double value, double least, double most)
{
    return value < least ? least : value > most ? most : value;
}

void rw_gradient_init(struct rw_gradient *gradient, const struct rw_gradient_settings *settings)
{
    *gradient = (struct rw_gradient){
        .limit = clamp(settings->first, settings->least, settings->most),
    };
}

static void begin_probe(struct rw_gradient *gradient, const struct rw_gradient_settings *settings,
                        uint64_t now_ms)
{
    gradient->probe_ms = now_ms;
    gradient->whole_limit = gradient->limit;
    gradient->limit = clamp(gradient->limit / 4, settings->least, settings->most);
}

static void end_probe(struct rw_gradient *gradient, const struct rw_gradient_settings *settings,
                      const struct rw_gradient_window *window)
{
    if (window->answers)
        gradient->baseline_us = (double)window->sum_us / window->answers;
    gradient->limit = clamp(gradient->whole_limit, settings->least, settings->most);
    gradient->probe_ms = 0;
    gradient->next_probe_ms = window->now_ms + RW_GRADIENT_PROBE_EVERY_MS;
}

static void move_limit(struct rw_gradient *gradient, const struct rw_gradient_settings *settings,
                       double latency_us, bool reached)
{
    double by = clamp(gradient->baseline_us * (1 + tolerance) / latency_us, 0.5, 2);
    double next = gradient->limit * by;
    next += sqrt(next);
    if (next > gradient->limit && !reached)
        return; /* that nobody has tried */
    gradient->limit = clamp(next, settings->least, settings->most);
}

void rw_gradient_step(struct rw_gradient *gradient, const struct rw_gradient_settings *settings,
                      const struct rw_gradient_window *window)
{
    if (gradient->probe_ms) {
        bool enough = window->answers >= RW_GRADIENT_ANSWERS_MIN;
        uint64_t probed_ms = rw_elapsed_ms(window->now_ms, gradient->probe_ms);
        if (enough || probed_ms >= RW_GRADIENT_PROBE_MS_MAX)
            end_probe(gradient, settings, window);
        return;
    }
    if (window->answers == 0)
        return;
    double latency_us = fmax((double)window->sum_us / window->answers, 1);
    bool reached = window->peak >= (uint32_t)gradient->limit;
    bool far = (double)window->peak * 2 <= gradient->limit;
    if (gradient->baseline_us == 0)
        gradient->baseline_us = latency_us;
    else if (far || latency_us < gradient->baseline_us)
        gradient->baseline_us += (latency_us - gradient->baseline_us) * baseline_gain;
    if (far)
        return;
    move_limit(gradient, settings, latency_us, reached);
    if (!reached)
        return;
    if (gradient->next_probe_ms == 0)
        gradient->next_probe_ms = window->now_ms + RW_GRADIENT_PROBE_FIRST_MS;
    else if (window->now_ms >= gradient->next_probe_ms)
        begin_probe(gradient, settings, window->now_ms);
}
