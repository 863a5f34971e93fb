/* The table of the policy `jwt`. */
#include "gate/config/config_tables.h"
#include "gate/document/document_url.h"
#include "policy/jwt/jwt_private.h"

/* ---- Keys ---- */

#define MEMBER(member) offsetof(struct rw_jwt_key_config, member)
static const struct rw_conf_field key_fields[] = {
    {
        .name = "algorithms",
        .type = RW_CONF_ENUM,
        .flags = RW_CONF_LIST | RW_CONF_REQUIRED,
        .offset = MEMBER(algorithms),
        .names = rw_jwt_algorithm_names,
        .doc = "What it may be used with, and nothing else, whatever a token says.",
        .example = "[RS256]",
    },
    {
        .name = "jwks_url",
        .type = RW_CONF_TEXT,
        .offset = MEMBER(jwks_url),
        .min = 1,
        .max = RW_DOCUMENT_URL_BYTES_MAX,
        .doc =
            "Where a JWK Set is fetched from: at the start, after `refresh`, and when a token has "
            "an unknown key id. The last good one is kept while the server is down.",
        .example = "https://login.example.com/.well-known/jwks.json",
    },
    {
        .name = "refresh",
        .type = RW_CONF_DURATION,
        .offset = MEMBER(refresh_ms),
        .fallback = "10m",
        .min = 1000,
        .max = 86400000,
        .doc = "How long after a good answer `jwks_url` is fetched again.",
    },
    {
        .name = "refresh_min",
        .type = RW_CONF_DURATION,
        .offset = MEMBER(refresh_ms_min),
        .fallback = "30s",
        .min = 1000,
        .max = 86400000,
        .doc = "Tokens with unknown key ids have `jwks_url` fetched so often at the most, whoever "
               "sends them.",
    },
    {
        .name = "tls",
        .type = RW_CONF_RECORD,
        .flags = RW_CONF_ALWAYS,
        .offset = MEMBER(tls),
        .record = &rw_config_tls_client_record,
        .doc = "Towards the server of `jwks_url`.",
    },
    {
        .name = "jwks_file",
        .type = RW_CONF_TEXT,
        .offset = MEMBER(jwks_file),
        .min = 1,
        .max = 4095,
        .doc = "A file with a JWK Set (RFC 7517). A change of the file is seen within seconds.",
        .example = "/etc/ringway/jwks.json",
    },
    {
        .name = "jwks",
        .type = RW_CONF_SECRET,
        .offset = MEMBER(jwks),
        .doc = "The JWK Set itself. It may have secrets, and is shown nowhere.",
    },
    {
        .name = "public_key",
        .type = RW_CONF_TEXT,
        .offset = MEMBER(public_key),
        .min = 1,
        .max = 4095,
        .doc = "A file with a public key in PEM. A change of the file is seen within seconds.",
        .example = "/etc/ringway/issuer.pem",
    },
    {
        .name = "secret",
        .type = RW_CONF_SECRET,
        .offset = MEMBER(secret),
        .doc = "The secret of HS256, of 32 bytes at least.",
        .example = "file:/etc/ringway/jwt-secret",
    },
    {
        .name = "id",
        .type = RW_CONF_TEXT,
        .offset = MEMBER(id),
        .min = 1,
        .max = RW_JWT_KEY_ID_BYTES_MAX,
        .doc =
            "With `public_key` or `secret`: the `kid` of tokens that are signed with it. Without "
            "it, it is tried for all tokens.",
        .example = "2026-01",
    },
    {.name = NULL},
};
#undef MEMBER

/* A secret is for HMAC and nothing else is. */
static void check_algorithms(const struct rw_jwt_key_config *key, struct rw_conf_report *report)
{
    const int *algorithms = key->algorithms.items;
    for (size_t i = 0; i < key->algorithms.count; i++) {
        bool for_secrets =
            rw_jwt_algorithm_kind((enum rw_jwt_algorithm)algorithms[i]) == RW_JWT_SECRET;
        if (key->secret.len && !for_secrets)
            rw_conf_mistake_on(report, &algorithms[i], "%s needs a public key, not a secret",
                               rw_jwt_algorithm_names[algorithms[i]]);
        if (key->jwks_url.len && for_secrets)
            rw_conf_mistake_on(report, &algorithms[i],
                               "%s needs a secret: what has a URL should be none",
                               rw_jwt_algorithm_names[algorithms[i]]);
        if (key->public_key.len && for_secrets)
            rw_conf_mistake_on(report, &algorithms[i], "%s needs a secret: a public key is none",
                               rw_jwt_algorithm_names[algorithms[i]]);
    }
}

static void check_url(const struct rw_jwt_key_config *key, struct rw_conf_report *report)
{
    struct rw_document_url url;
    const char *flaw = key->jwks_url.len ? rw_document_url_parse(key->jwks_url, &url) : NULL;
    if (flaw)
        rw_conf_mistake_on(report, &key->jwks_url, "%s, not %s", flaw,
                           rw_conf_quote(report, key->jwks_url));
    if (!key->tls->verify)
        rw_conf_mistake_on(report, &key->tls->verify,
                           "whoever is in between could give keys of his own: give the authority "
                           "in \"ca\"");
}

static void check_key(void *value, struct rw_conf_report *report)
{
    struct rw_jwt_key_config *key = value;
    int sources = (key->jwks_url.len > 0) + (key->jwks_file.len > 0) + (key->jwks.len > 0) +
                  (key->public_key.len > 0) + (key->secret.len > 0);
    if (sources != 1)
        rw_conf_mistake_at(report, key->place,
                           "expected one of \"jwks_url\", \"jwks_file\", \"jwks\", "
                           "\"public_key\" and \"secret\"");
    check_url(key, report);
    if (key->id.len && (key->jwks_url.len || key->jwks_file.len || key->jwks.len))
        rw_conf_mistake_on(report, &key->id,
                           "\"id\" has no effect: the keys of a set have their own");
    check_algorithms(key, report);
}

static const struct rw_conf_record key_record = {
    .name = "policy.jwt.key",
    .doc = "One key, or a set of keys.",
    .size = sizeof(struct rw_jwt_key_config),
    .fields = key_fields,
    .place_offset = offsetof(struct rw_jwt_key_config, place),
    .check = check_key,
};

/* ---- The policy ---- */

static const char *const unknown_names[] = {
    [RW_JWT_UNKNOWN_ADMIT] = "admit",
    [RW_JWT_UNKNOWN_REFUSE] = "refuse",
    NULL,
};

#define MEMBER(member) offsetof(struct rw_jwt_config, member)
static const struct rw_conf_field fields[] = {
    {
        .name = "keys",
        .type = RW_CONF_RECORD,
        .flags = RW_CONF_LIST | RW_CONF_REQUIRED,
        .offset = MEMBER(keys),
        .record = &key_record,
        .doc = "Whose signatures are accepted.",
    },
    {
        .name = "issuers",
        .type = RW_CONF_TEXT,
        .flags = RW_CONF_LIST,
        .offset = MEMBER(issuers),
        .min = 1,
        .max = 256,
        .doc = "The claim `iss` has to be one of these. Without it any issuer is accepted that has "
               "one of the keys.",
        .example = "[\"https://login.example.com\"]",
    },
    {
        .name = "audiences",
        .type = RW_CONF_TEXT,
        .flags = RW_CONF_LIST,
        .offset = MEMBER(audiences),
        .min = 1,
        .max = 256,
        .doc = "The claim `aud` has to be, or have, one of these. Without it tokens that are meant "
               "for somebody else are accepted, too.",
        .example = "[orders-api]",
    },
    {
        .name = "type",
        .type = RW_CONF_TEXT,
        .offset = MEMBER(type),
        .min = 1,
        .max = 64,
        .doc = "The header's `typ` has to be this, so that a token for another purpose of the same "
               "issuer is not taken for one of this kind (RFC 8725 section 3.11).",
        .example = "at+jwt",
    },
    {
        .name = "require",
        .type = RW_CONF_TEXT,
        .flags = RW_CONF_MAP,
        .offset = MEMBER(require),
        .max = 256,
        .doc = "Claims that have to be there, and to have this value, or it among others in a list "
               "or between the spaces of `scope`; \"*\": any value.",
        .example = "{scope: \"orders:read\"}",
    },
    {
        .name = "require_expiry",
        .type = RW_CONF_BOOL,
        .offset = MEMBER(require_expiry),
        .fallback = "true",
        .doc = "A token without `exp`, which would be valid for ever, is refused.",
    },
    {
        .name = "leeway",
        .type = RW_CONF_DURATION,
        .offset = MEMBER(leeway_ms),
        .fallback = "30s",
        .min = 0,
        .max = 600000,
        .doc = "How far the clocks of issuers may be apart from this one: `exp`, `nbf` and `iat` "
               "hold so much longer or earlier. In whole seconds.",
    },
    {
        .name = "claims",
        .type = RW_CONF_TEXT,
        .flags = RW_CONF_LIST,
        .offset = MEMBER(claims),
        .min = 1,
        .max = 64,
        .doc = "Claims that are kept for rate limits by `claim:NAME`, for `fair_by`, for releases, "
               "and for `identity.claim_fields`: texts, whole numbers, true and false.",
        .example = "[sub, plan]",
    },
    {
        .name = "consumer_claim",
        .type = RW_CONF_TEXT,
        .offset = MEMBER(consumer_claim),
        .fallback = "sub",
        .min = 1,
        .max = 64,
        .doc = "The claim that names one of the `subjects` of a consumer; `client_id` or `azp` "
               "where tokens are for users of a program.",
    },
    {
        .name = "unknown_consumer",
        .type = RW_CONF_ENUM,
        .offset = MEMBER(unknown_consumer),
        .names = unknown_names,
        .fallback = "admit",
        .doc = "A valid token that is no consumer's is admitted, known by its claims only, or "
               "refused.",
    },
    {
        .name = "tenant_claim",
        .type = RW_CONF_TEXT,
        .offset = MEMBER(tenant_claim),
        .min = 1,
        .max = 64,
        .doc = "The claim that names the tenant, where the consumer has none.",
        .example = "org",
    },
    {
        .name = "header",
        .type = RW_CONF_TEXT,
        .offset = MEMBER(header),
        .min = 1,
        .max = 128,
        .doc = "The field that is the token. Without this and `cookie` it is `Authorization: "
               "Bearer`.",
        .example = "X-Token",
    },
    {
        .name = "cookie",
        .type = RW_CONF_TEXT,
        .offset = MEMBER(cookie),
        .min = 1,
        .max = 128,
        .doc = "In place of a field: the cookie that has it.",
        .example = "session",
    },
    {
        .name = "keep",
        .type = RW_CONF_BOOL,
        .offset = MEMBER(keep),
        .fallback = "true",
        .doc = "The origin gets the token, too.",
    },
    {
        .name = "cache_tokens",
        .type = RW_CONF_UINT,
        .offset = MEMBER(cache_tokens),
        .fallback = "4096",
        .min = 4,
        .max = 1000000,
        .doc = "About so many valid tokens are remembered by each thread, so that a signature is "
               "not checked with each request: about 80 bytes each, and what is kept of their "
               "claims.",
    },
    RW_CHALLENGE_FIELDS(rw_jwt_config, challenge),
    {.name = NULL},
};
#undef MEMBER

static void check(void *value, struct rw_conf_report *report)
{
    struct rw_jwt_config *config = value;
    if (config->header.len && config->cookie.len)
        rw_conf_mistake_at(report, config->place, "expected one of \"header\" and \"cookie\"");
    rw_credential_check_header(&config->header, report);
    if (config->claims.count > RW_JWT_CLAIMS_MAX)
        rw_conf_mistake_on(report, &config->claims, "at most %d claims", (int)RW_JWT_CLAIMS_MAX);
    rw_challenge_check(&config->challenge, report);
}

const struct rw_conf_record rw_jwt_record = {
    .name = "policy.jwt",
    .doc = "Knows callers by signed tokens (JWT).",
    .size = sizeof(struct rw_jwt_config),
    .fields = fields,
    .place_offset = offsetof(struct rw_jwt_config, place),
    .check = check,
};
