#include "simulate/arrivals.h"

#include "plan/model/queueing.h"

#include <math.h>

enum { DAY_S = 86400 };

/* Straight lines between the points, around midnight, too. */
static double at_points(const struct rw_simulate_arrivals *arrivals, double of_day)
{
    const struct rw_simulate_point *points = arrivals->points.items;
    size_t count = arrivals->points.count, next = 0;
    while (next < count && points[next].at_s <= of_day)
        next++;
    const struct rw_simulate_point *before = &points[(next + count - 1) % count],
                                   *after = &points[next % count];
    double span = fmod(after->at_s - before->at_s + DAY_S, DAY_S);
    double gone = fmod(of_day - before->at_s + DAY_S, DAY_S);
    double from = arrivals->by_users ? before->users : before->rate;
    double to = arrivals->by_users ? after->users : after->rate;
    return span > 0 ? from + (to - from) * gone / span : from;
}

/* 1 outside; up to the factor and down again within the ramps. */
static double at_spike(const struct rw_simulate_spike *spike, double seconds)
{
    double since = seconds - spike->at_ms / 1e3, ramp = spike->ramp_ms / 1e3;
    double left = 2 * ramp + spike->for_ms / 1e3 - since;
    if (since < 0 || left <= 0)
        return 1;
    double part = ramp > 0 ? fmin(1, fmin(since, left) / ramp) : 1;
    return 1 + (spike->factor - 1) * part;
}

static double at_time(const struct rw_simulate_model *model, double seconds)
{
    const struct rw_simulate_arrivals *arrivals = model->arrivals;
    const struct rw_simulate_spike *spikes = arrivals->spikes.items;
    double value = arrivals->by_users ? arrivals->users : arrivals->rate;
    if (arrivals->points.count)
        value = at_points(arrivals, fmod(model->begin_s + seconds, DAY_S));
    for (size_t i = 0; i < arrivals->spikes.count; i++)
        value *= at_spike(&spikes[i], seconds);
    return value;
}

double rw_simulate_users(const struct rw_simulate_model *model, double seconds)
{
    return model->arrivals->by_users ? at_time(model, seconds) : 0;
}

double rw_simulate_rate(const struct rw_simulate_model *model, double seconds, double response_s)
{
    double value = at_time(model, seconds);
    if (!model->arrivals->by_users)
        return value;
    return rw_model_interactive_rate(value, response_s, model->arrivals->think_ms / 1e3);
}

double rw_simulate_expected(const struct rw_simulate_model *model)
{
    double sum = 0;
    for (unsigned second = 0; second < model->seconds; second++)
        sum += rw_simulate_rate(model, second + 0.5, 0);
    return sum;
}
