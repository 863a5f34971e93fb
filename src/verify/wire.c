#include "verify/wire.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

enum { NAME_BYTES_MAX = 254 };

static bool set_trust(SSL_CTX *context, const struct rw_wire_options *options)
{
    SSL_CTX_set_verify(context, options->insecure ? SSL_VERIFY_NONE : SSL_VERIFY_PEER, NULL);
    if (options->insecure)
        return true;
    return options->ca.len ? SSL_CTX_load_verify_locations(context, options->ca.at, NULL) == 1
                           : SSL_CTX_set_default_verify_paths(context) == 1;
}

enum rw_err rw_wire_open(struct rw_wire *wire, const struct rw_wire_options *options,
                         struct rw_text *why)
{
    *wire = (struct rw_wire){.options = *options, .fd = -1};
    if (!options->tls)
        return RW_OK;
    wire->context = SSL_CTX_new(TLS_client_method());
    if (wire->context && set_trust(wire->context, options))
        return RW_OK;
    rw_text_addf(why, "authorities: %s\n", ERR_reason_error_string(ERR_get_error()));
    return RW_ETLS;
}

void rw_wire_close(struct rw_wire *wire)
{
    rw_wire_hang_up(wire);
    SSL_CTX_free(wire->context);
    wire->context = NULL;
}

void rw_wire_hang_up(struct rw_wire *wire)
{
    SSL_free(wire->session);
    wire->session = NULL;
    if (wire->fd >= 0)
        close(wire->fd);
    wire->fd = -1;
}

/* ---- Connecting ---- */

static bool connect_plain(struct rw_wire *wire)
{
    const struct rw_wire_options *options = &wire->options;
    const struct timeval patience = {.tv_sec = options->wait_ms_max / 1000,
                                     .tv_usec = options->wait_ms_max % 1000 * 1000};
    wire->fd = socket(options->address.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (wire->fd < 0)
        return false;
    setsockopt(wire->fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    setsockopt(wire->fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
    return connect(wire->fd, rw_address_sockaddr(&options->address), options->address.bytes) == 0;
}

/* RFC 6066 section 3: no SNI for an IP address. */
static bool set_name(SSL *session, struct rw_span name)
{
    char text[NAME_BYTES_MAX + 1];
    struct rw_address address;
    if (name.len > NAME_BYTES_MAX)
        return false;
    snprintf(text, sizeof(text), "%.*s", RW_SPAN_ARGS(name));
    if (!rw_address_parse_ip(name, 0, &address))
        return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(session), text) == 1;
    return SSL_set_tlsext_host_name(session, text) == 1 && SSL_set1_host(session, text) == 1;
}

static bool shake_hands(struct rw_wire *wire)
{
    wire->session = SSL_new(wire->context);
    return wire->session && set_name(wire->session, wire->options.name) &&
           SSL_set_fd(wire->session, wire->fd) == 1 && SSL_connect(wire->session) == 1;
}

bool rw_wire_connect(struct rw_wire *wire)
{
    if (wire->fd >= 0)
        return true;
    bool connected = connect_plain(wire) && (!wire->context || shake_hands(wire));
    if (!connected)
        rw_wire_hang_up(wire);
    ERR_clear_error();
    return connected;
}

/* ---- Bytes ---- */

bool rw_wire_send(struct rw_wire *wire, struct rw_span bytes)
{
    ssize_t sent = wire->session ? SSL_write(wire->session, bytes.at, (int)bytes.len)
                                 : send(wire->fd, bytes.at, bytes.len, MSG_NOSIGNAL);
    ERR_clear_error();
    return sent >= 0 && (size_t)sent == bytes.len;
}

ptrdiff_t rw_wire_receive(struct rw_wire *wire, char *to, size_t room)
{
    if (!wire->session)
        return recv(wire->fd, to, room, 0);
    int length = SSL_read(wire->session, to, (int)room);
    bool ended = length <= 0 && SSL_get_error(wire->session, length) == SSL_ERROR_ZERO_RETURN;
    ERR_clear_error();
    return length > 0 ? length : ended ? 0 : -1;
}
