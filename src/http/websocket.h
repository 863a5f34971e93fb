/* WebSocket frames on their way through (RFC 6455 section 5): where one ends and the next begins,
 * and whether the grammar allows what they say. No I/O, nothing is copied but a head that comes in
 * pieces.
 *
 * Whoever passes a direction on keeps a track of it and gives each piece of bytes to
 * rw_websocket_next until that says MORE. Between two frames others may be put:
 * rw_websocket_write. What is inside messages (UTF-8, compression) is for the two ends. Pure
 * functions; any thread.
 */
#ifndef RW_HTTP_WEBSOCKET_H
#define RW_HTTP_WEBSOCKET_H

#include "base/err.h"
#include "base/span.h"

enum {
    /* What a frame is judged by: up to its length, or a Close frame's code. */
    RW_WEBSOCKET_HEAD_MAX = 10,
    RW_WEBSOCKET_CONTROL_MAX = 125, /* payload of Close, Ping, Pong: section 5.5 */
    RW_WEBSOCKET_WRITE_MAX = 2 + 4 + RW_WEBSOCKET_CONTROL_MAX,
    RW_WEBSOCKET_FRAME_MAX = 14, /* a frame's head with its mask */
    RW_WEBSOCKET_MASK_BYTES = 4,
    RW_WEBSOCKET_NONCE_BYTES = 16,
    RW_WEBSOCKET_KEY_BYTES = 24,   /* Sec-WebSocket-Key: section 4.1 */
    RW_WEBSOCKET_ACCEPT_BYTES = 28 /* Sec-WebSocket-Accept: section 4.2.2 */
};

/* Section 5.2. */
enum rw_websocket_opcode {
    RW_WEBSOCKET_CONTINUATION = 0,
    RW_WEBSOCKET_TEXT = 1,
    RW_WEBSOCKET_BINARY = 2,
    RW_WEBSOCKET_CLOSE = 8,
    RW_WEBSOCKET_PING = 9,
    RW_WEBSOCKET_PONG = 10
};

/* Section 7.4.1: what is used here. */
enum rw_websocket_code {
    RW_WEBSOCKET_NORMAL = 1000,
    RW_WEBSOCKET_GOING_AWAY = 1001,
    RW_WEBSOCKET_PROTOCOL_ERROR = 1002,
    RW_WEBSOCKET_NO_CODE = 1005, /* never sent: a Close frame without a code */
    RW_WEBSOCKET_TOO_BIG = 1009
};

/* Reserved bits of a frame's first byte. */
enum { RW_WEBSOCKET_RSV1 = 0x40, RW_WEBSOCKET_RSV_ALL = 0x70 };

/* One direction of one WebSocket. Thousands are idle at a time: small. */
struct rw_websocket_track {
    /* Before a payload: what has come of the head. Within: how much is to come of it (uint64_t). */
    uint8_t head[RW_WEBSOCKET_HEAD_MAX];
    uint8_t held : 4;    /* bytes of the head */
    bool in_payload : 1; /* and not between two frames */
    bool in_message : 1; /* fragments are to follow */
    bool closed : 1;     /* a Close frame has come, or an error: nothing counts afterwards */
    bool masked : 1;     /* from a client */
    uint8_t rsv;         /* bits that may be set */
    uint32_t message;    /* bytes of the message so far; stays at UINT32_MAX */
};
_Static_assert(sizeof(struct rw_websocket_track) == 16, "see above");

struct rw_websocket_frame {
    uint64_t bytes; /* of payload */
    uint8_t opcode; /* enum rw_websocket_opcode */
    bool fin;
    uint8_t head_bytes;  /* so many bytes before those that are left the frame began: maybe in an
                            earlier piece */
    uint16_t close_code; /* of a Close frame (RW_WEBSOCKET_NO_CODE: it has none); of BAD: what to
                            say to both ends */
    const char *reason;  /* of BAD: static text */
};

enum rw_websocket_event {
    /* All bytes are used. With track->held the last of them began a head: until it is complete (in
     * a later piece) they must not go on, if anything may come before that frame. */
    RW_WEBSOCKET_MORE,
    RW_WEBSOCKET_FRAME, /* a frame begins; its head has been taken off, or most of it */
    /* A frame that must not go on has begun. With RW_WEBSOCKET_TOO_BIG the track still follows the
     * frames; after any other error all is SURPLUS. */
    RW_WEBSOCKET_BAD,
    RW_WEBSOCKET_SURPLUS /* the bytes that are left came after a Close frame or an error */
};

/* The handshake of who begins a WebSocket over HTTP/1.1: a key out of random bytes, and what the
 * answer to a key has to be (false: there is no SHA-1 to be had). */
void rw_websocket_key(char key[RW_WEBSOCKET_KEY_BYTES],
                      const uint8_t nonce[RW_WEBSOCKET_NONCE_BYTES]);
RW_MUST_CHECK bool rw_websocket_accept(char accept[RW_WEBSOCKET_ACCEPT_BYTES], struct rw_span key);

/* Which reserved bits may be set after a response with this Sec-WebSocket-Extensions: RSV1 with
 * permessage-deflate (RFC 7692), all of them with what is not known here. */
uint8_t rw_websocket_rsv(struct rw_span extensions);

/* `masked`: the direction from the client. */
void rw_websocket_start(struct rw_websocket_track *track, bool masked, uint8_t rsv);

/* `bytes` is not empty at first, and moves on. `message_max` (0: none): payload bytes of all frames
 * of a message, as they are sent. `frame` is filled with FRAME and BAD. */
enum rw_websocket_event rw_websocket_next(struct rw_websocket_track *track, uint32_t message_max,
                                          struct rw_span *bytes, struct rw_websocket_frame *frame);

/* Does what was used so far, but for a head that is held, end with a frame? */
static inline bool rw_websocket_between(const struct rw_websocket_track *track)
{
    return !track->in_payload;
}

/* Writes a control frame with at most RW_WEBSOCKET_CONTROL_MAX bytes of payload; `mask` (NULL:
 * none, from a server) is of RW_WEBSOCKET_MASK_BYTES that nobody can foresee. Returns its length.
 */
size_t rw_websocket_write(char to[RW_WEBSOCKET_WRITE_MAX], enum rw_websocket_opcode opcode,
                          struct rw_span payload, const uint8_t *mask);
/* Writes a client's data frame: its head, and the payload masked; `to` has room for both. Returns
 * the length. */
size_t rw_websocket_write_message(char *to, enum rw_websocket_opcode opcode, struct rw_span payload,
                                  const uint8_t mask[RW_WEBSOCKET_MASK_BYTES]);

#endif
