/* One exchange's dealings with an endpoint. Private to origin/upstream*.c.
 *
 * upstream.c has what every protocol needs: the connection, failing; upstream_choose.c the choice
 * of an endpoint, upstream_speak.c that of a protocol, upstream_again.c repeating. What goes over
 * the wire is the protocol's: upstream_h1*.c, upstream_h2*.c.
 */
#ifndef RW_ORIGIN_UPSTREAM_CALL_H
#define RW_ORIGIN_UPSTREAM_CALL_H

#include "gate/cluster/overload/admission.h"
#include "gate/cluster/pool/pool.h"
#include "gate/exchange/exchange.h"
#include "gate/snapshot.h"
#include "gate/worker.h"
#include "http/pairs.h"

struct rw_upstream_call;

/* Two calls of one exchange, or one that may become two; upstream_hedge.c. */
struct rw_upstream_hedge {
    const struct rw_upstream_call *first;
    struct rw_upstream_call *calls[2]; /* under way: the first, the second; NULL: it is not */
    struct rw_timer timer;             /* of the first: until there is a second */
    struct rw_endpoint *endpoint;      /* the second's, as long as it is not the exchange's */
    struct rw_message response;        /* the second's head */
};

struct rw_upstream_protocol {
    /* There is a connection: the head and what is there of the body leave. */
    enum rw_flow (*send_request)(struct rw_upstream_call *call, const struct rw_piece *first);
    enum rw_flow (*send_piece)(struct rw_upstream_call *call, const struct rw_piece *piece);
    /* The exchange takes more of the response. */
    void (*resume)(struct rw_upstream_call *call);
    /* The connection goes on as a tunnel's, with what has come and was not passed on. NULL: a call
     * never sets x->tunnels. */
    void (*detach)(struct rw_upstream_call *call, struct rw_tunnel *tunnel);
    /* Drops buffers; the connection has been let go of. The call may begin anew after that. */
    void (*let_go)(struct rw_upstream_call *call);
};

/* What the protocols have in common; the first member of theirs. */
struct rw_upstream_call {
    struct rw_lease lease;
    const struct rw_upstream_protocol *protocol;
    struct rw_exchange *x;
    struct rw_cluster *cluster;
    struct rw_piece
        waiting; /* request body piece that waits for the connection; holds its buffer */
    struct rw_piece
        kept;         /* what was sent of the body, while it may be sent again; holds its buffer */
    uint64_t sent_ns; /* when the request began to leave */
    struct rw_admission *admission;  /* NULL: the upstream has no limit */
    struct rw_upstream_hedge *hedge; /* NULL: there is one call, and there will be no other */
    struct rw_timer backoff;         /* before the next try */
    uint8_t failure;                 /* enum rw_reason: of the try before */
    uint8_t moves;                   /* so often a connection's end has left it out */
    uint8_t interims;                /* HTTP/1.1: 1xx that have come */
    bool kept_own;                   /* its buffer is the call's alone to fill */
    bool fresh;       /* the next try needs a new connection, and to the same endpoint will do */
    bool try_limited; /* the deadline is of the try */
    bool upgrade;     /* it may become a tunnel: where there is a choice, over HTTP/1.1 */
    bool reused;      /* the connection had carried a request before */
    bool request_started; /* the head has been sent */
    bool request_sent;    /* all of it is on its way */
    bool request_held;    /* HOLD was said to the front */
    bool replayable;      /* all that was sent of the body is kept */
    bool response_begun;  /* a byte of the response has arrived */
    bool responded;       /* the head went to the exchange */
    bool response_held;   /* the exchange said HOLD */
};

/* upstream_speak.c: which protocol a call speaks. */

/* A call of the exchange for endpoints of the cluster; NULL: the exchange's memory is used up. */
struct rw_upstream_call *rw_upstream_call_new(struct rw_exchange *x, struct rw_cluster *cluster);
/* Its next try goes to this endpoint, which may have chosen (protocol: auto). */
void rw_upstream_speak(struct rw_upstream_call *call, const struct rw_endpoint *endpoint);
/* A connection for that, to the endpoint: it is ready, or will be, or the try has failed. */
void rw_upstream_acquire(struct rw_upstream_call *call, struct rw_endpoint *endpoint, bool fresh);
/* The lease's event. */
void rw_upstream_on_http1(struct rw_lease *lease);

/* upstream_h1.c, upstream_h2.c: nothing is under way, and it speaks this from now on. */
void rw_upstream_h1_begin(struct rw_upstream_call *call);
void rw_upstream_h2_begin(struct rw_upstream_call *call);

/* upstream_h2_websocket.c: does the request ask for a WebSocket as HTTP/2 can have it? Then the
 * call, before it gets a connection, is told to ask for one; with a reason, it cannot. */
bool rw_upstream_h2_is_websocket(const struct rw_exchange *x, const struct rw_piece *first);
enum rw_reason rw_upstream_h2_websocket_begin(struct rw_upstream_call *call);

/* upstream_choose.c: an endpoint for the exchange, by the cluster's balancing; NULL: there is none.
 */
struct rw_endpoint *rw_upstream_choose(const struct rw_upstream_call *call,
                                       const struct rw_endpoint *avoid);

/* The value of the first cookie or query parameter of this name, decoded, in the exchange's arena
 * if need be; at NULL: there is none. */
struct rw_span rw_upstream_pair(struct rw_exchange *x, enum rw_pairs kind, struct rw_span name);

/* There is none: what the client is told, and counted. */
enum rw_reason rw_upstream_no_endpoint(struct rw_exchange *x);

/* Whose request it is to be, as `fair_by` or `balance: hash` have it; without the header, cookie or
 * parameter it is the client's address. */
struct rw_span rw_upstream_hash_key(struct rw_exchange *x, const struct rw_config_hash *hash);
uint64_t rw_upstream_hash(struct rw_exchange *x, const struct rw_config_hash *hash);
/* Is the key part of an identity, which policies find out? */
bool rw_upstream_asks_identity(const struct rw_config_hash *hash, enum rw_identity_part *part);
/* For rw_origin.check_route: is what a key is made of, of which `what` is made ("`hash`"), told on
 * the route; and all keys of the cluster? */
RW_MUST_CHECK enum rw_err rw_upstream_expect_key(const struct rw_config_hash *hash,
                                                 const char *what, const struct rw_route *route,
                                                 const struct rw_snapshot *snapshot,
                                                 struct rw_conf_report *report);
RW_MUST_CHECK enum rw_err rw_upstream_expect_keys(const struct rw_cluster *cluster,
                                                  const struct rw_route *route,
                                                  const struct rw_snapshot *snapshot,
                                                  struct rw_conf_report *report);

/* ---- upstream_hedge.c ---- */

/* The other one of two calls that are under way; NULL: there is none. */
static inline struct rw_upstream_call *rw_upstream_twin(const struct rw_upstream_call *call)
{
    return call->hedge ? call->hedge->calls[call == call->hedge->first] : NULL;
}

/* Which endpoint the call goes to, and where its response's head is put. */
static inline struct rw_endpoint *rw_upstream_endpoint(const struct rw_upstream_call *call)
{
    const struct rw_upstream_hedge *hedge = call->hedge;
    bool second = hedge && call != hedge->first;
    return second && hedge->endpoint ? hedge->endpoint : call->x->endpoint;
}
static inline struct rw_message *rw_upstream_response(const struct rw_upstream_call *call)
{
    struct rw_upstream_hedge *hedge = call->hedge;
    return hedge && call != hedge->first ? &hedge->response : &call->x->response;
}

/* The request has been sent, to an upstream with hedging: from now on it may be late. */
void rw_upstream_hedge_arm(struct rw_upstream_call *call);
/* The try is over: it will not be late. */
void rw_upstream_hedge_disarm(struct rw_upstream_call *call);
/* One of two is out, and the other one goes on alone. The call must not be touched afterwards. */
void rw_upstream_step_aside(struct rw_upstream_call *call);

enum rw_upstream_head {
    RW_HEAD_TAKEN,       /* it is the exchange's, in x->response, and the call is the only one */
    RW_HEAD_PASSED_OVER, /* it is dropped, and another one will come */
    RW_HEAD_OVER         /* as after step_aside */
};
/* A head is complete, of a call with `hedge`. */
enum rw_upstream_head rw_upstream_hedge_head(struct rw_upstream_call *call);

/* ---- upstream_admit.c ---- */

/* The place that one call has becomes another's. */
void rw_upstream_hand_over(struct rw_upstream_call *from, struct rw_upstream_call *to);

/* Does the request count for the upstream's limit, if it has one? */
static inline bool rw_upstream_limited(const struct rw_upstream_call *call)
{
    return call->cluster->limiter && call->x->route->config->overload->class != RW_CLASS_EXEMPT;
}
/* For one that does: the request waits for its turn, or `goes`, or is refused. */
enum rw_flow rw_upstream_admit(struct rw_upstream_call *call, const struct rw_piece *first,
                               enum rw_flow (*goes)(struct rw_upstream_call *call,
                                                    const struct rw_piece *first));
/* The response's head has come, or did not in time. */
void rw_upstream_tell_latency(const struct rw_upstream_call *call);
/* The rest of the response is to come: the request gives its place to another at once if that may
 * last (a stream of messages, a tunnel), else after a while. */
void rw_upstream_relay_begins(struct rw_upstream_call *call);
/* It is over, or waits no more; twice is fine. */
void rw_upstream_leave(struct rw_upstream_call *call);

/* upstream_deadline.c: of an exchange with a deadline; RW_ENOMEM: the exchange's memory is used up.
 */
RW_MUST_CHECK enum rw_err rw_upstream_pass_on_deadline(struct rw_exchange *x);

/* ---- upstream.c ---- */

/* Ends the call and tells the exchange. */
void rw_upstream_fail(struct rw_upstream_call *call, enum rw_reason reason, const char *detail);
/* Counts a failure of the endpoint, unless it is the gateway's own. */
void rw_upstream_blame(struct rw_upstream_call *call, enum rw_reason reason);
/* Ends the call and tells the exchange; nobody is to blame, or has been. */
void rw_upstream_give_up(struct rw_upstream_call *call, enum rw_reason reason, const char *detail);
/* The exchange goes to this endpoint now. */
void rw_upstream_use(struct rw_exchange *x, struct rw_endpoint *endpoint);
/* Lets go of buffers and the connection: of the try alone, or of all that the call has. */
void rw_upstream_end_try(struct rw_upstream_call *call);
void rw_upstream_let_go(struct rw_upstream_call *call);
/* Waiting for the endpoint may last so long from now; 0: as long as it takes. */
void rw_upstream_wait_deadline(struct rw_upstream_call *call, uint32_t ms);
/* It lasted longer: fails. */
void rw_upstream_time_out(struct rw_upstream_call *call);
/* Keeps a piece that cannot be sent yet: HOLD. */
enum rw_flow rw_upstream_keep_waiting(struct rw_upstream_call *call, const struct rw_piece *piece);

/* Host or :authority. */
struct rw_span rw_upstream_host(const struct rw_upstream_call *call);

/* Of a final response: Date is there afterwards; false: no memory. */
bool rw_upstream_ensure_date(struct rw_exchange *x);
/* The final head is in x->response; `end`: there is no more. False: the request is being sent again
 * instead, and the call has let go of the response. */
bool rw_upstream_take_response(struct rw_upstream_call *call, bool end);

/* ---- upstream_again.c ---- */

/* Might the request be sent again once it has been sent? */
bool rw_upstream_worth_keeping(const struct rw_upstream_call *call);
/* This piece of the body is being sent. */
void rw_upstream_keep(struct rw_upstream_call *call, const struct rw_piece *piece);
/* It is sent for the first time: that allows for a share of a repetition. */
void rw_upstream_feed_budget(const struct rw_upstream_call *call);
/* Goes to an endpoint with what waits. */
void rw_upstream_begin_try(struct rw_upstream_call *call);
/* Could it be sent again for this cause now, as far as the call itself knows? */
bool rw_upstream_may_repeat(const struct rw_upstream_call *call, enum rw_config_retry_on cause);
/* Sends the request once more, now or after a while, if that is safe, wanted and within the budget;
 * false: it is not. `failure`: what the client is told when that cannot be begun. `untouched`: the
 * endpoint says that it has not begun to work on it. */
bool rw_upstream_try_again(struct rw_upstream_call *call, enum rw_config_retry_on cause,
                           enum rw_reason failure, bool untouched);
/* Sends a request that the end of its connection (GOAWAY) has left out over another one, at once.
 * Nobody has failed and nobody has had work with it: that is no try, and not the budget's. False:
 * it cannot be, or has been so too often. */
bool rw_upstream_move(struct rw_upstream_call *call);
/* ... because of the response. */
bool rw_upstream_retries_response(struct rw_upstream_call *call, bool end);

/* upstream_explain.c: as rw_origin.explain. */
void rw_upstream_explain(const void *instance, struct rw_text *text);
void rw_upstream_explain_client(struct rw_exchange *x, const void *instance, struct rw_text *text);

/* Events of the lease. */
void rw_upstream_on_ready(struct rw_lease *lease);
void rw_upstream_on_failed(struct rw_lease *lease, enum rw_reason reason, const char *detail);

#endif
