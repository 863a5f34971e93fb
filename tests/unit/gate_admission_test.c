/* Admission before an origin that can do so much and no more, in virtual time: what it gets, what
 * those wait who are admitted, who goes first, and that nothing is lost. */
#include "base/alloc.h"
#include "gate/cluster/overload/admission.h"
#include "io/sim.h"
#include "watch/metrics.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

enum { REQUESTS_MAX = 400000, SERVICE_MS = 10, SLOTS = 10 }; /* as a rule: 1,000 a second */

/* A request, from its arrival to its end. */
struct request {
    struct rw_admission admission;
    uint64_t arrived_ms, sent_ms, done_ms; /* done 0: refused, or not yet */
    struct request *next;                  /* at the origin, waiting for a slot */
    unsigned tenant;
    enum rw_config_class class;
    bool refused;
};

/* A stream of requests. */
struct source {
    unsigned per_ms_times_100; /* hundredths of a request a millisecond */
    unsigned tenant;
    enum rw_config_class class;
    unsigned owed;
};

static struct {
    struct rw_sim *sim;
    struct rw_metrics *metrics;
    struct rw_worker worker;
    struct rw_cluster cluster;
    struct request *requests;
    unsigned count;
    struct request *first, *last; /* who waits at the origin */
    unsigned busy, slots, service_ms;
    bool closed; /* whoever is answered asks again at once */
    struct source sources[3];
    unsigned source_count;
    uint64_t until_ms, start_ms;
    unsigned at_origin, at_origin_max;
} world;

static void open_world(const struct rw_cluster_overload *overload)
{
    const struct rw_sim_faults faults = {0};
    memset(&world, 0, sizeof(world));
    assert_int_equal(rw_sim_create(1, &faults, &world.sim), RW_OK);
    assert_int_equal(rw_metrics_create(1, 4, &world.metrics), RW_OK);
    const struct rw_worker_options options = {
        .loop = {.backend = RW_LOOP_SIM, .sim = world.sim},
        .metrics = rw_metrics_shard(world.metrics, 0),
    };
    assert_int_equal(rw_worker_create(&options, &world.worker), RW_OK);
    world.slots = SLOTS;
    world.service_ms = SERVICE_MS;
    world.start_ms = rw_sim_now_ms(world.sim);
    world.cluster.overload = *overload;
    assert_int_equal(rw_limiter_create(&overload->limits, &world.cluster.limiter), RW_OK);
    world.requests = calloc(REQUESTS_MAX, sizeof(*world.requests));
    assert_non_null(world.requests);
}

static void close_world(void)
{
    assert_int_equal(atomic_load(&world.cluster.limiter->in_flight), 0);
    assert_false(rw_waiters_any(&world.cluster.limiter->waiting));
    assert_int_equal(world.at_origin, 0);
    for (unsigned i = 0; i < world.count; i++) /* each has one end */
        assert_true(!!world.requests[i].done_ms != world.requests[i].refused);
    rw_limiter_drop(world.cluster.limiter);
    rw_worker_destroy(&world.worker);
    rw_metrics_destroy(world.metrics);
    rw_sim_destroy(world.sim);
    free(world.requests);
}

static uint64_t now(void)
{
    return rw_sim_now_ms(world.sim);
}

static void work(struct request *request);
static void arrive(const struct source *source);

static void done(void *user)
{
    struct request *request = user;
    request->done_ms = now();
    world.busy--;
    world.at_origin--;
    uint64_t us = (now() - request->sent_ms) * 1000;
    rw_admission_answered(&request->admission, us, request->sent_ms, now());
    rw_admission_leave(&world.worker, &request->admission);
    rw_admission_leave(&world.worker, &request->admission);
    struct request *next = world.first;
    if (next) {
        world.first = next->next;
        work(next);
    }
    if (world.closed && now() < world.until_ms)
        arrive(&(struct source){.tenant = request->tenant, .class = request->class});
}

static void work(struct request *request)
{
    world.busy++;
    assert_int_equal(rw_sim_at(world.sim, now() + world.service_ms, done, request), RW_OK);
}

static void hand_over(struct request *request)
{
    request->sent_ms = now();
    request->next = NULL;
    if (++world.at_origin > world.at_origin_max)
        world.at_origin_max = world.at_origin;
    if (world.busy < world.slots) {
        work(request);
        return;
    }
    if (world.first)
        world.last->next = request;
    else
        world.first = request;
    world.last = request;
}

static void on_admitted(struct rw_admission *admission)
{
    hand_over(rw_container_of(admission, struct request, admission));
}

static void on_refused(struct rw_admission *admission)
{
    rw_container_of(admission, struct request, admission)->refused = true;
}

static void arrive(const struct source *source)
{
    assert_true(world.count < REQUESTS_MAX);
    struct request *request = &world.requests[world.count++];
    request->arrived_ms = now();
    request->tenant = source->tenant;
    request->class = source->class;
    request->admission.on_admitted = on_admitted;
    request->admission.on_refused = on_refused;
    switch (rw_admission_enter(&world.worker, &world.cluster, &request->admission, source->class,
                               source->tenant)) {
    case RW_ADMITTED:
        hand_over(request);
        break;
    case RW_ADMISSION_REFUSED:
        request->refused = true;
        break;
    case RW_ADMISSION_WAITS:
        break;
    }
}

/* In the worker's loop, where requests come from. */
static void on_tick(struct rw_timer *timer)
{
    for (unsigned i = 0; i < world.source_count; i++) {
        struct source *source = &world.sources[i];
        for (source->owed += source->per_ms_times_100; source->owed >= 100; source->owed -= 100)
            arrive(source);
    }
    if (now() < world.until_ms)
        rw_timer_start(world.worker.loop, timer, now() + 1);
}

static void run(uint32_t ms)
{
    struct rw_timer timer = {.fire = on_tick};
    world.until_ms = now() + ms;
    rw_timer_start(world.worker.loop, &timer, now() + 1);
    assert_true(rw_sim_run(world.sim, ms + 120000, 100000000));
}

static int by_value(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;
    return left < right ? -1 : left > right;
}

struct outcome {
    unsigned asked, answered;
    uint64_t p99_ms;
};

/* Of those of a tenant that came from `from_ms` on. */
static struct outcome outcome_of(unsigned tenant, uint64_t from_ms)
{
    struct outcome outcome = {0};
    uint64_t *waits = calloc(world.count + 1, sizeof(*waits));
    assert_non_null(waits);
    for (unsigned i = 0; i < world.count; i++) {
        const struct request *request = &world.requests[i];
        if (request->tenant != tenant || request->arrived_ms < world.start_ms + from_ms)
            continue;
        outcome.asked++;
        if (request->done_ms)
            waits[outcome.answered++] = request->done_ms - request->arrived_ms;
    }
    qsort(waits, outcome.answered, sizeof(*waits), by_value);
    if (outcome.answered)
        outcome.p99_ms = waits[outcome.answered * 99 / 100];
    free(waits);
    return outcome;
}

static const struct rw_cluster_overload usual = {
    .limits = {.first = 20, .least = 1, .most = 10000},
    .queue_max = 1000,
    .queue_ms_max = 100,
    .target_ms = 10,
};

/* ---- */

static void below_the_limit_nobody_waits(void **unused)
{
    (void)unused;
    open_world(&usual);
    world.sources[0] = (struct source){.per_ms_times_100 = 80};
    world.source_count = 1;
    run(20000);
    struct outcome outcome = outcome_of(0, 0);
    assert_int_equal(outcome.answered, outcome.asked);
    assert_in_range(outcome.p99_ms, SERVICE_MS, SERVICE_MS + 2);
    close_world();
}

/* Ten times what it can do: it does as much as it can, and those admitted hardly notice. */
static void ten_times_too_much(void **unused)
{
    (void)unused;
    open_world(&usual);
    world.sources[0] = (struct source){.per_ms_times_100 = 1000};
    world.source_count = 1;
    run(30000);
    struct outcome outcome = outcome_of(0, 2000);
    assert_in_range(outcome.answered, 28000 * 90 / 100, 28100);
    assert_in_range(outcome.p99_ms, SERVICE_MS, 3 * SERVICE_MS);
    assert_in_range(atomic_load(&world.cluster.limiter->limit), SLOTS, 3 * SLOTS);
    close_world();
}

/* The same before one that takes longer for an answer than anybody waits. */
static void ten_times_too_much_for_a_slow_one(void **unused)
{
    (void)unused;
    open_world(&usual);
    world.slots = 4;
    world.service_ms = 50; /* 80 a second */
    world.sources[0] = (struct source){.per_ms_times_100 = 80};
    world.source_count = 1;
    run(60000);
    struct outcome outcome = outcome_of(0, 20000);
    assert_in_range(outcome.answered, 40 * 80 * 90 / 100, 40 * 80);
    assert_in_range(outcome.p99_ms, 50, 3 * 50);
    close_world();
}

/* More clients than the limit, each of which asks again when it is answered: somebody always waits,
 * for seven milliseconds, and nobody is refused. */
static void that_some_always_wait_is_no_overload(void **unused)
{
    (void)unused;
    struct rw_cluster_overload overload = usual;
    overload.limits = (struct rw_gradient_settings){.first = 8, .least = 8, .most = 8};
    open_world(&overload);
    world.slots = 8;
    world.service_ms = 1;
    world.closed = true;
    world.until_ms = now() + 5000;
    for (unsigned i = 0; i < 64; i++)
        arrive(&(struct source){.tenant = i % 2});
    run(5000);
    for (unsigned tenant = 0; tenant < 2; tenant++) {
        struct outcome outcome = outcome_of(tenant, 0);
        assert_int_equal(outcome.answered, outcome.asked);
        assert_in_range(outcome.answered, 19000, 20100);
        assert_in_range(outcome.p99_ms, 1, 10);
    }
    close_world();
}

/* A flood that has ended leaves no trouble behind: those who stay are served in their order. */
static void after_a_flood_all_is_in_order(void **unused)
{
    (void)unused;
    open_world(&usual);
    world.sources[0] = (struct source){.per_ms_times_100 = 1000};
    world.source_count = 1;
    run(5000);
    world.sources[0].per_ms_times_100 = 95;
    run(10000);
    struct outcome outcome = outcome_of(0, 6000);
    assert_int_equal(outcome.answered, outcome.asked);
    assert_in_range(outcome.p99_ms, SERVICE_MS, 3 * SERVICE_MS);
    close_world();
}

/* From much less than it can do: the limit grows with what is asked. */
static void the_limit_grows(void **unused)
{
    (void)unused;
    struct rw_cluster_overload overload = usual;
    overload.limits = (struct rw_gradient_settings){.first = 2, .least = 2, .most = 1000};
    open_world(&overload);
    world.sources[0] = (struct source){.per_ms_times_100 = 90};
    world.source_count = 1;
    run(10000);
    struct outcome outcome = outcome_of(0, 3000);
    assert_true(outcome.answered * 100 >= outcome.asked * 95);
    close_world();
}

static void a_fixed_limit_is_kept(void **unused)
{
    (void)unused;
    struct rw_cluster_overload overload = usual;
    overload.limits = (struct rw_gradient_settings){.first = 5, .least = 5, .most = 5};
    open_world(&overload);
    world.sources[0] = (struct source){.per_ms_times_100 = 300};
    world.source_count = 1;
    run(5000);
    assert_int_equal(world.at_origin_max, 5);
    close_world();
}

/* Two come at once, of which one has to wait for the other's answer. */
static bool is_anybody_refused(uint32_t trial_ms, uint32_t settled, uint32_t service_ms)
{
    struct rw_cluster_overload one = usual;
    one.limits = (struct rw_gradient_settings){.first = 1, .least = 1, .most = 1};
    open_world(&one);
    world.service_ms = service_ms;
    atomic_store(&world.cluster.limiter->trial_ms, trial_ms);
    atomic_store(&world.cluster.limiter->settled, settled);
    arrive(&(struct source){.tenant = 1});
    arrive(&(struct source){.tenant = 1});
    assert_true(rw_sim_run(world.sim, 60000, 1000000));
    bool refused = world.requests[0].refused || world.requests[1].refused;
    close_world();
    return refused;
}

static void a_limit_on_trial_refuses_later(void **unused)
{
    (void)unused;
    assert_false(is_anybody_refused(0, 2, 90));
    assert_true(is_anybody_refused(0, 2, 150));
    assert_false(is_anybody_refused(200, 2, 150));
    assert_true(is_anybody_refused(200, 1, 150)); /* there are twice as many as before */
    assert_true(is_anybody_refused(200, 2, 250));
    assert_false(is_anybody_refused(60000, 2, 900));
    assert_true(is_anybody_refused(60000, 2, 1100)); /* ten times what they may wait */
}

/* A tenant with a fifth of what the origin can do, as it fares alone and next to another one that
 * asks for ten times all of it. */
static void a_tenant_in_flood_hurts_itself(void **unused)
{
    (void)unused;
    static const struct source modest = {.per_ms_times_100 = 20, .tenant = 2};
    open_world(&usual);
    world.sources[0] = modest;
    world.source_count = 1;
    run(10000);
    struct outcome alone = outcome_of(2, 2000);
    close_world();
    open_world(&usual);
    world.sources[0] = modest;
    world.sources[1] = (struct source){.per_ms_times_100 = 1000, .tenant = 1};
    world.source_count = 2;
    run(30000);
    struct outcome beside = outcome_of(2, 2000), flood = outcome_of(1, 2000);
    assert_int_equal(beside.answered, beside.asked);
    assert_in_range(beside.p99_ms, alone.p99_ms, 3 * alone.p99_ms);
    assert_in_range(flood.answered, 28000 * 70 / 100, 28000 * 81 / 100); /* what is left */
    close_world();
}

static void the_higher_class_goes_first(void **unused)
{
    (void)unused;
    open_world(&usual);
    world.sources[0] = (struct source){.per_ms_times_100 = 500, .class = RW_CLASS_BULK};
    world.sources[1] =
        (struct source){.per_ms_times_100 = 500, .tenant = 1, .class = RW_CLASS_NORMAL};
    world.sources[2] =
        (struct source){.per_ms_times_100 = 50, .tenant = 2, .class = RW_CLASS_CRITICAL};
    world.source_count = 3;
    run(20000);
    struct outcome bulk = outcome_of(0, 2000), critical = outcome_of(2, 2000);
    assert_true(critical.answered * 100 >= critical.asked * 98);
    assert_true(bulk.answered * 100 <= bulk.asked * 2);
    close_world();
}

/* A short burst waits, and is not refused. */
static void a_burst_waits(void **unused)
{
    (void)unused;
    open_world(&usual);
    for (int i = 0; i < 5; i++) {
        world.sources[0] = (struct source){.per_ms_times_100 = 6000};
        world.source_count = 1;
        run(1);
        world.source_count = 0;
        run(1000);
    }
    struct outcome outcome = outcome_of(0, 0);
    assert_int_equal(outcome.answered, outcome.asked);
    close_world();
}

static void who_waits_may_leave(void **unused)
{
    (void)unused;
    struct rw_cluster_overload overload = usual;
    overload.limits = (struct rw_gradient_settings){.first = 1, .least = 1, .most = 1};
    open_world(&overload);
    static const struct source source = {.tenant = 1};
    for (int i = 0; i < 4; i++)
        arrive(&source);
    assert_int_equal(world.at_origin, 1);
    rw_admission_leave(&world.worker, &world.requests[1].admission);
    world.requests[1].refused = true;
    run(0);
    assert_true(world.requests[2].done_ms && world.requests[3].done_ms);
    close_world();
}

/* They share a bit where masks have 64: the one that waits no more must not hide the other. */
static void workers_that_are_64_apart(void **unused)
{
    (void)unused;
    struct rw_cluster_overload overload = usual;
    overload.limits = (struct rw_gradient_settings){.first = 1, .least = 1, .most = 1};
    overload.queue_ms_max = overload.target_ms = 60000;
    static const struct source source = {.tenant = 1};
    open_world(&overload);
    struct rw_worker far;
    struct rw_worker *const peers[] = {&world.worker, &far};
    const struct rw_worker_options options = {
        .loop = {.backend = RW_LOOP_SIM, .sim = world.sim},
        .index = 64,
        .metrics = rw_metrics_shard(world.metrics, 0),
    };
    assert_int_equal(rw_worker_create(&options, &far), RW_OK);
    world.worker.peers = far.peers = peers;
    world.worker.peer_count = far.peer_count = 2;
    arrive(&source);
    arrive(&source);
    struct request *waits = &world.requests[world.count++];
    waits->arrived_ms = now();
    waits->admission.on_admitted = on_admitted;
    waits->admission.on_refused = on_refused;
    assert_int_equal(
        rw_admission_enter(&far, &world.cluster, &waits->admission, RW_CLASS_NORMAL, 1),
        RW_ADMISSION_WAITS);
    rw_admission_leave(&world.worker, &world.requests[1].admission);
    world.requests[1].refused = true;
    run(0);
    assert_true(waits->done_ms);
    rw_worker_destroy(&far);
    close_world();
}

static void without_memory_for_a_queue_nobody_waits(void **unused)
{
    (void)unused;
    struct rw_cluster_overload overload = usual;
    overload.limits = (struct rw_gradient_settings){.first = 1, .least = 1, .most = 1};
    static const struct source source = {.tenant = 1};
    for (unsigned n = 0; n < 2; n++) {
        open_world(&overload);
        arrive(&source);
        rw_alloc_fail_after(n);
        arrive(&source);
        rw_alloc_fail_never();
        assert_true(world.requests[1].refused);
        run(0);
        close_world();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(below_the_limit_nobody_waits),
        cmocka_unit_test(ten_times_too_much),
        cmocka_unit_test(the_limit_grows),
        cmocka_unit_test(a_fixed_limit_is_kept),
        cmocka_unit_test(ten_times_too_much_for_a_slow_one),
        cmocka_unit_test(that_some_always_wait_is_no_overload),
        cmocka_unit_test(after_a_flood_all_is_in_order),
        cmocka_unit_test(a_limit_on_trial_refuses_later),
        cmocka_unit_test(a_tenant_in_flood_hurts_itself),
        cmocka_unit_test(the_higher_class_goes_first),
        cmocka_unit_test(a_burst_waits),
        cmocka_unit_test(who_waits_may_leave),
        cmocka_unit_test(workers_that_are_64_apart),
        cmocka_unit_test(without_memory_for_a_queue_nobody_waits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
