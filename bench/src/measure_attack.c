/* What an attack does to the others: p99 latency of good requests beside it, in multiples of that
 * without it. A round takes both in turn several times and compares the medians: one pause of a
 * shared machine is longer than all that is measured here, and falls into one window only. A
 * gateway that leaves good requests unanswered under the attack is given the whole window as their
 * latency, and no further ones.
 */
#include "cases.h"
#include "net.h"
#include "process.h"
#include "run.h"

#include <stdio.h>

#define ATTACKERS 10
#define ATTACK_MS 300 /* before it is measured */
#define WINDOWS 5

/* p99 in microseconds, window by window. */
struct windows {
    double calm[WINDOWS];
    double attacked[WINDOWS];
    int count;
    unsigned long resets;
    unsigned long ended; /* connections */
};

/* *answered: the gateway has answered the good requests. */
static bool measure_attacked(struct bench_laboratory *laboratory, const struct bench_case *each,
                             struct bench_instance *instance, struct bench_sample *sample,
                             struct windows *windows, bool *answered)
{
    double *microseconds = &windows->attacked[windows->count];
    if (!bench_attack_start(laboratory, 1, each, instance, ATTACKERS)) {
        return false;
    }
    bool whole = bench_sleep_ms(ATTACK_MS);
    *answered = whole && bench_p99_of(laboratory, each, instance, sample, microseconds);
    if (!*answered) {
        *microseconds = (double)bench_run_ms(each) * 1e3;
    }
    const struct bench_board *board = laboratory->clients[1].board;
    windows->resets += (unsigned long)bench_board_read(&board->responses);
    windows->ended += (unsigned long)bench_board_read(&board->reopened);
    bench_client_stop(laboratory, 1);
    return whole && !bench_interrupted();
}

bool bench_measure_attack(struct bench_laboratory *laboratory, const struct bench_case *each,
                          struct bench_instance *instance, struct bench_sample *sample)
{
    struct windows windows = {.count = 0};
    uint64_t failures = 0;
    bool answered = true;
    while (answered && windows.count < WINDOWS) {
        if (!bench_p99_of(laboratory, each, instance, sample, &windows.calm[windows.count])) {
            return false;
        }
        failures += sample->failures;
        if (!measure_attacked(laboratory, each, instance, sample, &windows, &answered)) {
            return false;
        }
        failures += sample->failures;
        windows.count++;
    }
    double attacked = answered ? bench_median(windows.attacked, windows.count)
                               : windows.attacked[windows.count - 1];
    double calm = bench_median(windows.calm, windows.count);
    fprintf(stderr, "[%lu streams reset, %lu connections ended; p99 %.0f us, attacked %.0f us] ",
            windows.resets, windows.ended, calm, attacked);
    sample->failures = failures;
    sample->value = calm > 0 ? attacked / calm : 0;
    return calm > 0;
}
