#include "http/h1_parse.h"
#include "http/scan.h"

enum {
    METHOD_BYTES_MAX = 64,
    /* RFC 9112 section 2.2 asks for one at least; each costs a look at every packet of a slow head.
     */
    EMPTY_LINES_MAX = 4,
};

static enum rw_h1_step skip_empty_lines(struct rw_h1_parse *parse)
{
    for (unsigned lines = 0; parse->at < parse->end && *parse->at == '\r'; lines++) {
        if (lines == EMPTY_LINES_MAX)
            return rw_h1_bad(parse, 400, "too many empty lines before the request line");
        enum rw_h1_step step = rw_h1_line_end(parse);
        if (step != RW_H1_STEP_OK)
            return step;
        parse->line = parse->at;
    }
    return RW_H1_STEP_OK;
}

static enum rw_h1_step method(struct rw_h1_parse *parse)
{
    struct rw_message *message = parse->message;
    const char *begin = parse->at;
    const char *at = rw_scan_while(begin, parse->end, RW_CHAR_TOKEN);
    if (at == parse->end)
        return RW_H1_STEP_SHORT;
    if (*at == '\n')
        return rw_h1_bad(parse, 400, "line ends with LF alone");
    if (*at != ' ' || at == begin)
        return rw_h1_bad(parse, 400, "method expected");
    message->method_text = rw_span(begin, (size_t)(at - begin));
    if (message->method_text.len > METHOD_BYTES_MAX)
        return rw_h1_bad(parse, 501, "method too long");
    message->method = (uint8_t)rw_method_from(message->method_text);
    parse->at = at + 1;
    return RW_H1_STEP_OK;
}

/* " HTTP/1.1", CRLF. */
static enum rw_h1_step version_and_end(struct rw_h1_parse *parse)
{
    static const char usual[] = " HTTP/1.1\r\n";
    const size_t len = sizeof(usual) - 1;
    if ((size_t)(parse->end - parse->at) >= len && memcmp(parse->at, usual, len) == 0) {
        parse->message->minor_version = 1;
        parse->at += len;
        return RW_H1_STEP_OK;
    }
    const char *begin = parse->at + 1;
    const char *stop = rw_scan_value(begin, parse->end);
    if (stop == parse->end)
        return RW_H1_STEP_SHORT;
    enum rw_h1_step step = rw_h1_version(parse, rw_span(begin, (size_t)(stop - begin)));
    return step == RW_H1_STEP_OK ? rw_h1_line_end(parse) : step;
}

/* RFC 9112 section 3: method SP request-target SP HTTP-version CRLF, one SP each. */
static enum rw_h1_step request_line(struct rw_h1_parse *parse)
{
    enum rw_h1_step step = skip_empty_lines(parse);
    if (step == RW_H1_STEP_OK)
        step = method(parse);
    if (step == RW_H1_STEP_OK)
        step = rw_h1_target(parse);
    if (step == RW_H1_STEP_OK)
        step = version_and_end(parse);
    if (step == RW_H1_STEP_OK)
        step = rw_h1_target_form(parse);
    return step;
}

/* RFC 9110 section 10.1.1. Without a body, or in HTTP/1.0, there is nothing to continue with. */
static enum rw_h1_step expect(struct rw_h1_parse *parse)
{
    struct rw_message *message = parse->message;
    if (!rw_h1_has(parse, RW_FIELD_EXPECT) || message->minor_version == 0)
        return RW_H1_STEP_OK;
    for (unsigned i = 0; i < message->field_count; i++)
        if (message->fields[i].id == RW_FIELD_EXPECT &&
            !rw_span_is_nocase(message->fields[i].value, "100-continue"))
            return rw_h1_bad(parse, 417, "unknown Expect");
    message->expect_continue = message->body_kind == RW_BODY_CHUNKED || message->body_bytes > 0;
    return RW_H1_STEP_OK;
}

/* RFC 9110 sections 9.3.6 and 9.3.8: behind a CONNECT comes the tunnel, and a TRACE has no content.
 * What else stands there would be a body to one reader and not to another. */
static enum rw_h1_step methods_without_content(struct rw_h1_parse *parse)
{
    const struct rw_message *message = parse->message;
    if (message->method != RW_METHOD_CONNECT && message->method != RW_METHOD_TRACE)
        return RW_H1_STEP_OK;
    if (message->body_kind == RW_BODY_CHUNKED || message->body_bytes > 0)
        return rw_h1_bad(parse, 400, "content in a CONNECT or TRACE request");
    return RW_H1_STEP_OK;
}

enum rw_h1_step rw_h1_request_rules(struct rw_h1_parse *parse)
{
    enum rw_h1_step step = methods_without_content(parse);
    return step == RW_H1_STEP_OK ? expect(parse) : step;
}

static enum rw_h1_step finish_request(struct rw_h1_parse *parse)
{
    enum rw_h1_step step = rw_h1_host(parse);
    if (step == RW_H1_STEP_OK)
        step = rw_h1_framing(parse);
    if (step == RW_H1_STEP_OK)
        step = rw_h1_connection(parse);
    if (step == RW_H1_STEP_OK)
        step = rw_h1_request_rules(parse);
    return step;
}

enum rw_h1_result rw_h1_parse_request(struct rw_span bytes, const struct rw_h1_limits *limits,
                                      struct rw_arena *arena, struct rw_message *message,
                                      struct rw_h1_head *head)
{
    struct rw_h1_parse parse;
    rw_h1_parse_begin(&parse, bytes, limits, arena, message);
    parse.request_method = RW_METHOD_OTHER;
    parse.start_line = request_line;
    parse.finish = finish_request;
    return rw_h1_parse_head(&parse, head);
}
