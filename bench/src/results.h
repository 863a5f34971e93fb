/* bench/RESULTS.md: the machine, the versions, the table, and how to get it again. Names neither
 * the host nor any of its paths. */
#ifndef BENCH_RESULTS_H
#define BENCH_RESULTS_H

#include "run.h"

void bench_results_write(const struct bench_laboratory *laboratory, const char *path,
                         const struct bench_result *results, size_t count);

#endif
