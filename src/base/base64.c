#include "base/base64.h"

enum { OTHER = 64, PAD = 65 };

static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* Six bits of a character; PAD, OTHER. */
static uint32_t value_of(char c)
{
    if (c >= 'A' && c <= 'Z')
        return (uint32_t)(c - 'A');
    if (c >= 'a' && c <= 'z')
        return (uint32_t)(c - 'a') + 26;
    if (c >= '0' && c <= '9')
        return (uint32_t)(c - '0') + 52;
    if (c == '+')
        return 62;
    if (c == '/')
        return 63;
    return c == '=' ? PAD : OTHER;
}

/* ---- Decoding ---- */

/* One more character of the group. */
static bool take_char(struct rw_base64_decoder *decoder, char c)
{
    uint32_t value = value_of(c);
    if (value == OTHER || (value == PAD && decoder->chars < 2) ||
        (value != PAD && decoder->pads > 0))
        return false;
    if (value == PAD) {
        decoder->pads++;
        value = 0;
    }
    decoder->bits = decoder->bits << 6 | value;
    decoder->chars++;
    return true;
}

/* The group is complete: its bytes, of which padding takes one each. */
static bool give_bytes(struct rw_base64_decoder *decoder, char *to, size_t *written)
{
    uint32_t bits = decoder->bits;
    unsigned count = RW_BASE64_GROUP_BYTES - decoder->pads;
    if (bits & ((1u << 8 * decoder->pads) - 1))
        return false;
    for (unsigned i = 0; i < count; i++)
        to[i] = (char)(bits >> (16 - 8 * i));
    *written += count;
    *decoder = (struct rw_base64_decoder){0};
    return true;
}

bool rw_base64_decode(struct rw_base64_decoder *decoder, struct rw_span *in, char *to, size_t room,
                      size_t *written)
{
    *written = 0;
    while (in->len && room - *written >= RW_BASE64_GROUP_BYTES) {
        if (!take_char(decoder, in->at[0]))
            return false;
        *in = rw_span_skip(*in, 1);
        if (decoder->chars == RW_BASE64_GROUP_CHARS && !give_bytes(decoder, to + *written, written))
            return false;
    }
    return true;
}

/* ---- For URLs ---- */

static uint32_t url_value_of(char c)
{
    if (c == '+' || c == '/')
        return OTHER;
    return value_of(c == '-' ? '+' : c == '_' ? '/' : c);
}

bool rw_base64url_decode(struct rw_span text, char *to, size_t *len)
{
    uint32_t bits = 0;
    unsigned held = 0; /* of these bits */
    *len = 0;
    if (text.len % RW_BASE64_GROUP_CHARS == 1)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        uint32_t value = url_value_of(text.at[i]);
        if (value >= OTHER)
            return false;
        bits = bits << 6 | value;
        held += 6;
        if (held >= 8) {
            held -= 8;
            to[(*len)++] = (char)(bits >> held);
            bits &= (1u << held) - 1;
        }
    }
    return bits == 0;
}

/* ---- Encoding ---- */

static void put_group(char *to, const uint8_t *bytes)
{
    uint32_t bits = (uint32_t)bytes[0] << 16 | (uint32_t)bytes[1] << 8 | bytes[2];
    to[0] = letters[bits >> 18];
    to[1] = letters[bits >> 12 & 63];
    to[2] = letters[bits >> 6 & 63];
    to[3] = letters[bits & 63];
}

/* Completes the held group; false: there are not enough bytes. */
static bool put_held(struct rw_base64_encoder *encoder, struct rw_span *in, char *to)
{
    uint8_t group[RW_BASE64_GROUP_BYTES];
    if (encoder->count + in->len < RW_BASE64_GROUP_BYTES)
        return false;
    unsigned missing = RW_BASE64_GROUP_BYTES - encoder->count;
    memcpy(group, encoder->held, encoder->count);
    memcpy(group + encoder->count, in->at, missing);
    put_group(to, group);
    *in = rw_span_skip(*in, missing);
    encoder->count = 0;
    return true;
}

static void hold(struct rw_base64_encoder *encoder, struct rw_span *in)
{
    while (in->len && encoder->count < RW_BASE64_GROUP_BYTES - 1) {
        encoder->held[encoder->count++] = (uint8_t)in->at[0];
        *in = rw_span_skip(*in, 1);
    }
}

size_t rw_base64_encode(struct rw_base64_encoder *encoder, struct rw_span *in, char *to,
                        size_t room)
{
    size_t written = 0;
    if (encoder->count && room >= RW_BASE64_GROUP_CHARS && put_held(encoder, in, to))
        written = RW_BASE64_GROUP_CHARS;
    while (encoder->count == 0 && in->len >= RW_BASE64_GROUP_BYTES &&
           room - written >= RW_BASE64_GROUP_CHARS) {
        put_group(to + written, (const uint8_t *)in->at);
        *in = rw_span_skip(*in, RW_BASE64_GROUP_BYTES);
        written += RW_BASE64_GROUP_CHARS;
    }
    if (encoder->count + in->len < RW_BASE64_GROUP_BYTES)
        hold(encoder, in);
    return written;
}

size_t rw_base64_finish(struct rw_base64_encoder *encoder, char *to)
{
    uint8_t group[RW_BASE64_GROUP_BYTES] = {0};
    unsigned count = encoder->count;
    if (count == 0)
        return 0;
    memcpy(group, encoder->held, count);
    put_group(to, group);
    memset(to + count + 1, '=', RW_BASE64_GROUP_BYTES - count);
    encoder->count = 0;
    return RW_BASE64_GROUP_CHARS;
}
