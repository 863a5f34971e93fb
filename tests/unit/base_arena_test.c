/* Arenas: what fits where, from the heap and from a slab. */
#include "base/arena.h"

#include "base/alloc.h"
#include "base/slab.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

enum { BLOCK_BYTES = 512, CAP_BYTES = 4096 };

struct world {
    struct rw_slab slab;
    struct rw_arena arena;
    char first[128];
};

static void open_world(struct world *world)
{
    rw_slab_init(&world->slab, BLOCK_BYTES, 4, SIZE_MAX);
    rw_arena_init(&world->arena, world->first, sizeof(world->first), BLOCK_BYTES, CAP_BYTES);
    world->arena.slab = &world->slab;
}

static void close_world(struct world *world)
{
    rw_arena_free(&world->arena);
    assert_int_equal(world->slab.in_use, 0);
    rw_slab_destroy(&world->slab);
}

static void *take(struct world *world, size_t size)
{
    void *at = rw_arena_alloc(&world->arena, size);
    if (at)
        memset(at, 'x', size);
    return at;
}

static void usual_blocks_are_the_slabs(void **state)
{
    (void)state;
    struct world world;
    open_world(&world);
    assert_ptr_equal(take(&world, 128), world.first);
    assert_int_equal(world.slab.in_use, 0);
    assert_non_null(take(&world, 100));
    assert_non_null(take(&world, 100));
    assert_int_equal(world.slab.in_use, 1);
    assert_non_null(take(&world, BLOCK_BYTES)); /* with its header it is more than a block */
    assert_int_equal(world.slab.in_use, 1);
    assert_non_null(take(&world, 200)); /* the room that was left is still there */
    assert_int_equal(world.slab.in_use, 1);
    close_world(&world);
}

static void used_again_after_free(void **state)
{
    (void)state;
    struct world world;
    open_world(&world);
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 20; i++)
            assert_non_null(take(&world, 64));
        assert_int_equal(world.slab.in_use, 3);
        rw_arena_free(&world.arena);
        assert_int_equal(world.slab.in_use, 0);
        assert_int_equal(world.arena.used_bytes, 0);
        rw_arena_init(&world.arena, world.first, sizeof(world.first), BLOCK_BYTES, CAP_BYTES);
        world.arena.slab = &world.slab;
    }
    close_world(&world);
}

static void over_the_cap_there_is_none(void **state)
{
    (void)state;
    struct world world;
    open_world(&world);
    unsigned count = 0;
    while (take(&world, 100))
        count++;
    assert_int_equal(world.slab.in_use, CAP_BYTES / BLOCK_BYTES);
    assert_true(count >= CAP_BYTES / BLOCK_BYTES * 4);
    assert_null(rw_arena_alloc(&world.arena, SIZE_MAX - 64));
    close_world(&world);
}

static void survives_lack_of_memory(void **state)
{
    (void)state;
    struct world world;
    open_world(&world);
    assert_non_null(take(&world, 128));
    rw_alloc_fail_after(0);
    assert_null(take(&world, 16));
    assert_null(take(&world, 1024));
    rw_alloc_fail_never();
    assert_non_null(take(&world, 16));
    close_world(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(usual_blocks_are_the_slabs),
        cmocka_unit_test(used_again_after_free),
        cmocka_unit_test(over_the_cap_there_is_none),
        cmocka_unit_test(survives_lack_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
