/* gRPC-Web (github.com/grpc/grpc, doc/PROTOCOL-WEB.md): what differs from gRPC over HTTP/2, without
 * I/O. Browsers neither see trailers nor send `te`, so the trailers are a last frame of the body;
 * in text mode all of the body is Base64 (base/base64.h), with padding anywhere between groups.
 *
 *   media type --rw_grpc_web_type--> mode, format
 *   body ------rw_grpc_frames_pass--> is it a row of messages, none too long? where does it stand?
 *   trailers --rw_grpc_web_put_trailers--> the last frame
 *
 * Pure functions; any thread.
 */
#ifndef RW_HTTP_GRPC_WEB_H
#define RW_HTTP_GRPC_WEB_H

#include "base/err.h"
#include "base/span.h"

/* ---- Media types ---- */

enum rw_grpc_web_mode { RW_GRPC_WEB_NONE, RW_GRPC_WEB_BINARY, RW_GRPC_WEB_TEXT };

/* `format`: "+proto" and the like, a part of `type`; empty when it is not told. */
enum rw_grpc_web_mode rw_grpc_web_type(struct rw_span type, struct rw_span *format);
/* The same for gRPC itself. False: it is something else. */
bool rw_grpc_type(struct rw_span type, struct rw_span *format);

/* ---- Messages: a byte of flags, four of length, the message ---- */

enum { RW_GRPC_FRAME_HEAD_BYTES = 5, RW_GRPC_FLAG_TRAILERS = 0x80 };

enum rw_grpc_frames_flaw { RW_GRPC_FRAMES_GOOD, RW_GRPC_FRAMES_BAD_FLAGS, RW_GRPC_FRAMES_TOO_LONG };

struct rw_grpc_frames { /* zeroed: at the start */
    uint32_t left;      /* of a message */
    uint8_t head[RW_GRPC_FRAME_HEAD_BYTES];
    uint8_t held; /* bytes of a head */
    uint8_t flaw; /* enum rw_grpc_frames_flaw: the place is not known any more */
};

/* More of the body. Flags other than "compressed" are none that a client may set. `bytes_max` 0: no
 * limit. After a flaw nothing more is looked at: the answer stays the same. */
enum rw_grpc_frames_flaw rw_grpc_frames_pass(struct rw_grpc_frames *frames, struct rw_span bytes,
                                             uint64_t bytes_max);
/* It stands between two messages. */
static inline bool rw_grpc_frames_whole(const struct rw_grpc_frames *frames)
{
    return frames->left == 0 && frames->held == 0 && !frames->flaw;
}

/* ---- Trailers ---- */

/* How many bytes a frame with these lines ("Name: value\r\n" each) has. */
static inline size_t rw_grpc_web_trailers_bytes(struct rw_span lines)
{
    return RW_GRPC_FRAME_HEAD_BYTES + lines.len;
}
/* Writes it: the names in lower case. */
void rw_grpc_web_put_trailers(char *to, struct rw_span lines);

#endif
