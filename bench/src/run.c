#include "run.h"
#include "process.h"

#include <stdio.h>
#include <stdlib.h>

/* A gateway that is measured with its log on must write it. */
#define SPREAD_MAX 10
#define UNLOGGED_SHARE_MAX 0.001

int bench_rounds_wanted;
int bench_seconds_wanted;

int bench_run_rounds(const struct bench_case *each)
{
    return bench_rounds_wanted > 0 ? bench_rounds_wanted : each->rounds;
}

long bench_run_ms(const struct bench_case *each)
{
    return bench_seconds_wanted > 0 ? bench_seconds_wanted * 1000L : each->round_ms;
}

static bool takes_part(const struct bench_laboratory *laboratory, const struct bench_case *each,
                       enum bench_role role)
{
    bool is_ringway = role == BENCH_RINGWAY || role == BENCH_BASELINE;
    return (each->roles & BENCH_ROLE_BIT(role)) != 0 &&
           (!is_ringway || laboratory->ringway != NULL);
}

static void start_all(struct bench_laboratory *laboratory, const struct bench_case *each)
{
    for (int role = 0; role < BENCH_ROLES && !bench_interrupted(); role++) {
        if (takes_part(laboratory, each, (enum bench_role)role)) {
            bench_instance_start(laboratory, (enum bench_role)role, each);
        }
    }
}

static void stop_all(struct bench_laboratory *laboratory)
{
    for (int role = 0; role < BENCH_ROLES; role++) {
        bench_instance_stop(&laboratory->instances[role]);
    }
}

static void add_sample(struct bench_column *column, int round, const struct bench_sample *sample)
{
    column->busy += sample->busy;
    column->failures += sample->failures;
    if (column->count == 0 || sample->growth > column->growth) {
        column->growth = sample->growth;
    }
    column->grew = column->grew || sample->grew;
    column->unlogged += sample->unlogged;
    column->values[round] = sample->value;
    column->floods = sample->floods;
    for (int i = 0; i < sample->floods; i++) {
        column->cost_rounds[i][column->count] = sample->costs[i];
    }
    column->count++;
}

static void measure_one(struct bench_laboratory *laboratory, const struct bench_case *each,
                        enum bench_role role, int round, struct bench_result *result)
{
    struct bench_instance *instance = &laboratory->instances[role];
    struct bench_sample sample = {0};
    result->columns[role].values[round] = NAN;
    if (each->fresh) {
        bench_instance_start(laboratory, role, each);
    }
    bool is_there = instance->session != 0 || each->generator;
    if (!is_there || bench_interrupted()) {
        result->columns[role].lost++;
        return;
    }
    fprintf(stderr, "%s: round %d of %d: %-8s ", each->name, round + 1, bench_run_rounds(each),
            bench_contenders[role].name);
    if (each->measure(laboratory, each, instance, &sample)) {
        add_sample(&result->columns[role], round, &sample);
        fprintf(stderr, "%.6g %s", sample.value, each->unit);
        if (sample.busy > 0) {
            fprintf(stderr, ", core %.0f%% busy", sample.busy * 100);
        }
        if (sample.growth != 0) {
            fprintf(stderr, ", memory %+.0f KiB", sample.growth / 1024);
        }
        if (sample.unlogged > 0) {
            fprintf(stderr, ", %.2f%% not logged", sample.unlogged * 100);
        }
        fprintf(stderr, sample.failures > 0 ? ", %lu FAILED\n" : "\n",
                (unsigned long)sample.failures);
    } else {
        result->columns[role].lost++;
        fputs("no value\n", stderr);
    }
    if (each->fresh) {
        bench_instance_stop(instance);
    }
}

static int compare_numbers(const void *left, const void *right)
{
    double a = *(const double *)left;
    double b = *(const double *)right;
    return (a > b) - (a < b);
}

double bench_median(double *values, int count)
{
    qsort(values, (size_t)count, sizeof values[0], compare_numbers);
    return (values[(count - 1) / 2] + values[count / 2]) / 2;
}

static int compare_costs(const void *left, const void *right)
{
    double a = ((const struct bench_flood_cost *)left)->ratio;
    double b = ((const struct bench_flood_cost *)right)->ratio;
    return (a > b) - (a < b);
}

static void summarise(struct bench_column *column, int rounds)
{
    double sorted[BENCH_ROUNDS_MAX];
    int count = 0;
    for (int i = 0; i < rounds && count < column->count; i++) {
        if (!isnan(column->values[i])) {
            sorted[count++] = column->values[i];
        }
    }
    if (count == 0) {
        return;
    }
    column->median = bench_median(sorted, count);
    double range = sorted[count - 1] - sorted[0];
    /* Around zero a share of the median says nothing. */
    column->spread = column->median > range / SPREAD_MAX ? range / column->median : 0;
    for (int i = 0; i < column->floods; i++) {
        qsort(column->cost_rounds[i], (size_t)count, sizeof column->costs[0], compare_costs);
        column->costs[i] = column->cost_rounds[i][count / 2];
    }
    column->busy /= count;
    column->unlogged /= count;
}

/* How many times better `ours` is than `theirs`. */
static double ratio_of(const struct bench_case *each, const struct bench_column *ours,
                       const struct bench_column *theirs)
{
    double ratios[BENCH_ROUNDS_MAX];
    int count = 0;
    if (ours->count == 0 || theirs->count == 0) {
        return NAN;
    }
    for (int round = 0; round < bench_run_rounds(each); round++) {
        double one = ours->values[round], other = theirs->values[round];
        double ratio = each->lower_is_better ? other / one : one / other;
        if (isfinite(ratio)) {
            ratios[count++] = ratio;
        }
    }
    return count > 0 ? bench_median(ratios, count) : NAN;
}

/* The lowest ratio is the one against the best of those that Ringway is compared with. */
static double ratio_to_best(const struct bench_result *result)
{
    static const enum bench_role rivals[] = {BENCH_NGINX, BENCH_HAPROXY, BENCH_BASELINE, BENCH_WRK,
                                             BENCH_H2LOAD};
    double lowest = NAN;
    for (size_t i = 0; i < sizeof rivals / sizeof rivals[0]; i++) {
        lowest = fmin(lowest, ratio_of(result->each, &result->columns[BENCH_RINGWAY],
                                       &result->columns[rivals[i]]));
    }
    return lowest;
}

static enum bench_verdict judge(const struct bench_result *result)
{
    const struct bench_case *each = result->each;
    const struct bench_column *ringway = &result->columns[BENCH_RINGWAY];
    if (ringway->lost > 0) {
        return BENCH_MISSED;
    }
    if (ringway->count == 0 || (each->ratio > 0 && isnan(result->ratio)) ||
        (each->floor_ratio > 0 && isnan(result->floor_ratio))) {
        return BENCH_UNKNOWN;
    }
    bool missed = ringway->failures > 0 || ringway->grew ||
                  ringway->unlogged > UNLOGGED_SHARE_MAX ||
                  (each->ratio > 0 && result->ratio < each->ratio - each->tolerance) ||
                  (each->floor_ratio > 0 && result->floor_ratio < each->floor_ratio) ||
                  (!isnan(each->limit) && ringway->median > each->limit);
    return missed ? BENCH_MISSED : BENCH_MET;
}

bool bench_run_case(struct bench_laboratory *laboratory, const struct bench_case *each,
                    struct bench_result *result)
{
    *result = (struct bench_result){.each = each};
    if (!bench_origin_start(laboratory, each)) {
        return false;
    }
    if (!each->fresh && !each->generator) {
        start_all(laboratory, each);
    }
    for (int round = 0; round < bench_run_rounds(each); round++) {
        for (int role = 0; role < BENCH_ROLES; role++) {
            if (takes_part(laboratory, each, (enum bench_role)role)) {
                measure_one(laboratory, each, (enum bench_role)role, round, result);
            }
        }
    }
    stop_all(laboratory);
    bench_origin_stop(laboratory);
    for (int role = 0; role < BENCH_ROLES; role++) {
        summarise(&result->columns[role], bench_run_rounds(each));
    }
    result->ratio = ratio_to_best(result);
    result->floor_ratio =
        ratio_of(each, &result->columns[BENCH_RINGWAY], &result->columns[BENCH_FLOOR]);
    result->verdict = judge(result);
    return !bench_interrupted();
}
