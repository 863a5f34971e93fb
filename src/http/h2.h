/* HTTP/2 connections (RFC 9113), either end, without I/O: bytes in, events out; calls in, bytes
 * out.
 *
 *   owner's stream --rw_h2_receive--> engine --events--> owner (front or origin)
 *   owner's stream <--rw_h2_output--- engine <--head, data, reset, ...-- owner
 *
 * The owner embeds a struct rw_h2, fills `settings` and `events`, calls rw_h2_open, and from then
 * on hands over every buffer that arrives. Events come from inside rw_h2_receive, rw_h2_output_sent
 * and rw_h2_wake, never from inside a call that sends. In an event the owner may call anything but
 * rw_h2_close; a stream is only freed when no event of it is on the stack.
 *
 * Sending. Frames are written into output buffers as they are made, many for one send. When there
 * is something to send after there was nothing, on_output is told; the owner sends at the end of
 * the loop's turn, so that all that a turn makes leaves at once: rw_h2_output gives the parts, and
 * rw_h2_output_sent says that they have left. Body bytes are copied into the output while flow
 * control and `output_bytes_max` allow; what is over stays with the stream as one held piece, and
 * streams that wait are served by priority (RFC 9218: urgency, then turns for incremental ones and
 * first come for the others).
 *
 * Receiving. What on_data took with GO is given back to the peer as window; what it held back is
 * kept by the engine, copied together, never more than the stream's window, until rw_h2_resume.
 * So a stream whose owner does not read stops its peer, and only that stream.
 *
 * Errors of a stream (RFC 9113 section 5.4.2) reset it: on_reset tells the owner. Errors of the
 * connection (5.4.1) put GOAWAY into the output and call on_error: the owner sends what is there,
 * then closes. Floods are errors of the connection with ENHANCE_YOUR_CALM, and have a name.
 * All on one thread.
 */
#ifndef RW_HTTP_H2_H
#define RW_HTTP_H2_H

#include "base/arena.h"
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
    X(REFUSED, "refused_streams", 1000, "streams opened above the announced limit")                \
    X(SETTINGS, "settings", 50, "SETTINGS frames")                                                 \
    X(PINGS, "pings", 200, "PING frames")                                                          \
    X(EMPTY_FRAMES, "empty_frames", 200,                                                           \
      "DATA, HEADERS or CONTINUATION frames without content that end nothing")                     \
    X(SMALL_DATA, "small_data", 10000, "DATA frames of less than 64 bytes that end nothing")       \
    X(WINDOW_UPDATES, "window_updates", 20000,                                                     \
      "WINDOW_UPDATE frames beyond those that sent data explains")                                 \
    X(PRIORITIES, "priorities", 1000, "PRIORITY and PRIORITY_UPDATE frames")                       \
    X(UNKNOWN, "unknown_frames", 1000, "frames of an unknown type")

enum rw_h2_flood {
#define RW_H2_FLOOD_ENUM(name, text, number, doc) RW_H2_FLOOD_##name,
    RW_H2_FLOODS(RW_H2_FLOOD_ENUM)
#undef RW_H2_FLOOD_ENUM
        RW_H2_FLOOD_CONTINUATIONS, /* more than continuations_max in one block (CVE-2024-27316) */
    RW_H2_FLOOD_HEAD,              /* a block above block_bytes_max */
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
    uint32_t block_bytes_max;   /* of a compressed block: over it the connection ends */
    uint32_t continuations_max; /* frames of one block */
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

enum rw_h2_more { RW_H2_GO, RW_H2_HOLD };

struct rw_h2_events {
    /* A head begins: server, of a new stream (set stream->user); client, of a response or a 1xx. */
    struct rw_h2_target (*on_target)(struct rw_h2 *h2, struct rw_h2_stream *stream);
    /* The head is in the target's message (h2_message.h), which is well-formed. `status` 0: fine.
     * 431 or 400 (server): it is not, and may be answered so, or reset; the message holds what is
     * safe to log. `end`: no body follows. Client: status < 200 in the message is a 1xx. */
    void (*on_head)(struct rw_h2 *h2, struct rw_h2_stream *stream, unsigned status, bool end);
    /* `buf` may be held. With `end` the last of the body; `data` may be empty then. `trailers`:
     * "name: value\r\n" lines in the target's arena, only with `end`. */
    enum rw_h2_more (*on_data)(struct rw_h2 *h2, struct rw_h2_stream *stream, struct rw_buf *buf,
                               struct rw_span data, bool end, struct rw_span trailers);
    /* What rw_h2_data held back has gone into the output: more may come. */
    void (*on_writable)(struct rw_h2 *h2, struct rw_h2_stream *stream);
    /* The stream has ended before its time, by the peer (RST_STREAM, or GOAWAY that does not cover
     * it: REFUSED_STREAM, safe to repeat), by an error that the engine found, or as the connection
     * ended. It is gone: no further calls for it. */
    void (*on_reset)(struct rw_h2 *h2, struct rw_h2_stream *stream, enum rw_h2_code code);
    /* There is output after there was none. */
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

/* One stream. Private to http/h2*.c but for `user`, `id` and what is said to be for the owner. */
struct rw_h2_stream {
    void *user; /* the owner's; NULL at first */
    uint32_t id;
    uint8_t state;       /* h2_stream.h */
    uint8_t urgency;     /* RFC 9218: 0 to 7 */
    bool incremental;    /* RFC 9218 */
    bool sent_end;       /* END_STREAM is in the output */
    bool received_end;   /* END_STREAM has come, and was told */
    bool head_sent;      /* the final head, not a 1xx */
    bool held;           /* on_data said HOLD */
    bool busy;           /* an event of it is on the stack */
    bool gone;           /* ... and it is to be freed after that */
    bool bodiless;       /* client: the response to this has no body whatever it says (HEAD) */
    int32_t send_window; /* may be negative (RFC 9113 section 6.9.2) */
    int32_t receive_window;
    uint32_t unreported;     /* consumed, and not yet given back as window */
    uint64_t announced;      /* Content-Length of what comes; UINT64_MAX: none */
    uint64_t received;       /* body bytes that came */
    struct rw_buf *waiting;  /* body bytes that came while held (queue by rw_buf.next) */
    struct rw_span trailers; /* that came while held */
    /* What is to be sent and could not be yet. */
    struct rw_buf *out_buf; /* held; NULL: out_data is static */
    struct rw_span out_data;
    struct rw_span out_trailers;
    bool out_end;
    struct rw_list ready;       /* waits for room in the output, or window */
    struct rw_h2_stream *chain; /* in the table by id */
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

/* Takes over the reference to `buf`. `now_ms` (monotonic) is for the flood limits. After an error
 * of the connection what comes is dropped. */
void rw_h2_receive(struct rw_h2 *h2, struct rw_buf *buf, uint64_t now_ms);

/* What is to be sent: up to `room` parts, 0: nothing. The bytes stay until rw_h2_output_sent, which
 * must follow before the next call. Meanwhile further frames may be made. */
int rw_h2_output(struct rw_h2 *h2, struct iovec *parts, int room);
void rw_h2_output_sent(struct rw_h2 *h2);
bool rw_h2_has_output(const struct rw_h2 *h2);

/* ---- Streams: calls of the owner ---- */

/* Client: a new stream, for a head that follows; NULL: no memory, no room (rw_h2_room), GOAWAY. */
struct rw_h2_stream *rw_h2_stream_open(struct rw_h2 *h2, void *user);
/* Client: how many streams may be opened now. 0 before the peer's SETTINGS have come? No: RFC 9113
 * section 3.4 lets a client begin at once; our own streams_max holds until then. */
uint32_t rw_h2_room(const struct rw_h2 *h2);

/* A head: begin, put..., end. `bytes_max` bounds the names and values; `fields_max` the puts.
 * False: no memory, or the peer takes no head that large; nothing was written. */
RW_MUST_CHECK bool rw_h2_head_begin(struct rw_h2 *h2, struct rw_h2_stream *stream, size_t bytes_max,
                                    unsigned fields_max);
void rw_h2_put_status(struct rw_h2 *h2, unsigned status);
void rw_h2_put_pseudo(struct rw_h2 *h2, enum rw_pseudo which, struct rw_span value);
void rw_h2_put_field(struct rw_h2 *h2, enum rw_field_id id, struct rw_span name,
                     struct rw_span value);
/* All fields of the message but hop-by-hop ones, and those whose id is in `skip` (bits of
 * rw_field_id). Names are lower-cased on the way. */
void rw_h2_put_fields(struct rw_h2 *h2, const struct rw_message *message, uint64_t skip);
/* `end`: no body follows. `informational`: a 1xx, another head follows. */
void rw_h2_head_end(struct rw_h2 *h2, struct rw_h2_stream *stream, bool end, bool informational);

/* Body bytes. GO: taken (copied). HOLD: what could not be taken is held (`buf`, or static when
 * NULL), and nothing more may come until on_writable. With `end`, `trailers` ("Name: value\r\n"
 * lines that live as long as the stream) follow if there are any. */
enum rw_h2_more rw_h2_data(struct rw_h2 *h2, struct rw_h2_stream *stream, struct rw_buf *buf,
                           struct rw_span data, bool end, struct rw_span trailers);

/* After HOLD from on_data: the owner takes more. What waits is told from rw_h2_wake, not from
 * here. */
void rw_h2_resume(struct rw_h2 *h2, struct rw_h2_stream *stream);
/* At the end of the turn, with the output: what resume has set free is told. */
void rw_h2_wake(struct rw_h2 *h2);

/* Ends a stream now: RST_STREAM unless both sides have ended. It is gone; no on_reset. Whoever lets
 * go of a stream early calls this; a stream that has ended both ways goes by itself after the
 * owner has rw_h2_forget-ed it. */
void rw_h2_reset(struct rw_h2 *h2, struct rw_h2_stream *stream, enum rw_h2_code code);
/* The owner is through with the stream: no events any more. What has been given to send is sent; if
 * the peer has not ended, its rest is reset with NO_ERROR (RFC 9113 section 8.1). */
void rw_h2_forget(struct rw_h2 *h2, struct rw_h2_stream *stream);

/* ---- The connection: calls of the owner ---- */

/* GOAWAY with the last stream taken; `final` false: the first of two, with 2^31-1, which only asks
 * the peer to open no more (section 6.8). */
void rw_h2_goaway(struct rw_h2 *h2, enum rw_h2_code code, bool final);
void rw_h2_ping(struct rw_h2 *h2);
uint32_t rw_h2_stream_count(const struct rw_h2 *h2);
/* Are bytes ready to be sent that only the peer's window holds back? Since when (monotonic ms); 0:
 * no. For the owner's stall timeout. */
uint64_t rw_h2_stalled_ms(const struct rw_h2 *h2);
/* Calls `each` for every stream (which may reset it). */
void rw_h2_each(struct rw_h2 *h2, void (*each)(struct rw_h2 *h2, struct rw_h2_stream *stream));

#endif
