/* What all backends share: timers, posted tasks, watches, buffers, stopping. */
#include "unit/io_world.h"

#include "io/wheel.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/eventfd.h>

static enum rw_loop_backend backend;
static struct world world;

static void open_world(void)
{
    assert_int_equal(world_try_open(&world, backend, NULL, NULL, 7), RW_OK);
    assert_int_equal(rw_loop_backend(world.loop), backend);
}

/* ---- Timers ---- */

struct alarm {
    struct rw_timer timer;
    struct rw_loop *loop;
    int fired;
    uint64_t fired_ms;
    uint64_t again_ms; /* starts itself again, so much later, while not 0 */
    struct alarm *stops, *moves;
    int *counter, order;
};

static void fire(struct rw_timer *timer)
{
    struct alarm *alarm = rw_container_of(timer, struct alarm, timer);
    assert_false(rw_timer_running(timer));
    alarm->fired++;
    alarm->fired_ms = rw_loop_now_ms(alarm->loop);
    assert_true(alarm->fired_ms >= timer->due_ms);
    if (alarm->counter)
        alarm->order = ++*alarm->counter;
    if (alarm->stops)
        rw_timer_stop(alarm->loop, &alarm->stops->timer);
    if (alarm->moves)
        rw_timer_start(alarm->loop, &alarm->moves->timer, alarm->fired_ms + 30);
    if (alarm->again_ms)
        rw_timer_start(alarm->loop, timer, alarm->fired_ms + alarm->again_ms);
}

static void start(struct alarm *alarm, uint64_t in_ms)
{
    alarm->loop = world.loop;
    alarm->timer.fire = fire;
    rw_timer_start(world.loop, &alarm->timer, rw_loop_now_ms(world.loop) + in_ms);
}

static void timers_in_order(void **unused)
{
    (void)unused;
    static const unsigned delays_ms[] = {70, 3, 64, 1, 65, 0, 130, 63, 128, 5};
    enum { COUNT = sizeof(delays_ms) / sizeof(delays_ms[0]) };
    struct alarm alarms[COUNT] = {{.fired = 0}};
    int counter = 0;
    open_world();
    uint64_t begin_ms = rw_loop_now_ms(world.loop);
    for (int i = 0; i < COUNT; i++) {
        alarms[i].counter = &counter;
        start(&alarms[i], delays_ms[i]);
    }
    RUN_UNTIL(&world, counter == COUNT);
    for (int i = 0; i < COUNT; i++) {
        assert_int_equal(alarms[i].fired, 1);
        assert_true(alarms[i].fired_ms >= begin_ms + delays_ms[i]);
        for (int j = 0; j < COUNT; j++)
            if (delays_ms[i] < delays_ms[j])
                assert_true(alarms[i].order < alarms[j].order);
    }
    world_close(&world);
}

static void timers_move_and_stop(void **unused)
{
    (void)unused;
    struct alarm stopped = {0}, moved = {0}, sooner = {0}, repeating = {.again_ms = 3};
    struct alarm mover = {.stops = &stopped, .moves = &moved};
    open_world();
    uint64_t begin_ms = rw_loop_now_ms(world.loop);
    start(&stopped, 20);
    start(&moved, 20);
    start(&mover, 20); /* same slot: decides over the other two */
    start(&sooner, 1 << 20);
    start(&sooner, 2);
    start(&repeating, 3);
    /* The mover comes after them in the slot, so bring it before. */
    start(&stopped, 20);
    start(&moved, 20);
    RUN_UNTIL(&world, moved.fired && repeating.fired >= 5);
    assert_int_equal(stopped.fired, 0);
    assert_int_equal(moved.fired, 1);
    assert_true(moved.fired_ms >= mover.fired_ms + 30);
    assert_int_equal(sooner.fired, 1);
    assert_true(sooner.fired_ms < begin_ms + (1 << 20));
    rw_timer_stop(world.loop, &repeating.timer);
    rw_timer_stop(world.loop, &repeating.timer);
    world_close(&world);
}

/* A timer that starts itself for "now" must not keep the loop inside one turn. */
static int eager_fired;

static void fire_again_at_once(struct rw_timer *timer)
{
    eager_fired++;
    rw_timer_start(world.loop, timer, 0);
}

static void timer_starts_itself_at_once(void **unused)
{
    (void)unused;
    struct rw_timer eager = {.fire = fire_again_at_once};
    open_world();
    eager_fired = 0;
    rw_timer_start(world.loop, &eager, 0);
    for (int i = 1; i <= 3; i++) {
        turn(&world);
        assert_int_equal(eager_fired, i);
    }
    rw_timer_stop(world.loop, &eager);
    world_close(&world);
}

/* The wheel against the plain truth: random starts, moves, stops and jumps of time, near and years
 * ahead. */

enum { WHEEL_TIMERS = 300 };

static struct rw_timer wheel_timers[WHEEL_TIMERS];
static uint64_t wheel_now_ms;
static int wheel_fired;

static void wheel_fire(struct rw_timer *timer)
{
    assert_true(timer->due_ms <= wheel_now_ms);
    wheel_fired++;
}

static uint64_t earliest_ms(void)
{
    uint64_t earliest = UINT64_MAX;
    for (int i = 0; i < WHEEL_TIMERS; i++)
        if (rw_timer_running(&wheel_timers[i]) && wheel_timers[i].due_ms < earliest)
            earliest = wheel_timers[i].due_ms;
    return earliest;
}

static int timers_due(void)
{
    int due = 0;
    for (int i = 0; i < WHEEL_TIMERS; i++)
        due += rw_timer_running(&wheel_timers[i]) && wheel_timers[i].due_ms <= wheel_now_ms;
    return due;
}

static void change_timer(struct rw_wheel *wheel, struct rw_random *random)
{
    struct rw_timer *timer = &wheel_timers[rw_random_below(random, WHEEL_TIMERS)];
    uint64_t ahead_ms = rw_random_u64(random) >> (rw_random_below(random, 62) + 2);
    timer->fire = wheel_fire;
    if (rw_random_below(random, 5) == 0)
        rw_list_remove(&timer->link);
    else
        rw_wheel_add(wheel, timer, wheel_now_ms + ahead_ms);
}

static void wheel_random(void **unused)
{
    (void)unused;
    static struct rw_wheel wheel;
    struct rw_random random;
    rw_random_seed(&random, 42);
    wheel_now_ms = 123456789;
    rw_wheel_init(&wheel, wheel_now_ms);
    for (int step = 0; step < 20000; step++) {
        change_timer(&wheel, &random);
        uint64_t next_ms = rw_wheel_next_ms(&wheel), earliest = earliest_ms();
        assert_true(next_ms <= earliest || next_ms <= wheel_now_ms);
        assert_int_equal(next_ms == UINT64_MAX, earliest == UINT64_MAX);
        /* Mostly short steps, now and then a jump of months. */
        wheel_now_ms += rw_random_u64(&random) >> (30 + rw_random_below(&random, 34));
        int due = timers_due();
        wheel_fired = 0;
        rw_wheel_run(&wheel, wheel_now_ms);
        assert_int_equal(wheel_fired, due);
        assert_int_equal(timers_due(), 0);
    }
    for (int i = 0; i < WHEEL_TIMERS; i++)
        rw_list_remove(&wheel_timers[i].link);
    assert_true(rw_wheel_empty(&wheel));
}

static void wheel_farthest(void **unused)
{
    (void)unused;
    static struct rw_wheel wheel;
    struct rw_timer timer = {.fire = wheel_fire};
    wheel_now_ms = 1;
    wheel_fired = 0;
    rw_wheel_init(&wheel, wheel_now_ms);
    rw_wheel_add(&wheel, &timer, UINT64_MAX - 1);
    wheel_now_ms = UINT64_MAX - 2;
    rw_wheel_run(&wheel, wheel_now_ms);
    assert_int_equal(wheel_fired, 0);
    assert_int_equal(rw_wheel_next_ms(&wheel), UINT64_MAX - 1);
    wheel_now_ms++;
    rw_wheel_run(&wheel, wheel_now_ms);
    assert_int_equal(wheel_fired, 1);
}

/* ---- Posted tasks ---- */

enum { POSTERS = 3, POSTS = 2000 };

struct numbered_task {
    struct rw_task task;
    struct poster *poster;
    int number;
};

struct poster {
    pthread_t thread;
    struct rw_loop *loop;
    int run; /* on the loop's thread */
    struct numbered_task tasks[POSTS];
};

static struct poster posters[POSTERS];
static int posters_done;

static void run_numbered(struct rw_task *task)
{
    struct numbered_task *numbered = rw_container_of(task, struct numbered_task, task);
    struct poster *poster = numbered->poster;
    assert_int_equal(numbered->number, poster->run); /* in order */
    if (++poster->run == POSTS && ++posters_done == POSTERS)
        rw_loop_stop(poster->loop);
}

static void *post_all(void *argument)
{
    struct poster *poster = argument;
    for (int i = 0; i < POSTS; i++) {
        poster->tasks[i] = (struct numbered_task){{NULL, run_numbered}, poster, i};
        rw_loop_post(poster->loop, &poster->tasks[i].task);
        if (i % 50 == 0) /* let the loop fall asleep now and then */
            usleep(500);
    }
    return NULL;
}

static void posts_from_threads(void **unused)
{
    (void)unused;
    open_world();
    posters_done = 0;
    for (int i = 0; i < POSTERS; i++) {
        posters[i].loop = world.loop;
        posters[i].run = 0;
        assert_int_equal(pthread_create(&posters[i].thread, NULL, post_all, &posters[i]), 0);
    }
    rw_loop_run(world.loop); /* no timer, no stream: only posts wake it */
    for (int i = 0; i < POSTERS; i++) {
        assert_int_equal(pthread_join(posters[i].thread, NULL), 0);
        assert_int_equal(posters[i].run, POSTS);
    }
    world_close(&world);
}

static int own_runs;

static void run_again(struct rw_task *task)
{
    if (++own_runs < 10)
        rw_loop_post(world.loop, task);
    else
        rw_loop_stop(world.loop);
}

static void posts_from_the_loop(void **unused)
{
    (void)unused;
    struct rw_task task = {.run = run_again};
    open_world();
    own_runs = 0;
    rw_loop_post(world.loop, &task);
    rw_loop_run(world.loop);
    assert_int_equal(own_runs, 10);
    world_close(&world);
}

/* ---- Work for the end of the turn ---- */

struct later_order {
    struct rw_later later;
    struct rw_task first, second;
    int calls, seen_by_first, seen_by_second;
};

static struct later_order order;

static void count_later(struct rw_later *later)
{
    if (++order.calls < 3)
        rw_loop_later(world.loop, later); /* for the next turn, which must not sleep */
    else
        rw_loop_stop(world.loop);
}

static void ask_first(struct rw_task *task)
{
    (void)task;
    rw_loop_later(world.loop, &order.later);
    rw_loop_later(world.loop, &order.later);
    order.seen_by_first = order.calls;
}

static void ask_second(struct rw_task *task)
{
    (void)task;
    order.seen_by_second = order.calls;
}

static void later_than_the_rest(void **unused)
{
    (void)unused;
    struct rw_later stopped = {.run = count_later};
    open_world();
    order = (struct later_order){
        .later.run = count_later, .first.run = ask_first, .second.run = ask_second};
    rw_loop_post(world.loop, &order.first);
    rw_loop_post(world.loop, &order.second);
    rw_loop_later(world.loop, &stopped);
    rw_loop_later_stop(&stopped);
    rw_loop_run(world.loop);
    assert_int_equal(order.calls, 3);
    assert_int_equal(order.seen_by_first, 0);
    assert_int_equal(order.seen_by_second, 0);
    world_close(&world);
}

/* ---- Watches ---- */

struct pipe_watch {
    struct rw_watch watch;
    int called;
    unsigned events;
    bool drain, stop;
};

static void on_ready(struct rw_watch *watch, unsigned events)
{
    struct pipe_watch *on = rw_container_of(watch, struct pipe_watch, watch);
    char bytes[16];
    on->called++;
    on->events = events;
    if (on->drain)
        assert_true(read(watch->fd, bytes, sizeof(bytes)) > 0);
    if (on->stop)
        rw_watch_stop(watch);
}

static void watches(void **unused)
{
    (void)unused;
    int fds[2];
    struct pipe_watch reading = {.watch = {.ready = on_ready, .events = RW_WATCH_READ}};
    struct pipe_watch writing = {.watch = {.ready = on_ready, .events = RW_WATCH_WRITE}};
    open_world();
    assert_int_equal(pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
    reading.watch.fd = fds[0];
    writing.watch.fd = fds[1];
    writing.stop = true;
    assert_int_equal(rw_watch_start(world.loop, &reading.watch), RW_OK);
    assert_int_equal(rw_watch_start(world.loop, &writing.watch), RW_OK);
    idle(&world, 10);
    assert_int_equal(reading.called, 0);
    assert_int_equal(writing.called, 1);
    assert_int_equal(writing.events, RW_WATCH_WRITE);
    assert_int_equal(write(fds[1], "ab", 2), 2);
    RUN_UNTIL(&world, reading.called >= 3); /* level-triggered */
    assert_int_equal(reading.events, RW_WATCH_READ);
    reading.drain = true;
    RUN_UNTIL(&world, reading.called >= 4);
    int called = reading.called;
    idle(&world, 10);
    assert_int_equal(reading.called, called);
    reading.drain = false;
    reading.stop = true;
    close(fds[1]); /* a hang-up is readable */
    RUN_UNTIL(&world, reading.called == called + 1);
    idle(&world, 10);
    assert_int_equal(reading.called, called + 1);
    rw_watch_stop(&reading.watch);
    close(fds[0]);
    world_close(&world);
}

static void watch_refused(void **unused)
{
    (void)unused;
    struct rw_watch watch = {.ready = on_ready, .events = RW_WATCH_READ};
    open_world();
    assert_int_equal(rw_watch_start(world.loop, &watch), RW_EUNSUPPORTED);
    rw_watch_stop(&watch);
    world_close(&world);
}

/* ---- Turns that are apart ---- */

/* ---- Buffers and clocks ---- */

static void buffers(void **unused)
{
    (void)unused;
    struct rw_buf_pool pool;
    struct rw_buf *all[8];
    rw_buf_pool_init(&pool, 5 * RW_BUF_SMALL_BYTES, 2 * RW_BUF_SMALL_BYTES);
    for (int i = 0; i < 5; i++)
        assert_non_null(all[i] = rw_buf_get(&pool, 1));
    assert_null(rw_buf_get(&pool, 1));
    assert_int_equal(pool.in_use_bytes, 5 * RW_BUF_SMALL_BYTES);
    assert_int_equal(rw_buf_space(all[0]), RW_BUF_SMALL_BYTES);
    rw_buf_hold(all[0]);
    for (int i = 0; i < 5; i++)
        rw_buf_drop(all[i]);
    assert_int_equal(pool.in_use_bytes, RW_BUF_SMALL_BYTES);
    assert_int_equal(pool.free_small_count, 2);         /* two are kept, two went back */
    assert_null(rw_buf_get(&pool, RW_BUF_LARGE_BYTES)); /* over the cap */
    pool.cap_bytes = 2 * RW_BUF_LARGE_BYTES;
    struct rw_buf *large = rw_buf_get(&pool, RW_BUF_LARGE_BYTES);
    assert_int_equal(large->room, RW_BUF_LARGE_BYTES);
    rw_buf_drop(large); /* more than is kept */
    assert_int_equal(pool.free_large_count, 0);
    rw_buf_drop(all[0]);
    rw_buf_drop(NULL);
    rw_alloc_fail_after(0);
    assert_non_null(all[0] = rw_buf_get(&pool, 1)); /* a kept one */
    assert_null(rw_buf_get(&pool, RW_BUF_LARGE_BYTES));
    rw_alloc_fail_never();
    rw_buf_drop(all[0]);
    assert_int_equal(pool.free_small_count, 2);
    rw_buf_pool_trim(&pool);
    assert_int_equal(pool.free_small_count, 0);
    rw_buf_pool_destroy(&pool);
}

static void clocks(void **unused)
{
    (void)unused;
    open_world();
    uint64_t ms = rw_loop_now_ms(world.loop), wall_ns = rw_loop_wall_ns(world.loop);
    idle(&world, 12);
    assert_true(rw_loop_now_ms(world.loop) >= ms + 12);
    assert_true(rw_loop_wall_ns(world.loop) >= wall_ns + 11 * RW_NS_PER_MS);
    assert_true(rw_loop_now_ns(world.loop) / RW_NS_PER_MS >= rw_loop_now_ms(world.loop));
    if (!world.sim)
        assert_true(rw_clock_wall_ns() - rw_loop_wall_ns(world.loop) < RW_NS_PER_S);
    else
        assert_true(rw_loop_wall_ns(world.loop) / RW_NS_PER_S == 1767225601);
    world_close(&world);
}

static void creation_survives_failed_allocations(void **unused)
{
    (void)unused;
    enum rw_err err = RW_ENOMEM;
    for (uint64_t i = 0; i < 20 || err; i++) {
        assert_true(i < 2000);
        rw_alloc_fail_after(i);
        err = world_try_open(&world, backend, NULL, NULL, 1);
        rw_alloc_fail_never();
        assert_true(err == RW_OK || err == RW_ENOMEM);
        if (world.loop)
            world_close(&world);
    }
}

/* A pool far smaller than what a backend would like to lend out. */
static void small_pool(void **unused)
{
    (void)unused;
    const struct rw_sim_faults none = {0};
    struct rw_loop_options options = {.backend = backend, .buffer_bytes_max = 512 << 10};
    if (backend == RW_LOOP_SIM)
        assert_int_equal(rw_sim_create(1, &none, &options.sim), RW_OK);
    struct rw_loop *loop;
    assert_int_equal(rw_loop_create(&options, &loop), RW_OK);
    struct rw_buf *buf = rw_buf_get(rw_loop_buffers(loop), RW_BUF_LARGE_BYTES);
    assert_non_null(buf);
    rw_buf_drop(buf);
    assert_true(rw_loop_buffers(loop)->in_use_bytes <= 256 << 10);
    rw_loop_destroy(loop);
    if (options.sim)
        rw_sim_destroy(options.sim);
}

/* ---- The table ---- */

#define EVERYWHERE                                                                                 \
    cmocka_unit_test(timers_in_order), cmocka_unit_test(timers_move_and_stop),                     \
        cmocka_unit_test(timer_starts_itself_at_once), cmocka_unit_test(posts_from_the_loop),      \
        cmocka_unit_test(later_than_the_rest), cmocka_unit_test(clocks),                           \
        cmocka_unit_test(small_pool), cmocka_unit_test(creation_survives_failed_allocations)

#define KERNEL_ONLY cmocka_unit_test(posts_from_threads), cmocka_unit_test(watches)

static bool permitted(enum rw_loop_backend wanted)
{
    backend = wanted;
    enum rw_err err = world_try_open(&world, wanted, NULL, NULL, 1);
    if (err)
        print_message("backend %d is not permitted here: %s\n", wanted, rw_err_text(err));
    else
        world_close(&world);
    return !err;
}

int main(void)
{
    const struct CMUnitTest kernel[] = {EVERYWHERE, KERNEL_ONLY};
    const struct CMUnitTest virtual[] = {EVERYWHERE, cmocka_unit_test(watch_refused)};
    const struct CMUnitTest shared[] = {cmocka_unit_test(wheel_random),
                                        cmocka_unit_test(wheel_farthest),
                                        cmocka_unit_test(buffers)};
    int failed = cmocka_run_group_tests(shared, NULL, NULL);
    if (permitted(RW_LOOP_EPOLL))
        failed += cmocka_run_group_tests_name("epoll", kernel, NULL, NULL);
    if (permitted(RW_LOOP_SIM))
        failed += cmocka_run_group_tests_name("sim", virtual, NULL, NULL);
    if (permitted(RW_LOOP_IO_URING))
        failed += cmocka_run_group_tests_name("io_uring", kernel, NULL, NULL);
    return failed;
}
