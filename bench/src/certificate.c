#include "certificate.h"
#include "net.h"

#include <errno.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define DAYS_VALID 7

static X509 *make_certificate(EVP_PKEY *key)
{
    X509 *certificate = X509_new();
    X509_NAME *name = X509_get_subject_name(certificate);
    X509_EXTENSION *names = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, "DNS:bench.test");
    if (certificate == NULL || names == NULL || X509_set_version(certificate, 2) != 1 ||
        ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1) != 1 ||
        X509_gmtime_adj(X509_getm_notBefore(certificate), -3600) == NULL ||
        X509_gmtime_adj(X509_getm_notAfter(certificate), DAYS_VALID * 86400L) == NULL ||
        X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"bench.test",
                                   -1, -1, 0) != 1 ||
        X509_set_issuer_name(certificate, name) != 1 || X509_set_pubkey(certificate, key) != 1 ||
        X509_add_ext(certificate, names, -1) != 1 ||
        X509_sign(certificate, key, EVP_sha256()) == 0) {
        bench_fail("OpenSSL cannot make a certificate");
    }
    X509_EXTENSION_free(names);
    return certificate;
}

static void write_pem(const char *directory, const char *file, X509 *certificate, EVP_PKEY *key)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", directory, file);
    FILE *out = fopen(path, "we");
    if (out == NULL || (certificate != NULL && PEM_write_X509(out, certificate) != 1) ||
        (key != NULL && PEM_write_PrivateKey(out, key, NULL, NULL, 0, NULL, NULL) != 1) ||
        fclose(out) != 0) {
        bench_fail("cannot write %s", path);
    }
}

void bench_certificate_write(const char *directory)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    if (key == NULL) {
        bench_fail("OpenSSL cannot make a P-256 key");
    }
    X509 *certificate = make_certificate(key);
    write_pem(directory, "cert.pem", certificate, NULL);
    write_pem(directory, "key.pem", NULL, key);
    write_pem(directory, "both.pem", certificate, key);
    X509_free(certificate);
    EVP_PKEY_free(key);
}

void bench_certificate_link(const char *from, const char *to)
{
    static const char *const files[] = {"cert.pem", "key.pem", "both.pem"};
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        char source[4096];
        char target[4096];
        snprintf(source, sizeof source, "%s/%s", from, files[i]);
        snprintf(target, sizeof target, "%s/%s", to, files[i]);
        if (link(source, target) != 0 && errno != EEXIST) {
            bench_fail("cannot link %s: %s", target, strerror(errno));
        }
    }
}
