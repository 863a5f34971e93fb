/* Responses over HTTP/1.1: heads, then the body in pieces to the exchange. */
#include "gate/snapshot.h"
#include "http/websocket.h"
#include "origin/upstream_h1.h"

enum {
    RESPONSE_TRAILERS_ROOM = 1024,
    SLOW_MS =
        1, /* a client that takes longer for a piece gets small ones: less memory waits for it */
    BULK_WAIT_MS = 10, /* longer than that nothing waits for a large piece to be full */
};

static const struct rw_h1_limits response_limits = {
    .head_bytes_max = 64 * 1024 - 1,
    .target_bytes_max = 8 * 1024,
    .fields_max = 200,
    .chunk_ext_bytes_max = 256,
    .trailer_bytes_max = RESPONSE_TRAILERS_ROOM,
};

static void drop_input(struct rw_upstream_h1 *h1)
{
    rw_buf_drop(h1->in);
    h1->in = NULL;
}

/* ---- Bulk ---- */

static void set_low_water(struct rw_upstream_h1 *h1, uint32_t bytes)
{
    uint32_t now = h1->low_water ? h1->low_water : 1;
    if (bytes == now || !h1->call.lease.connection)
        return;
    h1->low_water = bytes;
    rw_stream_low_water(&h1->call.lease.connection->stream, bytes);
}

/* A body that comes as fast as it is read is read in large pieces: each send wakes the client, each
 * receive the origin, and those wake-ups are most of what a large body costs (measured: 1.5 times
 * the bytes per CPU second). When it stops coming so fast, hurry tells what is there.
 */
static void choose_low_water(struct rw_upstream_h1 *h1, bool filled)
{
    bool known = h1->call.responded && !h1->upgraded && h1->body.kind == RW_BODY_LENGTH;
    if (!known || h1->slow_client)
        set_low_water(h1, 1);
    else if (h1->low_water > 1 && h1->body.remaining < h1->low_water)
        set_low_water(h1, h1->body.remaining ? (uint32_t)h1->body.remaining : 1);
    else if (filled && h1->body.remaining >= RW_BUF_LARGE_BYTES)
        set_low_water(h1, RW_BUF_LARGE_BYTES);
}

/* Only a large piece is waited for: it goes on with what is there. */
static void hurry(struct rw_upstream_h1 *h1)
{
    set_low_water(h1, 1);
    rw_upstream_wait_deadline(&h1->call, h1->call.x->route->first_byte_ms);
}

void rw_upstream_h1_on_deadline(struct rw_lease *lease)
{
    struct rw_upstream_h1 *h1 = rw_upstream_h1_of_lease(lease);
    if (h1->low_water > 1)
        hurry(h1);
    else
        rw_upstream_time_out(&h1->call);
}

/* ---- The end ---- */

/* All of the response is there. The connection is given back before the exchange goes on, so that
 * the next request can use it. */
static void let_go_of_connection(struct rw_upstream_h1 *h1)
{
    set_low_water(h1, 1);
    bool clean = h1->call.request_sent && !h1->sending && !h1->in && !h1->upgraded &&
                 !h1->peer_ended && h1->call.x->response.keep_alive;
    if (clean)
        rw_pool_release(&h1->call.lease);
    else
        rw_pool_discard(&h1->call.lease);
    rw_upstream_let_go(&h1->call);
}

/* ---- Body ---- */

static enum rw_h1_body_event gather(struct rw_upstream_h1 *h1, struct rw_piece *piece)
{
    return rw_h1_gather(&h1->body, &response_limits, &h1->trailers, &h1->in, piece);
}

static void gather_raw(struct rw_upstream_h1 *h1, struct rw_piece *piece)
{
    *piece = (struct rw_piece){.buf = h1->in, .data = rw_buf_span(h1->in)};
    h1->in = NULL;
}

/* What is left to do for a call. OVER: it has ended, and its memory may be another's already. */
enum go { GO_ON, GO_WAIT, GO_OVER };

static enum go fail(struct rw_upstream_h1 *h1, enum rw_reason reason, const char *detail)
{
    rw_upstream_fail(&h1->call, reason, detail);
    return GO_OVER;
}

static enum go body_bad(struct rw_upstream_h1 *h1, struct rw_piece *piece)
{
    rw_buf_drop(piece->buf);
    return fail(h1, RW_REASON_UPSTREAM_BAD, h1->body.reason);
}

static enum go after_piece(struct rw_upstream_h1 *h1, enum rw_flow flow, bool end)
{
    if (end || flow == RW_FLOW_OVER)
        return GO_OVER;
    h1->call.response_held = flow == RW_FLOW_HOLD;
    if (h1->call.response_held)
        h1->held_ms = rw_loop_now_ms(h1->call.x->worker->loop);
    return h1->call.response_held ? GO_WAIT : GO_ON;
}

/* The last piece is in hand: what the exchange needs to know, and the connection. */
static void end_response(struct rw_upstream_h1 *h1)
{
    h1->call.x->response_trailers = rw_span(h1->trailers.at, h1->trailers.len);
    let_go_of_connection(h1);
}

/* One piece of the body to the exchange. */
static enum go pass_piece(struct rw_upstream_h1 *h1)
{
    struct rw_piece piece;
    if (h1->upgraded)
        gather_raw(h1, &piece);
    else if (gather(h1, &piece) == RW_H1_BODY_BAD)
        return body_bad(h1, &piece);
    struct rw_buf *buf = piece.buf;
    bool end = piece.end;
    struct rw_exchange *x = h1->call.x;
    if (end)
        end_response(h1);
    enum rw_flow flow = RW_FLOW_GO;
    if (end || piece.data.len)
        flow = rw_exchange_response_data(x, &piece);
    rw_buf_drop(buf);
    return after_piece(h1, flow, end);
}

/* ---- Heads ---- */

static bool prepare_trailers(struct rw_upstream_h1 *h1)
{
    if (h1->call.x->response.body_kind != RW_BODY_CHUNKED)
        return true;
    h1->trailers.at = rw_arena_alloc(&h1->call.x->arena, RESPONSE_TRAILERS_ROOM);
    h1->trailers.room = RESPONSE_TRAILERS_ROOM;
    return h1->trailers.at != NULL;
}

/* What goes to the origin ends anew: with the client's half of the tunnel, raw however the
 * request's body was framed. */
static void begin_tunnel(struct rw_upstream_h1 *h1)
{
    struct rw_exchange *x = h1->call.x;
    h1->upgraded = true;
    x->tunnels = x->front->tunnel && x->request_ended && h1->call.request_sent;
    if (x->tunnels && !h1->sending)
        x->tunnel_ready = RW_TUNNEL_ORIGIN_READY;
    h1->call.request_sent = false;
    h1->out.chunked = false;
}

/* An origin may switch only to what was offered (RFC 9110 section 7.8). */
static bool offered(const struct rw_exchange *x)
{
    struct rw_span chosen = rw_message_value(&x->response, RW_FIELD_UPGRADE), protocol, offer;
    while (rw_span_next(&chosen, ',', &protocol)) {
        struct rw_span offers = rw_message_value(&x->request, RW_FIELD_UPGRADE);
        bool found = false;
        while (!found && rw_span_next(&offers, ',', &offer))
            found = rw_span_eq_nocase(offer, protocol);
        if (!found)
            return false;
    }
    return true;
}

/* RFC 6455 section 4.1: the origin has understood what it was asked for. */
static bool accepted(const struct rw_exchange *x)
{
    const struct rw_field *field =
        rw_message_find_name(&x->response, RW_LITERAL("Sec-WebSocket-Accept"));
    struct rw_span accept = rw_span(x->websocket_accept, RW_WEBSOCKET_ACCEPT_BYTES);
    return !x->websocket_accept || (field && rw_span_eq(field->value, accept));
}

/* The final head is in x->response: what came of the body goes along with it. */
static enum go respond(struct rw_upstream_h1 *h1)
{
    struct rw_exchange *x = h1->call.x;
    struct rw_piece first = {.end = !h1->upgraded && rw_message_bodiless(&x->response)};
    if (!rw_upstream_take_response(&h1->call, first.end))
        return GO_OVER;
    if (x->request.method == RW_METHOD_CONNECT && x->response.status / 100 == 2) {
        begin_tunnel(h1); /* RFC 9110 section 9.3.6 */
        first.end = false;
    }
    rw_h1_body_start(&h1->body, &x->response);
    if (!prepare_trailers(h1) || !rw_upstream_ensure_date(x))
        return fail(h1, RW_REASON_EXCHANGE_LIMIT, NULL);
    if (!first.end && !h1->upgraded && h1->in && gather(h1, &first) == RW_H1_BODY_BAD)
        return body_bad(h1, &first);
    struct rw_buf *buf = first.buf;
    bool end = first.end;
    if (end)
        end_response(h1);
    enum rw_flow flow = rw_exchange_respond(x, &first);
    rw_buf_drop(buf);
    return after_piece(h1, flow, end);
}

static enum go interim(struct rw_upstream_h1 *h1)
{
    struct rw_exchange *x = h1->call.x;
    if (x->response.status == 101) {
        if (!x->upgrade_allowed || !x->response.upgrade)
            return fail(h1, RW_REASON_UPSTREAM_BAD, "101 without being asked");
        if (!offered(x))
            return fail(h1, RW_REASON_UPSTREAM_BAD, "101 to a protocol that was not offered");
        if (!accepted(x))
            return fail(h1, RW_REASON_UPSTREAM_BAD, "101 with a wrong Sec-WebSocket-Accept");
        if (!x->request_ended || !h1->call.request_sent)
            return fail(h1, RW_REASON_UPSTREAM_BAD, "101 in the middle of the request");
        begin_tunnel(h1);
        return respond(h1);
    }
    return after_piece(h1, rw_exchange_informational(x), false);
}

static enum go use_head(struct rw_upstream_h1 *h1)
{
    enum rw_upstream_head head = RW_HEAD_TAKEN;
    if (rw_upstream_response(&h1->call)->status < 200 && ++h1->call.interims > RW_INTERIMS_MAX)
        return fail(h1, RW_REASON_UPSTREAM_BAD, RW_INTERIMS_WHY);
    if (__builtin_expect(h1->call.hedge != NULL, 0))
        head = rw_upstream_hedge_head(&h1->call);
    if (head != RW_HEAD_TAKEN)
        return head == RW_HEAD_OVER ? GO_OVER : GO_ON;
    return h1->call.x->response.status < 200 ? interim(h1) : respond(h1);
}

/* One head out of h1->in. WAIT: it is not complete. */
static enum go take_head(struct rw_upstream_h1 *h1)
{
    struct rw_exchange *x = h1->call.x;
    struct rw_span bytes = rw_buf_span(h1->in);
    struct rw_h1_head head = {
        .seen = h1->head_seen, .line = h1->head_line, .fields = h1->head_fields};
    enum rw_h1_result result =
        rw_h1_parse_response(bytes, &response_limits, x->request.method, &x->arena,
                             rw_upstream_response(&h1->call), &head);
    if (result == RW_H1_BAD)
        return fail(h1, RW_REASON_UPSTREAM_BAD, head.refusal.reason);
    if (result == RW_H1_NO_MEMORY)
        return fail(h1, RW_REASON_EXCHANGE_LIMIT, NULL);
    bool complete = result == RW_H1_COMPLETE;
    h1->head_seen = complete ? 0 : head.seen;
    h1->head_line = complete ? 0 : head.line;
    h1->head_fields = complete ? 0 : head.fields;
    if (!complete)
        return GO_WAIT;
    /* The texts of the head stay where they are: the buffer is kept until the exchange has used
     * them. */
    struct rw_buf *texts = rw_buf_hold(h1->in);
    h1->in->start += head.consumed;
    if (h1->in->start == h1->in->end)
        drop_input(h1);
    enum go go = use_head(h1);
    rw_buf_drop(texts);
    return go;
}

/* Works through h1->in as far as it goes, then waits for more. */
static void process(struct rw_upstream_h1 *h1, bool filled)
{
    enum go go = GO_ON;
    while (go == GO_ON && h1->in)
        go = h1->call.responded ? pass_piece(h1) : take_head(h1);
    if (go == GO_OVER)
        return;
    choose_low_water(h1, filled);
    bool bulk = h1->call.responded && !h1->slow_client;
    rw_stream_receive(&h1->call.lease.connection->stream, !h1->call.response_held, bulk);
    /* Before the head the time since the request was sent goes on: an endpoint that sends it byte
     * by byte, or one 1xx after the other, has no more of it. */
    if (!h1->call.responded)
        return;
    if (h1->upgraded || h1->call.response_held)
        rw_upstream_wait_deadline(&h1->call, 0);
    else if (h1->low_water > 1)
        rw_upstream_wait_deadline(&h1->call, BULK_WAIT_MS);
    else
        rw_upstream_wait_deadline(&h1->call, h1->call.x->route->first_byte_ms);
}

void rw_upstream_h1_on_data(struct rw_lease *lease, struct rw_buf *buf)
{
    struct rw_upstream_h1 *h1 = rw_upstream_h1_of_lease(lease);
    h1->call.response_begun = true;
    bool filled = rw_buf_space(buf) == 0;
    if (!rw_h1_append(rw_loop_buffers(h1->call.x->worker->loop), &h1->in, buf)) {
        rw_upstream_fail(&h1->call, RW_REASON_UPSTREAM_BAD, "response head is too large");
        return;
    }
    if (h1->call.response_held)
        rw_stream_receive(&h1->call.lease.connection->stream, false, true);
    else
        process(h1, filled);
}

/* The body was to last until the connection closes: this is its end. */
static void end_at_close(struct rw_upstream_h1 *h1)
{
    struct rw_exchange *x = h1->call.x;
    struct rw_piece last = {.end = true};
    rw_upstream_let_go(&h1->call);
    (void)rw_exchange_response_data(x, &last);
}

void rw_upstream_h1_on_end(struct rw_lease *lease, enum rw_err err)
{
    struct rw_upstream_h1 *h1 = rw_upstream_h1_of_lease(lease);
    h1->peer_ended = true;
    bool orderly = !err || (h1->upgraded && err == RW_ECLOSED);
    if (h1->call.responded && orderly && (h1->upgraded || rw_h1_body_may_end(&h1->body))) {
        end_at_close(h1);
        return;
    }
    if (!h1->call.response_begun &&
        rw_upstream_try_again(&h1->call, RW_RETRY_RESET, RW_REASON_UPSTREAM_RESET, false))
        return;
    rw_upstream_fail(&h1->call, RW_REASON_UPSTREAM_RESET,
                     h1->call.response_begun ? "in the middle of the response"
                                             : "before the response");
}

void rw_upstream_h1_resume(struct rw_upstream_call *call)
{
    struct rw_upstream_h1 *h1 = rw_upstream_h1_of(call);
    h1->call.response_held = false;
    h1->slow_client = rw_loop_now_ms(h1->call.x->worker->loop) - h1->held_ms > SLOW_MS;
    process(h1, false);
}
