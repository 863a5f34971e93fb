/* The objects of the HTTP/2 front. Private to gate/front/front_h2*.c. */
#ifndef RW_GATE_FRONT_FRONT_H2_CONNECTION_H
#define RW_GATE_FRONT_FRONT_H2_CONNECTION_H

#include "gate/exchange/exchange.h"
#include "gate/front/body_pace.h"
#include "gate/front/client.h"
#include "http/h2.h"

enum rw_h2_phase {
    RW_H2_OPEN,
    RW_H2_ENDING, /* after an error: what is in the output is sent */
    RW_H2_LINGER, /* half closed: what still comes is read and dropped, so that no reset eats what
                     was sent last */
    RW_H2_CLOSED
};

/* How far a connection is asked to end. */
enum rw_h2_drain { RW_H2_STAYS, RW_H2_ASKED, RW_H2_TOLD };

struct rw_h2_connection {
    struct rw_client *client;
    struct rw_h2 h2;
    struct rw_h2_settings settings; /* a copy: the connection outlives snapshots */
    struct rw_later flush;
    struct rw_list arrived; /* calls whose head has come and that are not begun yet */
    uint32_t requests;
    uint32_t held_count; /* streams whose answer the engine holds back */
    uint32_t refused;    /* by the engine, as far as they have been counted */
    uint16_t lingered_kib;
    uint8_t drain; /* enum rw_h2_drain */
    uint8_t pings; /* not yet answered */
    bool sending;  /* a send is pending */
    bool choked;   /* too much waits to be sent: nothing is received meanwhile */
    bool rested;   /* idle, and what only streams need has been given back */
    bool stalled;  /* streams are reset because their client takes nothing */
    bool flooded;  /* a flood has ended it */
    /* Monotonic ms. */
    uint64_t begun_ms, received_ms, pinged_ms, sending_ms, looked_ms, drain_ms, end_ms;
    uint64_t idle_ms; /* since when there has been no stream */
};

/* What lies in the slab. */
struct rw_h2_client {
    struct rw_client client;    /* first: client.h */
    struct rw_h2_connection *c; /* NULL: there was no memory */
};

/* One stream with its exchange, in whose arena it lies. */
struct rw_h2_call {
    struct rw_h2_connection *c;
    struct rw_h2_stream *stream; /* NULL: it was reset */
    struct rw_exchange *x;
    struct rw_list arrived; /* in the connection's list until it is begun */
    struct rw_deadline deadline;
    struct rw_body_pace pace; /* of the request */
    struct rw_piece waiting; /* of the request: came while nothing was wanted; its buffer is held */
    bool websocket;          /* ... is for one: front_h2_websocket.c */
    bool begun;              /* the exchange runs */
    bool end;                /* no body follows the head */
    bool tunnel;             /* CONNECT: what comes waits until it is answered */
    bool sending;            /* the engine said HOLD to the response */
    bool last;               /* ... to its last piece */
};

extern const struct rw_front rw_front_h2;

static inline struct rw_worker *rw_h2_worker(const struct rw_h2_connection *c)
{
    return rw_client_worker(c->client);
}

static inline uint64_t rw_h2_now_ms(const struct rw_h2_connection *c)
{
    return rw_loop_now_ms(rw_h2_worker(c)->loop);
}

/* front_h2.c */
/* Asks the connection to end. */
void rw_h2_begin_drain(struct rw_h2_connection *c);
/* At the end of the turn: sends, and looks at the times. */
void rw_h2_flush_later(struct rw_h2_connection *c);

/* front_h2_stream.c: streams, from the engine to their exchanges. */
struct rw_h2_target rw_h2_on_target(struct rw_h2 *h2, struct rw_h2_stream *stream);
void rw_h2_on_head(struct rw_h2 *h2, struct rw_h2_stream *stream, unsigned status, bool end);
enum rw_h2_more rw_h2_on_data(struct rw_h2 *h2, struct rw_h2_stream *stream, struct rw_buf *buf,
                              struct rw_span data, bool end, struct rw_span trailers);
void rw_h2_on_writable(struct rw_h2 *h2, struct rw_h2_stream *stream);
/* Begins the requests that have come. They wait until all that was received has been read: one that
 * its client has reset meanwhile has cost no more than its head (CVE-2023-44487). */
void rw_h2_begin_arrived(struct rw_h2_connection *c);
void rw_h2_on_reset(struct rw_h2 *h2, struct rw_h2_stream *stream, enum rw_h2_code code);
/* What waits of the request body goes on; the stream's window opens with it. */
void rw_h2_go_on(struct rw_h2_call *call);
/* The deadline of what the client owes now. */
void rw_h2_await(struct rw_h2_call *call);
/* Resets the stream; the exchange does not have it any more. */
void rw_h2_cut_stream(struct rw_h2_call *call, enum rw_h2_code code);

/* front_h2_websocket.c: WebSockets in streams (RFC 8441). */
/* The request for a WebSocket becomes what it is over HTTP/1.1, a GET with Upgrade, so that routes,
 * policies and origins know one kind only. False: it is none, or there is no memory; it stays as it
 * is. */
bool rw_h2_websocket_request(struct rw_h2_call *call);
/* The answer to such a request becomes what it is over HTTP/2. True: the tunnel is open. */
bool rw_h2_websocket_response(struct rw_h2_call *call);

/* front_h2_write.c: answers, from exchanges to the engine. */
/* An answer without an exchange, to a head that cannot be sent on; `detail` is static text without
 * quotes and backslashes. */
void rw_h2_refuse(struct rw_h2_connection *c, struct rw_h2_stream *stream,
                  const struct rw_message *request, unsigned status, const char *detail);

#endif
