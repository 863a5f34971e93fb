/* Connections: opened in a crowd that no backlog is too small for, replaced when they are lost. */
#include "io/tls.h"
#include "load/generator_parts.h"

#include <netinet/in.h>
#include <stdio.h>

enum {
    OPENING_MAX = 64,        /* under way at a time: less than any server's backlog */
    ATTEMPT_MS = 250,        /* of an address that has let nobody in yet (RFC 8305 section 8) */
    ATTEMPT_AGAIN_MS = 3000, /* of one that has */
    OUT_MS = 1000,           /* how long others have the turns of one that has failed */
    CLOSE_LOOK_MS = 20,
    FAREWELL_MS = 2000,
    SOURCES = 256, /* addresses that a thread may connect from */
    SOURCE_CONNECTIONS = 10000
};

void rw_load_put_in(struct rw_load_connection *connection, bool is_free)
{
    struct rw_load_generator *g = connection->generator;
    rw_list_remove(&connection->link);
    rw_list_push_back(is_free ? &g->free : &g->others, &connection->link);
    connection->free = is_free;
}

enum rw_load_error rw_load_error_of(enum rw_err err)
{
    switch (err) {
    case RW_ETLS:
    case RW_EVERIFY:
        return RW_LOAD_ERROR_TLS;
    case RW_OK:
    case RW_ECLOSED:
        return RW_LOAD_ERROR_CLOSED;
    case RW_EPROTO:
        return RW_LOAD_ERROR_PROTOCOL;
    default:
        return RW_LOAD_ERROR_RESET;
    }
}

/* The first reason is the one to tell. */
static void note_why(struct rw_load_generator *g, const struct rw_stream *stream, enum rw_err err)
{
    const char *tls = g->settings->tls ? rw_tls_error_text(stream) : "";
    if (!g->slot->why[0])
        snprintf(g->slot->why, sizeof(g->slot->why), "%s%s%s", rw_err_text(err), tls[0] ? ": " : "",
                 tls);
}

/* 127.1.0.1 and on, each with ports of its own. The next one's turn comes long before the kernel
 * has to look for the ports that are left of one. */
static struct sockaddr_in source_of(const struct rw_load_generator *g)
{
    uint32_t own = (uint32_t)(g->existing / SOURCE_CONNECTIONS % SOURCES);
    return (struct sockaddr_in){.sin_family = AF_INET,
                                .sin_addr.s_addr = htonl(0x7f010001u + g->index * SOURCES + own)};
}

/* ---- Addresses ---- */

static bool is_usable(const struct rw_load_generator *g, unsigned way)
{
    return g->ways[way].out_until_ns <= rw_loop_now_ns(g->loop);
}

static bool has_others(const struct rw_load_generator *g, unsigned way)
{
    for (unsigned i = 0; i < g->settings->address_count; i++)
        if (i != way && is_usable(g, i))
            return true;
    return false;
}

/* By turns, but for those that have failed lately; where all have, also they. */
static unsigned next_way(struct rw_load_generator *g)
{
    unsigned count = g->settings->address_count, way = g->way;
    rw_assert(count > 0);
    for (unsigned i = 0; i < count && !is_usable(g, way); i++)
        way = (way + 1) % count;
    g->way = (way + 1) % count;
    return way;
}

/* A failure that says nothing yet where there is another address. */
static bool goes_on_elsewhere(struct rw_load_generator *g, unsigned way)
{
    if (!has_others(g, way))
        return false;
    g->ways[way].out_until_ns = rw_loop_now_ns(g->loop) + OUT_MS * RW_NS_PER_MS;
    return true;
}

static void ask(struct rw_load_generator *g, unsigned way)
{
    if (g->ways[way].pending++ == 0)
        g->ways[way].asked_ns = rw_loop_now_ns(g->loop);
}

static void let_in(struct rw_load_generator *g, unsigned way)
{
    g->ways[way].connects++;
    g->ways[way].asked_ns = rw_loop_now_ns(g->loop);
    g->tally->counts.ways[way]++;
}

/* ---- Opening ---- */

/* False: this way cannot even be begun. */
static bool begin_to_open(struct rw_load_generator *g, unsigned way)
{
    struct rw_load_connection *connection = rw_slab_get(&g->connections);
    const struct sockaddr_in source = source_of(g);
    struct rw_connect_options options = {
        .address = rw_address_sockaddr(&g->settings->addresses[way]),
        .address_bytes = g->settings->addresses[way].bytes,
        .tls = g->settings->tls,
    };
    if (g->settings->sources) {
        options.source = (const struct sockaddr *)&source;
        options.source_bytes = sizeof(source);
    }
    if (!connection) {
        g->err = RW_ENOMEM;
        return false;
    }
    memset(connection, 0, g->protocol->connection_bytes);
    connection->generator = g;
    connection->address = (uint8_t)way;
    rw_list_push_back(&g->others, &connection->link);
    enum rw_err err =
        rw_stream_connect(g->loop, &connection->stream, g->protocol->events, &options);
    if (err) {
        snprintf(g->slot->why, sizeof(g->slot->why), "%s",
                 err == RW_ELIMIT
                     ? "a process has no more descriptors (ulimit -n): --processes spreads them"
                     : rw_err_text(err));
        rw_list_remove(&connection->link);
        rw_slab_put(&g->connections, connection);
        g->err = err;
        return false;
    }
    g->existing++;
    g->opening++;
    ask(g, way);
    return true;
}

static void open_one(struct rw_load_generator *g)
{
    for (unsigned way = next_way(g);
         !begin_to_open(g, way) && g->err != RW_ENOMEM && goes_on_elsewhere(g, way);
         way = next_way(g))
        g->err = RW_OK;
}

void rw_load_open_more(struct rw_load_generator *g)
{
    g->err = RW_OK;
    while (!g->err && !g->ended && g->existing < g->wanted && g->opening < OPENING_MAX)
        open_one(g);
}

static void settle(struct rw_load_connection *connection)
{
    if (!connection->settled) {
        connection->generator->opening--;
        connection->generator->ways[connection->address].pending--;
    }
    connection->settled = true;
}

void rw_load_opened(struct rw_load_connection *connection)
{
    struct rw_load_generator *g = connection->generator;
    settle(connection);
    connection->upgrading = false;
    let_in(g, connection->address);
    g->tally->counts.connects++;
    g->connected++;
    connection->open = true;
    atomic_store_explicit(&g->slot->connected, g->connected, memory_order_relaxed);
    rw_load_ready(connection);
    rw_load_open_more(g);
}

void rw_load_on_open(struct rw_stream *stream, enum rw_err err)
{
    struct rw_load_connection *connection = rw_load_connection_of(stream);
    struct rw_load_generator *g = connection->generator;
    if (!err)
        err = g->protocol->begin(connection);
    if (err) {
        note_why(g, stream, err);
        rw_load_lost(connection, err == RW_ETLS || err == RW_EVERIFY ? RW_LOAD_ERROR_TLS
                                                                     : RW_LOAD_ERROR_CONNECT);
        return;
    }
    if (connection->closing)
        return;
    rw_stream_receive(stream, true, false);
    if (!connection->upgrading)
        rw_load_opened(connection);
}

/* In an open loop that fails the request that has waited longest for a connection, if one does: as
 * for somebody who comes and is not let in. Attempts beyond those have failed nobody. */
static void count_refused(struct rw_load_generator *g, enum rw_load_error why)
{
    uint64_t now_ns = rw_loop_now_ns(g->loop);
    g->refused++;
    if (g->settings->closed || g->settings->script)
        rw_load_count_error(g, now_ns, why);
    else if (g->backlog.count)
        rw_load_count_error(g, rw_dues_pop(&g->backlog), why);
    else
        g->tally->counts.errors[why] += rw_load_is_recorded(g, now_ns);
}

void rw_load_lost(struct rw_load_connection *connection, enum rw_load_error why)
{
    struct rw_load_generator *g = connection->generator;
    if (connection->closing)
        return;
    settle(connection);
    connection->closing = true;
    rw_load_put_in(connection, false);
    if (!connection->open && !goes_on_elsewhere(g, connection->address))
        count_refused(g, why);
    g->connected -= connection->open;
    connection->open = false;
    g->protocol->end(connection, why);
    rw_stream_close(&connection->stream);
}

/* The next tick opens another: not at once, so that a target that is down is not hammered, but
 * where this one's end was planned. */
void rw_load_on_closed(struct rw_stream *stream)
{
    struct rw_load_connection *connection = rw_load_connection_of(stream);
    struct rw_load_generator *g = connection->generator;
    bool spent = connection->spent;
    g->existing--;
    rw_list_remove(&connection->link);
    rw_slab_put(&g->connections, connection);
    if (spent && !g->stopped && !g->done)
        rw_load_open_more(g);
}

/* Of those that are being asked for. */
static void lose_all_of(struct rw_load_generator *g, unsigned address)
{
    struct rw_list *item = g->others.next;
    while (item != &g->others) {
        struct rw_load_connection *connection =
            rw_container_of(item, struct rw_load_connection, link);
        item = item->next;
        if (connection->address == address && !connection->open && !connection->closing)
            rw_load_lost(connection, RW_LOAD_ERROR_CONNECT);
    }
}

/* Only where another has let us in: a target may be far away as a whole. */
static bool leads_nowhere(const struct rw_load_generator *g, unsigned way)
{
    const struct rw_load_way *asked = &g->ways[way];
    uint64_t patience_ms = asked->connects ? ATTEMPT_AGAIN_MS : ATTEMPT_MS;
    if (!asked->pending || rw_loop_now_ns(g->loop) < asked->asked_ns + patience_ms * RW_NS_PER_MS)
        return false;
    for (unsigned i = 0; i < g->settings->address_count; i++)
        if (i != way && g->ways[i].connects && is_usable(g, i))
            return true;
    return false;
}

void rw_load_look_elsewhere(struct rw_load_generator *g)
{
    for (unsigned way = 0; way < g->settings->address_count; way++)
        if (leads_nowhere(g, way) && goes_on_elsewhere(g, way))
            lose_all_of(g, way);
}

/* ---- The end ---- */

/* WebSockets get a Close frame, and a moment to answer it. */
static void say_farewell(struct rw_load_generator *g)
{
    struct rw_list *const lists[] = {&g->free, &g->others};
    uint64_t until_ns = rw_loop_now_ns(g->loop) + FAREWELL_MS * RW_NS_PER_MS;
    for (unsigned i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
        for (struct rw_list *item = lists[i]->next, *next; item != lists[i]; item = next) {
            next = item->next; /* one that breaks moves behind the last of the others */
            g->protocol->leave(rw_container_of(item, struct rw_load_connection, link));
        }
    while (!rw_list_empty(&g->leaving) && rw_loop_now_ns(g->loop) < until_ns)
        rw_loop_turn(g->loop, CLOSE_LOOK_MS);
}

static void close_all(struct rw_list *connections)
{
    while (!rw_list_empty(connections)) {
        struct rw_load_connection *connection =
            rw_container_of(connections->next, struct rw_load_connection, link);
        rw_list_remove(&connection->link);
        rw_load_lost(connection, RW_LOAD_ERROR_CLOSED);
    }
}

/* Nothing of the end is counted. */
void rw_load_close_connections(struct rw_load_generator *g)
{
    g->ended = g->stopped = true;
    g->record_from_ns = UINT64_MAX;
    rw_timer_stop(g->loop, &g->tick);
    rw_timer_stop(g->loop, &g->timeouts);
    say_farewell(g);
    struct rw_list all;
    rw_list_init(&all);
    for (struct rw_list *item;
         (item = rw_list_pop_front(&g->free)) || (item = rw_list_pop_front(&g->others));)
        rw_list_push_back(&all, item);
    close_all(&all);
    while (g->existing)
        rw_loop_turn(g->loop, CLOSE_LOOK_MS);
    rw_timer_stop(g->loop, &g->timeouts);
}
