/* A server's engine beside another implementation: both get the same bytes from a client. What ours
 * tells as a request, the other one has received too, with the same method, path, fields and body;
 * what makes the other one give up the connection, makes ours.
 *
 * Where they differ, ours is the stricter one, and that is as it should be:
 *   - it refuses what HTTP/1.1 cannot carry, and what RFC 9113 leaves open (two Hosts, user
 *     information, percent signs alone, Expect, CONNECT with a length);
 *   - frames for streams that are closed are errors of the connection as soon as it is sure.
 * So streams that it has refused or reset are not compared, and nothing behind its own GOAWAY.
 */
#include "http/h2_frame.h"
#include "support/h2_script.h"

#include <nghttp2/nghttp2.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { CALLS_MAX = 64, TEXT_BYTES = 40000, INPUT_BYTES_MAX = 20000, IDS = 2 * CALLS_MAX };

/* A request as one of both has received it: "NAME: VALUE\n" and the body. */
struct call {
    size_t len, body;
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

/* Cookies are joined and Host is made by ours. */
static bool is_compared(struct rw_span name)
{
    return !rw_span_is_nocase(name, "host") && !rw_span_is(name, "cookie") &&
           !rw_span_is(name, ":authority");
}

/* ---- Ours ---- */

static struct h2_world world;

static void our_head(struct rw_h2 *h2, struct rw_h2_stream *stream, unsigned status, bool end)
{
    const struct rw_message *message = &world.message;
    struct call *call = call_of(&ours, stream->id);
    (void)h2;
    if (!call)
        return;
    call->lost = status != 0;
    add_field(call, RW_LITERAL(":method"), message->method_text);
    if (message->path.len) {
        add_field(call, RW_LITERAL(":scheme"), message->scheme);
        add_field(call, RW_LITERAL(":path"), message->target);
    }
    if (message->protocol.len)
        add_field(call, RW_LITERAL(":protocol"), message->protocol);
    for (unsigned i = 0; i < message->field_count; i++)
        if (is_compared(message->fields[i].name))
            add_field(call, message->fields[i].name, message->fields[i].value);
    call->body = call->len;
    call->ended = end;
}

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

static void feed_ours(struct rw_span bytes)
{
    h2_world_begin(&world, true);
    memset(world.settings.flood_max, 0, sizeof(world.settings.flood_max));
    world.settings.head_bytes_max = 60000;
    world.settings.fields_max = 1000;
    world.settings.connect_protocol = true;
    world.events.on_head = our_head;
    world.events.on_data = our_data;
    world.events.on_reset = our_reset;
    world.events.on_error = our_error;
    h2_world_open(&world);
    h2_play(&world, "preface\nsettings\nack");
    h2_give(&world, bytes, RW_BUF_LARGE_BYTES);
    ours.half_block = world.h2.block_id != 0;
    h2_world_end(&world);
}

/* ---- Theirs ---- */

static int their_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
                        size_t name_len, const uint8_t *value, size_t value_len, uint8_t flags,
                        void *user)
{
    struct call *call = call_of(&theirs, (uint32_t)frame->hd.stream_id);
    struct rw_span field = rw_span((const char *)name, name_len);
    (void)session, (void)flags, (void)user;
    if (frame->headers.cat == NGHTTP2_HCAT_REQUEST && call && is_compared(field))
        add_field(call, field, rw_span((const char *)value, value_len));
    return 0;
}

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

static nghttp2_session *their_session(void)
{
    nghttp2_session_callbacks *callbacks;
    nghttp2_session *session;
    nghttp2_option *option;
    rw_assert(nghttp2_session_callbacks_new(&callbacks) == 0);
    rw_assert(nghttp2_option_new(&option) == 0);
    nghttp2_option_set_max_settings(option, 100000);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, their_header);
    nghttp2_session_callbacks_set_on_invalid_header_callback(callbacks, their_invalid_header);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, their_frame);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, their_data);
    nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, their_sent);
    rw_assert(nghttp2_session_server_new2(&session, callbacks, NULL, option) == 0);
    nghttp2_session_callbacks_del(callbacks);
    nghttp2_option_del(option);
    return session;
}

static void their_turn(nghttp2_session *session, const char *bytes, size_t len)
{
    const uint8_t *out;
    if (nghttp2_session_mem_recv(session, (const uint8_t *)bytes, len) < 0)
        theirs.failed = true;
    while (nghttp2_session_mem_send(session, &out) > 0)
        continue;
}

static void feed_theirs(struct rw_span bytes)
{
    static const nghttp2_settings_entry settings[] = {
        {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, 100},
        {NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1},
        {NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL, 1},
    };
    char begin[128];
    nghttp2_session *session = their_session();
    rw_assert(nghttp2_submit_settings(session, 0, settings, 3) == 0);
    their_turn(session, begin, h2_script_bytes("preface\nsettings\nack", begin, sizeof(begin)));
    their_turn(session, bytes.at, bytes.len);
    nghttp2_session_del(session);
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

/* Where the other one gives the connection up, and RFC 9113 lets the stream alone be reset. */
static bool is_known(const char *reason)
{
    static const char *const known[] = {
        "1 WINDOW_UPDATE: window_size_increment == 0", /* section 6.9 */
        "5 DATA: stream in half-closed(remote)",       /* section 5.1 */
        "5 HEADERS: stream closed",
        "1 request HEADERS: depend on itself", /* section 5.3.2 */
        "1 GOAWAY: invalid last_stream_id",
        "1 SETTINGS: unexpected ACK", /* nowhere said to be an error */
        "6 ",                         /* PRIORITY of a wrong size, section 6.3 */
    };
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (strcmp(reason, known[i]) == 0)
            return true;
    return false;
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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > INPUT_BYTES_MAX)
        return 0;
    for (size_t i = 0; i < CALLS_MAX; i++) {
        ours.calls[i].len = theirs.calls[i].len = 0;
        ours.calls[i].ended = ours.calls[i].lost = theirs.calls[i].ended = false;
    }
    ours.failed = theirs.failed = false;
    struct rw_span input = whole_frames(rw_span((const char *)data, size));
    feed_ours(input);
    feed_theirs(input);
    for (uint32_t id = 1; id < IDS; id += 2)
        compare(id);
    if (theirs.failed && !ours.failed && !ours.half_block && !is_known(their_reason)) {
        fprintf(stderr, "the other one gave the connection up: %s\n", their_reason);
        abort();
    }
    return 0;
}
