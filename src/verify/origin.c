#include "verify/origin.h"

#include "base/alloc.h"
#include "http/h1.h"
#include "io/listen.h"
#include "io/stream.h"
#include "io/tls.h"

#include <math.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

enum { HEAD_BYTES_MAX = 64 * 1024, INPUT_BYTES_MAX = 1 << 20 };

/* An answer's bytes, made once. */
struct answer {
    struct rw_span head, body;
};

struct server {
    const struct rw_verify_origin *origin;
    struct rw_origin_counts *counts;
    struct rw_loop *loop;
    struct rw_random random;
    struct rw_listener listener;
    struct rw_tls_server *tls; /* NULL: plain */
    struct answer good, bad;
    struct rw_arena arena;
};

struct connection {
    struct rw_stream stream;
    struct server *server;
    struct rw_timer timer; /* until the answer is due */
    struct rw_text input;  /* what has come and is not read yet */
    struct rw_h1_body body;
    uint64_t write; /* its number; UINT64_MAX: it has none */
    bool in_body, busy, head_only, keep;
};

/* ---- Counts ---- */

enum rw_err rw_origin_counts_map(int fd, struct rw_origin_counts **counts)
{
    void *at = mmap(NULL, sizeof(**counts), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    *counts = at == MAP_FAILED ? NULL : at;
    return *counts ? RW_OK : RW_EINVAL;
}

enum rw_err rw_origin_counts_open(struct rw_origin_counts **counts, int *fd)
{
    *counts = NULL;
    *fd = memfd_create("ringway-verify-counts", 0);
    if (*fd < 0)
        return RW_EIO;
    if (ftruncate(*fd, sizeof(**counts)) == 0 && !rw_origin_counts_map(*fd, counts))
        return RW_OK;
    close(*fd);
    *fd = -1;
    return RW_ENOMEM;
}

void rw_origin_counts_close(struct rw_origin_counts *counts, int fd)
{
    if (counts)
        munmap(counts, sizeof(*counts));
    if (fd >= 0)
        close(fd);
}

/* ---- What the latency is ---- */

/* From 0 to 1, never 1. */
static double uniform(struct rw_random *random)
{
    return (double)(rw_random_u64(random) >> 11) * 0x1p-53;
}

uint32_t rw_origin_latency_ms(const struct rw_verify_origin *origin, struct rw_random *random)
{
    double mean = origin->latency_ms;
    if (uniform(random) * 100 < origin->slow_percent)
        return origin->slow_ms;
    switch ((enum rw_origin_distribution)origin->distribution) {
    case RW_ORIGIN_CONSTANT:
        break;
    case RW_ORIGIN_UNIFORM:
        return (uint32_t)lround(2 * mean * uniform(random));
    case RW_ORIGIN_EXPONENTIAL:
        return (uint32_t)lround(-mean * log1p(-uniform(random)));
    }
    return origin->latency_ms;
}

/* ---- Answers ---- */

static enum rw_err make_answer(struct server *server, const char *status, size_t body_bytes,
                               struct answer *answer)
{
    char *body = rw_arena_alloc(&server->arena, body_bytes + 1);
    if (!body)
        return RW_ENOMEM;
    memset(body, 'x', body_bytes);
    if (body_bytes)
        body[body_bytes - 1] = '\n';
    answer->body = rw_span(body, body_bytes);
    answer->head = rw_arena_format(&server->arena,
                                   "HTTP/1.1 %s\r\nContent-Type: text/plain\r\n"
                                   "Content-Length: %zu\r\n\r\n",
                                   status, body_bytes);
    return answer->head.at ? RW_OK : RW_ENOMEM;
}

static void advance(struct connection *c);

static void finish(struct connection *c)
{
    atomic_fetch_add(&c->server->counts->answers, 1);
    c->busy = false;
    if (!c->keep) {
        rw_stream_close(&c->stream);
        return;
    }
    rw_stream_receive(&c->stream, true, false);
    advance(c);
}

static void on_due(struct rw_timer *timer)
{
    struct connection *c = rw_container_of(timer, struct connection, timer);
    struct server *server = c->server;
    bool fails = uniform(&server->random) * 100 < server->origin->error_percent;
    const struct answer *answer = fails ? &server->bad : &server->good;
    struct iovec parts[] = {
        {.iov_base = (char *)answer->head.at, .iov_len = answer->head.len},
        {.iov_base = (char *)answer->body.at, .iov_len = answer->body.len},
    };
    int count = c->head_only || !answer->body.len ? 1 : 2;
    switch (rw_stream_send(&c->stream, parts, count)) {
    case RW_SEND_DONE:
        finish(c);
        break;
    case RW_SEND_PENDING:
        break;
    case RW_SEND_FAILED:
        rw_stream_close(&c->stream);
    }
}

/* ---- Requests ---- */

/* Timers tick in milliseconds, and the turn began within one: never earlier than asked for. */
static void take_request(struct connection *c)
{
    struct server *server = c->server;
    uint32_t latency_ms = rw_origin_latency_ms(server->origin, &server->random);
    atomic_fetch_add(&server->counts->requests, 1);
    if (c->write < RW_LEDGER_WRITES_MAX && atomic_load(&server->counts->seen[c->write]) < UINT8_MAX)
        atomic_fetch_add(&server->counts->seen[c->write], 1);
    c->in_body = false;
    c->busy = true;
    rw_stream_receive(&c->stream, false, false);
    if (latency_ms)
        rw_timer_start(server->loop, &c->timer, rw_loop_now_ms(server->loop) + latency_ms + 1);
    else
        on_due(&c->timer);
}

static void drop_input(struct connection *c, size_t bytes)
{
    memmove(c->input.at, c->input.at + bytes, c->input.len - bytes);
    c->input.len -= bytes;
}

static uint64_t write_of(const struct rw_message *message)
{
    const struct rw_field *field = rw_message_find_name(message, RW_LITERAL(RW_LEDGER_FIELD));
    uint64_t number;
    return field && rw_span_to_u64(field->value, &number) ? number : UINT64_MAX;
}

/* False: more is needed, or the connection is over. */
static bool take_head(struct connection *c)
{
    char memory[HEAD_BYTES_MAX];
    struct rw_arena scratch;
    struct rw_message message = {0};
    struct rw_h1_head head = {0};
    rw_arena_init(&scratch, memory, sizeof(memory), 4096, 0);
    switch (rw_h1_parse_request(rw_text_span(&c->input), &rw_h1_limits_default, &scratch, &message,
                                &head)) {
    case RW_H1_COMPLETE:
        break;
    case RW_H1_INCOMPLETE:
        return false;
    default:
        rw_stream_close(&c->stream);
        return false;
    }
    c->head_only = message.method == RW_METHOD_HEAD;
    c->keep = message.keep_alive;
    c->write = write_of(&message);
    c->in_body = true;
    rw_h1_body_start(&c->body, &message);
    drop_input(c, head.consumed);
    return true;
}

static bool take_body(struct connection *c)
{
    struct rw_span bytes = rw_text_span(&c->input), data;
    enum rw_h1_body_event event;
    do {
        event = rw_h1_body_next(&c->body, &rw_h1_limits_default, &bytes, &data, NULL);
    } while (event == RW_H1_BODY_DATA);
    drop_input(c, c->input.len - bytes.len);
    if (event == RW_H1_BODY_END)
        take_request(c);
    else if (event == RW_H1_BODY_BAD)
        rw_stream_close(&c->stream);
    return event == RW_H1_BODY_END;
}

static void advance(struct connection *c)
{
    while (!c->busy && c->input.len && !rw_stream_closing(&c->stream)) {
        if (!c->in_body && !take_head(c))
            return;
        if (!take_body(c))
            return;
    }
}

/* ---- Connections ---- */

static struct connection *connection_of(struct rw_stream *stream)
{
    return rw_container_of(stream, struct connection, stream);
}

/* With TLS: the handshake is over. */
static void on_open(struct rw_stream *stream, enum rw_err err)
{
    if (err)
        rw_stream_close(stream);
}

static void on_data(struct rw_stream *stream, struct rw_buf *buf)
{
    struct connection *c = connection_of(stream);
    rw_text_add(&c->input, rw_buf_span(buf));
    rw_buf_drop(buf);
    if (c->input.err || c->input.len > INPUT_BYTES_MAX)
        rw_stream_close(stream);
    else
        advance(c);
}

static void on_end(struct rw_stream *stream, enum rw_err err)
{
    (void)err;
    rw_stream_close(stream);
}

static void on_sent(struct rw_stream *stream, enum rw_err err)
{
    if (err)
        rw_stream_close(stream);
    else
        finish(connection_of(stream));
}

static void on_closed(struct rw_stream *stream)
{
    struct connection *c = connection_of(stream);
    rw_timer_stop(c->server->loop, &c->timer);
    rw_text_free(&c->input);
    rw_free(c);
}

static const struct rw_stream_events events = {
    .on_open = on_open,
    .on_data = on_data,
    .on_end = on_end,
    .on_sent = on_sent,
    .on_closed = on_closed,
};

static void on_accept(struct rw_listener *listener, int fd, const struct sockaddr_storage *peer)
{
    struct server *server = rw_container_of(listener, struct server, listener);
    struct connection *c = rw_alloc_zero(sizeof(*c));
    (void)peer;
    if (!c) {
        rw_listener_refuse(listener, fd);
        return;
    }
    c->server = server;
    c->timer.fire = on_due;
    if (rw_stream_attach(server->loop, &c->stream, &events, fd, server->tls)) {
        rw_free(c);
        return;
    }
    atomic_fetch_add(&server->counts->connections, 1);
    rw_stream_receive(&c->stream, true, false);
}

/* ---- The server ---- */

static enum rw_err open_tls(struct server *server, const char *identity)
{
    static const struct rw_span protocol = RW_LITERAL("http/1.1");
    const struct rw_tls_certificate_files files = {rw_span_text(identity), rw_span_text(identity)};
    const struct rw_tls_server_options options = {
        .certificates = &files, .certificate_count = 1, .alpn = &protocol, .alpn_count = 1};
    struct rw_text why = {0};
    enum rw_err err = rw_tls_server_create(&options, &server->tls, &why);
    if (why.len)
        fprintf(stderr, "ringway verify: %s\n", why.at);
    rw_text_free(&why);
    return err;
}

static enum rw_err open_server(struct server *server, const struct rw_address *address)
{
    /* A ring of io_uring, and with it the listening socket, outlives a process that is killed. */
    const struct rw_loop_options options = {.backend = RW_LOOP_EPOLL};
    enum rw_err err =
        make_answer(server, "200 OK", (size_t)server->origin->body_bytes, &server->good);
    if (!err)
        err = make_answer(server, "503 Service Unavailable", 0, &server->bad);
    if (!err)
        err = rw_listen_open(address, &(struct rw_listen_options){0}, &server->listener.fd, NULL);
    if (!err)
        err = rw_loop_create(&options, &server->loop);
    server->listener.loop = server->loop;
    server->listener.on_accept = on_accept;
    return err ? err : rw_listener_start(server->loop, &server->listener);
}

enum rw_err rw_origin_serve(const struct rw_verify_origin *origin, const struct rw_address *address,
                            uint64_t seed, struct rw_origin_counts *counts, const char *identity)
{
    static struct rw_origin_counts nobodys; /* too large for a stack */
    struct server server = {.origin = origin, .counts = counts ? counts : &nobodys};
    rw_arena_init(&server.arena, NULL, 0, 4096, 64u << 20);
    rw_random_seed(&server.random, seed);
    enum rw_err err = identity ? open_tls(&server, identity) : RW_OK;
    if (!err)
        err = open_server(&server, address);
    if (!err)
        rw_loop_run(server.loop);
    rw_arena_free(&server.arena);
    return err;
}
