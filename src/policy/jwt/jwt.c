#include "policy/jwt/jwt.h"

#include "base/clock.h"
#include "gate/worker.h"
#include "policy/jwt/jwt_private.h"
#include "policy/refuse.h"

/* ---- Where the token is ---- */

/* RFC 6750 section 2.1, RFC 9110 section 11.4: the scheme in any case. Other schemes are for
 * others.
 */
static bool take_bearer(struct rw_span *value)
{
    const struct rw_span scheme = RW_LITERAL("Bearer ");
    if (value->len < scheme.len || !rw_span_eq_nocase(rw_span(value->at, scheme.len), scheme))
        return false;
    *value = rw_span_trim(rw_span_skip(*value, scheme.len));
    return true;
}

static enum rw_credential_found find_token(const struct rw_jwt *jwt, struct rw_exchange *x,
                                           struct rw_span *token)
{
    enum rw_credential_found found = rw_credential_find(&jwt->credential, x, token);
    if (found == RW_CREDENTIAL_ONE && jwt->bearer && !take_bearer(token))
        return RW_CREDENTIAL_NONE;
    return found;
}

/* ---- A token that is not known yet ---- */

static enum rw_jwt_result verify(const struct rw_jwt *jwt, const struct rw_jwt_token *token)
{
    enum rw_jwt_algorithm algorithm = rw_jwt_algorithm_named(token->algorithm);
    enum rw_err err = RW_ENOENT;
    unsigned from = 0, tries = 0;
    while (err && err != RW_ENOMEM && tries++ < RW_JWT_TRIES_MAX &&
           algorithm < RW_JWT_ALGORITHM_COUNT) {
        const struct rw_jwt_key *key =
            rw_jwt_keys_next(&jwt->keys, algorithm, token->key_id, &from);
        if (!key)
            break;
        err = rw_jwt_verify(key, algorithm, token->signed_text, token->signature);
    }
    return err == RW_OK       ? RW_JWT_VALID
           : err == RW_ENOENT ? RW_JWT_UNKNOWN_KEY
           : err == RW_ENOMEM ? RW_JWT_NO_MEMORY
                              : RW_JWT_BAD_SIGNATURE;
}

static enum rw_jwt_result result_of(enum rw_err err)
{
    return err == RW_OK ? RW_JWT_VALID : err == RW_ENOMEM ? RW_JWT_NO_MEMORY : RW_JWT_MALFORMED;
}

/* "application/" may be left out (RFC 7515 section 4.1.9). */
static bool has_type(const struct rw_jwt *jwt, struct rw_span type)
{
    const struct rw_span prefix = RW_LITERAL("application/");
    if (type.len > prefix.len && rw_span_eq_nocase(rw_span(type.at, prefix.len), prefix))
        type = rw_span_skip(type, prefix.len);
    return !jwt->config->type.len || rw_span_eq_nocase(type, jwt->config->type);
}

/* A key that is unknown may be a new one, which is worth a look at where keys come from; and as
 * long as nothing ever came from there nobody can say whether the token is good. */
static enum rw_jwt_result ask_for_keys(const struct rw_jwt *jwt, enum rw_jwt_result result)
{
    bool unknown = result == RW_JWT_UNKNOWN_KEY;
    for (unsigned i = 0; i < jwt->document_count && unknown; i++)
        rw_document_want(jwt->documents[i]);
    return jwt->lacks_keys && (unknown || result == RW_JWT_BAD_SIGNATURE) ? RW_JWT_NO_KEYS : result;
}

static enum rw_jwt_result examine(const struct rw_jwt *jwt, struct rw_jwt_token *token,
                                  uint64_t now_s, struct rw_claim *room, struct rw_jwt_known *known)
{
    enum rw_jwt_result result =
        has_type(jwt, token->type) ? ask_for_keys(jwt, verify(jwt, token)) : RW_JWT_WRONG_CLAIM;
    if (!result)
        result = result_of(rw_jwt_token_claims(token));
    return result ? result : rw_jwt_read_claims(jwt, token->claims, now_s, room, known);
}

/* What the policy asks about a request: its token, by its digest, at this time. */
struct question {
    struct rw_span token;
    uint8_t digest[RW_DIGEST_BYTES];
    uint64_t now_s;
};

static enum rw_jwt_result look_at(const struct rw_jwt *jwt, struct rw_exchange *x,
                                  const struct question *question,
                                  const struct rw_identity **identity)
{
    struct rw_jwt_token token;
    struct rw_jwt_known known;
    struct rw_claim room[RW_JWT_CLAIMS_MAX];
    enum rw_jwt_result result = result_of(rw_jwt_token_open(question->token, &token));
    if (!result)
        result = examine(jwt, &token, question->now_s, room, &known);
    if (!result) {
        rw_jwt_cache_put(jwt->caches[x->worker->index], question->digest, &known);
        *identity = rw_jwt_copy_identity(&x->arena, &known.identity);
        result = *identity ? RW_JWT_VALID : RW_JWT_NO_MEMORY;
    }
    rw_jwt_token_close(&token);
    return result;
}

/* ---- The policy ---- */

static enum rw_verdict admit(const struct rw_jwt *jwt, struct rw_exchange *x,
                             const struct rw_identity *identity)
{
    enum rw_err err = jwt->config->keep ? RW_OK : rw_credential_remove(&jwt->credential, x);
    err = err ? err : rw_identity_tell(x, identity);
    return err ? RW_VERDICT_FAIL : RW_VERDICT_NEXT;
}

static enum rw_verdict refuse(const struct rw_jwt *jwt, struct rw_exchange *x,
                              enum rw_jwt_result result)
{
    static const enum rw_counter counters[RW_JWT_RESULTS] = {
        [RW_JWT_MALFORMED] = RW_COUNTER_JWT_MALFORMED,
        [RW_JWT_UNKNOWN_KEY] = RW_COUNTER_JWT_UNKNOWN_KEY,
        [RW_JWT_BAD_SIGNATURE] = RW_COUNTER_JWT_BAD_SIGNATURE,
        [RW_JWT_EXPIRED] = RW_COUNTER_JWT_EXPIRED,
        [RW_JWT_WRONG_CLAIM] = RW_COUNTER_JWT_WRONG_CLAIM,
        [RW_JWT_NO_CONSUMER] = RW_COUNTER_JWT_NO_CONSUMER,
    };
    if (result == RW_JWT_NO_MEMORY)
        return RW_VERDICT_FAIL;
    if (result == RW_JWT_NO_KEYS) {
        rw_worker_count(x->worker, RW_COUNTER_JWT_NO_KEYS, 1);
        return rw_policy_refuse_for_now(x, "The keys of tokens are not there yet.");
    }
    return rw_challenge_wrong(&jwt->challenge, x, counters[result]);
}

static enum rw_verdict on_request(struct rw_exchange *x, const void *instance)
{
    const struct rw_jwt *jwt = instance;
    const struct rw_identity *identity = NULL;
    struct question question = {.now_s = rw_loop_wall_ns(x->worker->loop) / RW_NS_PER_S};
    enum rw_credential_found found = find_token(jwt, x, &question.token);
    if (found == RW_CREDENTIAL_NONE)
        return rw_challenge_missing(&jwt->challenge, x, RW_COUNTER_JWT_MISSING);
    if (found == RW_CREDENTIAL_SEVERAL || question.token.len > RW_JWT_BYTES_MAX)
        return refuse(jwt, x, RW_JWT_MALFORMED);
    if (rw_digest_of(jwt->digest, x->worker->index, question.token, question.digest))
        return RW_VERDICT_FAIL;
    const struct rw_jwt_known *known =
        rw_jwt_cache_find(jwt->caches[x->worker->index], question.digest, question.now_s);
    if (known) {
        identity = rw_jwt_copy_identity(&x->arena, &known->identity);
        if (!identity)
            return RW_VERDICT_FAIL;
    } else {
        if (rw_challenge_blocked(&jwt->challenge, x))
            return rw_challenge_wrong(&jwt->challenge, x, RW_COUNTER_JWT_UNSEEN);
        enum rw_jwt_result result = look_at(jwt, x, &question, &identity);
        if (result)
            return refuse(jwt, x, result);
        rw_worker_count(x->worker, RW_COUNTER_JWT_VERIFIED, 1);
    }
    rw_worker_count(x->worker, RW_COUNTER_JWT_ADMITTED, 1);
    return admit(jwt, x, identity);
}

static bool tells(const void *instance, enum rw_identity_part part, struct rw_span claim)
{
    const struct rw_jwt *jwt = instance;
    const struct rw_span *claims = jwt->config->claims.items;
    if (part == RW_IDENTITY_CONSUMER)
        return jwt->maps_consumers;
    if (part == RW_IDENTITY_TENANT)
        return jwt->maps_tenants || jwt->config->tenant_claim.len;
    for (size_t i = 0; i < jwt->config->claims.count; i++)
        if (rw_span_eq(claims[i], claim))
            return true;
    return false;
}

static void explain(const void *instance, struct rw_text *text)
{
    const struct rw_jwt *jwt = instance;
    const struct rw_span *issuers = jwt->config->issuers.items, *claims = jwt->config->claims.items;
    const struct rw_jwt_key_config *keys = jwt->config->keys.items;
    rw_credential_explain(&jwt->credential, text);
    rw_text_addf(text, "%s, %u key%s", jwt->bearer ? ": Bearer" : "", jwt->keys.count,
                 jwt->keys.count == 1 ? "" : "s");
    for (size_t i = 0; i < jwt->config->keys.count; i++)
        if (keys[i].jwks_url.len)
            rw_text_addf(text, ", keys of %.*s", RW_SPAN_ARGS(keys[i].jwks_url));
    rw_text_adds(text, ", issuer ");
    for (size_t i = 0; i < jwt->config->issuers.count; i++)
        rw_text_addf(text, "%s%.*s", i ? " or " : "", RW_SPAN_ARGS(issuers[i]));
    rw_text_addf(text, "%s, required %s, keeps", jwt->config->issuers.count ? "" : "any",
                 rw_challenge_required_names[jwt->config->challenge.required]);
    for (size_t i = 0; i < jwt->config->claims.count; i++)
        rw_text_addf(text, " %.*s", RW_SPAN_ARGS(claims[i]));
    rw_text_addf(text, "%s; what has no valid token gets 401",
                 jwt->config->claims.count ? "" : " no claims");
}

const struct rw_policy rw_policy_jwt = {
    .kind = {.name = "jwt",
             .record = &rw_jwt_record,
             .doc = "Knows callers by signed tokens (JWT).",
             .user = &rw_policy_jwt},
    .placeless = true,
    .compile = rw_jwt_compile,
    .destroy = rw_jwt_destroy,
    .tells = tells,
    .on_request = on_request,
    .explain = explain,
};
