#include "verify/fault/authority.h"

#include "base/alloc.h"
#include "io/address.h"

#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <stdio.h>

enum { DAY_S = 24 * 3600, NAME_BYTES_MAX = 253 };

struct rw_authority {
    EVP_PKEY *key;
    X509 *certificate;
};

/* What one certificate is about; a subject that issues itself has no issuer. */
struct request {
    const char *subject;
    const char *alternative; /* "DNS:..." or "IP:..."; NULL: an authority's */
    long from_s, until_s;    /* from now */
    EVP_PKEY *key;
};

static bool set_serial(X509 *certificate)
{
    unsigned char bytes[16];
    if (RAND_bytes(bytes, sizeof(bytes)) != 1)
        return false;
    bytes[0] = (bytes[0] & 0x7f) | 0x40; /* positive, and of one length */
    BIGNUM *number = BN_bin2bn(bytes, sizeof(bytes), NULL);
    bool good = number && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate));
    BN_free(number);
    return good;
}

static bool set_subject(X509 *certificate, const char *subject)
{
    /* At most 64 characters (X.520 ub-common-name); who verifies looks at the alternative. */
    int len = (int)strnlen(subject, 64);
    return X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_ASC,
                                      (const unsigned char *)subject, len, -1, 0) == 1;
}

static bool add_extension(X509 *certificate, X509 *issuer, int kind, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, kind, value);
    bool good = extension && X509_add_ext(certificate, extension, -1) == 1;
    X509_EXTENSION_free(extension);
    return good;
}

static bool fill(X509 *certificate, const struct request *request, X509 *issuer)
{
    bool authority = !request->alternative;
    return X509_set_version(certificate, X509_VERSION_3) == 1 && set_serial(certificate) &&
           X509_gmtime_adj(X509_getm_notBefore(certificate), request->from_s) &&
           X509_gmtime_adj(X509_getm_notAfter(certificate), request->until_s) &&
           set_subject(certificate, request->subject) &&
           X509_set_issuer_name(certificate, X509_get_subject_name(issuer)) == 1 &&
           X509_set_pubkey(certificate, request->key) == 1 &&
           add_extension(certificate, issuer, NID_basic_constraints,
                         authority ? "critical,CA:TRUE" : "critical,CA:FALSE") &&
           add_extension(certificate, issuer, NID_key_usage,
                         authority ? "critical,keyCertSign" : "critical,digitalSignature") &&
           add_extension(certificate, issuer, NID_subject_key_identifier, "hash") &&
           (authority ||
            add_extension(certificate, issuer, NID_subject_alt_name, request->alternative));
}

/* NULL: OpenSSL refused. */
static X509 *make(const struct request *request, X509 *issuer, EVP_PKEY *issuer_key)
{
    X509 *certificate = X509_new();
    if (certificate && fill(certificate, request, issuer ? issuer : certificate) &&
        X509_sign(certificate, issuer_key, EVP_sha256()) > 0)
        return certificate;
    X509_free(certificate);
    return NULL;
}

enum rw_err rw_authority_create(struct rw_authority **out)
{
    struct rw_authority *authority = rw_alloc_zero(sizeof(*authority));
    if (!authority)
        return RW_ENOMEM;
    authority->key = EVP_EC_gen("P-256");
    const struct request request = {.subject = "ringway verify",
                                    .from_s = -2 * 365 * DAY_S,
                                    .until_s = 365 * DAY_S,
                                    .key = authority->key};
    if (authority->key)
        authority->certificate = make(&request, NULL, authority->key);
    if (!authority->certificate) {
        rw_authority_destroy(authority);
        return RW_ETLS;
    }
    *out = authority;
    return RW_OK;
}

void rw_authority_destroy(struct rw_authority *authority)
{
    if (!authority)
        return;
    X509_free(authority->certificate);
    EVP_PKEY_free(authority->key);
    rw_free(authority);
}

/* ---- PEM ---- */

/* One of the two. */
static enum rw_err add_pem(X509 *certificate, EVP_PKEY *key, struct rw_text *text)
{
    BIO *memory = BIO_new(BIO_s_mem());
    char *bytes;
    if (!memory)
        return RW_ENOMEM;
    bool good = certificate ? PEM_write_bio_X509(memory, certificate) == 1
                            : PEM_write_bio_PrivateKey(memory, key, NULL, NULL, 0, NULL, NULL) == 1;
    long len = BIO_get_mem_data(memory, &bytes);
    if (good)
        rw_text_add(text, rw_span(bytes, (size_t)len));
    BIO_free(memory);
    return good ? text->err : RW_ETLS;
}

enum rw_err rw_authority_certificate(const struct rw_authority *authority, struct rw_text *pem)
{
    return add_pem(authority->certificate, NULL, pem);
}

/* ---- Issuing ---- */

static bool is_name(struct rw_span name)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = rw_lower(name.at[i]);
        bool good = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
                    c == '_' || c == ':';
        if (!good) /* the rest has a meaning in OpenSSL's own notation */
            return false;
    }
    return name.len > 0 && name.len <= NAME_BYTES_MAX;
}

/* The next of several with commas between, taken from the front. */
static struct rw_span next_name(struct rw_span *names)
{
    ptrdiff_t comma = rw_span_find(*names, ',');
    struct rw_span name = comma < 0 ? *names : rw_span(names->at, (size_t)comma);
    *names = rw_span_skip(*names, comma < 0 ? names->len : (size_t)comma + 1);
    return name;
}

/* "DNS:shop.example,IP:10.0.0.1" */
static enum rw_err write_alternative(struct rw_span names, struct rw_text *alternative)
{
    do {
        struct rw_span name = next_name(&names);
        struct rw_address address;
        bool numeric = !rw_address_parse_ip(name, 0, &address);
        if (!is_name(name) || (!numeric && rw_span_find(name, ':') >= 0))
            return RW_EINVAL;
        rw_text_addf(alternative, "%s%s:%.*s", alternative->len ? "," : "", numeric ? "IP" : "DNS",
                     RW_SPAN_ARGS(name));
    } while (names.len);
    return alternative->err;
}

static enum rw_err add_pair(X509 *made, EVP_PKEY *made_for, struct rw_text *certificate,
                            struct rw_text *key)
{
    enum rw_err err = made ? add_pem(made, NULL, certificate) : RW_ETLS;
    return err ? err : add_pem(NULL, made_for, key);
}

enum rw_err rw_authority_issue(const struct rw_authority *authority, struct rw_span names,
                               enum rw_certificate_flaw flaw, struct rw_text *certificate,
                               struct rw_text *key)
{
    char subject[NAME_BYTES_MAX + 1];
    struct rw_text alternative = {0};
    if (flaw == RW_CERTIFICATE_WRONG_NAME)
        names = RW_LITERAL("wrong-name.invalid");
    enum rw_err err = write_alternative(names, &alternative);
    if (err) {
        rw_text_free(&alternative);
        return err;
    }
    struct rw_span first = next_name(&names);
    snprintf(subject, sizeof(subject), "%.*s", RW_SPAN_ARGS(first));
    struct request request = {.subject = subject,
                              .alternative = alternative.at,
                              .from_s = -365 * DAY_S,
                              .until_s = flaw == RW_CERTIFICATE_EXPIRED ? -DAY_S : 30 * DAY_S,
                              .key = EVP_EC_gen("P-256")};
    X509 *made = request.key ? make(&request, authority->certificate, authority->key) : NULL;
    err = add_pair(made, request.key, certificate, key);
    X509_free(made);
    EVP_PKEY_free(request.key);
    rw_text_free(&alternative);
    return err;
}
