/* What clients notice when origins fail. */
#include "cases.h"
#include "net.h"
#include "process.h"
#include "run.h"

#include <stdio.h>

#define UNLOADED_RATE 100
#define GOODPUT_MIN 0.9
#define MODEST_CONNECTIONS 8
#define WELL_MS 1000 /* before anything fails */

bool bench_measure_origin_dies(struct bench_laboratory *laboratory, const struct bench_case *each,
                               struct bench_instance *instance, struct bench_sample *sample)
{
    const unsigned last = each->origins - 1;
    if (laboratory->origins[last] == 0 && !bench_origin_revive(laboratory, each, last)) {
        return false;
    }
    if (!bench_client_start(laboratory, 0, each, instance, each->connections)) {
        return false;
    }
    bool whole = bench_sleep_ms(WELL_MS);
    bench_origin_kill(laboratory, last);
    whole = whole && bench_sleep_ms(bench_run_ms(each));
    unsigned long answered =
        (unsigned long)bench_board_read(&laboratory->clients[0].board->responses);
    sample->failures = bench_client_stop(laboratory, 0);
    sample->value = (double)sample->failures;
    fprintf(stderr, "[%lu answers] ", answered);
    return whole;
}

/* What the origin can do: so many at once, each of which takes so long. */
static double capacity_of(const struct bench_case *each)
{
    return each->origin_slots * 1e3 / each->origin_ms[0];
}

/* The p99 of those that were answered, and how many there were in a second; refusals are fine. */
static bool measure_at(struct bench_laboratory *laboratory, const struct bench_case *each,
                       struct bench_instance *instance, unsigned rate, double *p99_us,
                       double *per_second, uint64_t *failures)
{
    struct bench_case loaded = *each;
    loaded.rate = rate;
    if (!bench_client_start(laboratory, 0, &loaded, instance, each->connections)) {
        return false;
    }
    struct bench_board *board = laboratory->clients[0].board;
    bool whole = bench_sleep_ms(WELL_MS);
    uint64_t from = bench_now_ns();
    uint64_t answered = bench_board_read(&board->responses);
    __atomic_store_n(&board->record_until_ns, UINT64_MAX, __ATOMIC_RELAXED);
    __atomic_store_n(&board->record_from_ns, from, __ATOMIC_RELAXED);
    whole = whole && bench_sleep_ms(bench_run_ms(each));
    answered = bench_board_read(&board->responses) - answered;
    *per_second = (double)answered * 1e9 / (double)(bench_now_ns() - from);
    *failures += bench_client_stop(laboratory, 0);
    *p99_us = (double)bench_histogram_quantile(&board->latency_ns, 0.99) / 1e3;
    return whole && answered > 0;
}

bool bench_measure_overload(struct bench_laboratory *laboratory, const struct bench_case *each,
                            struct bench_instance *instance, struct bench_sample *sample)
{
    double unloaded_us = 0, loaded_us = 0, per_second = 0;
    if (!measure_at(laboratory, each, instance, UNLOADED_RATE, &unloaded_us, &per_second,
                    &sample->failures) ||
        !measure_at(laboratory, each, instance, each->rate, &loaded_us, &per_second,
                    &sample->failures)) {
        return false;
    }
    double share = per_second / capacity_of(each);
    fprintf(stderr, "[goodput %.0f%%, p99 %.0f us, unloaded %.0f us] ", share * 100, loaded_us,
            unloaded_us);
    sample->value = share < GOODPUT_MIN || unloaded_us <= 0 ? 1000 : loaded_us / unloaded_us;
    return true;
}

/* Nobody turns a tenant away that asks for less than its share. */
bool bench_measure_overload_tenant(struct bench_laboratory *laboratory,
                                   const struct bench_case *each, struct bench_instance *instance,
                                   struct bench_sample *sample)
{
    struct bench_case modest = *each;
    modest.consumers = 1; /* its requests have a key, those of the other one have none */
    modest.connections = MODEST_CONNECTIONS;
    double alone_us = 0, beside_us = 0, per_second = 0;
    if (!measure_at(laboratory, &modest, instance, UNLOADED_RATE, &alone_us, &per_second,
                    &sample->failures) ||
        !bench_client_start(laboratory, 1, each, instance, each->connections)) {
        return false;
    }
    bool whole = bench_sleep_ms(WELL_MS) && measure_at(laboratory, &modest, instance, UNLOADED_RATE,
                                                       &beside_us, &per_second, &sample->failures);
    uint64_t refused = bench_board_read(&laboratory->clients[0].board->refused);
    sample->failures += refused + bench_client_stop(laboratory, 1);
    fprintf(stderr, "[p99 %.0f us, alone %.0f us, %llu refused] ", beside_us, alone_us,
            (unsigned long long)refused);
    sample->value = alone_us > 0 ? beside_us / alone_us : 1000;
    return whole;
}

bool bench_measure_latency_aware(struct bench_laboratory *laboratory, const struct bench_case *each,
                                 struct bench_instance *instance, struct bench_sample *sample)
{
    double p99_us = 0, per_second = 0;
    if (!measure_at(laboratory, each, instance, each->rate, &p99_us, &per_second,
                    &sample->failures)) {
        return false;
    }
    const struct bench_histogram *latencies = &laboratory->clients[0].board->latency_ns;
    double mean_us = (double)latencies->sum / (double)(latencies->count + 1) / 1e3;
    fprintf(stderr, "[mean %.0f us, p99 %.0f us] ", mean_us, p99_us);
    sample->value = mean_us;
    return true;
}
