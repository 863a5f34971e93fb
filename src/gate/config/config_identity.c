/* Tables of consumers, and of how origins are told who asks. */
#include "gate/config/config_tables.h"
#include "gate/config/settable.h"
#include "http/message.h"

enum { KEY_BYTES_MIN = 16, KEY_BYTES_MAX = 512, SUBJECTS_MAX = 64, CLAIM_FIELDS_MAX = 16 };

/* ---- Subjects ---- */

#define MEMBER(member) offsetof(struct rw_config_subject, member)
static const struct rw_conf_field subject_fields[] = {
    {
        .name = "subject",
        .type = RW_CONF_TEXT,
        .flags = RW_CONF_REQUIRED,
        .offset = MEMBER(subject),
        .min = 1,
        .max = 256,
        .doc = "What the claim that names the consumer (`consumer_claim` of the policy `jwt`) "
               "says.",
        .example = "service-7",
    },
    {
        .name = "issuer",
        .type = RW_CONF_TEXT,
        .offset = MEMBER(issuer),
        .min = 1,
        .max = 256,
        .doc = "Who says so (the claim `iss`). It has to be there where tokens of more than one "
               "issuer are accepted, as each of them has subjects of its own.",
        .example = "https://login.example.com",
    },
    {.name = NULL},
};
#undef MEMBER

static const struct rw_conf_record subject_record = {
    .name = "consumer.subject",
    .doc = "What tokens call the consumer. A text in place of the mapping is the subject.",
    .size = sizeof(struct rw_config_subject),
    .fields = subject_fields,
    .place_offset = offsetof(struct rw_config_subject, place),
    .scalar_field = "subject",
};

/* ---- Consumers ---- */

#define MEMBER(member) offsetof(struct rw_config_consumer, member)
static const struct rw_conf_field consumer_fields[] = {
    {
        .name = "name",
        .type = RW_CONF_TEXT,
        .flags = RW_CONF_REQUIRED,
        .offset = MEMBER(name),
        .min = 1,
        .max = RW_CONSUMER_NAME_BYTES_MAX,
        .doc = "For rate limits, the access log and origins.",
        .example = "acme-shop",
    },
    {
        .name = "tenant",
        .type = RW_CONF_TEXT,
        .offset = MEMBER(tenant),
        .min = 1,
        .max = RW_CONSUMER_NAME_BYTES_MAX,
        .doc = "Whom it belongs to; several consumers may have one.",
        .example = "acme",
    },
    {
        .name = "keys",
        .type = RW_CONF_SECRET,
        .flags = RW_CONF_LIST,
        .offset = MEMBER(keys),
        .doc = "Its API keys, of 16 to 512 bytes each, or `sha256:` and the 64 hexadecimal digits "
               "of a key's digest, so that no key stands in the file. Several allow to change "
               "them one after the other.",
        .example = "[\"file:/etc/ringway/acme-key\"]",
    },
    {
        .name = "subjects",
        .type = RW_CONF_RECORD,
        .flags = RW_CONF_LIST,
        .offset = MEMBER(subjects),
        .record = &subject_record,
        .doc = "What tokens of the policy `jwt` call it.",
    },
    {.name = NULL},
};
#undef MEMBER

/* ---- Keys as digests ---- */

#define DIGEST_PREFIX RW_LITERAL("sha256:")

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = rw_lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool rw_consumer_digest_written(struct rw_span key)
{
    return rw_span_starts(key, DIGEST_PREFIX);
}

enum rw_err rw_consumer_digest_parse(struct rw_span key, uint8_t to[RW_CONSUMER_DIGEST_BYTES])
{
    if (!rw_span_starts(key, DIGEST_PREFIX) ||
        key.len != DIGEST_PREFIX.len + 2 * RW_CONSUMER_DIGEST_BYTES)
        return RW_EINVAL;
    const char *digits = key.at + DIGEST_PREFIX.len;
    for (unsigned i = 0; i < RW_CONSUMER_DIGEST_BYTES; i++) {
        int high = hex_digit(digits[2 * i]), low = hex_digit(digits[2 * i + 1]);
        if (high < 0 || low < 0)
            return RW_EINVAL;
        to[i] = (uint8_t)(high << 4 | low);
    }
    return RW_OK;
}

/* ---- Checks ---- */

/* Names are told to origins in fields. */
static void check_name(struct rw_conf_report *report, const struct rw_span *name)
{
    if (!rw_is_field_value(*name))
        rw_conf_mistake_on(report, name,
                           "a name has no control characters, and no white space at an end");
}

/* Nothing that is told here has a part of the key in it. */
static void check_key(struct rw_conf_report *report, const struct rw_span *key)
{
    uint8_t digest[RW_CONSUMER_DIGEST_BYTES];
    if (rw_consumer_digest_written(*key)) {
        if (rw_consumer_digest_parse(*key, digest))
            rw_conf_mistake_on(report, key, "expected 64 hexadecimal digits after \"sha256:\"");
    } else if (key->len < KEY_BYTES_MIN || key->len > KEY_BYTES_MAX) {
        rw_conf_mistake_on(report, key, "an API key has %d to %d bytes: this one has %zu",
                           (int)KEY_BYTES_MIN, (int)KEY_BYTES_MAX, key->len);
    } else if (!rw_is_field_value(*key)) {
        rw_conf_mistake_on(report, key,
                           "an API key has no control characters, and no white space at an end");
    }
}

static void check_consumer(void *value, struct rw_conf_report *report)
{
    struct rw_config_consumer *consumer = value;
    const struct rw_span *keys = consumer->keys.items;
    check_name(report, &consumer->name);
    check_name(report, &consumer->tenant);
    if (consumer->keys.count > RW_CONSUMER_KEYS_MAX)
        rw_conf_mistake_on(report, &consumer->keys, "at most %d keys", (int)RW_CONSUMER_KEYS_MAX);
    if (consumer->subjects.count > SUBJECTS_MAX)
        rw_conf_mistake_on(report, &consumer->subjects, "at most %d subjects", (int)SUBJECTS_MAX);
    for (size_t i = 0; i < consumer->keys.count; i++)
        check_key(report, &keys[i]);
}

const struct rw_conf_record rw_config_consumer_record = {
    .name = "consumer",
    .doc = "One of those who use the APIs: a program, a partner, a customer.",
    .size = sizeof(struct rw_config_consumer),
    .fields = consumer_fields,
    .place_offset = offsetof(struct rw_config_consumer, place),
    .check = check_consumer,
};

/* ---- What origins are told ---- */

#define MEMBER(member) offsetof(struct rw_config_identity, member)
static const struct rw_conf_field identity_fields[] = {
    {
        .name = "consumer_field",
        .type = RW_CONF_TEXT,
        .offset = MEMBER(consumer_field),
        .min = 1,
        .max = 64,
        .doc = "The field in which origins get the consumer's name. It is taken out of every "
               "request that comes in, on routes without an identity policy too: nobody can forge "
               "it.",
        .example = "X-Consumer-Name",
    },
    {
        .name = "tenant_field",
        .type = RW_CONF_TEXT,
        .offset = MEMBER(tenant_field),
        .min = 1,
        .max = 64,
        .doc = "The same for the tenant.",
        .example = "X-Consumer-Tenant",
    },
    {
        .name = "claim_fields",
        .type = RW_CONF_TEXT,
        .flags = RW_CONF_MAP,
        .offset = MEMBER(claim_fields),
        .max = 64,
        .doc = "The same for claims of tokens: the claim, and the field for it. The policy `jwt` "
               "has to keep the claim.",
        .example = "{sub: X-User-Id}",
    },
    {.name = NULL},
};
#undef MEMBER

/* What everybody may send, and this program or others read, cannot be taken out of requests. */
static void check_field(struct rw_conf_report *report, const void *at, struct rw_span name)
{
    const char *flaw = name.len ? rw_settable_flaw(name, RW_SETTABLE_REQUEST) : NULL;
    if (!flaw && name.len && rw_field_id(name) != RW_FIELD_OTHER)
        flaw = "has a meaning of its own";
    if (flaw)
        rw_conf_mistake_on(report, at, "%s cannot say who asks: it %s", rw_conf_quote(report, name),
                           flaw);
}

static void check_twice(struct rw_conf_report *report, const void *at, struct rw_span a,
                        struct rw_span b)
{
    if (a.len && rw_span_eq_nocase(a, b))
        rw_conf_mistake_on(report, at, "%s is told something else already",
                           rw_conf_quote(report, a));
}

static void check_identity(void *value, struct rw_conf_report *report)
{
    struct rw_config_identity *identity = value;
    const struct rw_conf_pair *claims = identity->claim_fields.items;
    size_t count = identity->claim_fields.count;
    check_field(report, &identity->consumer_field, identity->consumer_field);
    check_field(report, &identity->tenant_field, identity->tenant_field);
    check_twice(report, &identity->tenant_field, identity->tenant_field, identity->consumer_field);
    if (count > CLAIM_FIELDS_MAX)
        rw_conf_mistake_on(report, &identity->claim_fields, "at most %d claims",
                           (int)CLAIM_FIELDS_MAX);
    for (size_t i = 0; i < count; i++) {
        check_field(report, &claims[i], claims[i].value);
        check_twice(report, &claims[i], claims[i].value, identity->consumer_field);
        check_twice(report, &claims[i], claims[i].value, identity->tenant_field);
        for (size_t k = 0; k < i; k++)
            check_twice(report, &claims[i], claims[i].value, claims[k].value);
    }
}

const struct rw_conf_record rw_config_identity_record = {
    .name = "identity",
    .doc = "How origins are told who asks.",
    .size = sizeof(struct rw_config_identity),
    .fields = identity_fields,
    .place_offset = -1,
    .check = check_identity,
};
