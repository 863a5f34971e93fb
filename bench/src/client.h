/* The load client, in three files: client.c reads the options and decides when requests begin (the
 * pace), client_connection.c takes one connection through its steps and checks every answer,
 * client_transport.c moves bytes in the clear or under TLS.
 *
 * One thread, one epoll instance. A connection has at most one request under way. Connections are
 * opened a few at a time; the pace is told when an answer is complete and says what follows.
 */
#ifndef BENCH_CLIENT_H
#define BENCH_CLIENT_H

#include "board.h"

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define CLIENT_HEAD_BYTES_MAX 1024
#define CLIENT_REQUEST_BYTES_MAX 512

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
    STEP_GOODBYE,   /* handshake mode: we closed our side, waiting for theirs */
};

struct client_connection {
    int fd;
    enum client_step step;
    bool answered_before;
    bool close_after;
    bool listed; /* open mode: it stands in the list of ready connections */
    uint32_t head_length;
    uint64_t body_left;
    uint64_t due_ns;
    SSL *tls;
    struct client_connection *next_ready;
    char head[CLIENT_HEAD_BYTES_MAX];
};

struct client {
    enum client_mode mode;
    int port;
    uint32_t connections_wanted;
    uint64_t body_bytes_expected;
    uint64_t rate;        /* requests per second, open mode only */
    uint32_t routes;      /* paths to spread requests over; 0: one path */
    SSL_CTX *tls_context; /* NULL: in the clear */
    char request[CLIENT_REQUEST_BYTES_MAX];
    size_t request_length;
    size_t route_at; /* where in the request the five digits of the route stand */
    uint64_t random;

    int epoll_fd;
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

/* client.c: the pace. Called when a connection may send, and when an answer is complete. */

void client_pace_ready(struct client *client, struct client_connection *connection);
void client_pace_answered(struct client *client, struct client_connection *connection);

/* client_transport.c. Reading returns the count, or one of the values below. */

#define CLIENT_END 0
#define CLIENT_AGAIN (-1)
#define CLIENT_BROKEN (-2)

SSL_CTX *client_tls_context(void);
bool client_tls_begin(struct client *client, struct client_connection *connection);
ssize_t client_read(struct client_connection *connection, char *into, size_t size);
/* Reads bytes only to drop them, in the clear without even copying them out of the kernel. */
ssize_t client_skip(struct client_connection *connection, size_t size);
bool client_write(struct client_connection *connection, const char *data, size_t length);

#endif
