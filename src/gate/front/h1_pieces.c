#include "gate/front/h1_pieces.h"

enum { COPY_BYTES_MAX = 8 * 1024 };

/* ---- In ---- */

static void move_to_start(struct rw_buf *buf)
{
    struct rw_span bytes = rw_buf_span(buf);
    memmove(buf->data, bytes.at, bytes.len);
    buf->start = 0;
    buf->end = (uint32_t)bytes.len;
}

/* A larger buffer with the same bytes in the place of *in. */
static bool enlarge(struct rw_buf_pool *pool, struct rw_buf **in, size_t bytes)
{
    struct rw_span old = rw_buf_span(*in);
    struct rw_buf *bigger =
        bytes > RW_BUF_LARGE_BYTES ? NULL : rw_buf_get(pool, RW_BUF_LARGE_BYTES);
    if (!bigger)
        return false;
    memcpy(bigger->data, old.at, old.len);
    bigger->end = (uint32_t)old.len;
    rw_buf_drop(*in);
    *in = bigger;
    return true;
}

bool rw_h1_append(struct rw_buf_pool *pool, struct rw_buf **in, struct rw_buf *more)
{
    if (!*in) {
        *in = more;
        return true;
    }
    struct rw_span bytes = rw_buf_span(more);
    bool own = (*in)->references == 1;
    if (own && rw_buf_space(*in) < bytes.len && (*in)->start)
        move_to_start(*in);
    bool fits = own && rw_buf_space(*in) >= bytes.len;
    if (fits || enlarge(pool, in, rw_buf_span(*in).len + bytes.len)) {
        memcpy((*in)->data + (*in)->end, bytes.at, bytes.len);
        (*in)->end += (uint32_t)bytes.len;
        fits = true;
    }
    rw_buf_drop(more);
    return fits;
}

static void join(struct rw_span *to, struct rw_span more)
{
    memmove((char *)to->at + to->len, more.at, more.len);
    to->len += more.len;
}

enum rw_h1_body_event rw_h1_gather(struct rw_h1_body *body, const struct rw_h1_limits *limits,
                                   struct rw_h1_trailers *trailers, struct rw_buf **in,
                                   struct rw_piece *piece)
{
    struct rw_buf *buf = *in;
    struct rw_span bytes = rw_buf_span(buf), data;
    enum rw_h1_body_event event;
    *piece = (struct rw_piece){.buf = rw_buf_hold(buf)};
    while ((event = rw_h1_body_next(body, limits, &bytes, &data, trailers)) == RW_H1_BODY_DATA) {
        if (piece->data.len == 0)
            piece->data = data;
        else
            join(&piece->data, data);
    }
    piece->end = event == RW_H1_BODY_END;
    buf->start = buf->end - (uint32_t)bytes.len;
    if (bytes.len == 0) {
        rw_buf_drop(buf);
        *in = NULL;
    }
    return event;
}

/* ---- Out ---- */

bool rw_h1_make_head(struct rw_h1_sending *sending, struct rw_buf_pool *pool,
                     void (*put)(const void *of, struct rw_h1_out *out), const void *of)
{
    static const size_t rooms[] = {RW_BUF_SMALL_BYTES, RW_BUF_LARGE_BYTES};
    for (int i = 0; i < 2; i++) {
        struct rw_buf *buf = rw_buf_get(pool, rooms[i]);
        if (!buf)
            return false;
        struct rw_h1_out out = {.at = buf->data, .room = buf->room};
        put(of, &out);
        if (!out.overflow) {
            buf->end = (uint32_t)out.len;
            sending->out = buf;
            return true;
        }
        rw_buf_drop(buf);
    }
    return false;
}

static struct iovec part_of(struct rw_span bytes)
{
    return (struct iovec){.iov_base = (char *)bytes.at, .iov_len = bytes.len};
}

/* The line end behind the last chunk's data, the last chunk, the trailers. */
static int add_end(struct iovec *parts, int count, bool after_data, struct rw_span trailers)
{
    if (trailers.len == 0) {
        parts[count++] =
            part_of(after_data ? RW_LITERAL("\r\n0\r\n\r\n") : RW_LITERAL("0\r\n\r\n"));
        return count;
    }
    parts[count++] = part_of(after_data ? RW_LITERAL("\r\n0\r\n") : RW_LITERAL("0\r\n"));
    parts[count++] = part_of(trailers);
    parts[count++] = part_of(RW_LITERAL("\r\n"));
    return count;
}

static int add_piece(struct rw_h1_sending *sending, struct iovec *parts, int count,
                     const struct rw_piece *piece, struct rw_span trailers)
{
    bool data = piece->data.len > 0;
    if (data && piece->buf)
        sending->held = rw_buf_hold(piece->buf);
    if (data && sending->chunked)
        parts[count++] = part_of(
            rw_span(sending->chunk_head, rw_h1_chunk_head(sending->chunk_head, piece->data.len)));
    if (data)
        parts[count++] = part_of(piece->data);
    if (sending->chunked && piece->end)
        return add_end(parts, count, data, trailers);
    if (sending->chunked && data)
        parts[count++] = part_of(RW_LITERAL("\r\n"));
    return count;
}

static int fold(struct rw_h1_sending *sending, struct iovec *parts, int count)
{
    struct rw_buf *out = sending->out;
    size_t total = 0;
    for (int i = 1; i < count; i++)
        total += parts[i].iov_len;
    if (total > COPY_BYTES_MAX || total > rw_buf_space(out))
        return count;
    for (int i = 1; i < count; i++) {
        memcpy(out->data + out->end, parts[i].iov_base, parts[i].iov_len);
        out->end += (uint32_t)parts[i].iov_len;
    }
    parts[0].iov_len += total;
    rw_buf_drop(sending->held);
    sending->held = NULL;
    return 1;
}

int rw_h1_first_parts(struct rw_h1_sending *sending, struct iovec *parts,
                      const struct rw_piece *piece, struct rw_span trailers)
{
    parts[0] = part_of(rw_buf_span(sending->out));
    return fold(sending, parts, add_piece(sending, parts, 1, piece, trailers));
}

int rw_h1_piece_parts(struct rw_h1_sending *sending, struct iovec *parts,
                      const struct rw_piece *piece, struct rw_span trailers)
{
    return add_piece(sending, parts, 0, piece, trailers);
}

void rw_h1_sent(struct rw_h1_sending *sending)
{
    rw_buf_drop(sending->out);
    rw_buf_drop(sending->held);
    sending->out = sending->held = NULL;
}
