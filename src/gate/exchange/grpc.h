/* gRPC over HTTP/2: what a gateway has to know of it, which is little (github.com/grpc/grpc,
 * doc/PROTOCOL-HTTP2.md and doc/http-grpc-status-mapping.md). Calls go through as any request does;
 * here are their deadlines, and what a call is told that the gateway answers itself. Pure
 * functions; any thread.
 */
#ifndef RW_GATE_EXCHANGE_GRPC_H
#define RW_GATE_EXCHANGE_GRPC_H

#include "gate/exchange/reason.h"
#include "http/message.h"

/* Of those that there are. */
enum rw_grpc_status {
    RW_GRPC_UNKNOWN = 2,
    RW_GRPC_DEADLINE_EXCEEDED = 4,
    RW_GRPC_PERMISSION_DENIED = 7,
    RW_GRPC_RESOURCE_EXHAUSTED = 8,
    RW_GRPC_UNIMPLEMENTED = 12,
    RW_GRPC_INTERNAL = 13,
    RW_GRPC_UNAVAILABLE = 14,
    RW_GRPC_UNAUTHENTICATED = 16
};

/* Is it a call: application/grpc, or what begins so (+proto, -web)? */
bool rw_grpc_call(const struct rw_message *request);

/* The value of grpc-timeout, in milliseconds, at least 1; UINT64_MAX: there is none, it is no such
 * value, or longer than 30 days. */
uint64_t rw_grpc_timeout_ms(const struct rw_message *request);

/* What the gateway's own answer with this status is to a call. `reason` RW_REASON_NONE: not told.
 */
enum rw_grpc_status rw_grpc_status(enum rw_reason reason, unsigned status);

/* Lines of trailers for a call that ends for this reason, in the arena; at NULL: no memory. */
struct rw_span rw_grpc_trailers(struct rw_arena *arena, enum rw_reason reason, unsigned *status);

#endif
