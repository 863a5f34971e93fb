/* A WebSocket inside an exchange: where the client, the origin or both have it in a stream of
 * HTTP/2 (RFC 8441), so that no tunnel can take over (gate/exchange/exchange_tunnel.c).
 *
 *   client -- front -- exchange [ frames are followed ] -- origin
 *
 * Both bodies of the exchange are then the bytes of the WebSocket, and go through
 * gate/tunnel/websocket_relay.h, which may also say something itself: a Ping, a Close frame. So
 * each direction has a short queue of its own here, for what the receiver cannot take yet; while
 * there is something in it, its giver is told HOLD. Times that a tunnel would have are kept here,
 * too.
 *
 * Exchange.c makes it before the 101 goes to the front, and hands it what comes of both bodies; a
 * front tells it of a drain. It lies in the exchange's arena. On the worker's thread.
 */
#ifndef RW_GATE_EXCHANGE_EXCHANGE_WEBSOCKET_H
#define RW_GATE_EXCHANGE_EXCHANGE_WEBSOCKET_H

#include "gate/exchange/exchange.h"

/* x->socket is there afterwards; false: out of memory. Nothing flows yet towards the client. */
RW_MUST_CHECK bool rw_exchange_websocket_begin(struct rw_exchange *x);
/* The front has the head; GO: it takes more. The exchange may be over afterwards. */
void rw_exchange_websocket_started(struct rw_exchange *x, enum rw_flow flow);

/* In place of what rw_exchange_request_data and rw_exchange_response_data would do with a piece. */
enum rw_flow rw_exchange_websocket_from_client(struct rw_exchange *x, const struct rw_piece *piece);
enum rw_flow rw_exchange_websocket_from_origin(struct rw_exchange *x, const struct rw_piece *piece);
/* The client, or the origin, takes more. False: its giver is to wait, or the exchange is gone. */
bool rw_exchange_websocket_client_resume(struct rw_exchange *x);
bool rw_exchange_websocket_origin_resume(struct rw_exchange *x);

/* The worker drains: both sides get a Close frame. None is fine. The exchange may be gone
 * afterwards. */
void rw_exchange_websocket_drain(struct rw_exchange *x);

/* The exchange ends. None is fine. */
void rw_exchange_websocket_end(struct rw_exchange *x);

#endif
