#include "gate/cluster/health/health.h"

#include "base/alloc.h"
#include "base/log.h"
#include "base/text.h"
#include "gate/cluster/health/health_h2.h"
#include "http/h1.h"
#include "http/proxy_protocol.h"
#include "io/tls.h"

#include <stdio.h>

enum { TURN_WAIT_MS = 10, REPLY_ARENA_BYTES = 4096, REPLY_HEAP_BYTES_MAX = 64 * 1024 };

struct rw_health {
    struct rw_loop *loop;
    const struct rw_cluster *cluster;
    const struct rw_config_active_health *config;
    struct rw_text request;
    struct probe **probes; /* in the order of the set: by name */
    unsigned count;
    unsigned under_way;
};

/* What has come of a response, while a probe is under way. */
struct reply {
    char bytes[RW_PROBE_HEAD_BYTES_MAX];
    size_t len;
    struct rw_h1_head head;
    struct rw_message message;
    struct rw_arena arena;
    char first[REPLY_ARENA_BYTES];
};

struct probe {
    struct rw_health *health; /* NULL: nobody waits for it; freed once the stream is closed */
    struct rw_endpoint *endpoint;
    struct rw_stream stream;
    bool open;      /* on_closed is still to come */
    bool under_way; /* the timer is the time limit, else it is the time of the next probe */
    struct rw_timer timer;
    uint64_t started_ms;
    struct reply *reply;                    /* HTTP/1 */
    struct rw_probe_h2 *h2;                 /* HTTP/2 */
    char preface[RW_PROXY_WRITE_BYTES_MAX]; /* what goes before the request */
    uint32_t good, bad;                     /* in a row */
    uint32_t good_out;                      /* in a row, since it was ejected */
};

static const struct rw_h1_limits limits = {
    .head_bytes_max = RW_PROBE_HEAD_BYTES_MAX,
    .target_bytes_max = RW_PROBE_HEAD_BYTES_MAX,
    .fields_max = 200,
};

static struct reply *alloc_reply(void)
{
    struct reply *reply = rw_alloc(sizeof(*reply));
    if (!reply)
        return NULL;
    reply->len = 0;
    reply->head = (struct rw_h1_head){0};
    reply->message = (struct rw_message){0};
    rw_arena_init(&reply->arena, reply->first, sizeof(reply->first), REPLY_ARENA_BYTES,
                  REPLY_HEAP_BYTES_MAX);
    return reply;
}

static void free_reply(struct probe *probe)
{
    if (probe->reply)
        rw_arena_free(&probe->reply->arena);
    rw_free(probe->reply);
    probe->reply = NULL;
    rw_probe_h2_free(probe->h2);
    probe->h2 = NULL;
}

static struct probe *probe_of(struct rw_stream *stream)
{
    return rw_container_of(stream, struct probe, stream);
}

/* ---- Results ---- */

static void set_failed(struct probe *probe, bool failed, const char *reason)
{
    const struct rw_cluster *cluster = probe->health->cluster;
    atomic_store_explicit(&probe->endpoint->probe_failed, failed, memory_order_relaxed);
    if (!failed && cluster->passive.slow_start_ms)
        rw_endpoint_return(probe->endpoint, &cluster->passive, rw_loop_now_ms(probe->health->loop));
    rw_cluster_judge_panic(cluster, probe->health->config->panic_percent);
    rw_log_at(failed ? RW_LOG_WARN : RW_LOG_INFO, "health", "upstream %.*s: %.*s is %s: %s",
              RW_SPAN_ARGS(probe->health->cluster->name), RW_SPAN_ARGS(probe->endpoint->name),
              failed ? "down" : "up", reason);
}

/* Requests have failed, and probes say that it is well again: no need to wait for the end of the
 * ejection. */
static void end_ejection(struct probe *probe, bool good)
{
    struct rw_endpoint *endpoint = probe->endpoint;
    uint64_t until_ms = atomic_load_explicit(&endpoint->ejected_until_ms, memory_order_relaxed);
    if (until_ms <= rw_loop_now_ms(probe->health->loop) || !good) {
        probe->good_out = 0;
        return;
    }
    if (++probe->good_out < probe->health->config->healthy_after)
        return;
    probe->good_out = 0;
    rw_endpoint_return(endpoint, &probe->health->cluster->passive,
                       rw_loop_now_ms(probe->health->loop));
    rw_log_info("health", "upstream %.*s: %.*s is not ejected any more: its probes are good",
                RW_SPAN_ARGS(probe->health->cluster->name), RW_SPAN_ARGS(endpoint->name));
}

static void count_result(struct probe *probe, bool good, const char *reason)
{
    const struct rw_config_active_health *config = probe->health->config;
    bool failed = atomic_load_explicit(&probe->endpoint->probe_failed, memory_order_relaxed);
    probe->good = good ? probe->good + 1 : 0;
    probe->bad = good ? 0 : probe->bad + 1;
    end_ejection(probe, good);
    if (failed && good && probe->good >= config->healthy_after)
        set_failed(probe, false, reason);
    else if (!failed && !good && probe->bad >= config->unhealthy_after)
        set_failed(probe, true, reason);
}

/* From the start of the last one, a tenth more or less: so that probes do not come in step. */
static void schedule_next(struct probe *probe)
{
    struct rw_health *health = probe->health;
    uint32_t interval_ms = health->config->interval_ms;
    uint64_t due_ms = probe->started_ms + interval_ms - interval_ms / 10 +
                      rw_random_below(rw_loop_random(health->loop), interval_ms / 5 + 1);
    rw_timer_start(health->loop, &probe->timer, due_ms);
}

static void conclude(struct probe *probe, bool good, const char *reason)
{
    count_result(probe, good, reason); /* first: the reason may be the stream's */
    probe->under_way = false;
    probe->health->under_way--;
    if (probe->open)
        rw_stream_close(&probe->stream);
    free_reply(probe);
    schedule_next(probe);
}

/* ---- The stream of a probe ---- */

static const char *error_text(struct rw_stream *stream, enum rw_err err)
{
    const char *tls = err == RW_ETLS || err == RW_EVERIFY ? rw_tls_error_text(stream) : "";
    return *tls ? tls : rw_err_text(err);
}

/* To endpoints that want a PROXY header: the connection is nobody's. */
static size_t preface_bytes(struct probe *probe)
{
    static const struct sockaddr nobody = {.sa_family = AF_UNSPEC};
    unsigned version = probe->health->cluster->proxy_version;
    return version ? rw_proxy_write(probe->preface, version, &nobody, &nobody) : 0;
}

static bool send_request(struct probe *probe)
{
    if (probe->h2)
        return rw_probe_h2_send(probe->h2, &probe->stream);
    struct iovec parts[2] = {
        {probe->preface, probe->health->cluster->tls ? 0 : preface_bytes(probe)},
        {probe->health->request.at, probe->health->request.len},
    };
    int skip = parts[0].iov_len == 0;
    return rw_stream_send(&probe->stream, parts + skip, 2 - skip) != RW_SEND_FAILED;
}

/* Where the server may choose, and has chosen HTTP/1.1. */
static const char *go_back_to_http1(struct probe *probe)
{
    if (!probe->health->cluster->negotiated)
        return "the server does not agree to HTTP/2 (ALPN)";
    free_reply(probe);
    probe->reply = alloc_reply();
    return probe->reply ? NULL : "out of memory";
}

static void on_open(struct rw_stream *stream, enum rw_err err)
{
    struct probe *probe = probe_of(stream);
    struct rw_tls_info info;
    const char *mistake = err ? error_text(stream, err) : NULL;
    if (!err && probe->h2 && rw_tls_info(stream, &info) && !rw_span_is(info.alpn, "h2"))
        mistake = go_back_to_http1(probe);
    if (mistake)
        conclude(probe, false, mistake);
    else if (!send_request(probe))
        conclude(probe, false, "the request could not be sent");
    else
        rw_stream_receive(stream, true, false);
}

static void judge_status(struct probe *probe, unsigned status)
{
    const struct rw_config_active_health *config = probe->health->config;
    bool good = status >= config->status_min && status <= config->status_max;
    char reason[64];
    snprintf(reason, sizeof(reason), "it answered with status %u", status);
    conclude(probe, good, reason);
}

/* Passes over interim responses (1xx). True: `status` is final. */
static bool parse_reply(struct probe *probe, unsigned *status, const char **mistake)
{
    struct reply *reply = probe->reply;
    for (;;) {
        enum rw_h1_result result =
            rw_h1_parse_response(rw_span(reply->bytes, reply->len), &limits, RW_METHOD_GET,
                                 &reply->arena, &reply->message, &reply->head);
        if (result == RW_H1_BAD)
            *mistake = reply->head.refusal.reason;
        if (result == RW_H1_NO_MEMORY)
            *mistake = "out of memory";
        if (result != RW_H1_COMPLETE)
            return false;
        *status = reply->message.status;
        if (*status >= 200)
            return true;
        reply->len -= reply->head.consumed;
        memmove(reply->bytes, reply->bytes + reply->head.consumed, reply->len);
        reply->head = (struct rw_h1_head){0};
        reply->message = (struct rw_message){0};
    }
}

static void on_h2_data(struct probe *probe, struct rw_buf *buf)
{
    struct rw_probe_result result = rw_probe_h2_receive(probe->h2, buf);
    if (result.status)
        judge_status(probe, result.status);
    else if (result.serving)
        conclude(probe, true, result.serving);
    else if (result.mistake)
        conclude(probe, false, result.mistake);
    else if (!rw_probe_h2_send(probe->h2, &probe->stream)) /* acknowledgements */
        conclude(probe, false, "the request could not be sent");
}

static void on_data(struct rw_stream *stream, struct rw_buf *buf)
{
    struct probe *probe = probe_of(stream);
    if (probe->h2) {
        on_h2_data(probe, buf);
        return;
    }
    struct reply *reply = probe->reply;
    struct rw_span bytes = rw_buf_span(buf);
    size_t room = sizeof(reply->bytes) - reply->len;
    size_t taken = bytes.len < room ? bytes.len : room;
    memcpy(reply->bytes + reply->len, bytes.at, taken);
    reply->len += taken;
    rw_buf_drop(buf);
    unsigned status = 0;
    const char *mistake = NULL;
    if (parse_reply(probe, &status, &mistake))
        judge_status(probe, status);
    else if (mistake)
        conclude(probe, false, mistake);
    else if (reply->len == sizeof(reply->bytes))
        conclude(probe, false, "the response head is too long");
}

static void on_end(struct rw_stream *stream, enum rw_err err)
{
    conclude(probe_of(stream), false,
             err == RW_OK || err == RW_ECLOSED ? "it closed before the response was complete"
                                               : error_text(stream, err));
}

static void on_sent(struct rw_stream *stream, enum rw_err err)
{
    struct probe *probe = probe_of(stream);
    if (err || (probe->h2 && !rw_probe_h2_sent(probe->h2, stream)))
        conclude(probe, false, "the request could not be sent");
}

static void free_probe(struct probe *probe)
{
    rw_endpoint_drop(probe->endpoint);
    free_reply(probe);
    rw_free(probe);
}

static void on_closed(struct rw_stream *stream)
{
    struct probe *probe = probe_of(stream);
    probe->open = false;
    if (!probe->health)
        free_probe(probe);
}

static const struct rw_stream_events events = {.on_open = on_open,
                                               .on_data = on_data,
                                               .on_end = on_end,
                                               .on_sent = on_sent,
                                               .on_closed = on_closed};

/* ---- Beginning a probe ---- */

static struct rw_span probe_host(const struct rw_health *health)
{
    return health->config->host.len ? health->config->host : health->cluster->name;
}

/* False: no memory. */
static bool prepare(struct probe *probe)
{
    const struct rw_health *health = probe->health;
    if (!health->cluster->http2 && !health->cluster->negotiated) {
        probe->reply = alloc_reply();
        return probe->reply;
    }
    const struct rw_probe_request request = {
        .path = health->config->path,
        .host = probe_host(health),
        .grpc = health->config->grpc,
        .https = health->cluster->tls,
    };
    probe->h2 = rw_probe_h2_create(health->loop, health->cluster, &request);
    return probe->h2;
}

static void begin(struct probe *probe)
{
    struct rw_health *health = probe->health;
    const struct rw_endpoint *endpoint = probe->endpoint;
    struct rw_connect_options options = rw_endpoint_connect_options(endpoint);
    options.tls = health->cluster->tls;
    options.tls_name =
        health->cluster->tls_name.len || !endpoint->host.len ? NULL : endpoint->host.at;
    options.tls_preface = rw_span(probe->preface, preface_bytes(probe));
    probe->started_ms = rw_loop_now_ms(health->loop);
    /* Want of memory or descriptors here says nothing about the endpoint. */
    enum rw_err err = prepare(probe)
                          ? rw_stream_connect(health->loop, &probe->stream, &events, &options)
                          : RW_ENOMEM;
    if (err == RW_ENOMEM || err == RW_ELIMIT) {
        free_reply(probe);
        schedule_next(probe);
        return;
    }
    probe->under_way = true;
    health->under_way++;
    if (err) {
        conclude(probe, false, rw_err_text(err));
        return;
    }
    probe->open = true;
    rw_timer_start(health->loop, &probe->timer, probe->started_ms + health->config->timeout_ms);
}

static void on_timer(struct rw_timer *timer)
{
    struct probe *probe = rw_container_of(timer, struct probe, timer);
    struct rw_health *health = probe->health;
    if (probe->under_way)
        conclude(probe, false, "it did not answer in time");
    else if (probe->open || health->under_way >= RW_PROBES_UNDER_WAY_MAX)
        rw_timer_start(health->loop, timer, rw_loop_now_ms(health->loop) + TURN_WAIT_MS);
    else
        begin(probe);
}

/* ---- All probes of a cluster ---- */

static struct probe *add_probe(struct rw_health *health, struct rw_endpoint *endpoint)
{
    struct probe *probe = rw_alloc_zero(sizeof(*probe));
    if (!probe)
        return NULL;
    probe->health = health;
    probe->endpoint = rw_endpoint_hold(endpoint);
    probe->timer.fire = on_timer;
    rw_timer_start(health->loop, &probe->timer, rw_loop_now_ms(health->loop));
    return probe;
}

static void remove_probe(struct probe *probe)
{
    struct rw_health *health = probe->health;
    rw_timer_stop(health->loop, &probe->timer);
    if (probe->under_way)
        health->under_way--;
    probe->health = NULL;
    if (probe->open)
        rw_stream_close(&probe->stream);
    else
        free_probe(probe);
}

enum rw_err rw_health_create(struct rw_loop *loop, const struct rw_cluster *cluster,
                             const struct rw_config_active_health *config,
                             struct rw_health **health)
{
    struct rw_health *made = rw_alloc_zero(sizeof(*made));
    if (!made)
        return RW_ENOMEM;
    made->loop = loop;
    made->cluster = cluster;
    made->config = config;
    struct rw_span host = probe_host(made);
    rw_text_addf(&made->request,
                 "GET %.*s HTTP/1.1\r\nHost: %.*s\r\nUser-Agent: ringway-health\r\n"
                 "Accept: */*\r\nConnection: close\r\n\r\n",
                 RW_SPAN_ARGS(config->path), RW_SPAN_ARGS(host));
    if (made->request.err) {
        rw_health_destroy(made);
        return RW_ENOMEM;
    }
    *health = made;
    return RW_OK;
}

static bool same_question(const struct rw_config_active_health *a,
                          const struct rw_config_active_health *b)
{
    return rw_span_eq(a->path, b->path) && rw_span_eq(a->host, b->host) && !a->grpc == !b->grpc &&
           (!a->grpc || rw_span_eq(a->grpc->service, b->grpc->service));
}

static bool same_judgement(const struct rw_config_active_health *a,
                           const struct rw_config_active_health *b)
{
    return a->interval_ms == b->interval_ms && a->timeout_ms == b->timeout_ms &&
           a->healthy_after == b->healthy_after && a->unhealthy_after == b->unhealthy_after &&
           a->status_min == b->status_min && a->status_max == b->status_max;
}

static bool same_way(const struct rw_cluster *a, const struct rw_cluster *b)
{
    return !a->tls == !b->tls && rw_span_eq(a->tls_name, b->tls_name) && a->http2 == b->http2 &&
           a->negotiated == b->negotiated && a->proxy_version == b->proxy_version;
}

bool rw_health_hand_over(struct rw_health *health, const struct rw_cluster *cluster,
                         const struct rw_config_active_health *config)
{
    if (!same_question(health->config, config) || !same_judgement(health->config, config) ||
        !same_way(health->cluster, cluster))
        return false;
    health->cluster = cluster;
    health->config = config;
    return true;
}

static int compare_names(struct rw_span a, struct rw_span b)
{
    int order = memcmp(a.at, b.at, a.len < b.len ? a.len : b.len);
    return order ? order : a.len < b.len ? -1 : a.len > b.len;
}

/* The probe of this endpoint, if there is one; all before it belong to endpoints that have gone. */
static struct probe *take_known(struct rw_health *health, unsigned *next,
                                const struct rw_endpoint *endpoint)
{
    while (*next < health->count) {
        struct probe *probe = health->probes[*next];
        if (probe->endpoint != endpoint && compare_names(probe->endpoint->name, endpoint->name) > 0)
            return NULL;
        ++*next;
        if (probe->endpoint == endpoint)
            return probe;
        remove_probe(probe);
    }
    return NULL;
}

enum rw_err rw_health_sync(struct rw_health *health, const struct rw_endpoint_set *set)
{
    enum rw_err err = RW_OK;
    struct probe **probes = rw_alloc((set->count + 1) * sizeof(struct probe *));
    if (!probes)
        return RW_ENOMEM;
    unsigned next = 0, count = 0;
    for (unsigned i = 0; i < set->count; i++) {
        struct probe *probe = take_known(health, &next, set->endpoints[i]);
        if (!probe)
            probe = add_probe(health, set->endpoints[i]);
        if (probe)
            probes[count++] = probe;
        else
            err = RW_ENOMEM;
    }
    while (next < health->count)
        remove_probe(health->probes[next++]);
    rw_free(health->probes);
    health->probes = probes;
    health->count = count;
    return err;
}

void rw_health_destroy(struct rw_health *health)
{
    if (!health)
        return;
    for (unsigned i = 0; i < health->count; i++)
        remove_probe(health->probes[i]);
    rw_free(health->probes);
    rw_text_free(&health->request);
    rw_free(health);
}
