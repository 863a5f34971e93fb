/* The load client, in five files: client.c reads the options and runs, client_pace.c decides when
 * requests begin (the pace), client_connection.c takes one connection through its steps and checks
 * every answer of HTTP/1.1, client_h2.c does so for HTTP/2, client_transport.c moves bytes in the
 * clear or under TLS.
 *
 * One thread, one epoll instance. A connection has at most one request under way, under HTTP/2 at
 * most `streams`. Connections are opened a few at a time; the pace is told when an answer is
 * complete and says what follows.
 */
#ifndef BENCH_CLIENT_H
#define BENCH_CLIENT_H

#include "board.h"

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#define CLIENT_HEAD_BYTES_MAX 1024
#define CLIENT_REQUEST_BYTES_MAX 512
#define CLIENT_STREAMS_MAX 128u
#define CLIENT_PATH_BYTES_MAX 126u /* a longer one has a longer length in HPACK */

enum client_mode {
    CLIENT_CLOSED,    /* the next request as soon as the answer is complete */
    CLIENT_OPEN,      /* requests fall due at a fixed rate, whether or not answers come */
    CLIENT_HANDSHAKE, /* TLS handshake, close in good order, again */
    CLIENT_IDLE,      /* one request on each connection, then hold it */
};

enum client_step {
    STEP_NONE,      /* no socket */
    STEP_CONNECT,   /* waiting for the TCP connection */
    STEP_HANDSHAKE, /* waiting for TLS */
    STEP_READY,     /* may send */
    STEP_HEAD,      /* sent; the answer's head is not complete */
    STEP_BODY,      /* `body_left` bytes of the answer are missing */
    STEP_STREAMS,   /* HTTP/2: may send while a stream is free */
    STEP_GOODBYE,   /* handshake mode: we closed our side, waiting for theirs */
};

struct client_h2; /* client_h2.c */

struct client_connection {
    int fd;
    enum client_step step;
    bool answered_before;
    bool close_after;
    bool listed; /* open mode: it stands in the list of ready connections */
    uint32_t head_length;
    uint64_t body_left; /* UINT64_MAX: until `tail` holds the last chunk */
    char tail[7];
    bool refused; /* the answer is 503 */
    uint64_t due_ns;
    SSL *tls;
    struct client_h2 *h2; /* NULL under HTTP/1.1 */
    struct client_connection *next_ready;
    char head[CLIENT_HEAD_BYTES_MAX];
};

struct client {
    enum client_mode mode;
    int port;
    uint32_t connections_wanted;
    uint64_t body_bytes_expected;
    bool gzip;            /* asks for gzip, and the answers are to be that, of any length */
    uint64_t rate;        /* requests per second, open mode only */
    uint32_t streams;     /* HTTP/2: requests at once on a connection; 0: HTTP/1.1 */
    uint32_t routes;      /* paths to spread requests over; 0: one path */
    uint32_t consumers;   /* keys that requests come with; 0: none */
    SSL_CTX *tls_context; /* NULL: in the clear */
    bool upgrade;         /* to WebSocket: the answer is 101 */
    bool refusals;        /* 503 is an answer that is counted for itself, without latency */
    const char *path;
    char request[CLIENT_REQUEST_BYTES_MAX];
    size_t request_length;
    size_t route_at;    /* where in the request the five digits of the route stand */
    size_t consumer_at; /* ... and those of the consumer */
    uint64_t random;

    int epoll_fd;
    bool stop; /* by a signal, or as time is up */
    struct client_connection *connections;
    uint32_t opened;                       /* connections begun so far, never more than wanted */
    uint32_t answered;                     /* connections with a first answer */
    uint32_t under_way;                    /* requests sent and not yet answered */
    struct client_connection *ready_first; /* open mode: connections that may send, oldest first */
    struct client_connection *ready_last;
    uint64_t pace_start_ns;
    uint64_t pace_sent; /* open mode: requests sent; the next falls due at start + sent / rate */
    struct bench_board *board;
};

/* client_connection.c */

void client_open(struct client *client, struct client_connection *connection);
void client_send(struct client *client, struct client_connection *connection, uint64_t due_ns);
void client_on_event(struct client *client, struct client_connection *connection, uint32_t events);
/* Counts the failure; a gateway that only fails ends the client. */
void client_count_failure(struct client *client, enum bench_failure kind);
/* Counts the failure and begins the connection anew. */
void client_fail(struct client *client, struct client_connection *connection,
                 enum bench_failure kind);
/* Counts a complete answer, and the connection's first one. */
void client_count_answer(struct client *client, struct client_connection *connection);
/* The gateway ended the connection in good order, with nothing under way. */
void client_reopen(struct client *client, struct client_connection *connection);

/* client_h2.c: a connection under HTTP/2, from STEP_STREAMS on. */

/* Sends the preface; requests follow when the gateway's settings have come. */
void client_h2_begin(struct client *client, struct client_connection *connection);
/* Is a stream free? */
bool client_h2_may_send(const struct client_connection *connection);
/* Begins a request on a free stream. Within client_h2_receive it leaves with what else is made. */
void client_h2_send(struct client *client, struct client_connection *connection, uint64_t due_ns);
void client_h2_receive(struct client *client, struct client_connection *connection);
/* Forgets all streams, as the socket is closed. Returns how many were under way. */
uint32_t client_h2_end(struct client_connection *connection);

/* client_pace.c. */

/* Opens connections, a few at a time, so that neither backlog nor peak memory distorts the start.
 */
void client_pace_open(struct client *client);
/* The connection may send. */
void client_pace_ready(struct client *client, struct client_connection *connection);
/* An answer is complete, to a request that was due then. */
void client_pace_answered(struct client *client, struct client_connection *connection,
                          uint64_t due_ns);
/* Open mode: sends what is due. */
void client_pace_due(struct client *client);
/* How long to sleep: until the next request is due, or until it is time to look at the board. */
struct timespec client_pace_sleep(const struct client *client);
bool client_stopping(const struct client *client);

/* client_transport.c. Reading returns the count, or one of the values below. */

#define CLIENT_END 0
#define CLIENT_AGAIN (-1)
#define CLIENT_BROKEN (-2)

/* `h2`: offers HTTP/2 and nothing else. */
SSL_CTX *client_tls_context(bool h2);
bool client_tls_begin(struct client *client, struct client_connection *connection);
ssize_t client_read(struct client_connection *connection, char *into, size_t size);
/* Reads bytes only to drop them, in the clear without even copying them out of the kernel. */
ssize_t client_skip(struct client_connection *connection, size_t size);
bool client_write(struct client_connection *connection, const char *data, size_t length);

#endif
