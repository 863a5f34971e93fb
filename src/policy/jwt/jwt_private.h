/* What the files of policy/jwt share; nobody else includes this.
 *
 *   jwt_token.h      the token's grammar      jwt_keys.h, jwk.h  whose signatures count
 *   jwt_algorithm.h  signatures               jwt_claims.c       what it must say
 *   jwt_cache.h      what was found valid     jwt.c              the policy
 */
#ifndef RW_POLICY_JWT_JWT_PRIVATE_H
#define RW_POLICY_JWT_JWT_PRIVATE_H

#include "gate/document/document.h"
#include "gate/identity/consumers.h"
#include "gate/identity/digest.h"
#include "policy/identity/challenge.h"
#include "policy/identity/credential.h"
#include "policy/jwt/jwt.h"
#include "policy/jwt/jwt_cache.h"
#include "policy/jwt/jwt_keys.h"
#include "policy/jwt/jwt_token.h"

enum { RW_JWT_CLAIMS_MAX = 16, RW_JWT_CLAIM_BYTES_MAX = 1024, RW_JWT_TRIES_MAX = 4 };

/* ---- As the user writes it ---- */

/* Exactly one of the five sources. */
struct rw_jwt_key_config {
    struct rw_span jwks_url, jwks_file, jwks, public_key, secret;
    uint32_t refresh_ms, refresh_ms_min;
    struct rw_config_tls_client *tls;
    struct rw_span id;
    struct rw_conf_list algorithms; /* of int: enum rw_jwt_algorithm */
    struct rw_conf_place place;
};

enum rw_jwt_unknown { RW_JWT_UNKNOWN_ADMIT, RW_JWT_UNKNOWN_REFUSE };

struct rw_jwt_config {
    struct rw_span header, cookie; /* one of them, or none: Authorization: Bearer */
    struct rw_conf_list keys;      /* of rw_jwt_key_config */
    struct rw_conf_list issuers, audiences;
    struct rw_span type;
    struct rw_conf_list require; /* of rw_conf_pair */
    bool require_expiry;
    uint32_t leeway_ms;
    struct rw_conf_list claims;
    struct rw_span consumer_claim, tenant_claim;
    int unknown_consumer; /* enum rw_jwt_unknown */
    uint32_t cache_tokens;
    bool keep;
    struct rw_challenge_config challenge;
    struct rw_conf_place place;
};

extern const struct rw_conf_record rw_jwt_record;

/* ---- As it works ---- */

struct rw_jwt {
    const struct rw_jwt_config *config;
    const struct rw_consumers *consumers; /* NULL: none */
    bool maps_consumers, maps_tenants;    /* some consumer has a subject; a tenant, too */
    bool bearer;                          /* the credential is behind the word Bearer */
    struct rw_credential credential;
    struct rw_challenge challenge;
    struct rw_jwt_keys keys;
    struct rw_document **documents; /* key sets that are fetched */
    unsigned document_count;
    bool lacks_keys; /* one of them was never fetched yet */
    struct rw_digest *digest;
    struct rw_jwt_cache **caches; /* one for each worker */
    unsigned workers;
};

/* Why a token is refused, or that it is not. Each has its counter. */
enum rw_jwt_result {
    RW_JWT_VALID,
    RW_JWT_NO_MEMORY,
    RW_JWT_MALFORMED,
    RW_JWT_UNKNOWN_KEY, /* or an algorithm that no key is for */
    RW_JWT_BAD_SIGNATURE,
    RW_JWT_EXPIRED, /* or not valid yet */
    RW_JWT_WRONG_CLAIM,
    RW_JWT_NO_CONSUMER,
    RW_JWT_NO_KEYS, /* they are not there yet: nobody knows */
    RW_JWT_RESULTS
};

/* jwt_compile.c */
enum rw_err rw_jwt_compile(struct rw_compile *compile, const void *value, void **instance);
void rw_jwt_destroy(void *instance);

/* jwt_claims.c: is the content of a token with a right signature what the policy asks for? Fills
 * the identity, whose texts and claims (`room` for RW_JWT_CLAIMS_MAX) are the token's or the
 * configuration's, and from when to when it is valid (leeway included). */
RW_MUST_CHECK enum rw_jwt_result rw_jwt_read_claims(const struct rw_jwt *jwt, json_t *claims,
                                                    uint64_t now_s, struct rw_claim *room,
                                                    struct rw_jwt_known *known);

#endif
