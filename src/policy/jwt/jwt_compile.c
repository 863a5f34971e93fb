/* From the configuration to keys, caches and the rest. Control thread. */
#include "base/alloc.h"
#include "base/log.h"
#include "conf/file.h"
#include "gate/snapshot.h"
#include "gate/watched_file.h"
#include "policy/jwt/jwt_private.h"

#include <stdio.h>

enum { KEYS_BLOCK_BYTES = 16 * 1024, KEYS_BYTES_MAX = 4 << 20 };

/* ---- Keys ---- */

static unsigned bits_of(const struct rw_conf_list *algorithms)
{
    const int *items = algorithms->items;
    unsigned bits = 0;
    for (size_t i = 0; i < algorithms->count; i++)
        bits |= 1u << items[i];
    return bits;
}

static enum rw_err add_text(struct rw_jwt *jwt, const struct rw_jwt_key_config *config,
                            struct rw_span text, char flaw[256])
{
    unsigned bits = bits_of(&config->algorithms);
    if (config->public_key.len)
        return rw_jwt_keys_add_pem(&jwt->keys, text, config->id, bits, flaw);
    if (config->secret.len)
        return rw_jwt_keys_add_secret(&jwt->keys, text, config->id, bits, flaw);
    return rw_jwt_keys_add_set(&jwt->keys, text, bits, flaw);
}

static enum rw_err add_file(struct rw_compile *compile, struct rw_jwt *jwt,
                            const struct rw_jwt_key_config *config, struct rw_span path)
{
    struct rw_text text = {0};
    char flaw[256];
    enum rw_err err =
        rw_watched_file_add(&compile->snapshot->watched_files, compile->arena, path.at);
    if (err)
        return err;
    err = rw_conf_slurp(path.at, RW_JWT_SET_BYTES_MAX, true, &text);
    if (err && err != RW_ENOMEM) {
        rw_conf_mistake_at(compile->report, config->place, "%s: cannot be read: %s", path.at,
                           rw_conf_slurp_flaw(err, RW_JWT_SET_BYTES_MAX, flaw));
        err = RW_EINVAL;
    } else if (!err) {
        err = add_text(jwt, config, rw_text_span(&text), flaw);
        if (err == RW_EINVAL)
            rw_conf_mistake_at(compile->report, config->place, "%s: %s", path.at, flaw);
    }
    rw_text_free(&text);
    return err;
}

/* Every kind of key is fine: which of them count is for each policy to say. */
static bool is_set(struct rw_span text, char flaw[RW_DOCUMENT_FLAW_BYTES])
{
    struct rw_jwt_keys *keys = rw_alloc_zero(sizeof(*keys));
    struct rw_arena arena;
    if (!keys) {
        snprintf(flaw, RW_DOCUMENT_FLAW_BYTES, "no memory");
        return false;
    }
    rw_arena_init(&arena, NULL, 0, KEYS_BLOCK_BYTES, KEYS_BYTES_MAX);
    keys->arena = &arena;
    enum rw_err err = rw_jwt_keys_add_set(keys, text, ~0u, flaw);
    if (err == RW_ENOMEM)
        snprintf(flaw, RW_DOCUMENT_FLAW_BYTES, "no memory");
    rw_jwt_keys_free(keys);
    rw_arena_free(&arena);
    rw_free(keys);
    return !err;
}

/* What was fetched never makes a configuration wrong: without a key for these algorithms there is
 * none. */
static enum rw_err add_fetched(struct rw_jwt *jwt, const struct rw_jwt_key_config *config,
                               struct rw_span text)
{
    char flaw[256];
    if (text.len == 0) {
        jwt->lacks_keys = true;
        return RW_OK;
    }
    enum rw_err err = rw_jwt_keys_add_set(&jwt->keys, text, bits_of(&config->algorithms), flaw);
    if (err != RW_EINVAL)
        return err;
    rw_log_warn("keys", "jwt keys %.*s: %s", RW_SPAN_ARGS(config->jwks_url), flaw);
    return RW_OK;
}

static enum rw_err add_url(struct rw_compile *compile, struct rw_jwt *jwt,
                           const struct rw_jwt_key_config *config)
{
    const struct rw_document_settings settings = {
        .url = config->jwks_url,
        .tls = config->tls,
        .dns = compile->snapshot->config->dns,
        .refresh_ms = config->refresh_ms,
        .refresh_ms_min = config->refresh_ms_min,
        .is_good = is_set,
    };
    if (!compile->documents)
        return rw_document_check(&settings, compile->report);
    struct rw_document **document = &jwt->documents[jwt->document_count];
    enum rw_err err = rw_document_use(compile->documents, &settings, compile->report, document);
    if (err)
        return err;
    jwt->document_count++;
    return add_fetched(jwt, config, rw_document_text(*document));
}

static enum rw_err add_key(struct rw_compile *compile, struct rw_jwt *jwt,
                           const struct rw_jwt_key_config *config)
{
    char flaw[256];
    if (config->jwks_url.len)
        return add_url(compile, jwt, config);
    if (config->jwks_file.len)
        return add_file(compile, jwt, config, config->jwks_file);
    if (config->public_key.len)
        return add_file(compile, jwt, config, config->public_key);
    enum rw_err err =
        add_text(jwt, config, config->secret.len ? config->secret : config->jwks, flaw);
    if (err == RW_EINVAL)
        rw_conf_mistake_at(compile->report, config->place, "%s", flaw);
    return err;
}

static enum rw_err add_keys(struct rw_compile *compile, struct rw_jwt *jwt)
{
    const struct rw_jwt_key_config *keys = jwt->config->keys.items;
    enum rw_err result = RW_OK;
    jwt->keys.arena = compile->arena;
    jwt->documents =
        rw_arena_alloc(compile->arena, (jwt->config->keys.count + 1) * sizeof(*jwt->documents));
    if (!jwt->documents)
        return RW_ENOMEM;
    for (size_t i = 0; i < jwt->config->keys.count && result != RW_ENOMEM; i++) {
        enum rw_err err = add_key(compile, jwt, &keys[i]);
        result = err ? err : result;
    }
    return result;
}

/* ---- Consumers ---- */

static enum rw_err tell_subject(struct rw_compile *compile, const struct rw_jwt *jwt,
                                const struct rw_config_subject *subject)
{
    rw_conf_mistake_at(
        compile->report, subject->place,
        "\"issuer\" is missing: the policy `jwt` in line %u accepts tokens of %s, and "
        "each has subjects of its own",
        jwt->config->place.line,
        jwt->config->issuers.count == 0  ? "any issuer"
        : jwt->config->issuers.count > 1 ? "several issuers"
                                         : "another issuer than one before it");
    return RW_EINVAL;
}

/* The subject 7 of one issuer is not the subject 7 of another. */
static enum rw_err check_issuers(struct rw_compile *compile, struct rw_jwt *jwt)
{
    const struct rw_config *config = compile->snapshot->config;
    const struct rw_config_consumer *consumers = config->consumers.items;
    const struct rw_span *issuers = jwt->config->issuers.items;
    struct rw_span only = jwt->config->issuers.count == 1 ? issuers[0] : (struct rw_span){0};
    bool sole =
        config->consumers.count && rw_consumers_accept_issuer(compile->snapshot->consumers, only);
    enum rw_err result = RW_OK;
    for (size_t i = 0; i < config->consumers.count; i++) {
        const struct rw_config_subject *subjects = consumers[i].subjects.items;
        jwt->maps_consumers |= consumers[i].subjects.count > 0;
        jwt->maps_tenants |= consumers[i].subjects.count && consumers[i].tenant.len;
        for (size_t k = 0; k < consumers[i].subjects.count && !sole; k++)
            if (!subjects[k].issuer.len)
                result = tell_subject(compile, jwt, &subjects[k]);
    }
    return result;
}

/* ---- Caches ---- */

static enum rw_err make_caches(struct rw_jwt *jwt, unsigned workers)
{
    enum rw_err err = rw_digest_create(workers, &jwt->digest);
    jwt->caches = err ? NULL : rw_alloc_zero(workers * sizeof(struct rw_jwt_cache *));
    if (!jwt->caches)
        return RW_ENOMEM;
    jwt->workers = workers;
    for (unsigned i = 0; i < workers && !err; i++)
        err = rw_jwt_cache_create(jwt->config->cache_tokens, &jwt->caches[i]);
    return err;
}

void rw_jwt_destroy(void *instance)
{
    struct rw_jwt *jwt = instance;
    for (unsigned i = 0; jwt->caches && i < jwt->workers; i++)
        rw_jwt_cache_destroy(jwt->caches[i]);
    rw_free(jwt->caches);
    for (unsigned i = 0; i < jwt->document_count; i++)
        rw_document_drop(jwt->documents[i]);
    rw_digest_destroy(jwt->digest);
    rw_jwt_keys_free(&jwt->keys);
}

/* ---- All of it ---- */

static enum rw_err compile_parts(struct rw_compile *compile, struct rw_jwt *jwt)
{
    const struct rw_jwt_config *config = jwt->config;
    enum rw_err keys = add_keys(compile, jwt), issuers = check_issuers(compile, jwt);
    if (keys || issuers)
        return keys ? keys : issuers;
    enum rw_err err = make_caches(jwt, compile->snapshot->worker_count);
    return err ? err
               : rw_challenge_compile(compile, &config->challenge, "Bearer",
                                      ", error=\"invalid_token\"", &jwt->challenge);
}

enum rw_err rw_jwt_compile(struct rw_compile *compile, const void *value, void **instance)
{
    const struct rw_jwt_config *config = value;
    struct rw_jwt *jwt = rw_arena_zero(compile->arena, sizeof(*jwt));
    if (!jwt)
        return RW_ENOMEM;
    jwt->config = config;
    jwt->consumers = compile->snapshot->consumers;
    jwt->bearer = !config->header.len && !config->cookie.len;
    jwt->credential =
        config->cookie.len
            ? (struct rw_credential){RW_CREDENTIAL_COOKIE, config->cookie}
            : (struct rw_credential){RW_CREDENTIAL_HEADER,
                                     jwt->bearer ? RW_LITERAL("Authorization") : config->header};
    enum rw_err err = compile_parts(compile, jwt);
    if (err)
        rw_jwt_destroy(jwt);
    else
        *instance = jwt;
    return err;
}
