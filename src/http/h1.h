/* HTTP/1.1 codec (RFC 9112, RFC 9110): bytes in, messages and body slices out; no I/O, no
 * allocation but in the arena that it is given.
 *
 * A connection calls rw_h1_parse_request (or _response) on the bytes it has, until it says
 * complete; then rw_h1_body_start, and rw_h1_body_next on what follows, until the body ends; then
 * the next message. Strict where leniency is an attack: what is not allowed by the grammar is
 * refused with a status and a reason, never guessed at. After a refusal the connection answers and
 * closes; it does not parse on.
 */
#ifndef RW_HTTP_H1_H
#define RW_HTTP_H1_H

#include "http/message.h"

#include <sys/uio.h>

struct rw_h1_limits {
    uint32_t head_bytes_max;   /* start line and fields; default 16 KiB -> 431 (414 when the target
                                  alone is over) */
    uint32_t target_bytes_max; /* default 8 KiB -> 414 */
    uint16_t fields_max;       /* default 100 -> 431 */
    uint32_t chunk_ext_bytes_max; /* of one chunk-size line; default 256 -> 400 */
    uint32_t trailer_bytes_max;   /* all trailer fields; default 8 KiB -> 431 */
};

extern const struct rw_h1_limits rw_h1_limits_default;

enum rw_h1_result { RW_H1_COMPLETE, RW_H1_INCOMPLETE, RW_H1_BAD, RW_H1_NO_MEMORY };

/* Why bytes were refused: for the status line and the log. `reason` is static text, without quotes
 * and backslashes. */
struct rw_h1_refusal {
    uint16_t status; /* of the answer to a request; 502 for a bad response */
    const char *reason;
};

/* One parse, all zero for its first call, then passed on unchanged by the caller while INCOMPLETE;
 * so a head that dribbles in costs O(n) in all. Between the calls the bytes may move (they only
 * grow), and message and arena may be others: nothing of an unfinished head is kept in them, and
 * what was taken from the arena is given back. */
struct rw_h1_head {
    uint32_t seen;
    uint32_t consumed;            /* when COMPLETE: bytes of the head, blank line included */
    struct rw_h1_refusal refusal; /* when BAD */
    /* The parser's own: whole lines checked so far, and the fields among them. Zero at first like
     * `seen`. */
    uint32_t line;
    uint32_t fields;
};

/* Parses a request head at the start of `bytes`; up to four empty lines (CRLF) before it are
 * skipped (RFC 9112 section 2.2). The field table goes into `arena`; the texts stay in `bytes`, see
 * rw_h1_rebase, but for a target that must be put together ("http://host?query"). Checks everything
 * that needs no configuration:
 * - lines: CRLF only (neither bare CR nor bare LF), no obs-fold, no control characters, no space
 * before the colon;
 * - method a token of at most 64 bytes (501); version 1.x (505 for 2 and more, else 400; above 1.1
 * is taken as 1.1);
 * - target: form by method (authority-form for CONNECT only, "*" for OPTIONS only, absolute-form
 * http or https only), visible ASCII without '#', whole percent-encodings, no %00 in the path;
 * - Host: exactly one in HTTP/1.1, at most one in 1.0; a name of letters, digits and "-._~", or an
 * IPv6 address in brackets, and a port of 1 to 65535 if there is a colon; equal to the authority of
 * the target but for case and default port;
 * - Content-Length: digits, at most 2^63-1; if repeated, the same bytes each time; no list;
 * - Transfer-Encoding: "chunked" alone and once (501 for "x, chunked"), not with Content-Length,
 * not in HTTP/1.0;
 * - no content with CONNECT and TRACE; Expect is "100-continue" (417);
 * - Connection: at most 32 tokens, not naming Host or Content-Length (400). It makes hop-by-hop
 * what it names only among fields that have no id, save X-Forwarded-* and X-Real-IP: what is
 * end-to-end by definition stays, whatever a client says. Sets method, target, body_kind (LENGTH
 * with 0 bytes for "Content-Length: 0"), keep_alive, expect_continue (only if a body is announced),
 * upgrade and each field's id and hop.
 *
 * A line is judged when it is whole or holds a byte that no line may hold: the outcome does not
 * depend on how the bytes were cut. Of several mistakes the first in the bytes is reported, those
 * that concern the whole head last. */
enum rw_h1_result rw_h1_parse_request(struct rw_span bytes, const struct rw_h1_limits *limits,
                                      struct rw_arena *arena, struct rw_message *message,
                                      struct rw_h1_head *head);

/* A response head by the same rules (status 502); `request_method` decides about the body (HEAD,
 * CONNECT). 1xx responses are complete messages without a body, and must not announce one; 101 has
 * upgrade set. Status codes are 100 to 999. keep_alive is false for UNTIL_CLOSE, after 101 and a
 * tunnel's 2xx, and after a 204 that announces a body. */
enum rw_h1_result rw_h1_parse_response(struct rw_span bytes, const struct rw_h1_limits *limits,
                                       enum rw_method request_method, struct rw_arena *arena,
                                       struct rw_message *message, struct rw_h1_head *head);

/* The head's bytes (message->head_bytes of them) were copied from `from` to `to`: moves the texts
 * that lie there. Texts elsewhere (in the arena, static) stay. `from` is compared with, not read.
 */
void rw_h1_rebase(struct rw_message *message, const char *from, const char *to);

/* ---- Bodies in ---- */

struct rw_h1_body {
    uint64_t remaining; /* of the length, or of the current chunk */
    uint8_t kind;       /* enum rw_body_kind */
    uint8_t state;
    uint32_t line_bytes;    /* of the line under way */
    uint32_t trailer_bytes; /* of all trailers so far */
    const char *reason;     /* when BAD */
    uint16_t status;
};

void rw_h1_body_start(struct rw_h1_body *body, const struct rw_message *message);

enum rw_h1_body_event {
    RW_H1_BODY_DATA, /* `data` is a piece of the body inside `bytes` */
    RW_H1_BODY_MORE, /* all of `bytes` is used up, more is needed */
    RW_H1_BODY_END,  /* the body is over; what is left in `bytes` belongs to the next message */
    RW_H1_BODY_BAD,  /* `reason`, `status` */
};

/* Advances `bytes` past what it used; call until MORE, END or BAD. END and BAD stay. `status` of a
 * refusal: 400 or 431, 502 for a response.
 *
 * Chunked is read strictly: up to 16 hex digits and 2^63-1; extensions by their grammar; CRLF
 * everywhere; no blanks before the end of the size line. Trailer fields are validated as fields
 * are, and their lines appended as they came (with CRLF) to `trailers`, the same in all calls, or
 * NULL when nobody wants them. Names that frame, route or authorize a message (RFC 9110
 * section 6.5.1) are dropped: all that have an id but ETag, X-Forwarded-*, X-Real-IP. Hop-by-hop
 * names that the head's Connection lists are the caller's to drop. */
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

/* Inline: most of what is written is literals, which become a store or two. */
static inline void rw_h1_put(struct rw_h1_out *out, struct rw_span bytes)
{
    if (out->overflow || out->room - out->len < bytes.len) {
        out->overflow = true;
        return;
    }
    if (bytes.len)
        memcpy(out->at + out->len, bytes.at, bytes.len);
    out->len += bytes.len;
}
void rw_h1_put_field(struct rw_h1_out *out, struct rw_span name, struct rw_span value);
void rw_h1_put_u64(struct rw_h1_out *out, uint64_t value);
/* Is this a name by which a proxy tells the next hop who the client is and what it asked for:
 * X-Forwarded-anything, X-Real-IP? Also with "_" in place of "-": CGI and its successors make the
 * same variable of both. */
bool rw_h1_names_client(struct rw_span name);
/* "METHOD target HTTP/1.1\r\n" */
void rw_h1_put_request_line(struct rw_h1_out *out, struct rw_span method, struct rw_span target);
/* "HTTP/1.1 200 OK\r\n" */
void rw_h1_put_status_line(struct rw_h1_out *out, unsigned status, struct rw_span reason);
/* Every field that is not hop-by-hop and not in the set `skip` (bit = field id; Content-Length and
 * Transfer-Encoding are always skipped: the caller frames the message itself). */
struct rw_field_set {
    uint64_t bits; /* ids below 64 */
};
#define RW_FIELD_BIT(id) (1ull << (id))
void rw_h1_put_fields(struct rw_h1_out *out, const struct rw_message *message,
                      struct rw_field_set skip);

enum { RW_H1_CHUNK_HEAD_MAX = 18 }; /* 16 hex digits, CRLF */
/* "1a2b\r\n": returns its length. */
size_t rw_h1_chunk_head(char *to, uint64_t bytes);

#endif
