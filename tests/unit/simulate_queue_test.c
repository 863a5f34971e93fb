/* Queues against what is known of them in closed form: plan/model, which has its own vectors. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "load/histogram.h"
#include "plan/model/queueing.h"
#include "simulate/draw.h"
#include "simulate/queue.h"
#include "simulate/share.h"
#include "simulate/slice.h"

#include <math.h>

/* Some 0.3 % of statistical error at these loads. */
enum { ARRIVALS = 2000000 };

struct outcome {
    double wait, waited; /* mean; share of those that wait at all */
    double p50, p99;     /* of the response */
};

static struct outcome simulate(uint32_t servers, double rate,
                               const struct rw_simulate_draw *service)
{
    struct rw_simulate_queue queue;
    struct rw_random random;
    struct rw_histogram *latency = rw_histogram_create();
    double now = 0, waits = 0;
    unsigned waited = 0;
    assert_non_null(latency);
    rw_random_seed(&random, 7);
    assert_int_equal(rw_simulate_queue_open(&queue, servers, false, 0), RW_OK);
    for (unsigned i = 0; i < ARRIVALS; i++) {
        now += rw_simulate_exponential(&random) / rate;
        double wait = rw_simulate_queue_wait(&queue, 0, now);
        double end = rw_simulate_queue_serve(&queue, 0, now, rw_simulate_draw(service, &random));
        rw_histogram_record(latency, (uint64_t)((end - now) * 1e9));
        waits += wait;
        waited += wait > 0;
    }
    struct outcome outcome = {waits / ARRIVALS, (double)waited / ARRIVALS,
                              (double)rw_histogram_quantile(latency, 0.5) / 1e9,
                              (double)rw_histogram_quantile(latency, 0.99) / 1e9};
    rw_simulate_queue_close(&queue);
    rw_free(latency);
    return outcome;
}

static void expect(const char *what, double is, double should, double error)
{
    if (!(fabs(is / should - 1) <= error))
        fail_msg("%s: %.6g, to be %.6g within %.1f %%", what, is, should, error * 100);
}

static void test_mmc(void **state)
{
    static const struct {
        uint32_t servers;
        double load;
    } cases[] = {{1, 0.5}, {1, 0.8}, {4, 0.75}, {32, 0.9}};
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        double c = cases[i].servers, mu = 100, rate = cases[i].load * c * mu;
        struct rw_simulate_draw service;
        rw_simulate_draw_init(&service, RW_SIMULATE_EXPONENTIAL, 1 / mu, 1);
        struct outcome outcome = simulate(cases[i].servers, rate, &service);
        expect("Erlang C", outcome.waited, rw_model_erlang_c(c, rate / mu), 0.025);
        expect("wait", outcome.wait, rw_model_mmc_wait(rate, mu, c), 0.05);
        expect("p50", outcome.p50, rw_model_mmc_response_percentile(rate, mu, c, 0.5), 0.02);
        expect("p99", outcome.p99, rw_model_mmc_response_percentile(rate, mu, c, 0.99), 0.03);
    }
}

/* Pollaczek and Khinchine, for every variation. */
static void test_mg1(void **state)
{
    static const struct {
        enum rw_simulate_kind kind;
        double variation, error;
    } cases[] = {{RW_SIMULATE_CONSTANT, 0, 0.02},
                 {RW_SIMULATE_UNIFORM, 0, 0.02},
                 {RW_SIMULATE_LOGNORMAL, 0.5, 0.02},
                 {RW_SIMULATE_LOGNORMAL, 2, 0.08}};
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct rw_simulate_draw service;
        rw_simulate_draw_init(&service, cases[i].kind, 0.01, cases[i].variation);
        struct outcome outcome = simulate(1, 70, &service);
        expect("wait", outcome.wait, rw_model_mg1_wait(0.01, 0.7, service.cv2), cases[i].error);
    }
}

/* ---- Shared cores ---- */

enum { SIZES = 3 };

struct shared {
    double mean;           /* response */
    double by_size[SIZES]; /* mean response by size, for jobs around half, once, thrice the mean */
    double sizes[SIZES];   /* and how large these were */
};

struct job {
    double came, size;
};

static void add_response(struct shared *shared, unsigned *counts, double response, double size,
                         double mean)
{
    static const double around[SIZES] = {0.5, 1, 3};
    shared->mean += response;
    for (unsigned i = 0; i < SIZES; i++)
        if (fabs(size / mean / around[i] - 1) < 0.1) {
            shared->by_size[i] += response;
            shared->sizes[i] += size;
            counts[i]++;
        }
}

static struct shared simulate_shared(uint32_t servers, double rate,
                                     const struct rw_simulate_draw *service)
{
    static struct job jobs[ARRIVALS];
    struct rw_simulate_share share;
    struct rw_random random;
    struct shared shared = {0};
    unsigned counts[SIZES] = {0};
    double now = 0;
    rw_random_seed(&random, 7);
    rw_simulate_share_open(&share, servers);
    for (uint32_t i = 0; i <= ARRIVALS; i++) {
        now = i < ARRIVALS ? now + rw_simulate_exponential(&random) / rate : INFINITY;
        for (double end; share.count && (end = rw_simulate_share_end(&share)) <= now;) {
            const struct job *job = &jobs[rw_simulate_share_take(&share, end)];
            add_response(&shared, counts, end - job->came, job->size, service->mean);
        }
        if (i == ARRIVALS)
            break;
        jobs[i] = (struct job){now, rw_simulate_draw(service, &random)};
        assert_int_equal(rw_simulate_share_add(&share, now, jobs[i].size, i), RW_OK);
    }
    rw_simulate_share_close(&share);
    shared.mean /= ARRIVALS;
    for (unsigned i = 0; i < SIZES; i++) {
        shared.by_size[i] /= counts[i] ? counts[i] : 1;
        shared.sizes[i] /= counts[i] ? counts[i] : 1;
    }
    return shared;
}

/* M/G/1-PS: the mean response is that of the mean size, however sizes vary, and a job's in
 * proportion to its size (L. Kleinrock, Queueing Systems II, 4.4). */
static void test_shared_cores(void **state)
{
    static const struct {
        enum rw_simulate_kind kind;
        double variation, error;
    } cases[] = {{RW_SIMULATE_CONSTANT, 0, 0.02},
                 {RW_SIMULATE_EXPONENTIAL, 1, 0.02},
                 {RW_SIMULATE_LOGNORMAL, 0.5, 0.02},
                 {RW_SIMULATE_LOGNORMAL, 2, 0.06}};
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct rw_simulate_draw service;
        rw_simulate_draw_init(&service, cases[i].kind, 0.01, cases[i].variation);
        struct shared shared = simulate_shared(1, 70, &service);
        expect("response", shared.mean, rw_model_ps_response(0.01, 0.7), cases[i].error);
        for (unsigned k = 0; k < SIZES; k++)
            if (shared.sizes[k] > 0)
                expect("of a size", shared.by_size[k], rw_model_ps_response(shared.sizes[k], 0.7),
                       0.05);
    }
}

/* With exponential sizes nobody's place matters for how many are there, so by Little's law the mean
 * response is that of M/M/c. */
static void test_several_shared_cores(void **state)
{
    (void)state;
    struct rw_simulate_draw service;
    rw_simulate_draw_init(&service, RW_SIMULATE_EXPONENTIAL, 0.01, 1);
    struct shared shared = simulate_shared(4, 320, &service);
    expect("response", shared.mean, 0.01 + rw_model_mmc_wait(320, 100, 4), 0.02);
}

/* E[S^2] / (2 E[S]) is what it should be. */
static double mean_residual(const struct rw_simulate_draw *draw, struct rw_random *random)
{
    enum { COUNT = 200000 };
    double sum = 0;
    for (unsigned i = 0; i < COUNT; i++)
        sum += rw_simulate_draw_residual(draw, random);
    return sum / COUNT;
}

static void test_draws(void **state)
{
    static const enum rw_simulate_kind kinds[] = {RW_SIMULATE_CONSTANT, RW_SIMULATE_UNIFORM,
                                                  RW_SIMULATE_EXPONENTIAL, RW_SIMULATE_LOGNORMAL};
    static double quantiles[RW_SIMULATE_QUANTILES];
    struct rw_random random;
    (void)state;
    rw_random_seed(&random, 3);
    for (size_t k = 0; k < sizeof(kinds) / sizeof(*kinds); k++) {
        struct rw_simulate_draw draw, again;
        struct rw_histogram *seen = rw_histogram_create();
        double sum = 0, squares = 0;
        enum { COUNT = 400000 };
        assert_non_null(seen);
        rw_simulate_draw_init(&draw, kinds[k], 0.02, 0.8);
        for (unsigned i = 0; i < COUNT; i++) {
            double value = rw_simulate_draw(&draw, &random);
            assert_true(value >= 0);
            sum += value;
            squares += value * value;
            rw_histogram_record(seen, (uint64_t)(value * 1e9));
        }
        double mean = sum / COUNT;
        expect("mean", mean, 0.02, 0.01);
        assert_true(fabs(squares / COUNT / mean / mean - 1 - draw.cv2) < 0.03);
        expect("residual", mean_residual(&draw, &random), 0.01 * (1 + draw.cv2), 0.02);
        /* What was measured of it is like it. */
        rw_simulate_draw_measured(&again, seen, 0, quantiles);
        expect("measured mean", again.mean, mean, 0.005);
        assert_true(fabs(again.cv2 - draw.cv2) < 0.05);
        expect("measured residual", mean_residual(&again, &random), 0.01 * (1 + again.cv2), 0.06);
        rw_free(seen);
    }
}

static void test_poisson(void **state)
{
    static const double means[] = {0, 0.3, 12, 59, 61, 5000};
    struct rw_random random;
    (void)state;
    rw_random_seed(&random, 5);
    for (size_t i = 0; i < sizeof(means) / sizeof(*means); i++) {
        enum { COUNT = 100000 };
        double sum = 0, squares = 0;
        for (unsigned k = 0; k < COUNT; k++) {
            double count = (double)rw_simulate_poisson(means[i], &random);
            sum += count;
            squares += count * count;
        }
        double mean = sum / COUNT;
        assert_true(fabs(mean - means[i]) <= 0.01 * means[i]);
        assert_true(fabs(squares / COUNT - mean * mean - means[i]) <= 0.03 * means[i]);
    }
}

static void test_the_queue_is_limited(void **state)
{
    struct rw_simulate_queue queue;
    (void)state;
    assert_int_equal(rw_simulate_queue_open(&queue, 2, false, 3), RW_OK);
    for (unsigned i = 0; i < 5; i++) {
        assert_false(rw_simulate_queue_full(&queue, 1));
        rw_simulate_queue_serve(&queue, 0, 1, 10);
    }
    assert_true(rw_simulate_queue_full(&queue, 1));
    assert_true(rw_simulate_queue_full(&queue, 10.9));
    /* At 11 both are done, and two of those who waited begin. */
    assert_false(rw_simulate_queue_full(&queue, 11));
    assert_true(rw_simulate_queue_wait(&queue, 0, 11) == 10);
    rw_simulate_queue_close(&queue);
}

/* Of each second only a part is simulated; what comes of it is the same queue. */
static double sliced_p99(double load, unsigned detail)
{
    struct rw_simulate_queue queue;
    struct rw_random random;
    struct rw_histogram *latency = rw_histogram_create();
    const double service = 0.001, rate = load / service;
    assert_non_null(latency);
    rw_random_seed(&random, 11);
    assert_int_equal(rw_simulate_queue_open(&queue, 1, false, 0), RW_OK);
    for (unsigned second = 0; second < 1000000 / detail; second++) {
        double begin = second, now = begin;
        for (unsigned i = 0; i < detail; i++) {
            now += rw_simulate_exponential(&random) / rate;
            double end =
                rw_simulate_queue_serve(&queue, 0, now, service * rw_simulate_exponential(&random));
            rw_histogram_record(latency, (uint64_t)((end - now) * 1e9));
        }
        rw_simulate_slice_rest(&queue, begin, now, load, service, 1, 100);
    }
    double p99 = (double)rw_histogram_quantile(latency, 0.99) / 1e9;
    rw_simulate_queue_close(&queue);
    rw_free(latency);
    return p99;
}

static void test_a_slice_stands_for_its_second(void **state)
{
    (void)state;
    expect("half", sliced_p99(0.5, 50), rw_model_mm1_percentile(0.001, 0.5, 0.99), 0.03);
    expect("busy", sliced_p99(0.8, 100), rw_model_mm1_percentile(0.001, 0.8, 0.99), 0.05);
}

static void test_a_backlog_is_carried_over(void **state)
{
    struct rw_simulate_queue queue;
    (void)state;
    assert_int_equal(rw_simulate_queue_open(&queue, 4, false, 0), RW_OK);
    /* Twice what it can do, of which a tenth of each second is simulated: 1 s more each second. */
    for (unsigned begin = 0; begin < 10; begin++) {
        for (unsigned i = 0; i < 100; i++)
            rw_simulate_queue_serve(&queue, 0, begin + i / 1000.0, 0.008);
        rw_simulate_slice_rest(&queue, begin, begin + 0.1, 8, 0.008, 0, 100);
    }
    expect("grows", rw_simulate_queue_wait(&queue, 0, 10), 10, 0.02);
    /* Half of what it can do: it shrinks by half a second each second. */
    for (unsigned begin = 10; begin < 20; begin++)
        rw_simulate_slice_rest(&queue, begin, begin, 2, 0.008, 0, 100);
    expect("shrinks", rw_simulate_queue_wait(&queue, 0, 20), 5, 0.04);
    for (unsigned begin = 20; begin < 50; begin++)
        rw_simulate_slice_rest(&queue, begin, begin, 2, 0.008, 0, 100);
    assert_true(rw_simulate_queue_wait(&queue, 0, 50) < 0.1);
    /* Never beyond what anybody would wait for. */
    for (unsigned begin = 50; begin < 200; begin++)
        rw_simulate_slice_rest(&queue, begin, begin, 40, 0.008, 0, 30);
    assert_true(rw_simulate_queue_wait(&queue, 0, 200) <= 30.001);
    rw_simulate_queue_close(&queue);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mmc),
        cmocka_unit_test(test_mg1),
        cmocka_unit_test(test_shared_cores),
        cmocka_unit_test(test_several_shared_cores),
        cmocka_unit_test(test_draws),
        cmocka_unit_test(test_poisson),
        cmocka_unit_test(test_the_queue_is_limited),
        cmocka_unit_test(test_a_slice_stands_for_its_second),
        cmocka_unit_test(test_a_backlog_is_carried_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
