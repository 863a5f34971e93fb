#include "gate/cluster/balance/path.h"

#include "base/clock.h"
#include "gate/cluster/cluster.h"
#include "io/stream.h"

enum {
    SAMPLE_EVERY_MS = 200,
    STALE_MS = 10000,
    RETRANSMISSION_US = 200000, /* TCP_RTO_MIN */
    GAIN = 8,
    MILLION = 1000000,
    UNKNOWN_US = 2000000000, /* more than any price */
};

static bool socket_eq(const struct rw_socket_options *a, const struct rw_socket_options *b)
{
    return strcmp(a->congestion, b->congestion) == 0 && strcmp(a->interface, b->interface) == 0 &&
           a->user_timeout_ms == b->user_timeout_ms && a->keepalive_idle_s == b->keepalive_idle_s &&
           a->keepalive_interval_s == b->keepalive_interval_s &&
           a->keepalive_probes == b->keepalive_probes;
}

bool rw_path_eq(const struct rw_path *a, const struct rw_path *b)
{
    if (!a || !b)
        return a == b;
    bool source = a->source.bytes == b->source.bytes &&
                  (!a->source.bytes || rw_address_eq(&a->source.storage, &b->source.storage));
    return source && rw_span_eq(a->line, b->line) && a->price_us == b->price_us &&
           socket_eq(&a->socket, &b->socket);
}

static uint32_t mean(uint32_t old, uint32_t sample)
{
    int64_t step = ((int64_t)sample - (int64_t)old) / GAIN;
    return step || old == sample ? (uint32_t)(old + step) : old + (sample > old ? 1u : -1u);
}

/* Threads that come together lose one of two samples. */
void rw_path_observe(struct rw_path_state *state, const struct rw_socket_path *sample,
                     uint64_t now_ms)
{
    uint32_t rtt_us = atomic_load_explicit(&state->rtt_us, memory_order_relaxed);
    uint32_t loss_ppm = atomic_load_explicit(&state->loss_ppm, memory_order_relaxed);
    uint64_t lost =
        sample->segments ? (uint64_t)sample->retransmits * MILLION / sample->segments : 0;
    uint32_t lost_ppm = lost < MILLION ? (uint32_t)lost : MILLION;
    atomic_store_explicit(&state->rtt_us, rtt_us ? mean(rtt_us, sample->rtt_us) : sample->rtt_us,
                          memory_order_relaxed);
    atomic_store_explicit(&state->loss_ppm, rtt_us ? mean(loss_ppm, lost_ppm) : lost_ppm,
                          memory_order_relaxed);
    atomic_store_explicit(&state->due_ms, now_ms + SAMPLE_EVERY_MS, memory_order_relaxed);
}

/* Of a connection without figures (a Unix socket, a simulation) it is known that there are none. */
void rw_path_sample(struct rw_endpoint *endpoint, const struct rw_stream *stream, uint64_t now_ms)
{
    struct rw_socket_path sample;
    struct rw_path_state *state = &endpoint->path_state;
    if (now_ms < atomic_load_explicit(&state->due_ms, memory_order_relaxed))
        return;
    if (rw_stream_path(stream, &sample))
        rw_path_observe(state, &sample, now_ms);
    else
        atomic_store_explicit(&state->due_ms, now_ms + SAMPLE_EVERY_MS, memory_order_relaxed);
}

/* Only one request at a time finds out what is not known any more. */
uint64_t rw_path_score(const struct rw_endpoint *endpoint, uint64_t now_ms)
{
    const struct rw_path_state *state = &endpoint->path_state;
    uint64_t rtt_us = atomic_load_explicit(&state->rtt_us, memory_order_relaxed);
    uint64_t loss_ppm = atomic_load_explicit(&state->loss_ppm, memory_order_relaxed);
    uint64_t due_ms = atomic_load_explicit(&state->due_ms, memory_order_relaxed);
    uint64_t price_us = endpoint->path ? endpoint->path->price_us : 0;
    bool busy = atomic_load_explicit(&endpoint->active, memory_order_relaxed) > 0;
    if (due_ms == 0)
        return busy ? UNKNOWN_US : price_us;
    uint64_t us = rtt_us + loss_ppm * (RETRANSMISSION_US + rtt_us) / MILLION;
    uint64_t halvings = busy ? 0 : rw_elapsed_ms(now_ms, due_ms) / STALE_MS;
    return (halvings < 32 ? us >> halvings : 0) + price_us;
}
