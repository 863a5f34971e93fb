#include "http/h2_message.h"

#include "http/field_table.h"
#include "http/h1_parse.h"

enum {
    METHOD_BYTES_MAX = 64, /* as in HTTP/1.1 */
};

/* What a head is read with: the rules of HTTP/1.1 work on struct rw_h1_parse. */
struct reader {
    struct rw_h1_parse parse;
    struct rw_hpack_head *head;
    struct rw_message *message;
    struct rw_h2_reading *reading;
    bool end;
};

void rw_h2_hpack_head_begin(struct rw_hpack_head *head, struct rw_h2_fields_first *first)
{
    memset(head, 0, sizeof(*head));
    head->fields = first->fields;
    head->room = RW_H2_FIELDS_FIRST;
}

bool rw_h2_hpack_head_keep(struct rw_hpack_head *head, const struct rw_h2_fields_first *first,
                           struct rw_arena *arena)
{
    if (head->fields != first->fields)
        return true; /* there were more: in the arena already */
    unsigned room = head->count + RW_FIELDS_SPARE;
    head->fields = rw_arena_alloc(arena, room * sizeof(struct rw_field));
    if (!head->fields)
        return false;
    memcpy(head->fields, first->fields, head->count * sizeof(struct rw_field));
    head->room = room;
    return true;
}

static bool malformed(struct rw_h2_reading *reading, const char *reason)
{
    reading->result = RW_H2_MALFORMED;
    reading->reason = reason;
    return false;
}

static bool refused(struct rw_h2_reading *reading, unsigned status, const char *reason)
{
    reading->result = RW_H2_REFUSED;
    reading->status = (uint16_t)status;
    reading->reason = reason;
    return false;
}

/* The verdict of a rule of HTTP/1.1. */
static bool passed(struct reader *reader, enum rw_h1_step step)
{
    if (step == RW_H1_STEP_OK)
        return true;
    if (step == RW_H1_STEP_NO_MEMORY) {
        reader->reading->result = RW_H2_NO_MEMORY;
        return false;
    }
    if (step == RW_H1_STEP_SHORT)
        return refused(reader->reading, 400, "percent sign without two hex digits in the target");
    return refused(reader->reading, reader->parse.refusal.status, reader->parse.refusal.reason);
}

/* ---- Fields, of requests and responses alike ---- */

/* Of a size that the compiler knows, it makes a string instruction, which is slow to begin. */
static void clear_message(struct rw_message *message)
{
    size_t size = sizeof(*message);
    __asm__("" : "+r"(size));
    memset(message, 0, size);
}

static void begin(struct reader *reader)
{
    struct rw_hpack_head *head = reader->head;
    struct rw_message *message = reader->message;
    clear_message(message);
    message->minor_version = 1;
    message->keep_alive = true;
    message->fields = head->fields;
    message->field_count = (uint16_t)head->count;
    message->field_room = (uint16_t)head->room;
    *reader->reading = (struct rw_h2_reading){.result = RW_H2_FINE};
    uint64_t present = 0, repeated = 0;
    for (unsigned i = 0; i < head->count; i++) {
        uint64_t bit = RW_FIELD_BIT(head->fields[i].id);
        repeated |= present & bit;
        present |= bit;
    }
    reader->parse.present = present;
    reader->parse.repeated = repeated;
}

/* RFC 9113 section 8.2.2: fields that speak of a connection of HTTP/1.1. */
static bool check_connection_fields(struct reader *reader)
{
    const uint64_t forbidden =
        RW_FIELD_BIT(RW_FIELD_CONNECTION) | RW_FIELD_BIT(RW_FIELD_KEEP_ALIVE) |
        RW_FIELD_BIT(RW_FIELD_PROXY_CONNECTION) | RW_FIELD_BIT(RW_FIELD_TRANSFER_ENCODING) |
        RW_FIELD_BIT(RW_FIELD_UPGRADE);
    uint64_t present = reader->parse.present;
    if (present & forbidden)
        return malformed(reader->reading, "field of a connection of HTTP/1.1");
    if (!(present & RW_FIELD_BIT(RW_FIELD_TE)))
        return true;
    for (unsigned i = 0; i < reader->message->field_count; i++)
        if (reader->message->fields[i].id == RW_FIELD_TE &&
            !rw_span_is_nocase(reader->message->fields[i].value, "trailers"))
            return malformed(reader->reading, "TE is not \"trailers\"");
    return true;
}

/* Content-Length; without one, the end of the stream is the end of the body. What follows CONNECT
 * is the tunnel's, not a body (section 8.5); after an extended one it stands for both. */
static bool read_length(struct reader *reader)
{
    struct rw_message *message = reader->message;
    bool tunnel =
        reader->head->method == RW_METHOD_CONNECT && !reader->head->pseudo[RW_PSEUDO_PROTOCOL].at;
    bool none = reader->end || tunnel;
    message->body_kind = none ? RW_BODY_NONE : RW_BODY_CHUNKED;
    if (!rw_h1_has(&reader->parse, RW_FIELD_CONTENT_LENGTH))
        return true;
    if (rw_h1_framing(&reader->parse) != RW_H1_STEP_OK)
        return malformed(reader->reading, reader->parse.refusal.reason);
    return true;
}

/* RFC 9113 section 8.2.3: crumbs become one field, at the place of the first. */
static bool join_cookies(struct reader *reader, struct rw_arena *arena)
{
    struct rw_message *message = reader->message;
    size_t bytes = 0;
    for (unsigned i = 0; i < message->field_count; i++)
        if (message->fields[i].id == RW_FIELD_COOKIE)
            bytes += message->fields[i].value.len + 2;
    char *begin = rw_arena_alloc(arena, bytes), *at = begin;
    if (!begin) {
        reader->reading->result = RW_H2_NO_MEMORY;
        return false;
    }
    struct rw_field *first = NULL;
    unsigned kept = 0;
    for (unsigned i = 0; i < message->field_count; i++) {
        struct rw_field field = message->fields[i];
        bool cookie = field.id == RW_FIELD_COOKIE;
        if (cookie) {
            memcpy(at, field.value.at, field.value.len);
            at += field.value.len;
            memcpy(at, "; ", 2);
            at += 2;
        }
        if (cookie && first) {
            first->sensitive = first->sensitive || field.sensitive;
            continue;
        }
        message->fields[kept] = field;
        if (cookie)
            first = &message->fields[kept];
        kept++;
    }
    rw_assert(first);
    first->value = rw_span(begin, (size_t)(at - begin) - 2);
    message->field_count = (uint16_t)kept;
    return true;
}

/* ---- Requests ---- */

enum {
    REQUEST = RW_PSEUDO_BIT(METHOD) | RW_PSEUDO_BIT(SCHEME) | RW_PSEUDO_BIT(PATH),
    REQUEST_ANY = REQUEST | RW_PSEUDO_BIT(AUTHORITY),
    CONNECT = RW_PSEUDO_BIT(METHOD) | RW_PSEUDO_BIT(AUTHORITY),
    EXTENDED_CONNECT = REQUEST_ANY | RW_PSEUDO_BIT(PROTOCOL),
};

/* Sections 8.3.1 and 8.5, and RFC 8441 section 4: which pseudo-header fields there are. */
static bool check_pseudo(struct reader *reader, bool connect_protocol)
{
    unsigned seen = reader->head->pseudo_seen;
    bool connect = reader->head->method == RW_METHOD_CONNECT;
    if (reader->head->malformed)
        return malformed(reader->reading, reader->head->malformed);
    if (!(seen & RW_PSEUDO_BIT(METHOD)))
        return malformed(reader->reading, "no :method");
    if (seen & RW_PSEUDO_BIT(STATUS))
        return malformed(reader->reading, ":status in a request");
    if (seen & RW_PSEUDO_BIT(PROTOCOL)) {
        if (!connect_protocol || !connect || seen != EXTENDED_CONNECT)
            return malformed(reader->reading, ":protocol where it is not allowed");
    } else if (connect) {
        if (seen != CONNECT)
            return malformed(reader->reading, "CONNECT needs :method and :authority alone");
    } else if ((seen & REQUEST) != REQUEST)
        return malformed(reader->reading, "no :scheme or no :path");
    if (seen & RW_PSEUDO_BIT(PATH) && reader->head->pseudo[RW_PSEUDO_PATH].len == 0)
        return malformed(reader->reading, "empty :path");
    return true;
}

static bool read_method(struct reader *reader)
{
    struct rw_span method = reader->head->pseudo[RW_PSEUDO_METHOD];
    if (reader->head->method == RW_METHOD_OTHER && !rw_is_token(method))
        return malformed(reader->reading, ":method is no token");
    if (method.len > METHOD_BYTES_MAX)
        return refused(reader->reading, 501, "method too long");
    reader->message->method = reader->head->method;
    reader->message->method_text = method;
    return true;
}

/* The parts of :path, which begins with a slash or is "*". */
static bool read_path(struct reader *reader)
{
    struct rw_message *message = reader->message;
    struct rw_span path = reader->head->pseudo[RW_PSEUDO_PATH];
    reader->parse.at = path.at;
    reader->parse.end = path.at + path.len;
    reader->parse.whole = true;
    if (path.at[0] != '/' && !rw_span_is(path, "*"))
        return refused(reader->reading, 400, ":path does not begin with a slash");
    if (!passed(reader, rw_h1_target(&reader->parse)))
        return false;
    if (reader->parse.at != path.at + path.len)
        return refused(reader->reading, 400, "space in :path");
    if (message->method != RW_METHOD_CONNECT)
        return passed(reader, rw_h1_target_form(&reader->parse));
    message->path = message->target;
    if (message->query.at)
        message->path.len = (size_t)(message->query.at - 1 - message->path.at);
    return true;
}

static bool read_scheme(struct reader *reader)
{
    struct rw_span scheme = reader->head->pseudo[RW_PSEUDO_SCHEME];
    if (!rw_span_is_nocase(scheme, "https") && !rw_span_is_nocase(scheme, "http"))
        return refused(reader->reading, 400, ":scheme is neither http nor https");
    reader->message->scheme = scheme;
    return true;
}

static bool read_target(struct reader *reader)
{
    struct rw_message *message = reader->message;
    const struct rw_hpack_head *head = reader->head;
    message->protocol = head->pseudo[RW_PSEUDO_PROTOCOL];
    if (head->pseudo_seen & RW_PSEUDO_BIT(PATH)) {
        if (message->protocol.at && !rw_is_token(message->protocol))
            return malformed(reader->reading, ":protocol is no token");
        message->upgrade = message->protocol.len > 0;
        return read_scheme(reader) && read_path(reader);
    }
    message->target = head->pseudo[RW_PSEUDO_AUTHORITY];
    return passed(reader, rw_h1_target_form(&reader->parse));
}

/* :authority and Host are one thing (section 8.3.1): both are there afterwards, and the same. */
static bool read_authority(struct reader *reader)
{
    struct rw_message *message = reader->message;
    struct rw_span authority = reader->head->pseudo[RW_PSEUDO_AUTHORITY];
    if (rw_h1_has(&reader->parse, RW_FIELD_HOST)) {
        message->authority = authority;
        return passed(reader, rw_h1_host(&reader->parse));
    }
    if (!authority.at)
        return refused(reader->reading, 400, "neither :authority nor Host");
    if (message->field_count == message->field_room &&
        rw_message_grow(message, reader->parse.arena)) {
        reader->reading->result = RW_H2_NO_MEMORY;
        return false;
    }
    message->fields[message->field_count++] =
        (struct rw_field){.name = RW_LITERAL("Host"), .value = authority, .id = RW_FIELD_HOST};
    reader->parse.present |= RW_FIELD_BIT(RW_FIELD_HOST);
    message->authority = (struct rw_span){NULL, 0};
    return passed(reader, rw_h1_host(&reader->parse));
}

static bool read_request(struct reader *reader, const struct rw_h2_settings *settings)
{
    const struct rw_h1_parse *parse = &reader->parse;
    if (!check_pseudo(reader, settings->connect_protocol) || !check_connection_fields(reader) ||
        !read_length(reader))
        return false;
    if (reader->end && reader->message->body_bytes)
        return malformed(reader->reading, "Content-Length without a body");
    if (!read_method(reader))
        return false;
    /* What is cut off is said first: the rest is not what was sent. */
    if (reader->head->too_large)
        return refused(reader->reading, 431, "head larger, or of more fields, than allowed");
    if (rw_h1_has(parse, RW_FIELD_PRIORITY))
        reader->reading->priority = rw_message_value(reader->message, RW_FIELD_PRIORITY);
    if (!read_target(reader) || !read_authority(reader))
        return false;
    if (parse->repeated & RW_FIELD_BIT(RW_FIELD_COOKIE) && !join_cookies(reader, parse->arena))
        return false;
    /* What follows an extended CONNECT is the tunnel, not content (RFC 8441 section 5). */
    if (reader->message->upgrade && !reader->message->has_length)
        return true;
    return passed(reader, rw_h1_request_rules(&reader->parse));
}

void rw_h2_read_request(struct rw_hpack_head *head, const struct rw_h2_settings *settings, bool end,
                        struct rw_arena *arena, struct rw_message *message,
                        struct rw_h2_reading *reading)
{
    const struct rw_h1_limits limits = {
        .target_bytes_max = settings->target_bytes_max ? settings->target_bytes_max : UINT32_MAX};
    struct reader reader = {.head = head, .message = message, .reading = reading, .end = end};
    rw_h1_parse_begin(&reader.parse, RW_LITERAL(""), &limits, arena, message);
    begin(&reader);
    if (!read_request(&reader, settings) && reading->result == RW_H2_REFUSED &&
        !message->method_text.len)
        message->method_text = RW_LITERAL("");
}

/* ---- Responses ---- */

/* RFC 9110 sections 6.4.1 and 8.6: which responses have no body whatever they say. */
static void response_body(struct reader *reader, enum rw_method request_method)
{
    struct rw_message *message = reader->message;
    bool tunnel = request_method == RW_METHOD_CONNECT && message->status / 100 == 2;
    if (tunnel) {
        message->body_kind = reader->end ? RW_BODY_NONE : RW_BODY_CHUNKED;
        message->has_length = false;
    } else if (rw_status_bodiless(message->status) || request_method == RW_METHOD_HEAD)
        message->body_kind = RW_BODY_NONE;
}

static bool read_response(struct reader *reader, enum rw_method request_method)
{
    struct rw_message *message = reader->message;
    const struct rw_hpack_head *head = reader->head;
    message->status = head->status;
    message->reason = rw_span_text(rw_status_reason(head->status));
    if (head->malformed)
        return malformed(reader->reading, head->malformed);
    if (head->too_large)
        return malformed(reader->reading, "head larger, or of more fields, than allowed");
    if (head->pseudo_seen != RW_PSEUDO_BIT(STATUS) || !head->status)
        return malformed(reader->reading, "a response needs :status alone");
    if (message->status == 101 || (message->status < 200 && reader->end))
        return malformed(reader->reading, "101, or an interim response that ends the stream");
    if (!check_connection_fields(reader) || !read_length(reader))
        return false;
    response_body(reader, request_method);
    if (reader->end && message->body_kind == RW_BODY_LENGTH && message->body_bytes)
        return malformed(reader->reading, "Content-Length without a body");
    return true;
}

void rw_h2_read_response(struct rw_hpack_head *head, enum rw_method request_method, bool end,
                         struct rw_arena *arena, struct rw_message *message,
                         struct rw_h2_reading *reading)
{
    struct reader reader = {.head = head, .message = message, .reading = reading, .end = end};
    rw_h1_parse_begin(&reader.parse, RW_LITERAL(""), &rw_h1_limits_default, arena, message);
    begin(&reader);
    read_response(&reader, request_method);
}

/* ---- Trailers ---- */

static bool sent_on(const struct rw_field *field)
{
    return !field->hop && rw_h1_trailer_allowed(field->name);
}

bool rw_h2_read_trailers(const struct rw_hpack_head *head, struct rw_arena *arena,
                         struct rw_span *lines)
{
    size_t bytes = 0;
    for (unsigned i = 0; i < head->count; i++)
        if (sent_on(&head->fields[i]))
            bytes += head->fields[i].name.len + head->fields[i].value.len + 4;
    *lines = (struct rw_span){"", 0};
    if (bytes == 0)
        return true;
    char *to = rw_arena_alloc(arena, bytes);
    if (!to)
        return false;
    struct rw_h1_out out = {.at = to, .room = bytes};
    for (unsigned i = 0; i < head->count; i++)
        if (sent_on(&head->fields[i]))
            rw_h1_put_field(&out, head->fields[i].name, head->fields[i].value);
    rw_assert(!out.overflow);
    *lines = rw_span(to, bytes);
    return true;
}
