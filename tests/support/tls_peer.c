#include "support/tls_peer.h"

#include "io/tls_internal.h"
#include "support/tls_pair.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- The server's side ---- */

static struct peer *peer_of(struct rw_stream *stream)
{
    return rw_container_of(stream, struct peer, stream);
}

static void on_open(struct rw_stream *stream, enum rw_err err)
{
    struct peer *peer = peer_of(stream);
    peer->open_err = err;
    peer->opened = !err;
    if (err)
        peer->ended = true;
    else
        rw_stream_receive(stream, true, false);
}

static void on_data(struct rw_stream *stream, struct rw_buf *buf)
{
    struct peer *peer = peer_of(stream);
    struct rw_span bytes = rw_buf_span(buf);
    rw_assert(bytes.len > 0 && !peer->ended);
    if (peer->received + bytes.len <= PEER_BYTES_MAX)
        memcpy(peer->text + peer->received, bytes.at, bytes.len);
    peer->received += bytes.len;
    rw_buf_drop(buf);
    if (peer->stops_at && peer->received >= peer->stops_at)
        rw_stream_receive(stream, false, false);
}

static void on_end(struct rw_stream *stream, enum rw_err err)
{
    struct peer *peer = peer_of(stream);
    rw_assert(!peer->ended);
    peer->ended = true;
    peer->end_err = err;
}

static void on_sent(struct rw_stream *stream, enum rw_err err)
{
    struct peer *peer = peer_of(stream);
    rw_assert(peer->sending);
    peer->sending = false;
    peer->sents++;
    peer->sent_err = err;
}

static void on_closed(struct rw_stream *stream)
{
    peer_of(stream)->live = false;
}

static const struct rw_stream_events events = {
    .on_open = on_open,
    .on_data = on_data,
    .on_end = on_end,
    .on_sent = on_sent,
    .on_closed = on_closed,
};

enum rw_send peer_server_send(struct peer *peer, const void *from, size_t bytes)
{
    struct iovec part = {(void *)(uintptr_t)from, bytes};
    enum rw_send result = rw_stream_send(&peer->stream, &part, 1);
    peer->sending = result == RW_SEND_PENDING;
    return result;
}

bool peer_taken(const struct peer *peer)
{
    return peer->live && !peer->stream.tls->ssl;
}

void peer_turn(struct peer *peer, int turns)
{
    for (int i = 0; i < turns; i++)
        rw_loop_turn(peer->loop, 0);
}

bool peer_wait_taken(struct peer *peer)
{
    for (int i = 0; i < 3000 && peer->live && !peer->ended && !peer_taken(peer); i++)
        rw_loop_turn(peer->loop, 1);
    return peer_taken(peer);
}

/* ---- The client ---- */

static void note_secrets(const SSL *ssl, const char *line)
{
    struct peer *peer = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
    bool clients = strncmp(line, "CLIENT_TRAFFIC_SECRET_0 ", 24) == 0;
    if (!clients && strncmp(line, "SERVER_TRAFFIC_SECRET_0 ", 24) != 0)
        return;
    unsigned char secret[48] = {0};
    const char *digits = strrchr(line, ' ') + 1;
    for (size_t i = 0; i < sizeof(secret) && digits[2 * i]; i++) {
        char two[3] = {digits[2 * i], digits[2 * i + 1], 0};
        secret[i] = (unsigned char)strtoul(two, NULL, 16);
    }
    unsigned cipher = SSL_CIPHER_get_protocol_id(SSL_get_current_cipher(ssl));
    records_start(clients ? &peer->send : &peer->receive, cipher, secret);
}

static void open_client(struct peer *peer, const struct peer_options *options)
{
    static const unsigned char alpn[] = "\x08http/1.1";
    int version = options->version ? options->version : TLS1_3_VERSION;
    peer->context = SSL_CTX_new(TLS_client_method());
    rw_assert(peer->context && SSL_CTX_set_min_proto_version(peer->context, version) &&
              SSL_CTX_set_max_proto_version(peer->context, version));
    SSL_CTX_set_app_data(peer->context, peer);
    SSL_CTX_set_keylog_callback(peer->context, note_secrets);
    if (options->ciphers)
        rw_assert(SSL_CTX_set_ciphersuites(peer->context, options->ciphers) == 1);
    if (options->cert) {
        char name[64];
        snprintf(name, sizeof(name), "%s.pem", options->cert);
        rw_assert(SSL_CTX_use_certificate_chain_file(peer->context, pair_file(name).at) == 1);
        snprintf(name, sizeof(name), "%s.key", options->cert);
        rw_assert(
            SSL_CTX_use_PrivateKey_file(peer->context, pair_file(name).at, SSL_FILETYPE_PEM) == 1);
    }
    peer->ssl = SSL_new(peer->context);
    peer->in = BIO_new(BIO_s_mem());
    peer->out = BIO_new(BIO_s_mem());
    rw_assert(peer->ssl && peer->in && peer->out);
    BIO_set_mem_eof_return(peer->in, -1);
    SSL_set_bio(peer->ssl, peer->in, peer->out);
    SSL_set_connect_state(peer->ssl);
    if (!options->bare) {
        rw_assert(SSL_set_tlsext_host_name(peer->ssl, "usual.example") == 1);
        rw_assert(SSL_set_alpn_protos(peer->ssl, alpn, sizeof(alpn) - 1) == 0);
    }
}

void peer_open(struct peer *peer, struct rw_tls_server *server, const struct peer_options *options)
{
    static const struct peer_options usual;
    struct rw_loop_options loop_options = {.backend = RW_LOOP_EPOLL};
    int fds[2];
    memset(peer, 0, sizeof(*peer));
    rw_assert(rw_loop_create(&loop_options, &peer->loop) == RW_OK);
    rw_assert(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) == 0);
    peer->fd = fds[1];
    open_client(peer, options ? options : &usual);
    if (options && options->before)
        options->before();
    enum rw_err err = rw_stream_attach(peer->loop, &peer->stream, &events, fds[0], server);
    peer->live = err == RW_OK;
    peer->ended = err != RW_OK;
    peer->open_err = err;
}

void peer_write(struct peer *peer, const void *from, size_t bytes)
{
    const char *at = from;
    for (int tries = 0; bytes && tries < 100000; tries++) {
        ssize_t sent = send(peer->fd, at, peer->split && peer->split < bytes ? peer->split : bytes,
                            MSG_NOSIGNAL);
        if (sent < 0 && errno != EAGAIN)
            return;
        if (sent > 0) {
            at += sent;
            bytes -= (size_t)sent;
        }
        if (bytes || peer->split)
            rw_loop_turn(peer->loop, 0);
    }
}

void peer_pump(struct peer *peer)
{
    static _Thread_local char bytes[65536];
    int got;
    while ((got = BIO_read(peer->out, bytes, sizeof(bytes))) > 0)
        peer_write(peer, bytes, (size_t)got);
    rw_loop_turn(peer->loop, 0);
    while ((got = (int)recv(peer->fd, bytes, sizeof(bytes), 0)) > 0)
        BIO_write(peer->in, bytes, got);
}

bool peer_meet(struct peer *peer)
{
    for (int tries = 0; tries < 200 && !peer->ended; tries++) {
        int result = SSL_do_handshake(peer->ssl);
        if (result != 1 && SSL_get_error(peer->ssl, result) != SSL_ERROR_WANT_READ)
            return false;
        peer_pump(peer);
        if (result == 1 && peer->opened)
            return true;
    }
    return false;
}

void peer_close(struct peer *peer)
{
    if (peer->live)
        rw_stream_close(&peer->stream);
    for (int i = 0; i < 1000 && peer->live; i++)
        rw_loop_turn(peer->loop, 0);
    rw_assert(!peer->live);
    rw_loop_destroy(peer->loop);
    SSL_free(peer->ssl);
    SSL_CTX_free(peer->context);
    close(peer->fd);
}

void peer_record(struct peer *peer, unsigned char type, const void *text, size_t bytes)
{
    static _Thread_local unsigned char record[RECORDS_BYTES_MAX];
    peer_write(peer, record, records_seal(&peer->send, type, text, bytes, 0, record));
}

bool peer_next(struct peer *peer, unsigned char *text, size_t *bytes, unsigned char *type)
{
    /* What OpenSSL's client has not looked at comes first. */
    int pending = (int)BIO_ctrl_pending(peer->in);
    if (pending > 0) {
        rw_assert(peer->raw_bytes + (size_t)pending <= sizeof(peer->raw));
        BIO_read(peer->in, peer->raw + peer->raw_bytes, pending);
        peer->raw_bytes += (size_t)pending;
    }
    size_t whole;
    while (!(whole = records_bytes(peer->raw, peer->raw_bytes))) {
        ssize_t got =
            recv(peer->fd, peer->raw + peer->raw_bytes, sizeof(peer->raw) - peer->raw_bytes, 0);
        if (got <= 0)
            return false;
        peer->raw_bytes += (size_t)got;
    }
    bool good = records_open(&peer->receive, peer->raw, whole, text, bytes, type);
    memmove(peer->raw, peer->raw + whole, peer->raw_bytes - whole);
    peer->raw_bytes -= whole;
    if (good && *type == RECORDS_HANDSHAKE && *bytes == 5 && text[0] == 24)
        records_update(&peer->receive);
    return good;
}

static unsigned char opened[RECORDS_BYTES_MAX];

void peer_expect(struct peer *peer, unsigned char type, const void *text, size_t bytes)
{
    size_t got = 0;
    unsigned char kind = 0;
    peer_turn(peer, 10);
    rw_assert(peer_next(peer, opened, &got, &kind));
    rw_assert(kind == type && got == bytes && memcmp(opened, text, bytes) == 0);
}

void peer_expect_nothing(struct peer *peer)
{
    size_t got;
    unsigned char kind;
    peer_turn(peer, 3);
    rw_assert(!peer_next(peer, opened, &got, &kind));
    rw_assert(peer->raw_bytes == 0);
}

void peer_open_taken(struct peer *peer, struct rw_tls_server *server,
                     const struct peer_options *options)
{
    size_t bytes;
    unsigned char type;
    peer_open(peer, server, options);
    rw_assert(peer_meet(peer));
    rw_assert(peer_wait_taken(peer));
    rw_assert(peer_next(peer, opened, &bytes, &type));
    rw_assert(type == RECORDS_HANDSHAKE && opened[0] == 4);
    peer_expect_nothing(peer);
}
