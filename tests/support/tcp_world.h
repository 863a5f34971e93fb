/* TCP routes in the simulated network (gateway_world.h): clients that connect by port or by SNI,
 * origins that speak when they like, and what both sides check.
 *
 * A simulation zeroes a world, sets what it wants of `world` and `large`, creates it, adds clients,
 * and starts; origins' connections become peers as they come. Each peer says who it is and then
 * what only it says, so that the other one can check every byte. tcp_world_end checks that all has
 * ended and frees everything; the world is zeroed then.
 */
#ifndef RW_TESTS_SUPPORT_TCP_WORLD_H
#define RW_TESTS_SUPPORT_TCP_WORLD_H

#include "support/gateway_world.h"

enum {
    TCP_PEERS_MAX = 100,
    TCP_ID_BYTES = 4,
    TCP_HELLO_BYTES_MAX = 100,
    TCP_INTRODUCTION_BYTES_MAX = 108
};

struct tcp_world;

/* Either end of what goes through. */
struct tcp_peer {
    struct tcp_world *sim;
    struct rw_sim_socket *socket; /* NULL: not connected, or closed */
    struct tcp_peer *twin;        /* who is at the other end, once that is known */
    unsigned number;
    bool client, by_name;
    struct rw_test_pace pace;
    uint32_t start_ms;
    unsigned bytes_per_ms;
    bool polite; /* ends when the other side has ended */
    enum rw_test_cut cut;
    uint32_t cut_at;
    struct rw_test_bytes out;
    size_t sent, received;   /* received: a ClientHello included */
    char head[TCP_ID_BYTES]; /* of what arrives */
    char
        introduction[TCP_INTRODUCTION_BYTES_MAX]; /* the line of the PROXY protocol, by name only */
    size_t introduction_bytes;
    bool scheduled, waits; /* waits: says nothing before it has heard something */
    bool introduced, opened, fin, heard_end, cut_done;
};

struct tcp_world {
    struct rw_test_world world;
    struct tcp_peer peers[TCP_PEERS_MAX];
    unsigned count;
    bool large, fixed; /* fixed: a sweep's, in which only one thing goes wrong */
    char hello[TCP_HELLO_BYTES_MAX];
    size_t hello_bytes;
};

void tcp_world_create(struct tcp_world *sim, uint64_t seed, const struct rw_sim_faults *faults,
                      size_t buffers);
void tcp_world_add_client(struct tcp_world *sim, bool by_name);
/* Another configuration, drawn by lot. */
void tcp_world_adopt(struct tcp_world *sim);
void tcp_world_start(struct tcp_world *sim);
void tcp_peer_cut(struct tcp_peer *peer, enum rw_test_cut how);
/* `quiet`: everything must have ended by itself. `*well`: connections that the gateway counts as
 * ended in good order. False: something was wrong. */
bool tcp_world_end(struct tcp_world *sim, bool quiet, uint64_t *well);

#endif
