/* Targets that loads show. */
#include "base/alloc.h"
#include "verify/judge.h"

#include <math.h>

/* ---- What several kinds need ---- */

/* The takes of one load that were done, in their order. */
#define EACH_TAKE(take, judging)                                                                   \
    unsigned repetition_ = 0;                                                                      \
    repetition_ < (judging)->record->repetitions &&                                                \
        (take = rw_record_take((judging)->record, (judging)->load, repetition_), true);            \
    repetition_++

static uint64_t unanswered(const struct rw_load_counts *counts)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < RW_LOAD_ERROR_COUNT; i++)
        sum += counts->errors[i];
    return sum;
}

static struct rw_interval wider(struct rw_interval a, struct rw_interval b)
{
    return (struct rw_interval){fmin(a.low, b.low), fmax(a.high, b.high)};
}

static void judge_by_repetitions(const struct rw_judging *judging, bool at_least,
                                 struct rw_verdict *verdict)
{
    verdict->measured = rw_mean(verdict->values, verdict->repetitions);
    if (verdict->repetitions < 2) {
        verdict->reason = RW_VERIFY_REASON_FEW_REPETITIONS;
        return;
    }
    verdict->interval =
        rw_confidence_mean(verdict->values, verdict->repetitions, judging->confidence);
    verdict->interval.low = fmax(0, verdict->interval.low);
    verdict->method = RW_VERIFY_METHOD_STUDENT;
    rw_verdict_decide(verdict, at_least);
}

/* ---- Latency ---- */

/* Latencies of all repetitions. A request without an answer is one that takes forever: were it left
 * out, a system would get faster by failing. */
struct latencies {
    struct rw_histogram *sum;
    uint64_t unanswered;
};

/* The value with this rank, from 1, in seconds. */
static double value_at(const struct rw_histogram *histogram, uint64_t rank)
{
    if (rank > histogram->count)
        return INFINITY;
    double share = ((double)rank - 0.5) / (double)histogram->count;
    return (double)rw_histogram_quantile(histogram, share) / 1e9;
}

static double quantile(const struct rw_histogram *histogram, uint64_t without, double share)
{
    uint64_t n = histogram->count + without;
    double exact = ceil(share * (double)n - 1e-9);
    return value_at(histogram, exact < 1 ? 1 : (uint64_t)exact);
}

static void judge_quantile(const struct rw_judging *judging, const struct latencies *latencies,
                           double share, struct rw_verdict *verdict)
{
    uint64_t low, high, n = latencies->sum->count + latencies->unanswered;
    verdict->measured = quantile(latencies->sum, latencies->unanswered, share);
    /* Too few for a bound above: there may still be one below, and that be too much. */
    bool bounded = rw_confidence_ranks(n, share, judging->confidence, &low, &high);
    verdict->method = RW_VERIFY_METHOD_RANKS;
    verdict->interval.low = low ? value_at(latencies->sum, low) : 0;
    verdict->interval.high = bounded ? value_at(latencies->sum, high) : INFINITY;
    if (!bounded) {
        verdict->reason = RW_VERIFY_REASON_FEW_REQUESTS;
        verdict->number = (double)rw_confidence_values(share, judging->confidence);
        verdict->number_unit = RW_UNIT_COUNT;
    }
    bool finite = isfinite(rw_mean(verdict->values, verdict->repetitions));
    if (verdict->repetitions >= 2 && finite) {
        verdict->method = RW_VERIFY_METHOD_RANKS_AND_STUDENT;
        verdict->interval =
            wider(verdict->interval,
                  rw_confidence_mean(verdict->values, verdict->repetitions, judging->confidence));
        verdict->interval.low = fmax(0, verdict->interval.low);
    }
    rw_verdict_decide(verdict, false);
}

void rw_judge_latency(const struct rw_judging *judging, const void *value,
                      struct rw_verdict *verdict)
{
    const struct rw_verify_target_latency *target = value;
    struct latencies latencies = {.sum = rw_histogram_create()};
    const struct rw_take *take;
    unsigned count = 0;
    if (!latencies.sum)
        return;
    for (EACH_TAKE(take, judging)) {
        if (!take->done)
            continue;
        uint64_t without = unanswered(&take->tally->counts);
        rw_histogram_add(latencies.sum, &take->tally->latency);
        latencies.unanswered += without;
        verdict->values[count++] =
            quantile(&take->tally->latency, without, target->percentile / 100);
    }
    if (latencies.sum->count)
        judge_quantile(judging, &latencies, target->percentile / 100, verdict);
    else
        verdict->reason = RW_VERIFY_REASON_NOTHING_ANSWERED;
    rw_free(latencies.sum);
}

/* ---- Errors ---- */

void rw_judge_errors(const struct rw_judging *judging, const void *value,
                     struct rw_verdict *verdict)
{
    uint64_t failed = 0, due = 0;
    const struct rw_take *take;
    unsigned count = 0;
    (void)value;
    for (EACH_TAKE(take, judging)) {
        if (!take->done)
            continue;
        const struct rw_load_counts *counts = &take->tally->counts;
        uint64_t all = counts->answered + unanswered(counts);
        failed += counts->failed;
        due += all;
        verdict->values[count++] = all ? (double)counts->failed / (double)all : 0;
    }
    if (!due) {
        verdict->reason = RW_VERIFY_REASON_NOTHING_ANSWERED;
        return;
    }
    verdict->measured = (double)failed / (double)due;
    verdict->interval = rw_confidence_share(failed, due, judging->confidence);
    verdict->method = RW_VERIFY_METHOD_CLOPPER_PEARSON;
    /* No number of requests shows that none ever fails; that none did is all there is to ask. */
    if (verdict->limit <= 0) {
        verdict->result = failed ? RW_VERIFY_NOT_MET : RW_VERIFY_MET;
        return;
    }
    if (!failed && verdict->interval.high > verdict->limit) {
        verdict->reason = RW_VERIFY_REASON_FEW_REQUESTS;
        verdict->number = (double)rw_confidence_trials(verdict->limit, judging->confidence);
        verdict->number_unit = RW_UNIT_COUNT;
    }
    rw_verdict_decide(verdict, false);
}

/* ---- Throughput ---- */

static double served(const struct rw_take *take)
{
    const struct rw_load_counts *counts = &take->tally->counts;
    return (double)(counts->answered + unanswered(counts) - counts->failed);
}

static double served_in(const struct rw_timeline_row *row)
{
    return (double)(row->answered + row->unanswered - row->failed);
}

/* Per second while requests were due: an answer that comes after that, when a queue is worked off,
 * shows nothing of what the system can do. */
static double served_per_second(const struct rw_take *take)
{
    double sum = 0;
    for (size_t i = 0; i < take->row_count; i++)
        sum += served_in(&take->rows[i]);
    return take->row_count ? sum / (double)take->row_count : 0;
}

/* The seconds of a single repetition are its batches: A. M. Law, Simulation Modeling and Analysis,
 * section 9.5.3. */
static void judge_by_seconds(const struct rw_judging *judging, const struct rw_take *take,
                             struct rw_verdict *verdict)
{
    double *values = rw_alloc((take->row_count + 1) * sizeof(*values));
    if (!values)
        return;
    for (size_t i = 0; i < take->row_count; i++)
        values[i] = served_in(&take->rows[i]);
    verdict->measured = served_per_second(take);
    if (take->row_count >= 2) {
        verdict->interval = rw_confidence_mean(values, take->row_count, judging->confidence);
        verdict->interval.low = fmax(0, verdict->interval.low);
        verdict->method = RW_VERIFY_METHOD_BATCHES;
        rw_verdict_decide(verdict, true);
    } else {
        verdict->reason = RW_VERIFY_REASON_FEW_REPETITIONS;
    }
    rw_free(values);
}

void rw_judge_throughput(const struct rw_judging *judging, const void *value,
                         struct rw_verdict *verdict)
{
    const struct rw_take *take, *last = NULL;
    unsigned count = 0;
    double due = 0, seconds = 0;
    (void)value;
    for (EACH_TAKE(take, judging)) {
        if (!take->done)
            continue;
        last = take;
        due += (double)take->tally->counts.due;
        seconds += take->seconds;
        verdict->values[count++] = served_per_second(take);
    }
    if (due / seconds < verdict->limit) {
        verdict->reason = RW_VERIFY_REASON_OFFERED_LESS;
        verdict->number = due / seconds;
        verdict->number_unit = RW_UNIT_PER_SECOND;
        verdict->measured = rw_mean(verdict->values, count);
    } else if (count == 1) {
        judge_by_seconds(judging, last, verdict);
    } else {
        judge_by_repetitions(judging, true, verdict);
    }
}

/* ---- Goodput ---- */

/* Answers in time, less those that failed: as if all of these had been in time, which is so where a
 * system sheds load, and else tells too little rather than too much. Never more than the
 * throughput. */
static double goodput_of(const struct rw_take *take, uint32_t within_ms)
{
    const struct rw_load_counts *counts = &take->tally->counts;
    double within = rw_histogram_share_within(&take->tally->latency, within_ms * 1000000ull);
    double in_time = within * (double)counts->answered;
    double failed = (double)(counts->failed - unanswered(counts));
    return fmin(fmax(0, in_time - failed) / take->seconds, served_per_second(take));
}

void rw_judge_goodput(const struct rw_judging *judging, const void *value,
                      struct rw_verdict *verdict)
{
    const struct rw_verify_target_goodput *target = value;
    const struct rw_take *take;
    unsigned count = 0;
    for (EACH_TAKE(take, judging))
        if (take->done)
            verdict->values[count++] = goodput_of(take, target->within_ms);
    judge_by_repetitions(judging, true, verdict);
}

/* ---- Concurrency ---- */

void rw_judge_concurrency(const struct rw_judging *judging, const void *value,
                          struct rw_verdict *verdict)
{
    const struct rw_take *take;
    unsigned count = 0;
    double least = INFINITY;
    (void)judging;
    (void)value;
    for (EACH_TAKE(take, judging)) {
        if (!take->done)
            continue;
        verdict->values[count] = take->connections_least;
        least = fmin(least, verdict->values[count++]);
    }
    verdict->measured = least;
    verdict->interval = (struct rw_interval){least, least};
    verdict->method = RW_VERIFY_METHOD_LEAST;
    rw_verdict_decide(verdict, true);
}

/* ---- Cost ---- */

void rw_judge_cost(const struct rw_judging *judging, const void *value, struct rw_verdict *verdict)
{
    const struct rw_verify_target_cost *target = value;
    const struct rw_take *take;
    unsigned count = 0;
    for (EACH_TAKE(take, judging)) {
        if (!take->done)
            continue;
        if (isnan(take->cpu_seconds)) {
            verdict->reason = RW_VERIFY_REASON_NOT_OURS;
            return;
        }
        double millions = served(take) / 1e6;
        verdict->values[count++] = take->cpu_seconds / 3600 * target->core_hour / millions;
    }
    if (isfinite(rw_mean(verdict->values, count)))
        judge_by_repetitions(judging, false, verdict);
    else
        verdict->reason = RW_VERIFY_REASON_NOTHING_ANSWERED;
}
