/* Tokens, keys and signatures: the vectors of RFC 7515, RFC 7520 and RFC 8037, and what is none. */
#include "policy/jwt/jwt_keys.h"
#include "policy/jwt/jwt_token.h"

#include "base/alloc.h"
#include "support/jwt_maker.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum { ALL = (1 << RW_JWT_ALGORITHM_COUNT) - 1 };

static struct rw_arena arena;
static struct rw_jwt_keys keys;
static char flaw[256];

static int set_up(void **state)
{
    (void)state;
    rw_arena_init(&arena, NULL, 0, 4096, SIZE_MAX);
    keys = (struct rw_jwt_keys){.arena = &arena};
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    rw_jwt_keys_free(&keys);
    rw_arena_free(&arena);
    return 0;
}

/* How a token fares with the keys: RW_OK, RW_EINVAL (none), RW_ENOENT (no key), RW_EVERIFY. */
static enum rw_err check(const char *text)
{
    struct rw_jwt_token token;
    unsigned from = 0;
    enum rw_err err = rw_jwt_token_open(rw_span_text(text), &token);
    if (!err) {
        enum rw_jwt_algorithm algorithm = rw_jwt_algorithm_named(token.algorithm);
        const struct rw_jwt_key *key = NULL;
        if (algorithm < RW_JWT_ALGORITHM_COUNT)
            key = rw_jwt_keys_next(&keys, algorithm, token.key_id, &from);
        err = key ? rw_jwt_verify(key, algorithm, token.signed_text, token.signature) : RW_ENOENT;
    }
    rw_jwt_token_close(&token);
    return err;
}

static void add_set(const char *json, unsigned algorithms)
{
    if (rw_jwt_keys_add_set(&keys, rw_span_text(json), algorithms, flaw))
        fail_msg("%s: %s", json, flaw);
}

#define RFC7515_CLAIMS                                                                             \
    "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVl" \
    "fQ"
#define RFC7515_SECRET                                                                              \
    "{\"kty\":\"oct\",\"k\":\"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4h" \
    "cgUuTwjAzZr1Z9CAow\"}"
#define RFC7515_RSA                                                                                \
    "{\"kty\":\"RSA\",\"n\":\"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Va" \
    "w-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg" \
    "0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5Z" \
    "wKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ"  \
    "\",\"e\":\"AQAB\"}"
#define RFC7515_EC                                                                                 \
    "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","     \
    "\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"}"
#define RFC7520_RSA                                                                                 \
    "{\"kty\":\"RSA\",\"kid\":\"bilbo.baggins@hobbiton.example\",\"use\":\"sig\",\"n\":\"n4EPtAOCc" \
    "9AlkeQHPzHStgAbgs7bTZLwUBZdR8_KuKPEHLd4rHVTeT-O-XV2jRojdNhxJWTDvNd7nqQ0VEiZQHz_AJmSCpMaJMRBS"  \
    "FKrKb2wqVwGU_NsYOYL-QtiWN2lbzcEe6XC0dApr5ydQLrHqkHHig3RBordaZ6Aj-oBHqFEHYpPe7Tpe-OfVfHd1E6cS"  \
    "6M1FZcD1NNLYD5lFHpPI9bTwJlsde3uhGqC0ZCuEHg8lhzwOHrtIQbS0FVbb9k3-tVTU4fg_3L_vniUFAKwuCLqKnS2B"  \
    "Ywdq_mzSnbLY7h_qixoR7jig3__kRhuaxwUkRz5iaiQkqgc5gHdrNP5zw\",\"e\":\"AQAB\"}"
#define RFC8037_KEY                                                                                \
    "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}"
#define SET(members) "{\"keys\":[" members "]}"

/* RFC 7515 appendix A.1 to A.3, RFC 7520 section 4.2, RFC 8037 appendix A.4. */
static const struct {
    const char *set, *token;
    enum rw_jwt_algorithm algorithm;
} vectors[] = {
    {SET(RFC7515_SECRET),
     "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9." RFC7515_CLAIMS
     ".dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
     RW_JWT_HS256},
    {SET(RFC7515_RSA),
     "eyJhbGciOiJSUzI1NiJ9." RFC7515_CLAIMS
     ".cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2F"
     "p5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBM"
     "Hlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2"
     "w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw",
     RW_JWT_RS256},
    {SET(RFC7515_EC),
     "eyJhbGciOiJFUzI1NiJ9." RFC7515_CLAIMS
     ".DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q",
     RW_JWT_ES256},
    {SET(RFC7520_RSA),
     "eyJhbGciOiJQUzM4NCIsImtpZCI6ImJpbGJvLmJhZ2dpbnNAaG9iYml0b24uZXhhbXBsZSJ9."
     "SXTigJlzIGEgZGFuZ2Vyb3VzIGJ1c2luZXNzLCBGcm9kbywgZ29pbmcgb3V0IHlvdXIgZG9vci4gWW91IHN0ZXAgb2"
     "50byB0aGUgcm9hZCwgYW5kIGlmIHlvdSBkb24ndCBrZWVwIHlvdXIgZmVldCwgdGhlcmXigJlzIG5vIGtub3dpbmcg"
     "d2hlcmUgeW91IG1pZ2h0IGJlIHN3ZXB0IG9mZiB0by4.cu22eBqkYDKgIlTpzDXGvaFfz6WGoz7fUDcfT0kkOy42mi"
     "Ah2qyBzk1xEsnk2IpN6-tPid6VrklHkqsGqDqHCdP6O8TTB5dDDItllVo6_1OLPpcbUrhiUSMxbbXUvdvWXzg-UD8b"
     "iiReQFlfz28zGWVsdiNAUf8ZnyPEgVFn442ZdNqiVJRmBqrYRXe8P_ijQ7p8Vdz0TTrxUeT3lm8d9shnr2lfJT8ImU"
     "jvAA2Xez2Mlp8cBE5awDzT0qI0n6uiP1aCN_2_jLAeQTlqRHtfa64QQSUmFAAjVKPbByi7xho0uTOcbH510a6GYmJU"
     "AfmWjwZ6oD4ifKo8DYM-X72Eaw",
     RW_JWT_PS384},
    {SET(RFC8037_KEY),
     "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc."
     "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg",
     RW_JWT_EDDSA},
};

static void known_vectors(void **state)
{
    for (size_t i = 0; i < sizeof(vectors) / sizeof(*vectors); i++) {
        add_set(vectors[i].set, 1u << vectors[i].algorithm);
        if (check(vectors[i].token))
            fail_msg("%zu: %s", i, rw_err_text(check(vectors[i].token)));
        tear_down(state);
        set_up(state);
    }
}

/* Any changed character of a signature, and any other text, is found out. */
static void forged(void **state)
{
    for (size_t i = 0; i < sizeof(vectors) / sizeof(*vectors); i++) {
        char text[2048];
        add_set(vectors[i].set, ALL);
        snprintf(text, sizeof(text), "%s", vectors[i].token);
        char *signature = strrchr(text, '.') + 1, *claims = strchr(text, '.') + 1;
        for (char *at = signature, *end = at + strlen(at) - 1; at < end; at += 7) {
            char before = *at;
            *at = before == 'A' ? 'B' : 'A';
            assert_int_equal(check(text), RW_EVERIFY);
            *at = before;
        }
        claims[3] = claims[3] == 'A' ? 'B' : 'A';
        assert_int_equal(check(text), RW_EVERIFY);
        snprintf(text, sizeof(text), "%.*sAAAA", (int)(signature - text), vectors[i].token);
        assert_int_equal(check(text), RW_EVERIFY);
        tear_down(state);
        set_up(state);
    }
}

/* A key is for the algorithms that were given, and for those of its kind, and for its own. */
static void allow_list(void **state)
{
    (void)state;
    add_set(SET(RFC7515_RSA), 1u << RW_JWT_PS256);
    assert_int_equal(check(vectors[1].token), RW_ENOENT);
    assert_int_equal(
        rw_jwt_keys_add_set(&keys, RW_LITERAL(SET(RFC7515_EC)), 1u << RW_JWT_RS256, flaw),
        RW_EINVAL);
    assert_string_equal(flaw, "none of its 1 keys is for the given algorithms");
    add_set(SET("{\"alg\":\"ES256\",\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"f83OJ3D2xF1Bg8vub9tLe1"
                "gHMzV76e8Tus9uPHvRVEU\",\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"}"),
            ALL);
    assert_int_equal(check(vectors[2].token), RW_OK);
}

/* RFC 8725 section 2.1: a public key is no secret, and none is no signature. */
static void confused_algorithms(void **state)
{
    (void)state;
    EVP_PKEY *rsa = EVP_RSA_gen(2048);
    BIO *bio = BIO_new(BIO_s_mem());
    char *pem;
    assert_int_equal(PEM_write_bio_PUBKEY(bio, rsa), 1);
    struct rw_span public_key = rw_span(NULL, 0);
    public_key.len = (size_t)BIO_get_mem_data(bio, &pem);
    public_key.at = pem;
    assert_int_equal(rw_jwt_keys_add_pem(&keys, public_key, RW_LITERAL(""), ALL, flaw), RW_OK);
    struct rw_text right = rw_test_jwt_signed("{\"alg\":\"RS256\"}", "{}", rsa, "SHA256");
    struct rw_text forged = rw_test_jwt("{\"alg\":\"HS256\"}", "{}", public_key);
    struct rw_text other = rw_test_jwt_signed("{\"alg\":\"RS384\"}", "{}", rsa, "SHA256");
    assert_int_equal(check(right.at), RW_OK);
    assert_int_equal(check(forged.at), RW_ENOENT);
    assert_int_equal(check(other.at), RW_EVERIFY);
    assert_int_equal(rw_jwt_keys_add_secret(&keys, public_key, RW_LITERAL(""), ALL, flaw),
                     RW_EINVAL);
    assert_string_equal(flaw, "a key in PEM is no secret: use `public_key`");
    static const char *const headers[] = {"{\"alg\":\"none\"}", "{\"alg\":\"None\"}",
                                          "{\"alg\":\"rs256\"}", "{\"alg\":\"RS256 \"}",
                                          "{\"alg\":\"HS512\"}"};
    for (size_t i = 0; i < sizeof(headers) / sizeof(*headers); i++) {
        struct rw_text text = rw_test_jwt(headers[i], "{}", public_key);
        assert_int_equal(check(text.at), RW_ENOENT);
        rw_text_free(&text);
    }
    rw_text_free(&right);
    rw_text_free(&forged);
    rw_text_free(&other);
    BIO_free(bio);
    EVP_PKEY_free(rsa);
}

static void keys_have_ids(void **state)
{
    (void)state;
    const struct rw_span one = RW_LITERAL("one-secret-of-32-bytes-0123456789");
    const struct rw_span two = RW_LITERAL("two-secret-of-32-bytes-0123456789");
    assert_int_equal(rw_jwt_keys_add_secret(&keys, one, RW_LITERAL("1"), ALL, flaw), RW_OK);
    assert_int_equal(rw_jwt_keys_add_secret(&keys, two, RW_LITERAL("2"), ALL, flaw), RW_OK);
    static const struct {
        const char *header;
        unsigned key;
        enum rw_err err;
    } cases[] = {
        {"{\"alg\":\"HS256\",\"kid\":\"1\"}", 1, RW_OK},
        {"{\"alg\":\"HS256\",\"kid\":\"2\"}", 2, RW_OK},
        {"{\"alg\":\"HS256\",\"kid\":\"1\"}", 2, RW_EVERIFY},
        {"{\"alg\":\"HS256\",\"kid\":\"3\"}", 1, RW_ENOENT},
        {"{\"alg\":\"HS256\",\"kid\":\"\"}", 1, RW_ENOENT},
        {"{\"alg\":\"HS256\"}", 1, RW_OK},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct rw_text text = rw_test_jwt(cases[i].header, "{}", cases[i].key == 1 ? one : two);
        if (check(text.at) != cases[i].err)
            fail_msg("%s: %s", cases[i].header, rw_err_text(check(text.at)));
        rw_text_free(&text);
    }
}

/* ---- What is no token ---- */

static void no_tokens(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        ".",
        "..",
        "a",
        "a.b",
        "a.b.c.d",
        "eyJhbGciOiJub25lIn0.e30.", /* RFC 7519 section 6.1 */
        "eyJhbGciOiJIUzI1NiJ9.e30.AAAA.",
        "eyJhbGciOiJIUzI1NiJ9=.e30.AAAA",
        " eyJhbGciOiJIUzI1NiJ9.e30.AAAA",
        "eyJhbGciOiJIUzI1NiJ9..AAAA",
        "W10.e30.AAAA",
    };
    static const char *const headers[] = {
        "{}",
        "{\"alg\":1}",
        "{\"alg\":\"HS256\",\"alg\":\"none\"}",
        "{\"alg\":\"HS256\",\"kid\":7}",
        "{\"alg\":\"HS256\",\"crit\":[\"exp\"]}",
        "{\"alg\":\"HS256\",\"typ\":[]}",
        "{\"alg\":\"HS256\"}x",
        "{\"alg\":\"HS256\\u0000\"}",
        "{\"alg\":\"HS256\",\"a\":[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]}",
        "{\"alg\":\"HS256\",\"a\":\"\xff\"}",
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
        if (check(texts[i]) != RW_EINVAL)
            fail_msg("%s", texts[i]);
    for (size_t i = 0; i < sizeof(headers) / sizeof(*headers); i++) {
        struct rw_text text = rw_test_jwt(headers[i], "{}", RW_LITERAL("s"));
        if (check(text.at) != RW_EINVAL)
            fail_msg("%s", headers[i]);
        rw_text_free(&text);
    }
    static char large[RW_JWT_BYTES_MAX + 2];
    memset(large, 'A', sizeof(large) - 1);
    assert_int_equal(check(large), RW_EINVAL);
}

/* ---- Sets ---- */

static void broken_sets(void **state)
{
    (void)state;
    static const struct {
        const char *json, *flaw;
    } cases[] = {
        {"", "no JSON object without repeated names, of at most 16 levels and 1048576 bytes"},
        {"[]", "no JSON object without repeated names, of at most 16 levels and 1048576 bytes"},
        {"{}", "no JWK Set: the list \"keys\" is missing"},
        {SET(""), "none of its 0 keys is for the given algorithms"},
        {SET("{\"kty\":\"XYZ\"}"), "none of its 1 keys is for the given algorithms"},
        {SET("{\"kty\":\"RSA\",\"use\":\"enc\"}"),
         "none of its 1 keys is for the given algorithms"},
        {SET("{\"kty\":\"RSA\",\"key_ops\":[\"encrypt\"]}"),
         "none of its 1 keys is for the given algorithms"},
        {SET("{\"kty\":\"EC\",\"crv\":\"P-521\"}"),
         "none of its 1 keys is for the given algorithms"},
        {SET(RFC7515_EC ",7"), "keys[1]: no JSON object"},
        {SET("{\"kty\":\"oct\",\"k\":\"c2hvcnQ\"}"),
         "keys[0]: a secret of 5 bytes: HS256 needs 32"},
        {SET("{\"kty\":\"RSA\",\"n\":\"sXchDaQebHnPiGvyDOAT4saGEUetSyo9MKLOoWFsueri23bOdgWp4Dy1WlUzewb"
             "gBHod5pcM9H95GQRV3JDXboIRROSBigeC5yjU1hGzHHyXss8UDpre\",\"e\":\"AQAB\"}"),
         "keys[0]: an RSA key of 696 bits: expected 2048 to 8192"},
        {SET("{\"kty\":\"RSA\",\"n\":\"AQ\"}"), "keys[0]: \"n\" and \"e\" are no RSA key"},
        {SET("{\"kty\":\"RSA\",\"n\":\"A=\",\"e\":\"AQAB\"}"),
         "keys[0]: \"n\" and \"e\" are no RSA key"},
        {SET("{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","
             "\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a8\"}"),
         "keys[0]: \"x\" and \"y\" are no point of the curve"},
        {SET("{\"kty\":\"EC\",\"crv\":\"P-384\",\"x\":\"f83O\",\"y\":\"x_FE\"}"),
         "keys[0]: \"x\" and \"y\" are no point of the curve"},
        {SET("{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"f83O\"}"),
         "keys[0]: \"x\" is no key of Ed25519"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        enum rw_err err = rw_jwt_keys_add_set(&keys, rw_span_text(cases[i].json), ALL, flaw);
        if (err != RW_EINVAL || strcmp(flaw, cases[i].flaw) != 0)
            fail_msg("%s: %s", cases[i].json, flaw);
    }
    assert_int_equal(rw_jwt_keys_add_pem(&keys, RW_LITERAL("no key"), RW_LITERAL(""), ALL, flaw),
                     RW_EINVAL);
    assert_string_equal(flaw, "no public key in PEM");
}

static void without_memory(void **state)
{
    enum rw_err err = RW_ENOMEM;
    json_set_alloc_funcs(rw_alloc, rw_free);
    /* jansson does not always say why it has failed. */
    for (uint64_t n = 0; err && n < 200; n++) {
        struct rw_jwt_token token;
        rw_alloc_fail_after(n);
        err = rw_jwt_token_open(rw_span_text(vectors[0].token), &token);
        if (!err)
            err = rw_jwt_token_claims(&token);
        rw_alloc_fail_never();
        rw_jwt_token_close(&token);
    }
    assert_int_equal(err, RW_OK);
    for (uint64_t n = 0; n < 60; n++) {
        rw_alloc_fail_after(n);
        err = rw_jwt_keys_add_set(&keys, RW_LITERAL(SET(RFC7515_SECRET "," RFC7515_EC)), ALL, flaw);
        rw_alloc_fail_never();
        tear_down(state);
        set_up(state);
    }
    assert_int_equal(err, RW_OK);
    json_set_alloc_funcs(malloc, free);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(known_vectors, set_up, tear_down),
        cmocka_unit_test_setup_teardown(forged, set_up, tear_down),
        cmocka_unit_test_setup_teardown(allow_list, set_up, tear_down),
        cmocka_unit_test_setup_teardown(confused_algorithms, set_up, tear_down),
        cmocka_unit_test_setup_teardown(keys_have_ids, set_up, tear_down),
        cmocka_unit_test_setup_teardown(no_tokens, set_up, tear_down),
        cmocka_unit_test_setup_teardown(broken_sets, set_up, tear_down),
        cmocka_unit_test_setup_teardown(without_memory, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
