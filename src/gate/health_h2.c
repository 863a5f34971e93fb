#include "gate/health_h2.h"

#include "base/alloc.h"
#include "base/slab.h"
#include "gate/health.h"
#include "http/h2.h"

enum { ARENA_BLOCK_BYTES = 4096, ARENA_BYTES_MAX = 4 * RW_PROBE_HEAD_BYTES_MAX, FIELDS_MAX = 200 };

struct rw_probe_h2 {
    struct rw_h2 h2;
    struct rw_h2_settings settings;
    struct rw_slab streams;
    struct rw_loop *loop;
    struct rw_message message;
    struct rw_arena arena;
    struct rw_probe_result result;
    bool sending;
};

static struct rw_probe_h2 *probe_of(struct rw_h2 *h2)
{
    return rw_container_of(h2, struct rw_probe_h2, h2);
}

static void mistake(struct rw_probe_h2 *probe, const char *text)
{
    if (!probe->result.status && !probe->result.mistake)
        probe->result.mistake = text;
}

/* ---- Events of the engine ---- */

static struct rw_h2_target on_target(struct rw_h2 *h2, struct rw_h2_stream *stream)
{
    (void)stream;
    struct rw_probe_h2 *probe = probe_of(h2);
    probe->message = (struct rw_message){0};
    return (struct rw_h2_target){&probe->arena, &probe->message};
}

static void on_head(struct rw_h2 *h2, struct rw_h2_stream *stream, unsigned status, bool end)
{
    (void)stream, (void)status, (void)end;
    struct rw_probe_h2 *probe = probe_of(h2);
    if (probe->message.status >= 200)
        probe->result.status = probe->message.status;
}

static enum rw_h2_more on_data(struct rw_h2 *h2, struct rw_h2_stream *stream, struct rw_buf *buf,
                               struct rw_span data, bool end, struct rw_span trailers)
{
    (void)h2, (void)stream, (void)buf, (void)data, (void)end, (void)trailers;
    return RW_H2_HOLD; /* nobody waits for the body */
}

static void on_reset(struct rw_h2 *h2, struct rw_h2_stream *stream, enum rw_h2_code code)
{
    (void)stream;
    mistake(probe_of(h2), h2->reason ? h2->reason : rw_h2_code_name(code));
}

static void on_error(struct rw_h2 *h2, enum rw_h2_code code, enum rw_h2_flood flood,
                     const char *text)
{
    (void)code, (void)flood;
    mistake(probe_of(h2), text);
}

static void on_stream(struct rw_h2 *h2, struct rw_h2_stream *stream)
{
    (void)h2, (void)stream;
}

static void on_connection(struct rw_h2 *h2)
{
    (void)h2;
}

static void on_goaway(struct rw_h2 *h2, enum rw_h2_code code)
{
    (void)h2, (void)code;
}

static const struct rw_h2_events events = {
    .on_target = on_target,
    .on_head = on_head,
    .on_data = on_data,
    .on_writable = on_stream,
    .on_reset = on_reset,
    .on_output = on_connection,
    .on_goaway = on_goaway,
    .on_settings = on_connection,
    .on_pong = on_connection,
    .on_error = on_error,
};

/* ---- For the health check ---- */

static bool put_request(struct rw_probe_h2 *probe, const struct rw_probe_request *request)
{
    struct rw_h2 *h2 = &probe->h2;
    struct rw_h2_stream *stream = rw_h2_stream_open(h2, probe);
    if (!stream || !rw_h2_head_begin(h2, stream, request->path.len + request->host.len + 256, 8))
        return false;
    rw_h2_put_pseudo(h2, RW_PSEUDO_METHOD, RW_LITERAL("GET"));
    rw_h2_put_pseudo(h2, RW_PSEUDO_SCHEME,
                     request->https ? RW_LITERAL("https") : RW_LITERAL("http"));
    rw_h2_put_pseudo(h2, RW_PSEUDO_AUTHORITY, request->host);
    rw_h2_put_pseudo(h2, RW_PSEUDO_PATH, request->path);
    rw_h2_put_field(h2, RW_FIELD_USER_AGENT, RW_LITERAL("user-agent"),
                    RW_LITERAL("ringway-health"));
    rw_h2_put_field(h2, RW_FIELD_ACCEPT, RW_LITERAL("accept"), RW_LITERAL("*/*"));
    rw_h2_head_end(h2, stream, true, false);
    return true;
}

struct rw_probe_h2 *rw_probe_h2_create(struct rw_loop *loop, const struct rw_cluster *cluster,
                                       const struct rw_probe_request *request)
{
    struct rw_probe_h2 *probe = rw_alloc_zero(sizeof(*probe));
    if (!probe)
        return NULL;
    probe->loop = loop;
    probe->settings = cluster->http2_settings.settings;
    probe->settings.head_bytes_max = probe->settings.block_bytes_max = RW_PROBE_HEAD_BYTES_MAX;
    probe->settings.fields_max = FIELDS_MAX;
    rw_slab_init(&probe->streams, sizeof(struct rw_h2_stream), 1, 1);
    rw_arena_init(&probe->arena, NULL, 0, ARENA_BLOCK_BYTES, ARENA_BYTES_MAX);
    if (rw_h2_open(&probe->h2, &probe->settings, &events, rw_loop_buffers(loop), &probe->streams,
                   probe)) {
        rw_free(probe);
        return NULL;
    }
    if (!put_request(probe, request)) {
        rw_probe_h2_free(probe);
        return NULL;
    }
    return probe;
}

bool rw_probe_h2_send(struct rw_probe_h2 *probe, struct rw_stream *stream)
{
    struct iovec parts[RW_SEND_PARTS_MAX];
    int count;
    rw_h2_wake(&probe->h2);
    while (!probe->sending && (count = rw_h2_output(&probe->h2, parts, RW_SEND_PARTS_MAX)) > 0) {
        enum rw_send sent = rw_stream_send(stream, parts, count);
        if (sent == RW_SEND_FAILED)
            return false;
        if (sent == RW_SEND_DONE)
            rw_h2_output_sent(&probe->h2);
        else
            probe->sending = true;
    }
    return true;
}

bool rw_probe_h2_sent(struct rw_probe_h2 *probe, struct rw_stream *stream)
{
    probe->sending = false;
    rw_h2_output_sent(&probe->h2);
    return rw_probe_h2_send(probe, stream);
}

struct rw_probe_result rw_probe_h2_receive(struct rw_probe_h2 *probe, struct rw_buf *buf)
{
    rw_h2_receive(&probe->h2, buf, rw_loop_now_ms(probe->loop));
    return probe->result;
}

void rw_probe_h2_free(struct rw_probe_h2 *probe)
{
    if (!probe)
        return;
    rw_h2_close(&probe->h2, RW_H2_CANCEL);
    rw_slab_destroy(&probe->streams);
    rw_arena_free(&probe->arena);
    rw_free(probe);
}
