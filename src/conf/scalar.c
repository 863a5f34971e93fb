#include "conf/scalar.h"

#include "conf/read.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>

#define EXPECTED(complaint, ...)                                                                   \
    snprintf((complaint)->expected, sizeof((complaint)->expected), __VA_ARGS__)
#define HINT(complaint, ...) snprintf((complaint)->hint, sizeof((complaint)->hint), __VA_ARGS__)

enum { DIGITS_MAX = 15 };
#define NUMBER_MAX INT64_C(1000000000000000)

static bool limited(const struct rw_conf_field *field)
{
    return field->min != 0 || field->max != 0;
}

static bool outside(const struct rw_conf_field *field, int64_t value)
{
    return limited(field) && (value < field->min || value > field->max);
}

/* ---- Words and numbers ---- */

static bool read_bool(struct rw_span text, bool *to, struct rw_conf_complaint *complaint)
{
    *to = rw_span_is(text, "true") || rw_span_is(text, "True") || rw_span_is(text, "TRUE");
    if (*to || rw_span_is(text, "false") || rw_span_is(text, "False") || rw_span_is(text, "FALSE"))
        return true;
    EXPECTED(complaint, "true or false");
    return false;
}

static bool read_integer(struct rw_span text, int64_t *value)
{
    bool negative = text.len && text.at[0] == '-';
    uint64_t magnitude = 0;
    if (!rw_span_to_u64(rw_span_skip(text, negative), &magnitude) || magnitude > INT64_MAX)
        return false;
    *value = negative ? -(int64_t)magnitude : (int64_t)magnitude;
    return true;
}

static bool read_number(const struct rw_conf_field *field, struct rw_span text, void *to,
                        struct rw_conf_complaint *complaint)
{
    bool is_signed = field->type == RW_CONF_INT;
    int64_t min = is_signed ? INT32_MIN : 0, max = is_signed ? INT32_MAX : UINT32_MAX, value = 0;
    if (limited(field)) {
        min = field->min;
        max = field->max;
    }
    if (!read_integer(text, &value) || value < min || value > max) {
        EXPECTED(complaint, "a whole number from %" PRId64 " to %" PRId64, min, max);
        return false;
    }
    if (is_signed)
        *(int32_t *)to = (int32_t)value;
    else
        *(uint32_t *)to = (uint32_t)value;
    return true;
}

static bool read_enum(const struct rw_conf_field *field, struct rw_span text, int *to,
                      struct rw_conf_complaint *complaint)
{
    size_t count = 0;
    for (; field->names[count]; count++)
        if (rw_span_is(text, field->names[count])) {
            *to = (int)count;
            return true;
        }
    size_t len = (size_t)EXPECTED(complaint, "%s", count > 1 ? "one of" : "");
    for (size_t i = 0; i < count && len < sizeof(complaint->expected); i++)
        len += (size_t)snprintf(complaint->expected + len, sizeof(complaint->expected) - len,
                                "%s \"%s\"", i ? "," : "", field->names[i]);
    const char *nearest = rw_conf_nearest(text, field->names, count);
    if (nearest)
        HINT(complaint, "; did you mean \"%s\"?", nearest);
    return false;
}

/* Digits, and perhaps a point with digits behind it: the same in every locale. */
static bool read_digits(struct rw_span text, double *value)
{
    ptrdiff_t point = rw_span_find(text, '.');
    struct rw_span whole = point < 0 ? text : rw_span(text.at, (size_t)point);
    struct rw_span fraction = point < 0 ? RW_LITERAL("0") : rw_span_skip(text, (size_t)point + 1);
    uint64_t before, behind;
    double scale = 1;
    if (whole.len > DIGITS_MAX || fraction.len > DIGITS_MAX || !rw_span_to_u64(whole, &before) ||
        !rw_span_to_u64(fraction, &behind))
        return false;
    for (size_t i = 0; i < fraction.len; i++)
        scale *= 10;
    /* One division of two whole numbers: the nearest double, as long as they fit into 53 bits. */
    *value = before < (1ull << 20) && scale <= 1e9
                 ? (double)(before * (uint64_t)scale + behind) / scale
                 : (double)before + (double)behind / scale;
    return true;
}

static bool read_decimal(const struct rw_conf_field *field, struct rw_span text, double *to,
                         struct rw_conf_complaint *complaint)
{
    bool negative = text.len && text.at[0] == '-';
    int64_t min = limited(field) ? field->min : 0, max = limited(field) ? field->max : NUMBER_MAX;
    double value = 0;
    bool right = read_digits(rw_span_skip(text, negative), &value);
    value = negative ? -value : value;
    if (right && value >= (double)min && value <= (double)max) {
        *to = value;
        return true;
    }
    EXPECTED(complaint, "a number from %" PRId64 " to %" PRId64, min, max);
    return false;
}

/* ---- Quantities ---- */

static bool is_bare_number(struct rw_span text)
{
    uint64_t value;
    return rw_span_to_u64(text, &value);
}

static bool read_duration(const struct rw_conf_field *field, struct rw_span text, uint32_t *to,
                          struct rw_conf_complaint *complaint)
{
    uint32_t ms = 0;
    enum rw_err err = rw_conf_duration(text, &ms);
    if (!err && !outside(field, ms)) {
        *to = ms;
        return true;
    }
    char least[32], most[32];
    if (err == RW_EINVAL)
        EXPECTED(complaint, "a duration like 250ms, 1.5s, 2m, 1h or 1d");
    else
        EXPECTED(complaint, "a duration from %s to %s",
                 rw_conf_format_duration(least, (uint64_t)field->min),
                 rw_conf_format_duration(most, limited(field) ? (uint64_t)field->max
                                                              : UINT32_MAX / 86400000 * 86400000));
    if (is_bare_number(text) && text.len < 20)
        HINT(complaint, "; the unit is missing: \"%.*ss\" or \"%.*sms\"", RW_SPAN_ARGS(text),
             RW_SPAN_ARGS(text));
    return false;
}

static bool read_size(const struct rw_conf_field *field, struct rw_span text, uint64_t *to,
                      struct rw_conf_complaint *complaint)
{
    uint64_t bytes = 0;
    enum rw_err err = rw_conf_size(text, &bytes);
    if (!err && !outside(field, (int64_t)bytes)) {
        *to = bytes;
        return true;
    }
    char least[32], most[32];
    if (err == RW_EINVAL)
        EXPECTED(complaint, "a size like 512B, 64KiB, 1MiB or 10MB");
    else
        EXPECTED(complaint, "a size from %s to %s",
                 rw_conf_format_size(least, (uint64_t)field->min),
                 rw_conf_format_size(most, limited(field) ? (uint64_t)field->max : INT64_MAX));
    return false;
}

/* ---- Texts ---- */

static bool read_text(const struct rw_conf_field *field, struct rw_span text, struct rw_span *to,
                      struct rw_conf_complaint *complaint)
{
    *to = text;
    bool has_nul = memchr(text.at, 0, text.len) != NULL;
    bool fits =
        field->max <= 0 || ((int64_t)text.len >= field->min && (int64_t)text.len <= field->max);
    if (has_nul)
        EXPECTED(complaint, "a text without the character U+0000");
    else if (!fits && text.len == 0)
        EXPECTED(complaint, "a text that is not empty");
    else if (!fits)
        EXPECTED(complaint, "a text of %" PRId64 " to %" PRId64 " bytes", field->min, field->max);
    return fits && !has_nul;
}

static bool read_address(const struct rw_conf_field *field, struct rw_span text, struct rw_span *to,
                         struct rw_conf_complaint *complaint)
{
    struct rw_conf_address address;
    bool remote = field->flags & RW_CONF_REMOTE;
    const char *wrong = memchr(text.at, 0, text.len) ? "it has a character U+0000"
                                                     : rw_conf_address(text, remote, &address);
    *to = text;
    if (!wrong)
        return true;
    EXPECTED(complaint, "an address like %s",
             remote ? "10.0.0.1:80, [::1]:80, name:80, srv:_http._tcp.name or unix:/path"
                    : ":8080, 127.0.0.1:8080, [::1]:8080 or unix:/path");
    HINT(complaint, "; %s", wrong);
    return false;
}

static bool read_cidr(struct rw_span text, struct rw_span *to, struct rw_conf_complaint *complaint)
{
    struct rw_conf_cidr cidr;
    enum rw_err err = rw_conf_cidr(text, &cidr);
    *to = text;
    if (!err)
        return true;
    EXPECTED(complaint, "an IP address or a range like 10.0.0.0/8 or fd00::/8");
    if (err == RW_ELIMIT) {
        char network[INET6_ADDRSTRLEN];
        for (unsigned bit = cidr.prefix; bit < 128; bit++)
            cidr.bits[bit / 8] &= (unsigned char)~(0x80 >> bit % 8);
        inet_ntop(cidr.v6 ? AF_INET6 : AF_INET, cidr.bits, network, sizeof(network));
        HINT(complaint, "; there are bits set behind the prefix: did you mean \"%s/%u\"?", network,
             cidr.prefix);
    }
    return false;
}

bool rw_conf_scalar(const struct rw_conf_field *field, struct rw_span text, void *to,
                    struct rw_conf_complaint *complaint)
{
    *complaint = (struct rw_conf_complaint){.expected = ""};
    switch (field->type) {
    case RW_CONF_BOOL:
        return read_bool(text, to, complaint);
    case RW_CONF_UINT:
    case RW_CONF_INT:
        return read_number(field, text, to, complaint);
    case RW_CONF_NUMBER:
        return read_decimal(field, text, to, complaint);
    case RW_CONF_DURATION:
        return read_duration(field, text, to, complaint);
    case RW_CONF_SIZE:
        return read_size(field, text, to, complaint);
    case RW_CONF_TEXT:
    case RW_CONF_SECRET:
        return read_text(field, text, to, complaint);
    case RW_CONF_ENUM:
        return read_enum(field, text, to, complaint);
    case RW_CONF_ADDRESS:
        return read_address(field, text, to, complaint);
    case RW_CONF_CIDR:
        return read_cidr(text, to, complaint);
    case RW_CONF_RECORD:
    case RW_CONF_VARIANT:
        break;
    }
    rw_assert(!"a scalar type");
    return false;
}
