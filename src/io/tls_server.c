#include "base/alloc.h"
#include "base/random.h"
#include "io/tls_internal.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>
#include <stdio.h>

enum {
    ARENA_BLOCK_BYTES = 4096,
    TICKET_S_DEFAULT = 7200,
    TICKET_S_MAX = 604800, /* RFC 8446 section 4.6.1 */
    TICKETS_MAX = 4,
    NAME_BYTES_MAX = 255,
};

static const size_t arena_cap_bytes = (size_t)64 * 1024 * 1024;

/* AES-128 first where the client can do it fast: SHA-256 has instructions of its own, SHA-384 has
 * not. */
static const char ciphers_1_3[] =
    "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";
static const char ciphers_1_2[] = "ECDHE+AESGCM:ECDHE+CHACHA20";

/* ---- Choosing the certificates by name ---- */

static struct rw_tls_context *find_context(const struct rw_tls_server *server, const char *name)
{
    char lower[NAME_BYTES_MAX + 1];
    size_t len = strnlen(name, sizeof(lower));
    if (len == 0 || len >= sizeof(lower))
        return NULL;
    for (size_t i = 0; i < len; i++)
        lower[i] = rw_lower(name[i]);
    if (lower[len - 1] == '.')
        len--;
    struct rw_tls_context *context = rw_map_get(&server->names, rw_span(lower, len));
    ptrdiff_t dot = rw_span_find(rw_span(lower, len), '.');
    if (context || dot <= 0)
        return context;
    lower[dot - 1] = '*';
    return rw_map_get(&server->names, rw_span(lower + dot - 1, len - (size_t)dot + 1));
}

static int choose_by_name(SSL *ssl, int *alert, void *argument)
{
    (void)alert;
    const struct rw_tls_server *server = argument;
    const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    struct rw_tls_context *context = name ? find_context(server, name) : NULL;
    if (context && context->ssl != SSL_get_SSL_CTX(ssl) && !SSL_set_SSL_CTX(ssl, context->ssl))
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    return SSL_TLSEXT_ERR_OK;
}

static int choose_protocol(SSL *ssl, const unsigned char **chosen, unsigned char *bytes,
                           const unsigned char *offered, unsigned offered_bytes, void *argument)
{
    (void)ssl;
    const struct rw_tls_server *server = argument;
    unsigned char *found;
    if (SSL_select_next_proto(&found, bytes, server->alpn, server->alpn_bytes, offered,
                              offered_bytes) != OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    *chosen = found;
    return SSL_TLSEXT_ERR_OK;
}

/* Notes whether the client can resume at all (RFC 8446 section 4.2.9): only then a ticket is worth
 * making. */
static int look_at_hello(SSL *ssl, int *alert, void *argument)
{
    (void)alert, (void)argument;
    const unsigned char *modes;
    size_t bytes;
    if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_psk_kex_modes, &modes, &bytes))
        rw_tls_current->flags |= RW_TLS_TICKET_ASKED;
    return SSL_CLIENT_HELLO_SUCCESS;
}

/* A ticket must not outlive the client certificate that it stands for. */
static SSL_TICKET_RETURN check_ticket(SSL *ssl, SSL_SESSION *session, const unsigned char *name,
                                      size_t name_bytes, SSL_TICKET_STATUS status, void *argument)
{
    (void)ssl, (void)name, (void)name_bytes, (void)argument;
    if (status != SSL_TICKET_SUCCESS && status != SSL_TICKET_SUCCESS_RENEW)
        return SSL_TICKET_RETURN_IGNORE_RENEW;
    X509 *peer = SSL_SESSION_get0_peer(session);
    if (peer && X509_cmp_current_time(X509_get0_notAfter(peer)) <= 0)
        return SSL_TICKET_RETURN_IGNORE_RENEW;
    return status == SSL_TICKET_SUCCESS ? SSL_TICKET_RETURN_USE : SSL_TICKET_RETURN_USE_RENEW;
}

/* ---- One SSL_CTX ---- */

SSL_CTX *rw_tls_context_new(const SSL_METHOD *method, enum rw_tls_version min_version)
{
    SSL_CTX *ssl = SSL_CTX_new_ex(rw_tls_library, NULL, method);
    if (!ssl)
        return NULL;
    int version = min_version == RW_TLS_1_3 ? TLS1_3_VERSION : TLS1_2_VERSION;
    SSL_CTX_set_options(ssl, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION |
                                 SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA |
                                 SSL_OP_NO_ANTI_REPLAY);
    SSL_CTX_set_mode(ssl, SSL_MODE_NO_AUTO_CHAIN);
    if (SSL_CTX_set_min_proto_version(ssl, version) != 1 ||
        SSL_CTX_set_ciphersuites(ssl, ciphers_1_3) != 1 ||
        SSL_CTX_set_cipher_list(ssl, ciphers_1_2) != 1 ||
        SSL_CTX_set1_groups_list(ssl, "X25519:P-256:P-384") != 1) {
        SSL_CTX_free(ssl);
        return NULL;
    }
    return ssl;
}

/* Sessions of listeners that ask for different clients must not be mixed up: the context id that
 * every ticket carries is a hash of how clients are authenticated. */
static enum rw_err set_session_context(SSL_CTX *ssl, const struct rw_tls_server_options *options,
                                       X509_STORE *store)
{
    unsigned char id[EVP_MAX_MD_SIZE], one[EVP_MAX_MD_SIZE];
    unsigned bytes = 0, one_bytes = 0;
    EVP_MD_CTX *digest = EVP_MD_CTX_new();
    enum rw_err err = RW_ENOMEM;
    uint8_t mode = (uint8_t)options->client_auth;
    if (!digest || !EVP_DigestInit_ex(digest, EVP_sha256(), NULL) ||
        !EVP_DigestUpdate(digest, &mode, 1))
        goto out;
    STACK_OF(X509_OBJECT) *objects = store ? X509_STORE_get0_objects(store) : NULL;
    for (int i = 0; i < sk_X509_OBJECT_num(objects); i++) {
        X509 *cert = X509_OBJECT_get0_X509(sk_X509_OBJECT_value(objects, i));
        if (!cert || !X509_digest(cert, EVP_sha256(), one, &one_bytes) ||
            !EVP_DigestUpdate(digest, one, one_bytes))
            goto out;
    }
    if (EVP_DigestFinal_ex(digest, id, &bytes) && SSL_CTX_set_session_id_context(ssl, id, 32))
        err = RW_OK;
out:
    EVP_MD_CTX_free(digest);
    return err;
}

static enum rw_err set_client_auth(SSL_CTX *ssl, const struct rw_tls_server_options *options,
                                   struct rw_text *why)
{
    if (options->client_auth == RW_TLS_AUTH_OFF)
        return set_session_context(ssl, options, NULL);
    if (!options->client_ca.len) {
        rw_tls_complain(why, rw_span("", 0), "client_auth needs a client_ca file");
        return RW_EINVAL;
    }
    STACK_OF(X509_NAME) *names = sk_X509_NAME_new_null();
    X509_STORE *store = SSL_CTX_get_cert_store(ssl);
    enum rw_err err = names ? RW_OK : RW_ENOMEM;
    if (!err)
        err = rw_tls_authorities_load(options->client_ca, store, names, why);
    if (!err)
        err = set_session_context(ssl, options, store);
    if (err) {
        sk_X509_NAME_pop_free(names, X509_NAME_free);
        return err;
    }
    SSL_CTX_set_client_CA_list(ssl, names);
    int mode = SSL_VERIFY_PEER;
    if (options->client_auth == RW_TLS_AUTH_REQUIRED)
        mode |= SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
    SSL_CTX_set_verify(ssl, mode, rw_tls_on_verify);
    return RW_OK;
}

static enum rw_err set_tickets(SSL_CTX *ssl, const struct rw_tls_server_options *options)
{
    SSL_CTX_set_session_cache_mode(ssl, SSL_SESS_CACHE_OFF);
    /* TLS 1.3 tickets are asked for when the first bytes are sent (tls.c). */
    SSL_CTX_set_num_tickets(ssl, 0);
    if (!options->ticket_keys) {
        SSL_CTX_set_options(ssl, SSL_OP_NO_TICKET);
        return RW_OK;
    }
    SSL_CTX_set_timeout(ssl, (long)(options->ticket_s ? options->ticket_s : TICKET_S_DEFAULT));
    if (!SSL_CTX_set_tlsext_ticket_key_evp_cb(ssl, rw_tls_ticket_callback))
        return RW_ENOMEM;
    if (options->client_auth != RW_TLS_AUTH_OFF)
        SSL_CTX_set_session_ticket_cb(ssl, NULL, check_ticket, NULL);
    return RW_OK;
}

static enum rw_err set_ciphers(SSL_CTX *ssl, struct rw_span ciphers, struct rw_text *why)
{
    if (!ciphers.len)
        return RW_OK;
    char *list = rw_strdup(ciphers.at, ciphers.len);
    if (!list)
        return RW_ENOMEM;
    enum rw_err err = RW_OK;
    if (SSL_CTX_set_cipher_list(ssl, list) != 1) {
        rw_tls_complain(why, rw_span("", 0), "ciphers \"%s\": %s", list,
                        rw_tls_reason("not understood"));
        err = RW_EINVAL;
    }
    rw_free(list);
    return err;
}

static enum rw_err set_identities(SSL_CTX *ssl, const struct rw_tls_context *context,
                                  struct rw_text *why)
{
    for (int i = 0; i < RW_TLS_KEY_TYPES; i++) {
        const struct rw_tls_identity *identity = context->identities[i];
        if (identity &&
            SSL_CTX_use_cert_and_key(ssl, identity->cert, identity->key, identity->chain, 1) != 1) {
            char name[256] = "";
            X509_NAME_oneline(X509_get_subject_name(identity->cert), name, sizeof(name));
            rw_tls_complain(why, rw_span("", 0), "the certificate of %s cannot be used: %s", name,
                            rw_tls_reason("unknown reason"));
            return RW_EINVAL;
        }
    }
    return RW_OK;
}

static enum rw_err make_ssl(struct rw_tls_server *server, struct rw_tls_context *context,
                            const struct rw_tls_server_options *options, struct rw_text *why)
{
    SSL_CTX *ssl = rw_tls_context_new(TLS_server_method(), options->min_version);
    context->ssl = ssl;
    if (!ssl)
        return RW_ENOMEM;
    enum rw_err err = set_ciphers(ssl, options->ciphers, why);
    if (!err)
        err = set_identities(ssl, context, why);
    if (!err)
        err = set_client_auth(ssl, options, why);
    if (!err)
        err = set_tickets(ssl, options);
    if (err)
        return err;
    SSL_CTX_set_tlsext_servername_callback(ssl, choose_by_name);
    SSL_CTX_set_tlsext_servername_arg(ssl, server);
    SSL_CTX_set_client_hello_cb(ssl, look_at_hello, NULL);
    if (server->alpn_bytes)
        SSL_CTX_set_alpn_select_cb(ssl, choose_protocol, server);
    return RW_OK;
}

/* ---- Names and sets of certificates ---- */

/* -1: a key that TLS cannot use. */
static int key_type(const EVP_PKEY *key)
{
    switch (EVP_PKEY_get_base_id(key)) {
    case EVP_PKEY_EC:
        return 0;
    case EVP_PKEY_RSA:
    case EVP_PKEY_RSA_PSS:
        return 1;
    case EVP_PKEY_ED25519:
        return 2;
    default:
        return -1;
    }
}

static enum rw_err add_name(struct rw_tls_server *server, struct rw_span name,
                            const struct rw_tls_identity *identity)
{
    char lower[NAME_BYTES_MAX];
    if (name.len == 0 || name.len > sizeof(lower))
        return RW_OK;
    for (size_t i = 0; i < name.len; i++)
        lower[i] = rw_lower(name.at[i]);
    name.at = lower;
    struct rw_tls_context *context = rw_map_get(&server->names, name);
    if (!context) {
        context = rw_arena_zero(&server->arena, sizeof(*context));
        struct rw_span key = rw_arena_copy(&server->arena, name);
        if (!context || !key.at || rw_map_put(&server->names, key, context))
            return RW_ENOMEM;
        if (!server->usual)
            server->usual = context;
    }
    int type = key_type(identity->key);
    if (!context->identities[type])
        context->identities[type] = identity;
    return RW_OK;
}

static enum rw_err add_names(struct rw_tls_server *server, const struct rw_tls_identity *identity)
{
    GENERAL_NAMES *names = X509_get_ext_d2i(identity->cert, NID_subject_alt_name, NULL, NULL);
    enum rw_err err = RW_OK;
    for (int i = 0; !err && i < sk_GENERAL_NAME_num(names); i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
        if (name->type != GEN_DNS)
            continue;
        struct rw_span text = rw_span((const char *)ASN1_STRING_get0_data(name->d.dNSName),
                                      (size_t)ASN1_STRING_length(name->d.dNSName));
        err = add_name(server, text, identity);
    }
    GENERAL_NAMES_free(names);
    return err;
}

/* The first certificate serves whoever asks for no name that is known; with it the companions that
 * share its first name, if it has one. */
static enum rw_err add_identities(struct rw_tls_server *server, struct rw_tls_identity *identities)
{
    enum rw_err err = RW_OK;
    for (size_t i = 0; !err && i < server->certificates; i++) {
        err = add_names(server, &identities[i]);
        if (!err && !server->usual) {
            server->usual = rw_arena_zero(&server->arena, sizeof(*server->usual));
            if (!server->usual)
                return RW_ENOMEM;
            server->usual->identities[key_type(identities[i].key)] = &identities[i];
        }
        server->not_after[i] = identities[i].not_after;
    }
    return err;
}

/* Contexts with the same certificates share one SSL_CTX: `made` maps the set (its pointers' bytes)
 * to the first. */
static enum rw_err share_or_make(struct rw_tls_server *server, struct rw_map *made,
                                 struct rw_tls_context *context,
                                 const struct rw_tls_server_options *options, struct rw_text *why)
{
    if (context->ssl)
        return RW_OK;
    context->next = server->contexts;
    server->contexts = context;
    struct rw_span set = rw_span((const char *)context->identities, sizeof(context->identities));
    struct rw_tls_context *same = rw_map_get(made, set);
    if (same) {
        if (SSL_CTX_up_ref(same->ssl) != 1)
            return RW_ENOMEM;
        context->ssl = same->ssl;
        return RW_OK;
    }
    enum rw_err err = make_ssl(server, context, options, why);
    return err ? err : rw_map_put(made, set, context);
}

static enum rw_err make_contexts(struct rw_tls_server *server,
                                 const struct rw_tls_server_options *options, struct rw_text *why)
{
    struct rw_map made;
    rw_map_init(&made, server->names.seed);
    enum rw_err err = share_or_make(server, &made, server->usual, options, why);
    size_t cursor = 0;
    const struct rw_map_slot *slot;
    while (!err && (slot = rw_map_next(&server->names, &cursor)))
        err = share_or_make(server, &made, slot->value, options, why);
    rw_map_free(&made);
    return err;
}

/* ---- ALPN ---- */

enum rw_err rw_tls_alpn_wire(const struct rw_span *alpn, size_t count, struct rw_arena *arena,
                             unsigned char **wire, unsigned *bytes)
{
    *wire = NULL;
    *bytes = 0;
    if (count == 0)
        return RW_OK;
    if (count > RW_TLS_ALPN_MAX)
        return RW_ELIMIT;
    size_t total = 0;
    for (size_t i = 0; i < count; i++) {
        if (alpn[i].len == 0 || alpn[i].len > 255)
            return RW_EINVAL;
        total += 1 + alpn[i].len;
    }
    unsigned char *to = *wire = rw_arena_alloc(arena, total);
    if (!to)
        return RW_ENOMEM;
    for (size_t i = 0; i < count; i++) {
        *to++ = (unsigned char)alpn[i].len;
        memcpy(to, alpn[i].at, alpn[i].len);
        to += alpn[i].len;
    }
    *bytes = (unsigned)total;
    return RW_OK;
}

/* ---- The server ---- */

static enum rw_err check_identity(const struct rw_tls_server_options *options, size_t index,
                                  const struct rw_tls_identity *identity, struct rw_text *why)
{
    struct rw_span file = options->certificates[index].cert;
    bool current = rw_tls_identity_current(identity, file, why);
    if (key_type(identity->key) < 0) {
        rw_tls_complain(why, options->certificates[index].key,
                        "a key of this kind cannot be used: ECDSA, RSA or Ed25519 expected");
        return RW_EINVAL;
    }
    return current || options->tolerate_dates ? RW_OK : RW_EINVAL;
}

/* Looks at all of them, so that one report names every mistake. */
static enum rw_err load_identities(const struct rw_tls_server_options *options,
                                   struct rw_tls_identity *identities, struct rw_text *why)
{
    enum rw_err first = RW_OK;
    for (size_t i = 0; i < options->certificate_count; i++) {
        enum rw_err err = rw_tls_identity_load(&options->certificates[i], &identities[i], why);
        if (!err)
            err = check_identity(options, i, &identities[i], why);
        if (!first)
            first = err;
    }
    return first;
}

static enum rw_err check_options(const struct rw_tls_server_options *options, struct rw_text *why)
{
    if (options->certificate_count == 0)
        rw_tls_complain(why, rw_span("", 0), "a TLS server needs a certificate");
    else if (options->certificate_count > RW_TLS_CERTIFICATES_MAX)
        rw_tls_complain(why, rw_span("", 0), "more than %d certificates", RW_TLS_CERTIFICATES_MAX);
    else if (options->ticket_s > TICKET_S_MAX || options->ticket_count > TICKETS_MAX)
        rw_tls_complain(why, rw_span("", 0),
                        "tickets live at most %d seconds, and at most %d are given", TICKET_S_MAX,
                        TICKETS_MAX);
    else
        return RW_OK;
    return RW_EINVAL;
}

static enum rw_err fill_server(struct rw_tls_server *server,
                               const struct rw_tls_server_options *options, struct rw_text *why)
{
    server->certificates = options->certificate_count;
    server->not_after =
        rw_arena_zero(&server->arena, server->certificates * sizeof(*server->not_after));
    if (!server->not_after)
        return RW_ENOMEM;
    server->ticket_keys = options->ticket_keys;
    server->ticket_count = options->ticket_count ? options->ticket_count : 1;
    server->takeover = !options->no_takeover;
    enum rw_err err = rw_tls_alpn_wire(options->alpn, options->alpn_count, &server->arena,
                                       &server->alpn, &server->alpn_bytes);
    if (err)
        return err;
    size_t bytes = options->certificate_count * sizeof(struct rw_tls_identity);
    struct rw_tls_identity *identities = rw_alloc_zero(bytes);
    if (!identities)
        return RW_ENOMEM;
    err = load_identities(options, identities, why);
    if (!err)
        err = add_identities(server, identities);
    if (!err)
        err = make_contexts(server, options, why);
    for (size_t i = 0; i < options->certificate_count; i++)
        rw_tls_identity_free(&identities[i]);
    rw_free(identities);
    return err;
}

static void free_server(struct rw_tls_server *server)
{
    for (struct rw_tls_context *context = server->contexts; context; context = context->next)
        SSL_CTX_free(context->ssl);
    rw_map_free(&server->names);
    rw_arena_free(&server->arena);
    rw_free(server);
}

enum rw_err rw_tls_server_create(const struct rw_tls_server_options *options,
                                 struct rw_tls_server **server, struct rw_text *why)
{
    enum rw_err err = rw_tls_init();
    if (!err)
        err = check_options(options, why);
    if (err)
        return err;
    struct rw_tls_server *made = rw_alloc_zero(sizeof(*made));
    if (!made)
        return RW_ENOMEM;
    struct rw_random random;
    rw_random_seed_system(&random);
    atomic_init(&made->references, 1);
    rw_arena_init(&made->arena, NULL, 0, ARENA_BLOCK_BYTES, arena_cap_bytes);
    rw_map_init(&made->names, rw_random_u64(&random));
    err = fill_server(made, options, why);
    ERR_clear_error();
    if (!err && why->err)
        err = why->err;
    if (err)
        free_server(made);
    else
        *server = made;
    return err;
}

struct rw_tls_server *rw_tls_server_hold(struct rw_tls_server *server)
{
    atomic_fetch_add_explicit(&server->references, 1, memory_order_relaxed);
    return server;
}

void rw_tls_server_drop(struct rw_tls_server *server)
{
    if (server && atomic_fetch_sub_explicit(&server->references, 1, memory_order_acq_rel) == 1)
        free_server(server);
}

size_t rw_tls_server_certificates(const struct rw_tls_server *server)
{
    return server->certificates;
}

int64_t rw_tls_server_not_after(const struct rw_tls_server *server, size_t certificate)
{
    return server->not_after[certificate];
}
