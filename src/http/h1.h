/* HTTP/1.1 codec (RFC 9112, RFC 9110): bytes in, messages and body slices out; no I/O, no allocation but in the
 * arena that it is given.
 *
 * A connection calls rw_h1_parse_request (or _response) on the bytes it has, until it says complete; then
 * rw_h1_body_start, and rw_h1_body_next on what follows, until the body ends; then the next message. Strict where
 * leniency is an attack: what is not allowed by the grammar is refused with a status and a reason, never guessed at.
 * After a refusal the connection answers and closes; it does not parse on.
 */
#ifndef RW_HTTP_H1_H
#define RW_HTTP_H1_H

#include "http/message.h"

#include <sys/uio.h>

struct rw_h1_limits {
    uint32_t head_bytes_max;    /* start line and fields; default 16 KiB -> 431 (414 when the target alone is over) */
    uint32_t target_bytes_max;  /* default 8 KiB -> 414 */
    uint16_t fields_max;        /* default 100 -> 431 */
    uint32_t chunk_ext_bytes_max; /* of one chunk-size line; default 256 -> 400 */
    uint32_t trailer_bytes_max; /* all trailer fields; default 8 KiB -> 431 */
};

extern const struct rw_h1_limits rw_h1_limits_default;

enum rw_h1_result { RW_H1_COMPLETE, RW_H1_INCOMPLETE, RW_H1_BAD, RW_H1_NO_MEMORY };

/* Why bytes were refused: for the status line and the log. `reason` is static text. */
struct rw_h1_refusal {
    uint16_t status; /* of the answer to a request; 502 for a bad response */
    const char *reason;
};

/* One parse. `seen` makes a head that dribbles in cost O(n) in all: 0 for the first call, then passed on unchanged
 * by the caller while INCOMPLETE. */
struct rw_h1_head {
    uint32_t seen;
    uint32_t consumed; /* when COMPLETE: bytes of the head, blank line included */
    struct rw_h1_refusal refusal; /* when BAD */
    /* The parser's own: whole lines checked so far, and the fields among them. Zero at first like `seen`. */
    uint32_t line;
    uint32_t fields;
};

/* Parses a request head at the start of `bytes` (at most one or more leading empty lines (CRLF) are skipped, RFC 9112 2.2). The field
 * table goes into `arena`; the texts stay in `bytes`, see rw_h1_rebase. Checks everything that needs no configuration: grammar,
 * exactly one Host (HTTP/1.1), Host = authority of an absolute-form target, Content-Length (all equal, digits, no overflow),
 * Transfer-Encoding (only "chunked", once, last; never together with Content-Length; not in HTTP/1.0), target form per method
 * (authority-form only for CONNECT, asterisk only for OPTIONS), versions (505 for HTTP/2+ major, else 400), obs-fold, bare CR/LF, control
 * characters, space before the colon. Bare LF as a line end is refused. Sets method, target, body_kind, keep_alive,
 * expect_continue, upgrade and each field's id and hop. An unknown Expect value gives 417. */
enum rw_h1_result rw_h1_parse_request(struct rw_span bytes, const struct rw_h1_limits *limits,
                                      struct rw_arena *arena, struct rw_message *message,
                                      struct rw_h1_head *head);

/* A response head; `request_method` decides about the body (HEAD, CONNECT). 1xx responses are complete messages without
 * a body; 101 has upgrade set. A response with both Transfer-Encoding and Content-Length is refused too. */
enum rw_h1_result rw_h1_parse_response(struct rw_span bytes, const struct rw_h1_limits *limits,
                                       enum rw_method request_method, struct rw_arena *arena,
                                       struct rw_message *message, struct rw_h1_head *head);

/* Moves all texts of a freshly parsed message by the distance from `from` to `to` (its bytes were copied). */
void rw_h1_rebase(struct rw_message *message, const char *from, const char *to);

/* ---- Bodies in ---- */

struct rw_h1_body {
    uint64_t remaining; /* of the length, or of the current chunk */
    uint8_t kind;       /* enum rw_body_kind */
    uint8_t state;
    uint32_t line_bytes;    /* of the line under way */
    uint32_t trailer_bytes; /* of all trailers so far */
    const char *reason; /* when BAD */
    uint16_t status;
};

void rw_h1_body_start(struct rw_h1_body *body, const struct rw_message *message);

enum rw_h1_body_event {
    RW_H1_BODY_DATA, /* `data` is a piece of the body inside `bytes` */
    RW_H1_BODY_MORE, /* all of `bytes` is used up, more is needed */
    RW_H1_BODY_END,  /* the body is over; what is left in `bytes` belongs to the next message */
    RW_H1_BODY_BAD,  /* `reason`, `status` */
};

/* Advances `bytes` past what it used; call until MORE, END or BAD. Trailer fields: their raw bytes are appended to `trailers`
 * when that is not NULL (as "Name: value\r\n" lines, validated as fields are; names that frame or route a message, RFC 9110 6.5.1, are dropped). */
struct rw_h1_trailers {
    char *at; /* room given by the caller, trailer_bytes_max */
    uint32_t len, room;
};
enum rw_h1_body_event rw_h1_body_next(struct rw_h1_body *body, const struct rw_h1_limits *limits,
                                      struct rw_span *bytes, struct rw_span *data,
                                      struct rw_h1_trailers *trailers);

/* The peer closed: is that an end (UNTIL_CLOSE or nothing left), or was the body cut off? */
bool rw_h1_body_may_end(const struct rw_h1_body *body);

/* ---- Messages out: writers append to a caller's memory and say when it is too small ---- */

struct rw_h1_out {
    char *at;
    size_t len, room;
    bool overflow; /* something did not fit; `len` says nothing then */
};

void rw_h1_put(struct rw_h1_out *out, struct rw_span bytes);
void rw_h1_put_field(struct rw_h1_out *out, struct rw_span name, struct rw_span value);
void rw_h1_put_u64(struct rw_h1_out *out, uint64_t value);
/* "METHOD target HTTP/1.1\r\n" */
void rw_h1_put_request_line(struct rw_h1_out *out, struct rw_span method, struct rw_span target);
/* "HTTP/1.1 200 OK\r\n" */
void rw_h1_put_status_line(struct rw_h1_out *out, unsigned status, struct rw_span reason);
/* Every field that is not hop-by-hop and not in the set `skip` (bit = field id; Content-Length and Transfer-Encoding are always skipped: the
 * caller frames the message itself). */
struct rw_field_set {
    uint64_t bits; /* ids below 64 */
};
#define RW_FIELD_BIT(id) (1ull << (id))
void rw_h1_put_fields(struct rw_h1_out *out, const struct rw_message *message, struct rw_field_set skip);

enum { RW_H1_CHUNK_HEAD_MAX = 18 }; /* 16 hex digits, CRLF */
/* "1a2b\r\n": returns its length. */
size_t rw_h1_chunk_head(char *to, uint64_t bytes);

#endif
