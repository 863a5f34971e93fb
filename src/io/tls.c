#include "io/tls.h"

#include "base/alloc.h"
#include "base/log.h"
#include "io/backend.h"
#include "io/tls_internal.h"

#include <openssl/err.h>
#include <string.h>

/* A connection. Bytes come in by rw_tls_hook_data, wait in `in`, and are decrypted while the owner
 * receives. Records to send collect in `out`; flush() hands all of them to the transport at once,
 * and they are `flight` until it says that they are gone. One raw send at a time, so what is made
 * meanwhile waits in `out`. */

enum {
    RECORD_BYTES = 16 * 1024,  /* of plain text, RFC 8446 section 5.1 */
    RECORD_OVERHEAD_MAX = 128, /* header, IV, padding, tag of any cipher suite, and a KeyUpdate */
};

/* ---- Start and end ---- */

uint32_t rw_tls_settle_ms = RW_TLS_SETTLE_MS;

static pthread_once_t once = PTHREAD_ONCE_INIT;
static enum rw_err init_result;

static void init_once(void)
{
    uint64_t options = OPENSSL_INIT_LOAD_SSL_STRINGS | OPENSSL_INIT_LOAD_CRYPTO_STRINGS;
    init_result = OPENSSL_init_ssl(options, NULL) == 1 ? RW_OK : RW_ENOMEM;
    if (!init_result)
        init_result = rw_tls_bio_init();
    if (!init_result)
        init_result = rw_tls_ticket_init();
    if (!init_result)
        init_result = rw_tls_library_init();
    if (!init_result)
        init_result = rw_tls_record_init();
    ERR_clear_error();
}

enum rw_err rw_tls_init(void)
{
    return pthread_once(&once, init_once) ? RW_ENOMEM : init_result;
}

static void free_tls(struct rw_tls *tls)
{
    rw_timer_stop(tls->stream->loop, &tls->settled);
    rw_tls_current = tls;
    /* Else OpenSSL takes a lock to make the session unfit for resumption. */
    if (tls->ssl)
        SSL_set_shutdown(tls->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    SSL_free(tls->ssl);
    rw_tls_current = NULL;
    rw_tls_records_free(tls->records);
    rw_tls_drop_buffers(&tls->in);
    rw_tls_drop_buffers(&tls->out);
    rw_tls_drop_buffers(&tls->flight);
    rw_free(tls->name);
    rw_free(tls->complaint);
    if (tls->flags & RW_TLS_CLIENT)
        rw_tls_client_drop(tls->of.client);
    else
        rw_tls_server_drop(tls->of.server);
    rw_free(tls);
}

static void settled(struct rw_timer *timer);

static struct rw_tls *new_tls(struct rw_stream *stream, SSL_CTX *context)
{
    struct rw_tls *tls = rw_alloc_zero(sizeof(*tls));
    if (!tls)
        return NULL;
    tls->stream = stream;
    tls->settled.fire = settled;
    tls->verify_error = X509_V_OK;
    BIO *bio = rw_tls_bio();
    tls->ssl = bio ? SSL_new(context) : NULL;
    if (!tls->ssl) {
        BIO_free(bio);
        rw_free(tls);
        ERR_clear_error();
        return NULL;
    }
    SSL_set_bio(tls->ssl, bio, bio);
    return tls;
}

enum rw_err rw_tls_start_server(struct rw_stream *stream, struct rw_tls_server *server)
{
    struct rw_tls *tls = new_tls(stream, server->usual->ssl);
    if (!tls)
        return RW_ENOMEM;
    tls->of.server = rw_tls_server_hold(server);
    SSL_set_accept_state(tls->ssl);
    stream->tls = tls;
    rw_stream_raw_receive(stream, true, false);
    return RW_OK;
}

/* Leaves with the first flight, in front of it. */
static bool put_preface(struct rw_tls *tls, struct rw_span preface)
{
    struct rw_buf *buf = preface.len ? rw_tls_out(tls, preface.len) : NULL;
    if (!buf)
        return preface.len == 0;
    memcpy(buf->data + buf->end, preface.at, preface.len);
    buf->end += (uint32_t)preface.len;
    return true;
}

enum rw_err rw_tls_start_client(struct rw_stream *stream, struct rw_tls_client *client,
                                const char *name, struct rw_span preface)
{
    struct rw_tls *tls = new_tls(stream, client->ssl);
    if (!tls)
        return RW_ENOMEM;
    tls->of.client = rw_tls_client_hold(client);
    tls->flags |= RW_TLS_CLIENT;
    SSL_set_connect_state(tls->ssl);
    enum rw_err err = put_preface(tls, preface) ? rw_tls_client_prepare(tls, name) : RW_ENOMEM;
    if (err)
        free_tls(tls);
    else
        stream->tls = tls;
    return err;
}

void rw_tls_hook_closed(struct rw_stream *stream)
{
    free_tls(stream->tls);
    stream->tls = NULL;
}

/* ---- Sending records ---- */

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

/* For records that nobody waits for, as those of the handshake. False: the connection is broken. */
static bool flush_if_free(struct rw_tls *tls)
{
    return tls->flight || !tls->out || flush(tls) != RW_SEND_FAILED;
}

/* The last record of a connection about to be closed: whatever does not leave at once never does.
 */
static void flush_at_once(struct rw_tls *tls)
{
    int fd = rw_stream_fd(tls->stream);
    struct rw_buf *buf = tls->out;
    if (tls->flight || !buf)
        return;
    if (fd < 0) {
        (void)flush_if_free(tls);
        return;
    }
    ssize_t sent =
        send(fd, buf->data + buf->start, buf->end - buf->start, MSG_DONTWAIT | MSG_NOSIGNAL);
    (void)sent;
    rw_tls_drop_buffers(&tls->out);
    tls->out_last = NULL;
    tls->out_count = 0;
}

/* ---- Failures ---- */

/* What other code on this thread left behind would be taken for ours. */
static void begin(struct rw_tls *tls)
{
    rw_tls_current = tls;
    if (ERR_peek_error())
        ERR_clear_error();
}

/* What OpenSSL's latest error amounts to. */
static enum rw_err classify(struct rw_tls *tls)
{
    unsigned long error = ERR_peek_last_error();
    tls->reason = ERR_reason_error_string(error);
    switch (ERR_GET_REASON(error)) {
    case ERR_R_MALLOC_FAILURE:
        return RW_ENOMEM;
    case SSL_R_CERTIFICATE_VERIFY_FAILED:
        tls->verify_error = (int)SSL_get_verify_result(tls->ssl);
        return RW_EVERIFY;
    case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE:
        return RW_EVERIFY;
    case SSL_R_WRONG_VERSION_NUMBER:
    case SSL_R_HTTP_REQUEST:
        /* What OpenSSL says of bytes that are no record. */
        if (tls->flags & RW_TLS_CLIENT && !(tls->flags & RW_TLS_OPEN))
            tls->reason = "the peer answers without TLS";
        return RW_ETLS;
    default:
        return RW_ETLS;
    }
}

/* Notes why, and sends the alert that has been made. */
static enum rw_err note_failure(struct rw_tls *tls)
{
    enum rw_err err = tls->ssl ? classify(tls) : RW_ETLS;
    if (tls->flags & RW_TLS_OUT_OF_MEMORY)
        err = RW_ENOMEM;
    ERR_clear_error();
    tls->failure = err;
    tls->flags |= RW_TLS_FAILED | RW_TLS_NOTIFIED;
    flush_at_once(tls);
    rw_log_limited(RW_LOG_INFO, "tls", "connection %s%s %s: %s (%s)",
                   tls->flags & RW_TLS_CLIENT ? "to " : "from a client",
                   tls->flags & RW_TLS_CLIENT && tls->name ? tls->name : "",
                   tls->flags & RW_TLS_OPEN ? "broken" : "not made", rw_err_text(err),
                   rw_tls_error_text(tls->stream));
    return err;
}

/* From the loop: tells the owner, once. */
static void tell_end(struct rw_tls *tls, enum rw_err err)
{
    struct rw_stream *stream = tls->stream;
    if (tls->flags & RW_TLS_END_TOLD || rw_stream_closing(stream))
        return;
    tls->flags |= RW_TLS_END_TOLD;
    rw_tls_drop_buffers(&tls->in);
    if (!(tls->flags & RW_TLS_RAW_END))
        rw_stream_raw_receive(stream, false, false);
    if (tls->flags & RW_TLS_OPEN)
        stream->events->on_end(stream, err);
    else
        stream->events->on_open(stream, err);
}

/* ---- From libssl to our own records ---- */

static void settle_later(struct rw_tls *tls, uint32_t ms)
{
    struct rw_loop *loop = tls->stream->loop;
    rw_timer_start(loop, &tls->settled, rw_loop_now_ms(loop) + ms);
}

static void ask_for_tickets(struct rw_tls *tls)
{
    tls->flags &= ~(uint32_t)RW_TLS_TICKET_DUE;
    /* One replaces the one that was used. */
    uint32_t count = SSL_session_reused(tls->ssl) ? 1 : tls->of.server->ticket_count;
    while (count--)
        (void)SSL_new_session_ticket(tls->ssl);
}

/* False: the connection is broken, and that has been told. */
static bool send_tickets(struct rw_tls *tls)
{
    begin(tls);
    ask_for_tickets(tls);
    int result = SSL_do_handshake(tls->ssl);
    if (result != 1 && SSL_get_error(tls->ssl, result) != SSL_ERROR_WANT_READ) {
        tell_end(tls, note_failure(tls));
        return false;
    }
    if (!flush_if_free(tls)) {
        tell_end(tls, RW_ERESET);
        return false;
    }
    return true;
}

/* The connection was no short visit. One that has not been sent anything gets its ticket now. */
static void settled(struct rw_timer *timer)
{
    struct rw_tls *tls = rw_container_of(timer, struct rw_tls, settled);
    if (rw_stream_closing(tls->stream) ||
        tls->flags & (RW_TLS_FAILED | RW_TLS_NOTIFIED | RW_TLS_RAW_END | RW_TLS_END_TOLD |
                      RW_TLS_PEER_ENDED | RW_TLS_KEYS_MOVED))
        return;
    if (tls->flags & RW_TLS_TICKET_DUE && !tls->flight && !send_tickets(tls))
        return;
    if (!(tls->flags & RW_TLS_TICKET_DUE) && rw_tls_can_take_over(tls))
        rw_tls_take_over(tls);
    if (tls->ssl)
        settle_later(tls, RW_TLS_SETTLE_MS);
    ERR_clear_error();
}

/* ---- The handshake ---- */

static void note_open(struct rw_tls *tls)
{
    tls->flags |= RW_TLS_OPEN;
    if (!(tls->flags & RW_TLS_CLIENT) && tls->of.server->ticket_keys &&
        tls->flags & RW_TLS_TICKET_ASKED && SSL_version(tls->ssl) == TLS1_3_VERSION)
        tls->flags |= RW_TLS_TICKET_DUE;
    if (rw_tls_has_secrets(tls)) {
        tls->flags |= RW_TLS_COUNTED;
        settle_later(tls, rw_tls_settle_ms);
    }
}

/* True when it is through, and the owner wants to go on. */
static bool handshake(struct rw_tls *tls)
{
    struct rw_stream *stream = tls->stream;
    begin(tls);
    int result = SSL_do_handshake(tls->ssl);
    if (result != 1 && SSL_get_error(tls->ssl, result) != SSL_ERROR_WANT_READ) {
        tell_end(tls, note_failure(tls));
        return false;
    }
    if (!flush_if_free(tls)) {
        tell_end(tls, RW_ERESET);
        return false;
    }
    if (result != 1) {
        if (tls->flags & RW_TLS_RAW_END)
            tell_end(tls, RW_ECLOSED);
        return false;
    }
    note_open(tls);
    stream->events->on_open(stream, RW_OK);
    if (rw_stream_closing(stream))
        return false;
    if (!(tls->flags & (RW_TLS_WANTED | RW_TLS_RAW_END)))
        rw_stream_raw_receive(stream, false, false);
    return true;
}

/* ---- Receiving ---- */

static bool wants_data(const struct rw_tls *tls)
{
    return (tls->flags & (RW_TLS_OPEN | RW_TLS_WANTED | RW_TLS_END_TOLD)) ==
               (RW_TLS_OPEN | RW_TLS_WANTED) &&
           !rw_stream_closing(tls->stream);
}

/* Decrypts into `buf` until it is full or there is nothing more. */
static enum rw_tls_outcome fill(struct rw_tls *tls, struct rw_buf *buf)
{
    if (tls->flags & RW_TLS_PEER_ENDED)
        return RW_TLS_ENDED;
    begin(tls);
    if (!tls->ssl)
        return rw_tls_open_data(tls, buf);
    while (rw_buf_space(buf)) {
        size_t got;
        int result = SSL_read_ex(tls->ssl, buf->data + buf->end, rw_buf_space(buf), &got);
        if (result == 1) {
            buf->end += (uint32_t)got;
            continue;
        }
        switch (SSL_get_error(tls->ssl, result)) {
        case SSL_ERROR_WANT_READ:
            return RW_TLS_DRY;
        case SSL_ERROR_ZERO_RETURN:
            return RW_TLS_ENDED;
        default:
            return RW_TLS_BROKEN;
        }
    }
    return RW_TLS_FULL;
}

/* Data goes before what ended it: the owner sees all that came before a bad record. */
static bool receive_some(struct rw_tls *tls, struct rw_buf *buf)
{
    struct rw_stream *stream = tls->stream;
    enum rw_tls_outcome outcome = fill(tls, buf);
    if (outcome == RW_TLS_ENDED)
        tls->flags |= RW_TLS_PEER_ENDED;
    enum rw_err err = outcome == RW_TLS_BROKEN ? note_failure(tls) : RW_OK;
    if (outcome != RW_TLS_BROKEN && !flush_if_free(tls)) {
        outcome = RW_TLS_BROKEN;
        err = RW_ERESET;
    }
    if (buf->end > buf->start)
        stream->events->on_data(stream, buf);
    else
        rw_buf_drop(buf);
    if (outcome == RW_TLS_BROKEN)
        tell_end(tls, err);
    else if (outcome == RW_TLS_ENDED && wants_data(tls))
        tell_end(tls, RW_OK);
    else if (outcome == RW_TLS_DRY && tls->flags & RW_TLS_RAW_END && wants_data(tls))
        tell_end(tls, RW_ECLOSED);
    return outcome == RW_TLS_FULL;
}

static void receive(struct rw_tls *tls)
{
    struct rw_stream *stream = tls->stream;
    bool more = true;
    while (more && wants_data(tls)) {
        size_t room = tls->flags & RW_TLS_LARGE ? RW_BUF_LARGE_BYTES : RW_BUF_SMALL_BYTES;
        struct rw_buf *buf = rw_buf_get(&stream->loop->buffers, room);
        if (!buf) {
            stream->flags |= RW_STREAM_TLS_READY;
            rw_loop_stream_starved(stream);
            return;
        }
        more = receive_some(tls, buf);
    }
}

static void run(struct rw_tls *tls)
{
    if (tls->flags & (RW_TLS_FAILED | RW_TLS_END_TOLD))
        return;
    tls->flags |= RW_TLS_RUNNING;
    if (tls->flags & RW_TLS_OPEN || handshake(tls))
        receive(tls);
    tls->flags &= ~(uint32_t)RW_TLS_RUNNING;
    /* Nothing is kept while nothing happens. (The mode SSL_MODE_RELEASE_BUFFERS would free after
     * each record.) */
    if (tls->ssl)
        SSL_free_buffers(tls->ssl);
}

void rw_tls_hook_opened(struct rw_stream *stream, enum rw_err err)
{
    struct rw_tls *tls = stream->tls;
    if (err) {
        tell_end(tls, err);
        return;
    }
    rw_stream_raw_receive(stream, true, false);
    run(tls);
}

void rw_tls_hook_data(struct rw_stream *stream, struct rw_buf *buf)
{
    struct rw_tls *tls = stream->tls;
    if (tls->flags & (RW_TLS_FAILED | RW_TLS_END_TOLD)) {
        rw_buf_drop(buf);
        return;
    }
    if (!tls->in) {
        tls->in = tls->in_last = buf;
    } else if (!rw_tls_gather(tls, buf)) {
        tls->in_last->next = buf;
        tls->in_last = buf;
    }
    run(tls);
}

void rw_tls_hook_end(struct rw_stream *stream, enum rw_err err)
{
    struct rw_tls *tls = stream->tls;
    tls->flags |= RW_TLS_RAW_END;
    if (err)
        tell_end(tls, err);
    else
        run(tls);
}

void rw_tls_hook_ready(struct rw_stream *stream)
{
    run(stream->tls);
}

void rw_tls_hook_receive(struct rw_stream *stream, bool on, bool large)
{
    struct rw_tls *tls = stream->tls;
    tls->flags &= ~(uint32_t)(RW_TLS_WANTED | RW_TLS_LARGE);
    tls->flags |= (on ? RW_TLS_WANTED : 0) | (large ? RW_TLS_LARGE : 0);
    if (!(tls->flags & RW_TLS_OPEN) || tls->flags & (RW_TLS_END_TOLD | RW_TLS_FAILED))
        return;
    if (!(tls->flags & RW_TLS_RAW_END))
        rw_stream_raw_receive(stream, on, large);
    if (on && !(tls->flags & RW_TLS_RUNNING) &&
        (tls->in || tls->flags & (RW_TLS_RAW_END | RW_TLS_PEER_ENDED) ||
         (tls->ssl && SSL_has_pending(tls->ssl))))
        rw_stream_raw_ready(stream);
}

/* ---- Sending ---- */

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
    begin(tls);
    if (!tls->ssl)
        return rw_tls_seal_data(tls, rest);
    if (tls->flags & RW_TLS_TICKET_DUE)
        ask_for_tickets(tls);
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
            (void)note_failure(tls);
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
        tell_end(tls, err);
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
    begin(tls);
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
    (void)flush_if_free(tls);
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
    flush_at_once(tls);
}
