#include "verify/fault/relay_private.h"

#include "base/alloc.h"

static const struct rw_stream_events events;

static struct rw_relay_side *side_of(struct rw_stream *stream)
{
    return rw_container_of(stream, struct rw_relay_side, stream);
}

static enum rw_relay_end end_of(const struct rw_relay_side *side)
{
    return side == &side->connection->sides[RW_RELAY_SERVER] ? RW_RELAY_SERVER : RW_RELAY_CLIENT;
}

static enum rw_relay_end other(enum rw_relay_end end)
{
    return end == RW_RELAY_CLIENT ? RW_RELAY_SERVER : RW_RELAY_CLIENT;
}

static void hit(struct rw_relay_connection *connection)
{
    connection->relay->counts.connections_hit += !connection->hit;
    connection->hit = true;
}

/* ---- The end ---- */

static void drop_piece(struct rw_relay_way *way)
{
    rw_buf_drop(way->pieces[way->first].buf);
    way->first = (way->first + 1) % RW_RELAY_PIECES_MAX;
    way->count--;
}

static void release(struct rw_relay_connection *connection)
{
    struct rw_relay *relay = connection->relay;
    if (connection->sides[RW_RELAY_CLIENT].alive || connection->sides[RW_RELAY_SERVER].alive)
        return;
    rw_list_remove(&connection->link);
    relay->counts.connections--;
    rw_free(connection);
    rw_relay_settle(relay);
}

void rw_relay_connection_close(struct rw_relay_connection *connection, bool abort)
{
    if (connection->closing)
        return;
    connection->closing = true;
    rw_timer_stop(connection->relay->loop, &connection->timer);
    for (unsigned end = 0; end < 2; end++) {
        if (connection->sides[end].alive && abort)
            rw_stream_abort(&connection->sides[end].stream);
        else if (connection->sides[end].alive)
            rw_stream_close(&connection->sides[end].stream);
        while (connection->ways[end].count)
            drop_piece(&connection->ways[end]);
    }
}

static void on_closed(struct rw_stream *stream)
{
    struct rw_relay_side *side = side_of(stream);
    side->alive = false;
    release(side->connection);
}

/* ---- How much of an answer may leave now ---- */

static void wait_until(struct rw_relay_connection *connection, uint64_t due_ms)
{
    rw_timer_start(connection->relay->loop, &connection->timer, due_ms);
}

static size_t throttled(struct rw_relay_connection *connection, uint64_t bytes_per_second,
                        size_t len)
{
    enum { STEP_MS = 20 };
    uint64_t now_ms = rw_loop_now_ms(connection->relay->loop);
    double step_bytes = (double)bytes_per_second * STEP_MS / 1000;
    double most = step_bytes > 1 ? step_bytes : 1;
    connection->allowance +=
        (double)(now_ms - connection->allowance_ms) * (double)bytes_per_second / 1000;
    connection->allowance_ms = now_ms;
    if (connection->allowance > most)
        connection->allowance = most;
    size_t whole = (size_t)connection->allowance;
    if (whole == 0)
        wait_until(connection, now_ms + STEP_MS);
    len = len < whole ? len : whole;
    connection->allowance -= (double)len;
    connection->relay->counts.bytes_hit += len;
    if (len)
        hit(connection);
    return len;
}

/* Of an answer of which only so much comes. */
static size_t cut(struct rw_relay_connection *connection,
                  const struct rw_relay_disturbance *disturbance, size_t len)
{
    uint64_t left =
        disturbance->bytes > connection->answered ? disturbance->bytes - connection->answered : 0;
    if (left)
        return len < left ? len : (size_t)left;
    hit(connection);
    if (disturbance->mode != RW_RELAY_STALL)
        rw_relay_connection_close(connection, disturbance->mode == RW_RELAY_RESET);
    return 0;
}

/* 0: nothing for now, or the connection is closed. */
static size_t may_leave(struct rw_relay_connection *connection, const struct rw_relay_piece *piece)
{
    const struct rw_relay_disturbance *disturbance = rw_relay_felt(connection);
    size_t len = rw_buf_span(piece->buf).len;
    switch (disturbance ? disturbance->mode : RW_RELAY_PASS) {
    case RW_RELAY_DELAY:
        if (piece->due_ms <= rw_loop_now_ms(connection->relay->loop))
            return len;
        wait_until(connection, piece->due_ms);
        return 0;
    case RW_RELAY_THROTTLE:
        return throttled(connection, disturbance->bytes_per_second, len);
    case RW_RELAY_RESET:
    case RW_RELAY_TRUNCATE:
    case RW_RELAY_STALL:
        return cut(connection, disturbance, len);
    default:
        return len;
    }
}

/* ---- Passing on ---- */

static void settle_receiving(struct rw_relay_connection *connection, enum rw_relay_end from)
{
    struct rw_relay_side *side = &connection->sides[from];
    const struct rw_relay_way *way = &connection->ways[other(from)];
    bool wanted = side->open && connection->sides[other(from)].open && !side->ended &&
                  way->count < RW_RELAY_PIECES_MAX && way->held_bytes < RW_RELAY_HELD_BYTES_MAX;
    if (connection->closing || side->receiving == wanted)
        return;
    side->receiving = wanted;
    rw_stream_receive(&side->stream, wanted, false);
}

static void sent(struct rw_relay_connection *connection, enum rw_relay_end to)
{
    struct rw_relay_way *way = &connection->ways[to];
    struct rw_buf *buf = way->pieces[way->first].buf;
    buf->start += (uint32_t)way->sending;
    way->held_bytes -= way->sending;
    if (to == RW_RELAY_CLIENT && rw_relay_felt(connection))
        connection->answered += way->sending;
    way->sending = 0;
    if (buf->start == buf->end)
        drop_piece(way);
    settle_receiving(connection, other(to));
}

/* The first piece, or what may leave of it. False: nothing does now. */
static bool send_piece(struct rw_relay_connection *connection, enum rw_relay_end to)
{
    struct rw_relay_way *way = &connection->ways[to];
    const struct rw_relay_piece *piece = &way->pieces[way->first];
    struct rw_span bytes = rw_buf_span(piece->buf);
    size_t len = to == RW_RELAY_CLIENT ? may_leave(connection, piece) : bytes.len;
    if (len == 0)
        return false;
    struct iovec part = {.iov_base = (char *)bytes.at, .iov_len = len};
    way->sending = len;
    switch (rw_stream_send(&connection->sides[to].stream, &part, 1)) {
    case RW_SEND_DONE:
        sent(connection, to);
        return true;
    case RW_SEND_PENDING:
        return false;
    case RW_SEND_FAILED:
        break;
    }
    rw_relay_connection_close(connection, true);
    return false;
}

static bool holds_end(const struct rw_relay_connection *connection, enum rw_relay_end to)
{
    const struct rw_relay_disturbance *disturbance = rw_relay_felt(connection);
    return to == RW_RELAY_CLIENT && disturbance && disturbance->mode == RW_RELAY_STALL;
}

static void pump(struct rw_relay_connection *connection, enum rw_relay_end to)
{
    struct rw_relay_way *way = &connection->ways[to];
    if (!connection->sides[to].open)
        return;
    while (!connection->closing && way->count && !way->sending)
        if (!send_piece(connection, to))
            return;
    if (connection->closing || way->count || way->shut || !connection->sides[other(to)].ended ||
        holds_end(connection, to))
        return;
    way->shut = true;
    if (connection->ways[other(to)].shut)
        rw_relay_connection_close(connection, false);
    else
        rw_stream_shutdown(&connection->sides[to].stream);
}

static void on_timer(struct rw_timer *timer)
{
    pump(rw_container_of(timer, struct rw_relay_connection, timer), RW_RELAY_CLIENT);
}

static void on_sent(struct rw_stream *stream, enum rw_err err)
{
    struct rw_relay_side *side = side_of(stream);
    struct rw_relay_connection *connection = side->connection;
    if (connection->closing)
        return;
    if (err) {
        rw_relay_connection_close(connection, true);
        return;
    }
    sent(connection, end_of(side));
    pump(connection, end_of(side));
}

/* ---- What comes ---- */

/* When a piece of an answer that comes now may leave; never before one that came earlier. */
static uint64_t due(struct rw_relay_connection *connection,
                    const struct rw_relay_disturbance *disturbance, size_t len)
{
    struct rw_relay *relay = connection->relay;
    uint64_t due_ms = rw_loop_now_ms(relay->loop) + disturbance->delay_ms;
    if (disturbance->jitter_ms)
        due_ms += rw_random_below(&relay->random, disturbance->jitter_ms + 1);
    if (due_ms < connection->due_last_ms)
        due_ms = connection->due_last_ms;
    connection->due_last_ms = due_ms;
    relay->counts.bytes_hit += len;
    hit(connection);
    return due_ms;
}

static void swallow(struct rw_relay_connection *connection, struct rw_buf *buf)
{
    connection->relay->counts.bytes_hit += rw_buf_span(buf).len;
    connection->spoiled = true;
    hit(connection);
    rw_buf_drop(buf);
}

/* Small pieces share a buffer, if they leave at the same time. */
static bool join(struct rw_relay_way *way, const struct rw_relay_piece *piece)
{
    unsigned last = (way->first + way->count - 1) % RW_RELAY_PIECES_MAX;
    struct rw_span bytes = rw_buf_span(piece->buf);
    struct rw_relay_piece *before = &way->pieces[last];
    if (way->count == 0 || (way->sending && way->count == 1) || before->due_ms != piece->due_ms ||
        rw_buf_space(before->buf) < bytes.len)
        return false;
    memcpy(before->buf->data + before->buf->end, bytes.at, bytes.len);
    before->buf->end += (uint32_t)bytes.len;
    rw_buf_drop(piece->buf);
    return true;
}

static void queue(struct rw_relay_connection *connection, enum rw_relay_end to, struct rw_buf *buf)
{
    const struct rw_relay_disturbance *disturbance = rw_relay_felt(connection);
    struct rw_relay_way *way = &connection->ways[to];
    size_t len = rw_buf_span(buf).len;
    bool late = to == RW_RELAY_CLIENT && disturbance && disturbance->mode == RW_RELAY_DELAY;
    struct rw_relay_piece piece = {.buf = buf,
                                   .due_ms = late ? due(connection, disturbance, len) : 0};
    if (!join(way, &piece))
        way->pieces[(way->first + way->count++) % RW_RELAY_PIECES_MAX] = piece;
    way->held_bytes += len;
    pump(connection, to);
    settle_receiving(connection, other(to));
}

static void on_data(struct rw_stream *stream, struct rw_buf *buf)
{
    struct rw_relay_side *side = side_of(stream);
    struct rw_relay_connection *connection = side->connection;
    enum rw_relay_end to = other(end_of(side));
    const struct rw_relay_disturbance *disturbance = rw_relay_felt(connection);
    if (connection->closing || buf->start == buf->end)
        rw_buf_drop(buf);
    else if (to == RW_RELAY_SERVER && disturbance && disturbance->mode == RW_RELAY_BLACKHOLE)
        swallow(connection, buf);
    else
        queue(connection, to, buf);
}

static void on_end(struct rw_stream *stream, enum rw_err err)
{
    struct rw_relay_side *side = side_of(stream);
    struct rw_relay_connection *connection = side->connection;
    side->ended = true;
    side->receiving = false;
    if (err)
        rw_relay_connection_close(connection, true);
    else
        pump(connection, other(end_of(side)));
}

/* ---- The beginning ---- */

static void shown(struct rw_relay_connection *connection, enum rw_err err)
{
    /* Whoever hangs up without an alert has perhaps not seen it. */
    if (!err || err == RW_ETLS)
        hit(connection);
    connection->relay->counts.trusted += !err;
    rw_relay_connection_close(connection, true);
}

static void on_open(struct rw_stream *stream, enum rw_err err)
{
    struct rw_relay_side *side = side_of(stream);
    struct rw_relay_connection *connection = side->connection;
    if (connection->closing)
        return;
    if (end_of(side) == RW_RELAY_CLIENT) {
        shown(connection, err);
        return;
    }
    if (err) {
        rw_relay_connection_close(connection, true);
        if (err == RW_EREFUSED || err == RW_ENOENT)
            rw_relay_server_refused(connection->relay);
        return;
    }
    side->open = true;
    settle_receiving(connection, RW_RELAY_CLIENT);
    settle_receiving(connection, RW_RELAY_SERVER);
}

static const struct rw_stream_events events = {
    .on_open = on_open,
    .on_data = on_data,
    .on_end = on_end,
    .on_sent = on_sent,
    .on_closed = on_closed,
};

static void connect_server(struct rw_relay_connection *connection)
{
    struct rw_relay *relay = connection->relay;
    struct rw_relay_side *side = &connection->sides[RW_RELAY_SERVER];
    const struct rw_connect_options options = {.address = rw_address_sockaddr(&relay->server),
                                               .address_bytes = relay->server.bytes};
    enum rw_err err = rw_stream_connect(relay->loop, &side->stream, &events, &options);
    side->alive = !err;
    if (err)
        rw_relay_connection_close(connection, true);
    if (err == RW_EREFUSED || err == RW_ENOENT)
        rw_relay_server_refused(relay);
}

static void choose(struct rw_relay_connection *connection)
{
    struct rw_relay *relay = connection->relay;
    const struct rw_relay_disturbance *disturbance = &relay->disturbance;
    connection->chosen = disturbance->mode != RW_RELAY_PASS &&
                         (disturbance->share_percent == 0 || disturbance->mode == RW_RELAY_REFUSE ||
                          rw_random_below(&relay->random, 100) < disturbance->share_percent);
    connection->allowance_ms = rw_loop_now_ms(relay->loop);
    connection->allowance = 0;
    connection->answered = 0;
}

static bool resets_at_once(struct rw_relay_connection *connection)
{
    const struct rw_relay_disturbance *disturbance = rw_relay_felt(connection);
    return disturbance && (disturbance->mode == RW_RELAY_REFUSE ||
                           (disturbance->mode == RW_RELAY_RESET && disturbance->bytes == 0));
}

static struct rw_relay_connection *make(struct rw_relay *relay)
{
    if (relay->counts.connections >= relay->connections_max)
        return NULL;
    struct rw_relay_connection *connection = rw_alloc_zero(sizeof(*connection));
    if (!connection)
        return NULL;
    connection->relay = relay;
    connection->timer.fire = on_timer;
    connection->sides[RW_RELAY_CLIENT].connection = connection;
    connection->sides[RW_RELAY_SERVER].connection = connection;
    return connection;
}

void rw_relay_connection_open(struct rw_relay *relay, int fd)
{
    struct rw_relay_connection *connection = make(relay);
    if (!connection) {
        rw_listener_refuse(&relay->listener, fd);
        return;
    }
    choose(connection);
    const struct rw_relay_disturbance *disturbance = rw_relay_felt(connection);
    struct rw_tls_server *tls =
        disturbance && disturbance->mode == RW_RELAY_IMPOSTOR ? disturbance->tls : NULL;
    struct rw_relay_side *client = &connection->sides[RW_RELAY_CLIENT];
    if (rw_stream_attach(relay->loop, &client->stream, &events, fd, tls)) {
        rw_free(connection);
        return;
    }
    client->alive = client->open = true;
    rw_list_push_back(&relay->connections, &connection->link);
    relay->counts.connections++;
    relay->counts.accepted++;
    if (resets_at_once(connection)) {
        hit(connection);
        rw_relay_connection_close(connection, true);
    } else if (!tls) {
        connect_server(connection);
    }
}

void rw_relay_connection_disturb(struct rw_relay_connection *connection)
{
    if (connection->closing)
        return;
    choose(connection);
    bool now = resets_at_once(connection);
    if (now)
        hit(connection);
    if (now || (connection->chosen && connection->relay->disturbance.mode == RW_RELAY_IMPOSTOR))
        rw_relay_connection_close(connection, true);
}

void rw_relay_connection_calm(struct rw_relay_connection *connection)
{
    bool unfinished = !connection->sides[RW_RELAY_SERVER].alive; /* a handshake of the impostor's */
    connection->chosen = connection->hit = false;
    connection->due_last_ms = 0;
    if (connection->spoiled || unfinished) {
        rw_relay_connection_close(connection, true);
        return;
    }
    rw_timer_stop(connection->relay->loop, &connection->timer);
    if (!connection->closing && !connection->ways[RW_RELAY_CLIENT].sending)
        pump(connection, RW_RELAY_CLIENT);
}
