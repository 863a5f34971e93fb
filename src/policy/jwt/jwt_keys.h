/* The keys that a policy `jwt` accepts signatures of, made on the control thread: from JWK Sets
 * (RFC 7517), from PEM files, from secrets.
 *
 * A member of a set that is of a kind unknown here, or for something other than signatures, is
 * passed over, as RFC 7517 section 5 asks for; one that is broken or weak (RSA below 2,048 bits, a
 * point that is not on its curve, a secret below 32 bytes) is a mistake that is told: a set that
 * has such a key comes from somewhere that is not what it should be. */
#ifndef RW_POLICY_JWT_JWT_KEYS_H
#define RW_POLICY_JWT_JWT_KEYS_H

#include "base/arena.h"
#include "policy/jwt/jwt_algorithm.h"

enum { RW_JWT_KEYS_MAX = 256, RW_JWT_KEY_ID_BYTES_MAX = 256, RW_JWT_SET_BYTES_MAX = 1 << 20 };

/* Zeroed at the start; texts live in the arena. */
struct rw_jwt_keys {
    struct rw_arena *arena;
    unsigned count;
    struct rw_jwt_key items[RW_JWT_KEYS_MAX];
};

void rw_jwt_keys_free(struct rw_jwt_keys *keys);

/* Each adds keys that may be used with `algorithms` (bits), as far as their kind has them.
 * RW_EINVAL with what is wrong in `flaw`, RW_ENOMEM. */
RW_MUST_CHECK enum rw_err rw_jwt_keys_add_set(struct rw_jwt_keys *keys, struct rw_span json,
                                              unsigned algorithms, char flaw[256]);
RW_MUST_CHECK enum rw_err rw_jwt_keys_add_pem(struct rw_jwt_keys *keys, struct rw_span pem,
                                              struct rw_span id, unsigned algorithms,
                                              char flaw[256]);
RW_MUST_CHECK enum rw_err rw_jwt_keys_add_secret(struct rw_jwt_keys *keys, struct rw_span secret,
                                                 struct rw_span id, unsigned algorithms,
                                                 char flaw[256]);

/* The next key that a token of this algorithm and id (at NULL: none) may be signed with; NULL: no
 * further one. *from is 0 at the start. */
const struct rw_jwt_key *rw_jwt_keys_next(const struct rw_jwt_keys *keys,
                                          enum rw_jwt_algorithm algorithm, struct rw_span id,
                                          unsigned *from);

#endif
