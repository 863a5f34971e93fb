/* Bodies (RFC 9112 sections 6 and 7.1). The chunked coding is a machine over bytes that may stop
 * after any of them: what it needs to go on is in struct rw_h1_body. */
#include "http/h1_parse.h"
#include "http/scan.h"

enum { CHUNK_DIGITS_MAX = 16 };

/* chunk-size [chunk-ext] CRLF chunk-data CRLF ... 0 CRLF trailers CRLF. `BWS` is blanks that may
 * stand there. */
enum state {
    SIZE_BEGIN,     /* the first digit */
    SIZE,           /* more digits, or the end of the size */
    EXT_END,        /* blanks behind an extension or the size: only another extension may follow */
    EXT_NAME_BEGIN, /* behind ';' and BWS */
    EXT_NAME,
    EXT_NAME_END, /* BWS behind a name: '=' or ';' */
    EXT_VALUE_BEGIN,
    EXT_VALUE,
    EXT_QUOTED,
    EXT_ESCAPED, /* behind a backslash */
    EXT_QUOTED_END,
    SIZE_LF,
    DATA,
    DATA_CR, /* behind the data */
    DATA_LF,
    TRAILER_BEGIN, /* a trailer field or the last line */
    TRAILER_NAME,
    TRAILER_VALUE,
    TRAILER_LF,
    LAST_LF,
    ENDED,
    REFUSED,
};

static void refuse(struct rw_h1_body *body, unsigned status, const char *reason)
{
    /* rw_h1_body_start left 502 there for a response. */
    if (!body->status)
        body->status = (uint16_t)status;
    body->reason = reason;
    body->state = REFUSED;
}

/* ---- The line with the size ---- */

static enum state size_begin(struct rw_h1_body *body, char c)
{
    unsigned digit = rw_hex_digit(c);
    if (digit > 15) {
        refuse(body, 400, "chunk size expected");
        return REFUSED;
    }
    body->remaining = digit;
    body->line_bytes = 1;
    return SIZE;
}

/* Behind a size, a name, a value: what may come next. */
static enum state size_next(struct rw_h1_body *body, char c, enum state blank)
{
    if (c == '\r')
        return SIZE_LF;
    if (c == ';')
        return EXT_NAME_BEGIN;
    if (rw_char_is(c, RW_CHAR_BLANK))
        return blank;
    refuse(body, 400,
           c == '\n' ? "chunk size line ends with LF alone" : "malformed chunk size line");
    return REFUSED;
}

static enum state size(struct rw_h1_body *body, char c)
{
    unsigned digit = rw_hex_digit(c);
    if (digit > 15) {
        body->line_bytes = 0; /* from here on: of the extensions */
        return size_next(body, c, EXT_END);
    }
    /* Past INT64_MAX many peers would see a negative size. */
    if (++body->line_bytes > CHUNK_DIGITS_MAX || body->remaining > (uint64_t)INT64_MAX >> 4) {
        refuse(body, 400, "chunk size is too large");
        return REFUSED;
    }
    body->remaining = body->remaining << 4 | digit;
    return SIZE;
}

static enum state malformed_extension(struct rw_h1_body *body)
{
    refuse(body, 400, "malformed chunk extension");
    return REFUSED;
}

static enum state extension_name(struct rw_h1_body *body, enum state state, char c)
{
    if (state == EXT_NAME_BEGIN && rw_char_is(c, RW_CHAR_BLANK))
        return EXT_NAME_BEGIN;
    if (state != EXT_NAME_END && rw_char_is(c, RW_CHAR_TOKEN))
        return EXT_NAME;
    if (state == EXT_NAME_BEGIN)
        return malformed_extension(body);
    if (c == '=')
        return EXT_VALUE_BEGIN;
    if (state == EXT_NAME_END && c == '\r')
        return malformed_extension(body);
    return size_next(body, c, EXT_NAME_END);
}

static enum state extension_value(struct rw_h1_body *body, enum state state, char c)
{
    switch (state) {
    case EXT_VALUE_BEGIN:
        if (rw_char_is(c, RW_CHAR_BLANK))
            return EXT_VALUE_BEGIN;
        if (c == '"')
            return EXT_QUOTED;
        return rw_char_is(c, RW_CHAR_TOKEN) ? EXT_VALUE : malformed_extension(body);
    case EXT_VALUE:
        return rw_char_is(c, RW_CHAR_TOKEN) ? EXT_VALUE : size_next(body, c, EXT_END);
    case EXT_QUOTED:
        if (c == '"')
            return EXT_QUOTED_END;
        if (c == '\\')
            return EXT_ESCAPED;
        return rw_char_is(c, RW_CHAR_QUOTED) ? EXT_QUOTED : malformed_extension(body);
    case EXT_ESCAPED:
        return rw_char_is(c, RW_CHAR_VALUE) ? EXT_QUOTED : malformed_extension(body);
    default:
        return size_next(body, c, EXT_END);
    }
}

/* Behind blanks a line may not end: a size line that is padded is read in more than one way. */
static enum state extension_end(struct rw_h1_body *body, char c)
{
    if (c == ';')
        return EXT_NAME_BEGIN;
    return rw_char_is(c, RW_CHAR_BLANK) ? EXT_END : malformed_extension(body);
}

static enum state extension(struct rw_h1_body *body, enum state state, char c)
{
    switch (state) {
    case EXT_END:
        return extension_end(body, c);
    case EXT_NAME_BEGIN:
    case EXT_NAME:
    case EXT_NAME_END:
        return extension_name(body, state, c);
    default:
        return extension_value(body, state, c);
    }
}

/* ---- Trailers: kept as they came, line by line, when there is where to ---- */

static enum state trailer_begin(struct rw_h1_body *body, char c)
{
    if (c == '\r')
        return LAST_LF;
    body->line_bytes = 0;
    if (rw_char_is(c, RW_CHAR_TOKEN))
        return TRAILER_NAME;
    refuse(body, 400, c == '\n' ? "line ends with LF alone" : "malformed trailer field");
    return REFUSED;
}

static enum state trailer_name(struct rw_h1_body *body, char c)
{
    if (rw_char_is(c, RW_CHAR_TOKEN))
        return TRAILER_NAME;
    if (c == ':')
        return TRAILER_VALUE;
    refuse(body, 400, "malformed trailer field");
    return REFUSED;
}

static enum state trailer_value(struct rw_h1_body *body, char c)
{
    if (c == '\r')
        return TRAILER_LF;
    if (rw_char_is(c, RW_CHAR_VALUE))
        return TRAILER_VALUE;
    refuse(body, 400,
           c == '\n' ? "line ends with LF alone" : "control character in a trailer field");
    return REFUSED;
}

/* A whole line is in: takes it back when it may not be a trailer. */
static void judge_trailer(const struct rw_h1_body *body, struct rw_h1_trailers *trailers)
{
    struct rw_span line =
        rw_span(trailers->at + trailers->len - body->line_bytes, body->line_bytes);
    ptrdiff_t colon = rw_span_find(line, ':');
    if (!rw_h1_trailer_allowed(rw_span(line.at, (size_t)colon)))
        trailers->len -= body->line_bytes;
}

static void keep_trailer_byte(struct rw_h1_body *body, const struct rw_h1_limits *limits,
                              struct rw_h1_trailers *trailers, char c)
{
    if (++body->trailer_bytes > limits->trailer_bytes_max) {
        refuse(body, 431, "trailers larger than allowed");
        return;
    }
    body->line_bytes++;
    if (!trailers)
        return;
    if (trailers->len == trailers->room) {
        refuse(body, 431, "trailers larger than the room for them");
        return;
    }
    trailers->at[trailers->len++] = c;
    if (body->state == TRAILER_BEGIN)
        judge_trailer(body, trailers);
}

static void trailer_byte(struct rw_h1_body *body, const struct rw_h1_limits *limits,
                         struct rw_h1_trailers *trailers, char c)
{
    enum state next;
    switch (body->state) {
    case TRAILER_BEGIN:
        next = trailer_begin(body, c);
        break;
    case TRAILER_NAME:
        next = trailer_name(body, c);
        break;
    case TRAILER_VALUE:
        next = trailer_value(body, c);
        break;
    default:
        next = TRAILER_BEGIN;
        if (c != '\n') {
            refuse(body, 400, "CR without LF");
            next = REFUSED;
        }
        break;
    }
    body->state = (uint8_t)next;
    if (next != REFUSED && next != LAST_LF)
        keep_trailer_byte(body, limits, trailers, c);
}

/* ---- The machine ---- */

/* An LF that is due. */
static void line_feed(struct rw_h1_body *body, char c, enum state next)
{
    if (c == '\n')
        body->state = (uint8_t)next;
    else
        refuse(body, 400, "CR without LF");
}

static void framing_byte(struct rw_h1_body *body, const struct rw_h1_limits *limits,
                         struct rw_h1_trailers *trailers, char c)
{
    enum state state = (enum state)body->state;
    switch (state) {
    case SIZE_BEGIN:
        body->state = (uint8_t)size_begin(body, c);
        break;
    case SIZE:
        body->state = (uint8_t)size(body, c);
        break;
    case SIZE_LF:
        line_feed(body, c, body->remaining ? DATA : TRAILER_BEGIN);
        break;
    case DATA_CR:
        if (c == '\r')
            body->state = DATA_LF;
        else
            refuse(body, 400, "chunk data longer than its size");
        break;
    case DATA_LF:
        line_feed(body, c, SIZE_BEGIN);
        break;
    case LAST_LF:
        line_feed(body, c, ENDED);
        break;
    case TRAILER_BEGIN:
    case TRAILER_NAME:
    case TRAILER_VALUE:
    case TRAILER_LF:
        trailer_byte(body, limits, trailers, c);
        break;
    default:
        body->state = (uint8_t)extension(body, state, c);
        if (body->state != REFUSED && ++body->line_bytes > limits->chunk_ext_bytes_max)
            refuse(body, 400, "chunk extensions longer than allowed");
        break;
    }
}

/* Up to `remaining` bytes off the begin of `bytes`. */
static struct rw_span take_data(struct rw_h1_body *body, struct rw_span *bytes)
{
    size_t len = bytes->len < body->remaining ? bytes->len : (size_t)body->remaining;
    struct rw_span data = rw_span(bytes->at, len);
    body->remaining -= len;
    *bytes = rw_span_skip(*bytes, len);
    return data;
}

static enum rw_h1_body_event next_chunked(struct rw_h1_body *body,
                                          const struct rw_h1_limits *limits, struct rw_span *bytes,
                                          struct rw_span *data, struct rw_h1_trailers *trailers)
{
    while (bytes->len && body->state < ENDED) {
        if (body->state == DATA) {
            *data = take_data(body, bytes);
            if (body->remaining == 0)
                body->state = DATA_CR;
            return RW_H1_BODY_DATA;
        }
        framing_byte(body, limits, trailers, bytes->at[0]);
        if (body->state != REFUSED)
            *bytes = rw_span_skip(*bytes, 1);
    }
    if (body->state == REFUSED)
        return RW_H1_BODY_BAD;
    return body->state == ENDED ? RW_H1_BODY_END : RW_H1_BODY_MORE;
}

void rw_h1_body_start(struct rw_h1_body *body, const struct rw_message *message)
{
    *body = (struct rw_h1_body){
        .kind = message->body_kind,
        .state = SIZE_BEGIN,
        .remaining = message->body_kind == RW_BODY_LENGTH ? message->body_bytes : 0,
        .status = message->status ? 502 : 0,
    };
}

enum rw_h1_body_event rw_h1_body_next(struct rw_h1_body *body, const struct rw_h1_limits *limits,
                                      struct rw_span *bytes, struct rw_span *data,
                                      struct rw_h1_trailers *trailers)
{
    switch (body->kind) {
    case RW_BODY_CHUNKED:
        return next_chunked(body, limits, bytes, data, trailers);
    case RW_BODY_UNTIL_CLOSE:
        if (bytes->len == 0)
            return RW_H1_BODY_MORE;
        *data = *bytes;
        *bytes = rw_span_skip(*bytes, bytes->len);
        return RW_H1_BODY_DATA;
    default:
        if (body->remaining == 0)
            return RW_H1_BODY_END;
        if (bytes->len == 0)
            return RW_H1_BODY_MORE;
        *data = take_data(body, bytes);
        return RW_H1_BODY_DATA;
    }
}

bool rw_h1_body_may_end(const struct rw_h1_body *body)
{
    switch (body->kind) {
    case RW_BODY_CHUNKED:
        return body->state == ENDED;
    case RW_BODY_UNTIL_CLOSE:
        return true;
    default:
        return body->remaining == 0;
    }
}
