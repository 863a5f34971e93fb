/* The proposal told from a whole plan: sizing, bill and money as they are, for a customer like
 * those who asked. Its tables add up, its order is that of a reader, allocation failures are
 * survived.
 *
 * RW_PROPOSALS=DIRECTORY also writes the pages there, for eyes. */
#include "base/alloc.h"
#include "plan/bill/bill.h"
#include "plan/choice.h"
#include "plan/controls/controls.h"
#include "plan/money/money.h"
#include "plan/proposal/chapters.h"
#include "plan/proposal/proposal.h"
#include "plan/roadmap/roadmap.h"
#include "plan/sizing/sizing.h"
#include "report/html.h"
#include "report/json.h"
#include "report/markdown.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static struct rw_prices prices;
static struct rw_standards standards;

static int setup(void **state)
{
    (void)state;
    struct rw_conf_report report = {0};
    return rw_prices_load(&prices, &report) || rw_standards_load(&standards, &report);
}

static int teardown(void **state)
{
    (void)state;
    rw_prices_free(&prices);
    rw_standards_free(&standards);
    return 0;
}

static struct rw_input_value stated(double value)
{
    return (struct rw_input_value){.present = true,
                                   .value = value,
                                   .origin = RW_ORIGIN_GIVEN,
                                   .file = "intake.yaml",
                                   .place = {.line = 7, .column = 3}};
}

/* A car insurer: a million at once, 10 TB a day, three budgets, no saving that has a cause. */
static void insurer(struct rw_plan *plan, struct rw_input_value values[RW_INPUT_END])
{
    values[RW_INPUT_USERS] = stated(5000000);
    values[RW_INPUT_CONCURRENT_USERS] = stated(1000000);
    values[RW_INPUT_LATENCY] = stated(2);
    values[RW_INPUT_AVAILABILITY] = stated(0.9995);
    values[RW_INPUT_DOWNTIME_ALLOWED] = stated(15);
    values[RW_INPUT_RECOVERY_TIME] = stated(3600);
    values[RW_INPUT_DATA_PER_DAY] = stated(10e12);
    plan->terms = (struct rw_terms){
        .customer = "沪江财险 <b>",
        .file = "intake.yaml",
        .currency = "USD",
        .date = 20777,
        .deadline = 20270,
        .tiers = {{NULL, 1e9, {0}}, {NULL, 2e9, {0}}, {NULL, 4e9, {0}}},
        .tier_count = 3,
        .shares = {{"云资源", 80, {0}}, {"托管服务", 20, {0}}},
        .share_count = 2,
        .sites = {{"aws", "eu-west-1", 1, {0}}},
        .site_count = 1,
        .frameworks = {"mlps2_l3", "gdpr"},
        .framework_count = 2,
    };
}

static enum rw_err build_at(struct rw_plan *plan, const char *provider, const char *region,
                            const char *currency)
{
    struct rw_input_value values[RW_INPUT_END] = {0};
    rw_plan_init(plan);
    insurer(plan, values);
    plan->terms.sites[0].provider = provider;
    plan->terms.sites[0].region = region;
    plan->prices = &prices;
    plan->standards = &standards;
    plan->sheet.currency = currency;
    rw_inputs_add(&plan->sheet, values, plan->inputs);
    plan->tier_count = rw_tiers_make(&plan->terms, plan->tiers);
    enum rw_err err = rw_sizing_chapter(plan);
    if (!err)
        err = rw_bill_chapter(plan);
    if (!err)
        err = rw_money_chapter(plan);
    if (!err)
        err = rw_roadmap_chapter(plan);
    if (!err)
        err = rw_controls_chapter(plan);
    rw_findings_sort(&plan->findings);
    return err;
}

static enum rw_err build(struct rw_plan *plan)
{
    return build_at(plan, "aws", "eu-west-1", "USD");
}

/* ---- What a reader sees ---- */

static void show(const struct rw_doc *doc, const char *language)
{
    const char *directory = getenv("RW_PROPOSALS");
    char name[512];
    struct rw_text page = {0};
    if (!directory)
        return;
    assert_int_equal(rw_report_html(doc, &page), RW_OK);
    snprintf(name, sizeof(name), "%s/insurer-%s.html", directory, language);
    FILE *file = fopen(name, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(page.at, 1, page.len, file), page.len);
    fclose(file);
    rw_text_free(&page);
}

static void expect_sums(const struct rw_doc_table *table)
{
    for (size_t column = 0; column < table->column_count; column++) {
        double sum = 0;
        for (const struct rw_doc_row *row = table->first; row; row = row->next) {
            const struct rw_doc_cell *cell = &row->cells[column];
            if (!table->columns[column].sum || cell->blank || row->group)
                continue;
            if (row->total && !isnan(sum))
                assert_true(cell->number == sum);
            else if (row->total)
                assert_true(isnan(cell->number));
            else
                sum += cell->number;
        }
    }
}

/* A total that refers to a cell of the sheet shows that cell's value. */
static void expect_references(const struct rw_doc *doc, const struct rw_doc_table *table)
{
    for (const struct rw_doc_row *row = table->first; row; row = row->next) {
        for (size_t i = 0; i < table->column_count; i++) {
            const struct rw_doc_cell *cell = &row->cells[i];
            if (cell->figure == RW_DOC_NO_FIGURE || isnan(cell->number))
                continue;
            assert_true(cell->figure < doc->figure_count);
            assert_true(cell->number == doc->figures[cell->figure].number);
        }
    }
}

static void its_tables_add_up_and_refer_to_the_sheet(void **state)
{
    (void)state;
    for (enum rw_language language = RW_LANGUAGE_EN; language <= RW_LANGUAGE_ZH; language++) {
        struct rw_plan plan;
        struct rw_doc doc;
        assert_int_equal(build(&plan), RW_OK);
        assert_int_equal(rw_report_proposal(&plan, NULL, language, &doc), RW_OK);
        unsigned tables = 0;
        for (const struct rw_doc_block *block = doc.first; block; block = block->next) {
            if (!block->table)
                continue;
            expect_sums(block->table);
            expect_references(&doc, block->table);
            tables++;
        }
        assert_true(tables >= 10);
        assert_int_equal(doc.figure_count, plan.sheet.count + 1);
        show(&doc, language == RW_LANGUAGE_ZH ? "zh" : "en");
        rw_doc_free(&doc);
        rw_plan_free(&plan);
    }
}

static void the_verdict_comes_first(void **state)
{
    (void)state;
    struct rw_plan plan;
    struct rw_doc doc;
    assert_int_equal(build(&plan), RW_OK);
    assert_int_equal(rw_report_proposal(&plan, NULL, RW_LANGUAGE_EN, &doc), RW_OK);
    assert_int_equal(doc.first->kind, RW_DOC_SECTION);
    assert_int_equal(doc.first->next->kind, RW_DOC_NOTE);
    assert_true(doc.first->next->tone == RW_DOC_BAD || doc.first->next->tone == RW_DOC_GOOD);
    assert_int_equal(doc.last->kind, RW_DOC_ALL_FIGURES);
    rw_doc_free(&doc);
    rw_plan_free(&plan);
}

/* The number of blockers with rules of their own. */
static unsigned blocked_rules(const struct rw_findings *findings)
{
    const char *rules[64];
    unsigned count = 0;
    for (unsigned i = 0; i < findings->count; i++) {
        const struct rw_finding *finding = &findings->at[i];
        unsigned k = 0;
        while (k < count && strcmp(rules[k], finding->rule) != 0)
            k++;
        if (finding->severity == RW_SEVERITY_BLOCKER && k == count && count < 64)
            rules[count++] = finding->rule;
    }
    return count;
}

/* What three tiers break is one requirement. */
static void the_verdict_counts_requirements(void **state)
{
    (void)state;
    struct rw_plan plan;
    struct rw_doc doc;
    struct rw_text page = {0};
    char words[64];
    assert_int_equal(build(&plan), RW_OK);
    unsigned rules = blocked_rules(&plan.findings);
    assert_in_range(rules, 1, rw_findings_count(&plan.findings, RW_SEVERITY_BLOCKER) - 1);
    assert_int_equal(rw_report_proposal(&plan, NULL, RW_LANGUAGE_EN, &doc), RW_OK);
    assert_int_equal(rw_report_markdown(&doc, &page), RW_OK);
    snprintf(words, sizeof(words), "cannot be met as they stand: %u;", rules);
    assert_non_null(strstr(page.at, words));
    rw_text_free(&page);
    rw_doc_free(&doc);
    rw_plan_free(&plan);
}

/* The tiers that keep what is wanted, as bits. */
static unsigned kept_with(struct rw_plan *plan, enum rw_input input, double wanted)
{
    struct rw_cell *cell = &plan->sheet.cells[plan->inputs[input]];
    double before = cell->value;
    unsigned kept = 0;
    cell->value = wanted;
    for (unsigned i = 0; i < plan->tier_count; i++)
        kept |= rw_plan_keeps(plan, &plan->tiers[i]) ? 1U << i : 0;
    cell->value = before;
    return kept;
}

static void a_tier_that_breaks_a_target_does_not_keep_it(void **state)
{
    (void)state;
    struct rw_plan plan;
    assert_int_equal(build(&plan), RW_OK);
    /* 99.95 % by the second; 15 minutes by none; recovery within an hour by the second. */
    assert_int_equal(kept_with(&plan, RW_INPUT_DOWNTIME_ALLOWED, 15), 0);
    assert_int_equal(kept_with(&plan, RW_INPUT_DOWNTIME_ALLOWED, 40), 4);
    assert_int_equal(kept_with(&plan, RW_INPUT_DOWNTIME_ALLOWED, NAN), 6);
    plan.sheet.cells[plan.inputs[RW_INPUT_DOWNTIME_ALLOWED]].value = NAN;
    assert_int_equal(kept_with(&plan, RW_INPUT_RECOVERY_TIME, 600), 4);
    assert_int_equal(kept_with(&plan, RW_INPUT_RECOVERY_TIME, 60), 0);
    rw_plan_free(&plan);
}

static const struct rw_doc_chart *find_chart(const struct rw_doc *doc, struct rw_span caption)
{
    for (const struct rw_doc_block *block = doc->first; block; block = block->next) {
        if (block->chart && rw_span_eq(block->chart->caption, caption))
            return block->chart;
    }
    fail_msg("no chart %.*s", RW_SPAN_ARGS(caption));
    return NULL;
}

/* A year of a category of a tier; missing as soon as one of its items is. */
static double year_of(const struct rw_plan *plan, unsigned tier, const char *category)
{
    double year = 0;
    for (unsigned i = 0; i < plan->bill->item_count; i++) {
        const struct rw_bill_item *item = &plan->bill->items[i];
        if (item->tier == tier && strcmp(item->category, category) == 0)
            year += rw_sheet_value(&plan->sheet, item->year[0]);
    }
    return year;
}

/* In Beijing some prices are missing, none of them of machines. */
static void a_missing_price_is_missing_in_the_chart(void **state)
{
    (void)state;
    static const struct {
        const char *category, *name;
    } names[] = {{"Compute", "Computing"},  {"Storage", "Storage"},
                 {"Networking", "Network"}, {"Databases", "Databases"},
                 {"Security", "Security"},  {"Management and Governance", "Monitoring"},
                 {"Other", "Support"}};
    struct rw_plan plan;
    struct rw_doc doc;
    unsigned known = 0, missing = 0;
    assert_int_equal(build_at(&plan, "alibaba", "cn-beijing", "CNY"), RW_OK);
    assert_true(plan.bill->prices_missing > 0);
    assert_int_equal(rw_report_proposal(&plan, NULL, RW_LANGUAGE_EN, &doc), RW_OK);
    const struct rw_doc_chart *chart =
        find_chart(&doc, RW_LITERAL("The first year by what is bought"));
    for (size_t k = 0; k < chart->series_count; k++) {
        size_t n = 0;
        while (n < 7 && !rw_span_is(chart->series[k], names[n].name))
            n++;
        assert_in_range(n, 0, 6);
        const struct rw_doc_point *point = chart->first;
        for (unsigned tier = 0; tier < plan.tier_count; tier++, point = point->next) {
            double year = year_of(&plan, tier, names[n].category);
            assert_true(point->values[k] == year || (isnan(year) && isnan(point->values[k])));
            missing += isnan(year);
            known += year > 0;
        }
    }
    assert_true(missing > 0 && known > 0);
    rw_doc_free(&doc);
    rw_plan_free(&plan);
}

static void it_is_the_same_every_time(void **state)
{
    (void)state;
    struct rw_text pages[2] = {0};
    for (int i = 0; i < 2; i++) {
        struct rw_plan plan;
        struct rw_doc doc;
        assert_int_equal(build(&plan), RW_OK);
        assert_int_equal(rw_report_proposal(&plan, NULL, RW_LANGUAGE_ZH, &doc), RW_OK);
        assert_int_equal(rw_report_html(&doc, &pages[i]), RW_OK);
        assert_int_equal(rw_report_markdown(&doc, &pages[i]), RW_OK);
        assert_int_equal(rw_report_json(&doc, &pages[i]), RW_OK);
        rw_doc_free(&doc);
        rw_plan_free(&plan);
    }
    assert_int_equal(pages[0].len, pages[1].len);
    assert_memory_equal(pages[0].at, pages[1].at, pages[0].len);
    rw_text_free(&pages[0]);
    rw_text_free(&pages[1]);
}

static void an_empty_plan_is_told_too(void **state)
{
    (void)state;
    struct rw_plan plan;
    struct rw_doc doc;
    struct rw_text page = {0};
    static const struct rw_input_value nothing[RW_INPUT_END];
    rw_plan_init(&plan);
    rw_inputs_add(&plan.sheet, nothing, plan.inputs);
    assert_int_equal(rw_report_proposal(&plan, NULL, RW_LANGUAGE_ZH, &doc), RW_OK);
    assert_int_equal(rw_report_html(&doc, &page), RW_OK);
    rw_text_free(&page);
    rw_doc_free(&doc);
    rw_plan_free(&plan);
}

/* Each of some hundreds of allocations that fall on the telling, one at a time. */
static void survives_failing_allocations(void **state)
{
    (void)state;
    struct rw_plan plan;
    assert_int_equal(build(&plan), RW_OK);
    for (uint64_t n = 0;; n += 1 + n / 40) {
        struct rw_doc doc;
        rw_alloc_fail_once(n);
        enum rw_err err = rw_report_proposal(&plan, NULL, RW_LANGUAGE_EN, &doc);
        rw_alloc_fail_never();
        rw_doc_free(&doc);
        if (err == RW_OK)
            break;
        assert_int_equal(err, RW_ENOMEM);
    }
    rw_plan_free(&plan);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(its_tables_add_up_and_refer_to_the_sheet),
        cmocka_unit_test(the_verdict_comes_first),
        cmocka_unit_test(the_verdict_counts_requirements),
        cmocka_unit_test(a_tier_that_breaks_a_target_does_not_keep_it),
        cmocka_unit_test(a_missing_price_is_missing_in_the_chart),
        cmocka_unit_test(it_is_the_same_every_time),
        cmocka_unit_test(an_empty_plan_is_told_too),
        cmocka_unit_test(survives_failing_allocations),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
