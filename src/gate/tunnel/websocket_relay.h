/* What the gateway does for a WebSocket: it knows where frames begin and end (http/websocket.h).
 *
 * So it can refuse messages that are too large and frames that the grammar does not allow, ask a
 * silent client by a Ping whether it is there, and end the WebSocket with a Close frame to both
 * sides when the worker drains. Frames go on as they come; nothing of them is kept but a head that
 * comes in pieces. Pongs that answer a Ping of the gateway go on to the origin, as unasked ones may
 * (RFC 6455 section 5.5.3): to pick them out again would mean to hold frames back.
 *
 * How the bytes move is the host's: a tunnel between two connections
 * (gate/tunnel/tunnel_websocket.h), or an exchange where a side is a stream of HTTP/2
 * (gate/exchange/exchange_websocket.h). The host keeps the state, says what happens, and does what
 * the relay asks for. On the worker's thread.
 *
 *   rw_websocket_relay_begin, _started     once; from then on frames go through
 *   rw_websocket_relay_data, _ended, ...   what happens
 *   rw_websocket_relay_over                once; the last call
 */
#ifndef RW_GATE_TUNNEL_WEBSOCKET_RELAY_H
#define RW_GATE_TUNNEL_WEBSOCKET_RELAY_H

#include "gate/exchange/piece.h"
#include "gate/exchange/reason.h"
#include "gate/tunnel/tunnel_terms.h"
#include "http/websocket.h"

/* What the relay asks of its host. After `end` only `over` is asked. */
struct rw_websocket_host {
    /* Sends a piece to a side, after what was put before; its reference is handed over. It may be
     * empty; what can no longer be sent is dropped. */
    void (*put)(void *host, enum rw_tunnel_side to, const struct rw_piece *piece);
    /* As if `from` had ended in good order: what was put is sent, then the other side is told. */
    void (*finish)(void *host, enum rw_tunnel_side from);
    /* Should it end in good order: why, all the same, for the log. */
    void (*because)(void *host, enum rw_reason reason);
    /* rw_websocket_relay_alarm at this time (monotonic), in place of what was asked before. */
    void (*alarm)(void *host, uint64_t at_ms);
    /* Ends it now, whatever is still to be sent. */
    void (*end)(void *host, enum rw_reason reason);
    bool (*over)(const void *host);
    /* Something still waits to be sent to the client. */
    bool (*client_owes)(const void *host);
    /* When the last byte moved (monotonic). */
    uint64_t (*active_ms)(const void *host);
};

/* One WebSocket. The last four are bits by side. */
struct rw_websocket_state {
    struct rw_websocket_track from[2];
    uint16_t code;     /* of the first Close frame; 0: none so far */
    uint8_t phase : 2; /* the relay's */
    uint8_t done : 2;  /* has sent a Close frame, or has ended */
    uint8_t told : 2;  /* has been sent one by the gateway: nothing else goes there */
    uint8_t owed : 2;  /* is to be sent one as soon as the frame on its way there ends */
};
_Static_assert(sizeof(struct rw_websocket_state) == 36, "thousands are idle at a time");

/* What every call needs; made for the call. */
struct rw_websocket_relay {
    const struct rw_websocket_host *ops;
    void *host;
    struct rw_websocket_state *state;
    struct rw_worker *worker;
    const struct rw_tunnel_limits *limits;
};

/* `state` is zeroed; `rsv` by rw_websocket_rsv. */
void rw_websocket_relay_begin(struct rw_websocket_state *state, uint8_t rsv);
void rw_websocket_relay_started(const struct rw_websocket_relay *relay);
/* Bytes have come from a side; the reference is handed over. `piece.end` means nothing here. */
void rw_websocket_relay_data(const struct rw_websocket_relay *relay, enum rw_tunnel_side from,
                             struct rw_piece piece);
/* A side has ended in good order; afterwards the host passes that on. */
void rw_websocket_relay_ended(const struct rw_websocket_relay *relay, enum rw_tunnel_side from);
void rw_websocket_relay_alarm(const struct rw_websocket_relay *relay);
/* The worker drains. */
void rw_websocket_relay_drain(const struct rw_websocket_relay *relay);
/* Counts what it has come to. */
void rw_websocket_relay_over(const struct rw_websocket_relay *relay);

#endif
