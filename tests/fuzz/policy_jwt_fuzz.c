/* A token as a client sends it. What is taken for one keeps to the limits, and its parts stand
 * where they should; no token made up here has a right signature. */
#include "base/err.h"
#include "policy/jwt/jwt_keys.h"
#include "policy/jwt/jwt_token.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void verify(const struct rw_jwt_token *token)
{
    const struct rw_jwt_key key = {.kind = RW_JWT_SECRET,
                                   .algorithms = 1u << RW_JWT_HS256,
                                   .secret = RW_LITERAL("nobody has signed with this secret")};
    enum rw_err err = rw_jwt_verify(&key, RW_JWT_HS256, token->signed_text, token->signature);
    rw_assert(err == RW_EVERIFY || err == RW_ENOMEM);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rw_span text = rw_span((const char *)data, size);
    struct rw_jwt_token token;
    enum rw_err err = rw_jwt_token_open(text, &token);
    rw_assert(err || size <= RW_JWT_BYTES_MAX);
    if (!err) {
        rw_assert(token.signed_text.at == text.at && token.signed_text.len < size &&
                  text.at[token.signed_text.len] == '.' && token.algorithm.at);
        rw_assert(token.signature.len <= (size - token.signed_text.len) * 3 / 4);
        (void)rw_jwt_algorithm_named(token.algorithm);
        verify(&token);
        err = rw_jwt_token_claims(&token);
        rw_assert(err || json_is_object(token.claims));
    }
    rw_jwt_token_close(&token);
    return 0;
}
