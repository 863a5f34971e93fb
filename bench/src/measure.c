/* How one round of one contender is measured: throughput by CPU time, latency, memory. */
#include "cases.h"
#include "net.h"
#include "process.h"
#include "run.h"

#include <stdio.h>

#define WARM_UP_MS 300
#define SETTLE_MS 700
#define TAIL_MS 300
#define LEAD_MS 50
/* The share of due requests that must have been answered for a latency to be worth anything. */
#define ANSWERED_SHARE_MIN 0.995
/* Memory per idle connection is the slope between these two counts, so what the gateway takes once
 * (pools, tables) does not count as a connection's. */
#define IDLE_FIRST 1000
#define IDLE_MORE 4000 /* unless the case says how many there are in all */

struct reading {
    uint64_t at_ns;
    uint64_t cpu_ns;
    uint64_t responses;
    uint64_t body_bytes;
};

static struct reading take_reading(const struct bench_instance *instance,
                                   const struct bench_board *board)
{
    return (struct reading){
        .responses = bench_board_read(&board->responses),
        .body_bytes = bench_board_read(&board->body_bytes),
        .at_ns = bench_now_ns(),
        .cpu_ns = bench_session_cpu_ns(instance->session),
    };
}

/* Runs the case's load and reads clock and counts around the measured seconds. */
static bool measure_window(struct bench_laboratory *laboratory, const struct bench_case *each,
                           struct bench_instance *instance, struct reading reading[2],
                           struct bench_sample *sample)
{
    uint64_t dropped = bench_lines_dropped(instance);
    if (!bench_client_start(laboratory, 0, each, instance, each->connections)) {
        return false;
    }
    const struct bench_board *board = laboratory->clients[0].board;
    bool whole = bench_sleep_ms(WARM_UP_MS);
    reading[0] = take_reading(instance, board);
    whole = whole && bench_sleep_ms(bench_run_ms(each));
    reading[1] = take_reading(instance, board);
    sample->failures = bench_client_stop(laboratory, 0);
    sample->busy = (double)(reading[1].cpu_ns - reading[0].cpu_ns) /
                   (double)(reading[1].at_ns - reading[0].at_ns);
    dropped = bench_lines_dropped(instance) - dropped;
    sample->unlogged = (double)dropped / (double)(bench_board_read(&board->responses) + 1);
    return whole && reading[1].cpu_ns > reading[0].cpu_ns;
}

bool bench_measure_requests_per_cpu(struct bench_laboratory *laboratory,
                                    const struct bench_case *each, struct bench_instance *instance,
                                    struct bench_sample *sample)
{
    struct reading reading[2];
    if (!measure_window(laboratory, each, instance, reading, sample)) {
        return false;
    }
    sample->value = (double)(reading[1].responses - reading[0].responses) * 1e9 /
                    (double)(reading[1].cpu_ns - reading[0].cpu_ns);
    return true;
}

bool bench_measure_bytes_per_cpu(struct bench_laboratory *laboratory, const struct bench_case *each,
                                 struct bench_instance *instance, struct bench_sample *sample)
{
    struct reading reading[2];
    if (!measure_window(laboratory, each, instance, reading, sample)) {
        return false;
    }
    sample->value = (double)(reading[1].body_bytes - reading[0].body_bytes) * 1e9 /
                    (double)(reading[1].cpu_ns - reading[0].cpu_ns);
    return true;
}

/* Latency counts from the moment a request was due, sent or not: a gateway that stalls pays for all
 * that had to wait meanwhile (no coordinated omission). */
bool bench_p99_of(struct bench_laboratory *laboratory, const struct bench_case *each,
                  struct bench_instance *instance, struct bench_sample *sample,
                  double *microseconds)
{
    if (!bench_client_start(laboratory, 0, each, instance, each->connections)) {
        return false;
    }
    struct bench_board *board = laboratory->clients[0].board;
    long round_ms = bench_run_ms(each);
    bool whole = bench_sleep_ms(WARM_UP_MS);
    /* In the future, so that the client knows both bounds before the first request falls due. */
    uint64_t from = bench_now_ns() + LEAD_MS * 1000000u;
    __atomic_store_n(&board->record_until_ns, from + (uint64_t)round_ms * 1000000u,
                     __ATOMIC_RELAXED);
    __atomic_store_n(&board->record_from_ns, from, __ATOMIC_RELAXED);
    struct reading begun = take_reading(instance, board);
    whole = whole && bench_sleep_ms(LEAD_MS + round_ms);
    struct reading ended = take_reading(instance, board);
    sample->busy = (double)(ended.cpu_ns - begun.cpu_ns) / (double)(ended.at_ns - begun.at_ns);
    whole = whole && bench_sleep_ms(TAIL_MS);
    sample->failures = bench_client_stop(laboratory, 0);
    double due = (double)each->rate * (double)round_ms / 1e3;
    if (whole && (double)board->latency_ns.count < ANSWERED_SHARE_MIN * due) {
        fprintf(stderr, "bench: %s answered only %lu of %.0f requests in time\n",
                instance->contender->name, (unsigned long)board->latency_ns.count, due);
        return false;
    }
    *microseconds = (double)bench_histogram_quantile(&board->latency_ns, 0.99) / 1e3;
    return whole;
}

bool bench_measure_p99(struct bench_laboratory *laboratory, const struct bench_case *each,
                       struct bench_instance *instance, struct bench_sample *sample)
{
    return bench_p99_of(laboratory, each, instance, sample, &sample->value);
}

bool bench_measure_idle_memory(struct bench_laboratory *laboratory, const struct bench_case *each,
                               struct bench_instance *instance, struct bench_sample *sample)
{
    unsigned more = each->connections > IDLE_FIRST ? each->connections - IDLE_FIRST : IDLE_MORE;
    if (!bench_client_start(laboratory, 0, each, instance, IDLE_FIRST)) {
        return false;
    }
    bool whole = bench_sleep_ms(SETTLE_MS);
    uint64_t before = bench_session_memory(instance->session).own;
    whole = whole && bench_client_start(laboratory, 1, each, instance, more);
    whole = whole && bench_sleep_ms(SETTLE_MS);
    uint64_t after = bench_session_memory(instance->session).own;
    uint64_t held = bench_board_read(&laboratory->clients[0].board->held);
    sample->failures = bench_client_stop(laboratory, 0);
    if (laboratory->clients[1].session != 0) {
        held += bench_board_read(&laboratory->clients[1].board->held);
        sample->failures += bench_client_stop(laboratory, 1);
    }
    if (whole && held != IDLE_FIRST + more) {
        fprintf(stderr, "bench: %s kept only %lu of %u connections\n", instance->contender->name,
                (unsigned long)held, IDLE_FIRST + more);
        return false;
    }
    sample->value = after > before ? (double)(after - before) / more : 0;
    return whole;
}

bool bench_measure_base_memory(struct bench_laboratory *laboratory, const struct bench_case *each,
                               struct bench_instance *instance, struct bench_sample *sample)
{
    (void)laboratory;
    (void)each;
    if (!bench_sleep_ms(SETTLE_MS)) {
        return false;
    }
    sample->value = (double)bench_session_memory(instance->session).resident;
    return sample->value > 0;
}
