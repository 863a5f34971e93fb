#include "support/tls_records.h"

#include "base/err.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <string.h>

size_t records_hash_bytes(unsigned cipher)
{
    return cipher == 0x1302 ? 48 : 32;
}

/* HKDF-Expand-Label with an empty context. */
static void expand_label(const struct records_side *side, const char *label, unsigned char *to,
                         size_t bytes)
{
    unsigned char info[64];
    size_t len = strlen(label);
    char digest[] = "SHA2-256", longer[] = "SHA2-384";
    int mode = EVP_KDF_HKDF_MODE_EXPAND_ONLY;
    info[0] = 0;
    info[1] = (unsigned char)bytes;
    info[2] = (unsigned char)(6 + len);
    memcpy(info + 3, "tls13 ", 6);
    memcpy(info + 9, label, len);
    info[9 + len] = 0;
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST,
                                         side->hash_bytes == 48 ? longer : digest, 0),
        OSSL_PARAM_construct_int(OSSL_KDF_PARAM_MODE, &mode),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, (void *)(uintptr_t)side->secret,
                                          side->hash_bytes),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, info, 10 + len),
        OSSL_PARAM_construct_end(),
    };
    EVP_KDF *kdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
    EVP_KDF_CTX *context = EVP_KDF_CTX_new(kdf);
    rw_assert(context && EVP_KDF_derive(context, to, bytes, params) == 1);
    EVP_KDF_CTX_free(context);
    EVP_KDF_free(kdf);
}

static void make_keys(struct records_side *side)
{
    expand_label(side, "key", side->key, side->key_bytes);
    expand_label(side, "iv", side->iv, sizeof(side->iv));
    side->sequence = 0;
}

void records_start(struct records_side *side, unsigned cipher, const unsigned char *secret)
{
    memset(side, 0, sizeof(*side));
    side->cipher = cipher;
    side->hash_bytes = records_hash_bytes(cipher);
    side->key_bytes = cipher == 0x1301 ? 16 : 32;
    memcpy(side->secret, secret, side->hash_bytes);
    make_keys(side);
}

void records_update(struct records_side *side)
{
    unsigned char next[48];
    expand_label(side, "traffic upd", next, side->hash_bytes);
    memcpy(side->secret, next, side->hash_bytes);
    make_keys(side);
}

static EVP_CIPHER_CTX *begin(struct records_side *side, const unsigned char *header, int encrypt)
{
    const EVP_CIPHER *cipher = side->cipher == 0x1301   ? EVP_aes_128_gcm()
                               : side->cipher == 0x1302 ? EVP_aes_256_gcm()
                                                        : EVP_chacha20_poly1305();
    unsigned char nonce[12];
    int done;
    memcpy(nonce, side->iv, sizeof(nonce));
    for (int i = 0; i < 8; i++)
        nonce[11 - i] ^= (unsigned char)(side->sequence >> (8 * i));
    side->sequence++;
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    rw_assert(context &&
              EVP_CipherInit_ex2(context, cipher, side->key, nonce, encrypt, NULL) == 1 &&
              EVP_CipherUpdate(context, NULL, &done, header, RECORDS_HEADER_BYTES) == 1);
    return context;
}

size_t records_seal_inner(struct records_side *side, const unsigned char *inner, size_t bytes,
                          unsigned char *to)
{
    size_t body = bytes + RECORDS_TAG_BYTES;
    unsigned char header[] = {23, 3, 3, (unsigned char)(body >> 8), (unsigned char)body};
    int done = 0, rest;
    rw_assert(body <= 65535);
    memcpy(to, header, sizeof(header));
    EVP_CIPHER_CTX *context = begin(side, header, 1);
    to += RECORDS_HEADER_BYTES;
    rw_assert(!bytes || EVP_CipherUpdate(context, to, &done, inner, (int)bytes) == 1);
    rw_assert(EVP_CipherFinal_ex(context, to + done, &rest) == 1);
    rw_assert(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, RECORDS_TAG_BYTES, to + bytes) ==
              1);
    EVP_CIPHER_CTX_free(context);
    return RECORDS_HEADER_BYTES + body;
}

size_t records_seal(struct records_side *side, unsigned char type, const void *text, size_t bytes,
                    size_t padding, unsigned char *to)
{
    static _Thread_local unsigned char inner[RECORDS_BYTES_MAX];
    rw_assert(bytes + 1 + padding + RECORDS_TAG_BYTES <= 65535);
    if (bytes)
        memcpy(inner, text, bytes);
    inner[bytes] = type;
    memset(inner + bytes + 1, 0, padding);
    return records_seal_inner(side, inner, bytes + 1 + padding, to);
}

bool records_open(struct records_side *side, const unsigned char *record, size_t bytes,
                  unsigned char *text, size_t *text_bytes, unsigned char *type)
{
    int done = 0, rest;
    if (bytes < RECORDS_HEADER_BYTES + RECORDS_TAG_BYTES + 1 || record[0] != 23)
        return false;
    size_t inner = bytes - RECORDS_HEADER_BYTES - RECORDS_TAG_BYTES;
    EVP_CIPHER_CTX *context = begin(side, record, 0);
    bool good =
        EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, RECORDS_TAG_BYTES,
                            (void *)(uintptr_t)(record + RECORDS_HEADER_BYTES + inner)) == 1 &&
        EVP_CipherUpdate(context, text, &done, record + RECORDS_HEADER_BYTES, (int)inner) == 1 &&
        EVP_CipherFinal_ex(context, text + done, &rest) == 1;
    EVP_CIPHER_CTX_free(context);
    while (good && inner && text[inner - 1] == 0)
        inner--;
    *type = good && inner ? text[inner - 1] : 0;
    *text_bytes = inner ? inner - 1 : 0;
    return good;
}

size_t records_bytes(const unsigned char *at, size_t bytes)
{
    if (bytes < RECORDS_HEADER_BYTES)
        return 0;
    size_t len = RECORDS_HEADER_BYTES + ((size_t)at[3] << 8 | at[4]);
    return bytes < len ? 0 : len;
}
