#include "gate/identity/digest.h"

#include "base/alloc.h"

#include <openssl/evp.h>

struct rw_digest {
    EVP_MD *sha256;
    unsigned workers;
    EVP_MD_CTX *contexts[];
};

enum rw_err rw_digest_create(unsigned workers, struct rw_digest **made)
{
    struct rw_digest *digest = rw_alloc_zero(sizeof(*digest) + workers * sizeof(*digest->contexts));
    if (!digest)
        return RW_ENOMEM;
    digest->workers = workers;
    digest->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    bool whole = digest->sha256 != NULL;
    for (unsigned i = 0; i < workers && whole; i++) {
        digest->contexts[i] = EVP_MD_CTX_new();
        whole = digest->contexts[i] != NULL;
    }
    if (!whole) {
        rw_digest_destroy(digest);
        return RW_ENOMEM;
    }
    *made = digest;
    return RW_OK;
}

void rw_digest_destroy(struct rw_digest *digest)
{
    if (!digest)
        return;
    for (unsigned i = 0; i < digest->workers; i++)
        EVP_MD_CTX_free(digest->contexts[i]);
    EVP_MD_free(digest->sha256);
    rw_free(digest);
}

enum rw_err rw_digest_of(const struct rw_digest *digest, unsigned worker, struct rw_span text,
                         uint8_t to[RW_DIGEST_BYTES])
{
    rw_assert(worker < digest->workers);
    EVP_MD_CTX *context = digest->contexts[worker];
    bool done = EVP_DigestInit_ex2(context, digest->sha256, NULL) &&
                EVP_DigestUpdate(context, text.at, text.len) &&
                EVP_DigestFinal_ex(context, to, NULL);
    return done ? RW_OK : RW_ENOMEM;
}
