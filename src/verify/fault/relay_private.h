/* A relay inside: relay.c has its listening socket and the disturbance, relay_connection.c what
 * goes through a connection, relay_probe.c looks whether an address takes connections. */
#ifndef RW_VERIFY_FAULT_RELAY_PRIVATE_H
#define RW_VERIFY_FAULT_RELAY_PRIVATE_H

#include "base/random.h"
#include "io/stream.h"
#include "verify/fault/relay.h"

enum { RW_RELAY_PROBE_MS = 50 };

enum rw_relay_end { RW_RELAY_CLIENT, RW_RELAY_SERVER };

struct rw_relay_piece {
    struct rw_buf *buf;
    uint64_t due_ms; /* not before; 0: at once */
};

/* What goes towards one end: its queue, oldest first. */
struct rw_relay_way {
    struct rw_relay_piece pieces[RW_RELAY_PIECES_MAX]; /* a ring */
    unsigned first, count;
    size_t held_bytes;
    size_t sending; /* bytes of the first piece that the stream has */
    bool shut;
};

struct rw_relay_side {
    struct rw_stream stream;
    struct rw_relay_connection *connection;
    bool alive;     /* on_closed is still to come */
    bool open;      /* connected */
    bool ended;     /* has sent its last byte */
    bool receiving; /* as it was told */
};

struct rw_relay_connection {
    struct rw_list link;
    struct rw_relay *relay;
    struct rw_relay_side sides[2]; /* by enum rw_relay_end */
    struct rw_relay_way ways[2];   /* by the end that they go to */
    struct rw_timer timer;         /* the answers may go on */
    bool chosen;                   /* the disturbance is for this one */
    bool hit;                      /* and has been felt */
    bool spoiled;                  /* bytes are lost: no more use */
    bool closing;
    uint64_t answered;                  /* bytes of answers since the disturbance */
    double allowance;                   /* THROTTLE: bytes that may leave */
    uint64_t allowance_ms, due_last_ms; /* THROTTLE: as of; DELAY: of the last piece */
};

/* Tries to connect, again and again, and tells how it went. */
struct rw_relay_probe {
    struct rw_relay *relay;
    struct rw_address address;
    void (*tried)(struct rw_relay *relay, enum rw_err err);
    struct rw_stream stream;
    struct rw_timer timer;
    bool on, alive;
};

struct rw_relay {
    struct rw_loop *loop;
    struct rw_address address, server;
    struct rw_random random;
    uint32_t connections_max;
    struct rw_list connections;
    struct rw_listener listener;
    int reserve_fd;  /* bound to the address, so that nobody else gets it while none listens */
    bool listening;  /* the listener is open, or closing */
    bool server_out; /* it refuses connections: so do we */
    struct rw_relay_disturbance disturbance;
    struct rw_relay_counts counts;
    struct rw_relay_probe self, behind; /* REFUSE is seen by the one, the server by the other */
    struct rw_later later;
    void (*closed)(void *user); /* NULL: open */
    void *closed_user;
};

/* relay.c */
void rw_relay_server_refused(struct rw_relay *relay);
/* Something has been closed: perhaps that was the last. The relay may be gone. */
void rw_relay_settle(struct rw_relay *relay);

static inline const struct rw_relay_disturbance *
rw_relay_felt(const struct rw_relay_connection *connection)
{
    const struct rw_relay_disturbance *disturbance = &connection->relay->disturbance;
    return connection->chosen && disturbance->mode != RW_RELAY_PASS ? disturbance : NULL;
}

/* relay_connection.c: takes over `fd`. */
void rw_relay_connection_open(struct rw_relay *relay, int fd);
void rw_relay_connection_close(struct rw_relay_connection *connection, bool abort);
/* The disturbance has begun; has ended. */
void rw_relay_connection_disturb(struct rw_relay_connection *connection);
void rw_relay_connection_calm(struct rw_relay_connection *connection);

/* relay_probe.c */
void rw_relay_probe_start(struct rw_relay_probe *probe);
void rw_relay_probe_stop(struct rw_relay_probe *probe);

#endif
