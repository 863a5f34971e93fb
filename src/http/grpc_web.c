#include "http/grpc_web.h"

/* ---- Media types ---- */

static bool skip_nocase(struct rw_span *text, struct rw_span start)
{
    if (text->len < start.len || !rw_span_eq_nocase(rw_span(text->at, start.len), start))
        return false;
    *text = rw_span_skip(*text, start.len);
    return true;
}

/* What follows the name: a format, parameters, nothing. */
static bool read_format(struct rw_span rest, struct rw_span *format)
{
    size_t end = 0;
    while (end < rest.len && !memchr("; \t,", rest.at[end], 4))
        end++;
    *format = rw_span(rest.at, end);
    return end == 0 || rest.at[0] == '+';
}

enum rw_grpc_web_mode rw_grpc_web_type(struct rw_span type, struct rw_span *format)
{
    if (!skip_nocase(&type, RW_LITERAL("application/grpc-web")))
        return RW_GRPC_WEB_NONE;
    enum rw_grpc_web_mode mode = RW_GRPC_WEB_BINARY;
    if (skip_nocase(&type, RW_LITERAL("-text"))) {
        mode = RW_GRPC_WEB_TEXT;
        skip_nocase(&type, RW_LITERAL("-base64"));
    }
    return read_format(type, format) ? mode : RW_GRPC_WEB_NONE;
}

bool rw_grpc_type(struct rw_span type, struct rw_span *format)
{
    return skip_nocase(&type, RW_LITERAL("application/grpc")) && read_format(type, format);
}

/* ---- Messages ---- */

static enum rw_grpc_frames_flaw begin_message(struct rw_grpc_frames *frames, uint64_t bytes_max)
{
    const uint8_t *head = frames->head;
    uint32_t bytes = (uint32_t)head[1] << 24 | (uint32_t)head[2] << 16 | (uint32_t)head[3] << 8 |
                     (uint32_t)head[4];
    if (bytes_max && bytes > bytes_max)
        return RW_GRPC_FRAMES_TOO_LONG;
    frames->left = bytes;
    frames->held = 0;
    return RW_GRPC_FRAMES_GOOD;
}

static enum rw_grpc_frames_flaw take_head_byte(struct rw_grpc_frames *frames, char byte,
                                               uint64_t bytes_max)
{
    frames->head[frames->held++] = (uint8_t)byte;
    if (frames->head[0] > 1)
        return RW_GRPC_FRAMES_BAD_FLAGS;
    return frames->held < RW_GRPC_FRAME_HEAD_BYTES ? RW_GRPC_FRAMES_GOOD
                                                   : begin_message(frames, bytes_max);
}

enum rw_grpc_frames_flaw rw_grpc_frames_pass(struct rw_grpc_frames *frames, struct rw_span bytes,
                                             uint64_t bytes_max)
{
    while (bytes.len && !frames->flaw) {
        size_t part = frames->left < bytes.len ? frames->left : bytes.len;
        frames->left -= (uint32_t)part;
        bytes = rw_span_skip(bytes, part);
        if (bytes.len) {
            frames->flaw = (uint8_t)take_head_byte(frames, bytes.at[0], bytes_max);
            bytes = rw_span_skip(bytes, 1);
        }
    }
    return (enum rw_grpc_frames_flaw)frames->flaw;
}

/* ---- Trailers ---- */

void rw_grpc_web_put_trailers(char *to, struct rw_span lines)
{
    bool in_name = true;
    to[0] = (char)RW_GRPC_FLAG_TRAILERS;
    for (unsigned i = 0; i < 4; i++)
        to[1 + i] = (char)(lines.len >> (24 - 8 * i));
    to += RW_GRPC_FRAME_HEAD_BYTES;
    for (size_t i = 0; i < lines.len; i++) {
        char c = lines.at[i];
        if (c == ':')
            in_name = false;
        if (c == '\n')
            in_name = true;
        to[i] = in_name ? rw_lower(c) : c;
    }
}
