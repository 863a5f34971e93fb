/* What clients notice when origins fail. */
#include "cases.h"
#include "net.h"
#include "process.h"
#include "run.h"

#include <stdio.h>

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
