/* The parts that the head parsers are made of. Private to src/http.
 *
 * rw_h1_parse_request and _response fill a struct rw_h1_parse and call rw_h1_parse_head, which
 * reads the start line by `start_line`, then the field lines, and judges the whole
 * by `finish`.
 *
 * A line is judged when it is whole, or as soon as a byte is in it that no line may hold; so what
 * is said of a head does not depend on how its bytes were cut into packets.
 */
#ifndef RW_HTTP_H1_PARSE_H
#define RW_HTTP_H1_PARSE_H

#include "http/h1.h"

enum rw_h1_step {
    RW_H1_STEP_OK,
    RW_H1_STEP_SHORT, /* the bytes end inside a line */
    RW_H1_STEP_BAD,   /* `refusal` says why */
    RW_H1_STEP_BLANK, /* the empty line that ends the head */
    RW_H1_STEP_NO_MEMORY,
};

struct rw_h1_parse {
    const char *start;
    const char *at;   /* next byte to read */
    const char *line; /* begin of the line under way; NULL when the head is whole */
    const char *end;  /* of the bytes, or of head_bytes_max */
    const struct rw_h1_limits *limits;
    struct rw_arena *arena;
    struct rw_message *message;
    uint64_t present;              /* bit: a field with this id was read */
    uint64_t repeated;             /* bit: it was read more than once */
    uint32_t fields;               /* field lines read */
    bool store;                    /* false: lines are checked only */
    bool whole;                    /* the target is all there is: not from a line */
    enum rw_method request_method; /* of a response */
    struct rw_h1_refusal refusal;
    enum rw_h1_step (*start_line)(struct rw_h1_parse *parse);
    enum rw_h1_step (*finish)(struct rw_h1_parse *parse);
};

/* All but `request_method`, `start_line` and `finish`. Member by member, since clearing it costs
 * more. */
static inline void rw_h1_parse_begin(struct rw_h1_parse *parse, struct rw_span bytes,
                                     const struct rw_h1_limits *limits, struct rw_arena *arena,
                                     struct rw_message *message)
{
    parse->start = parse->at = parse->line = bytes.at;
    parse->end = bytes.at + bytes.len;
    parse->limits = limits;
    parse->arena = arena;
    parse->message = message;
    parse->present = parse->repeated = 0;
    parse->fields = 0;
    parse->store = true;
    parse->whole = false;
    parse->refusal = (struct rw_h1_refusal){0, ""};
}

static inline enum rw_h1_step rw_h1_bad(struct rw_h1_parse *parse, unsigned status,
                                        const char *reason)
{
    parse->refusal = (struct rw_h1_refusal){(uint16_t)status, reason};
    return RW_H1_STEP_BAD;
}

/* h1_head.c */
enum rw_h1_result rw_h1_parse_head(struct rw_h1_parse *parse, struct rw_h1_head *head);
/* CRLF at `parse->at`: passes it. */
enum rw_h1_step rw_h1_line_end(struct rw_h1_parse *parse);
/* `text` is "HTTP/1.x": passes it and sets minor_version. Status 505 or 400. */
enum rw_h1_step rw_h1_version(struct rw_h1_parse *parse, struct rw_span text);

/* h1_field.c */
/* All field lines up to the empty one. */
enum rw_h1_step rw_h1_field_lines(struct rw_h1_parse *parse);
/* May this field come as a trailer (RFC 9110 section 6.5.1)? */
bool rw_h1_trailer_allowed(struct rw_span name);

/* h1_framing.c: rules over all fields of a head, alike for requests and responses. */
/* Content-Length and Transfer-Encoding: has_length, body_bytes and body_kind (NONE, LENGTH or
 * CHUNKED). */
enum rw_h1_step rw_h1_framing(struct rw_h1_parse *parse);
/* Connection: keep_alive, upgrade, and `hop` of the fields that it names. */
enum rw_h1_step rw_h1_connection(struct rw_h1_parse *parse);

static inline bool rw_h1_has(const struct rw_h1_parse *parse, enum rw_field_id id)
{
    return parse->present & RW_FIELD_BIT(id);
}

/* h1_request.c */
/* Rules over all fields of a request that are the same in every protocol: no content with CONNECT
 * and TRACE, Expect. */
enum rw_h1_step rw_h1_request_rules(struct rw_h1_parse *parse);

/* h1_target.c */
/* The request target at `parse->at`: passes it; sets `target` to all of it, and `query`. It ends at
 * a space, or at the end if it is `whole`. */
enum rw_h1_step rw_h1_target(struct rw_h1_parse *parse);
/* Parts the target by its form; the method is known. Sets scheme, authority, target, path. */
enum rw_h1_step rw_h1_target_form(struct rw_h1_parse *parse);
/* Host against version and target; sets `authority`, and `target` and `path` where the target had
 * no path. */
enum rw_h1_step rw_h1_host(struct rw_h1_parse *parse);

#endif
