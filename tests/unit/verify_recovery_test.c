/* When a system is well again, what faults cost, what was covered: read off trials whose seconds
 * are known. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "verify/recovery.h"
#include "verify/report.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { CASES = 2, REPETITIONS = 2 };

struct world {
    struct rw_arena arena;
    struct rw_acceptance file;
    struct rw_record record;
    struct rw_dependency items[2];
    struct rw_case cases[CASES];
    struct rw_verify_sheet sheet;
};

/* Two faults on one upstream, each caused twice. */
static void begin(struct world *world, const char *targets)
{
    struct rw_conf_report mistakes = {0};
    struct rw_text yaml = {0};
    *world = (struct world){0};
    rw_arena_init(&world->arena, NULL, 0, 4096, 1 << 20);
    rw_text_addf(&yaml,
                 "url: http://127.0.0.1:1\nload: { rate: 100 }\nrepetitions: 2\n"
                 "fault_repetitions: 2\nfaults: [{ cause: reset, per_window: 10 }, kill]\n"
                 "targets:\n%s\n",
                 targets);
    assert_int_equal(rw_conf_read_text(rw_text_span(&yaml), "a.yaml", &rw_acceptance_record,
                                       &world->arena, &world->file, &mistakes),
                     RW_OK);
    rw_text_free(&yaml);
    world->file.path = "a.yaml";
    world->items[0] =
        (struct rw_dependency){.kind = RW_DEPENDENCY_UPSTREAM, .name = RW_LITERAL("app")};
    world->items[1] =
        (struct rw_dependency){.kind = RW_DEPENDENCY_CLOCK, .name = RW_LITERAL("clock")};
    assert_int_equal(rw_record_init(&world->record, 1, REPETITIONS), RW_OK);
    world->record.repeated = REPETITIONS;
    world->record.dependencies = (struct rw_dependencies){world->items, 2};
    world->cases[0] = (struct rw_case){0, &world->items[0]};
    world->cases[1] = (struct rw_case){1, &world->items[0]};
    world->record.cases = world->cases;
    world->record.case_count = CASES;
    assert_int_equal(rw_record_take_cases(&world->record, REPETITIONS), RW_OK);
}

static void end(struct world *world)
{
    rw_verify_sheet_free(&world->sheet);
    rw_record_free(&world->record);
    rw_arena_free(&world->arena);
}

/* A tenth of a second for each letter: "." all good, "e" a tenth fails, "x" nothing is answered,
 * "s" slower than the 99th percentile may be. The fault lasts from 1.25 s to 2.5 s. */
static void give_tenths(struct rw_trial *trial, const char *tenths)
{
    trial->row_count = strlen(tenths) / RW_TIMELINE_PARTS;
    trial->rows = rw_alloc_zero((trial->row_count + 1) * sizeof(*trial->rows));
    assert_non_null(trial->rows);
    for (size_t i = 0; i < trial->row_count * RW_TIMELINE_PARTS; i++) {
        struct rw_timeline_part *part = &trial->rows[i / 10].parts[i % 10];
        part->answered = tenths[i] == 'x' ? 0 : 10;
        part->failed = tenths[i] == 'x' ? 10 : tenths[i] == 'e' ? 1 : 0;
        part->slow[2] = tenths[i] == 's' ? 10 : 0;
    }
    trial->begin_s = 1.25;
    trial->end_s = 2.5;
    trial->done = trial->happened = trial->survived = true;
    trial->observed = 7;
}

/* A second for each letter. */
static void give(struct rw_trial *trial, const char *seconds)
{
    char tenths[256];
    size_t count = strlen(seconds);
    for (size_t i = 0; i < count * RW_TIMELINE_PARTS; i++)
        tenths[i] = seconds[i / RW_TIMELINE_PARTS];
    tenths[count * RW_TIMELINE_PARTS] = '\0';
    give_tenths(trial, tenths);
}

static void give_all(struct world *world, const char *reset, const char *kill)
{
    for (unsigned i = 0; i < REPETITIONS; i++) {
        give(rw_record_trial(&world->record, 0, i), reset);
        give(rw_record_trial(&world->record, 1, i), kill);
    }
}

static void judge(struct world *world)
{
    rw_verify_sheet_free(&world->sheet);
    assert_int_equal(rw_verify_sheet_make(&world->file, &world->record, "", &world->sheet), RW_OK);
}

static void test_recovery(void **state)
{
    static const struct {
        const char *seconds;
        double from_begin, from_end, lost;
        bool noticed;
    } cases[] = {
        {"......", 0, 0, 0, false},
        {".x....", 0.75, 0, 0.8, true},      /* gone around while it lasted */
        {".xx...", 1.75, 0.5, 1.8, true},    /* well with the fault's end */
        {".xxxx...", 3.75, 2.5, 3.8, true},  /* two seconds more */
        {".ex.s...", 3.75, 2.5, 1.08, true}, /* one good second is none */
        {".xxxxx", INFINITY, INFINITY, 5, true},
        {".xxxx.", INFINITY, INFINITY, 4, true}, /* one more would have been needed */
        {"x.....", 0, 0, 0, false},              /* before the fault: not its */
    };
    const struct rw_criteria criteria = {
        .error_share = 0.01,
        .most_ns = {1000000000, 1000000000, 500000000, 1000000000, UINT64_MAX},
        .rate = 100};
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct rw_trial trial = {0};
        struct rw_recovery recovery;
        give(&trial, cases[i].seconds);
        rw_recovery_of(&criteria, &trial, &recovery);
        print_message("%s\n", cases[i].seconds);
        assert_true(recovery.from_begin == cases[i].from_begin);
        assert_true(recovery.from_end == cases[i].from_end);
        assert_int_equal(recovery.noticed, cases[i].noticed);
        if (isfinite(recovery.from_end))
            assert_true(fabs(recovery.lost_seconds - cases[i].lost) < 1e-9);
        rw_free(trial.rows);
    }
}

static void test_recovery_is_known_to_a_tenth(void **state)
{
    static const struct {
        const char *tenths;
        double from_begin, from_end, lost;
    } cases[] = {
        {"............xxxxxxxxxxxxxx..............................", 1.35, 0.1, 1.4},
        {"............xx..........................................", 0.15, 0, 0.2},
        {"............xxxxxxxxxxxxxxxxx.........................", 1.65, 0.4, 1.7},
        /* One slow answer in a hundred is what a p99 allows, ten are not. */
        {"............xxxxxxxxxxxxxs.............................", 1.35, 0.1, 1.3},
        /* Well for half a second, and not again. */
        {"............xxxxxxxxxxxxxx.....x..............................", 1.95, 0.7, 1.5},
    };
    const struct rw_criteria criteria = {
        .error_share = 0.01,
        .most_ns = {UINT64_MAX, UINT64_MAX, 500000000, UINT64_MAX, UINT64_MAX},
        .rate = 100};
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct rw_trial trial = {0};
        struct rw_recovery recovery;
        give_tenths(&trial, cases[i].tenths);
        rw_recovery_of(&criteria, &trial, &recovery);
        print_message("%s\n", cases[i].tenths);
        assert_true(fabs(recovery.from_begin - cases[i].from_begin) < 1e-9);
        assert_true(fabs(recovery.from_end - cases[i].from_end) < 1e-9);
        assert_true(fabs(recovery.lost_seconds - cases[i].lost) < 1e-9);
        rw_free(trial.rows);
    }
}

/* A closed loop asks as fast as it is answered: what that was before the fault is its rate. */
static void test_lost_traffic_of_a_closed_loop(void **state)
{
    const struct rw_criteria criteria = {.error_share = 0.01, .most_ns = {UINT64_MAX}};
    struct rw_trial trial = {0};
    struct rw_recovery recovery;
    (void)state;
    give(&trial, "..xx....");
    trial.begin_s = 2;
    trial.end_s = 3;
    rw_recovery_of(&criteria, &trial, &recovery);
    assert_true(fabs(recovery.lost_seconds - 2) < 1e-9);
    rw_free(trial.rows);
}

static void test_criteria_come_from_the_targets(void **state)
{
    struct world world;
    struct rw_criteria criteria;
    (void)state;
    begin(&world, "  - latency: { percentile: 95, at_most: 50ms }\n"
                  "  - latency: { percentile: 99, at_most: 90ms }\n"
                  "  - latency: { percentile: 99.95, at_most: 2s }\n"
                  "  - error_rate: { at_most_percent: 5 }");
    rw_criteria_of(&world.file, 0, &criteria);
    assert_true(criteria.error_share == 0.05 && criteria.rate == 100);
    assert_true(criteria.most_ns[0] == UINT64_MAX && criteria.most_ns[1] == UINT64_MAX);
    assert_true(criteria.most_ns[2] == 50000000 && criteria.most_ns[4] == 2000000000);
    end(&world);
    begin(&world, "  - concurrency: { at_least_connections: 1 }");
    rw_criteria_of(&world.file, 0, &criteria);
    assert_true(criteria.error_share == RW_RECOVERY_ERRORS_USUAL);
    end(&world);
}

static void test_recovery_is_judged_by_its_worst(void **state)
{
    static const struct {
        const char *limit;
        enum rw_verify_result result;
    } cases[] = {
        {"2500ms", RW_VERIFY_MET}, {"2450ms", RW_VERIFY_UNJUDGED}, {"2s", RW_VERIFY_NOT_MET}};
    struct world world;
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        char target[80];
        snprintf(target, sizeof(target), "  - recovery_time: { at_most: %s }", cases[i].limit);
        begin(&world, target);
        give_all(&world, ".xx...", ".xxxx...");
        judge(&world);
        assert_int_equal(world.sheet.verdicts[0].result, cases[i].result);
        assert_true(world.sheet.verdicts[0].measured == 2.5);
        end(&world);
    }
    begin(&world, "  - recovery_time: { at_most: 1h }");
    judge(&world);
    assert_int_equal(world.sheet.verdicts[0].result, RW_VERIFY_UNJUDGED);
    assert_int_equal(world.sheet.verdicts[0].reason, RW_VERIFY_REASON_NO_FAULT);
    give_all(&world, ".xx...", ".xxxxx");
    judge(&world);
    assert_int_equal(world.sheet.verdicts[0].result, RW_VERIFY_NOT_MET);
    end(&world);
}

/* Of an upstream nine classes apply, of the clock one. */
static void test_coverage(void **state)
{
    struct world world;
    (void)state;
    begin(&world,
          "  - recovery_time: { at_most: 1s }\n  - chaos_coverage: { at_least_percent: 10 }");
    give_all(&world, ".xx...", ".xxxx...");
    judge(&world);
    const struct rw_coverage *coverage = &world.sheet.coverage;
    assert_int_equal(coverage->count, 10);
    assert_int_equal(coverage->exercised, 2);
    assert_int_equal(coverage->passed, 1);
    assert_int_equal(coverage->failed, 1);
    assert_int_equal(world.sheet.verdicts[1].result, RW_VERIFY_MET);
    assert_int_equal(coverage->pairs[RW_FAULT_RESET].observed, 14);
    /* Whoever falls over has not passed, however soon it is well again. */
    rw_record_trial(&world.record, 0, 1)->survived = false;
    judge(&world);
    assert_int_equal(world.sheet.coverage.passed, 0);
    assert_int_equal(world.sheet.verdicts[1].result, RW_VERIFY_NOT_MET);
    /* What was not seen to act was not exercised. */
    rw_record_trial(&world.record, 0, 0)->happened = false;
    judge(&world);
    assert_int_equal(world.sheet.coverage.exercised, 1);
    assert_int_equal(world.sheet.coverage.pairs[RW_FAULT_RESET].state, RW_PAIR_IMPOSSIBLE);
    end(&world);
}

/* Ten resets in 30 days, each of which costs 1.8 seconds: 18 s of 2,592,000. */
static void test_availability(void **state)
{
    struct world world;
    (void)state;
    begin(&world, "  - availability: { at_least_percent: 99.9 }");
    give_all(&world, ".xx...", ".xxxx...");
    for (unsigned i = 0; i < REPETITIONS; i++) {
        struct rw_take *take = rw_record_take(&world.record, 0, i);
        take->tally = rw_alloc_zero(sizeof(*take->tally));
        assert_non_null(take->tally);
        take->done = true;
        take->tally->counts.answered = 1000000;
        take->tally->counts.failed = 100;
    }
    judge(&world);
    const struct rw_verdict *verdict = &world.sheet.verdicts[0];
    double measured = 1 - 200 / 2e6 - 18 / 2592000.0;
    assert_int_equal(verdict->result, RW_VERIFY_MET);
    assert_true(fabs(verdict->measured - measured) < 1e-12);
    assert_int_equal(verdict->reason, RW_VERIFY_REASON_BUDGET);
    assert_true(fabs(verdict->number - (1 - measured) / 0.001) < 1e-6);
    for (unsigned i = 0; i < REPETITIONS; i++)
        rw_record_take(&world.record, 0, i)->tally->counts.failed = 2000;
    judge(&world);
    assert_int_equal(world.sheet.verdicts[0].result, RW_VERIFY_NOT_MET);
    end(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_recovery),
        cmocka_unit_test(test_recovery_is_known_to_a_tenth),
        cmocka_unit_test(test_lost_traffic_of_a_closed_loop),
        cmocka_unit_test(test_criteria_come_from_the_targets),
        cmocka_unit_test(test_recovery_is_judged_by_its_worst),
        cmocka_unit_test(test_coverage),
        cmocka_unit_test(test_availability),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
