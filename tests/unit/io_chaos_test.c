/* Pairs of streams that do everything at random: send, pause, switch buffer sizes, half-close,
 * close, reset, connect anew. Whatever happens, bytes arrive in order, each stream ends once, and
 * nothing is left behind. */
#include "unit/io_world.h"

#include "base/log.h"

enum { PAIRS = 30, TURNS = 400, SEEDS = 8 };

static enum rw_loop_backend backend;
static struct world world;
static struct end ends[2 * PAIRS];
static struct rw_random dice;

static bool is_alive(const struct end *end)
{
    return end->is_open && !end->gone && !rw_stream_closing(&end->stream);
}

/* The accepting half of the array serves in order; a pair is used once. */
static void connect_one(int index)
{
    ends[index] = (struct end){
        .piece_bytes = 1 + rw_random_below(&dice, PATTERN_BYTES),
        .parts = 1 + (int)rw_random_below(&dice, RW_SEND_PARTS_MAX),
        .large = rw_random_below(&dice, 2),
        .no_close_at_end = rw_random_below(&dice, 2),
        .close_in = rw_random_below(&dice, 20) ? NOWHERE : IN_OPEN + rw_random_below(&dice, 4),
    };
    enum rw_err err = end_connect(&world, &ends[index]);
    assert_true(err == RW_OK || err == RW_EREFUSED);
}

static void act(struct end *end)
{
    switch (rw_random_below(&dice, 12)) {
    case 0:
    case 1:
    case 2:
        if (!end->shutdown_after_send && !end->send_failed &&
            end->to_send == end->sent + end->in_flight)
            end->to_send += 1 + rw_random_below(&dice, 1u << rw_random_below(&dice, 21));
        break;
    case 3:
    case 4:
        rw_stream_receive(&end->stream, false, false);
        break;
    case 5:
    case 6:
    case 7:
        rw_stream_receive(&end->stream, true, rw_random_below(&dice, 2));
        break;
    case 8:
        end->slow_ms = rw_random_below(&dice, 3);
        break;
    case 9:
        if (rw_random_below(&dice, 10) == 0)
            rw_stream_abort(&end->stream);
        break;
    case 10:
        if (rw_random_below(&dice, 10) == 0)
            rw_stream_close(&end->stream);
        break;
    }
    if (is_alive(end) && !end->finished)
        send_more(end);
}

static void half_close_some(struct end *end)
{
    if (is_alive(end) && !end->finished && !end->in_flight && end->sent == end->to_send &&
        !end->send_failed && rw_random_below(&dice, 40) == 0) {
        end->finished = true;
        rw_stream_shutdown(&end->stream);
    }
}

static void check(const struct end *end)
{
    assert_false(end->corrupt);
    assert_true(end->ends <= 1 && end->closes <= 1 && end->opens <= 1);
}

static void run(uint64_t seed)
{
    const struct rw_sim_faults faults = {.split = 2000, .send_pending = 3000, .send_partial = 2000};
    const char *address = backend == RW_LOOP_SIM ? "10.9.9.9:80" : "127.0.0.1:0";
    int connected = 0;
    memset(ends, 0, sizeof(ends));
    rw_random_seed(&dice, seed);
    assert_int_equal(world_try_open(&world, backend, address, &faults, seed), RW_OK);
    world.socket_bytes = seed % 2 ? 8192 : 0;
    world.accepting = &ends[PAIRS];
    world.accepting_end = &ends[2 * PAIRS];
    for (int i = 0; i < TURNS; i++) {
        if (connected < PAIRS && rw_random_below(&dice, 4) == 0)
            connect_one(connected++);
        for (int actions = 0; actions < 20; actions++) {
            struct end *end = &ends[rw_random_below(&dice, 2 * PAIRS)];
            if (is_alive(end))
                act(end);
            half_close_some(end);
        }
        rw_loop_turn(world.loop, (int)rw_random_below(&dice, 2));
    }
    for (int i = 0; i < 2 * PAIRS; i++)
        if (is_alive(&ends[i]))
            rw_stream_close(&ends[i].stream);
    for (int i = connected; i < PAIRS; i++)
        ends[i].gone = true;
    /* What was never let in before the others had closed. */
    for (int i = 0; i < PAIRS; i++)
        if (!ends[i].gone && !ends[i].is_open)
            rw_stream_close(&ends[i].stream);
    run_until_gone(&world, ends, PAIRS);
    idle(&world, 3);
    for (int i = 0; i < world.accepted; i++)
        if (is_alive(&ends[PAIRS + i]))
            rw_stream_close(&ends[PAIRS + i].stream);
    run_until_gone(&world, &ends[PAIRS], (size_t)world.accepted);
    for (int i = 0; i < 2 * PAIRS; i++)
        check(&ends[i]);
    world_close(&world);
}

struct place {
    enum rw_loop_backend backend;
    int descriptors_max;
    bool answers_first;
};

static void chaos(void **state)
{
    const struct place *place = *state;
    backend = place->backend;
    world_descriptors_max = place->descriptors_max;
    world_answers_first = place->answers_first;
    struct rw_loop_options options = {.backend = backend};
    struct rw_loop *loop;
    if (backend == RW_LOOP_IO_URING) {
        if (rw_loop_create(&options, &loop))
            skip();
        rw_loop_destroy(loop);
    }
    for (uint64_t seed = 1; seed <= SEEDS; seed++)
        run(seed);
}

int main(void)
{
    /* Number 12: some streams are parked, some are not. */
    static struct place places[] = {{RW_LOOP_EPOLL, 0, false},
                                    {RW_LOOP_SIM, 0, false},
                                    {RW_LOOP_IO_URING, 0, false},
                                    {RW_LOOP_IO_URING, 0, true},
                                    {RW_LOOP_IO_URING, 12, true}};
    const struct CMUnitTest tests[] = {
        {"chaos on epoll", chaos, NULL, NULL, &places[0]},
        {"chaos in the simulation", chaos, NULL, NULL, &places[1]},
        {"chaos on io_uring", chaos, NULL, NULL, &places[2]},
        {"chaos on io_uring, answers first", chaos, NULL, NULL, &places[3]},
        {"chaos on io_uring, some parked", chaos, NULL, NULL, &places[4]},
    };
    rw_log_set_level(RW_LOG_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
