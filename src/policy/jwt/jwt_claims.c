/* What a token says (RFC 7519 section 4.1), against what the policy asks for. Its signature is
 * right by now. */
#include "policy/jwt/jwt_private.h"

#include <math.h>
#include <stdio.h>

#define SECONDS_MAX 253402300800.0 /* the year 10000 */

/* ---- Times ---- */

/* NumericDate, RFC 7519 section 2: may have a fraction. False: it is there and none. */
static bool read_date(const json_t *claims, const char *name, uint64_t fallback_s, uint64_t *date_s)
{
    const json_t *value = json_object_get(claims, name);
    *date_s = fallback_s;
    if (!value)
        return true;
    double seconds = json_is_number(value) ? json_number_value(value) : -1;
    if (!(seconds >= 0 && seconds < SECONDS_MAX))
        return false;
    *date_s = (uint64_t)floor(seconds);
    return true;
}

static enum rw_jwt_result check_times(const struct rw_jwt_config *config, const json_t *claims,
                                      uint64_t now_s, struct rw_jwt_known *known)
{
    uint64_t expires_s, not_before_s, issued_s, leeway_s = config->leeway_ms / 1000;
    if (!read_date(claims, "exp", UINT64_MAX, &expires_s) ||
        !read_date(claims, "nbf", 0, &not_before_s) || !read_date(claims, "iat", 0, &issued_s))
        return RW_JWT_MALFORMED;
    if (expires_s == UINT64_MAX && config->require_expiry)
        return RW_JWT_WRONG_CLAIM;
    uint64_t begin_s = not_before_s > issued_s ? not_before_s : issued_s;
    known->begin_s = begin_s > leeway_s ? begin_s - leeway_s : 0;
    known->end_s = expires_s == UINT64_MAX ? expires_s : expires_s + leeway_s;
    return now_s >= known->begin_s && now_s < known->end_s ? RW_JWT_VALID : RW_JWT_EXPIRED;
}

/* ---- Texts ---- */

static bool is_one_of(struct rw_span text, const struct rw_conf_list *list)
{
    const struct rw_span *items = list->items;
    for (size_t i = 0; text.at && i < list->count; i++)
        if (rw_span_eq(items[i], text))
            return true;
    return false;
}

static bool has_audience(const json_t *claims, const struct rw_conf_list *audiences)
{
    const json_t *value = json_object_get(claims, "aud");
    if (!json_is_array(value))
        return is_one_of(rw_jwt_json_text(claims, "aud"), audiences);
    for (size_t i = 0; i < json_array_size(value); i++) {
        const json_t *item = json_array_get(value, i);
        if (json_is_string(item) &&
            is_one_of(rw_span(json_string_value(item), json_string_length(item)), audiences))
            return true;
    }
    return false;
}

enum { NUMBER_BYTES = 24 };

/* A text, a whole number or a truth as a text; at NULL: nothing such. */
static struct rw_span text_of(const json_t *value, char scratch[NUMBER_BYTES])
{
    if (json_is_string(value))
        return rw_span(json_string_value(value), json_string_length(value));
    if (json_is_boolean(value))
        return json_is_true(value) ? RW_LITERAL("true") : RW_LITERAL("false");
    if (!json_is_integer(value))
        return (struct rw_span){0};
    int len = snprintf(scratch, NUMBER_BYTES, "%lld", (long long)json_integer_value(value));
    return rw_span(scratch, (size_t)len);
}

/* RFC 8693 section 4.2: words between spaces. */
static bool has_word(struct rw_span words, struct rw_span wanted)
{
    struct rw_span word;
    while (rw_span_next(&words, ' ', &word))
        if (rw_span_eq(word, wanted))
            return true;
    return false;
}

static bool says(const json_t *value, bool words, struct rw_span wanted)
{
    char scratch[NUMBER_BYTES];
    struct rw_span text = text_of(value, scratch);
    if (!text.at)
        return false;
    return rw_span_eq(text, wanted) || (words && has_word(text, wanted));
}

/* The claim itself, or one of its list. */
static bool meets(const json_t *claims, const struct rw_conf_pair *wanted)
{
    const json_t *value = json_object_get(claims, wanted->key.at);
    if (rw_span_is(wanted->value, "*"))
        return value && !json_is_null(value);
    bool words = rw_span_is(wanted->key, "scope");
    for (size_t i = 0; i < json_array_size(value); i++)
        if (says(json_array_get(value, i), false, wanted->value))
            return true;
    return says(value, words, wanted->value);
}

static bool meets_all(const struct rw_jwt_config *config, const json_t *claims)
{
    const struct rw_conf_pair *wanted = config->require.items;
    if (config->issuers.count && !is_one_of(rw_jwt_json_text(claims, "iss"), &config->issuers))
        return false;
    if (config->audiences.count && !has_audience(claims, &config->audiences))
        return false;
    for (size_t i = 0; i < config->require.count; i++)
        if (!meets(claims, &wanted[i]))
            return false;
    return true;
}

/* ---- The identity ---- */

/* Claims go into fields and logs: what cannot is no claim that anybody should trust. */
static bool is_fit(struct rw_span text)
{
    return text.len <= RW_JWT_CLAIM_BYTES_MAX && rw_is_field_value(text);
}

/* A number as a text has to live somewhere: in the object, from then on. */
static bool keep_number(json_t *claims, struct rw_span name)
{
    char scratch[NUMBER_BYTES];
    struct rw_span number = text_of(json_object_get(claims, name.at), scratch);
    return json_object_set_new(claims, name.at, json_stringn(number.at, number.len)) == 0;
}

static bool keep_claim(json_t *claims, struct rw_span name, struct rw_span *text)
{
    const json_t *value = json_object_get(claims, name.at);
    *text = (struct rw_span){0};
    if (json_is_boolean(value) || json_is_integer(value))
        if (!keep_number(claims, name))
            return false;
    *text = rw_jwt_json_text(claims, name.at);
    return is_fit(*text);
}

static bool keep_claims(const struct rw_jwt_config *config, json_t *claims, struct rw_claim *room,
                        struct rw_identity *identity)
{
    const struct rw_span *names = config->claims.items;
    identity->claims = room;
    for (size_t i = 0; i < config->claims.count; i++) {
        struct rw_span text;
        if (!keep_claim(claims, names[i], &text))
            return false;
        if (text.len)
            room[identity->claim_count++] = (struct rw_claim){names[i], text};
    }
    return !config->tenant_claim.len || keep_claim(claims, config->tenant_claim, &identity->tenant);
}

/* What the configuration says of a consumer counts more than what its token says. */
static enum rw_jwt_result find_consumer(const struct rw_jwt *jwt, json_t *claims,
                                        struct rw_identity *identity)
{
    const struct rw_consumer *consumer = NULL;
    struct rw_span subject;
    if (!keep_claim(claims, jwt->config->consumer_claim, &subject))
        return RW_JWT_MALFORMED;
    if (jwt->maps_consumers && subject.len)
        consumer =
            rw_consumers_by_subject(jwt->consumers, rw_jwt_json_text(claims, "iss"), subject);
    if (consumer) {
        identity->consumer = consumer->identity.consumer;
        if (consumer->identity.tenant.len)
            identity->tenant = consumer->identity.tenant;
    }
    return consumer || jwt->config->unknown_consumer == RW_JWT_UNKNOWN_ADMIT ? RW_JWT_VALID
                                                                             : RW_JWT_NO_CONSUMER;
}

enum rw_jwt_result rw_jwt_read_claims(const struct rw_jwt *jwt, json_t *claims, uint64_t now_s,
                                      struct rw_claim *room, struct rw_jwt_known *known)
{
    *known = (struct rw_jwt_known){0};
    enum rw_jwt_result result = check_times(jwt->config, claims, now_s, known);
    if (result)
        return result;
    if (!meets_all(jwt->config, claims))
        return RW_JWT_WRONG_CLAIM;
    if (!keep_claims(jwt->config, claims, room, &known->identity))
        return RW_JWT_MALFORMED;
    return find_consumer(jwt, claims, &known->identity);
}
