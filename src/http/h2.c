#include "http/h2_engine.h"

#include "base/alloc.h"

/* ---- Names ---- */

const char *rw_h2_code_name(enum rw_h2_code code)
{
    static const char *const names[RW_H2_CODE_COUNT] = {
        "NO_ERROR",
        "PROTOCOL_ERROR",
        "INTERNAL_ERROR",
        "FLOW_CONTROL_ERROR",
        "SETTINGS_TIMEOUT",
        "STREAM_CLOSED",
        "FRAME_SIZE_ERROR",
        "REFUSED_STREAM",
        "CANCEL",
        "COMPRESSION_ERROR",
        "CONNECT_ERROR",
        "ENHANCE_YOUR_CALM",
        "INADEQUATE_SECURITY",
        "HTTP_1_1_REQUIRED",
    };
    return (unsigned)code < RW_H2_CODE_COUNT ? names[code] : "unknown code";
}

/* ---- Begin ---- */

static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

static char *put_setting(char *at, enum rw_h2_setting which, uint32_t value)
{
    *at++ = 0;
    *at++ = (char)which;
    return rw_h2_write32(at, value);
}

static char *put_settings(const struct rw_h2_settings *settings, char *at)
{
    if (settings->server) {
        at = put_setting(at, RW_H2_SETTING_MAX_CONCURRENT_STREAMS, settings->streams_max);
        at = put_setting(at, RW_H2_SETTING_NO_RFC7540_PRIORITIES, 1);
        if (settings->connect_protocol)
            at = put_setting(at, RW_H2_SETTING_ENABLE_CONNECT_PROTOCOL, 1);
    } else
        at = put_setting(at, RW_H2_SETTING_ENABLE_PUSH, 0);
    at = put_setting(at, RW_H2_SETTING_INITIAL_WINDOW_SIZE, settings->stream_window_bytes);
    at = put_setting(at, RW_H2_SETTING_HEADER_TABLE_SIZE, settings->table_bytes_max);
    return put_setting(at, RW_H2_SETTING_MAX_HEADER_LIST_SIZE, settings->head_bytes_max);
}

/* The preface (RFC 9113 section 3.4), and the connection's window. */
static void put_preface(struct rw_h2 *h2)
{
    enum { BYTES_MAX = 128 };
    const struct rw_h2_settings *settings = h2->settings;
    char *begin = rw_h2_reserve(h2, BYTES_MAX);
    if (!begin)
        return;
    char *at = begin;
    if (!settings->server) {
        memcpy(at, preface, sizeof(preface) - 1);
        at += sizeof(preface) - 1;
    }
    char *frame = at;
    at = put_settings(settings, at + RW_H2_FRAME_HEAD_BYTES);
    rw_h2_frame_write(frame, (size_t)(at - frame) - RW_H2_FRAME_HEAD_BYTES, RW_H2_SETTINGS, 0, 0);
    uint32_t more = settings->connection_window_bytes > RW_H2_WINDOW_BYTES_DEFAULT
                        ? settings->connection_window_bytes - RW_H2_WINDOW_BYTES_DEFAULT
                        : 0;
    if (more) {
        at = rw_h2_write32(rw_h2_frame_write(at, 4, RW_H2_WINDOW_UPDATE, 0, 0), more);
        h2->receive_window += (int32_t)more;
    }
    rw_assert(at - begin <= BYTES_MAX);
    rw_h2_commit(h2, (size_t)(at - begin));
}

enum rw_err rw_h2_open(struct rw_h2 *h2, const struct rw_h2_settings *settings,
                       const struct rw_h2_events *events, struct rw_buf_pool *buffers,
                       struct rw_slab *streams, void *user)
{
    rw_assert(settings->stream_window_bytes <= RW_H2_WINDOW_BYTES_MAX);
    rw_assert(settings->connection_window_bytes <= RW_H2_WINDOW_BYTES_MAX);
    *h2 = (struct rw_h2){
        .user = user,
        .settings = settings,
        .events = events,
        .buffers = buffers,
        .streams = streams,
        .preface_bytes = settings->server ? sizeof(preface) - 1 : 0,
        .send_window = RW_H2_WINDOW_BYTES_DEFAULT,
        .receive_window = RW_H2_WINDOW_BYTES_DEFAULT,
        .peer_window_bytes = RW_H2_WINDOW_BYTES_DEFAULT,
        .peer_streams_max = UINT32_MAX,
        .peer_head_bytes_max = UINT32_MAX,
        .own_next_id = 1,
        .goaway_id = RW_H2_STREAM_ID_MAX,
    };
    rw_hpack_decoder_init(&h2->decoder, settings->table_bytes_max);
    rw_hpack_encoder_init(&h2->encoder, settings->table_bytes_max);
    put_preface(h2);
    if (h2->out_first)
        return RW_OK;
    rw_hpack_decoder_free(&h2->decoder);
    rw_hpack_encoder_free(&h2->encoder);
    return RW_ENOMEM;
}

/* ---- Errors ---- */

static void fail(struct rw_h2 *h2, enum rw_h2_code code, enum rw_h2_flood flood, const char *text)
{
    if (h2->ended)
        return;
    h2->ended = true;
    h2->error_code = (uint8_t)code;
    h2->error_flood = (uint8_t)flood;
    h2->reason = text;
    /* A later GOAWAY never covers more than an earlier one (RFC 9113 section 6.8). */
    uint32_t last_id = h2->peer_last_id < h2->goaway_id ? h2->peer_last_id : h2->goaway_id;
    rw_h2_put_goaway(h2, last_id, code, text);
    rw_h2_ask(h2);
}

void rw_h2_fail(struct rw_h2 *h2, enum rw_h2_code code, const char *text)
{
    fail(h2, code, RW_H2_FLOOD_COUNT, text);
}

void rw_h2_fail_flood(struct rw_h2 *h2, enum rw_h2_flood flood)
{
    fail(h2, RW_H2_ENHANCE_YOUR_CALM, flood, rw_h2_flood_name(flood));
}

void rw_h2_fail_memory(struct rw_h2 *h2)
{
    rw_h2_fail(h2, RW_H2_INTERNAL_ERROR, "out of memory");
}

static void lose_stream(struct rw_h2 *h2, struct rw_h2_stream *stream)
{
    rw_h2_stream_lost(h2, stream, (enum rw_h2_code)h2->error_code);
}

void rw_h2_tell_error(struct rw_h2 *h2)
{
    if (!h2->ended || h2->error_told || h2->depth)
        return;
    h2->error_told = true;
    const char *text = h2->reason;
    rw_h2_each(h2, lose_stream);
    rw_h2_enter(h2);
    h2->events->on_error(h2, (enum rw_h2_code)h2->error_code, (enum rw_h2_flood)h2->error_flood,
                         text);
    rw_h2_leave(h2);
    rw_h2_sweep(h2);
}

void rw_h2_stream_error(struct rw_h2 *h2, struct rw_h2_stream *stream, enum rw_h2_code code,
                        const char *text)
{
    if (h2->settings->server)
        rw_h2_charge(h2, RW_H2_FLOOD_RESETS);
    if (h2->ended)
        return;
    h2->reason = text;
    rw_h2_put_number(h2, RW_H2_RST_STREAM, stream->id, code);
    rw_h2_note_reset(h2, stream->id);
    rw_h2_stream_lost(h2, stream, code);
    h2->reason = h2->ended ? h2->reason : NULL;
}

/* ---- End ---- */

void rw_h2_close(struct rw_h2 *h2, enum rw_h2_code code)
{
    rw_assert(h2->depth == 0 && !h2->busy);
    h2->ended = h2->error_told = true;
    h2->error_code = (uint8_t)code;
    h2->reason = NULL;
    rw_h2_each(h2, lose_stream);
    rw_assert(h2->stream_count == 0);
    rw_h2_table_free(h2);
    rw_h2_output_free(h2);
    rw_free(h2->in);
    rw_free(h2->block);
    rw_hpack_decoder_free(&h2->decoder);
    rw_hpack_encoder_free(&h2->encoder);
    h2->in = h2->block = NULL;
}

void rw_h2_rest(struct rw_h2 *h2)
{
    if (h2->stream_count == 0 && h2->depth == 0 && !h2->busy && h2->table) {
        rw_h2_table_free(h2);
        h2->forgot = true;
    }
}

/* ---- What the owner asks of the connection ---- */

void rw_h2_goaway(struct rw_h2 *h2, enum rw_h2_code code, bool final)
{
    if (h2->ended || h2->goaway_sent)
        return;
    if (final) {
        h2->goaway_sent = true;
        h2->goaway_id = h2->peer_last_id;
    }
    rw_h2_put_goaway(h2, h2->goaway_id, code, "");
}

void rw_h2_ping(struct rw_h2 *h2)
{
    if (h2->ended || h2->pings == UINT8_MAX)
        return;
    h2->pings++;
    rw_h2_put_frame(h2, RW_H2_PING, 0, 0, RW_LITERAL("ringway?"));
}

uint32_t rw_h2_stream_count(const struct rw_h2 *h2)
{
    return h2->stream_count;
}
