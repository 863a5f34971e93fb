/* Tokens that were found valid, so that a signature is checked once and not with each request.
 *
 * Each worker thread has a cache of its own: no lock. A token is known by its SHA-256 digest, so
 * that no token is kept in memory. A set has four entries; a new one takes the place of the one
 * that was not used for longest. Only tokens with a right signature come in, so that nobody fills
 * the cache with what he makes up. What keys there are does not change in the life of a cache:
 * another configuration has another one. */
#ifndef RW_POLICY_JWT_JWT_CACHE_H
#define RW_POLICY_JWT_JWT_CACHE_H

#include "base/arena.h"
#include "gate/identity/digest.h"
#include "gate/identity/identity.h"

struct rw_jwt_known {
    struct rw_identity identity;
    uint64_t begin_s, end_s; /* valid from, and before; in seconds since 1970 */
};

struct rw_jwt_cache;

/* For about so many tokens. RW_ENOMEM. */
RW_MUST_CHECK enum rw_err rw_jwt_cache_create(uint32_t tokens, struct rw_jwt_cache **cache);
/* NULL is fine. */
void rw_jwt_cache_destroy(struct rw_jwt_cache *cache);

/* NULL: not there, or not valid now. Until the next call. */
const struct rw_jwt_known *rw_jwt_cache_find(struct rw_jwt_cache *cache,
                                             const uint8_t digest[RW_DIGEST_BYTES], uint64_t now_s);
/* All texts are copied. Without memory nothing is kept. */
void rw_jwt_cache_put(struct rw_jwt_cache *cache, const uint8_t digest[RW_DIGEST_BYTES],
                      const struct rw_jwt_known *known);

/* A copy with all its texts in an arena. NULL: no memory. */
const struct rw_identity *rw_jwt_copy_identity(struct rw_arena *arena,
                                               const struct rw_identity *identity);

#endif
