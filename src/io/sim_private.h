/* Inside the simulation: sim.c (the world: time, order, steps), sim_net.c (connections), sim_peer.c
 * (scripted ends), sim_backend.c (the loop's backend).
 *
 * Everything that can happen has one place in a heap, ordered by virtual time; each wake-up gets a
 * little random time on top, so the seed decides who goes first. A connection is two sockets that
 * know each other; bytes on their way wait at the receiver's with the time of their arrival. A
 * socket does one thing a step, drawn by lot among what it could do. Waking a socket cannot fail:
 * its place in the heap is reserved when it is made.
 */
#ifndef RW_IO_SIM_PRIVATE_H
#define RW_IO_SIM_PRIVATE_H

#include "io/address.h"
#include "io/backend.h"
#include "io/sim.h"

enum sim_kind { SIM_CALL, SIM_SOCKET };

#define SIM_NEVER UINT64_MAX

/* First member of whatever stands in the heap. */
struct sim_event {
    enum sim_kind kind;
    uint64_t due_ns;
    uint64_t order; /* among equals: first come first served */
    size_t place;   /* in the heap, from 1; 0: not there */
};

struct rw_sim {
    uint64_t now_ns;
    uint64_t steps;
    uint64_t orders;
    struct rw_random random;
    struct rw_sim_faults faults;
    bool running; /* inside rw_sim_run: loops do not move the world themselves */
    struct sim_event **heap;
    size_t heap_count, heap_room, heap_reserved;
    struct rw_list loops;     /* of sim_loop.link */
    struct rw_list sockets;   /* of rw_sim_socket.link */
    struct rw_list dead;      /* of rw_sim_socket.link: freed at the end of the step */
    struct rw_list listeners; /* of sim_listener.link */
    struct rw_list calls;     /* of sim_call.link */
    int descriptors;          /* the last number given out */
    unsigned ports;
};

/* A loop's state. */
struct sim_loop {
    struct rw_list link;
    struct rw_sim *sim;
    struct rw_loop *loop;
};

struct sim_listener {
    struct rw_list link;
    struct rw_address address;
    int fd;                          /* a gateway's */
    struct rw_listener_state *state; /* a gateway's, while it accepts */
    bool (*on_connect)(struct rw_sim_socket *socket, void *user,
                       const struct rw_sim_peer_events **events, void **socket_user);
    void *user;
};

/* Bytes on their way, or arrived and not read. */
struct sim_chunk {
    struct sim_chunk *next;
    uint64_t due_ns;
    size_t start, end;
    char bytes[];
};

struct sim_queue {
    struct sim_chunk *first, *last;
    size_t bytes;
};

enum sim_role {
    SIM_ARRIVING, /* at a listener, which has not taken it yet */
    SIM_ACCEPTED, /* handed out, no stream yet */
    SIM_STREAM,   /* a gateway's */
    SIM_PEER,     /* a scripted one */
};

struct rw_sim_socket {
    struct sim_event event;
    struct rw_list link;
    struct rw_sim *sim;
    struct rw_sim_socket *peer; /* NULL: it is gone, or there never was one */
    enum sim_role role;
    int fd;
    struct sim_queue incoming;
    uint64_t open_due_ns; /* when the outcome of a connect is known, or an arrival arrives */
    enum rw_err open_err;
    uint64_t fin_due_ns; /* when the peer's end arrives */
    uint64_t reset_due_ns;
    uint64_t read_due_ns; /* not before */
    uint64_t send_due_ns; /* not before */
    struct rw_address local, remote;
    struct sim_listener *listener; /* while arriving */
    /* SIM_STREAM */
    struct rw_stream *stream;
    struct rw_parts parts; /* a pending send */
    /* SIM_PEER */
    const struct rw_sim_peer_events *events;
    void *user;
    struct sim_queue outgoing;
    unsigned bytes_per_ms;
    bool opened, ended, shut, fin_sent, drain_due, closed;
};

/* ---- sim.c ---- */

bool rw_sim_chance(struct rw_sim *sim, unsigned parts_per_10000);
/* How long a hop takes, faults included. */
uint64_t rw_sim_latency_ns(struct rw_sim *sim);
/* Makes room in the heap for one more event; rw_sim_release gives it back. */
RW_MUST_CHECK enum rw_err rw_sim_reserve(struct rw_sim *sim);
void rw_sim_release(struct rw_sim *sim, struct sim_event *event);
/* At `due_ns` or soon after; an earlier wake-up that is set already stays. */
void rw_sim_wake(struct rw_sim *sim, struct sim_event *event, uint64_t due_ns);
/* Lets the next thing happen, not after `limit_ns`. False: there is none (and the time is
 * `limit_ns`). */
bool rw_sim_step(struct rw_sim *sim, uint64_t limit_ns);
/* The same without turning loops. */
bool rw_sim_step_network(struct rw_sim *sim, uint64_t limit_ns);

/* ---- sim_net.c ---- */

RW_MUST_CHECK enum rw_err rw_sim_socket_new(struct rw_sim *sim, enum sim_role role,
                                            struct rw_sim_socket **socket);
/* Frees at once; the other end keeps what is on its way. */
void rw_sim_socket_free(struct rw_sim_socket *socket);
/* Connects `client` to whoever listens at the address: the outcome comes later, as open_err. */
RW_MUST_CHECK enum rw_err rw_sim_socket_connect(struct rw_sim_socket *client,
                                                const struct sockaddr *address, socklen_t bytes);
struct sim_listener *rw_sim_find_listener(struct rw_sim *sim, const struct sockaddr *address,
                                          socklen_t bytes);
struct rw_sim_socket *rw_sim_find_accepted(struct rw_sim *sim, int fd);
/* One step of a socket's life. */
void rw_sim_socket_step(struct rw_sim_socket *socket);
/* Sets the next wake-up from what the socket waits for. */
void rw_sim_socket_plan(struct rw_sim_socket *socket);
/* As many bytes as the other end's window takes (all, when it is gone: they vanish and a reset
 * comes back). */
size_t rw_sim_transmit(struct rw_sim_socket *from, const char *bytes, size_t len);
/* Bytes that have arrived by now. */
size_t rw_sim_arrived(const struct rw_sim_socket *socket);
/* Copies out and frees; `len` is not more than has arrived. The sender may go on. */
void rw_sim_consume(struct rw_sim_socket *socket, char *to, size_t len);
/* Whether the other end takes at least one byte more. */
bool rw_sim_window_open(const struct rw_sim_socket *from);
void rw_sim_send_fin(struct rw_sim_socket *from);
void rw_sim_send_reset(struct rw_sim_socket *from);
/* By the reset fault: both ends lose the connection. */
bool rw_sim_maybe_reset(struct rw_sim_socket *socket);
RW_MUST_CHECK enum rw_err rw_sim_queue_add(struct sim_queue *queue, const char *bytes, size_t len,
                                           uint64_t due_ns);
void rw_sim_queue_take(struct sim_queue *queue, char *to, size_t len);
void rw_sim_queue_free(struct sim_queue *queue);

/* ---- sim_peer.c and sim_backend.c: by role ---- */

uint64_t rw_sim_peer_due_ns(const struct rw_sim_socket *socket);
void rw_sim_peer_step(struct rw_sim_socket *socket);
uint64_t rw_sim_stream_due_ns(const struct rw_sim_socket *socket);
void rw_sim_stream_step(struct rw_sim_socket *socket);

#endif
