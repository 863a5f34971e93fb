#include "gate/tunnel/websocket_relay.h"

#include "gate/worker.h"

enum phase { OPEN, PINGED, CLOSING };
enum { BOTH_SIDES = 3 };

/* One piece on its way. */
struct pass {
    const struct rw_websocket_relay *relay;
    enum rw_tunnel_side from, to;
    const char *begin;
    size_t until;         /* so many of its bytes go on */
    bool cut;             /* the rest does not, and `until` is where a frame begins */
    bool early_goes;      /* the head that came in part before is complete, and goes on */
    uint8_t early_bytes;  /* of that part */
    uint16_t failed_code; /* 0: all is well */
    char early[RW_WEBSOCKET_HEAD_MAX];
};

static const char ping_payload[] = "ringway";

static enum rw_tunnel_side other(enum rw_tunnel_side side)
{
    return side == RW_TUNNEL_CLIENT ? RW_TUNNEL_UPSTREAM : RW_TUNNEL_CLIENT;
}

static uint8_t bit(enum rw_tunnel_side side)
{
    return (uint8_t)(1u << side);
}

static uint64_t now_ms(const struct rw_websocket_relay *relay)
{
    return rw_loop_now_ms(relay->worker->loop);
}

static bool over(const struct rw_websocket_relay *relay)
{
    return relay->ops->over(relay->host);
}

/* ---- Frames of the gateway ---- */

/* False: out of memory; it is over. */
static bool put_bytes(const struct rw_websocket_relay *relay, enum rw_tunnel_side to,
                      struct rw_span bytes)
{
    struct rw_buf *buf = rw_buf_get(rw_loop_buffers(relay->worker->loop), bytes.len);
    if (!buf) {
        relay->ops->end(relay->host, RW_REASON_MEMORY);
        return false;
    }
    memcpy(buf->data, bytes.at, bytes.len);
    buf->end = (uint32_t)bytes.len;
    const struct rw_piece piece = {.buf = buf, .data = rw_buf_span(buf)};
    relay->ops->put(relay->host, to, &piece);
    return !over(relay);
}

/* Towards the origin the gateway is a client, whose frames are masked. */
static void put_control(const struct rw_websocket_relay *relay, enum rw_tunnel_side to,
                        enum rw_websocket_opcode opcode, struct rw_span payload)
{
    char bytes[RW_WEBSOCKET_WRITE_MAX];
    uint64_t mask = rw_random_u64(rw_loop_random(relay->worker->loop));
    size_t len = rw_websocket_write(bytes, opcode, payload,
                                    to == RW_TUNNEL_UPSTREAM ? (const uint8_t *)&mask : NULL);
    (void)put_bytes(relay, to, rw_span(bytes, len));
}

/* ---- Closing ---- */

/* The Close frame that a side is owed; what went there so far ends with a frame. */
static void tell(const struct rw_websocket_relay *relay, enum rw_tunnel_side side)
{
    struct rw_websocket_state *w = relay->state;
    if (over(relay) || !(w->owed & bit(side)))
        return;
    w->owed &= (uint8_t)(BOTH_SIDES & ~bit(side));
    w->told |= bit(side);
    unsigned code = w->code == RW_WEBSOCKET_NO_CODE ? RW_WEBSOCKET_NORMAL : w->code;
    const char payload[] = {(char)(code >> 8), (char)(code & 0xff)};
    put_control(relay, side, RW_WEBSOCKET_CLOSE, rw_span(payload, sizeof(payload)));
}

static void tell_between(const struct rw_websocket_relay *relay, enum rw_tunnel_side side)
{
    struct rw_websocket_state *w = relay->state;
    if (rw_websocket_between(&w->from[other(side)]))
        tell(relay, side);
}

/* Who has nothing more to say has ended as far as the other is concerned. */
static void settle(const struct rw_websocket_relay *relay)
{
    struct rw_websocket_state *w = relay->state;
    for (int side = 0; side < 2 && w->phase == CLOSING; side++)
        if (w->done & bit(side))
            relay->ops->finish(relay->host, (enum rw_tunnel_side)side);
}

/* Both sides are owed a Close frame, unless the other one has sent its own. */
static void start_closing(const struct rw_websocket_relay *relay, unsigned code,
                          enum rw_reason reason)
{
    struct rw_websocket_state *w = relay->state;
    w->phase = CLOSING;
    if (!w->code)
        w->code = (uint16_t)code;
    for (int side = 0; side < 2; side++)
        if (!(w->done & bit(other(side))))
            w->owed |= bit(side);
    relay->ops->because(relay->host, reason);
    relay->ops->alarm(relay->host, now_ms(relay) + relay->limits->close_ms_max);
}

void rw_websocket_relay_drain(const struct rw_websocket_relay *relay)
{
    struct rw_websocket_state *w = relay->state;
    if (w->phase == CLOSING)
        return;
    start_closing(relay, RW_WEBSOCKET_GOING_AWAY, RW_REASON_DRAINING);
    tell_between(relay, RW_TUNNEL_CLIENT);
    tell_between(relay, RW_TUNNEL_UPSTREAM);
    settle(relay);
}

/* The side that the bad frame was for has all that came before it. */
static void fail(const struct rw_websocket_relay *relay, const struct pass *pass)
{
    bool big = pass->failed_code == RW_WEBSOCKET_TOO_BIG;
    start_closing(relay, pass->failed_code,
                  big ? RW_REASON_WEBSOCKET_TOO_BIG : RW_REASON_WEBSOCKET_BAD);
    tell(relay, pass->to);
    tell_between(relay, pass->from);
}

/* ---- Passing on ---- */

/* Nothing goes on from here; negative: from within the part of a head that came before. */
static void cut(struct pass *pass, ptrdiff_t at)
{
    if (pass->cut)
        return;
    pass->cut = true;
    pass->until = at > 0 ? (size_t)at : 0;
}

static void count_frame(const struct pass *pass, const struct rw_websocket_frame *frame)
{
    struct rw_websocket_state *w = pass->relay->state;
    bool in = pass->from == RW_TUNNEL_CLIENT;
    if (frame->opcode == RW_WEBSOCKET_TEXT || frame->opcode == RW_WEBSOCKET_BINARY)
        rw_worker_count(pass->relay->worker,
                        in ? RW_COUNTER_WEBSOCKET_MESSAGES_IN : RW_COUNTER_WEBSOCKET_MESSAGES_OUT,
                        1);
    if (frame->opcode != RW_WEBSOCKET_CLOSE)
        return;
    w->done |= bit(pass->from);
    if (!w->code)
        w->code = frame->close_code;
}

static void take_frame(struct pass *pass, const struct rw_websocket_frame *frame, ptrdiff_t at,
                       bool bad)
{
    struct rw_websocket_state *w = pass->relay->state;
    if (bad && w->phase != CLOSING)
        pass->failed_code = frame->close_code;
    if (bad || w->owed & bit(pass->to))
        cut(pass, at);
    if (!pass->cut && at < 0)
        pass->early_goes = true;
    if (!bad)
        count_frame(pass, frame);
}

/* False: that was all. */
static bool take(struct pass *pass, struct rw_span *bytes)
{
    struct rw_websocket_state *w = pass->relay->state;
    struct rw_websocket_track *track = &w->from[pass->from];
    struct rw_websocket_frame frame;
    bool failed = w->phase == CLOSING || pass->failed_code;
    switch (rw_websocket_next(track, failed ? 0 : pass->relay->limits->message_bytes_max, bytes,
                              &frame)) {
    case RW_WEBSOCKET_FRAME:
        take_frame(pass, &frame, bytes->at - pass->begin - frame.head_bytes, false);
        return true;
    case RW_WEBSOCKET_BAD:
        take_frame(pass, &frame, bytes->at - pass->begin - frame.head_bytes, true);
        return true;
    case RW_WEBSOCKET_SURPLUS:
        cut(pass, bytes->at - pass->begin);
        return false;
    case RW_WEBSOCKET_MORE:
        break;
    }
    if (!pass->cut && !track->in_payload)
        pass->until -= track->held < pass->until ? track->held : pass->until;
    return false;
}

static void look(struct pass *pass, struct rw_span bytes)
{
    const struct rw_websocket_track *track = &pass->relay->state->from[pass->from];
    if (rw_websocket_between(track)) {
        pass->early_bytes = track->held;
        memcpy(pass->early, track->head, track->held);
    }
    if (pass->relay->state->told & bit(pass->to))
        cut(pass, 0);
    while (take(pass, &bytes))
        ;
}

void rw_websocket_relay_data(const struct rw_websocket_relay *relay, enum rw_tunnel_side from,
                             struct rw_piece piece)
{
    struct rw_websocket_state *w = relay->state;
    struct pass pass = {.relay = relay,
                        .from = from,
                        .to = other(from),
                        .begin = piece.data.at,
                        .until = piece.data.len};
    if (from == RW_TUNNEL_CLIENT && w->phase == PINGED)
        w->phase = OPEN;
    look(&pass, piece.data);
    piece.data.len = pass.until;
    if (pass.early_goes && !put_bytes(relay, pass.to, rw_span(pass.early, pass.early_bytes))) {
        rw_buf_drop(piece.buf);
        return;
    }
    relay->ops->put(relay->host, pass.to, &piece);
    if (pass.failed_code)
        fail(relay, &pass);
    else if (pass.cut)
        tell(relay, pass.to);
    else
        tell_between(relay, pass.to);
    settle(relay);
}

void rw_websocket_relay_ended(const struct rw_websocket_relay *relay, enum rw_tunnel_side from)
{
    struct rw_websocket_state *w = relay->state;
    w->done |= bit(from);
    settle(relay);
}

/* ---- Time ---- */

static void ping_in(const struct rw_websocket_relay *relay, uint64_t from_ms)
{
    uint32_t ping_ms = relay->limits->ping_ms;
    if (ping_ms)
        relay->ops->alarm(relay->host, from_ms + ping_ms);
}

/* A client that still has to take what was sent is not silent. */
static bool can_ping(const struct rw_websocket_relay *relay, const struct rw_websocket_state *w)
{
    return !w->done && rw_websocket_between(&w->from[RW_TUNNEL_UPSTREAM]) &&
           !relay->ops->client_owes(relay->host);
}

void rw_websocket_relay_alarm(const struct rw_websocket_relay *relay)
{
    struct rw_websocket_state *w = relay->state;
    if (w->phase == CLOSING) {
        w->done = BOTH_SIDES;
        settle(relay);
    } else if (w->phase == PINGED) {
        relay->ops->end(relay->host, RW_REASON_WEBSOCKET_SILENT);
    } else if (relay->ops->active_ms(relay->host) + relay->limits->ping_ms > now_ms(relay)) {
        ping_in(relay, relay->ops->active_ms(relay->host));
    } else {
        if (can_ping(relay, w)) {
            w->phase = PINGED;
            put_control(relay, RW_TUNNEL_CLIENT, RW_WEBSOCKET_PING, rw_span_text(ping_payload));
        }
        ping_in(relay, now_ms(relay));
    }
}

/* ---- From beginning to end ---- */

void rw_websocket_relay_started(const struct rw_websocket_relay *relay)
{
    rw_worker_count(relay->worker, RW_COUNTER_WEBSOCKETS_OPEN, 1);
    ping_in(relay, now_ms(relay));
    if (relay->worker->draining)
        rw_websocket_relay_drain(relay);
}

static enum rw_counter counter_of(unsigned code)
{
    switch (code) {
    case 0:
        return RW_COUNTER_WEBSOCKET_CLOSES_ABNORMAL;
    case RW_WEBSOCKET_NORMAL:
    case RW_WEBSOCKET_NO_CODE:
        return RW_COUNTER_WEBSOCKET_CLOSES_NORMAL;
    case RW_WEBSOCKET_GOING_AWAY:
        return RW_COUNTER_WEBSOCKET_CLOSES_GOING_AWAY;
    case RW_WEBSOCKET_PROTOCOL_ERROR:
        return RW_COUNTER_WEBSOCKET_CLOSES_PROTOCOL_ERROR;
    case RW_WEBSOCKET_TOO_BIG:
        return RW_COUNTER_WEBSOCKET_CLOSES_TOO_BIG;
    default:
        return RW_COUNTER_WEBSOCKET_CLOSES_OTHER;
    }
}

void rw_websocket_relay_over(const struct rw_websocket_relay *relay)
{
    rw_worker_count(relay->worker, RW_COUNTER_WEBSOCKETS_OPEN, -1);
    rw_worker_count(relay->worker, counter_of(relay->state->code), 1);
}

void rw_websocket_relay_begin(struct rw_websocket_state *state, uint8_t rsv)
{
    rw_websocket_start(&state->from[RW_TUNNEL_CLIENT], true, rsv);
    rw_websocket_start(&state->from[RW_TUNNEL_UPSTREAM], false, rsv);
}
