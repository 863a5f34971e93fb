#include "http/websocket.h"

#include <openssl/evp.h>

enum {
    FIN = 0x80,
    OPCODE = 0x0f,
    CONTROL = 0x08, /* the bit of an opcode */
    MASKED = 0x80,
    LENGTH = 0x7f,
    LENGTH_16 = 126,
    LENGTH_64 = 127
};

/* ---- The handshake ---- */

void rw_websocket_key(char key[RW_WEBSOCKET_KEY_BYTES],
                      const uint8_t nonce[RW_WEBSOCKET_NONCE_BYTES])
{
    unsigned char text[RW_WEBSOCKET_KEY_BYTES + 1];
    (void)EVP_EncodeBlock(text, nonce, RW_WEBSOCKET_NONCE_BYTES);
    memcpy(key, text, RW_WEBSOCKET_KEY_BYTES);
}

bool rw_websocket_accept(char accept[RW_WEBSOCKET_ACCEPT_BYTES], struct rw_span key)
{
    static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    char input[RW_WEBSOCKET_KEY_BYTES + sizeof(guid)];
    unsigned char digest[EVP_MAX_MD_SIZE], text[RW_WEBSOCKET_ACCEPT_BYTES + 1];
    unsigned digest_bytes;
    rw_assert(key.len == RW_WEBSOCKET_KEY_BYTES);
    memcpy(input, key.at, key.len);
    memcpy(input + key.len, guid, sizeof(guid) - 1);
    if (!EVP_Digest(input, key.len + sizeof(guid) - 1, digest, &digest_bytes, EVP_sha1(), NULL))
        return false;
    (void)EVP_EncodeBlock(text, digest, (int)digest_bytes);
    memcpy(accept, text, RW_WEBSOCKET_ACCEPT_BYTES);
    return true;
}

/* ---- Starting ---- */

uint8_t rw_websocket_rsv(struct rw_span extensions)
{
    uint8_t rsv = 0;
    struct rw_span extension, name;
    while (rw_span_next(&extensions, ',', &extension)) {
        if (!rw_span_next(&extension, ';', &name) || name.len == 0)
            continue;
        bool deflate = rw_span_is_nocase(name, "permessage-deflate");
        rsv |= deflate ? RW_WEBSOCKET_RSV1 : RW_WEBSOCKET_RSV_ALL;
    }
    return rsv;
}

void rw_websocket_start(struct rw_websocket_track *track, bool masked, uint8_t rsv)
{
    *track = (struct rw_websocket_track){.masked = masked, .rsv = rsv};
}

/* ---- Heads ---- */

static unsigned opcode_of(const struct rw_websocket_track *track)
{
    return track->head[0] & OPCODE;
}

static bool is_control(const struct rw_websocket_track *track)
{
    return track->head[0] & CONTROL;
}

static unsigned short_length(const struct rw_websocket_track *track)
{
    return track->head[1] & LENGTH;
}

/* How much of a head must be there to judge the frame. */
static unsigned head_bytes(const struct rw_websocket_track *track)
{
    if (track->held < 2)
        return 2;
    unsigned length = short_length(track);
    if (is_control(track)) {
        bool code = opcode_of(track) == RW_WEBSOCKET_CLOSE && length >= 2 && length < LENGTH_16;
        return code ? 4 + (track->head[1] & MASKED ? RW_WEBSOCKET_MASK_BYTES : 0) : 2;
    }
    return length == LENGTH_64 ? 10 : length == LENGTH_16 ? 4 : 2;
}

static uint64_t length_of(const struct rw_websocket_track *track)
{
    unsigned length = short_length(track);
    unsigned bytes = length == LENGTH_64 ? 8 : length == LENGTH_16 ? 2 : 0;
    uint64_t value = bytes ? 0 : length;
    for (unsigned i = 0; i < bytes; i++)
        value = value << 8 | track->head[2 + i];
    return value;
}

/* Section 7.4: which may be sent. */
static bool code_valid(unsigned code)
{
    return (code >= 1000 && code <= 1014 && code != 1004 && code != 1005 && code != 1006) ||
           (code >= 3000 && code <= 4999);
}

static unsigned close_code_of(const struct rw_websocket_track *track)
{
    const uint8_t *head = track->head;
    if (short_length(track) < 2)
        return RW_WEBSOCKET_NO_CODE;
    if (!(head[1] & MASKED))
        return (unsigned)head[2] << 8 | head[3];
    return (unsigned)(head[6] ^ head[2]) << 8 | (head[7] ^ head[3]);
}

/* ---- Judging ---- */

static const char *judge_control(const struct rw_websocket_track *track)
{
    unsigned opcode = opcode_of(track), length = short_length(track);
    if (opcode > RW_WEBSOCKET_PONG)
        return "opcode is reserved";
    if (!(track->head[0] & FIN))
        return "control frame in fragments";
    if (length > RW_WEBSOCKET_CONTROL_MAX)
        return "control frame is too long";
    if (opcode == RW_WEBSOCKET_CLOSE && length == 1)
        return "half a close code";
    if (opcode == RW_WEBSOCKET_CLOSE && length && !code_valid(close_code_of(track)))
        return "close code that may not be sent";
    return NULL;
}

static const char *judge_data(const struct rw_websocket_track *track)
{
    unsigned opcode = opcode_of(track);
    uint64_t length = length_of(track);
    if (opcode > RW_WEBSOCKET_BINARY)
        return "opcode is reserved";
    if (opcode == RW_WEBSOCKET_CONTINUATION && !track->in_message)
        return "continuation of nothing";
    if (opcode != RW_WEBSOCKET_CONTINUATION && track->in_message)
        return "message inside another";
    if (length >> 63)
        return "length is too large";
    bool longer = (short_length(track) == LENGTH_16 && length < LENGTH_16) ||
                  (short_length(track) == LENGTH_64 && length <= UINT16_MAX);
    return longer ? "length is not the shortest" : NULL;
}

/* RFC 7692 section 6: only a message's first frame has the bit. */
static bool rsv_allowed(const struct rw_websocket_track *track)
{
    unsigned rsv = track->head[0] & RW_WEBSOCKET_RSV_ALL;
    if (rsv & ~(unsigned)track->rsv)
        return false;
    bool first = !is_control(track) && opcode_of(track) != RW_WEBSOCKET_CONTINUATION;
    return !rsv || first || track->rsv != RW_WEBSOCKET_RSV1;
}

/* NULL: the grammar allows it. */
static const char *judge(const struct rw_websocket_track *track)
{
    if (!rsv_allowed(track))
        return "reserved bit is set";
    if (track->masked != !!(track->head[1] & MASKED))
        return track->masked ? "frame is not masked" : "frame is masked";
    return is_control(track) ? judge_control(track) : judge_data(track);
}

/* ---- Going on ---- */

static uint64_t left_of(const struct rw_websocket_track *track)
{
    uint64_t left;
    memcpy(&left, track->head, sizeof(left));
    return left;
}

/* Bytes of the frame that are still to come. */
static void set_left(struct rw_websocket_track *track, uint64_t left)
{
    memcpy(track->head, &left, sizeof(left));
    track->held = 0;
    track->in_payload = left > 0;
}

static void skip_payload(struct rw_websocket_track *track, struct rw_span *bytes)
{
    uint64_t left = left_of(track);
    size_t here = left < bytes->len ? (size_t)left : bytes->len;
    *bytes = rw_span_skip(*bytes, here);
    set_left(track, left - here);
}

/* False: there are no more bytes. */
static bool take_head(struct rw_websocket_track *track, struct rw_span *bytes)
{
    while (track->held < head_bytes(track)) {
        if (bytes->len == 0)
            return false;
        track->head[track->held++] = (uint8_t)*bytes->at;
        *bytes = rw_span_skip(*bytes, 1);
    }
    return true;
}

static void count_message(struct rw_websocket_track *track, const struct rw_websocket_frame *frame)
{
    uint64_t sum = (track->in_message ? track->message : 0) + frame->bytes;
    track->message = sum < UINT32_MAX ? (uint32_t)sum : UINT32_MAX;
    track->in_message = !frame->fin;
}

static enum rw_websocket_event bad(struct rw_websocket_frame *frame, unsigned code,
                                   const char *reason)
{
    frame->close_code = (uint16_t)code;
    frame->reason = reason;
    return RW_WEBSOCKET_BAD;
}

/* A head is complete. */
static enum rw_websocket_event begin_frame(struct rw_websocket_track *track, uint32_t message_max,
                                           struct rw_websocket_frame *frame)
{
    const char *reason = judge(track);
    bool control = is_control(track);
    *frame = (struct rw_websocket_frame){.bytes = length_of(track),
                                         .opcode = (uint8_t)opcode_of(track),
                                         .fin = track->head[0] & FIN,
                                         .head_bytes = track->held};
    if (reason) {
        track->closed = true;
        track->held = 0;
        return bad(frame, RW_WEBSOCKET_PROTOCOL_ERROR, reason);
    }
    if (frame->opcode == RW_WEBSOCKET_CLOSE) {
        frame->close_code = (uint16_t)close_code_of(track);
        track->closed = true;
    }
    /* Of a Close frame the head has some already. */
    unsigned had = track->held - (control ? 2 : head_bytes(track));
    set_left(track, frame->bytes + (track->masked ? RW_WEBSOCKET_MASK_BYTES : 0) - had);
    if (control)
        return RW_WEBSOCKET_FRAME;
    count_message(track, frame);
    if (message_max && track->message > message_max)
        return bad(frame, RW_WEBSOCKET_TOO_BIG, "message is too large");
    return RW_WEBSOCKET_FRAME;
}

enum rw_websocket_event rw_websocket_next(struct rw_websocket_track *track, uint32_t message_max,
                                          struct rw_span *bytes, struct rw_websocket_frame *frame)
{
    if (track->in_payload)
        skip_payload(track, bytes);
    if (bytes->len == 0)
        return RW_WEBSOCKET_MORE;
    if (track->closed)
        return RW_WEBSOCKET_SURPLUS;
    return take_head(track, bytes) ? begin_frame(track, message_max, frame) : RW_WEBSOCKET_MORE;
}

/* ---- Writing ---- */

size_t rw_websocket_write(char to[RW_WEBSOCKET_WRITE_MAX], enum rw_websocket_opcode opcode,
                          struct rw_span payload, const uint8_t *mask)
{
    rw_assert(payload.len <= RW_WEBSOCKET_CONTROL_MAX);
    size_t len = 2;
    to[0] = (char)(FIN | opcode);
    to[1] = (char)((mask ? MASKED : 0) | (int)payload.len);
    if (mask) {
        memcpy(to + len, mask, RW_WEBSOCKET_MASK_BYTES);
        len += RW_WEBSOCKET_MASK_BYTES;
    }
    for (size_t i = 0; i < payload.len; i++)
        to[len + i] = (char)(payload.at[i] ^ (mask ? mask[i % RW_WEBSOCKET_MASK_BYTES] : 0));
    return len + payload.len;
}

size_t rw_websocket_write_message(char *to, enum rw_websocket_opcode opcode, struct rw_span payload,
                                  const uint8_t mask[RW_WEBSOCKET_MASK_BYTES])
{
    unsigned length_bytes = payload.len > UINT16_MAX ? 8 : payload.len >= LENGTH_16 ? 2 : 0;
    size_t len = 2;
    to[0] = (char)(FIN | opcode);
    to[1] = (char)(MASKED | (length_bytes == 8   ? LENGTH_64
                             : length_bytes == 2 ? LENGTH_16
                                                 : (int)payload.len));
    for (unsigned i = length_bytes; i-- > 0;)
        to[len++] = (char)((uint64_t)payload.len >> (8 * i));
    memcpy(to + len, mask, RW_WEBSOCKET_MASK_BYTES);
    len += RW_WEBSOCKET_MASK_BYTES;
    for (size_t i = 0; i < payload.len; i++)
        to[len + i] = (char)(payload.at[i] ^ mask[i % RW_WEBSOCKET_MASK_BYTES]);
    return len + payload.len;
}
