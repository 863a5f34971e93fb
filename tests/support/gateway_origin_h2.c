/* Scripted origins that speak HTTP/2: the engine as server on a simulated socket. It checks what
 * arrives, and answers as the request's script says. */
#include "base/alloc.h"
#include "base/slab.h"
#include "http/h2.h"
#include "support/peer_socket.h"

#include <stdio.h>
#include <stdlib.h>

enum { ARENA_BYTES = 4096, ARENA_BYTES_MAX = 1 << 20, HELD_MS_MAX = 30, TALK_BYTES_MAX = 5000 };

struct rw_test_h2_connection {
    struct rw_test_h2_connection *next;
    struct rw_test_origin *origin;
    struct rw_sim_socket *socket;
    struct rw_h2 h2;
    struct rw_h2_settings settings;
    struct rw_buf_pool buffers;
    struct rw_slab streams;
    struct call *calls;
    uint32_t number;
    bool scheduled, ended, leaving, broken;
};

/* A request at the origin. */
struct call {
    struct call *next;
    struct rw_test_h2_connection *connection;
    struct rw_h2_stream *stream; /* NULL: gone */
    struct rw_test_request *request;
    struct rw_message message;
    struct rw_arena arena;
    struct rw_test_bytes body;
    struct rw_test_socket talk;
    uint64_t received;
    char trailer[32];
    bool answered;
    bool pending; /* the engine holds a piece of a WebSocket */
    bool said_all;
};

static struct rw_test_h2_connection *connection_of(struct rw_h2 *h2)
{
    return h2->user;
}

static void end(struct rw_test_h2_connection *c)
{
    if (c->ended)
        return;
    c->ended = true;
    rw_sim_peer_close(c->socket);
    c->socket = NULL;
}

static void cut(struct rw_test_h2_connection *c, enum rw_test_cut how)
{
    if (c->ended)
        return;
    rw_test_trace(c->origin->world, "h2 origin connection %u: cut %d", c->number, how);
    if (how == RW_TEST_CUT_HALF) {
        rw_sim_peer_shutdown(c->socket);
        return;
    }
    if (how == RW_TEST_CUT_RESET)
        rw_sim_peer_reset(c->socket);
    end(c);
}

void rw_test_h2_origins_cut(struct rw_test_world *world, enum rw_test_cut how)
{
    for (struct rw_test_h2_connection *at = world->h2_connections; at; at = at->next)
        cut(at, how);
}

/* ---- What leaves ---- */

static void pump(void *user)
{
    struct rw_test_h2_connection *c = user;
    struct iovec parts[4];
    int count;
    c->scheduled = false;
    if (c->ended)
        return;
    rw_h2_wake(&c->h2);
    while (!c->ended && (count = rw_h2_output(&c->h2, parts, 4)) > 0) {
        for (int i = 0; i < count; i++)
            (void)rw_test_send(c->socket, rw_span(parts[i].iov_base, parts[i].iov_len));
        rw_h2_output_sent(&c->h2);
    }
    if (c->broken || (c->leaving && rw_h2_stream_count(&c->h2) == 0))
        end(c);
}

static void plan_pump(struct rw_test_h2_connection *c)
{
    if (c->scheduled || c->ended)
        return;
    c->scheduled = true;
    rw_test_later(c->origin->world, rw_test_pause(c->origin->world, &c->origin->pace), pump, c);
}

/* ---- Answers ---- */

static bool bodiless(const struct rw_test_request *r)
{
    return strcmp(r->method, "HEAD") == 0 || r->status == 204 || r->status == 304;
}

static void put_number(struct rw_h2 *h2, enum rw_field_id id, struct rw_span name, uint32_t number)
{
    char text[16];
    int len = snprintf(text, sizeof(text), "%u", number);
    rw_h2_put_field(h2, id, name, rw_span(text, (size_t)len));
}

/* False: no memory, the stream is reset. */
static bool put_head(struct call *call, unsigned status, bool last)
{
    struct rw_h2 *h2 = &call->connection->h2;
    const struct rw_test_request *r = call->request;
    bool final = status >= 200;
    if (!rw_h2_head_begin(h2, call->stream, 512, 8)) {
        rw_h2_reset(h2, call->stream, RW_H2_INTERNAL_ERROR);
        call->stream = NULL;
        return false;
    }
    rw_h2_put_status(h2, status);
    if (final)
        put_number(h2, RW_FIELD_OTHER, RW_LITERAL("x-id"), r->id);
    else
        rw_h2_put_field(h2, RW_FIELD_OTHER, RW_LITERAL("link"), RW_LITERAL("</0>; rel=preload"));
    if (final && r->fault == RW_TEST_FAULT_MALFORMED)
        rw_h2_put_field(h2, RW_FIELD_CONNECTION, RW_LITERAL("connection"), RW_LITERAL("close"));
    if (final && call->connection->origin->world->compresses) {
        char tag[32];
        int len = snprintf(tag, sizeof(tag), "\"page-%u\"", r->id);
        rw_h2_put_field(h2, RW_FIELD_CONTENT_TYPE, RW_LITERAL("content-type"),
                        RW_LITERAL("text/x-page"));
        rw_h2_put_field(h2, RW_FIELD_ETAG, RW_LITERAL("etag"), rw_span(tag, (size_t)len));
    }
    if (final && r->answer == RW_TEST_BODY_LENGTH && r->status != 204)
        put_number(h2, RW_FIELD_CONTENT_LENGTH, RW_LITERAL("content-length"), r->answer_bytes);
    rw_h2_head_end(h2, call->stream, last, !final);
    return true;
}

/* How much of the body leaves before the script's fault; all of it without one. */
static uint32_t sent_bytes(const struct rw_test_request *r)
{
    bool faulty = r->fault != RW_TEST_FAULT_NONE && r->fault != RW_TEST_FAULT_MALFORMED;
    return faulty && r->fault_at < r->answer_bytes ? r->fault_at : r->answer_bytes;
}

/* Behind what was sent; true: there is nothing more to come. */
static bool fail_now(struct call *call)
{
    struct rw_test_h2_connection *c = call->connection;
    switch (call->request->fault) {
    case RW_TEST_FAULT_NONE:
    case RW_TEST_FAULT_MALFORMED:
        return false;
    case RW_TEST_FAULT_STALL:
        return true;
    case RW_TEST_FAULT_CLOSE:
        c->broken = true;
        return true;
    default:
        rw_h2_reset(&c->h2, call->stream, RW_H2_INTERNAL_ERROR);
        call->stream = NULL;
        return true;
    }
}

/* Now and then the origin wants to be rid of the connection. */
static void maybe_leave(struct rw_test_h2_connection *c)
{
    if (c->leaving || rw_test_below(c->origin->world, 2000) >= c->origin->idle_close)
        return;
    c->leaving = true;
    rw_h2_goaway(&c->h2, RW_H2_NO_ERROR, true);
}

/* What there is to say in a WebSocket; a server ends the stream when it is over. */
static void talk_on(struct call *call)
{
    struct rw_h2 *h2 = &call->connection->h2;
    const struct rw_span none = {0};
    while (call->stream && !call->pending && !call->said_all) {
        struct rw_span next = rw_test_socket_next(&call->talk, TALK_BYTES_MAX);
        call->said_all = next.len == 0 && rw_test_socket_over(&call->talk);
        if (next.len == 0 && !call->said_all)
            return;
        call->pending =
            rw_h2_data(h2, call->stream, NULL, next, call->said_all, none) == RW_H2_HOLD;
    }
}

static void answer_socket(struct call *call)
{
    struct rw_test_h2_connection *c = call->connection;
    if (!put_head(call, 200, false))
        return;
    rw_test_socket_begin(&call->talk, c->origin->world, call->request, RW_TEST_ORIGIN);
    talk_on(call);
    maybe_leave(c);
}

static void hear(struct call *call, struct rw_span data, bool last)
{
    struct rw_test_world *world = call->connection->origin->world;
    if (!call->talk.begun) {
        rw_test_fail(world, "%u: frames before the answer", call->request->id);
        return;
    }
    rw_test_socket_feed(&call->talk, data);
    call->request->arrived_whole = rw_test_socket_complete(&call->talk);
    talk_on(call);
    if (!last || call->said_all || call->pending || !call->stream)
        return;
    call->said_all = true; /* nobody is there to hear more */
    (void)rw_h2_data(&call->connection->h2, call->stream, NULL, (struct rw_span){0}, true,
                     (struct rw_span){0});
}

static void answer(struct call *call)
{
    struct rw_test_h2_connection *c = call->connection;
    struct rw_test_request *r = call->request;
    if (call->answered || !call->stream || r->silent)
        return;
    call->answered = true;
    r->answered_well |= r->status == 200 && r->fault == RW_TEST_FAULT_NONE;
    for (unsigned i = 0; i < r->interims; i++)
        if (!put_head(call, 103, false))
            return;
    if (r->socket) {
        answer_socket(call);
        return;
    }
    bool trailers = r->answer_trailers && r->answer == RW_TEST_BODY_CHUNKED;
    if (!put_head(call, r->status, bodiless(r)) || bodiless(r))
        return;
    rw_test_bytes_body(c->origin->world, &call->body, RW_TEST_BODY_UNTIL_CLOSE, r->answer_bytes,
                       r->id, RW_TEST_ORIGIN, false);
    snprintf(call->trailer, sizeof(call->trailer), "X-Sum: %u\r\n", r->id);
    uint32_t len = sent_bytes(r);
    bool all = r->fault == RW_TEST_FAULT_NONE || r->fault == RW_TEST_FAULT_MALFORMED;
    (void)rw_h2_data(&c->h2, call->stream, NULL, rw_span(call->body.at, len), all,
                     all && trailers ? rw_span_text(call->trailer) : (struct rw_span){0});
    if (!fail_now(call))
        maybe_leave(c);
}

static void answer_later(void *user)
{
    struct call *call = user;
    if (call->connection->ended)
        return;
    answer(call);
    plan_pump(call->connection);
}

/* ---- Requests ---- */

static struct rw_h2_target on_target(struct rw_h2 *h2, struct rw_h2_stream *stream)
{
    struct rw_test_h2_connection *c = connection_of(h2);
    struct rw_test_world *world = c->origin->world;
    bool recovers = world->health.phase == RW_TEST_HEALTH_RECOVERS;
    if (!world->strict && !recovers && rw_test_chance(world, 5))
        return (struct rw_h2_target){0}; /* refused: it may be sent again, whatever it is */
    struct call *call = calloc(1, sizeof(*call));
    rw_assert(call);
    call->connection = c;
    call->stream = stream;
    call->next = c->calls;
    c->calls = call;
    stream->user = call;
    rw_arena_init(&call->arena, NULL, 0, ARENA_BYTES, ARENA_BYTES_MAX);
    return (struct rw_h2_target){&call->arena, &call->message};
}

static unsigned count_fields(const struct rw_message *message, enum rw_field_id id)
{
    unsigned count = 0;
    for (unsigned i = 0; i < message->field_count; i++)
        count += message->fields[i].id == id;
    return count;
}

static void check_identity(struct rw_test_world *world, const struct rw_message *message,
                           const struct rw_test_request *r)
{
    char consumer[32];
    snprintf(consumer, sizeof(consumer), RW_TEST_CONSUMER_FORMAT, r->id % RW_TEST_CONSUMERS);
    const struct rw_field *told = rw_message_find_name(message, RW_LITERAL("x-consumer"));
    if (rw_message_find_name(message, RW_LITERAL("x-api-key")) || !told ||
        !rw_span_is(told->value, consumer))
        rw_test_fail(world, "%u: who asks is told wrongly", r->id);
}

static void check_token(struct rw_test_world *world, const struct rw_message *message,
                        const struct rw_test_request *r)
{
    struct rw_test_told told = {0};
    for (unsigned i = 0; i < message->field_count; i++) {
        const struct rw_field *field = &message->fields[i];
        told.tokens += rw_span_is(field->name, "authorization");
        if (!rw_span_is(field->name, "x-subject"))
            continue;
        told.subjects++;
        told.subject = field->value;
    }
    rw_test_token_arrived(world, r, &told);
}

static void check_head(struct call *call, const struct rw_test_request *r)
{
    struct rw_test_world *world = call->connection->origin->world;
    const struct rw_message *message = &call->message;
    if (r->flaw == RW_TEST_FLAW_HEAD || r->flaw == RW_TEST_FLAW_OVERSIZE)
        rw_test_fail(world, "%u: a malformed head was passed on", r->id);
    if (count_fields(message, RW_FIELD_X_FORWARDED_FOR) != 1 ||
        count_fields(message, RW_FIELD_TRACEPARENT) != 1 || !message->authority.len)
        rw_test_fail(world, "%u: fields are missing", r->id);
    if (!rw_span_is(message->protocol, r->socket ? "websocket" : "") ||
        rw_message_find_name(message, RW_LITERAL("Sec-WebSocket-Key")))
        rw_test_fail(world, "%u: a WebSocket is asked for another way", r->id);
    if (world->identifies)
        check_identity(world, message, r);
    if (world->has_tokens)
        check_token(world, message, r);
    if (r->framing == RW_TEST_BODY_LENGTH && r->flaw != RW_TEST_FLAW_CHUNK && !world->filtered &&
        (!message->has_length || message->body_bytes != r->body_bytes))
        rw_test_fail(world, "%u: the length is not what was sent", r->id);
}

static void check_session(const struct call *call, struct rw_test_request *r)
{
    struct rw_test_bytes cookies = {0};
    const struct rw_message *message = &call->message;
    for (unsigned i = 0; i < message->field_count; i++)
        if (message->fields[i].id == RW_FIELD_COOKIE)
            rw_test_bytes_format(&cookies, "%s%.*s", cookies.len ? "; " : "",
                                 RW_SPAN_ARGS(message->fields[i].value));
    rw_test_bytes_add(&cookies, "", 1);
    rw_test_session_arrived(call->connection->origin, r, cookies.at);
    free(cookies.at);
}

static void check_identified(const struct call *call, struct rw_test_request *r)
{
    const struct rw_message *message = &call->message;
    struct rw_span id = {0};
    unsigned count = 0;
    for (unsigned i = 0; i < message->field_count; i++)
        if (rw_span_is(message->fields[i].name, "x-request-id")) {
            id = message->fields[i].value;
            count++;
        }
    rw_test_dressed_arrived(call->connection->origin->world, r, id, count);
}

static struct rw_test_request *find_request(struct call *call)
{
    struct rw_test_world *world = call->connection->origin->world;
    const struct rw_message *message = &call->message;
    struct rw_test_request *r = rw_test_rewrite_find(world, message->target);
    if (!r) {
        rw_test_fail(world, "an origin was sent %.*s", RW_SPAN_ARGS(message->target));
        return NULL;
    }
    if (!rw_span_is(message->method_text, r->socket ? "CONNECT" : r->method) || !r->head_sent ||
        r->route != RW_TEST_ROUTE_ORIGIN)
        rw_test_fail(world, "%u: no client sent %.*s", r->id, RW_SPAN_ARGS(message->method_text));
    rw_test_rewrite_arrived(world, r, message->target, message->authority);
    return r;
}

static void complete(struct call *call, struct rw_span trailers)
{
    struct rw_test_request *r = call->request;
    struct rw_test_world *world = call->connection->origin->world;
    bool none = r->framing == RW_TEST_BODY_NONE;
    if (call->received != (none ? 0 : r->body_bytes) || !r->all_sent ||
        r->flaw == RW_TEST_FLAW_CHUNK)
        rw_test_fail(world, "%u: %u of %u bytes are presented as complete", r->id,
                     (unsigned)call->received, r->body_bytes);
    char expected[32] = "";
    if (r->trailers && r->framing == RW_TEST_BODY_CHUNKED)
        snprintf(expected, sizeof(expected), "x-sum: %u\r\n", r->id);
    if (!rw_span_is(trailers, expected))
        rw_test_fail(world, "%u: trailer \"%.*s\"", r->id, RW_SPAN_ARGS(trailers));
    r->arrived_whole = true;
    rw_test_bodies_arrived(world, r);
    rw_test_later(world, r->late_ms + rw_test_pause(world, &call->connection->origin->pace),
                  answer_later, call);
}

static void answer_probe(struct call *call)
{
    struct rw_test_h2_connection *c = call->connection;
    struct rw_h2 *h2 = &c->h2;
    const struct rw_test_probe_answer answer =
        rw_test_health_asked(c->origin, call->message.authority);
    rw_test_trace(c->origin->world, "h2 origin connection %u: a probe gets %u", c->number,
                  answer.status);
    if (answer.cut) {
        cut(c, answer.cut); /* closes, or resets */
    } else if (answer.babble || answer.breaks_off || !rw_h2_head_begin(h2, call->stream, 64, 1)) {
        rw_h2_reset(h2, call->stream, RW_H2_INTERNAL_ERROR);
        call->stream = NULL;
    } else if (!answer.silent) {
        rw_h2_put_status(h2, answer.status);
        rw_h2_head_end(h2, call->stream, true, false);
    }
}

static void on_head(struct rw_h2 *h2, struct rw_h2_stream *stream, unsigned status, bool last)
{
    struct call *call = stream->user;
    struct rw_test_h2_connection *c = connection_of(h2);
    struct rw_test_world *world = c->origin->world;
    if (!status && rw_span_is(call->message.target, "/health")) {
        answer_probe(call);
        return;
    }
    struct rw_test_request *r = status ? NULL : find_request(call);
    if (status)
        rw_test_fail(world, "an origin was sent what it must refuse with %u", status);
    if (!r)
        return;
    rw_test_arrive(c->origin, r);
    rw_test_trace(world, "h2 origin connection %u: %s %u", c->number, r->method, r->id);
    call->request = r;
    check_head(call, r);
    if (world->has_sessions)
        check_session(call, r);
    if (world->dressed)
        check_identified(call, r);
    if (r->expect && !r->answer_early && !put_head(call, 100, false))
        return;
    if (r->socket)
        rw_test_later(world, r->late_ms + rw_test_pause(world, &c->origin->pace), answer_later,
                      call);
    else if (last)
        complete(call, (struct rw_span){"", 0});
    else if (r->answer_early)
        rw_test_later(world, r->late_ms, answer_later, call);
}

static void resume(void *user)
{
    struct call *call = user;
    if (call->connection->ended || !call->stream)
        return;
    rw_h2_resume(&call->connection->h2, call->stream);
    plan_pump(call->connection);
}

static enum rw_h2_more on_data(struct rw_h2 *h2, struct rw_h2_stream *stream, struct rw_buf *buf,
                               struct rw_span data, bool last, struct rw_span trailers)
{
    struct call *call = stream->user;
    struct rw_test_world *world = connection_of(h2)->origin->world;
    const struct rw_test_request *r = call->request;
    (void)buf;
    if (!r)
        return RW_H2_GO;
    if (r->socket) {
        hear(call, data, last);
        return RW_H2_GO;
    }
    if ((!rw_test_body_is(data, r->id, RW_TEST_CLIENT, call->received) ||
         call->received + data.len > r->body_bytes) &&
        r->flaw != RW_TEST_FLAW_CHUNK)
        rw_test_fail(world, "%u: the request's bytes from %u on are not its own", r->id,
                     (unsigned)call->received);
    call->received += data.len;
    if (last)
        complete(call, trailers.at ? trailers : (struct rw_span){"", 0});
    if (last || !rw_test_chance(world, 20))
        return RW_H2_GO;
    rw_test_later(world, rw_test_below(world, HELD_MS_MAX), resume, call);
    return RW_H2_HOLD;
}

static void on_reset(struct rw_h2 *h2, struct rw_h2_stream *stream, enum rw_h2_code code)
{
    struct call *call = stream->user;
    struct rw_test_world *world = connection_of(h2)->origin->world;
    if (h2->reason && code != RW_H2_INTERNAL_ERROR)
        rw_test_fail(world, "an origin was sent what is malformed: %s", h2->reason);
    if (call)
        call->stream = NULL;
}

static void on_error(struct rw_h2 *h2, enum rw_h2_code code, enum rw_h2_flood flood,
                     const char *text)
{
    struct rw_test_h2_connection *c = connection_of(h2);
    (void)flood;
    if (code != RW_H2_INTERNAL_ERROR) /* its own memory */
        rw_test_fail(c->origin->world, "an origin says %s: %s", rw_h2_code_name(code), text);
    c->broken = true;
    plan_pump(c);
}

static void on_output(struct rw_h2 *h2)
{
    plan_pump(connection_of(h2));
}

static void on_goaway(struct rw_h2 *h2, enum rw_h2_code code)
{
    struct rw_test_h2_connection *c = connection_of(h2);
    (void)code;
    c->leaving = true;
    plan_pump(c);
}

static void on_writable(struct rw_h2 *h2, struct rw_h2_stream *stream)
{
    struct call *call = stream->user;
    (void)h2;
    call->pending = false;
    if (call->talk.begun)
        talk_on(call);
}

static void on_connection(struct rw_h2 *h2)
{
    (void)h2;
}

static const struct rw_h2_events events = {
    .on_target = on_target,
    .on_head = on_head,
    .on_data = on_data,
    .on_writable = on_writable,
    .on_reset = on_reset,
    .on_output = on_output,
    .on_goaway = on_goaway,
    .on_settings = on_connection,
    .on_pong = on_connection,
    .on_error = on_error,
};

/* ---- The socket ---- */

static void on_bytes(struct rw_sim_socket *socket, void *user, struct rw_span bytes)
{
    struct rw_test_h2_connection *c = user;
    (void)socket;
    rw_test_check(c->origin->world);
    while (bytes.len && !c->ended) {
        struct rw_buf *buf = rw_buf_get(&c->buffers, RW_BUF_SMALL_BYTES);
        if (!buf) {
            cut(c, RW_TEST_CUT_RESET);
            return;
        }
        size_t part = bytes.len < buf->room ? bytes.len : buf->room;
        memcpy(buf->data, bytes.at, part);
        buf->end = (uint32_t)part;
        bytes = rw_span_skip(bytes, part);
        rw_h2_receive(&c->h2, buf, rw_sim_now_ms(c->origin->world->sim));
    }
    plan_pump(c);
}

static void on_end(struct rw_sim_socket *socket, void *user, enum rw_err err)
{
    struct rw_test_h2_connection *c = user;
    (void)socket, (void)err;
    end(c);
}

static const struct rw_sim_peer_events socket_events = {.on_data = on_bytes, .on_end = on_end};

static void choose_settings(struct rw_test_h2_connection *c)
{
    struct rw_test_world *world = c->origin->world;
    bool narrow = rw_test_chance(world, 40);
    c->settings = (struct rw_h2_settings){
        .server = true,
        .connect_protocol = world->strict || rw_test_chance(world, 90),
        .streams_max = rw_test_chance(world, 40) ? 1 + rw_test_below(world, 3) : 100,
        .stream_window_bytes = narrow ? 1000 + rw_test_below(world, 3000) : 65535,
        .connection_window_bytes = 1 << 20,
        .table_bytes_max = rw_test_chance(world, 20) ? rw_test_below(world, 200) : 4096,
        .head_bytes_max = 65536,
        .fields_max = 200,
        .target_bytes_max = 8192,
        .block_bytes_max = 65536,
        .continuations_max = 16,
        .output_bytes_max = 1000 + rw_test_below(world, 100000),
    };
}

static bool on_connect(struct rw_sim_socket *socket, void *user,
                       const struct rw_sim_peer_events **socket_events_of, void **socket_user)
{
    struct rw_test_origin *origin = user;
    struct rw_test_world *world = origin->world;
    if (rw_test_below(world, 10000) < origin->refuse || origin->dead)
        return false;
    struct rw_test_h2_connection *c = calloc(1, sizeof(*c));
    rw_assert(c);
    c->origin = origin;
    c->socket = socket;
    c->number = world->h2_connections ? world->h2_connections->number + 1 : 0;
    choose_settings(c);
    rw_buf_pool_init(&c->buffers, SIZE_MAX, 0);
    rw_slab_init(&c->streams, sizeof(struct rw_h2_stream), 16, SIZE_MAX);
    if (rw_h2_open(&c->h2, &c->settings, &events, &c->buffers, &c->streams, c)) {
        free(c);
        return false;
    }
    c->next = world->h2_connections;
    world->h2_connections = c;
    if (origin->bytes_per_ms)
        rw_sim_peer_throttle(socket, origin->bytes_per_ms);
    *socket_events_of = &socket_events;
    *socket_user = c;
    return true;
}

void rw_test_h2_origin_listen(struct rw_test_origin *origin)
{
    enum rw_err err = rw_sim_peer_listen(origin->world->sim, rw_address_sockaddr(&origin->address),
                                         origin->address.bytes, on_connect, origin);
    rw_assert(!err);
}

void rw_test_h2_connections_free(struct rw_test_world *world)
{
    while (world->h2_connections) {
        struct rw_test_h2_connection *c = world->h2_connections;
        world->h2_connections = c->next;
        c->ended = c->scheduled = true;
        rw_h2_close(&c->h2, RW_H2_CANCEL);
        rw_slab_destroy(&c->streams);
        rw_buf_pool_destroy(&c->buffers);
        while (c->calls) {
            struct call *call = c->calls;
            c->calls = call->next;
            rw_arena_free(&call->arena);
            free(call->body.at);
            rw_test_socket_free(&call->talk);
            free(call);
        }
        free(c);
    }
}
