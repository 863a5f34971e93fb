#include "http/h1.h"

/* Room for `len` more bytes, which the caller fills; NULL when there is not. */
static char *take(struct rw_h1_out *out, size_t len)
{
    if (out->overflow || out->room - out->len < len) {
        out->overflow = true;
        return NULL;
    }
    char *at = out->at + out->len;
    out->len += len;
    return at;
}

static char *copy(char *to, struct rw_span bytes)
{
    if (bytes.len)
        memcpy(to, bytes.at, bytes.len);
    return to + bytes.len;
}

void rw_h1_put_field(struct rw_h1_out *out, struct rw_span name, struct rw_span value)
{
    char *to = take(out, name.len + 2 + value.len + 2);
    if (!to)
        return;
    to = copy(to, name);
    *to++ = ':';
    *to++ = ' ';
    to = copy(to, value);
    *to++ = '\r';
    *to = '\n';
}

void rw_h1_put_u64(struct rw_h1_out *out, uint64_t value)
{
    char digits[20];
    rw_h1_put(out, rw_span(digits, rw_format_u64(digits, value)));
}

void rw_h1_put_request_line(struct rw_h1_out *out, struct rw_span method, struct rw_span target)
{
    const struct rw_span end = RW_LITERAL(" HTTP/1.1\r\n");
    char *to = take(out, method.len + 1 + target.len + end.len);
    if (!to)
        return;
    to = copy(to, method);
    *to++ = ' ';
    copy(copy(to, target), end);
}

void rw_h1_put_status_line(struct rw_h1_out *out, unsigned status, struct rw_span reason)
{
    char head[] = "HTTP/1.1 000 ";
    rw_assert(status >= 100 && status <= 999);
    head[9] = (char)('0' + status / 100);
    head[10] = (char)('0' + status / 10 % 10);
    head[11] = (char)('0' + status % 10);
    rw_h1_put(out, rw_span(head, sizeof(head) - 1));
    rw_h1_put(out, reason);
    rw_h1_put(out, RW_LITERAL("\r\n"));
}

/* Does the field stand in memory as it would be written: "name: value", and a line end behind it?
 * Every parsed value has at least the CR of its line end behind it, which the parser has seen. */
static bool as_written(const struct rw_field *field)
{
    const char *end = field->value.at + field->value.len;
    return field->parsed && field->value.at == field->name.at + field->name.len + 2 &&
           field->name.at[field->name.len + 1] == ' ' && end[0] == '\r' && end[1] == '\n';
}

void rw_h1_put_fields(struct rw_h1_out *out, const struct rw_message *message,
                      struct rw_field_set skip)
{
    uint64_t skipped = (skip.bits & ~RW_FIELD_BIT(RW_FIELD_OTHER)) |
                       RW_FIELD_BIT(RW_FIELD_CONTENT_LENGTH) |
                       RW_FIELD_BIT(RW_FIELD_TRANSFER_ENCODING);
    /* Neighbours that the parser left as they came are copied in one piece. */
    struct rw_span run = {NULL, 0};
    for (unsigned i = 0; i < message->field_count; i++) {
        const struct rw_field *field = &message->fields[i];
        if (field->hop || (skipped >> field->id & 1))
            continue;
        size_t len = field->name.len + 2 + field->value.len + 2;
        bool raw = as_written(field);
        if (raw && run.len && field->name.at == run.at + run.len) {
            run.len += len;
            continue;
        }
        rw_h1_put(out, run);
        run = rw_span(field->name.at, raw ? len : 0);
        if (!raw)
            rw_h1_put_field(out, field->name, field->value);
    }
    rw_h1_put(out, run);
}

size_t rw_h1_chunk_head(char *to, uint64_t bytes)
{
    size_t digits = bytes ? (size_t)(67 - __builtin_clzll(bytes)) / 4 : 1;
    for (size_t i = digits; i-- > 0; bytes >>= 4)
        to[i] = "0123456789abcdef"[bytes & 15];
    to[digits] = '\r';
    to[digits + 1] = '\n';
    return digits + 2;
}
