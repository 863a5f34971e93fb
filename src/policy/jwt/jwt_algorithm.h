/* Signatures of tokens (RFC 7518 section 3, RFC 8037): which algorithms there are, which kind of
 * key each belongs to, and whether a signature is right.
 *
 * A key has one kind, and an algorithm is used with keys of its own kind only: a public key is
 * never the secret of HMAC, whatever a token says. `none` is not in the list. Any thread. */
#ifndef RW_POLICY_JWT_JWT_ALGORITHM_H
#define RW_POLICY_JWT_JWT_ALGORITHM_H

#include "base/err.h"
#include "base/span.h"

#include <openssl/types.h>

enum rw_jwt_kind { RW_JWT_SECRET, RW_JWT_RSA, RW_JWT_P256, RW_JWT_P384, RW_JWT_ED25519 };

/* X(id, name, kind of key, digest or NULL) */
#define RW_JWT_ALGORITHMS(X)                                                                       \
    X(HS256, "HS256", RW_JWT_SECRET, "SHA256")                                                     \
    X(RS256, "RS256", RW_JWT_RSA, "SHA256")                                                        \
    X(RS384, "RS384", RW_JWT_RSA, "SHA384")                                                        \
    X(RS512, "RS512", RW_JWT_RSA, "SHA512")                                                        \
    X(PS256, "PS256", RW_JWT_RSA, "SHA256")                                                        \
    X(PS384, "PS384", RW_JWT_RSA, "SHA384")                                                        \
    X(PS512, "PS512", RW_JWT_RSA, "SHA512")                                                        \
    X(ES256, "ES256", RW_JWT_P256, "SHA256")                                                       \
    X(ES384, "ES384", RW_JWT_P384, "SHA384")                                                       \
    X(EDDSA, "EdDSA", RW_JWT_ED25519, NULL)

enum rw_jwt_algorithm {
#define RW_JWT_ALGORITHM_ENUM(id, name, kind, digest) RW_JWT_##id,
    RW_JWT_ALGORITHMS(RW_JWT_ALGORITHM_ENUM)
#undef RW_JWT_ALGORITHM_ENUM
        RW_JWT_ALGORITHM_COUNT
};

extern const char *const rw_jwt_algorithm_names[]; /* and NULL */

/* Whoever has no such algorithm: RW_JWT_ALGORITHM_COUNT. */
enum rw_jwt_algorithm rw_jwt_algorithm_named(struct rw_span name);
enum rw_jwt_kind rw_jwt_algorithm_kind(enum rw_jwt_algorithm algorithm);
/* A bit for each algorithm of keys of this kind. */
unsigned rw_jwt_kind_algorithms(enum rw_jwt_kind kind);

struct rw_jwt_key {
    struct rw_span id; /* empty: it has none */
    enum rw_jwt_kind kind;
    unsigned algorithms;   /* bits of those that it may be used with, all of its kind */
    EVP_PKEY *public_key;  /* NULL: */
    struct rw_span secret; /* of RW_JWT_SECRET */
};

/* RW_EVERIFY: the signature is wrong. RW_ENOMEM. The algorithm is one of the key's. */
RW_MUST_CHECK enum rw_err rw_jwt_verify(const struct rw_jwt_key *key,
                                        enum rw_jwt_algorithm algorithm, struct rw_span input,
                                        struct rw_span signature);

#endif
