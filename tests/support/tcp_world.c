#include "support/tcp_world.h"

#include "base/alloc.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    PATIENCE_MS = 400 * 1000,
    SMALL_BYTES = 600,
    LARGE_BYTES = 800000,
    BYTES_PER_CONNECTION = 2 * RW_BUF_LARGE_BYTES, /* what came from it, and what is to be sent */
};

/* ---- What peers say ---- */

static void put_number(char *to, size_t bytes, size_t number)
{
    for (size_t i = 0; i < bytes; i++)
        to[i] = (char)(number >> 8 * (bytes - 1 - i));
}

/* A ClientHello of TLS 1.3 with a name and nothing else (RFC 8446 section 4.1.2, RFC 6066
 * section 3). */
static void make_hello(struct tcp_world *sim, const char *name)
{
    char *at = sim->hello + 9;
    size_t len = strlen(name);
    memset(sim->hello, 7, sizeof(sim->hello));
    memcpy(at, "\3\3", 2);
    at += 34; /* and 32 random bytes */
    memcpy(at, "\0\0\2\x13\1\1\0", 7);
    put_number(at + 7, 2, len + 9);
    memcpy(at + 9, "\0\0", 2);
    put_number(at + 11, 2, len + 5);
    put_number(at + 13, 2, len + 3);
    at[15] = 0;
    put_number(at + 16, 2, len);
    memcpy(at + 18, name, len);
    sim->hello_bytes = (size_t)(at + 18 + len - sim->hello);
    memcpy(sim->hello, "\x16\3\1", 3);
    put_number(sim->hello + 3, 2, sim->hello_bytes - 5);
    sim->hello[5] = 1;
    put_number(sim->hello + 6, 3, sim->hello_bytes - 9);
}

/* The bytes in front of the number that says who speaks. */
static size_t prefix_bytes(const struct tcp_peer *speaker)
{
    return speaker->client && speaker->by_name ? speaker->sim->hello_bytes : 0;
}

static void compose(struct tcp_peer *peer, uint32_t bytes)
{
    char id[TCP_ID_BYTES];
    put_number(id, sizeof(id), peer->number);
    rw_test_bytes_add(&peer->out, peer->sim->hello, prefix_bytes(peer));
    rw_test_bytes_add(&peer->out, id, sizeof(id));
    rw_test_bytes_body(&peer->sim->world, &peer->out, RW_TEST_BODY_RAW, bytes, peer->number,
                       peer->client ? RW_TEST_CLIENT : RW_TEST_ORIGIN, false);
}

/* ---- The ends ---- */

/* Has said all, and heard what it wants to hear: ends its half, or all. */
static void maybe_end(struct tcp_peer *peer)
{
    bool all_said = peer->fin || peer->sent == peer->out.len;
    if (!peer->socket || !all_said)
        return;
    if (!peer->fin && (!peer->polite || peer->heard_end)) {
        peer->fin = true;
        rw_test_trace(&peer->sim->world, "peer %u: half closes", peer->number);
        rw_sim_peer_shutdown(peer->socket);
    }
    if (peer->fin && peer->heard_end) {
        rw_sim_peer_close(peer->socket);
        peer->socket = NULL;
    }
}

void tcp_peer_cut(struct tcp_peer *peer, enum rw_test_cut how)
{
    if (!peer->socket)
        return;
    rw_test_trace(&peer->sim->world, "peer %u: cut %d", peer->number, how);
    peer->cut_done = true;
    peer->fin = peer->fin || how != RW_TEST_CUT_RESET;
    if (how == RW_TEST_CUT_HALF) {
        rw_sim_peer_shutdown(peer->socket);
        maybe_end(peer);
        return;
    }
    if (how == RW_TEST_CUT_RESET)
        rw_sim_peer_reset(peer->socket);
    rw_sim_peer_close(peer->socket);
    peer->socket = NULL;
}

static void pump(void *user);

static void plan_pump(struct tcp_peer *peer)
{
    if (peer->scheduled || peer->waits || !peer->socket)
        return;
    peer->scheduled = true;
    rw_test_later(&peer->sim->world, rw_test_pause(&peer->sim->world, &peer->pace), pump, peer);
}

static void pump(void *user)
{
    struct tcp_peer *peer = user;
    struct rw_test_world *world = &peer->sim->world;
    peer->scheduled = false;
    if (!peer->socket || peer->fin)
        return;
    size_t rest = peer->out.len - peer->sent;
    size_t len = rest ? 1 + rw_test_below(world, peer->pace.segment_bytes_max) : 0;
    len = len < rest ? len : rest;
    if (len && !rw_test_send(peer->socket, rw_span(peer->out.at + peer->sent, len))) {
        tcp_peer_cut(peer, RW_TEST_CUT_RESET); /* the other side is gone */
        return;
    }
    peer->sent += len;
    rw_test_trace(world, "peer %u: sent %zu of %zu", peer->number, peer->sent, peer->out.len);
    if (peer->cut && peer->sent >= peer->cut_at && !peer->cut_done)
        tcp_peer_cut(peer, peer->cut);
    else if (len < rest)
        plan_pump(peer);
    else
        maybe_end(peer);
}

/* ---- What they hear ---- */

static void meet(struct tcp_peer *peer)
{
    struct tcp_world *sim = peer->sim;
    uint32_t number = 0;
    for (unsigned i = 0; i < TCP_ID_BYTES; i++)
        number = number << 8 | (uint8_t)peer->head[i];
    struct tcp_peer *twin = number < sim->count ? &sim->peers[number] : NULL;
    if (!twin || twin->client == peer->client || twin->by_name != peer->by_name ||
        (twin->twin && twin->twin != peer) || (peer->twin && peer->twin != twin)) {
        rw_test_fail(&sim->world, "peer %u was connected to %u", peer->number, number);
        return;
    }
    peer->twin = twin;
    twin->twin = peer;
    if (!peer->client)
        peer->polite = !twin->polite && peer->polite;
}

/* However much is under way, a connection holds only so much. */
static void check_buffers(struct rw_test_world *world)
{
    rw_test_check(world);
    for (unsigned i = 0; i < RW_TEST_WORKERS; i++) {
        const struct rw_worker *worker = &world->workers[i];
        size_t bytes = rw_loop_buffers(worker->loop)->in_use_bytes;
        size_t count = worker->front_count + worker->upstream_count;
        if (bytes > count * BYTES_PER_CONNECTION)
            rw_test_fail(world, "%zu bytes of buffers for %zu connections", bytes, count);
    }
}

/* Of the bytes in front of what is said; returns how many of them there were. */
static size_t hear_prefix(struct tcp_peer *peer, struct rw_span bytes)
{
    struct tcp_world *sim = peer->sim;
    size_t hello = !peer->client && peer->by_name ? sim->hello_bytes : 0, taken = 0;
    for (; taken < bytes.len && peer->received < hello + TCP_ID_BYTES; taken++, peer->received++) {
        if (peer->received >= hello)
            peer->head[peer->received - hello] = bytes.at[taken];
        else if (bytes.at[taken] != sim->hello[peer->received])
            rw_test_fail(&sim->world, "peer %u: another ClientHello", peer->number);
        if (peer->received + 1 == hello + TCP_ID_BYTES)
            meet(peer);
    }
    return taken;
}

/* Origins by name are told who the client is, before anything else; returns what is behind it. */
static struct rw_span hear_introduction(struct tcp_peer *peer, struct rw_span bytes)
{
    while (bytes.len && !peer->client && peer->by_name && !peer->introduced) {
        char c = bytes.at[0];
        int end = 0;
        bytes = rw_span_skip(bytes, 1);
        peer->introduction[peer->introduction_bytes++] = c;
        peer->introduced = c == '\n' || peer->introduction_bytes == TCP_INTRODUCTION_BYTES_MAX - 1;
        if (!peer->introduced)
            continue;
        sscanf(peer->introduction, "PROXY TCP4 10.%*u.%*u.%*u 10.2.0.1 %*u 81\r\n%n", &end);
        if (end == 0 || peer->introduction[end])
            rw_test_fail(&peer->sim->world, "peer %u was told: %s", peer->number,
                         peer->introduction);
    }
    return bytes;
}

static void on_data(struct rw_sim_socket *socket, void *user, struct rw_span bytes)
{
    struct tcp_peer *peer = user;
    struct rw_test_world *world = &peer->sim->world;
    (void)socket;
    check_buffers(world);
    bytes = hear_introduction(peer, bytes);
    bytes = rw_span_skip(bytes, hear_prefix(peer, bytes));
    peer->waits = false;
    const struct tcp_peer *twin = peer->twin;
    rw_test_trace(world, "peer %u: %zu bytes after %zu", peer->number, bytes.len, peer->received);
    if (bytes.len && twin && !world->failed) {
        uint64_t offset = peer->received - prefix_bytes(twin) - TCP_ID_BYTES;
        if (peer->received + bytes.len > twin->sent ||
            !rw_test_body_is(bytes, twin->number, twin->client ? RW_TEST_CLIENT : RW_TEST_ORIGIN,
                             offset))
            rw_test_fail(world, "peer %u: bytes from %" PRIu64 " on are not those of %u",
                         peer->number, offset, twin->number);
    }
    peer->received += bytes.len;
    if (!peer->fin)
        plan_pump(peer);
}

/* An end is only told when it is one, and all has come. */
static void check_end(const struct tcp_peer *peer)
{
    const struct tcp_peer *twin = peer->twin;
    if (twin && (!twin->fin || peer->received != twin->sent))
        rw_test_fail(&peer->sim->world, "peer %u: an end after %zu bytes; %u has sent %zu%s",
                     peer->number, peer->received, twin->number, twin->sent,
                     twin->fin ? "" : " and has not ended");
    if (!twin && peer->sim->world.strict)
        rw_test_fail(&peer->sim->world, "peer %u was refused", peer->number);
}

static void on_end(struct rw_sim_socket *socket, void *user, enum rw_err err)
{
    struct tcp_peer *peer = user;
    (void)socket;
    check_buffers(&peer->sim->world);
    rw_test_trace(&peer->sim->world, "peer %u: end: %s", peer->number, rw_err_text(err));
    if (err) {
        if (peer->sim->world.strict)
            rw_test_fail(&peer->sim->world, "peer %u was cut", peer->number);
        rw_sim_peer_close(peer->socket);
        peer->socket = NULL;
        return;
    }
    peer->heard_end = true;
    peer->waits = false;
    check_end(peer);
    maybe_end(peer);
    if (peer->socket && !peer->fin)
        plan_pump(peer);
}

static void on_open(struct rw_sim_socket *socket, void *user, enum rw_err err)
{
    struct tcp_peer *peer = user;
    (void)socket;
    rw_test_trace(&peer->sim->world, "peer %u: open: %s", peer->number, rw_err_text(err));
    if (!err) {
        peer->opened = true;
        plan_pump(peer);
        return;
    }
    rw_sim_peer_close(peer->socket);
    peer->socket = NULL;
}

static const struct rw_sim_peer_events peer_events = {.on_open = on_open,
                                                      .on_data = on_data,
                                                      .on_end = on_end};

/* ---- Connections ---- */

/* Nobody listens any more. */
static void lose_patience(void *user)
{
    struct tcp_peer *peer = user;
    if (peer->opened || !peer->socket)
        return;
    rw_sim_peer_close(peer->socket);
    peer->socket = NULL;
}

static void connect_now(void *user)
{
    struct tcp_peer *peer = user;
    struct rw_test_world *world = &peer->sim->world;
    const struct rw_address *address = &world->addresses[peer->by_name];
    while (rw_sim_peer_connect(world->sim, rw_address_sockaddr(address), address->bytes,
                               &peer_events, peer, &peer->socket))
        rw_alloc_fail_never();
    if (peer->bytes_per_ms)
        rw_sim_peer_throttle(peer->socket, peer->bytes_per_ms);
    rw_test_later(world, PATIENCE_MS, lose_patience, peer);
}

/* Chooses all that a peer does; the number of bytes too. */
static void plan_peer(struct tcp_world *sim, struct tcp_peer *peer, bool client, bool by_name)
{
    static const uint32_t pauses[] = {0, 0, 0, 3, 40};
    struct rw_test_world *world = &sim->world;
    peer->sim = sim;
    peer->number = sim->count++;
    peer->client = client;
    peer->by_name = by_name;
    peer->pace.pause_ms_max = pauses[rw_test_below(world, 5)];
    peer->pace.segment_bytes_max =
        sim->large ? 4000 + rw_test_below(world, 60000) : 1 + rw_test_below(world, 700);
    peer->start_ms = rw_test_below(world, 100);
    if (rw_test_chance(world, 15))
        peer->bytes_per_ms = (sim->large ? 100 : 5) + rw_test_below(world, 500);
    peer->polite = rw_test_chance(world, 40);
    peer->waits = !client && rw_test_chance(world, 50);
    if (!world->strict && !sim->fixed && rw_test_chance(world, 25)) {
        peer->cut = (enum rw_test_cut)(1 + rw_test_below(world, 3));
        peer->cut_at = rw_test_below(world, 1500);
    }
    uint32_t most = sim->large && rw_test_chance(world, 40) ? LARGE_BYTES : SMALL_BYTES;
    compose(peer, rw_test_chance(world, 15) ? 0 : rw_test_below(world, most));
}

static bool on_connect(struct rw_sim_socket *socket, void *user,
                       const struct rw_sim_peer_events **events, void **socket_user)
{
    struct rw_test_origin *origin = user;
    struct tcp_world *sim = rw_container_of(origin->world, struct tcp_world, world);
    if (rw_test_below(origin->world, 10000) < origin->refuse || sim->count == TCP_PEERS_MAX)
        return false;
    struct tcp_peer *peer = &sim->peers[sim->count];
    plan_peer(sim, peer, false, origin == &origin->world->origins[1]);
    peer->socket = socket;
    rw_test_trace(origin->world, "peer %u: an origin's", peer->number);
    if (peer->bytes_per_ms)
        rw_sim_peer_throttle(socket, peer->bytes_per_ms);
    plan_pump(peer);
    *events = &peer_events;
    *socket_user = peer;
    return true;
}

/* ---- The configuration ---- */

static void add_time(struct tcp_world *sim, struct rw_test_bytes *yaml, const char *name,
                     uint32_t usual_ms, uint32_t most_ms)
{
    uint32_t value = usual_ms;
    if (!sim->world.strict && rw_test_chance(&sim->world, 20))
        value = 1 + rw_test_below(&sim->world, most_ms);
    rw_test_bytes_format(yaml, " %s: %ums", name, value);
}

static void add_listener(struct tcp_world *sim, struct rw_test_bytes *yaml, unsigned index)
{
    bool few = !sim->world.strict && rw_test_chance(&sim->world, 20);
    rw_test_bytes_format(yaml,
                         "- name: l%u\n  address: \"10.2.0.1:%u\"\n  protocol: tcp\n"
                         "  limits: { connections: %u }\n  timeouts: {",
                         index, 80 + index, few ? 2 : 1000);
    add_time(sim, yaml, "header", 60000, 500);
    rw_test_bytes_format(yaml, ",");
    add_time(sim, yaml, "send_idle", 600000, 500);
    rw_test_bytes_format(yaml, " }\n");
}

static void add_route(struct tcp_world *sim, struct rw_test_bytes *yaml, const char *name,
                      const char *match)
{
    rw_test_bytes_format(yaml, "- name: %s\n  match: { %s }\n  upstream: %s\n  timeouts: {", name,
                         match, name);
    add_time(sim, yaml, "idle", 600000, 500);
    rw_test_bytes_format(yaml, ",");
    add_time(sim, yaml, "half_closed", 600000, 500);
    rw_test_bytes_format(yaml, ",");
    add_time(sim, yaml, "total", 0, 1000);
    rw_test_bytes_format(yaml, " }\n");
}

static void add_upstream(struct tcp_world *sim, struct rw_test_bytes *yaml, const char *name,
                         unsigned port, bool second)
{
    bool few = rw_test_chance(&sim->world, 30);
    rw_test_bytes_format(yaml, "- name: %s\n  proxy_protocol: %s\n  endpoints: [\"10.1.0.1:%u\"",
                         name, strcmp(name, "name") == 0 ? "v1" : "off", port);
    if (second)
        rw_test_bytes_format(yaml, ", \"10.1.0.1:9003\"");
    rw_test_bytes_format(yaml, "]\n ");
    add_time(sim, yaml, "connect_timeout", 20000, 2000);
    rw_test_bytes_format(yaml, "\n  connections: { per_endpoint_max: %u,", few ? 1 : 0);
    add_time(sim, yaml, "queue_timeout", 600000, 300);
    rw_test_bytes_format(yaml, " }\n");
}

void tcp_world_adopt(struct tcp_world *sim)
{
    struct rw_test_bytes yaml = {0};
    rw_test_bytes_format(&yaml, "listeners:\n");
    add_listener(sim, &yaml, 0);
    add_listener(sim, &yaml, 1);
    rw_test_bytes_format(&yaml, "tcp_routes:\n");
    add_route(sim, &yaml, "port", "listeners: [l0]");
    add_route(sim, &yaml, "name", "listeners: [l1], sni: a.example");
    rw_test_bytes_format(&yaml, "upstreams:\n");
    add_upstream(sim, &yaml, "port", 9001, rw_test_chance(&sim->world, 50));
    add_upstream(sim, &yaml, "name", 9002, false);
    rw_test_bytes_add(&yaml, "", 1);
    if (sim->world.verbose)
        printf("%s", yaml.at);
    rw_test_world_adopt(&sim->world, yaml.at);
    free(yaml.at);
}

/* ---- Worlds ---- */

void tcp_world_create(struct tcp_world *sim, uint64_t seed, const struct rw_sim_faults *faults,
                      size_t buffers)
{
    struct rw_test_world *world = &sim->world;
    rw_test_world_create(world, seed, faults, buffers);
    make_hello(sim, "a.example");
    for (unsigned i = 0; i < RW_TEST_ORIGINS_MAX; i++) {
        struct rw_test_origin *origin = &world->origins[i];
        origin->world = world;
        enum rw_err err =
            rw_address_parse_ip(RW_LITERAL("10.1.0.1"), (uint16_t)(9001 + i), &origin->address);
        rw_assert(!err);
        if (!world->strict && rw_test_chance(world, 20))
            origin->refuse = rw_test_below(world, 5000);
        err = rw_sim_peer_listen(world->sim, rw_address_sockaddr(&origin->address),
                                 origin->address.bytes, on_connect, origin);
        rw_assert(!err);
    }
    tcp_world_adopt(sim);
}

void tcp_world_start(struct tcp_world *sim)
{
    for (unsigned i = 0; i < sim->count; i++)
        rw_test_later(&sim->world, sim->peers[i].start_ms, connect_now, &sim->peers[i]);
}

void tcp_world_add_client(struct tcp_world *sim, bool by_name)
{
    plan_peer(sim, &sim->peers[sim->count], true, by_name);
}

/* What ended in good order is counted so; and when nothing fails, all did. */
static uint64_t check_metrics(struct tcp_world *sim, unsigned clients)
{
    static const char *const routes[] = {"port", "name"};
    uint64_t well = 0, heard = 0;
    for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
        struct rw_series_cell cell = {0};
        rw_metrics_series_total(sim->world.metrics,
                                rw_metrics_series(sim->world.metrics, RW_SERIES_ROUTE,
                                                  rw_span_text(routes[i]), (struct rw_span){0}),
                                &cell);
        well += cell.status[2];
    }
    for (unsigned i = 0; i < sim->count; i++)
        heard += sim->peers[i].client && sim->peers[i].heard_end && sim->peers[i].twin &&
                 sim->peers[i].twin->heard_end;
    if (sim->world.strict ? well != clients : well < heard && !sim->world.harsh)
        rw_test_fail(&sim->world,
                     "%" PRIu64 " connections ended in good order, %" PRIu64 " are counted, of %u",
                     heard, well, clients);
    return well;
}

bool tcp_world_end(struct tcp_world *sim, bool quiet, uint64_t *well)
{
    struct rw_test_world *world = &sim->world;
    unsigned clients = 0;
    for (unsigned i = 0; i < sim->count; i++)
        clients += sim->peers[i].client;
    for (unsigned i = 0; i < sim->count && quiet; i++)
        if (sim->peers[i].socket)
            rw_test_fail(world, "peer %u never ended", i);
    *well = quiet ? check_metrics(sim, clients) : 0;
    bool good = rw_test_world_end(world, quiet);
    for (unsigned i = 0; i < sim->count; i++)
        free(sim->peers[i].out.at);
    memset(sim, 0, sizeof(*sim));
    return good;
}
