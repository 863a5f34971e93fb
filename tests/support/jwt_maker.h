/* Tokens for tests: signed with a secret, or with a key made for the occasion. */
#ifndef RW_TESTS_SUPPORT_JWT_MAKER_H
#define RW_TESTS_SUPPORT_JWT_MAKER_H

#include "base/text.h"

#include <openssl/types.h>

/* base64url without padding, added to `text`. */
void rw_test_add_base64url(struct rw_text *text, struct rw_span bytes);

/* header.claims.signature of HS256; the caller frees it with rw_text_free. */
struct rw_text rw_test_jwt(const char *header, const char *claims, struct rw_span secret);
/* The same with a private key of Ed25519 (`digest` NULL) or RSA. */
struct rw_text rw_test_jwt_signed(const char *header, const char *claims, EVP_PKEY *key,
                                  const char *digest);

#endif
