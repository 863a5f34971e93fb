#include "gate/front/front_h2.h"

#include "base/alloc.h"
#include "base/log.h"
#include "gate/exchange/exchange_websocket.h"
#include "gate/front/flooders.h"
#include "gate/front/front_h2_connection.h"

enum {
    LINGER_MS = 2000,
    LINGER_KIB_MAX = 1024,
    ENDING_MS = 5000,      /* for what is in the output after an error */
    REST_MS = 1000,        /* without a stream, before memory is given back */
    DRAIN_ASKED_MS = 1000, /* for the answer to the PING behind the first GOAWAY */
};

size_t rw_front_h2_bytes(void)
{
    return sizeof(struct rw_h2_client);
}

static struct rw_h2_connection *connection_of(struct rw_client *client)
{
    return rw_container_of(client, struct rw_h2_client, client)->c;
}

static struct rw_h2_connection *connection_in(struct rw_h2 *h2)
{
    return rw_container_of(h2, struct rw_h2_connection, h2);
}

/* ---- The end of a connection ---- */

static void close_now(struct rw_client *client)
{
    if (client->phase == RW_H2_CLOSED)
        return;
    client->phase = RW_H2_CLOSED;
    rw_deadline_stop(rw_client_worker(client)->loop, &client->deadline);
    rw_stream_close(&client->stream);
}

static void on_closed(struct rw_stream *stream)
{
    struct rw_client *client = rw_client_of(stream);
    struct rw_h2_connection *c = connection_of(client);
    client->phase = RW_H2_CLOSED;
    if (c) {
        if (c->flooded || rw_h2_was_half_flooded(&c->h2, rw_h2_now_ms(c)))
            rw_flooders_note(client);
        rw_h2_close(&c->h2, RW_H2_CANCEL);
        rw_loop_later_stop(&c->flush); /* exchanges that end ask for it */
        rw_worker_count(rw_h2_worker(c), RW_COUNTER_HTTP2_OPEN, -1);
        rw_free(c);
    }
    rw_client_release(client);
}

/* All has been sent that will be. Until when the client's end is waited for. */
static uint64_t linger(struct rw_h2_connection *c)
{
    struct rw_client *client = c->client;
    if (client->peer_ended) {
        close_now(client);
        return RW_DEADLINE_NONE;
    }
    client->phase = RW_H2_LINGER;
    c->end_ms = rw_h2_now_ms(c) + LINGER_MS;
    rw_stream_shutdown(&client->stream);
    rw_stream_receive(&client->stream, true, false);
    return c->end_ms;
}

static void drop_lingering(struct rw_h2_connection *c, struct rw_buf *buf)
{
    c->lingered_kib = (uint16_t)(c->lingered_kib + rw_buf_span(buf).len / 1024 + 1);
    rw_buf_drop(buf);
    if (c->lingered_kib > LINGER_KIB_MAX)
        close_now(c->client);
}

static bool drained(const struct rw_h2_connection *c)
{
    return c->client->phase == RW_H2_ENDING ||
           (c->drain == RW_H2_TOLD && rw_h2_stream_count(&c->h2) == 0);
}

static void end_drain(struct rw_h2_connection *c)
{
    if (c->drain != RW_H2_ASKED || c->client->phase != RW_H2_OPEN)
        return;
    c->drain = RW_H2_TOLD;
    rw_h2_goaway(&c->h2, RW_H2_NO_ERROR, true);
    rw_h2_flush_later(c);
}

static void ping(struct rw_h2_connection *c)
{
    c->pings++;
    c->pinged_ms = rw_h2_now_ms(c);
    rw_h2_ping(&c->h2);
}

void rw_h2_begin_drain(struct rw_h2_connection *c)
{
    if (c->drain != RW_H2_STAYS || c->client->phase != RW_H2_OPEN)
        return;
    c->drain = RW_H2_ASKED;
    c->drain_ms = rw_h2_now_ms(c) + DRAIN_ASKED_MS;
    rw_worker_count(rw_h2_worker(c), RW_COUNTER_HTTP2_GOAWAYS, 1);
    rw_h2_goaway(&c->h2, RW_H2_NO_ERROR, false);
    ping(c);
    rw_h2_flush_later(c);
}

/* ---- Times ---- */

/* The client's times, by the snapshot of now. */
struct times {
    const struct rw_config_timeouts *usual;
    const struct rw_config_http2 *http2;
};

static struct times times_of(const struct rw_h2_connection *c)
{
    const struct rw_listener_settings *settings = rw_client_settings(c->client);
    return (struct times){settings->timeouts, settings->config->http2};
}

/* How often streams are looked at that the client's windows may hold back. */
static uint64_t look_interval_ms(const struct times *times)
{
    return times->usual->send_idle_ms / 8 + 1;
}

/* Nothing has come for long: is the client still there? */
static uint64_t ping_due(const struct rw_h2_connection *c, const struct times *times)
{
    bool asks = times->http2->ping_interval_ms && rw_h2_stream_count(&c->h2) && !c->pings;
    return asks ? c->received_ms + times->http2->ping_interval_ms : RW_DEADLINE_NONE;
}

static uint64_t pong_due(const struct rw_h2_connection *c, const struct times *times)
{
    return c->pings ? c->pinged_ms + times->http2->ping_ms : RW_DEADLINE_NONE;
}

static uint64_t settings_due(const struct rw_h2_connection *c, const struct times *times)
{
    return rw_h2_settings_owed(&c->h2) ? c->begun_ms + times->http2->settings_ms : RW_DEADLINE_NONE;
}

static uint64_t head_due(const struct rw_h2_connection *c, const struct times *times)
{
    uint64_t since_ms = rw_h2_partial_ms(&c->h2);
    return since_ms ? since_ms + times->usual->header_ms : RW_DEADLINE_NONE;
}

static uint64_t idle_due(const struct rw_h2_connection *c, const struct times *times)
{
    bool idle = rw_h2_stream_count(&c->h2) == 0 && !c->sending;
    return idle ? c->idle_ms + times->usual->idle_ms : RW_DEADLINE_NONE;
}

static uint64_t rest_due(const struct rw_h2_connection *c)
{
    bool rests = rw_h2_stream_count(&c->h2) == 0 && !c->rested;
    return rests ? c->idle_ms + REST_MS : RW_DEADLINE_NONE;
}

static uint64_t send_due(const struct rw_h2_connection *c, const struct times *times)
{
    return c->sending ? c->sending_ms + times->usual->send_idle_ms : RW_DEADLINE_NONE;
}

static uint64_t look_due(const struct rw_h2_connection *c, const struct times *times)
{
    return c->held_count ? c->looked_ms + look_interval_ms(times) : RW_DEADLINE_NONE;
}

static void rest(struct rw_h2_connection *c)
{
    c->rested = true;
    rw_h2_rest(&c->h2);
}

static void fail(struct rw_h2_connection *c, enum rw_h2_code code)
{
    rw_h2_goaway(&c->h2, code, true);
    c->client->phase = RW_H2_ENDING;
    c->end_ms = rw_h2_now_ms(c) + ENDING_MS;
}

static void time_out(struct rw_h2_connection *c, enum rw_h2_code code)
{
    rw_worker_count(rw_h2_worker(c), RW_COUNTER_CLIENT_TIMEOUTS, 1);
    fail(c, code);
}

/* It takes nothing, or does not answer: it will not hear anything either. */
static void time_out_deaf(struct rw_h2_connection *c)
{
    rw_worker_count(rw_h2_worker(c), RW_COUNTER_CLIENT_TIMEOUTS, 1);
    close_now(c->client);
}

static void look_at_stalled(struct rw_h2_connection *c, const struct times *times, uint64_t now_ms)
{
    c->looked_ms = now_ms;
    c->stalled = true;
    (void)rw_h2_reset_stalled(&c->h2, now_ms, times->usual->send_idle_ms);
    c->stalled = false;
}

/* What is due by now is done; the result is when something is due next. */
static uint64_t keep_times(struct rw_h2_connection *c)
{
    struct times times = times_of(c);
    uint64_t now_ms = rw_h2_now_ms(c);
    if (c->drain == RW_H2_ASKED && c->drain_ms <= now_ms)
        end_drain(c);
    if (ping_due(c, &times) <= now_ms)
        ping(c);
    if (rest_due(c) <= now_ms)
        rest(c);
    if (look_due(c, &times) <= now_ms)
        look_at_stalled(c, &times, now_ms);
    if (settings_due(c, &times) <= now_ms)
        time_out(c, RW_H2_SETTINGS_TIMEOUT);
    else if (head_due(c, &times) <= now_ms)
        time_out(c, RW_H2_PROTOCOL_ERROR);
    else if (send_due(c, &times) <= now_ms || pong_due(c, &times) <= now_ms)
        time_out_deaf(c);
    else if (idle_due(c, &times) <= now_ms)
        fail(c, RW_H2_NO_ERROR);
    if (c->client->phase != RW_H2_OPEN)
        return c->end_ms;
    uint64_t dues[] = {
        c->drain == RW_H2_ASKED ? c->drain_ms : RW_DEADLINE_NONE,
        ping_due(c, &times),
        pong_due(c, &times),
        look_due(c, &times),
        settings_due(c, &times),
        head_due(c, &times),
        send_due(c, &times),
        idle_due(c, &times),
        rest_due(c),
    };
    uint64_t first = RW_DEADLINE_NONE;
    for (size_t i = 0; i < sizeof(dues) / sizeof(dues[0]); i++)
        first = dues[i] < first ? dues[i] : first;
    return first;
}

static void on_deadline(struct rw_timer *timer)
{
    struct rw_client *client = rw_container_of(timer, struct rw_client, deadline.timer);
    if (!rw_deadline_due(rw_client_worker(client)->loop, &client->deadline))
        return;
    if (client->phase == RW_H2_OPEN)
        rw_h2_flush_later(connection_of(client));
    else
        close_now(client);
}

/* ---- Sending ---- */

static void send_output(struct rw_h2_connection *c)
{
    struct iovec parts[RW_SEND_PARTS_MAX];
    int count = c->sending ? 0 : rw_h2_output(&c->h2, parts, RW_SEND_PARTS_MAX);
    if (count == 0)
        return;
    switch (rw_stream_send(&c->client->stream, parts, count)) {
    case RW_SEND_DONE:
        rw_h2_output_sent(&c->h2);
        if (rw_h2_has_output(&c->h2))
            rw_h2_flush_later(c);
        break;
    case RW_SEND_PENDING:
        c->sending = true;
        c->sending_ms = rw_h2_now_ms(c);
        break;
    default:
        close_now(c->client);
    }
}

/* A client that asks and does not take the answers is not listened to meanwhile. */
static void choke(struct rw_h2_connection *c)
{
    bool choked = c->sending && rw_h2_output_bytes(&c->h2) > 2 * c->settings.output_bytes_max;
    if (c->choked != choked)
        rw_stream_receive(&c->client->stream, !choked, true);
    c->choked = choked;
}

static void count_refused(struct rw_h2_connection *c)
{
    if (__builtin_expect(c->refused == c->h2.refused, 1))
        return;
    rw_worker_count(rw_h2_worker(c), RW_COUNTER_HTTP2_REFUSED,
                    (uint32_t)(c->h2.refused - c->refused));
    c->refused = c->h2.refused;
}

static void flush(struct rw_later *later)
{
    struct rw_h2_connection *c = rw_container_of(later, struct rw_h2_connection, flush);
    struct rw_client *client = c->client;
    if (client->phase >= RW_H2_LINGER)
        return;
    rw_h2_wake(&c->h2);
    count_refused(c);
    send_output(c);
    if (client->phase == RW_H2_CLOSED)
        return;
    if (client->phase == RW_H2_OPEN)
        choke(c);
    uint64_t due_ms = client->phase == RW_H2_OPEN ? keep_times(c) : c->end_ms;
    if (client->phase == RW_H2_CLOSED)
        return;
    if (drained(c) && !c->sending && !rw_h2_has_output(&c->h2))
        due_ms = linger(c);
    if (client->phase != RW_H2_CLOSED)
        rw_deadline_set(rw_h2_worker(c)->loop, &client->deadline, due_ms);
}

void rw_h2_flush_later(struct rw_h2_connection *c)
{
    rw_loop_later(rw_h2_worker(c)->loop, &c->flush);
}

static void on_sent(struct rw_stream *stream, enum rw_err err)
{
    struct rw_client *client = rw_client_of(stream);
    struct rw_h2_connection *c = connection_of(client);
    if (client->phase == RW_H2_CLOSED)
        return;
    if (err) {
        close_now(client);
        return;
    }
    c->sending = false;
    rw_h2_output_sent(&c->h2);
    rw_h2_flush_later(c);
}

/* ---- Receiving ---- */

static void on_data(struct rw_stream *stream, struct rw_buf *buf)
{
    struct rw_client *client = rw_client_of(stream);
    struct rw_h2_connection *c = connection_of(client);
    if (client->phase == RW_H2_CLOSED) {
        rw_buf_drop(buf);
        return;
    }
    if (client->phase != RW_H2_OPEN) {
        drop_lingering(c, buf);
        return;
    }
    c->received_ms = rw_h2_now_ms(c);
    rw_h2_receive(&c->h2, buf, c->received_ms);
    rw_h2_begin_arrived(c);
    rw_h2_flush_later(c);
}

/* A client that ends its side cannot give windows any more: it is gone. */
static void on_end(struct rw_stream *stream, enum rw_err err)
{
    struct rw_client *client = rw_client_of(stream);
    client->peer_ended = true;
    if (err || client->phase != RW_H2_ENDING)
        close_now(client);
}

/* ---- The engine's events about the connection ---- */

static void on_output(struct rw_h2 *h2)
{
    struct rw_h2_connection *c = connection_in(h2);
    if (c->client->phase != RW_H2_CLOSED)
        rw_h2_flush_later(c);
}

static void on_goaway(struct rw_h2 *h2, enum rw_h2_code code)
{
    (void)code;
    struct rw_h2_connection *c = connection_in(h2);
    if (c->drain == RW_H2_STAYS) { /* it opens no more streams: nothing is to be asked */
        c->drain = RW_H2_ASKED;
        end_drain(c);
    }
}

static void on_settings(struct rw_h2 *h2)
{
    (void)h2;
}

static void on_pong(struct rw_h2 *h2)
{
    struct rw_h2_connection *c = connection_in(h2);
    if (c->pings && --c->pings == 0)
        end_drain(c);
}

static void on_error(struct rw_h2 *h2, enum rw_h2_code code, enum rw_h2_flood flood,
                     const char *text)
{
    struct rw_h2_connection *c = connection_in(h2);
    struct rw_worker *worker = rw_h2_worker(c);
    rw_worker_count(worker, RW_COUNTER_HTTP2_ERRORS, 1);
    if (flood != RW_H2_FLOOD_COUNT)
        rw_worker_count(worker, RW_COUNTER_HTTP2_FLOODS + flood, 1);
    c->flooded = flood != RW_H2_FLOOD_COUNT;
    rw_client_tell(c->client, "connection ended with %s: %s", rw_h2_code_name(code), text);
    if (c->client->phase != RW_H2_OPEN)
        return;
    c->client->phase = RW_H2_ENDING;
    c->end_ms = rw_h2_now_ms(c) + ENDING_MS;
    rw_h2_flush_later(c);
}

static const struct rw_h2_events engine_events = {
    .on_target = rw_h2_on_target,
    .on_head = rw_h2_on_head,
    .on_data = rw_h2_on_data,
    .on_writable = rw_h2_on_writable,
    .on_reset = rw_h2_on_reset,
    .on_output = on_output,
    .on_goaway = on_goaway,
    .on_settings = on_settings,
    .on_pong = on_pong,
    .on_error = on_error,
};

/* ---- What the connection is to others ---- */

static uint64_t larger(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static struct rw_h2_settings make_settings(const struct rw_listener_settings *listener)
{
    const struct rw_config_http2 *config = listener->config->http2;
    struct rw_h2_settings settings = {
        .server = true,
        .connect_protocol = true,
        .streams_max = config->streams,
        .stream_window_bytes = (uint32_t)config->stream_window_bytes,
        .connection_window_bytes = (uint32_t)config->connection_window_bytes,
        .table_bytes_max = (uint32_t)config->table_bytes,
        .head_bytes_max = (uint32_t)listener->limits->head_bytes,
        .target_bytes_max = (uint32_t)listener->limits->target_bytes,
        .fields_max = listener->limits->fields,
        .block_bytes_max = (uint32_t)larger(config->block_bytes, listener->limits->head_bytes),
        .continuations_max = config->continuations,
        .expansion_max = config->expansion,
        .output_bytes_max = (uint32_t)config->output_bytes,
    };
    memcpy(settings.flood_max, config->floods->max, sizeof(settings.flood_max));
    return settings;
}

static struct rw_h2_connection *create(struct rw_client *client)
{
    struct rw_worker *worker = rw_client_worker(client);
    struct rw_h2_connection *c = rw_alloc_zero(sizeof(*c));
    if (!c)
        return NULL;
    c->client = client;
    c->flush.run = flush;
    rw_list_init(&c->arrived);
    c->settings = make_settings(rw_client_settings(client));
    c->begun_ms = c->received_ms = c->idle_ms = rw_loop_now_ms(worker->loop);
    if (rw_h2_open(&c->h2, &c->settings, &engine_events, rw_loop_buffers(worker->loop),
                   &worker->h2_streams, c)) {
        rw_free(c);
        return NULL;
    }
    return c;
}

static void start(struct rw_client *client)
{
    struct rw_worker *worker = rw_client_worker(client);
    struct rw_h2_connection *c = create(client);
    rw_container_of(client, struct rw_h2_client, client)->c = c;
    if (!c) {
        close_now(client);
        return;
    }
    rw_worker_count(worker, RW_COUNTER_HTTP2_CONNECTIONS, 1);
    rw_worker_count(worker, RW_COUNTER_HTTP2_OPEN, 1);
    rw_stream_receive(&client->stream, true, true);
    if (worker->draining || client->listener->index == RW_LISTENER_GONE)
        rw_h2_begin_drain(c);
    rw_h2_flush_later(c);
}

void rw_front_h2_take(struct rw_client *client, struct rw_buf *buf)
{
    rw_client_start(client, RW_CLIENT_H2);
    on_data(&client->stream, buf);
}

static void drain_stream(struct rw_h2 *h2, struct rw_h2_stream *stream)
{
    (void)h2;
    struct rw_h2_call *call = stream->user;
    if (call)
        rw_exchange_websocket_drain(call->x);
}

static void drain(struct rw_client *client)
{
    struct rw_h2_connection *c = connection_of(client);
    if (client->phase != RW_H2_OPEN)
        return;
    rw_h2_begin_drain(c);
    if (rw_h2_worker(c)->draining)
        rw_h2_each(&c->h2, drain_stream);
}

static bool idle(const struct rw_client *client)
{
    const struct rw_h2_connection *c =
        rw_container_of(client, const struct rw_h2_client, client)->c;
    return client->phase == RW_H2_OPEN && rw_h2_stream_count(&c->h2) == 0 && !c->sending;
}

const struct rw_client_front rw_front_h2_client = {
    .events = {.on_data = on_data, .on_end = on_end, .on_sent = on_sent, .on_closed = on_closed},
    .on_deadline = on_deadline,
    .start = start,
    .drain = drain,
    .listener_gone = drain,
    .close = close_now,
    .idle = idle,
};
