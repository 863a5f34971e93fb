/* The policy `grpc_web`: calls of browsers (http/grpc_web.h) become calls of gRPC for the origin,
 * and its answers become what browsers read. Other requests pass untouched.
 *
 *   request   head: media type, TE;   body: taken out of Base64 in text mode, and looked at
 *   response  head: media type;       body: a last frame with the trailers; into Base64 in text
 * mode
 *
 * x->grpc_web carries the client's mode from on_request to on_response. Cross-origin rules are the
 * business of others (the policy `headers`). */
#ifndef RW_POLICY_GRPC_WEB_GRPC_WEB_H
#define RW_POLICY_GRPC_WEB_GRPC_WEB_H

#include "gate/exchange/policy.h"

extern const struct rw_policy rw_policy_grpc_web;

#endif
