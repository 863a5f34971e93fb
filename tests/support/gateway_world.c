#include "support/gateway_world.h"
#include "gate/cluster/overload/limiter.h"

#include "base/alloc.h"
#include "gate/cluster/cluster.h"
#include "gate/cluster/pool/pool.h"
#include "gate/known/known_store.h"
#include "gate/limit/meter.h"
#include "origin/registry.h"
#include "policy/registry.h"
#include "support/filter_policy.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    STEPS_MAX = 2000000,
    STEPS_AT_ONCE = 1000,
    ARENA_BYTES_MAX = 16 << 20,
    DRAIN_SLACK_MS = 100,
    SERIES_MAX = 16,
    BYTES_PER_CONNECTION = 4 * RW_BUF_LARGE_BYTES, /* in, out, held, waiting */
};

/* ---- Telling ---- */

void rw_test_trace(struct rw_test_world *world, const char *format, ...)
{
    if (!world->verbose)
        return;
    va_list args;
    va_start(args, format);
    printf("%8" PRIu64 " ms %6" PRIu64 "  ", rw_sim_now_ms(world->sim), rw_sim_steps(world->sim));
    vprintf(format, args);
    printf("\n");
    va_end(args);
    fflush(stdout);
}

void rw_test_fail(struct rw_test_world *world, const char *format, ...)
{
    if (world->failed)
        return;
    va_list args;
    va_start(args, format);
    printf("WRONG: ");
    vprintf(format, args);
    printf(" (at %" PRIu64 " ms, step %" PRIu64 ")\n", rw_sim_now_ms(world->sim),
           rw_sim_steps(world->sim));
    va_end(args);
    fflush(stdout);
    world->failed = true;
}

/* ---- Services for peers ---- */

void rw_test_later(struct rw_test_world *world, uint32_t ms, void (*run)(void *user), void *user)
{
    while (rw_sim_at(world->sim, rw_sim_now_ms(world->sim) + ms, run, user) == RW_ENOMEM)
        rw_alloc_fail_never();
}

bool rw_test_send(struct rw_sim_socket *socket, struct rw_span bytes)
{
    enum rw_err err;
    while ((err = rw_sim_peer_send(socket, bytes)) == RW_ENOMEM)
        rw_alloc_fail_never();
    return err == RW_OK;
}

uint32_t rw_test_below(struct rw_test_world *world, uint32_t bound)
{
    return rw_random_below(&world->random, bound);
}

bool rw_test_chance(struct rw_test_world *world, unsigned percent)
{
    return rw_test_below(world, 100) < percent;
}

uint32_t rw_test_pause(struct rw_test_world *world, const struct rw_test_pace *pace)
{
    return pace->pause_ms_max ? rw_test_below(world, pace->pause_ms_max + 1) : 0;
}

void rw_test_bytes_add(struct rw_test_bytes *bytes, const char *at, size_t len)
{
    if (bytes->len + len > bytes->room) {
        bytes->room = (bytes->len + len) * 2;
        bytes->at = realloc(bytes->at, bytes->room);
        rw_assert(bytes->at);
    }
    if (len)
        memcpy(bytes->at + bytes->len, at, len);
    bytes->len += len;
}

void rw_test_bytes_format(struct rw_test_bytes *bytes, const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    int len = vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    rw_assert(len >= 0 && (size_t)len < sizeof(text));
    rw_test_bytes_add(bytes, text, (size_t)len);
}

static void add_content(struct rw_test_bytes *bytes, uint32_t len, uint32_t id,
                        enum rw_test_side side, uint64_t offset)
{
    char block[1024];
    while (len) {
        uint32_t part = len < sizeof(block) ? len : (uint32_t)sizeof(block);
        rw_test_body_fill(block, part, id, side, offset);
        rw_test_bytes_add(bytes, block, part);
        offset += part;
        len -= part;
    }
}

void rw_test_bytes_body(struct rw_test_world *world, struct rw_test_bytes *bytes,
                        enum rw_test_body framing, uint32_t len, uint32_t id,
                        enum rw_test_side side, bool trailers)
{
    uint32_t offset = 0;
    if (framing != RW_TEST_BODY_CHUNKED) {
        add_content(bytes, len, id, side, 0);
        return;
    }
    while (offset < len) {
        uint32_t limit = rw_test_chance(world, 50) ? 40 : 20000;
        uint32_t part = 1 + rw_test_below(world, limit);
        part = part < len - offset ? part : len - offset;
        const char *format = rw_test_chance(world, 50) ? "%x%s\r\n" : "%X%s\r\n";
        rw_test_bytes_format(bytes, format, part, rw_test_chance(world, 10) ? ";note=\"a b\"" : "");
        add_content(bytes, part, id, side, offset);
        rw_test_bytes_format(bytes, "\r\n");
        offset += part;
    }
    rw_test_bytes_format(bytes, "0\r\n");
    if (trailers)
        rw_test_bytes_format(bytes, "X-Sum: %u\r\n", id);
    rw_test_bytes_format(bytes, "\r\n");
}

/* ---- What always holds ---- */

static void check_buffers(struct rw_test_world *world, const struct rw_worker *worker)
{
    size_t in_use = rw_loop_buffers(worker->loop)->in_use_bytes;
    size_t streams = worker->h2_streams.in_use;
    size_t copies = world->copies_max;
    size_t connections = worker->front_count + worker->upstream_count + streams + 1;
    if (in_use > world->buffer_peak_bytes)
        world->buffer_peak_bytes = in_use;
    if (in_use > connections * BYTES_PER_CONNECTION)
        rw_test_fail(world, "%zu bytes of buffers for %zu connections", in_use, connections);
    if (worker->exchanges.in_use > worker->front_count + streams + copies)
        rw_test_fail(world, "%zu exchanges for %zu client connections and %zu streams",
                     worker->exchanges.in_use, worker->front_count, streams);
}

void rw_test_check(struct rw_test_world *world)
{
    for (unsigned i = 0; i < RW_TEST_WORKERS; i++)
        check_buffers(world, &world->workers[i]);
    rw_test_waiting_look(world);
    if (world->draining && world->drained < RW_TEST_WORKERS &&
        rw_sim_now_ms(world->sim) > world->drain_due_ms + DRAIN_SLACK_MS)
        rw_test_fail(world, "the drain goes on past its deadline");
}

/* ---- Life ---- */

/* What was learned can be read by another process, whatever has failed meanwhile. */
static bool store_known(void *user)
{
    struct rw_test_world *world = user;
    const struct rw_known_options options = {.loop = world->workers[0].loop};
    struct rw_known *copy = NULL;
    struct rw_text text = {0};
    rw_known_write(world->known, &text);
    enum rw_err err = text.err ? text.err : rw_known_create(&options, &copy);
    if (!err)
        err = rw_known_read(copy, rw_text_span(&text));
    rw_assert(!err || err == RW_ENOMEM);
    rw_known_destroy(copy);
    rw_text_free(&text);
    return !err;
}

static void create_workers(struct rw_test_world *world, size_t buffer_bytes_max)
{
    struct rw_worker_options options = {
        .loop = {.backend = RW_LOOP_SIM, .sim = world->sim, .buffer_bytes_max = buffer_bytes_max},
        .user = world,
    };
    enum rw_err err = rw_metrics_create(RW_TEST_WORKERS, SERIES_MAX, &world->metrics);
    rw_assert(!err);
    for (unsigned i = 0; i < RW_TEST_WORKERS; i++) {
        options.index = i;
        options.metrics = rw_metrics_shard(world->metrics, i);
        err = rw_worker_create(&options, &world->workers[i]);
        rw_assert(!err);
        world->peers[i] = &world->workers[i];
        world->workers[i].peers = world->peers;
        world->workers[i].peer_count = RW_TEST_WORKERS;
    }
    const struct rw_known_options known = {
        .loop = world->workers[0].loop, .changed = store_known, .user = world};
    err = rw_known_create(&known, &world->known);
    rw_assert(!err);
    struct rw_clusters_options clusters = {.metrics = world->metrics, .known = world->known};
    if (world->discovers || world->probed)
        clusters.loop = world->workers[0].loop; /* the control thread's, too */
    err = rw_clusters_create(&clusters, &world->clusters);
    rw_assert(!err);
}

/* Those of the program, and what only tests have. */
static void register_kinds(void)
{
    static const struct rw_conf_variant_kind *policies[64];
    size_t count = 0;
    for (; rw_policy_kinds[count]; count++)
        policies[count] = rw_policy_kinds[count];
    rw_assert(count + 2 <= sizeof(policies) / sizeof(*policies));
    policies[count] = &rw_test_doubling;
    rw_config_register(rw_origin_kinds, policies);
}

void rw_test_world_create(struct rw_test_world *world, uint64_t seed,
                          const struct rw_sim_faults *faults, size_t buffer_bytes_max)
{
    register_kinds();
    enum rw_err err = rw_sim_create(seed, faults, &world->sim);
    rw_assert(!err);
    create_workers(world, buffer_bytes_max);
    for (unsigned i = 0; i < RW_TEST_LISTENERS_MAX; i++) {
        err = rw_address_parse_ip(RW_LITERAL("10.2.0.1"), (uint16_t)(80 + i), &world->addresses[i]);
        rw_assert(!err);
        err = rw_sim_listen(world->sim, rw_address_sockaddr(&world->addresses[i]),
                            world->addresses[i].bytes, &world->fds[i]);
        rw_assert(!err);
    }
    rw_test_sticky_begin(world);
    /* What the configuration has by default. */
    world->tries_max = 3;
    world->retries_max = (struct rw_retry_budget_settings){20, 10, 1000};
    world->started_ms = rw_loop_now_ms(world->workers[0].loop);
}

static void destroy_snapshot(struct rw_task *task)
{
    struct rw_snapshot *snapshot = rw_container_of(task, struct rw_snapshot, task);
    struct rw_test_world *world = snapshot->user;
    rw_snapshot_destroy(snapshot, world->clusters);
    world->snapshots_alive--;
}

static void release_snapshot(struct rw_snapshot *snapshot)
{
    struct rw_test_world *world = snapshot->user;
    for (unsigned i = 0; i < snapshot->worker_count; i++)
        rw_assert(snapshot->pins[i].count == 0);
    snapshot->task.run = destroy_snapshot;
    rw_loop_post(world->workers[0].loop, &snapshot->task);
}

static struct rw_snapshot *compile(struct rw_test_world *world, const char *yaml)
{
    struct rw_arena arena;
    struct rw_conf_report report = {.file = RW_LITERAL("simulation")};
    struct rw_config *config = NULL;
    struct rw_snapshot *snapshot = NULL;
    struct rw_snapshot_options options = {
        .clusters = world->clusters,
        .metrics = world->metrics,
        .meters = world->meters,
        .release_states = world->release_states,
        .workers = RW_TEST_WORKERS,
        .generation = ++world->generation,
    };
    rw_arena_init(&arena, NULL, 0, 16 * 1024, ARENA_BYTES_MAX);
    enum rw_err err =
        rw_config_load_text(rw_span_text(yaml), "simulation", &arena, &config, &report);
    if (!err)
        err = rw_snapshot_create(&options, &arena, config, &report, &snapshot);
    if (err) {
        struct rw_text text = {0};
        rw_conf_report_print(&report, &text);
        printf("%s\n%.*s%s\n", yaml, RW_SPAN_ARGS(rw_text_span(&text)), rw_err_text(err));
        fflush(stdout);
        abort();
    }
    return snapshot;
}

void rw_test_world_adopt(struct rw_test_world *world, const char *yaml)
{
    struct rw_snapshot *snapshot = compile(world, yaml), *old = world->snapshot;
    snapshot->release = release_snapshot;
    snapshot->user = world;
    world->snapshots_alive++;
    for (unsigned i = 0; i < snapshot->listener_count; i++)
        for (unsigned j = 0; j < RW_TEST_LISTENERS_MAX; j++)
            if (rw_address_eq(&snapshot->listeners[i].address.storage,
                              &world->addresses[j].storage))
                snapshot->listeners[i].fds[j] = world->fds[j];
    rw_snapshot_hold(snapshot, RW_TEST_WORKERS);
    for (unsigned i = 0; i < RW_TEST_WORKERS; i++)
        rw_worker_adopt(&world->workers[i], snapshot);
    world->snapshot = snapshot;
    rw_test_health_adopted(world);
    rw_test_rollout_adopted(world);
    if (old)
        rw_snapshot_drop(old);
    char *kept = strdup(yaml); /* which may be the one in force */
    rw_assert(kept);
    free(world->yaml);
    world->yaml = kept;
    rw_test_trace(world, "configuration %" PRIu64 " is in force", world->generation);
}

void rw_test_world_start(struct rw_test_world *world)
{
    for (unsigned i = 0; i < world->origin_count; i++)
        rw_test_origin_listen(&world->origins[i]);
    for (unsigned i = 0; i < world->origin_count && world->nexts[i].world; i++)
        rw_test_origin_listen(&world->nexts[i]);
    rw_test_shadow_listen(world);
    rw_test_directory_listen(world);
    rw_test_health_start(world);
    rw_test_rollout_start(world);
    for (unsigned i = 0; i < world->client_count; i++)
        rw_test_client_start(&world->clients[i]);
}

void rw_test_world_run(struct rw_test_world *world, uint64_t ms_max)
{
    uint64_t until_ms = rw_sim_now_ms(world->sim) + ms_max;
    while (!world->failed && rw_sim_now_ms(world->sim) < until_ms) {
        uint64_t steps = rw_sim_steps(world->sim);
        uint64_t left_ms = until_ms - rw_sim_now_ms(world->sim);
        bool closely = world->directory || world->probed;
        bool quiet = rw_sim_run(world->sim, left_ms, closely ? 1 : STEPS_AT_ONCE);
        if (quiet)
            break;
        rw_test_health_look(world);
        if (world->directory)
            rw_test_directory_look(world);
        if (rw_sim_steps(world->sim) > STEPS_MAX)
            rw_test_fail(world, "it goes on and on: %" PRIu64 " steps", steps);
        if (!world->probed || rw_sim_steps(world->sim) % STEPS_AT_ONCE == 0)
            rw_test_check(world); /* in the middle of a turn what ends is still half there */
    }
}

static void on_drained(struct rw_worker *worker)
{
    struct rw_test_world *world = worker->user;
    if (++world->drained > RW_TEST_WORKERS)
        rw_test_fail(world, "drained twice");
    if (rw_sim_now_ms(world->sim) > world->drain_due_ms + DRAIN_SLACK_MS)
        rw_test_fail(world, "drained after the deadline");
    world->health.drains += world->probed && world->health.phase != RW_TEST_HEALTH_OVER;
    rw_test_trace(world, "drained");
}

void rw_test_world_drain(struct rw_test_world *world, uint32_t ms)
{
    rw_test_trace(world, "drain within %u ms", ms);
    world->draining = true;
    world->drain_due_ms = rw_sim_now_ms(world->sim) + ms;
    for (unsigned i = 0; i < RW_TEST_WORKERS; i++)
        rw_worker_drain(&world->workers[i], world->drain_due_ms, on_drained);
}

/* ---- The end ---- */

static void expect_zero(struct rw_test_world *world, const char *what, int64_t value)
{
    if (value)
        rw_test_fail(world, "left over: %s %" PRId64, what, value);
}

static void check_gauges(struct rw_test_world *world)
{
    expect_zero(world, "requests active",
                rw_metrics_total(world->metrics, RW_COUNTER_REQUESTS_ACTIVE));
    expect_zero(world, "tunnels open", rw_metrics_total(world->metrics, RW_COUNTER_TUNNELS_OPEN));
    expect_zero(world, "WebSockets open",
                rw_metrics_total(world->metrics, RW_COUNTER_WEBSOCKETS_OPEN));
    expect_zero(world, "connections open",
                rw_metrics_total(world->metrics, RW_COUNTER_CONNECTIONS_OPEN));
    expect_zero(world, "HTTP/2 connections open",
                rw_metrics_total(world->metrics, RW_COUNTER_HTTP2_OPEN));
    expect_zero(world, "upstream connections open",
                rw_metrics_total(world->metrics, RW_COUNTER_UPSTREAM_OPEN));
}

static void check_endpoints(struct rw_test_world *world)
{
    for (unsigned i = 0; i < world->snapshot->cluster_count; i++) {
        const struct rw_endpoint_set *set = atomic_load(&world->snapshot->clusters[i]->set);
        for (unsigned j = 0; j < set->count; j++) {
            expect_zero(world, "endpoint's open", atomic_load(&set->endpoints[j]->open));
            expect_zero(world, "endpoint's active", atomic_load(&set->endpoints[j]->active));
            expect_zero(world, "endpoint's waiting", rw_waiters_any(&set->endpoints[j]->waiting));
        }
    }
}

static void check_worker(struct rw_test_world *world, const struct rw_worker *worker)
{
    expect_zero(world, "client connections", (int64_t)worker->front_count);
    expect_zero(world, "upstream connections", (int64_t)worker->upstream_count);
    expect_zero(world, "exchanges", (int64_t)worker->exchanges.in_use);
    expect_zero(world, "streams", (int64_t)worker->h2_streams.in_use);
    expect_zero(world, "connection objects", (int64_t)worker->connections.in_use);
    expect_zero(world, "bytes of buffers", (int64_t)rw_loop_buffers(worker->loop)->in_use_bytes);
    expect_zero(world, "pins", (int64_t)world->snapshot->pins[worker->index].count);
}

static void check_workers(struct rw_test_world *world)
{
    for (unsigned i = 0; i < RW_TEST_WORKERS; i++)
        check_worker(world, &world->workers[i]);
    check_gauges(world);
    check_endpoints(world);
    if (world->draining && world->drained < RW_TEST_WORKERS)
        rw_test_fail(world, "never drained");
}

static void close_workers(struct rw_test_world *world)
{
    for (unsigned i = 0; i < RW_TEST_WORKERS; i++)
        rw_worker_close(&world->workers[i]);
    /* What they have to tell each other, and snapshots that nobody holds any more. */
    for (int turn = 0; turn < 10; turn++)
        for (unsigned i = 0; i < RW_TEST_WORKERS; i++)
            rw_loop_turn(world->workers[i].loop, 0);
}

/* Each exchange is logged once: what clients saw of exchanges is all in the metrics. */
static void check_metrics(struct rw_test_world *world)
{
    static const char *const routes[] = {"origin", "fixed", "_none"};
    uint64_t logged[6] = {0}, seen[6] = {0}, begun = 0, all = 0;
    for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
        struct rw_series_cell cell = {0};
        rw_metrics_series_total(world->metrics,
                                rw_metrics_series(world->metrics, RW_SERIES_ROUTE,
                                                  rw_span_text(routes[i]), (struct rw_span){0}),
                                &cell);
        for (unsigned class = 0; class < 6; class ++)
            logged[class] += cell.status[class];
    }
    for (unsigned i = 0; i < world->request_count; i++) {
        const struct rw_test_request *request = &world->requests[i];
        seen[request->answered_status / 100]++;
        /* Bytes for a tunnel that is refused look like one more bad request. */
        begun += request->head_sent + (request->head_sent && request->hasty);
    }
    /* The beginning of a preface of HTTP/2 may be half a head of HTTP/1.1. */
    for (unsigned i = 0; i < world->client_count; i++)
        begun += world->clients[i].speaks_h2 && world->clients[i].sending == 0;
    for (unsigned class = 0; class < 6; class ++) {
        all += logged[class];
        if (class && seen[class] > logged[class])
            rw_test_fail(world, "%" PRIu64 " answers of class %u, %" PRIu64 " logged", seen[class],
                         class, logged[class]);
    }
    if (all > begun)
        rw_test_fail(world, "%" PRIu64 " requests, %" PRIu64 " logged", begun, all);
}

/* What happened to all upstreams is what happened to each. */
static void check_events(struct rw_test_world *world)
{
    static const struct {
        enum rw_upstream_event event;
        enum rw_counter counter;
    } all[] = {
#define PAIR(id, name, counter) {RW_UPSTREAM_EVENT_##id, RW_COUNTER_##counter},
        RW_UPSTREAM_EVENTS(PAIR)
#undef PAIR
    };
    static const char *const upstreams[] = {"app", "next", "shadow", "name", "port"};
    struct rw_series_cell cell = {0};
    for (size_t i = 0; i < sizeof(upstreams) / sizeof(*upstreams); i++)
        rw_metrics_series_total(world->metrics,
                                rw_metrics_series(world->metrics, RW_SERIES_UPSTREAM,
                                                  rw_span_text(upstreams[i]), (struct rw_span){0}),
                                &cell);
    for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
        if ((int64_t)cell.buckets[all[i].event] != rw_metrics_total(world->metrics, all[i].counter))
            rw_test_fail(world, "%s: %" PRIu64 " in the upstreams, %" PRId64 " in all",
                         rw_upstream_event_name(all[i].event), cell.buckets[all[i].event],
                         rw_metrics_total(world->metrics, all[i].counter));
}

/* What may be sent again must not have been looked at. */
static void check_refused(struct rw_test_world *world)
{
    for (unsigned i = 0; i < world->request_count; i++)
        if (world->requests[i].refused && world->requests[i].arrivals)
            rw_test_fail(world, "request %u was refused, and yet sent on", i);
}

/* Each worker has its part, at least one; and begins with all of it. */
static void check_budget(struct rw_test_world *world)
{
    const struct rw_retry_budget_settings *most = &world->retries_max;
    uint64_t elapsed_ms = rw_loop_now_ms(world->workers[0].loop) - world->started_ms;
    uint64_t burst = most->burst > RW_TEST_WORKERS ? most->burst : RW_TEST_WORKERS;
    uint64_t allowed = burst + world->request_count * most->percent / 100 +
                       elapsed_ms * most->per_second / 1000 + RW_TEST_WORKERS;
    allowed *=
        1u + (world->copies_max != 0) + world->released; /* each upstream has a budget of its own */
    int64_t retries = rw_metrics_total(world->metrics, RW_COUNTER_UPSTREAM_RETRIES);
    if (retries > (int64_t)allowed)
        rw_test_fail(world, "%" PRId64 " requests were repeated, %" PRIu64 " are allowed", retries,
                     allowed);
}

static void check_limiters(struct rw_test_world *world)
{
    for (unsigned i = 0; i < world->snapshot->cluster_count; i++) {
        const struct rw_limiter *limiter = world->snapshot->clusters[i]->limiter;
        if (limiter) {
            expect_zero(world, "requests in the limiter", atomic_load(&limiter->in_flight));
            expect_zero(world, "workers that wait", rw_waiters_any(&limiter->waiting));
        }
    }
}

static void check_answers(struct rw_test_world *world)
{
    check_refused(world);
    for (unsigned i = 0; i < world->client_count; i++) {
        const struct rw_test_client *client = &world->clients[i];
        if (!client->ended)
            rw_test_fail(world, "client %u never ended", i);
        for (unsigned j = 0; j < client->count && world->strict; j++) {
            const struct rw_test_request *request = &world->requests[client->first + j];
            bool unasked =
                client->h2 ? !request->head_sent || request->refused : j >= client->answered;
            if (request->result == RW_TEST_COMPLETE || (client->said_close && unasked))
                continue;
            rw_test_fail(world, "request %u was not answered though nothing failed", request->id);
        }
    }
}

static void let_go(struct rw_test_world *world)
{
    rw_snapshot_drop(world->snapshot);
    close_workers(world);
    expect_zero(world, "snapshots", world->snapshots_alive);
    rw_known_destroy(world->known);
    for (unsigned i = 0; i < RW_TEST_WORKERS; i++)
        rw_worker_destroy(&world->workers[i]);
    rw_clusters_destroy(world->clusters);
    rw_metrics_destroy(world->metrics);
    rw_meters_destroy(world->meters);
    rw_sim_destroy(world->sim);
    for (unsigned i = 0; i < world->client_count; i++)
        rw_test_client_free(&world->clients[i]);
    rw_test_connections_free(world);
    rw_test_shadows_free(world);
    rw_test_directory_free(world);
    rw_test_rollout_free(world);
    free(world->yaml);
    free(world->clients);
    for (unsigned i = 0; i < world->request_count; i++)
        free(world->requests[i].coded.at);
    free(world->requests);
}

bool rw_test_world_end(struct rw_test_world *world, bool quiet)
{
    rw_alloc_fail_never();
    rw_test_health_stop(world);
    if (!quiet && !world->failed)
        close_workers(world); /* in the middle of everything */
    if (!world->failed)
        check_workers(world);
    if (!world->failed)
        check_metrics(world);
    if (!world->failed)
        check_events(world);
    if (!world->failed)
        check_budget(world);
    if (!world->failed)
        check_limiters(world);
    if (!world->failed)
        rw_test_limits_check(world);
    if (quiet && !world->failed)
        check_answers(world);
    if (quiet && !world->failed)
        rw_test_directory_check(world);
    if (world->failed)
        return false; /* what is left tells nothing more */
    let_go(world);
    return !world->failed;
}
