/* Streams: connected TCP or Unix sockets, plain or under TLS, in completion style.
 *
 * Life of a stream: rw_stream_attach (an accepted descriptor) or rw_stream_connect, with a const
 * table of callbacks; rw_stream_receive(on) lets data in, rw_stream_send sends; rw_stream_close
 * ends it, and after on_closed, the last callback, its memory is the owner's again. The stream
 * struct is embedded in the owner's. With TLS (io/tls.h) the same calls and callbacks carry plain
 * text.
 *
 * Receiving. While receiving is on, on_data hands over buffers as bytes arrive; the callee owns the
 * reference. While it is off nothing is delivered, and the peer is slowed down by TCP. After the
 * last byte comes on_end exactly once (unless closed first): RW_OK for an orderly end, else why.
 * on_end is delivered only while receiving is on, except for a reset or error, which is told at any
 * time.
 *
 * Sending. One send at a time. rw_stream_send tries at once: RW_SEND_DONE means that all bytes are
 * with the kernel and on_sent will not be called; RW_SEND_PENDING that on_sent will, when all are,
 * or it failed, and that the bytes (not the iovec array) stay untouched until then, or until
 * rw_stream_close; RW_SEND_FAILED that the stream is broken: close it. Callers handle all three:
 * io_uring says PENDING except to bulk, epoll mostly DONE, the simulation whatever its seed says.
 */
#ifndef RW_IO_STREAM_H
#define RW_IO_STREAM_H

#include "base/err.h"
#include "io/buf.h"
#include "io/loop.h"

#include <stdint.h>
#include <sys/socket.h>
#include <sys/uio.h>

struct rw_socket_options;
struct rw_stream;
struct rw_tls;
struct rw_tls_client;
struct rw_tls_server;

struct rw_stream_events {
    /* Connected, and the TLS handshake (if any) is through; or why not. After an error: close it.
     */
    void (*on_open)(struct rw_stream *stream, enum rw_err err);
    void (*on_data)(struct rw_stream *stream, struct rw_buf *buf);
    void (*on_end)(struct rw_stream *stream, enum rw_err err);
    void (*on_sent)(struct rw_stream *stream, enum rw_err err);
    void (*on_closed)(struct rw_stream *stream);
    /* Optional. One of the others will be called after a few other streams': what it is going to
     * touch besides the owner's own object (which is on its way) is worth a rw_prefetch; nothing
     * else may be done. */
    void (*on_ahead)(const struct rw_stream *stream);
};

/* Fields are private to io/; at most 96 bytes, since each idle connection has one. */
struct rw_stream {
    const struct rw_stream_events *events;
    struct rw_loop *loop;
    struct rw_tls *tls;   /* NULL: plain */
    void *pending;        /* a send that is under way, backend's */
    struct rw_list ready; /* in the loop's list of streams with work left for this turn */
    void *backend;        /* backend's own, when it needs more than the fields here */
    int fd;               /* -1: parked in a slot (io_uring) */
    uint32_t flags;       /* backend's */
    uint16_t error;       /* enum rw_err that the kernel reported before on_end could be called */
    uint16_t operations;  /* with the kernel at present (io_uring) */
    uint16_t bank;        /* which of the loop's rings has the stream; 0: the first (io_uring) */
    uint16_t slot;        /* in that ring's table of files; 0: none (io_uring) */
};

enum rw_send { RW_SEND_DONE, RW_SEND_PENDING, RW_SEND_FAILED };

enum { RW_SEND_PARTS_MAX = 8 };

/* Takes over `fd`, a connected non-blocking socket. With `tls` the handshake starts at once and
 * on_open tells how it ended; without, on_open is not called. `stream` needs no initialisation. On
 * error (RW_ENOMEM) the descriptor has been closed and there are no callbacks. */
RW_MUST_CHECK enum rw_err rw_stream_attach(struct rw_loop *loop, struct rw_stream *stream,
                                           const struct rw_stream_events *events, int fd,
                                           struct rw_tls_server *tls);

/* The stream's callbacks are others from now on. */
static inline void rw_stream_hand_on(struct rw_stream *stream,
                                     const struct rw_stream_events *events)
{
    stream->events = events;
}

/* Within on_data of an accepted stream that was plain so far: from here on it is TLS. `early`
 * (NULL: none): what has come of that, taken over. Everything goes on as after rw_stream_attach
 * with `tls`; callbacks may come from inside. On error (RW_ENOMEM) the stream is as it was: close
 * it. */
RW_MUST_CHECK enum rw_err rw_stream_secure(struct rw_stream *stream, struct rw_tls_server *tls,
                                           struct rw_buf *early);

struct rw_connect_options {
    const struct sockaddr *address; /* AF_INET, AF_INET6 or AF_UNIX; copied */
    socklen_t address_bytes;
    const struct sockaddr *source; /* bind first; NULL: any */
    socklen_t source_bytes;
    const struct rw_socket_options *socket; /* NULL: the system's defaults */
    struct rw_tls_client *tls;              /* NULL: plain */
    struct rw_span tls_preface;             /* sent in plain before the handshake; copied */
    const char *tls_name; /* SNI, and the name to verify; NULL: the one of `tls` */
};

/* Begins to connect; on_open tells. An error returned at once means no callbacks will come.
 * RW_ENOENT: the machine has no such source address or interface, or nothing is at the path of a
 * Unix socket. */
RW_MUST_CHECK enum rw_err rw_stream_connect(struct rw_loop *loop, struct rw_stream *stream,
                                            const struct rw_stream_events *events,
                                            const struct rw_connect_options *options);

/* Off at first. `large`: the caller moves bulk data, buffers of RW_BUF_LARGE_BYTES are worth it. */
void rw_stream_receive(struct rw_stream *stream, bool on, bool large);

/* Data is told only once so many bytes are there, or the end (SO_RCVLOWAT): fewer, larger pieces of
 * a body that comes fast. 1 is the rule; setting it to less than what is there tells at once. Under
 * TLS and in simulation it does nothing. */
void rw_stream_low_water(struct rw_stream *stream, uint32_t bytes);

/* 1 to RW_SEND_PARTS_MAX parts, at least one byte in all. */
RW_MUST_CHECK enum rw_send rw_stream_send(struct rw_stream *stream, const struct iovec *parts,
                                          int count);

/* Ends the sending direction (FIN; close_notify first under TLS). No send may be pending. */
void rw_stream_shutdown(struct rw_stream *stream);

/* Ends everything; what is pending is dropped; on_closed follows from the loop. Calling it twice
 * does nothing. */
void rw_stream_close(struct rw_stream *stream);
/* As rw_stream_close, but the peer gets a reset (SO_LINGER 0). */
void rw_stream_abort(struct rw_stream *stream);

bool rw_stream_closing(const struct rw_stream *stream);

/* The descriptor, for socket options; -1 in simulation and where the stream has none
 * (rw_loop_options.descriptors_max). */
int rw_stream_fd(const struct rw_stream *stream);
/* The peer's address: as accepted or connected. */
RW_MUST_CHECK enum rw_err rw_stream_peer(const struct rw_stream *stream,
                                         struct sockaddr_storage *address);
RW_MUST_CHECK enum rw_err rw_stream_local(const struct rw_stream *stream,
                                          struct sockaddr_storage *address);

/* ---- Listening ---- */

struct rw_listener {
    struct rw_loop *loop;
    /* `fd` is non-blocking, TCP_NODELAY set, and the callee's (rw_stream_attach or
     * rw_listener_refuse). */
    void (*on_accept)(struct rw_listener *listener, int fd, const struct sockaddr_storage *peer);
    void (*on_closed)(struct rw_listener *listener);
    void *backend;
    int fd; /* a listening socket: stays the caller's, who may share it with other processes */
    uint32_t flags;
};

/* Accepts until closed. When descriptors run out it pauses for 100 ms and says so in the log. */
RW_MUST_CHECK enum rw_err rw_listener_start(struct rw_loop *loop, struct rw_listener *listener);
/* From on_accept: closes a descriptor that was accepted and is not wanted (a number of the
 * simulation's must not go to close(2)). */
void rw_listener_refuse(struct rw_listener *listener, int fd);
/* As rw_listener_close, but what waits to be accepted comes first: on_accept is called from inside.
 * For an orderly end, when nobody else accepts there. */
void rw_listener_finish(struct rw_listener *listener);
/* Stops accepting; on_closed follows from the loop, and before it perhaps on_accept for connections
 * that had been accepted by then. The descriptor is not closed. */
void rw_listener_close(struct rw_listener *listener);

#endif
