#include "base/alloc.h"
#include "base/clock.h"
#include "conf/file.h"
#include "io/tls_internal.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>

enum { COMPLAINT_BYTES_MAX = 512, CHAIN_MAX = 16 };

void rw_tls_complain(struct rw_text *why, struct rw_span file, const char *format, ...)
{
    char message[COMPLAINT_BYTES_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof(message), format, args);
    va_end(args);
    if (file.len)
        rw_text_addf(why, "%.*s: ", RW_SPAN_ARGS(file));
    rw_text_addf(why, "%s\n", message);
}

const char *rw_tls_reason(const char *otherwise)
{
    const char *reason = ERR_reason_error_string(ERR_peek_last_error());
    ERR_clear_error();
    return reason ? reason : otherwise;
}

/* ---- Files ---- */

/* The contents of a file, in a BIO that wipes them when freed. */
static enum rw_err open_pem(struct rw_span file, BIO **bio, struct rw_text *why)
{
    struct rw_text text = {0};
    char room[48];
    char *path = rw_strdup(file.at, file.len);
    *bio = BIO_new(BIO_s_secmem());
    enum rw_err err =
        path && *bio ? rw_conf_slurp(path, RW_TLS_PEM_BYTES_MAX, true, &text) : RW_ENOMEM;
    if (err && err != RW_ENOMEM)
        rw_tls_complain(why, file, "cannot be read: %s",
                        rw_conf_slurp_flaw(err, RW_TLS_PEM_BYTES_MAX, room));
    if (!err && text.len && BIO_write(*bio, text.at, (int)text.len) != (int)text.len)
        err = RW_ENOMEM;
    if (text.at)
        OPENSSL_cleanse(text.at, text.len);
    rw_text_free(&text);
    rw_free(path);
    if (err) {
        BIO_free(*bio);
        *bio = NULL;
    }
    return err;
}

/* Keys with a pass phrase are not for programs that start alone: never asks. */
static int no_pass_phrase(char *to, int room, int writing, void *user)
{
    (void)to, (void)room, (void)writing;
    *(bool *)user = true;
    return -1;
}

/* ---- Certificate and key ---- */

/* Whether reading stopped because there is no further block, rather than at a broken one. */
static bool at_end_of_pem(void)
{
    unsigned long error = ERR_peek_last_error();
    bool end =
        (ERR_GET_LIB(error) == ERR_LIB_PEM && ERR_GET_REASON(error) == PEM_R_NO_START_LINE) ||
        (ERR_GET_LIB(error) == ERR_LIB_OSSL_DECODER && ERR_GET_REASON(error) == ERR_R_UNSUPPORTED);
    if (end)
        ERR_clear_error();
    return end;
}

static X509 *read_x509(BIO *bio)
{
    X509 *cert = X509_new_ex(rw_tls_library, NULL);
    if (cert && PEM_read_bio_X509(bio, &cert, NULL, NULL))
        return cert;
    X509_free(cert);
    return NULL;
}

static enum rw_err read_chain(BIO *bio, struct rw_span file, struct rw_tls_identity *identity,
                              struct rw_text *why)
{
    X509 *issuer;
    while ((issuer = read_x509(bio))) {
        if (!identity->chain)
            identity->chain = sk_X509_new_null();
        if (!identity->chain || !sk_X509_push(identity->chain, issuer)) {
            X509_free(issuer);
            return RW_ENOMEM;
        }
        if (sk_X509_num(identity->chain) > CHAIN_MAX) {
            rw_tls_complain(why, file, "more than %d intermediate certificates", CHAIN_MAX);
            return RW_EINVAL;
        }
    }
    if (at_end_of_pem())
        return RW_OK;
    rw_tls_complain(why, file, "certificate %d is malformed: %s",
                    identity->chain ? sk_X509_num(identity->chain) + 2 : 2,
                    rw_tls_reason("unknown reason"));
    return RW_EINVAL;
}

static enum rw_err read_certificate(struct rw_span file, struct rw_tls_identity *identity,
                                    struct rw_text *why)
{
    BIO *bio;
    enum rw_err err = open_pem(file, &bio, why);
    if (err)
        return err;
    identity->cert = read_x509(bio);
    if (identity->cert) {
        err = read_chain(bio, file, identity, why);
    } else {
        err = RW_EINVAL;
        if (at_end_of_pem())
            rw_tls_complain(why, file, "no certificate in it (PEM expected)");
        else
            rw_tls_complain(why, file, "certificate is malformed: %s",
                            rw_tls_reason("unknown reason"));
    }
    BIO_free(bio);
    return err;
}

static enum rw_err read_key(struct rw_span file, struct rw_tls_identity *identity,
                            struct rw_text *why)
{
    BIO *bio;
    enum rw_err err = open_pem(file, &bio, why);
    if (err)
        return err;
    bool asked = false;
    identity->key =
        PEM_read_bio_PrivateKey_ex(bio, NULL, no_pass_phrase, &asked, rw_tls_library, NULL);
    if (!identity->key) {
        err = RW_EINVAL;
        if (asked)
            rw_tls_complain(why, file, "the key has a pass phrase, which cannot be asked for");
        else if (at_end_of_pem())
            rw_tls_complain(why, file, "no private key in it (PEM expected)");
        else
            rw_tls_complain(why, file, "no private key can be read: %s",
                            rw_tls_reason("unknown reason"));
    }
    ERR_clear_error();
    BIO_free(bio);
    return err;
}

int64_t rw_tls_seconds(const ASN1_TIME *when)
{
    struct tm tm = {0};
    if (!when || ASN1_TIME_to_tm(when, &tm) != 1)
        return 0;
    return (int64_t)timegm(&tm);
}

enum rw_err rw_tls_identity_load(const struct rw_tls_certificate_files *files,
                                 struct rw_tls_identity *identity, struct rw_text *why)
{
    *identity = (struct rw_tls_identity){0};
    enum rw_err err = read_certificate(files->cert, identity, why);
    /* The key is looked at in any case: one report names all that is wrong. */
    enum rw_err key_err = read_key(files->key, identity, why);
    if (!err)
        err = key_err;
    if (!err && X509_check_private_key(identity->cert, identity->key) != 1) {
        rw_tls_complain(why, files->cert, "the certificate does not match the key in %.*s",
                        RW_SPAN_ARGS(files->key));
        ERR_clear_error();
        err = RW_EINVAL;
    }
    if (err) {
        rw_tls_identity_free(identity);
        return err;
    }
    identity->not_after = rw_tls_seconds(X509_get0_notAfter(identity->cert));
    return RW_OK;
}

void rw_tls_identity_free(struct rw_tls_identity *identity)
{
    X509_free(identity->cert);
    EVP_PKEY_free(identity->key);
    sk_X509_pop_free(identity->chain, X509_free);
    *identity = (struct rw_tls_identity){0};
}

/* ---- What a client would refuse ---- */

static bool has_names(X509 *cert)
{
    GENERAL_NAMES *names = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
    bool some = false;
    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
        int type = sk_GENERAL_NAME_value(names, i)->type;
        some |= type == GEN_DNS || type == GEN_IPADD;
    }
    GENERAL_NAMES_free(names);
    return some;
}

bool rw_tls_identity_current(const struct rw_tls_identity *identity, struct rw_span file,
                             struct rw_text *why)
{
    int64_t now_s = (int64_t)(rw_clock_wall_ns() / RW_NS_PER_S);
    int64_t not_before = rw_tls_seconds(X509_get0_notBefore(identity->cert));
    char when[32] = "";
    bool good = true;
    if (identity->not_after < now_s) {
        rw_clock_format_rfc3339(when, (uint64_t)identity->not_after * RW_NS_PER_S);
        rw_tls_complain(why, file, "the certificate expired on %.10s", when);
        good = false;
    }
    if (not_before > now_s) {
        rw_clock_format_rfc3339(when, (uint64_t)not_before * RW_NS_PER_S);
        rw_tls_complain(why, file, "the certificate is not valid before %.19sZ", when);
        good = false;
    }
    if (!has_names(identity->cert)) {
        rw_tls_complain(why, file,
                        "the certificate has no subject alternative name (DNS or IP address), "
                        "without which clients refuse it");
        good = false;
    }
    return good;
}

/* ---- Authorities ---- */

static enum rw_err add_authority(X509 *cert, X509_STORE *store, STACK_OF(X509_NAME) * names)
{
    if (X509_STORE_add_cert(store, cert) != 1)
        return RW_ENOMEM;
    if (!names)
        return RW_OK;
    X509_NAME *name = X509_NAME_dup(X509_get_subject_name(cert));
    if (name && sk_X509_NAME_push(names, name))
        return RW_OK;
    X509_NAME_free(name);
    return RW_ENOMEM;
}

enum rw_err rw_tls_authorities_load(struct rw_span file, X509_STORE *store,
                                    STACK_OF(X509_NAME) * names, struct rw_text *why)
{
    BIO *bio;
    enum rw_err err = open_pem(file, &bio, why);
    if (err)
        return err;
    int count = 0;
    X509 *cert;
    while (!err && (cert = read_x509(bio))) {
        err = add_authority(cert, store, names);
        X509_free(cert);
        count++;
    }
    if (!err && !at_end_of_pem()) {
        rw_tls_complain(why, file, "certificate %d is malformed: %s", count + 1,
                        rw_tls_reason("unknown reason"));
        err = RW_EINVAL;
    }
    if (!err && count == 0) {
        rw_tls_complain(why, file, "no certificate in it (PEM expected)");
        err = RW_EINVAL;
    }
    BIO_free(bio);
    return err;
}
