/* What was used of shared limits: noted, taken in parts, against a plain list. */
#include "gate/limit/usage.h"

#include "base/alloc.h"
#include "base/random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { KEYS = 600, ROUNDS = 400, STEPS = 500 };

static struct rw_usages usages;
static uint32_t noted[KEYS], taken[KEYS];
static struct rw_random random_source;

/* Few shelves and few homes, so that the keys stand in each other's way. */
static uint64_t hash_of(unsigned key)
{
    return (uint64_t)(key % 3) << 58 | (uint64_t)(key % 16) << 16 | key;
}

static bool take_some(void *user, const struct rw_usage *usage)
{
    unsigned key = (unsigned)(usage->hash & 0xffff);
    unsigned percent = *(const unsigned *)user;
    assert_int_equal(usage->hash, hash_of(key));
    assert_int_equal(usage->id[1], key);
    if (rw_random_below(&random_source, 100) >= percent)
        return false;
    taken[key] += usage->count;
    return true;
}

static void note(unsigned key)
{
    const struct rw_usage usage = {.hash = hash_of(key), .id = {0, key}, .count = 1};
    if (!rw_usages_count(&usages, usage.hash))
        rw_usages_add(&usages, &usage);
    noted[key]++;
}

static void nothing_is_lost_or_doubled(void **state)
{
    (void)state;
    rw_random_seed(&random_source, 1);
    for (unsigned round = 0; round < ROUNDS; round++) {
        unsigned percent = (unsigned)rw_random_below(&random_source, 101);
        for (unsigned step = 0; step < STEPS; step++)
            note((unsigned)rw_random_below(&random_source, KEYS));
        rw_usages_take(&usages, take_some, &percent);
        for (unsigned key = 0; key < KEYS; key++)
            assert_int_equal(taken[key] + rw_usages_of(&usages, hash_of(key)), noted[key]);
    }
}

/* What was handed back is told apart, until it is taken. */
static bool take_apart(void *user, const struct rw_usage *usage)
{
    *(unsigned *)user += usage->apart ? usage->count : 0;
    return true;
}

static void apart_stays_apart(void **state)
{
    (void)state;
    const struct rw_usage back = {.hash = hash_of(1), .count = 5, .apart = true};
    unsigned apart = 0;
    note(1);
    rw_usages_add(&usages, &back);
    rw_usages_take(&usages, take_apart, &apart);
    assert_int_equal(apart, 6);
    note(1);
    rw_usages_take(&usages, take_apart, &apart);
    assert_int_equal(apart, 6);
}

static void without_memory_it_is_not_noted(void **state)
{
    (void)state;
    const struct rw_usage usage = {.hash = 5, .count = 1};
    rw_alloc_fail_once(0);
    rw_usages_add(&usages, &usage);
    rw_alloc_fail_never();
    assert_int_equal(rw_usages_of(&usages, 5), 0);
    rw_usages_add(&usages, &usage);
    assert_int_equal(rw_usages_of(&usages, 5), 1);
}

/* One shelf is full of keys; the last ones are left out. */
static void it_has_an_end(void **state)
{
    (void)state;
    unsigned there = 0;
    for (uint64_t i = 0; i < 2 * RW_USAGES_MAX / RW_USAGE_SHELVES; i++) {
        const struct rw_usage usage = {.hash = i << 16 | 1, .count = 1};
        rw_usages_add(&usages, &usage);
        there += rw_usages_of(&usages, usage.hash);
    }
    assert_int_equal(there, RW_USAGES_MAX / RW_USAGE_SHELVES);
}

static int set_up(void **state)
{
    (void)state;
    memset(noted, 0, sizeof(noted));
    memset(taken, 0, sizeof(taken));
    rw_usages_init(&usages);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    rw_usages_free(&usages);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(nothing_is_lost_or_doubled, set_up, tear_down),
        cmocka_unit_test_setup_teardown(apart_stays_apart, set_up, tear_down),
        cmocka_unit_test_setup_teardown(without_memory_it_is_not_noted, set_up, tear_down),
        cmocka_unit_test_setup_teardown(it_has_an_end, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
