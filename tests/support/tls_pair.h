/* Two ends of a TLS connection over loopback TCP in one loop, for tests: what each was told is
 * noted.
 *
 * pair_file() makes the files once per process; pair_open(), pair_start(), pair_until() and
 * pair_close() in that order.
 */
#ifndef RW_TESTS_SUPPORT_TLS_PAIR_H
#define RW_TESTS_SUPPORT_TLS_PAIR_H

#include "io/tls.h"

enum { PAIR_TURNS_MAX = 20000, PAIR_KEPT_MAX = 4096 };

struct pair_end {
    struct rw_stream stream;
    struct pair *pair;
    bool live, opened, ended, closed, sending;
    enum rw_err open_err, end_err, sent_err;
    unsigned opens, ends, sents; /* how often told */
    size_t received;             /* bytes */
    uint64_t checksum;           /* of them, in order */
    char kept[PAIR_KEPT_MAX];    /* the first of them */
    size_t reading_stops_at;     /* receiving goes off after so many bytes; 0: never */
    bool wait_to_receive;        /* receiving is not turned on when open */
    bool large;
    /* Called after the noting, when set. */
    void (*then)(struct pair_end *end, const char *event);
};

struct pair {
    struct rw_loop *loop;
    struct rw_listener listener;
    bool listener_closed;
    struct rw_tls_server *server_tls;
    struct pair_end server, client;
    enum rw_err attach_err;
};

/* "DIRECTORY/name" of a file that tests/tls/make.sh makes; the directory goes when the program
 * ends. */
struct rw_span pair_file(const char *name);

struct rw_tls_server *pair_server(const char *const *names, struct rw_tls_ticket_keys *keys);
/* With everything that options can say; the certificates are filled in from `names`
 * (NULL-terminated). */
struct rw_tls_server *pair_server_with(struct rw_tls_server_options options,
                                       const char *const *names);
struct rw_tls_client *pair_client(const char *name);
struct rw_tls_client *pair_client_with(struct rw_tls_client_options options);

/* Which backend pair_open takes; epoll at start. */
extern enum rw_loop_backend pair_backend;

/* A loop, and a listener on 127.0.0.1. */
void pair_open(struct pair *pair);
uint16_t pair_port(const struct pair *pair);
/* Connects; both ends begin their handshakes in the next turns. Ends used before must be closed. */
enum rw_err pair_start(struct pair *pair, struct rw_tls_server *server,
                       struct rw_tls_client *client, const char *name);
/* Turns the loop until `done` says so; false after PAIR_TURNS_MAX turns. */
bool pair_until(struct pair *pair, bool (*done)(struct pair *pair));
bool pair_both_open(struct pair *pair);
bool pair_both_told(struct pair *pair); /* on_open with whatever result, or on_end */
bool pair_both_closed(struct pair *pair);
/* Closes both ends and waits for on_closed. */
void pair_stop(struct pair *pair);
/* Closes the listener too and destroys the loop, which asserts that nothing is left. */
void pair_close(struct pair *pair);

enum rw_send pair_send(struct pair_end *end, const void *from, size_t bytes);
/* A byte stream that both sides can make up: what is at `offset`. */
void pair_pattern(char *to, size_t bytes, size_t offset);
uint64_t pair_checksum(uint64_t checksum, const char *from, size_t bytes);

#endif
