/* The health check of gRPC (github.com/grpc/grpc, doc/health-checking.md), as bytes: what
 * grpc.health.v1.Health/Check is asked, and what the answer says. For the probes of
 * gate/cluster/health/health_h2.c; pure functions. */
#ifndef RW_HTTP_GRPC_HEALTH_H
#define RW_HTTP_GRPC_HEALTH_H

#include "base/err.h"
#include "base/span.h"

enum { RW_GRPC_SERVICE_BYTES_MAX = 256, RW_GRPC_HEALTH_REQUEST_BYTES_MAX = 5 + 3 + 256 };

#define RW_GRPC_HEALTH_PATH RW_LITERAL("/grpc.health.v1.Health/Check")

/* HealthCheckResponse.ServingStatus; BAD: the body is no such message. */
enum rw_grpc_health {
    RW_GRPC_HEALTH_UNKNOWN,
    RW_GRPC_HEALTH_SERVING,
    RW_GRPC_HEALTH_NOT_SERVING,
    RW_GRPC_HEALTH_SERVICE_UNKNOWN,
    RW_GRPC_HEALTH_BAD
};

/* Writes the whole body of a request; returns its length. `service` is at most
 * RW_GRPC_SERVICE_BYTES_MAX long; empty: the server as a whole. */
size_t rw_grpc_health_request(char *to, struct rw_span service);
/* The whole body of an answer: one message, not compressed. */
enum rw_grpc_health rw_grpc_health_answer(struct rw_span body);
/* "it is SERVING" and the like; static. */
const char *rw_grpc_health_text(enum rw_grpc_health health);

/* The value of grpc-status in trailers ("Name: value\r\n" lines). False: there is none. */
RW_MUST_CHECK bool rw_grpc_status_of(struct rw_span trailers, uint64_t *status);

#endif
