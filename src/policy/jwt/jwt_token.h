/* A token as it is sent: the compact form of a signed JWT (RFC 7515 section 7.1, RFC 7519).
 *
 *   rw_jwt_token_open    parts it, decodes its parts, reads the header
 *   rw_jwt_verify        the caller looks whether `signature` is one of `signed_text`
 *   rw_jwt_token_claims  only then is the content read
 *   rw_jwt_token_close
 *
 * Nothing is believed but what the grammar allows: three parts of base64url without padding, two of
 * them JSON objects without repeated names, of a few levels. Any thread. */
#ifndef RW_POLICY_JWT_JWT_TOKEN_H
#define RW_POLICY_JWT_JWT_TOKEN_H

#include "base/err.h"
#include "base/span.h"

#include <jansson.h>

enum { RW_JWT_BYTES_MAX = 16 << 10, RW_JWT_DEPTH_MAX = 16 };

struct rw_jwt_token {
    struct rw_span signed_text; /* of what was given */
    struct rw_span signature;
    struct rw_span algorithm; /* the header's `alg` */
    struct rw_span key_id;    /* `kid`; at NULL: none */
    struct rw_span type;      /* `typ`; at NULL: none */
    struct rw_span payload;
    json_t *header, *claims; /* claims: NULL before rw_jwt_token_claims */
    char *room;
};

/* RW_EINVAL: it is no such token, or needs something that is not known here (`crit`). RW_ENOMEM.
 * After any outcome rw_jwt_token_close. `text` outlives the token. */
RW_MUST_CHECK enum rw_err rw_jwt_token_open(struct rw_span text, struct rw_jwt_token *token);
RW_MUST_CHECK enum rw_err rw_jwt_token_claims(struct rw_jwt_token *token);
void rw_jwt_token_close(struct rw_jwt_token *token);

/* A JSON object without repeated names, not deeper than the limit. RW_EINVAL, RW_ENOMEM. */
RW_MUST_CHECK enum rw_err rw_jwt_json(struct rw_span text, json_t **object);
/* The text of a member, or none (at NULL). */
struct rw_span rw_jwt_json_text(const json_t *object, const char *name);

#endif
