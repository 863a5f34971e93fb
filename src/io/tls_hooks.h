/* Where TLS sits: between the calls of io/stream.h and the raw backend.
 *
 * stream.c and the backends never look into TLS; when stream->tls is set they call these instead of
 * the owner's callbacks and instead of the backend:
 *
 *   owner's call                          owner's callback (stream->events)
 *      | rw_stream_send ...                   ^ on_data ...
 *      v                                      |
 *   rw_tls_hook_send/receive/shutdown     rw_tls_hook_opened/data/end/sent/ready
 *      |                                      ^
 *      v rw_stream_raw_* (io/backend.h)       | the backend, from the loop
 *
 * Rules: the hooks of the right column come from the loop only, and may call the owner's callbacks.
 * The hooks of the left column run inside the owner's call and must not call the owner back: what
 * is to be told later they note, call rw_stream_raw_ready, and tell from rw_tls_hook_ready. After
 * any callback of the owner rw_stream_closing(stream) may be true: then stop. rw_stream_close goes
 * to the raw side directly; after it no hook is called but rw_tls_hook_closed.
 */
#ifndef RW_IO_TLS_HOOKS_H
#define RW_IO_TLS_HOOKS_H

#include "io/stream.h"

/* Sets stream->tls and begins the handshake (the server's side asks for raw data at once, the
 * client's waits for rw_tls_hook_opened). On error stream->tls stays NULL and nothing is left
 * behind. */
RW_MUST_CHECK enum rw_err rw_tls_start_server(struct rw_stream *stream,
                                              struct rw_tls_server *server);
RW_MUST_CHECK enum rw_err rw_tls_start_client(struct rw_stream *stream,
                                              struct rw_tls_client *client, const char *name,
                                              struct rw_span preface);

/* The raw connection is there (client side only), or failed. */
void rw_tls_hook_opened(struct rw_stream *stream, enum rw_err err);
/* Raw bytes; the hook owns the reference. */
void rw_tls_hook_data(struct rw_stream *stream, struct rw_buf *buf);
void rw_tls_hook_end(struct rw_stream *stream, enum rw_err err);
void rw_tls_hook_sent(struct rw_stream *stream, enum rw_err err);
/* Asked for by rw_stream_raw_ready. */
void rw_tls_hook_ready(struct rw_stream *stream);
/* Frees the TLS state and sets stream->tls to NULL; the loop then calls the owner's on_closed
 * itself. */
void rw_tls_hook_closed(struct rw_stream *stream);

void rw_tls_hook_receive(struct rw_stream *stream, bool on, bool large);
RW_MUST_CHECK enum rw_send rw_tls_hook_send(struct rw_stream *stream, const struct iovec *parts,
                                            int count);
void rw_tls_hook_shutdown(struct rw_stream *stream);
/* Before the raw side is closed (not aborted): a last record may leave, if it can at once. */
void rw_tls_hook_close(struct rw_stream *stream);

#endif
