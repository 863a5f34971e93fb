#include "base/alloc.h"
#include "base/random.h"
#include "io/tls_internal.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <string.h>

enum { ARENA_BLOCK_BYTES = 1024, ARENA_CAP_BYTES = 64 * 1024 };

/* ---- Kept sessions: each ticket is used once (RFC 8446 appendix C.4) ---- */

static struct rw_tls_session *session_slot(struct rw_tls_client *client, const char *name)
{
    uint64_t hash = rw_hash(name, strlen(name), client->seed);
    return &client->sessions[hash % RW_TLS_CLIENT_SESSIONS_MAX];
}

static int keep_session(SSL *ssl, SSL_SESSION *session)
{
    (void)ssl;
    struct rw_tls *tls = rw_tls_current;
    struct rw_tls_client *client = tls->of.client;
    if (!tls->name || !SSL_SESSION_is_resumable(session))
        return 0;
    char *name = rw_strdup(tls->name, strlen(tls->name));
    if (!name)
        return 0;
    pthread_mutex_lock(&client->lock);
    struct rw_tls_session *slot = session_slot(client, name);
    struct rw_tls_session displaced = *slot;
    *slot = (struct rw_tls_session){.name = name, .session = session};
    pthread_mutex_unlock(&client->lock);
    rw_free(displaced.name);
    SSL_SESSION_free(displaced.session);
    return 1; /* the reference is ours now */
}

static void use_session(struct rw_tls *tls)
{
    struct rw_tls_client *client = tls->of.client;
    struct rw_tls_session taken = {0};
    pthread_mutex_lock(&client->lock);
    struct rw_tls_session *slot = session_slot(client, tls->name);
    if (slot->name && strcmp(slot->name, tls->name) == 0) {
        taken = *slot;
        *slot = (struct rw_tls_session){0};
    }
    pthread_mutex_unlock(&client->lock);
    if (taken.session)
        SSL_set_session(tls->ssl, taken.session);
    SSL_SESSION_free(taken.session);
    rw_free(taken.name);
}

/* ---- One connection ---- */

static enum rw_err set_name(struct rw_tls *tls)
{
    X509_VERIFY_PARAM *verify = SSL_get0_param(tls->ssl);
    if (X509_VERIFY_PARAM_set1_ip_asc(verify, tls->name) == 1)
        return RW_OK; /* an address is verified, but SNI is for names (RFC 6066 section 3) */
    ERR_clear_error();
    X509_VERIFY_PARAM_set_hostflags(verify, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    if (X509_VERIFY_PARAM_set1_host(verify, tls->name, 0) == 1 &&
        SSL_set_tlsext_host_name(tls->ssl, tls->name) == 1)
        return RW_OK;
    ERR_clear_error();
    return strlen(tls->name) > TLSEXT_MAXLEN_host_name ? RW_EINVAL : RW_ENOMEM;
}

enum rw_err rw_tls_client_prepare(struct rw_tls *tls, const char *name)
{
    struct rw_tls_client *client = tls->of.client;
    if (!name || !*name)
        name = client->name;
    if (!name)
        return client->insecure ? RW_OK : RW_EVERIFY;
    tls->name = rw_strdup(name, strlen(name));
    if (!tls->name)
        return RW_ENOMEM;
    enum rw_err err = set_name(tls);
    if (!err && client->resumption)
        use_session(tls);
    return err;
}

/* ---- The client ---- */

static enum rw_err set_trust(SSL_CTX *ssl, const struct rw_tls_client_options *options,
                             struct rw_text *why)
{
    if (options->insecure)
        return RW_OK;
    SSL_CTX_set_verify(ssl, SSL_VERIFY_PEER, rw_tls_on_verify);
    if (options->ca.len)
        return rw_tls_authorities_load(options->ca, SSL_CTX_get_cert_store(ssl), NULL, why);
    if (SSL_CTX_set_default_verify_paths(ssl) == 1)
        return RW_OK;
    rw_tls_complain(why, rw_span("", 0), "the system's certificate store cannot be used: %s",
                    rw_tls_reason("unknown reason"));
    return RW_EINVAL;
}

static enum rw_err set_identity(struct rw_tls_client *client,
                                const struct rw_tls_client_options *options, struct rw_text *why)
{
    if (!options->cert.len && !options->key.len)
        return RW_OK;
    if (!options->cert.len || !options->key.len) {
        rw_tls_complain(why, options->cert.len ? options->cert : options->key,
                        "a client certificate needs both cert and key");
        return RW_EINVAL;
    }
    struct rw_tls_certificate_files files = {.cert = options->cert, .key = options->key};
    struct rw_tls_identity identity;
    enum rw_err err = rw_tls_identity_load(&files, &identity, why);
    if (err)
        return err;
    if (SSL_CTX_use_cert_and_key(client->ssl, identity.cert, identity.key, identity.chain, 1) !=
        1) {
        rw_tls_complain(why, options->cert, "cannot be used: %s", rw_tls_reason("unknown reason"));
        err = RW_EINVAL;
    }
    client->not_after = identity.not_after;
    rw_tls_identity_free(&identity);
    return err;
}

static void set_resumption(SSL_CTX *ssl, bool on)
{
    if (!on) {
        SSL_CTX_set_session_cache_mode(ssl, SSL_SESS_CACHE_OFF);
        return;
    }
    SSL_CTX_set_session_cache_mode(ssl, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL |
                                            SSL_SESS_CACHE_NO_AUTO_CLEAR);
    SSL_CTX_sess_set_new_cb(ssl, keep_session);
}

static enum rw_err fill_client(struct rw_tls_client *client,
                               const struct rw_tls_client_options *options, struct rw_text *why)
{
    client->insecure = options->insecure;
    client->resumption = !options->no_resumption;
    client->ssl = rw_tls_context_new(TLS_client_method(), options->min_version);
    if (!client->ssl)
        return RW_ENOMEM;
    set_resumption(client->ssl, client->resumption);
    if (options->name.len) {
        client->name = rw_strdup(options->name.at, options->name.len);
        if (!client->name)
            return RW_ENOMEM;
    }
    unsigned char *alpn;
    unsigned alpn_bytes;
    enum rw_err err =
        rw_tls_alpn_wire(options->alpn, options->alpn_count, &client->arena, &alpn, &alpn_bytes);
    if (!err && alpn_bytes && SSL_CTX_set_alpn_protos(client->ssl, alpn, alpn_bytes) != 0)
        err = RW_ENOMEM;
    if (!err)
        err = set_trust(client->ssl, options, why);
    if (!err)
        err = set_identity(client, options, why);
    return err;
}

static void free_client(struct rw_tls_client *client)
{
    for (int i = 0; i < RW_TLS_CLIENT_SESSIONS_MAX; i++) {
        rw_free(client->sessions[i].name);
        SSL_SESSION_free(client->sessions[i].session);
    }
    pthread_mutex_destroy(&client->lock);
    SSL_CTX_free(client->ssl);
    rw_free(client->name);
    rw_arena_free(&client->arena);
    rw_free(client);
}

enum rw_err rw_tls_client_create(const struct rw_tls_client_options *options,
                                 struct rw_tls_client **client, struct rw_text *why)
{
    enum rw_err err = rw_tls_init();
    if (err)
        return err;
    struct rw_tls_client *made = rw_alloc_zero(sizeof(*made));
    if (!made)
        return RW_ENOMEM;
    if (pthread_mutex_init(&made->lock, NULL)) {
        rw_free(made);
        return RW_ENOMEM;
    }
    struct rw_random random;
    rw_random_seed_system(&random);
    made->seed = rw_random_u64(&random);
    atomic_init(&made->references, 1);
    rw_arena_init(&made->arena, NULL, 0, ARENA_BLOCK_BYTES, ARENA_CAP_BYTES);
    err = fill_client(made, options, why);
    ERR_clear_error();
    if (!err && why->err)
        err = why->err;
    if (err)
        free_client(made);
    else
        *client = made;
    return err;
}

struct rw_tls_client *rw_tls_client_hold(struct rw_tls_client *client)
{
    atomic_fetch_add_explicit(&client->references, 1, memory_order_relaxed);
    return client;
}

void rw_tls_client_drop(struct rw_tls_client *client)
{
    if (client && atomic_fetch_sub_explicit(&client->references, 1, memory_order_acq_rel) == 1)
        free_client(client);
}

int64_t rw_tls_client_not_after(const struct rw_tls_client *client)
{
    return client->not_after;
}
