/* A client's engine beside another implementation: both have asked for the same three things, and
 * get the same bytes from a server. What ours tells as a response, the other one has received too,
 * with the same status, fields and body; what makes the other one give up the connection, makes
 * ours.
 *
 * Where they differ, ours is the stricter one, as with requests (h2_peer_fuzz.c). Streams that it
 * has reset are not compared, and nothing behind its own GOAWAY.
 */
#include "h2_peer_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { REQUESTS = 3 };

/* POST, HEAD, POST; the bodies do not end. */
static const char *const methods[REQUESTS] = {"POST", "HEAD", "POST"};

/* ---- Ours ---- */

static void our_head(struct rw_h2 *h2, struct rw_h2_stream *stream, unsigned status, bool end)
{
    const struct rw_message *message = &world.message;
    struct call *call = call_of(&ours, stream->id);
    char digits[4];
    (void)h2, (void)status;
    if (!call || message->status < 200)
        return;
    snprintf(digits, sizeof(digits), "%u", message->status % 1000u);
    add_field(call, RW_LITERAL(":status"), rw_span_text(digits));
    for (unsigned i = 0; i < message->field_count; i++)
        add_field(call, message->fields[i].name, message->fields[i].value);
    call->final = true;
    call->ended = end;
}

static void ask(void)
{
    for (unsigned i = 0; i < REQUESTS; i++) {
        struct rw_h2_stream *stream = rw_h2_stream_open(&world.h2, NULL);
        rw_assert(stream && rw_h2_head_begin(&world.h2, stream, 64, 4));
        rw_h2_put_pseudo(&world.h2, RW_PSEUDO_METHOD, rw_span_text(methods[i]));
        rw_h2_put_pseudo(&world.h2, RW_PSEUDO_SCHEME, RW_LITERAL("http"));
        rw_h2_put_pseudo(&world.h2, RW_PSEUDO_AUTHORITY, RW_LITERAL("a"));
        rw_h2_put_pseudo(&world.h2, RW_PSEUDO_PATH, RW_LITERAL("/"));
        rw_h2_head_end(&world.h2, stream, i == 1, false);
    }
}

static void feed_ours(struct rw_span bytes)
{
    h2_world_begin(&world, false);
    memset(world.settings.flood_max, 0, sizeof(world.settings.flood_max));
    world.settings.expansion_max = 0;
    world.settings.head_bytes_max = 60000;
    world.settings.fields_max = 1000;
    world.events.on_head = our_head;
    watch_ours();
    h2_world_open(&world);
    h2_play(&world, "settings\nack");
    ask();
    h2_give(&world, bytes, RW_BUF_LARGE_BYTES);
    ours.half_block = world.h2.block_id != 0;
    h2_world_end(&world);
}

/* ---- Theirs ---- */

/* Until a final head has come, each head begins anew. */
static int their_begin(nghttp2_session *session, const nghttp2_frame *frame, void *user)
{
    struct call *call = call_of(&theirs, (uint32_t)frame->hd.stream_id);
    (void)session, (void)user;
    if (call && frame->hd.type == NGHTTP2_HEADERS && !call->final)
        call->len = 0;
    return 0;
}

static int their_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
                        size_t name_len, const uint8_t *value, size_t value_len, uint8_t flags,
                        void *user)
{
    struct call *call = call_of(&theirs, (uint32_t)frame->hd.stream_id);
    struct rw_span field = rw_span((const char *)name, name_len);
    (void)session, (void)flags, (void)user;
    if (frame->hd.type == NGHTTP2_HEADERS && call && !call->final)
        add_field(call, field, rw_span((const char *)value, value_len));
    return 0;
}

/* Behind their_frame: was that the final head? */
static int their_message(nghttp2_session *session, const nghttp2_frame *frame, void *user)
{
    static const char interim[] = ":status: 1";
    struct call *call = call_of(&theirs, (uint32_t)frame->hd.stream_id);
    if (call && frame->hd.type == NGHTTP2_HEADERS)
        call->final = call->len < sizeof(interim) - 1 ||
                      memcmp(call->text, interim, sizeof(interim) - 1) != 0;
    return their_frame(session, frame, user);
}

static ssize_t no_body_yet(nghttp2_session *session, int32_t id, uint8_t *to, size_t room,
                           uint32_t *flags, nghttp2_data_source *source, void *user)
{
    (void)session, (void)id, (void)to, (void)room, (void)flags, (void)source, (void)user;
    return NGHTTP2_ERR_DEFERRED;
}

static void their_requests(nghttp2_session *session)
{
#define FIELD(name, value)                                                                         \
    {                                                                                              \
        (uint8_t *)(name), (uint8_t *)(value), strlen(name), strlen(value), NGHTTP2_NV_FLAG_NONE   \
    }
    for (unsigned i = 0; i < REQUESTS; i++) {
        const nghttp2_nv fields[] = {FIELD(":method", methods[i]), FIELD(":scheme", "http"),
                                     FIELD(":authority", "a"), FIELD(":path", "/")};
        const nghttp2_data_provider body = {.read_callback = no_body_yet};
        rw_assert(nghttp2_submit_request(session, NULL, fields, 4, i == 1 ? NULL : &body, NULL) ==
                  (int32_t)(1 + 2 * i));
    }
#undef FIELD
}

static void feed_theirs(struct rw_span bytes)
{
    static const nghttp2_settings_entry no_push = {NGHTTP2_SETTINGS_ENABLE_PUSH, 0};
    nghttp2_session_callbacks *callbacks;
    nghttp2_session *session;
    nghttp2_option *option;
    char begin[128];
    rw_assert(nghttp2_session_callbacks_new(&callbacks) == 0);
    rw_assert(nghttp2_option_new(&option) == 0);
    nghttp2_option_set_max_settings(option, 100000);
    nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, their_begin);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, their_header);
    set_callbacks(callbacks);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, their_message);
    rw_assert(nghttp2_session_client_new2(&session, callbacks, NULL, option) == 0);
    nghttp2_session_callbacks_del(callbacks);
    nghttp2_option_del(option);
    rw_assert(nghttp2_submit_settings(session, 0, &no_push, 1) == 0);
    their_turn(session, begin, h2_script_bytes("settings\nack", begin, sizeof(begin)));
    their_requests(session);
    their_turn(session, begin, 0);
    their_turn(session, bytes.at, bytes.len);
    nghttp2_session_del(session);
}

/* Where the other one gives the connection up, and RFC 9113 lets the stream alone be reset. */
static const char *const known[] = {
    "1 WINDOW_UPDATE: window_size_increment == 0", /* section 6.9 */
    "1 DATA: stream not opened",                   /* before a head: section 8.1.1 */
    "1 SETTINGS: unexpected ACK",                  /* nowhere said to be an error */
    "1 GOAWAY: invalid last_stream_id",            /* the same */
    "5 HEADERS: stream closed",                    /* section 5.1 */
    "5 DATA: stream in half-closed(remote)",
    "6 ", /* PRIORITY of a wrong size, section 6.3 */
    NULL,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct peers peers = {feed_ours, feed_theirs, known};
    return run_round(&peers, data, size);
}
