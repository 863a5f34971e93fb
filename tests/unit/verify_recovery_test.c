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

/* A second for each letter: "." all good, "e" a tenth fails, "x" nothing is answered, "s" slow. The
 * fault lasts from 1.25 s to 2.5 s. */
static void give(struct rw_trial *trial, const char *seconds)
{
    trial->row_count = strlen(seconds);
    trial->rows = rw_alloc_zero((trial->row_count + 1) * sizeof(*trial->rows));
    assert_non_null(trial->rows);
    for (size_t i = 0; i < trial->row_count; i++) {
        struct rw_timeline_row *row = &trial->rows[i];
        row->sent = 100;
        row->answered = seconds[i] == 'x' ? 0 : 100;
        row->failed = seconds[i] == 'x' ? 100 : seconds[i] == 'e' ? 10 : 0;
        row->p50_ns = row->p90_ns = row->p99_ns = row->p999_ns = row->most_ns =
            seconds[i] == 's' ? 900000000 : 1000000;
    }
    trial->begin_s = 1.25;
    trial->end_s = 2.5;
    trial->done = trial->happened = trial->survived = true;
    trial->observed = 7;
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
        {".x....", 0.75, 0, 1, true},       /* gone around while it lasted */
        {".xx...", 1.75, 0.5, 2, true},     /* well with the fault's end */
        {".xxxx...", 3.75, 2.5, 4, true},   /* two seconds more */
        {".ex.s...", 3.75, 2.5, 1.1, true}, /* one good second is none */
        {".xxxxx", INFINITY, INFINITY, 5, true},
        {".xxxx.", INFINITY, INFINITY, 4, true}, /* one more would have been needed */
        {"x.....", 0, 0, 0, false},              /* before the fault: not its */
    };
    const struct rw_criteria criteria = {
        .error_share = 0.01, .most_s = {1, 1, 0.5, 1, INFINITY}, .rate = 100};
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
    assert_true(isinf(criteria.most_s[0]) && isinf(criteria.most_s[1]));
    assert_true(criteria.most_s[2] == 0.050 && criteria.most_s[4] == 2);
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
    } cases[] = {{"2500ms", RW_VERIFY_MET}, {"2s", RW_VERIFY_UNJUDGED}, {"1s", RW_VERIFY_NOT_MET}};
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

/* Ten resets in 30 days, each of which costs two seconds: 20 s of 2,592,000. */
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
    double measured = 1 - 200 / 2e6 - 20 / 2592000.0;
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
        cmocka_unit_test(test_criteria_come_from_the_targets),
        cmocka_unit_test(test_recovery_is_judged_by_its_worst),
        cmocka_unit_test(test_coverage),
        cmocka_unit_test(test_availability),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
