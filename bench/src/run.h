/* Running cases: rounds in turn over the contenders (A B C D, A B C D, ...), so that a drift of the
 * machine meets them all alike; medians over the rounds, of values and of ratios; then the verdict
 * by the case's targets.
 */
#ifndef BENCH_RUN_H
#define BENCH_RUN_H

#include "cases.h"

#define BENCH_ROUNDS_MAX 101

enum bench_verdict {
    BENCH_UNKNOWN, /* Ringway is not built, or there is nothing to compare it with */
    BENCH_MET,
    BENCH_MISSED,
};

struct bench_column {
    int count;                       /* rounds that gave a value; 0: the contender has none */
    double values[BENCH_ROUNDS_MAX]; /* by round; NAN where there is none */
    double median;
    double spread;     /* (largest - smallest) / median over the rounds */
    double busy;       /* mean */
    uint64_t failures; /* sum */
    double growth;     /* largest */
    bool grew;         /* in any round */
    double unlogged;   /* mean */
    int lost;          /* rounds that should have given a value and did not */
    int floods;        /* of each the round with the median ratio */
    struct bench_flood_cost costs[BENCH_FLOODS_MAX];
    struct bench_flood_cost cost_rounds[BENCH_FLOODS_MAX][BENCH_ROUNDS_MAX];
};

/* Ratios say how many times better Ringway is, whichever way better is; NAN when unknown. The
 * median over the rounds of the ratio in each: the speed of a shared machine changes by a fourth
 * from one second to another, and neighbours in time have it in common. */
struct bench_result {
    const struct bench_case *each;
    struct bench_column columns[BENCH_ROLES];
    double ratio;
    double floor_ratio;
    enum bench_verdict verdict;
};

/* The user's wishes; 0 leaves it to the case. */
extern int bench_rounds_wanted;
extern int bench_seconds_wanted;

/* Sorts the values, of which there is one at least, and returns their median. */
double bench_median(double *values, int count);

int bench_run_rounds(const struct bench_case *each);
long bench_run_ms(const struct bench_case *each);

/* Runs one case. A contender that cannot be started or measured has no value. Returns false only
 * when the user interrupted. */
bool bench_run_case(struct bench_laboratory *laboratory, const struct bench_case *each,
                    struct bench_result *result);

#endif
