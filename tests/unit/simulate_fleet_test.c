/* What changes the fleet: deploys within their bounds, zones and nodes that die and come back, an
 * autoscaler that goes up at once and down late, users who find their way back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "simulate/run.h"

#include <math.h>
#include <stdio.h>

enum { SECONDS_MAX = 2000 };

/* What the fleet was in each second. */
struct film {
    struct {
        unsigned alive, serving, draining, old;
        unsigned in_zone[3];
        double connections, handshakes, wanted;
        uint64_t failed;
    } seconds[SECONDS_MAX];
    unsigned count;
};

static struct film film;

static void record(const struct rw_simulate_world *world, void *user)
{
    const struct rw_simulate_fleet *fleet = &world->fleet;
    (void)user;
    assert_true(film.count < SECONDS_MAX);
    for (uint32_t i = 0; i < fleet->count; i++) {
        const struct rw_simulate_node *node = &fleet->nodes[i];
        bool serves = rw_simulate_node_serves(node);
        film.seconds[film.count].alive += node->state <= RW_SIMULATE_SERVING;
        film.seconds[film.count].serving += serves;
        film.seconds[film.count].draining += node->state == RW_SIMULATE_DRAINING;
        film.seconds[film.count].old += serves && node->generation == 0;
        film.seconds[film.count].in_zone[node->zone] += serves;
        film.seconds[film.count].handshakes += node->handshakes;
    }
    film.seconds[film.count].connections = fleet->connections_held;
    film.seconds[film.count].wanted = fleet->wanted;
    film.seconds[film.count].failed = rw_simulate_ledger_failed(world->ledger);
    film.count++;
}

static void shoot(const char *yaml)
{
    struct rw_arena arena;
    struct rw_simulate_model *model;
    struct rw_conf_report report = {0};
    struct rw_text text = {0};
    film = (struct film){.count = 0};
    rw_arena_init(&arena, NULL, 0, 4096, 16 << 20);
    enum rw_err err = rw_simulate_read_text(rw_span_text(yaml), "s.yaml", &arena, &model, &report);
    rw_conf_report_print(&report, &text);
    if (err)
        fail_msg("%s", text.at ? text.at : rw_err_text(err));
    rw_text_free(&text);
    struct rw_simulate_run run = {.model = model, .runs = 1, .look = record};
    assert_int_equal(rw_simulate_run(&run), RW_OK);
    rw_simulate_run_close(&run);
    rw_arena_free(&arena);
}

#define REQUEST "request: { cpu_us: 1000 }\nmethod: sampled\nduration: 900s\n"

static void test_a_deploy_keeps_within_its_bounds(void **state)
{
    static const struct {
        unsigned surge, unavailable;
    } cases[] = {{1, 0}, {3, 0}, {0, 2}, {2, 1}};
    (void)state;
    for (size_t c = 0; c < sizeof(cases) / sizeof(*cases); c++) {
        char yaml[512];
        snprintf(yaml, sizeof(yaml),
                 REQUEST "fleet: { name: n, cores: 2, nodes: 10 }\n"
                         "arrivals: { users: 5000 }\n"
                         "deploys: { at: 60s, surge: %u, unavailable: %u, ready_after: 20s,"
                         " drain: 15s }\n",
                 cases[c].surge, cases[c].unavailable);
        shoot(yaml);
        for (unsigned i = 0; i < film.count; i++) {
            assert_true(film.seconds[i].alive <= 10 + cases[c].surge);
            assert_true(film.seconds[i].serving >= 10 - cases[c].unavailable);
        }
        assert_int_equal(film.seconds[59].old, 10);
        assert_int_equal(film.seconds[899].old, 0);
        assert_int_equal(film.seconds[899].serving, 10);
        assert_int_equal(film.seconds[899].draining, 0);
        /* Whoever is drained fails nobody. */
        assert_int_equal(film.seconds[899].failed, 0);
    }
}

static void test_a_zone_is_gone_and_comes_back(void **state)
{
    (void)state;
    shoot(REQUEST "fleet: { name: n, cores: 2, nodes: 9, zones: [a, b, c] }\n"
                  "arrivals: { rate: 1000 }\n"
                  "health: { detect: 10s, ready_after: 30s }\n"
                  "failures: { zone: { name: b, at: 100s, for: 200s } }\n");
    assert_int_equal(film.seconds[99].in_zone[1], 3);
    assert_int_equal(film.seconds[100].serving, 6);
    assert_true(film.seconds[109].failed > film.seconds[100].failed);
    /* Found dead after 10 s, replaced 30 s later, elsewhere. */
    assert_int_equal(film.seconds[139].serving, 6);
    assert_int_equal(film.seconds[142].serving, 9);
    assert_int_equal(film.seconds[142].in_zone[1], 0);
    assert_int_equal(film.seconds[142].in_zone[0] + film.seconds[142].in_zone[2], 9);
    assert_int_equal(film.seconds[899].failed, film.seconds[112].failed);
    shoot(REQUEST "fleet: { name: n, cores: 2, nodes: 9, zones: [a, b, c] }\n"
                  "arrivals: { rate: 1000 }\n"
                  "health: { detect: 10s, replace: false }\n"
                  "failures: { zone: { name: b, at: 100s, for: 200s } }\n");
    assert_int_equal(film.seconds[299].serving, 6);
    assert_int_equal(film.seconds[301].serving, 9);
    assert_int_equal(film.seconds[301].in_zone[1], 3);
}

static void test_users_come_back(void **state)
{
    (void)state;
    shoot(REQUEST "fleet: { name: n, cores: 2, nodes: 4 }\n"
                  "connection: { handshakes_per_cpu_second: 1000 }\n"
                  "arrivals: { users: 4000, think: 10s }\n"
                  "balance: connections\n"
                  "health: { detect: 5s, reconnect: 20s, ready_after: 60s }\n"
                  "failures: { nodes: { at: 100s } }\n");
    assert_true(fabs(film.seconds[99].connections - 4000) < 1);
    assert_true(film.seconds[100].connections < 3100);
    /* Evenly, over 20 s; who is sent to the dead one tries again. */
    assert_true(film.seconds[110].connections > 3200 && film.seconds[110].connections < 3800);
    assert_true(film.seconds[105].handshakes > 20 && film.seconds[105].handshakes < 100);
    assert_true(fabs(film.seconds[140].connections - 4000) < 1);
    assert_true(film.seconds[99].failed == 0 && film.seconds[140].failed > 0);
    assert_int_equal(film.seconds[899].failed, film.seconds[140].failed);
}

static void test_up_at_once_down_late(void **state)
{
    (void)state;
    shoot(REQUEST "fleet: { name: n, cores: 2, nodes: 4, min: 2, max: 30 }\n"
                  "arrivals: { rate: 4000, spikes: { at: 200s, for: 100s, factor: 4 } }\n"
                  "autoscaling: { target_percent: 50, ready_after: 30s, down_window: 5m }\n");
    assert_int_equal(film.seconds[199].wanted, 4);
    /* Twice as many in a step, and again, until 16 cores' work is half of what there is. */
    assert_true(film.seconds[216].wanted > 4);
    assert_true(film.seconds[299].serving >= 14 && film.seconds[299].serving <= 20);
    /* The most of five minutes counts. */
    assert_true(film.seconds[580].serving >= 14);
    /* Rounded up: four nodes would be just as busy as they are to be. */
    assert_true(film.seconds[720].serving <= 5);
    for (unsigned i = 0; i < film.count; i++)
        assert_true(film.seconds[i].alive >= 2 && film.seconds[i].alive <= 30);
}

static void test_memory_makes_it_grow(void **state)
{
    (void)state;
    shoot(REQUEST "fleet: { name: n, cores: 2, memory: 64MiB, nodes: 2, max: 20 }\n"
                  "connection: { memory: 16KiB }\n"
                  "arrivals: { users: 20000, think: 200s }\n"
                  "autoscaling: { memory_percent: 50, ready_after: 30s }\n");
    /* 313 MiB, half of which is 10 nodes. Before, there is no room for all. */
    assert_true(film.seconds[10].connections < 9000);
    assert_true(film.seconds[899].serving >= 9 && film.seconds[899].serving <= 11);
    assert_true(fabs(film.seconds[899].connections - 20000) < 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_deploy_keeps_within_its_bounds),
        cmocka_unit_test(test_a_zone_is_gone_and_comes_back),
        cmocka_unit_test(test_users_come_back),
        cmocka_unit_test(test_up_at_once_down_late),
        cmocka_unit_test(test_memory_makes_it_grow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
