#include "gate/cluster/health/health_h2.h"

#include "base/alloc.h"
#include "base/slab.h"
#include "gate/cluster/health/health.h"
#include "http/grpc_health.h"
#include "http/h2.h"

#include <stdio.h>

enum {
    ARENA_BLOCK_BYTES = 4096,
    ARENA_BYTES_MAX = 4 * RW_PROBE_HEAD_BYTES_MAX,
    FIELDS_MAX = 200,
    ANSWER_BYTES_MAX = 256, /* HealthCheckResponse has two bytes */
    TEXT_BYTES_MAX = 64,
};

struct rw_probe_h2 {
    struct rw_h2 h2;
    struct rw_h2_settings settings;
    struct rw_slab streams;
    struct rw_loop *loop;
    struct rw_message message;
    struct rw_arena arena;
    struct rw_probe_result result;
    bool sending;
    /* Of gRPC: what is asked, what has come. */
    bool grpc;
    char question[RW_GRPC_HEALTH_REQUEST_BYTES_MAX];
    char answer[ANSWER_BYTES_MAX];
    size_t answer_bytes;
    char text[TEXT_BYTES_MAX];
};

static struct rw_probe_h2 *probe_of(struct rw_h2 *h2)
{
    return rw_container_of(h2, struct rw_probe_h2, h2);
}

static bool is_known(const struct rw_probe_result *result)
{
    return result->status || result->serving || result->mistake;
}

static void mistake(struct rw_probe_h2 *probe, const char *text)
{
    if (!is_known(&probe->result))
        probe->result.mistake = text;
}

/* ---- What gRPC says ---- */

static void mistake_number(struct rw_probe_h2 *probe, const char *before, unsigned number,
                           const char *behind)
{
    snprintf(probe->text, sizeof(probe->text), "%s%u%s", before, number, behind);
    mistake(probe, probe->text);
}

static void judge_message(struct rw_probe_h2 *probe)
{
    enum rw_grpc_health health = rw_grpc_health_answer(rw_span(probe->answer, probe->answer_bytes));
    if (health != RW_GRPC_HEALTH_SERVING)
        mistake(probe, rw_grpc_health_text(health));
    else if (!is_known(&probe->result))
        probe->result.serving = rw_grpc_health_text(health);
}

/* The call has ended with this grpc-status. */
static void judge_call(struct rw_probe_h2 *probe, bool told, uint64_t status)
{
    enum { NOT_FOUND = 5, UNIMPLEMENTED = 12, STATUS_MAX = 999 };
    if (!told)
        mistake(probe, "its answer has no grpc-status");
    else if (status == NOT_FOUND)
        mistake(probe, rw_grpc_health_text(RW_GRPC_HEALTH_SERVICE_UNKNOWN));
    else if (status == UNIMPLEMENTED)
        mistake(probe, "it has no service grpc.health.v1.Health");
    else if (status)
        mistake_number(probe, "the call ended with the status ",
                       (unsigned)(status < STATUS_MAX ? status : STATUS_MAX), " of gRPC");
    else
        judge_message(probe);
}

static void take_grpc_head(struct rw_probe_h2 *probe, bool end)
{
    const struct rw_message *head = &probe->message;
    const struct rw_field *field = rw_message_find_name(head, RW_LITERAL("grpc-status"));
    uint64_t status = 0;
    if (head->status != 200) {
        mistake_number(probe, "it answered with status ", head->status, "");
        return;
    }
    bool told = field && rw_span_to_u64(field->value, &status);
    if (end || (told && status))
        judge_call(probe, told, status);
}

static void take_grpc_data(struct rw_probe_h2 *probe, struct rw_span data, bool end,
                           struct rw_span trailers)
{
    uint64_t status = 0;
    if (data.len > sizeof(probe->answer) - probe->answer_bytes) {
        mistake(probe, rw_grpc_health_text(RW_GRPC_HEALTH_BAD));
        return;
    }
    if (data.len)
        memcpy(probe->answer + probe->answer_bytes, data.at, data.len);
    probe->answer_bytes += data.len;
    if (end) {
        bool told = rw_grpc_status_of(trailers, &status);
        judge_call(probe, told, status);
    }
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
    (void)stream, (void)status;
    struct rw_probe_h2 *probe = probe_of(h2);
    if (probe->message.status < 200)
        return;
    if (probe->grpc)
        take_grpc_head(probe, end);
    else
        probe->result.status = probe->message.status;
}

static enum rw_h2_more on_data(struct rw_h2 *h2, struct rw_h2_stream *stream, struct rw_buf *buf,
                               struct rw_span data, bool end, struct rw_span trailers)
{
    (void)stream, (void)buf;
    struct rw_probe_h2 *probe = probe_of(h2);
    if (!probe->grpc)
        return RW_H2_HOLD; /* nobody waits for the body */
    take_grpc_data(probe, data, end, trailers);
    return RW_H2_GO;
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

static void put_method(struct rw_probe_h2 *probe, const struct rw_probe_request *request)
{
    struct rw_h2 *h2 = &probe->h2;
    rw_h2_put_pseudo(h2, RW_PSEUDO_METHOD, probe->grpc ? RW_LITERAL("POST") : RW_LITERAL("GET"));
    rw_h2_put_pseudo(h2, RW_PSEUDO_SCHEME,
                     request->https ? RW_LITERAL("https") : RW_LITERAL("http"));
    rw_h2_put_pseudo(h2, RW_PSEUDO_AUTHORITY, request->host);
    rw_h2_put_pseudo(h2, RW_PSEUDO_PATH, probe->grpc ? RW_GRPC_HEALTH_PATH : request->path);
    rw_h2_put_field(h2, RW_FIELD_USER_AGENT, RW_LITERAL("user-agent"),
                    RW_LITERAL("ringway-health"));
}

static void put_call(struct rw_probe_h2 *probe, struct rw_h2_stream *stream, struct rw_span service)
{
    static const struct rw_span no_trailers;
    struct rw_h2 *h2 = &probe->h2;
    rw_h2_put_field(h2, RW_FIELD_CONTENT_TYPE, RW_LITERAL("content-type"),
                    RW_LITERAL("application/grpc"));
    rw_h2_put_field(h2, RW_FIELD_TE, RW_LITERAL("te"), RW_LITERAL("trailers"));
    rw_h2_head_end(h2, stream, false, false);
    size_t bytes = rw_grpc_health_request(probe->question, service);
    /* What cannot leave yet is held, and lives long enough. */
    (void)rw_h2_data(h2, stream, NULL, rw_span(probe->question, bytes), true, no_trailers);
}

static bool put_request(struct rw_probe_h2 *probe, const struct rw_probe_request *request)
{
    struct rw_h2 *h2 = &probe->h2;
    struct rw_h2_stream *stream = rw_h2_stream_open(h2, probe);
    if (!stream || !rw_h2_head_begin(h2, stream, request->path.len + request->host.len + 256, 8))
        return false;
    probe->grpc = request->grpc;
    put_method(probe, request);
    if (probe->grpc) {
        put_call(probe, stream, request->grpc->service);
        return true;
    }
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
