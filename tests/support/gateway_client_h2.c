/* Scripted clients that speak HTTP/2: the engine's other end makes the frames, so that here is only
 * who asks what when, who is slow, and who breaks off. Its memory never fails. */
#include "base/alloc.h"
#include "http/h2.h"
#include "support/peer_socket.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    PATIENCE_MS = 400 * 1000,
    CONTINUE_PATIENCE_MS = 1000,
    HOLD_MS_MAX = 40,
    ARENA_BYTES_MAX = 1 << 20,
    TALK_BYTES_MAX = 5000,
};

/* A request with its stream. */
struct call {
    struct rw_test_h2 *h2;
    struct rw_test_request *r;
    struct rw_h2_stream *stream;  /* NULL: not yet, or not any more */
    struct rw_test_reader reader; /* its head and trailer as text, and how much of the body came */
    struct rw_arena arena;
    struct rw_message message;
    struct rw_test_bytes body;
    struct rw_test_socket talk;
    size_t body_at;
    char trailers[32];
    bool waits;   /* for 100, or for the answer to an extended CONNECT */
    bool pending; /* the engine holds a piece */
    bool held, resuming;
    bool answered; /* the final head has come */
    bool over;
};

struct rw_test_h2 {
    struct rw_test_client *client;
    struct rw_h2 h2;
    struct rw_h2_settings settings;
    struct rw_buf_pool buffers;
    struct rw_slab slab;
    struct call *calls;
    unsigned open;
    bool ready; /* the gateway's SETTINGS are here */
    bool finishing;
    bool gateway_ended;
    bool foreign; /* it speaks HTTP/1.1 */
    struct rw_alloc_pause pause;
};

static void pump(void *user);

/* ---- What it stands between ---- */

static void enter(struct rw_test_h2 *h2)
{
    rw_alloc_pause(&h2->pause);
}

static void leave(struct rw_test_h2 *h2)
{
    rw_alloc_resume(&h2->pause);
}

static void plan_pump(struct rw_test_h2 *h2, uint32_t ms)
{
    struct rw_test_client *client = h2->client;
    if (client->scheduled || client->ended || !client->opened)
        return;
    client->scheduled = true;
    rw_test_later(client->world, ms, pump, h2);
}

static void plan_soon(struct rw_test_h2 *h2)
{
    plan_pump(h2, rw_test_pause(h2->client->world, &h2->client->pace));
}

/* ---- The end ---- */

static void call_over(struct call *call, enum rw_test_result result)
{
    if (call->over)
        return;
    call->over = true;
    call->stream = NULL;
    call->r->result = result;
    call->h2->open--;
    call->h2->client->answered += result == RW_TEST_COMPLETE;
    rw_test_trace(call->h2->client->world, "%u: over: %d", call->r->id, result);
    plan_soon(call->h2);
}

void rw_test_h2_end(struct rw_test_h2 *h2)
{
    h2->client->ended = true; /* nothing is planned any more */
    enter(h2);
    rw_h2_close(&h2->h2, RW_H2_CANCEL);
    leave(h2);
}

static void go(void *user)
{
    struct rw_test_h2 *h2 = user;
    if (!h2->client->ended)
        rw_test_client_end(h2->client);
}

/* All that will be answered has been. */
static void finish(struct rw_test_h2 *h2)
{
    struct rw_test_client *client = h2->client;
    if (h2->finishing || h2->open || (client->sending < client->count && !client->said_close))
        return;
    h2->finishing = true;
    if (client->leave == RW_TEST_LEAVE_HALF) {
        client->shut = true;
        rw_sim_peer_shutdown(client->socket);
    } else if (client->leave == RW_TEST_LEAVE_CLOSE) {
        rw_test_later(client->world, rw_test_pause(client->world, &client->pace), go, h2);
    }
}

/* ---- Requests ---- */

static void put(struct rw_test_h2 *h2, const char *name, const char *value)
{
    struct rw_span text = rw_span_text(name);
    rw_h2_put_field(&h2->h2, rw_field_id(text), text, rw_span_text(value));
}

static void put_fields(struct rw_test_h2 *h2, struct rw_test_request *r)
{
    char text[32];
    if (r->framing == RW_TEST_BODY_LENGTH || r->flaw == RW_TEST_FLAW_CHUNK) {
        unsigned more = r->flaw == RW_TEST_FLAW_CHUNK ? 5 : 0;
        snprintf(text, sizeof(text), "%u", r->body_bytes + more);
        put(h2, "content-length", text);
    }
    if (h2->client->world->users) {
        snprintf(text, sizeof(text), RW_TEST_USER_FORMAT, r->user);
        put(h2, "x-user", text);
    }
    const char *cookies = rw_test_session_cookie(h2->client, r);
    if (cookies)
        put(h2, "cookie", cookies);
    if (h2->client->world->dressed)
        put(h2, "origin", RW_TEST_PAGE_ORIGIN);
    if (h2->client->world->compresses && rw_test_coding_accept(r))
        put(h2, "accept-encoding", rw_test_coding_accept(r));
    if (h2->client->world->has_tokens) {
        char token[RW_TEST_TOKEN_BYTES];
        const char *field = rw_test_token_field(r, token);
        put(h2, "x-subject", "forged");
        if (field)
            put(h2, "authorization", field);
    }
    if (r->expect)
        put(h2, "expect", "100-continue");
    if (r->agent)
        put(h2, "user-agent", r->agent);
    if (h2->client->world->identifies) {
        snprintf(text, sizeof(text), RW_TEST_KEY_FORMAT,
                 (r->page ? r->page : r)->id % RW_TEST_CONSUMERS);
        put(h2, "x-api-key", text);
        put(h2, "x-consumer", "forged");
    }
    if (r->socket)
        put(h2, "sec-websocket-version", "13");
    if (r->flaw == RW_TEST_FLAW_HEAD)
        put(h2, "bad name", "value");
    for (int i = 0; r->flaw == RW_TEST_FLAW_OVERSIZE && i < 120; i++)
        put(h2, "x-many", "a");
}

static bool put_head(struct call *call)
{
    static const char *const paths[] = {"r", "fixed", "none"};
    struct rw_test_h2 *h2 = call->h2;
    struct rw_test_request *r = call->r;
    char path[64];
    int len =
        snprintf(path, sizeof(path), "/%s/%u?x=%%41", paths[r->route], (r->page ? r->page : r)->id);
    if (!rw_h2_head_begin(&h2->h2, call->stream, 2000, 150))
        return false;
    rw_h2_put_pseudo(&h2->h2, RW_PSEUDO_METHOD, rw_span_text(r->socket ? "CONNECT" : r->method));
    if (r->socket)
        rw_h2_put_pseudo(&h2->h2, RW_PSEUDO_PROTOCOL, RW_LITERAL("websocket"));
    rw_h2_put_pseudo(&h2->h2, RW_PSEUDO_SCHEME, RW_LITERAL("http"));
    rw_h2_put_pseudo(&h2->h2, RW_PSEUDO_AUTHORITY, RW_LITERAL("example.com"));
    rw_h2_put_pseudo(&h2->h2, RW_PSEUDO_PATH, rw_span(path, (size_t)len));
    put_fields(h2, r);
    bool body = r->framing != RW_TEST_BODY_NONE || r->flaw == RW_TEST_FLAW_CHUNK || r->socket;
    r->all_sent = !body;
    rw_h2_head_end(&h2->h2, call->stream, !body, false);
    return true;
}

static void stop_waiting(void *user)
{
    struct call *call = user;
    if (!call->waits)
        return;
    call->waits = false;
    plan_soon(call->h2);
}

static void begin(struct rw_test_h2 *h2)
{
    struct rw_test_client *client = h2->client;
    struct call *call = &h2->calls[client->sending];
    struct rw_test_request *r = call->r;
    call->stream = rw_h2_stream_open(&h2->h2, call);
    if (!call->stream || !put_head(call)) {
        rw_test_fail(client->world, "client: no stream for %u", r->id);
        return;
    }
    client->sending++;
    h2->open++;
    r->head_sent = true;
    r->sent_step = rw_sim_steps(client->world->sim);
    rw_test_sticky_sent(client, r);
    if (r->framing != RW_TEST_BODY_NONE)
        rw_test_bytes_body(client->world, &call->body, RW_TEST_BODY_RAW, r->body_bytes, r->id,
                           RW_TEST_CLIENT, false);
    if (r->trailers && r->framing == RW_TEST_BODY_CHUNKED)
        snprintf(call->trailers, sizeof(call->trailers), "x-sum: %u\r\n", r->id);
    else
        call->trailers[0] = '\0';
    call->waits = r->expect || (r->socket && !r->hasty);
    if (r->socket)
        rw_test_socket_begin(&call->talk, client->world, r, RW_TEST_CLIENT);
    if (r->expect)
        rw_test_later(client->world, CONTINUE_PATIENCE_MS, stop_waiting, call);
    rw_test_trace(client->world, "%s %u, %u bytes, stream %u", r->method, r->id, r->body_bytes,
                  call->stream->id);
}

static bool body_left(const struct call *call)
{
    return call->stream && !call->r->all_sent && !call->waits && !call->pending &&
           (call->r->framing != RW_TEST_BODY_NONE || call->r->flaw == RW_TEST_FLAW_CHUNK);
}

static void send_piece(struct call *call)
{
    struct rw_test_h2 *h2 = call->h2;
    size_t left = call->body.len - call->body_at;
    size_t len = left ? 1 + rw_test_below(h2->client->world, (uint32_t)left) : 0;
    bool end = len == left;
    struct rw_span piece = {0};
    if (len)
        piece = rw_span(call->body.at + call->body_at, len);
    call->body_at += len;
    call->r->all_sent = end;
    struct rw_span trailers = end ? rw_span_text(call->trailers) : (struct rw_span){0};
    if (rw_h2_data(&h2->h2, call->stream, NULL, piece, end, trailers) == RW_H2_HOLD)
        call->pending = true;
}

/* One piece of what there is to say in a WebSocket. True: there is more. */
static bool talk_on(struct call *call)
{
    struct rw_h2 *h2 = &call->h2->h2;
    const struct rw_span none = {0};
    if (!call->talk.begun || !call->stream || call->waits || call->pending || call->r->all_sent)
        return false;
    struct rw_span next = rw_test_socket_next(&call->talk, TALK_BYTES_MAX);
    call->r->all_sent = next.len == 0 && rw_test_socket_over(&call->talk);
    if (next.len || call->r->all_sent)
        call->pending =
            rw_h2_data(h2, call->stream, NULL, next, call->r->all_sent, none) == RW_H2_HOLD;
    return next.len > 0;
}

static bool may_begin(const struct rw_test_h2 *h2)
{
    const struct rw_test_client *client = h2->client;
    return h2->ready && client->sending < client->count && h2->open < client->depth &&
           !client->said_close && rw_h2_room(&h2->h2);
}

/* One step of each stream. True: there is more to do soon. */
static bool step(struct rw_test_h2 *h2)
{
    struct rw_test_client *client = h2->client;
    bool more = may_begin(h2);
    if (more)
        begin(h2);
    for (unsigned i = 0; i < client->sending; i++) {
        struct call *call = &h2->calls[i];
        if (call->stream && call->r->resets && rw_test_chance(client->world, 30)) {
            rw_test_trace(client->world, "%u: resets", call->r->id);
            rw_h2_reset(&h2->h2, call->stream, RW_H2_CANCEL);
            call_over(call, RW_TEST_CUT);
        }
        if (body_left(call)) {
            send_piece(call);
            more = true;
        }
        more |= talk_on(call);
        if (call->resuming && call->stream)
            rw_h2_resume(&h2->h2, call->stream);
        call->resuming = false;
    }
    return more;
}

/* ---- Bytes out ---- */

static void take_output(struct rw_test_h2 *h2)
{
    struct rw_test_bytes *out = &h2->client->out;
    struct iovec parts[8];
    rw_h2_wake(&h2->h2);
    if (h2->client->out_at < out->len)
        return;
    out->len = h2->client->out_at = 0;
    int count = rw_h2_output(&h2->h2, parts, 8);
    for (int i = 0; i < count; i++)
        rw_test_bytes_add(out, parts[i].iov_base, parts[i].iov_len);
    if (count)
        rw_h2_output_sent(&h2->h2);
}

static void send_segment(struct rw_test_client *client)
{
    struct rw_test_world *world = client->world;
    size_t left = client->out.len - client->out_at;
    size_t len = 1 + rw_test_below(world, client->pace.segment_bytes_max);
    len = len < left ? len : left;
    if (len == 0 || client->shut)
        return;
    (void)rw_test_send(client->socket, rw_span(client->out.at + client->out_at, len));
    client->out_at += len;
    client->sent_bytes += len;
    if (client->cut && client->sent_bytes >= client->cut_after_bytes)
        rw_test_client_cut(client, client->cut);
}

static void pump(void *user)
{
    struct rw_test_h2 *h2 = user;
    struct rw_test_client *client = h2->client;
    client->scheduled = false;
    if (client->ended)
        return;
    enter(h2);
    bool more = step(h2);
    take_output(h2);
    leave(h2);
    send_segment(client);
    if (client->ended)
        return;
    if (more || client->out_at < client->out.len || rw_h2_has_output(&h2->h2))
        plan_soon(h2);
    else
        finish(h2);
}

/* ---- Events ---- */

static struct rw_test_h2 *owner(struct rw_h2 *h2)
{
    return h2->user;
}

static struct rw_h2_target on_target(struct rw_h2 *h2, struct rw_h2_stream *stream)
{
    (void)h2;
    struct call *call = stream->user;
    rw_arena_free(&call->arena);
    rw_arena_init(&call->arena, NULL, 0, 4096, ARENA_BYTES_MAX);
    call->message = (struct rw_message){0};
    return (struct rw_h2_target){&call->arena, &call->message};
}

/* The head as HTTP/1.1 would have it, for the checks that there are. */
static void write_head(struct call *call)
{
    struct rw_test_bytes text = {0};
    const struct rw_message *message = &call->message;
    rw_test_bytes_format(&text, "HTTP/1.1 %u \r\n", message->status);
    for (unsigned i = 0; i < message->field_count; i++) {
        rw_test_bytes_add(&text, message->fields[i].name.at, message->fields[i].name.len);
        rw_test_bytes_add(&text, ": ", 2);
        rw_test_bytes_add(&text, message->fields[i].value.at, message->fields[i].value.len);
        rw_test_bytes_add(&text, "\r\n", 2);
    }
    rw_test_bytes_add(&text, "\r\n", 3);
    free(call->reader.head);
    call->reader.head = text.at;
}

static void complete(struct call *call)
{
    struct rw_h2_stream *stream = call->stream;
    rw_test_check_whole(call->h2->client, &call->reader, call->r);
    call_over(call, RW_TEST_COMPLETE);
    rw_h2_forget(&call->h2->h2, stream);
}

static void on_head(struct rw_h2 *h2, struct rw_h2_stream *stream, unsigned status, bool end)
{
    struct call *call = stream->user;
    struct rw_test_client *client = owner(h2)->client;
    rw_assert(status == 0);
    write_head(call);
    rw_test_trace(client->world, "%u: answer %u", call->r->id, call->message.status);
    if (call->message.status < 200) {
        if (call->message.status == 100)
            stop_waiting(call);
        return;
    }
    call->answered = true;
    call->waits = false;
    call->talk.begun = call->talk.begun && call->message.status == 200;
    call->r->answered_status = call->message.status;
    rw_test_check_head(client, &call->reader, call->r);
    if (end)
        complete(call);
}

static void resume(void *user)
{
    struct call *call = user;
    call->resuming = call->held;
    call->held = false;
    plan_soon(call->h2);
}

static void hear(struct call *call, struct rw_span data, bool end)
{
    struct rw_h2_stream *stream = call->stream;
    rw_test_socket_feed(&call->talk, data);
    plan_soon(call->h2);
    if (!end)
        return;
    call_over(call, rw_test_socket_complete(&call->talk) ? RW_TEST_COMPLETE : RW_TEST_CUT);
    rw_h2_forget(&call->h2->h2, stream);
}

static enum rw_h2_more on_data(struct rw_h2 *h2, struct rw_h2_stream *stream, struct rw_buf *buf,
                               struct rw_span data, bool end, struct rw_span trailers)
{
    struct call *call = stream->user;
    struct rw_test_client *client = owner(h2)->client;
    (void)buf;
    if (call->talk.begun) {
        hear(call, data, end);
        return RW_H2_GO;
    }
    rw_test_check_body(client, &call->reader, call->r, data);
    call->reader.body_bytes += data.len;
    if (trailers.len > 2)
        snprintf(call->reader.trailer, sizeof(call->reader.trailer), "%.*s", (int)trailers.len - 2,
                 trailers.at);
    if (end) {
        complete(call);
        return RW_H2_GO;
    }
    if (call->held || owner(h2)->gateway_ended || !rw_test_chance(client->world, 25))
        return call->held ? RW_H2_HOLD : RW_H2_GO;
    call->held = true;
    rw_test_later(client->world, rw_test_below(client->world, HOLD_MS_MAX), resume, call);
    return RW_H2_HOLD;
}

static void on_writable(struct rw_h2 *h2, struct rw_h2_stream *stream)
{
    struct call *call = stream->user;
    call->pending = false;
    plan_soon(owner(h2));
}

static void on_reset(struct rw_h2 *h2, struct rw_h2_stream *stream, enum rw_h2_code code)
{
    struct call *call = stream->user;
    struct rw_test_client *client = owner(h2)->client;
    rw_test_trace(client->world, "%u: reset: %s", call->r->id, rw_h2_code_name(code));
    if (h2->reason)
        rw_test_fail(client->world, "%u: the gateway is wrong: %s", call->r->id, h2->reason);
    call->r->refused = code == RW_H2_REFUSED_STREAM && !call->answered;
    call_over(call, RW_TEST_CUT);
}

static void on_output(struct rw_h2 *h2)
{
    plan_soon(owner(h2));
}

static void on_goaway(struct rw_h2 *h2, enum rw_h2_code code)
{
    struct rw_test_client *client = owner(h2)->client;
    rw_test_trace(client->world, "goaway: %s", rw_h2_code_name(code));
    client->said_close = true;
    if (client->world->strict && code != RW_H2_NO_ERROR)
        rw_test_fail(client->world, "GOAWAY with %s though nothing failed", rw_h2_code_name(code));
    plan_soon(owner(h2));
}

static void on_settings(struct rw_h2 *h2)
{
    owner(h2)->ready = true;
    plan_soon(owner(h2));
}

static void on_pong(struct rw_h2 *h2)
{
    (void)h2;
}

static void on_error(struct rw_h2 *h2, enum rw_h2_code code, enum rw_h2_flood flood,
                     const char *text)
{
    (void)flood;
    rw_test_fail(owner(h2)->client->world, "the gateway breaks the protocol: %s: %s",
                 rw_h2_code_name(code), text);
}

static const struct rw_h2_events engine_events = {
    .on_target = on_target,
    .on_head = on_head,
    .on_data = on_data,
    .on_writable = on_writable,
    .on_reset = on_reset,
    .on_output = on_output,
    .on_goaway = on_goaway,
    .on_settings = on_settings,
    .on_pong = on_pong,
    .on_error = on_error,
};

/* ---- For gateway_client.c ---- */

/* What little comes of a preface may be a method to the gateway, which says so when no more comes.
 */
static bool taken_for_another(struct rw_test_h2 *h2, struct rw_span bytes)
{
    return !h2->ready && !h2->client->world->strict &&
           rw_span_starts(bytes, RW_LITERAL("HTTP/1.1 "));
}

void rw_test_h2_receive(struct rw_test_h2 *h2, struct rw_span bytes)
{
    if (taken_for_another(h2, bytes)) {
        rw_test_later(h2->client->world, 0, go, h2);
        h2->foreign = true;
    }
    if (h2->foreign)
        return;
    enter(h2);
    while (bytes.len) {
        struct rw_buf *buf = rw_buf_get(&h2->buffers, RW_BUF_SMALL_BYTES);
        rw_assert(buf);
        size_t len = bytes.len < buf->room ? bytes.len : buf->room;
        memcpy(buf->data, bytes.at, len);
        buf->end = (uint32_t)len;
        bytes = rw_span_skip(bytes, len);
        rw_h2_receive(&h2->h2, buf, rw_sim_now_ms(h2->client->world->sim));
    }
    leave(h2);
    plan_soon(h2);
}

/* What the engine has kept of what came is looked at. */
void rw_test_h2_drain(struct rw_test_h2 *h2)
{
    enter(h2);
    h2->gateway_ended = true;
    for (unsigned i = 0; i < h2->client->sending; i++) {
        struct call *call = &h2->calls[i];
        if (call->stream && (call->held || call->resuming))
            rw_h2_resume(&h2->h2, call->stream);
        call->held = call->resuming = false;
    }
    rw_h2_wake(&h2->h2);
    leave(h2);
}

void rw_test_h2_begin(struct rw_test_h2 *h2)
{
    plan_pump(h2, 0);
}

struct rw_test_h2 *rw_test_h2_create(struct rw_test_client *client)
{
    static const uint32_t windows[] = {65535, 100, 3000, 200000};
    struct rw_test_h2 *h2 = calloc(1, sizeof(*h2));
    rw_assert(h2);
    h2->client = client;
    h2->settings = (struct rw_h2_settings){
        .streams_max = 100,
        .stream_window_bytes = windows[client->first % 4],
        .connection_window_bytes = 1 << 20,
        .table_bytes_max = client->first % 3 ? 4096 : 0,
        .head_bytes_max = 200000,
        .target_bytes_max = 1000,
        .fields_max = 1000,
        .block_bytes_max = 200000,
        .continuations_max = 100,
        .output_bytes_max = 20000,
    };
    rw_buf_pool_init(&h2->buffers, SIZE_MAX, 0);
    rw_slab_init(&h2->slab, sizeof(struct rw_h2_stream), 7, SIZE_MAX);
    h2->calls = calloc(client->count, sizeof(*h2->calls));
    rw_assert(h2->calls);
    for (unsigned i = 0; i < client->count; i++) {
        h2->calls[i].h2 = h2;
        h2->calls[i].r = &client->world->requests[client->first + i];
        rw_arena_init(&h2->calls[i].arena, NULL, 0, 4096, ARENA_BYTES_MAX);
    }
    enter(h2);
    enum rw_err err =
        rw_h2_open(&h2->h2, &h2->settings, &engine_events, &h2->buffers, &h2->slab, h2);
    rw_assert(!err);
    leave(h2);
    return h2;
}

void rw_test_h2_free(struct rw_test_h2 *h2)
{
    if (!h2->client->ended)
        rw_test_h2_end(h2);
    for (unsigned i = 0; i < h2->client->count; i++) {
        rw_arena_free(&h2->calls[i].arena);
        rw_test_reader_free(&h2->calls[i].reader);
        free(h2->calls[i].body.at);
        rw_test_socket_free(&h2->calls[i].talk);
    }
    rw_slab_destroy(&h2->slab);
    rw_buf_pool_destroy(&h2->buffers);
    free(h2->calls);
    free(h2);
}
