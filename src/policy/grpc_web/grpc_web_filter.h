/* The bodies of gRPC-Web calls, piece by piece. Private to policy/grpc_web. Worker threads. */
#ifndef RW_POLICY_GRPC_WEB_GRPC_WEB_FILTER_H
#define RW_POLICY_GRPC_WEB_GRPC_WEB_FILTER_H

#include "gate/exchange/exchange.h"
#include "http/grpc_web.h"

/* Refuses (GRPC_WEB_BAD) what is no row of whole messages, and (BODY_TOO_LARGE) a message of more
 * than `message_bytes_max`, 0: any. RW_ENOMEM. */
RW_MUST_CHECK enum rw_err rw_grpc_web_filter_request(struct rw_exchange *x,
                                                     enum rw_grpc_web_mode mode,
                                                     uint64_t message_bytes_max);
/* Takes the trailers away from the exchange. RW_ENOMEM. */
RW_MUST_CHECK enum rw_err rw_grpc_web_filter_response(struct rw_exchange *x,
                                                      enum rw_grpc_web_mode mode);

#endif
