/* One JSON Web Key (RFC 7517, RFC 7518 section 6, RFC 8037 section 2) as a key to check signatures
 * with. Private parts are not looked at. Control thread. */
#ifndef RW_POLICY_JWT_JWK_H
#define RW_POLICY_JWT_JWK_H

#include "base/arena.h"
#include "policy/jwt/jwt_algorithm.h"

#include <jansson.h>

/* RW_EUNSUPPORTED: of a kind, or for a use, that is not known here. RW_EINVAL with what is wrong in
 * `flaw`, RW_ENOMEM. A secret is copied into the arena, the public key is the caller's to free, and
 * the id is the JSON's. */
RW_MUST_CHECK enum rw_err rw_jwk_read(const json_t *jwk, struct rw_arena *arena,
                                      struct rw_jwt_key *key, char flaw[256]);

/* Of a key that has its public key: fills kind and algorithms. RW_EINVAL: of no kind that is known
 * here, or weak. */
RW_MUST_CHECK enum rw_err rw_jwk_classify(struct rw_jwt_key *key, char flaw[256]);

/* RW_EINVAL: too short (RFC 7518 section 3.2), or a key in PEM that is not meant to be one. */
RW_MUST_CHECK enum rw_err rw_jwk_check_secret(struct rw_span secret, char flaw[256]);

#endif
