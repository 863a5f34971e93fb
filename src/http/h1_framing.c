#include "http/field_table.h"
#include "http/h1_parse.h"

/* ---- Content-Length and Transfer-Encoding (RFC 9112 sections 6.1 to 6.3) ---- */

/* Fields may be repeated only with the same bytes: equal numbers in different spelling are two
 * readings. A list
 * ("5, 5") is not split up; RFC 9110 section 8.6 allows to refuse it. */
static enum rw_h1_step content_length(struct rw_h1_parse *parse)
{
    struct rw_message *message = parse->message;
    const struct rw_field *first = rw_message_find(message, RW_FIELD_CONTENT_LENGTH);
    if (!rw_span_to_u64(first->value, &message->body_bytes))
        return rw_h1_bad(parse, 400, "Content-Length is not a number");
    /* Many peers keep it signed and would see a negative length. */
    if (message->body_bytes > INT64_MAX)
        return rw_h1_bad(parse, 400, "Content-Length is too large");
    if (parse->repeated & RW_FIELD_BIT(RW_FIELD_CONTENT_LENGTH)) {
        const struct rw_field *end = message->fields + message->field_count;
        for (const struct rw_field *field = first + 1; field < end; field++)
            if (field->id == RW_FIELD_CONTENT_LENGTH && !rw_span_eq(field->value, first->value))
                return rw_h1_bad(parse, 400, "Content-Length fields differ");
    }
    message->has_length = true;
    message->body_kind = RW_BODY_LENGTH;
    return RW_H1_STEP_OK;
}

/* Tokens, of which the last is "chunked" and no other one: codings that we do not know, but no
 * trick. */
static bool ends_in_chunked(struct rw_span list)
{
    struct rw_span element = {NULL, 0};
    unsigned chunked = 0;
    bool last_is_chunked = false;
    while (rw_span_next(&list, ',', &element)) {
        if (!rw_is_token(element))
            return false;
        last_is_chunked = rw_span_is_nocase(element, "chunked");
        chunked += last_is_chunked;
    }
    return last_is_chunked && chunked == 1;
}

static enum rw_h1_step transfer_encoding(struct rw_h1_parse *parse)
{
    struct rw_span value = rw_message_value(parse->message, RW_FIELD_TRANSFER_ENCODING);
    if (parse->message->minor_version == 0)
        return rw_h1_bad(parse, 400, "Transfer-Encoding in HTTP/1.0");
    if (rw_h1_has(parse, RW_FIELD_CONTENT_LENGTH))
        return rw_h1_bad(parse, 400, "Transfer-Encoding together with Content-Length");
    if (parse->repeated & RW_FIELD_BIT(RW_FIELD_TRANSFER_ENCODING))
        return rw_h1_bad(parse, 400, "Transfer-Encoding more than once");
    if (!rw_span_is_nocase(value, "chunked"))
        return ends_in_chunked(value)
                   ? rw_h1_bad(parse, 501, "Transfer-Encoding holds an unknown coding")
                   : rw_h1_bad(parse, 400, "Transfer-Encoding is not chunked");
    parse->message->body_kind = RW_BODY_CHUNKED;
    return RW_H1_STEP_OK;
}

enum rw_h1_step rw_h1_framing(struct rw_h1_parse *parse)
{
    if (rw_h1_has(parse, RW_FIELD_TRANSFER_ENCODING))
        return transfer_encoding(parse);
    if (rw_h1_has(parse, RW_FIELD_CONTENT_LENGTH))
        return content_length(parse);
    return RW_H1_STEP_OK;
}

/* ---- Connection (RFC 9110 section 7.6.1, RFC 9112 section 9.3) ---- */

enum { OPTION_CLOSE = 1, OPTION_KEEP_ALIVE = 2, OPTION_UPGRADE = 4 };

/* `lower` in the first bytes of `name`, whatever the case, "_" as good as "-". */
static bool begins_like(struct rw_span name, struct rw_span lower)
{
    if (name.len < lower.len)
        return false;
    for (size_t i = 0; i < lower.len; i++) {
        char c = name.at[i] == '_' ? '-' : name.at[i];
        if (c != lower.at[i] && !(c >= 'A' && c <= 'Z' && (c | 0x20) == lower.at[i]))
            return false;
    }
    return true;
}

bool rw_h1_names_client(struct rw_span name)
{
    struct rw_span real_ip = RW_LITERAL("x-real-ip");
    return begins_like(name, RW_LITERAL("x-forwarded-")) ||
           (name.len == real_ip.len && begins_like(name, real_ip));
}

/* Connection may take away only what its sender added for this hop. A field that this program knows
 * is end-to-end by its own definition (or hop-by-hop anyway): were it dropped because a client
 * names it, the client could hide Authorization, X-Forwarded-For or Via from the origin. Such a
 * name is passed over, and the field stays. Proxy-Authorization and -Authenticate are for a proxy,
 * and are removed when named. */
static bool may_name(enum rw_field_id id, struct rw_span name)
{
    return id == RW_FIELD_PROXY_AUTHORIZATION || id == RW_FIELD_PROXY_AUTHENTICATE ||
           (id == RW_FIELD_OTHER && !rw_h1_names_client(name));
}

static void mark_hop(struct rw_message *message, enum rw_field_id id, struct rw_span name)
{
    for (unsigned i = 0; i < message->field_count; i++)
        if (message->fields[i].id == id && rw_span_eq_nocase(message->fields[i].name, name))
            message->fields[i].hop = true;
}

/* `option` is a token. */
static bool option_is(struct rw_span option, struct rw_span lower)
{
    return option.len == lower.len && rw_field_name_same(option.at, lower.at, lower.len);
}

static enum rw_h1_step connection_option(struct rw_h1_parse *parse, struct rw_span option,
                                         unsigned *options)
{
    if (option.len == 0) /* empty list elements are allowed, RFC 9110 section 5.6.1.2 */
        return RW_H1_STEP_OK;
    if (!rw_is_token(option))
        return rw_h1_bad(parse, 400, "Connection holds what is no token");
    if (option_is(option, RW_LITERAL("close")))
        *options |= OPTION_CLOSE;
    else if (option_is(option, RW_LITERAL("keep-alive")))
        *options |= OPTION_KEEP_ALIVE;
    else if (option_is(option, RW_LITERAL("upgrade")))
        *options |= OPTION_UPGRADE;
    else {
        enum rw_field_id id = rw_field_id_of_token(option.at, option.len);
        /* Without these the message would mean another one behind us. */
        if (id == RW_FIELD_HOST || id == RW_FIELD_CONTENT_LENGTH)
            return rw_h1_bad(parse, 400, "Connection names Host or Content-Length");
        if (may_name(id, option))
            mark_hop(parse->message, id, option);
    }
    return RW_H1_STEP_OK;
}

/* Naming fields costs a walk over all of them: a bound keeps the product small. */
enum { CONNECTION_OPTIONS_MAX = 32 };

static enum rw_h1_step connection_options(struct rw_h1_parse *parse, unsigned *options)
{
    const struct rw_message *message = parse->message;
    unsigned count = 0;
    for (unsigned i = 0; i < message->field_count; i++) {
        if (message->fields[i].id != RW_FIELD_CONNECTION)
            continue;
        struct rw_span rest = message->fields[i].value, option;
        while (rw_span_next(&rest, ',', &option)) {
            if (++count > CONNECTION_OPTIONS_MAX)
                return rw_h1_bad(parse, 400, "Connection holds too many options");
            enum rw_h1_step step = connection_option(parse, option, options);
            if (step != RW_H1_STEP_OK)
                return step;
        }
    }
    return RW_H1_STEP_OK;
}

enum rw_h1_step rw_h1_connection(struct rw_h1_parse *parse)
{
    struct rw_message *message = parse->message;
    unsigned options = 0;
    if (rw_h1_has(parse, RW_FIELD_CONNECTION)) {
        enum rw_h1_step step = connection_options(parse, &options);
        if (step != RW_H1_STEP_OK)
            return step;
    }
    message->keep_alive =
        !(options & OPTION_CLOSE) && (message->minor_version > 0 || options & OPTION_KEEP_ALIVE);
    /* Upgrade in HTTP/1.0 is passed over (RFC 9110 section 7.8). */
    message->upgrade = options & OPTION_UPGRADE && message->minor_version > 0 &&
                       rw_h1_has(parse, RW_FIELD_UPGRADE);
    return RW_H1_STEP_OK;
}
