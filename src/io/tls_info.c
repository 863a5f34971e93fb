#include "io/tls_internal.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>
#include <stdio.h>

void rw_tls_info_of_ssl(SSL *ssl, struct rw_tls_info *info)
{
    const unsigned char *alpn;
    unsigned alpn_bytes;
    SSL_get0_alpn_selected(ssl, &alpn, &alpn_bytes);
    info->version = SSL_get_version(ssl);
    info->cipher = SSL_get_cipher_name(ssl);
    info->alpn = rw_span((const char *)alpn, alpn_bytes);
    info->sni = rw_span_text(SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name));
    info->resumed = SSL_session_reused(ssl);
    info->peer_verified = SSL_get0_peer_certificate(ssl) &&
                          (SSL_get_verify_mode(ssl) & SSL_VERIFY_PEER) &&
                          SSL_get_verify_result(ssl) == X509_V_OK;
}

bool rw_tls_info(const struct rw_stream *stream, struct rw_tls_info *info)
{
    *info = (struct rw_tls_info){.version = "", .cipher = ""};
    const struct rw_tls *tls = stream->tls;
    if (!tls)
        return false;
    if (tls->ssl) {
        rw_tls_info_of_ssl(tls->ssl, info);
        return true;
    }
    const struct rw_tls_records *records = tls->records;
    info->version = "TLSv1.3";
    info->cipher = records->cipher_name;
    info->alpn = rw_span(records->text, records->alpn_bytes);
    if (records->sni_bytes)
        info->sni = rw_span(records->text + records->alpn_bytes, records->sni_bytes);
    info->resumed = records->resumed;
    info->peer_verified = records->peer_verified;
    return true;
}

static X509 *peer_of(const struct rw_tls *tls)
{
    if (!tls)
        return NULL;
    return tls->ssl ? SSL_get0_peer_certificate(tls->ssl) : tls->records->peer;
}

/* ---- The peer's certificate as text ---- */

static struct rw_span name_text(X509_NAME *name, struct rw_arena *arena)
{
    struct rw_span text = {0};
    BIO *bio = BIO_new(BIO_s_mem());
    char *at;
    if (bio && X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB) >= 0) {
        long len = BIO_get_mem_data(bio, &at);
        text = rw_arena_copy(arena, rw_span(len > 0 ? at : "", len > 0 ? (size_t)len : 0));
    }
    BIO_free(bio);
    return text;
}

static struct rw_span hex_text(const unsigned char *from, size_t count, const char *digits,
                               struct rw_arena *arena)
{
    char *to = rw_arena_alloc(arena, 2 * count + 1);
    if (!to)
        return (struct rw_span){0};
    for (size_t i = 0; i < count; i++) {
        to[2 * i] = digits[from[i] >> 4];
        to[2 * i + 1] = digits[from[i] & 15];
    }
    to[2 * count] = '\0';
    return rw_span(to, 2 * count);
}

static struct rw_span string_text(const char *kind, const ASN1_STRING *string,
                                  struct rw_arena *arena)
{
    return rw_arena_format(arena, "%s:%.*s", kind, ASN1_STRING_length(string),
                           (const char *)ASN1_STRING_get0_data(string));
}

static struct rw_span address_text(const ASN1_OCTET_STRING *address, struct rw_arena *arena)
{
    char text[INET6_ADDRSTRLEN] = "";
    int family = ASN1_STRING_length(address) == 4 ? AF_INET : AF_INET6;
    if (ASN1_STRING_length(address) != 4 && ASN1_STRING_length(address) != 16)
        return rw_span("", 0);
    if (!inet_ntop(family, ASN1_STRING_get0_data(address), text, sizeof(text)))
        return rw_span("", 0);
    return rw_arena_format(arena, "IP:%s", text);
}

/* Length 0: a kind of name that nobody matches on. A NUL inside is somebody's trick. */
static struct rw_span san_text(const GENERAL_NAME *name, struct rw_arena *arena)
{
    if (name->type == GEN_IPADD)
        return address_text(name->d.iPAddress, arena);
    const char *kind = name->type == GEN_DNS     ? "DNS"
                       : name->type == GEN_URI   ? "URI"
                       : name->type == GEN_EMAIL ? "email"
                                                 : NULL;
    if (!kind ||
        memchr(ASN1_STRING_get0_data(name->d.ia5), 0, (size_t)ASN1_STRING_length(name->d.ia5)))
        return rw_span("", 0);
    return string_text(kind, name->d.ia5, arena);
}

static enum rw_err list_sans(X509 *cert, struct rw_arena *arena, struct rw_tls_peer *peer)
{
    GENERAL_NAMES *names = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
    int count = sk_GENERAL_NAME_num(names);
    enum rw_err err = RW_OK;
    count = count < RW_TLS_SANS_MAX ? count : RW_TLS_SANS_MAX;
    if (count > 0) {
        struct rw_span *sans = rw_arena_alloc(arena, (size_t)count * sizeof(*sans));
        err = sans ? RW_OK : RW_ENOMEM;
        for (int i = 0; !err && i < count; i++) {
            struct rw_span text = san_text(sk_GENERAL_NAME_value(names, i), arena);
            if (!text.at)
                err = RW_ENOMEM;
            else if (text.len)
                sans[peer->san_count++] = text;
        }
        peer->sans = sans;
    }
    GENERAL_NAMES_free(names);
    return err;
}

enum rw_err rw_tls_describe(X509 *cert, struct rw_arena *arena, struct rw_tls_peer *peer)
{
    *peer = (struct rw_tls_peer){0};
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned digest_bytes = 0;
    const ASN1_INTEGER *serial = X509_get0_serialNumber(cert);
    if (!X509_digest(cert, EVP_sha256(), digest, &digest_bytes))
        return RW_ENOMEM;
    peer->subject = name_text(X509_get_subject_name(cert), arena);
    peer->issuer = name_text(X509_get_issuer_name(cert), arena);
    peer->serial = hex_text(ASN1_STRING_get0_data(serial), (size_t)ASN1_STRING_length(serial),
                            "0123456789ABCDEF", arena);
    peer->fingerprint = hex_text(digest, digest_bytes, "0123456789abcdef", arena);
    peer->not_before = rw_tls_seconds(X509_get0_notBefore(cert));
    peer->not_after = rw_tls_seconds(X509_get0_notAfter(cert));
    enum rw_err err = list_sans(cert, arena, peer);
    ERR_clear_error();
    if (!peer->subject.at || !peer->issuer.at || !peer->serial.at || !peer->fingerprint.at)
        err = RW_ENOMEM;
    return err;
}

enum rw_err rw_tls_peer(const struct rw_stream *stream, struct rw_arena *arena,
                        struct rw_tls_peer *peer)
{
    *peer = (struct rw_tls_peer){0};
    X509 *cert = peer_of(stream->tls);
    return cert ? rw_tls_describe(cert, arena, peer) : RW_ENOENT;
}

const char *rw_tls_error_text(const struct rw_stream *stream)
{
    static _Thread_local char text[640];
    const struct rw_tls *tls = stream->tls;
    text[0] = '\0';
    if (!tls || !(tls->flags & RW_TLS_FAILED))
        return text;
    if (tls->verify_error != X509_V_OK)
        snprintf(text, sizeof(text), "%s: %s%s%s", tls->reason ? tls->reason : "not trusted",
                 X509_verify_cert_error_string(tls->verify_error), tls->complaint ? ": " : "",
                 tls->complaint ? tls->complaint : "");
    else if (tls->reason)
        snprintf(text, sizeof(text), "%s", tls->reason);
    return text;
}
