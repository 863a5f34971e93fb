#include "load/tally.h"

const char *rw_load_error_name(enum rw_load_error error)
{
    static const char *const names[] = {
#define RW_LOAD_ERROR_NAME(name, text) text,
        RW_LOAD_ERRORS(RW_LOAD_ERROR_NAME)
#undef RW_LOAD_ERROR_NAME
    };
    rw_assert(error < RW_LOAD_ERROR_COUNT);
    return names[error];
}

void rw_load_tally_begin(struct rw_load_tally *tally)
{
    rw_histogram_clear(&tally->latency);
    rw_histogram_clear(&tally->service);
    rw_histogram_clear(&tally->lateness);
}

void rw_load_tally_add(struct rw_load_tally *to, const struct rw_load_tally *from)
{
    /* The counts are nothing but uint64_t. */
    uint64_t *sum = (uint64_t *)&to->counts;
    const uint64_t *more = (const uint64_t *)&from->counts;
    for (size_t i = 0; i < sizeof(to->counts) / sizeof(*sum); i++)
        sum[i] += more[i];
    rw_histogram_add(&to->latency, &from->latency);
    rw_histogram_add(&to->service, &from->service);
    rw_histogram_add(&to->lateness, &from->lateness);
    to->cpu_ns += from->cpu_ns;
    to->busy_ns += from->busy_ns;
}

void rw_load_step_tally_add(struct rw_load_step_tally *to, const struct rw_load_step_tally *from)
{
    to->sent += from->sent;
    to->answered += from->answered;
    to->failed += from->failed;
    rw_histogram_add(&to->latency, &from->latency);
}
