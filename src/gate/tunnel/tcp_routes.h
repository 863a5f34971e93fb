/* Which TCP route takes a connection: by listener and by the name of SNI. Compiled with the
 * snapshot on the control thread, never changed afterwards, read by all workers. */
#ifndef RW_GATE_TUNNEL_TCP_ROUTES_H
#define RW_GATE_TUNNEL_TCP_ROUTES_H

#include "base/arena.h"
#include "base/map.h"
#include "gate/config/config.h"

#include <sys/socket.h>

struct rw_cluster;
struct rw_metrics;
struct rw_snapshot;

struct rw_tcp_route {
    const struct rw_config_tcp_route *config;
    struct rw_span name;
    struct rw_cluster *cluster;
    unsigned series;
};

struct rw_tcp_routes {
    struct rw_tcp_route *routes;
    unsigned count;
    struct rw_map by_name; /* "2/example.com", "2/" + "*.example.com", "2/": of listener 2 */
    bool *by_sni;          /* per listener: some route asks for a name */
};

/* snapshot->tcp, of snapshot->config; listeners and clusters are there already. RW_ENOMEM, or
 * RW_EINVAL where an upstream is missing (told already). */
RW_MUST_CHECK enum rw_err rw_tcp_routes_compile(struct rw_snapshot *snapshot,
                                                struct rw_metrics *metrics);
void rw_tcp_routes_free(struct rw_tcp_routes *tcp);

/* `name`: lower case, without a dot at the end, RW_TLS_HELLO_NAME_MAX at most; empty: none. NULL:
 * no route takes it. */
const struct rw_tcp_route *rw_tcp_routes_find(const struct rw_tcp_routes *tcp, unsigned listener,
                                              struct rw_span name);

/* What `balance: hash` goes by. */
uint64_t rw_tcp_client_hash(const struct sockaddr *client);

#endif
