/* A relay between scripted clients and a scripted origin, under every fault, replayed from one
 * number.
 *
 * Each client sends its own bytes, the origin sends them back, the relay moves them with
 * back-pressure. Whatever the faults: no byte is changed, everything is closed in the end, and the
 * same seed gives the same run.
 */
#include "base/alloc.h"
#include "base/log.h"
#include "io/address.h"
#include "io/loop.h"
#include "io/sim.h"
#include "io/stream.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

enum { CLIENTS = 12, BYTES_MAX = 200000, RUN_MS_MAX = 600000, STEPS_MAX = 2000000 };

/* ---- The relay ---- */

struct half {
    struct rw_stream stream;
    struct flow *flow;
    struct rw_buf *sending; /* of the other half's, on its way out here */
    bool open, ended, closed;
};

struct flow {
    struct half client, origin;
    struct rw_timer deadline;
};

static struct rw_sim *sim;
static struct rw_loop *loop;
static struct rw_listener listener;
static struct rw_address front, back;
static int flows_open;
static bool listener_closed;

static struct half *half_of(struct rw_stream *stream)
{
    return rw_container_of(stream, struct half, stream);
}

static struct half *other(struct half *half)
{
    return half == &half->flow->client ? &half->flow->origin : &half->flow->client;
}

static void end_flow(struct flow *flow)
{
    rw_stream_close(&flow->client.stream);
    if (!flow->origin.closed)
        rw_stream_close(&flow->origin.stream);
}

static void relay_on_closed(struct rw_stream *stream)
{
    struct half *half = half_of(stream);
    struct flow *flow = half->flow;
    half->closed = true;
    rw_buf_drop(half->sending);
    half->sending = NULL;
    if (!flow->client.closed || !flow->origin.closed)
        return;
    rw_timer_stop(loop, &flow->deadline);
    rw_free(flow);
    flows_open--;
}

static void relay_sent(struct half *to)
{
    rw_buf_drop(to->sending);
    to->sending = NULL;
    if (other(to)->ended)
        rw_stream_shutdown(&to->stream);
    else
        rw_stream_receive(&other(to)->stream, true, true);
}

static void relay_on_data(struct rw_stream *stream, struct rw_buf *buf)
{
    struct half *from = half_of(stream), *to = other(from);
    struct rw_span bytes = rw_buf_span(buf);
    struct iovec parts[2] = {{(void *)bytes.at, bytes.len / 2},
                             {(void *)(bytes.at + bytes.len / 2), bytes.len - bytes.len / 2}};
    int first = bytes.len < 2;
    assert_null(to->sending);
    to->sending = buf;
    rw_stream_receive(stream, false, false);
    enum rw_send result = rw_stream_send(&to->stream, parts + first, 2 - first);
    if (result == RW_SEND_DONE)
        relay_sent(to);
    else if (result == RW_SEND_FAILED)
        end_flow(from->flow);
}

static void relay_on_sent(struct rw_stream *stream, enum rw_err err)
{
    struct half *half = half_of(stream);
    if (err)
        end_flow(half->flow);
    else
        relay_sent(half);
}

static void relay_on_end(struct rw_stream *stream, enum rw_err err)
{
    struct half *half = half_of(stream);
    assert_false(half->ended);
    half->ended = true;
    if (err || other(half)->ended)
        end_flow(half->flow);
    else
        rw_stream_shutdown(&other(half)->stream);
}

static void relay_on_open(struct rw_stream *stream, enum rw_err err)
{
    struct half *half = half_of(stream);
    if (err) {
        end_flow(half->flow);
        return;
    }
    rw_stream_receive(stream, true, true);
    rw_stream_receive(&other(half)->stream, true, true);
}

static const struct rw_stream_events relay_events = {
    .on_open = relay_on_open,
    .on_data = relay_on_data,
    .on_end = relay_on_end,
    .on_sent = relay_on_sent,
    .on_closed = relay_on_closed,
};

static void give_up(struct rw_timer *timer)
{
    end_flow(rw_container_of(timer, struct flow, deadline));
}

static void on_accept(struct rw_listener *on, int fd, const struct sockaddr_storage *peer)
{
    struct flow *flow = rw_alloc_zero(sizeof(*flow));
    assert_int_equal(peer->ss_family, AF_INET);
    if (!flow) {
        rw_listener_refuse(on, fd);
        return;
    }
    flow->client.flow = flow->origin.flow = flow;
    flow->deadline.fire = give_up;
    if (rw_stream_attach(loop, &flow->client.stream, &relay_events, fd, NULL)) {
        rw_free(flow);
        return;
    }
    flows_open++;
    rw_timer_start(loop, &flow->deadline, rw_loop_now_ms(loop) + 60000);
    struct rw_connect_options options = {.address = rw_address_sockaddr(&back),
                                         .address_bytes = back.bytes};
    flow->origin.closed =
        rw_stream_connect(loop, &flow->origin.stream, &relay_events, &options) != RW_OK;
    if (flow->origin.closed)
        rw_stream_close(&flow->client.stream);
}

static void on_listener_closed(struct rw_listener *on)
{
    (void)on;
    listener_closed = true;
}

/* ---- The scripts ---- */

struct script {
    struct rw_sim_socket *socket;
    size_t sent, received;
    bool opened, ended, changed;
    enum rw_err err;
};

static struct script clients[CLIENTS];
static char bytes_of[CLIENTS][BYTES_MAX];
static uint64_t trace;

static void note(uint64_t value)
{
    trace = (trace ^ value) * 0x100000001b3ull;
}

static void client_on_open(struct rw_sim_socket *socket, void *user, enum rw_err err)
{
    struct script *script = user;
    note(1000 + (uint64_t)err);
    script->opened = !err;
    script->err = err;
    if (err) {
        script->ended = true;
        rw_sim_peer_close(socket);
        return;
    }
    size_t index = (size_t)(script - clients);
    assert_int_equal(rw_sim_peer_send(socket, rw_span(bytes_of[index], script->sent)), RW_OK);
    rw_sim_peer_shutdown(socket);
}

static void client_on_data(struct rw_sim_socket *socket, void *user, struct rw_span bytes)
{
    struct script *script = user;
    (void)socket;
    note(bytes.len);
    assert_true(script->received + bytes.len <= script->sent);
    const char *expected = bytes_of[script - clients] + script->received;
    script->changed |= memcmp(expected, bytes.at, bytes.len) != 0;
    script->received += bytes.len;
}

static void client_on_end(struct rw_sim_socket *socket, void *user, enum rw_err err)
{
    struct script *script = user;
    note(2000 + (uint64_t)err);
    assert_false(script->ended);
    script->ended = true;
    script->err = err;
    rw_sim_peer_close(socket);
}

static const struct rw_sim_peer_events client_events = {client_on_open, client_on_data,
                                                        client_on_end, NULL};

static void origin_on_data(struct rw_sim_socket *socket, void *user, struct rw_span bytes)
{
    (void)user;
    note(bytes.len);
    if (rw_sim_peer_send(socket, bytes))
        rw_sim_peer_close(socket);
}

static void origin_on_end(struct rw_sim_socket *socket, void *user, enum rw_err err)
{
    (void)user;
    note(3000 + (uint64_t)err);
    if (err)
        rw_sim_peer_close(socket);
    else
        rw_sim_peer_shutdown(socket);
}

static void origin_on_drained(struct rw_sim_socket *socket, void *user)
{
    (void)socket, (void)user;
    note(4000);
}

static const struct rw_sim_peer_events origin_events = {NULL, origin_on_data, origin_on_end,
                                                        origin_on_drained};

static bool origin_on_connect(struct rw_sim_socket *socket, void *user,
                              const struct rw_sim_peer_events **events, void **socket_user)
{
    (void)user;
    *events = &origin_events;
    *socket_user = NULL;
    if (rw_random_below(rw_sim_random(sim), 8) == 0)
        rw_sim_peer_throttle(socket, 1 + rw_random_below(rw_sim_random(sim), 5000));
    return true;
}

/* ---- Runs ---- */

static void start_client(void *user)
{
    struct script *script = user;
    enum rw_err err = rw_sim_peer_connect(sim, rw_address_sockaddr(&front), front.bytes,
                                          &client_events, script, &script->socket);
    assert_int_equal(err, RW_OK);
}

static void open_relay(uint64_t seed, const struct rw_sim_faults *faults)
{
    struct rw_loop_options options = {.backend = RW_LOOP_SIM};
    assert_int_equal(rw_sim_create(seed, faults, &sim), RW_OK);
    options.sim = sim;
    assert_int_equal(rw_loop_create(&options, &loop), RW_OK);
    assert_int_equal(rw_address_parse(rw_span_text("10.1.1.1:80"), &front), RW_OK);
    assert_int_equal(rw_address_parse(rw_span_text("10.2.2.2:80"), &back), RW_OK);
    listener = (struct rw_listener){.on_accept = on_accept, .on_closed = on_listener_closed};
    enum rw_err err = rw_sim_listen(sim, rw_address_sockaddr(&front), front.bytes, &listener.fd);
    assert_int_equal(err, RW_OK);
    assert_int_equal(rw_listener_start(loop, &listener), RW_OK);
    err = rw_sim_peer_listen(sim, rw_address_sockaddr(&back), back.bytes, origin_on_connect, NULL);
    assert_int_equal(err, RW_OK);
}

static void start_clients(void)
{
    struct rw_random *random = rw_sim_random(sim);
    for (int i = 0; i < CLIENTS; i++) {
        clients[i] = (struct script){0};
        clients[i].sent = 1 + rw_random_below(random, 1u << rw_random_below(random, 17));
        for (size_t at = 0; at < clients[i].sent; at++)
            bytes_of[i][at] = (char)rw_random_u64(random);
        uint64_t due_ms = rw_sim_now_ms(sim) + rw_random_below(random, 50);
        assert_int_equal(rw_sim_at(sim, due_ms, start_client, &clients[i]), RW_OK);
    }
}

/* Returns how many clients got everything back. */
static int run(uint64_t seed, const struct rw_sim_faults *faults)
{
    int whole = 0;
    trace = 14695981039346656037ull;
    flows_open = 0;
    listener_closed = false;
    open_relay(seed, faults);
    start_clients();
    if (!rw_sim_run(sim, RUN_MS_MAX, STEPS_MAX))
        fail_msg("seed %llu does not come to an end", (unsigned long long)seed);
    for (int i = 0; i < CLIENTS; i++) {
        assert_false(clients[i].changed);
        whole += clients[i].ended && !clients[i].err && clients[i].received == clients[i].sent;
    }
    if (flows_open)
        fail_msg("seed %llu leaves %d flows", (unsigned long long)seed, flows_open);
    rw_listener_close(&listener);
    assert_true(rw_sim_run(sim, 1000, 1000));
    assert_true(listener_closed);
    note(rw_sim_now_ms(sim));
    note(rw_sim_steps(sim));
    rw_loop_destroy(loop);
    rw_sim_destroy(sim);
    return whole;
}

static void without_faults(void **unused)
{
    (void)unused;
    const struct rw_sim_faults none = {0};
    for (uint64_t seed = 1; seed <= 20; seed++)
        assert_int_equal(run(seed, &none), CLIENTS);
}

/* Nothing here breaks a connection, so all bytes must come back. */
static void harmless_faults(void **unused)
{
    (void)unused;
    const struct rw_sim_faults faults = {
        .split = 5000,
        .delay = 500,
        .delay_ms_max = 20,
        .send_pending = 3000,
        .send_partial = 3000,
        .window_bytes = 5000,
    };
    for (uint64_t seed = 1; seed <= 20; seed++)
        assert_int_equal(run(seed, &faults), CLIENTS);
}

static struct rw_sim_faults random_faults(uint64_t seed)
{
    struct rw_random random;
    rw_random_seed(&random, seed);
    return (struct rw_sim_faults){
        .split = rw_random_below(&random, 5000),
        .delay = rw_random_below(&random, 1000),
        .delay_ms_max = 1 + rw_random_below(&random, 100),
        .send_pending = rw_random_below(&random, 10001),
        .send_partial = rw_random_below(&random, 5000),
        .reset = rw_random_below(&random, 100),
        .refuse = rw_random_below(&random, 1000),
        .blackhole = rw_random_below(&random, 1000),
        .alloc = rw_random_below(&random, 200),
        .window_bytes = 500 + rw_random_below(&random, 100000),
    };
}

static void every_fault(void **unused)
{
    (void)unused;
    int whole = 0;
    enum { SEEDS = 300 };
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct rw_sim_faults faults = random_faults(seed);
        whole += run(seed, &faults);
    }
    print_message("%d of %d clients served\n", whole, SEEDS * CLIENTS);
    assert_true(whole > 0 && whole < SEEDS * CLIENTS);
}

static void replays(void **unused)
{
    (void)unused;
    uint64_t last = 0;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct rw_sim_faults faults = random_faults(seed);
        int whole = run(seed, &faults);
        uint64_t first = trace;
        assert_int_equal(run(seed, &faults), whole);
        assert_true(first == trace);
        assert_true(first != last); /* and another seed another run */
        last = first;
    }
}

/* ---- Scripts by themselves ---- */

static struct script lone;

static void lone_on_open(struct rw_sim_socket *socket, void *user, enum rw_err err)
{
    (void)user;
    lone.opened = true;
    lone.err = err;
    rw_sim_peer_close(socket);
}

static void nobody_listens(void **unused)
{
    (void)unused;
    static const struct rw_sim_peer_events events = {lone_on_open, NULL, NULL, NULL};
    const struct rw_sim_faults none = {0};
    assert_int_equal(rw_sim_create(1, &none, &sim), RW_OK);
    assert_int_equal(rw_address_parse(rw_span_text("[::1]:9"), &front), RW_OK);
    lone = (struct script){0};
    enum rw_err err = rw_sim_peer_connect(sim, rw_address_sockaddr(&front), front.bytes, &events,
                                          NULL, &lone.socket);
    assert_int_equal(err, RW_OK);
    assert_true(rw_sim_run(sim, 1000, 100));
    assert_true(lone.opened);
    assert_int_equal(lone.err, RW_EREFUSED);
    rw_sim_destroy(sim);
}

static void throttled(void **unused)
{
    (void)unused;
    const struct rw_sim_faults faults = {.window_bytes = 1000};
    open_relay(3, &faults);
    clients[0] = (struct script){.sent = 20000};
    memset(bytes_of[0], 'x', 20000);
    start_client(&clients[0]);
    rw_sim_peer_throttle(clients[0].socket, 100);
    uint64_t begin_ms = rw_sim_now_ms(sim);
    while (!clients[0].ended)
        assert_true(rw_sim_run(sim, 1, 100000));
    uint64_t took_ms = rw_sim_now_ms(sim) - begin_ms;
    assert_int_equal(clients[0].received, 20000);
    assert_true(took_ms >= 199 && took_ms < 300);
    rw_listener_close(&listener);
    assert_true(rw_sim_run(sim, 100000, 10000));
    assert_int_equal(flows_open, 0);
    rw_loop_destroy(loop);
    rw_sim_destroy(sim);
}

static bool refuse_all(struct rw_sim_socket *socket, void *user,
                       const struct rw_sim_peer_events **events, void **socket_user)
{
    (void)socket, (void)user, (void)events, (void)socket_user;
    return false;
}

static void origin_refuses(void **unused)
{
    (void)unused;
    static const struct rw_sim_peer_events events = {lone_on_open, NULL, NULL, NULL};
    const struct rw_sim_faults none = {0};
    assert_int_equal(rw_sim_create(1, &none, &sim), RW_OK);
    assert_int_equal(rw_address_parse(rw_span_text("[::1]:9"), &back), RW_OK);
    const struct sockaddr *at = rw_address_sockaddr(&back);
    assert_int_equal(rw_sim_peer_listen(sim, at, back.bytes, refuse_all, NULL), RW_OK);
    assert_int_equal(rw_sim_peer_listen(sim, at, back.bytes, refuse_all, NULL), RW_EADDRINUSE);
    lone = (struct script){0};
    enum rw_err err = rw_sim_peer_connect(sim, at, back.bytes, &events, NULL, &lone.socket);
    assert_int_equal(err, RW_OK);
    assert_true(rw_sim_run(sim, 1000, 100));
    assert_int_equal(lone.err, RW_EREFUSED);
    /* Closed before it was open: nothing is told. */
    lone = (struct script){0};
    err = rw_sim_peer_connect(sim, at, back.bytes, &events, NULL, &lone.socket);
    assert_int_equal(err, RW_OK);
    assert_int_equal(rw_sim_peer_send(lone.socket, rw_span("x", 1)), RW_OK);
    rw_sim_peer_close(lone.socket);
    rw_sim_peer_close(lone.socket);
    assert_true(rw_sim_run(sim, 1000, 100));
    assert_false(lone.opened);
    rw_sim_destroy(sim);
}

/* Connections wait for a listener that starts later, and come to an end with the world. */
static void loop_by_itself(void **unused)
{
    (void)unused;
    const struct rw_sim_faults none = {0};
    struct rw_listener second = {.on_accept = on_accept, .on_closed = on_listener_closed};
    open_relay(5, &none);
    listener_closed = false;
    second.fd = listener.fd;
    assert_int_equal(rw_listener_start(loop, &second), RW_EADDRINUSE);
    second.fd = listener.fd + 1000;
    assert_int_equal(rw_listener_start(loop, &second), RW_EINVAL);
    rw_listener_close(&listener);
    clients[0] = (struct script){.sent = 10};
    start_client(&clients[0]);
    rw_loop_run(loop); /* nothing to accept it: returns */
    assert_true(listener_closed && !clients[0].opened);
    assert_int_equal(rw_listener_start(loop, &listener), RW_OK);
    rw_loop_run(loop);
    assert_int_equal(clients[0].received, 10);
    assert_true(clients[0].ended);
    assert_string_equal(rw_loop_backend_name(loop), "sim");
    rw_listener_close(&listener);
    rw_loop_run(loop);
    clients[1] = (struct script){.sent = 10};
    start_client(&clients[1]);
    rw_loop_destroy(loop);
    rw_sim_destroy(sim);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_faults), cmocka_unit_test(harmless_faults),
        cmocka_unit_test(every_fault),    cmocka_unit_test(replays),
        cmocka_unit_test(nobody_listens), cmocka_unit_test(throttled),
        cmocka_unit_test(origin_refuses), cmocka_unit_test(loop_by_itself),
    };
    rw_log_set_level(RW_LOG_ERROR); /* starvation is expected, and in bulk */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
