/* Frames to bytes: a queue of buffers, written at one end and sent from the other. */
#include "http/h2_engine.h"

void rw_h2_ask(struct rw_h2 *h2)
{
    if (h2->asked)
        return;
    h2->asked = true;
    h2->events->on_output(h2);
}

/* ---- In ---- */

char *rw_h2_reserve(struct rw_h2 *h2, size_t bytes)
{
    struct rw_buf *last = h2->out_last;
    if (last && rw_buf_space(last) >= bytes)
        return last->data + last->end;
    if (bytes > RW_BUF_LARGE_BYTES)
        return NULL;
    /* A second buffer means that there is much to send. */
    struct rw_buf *buf = bytes > RW_BUF_SMALL_BYTES ? rw_buf_get(h2->buffers, bytes)
                                                    : rw_buf_get_for(h2->buffers, last != NULL);
    if (!buf)
        return NULL;
    if (last)
        last->next = buf;
    else
        h2->out_first = buf;
    h2->out_last = buf;
    return buf->data;
}

void rw_h2_commit(struct rw_h2 *h2, size_t bytes)
{
    h2->out_last->end += (uint32_t)bytes;
    h2->out_bytes += (uint32_t)bytes;
    rw_h2_ask(h2);
}

void rw_h2_put_frame(struct rw_h2 *h2, enum rw_h2_frame_type type, unsigned flags, uint32_t id,
                     struct rw_span payload)
{
    char *at = rw_h2_reserve(h2, RW_H2_FRAME_HEAD_BYTES + payload.len);
    if (!at) {
        rw_h2_fail_memory(h2);
        return;
    }
    at = rw_h2_frame_write(at, payload.len, type, flags, id);
    if (payload.len)
        memcpy(at, payload.at, payload.len);
    rw_h2_commit(h2, RW_H2_FRAME_HEAD_BYTES + payload.len);
}

void rw_h2_put_number(struct rw_h2 *h2, enum rw_h2_frame_type type, uint32_t id, uint32_t number)
{
    char bytes[4];
    rw_h2_write32(bytes, number);
    rw_h2_put_frame(h2, type, 0, id, rw_span(bytes, sizeof(bytes)));
}

void rw_h2_put_goaway(struct rw_h2 *h2, uint32_t last_id, enum rw_h2_code code, const char *text)
{
    size_t text_bytes = strlen(text), bytes = RW_H2_FRAME_HEAD_BYTES + 8 + text_bytes;
    char *at = rw_h2_reserve(h2, bytes);
    if (!at) {
        rw_h2_fail_memory(h2);
        return;
    }
    at = rw_h2_frame_write(at, 8 + text_bytes, RW_H2_GOAWAY, 0, 0);
    at = rw_h2_write32(rw_h2_write32(at, last_id), code);
    memcpy(at, text, text_bytes);
    rw_h2_commit(h2, bytes);
}

/* ---- Out ---- */

bool rw_h2_has_output(const struct rw_h2 *h2)
{
    return h2->out_bytes > 0;
}

int rw_h2_output(struct rw_h2 *h2, struct iovec *parts, int room)
{
    int count = 0;
    rw_assert(!h2->sending_last);
    for (struct rw_buf *buf = h2->out_first; buf && count < room; buf = buf->next) {
        if (buf->start == buf->end)
            continue;
        parts[count++] = (struct iovec){buf->data + buf->start, buf->end - buf->start};
        h2->sending_last = buf;
        h2->sending_end = buf->end;
    }
    return count;
}

/* The first buffer up to `end`; it goes when nothing of it is left. */
static void sent(struct rw_h2 *h2, uint32_t end)
{
    struct rw_buf *buf = h2->out_first;
    h2->out_bytes -= end - buf->start;
    buf->start = end;
    if (buf->start < buf->end)
        return;
    h2->out_first = buf->next;
    if (!h2->out_first)
        h2->out_last = NULL;
    rw_buf_drop(buf);
}

void rw_h2_output_sent(struct rw_h2 *h2)
{
    struct rw_buf *last = h2->sending_last;
    if (!last)
        return;
    h2->sending_last = NULL;
    while (h2->out_first != last)
        sent(h2, h2->out_first->end);
    sent(h2, h2->sending_end);
    h2->no_memory = false;
    rw_h2_turn(h2);
}

void rw_h2_wake(struct rw_h2 *h2)
{
    h2->asked = false;
    rw_h2_turn(h2);
}

void rw_h2_turn(struct rw_h2 *h2)
{
    if (h2->busy) /* whoever is does it at its end */
        return;
    h2->busy = true;
    rw_h2_tell_woken(h2);
    rw_h2_serve(h2);
    rw_h2_tell_error(h2);
    h2->busy = false;
    rw_h2_sweep(h2);
}

void rw_h2_output_free(struct rw_h2 *h2)
{
    for (struct rw_buf *buf = h2->out_first, *next; buf; buf = next) {
        next = buf->next;
        rw_buf_drop(buf);
    }
    h2->out_first = h2->out_last = h2->sending_last = NULL;
    h2->out_bytes = 0;
}
