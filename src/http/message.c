#include "http/message.h"

#include "http/field_table.h"
#include "http/scan.h"

_Static_assert(RW_FIELD_COUNT <= 64, "struct rw_field_set and the parser keep one bit an id");

enum { FIELD_ROOM_FIRST = 24 };

/* ---- Methods ---- */

static const struct rw_span method_names[RW_METHOD_COUNT] = {[RW_METHOD_OTHER] = {"", 0},
#define METHOD_NAME(name) [RW_METHOD_##name] = {#name, sizeof(#name) - 1},
                                                             RW_METHODS(METHOD_NAME)
#undef METHOD_NAME
};

const char *rw_method_name(enum rw_method method)
{
    return method_names[(unsigned)method < RW_METHOD_COUNT ? method : RW_METHOD_OTHER].at;
}

enum rw_method rw_method_from(struct rw_span text)
{
    for (unsigned i = RW_METHOD_OTHER + 1; i < RW_METHOD_COUNT; i++)
        if (rw_span_eq(text, method_names[i]))
            return (enum rw_method)i;
    return RW_METHOD_OTHER;
}

bool rw_method_idempotent(enum rw_method method)
{
    switch (method) {
    case RW_METHOD_GET:
    case RW_METHOD_HEAD:
    case RW_METHOD_OPTIONS:
    case RW_METHOD_TRACE:
    case RW_METHOD_PUT:
    case RW_METHOD_DELETE:
        return true;
    default:
        return false;
    }
}

/* ---- Field names ---- */

static const struct rw_span field_names[RW_FIELD_COUNT] = {[RW_FIELD_OTHER] = {"", 0},
#define FIELD_NAME(id, text) [RW_FIELD_##id] = {text, sizeof(text) - 1},
                                                           RW_FIELDS(FIELD_NAME)
#undef FIELD_NAME
};

struct rw_field_key rw_field_keys[RW_FIELD_COUNT];
uint8_t rw_field_slots[RW_FIELD_SLOTS];

/* RFC 9110 section 7.6.1; Trailer and HTTP2-Settings speak of this connection's framing and
 * protocol. */
static const enum rw_field_id always_hop[] = {
    RW_FIELD_CONNECTION, RW_FIELD_KEEP_ALIVE,     RW_FIELD_PROXY_CONNECTION,
    RW_FIELD_TE,         RW_FIELD_TRAILER,        RW_FIELD_TRANSFER_ENCODING,
    RW_FIELD_UPGRADE,    RW_FIELD_HTTP2_SETTINGS,
};

static void insert_field_key(enum rw_field_id id)
{
    struct rw_span name = field_names[id];
    struct rw_field_key *key = &rw_field_keys[id];
    rw_assert(name.len <= sizeof(key->lower) && rw_is_token(name));
    for (size_t i = 0; i < name.len; i++)
        key->lower[i] = rw_lower(name.at[i]);
    key->len = (uint8_t)name.len;
    unsigned slot = rw_field_slot(key->lower, key->len);
    while (rw_field_slots[slot] != RW_FIELD_OTHER)
        slot = (slot + 1) % RW_FIELD_SLOTS;
    rw_field_slots[slot] = (uint8_t)id;
}

__attribute__((constructor)) static void fill_field_keys(void)
{
    for (unsigned id = RW_FIELD_OTHER + 1; id < RW_FIELD_COUNT; id++)
        insert_field_key((enum rw_field_id)id);
    for (size_t i = 0; i < sizeof(always_hop) / sizeof(always_hop[0]); i++)
        rw_field_keys[always_hop[i]].hop = 1;
}

enum rw_field_id rw_field_id(struct rw_span name)
{
    return rw_is_token(name) ? rw_field_id_of_token(name.at, name.len) : RW_FIELD_OTHER;
}

struct rw_span rw_field_name(enum rw_field_id id)
{
    return field_names[(unsigned)id < RW_FIELD_COUNT ? id : RW_FIELD_OTHER];
}

/* ---- Fields of a message ---- */

const struct rw_field *rw_message_find(const struct rw_message *message, enum rw_field_id id)
{
    for (unsigned i = 0; i < message->field_count; i++)
        if (message->fields[i].id == id)
            return &message->fields[i];
    return NULL;
}

static bool field_has_name(const struct rw_field *field, enum rw_field_id id, struct rw_span name)
{
    return field->id == id && (id != RW_FIELD_OTHER || rw_span_eq_nocase(field->name, name));
}

const struct rw_field *rw_message_find_name(const struct rw_message *message, struct rw_span name)
{
    enum rw_field_id id = rw_field_id(name);
    for (unsigned i = 0; i < message->field_count; i++)
        if (field_has_name(&message->fields[i], id, name))
            return &message->fields[i];
    return NULL;
}

struct rw_span rw_message_value(const struct rw_message *message, enum rw_field_id id)
{
    const struct rw_field *field = rw_message_find(message, id);
    return field ? field->value : (struct rw_span){NULL, 0};
}

enum rw_err rw_message_grow(struct rw_message *message, struct rw_arena *arena)
{
    uint32_t room = message->field_room ? message->field_room * 2u : FIELD_ROOM_FIRST;
    if (room > UINT16_MAX)
        room = UINT16_MAX;
    if (message->field_count == room)
        return RW_ELIMIT;
    struct rw_field *fields = rw_arena_alloc(arena, room * sizeof(*fields));
    if (!fields)
        return RW_ENOMEM;
    if (message->field_count)
        memcpy(fields, message->fields, message->field_count * sizeof(*fields));
    message->fields = fields;
    message->field_room = (uint16_t)room;
    return RW_OK;
}

void rw_message_fit(struct rw_message *message, struct rw_arena *arena)
{
    uint32_t room = message->field_count + RW_FIELDS_SPARE;
    if (room >= message->field_room)
        return;
    char *end = (char *)(message->fields + message->field_room);
    if (arena->at != end)
        return;
    arena->at = (char *)(message->fields + room);
    RW_POISON(arena->at, (size_t)(end - arena->at));
    message->field_room = (uint16_t)room;
}

enum rw_err rw_message_add(struct rw_message *message, struct rw_arena *arena, struct rw_span name,
                           struct rw_span value)
{
    if (message->field_count == message->field_room) {
        enum rw_err err = rw_message_grow(message, arena);
        if (err)
            return err;
    }
    enum rw_field_id id = rw_field_id(name);
    message->fields[message->field_count++] = (struct rw_field){
        .name = name,
        .value = value,
        .id = (uint8_t)id,
        .hop = rw_field_keys[id].hop,
    };
    return RW_OK;
}

unsigned rw_message_remove(struct rw_message *message, struct rw_span name)
{
    enum rw_field_id id = rw_field_id(name);
    unsigned kept = 0;
    for (unsigned i = 0; i < message->field_count; i++)
        if (!field_has_name(&message->fields[i], id, name))
            message->fields[kept++] = message->fields[i];
    unsigned removed = message->field_count - kept;
    message->field_count = (uint16_t)kept;
    return removed;
}

enum rw_err rw_message_set(struct rw_message *message, struct rw_arena *arena, struct rw_span name,
                           struct rw_span value)
{
    /* With the name gone there is room, so that a failure leaves the message as it was. */
    if (rw_message_find_name(message, name))
        rw_message_remove(message, name);
    return rw_message_add(message, arena, name, value);
}

/* ---- Statuses ---- */

/* RFC 9110 section 15, and the IANA registry for what is not in it. */
static const char *const status_reasons[] = {
    [100] = "Continue",
    [101] = "Switching Protocols",
    [102] = "Processing",
    [103] = "Early Hints",
    [200] = "OK",
    [201] = "Created",
    [202] = "Accepted",
    [203] = "Non-Authoritative Information",
    [204] = "No Content",
    [205] = "Reset Content",
    [206] = "Partial Content",
    [207] = "Multi-Status",
    [208] = "Already Reported",
    [226] = "IM Used",
    [300] = "Multiple Choices",
    [301] = "Moved Permanently",
    [302] = "Found",
    [303] = "See Other",
    [304] = "Not Modified",
    [305] = "Use Proxy",
    [307] = "Temporary Redirect",
    [308] = "Permanent Redirect",
    [400] = "Bad Request",
    [401] = "Unauthorized",
    [402] = "Payment Required",
    [403] = "Forbidden",
    [404] = "Not Found",
    [405] = "Method Not Allowed",
    [406] = "Not Acceptable",
    [407] = "Proxy Authentication Required",
    [408] = "Request Timeout",
    [409] = "Conflict",
    [410] = "Gone",
    [411] = "Length Required",
    [412] = "Precondition Failed",
    [413] = "Content Too Large",
    [414] = "URI Too Long",
    [415] = "Unsupported Media Type",
    [416] = "Range Not Satisfiable",
    [417] = "Expectation Failed",
    [421] = "Misdirected Request",
    [422] = "Unprocessable Content",
    [423] = "Locked",
    [424] = "Failed Dependency",
    [425] = "Too Early",
    [426] = "Upgrade Required",
    [428] = "Precondition Required",
    [429] = "Too Many Requests",
    [431] = "Request Header Fields Too Large",
    [451] = "Unavailable For Legal Reasons",
    [500] = "Internal Server Error",
    [501] = "Not Implemented",
    [502] = "Bad Gateway",
    [503] = "Service Unavailable",
    [504] = "Gateway Timeout",
    [505] = "HTTP Version Not Supported",
    [506] = "Variant Also Negotiates",
    [507] = "Insufficient Storage",
    [508] = "Loop Detected",
    [511] = "Network Authentication Required",
};

const char *rw_status_reason(unsigned status)
{
    const char *reason = NULL;
    if (status < sizeof(status_reasons) / sizeof(status_reasons[0]))
        reason = status_reasons[status];
    return reason ? reason : "";
}

bool rw_status_bodiless(unsigned status)
{
    return (status >= 100 && status < 200) || status == 204 || status == 304;
}

bool rw_status_contentless(unsigned status)
{
    return rw_status_bodiless(status) || status == 205;
}

/* ---- Grammar ---- */

bool rw_is_token(struct rw_span text)
{
    return text.len &&
           rw_scan_while(text.at, text.at + text.len, RW_CHAR_TOKEN) == text.at + text.len;
}

/* No white space at either end: a receiver would strip it, and so read another value than the
 * sender wrote. */
bool rw_is_field_value(struct rw_span text)
{
    if (!text.len)
        return true;
    return !rw_char_is(text.at[0], RW_CHAR_BLANK) &&
           !rw_char_is(text.at[text.len - 1], RW_CHAR_BLANK) &&
           rw_scan_value(text.at, text.at + text.len) == text.at + text.len;
}

bool rw_list_has_token(struct rw_span list, const char *token)
{
    struct rw_span element;
    while (rw_span_next(&list, ',', &element))
        if (rw_span_is_nocase(element, token))
            return true;
    return false;
}

/* ---- Lists ---- */

bool rw_message_has_token(const struct rw_message *message, enum rw_field_id id, const char *token)
{
    for (unsigned i = 0; i < message->field_count; i++)
        if (message->fields[i].id == id && rw_list_has_token(message->fields[i].value, token))
            return true;
    return false;
}

enum rw_err rw_message_vary(struct rw_message *response, struct rw_arena *arena, const char *field)
{
    if (rw_message_has_token(response, RW_FIELD_VARY, field) ||
        rw_message_has_token(response, RW_FIELD_VARY, "*"))
        return RW_OK;
    struct rw_span all = RW_LITERAL("");
    for (unsigned i = 0; i < response->field_count; i++) {
        const struct rw_field *vary = &response->fields[i];
        if (vary->id != RW_FIELD_VARY || vary->value.len == 0)
            continue;
        all = rw_arena_format(arena, "%.*s%.*s, ", RW_SPAN_ARGS(all), RW_SPAN_ARGS(vary->value));
        if (!all.at)
            return RW_ENOMEM;
    }
    all = rw_arena_format(arena, "%.*s%s", RW_SPAN_ARGS(all), field);
    return all.at ? rw_message_set(response, arena, RW_LITERAL("Vary"), all) : RW_ENOMEM;
}
