/* The connection object of the HTTP/1.1 front. Private to gate/front/front_h1*.c. */
#ifndef RW_GATE_FRONT_FRONT_H1_CONNECTION_H
#define RW_GATE_FRONT_FRONT_H1_CONNECTION_H

#include "gate/exchange/exchange.h"
#include "gate/front/body_pace.h"
#include "gate/front/client.h"
#include "gate/front/h1_pieces.h"
#include "http/h1.h"

enum rw_h1_phase {
    RW_H1_IDLE,    /* no byte of a request */
    RW_H1_HEAD,    /* part of a head */
    RW_H1_BUSY,    /* an exchange is under way */
    RW_H1_REFUSED, /* an answer without an exchange is being sent: what comes is dropped */
    RW_H1_LINGER,  /* answered and half closed: the client's rest is read and dropped, so that no
                      reset eats the answer */
    RW_H1_CLOSED
};

struct rw_h1_connection {
    struct rw_client client; /* first: client.h */
    struct rw_exchange *x;
    struct rw_h1_call *call;       /* of x, in its arena */
    struct rw_buf *in;             /* received and not yet used */
    uint32_t head_seen, head_line; /* parser state of a head that is not complete */
    uint32_t requests;
    uint16_t head_fields; /* parser state, too */
    uint16_t lingered_kib;
};

/* What the front keeps per exchange, in the exchange's arena. */
struct rw_h1_call {
    struct rw_h1_body body;         /* of the request */
    struct rw_h1_trailers trailers; /* of the request */
    struct rw_h1_sending out;       /* of the response */
    struct rw_body_pace pace;       /* of the request */
    struct rw_buf *later_head; /* of an answer that waits for a 1xx to leave; NULL: none does */
    struct rw_piece later;     /* its first piece */
    struct rw_tunnel *tunnel;  /* will go on for the exchange */
    bool close;                /* the connection ends after this response */
    bool sending;              /* a send is pending */
    bool last;                 /* ... and it is the last of the response */
    bool switch_over;          /* 101 was sent: both directions are raw */
};

extern const struct rw_front rw_front_h1;

static inline struct rw_worker *rw_h1_worker(const struct rw_h1_connection *c)
{
    return rw_client_worker(&c->client);
}

/* Is the exchange that was number `turn` still under way? (Its memory may already be another's.) */
static inline bool rw_h1_same(const struct rw_h1_connection *c, uint32_t turn)
{
    return c->x && c->requests == turn && c->client.phase == RW_H1_BUSY;
}

/* Ends the connection now; on_closed frees it. */
void rw_h1_close(struct rw_h1_connection *c);

/* Parses and starts what c->in holds; the connection may be closed afterwards. */
void rw_h1_process(struct rw_h1_connection *c);

/* front_h1_read.c: bytes of the request body. */
/* What has come of it already. False: the request was refused, and its exchange is gone. */
bool rw_h1_start_body(struct rw_h1_connection *c, struct rw_piece *first);
void rw_h1_feed_body(struct rw_h1_connection *c);
/* The origin takes no more of the body for now, or does. */
void rw_h1_hold_back(struct rw_h1_connection *c, bool held_back);
/* The deadline of what the client owes now: while a send is pending that of the send stays. */
void rw_h1_await(struct rw_h1_connection *c);
void rw_h1_request_resume(struct rw_exchange *x);

/* front_h1_write.c */
enum rw_flow rw_h1_respond(struct rw_exchange *x, const struct rw_piece *first);
enum rw_flow rw_h1_response_data(struct rw_exchange *x, const struct rw_piece *piece);
enum rw_flow rw_h1_informational(struct rw_exchange *x);
void rw_h1_on_sent(struct rw_h1_connection *c, enum rw_err err);
/* The answer has been sent: half closes, reads on for a while. */
void rw_h1_linger(struct rw_h1_connection *c);

/* front_h1_refuse.c: an answer without an exchange. Sends and lingers; c->in is dropped. */
struct rw_h1_refused {
    unsigned status;
    enum rw_reason reason;
    const char *detail;               /* static text without quotes and backslashes */
    const struct rw_message *request; /* for the log: what the parser knows of it; NULL: nothing */
};
void rw_h1_refuse(struct rw_h1_connection *c, const struct rw_h1_refused *refused);
/* For bytes that are no request: told in the error log, and counted. */
void rw_h1_refuse_malformed(struct rw_h1_connection *c, unsigned status, const char *detail,
                            const struct rw_message *request);
void rw_h1_refuse_for_memory(struct rw_h1_connection *c);

#endif
