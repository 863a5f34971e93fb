/* What the fuzzers of both roles have in common that set an engine beside another implementation:
 * what each has received, by stream, and how the two are compared. */
#ifndef RW_TESTS_H2_PEER_FUZZ_H
#define RW_TESTS_H2_PEER_FUZZ_H

#include "http/h2_frame.h"
#include "support/h2_script.h"

#include <nghttp2/nghttp2.h>
#include <stdio.h>
#include <stdlib.h>

enum { CALLS_MAX = 64, TEXT_BYTES = 40000, INPUT_BYTES_MAX = 20000, IDS = 2 * CALLS_MAX };

/* A message as one of both has received it: "NAME: VALUE\n" and the body. */
struct call {
    size_t len;
    bool final; /* the head is here, and is no interim response */
    bool ended, lost;
    char text[TEXT_BYTES];
};

struct end {
    struct call calls[CALLS_MAX]; /* by id */
    bool failed;
    bool half_block; /* the input ends inside a header block, which the other one decodes as it
                        comes */
};

static struct end ours, theirs;
static char their_reason[200];

static struct call *call_of(struct end *end, uint32_t id)
{
    return id < IDS ? &end->calls[id / 2] : NULL;
}

static void add(struct call *call, const void *bytes, size_t len)
{
    if (!call || call->len + len > TEXT_BYTES)
        return;
    if (len)
        memcpy(call->text + call->len, bytes, len);
    call->len += len;
}

static void add_field(struct call *call, struct rw_span name, struct rw_span value)
{
    add(call, name.at, name.len);
    add(call, ": ", 2);
    add(call, value.at, value.len);
    add(call, "\n", 1);
}

/* ---- Ours ---- */

static struct h2_world world;

static enum rw_h2_more our_data(struct rw_h2 *h2, struct rw_h2_stream *stream, struct rw_buf *buf,
                                struct rw_span data, bool end, struct rw_span trailers)
{
    struct call *call = call_of(&ours, stream->id);
    (void)h2, (void)buf, (void)trailers;
    add(call, data.at, data.len);
    if (call)
        call->ended = end;
    return RW_H2_GO;
}

static void our_reset(struct rw_h2 *h2, struct rw_h2_stream *stream, enum rw_h2_code code)
{
    struct call *call = call_of(&ours, stream->id);
    (void)h2, (void)code;
    if (call)
        call->lost = true;
}

static void our_error(struct rw_h2 *h2, enum rw_h2_code code, enum rw_h2_flood flood,
                      const char *text)
{
    (void)h2, (void)code, (void)flood, (void)text;
    ours.failed = true;
}

static void watch_ours(void)
{
    world.events.on_data = our_data;
    world.events.on_reset = our_reset;
    world.events.on_error = our_error;
}

/* ---- Theirs ---- */

static int their_invalid_header(nghttp2_session *session, const nghttp2_frame *frame,
                                const uint8_t *name, size_t name_len, const uint8_t *value,
                                size_t value_len, uint8_t flags, void *user)
{
    (void)session, (void)frame, (void)name, (void)name_len, (void)value, (void)value_len;
    (void)flags, (void)user;
    return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
}

static int their_frame(nghttp2_session *session, const nghttp2_frame *frame, void *user)
{
    struct call *call = call_of(&theirs, (uint32_t)frame->hd.stream_id);
    (void)session, (void)user;
    if (call && (frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA))
        call->ended = call->ended || frame->hd.flags & NGHTTP2_FLAG_END_STREAM;
    return 0;
}

static int their_data(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *data,
                      size_t len, void *user)
{
    (void)session, (void)flags, (void)user;
    add(call_of(&theirs, (uint32_t)id), data, len);
    return 0;
}

static int their_sent(nghttp2_session *session, const nghttp2_frame *frame, void *user)
{
    (void)session, (void)user;
    if (frame->hd.type == NGHTTP2_GOAWAY) {
        theirs.failed = true;
        snprintf(their_reason, sizeof(their_reason), "%u %.*s", frame->goaway.error_code,
                 (int)frame->goaway.opaque_data_len, (const char *)frame->goaway.opaque_data);
    }
    return 0;
}

static void set_callbacks(nghttp2_session_callbacks *callbacks)
{
    nghttp2_session_callbacks_set_on_invalid_header_callback(callbacks, their_invalid_header);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, their_frame);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, their_data);
    nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, their_sent);
}

static void their_turn(nghttp2_session *session, const char *bytes, size_t len)
{
    const uint8_t *out;
    if (nghttp2_session_mem_recv(session, (const uint8_t *)bytes, len) < 0)
        theirs.failed = true;
    while (nghttp2_session_mem_send(session, &out) > 0)
        continue;
}

/* ---- Both ---- */

static void compare(uint32_t id)
{
    const struct call *our = call_of(&ours, id), *their = call_of(&theirs, id);
    if (our->lost)
        return;
    /* Nothing that ours has told may the other one have refused. */
    if (our->ended && !their->ended && !theirs.failed) {
        fprintf(stderr, "stream %u was not accepted by the other one\n%.*s\n", id, (int)our->len,
                our->text);
        abort();
    }
    if (!our->ended && (!their->ended || ours.failed))
        return;
    if (our->ended && their->ended &&
        (our->len != their->len || memcmp(our->text, their->text, our->len) != 0)) {
        fprintf(stderr, "stream %u differs\nours\n%.*s\ntheirs\n%.*s\n", id, (int)our->len,
                our->text, (int)their->len, their->text);
        abort();
    }
    rw_assert(our->ended || our->lost || !their->ended);
}

static void compare_all(void)
{
    for (uint32_t id = 1; id < IDS; id += 2)
        compare(id);
}

/* Without a frame that is cut off: the other one looks at parts of some, ours never does. */
static struct rw_span whole_frames(struct rw_span input)
{
    size_t at = 0;
    while (input.len - at >= RW_H2_FRAME_HEAD_BYTES) {
        size_t frame = RW_H2_FRAME_HEAD_BYTES + (size_t)rw_h2_frame_read(input.at + at).len;
        if (frame > input.len - at)
            break;
        at += frame;
    }
    return rw_span(input.at, at);
}

/* Nothing has been received; what both get of the input. */
static struct rw_span begin_round(const uint8_t *data, size_t size)
{
    for (size_t i = 0; i < CALLS_MAX; i++) {
        struct call *calls[] = {&ours.calls[i], &theirs.calls[i]};
        for (unsigned k = 0; k < 2; k++) {
            calls[k]->len = 0;
            calls[k]->final = calls[k]->ended = calls[k]->lost = false;
        }
    }
    ours.failed = theirs.failed = ours.half_block = false;
    return whole_frames(rw_span((const char *)data, size));
}

/* What a fuzzer itself has: each side is fed, and where the other one may give the connection up
 * although ours need not (reasons, ended by NULL). */
struct peers {
    void (*feed_ours)(struct rw_span input);
    void (*feed_theirs)(struct rw_span input);
    const char *const *known;
};

static bool is_known(const struct peers *peers, const char *reason)
{
    for (const char *const *known = peers->known; *known; known++)
        if (strcmp(reason, *known) == 0)
            return true;
    return false;
}

static int run_round(const struct peers *peers, const uint8_t *data, size_t size)
{
    if (size > INPUT_BYTES_MAX)
        return 0;
    struct rw_span input = begin_round(data, size);
    peers->feed_ours(input);
    peers->feed_theirs(input);
    compare_all();
    if (theirs.failed && !ours.failed && !ours.half_block && !is_known(peers, their_reason)) {
        fprintf(stderr, "the other one gave the connection up: %s\n", their_reason);
        abort();
    }
    return 0;
}

#endif
