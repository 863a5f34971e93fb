/* A relay: stands between the gateway and a server, passes bytes on, and disturbs them when told.
 *
 * verify opens one for each endpoint before the system starts and writes the relay's address in
 * place of the endpoint's. Undisturbed it is transparent: bytes, ends and resets go through in both
 * directions under back-pressure; while its server refuses connections, so does the relay, so that
 * a server that dies looks the same through it. One disturbance at a time (rw_relay_disturb);
 * rw_relay_calm ends it, after which connections that lost bytes are reset and all others go on.
 *
 * What passes a disturbance is chosen by share and seed for each connection. Memory is bounded:
 * connections by an option, bytes by RW_RELAY_HELD_BYTES_MAX (and RW_RELAY_PIECES_MAX buffers) for
 * each direction of each. One thread, that of the loop.
 */
#ifndef RW_VERIFY_FAULT_RELAY_H
#define RW_VERIFY_FAULT_RELAY_H

#include "io/address.h"
#include "io/loop.h"

struct rw_relay;
struct rw_tls_server;

enum {
    RW_RELAY_CONNECTIONS_DEFAULT = 4096,
    RW_RELAY_HELD_BYTES_MAX = 256 * 1024,
    RW_RELAY_PIECES_MAX = 32
};

struct rw_relay_options {
    struct rw_loop *loop;            /* not in simulation */
    const struct rw_address *listen; /* TCP; port 0: the kernel's choice */
    const struct rw_address *server;
    uint32_t connections_max; /* more are closed at once; 0: RW_RELAY_CONNECTIONS_DEFAULT */
    uint64_t seed;
};

/* RW_EADDRINUSE, RW_EACCES, RW_ENOMEM, RW_ELIMIT. */
RW_MUST_CHECK enum rw_err rw_relay_open(const struct rw_relay_options *options,
                                        struct rw_relay **relay);
/* Resets its connections; `closed` is called from the loop when all is gone. */
void rw_relay_close(struct rw_relay *relay, void (*closed)(void *user), void *user);

/* Where it listens; stays valid. */
const struct rw_address *rw_relay_address(const struct rw_relay *relay);

enum rw_relay_mode {
    RW_RELAY_PASS,
    RW_RELAY_REFUSE,    /* nobody listens; what is open is reset */
    RW_RELAY_RESET,     /* with `bytes` 0 whatever is open or comes; else after that many */
    RW_RELAY_DELAY,     /* each piece of an answer waits */
    RW_RELAY_THROTTLE,  /* answers at a rate */
    RW_RELAY_TRUNCATE,  /* an orderly end after `bytes` of a connection's answers */
    RW_RELAY_STALL,     /* nothing more of the answers after `bytes`, and no end */
    RW_RELAY_BLACKHOLE, /* what the gateway sends is taken and dropped */
    RW_RELAY_IMPOSTOR,  /* TLS with a certificate of ours; what is open is reset */
};

struct rw_relay_disturbance {
    enum rw_relay_mode mode;
    uint32_t share_percent; /* of connections; 0: all. REFUSE: always all */
    uint32_t delay_ms, jitter_ms;
    uint64_t bytes; /* of answers, counted on each connection from the disturbance on */
    uint64_t bytes_per_second;
    struct rw_tls_server *tls; /* IMPOSTOR; held */
};

/* RW_EEXIST: there is one already. */
RW_MUST_CHECK enum rw_err rw_relay_disturb(struct rw_relay *relay,
                                           const struct rw_relay_disturbance *disturbance);
void rw_relay_calm(struct rw_relay *relay);

struct rw_relay_counts {
    uint32_t connections;     /* open now */
    uint64_t accepted;        /* since it was opened */
    uint64_t connections_hit; /* the rest: by the last disturbance */
    uint64_t bytes_hit;       /* held back, slowed down or swallowed */
    uint64_t refused;         /* REFUSE: attempts of the relay's own that were refused */
    uint64_t trusted;         /* IMPOSTOR: handshakes that went through all the same */
};

void rw_relay_count(const struct rw_relay *relay, struct rw_relay_counts *counts);

#endif
