#include "client.h"
#include "net.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#define SKIP_BYTES_MAX (1024 * 1024)
#define TLS_SKIP_BYTES (32 * 1024)

/* One suite and one group, so that every contender does the same cryptography. No session is ever
 * offered: each handshake is a full one. The certificate is the run's own and is not verified
 * against an authority; the handshake's signature is checked all the same. */
SSL_CTX *client_tls_context(bool h2)
{
    static const unsigned char offered[] = "\x02h2";
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    if (context == NULL || SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION) != 1 ||
        SSL_CTX_set_ciphersuites(context, "TLS_AES_128_GCM_SHA256") != 1 ||
        SSL_CTX_set1_groups_list(context, "X25519") != 1) {
        bench_fail("OpenSSL cannot offer TLS 1.3 with AES-128-GCM and X25519");
    }
    if (h2 && SSL_CTX_set_alpn_protos(context, offered, sizeof offered - 1) != 0) {
        bench_fail("OpenSSL cannot offer HTTP/2");
    }
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_read_ahead(context, 1);
    return context;
}

bool client_tls_begin(struct client *client, struct client_connection *connection)
{
    connection->tls = SSL_new(client->tls_context);
    if (connection->tls == NULL || SSL_set_fd(connection->tls, connection->fd) != 1 ||
        SSL_set_tlsext_host_name(connection->tls, "bench.test") != 1) {
        return false;
    }
    SSL_set_connect_state(connection->tls);
    return true;
}

static ssize_t tls_read(SSL *tls, char *into, size_t size)
{
    int count = SSL_read(tls, into, (int)size);
    if (count > 0) {
        return count;
    }
    switch (SSL_get_error(tls, count)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
        return CLIENT_AGAIN;
    case SSL_ERROR_ZERO_RETURN:
        return CLIENT_END;
    default:
        return CLIENT_BROKEN;
    }
}

static ssize_t plain_read(int fd, char *into, size_t size, int flags)
{
    ssize_t count = recv(fd, into, size, flags);
    if (count >= 0) {
        return count;
    }
    return errno == EAGAIN ? CLIENT_AGAIN : CLIENT_BROKEN;
}

ssize_t client_read(struct client_connection *connection, char *into, size_t size)
{
    if (connection->tls != NULL) {
        return tls_read(connection->tls, into, size);
    }
    return plain_read(connection->fd, into, size, 0);
}

ssize_t client_skip(struct client_connection *connection, size_t size)
{
    static char dropped[TLS_SKIP_BYTES];
    if (connection->tls != NULL) {
        return tls_read(connection->tls, dropped, size < sizeof dropped ? size : sizeof dropped);
    }
    return plain_read(connection->fd, NULL, size < SKIP_BYTES_MAX ? size : SKIP_BYTES_MAX,
                      MSG_TRUNC);
}

bool client_write(struct client_connection *connection, const char *data, size_t length)
{
    if (connection->tls != NULL) {
        return SSL_write(connection->tls, data, (int)length) == (int)length;
    }
    return send(connection->fd, data, length, MSG_NOSIGNAL) == (ssize_t)length;
}
