/* What a run says, word for word: golden files of a run whose figures are fixed.
 *
 * RW_GOLDEN=write writes the golden files anew, to be read before they are committed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "verify/report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { REPETITIONS = 2 };

struct world {
    struct rw_arena arena;
    struct rw_acceptance file;
    struct rw_record record;
    struct rw_dependency items[2];
    struct rw_case cases[2];
    struct rw_verify_sheet sheet;
};

static const char acceptance[] =
    "name: \"Shop <& co>\"\n"
    "url: http://127.0.0.1:8080\n"
    "load:\n"
    "  - { name: usual, rate: 100, duration: 10s }\n"
    "  - { name: peak, rate: 1000, duration: 10s }\n"
    "faults: [{ cause: reset, per_window: 12 }, kill]\n"
    "fault_repetitions: 1\n"
    "repetitions: 2\n"
    "targets:\n"
    "  - latency: { percentile: 90, at_most: 50ms }\n"
    "  - latency: { percentile: 99.9, at_most: 50ms }\n"
    "  - error_rate: { at_most_percent: 0.1 }\n"
    "  - throughput: { at_least_per_second: 95 }\n"
    "  - { load: peak, throughput: { at_least_per_second: 900 } }\n"
    "  - concurrency: { at_least_connections: 64 }\n"
    "  - availability: { at_least_percent: 99 }\n"
    "  - { name: \"\\\"back\\\" again\", recovery_time: { at_most: 1s } }\n"
    "  - chaos_coverage: { at_least_percent: 5 }\n"
    "  - data_loss: { at_most: 0 }\n"
    "  - cost_per_million: { at_most: 1, core_hour: 0.04 }\n";

static void give_take(struct rw_take *take, unsigned more)
{
    take->tally = rw_alloc_zero(sizeof(*take->tally));
    take->rows = rw_alloc_zero(10 * sizeof(*take->rows));
    assert_true(take->tally && take->rows);
    rw_load_tally_begin(take->tally);
    take->done = true;
    take->seconds = 10;
    take->row_count = 10;
    take->connections_least = 64;
    take->cpu_seconds = 0.25 + 0.01 * more;
    take->tally->counts =
        (struct rw_load_counts){.due = 1000, .sent = 1000, .answered = 998, .failed = 2 + more};
    take->tally->counts.statuses[503] = more;
    take->tally->counts.errors[RW_LOAD_ERROR_RESET] = 2;
    for (unsigned i = 0; i < 10; i++)
        take->rows[i].answered = 100 - (i == more) - (i > 8);
    rw_histogram_record_many(&take->tally->latency, 10000000, 940);
    rw_histogram_record_many(&take->tally->latency, 41000000 + 1000000ull * more, 58);
}

static void give_trial(struct rw_trial *trial, unsigned bad)
{
    trial->row_count = 8;
    trial->rows = rw_alloc_zero(trial->row_count * sizeof(*trial->rows));
    assert_non_null(trial->rows);
    for (unsigned i = 0; i < trial->row_count; i++) {
        bool good = i < 1 || i > bad;
        for (unsigned k = 0; k < RW_TIMELINE_PARTS; k++)
            trial->rows[i].parts[k] =
                (struct rw_timeline_part){.answered = good ? 10 : 3, .failed = good ? 0 : 7};
    }
    trial->begin_s = 1.25;
    trial->end_s = 2.5;
    trial->done = trial->happened = trial->survived = true;
    trial->observed = 64;
}

static void begin(struct world *world)
{
    struct rw_conf_report mistakes = {0};
    *world = (struct world){0};
    rw_arena_init(&world->arena, NULL, 0, 4096, 1 << 20);
    assert_int_equal(rw_conf_read_text(rw_span_text(acceptance), "a.yaml", &rw_acceptance_record,
                                       &world->arena, &world->file, &mistakes),
                     RW_OK);
    world->file.path = "acceptance.yaml";
    assert_int_equal(rw_record_init(&world->record, 2, REPETITIONS), RW_OK);
    world->record.repeated = REPETITIONS;
    world->record.seconds = 61.5;
    for (unsigned i = 0; i < REPETITIONS; i++)
        give_take(rw_record_take(&world->record, 0, i), i);
    world->items[0] =
        (struct rw_dependency){.kind = RW_DEPENDENCY_UPSTREAM, .name = RW_LITERAL("app")};
    world->items[1] =
        (struct rw_dependency){.kind = RW_DEPENDENCY_WORKER, .name = RW_LITERAL("worker")};
    world->record.dependencies = (struct rw_dependencies){world->items, 2};
    world->cases[0] = (struct rw_case){0, &world->items[0]};
    world->cases[1] = (struct rw_case){1, &world->items[1]};
    world->record.cases = world->cases;
    world->record.case_count = 2;
    assert_int_equal(rw_record_take_cases(&world->record, 1), RW_OK);
    give_trial(rw_record_trial(&world->record, 0, 0), 2);
    give_trial(rw_record_trial(&world->record, 1, 0), 5);
    world->record.ledger =
        (struct rw_ledger_sum){.kept = true, .sent = 120, .acknowledged = 100, .lost = 0};
    assert_int_equal(rw_verify_sheet_make(&world->file, &world->record, "", &world->sheet), RW_OK);
}

static void end(struct world *world)
{
    rw_verify_sheet_free(&world->sheet);
    rw_record_free(&world->record);
    rw_arena_free(&world->arena);
}

/* ---- Golden files ---- */

static struct rw_text read_all(const char *name)
{
    struct rw_text text = {0};
    char block[65536];
    FILE *file = fopen(name, "r");
    if (!file)
        fail_msg("%s is missing", name);
    size_t got;
    while ((got = fread(block, 1, sizeof(block), file)) > 0)
        rw_text_add(&text, rw_span(block, got));
    fclose(file);
    return text;
}

static void compare(const char *name, const struct rw_text *text)
{
    const char *golden = getenv("RW_GOLDEN");
    if (golden && strcmp(golden, "write") == 0) {
        FILE *file = fopen(name, "w");
        assert_non_null(file);
        assert_int_equal(fwrite(text->at, 1, text->len, file), text->len);
        fclose(file);
        return;
    }
    struct rw_text expected = read_all(name);
    size_t same = 0;
    while (same < text->len && same < expected.len && text->at[same] == expected.at[same])
        same++;
    if (text->len != expected.len || same < text->len)
        fail_msg("%s differs from byte %zu on: \"%.60s\", expected \"%.60s\"", name, same,
                 text->at + same, expected.at + same);
    rw_text_free(&expected);
}

static void write_json(const struct rw_verify_sheet *sheet, enum rw_language language,
                       struct rw_text *text)
{
    (void)language;
    rw_verify_report_json(sheet, text);
}

static const struct {
    const char *file;
    enum rw_language language;
    void (*write)(const struct rw_verify_sheet *sheet, enum rw_language language,
                  struct rw_text *text);
} reports[] = {
    {"verify_report.en.txt", RW_LANGUAGE_EN, rw_verify_report_text},
    {"verify_report.zh.txt", RW_LANGUAGE_ZH, rw_verify_report_text},
    {"verify_report.json", RW_LANGUAGE_EN, write_json},
    {"verify_report.xml", RW_LANGUAGE_EN, rw_verify_report_junit},
    {"verify_report.en.html", RW_LANGUAGE_EN, rw_verify_report_html},
    {"verify_report.zh.html", RW_LANGUAGE_ZH, rw_verify_report_html},
};
enum { REPORTS = sizeof(reports) / sizeof(reports[0]) };

static void test_as_in_the_golden_files(void **state)
{
    struct world world;
    (void)state;
    begin(&world);
    for (unsigned i = 0; i < REPORTS; i++) {
        char name[128];
        struct rw_text text = {0};
        snprintf(name, sizeof(name), "tests/unit/golden/%s", reports[i].file);
        reports[i].write(&world.sheet, reports[i].language, &text);
        assert_int_equal(text.err, RW_OK);
        compare(name, &text);
        rw_text_free(&text);
    }
    end(&world);
}

/* Whatever fails: nothing leaks, nothing falls over, and it is told. */
static void test_memory_runs_out(void **state)
{
    struct world world;
    (void)state;
    begin(&world);
    for (unsigned i = 0; i < REPORTS; i++) {
        struct rw_text text = {0};
        uint64_t before = rw_alloc_count();
        reports[i].write(&world.sheet, reports[i].language, &text);
        uint64_t count = rw_alloc_count() - before;
        rw_text_free(&text);
        for (uint64_t n = 0; n < count; n++) {
            rw_alloc_fail_once(n);
            reports[i].write(&world.sheet, reports[i].language, &text);
            rw_alloc_fail_never();
            if (!text.err)
                fail_msg("%s: allocation %d of %d failed unnoticed", reports[i].file, (int)n,
                         (int)count);
            rw_text_free(&text);
        }
    }
    end(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_as_in_the_golden_files),
        cmocka_unit_test(test_memory_runs_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
