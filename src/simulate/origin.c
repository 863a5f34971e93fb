#include "simulate/origin.h"

#include "base/alloc.h"
#include "simulate/draw.h"
#include "simulate/slice.h"

#include <math.h>

enum { TOKENS_MAX = 100 };

enum rw_err rw_simulate_origin_open(struct rw_simulate_origin_state *state,
                                    const struct rw_simulate_origin *origin,
                                    struct rw_random *random, bool sampled)
{
    *state = (struct rw_simulate_origin_state){.origin = origin, .random = random, .slower = 1};
    if (!origin)
        return RW_OK;
    unsigned count = sampled ? 1 : origin->endpoints;
    state->endpoints = rw_alloc_zero(count * sizeof(*state->endpoints));
    state->samples = rw_alloc(RW_SIMULATE_ORIGIN_SAMPLES_MAX * sizeof(*state->samples));
    if (!state->endpoints || !state->samples)
        return RW_ENOMEM;
    enum rw_err err = RW_OK;
    for (; !err && state->endpoint_count < count; state->endpoint_count++)
        err = rw_simulate_queue_open(&state->endpoints[state->endpoint_count], origin->concurrency,
                                     false, origin->waiting_max);
    return err;
}

void rw_simulate_origin_close(struct rw_simulate_origin_state *state)
{
    for (unsigned i = 0; i < state->endpoint_count; i++)
        rw_simulate_queue_close(&state->endpoints[i]);
    rw_free(state->endpoints);
    rw_free(state->samples);
    *state = (struct rw_simulate_origin_state){0};
}

void rw_simulate_origin_second(struct rw_simulate_origin_state *state)
{
    state->again_share = state->tries > 0 ? state->tried_again / state->tries : 0;
    state->tries = state->tried_again = 0;
}

static struct rw_simulate_try try_at(struct rw_simulate_origin_state *state,
                                     struct rw_simulate_queue *endpoint, double now)
{
    const struct rw_simulate_origin *origin = state->origin;
    double timeout_s = origin->timeout_ms / 1e3, way_s = origin->way_us / 1e6;
    if (rw_simulate_queue_full(endpoint, now))
        return (struct rw_simulate_try){way_s, true, RW_SIMULATE_ORIGIN_FULL};
    double service = rw_simulate_draw(&origin->service, state->random) * state->slower;
    double seconds = rw_simulate_queue_serve(endpoint, 0, now, service) - now + way_s;
    if (seconds > timeout_s)
        return (struct rw_simulate_try){timeout_s, true, RW_SIMULATE_ORIGIN_SLOW};
    double errors = fmax(origin->error_percent / 100, state->error_share);
    bool failed = errors > 0 && rw_simulate_uniform(state->random) < errors;
    return (struct rw_simulate_try){seconds, failed, RW_SIMULATE_ORIGIN_ERROR};
}

struct rw_simulate_try rw_simulate_origin_try(struct rw_simulate_origin_state *state, double now)
{
    if (!state->origin)
        return (struct rw_simulate_try){0};
    unsigned which = rw_random_below(state->random, state->endpoint_count);
    return try_at(state, &state->endpoints[which], now);
}

void rw_simulate_origin_sample(struct rw_simulate_origin_state *state, double now, double rate,
                               unsigned detail)
{
    const struct rw_simulate_origin *origin = state->origin;
    if (!origin)
        return;
    struct rw_simulate_queue *endpoint = &state->endpoints[0];
    double of_one = rate * (1 + state->again_share) / origin->endpoints, at = now;
    unsigned most =
        detail < RW_SIMULATE_ORIGIN_SAMPLES_MAX ? detail : RW_SIMULATE_ORIGIN_SAMPLES_MAX;
    unsigned count = of_one > 0 ? (unsigned)fmin(most, fmax(1, round(of_one))) : 0;
    state->sample_count = 0;
    while (state->sample_count < count) {
        at += rw_simulate_exponential(state->random) / of_one;
        state->samples[state->sample_count++] = try_at(state, endpoint, at);
    }
    double service = origin->service.mean * state->slower;
    double wait_max = origin->waiting_max ? origin->waiting_max * service / origin->concurrency
                                          : RW_SIMULATE_SECONDS_MAX;
    rw_simulate_slice_rest(endpoint, now, at, of_one * service, service, origin->service.cv2,
                           wait_max);
}

struct rw_simulate_try rw_simulate_origin_pick(const struct rw_simulate_origin_state *state)
{
    if (!state->origin || !state->sample_count)
        return (struct rw_simulate_try){0};
    return state->samples[rw_random_below(state->random, state->sample_count)];
}

void rw_simulate_origin_begin(struct rw_simulate_origin_state *state)
{
    if (!state->origin)
        return;
    state->tries++;
    state->tokens = fmin(TOKENS_MAX, state->tokens + state->origin->retry_budget_percent / 100);
}

bool rw_simulate_origin_again(struct rw_simulate_origin_state *state, unsigned tries)
{
    if (!state->origin || tries > state->origin->retries || state->tokens < 1)
        return false;
    state->tokens--;
    state->tried_again++;
    return true;
}
