/* What a connection sends. Records collect in `out`; flush() hands all of them to the transport at
 * once, and they are `flight` until it says that they are gone. One raw send at a time, so what is
 * made meanwhile waits in `out`. */
#include "io/backend.h"
#include "io/tls_internal.h"

#include <sys/socket.h>

enum {
    RECORD_BYTES = 16 * 1024,  /* of plain text, RFC 8446 section 5.1 */
    RECORD_OVERHEAD_MAX = 128, /* header, IV, padding, tag of any cipher suite, and a KeyUpdate */
};

/* ---- To the transport ---- */

/* The parts of the owner's send that are not encrypted yet, kept where bio_write leaves room. */
static struct rw_parts *rest_of(struct rw_buf *flight)
{
    return (struct rw_parts *)(flight->data + flight->room - sizeof(struct rw_parts));
}

/* Hands `out` to the transport. Nothing may be in flight. */
static enum rw_send flush(struct rw_tls *tls)
{
    struct iovec parts[RW_TLS_OUT_BUFFERS_MAX];
    int count = 0;
    for (struct rw_buf *buf = tls->out; buf; buf = buf->next)
        parts[count++] = (struct iovec){buf->data + buf->start, buf->end - buf->start};
    if (count == 0)
        return RW_SEND_DONE;
    struct rw_buf *sent = tls->out;
    tls->out = tls->out_last = NULL;
    tls->out_count = 0;
    enum rw_send result = rw_stream_raw_send(tls->stream, parts, count);
    if (result == RW_SEND_PENDING)
        tls->flight = sent;
    else
        rw_tls_drop_buffers(&sent);
    return result;
}

bool rw_tls_flush_if_free(struct rw_tls *tls)
{
    return tls->flight || !tls->out || flush(tls) != RW_SEND_FAILED;
}

void rw_tls_flush_at_once(struct rw_tls *tls)
{
    int fd = rw_stream_fd(tls->stream);
    struct rw_buf *buf = tls->out;
    if (tls->flight || !buf)
        return;
    if (fd < 0) {
        (void)rw_tls_flush_if_free(tls);
        return;
    }
    ssize_t sent =
        send(fd, buf->data + buf->start, buf->end - buf->start, MSG_DONTWAIT | MSG_NOSIGNAL);
    (void)sent;
    rw_tls_drop_buffers(&tls->out);
    tls->out_last = NULL;
    tls->out_count = 0;
}

/* ---- Records ---- */

void rw_tls_skip_parts(struct rw_parts *rest, size_t bytes)
{
    int gone = 0;
    while (gone < rest->count && bytes >= rest->parts[gone].iov_len)
        bytes -= rest->parts[gone++].iov_len;
    rest->count -= gone;
    memmove(rest->parts, rest->parts + gone, (size_t)rest->count * sizeof(rest->parts[0]));
    if (rest->count) {
        rest->parts[0].iov_base = (char *)rest->parts[0].iov_base + bytes;
        rest->parts[0].iov_len -= bytes;
    }
}

/* The next record's plain text, at most `room` bytes: where it lies, or small parts put together.
 */
static struct rw_span next_record(const struct rw_parts *rest, size_t room)
{
    static _Thread_local char scratch[RECORD_BYTES];
    const struct iovec *first = &rest->parts[0];
    if (rest->count == 1 || first->iov_len >= room)
        return rw_span(first->iov_base, first->iov_len < room ? first->iov_len : room);
    size_t len = 0;
    for (int i = 0; i < rest->count && len < room; i++) {
        size_t take = rest->parts[i].iov_len;
        take = take < room - len ? take : room - len;
        memcpy(scratch + len, rest->parts[i].iov_base, take);
        len += take;
    }
    return rw_span(scratch, len);
}

/* libssl itself would go on with the first key for ever. TLS 1.2 has no other one. */
static void change_key(struct rw_tls *tls)
{
    tls->sealed = 0;
    if (SSL_version(tls->ssl) == TLS1_3_VERSION)
        (void)SSL_key_update(tls->ssl, SSL_KEY_UPDATE_NOT_REQUESTED);
}

/* Encrypts as much as one large buffer holds into `out`. */
static bool encrypt(struct rw_tls *tls, struct rw_parts *rest)
{
    size_t room = RW_BUF_LARGE_BYTES - sizeof(struct rw_parts);
    rw_tls_begin(tls);
    if (!tls->ssl)
        return rw_tls_seal_data(tls, rest);
    if (tls->flags & RW_TLS_TICKET_DUE)
        rw_tls_ask_for_tickets(tls);
    while (rest->count && room > RECORD_OVERHEAD_MAX) {
        size_t most = room - RECORD_OVERHEAD_MAX;
        struct rw_span text = next_record(rest, most < RECORD_BYTES ? most : RECORD_BYTES);
        size_t done;
        if (++tls->sealed >= rw_tls_records_max)
            change_key(tls);
        if (SSL_write_ex(tls->ssl, text.at, text.len, &done) != 1)
            return false;
        rw_tls_skip_parts(rest, done);
        room -= done + RECORD_OVERHEAD_MAX < room ? done + RECORD_OVERHEAD_MAX : room;
    }
    return true;
}

/* Sends what is left of `rest`; keeps what has to wait. */
static enum rw_send push(struct rw_tls *tls, struct rw_parts *rest)
{
    while (!tls->flight && (rest->count || tls->out)) {
        if (rest->count && !encrypt(tls, rest)) {
            (void)rw_tls_note_failure(tls);
            return RW_SEND_FAILED;
        }
        if (flush(tls) == RW_SEND_FAILED) {
            tls->flags |= RW_TLS_NOTIFIED;
            return RW_SEND_FAILED;
        }
    }
    if (tls->ssl && !(tls->flags & RW_TLS_RUNNING))
        SSL_free_buffers(tls->ssl);
    if (!tls->flight)
        return RW_SEND_DONE;
    if (rest->count) {
        memcpy(rest_of(tls->flight), rest, sizeof(*rest));
        tls->flags |= RW_TLS_REST;
    }
    return RW_SEND_PENDING;
}

enum rw_send rw_tls_hook_send(struct rw_stream *stream, const struct iovec *parts, int count)
{
    struct rw_tls *tls = stream->tls;
    rw_assert(!(tls->flags & RW_TLS_SENDING));
    rw_assert(count > 0 && count <= RW_SEND_PARTS_MAX);
    if (!(tls->flags & RW_TLS_OPEN) || tls->flags & (RW_TLS_FAILED | RW_TLS_NOTIFIED))
        return RW_SEND_FAILED;
    struct rw_parts rest;
    rw_parts_set(&rest, parts, count, 0);
    enum rw_send result = push(tls, &rest);
    if (result == RW_SEND_PENDING)
        tls->flags |= RW_TLS_SENDING;
    return result;
}

/* Nothing is in flight any more, or the transport failed: the owner's send is over. */
static void finish_send(struct rw_tls *tls, enum rw_err err)
{
    if (err)
        tls->flags |= RW_TLS_NOTIFIED;
    if (tls->flags & RW_TLS_SENDING) {
        tls->flags &= ~(uint32_t)(RW_TLS_SENDING | RW_TLS_REST);
        tls->stream->events->on_sent(tls->stream, err);
    } else if (err) {
        rw_tls_tell_end(tls, err);
    }
    if (!err && tls->flags & RW_TLS_SHUTDOWN && !tls->flight) {
        tls->flags &= ~(uint32_t)RW_TLS_SHUTDOWN;
        rw_stream_raw_shutdown(tls->stream);
    }
}

void rw_tls_hook_sent(struct rw_stream *stream, enum rw_err err)
{
    struct rw_tls *tls = stream->tls;
    struct rw_parts rest = {.count = 0};
    if (tls->flags & RW_TLS_REST)
        memcpy(&rest, rest_of(tls->flight), sizeof(rest));
    tls->flags &= ~(uint32_t)RW_TLS_REST;
    rw_tls_drop_buffers(&tls->flight);
    if (tls->flags & RW_TLS_FAILED)
        rest.count = 0; /* nothing comes behind a fatal alert */
    if (!err) {
        enum rw_send result = push(tls, &rest);
        if (result == RW_SEND_PENDING)
            return;
        if (tls->flags & RW_TLS_FAILED)
            err = tls->failure;
        else if (result == RW_SEND_FAILED)
            err = RW_ERESET;
    }
    finish_send(tls, err);
}

/* ---- The end of sending ---- */

/* Puts close_notify into `out`, unless there is no point. */
static void notify(struct rw_tls *tls)
{
    if (!(tls->flags & RW_TLS_OPEN) || tls->flags & (RW_TLS_FAILED | RW_TLS_NOTIFIED))
        return;
    tls->flags |= RW_TLS_NOTIFIED;
    rw_tls_begin(tls);
    if (tls->ssl)
        (void)SSL_shutdown(tls->ssl);
    else
        rw_tls_seal_close(tls);
}

void rw_tls_hook_shutdown(struct rw_stream *stream)
{
    struct rw_tls *tls = stream->tls;
    rw_assert(!(tls->flags & RW_TLS_SENDING));
    notify(tls);
    (void)rw_tls_flush_if_free(tls);
    if (tls->flight)
        tls->flags |= RW_TLS_SHUTDOWN;
    else
        rw_stream_raw_shutdown(stream);
}

/* Whether a FIN waits behind the peer's close_notify: then nobody reads ours, it would only bring a
 * reset. */
static bool peer_is_gone(const struct rw_tls *tls)
{
    char byte;
    int fd = rw_stream_fd(tls->stream);
    if (tls->flags & RW_TLS_RAW_END)
        return true;
    return fd >= 0 && tls->flags & RW_TLS_PEER_ENDED &&
           recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

void rw_tls_hook_close(struct rw_stream *stream)
{
    struct rw_tls *tls = stream->tls;
    if (tls->flight || !(tls->flags & RW_TLS_OPEN) || peer_is_gone(tls))
        return;
    notify(tls);
    rw_tls_flush_at_once(tls);
}
