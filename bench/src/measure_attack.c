/* What an attack does to the others: p99 latency of good requests beside it, in multiples of that
 * without it, both taken in the same round. A gateway that leaves good requests unanswered under
 * the attack is given the whole round as their latency.
 */
#include "cases.h"
#include "net.h"
#include "process.h"
#include "run.h"

#include <stdio.h>

#define ATTACKERS 10
#define ATTACK_MS 300 /* before it is measured */

static bool measure_disturbed(struct bench_laboratory *laboratory, const struct bench_case *each,
                              struct bench_instance *instance, struct bench_sample *sample,
                              double *microseconds)
{
    if (!bench_attack_start(laboratory, 1, each, instance, ATTACKERS)) {
        return false;
    }
    bool whole = bench_sleep_ms(ATTACK_MS);
    if (whole && !bench_p99_of(laboratory, each, instance, sample, microseconds)) {
        *microseconds = (double)bench_run_ms(each) * 1e3;
    }
    const struct bench_board *board = laboratory->clients[1].board;
    unsigned long resets = (unsigned long)bench_board_read(&board->responses);
    unsigned long ended = (unsigned long)bench_board_read(&board->reopened);
    bench_client_stop(laboratory, 1);
    fprintf(stderr, "[%lu streams reset, %lu connections ended] ", resets, ended);
    return whole && !bench_interrupted();
}

bool bench_measure_attack(struct bench_laboratory *laboratory, const struct bench_case *each,
                          struct bench_instance *instance, struct bench_sample *sample)
{
    double undisturbed = 0;
    double disturbed = 0;
    uint64_t failures;
    if (!bench_p99_of(laboratory, each, instance, sample, &undisturbed)) {
        return false;
    }
    failures = sample->failures;
    if (!measure_disturbed(laboratory, each, instance, sample, &disturbed)) {
        return false;
    }
    fprintf(stderr, "[p99 %.0f us, attacked %.0f us] ", undisturbed, disturbed);
    sample->failures += failures;
    sample->value = undisturbed > 0 ? disturbed / undisturbed : 0;
    return undisturbed > 0;
}
