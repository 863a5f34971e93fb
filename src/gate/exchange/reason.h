/* Why the gateway answered itself or cut an exchange short: one list, and the one place where the
 * status that a client sees is chosen. The name goes to the access log, and to X-Ringway-Reason
 * where the listener allows it. */
#ifndef RW_GATE_EXCHANGE_REASON_H
#define RW_GATE_EXCHANGE_REASON_H

#include <stdbool.h>

/* X(id, name, status, text for people) */
#define RW_REASONS(X)                                                                              \
    X(NONE, "", 0, "")                                                                             \
    X(MALFORMED, "malformed_request", 400, "The request could not be understood.")                 \
    X(BAD_PATH, "ambiguous_path", 400, "The path has dot segments or encoded separators.")         \
    X(NO_ROUTE, "no_route", 404, "No route matches this request.")                                 \
    X(WRONG_METHOD, "method_not_allowed", 405, "The resource does not allow this method.")         \
    X(UNDERSCORE, "underscore_in_header", 400, "A header field has an underscore in its name.")    \
    X(MAX_FORWARDS, "max_forwards", 0, "The request was meant to go no further.")                  \
    X(TRACE_REFUSED, "trace_refused", 405, "TRACE ends here, and is not echoed.")                  \
    X(LOOP, "forwarding_loop", 508, "The request has passed this gateway too often.")              \
    X(CONNECT_REFUSED, "connect_refused", 405, "CONNECT is not allowed here.")                     \
    X(BODY_TIMEOUT, "request_body_timeout", 408, "The request body came too slowly.")              \
    X(HEADER_TIMEOUT, "request_header_timeout", 408, "The request head came too slowly.")          \
    X(BODY_TOO_LARGE, "request_body_too_large", 413, "The request body is too large.")             \
    X(MEMORY, "out_of_memory", 503, "The gateway is out of memory for this request.")              \
    X(DESCRIPTORS, "out_of_descriptors", 503, "The gateway has no descriptor for this request.")   \
    X(EXCHANGE_LIMIT, "exchange_limit", 503, "The request needs more memory than is allowed.")     \
    X(HEAD_TOO_LARGE, "upstream_head_limit", 431, "The origin takes no request head that large.")  \
    X(NO_ENDPOINT, "no_endpoint", 503, "No healthy endpoint is available.")                        \
    X(RESIDENCY_REFUSED, "residency_refused", 451, "Requests from this country are not served.")   \
    X(RESIDENCY_NOWHERE, "residency_no_endpoint", 503,                                             \
      "No healthy endpoint is available where this request may go.")                               \
    X(QUEUE_FULL, "connection_queue_full", 503, "Too many requests wait for a connection.")        \
    X(QUEUE_TIMEOUT, "connection_queue_timeout", 503, "No connection became free in time.")        \
    X(OVERLOADED, "overloaded", 503, "The origin has as much to do as it can.")                    \
    X(NO_UPGRADE, "upgrade_unsupported", 501, "The origin's protocol has no such upgrade.")        \
    X(CONNECT_FAILED, "upstream_connect_failed", 502, "The origin could not be reached.")          \
    X(CONNECT_TIMEOUT, "upstream_connect_timeout", 504, "The origin did not accept in time.")      \
    X(UPSTREAM_TLS, "upstream_tls_failed", 502, "The TLS handshake with the origin failed.")       \
    X(UPSTREAM_RESET, "upstream_reset", 502, "The origin closed the connection.")                  \
    X(UPSTREAM_BAD, "upstream_bad_response", 502,                                                  \
      "The origin's response could not be understood.")                                            \
    X(FIRST_BYTE_TIMEOUT, "upstream_response_timeout", 504, "The origin did not answer in time.")  \
    X(UPSTREAM_STATUS, "upstream_status", 502, "The origin answered with an error.")               \
    X(UPSTREAM_STALLED, "upstream_stalled", 504,                                                   \
      "The origin stopped in the middle of a response.")                                           \
    X(TOTAL_TIMEOUT, "exchange_timeout", 504, "The request took longer than allowed.")             \
    X(CLIENT_GONE, "client_gone", 0, "The client closed the connection.")                          \
    X(CLIENT_STALLED, "client_stalled", 0, "The client stopped taking the response.")              \
    X(TUNNEL_IDLE, "tunnel_idle", 0, "No byte went through the tunnel for too long.")              \
    X(DRAINING, "draining", 0, "The gateway is shutting down.")                                    \
    X(WEBSOCKET_BAD, "websocket_protocol_error", 0, "A side did not keep to RFC 6455.")            \
    X(WEBSOCKET_TOO_BIG, "websocket_message_too_large", 0, "A message was too large.")             \
    X(WEBSOCKET_SILENT, "websocket_ping_timeout", 0, "The client did not answer a Ping.")          \
    X(GRPC_WEB_BAD, "grpc_web_malformed", 400, "The body is no row of messages of gRPC-Web.")      \
    X(PROXY_REFUSED, "proxy_protocol_refused", 0, "Whose connection it is was said wrongly.")      \
    X(FILE_MISSING, "file_not_found", 404, "There is no such file.")                               \
    X(FILE_FORBIDDEN, "file_forbidden", 403, "This file may not be read.")                         \
    X(FILE_UNREADABLE, "file_unreadable", 500, "This file could not be read.")                     \
    X(UNAUTHENTICATED, "unauthenticated", 401, "Credentials are missing or not valid.")            \
    X(TOO_MANY_FAILURES, "too_many_failures", 429, "Too many requests without valid credentials.") \
    X(POLICY, "policy", 0, "A policy answered.")                                                   \
    X(FAULT, "fault_on_purpose", 0, "A failure on purpose.")                                       \
    X(FILTER, "body_filter_failed", 500, "The body could not be processed.")

/* Problem details (RFC 9457), as all answers of the gateway itself have: a format of printf for the
 * phrase of the status, the status, and a text without quotes and backslashes. */
#define RW_PROBLEM_FORMAT                                                                          \
    "{\"type\":\"about:blank\",\"title\":\"%s\",\"status\":%u,\"detail\":\"%s\"}\n"

enum rw_reason {
#define RW_REASON_ENUM(id, name, status, text) RW_REASON_##id,
    RW_REASONS(RW_REASON_ENUM)
#undef RW_REASON_ENUM
        RW_REASON_COUNT
};

const char *rw_reason_name(enum rw_reason reason);
unsigned rw_reason_status(enum rw_reason reason);
const char *rw_reason_text(enum rw_reason reason);

/* Of a request that failed on its way to an endpoint: was it for want of something here, by a limit
 * of this gateway, or because the endpoint does not offer what was asked for? Then it says nothing
 * about how well the endpoint is. */
bool rw_reason_ours(enum rw_reason reason);

#endif
