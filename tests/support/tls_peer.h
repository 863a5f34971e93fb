/* A server's stream under test, and a client that can do what no decent client does.
 *
 * The client begins as OpenSSL's, over memory, so that a test holds every byte in its hands; after
 * peer_meet() its traffic secrets are known, and records can be made by hand (tls_records.h) as
 * long as OpenSSL has not sent anything itself. Server and client talk over a socket pair in one
 * thread: only the server's side runs in the loop.
 */
#ifndef RW_TESTS_SUPPORT_TLS_PEER_H
#define RW_TESTS_SUPPORT_TLS_PEER_H

#include "io/tls.h"
#include "support/tls_records.h"

#include <openssl/ssl.h>

enum { PEER_BYTES_MAX = 1 << 20 };

struct peer {
    struct rw_loop *loop;
    /* The server's side, and what it was told. */
    struct rw_stream stream;
    bool live, opened, ended, sending;
    enum rw_err open_err, end_err, sent_err;
    unsigned sents;
    size_t received, stops_at; /* receiving goes off after so many bytes; 0: never */
    char text[PEER_BYTES_MAX];
    /* The client's. */
    int fd;
    SSL_CTX *context;
    SSL *ssl;
    BIO *in, *out;
    size_t split; /* its bytes leave in pieces of so many, with a turn after each; 0: at once */
    struct records_side send, receive;
    unsigned char raw[PEER_BYTES_MAX]; /* what has come and is not a whole record yet */
    size_t raw_bytes;
};

struct peer_options {
    const char *ciphers;  /* of TLS 1.3; NULL: all */
    const char *cert;     /* "client": a file and its key; NULL: none */
    int version;          /* TLS1_2_VERSION; 0: TLS 1.3 */
    bool bare;            /* no SNI, no ALPN */
    void (*before)(void); /* called when all is made but the server's side */
};

void peer_open(struct peer *peer, struct rw_tls_server *server, const struct peer_options *options);
/* The handshake. False: it failed, or the server closed. */
bool peer_meet(struct peer *peer);
/* Turns until the server's side is taken over (false: that did not happen in time). */
bool peer_wait_taken(struct peer *peer);
bool peer_taken(const struct peer *peer);
/* All of it: a connection that has been taken over, its ticket read. */
void peer_open_taken(struct peer *peer, struct rw_tls_server *server,
                     const struct peer_options *options);
void peer_turn(struct peer *peer, int turns);
void peer_close(struct peer *peer);

/* Bytes to the server as they are. */
void peer_write(struct peer *peer, const void *from, size_t bytes);
/* One record by hand, sent. */
void peer_record(struct peer *peer, unsigned char type, const void *text, size_t bytes);
/* The next record that the server sent, opened by hand; false: there is none, or it is bad. Keys
 * change with KeyUpdates by themselves. */
bool peer_next(struct peer *peer, unsigned char *text, size_t *bytes, unsigned char *type);
/* Turns; asserts that this is the next record, or that there is none. */
void peer_expect(struct peer *peer, unsigned char type, const void *text, size_t bytes);
void peer_expect_nothing(struct peer *peer);
/* Moves bytes between OpenSSL's client and the socket. */
void peer_pump(struct peer *peer);

enum rw_send peer_server_send(struct peer *peer, const void *from, size_t bytes);

#endif
