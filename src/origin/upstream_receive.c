/* Responses from an endpoint: heads, then the body in pieces to the exchange. */
#include "gate/snapshot.h"
#include "origin/upstream_call.h"

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

static void drop_input(struct rw_upstream_call *call)
{
    rw_buf_drop(call->in);
    call->in = NULL;
}

/* ---- Bulk ---- */

static void set_low_water(struct rw_upstream_call *call, uint32_t bytes)
{
    uint32_t now = call->low_water ? call->low_water : 1;
    if (bytes == now || !call->lease.connection)
        return;
    call->low_water = bytes;
    rw_stream_low_water(&call->lease.connection->stream, bytes);
}

/* A body that comes as fast as it is read is read in large pieces: each send wakes the client, each
 * receive the origin, and those wake-ups are most of what a large body costs (measured: 1.5 times
 * the bytes per CPU second). When it stops coming so fast, rw_upstream_hurry tells what is there.
 */
static void choose_low_water(struct rw_upstream_call *call, bool filled)
{
    bool known = call->responded && !call->upgraded && call->body.kind == RW_BODY_LENGTH;
    if (!known || call->slow_client)
        set_low_water(call, 1);
    else if (call->low_water > 1 && call->body.remaining < call->low_water)
        set_low_water(call, call->body.remaining ? (uint32_t)call->body.remaining : 1);
    else if (filled && call->body.remaining >= RW_BUF_LARGE_BYTES)
        set_low_water(call, RW_BUF_LARGE_BYTES);
}

bool rw_upstream_hurry(struct rw_upstream_call *call)
{
    if (call->low_water <= 1)
        return false;
    set_low_water(call, 1);
    rw_upstream_wait_deadline(call, call->x->route->first_byte_ms);
    return true;
}

/* ---- The end ---- */

/* All of the response is there. The connection is given back before the exchange goes on, so that
 * the next request can use it. */
static void let_go_of_connection(struct rw_upstream_call *call)
{
    set_low_water(call, 1);
    bool clean = call->request_sent && !call->sending && !call->in && !call->upgraded &&
                 !call->peer_ended && call->x->response.keep_alive;
    if (clean)
        rw_pool_release(&call->lease);
    else
        rw_pool_discard(&call->lease);
    rw_upstream_let_go(call);
}

/* ---- Body ---- */

static enum rw_h1_body_event gather(struct rw_upstream_call *call, struct rw_piece *piece)
{
    return rw_h1_gather(&call->body, &response_limits, &call->trailers, &call->in, piece);
}

static void gather_raw(struct rw_upstream_call *call, struct rw_piece *piece)
{
    *piece = (struct rw_piece){.buf = call->in, .data = rw_buf_span(call->in)};
    call->in = NULL;
}

/* What is left to do for a call. OVER: it has ended, and its memory may be another's already. */
enum go { GO_ON, GO_WAIT, GO_OVER };

static enum go fail(struct rw_upstream_call *call, enum rw_reason reason, const char *detail)
{
    rw_upstream_fail(call, reason, detail);
    return GO_OVER;
}

static enum go body_bad(struct rw_upstream_call *call, struct rw_piece *piece)
{
    rw_buf_drop(piece->buf);
    return fail(call, RW_REASON_UPSTREAM_BAD, call->body.reason);
}

static enum go after_piece(struct rw_upstream_call *call, enum rw_flow flow, bool end)
{
    if (end || flow == RW_FLOW_OVER)
        return GO_OVER;
    call->response_held = flow == RW_FLOW_HOLD;
    if (call->response_held)
        call->held_ms = rw_loop_now_ms(call->x->worker->loop);
    return call->response_held ? GO_WAIT : GO_ON;
}

/* The last piece is in hand: what the exchange needs to know, and the connection. */
static void end_response(struct rw_upstream_call *call)
{
    call->x->response_trailers = rw_span(call->trailers.at, call->trailers.len);
    let_go_of_connection(call);
}

/* One piece of the body to the exchange. */
static enum go pass_piece(struct rw_upstream_call *call)
{
    struct rw_piece piece;
    if (call->upgraded)
        gather_raw(call, &piece);
    else if (gather(call, &piece) == RW_H1_BODY_BAD)
        return body_bad(call, &piece);
    struct rw_buf *buf = piece.buf;
    bool end = piece.end;
    struct rw_exchange *x = call->x;
    if (end)
        end_response(call);
    enum rw_flow flow = RW_FLOW_GO;
    if (end || piece.data.len)
        flow = rw_exchange_response_data(x, &piece);
    rw_buf_drop(buf);
    return after_piece(call, flow, end);
}

/* ---- Heads ---- */

static bool prepare_trailers(struct rw_upstream_call *call)
{
    if (call->x->response.body_kind != RW_BODY_CHUNKED)
        return true;
    call->trailers.at = rw_arena_alloc(&call->x->arena, RESPONSE_TRAILERS_ROOM);
    call->trailers.room = RESPONSE_TRAILERS_ROOM;
    return call->trailers.at != NULL;
}

/* RFC 9110 section 6.6.1: who passes on a response without Date adds one. */
static bool ensure_date(struct rw_exchange *x)
{
    return rw_message_find(&x->response, RW_FIELD_DATE) || x->response.status < 200 ||
           rw_message_add(&x->response, &x->arena, RW_LITERAL("Date"), rw_worker_date(x->worker)) ==
               RW_OK;
}

static void report_status(struct rw_upstream_call *call)
{
    unsigned status = call->x->response.status;
    bool failed = status == 502 || status == 503 || status == 504;
    rw_cluster_report(call->cluster, call->x->endpoint, failed,
                      rw_loop_now_ms(call->x->worker->loop));
}

/* What goes to the origin ends anew: with the client's half of the tunnel, raw however the
 * request's body was framed. */
static void begin_tunnel(struct rw_upstream_call *call)
{
    call->upgraded = true;
    call->request_sent = false;
    call->out.chunked = false;
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

/* The final head is in x->response: what came of the body goes along with it. */
static enum go respond(struct rw_upstream_call *call)
{
    struct rw_exchange *x = call->x;
    struct rw_piece first = {.end = !call->upgraded && rw_message_bodiless(&x->response)};
    call->responded = true;
    if (x->request.method == RW_METHOD_CONNECT && x->response.status / 100 == 2) {
        begin_tunnel(call); /* RFC 9110 section 9.3.6 */
        first.end = false;
    }
    report_status(call);
    rw_h1_body_start(&call->body, &x->response);
    if (!prepare_trailers(call) || !ensure_date(x))
        return fail(call, RW_REASON_EXCHANGE_LIMIT, NULL);
    if (!first.end && !call->upgraded && call->in && gather(call, &first) == RW_H1_BODY_BAD)
        return body_bad(call, &first);
    struct rw_buf *buf = first.buf;
    bool end = first.end;
    if (end)
        end_response(call);
    enum rw_flow flow = rw_exchange_respond(x, &first);
    rw_buf_drop(buf);
    return after_piece(call, flow, end);
}

static enum go interim(struct rw_upstream_call *call)
{
    struct rw_exchange *x = call->x;
    if (x->response.status == 101) {
        if (!x->upgrade_allowed || !x->response.upgrade)
            return fail(call, RW_REASON_UPSTREAM_BAD, "101 without being asked");
        if (!offered(x))
            return fail(call, RW_REASON_UPSTREAM_BAD, "101 to a protocol that was not offered");
        if (!x->request_ended || !call->request_sent)
            return fail(call, RW_REASON_UPSTREAM_BAD, "101 in the middle of the request");
        begin_tunnel(call);
        return respond(call);
    }
    return after_piece(call, rw_exchange_informational(x), false);
}

/* One head out of call->in. WAIT: it is not complete. */
static enum go take_head(struct rw_upstream_call *call)
{
    struct rw_exchange *x = call->x;
    struct rw_span bytes = rw_buf_span(call->in);
    struct rw_h1_head head = {
        .seen = call->head_seen, .line = call->head_line, .fields = call->head_fields};
    enum rw_h1_result result = rw_h1_parse_response(bytes, &response_limits, x->request.method,
                                                    &x->arena, &x->response, &head);
    if (result == RW_H1_BAD)
        return fail(call, RW_REASON_UPSTREAM_BAD, head.refusal.reason);
    if (result == RW_H1_NO_MEMORY)
        return fail(call, RW_REASON_EXCHANGE_LIMIT, NULL);
    bool complete = result == RW_H1_COMPLETE;
    call->head_seen = complete ? 0 : head.seen;
    call->head_line = complete ? 0 : head.line;
    call->head_fields = complete ? 0 : head.fields;
    if (!complete)
        return GO_WAIT;
    /* The texts of the head stay where they are: the buffer is kept until the exchange has used
     * them. */
    struct rw_buf *texts = rw_buf_hold(call->in);
    call->in->start += head.consumed;
    if (call->in->start == call->in->end)
        drop_input(call);
    enum go go = x->response.status < 200 ? interim(call) : respond(call);
    rw_buf_drop(texts);
    return go;
}

/* Works through call->in as far as it goes, then waits for more. */
static void process(struct rw_upstream_call *call, bool filled)
{
    enum go go = GO_ON;
    while (go == GO_ON && call->in)
        go = call->responded ? pass_piece(call) : take_head(call);
    if (go == GO_OVER)
        return;
    choose_low_water(call, filled);
    bool bulk = call->responded && !call->slow_client;
    rw_stream_receive(&call->lease.connection->stream, !call->response_held, bulk);
    if (call->upgraded || call->response_held)
        rw_upstream_wait_deadline(call, 0);
    else if (call->low_water > 1)
        rw_upstream_wait_deadline(call, BULK_WAIT_MS);
    else if (call->request_sent || call->responded)
        rw_upstream_wait_deadline(call, call->x->route->first_byte_ms);
}

void rw_upstream_on_data(struct rw_upstream_call *call, struct rw_buf *buf)
{
    call->response_begun = true;
    bool filled = rw_buf_space(buf) == 0;
    if (!rw_h1_append(rw_loop_buffers(call->x->worker->loop), &call->in, buf)) {
        rw_upstream_fail(call, RW_REASON_UPSTREAM_BAD, "response head is too large");
        return;
    }
    if (call->response_held)
        rw_stream_receive(&call->lease.connection->stream, false, true);
    else
        process(call, filled);
}

/* The body was to last until the connection closes: this is its end. */
static void end_at_close(struct rw_upstream_call *call)
{
    struct rw_exchange *x = call->x;
    struct rw_piece last = {.end = true};
    rw_upstream_let_go(call);
    (void)rw_exchange_response_data(x, &last);
}

void rw_upstream_on_end(struct rw_upstream_call *call, enum rw_err err)
{
    call->peer_ended = true;
    bool orderly = !err || (call->upgraded && err == RW_ECLOSED);
    if (call->responded && orderly && (call->upgraded || rw_h1_body_may_end(&call->body))) {
        end_at_close(call);
        return;
    }
    if (!call->response_begun && rw_upstream_try_again(call))
        return;
    rw_upstream_fail(call, RW_REASON_UPSTREAM_RESET,
                     call->response_begun ? "in the middle of the response"
                                          : "before the response");
}

void rw_upstream_resume(struct rw_upstream_call *call)
{
    call->response_held = false;
    call->slow_client = rw_loop_now_ms(call->x->worker->loop) - call->held_ms > SLOW_MS;
    process(call, false);
}
