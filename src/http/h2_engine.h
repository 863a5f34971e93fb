/* What the files h2_*.c have of each other. Private to src/http.
 *
 *   h2.c           open, close, errors, what the owner asks of the connection
 *   h2_receive.c   bytes to frames          h2_control.c  frames that carry no message
 *   h2_heads.c     header blocks to events  h2_bodies.c   DATA to events, windows given back
 *   h2_stream.c    the table of streams     h2_output.c   frames to bytes
 *   h2_head.c      heads out                h2_send.c     bodies out, who comes next
 *   h2_flood.c     what comes too often     h2_message.c  decoded heads to messages
 *
 * A function that finds an error of the connection calls rw_h2_fail and returns; every loop looks
 * at h2->ended. After an event a stream may be gone: it is still there to be looked at, since it
 * is freed by rw_h2_sweep, which whoever handles frames calls between two of them.
 */
#ifndef RW_HTTP_H2_ENGINE_H
#define RW_HTTP_H2_ENGINE_H

#include "http/h2.h"
#include "http/h2_frame.h"

enum { RW_H2_URGENCIES = 8, RW_H2_URGENCY_DEFAULT = 3 };

/* Streams that we have reset, of which frames may be on their way. */
enum { RW_H2_RESET_IDS = 64 };

/* PRIORITY_UPDATE frames that came before their requests (RFC 9218 section 7.1): the latest ones.
 */
enum { RW_H2_EARLY_PRIORITIES = 8 };
struct rw_h2_early_priority {
    uint32_t id; /* 0: none */
    uint8_t urgency;
    bool incremental;
};

struct rw_h2_table {
    struct rw_list ready[RW_H2_URGENCIES];
    struct rw_list woken;
    struct rw_h2_stream **buckets;
    uint32_t mask;
    struct rw_h2_early_priority early[RW_H2_EARLY_PRIORITIES]; /* a ring */
    uint32_t early_count;                                      /* so far */
    uint32_t resets;                                           /* so far: reset_ids is a ring */
    uint32_t reset_ids[RW_H2_RESET_IDS];
};

/* ---- h2.c ---- */

/* An error of the connection: GOAWAY; the streams and the owner are told by rw_h2_tell_error. */
void rw_h2_fail(struct rw_h2 *h2, enum rw_h2_code code, const char *text);
void rw_h2_fail_flood(struct rw_h2 *h2, enum rw_h2_flood flood);
void rw_h2_fail_memory(struct rw_h2 *h2);
/* When no event is on the stack. */
void rw_h2_tell_error(struct rw_h2 *h2);
/* An error of the stream: RST_STREAM, on_reset; it is gone. */
void rw_h2_stream_error(struct rw_h2 *h2, struct rw_h2_stream *stream, enum rw_h2_code code,
                        const char *text);

/* ---- h2_stream.c ---- */

/* With id 0: a client's stream whose head has not begun. NULL: no memory. */
struct rw_h2_stream *rw_h2_stream_new(struct rw_h2 *h2, uint32_t id);
void rw_h2_stream_name(struct rw_h2 *h2, struct rw_h2_stream *stream, uint32_t id);
struct rw_h2_stream *rw_h2_stream_find(const struct rw_h2 *h2, uint32_t id);
/* What came while it was held is not wanted any more. */
void rw_h2_stream_drop_waiting(struct rw_h2 *h2, struct rw_h2_stream *stream);
/* Out of the table, and to be freed. */
void rw_h2_stream_drop(struct rw_h2 *h2, struct rw_h2_stream *stream);
/* Both ways have ended, maybe: counts it no longer, and lets it go when it is forgotten. */
void rw_h2_stream_settle(struct rw_h2 *h2, struct rw_h2_stream *stream);
/* on_reset unless it is forgotten; dropped. */
void rw_h2_stream_lost(struct rw_h2 *h2, struct rw_h2_stream *stream, enum rw_h2_code code);
void rw_h2_free_gone(struct rw_h2 *h2);
/* That we have reset it, and have we? MAYBE: it is too long ago. */
void rw_h2_note_reset(struct rw_h2 *h2, uint32_t id);
enum rw_h2_was_reset { RW_H2_NOT_RESET, RW_H2_WAS_RESET, RW_H2_MAYBE_RESET };
enum rw_h2_was_reset rw_h2_was_reset(const struct rw_h2 *h2, uint32_t id);
/* The table is there afterwards; false: no memory. */
RW_MUST_CHECK bool rw_h2_table_make(struct rw_h2 *h2);
void rw_h2_table_free(struct rw_h2 *h2);

/* Frees streams that are gone if no event is on the stack. */
static inline void rw_h2_sweep(struct rw_h2 *h2)
{
    if (__builtin_expect(h2->gone != NULL, 0) && h2->depth == 0)
        rw_h2_free_gone(h2);
}

/* ---- h2_receive.c, h2_control.c, h2_heads.c, h2_bodies.c ---- */

/* A whole frame that is not DATA. */
void rw_h2_control(struct rw_h2 *h2, struct rw_h2_frame frame, const char *payload);
void rw_h2_headers(struct rw_h2 *h2, struct rw_h2_frame frame, const char *payload);
/* END_STREAM of a body that has begun; what comes after the trailers. */
void rw_h2_body_ended(struct rw_h2 *h2, struct rw_h2_stream *stream);
void rw_h2_continuation(struct rw_h2 *h2, struct rw_h2_frame frame, const char *payload);
/* The header of a DATA frame, and behind it, if it is padded, the length of the padding. */
void rw_h2_data_begin(struct rw_h2 *h2, struct rw_h2_frame frame, const char *payload);
/* What is there of the DATA frame under way: how many bytes it took. `buf` NULL: the bytes are
 * nobody's and must be copied. */
size_t rw_h2_data_take(struct rw_h2 *h2, struct rw_buf *buf, struct rw_span bytes);
/* What was resumed. */
void rw_h2_tell_woken(struct rw_h2 *h2);
/* `bytes` of DATA are dealt with: window goes back to the peer when it is worth a frame. */
void rw_h2_credit(struct rw_h2 *h2, uint32_t bytes);
/* A frame for a stream that is no more, other than PRIORITY, RST_STREAM and WINDOW_UPDATE: passed
 * over, or an error. */
void rw_h2_frame_for_closed(struct rw_h2 *h2, uint32_t id);
/* Has no stream with this id been opened yet? */
static inline bool rw_h2_is_idle(const struct rw_h2 *h2, uint32_t id)
{
    if (h2->settings->server)
        return id > h2->peer_last_id || !(id & 1);
    return id >= h2->own_next_id || !(id & 1);
}

/* ---- h2_output.c ---- */

/* Room for `bytes` in one piece (at most RW_BUF_LARGE_BYTES); NULL: no memory. What is used of it
 * is then said by rw_h2_commit. */
char *rw_h2_reserve(struct rw_h2 *h2, size_t bytes);
void rw_h2_commit(struct rw_h2 *h2, size_t bytes);
/* A small frame; no memory fails the connection. */
void rw_h2_put_frame(struct rw_h2 *h2, enum rw_h2_frame_type type, unsigned flags, uint32_t id,
                     struct rw_span payload);
void rw_h2_put_number(struct rw_h2 *h2, enum rw_h2_frame_type type, uint32_t id, uint32_t number);
void rw_h2_put_goaway(struct rw_h2 *h2, uint32_t last_id, enum rw_h2_code code, const char *text);
/* What is to be told and sent at the end of every call that tells events; not from inside one. */
void rw_h2_turn(struct rw_h2 *h2);
/* on_output, once a turn. */
void rw_h2_ask(struct rw_h2 *h2);
void rw_h2_output_free(struct rw_h2 *h2);

/* ---- h2_head.c ---- */

/* A field section with END_STREAM from "name: value\r\n" lines. False: no memory. */
RW_MUST_CHECK bool rw_h2_put_trailers(struct rw_h2 *h2, struct rw_h2_stream *stream,
                                      struct rw_span lines);

/* ---- h2_send.c ---- */

/* Streams that wait send what they can. Never with an event on the stack. */
void rw_h2_serve(struct rw_h2 *h2);
/* The stream's window, its priority or what it has to send has changed. */
void rw_h2_ready(struct rw_h2 *h2, struct rw_h2_stream *stream);
void rw_h2_unready(struct rw_h2 *h2, struct rw_h2_stream *stream);
/* Has it bytes to send that the peer gives no window? */
bool rw_h2_is_stalled(const struct rw_h2 *h2, const struct rw_h2_stream *stream);
uint32_t rw_h2_stalled_count(const struct rw_h2 *h2);

/* ---- h2_priority.c ---- */

/* A Priority field's value, or a PRIORITY_UPDATE frame's (RFC 9218 section 4). */
void rw_h2_prioritise(struct rw_h2 *h2, struct rw_h2_stream *stream, struct rw_span value);
/* A PRIORITY_UPDATE frame for a stream that is not open yet; with no memory it is passed over. */
void rw_h2_prioritise_early(struct rw_h2 *h2, uint32_t id, struct rw_span value);
/* The head of a request has come: what such a frame said goes before its field. */
void rw_h2_prioritise_new(struct rw_h2 *h2, struct rw_h2_stream *stream, struct rw_span value);

/* ---- h2_flood.c ---- */

/* Counts so many; past the limit the connection fails. */
void rw_h2_charge_times(struct rw_h2 *h2, enum rw_h2_flood flood, uint32_t times);
static inline void rw_h2_charge(struct rw_h2 *h2, enum rw_h2_flood flood)
{
    rw_h2_charge_times(h2, flood, 1);
}

/* ---- Events ---- */

static inline void rw_h2_enter(struct rw_h2 *h2)
{
    h2->depth++;
}

static inline void rw_h2_leave(struct rw_h2 *h2)
{
    rw_assert(h2->depth > 0);
    h2->depth--;
}

#endif
