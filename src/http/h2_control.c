/* Frames that carry no message (RFC 9113 sections 6.3 to 6.9, RFC 9218 section 7.1). */
#include "http/h2_engine.h"

enum { SETTINGS_PER_CHARGE = 16 };

/* ---- SETTINGS ---- */

/* Streams that were told of less window than we had assumed (RFC 9113 section 6.9.2). */
static void take_window(struct rw_h2 *h2, struct rw_h2_stream *stream)
{
    stream->receive_window -=
        RW_H2_WINDOW_BYTES_DEFAULT - (int32_t)h2->settings->stream_window_bytes;
}

static void settings_acked(struct rw_h2 *h2)
{
    if (h2->settings_acked)
        return;
    h2->settings_acked = true;
    rw_hpack_decoder_acknowledged(&h2->decoder, h2->settings->table_bytes_max);
    if (h2->settings->stream_window_bytes < RW_H2_WINDOW_BYTES_DEFAULT)
        rw_h2_each(h2, take_window);
}

static void change_window(struct rw_h2 *h2, struct rw_h2_stream *stream)
{
    int64_t window = (int64_t)stream->send_window + h2->window_change;
    if (window > RW_H2_WINDOW_BYTES_MAX) {
        rw_h2_fail(h2, RW_H2_FLOW_CONTROL_ERROR, "SETTINGS_INITIAL_WINDOW_SIZE overflows a window");
        return;
    }
    stream->send_window = (int32_t)window;
    rw_h2_ready(h2, stream);
}

static void setting_switch(struct rw_h2 *h2, unsigned which, uint32_t value)
{
    if (value > 1)
        rw_h2_fail(h2, RW_H2_PROTOCOL_ERROR, "a setting that is neither 0 nor 1");
    else if (which == RW_H2_SETTING_ENABLE_PUSH && value && !h2->settings->server)
        rw_h2_fail(h2, RW_H2_PROTOCOL_ERROR, "a server that enables push");
    else if (which == RW_H2_SETTING_ENABLE_CONNECT_PROTOCOL) {
        if (!value && h2->peer_connect_protocol)
            rw_h2_fail(h2, RW_H2_PROTOCOL_ERROR, "SETTINGS_ENABLE_CONNECT_PROTOCOL taken back");
        h2->peer_connect_protocol = value;
    } else if (which == RW_H2_SETTING_NO_RFC7540_PRIORITIES) {
        if (h2->priorities_said && value != h2->priorities_off)
            rw_h2_fail(h2, RW_H2_PROTOCOL_ERROR, "SETTINGS_NO_RFC7540_PRIORITIES has changed");
        h2->priorities_said = true;
        h2->priorities_off = value;
    }
}

static void setting(struct rw_h2 *h2, unsigned which, uint32_t value, uint32_t *window)
{
    switch (which) {
    case RW_H2_SETTING_HEADER_TABLE_SIZE:
        rw_hpack_encoder_limit(&h2->encoder, value);
        break;
    case RW_H2_SETTING_ENABLE_PUSH:
    case RW_H2_SETTING_ENABLE_CONNECT_PROTOCOL:
    case RW_H2_SETTING_NO_RFC7540_PRIORITIES:
        setting_switch(h2, which, value);
        break;
    case RW_H2_SETTING_MAX_CONCURRENT_STREAMS:
        h2->peer_streams_max = value;
        break;
    case RW_H2_SETTING_INITIAL_WINDOW_SIZE:
        if (value > RW_H2_WINDOW_BYTES_MAX)
            rw_h2_fail(h2, RW_H2_FLOW_CONTROL_ERROR, "SETTINGS_INITIAL_WINDOW_SIZE too large");
        *window = value;
        break;
    case RW_H2_SETTING_MAX_FRAME_SIZE:
        if (value < RW_H2_FRAME_BYTES_MAX || value > 0xffffff)
            rw_h2_fail(h2, RW_H2_PROTOCOL_ERROR, "SETTINGS_MAX_FRAME_SIZE out of range");
        break;
    case RW_H2_SETTING_MAX_HEADER_LIST_SIZE:
        h2->peer_head_bytes_max = value;
        break;
    default: /* to be passed over, RFC 9113 section 6.5.2 */
        break;
    }
}

/* The last value of a frame counts: streams are gone through once. */
static void take_settings(struct rw_h2 *h2, struct rw_span payload)
{
    uint32_t window = h2->peer_window_bytes;
    for (size_t i = 0; i < payload.len && !h2->ended; i += 6) {
        unsigned which = (unsigned)(uint8_t)payload.at[i] << 8 | (uint8_t)payload.at[i + 1];
        setting(h2, which, rw_h2_read32(payload.at + i + 2), &window);
    }
    if (h2->ended)
        return;
    h2->priorities_said = true; /* not to be changed after the first SETTINGS, RFC 9218 2.1 */
    h2->window_change = (int64_t)window - h2->peer_window_bytes;
    h2->peer_window_bytes = window;
    if (h2->window_change)
        rw_h2_each(h2, change_window);
}

static void settings_frame(struct rw_h2 *h2, struct rw_h2_frame frame, const char *payload)
{
    bool ack = frame.flags & RW_H2_FLAG_ACK;
    if (frame.id)
        rw_h2_fail(h2, RW_H2_PROTOCOL_ERROR, "SETTINGS on a stream");
    else if (ack ? frame.len != 0 : frame.len % 6 != 0)
        rw_h2_fail(h2, RW_H2_FRAME_SIZE_ERROR, "SETTINGS of a wrong size");
    else
        rw_h2_charge_times(h2, RW_H2_FLOOD_SETTINGS, 1 + frame.len / (6 * SETTINGS_PER_CHARGE));
    if (h2->ended)
        return;
    if (ack) {
        settings_acked(h2);
        return;
    }
    take_settings(h2, rw_span(payload, frame.len));
    if (h2->ended)
        return;
    h2->settings_received = true;
    rw_h2_put_frame(h2, RW_H2_SETTINGS, RW_H2_FLAG_ACK, 0, RW_LITERAL(""));
    rw_h2_enter(h2);
    h2->events->on_settings(h2);
    rw_h2_leave(h2);
}

/* ---- PING, GOAWAY ---- */

static void ping_frame(struct rw_h2 *h2, struct rw_h2_frame frame, const char *payload)
{
    if (frame.id)
        rw_h2_fail(h2, RW_H2_PROTOCOL_ERROR, "PING on a stream");
    else if (frame.len != 8)
        rw_h2_fail(h2, RW_H2_FRAME_SIZE_ERROR, "PING of a wrong size");
    else if (!(frame.flags & RW_H2_FLAG_ACK) || !h2->pings)
        rw_h2_charge(h2, RW_H2_FLOOD_PINGS);
    if (h2->ended)
        return;
    if (!(frame.flags & RW_H2_FLAG_ACK))
        rw_h2_put_frame(h2, RW_H2_PING, RW_H2_FLAG_ACK, 0, rw_span(payload, 8));
    else if (h2->pings) {
        h2->pings--;
        rw_h2_enter(h2);
        h2->events->on_pong(h2);
        rw_h2_leave(h2);
    }
}

bool rw_h2_left_out(const struct rw_h2 *h2, const struct rw_h2_stream *stream)
{
    return h2->goaway_received && (stream->id == 0 || stream->id > h2->peer_goaway_id);
}

static void lose_left_out(struct rw_h2 *h2, struct rw_h2_stream *stream)
{
    if (rw_h2_left_out(h2, stream))
        rw_h2_stream_lost(h2, stream, RW_H2_REFUSED_STREAM);
}

static void goaway_frame(struct rw_h2 *h2, struct rw_h2_frame frame, const char *payload)
{
    if (frame.id)
        rw_h2_fail(h2, RW_H2_PROTOCOL_ERROR, "GOAWAY on a stream");
    else if (frame.len < 8)
        rw_h2_fail(h2, RW_H2_FRAME_SIZE_ERROR, "GOAWAY of a wrong size");
    else
        rw_h2_charge(h2, RW_H2_FLOOD_SETTINGS);
    if (h2->ended)
        return;
    uint32_t last_id = rw_h2_read32(payload) & RW_H2_STREAM_ID_MAX;
    uint32_t code = rw_h2_read32(payload + 4);
    if (h2->goaway_received && last_id > h2->peer_goaway_id) {
        rw_h2_fail(h2, RW_H2_PROTOCOL_ERROR, "GOAWAY covers more than the one before");
        return;
    }
    h2->goaway_received = true;
    h2->peer_goaway_id = last_id;
    if (!h2->settings->server)
        rw_h2_each(h2, lose_left_out);
    rw_h2_enter(h2);
    h2->events->on_goaway(h2,
                          code < RW_H2_CODE_COUNT ? (enum rw_h2_code)code : RW_H2_INTERNAL_ERROR);
    rw_h2_leave(h2);
}

/* ---- RST_STREAM, WINDOW_UPDATE ---- */

/* The server has answered in full and wants no more of the request; of the answer something waits
 * here, which RFC 9113 section 8.1 wants kept. */
static bool only_deaf(const struct rw_h2 *h2, const struct rw_h2_stream *stream, uint32_t code)
{
    return !h2->settings->server && code == RW_H2_NO_ERROR && stream->received_end &&
           !stream->told_end;
}

static void deafen(struct rw_h2 *h2, struct rw_h2_stream *stream)
{
    bool pending = stream->pending;
    rw_h2_unready(h2, stream);
    rw_buf_drop(stream->out_buf);
    stream->out_buf = NULL;
    stream->out_data = stream->out_trailers = (struct rw_span){0};
    stream->pending = false;
    stream->sent_end = stream->deaf = true;
    rw_h2_stream_settle(h2, stream);
    if (!pending || stream->gone)
        return;
    rw_h2_enter(h2);
    h2->events->on_writable(h2, stream);
    rw_h2_leave(h2);
}

static void rst_stream_frame(struct rw_h2 *h2, struct rw_h2_frame frame, const char *payload)
{
    if (frame.id == 0 || rw_h2_is_idle(h2, frame.id)) {
        rw_h2_fail(h2, RW_H2_PROTOCOL_ERROR, "RST_STREAM for an idle stream");
        return;
    }
    if (frame.len != 4) {
        rw_h2_fail(h2, RW_H2_FRAME_SIZE_ERROR, "RST_STREAM of a wrong size");
        return;
    }
    struct rw_h2_stream *stream = rw_h2_stream_find(h2, frame.id);
    if (!stream)
        return;
    uint32_t code = rw_h2_read32(payload);
    if (only_deaf(h2, stream, code)) {
        deafen(h2, stream);
        return;
    }
    bool answered = stream->head_sent, stalled = rw_h2_is_stalled(h2, stream);
    rw_h2_stream_lost(h2, stream,
                      code < RW_H2_CODE_COUNT ? (enum rw_h2_code)code : RW_H2_INTERNAL_ERROR);
    if (h2->settings->server && (!answered || stalled))
        rw_h2_charge(h2, answered ? RW_H2_FLOOD_STALLS : RW_H2_FLOOD_RESETS);
}

static void connection_window(struct rw_h2 *h2, uint32_t more)
{
    if (more == 0)
        rw_h2_fail(h2, RW_H2_PROTOCOL_ERROR, "WINDOW_UPDATE of nothing");
    else if ((int64_t)h2->send_window + more > RW_H2_WINDOW_BYTES_MAX)
        rw_h2_fail(h2, RW_H2_FLOW_CONTROL_ERROR, "WINDOW_UPDATE overflows the window");
    else
        h2->send_window += (int32_t)more;
}

static void stream_window(struct rw_h2 *h2, struct rw_h2_stream *stream, uint32_t more)
{
    if (more == 0)
        rw_h2_stream_error(h2, stream, RW_H2_PROTOCOL_ERROR, "WINDOW_UPDATE of nothing");
    else if ((int64_t)stream->send_window + more > RW_H2_WINDOW_BYTES_MAX)
        rw_h2_stream_error(h2, stream, RW_H2_FLOW_CONTROL_ERROR,
                           "WINDOW_UPDATE overflows the window");
    else {
        stream->send_window += (int32_t)more;
        rw_h2_ready(h2, stream);
    }
}

static void window_update_frame(struct rw_h2 *h2, struct rw_h2_frame frame, const char *payload)
{
    if (frame.len != 4) {
        rw_h2_fail(h2, RW_H2_FRAME_SIZE_ERROR, "WINDOW_UPDATE of a wrong size");
        return;
    }
    if (h2->window_updates_due)
        h2->window_updates_due--;
    else
        rw_h2_charge(h2, RW_H2_FLOOD_WINDOW_UPDATES);
    if (h2->ended)
        return;
    uint32_t more = rw_h2_read32(payload) & RW_H2_WINDOW_BYTES_MAX;
    struct rw_h2_stream *stream;
    if (frame.id == 0)
        connection_window(h2, more);
    else if ((stream = rw_h2_stream_find(h2, frame.id)))
        stream_window(h2, stream, more);
    else if (rw_h2_is_idle(h2, frame.id))
        rw_h2_fail(h2, RW_H2_PROTOCOL_ERROR, "WINDOW_UPDATE for an idle stream");
}

/* ---- Priorities ---- */

/* RFC 9113 section 5.3.2: the old scheme is read over. */
static void priority_frame(struct rw_h2 *h2, struct rw_h2_frame frame)
{
    if (frame.id == 0)
        rw_h2_fail(h2, RW_H2_PROTOCOL_ERROR, "PRIORITY on the connection");
    else
        rw_h2_charge(h2, RW_H2_FLOOD_PRIORITIES);
    if (h2->ended || frame.len == 5)
        return;
    struct rw_h2_stream *stream = rw_h2_stream_find(h2, frame.id);
    if (stream)
        rw_h2_stream_error(h2, stream, RW_H2_FRAME_SIZE_ERROR, "PRIORITY of a wrong size");
    else
        rw_h2_fail(h2, RW_H2_FRAME_SIZE_ERROR, "PRIORITY of a wrong size");
}

static void priority_update_frame(struct rw_h2 *h2, struct rw_h2_frame frame, const char *payload)
{
    if (frame.id || !h2->settings->server)
        rw_h2_fail(h2, RW_H2_PROTOCOL_ERROR, "PRIORITY_UPDATE on a stream or from a server");
    else if (frame.len < 4)
        rw_h2_fail(h2, RW_H2_FRAME_SIZE_ERROR, "PRIORITY_UPDATE of a wrong size");
    else
        rw_h2_charge(h2, RW_H2_FLOOD_PRIORITIES);
    if (h2->ended)
        return;
    uint32_t id = rw_h2_read32(payload) & RW_H2_STREAM_ID_MAX;
    struct rw_h2_stream *stream = rw_h2_stream_find(h2, id);
    if (id == 0 || !(id & 1))
        rw_h2_fail(h2, RW_H2_PROTOCOL_ERROR, "PRIORITY_UPDATE for no request");
    else if (stream)
        rw_h2_prioritise(h2, stream, rw_span(payload + 4, frame.len - 4));
    else if (rw_h2_is_idle(h2, id))
        rw_h2_prioritise_early(h2, id, rw_span(payload + 4, frame.len - 4));
}

void rw_h2_control(struct rw_h2 *h2, struct rw_h2_frame frame, const char *payload)
{
    switch (frame.type) {
    case RW_H2_PRIORITY:
        priority_frame(h2, frame);
        break;
    case RW_H2_RST_STREAM:
        rst_stream_frame(h2, frame, payload);
        break;
    case RW_H2_SETTINGS:
        settings_frame(h2, frame, payload);
        break;
    case RW_H2_PUSH_PROMISE:
        rw_h2_fail(h2, RW_H2_PROTOCOL_ERROR, "PUSH_PROMISE");
        break;
    case RW_H2_PING:
        ping_frame(h2, frame, payload);
        break;
    case RW_H2_GOAWAY:
        goaway_frame(h2, frame, payload);
        break;
    case RW_H2_WINDOW_UPDATE:
        window_update_frame(h2, frame, payload);
        break;
    case RW_H2_PRIORITY_UPDATE:
        priority_update_frame(h2, frame, payload);
        break;
    default:
        rw_h2_charge(h2, RW_H2_FLOOD_UNKNOWN);
        break;
    }
}
