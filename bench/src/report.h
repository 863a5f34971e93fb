/* What is printed: a line of JSON for each case, or a table for people. */
#ifndef BENCH_REPORT_H
#define BENCH_REPORT_H

#include "run.h"

#include <stdio.h>

/* {"case","unit","better","ringway","peers":{...},"floor","ratio","target","met", ...}; null where
 * there is no value. Beyond these: "baseline", "floor_ratio", "floor_target", "limit", "tolerance",
 * "failures", "memory_growth" and, by contender, "spread" and "busy". */
void bench_report_json(FILE *out, const struct bench_result *result);

/* A Markdown table, readable as text too. */
void bench_report_table(FILE *out, const struct bench_result *results, size_t count);

/* "at least 1.10 x the better peer and 0.90 x the floor" and the like; static memory. */
const char *bench_report_target(const struct bench_case *each);

#endif
