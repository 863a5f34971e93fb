#include "load/script/message.h"

#include "base/base64.h"

#include <jansson.h>

enum {
    GRPC_HEAD_BYTES = 5, /* not compressed; the length, big-endian */
    DEPTH_MAX = 32,      /* messages within messages */
    FIELD_NUMBER_MAX = (1 << 29) - 1,
    VARINT_BYTES_MAX = 10
};

/* The encodings of a field on the wire. */
enum wire { WIRE_VARINT = 0, WIRE_64 = 1, WIRE_BYTES = 2, WIRE_32 = 5 };

/* ---- Base64 ---- */

static const char *put_base64(struct rw_span text, struct rw_h1_out *out)
{
    struct rw_base64_decoder decoder = {0};
    while (text.len) {
        char bytes[48];
        size_t written = 0;
        if (!rw_base64_decode(&decoder, &text, bytes, sizeof(bytes), &written))
            return "not base64";
        rw_h1_put(out, rw_span(bytes, written));
    }
    return rw_base64_decoded(&decoder) ? NULL : "not base64: its end is missing";
}

/* ---- Fields ---- */

static void put_varint(struct rw_h1_out *out, uint64_t value)
{
    char bytes[VARINT_BYTES_MAX];
    size_t len = 0;
    for (; value >= 0x80; value >>= 7)
        bytes[len++] = (char)(value | 0x80);
    bytes[len++] = (char)value;
    rw_h1_put(out, rw_span(bytes, len));
}

static void put_tag(struct rw_h1_out *out, uint64_t number, enum wire wire)
{
    put_varint(out, number << 3 | wire);
}

/* Little-endian. */
static void put_fixed(struct rw_h1_out *out, uint64_t value, unsigned bytes)
{
    char text[8];
    for (unsigned i = 0; i < bytes; i++)
        text[i] = (char)(value >> (8 * i));
    rw_h1_put(out, rw_span(text, bytes));
}

/* What was written from `begin` on gets its length before it. */
static void put_length_before(struct rw_h1_out *out, size_t begin)
{
    char length[VARINT_BYTES_MAX];
    struct rw_h1_out head = {.at = length, .room = sizeof(length)};
    if (out->overflow)
        return;
    size_t bytes = out->len - begin;
    put_varint(&head, bytes);
    rw_h1_put(out, rw_span(length, head.len)); /* makes sure of the room */
    if (out->overflow)
        return;
    memmove(out->at + begin + head.len, out->at + begin, bytes);
    memcpy(out->at + begin, length, head.len);
}

static const char *put_message(const json_t *object, struct rw_h1_out *out, unsigned depth);

/* A value whose type stands behind the field's number. */
struct typed {
    const char *name;
    const char *(*put)(const json_t *value, uint64_t number, struct rw_h1_out *out);
};

static const char *put_sint(const json_t *value, uint64_t number, struct rw_h1_out *out)
{
    if (!json_is_integer(value))
        return "sint is for integers";
    int64_t integer = json_integer_value(value);
    put_tag(out, number, WIRE_VARINT);
    put_varint(out, (uint64_t)integer << 1 ^ (uint64_t)(integer >> 63));
    return NULL;
}

static const char *put_bytes(const json_t *value, uint64_t number, struct rw_h1_out *out)
{
    if (!json_is_string(value))
        return "bytes are a text in base64";
    put_tag(out, number, WIRE_BYTES);
    size_t begin = out->len;
    const char *flaw =
        put_base64(rw_span(json_string_value(value), json_string_length(value)), out);
    put_length_before(out, begin);
    return flaw;
}

static const char *put_float(const json_t *value, uint64_t number, struct rw_h1_out *out)
{
    uint32_t bits;
    float real = (float)json_number_value(value);
    if (!json_is_number(value))
        return "float is for numbers";
    memcpy(&bits, &real, sizeof(bits));
    put_tag(out, number, WIRE_32);
    put_fixed(out, bits, sizeof(bits));
    return NULL;
}

static const char *put_double(const json_t *value, uint64_t number, struct rw_h1_out *out)
{
    uint64_t bits;
    double real = json_number_value(value);
    if (!json_is_number(value))
        return "double is for numbers";
    memcpy(&bits, &real, sizeof(bits));
    put_tag(out, number, WIRE_64);
    put_fixed(out, bits, sizeof(bits));
    return NULL;
}

static const char *put_fixed32(const json_t *value, uint64_t number, struct rw_h1_out *out)
{
    if (!json_is_integer(value))
        return "fixed32 is for integers";
    put_tag(out, number, WIRE_32);
    put_fixed(out, (uint64_t)json_integer_value(value), 4);
    return NULL;
}

static const char *put_fixed64(const json_t *value, uint64_t number, struct rw_h1_out *out)
{
    if (!json_is_integer(value))
        return "fixed64 is for integers";
    put_tag(out, number, WIRE_64);
    put_fixed(out, (uint64_t)json_integer_value(value), 8);
    return NULL;
}

static const struct typed types[] = {
    {"sint", put_sint},     {"bytes", put_bytes},     {"float", put_float},
    {"double", put_double}, {"fixed32", put_fixed32}, {"fixed64", put_fixed64},
};

static const char *put_within(const json_t *value, uint64_t number, struct rw_h1_out *out,
                              unsigned depth)
{
    put_tag(out, number, WIRE_BYTES);
    size_t begin = out->len;
    const char *flaw = put_message(value, out, depth + 1);
    put_length_before(out, begin);
    return flaw;
}

/* A value as JSON tells what it is. */
static const char *put_plain(const json_t *value, uint64_t number, struct rw_h1_out *out,
                             unsigned depth)
{
    switch (json_typeof(value)) {
    case JSON_STRING:
        put_tag(out, number, WIRE_BYTES);
        put_varint(out, json_string_length(value));
        rw_h1_put(out, rw_span(json_string_value(value), json_string_length(value)));
        return NULL;
    case JSON_INTEGER:
        put_tag(out, number, WIRE_VARINT);
        put_varint(out, (uint64_t)json_integer_value(value));
        return NULL;
    case JSON_REAL:
        return put_double(value, number, out);
    case JSON_TRUE:
    case JSON_FALSE:
        put_tag(out, number, WIRE_VARINT);
        put_varint(out, json_is_true(value));
        return NULL;
    case JSON_OBJECT:
        return put_within(value, number, out, depth);
    default:
        return "a list within a list";
    }
}

static const char *put_value(const json_t *value, uint64_t number, const struct typed *type,
                             struct rw_h1_out *out, unsigned depth)
{
    if (json_is_null(value))
        return NULL; /* not there */
    return type ? type->put(value, number, out) : put_plain(value, number, out, depth);
}

/* "7" or "7:sint". */
static const char *read_key(const char *key, uint64_t *number, const struct typed **type)
{
    const char *colon = strchr(key, ':');
    struct rw_span digits = colon ? rw_span(key, (size_t)(colon - key)) : rw_span_text(key);
    *type = NULL;
    if (!rw_span_to_u64(digits, number) || !*number || *number > FIELD_NUMBER_MAX)
        return "fields have numbers: {\"1\": ...}";
    for (size_t i = 0; colon && i < sizeof(types) / sizeof(types[0]); i++)
        if (strcmp(colon + 1, types[i].name) == 0)
            *type = &types[i];
    return colon && !*type ? "the type is none of sint, bytes, float, double, fixed32, fixed64"
                           : NULL;
}

static const char *put_field(const char *key, const json_t *value, struct rw_h1_out *out,
                             unsigned depth)
{
    uint64_t number;
    const struct typed *type;
    const char *flaw = read_key(key, &number, &type);
    if (flaw || !json_is_array(value))
        return flaw ? flaw : put_value(value, number, type, out, depth);
    for (size_t i = 0; !flaw && i < json_array_size(value); i++)
        flaw = put_value(json_array_get(value, i), number, type, out, depth);
    return flaw;
}

static const char *put_message(const json_t *object, struct rw_h1_out *out, unsigned depth)
{
    const char *key, *flaw = NULL;
    json_t *value; /* jansson walks with it; nothing is changed */
    if (depth == DEPTH_MAX)
        return "too many messages within messages";
    json_object_foreach((json_t *)object, key, value)
    {
        flaw = put_field(key, value, out, depth);
        if (flaw)
            break;
    }
    return flaw;
}

static const char *put_fields(struct rw_span text, struct rw_h1_out *out)
{
    json_t *root = json_loadb(text.at, text.len, JSON_REJECT_DUPLICATES, NULL);
    const char *flaw = json_is_object(root) ? put_message(root, out, 0)
                                            : "not an object of JSON, or a key is there twice";
    json_decref(root);
    return flaw;
}

/* ---- Forms ---- */

/* The length of what follows is known once it is there. */
static const char *put_grpc(struct rw_span text, struct rw_h1_out *out,
                            const char *(*put)(struct rw_span text, struct rw_h1_out *out))
{
    static const char head[GRPC_HEAD_BYTES];
    size_t begin = out->len;
    rw_h1_put(out, rw_span(head, sizeof(head)));
    const char *flaw = put(text, out);
    if (out->overflow)
        return flaw;
    size_t bytes = out->len - begin - GRPC_HEAD_BYTES;
    for (unsigned i = 0; i < 4; i++)
        out->at[begin + 1 + i] = (char)(bytes >> (24 - 8 * i));
    return flaw;
}

static const char *put_as_is(struct rw_span text, struct rw_h1_out *out)
{
    rw_h1_put(out, text);
    return NULL;
}

void rw_load_grpc_put(struct rw_span message, struct rw_h1_out *out)
{
    (void)put_grpc(message, out, put_as_is);
}

const char *rw_load_message_put(enum rw_load_form form, struct rw_span text, struct rw_h1_out *out)
{
    switch (form) {
    case RW_LOAD_FORM_TEXT:
        return put_as_is(text, out);
    case RW_LOAD_FORM_BASE64:
        return put_base64(text, out);
    case RW_LOAD_FORM_GRPC_BASE64:
        return put_grpc(text, out, put_base64);
    case RW_LOAD_FORM_GRPC_FIELDS:
        return put_grpc(text, out, put_fields);
    }
    return NULL;
}
