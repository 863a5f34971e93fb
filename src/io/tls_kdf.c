#define OPENSSL_SUPPRESS_DEPRECATED /* SHA256_Init and its like: the direct way, without a context \
                                       to allocate */

#include "base/alloc.h"
#include "io/tls_internal.h"

#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <openssl/provider.h>
#include <openssl/sha.h>
#include <string.h>

/* The key schedule of TLS 1.3 (RFC 8446 section 7.1; HKDF: RFC 5869), and with it an OpenSSL
 * provider of the one algorithm TLS13-KDF. A handshake derives about twenty values; OpenSSL's own
 * implementation looks up a digest and a MAC by name for each, which together costs more than the
 * signature. This one also tells tls_record.c the traffic secrets. All other algorithms are those
 * of OpenSSL's default provider. The library context is our own, so that the rest of the process
 * sees none of this. */

enum {
    BLOCK_BYTES_MAX = SHA512_CBLOCK,
    HASH_BYTES_MAX = SHA384_DIGEST_LENGTH,
    INFO_BYTES_MAX = 512
};

/* ---- Hash and HMAC (RFC 2104): SHA-256 or SHA-384, by the length of what they give ---- */

union hash {
    SHA256_CTX sha256;
    SHA512_CTX sha384;
};

static void hash_begin(union hash *hash, size_t hash_bytes)
{
    if (hash_bytes == SHA256_DIGEST_LENGTH)
        SHA256_Init(&hash->sha256);
    else
        SHA384_Init(&hash->sha384);
}

static void hash_add(union hash *hash, size_t hash_bytes, const void *from, size_t bytes)
{
    if (hash_bytes == SHA256_DIGEST_LENGTH)
        SHA256_Update(&hash->sha256, from, bytes);
    else
        SHA384_Update(&hash->sha384, from, bytes);
}

static void hash_end(union hash *hash, size_t hash_bytes, unsigned char *to)
{
    if (hash_bytes == SHA256_DIGEST_LENGTH)
        SHA256_Final(to, &hash->sha256);
    else
        SHA384_Final(to, &hash->sha384);
}

/* `key` is not longer than a block. */
static void hmac(size_t hash_bytes, const unsigned char *key, size_t key_bytes,
                 const unsigned char *from, size_t bytes, unsigned char *to)
{
    size_t block = hash_bytes == SHA256_DIGEST_LENGTH ? SHA256_CBLOCK : SHA512_CBLOCK;
    unsigned char pad[BLOCK_BYTES_MAX] = {0};
    union hash hash;
    memcpy(pad, key, key_bytes);
    for (size_t i = 0; i < block; i++)
        pad[i] ^= 0x36;
    hash_begin(&hash, hash_bytes);
    hash_add(&hash, hash_bytes, pad, block);
    hash_add(&hash, hash_bytes, from, bytes);
    hash_end(&hash, hash_bytes, to);
    for (size_t i = 0; i < block; i++)
        pad[i] ^= 0x36 ^ 0x5c;
    hash_begin(&hash, hash_bytes);
    hash_add(&hash, hash_bytes, pad, block);
    hash_add(&hash, hash_bytes, to, hash_bytes);
    hash_end(&hash, hash_bytes, to);
    OPENSSL_cleanse(pad, sizeof(pad));
    OPENSSL_cleanse(&hash, sizeof(hash));
}

/* ---- HKDF ---- */

/* One block is all that TLS 1.3 ever asks for, except from exporters. */
static void expand(size_t hash_bytes, const unsigned char *secret, unsigned char *info,
                   size_t info_bytes, unsigned char *to, size_t bytes)
{
    unsigned char message[HASH_BYTES_MAX + INFO_BYTES_MAX + 1], block[HASH_BYTES_MAX];
    size_t before = 0;
    for (unsigned char count = 1; bytes; count++) {
        memcpy(message, block, before);
        memcpy(message + before, info, info_bytes);
        message[before + info_bytes] = count;
        hmac(hash_bytes, secret, hash_bytes, message, before + info_bytes + 1, block);
        size_t take = bytes < hash_bytes ? bytes : hash_bytes;
        memcpy(to, block, take);
        to += take;
        bytes -= take;
        before = hash_bytes;
    }
    OPENSSL_cleanse(block, sizeof(block));
    OPENSSL_cleanse(message, sizeof(message));
}

bool rw_tls_expand_label(size_t hash_bytes, const unsigned char *secret, struct rw_span prefix,
                         struct rw_span label, struct rw_span data, unsigned char *to, size_t bytes)
{
    unsigned char info[INFO_BYTES_MAX];
    size_t name_bytes = prefix.len + label.len;
    if (name_bytes > 255 || data.len > 64 || bytes > 255 * hash_bytes || bytes > UINT16_MAX)
        return false;
    unsigned char *at = info;
    *at++ = (unsigned char)(bytes >> 8);
    *at++ = (unsigned char)bytes;
    *at++ = (unsigned char)name_bytes;
    if (prefix.len)
        memcpy(at, prefix.at, prefix.len);
    if (label.len)
        memcpy(at + prefix.len, label.at, label.len);
    at += name_bytes;
    *at++ = (unsigned char)data.len;
    if (data.len)
        memcpy(at, data.at, data.len);
    expand(hash_bytes, secret, info, (size_t)(at - info) + data.len, to, bytes);
    return true;
}

/* ---- The provider ---- */

struct request {
    int extract;
    size_t hash_bytes;
    struct rw_span key, salt, prefix, label, data;
};

static struct rw_span octets(const OSSL_PARAM *param)
{
    return rw_span(param->data, param->data ? param->data_size : 0);
}

static bool read_mode(const OSSL_PARAM *param, struct request *request)
{
    int mode;
    if (!OSSL_PARAM_get_int(param, &mode))
        return false;
    request->extract = mode == EVP_KDF_HKDF_MODE_EXTRACT_ONLY;
    return request->extract || mode == EVP_KDF_HKDF_MODE_EXPAND_ONLY;
}

static bool read_request(const OSSL_PARAM *params, struct request *request)
{
    bool good = true;
    for (const OSSL_PARAM *param = params; param && param->key; param++) {
        if (strcmp(param->key, OSSL_KDF_PARAM_MODE) == 0)
            good &= read_mode(param, request);
        else if (strcmp(param->key, OSSL_KDF_PARAM_DIGEST) == 0)
            request->hash_bytes = OPENSSL_strcasecmp(param->data, "SHA2-256") == 0 ||
                                          OPENSSL_strcasecmp(param->data, "SHA256") == 0
                                      ? SHA256_DIGEST_LENGTH
                                  : OPENSSL_strcasecmp(param->data, "SHA2-384") == 0 ||
                                          OPENSSL_strcasecmp(param->data, "SHA384") == 0
                                      ? SHA384_DIGEST_LENGTH
                                      : 0;
        else if (strcmp(param->key, OSSL_KDF_PARAM_KEY) == 0)
            request->key = octets(param);
        else if (strcmp(param->key, OSSL_KDF_PARAM_SALT) == 0)
            request->salt = octets(param);
        else if (strcmp(param->key, OSSL_KDF_PARAM_PREFIX) == 0)
            request->prefix = octets(param);
        else if (strcmp(param->key, OSSL_KDF_PARAM_LABEL) == 0)
            request->label = octets(param);
        else if (strcmp(param->key, OSSL_KDF_PARAM_DATA) == 0)
            request->data = octets(param);
    }
    return good && request->hash_bytes;
}

/* The next secret from the last one (`salt`; none at the beginning) and new key material (`key`;
 * none: zeros). */
static bool extract(const struct request *request, unsigned char *to, size_t bytes)
{
    size_t hash_bytes = request->hash_bytes;
    unsigned char zeros[HASH_BYTES_MAX] = {0}, salt[HASH_BYTES_MAX] = {0}, nothing[HASH_BYTES_MAX];
    if (bytes != hash_bytes)
        return false;
    if (request->salt.at) {
        union hash hash;
        hash_begin(&hash, hash_bytes);
        hash_end(&hash, hash_bytes, nothing);
        if (request->salt.len != hash_bytes ||
            !rw_tls_expand_label(hash_bytes, (const unsigned char *)request->salt.at,
                                 request->prefix, request->label,
                                 rw_span((const char *)nothing, hash_bytes), salt, hash_bytes))
            return false;
    }
    struct rw_span key = request->key.at ? request->key : rw_span((char *)zeros, hash_bytes);
    hmac(hash_bytes, salt, hash_bytes, (const unsigned char *)key.at, key.len, to);
    OPENSSL_cleanse(salt, sizeof(salt));
    return true;
}

static int kdf_derive(void *context, unsigned char *to, size_t bytes, const OSSL_PARAM params[])
{
    (void)context;
    struct request request = {0};
    if (!read_request(params, &request))
        return 0;
    if (request.extract)
        return extract(&request, to, bytes);
    if (request.key.len != request.hash_bytes ||
        !rw_tls_expand_label(request.hash_bytes, (const unsigned char *)request.key.at,
                             request.prefix, request.label, request.data, to, bytes))
        return 0;
    if (rw_tls_current)
        rw_tls_note_secret(rw_tls_current, request.label, to, bytes);
    return 1;
}

/* A derivation takes all its parameters with it: there is no state to keep. */
static int stateless;

static void *kdf_new(void *provider)
{
    (void)provider;
    return &stateless;
}

static void kdf_free(void *context)
{
    (void)context;
}

static const OSSL_DISPATCH kdf_functions[] = {
    {OSSL_FUNC_KDF_NEWCTX, (void (*)(void))kdf_new},
    {OSSL_FUNC_KDF_FREECTX, (void (*)(void))kdf_free},
    {OSSL_FUNC_KDF_DERIVE, (void (*)(void))kdf_derive},
    {0, NULL},
};

static const OSSL_ALGORITHM kdfs[] = {
    {OSSL_KDF_NAME_TLS1_3_KDF, "provider=ringway", kdf_functions, NULL},
    {NULL, NULL, NULL, NULL},
};

static const OSSL_ALGORITHM *query(void *provider, int operation, int *no_cache)
{
    (void)provider;
    *no_cache = 0;
    return operation == OSSL_OP_KDF ? kdfs : NULL;
}

static const OSSL_DISPATCH provider_functions[] = {
    {OSSL_FUNC_PROVIDER_QUERY_OPERATION, (void (*)(void))query},
    {0, NULL},
};

static int init_provider(const OSSL_CORE_HANDLE *handle, const OSSL_DISPATCH *in,
                         const OSSL_DISPATCH **out, void **context)
{
    (void)handle, (void)in;
    *out = provider_functions;
    *context = &stateless;
    return 1;
}

OSSL_LIB_CTX *rw_tls_library;

enum rw_err rw_tls_library_init(void)
{
    rw_tls_library = OSSL_LIB_CTX_new();
    if (!rw_tls_library || !OSSL_PROVIDER_load(rw_tls_library, "default") ||
        !OSSL_PROVIDER_add_builtin(rw_tls_library, "ringway", init_provider) ||
        !OSSL_PROVIDER_load(rw_tls_library, "ringway") ||
        !EVP_set_default_properties(rw_tls_library, "?provider=ringway"))
        return RW_ENOMEM;
    return RW_OK;
}
