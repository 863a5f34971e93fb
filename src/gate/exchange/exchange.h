/* An exchange: one request with its response, and the loop that takes it through its steps
 * (gate/exchange/steps.h).
 *
 *   client -- front (codec of the listener) -- exchange -- origin (kind of upstream) -- upstream
 *
 * The front makes the exchange when a request head is complete and calls rw_exchange_begin. The
 * exchange routes, asks the policies, starts the origin. The origin calls rw_exchange_respond once,
 * then rw_exchange_response_data until the end; or rw_exchange_fail. The front sends, and frees the
 * exchange after rw_front.finished. Bodies go through in pieces with back-pressure: HOLD, then a
 * call of the resume function. All on one worker thread; no function here blocks.
 *
 * Memory: the exchange with its first arena block is one slab object; request and response texts
 * live in its arena. That block is just large enough for a small request while it waits for its
 * answer, since there may be a million of those; what does not fit goes to blocks that the worker
 * keeps for that.
 */
#ifndef RW_GATE_EXCHANGE_EXCHANGE_H
#define RW_GATE_EXCHANGE_EXCHANGE_H

#include "gate/exchange/piece.h"
#include "gate/exchange/reason.h"
#include "gate/exchange/steps.h"
#include "gate/route/router.h"
#include "http/message.h"
#include "io/loop.h"
#include "io/stream.h"

struct rw_client;
struct rw_endpoint;
struct rw_exchange;
struct rw_exchange_wait;
struct rw_exchange_websocket;
struct rw_filter_chain;
struct rw_identity;
struct rw_listener_settings;
struct rw_policy_note;
struct rw_residency;
struct rw_route;
struct rw_snapshot;
struct rw_tunnel;
struct rw_worker;

/* What an exchange asks of its front. */
struct rw_front {
    /* x->response and the first piece of its body (maybe empty). Exactly once per exchange, unless
     * aborted. Texts of x->response may be gone when this returns. */
    enum rw_flow (*respond)(struct rw_exchange *x, const struct rw_piece *first);
    /* The next piece. After HOLD no more until rw_exchange_response_resume. */
    enum rw_flow (*response_data)(struct rw_exchange *x, const struct rw_piece *piece);
    /* A 1xx head (x->response is used for it, and free again afterwards). Best effort. HOLD: the
     * origin had better wait for rw_exchange_response_resume; a final head that comes before that
     * is taken, and leaves behind it. */
    enum rw_flow (*informational)(struct rw_exchange *x);
    /* More of the request body, please (after a HOLD from rw_exchange_request_data or the origin's
     * start). */
    void (*request_resume)(struct rw_exchange *x);
    /* The response cannot be finished: cut the connection (or stream), so that the client notices.
     */
    void (*abort)(struct rw_exchange *x);
    /* The exchange ends, and this goes on in its place: `finished`, which follows, starts it (NULL:
     * the front cannot). False: the client has gone; rw_exchange_cut is to come. */
    bool (*tunnel)(struct rw_exchange *x, struct rw_tunnel *tunnel);
    /* The exchange has reached DONE, the origin is gone: free it when the call stack allows. */
    void (*finished)(struct rw_exchange *x);
    struct rw_span protocol; /* for the log: "HTTP/1.1" */
    struct rw_span via;      /* what Via says: "2.0 ringway"; empty: by request.minor_version */
};

enum { RW_EXCHANGE_BYTES = 1616, RW_EXCHANGE_BLOCK_BYTES = 2496 };

/* Was a second endpoint asked as well, and did it answer first? */
enum rw_exchange_hedge { RW_HEDGE_NONE, RW_HEDGE_LOST, RW_HEDGE_WON };

/* Who has nothing pending any more, so that an upgraded exchange can become a tunnel. */
enum { RW_TUNNEL_FRONT_READY = 1, RW_TUNNEL_ORIGIN_READY = 2, RW_TUNNEL_READY = 3 };

struct rw_exchange {
    struct rw_worker *worker;
    struct rw_snapshot *snapshot; /* a reference */
    const struct rw_listener_settings *listener;
    const struct rw_route *route; /* NULL until ROUTE has found one */

    const struct rw_front *front;
    void *front_state;  /* the front's: its connection or stream */
    void *origin_state; /* the origin's */

    uint8_t step;           /* enum rw_step */
    uint8_t reason;         /* enum rw_reason */
    uint16_t retry_after_s; /* of a refusal; 0: not told */
    uint8_t retries;        /* so often the request was sent again */
    uint8_t retry_cause;    /* enum rw_config_retry_on: of the last time */
    uint8_t hedge;          /* enum rw_exchange_hedge */
    bool running;           /* the loop is on the stack: events only leave their mark */
    bool origin_started;
    bool origin_done;                   /* gave its last piece, failed, or was canceled */
    bool responded;                     /* rw_front.respond was called */
    bool request_ended, response_ended; /* last piece seen / last piece handed to the kernel */
    bool aborted;
    bool upgrade_allowed;  /* the request asks for an upgrade that the route allows */
    bool informed;         /* an interim response was passed on: it may be on its way still */
    bool upgraded;         /* 101 was relayed: both bodies are raw bytes */
    bool tunnels;          /* upgraded, and both sides can do without the exchange: until it has
                              become a tunnel neither passes on anything */
    uint8_t tunnel_ready;  /* RW_TUNNEL_..._READY */
    bool websocket;        /* upgraded to RFC 6455's frames, */
    uint8_t websocket_rsv; /* with these reserved bits */
    uint8_t grpc_web;      /* enum rw_grpc_web_mode that the client reads; 0: no such call, or its
                              answer is translated (policy/grpc_web) */
    uint16_t grpc_told;    /* the status that a call was told, and one, where the response does not
                              have it; 0: see there */
    bool client_trusted;   /* the peer is one of the listener's trusted proxies */
    bool https;
    bool request_held;        /* the origin's start wants no more of the request body at once, or a
                                 policy waits before it */
    bool origin_waits;        /* it responded inside its start, and was told HOLD */
    bool first_response_held; /* ... and the buffer of its first piece is held until RELAY */
    bool shadow;              /* a copy of a request (policy/mirror): nobody waits for it */
    bool policy_answers;      /* the one that was asked last has answered, or cut */
    unsigned policies_asked;  /* about the request: of the listener, then of the route */
    unsigned version_series;  /* of metrics: the version that a release chose; 0: none */

    struct rw_message request, response;
    struct rw_piece first_request_piece;  /* arrived with the head; held until FORWARD */
    struct rw_piece first_response_piece; /* arrived with the response head; held until RELAY */

    const struct rw_route_params *params; /* of the route; NULL: it has none */
    struct rw_policy_note *notes;         /* of policies, from the request to the response */
    struct rw_span limit;          /* for the log: the rate limit that refused, or would have */
    const char *fault;             /* for the log: what was done to it on purpose; NULL: nothing */
    struct rw_exchange_wait *wait; /* of a policy (rw_exchange_wait); NULL: there was none */
    struct rw_span request_id;     /* of policy/request_id; at NULL: it has none */

    const struct rw_identity *identity; /* who asks (gate/identity/identity.h); NULL: not known */

    const struct rw_residency
        *residency; /* where the request may go (gate/cluster/balance/residency.h); NULL: nobody
                       asked */

    struct rw_filter_chain *request_filters,
        *response_filters;                /* NULL: none (gate/exchange/filter.h) */
    struct rw_exchange_websocket *socket; /* both bodies are a WebSocket's; NULL: they are not */

    const struct rw_client *client_connection; /* NULL: not told */
    const struct sockaddr *peer;               /* of the connection; AF_INET, AF_INET6 or AF_UNIX */
    const struct sockaddr *client; /* after the trusted-proxy rules: the peer, or in the arena */
    const char *detail; /* for the error log: what exactly was wrong; static or in the arena */
    struct rw_endpoint *endpoint;   /* chosen by the origin, for log and metrics; NULL: none */
    const struct rw_span *upstream; /* whose endpoint it is, for the log; the snapshot's text, or
                                       NULL */
    const char *websocket_accept; /* what 101 has to say (RW_WEBSOCKET_ACCEPT_BYTES): to a key that
                                     the front made, or where the origin is not told the key; NULL:
                                     the key is the client's */
    struct rw_span
        upstream_target; /* path and query sent upstream: request.target, or a policy's rewrite */
    struct rw_span upstream_host; /* Host sent upstream when at != NULL */

    uint64_t started_ns;  /* the turn that brought the end of the head: to wait in it is latency */
    uint64_t response_ns; /* the turn of the response head from the origin; 0: none */
    uint64_t wall_ns;
    uint64_t bytes_in, bytes_out;     /* body bytes */
    uint64_t body_bytes_max;          /* of the request, as policies have it; 0: they have not */
    struct rw_span request_trailers;  /* "Name: value\r\n" lines; there when request_ended */
    struct rw_span response_trailers; /* set by the origin before the last piece */
    struct rw_timer total_timer;

    struct rw_arena arena;
    /* From here on nothing is zeroed when an exchange is made: it is large, and filled before it is
     * read. */
    char traceparent[56]; /* kept or begun; NUL-terminated */
    char first_block[];   /* to the end of RW_EXCHANGE_BYTES */
};

/* ---- For fronts ---- */

/* A new exchange at step RECEIVE with an empty arena; it pins the snapshot. NULL when out of
 * memory. */
struct rw_exchange *rw_exchange_create(struct rw_worker *worker, struct rw_snapshot *snapshot,
                                       const struct rw_front *front, void *front_state,
                                       unsigned listener_index);
/* After `finished`, or before `begin`. */
void rw_exchange_destroy(struct rw_exchange *x);

/* What is touched at an event: all of it, the texts for the log, too (base/prefetch.h). */
static inline struct rw_span rw_exchange_touched(const struct rw_exchange *x)
{
    return rw_span((const char *)x, RW_EXCHANGE_BYTES);
}

/* The head is in x->request; `first` is what came of the body with it (piece.end: that was all).
 * Runs until the exchange waits or is done; `finished` may be called from inside. The result says
 * whether more request body is wanted at once. */
enum rw_flow rw_exchange_begin(struct rw_exchange *x, const struct rw_piece *first);
enum rw_flow rw_exchange_request_data(struct rw_exchange *x, const struct rw_piece *piece);
/* The request cannot be completed (bad chunk, timeout, client gone). Before the response has begun
 * the reason's status is answered (unless CLIENT_GONE), afterwards the exchange is cut. */
void rw_exchange_request_failed(struct rw_exchange *x, enum rw_reason reason, const char *detail);
/* What was handed over with HOLD has left: more may come. */
void rw_exchange_response_resume(struct rw_exchange *x);
/* The last piece has been handed to the kernel. */
void rw_exchange_response_sent(struct rw_exchange *x);
/* Of an exchange that `tunnels`: `who` is ready. When both are, the exchange has become a tunnel by
 * the return of this call (OVER: it is gone), or is being cut; from inside the exchange's loop, a
 * little later. For fronts and origins. */
enum rw_flow rw_exchange_tunnel_ready(struct rw_exchange *x, unsigned who);
/* The client is gone: stop everything, log, finish. */
void rw_exchange_cut(struct rw_exchange *x, enum rw_reason reason);

/* ---- For origins ---- */

/* x->response is filled (texts in x->arena, static, or alive until this call returns); the framing
 * of what follows is response.body_kind. Inside the origin's start the result is HOLD (OVER after
 * the last piece), and response_resume follows. */
enum rw_flow rw_exchange_respond(struct rw_exchange *x, const struct rw_piece *first);
enum rw_flow rw_exchange_response_data(struct rw_exchange *x, const struct rw_piece *piece);
/* A 1xx other than 101 from the origin, in x->response. */
enum rw_flow rw_exchange_informational(struct rw_exchange *x);
/* The origin takes more of the request body now. */
void rw_exchange_request_resume(struct rw_exchange *x);
/* Before the response: answers the reason's status. After it began: cuts. The origin has let go of
 * everything: its cancel is not called. */
void rw_exchange_fail(struct rw_exchange *x, enum rw_reason reason, const char *detail);

/* ---- For policies ---- */

/* From on_request, before it returns RW_VERDICT_WAIT: so long, at least. Meanwhile no more of the
 * request's body is taken. RW_ENOMEM. */
RW_MUST_CHECK enum rw_err rw_exchange_wait(struct rw_exchange *x, uint32_t ms);

/* From on_response, before another answer is made in the place of the one that there was, about
 * which the further policies are then asked: the origin is canceled, its body and its filters are
 * gone, x->response is empty. */
void rw_exchange_discard_response(struct rw_exchange *x);

/* ---- For policies and origins that answer at once ---- */

/* Fills x->response with a status and a body of static or arena bytes, Content-Type (NULL: none)
 * and Content-Length; a status that has no body gets none. Fields can be added before and after by
 * rw_message_add(&x->response, &x->arena, ...). Does not send. */
RW_MUST_CHECK enum rw_err rw_exchange_make_reply(struct rw_exchange *x, unsigned status,
                                                 const char *content_type, struct rw_span body);

/* The same with problem details (RFC 9457), as the gateway's own refusals have; a call of gRPC gets
 * a status of its kind in their place (gate/exchange/grpc.h). `detail` is static text for people,
 * without quotes and backslashes. */
RW_MUST_CHECK enum rw_err rw_exchange_make_problem(struct rw_exchange *x, unsigned status,
                                                   const char *detail);

/* Sends what one of these has made: the whole answer of an origin that answers at once. With an
 * error (of making it) the exchange fails for want of memory. The origin's own calls end with it.
 */
enum rw_flow rw_exchange_reply(struct rw_exchange *x, enum rw_err err);

/* The steps as a Markdown page. */
void rw_steps_manual(struct rw_text *text);
const char *rw_step_name(enum rw_step step);

#endif
