/* Decoded header blocks to messages (RFC 9113 section 8): what a request or a response means, by
 * the same rules and in the same words as those of HTTP/1.1, so that what is accepted can be sent
 * on over HTTP/1.1 without being altered.
 *
 * h2_heads.c calls rw_h2_hpack_head_begin, decodes, keeps, then reads. Texts stay where the decoder
 * put them: in the arena, or static.
 */
#ifndef RW_HTTP_H2_MESSAGE_H
#define RW_HTTP_H2_MESSAGE_H

#include "http/h2.h"

enum rw_h2_result {
    RW_H2_FINE,
    RW_H2_REFUSED,   /* well-formed, but not to be sent on: `status` */
    RW_H2_MALFORMED, /* RFC 9113 section 8.1.1: an error of the stream */
    RW_H2_NO_MEMORY
};

struct rw_h2_reading {
    enum rw_h2_result result;
    uint16_t status;         /* 0 unless refused */
    const char *reason;      /* NULL when fine */
    struct rw_span priority; /* of a request: the Priority field; at == NULL: there is none */
};

/* Where fields are decoded to, until it is known how many there are: a request may wait long for
 * its answer, and keeps no room that it does not use. */
enum { RW_H2_FIELDS_FIRST = 24 };
struct rw_h2_fields_first {
    struct rw_field fields[RW_H2_FIELDS_FIRST];
};
void rw_h2_hpack_head_begin(struct rw_hpack_head *head, struct rw_h2_fields_first *first);
/* The head has been decoded: what is in `first` moves into the arena. False: no memory. */
RW_MUST_CHECK bool rw_h2_hpack_head_keep(struct rw_hpack_head *head,
                                         const struct rw_h2_fields_first *first,
                                         struct rw_arena *arena);

/* Fills the message: method, scheme, authority, target, path, query, protocol; the fields with Host
 * among them, and one Cookie (section 8.2.3); body_kind (LENGTH, NONE, or CHUNKED when the length
 * is not given). minor_version is 1. When it is refused, what could be read is there. Malformed
 * are: pseudo-header fields that lack, repeat, come late or are not for requests; names with upper
 * case or other forbidden characters; fields of the connection; TE but "trailers"; a
 * Content-Length that is none, or says more than nothing when no body follows. Refused: a target
 * or authority that HTTP/1.1 cannot carry (400, 414), Host that differs (400), Expect (417), a head
 * that is too large (431). */
void rw_h2_read_request(struct rw_hpack_head *head, const struct rw_h2_settings *settings, bool end,
                        struct rw_arena *arena, struct rw_message *message,
                        struct rw_h2_reading *reading);

/* Fine or malformed. Statuses of 101 and a 1xx that ends the stream are malformed. */
void rw_h2_read_response(struct rw_hpack_head *head, enum rw_method request_method, bool end,
                         struct rw_arena *arena, struct rw_message *message,
                         struct rw_h2_reading *reading);

/* Lines ("name: value\r\n") of the trailers that may be sent on (as rw_h1_body_next). False: no
 * memory. */
RW_MUST_CHECK bool rw_h2_read_trailers(const struct rw_hpack_head *head, struct rw_arena *arena,
                                       struct rw_span *lines);

#endif
