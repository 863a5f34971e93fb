#include "support/jwt_maker.h"

#include "base/base64.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

void rw_test_add_base64url(struct rw_text *text, struct rw_span bytes)
{
    struct rw_base64_encoder encoder = {0};
    char out[256];
    size_t begin = text->len;
    while (bytes.len)
        rw_text_add(text, rw_span(out, rw_base64_encode(&encoder, &bytes, out, sizeof(out))));
    rw_text_add(text, rw_span(out, rw_base64_finish(&encoder, out)));
    for (size_t i = begin; i < text->len; i++)
        text->at[i] = text->at[i] == '+' ? '-' : text->at[i] == '/' ? '_' : text->at[i];
    while (text->len > begin && text->at[text->len - 1] == '=')
        text->at[--text->len] = '\0';
}

static struct rw_text begin(const char *header, const char *claims)
{
    struct rw_text text = {0};
    rw_test_add_base64url(&text, rw_span_text(header));
    rw_text_adds(&text, ".");
    rw_test_add_base64url(&text, rw_span_text(claims));
    return text;
}

static struct rw_text end(struct rw_text text, struct rw_span signature)
{
    rw_text_adds(&text, ".");
    rw_test_add_base64url(&text, signature);
    rw_assert(!text.err);
    return text;
}

struct rw_text rw_test_jwt(const char *header, const char *claims, struct rw_span secret)
{
    unsigned char mac[EVP_MAX_MD_SIZE];
    unsigned len;
    struct rw_text text = begin(header, claims);
    HMAC(EVP_sha256(), secret.at, (int)secret.len, (const unsigned char *)text.at, text.len, mac,
         &len);
    return end(text, rw_span((const char *)mac, len));
}

struct rw_text rw_test_jwt_signed(const char *header, const char *claims, EVP_PKEY *key,
                                  const char *digest)
{
    unsigned char signature[1024];
    size_t len = sizeof(signature);
    struct rw_text text = begin(header, claims);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool done =
        EVP_DigestSignInit_ex(context, NULL, digest, NULL, NULL, key, NULL) > 0 &&
        EVP_DigestSign(context, signature, &len, (const unsigned char *)text.at, text.len) > 0;
    rw_assert(done);
    EVP_MD_CTX_free(context);
    return end(text, rw_span((const char *)signature, len));
}
