#include "http/h1_parse.h"
#include "http/scan.h"

/* Three digits (RFC 9110 section 15). Classes 6 to 9 are for the exchange to treat as errors. */
static bool parse_status(const char *at, uint16_t *status)
{
    unsigned value = 0;
    for (int i = 0; i < 3; i++) {
        unsigned digit = (unsigned)(uint8_t)at[i] - '0';
        if (digit > 9)
            return false;
        value = value * 10 + digit;
    }
    *status = (uint16_t)value;
    return value >= 100;
}

/* RFC 9112 section 4: HTTP-version SP status-code SP [reason-phrase] CRLF. Origins in use leave out
 * the second SP when there is no reason; that is unambiguous and so allowed. */
static enum rw_h1_step status_line(struct rw_h1_parse *parse)
{
    struct rw_message *message = parse->message;
    const char *begin = parse->at;
    const char *stop = rw_scan_value(begin, parse->end);
    if (stop == parse->end)
        return RW_H1_STEP_SHORT;
    struct rw_span line = rw_span(begin, (size_t)(stop - begin));
    ptrdiff_t space = rw_span_find(line, ' ');
    enum rw_h1_step step =
        rw_h1_version(parse, rw_span(begin, space < 0 ? line.len : (size_t)space));
    if (step != RW_H1_STEP_OK)
        return step;
    line = rw_span_skip(line, space < 0 ? line.len : (size_t)space + 1);
    if (line.len < 3 || !parse_status(line.at, &message->status))
        return rw_h1_bad(parse, 502, "status code is not three digits");
    line = rw_span_skip(line, 3);
    if (line.len && line.at[0] != ' ')
        return rw_h1_bad(parse, 502, "status code is not three digits");
    message->reason = line.len ? rw_span_skip(line, 1) : line;
    parse->at = stop;
    return rw_h1_line_end(parse);
}

/* RFC 9112 section 6.3, in its order. */
static enum rw_h1_step response_body(struct rw_h1_parse *parse)
{
    struct rw_message *message = parse->message;
    unsigned status = message->status;
    bool announced = message->body_kind == RW_BODY_CHUNKED || message->body_bytes > 0;
    if (status == 101 || (parse->request_method == RW_METHOD_CONNECT && status / 100 == 2)) {
        /* From here on it is another protocol. */
        message->body_kind = RW_BODY_NONE;
        message->keep_alive = false;
    } else if (status < 200 || status == 204) {
        /* It must not announce a body (RFC 9110 section 8.6). If it does, one may follow: the bytes
         * behind it are not trusted to be the next response. */
        if (status < 200 && announced)
            return rw_h1_bad(parse, 502, "interim response announces a body");
        message->keep_alive = message->keep_alive && !announced;
        message->body_kind = RW_BODY_NONE;
    } else if (status == 304 || parse->request_method == RW_METHOD_HEAD) {
        message->body_kind = RW_BODY_NONE;
    } else if (message->body_kind == RW_BODY_NONE) {
        message->body_kind = RW_BODY_UNTIL_CLOSE;
        message->keep_alive = false;
    }
    return RW_H1_STEP_OK;
}

static enum rw_h1_step finish_response(struct rw_h1_parse *parse)
{
    enum rw_h1_step step = rw_h1_framing(parse);
    if (step == RW_H1_STEP_OK)
        step = rw_h1_connection(parse);
    if (step == RW_H1_STEP_OK)
        step = response_body(parse);
    parse->message->upgrade = parse->message->status == 101;
    return step;
}

enum rw_h1_result rw_h1_parse_response(struct rw_span bytes, const struct rw_h1_limits *limits,
                                       enum rw_method request_method, struct rw_arena *arena,
                                       struct rw_message *message, struct rw_h1_head *head)
{
    struct rw_h1_parse parse;
    rw_h1_parse_begin(&parse, bytes, limits, arena, message);
    parse.request_method = request_method;
    parse.start_line = status_line;
    parse.finish = finish_response;
    enum rw_h1_result result = rw_h1_parse_head(&parse, head);
    if (result == RW_H1_BAD)
        head->refusal.status = 502;
    return result;
}
