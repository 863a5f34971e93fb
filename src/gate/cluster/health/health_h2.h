/* A probe over HTTP/2: one request on a connection of its own. Private to
 * gate/cluster/health/health*.c.
 *
 * rw_probe_h2_create when the probe begins; once its stream is open rw_probe_h2_send, and again
 * when a send is through; rw_probe_h2_receive with what comes, until there is a result;
 * rw_probe_h2_free when the stream has been closed. */
#ifndef RW_GATE_CLUSTER_HEALTH_HEALTH_H2_H
#define RW_GATE_CLUSTER_HEALTH_HEALTH_H2_H

#include "gate/cluster/cluster.h"

struct rw_probe_h2;

struct rw_probe_request {
    struct rw_span path, host;
    const struct rw_config_grpc_health *grpc; /* NULL: a GET of `path` */
    bool https;
};

/* All 0: not yet. The texts live as long as the probe. */
struct rw_probe_result {
    unsigned status;     /* of the response to a GET */
    const char *serving; /* of gRPC: it is well, and says so */
    const char *mistake; /* of gRPC: it is not; of both: why there will be no answer */
};

/* NULL: no memory. */
struct rw_probe_h2 *rw_probe_h2_create(struct rw_loop *loop, const struct rw_cluster *cluster,
                                       const struct rw_probe_request *request);
/* False: it cannot be sent. */
RW_MUST_CHECK bool rw_probe_h2_send(struct rw_probe_h2 *probe, struct rw_stream *stream);
RW_MUST_CHECK bool rw_probe_h2_sent(struct rw_probe_h2 *probe, struct rw_stream *stream);
/* Takes over `buf`. */
struct rw_probe_result rw_probe_h2_receive(struct rw_probe_h2 *probe, struct rw_buf *buf);
void rw_probe_h2_free(struct rw_probe_h2 *probe); /* NULL is fine */

#endif
