/* A peer of an HTTP/2 engine that is played from a script, and a transcript of what the engine did.
 *
 * A script is lines; each becomes a frame:
 *   preface                          what a client's connection begins with, SETTINGS not included
 *   settings [NUMBER=VALUE]...       ack
 *   get ID                           GET /, the whole request
 *   post ID [FIELD]...               POST /, a body follows
 *   headers ID FLAGS [FIELD]...      continuation ID FLAGS [FIELD]...
 *   data ID FLAGS [TEXT]             reset ID CODE            window ID NUMBER
 *   ping TEXT   pong TEXT            goaway ID CODE           priority ID   update ID VALUE
 *   frame TYPE FLAGS ID [HEX]        any frame
 *   huge TYPE FLAGS ID BYTES         any frame, of that many zeros
 * FLAGS: letters of s (END_STREAM), h (END_HEADERS), p (PADDED), o (PRIORITY), or "-". FIELD is
 * NAME=VALUE, a blank in it written as "~"; with HEX of a payload before: "#0102".
 *
 * Two transcripts: events, and frames of the engine, parted by "; ". Its first SETTINGS and window
 * are left out, as is SETTINGS ACK. Pieces of a body that follow each other are one.
 */
#ifndef RW_TESTS_H2_SCRIPT_H
#define RW_TESTS_H2_SCRIPT_H

#include "http/h2.h"

struct h2_transcript {
    char text[16 * 1024];
    size_t len;
};

struct h2_world {
    struct rw_h2 h2;
    struct rw_h2_settings settings;
    struct rw_h2_events events;
    struct rw_buf_pool buffers;
    struct rw_slab streams;
    struct rw_arena arena;
    struct rw_message message;
    struct rw_hpack_decoder decoder; /* of what the engine sends */
    struct h2_transcript events_seen, frames_seen;
    uint32_t data_id; /* the stream of `data`, which is not in the transcript yet */
    size_t data_bytes;
    char data[64];
    bool hold;   /* on_data says so */
    bool answer; /* a request that has ended is answered with 200 and "hello" */
    bool refuse; /* on_target wants no stream */
    bool keep;   /* streams are not forgotten */
    uint64_t now_ms;
};

void h2_world_begin(struct h2_world *world, bool server);
/* Opens the connection; what it sends first is not in the transcript. */
void h2_world_open(struct h2_world *world);
void h2_world_end(struct h2_world *world);

/* "EVENTS | FRAMES"; lives until the next call. */
const char *h2_transcript(struct h2_world *world);

/* The bytes of a script: how many. */
size_t h2_script_bytes(const char *script, char *to, size_t room);
/* Hands bytes to the engine in pieces of `piece`, and takes its output after each. */
void h2_give(struct h2_world *world, struct rw_span bytes, size_t piece);
/* A script, in one piece. */
void h2_play(struct h2_world *world, const char *script);
/* Takes the output into the transcript. */
void h2_take_output(struct h2_world *world);

#endif
