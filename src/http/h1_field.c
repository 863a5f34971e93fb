#include "http/field_table.h"
#include "http/h1_parse.h"
#include "http/scan.h"

/* Why there is no colon right behind a name. `at` is the byte that stands there instead. */
static enum rw_h1_step bad_name(struct rw_h1_parse *parse, const char *at)
{
    if (at == parse->at && rw_char_is(*at, RW_CHAR_BLANK))
        return rw_h1_bad(parse, 400, "line folding (obs-fold) in the header section");
    if (*at == ':')
        return rw_h1_bad(parse, 400, "field without a name");
    if (rw_char_is(*at, RW_CHAR_BLANK))
        return rw_h1_bad(parse, 400, "white space between field name and colon");
    if (*at == '\n')
        return rw_h1_bad(parse, 400, "line ends with LF alone");
    if (*at == '\r')
        return rw_h1_bad(parse, 400, "field line without a colon");
    return rw_h1_bad(parse, 400, "forbidden character in a field name");
}

/* Why a value stopped at `at`, which is not CRLF. */
static enum rw_h1_step bad_value(struct rw_h1_parse *parse, const char *at)
{
    parse->at = at;
    if (at < parse->end && *at != '\r' && *at != '\n')
        return rw_h1_bad(parse, 400, "control character in a field value");
    return rw_h1_line_end(parse);
}

/* The name at `parse->at`; sets `field`'s name, id and hop. */
static inline enum rw_h1_step field_name(struct rw_h1_parse *parse, struct rw_field *field)
{
    const char *name = parse->at;
    size_t len;
    enum rw_field_id id = rw_field_id_at(name, parse->end, &len);
    if (id == RW_FIELD_OTHER) {
        const char *at = rw_scan_while(name, parse->end, RW_CHAR_TOKEN);
        if (at == parse->end)
            return RW_H1_STEP_SHORT;
        if (*at != ':' || at == name)
            return bad_name(parse, at);
        len = (size_t)(at - name);
        id = rw_field_id_of_token(name, len);
    }
    field->name = rw_span(name, len);
    field->id = (uint8_t)id;
    field->hop = rw_field_keys[id].hop;
    field->parsed = true;
    field->sensitive = false;
    return RW_H1_STEP_OK;
}

/* RFC 9112 section 5.1: field-name ":" OWS field-value OWS, CRLF. */
static inline enum rw_h1_step field_line(struct rw_h1_parse *parse, struct rw_field *field)
{
    enum rw_h1_step step = field_name(parse, field);
    if (__builtin_expect(step != RW_H1_STEP_OK, 0))
        return step;
    const char *const end = parse->end;
    const char *value = rw_scan_while(field->name.at + field->name.len + 1, end, RW_CHAR_BLANK);
    const char *at = rw_scan_value(value, end);
    if (__builtin_expect(end - at < 2 || at[0] != '\r' || at[1] != '\n', 0))
        return bad_value(parse, at);
    parse->at = at + 2;
    while (at > value && rw_char_is(at[-1], RW_CHAR_BLANK))
        at--;
    field->value = rw_span(value, (size_t)(at - value));
    return RW_H1_STEP_OK;
}

/* Where the next field goes: NULL when there is no memory for more. */
static inline struct rw_field *field_slot(struct rw_h1_parse *parse, struct rw_field *scratch)
{
    struct rw_message *message = parse->message;
    if (!parse->store)
        return scratch;
    if (message->field_count == message->field_room && rw_message_grow(message, parse->arena))
        return NULL;
    return &message->fields[message->field_count];
}

static enum rw_h1_step blank_line(struct rw_h1_parse *parse)
{
    enum rw_h1_step step = rw_h1_line_end(parse);
    return step == RW_H1_STEP_OK ? RW_H1_STEP_BLANK : step;
}

enum rw_h1_step rw_h1_field_lines(struct rw_h1_parse *parse)
{
    struct rw_field scratch = {0};
    for (;;) {
        parse->line = parse->at;
        if (parse->at == parse->end)
            return RW_H1_STEP_SHORT;
        if (*parse->at == '\r')
            return blank_line(parse);
        struct rw_field *field = field_slot(parse, &scratch);
        if (!field)
            return RW_H1_STEP_NO_MEMORY;
        enum rw_h1_step step = field_line(parse, field);
        if (step != RW_H1_STEP_OK)
            return step;
        if (++parse->fields > parse->limits->fields_max)
            return rw_h1_bad(parse, 431, "more fields than allowed");
        uint64_t bit = RW_FIELD_BIT(field->id);
        parse->repeated |= parse->present & bit;
        parse->present |= bit;
        parse->message->field_count += parse->store;
    }
}

/* Every field that this program knows says how to frame, route, authorize or interpret the message,
 * which must be settled before its body is read; an entity tag may be known only after it. Names by
 * which proxies tell who the client is are no better at the end than at the begin. */
bool rw_h1_trailer_allowed(struct rw_span name)
{
    enum rw_field_id id = rw_field_id(name);
    if (id != RW_FIELD_OTHER)
        return id == RW_FIELD_ETAG;
    return !rw_h1_names_client(name);
}
