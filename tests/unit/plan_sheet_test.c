#include "base/alloc.h"
#include "base/random.h"
#include "plan/sheet.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static uint32_t given(struct rw_sheet *sheet, const char *id, enum rw_unit unit, double value)
{
    return rw_sheet_add(sheet, &(struct rw_cell){.id = id,
                                                 .label = RW_LABEL("Input", "输入"),
                                                 .unit = unit,
                                                 .currency = "USD",
                                                 .value = value});
}

static uint32_t computed(struct rw_sheet *sheet, const char *id, enum rw_unit unit,
                         const struct rw_formula *formula, uint32_t a, uint32_t b)
{
    return rw_sheet_compute(sheet, id, (struct rw_label)RW_LABEL("Result", "结果"), unit, formula,
                            2, a, b);
}

static void test_a_cell_has_its_value_at_once(void **state)
{
    (void)state;
    struct rw_sheet sheet;
    rw_sheet_init(&sheet);
    uint32_t users = given(&sheet, "users", RW_UNIT_COUNT, 30);
    uint32_t rate = given(&sheet, "rate", RW_UNIT_ONE, 4);
    uint32_t product = computed(&sheet, "product", RW_UNIT_COUNT, &rw_formula_product, users, rate);
    assert_int_equal(sheet.err, RW_OK);
    assert_true(rw_sheet_value(&sheet, product) == 120);
    assert_int_equal(rw_sheet_find(&sheet, "product"), product);
    assert_int_equal(rw_sheet_find(&sheet, "nothing"), RW_CELL_NONE);
    assert_true(isnan(rw_sheet_value_of(&sheet, "nothing")));
    rw_sheet_free(&sheet);
}

static void test_what_is_missing_poisons_and_is_named(void **state)
{
    (void)state;
    struct rw_sheet sheet;
    uint32_t causes[4];
    rw_sheet_init(&sheet);
    uint32_t price = given(&sheet, "price", RW_UNIT_PRICE, NAN);
    uint32_t count = given(&sheet, "count", RW_UNIT_COUNT, 3);
    uint32_t zero = given(&sheet, "zero", RW_UNIT_COUNT, 0);
    uint32_t item = computed(&sheet, "item", RW_UNIT_MONEY, &rw_formula_line_item, price, count);
    uint32_t most = computed(&sheet, "most", RW_UNIT_MONEY, &rw_formula_greatest, item, count);
    uint32_t ratio = computed(&sheet, "ratio", RW_UNIT_ONE, &rw_formula_ratio, count, zero);
    uint32_t total = computed(&sheet, "total", RW_UNIT_MONEY, &rw_formula_sum, most, ratio);
    assert_true(isnan(rw_sheet_value(&sheet, most)));
    assert_int_equal(rw_sheet_missing(&sheet, most, causes, 4), 1);
    assert_int_equal(causes[0], price);
    /* A division by zero is a cause of its own. */
    assert_int_equal(rw_sheet_missing(&sheet, total, causes, 4), 2);
    assert_int_equal(causes[0], ratio);
    assert_int_equal(causes[1], price);
    assert_int_equal(rw_sheet_missing(&sheet, total, causes, 1), 2);
    assert_int_equal(rw_sheet_missing(&sheet, count, causes, 4), 0);
    rw_sheet_free(&sheet);
}

static void test_money_is_whole_cents(void **state)
{
    (void)state;
    struct rw_sheet sheet;
    rw_sheet_init(&sheet);
    uint32_t price = given(&sheet, "price", RW_UNIT_PRICE, 0.085);
    uint32_t hours = given(&sheet, "hours", RW_UNIT_COUNT, 730);
    uint32_t item = computed(&sheet, "item", RW_UNIT_MONEY, &rw_formula_line_item, price, hours);
    assert_true(rw_sheet_value(&sheet, item) == 6205);
    assert_string_equal(sheet.cells[item].currency, "USD");
    assert_true(rw_sheet_cents(-0.4) == 0);
    assert_true(rw_sheet_cents(12345678901234.5) == 12345678901234.0);
    assert_true(rw_sheet_cents(12345678901235.5) == 12345678901236.0);
    assert_true(rw_sheet_cents(9e15 + 1) == 9e15 + 1);
    rw_sheet_free(&sheet);
}

static void test_a_setting_takes_the_place_of_any_cell(void **state)
{
    (void)state;
    struct rw_sheet sheet;
    rw_sheet_init(&sheet);
    assert_int_equal(rw_sheet_set(&sheet, RW_LITERAL("product"), 7), RW_OK);
    assert_int_equal(rw_sheet_set(&sheet, RW_LITERAL("nowhere"), 7), RW_OK);
    uint32_t a = given(&sheet, "a", RW_UNIT_COUNT, 2);
    uint32_t product = computed(&sheet, "product", RW_UNIT_COUNT, &rw_formula_product, a, a);
    uint32_t after = computed(&sheet, "after", RW_UNIT_COUNT, &rw_formula_sum, product, a);
    assert_true(rw_sheet_value(&sheet, product) == 7);
    assert_true(rw_sheet_value(&sheet, after) == 9);
    assert_true(sheet.cells[product].set);
    assert_int_equal(sheet.cells[product].origin, RW_ORIGIN_ASSUMED);
    assert_true(sheet.settings[0].used);
    assert_false(sheet.settings[1].used);
    rw_sheet_free(&sheet);
}

static void test_a_try_reaches_what_depends_on_it_and_is_taken_back(void **state)
{
    (void)state;
    struct rw_sheet sheet;
    rw_sheet_init(&sheet);
    uint32_t a = given(&sheet, "a", RW_UNIT_COUNT, 2), b = given(&sheet, "b", RW_UNIT_COUNT, 3);
    uint32_t sum = computed(&sheet, "sum", RW_UNIT_COUNT, &rw_formula_sum, a, b);
    uint32_t other = computed(&sheet, "other", RW_UNIT_COUNT, &rw_formula_product, b, b);
    uint32_t last = computed(&sheet, "last", RW_UNIT_COUNT, &rw_formula_product, sum, b);
    rw_sheet_try(&sheet, a, 10);
    rw_sheet_try(&sheet, a, 20);
    assert_true(rw_sheet_value(&sheet, last) == 69);
    assert_false(sheet.cells[other].tried);
    rw_sheet_restore(&sheet);
    assert_true(rw_sheet_value(&sheet, a) == 2);
    assert_true(rw_sheet_value(&sheet, last) == 15);
    rw_sheet_free(&sheet);
}

static void test_an_id_stands_once(void **state)
{
    (void)state;
    struct rw_sheet sheet;
    rw_sheet_init(&sheet);
    given(&sheet, "a", RW_UNIT_COUNT, 2);
    assert_int_equal(given(&sheet, "a", RW_UNIT_COUNT, 3), RW_CELL_NONE);
    assert_int_equal(sheet.err, RW_EEXIST);
    /* Nothing more is added, and inputs that are none are let pass. */
    assert_int_equal(computed(&sheet, "b", RW_UNIT_ONE, &rw_formula_sum, RW_CELL_NONE, 0),
                     RW_CELL_NONE);
    assert_int_equal(sheet.count, 1);
    rw_sheet_free(&sheet);
}

static void test_formulas_are_told_with_labels(void **state)
{
    (void)state;
    struct rw_sheet sheet;
    struct rw_text text = {0};
    rw_sheet_init(&sheet);
    uint32_t a = given(&sheet, "a", RW_UNIT_COUNT, 2);
    uint32_t sum = computed(&sheet, "sum", RW_UNIT_COUNT, &rw_formula_sum, a, a);
    uint32_t ratio = computed(&sheet, "ratio", RW_UNIT_COUNT, &rw_formula_ratio, sum, a);
    rw_sheet_formula_write(&sheet, sum, RW_LANGUAGE_ZH, &text);
    rw_text_adds(&text, "; ");
    rw_sheet_formula_write(&sheet, ratio, RW_LANGUAGE_EN, &text);
    rw_sheet_formula_write(&sheet, a, RW_LANGUAGE_EN, &text);
    assert_string_equal(text.at, "输入 + 输入; Result / Input");
    rw_text_free(&text);
    rw_sheet_free(&sheet);
}

static void test_splits_add_up(void **state)
{
    (void)state;
    struct rw_random random;
    double weights[RW_SPLIT_PARTS_MAX], parts[RW_SPLIT_PARTS_MAX];
    rw_random_seed(&random, 7);
    for (int round = 0; round < 20000; round++) {
        unsigned count = 1 + rw_random_below(&random, 12);
        double total = (double)(rw_random_u64(&random) >> (11 + rw_random_below(&random, 40)));
        double all = 0, sum = 0;
        for (unsigned i = 0; i < count; i++)
            all += weights[i] = 1 + rw_random_below(&random, 100);
        rw_split_cents(total, weights, count, parts);
        for (unsigned i = 0; i < count; i++) {
            assert_true(fabs(parts[i] - total * (weights[i] / all)) < 1.001 + total * 1e-15);
            sum += parts[i];
        }
        assert_true(sum == total);
    }
    rw_split_cents(100, (double[]){1, 1, 1}, 3, parts);
    assert_true(parts[0] == 34 && parts[1] == 33 && parts[2] == 33);
    rw_split_cents(-100, (double[]){1, 1, 1}, 3, parts);
    assert_true(parts[0] == -34 && parts[1] == -33 && parts[2] == -33);
}

static void test_ceilings_forgive_rounding(void **state)
{
    (void)state;
    double out, a, b;
    const double *columns[] = {&a, &b};
    struct rw_formula_inputs in = {.column = columns, .count = 2, .rows = 1};
    a = 0.3, b = 0.1; /* 2.9999999999999996 */
    rw_formula_ceiling.evaluate(&out, &in);
    assert_true(out == 3);
    a = 2000, b = 175;
    rw_formula_ceiling.evaluate(&out, &in);
    assert_true(out == 12);
    a = 1.1 + 2.2, b = 1.1; /* 3.0000000000000004 */
    rw_formula_ceiling.evaluate(&out, &in);
    assert_true(out == 3);
}

/* Everything that takes memory, once. RW_OK, or the error that the sheet kept. */
static enum rw_err build(void)
{
    struct rw_sheet sheet;
    uint32_t causes[2];
    rw_sheet_init(&sheet);
    enum rw_err err = rw_sheet_set(&sheet, RW_LITERAL("x"), 1);
    if (!err) {
        uint32_t last = given(&sheet, "first", RW_UNIT_COUNT, NAN);
        for (int i = 0; i < 600; i++)
            last = computed(&sheet, rw_sheet_text(&sheet, "cell.%d", i), RW_UNIT_ONE,
                            &rw_formula_sum, last, last);
        if (!sheet.err)
            rw_sheet_missing(&sheet, last, causes, 2);
        err = sheet.err;
    }
    rw_sheet_free(&sheet);
    return err;
}

static void test_every_failed_allocation_is_survived(void **state)
{
    (void)state;
    enum rw_err err = RW_ENOMEM;
    for (uint64_t n = 0; err; n++) {
        assert_in_range(n, 0, 1000);
        rw_alloc_fail_once(n);
        err = build();
        rw_alloc_fail_never();
        assert_true(err == RW_OK || err == RW_ENOMEM);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_cell_has_its_value_at_once),
        cmocka_unit_test(test_what_is_missing_poisons_and_is_named),
        cmocka_unit_test(test_money_is_whole_cents),
        cmocka_unit_test(test_a_setting_takes_the_place_of_any_cell),
        cmocka_unit_test(test_a_try_reaches_what_depends_on_it_and_is_taken_back),
        cmocka_unit_test(test_an_id_stands_once),
        cmocka_unit_test(test_formulas_are_told_with_labels),
        cmocka_unit_test(test_splits_add_up),
        cmocka_unit_test(test_ceilings_forgive_rounding),
        cmocka_unit_test(test_every_failed_allocation_is_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
