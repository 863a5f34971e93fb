/* Scripted origins: they check what arrives, and answer as the request's script says. */
#include "http/websocket.h"
#include "support/peer_socket.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

enum { IDLE_CLOSE_MS_MAX = 50, OVERSIZE_BYTES = 80000, TALK_BYTES_MAX = 5000 };

struct rw_test_connection {
    struct rw_test_connection *next;
    struct rw_test_origin *origin;
    struct rw_sim_socket *socket;
    struct rw_test_reader reader;
    struct rw_test_request *request; /* under way */
    struct rw_test_socket talk;      /* of a request for a WebSocket */
    struct rw_test_bytes out;
    size_t out_at;
    uint32_t number;
    bool late, answering, all_read, scheduled, ended, idle_close, peer_ended;
};

static void pump(void *user);

static struct rw_test_connection *connection_of(struct rw_test_reader *reader)
{
    return rw_container_of(reader, struct rw_test_connection, reader);
}

bool rw_test_idempotent(const struct rw_test_request *request)
{
    return strcmp(request->method, "POST") != 0;
}

static bool is_read(const struct rw_test_request *request)
{
    return strcmp(request->method, "GET") == 0 || strcmp(request->method, "HEAD") == 0 ||
           strcmp(request->method, "OPTIONS") == 0;
}

/* What was to fail the first time only is well now. */
void rw_test_arrive(const struct rw_test_origin *origin, struct rw_test_request *r)
{
    struct rw_test_world *world = origin->world;
    if (world->resident && origin != world->origins && origin != world->nexts)
        rw_test_fail(world, "%u: has left its region", r->id);
    if (world->directory && origin->listed_step < r->sent_step)
        rw_test_fail(world, "%u: to an origin that had left before it came", r->id);
    rw_test_health_arrived(origin, r);
    rw_test_rollout_arrived(origin, r);
    rw_test_sticky_arrived(world, r, origin);
    r->arrivals++;
    if (r->arrivals == 1)
        r->first_status = r->status;
    unsigned most = (rw_test_idempotent(r) ? world->tries_max : 1) + (world->hedges && is_read(r));
    if (r->arrivals > most * (1 + r->visits))
        rw_test_fail(world, "%s %u arrived %u times", r->method, r->id, r->arrivals);
    if (r->sours && r->arrivals > 1) {
        r->fault = r->sour;
        r->fault_at = 0;
        r->status = r->sour ? r->status : 503;
        return;
    }
    if (!r->fault_once || r->arrivals == 1)
        return;
    r->fault = RW_TEST_FAULT_NONE;
    if (r->status >= 502)
        r->status = 200;
}

static void end(struct rw_test_connection *connection)
{
    if (connection->ended)
        return;
    connection->ended = true;
    connection->reader.stopped = true;
    rw_sim_peer_close(connection->socket);
    connection->socket = NULL;
}

static void cut(struct rw_test_connection *connection, enum rw_test_cut how)
{
    if (connection->ended)
        return;
    /* Where the end is the sign of the end, only a reset can cut. */
    if (how == RW_TEST_CUT_CLOSE && connection->request &&
        connection->request->answer == RW_TEST_BODY_UNTIL_CLOSE)
        how = RW_TEST_CUT_RESET;
    rw_test_trace(connection->origin->world, "origin connection %u: cut %d", connection->number,
                  how);
    if (how == RW_TEST_CUT_HALF) {
        rw_sim_peer_shutdown(connection->socket);
        return;
    }
    if (how == RW_TEST_CUT_RESET)
        rw_sim_peer_reset(connection->socket);
    end(connection);
}

void rw_test_origins_cut(struct rw_test_world *world, enum rw_test_cut how)
{
    for (struct rw_test_connection *at = world->connections; at; at = at->next)
        cut(at, how);
    rw_test_h2_origins_cut(world, how);
}

static void plan_pump(struct rw_test_connection *connection, uint32_t ms)
{
    if (connection->scheduled || connection->ended)
        return;
    connection->scheduled = true;
    rw_test_later(connection->origin->world, ms, pump, connection);
}

/* ---- Answers ---- */

static bool bodiless(const struct rw_test_request *r)
{
    return strcmp(r->method, "HEAD") == 0 || r->status == 204 || r->status == 304;
}

static void add_interims(struct rw_test_connection *connection)
{
    const struct rw_test_request *r = connection->request;
    if (r->expect && !r->answer_early)
        rw_test_bytes_format(&connection->out, "HTTP/1.1 100 Continue\r\n\r\n");
    for (unsigned i = 0; i < r->interims; i++)
        rw_test_bytes_format(&connection->out,
                             "HTTP/1.1 103 Early Hints\r\nLink: </%u>; rel=preload\r\n\r\n", i);
}

static void add_accept(struct rw_test_connection *connection)
{
    char accept[RW_WEBSOCKET_ACCEPT_BYTES];
    struct rw_span line = rw_test_head_value(&connection->reader, "Sec-WebSocket-Key");
    if (line.len != RW_WEBSOCKET_KEY_BYTES || !rw_websocket_accept(accept, line)) {
        rw_test_fail(connection->origin->world, "no Sec-WebSocket-Key");
        return;
    }
    rw_test_bytes_format(&connection->out, "Sec-WebSocket-Accept: %.*s\r\n", (int)sizeof(accept),
                         accept);
}

static void add_answer(struct rw_test_connection *connection)
{
    struct rw_test_world *world = connection->origin->world;
    struct rw_test_bytes *out = &connection->out;
    struct rw_test_request *r = connection->request;
    r->answered_well |= r->status == 200 && r->fault == RW_TEST_FAULT_NONE;
    if (r->fault == RW_TEST_FAULT_MALFORMED) {
        rw_test_bytes_format(out, "HTTP/1.1 2OO fine\r\nX-Id : %u\r\n\r\n", r->id);
        return;
    }
    rw_test_bytes_format(out, "HTTP/1.1 %u Something\r\nX-Id: %u\r\n", r->status, r->id);
    for (int i = 0; r->fault == RW_TEST_FAULT_OVERSIZE && i < OVERSIZE_BYTES / 40; i++)
        rw_test_bytes_format(out, "X-Long: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n");
    if (r->status == 101)
        rw_test_bytes_format(out, "Connection: Upgrade\r\nUpgrade: websocket\r\n");
    if (r->socket)
        add_accept(connection);
    if (world->compresses)
        rw_test_bytes_format(out, "Content-Type: text/x-page\r\nETag: \"page-%u\"\r\n", r->id);
    if (r->answer == RW_TEST_BODY_LENGTH && r->status != 204)
        rw_test_bytes_format(out, "Content-Length: %u\r\n", r->answer_bytes);
    if (r->answer == RW_TEST_BODY_CHUNKED && r->status != 204 && r->status != 304)
        rw_test_bytes_format(out, "Transfer-Encoding: chunked\r\n");
    if (r->answer_close)
        rw_test_bytes_format(out, "Connection: close\r\n");
    rw_test_bytes_format(out, "\r\n");
    if (r->socket)
        rw_test_socket_begin(&connection->talk, world, r, RW_TEST_ORIGIN);
    else if (!bodiless(r))
        rw_test_bytes_body(world, out, r->answer, r->answer_bytes, r->id, RW_TEST_ORIGIN,
                           r->answer_trailers);
}

static void answer_now(void *user)
{
    struct rw_test_connection *connection = user;
    if (connection->ended)
        return;
    connection->answering = true;
    add_answer(connection);
    plan_pump(connection, rw_test_pause(connection->origin->world, &connection->origin->pace));
}

static void answer(struct rw_test_connection *connection)
{
    const struct rw_test_request *r = connection->request;
    if (connection->answering || connection->late || r->silent)
        return;
    connection->late = r->late_ms != 0;
    if (connection->late)
        rw_test_later(connection->origin->world, r->late_ms, answer_now, connection);
    else
        answer_now(connection);
}

static void close_idle(void *user)
{
    struct rw_test_connection *connection = user;
    if (connection->idle_close && !connection->request)
        end(connection);
}

/* Answer and request are through: the next, or the end. */
static void finish(struct rw_test_connection *connection)
{
    const struct rw_test_request *r = connection->request;
    struct rw_test_world *world = connection->origin->world;
    bool raw = connection->reader.state == RW_TEST_RAW;
    bool ends = r->answer_close || (r->answer == RW_TEST_BODY_UNTIL_CLOSE && !bodiless(r));
    if (raw && !(connection->all_read && (r->origin_ends || connection->peer_ended)))
        return;
    if (ends && !connection->all_read && world->strict) {
        rw_sim_peer_shutdown(connection->socket); /* it lingers: a reset would eat its answer */
        return;
    }
    if (ends || raw) {
        end(connection);
        return;
    }
    if (!connection->all_read)
        return;
    connection->request = NULL;
    connection->answering = false;
    connection->out.len = connection->out_at = 0;
    connection->idle_close = rw_test_below(world, 10000) < connection->origin->idle_close;
    if (connection->idle_close)
        rw_test_later(world, rw_test_below(world, IDLE_CLOSE_MS_MAX), close_idle, connection);
}

/* At the byte where the request's script says so. */
static bool fail_now(struct rw_test_connection *connection)
{
    const struct rw_test_request *r = connection->request;
    if (connection->out_at < r->fault_at || connection->out_at == connection->out.len)
        return false;
    switch (r->fault) {
    case RW_TEST_FAULT_RESET:
        cut(connection, RW_TEST_CUT_RESET);
        return true;
    case RW_TEST_FAULT_CLOSE:
        cut(connection, RW_TEST_CUT_CLOSE);
        return true;
    case RW_TEST_FAULT_STALL:
        return true;
    default:
        return false;
    }
}

/* What there is to say next in a WebSocket. A server ends the connection when it is over. */
static void talk_on(struct rw_test_connection *connection)
{
    struct rw_test_socket *talk = &connection->talk;
    if (!talk->begun || connection->out_at < connection->out.len)
        return;
    struct rw_span next = rw_test_socket_next(talk, TALK_BYTES_MAX);
    connection->out.len = connection->out_at = 0;
    rw_test_bytes_add(&connection->out, next.at, next.len);
    if (next.len == 0 && rw_test_socket_over(talk)) {
        connection->request->arrived_whole = rw_test_socket_complete(talk);
        end(connection);
    }
}

static void pump(void *user)
{
    struct rw_test_connection *connection = user;
    struct rw_test_origin *origin = connection->origin;
    connection->scheduled = false;
    if (connection->ended || !connection->request || fail_now(connection))
        return;
    talk_on(connection);
    if (connection->ended)
        return;
    size_t rest = connection->out.len - connection->out_at, len_sent = rest;
    size_t fault_at = connection->request->fault ? connection->request->fault_at : 0;
    if (rest) {
        size_t len = 1 + rw_test_below(origin->world, origin->pace.segment_bytes_max);
        len = len < rest ? len : rest;
        if (connection->out_at < fault_at && len > fault_at - connection->out_at)
            len = fault_at - connection->out_at;
        (void)rw_test_send(connection->socket,
                           rw_span(connection->out.at + connection->out_at, len));
        connection->out_at += len;
        rest -= len;
        rw_test_trace(origin->world, "origin connection %u: sent %zu, %zu left", connection->number,
                      len, rest);
    }
    if (rest || (len_sent && connection->talk.begun))
        plan_pump(connection, rw_test_pause(origin->world, &origin->pace));
    else if (connection->answering)
        finish(connection);
}

/* ---- Requests ---- */

static struct rw_test_request *find_request(struct rw_test_connection *connection)
{
    struct rw_test_world *world = connection->origin->world;
    char method[16], target[RW_TEST_TARGET_BYTES];
    int end_at = 0;
    int got =
        sscanf(connection->reader.head, "%15[A-Z] %79[^ ] HTTP/1.1\r\n%n", method, target, &end_at);
    struct rw_test_request *request =
        got == 2 && end_at ? rw_test_rewrite_find(world, rw_span_text(target)) : NULL;
    if (!request) {
        rw_test_fail(world, "an origin was sent %.60s", connection->reader.head);
        return NULL;
    }
    if (strcmp(method, request->method) != 0 || !request->head_sent ||
        request->route != RW_TEST_ROUTE_ORIGIN)
        rw_test_fail(world, "%u: no client sent %s", request->id, method);
    rw_test_rewrite_arrived(world, request, rw_span_text(target),
                            rw_test_head_value(&connection->reader, "Host"));
    return request;
}

static void check_identity(struct rw_test_world *world, const struct rw_test_reader *reader,
                           const struct rw_test_request *r)
{
    char consumer[32];
    snprintf(consumer, sizeof(consumer), RW_TEST_CONSUMER_FORMAT, r->id % RW_TEST_CONSUMERS);
    if (rw_test_head_count(reader, "X-Api-Key") || rw_test_head_count(reader, "X-Consumer") != 1 ||
        !rw_span_is(rw_test_head_value(reader, "X-Consumer"), consumer))
        rw_test_fail(world, "%u: who asks: %s", r->id, reader->head);
}

static void check_head(struct rw_test_connection *connection, const struct rw_test_request *r)
{
    struct rw_test_world *world = connection->origin->world;
    const struct rw_test_reader *reader = &connection->reader;
    if (r->flaw == RW_TEST_FLAW_HEAD || r->flaw == RW_TEST_FLAW_OVERSIZE)
        rw_test_fail(world, "%u: a malformed head was passed on", r->id);
    if (rw_test_head_count(reader, "Host") != 1 ||
        rw_test_head_count(reader, "X-Forwarded-For") != 1 ||
        rw_test_head_count(reader, "traceparent") != 1)
        rw_test_fail(world, "%u: fields are missing: %s", r->id, reader->head);
    if (r->socket != (rw_test_head_count(reader, "Sec-WebSocket-Version") == 1))
        rw_test_fail(world, "%u: what a WebSocket needs: %s", r->id, reader->head);
    if (rw_test_head_count(reader, "Connection") != (r->upgrade ? 1 : 0))
        rw_test_fail(world, "%u: Connection was passed on: %s", r->id, reader->head);
    if (world->identifies)
        check_identity(world, reader, r);
    if (world->has_tokens) {
        const struct rw_test_told told = {rw_test_head_count(reader, "X-Subject"),
                                          rw_test_head_count(reader, "Authorization"),
                                          rw_test_head_value(reader, "X-Subject")};
        rw_test_token_arrived(world, r, &told);
    }
}

static void check_session(const struct rw_test_connection *connection, struct rw_test_request *r)
{
    char cookies[200];
    struct rw_span field = rw_test_head_value(&connection->reader, "Cookie");
    if (rw_test_head_count(&connection->reader, "Cookie") != 1)
        rw_test_fail(connection->origin->world, "%u: cookies are lost", r->id);
    snprintf(cookies, sizeof(cookies), "%.*s", RW_SPAN_ARGS(field));
    rw_test_session_arrived(connection->origin, r, cookies);
}

static void answer_probe(struct rw_test_connection *connection)
{
    const struct rw_test_probe_answer answer =
        rw_test_health_asked(connection->origin, rw_test_head_value(&connection->reader, "Host"));
    char text[80];
    int len =
        snprintf(text, sizeof(text), "%sHTTP/1.1 %u So\r\nContent-Length: 0\r\n%s",
                 answer.babble ? "What? " : "", answer.status, answer.breaks_off ? "" : "\r\n");
    rw_test_trace(connection->origin->world, "origin connection %u: a probe gets %u",
                  connection->number, answer.status);
    if (answer.cut)
        cut(connection, answer.cut);
    else if (!answer.silent)
        (void)rw_test_send(connection->socket, rw_span(text, (size_t)len));
}

static enum rw_test_body on_head(struct rw_test_reader *reader)
{
    struct rw_test_connection *connection = connection_of(reader);
    struct rw_test_world *world = connection->origin->world;
    uint64_t length = 0;
    const char *why;
    if (connection->request) {
        rw_test_fail(world, "a request before %u was answered", connection->request->id);
        return RW_TEST_BODY_NONE;
    }
    if (strncmp(reader->head, "GET /health ", 12) == 0) {
        answer_probe(connection);
        return RW_TEST_BODY_NONE;
    }
    struct rw_test_request *r = find_request(connection);
    if (!r)
        return RW_TEST_BODY_NONE;
    rw_test_arrive(connection->origin, r);
    rw_test_trace(world, "origin connection %u: %s %u", connection->number, r->method, r->id);
    check_head(connection, r);
    if (world->has_sessions)
        check_session(connection, r);
    if (world->dressed)
        rw_test_dressed_arrived(world, r, rw_test_head_value(reader, "X-Request-Id"),
                                rw_test_head_count(reader, "X-Request-Id"));
    enum rw_test_body framing = rw_test_head_framing(reader, &length, &why);
    bool empty = framing == RW_TEST_BODY_NONE || (framing == RW_TEST_BODY_LENGTH && length == 0);
    bool none = r->framing == RW_TEST_BODY_NONE ||
                (r->framing == RW_TEST_BODY_LENGTH && r->body_bytes == 0);
    bool other = framing != r->framing && !(world->filtered && framing == RW_TEST_BODY_CHUNKED);
    bool lies = r->flaw == RW_TEST_FLAW_CHUNK && r->framing == RW_TEST_BODY_LENGTH;
    bool wrong = empty != none || (!empty && other) ||
                 (framing == RW_TEST_BODY_LENGTH && !none && length != r->body_bytes);
    if (wrong && !lies)
        rw_test_fail(world, "%u: framed another way: %s", r->id, reader->head);
    connection->request = r;
    connection->all_read = connection->late = false;
    connection->out.len = connection->out_at = 0;
    add_interims(connection);
    if (connection->out.len)
        plan_pump(connection, 0);
    if (r->answer_early || r->upgrade)
        answer(connection);
    return r->upgrade && r->status == 101 ? RW_TEST_BODY_RAW : framing;
}

static void on_body(struct rw_test_reader *reader, struct rw_span bytes)
{
    struct rw_test_connection *connection = connection_of(reader);
    struct rw_test_world *world = connection->origin->world;
    const struct rw_test_request *r = connection->request;
    rw_test_trace(world, "origin connection %u: %zu bytes of %u", connection->number, bytes.len,
                  r->id);
    if (connection->talk.begun) {
        rw_test_socket_feed(&connection->talk, bytes);
        plan_pump(connection, rw_test_pause(world, &connection->origin->pace));
        return;
    }
    if (!rw_test_body_is(bytes, r->id, RW_TEST_CLIENT, reader->body_bytes) ||
        reader->body_bytes + bytes.len > r->body_bytes)
        if (r->flaw != RW_TEST_FLAW_CHUNK)
            rw_test_fail(world, "%u: the request's bytes from %u on are not its own", r->id,
                         (unsigned)reader->body_bytes);
    if (reader->state == RW_TEST_RAW && reader->body_bytes + bytes.len == r->body_bytes) {
        connection->all_read = connection->request->arrived_whole = true;
        plan_pump(connection, 0);
    }
}

static void on_complete(struct rw_test_reader *reader)
{
    struct rw_test_connection *connection = connection_of(reader);
    struct rw_test_world *world = connection->origin->world;
    struct rw_test_request *r = connection->request;
    if (!r)
        return;
    bool none = r->framing == RW_TEST_BODY_NONE;
    /* In HTTP/2 a body of no bytes has an end of its own, which nobody needs to wait for. */
    bool cut = !r->all_sent && !(r->framing == RW_TEST_BODY_LENGTH && r->body_bytes == 0);
    if (reader->body_bytes != (none ? 0 : r->body_bytes) || cut || r->flaw == RW_TEST_FLAW_CHUNK)
        rw_test_fail(world, "%u: %u of %u bytes are presented as complete", r->id,
                     (unsigned)reader->body_bytes, r->body_bytes);
    char trailer[32];
    snprintf(trailer, sizeof(trailer), "X-Sum: %u", r->id);
    bool trailers = r->trailers && r->framing == RW_TEST_BODY_CHUNKED;
    if (strcasecmp(reader->trailer, trailers ? trailer : "") != 0)
        rw_test_fail(world, "%u: trailer \"%s\"", r->id, reader->trailer);
    r->arrived_whole = connection->all_read = true;
    rw_test_bodies_arrived(world, r);
    if (connection->answering && connection->out_at == connection->out.len)
        finish(connection); /* the next request may come at once */
    else
        answer(connection);
}

static void on_bad(struct rw_test_reader *reader, const char *why)
{
    struct rw_test_connection *connection = connection_of(reader);
    rw_test_fail(connection->origin->world, "an origin was sent %s: %.200s", why,
                 reader->head ? reader->head : "");
}

static const struct rw_test_reader_events reader_events = {on_head, on_body, on_complete, on_bad};

/* ---- The socket ---- */

static void on_data(struct rw_sim_socket *socket, void *user, struct rw_span bytes)
{
    struct rw_test_connection *connection = user;
    (void)socket;
    rw_test_check(connection->origin->world);
    rw_test_reader_feed(&connection->reader, bytes);
}

static void on_end(struct rw_sim_socket *socket, void *user, enum rw_err err)
{
    struct rw_test_connection *connection = user;
    (void)socket;
    rw_test_trace(connection->origin->world, "origin connection %u: end: %s", connection->number,
                  rw_err_text(err));
    connection->peer_ended = true;
    bool tunnel = connection->request && connection->reader.state == RW_TEST_RAW;
    if (tunnel && !err && !connection->talk.begun) {
        if (connection->reader.body_bytes < connection->request->body_bytes &&
            connection->origin->world->strict)
            rw_test_fail(connection->origin->world, "%u: a tunnel was cut short",
                         connection->request->id);
        if (connection->reader.body_bytes == connection->request->body_bytes)
            connection->all_read = true;
        plan_pump(connection, 0);
    }
    if (!tunnel || err || !connection->all_read)
        end(connection);
}

static const struct rw_sim_peer_events socket_events = {.on_data = on_data, .on_end = on_end};

static bool on_connect(struct rw_sim_socket *socket, void *user,
                       const struct rw_sim_peer_events **events, void **socket_user)
{
    struct rw_test_origin *origin = user;
    struct rw_test_world *world = origin->world;
    if (rw_test_below(world, 10000) < origin->refuse || origin->dead)
        return false;
    struct rw_test_connection *connection = calloc(1, sizeof(*connection));
    rw_assert(connection);
    connection->origin = origin;
    connection->socket = socket;
    connection->reader.events = &reader_events;
    connection->next = world->connections;
    connection->number = world->connections ? world->connections->number + 1 : 0;
    world->connections = connection;
    if (origin->bytes_per_ms)
        rw_sim_peer_throttle(socket, origin->bytes_per_ms);
    *events = &socket_events;
    *socket_user = connection;
    return true;
}

void rw_test_origin_listen(struct rw_test_origin *origin)
{
    if (origin->world->http2) {
        rw_test_h2_origin_listen(origin);
        return;
    }
    enum rw_err err = rw_sim_peer_listen(origin->world->sim, rw_address_sockaddr(&origin->address),
                                         origin->address.bytes, on_connect, origin);
    rw_assert(!err);
}

void rw_test_connections_free(struct rw_test_world *world)
{
    rw_test_h2_connections_free(world);
    while (world->connections) {
        struct rw_test_connection *connection = world->connections;
        world->connections = connection->next;
        rw_test_reader_free(&connection->reader);
        free(connection->out.at);
        rw_test_socket_free(&connection->talk);
        free(connection);
    }
}
