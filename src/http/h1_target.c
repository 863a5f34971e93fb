#include "http/h1_parse.h"
#include "http/scan.h"

#include <arpa/inet.h>

enum { HOST_BYTES_MAX = 255 }; /* RFC 1035 section 2.3.4 */

/* ---- The target as bytes ---- */

/* Two hex digits behind the percent sign at `at` (RFC 3986 section 2.1). */
static enum rw_h1_step percent(struct rw_h1_parse *parse, const char *at)
{
    unsigned value = 0;
    for (int i = 1; i <= 2; i++) {
        if (at + i == parse->end)
            return RW_H1_STEP_SHORT;
        unsigned digit = rw_hex_digit(at[i]);
        if (digit > 15)
            return rw_h1_bad(parse, 400, "percent sign without two hex digits in the target");
        value = value * 16 + digit;
    }
    /* An origin that decodes into C strings would see the path end here, and another file than we
     * routed. */
    if (value == 0 && !parse->message->query.at)
        return rw_h1_bad(parse, 400, "%00 in the path");
    return RW_H1_STEP_OK;
}

static enum rw_h1_step bad_target_character(struct rw_h1_parse *parse, const char *at)
{
    if (*at == '#')
        return rw_h1_bad(parse, 400, "fragment in the target");
    if (*at == '\r' || *at == '\n')
        return rw_h1_bad(parse, 400, "request line without a version");
    return rw_h1_bad(parse, 400, "forbidden character in the target");
}

static enum rw_h1_step target_end(struct rw_h1_parse *parse, const char *begin)
{
    struct rw_message *message = parse->message;
    size_t len = (size_t)(parse->at - begin);
    if (len == 0)
        return rw_h1_bad(parse, 400, "empty target");
    if (len > parse->limits->target_bytes_max)
        return rw_h1_bad(parse, 414, "target longer than allowed");
    message->target = rw_span(begin, len);
    if (message->query.at)
        message->query.len = (size_t)(parse->at - message->query.at);
    return RW_H1_STEP_OK;
}

enum rw_h1_step rw_h1_target(struct rw_h1_parse *parse)
{
    struct rw_message *message = parse->message;
    const char *const begin = parse->at;
    message->query = (struct rw_span){NULL, 0};
    for (const char *at = begin;; at++) {
        at = rw_scan_target(at, parse->end);
        if (at == parse->end || *at == ' ') {
            parse->at = at;
            return at == parse->end && !parse->whole ? RW_H1_STEP_SHORT : target_end(parse, begin);
        }
        if (*at == '?') {
            if (!message->query.at)
                message->query.at = at + 1;
        } else if (*at == '%') {
            enum rw_h1_step step = percent(parse, at);
            if (step != RW_H1_STEP_OK)
                return step;
            at += 2;
        } else
            return bad_target_character(parse, at);
    }
}

/* ---- Authorities ---- */

struct authority {
    struct rw_span host;
    unsigned port; /* 0: none given */
};

/* "[...]" at the begin of `text`: its length, 0 when malformed. No zone, no IPvFuture (RFC 3986
 * section 3.2.2). */
static size_t ip_literal(struct rw_span text)
{
    char address[INET6_ADDRSTRLEN];
    struct in6_addr ignored;
    ptrdiff_t end = rw_span_find(text, ']');
    if (end < 0 || (size_t)end > sizeof(address))
        return 0;
    memcpy(address, text.at + 1, (size_t)end - 1);
    address[end - 1] = '\0';
    if (strlen(address) != (size_t)end - 1 || inet_pton(AF_INET6, address, &ignored) != 1)
        return 0;
    return (size_t)end + 1;
}

static bool parse_port(struct rw_span text, unsigned *port)
{
    uint64_t value;
    if (text.len > 5 || !rw_span_to_u64(text, &value) || value == 0 || value > UINT16_MAX)
        return false;
    *port = (unsigned)value;
    return true;
}

/* host [":" port]. Narrower than RFC 3986 where nothing in use needs the width and readers differ:
 * no user information, no percent-encoding and no sub-delims in names, no empty port, no port zero.
 */
static bool parse_authority(struct rw_span text, struct authority *authority)
{
    const char *end = text.at + text.len;
    size_t host_len;
    if (text.len && text.at[0] == '[')
        host_len = ip_literal(text);
    else
        host_len = (size_t)(rw_scan_while(text.at, end, RW_CHAR_HOST) - text.at);
    if (host_len == 0 || host_len > HOST_BYTES_MAX)
        return false;
    authority->host = rw_span(text.at, host_len);
    authority->port = 0;
    if (host_len == text.len)
        return true;
    return text.at[host_len] == ':' &&
           parse_port(rw_span_skip(text, host_len + 1), &authority->port);
}

/* The port that goes without saying, 0 when none does. */
static unsigned default_port(struct rw_span scheme)
{
    return scheme.len == 4 ? 80 : scheme.len == 5 ? 443 : 0;
}

/* ---- Forms (RFC 9112 section 3.2) ---- */

static void origin_form(struct rw_message *message)
{
    message->path = message->target;
    if (message->query.at)
        message->path.len = (size_t)(message->query.at - 1 - message->path.at);
}

static enum rw_h1_step authority_form(struct rw_h1_parse *parse)
{
    struct rw_message *message = parse->message;
    struct authority authority;
    if (!parse_authority(message->target, &authority) || authority.port == 0)
        return rw_h1_bad(parse, 400, "target of CONNECT is not host:port");
    message->authority = message->target;
    return RW_H1_STEP_OK;
}

static enum rw_h1_step absolute_form(struct rw_h1_parse *parse)
{
    struct rw_message *message = parse->message;
    struct rw_span target = message->target;
    ptrdiff_t colon = rw_span_find(target, ':');
    struct rw_span scheme = rw_span(target.at, colon < 0 ? 0 : (size_t)colon);
    if (!rw_span_is_nocase(scheme, "http") && !rw_span_is_nocase(scheme, "https"))
        return rw_h1_bad(parse, 400, "target is neither a path nor an http or https URI");
    struct rw_span rest = rw_span_skip(target, scheme.len);
    if (!rw_span_starts(rest, RW_LITERAL("://")))
        return rw_h1_bad(parse, 400, "malformed URI in the target");
    rest = rw_span_skip(rest, 3);
    size_t len = 0;
    while (len < rest.len && rest.at[len] != '/' && rest.at[len] != '?')
        len++;
    struct authority authority;
    message->authority = rw_span(rest.at, len);
    if (!parse_authority(message->authority, &authority))
        return rw_h1_bad(parse, 400, "malformed authority in the target");
    message->scheme = scheme;
    message->target = rw_span_skip(rest, len);
    origin_form(message);
    return RW_H1_STEP_OK;
}

enum rw_h1_step rw_h1_target_form(struct rw_h1_parse *parse)
{
    struct rw_message *message = parse->message;
    if (message->method == RW_METHOD_CONNECT)
        return authority_form(parse);
    if (message->target.at[0] == '/') {
        origin_form(message);
        return RW_H1_STEP_OK;
    }
    if (rw_span_is(message->target, "*")) {
        if (message->method != RW_METHOD_OPTIONS)
            return rw_h1_bad(parse, 400, "target * with another method than OPTIONS");
        message->path = message->target;
        return RW_H1_STEP_OK;
    }
    return absolute_form(parse);
}

/* A URI without a path means "/", and with OPTIONS and no query the server itself (RFC 9112
 * sections 3.2.1 and 3.2.4); with a query, the slash must be put before it. */
static enum rw_h1_step complete_target(struct rw_h1_parse *parse)
{
    struct rw_message *message = parse->message;
    if (message->target.len == 0) {
        message->target = message->method == RW_METHOD_OPTIONS ? RW_LITERAL("*") : RW_LITERAL("/");
        message->path = message->target;
        return RW_H1_STEP_OK;
    }
    message->target = rw_arena_format(parse->arena, "/%.*s", RW_SPAN_ARGS(message->target));
    if (!message->target.at)
        return RW_H1_STEP_NO_MEMORY;
    message->query = rw_span_skip(message->target, 2);
    origin_form(message);
    return RW_H1_STEP_OK;
}

/* ---- Host (RFC 9110 section 7.2, RFC 9112 section 3.2) ---- */

/* RFC 9112 section 3.2.2 lets the target win; but what stands behind us may let Host win. */
static bool agrees_with_target(const struct rw_message *message, const struct authority *host)
{
    struct authority target;
    unsigned implied = default_port(message->scheme);
    if (!parse_authority(message->authority, &target))
        return false;
    return rw_span_eq_nocase(target.host, host->host) &&
           (target.port ? target.port : implied) == (host->port ? host->port : implied);
}

enum rw_h1_step rw_h1_host(struct rw_h1_parse *parse)
{
    struct rw_message *message = parse->message;
    if (parse->repeated & RW_FIELD_BIT(RW_FIELD_HOST))
        return rw_h1_bad(parse, 400, "Host more than once");
    if (rw_h1_has(parse, RW_FIELD_HOST)) {
        struct authority host;
        struct rw_span value = rw_message_value(message, RW_FIELD_HOST);
        if (!parse_authority(value, &host))
            return rw_h1_bad(parse, 400, "malformed Host");
        if (message->authority.len && !agrees_with_target(message, &host))
            return rw_h1_bad(parse, 400, "Host differs from the target");
        if (!message->authority.len)
            message->authority = value;
    } else if (message->minor_version > 0)
        return rw_h1_bad(parse, 400, "no Host");
    if (message->target.len == 0 || message->target.at[0] == '?')
        return complete_target(parse);
    return RW_H1_STEP_OK;
}
