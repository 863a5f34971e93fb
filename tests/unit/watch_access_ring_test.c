/* The ring of the access log against a model: what is read is what was written, in order, and a
 * reader who keeps up makes it touch little memory. */
#include "base/alloc.h"
#include "base/random.h"
#include "watch/access.h"
#include "watch/access_ring.h"

#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

enum { SMALL = 256, SEEDS = 2000, STEPS = 400, LINES = 200000, LINE_MAX_BYTES = 100 };

static struct rw_access_ring *make(size_t bytes)
{
    struct rw_access_ring *ring = rw_alloc_aligned(_Alignof(struct rw_access_ring), sizeof(*ring));
    assert_non_null(ring);
    memset(ring, 0, sizeof(*ring));
    ring->bytes = bytes;
    ring->data = rw_alloc(bytes);
    assert_non_null(ring->data);
    return ring;
}

static void unmake(struct rw_access_ring *ring)
{
    rw_free(ring->data);
    rw_free(ring);
}

/* Bytes count up from 0; `next` is the one to come. */
static void write_bytes(char *to, size_t len, unsigned char *next)
{
    for (size_t i = 0; i < len; i++)
        to[i] = (char)(*next)++;
}

static void check_bytes(struct rw_span read, unsigned char *next)
{
    for (size_t i = 0; i < read.len; i++)
        assert_int_equal((unsigned char)read.at[i], (*next)++);
}

static void read_some(struct rw_access_ring *ring, struct rw_random *random, unsigned char *next,
                      size_t *waiting)
{
    struct rw_span lines = rw_access_ring_peek(ring);
    assert_int_equal(lines.len == 0, *waiting == 0);
    if (lines.len && rw_random_below(random, 2))
        lines.len = 1 + rw_random_below(random, (uint32_t)lines.len);
    check_bytes(lines, next);
    rw_access_ring_consume(ring, lines.len);
    *waiting -= lines.len;
}

static void run(uint64_t seed)
{
    struct rw_random random;
    rw_random_seed(&random, seed);
    struct rw_access_ring *ring = make(SMALL);
    unsigned char written = 0, read = 0;
    size_t waiting = 0;
    for (int step = 0; step < STEPS; step++) {
        size_t room = 1 + rw_random_below(&random, LINE_MAX_BYTES);
        size_t len = 1 + rw_random_below(&random, (uint32_t)room);
        char *to = rw_access_ring_reserve(ring, room);
        if (to) {
            assert_true(to >= ring->data && to + room <= ring->data + SMALL);
            write_bytes(to, len, &written);
            bool called = rw_access_ring_commit(ring, to, len);
            assert_int_equal(called, waiting <= SMALL / 2 && waiting + len > SMALL / 2);
            waiting += len;
        } else {
            assert_true(waiting > 0);
        }
        assert_int_equal(rw_access_ring_used(ring), waiting);
        while (rw_random_below(&random, 3) == 0)
            read_some(ring, &random, &read, &waiting);
    }
    while (waiting)
        read_some(ring, &random, &read, &waiting);
    assert_int_equal(rw_access_ring_peek(ring).len, 0);
    unmake(ring);
}

static void test_what_is_read_was_written(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < SEEDS; seed++)
        run(seed);
}

static void test_an_empty_ring_starts_over(void **state)
{
    (void)state;
    struct rw_access_ring *ring = make(SMALL);
    for (int i = 0; i < 10; i++) {
        char *to = rw_access_ring_reserve(ring, 50);
        assert_ptr_equal(to, ring->data);
        rw_access_ring_commit(ring, to, 50);
        to = rw_access_ring_reserve(ring, 50);
        assert_ptr_equal(to, ring->data + 50);
        rw_access_ring_commit(ring, to, 50);
        rw_access_ring_consume(ring, rw_access_ring_peek(ring).len);
    }
    unmake(ring);
}

/* A lap that began while the reader slept, which still stands at the end of the one before. */
static void test_a_sleeping_reader_leaves_all_room(void **state)
{
    (void)state;
    struct rw_access_ring *ring = make(SMALL);
    rw_access_ring_commit(ring, rw_access_ring_reserve(ring, 100), 100);
    rw_access_ring_consume(ring, rw_access_ring_peek(ring).len);
    for (size_t at = 0; at < SMALL; at += 64) {
        assert_ptr_equal(rw_access_ring_reserve(ring, 64), ring->data + at);
        rw_access_ring_commit(ring, ring->data + at, 64);
    }
    assert_null(rw_access_ring_reserve(ring, 1));
    assert_int_equal(rw_access_ring_used(ring), SMALL);
    assert_int_equal(rw_access_ring_peek(ring).len, SMALL);
    unmake(ring);
}

static void *write_lines(void *argument)
{
    struct rw_access_ring *ring = argument;
    struct rw_random random;
    rw_random_seed(&random, 1);
    unsigned char next = 0;
    for (int i = 0; i < LINES; i++) {
        size_t len = 1 + rw_random_below(&random, LINE_MAX_BYTES);
        char *to;
        while (!(to = rw_access_ring_reserve(ring, len)))
            sched_yield();
        write_bytes(to, len, &next);
        rw_access_ring_commit(ring, to, len);
    }
    return NULL;
}

static size_t bytes_of_all_lines(void)
{
    struct rw_random random;
    rw_random_seed(&random, 1);
    size_t bytes = 0;
    for (int i = 0; i < LINES; i++)
        bytes += 1 + rw_random_below(&random, LINE_MAX_BYTES);
    return bytes;
}

static void test_between_two_threads(void **state)
{
    (void)state;
    struct rw_access_ring *ring = make(4 * SMALL);
    pthread_t writer;
    assert_int_equal(pthread_create(&writer, NULL, write_lines, ring), 0);
    unsigned char next = 0;
    for (size_t left = bytes_of_all_lines(); left;) {
        struct rw_span lines = rw_access_ring_peek(ring);
        check_bytes(lines, &next);
        rw_access_ring_consume(ring, lines.len);
        left -= lines.len;
        if (!lines.len)
            sched_yield();
    }
    pthread_join(writer, NULL);
    assert_int_equal(rw_access_ring_used(ring), 0);
    unmake(ring);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_read_was_written),
        cmocka_unit_test(test_an_empty_ring_starts_over),
        cmocka_unit_test(test_a_sleeping_reader_leaves_all_room),
        cmocka_unit_test(test_between_two_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
