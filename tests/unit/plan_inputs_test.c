#include "conf/file.h"
#include "plan/plan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static void test_each_entry_says_what_it_must(void **state)
{
    (void)state;
    for (unsigned i = 0; i < RW_INPUT_END; i++) {
        const struct rw_input_entry *entry = rw_input_entry((enum rw_input)i);
        assert_non_null(entry->id);
        assert_true(strncmp(entry->id, "intake.", 7) == 0);
        assert_true(entry->label.en && entry->label.zh);
        if (entry->origin == RW_ORIGIN_MEASURED)
            assert_non_null(entry->source);
        else
            assert_true(entry->reason.en && entry->reason.zh);
        if (entry->shape != RW_SPREAD_NONE)
            assert_true(entry->low <= 1 && entry->high >= 1 && entry->low < entry->high);
    }
}

static void test_given_wins_over_assumed_and_nothing_is_invented(void **state)
{
    (void)state;
    struct rw_plan plan;
    struct rw_input_value values[RW_INPUT_END] = {
        [RW_INPUT_THINK_TIME] = {.present = true,
                                 .value = 12,
                                 .origin = RW_ORIGIN_GIVEN,
                                 .file = "intake.yaml",
                                 .place = {3, 7}},
        [RW_INPUT_AVAILABILITY] = {.present = true,
                                   .value = 0.999,
                                   .origin = RW_ORIGIN_ASSUMED,
                                   .reason = RW_LABEL("so", "如此")},
    };
    rw_plan_init(&plan);
    rw_inputs_add(&plan.sheet, values, plan.inputs);
    assert_int_equal(plan.sheet.err, RW_OK);
    const struct rw_cell *think = rw_sheet_cell(&plan.sheet, plan.inputs[RW_INPUT_THINK_TIME]);
    assert_true(think->value == 12 && think->origin == RW_ORIGIN_GIVEN);
    assert_int_equal(think->place.line, 3);
    assert_false(think->uncertain);
    const struct rw_cell *users = rw_sheet_cell(&plan.sheet, plan.inputs[RW_INPUT_USERS]);
    assert_true(isnan(users->value));
    const struct rw_cell *discount =
        rw_sheet_cell(&plan.sheet, plan.inputs[RW_INPUT_DISCOUNT_RATE]);
    assert_int_equal(discount->origin, RW_ORIGIN_ASSUMED);
    assert_true(discount->uncertain && discount->spread.low < 0.08 && discount->spread.high > 0.08);
    assert_true(rw_plan_input(&plan, RW_INPUT_AVAILABILITY) == 0.999);
    rw_plan_free(&plan);
}

static void test_tiers_truly_differ(void **state)
{
    (void)state;
    struct rw_tier tiers[RW_TIERS_MAX];
    struct rw_terms terms = {0};
    assert_int_equal(rw_tiers_make(&terms, tiers), 3);
    for (unsigned count = 1; count <= RW_TIERS_MAX; count++) {
        terms.tier_count = count;
        terms.tiers[0] = (struct rw_term_tier){.name = "small", .budget = 100};
        assert_int_equal(rw_tiers_make(&terms, tiers), count);
        assert_string_equal(tiers[0].name, "small");
        assert_string_equal(tiers[0].profile->name, count == 1 ? "resilient" : "essential");
        if (count > 1)
            assert_string_equal(tiers[count - 1].profile->name,
                                count == RW_TIERS_MAX ? "active" : "continuous");
        for (unsigned i = 1; i < count; i++)
            assert_true(tiers[i - 1].profile < tiers[i].profile);
    }
}

/* The first number of a case's row in the bench's table. */
static double bench_result(const char *text, const char *name)
{
    char begin[64];
    snprintf(begin, sizeof(begin), "\n| %s ", name);
    const char *row = strstr(text, begin);
    const char *unit = row ? strchr(row + 3, '|') : NULL;
    const char *cell = unit ? strchr(unit + 1, '|') : NULL;
    if (!cell) {
        fail_msg("no row %s in bench/RESULTS.md", name);
        return 0;
    }
    double value = 0;
    for (const char *at = cell + 1; *at == ' ' || *at == ',' || (*at >= '0' && *at <= '9'); at++)
        value = *at >= '0' && *at <= '9' ? 10 * value + (*at - '0') : value;
    return value;
}

/* What is planned with for the gateway is what the bench measures of it. The margin is for the
 * noise between its runs. */
static void test_the_gateway_is_planned_as_it_was_measured(void **state)
{
    (void)state;
    static const struct {
        enum rw_input input;
        const char *name;
    } measured[] = {
        {RW_INPUT_GATEWAY_RATE, "tls-64"},
        {RW_INPUT_GATEWAY_CONNECTION, "idle-tls"},
        {RW_INPUT_GATEWAY_BASE, "idle-base"},
    };
    struct rw_text text = {0};
    assert_int_equal(rw_conf_slurp("bench/RESULTS.md", 1 << 20, false, &text), RW_OK);
    for (size_t i = 0; i < sizeof(measured) / sizeof(measured[0]); i++) {
        const struct rw_input_entry *entry = rw_input_entry(measured[i].input);
        double result = bench_result(text.at, measured[i].name);
        assert_int_equal(entry->origin, RW_ORIGIN_MEASURED);
        assert_non_null(strstr(entry->source, measured[i].name));
        assert_true(entry->assumed > result / 1.5 && entry->assumed < result * 1.5);
    }
    rw_text_free(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_entry_says_what_it_must),
        cmocka_unit_test(test_given_wins_over_assumed_and_nothing_is_invented),
        cmocka_unit_test(test_tiers_truly_differ),
        cmocka_unit_test(test_the_gateway_is_planned_as_it_was_measured),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
