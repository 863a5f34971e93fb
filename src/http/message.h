/* The message model: what a request or a response is, whatever protocol carried it.
 *
 * A codec (h1 now) fills one from bytes; the exchange, the policies and the origins read and edit
 * it; another codec writes it out. All spans point into the owner's arena or buffer, which lives at
 * least as long as the message. Field names keep the peer's spelling; comparing is
 * case-insensitive; names that matter have an id, so that code switches on numbers. Order is kept.
 * One thread.
 */
#ifndef RW_HTTP_MESSAGE_H
#define RW_HTTP_MESSAGE_H

#include "base/arena.h"
#include "base/err.h"
#include "base/span.h"

#include <stdbool.h>
#include <stdint.h>

/* RFC 9110 section 9.3, RFC 5789 (PATCH); OTHER keeps its text. */
#define RW_METHODS(X)                                                                              \
    X(GET) X(HEAD) X(POST) X(PUT) X(DELETE) X(CONNECT) X(OPTIONS) X(TRACE) X(PATCH)

enum rw_method {
    RW_METHOD_OTHER,
#define RW_METHOD_ENUM(name) RW_METHOD_##name,
    RW_METHODS(RW_METHOD_ENUM)
#undef RW_METHOD_ENUM
        RW_METHOD_COUNT
};

/* Fields that the program itself looks at or writes. Spelling as sent over HTTP/1.1. */
#define RW_FIELDS(X)                                                                               \
    X(ACCEPT, "Accept")                                                                            \
    X(ACCEPT_ENCODING, "Accept-Encoding")                                                          \
    X(ACCESS_CONTROL_REQUEST_METHOD, "Access-Control-Request-Method")                              \
    X(AGE, "Age")                                                                                  \
    X(ALLOW, "Allow")                                                                              \
    X(ALT_SVC, "Alt-Svc")                                                                          \
    X(AUTHORIZATION, "Authorization")                                                              \
    X(CACHE_CONTROL, "Cache-Control")                                                              \
    X(CONNECTION, "Connection")                                                                    \
    X(CONTENT_ENCODING, "Content-Encoding")                                                        \
    X(CONTENT_LENGTH, "Content-Length")                                                            \
    X(CONTENT_RANGE, "Content-Range")                                                              \
    X(CONTENT_TYPE, "Content-Type")                                                                \
    X(COOKIE, "Cookie")                                                                            \
    X(DATE, "Date")                                                                                \
    X(ETAG, "ETag")                                                                                \
    X(EXPECT, "Expect")                                                                            \
    X(EXPIRES, "Expires")                                                                          \
    X(FORWARDED, "Forwarded")                                                                      \
    X(HOST, "Host")                                                                                \
    X(HTTP2_SETTINGS, "HTTP2-Settings")                                                            \
    X(IF_MATCH, "If-Match")                                                                        \
    X(IF_MODIFIED_SINCE, "If-Modified-Since")                                                      \
    X(IF_NONE_MATCH, "If-None-Match")                                                              \
    X(IF_RANGE, "If-Range")                                                                        \
    X(IF_UNMODIFIED_SINCE, "If-Unmodified-Since")                                                  \
    X(KEEP_ALIVE, "Keep-Alive")                                                                    \
    X(LAST_MODIFIED, "Last-Modified")                                                              \
    X(LOCATION, "Location")                                                                        \
    X(ORIGIN, "Origin")                                                                            \
    X(PRAGMA, "Pragma")                                                                            \
    X(PRIORITY, "Priority")                                                                        \
    X(PROXY_AUTHENTICATE, "Proxy-Authenticate")                                                    \
    X(PROXY_AUTHORIZATION, "Proxy-Authorization")                                                  \
    X(PROXY_CONNECTION, "Proxy-Connection")                                                        \
    X(RANGE, "Range")                                                                              \
    X(REFERER, "Referer")                                                                          \
    X(RETRY_AFTER, "Retry-After")                                                                  \
    X(SERVER, "Server")                                                                            \
    X(SET_COOKIE, "Set-Cookie")                                                                    \
    X(TE, "TE")                                                                                    \
    X(TRACEPARENT, "traceparent")                                                                  \
    X(TRACESTATE, "tracestate")                                                                    \
    X(TRAILER, "Trailer")                                                                          \
    X(TRANSFER_ENCODING, "Transfer-Encoding")                                                      \
    X(UPGRADE, "Upgrade")                                                                          \
    X(USER_AGENT, "User-Agent")                                                                    \
    X(VARY, "Vary")                                                                                \
    X(VIA, "Via")                                                                                  \
    X(WWW_AUTHENTICATE, "WWW-Authenticate")                                                        \
    X(X_FORWARDED_FOR, "X-Forwarded-For")                                                          \
    X(X_FORWARDED_HOST, "X-Forwarded-Host")                                                        \
    X(X_FORWARDED_PROTO, "X-Forwarded-Proto")                                                      \
    X(X_REQUEST_ID, "X-Request-Id")

enum rw_field_id {
    RW_FIELD_OTHER, /* any name not in the list */
#define RW_FIELD_ENUM(name, text) RW_FIELD_##name,
    RW_FIELDS(RW_FIELD_ENUM)
#undef RW_FIELD_ENUM
        RW_FIELD_COUNT
};

struct rw_field {
    struct rw_span name;
    struct rw_span value; /* trimmed, no CR, LF or NUL inside */
    uint8_t id;           /* enum rw_field_id */
    bool parsed;          /* name and value stand in a message head, CRLF behind them */
    bool hop;             /* hop-by-hop: named by Connection, or one of RFC 9110 section 7.6.1 */
    bool sensitive;       /* never to be indexed by a compressor (RFC 7541 section 7.1.3) */
};

/* How the end of a body is known (RFC 9112 section 6.3). */
enum rw_body_kind {
    RW_BODY_NONE,       /* there is none */
    RW_BODY_LENGTH,     /* body_bytes of it */
    RW_BODY_CHUNKED,    /* transfer coding; in HTTP/2: length not given */
    RW_BODY_UNTIL_CLOSE /* responses only */
};

struct rw_message {
    /* request */
    struct rw_span method_text;
    struct rw_span scheme;    /* of an absolute-form target, or of HTTP/2; empty otherwise */
    struct rw_span authority; /* host[:port] of the target or Host; empty: HTTP/1.0 without Host */
    struct rw_span target;    /* path and query as sent, "*", or CONNECT's host:port; never empty */
    struct rw_span path;      /* target up to the '?'; empty with CONNECT */
    struct rw_span query;     /* after the '?'; at == NULL: there is no '?' */
    struct rw_span protocol;  /* of extended CONNECT (RFC 8441); empty otherwise */
    uint8_t method;           /* enum rw_method */
    /* both */
    uint8_t minor_version; /* HTTP/1.minor */
    uint8_t body_kind;     /* enum rw_body_kind */
    bool keep_alive;       /* HTTP/1: the connection may be used again after this message */
    bool expect_continue;  /* request: Expect: 100-continue */
    bool upgrade;          /* Connection: upgrade and an Upgrade field: its value is the protocol;
                              or extended CONNECT (RFC 8441): `protocol` is */
    bool has_length;       /* a Content-Length was there */
    uint16_t status;       /* response */
    uint16_t field_count;
    uint16_t field_room;
    uint32_t head_bytes; /* HTTP/1: of the head as received; 0 for a message made here */
    uint64_t body_bytes; /* with RW_BODY_LENGTH; also of a HEAD response's Content-Length */
    struct rw_field *fields;
    struct rw_span reason; /* response */
};

/* No byte of a body will come: no body, or one of no bytes. */
static inline bool rw_message_bodiless(const struct rw_message *message)
{
    return message->body_kind == RW_BODY_NONE ||
           (message->body_kind == RW_BODY_LENGTH && message->body_bytes == 0);
}

const char *rw_method_name(enum rw_method method); /* "" for OTHER */
enum rw_method rw_method_from(struct rw_span text);
/* May a proxy repeat it (RFC 9110 section 9.2.2)? */
bool rw_method_idempotent(enum rw_method method);

enum rw_field_id rw_field_id(struct rw_span name);
struct rw_span rw_field_name(enum rw_field_id id);

/* The first field with this id / name, or NULL. */
const struct rw_field *rw_message_find(const struct rw_message *message, enum rw_field_id id);
const struct rw_field *rw_message_find_name(const struct rw_message *message, struct rw_span name);
/* Its value, or an empty span. */
struct rw_span rw_message_value(const struct rw_message *message, enum rw_field_id id);

/* Appends; name and value are borrowed; the table grows in `arena`. RW_ELIMIT past 65,535 fields,
 * RW_ENOMEM. */
RW_MUST_CHECK enum rw_err rw_message_add(struct rw_message *message, struct rw_arena *arena,
                                         struct rw_span name, struct rw_span value);
/* Removes every field of that name; how many. */
unsigned rw_message_remove(struct rw_message *message, struct rw_span name);
/* Removes all of that name, then appends. */
RW_MUST_CHECK enum rw_err rw_message_set(struct rw_message *message, struct rw_arena *arena,
                                         struct rw_span name, struct rw_span value);

/* Does the comma-separated list that all fields with this id make hold the token
 * (case-insensitive)? */
bool rw_message_has_token(const struct rw_message *message, enum rw_field_id id, const char *token);
/* Vary (RFC 9110 section 12.5.5) names the field from now on, beside those that it names; one Vary
 * is left. RW_ENOMEM. */
RW_MUST_CHECK enum rw_err rw_message_vary(struct rw_message *response, struct rw_arena *arena,
                                          const char *field);

/* Interim responses (1xx) before the final one: any number by RFC 9110 section 15.2; here one that
 * says that it is still at work every ten seconds may do so for a quarter of an hour. */
enum { RW_INTERIMS_MAX = 100 };
#define RW_INTERIMS_WHY "more than 100 interim responses"

/* The standard reason phrase, "" when there is none. */
const char *rw_status_reason(unsigned status);
/* 1xx, 204, 304: never a body. */
bool rw_status_bodiless(unsigned status);
/* Whoever makes a response with this status gives it no content (RFC 9110 section 15): these, and
 * 205, whose messages are framed as others are. */
bool rw_status_contentless(unsigned status);

/* Is `text` a token (RFC 9110 section 5.6.2)? A valid field value (section 5.5)? */
bool rw_is_token(struct rw_span text);
bool rw_is_field_value(struct rw_span text);
/* Does the comma-separated list hold the token (case-insensitive)? */
bool rw_list_has_token(struct rw_span list, const char *token);

#endif
