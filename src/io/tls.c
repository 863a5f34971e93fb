#include "io/tls_hooks.h"

/* A build without TLS: no stream ever has stream->tls set, so none of the hooks can be reached. */

enum rw_err rw_tls_start_server(struct rw_stream *stream, struct rw_tls_server *server)
{
    (void)stream, (void)server;
    return RW_EUNSUPPORTED;
}

enum rw_err rw_tls_start_client(struct rw_stream *stream, struct rw_tls_client *client,
                                const char *name)
{
    (void)stream, (void)client, (void)name;
    return RW_EUNSUPPORTED;
}

void rw_tls_hook_opened(struct rw_stream *stream, enum rw_err err)
{
    (void)err;
    rw_assert(!stream->tls);
}

void rw_tls_hook_data(struct rw_stream *stream, struct rw_buf *buf)
{
    (void)buf;
    rw_assert(!stream->tls);
}

void rw_tls_hook_end(struct rw_stream *stream, enum rw_err err)
{
    (void)err;
    rw_assert(!stream->tls);
}

void rw_tls_hook_sent(struct rw_stream *stream, enum rw_err err)
{
    (void)err;
    rw_assert(!stream->tls);
}

void rw_tls_hook_ready(struct rw_stream *stream)
{
    rw_assert(!stream->tls);
}

void rw_tls_hook_closed(struct rw_stream *stream)
{
    rw_assert(!stream->tls);
}

void rw_tls_hook_receive(struct rw_stream *stream, bool on, bool large)
{
    (void)on, (void)large;
    rw_assert(!stream->tls);
}

enum rw_send rw_tls_hook_send(struct rw_stream *stream, const struct iovec *parts, int count)
{
    (void)parts, (void)count;
    rw_assert(!stream->tls);
    return RW_SEND_FAILED;
}

void rw_tls_hook_shutdown(struct rw_stream *stream)
{
    rw_assert(!stream->tls);
}
