#include "policy/jwt/jwt_algorithm.h"

#include <openssl/bn.h>
#include <openssl/crypto.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rsa.h>

enum { HMAC_BYTES = 32, EC_HALF_BYTES_MAX = 48, DER_BYTES_MAX = 2 * EC_HALF_BYTES_MAX + 16 };

static const struct {
    enum rw_jwt_kind kind;
    const char *digest;
} algorithms[] = {
#define ROW(id, name, kind, digest) {kind, digest},
    RW_JWT_ALGORITHMS(ROW)
#undef ROW
};

const char *const rw_jwt_algorithm_names[] = {
#define NAME(id, name, kind, digest) name,
    RW_JWT_ALGORITHMS(NAME)
#undef NAME
        NULL,
};

enum rw_jwt_algorithm rw_jwt_algorithm_named(struct rw_span name)
{
    unsigned i = 0;
    while (i < RW_JWT_ALGORITHM_COUNT && !rw_span_is(name, rw_jwt_algorithm_names[i]))
        i++;
    return (enum rw_jwt_algorithm)i;
}

enum rw_jwt_kind rw_jwt_algorithm_kind(enum rw_jwt_algorithm algorithm)
{
    return algorithms[algorithm].kind;
}

unsigned rw_jwt_kind_algorithms(enum rw_jwt_kind kind)
{
    unsigned bits = 0;
    for (unsigned i = 0; i < RW_JWT_ALGORITHM_COUNT; i++)
        bits |= algorithms[i].kind == kind ? 1u << i : 0;
    return bits;
}

/* ---- HMAC ---- */

static enum rw_err verify_secret(struct rw_span secret, struct rw_span input,
                                 struct rw_span signature)
{
    unsigned char mac[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    if (!HMAC(EVP_sha256(), secret.at, (int)secret.len, (const unsigned char *)input.at, input.len,
              mac, &len))
        return RW_ENOMEM;
    return signature.len == HMAC_BYTES && len == HMAC_BYTES &&
                   CRYPTO_memcmp(mac, signature.at, HMAC_BYTES) == 0
               ? RW_OK
               : RW_EVERIFY;
}

/* ---- Public keys ---- */

/* RFC 7518 section 3.4: both halves as they are, each of the curve's size. OpenSSL reads DER. */
static enum rw_err make_der(enum rw_jwt_kind kind, struct rw_span signature,
                            unsigned char der[DER_BYTES_MAX], struct rw_span *made)
{
    int half = kind == RW_JWT_P256 ? 32 : EC_HALF_BYTES_MAX;
    const unsigned char *bytes = (const unsigned char *)signature.at;
    if (signature.len != 2 * (size_t)half)
        return RW_EVERIFY;
    ECDSA_SIG *pair = ECDSA_SIG_new();
    BIGNUM *r = BN_bin2bn(bytes, half, NULL), *s = BN_bin2bn(bytes + half, half, NULL);
    if (!pair || !r || !s || !ECDSA_SIG_set0(pair, r, s)) {
        BN_free(r);
        BN_free(s);
        ECDSA_SIG_free(pair);
        return RW_ENOMEM;
    }
    unsigned char *end = der;
    int len = i2d_ECDSA_SIG(pair, NULL);
    if (len > 0 && len <= DER_BYTES_MAX)
        len = i2d_ECDSA_SIG(pair, &end);
    ECDSA_SIG_free(pair);
    *made = rw_span((const char *)der, len > 0 ? (size_t)len : 0);
    return len > 0 && len <= DER_BYTES_MAX ? RW_OK : RW_EVERIFY;
}

static bool uses_pss(enum rw_jwt_algorithm algorithm)
{
    return algorithm == RW_JWT_PS256 || algorithm == RW_JWT_PS384 || algorithm == RW_JWT_PS512;
}

static bool begin(EVP_MD_CTX *context, const struct rw_jwt_key *key,
                  enum rw_jwt_algorithm algorithm)
{
    EVP_PKEY_CTX *of_key = NULL;
    if (EVP_DigestVerifyInit_ex(context, &of_key, algorithms[algorithm].digest, NULL, NULL,
                                key->public_key, NULL) <= 0)
        return false;
    return !uses_pss(algorithm) ||
           (EVP_PKEY_CTX_set_rsa_padding(of_key, RSA_PKCS1_PSS_PADDING) > 0 &&
            EVP_PKEY_CTX_set_rsa_pss_saltlen(of_key, RSA_PSS_SALTLEN_DIGEST) > 0);
}

static enum rw_err verify_public(const struct rw_jwt_key *key, enum rw_jwt_algorithm algorithm,
                                 struct rw_span input, struct rw_span signature)
{
    unsigned char der[DER_BYTES_MAX];
    enum rw_err err = RW_OK;
    if (key->kind == RW_JWT_P256 || key->kind == RW_JWT_P384)
        err = make_der(key->kind, signature, der, &signature);
    EVP_MD_CTX *context = err ? NULL : EVP_MD_CTX_new();
    if (!err && (!context || !begin(context, key, algorithm)))
        err = RW_ENOMEM;
    if (!err && EVP_DigestVerify(context, (const unsigned char *)signature.at, signature.len,
                                 (const unsigned char *)input.at, input.len) != 1)
        err = RW_EVERIFY;
    EVP_MD_CTX_free(context);
    return err;
}

/* What OpenSSL remembers of a failure would be taken for one of the next TLS call's. */
enum rw_err rw_jwt_verify(const struct rw_jwt_key *key, enum rw_jwt_algorithm algorithm,
                          struct rw_span input, struct rw_span signature)
{
    rw_assert(key->algorithms & 1u << algorithm && key->kind == algorithms[algorithm].kind);
    enum rw_err err = key->kind == RW_JWT_SECRET ? verify_secret(key->secret, input, signature)
                                                 : verify_public(key, algorithm, input, signature);
    ERR_clear_error();
    return err;
}
