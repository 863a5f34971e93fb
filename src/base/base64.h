/* Base64 (RFC 4648 section 4) of a stream, in pieces of any size: bytes in, bytes out. For the body
 * filters of policies; any thread.
 *
 * A decoder takes groups of four characters, each of which may end in padding, so that several
 * texts one after the other are one. An encoder holds back up to two bytes until more come, or
 * until it is to finish the group with padding.
 */
#ifndef RW_BASE_BASE64_H
#define RW_BASE_BASE64_H

#include "base/err.h"
#include "base/span.h"

enum { RW_BASE64_GROUP_BYTES = 3, RW_BASE64_GROUP_CHARS = 4 };

struct rw_base64_decoder { /* zeroed: at the start */
    uint32_t bits;
    uint8_t chars; /* of a group that is not complete */
    uint8_t pads;  /* how many of these are '=' */
};

/* Takes characters off the front of `in` while there is room for a group, and writes bytes to `to`;
 * `room` is at least RW_BASE64_GROUP_BYTES. False: `in` begins with what is not Base64 (another
 * character, padding out of place, bits beyond the last byte). */
RW_MUST_CHECK bool rw_base64_decode(struct rw_base64_decoder *decoder, struct rw_span *in, char *to,
                                    size_t room, size_t *written);
/* No group is incomplete. */
static inline bool rw_base64_decoded(const struct rw_base64_decoder *decoder)
{
    return decoder->chars == 0;
}

/* Base64url without padding (RFC 4648 section 5, as RFC 7515 section 2 has it), whole: writes at
 * `to` three bytes for four characters, at the most. False: it is not that (padding, other
 * characters, bits beyond the last byte). May be in place. */
RW_MUST_CHECK bool rw_base64url_decode(struct rw_span text, char *to, size_t *len);

struct rw_base64_encoder { /* zeroed: at the start */
    uint8_t held[RW_BASE64_GROUP_BYTES - 1];
    uint8_t count;
};

/* Takes bytes off the front of `in` while there is room for a group; returns how many characters it
 * has written. `room` is at least RW_BASE64_GROUP_CHARS. */
size_t rw_base64_encode(struct rw_base64_encoder *encoder, struct rw_span *in, char *to,
                        size_t room);
/* Writes what is held with padding: a group, or nothing. */
size_t rw_base64_finish(struct rw_base64_encoder *encoder, char *to);

#endif
