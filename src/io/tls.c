#include "io/tls.h"

#include "base/alloc.h"
#include "base/log.h"
#include "io/backend.h"
#include "io/tls_internal.h"

#include <openssl/err.h>
#include <string.h>

/* A connection: how it starts and ends, and what is received. Bytes come in by rw_tls_hook_data,
 * wait in `in`, and are decrypted while the owner receives. */

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

/* ---- Failures ---- */

void rw_tls_begin(struct rw_tls *tls)
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
        if (!(tls->flags & RW_TLS_OPEN))
            tls->reason = tls->flags & RW_TLS_CLIENT ? "the peer answers without TLS"
                                                     : "what the client sends is no TLS";
        return RW_ETLS;
    default:
        return RW_ETLS;
    }
}

enum rw_err rw_tls_note_failure(struct rw_tls *tls)
{
    enum rw_err err = tls->ssl ? classify(tls) : RW_ETLS;
    if (tls->flags & RW_TLS_OUT_OF_MEMORY)
        err = RW_ENOMEM;
    ERR_clear_error();
    tls->failure = err;
    tls->flags |= RW_TLS_FAILED | RW_TLS_NOTIFIED;
    rw_tls_flush_at_once(tls);
    /* Of a handshake that failed on_open tells, whose owner knows with whom it was. */
    if (tls->flags & RW_TLS_OPEN)
        rw_log_limited(RW_LOG_INFO, "tls", "connection %s%s broken: %s (%s)",
                       tls->flags & RW_TLS_CLIENT ? "to " : "from a client",
                       tls->flags & RW_TLS_CLIENT && tls->name ? tls->name : "", rw_err_text(err),
                       rw_tls_error_text(tls->stream));
    return err;
}

void rw_tls_tell_end(struct rw_tls *tls, enum rw_err err)
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

void rw_tls_ask_for_tickets(struct rw_tls *tls)
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
    rw_tls_begin(tls);
    rw_tls_ask_for_tickets(tls);
    int result = SSL_do_handshake(tls->ssl);
    if (result != 1 && SSL_get_error(tls->ssl, result) != SSL_ERROR_WANT_READ) {
        rw_tls_tell_end(tls, rw_tls_note_failure(tls));
        return false;
    }
    if (!rw_tls_flush_if_free(tls)) {
        rw_tls_tell_end(tls, RW_ERESET);
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
    rw_tls_begin(tls);
    int result = SSL_do_handshake(tls->ssl);
    if (result != 1 && SSL_get_error(tls->ssl, result) != SSL_ERROR_WANT_READ) {
        rw_tls_tell_end(tls, rw_tls_note_failure(tls));
        return false;
    }
    if (!rw_tls_flush_if_free(tls)) {
        rw_tls_tell_end(tls, RW_ERESET);
        return false;
    }
    if (result != 1) {
        if (tls->flags & RW_TLS_RAW_END)
            rw_tls_tell_end(tls, RW_ECLOSED);
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
    rw_tls_begin(tls);
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
    enum rw_err err = outcome == RW_TLS_BROKEN ? rw_tls_note_failure(tls) : RW_OK;
    if (outcome != RW_TLS_BROKEN && !rw_tls_flush_if_free(tls)) {
        outcome = RW_TLS_BROKEN;
        err = RW_ERESET;
    }
    if (buf->end > buf->start)
        stream->events->on_data(stream, buf);
    else
        rw_buf_drop(buf);
    if (outcome == RW_TLS_BROKEN)
        rw_tls_tell_end(tls, err);
    else if (outcome == RW_TLS_ENDED && wants_data(tls))
        rw_tls_tell_end(tls, RW_OK);
    else if (outcome == RW_TLS_DRY && tls->flags & RW_TLS_RAW_END && wants_data(tls))
        rw_tls_tell_end(tls, RW_ECLOSED);
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
        rw_tls_tell_end(tls, err);
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
        rw_tls_tell_end(tls, err);
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
