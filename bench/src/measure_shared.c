/* Two gateways that share one limit through Redis. */
#include "cases.h"
#include "net.h"
#include "process.h"
#include "run.h"

#include <stdio.h>

#define USE_UP_MS 3000 /* until the burst is gone */

static double admitted_by_both(const struct bench_laboratory *laboratory)
{
    uint64_t admitted = 0;
    for (int which = 0; which < 2; which++) {
        admitted += bench_board_read(&laboratory->clients[which].board->responses);
    }
    return (double)admitted;
}

/* Each gateway gets half of the load, and more than half of it is to be refused. */
static bool load_both(struct bench_laboratory *laboratory, const struct bench_case *each,
                      struct bench_instance *const gateways[2])
{
    struct bench_case half = *each;
    half.rate = each->rate / 2;
    for (int which = 0; which < 2; which++) {
        if (!bench_client_start(laboratory, which, &half, gateways[which], each->connections / 2)) {
            return false;
        }
    }
    return true;
}

bool bench_measure_shared_overshoot(struct bench_laboratory *laboratory,
                                    const struct bench_case *each, struct bench_instance *instance,
                                    struct bench_sample *sample)
{
    struct bench_instance *second = &laboratory->instances[BENCH_BASELINE];
    struct bench_instance *const gateways[2] = {instance, second};
    bool whole = bench_instance_start(laboratory, BENCH_BASELINE, each) &&
                 load_both(laboratory, each, gateways) && bench_sleep_ms(USE_UP_MS);
    if (whole) {
        uint64_t from_ns = bench_now_ns();
        double admitted = admitted_by_both(laboratory);
        whole = bench_sleep_ms(bench_run_ms(each));
        admitted = admitted_by_both(laboratory) - admitted;
        double allowed = each->shared_rate * (double)(bench_now_ns() - from_ns) / 1e9;
        sample->value = (admitted / allowed - 1) * 100;
    }
    for (int which = 0; which < 2; which++) {
        sample->failures += bench_client_stop(laboratory, which);
    }
    bench_instance_stop(second);
    return whole;
}

bool bench_measure_shared_p99(struct bench_laboratory *laboratory, const struct bench_case *each,
                              struct bench_instance *instance, struct bench_sample *sample)
{
    struct bench_case without = *each;
    struct bench_sample unlimited = {0};
    double with_us = 0, without_us = 0;
    without.shared_rate = 0;
    struct bench_instance *second = &laboratory->instances[BENCH_BASELINE];
    bool whole = bench_p99_of(laboratory, each, instance, sample, &with_us) &&
                 bench_instance_start(laboratory, BENCH_BASELINE, &without) &&
                 bench_p99_of(laboratory, &without, second, &unlimited, &without_us);
    bench_instance_stop(second);
    fprintf(stderr, "[p99 %.0f us, without a limit %.0f us] ", with_us, without_us);
    sample->failures += unlimited.failures;
    sample->value = with_us - without_us;
    return whole;
}
