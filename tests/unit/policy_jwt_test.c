/* The policy `jwt`: which tokens it lets pass, and what it tells others of who asks. */
#include "origin/registry.h"
#include "policy/jwt/jwt_private.h"
#include "policy/registry.h"
#include "support/exchange_fixture.h"
#include "support/jwt_maker.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

static struct rw_fixture gate;

#define SECRET "a-secret-of-more-than-32-bytes-0123456789"
#define HS256 "{\"alg\":\"HS256\"}"
#define KEYS "keys: [ { secret: " SECRET ", algorithms: HS256 } ]"

static void open_yaml(const char *yaml)
{
    rw_fixture_open(&gate, rw_origin_kinds, rw_policy_kinds, yaml);
    if (!gate.snapshot)
        fail_msg("%s", gate.mistakes.at);
}

static void open_gate(const char *options, const char *more_policies)
{
    char yaml[2048];
    snprintf(yaml, sizeof(yaml),
             "listeners:\n- address: 127.0.0.1:8080\n"
             "identity: { consumer_field: X-Consumer, tenant_field: X-Tenant,"
             " claim_fields: { sub: X-User } }\n"
             "consumers:\n- { name: acme, tenant: group, subjects: [ { subject: \"7\", issuer: a } "
             "] }\n"
             "- { name: beta, subjects: [ { subject: \"8\", issuer: a } ] }\n"
             "routes:\n- respond: hi\n  policies: [ jwt: { " KEYS " %s }%s ]\n",
             options, more_policies);
    open_yaml(yaml);
}

static unsigned ask_with(const char *fields)
{
    static char head[RW_JWT_BYTES_MAX + 2048];
    snprintf(head, sizeof(head), "GET /?a=1 HTTP/1.1\r\nHost: a.test\r\n%s\r\n", fields);
    rw_fixture_ask(&gate, head, NULL);
    return gate.status;
}

static unsigned ask_token(const char *token)
{
    static char field[RW_JWT_BYTES_MAX + 1024];
    snprintf(field, sizeof(field), "Authorization: Bearer %s\r\n", token);
    return ask_with(field);
}

/* A token with these claims; "EXP" in them is a moment in a minute, "PAST" an hour ago. */
static unsigned ask(const char *claims)
{
    char text[1024], *to = text;
    for (const char *at = claims; *at;) {
        long long now_s = (long long)time(NULL);
        if (strncmp(at, "EXP", 3) == 0) {
            to += sprintf(to, "%lld", now_s + 60);
            at += 3;
        } else if (strncmp(at, "PAST", 4) == 0) {
            to += sprintf(to, "%lld", now_s - 3600);
            at += 4;
        } else if (strncmp(at, "LATER", 5) == 0) {
            to += sprintf(to, "%lld", now_s + 3600);
            at += 5;
        } else {
            *to++ = *at++;
        }
    }
    *to = '\0';
    struct rw_text token = rw_test_jwt(HS256, text, RW_LITERAL(SECRET));
    unsigned status = ask_token(token.at);
    rw_text_free(&token);
    return status;
}

static void origin_got(const char *name, const char *value)
{
    const char *there = rw_fixture_request_field(&gate, name);
    if (strcmp(there, value) != 0)
        fail_msg("%s: \"%s\", not \"%s\"", name, there, value);
}

static int64_t counted(enum rw_counter counter)
{
    return rw_metrics_total(gate.metrics, counter);
}

/* ---- Which tokens ---- */

static void claims(void **state)
{
    (void)state;
    static const struct {
        const char *options, *claims;
        unsigned status;
    } cases[] = {
        {"", "{\"exp\":EXP}", 200},
        {"", "{\"exp\":PAST}", 401},
        {"", "{}", 401},
        {", require_expiry: false", "{}", 200},
        {"", "{\"exp\":EXP.5}", 200},
        {"", "{\"exp\":\"EXP\"}", 401},
        {"", "{\"exp\":-1}", 401},
        {"", "{\"exp\":1e300}", 401},
        {"", "{\"exp\":EXP,\"nbf\":LATER}", 401},
        {"", "{\"exp\":EXP,\"nbf\":PAST}", 200},
        {"", "{\"exp\":EXP,\"iat\":LATER}", 401},
        {"", "{\"exp\":EXP,\"iat\":null}", 401},
        {", leeway: 10m", "{\"exp\":PAST}", 401},
        {", issuers: [a, b]", "{\"exp\":EXP,\"iss\":\"b\"}", 200},
        {", issuers: [a, b]", "{\"exp\":EXP,\"iss\":\"c\"}", 401},
        {", issuers: [a, b]", "{\"exp\":EXP}", 401},
        {", issuers: [a, b]", "{\"exp\":EXP,\"iss\":[\"a\"]}", 401},
        {", audiences: x", "{\"exp\":EXP,\"aud\":\"x\"}", 200},
        {", audiences: x", "{\"exp\":EXP,\"aud\":[\"y\",\"x\"]}", 200},
        {", audiences: x", "{\"exp\":EXP,\"aud\":[\"y\",7]}", 401},
        {", audiences: x", "{\"exp\":EXP}", 401},
        {", require: { scope: read }", "{\"exp\":EXP,\"scope\":\"write read\"}", 200},
        {", require: { scope: read }", "{\"exp\":EXP,\"scope\":\"readable\"}", 401},
        {", require: { role: admin }", "{\"exp\":EXP,\"role\":[\"user\",\"admin\"]}", 200},
        {", require: { role: admin }", "{\"exp\":EXP,\"role\":\"user admin\"}", 401},
        {", require: { level: \"3\" }", "{\"exp\":EXP,\"level\":3}", 200},
        {", require: { on: \"true\" }", "{\"exp\":EXP,\"on\":true}", 200},
        {", require: { on: \"true\" }", "{\"exp\":EXP,\"on\":{}}", 401},
        {", require: { any: \"*\" }", "{\"exp\":EXP,\"any\":{}}", 200},
        {", require: { any: \"*\" }", "{\"exp\":EXP,\"any\":null}", 401},
        {", unknown_consumer: refuse", "{\"exp\":EXP,\"iss\":\"a\",\"sub\":\"7\"}", 200},
        {", unknown_consumer: refuse", "{\"exp\":EXP,\"iss\":\"a\",\"sub\":\"9\"}", 401},
        {", unknown_consumer: refuse", "{\"exp\":EXP,\"iss\":\"b\",\"sub\":\"7\"}", 401},
        {", claims: x", "{\"exp\":EXP,\"x\":\"a\\u0007b\"}", 401},
        {", claims: x", "{\"exp\":EXP,\"x\":\"a\\r\\nX-Tenant: root\"}", 401},
        {", claims: x", "{\"exp\":EXP,\"x\":[1]}", 200},
        {"", "[]", 401},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        open_gate(cases[i].options, "");
        unsigned status = ask(cases[i].claims);
        if (status != cases[i].status)
            fail_msg("%s %s: %u", cases[i].options, cases[i].claims, status);
        rw_fixture_close(&gate);
    }
}

static void types(void **state)
{
    (void)state;
    static const struct {
        const char *header;
        unsigned status;
    } cases[] = {
        {"{\"alg\":\"HS256\",\"typ\":\"at+jwt\"}", 200},
        {"{\"alg\":\"HS256\",\"typ\":\"application/AT+JWT\"}", 200},
        {"{\"alg\":\"HS256\",\"typ\":\"JWT\"}", 401},
        {"{\"alg\":\"HS256\"}", 401},
    };
    open_gate(", type: at+jwt, require_expiry: false", "");
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct rw_text token = rw_test_jwt(cases[i].header, "{}", RW_LITERAL(SECRET));
        if (ask_token(token.at) != cases[i].status)
            fail_msg("%s: %u", cases[i].header, gate.status);
        rw_text_free(&token);
    }
    rw_fixture_close(&gate);
}

/* RFC 6750 section 3: without a token there is no error to tell. */
static void refusals(void **state)
{
    (void)state;
    static const struct {
        const char *fields, *field;
    } cases[] = {
        {"", "Bearer realm=\"ringway\""},
        {"Authorization: Basic YTpi\r\n", "Bearer realm=\"ringway\""},
        {"Authorization: Bearer a.b.c\r\n", "Bearer realm=\"ringway\", error=\"invalid_token\""},
        {"Authorization: bearer  e30.e30.AAAA\r\n",
         "Bearer realm=\"ringway\", error=\"invalid_token\""},
        {"Authorization: Bearer a\r\nAuthorization: Bearer b\r\n",
         "Bearer realm=\"ringway\", error=\"invalid_token\""},
    };
    open_gate("", "");
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        assert_int_equal(ask_with(cases[i].fields), 401);
        assert_string_equal(rw_fixture_field(&gate, "WWW-Authenticate"), cases[i].field);
        assert_string_equal(gate.reason, "unauthenticated");
        assert_string_equal(rw_fixture_body(&gate),
                            "{\"type\":\"about:blank\",\"title\":\"Unauthorized\",\"status\":401,"
                            "\"detail\":\"Credentials are missing or not valid.\"}\n");
    }
    assert_int_equal(ask("{\"exp\":PAST}"), 401);
    assert_int_equal(counted(RW_COUNTER_JWT_MISSING), 2);
    assert_int_equal(counted(RW_COUNTER_JWT_MALFORMED), 3);
    assert_int_equal(counted(RW_COUNTER_JWT_EXPIRED), 1);
    struct rw_text token = rw_test_jwt(HS256, "{}", RW_LITERAL("another secret"));
    assert_int_equal(ask_token(token.at), 401);
    assert_int_equal(counted(RW_COUNTER_JWT_BAD_SIGNATURE), 1);
    rw_text_free(&token);
    token = rw_test_jwt("{\"alg\":\"none\"}", "{}", RW_LITERAL(SECRET));
    assert_int_equal(ask_token(token.at), 401);
    assert_int_equal(counted(RW_COUNTER_JWT_UNKNOWN_KEY), 1);
    rw_text_free(&token);
    rw_fixture_close(&gate);
}

/* ---- Who it is ---- */

static void identities(void **state)
{
    (void)state;
    open_gate(", claims: [sub, plan], tenant_claim: org", "");
    assert_int_equal(ask("{\"exp\":EXP,\"iss\":\"a\",\"sub\":\"7\",\"org\":\"o\"}"), 200);
    origin_got("X-Consumer", "acme");
    origin_got("X-Tenant", "group");
    origin_got("X-User", "7");
    assert_true(strncmp(rw_fixture_request_field(&gate, "Authorization"), "Bearer ", 7) == 0);
    assert_int_equal(ask("{\"exp\":EXP,\"iss\":\"a\",\"sub\":\"8\",\"org\":\"o\"}"), 200);
    origin_got("X-Consumer", "beta");
    origin_got("X-Tenant", "o");
    assert_int_equal(ask("{\"exp\":EXP,\"iss\":\"b\",\"sub\":\"7\"}"), 200);
    origin_got("X-Consumer", "");
    origin_got("X-Tenant", "");
    origin_got("X-User", "7");
    assert_int_equal(ask("{\"exp\":EXP,\"iss\":\"a\",\"sub\":7}"), 200);
    origin_got("X-Consumer", "acme");
    origin_got("X-User", "7");
    rw_fixture_close(&gate);
}

static void other_places(void **state)
{
    (void)state;
    struct rw_text token = rw_test_jwt(HS256, "{\"sub\":\"u\"}", RW_LITERAL(SECRET));
    char fields[1024];
    open_gate(", require_expiry: false, cookie: session, keep: false, claims: sub", "");
    snprintf(fields, sizeof(fields), "Cookie: a=1; session=%s\r\n", token.at);
    assert_int_equal(ask_with(fields), 200);
    origin_got("Cookie", "a=1");
    origin_got("X-User", "u");
    assert_int_equal(ask_token(token.at), 401);
    rw_fixture_close(&gate);
    open_gate(", require_expiry: false, header: X-Token, keep: false", "");
    snprintf(fields, sizeof(fields), "X-Token: %s\r\nX-User: root\r\n", token.at);
    assert_int_equal(ask_with(fields), 200);
    origin_got("X-Token", "");
    origin_got("X-User", "");
    rw_fixture_close(&gate);
    rw_text_free(&token);
}

static void limits_by_claim(void **state)
{
    (void)state;
    open_gate(", claims: [sub]", ", rate_limit: { limits: { name: a, requests: 1, per: day, key: "
                                 "\"claim:sub\" } }");
    assert_int_equal(ask("{\"exp\":EXP,\"sub\":\"u\"}"), 200);
    assert_int_equal(ask("{\"exp\":EXP,\"sub\":\"u\",\"jti\":\"2\"}"), 429);
    assert_int_equal(ask("{\"exp\":EXP,\"sub\":\"v\"}"), 200);
    rw_fixture_close(&gate);
}

/* ---- What is remembered ---- */

static void signatures_are_checked_once(void **state)
{
    (void)state;
    open_gate(", claims: [sub]", "");
    struct rw_text token =
        rw_test_jwt(HS256, "{\"exp\":99999999999,\"sub\":\"u\"}", RW_LITERAL(SECRET));
    for (int i = 0; i < 5; i++) {
        assert_int_equal(ask_token(token.at), 200);
        origin_got("X-User", "u");
    }
    assert_int_equal(counted(RW_COUNTER_JWT_ADMITTED), 5);
    assert_int_equal(counted(RW_COUNTER_JWT_VERIFIED), 1);
    token.at[token.len - 2] ^= 1;
    assert_int_equal(ask_token(token.at), 401);
    rw_text_free(&token);
    rw_fixture_close(&gate);
}

static struct rw_jwt_known known_until(uint64_t end_s, const char *consumer)
{
    return (struct rw_jwt_known){.identity = {.consumer = rw_span_text(consumer)}, .end_s = end_s};
}

static void the_cache_is_bounded(void **state)
{
    (void)state;
    enum { TOKENS = 64, PUT = 1000 };
    struct rw_jwt_cache *cache;
    assert_int_equal(rw_jwt_cache_create(TOKENS, &cache), RW_OK);
    unsigned there = 0;
    for (unsigned i = 0; i < PUT; i++) {
        uint8_t digest[RW_DIGEST_BYTES] = {(uint8_t)(i * 167), (uint8_t)(i >> 8), (uint8_t)i};
        struct rw_jwt_known known = known_until(1000, "c");
        rw_jwt_cache_put(cache, digest, &known);
        assert_non_null(rw_jwt_cache_find(cache, digest, 999));
        assert_null(rw_jwt_cache_find(cache, digest, 1000));
    }
    for (unsigned i = 0; i < PUT; i++) {
        uint8_t digest[RW_DIGEST_BYTES] = {(uint8_t)(i * 167), (uint8_t)(i >> 8), (uint8_t)i};
        there += rw_jwt_cache_find(cache, digest, 0) != NULL;
    }
    assert_in_range(there, TOKENS / 2, TOKENS);
    rw_jwt_cache_destroy(cache);
}

/* What is used stays, and a token that is put again has one place. */
static void the_oldest_goes(void **state)
{
    (void)state;
    struct rw_jwt_cache *cache;
    assert_int_equal(rw_jwt_cache_create(4, &cache), RW_OK);
    uint8_t used[RW_DIGEST_BYTES] = {1};
    struct rw_jwt_known known = known_until(1000, "used");
    rw_jwt_cache_put(cache, used, &known);
    for (unsigned i = 0; i < 100; i++) {
        uint8_t digest[RW_DIGEST_BYTES] = {(uint8_t)i, 9};
        assert_non_null(rw_jwt_cache_find(cache, used, 0));
        rw_jwt_cache_put(cache, digest, &known);
    }
    known = known_until(2000, "again");
    rw_jwt_cache_put(cache, used, &known);
    assert_true(rw_span_is(rw_jwt_cache_find(cache, used, 1500)->identity.consumer, "again"));
    rw_jwt_cache_destroy(cache);
}

/* Whoever sends many wrong tokens has no more of them looked at; who is known comes through. */
static void floods_are_not_looked_at(void **state)
{
    (void)state;
    open_gate(", failures_max: 2", "");
    struct rw_text right = rw_test_jwt(HS256, "{\"exp\":99999999999}", RW_LITERAL(SECRET));
    struct rw_text wrong = rw_test_jwt(HS256, "{\"exp\":99999999999}", RW_LITERAL("other"));
    struct rw_text fresh = rw_test_jwt(HS256, "{\"exp\":99999999998}", RW_LITERAL(SECRET));
    assert_int_equal(ask_token(right.at), 200);
    assert_int_equal(ask_token(wrong.at), 401);
    assert_int_equal(ask_token(wrong.at), 401);
    assert_int_equal(ask_token(wrong.at), 429);
    assert_int_equal(counted(RW_COUNTER_JWT_BAD_SIGNATURE), 2);
    assert_int_equal(counted(RW_COUNTER_JWT_UNSEEN), 1);
    assert_int_equal(ask_token(right.at), 200);
    assert_int_equal(ask_token(fresh.at), 429);
    gate.client = "192.0.2.99";
    assert_int_equal(ask_token(fresh.at), 200);
    gate.client = NULL;
    rw_text_free(&right);
    rw_text_free(&wrong);
    rw_text_free(&fresh);
    rw_fixture_close(&gate);
}

/* ---- Mistakes ---- */

static void expect_mistake(const char *jwt, const char *told)
{
    char yaml[2048];
    snprintf(yaml, sizeof(yaml),
             "listeners:\n- address: 127.0.0.1:8080\n"
             "consumers: [ { name: a, subjects: [s] } ]\n"
             "routes:\n- respond: hi\n  policies: [ %s ]\n",
             jwt);
    rw_fixture_open(&gate, rw_origin_kinds, rw_policy_kinds, yaml);
    if (gate.snapshot || !strstr(gate.mistakes.at, told))
        fail_msg("%s: %s", jwt, gate.mistakes.at);
    if (strstr(gate.mistakes.at, "hush"))
        fail_msg("a secret is told: %s", gate.mistakes.at);
    rw_fixture_close(&gate);
}

static void mistakes(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"jwt: {}", "keys"},
        {"jwt: { keys: { secret: hush-hush } }", "algorithms"},
        {"jwt: { keys: { secret: hush-hush, algorithms: none } }", "algorithms"},
        {"jwt: { keys: { secret: hush-hush, algorithms: HS256 }, issuers: a }",
         "a secret of 9 bytes: HS256 needs 32"},
        {"jwt: { keys: { secret: hush-hush, algorithms: [HS256, RS256] } }",
         "RS256 needs a public key, not a secret"},
        {"jwt: { keys: { public_key: /nowhere, algorithms: [HS256] } }",
         "HS256 needs a secret: a public key is none"},
        {"jwt: { keys: { secret: hush-hush, jwks_file: a, algorithms: HS256 } }",
         "expected one of"},
        {"jwt: { keys: { algorithms: HS256 } }", "expected one of"},
        {"jwt: { keys: { jwks: \"{}\", id: a, algorithms: RS256 } }", "\"id\" has no effect"},
        {"jwt: { issuers: a, keys: { jwks: \"hush\", algorithms: RS256 } }", "no JSON object"},
        {"jwt: { issuers: a, keys: { jwks_file: /nowhere, algorithms: RS256 } }",
         "/nowhere: cannot be read: not found"},
        {"jwt: { " KEYS ", header: Cookie }", "use `cookie`"},
        {"jwt: { " KEYS ", header: X-A, cookie: a }", "expected one of"},
        {"jwt: { " KEYS ", realm: \"a\\\"b\" }", "a realm has no quotes"},
        {"jwt: { " KEYS " }", "accepts tokens of any issuer"},
        {"jwt: { " KEYS ", issuers: [a, b] }", "accepts tokens of several issuers"},
        {"jwt: { " KEYS ", issuers: a }, jwt: { " KEYS ", issuers: b }",
         "accepts tokens of another issuer"},
        {"jwt: { " KEYS ", issuers: a }, rate_limit: { limits: { name: c, requests: 1, per: day, "
         "key: \"claim:sub\" } }",
         "needs the claim \"sub\""},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
        expect_mistake(cases[i][0], cases[i][1]);
}

static void without_memory(void **state)
{
    (void)state;
    struct rw_text token =
        rw_test_jwt(HS256, "{\"exp\":99999999999,\"sub\":\"u\"}", RW_LITERAL(SECRET));
    for (uint64_t n = 1; n < 10; n++) {
        open_gate(", claims: [sub]", "");
        gate.fail_after = n;
        unsigned status = ask_token(token.at);
        assert_true(gate.finished);
        assert_true(status == 200 || status == 503 || gate.aborted);
        gate.fail_after = 0;
        assert_int_equal(ask_token(token.at), 200);
        origin_got("X-User", "u");
        rw_fixture_close(&gate);
    }
    rw_text_free(&token);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(claims),
        cmocka_unit_test(types),
        cmocka_unit_test(refusals),
        cmocka_unit_test(identities),
        cmocka_unit_test(other_places),
        cmocka_unit_test(limits_by_claim),
        cmocka_unit_test(signatures_are_checked_once),
        cmocka_unit_test(the_cache_is_bounded),
        cmocka_unit_test(the_oldest_goes),
        cmocka_unit_test(floods_are_not_looked_at),
        cmocka_unit_test(mistakes),
        cmocka_unit_test(without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
