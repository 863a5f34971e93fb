/* One thread of a load run: a loop, its connections, its part of the schedule.
 *
 * rw_load_run makes one generator a thread. It opens its connections, waits at the gate until every
 * thread has, and then sends what is due. A request that finds no free connection waits in the
 * backlog; its latency counts from when it was due all the same, so that a system that stalls
 * cannot hide how long its users would have waited (coordinated omission, G. Tene).
 *
 * The protocols (connection_h1.c, connection_h2.c) own the bytes: a connection that can take a
 * request says rw_load_ready, gets it by `send`, and tells what came of it by rw_load_answered or
 * rw_load_failed.
 */
#ifndef RW_LOAD_GENERATOR_H
#define RW_LOAD_GENERATOR_H

#include "base/slab.h"
#include "io/stream.h"
#include "load/dues.h"
#include "load/settings.h"
#include "load/tally.h"
#include "load/timeline.h"
#include "load/users.h"

#include <pthread.h>
#include <stdatomic.h>

struct rw_h2_stream;
struct rw_load_generator;
struct rw_load_connection;
struct rw_load_socket;

/* What is to be sent, and when it should have been: a user's, or whatever is next. */
struct rw_load_due {
    uint64_t ns;
    struct rw_load_user *user;
};

/* A request that is under way. */
struct rw_load_call {
    struct rw_list link;      /* of those waiting for an answer, oldest first */
    uint64_t due_ns, sent_ns; /* monotonic */
    struct rw_load_connection *connection;
    struct rw_load_user *user;     /* whose request it is; NULL: nobody's */
    struct rw_load_socket *socket; /* of a message; HTTP/2: that a request opens, or has opened */
    union {
        struct rw_h2_stream *stream; /* HTTP/2's */
        struct rw_buf *written;      /* HTTP/1.1's: of a request that varies, until it is sent */
    };
    uint16_t request; /* which of the settings' */
    uint16_t status;  /* 0: none has come */
    bool is_message;
    uint8_t interims; /* HTTP/1.1: 1xx that have come */
};

/* Begins each protocol's own connection, which must stay small: there may be a million. */
struct rw_load_connection {
    struct rw_stream stream;
    struct rw_list link; /* in the generator's list of free ones, or of the others */
    struct rw_load_generator *generator;
    bool open : 1;    /* connected: may carry requests */
    bool settled : 1; /* connecting has ended, well or not */
    bool closing : 1;
    bool free : 1;      /* waits for something to send */
    bool upgrading : 1; /* connected, and becomes a WebSocket first */
    bool spent : 1;     /* its end is in good order: another may be opened at once */
    uint8_t address;    /* which of the settings' it goes to */
};

struct rw_load_protocol {
    size_t connection_bytes;
    const struct rw_stream_events *events;
    /* Connected: get ready for requests. RW_ENOMEM, RW_EPROTO. With `upgrading` set
     * rw_load_opened follows, or rw_load_lost. */
    enum rw_err (*begin)(struct rw_load_connection *connection);
    /* How many more requests it can take now. */
    uint32_t (*room)(const struct rw_load_connection *connection);
    /* One of them; `room` was not 0. */
    void (*send)(struct rw_load_connection *connection, struct rw_load_due due);
    /* Has taken too long: the call must go, and is not told of again. */
    void (*give_up)(struct rw_load_call *call);
    /* The first of what a WebSocket has to send leaves: rw_load_socket_sent follows where it is
     * PENDING. */
    enum rw_send (*put)(struct rw_load_socket *socket, struct rw_buf *buf);
    /* A message may be sent on a WebSocket that is nobody's: rw_load_ready follows. */
    void (*idle)(struct rw_load_socket *socket);
    /* At the end of the run: WebSockets are told. */
    void (*leave)(struct rw_load_connection *connection);
    /* A WebSocket is over: its connection or its stream is to go, rw_load_socket_lost follows. */
    void (*hang_up)(struct rw_load_socket *socket, enum rw_load_error why);
    /* The stream is gone: fail what is under way, free what it holds. */
    void (*end)(struct rw_load_connection *connection, enum rw_load_error why);
};

extern const struct rw_load_protocol rw_load_protocol_h1, rw_load_protocol_h2;

/* What the threads of a run share. */
struct rw_load_gate {
    _Atomic unsigned waiting;  /* threads that still open connections */
    _Atomic uint64_t begin_ns; /* 0: not yet */
    _Atomic unsigned busy;     /* threads that have something to send, or under way */
    _Atomic bool failed;       /* connections cannot be had: nobody begins */
    _Atomic bool stop;         /* send no more */
    _Atomic uint64_t stop_ns;  /* when that was said */
};

/* What one thread leaves behind, in memory that all processes of the run see. */
struct rw_load_slot {
    _Atomic bool ended;
    _Atomic uint32_t connected; /* for the progress */
    enum rw_err err;            /* why it could not work */
    char
        why[256]; /* in words, why a connection could not be had; "" when there is nothing to say */
    struct rw_load_tally tally;
};

/* One of the target's addresses, as this thread finds it. */
struct rw_load_way {
    uint32_t connects;     /* connections that it has let in */
    uint32_t pending;      /* that it is being asked for */
    uint64_t asked_ns;     /* since when without letting one in */
    uint64_t out_until_ns; /* others have their turn until then; 0: it has not failed */
};

struct rw_load_generator {
    struct rw_loop *loop;
    const struct rw_load_settings *settings;
    const struct rw_load_protocol *protocol;
    struct rw_load_gate *gate;
    struct rw_timeline *timeline;
    struct rw_load_slot *slot;
    unsigned index; /* of the threads */
    /* Connections. */
    struct rw_slab connections, sockets;
    struct rw_slab streams, calls; /* HTTP/2's */
    uint32_t wanted, existing, connected, opening;
    uint32_t refused; /* that could not be had, before the first that could */
    struct rw_load_way ways[RW_LOAD_ADDRESSES_MAX]; /* to the settings' addresses */
    unsigned way;                                   /* whose turn it is */
    struct rw_list free;                            /* can take a request; the longest idle first */
    struct rw_list others;                          /* connections: opening, full, closing */
    struct rw_list all_calls;                       /* under way, oldest first */
    struct rw_list leaving;  /* WebSockets that wait for their end, oldest first */
    struct rw_random masks;  /* of WebSockets, and their keys */
    struct rw_arena scratch; /* for one head */
    char *scratch_memory;
    struct rw_message message; /* of the head that is being read: HTTP/2's */
    /* Time. */
    uint64_t begin_ns, record_from_ns, end_ns; /* monotonic */
    uint64_t busy_before_ns;                   /* of the thread, until then */
    struct rw_schedule schedule;
    uint64_t next_due_ns;  /* UINT64_MAX: the schedule is over */
    struct rw_watch alarm; /* a timerfd: arrivals are due to the microsecond */
    struct rw_timer tick, timeouts;
    bool ready, running, stopped, done, ended;
    struct rw_load_users users;
    struct rw_later serve;   /* what waits, to those that are free */
    struct rw_dues backlog;  /* due, and no connection was free; of users: users.waiting */
    struct rw_dues thinking; /* closed loop: when each user that has been answered asks again */
    /* Results. */
    uint32_t cycle;   /* position in `choice` */
    uint32_t *choice; /* the requests, or the script's scenarios, each as often as its weight */
    uint32_t choice_count;
    struct rw_load_tally *tally;        /* the slot's */
    struct rw_load_step_tally *steps;   /* of each request; NULL: without a script */
    struct rw_load_check_count *checks; /* of each of the script's checks */
    struct rw_histogram *second_latency;
    struct rw_timeline_row second_row;
    size_t second;
    enum rw_err err; /* why it could not work */
    char why[256];   /* in words; "" when there is nothing to say */
};

/* All three on the generator's own thread. */
RW_MUST_CHECK enum rw_err rw_load_generator_open(struct rw_load_generator *generator);
/* Until the profile is over and every answer is there, or given up. */
void rw_load_generator_work(struct rw_load_generator *generator);
/* Closes the connections and gives everything back, also after an open that failed. */
void rw_load_generator_end(struct rw_load_generator *generator);

/* ---- For the protocols ---- */

/* It was `upgrading`, and may carry requests now. */
void rw_load_opened(struct rw_load_connection *connection);
/* From within begin or after an answer: it has room. */
void rw_load_ready(struct rw_load_connection *connection);
/* `call` leaves now: chooses the request. The caller has zeroed it and set `connection`. If the
 * request varies, what it points to is there only until the next one. */
const struct rw_load_request *rw_load_choose(struct rw_load_generator *generator,
                                             struct rw_load_call *call, struct rw_load_due due);
/* The answer is complete; rw_load_ready follows, if the connection takes more. */
void rw_load_answered(struct rw_load_call *call);
void rw_load_failed(struct rw_load_call *call, enum rw_load_error error);
/* A message that no answer is waited for has been sent. */
void rw_load_sent_off(struct rw_load_call *call);
/* A message that came: is it what the call waits for? */
bool rw_load_is_answer(const struct rw_load_call *call);
/* The connection cannot go on. Follows: `end`, and another connection in its place. */
void rw_load_lost(struct rw_load_connection *connection, enum rw_load_error why);
/* Stream callbacks that are the same for all protocols. */
void rw_load_on_open(struct rw_stream *stream, enum rw_err err);
void rw_load_on_closed(struct rw_stream *stream);
enum rw_load_error rw_load_error_of(enum rw_err err);

static inline struct rw_load_connection *rw_load_connection_of(struct rw_stream *stream)
{
    return rw_container_of(stream, struct rw_load_connection, stream);
}

#endif
