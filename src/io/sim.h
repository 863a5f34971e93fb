/* A simulated network and clock, so that a whole gateway replays from one number.
 *
 * rw_sim_create(seed) makes a world; loops created on it (RW_LOOP_SIM) share its virtual clock.
 * Scripted peers (clients, origins) live in the same world: a test gives them callbacks and they
 * act on virtual sockets. rw_sim_run advances: it picks the next thing that can happen (by seed
 * among those that can), delivers it, moves time on when nothing else can happen. Faults come by
 * probability from `struct rw_sim_faults`. Single-threaded. The same seed and the same program give
 * the same run, to the byte.
 *
 * A loop may also be turned by itself (rw_loop_turn, rw_loop_run): then each turn lets one thing
 * happen in the network, and rw_loop_run returns, with a warning in the log, when nothing can
 * happen any more.
 */
#ifndef RW_IO_SIM_H
#define RW_IO_SIM_H

#include "base/err.h"
#include "base/random.h"
#include "base/span.h"
#include "io/loop.h"
#include "io/stream.h"

struct rw_sim;
struct rw_sim_socket;

/* Chances are in parts per 10,000 of each operation. */
struct rw_sim_faults {
    unsigned split; /* a receive delivers only part of what has arrived */
    unsigned delay; /* bytes take an extra 1..delay_ms_max */
    unsigned delay_ms_max;
    unsigned send_pending; /* a send that could be done at once is PENDING */
    unsigned send_partial; /* the peer's window takes only part */
    unsigned reset;        /* the connection is reset */
    unsigned refuse;       /* a connect is refused */
    unsigned blackhole;    /* a connect is never answered */
    unsigned alloc;        /* the next allocation fails */
    unsigned window_bytes; /* bytes in flight per direction before the sender waits; 0: 65536 */
};

RW_MUST_CHECK enum rw_err rw_sim_create(uint64_t seed, const struct rw_sim_faults *faults,
                                        struct rw_sim **sim);
void rw_sim_destroy(struct rw_sim *sim);

/* Runs until nothing is left to do, or virtual `ms_max` have passed since the call, or `steps_max`
 * events. Returns false when it stopped for steps_max (a livelock). */
bool rw_sim_run(struct rw_sim *sim, uint64_t ms_max, uint64_t steps_max);
uint64_t rw_sim_now_ms(const struct rw_sim *sim);
struct rw_random *rw_sim_random(struct rw_sim *sim);
uint64_t rw_sim_steps(const struct rw_sim *sim);

/* ---- The gateway's side: virtual listening sockets ---- */

/* Opens a virtual listening socket on an address; the returned number goes into rw_listener.fd. */
RW_MUST_CHECK enum rw_err rw_sim_listen(struct rw_sim *sim, const struct sockaddr *address,
                                        socklen_t bytes, int *fd);

/* ---- Scripted peers ---- */

/* on_open tells a client's connect; a scripted origin's socket is open from the start. Each may be
 * NULL, except that data needs an on_data. */
struct rw_sim_peer_events {
    void (*on_open)(struct rw_sim_socket *socket, void *user, enum rw_err err);
    void (*on_data)(struct rw_sim_socket *socket, void *user,
                    struct rw_span bytes); /* bytes are consumed */
    void (*on_end)(struct rw_sim_socket *socket, void *user, enum rw_err err);
    void (*on_drained)(struct rw_sim_socket *socket, void *user); /* all that was sent has left */
};

/* A scripted client connects to a virtual listener of a gateway. Valid until rw_sim_peer_close and
 * the end of the callback that closes it. */
RW_MUST_CHECK enum rw_err rw_sim_peer_connect(struct rw_sim *sim, const struct sockaddr *address,
                                              socklen_t bytes,
                                              const struct rw_sim_peer_events *events, void *user,
                                              struct rw_sim_socket **socket);
/* A scripted origin: `on_connect` is called for each connection that a gateway opens to this
 * address and returns the events and user value for it (false: refuse). */
RW_MUST_CHECK enum rw_err
rw_sim_peer_listen(struct rw_sim *sim, const struct sockaddr *address, socklen_t bytes,
                   bool (*on_connect)(struct rw_sim_socket *socket, void *user,
                                      const struct rw_sim_peer_events **events, void **socket_user),
                   void *user);
/* Queues a copy. */
RW_MUST_CHECK enum rw_err rw_sim_peer_send(struct rw_sim_socket *socket, struct rw_span bytes);
void rw_sim_peer_shutdown(struct rw_sim_socket *socket);
void rw_sim_peer_reset(struct rw_sim_socket *socket);
void rw_sim_peer_close(struct rw_sim_socket *socket);
/* A slow peer: it takes in at most this many bytes per millisecond (0: as many as come). */
void rw_sim_peer_throttle(struct rw_sim_socket *socket, unsigned bytes_per_ms);

/* A callback at a virtual time, for scripts. */
RW_MUST_CHECK enum rw_err rw_sim_at(struct rw_sim *sim, uint64_t due_ms, void (*run)(void *user),
                                    void *user);

#endif
