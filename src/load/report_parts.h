/* Within the reports: what text, JSON and HTML have in common. */
#ifndef RW_LOAD_REPORT_PARTS_H
#define RW_LOAD_REPORT_PARTS_H

#include "load/report.h"

/* The shares of requests whose latency is told; the last is the greatest latency. */
enum { RW_LOAD_SHARES = 8 };
extern const double rw_load_shares[RW_LOAD_SHARES];

/* Of the measured time; where requests waited for connections, of the time until the last answer.
 */
double rw_load_rate_of(const struct rw_load_settings *settings, const struct rw_load_result *result,
                       uint64_t count);

/* Seconds in which requests failed and none was answered: the target was down, or as good as that.
 */
unsigned rw_load_silent_seconds(const struct rw_load_result *result);

/* The error that was met most. */
enum rw_load_error rw_load_most_met(const struct rw_load_counts *counts);

/* The name of the scenario that a request is a step of. */
struct rw_span rw_load_scenario_of(const struct rw_load_settings *settings, unsigned request);

#endif
