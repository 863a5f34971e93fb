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
#include "h2_peer_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Cookies are joined and Host is made by ours. */
static bool is_compared(struct rw_span name)
{
    return !rw_span_is_nocase(name, "host") && !rw_span_is(name, "cookie") &&
           !rw_span_is(name, ":authority");
}

/* ---- Ours ---- */

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
    call->final = true;
    call->ended = end;
}

static void feed_ours(struct rw_span bytes)
{
    h2_world_begin(&world, true);
    memset(world.settings.flood_max, 0, sizeof(world.settings.flood_max));
    world.settings.expansion_max = 0;
    world.settings.head_bytes_max = 60000;
    world.settings.fields_max = 1000;
    world.settings.connect_protocol = true;
    world.events.on_head = our_head;
    watch_ours();
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

static nghttp2_session *their_session(void)
{
    nghttp2_session_callbacks *callbacks;
    nghttp2_session *session;
    nghttp2_option *option;
    rw_assert(nghttp2_session_callbacks_new(&callbacks) == 0);
    rw_assert(nghttp2_option_new(&option) == 0);
    nghttp2_option_set_max_settings(option, 100000);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, their_header);
    set_callbacks(callbacks);
    rw_assert(nghttp2_session_server_new2(&session, callbacks, NULL, option) == 0);
    nghttp2_session_callbacks_del(callbacks);
    nghttp2_option_del(option);
    return session;
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

/* Where the other one gives the connection up, and RFC 9113 lets the stream alone be reset. */
static const char *const known[] = {
    "1 WINDOW_UPDATE: window_size_increment == 0", /* section 6.9 */
    "5 DATA: stream in half-closed(remote)",       /* section 5.1 */
    "5 HEADERS: stream closed",
    "1 request HEADERS: depend on itself", /* section 5.3.2 */
    "1 GOAWAY: invalid last_stream_id",
    "1 SETTINGS: unexpected ACK", /* nowhere said to be an error */
    "6 ",                         /* PRIORITY of a wrong size, section 6.3 */
    NULL,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct peers peers = {feed_ours, feed_theirs, known};
    return run_round(&peers, data, size);
}
