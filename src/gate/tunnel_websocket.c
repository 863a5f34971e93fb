#include "gate/tunnel_websocket.h"

#include "gate/tunnel_private.h"
#include "gate/worker.h"
#include "http/websocket.h"

enum phase { OPEN, PINGED, CLOSING };
enum { BOTH_SIDES = 3 };

/* Behind each tunnel of a WebSocket. The last four are bits by side. */
struct websocket {
    struct rw_websocket_track from[2];
    uint16_t code;     /* of the first Close frame; 0: none so far */
    uint8_t phase : 2; /* enum phase */
    uint8_t done : 2;  /* has sent a Close frame, or has ended */
    uint8_t told : 2;  /* has been sent one by the gateway: nothing else goes there */
    uint8_t owed : 2;  /* is to be sent one as soon as the frame on its way there ends */
};
_Static_assert(sizeof(struct websocket) == 36, "thousands are idle at a time");

/* One buffer on its way. */
struct pass {
    struct websocket *websocket;
    const struct rw_tunnel_terms *terms;
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

static uint64_t now_ms(const struct rw_tunnel *tunnel)
{
    return rw_loop_now_ms(tunnel->terms->worker->loop);
}

/* ---- Frames of the gateway ---- */

/* False: out of memory; the tunnel is over. */
static bool put_bytes(struct rw_tunnel *tunnel, enum rw_tunnel_side to, struct rw_span bytes)
{
    struct rw_buf *buf = rw_buf_get(rw_loop_buffers(tunnel->terms->worker->loop), bytes.len);
    if (!buf) {
        rw_tunnel_end(tunnel, RW_REASON_MEMORY);
        return false;
    }
    memcpy(buf->data, bytes.at, bytes.len);
    buf->end = (uint32_t)bytes.len;
    rw_tunnel_put(tunnel, to, buf);
    return !tunnel->over;
}

/* Towards the origin the gateway is a client, whose frames are masked. */
static void put_control(struct rw_tunnel *tunnel, enum rw_tunnel_side to,
                        enum rw_websocket_opcode opcode, struct rw_span payload)
{
    char bytes[RW_WEBSOCKET_WRITE_MAX];
    uint64_t mask = rw_random_u64(rw_loop_random(tunnel->terms->worker->loop));
    size_t len = rw_websocket_write(bytes, opcode, payload,
                                    to == RW_TUNNEL_UPSTREAM ? (const uint8_t *)&mask : NULL);
    (void)put_bytes(tunnel, to, rw_span(bytes, len));
}

/* ---- Closing ---- */

/* The Close frame that a side is owed; what went there so far ends with a frame. */
static void tell(struct rw_tunnel *tunnel, enum rw_tunnel_side side)
{
    struct websocket *w = rw_tunnel_state(tunnel);
    if (tunnel->over || !(w->owed & bit(side)))
        return;
    w->owed &= (uint8_t)(BOTH_SIDES & ~bit(side));
    w->told |= bit(side);
    unsigned code = w->code == RW_WEBSOCKET_NO_CODE ? RW_WEBSOCKET_NORMAL : w->code;
    const char payload[] = {(char)(code >> 8), (char)(code & 0xff)};
    put_control(tunnel, side, RW_WEBSOCKET_CLOSE, rw_span(payload, sizeof(payload)));
}

static void tell_between(struct rw_tunnel *tunnel, enum rw_tunnel_side side)
{
    struct websocket *w = rw_tunnel_state(tunnel);
    if (rw_websocket_between(&w->from[other(side)]))
        tell(tunnel, side);
}

/* Who has nothing more to say has ended as far as the other is concerned. */
static void settle(struct rw_tunnel *tunnel)
{
    struct websocket *w = rw_tunnel_state(tunnel);
    for (int side = 0; side < 2 && w->phase == CLOSING; side++)
        if (w->done & bit(side))
            rw_tunnel_finish(tunnel, side);
}

/* Both sides are owed a Close frame, unless the other one has sent its own. */
static void start_closing(struct rw_tunnel *tunnel, unsigned code, enum rw_reason reason)
{
    struct websocket *w = rw_tunnel_state(tunnel);
    w->phase = CLOSING;
    if (!w->code)
        w->code = (uint16_t)code;
    for (int side = 0; side < 2; side++)
        if (!(w->done & bit(other(side))))
            w->owed |= bit(side);
    rw_tunnel_because(tunnel, reason);
    rw_tunnel_alarm(tunnel, now_ms(tunnel) + tunnel->terms->limits.close_ms_max);
}

static void drain(struct rw_tunnel *tunnel)
{
    struct websocket *w = rw_tunnel_state(tunnel);
    if (w->phase == CLOSING)
        return;
    start_closing(tunnel, RW_WEBSOCKET_GOING_AWAY, RW_REASON_DRAINING);
    tell_between(tunnel, RW_TUNNEL_CLIENT);
    tell_between(tunnel, RW_TUNNEL_UPSTREAM);
    settle(tunnel);
}

/* The side that the bad frame was for has all that came before it. */
static void fail(struct rw_tunnel *tunnel, const struct pass *pass)
{
    bool big = pass->failed_code == RW_WEBSOCKET_TOO_BIG;
    start_closing(tunnel, pass->failed_code,
                  big ? RW_REASON_WEBSOCKET_TOO_BIG : RW_REASON_WEBSOCKET_BAD);
    tell(tunnel, pass->to);
    tell_between(tunnel, pass->from);
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
    struct websocket *w = pass->websocket;
    bool in = pass->from == RW_TUNNEL_CLIENT;
    if (frame->opcode == RW_WEBSOCKET_TEXT || frame->opcode == RW_WEBSOCKET_BINARY)
        rw_worker_count(pass->terms->worker,
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
    struct websocket *w = pass->websocket;
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
    struct websocket *w = pass->websocket;
    struct rw_websocket_track *track = &w->from[pass->from];
    struct rw_websocket_frame frame;
    bool failed = w->phase == CLOSING || pass->failed_code;
    switch (rw_websocket_next(track, failed ? 0 : pass->terms->limits.message_bytes_max, bytes,
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
    const struct rw_websocket_track *track = &pass->websocket->from[pass->from];
    if (rw_websocket_between(track)) {
        pass->early_bytes = track->held;
        memcpy(pass->early, track->head, track->held);
    }
    if (pass->websocket->told & bit(pass->to))
        cut(pass, 0);
    while (take(pass, &bytes))
        ;
}

static void data(struct rw_tunnel *tunnel, enum rw_tunnel_side from, struct rw_buf *buf)
{
    struct websocket *w = rw_tunnel_state(tunnel);
    struct rw_span bytes = rw_buf_span(buf);
    struct pass pass = {.websocket = w,
                        .terms = tunnel->terms,
                        .from = from,
                        .to = other(from),
                        .begin = bytes.at,
                        .until = bytes.len};
    if (from == RW_TUNNEL_CLIENT && w->phase == PINGED)
        w->phase = OPEN;
    look(&pass, bytes);
    buf->end = buf->start + (uint32_t)pass.until;
    if (pass.early_goes && !put_bytes(tunnel, pass.to, rw_span(pass.early, pass.early_bytes))) {
        rw_buf_drop(buf);
        return;
    }
    rw_tunnel_put(tunnel, pass.to, buf);
    if (pass.failed_code)
        fail(tunnel, &pass);
    else if (pass.cut)
        tell(tunnel, pass.to);
    else
        tell_between(tunnel, pass.to);
    settle(tunnel);
}

static void ended(struct rw_tunnel *tunnel, enum rw_tunnel_side from)
{
    struct websocket *w = rw_tunnel_state(tunnel);
    w->done |= bit(from);
    settle(tunnel);
}

/* ---- Time ---- */

static void ping_in(struct rw_tunnel *tunnel, uint64_t from_ms)
{
    uint32_t ping_ms = tunnel->terms->limits.ping_ms;
    if (ping_ms)
        rw_tunnel_alarm(tunnel, from_ms + ping_ms);
}

/* A client that still has to take what was sent is not silent. */
static bool can_ping(const struct rw_tunnel *tunnel, const struct websocket *w)
{
    return !w->done && rw_websocket_between(&w->from[RW_TUNNEL_UPSTREAM]) &&
           !tunnel->ways[RW_TUNNEL_CLIENT].queue;
}

static void alarm(struct rw_tunnel *tunnel)
{
    struct websocket *w = rw_tunnel_state(tunnel);
    if (w->phase == CLOSING) {
        w->done = BOTH_SIDES;
        settle(tunnel);
    } else if (w->phase == PINGED) {
        rw_tunnel_end(tunnel, RW_REASON_WEBSOCKET_SILENT);
    } else if (tunnel->active_ms + tunnel->terms->limits.ping_ms > now_ms(tunnel)) {
        ping_in(tunnel, tunnel->active_ms);
    } else {
        if (can_ping(tunnel, w)) {
            w->phase = PINGED;
            put_control(tunnel, RW_TUNNEL_CLIENT, RW_WEBSOCKET_PING, rw_span_text(ping_payload));
        }
        ping_in(tunnel, now_ms(tunnel));
    }
}

/* ---- From beginning to end ---- */

static void started(struct rw_tunnel *tunnel)
{
    rw_worker_count(tunnel->terms->worker, RW_COUNTER_WEBSOCKETS_OPEN, 1);
    ping_in(tunnel, now_ms(tunnel));
    if (tunnel->terms->worker->draining)
        drain(tunnel);
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

void rw_tunnel_websocket_count(struct rw_worker *worker, unsigned code)
{
    rw_worker_count(worker, RW_COUNTER_WEBSOCKETS_OPEN, -1);
    rw_worker_count(worker, counter_of(code), 1);
}

static void over(struct rw_tunnel *tunnel)
{
    const struct websocket *w = rw_tunnel_state(tunnel);
    rw_tunnel_websocket_count(tunnel->terms->worker, w->code);
}

const struct rw_tunnel_observer rw_tunnel_websocket = {
    .state_bytes = sizeof(struct websocket),
    .started = started,
    .data = data,
    .ended = ended,
    .alarm = alarm,
    .drain = drain,
    .over = over,
};

void rw_tunnel_websocket_begin(struct rw_tunnel *tunnel, uint8_t rsv)
{
    struct websocket *w = rw_tunnel_state(tunnel);
    rw_websocket_start(&w->from[RW_TUNNEL_CLIENT], true, rsv);
    rw_websocket_start(&w->from[RW_TUNNEL_UPSTREAM], false, rsv);
}
