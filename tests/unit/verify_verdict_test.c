/* Verdicts over runs whose figures are known: each is met, not met or cannot be judged where it
 * should be, and says why. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "verify/report.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

struct world {
    struct rw_arena arena;
    struct rw_conf_report mistakes;
    struct rw_acceptance file;
    struct rw_record record;
    struct rw_verify_sheet sheet;
};

/* A file with this target, and a run of so many repetitions that has not been done yet. */
static void begin(struct world *world, const char *targets, unsigned repetitions)
{
    char yaml[2048];
    *world = (struct world){0};
    rw_arena_init(&world->arena, NULL, 0, 4096, 1 << 20);
    snprintf(yaml, sizeof(yaml),
             "url: http://127.0.0.1:1\nload: { rate: 100 }\nrepetitions: %u\ntargets:\n%s\n",
             repetitions, targets);
    struct rw_text text = {0};
    if (rw_conf_read_text(rw_span_text(yaml), "acceptance.yaml", &rw_acceptance_record,
                          &world->arena, &world->file, &world->mistakes)) {
        rw_conf_report_print(&world->mistakes, &text);
        fail_msg("%s", text.at);
    }
    world->file.path = "acceptance.yaml";
    assert_int_equal(rw_record_init(&world->record, 1, repetitions), RW_OK);
}

static void end(struct world *world)
{
    rw_verify_sheet_free(&world->sheet);
    rw_record_free(&world->record);
    rw_arena_free(&world->arena);
}

/* A repetition of 10 s in which all went well. */
static struct rw_take *take(struct world *world, unsigned repetition)
{
    struct rw_take *take = rw_record_take(&world->record, 0, repetition);
    take->tally = rw_alloc_zero(sizeof(*take->tally));
    take->rows = rw_alloc_zero(10 * sizeof(*take->rows));
    assert_true(take->tally && take->rows);
    rw_load_tally_begin(take->tally);
    take->done = true;
    take->seconds = 10;
    take->row_count = 10;
    world->record.repeated = repetition + 1;
    return take;
}

static void answer(struct rw_take *take, unsigned count, double ms)
{
    rw_histogram_record_many(&take->tally->latency, (uint64_t)(ms * 1e6), count);
    take->tally->counts.due += count;
    take->tally->counts.answered += count;
    for (unsigned i = 0; i < count; i++)
        take->rows[i % 10].answered++;
}

/* Of those that were answered. */
static void spoil(struct rw_take *take, unsigned count)
{
    take->tally->counts.failed += count;
    for (unsigned i = 0; i < count; i++)
        take->rows[i % 10].failed++;
}

static void refuse(struct rw_take *take, unsigned count)
{
    take->tally->counts.due += count;
    take->tally->counts.failed += count;
    take->tally->counts.errors[RW_LOAD_ERROR_RESET] += count;
    take->rows[0].failed += count;
    take->rows[0].unanswered += count;
}

static const struct rw_verdict *judge(struct world *world)
{
    rw_verify_sheet_free(&world->sheet);
    assert_int_equal(rw_verify_sheet_make(&world->file, &world->record, "", &world->sheet), RW_OK);
    return &world->sheet.verdicts[0];
}

static void assert_verdict(struct world *world, enum rw_verify_result result,
                           enum rw_verify_reason reason)
{
    const struct rw_verdict *verdict = judge(world);
    assert_int_equal(verdict->result, result);
    assert_int_equal(verdict->reason, reason);
    assert_int_equal(rw_verify_holds(&world->sheet), result == RW_VERIFY_MET);
}

/* 1,000 requests, of which 20 are slow: the 99th percentile lies among these, the interval is the
 * 983rd to the 997th value. */
static void test_latency(void **state)
{
    struct world world;
    (void)state;
    begin(&world, "  - latency: { percentile: 99, at_most: 50ms }", 1);
    struct rw_take *one = take(&world, 0);
    answer(one, 980, 10);
    answer(one, 20, 40);
    const struct rw_verdict *verdict = judge(&world);
    assert_int_equal(verdict->result, RW_VERIFY_MET);
    assert_true(fabs(verdict->measured - 0.040) < 0.0001);
    assert_true(fabs(verdict->interval.low - 0.040) < 0.0001);
    assert_int_equal(verdict->method, RW_VERIFY_METHOD_RANKS);
    end(&world);
    begin(&world, "  - latency: { percentile: 99, at_most: 30ms }", 1);
    one = take(&world, 0);
    answer(one, 980, 10);
    answer(one, 20, 40);
    assert_verdict(&world, RW_VERIFY_NOT_MET, RW_VERIFY_REASON_NONE);
    end(&world);
}

/* The limit lies between the 983rd and the 997th value: who is to say? */
static void test_latency_is_unsure(void **state)
{
    struct world world;
    (void)state;
    begin(&world, "  - latency: { percentile: 99, at_most: 30ms }", 1);
    struct rw_take *one = take(&world, 0);
    answer(one, 990, 10);
    answer(one, 10, 40);
    assert_verdict(&world, RW_VERIFY_UNJUDGED, RW_VERIFY_REASON_UNSURE);
    end(&world);
    begin(&world, "  - latency: { percentile: 99, at_most: 30ms }", 1);
    answer(take(&world, 0), 367, 10);
    assert_verdict(&world, RW_VERIFY_UNJUDGED, RW_VERIFY_REASON_FEW_REQUESTS);
    assert_true(world.sheet.verdicts[0].number == 368);
    end(&world);
    /* Too few for a bound above; but the bound below is too much. */
    begin(&world, "  - latency: { percentile: 99, at_most: 5ms }", 1);
    answer(take(&world, 0), 367, 10);
    assert_verdict(&world, RW_VERIFY_NOT_MET, RW_VERIFY_REASON_NONE);
    end(&world);
}

/* Were they left out, a system would get faster by failing. */
static void test_unanswered_requests_take_forever(void **state)
{
    struct world world;
    (void)state;
    begin(&world, "  - latency: { percentile: 99, at_most: 30ms }", 1);
    struct rw_take *one = take(&world, 0);
    answer(one, 960, 10);
    refuse(one, 40);
    assert_verdict(&world, RW_VERIFY_NOT_MET, RW_VERIFY_REASON_NONE);
    assert_true(isinf(world.sheet.verdicts[0].measured));
    end(&world);
}

/* Runs that differ are less sure than their requests make believe. */
static void test_repetitions_that_differ(void **state)
{
    struct world world;
    (void)state;
    begin(&world, "  - latency: { percentile: 50, at_most: 30ms }", 3);
    for (unsigned i = 0; i < 3; i++)
        answer(take(&world, i), 1000, 10 * (i + 1));
    assert_verdict(&world, RW_VERIFY_UNJUDGED, RW_VERIFY_REASON_UNSURE);
    const struct rw_verdict *verdict = &world.sheet.verdicts[0];
    assert_int_equal(verdict->method, RW_VERIFY_METHOD_RANKS_AND_STUDENT);
    assert_true(fabs(verdict->interval.high - (0.020 + 4.30265 * 0.010 / sqrt(3))) < 0.0001);
    assert_true(verdict->interval.low == 0);
    end(&world);
}

static void test_the_generators_own_lateness(void **state)
{
    struct world world;
    (void)state;
    begin(&world, "  - latency: { percentile: 50, at_most: 30ms }", 1);
    struct rw_take *one = take(&world, 0);
    answer(one, 1000, 40);
    one->late = true;
    assert_verdict(&world, RW_VERIFY_UNJUDGED, RW_VERIFY_REASON_GENERATOR);
    end(&world);
    begin(&world, "  - latency: { percentile: 50, at_most: 50ms }", 1);
    one = take(&world, 0);
    answer(one, 1000, 40);
    one->late = true; /* and good enough all the same */
    assert_verdict(&world, RW_VERIFY_MET, RW_VERIFY_REASON_NONE);
    end(&world);
}

static void test_errors(void **state)
{
    static const struct {
        unsigned good, bad;
        enum rw_verify_result result;
        enum rw_verify_reason reason;
    } cases[] = {
        {100000, 20, RW_VERIFY_MET, RW_VERIFY_REASON_NONE},
        {10000, 100, RW_VERIFY_NOT_MET, RW_VERIFY_REASON_NONE},
        {10000, 9, RW_VERIFY_UNJUDGED, RW_VERIFY_REASON_UNSURE},
        {3687, 0, RW_VERIFY_UNJUDGED, RW_VERIFY_REASON_FEW_REQUESTS},
        {3688, 0, RW_VERIFY_MET, RW_VERIFY_REASON_NONE},
        {0, 0, RW_VERIFY_UNJUDGED, RW_VERIFY_REASON_NOTHING_ANSWERED},
    };
    struct world world;
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        begin(&world, "  - error_rate: { at_most_percent: 0.1 }", 1);
        struct rw_take *one = take(&world, 0);
        answer(one, cases[i].good, 1);
        refuse(one, cases[i].bad);
        assert_verdict(&world, cases[i].result, cases[i].reason);
        end(&world);
    }
    begin(&world, "  - error_rate: { at_most_percent: 0 }", 1);
    struct rw_take *one = take(&world, 0);
    answer(one, 10, 1);
    assert_verdict(&world, RW_VERIFY_MET, RW_VERIFY_REASON_NONE);
    refuse(one, 1);
    assert_verdict(&world, RW_VERIFY_NOT_MET, RW_VERIFY_REASON_NONE);
    end(&world);
}

static void test_throughput(void **state)
{
    struct world world;
    (void)state;
    begin(&world, "  - throughput: { at_least_per_second: 95 }", 3);
    for (unsigned i = 0; i < 3; i++)
        answer(take(&world, i), 999 + i, 1);
    assert_verdict(&world, RW_VERIFY_MET, RW_VERIFY_REASON_NONE);
    for (unsigned i = 0; i < 3; i++)
        spoil(rw_record_take(&world.record, 0, i), 100);
    assert_verdict(&world, RW_VERIFY_NOT_MET, RW_VERIFY_REASON_NONE);
    end(&world);
    /* What is answered once nothing is due any more has come too late. */
    begin(&world, "  - throughput: { at_least_per_second: 95 }", 2);
    for (unsigned i = 0; i < 2; i++) {
        answer(take(&world, i), 500 + i, 1);
        rw_record_take(&world.record, 0, i)->tally->counts.due += 500;
        rw_record_take(&world.record, 0, i)->tally->counts.answered += 500;
    }
    assert_verdict(&world, RW_VERIFY_NOT_MET, RW_VERIFY_REASON_NONE);
    assert_true(fabs(world.sheet.verdicts[0].measured - 50.05) < 1e-9);
    end(&world);
    /* A load that asks for less proves nothing. */
    begin(&world, "  - throughput: { at_least_per_second: 200 }", 2);
    answer(take(&world, 0), 1000, 1);
    answer(take(&world, 1), 1000, 1);
    assert_verdict(&world, RW_VERIFY_UNJUDGED, RW_VERIFY_REASON_OFFERED_LESS);
    assert_true(world.sheet.verdicts[0].number == 100);
    end(&world);
    /* A single repetition: its seconds tell. */
    begin(&world, "  - throughput: { at_least_per_second: 95 }", 1);
    struct rw_take *one = take(&world, 0);
    answer(one, 1000, 1);
    for (unsigned i = 0; i < 9; i++)
        one->rows[i].answered = 99 + i % 3;
    assert_verdict(&world, RW_VERIFY_MET, RW_VERIFY_REASON_NONE);
    assert_int_equal(world.sheet.verdicts[0].method, RW_VERIFY_METHOD_BATCHES);
    /* However little they tell, nothing is served less than not at all. */
    for (unsigned i = 0; i < 10; i++)
        one->rows[i].answered = i == 0 ? 950 : 0;
    assert_verdict(&world, RW_VERIFY_UNJUDGED, RW_VERIFY_REASON_UNSURE);
    assert_true(world.sheet.verdicts[0].interval.low == 0);
    end(&world);
}

/* 1,000 answers in 10 s: a tenth late, a tenth refused at once. */
static void test_goodput(void **state)
{
    struct world world;
    (void)state;
    begin(&world, "  - goodput: { at_least_per_second: 79, within: 500ms }", 2);
    for (unsigned i = 0; i < 2; i++) {
        struct rw_take *one = take(&world, i);
        answer(one, 900, 100);
        answer(one, 100, 900);
        spoil(one, 100);
    }
    assert_verdict(&world, RW_VERIFY_MET, RW_VERIFY_REASON_NONE);
    assert_true(fabs(world.sheet.verdicts[0].measured - 80) < 1e-9);
    refuse(rw_record_take(&world.record, 0, 0), 50); /* not answered: no part of it */
    assert_verdict(&world, RW_VERIFY_MET, RW_VERIFY_REASON_NONE);
    spoil(rw_record_take(&world.record, 0, 0), 100);
    spoil(rw_record_take(&world.record, 0, 1), 100);
    assert_verdict(&world, RW_VERIFY_NOT_MET, RW_VERIFY_REASON_NONE);
    end(&world);
}

static void test_concurrency(void **state)
{
    struct world world;
    (void)state;
    begin(&world, "  - concurrency: { at_least_connections: 100 }", 2);
    take(&world, 0)->connections_least = 120;
    take(&world, 1)->connections_least = 100;
    assert_verdict(&world, RW_VERIFY_MET, RW_VERIFY_REASON_NONE);
    world.record.takes[1].connections_least = 99;
    assert_verdict(&world, RW_VERIFY_NOT_MET, RW_VERIFY_REASON_NONE);
    end(&world);
}

/* 0.36 s for 1,000 requests are 0.1 h for a million. */
static void test_cost(void **state)
{
    static const struct {
        const char *most;
        enum rw_verify_result result;
    } cases[] = {{"0.6", RW_VERIFY_MET}, {"0.5", RW_VERIFY_UNJUDGED}, {"0.4", RW_VERIFY_NOT_MET}};
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct world world;
        char target[80];
        snprintf(target, sizeof(target), "  - cost_per_million: { at_most: %s, core_hour: 5 }",
                 cases[i].most);
        begin(&world, target, 3);
        for (unsigned k = 0; k < 3; k++) {
            struct rw_take *one = take(&world, k);
            answer(one, 1100, 1);
            spoil(one, 100); /* nobody pays for those */
            one->cpu_seconds = 0.35 + 0.01 * k;
        }
        assert_verdict(&world, cases[i].result,
                       cases[i].result == RW_VERIFY_UNJUDGED ? RW_VERIFY_REASON_UNSURE
                                                             : RW_VERIFY_REASON_NONE);
        assert_true(fabs(world.sheet.verdicts[0].measured - 0.5) < 1e-9);
        end(&world);
    }
    /* Whose processor time is not known. */
    struct world world;
    begin(&world, "  - cost_per_million: { at_most: 1, core_hour: 5 }", 2);
    for (unsigned k = 0; k < 2; k++) {
        answer(take(&world, k), 1000, 1);
        rw_record_take(&world.record, 0, k)->cpu_seconds = NAN;
    }
    assert_verdict(&world, RW_VERIFY_UNJUDGED, RW_VERIFY_REASON_NOT_OURS);
    end(&world);
}

/* A million writes: none may be missing, or one. */
static void test_data_loss(void **state)
{
    struct world world;
    (void)state;
    begin(&world, "  - data_loss: { at_most: 1 }", 1);
    take(&world, 0);
    assert_verdict(&world, RW_VERIFY_UNJUDGED, RW_VERIFY_REASON_NO_FAULT);
    world.record.ledger = (struct rw_ledger_sum){.kept = true, .sent = 1000000};
    assert_verdict(&world, RW_VERIFY_UNJUDGED, RW_VERIFY_REASON_NOTHING_ANSWERED);
    world.record.ledger.acknowledged = 999000; /* what nobody acknowledged is no loss */
    assert_verdict(&world, RW_VERIFY_MET, RW_VERIFY_REASON_WRITES);
    world.record.ledger.lost = 1;
    assert_verdict(&world, RW_VERIFY_MET, RW_VERIFY_REASON_WRITES);
    world.record.ledger.lost = 2;
    assert_verdict(&world, RW_VERIFY_NOT_MET, RW_VERIFY_REASON_WRITES);
    /* What could not be read may be lost, too: it can neither save a verdict nor spoil one. */
    world.record.ledger.unread = 5;
    assert_verdict(&world, RW_VERIFY_NOT_MET, RW_VERIFY_REASON_WRITES);
    world.record.ledger.lost = 1;
    assert_verdict(&world, RW_VERIFY_UNJUDGED, RW_VERIFY_REASON_UNREAD);
    assert_true(world.sheet.verdicts[0].number == 5);
    world.record.ledger = (struct rw_ledger_sum){
        .kept = true, .sent = 9, .acknowledged = 9, .blind = RW_LEDGER_FINDS_ALL};
    assert_verdict(&world, RW_VERIFY_UNJUDGED, RW_VERIFY_REASON_READS_FIND_ALL);
    world.record.ledger.blind = RW_LEDGER_FINDS_NONE;
    assert_verdict(&world, RW_VERIFY_UNJUDGED, RW_VERIFY_REASON_READS_FIND_NONE);
    end(&world);
}

static void test_loads_that_did_not_run(void **state)
{
    struct world world;
    (void)state;
    begin(&world, "  - concurrency: { at_least_connections: 100 }", 2);
    assert_verdict(&world, RW_VERIFY_UNJUDGED, RW_VERIFY_REASON_NOT_RUN);
    world.record.takes[0].refused = true;
    assert_verdict(&world, RW_VERIFY_NOT_MET, RW_VERIFY_REASON_REFUSED);
    end(&world);
}

/* What would be left, if the run was cut off or the system ended by itself. */
static void test_a_run_that_was_not_whole_never_holds(void **state)
{
    struct world world;
    (void)state;
    begin(&world, "  - concurrency: { at_least_connections: 100 }", 1);
    take(&world, 0)->connections_least = 100;
    judge(&world);
    assert_true(rw_verify_holds(&world.sheet));
    world.record.interrupted = true;
    assert_false(rw_verify_holds(&world.sheet));
    world.record.interrupted = false;
    world.sheet.failed = "the gateway has ended\n";
    assert_false(rw_verify_holds(&world.sheet));
    end(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_latency),
        cmocka_unit_test(test_latency_is_unsure),
        cmocka_unit_test(test_unanswered_requests_take_forever),
        cmocka_unit_test(test_repetitions_that_differ),
        cmocka_unit_test(test_the_generators_own_lateness),
        cmocka_unit_test(test_errors),
        cmocka_unit_test(test_throughput),
        cmocka_unit_test(test_goodput),
        cmocka_unit_test(test_concurrency),
        cmocka_unit_test(test_cost),
        cmocka_unit_test(test_data_loss),
        cmocka_unit_test(test_loads_that_did_not_run),
        cmocka_unit_test(test_a_run_that_was_not_whole_never_holds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
