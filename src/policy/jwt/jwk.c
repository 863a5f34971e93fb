#include "policy/jwt/jwk.h"

#include "base/base64.h"
#include "policy/jwt/jwt_keys.h"
#include "policy/jwt/jwt_token.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <stdio.h>

enum {
    RSA_BITS_MIN = 2048,
    RSA_BITS_MAX = 8192,
    RSA_EXPONENT_BYTES_MAX = 8,
    SECRET_BYTES_MIN = 32,
    PART_BYTES_MAX = RSA_BITS_MAX / 8,
    ED25519_BYTES = 32,
    CURVE_BYTES_MAX = 48,
};

static enum rw_err flawed(char flaw[256], const char *what)
{
    snprintf(flaw, 256, "%s", what);
    return RW_EINVAL;
}

struct part {
    unsigned char bytes[PART_BYTES_MAX];
    size_t len;
};

/* base64url of at most PART_BYTES_MAX bytes. */
static bool read_part(const json_t *jwk, const char *name, struct part *part)
{
    struct rw_span text = rw_jwt_json_text(jwk, name);
    return text.len && text.len <= PART_BYTES_MAX * 4 / 3 + 1 &&
           rw_base64url_decode(text, (char *)part->bytes, &part->len);
}

/* ---- Public keys ---- */

static EVP_PKEY *make_key(const char *type, OSSL_PARAM_BLD *builder)
{
    EVP_PKEY *key = NULL;
    OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(builder);
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
    if (!params || !context || EVP_PKEY_fromdata_init(context) <= 0 ||
        EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, params) <= 0)
        key = NULL;
    OSSL_PARAM_free(params);
    EVP_PKEY_CTX_free(context);
    return key;
}

static enum rw_err read_rsa(const json_t *jwk, struct rw_jwt_key *key, char flaw[256])
{
    struct part n, e;
    if (!read_part(jwk, "n", &n) || !read_part(jwk, "e", &e) || e.len > RSA_EXPONENT_BYTES_MAX)
        return flawed(flaw, "\"n\" and \"e\" are no RSA key");
    OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
    BIGNUM *modulus = BN_bin2bn(n.bytes, (int)n.len, NULL);
    BIGNUM *exponent = BN_bin2bn(e.bytes, (int)e.len, NULL);
    if (builder && modulus && exponent &&
        OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_N, modulus) &&
        OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_E, exponent))
        key->public_key = make_key("RSA", builder);
    BN_free(modulus);
    BN_free(exponent);
    OSSL_PARAM_BLD_free(builder);
    return key->public_key ? RW_OK : flawed(flaw, "\"n\" and \"e\" are no RSA key");
}

/* The point without compression (SEC 1, section 2.3.3); OpenSSL looks whether it is on the curve.
 */
static enum rw_err read_ec(const json_t *jwk, struct rw_jwt_key *key, char flaw[256])
{
    struct rw_span curve = rw_jwt_json_text(jwk, "crv");
    bool p256 = rw_span_is(curve, "P-256");
    size_t half = p256 ? 32 : CURVE_BYTES_MAX;
    unsigned char point[1 + 2 * CURVE_BYTES_MAX] = {4};
    struct part x, y;
    if (!p256 && !rw_span_is(curve, "P-384"))
        return RW_EUNSUPPORTED;
    if (!read_part(jwk, "x", &x) || !read_part(jwk, "y", &y) || x.len != half || y.len != half)
        return flawed(flaw, "\"x\" and \"y\" are no point of the curve");
    memcpy(point + 1, x.bytes, half);
    memcpy(point + 1 + half, y.bytes, half);
    OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
    if (builder &&
        OSSL_PARAM_BLD_push_utf8_string(builder, OSSL_PKEY_PARAM_GROUP_NAME,
                                        p256 ? "P-256" : "P-384", 0) &&
        OSSL_PARAM_BLD_push_octet_string(builder, OSSL_PKEY_PARAM_PUB_KEY, point, 1 + 2 * half))
        key->public_key = make_key("EC", builder);
    OSSL_PARAM_BLD_free(builder);
    return key->public_key ? RW_OK : flawed(flaw, "\"x\" and \"y\" are no point of the curve");
}

static enum rw_err read_okp(const json_t *jwk, struct rw_jwt_key *key, char flaw[256])
{
    struct part x;
    if (!rw_span_is(rw_jwt_json_text(jwk, "crv"), "Ed25519"))
        return RW_EUNSUPPORTED;
    if (read_part(jwk, "x", &x) && x.len == ED25519_BYTES)
        key->public_key = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, x.bytes, x.len);
    return key->public_key ? RW_OK : flawed(flaw, "\"x\" is no key of Ed25519");
}

/* ---- Secrets ---- */

enum rw_err rw_jwk_check_secret(struct rw_span secret, char flaw[256])
{
    if (rw_span_starts(secret, RW_LITERAL("-----BEGIN")))
        return flawed(flaw, "a key in PEM is no secret: use `public_key`");
    if (secret.len >= SECRET_BYTES_MIN)
        return RW_OK;
    snprintf(flaw, 256, "a secret of %zu bytes: HS256 needs %d", secret.len, (int)SECRET_BYTES_MIN);
    return RW_EINVAL;
}

static enum rw_err read_secret(const json_t *jwk, struct rw_arena *arena, struct rw_jwt_key *key,
                               char flaw[256])
{
    struct part k;
    if (!read_part(jwk, "k", &k))
        return flawed(flaw, "\"k\" is no base64url");
    key->kind = RW_JWT_SECRET;
    key->algorithms = rw_jwt_kind_algorithms(RW_JWT_SECRET);
    enum rw_err err = rw_jwk_check_secret(rw_span((char *)k.bytes, k.len), flaw);
    if (!err)
        key->secret = rw_arena_copy(arena, rw_span((char *)k.bytes, k.len));
    return err ? err : key->secret.at ? RW_OK : RW_ENOMEM;
}

/* ---- What a key is ---- */

static enum rw_err classify_ec(struct rw_jwt_key *key, char flaw[256])
{
    char group[32];
    size_t len;
    if (!EVP_PKEY_get_group_name(key->public_key, group, sizeof(group), &len))
        return flawed(flaw, "a curve without a name");
    if (strcmp(group, "prime256v1") == 0)
        key->kind = RW_JWT_P256;
    else if (strcmp(group, "secp384r1") == 0)
        key->kind = RW_JWT_P384;
    else
        return flawed(flaw, "a curve other than P-256 and P-384");
    return RW_OK;
}

static enum rw_err classify_rsa(struct rw_jwt_key *key, char flaw[256])
{
    int bits = EVP_PKEY_get_bits(key->public_key);
    key->kind = RW_JWT_RSA;
    if (bits >= RSA_BITS_MIN && bits <= RSA_BITS_MAX)
        return RW_OK;
    snprintf(flaw, 256, "an RSA key of %d bits: expected %d to %d", bits, (int)RSA_BITS_MIN,
             (int)RSA_BITS_MAX);
    return RW_EINVAL;
}

enum rw_err rw_jwk_classify(struct rw_jwt_key *key, char flaw[256])
{
    enum rw_err err = RW_OK;
    if (EVP_PKEY_is_a(key->public_key, "RSA"))
        err = classify_rsa(key, flaw);
    else if (EVP_PKEY_is_a(key->public_key, "EC"))
        err = classify_ec(key, flaw);
    else if (EVP_PKEY_is_a(key->public_key, "ED25519"))
        key->kind = RW_JWT_ED25519;
    else
        err = flawed(flaw, "a key of another kind than RSA, P-256, P-384 and Ed25519");
    key->algorithms = err ? 0 : rw_jwt_kind_algorithms(key->kind);
    return err;
}

/* ---- JWKs ---- */

/* RFC 7517 sections 4.2 and 4.3: is it for checking signatures? */
static bool is_for_signatures(const json_t *jwk)
{
    struct rw_span use = rw_jwt_json_text(jwk, "use");
    const json_t *operations = json_object_get(jwk, "key_ops");
    bool verifies = !json_is_array(operations);
    for (size_t i = 0; i < json_array_size(operations) && !verifies; i++) {
        const char *operation = json_string_value(json_array_get(operations, i));
        verifies = operation && strcmp(operation, "verify") == 0;
    }
    return verifies && (!use.at || rw_span_is(use, "sig"));
}

static enum rw_err read_kind(const json_t *jwk, struct rw_arena *arena, struct rw_jwt_key *key,
                             char flaw[256])
{
    struct rw_span kind = rw_jwt_json_text(jwk, "kty");
    if (rw_span_is(kind, "oct"))
        return read_secret(jwk, arena, key, flaw);
    enum rw_err err = rw_span_is(kind, "RSA")   ? read_rsa(jwk, key, flaw)
                      : rw_span_is(kind, "EC")  ? read_ec(jwk, key, flaw)
                      : rw_span_is(kind, "OKP") ? read_okp(jwk, key, flaw)
                                                : RW_EUNSUPPORTED;
    return err ? err : rw_jwk_classify(key, flaw);
}

enum rw_err rw_jwk_read(const json_t *jwk, struct rw_arena *arena, struct rw_jwt_key *key,
                        char flaw[256])
{
    *key = (struct rw_jwt_key){.id = rw_jwt_json_text(jwk, "kid")};
    struct rw_span algorithm = rw_jwt_json_text(jwk, "alg");
    if (!json_is_object(jwk))
        return flawed(flaw, "no JSON object");
    if (key->id.len > RW_JWT_KEY_ID_BYTES_MAX)
        return flawed(flaw, "\"kid\" is too long");
    if (!is_for_signatures(jwk))
        return RW_EUNSUPPORTED;
    enum rw_err err = read_kind(jwk, arena, key, flaw);
    ERR_clear_error();
    if (!err && algorithm.at) { /* with no other one, RFC 8725 section 3.1 */
        enum rw_jwt_algorithm only = rw_jwt_algorithm_named(algorithm);
        key->algorithms &= only < RW_JWT_ALGORITHM_COUNT ? 1u << only : 0;
    }
    if (err) {
        EVP_PKEY_free(key->public_key);
        key->public_key = NULL;
    }
    return err;
}
