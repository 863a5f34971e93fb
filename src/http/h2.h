/* HTTP/2 connections (RFC 9113), either end, without I/O: bytes in, events out; calls in, bytes
 * out.
 *
 *   owner's stream --rw_h2_receive--> engine --events--> owner (front or origin)
 *   owner's stream <--rw_h2_output--- engine <--head, data, reset, ...-- owner
 *
 * The owner embeds a struct rw_h2, fills `settings` and `events`, calls rw_h2_open, and from then
 * on hands over every buffer that arrives. Events come from inside rw_h2_receive,
 * rw_h2_output_sent, rw_h2_wake, rw_h2_reset_stalled and rw_h2_close, never from inside a call that
 * sends (but for on_output, which only asks for a call at the end of the turn). In an event the
 * owner may call anything but rw_h2_receive and rw_h2_close; a stream is only freed when no event
 * is on the stack.
 *
 * Sending. Frames are written into output buffers as they are made, many for one send. When there
 * is something to do, on_output is told; the owner calls rw_h2_wake and sends at the end of
 * the loop's turn, so that all that a turn makes leaves at once: rw_h2_output gives the parts, and
 * rw_h2_output_sent says that they have left. Body bytes are copied into the output while flow
 * control and `output_bytes_max` allow; what is over stays with the stream as one held piece, and
 * streams that wait are served by priority (RFC 9218: urgency, then turns for incremental ones and
 * first come for the others).
 *
 * Receiving. What on_data was given counts as taken, and its window goes back to the peer; but
 * after HOLD not before rw_h2_resume, and what comes meanwhile is kept by the engine, copied
 * together, never more than the stream's window. So a stream whose owner does not read stops its
 * peer, and only that stream, as long as connection_window_bytes is several times
 * stream_window_bytes.
 *
 * Errors of a stream (RFC 9113 section 5.4.2) reset it: on_reset tells the owner. Errors of the
 * connection (5.4.1) put GOAWAY into the output and call on_error: the owner sends what is there,
 * then closes. So does a lack of memory for frames that must not be lost; if it is noticed in a
 * call that sends, on_error comes from the rw_h2_wake that follows. Floods are errors of the
 * connection with ENHANCE_YOUR_CALM, and have a name. All on one thread.
 */
#ifndef RW_HTTP_H2_H
#define RW_HTTP_H2_H

#include "base/arena.h"
#include "base/list.h"
#include "base/slab.h"
#include "http/hpack.h"
#include "http/message.h"
#include "io/buf.h"

#include <sys/uio.h>

struct rw_h2;
struct rw_h2_stream;

/* RFC 9113 section 7. */
enum rw_h2_code {
    RW_H2_NO_ERROR,
    RW_H2_PROTOCOL_ERROR,
    RW_H2_INTERNAL_ERROR,
    RW_H2_FLOW_CONTROL_ERROR,
    RW_H2_SETTINGS_TIMEOUT,
    RW_H2_STREAM_CLOSED,
    RW_H2_FRAME_SIZE_ERROR,
    RW_H2_REFUSED_STREAM,
    RW_H2_CANCEL,
    RW_H2_COMPRESSION_ERROR,
    RW_H2_CONNECT_ERROR,
    RW_H2_ENHANCE_YOUR_CALM,
    RW_H2_INADEQUATE_SECURITY,
    RW_H2_HTTP_1_1_REQUIRED,
    RW_H2_CODE_COUNT
};

const char *rw_h2_code_name(enum rw_h2_code code); /* "PROTOCOL_ERROR" */

/* What a peer may do too often: X(name, text, default number in 10 s, what counts).
 * Each is a bucket of its own: a burst of that many, refilled over 10 s. */
#define RW_H2_FLOODS(X)                                                                            \
    X(RESETS, "resets", 200,                                                                       \
      "streams reset by the client before they were answered, or by its own errors "               \
      "(CVE-2023-44487)")                                                                          \
    X(REFUSED, "refused_streams", 100,                                                             \
      "streams opened above the announced limit, or after GOAWAY. Clients take 100 for that "      \
      "limit until they have read it, and keep to it then")                                        \
    X(STALLS, "stalls", 100,                                                                       \
      "responses that ended, cut by either side, while the client gave them no window")            \
    X(SETTINGS, "settings", 50,                                                                    \
      "SETTINGS frames; one of many settings counts as one for each 16 of them. Clients send one " \
      "of some eight, and an acknowledgement")                                                     \
    X(PINGS, "pings", 200, "PING frames")                                                          \
    X(EMPTY_FRAMES, "empty_frames", 200,                                                           \
      "DATA, HEADERS or CONTINUATION frames without content that end nothing")                     \
    X(SMALL_DATA, "small_data", 10000, "DATA frames of less than 64 bytes that end nothing")       \
    X(WINDOW_UPDATES, "window_updates", 1000,                                                      \
      "WINDOW_UPDATE frames beyond two for each request, two for each DATA frame that was sent "   \
      "and one for each KiB in it. Clients send one for 4 KiB or more")                            \
    X(PRIORITIES, "priorities", 1000, "PRIORITY and PRIORITY_UPDATE frames")                       \
    X(UNKNOWN, "unknown_frames", 1000, "frames of an unknown type")

enum rw_h2_flood {
#define RW_H2_FLOOD_ENUM(name, text, number, doc) RW_H2_FLOOD_##name,
    RW_H2_FLOODS(RW_H2_FLOOD_ENUM)
#undef RW_H2_FLOOD_ENUM
        RW_H2_FLOOD_CONTINUATIONS, /* more than continuations_max in one block (CVE-2024-27316) */
    RW_H2_FLOOD_HEAD,              /* a block above block_bytes_max */
    RW_H2_FLOOD_BOMB,              /* a block that swells to more than expansion_max times itself */
    RW_H2_FLOOD_COUNT
};

const char *rw_h2_flood_name(enum rw_h2_flood flood);

/* What does not change over a connection's life; shared between connections, outlives them. */
struct rw_h2_settings {
    bool server;
    bool connect_protocol;        /* server: extended CONNECT is allowed (RFC 8441) */
    uint32_t streams_max;         /* that the peer may open (announced), or that we open at once */
    uint32_t stream_window_bytes; /* announced; also how much of a held body the engine keeps */
    uint32_t connection_window_bytes;
    uint32_t table_bytes_max;   /* HPACK, both directions */
    uint32_t head_bytes_max;    /* of names and values and 32 each: announced; over it: 431 */
    uint32_t fields_max;        /* over it: 431 */
    uint32_t target_bytes_max;  /* of :path; over it: 414 */
    uint32_t block_bytes_max;   /* of a compressed block: over it the connection ends */
    uint32_t continuations_max; /* frames of one block */
    uint32_t expansion_max;     /* see struct rw_hpack_limits; over it the connection ends */
    uint32_t
        output_bytes_max; /* made ahead of the transport; heads and control frames come on top */
    uint32_t flood_max[RW_H2_FLOOD_CONTINUATIONS]; /* in 10 s; 0: no limit */
};

/* Where a head is decoded to: the exchange's arena and message. `arena` NULL: the stream is
 * refused (REFUSED_STREAM), the block only decoded to keep the table in step. */
struct rw_h2_target {
    struct rw_arena *arena;
    struct rw_message *message;
};

/* The piece has been taken; GO: more may come at once; HOLD: not before it is said. */
enum rw_h2_more { RW_H2_GO, RW_H2_HOLD };

struct rw_h2_events {
    /* A head begins: server, of a new stream (set stream->user); client, of a response or a 1xx. */
    struct rw_h2_target (*on_target)(struct rw_h2 *h2, struct rw_h2_stream *stream);
    /* The head is in the target's message (h2_message.h). `status` 0: it can be sent on. Else
     * (server: 400, 414, 417, 431) it is well-formed HTTP/2, but no request that can be sent on:
     * it may be answered so, or reset; the message holds what is safe to log, and h2->reason says
     * why. (What RFC 9113 calls malformed never comes here: on_reset with PROTOCOL_ERROR.) `end`:
     * no body follows. Client: status < 200 in the message is a 1xx. */
    void (*on_head)(struct rw_h2 *h2, struct rw_h2_stream *stream, unsigned status, bool end);
    /* A piece of the body, inside of `buf`, which may be held to keep it. With `end` the last;
     * `data` may be empty and `buf` NULL then. `trailers`: "name: value\r\n" lines in the target's
     * arena, only with `end`. */
    enum rw_h2_more (*on_data)(struct rw_h2 *h2, struct rw_h2_stream *stream, struct rw_buf *buf,
                               struct rw_span data, bool end, struct rw_span trailers);
    /* After HOLD from rw_h2_data: all of it has gone into the output; more may come. Also told when
     * it was the last piece. */
    void (*on_writable)(struct rw_h2 *h2, struct rw_h2_stream *stream);
    /* The stream has ended before its time, by the peer (RST_STREAM, or GOAWAY that does not cover
     * it: REFUSED_STREAM, safe to repeat), by an error that the engine found, or as the connection
     * ended. It is gone: no further calls for it. When the engine found an error, h2->reason says
     * which (NULL: the peer's doing). */
    void (*on_reset)(struct rw_h2 *h2, struct rw_h2_stream *stream, enum rw_h2_code code);
    /* Something is to be done at the end of the turn: rw_h2_wake, then rw_h2_output unless a send
     * is under way. The one event that comes from calls that send too. Told once a turn. */
    void (*on_output)(struct rw_h2 *h2);
    /* The peer sends GOAWAY: no new streams; those that it does not cover have been reset. */
    void (*on_goaway)(struct rw_h2 *h2, enum rw_h2_code code);
    /* The peer's SETTINGS are known or have changed: rw_h2_room may be another. */
    void (*on_settings)(struct rw_h2 *h2);
    /* A PING of ours (rw_h2_ping) is answered. */
    void (*on_pong)(struct rw_h2 *h2);
    /* The connection cannot go on: send what is there, then close. All streams have been reset.
     * `text`: static, for the log. `flood`: RW_H2_FLOOD_COUNT when it is none. */
    void (*on_error)(struct rw_h2 *h2, enum rw_h2_code code, enum rw_h2_flood flood,
                     const char *text);
};

/* One stream: `user` and `id` are for the owner, all else is private to http/h2*.c. */
struct rw_h2_stream {
    void *user;             /* the owner's; NULL at first */
    uint32_t id;            /* 0: a client's, until its head is begun */
    uint8_t urgency;        /* RFC 9218: 0 to 7 */
    uint8_t request_method; /* client: enum rw_method of what was asked */
    bool incremental;       /* RFC 9218 */
    bool head_sent : 1;     /* the final head, not a 1xx */
    bool sent_end : 1;      /* END_STREAM is in the output */
    bool head_received : 1; /* the final head */
    bool received_end : 1;  /* END_STREAM has come */
    bool told_end : 1;      /* ... and the owner knows */
    bool held : 1;          /* on_data said HOLD */
    bool bodiless : 1;      /* what is received has no body, whatever it says */
    bool pending : 1;       /* rw_h2_data said HOLD: on_writable is owed */
    bool forgotten : 1;     /* by the owner: no events */
    bool closed : 1;        /* ended both ways: counts no longer */
    bool deaf : 1;          /* client: the server wants no more of it; what is sent is dropped */
    bool gone : 1;          /* to be freed when no event is on the stack */
    bool out_end : 1;       /* out_data and out_trailers are all that is to be sent */
    uint8_t interims;       /* client: 1xx that have come */
    int32_t send_window;    /* may be negative (RFC 9113 section 6.9.2) */
    int32_t receive_window;
    uint32_t unreported;    /* taken, and not yet given back as window */
    uint64_t announced;     /* Content-Length of what comes; UINT64_MAX: none */
    uint64_t received;      /* body bytes that came */
    struct rw_arena *arena; /* of the target */
    struct rw_buf *waiting; /* body bytes that came while held (queue by rw_buf.next) */
    struct rw_buf *waiting_last;
    struct rw_span trailers; /* that came */
    /* What is to be sent and could not be yet. */
    struct rw_buf *out_buf; /* held; NULL: out_data is static */
    struct rw_span out_data;
    struct rw_span out_trailers;
    struct rw_list ready;       /* has bytes to send and window for them */
    struct rw_list woken;       /* was resumed, not told yet */
    uint64_t stalled_since_ms;  /* 0: was not stalled when last looked at */
    struct rw_h2_stream *chain; /* in the table by id */
    struct rw_h2_stream *next_gone;
};

/* ---- A connection ---- */

#include "http/h2_connection.h" /* struct rw_h2, private but for what it says */

/* `h2` needs only to be zeroed. Writes the preface and SETTINGS into the output. RW_ENOMEM: nothing
 * is held. `streams` is a slab of struct rw_h2_stream; `user` is the owner's. */
RW_MUST_CHECK enum rw_err rw_h2_open(struct rw_h2 *h2, const struct rw_h2_settings *settings,
                                     const struct rw_h2_events *events, struct rw_buf_pool *buffers,
                                     struct rw_slab *streams, void *user);
/* The transport is gone: on_reset for every stream, then everything is given back. Never from
 * inside an event. */
void rw_h2_close(struct rw_h2 *h2, enum rw_h2_code code);
/* Gives back what a connection without streams can do without; for owners that are idle. */
void rw_h2_rest(struct rw_h2 *h2);

/* Takes over the reference to `buf`. `now_ms` (monotonic) is for the flood limits. After an error
 * of the connection what comes is dropped. */
void rw_h2_receive(struct rw_h2 *h2, struct rw_buf *buf, uint64_t now_ms);

/* What is to be sent: up to `room` parts, 0: nothing. The bytes stay until rw_h2_output_sent, which
 * must follow before the next call. Meanwhile further frames may be made. */
int rw_h2_output(struct rw_h2 *h2, struct iovec *parts, int room);
void rw_h2_output_sent(struct rw_h2 *h2);
bool rw_h2_has_output(const struct rw_h2 *h2);
/* What is made and has not been sent. */
static inline uint32_t rw_h2_output_bytes(const struct rw_h2 *h2)
{
    return h2->out_bytes;
}

/* ---- Streams: calls of the owner ---- */

/* Client: a new stream, for a head that follows; NULL: no memory, no room (rw_h2_room), GOAWAY. */
struct rw_h2_stream *rw_h2_stream_open(struct rw_h2 *h2, void *user);
/* Client: how many streams may be opened now. 0 before the peer's SETTINGS have come? No: RFC 9113
 * section 3.4 lets a client begin at once; our own streams_max holds until then. */
uint32_t rw_h2_room(const struct rw_h2 *h2);

/* Does the peer take a head of so many bytes of names and values, and so many fields
 * (SETTINGS_MAX_HEADER_LIST_SIZE)? */
static inline bool rw_h2_takes_head(const struct rw_h2 *h2, size_t bytes, unsigned fields)
{
    return bytes + fields * (size_t)32 <= h2->peer_head_bytes_max;
}

/* A head: begin, put..., end, with no other call between. `bytes_max` bounds the names and values;
 * `fields_max` the puts. False: no memory, or the peer takes no head that large; nothing was
 * written. */
RW_MUST_CHECK bool rw_h2_head_begin(struct rw_h2 *h2, struct rw_h2_stream *stream, size_t bytes_max,
                                    unsigned fields_max);
void rw_h2_put_status(struct rw_h2 *h2, unsigned status);
void rw_h2_put_pseudo(struct rw_h2 *h2, enum rw_pseudo which, struct rw_span value);
void rw_h2_put_field(struct rw_h2 *h2, enum rw_field_id id, struct rw_span name,
                     struct rw_span value);
/* All fields of the message but hop-by-hop ones, and those whose id is in `skip` (bits of
 * rw_field_id, RW_FIELD_OTHER not among them). Names are lower-cased on the way. */
void rw_h2_put_fields(struct rw_h2 *h2, const struct rw_message *message, uint64_t skip);
/* `end`: no body follows. `informational`: a 1xx, another head follows. */
void rw_h2_head_end(struct rw_h2 *h2, struct rw_h2_stream *stream, bool end, bool informational);

/* Body bytes. GO: copied into the output. HOLD: what could not be yet is held (`buf`; bytes without
 * one live as long as the stream, or until rw_h2_forget), and nothing more may come until
 * on_writable. With `end`, `trailers` ("Name: value\r\n" lines, as long-lived) follow if there are
 * any. */
enum rw_h2_more rw_h2_data(struct rw_h2 *h2, struct rw_h2_stream *stream, struct rw_buf *buf,
                           struct rw_span data, bool end, struct rw_span trailers);

/* After HOLD from on_data: the owner takes more. What waits is told from rw_h2_wake, not from
 * here. */
void rw_h2_resume(struct rw_h2 *h2, struct rw_h2_stream *stream);
/* At the end of the turn, before the output: what resume has set free is told, and streams that
 * wait are served. */
void rw_h2_wake(struct rw_h2 *h2);

/* Ends a stream now: RST_STREAM unless both sides have ended. It is gone; no on_reset. Whoever lets
 * go of a stream early calls this; a stream that has ended both ways goes by itself after the
 * owner has rw_h2_forget-ed it. */
void rw_h2_reset(struct rw_h2 *h2, struct rw_h2_stream *stream, enum rw_h2_code code);
/* The owner is through with the stream: no events any more. What has been given to send is sent; if
 * the peer has not ended, its rest is reset: with NO_ERROR by a server (RFC 9113 section 8.1), with
 * CANCEL by a client. A stream whose end has not been given is reset with CANCEL. */
void rw_h2_forget(struct rw_h2 *h2, struct rw_h2_stream *stream);

/* ---- The connection: calls of the owner ---- */

/* Does the peer's GOAWAY leave out the stream? Then it has not been looked at (RFC 9113
 * section 6.8).
 */
bool rw_h2_left_out(const struct rw_h2 *h2, const struct rw_h2_stream *stream);
/* GOAWAY with the last stream taken; `final` false: the first of two, with 2^31-1, which only asks
 * the peer to open no more (section 6.8). */
void rw_h2_goaway(struct rw_h2 *h2, enum rw_h2_code code, bool final);
void rw_h2_ping(struct rw_h2 *h2);
uint32_t rw_h2_stream_count(const struct rw_h2 *h2);
/* For the owner's timer: resets (CANCEL, on_reset) the streams with bytes to send that the peer's
 * window has held back for `stall_ms_max`, as far as earlier calls have seen; so a call now and
 * then is needed. True: some stream is stalled, call again in a while. */
bool rw_h2_reset_stalled(struct rw_h2 *h2, uint64_t now_ms, uint64_t stall_ms_max);
/* For the owner when the connection ends, before rw_h2_close: has the peer used up half of what one
 * of the flood limits allows? Responses under way that it gives no window count as stalls. Who
 * keeps coming that near to a limit does it on purpose. */
bool rw_h2_was_half_flooded(struct rw_h2 *h2, uint64_t now_ms);
/* The peer has not acknowledged our SETTINGS yet. */
static inline bool rw_h2_settings_owed(const struct rw_h2 *h2)
{
    return !h2->settings_acked;
}
/* Since when (monotonic ms) a frame or a header block has been coming that is not whole; 0: none.
 */
static inline uint64_t rw_h2_partial_ms(const struct rw_h2 *h2)
{
    return h2->partial_ms;
}
/* Calls `each` for every stream (which may reset it). */
void rw_h2_each(struct rw_h2 *h2, void (*each)(struct rw_h2 *h2, struct rw_h2_stream *stream));

#endif
