/* Answers without an exchange: to bytes that are no request, to a head that came too slowly, and
 * when there is no memory. Told in the access log and the metrics as exchanges are. */
#include "gate/front/front_h1_connection.h"

#include <stdio.h>

static void write_line(const struct rw_h1_connection *c, const struct rw_h1_refused *refused,
                       size_t bytes_in, size_t bytes_out)
{
    static const struct rw_message unknown;
    struct rw_worker *worker = rw_h1_worker(c);
    const struct rw_message *request = refused->request ? refused->request : &unknown;
    struct rw_access_record record = {
        .wall_ns = rw_loop_wall_ns(worker->loop),
        .client = &c->client.peer.any,
        .method = request->method_text,
        .scheme = c->client.tls ? RW_LITERAL("https") : RW_LITERAL("http"),
        .path = request->path,
        .protocol = rw_front_h1.protocol,
        .reason = rw_span_text(rw_reason_name(refused->reason)),
        .status = refused->status,
        .bytes_in = bytes_in,
        .bytes_out = bytes_out,
        .upstream_us = UINT64_MAX,
    };
    if (!rw_access_write(worker->access, &record))
        rw_worker_count(worker, RW_COUNTER_LOG_LINES_DROPPED, 1);
}

static void tell(const struct rw_h1_connection *c, const struct rw_h1_refused *refused,
                 size_t bytes_out)
{
    struct rw_worker *worker = rw_h1_worker(c);
    size_t bytes_in = c->in ? rw_buf_span(c->in).len : 0;
    struct rw_series_cell *cell =
        rw_metrics_cell(worker->metrics, worker->snapshot->route_series_none);
    rw_metrics_observe(cell, refused->status / 100, 0, bytes_in, bytes_out);
    if (worker->access)
        write_line(c, refused, bytes_in, bytes_out);
}

/* Bytes of the whole answer; `body_bytes` of it are the body. */
static size_t put_answer(const struct rw_h1_connection *c, const struct rw_h1_refused *refused,
                         struct rw_buf *buf, size_t *body_bytes)
{
    bool with_reason = rw_client_settings(&c->client)->config->reason_header;
    struct rw_span date = rw_worker_date(rw_h1_worker(c));
    const char *phrase = rw_status_reason(refused->status);
    int body = snprintf(NULL, 0, RW_PROBLEM_FORMAT, phrase, refused->status, refused->detail);
    int len = snprintf(
        buf->data, buf->room,
        "HTTP/1.1 %u %s\r\nDate: %.*s\r\nContent-Type: application/problem+json\r\n%s%s%s"
        "Connection: close\r\nContent-Length: %d\r\n\r\n" RW_PROBLEM_FORMAT,
        refused->status, phrase, RW_SPAN_ARGS(date), with_reason ? "X-Ringway-Reason: " : "",
        with_reason ? rw_reason_name(refused->reason) : "", with_reason ? "\r\n" : "", body, phrase,
        refused->status, refused->detail);
    rw_assert(len > 0 && (size_t)len < buf->room);
    *body_bytes = (size_t)body;
    return (size_t)len;
}

void rw_h1_refuse(struct rw_h1_connection *c, const struct rw_h1_refused *refused)
{
    struct rw_buf *buf = rw_buf_get(rw_loop_buffers(rw_h1_worker(c)->loop), RW_BUF_SMALL_BYTES);
    size_t body_bytes = 0;
    size_t len = buf ? put_answer(c, refused, buf, &body_bytes) : 0;
    tell(c, refused, body_bytes);
    rw_buf_drop(c->in);
    c->in = buf;
    if (!buf) {
        rw_h1_close(c);
        return;
    }
    struct iovec part = {.iov_base = buf->data, .iov_len = len};
    c->client.phase = RW_H1_REFUSED;
    switch (rw_stream_send(&c->client.stream, &part, 1)) {
    case RW_SEND_DONE:
        rw_h1_linger(c);
        break;
    case RW_SEND_PENDING:
        rw_client_deadline_in(&c->client, rw_client_settings(&c->client)->timeouts->send_idle_ms);
        break;
    default:
        rw_h1_close(c);
    }
}

void rw_h1_refuse_malformed(struct rw_h1_connection *c, unsigned status, const char *detail,
                            const struct rw_message *request)
{
    struct rw_h1_refused refused = {
        .status = status, .reason = RW_REASON_MALFORMED, .detail = detail, .request = request};
    rw_client_malformed(&c->client, status, detail);
    rw_h1_refuse(c, &refused);
}

void rw_h1_refuse_for_memory(struct rw_h1_connection *c)
{
    struct rw_h1_refused refused = {.status = rw_reason_status(RW_REASON_MEMORY),
                                    .reason = RW_REASON_MEMORY,
                                    .detail = rw_reason_text(RW_REASON_MEMORY)};
    rw_h1_refuse(c, &refused);
}
